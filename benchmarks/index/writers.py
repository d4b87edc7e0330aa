"""What several writers to one `dedup.StoryIndex` in PostgreSQL cost, beside one writer to SQLite.

python -m benchmarks.index.writers DATA URL [--live 40000] [--seconds 10]

URL is that of an empty database, or of one whose index may be deleted. The index has `--live` articles of worlds.py.
Then one, two and four processes add others for `--seconds`, one by one or 50 at once: articles a second, all processes
together, and seconds to open the index, which loads what is stored into memory. In the end 1,000 articles are added at
once, and the earliest three quarters of the first articles expire while another process reads: seconds of both, and of
the reader's slowest query.
"""

import itertools
import multiprocessing
import tempfile
import time
import warnings
from datetime import datetime
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import Article
from benchmarks.corpora.worlds import worlds
from benchmarks.harness import timed
from dedup import StoryIndex

TURNS = [(1, 1), (1, 50), (2, 1), (2, 50), (4, 1), (4, 50)]


def write(path: str, articles: list[Article], size: int, length: float, barrier: Barrier) -> tuple[float, int, float]:
    """Seconds to open the index, the number of articles added, and the seconds to add them."""
    warnings.simplefilter("ignore")
    index, opening = timed(StoryIndex, path, timezone="UTC")
    with index:
        barrier.wait()
        start, added = time.perf_counter(), 0
        while time.perf_counter() < start + length and added < len(articles):
            added += len(index.add_many(articles[added : added + size]))
        return opening, added, time.perf_counter() - start


def race(path: str, articles: list[Article], writers: int, size: int, length: float) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(writers) as pool:
        barrier: Any = manager.Barrier(writers)
        tasks = [(path, articles[i::writers], size, length, barrier) for i in range(writers)]
        found = pool.starmap(write, tasks, chunksize=1)
    return {
        "writers": writers,
        "at_once": size,
        "articles_a_second": sum(added for _, added, _ in found) / max(seconds for *_, seconds in found),
        "opening_seconds": max(opening for opening, *_ in found),
    }


def read(path: str, stories: list[str], begun: Any, over: Any) -> list[float]:
    """Seconds of each query until `over` is set."""
    warnings.simplefilter("ignore")
    found = []
    with StoryIndex(path, timezone="UTC", read_only=True) as index:
        for story in itertools.cycle(stories):
            if over.is_set():
                break
            found.append(timed(index.story, story)[1])
            begun.set()
    return found


def expire(path: str, articles: list[Article], before: datetime) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with StoryIndex(path, timezone="UTC") as index, context.Manager() as manager, context.Pool(1) as pool:
        _, adding = timed(index.add_many, articles)
        begun, over = manager.Event(), manager.Event()
        stories = [story.id for story in index.stories(limit=200)]
        reading = pool.apply_async(read, (path, stories, begun, over))
        begun.wait()
        expired, expiring = timed(index.expire, before)
        over.set()
        return {
            "added_at_once": len(articles),
            "adding_seconds": adding,
            "expired": expired,
            "expiring_seconds": expiring,
            "slowest_read_seconds": max(reading.get()),
        }


def without_index(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS dedup CASCADE")
    return url


def settings(url: str) -> dict[str, str]:
    """The settings of the server that decide its speed."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
    with psycopg.connect(url) as connection:
        return {name: connection.execute(f"SHOW {name}").fetchall()[0][0] for name in names}


def measure(url: str, articles: list[Article], live: int, length: float) -> list[dict[str, Any]]:
    rest, last, rows = articles[live:-2000], articles[-2000:], []
    before = datetime.fromisoformat(articles[live * 3 // 4]["published"])
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/index.db"
        with StoryIndex(file, timezone="UTC") as index:
            rows.append({"filling_seconds": timed(index.add_many, articles[:live])[1]})
        rows.append({"copying_seconds": timed(dedup.copy_index, file, without_index(url))[1]})
        turns = [("SQLite", file, 1, 1), ("SQLite", file, 1, 50), *(("PostgreSQL", url, *turn) for turn in TURNS)]
        for number, (name, path, writers, size) in enumerate(turns):
            part = rest[number * len(rest) // len(turns) : (number + 1) * len(rest) // len(turns)]
            rows.append({"store": name} | race(path, part, writers, size, length))
            print(rows[-1], flush=True)
        for name, path, some in (("SQLite", file, last[:1000]), ("PostgreSQL", url, last[1000:])):
            rows.append({"store": name} | expire(path, some, before))
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("url", help="of a database in PostgreSQL")
    parser.add_argument("--live", type=int, default=40_000)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    results = harness.circumstances(given.date, ["numpy", "psycopg"])
    articles, _ = worlds(given.data, given.live + 22_000)
    articles.sort(key=lambda article: article["published"] or "")
    rows = measure(given.url, articles, given.live, given.seconds)
    about = {"live": given.live, "server": settings(given.url), "rows": rows}
    harness.write_results(given.results, "index_writers", results | about)


if __name__ == "__main__":
    main()
