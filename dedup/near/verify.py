"""Candidate pairs -> verified pairs."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import connected_labels
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import SMALL_BUCKET, bucket_pairs, decoded, encoded

_log = logging.getLogger(__name__)

#: With how many texts of a group one that its first did not match is compared.
_SAMPLE = 8


class Verified(NamedTuple):
    """Near-duplicates with their exact similarities.

    Attributes
    ----------
    pairs : ndarray of int64, shape (n_pairs, 2)
    jaccard, containment : ndarray of float64, shape (n_pairs,)
    """

    pairs: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verifier:
    """Decides which candidates are near-duplicates."""

    shingles: ShingleSets
    numbers: ShingleSets | None
    threshold: float
    containment: float | None

    def check(self, pairs: NDArray[np.int64]) -> Verified:
        """Those of the pairs that reach the threshold (or that of containment), by their numbers too if given."""
        jaccard, containment = self.shingles.overlaps(pairs)
        kept = self._reaches(jaccard, containment)
        verified = Verified(pairs[kept], jaccard[kept], containment[kept])
        if self.numbers is None:
            return verified
        kept = self._reaches(*self.numbers.overlaps(verified.pairs))
        return Verified(verified.pairs[kept], verified.jaccard[kept], verified.containment[kept])

    def _reaches(self, jaccard: NDArray[np.float64], containment: NDArray[np.float64]) -> NDArray[np.bool_]:
        reaches = jaccard >= self.threshold
        return reaches if self.containment is None else reaches | (containment >= self.containment)

    def verify(self, pairs: NDArray[np.int64], buckets: list[NDArray[np.int64]]) -> Verified:
        """The near-duplicates among candidate pairs and in large buckets, in time linear in the sizes of those.

        Each text of a large bucket is compared with the first. In groups that are a crowd by then, further pairs
        would only say again that they belong together, and are left out.
        """
        nothing = Verified(np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty(0))
        if self.numbers is not None:
            # Bulletins share a template, and so their buckets; copies of one of them share its numbers too.
            numbers = self.numbers.sums()
            buckets = [part for bucket in buckets for part in _split(bucket, numbers)]
        verified, large = self._extend(nothing, buckets)
        labels = self._labels(verified)
        crowded = (np.bincount(labels) > SMALL_BUCKET)[labels]
        left, right = pairs.T
        verified, _ = self._extend(verified, [], [pairs[~crowded[left] | (labels[left] != labels[right])]])
        return self._verify_left_over(verified, large)

    def _verify_left_over(self, verified: Verified, buckets: list[NDArray[np.int64]]) -> Verified:
        """Add the pairs that connect what is left of large buckets.

        The texts that turned out copies of the first, or copies of its copies, are done with. Of each other group one
        goes on: it is compared with some texts of the first one's group, and with the others that go on, as in a
        bucket of their own. A bucket that does not lose half of its texts in a round holds a common template, not
        copies of one text, and is given up.
        """
        given_up = 0
        while buckets:
            labels = self._labels(verified)
            rounds = [_Round.of(bucket, labels) for bucket in _merged(buckets, labels)]
            shrinking = [r.others for r in rounds if 2 * len(r.others) <= r.size]
            given_up += len(rounds) - len(shrinking)
            verified, buckets = self._extend(verified, shrinking, [r.sample_pairs for r in rounds])
        if given_up:
            _log.warning("%d large buckets share a template; their texts were compared with one of them only", given_up)
        return verified

    def _labels(self, verified: Verified) -> NDArray[np.int64]:
        return connected_labels(verified.pairs[:, 0], verified.pairs[:, 1], len(self.shingles.lengths))

    def _extend(
        self, verified: Verified, buckets: list[NDArray[np.int64]], pairs: Sequence[NDArray[np.int64]] = ()
    ) -> tuple[Verified, list[NDArray[np.int64]]]:
        """Check the pairs of buckets, and others; also return the buckets that are large still."""
        n = len(self.shingles.lengths)
        keys = np.repeat(np.arange(len(buckets), dtype=np.uint64), [len(bucket) for bucket in buckets])
        texts = np.concatenate([np.empty(0, dtype=np.int64), *buckets]).astype(np.uint64)
        small, stars, large = bucket_pairs(keys, texts, n)
        codes = np.concatenate([small, stars, *(encoded(p, n) for p in pairs)])
        more = self.check(decoded(np.setdiff1d(codes, encoded(verified.pairs, n)), n))
        return Verified(*(np.concatenate(both) for both in zip(verified, more, strict=True))), large


class _Round(NamedTuple):
    """What is left of a bucket once the copies of its first text are known.

    Attributes
    ----------
    size : int
        Texts in the bucket.
    others : ndarray of int64
        The first text of each group but that of the bucket's first text, ascending.
    sample_pairs : ndarray of int64, shape (n_pairs, 2)
        Each of the others with some of that group, ``i < j``.
    """

    size: int
    others: NDArray[np.int64]
    sample_pairs: NDArray[np.int64]

    @classmethod
    def of(cls, bucket: NDArray[np.int64], labels: NDArray[np.int64]) -> "_Round":
        groups, first = np.unique(labels[bucket], return_index=True)
        hub = labels[bucket[0]]
        others = bucket[np.sort(first[groups != hub])]
        known = bucket[labels[bucket] == hub][1:]  # the first one has been compared with all
        sample = known[np.unique(np.linspace(0, len(known) - 1, _SAMPLE).astype(np.int64))] if len(known) else known
        pairs = np.stack(np.meshgrid(others, sample, indexing="ij"), axis=-1).reshape(-1, 2)
        return cls(len(bucket), others, np.sort(pairs, axis=1))


def _merged(buckets: list[NDArray[np.int64]], labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Buckets whose first texts are copies, as one: a story fills a bucket in each band."""
    by_hub: dict[int, list[NDArray[np.int64]]] = {}
    for bucket in buckets:
        by_hub.setdefault(int(labels[bucket[0]]), []).append(bucket)
    return [np.unique(np.concatenate(same)) for same in by_hub.values()]


def _split(bucket: NDArray[np.int64], keys: NDArray[np.uint64]) -> list[NDArray[np.int64]]:
    """The parts of a bucket that have one key, each of two texts or more, ascending."""
    bucket = bucket[np.argsort(keys[bucket], kind="stable")]
    return [part for part in np.split(bucket, np.flatnonzero(np.diff(keys[bucket])) + 1) if len(part) > 1]
