"""How alike two reports are: the cosine of their vectors, and what the time between them leaves of it."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

#: After this many days between two publications a similarity has fallen to 1/e.
TIME_SCALE_DAYS = 3.0

#: Stands in for the time factor when a date is missing: about what a pair from one story has on average.
UNDATED_FACTOR = 0.7

_ENTRIES_AT_ONCE = 1 << 18


def time_factor(days: NDArray[np.float64], other_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the gap between two publications leaves of a similarity, in (0, 1].

    Examples
    --------
    >>> time_factor(np.array([0.0, 0.0, np.nan]), np.array([0.0, 3.0, 0.0])).round(2).tolist()
    [1.0, 0.37, 0.7]
    """
    gap = np.abs(days - other_days)
    return np.where(np.isnan(gap), UNDATED_FACTOR, np.exp(-gap / TIME_SCALE_DAYS))


def membership(sums: NDArray[np.float64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean similarity of each report to the other reports of its story, in [0, 1]; 1 for a report alone.

    Parameters
    ----------
    sums : ndarray of float64, shape (n,)
        Sum of the similarities of each report to the others of its story.
    others : ndarray of int64, shape (n,)
        How many others there are.
    """
    return np.where(others > 0, sums / np.maximum(others, 1), 1.0)


def cosines(vectors: csr_array, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cosine of each pair of rows, shape (n_pairs,).

    Parameters
    ----------
    vectors : csr_array, shape (n, n_features)
        Rows of unit length.
    left, right : ndarray of int64, shape (n_pairs,)
        Rows, left ones ascending.

    Examples
    --------
    >>> rows = csr_array(np.array([[1.0, 0], [0.8, 0.6], [0, 1]], dtype=np.float32))
    >>> cosines(rows, np.array([0, 0, 1]), np.array([1, 2, 2])).round(2).tolist()
    [0.8, 0.0, 0.6]
    """
    found = np.zeros(len(left), dtype=np.float64)
    sizes = np.diff(vectors.indptr)
    ends = np.cumsum(sizes[right], dtype=np.int64)
    # One left row at a time lies unpacked, and the right rows look up their features in it.
    unpacked = np.zeros(vectors.shape[1], dtype=vectors.dtype)
    first = 0
    while first < len(left):
        done = int(ends[first - 1]) if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, done + _ENTRIES_AT_ONCE, side="right")))
        found[first:stop] = _cosines_of_block(vectors, sizes, left[first:stop], right[first:stop], unpacked)
        first = stop
    return found


def _cosines_of_block(
    vectors: csr_array,
    sizes: NDArray[np.int32],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    unpacked: NDArray[np.float32],
) -> NDArray[np.float64]:
    counts = sizes[right]
    ends = np.cumsum(counts, dtype=np.int64)
    starts = ends - counts
    entries = np.repeat(vectors.indptr[right] - starts, counts) + np.arange(ends[-1])
    features, products = vectors.indices.take(entries), vectors.data.take(entries)
    firsts = np.flatnonzero(np.diff(left, prepend=-1))
    bounds = [*starts[firsts].tolist(), int(ends[-1])]
    for row, begin, end in zip(left[firsts].tolist(), bounds[:-1], bounds[1:], strict=True):
        own = slice(vectors.indptr[row], vectors.indptr[row + 1])
        unpacked[vectors.indices[own]] = vectors.data[own]
        products[begin:end] *= unpacked.take(features[begin:end])
        unpacked[vectors.indices[own]] = 0
    found = np.zeros(len(left), dtype=np.float64)
    filled = np.flatnonzero(counts)
    if len(filled):
        found[filled] = np.add.reduceat(products, starts[filled])
    return found
