"""Postings by time of publication: a search reads only those near enough in time to be similar."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers
from dedup.kernel import kernel
from dedup.story.similarity import REACH_DAYS
from dedup.stream.postings import Postings

_SLICE_DAYS = 3.0

#: The slice of articles without a date.
_UNDATED = None

#: Bits of a node in a number of a text and a node.
NODE_BITS = 31

# So many nodes are first expected to share features with a text.
_ROOM = 1 << 10


class TimePostings:
    """Nodes by feature, in slices of a few days.

    Examples
    --------
    >>> postings = TimePostings()
    >>> postings.add(np.array([0.0, 40.0]), np.array([7, 7], dtype=np.uint32), np.array([1, 2]))
    >>> which, nodes = postings.find_between(np.array([-13.0]), np.array([15.0]), np.array([7], dtype=np.uint32))
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

    def sum_shares(
        self, days: Floats, features: NDArray[np.uint32], texts: Integers, shares: Integers, limits: Integers
    ) -> tuple[Integers, Integers, Integers]:
        """Sums of the shares of the features that texts have in common with nodes published near enough.

        `days`, shape (n,), is the publication of the text with each feature, NaN for unknown, which is near to all;
        `shares` is what each feature adds, in all less than 2**63, and `limits` has for each text a node, and only
        those before it count. Returns texts, nodes and sums, each of shape (n_pairs,), in any order.
        """
        compiled, begin, end = kernel(), days - REACH_DAYS, days + REACH_DAYS
        if compiled is None:
            return self._sum_shares(begin, end, features, texts, shares, limits)
        order = np.argsort(features, kind="stable")  # neighbours in a run are close in memory
        near = [(_bounds(name), postings.places) for name, postings in self._within_reach(begin, end)]
        runs = np.concatenate([np.empty((5, 0), dtype=np.uint64), *(places for _, places in near)], axis=1)
        bounds = np.array([days for days, places in near for _ in places.T]).reshape(-1, 2).T.copy()
        given = features[order], begin[order], end[order], texts[order], shares[order], len(order), limits
        given, room = (*given, *runs, runs.shape[1], *bounds), _ROOM << len(limits).bit_length()
        while True:
            slots, (codes, sums) = np.full(2 * room, -1, dtype=np.int32), np.empty((2, room), dtype=np.int64)
            n = compiled.sum_shares(*given, slots, 2 * room - 1, codes, sums)
            if n >= 0:
                return codes[:n] >> NODE_BITS, codes[:n] & ((1 << NODE_BITS) - 1), sums[:n]
            room *= 4

    def _sum_shares(
        self,
        begin: Floats,
        end: Floats,
        features: NDArray[np.uint32],
        texts: Integers,
        shares: Integers,
        limits: Integers,
    ) -> tuple[Integers, Integers, Integers]:
        """What the kernel does, in NumPy."""
        which, nodes = self.find_between(begin, end, features)
        below = nodes < limits[texts[which]]
        which, nodes = which[below], nodes[below]
        codes, place = np.unique(texts[which] << NODE_BITS | nodes, return_inverse=True)
        sums = np.zeros(len(codes), dtype=np.int64)
        np.add.at(sums, place, shares[which])
        return codes >> NODE_BITS, codes & ((1 << NODE_BITS) - 1), sums

    def find_between(self, begin: Floats, end: Floats, features: NDArray[np.uint32]) -> tuple[Integers, Integers]:
        """Return positions of features and the nodes that have them and were published between two days.

        The days are those of each feature, NaN for any. Nodes a few days before or after are found too.
        """
        order = np.argsort(features, kind="stable")
        begin, end, features = begin[order], end[order], features[order]
        positions, nodes = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        for name, postings in self._within_reach(begin, end):
            first, last = _bounds(name)
            near = np.flatnonzero(~((end < first) | (begin > last)))
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


def _bounds(name: int | None) -> tuple[float, float]:
    """The days between which the articles of a slice were published."""
    return (-np.inf, np.inf) if name is _UNDATED else (name * _SLICE_DAYS, (name + 1) * _SLICE_DAYS)
