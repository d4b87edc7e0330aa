import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.near.shingles import shingle_hashes, shingles_of
from dedup.text.tokens import tokenize

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=100)
WORDS = st.lists(st.sampled_from(["kim", "putin", "Russie", "train", "京", "a", "b"]), max_size=12)
TEXTS = st.lists(WORDS.map(" ".join), max_size=6)
SIZES = st.integers(1, 7)


def slow_shingles(text, size):
    """The set of shingles of one text, as tuples of tokens."""
    tokens = tokenize([text]).strings()
    if not tokens:
        return set()
    return {tuple(tokens[i : i + size]) for i in range(max(1, len(tokens) - size + 1))}


def slow_hash(shingle):
    value = 0
    for hashed in tokenize([token.decode() for token in shingle]).hashes.tolist():
        value = (value * 0x9E3779B97F4A7C15 + hashed) % 2**64
    return value


def slow_mix(value):
    for shift, multiplier in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ (value >> shift)) * multiplier % 2**64
    return value ^ (value >> 31)


def hash_sets(texts, size):
    tokens = tokenize(texts)
    hashes = shingle_hashes(tokens, size).tolist()
    return [set(hashes[start:stop]) for start, stop in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)]


@EXAMPLES
@given(TEXTS, SIZES)
def test_hashes_are_those_of_the_slow_twin(texts, size):
    assert hash_sets(texts, size) == [{slow_hash(shingle) for shingle in slow_shingles(text, size)} for text in texts]


@EXAMPLES
@given(TEXTS, SIZES)
def test_distinct_shingles_have_distinct_hashes(texts, size):
    hashes = set().union(*hash_sets(texts, size))
    assert len(hashes) == len(set().union(*(slow_shingles(text, size) for text in texts)))


@EXAMPLES
@given(TEXTS, SIZES)
def test_a_text_fills_as_many_places_as_it_has_tokens(texts, size):
    tokens = tokenize(texts)
    hashes = shingle_hashes(tokens, size)
    assert hashes.dtype == np.uint64
    assert len(hashes) == tokens.offsets[-1]


@EXAMPLES
@given(TEXTS, SIZES)
def test_the_last_places_of_a_text_repeat_its_last_shingle(texts, size):
    tokens = tokenize(texts)
    hashes = shingle_hashes(tokens, size).tolist()
    for start, stop in zip(tokens.offsets[:-1].tolist(), tokens.offsets[1:].tolist(), strict=True):
        assert len(set(hashes[max(start, stop - size) : stop])) == (stop > start)


@EXAMPLES
@given(TEXTS, TEXTS, SIZES)
def test_shingles_do_not_depend_on_other_texts(texts, others, size):
    assert hash_sets(texts + others, size) == hash_sets(texts, size) + hash_sets(others, size)


@EXAMPLES
@given(TEXTS, SIZES)
def test_tokens_are_left_as_they_were(texts, size):
    tokens = tokenize(texts)
    before = tokens.hashes.tolist()
    shingle_hashes(tokens, size)
    assert tokens.hashes.tolist() == before


@pytest.mark.parametrize("text", ["kim", "kim putin", "kim putin train", "kim putin train russie"])
def test_fewer_tokens_than_the_size_make_one_shingle_of_the_whole_text(text):
    (hashes,) = hash_sets([text], 5)
    assert hashes == {slow_hash(tuple(tokenize([text]).strings()))}


def test_short_texts_with_a_common_start_have_no_common_shingle():
    one, two, three = hash_sets(["kim", "kim putin", "kim putin train"], 5)
    assert len(one | two | three) == 3


def test_blank_texts_have_no_shingles():
    assert hash_sets(["", " ...", "kim", "\n"], 3)[:2] == [set(), set()]
    assert len(shingle_hashes(tokenize([]), 3)) == 0


def test_characters_of_unspaced_scripts_make_shingles():
    assert len(hash_sets(["金正恩抵達俄羅斯"], 5)[0]) == 4


def test_the_order_of_words_matters():
    forwards, backwards = hash_sets(["kim meets putin", "putin meets kim"], 3)
    assert not forwards & backwards


@EXAMPLES
@given(TEXTS, SIZES)
def test_texts_without_symbols_have_the_shingles_of_their_words(texts, size):
    tokens = tokenize(texts)
    found = shingles_of(tokens, size)
    assert found.hashes.tolist() == shingle_hashes(tokens, size).tolist()
    assert found.offsets.tolist() == tokens.offsets.tolist()


SYMBOLS = st.lists(st.sampled_from(["kim", "a", "京", "+", "#", "👍", "!", " ", "- ", "“"]), max_size=9).map("".join)


@EXAMPLES
@given(st.lists(SYMBOLS, max_size=6), SIZES)
def test_shingles_of_a_text_do_not_depend_on_the_others_and_long_texts_ignore_symbols(texts, size):
    found, tokens = shingles_of(tokenize(texts), size), tokenize(texts)
    words, counts = shingle_hashes(tokens, size), np.diff(tokens.offsets)
    for i, text in enumerate(texts):
        own = found.hashes[found.offsets[i] : found.offsets[i + 1]].tolist()
        assert own == shingles_of(tokenize([text]), size).hashes.tolist()
        plain = words[tokens.offsets[i] : tokens.offsets[i + 1]].tolist()
        shown = [c for c in text if c in "+#👍" or (not counts[i] and c in "!-“")]
        assert len(own) == max(counts[i], bool(shown))
        if not counts[i] or (counts[i] < size and shown):
            assert len(set(own)) == bool(own)
            assert not set(own) & set(plain)
        else:
            assert own == plain
