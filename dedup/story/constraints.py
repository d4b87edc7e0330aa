"""What has to stay apart, or to come together, whatever the similarities are: from pairs of ids to those of nodes."""

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Integers, connected_labels, first_members
from dedup.article.ids import read_id
from dedup.article.refusals import FieldError

#: The similarity of nodes that stay apart: no sum of others makes up for it, and sums with it stay below `KEPT_APART`.
APART, KEPT_APART = -1e12, -1e11

#: Two nodes, or two groups of nodes.
Pair = tuple[int, int]

#: Pairs of ids, as users give them.
Pairs = Iterable[tuple[Any, Any]]


class NamedPairs(NamedTuple):
    """Pairs of ids of articles that are of one story, and of articles that are of two."""

    together: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, together: Pairs, apart: Pairs) -> "NamedPairs":
        """Check what users give, as far as that says; the error names what contradicts itself.

        Examples
        --------
        >>> NamedPairs.read([("a", "b"), ("b", 3)], [("a", "3")])
        Traceback (most recent call last):
        ValueError: apart has 'a' and '3', which `together` joins; allowed: pairs that do not contradict each other
        """
        pairs = cls(_read(together, "together"), _read(apart, "apart"))
        ids = sorted({name for pair in pairs.together + pairs.apart for name in pair})
        place = {name: i for i, name in enumerate(ids)}
        groups = _connected([(place[one], place[other]) for one, other in pairs.together], len(ids))
        for one, other in pairs.apart:
            if groups[place[one]] == groups[place[other]]:
                allowed = "allowed: pairs that do not contradict each other"
                raise ValueError(f"apart has {one!r:.80} and {other!r:.80}, which `together` joins; {allowed}")
        return pairs

    def at(self, ids: Sequence[str]) -> "Constraints":
        """The constraints on articles with these ids; refuse the id of none, or of several."""
        named, place = {name for pair in self.together + self.apart for name in pair}, dict[str, int]()
        for i, name in enumerate(ids) if named else ():
            if name in named and place.setdefault(name, i) != i:
                raise ValueError(f"together and apart name {name!r:.80}, the id of two articles; allowed: ids of one")
        for what, pairs in (("together", self.together), ("apart", self.apart)):
            for name in (name for pair in pairs for name in pair if name not in place):
                raise ValueError(
                    f"{what} has {name!r:.80}, which is the id of no article; allowed: ids of the articles"
                )
        together, apart = ([(place[one], place[other]) for one, other in pairs] for pairs in self)
        return Constraints.of(len(ids), together, apart)


NO_PAIRS = NamedPairs()


def _read(pairs: Pairs, name: str) -> tuple[tuple[str, str], ...]:
    allowed = "allowed: pairs of ids of articles"
    if isinstance(pairs, str) or not isinstance(pairs, Iterable):
        raise TypeError(f"{name} is {pairs!r:.80}; {allowed}")
    found = []
    for i, pair in enumerate(pairs):
        if isinstance(pair, str | bytes) or not isinstance(pair, Sequence | np.ndarray) or len(pair) != 2:
            raise TypeError(f"{name}[{i}] is {pair!r:.80}; {allowed}")
        try:
            one, other = map(read_id, pair)
        except FieldError as error:
            raise error.kind(f"{name}[{i}] is {pair!r:.80}: {error}") from error
        if name == "apart" and one == other:
            raise ValueError(f"apart[{i}] is {pair!r:.80}, one article; {allowed}")
        found.append((one, other))
    return tuple(found)


def _connected(pairs: Sequence[Pair] | Integers, n: int) -> Integers:
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return connected_labels(ends[:, 0], ends[:, 1], n)


class Constraints(NamedTuple):
    """Groups of nodes that come together, and pairs of groups that stay apart."""

    groups: Integers  # (n,): group of each node, numbered by first member
    apart: frozenset[Pair] = frozenset()  # the lower number first

    @classmethod
    def of(cls, n: int, together: Sequence[Pair] | Integers, apart: Iterable[Pair]) -> "Constraints":
        """The constraints of pairs of nodes, of which none contradict each other."""
        groups = _connected(together, n)
        return cls(groups, frozenset(_pairs_of((int(groups[one]), int(groups[other])) for one, other in apart)))

    def __bool__(self) -> bool:
        return bool(self.apart) or len(self.groups) > int(self.groups.max(initial=-1)) + 1

    def pairs(self) -> list[Pair]:
        """The pairs of nodes that stay apart, ascending: every node of a group and every node of the other."""
        members = {group: np.flatnonzero(self.groups == group).tolist() for pair in self.apart for group in pair}
        nodes = (pair for one, other in self.apart for pair in product(members[one], members[other]))
        return sorted(_pairs_of(nodes))

    def united(self, labels: Integers) -> Integers:
        """The labels of nodes, such that those of nodes that come together are one, numbered by first member."""
        n = len(labels)
        ends = np.concatenate([first_members(own)[own] for own in (labels, self.groups)])
        return connected_labels(np.tile(np.arange(n), 2), ends, n)

    def broken(self, labels: Integers) -> set[Pair]:
        """The pairs of groups to keep apart where labels, or what comes together with them, have both of what is apart.

        These are all groups of such labels that constraints name. Empty when there are none.

        Examples
        --------
        >>> chain = Constraints.of(6, [(0, 1), (2, 3), (4, 5)], [(0, 5)])
        >>> chain.broken(np.array([0, 1, 1, 2, 3, 4])), sorted(chain.broken(np.array([0, 1, 1, 2, 2, 3])))
        (set(), [(0, 1), (0, 2), (1, 2)])
        """
        if not self.apart:
            return set()
        united, first = self.united(labels), first_members(self.groups)
        label_of = united[first]  # of each group
        wrong = {int(label_of[one]) for one, other in self.apart if label_of[one] == label_of[other]}
        named = np.flatnonzero(np.bincount(self.groups) > 1).tolist() if wrong else []
        concerned = sorted({*named, *(group for pair in self.apart for group in pair)})
        inside = ([group for group in concerned if label_of[group] == label] for label in sorted(wrong))
        return {pair for groups in inside for pair in combinations(groups, 2)}

    def with_apart(self, pairs: Iterable[Pair]) -> "Constraints":
        """The constraints, and these pairs of groups apart too."""
        return self._replace(apart=self.apart | _pairs_of(pairs))

    def over(self, labels: Integers) -> "Constraints":
        """The constraints on labels of nodes, numbered from 0; none has nodes that stay apart."""
        k, first = int(labels.max(initial=-1)) + 1, first_members(self.groups)
        ends = np.stack([labels, labels[first[self.groups]]], axis=1)
        apart = ((int(labels[first[one]]), int(labels[first[other]])) for one, other in self.apart)
        return Constraints.of(k, ends[ends[:, 0] != ends[:, 1]], apart)


def _pairs_of(pairs: Iterable[Pair]) -> frozenset[Pair]:
    return frozenset((min(pair), max(pair)) for pair in pairs)


def kept_apart(graph: csr_array, pairs: Iterable[Pair]) -> csr_array:
    """A symmetric graph in which the nodes of some pairs can gain by nothing that has both.

    Examples
    --------
    >>> kept_apart(csr_array((2, 2)), [(0, 1)]).toarray() == APART
    array([[False,  True],
           [ True, False]])
    """
    ends = np.array(sorted(_pairs_of(pairs)), dtype=np.int64).reshape(-1, 2)
    if not len(ends):
        return graph
    between = csr_array((np.full(len(ends), APART), (ends[:, 0], ends[:, 1])), shape=graph.shape)
    return (graph + between + between.T).tocsr()
