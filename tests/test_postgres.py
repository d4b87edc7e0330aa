"""StoryIndex in PostgreSQL: several writers, kills of a writer and of the server, and what is refused."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from postgres_server import SERVER
from test_index import remembered

import dedup
from dedup import Article, StoryIndex
from dedup.stream.ledger import Ledger

ROOT = Path(dedup.__file__).parents[1]
KILLS = int(os.environ.get("KILLS", "20"))
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "PYTHONIOENCODING": "utf-8"}
TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."

# Starts writers and kills them; a writer adds, updates and removes articles of its own, for ever, and says what was
# acknowledged, each line in one piece.
WRITERS = """
import os, random, signal, sys
from dedup import Article, StoryIndex, sample_articles

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def is_stored(work):
    try:
        work()
    except OSError as error:
        say("#", str(error).splitlines()[-1])
        return False
    return True

def write(url, part, parts, turn):
    rng, index = random.Random(turn * parts + part), StoryIndex(url)
    say("ready")
    while True:
        turn += 1
        some = sample_articles("en")[part::parts]
        rng.shuffle(some)
        while some:
            few = [some.pop() for _ in range(min(len(some), rng.choice([1, 1, 1, 4])))]
            if rng.random() < 0.1:
                say("?", few[0].id)
                if is_stored(lambda: index.remove(few[0].id)):
                    say("-", few[0].id)
            few = [Article(a.id, f"{a.text} Update {turn % 3}.", title=a.title, published=a.published) for a in few]
            if is_stored(lambda: index.add_many(few)):
                for a in few:
                    say("+", a.id, turn % 3)

for line in sys.stdin:
    command, *words = line.split()
    if command == "start":
        url, *numbers = words
        process = os.fork()
        if not process:
            write(url, *map(int, numbers))
        say("started", process)
    else:
        os.kill(int(words[0]), signal.SIGKILL)
        os.waitpid(int(words[0]), 0)
        say("killed")
