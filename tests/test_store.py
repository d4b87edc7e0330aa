"""The file of a StoryIndex: what survives a kill, and what is refused."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import dedup
from dedup import Article, StoryIndex
from dedup.store.sqlite_file import APPLICATION_ID, FORMAT

ROOT = Path(dedup.__file__).parents[1]
KILLS = int(os.environ.get("KILLS", "6"))
TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}

# Adds whatever of the sample is not there, for ever: in the second round with other texts, and so on.
INGEST = """
import sys
from dedup import Article, StoryIndex, sample_articles
index = StoryIndex(sys.argv[1])
print("ready", flush=True)
for turn in range(int(sys.argv[2]), 10**9):
    for a in sample_articles("en"):
        text = a.text if turn == 0 else f"{a.text} Update {turn}."
        one = index.add(Article(a.id, text, title=a.title, published=a.published))
        print(turn, one.article_id, one.story_id, flush=True)
"""


def run(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def assert_whole(path, acknowledged, texts):
    """No half-added article, everything acknowledged, in its story or another that it went to by a split since."""
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    with StoryIndex(path) as index:
        rows = index._session.store.rows(index._session.store.nodes_before(np.inf))
        assert len(rows) == len(index)
        names = {row.id for row in rows.values()}
        assert acknowledged.keys() <= names
        for row in rows.values():
            assert rows[row.canonical].episode == row.episode
        canonical = {node for node, row in rows.items() if row.canonical == node}
        stored = index._session.store.article_features(list(rows))
        assert stored.keys() == rows.keys()
        assert index._session.store._db.execute("SELECT count(*) FROM traits").fetchone() == (len(rows),)
        for node, own in stored.items():
            assert len(own.features) == len(own.counts) > 0
            assert len(own.neighbours) == len(own.similarities)
            assert node in canonical or not len(own.neighbours)
            assert not set(own.neighbours.tolist()) & (rows.keys() - canonical)
        assert Counter(rows[node].episode for node in canonical) == index._session.state.totals.sizes
        for name, (turn, story) in acknowledged.items():
            found = index.story(index.story_id(name))
            (stored,) = (a for a in found.articles if a.id == name)
            assert stored.text in {texts(name, turn), texts(name, turn + 1)}  # the next may not have been told of
            if turn == 0 and stored.text == texts(name, 0):
                assert index.story(story).id == found.id


@pytest.mark.slow
def test_whatever_moment_it_is_killed_at_nothing_acknowledged_is_lost(tmp_path):
    path, moments = tmp_path / "index.db", random.Random(5)
    bodies = {a.id: a.text for a in dedup.sample_articles("en")}
    acknowledged, turn = {}, 0

    def texts(name, turn):
        return bodies[name] if turn == 0 else f"{bodies[name]} Update {turn}."

    for _ in range(KILLS):
        process = run(INGEST, path, turn)
        assert process.stdout.readline() == "ready\n"
        time.sleep(moments.random() ** 2 * 0.4)
        process.send_signal(signal.SIGKILL)
        lines = process.communicate()[0].splitlines(keepends=True)
        told = [line.split() for line in lines if line.endswith("\n")]  # it may be killed in the middle of one
        for told_turn, name, story in told:
            turn = int(told_turn)
            acknowledged[name] = turn, story
        assert_whole(path, acknowledged, texts)
    assert acknowledged


# One at a time


def test_a_second_index_on_the_same_file_is_refused_until_the_first_is_closed(tmp_path):
    path = tmp_path / "index.db"
    with StoryIndex(path) as index:
        with pytest.raises(RuntimeError, match=r"index\.db is open for writing elsewhere; allowed: one StoryIndex"):
            StoryIndex(path)
        with pytest.raises(RuntimeError, match="allowed"):
            StoryIndex(str(path))
        index.add({"id": "a", "text": TEXT})
    with StoryIndex(path) as index:
        assert len(index) == 1


def test_a_second_name_of_the_same_file_is_refused_too(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "index.db")
    with StoryIndex(tmp_path / "index.db"), pytest.raises(RuntimeError, match="allowed"):
        StoryIndex(tmp_path / "link.db").close()


def test_the_lock_of_another_process_holds_until_that_is_killed(tmp_path):
    path = tmp_path / "index.db"
    process = run("import sys, dedup; i = dedup.StoryIndex(sys.argv[1]); print(1, flush=True); input()", path, stdin=-1)
    assert process.stdout.readline() == "1\n"
    with pytest.raises(RuntimeError, match="is open for writing elsewhere"):
        StoryIndex(path)
    process.kill()
    process.communicate()
    StoryIndex(path).close()


def test_other_processes_read_while_one_writes(tmp_path):
    path = tmp_path / "index.db"
    with StoryIndex(path) as index:
        index.add({"id": "a", "text": TEXT})
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert reader.execute("SELECT id FROM articles").fetchall() == [("a",)]
        with index._session.store.transaction():
            assert reader.execute("SELECT count(*) FROM articles").fetchone() == (1,)
        reader.close()


def test_indexes_in_memory_do_not_exclude_each_other():
    with StoryIndex(":memory:") as one, StoryIndex(":memory:") as other:
        one.add({"id": "a", "text": TEXT})
        assert (len(one), len(other)) == (1, 0)


# What is refused


def other_program(path):
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE mail (subject TEXT)")
    database.execute("INSERT INTO mail VALUES ('hello')")
    database.commit()
    database.close()


def newer_format(path):
    StoryIndex(path).close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    database.close()


def newer_format_of_another_journal(path):
    newer_format(path)
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = DELETE")
    database.close()


def claimed_but_empty(path):
    database = sqlite3.connect(path)
    database.execute("PRAGMA application_id = 77")
    database.close()


REFUSED = [
    (other_program, "is another program's database; allowed: a new file or one that a StoryIndex made"),
    (lambda path: path.write_text("Dear diary, " * 500), "is no database: .*; allowed"),
    (lambda path: path.write_text("Hi"), "is no database: .*; allowed"),
    (newer_format, f"has format {FORMAT + 1}; allowed: {FORMAT}"),
    pytest.param(newer_format_of_another_journal, f"has format {FORMAT + 1}; allowed: {FORMAT}"),
    pytest.param(claimed_but_empty, "is another program's database; allowed"),
]
REFUSED_IDS = ["other program", "text", "short text", "newer", "newer, no WAL", "claimed but empty"]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=REFUSED_IDS)
def test_a_file_of_another_kind_is_refused_and_unharmed(tmp_path, make, message):
    path = tmp_path / "file"
    make(path)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            StoryIndex(path).close()
        assert path.read_bytes() == before


OTHERS = {"story_threshold": 0.2, "near_threshold": 0.8, "recall": 0.9, "num_perm": 64, "shingle_size": 4}


@pytest.mark.parametrize("name", OTHERS)
def test_other_parameters_are_refused_by_name_and_the_file_is_unharmed(tmp_path, name):
    path = tmp_path / "index.db"
    with StoryIndex(path) as index:
        index.add({"id": "a", "text": TEXT})
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"made with {name}=.*, not {OTHERS[name]}; allowed: the same parameters"):
        StoryIndex(path, **{name: OTHERS[name]})
    assert path.read_bytes() == before
    with StoryIndex(path) as index:
        assert len(index) == 1


@pytest.mark.parametrize("same", [{"story_threshold": np.float64(0.12)}, {"num_perm": np.int64(128)}], ids=["f", "i"])
def test_equal_parameters_of_another_type_are_the_same(tmp_path, same):
    StoryIndex(tmp_path / "index.db").close()
    StoryIndex(tmp_path / "index.db", **same).close()


def test_the_file_says_what_it_is(tmp_path):
    StoryIndex(tmp_path / "index.db").close()
    database = sqlite3.connect(tmp_path / "index.db")
    assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert database.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_a_path_where_no_file_can_be_is_a_clear_error(tmp_path):
    for path in (tmp_path / "none" / "index.db", tmp_path):
        with pytest.raises((OSError, ValueError, RuntimeError), match=str(path)):
            StoryIndex(path)


READ_ONLY = """
import os, sys
from dedup import StoryIndex
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    StoryIndex(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("kind", [pytest.param("directory"), pytest.param("file")])
def test_what_may_not_be_written_is_a_clear_error(kind):
    with_index = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    path = with_index / "index.db"
    if kind == "file":
        with StoryIndex(path) as index:
            index.add({"id": "a", "text": TEXT})
    with_index.chmod(0o755)
    said = run(READ_ONLY, path).communicate()[0]
    assert str(path) in said
    assert "elsewhere" not in said
    assert "is no database" not in said
    if kind == "file":
        with StoryIndex(path) as index:
            assert len(index) == 1


def test_a_full_disk_is_an_error_that_loses_nothing(tmp_path):
    sample = [Article(a.id, a.text, published=a.published) for a in dedup.sample_articles("en")]
    with StoryIndex(tmp_path / "index.db") as index:
        index.add_many(sample[:20])
        before = [story.articles for story in index.stories()]
        pages = index._session.store._db.execute("PRAGMA page_count").fetchone()[0]
        index._session.store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(OSError, match=r"index\.db cannot be written: .* full; nothing was stored"):
            index.add_many(sample[20:])
        assert [story.articles for story in index.stories()] == before
        assert index.similar(sample[0])
        index._session.store._db.execute("PRAGMA max_page_count = 100000")
        index.add_many(sample[20:])
    with StoryIndex(tmp_path / "index.db") as index:
        assert len(index) == len(sample)


# Readers


def test_a_reader_sees_what_a_writer_has_acknowledged_and_writes_nothing(tmp_path):
    path = tmp_path / "index.db"
    with StoryIndex(path) as index:
        first = index.add({"id": "a", "text": TEXT})
        with StoryIndex(path, read_only=True) as reader:
            assert len(reader) == 1
            index.add({"id": "b", "text": TEXT})
            assert len(reader) == 2
            assert reader.story_id("b") == first.story_id
            assert [a.id for a in reader.story(first.story_id).articles] == ["a", "b"]
            index.add({"id": "c", "text": "The ECB raised its rates to 4 percent on Thursday."})
            (found,) = reader.similar({"id": "d", "text": "The ECB raised its rates to 4 percent on Thursday."})
            assert found.article_id == "c"
            for write in (
                lambda: reader.add({"id": "e", "text": TEXT}),
                lambda: reader.remove("a"),
                lambda: reader.expire(datetime(2030, 1, 1, tzinfo=UTC)),
            ):
                with pytest.raises(RuntimeError, match="read_only=True; allowed"):
                    write()
        assert len(index) == 3


@pytest.mark.parametrize("made", [False, True])
def test_a_reader_makes_no_file(tmp_path, made):
    path = tmp_path / "index.db"
    if made:
        path.touch()
    with pytest.raises((OSError, ValueError), match="allowed"):
        StoryIndex(path, read_only=True)
    assert path.exists() == made


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_mode(tmp_path):
    path = tmp_path / "stories.db"
    for mode in (0o600, 0o640):
        with StoryIndex(path) as index:
            index.add({"id": str(mode), "text": "Kim is in Russia."})
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        locks = {name: modes.pop(name) for name in list(modes) if ".lock" in name}
        assert "stories.db.lock" in locks
        assert set(locks.values()) == {0o600}
        assert set(modes) == {"stories.db", "stories.db-wal", "stories.db-shm"}
        assert set(modes.values()) == {mode}
        path.chmod(0o640)
