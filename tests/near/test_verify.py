import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.arrays import connected_labels
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import SMALL_BUCKET
from dedup.near.pipeline import find_near_duplicates
from dedup.near.verify import Verifier
from dedup.parameters import NearSettings
from dedup.text.tokens import mix

BOTH_PATHS = pytest.mark.usefixtures("both_paths")  # what the kernel counts; the other tests take the one there is

EXAMPLES = settings(deadline=None, max_examples=80)
TEXTS = st.lists(st.lists(st.integers(0, 9), max_size=25), min_size=1, max_size=8)
NUMBERS = st.lists(st.sets(st.integers(0, 3)), min_size=8, max_size=8)


def sets_of(texts, n_jobs=1):
    shingles = mix(np.array([value for text in texts for value in text], dtype=np.uint64))
    return ShingleSets(shingles, np.cumsum([0, *map(len, texts)]), n_jobs)


def all_pairs(n):
    return np.array([(i, j) for i in range(n) for j in range(n) if i != j], dtype=np.int64).reshape(-1, 2)


def slow_jaccard(left, right):
    left, right = set(left), set(right)
    return len(left & right) / len(left | right) if left | right else 1.0


def slow_containment(left, right):
    left, right = set(left), set(right)
    if not left or not right:
        return float(left == right)
    return len(left & right) / min(len(left), len(right))


@given(TEXTS, st.data())
def test_sets_of_some_texts_are_theirs(texts, data):
    places = st.integers(0, len(texts) - 1)
    chosen = data.draw(st.lists(places) | st.sets(places).map(sorted))
    found, expected = sets_of(texts).of(np.array(chosen, dtype=np.int64)), sets_of([texts[i] for i in chosen])
    assert found.shingles.tolist() == expected.shingles.tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()


def assert_overlaps_are_those_of_python_sets(texts, n_jobs=1):
    pairs = all_pairs(len(texts))
    jaccard, containment = sets_of(texts, n_jobs).overlaps(pairs)
    assert jaccard.tolist() == [slow_jaccard(texts[i], texts[j]) for i, j in pairs.tolist()]
    assert containment.tolist() == [slow_containment(texts[i], texts[j]) for i, j in pairs.tolist()]


@BOTH_PATHS
@EXAMPLES
@given(TEXTS)
def test_jaccard_and_containment_are_those_of_python_sets(texts):
    assert_overlaps_are_those_of_python_sets(texts)


@BOTH_PATHS
@pytest.mark.parametrize("n_jobs", [1, 4])
def test_long_and_short_texts_have_the_overlaps_of_python_sets(n_jobs):
    rng = np.random.default_rng(0)
    sizes = [0, 1, 2, 5, 300, 301, 5000, 40_000, 70_000]
    assert_overlaps_are_those_of_python_sets([rng.integers(0, 2 * s + 1, s).tolist() for s in sizes], n_jobs)


@BOTH_PATHS
def test_many_pairs_have_the_overlaps_of_python_sets():
    rng = np.random.default_rng(1)
    texts = [rng.integers(0, 40, size).tolist() for size in rng.integers(0, 60, 120)]  # many blocks of pairs
    assert_overlaps_are_those_of_python_sets(texts, 2)


@BOTH_PATHS
@EXAMPLES
@given(TEXTS)
def test_sizes_count_distinct_shingles(texts):
    filled = np.flatnonzero([bool(text) for text in texts])
    assert sets_of(texts).sizes(filled).tolist() == [len(set(texts[i])) for i in filled.tolist()]


@BOTH_PATHS
@EXAMPLES
@given(TEXTS)
def test_shared_counts_what_two_sets_have_in_common(texts):
    texts = [text for text in texts if text]
    pairs = all_pairs(len(texts))
    expected = [len(set(texts[i]) & set(texts[j])) for i, j in pairs.tolist()]
    assert sets_of(texts).shared(pairs).tolist() == expected


@BOTH_PATHS
def test_a_pair_given_twice_is_answered_twice():
    jaccard, containment = sets_of([[1, 2, 3], [2, 3, 4, 5]]).overlaps(np.array([[0, 1], [0, 1]]))
    assert jaccard.tolist() == [0.4, 0.4]
    assert containment.tolist() == [2 / 3, 2 / 3]


@BOTH_PATHS
def test_a_text_is_like_itself():
    jaccard, containment = sets_of([[1, 2, 2]]).overlaps(np.array([[0, 0]]))
    assert (jaccard.tolist(), containment.tolist()) == ([1.0], [1.0])


@BOTH_PATHS
def test_the_ends_of_the_range_of_hashes_are_no_exception():
    shingles = np.array([0, 2**64 - 2, 2**64 - 2, 2**63, 0], dtype=np.uint64)
    jaccard, _ = ShingleSets(shingles, np.array([0, 2, 5])).overlaps(np.array([[0, 1]]))
    assert jaccard.tolist() == [2 / 3]


@BOTH_PATHS
@EXAMPLES
@given(TEXTS, st.data())
def test_some_sets_alone_are_what_they_were(texts, data):
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=8))
    some = sets_of(texts).of(np.array(chosen, dtype=np.int64))
    expected = sets_of([texts[i] for i in chosen])
    assert some.offsets.tolist() == expected.offsets.tolist()
    assert some.shingles.tolist() == expected.shingles.tolist()


