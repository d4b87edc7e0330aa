"""Reports -> vectors, weighted by the articles around them, and those -> similar pairs."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from dedup.archive.arrow import to_texts
from dedup.archive.encode import CloseReports, close_reports
from dedup.archive.gathering import rows_of
from dedup.archive.job import Job
from dedup.archive.near import canonical_positions
from dedup.archive.parts import FeatureCounts, NearGroups, Order, SimilarPairs, Vectors
from dedup.archive.residue import texts_of
from dedup.archive.slices import are_undated, bounds_of, positions_of, slices_of
from dedup.arrays import Hashes, Integers, joined, run_starts
from dedup.sorted_keys import SortedKeys
from dedup.story.candidates import Pairs, pairs_of_candidates, postings_of, rarest
from dedup.story.cells import cells_of
from dedup.story.extraction import KEY_BITS
from dedup.story.features import Counts, count_features
from dedup.story.similarity import in_columns
from dedup.story.weighting import Vocabulary, vectorize
from dedup.text.language import LANGUAGE_BITS

#: Document frequencies are those of this many slices, the article's own in the middle: what an archive of years says
#: of a word is what it said at the time. The first 65,536 articles are in at most as many slices.
VOCABULARY_SLICES = 5

_ROWS_AT_ONCE = 512
_HIGHEST_COUNT = np.iinfo(np.uint16).max
NO_PAIRS = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)


def count_slice(job: Job, number: int, folder: Path) -> None:
    """Task: the features of the reports of a slice."""
    positions, first = canonical_positions(job, number), positions_of(job, number).start
    table = texts_of(job, number).take(positions - first)
    columns = zip(to_texts(table["text"]), table["is_roundup"].to_pylist(), strict=True)
    texts = ["" if is_roundup else text for text, is_roundup in columns]
    languages = to_texts(table["language"])
    found = count_features(texts, 1, job.settings.near.fold, languages=languages)
    cells, frequencies = cells_of(found)
    FeatureCounts(folder).save(
        positions=positions,
        offsets=found.offsets,
        entries=found.keys,
        languages=found.languages,
        cells=cells,
        frequencies=frequencies.astype(np.int32),
        counts=np.minimum(found.counts, _HIGHEST_COUNT).astype(np.uint16),
        uses=found.uses,
    )


def slices_around(job: Job, number: int) -> range:
    """Return the slices whose articles say how common the features of a slice are."""
    total = len(slices_of(job))
    first = max(0, min(number - VOCABULARY_SLICES // 2, total - VOCABULARY_SLICES))
    return range(first, min(first + VOCABULARY_SLICES, total))


def weight_slice(job: Job, number: int, folder: Path) -> None:
    """Task: the vectors of a slice, as the batch makes them of the articles around it."""
    own, fold = FeatureCounts.of(job, number), job.settings.near.fold
    others = [FeatureCounts.of(job, k) for k in slices_around(job, number)]
    # Cells ascend: np.unique, which hashes or sorts them, would take half of the time of this task.
    keys = own.cells >> np.uint64(LANGUAGE_BITS)
    lookup, parts, numbers = SortedKeys(keys[run_starts(keys)], KEY_BITS), [], []
    for other in others:
        cells = other.cells
        mine = np.flatnonzero(lookup.find(cells >> np.uint64(LANGUAGE_BITS)) >= 0)
        parts.append(cells[mine])
        numbers.append(other.frequencies[mine].astype(np.int64))
    cells, frequencies = _summed(joined(parts, np.uint64), joined(numbers, np.int64))
    uses, languages = np.sum([other.uses for other in others], axis=0), [other.languages for other in others]
    counts = Counts(own.offsets, own.entries, own.counts.astype(np.float32), uses, own.languages, fold)
    vocabulary = Vocabulary.of_cells(cells, frequencies, joined(languages, np.int64), counts.stop_words, fold)
    vectors, _ = vectorize(counts, n_jobs=1, vocabulary=vocabulary)
    Vectors(folder).save(
        data=vectors.data,
        indices=vectors.indices.astype(np.int32),
        indptr=vectors.indptr.astype(np.int32),
        keys=vocabulary.keys,
    )


def _summed(cells: Hashes, numbers: Integers) -> tuple[Hashes, Integers]:
    """Return the distinct cells of a few ascending runs, and the sums of their numbers."""
    order = np.argsort(cells, kind="stable")  # which merges the runs
    cells = cells[order]
    starts = run_starts(cells)
    return cells[starts], np.add.reduceat(numbers[order], starts) if len(starts) else numbers


class ChunkRows(NamedTuple):
    """The rows of a slice in one chunk of days, and the positions that they may be similar to."""

    rows: slice
    reach: slice  # from the beginning of the chunk on


def chunks_of(job: Job, positions: Integers) -> list[ChunkRows]:
    """Return the chunks of days of a slice whose reports have these positions."""
    groups = NearGroups.of(job)
    chunks, reach = groups.chunks, groups.reach
    cuts = np.searchsorted(positions, chunks).tolist()
    return [
        ChunkRows(slice(cuts[i], cuts[i + 1]), slice(int(chunks[i]), int(chunks[reach[i]])))
        for i in range(len(reach))
        if cuts[i] < cuts[i + 1]
    ]


def compare_slice(job: Job, number: int, folder: Path) -> None:
    """Task: similar pairs of reports of a slice with each other and with those of later slices."""
    positions, vectors = FeatureCounts.of(job, number).positions, Vectors.of(job, number)
    lookup, chunks = SortedKeys(vectors.keys, KEY_BITS), chunks_of(job, positions)
    rows, numbers, undated = rows_of(vectors, len(lookup.keys)), _in_reach(job, chunks), are_undated(job)
    others = (_other_slice(job, k, lookup, bool(undated[k])) for k in numbers)
    blocks, later = search_blocks(chunks, rows, others, rarest), [k for k in numbers if k >= number]
    own, found = _Slice(positions, rows, blocks, close_reports(job, number, later) if job.encoder else None), []
    for k in later:
        other = _other_slice(job, k, lookup, bool(undated[k]))
        found.append(_pairs(job, own, k, other, k == number))
    left, right, similarity = (np.concatenate(columns) for columns in zip(NO_PAIRS, *found, strict=True))
    offsets = np.cumsum([0, *(len(own_left) for own_left, _, _ in found)])
    slices = np.array(later, dtype=np.int64)
    SimilarPairs(folder).save(left=left, right=right, similarity=similarity, slices=slices, offsets=offsets)


def _in_reach(job: Job, chunks: list[ChunkRows]) -> list[int]:
    """Return the slices that have articles within reach of some chunks."""
    first = min((chunk.reach.start for chunk in chunks), default=0)
    stop = max((chunk.reach.stop for chunk in chunks), default=0)
    bounds = bounds_of(job)
    found: list[int] = np.flatnonzero((bounds[:-1] < stop) & (bounds[1:] > first) | are_undated(job)).tolist()
    return found


class OtherRows(NamedTuple):
    """Rows of a slice that another slice is compared with."""

    positions: Integers
    rows: csr_array
    columns: NDArray[np.int32]  # the column of each of their features in the other slice, -1 where it does not have it
    n_columns: int  # of the other slice
    undated: bool = False

    def reached(self, chunk: ChunkRows) -> slice:
        """Return the rows within reach of a chunk; undated articles are in reach of all."""
        if self.undated:
            return slice(0, len(self.positions))
        return slice(*np.searchsorted(self.positions, [chunk.reach.start, chunk.reach.stop]).tolist())

    def frequencies(self, chunk: ChunkRows) -> Integers:
        """Return how many of the rows within reach have each feature of the other slice."""
        rows, indptr = self.reached(chunk), self.rows.indptr
        counts = np.bincount(self.rows.indices[indptr[rows.start] : indptr[rows.stop]], minlength=len(self.columns))
        found, shared = np.zeros(self.n_columns, dtype=np.int64), self.columns >= 0
        found[self.columns[shared]] = counts[shared]
        return found


def _other_slice(job: Job, number: int, lookup: SortedKeys, undated: bool) -> OtherRows:
    positions, vectors = FeatureCounts.of(job, number).positions, Vectors.of(job, number)
    columns = lookup.find(vectors.keys).astype(np.int32)
    return OtherRows(positions, rows_of(vectors, len(columns)), columns, len(lookup.keys), undated)


class Block(NamedTuple):
    """Some rows of a chunk, with only the features that candidates are searched by."""

    chunk: ChunkRows
    first: int
    rows: csr_array


def search_blocks(
    chunks: list[ChunkRows],
    rows: csr_array,
    others: Iterable[OtherRows],
    searched_by: Callable[[csr_array, Integers], csr_array],
) -> list[Block]:
    """Return the rows of chunks with the features that `searched_by` keeps, by how many rows within reach have each.

    `others` are all slices with rows within reach.
    """
    frequencies = np.zeros((len(chunks), rows.shape[1]), dtype=np.int64)
    for other in others:
        for chunk, of_chunk in zip(chunks, frequencies, strict=True):
            of_chunk += other.frequencies(chunk)
    return [
        Block(chunk, row, searched_by(rows[row : min(row + _ROWS_AT_ONCE, chunk.rows.stop)], of_chunk))
        for chunk, of_chunk in zip(chunks, frequencies, strict=True)
        for row in range(chunk.rows.start, chunk.rows.stop, _ROWS_AT_ONCE)
    ]


def search(
    blocks: list[Block],
    other: OtherRows,
    other_rows: csr_array,
    first: int,
    pairs_of: Callable[[csr_array, int, list[tuple[int, csr_array]]], Pairs],
) -> Pairs:
    """Return what `pairs_of` finds between blocks and the rows within reach of another slice.

    `other_rows` are all rows of that slice in the columns of the blocks, and `first` is the place of the first of them.
    `pairs_of` is given some rows, the place of their first, and the postings of others with the place of their first.
    """
    found = [NO_PAIRS]
    for chunk, group in groupby(blocks, key=lambda block: block.chunk):
        reached, of_chunk = other.reached(chunk), list(group)
        postings = postings_of(_with_features(other_rows, reached, [block.rows for block in of_chunk]))
        found += [pairs_of(block.rows, block.first, [(first + reached.start, postings)]) for block in of_chunk]
    left, right, similarity = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return left, right, similarity


class _Slice(NamedTuple):
    """A slice that others are compared with."""

    positions: Integers
    rows: csr_array
    blocks: list[Block]
    close: CloseReports | None  # by meaning, of a job with an encoder


def _pairs(job: Job, own: _Slice, number: int, other: OtherRows, same: bool) -> Pairs:
    """Return similar pairs of reports of a slice and another one, by position."""
    both, everyone, first, other_rows = own.rows, own.positions, 0, own.rows
    if not same:
        other_rows, first = in_columns(other.rows, other.columns, other.n_columns), len(own.positions)
        both = vstack([own.rows, other_rows], format="csr")
        everyone = np.concatenate([own.positions, other.positions])
    days, meant = (
        np.array(Order.of(job).days[everyone]),
        own.close and own.close.among(job, number, other.positions, first),
    )
    pairs_of = partial(pairs_of_candidates, both, days, meant=meant)
    left, right, similarity = search(own.blocks, other, other_rows, first, pairs_of)
    return everyone[left], everyone[right], similarity


def _with_features(rows: csr_array, reached: slice, blocks: list[csr_array]) -> csr_array:
    """Return some rows with only the features that some block has: the common ones are most of all entries."""
    columns = np.full(rows.shape[1], -1, dtype=np.int32)
    for block in blocks:
        columns[block.indices] = block.indices
    indptr = rows.indptr[reached.start : reached.stop + 1]
    entries = rows.data[indptr[0] : indptr[-1]], rows.indices[indptr[0] : indptr[-1]], indptr - indptr[0]
    return in_columns(csr_array(entries, shape=(len(indptr) - 1, rows.shape[1])), columns, rows.shape[1])
