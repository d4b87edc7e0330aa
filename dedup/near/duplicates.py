"""Texts -> near-duplicates: the whole near tier in one call."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.components import connected_labels, members, numbered_by_first
from dedup.near.containment import contained_candidates
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import Bands, candidates
from dedup.near.minhash import low_hashes, signatures
from dedup.near.shingles import number_hashes, shingle_hashes
from dedup.near.verify import Verifier
from dedup.parallel import ordered_map
from dedup.progress import Report, silent, split
from dedup.text.fold import Fold
from dedup.text.tokens import blocks, tokenize

_log = logging.getLogger(__name__)

#: Characters tokenised and signed at once, per thread: the arrays of one block stay in its core's cache.
_BLOCK_CHARACTERS = 1 << 18

# Of the time (measured: 0.94, 0.05 and 0.01 to 0.1), reading texts, finding candidates and checking them.
_READING, _FINDING, _CHECKING = 0.9, 0.05, 0.05

#: The seed of datasketch's default permutations.
SEED = 1


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
        The exact share of the smaller one's shingles that the other has too, in (0, 1].
    labels : ndarray of int64, shape (n_texts,)
        The connected group of each text, numbered by first member.
    token_counts : ndarray of int64, shape (n_texts,)
        Words of each text (characters in scripts without spaces).
    threshold : float
        Least Jaccard similarity of a pair.
    bands : Bands
        How signatures were banded; see `expected_recall`.
    """

    pairs: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]
    labels: NDArray[np.int64]
    token_counts: NDArray[np.int64] = field(repr=False)
    threshold: float
    bands: Bands = field(repr=False)

    @property
    def groups(self) -> list[list[int]]:
        """Positions of the members of each group of at least two, by first member."""
        return [group for group in members(self.labels) if len(group) > 1]

    def expected_recall(self, jaccard: ArrayLike) -> NDArray[np.float64]:
        """Probability that a pair of this Jaccard similarity is found (0 below the threshold)."""
        jaccard = np.asarray(jaccard, dtype=np.float64)
        return np.where(jaccard >= self.threshold, self.bands.retrieval_probability(jaccard), 0.0)

    def renumbered(self, positions: NDArray[np.int64]) -> "NearDuplicates":
        """The same, with text `i` at ``positions[i]``."""
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
        from dedup.report.cards import near_duplicates_card  # only notebooks pay for it

        return near_duplicates_card(self)

    def __repr__(self) -> str:
        grouped = sum(map(len, self.groups))
        return (
            f"NearDuplicates({len(self.labels):,} texts: {len(self.pairs):,} pairs, "
            f"{grouped:,} texts in {len(self.groups):,} groups)"
        )


@dataclass(frozen=True, slots=True)
class NearSettings:
    """What counts as a near-duplicate; see `dedup.near_duplicates`, which checks the values."""

    threshold: float = 0.7
    recall: float = 0.95
    num_perm: int = 128
    shingle_size: int = 5
    containment: float | None = None
    compare_numbers: bool = False
    fold: Fold = "unidecode"


def find_near_duplicates(
    texts: Sequence[str], settings: NearSettings, n_jobs: int | None = None, report: Report = silent
) -> NearDuplicates:
    """All pairs of texts that are near-duplicates by these settings, and their groups."""
    _log.debug("reading %d texts", len(texts))
    reading, finding, checking = split(report, _READING, _FINDING, _CHECKING)
    bands = Bands.for_recall(settings.threshold, settings.recall, settings.num_perm)
    signed, shingles, numbers = _read(texts, settings, bands.bands * bands.rows, n_jobs, reading)
    filled = np.flatnonzero(shingles.lengths)  # a blank text is nobody's duplicate
    if len(filled) < len(texts):
        signed = signed[filled]
    _log.debug("looking for candidates in %d bands of %d texts that are not blank", bands.bands, len(filled))
    found = candidates(signed, bands, n_jobs, finding)
    del signed
    pairs, large = filled[found.pairs], [filled[bucket] for bucket in found.large]
    if settings.containment is not None:
        pairs = np.unique(np.concatenate([pairs, contained_candidates(shingles, settings.containment)]), axis=0)
    _log.debug("checking %d candidate pairs and %d large buckets", len(pairs), len(large))
    verifier = Verifier(shingles, numbers, settings.threshold, settings.containment)
    verified = verifier.verify(pairs, large)
    checking(1)
    order = np.lexsort((verified.pairs[:, 1], verified.pairs[:, 0]))
    pairs = verified.pairs[order]
    _log.debug("%d pairs are near-duplicates", len(pairs))
    return NearDuplicates(
        pairs=pairs,
        jaccard=verified.jaccard[order],
        containment=verified.containment[order],
        labels=connected_labels(pairs[:, 0], pairs[:, 1], len(texts)),
        token_counts=shingles.lengths,
        threshold=settings.threshold,
        bands=bands,
    )


def _read(
    texts: Sequence[str], settings: NearSettings, values: int, n_jobs: int | None, report: Report
) -> tuple[NDArray[np.uint32], ShingleSets, ShingleSets | None]:
    """Signatures of that many values, the sets of their shingles and, if they matter, of their numbers."""
    no_numbers = np.empty(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)

    def read(block: slice) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
        tokens = tokenize(texts[block], settings.fold)
        hashes = shingle_hashes(tokens, settings.shingle_size)
        signed[block] = signatures(low_hashes(hashes), tokens.offsets, num_perm=values, seed=SEED)
        return hashes, np.diff(tokens.offsets), *(number_hashes(tokens) if settings.compare_numbers else no_numbers)

    signed = np.empty((len(texts), values), dtype=np.uint32)
    shingles, numbers = _Growing(texts), _Growing(texts)
    slices = blocks(texts, _BLOCK_CHARACTERS)
    for hashes, counts, found, found_counts in ordered_map(read, slices, n_jobs, report):
        shingles.append(hashes, counts)
        numbers.append(found, found_counts)
    return signed, shingles.sets(n_jobs), numbers.sets(n_jobs) if settings.compare_numbers else None


class _Growing:
    """Hashes of more and more of these texts in one array."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._characters = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1)
        self._hashes = np.empty(0, dtype=np.uint64)
        self._used = 0
        self._lengths = np.zeros(len(texts), dtype=np.int64)
        self._read = 0

    def append(self, hashes: NDArray[np.uint64], lengths: NDArray[np.int64]) -> None:
        used = self._used + len(hashes)
        self._lengths[self._read : self._read + len(lengths)] = lengths
        self._read += len(lengths)
        if used > len(self._hashes):
            # Room for all texts to come, if they have as many a character as those so far: growing costs a copy.
            share = self._characters[self._read - 1] / self._characters[-1]
            room = np.empty(int(used / share * (1.1 - 0.1 * share)), dtype=np.uint64)
            room[: self._used] = self._hashes[: self._used]
            self._hashes = room
        self._hashes[self._used : used] = hashes
        self._used = used

    def sets(self, n_jobs: int | None) -> ShingleSets:
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self._lengths)])
        return ShingleSets(self._hashes[: self._used], offsets, n_jobs)
