"""What an index tells those who follow it; the same in a file and in PostgreSQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from follower import Follower, told_places
from postgres_server import SERVER
from test_index import stored
from test_store import run

import dedup
from dedup import Article, Change, StoryIndex

DAY = timedelta(days=1)
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
TRAIN = "The armoured train of Kim Jong Un reached the Russian border station of Khasan early on Tuesday."
BANK = "The European Central Bank raised its key interest rate to 4 percent and hinted that it was done."


@pytest.fixture(scope="module")
def english():
    return sorted(dedup.sample_articles("en"), key=lambda a: (a.published, a.id))


def article(name, text, day=0):
    return Article(name, text, published=TUESDAY + day * DAY)


def told(index, since=0):
    return [(c.kind, c.story_id, c.episode_id, c.article_id, c.into) for c in index.changes(since)]


def test_articles_join_are_updated_and_leave(lasting):
    with StoryIndex(lasting) as index:
        index.add_many([article("a", TRAIN), article("b", BANK), article("a copy", TRAIN)])
        index.add(article("b", BANK))
        index.add(article("a copy", f"{TRAIN} Again."))
        index.remove("b")
        assert not index.remove("b")
        assert index.changes()[0] == Change(1, "story_begun", "s1", "e1", "a", None)
        assert told(index) == [
            ("story_begun", "s1", "e1", "a", None),
            ("story_begun", "s2", "e2", "b", None),
            ("joined", "s1", "e1", "a copy", None),
            ("updated", "s1", "e1", "a copy", None),
            ("left", "s2", "e2", "b", None),
        ]


def test_an_update_to_another_event_is_a_departure(lasting):
    with StoryIndex(lasting) as index:
        index.add_many([article("a", TRAIN), article("b", BANK)])
        index.add(article("a", f"{BANK} It was said."))
        assert told(index, 2) == [
            ("left", "s1", "e1", "a", None),
            ("joined", "s2", "e2", "a", None),
            ("episode_merged", "s2", "e1", None, "e2"),
            ("story_merged", "s1", None, None, "s2"),
        ]
        assert index.story("s1").id == "s2"


def test_whoever_resumes_sees_each_change_once_and_in_order(lasting, english):
    follower = Follower()
    with StoryIndex(lasting) as index:
        for i in range(0, len(english), 9):
            index.add_many(english[i : i + 9])
            follower.catch_up(index, limit=4)
            assert follower.places == told_places(index)
        for name, into in follower.aliases.items():
            assert index.story(name).id == index.story(into).id
        index.add(replace(english[3], text=english[40].text))
        index.remove(english[10].id)
        index.refine(datetime(2000, 1, 1, tzinfo=UTC))
        follower.catch_up(index)
        assert follower.places == told_places(index)
        assert {"story_begun", "joined", "episode_begun", "story_merged"} <= {c.kind for c in index.changes()}
    with StoryIndex(lasting, read_only=True) as index:
        assert [c.cursor for c in index.changes()] == list(range(1, follower.cursor + 1))
        assert index.changes(follower.cursor) == index.changes(2**70) == []
        assert index.changes(4, limit=2) == index.changes()[4:6]
        for name in {name for pair in follower.aliases.items() for name in pair}:
            assert index.story(name)


def test_both_stores_tell_the_same(tmp_path, english):
    url = SERVER.new_database()
    with StoryIndex(tmp_path / "index.db") as one, StoryIndex(url) as other:
        for index in (one, other):
            index.add_many(english)
            index.refine(datetime(2000, 1, 1, tzinfo=UTC))
            index.expire(english[30].published)
        assert one.changes() == other.changes() != []
        assert one.stories()[0].episodes[0].id == other.stories()[0].episodes[0].id
    SERVER.drop(url)


def test_expiry_forgets_the_beginning_which_shows(lasting):
    with StoryIndex(lasting) as index:
        index.add_many([article("a", TRAIN), article("b", BANK, 3), article("c", BANK, 5)])
        index.expire(TUESDAY + DAY)
        assert [c.cursor for c in index.changes()] == [2, 3]
        assert index.changes(0)[0].cursor > 0 + 1  # what was between is gone
        index.expire(TUESDAY + 99 * DAY)
        assert [c.cursor for c in index.changes()] == [3]
        index.add(article("d", TRAIN))
        assert [c.cursor for c in index.changes(3)] == [4]


SOLDIERS = "Soldiers with flags and a brass band lined the platform, and the guest from Pyongyang smiled and waved."
LOANS = "Mortgages and loans in the euro area become dearer, Christine Lagarde said in Frankfurt; bonds of Italy fell."


def test_expiry_tells_what_comes_apart_and_not_what_has_become_old(lasting):
    train, bank = f"{TRAIN} {SOLDIERS}", f"{BANK} {LOANS}"
    with StoryIndex(lasting) as index:
        index.add_many([article("both", f"{train} {bank}"), article("a", train, 1), article("b", bank, 1)])
        assert len(index.stories()) == 1
        seen = index.changes()[-1].cursor
        assert index.expire(TUESDAY + DAY / 2) == 1
        assert told(index, seen) == [("left", "s1", "e1", "b", None), ("story_begun", "s2", "e2", "b", None)]
        seen = index.changes()[-1].cursor
        assert index.expire(TUESDAY + 2 * DAY) == 2
        assert told(index, seen) == []
        for gone in ("s1", "s2"):
            with pytest.raises(KeyError):
                index.story(gone)


def test_what_fails_tells_nothing(lasting, monkeypatch):
    with StoryIndex(lasting) as index:
        index.add(article("a", TRAIN))
        monkeypatch.setattr(index._session.store, "insert_changes", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.add(article("b", BANK))
        monkeypatch.undo()
        assert len(index) == len(index.changes()) == 1
        index.add(article("b", BANK))
        assert [c.article_id for c in index.changes()] == ["a", "b"]


def test_an_index_that_begins_with_a_batch_tells_of_all_of_it(lasting, english):
    follower, stories = Follower(), dedup.cluster(english)
    with StoryIndex.from_stories(lasting, stories) as index:
        follower.catch_up(index)
        assert follower.places == told_places(index)
        assert len(follower.places) == len(english)
        assert next(c.story_id for c in index.changes() if c.kind == "story_begun") in {s.id for s in index.stories()}
        begun = [c.episode_id for c in index.changes() if c.kind == "episode_begun"]
        assert len(begun) == sum(len(story.episodes) - 1 for story in stories) > 3


@pytest.mark.parametrize("bad", [-1, "3", 1.5, True, None])
def test_a_cursor_that_is_none_is_refused(bad):
    with (
        StoryIndex(":memory:") as index,
        pytest.raises((TypeError, ValueError), match=r"since is .*; allowed: an integer"),
    ):
        index.changes(bad)


FOLLOW = """
import sys
from dedup import Article, StoryIndex, sample_articles
index = StoryIndex(sys.argv[1])
print("ready", flush=True)
for turn in range(10**9):
    for a in sample_articles("en"):
        index.add(Article(a.id, f"{a.text} {turn}", title=a.title, published=a.published))
        print(index.changes()[-1].cursor, flush=True)
