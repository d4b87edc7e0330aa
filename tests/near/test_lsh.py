from collections import defaultdict
from dataclasses import astuple
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dedup.arrays import connected_labels
from dedup.near.lsh import ROWS, SMALL_BUCKET, Bands, find_candidates

EXAMPLES = settings(deadline=None, max_examples=80)
BANDS = st.builds(Bands, bands=st.integers(1, 4), rows=st.integers(1, 3))
PROBABILITIES = st.floats(0.01, 0.99)


def slow_pairs(signatures, bands):
    """All pairs of rows that agree on a whole band."""
    rows = signatures.tolist()
    slices = [slice(b * bands.rows, (b + 1) * bands.rows) for b in range(bands.bands)]
    pairs = combinations(range(len(rows)), 2)
    return [[i, j] for i, j in pairs if any(rows[i][s] == rows[j][s] for s in slices)]


def random_signatures(seed, n, bands, values, extra=0):
    shape = (n, bands.bands * bands.rows + extra)
    return np.random.default_rng(seed).integers(0, values, shape).astype(np.uint32)


def slow_probability(jaccard, bands, rows):
    none = 1.0
    for _ in range(bands):
        none *= 1 - jaccard**rows
    return 1 - none


@EXAMPLES
@given(PROBABILITIES, PROBABILITIES, st.integers(1, 256))
def test_bands_are_the_fewest_that_reach_the_recall_with_as_many_rows_as_can(threshold, recall, num_perm):
    reach, almost = (
        [
            (rows, count)
            for rows in range(ROWS, 0, -1)
            for count in range(1, num_perm // rows + 1)
            if slow_probability(threshold, count, rows) >= recall + margin
        ][:1]
        for margin in (1e-9, -1e-9)
    )
    assume(reach == almost)
    if not reach:
        with pytest.raises(ValueError, match="recall"):
            Bands.for_recall(threshold, recall, num_perm)
    else:
        assert [astuple(Bands.for_recall(threshold, recall, num_perm))[::-1]] == reach


def test_a_recall_out_of_reach_is_refused_with_what_is_possible():
    with pytest.raises(ValueError, match=r"recall=0\.9 .*threshold=0\.1 .*num_perm=10.* 0\.651"):
        Bands.for_recall(0.1, 0.9, 10)


def test_identical_texts_need_one_band_only():
    assert Bands.for_recall(1.0, 0.999, 128) == Bands(1, ROWS)


@EXAMPLES
@given(BANDS, st.floats(0, 1))
def test_retrieval_probability_is_that_of_the_slow_twin(bands, jaccard):
    expected = slow_probability(jaccard, bands.bands, bands.rows)
    assert bands.retrieval_probability(jaccard) == pytest.approx(expected)


def test_retrieval_probability_takes_arrays():
    probability = Bands(3, 2).retrieval_probability([0.0, 0.5, 1.0])
    assert probability == pytest.approx([0, 1 - 0.75**3, 1])


def test_pairs_are_retrieved_as_often_as_promised():
    bands, jaccard = Bands(10, 4), 0.6
    rng = np.random.default_rng(0)
    left = rng.integers(0, 2**32, (4000, 40)).astype(np.uint32)
    right = np.where(rng.random(left.shape) < jaccard, left, rng.integers(0, 2**32, left.shape)).astype(np.uint32)
    found = len(find_candidates(np.concatenate([left, right]), bands).pairs) / len(left)
    assert found == pytest.approx(float(bands.retrieval_probability(jaccard)), abs=0.03)


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(0, SMALL_BUCKET), BANDS, st.integers(1, 6))
def test_small_buckets_give_all_their_pairs(seed, n, bands, values):
    signatures = random_signatures(seed, n, bands, values)
    assert find_candidates(signatures, bands).pairs.tolist() == slow_pairs(signatures, bands)


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(0, 30), BANDS)
def test_values_beyond_the_bands_do_not_matter(seed, n, bands):
    signatures = random_signatures(seed, n, bands, 3, extra=2)
    assert find_candidates(signatures, bands).pairs.tolist() == slow_pairs(signatures, bands)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(SMALL_BUCKET + 1, 300), BANDS, st.integers(1, 4))
