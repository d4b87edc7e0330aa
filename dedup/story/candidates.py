"""TF-IDF vectors and publication times -> the sparse graph of similar pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, slices
from dedup.parallel import ordered_map
from dedup.parameters import MIN_STORY_THRESHOLD
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.story.similarity import REACH_DAYS, likeness, time_factor

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


def similar_pairs(
    vectors: csr_array, days: Floats, n_jobs: int | None = None, progress: ProgressCallback = no_progress
) -> Edges:
    """Pairs whose similarity reaches `FLOOR`.

    `vectors` has rows of unit length; `days` is their publication in days, ascending, with NaN when unknown at the end.

    For a given number of rows a day, time is linear in the rows, and memory in the pairs found: candidates of a row are
    found within `REACH_DAYS` by its rare features, and only candidates are compared by all features.
    """
    chunks = list(chunks_of_days(days))
    # For each chunk, the rows that have each feature.
    postings = list(ordered_map(lambda chunk: vectors[chunk.start : chunk.stop].T.tocsr(), chunks, n_jobs))

    def pairs_of_chunk(number: int, stage: ProgressCallback) -> Iterator[Pairs]:
        chunk = chunks[number]
        within_reach = [k for k in range(number, len(chunks)) if in_reach(chunk, chunks[k], days)]
        others = [(chunks[k].start, postings[k]) for k in within_reach]
        frequencies = sum(np.diff(postings[k].indptr) for k in within_reach)

        def pairs_of_rows(rows: slice) -> Pairs:
            return pairs_of_candidates(vectors, days, rarest(vectors[rows], frequencies), rows.start, others)

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
    vectors: csr_array, days: Floats, rare: csr_array, first: int, others: list[tuple[int, csr_array]]
) -> Pairs:
    """Pairs ``left < right``, sorted, with their similarities.

    `rare` has the rarest features of the left rows, the first of which is row `first`; `others` has the first row and
    the postings of each chunk of right rows.
    """
    left, right = _candidates(days, rare, first, others)
    similarity = likeness(vectors, left, right).similarity(days[left], days[right])
    kept = similarity >= FLOOR
    return left[kept], right[kept], similarity[kept]


def _candidates(
    days: Floats, rare: csr_array, first: int, others: list[tuple[int, csr_array]]
) -> tuple[Integers, Integers]:
    """Pairs ``left < right`` whose rarest features reach `CANDIDATE_FLOOR`, sorted."""
    parts = []
    for start, postings in others:
        product = rare @ postings
        close = np.flatnonzero(product.data >= CANDIDATE_FLOOR)  # time only lowers it
        left = np.searchsorted(product.indptr, close, side="right") - 1 + first
        right = product.indices[close] + np.int64(start)
        factor = time_factor(days[left], days[right])
        close = (right > left) & (product.data[close] * factor >= CANDIDATE_FLOOR)
        parts.append((left[close], right[close]))
    left, right = (np.concatenate(side) for side in zip(*parts, strict=True))
    order = np.lexsort((right, left))
    return left[order], right[order]


def rarest(vectors: csr_array, frequencies: Integers) -> csr_array:
    """Rows with only their rarest features, which have at most `MAX_POSTINGS` postings together.

    `frequencies` is the number of postings of each feature.
    """
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    # The row in the upper bits, then postings, then place: plain integers are sorted ten times faster than an index.
    packed = rows.astype(np.uint64) << np.uint64(_POSTINGS_BITS)
    packed |= np.minimum(frequencies[vectors.indices], MAX_POSTINGS + 1).astype(np.uint64)
    packed = (packed << np.uint64(_PLACE_BITS)) | np.arange(len(rows), dtype=np.uint64)
    packed.sort()
    place = (packed & np.uint64((1 << _PLACE_BITS) - 1)).astype(np.int64)
    total = np.cumsum((packed >> np.uint64(_PLACE_BITS)) & np.uint64((1 << _POSTINGS_BITS) - 1)).astype(np.int64)
    before = np.concatenate([[0], total])[vectors.indptr[:-1]]
    kept = np.sort(place[total - before[rows] <= MAX_POSTINGS])
    sizes = np.bincount(rows[kept], minlength=vectors.shape[0])
    # Indices are as wide as those of the vectors: else SciPy would widen all postings in every product.
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(vectors.indptr.dtype)
    return csr_array((vectors.data[kept], vectors.indices[kept], indptr), shape=vectors.shape)
