"""NearDuplicates, the result of the near tier."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.arrays import members, numbered_by_first
from dedup.near.lsh import Bands


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
    """

    pairs: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]
    labels: NDArray[np.int64]
    token_counts: NDArray[np.int64] = field(repr=False)
    threshold: float
    bands: Bands = field(repr=False)
    given_up: int = 0

    @property
    def groups(self) -> list[list[int]]:
        """Positions of the members of each group of at least two, by first member."""
        return [group for group in members(self.labels) if len(group) > 1]

    def expected_recall(self, jaccard: ArrayLike) -> NDArray[np.float64]:
        """Probability that a pair of this Jaccard similarity is found (0 below the threshold)."""
        jaccard = np.asarray(jaccard, dtype=np.float64)
        return np.where(jaccard >= self.threshold, self.bands.retrieval_probability(jaccard), 0.0)

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
