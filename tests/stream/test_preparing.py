"""What is read of articles before the transaction that adds them is what would be read in it."""

import random
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import Article, StoryIndex
from dedup.near.lsh import Bands
from dedup.store.sqlite import SqliteStore
from dedup.stream import steps
from dedup.stream.preparing import Prepared
from dedup.stream.text_features import extract_features, selected

FOOT = "Reçu par courriel chaque matin, sans publicité\nTous droits réservés par la Minute de Thônes"
EXAMPLES = settings(deadline=None, max_examples=60)
TEXTS = st.lists(
    st.sampled_from(["", "Kim in Russia", "Ким в России", "金正恩抵达俄罗斯", "a b c d e f g"]), max_size=6
)


def words(seed, count):
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("bcdfghjklmnpqrstvwxz", k=7)) for _ in range(count))


def pages(count):
    """Articles of one source, with a foot that it learns to leave out."""
    return [Article(f"a{i}", f"{words(i, 40)}\n{FOOT}", source="a") for i in range(count)]


def residue_of(index, article_id):
    (article,) = (a for a in index.story(index.story_id(article_id)).articles if a.id == article_id)
    return [article.text[start:stop] for start, stop in article.residue]


def facts(index, articles, size):
    """What it answers to some articles at a time."""
    told = [index.add_many(articles[first : first + size]) for first in range(0, len(articles), size)]
    rows = index._session.store.rows(range(len(articles) + 1))
    return (
        [assignment for some in told for assignment in some],
        [(story.id, story.articles) for story in index.stories()],
        rows,
    )


@pytest.mark.parametrize("size", [1, 30])
def test_an_index_with_other_writers_answers_as_one_without(size, sample, monkeypatch):
    def clock():
        return datetime(2030, 1, 1, tzinfo=UTC)

    some = [Article(a.id, a.text, a.title, a.published) for a in sample if a.language == "en"]
    few = [
        *pages(60),
        *some[:30],
        *(replace(article, text=article.text[:200]) for article in some[:9]),
        *pages(66)[50:],
    ]
    with StoryIndex(":memory:", clock=clock) as alone:
        expected = facts(alone, few, size)
    monkeypatch.setattr(SqliteStore, "is_shared", True)
    with StoryIndex(":memory:", clock=clock) as index:
        assert facts(index, few, size) == expected
        assert residue_of(index, "a65") == [FOOT]


def test_what_is_stored_already_is_not_read(monkeypatch):
    monkeypatch.setattr(SqliteStore, "is_shared", True)
    with StoryIndex(":memory:") as index:
        index.add_many(pages(3))
        with monkeypatch.context() as patch:
            patch.setattr("dedup.stream.preparing.text_features_of", None)
            assert [told.outcome for told in index.add_many(pages(3))] == ["unchanged"] * 3
            with pytest.raises(TypeError):
                index.add_many(pages(4))


def test_an_article_is_read_again_when_more_is_known_of_its_source_by_then():
    with StoryIndex(":memory:") as index:
        new, session = [replace(pages(61)[60], id="new")], index._session
        with session.reading() as state:
            prepared = Prepared(state, new)
        index.add_many(pages(60))
        session.write(lambda: session.assigner.add(new, prepared, False))
        assert residue_of(index, "new") == [FOOT]


def test_another_article_than_was_prepared_is_read():
    with StoryIndex(":memory:") as index:
        one, other = pages(2)
        with index._session.reading() as state:
            prepared = Prepared(state, [one])
            for few in ([other], [one, other]):
                read, texts = prepared.take(state, few)
                assert read == few
                assert texts.features.tolist() == Prepared(state, few).take(state, few)[1].features.tolist()


@EXAMPLES
@given(TEXTS, st.data())
def test_selected_texts_have_their_features(texts, data):
    if not texts:
        return
    places = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=6))
    bands, languages = Bands(3, 2), [None] * len(texts)
    found = selected(extract_features(texts, bands, 3, languages=languages), np.array(places))
    expected = extract_features([texts[place] for place in places], bands, 3, languages=[None] * len(places))
    for field in fields(expected):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name), strict=True)


def test_sources_are_known_to_be_learned_wherever_they_are():
    learned = [node for node in range(1, 3700) if node % steps.step_of(node - 1) == 0]
    for node in range(1, 3600, 7):
        for next_node in (node + 1, node + 13, node + 60):
            between = any(node < step <= next_node for step in learned)
            assert steps.has_learned(node, next_node) or not between
            assert between or node == 1 or not steps.has_learned(node, next_node) or node < 3072 < next_node + 128