"""


@pytest.mark.slow
def test_whatever_moment_it_is_killed_at_the_log_agrees_with_the_stories(lasting):
    follower = Follower()
    for _ in range(4):
        process = run(FOLLOW, lasting)
        assert process.stdout.readline() == "ready\n"
        seen = [process.stdout.readline() for _ in range(7)]
        process.kill()
        seen += process.communicate()[0].splitlines(keepends=True)
        with StoryIndex(lasting) as index:
            follower.catch_up(index)
            assert follower.places == told_places(index)
            assert follower.cursor >= max(int(line) for line in seen if line.endswith("\n"))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_schema_of_a_former_format_is_read_and_then_converted(english, version):
    url = SERVER.new_database()
    english = [replace(a, url=f"http://www.example.org/{a.id}") for a in english]
    with StoryIndex(url, max_gap_days=0) as index:
        index.add_many(english[:20])
        stories = [(story.id, story.articles) for story in index.stories()]
        rows, changes = stored(index), index.changes()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE dedup.decisions")
        connection.execute("ALTER TABLE dedup.changes DROP COLUMN decision")
        connection.execute("ALTER TABLE dedup.state DROP COLUMN decided")
        connection.execute("ALTER TABLE dedup.contents DROP COLUMN vector, DROP COLUMN language")
        if version < 3:
            connection.execute("DELETE FROM dedup.parameters WHERE name = 'match_urls'")
            connection.execute("ALTER TABLE dedup.articles DROP COLUMN page")
            connection.execute("DROP TABLE dedup.other_ids")
            connection.execute("UPDATE dedup.articles SET digest = ''")
            connection.execute("ALTER TABLE dedup.state ADD COLUMN latest DOUBLE PRECISION")
        connection.execute("UPDATE dedup.about SET format = %s", (version,))
        if version == 1:
            connection.execute("DROP TABLE dedup.chapters, dedup.changes")
            connection.execute("DELETE FROM dedup.parameters WHERE name = 'max_gap_days'")
    gap, changes = (9, []) if version == 1 else (0, changes)
    with StoryIndex(url, max_gap_days=gap, read_only=True) as reader:
        assert [(story.id, story.articles) for story in reader.stories()] == stories
        assert (stored(reader), reader.changes()) == (rows, changes)
        with StoryIndex(url, max_gap_days=gap) as index:
            assert [(story.id, story.articles) for story in index.stories()] == stories
            assert (stored(index), index.changes()) == (rows, changes)
            again = index.add_many([replace(a, id=f"{a.id} again") for a in english[:20]])
            assert {a.outcome for a in again} == {"unchanged"}
            index.add_many(english[20:])
            assert index.changes(len(changes))
        assert len(reader) == len(english)
    with pytest.raises(ValueError, match=rf"made with max_gap_days={gap}\.0"):
        StoryIndex(url)
    SERVER.drop(url)
