"""Texts that are no copies -> vectors, weighed by the articles around them, and those -> similar pairs."""

from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from dedup.archive.job import Job, load, mapped, save
from dedup.archive.near import canonical
from dedup.archive.residue import readable
from dedup.archive.slices import is_undated, positions_of, slice_count, texts_of
from dedup.arrays import SortedKeys
from dedup.story.candidates import pairs_of_candidates, rarest
from dedup.story.features import KEY_BITS, Counts, count_features
from dedup.story.weighting import Vocabulary, vectorize

#: A feature is as common as it is in so many slices, of which the article's own is in the middle, so that what an
#: archive of years says of a word is what it said at the time. The first 65,536 articles are in as many at most.
VOCABULARY_SLICES = 5

#: Arrays of `count` that only `weigh` reads.
COUNTED = ("offsets", "entries", "keys", "frequencies", "counts", "uses")

_ROWS_AT_ONCE = 512
_MOST_COUNTED = np.iinfo(np.uint16).max
_NO_PAIRS = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)


class Vectors(NamedTuple):
    """The vectors of a slice.

    Attributes
    ----------
    rows : csr_array of float32, shape (n, n_features)
        Of unit length, but for features that no other text has.
    keys : ndarray of uint64, shape (n_features,)
        Ascending.
    """

    rows: csr_array
    keys: NDArray[np.uint64]


def count(job: Job, number: int, folder: Path) -> None:
    """Task: the features of the texts of a slice that are no copies."""
    positions, first = canonical(job, number), positions_of(job, number).start
    texts = texts_of(readable(job, number).take(positions - first), "text")
    found = count_features(texts, n_jobs=1, fold=job.settings.near.fold)
    keys, frequencies = np.unique(found.keys, return_counts=True)
    save(
        folder,
        positions=positions,
        offsets=found.offsets,
        entries=found.keys,
        keys=keys,
        frequencies=frequencies.astype(np.int32),
        counts=np.minimum(found.counts, _MOST_COUNTED).astype(np.uint16),
        uses=found.uses,
    )


def around(job: Job, number: int) -> range:
    """The slices whose articles say how common the features of this one are."""
    total = slice_count(job)
    first = max(0, min(number - VOCABULARY_SLICES // 2, total - VOCABULARY_SLICES))
    return range(first, min(first + VOCABULARY_SLICES, total))


def weigh(job: Job, number: int, folder: Path) -> None:
    """Task: the vectors of a slice, as the batch makes them of the articles around it."""
    offsets, entries, keys, counts = load(job, "count", number, "offsets", "entries", "keys", "counts")
    lookup, frequencies, n_texts, uses = SortedKeys(keys, KEY_BITS), np.zeros(len(keys), dtype=np.int64), 0, []
    for k in around(job, number):
        their_keys, theirs, positions, used = load(job, "count", k, "keys", "frequencies", "positions", "uses")
        place = lookup.find(their_keys)
        frequencies[place[place >= 0]] += theirs[place >= 0]
        n_texts += len(positions)
        uses.append(used)
    own = Counts(offsets, entries, counts.astype(np.float32), np.sum(uses, axis=0), job.settings.near.fold)
    shared = frequencies > 1
    vocabulary = Vocabulary(n_texts, keys[shared], frequencies[shared], own.stop_words, job.settings.near.fold)
    vectors, _ = vectorize(own, n_jobs=1, vocabulary=vocabulary)
    save(
        folder,
        data=vectors.data,
        indices=vectors.indices.astype(np.int32),
        indptr=vectors.indptr.astype(np.int32),
        keys=vocabulary.keys,
    )


def vectors_of(job: Job, number: int) -> Vectors:
    """What `weigh` made of a slice."""
    data, indices, indptr, keys = load(job, "weigh", number, "data", "indices", "indptr", "keys")
    return Vectors(csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(keys))), keys)


class Piece(NamedTuple):
    """Rows of a slice that are of one chunk of days, and the positions that they may be similar to.

    Attributes
    ----------
    rows : slice
    reach : slice
        From the beginning of the chunk on; undated articles are in reach of all.
    """

    rows: slice
    reach: slice

    def of(self, positions: NDArray[np.int64], *, undated: bool) -> slice:
        """Which of some rows are within reach."""
        if undated:
            return slice(0, len(positions))
        return slice(*np.searchsorted(positions, [self.reach.start, self.reach.stop]).tolist())


def pieces_of(job: Job, positions: NDArray[np.int64]) -> list[Piece]:
    """The pieces of a slice."""
    chunks, reach = load(job, "copies", 0, "chunks", "reach")
    cuts = np.searchsorted(positions, chunks).tolist()
    return [
        Piece(slice(cuts[i], cuts[i + 1]), slice(int(chunks[i]), int(chunks[reach[i]])))
        for i in range(len(reach))
        if cuts[i] < cuts[i + 1]
    ]


