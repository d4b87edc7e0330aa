"""Which nodes have a key: an index that grows by merging sorted runs."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

#: A run is merged with the ones before it while those are less than this many times as long.
_GROWTH = 4


class Postings:
    """Nodes by key, as a few sorted runs of which the later ones are shorter.

    Parameters
    ----------
    dtype : type
        Of the keys: unsigned integers.

    Notes
    -----
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
        self._runs: list[tuple[NDArray[np.unsignedinteger], NDArray[np.int32]]] = []

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self._runs)

    def add(self, keys: NDArray[np.unsignedinteger], nodes: NDArray[np.integer]) -> None:
        """Add postings: a key and its node each."""
        if not len(keys):
            return
        run = [(keys.astype(self._dtype), nodes.astype(np.int32))]
        while self._runs and len(self._runs[-1][0]) < _GROWTH * sum(len(k) for k, _ in run):
            run.append(self._runs.pop())
        self._runs.append(_sorted(*(np.concatenate(side) for side in zip(*reversed(run), strict=True))))

    def find(
        self, keys: NDArray[np.unsignedinteger], most: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Nodes that have any of the keys.

        Parameters
        ----------
        keys : ndarray, shape (n_keys,)
            In any order; ascending ones are found faster, as the place of one is near that of the next.
        most : int, optional
            Of each key, only so many nodes of each run, those added first.

        Returns
        -------
        ndarray of int64, shape (n_found,)
            Place of the key.
        ndarray of int64, shape (n_found,)
            The node that has it.
        """
        places, owners = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
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
            places.append(np.repeat(there, counts))
            owners.append(nodes[entries].astype(np.int64))
        return np.concatenate(places), np.concatenate(owners)

    def merge(self) -> None:
        """Make one run of all: looking up is cheaper where little is added any more."""
        if len(self._runs) > 1:
            self._runs = [_sorted(*(np.concatenate(side) for side in zip(*self._runs, strict=True)))]

    def keep(self, alive: Callable[[NDArray[np.int32]], NDArray[np.bool_]]) -> None:
        """Forget the postings of all nodes but those."""
        kept = [(keys[mask], nodes[mask]) for keys, nodes in self._runs for mask in [alive(nodes)]]
        self._runs = [run for run in kept if len(run[0])]


def _sorted(
    keys: NDArray[np.unsignedinteger], nodes: NDArray[np.int32]
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.int32]]:
    order = np.argsort(keys, kind="stable")
    return keys[order], nodes[order]
