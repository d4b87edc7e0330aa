import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.story.graph import (
    FLOOR,
    TIME_SCALE_DAYS,
    UNDATED_FACTOR,
    mean_similarity,
    similar_pairs,
    time_factor,
)

EXAMPLES = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32)
DAYS = st.one_of(st.just(float("nan")), st.floats(-1000, 20_000))


def random_vectors(seed, n, features=12, density=0.4):
    """Rows of unit length or less, some of them empty."""
    rng = np.random.default_rng(seed)
    dense = rng.random((n, features)) * (rng.random((n, features)) < density)
    norms = np.sqrt((dense**2).sum(axis=1, keepdims=True)) * rng.choice([1.0, 1.0, 1.5], (n, 1))
    return csr_array((dense / np.where(norms > 0, norms, 1)).astype(np.float32))


def random_days(seed, n):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.2, np.nan, 19_600 + rng.uniform(0, 10, n))


def slow_similarities(vectors, days):
    """All pairs ``i < j`` and their cosine times time factor, one by one."""
    dense = vectors.toarray().astype(np.float64)
    similarities = {}
    for i in range(len(dense)):
        for j in range(i + 1, len(dense)):
            gap = abs(days[i] - days[j])
            factor = UNDATED_FACTOR if np.isnan(gap) else np.exp(-gap / TIME_SCALE_DAYS)
            similarities[i, j] = min(float(dense[i] @ dense[j]), 1.0) * factor
    return similarities


@EXAMPLES
@given(SEEDS, st.integers(0, 30), st.sampled_from([0.1, 0.4]))
def test_similar_pairs_are_those_of_the_slow_twin(seed, n, density):
    vectors, days = random_vectors(seed, n, density=density), random_days(seed, n)
    edges = similar_pairs(vectors, days)
    found = dict(zip(zip(edges.left.tolist(), edges.right.tolist(), strict=True), edges.similarity, strict=True))
    similarities = slow_similarities(vectors, days)
    assert {pair for pair, value in similarities.items() if value >= FLOOR + 1e-6} <= found.keys()
    assert found.keys() <= {pair for pair, value in similarities.items() if value >= FLOOR - 1e-6}
    assert all(found[pair] == pytest.approx(similarities[pair], abs=1e-6) for pair in found)


def test_more_rows_than_a_block_are_compared_with_each_other():
    n = 1300
    vectors, days = random_vectors(1, n, features=400, density=0.02), random_days(1, n)
    edges = similar_pairs(vectors, days)
    dense = vectors.toarray().astype(np.float64)
    similarities = np.triu(dense @ dense.T * time_factor(days[:, None], days), 1)
    found = np.zeros((n, n))
    found[edges.left, edges.right] = edges.similarity
    clear = np.abs(similarities - FLOOR) > 1e-6
    expected = np.where(similarities >= FLOOR, similarities, 0)
    assert len(edges.similarity) > 10_000
    assert np.abs(found - expected)[clear].max() < 1e-6


@EXAMPLES
@given(SEEDS, st.integers(0, 30))
def test_edges_are_sorted_and_in_range(seed, n):
    edges = similar_pairs(random_vectors(seed, n), random_days(seed, n))
    pairs = list(zip(edges.left.tolist(), edges.right.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert all(i < j for i, j in pairs)
    assert ((edges.similarity >= FLOOR) & (edges.similarity <= 1)).all()
    assert (edges.left.dtype, edges.right.dtype, edges.similarity.dtype) == (np.int64, np.int64, np.float64)


@EXAMPLES
@given(SEEDS, st.integers(1, 30))
def test_adjacency_is_symmetric_with_an_empty_diagonal(seed, n):
    edges = similar_pairs(random_vectors(seed, n), random_days(seed, n))
    adjacency = edges.adjacency(n).toarray()
    assert adjacency.shape == (n, n)
    assert (adjacency == adjacency.T).all()
    assert not adjacency.diagonal().any()
    assert adjacency[edges.left, edges.right].tolist() == edges.similarity.tolist()
    assert np.count_nonzero(adjacency) == 2 * len(edges.similarity)


def test_no_rows_have_no_edges():
    edges = similar_pairs(csr_array((0, 5), dtype=np.float32), np.empty(0))
    assert len(edges.left) == len(edges.right) == len(edges.similarity) == 0
    assert edges.adjacency(0).shape == (0, 0)


def test_rows_without_features_have_no_edges():
    assert len(similar_pairs(csr_array((3, 0), dtype=np.float32), np.zeros(3)).similarity) == 0


def test_equal_rows_have_similarity_one_at_most():
    vectors = csr_array(np.nextafter(np.ones((2, 1), dtype=np.float32), np.float32(2)))  # rounded up
    assert similar_pairs(vectors, np.zeros(2)).similarity.tolist() == [1.0]


def test_reports_of_one_text_fade_with_time():
    vectors = csr_array(np.ones((3, 1), dtype=np.float32))
    edges = similar_pairs(vectors, np.array([0.0, TIME_SCALE_DAYS, 4 * TIME_SCALE_DAYS]))
    assert list(zip(edges.left.tolist(), edges.right.tolist(), strict=True)) == [(0, 1)]  # the others are below FLOOR
    assert edges.similarity == pytest.approx([np.exp(-1)])


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


def slow_mean_similarity(vectors, labels):
    dense = vectors.toarray().astype(np.float64)
    means = []
    for i, label in enumerate(labels):
        others = [float(dense[i] @ dense[j]) for j in range(len(labels)) if j != i and labels[j] == label]
        means.append(sum(others) / len(others) if others else 1.0)
    return means


@EXAMPLES
@given(SEEDS, st.integers(0, 40), st.integers(1, 8))
def test_mean_similarity_is_that_of_the_slow_twin(seed, n, stories):
    vectors = random_vectors(seed, n)
    labels = np.unique(np.random.default_rng(seed).integers(0, stories, n), return_inverse=True)[1]
    mean = mean_similarity(vectors, labels)
    assert mean == pytest.approx(slow_mean_similarity(vectors, labels.tolist()), abs=1e-5)
    assert ((mean >= 0) & (mean <= 1)).all()


def test_mean_similarity_of_more_rows_than_a_block_is_that_of_the_slow_twin():
    vectors, labels = random_vectors(3, 1100, features=30), np.arange(1100) % 7
    dense = vectors.toarray().astype(np.float64)
    cosine = dense @ dense.T
    same = (labels[:, None] == labels) & ~np.eye(1100, dtype=bool)
    expected = (cosine * same).sum(axis=1) / same.sum(axis=1)
    assert mean_similarity(vectors, labels) == pytest.approx(expected, abs=1e-5)


def test_a_text_alone_is_central_to_its_story():
    assert mean_similarity(random_vectors(0, 3), np.arange(3)).tolist() == [1.0, 1.0, 1.0]


def test_rows_without_features_are_similar_to_nothing():
    assert mean_similarity(csr_array((3, 0), dtype=np.float32), np.array([0, 0, 1])).tolist() == [0.0, 0.0, 1.0]
