"""Shingle hashes -> MinHash signatures, bit for bit those of datasketch 2's ``affine32`` scheme."""

from functools import cache

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from dedup.arrays import Hashes, Integers, ranks_in_runs, run_starts
from dedup.kernel import kernel
from dedup.parameters import NUM_PERM

#: The seed of datasketch's default permutations.
SEED = 1

#: Value of the signature of a set without elements, as of a text without tokens.
EMPTY = np.uint32(0xFFFFFFFF)

# Up to 16 shingles of one text form a column, so that minima are taken row against row.
_LANES = 16

# A block of 4,096 columns x 16 lanes x 8 permutations x 4 bytes takes two megabytes, which fit in a core's second-level
# cache. With fewer columns it has more permutations.
_BLOCK_COLUMNS = 1 << 12
_BLOCK_PERMUTATIONS = 8


@cache
def permutations(num_perm: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Multipliers and addends of datasketch's permutations, each of shape (num_perm,)."""
    multipliers, addends = MinHash(num_perm=num_perm, seed=seed, scheme="affine32").permutations
    return multipliers, addends


def low_hashes(shingles: Hashes) -> NDArray[np.uint32]:
    """The 32 bits of shingle hashes that MinHash works on: the upper ones, which are mixed better."""
    return (shingles >> np.uint64(32)).astype(np.uint32)


def signatures(
    hashes: NDArray[np.uint32], offsets: Integers, *, num_perm: int = NUM_PERM, seed: int = SEED
) -> NDArray[np.uint32]:
    """MinHash signatures of texts given as 32-bit shingle hashes.

    Parameters
    ----------
    hashes : ndarray of uint32, shape (n_shingles,)
        Shingle hashes of all texts, one text after the other; repeats are allowed.
    offsets : ndarray of int64, shape (n_texts + 1,)
        Text `i` has ``hashes[offsets[i]:offsets[i + 1]]``.

    Returns
    -------
    ndarray of uint32, shape (n_texts, num_perm)
        Row `i` equals ``datasketch.MinHash(num_perm, seed)`` after ``update_batch`` of text `i`'s shingles
        with a hash function that returns these hashes. All ones for a text without shingles.

    Notes
    -----
    O(n_shingles x num_perm) time; besides the result, 1 MB of memory for texts of any size.
    Broder (1997), "On the resemblance and containment of documents".

    Examples
    --------
    >>> signatures(np.array([7, 8], dtype=np.uint32), np.array([0, 2, 2]), num_perm=2)
    array([[ 191545797,   41548677],
           [4294967295, 4294967295]], dtype=uint32)
    """
    multipliers, addends = permutations(num_perm, seed)
    compiled = kernel()
    if compiled is None:
        return _minima(_premix(hashes), offsets, multipliers, addends)
    minima = np.full((len(offsets) - 1, num_perm), EMPTY, dtype=np.uint32)
    compiled.signatures(hashes, offsets, len(minima), multipliers, addends, num_perm, minima)
    return minima


def _minima(
    mixed: NDArray[np.uint32], offsets: Integers, multipliers: NDArray[np.uint32], addends: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """What the kernel does, in NumPy."""
    num_perm = len(multipliers)
    minima = np.full((num_perm, len(offsets) - 1), EMPTY, dtype=np.uint32)
    texts, firsts = _columns(offsets)
    lasts = offsets[texts + 1] - 1
    lanes = np.arange(_LANES)[:, None]
    width = max(1, min(len(texts), _BLOCK_COLUMNS))
    height = min(num_perm, _BLOCK_PERMUTATIONS * (_BLOCK_COLUMNS // width))
    buffer = np.empty((height, _LANES * width), dtype=np.uint32)
    for c in range(0, len(texts), _BLOCK_COLUMNS):
        columns = slice(c, c + _BLOCK_COLUMNS)
        # The last column of a text repeats its last shingle.
        grid = mixed.take(np.minimum(firsts[columns] + lanes, lasts[columns])).ravel()
        starts = run_starts(texts[columns])
        found = np.empty((num_perm, len(starts)), dtype=np.uint32)
        for p in range(0, num_perm, height):
            chosen = slice(p, min(p + height, num_perm))
            values = buffer[: chosen.stop - p, : len(grid)]
            np.multiply(multipliers[chosen, None], grid, out=values)
            np.add(values, addends[chosen, None], out=values)
            # Row against row first: reduceat alone would hold the interpreter lock all the time.
            by_column = np.minimum.reduce(values.reshape(len(values), _LANES, -1), axis=1)
            np.minimum.reduceat(by_column, starts, axis=1, out=found[chosen])
        # A text that began in an earlier block has a minimum already.
        owners = texts[columns][starts]
        minima[:, owners] = np.minimum(minima[:, owners], found)
    return np.ascontiguousarray(minima.T)


def _columns(offsets: Integers) -> tuple[Integers, Integers]:
    """The text of each column of at most `_LANES` shingles, and the position of the column's first shingle."""
    counts = -(-np.diff(offsets) // _LANES)
    texts = np.repeat(np.arange(len(counts)), counts)
    return texts, offsets[texts] + _LANES * ranks_in_runs(texts)


def _premix(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MurmurHash3's 32-bit finaliser, which datasketch applies before its permutations."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return hashes ^ (hashes >> np.uint32(16))
