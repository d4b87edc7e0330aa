"""Near-duplicates -> which of the copies stay, and for each of the others the one that it is a copy of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Hashes, Integers, connected_labels, members
from dedup.article import Article, frame_of
from dedup.near.lsh import encode_pairs
from dedup.near.verify import Verifier
from dedup.parameters import POLICIES
from dedup.wording import plural, short_repr

#: Which of two copies stays: a rule, a number for each text, or a function of an article; the highest stays.
Policy = str | Sequence[float] | NDArray[Any] | Callable[[Article], float]

#: Fields of an article that `within` and `across` may name.
_FIELDS = ("source", "language", "url", "title")

#: Up to this many texts of a group that stay are compared with all others of the group; further ones by known pairs.
_MOST_COMPARED = 64


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What is left of texts when copies are removed.

    Attributes
    ----------
    positions : ndarray of int64, shape (n_kept,)
        Of the texts that stay, ascending.
    removed : ndarray of int64, shape (n_removed,)
        Of the others, ascending.
    kept_for : ndarray of int64, shape (n_removed,)
        For each removed text the one that stays and that it is a copy of.
    jaccard, containment : ndarray of float64, shape (n_removed,)
        Their exact similarities.
    share_removed : float
        In [0, 1].
    """

    positions: NDArray[np.int64]
    removed: NDArray[np.int64]
    kept_for: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]
    ids: Sequence[str] = field(repr=False)

    @property
    def share_removed(self) -> float:
        """Share of the texts that were removed."""
        return len(self.removed) / max(len(self.positions) + len(self.removed), 1)

    def to_frame(self, *, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """One row for each removed text: columns removed and kept (ids), jaccard, containment.

        Raises
        ------
        ValueError
            For another backend.
        ImportError
            When the backend is not installed.
        """
        columns = {
            "removed": [self.ids[i] for i in self.removed.tolist()],
            "kept": [self.ids[i] for i in self.kept_for.tolist()],
            "jaccard": self.jaccard.tolist(),
            "containment": self.containment.tolist(),
        }
        return frame_of(columns, backend)

    def __repr__(self) -> str:
        total = len(self.positions) + len(self.removed)
        return f"Kept({len(self.positions):,} of {plural(total, 'text')}, {self.share_removed:.1%} removed)"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What compares the texts of groups of three or more, of which not all pairs were listed."""

    verifier: Verifier  # of these texts alone
    places: Integers  # (n_texts,): number of each text in the verifier; -1 for the others

    def similarities(self, text: int, others: Integers) -> tuple[Flags, Floats, Floats]:
        """Whether each of the others is a copy of a text, its Jaccard similarity and its containment."""
        pairs = np.stack([np.full(len(others), self.places[text]), self.places[others]], axis=1)
        jaccard, containment = self.verifier.shingles.overlaps(pairs)
        similar = np.zeros(len(others), dtype=np.bool_)
        checked = self.verifier.check(pairs).pairs[:, 1]
        similar[np.isin(pairs[:, 1], checked)] = True
        return similar, jaccard, containment

    def renumbered(self, positions: Integers) -> "Comparison":
        """The same for the texts in another order: text `i` moves to ``positions[i]``."""
        places = np.empty_like(self.places)
        places[positions] = self.places
        return Comparison(self.verifier, places)


def priorities(policy: Policy, articles: Sequence[Article], token_counts: Integers, centrality: Floats) -> Floats:
    """A number for each text; of copies the one with the highest stays, of equals the first."""
    n = len(token_counts)
    if callable(policy):
        if len(articles) != n:
            raise ValueError("policy is a function of an article; allowed for what `dedup.near_duplicates` returned")
        values = [policy(article) for article in articles]
        return _numbers(values, n)
    if not isinstance(policy, str):
        return _numbers(policy, n)
    if policy not in POLICIES:
        allowed = f"{', '.join(map(repr, POLICIES))}, a number for each text, or a function of an article"
        raise ValueError(f"policy is {policy!r}; allowed: {allowed}")
    if policy == "longest":
        return token_counts.astype(np.float64)
    if policy == "central":
        return centrality
    if policy == "earliest":
        days = [article.day for article in articles] or [np.nan] * n
        return np.nan_to_num(-np.array(days, dtype=np.float64), nan=-np.inf)
    return np.zeros(n)


def _numbers(values: Any, n: int) -> Floats:
    """Priorities that the caller gave."""
    allowed = f"{n} numbers, one for each text"
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"policy is {short_repr(values)}; allowed: {allowed}") from error
    if numbers.shape != (n,) or np.isnan(numbers).any():
        raise ValueError(f"policy has the shape {numbers.shape}, or a NaN; allowed: {allowed}")
    return numbers


def groups_of_field(name: str | None, parameter: str, articles: Sequence[Article]) -> Integers | None:
    """A number for each article, equal for equal values of a field; what is unknown is like nothing else."""
    if name is None:
        return None
    if name not in _FIELDS:
        raise ValueError(f"{parameter} is {name!r}; allowed: None, {', '.join(map(repr, _FIELDS))}")
    numbers: dict[str, int] = {}
    values = [getattr(article, name) for article in articles]
    known = [numbers.setdefault(value, len(numbers)) if value else -1 for value in values]
    found = np.array(known, dtype=np.int64)
    unknown = found < 0
    found[unknown] = len(numbers) + np.arange(np.count_nonzero(unknown))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _KnownPairs:
    """Where each known pair of copies is listed."""

    codes: Hashes  # ascending
    places: Integers
    n: int

    @classmethod
    def of(cls, pairs: Integers, places: Integers, n: int) -> "_KnownPairs":
        """Pairs ``i < j`` among `n` texts, and the place of each."""
        codes = encode_pairs(pairs, n)
        order = np.argsort(codes)
        return cls(codes[order], places[order], n)

    def find(self, text: int, others: Integers) -> Integers:
        """The place of the pair of a text with each of the others; -1 for those that are not known."""
        wanted = (np.minimum(others, text) * self.n + np.maximum(others, text)).astype(np.uint64)
        at = np.searchsorted(self.codes[:-1], wanted)  # so that there is always something to compare with
        return np.where(self.codes[at] == wanted, self.places[at], -1)


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Chooses who stays among texts with known pairs of copies."""

    pairs: Integers  # (n_pairs, 2)
    jaccard: Floats
    containment: Floats
    comparison: Comparison | None  # None where all pairs are known
    order: Integers  # (n_texts,): place of each text by priority, 0 for the one that stays before all others
    within: Integers | None
    across: Integers | None

    def choose(self, linkage: str, ids: Sequence[str]) -> Kept:
        """Remove copies. With "star" a text goes only when it is a copy of one that stays."""
        allowed = np.flatnonzero(self._allowed(*self.pairs.T))
        pairs, n = self.pairs[allowed], len(self.order)
        labels = connected_labels(pairs[:, 0], pairs[:, 1], n)
        n_pairs = np.bincount(labels[pairs[:, 0]], minlength=n).tolist()
        known = _KnownPairs.of(pairs, allowed, n)
        removed: list[tuple[int, int, float, float]] = []
        for label, group in enumerate(members(labels)):
            if len(group) > 1:
                ranked = np.array(group)[np.argsort(self.order[group])]
                is_complete = 2 * n_pairs[label] == len(group) * (len(group) - 1)
                removed += self._of_group(ranked, linkage, known, is_complete=is_complete)
        removed.sort()
        gone, kept_for = (np.array([row[k] for row in removed], dtype=np.int64) for k in (0, 1))
        jaccard, containment = (np.array([row[k] for row in removed], dtype=np.float64) for k in (2, 3))
        return Kept(np.setdiff1d(np.arange(n), gone), gone, kept_for, jaccard, containment, ids)

    def _of_group(
        self, left: Integers, linkage: str, known: _KnownPairs, *, is_complete: bool
    ) -> list[tuple[int, int, float, float]]:
        """The texts of a group that go, each with the one that stays; `left` has the group by priority."""
        removed: list[tuple[int, int, float, float]] = []
        kept = 0
        while len(left) > 1:
            text, others = int(left[0]), left[1:]
            if self.comparison is None or is_complete or kept >= _MOST_COMPARED:
                at = known.find(text, others)
                similar, jaccard, containment = at >= 0, self.jaccard[at], self.containment[at]
            else:
                similar, jaccard, containment = self.comparison.similarities(text, others)
                similar &= self._allowed(np.full(len(others), text), others)
            if linkage == "group":
                similar = np.ones(len(others), dtype=np.bool_)
            found = others[similar].tolist(), jaccard[similar].tolist(), containment[similar].tolist()
            removed += [(goes, text, j, c) for goes, j, c in zip(*found, strict=True)]
            left, kept = others[~similar], kept + 1
        return removed

    def _allowed(self, left: Integers, right: Integers) -> Flags:
        """Whether copies may remove each other."""
        allowed = np.ones(len(left), dtype=np.bool_)
        if self.within is not None:
            allowed &= self.within[left] == self.within[right]
        if self.across is not None:
            allowed &= self.across[left] != self.across[right]
        return allowed
