from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.story import candidates
from dedup.story.candidates import FLOOR, REACH_DAYS, similar_pairs
from dedup.story.similarity import MAX_MEMORY_DAYS, UNDATED_FACTOR, memory_days, time_factor

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32)
SIZES = st.sampled_from(
    [
        {},
        {"_MIN_CHUNK_ROWS": 1, "_CHUNK_DAYS": 0.5, "_BLOCK_ROWS": 1},
        {"_MIN_CHUNK_ROWS": 4, "_CHUNK_DAYS": 2.0, "_BLOCK_ROWS": 3},
    ]
)
EVERY_PAIR = {"MAX_POSTINGS": 60_000, "CANDIDATE_FLOOR": 1e-9}


def random_vectors(seed, n, features=12, density=0.4):
    """Rows of unit length or less, some of them empty."""
    rng = np.random.default_rng(seed)
    dense = rng.random((n, features)) * (rng.random((n, features)) < density)
    norms = np.sqrt((dense**2).sum(axis=1, keepdims=True)) * rng.choice([1.0, 1.0, 1.5], (n, 1))
    return csr_array((dense / np.where(norms > 0, norms, 1)).astype(np.float32))


def random_days(seed, n, undated=0.2, span=10.0):
    """Days as they come: ascending, unknown ones last."""
    rng = np.random.default_rng(seed)
    return np.sort(np.where(rng.random(n) < undated, np.nan, 19_600 + rng.uniform(0, span, n)))


@contextmanager
def constants(**values):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(candidates, name, value)
        yield


def facts(edges):
    return edges.left.tolist(), edges.right.tolist(), edges.similarity.tolist()


def by_pair(edges):
    return dict(zip(zip(edges.left.tolist(), edges.right.tolist(), strict=True), edges.similarity, strict=True))


def slow_factor(day, other, memory=MAX_MEMORY_DAYS):
    gap = abs(day - other)
    return UNDATED_FACTOR if np.isnan(gap) else 0.0 if gap > REACH_DAYS else np.exp(-gap / memory)


def slow_similarity(row, other, day, other_day):
    """Cosine times a factor that falls the more slowly, the more features the cosine rests on."""
    parts = row * other
    shared = parts.sum() ** 2 / (parts**2).sum() if parts.any() else 0.0
    return min(float(parts.sum()), 1.0) * slow_factor(day, other_day, min(1.5 + shared / 20, 15))


def slow_rarest(features, frequencies):
    """The features of one row that are followed: the rarest, while their postings are not too many together."""
    kept, postings = [], 0
    for feature in sorted(features, key=lambda feature: (frequencies[feature], feature)):
        postings += frequencies[feature]
        if postings > candidates.MAX_POSTINGS:
            break
        kept.append(feature)
    return kept


def slow_similarities(vectors, days):
    """All pairs ``i < j`` with their similarity, and the part that the rarest features of `i` have in it."""
    dense = vectors.toarray().astype(np.float64)
    similarities, chunks = {}, list(candidates.chunks_of_days(days))
    for chunk in chunks:
        # Whole chunks are met: none that begins too late, and the undated one by all.
        later = [other for other in chunks if other.start >= chunk.start]
        near = [other for other in later if not days[other.start] > days[chunk.stop - 1] + REACH_DAYS]
        reached = [j for other in near for j in range(other.start, other.stop)]
        frequencies = np.count_nonzero(dense[reached], axis=0)
        for i in range(chunk.start, chunk.stop):
            kept = slow_rarest(np.flatnonzero(dense[i]).tolist(), frequencies)
            for j in range(i + 1, len(days)):
                # Candidates have the longest memory, whatever they share.
                part = float(dense[i, kept] @ dense[j, kept]) * slow_factor(days[i], days[j])
                part = part if j in reached else 0.0
                similarities[i, j] = slow_similarity(dense[i], dense[j], days[i], days[j]), part
    return similarities


def assert_edges_are_those_of_the_slow_twin(vectors, days):
    found, similarities = by_pair(similar_pairs(vectors, days)), slow_similarities(vectors, days)
    surely, perhaps = (
        {
            pair
            for pair, (whole, part) in similarities.items()
            if whole >= FLOOR + margin and part >= candidates.CANDIDATE_FLOOR + margin
        }
        for margin in (1e-6, -1e-6)
    )
    assert surely <= found.keys() <= perhaps
    assert all(found[pair] == pytest.approx(similarities[pair][0], abs=1e-6) for pair in found)


# Which pairs


@EXAMPLES
@given(SEEDS, st.integers(0, 30), st.sampled_from([0.1, 0.4]), st.sampled_from([0, 5, 20, 60, 3000]), SIZES)
def test_similar_pairs_are_those_of_the_slow_twin(seed, n, density, postings, sizes):
    vectors, days = random_vectors(seed, n, density=density), random_days(seed, n, span=10.0 + seed % 2 * 20)
    with constants(MAX_POSTINGS=postings, **sizes):
        assert_edges_are_those_of_the_slow_twin(vectors, days)


