"""A sparse graph of similarities -> stories."""

from collections import deque

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Integers, connected_labels, numbered_by_first

#: Gains below this are rounding.
_TOLERANCE = 1e-9


def objective(graph: csr_array, labels: Integers, threshold: float, sizes: Integers | None = None) -> float:
    """The sum of (similarity - threshold) over all pairs with one label, which `partition` maximises.

    Where nodes stand for several reports each, of which there are `sizes`, pairs within a node have similarity 0.
    """
    coo = graph.tocoo()
    within = float(coo.data[labels[coo.row] == labels[coo.col]].sum()) / 2
    totals = np.bincount(labels, weights=sizes)
    return within - threshold * float((totals * (totals - 1) / 2).sum())


def partition(adjacency: csr_array, threshold: float, sizes: Integers | None = None) -> Integers:
    """Stories with the greatest total of (similarity - threshold), by local search.

    The constant Potts objective (Traag, Van Dooren and Nesterov 2011), which is correlation clustering: two reports
    belong together when their similarity exceeds the threshold, and a story stays whole as long as it does so on
    average. Local moves with a queue and aggregation: Traag, Waltman and Van Eck (2019), "From Louvain to Leiden".

    Parameters
    ----------
    adjacency : csr_array, shape (n, n)
        Symmetric similarities, zero diagonal. Rows are in canonical order: ties go to the earlier row, and the result
        of a local search depends on where it begins.
    threshold : float
        Mean similarity above which reports form a story.
    sizes : ndarray of int64, shape (n,), optional
        Number of reports that each row stands for, 1 by default; its similarities are sums over them.

    Returns
    -------
    ndarray of int64, shape (n,)
        Labels numbered by first member. Every story is connected.
    """
    return _maximize(adjacency, np.ones(adjacency.shape[0], dtype=np.int64) if sizes is None else sizes, threshold)


def refined(adjacency: csr_array, labels: Integers, threshold: float) -> Integers:
    """Parts of the given stories with the greatest total of (similarity - threshold)."""
    graph = adjacency.tocoo()
    inside = labels[graph.row] == labels[graph.col]
    within = csr_array((graph.data[inside], (graph.row[inside], graph.col[inside])), shape=graph.shape)
    return partition(within, threshold)


def coarsened(adjacency: csr_array, labels: Integers, threshold: float) -> Integers:
    """Unions of the given stories with the greatest total of (similarity - threshold)."""
    graph, sizes = _aggregate(adjacency, np.ones(len(labels), dtype=np.int64), labels)
    return numbered_by_first(_maximize(graph, sizes, threshold)[labels])


def _maximize(graph: csr_array, sizes: Integers, threshold: float) -> Integers:
    """Labels of the nodes of a graph, which stand for `sizes` reports each."""
    labels = np.arange(len(sizes))
    total = -np.inf
    while True:
        labels = _climb(graph, sizes, labels, threshold)
        # Once stories have moved as wholes, a single report may find a better place again.
        before, total = total, objective(graph, labels, threshold, sizes)
        if total <= before + _TOLERANCE:
            return labels


def _climb(graph: csr_array, sizes: Integers, labels: Integers, threshold: float) -> Integers:
    """Move single nodes, then whole labels, then labels of labels, until none gains."""
    labels = moved = _connected(graph, _local_moves(graph, sizes, labels, threshold))
    while len(sizes) > moved.max(initial=-1) + 1:
        graph, sizes = _aggregate(graph, sizes, moved)
        moved = _connected(graph, _local_moves(graph, sizes, np.arange(len(sizes)), threshold))
        labels = moved[labels]
    return labels


def _local_moves(graph: csr_array, sizes: Integers, start: Integers, threshold: float) -> Integers:
    """Labels after moving single nodes, each to where it gains most, until none gains."""
    # Plain lists: a node has few neighbours, and a NumPy call takes longer than a loop over them. Neighbours are listed
    # for one node at a time: numbers in lists take ten times the memory of those in arrays.
    starts, neighbours, similarities = graph.indptr.tolist(), graph.indices, graph.data
    size, labels = sizes.tolist(), start.tolist()
    total = np.bincount(start, weights=sizes, minlength=len(size)).astype(np.int64).tolist()  # of each label
    free = np.flatnonzero(np.array(total) == 0).tolist()  # labels without nodes
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
        best, best_gain = home, attraction[home] - threshold * size[node] * total[home]
        for label, pull in attraction.items():
            gain = pull - threshold * size[node] * total[label]
            if gain > best_gain + _TOLERANCE or (gain > best_gain - _TOLERANCE and label < best != home):
                best, best_gain = label, gain
        if best_gain < -_TOLERANCE:  # better alone
            best = free.pop()  # the node shares its label, so some label is free
        total[best] += size[node]
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


def _connected(graph: csr_array, labels: Integers) -> Integers:
    """Split labels into their connected parts, which cannot lose; number them by first member."""
    coo = graph.tocoo()
    inside = labels[coo.row] == labels[coo.col]
    return connected_labels(coo.row[inside], coo.col[inside], len(labels))


def _aggregate(graph: csr_array, sizes: Integers, labels: Integers) -> tuple[csr_array, Integers]:
    """The graph with one node for each label and sums of similarities, and the sizes of its nodes."""
    n, k = len(labels), int(labels.max(initial=-1)) + 1
    members = csr_array((np.ones(n), (labels, np.arange(n))), shape=(k, n))
    merged = (members @ graph @ members.T).tocoo()
    between = merged.row != merged.col
    graph = csr_array((merged.data[between], (merged.row[between], merged.col[between])), shape=(k, k))
    graph.sort_indices()
    return graph, np.bincount(labels, weights=sizes, minlength=k).astype(np.int64)
