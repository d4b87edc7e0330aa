from collections import Counter
from functools import cache
from itertools import pairwise
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.story import weighting
from dedup.story.extraction import CHARACTER_RUN, WORD, WORD_PAIR, feature_keys
from dedup.story.features import count_features
from dedup.story.spelling import HEADLINE_SHARE
from dedup.story.weighting import FAMILY_WEIGHT, PRIOR_ARTICLES, PRIOR_STOP_WORD_ARTICLES, feature_weights, vectorize
from dedup.text.stopwords import stop_word_hashes
from dedup.text.tokens import sentence_starts, tokenize

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=60)

WORDS = st.sampled_from(["Kim", "kim", "Putin", "Путин", "the", "The", "de", "x", "2023", "한국", "armoured", "金正恩"])
JOINTS = st.sampled_from([" ", " ", " ", ". ", ", ", "\n", "-"])
TEXT = st.lists(st.tuples(WORDS, JOINTS), max_size=12).map(lambda parts: "".join(w + j for w, j in parts))
TEXTS = st.lists(TEXT, max_size=5)


def key_of(word):
    return int(feature_keys(tokenize([word]).hashes, WORD)[0])


def rows_of(counts):
    """Each text's entries as key -> count."""
    bounds = pairwise(counts.offsets.tolist())
    return [dict(zip(counts.keys[a:b].tolist(), counts.counts[a:b].tolist(), strict=True)) for a, b in bounds]


@cache
def stop_word_keys():
    return frozenset(feature_keys(stop_word_hashes(), WORD).tolist())


def slow_idf(key, frequency, n_texts, stop_words):
    prior = PRIOR_STOP_WORD_ARTICLES if key in stop_words else 0
    return log((n_texts + PRIOR_ARTICLES + 1) / (frequency + prior + 0.5))


def slow_stop_words(texts):
    """Keys of the stop words that are not mostly names: capitalised inside sentences that are no headlines."""
    as_name, as_word = Counter(), Counter()
    for text in texts:
        tokens = tokenize([text])
        hashes = feature_keys(tokens.hashes, WORD).tolist()
        first = [chr(code).isupper() for code in tokens.codes[tokens.characters(tokens.starts)].tolist()]
        opens = [*np.flatnonzero(sentence_starts(tokens)).tolist(), len(hashes)]
        for begin, end in pairwise(opens):
            headline = sum(first[begin:end]) / (end - begin) >= HEADLINE_SHARE
            for i in range(begin, end):
                as_word[hashes[i]] += not first[i]
                as_name[hashes[i]] += first[i] and i > begin and not headline
    return {key for key in stop_word_keys() if as_name[key] <= as_word[key]}


def slow_vectors(counts):
    """Each text's unit vector as key -> value, columns that are dropped included."""
    rows = rows_of(counts)
    frequency = Counter(key for row in rows for key in row)
    vectors = []
    for row in rows:
        vector = {}
        for key, count in row.items():
            family = key & 3
            once = family == WORD_PAIR and frequency[key] == 1
            idf = slow_idf(key, frequency[key], len(rows), frozenset(counts.stop_words.tolist()))
            vector[key] = 0.0 if once else log(1 + count) * idf * float(FAMILY_WEIGHT[family])
        norm = sqrt(sum(value**2 for value in vector.values())) or 1.0
        vectors.append({key: value / norm for key, value in vector.items() if frequency[key] > 1})
    return vectors


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("rows", [1, 7, 1024])
def test_threads_and_blocks_do_not_change_the_vectors(monkeypatch, rows, n_jobs):
    rng = np.random.default_rng(0)
    counts = count_features([" ".join(f"W{w}" for w in rng.zipf(1.5, size) % 50) for size in range(30)])
    expected, _ = vectorize(counts)
    monkeypatch.setattr(weighting, "_BLOCK_ROWS", rows)
    vectors, _ = vectorize(counts, n_jobs)
    assert vectors.nnz == expected.nnz > 100
    assert vectors.indptr.tolist() == expected.indptr.tolist()
    assert vectors.indices.tolist() == expected.indices.tolist()
    assert vectors.data.tolist() == expected.data.tolist()


@EXAMPLES
@given(TEXTS)
def test_columns_of_a_row_ascend(texts):
    vectors, _ = vectorize(count_features(texts))
    for start, stop in pairwise(vectors.indptr.tolist()):
        assert (np.diff(vectors.indices[start:stop]) > 0).all()


@EXAMPLES
@given(TEXTS)
def test_vectors_are_those_of_the_slow_twin(texts):
    counts = count_features(texts)
    vectors, vocabulary = vectorize(counts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), len(vocabulary.keys))
    dense, keys = vectors.toarray(), vocabulary.keys.tolist()
    for row, expected in zip(dense, slow_vectors(counts), strict=True):
        assert row == pytest.approx([expected.get(key, 0.0) for key in keys], abs=1e-6)