@EXAMPLES
@given(SEEDS, st.integers(0, 20), st.sampled_from([0.01, 0.1, 0.4]), SIZES)
def test_the_candidate_floor_is_that_of_the_slow_twin(seed, n, floor, sizes):
    with constants(MAX_POSTINGS=25, CANDIDATE_FLOOR=floor, **sizes):
        assert_edges_are_those_of_the_slow_twin(random_vectors(seed, n), random_days(seed, n))


@EXAMPLES
@given(SEEDS, st.integers(0, 30), st.sampled_from([0.1, 0.4]), st.sampled_from([0.0, 0.2, 1.0]), SIZES)
def test_with_all_postings_every_pair_at_the_floor_is_found(seed, n, density, undated, sizes):
    vectors, days = random_vectors(seed, n, density=density), random_days(seed, n, undated, span=25.0)
    with constants(**EVERY_PAIR, **sizes):
        found = by_pair(similar_pairs(vectors, days))
    dense = vectors.toarray().astype(np.float64)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    expected = {(i, j): slow_similarity(dense[i], dense[j], days[i], days[j]) for i, j in pairs}
    assert {pair for pair, value in expected.items() if value >= FLOOR + 1e-6} <= found.keys()
    assert found.keys() <= {pair for pair, value in expected.items() if value >= FLOOR - 1e-6}
    assert all(found[pair] == pytest.approx(expected[pair], abs=1e-6) for pair in found)


def test_more_rows_than_a_block_are_compared_with_each_other():
    n = 1300
    vectors, days = random_vectors(1, n, features=400, density=0.02), random_days(1, n)
    edges = similar_pairs(vectors, days)
    dense = vectors.toarray().astype(np.float64)
    cosines = dense @ dense.T
    memory = memory_days(cosines**2 / np.maximum(dense**2 @ (dense**2).T, 1e-12))
    similarities = np.triu(cosines * time_factor(days[:, None], days, memory), 1)
    found = np.zeros((n, n))
    found[edges.left, edges.right] = edges.similarity
    clear = np.abs(similarities - FLOOR) > 1e-6
    expected = np.where(similarities >= FLOOR, similarities, 0)
    assert len(edges.similarity) > 10_000
    assert np.abs(found - expected)[clear].max() < 1e-6  # of rows this short no feature is left out


def test_pairs_that_share_only_a_frequent_feature_are_not_looked_at():
    vectors = csr_array(np.ones((6, 1), dtype=np.float32))
    with constants(MAX_POSTINGS=6):
        assert len(similar_pairs(vectors, np.zeros(6)).similarity) == 15
    with constants(MAX_POSTINGS=5):
        assert len(similar_pairs(vectors, np.zeros(6)).similarity) == 0


# The same, however the work is cut up


@EXAMPLES
@given(SEEDS, st.integers(0, 40), st.sampled_from([5, 60, 3000]), SIZES)
def test_threads_do_not_change_the_pairs(seed, n, postings, sizes):
    vectors, days = random_vectors(seed, n), random_days(seed, n)
    with constants(MAX_POSTINGS=postings, **sizes):
        assert facts(similar_pairs(vectors, days, 3)) == facts(similar_pairs(vectors, days, 1))


@EXAMPLES
@given(SEEDS, st.integers(0, 40), SIZES)
def test_chunks_do_not_change_the_pairs_when_all_postings_are_followed(seed, n, sizes):
    vectors, days = random_vectors(seed, n), random_days(seed, n)
    with constants(**EVERY_PAIR):
        whole = similar_pairs(vectors, days, 1)
    with constants(**EVERY_PAIR, **sizes):
        assert facts(similar_pairs(vectors, days, 3)) == facts(whole)


@EXAMPLES
@given(SEEDS, st.integers(0, 40), st.sampled_from([1, 5]))
def test_rows_at_once_do_not_change_the_pairs(seed, n, rows):
    vectors, days = random_vectors(seed, n), random_days(seed, n)
    with constants(MAX_POSTINGS=20):
        whole = similar_pairs(vectors, days)
    with constants(MAX_POSTINGS=20, _BLOCK_ROWS=rows):
        assert facts(similar_pairs(vectors, days)) == facts(whole)


@EXAMPLES
@given(SEEDS, st.integers(0, 40), st.integers(1, 10), st.floats(0.1, 5))
def test_chunks_cover_the_rows_in_order_and_hold_a_few_days_or_rows(seed, n, least, span):
    days = random_days(seed, n)
    with constants(_MIN_CHUNK_ROWS=least, _CHUNK_DAYS=span):
        chunks = [range(n)[chunk] for chunk in candidates.chunks_of_days(days)]
    assert [i for chunk in chunks for i in chunk] == list(range(n))
    dated = [chunk for chunk in chunks if not np.isnan(days[chunk.start])]
    assert len(chunks) - len(dated) == bool(np.isnan(days).any())
    for chunk in dated:
        assert not np.isnan(days[chunk.stop - 1])
        assert len(chunk) <= least or days[chunk.stop - 1] < days[chunk.start] + span
    for chunk, later in pairwise(dated):
        assert len(chunk) >= least
        assert days[later.start] >= days[chunk.start] + span