"""


class Writers:
    """Processes that write; what they said is true whenever they end."""

    def __init__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", WRITERS], env=ENVIRONMENT, **pipes)
        self.told = []

    def start(self, url, part=0, parts=1, turn=0):
        self.process.stdin.write(f"start {url} {part} {parts} {turn}\n")
        self.process.stdin.flush()
        return int(self.read_until("started")[1])

    def kill(self, writer):
        self.process.stdin.write(f"kill {writer}\n")
        self.process.stdin.flush()
        self.read_until("killed")

    def read_until(self, sign):
        while True:
            self.told.append(self.process.stdout.readline().split())
            if self.told[-1][0] == sign:
                return self.told[-1]

    def close(self):
        self.process.communicate()
        assert self.process.returncode == 0


@pytest.fixture(scope="module")
def process():
    made = Writers()
    yield made
    made.close()


@pytest.fixture
def writers(process):
    process.told = []
    return process


@pytest.fixture
def url():
    made = SERVER.new_database()
    yield made
    SERVER.drop(made)


@pytest.fixture
def durable_server():
    """One that writes to the disk, for as long as it is killed."""
    SERVER.start_once()
    SERVER.stop("fast")
    SERVER.start(fsync="on")
    yield SERVER
    SERVER.stop("fast")
    SERVER.start(fsync="off")


def texts(article_id, turn):
    (text,) = (a.text for a in dedup.sample_articles("en") if a.id == article_id)
    return f"{text} Update {turn}."


def assert_whole(url, told):
    """What was acknowledged is there, or what came after it, which may not have been told of; nothing by halves."""
    with StoryIndex(url) as index:
        check_memory(index)
        store = index._store
        rows = store.rows(store.before(np.inf))
        known = {a.id: a.text for story in index.stories() for a in story.articles}
        assert len(rows) == len(index) == len(known)
        last = {line[1]: line for line in told if line[0] in "+-?"}
        for name, (sign, _, *turn) in last.items():
            assert name in known or sign in "-?"  # a removal that was begun may have been stored
            if name in known and turn:
                assert known[name] in {texts(name, int(turn[0])), texts(name, (int(turn[0]) + 1) % 3)}
        for row in rows.values():
            assert rows[row.speaker].story == row.story
            assert rows[row.speaker].speaker == row.speaker
        assert store.traits(list(rows)).keys() == rows.keys()
        assert store._one("SELECT count(*) FROM dedup.contents") == (len(rows),)


def check_memory(index):
    """Memory that caught up is what it would be if all were read again."""
    with index._reading(memory=True):
        assert remembered(index._ledger) == remembered(Ledger(index._store, index._settings))


# Several at once


def test_what_two_write_in_turns_is_what_one_would_have_written(url, sample):
    rng = random.Random(3)
    articles = list(sample[:120])
    with StoryIndex(":memory:") as alone, StoryIndex(url) as first, StoryIndex(url) as second:
        while articles:
            index = rng.choice([first, second])
            few, articles = articles[: (n := rng.choice([1, 2, 7]))], articles[n:]
            assert index.add_many(few) == alone.add_many(few)
            if rng.random() < 0.2:
                assert index.remove(few[0].id) == alone.remove(few[0].id)
            if rng.random() < 0.1:
                check_memory(first)
                check_memory(second)
        moment = sorted(a.published for a in sample[:120] if a.published)[20]
        assert second.expire(moment) == alone.expire(moment)
        assert first.refine(moment) == alone.refine(moment)
        assert second.similar(sample[100]) == alone.similar(sample[100])
        check_memory(first)
        check_memory(second)
        told = [[(story.id, story.articles) for story in index.stories()] for index in (alone, first, second)]
        assert told[0] == told[1] == told[2]


def test_two_processes_write_and_one_reads(url, writers):
    running = [writers.start(url, part, 2) for part in range(2)]
    writers.read_until("ready")
    counts, stop = [], time.monotonic() + 3
    with StoryIndex(url, read_only=True) as reader:
        while time.monotonic() < stop:
            stories = reader.stories()
            counts.append(sum(map(len, stories)))
            assert all(story.representative in story.articles for story in stories)
            reader.similar(dedup.sample_articles("en")[0])
        check_memory(reader)
    for writer in running:
        writers.kill(writer)
    assert not [line for line in writers.told if line[0] == "#"]
    assert len({line[1] for line in writers.told if line[0] == "+"}) > 20
    assert counts[-1] > counts[0]
    assert_whole(url, writers.told)


def test_a_reader_is_not_held_up_by_a_transaction(url):
    with StoryIndex(url) as index, StoryIndex(url, read_only=True) as reader:
        index.add({"id": "a", "text": TEXT})
        with index._store.transaction():
            index._store.delete([1])
            assert len(reader) == 1
            assert reader.story_id("a") == "s1"
        assert len(reader) == 0
        with pytest.raises(RuntimeError, match="read_only=True; allowed"):
            reader.add({"id": "b", "text": TEXT})


# Kills


def test_whatever_moment_a_writer_is_killed_at_nothing_acknowledged_is_lost(url, writers):
    moments = random.Random(5)
    with StoryIndex(url) as beside:
        for turn in range(KILLS):
            writer = writers.start(url, turn % 2, 2, turn)
            writers.read_until("ready")
            time.sleep(moments.random() * 0.3)
            writers.kill(writer)
            assert beside.add({"id": "beside", "text": f"{TEXT} {turn}"})  # no lock is left
            if turn % 5 == 0:
                check_memory(beside)
        beside.remove("beside")
    assert [line for line in writers.told if line[0] == "+"]
    assert not [line for line in writers.told if line[0] == "#"]
    assert_whole(url, writers.told)


def test_when_the_server_is_killed_nothing_acknowledged_is_lost_and_the_next_add_works(durable_server, url, writers):
    with StoryIndex(url) as index:
        index.add({"id": "before", "text": TEXT})
        writer = writers.start(url)
        for _ in range(2):
            for _ in range(9):
                writers.read_until("+")
            durable_server.stop("immediate")
            with pytest.raises(OSError, match=r"PostgreSQL database 'test.*(nothing was stored|cannot be opened)"):
                index.add({"id": "meanwhile", "text": TEXT})
            with pytest.raises(OSError, match="PostgreSQL database"):
                len(index)
            writers.read_until("#")
            durable_server.start(fsync="on")
            assert index.story_id("before")
            with pytest.raises(KeyError):
                index.story_id("meanwhile")
        assert index.add({"id": "after", "text": TEXT}).near_duplicate_of == "before"
        writers.read_until("+")  # it went on
        writers.kill(writer)
        check_memory(index)
        assert index.remove("before")
        assert index.remove("after")
    assert_whole(url, writers.told)


def test_a_connection_lost_in_the_middle_of_a_transaction_stores_nothing(url):
    with StoryIndex(url) as index:
        index.add({"id": "a", "text": TEXT})

        def cut(*_):
            index._store._read("SELECT pg_terminate_backend(pg_backend_pid())")

        insert, index._store.insert = index._store.insert, cut
        with pytest.raises(OSError, match="nothing was stored"):
            index.add({"id": "b", "text": TEXT})
        index._store.insert = insert
        assert len(index) == 1
        assert index.add({"id": "b", "text": TEXT}).near_duplicate_of == "a"
        check_memory(index)


def test_a_connection_lost_between_two_calls_is_not_noticed(url):
    with StoryIndex(url) as index, StoryIndex(url) as other:
        index.add({"id": "a", "text": TEXT})
        other._store._read(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() "
            "AND datname = current_database()"
        )
        assert index.add({"id": "b", "text": TEXT}).near_duplicate_of == "a"


# What is stored, and what is refused


NAMES = ["a\x00b", "a\x00c", "", "é", "e\u0301", "https://example.org/" + "x" * 100_000, "京" * 3000]


def test_ids_and_sources_of_any_length_with_any_character_come_back(url):
    with StoryIndex(url) as index:
        index.add_many([{"id": n, "text": f"{TEXT}\x00 {i}", "source": n} for i, n in enumerate(NAMES)])
    with StoryIndex(url, read_only=True) as index:
        articles = {a.id: a for story in index.stories() for a in story.articles}
        assert set(articles) == set(NAMES)
        assert all(articles[n].text == f"{TEXT}\x00 {i}" for i, n in enumerate(NAMES))
        assert all(articles[n].source in {n, None} for n in NAMES)


def execute(url, statement):
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


REFUSED = [
    ("CREATE SCHEMA dedup; CREATE TABLE dedup.mail (subject TEXT)", "another program's schema 'dedup'; allowed"),
    ("CREATE SCHEMA dedup; CREATE TABLE dedup.about (a TEXT)", "another program's schema 'dedup'; allowed"),
]


@pytest.mark.parametrize(("statement", "message"), REFUSED)
def test_a_schema_of_another_program_is_refused(url, statement, message):
    execute(url, statement)
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            StoryIndex(url)


def test_a_newer_format_other_parameters_and_nothing_to_read_are_refused(url):
    with pytest.raises(ValueError, match="is empty; allowed"):
        StoryIndex(url, read_only=True)
    execute(url, "CREATE SCHEMA dedup")  # as an administrator may have done
    StoryIndex(url).close()
    with pytest.raises(ValueError, match=r"made with recall=.*, not 0.9; allowed: the same parameters"):
        StoryIndex(url, recall=0.9)
    execute(url, "UPDATE dedup.about SET format = 99")
    with pytest.raises(ValueError, match="has format 99; allowed: 1"):
        StoryIndex(url)


@pytest.mark.parametrize("wrong", ["postgresql://u:secret@/none?host=/nowhere", "postgresql://u:secret@h:port:x/d"])
def test_where_there_is_no_server_the_error_does_not_tell_the_password(wrong):
    pytest.importorskip("psycopg")
    with pytest.raises((OSError, ValueError), match="allowed") as caught:
        StoryIndex(wrong)
    assert "secret" not in str(caught.value)


def test_several_that_make_the_schema_at_once_make_one(url, writers):
    running = [writers.start(url, part, 3) for part in range(3)]
    for _ in running:
        writers.read_until("ready")
    for writer in running:
        writers.kill(writer)


def test_after_closing_every_question_is_an_error(url):
    index = StoryIndex(url)
    index.close()
    index.close()
    with pytest.raises(ValueError, match="is closed; allowed"):
        index.add(Article("a", TEXT))
    with pytest.raises(ValueError, match="is closed; allowed"):
        len(index)
