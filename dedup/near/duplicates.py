"""Texts -> near-duplicates: the whole near tier in one call."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.components import connected_labels
from dedup.near.containment import contained_candidates
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import Bands, candidates
from dedup.near.minhash import low_hashes, signatures
from dedup.near.shingles import shingle_hashes
from dedup.near.verify import Verifier
from dedup.parallel import ordered_map
from dedup.text.tokens import blocks, tokenize

#: Characters tokenised and signed at once, per thread: the arrays of one block stay in its core's cache.
_BLOCK_CHARACTERS = 1 << 18

#: The seed of datasketch's default permutations.
_SEED = 1


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
        order = np.argsort(self.labels, kind="stable")
        cuts = np.flatnonzero(np.diff(self.labels[order])) + 1
        return [members.tolist() for members in np.split(order, cuts) if len(members) > 1]

    def expected_recall(self, jaccard: ArrayLike) -> NDArray[np.float64]:
        """Probability that a pair of this Jaccard similarity is found (0 below the threshold)."""
        jaccard = np.asarray(jaccard, dtype=np.float64)
        return np.where(jaccard >= self.threshold, self.bands.retrieval_probability(jaccard), 0.0)

    def __repr__(self) -> str:
        grouped = sum(map(len, self.groups))
        return (
            f"NearDuplicates({len(self.labels):,} texts: {len(self.pairs):,} pairs, "
            f"{grouped:,} texts in {len(self.groups):,} groups)"
        )


def find_near_duplicates(
    texts: Sequence[str],
    *,
    threshold: float,
    recall: float,
    num_perm: int,
    shingle_size: int,
    n_jobs: int | None,
    containment: float | None = None,
) -> NearDuplicates:
    """All pairs of texts whose shingle sets are similar enough, and their groups.

    Parameters are those of `dedup.near_duplicates`, checked by the caller.
    """
    bands = Bands.for_recall(threshold, recall, num_perm)
    signed, shingles, offsets = _sign(texts, num_perm, shingle_size, n_jobs)
    token_counts = np.diff(offsets)
    filled = np.flatnonzero(token_counts)  # a blank text is nobody's duplicate
    found = candidates(signed[filled], bands, n_jobs)
    del signed
    pairs, large = filled[found.pairs], [filled[bucket] for bucket in found.large]
    if containment is not None:
        pairs = np.unique(np.concatenate([pairs, contained_candidates(shingles, offsets, containment)]), axis=0)
    verifier = Verifier(ShingleSets(shingles, offsets, n_jobs), threshold, containment)
    verified = verifier.check(pairs)
    verified = verifier.check_large_buckets(verified, large, len(texts))
    order = np.lexsort((verified.pairs[:, 1], verified.pairs[:, 0]))
    pairs = verified.pairs[order]
    return NearDuplicates(
        pairs=pairs,
        jaccard=verified.jaccard[order],
        containment=verified.containment[order],
        labels=connected_labels(pairs[:, 0], pairs[:, 1], len(texts)),
        token_counts=token_counts,
        threshold=threshold,
        bands=bands,
    )


def _sign(
    texts: Sequence[str], num_perm: int, shingle_size: int, n_jobs: int | None
) -> tuple[NDArray[np.uint32], NDArray[np.uint64], NDArray[np.int64]]:
    """Signatures of texts, their shingle hashes in one array, and where in it each text's begin."""

    def sign(block: slice) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        tokens = tokenize(texts[block])
        hashes = shingle_hashes(tokens, shingle_size)
        signed[block] = signatures(low_hashes(hashes), tokens.offsets, num_perm=num_perm, seed=_SEED)
        return hashes, np.diff(tokens.offsets)

    signed = np.empty((len(texts), num_perm), dtype=np.uint32)
    shingles = np.empty(1 << 16, dtype=np.uint64)
    sizes = [np.zeros(1, dtype=np.int64)]
    used = 0
    for hashes, counts in ordered_map(sign, blocks(texts, _BLOCK_CHARACTERS), n_jobs):
        if used + len(hashes) > len(shingles):
            # In place: the system moves pages, not bytes, and pages not written to yet take no memory.
            shingles.resize(2 * (used + len(hashes)), refcheck=False)
        shingles[used : used + len(hashes)] = hashes
        sizes.append(counts)
        used += len(hashes)
    return signed, shingles[:used], np.cumsum(np.concatenate(sizes))