def test_large_buckets_connect_the_same_rows(seed, n, bands, values):
    signatures = random_signatures(seed, n, bands, values)
    found = find_candidates(signatures, bands)
    stars = [(bucket[0], other) for bucket in found.large for other in bucket[1:].tolist()]
    pairs = np.concatenate([found.pairs, np.array(stars, dtype=np.int64).reshape(-1, 2)])
    expected = np.array(slow_pairs(signatures, bands), dtype=np.int64).reshape(-1, 2)
    assert set(map(tuple, pairs.tolist())) <= set(map(tuple, expected.tolist()))
    labels = connected_labels(pairs[:, 0], pairs[:, 1], n)
    assert labels.tolist() == connected_labels(expected[:, 0], expected[:, 1], n).tolist()


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(0, 200), BANDS, st.integers(1, 9))
def test_pairs_are_distinct_sorted_and_ascending(seed, n, bands, values):
    pairs = find_candidates(random_signatures(seed, n, bands, values), bands).pairs
    assert pairs.dtype == np.int64
    assert (pairs[:, 0] < pairs[:, 1]).all()
    pairs = [tuple(pair) for pair in pairs.tolist()]
    assert pairs == sorted(set(pairs))


def slow_buckets(signatures, bands):
    """The rows of every bucket, as sorted lists."""
    buckets = []
    for first in range(0, bands.bands * bands.rows, bands.rows):
        members = defaultdict(list)
        for i, row in enumerate(signatures[:, first : first + bands.rows].tolist()):
            members[tuple(row)].append(i)
        buckets += members.values()
    return sorted(buckets)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(0, 300), BANDS, st.integers(1, 4))
def test_large_buckets_are_those_of_the_slow_twin(seed, n, bands, values):
    signatures = random_signatures(seed, n, bands, values)
    large = sorted(bucket.tolist() for bucket in find_candidates(signatures, bands).large)
    assert large == [bucket for bucket in slow_buckets(signatures, bands) if len(bucket) > SMALL_BUCKET]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(0, 300), BANDS, st.integers(1, 4))
def test_only_small_buckets_give_pairs_and_equal_rows_those_of_their_first(seed, n, bands, values):
    signatures = random_signatures(seed, n, bands, values)
    expected = set()
    for bucket in slow_buckets(signatures, bands):
        expected.update(combinations(bucket, 2) if len(bucket) <= SMALL_BUCKET else ())
    first = {}
    for i, row in enumerate(map(tuple, signatures.tolist())):
        if first.setdefault(row, i) != i:
            expected.add((first[row], i))
    assert set(map(tuple, find_candidates(signatures, bands).pairs.tolist())) == expected


@pytest.mark.parametrize("n_jobs", [2, 4, None, -1])
def test_threads_do_not_change_the_candidates(n_jobs):
    bands = Bands(20, 2)
    signatures = random_signatures(0, 1000, bands, 4)
    one, many = find_candidates(signatures, bands, 1), find_candidates(signatures, bands, n_jobs)
    assert len(one.large) > 10
    assert one.pairs.tolist() == many.pairs.tolist()
    assert [bucket.tolist() for bucket in one.large] == [bucket.tolist() for bucket in many.large]


@pytest.mark.parametrize(("copies", "pairs", "large"), [(SMALL_BUCKET, 64 * 63 // 2, 0), (SMALL_BUCKET + 1, 64, 2)])
def test_the_largest_small_bucket_has_all_pairs_and_the_next_is_large(copies, pairs, large):
    found = find_candidates(np.zeros((copies, 2), dtype=np.uint32), Bands(2, 1))
    assert (len(found.pairs), len(found.large)) == (pairs, large)


def test_a_viral_text_costs_one_pair_a_copy():
    assert len(find_candidates(np.zeros((50_000, 1), dtype=np.uint32), Bands(1, 1)).pairs) == 49_999


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_rows_have_no_pairs(n):
    found = find_candidates(np.zeros((n, 4), dtype=np.uint32), Bands(2, 2))
    assert found.pairs.shape == (0, 2)
    assert found.large == []


def test_the_same_values_in_another_band_do_not_match():
    signatures = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3]], dtype=np.uint32)
    assert find_candidates(signatures, Bands(2, 2)).pairs.shape == (0, 2)
