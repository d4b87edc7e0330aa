"""What several writers to one `dedup.StoryIndex` in PostgreSQL cost, beside SQLite with one.

python benchmarks/index_writers.py DATA URL [--live 40000] [--seconds 10] [--date 2026-11-22]

URL is of an empty database, or one whose index may go. The index has `--live` articles of worlds.py; then so many
processes add others for so many seconds, one by one or 50 at once: articles a second, all processes together, and
seconds to open the index, which is to make memory from what is stored. At last 1,000 articles are added at once, and
the earliest three quarters of those of the beginning expire while another process reads: seconds of both, and of the
slowest of the reader's questions.

Everything goes into results/index_writers.json.
"""

import argparse
import itertools
import multiprocessing
import tempfile
import time
import warnings
from datetime import datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg
import worlds
from near_race import RESULTS, circumstances, write_results

import dedup
from dedup import StoryIndex

TURNS = [(1, 1), (1, 50), (2, 1), (2, 50), (4, 1), (4, 50)]


def write(
    path: str, articles: list[worlds.Article], size: int, length: float, barrier: Barrier
) -> tuple[float, int, float]:
    """Seconds to open, articles added, and seconds that took."""
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    with StoryIndex(path, timezone="UTC") as index:
        opening = time.perf_counter() - start
        barrier.wait()
        start, added = time.perf_counter(), 0
        while time.perf_counter() < start + length and added < len(articles):
            added += len(index.add_many(articles[added : added + size]))
        return opening, added, time.perf_counter() - start


def race(path: str, articles: list[worlds.Article], writers: int, size: int, length: float) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(writers) as pool:
        barrier: Any = manager.Barrier(writers)
        tasks = [(path, articles[i::writers], size, length, barrier) for i in range(writers)]
        told = pool.starmap(write, tasks, chunksize=1)
    return {
        "writers": writers,
        "at_once": size,
        "articles_a_second": sum(added for _, added, _ in told) / max(seconds for *_, seconds in told),
        "opening_seconds": max(opening for opening, *_ in told),
    }


def read(path: str, stories: list[str], begun: Any, over: Any) -> list[float]:
    """Seconds that each of its questions took until it is over."""
    warnings.simplefilter("ignore")
    told = []
    with StoryIndex(path, timezone="UTC", read_only=True) as index:
        for story in itertools.cycle(stories):
            if over.is_set():
                break
            start = time.perf_counter()
            index.story(story)
            told.append(time.perf_counter() - start)
            begun.set()
    return told


def expire(path: str, articles: list[worlds.Article], before: datetime) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with StoryIndex(path, timezone="UTC") as index, context.Manager() as manager, context.Pool(1) as pool:
        start = time.perf_counter()
        index.add_many(articles)
        adding = time.perf_counter() - start
        begun, over = manager.Event(), manager.Event()
        stories = [story.id for story in index.stories(limit=200)]
        reading = pool.apply_async(read, (path, stories, begun, over))
        begun.wait()
        start = time.perf_counter()
        expired = index.expire(before)
        expiring = time.perf_counter() - start
        over.set()
        return {
            "added_at_once": len(articles),
            "adding_seconds": adding,
            "expired": expired,
            "expiring_seconds": expiring,
            "slowest_read_seconds": max(reading.get()),
        }


def emptied(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS dedup CASCADE")
    return url


def settings(url: str) -> dict[str, str]:
    """Of the server, what decides on its speed."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
    with psycopg.connect(url) as connection:
        return {name: connection.execute(f"SHOW {name}").fetchall()[0][0] for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("url")
    parser.add_argument("--live", type=int, default=40_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--date", help="date of the run; today if not given")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    articles, _ = worlds.worlds(given.data, given.live + 22_000)
    articles.sort(key=lambda article: article["published"] or "")
    rest, last, rows = articles[given.live : -2000], articles[-2000:], []
    before = datetime.fromisoformat(articles[given.live * 3 // 4]["published"])
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/index.db"
        start = time.perf_counter()
        with StoryIndex(file, timezone="UTC") as index:
            index.add_many(articles[: given.live])
        rows.append({"filling_seconds": time.perf_counter() - start})
        start = time.perf_counter()
        dedup.copy_index(file, emptied(given.url))
        rows.append({"copying_seconds": time.perf_counter() - start})
        turns = [("SQLite", file, 1, 1), ("SQLite", file, 1, 50), *(("PostgreSQL", given.url, *t) for t in TURNS)]
        for number, (name, path, writers, size) in enumerate(turns):
            part = rest[number * len(rest) // len(turns) : (number + 1) * len(rest) // len(turns)]
            rows.append({"store": name} | race(path, part, writers, size, given.seconds))
            print(rows[-1], flush=True)
        for name, path, some in (("SQLite", file, last[:1000]), ("PostgreSQL", given.url, last[1000:])):
            rows.append({"store": name} | expire(path, some, before))
            print(rows[-1], flush=True)
    results = circumstances(given.date, ["dedup-stories", "numpy", "psycopg"])
    about = {"live": given.live, "server": settings(given.url), "rows": rows}
    write_results(RESULTS, "index_writers.json", results | about)


if __name__ == "__main__":
    main()
