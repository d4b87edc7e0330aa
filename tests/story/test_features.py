from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.story.extraction import CHARACTER_RUN, WORD, WORD_PAIR, feature_keys
from dedup.story.features import count_features
from dedup.story.spelling import LEAD_CHARACTERS, LEAD_WEIGHT, NAME_WEIGHT, spelling_of, token_weights
from dedup.text.fold import fold_character
from dedup.text.stopwords import date_word_hashes, stop_word_hashes
from dedup.text.tokens import tokenize

DATE_WORDS = frozenset(date_word_hashes().tolist())
pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=60)

WORDS = st.sampled_from(
    [
        *("Kim", "kim", "Poutine", "Путин", "the", "de", "x", "Ab", "œuvre", "É", "2023", "한국", "armoured", "ẞtraße"),
        *("Tuesday", "REUTERS", "août"),
    ]
)
JOINTS = st.sampled_from([" ", " ", " ", ". ", ", ", "\n", "-", " \u00ad", "! — ", ".\u0301 "])
SPACED_TEXT = st.lists(st.tuples(WORDS, JOINTS), max_size=12).map(lambda parts: "".join(w + j for w, j in parts))
# A word never touches an unspaced character here: what happens then is a test of its own.
MIXED_TEXT = st.lists(st.tuples(st.one_of(WORDS, st.sampled_from(["金正恩", "京", "ไทย"])), JOINTS), max_size=12).map(
    lambda parts: "".join(w + j.replace("\u00ad", " ") for w, j in parts)
)
PADDING = st.sampled_from(["", "", "\n" * 580, "x, " * 199])
TEXTS = st.lists(st.builds(str.__add__, PADDING, st.one_of(SPACED_TEXT, MIXED_TEXT)), max_size=5)


def slow_weights(text):
    """The weight of each token of one text."""
    tokens, weights, end = tokenize([text]), [], 0
    is_date = [int(token) in DATE_WORDS for token in tokens.hashes]
    first = tokens.characters(tokens.starts).tolist()
    last = tokens.characters(tokens.stops - 1).tolist()
    for place, stop in zip(first, last, strict=True):
        opens = not weights or any(fold_character(c) == b"." for c in text[end:place])
        weight = LEAD_WEIGHT if place < LEAD_CHARACTERS else 1.0
        name = text[place].isupper() and not opens and not is_date[len(weights)]
        weights.append(weight * NAME_WEIGHT if name else weight)
        end = stop + 1
    return weights


def slow_counts(text):
    """Weighted counts of the features of one text: (family, bytes) -> count."""
    tokens = tokenize([text])
    words, weights = tokens.strings(), slow_weights(text)
    first = [text[place] for place in tokens.characters(tokens.starts).tolist()]
    stop_words = frozenset(stop_word_hashes().tolist())
    counts = Counter()
    for i, (word, weight) in enumerate(zip(words, weights, strict=True)):
        if tokens.unspaced[i]:
            continue
        counts[WORD, word] += weight
        token = int(tokens.hashes[i])
        if token not in DATE_WORDS and (first[i].isupper() or token not in stop_words):
            padded = b" " + word + b" "
            for start in range(len(padded) - 3):
                counts[CHARACTER_RUN, padded[start : start + 4]] += weight
    for i in range(len(words) - 1):
        if not tokens.unspaced[i] and not tokens.unspaced[i + 1]:
            counts[WORD_PAIR, words[i], words[i + 1]] += min(weights[i], weights[i + 1])
    for size, family in ((1, CHARACTER_RUN), (2, WORD), (3, WORD_PAIR)):  # of Han; two clusters of Thai have no run
        for i in range(len(words) - size + 1):
            run = b"".join(words[i : i + size])
            together = tokens.unspaced[i : i + size].all() and run.decode() in "金正恩京"
            if together and tokens.stops[i + size - 1] - tokens.starts[i] == len(run):
                counts[family, run] += min(weights[i], weights[i + size - 1])
    return counts


def columns_of(rows):
    """How often each column of counts occurs in each family, whatever the features are called."""
    columns = defaultdict(lambda: [0.0] * len(rows))
    for i, row in enumerate(rows):
        for (family, *name), count in row.items():
            columns[(family, *name)][i] = count
    return Counter((feature[0], tuple(column)) for feature, column in columns.items())


def rows_of(counts):
    """Each text's entries as (family, key) -> count."""
    rows = []
    for start, stop in zip(counts.offsets[:-1].tolist(), counts.offsets[1:].tolist(), strict=True):
        keys, values = counts.keys[start:stop].tolist(), counts.counts[start:stop].tolist()
        rows.append({(key & 3, key): value for key, value in zip(keys, values, strict=True)})
    return rows


