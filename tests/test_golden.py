"""A file made by an earlier run of the same format: what is in it stays readable, and comparable with what comes."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_index import stored

import dedup
from dedup import StoryIndex

FOLDER = Path(__file__).parent / "golden"
GOLDEN = FOLDER / "index_format_4.db"

#: One in which every episode was a story.
FORMER = FOLDER / "index_format_3.db"

#: One that an index made before it kept the language of each article.
OLDER = FOLDER / "index_without_languages.db"

#: One whose articles have character runs of names of days and months, as of other words.
WITH_DATES = FOLDER / "index_with_dates_as_names.db"


@pytest.fixture
def articles():
    return [dedup.Article(a.id, a.text, a.title, a.published) for a in dedup.sample_articles("ru")[:12]]


@pytest.fixture(params=[GOLDEN, FORMER, OLDER, WITH_DATES], ids=lambda golden: golden.stem)
def golden(request):
    return request.param


@pytest.fixture
def path(golden, tmp_path):
    return Path(shutil.copy(golden, tmp_path / "index.db"))


def test_stories_and_articles_of_a_golden_file_are_read(golden, path, articles):
    expected = set(map(frozenset, json.loads(golden.with_suffix(".json").read_text(encoding="utf-8"))))
    for read_only in (True, False, True):
        with StoryIndex(path, read_only=read_only) as index:
            stories = index.stories()
            assert {frozenset(article.id for article in story.articles) for story in stories} == expected
            assert sorted(a.id for s in stories for a in s.articles) == sorted(a.id for a in articles)
            assert {index.story(index.story_id(a.id)).id for a in articles} == {story.id for story in stories}
            assert len(index.changes()) == (0 if golden != GOLDEN else 14)


def test_a_golden_file_goes_on(path, articles):
    with StoryIndex(path) as index:
        assert {index.add(article).outcome for article in articles} == {"unchanged"}
        copy = index.add(replace(articles[0], id="copy"))
        assert (copy.outcome, copy.near_duplicate_of, copy.similarity) == ("near_duplicate", articles[0].id, 1.0)


@pytest.mark.parametrize("golden", [GOLDEN, FORMER], ids=lambda golden: golden.stem)
def test_words_buckets_features_norms_and_episodes_are_those_of_the_golden_file(path, articles):
    with StoryIndex(path) as old, StoryIndex(":memory:") as new:
        new.add_many(articles)
        kept, made = (index._session.store.article_features(range(1, 13)) for index in (old, new))
        episodes = [{row.id: row.episode for row in stored(index).values()} for index in (old, new)]
    # The file was made by adding these articles, when there were no stories of several episodes.
    assert episodes[0] == episodes[1]
    assert kept.keys() == made.keys() == set(range(1, 13))
    for node, ours in made.items():
        for name, theirs in kept[node]._asdict().items():
            np.testing.assert_allclose(getattr(ours, name), theirs, rtol=1e-6, err_msg=name)


def format_of(path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


@pytest.mark.parametrize("golden", [FORMER], ids=lambda golden: golden.stem)
def test_a_file_of_the_former_format_is_converted_when_it_is_opened_for_writing(path, articles):
    StoryIndex(path, read_only=True).close()
    assert format_of(path) == 3
    StoryIndex(path, max_gap_days=5).close()
    assert format_of(path) == 4
    with pytest.raises(ValueError, match=r"made with max_gap_days=5\.0, not 21\.0"):
        StoryIndex(path)
    with StoryIndex(path, max_gap_days=5) as index:
        again = replace(articles[0], id="again", text=f"{articles[0].text} {articles[1].text}")
        assert index.changes() == []
        index.add(again)
        assert [(change.cursor, change.article_id) for change in index.changes()][:1] == [(1, "again")]


@pytest.mark.parametrize("golden", [FORMER], ids=lambda golden: golden.stem)
def test_a_conversion_that_fails_changes_nothing(golden, path, monkeypatch):
    monkeypatch.setattr("dedup.store.sqlite_file.STORIES_OF_EPISODES", "CREATE TABLE chapters (x);\nCREATE TABLE")
    with pytest.raises(OSError, match="cannot be written"):
        StoryIndex(path)
    monkeypatch.undo()
    assert format_of(path) == 3
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(golden)) as before:
        assert list(now.iterdump()) == list(before.iterdump())


@pytest.mark.parametrize("golden", [FORMER], ids=lambda golden: golden.stem)
def test_a_copy_of_the_former_format_is_of_this_one(path, tmp_path):
    sums = dedup.copy_index(path, tmp_path / "copy.db")
    assert format_of(path) == 3
    assert sums["chapters"].rows == sums["changes"].rows == 0
    with StoryIndex(tmp_path / "copy.db") as copy, StoryIndex(path) as index:
        assert [story.articles for story in copy.stories()] == [story.articles for story in index.stories()]
