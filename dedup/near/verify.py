"""Candidate pairs -> verified pairs."""

import logging
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.components import connected_labels
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import bucket_pairs, decoded

_log = logging.getLogger(__name__)


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

    def check_large_buckets(self, verified: Verified, buckets: list[NDArray[np.int64]]) -> Verified:
        """Add the pairs that connect what is left of large buckets, in time linear in their sizes.

        So far each text of a large bucket was compared with the first. Those that turned out its copies, or copies
        of its copies, are done with; of each other group one text goes on. A bucket that does not lose half of its
        texts in a round holds a common template, not copies of one text, and is given up.
        """
        n, skipped = len(self.shingles.lengths), 0
        while buckets:
            labels = connected_labels(verified.pairs[:, 0], verified.pairs[:, 1], n)
            left = [self._others(bucket, labels) for bucket in buckets]
            buckets_left = [new for new, old in zip(left, buckets, strict=True) if len(new) <= len(old) // 2]
            skipped += len(buckets) - len(buckets_left)
            keys = np.repeat(np.arange(len(buckets_left), dtype=np.uint64), [len(b) for b in buckets_left])
            texts = np.concatenate([np.empty(0, dtype=np.int64), *buckets_left]).astype(np.uint64)
            codes, buckets = bucket_pairs(keys, texts, n)
            more = self.check(decoded(np.unique(codes), n))
            verified = Verified(*(np.concatenate(both) for both in zip(verified, more, strict=True)))
        if skipped:
            _log.info("%d large buckets share a template; their texts were compared with one of them only", skipped)
        return verified

    @staticmethod
    def _others(bucket: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first text of each group in the bucket but that of the bucket's first text."""
        groups, first = np.unique(labels[bucket], return_index=True)
        others: NDArray[np.int64] = bucket[np.sort(first[groups != labels[bucket[0]]])]
        return others
