from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.story import similarity
from dedup.story.similarity import (
    MAX_MEMORY_DAYS,
    MEMORY_DAYS,
    MEMORY_FEATURES,
    REACH_DAYS,
    UNDATED_FACTOR,
    Likeness,
    dot_products,
    effective_number,
    gather_columns,
    in_columns,
    likeness,
    membership,
    memory_days,
    similarity_matrix,
    time_factor,
)
from dedup.story.weighting import vectorize_texts

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32)
DAYS = st.one_of(st.just(float("nan")), st.floats(-1000, 20_000))
GAPS = st.one_of(st.floats(0, 2 * REACH_DAYS), st.sampled_from([0.0, 1.5, REACH_DAYS]))
SHARED = st.one_of(st.floats(0, 2000), st.sampled_from([0.0, 1.0, MEMORY_FEATURES, 270.0]))


def random_vectors(seed, n, features=12, density=0.4):
    """Rows of unit length, some of them empty."""
    rng = np.random.default_rng(seed)
    dense = rng.random((n, features)) * (rng.random((n, features)) < density) * (rng.random((n, 1)) < 0.8)
    norms = np.sqrt((dense**2).sum(axis=1, keepdims=True))
    return csr_array((dense / np.where(norms > 0, norms, 1)).astype(np.float32))


def random_pairs(seed, n, count):
    rng = np.random.default_rng(seed)
    return np.sort(rng.integers(0, n, count)), rng.integers(0, n, count)


def slow_likeness(vectors, i, j):
    """Cosine of two rows, and how many equal parts would make it as their parts do."""
    rows = vectors.toarray().astype(np.float64).tolist()
    parts = [a * b for a, b in zip(rows[i], rows[j], strict=True) if a * b > 0]
    return sum(parts), sum(parts) ** 2 / sum(part**2 for part in parts) if parts else 0.0


@EXAMPLES
@given(SEEDS, st.integers(0, 30), st.integers(1, 8))
def test_gathered_columns_are_those_of_the_features_in_another_order(seed, n, rows):
    vectors = random_vectors(seed, n)
    gathered = vectors.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "_BLOCK_ROWS", rows)
        gather_columns(gathered)
    columns = dict(zip(vectors.indices.tolist(), gathered.indices.tolist(), strict=True))
    assert [columns[feature] for feature in vectors.indices.tolist()] == gathered.indices.tolist()
    assert sorted(columns.values()) == list(range(len(columns)))
    left, right = random_pairs(seed, n, 40 if n else 0)
    before, after = likeness(vectors, left, right), likeness(gathered, left, right)
    assert [column.tolist() for column in before] == [column.tolist() for column in after]


@EXAMPLES
@given(SEEDS, st.integers(0, 9))
def test_features_without_a_column_are_left_out(seed, n):
    rows, columns = random_vectors(seed, n), np.array([2, -1, 0, 1, -1, 3, -1, -1, 4, 5, -1, 6], dtype=np.int32)
    expected = rows.toarray()[:, np.argsort(columns)[-7:]]
    assert in_columns(rows, columns, 7).toarray().tolist() == expected.tolist()


def one_factor(day, other, *memory):
    return float(time_factor(np.array([day]), np.array([other]), *memory)[0])


def slow_factor(day, other, memory):
    gap = abs(day - other)
    return 0.7 if np.isnan(gap) else 0.0 if gap > 14 else np.exp(-gap / memory)


# Cosines and evidence


@EXAMPLES
@given(SEEDS, st.integers(1, 20), st.integers(0, 60), st.sampled_from([1, 2, 7, 50, 1 << 18]))
def test_likeness_is_that_of_the_slow_twin(seed, n, count, block_entries):
    vectors, (left, right) = random_vectors(seed, n), random_pairs(seed, n, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "_BLOCK_ENTRIES", block_entries)
        found = likeness(vectors, left, right)
    expected = [slow_likeness(vectors, i, j) for i, j in zip(left.tolist(), right.tolist(), strict=True)]
    assert found.cosines.dtype == found.shared.dtype == np.float64
    assert found.cosines == pytest.approx([cosine for cosine, _ in expected], abs=1e-6)
    assert found.shared == pytest.approx([shared for _, shared in expected], rel=1e-5)


