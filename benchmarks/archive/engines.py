"""One job of `dedup.archive` on loky, Ray and Dask, a worker killed in the middle of each: are the files the same.

python benchmarks/archive_engines.py [N] [--words 120] [--a-day 10000] [--copies N] [--largest 600]
                                     [--engines loky,ray,dask] [--workers 2] [--kill sketch] [--date 2026-11-21]

N articles (200,000) are made by archive_corpus.py, with those of its options, or `--articles` names a folder of
Parquet files. Each engine is started in a process of its own, with `--workers` worker processes: loky as joblib has
it, Ray as a cluster of so many nodes of one processor each, Dask as a local cluster. Once a part of the stage `--kill`
is finished, the worker that is busiest gets SIGKILL. Then the files of the results are compared byte for byte, and the
exit code is 1 when they differ, or when nothing could be killed. Everything goes into results/archive_engines.json.
Linux only.

pip install "dedup-stories[ray,dask]"
"""

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import joblib
from near_race import RESULTS, available, circumstances, in_own_process, write_results

N = 200_000
PACKAGES = {"loky": ["joblib"], "ray": ["ray"], "dask": ["distributed"]}
PARTS_BEFORE, TICK = 1, 0.02
STARTS = 3  # a node of Ray has 30 seconds to start, which is fixed, and little on a busy machine


# Engines


@contextmanager
def loky(workers: int) -> Iterator[None]:  # noqa: ARG001
    with joblib.parallel_config(backend="loky"):
        yield


@contextmanager
def ray(workers: int) -> Iterator[None]:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    import ray
    from ray.util.joblib import register_ray

    cluster = nodes(workers)
    try:
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        register_ray()
        with joblib.parallel_config(backend="ray"):
            yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def nodes(count: int) -> Any:
    """A cluster of Ray."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    for left in reversed(range(STARTS)):
        cluster = Cluster()
        try:
            cluster.add_node(**node, include_dashboard=False)
            for _ in range(count - 1):
                cluster.add_node(**node)
            break
        except Exception as error:  # which kind Ray does not say
            cluster.shutdown()
            if not left or "timed out during startup" not in str(error):
                raise
    return cluster


@contextmanager
def dask(workers: int) -> Iterator[None]:
    from distributed import Client, LocalCluster

    settings = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        LocalCluster(n_workers=workers, **settings) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        yield


ENGINES: dict[str, Callable[[int], Any]] = {"loky": loky, "ray": ray, "dask": dask}
#: What is in the command line of a worker, but not of its engine's other processes.
WORKERS = {"loky": "popen_loky", "ray": "ray::PoolActor", "dask": "multiprocessing.spawn"}


# A worker that dies


def descendants(pid: int) -> list[int]:
    """All processes that come from one."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found[1:]


def workers_of(engine: str) -> list[int]:
    found = []
    for pid in descendants(os.getpid()):
        with suppress(OSError):
            if WORKERS[engine] in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                found.append(pid)
    return found


def processor_time(pid: int) -> int:
    with suppress(OSError):
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return 0


class Killer(threading.Thread):
    """Kills a worker, the busiest, once some parts of a stage are finished; `killed` has what it did."""

    def __init__(self, engine: str, work: Path, stage: str) -> None:
        super().__init__(daemon=True)
        self._engine, self._folder = engine, work / stage
        self.killed: dict[str, Any] | None = None

    def run(self) -> None:
        """What the thread does."""
        while self._finished() < PARTS_BEFORE:
            time.sleep(TICK)
        before = {pid: processor_time(pid) for pid in workers_of(self._engine)}
        time.sleep(5 * TICK)
        busiest = max(before, key=lambda pid: processor_time(pid) - before[pid])
        finished = self._finished()
        os.kill(busiest, signal.SIGKILL)
        self.killed = {"worker": busiest, "of": len(before), "stage": self._folder.name, "parts_finished": finished}

    def _finished(self) -> int:
        return sum(path.name.isdigit() for path in self._folder.glob("*"))


class Losses(logging.Handler):
    """What the job says of workers that were lost."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.told.append(record.getMessage()[:200])


# One job in a process of its own


def run_once(engine: str, articles: Path, out: Path, workers: int, kill: str) -> dict[str, Any]:
    from dedup import archive

    losses = Losses()
    logging.getLogger("dedup.archive").addHandler(losses)
    killer = Killer(engine, out.with_name(f"{out.name}.work"), kill)
    begin = time.perf_counter()
    with ENGINES[engine](workers):
        started = time.perf_counter()
        killer.start()
        manifest = archive.cluster(sorted(articles.glob("*.parquet")), out, n_jobs=workers)
        seconds = time.perf_counter() - started
    return {
        "seconds_to_start": round(started - begin, 1),
        "seconds": round(seconds, 1),
        "killed": killer.killed,
        "losses": losses.told,
        "counts": manifest["counts"],
        "files": checksums(out),
    }


def checksums(out: Path) -> dict[str, str]:
    """Of every file of the results, the manifest as well: the inputs are the same files."""
    paths = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in paths}


# All of them


def compare(given: argparse.Namespace, names: list[str], folder: Path) -> dict[str, Any]:
    """What came of the job on each engine, and whether it was the same everywhere."""
    articles = given.articles
    if articles is None:
        script = str(Path(__file__).with_name("archive_corpus.py"))
        subprocess.run([sys.executable, script, str(folder), str(given.n), *options_of(given)], check=True)
        articles = folder / "articles"
    runs = {}
    for name in names:
        options = ["--articles", str(articles), "--workers", str(given.workers), "--kill", given.kill]
        run = in_own_process(__file__, "--one", name, "--out", str(folder / name), *options)
        if run:
            runs[name] = run
            print(
                f"{name:<6}{run['seconds']:8.1f} s  killed: {run['killed']}  losses: {len(run['losses'])}", flush=True
            )
    files = [run.pop("files") for run in runs.values()]
    same = len(runs) == len(names) and all(own == files[0] for own in files)
    killed = all(run["killed"] for run in runs.values())
    return {
        "workers": given.workers,
        "corpus": options_of(given),
        "engines": runs,
        "files": files[0] if files else {},
        "same": same,
        "all_killed": killed,
    }


def options_of(given: argparse.Namespace) -> list[str]:
    """What was given of the options of the corpus."""
    named = {"--words": given.words, "--a-day": given.a_day, "--copies": given.copies, "--largest": given.largest}
    return [text for name, value in named.items() if value is not None for text in (name, str(value))]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", nargs="?", type=int, default=N, help="number of articles")
    parser.add_argument("--words", type=int, help="of an article")
    parser.add_argument("--a-day", type=int, help="articles")
    parser.add_argument("--copies", type=int, help="of the story that has most")
    parser.add_argument("--largest", type=int, help="articles of any other story")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill", default="sketch", help="stage in which a worker is killed")
    parser.add_argument("--articles", type=Path, help="folder of Parquet files to use")
    parser.add_argument("--folder", type=Path, help="where to put everything; a temporary one if not given")
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for archive_engines.json")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.one:
        print(json.dumps(run_once(given.one, given.articles, given.out, given.workers, given.kill)))
        return
    names = available(given.engines.split(","), PACKAGES)
    results = circumstances(given.date, {package for name in names for package in PACKAGES[name]} | {"pyarrow"})
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        results |= compare(given, names, Path(folder))
    print("the same files, byte for byte" if results["same"] else "NOT the same files")
    write_results(given.results, "archive_engines.json", results)
    if not (results["same"] and results["all_killed"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
