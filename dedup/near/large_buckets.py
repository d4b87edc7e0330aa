"""Texts of large buckets -> candidate pairs: those that share more than what the whole bucket shares."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dedup.arrays import Flags, Floats, Hashes, Integers, connected_labels, first_members, ranks_in_runs, run_starts
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import bucket_pairs, decode_pairs
from dedup.text.tokens import mix

#: Shingles that are sorted at once.
_AT_ONCE = 1 << 23

#: An element that more texts of a crowd have is frequent there. Texts that share a rare one are compared.
RARE = 16

#: A text that consists of frequent shingles is compared with those that share one of so many, the rarest of them.
_RAREST = 4


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much two sets have to share: a Jaccard similarity or, if it is given, a containment."""

    jaccard: float
    containment: float | None

    def least_shared(self, left: Integers, right: Integers) -> Floats:
        """Number of elements that sets of these sizes share at least when they are similar enough."""
        least: Floats = self.jaccard / (1 + self.jaccard) * (left + right).astype(np.float64)
        if self.containment is not None:
            least = np.minimum(least, self.containment * np.minimum(left, right))
        return least


class RarePairs(NamedTuple):
    """What rare elements tell of the texts of large buckets."""

    pairs: Integers  # (n_pairs, 2): pairs ``i < j`` that share a rare element, and may share enough
    undecided: Integers  # the texts that may be similar to others with which they share frequent elements alone
    buckets: list[Integers]  # of the undecided: those that share one of their rarest frequent elements, ascending


def crowds(buckets: list[Integers]) -> tuple[Integers, Integers]:
    """The texts of large buckets, ascending, and for each the number of its crowd: buckets that share a text are one.

    Examples
    --------
    >>> crowds([np.array([1, 4]), np.array([4, 7]), np.array([2, 5])])
    (array([1, 2, 4, 5, 7]), array([0, 1, 0, 1, 0]))
    """
    texts, place = np.unique(np.concatenate(buckets), return_inverse=True)
    sizes = [len(bucket) for bucket in buckets]
    firsts = np.repeat(place[np.cumsum([0, *sizes[:-1]])], sizes)
    return texts, connected_labels(firsts, place, len(texts))


def names_of(sets: ShingleSets, texts: Integers, crowd: Integers) -> Hashes:
    """For each text a hash that is that of its crowd, whatever other crowds there are.

    It is made of the first text of the crowd: one of the same shingles would be in the same buckets.
    """
    return sets.of(texts[first_members(crowd)]).sums()[crowd]


def rare_pairs(sets: ShingleSets, texts: Integers, crowd: Hashes, overlap: Overlap) -> RarePairs:
    """Pairs of texts of one crowd that share an element which at most `RARE` texts of the crowd have.

    `crowd` has the name of the crowd of each text. Among equally rare elements it decides, so that names must not
    depend on what other crowds there are.

    Two sets that are similar enough by Jaccard share a rare element, unless of both at least that share is frequent:
    those remain undecided. No other pair is lost. (The bound is that of prefix filters: Chaudhuri, Ganti and Kaushik
    2006, "A primitive operator for similarity joins in data cleaning".)

    O(n log n) in the number of elements, with at most ``RARE / 2`` pairs for each.
    """
    n = len(texts)
    sizes, frequent_sizes = np.zeros((2, n), dtype=np.int64)
    codes, counts = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    frequent: list[tuple[Hashes, Integers]] = []
    entries = np.repeat(np.arange(n), sets.lengths[texts])
    keys = _keys(sets, texts, crowd)
    for part in _parts(keys):
        members, own = _distinct(entries[part], keys[part])
        starts = run_starts(own)
        count = np.diff(np.append(starts, len(own)))
        each = np.repeat(count, count)
        sizes += np.bincount(members, minlength=n)
        frequent_sizes += np.bincount(members[each > RARE], minlength=n)
        frequent.append((own[starts[count > RARE]], count[count > RARE]))
        rare = each <= RARE
        found, _, _ = bucket_pairs(own[rare], members[rare].astype(np.uint64), n)
        codes, counts = _summed(codes, counts, found)
    pairs = decode_pairs(codes, n)
    left, right = pairs.T
    enough = counts + np.minimum(frequent_sizes[left], frequent_sizes[right])
    similar = enough >= overlap.least_shared(sizes[left], sizes[right]) - 1e-9
    numbers = np.unique(crowd, return_inverse=True)[1]
    undecided = _undecided(numbers, sizes, frequent_sizes, overlap.jaccard / (1 + overlap.jaccard))
    known = np.concatenate([keys for keys, _ in frequent]), np.concatenate([counts for _, counts in frequent])
    buckets = _rarest_buckets(entries, keys, undecided, *known)
    return RarePairs(texts[pairs[similar]], texts[undecided], [texts[bucket] for bucket in buckets])