@EXAMPLES
@given(SEEDS, st.integers(1, 20), st.integers(0, 60))
def test_dot_products_and_squares_of_any_rows_are_those_of_the_dense_rows(seed, n, count):
    vectors, (left, right) = random_vectors(seed, n) * 3.0, random_pairs(seed, n, count)
    dense = vectors.toarray().astype(np.float64)
    dots, squares = dot_products(vectors, left, right)
    assert dots == pytest.approx((dense[left] * dense[right]).sum(axis=1), rel=1e-5, abs=1e-6)
    assert squares == pytest.approx(((dense[left] * dense[right]) ** 2).sum(axis=1), rel=1e-5, abs=1e-6)


@EXAMPLES
@given(SEEDS, SEEDS, st.integers(1, 20), st.integers(0, 60))
def test_pairs_are_as_alike_in_any_order(seed, order_seed, n, count):
    vectors, (left, right) = random_vectors(seed, n), random_pairs(seed, n, count)
    order = np.random.default_rng(order_seed).permutation(count)
    order = order[np.argsort(left[order], kind="stable")]  # the left rows must ascend
    found, shuffled = (likeness(vectors, left[each], right[each]) for each in (np.arange(count), order))
    assert shuffled.cosines.tolist() == found.cosines[order].tolist()
    assert shuffled.shared.tolist() == found.shared[order].tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 20), st.integers(0, 60))
def test_likeness_is_the_same_from_either_side(seed, n, count):
    vectors, (left, right) = random_vectors(seed, n), random_pairs(seed, n, count)
    found, order = likeness(vectors, left, right), np.argsort(right, kind="stable")
    turned = likeness(vectors, right[order], left[order])
    assert turned.cosines == pytest.approx(found.cosines[order], abs=1e-6)
    assert turned.shared == pytest.approx(found.shared[order], rel=1e-5)


@EXAMPLES
@given(SEEDS, st.integers(1, 20), st.integers(0, 60))
def test_a_cosine_rests_on_no_more_features_than_both_have_and_on_one_at_least(seed, n, count):
    vectors, (left, right) = random_vectors(seed, n), random_pairs(seed, n, count)
    found, has = likeness(vectors, left, right), vectors.toarray() > 0
    both = (has[left] & has[right]).sum(axis=1)
    assert (found.shared <= both + 1e-4).all()
    assert (found.shared[both > 0] >= 1 - 1e-4).all()
    assert ((found.cosines >= 0) & (found.cosines <= 1)).all()


def test_equal_parts_count_whole_and_a_small_one_beside_a_great_one_hardly():
    equal = csr_array(np.full((2, 4), 0.5, dtype=np.float32))
    assert likeness(equal, np.array([0]), np.array([1])).shared.tolist() == [4.0]
    uneven = csr_array(np.array([[0.999, 0.045], [0.999, 0.045]], dtype=np.float32))
    assert 1 < likeness(uneven, np.array([0]), np.array([1])).shared[0] < 1.01


def test_the_effective_number_is_the_sum_squared_by_the_sum_of_squares():
    assert effective_number(np.array([6.0, 4.0, 0.0]), np.array([12.0, 16.0, 0.0])).tolist() == [3.0, 1.0, 0.0]


def test_more_entries_than_a_block_are_compared():
    n = 300
    vectors = random_vectors(1, n, features=40)
    left, right = np.triu_indices(n, 1)
    assert vectors.nnz * n / 2 > 2 * similarity._BLOCK_ENTRIES
    dense = vectors.toarray().astype(np.float64)
    assert likeness(vectors, left, right).cosines == pytest.approx((dense @ dense.T)[left, right], abs=1e-6)


def test_rounding_makes_no_cosine_greater_than_1():
    vectors = csr_array(np.nextafter(np.ones((2, 1), dtype=np.float32), np.float32(2)))
    assert likeness(vectors, np.array([0]), np.array([1])).cosines.tolist() == [1.0]


def test_likeness_leaves_the_vectors_as_they_were():
    vectors = random_vectors(2, 10)
    before = vectors.toarray()
    likeness(vectors, *random_pairs(2, 10, 30))
    assert (vectors.toarray() == before).all()


def test_no_pairs_are_not_alike():
    none = np.empty(0, dtype=np.int64)
    assert [column.tolist() for column in likeness(random_vectors(0, 3), none, none)] == [[], []]


@pytest.mark.parametrize("features", [0, 4])
def test_rows_without_features_are_similar_to_nothing(features):
    empty = csr_array((3, features), dtype=np.float32)
    found = likeness(empty, np.array([0, 0, 1]), np.array([1, 2, 2]))
    assert found.cosines.tolist() == found.shared.tolist() == [0, 0, 0]


