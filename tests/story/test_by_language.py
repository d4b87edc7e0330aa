"""Document frequencies by language: what the articles of one language change for those of another."""

from collections import Counter
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.near.lsh import Bands
from dedup.story.extraction import CHARACTER_RUN, WORD, WORD_PAIR, families
from dedup.story.features import count_features
from dedup.story.weighting import (
    FAMILY_WEIGHT,
    PRIOR_ARTICLES,
    PRIOR_STOP_WORD_ARTICLES,
    Vocabulary,
    vectorize,
    vectorize_texts,
)
from dedup.stream.live import LiveArticles
from dedup.stream.text_features import LANGUAGE, extract_features, language_of, languages_of, with_languages
from dedup.stream.window import Window
from dedup.text.language import guess_languages, language_number

EXAMPLES = settings(deadline=None, max_examples=60)
WORDS = st.sampled_from(["Kim", "train", "the", "gare", "Putin", "2023", "金正恩", "armoured"])
TEXT = st.lists(WORDS, max_size=8).map(" ".join)
ARTICLES = st.lists(st.tuples(TEXT, st.sampled_from(["en", "fra", "fr-CA", "zh", "??", ""])), max_size=6)


def slow_vectors(counts):
    """Each text's unit vector as key -> value, from the texts of its language alone; without what it alone has."""
    bounds = zip(counts.offsets[:-1], counts.offsets[1:], strict=True)
    rows = [dict(zip(counts.keys[a:b].tolist(), counts.counts[a:b].tolist(), strict=True)) for a, b in bounds]
    languages, everywhere = counts.languages.tolist(), Counter(key for row in rows for key in row)
    stop_words, vectors = frozenset(counts.stop_words.tolist()), []
    for row, language in zip(rows, languages, strict=True):
        own = [other for other, of_other in zip(rows, languages, strict=True) if of_other == language]
        vector = {}
        for key, count in row.items():
            frequency = sum(key in other for other in own) + PRIOR_STOP_WORD_ARTICLES * (key in stop_words)
            idf = log((len(own) + PRIOR_ARTICLES + 1) / (frequency + 0.5))
            once = key & 3 == 1 and everywhere[key] == 1
            vector[key] = 0.0 if once else log(1 + count) * idf * float(FAMILY_WEIGHT[key & 3])
        norm = sqrt(sum(value**2 for value in vector.values())) or 1.0
        vectors.append({key: value / norm for key, value in vector.items() if everywhere[key] > 1})
    return vectors


def dense(vectors, vocabulary):
    return [dict(zip(vocabulary.keys.tolist(), row, strict=True)) for row in vectors.toarray().tolist()]


@EXAMPLES
@given(ARTICLES)
def test_vectors_are_those_of_the_slow_twin(articles):
    texts, languages = [text for text, _ in articles], [language for _, language in articles]
    counts = count_features(texts, languages=languages)
    vectors, vocabulary = vectorize(counts)
    assert vocabulary.n_texts == len(texts)
    for row, expected in zip(dense(vectors, vocabulary), slow_vectors(counts), strict=True):
        assert row == pytest.approx({key: expected.get(key, 0.0) for key in row}, abs=1e-6)


@EXAMPLES
@given(ARTICLES)
def test_texts_of_a_batch_have_their_vectors_also_by_themselves(articles):
    texts, languages = [text for text, _ in articles], [language for _, language in articles]
    vectors, vocabulary = vectorize(count_features(texts, languages=languages))
    whole = dense(vectors, vocabulary)
    for i in range(len(texts) - 1):
        found, own, _ = vectorize_texts(texts[i : i + 2], vocabulary, languages[i : i + 2])
        for row, expected in zip(dense(found, own), whole[i : i + 2], strict=True):
            filled = {key: value for key, value in expected.items() if value}
            assert {key: value for key, value in row.items() if value} == filled


@EXAMPLES
@given(ARTICLES)
def test_without_languages_all_texts_are_of_one(articles):
    texts = [text for text, _ in articles]
    one, _ = vectorize(count_features(texts))
    other, _ = vectorize(count_features(texts, languages=["en"] * len(texts)))
    assert one.data.tolist() == other.data.tolist()
    assert one.indices.tolist() == other.indices.tolist()


def test_words_of_another_language_do_not_become_rarer_or_more_common():
    english = ["the train to Vladivostok", "a train to Seoul"]
    alone = Vocabulary.of(count_features(english, languages=["en", "en"]))
    mixed = Vocabulary.of(count_features([*english, *["le train de Paris"] * 300], languages=["en"] * 2 + ["fr"] * 300))
    number, keys = language_number("en"), alone.keys
    assert mixed.idf(keys, number).tolist() == alone.idf(keys, number).tolist()
    assert (mixed.idf(keys, language_number("fr")) <= mixed.idf(keys, number)).any()


def test_a_name_connects_two_languages():
    texts, languages = ["Kim Jong Un in Vladivostok", "Kim Jong Un à Vladivostok"], ["en", "fr"]
    vectors, _, _ = vectorize_texts(texts, None, languages)
    assert (vectors[:1] @ vectors[1:].T).toarray()[0, 0] > 0.5


def test_the_numbers_of_an_explanation_are_those_of_the_mixed_batch():
    stories = dedup.cluster(dedup.sample_articles(), max_gap_days=0)
    story = next(story for story in stories if len(story) == 2 and not story.near_duplicates)
    found = dedup.explain(*story.articles, among=stories)
    assert found.similarity == pytest.approx(story.cohesion, abs=1e-6)


# Index


