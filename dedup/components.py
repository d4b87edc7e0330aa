"""Connected components with labels that depend on the members alone."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def connected_labels(left: NDArray[np.int64], right: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Component of each of `n` nodes under the edges ``left[i], right[i]``, numbered by first member.

    Examples
    --------
    >>> connected_labels(np.array([1, 3]), np.array([3, 4]), 5)
    array([0, 1, 2, 1, 1])
    """
    if n == 0:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(n, n))
    return numbered_by_first(connected_components(graph, directed=False)[1])


def numbered_by_first(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """The same grouping, its labels numbered in the order of their first members.

    Examples
    --------
    >>> numbered_by_first(np.array([7, 3, 7, 5]))
    array([0, 1, 0, 2])
    """
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[which]


def members(labels: NDArray[np.int64]) -> list[list[int]]:
    """Positions of the members of each label, ascending, by label.

    Examples
    --------
    >>> members(np.array([0, 1, 0]))
    [[0, 2], [1]]
    """
    if not len(labels):
        return []
    order = np.argsort(labels, kind="stable")
    return [part.tolist() for part in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)]