# Memory and time


@EXAMPLES
@given(SHARED)
def test_memory_is_as_documented_and_never_less_than_the_least_or_more_than_the_longest(shared):
    found = float(memory_days(np.array([shared]))[0])
    assert found == pytest.approx(min(1.5 + 1.5 * shared / 30, 15.0))
    assert MEMORY_DAYS <= found <= MAX_MEMORY_DAYS


@EXAMPLES
@given(DAYS, DAYS, SHARED)
def test_time_factor_is_that_of_the_slow_twin_and_the_same_from_either_side(day, other, shared):
    memory = memory_days(np.array([shared]))
    there = one_factor(day, other, memory)
    assert there == one_factor(other, day, memory)
    assert there == pytest.approx(slow_factor(day, other, float(memory[0])))
    assert 0 <= there <= 1


@EXAMPLES
@given(DAYS, DAYS, SHARED)
def test_no_time_factor_is_above_that_of_the_longest_memory(day, other, shared):
    assert one_factor(day, other, memory_days(np.array([shared]))) <= one_factor(day, other)
    assert one_factor(day, other) == one_factor(day, other, MAX_MEMORY_DAYS)


@EXAMPLES
@given(st.lists(GAPS, min_size=2), SHARED)
def test_time_factor_falls_with_the_gap(gaps, shared):
    gaps = np.array(sorted(gaps))
    factors = time_factor(np.zeros(len(gaps)), gaps, memory_days(np.full(len(gaps), shared)))
    for (gap, factor), (later, lower) in pairwise(zip(gaps.tolist(), factors.tolist(), strict=True)):
        assert lower < factor or later - gap < 1e-9 or gap > REACH_DAYS
        assert lower <= factor


@EXAMPLES
@given(GAPS, SHARED, SHARED)
def test_what_rests_on_more_features_fades_no_faster(gap, fewer, more):
    fewer, more = sorted([fewer, more])
    assert one_factor(0.0, gap, memory_days(np.array([fewer]))) <= one_factor(0.0, gap, memory_days(np.array([more])))


def test_beyond_reach_nothing_is_similar():
    assert one_factor(0.0, REACH_DAYS) == pytest.approx(np.exp(-14 / 15))
    assert one_factor(0.0, np.nextafter(REACH_DAYS, 99)) == 0
    assert one_factor(np.nextafter(REACH_DAYS, 99), 0.0) == 0


@EXAMPLES
@given(DAYS, SHARED)
def test_publication_on_one_day_takes_nothing_off(day, shared):
    expected = UNDATED_FACTOR if np.isnan(day) else 1.0
    assert one_factor(day, day, memory_days(np.array([shared]))) == expected


@EXAMPLES
@given(st.floats(0, 1), SHARED, DAYS, DAYS)
def test_similarity_is_the_cosine_times_the_factor_by_its_own_evidence(cosine, shared, day, other):
    found = Likeness(np.array([cosine]), np.array([shared])).similarity(np.array([day]), np.array([other]))
    assert found[0] == pytest.approx(cosine * slow_factor(day, other, min(1.5 + shared / 20, 15)))


# Stories


def test_membership_is_a_mean_and_full_for_one_alone():
    assert membership(np.array([0.0, 0.6, 0.5]), np.array([0, 1, 5])).tolist() == [1.0, 0.6, 0.1]


WORDS = st.lists(st.sampled_from(["Kim", "Putin", "train", "Путин", "rates", "金正恩", "the"]), max_size=8)


@EXAMPLES
@given(st.lists(st.tuples(WORDS, st.one_of(st.just(float("nan")), st.floats(0, 20))), min_size=1, max_size=6))
def test_a_matrix_has_the_similarity_of_every_pair(rows):
    texts, days = [" ".join(words) for words, _ in rows], np.array([day for _, day in rows])
    vocabulary = vectorize_texts([*texts, "Kim and Putin met", "The train of Kim"])[1]
    vectors = vectorize_texts(texts, vocabulary)[0]
    left, right = (side.ravel() for side in np.indices((len(rows), len(rows))))
    expected = likeness(vectors, left, right).similarity(days[left], days[right])
    found = similarity_matrix(texts, days, vocabulary)
    assert found.diagonal().tolist() == [1.0] * len(rows)
    apart = left != right
    assert found.ravel()[apart] == pytest.approx(expected[apart], abs=1e-5)
