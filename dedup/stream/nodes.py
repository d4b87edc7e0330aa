"""What an index knows of each node: a table that grows at its end and is trimmed at its beginning."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROW = np.dtype([("day", "f8"), ("story", "i8"), ("norm", "f4"), ("size", "i4"), ("speaks", "?")])
_DEAD = 0  # stories are numbered from 1


class NodeTable:
    """Nodes are numbered as they come; those that are not live have no story.

    Examples
    --------
    >>> table = NodeTable()
    >>> table.add(np.array([1, 2]), days=np.zeros(2), norms=np.ones(2), sizes=np.ones(2), speaks=np.ones(2))
    >>> table.settle(np.array([2]), 7)
    >>> table.alive(np.array([1, 2])).tolist(), table.of_stories([7]).tolist()
    ([False, True], [2])
    """

    def __init__(self) -> None:
        self._first = self._stop = 0
        self._rows = np.zeros(1024, dtype=_ROW)

    def add(
        self,
        nodes: NDArray[np.int64],
        *,
        days: NDArray[np.float64],
        norms: NDArray[np.float32],
        sizes: NDArray[np.int64],
        is_canonical: NDArray[np.bool_],
    ) -> None:
        """Take in nodes, ascending and above those before.

        With when they were published (NaN for unknown), the lengths of their vectors, how many features they have, and
        which of them speak for themselves.
        """
        if self._first == self._stop:  # a file whose first articles have long been forgotten
            self._first = int(nodes[0])
        self._stop = int(nodes[-1]) + 1
        while self._stop - self._first > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        for name, values in (("day", days), ("norm", norms), ("size", sizes), ("speaks", is_canonical)):
            self._rows[name][nodes - self._first] = values

    def days(self, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Publication in days since 1970."""
        return self._column("day", nodes)

    def norms(self, nodes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Lengths of the vectors."""
        return self._column("norm", nodes)

    def sizes(self, nodes: NDArray[np.int64]) -> NDArray[np.int32]:
        """Numbers of features."""
        return self._column("size", nodes)

    def stories(self, nodes: NDArray[np.signedinteger]) -> NDArray[np.int64]:
        """Story of each node, 0 for those that are not live, however long ago they were."""
        stories = self._column("story", np.maximum(nodes, self._first))
        return np.where(nodes < self._first, _DEAD, stories).astype(np.int64)

    def is_canonical(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the nodes speak for themselves and their copies."""
        return self._column("speaks", nodes)

    def alive(self, nodes: NDArray[np.signedinteger]) -> NDArray[np.bool_]:
        """Which of the nodes are live."""
        return np.asarray(self.stories(nodes) != _DEAD)

    def of_stories(self, stories: Iterable[int]) -> NDArray[np.int64]:
        """The nodes of some stories that speak for themselves, ascending."""
        wanted = np.isin(self._rows["story"], np.array(sorted(stories), dtype=np.int64))
        return np.flatnonzero(wanted & self._rows["speaks"]) + self._first

    def canonical(self) -> NDArray[np.int64]:
        """The live nodes that speak for themselves, ascending."""
        return np.flatnonzero(self._rows["speaks"]) + self._first

    def settle(self, nodes: NDArray[np.int64], story: int | NDArray[np.int64]) -> None:
        """Put nodes into a story, or each into its own."""
        self._rows["story"][nodes - self._first] = story

    def merge(self, story: int, into: int) -> None:
        """Put all nodes of a story into another one."""
        stories = self._rows["story"]
        stories[stories == story] = into

    def set_norms(self, nodes: NDArray[np.int64], norms: NDArray[np.float32]) -> None:
        """Lengths of vectors that were measured again."""
        self._rows["norm"][nodes - self._first] = norms

    def make_canonical(self, node: int) -> None:
        """Let a copy speak from now on."""
        self._rows["speaks"][node - self._first] = True

    def forget(self, nodes: NDArray[np.int64]) -> None:
        """Nodes that are not live any more."""
        self._rows[nodes - self._first] = np.zeros((), dtype=_ROW)

    def trim(self) -> None:
        """Give back the rows before the first live node."""
        live = np.flatnonzero(self._rows["story"][: self._stop - self._first])
        skipped = int(live[0]) if len(live) else self._stop - self._first
        self._rows = np.concatenate([self._rows[skipped : self._stop - self._first], np.zeros(1024, dtype=_ROW)])
        self._first += skipped

    def _column(self, name: str, nodes: NDArray[np.signedinteger]) -> NDArray[Any]:
        return np.asarray(self._rows[name][nodes - self._first])
