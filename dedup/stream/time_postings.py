"""Postings by time of publication: a search reads only those near enough in time to be similar."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers
from dedup.story.similarity import REACH_DAYS
from dedup.stream.postings import Postings

_SLICE_DAYS = 3.0

#: The slice of articles without a date.
_UNDATED = None


class TimePostings:
    """Nodes by feature, in slices of a few days.

    Examples
    --------
    >>> postings = TimePostings()
    >>> postings.add(np.array([0.0, 40.0]), np.array([7, 7], dtype=np.uint32), np.array([1, 2]))
    >>> which, nodes = postings.find(np.array([1.0]), np.array([7], dtype=np.uint32))
    >>> which.tolist(), nodes.tolist()
    ([0], [1])
    """

    def __init__(self) -> None:
        self._slices: dict[int | None, Postings] = {}

    def __len__(self) -> int:
        return sum(map(len, self._slices.values()))

    def add(self, days: Floats, features: NDArray[np.uint32], nodes: Integers) -> None:
        """Add postings: a feature, a node that has it and the publication of the node, each of shape (n_postings,)."""
        numbers = np.floor(days / _SLICE_DAYS)
        for number in np.unique(numbers):
            inside = np.isnan(numbers) if np.isnan(number) else numbers == number
            name = _UNDATED if np.isnan(number) else int(number)
            if name not in self._slices:
                for postings in self._slices.values():  # few articles come late
                    postings.merge()
                self._slices[name] = Postings(np.uint32)
            self._slices[name].add(features[inside], nodes[inside])

    def find(self, days: Floats, features: NDArray[np.uint32]) -> tuple[Integers, Integers]:
        """Return positions of features and the nodes that have them and were published near enough, shape (n_found,).

        `days`, shape (n,), is the publication of the article with each feature; NaN for unknown, which is near to all.
        """
        return self.find_between(days - REACH_DAYS, days + REACH_DAYS, features)

    def find_between(self, begin: Floats, end: Floats, features: NDArray[np.uint32]) -> tuple[Integers, Integers]:
        """See `find`; with the days between which nodes were published, NaN for any.

        Nodes a few days before or after are found too.
        """
        order = np.argsort(features, kind="stable")
        begin, end, features = begin[order], end[order], features[order]
        positions, nodes = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for name, postings in self._within_reach(begin, end):
            near = np.arange(len(begin))
            if name is not _UNDATED:
                near = np.flatnonzero(~((end < name * _SLICE_DAYS) | (begin > (name + 1) * _SLICE_DAYS)))
            if len(near):
                which, found = postings.find(features[near])
                positions.append(order[near[which]])
                nodes.append(found)
        return np.concatenate(positions), np.concatenate(nodes)

    def _within_reach(self, begin: Floats, end: Floats) -> Iterator[tuple[int | None, Postings]]:
        """Yield the slices within reach of any of the days, in order."""
        if not len(begin):
            return
        if np.isnan(begin).any():
            names = set(self._slices)
        else:
            low, high = int(begin.min() // _SLICE_DAYS), int(end.max() // _SLICE_DAYS)
            names = {name for name in self._slices if name is _UNDATED or low <= name <= high}
        for name in sorted(names, key=lambda name: (name is not _UNDATED, name or 0)):
            yield name, self._slices[name]

    def keep(self, alive: Callable[[NDArray[np.int32]], Flags]) -> None:
        """Delete the postings of nodes that are not alive."""
        for postings in self._slices.values():
            postings.keep(alive)
        self._slices = {name: postings for name, postings in self._slices.items() if len(postings)}
