"""Articles that share LSH bands with more others than are compared: which of those share what few of them have."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Hashes, Integers
from dedup.near.large_buckets import RARE
from dedup.stream.postings import Postings

#: One shingle in this many is looked at, the same ones in every text. Of ten that two texts share, one is for sure.
_SAMPLING = 2


class CrowdShingles:
    """Shingles of articles that have been in a crowd, so that they are read once.

    A crowd are the articles that share a band with one that comes. Nothing is stored: what is not known is read when
    it is asked for, and the answer is the same whatever else is known.

    Examples
    --------
    >>> crowds = CrowdShingles()
    >>> crowds.unknown(np.array([4, 7])).tolist()
    [4, 7]
    >>> crowds.add(np.array([4, 7]), np.array([2, 6, 8, 2], dtype=np.uint64), np.array([3, 1]))
    >>> crowds.unknown(np.array([4, 7, 8])).tolist()
    [8]
    >>> crowds.sharing_rare(np.array([2, 8], dtype=np.uint64), np.array([4, 7])).tolist()
    [4, 7]
    """

    def __init__(self) -> None:
        self._postings = Postings(np.uint64)
        self._known: set[int] = set()

    def unknown(self, nodes: Integers) -> Integers:
        """Those nodes whose shingles are not known."""
        return np.array([node for node in nodes.tolist() if node not in self._known], dtype=np.int64)

    def add(self, nodes: Integers, shingles: Hashes, counts: Integers) -> None:
        """Learn the shingles of nodes, one text after the other, and how many each has."""
        owner = np.repeat(nodes, counts)
        sampled = shingles % np.uint64(_SAMPLING) == 0
        owner, shingles = owner[sampled], shingles[sampled]
        order = np.lexsort((shingles, owner))
        owner, shingles = owner[order], shingles[order]
        distinct = np.ones(len(owner), dtype=np.bool_)
        distinct[1:] = (owner[1:] != owner[:-1]) | (shingles[1:] != shingles[:-1])
        self._postings.add(shingles[distinct], owner[distinct])
        self._known.update(nodes.tolist())

    def sharing_rare(self, shingles: Hashes, nodes: Integers) -> Integers:
        """Those of some known nodes that share shingles which at most `RARE` of them have; those that share most first.

        Of equals the earlier comes first.
        """
        keys = np.unique(shingles[shingles % np.uint64(_SAMPLING) == 0])
        which, found = self._postings.find(keys)
        inside = np.isin(found, nodes)
        which, found = which[inside], found[inside]
        rare = np.bincount(which, minlength=len(keys)) <= RARE
        sharing, counts = np.unique(found[rare[which]], return_counts=True)
        return sharing[np.lexsort((sharing, -counts))]

    def keep(self, alive: Callable[[NDArray[np.int32]], Flags]) -> None:
        """Forget nodes that are not alive."""
        self._postings.keep(alive)
        known = np.array(sorted(self._known), dtype=np.int32)
        self._known = set(known[alive(known)].tolist())
