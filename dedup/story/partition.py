"""A sparse graph of similarities -> stories."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, connected_labels, numbered_by_first
from dedup.kernel import kernel

#: What a report pays to join a story: `JOIN_COST` without any features, half of it with `JOIN_COST_FEATURES` of them.
#: Two titles must be more alike than two full reports, of which the same similarity says more; in a story of thirty
#: the cost no longer matters.
JOIN_COST, JOIN_COST_FEATURES = 0.3, 150.0

# Costs are multiples of this, so that their sums are exact, whatever the order.
_COST_UNIT = 2.0**-20

#: Gains below this are rounding.
_TOLERANCE = 1e-9

# A pair may lose this much by rounding and count all the same.
_MARGIN = 1e-8


Number = TypeVar("Number", float, Floats)


def join_costs(n_features: NDArray[np.integer]) -> Floats:
    """What reports of this many distinct features pay to join a story.

    Examples
    --------
    >>> join_costs(np.array([0, 60, 150, 450])).round(2).tolist()
    [0.3, 0.26, 0.15, 0.03]
    """
    return exact_costs(JOIN_COST / (1 + (n_features / JOIN_COST_FEATURES) ** 2))


def exact_costs(costs: Floats) -> Floats:
    """The costs, rounded such that sums of them are exact, whatever the order."""
    return np.asarray(np.round(costs / _COST_UNIT) * _COST_UNIT)


def cost_of_joining(costs: Number, sizes: Number, other_costs: Number, other_sizes: Number) -> Number:
    """What stories of `sizes` reports, with `costs` together, pay more as one than as two.

    A story pays the mean cost of its reports for each of them but one.

    Examples
    --------
    >>> round(cost_of_joining(0.2, 1, 0.4, 1), 4), round(cost_of_joining(0.2, 1, 0.25, 1000), 4)
    (0.3, 0.1998)
    """
    return costs / sizes + other_costs / other_sizes - (costs + other_costs) / (sizes + other_sizes)


def objective(graph: csr_array, labels: Integers, threshold: float, costs: Floats, sizes: Integers) -> float:
    """What `partition` maximises: similarity less threshold over all pairs with one label, less the costs of stories.

    Pairs within a node that stands for several reports have similarity 0.
    """
    return float(_worths(_Nodes(graph, sizes, costs), labels, threshold).sum())


class _Nodes(NamedTuple):
    """A graph whose nodes stand for `sizes` reports each, which pay `costs` together."""

    graph: csr_array
    sizes: Integers
    costs: Floats

    @property
    def alone(self) -> Integers:
        """A label for each node, shape (n_nodes,)."""
        return np.arange(len(self.sizes))


def partition(adjacency: csr_array, threshold: float, costs: Floats, sizes: Integers | None = None) -> Integers:
    """Stories with the greatest total of (similarity - threshold) less the cost of joining, by local search.

    The constant Potts objective (Traag, Van Dooren and Nesterov 2011), which is correlation clustering: two reports
    belong together when their similarity exceeds the threshold by what it costs to join, and a story stays whole as
    long as it does so on average and is worth more than its reports apart. Local moves with a queue and aggregation:
    Traag, Waltman and Van Eck (2019), "From Louvain to Leiden".

    Parameters
    ----------
    adjacency : csr_array, shape (n, n)
        Symmetric similarities, zero diagonal. Rows are in canonical order: ties go to the earlier row, and the result
        of a local search depends on where it begins.
    threshold : float
        Mean similarity above which reports form a story, but for the costs.
    costs : ndarray of float64, shape (n,)
        What each row pays to join a story; see `join_costs`. A row that stands for several reports has their sum.
    sizes : ndarray of int64, shape (n,), optional
        Number of reports that each row stands for, 1 by default; its similarities are sums over them.

    Returns
    -------
    ndarray of int64, shape (n,)
        Labels numbered by first member. Every story is connected.
    """
    nodes = _Nodes(adjacency, np.ones(len(costs), dtype=np.int64) if sizes is None else sizes, costs)
    return _searched(nodes, threshold, _stories)


def gaining_unions(adjacency: csr_array, threshold: float, costs: Floats, sizes: Integers) -> Integers:
    """Unions of stories, one a row, that gain by it; see `partition`, by which the stories have been found."""
    nodes = _Nodes(adjacency, sizes, costs)
    return _searched(nodes, threshold, lambda nodes, threshold: _improved(nodes, nodes.alone, threshold))


def _searched(nodes: _Nodes, threshold: float, search: Callable[[_Nodes, float], Integers]) -> Integers:
    """Labels that a search finds, numbered by first member."""
    # A node whose similarity to every other is below the threshold loses in any story, so that it stays alone.
    coo, sizes = nodes.graph.tocoo(), nodes.sizes
    worth = coo.data - threshold * sizes[coo.row] * sizes[coo.col]
    linked = np.zeros(len(sizes), dtype=np.bool_)
    linked[coo.row[worth > -_MARGIN]] = True
    searched = np.flatnonzero(linked)
    labels = np.arange(len(sizes))
    graph = nodes.graph[searched][:, searched]
    labels[searched] = len(sizes) + search(_Nodes(graph, sizes[searched], nodes.costs[searched]), threshold)
    return numbered_by_first(labels)


def _stories(nodes: _Nodes, threshold: float) -> Integers:
    """See `partition`."""
    # Without costs first: many short reports may be worth a story of which no two are.
    labels = _climb(nodes._replace(costs=np.zeros(len(nodes.costs))), nodes.alone, threshold)
    while True:
        labels = _improved(nodes, labels, threshold)
        losing = _gains(nodes, labels, threshold) < -_TOLERANCE
        if not losing.any():
            return labels
        apart = len(labels) + np.arange(len(labels))
        labels = numbered_by_first(np.where(losing[labels], apart, labels))


def _improved(nodes: _Nodes, labels: Integers, threshold: float) -> Integers:
    """Climb again and again until the total does not grow."""
    total = -np.inf
    while True:
        labels = _climb(nodes, labels, threshold)
        # Once stories have moved as wholes, a single report may find a better place again.
        before, total = total, objective(nodes.graph, labels, threshold, nodes.costs, nodes.sizes)
        if total <= before + _TOLERANCE:
            return labels


def _gains(nodes: _Nodes, labels: Integers, threshold: float) -> Floats:
    """What each label is worth more than its nodes apart, shape (n_labels,)."""
    alone = _worth(np.zeros(len(labels)), nodes.sizes, nodes.costs, threshold)
    return _worths(nodes, labels, threshold) - np.bincount(labels, weights=alone)


def _worths(nodes: _Nodes, labels: Integers, threshold: float) -> Floats:
    """What the stories of the labels are worth, shape (n_labels,)."""
    coo = nodes.graph.tocoo()
    inside, n = labels[coo.row] == labels[coo.col], int(labels.max(initial=-1)) + 1
    within = np.bincount(labels[coo.row[inside]], weights=coo.data[inside] / 2, minlength=n)
    sizes, costs = (np.bincount(labels, weights=values, minlength=n) for values in (nodes.sizes, nodes.costs))
    return _worth(within.astype(np.float64), sizes, costs, threshold)


def _worth(within: Floats, sizes: NDArray[Any], costs: NDArray[Any], threshold: float) -> Floats:
    """Similarities within stories, less the threshold for each pair and the mean cost for each report but one."""
    return np.asarray(within - threshold * sizes * (sizes - 1) / 2 - costs * (1 - 1 / np.maximum(sizes, 1)))


def _climb(nodes: _Nodes, labels: Integers, threshold: float) -> Integers:
    """Move single nodes, then whole labels, then labels of labels, until none gains."""
    labels = moved = _connected(nodes.graph, _local_moves(nodes, labels, threshold))
    while len(nodes.sizes) > moved.max(initial=-1) + 1:
        nodes = _aggregate(nodes, moved)
        moved = _connected(nodes.graph, _local_moves(nodes, np.arange(len(nodes.sizes)), threshold))
        labels = moved[labels]
    return labels


def _local_moves(nodes: _Nodes, start: Integers, threshold: float) -> Integers:
    """Labels after moving single nodes, each to where it gains most, until none gains."""
    n, graph = len(nodes.sizes), nodes.graph
    totals = np.bincount(start, weights=nodes.sizes, minlength=n).astype(np.int64)
    paying = np.bincount(start, weights=nodes.costs, minlength=n).astype(np.float64)
    compiled = kernel()
    if compiled is None:
        return _moved(nodes, start, threshold, totals, paying)
    labels, free = start.copy(), np.flatnonzero(totals == 0)  # labels without nodes
    numbers = np.empty((4, n), dtype=np.int64)
    numbers[3, : len(free)] = free
    starts, neighbours, sizes = map(np.ascontiguousarray, (graph.indptr, graph.indices, nodes.sizes))
    rows = starts.astype(np.int64, copy=False), neighbours.astype(np.int32, copy=False), graph.data
    given = *rows, n, sizes.astype(np.int64, copy=False), nodes.costs, threshold, _TOLERANCE
    pulls, queued = np.empty(n), np.empty(n, dtype=np.uint8)
    compiled.local_moves(*given, labels, totals, paying, numbers, len(free), pulls, queued)
    return labels


def _moved(nodes: _Nodes, start: Integers, threshold: float, totals: Integers, costs: Floats) -> Integers:
    """What the kernel does, in Python; `totals` and `costs` are those of the labels."""
    # Plain lists: a node has few neighbours, and a NumPy call takes longer than a loop over them. Neighbours are listed
    # for one node at a time: numbers in lists take ten times the memory of those in arrays.
    graph, size, cost = nodes.graph, nodes.sizes.tolist(), nodes.costs.tolist()
    starts, neighbours, similarities = graph.indptr.tolist(), graph.indices, graph.data
    labels, total, paying = start.tolist(), totals.tolist(), costs.tolist()
    free = np.flatnonzero(totals == 0).tolist()  # labels without nodes
    queue, queued = deque(range(len(labels))), [True] * len(labels)
    while queue:
        node = queue.popleft()
        queued[node] = False
        row = slice(starts[node], starts[node + 1])
        around = neighbours[row].tolist()
        home = labels[node]
        attraction: dict[int, float] = {home: 0.0}
        for label, pull in zip([labels[other] for other in around], similarities[row].tolist(), strict=True):
            attraction[label] = attraction.get(label, 0.0) + pull
        total[home] -= size[node]
        paying[home] = paying[home] - cost[node] if total[home] else 0.0
        best, best_gain = _best_label(home, attraction, total, paying, size[node], cost[node], threshold)
        if best_gain < -_TOLERANCE:  # better alone
            best = free.pop()  # the node shares its label, so some label is free
        total[best] += size[node]
        paying[best] += cost[node]
        if best == home:
            continue
        if not total[home]:
            free.append(home)
        labels[node] = best
        for other in around:
            if labels[other] != best and not queued[other]:
                queued[other] = True
                queue.append(other)
    return np.array(labels, dtype=np.int64)


def _best_label(
    home: int,
    attraction: dict[int, float],
    total: list[int],
    paying: list[float],
    size: int,
    cost: float,
    threshold: float,
) -> tuple[int, float]:
    """The label that a node of this size and cost gains most by, and how much; of equals its own, then the least."""
    best, best_gain = home, -math.inf
    for label, pull in attraction.items():
        rest, gain = total[label], 0.0
        if rest:
            # `cost_of_joining`, written out: a call takes longer than the sum.
            paid = cost / size + paying[label] / rest - (cost + paying[label]) / (size + rest)
            gain = pull - threshold * size * rest - paid
        if gain > best_gain + _TOLERANCE or (gain > best_gain - _TOLERANCE and label < best != home):
            best, best_gain = label, gain
    return best, best_gain


def _connected(graph: csr_array, labels: Integers) -> Integers:
    """Split labels into their connected parts, which cannot lose; number them by first member."""
    coo = graph.tocoo()
    inside = labels[coo.row] == labels[coo.col]
    return connected_labels(coo.row[inside], coo.col[inside], len(labels))


def _aggregate(nodes: _Nodes, labels: Integers) -> _Nodes:
    """One node for each label, with sums of similarities, sizes and costs."""
    n, k = len(labels), int(labels.max(initial=-1)) + 1
    members = csr_array((np.ones(n), (labels, np.arange(n))), shape=(k, n))
    merged = (members @ nodes.graph @ members.T).tocoo()
    between = merged.row != merged.col
    graph = csr_array((merged.data[between], (merged.row[between], merged.col[between])), shape=(k, k))
    graph.sort_indices()
    sizes = np.bincount(labels, weights=nodes.sizes, minlength=k).astype(np.int64)
    return _Nodes(graph, sizes, np.bincount(labels, weights=nodes.costs, minlength=k).astype(np.float64))