def compare_slices(job: Job, number: int, folder: Path) -> None:
    """Task: similar pairs of texts of a slice with each other and with those of later slices."""
    (positions,), own = load(job, "count", number, "positions"), vectors_of(job, number)
    lookup, pieces = SortedKeys(own.keys, KEY_BITS), pieces_of(job, positions)
    numbers = _in_reach(job, pieces)
    frequencies = np.zeros((len(pieces), len(own.keys)), dtype=np.int64)
    for k in numbers:
        others = _Others.of(job, k, lookup)
        for piece, theirs in zip(pieces, frequencies, strict=True):
            theirs += others.frequencies(piece)
    mine = [
        (piece, row, rarest(own.rows[row : min(row + _ROWS_AT_ONCE, piece.rows.stop)], theirs))
        for piece, theirs in zip(pieces, frequencies, strict=True)
        for row in range(piece.rows.start, piece.rows.stop, _ROWS_AT_ONCE)
    ]
    del frequencies
    later = [k for k in numbers if k >= number]
    found = [_pairs(job, positions, own.rows, mine, _Others.of(job, k, lookup), k == number) for k in later]
    left, right, similarity = (np.concatenate(columns) for columns in zip(_NO_PAIRS, *found, strict=True))
    offsets = np.cumsum([0, *(len(own_left) for own_left, _, _ in found)])
    slices = np.array(later, dtype=np.int64)
    save(folder, left=left, right=right, similarity=similarity, slices=slices, offsets=offsets)


def _in_reach(job: Job, pieces: list[Piece]) -> list[int]:
    """The slices that have articles within reach of some pieces."""
    first, stop = min((p.reach.start for p in pieces), default=0), max((p.reach.stop for p in pieces), default=0)
    numbers = []
    for k in range(slice_count(job)):
        places = positions_of(job, k)
        if (places.start < stop and places.stop > first) or is_undated(job, k):
            numbers.append(k)
    return numbers


class _Others(NamedTuple):
    """Texts of a slice beside those of another one, whose features they have in the given columns, or not (-1)."""

    positions: NDArray[np.int64]
    rows: csr_array
    columns: NDArray[np.int32]
    n_columns: int
    undated: bool

    @classmethod
    def of(cls, job: Job, number: int, lookup: SortedKeys) -> "_Others":
        (positions,), vectors = load(job, "count", number, "positions"), vectors_of(job, number)
        columns = lookup.find(vectors.keys).astype(np.int32)
        return cls(positions, vectors.rows, columns, len(lookup.keys), is_undated(job, number))

    def frequencies(self, piece: Piece) -> NDArray[np.int64]:
        """How many of those within reach have each feature."""
        rows, indptr = piece.of(self.positions, undated=self.undated), self.rows.indptr
        counts = np.bincount(self.rows.indices[indptr[rows.start] : indptr[rows.stop]], minlength=len(self.columns))
        found, there = np.zeros(self.n_columns, dtype=np.int64), self.columns >= 0
        found[self.columns[there]] = counts[there]
        return found

    def by_columns(self) -> csr_array:
        """The rows by the other slice's features; others cannot be shared with it."""
        return _in_columns(self.rows, self.columns, self.n_columns)


def _pairs(
    job: Job,
    positions: NDArray[np.int64],
    own: csr_array,
    mine: list[tuple[Piece, int, csr_array]],
    others: _Others,
    same: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Similar pairs of texts of two slices, by position."""
    vectors, both, first, rows = own, positions, 0, own
    if not same:
        rows, first = others.by_columns(), len(positions)
        vectors = vstack([own, rows], format="csr")
        both = np.concatenate([positions, others.positions])
    days = np.array(mapped(job, "order", "days")[both])
    found = [_NO_PAIRS]
    for piece, group in groupby(mine, key=lambda block: block[0]):
        theirs, blocks = piece.of(others.positions, undated=others.undated), list(group)
        postings = _of_rare(rows[theirs], [rarest_of_mine for _, _, rarest_of_mine in blocks]).T.tocsr()
        found += [
            pairs_of_candidates(vectors, days, rarest_of_mine, row, [(first + theirs.start, postings)])
            for _, row, rarest_of_mine in blocks
        ]
    left, right, similarity = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return both[left], both[right], similarity


def _of_rare(rows: csr_array, blocks: list[csr_array]) -> csr_array:
    """Rows with only those features that some row of the blocks has: the common ones are most of all entries."""
    columns = np.full(rows.shape[1], -1, dtype=np.int32)
    for block in blocks:
        columns[block.indices] = block.indices
    return _in_columns(rows, columns, rows.shape[1])


def _in_columns(rows: csr_array, columns: NDArray[np.int32], n_columns: int) -> csr_array:
    """The same rows with their features in other columns, or left out (-1)."""
    kept = (columns >= 0)[rows.indices]
    indptr = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(kept, dtype=np.int32)])[rows.indptr]
    return csr_array((rows.data[kept], columns[rows.indices[kept]], indptr), shape=(rows.shape[0], n_columns))
