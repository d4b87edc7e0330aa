"""Near-duplicates -> which of the copies stay, and for each of the others the one that it is a copy of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Hashes, Integers, connected_labels, ranks_in_runs, run_starts
from dedup.article import Article, frame_of
from dedup.near.lsh import encode_pairs
from dedup.near.verify import Verifier
from dedup.parameters import POLICIES
from dedup.wording import plural, printable, short_repr

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
            "removed": [printable(self.ids[i]) for i in self.removed.tolist()],
            "kept": [printable(self.ids[i]) for i in self.kept_for.tolist()],
            "jaccard": self.jaccard.tolist(),
            "containment": self.containment.tolist(),
        }
        return frame_of(columns, backend)

    def __repr__(self) -> str:
        total = len(self.positions) + len(self.removed)
        return f"Kept({len(self.positions):,} of {plural(total, 'text')}, {self.share_removed:.1%} removed)"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What compares the texts of groups of which not all pairs were listed."""

    verifier: Verifier  # of these texts alone
    places: Integers  # (n_texts,): number of each text in the verifier; -1 for the others

    def similarities(self, pairs: Integers) -> tuple[Flags, Floats, Floats]:
        """Whether the texts of each of some distinct pairs are copies, their Jaccard similarities and containments."""
        pairs = self.places[pairs]
        jaccard, containment = self.verifier.shingles.overlaps(pairs)
        n = len(self.places)
        copies = encode_pairs(self.verifier.check(pairs).pairs, n)
        return np.isin(encode_pairs(pairs, n), copies), jaccard, containment

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


class _Removals(NamedTuple):
    """Texts that go, those that stay for them, and their similarities, which are NaN where they are not known."""

    gone: Integers
    kept_for: Integers
    jaccard: Floats
    containment: Floats

    @classmethod
    def none(cls) -> "_Removals":
        """Of no text."""
        nobody = np.empty(0, dtype=np.int64)
        return cls(nobody, nobody, np.empty(0), np.empty(0))


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
        n = len(self.order)
        usable = np.flatnonzero(self._allowed(*self.pairs.T))
        labels = connected_labels(self.pairs[usable, 0], self.pairs[usable, 1], n)
        sizes = np.bincount(labels, minlength=1)
        n_pairs = np.bincount(labels[self.pairs[usable, 0]], minlength=len(sizes))
        unlisted = (2 * n_pairs < sizes * (sizes - 1))[labels] if n else np.zeros(0, dtype=np.bool_)
        known = encode_pairs(self.pairs, n)  # ascending, as pairs are
        left = np.lexsort((self.order, labels))  # by group, then by priority
        left = left[sizes[labels[left]] > 1]
        removals = [_Removals.none()]
        # In each round the first text of each group stays, and its copies go.
        for _ in range(_MOST_COMPARED):
            if not len(left):
                break
            group = labels[left]
            first = ranks_in_runs(group) == 0
            others = left[~first]
            text = np.repeat(left[first], np.diff(np.append(run_starts(group), len(group))) - 1)
            similar, jaccard, containment = self._similar(text, others, known, unlisted[others])
            if linkage == "group":
                similar = np.ones(len(others), dtype=np.bool_)
            removals.append(_Removals(others[similar], text[similar], jaccard[similar], containment[similar]))
            left = others[~similar]
        removals.append(self._by_known_pairs(left, usable))
        gone, kept_for, jaccard, containment = map(np.concatenate, zip(*removals, strict=True))
        order = np.argsort(gone)
        stay = np.setdiff1d(np.arange(n), gone)
        return Kept(stay, gone[order], kept_for[order], jaccard[order], containment[order], ids)

    def _similar(
        self, text: Integers, others: Integers, known: Hashes, unlisted: Flags
    ) -> tuple[Flags, Floats, Floats]:
        """Whether others are copies of texts that may remove them, and their similarities, NaN where not known."""
        pairs = np.sort(np.stack([text, others], axis=1), axis=1)
        codes = encode_pairs(pairs, len(self.order))
        place = np.searchsorted(known, codes)
        similar = np.zeros(len(codes), dtype=np.bool_)
        inside = place < len(known)
        similar[inside] = known[place[inside]] == codes[inside]
        jaccard, containment = np.full((2, len(codes)), np.nan)
        jaccard[similar], containment[similar] = self.jaccard[place[similar]], self.containment[place[similar]]
        if self.comparison is not None:
            rest = np.flatnonzero(unlisted & ~similar & (self.comparison.places[text] >= 0))
            similar[rest], jaccard[rest], containment[rest] = self.comparison.similarities(pairs[rest])
        return similar & self._allowed(text, others), jaccard, containment

    def _by_known_pairs(self, left: Integers, usable: Integers) -> "_Removals":
        """Remove copies by pairs alone, one text after the other."""
        rank = np.full(len(self.order), -1, dtype=np.int64)
        rank[left] = np.arange(len(left))
        ranks = rank[self.pairs[usable]]
        inside = (ranks >= 0).all(axis=1)
        ranks, usable = np.sort(ranks[inside], axis=1), usable[inside]
        order = np.lexsort((ranks[:, 1], ranks[:, 0]))
        is_gone = np.zeros(len(left), dtype=np.bool_)
        chosen = []
        for place, (stays, goes) in zip(order.tolist(), ranks[order].tolist(), strict=True):
            if not is_gone[stays] and not is_gone[goes]:
                is_gone[goes] = True
                chosen.append(place)
        stays, goes = left[ranks[chosen]].T
        return _Removals(goes, stays, self.jaccard[usable[chosen]], self.containment[usable[chosen]])

    def _allowed(self, left: Integers, right: Integers) -> Flags:
        """Whether copies may remove each other."""
        allowed = np.ones(len(left), dtype=np.bool_)
        if self.within is not None:
            allowed &= self.within[left] == self.within[right]
        if self.across is not None:
            allowed &= self.across[left] != self.across[right]
        return allowed
