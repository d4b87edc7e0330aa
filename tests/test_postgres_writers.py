"""StoryIndex in PostgreSQL with several processes that write, which are killed, as is the server."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from postgres_server import SERVER
from postgres_writers import Writers, assert_whole, check_memory

import dedup
from dedup import StoryIndex

KILLS = int(os.environ.get("KILLS", "20"))
TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."


@pytest.fixture(scope="module")
def process():
    made = Writers()
    yield made
    made.close()


@pytest.fixture
def writers(process, url):
    process.told = []
    return process


def told_by(index):
    return [(story.id, story.articles, story.near_duplicates) for story in index.stories()]


# Several at once


@pytest.mark.slow
def test_three_processes_make_the_stories_that_one_would(url, writers, sample):
    running = [writers.start(url, part, 3, 40, does="fill") for part in range(3)]
    for _ in running:
        writers.read_until("ready")
    with StoryIndex(url) as index, StoryIndex(":memory:") as alone:
        first = {"id": "first", "text": TEXT}
        index.add(first)
        for _ in running:
            writers.read_until("filled")
        store = index._session.store
        came = [row.id for _, row in sorted(store.rows(store.nodes_before(np.inf)).items())][1:]
        places = {article.id: place for place, article in enumerate(sample)}
        turns = np.array([places[name] % 3 for name in came])
        assert len(came) == 120
        assert np.count_nonzero(np.diff(turns)) > 20  # they did take turns
        alone.add(first)
        alone.add_many([sample[places[name]] for name in came])
        assert told_by(index) == told_by(alone)
        check_memory(index)
    writers.kill(*running)


@pytest.mark.slow
def test_two_processes_write_and_one_reads(url, writers):
    running = [writers.start(url, part, 2) for part in range(2)]
    writers.read_until("ready")
    counts, written, stop = [], set(), time.monotonic() + 3
    with StoryIndex(url, read_only=True) as reader:
        while time.monotonic() < stop or len(written) <= 20:  # on a busy machine that takes longer
            written.add(writers.read_until("done")[1])
            stories = reader.stories()
            counts.append(sum(map(len, stories)))
            assert all(story.representative in story.articles for story in stories)
            reader.similar(dedup.sample_articles("en")[0])
        check_memory(reader)
    writers.kill(*running)
    assert not writers.lines("failed")
    assert counts[-1] > counts[0]
    assert_whole(url, writers.told)


def test_several_that_make_the_schema_at_once_make_one(url, writers):
    running = [writers.start(url, part, 3) for part in range(3)]
    for _ in running:
        writers.read_until("ready")
    writers.kill(*running)


# Kills


@pytest.mark.slow
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
    assert writers.lines("done")
    assert not writers.lines("failed")
    assert_whole(url, writers.told)


def test_of_a_writer_killed_while_it_holds_the_lock_nothing_is_stored_and_the_next_one_writes(url, writers, sample):
    with StoryIndex(url) as index, ThreadPoolExecutor(1) as pool:
        index.add_many(sample[:20])
        stories = told_by(index)
        holder = writers.start(url, does="hold")
        writers.read_until("held")
        with StoryIndex(url, read_only=True) as reader:  # who reads does not wait
            assert told_by(reader) == stories
            assert reader.similar(sample[0])
        waiting = pool.submit(index.add, {"id": "next", "text": TEXT})
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        writers.kill(holder)
        assert waiting.result(30).article_id == "next"
        assert len(index) == 21
        check_memory(index)


def test_when_the_server_is_killed_nothing_acknowledged_is_lost_and_all_go_on(url, writers):
    with StoryIndex(url) as index:
        index.add({"id": "before", "text": TEXT})
        running = [writers.start(url, part, 3) for part in range(3)]
        for _ in range(3):
            for _ in range(12):
                writers.read_until("done")
            SERVER.kill()
            with pytest.raises(OSError, match=r"PostgreSQL database 'test.*(nothing was stored|cannot be reached)"):
                index.add({"id": "meanwhile", "text": TEXT})
            with pytest.raises(OSError, match="PostgreSQL database"):
                len(index)
            for _ in running:
                writers.read_until("failed")
            SERVER.start()
            assert index.story_id("before")
            with pytest.raises(KeyError):
                index.story_id("meanwhile")
            check_memory(index)
        assert index.add({"id": "after", "text": TEXT}).near_duplicate_of == "before"
        for _ in range(12):
            writers.read_until("done")
        writers.kill(*running)
        check_memory(index)
        assert index.remove("before")
        assert index.remove("after")
    assert_whole(url, writers.told)
