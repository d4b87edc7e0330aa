"""Postings: which nodes have a key, in sorted runs that are merged as they grow."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Integers
from dedup.kernel import kernel

#: A new run is merged with the runs before it while those are less than this many times as long.
_GROWTH = 4

# So many nodes are first expected to be found.
_ROOM, _ALL = 1 << 12, 1 << 62

Run = tuple[NDArray[np.unsignedinteger], NDArray[np.int32]]

#: Where the keys of a run begin that have the same bits above a shift, and the shift.
Table = tuple[NDArray[np.uint32], int]

# A longer run has a table of where about so many keys begin, so that a search reads few of them.
_WITHOUT_TABLE, _KEYS_OF_SLOT_BITS = 1 << 12, 3


class Postings:
    """Nodes by key, an unsigned integer of a given type, in a few sorted runs of which the later are shorter.

    Adding costs O(log n) amortised a posting and finding O(log(n)**2) a key; a posting takes the bytes of its key and
    four for its node. O'Neil et al. (1996), "The log-structured merge-tree".

    Examples
    --------
    >>> postings = Postings(np.uint32)
    >>> postings.add(np.array([7, 9], dtype=np.uint32), np.array([1, 1]))
    >>> postings.add(np.array([9], dtype=np.uint32), np.array([2]))
    >>> which, nodes = postings.find(np.array([9], dtype=np.uint32))
    >>> which.tolist(), nodes.tolist()
    ([0, 0], [1, 2])
    """

    def __init__(self, dtype: type[np.unsignedinteger]) -> None:
        self._dtype = dtype
        self._tables: list[Table] = []
        self._at: list[tuple[int, ...]] = []
        self._set_runs([])

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self._runs)

    def _set_runs(self, runs: list[Run], n_kept: int = 0) -> None:
        """Replace the runs, of which the first are as before."""
        self._runs = runs
        self._tables[n_kept:] = [_table_of(keys) for keys, _ in runs[n_kept:]]
        self._at[n_kept:] = [
            (keys.ctypes.data, nodes.ctypes.data, table.ctypes.data, shift, len(keys))
            for (keys, nodes), (table, shift) in zip(runs[n_kept:], self._tables[n_kept:], strict=True)
        ]
        #: For the kernel: where the keys, the nodes and the table of each run are, the shift of its table and its size.
        self.places = np.array(self._at, dtype=np.uint64).reshape(-1, 5).T.copy()

    def add(self, keys: NDArray[np.unsignedinteger], nodes: NDArray[np.integer]) -> None:
        """Add a posting for each key and the node at the same position."""
        if not len(keys):
            return
        runs, kept = [(keys.astype(self._dtype), nodes.astype(np.int32))], self._runs
        while kept and len(kept[-1][0]) < _GROWTH * sum(len(k) for k, _ in runs):
            runs.append(kept.pop())
        self._set_runs([*kept, _merged(runs[::-1])], len(kept))

    def find(self, keys: NDArray[np.unsignedinteger], most: int | None = None) -> tuple[Integers, Integers]:
        """Return positions of keys and the nodes that have them, both of dtype int64 and shape (n_found,).

        Ascending keys are found faster: neighbours in a run are close in memory. With `most`, at most this many nodes
        of each run are returned for a key, those added first.
        """
        compiled = kernel()
        if compiled is None:
            return self._find(keys, most)
        find = compiled.find_nodes_32 if self._dtype is np.uint32 else compiled.find_nodes_64
        given = np.ascontiguousarray(keys), len(keys), *self.places, len(self._runs), _ALL if most is None else most
        room = _ROOM
        while True:
            positions, found = np.empty((2, room), dtype=np.int64)
            n = find(*given, room, positions, found)
            if n <= room:
                return positions[:n], found[:n]
            room = n

    def _find(self, keys: NDArray[np.unsignedinteger], most: int | None) -> tuple[Integers, Integers]:
        """What the kernel does, in NumPy."""
        positions, found = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for run, nodes in self._runs:
            first = np.searchsorted(run, keys)
            # Most keys are not in most runs, and need no second search.
            there = np.flatnonzero(run[np.minimum(first, len(run) - 1)] == keys)
            first = first[there]
            counts = np.searchsorted(run, keys[there], side="right") - first
            if most is not None:
                counts = np.minimum(counts, most)
            ends = np.cumsum(counts)
            entries = np.repeat(first - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
            positions.append(np.repeat(there, counts))
            found.append(nodes[entries].astype(np.int64))
        return np.concatenate(positions), np.concatenate(found)

    def merge(self) -> None:
        """Merge all runs into one: finding gets cheaper where little will be added."""
        if len(self._runs) > 1:
            self._set_runs([_merged(self._runs)])

    def keep(self, alive: Callable[[NDArray[np.int32]], Flags]) -> None:
        """Delete the postings of nodes that are not alive."""
        kept = [(keys[mask], nodes[mask]) for keys, nodes in self._runs for mask in [alive(nodes)]]
        self._set_runs([run for run in kept if len(run[0])])


def _merged(runs: list[Run]) -> Run:
    keys, nodes = (np.concatenate(side) for side in zip(*runs, strict=True))
    order = np.argsort(keys, kind="stable")
    return keys[order], nodes[order]


def _table_of(keys: NDArray[np.unsignedinteger]) -> Table:
    """The table of a run; of a short one, of all of its keys."""
    shift = 8 * keys.itemsize
    if len(keys) <= _WITHOUT_TABLE:
        return np.array([0, len(keys)], dtype=np.uint32), shift
    bits = len(keys).bit_length() - _KEYS_OF_SLOT_BITS
    table = np.zeros((1 << bits) + 1, dtype=np.uint32)
    slots = (keys >> keys.dtype.type(shift - bits)).astype(np.int64)
    np.cumsum(np.bincount(slots, minlength=1 << bits), out=table[1:])
    return table, shift - bits
