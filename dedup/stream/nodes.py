"""What an index keeps in memory of each node: a table that grows at its end and is trimmed at its beginning."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers

_ROW = np.dtype([("day", "f8"), ("episode", "i8"), ("norm", "f4"), ("size", "i4"), ("canonical", "?")])
_NO_EPISODE = 0  # episodes are numbered from 1


class NodeTable:
    """A row for each node; nodes without an episode are not live.

    Examples
    --------
    >>> table, ones = NodeTable(), np.ones(2)
    >>> table.add(np.array([1, 2]), days=ones, norms=ones, sizes=ones, is_canonical=ones)
    >>> table.assign(np.array([2]), 7)
    >>> table.alive(np.array([1, 2])).tolist(), table.of_episodes([7]).tolist()
    ([False, True], [2])
    """

    def __init__(self) -> None:
        self._first = self._stop = 0
        self._rows = np.zeros(1024, dtype=_ROW)

    def add(
        self, nodes: Integers, *, days: Floats, norms: NDArray[np.float32], sizes: Integers, is_canonical: Flags
    ) -> None:
        """Add nodes, ascending and above all others, not yet live; see the methods for the columns, shape (n,)."""
        if self._first == self._stop:  # a store whose first articles were deleted long ago
            self._first = int(nodes[0])
        self._stop = int(nodes[-1]) + 1
        while self._stop - self._first > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        for name, values in (("day", days), ("norm", norms), ("size", sizes), ("canonical", is_canonical)):
            self._rows[name][nodes - self._first] = values

    @property
    def first(self) -> int:
        """The first node that has a row."""
        return self._first

    def days(self, nodes: Integers) -> Floats:
        """Publication in days since 1970; NaN for unknown."""
        return self._column("day", nodes)

    def norms(self, nodes: Integers) -> NDArray[np.float32]:
        """Lengths of the vectors."""
        return self._column("norm", nodes)

    def sizes(self, nodes: Integers) -> NDArray[np.int32]:
        """Numbers of features."""
        return self._column("size", nodes)

    def episodes(self, nodes: NDArray[np.signedinteger]) -> Integers:
        """Episode of each node, 0 for those that are not live, trimmed ones included."""
        episodes = self._column("episode", np.maximum(nodes, self._first))
        return np.where(nodes < self._first, _NO_EPISODE, episodes).astype(np.int64)

    def is_canonical(self, nodes: Integers) -> Flags:
        """Whether each node is canonical."""
        return self._column("canonical", nodes)

    def alive(self, nodes: NDArray[np.signedinteger]) -> Flags:
        """Whether each node is live."""
        return np.asarray(self.episodes(nodes) != _NO_EPISODE)

    def of_episodes(self, episodes: Iterable[int]) -> Integers:
        """Return the canonical nodes of some episodes, ascending."""
        wanted = np.isin(self._rows["episode"], np.array(sorted(episodes), dtype=np.int64))
        return np.flatnonzero(wanted & self._rows["canonical"]) + self._first

    def canonical(self) -> Integers:
        """Return the live canonical nodes, ascending."""
        return np.flatnonzero(self._rows["canonical"]) + self._first

    def assign(self, nodes: Integers, episode: int | Integers) -> None:
        """Put nodes into one episode, or each into its own."""
        self._rows["episode"][nodes - self._first] = episode

    def merge(self, episode: int, into: int) -> None:
        """Move all nodes of an episode to another one."""
        episodes = self._rows["episode"]
        episodes[episodes == episode] = into

    def set_norms(self, nodes: Integers, norms: NDArray[np.float32]) -> None:
        """Replace the lengths of vectors."""
        self._rows["norm"][nodes - self._first] = norms

    def set_days(self, nodes: Integers, days: Floats) -> None:
        """Replace the publication of nodes."""
        self._rows["day"][nodes - self._first] = days

    def make_canonical(self, node: int) -> None:
        """Make a copy canonical."""
        self._rows["canonical"][node - self._first] = True

    def remove(self, nodes: Integers) -> None:
        """Make nodes not live."""
        self._rows[nodes - self._first] = np.zeros((), dtype=_ROW)

    def trim(self) -> None:
        """Free the rows before the first live node."""
        live = np.flatnonzero(self._rows["episode"][: self._stop - self._first])
        skipped = int(live[0]) if len(live) else self._stop - self._first
        self._rows = np.concatenate([self._rows[skipped : self._stop - self._first], np.zeros(1024, dtype=_ROW)])
        self._first += skipped

    def _column(self, name: str, nodes: NDArray[np.signedinteger]) -> NDArray[Any]:
        return np.asarray(self._rows[name][nodes - self._first])
