"""TF-IDF vectors and publication times -> the sparse graph of similar pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, slices
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.parameters import MIN_STORY_THRESHOLD
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.story.close_meanings import candidates_by_meaning
from dedup.story.encoding import Meanings
from dedup.story.similarity import REACH_DAYS, flat_rows, likeness, time_factor

#: Similarities below this count as none.
FLOOR = MIN_STORY_THRESHOLD

#: Pairs are candidates when their rare features alone are this similar. On six labelled sets few other pairs reach
#: `FLOOR`; without those, BCubed F1 changes by less than 0.002.
CANDIDATE_FLOOR = 0.02

#: Most postings that are followed from the rarest features of a row to its candidates; this bounds the work.
MAX_POSTINGS = 3000

_BLOCK_ROWS = 512
_MIN_CHUNK_ROWS, _CHUNK_DAYS = 2048, 3.0
_POSTINGS_BITS, _PLACE_BITS = 16, 32

#: Left and right nodes of pairs, and their similarities; see `Edges`.
Pairs = tuple[Integers, Integers, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Similar pairs of nodes."""

    # (n_edges,): ``left < right``, sorted
    left: Integers
    right: Integers
    similarity: Floats  # (n_edges,): in [FLOOR, 1]

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> "Edges":
        """Edges from parts of their pairs."""
        none = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
        return cls(*(np.concatenate(columns) for columns in zip(none, *parts, strict=True)))

    def within(self, labels: Integers) -> "Edges":
        """The pairs with one label."""
        inside = labels[self.left] == labels[self.right]
        return Edges(self.left[inside], self.right[inside], self.similarity[inside])

    def sums(self, n: int) -> Floats:
        """Sum of the similarities of each node, shape (n,)."""
        ends = np.concatenate([self.left, self.right])
        return np.bincount(ends, weights=np.tile(self.similarity, 2), minlength=n).astype(np.float64)

    def adjacency(self, n: int) -> csr_array:
        """Symmetric matrix of the similarities, shape (n, n)."""
        upper = csr_array((self.similarity, (self.left, self.right)), shape=(n, n))
        return (upper + upper.T).tocsr()


class Meant(NamedTuple):
    """The meanings of rows, and the pairs that are candidates by them, sorted."""

    meanings: Meanings
    left: Integers
    right: Integers


def similar_pairs(
    vectors: csr_array,
    days: Floats,
    n_jobs: int | None = None,
    progress: ProgressCallback = no_progress,
    meanings: Meanings | None = None,
) -> Edges:
    """Pairs whose similarity reaches `FLOOR`.

    `vectors` has rows of unit length; `days` is their publication in days, ascending, with NaN when unknown at the end;
    `meanings` are those of the rows.

    For a given number of rows a day, time is linear in the rows, and memory in the pairs found: candidates of a row are
    found within `REACH_DAYS` by its rare features, and only candidates are compared by all features.
    """
    chunks = list(chunks_of_days(days))
    # For each chunk, the rows that have each feature.
    postings = list(ordered_map(lambda chunk: postings_of(vectors[chunk.start : chunk.stop]), chunks, n_jobs))

    def pairs_of_chunk(number: int, stage: ProgressCallback) -> Iterator[Pairs]:
        chunk = chunks[number]
        within_reach = [k for k in range(number, len(chunks)) if in_reach(chunk, chunks[k], days)]
        others = [(chunks[k].start, postings[k]) for k in within_reach]
        frequencies = np.zeros(vectors.shape[1], dtype=np.int64)
        for k in within_reach:
            frequencies += np.diff(postings[k].indptr)

        def pairs_of_rows(rows: slice) -> Pairs:
            left, right = _candidates(days, rarest(vectors[rows], frequencies), rows.start, others)
            if meanings is None:
                return _similar(vectors, days, left, right)
            reached = [chunks[k] for k in within_reach]
            left, right = _united((left, right), candidates_by_meaning(meanings, days, rows, reached, CANDIDATE_FLOOR))
            return _similar(vectors, days, left, right, meanings)

        return ordered_map(pairs_of_rows, slices(chunk.start, chunk.stop, _BLOCK_ROWS), n_jobs, stage)

    stages = split_progress(progress, *(chunk.stop - chunk.start for chunk in chunks)) if chunks else []
    return Edges.joined([part for number, stage in enumerate(stages) for part in pairs_of_chunk(number, stage)])


def chunks_of_days(days: Floats) -> Iterator[slice]:
    """Rows in chunks of a few days, or of more where there are few rows a day; undated rows form the last chunk."""
    dated = int(np.searchsorted(days, np.inf))
    first = 0
    while first < dated:
        next_chunk = int(np.searchsorted(days[:dated], days[first] + _CHUNK_DAYS))
        stop = min(max(next_chunk, first + _MIN_CHUNK_ROWS), dated)
        yield slice(first, stop)
        first = stop
    if dated < len(days):
        yield slice(dated, len(days))


def in_reach(chunk: slice, other: slice, days: Floats) -> bool:
    """Whether pairs of a chunk and a later one may have similarities above the floor."""
    return bool(np.isnan(days[other.start]) or days[other.start] - days[chunk.stop - 1] <= REACH_DAYS)


def pairs_of_candidates(
    vectors: csr_array,
    days: Floats,
    rare: csr_array,
    first: int,
    others: list[tuple[int, csr_array]],
    meant: Meant | None = None,
) -> Pairs:
    """Pairs ``left < right``, sorted, with their similarities.

    `rare` has the rarest features of the left rows, the first of which is row `first`; `others` has the first row and
    the postings of each chunk of right rows; `meant` has the candidates by meaning of all left rows.
    """
    left, right = _candidates(days, rare, first, others)
    if meant is None:
        return _similar(vectors, days, left, right)
    own = slice(*np.searchsorted(meant.left, [first, first + rare.shape[0]]).tolist())
    return _similar(vectors, days, *_united((left, right), (meant.left[own], meant.right[own])), meant.meanings)


