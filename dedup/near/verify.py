"""Candidate pairs -> verified pairs."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dedup.arrays import Flags, Floats, Hashes, Integers, connected_labels, first_members
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import SMALL_BUCKET, bucket_pairs, decode_pairs, encode_pairs

_logger = logging.getLogger(__name__)

#: A text that the first of a group does not match is compared with at most this many others of the group.
_SAMPLE_SIZE = 8


class Verified(NamedTuple):
    """Pairs of near-duplicates, shape (n_pairs, 2), with their exact similarities, shape (n_pairs,)."""

    pairs: Integers
    jaccard: Floats
    containment: Floats


@dataclass(frozen=True, slots=True)
class Verifier:
    """Decides which candidates are near-duplicates, by their shingles and, if given, by their numbers too."""

    shingles: ShingleSets
    numbers: ShingleSets | None
    threshold: float
    containment: float | None

    def check(self, pairs: Integers) -> Verified:
        """The near-duplicates among these pairs."""
        jaccard, containment = self.shingles.overlaps(pairs)
        kept = np.flatnonzero(self._reaches(jaccard, containment))
        if self.numbers is not None:
            kept = kept[self._reaches(*self.numbers.overlaps(pairs[kept]))]
        return Verified(pairs[kept], jaccard[kept], containment[kept])

    def _reaches(self, jaccard: Floats, containment: Floats) -> Flags:
        reaches = jaccard >= self.threshold
        return reaches if self.containment is None else reaches | (containment >= self.containment)

    def verify(self, pairs: Integers, buckets: list[Integers]) -> Verified:
        """The near-duplicates among candidate pairs and in large buckets, in time linear in their sizes.

        Each text of a large bucket is compared with the first. Then candidate pairs are compared, without those
        within a group of more than `SMALL_BUCKET` texts, which are known to belong together.
        """
        nothing = Verified(np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty(0))
        if self.numbers is not None:
            # Bulletins share a template, and so their buckets; copies of one bulletin share its numbers too.
            numbers = self.numbers.sums()
            buckets = [part for bucket in buckets for part in _split(bucket, numbers)]
        verified, large = self._extend(nothing, buckets)
        labels = self._labels(verified)
        in_large_group = (np.bincount(labels) > SMALL_BUCKET)[labels]
        left, right = pairs.T
        verified, _ = self._extend(verified, [], [pairs[~in_large_group[left] | (labels[left] != labels[right])]])
        return self._connect_rest(verified, large)

    def _connect_rest(self, verified: Verified, buckets: list[Integers]) -> Verified:
        """Add the pairs that connect the rest of large buckets, round by round.

        The group of the first text of a bucket is done. Of each other group in the bucket the first text remains: it
        is compared with a sample of the first group, and with the other texts that remain, as in a bucket of their
        own. A bucket that loses less than half of its texts in a round is given up: its texts share a template.
        """
        given_up = 0
        while buckets:
            labels = self._labels(verified)
            buckets = _merged(buckets, labels)
            rests = [_rest_of(bucket, labels) for bucket in buckets]
            shrinking = [
                others for bucket, (others, _) in zip(buckets, rests, strict=True) if 2 * len(others) <= len(bucket)
            ]
            given_up += len(buckets) - len(shrinking)
            verified, buckets = self._extend(verified, shrinking, [pairs for _, pairs in rests])
        if given_up:
            _logger.warning(
                "%d large buckets share a template; their texts were compared with one of them only", given_up
            )
        return verified

    def _labels(self, verified: Verified) -> Integers:
        return connected_labels(verified.pairs[:, 0], verified.pairs[:, 1], len(self.shingles.lengths))

    def _extend(
        self, verified: Verified, buckets: list[Integers], pairs: Sequence[Integers] = ()
    ) -> tuple[Verified, list[Integers]]:
        """Add the near-duplicates among the pairs of buckets and other pairs; also return the buckets still large."""
        n = len(self.shingles.lengths)
        keys = np.repeat(np.arange(len(buckets), dtype=np.uint64), [len(bucket) for bucket in buckets])
        texts = np.concatenate([np.empty(0, dtype=np.int64), *buckets]).astype(np.uint64)
        small, stars, large = bucket_pairs(keys, texts, n)
        codes = np.concatenate([small, stars, *(encode_pairs(some, n) for some in pairs)])
        more = self.check(decode_pairs(np.setdiff1d(codes, encode_pairs(verified.pairs, n)), n))
        return Verified(*(np.concatenate(both) for both in zip(verified, more, strict=True))), large


def _rest_of(bucket: Integers, labels: Integers) -> tuple[Integers, Integers]:
    """First text of each group in a bucket, except that of the bucket's first text, ascending.

    Also returns the pairs ``i < j`` of each of them with a sample of the first text's group, shape (n_pairs, 2).
    """
    own = labels[bucket]
    others = bucket[np.sort(first_members(own))][1:]
    group = bucket[own == own[0]][1:]  # all texts have been compared with the first
    sample = group[np.unique(np.linspace(0, len(group) - 1, _SAMPLE_SIZE).astype(np.int64))] if len(group) else group
    pairs = np.stack(np.meshgrid(others, sample, indexing="ij"), axis=-1).reshape(-1, 2)
    return others, np.sort(pairs, axis=1)


def _merged(buckets: list[Integers], labels: Integers) -> list[Integers]:
    """Buckets, those whose first texts are copies as one: copies fill a bucket in each band."""
    by_label: dict[int, list[Integers]] = {}
    for bucket in buckets:
        by_label.setdefault(int(labels[bucket[0]]), []).append(bucket)
    return [np.unique(np.concatenate(same)) for same in by_label.values()]


def _split(bucket: Integers, keys: Hashes) -> list[Integers]:
    """The texts of a bucket that share a key, ascending; at least two in each part."""
    bucket = bucket[np.argsort(keys[bucket], kind="stable")]
    return [part for part in np.split(bucket, np.flatnonzero(np.diff(keys[bucket])) + 1) if len(part) > 1]
