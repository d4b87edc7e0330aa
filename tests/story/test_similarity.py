import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.story import similarity
from dedup.story.similarity import TIME_SCALE_DAYS, UNDATED_FACTOR, cosines, time_factor

EXAMPLES = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32)
DAYS = st.one_of(st.just(float("nan")), st.floats(-1000, 20_000))


def random_vectors(seed, n, features=12, density=0.4):
    """Rows of unit length, some of them empty."""
    rng = np.random.default_rng(seed)
    dense = rng.random((n, features)) * (rng.random((n, features)) < density) * (rng.random((n, 1)) < 0.8)
    norms = np.sqrt((dense**2).sum(axis=1, keepdims=True))
    return csr_array((dense / np.where(norms > 0, norms, 1)).astype(np.float32))


def random_pairs(seed, n, count):
    rng = np.random.default_rng(seed)
    return np.sort(rng.integers(0, n, count)), rng.integers(0, n, count)


@EXAMPLES
@given(SEEDS, st.integers(1, 20), st.integers(0, 60), st.sampled_from([1, 2, 7, 50, 1 << 18]))
def test_cosines_are_those_of_the_dense_rows(seed, n, count, block_entries):
    vectors, (left, right) = random_vectors(seed, n), random_pairs(seed, n, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "_BLOCK_ENTRIES", block_entries)
        found = cosines(vectors, left, right)
    dense = vectors.toarray().astype(np.float64)
    assert found.dtype == np.float64
    assert found == pytest.approx((dense[left] * dense[right]).sum(axis=1), abs=1e-6)


def test_more_entries_than_a_block_are_compared():
    n = 300
    vectors = random_vectors(1, n, features=40)
    left, right = np.triu_indices(n, 1)
    assert vectors.nnz * n / 2 > 2 * similarity._BLOCK_ENTRIES
    dense = vectors.toarray().astype(np.float64)
    assert cosines(vectors, left, right) == pytest.approx((dense @ dense.T)[left, right], abs=1e-6)


def test_cosines_leave_the_vectors_as_they_were():
    vectors = random_vectors(2, 10)
    before = vectors.toarray()
    cosines(vectors, *random_pairs(2, 10, 30))
    assert (vectors.toarray() == before).all()


def test_no_pairs_have_no_cosines():
    none = np.empty(0, dtype=np.int64)
    assert cosines(random_vectors(0, 3), none, none).tolist() == []


@pytest.mark.parametrize("features", [0, 4])
def test_rows_without_features_are_similar_to_nothing(features):
    empty = csr_array((3, features), dtype=np.float32)
    assert cosines(empty, np.array([0, 0, 1]), np.array([1, 2, 2])).tolist() == [0, 0, 0]


@EXAMPLES
@given(DAYS, DAYS)
def test_time_factor_is_symmetric_and_between_0_and_1(day, other):
    there, back = (float(time_factor(np.array([a]), np.array([b]))[0]) for a, b in ((day, other), (other, day)))
    assert there == back
    assert 0 <= there <= 1
    expected = UNDATED_FACTOR if np.isnan(day - other) else np.exp(-abs(day - other) / TIME_SCALE_DAYS)
    assert there == pytest.approx(expected)


@EXAMPLES
@given(DAYS)
def test_publication_on_one_day_takes_nothing_off(day):
    expected = UNDATED_FACTOR if np.isnan(day) else 1.0
    assert time_factor(np.array([day]), np.array([day])).tolist() == [expected]
