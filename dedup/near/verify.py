"""Candidate pairs -> verified pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dedup.arrays import Flags, Floats, Hashes, Integers, connected_labels, distinct, first_members, ranks_in_runs
from dedup.near.jaccard import ShingleSets
from dedup.near.large_buckets import Overlap, crowds, names_of, rare_pairs
from dedup.near.lsh import SMALL_BUCKET, bucket_pairs, decode_pairs, encode_pairs
from dedup.near.numbers import figures

#: A text that the first of a group does not match is compared with at most this many others of the group.
_SAMPLE_SIZE = 8


class Verified(NamedTuple):
    """Pairs of near-duplicates, shape (n_pairs, 2), with their exact similarities, shape (n_pairs,)."""

    pairs: Integers
    jaccard: Floats
    containment: Floats


class Times(NamedTuple):
    """When texts were published, and how far apart copies may be; what is unknown is not apart."""

    days: Floats  # (n_texts,)
    most_apart: float  # days


@dataclass(frozen=True)
class Verifier:
    """Decides which candidates are near-duplicates, by their shingles and, if given, by numbers and times too."""

    shingles: ShingleSets
    numbers: ShingleSets | None
    threshold: float
    containment: float | None
    times: Times | None = None

    def of(self, texts: Integers) -> "Verifier":
        """The same for some texts alone."""
        numbers = None if self.numbers is None else self.numbers.of(texts)
        times = self.times and self.times._replace(days=self.times.days[texts])
        return Verifier(self.shingles.of(texts), numbers, self.threshold, self.containment, times)

    def check(self, pairs: Integers) -> Verified:
        """The near-duplicates among these pairs."""
        pairs = self._close_in_time(pairs)
        jaccard, containment = self.shingles.overlaps(pairs)
        kept = np.flatnonzero(self._reaches(jaccard, containment))
        kept = kept[self._have_like_numbers(pairs[kept])]
        return Verified(pairs[kept], jaccard[kept], containment[kept])

    def _close_in_time(self, pairs: Integers) -> Integers:
        if self.times is None:
            return pairs
        left, right = self.times.days[pairs].T
        apart: Flags = np.abs(left - right) > self.times.most_apart
        return pairs[~apart]

    @cached_property
    def _figures(self) -> ShingleSets | None:
        """The numbers that begin with a digit."""
        return None if self.numbers is None else figures(self.numbers)

    def _have_like_numbers(self, pairs: Integers) -> Flags:
        """Whether the numbers of each pair are alike, and those that begin with a digit too.

        Words such as "A11" may be many, and equal where all figures differ.
        """
        alike = np.ones(len(pairs), dtype=np.bool_)
        for sets in (self.numbers, self._figures):
            if sets is not None:
                alike &= self._reaches(*sets.overlaps(pairs))
        return alike

    def _reaches(self, jaccard: Floats, containment: Floats) -> Flags:
        reaches = jaccard >= self.threshold
        return reaches if self.containment is None else reaches | (containment >= self.containment)

    def verify(self, pairs: Integers, buckets: list[Integers]) -> tuple[Verified, int]:
        """The near-duplicates among candidate pairs and in large buckets; and how many texts were given up.

        Each text of a large bucket is compared with the first. Candidate pairs are compared, without those within a
        group of more than `SMALL_BUCKET` texts, which are known to belong together. Then each text of a large bucket is
        compared with those that share something rare with it. What is made of a template alone is compared with some
        others of its kind, and given up if that does not connect it. Time is linear in the sizes of buckets and texts.
        """
        nothing = Verified(np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty(0))
        verified, _ = self._extend(nothing, self._of_equal_numbers(buckets))
        verified, _ = self._extend(verified, [], [_unknown(pairs, self._labels(verified))])
        if not buckets:
            return verified, 0
        labels = self._labels(verified)
        texts, numbers = crowds(buckets)
        crowd = names_of(self.shingles, texts, numbers)
        kept = _without_large_groups(texts, labels)
        rare = rare_pairs(self.shingles, texts[kept], crowd[kept], Overlap(self.threshold, self.containment))
        found = [rare.pairs]
        undecided, further = rare.undecided, rare.buckets
        if self._figures is not None:
            of_undecided = crowd[np.searchsorted(texts, undecided)]
            rare = rare_pairs(self._figures, undecided, of_undecided, Overlap(self.threshold, self.containment))
            found.append(rare.pairs)
            undecided, further = rare.undecided, self._of_equal_numbers(further)
        verified, _ = self._extend(verified, [], [_unknown(pairs, labels) for pairs in found])
        is_undecided = np.zeros(len(self.shingles.lengths), dtype=np.bool_)
        is_undecided[undecided] = True
        rest = [bucket[is_undecided[bucket]] for bucket in [*further, *self._of_equal_numbers(buckets)]]
        verified, large = self._extend(verified, [bucket for bucket in rest if len(bucket) > 1])
        return self._connect_rest(verified, large)

    def with_contained(self, verified: Verified, pairs: Integers) -> Verified:
        """Add pairs of a text and one that is known to contain it as a whole; their containment is 1."""
        pairs = self._close_in_time(pairs)
        if not len(pairs):
            return verified
        pairs = pairs[self._have_like_numbers(pairs)]
        pairs = np.sort(pairs, axis=1)
        jaccard, _ = self.shingles.overlaps(pairs)
        n = len(self.shingles.lengths)
        known = np.isin(encode_pairs(verified.pairs, n), encode_pairs(pairs, n))
        more = Verified(pairs, jaccard, np.ones(len(pairs)))
        return Verified(*(np.concatenate([old[~known], new]) for old, new in zip(verified, more, strict=True)))

    def _of_equal_numbers(self, buckets: list[Integers]) -> list[Integers]:
        """Buckets, parted by numbers where these are compared: bulletins share a template, and so their buckets."""
        if self.numbers is None:
            return buckets
        numbers = self.numbers.sums()
        return [part for bucket in buckets for part in _split(bucket, numbers)]

    def _connect_rest(self, verified: Verified, buckets: list[Integers]) -> tuple[Verified, int]:
        """Add the pairs that connect the rest of large buckets, round by round; and count the texts given up.

        The group of the first text of a bucket is done. Of each other group in the bucket the first text remains: it
        is compared with a sample of the first group, and with the other texts that remain, as in a bucket of their
        own. A bucket that loses less than half of its texts in a round is given up: its texts share a template.
        """
        given_up = [np.empty(0, dtype=np.int64)]
        while buckets:
            labels = self._labels(verified)
            buckets = _merged(buckets, labels)
            rests = [_rest_of(bucket, labels) for bucket in buckets]
            shrinking: list[Integers] = []
            for bucket, (others, _) in zip(buckets, rests, strict=True):
                (shrinking if 2 * len(others) <= len(bucket) else given_up).append(others)
            verified, buckets = self._extend(verified, shrinking, [pairs for _, pairs in rests])
        return verified, len(np.unique(np.concatenate(given_up)))

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
        codes = np.concatenate([small, stars, *(encode_pairs(some, n) for some in [*pairs, *self._neighbours(large)])])
        unknown = np.setdiff1d(distinct(codes), encode_pairs(verified.pairs, n), assume_unique=True)
        more = self.check(decode_pairs(unknown, n))
        return Verified(*(np.concatenate(both) for both in zip(verified, more, strict=True))), large

    def _neighbours(self, buckets: list[Integers]) -> list[Integers]:
        """Pairs of texts that follow each other in time, where the first of a bucket may be too far from most."""
        return [] if self.times is None else [np.stack([own[:-1], own[1:]], axis=1) for own in buckets]


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


def _unknown(pairs: Integers, labels: Integers) -> Integers:
    """Pairs but for those within a group of more than `SMALL_BUCKET` texts."""
    left, right = labels[pairs].T
    unknown: Flags = (left != right) | (np.bincount(labels) <= SMALL_BUCKET)[left]
    return pairs[unknown]


def _without_large_groups(texts: Integers, labels: Integers) -> Flags:
    """Which texts to compare further: of a group of more than `SMALL_BUCKET`, which is known, a sample."""
    own = labels[texts]
    order = np.argsort(own, kind="stable")
    rank, size = ranks_in_runs(own[order]), np.bincount(own)[own[order]]
    kept = np.empty(len(texts), dtype=np.bool_)
    # Evenly spaced: the ranks at which another eighth of the group is full.
    kept[order] = (size <= SMALL_BUCKET) | ((rank + 1) * _SAMPLE_SIZE // size > rank * _SAMPLE_SIZE // size)
    return kept


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