@BOTH_PATHS
def test_the_lowest_bit_of_a_hash_does_not_count():
    sets = ShingleSets(np.array([8, 9, 10, 11, 10, 8], dtype=np.uint64), np.array([0, 3, 6]), 1)
    assert sets.sizes(np.array([0, 1])).tolist() == [2, 2]
    assert sets.shared(np.array([[0, 1], [1, 0], [1, 1]])).tolist() == [2, 2, 2]


@BOTH_PATHS
@pytest.mark.parametrize("texts", [[[], [1]], [[1], []]])
def test_an_empty_set_is_like_no_other(texts):
    jaccard, containment = sets_of(texts).overlaps(np.array([[0, 1]]))
    assert (jaccard.tolist(), containment.tolist()) == ([0.0], [0.0])


@BOTH_PATHS
def test_two_empty_sets_are_alike():
    jaccard, containment = sets_of([[], []]).overlaps(np.array([[0, 1]]))
    assert (jaccard.tolist(), containment.tolist()) == ([1.0], [1.0])


def test_no_pairs_have_no_overlaps():
    jaccard, containment = sets_of([[1], [2]]).overlaps(np.empty((0, 2), dtype=np.int64))
    assert (jaccard.tolist(), containment.tolist()) == ([], [])


def test_shingles_are_left_as_they_were():
    sets = sets_of([[1, 2, 3], [2, 3, 4, 4]])
    before = sets.shingles.copy()
    sets.overlaps(np.array([[0, 1]]))
    assert (sets.shingles == before).all()


@EXAMPLES
@given(TEXTS, st.sampled_from([0.2, 0.5, 1.0]), st.sampled_from([None, 0.5, 0.9]))
def test_pairs_that_reach_either_threshold_are_kept(texts, threshold, containment):
    pairs = all_pairs(len(texts))
    expected = []
    for i, j in pairs.tolist():
        alike, contained = slow_jaccard(texts[i], texts[j]), slow_containment(texts[i], texts[j])
        if alike >= threshold or (containment is not None and contained >= containment):
            expected.append(((i, j), alike, contained))
    verified = Verifier(sets_of(texts), None, threshold, containment).check(pairs)
    kept = map(tuple, verified.pairs.tolist())
    assert list(zip(kept, verified.jaccard.tolist(), verified.containment.tolist(), strict=True)) == expected


@EXAMPLES
@given(TEXTS, NUMBERS, st.sampled_from([0.2, 0.5, 1.0]))
def test_numbers_must_reach_the_threshold_too(texts, numbers, threshold):
    pairs = all_pairs(len(texts))
    numbers = [sorted(found) for found in numbers[: len(texts)]]
    expected = [
        [i, j]
        for i, j in pairs.tolist()
        if min(slow_jaccard(texts[i], texts[j]), slow_jaccard(numbers[i], numbers[j])) >= threshold
    ]
    verified = Verifier(sets_of(texts), as_figures(sets_of(numbers)), threshold, None).check(pairs)
    assert verified.pairs.tolist() == expected


def as_figures(sets):
    return ShingleSets(sets.shingles & np.uint64((1 << 63) - 1), sets.offsets, 1)


def test_many_equal_words_with_digits_do_not_hide_figures_that_differ():
    texts = ["A11 " * 2 + " ".join(f"w{i}" for i in range(50)) + f" Lyon {day} degrees" for day in (3, 4, 3)]
    found = find_near_duplicates(texts, NearSettings(compare_numbers=True), 1)
    assert found.groups == [[0, 2]]


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(20, 200))
def test_a_large_bucket_of_copies_of_several_texts_falls_into_one_group_each(seed, originals, n):
    rng = np.random.default_rng(seed)
    which = rng.integers(0, originals, n)
    which[:originals] = np.arange(originals)
    verifier = Verifier(sets_of([[100 * w, 100 * w + 1] for w in which.tolist()]), None, 0.7, None)
    verified, given_up = verifier.verify(np.empty((0, 2), dtype=np.int64), [np.arange(n)])
    labels = connected_labels(*verified.pairs.T, n)
    assert (labels[:, None] == labels).tolist() == (which[:, None] == which).tolist()
    assert given_up == 0
    assert all(which[i] == which[j] for i, j in verified.pairs.tolist())
    assert verified.jaccard.tolist() == [1.0] * len(verified.pairs)


def test_pairs_within_a_crowd_are_left_out_and_pairs_with_it_are_not():
    n = 2 * SMALL_BUCKET
    verifier = Verifier(sets_of([[1, 2, 3]] * n + [[1, 2, 3, 4]]), None, 0.7, None)
    pairs = np.array([[3, 4], [5, n]])
    verified, _ = verifier.verify(pairs, [np.arange(n)])
    assert sorted(verified.pairs.tolist()) == sorted([[0, i] for i in range(1, n)] + [[5, n]])


def test_texts_of_a_template_that_are_not_alike_are_given_up_and_counted():
    rng = np.random.default_rng(0)
    texts = [sorted(rng.choice(40, 20, replace=False).tolist()) for _ in range(200)]
    verified, given_up = Verifier(sets_of(texts), None, 0.7, None).verify(np.empty((0, 2), int), [np.arange(200)])
    assert 150 < given_up < 200
    assert len(verified.pairs) < 20
