"""`changes` that waits for what others write, and an index in a program of asyncio."""

import asyncio
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from postgres_server import SERVER
from short_reports import BANK, TRAIN
from test_store import run

import dedup
from dedup import StoryIndex


@pytest.fixture(params=["memory", "file", "postgres"])
def place(request, tmp_path):
    url = SERVER.new_database() if request.param == "postgres" else None
    yield {"memory": ":memory:", "file": str(tmp_path / "stories.db"), "postgres": url}[request.param]
    if url:
        SERVER.drop(url)


def timed(work):
    begun = time.monotonic()
    result = work()
    return result, time.monotonic() - begun


def later(work, seconds=0.3):
    thread = threading.Timer(seconds, work)
    thread.start()
    return thread


def test_what_is_there_is_returned_at_once_and_nothing_after_the_time(place):
    with StoryIndex(place) as index:
        found, took = timed(lambda: index.changes(timeout=0.25))
        assert found == []
        assert 0.25 <= took < 5
        index.add({"id": "a", "text": TRAIN})
        found, took = timed(lambda: index.changes(timeout=60))
        assert [change.article_id for change in found] == ["a"]
        assert took < 5
        assert index.changes(1) == []


def test_what_another_thread_writes_ends_the_wait(place):
    with StoryIndex(place) as index:
        index.add({"id": "a", "text": TRAIN})
        adding = later(lambda: index.add({"id": "b", "text": BANK}))
        found, took = timed(lambda: index.changes(1, timeout=60, limit=1))
        adding.join()
        assert [(change.cursor, change.article_id) for change in found] == [(2, "b")]
        assert 0.2 < took < 10


def test_what_changes_nothing_does_not_end_the_wait(place):
    with StoryIndex(place) as index:
        index.add({"id": "a", "text": TRAIN})
        adding = later(lambda: index.add({"id": "a", "text": TRAIN}), 0.1)
        found, took = timed(lambda: index.changes(1, timeout=0.4))
        adding.join()
        assert found == []
        assert took >= 0.4


def test_closing_ends_the_wait(place):
    index = StoryIndex(place)
    closing = later(index.close)
    begun = time.monotonic()
    with pytest.raises(ValueError, match="is closed; allowed: to open another"):
        index.changes(timeout=60)
    closing.join()
    assert time.monotonic() - begun < 10


def test_a_reader_waits_for_what_a_writer_stores(lasting):
    with StoryIndex(lasting) as index, StoryIndex(lasting, read_only=True) as reader:
        adding = later(lambda: index.add({"id": "a", "text": TRAIN}))
        found, took = timed(lambda: reader.changes(timeout=60))
        adding.join()
        assert [change.article_id for change in found] == ["a"]
        assert 0.2 < took < 10
        assert reader.article("a").text == TRAIN


def test_a_writer_waits_for_what_another_one_stores(url):
    with StoryIndex(url) as index, StoryIndex(url) as other:
        adding = later(lambda: other.add({"id": "a", "text": TRAIN}))
        found, took = timed(lambda: index.changes(timeout=20))
        adding.join()
        assert [change.article_id for change in found] == ["a"]
        assert took < 10


WRITER = """
import sys, time
from dedup import StoryIndex
with StoryIndex(sys.argv[1]) as index:
    print("ready", flush=True)
    sys.stdin.readline()
    index.add({"id": "a", "text": "Kim Jong Un boarded his armoured train in Pyongyang."})
"""


def test_another_process_ends_the_wait(lasting):
    process = run(WRITER, lasting, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    with StoryIndex(lasting, read_only=True) as reader:
        adding = later(lambda: process.communicate("go\n"))
        found = reader.changes(timeout=60)
        adding.join()
    assert [change.article_id for change in found] == ["a"]
    assert process.returncode == 0


def test_many_wait_and_each_is_told(place):
    with StoryIndex(place) as index, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(index.changes, timeout=60) for _ in range(8)]
        index.add_many([{"id": "a", "text": TRAIN}, {"id": "b", "text": BANK}])
        for told in waiting:
            assert [change.article_id for change in told.result(30)] == ["a", "b"]


# asyncio, as docs/how-to/service.md has it


def test_the_loop_goes_on_while_one_thread_writes_and_others_ask(sample, tmp_path):
    articles = list(sample[:30])

    async def main():
        with (
            StoryIndex(tmp_path / "stories.db") as index,
            StoryIndex(tmp_path / "stories.db", read_only=True) as reader,
            ThreadPoolExecutor(1) as writer,
        ):
            loop, beats = asyncio.get_running_loop(), []

            async def beat():
                while True:
                    beats.append(time.monotonic())
                    await asyncio.sleep(0.005)

            beating = asyncio.create_task(beat())
            waiting = asyncio.create_task(asyncio.to_thread(reader.changes, timeout=60))
            adding = [loop.run_in_executor(writer, index.add, article) for article in articles]
            asking = [asyncio.to_thread(reader.stories, order_by="size", limit=3) for _ in range(20)]
            pages = await asyncio.gather(*asking)
            added = await asyncio.gather(*adding)
            beating.cancel()
            assert all(len(page) <= 3 for page in pages)
            assert (await waiting)[0].cursor == 1
            assert len(beats) > 20
            return [assignment.story_id for assignment in added], [change.article_id for change in reader.changes()]

    stories, told = asyncio.run(main())
    with StoryIndex(":memory:") as alone:  # one thread writes: in the order in which it was asked to
        assert stories == [alone.add(article).story_id for article in articles]
        assert told == [change.article_id for change in alone.changes()]


def test_what_a_cancelled_task_has_begun_is_stored(tmp_path):
    async def main(index):
        adding = asyncio.create_task(asyncio.to_thread(index.add_many, dedup.sample_articles("fr")))
        while len(index) == 0 and not adding.done():
            await asyncio.sleep(0.001)
            adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding

    with StoryIndex(tmp_path / "stories.db") as index:
        asyncio.run(main(index))  # which waits for its threads
        assert len(index) in (0, len(dedup.sample_articles("fr")))
