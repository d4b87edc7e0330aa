"""TF-IDF vectors and publication times -> a sparse graph of similarities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

#: Similarities below this count as none.
FLOOR = 0.05

#: After this many days between two publications a similarity has fallen to 1/e.
TIME_SCALE_DAYS = 3.0

#: Stands in for the time factor when a date is missing: about what a pair from one story has on average.
UNDATED_FACTOR = 0.7

_ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Similar pairs of nodes.

    Attributes
    ----------
    left, right : ndarray of int64, shape (n_edges,)
        ``left < right``, sorted.
    similarity : ndarray of float64, shape (n_edges,)
        In [FLOOR, 1].
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    similarity: NDArray[np.float64]

    def adjacency(self, n: int) -> csr_array:
        """Symmetric matrix of the similarities, shape (n, n)."""
        upper = csr_array((self.similarity, (self.left, self.right)), shape=(n, n))
        return (upper + upper.T).tocsr()


def time_factor(days: NDArray[np.float64], other_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the gap between two publications leaves of a similarity, in (0, 1].

    Examples
    --------
    >>> time_factor(np.array([0.0, 0.0, np.nan]), np.array([0.0, 3.0, 0.0])).round(2).tolist()
    [1.0, 0.37, 0.7]
    """
    gap = np.abs(days - other_days)
    return np.where(np.isnan(gap), UNDATED_FACTOR, np.exp(-gap / TIME_SCALE_DAYS))


def similar_pairs(vectors: csr_array, days: NDArray[np.float64]) -> Edges:
    """Pairs whose cosine times the time factor reaches `FLOOR`.

    Parameters
    ----------
    vectors : csr_array, shape (n, n_features)
        Rows of unit length.
    days : ndarray of float64, shape (n,)
        Publication in days; NaN when unknown.
    """
    transposed = vectors.T.tocsr()
    parts = []
    for first in range(0, vectors.shape[0], _ROWS_AT_ONCE):
        product = (vectors[first : first + _ROWS_AT_ONCE] @ transposed).tocoo()
        left, right = product.row.astype(np.int64) + first, product.col.astype(np.int64)
        close = (right > left) & (product.data >= FLOOR)  # the time factor only lowers it
        left, right, cosine = left[close], right[close], product.data[close].astype(np.float64)
        similarity = np.minimum(cosine, 1.0) * time_factor(days[left], days[right])
        kept = similarity >= FLOOR
        order = np.lexsort((right[kept], left[kept]))
        parts.append((left[kept][order], right[kept][order], similarity[kept][order]))
    if not parts:
        return Edges(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    return Edges(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def mean_similarity(vectors: csr_array, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean cosine of each row to the other rows of its label, shape (n,), in [0, 1]; 1 for a row alone.

    Examples
    --------
    >>> mean_similarity(csr_array(np.array([[1.0, 0], [1, 0], [0, 1]])), np.array([0, 0, 0])).tolist()
    [0.5, 0.5, 0.0]
    """
    n = len(labels)
    if n == 0:
        return np.empty(0)
    members = csr_array((np.ones(n), (labels, np.arange(n))), shape=(int(labels.max()) + 1, n))
    sums = (members @ vectors).tocsr()
    to_all = np.empty(n)
    for first in range(0, n, _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        to_all[rows] = (vectors[rows] * sums[labels[rows]]).sum(axis=1)
    to_itself = (vectors * vectors).sum(axis=1)
    others = np.bincount(labels)[labels] - 1
    mean = (to_all - to_itself) / np.maximum(others, 1)
    return np.where(others > 0, np.clip(mean, 0.0, 1.0), 1.0)
