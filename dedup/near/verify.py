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

    Returns
    -------
    ndarray of float64, shape (n_pairs,)
        In [0, 1]; 0 for a text without shingles. Exact but for collisions of 63-bit hashes.

    Notes
    -----
    O(s log s) for s shingles of a pair: both texts in one row, the lowest bit telling which, and the row sorted;
    distinct values are then ``|A| + |B|`` with that bit and ``|A u B|`` without.
    """
    width = max(1, int(sizes[pairs].sum(axis=1).max(initial=0)))
    left, right = pairs[:, :1], pairs[:, 1:]
    place = np.arange(width)
    on_left = place < sizes[left]
    place = np.where(on_left, starts[left] + place, starts[right] + place - sizes[left])
    filled = np.arange(width) < sizes[left] + sizes[right]
    rows = shingles.take(np.where(filled, place, 0)) | np.uint64(1)
    rows ^= on_left  # lowest bit 0 on the left, 1 on the right
    # Padding repeats the row's first value: a repeat adds nothing distinct.
    np.copyto(rows, rows[:, :1], where=~filled)
    rows.sort(axis=1)
    steps = rows[:, 1:] ^ rows[:, :-1]
    both = 1 + np.count_nonzero(steps, axis=1)
    union = 1 + np.count_nonzero(steps > np.uint64(1), axis=1)
    blank = (sizes[pairs] == 0).any(axis=1)
    return np.where(blank, 0.0, (both - union) / union)
