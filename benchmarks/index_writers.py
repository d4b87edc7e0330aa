"""What several writers to one `dedup.StoryIndex` in PostgreSQL cost, beside SQLite with one.

python benchmarks/index_writers.py DATA URL [--live 20000] [--seconds 10] [--date 2026-11-22]

URL is of an empty database, or one whose index may go. The index has `--live` articles of
worlds.py; then so many processes add others for so many seconds, one by one or 50 at once: articles a second, all
processes together, and seconds to open the index, which is to make memory from what is stored.

Everything goes into results/index_writers.json.
"""

import argparse
import multiprocessing
import tempfile
import time
import warnings
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


def emptied(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS dedup CASCADE")
    return url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("url")
    parser.add_argument("--live", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--date", help="date of the run; today if not given")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    articles, _ = worlds.worlds(given.data, given.live + 20_000)
    articles.sort(key=lambda article: article["published"] or "")
    rest, rows = articles[given.live :], []
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
    results = circumstances(given.date, ["dedup-stories", "numpy", "psycopg"])
    write_results(RESULTS, "index_writers.json", results | {"live": given.live, "rows": rows})


if __name__ == "__main__":
    main()
