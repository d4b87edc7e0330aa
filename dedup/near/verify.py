"""Candidate pairs -> their exact Jaccard similarity."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_SHINGLES_AT_ONCE = 1 << 16


def verification_blocks(pairs: NDArray[np.int64], sizes: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Positions of pairs to verify together: of like length, so that their matrix has little padding."""
    lengths = sizes[pairs].sum(axis=1)
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        # A block is as wide as its last pair; its size follows from the width of its first.
        count = max(1, _SHINGLES_AT_ONCE // max(1, int(lengths[order[first]])))
        last = min(first + count, len(order)) - 1
        while last > first and (last - first + 1) * int(lengths[order[last]]) > 2 * _SHINGLES_AT_ONCE:
            last = (first + last) // 2
        yield order[first : last + 1]
        first = last + 1


def exact_jaccard(
    pairs: NDArray[np.int64], shingles: NDArray[np.uint64], starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Jaccard similarity of the shingle sets of pairs of texts.

    Parameters
    ----------
    pairs : ndarray of int64, shape (n_pairs, 2)
        One block (see `verification_blocks`).
    shingles : ndarray of uint64
        Shingle hashes; text `i` has ``shingles[starts[i]:starts[i] + sizes[i]]``, repeats allowed.
    starts, sizes : ndarray of int64, shape (n_texts,)
        Of the texts in `pairs`, none is without shingles.

    Returns
    -------
    ndarray of float64, shape (n_pairs,)
        In [0, 1]. Exact but for collisions of 63-bit hashes.

    Notes
    -----
    O(s log s) for s shingles of a pair: both texts in one row, the lowest bit telling which, and the row sorted.
    """
    rows = np.concatenate([_padded(shingles, starts[side], sizes[side]) for side in pairs.T], axis=1)
    middle = int(sizes[pairs[:, 0]].max(initial=1))
    rows[:, :middle] &= ~np.uint64(1)
    rows[:, middle:] |= np.uint64(1)
    rows.sort(axis=1)
    steps = rows[:, 1:] ^ rows[:, :-1]
    total = 1 + np.count_nonzero(steps, axis=1)  # |A| + |B|: repeats step by 0
    shared = np.count_nonzero(steps == np.uint64(1), axis=1)  # one shingle, left beside right
    jaccard: NDArray[np.float64] = shared / (total - shared)
    return jaccard


def _padded(shingles: NDArray[np.uint64], starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Shingles of texts as rows of one length; shorter ones repeat their last, which adds nothing distinct."""
    place = np.arange(int(sizes.max(initial=1)))
    return shingles.take(starts[:, None] + np.minimum(place, sizes[:, None] - 1))
