"""Places of keys in a sorted array, faster than by binary search."""

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 4


class SortedKeys:
    """Distinct keys with a table from their leading bits to where those begin.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        Ascending; about evenly spread below 2**bits, as hashes are.
    bits : int
        Bits that a key may have.

    Notes
    -----
    A look-up costs two or three reads where binary search costs log2(n); the table takes 8 to 16 bytes a key. However
    the keys are spread, it is never slower than binary search by more than a constant.

    Examples
    --------
    >>> SortedKeys(np.array([3, 9, 12], dtype=np.uint64), 4).find(np.array([9, 4, 12], dtype=np.uint64)).tolist()
    [1, -1, 2]
    """

    def __init__(self, keys: NDArray[np.uint64], bits: int) -> None:
        self.keys = keys
        prefix_bits = min(bits, len(keys).bit_length() + 1)
        self._shift = np.uint64(bits - prefix_bits)
        counts = np.bincount((keys >> self._shift).astype(np.int64), minlength=1 << prefix_bits)
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Place of each key, -1 for those that are not there."""
        found = np.full(len(keys), -1)
        slot = (keys >> self._shift).astype(np.int64)
        place, stop = self._first.take(slot), self._first.take(slot + 1)
        left = np.flatnonzero(place < stop)
        for _ in range(_ROUNDS):
            if not len(left):
                return found
            here = place.take(left)
            hit = self.keys.take(here) == keys.take(left)
            found[left[hit]] = here[hit]
            place[left] = here + 1
            left = left[~hit & (here + 1 < stop.take(left))]
        if len(left):  # many keys begin alike
            here = np.minimum(np.searchsorted(self.keys, keys[left]), len(self.keys) - 1)
            hit = self.keys[here] == keys[left]
            found[left[hit]] = here[hit]
        return found