@EXAMPLES
@given(st.lists(st.tuples(st.lists(st.integers(0, 5000), max_size=6, unique=True), st.integers(0, 700)), max_size=5))
def test_the_language_of_a_text_is_kept_among_its_features(texts):
    own = [np.sort(np.array(features, dtype=np.uint32) << 2) for features, _ in texts]
    sizes, numbers = np.array([*map(len, own)], dtype=np.int64), np.array([n for _, n in texts], dtype=np.int64)
    joined = np.concatenate([np.empty(0, dtype=np.uint32), *own])
    features, counts, more = with_languages(joined, np.full(len(joined), 7, dtype=np.uint8), sizes, numbers)
    assert len(features) == len(counts) == more.sum()
    expected = [number if size else 0 for size, number in zip(sizes.tolist(), numbers.tolist(), strict=True)]
    assert languages_of(features, np.repeat(np.arange(len(texts)), more), len(texts)).tolist() == expected
    for part, before, number in zip(np.split(features, np.cumsum(more)[:-1]), own, expected, strict=False):
        assert language_of(part) == number
        assert (np.diff(part.astype(np.int64)) > 0).all()
        assert [f for f in part.tolist() if f & 3 != 3] == before.tolist()


def test_a_window_counts_the_articles_of_each_language():
    window, feature = Window(), np.array([5 << 20], dtype=np.uint32)
    one = np.ones(2, dtype=np.uint8)
    for node, name in enumerate(["en", "en", "fr"]):
        mark = np.array([language_number(name) << 2 | 3], dtype=np.uint32)
        window.add(node, np.concatenate([mark, feature]), one)
    english, french = language_number("en"), language_number("fr")
    assert window.totals[[0, english, french]].tolist() == [0, 2, 1]
    assert [window.frequencies(feature, n).tolist() for n in (0, english, french)] == [[0], [2], [1]]
    window.remove(0)
    assert window.totals[english] == window.frequencies(feature, english)[0] == 1


def test_stop_words_are_common_in_every_language_of_a_window():
    live = LiveArticles()
    keys = count_features(["the"]).keys
    assert all(live.idf(keys, language_number(name))[0] < 0.1 for name in ("en", "fr", None))


def test_an_index_keeps_languages_when_it_is_opened_again(tmp_path):
    articles = [{"id": i, "text": f"train number {i}", "language": "en" if i % 2 else "fr"} for i in range(6)]
    with dedup.StoryIndex(tmp_path / "index.db") as index:
        index.add_many(articles)
        before = index.similar({"text": "train number 3", "language": "en"}, k=10)
    with dedup.StoryIndex(tmp_path / "index.db") as index:
        assert index.similar({"text": "train number 3", "language": "en"}, k=10) == before


# Languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The train is on its way to the city and they are in it", "en"),
        ("Der Zug ist auf dem Weg in die Stadt und sie sind darin", "de"),
        ("Tàu đang trên đường đến thành phố và họ đang ở trong đó", "vi"),
        ("这列火车正在开往城市的路上，他们都在里面", "zh"),
        ("列車は街に向かっていて、彼らはその中にいます", "ja"),
        ("รถไฟกำลังเดินทางไปยังเมือง และพวกเขาอยู่ในนั้น", "th"),
        ("Kim 2023", None),
        ("", None),
    ],
)
def test_a_language_is_guessed(text, language):
    assert guess_languages([text]) == [language]
    assert count_features([text], languages=[None]).languages.tolist() == [language_number(language)]


def test_the_language_that_is_told_goes_before_the_guess():
    text = "The train is on its way to the city and they are in it"
    assert count_features([text] * 2, languages=["fr", "?"]).languages.tolist() == [
        language_number("fr"),
        language_number("en"),
    ]


@pytest.mark.parametrize(
    "names", [("fr", "fra", "fre", "FR", " fr-CA", "fr_FR"), ("ms", "ms/id", "may"), ("zh", "chi", "zh-Hans")]
)
def test_names_of_one_language_have_one_number(names):
    assert len({language_number(name) for name in names}) == 1
    assert 0 < language_number(names[0]) < 1024


def test_threads_and_order_do_not_change_the_languages():
    texts = [article.full_text for article in dedup.sample_articles()] * 6
    one = count_features(texts, 1, languages=[None] * len(texts)).languages
    assert count_features(texts, 4, languages=[None] * len(texts)).languages.tolist() == one.tolist()
    assert count_features(texts[::-1], 1, languages=[None] * len(texts)).languages.tolist() == one[::-1].tolist()


# Languages that write syllables


def test_runs_of_vietnamese_syllables_do_not_count():
    text = "Chính phủ Việt Nam công bố kế hoạch mới"
    told, unknown = (count_features([text], languages=[language]) for language in ("vi", "fr"))
    kept = unknown.keys[families(unknown.keys) != CHARACTER_RUN]
    assert told.keys.tolist() == kept.tolist()
    assert len(kept) < len(unknown.keys)


def test_a_batch_with_vietnamese_leaves_other_languages_as_they_are():
    texts = ["Chính phủ Việt Nam công bố kế hoạch mới", "The government of Vietnam announced a new plan"]
    both = count_features(texts, languages=["vi", "en"])
    alone = count_features(texts[1:], languages=["en"])
    assert both.keys[both.offsets[1] :].tolist() == alone.keys.tolist()


def test_an_index_counts_vietnamese_as_a_batch_does():
    text = "Chính phủ Việt Nam công bố kế hoạch mới"
    told, french = (extract_features([text], Bands(2, 2), 5, languages=[language]) for language in ("vi", "fr"))
    assert set(families(told.features).tolist()) == {WORD, WORD_PAIR, LANGUAGE}
    assert CHARACTER_RUN in families(french.features)