@EXAMPLES
@given(TEXTS)
def test_vectors_are_no_longer_than_one(texts):
    vectors, _ = vectorize(count_features(texts))
    assert (np.sqrt((vectors.toarray() ** 2).sum(axis=1)) <= 1 + 1e-6).all()


def test_vectors_of_texts_that_share_every_feature_have_unit_length():
    text = "Kim Jong Un arrives in Russia"
    vectors, _ = vectorize(count_features([text, "Something else", text]))
    norms = np.sqrt((vectors.toarray() ** 2).sum(axis=1))
    assert norms[[0, 2]] == pytest.approx([1, 1], abs=1e-6)
    assert norms[1] < 1


@EXAMPLES
@given(TEXTS)
def test_the_vocabulary_counts_texts(texts):
    counts = count_features(texts)
    _, vocabulary = vectorize(counts)
    frequency = Counter(counts.keys.tolist())
    shared = sorted(key for key, count in frequency.items() if count > 1)
    assert vocabulary.n_texts == len(texts)
    assert vocabulary.keys.tolist() == shared
    assert vocabulary.frequencies.tolist() == [frequency[key] for key in shared]


@EXAMPLES
@given(TEXTS)
def test_idf_is_that_of_the_slow_twin(texts):
    counts = count_features(texts)
    _, vocabulary = vectorize(counts)
    frequency = Counter(counts.keys.tolist())
    keys = [*frequency, key_of("neverseen")]
    stop_words = slow_stop_words(texts)
    assert counts.stop_words.tolist() == sorted(stop_words)
    expected = [slow_idf(key, frequency.get(key, 1), len(texts), stop_words) for key in keys]
    assert vocabulary.idf(np.array(keys, dtype=np.uint64)) == pytest.approx(expected)


@pytest.mark.parametrize("others", [0, 4, 99])
def test_a_batch_is_weighted_as_if_it_stood_among_400_articles_which_have_the_stop_words(others):
    _, vocabulary = vectorize(count_features([*["the train"] * 3, *["Seoul"] * others]))
    train, the = vocabulary.idf(np.array([key_of("train"), key_of("the")], dtype=np.uint64)).tolist()
    assert train == pytest.approx(log((3 + others + 401) / 3.5))
    assert the == pytest.approx(log((3 + others + 401) / (3.5 + 400 * (1 - exp(-3)))))


@EXAMPLES
@given(TEXTS)
def test_feature_weights_are_idf_times_the_weight_of_the_family(texts):
    keys = np.unique(count_features(texts).keys)
    idf, once = np.linspace(0.1, 5, len(keys)), np.arange(len(keys)) % 2 == 0
    expected = []
    for key, value, single in zip(keys.tolist(), idf.tolist(), once.tolist(), strict=True):
        expected.append(0.0 if single and key & 3 == WORD_PAIR else value * (0.5 if key & 3 == CHARACTER_RUN else 1))
    assert feature_weights(keys, idf, once).tolist() == expected


def test_a_stop_word_that_is_used_as_a_name_is_none():
    _, vocabulary = vectorize(count_features(["The leader Kim met the president Putin in the far east"]))
    kim, putin, the = vocabulary.idf(np.array([key_of(word) for word in ("kim", "putin", "the")], dtype=np.uint64))
    assert min(kim, putin) > 5
    assert the < 0.1


def test_a_headline_in_title_case_makes_no_names():
    _, vocabulary = vectorize(count_features(["Kim Goes To The Far East And Meets Him"]))
    assert vocabulary.idf(np.array([key_of("and")], dtype=np.uint64))[0] < 0.1


def test_stop_words_weigh_little_in_any_language():
    _, vocabulary = vectorize(count_features(["Kim"]))
    keys = np.array([key_of(word) for word in ("the", "und", "это", "russia")], dtype=np.uint64)
    *stop_words, name = vocabulary.idf(keys).tolist()
    assert max(stop_words) < 0.1
    assert name > 5


def test_columns_are_places_in_the_vocabulary():
    _, vocabulary = vectorize(count_features(["Kim train", "Kim bus", "Putin"]))
    keys = np.array([key_of("kim"), key_of("putin"), key_of("neverseen")], dtype=np.uint64)
    places = vocabulary.columns(keys).tolist()
    assert vocabulary.keys[places[0]] == keys[0]
    assert places[1:] == [-1, -1]


@pytest.mark.parametrize("texts", [[], [""], ["Kim"], ["Kim", ""], ["Kim", "Putin"]])
def test_texts_that_share_nothing_have_no_columns(texts):
    vectors, vocabulary = vectorize(count_features(texts))
    assert vectors.shape == (len(texts), 0)
    assert vocabulary.columns(np.array([1, 2], dtype=np.uint64)).tolist() == [-1, -1]