# Undated and far apart


def test_undated_rows_meet_each_other_and_all_dated_ones():
    vectors = csr_array(np.ones((5, 1), dtype=np.float32))
    days = np.array([0.0, 1000.0, 2000.0, np.nan, np.nan])
    expected = dict.fromkeys([(0, 3), (0, 4), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)], UNDATED_FACTOR)
    for sizes in ({}, {"_MIN_CHUNK_ROWS": 1}):
        with constants(**sizes):
            assert by_pair(similar_pairs(vectors, days)) == pytest.approx(expected)


def test_rows_that_are_all_undated_meet_each_other():
    vectors = csr_array(np.ones((4, 1), dtype=np.float32))
    assert similar_pairs(vectors, np.full(4, np.nan)).similarity == pytest.approx([UNDATED_FACTOR] * 6)


@pytest.mark.parametrize("least", [1, 2048])
def test_rows_further_apart_than_reach_are_not_similar_whatever_they_share(least):
    vectors = csr_array(np.full((2, 400), 0.05, dtype=np.float32))  # remembered for longest
    with constants(_MIN_CHUNK_ROWS=least):
        assert len(similar_pairs(vectors, np.array([0.0, REACH_DAYS - 1e-6])).similarity) == 1
        assert len(similar_pairs(vectors, np.array([0.0, REACH_DAYS + 1e-6])).similarity) == 0


def test_reports_of_one_text_fade_with_time():
    vectors = csr_array(np.ones((3, 1), dtype=np.float32))
    memory = float(memory_days(np.ones(1))[0])
    edges = similar_pairs(vectors, np.array([0.0, memory, 4 * memory]))
    assert list(zip(edges.left.tolist(), edges.right.tolist(), strict=True)) == [(0, 1)]  # the others are below FLOOR
    assert edges.similarity == pytest.approx([np.exp(-1)])


def test_what_rests_on_many_features_is_found_when_one_feature_has_faded():
    days = np.array([0.0, 10.0])
    assert len(similar_pairs(csr_array(np.ones((2, 1), dtype=np.float32)), days).similarity) == 0
    many = csr_array(np.full((2, 400), 0.05, dtype=np.float32))
    assert similar_pairs(many, days).similarity == pytest.approx([np.exp(-10 / 15)])


# The rarest features


@EXAMPLES
@given(SEEDS, st.integers(0, 20), st.integers(0, 60), st.integers(1, 40))
def test_the_rarest_features_are_those_of_the_slow_twin(seed, n, postings, most):
    vectors = random_vectors(seed, n)
    frequencies = np.random.default_rng(seed).integers(1, most + 1, vectors.shape[1])
    with constants(MAX_POSTINGS=postings):
        rarest = candidates.rarest(vectors, frequencies)
        expected = np.zeros(vectors.shape, dtype=np.float32)
        for i, row in enumerate(vectors.toarray()):
            kept = slow_rarest(np.flatnonzero(row).tolist(), frequencies)
            expected[i, kept] = row[kept]
    assert rarest.shape == vectors.shape
    assert rarest.toarray().tolist() == expected.tolist()
    assert rarest.nnz == np.count_nonzero(expected)


@EXAMPLES
@given(SEEDS, st.integers(0, 20), st.sampled_from([0, 1, 100, 3000, 60_000]))
def test_no_row_follows_more_postings_than_allowed(seed, n, postings):
    vectors = random_vectors(seed, n, features=40)
    frequencies = np.random.default_rng(seed).choice([1, 10, 1000, 2999, 3000, 3001, 70_000, 10**7], vectors.shape[1])
    with constants(MAX_POSTINGS=postings):
        rarest = candidates.rarest(vectors, frequencies)
    followed = np.add.reduceat([*frequencies[rarest.indices], 0], rarest.indptr[:-1]) if n else np.empty(0)
    assert (followed[np.diff(rarest.indptr) > 0] <= postings).all()


def test_features_as_frequent_as_allowed_are_followed():
    vectors = csr_array(np.ones((1, 3), dtype=np.float32))
    frequencies = np.array([candidates.MAX_POSTINGS - 1, candidates.MAX_POSTINGS, 1])
    assert candidates.rarest(vectors, frequencies).indices.tolist() == [0, 2]
    assert candidates.rarest(vectors[:, [1]], frequencies[[1]]).indices.tolist() == [0]


def test_the_postings_fit_their_bits():
    assert candidates.MAX_POSTINGS + 1 < 1 << candidates._POSTINGS_BITS
    assert candidates._BLOCK_ROWS <= 1 << (64 - candidates._POSTINGS_BITS - candidates._PLACE_BITS)


# Edges


@EXAMPLES
@given(SEEDS, st.integers(0, 30), SIZES)
def test_edges_are_sorted_and_in_range(seed, n, sizes):
    with constants(**sizes):
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
