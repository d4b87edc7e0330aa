"""What an index keeps in memory of each node: a table that grows at its end and is trimmed at its beginning."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers

_ROW = np.dtype([("day", "f8"), ("story", "i8"), ("norm", "f4"), ("size", "i4"), ("canonical", "?")])
_NO_STORY = 0  # stories are numbered from 1


class NodeTable:
    """A row for each node; nodes without a story are not live.

    Examples
    --------
    >>> table, ones = NodeTable(), np.ones(2)
    >>> table.add(np.array([1, 2]), days=ones, norms=ones, sizes=ones, is_canonical=ones)
    >>> table.assign(np.array([2]), 7)
    >>> table.alive(np.array([1, 2])).tolist(), table.of_stories([7]).tolist()
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

    def days(self, nodes: Integers) -> Floats:
        """Publication in days since 1970; NaN for unknown."""
        return self._column("day", nodes)

    def norms(self, nodes: Integers) -> NDArray[np.float32]:
        """Lengths of the vectors."""
        return self._column("norm", nodes)

    def sizes(self, nodes: Integers) -> NDArray[np.int32]:
        """Numbers of features."""
        return self._column("size", nodes)

    def stories(self, nodes: NDArray[np.signedinteger]) -> Integers:
        """Story of each node, 0 for those that are not live, trimmed ones included."""
        stories = self._column("story", np.maximum(nodes, self._first))
        return np.where(nodes < self._first, _NO_STORY, stories).astype(np.int64)

    def is_canonical(self, nodes: Integers) -> Flags:
        """Whether each node is canonical."""
        return self._column("canonical", nodes)

    def alive(self, nodes: NDArray[np.signedinteger]) -> Flags:
        """Whether each node is live."""
        return np.asarray(self.stories(nodes) != _NO_STORY)

    def of_stories(self, stories: Iterable[int]) -> Integers:
        """Return the canonical nodes of some stories, ascending."""
        wanted = np.isin(self._rows["story"], np.array(sorted(stories), dtype=np.int64))
        return np.flatnonzero(wanted & self._rows["canonical"]) + self._first

    def canonical(self) -> Integers:
        """Return the live canonical nodes, ascending."""
        return np.flatnonzero(self._rows["canonical"]) + self._first

    def assign(self, nodes: Integers, story: int | Integers) -> None:
        """Put nodes into one story, or each into its own."""
        self._rows["story"][nodes - self._first] = story

    def merge(self, story: int, into: int) -> None:
        """Move all nodes of a story to another one."""
        stories = self._rows["story"]
        stories[stories == story] = into

    def set_norms(self, nodes: Integers, norms: NDArray[np.float32]) -> None:
        """Replace the lengths of vectors."""
        self._rows["norm"][nodes - self._first] = norms

    def make_canonical(self, node: int) -> None:
        """Make a copy canonical."""
        self._rows["canonical"][node - self._first] = True

    def remove(self, nodes: Integers) -> None:
        """Make nodes not live."""
        self._rows[nodes - self._first] = np.zeros((), dtype=_ROW)

    def trim(self) -> None:
        """Free the rows before the first live node."""
        live = np.flatnonzero(self._rows["story"][: self._stop - self._first])
        skipped = int(live[0]) if len(live) else self._stop - self._first
        self._rows = np.concatenate([self._rows[skipped : self._stop - self._first], np.zeros(1024, dtype=_ROW)])
        self._first += skipped

    def _column(self, name: str, nodes: NDArray[np.signedinteger]) -> NDArray[Any]:
        return np.asarray(self._rows[name][nodes - self._first])
