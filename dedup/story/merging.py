"""Episodes of a sparse graph -> episodes that hold by the mean over all of their pairs.

The graph lacks pairs: those below its floor, and those that the search for candidates does not find. In an episode of
sixty reports they are most of the mean, so that it comes apart. Sums of vectors give the mean over all pairs.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Flags, Floats, Integers, connected_labels, numbered_by_first, run_starts
from dedup.story.candidates import FLOOR, Edges
from dedup.story.constraints import APART, KEPT_APART, Pair
from dedup.story.day_sums import DaySums, totals
from dedup.story.partition import gaining_unions

#: An episode of this many reports is compared by all pairs with those that are this similar to it by the edges alone.
LARGE, LEAST_MEAN = 5, 0.02

#: An episode of this many reports is so compared with any that it has an edge to. It takes in those of at most this
#: share of its size that are at least this share as similar to it as its own reports are to each other: size is
#: evidence.
ABSORBING, SMALL_SHARE, COHESION_SHARE = 15, 0.2, 0.4

# An episode that is so many times as large as it was is compared again, in so many rounds. On the eleven labelled sets
# of the benchmarks, more rounds find no more.
_GROWTH, _ROUNDS = 1.25, 3


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
        return cls(*sums, totals(labels, sizes, k).astype(np.int64), totals(labels, costs, k))

    def labels(self, threshold: float) -> Integers:
        """Unions of the episodes that gain by it."""
        k = len(self.sizes)
        upper = csr_array((self.between, (self.left, self.right)), shape=(k, k))
        return gaining_unions((upper + upper.T).tocsr(), threshold, self.costs, self.sizes)

    def united(self, labels: Integers) -> "_Episodes":
        """Unions of the episodes."""
        k = int(labels.max(initial=-1)) + 1
        left, right, between, inside = _summed(labels[self.left], labels[self.right], self.between, k)
        within, sizes = totals(labels, self.within, k) + inside, totals(labels, self.sizes, k).astype(np.int64)
        return _Episodes(left, right, between, within, sizes, totals(labels, self.costs, k))


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
    touched: Flags | None = None,
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
    touched : ndarray of bool, shape (n,), optional
        Nodes that are new since episodes were merged last, by default all. Episodes without one of them were compared
        with each other before. Where some are old, no episode takes in small ones: doing so at each step, a large one
        would become looser and looser.
    """
    if apart:
        ends = np.array(apart, dtype=np.int64)
        ends = ends[labels[ends[:, 0]] != labels[ends[:, 1]]]
        edges = Edges.joined([(edges.left, edges.right, edges.similarity), (*ends.T, np.full(len(ends), APART))])
    sizes = np.ones(len(labels), dtype=np.int64) if sizes is None else sizes
    episodes = _Episodes.of(edges, labels, costs, sizes)
    changed, absorbing = np.ones(len(episodes.sizes), dtype=np.bool_), touched is None
    if touched is not None:
        changed = np.bincount(labels, weights=touched, minlength=len(changed)) > 0
    for _ in range(_ROUNDS):
        episodes = _compared(episodes, reports, labels, changed, absorbing=absorbing)
        unions = episodes.labels(threshold)
        if absorbing:
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


def _compared(episodes: _Episodes, reports: Reports, labels: Integers, changed: Flags, *, absorbing: bool) -> _Episodes:
    """Episodes with their similarities over all pairs where one of two is large and near, and one has changed.

    How tight each is by itself counts only where large ones take in others.
    """
    left, right, sizes = episodes.left, episodes.right, episodes.sizes
    large, largest = sizes >= ABSORBING, np.maximum(sizes[left], sizes[right])
    may_unite = episodes.between > KEPT_APART
    near = (largest >= LARGE) & (episodes.between >= LEAST_MEAN * sizes[left] * sizes[right])
    pairs = np.flatnonzero((near | (largest >= ABSORBING)) & (changed[left] | changed[right]) & may_unite)
    own = np.flatnonzero(large & changed & absorbing)
    wanted = np.zeros(len(large), dtype=np.bool_)
    wanted[own] = wanted[left[pairs]] = wanted[right[pairs]] = True
    episode = labels[reports.nodes]
    loaded = np.flatnonzero(wanted[episode])
    sums = DaySums.of(reports.vectors(loaded), reports.days[loaded], episode[loaded], len(large))
    between, within = episodes.between.copy(), episodes.within.copy()
    # The edges have more where an encoder finds texts in two languages alike.
    between[pairs] = np.maximum(between[pairs], sums.between(left[pairs], right[pairs]))
    within[own] = np.maximum(within[own], sums.within(own))
    return episodes._replace(between=between, within=within)


def _summed(left: Integers, right: Integers, values: Floats, k: int) -> tuple[Integers, Integers, Floats, Floats]:
    """Pairs of labels ``left < right``, sorted, with the sums of their values; and the sums within each of k labels."""
    inside = left == right
    within = totals(left[inside], values[inside], k)
    ends = np.sort(np.stack([left[~inside], right[~inside]]), axis=0)
    codes, place = np.unique(ends[0] * k + ends[1], return_inverse=True)
    return codes // max(k, 1), codes % max(k, 1), totals(place, values[~inside], len(codes)), within
