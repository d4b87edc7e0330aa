"""A file made by an earlier run of the same format: what is in it stays readable, and comparable with what comes."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from test_index import stored

import dedup
from dedup import StoryIndex
from dedup.store.serialization import page_key
from dedup.store.sqlite_file import DECISIONS_OF_EDITORS

FOLDER = Path(__file__).parent / "golden"
GOLDEN = FOLDER / "index_format_6.db"

#: One that did not know decisions of editors, one without pages, and one in which every episode was a story.
LATEST = FOLDER / "index_format_5.db"
FORMER = FOLDER / "index_format_4.db"
FIRST = FOLDER / "index_format_3.db"
FORMATS = {GOLDEN: 6, LATEST: 5, FORMER: 4, FIRST: 3}
CHANGES = {GOLDEN: 20, LATEST: 14, FORMER: 14}

#: One that an index made before it kept the language of each article.
OLDER = FOLDER / "index_without_languages.db"

#: One whose articles have character runs of names of days and months, as of other words.
WITH_DATES = FOLDER / "index_with_dates_as_names.db"


@pytest.fixture(params=[GOLDEN, LATEST, FORMER, FIRST, OLDER, WITH_DATES], ids=lambda golden: golden.stem)
def golden(request):
    return request.param


@pytest.fixture
def articles(golden):
    """As they were added; to older formats without URLs."""
    sample = dedup.sample_articles("ru")[:12]
    urls = [f"https://www.example.org/{a.id}/?utm_source=rss" if golden in (GOLDEN, LATEST) else None for a in sample]
    return [dedup.Article(a.id, a.text, a.title, a.published, url=url) for a, url in zip(sample, urls, strict=True)]


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
            assert len(index.changes()) == CHANGES.get(golden, 0)


def test_a_golden_file_goes_on(path, articles):
    with StoryIndex(path) as index:
        assert {index.add(article).outcome for article in articles} == {"unchanged"}
        copy = index.add(replace(articles[0], id="copy", url=None))
        assert (copy.outcome, copy.near_duplicate_of, copy.similarity) == ("near_duplicate", articles[0].id, 1.0)


def test_another_time_zone_or_url_of_the_same_page_is_no_update(golden, path, articles):
    moved = [replace(a, published=a.published.astimezone(timezone(timedelta(hours=9)))) for a in articles]
    if golden in (GOLDEN, LATEST):
        moved = [replace(a, id=f"{a.id} again", url=f"http://example.org/{a.id}") for a in moved]
    with StoryIndex(path) as index:
        seen = index.changes()
        again = index.add_many(moved)
        assert [(a.article_id, a.outcome, a.replaces) for a in again] == [(a.id, "unchanged", None) for a in articles]
        assert index.changes() == seen


@pytest.mark.parametrize("golden", [GOLDEN, LATEST, FORMER, FIRST], ids=lambda golden: golden.stem)
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


@pytest.mark.parametrize("golden", [FORMER, FIRST], ids=lambda golden: golden.stem)
def test_what_pages_a_file_of_an_older_format_has_is_found_when_it_is_converted(path, articles):
    url = "https://example.org/kim"
    with closing(sqlite3.connect(path)) as database, database:
        fields = json.dumps(
            {"id": articles[3].id, "text": articles[3].text, "title": "", "published": None}
            | {"source": "S", "url": url, "language": None, "residue": []}
        )
        database.execute("UPDATE articles SET fields = ?, source = 'S' WHERE id = ?", (fields, articles[3].id))
    with StoryIndex(path, read_only=True) as reader:
        page = page_key(dedup.Article("", "", source="S", url=url))
        assert {row.page for row in stored(reader).values()} == {None, page}
        digests = {row.digest for row in stored(reader).values()}
    with StoryIndex(path) as index:
        assert {row.digest for row in stored(index).values()} == digests
        later = index.add(dedup.Article("later", f"{articles[3].text} Now.", source="S", url=f"{url}?utm_source=rss"))
        assert (later.outcome, later.replaces) == ("updated", articles[3].id)


@pytest.mark.parametrize("golden", [FORMER, FIRST], ids=lambda golden: golden.stem)
def test_whether_pages_match_is_stored_as_it_was_given_when_a_file_is_converted(path):
    StoryIndex(path, match_urls=True, read_only=True).close()
    StoryIndex(path, match_urls=False).close()
    with pytest.raises(ValueError, match="made with match_urls=False, not True"):
        StoryIndex(path)


@pytest.mark.parametrize("golden", [FIRST], ids=lambda golden: golden.stem)
def test_a_file_of_the_first_format_is_converted_when_it_is_opened_for_writing(path, articles):
    StoryIndex(path, read_only=True).close()
    assert format_of(path) == 3
    StoryIndex(path, max_gap_days=5).close()
    assert format_of(path) == FORMATS[GOLDEN]
    with pytest.raises(ValueError, match=r"made with max_gap_days=5\.0, not 21\.0"):
        StoryIndex(path)
    with StoryIndex(path, max_gap_days=5) as index:
        again = replace(articles[0], id="again", text=f"{articles[0].text} {articles[1].text}")
        assert index.changes() == []
        index.add(again)
        assert [(change.cursor, change.article_id) for change in index.changes()][:1] == [(1, "again")]


@pytest.mark.parametrize("golden", [LATEST, FORMER, FIRST], ids=lambda golden: golden.stem)
def test_a_conversion_that_fails_changes_nothing(golden, path, monkeypatch):
    statements = f"{DECISIONS_OF_EDITORS.strip()}\nCREATE TABLE"
    monkeypatch.setattr("dedup.store.sqlite_file.DECISIONS_OF_EDITORS", statements)
    for _ in range(2):
        with pytest.raises(OSError, match="cannot be opened: incomplete input; allowed"):
            StoryIndex(path)
    monkeypatch.undo()
    assert [p.name for p in path.parent.glob("*.format*")] == [f"index.db.format-{FORMATS[golden]}"]
    assert format_of(path) == FORMATS[golden]
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(golden)) as before:
        assert list(now.iterdump()) == list(before.iterdump())


@pytest.mark.parametrize("golden", [FORMER], ids=lambda golden: golden.stem)
def test_what_a_file_was_before_it_was_converted_is_kept(golden, path, caplog):
    kept, other = path.with_name("index.db.format-4"), path.with_name("index.db.format-4.2")
    path.chmod(0o640)
    kept.write_text("of something else")
    StoryIndex(path).close()
    assert caplog.messages == [f"{path} has format 4 and is converted to 6; as it was it is in {other}"]
    assert kept.read_text() == "of something else"
    assert other.stat().st_mode & 0o777 == 0o640 or os.name == "nt"
    assert sorted(p.name for p in path.parent.glob("*.format*")) == [kept.name, other.name]
    with closing(sqlite3.connect(other)) as now, closing(sqlite3.connect(golden)) as before:
        assert list(now.iterdump()) == list(before.iterdump())
    assert format_of(other) == 4
    with StoryIndex(other, read_only=True) as former, StoryIndex(path) as index:
        assert [story.articles for story in former.stories()] == [story.articles for story in index.stories()]


@pytest.mark.parametrize("golden", [LATEST, FORMER, FIRST], ids=lambda golden: golden.stem)
def test_a_copy_of_an_older_format_is_of_this_one(golden, path, tmp_path):
    sums = dedup.copy_index(path, tmp_path / "copy.db")
    assert format_of(path) == FORMATS[golden]
    assert format_of(tmp_path / "copy.db") == FORMATS[GOLDEN]
    assert sums["changes"].rows == CHANGES.get(golden, 0)
    with StoryIndex(tmp_path / "copy.db") as copy, StoryIndex(path) as index:
        assert stored(copy) == stored(index)
        assert [story.articles for story in copy.stories()] == [story.articles for story in index.stories()]


@pytest.mark.parametrize("golden", [LATEST, FORMER, FIRST], ids=lambda golden: golden.stem)
def test_editors_decide_on_stories_of_a_file_of_an_older_format(path):
    with StoryIndex(path, read_only=True) as reader, StoryIndex(path) as index:
        assert reader.changes() == index.changes()
        (first, *_, last) = [story.id for story in index.stories()]
        change = index.forbid(first, last)
        assert [story.edits[0].decision for story in index.stories() if story.edits] == [change.cursor] * 2
        assert len(reader.stories()) == len(index.stories())  # it was opened as what the file was then


@pytest.mark.parametrize("golden", [GOLDEN], ids=lambda golden: golden.stem)
def test_decisions_of_a_golden_file_hold(path):
    with StoryIndex(path) as index:
        (story,) = (story for story in index.stories() if story.title)
        pinned, forbidden = sorted(story.edits, key=lambda edit: edit.kind, reverse=True)
        assert (story.headline, story.representative) == ("Гость прибыл", story.articles[-1])
        assert [pinned.kind, forbidden.kind] == ["editor_pinned", "editor_forbade"]
        assert index.changes()[-1].kind == "editor_undid"
        for edit in (pinned, forbidden):
            index.undo(edit.decision)
        assert index.story(story.id).edits == ()
