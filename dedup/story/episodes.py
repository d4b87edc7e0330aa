"""Episodes -> stories: an event goes on when its reports of one day and those of the next week tell of the same.

Similarity between reports falls within days, so that a visit is found as its announcement, its arrival, its summit.
These episodes are compared as wholes, by means over all pairs of their reports, and with a longer memory.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, slices
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.parameters import MAX_GAP_DAYS
from dedup.story.candidates import FLOOR, Edges, Pairs, chunks_of_days, postings_of, products
from dedup.story.constraints import Constraints, kept_apart
from dedup.story.partition import exact_costs, partition
from dedup.story.similarity import dot_products, flat_rows

#: After how many days between two episodes their similarity has fallen to 1/e.
EPISODE_MEMORY_DAYS = 25.0

#: Two episodes are compared when they are at least this share as similar as the reports within the tighter of them.
#: What two matches of one club share is far less than what reports of one match share.
TIE_SHARE = 0.65

#: An episode of this many reports that is loose has many sides. One with at most this share of its reports may tell one
#: of them, and be tight: two such episodes are compared by the tie of the whole. Matches of one club are tight both.
WHOLE, PART_SHARE = 15, 0.5

#: Mean similarity from which episodes form a story, as a share of that of reports.
THRESHOLD_SHARE = 0.75

#: An episode pays this many times what its reports do, and this much more when it is one report alone: two single
#: reports come together on strong evidence only. In a small batch, which cannot show which words are common, unrelated
#: full texts have a mean cosine of 0.06 to 0.13.
COST_FACTOR, LONE_COST = 2.0, 0.05

# Most postings that are followed from the heaviest features of an episode to others. With three times as many, the
# stories of eleven labelled sets are the same, and 14 more of 28,268 in 100,000 articles come together.
_POSTINGS = 500

_BLOCK_ROWS = 256
_WEIGHT_BITS, _PLACE_BITS = 16, 32
_WEIGHT_STEPS = float((1 << _WEIGHT_BITS) - 1)


Told = TypeVar("Told")


class Episodes(NamedTuple):
    """Episodes as nodes of a graph, by their first report."""

    means: csr_array  # (n_episodes, n_features): mean vectors
    first: Floats  # (n_episodes,): first and last publication in days, NaN where no report is dated
    last: Floats
    within: Floats  # (n_episodes,): mean cosine of two reports; 0 for one alone
    costs: Floats  # (n_episodes,): what each pays to join a story
    sizes: Integers  # (n_episodes,): numbers of reports

    @classmethod
    def of(cls, vectors: csr_array, days: Floats, labels: Integers, costs: Floats) -> "Episodes":
        """Episodes of reports with these vectors, labels numbered by first member and costs."""
        n, k = len(labels), int(labels.max(initial=-1)) + 1
        sizes = np.bincount(labels, minlength=k)
        shares = (1 / sizes[labels]).astype(vectors.dtype)
        # Entries stay in the order in which SciPy comes upon their features. Sums over them then do not depend on how
        # the columns are numbered, which an archive does in its own way.
        shares = csr_array((shares, (labels.astype(np.int32), np.arange(n, dtype=np.int32))), shape=(k, n))
        means = csr_array(shares @ vectors)
        first, last = np.full(k, np.inf), np.full(k, -np.inf)
        dated = ~np.isnan(days)
        np.minimum.at(first, labels[dated], days[dated])
        np.maximum.at(last, labels[dated], days[dated])
        first[np.isinf(first)] = last[np.isinf(last)] = np.nan
        own = np.bincount(labels, weights=_squares(vectors), minlength=k)
        pairs = sizes * (sizes - 1.0)
        within = np.where(sizes > 1, (_squares(means) * sizes**2.0 - own) / np.maximum(pairs, 1), 0.0)
        paid = COST_FACTOR * np.bincount(labels, weights=costs, minlength=k) / np.maximum(sizes, 1)
        return cls(means, first, last, within, exact_costs(paid + LONE_COST * (sizes == 1)), sizes)


def stories_of(
    episodes: Episodes,
    threshold: float,
    max_gap_days: float,
    n_jobs: int | None = None,
    constraints: Constraints | None = None,
) -> Integers:
    """Story of each episode, shape (n_episodes,), numbered by first member.

    A story is a set of episodes whose mean similarity, over all pairs of them, exceeds the threshold by what it costs
    to join: see `dedup.story.partition.partition`. So a chain does not drift: its ends must be alike too.

    Parameters
    ----------
    episodes : Episodes
        Ascending by first publication, those without any at the end, each a story of its own.
    threshold : float
        That of reports, in [0.05, 1).
    max_gap_days : float
        Episodes with more days between them are not compared; with 0 each is a story.
    n_jobs : int, optional
        Threads; the result does not depend on it.
    constraints : Constraints, optional
        On the episodes.
    """
    n = len(episodes.costs)
    if not max_gap_days:
        return np.arange(n) if constraints is None else constraints.groups
    edges = similar_episodes(episodes, max_gap_days, n_jobs)
    return stories_of_pairs(edges, episodes.costs, threshold, constraints)


def _stories_of_groups(graph: csr_array, costs: Floats, threshold: float, constraints: Constraints) -> Integers:
    """Story of each episode, where episodes that come together are one node."""
    groups, n = constraints.groups, len(costs)
    k = int(groups.max()) + 1
    members = csr_array((np.ones(n), (groups, np.arange(n))), shape=(k, n))
    between = (members @ graph @ members.T).tocoo()
    apart = between.row != between.col
    graph = csr_array((between.data[apart], (between.row[apart], between.col[apart])), shape=(k, k))
    graph.sort_indices()
    costs = np.bincount(groups, weights=costs).astype(np.float64)
    return partition(kept_apart(graph, constraints.apart), THRESHOLD_SHARE * threshold, costs, np.bincount(groups))[
        groups
    ]


def alike_alone(cosine: float, gap_days: float, cost: float, threshold: float) -> bool:
    """Whether two reports of such a cosine are a story though each is an episode of its own.

    `gap_days` is NaN when a date is missing, `cost` the mean cost of joining of the two, and `threshold` that of
    reports. Episodes may be as far apart as by default.
    """
    similarity = cosine * np.exp(-gap_days / EPISODE_MEMORY_DAYS)
    needed = THRESHOLD_SHARE * threshold + COST_FACTOR * cost + LONE_COST
    return bool(gap_days <= MAX_GAP_DAYS and similarity >= needed)


def stories_of_pairs(edges: Edges, costs: Floats, threshold: float, constraints: Constraints | None = None) -> Integers:
    """Story of each episode by the similar pairs of episodes; see `stories_of`."""
    graph = edges.adjacency(len(costs))
    if constraints:
        return _stories_of_groups(graph, costs, threshold, constraints)
    return partition(graph, THRESHOLD_SHARE * threshold, costs)


def similar_episodes(episodes: Episodes, max_gap_days: float, n_jobs: int | None = None) -> Edges:
    """Pairs of episodes that may be of one story, and the mean cosine of their reports, less for days between them."""

    def similar(left: Integers, right: Integers) -> Pairs:
        return similar_candidates(episodes, left, right, dot_products(episodes.means, left, right)[0])

    return Edges.joined(_of_candidates(episodes, max_gap_days, n_jobs, similar))


def near_episodes(episodes: Episodes, max_gap_days: float, n_jobs: int | None = None) -> tuple[Integers, Integers]:
    """Pairs ``left < right`` of episodes close in time that their heaviest features find, sorted."""
    none = np.zeros(0, dtype=np.int64)
    found = _of_candidates(episodes, max_gap_days, n_jobs, lambda left, right: (left, right))
    left, right = (np.concatenate(sides) for sides in zip((none, none), *found, strict=True))
    return left, right


def _of_candidates(
    episodes: Episodes, max_gap_days: float, n_jobs: int | None, told: Callable[[Integers, Integers], Told]
) -> list[Told]:
    """What is told of the candidates of each block of episodes."""
    means = episodes.means
    parts: list[Told] = []
    chunks = chunks_in_reach(episodes.first, episodes.last, max_gap_days)
    postings = list(ordered_map(lambda chunk: postings_of(means[chunk[0]]), chunks, n_jobs))
    for number, (chunk, reach) in enumerate(chunks):
        near = [k for k in range(number, len(chunks)) if chunks[k][0].start < reach.stop]
        others = [(chunks[k][0].start, postings[k]) for k in near]
        frequencies = np.zeros(means.shape[1], dtype=np.int64)
        for k in near:
            frequencies += np.diff(postings[k].indptr)

        def of_rows(
            rows: slice, others: list[tuple[int, csr_array]] = others, frequencies: Integers = frequencies
        ) -> Told:
            heavy = heaviest(means[rows], frequencies)
            return told(*candidate_episodes(episodes, max_gap_days, heavy, rows.start, others))

        parts += ordered_map(of_rows, slices(chunk.start, chunk.stop, _BLOCK_ROWS), n_jobs)
    return parts


def chunks_in_reach(first: Floats, last: Floats, max_gap_days: float) -> list[tuple[slice, slice]]:
    """Dated episodes in chunks of a few days, and with each those from its first one on that it is compared with."""
    chunks = [chunk for chunk in chunks_of_days(first) if not np.isnan(first[chunk.start])]
    begins = first[[chunk.start for chunk in chunks]]
    latest = [last[chunk].max() + max_gap_days for chunk in chunks]
    beyond = np.searchsorted(begins, latest, side="right").tolist()
    return [(chunk, slice(chunk.start, chunks[stop - 1].stop)) for chunk, stop in zip(chunks, beyond, strict=True)]


def similar_candidates(episodes: Episodes, left: Integers, right: Integers, mean: Floats) -> Pairs:
    """The candidates that are similar enough, with their similarities; `mean` is the mean cosine of each."""
    similarity = mean * np.exp(-_gaps(episodes, left, right) / EPISODE_MEMORY_DAYS)
    kept = (similarity >= FLOOR) & (mean >= TIE_SHARE * _ties(episodes, left, right))
    return left[kept], right[kept], similarity[kept]


def _ties(episodes: Episodes, left: Integers, right: Integers) -> Floats:
    """Mean cosine of two reports of the tighter of two episodes; of the looser one where the other may be its part."""
    within, sizes = episodes.within, episodes.sizes
    swap = within[left] > within[right]
    looser, tighter = np.where(swap, right, left), np.where(swap, left, right)
    is_loose = (sizes[looser] >= WHOLE) & (within[looser] >= FLOOR)  # 0 is not known: no language has two reports of it
    may_be_part = is_loose & (sizes[tighter] <= PART_SHARE * sizes[looser])
    return np.where(may_be_part, within[looser], within[tighter])


def candidate_episodes(
    episodes: Episodes, max_gap_days: float, heavy: csr_array, start: int, others: list[tuple[int, csr_array]]
) -> tuple[Integers, Integers]:
    """Pairs ``left < right`` close in time that their heaviest features find, sorted.

    `heavy` has the heaviest features of the left episodes, the first of which is episode `start`; `others` has the
    first episode and the postings of each chunk of right ones.
    """
    parts = []
    for first, postings in others:
        left, right, _ = products(heavy, start, postings, first)
        close = _gaps(episodes, left, right) <= max_gap_days
        parts.append(left[close] << np.int64(_PLACE_BITS) | right[close])
    pairs = np.concatenate(parts)
    pairs.sort()
    return pairs >> np.int64(_PLACE_BITS), pairs & np.int64((1 << _PLACE_BITS) - 1)


def heaviest(vectors: csr_array, frequencies: Integers) -> csr_array:
    """Rows with only their heaviest features, which have at most `_POSTINGS` postings together.

    The rarest features of a long episode are each in one of its reports, and weigh next to nothing in the mean.
    `frequencies` is the number of postings of each feature.
    """
    compiled = kernel()
    if compiled is None:
        kept = _heaviest(vectors, frequencies)
    else:
        longest = int(np.diff(vectors.indptr).max(initial=0))
        heap, chosen = np.empty(longest, dtype=np.uint64), np.empty(vectors.nnz, dtype=np.uint8)
        wide = np.asarray(frequencies, dtype=np.int64)
        compiled.heaviest(*flat_rows(vectors), vectors.shape[0], wide, _POSTINGS, _WEIGHT_STEPS, heap, chosen)
        kept = np.flatnonzero(chosen)
    indptr = np.searchsorted(kept, vectors.indptr).astype(vectors.indptr.dtype)
    return csr_array((vectors.data[kept], vectors.indices[kept], indptr), shape=vectors.shape)


def _heaviest(vectors: csr_array, frequencies: Integers) -> Integers:
    """What the kernel does, in NumPy: the places of the entries that are kept."""
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    # The row in the upper bits, then lightness, then place: plain integers are sorted ten times faster than an index.
    packed = rows.astype(np.uint64) << np.uint64(_WEIGHT_BITS)
    packed |= (np.clip(1 - vectors.data.astype(np.float32, copy=False), 0, 1) * _WEIGHT_STEPS).astype(np.uint64)
    packed = (packed << np.uint64(_PLACE_BITS)) | np.arange(len(rows), dtype=np.uint64)
    packed.sort()
    place = (packed & np.uint64((1 << _PLACE_BITS) - 1)).astype(np.int64)
    total = np.concatenate([[0], np.cumsum(frequencies[vectors.indices[place]], dtype=np.int64)])
    return np.sort(place[total[1:] - total[vectors.indptr[:-1]][rows] <= _POSTINGS])


def _gaps(episodes: Episodes, left: Integers, right: Integers) -> Floats:
    """Days between the end of the earlier and the beginning of the later one; 0 where they overlap."""
    first, last = episodes.first, episodes.last
    apart = np.maximum(first[left], first[right]) - np.minimum(last[left], last[right])
    return np.asarray(np.maximum(apart, 0.0))


def _squares(vectors: csr_array) -> Floats:
    """Squared length of each row."""
    compiled = kernel() if vectors.dtype == np.float64 else None
    if compiled is None:
        return _squares_in_numpy(vectors)
    found = np.empty(vectors.shape[0], dtype=np.float64)
    compiled.row_squares(vectors.indptr.astype(np.int64, copy=False), vectors.data, len(found), found)
    return found


def _squares_in_numpy(vectors: csr_array) -> Floats:
    """What the kernel does, in NumPy."""
    found = np.zeros(vectors.shape[0], dtype=np.float64)
    for rows in slices(0, vectors.shape[0], _BLOCK_ROWS):  # at once, it would take three times the memory of the values
        bounds = vectors.indptr[rows.start : rows.stop + 1]
        row = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        found[rows] = np.bincount(row, weights=vectors.data[bounds[0] : bounds[-1]] ** 2, minlength=len(bounds) - 1)
    return found
