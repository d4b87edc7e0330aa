import numpy as np
import pytest
from datasketch import LeanMinHash, MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.near.minhash import low_hashes, permutations, signatures

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=80)
HASHES = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 5))
TEXTS = st.lists(st.lists(HASHES, max_size=40), max_size=6)
NUM_PERM = st.sampled_from([1, 7, 8, 9, 16, 33, 128])
SEED = st.integers(0, 5)


def sign(texts, **parameters):
    hashes = np.array([value for text in texts for value in text], dtype=np.uint32)
    offsets = np.cumsum([0, *map(len, texts)])
    return signatures(hashes, offsets, **parameters)


def slow_minhash(text, num_perm, seed):
    minhash = MinHash(num_perm=num_perm, seed=seed, hashfunc=int, scheme="affine32")
    for value in text:
        minhash.update(value)
    return minhash


@EXAMPLES
@given(TEXTS, NUM_PERM, SEED)
def test_signatures_are_those_of_datasketch(texts, num_perm, seed):
    signed = sign(texts, num_perm=num_perm, seed=seed)
    assert signed.dtype == np.uint32
    assert signed.shape == (len(texts), num_perm)
    assert signed.tolist() == [slow_minhash(text, num_perm, seed).hashvalues.tolist() for text in texts]


@pytest.mark.parametrize("length", [1, 15, 16, 17, 31, 32, 33, 1000])
def test_no_length_is_special(length):
    text = np.random.default_rng(length).integers(0, 2**32, length).tolist()
    assert sign([text, text[:1]], num_perm=16, seed=1)[0].tolist() == slow_minhash(text, 16, 1).hashvalues.tolist()


def test_a_text_larger_than_a_round_has_the_signature_of_datasketch():
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, 2**32, size).tolist() for size in (300, 70_000, 5, 0, 700)]
    expected = [slow_minhash(text, 12, 1).hashvalues.tolist() for text in texts]
    assert sign(texts, num_perm=12, seed=1).tolist() == expected


def test_texts_that_begin_anywhere_in_a_round_have_their_signatures():
    rng = np.random.default_rng(1)
    texts = [rng.integers(0, 2**32, size).tolist() for size in rng.integers(0, 60, 3000)]  # more than one round
    signed = sign(texts, num_perm=4, seed=1)
    for text, row in zip(texts, signed.tolist(), strict=True):
        minhash = slow_minhash([], 4, 1)
        minhash.update_batch(text)
        assert row == minhash.hashvalues.tolist()


def test_the_defaults_are_those_of_datasketch():
    text = [3, 1, 4, 1, 5]
    minhash = MinHash(hashfunc=int)
    for value in text:
        minhash.update(value)
    assert sign([text]).tolist() == [minhash.hashvalues.tolist()]


def test_a_row_exports_as_a_lean_minhash():
    text = [2, 7, 1, 8]
    minhash = slow_minhash(text, 64, 3)
    row = sign([[9], text], num_perm=64, seed=3)[1]
    lean = LeanMinHash(seed=3, hashvalues=row, scheme="affine32")
    assert lean == LeanMinHash(minhash)
    assert lean.jaccard(minhash) == 1.0


def test_a_text_without_shingles_has_the_signature_of_an_empty_set():
    minhash = slow_minhash([], 32, 1)
    assert minhash.is_empty()
    assert sign([[], [1], []], num_perm=32, seed=1)[[0, 2]].tolist() == [minhash.hashvalues.tolist()] * 2


def test_no_texts_have_no_signatures():
    assert sign([], num_perm=8, seed=1).shape == (0, 8)


@EXAMPLES
@given(st.lists(HASHES, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(text, random):
    again = [*text, *random.choices(text, k=5)]
    random.shuffle(again)
    first, second = sign([text, again], num_perm=32, seed=1)
    assert first.tolist() == second.tolist()


@EXAMPLES
@given(TEXTS, TEXTS)
def test_signatures_do_not_depend_on_other_texts(texts, others):
    both = sign(texts + others, num_perm=16, seed=1).tolist()
    assert both == sign(texts, num_perm=16, seed=1).tolist() + sign(others, num_perm=16, seed=1).tolist()


@EXAMPLES
@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_low_hashes_are_the_upper_half(shingles):
    low = low_hashes(np.array(shingles, dtype=np.uint64))
    assert low.dtype == np.uint32
    assert low.tolist() == [shingle >> 32 for shingle in shingles]


def test_permutations_are_those_of_datasketch():
    expected = MinHash(num_perm=20, seed=4, scheme="affine32").permutations
    assert [values.tolist() for values in permutations(20, 4)] == [values.tolist() for values in expected]


def test_equal_values_estimate_the_jaccard_similarity():
    rng = np.random.default_rng(2)
    shared, left, right = rng.integers(0, 2**32, (3, 1000)).tolist()
    first, second = sign([shared + left, shared + right], num_perm=1024, seed=1)
    assert np.mean(first == second) == pytest.approx(1 / 3, abs=0.06)  # four standard deviations