def _similar(
    vectors: csr_array, days: Floats, left: Integers, right: Integers, meanings: Meanings | None = None
) -> Pairs:
    """The pairs whose similarity reaches `FLOOR`, and it; the left rows ascend."""
    words = likeness(vectors, left, right)
    gap = days[left], days[right]
    similarity = words.similarity(*gap) if meanings is None else meanings.similarity(words, left, right, *gap)
    kept = similarity >= FLOOR
    return left[kept], right[kept], similarity[kept]


def _united(pairs: tuple[Integers, Integers], others: tuple[Integers, Integers]) -> tuple[Integers, Integers]:
    """Pairs of either kind, sorted."""
    left, right = (np.concatenate(sides) for sides in zip(pairs, others, strict=True))
    both = np.unique(left << np.int64(_PLACE_BITS) | right)
    return both >> np.int64(_PLACE_BITS), both & np.int64((1 << _PLACE_BITS) - 1)


def _candidates(
    days: Floats, rare: csr_array, first: int, others: list[tuple[int, csr_array]]
) -> tuple[Integers, Integers]:
    """Pairs ``left < right`` whose rarest features reach `CANDIDATE_FLOOR`, sorted."""
    parts = []
    for start, postings in others:
        left, right, product = products(rare, first, postings, start)
        # Time only lowers it.
        close = product * time_factor(days[left], days[right]) >= CANDIDATE_FLOOR
        parts.append(left[close] << np.int64(_PLACE_BITS) | right[close])
    pairs = np.concatenate(parts)
    pairs.sort()
    return pairs >> np.int64(_PLACE_BITS), pairs & np.int64((1 << _PLACE_BITS) - 1)


def postings_of(vectors: csr_array) -> csr_array:
    """The rows that have each feature: a row for each feature, a column for each row."""
    postings = vectors.T.tocsr()
    indices = postings.indices.astype(np.int32, copy=False), postings.indptr.astype(np.int32, copy=False)
    return csr_array((postings.data.astype(np.float32, copy=False), *indices), shape=postings.shape)


def products(rows: csr_array, first: int, postings: csr_array, start: int) -> tuple[Integers, Integers, Floats]:
    """Pairs ``left < right`` of rows whose product in float32 reaches `CANDIDATE_FLOOR`, in any order, with it.

    `first` is the number of the first of `rows`, and `start` that of the first row of the postings.
    """
    compiled = kernel()
    if compiled is None:
        return _products(rows, first, postings, start)
    room = int((postings.indptr[rows.indices + 1] - postings.indptr[rows.indices]).sum())
    met, found = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.float32)
    left, right = np.empty((2, room), dtype=np.int64)
    lent = np.zeros(postings.shape[1], dtype=np.float32), met
    given = *flat_rows(rows), rows.shape[0], first, postings.indptr, postings.indices, postings.data, start
    n = compiled.products(*given, CANDIDATE_FLOOR, *lent, left, right, found)
    return left[:n], right[:n], found[:n].astype(np.float64)


def _products(rows: csr_array, first: int, postings: csr_array, start: int) -> tuple[Integers, Integers, Floats]:
    """What the kernel does, in NumPy."""
    product = rows.astype(np.float32, copy=False) @ postings
    left = np.repeat(np.arange(rows.shape[0]) + first, np.diff(product.indptr))
    right = product.indices + np.int64(start)
    close = np.flatnonzero((product.data >= np.float32(CANDIDATE_FLOOR)) & (right > left))
    return left[close], right[close], product.data[close].astype(np.float64)


def rarest(vectors: csr_array, frequencies: Integers) -> csr_array:
    """Rows with only their rarest features, which have at most `MAX_POSTINGS` postings together.

    `frequencies` is the number of postings of each feature.
    """
    compiled = kernel()
    if compiled is None:
        kept = _rarest(vectors, frequencies)
    else:
        counts, chosen = np.zeros(MAX_POSTINGS + 1, dtype=np.int32), np.empty(vectors.nnz, dtype=np.uint8)
        starts, columns, _ = flat_rows(vectors)
        wide = np.asarray(frequencies, dtype=np.int64)
        compiled.rarest(starts, columns, vectors.shape[0], wide, MAX_POSTINGS, counts, chosen)
        kept = np.flatnonzero(chosen)
    # Indices are as wide as those of the vectors: else SciPy would widen all postings in every product.
    indptr = np.searchsorted(kept, vectors.indptr).astype(vectors.indptr.dtype)
    return csr_array((vectors.data[kept], vectors.indices[kept], indptr), shape=vectors.shape)


def _rarest(vectors: csr_array, frequencies: Integers) -> Integers:
    """What the kernel does, in NumPy: the places of the entries that are kept."""
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    # The row in the upper bits, then postings, then place: plain integers are sorted ten times faster than an index.
    packed = rows.astype(np.uint64) << np.uint64(_POSTINGS_BITS)
    packed |= np.minimum(frequencies[vectors.indices], MAX_POSTINGS + 1).astype(np.uint64)
    packed = (packed << np.uint64(_PLACE_BITS)) | np.arange(len(rows), dtype=np.uint64)
    packed.sort()
    place = (packed & np.uint64((1 << _PLACE_BITS) - 1)).astype(np.int64)
    total = np.cumsum((packed >> np.uint64(_PLACE_BITS)) & np.uint64((1 << _POSTINGS_BITS) - 1)).astype(np.int64)
    before = np.concatenate([[0], total])[vectors.indptr[:-1]]
    return np.sort(place[total - before[rows] <= MAX_POSTINGS])
