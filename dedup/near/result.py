"""NearDuplicates, the result of the near tier."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.arrays import members, numbered_by_first
from dedup.article import Article, Refusal
from dedup.near.keeping import Comparison, Kept, Policy, Selection, groups_of_field, priorities
from dedup.near.lsh import Bands
from dedup.parameters import Linkage, check


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Verified pairs of near-duplicate texts and the groups they connect.

    Attributes
    ----------
    pairs : ndarray of int64, shape (n_pairs, 2)
        Positions ``i < j`` of two near-duplicates, sorted. In a group of more than 64 copies not every pair is
        listed, but enough to connect it.
    jaccard : ndarray of float64, shape (n_pairs,)
        Their exact Jaccard similarity, in (0, 1].
    containment : ndarray of float64, shape (n_pairs,)
        The exact share of the smaller text's shingles that the other text has too, in (0, 1].
    labels : ndarray of int64, shape (n_texts,)
        The connected group of each text, numbered by first member.
    token_counts : ndarray of int64, shape (n_texts,)
        Words of each text (characters in scripts without spaces).
    threshold : float
        Least Jaccard similarity of a pair.
    bands : Bands
        How signatures were banded; see `expected_recall`.
    given_up : int
        Number of texts that share a template with more than 64 others, consist of it to the share of `threshold`, and
        were compared with some of these only. `expected_recall` does not hold among them.
    articles : sequence of Article
        Those that `dedup.near_duplicates` was given.
    refusals : tuple of Refusal
        The articles that are not allowed. Each keeps its position, as a text without words, which is a copy of none; or
        only its date was left out; see `dedup.near_duplicates`.
    """

    pairs: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]
    labels: NDArray[np.int64]
    token_counts: NDArray[np.int64] = field(repr=False)
    threshold: float
    bands: Bands = field(repr=False)
    given_up: int = 0
    comparison: Comparison | None = field(default=None, repr=False)
    articles: Sequence[Article] = field(default=(), repr=False)
    refusals: tuple[Refusal, ...] = field(default=(), repr=False)

    @property
    def groups(self) -> list[list[int]]:
        """Positions of the members of each group of at least two, by first member."""
        return [group for group in members(self.labels) if len(group) > 1]

    def expected_recall(self, jaccard: ArrayLike) -> NDArray[np.float64]:
        """Probability that a pair of this Jaccard similarity is found (0 below the threshold).

        In large crowds of texts that share a template more are found: all that share what is rare there are compared.
        """
        jaccard = np.asarray(jaccard, dtype=np.float64)
        return np.where(jaccard >= self.threshold, self.bands.retrieval_probability(jaccard), 0.0)

    def keep(
        self,
        policy: Policy = "first",
        *,
        linkage: Linkage = "star",
        within: str | None = None,
        across: str | None = None,
    ) -> Kept:
        """Choose which of the copies stay.

        Parameters
        ----------
        policy : {"first", "longest", "earliest", "central"}, array of n_texts numbers, or callable; default "first"
            Which text stays: the first in the input; the one with the most words; the first published, the undated
            last; the one with the greatest sum of Jaccard similarities to its known copies; the one with the greatest
            number, or that for which a function of its article returns the greatest number. Of equals the first.
        linkage : {"star", "group"}, default "star"
            With "star" a text goes only if it is itself a copy of one that stays. With "group" one text of each
            connected group stays: of hourly snapshots of a page, each a copy of the one before, that is a single one,
            though the first and the last have nothing in common.
        within, across : {"source", "language", "url", "title"}, optional
            Only copies with the same value of this field remove each other, or only those with different values. An
            unknown value is like no other.

        Returns
        -------
        Kept

        Raises
        ------
        TypeError, ValueError
            For a parameter that is not as above.

        Notes
        -----
        Texts are chosen greedily, by priority. O(n_pairs) and, in groups of which not all pairs are listed, the size of
        the group times the number that stays, at most 64 of them.

        Examples
        --------
        >>> import dedup
        >>> day = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said"
        >>> found = dedup.near_duplicates([day, f"{day} in Moscow", "Something else happened."], threshold=0.5)
        >>> kept = found.keep("longest")
        >>> kept.positions.tolist(), kept.removed.tolist(), kept.kept_for.tolist()
        ([1, 2], [0], [1])
        """
        check(linkage=linkage)
        n = len(self.labels)
        centrality = np.bincount(self.pairs.ravel(), np.repeat(self.jaccard, 2), n).astype(np.float64)
        priority = priorities(policy, self.articles, self.token_counts, centrality)
        order = np.empty(n, dtype=np.int64)
        order[np.argsort(-priority, kind="stable")] = np.arange(n)
        fields = (groups_of_field(within, "within", self.articles), groups_of_field(across, "across", self.articles))
        ids = [article.id for article in self.articles] or list(map(str, range(n)))
        figures = self.pairs, self.jaccard, self.containment, self.comparison
        return Selection(*figures, order, *fields).choose(linkage, ids)

    def renumbered(self, positions: NDArray[np.int64]) -> "NearDuplicates":
        """The result for the texts in another order: text `i` moves to ``positions[i]``."""
        pairs = np.sort(positions[self.pairs], axis=1)
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        labels, token_counts = np.empty_like(self.labels), np.empty_like(self.token_counts)
        labels[positions], token_counts[positions] = self.labels, self.token_counts
        return replace(
            self,
            pairs=pairs[order],
            jaccard=self.jaccard[order],
            containment=self.containment[order],
            labels=numbered_by_first(labels),
            token_counts=token_counts,
            comparison=None if self.comparison is None else self.comparison.renumbered(positions),
        )

    def _repr_html_(self) -> str:
        from dedup.html.cards import near_duplicates_card  # only notebooks pay for it

        columns = self.pairs, self.jaccard, self.containment
        return near_duplicates_card(*columns, self.groups, len(self.labels), self.threshold)

    def __repr__(self) -> str:
        groups = self.groups
        return (
            f"NearDuplicates({len(self.labels):,} texts: {len(self.pairs):,} pairs, "
            f"{sum(map(len, groups)):,} texts in {len(groups):,} groups)"
        )
