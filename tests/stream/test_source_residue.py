"""What an index learns of its sources."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import dedup
from dedup import Article, StoryIndex
from dedup.residue.recurring import sample_size, samples, source_salts

LETTERS = "bcdfghjklmnpqrstvwxz"
FOOT = "Reçu par courriel chaque matin, sans publicité\nTous droits réservés par la Minute de Thônes"


def words(seed, count):
    rng = random.Random(seed)
    return " ".join("".join(rng.choices(LETTERS, k=7)) for _ in range(count))


def pages(count, source="a", foot=FOOT):
    return [Article(f"{source}{i}", f"{words(f'{source} {i}', 40)}\n{foot}", source=source) for i in range(count)]


def residue_of(index, article_id):
    (article,) = (a for a in index.story(index.story_id(article_id)).articles if a.id == article_id)
    return [article.text[start:stop] for start, stop in article.residue]


def test_what_recurs_in_a_source_is_left_out_once_it_is_known():
    with StoryIndex(":memory:") as index:
        index.add_many(pages(60))
        assert residue_of(index, "a3") == []  # what came before stays as it was
        assert residue_of(index, "a55") == [FOOT]
        (found,) = index.similar(replace(pages(60)[59], id="new"), k=1)
        assert (found.article_id, round(found.similarity, 3)) == ("a59", 0.7)  # undated, but alike


def test_batch_and_stream_learn_from_as_many_articles_that_name_no_source():
    # In 64 of these articles the foot is too rare to be residue; in 512 it is not.
    texts = [f"{words(f'text {i}', 40)}\n{words(f'foot {i}', 15) if i % 25 else FOOT}" for i in range(601)]
    articles = [Article(str(i), text) for i, text in enumerate(texts)]
    with StoryIndex(":memory:") as index:
        index.add_many(articles)
        learned = index._session.store.learned_residue("")
        assert learned.articles == sample_size(None) == sum(map(len, samples(source_salts([None] * 601)))) == 512
        assert residue_of(index, "600") == [FOOT]
        assert residue_of(index, "599") == []
    batch = dedup.cluster(articles).articles
    assert [[a.text[start:stop] for start, stop in a.residue] for a in batch[-2:]] == [[], [FOOT]]


def test_one_source_says_nothing_of_another():
    with StoryIndex(":memory:") as index:
        index.add_many([page for pair in zip(pages(60), pages(60, "b", words("b", 3)), strict=True) for page in pair])
        index.add(Article("odd", f"{words('odd', 40)}\n{FOOT}", source="b"))
        assert residue_of(index, "odd") == []
        assert residue_of(index, "a59") == [FOOT]


TWO_SOURCES = [page for pair in zip(pages(130), pages(130, "b", words("b", 30)), strict=True) for page in pair]


@pytest.fixture(scope="module")
def alone():
    """An index of articles of two sources that came one by one; tests must not change it."""
    with StoryIndex(":memory:") as index:
        for article in TWO_SOURCES:
            index.add(article)
        yield index


@pytest.mark.parametrize("at_once", [1, 7, 60, 400])
def test_articles_that_come_together_are_learned_as_those_that_come_alone(alone, at_once):
    articles = TWO_SOURCES
    with StoryIndex(":memory:") as index:
        for first in range(0, len(articles), at_once):
            index.add_many(articles[first : first + at_once])
        for source in "ab":
            ours, theirs = index._session.store.learned_residue(source), alone._session.store.learned_residue(source)
            assert (ours.next_node, ours.articles) == (theirs.next_node, theirs.articles)
            np.testing.assert_array_equal(ours.keys, theirs.keys)
        assert [residue_of(index, a.id) for a in articles] == [residue_of(alone, a.id) for a in articles]


def test_what_is_known_survives_the_process(tmp_path):
    path = tmp_path / "index.db"
    with StoryIndex(path) as index:
        index.add_many(pages(60))
    with StoryIndex(path) as index:
        index.add(Article("next", f"{words('next', 40)}\n{FOOT}", source="a"))
        assert residue_of(index, "next") == [FOOT]


def test_a_source_without_articles_is_forgotten():
    start = datetime(2023, 9, 12, tzinfo=UTC)
    dated = [replace(page, published=start + timedelta(hours=i)) for i, page in enumerate(pages(60))]
    with StoryIndex(":memory:") as index:
        index.add_many(dated)
        assert len(index._session.store.learned_residue("a").keys)
        index.expire(start + timedelta(days=90))
        assert len(index._session.store.learned_residue("a").keys) == 0
        index.add(replace(dated[0], id="again"))
        assert residue_of(index, "again") == []


def test_lone_surrogates_in_a_source_do_no_harm():
    with StoryIndex(":memory:") as index:
        index.add_many([replace(page, source="\ud800") for page in pages(60)])
        assert residue_of(index, "a59") == [FOOT]


def test_an_index_that_keeps_residue_learns_nothing():
    with StoryIndex(":memory:", cut_residue=False) as index:
        index.add_many(pages(60))
        assert residue_of(index, "a59") == []
        assert len(index._session.store.learned_residue("a").keys) == 0
