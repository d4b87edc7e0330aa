from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.story.extraction import WORD, feature_keys
from dedup.story.features import count_features
from dedup.story.spelling import spelling_of, token_weights
from dedup.story.terms import top_terms
from dedup.story.weighting import vectorize
from dedup.text.tokens import tokenize

EXAMPLES = settings(deadline=None, max_examples=60)
WORDS = st.sampled_from(["Kim", "kim", "KIM", "Putin", "Poutine", "train", "the", "de", "2023", "É", "Ab"])
JOINTS = st.sampled_from([" ", " ", ". ", ", ", "\n"])
TEXT = st.lists(st.tuples(WORDS, JOINTS), max_size=10).map(lambda parts: "".join(w + j for w, j in parts))
TEXTS = st.lists(TEXT, min_size=1, max_size=5)


def vocabulary_of(texts):
    return vectorize(count_features(texts))[1]


def slow_terms(texts, vocabulary):
    """Every word of at least two bytes: its total weight, where it is first written, and how it is written there."""
    weights, first = Counter(), {}
    for i, text in enumerate(texts):
        tokens, counts = tokenize([text]), defaultdict(float)
        places = tokens.characters(tokens.starts).tolist()
        ends = (tokens.characters(tokens.stops - 1) + 1).tolist()
        parts = zip(tokens.strings(), token_weights(spelling_of(tokens)).tolist(), places, ends, strict=True)
        for word, weight, place, end in parts:
            if len(word) > 1:
                counts[word] += weight
                first.setdefault(word, ((i, place), text[place:end]))
        for word, count in counts.items():
            weights[word] += np.log1p(count)
    keys = feature_keys(tokenize([word.decode() for word in weights]).hashes, WORD)
    for word, idf in zip(list(weights), vocabulary.idf(keys).tolist(), strict=True):
        weights[word] *= idf
    return {word: (round(weight, 9), *first[word]) for word, weight in weights.items()}


@EXAMPLES
@given(TEXTS, st.integers(0, 6))
def test_terms_are_those_of_the_slow_twin(texts, count):
    vocabulary = vocabulary_of([*texts, "Kim train", "Putin train"])
    ranked = sorted(slow_terms(texts, vocabulary).values(), key=lambda term: (-term[0], term[1]))
    assert top_terms(texts, vocabulary, count) == tuple(written for _, _, written in ranked[:count])


@EXAMPLES
@given(TEXTS)
def test_a_word_is_named_once_however_it_is_written(texts):
    terms = top_terms(texts, vocabulary_of(texts), 100)
    folded = [tokenize([term]).strings()[0] for term in terms]
    assert len(folded) == len(set(folded))


def test_terms_are_as_first_written():
    texts = ["Voici le Président Poutine", "POUTINE président"]
    assert set(top_terms(texts, vocabulary_of(texts), 2)) == {"Président", "Poutine"}


def test_a_decomposed_accent_at_the_end_stays_with_its_letter():
    texts = ["le cafe\u0301 ferme"]
    assert "cafe\u0301" in top_terms(texts, vocabulary_of(texts))


def test_at_most_count_terms_are_named():
    texts = [" ".join(f"word{i}" for i in range(50))]
    assert len(top_terms(texts, vocabulary_of(texts))) == 8
    assert len(top_terms(texts, vocabulary_of(texts), 3)) == 3


def test_names_weigh_more_than_common_words():
    texts = ["The leader met Macron at the station", "There was Macron on the train"]
    assert top_terms(texts, vocabulary_of(texts), 1) == ("Macron",)


def test_stop_words_come_last():
    texts = ["the train and the train station and the"]
    assert set(top_terms(texts, vocabulary_of(texts))[:2]) == {"train", "station"}


def test_a_rare_word_weighs_more_than_a_frequent_one():
    vocabulary = vocabulary_of(["train"] * 100 + ["station"] * 2)
    assert top_terms(["train station"], vocabulary) == ("station", "train")


def test_of_equal_words_the_first_written_comes_first():
    texts = ["zebra apple mango"]
    assert top_terms(texts, vocabulary_of(texts)) == ("zebra", "apple", "mango")


@pytest.mark.parametrize("text", ["金正 zebra", "zebra 金正"])
def test_of_an_equal_word_and_pair_of_characters_the_first_written_comes_first(text):
    assert top_terms([text], vocabulary_of([text])) == tuple(text.split())


def test_runs_of_characters_that_weigh_the_same_are_one_term():
    texts = ["金正恩 訪", "金正恩"]
    assert top_terms(texts, vocabulary_of(texts)) == ("金正恩",)


def test_of_runs_that_overlap_the_rarer_one_is_named():
    vocabulary = vocabulary_of(["金正"] * 50)
    assert top_terms(["金正恩"], vocabulary) == ("正恩",)


def test_characters_across_a_space_or_two_texts_make_no_pair():
    assert top_terms(["金 正", "恩"], vocabulary_of(["金"])) == ()


def test_words_in_spaced_and_unspaced_scripts_stand_side_by_side():
    texts = ["Kim金正", "푸틴 Kim金正"]
    assert set(top_terms(texts, vocabulary_of(texts))) == {"Kim", "金正", "푸틴"}


@pytest.mark.parametrize("texts", [[], [""], ["...", "\n"], ["a"], ["京"]])
def test_texts_without_words_have_no_terms(texts):
    assert top_terms(texts, vocabulary_of(["Kim"])) == ()