def key_of(word):
    return int(feature_keys(tokenize([word]).hashes, WORD)[0])


def weights_of(texts):
    tokens = tokenize(texts)
    return token_weights(spelling_of(tokens)).tolist()


@EXAMPLES
@given(TEXTS)
def test_counts_are_those_of_the_slow_twin(texts):
    assert columns_of(rows_of(count_features(texts))) == columns_of([slow_counts(text) for text in texts])


@EXAMPLES
@given(TEXTS)
def test_counts_behind_a_blank_text_are_those_of_the_slow_twin(texts):
    rows = rows_of(count_features(["", *texts]))[1:]
    assert columns_of(rows) == columns_of([slow_counts(text) for text in texts])


@EXAMPLES
@given(TEXTS)
def test_token_weights_are_those_of_the_slow_twin(texts):
    weights = [weight for text in texts for weight in slow_weights(text)]
    assert weights_of(texts) == weights


@EXAMPLES
@given(TEXTS)
def test_keys_of_a_text_ascend_and_hold_48_bits(texts):
    counts = count_features(texts)
    assert counts.keys.dtype == np.uint64
    assert counts.counts.dtype == np.float32
    assert (counts.keys < 2**48).all()
    for start, stop in zip(counts.offsets[:-1], counts.offsets[1:], strict=True):
        assert (np.diff(counts.keys[start:stop].astype(np.int64)) > 0).all()


@EXAMPLES
@given(TEXTS, TEXTS)
def test_counts_do_not_depend_on_other_texts(texts, others):
    both = rows_of(count_features(texts + others))
    assert both == rows_of(count_features(texts)) + rows_of(count_features(others))


def test_threads_and_blocks_do_not_change_the_counts():
    rng = np.random.default_rng(0)
    texts = [" ".join(f"W{w}" for w in rng.zipf(1.5, 200) % 1000) for _ in range(400)]  # more than one block
    one, many = count_features(texts, 1), count_features(texts, 4)
    assert one.offsets.tolist() == many.offsets.tolist()
    assert one.keys.tolist() == many.keys.tolist()
    assert one.counts.tolist() == many.counts.tolist()
    assert rows_of(one) == [rows_of(count_features([text], 1))[0] for text in texts]


def test_the_key_of_a_word_is_that_of_its_hash():
    counts = count_features(["Kim train", "", "a Kim"])
    assert rows_of(counts)[0][WORD, key_of("kim")] == LEAD_WEIGHT
    assert rows_of(counts)[2][WORD, key_of("kim")] == LEAD_WEIGHT * NAME_WEIGHT


def test_the_first_word_of_all_has_the_features_it_has_elsewhere():
    first, _, second = rows_of(count_features(["train", "", "train"]))
    assert first == second


@pytest.mark.parametrize("text", ["Kim金正恩", "金正恩Kim", "Kim金"])
def test_a_word_beside_unspaced_characters_has_the_runs_it_has_between_spaces(text):
    apart = text.replace("Kim", " Kim ")

    def runs(written):
        return {key for family, key in rows_of(count_features(["", written]))[1] if family == CHARACTER_RUN}

    assert runs(text) == runs(apart)


@pytest.mark.parametrize("size", [64, 65, 66, 67, 68, 130])
def test_a_run_of_letters_too_long_for_a_token_has_the_runs_of_its_pieces(size):
    text = "".join(chr(ord("a") + i * i % 26) for i in range(size))
    row = rows_of(count_features(["", text]))[1]
    assert columns_of([row]) == columns_of([slow_counts(text)])


def runs_in(text):
    return sum(family == CHARACTER_RUN for family, _ in rows_of(count_features([text]))[0])


def test_stop_words_have_character_runs_only_when_capitalised():
    assert runs_in("them and with") == 0
    assert runs_in("Them and With") == 6
    assert runs_in("armoured") == 7


def test_blank_texts_have_no_features():
    counts = count_features(["", " ...", "Kim", "\n"])
    assert np.diff(counts.offsets).astype(bool).tolist() == [False, False, True, False]


def test_no_texts_have_no_features():
    counts = count_features([])
    assert counts.offsets.tolist() == [0]
    assert len(counts.keys) == len(counts.counts) == 0


def test_a_token_counts_twice_near_the_beginning():
    weights = weights_of(["a " * 600])
    assert weights == [LEAD_WEIGHT] * (LEAD_CHARACTERS // 2) + [1.0] * (600 - LEAD_CHARACTERS // 2)


def test_a_name_counts_more_inside_a_sentence_only():
    weights = weights_of(["Kim met Putin. He spoke", "Путин и Ким"])
    assert weights == [2, 2, 6, 2, 2, 2, 2, 6]
