"""Episodes of a sparse graph -> episodes that hold by the mean over all of their pairs.

The graph lacks pairs: those below its floor, and those that the search for candidates does not find. In an episode of
sixty reports they are most of the mean, so that it comes apart. Sums of vectors give the mean over all pairs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Flags, Floats, Integers, connected_labels, numbered_by_first, run_starts, slices
from dedup.kernel import kernel
from dedup.story.candidates import FLOOR, Edges
from dedup.story.constraints import APART, KEPT_APART, Pair
from dedup.story.partition import gaining_unions
from dedup.story.similarity import in_columns, number_columns, time_factor

#: An episode of this many reports is compared by all pairs with those that are this similar to it by the edges alone.
LARGE, LEAST_MEAN = 5, 0.02

#: An episode of this many reports is so compared with any that it has an edge to. It takes in those of at most this
#: share of its size that are at least this share as similar to it as its own reports are to each other: size is
#: evidence.
ABSORBING, SMALL_SHARE, COHESION_SHARE = 15, 0.2, 0.4

# An episode that is so many times as large as it was is compared again, in so many rounds. On the eleven labelled sets
# of the benchmarks, more rounds find no more.
_GROWTH, _ROUNDS = 1.25, 3

# So many reports are compared with an episode at once.
_BLOCK_REPORTS = 1024


class _Episodes(NamedTuple):
    """Episodes as nodes of a graph."""

    left: Integers  # (n_pairs,): episodes ``left < right`` between which there are edges, sorted
    right: Integers
    between: Floats  # (n_pairs,): sum of the similarities between the reports of two episodes
    within: Floats  # (n_episodes,): sum of the similarities of the reports of an episode, each pair once
    sizes: Integers  # (n_episodes,): numbers of reports
    costs: Floats  # (n_episodes,): see `partition`

    @classmethod
    def of(cls, edges: Edges, labels: Integers, costs: Floats, sizes: Integers) -> "_Episodes":
        """Episodes with the similarities of edges between nodes."""
        k = int(labels.max(initial=-1)) + 1
        sums = _summed(labels[edges.left], labels[edges.right], edges.similarity, k)
        return cls(*sums, _totals(labels, sizes, k).astype(np.int64), _totals(labels, costs, k))

    def labels(self, threshold: float) -> Integers:
        """Unions of the episodes that gain by it."""
        k = len(self.sizes)
        upper = csr_array((self.between, (self.left, self.right)), shape=(k, k))
        return gaining_unions((upper + upper.T).tocsr(), threshold, self.costs, self.sizes)

    def united(self, labels: Integers) -> "_Episodes":
        """Unions of the episodes."""
        k = int(labels.max(initial=-1)) + 1
        left, right, between, inside = _summed(labels[self.left], labels[self.right], self.between, k)
        within, sizes = _totals(labels, self.within, k) + inside, _totals(labels, self.sizes, k).astype(np.int64)
        return _Episodes(left, right, between, within, sizes, _totals(labels, self.costs, k))


class Reports(NamedTuple):
    """The reports that nodes stand for."""

    days: Floats  # (n_reports,): publication, NaN when unknown
    # vectors of the reports at some positions, one row each; the columns are the same within a call
    vectors: Callable[[Integers], csr_array]
    nodes: Integers  # (n_reports,): node of each


def merged(
    reports: Reports,
    edges: Edges,
    labels: Integers,
    threshold: float,
    costs: Floats,
    sizes: Integers | None = None,
    apart: Sequence[Pair] = (),
) -> Integers:
    """Unions of episodes that are similar by the mean over all of their pairs, numbered by first member.

    Parameters
    ----------
    reports : Reports
        Those of large episodes, and of what is near them, are loaded.
    edges : Edges
        Similar pairs of nodes. Only episodes between which there are some are compared.
    labels : ndarray of int64, shape (n,)
        Episode of each node, numbered by first member.
    threshold, costs, sizes
        See `dedup.story.partition.partition`.
    apart : sequence of (int, int)
        Pairs of nodes that stay in two episodes, as they are.
    """
    if apart:
        ends = np.array(apart, dtype=np.int64)
        ends = ends[labels[ends[:, 0]] != labels[ends[:, 1]]]
        edges = Edges.joined([(edges.left, edges.right, edges.similarity), (*ends.T, np.full(len(ends), APART))])
    sizes = np.ones(len(labels), dtype=np.int64) if sizes is None else sizes
    episodes = _Episodes.of(edges, labels, costs, sizes)
    changed = np.ones(len(episodes.sizes), dtype=np.bool_)
    for _ in range(_ROUNDS):
        episodes = _compared(episodes, reports, labels, changed)
        unions = episodes.labels(threshold)
        unions = numbered_by_first(_absorbed(episodes.united(unions))[unions])
        if int(unions.max(initial=-1)) + 1 == len(episodes.sizes):
            break
        # What was compared stays so in sums. Episodes that have grown a lot are compared again: so far their small
        # parts were near others by edges only.
        grown = episodes.united(unions)
        largest = np.zeros(len(grown.sizes), dtype=np.int64)
        np.maximum.at(largest, unions, episodes.sizes)
        changed = (grown.sizes >= _GROWTH * largest) | ((grown.sizes >= ABSORBING) & (largest < ABSORBING))
        episodes, labels = grown, unions[labels]
    return labels


def _absorbed(episodes: _Episodes) -> Integers:
    """Labels of episodes after large ones took in small ones."""
    small, large = (np.concatenate(ends) for ends in ((episodes.left, episodes.right), (episodes.right, episodes.left)))
    sizes = episodes.sizes
    mean = np.tile(episodes.between, 2) / (sizes[small] * sizes[large])
    cohesion = episodes.within / np.maximum(sizes * (sizes - 1) / 2, 1)
    near = (mean >= FLOOR) & (mean >= COHESION_SHARE * cohesion[large])
    kept = np.flatnonzero(near & (sizes[large] >= ABSORBING) & (sizes[small] <= SMALL_SHARE * sizes[large]))
    order = kept[np.lexsort((large[kept], -mean[kept].round(9), small[kept]))]
    closest = order[run_starts(small[order])]
    apart = episodes.between < KEPT_APART
    if apart.any():
        closest = closest[np.lexsort((small[closest], -mean[closest].round(9)))]
        ends = zip(small[closest].tolist(), large[closest].tolist(), strict=True)
        return _absorbed_but(ends, np.stack([episodes.left[apart], episodes.right[apart]]), len(sizes))
    return connected_labels(small[closest], large[closest], len(sizes))


def _absorbed_but(pairs: Iterable[Pair], apart: Integers, n: int) -> Integers:
    """Labels of episodes after those of pairs became one, unless they then had both of what stays apart."""
    labels = np.arange(n)
    for small, large in pairs:
        one, other = labels[small], labels[large]
        if not (np.sort(labels[apart], axis=0) == np.sort([one, other])[:, None]).all(axis=0).any():
            labels[labels == one] = other
    return numbered_by_first(labels)


def _compared(episodes: _Episodes, reports: Reports, labels: Integers, changed: Flags) -> _Episodes:
    """Episodes with their similarities over all pairs where one of two is large and near, and one has changed."""
    left, right, sizes = episodes.left, episodes.right, episodes.sizes
    large, largest = sizes >= ABSORBING, np.maximum(sizes[left], sizes[right])
    may_unite = episodes.between > KEPT_APART
    near = (largest >= LARGE) & (episodes.between >= LEAST_MEAN * sizes[left] * sizes[right])
    pairs = np.flatnonzero((near | (largest >= ABSORBING)) & (changed[left] | changed[right]) & may_unite)
    own = np.flatnonzero(large & changed)
    wanted = np.zeros(len(large), dtype=np.bool_)
    wanted[own] = wanted[left[pairs]] = wanted[right[pairs]] = True
    episode = labels[reports.nodes]
    loaded = np.flatnonzero(wanted[episode])
    sums = _DaySums.of(reports.vectors(loaded), reports.days[loaded], episode[loaded], len(large))
    between, within = episodes.between.copy(), episodes.within.copy()
    # The edges have more where an encoder finds texts in two languages alike.
    between[pairs] = np.maximum(between[pairs], sums.between(left[pairs], right[pairs]))
    within[own] = np.maximum(within[own], sums.within(own))
    return episodes._replace(between=between, within=within)


def _summed(left: Integers, right: Integers, values: Floats, k: int) -> tuple[Integers, Integers, Floats, Floats]:
    """Pairs of labels ``left < right``, sorted, with the sums of their values; and the sums within each of k labels."""
    inside = left == right
    within = _totals(left[inside], values[inside], k)
    ends = np.sort(np.stack([left[~inside], right[~inside]]), axis=0)
    codes, place = np.unique(ends[0] * k + ends[1], return_inverse=True)
    return codes // max(k, 1), codes % max(k, 1), _totals(place, values[~inside], len(codes)), within


def _totals(labels: Integers, values: NDArray[Any], k: int) -> Floats:
    """Sum of the values of each of k labels."""
    return np.bincount(labels, weights=values, minlength=k).astype(np.float64)


class _DaySums(NamedTuple):
    """Vectors of reports by episode and day: the reports of a day fade with time as one."""

    vectors: csr_array  # of the reports
    order: Integers  # (n_reports,): rows of the vectors by episode and day
    starts: Integers  # (n_days + 1,): a day has the reports ``order[starts[i]:starts[i + 1]]``
    day_of: Integers  # (n_reports,): day of each place in `order`
    days: Floats  # (n_days,): mean publication; NaN for undated reports
    offsets: Integers  # (n_episodes + 1,): episode `i` has the days ``offsets[i]:offsets[i + 1]``

    @classmethod
    def of(cls, vectors: csr_array, days: Floats, labels: Integers, k: int) -> "_DaySums":
        """The vectors of reports of k episodes."""
        n, whole = len(labels), np.nan_to_num(np.floor(days), nan=-np.inf)
        order = np.lexsort((whole, labels))
        starts = run_starts(labels[order] * n + np.unique(whole, return_inverse=True)[1][order])
        offsets, starts = np.searchsorted(labels[order][starts], np.arange(k + 1)), np.append(starts, n)
        sizes = np.diff(starts)
        day_of = np.repeat(np.arange(len(sizes)), sizes)
        return cls(vectors, order, starts, day_of, _totals(day_of, days[order], len(sizes)) / sizes, offsets)

    def between(self, left: Integers, right: Integers) -> Floats:
        """Sums of the similarities between the reports of pairs of episodes, which differ."""
        # Those of the longer episode are added up, and those of the other are looked up in the sum.
        entries = np.concatenate([[0], np.cumsum(np.diff(self.vectors.indptr)[self.order], dtype=np.int64)])
        sizes = np.diff(entries[self.starts[self.offsets]])
        swap = sizes[left] < sizes[right]
        return self._sums(np.where(swap, right, left), np.where(swap, left, right))

    def within(self, episodes: Integers) -> Floats:
        """Sums of the similarities of the reports of episodes, each pair once."""
        episode, place = self._places(episodes)
        own, day = self.vectors[self.order[place]], self.days[self.day_of[place]]
        itself = own.power(2).sum(axis=1) * time_factor(day, day)
        return (self._sums(episodes, episodes) - _totals(episode, itself, len(episodes))) / 2

    def _sums(self, left: Integers, right: Integers) -> Floats:
        found = np.zeros(len(left), dtype=np.float64)
        columns = np.full(self.vectors.shape[1], -1, dtype=np.int32)
        order = np.argsort(left, kind="stable")
        starts = run_starts(left[order])
        for episode, pairs in zip(left[order[starts]].tolist(), np.split(order, starts[1:]), strict=False):
            found[pairs] = self._sums_with(episode, right[pairs], columns)
        return found

    def _sums_with(self, episode: int, others: Integers, columns: NDArray[np.int32]) -> Floats:
        """Sums of the similarities of the reports of an episode to those of others; `columns` are lent, all -1."""
        first, stop = self.offsets[episode : episode + 2].tolist()
        places = slice(*self.starts[[first, stop]].tolist())
        own, day = self.order[places], self.day_of[places] - first
        other, place = self._places(others)
        rows, days, found = self.order[place], self.days[self.day_of[place]], np.zeros(len(others), dtype=np.float64)
        with _products(self.vectors, own, day, stop - first, columns) as products:
            for block in slices(0, len(place), _BLOCK_REPORTS):
                factor = time_factor(days[block, None], self.days[first:stop])
                found += _totals(other[block], (products(rows[block]) * factor).sum(axis=1), len(others))
        return found

    def _places(self, episodes: Integers) -> tuple[Integers, Integers]:
        """Places in `order` of the reports of episodes, and which of these episodes each is of."""
        starts, stops = (self.starts[self.offsets[episodes + end]] for end in (0, 1))
        sizes = stops - starts
        which = np.repeat(np.arange(len(sizes)), sizes)
        return which, np.arange(len(which)) + (starts - (np.cumsum(sizes) - sizes))[which]


@contextmanager
def _products(
    vectors: csr_array, own: Integers, day: Integers, n_days: int, columns: NDArray[np.int32]
) -> Iterator[Callable[[Integers], Floats]]:
    """Lend a function from rows to their products with the sum of own rows of each day, shape (n_rows, n_days)."""
    compiled = kernel() if vectors.dtype == np.float64 else None
    if compiled is None:
        with _products_in_numpy(vectors, own, day, n_days, columns) as in_numpy:
            yield in_numpy
        return
    starts, indices = vectors.indptr.astype(np.int64, copy=False), vectors.indices.astype(np.int32, copy=False)
    sums = np.zeros((compiled.number_columns(starts, indices, own, len(own), columns), n_days))
    compiled.add_days(starts, indices, vectors.data, own, day, len(own), columns, n_days, sums)

    def products(rows: Integers) -> Floats:
        found = np.zeros((len(rows), n_days))
        compiled.day_products(starts, indices, vectors.data, rows, len(rows), columns, sums, n_days, found)
        return found

    yield products
    compiled.forget_columns(starts, indices, own, len(own), columns)


@contextmanager
def _products_in_numpy(
    vectors: csr_array, own: Integers, day: Integers, n_days: int, columns: NDArray[np.int32]
) -> Iterator[Callable[[Integers], Floats]]:
    """What the kernel does, in NumPy."""
    vectors_of_own = vectors[own]
    features = number_columns(vectors_of_own.indices, columns)
    cells = columns[vectors_of_own.indices] * np.int64(n_days) + np.repeat(day, np.diff(vectors_of_own.indptr))
    size = len(features) * n_days
    sums = np.bincount(cells, weights=vectors_of_own.data, minlength=size).reshape(len(features), n_days)
    yield lambda rows: in_columns(vectors[rows], columns, len(features)) @ sums
    columns[features] = -1
