from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.archive import near
from dedup.archive.near import bucket_forest, merge_levels, merged
from dedup.arrays import connected_labels

EXAMPLES = settings(deadline=None, max_examples=80)
SEEDS = st.integers(0, 2**32)
NODES = 40


def slow_bucket_forest(keys, positions):
    """Edges from the first member of each bucket to the others."""
    buckets = defaultdict(list)
    for key, position in zip(keys.tolist(), positions.tolist(), strict=True):
        buckets[key].append(position)
    return sorted((first, other) for first, *others in buckets.values() for other in others)


def random_buckets(seed, n, values):
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, values, n).astype(np.uint64) << np.uint64(rng.integers(0, 60))
    return keys, np.sort(rng.choice(3 * n + 1, n, replace=False))


def random_forest(seed, edges):
    """As `merged` gives one: of edges between some of the nodes, from the first of each component."""
    left, right = np.random.default_rng(seed).integers(0, NODES, (2, edges))
    return np.array(slow_merged((left, right)), dtype=np.int64).reshape(-1, 2).T


def slow_merged(*forests):
    """Edges from the first member of each component to the others, by components put together edge by edge."""
    component = {node: {node} for node in range(NODES)}
    for left, right in forests:
        for one, other in zip(left.tolist(), right.tolist(), strict=True):
            together = component[one] | component[other]
            component.update(dict.fromkeys(together, together))
    return sorted({(min(own), node) for node, own in component.items() if node != min(own)})


def edges(forest):
    return list(zip(*(side.tolist() for side in forest), strict=True))


@EXAMPLES
@given(SEEDS, st.integers(0, 100), st.integers(1, 50))
def test_the_forest_of_buckets_is_that_of_the_slow_twin(seed, n, values):
    keys, positions = random_buckets(seed, n, values)
    assert sorted(edges(bucket_forest(keys, positions))) == slow_bucket_forest(keys, positions)


@EXAMPLES
@given(SEEDS, st.integers(0, 100), st.integers(1, 50), st.integers(1, 5))
def test_buckets_may_be_sorted_range_by_range(seed, n, values, ranges):
    keys, positions = random_buckets(seed, n, values)
    own = np.random.default_rng(seed).integers(0, ranges, values)[np.unique(keys, return_inverse=True)[1]]
    parts = [bucket_forest(keys[own == i], positions[own == i]) for i in range(ranges)]
    together = sorted(edge for part in parts for edge in edges(part))
    assert together == sorted(edges(bucket_forest(keys, positions)))


@EXAMPLES
@given(SEEDS, st.integers(0, 40), st.integers(0, 40))
def test_merged_forests_are_those_of_the_slow_twin(seed, some, others):
    one, other = random_forest(seed, some), random_forest(seed + 1, others)
    assert edges(merged(tuple(one), tuple(other))) == slow_merged(one, other)


@EXAMPLES
@given(SEEDS, st.lists(st.integers(0, 20), min_size=3, max_size=3))
def test_the_order_of_mergers_does_not_matter(seed, sizes):
    a, b, c = (tuple(random_forest(seed + i, size)) for i, size in enumerate(sizes))
    assert edges(merged(merged(a, b), c)) == edges(merged(a, merged(c, b))) == edges(merged(merged(c, a), b))


@EXAMPLES
@given(SEEDS, st.integers(0, 60))
def test_a_merged_forest_has_an_edge_for_all_but_the_first_of_each_component(seed, count):
    left, right = random_forest(seed, count)
    found = merged((left, right), (left[:0], right[:0]))
    labels, same = (connected_labels(*sides, NODES) for sides in ((left, right), found))
    assert same.tolist() == labels.tolist()
    assert len(found[0]) == NODES - (labels.max() + 1)
    assert (found[0].dtype, found[1].dtype) == (np.int64, np.int64)


@pytest.mark.parametrize("bands", range(12))
def test_every_forest_is_merged_once_and_after_those_that_it_is_made_of(monkeypatch, bands):
    monkeypatch.setattr(near, "bands_of", lambda job: range(bands + 1))
    levels = merge_levels(None)
    there, taken = set(range(bands, 2 * bands + 1)), []  # those of buckets
    for level in levels:
        for number in level:
            taken += [2 * number + 1, 2 * number + 2]
            assert set(taken[-2:]) <= there
        there |= {*level}
    assert sorted([*taken, 0]) == sorted(there) == list(range(2 * bands + 1))


def parts_one_by_one(words, most):
    """The slow twin of `near.parts_of`."""
    parts, part, filled = [], 0, 0
    for count in words:
        if filled and filled + count > most:
            part, filled = part + 1, 0
        filled += count
        parts.append(part)
    return parts


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 20))
def test_parts_of_the_verification_are_those_of_the_slow_twin(words, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "_WORDS_AT_ONCE", most)
        assert near.parts_of(np.array(words, dtype=np.float64)).tolist() == parts_one_by_one(words, most)