def _undecided(crowd: Integers, sizes: Integers, frequent: Integers, share: float) -> Flags:
    """Which texts may share enough with another one of their crowd if they share all that is frequent in both.

    Similar sets share at least `share` of the sum of their sizes. Of the texts with as many frequent elements or more
    the shortest, and of those with fewer the one that has most beyond its own share, decides.
    """
    order = np.lexsort((frequent, crowd))
    crowd, sizes, frequent = crowd[order], sizes[order], frequent[order]
    # Crowds far apart on one scale, so that running extremes begin anew with each.
    apart = crowd * (2.0 * sizes.max(initial=0) + 1)
    shortest = np.minimum.accumulate((sizes + apart)[::-1])[::-1] - apart
    most = np.maximum.accumulate(frequent - share * sizes + apart) - apart
    undecided = np.empty(len(order), dtype=np.bool_)
    undecided[order] = (frequent - share * (sizes + shortest) >= -1e-6) | (most - share * sizes >= -1e-6)
    return undecided


def _keys(sets: ShingleSets, texts: Integers, crowd: Hashes) -> Hashes:
    """The elements of texts, one text after the other, hashed with the crowd: no key is in two crowds."""
    salts = mix(crowd + np.uint64(1))
    return mix(sets.of(texts).shingles ^ np.repeat(salts, sets.lengths[texts]))


def _parts(keys: Hashes) -> list[Flags]:
    """Which keys are sorted together, so that memory is bounded: all copies of one are."""
    bits = (len(keys) // _AT_ONCE).bit_length()
    upper = keys >> np.uint64(64 - bits) if bits else np.zeros(len(keys), dtype=np.uint64)
    return [upper == np.uint64(part) for part in range(1 << bits)]


def _distinct(entries: Integers, keys: Hashes) -> tuple[Integers, Hashes]:
    """Members by key, then ascending, and the keys; each text once a key."""
    order = np.argsort(keys, kind="stable")
    entries, keys = entries[order], keys[order]
    fresh = np.ones(len(keys), dtype=np.bool_)
    fresh[1:] = (keys[1:] != keys[:-1]) | (entries[1:] != entries[:-1])
    return entries[fresh], keys[fresh]


def _summed(codes: Hashes, counts: Integers, more: Hashes) -> tuple[Hashes, Integers]:
    """Distinct codes with their counts, of which there are `more`, each counting once."""
    distinct, found = np.unique(more, return_counts=True)
    codes, place = np.unique(np.concatenate([codes, distinct]), return_inverse=True)
    return codes, np.bincount(place, np.concatenate([counts, found]), len(codes)).astype(np.int64)


def _rarest_buckets(
    entries: Integers, keys: Hashes, wanted: Flags, frequent: Hashes, counts: Integers
) -> list[Integers]:
    """The wanted members by each frequent key that is among the rarest of theirs; at least two in each."""
    chosen = wanted[entries]
    members, own = _distinct(entries[chosen], keys[chosen])
    order = np.argsort(frequent)
    frequent, counts = frequent[order], counts[order]
    place = np.searchsorted(frequent, own)
    known = place < len(frequent)
    known[known] = frequent[place[known]] == own[known]
    members, place = members[known], place[known]
    order = np.lexsort((place, counts[place], members))
    order = order[ranks_in_runs(members[order]) < _RAREST]
    members, place = members[order], place[order]
    order = np.lexsort((members, place))
    parts = np.split(members[order], run_starts(place[order])[1:])
    return [part for part in parts if len(part) > 1]
