"""Look-up of keys among many."""

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Hashes, Integers, by_parts
from dedup.kernel import kernel

#: Keys of one slot that are compared one by one before a binary search takes over.
_PROBES = 4


class SortedKeys:
    """Distinct keys, found through a table of their leading bits.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        Ascending, and spread about evenly below ``2**bits``, as hashes are.
    bits : int
        Number of bits of a key.

    Notes
    -----
    A look-up takes two or three reads where binary search takes log2(n); the table takes 8 to 16 bytes a key. For keys
    that are spread unevenly it is slower than binary search by a constant at most.

    Examples
    --------
    >>> SortedKeys(np.array([3, 9, 12], dtype=np.uint64), 4).find(np.array([9, 4, 12], dtype=np.uint64)).tolist()
    [1, -1, 2]
    """

    def __init__(self, keys: Hashes, bits: int) -> None:
        self.keys = np.ascontiguousarray(keys)
        prefix_bits = min(bits, len(keys).bit_length() + 1)
        self._shift = np.uint64(bits - prefix_bits)
        counts = np.bincount((keys >> self._shift).astype(np.int64), minlength=1 << prefix_bits)
        self._first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def find(self, keys: Hashes) -> Integers:
        """Position of each key, -1 for unknown ones."""
        compiled = kernel()
        if compiled is None:
            return self._found(keys)
        found = np.empty(len(keys), dtype=np.int64)
        compiled.find(*self.table, np.ascontiguousarray(keys), len(keys), found)
        return found

    @property
    def table(self) -> tuple[Hashes, NDArray[np.int32], int, int]:
        """The keys, the place of the first of each slot, the number of slots, and the shift to it, for the kernel."""
        return self.keys, self._first, len(self._first) - 1, int(self._shift)

    def _found(self, keys: Hashes) -> Integers:
        """What the kernel does, in NumPy."""
        return by_parts(self._found_of_part, keys) if len(self.keys) else np.full(len(keys), -1)

    def _found_of_part(self, keys: Hashes) -> Integers:
        slot = (keys >> self._shift).astype(np.int64)
        place = self._first.take(slot)
        hit = self.keys.take(place, mode="clip") == keys  # where the slot is empty it is a key of another one
        found = np.where(hit, place, np.int64(-1))
        left = np.flatnonzero(~hit)
        wanted, place, stop = keys.take(left), place.take(left) + 1, self._first.take(slot.take(left) + 1)
        for probe in range(_PROBES):
            more = np.flatnonzero(place < stop)
            if not len(more):
                return found
            left, wanted, place, stop = left.take(more), wanted.take(more), place.take(more), stop.take(more)
            if probe == _PROBES - 1:  # many keys have the same leading bits
                place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1).astype(np.int32)
            hit = self.keys.take(place) == wanted
            found[left[hit]] = place[hit]
            stop[hit] = 0
            place += 1
        return found
