"""How time, memory and disk of `dedup.archive.cluster` grow with the archive.

python benchmarks/archive_growth.py [--articles 200000 2000000] [--jobs 2] [--limit-gb GB] [--folder FOLDER]
                                    [--date 2026-11-22]

Each archive is made by archive_corpus.py, at 10,000 articles a day and with one story of which there are 200,000 copies
(a tenth of all articles if that is less), and clustered in a process of its own with as many loky workers as `--jobs`
says, from Parquet files to Parquet files. The clock is around the call.

Memory is sampled every 0.2 seconds, of each process: private memory (USS: what would be free without it) and resident
memory (RSS: with libraries and file pages that others have too); of all together the sum of proportional memory (PSS:
what is shared counts once). Peaks are of the job as a whole and of each stage. Disk is that of the working folder,
sampled every 2 seconds: the most at once, and what all stages wrote. A stage lasts until the next begins; the last one
has the publishing of the tables with it.

`--limit-gb` runs the job in a control group of Linux with so much memory for all processes together and the pages of
files that they read and write; what needs more is killed. Only root may make one.

BCubed is against what the generator meant, of stories and of copies: made-up words say nothing of quality, but that it
does not fall as the archive grows. About 10 GB of disk for a million articles, in a temporary folder. Everything goes
into results/archive_growth.json.
"""

import argparse
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import archive_corpus
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from near_race import RESULTS, circumstances, write_results

MEMORY_EVERY, DISK_EVERY = 0.2, 2.0
CONTROL_GROUPS = Path("/sys/fs/cgroup")


class Sample(NamedTuple):
    """Memory at a moment, in MB: of the process that conducts, of the largest worker, and of all together."""

    time: float
    stage: str
    conductor: float
    worker: float
    worker_rss: float
    together: float


# The job, in a process of its own


def job(corpus: Path, log: Path, jobs: int) -> None:
    """Cluster a corpus; the log says when each stage began."""
    import joblib

    from dedup import archive

    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(created)f %(message)s"))
    logger = logging.getLogger("dedup.archive")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    with joblib.parallel_config(backend="loky"):
        begin = time.time()
        manifest = archive.cluster(f"{corpus}/articles/*.parquet", corpus / "out", work=corpus / "work", n_jobs=jobs)
        end = time.time()
    print(json.dumps({"begin": begin, "end": end, "counts": manifest["counts"]}))


def stages(log: Path) -> list[tuple[float, str]]:
    """When each stage began so far."""
    lines = log.read_text().splitlines() if log.exists() else []
    found = [re.match(r"([\d.]+) (\w+): \d+ parts to make", line) for line in lines]
    return [(float(match[1]), match[2]) for match in found if match]


def losses(log: Path) -> int:
    return log.read_text().count("workers were lost")


# What it takes


def memory(pid: int) -> dict[str, float]:
    """MB of a process by kind; nothing of one that has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return {"uss": 0.0, "pss": 0.0, "rss": 0.0}
    sizes = {name: int(size) / 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    private = sizes.get("Private_Clean", 0.0) + sizes.get("Private_Dirty", 0.0)
    return {"uss": private, "pss": sizes.get("Pss", 0.0), "rss": sizes.get("Rss", 0.0)}


def descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from descendants(child)


def sample(conductor: int, stage: str) -> Sample:
    workers = [memory(pid) for pid in descendants(conductor)]
    own = memory(conductor)
    together = own["pss"] + sum(worker["pss"] for worker in workers)
    largest = {kind: max((worker[kind] for worker in workers), default=0.0) for kind in ("uss", "rss")}
    return Sample(time.time(), stage, own["uss"], largest["uss"], largest["rss"], together)


def disk_mb(work: Path) -> dict[str, float]:
    """What the files of each stage take."""
    found: dict[str, float] = {}
    for root, _, names in os.walk(work):
        stage = Path(root).relative_to(work).parts[:1]
        for name in names:
            with suppress(OSError):  # a draft that has just got its name
                size = os.stat(os.path.join(root, name)).st_size / 2**20
                found["".join(stage)] = found.get("".join(stage), 0.0) + size
    return found


class Watch(NamedTuple):
    """A job that is over."""

    told: dict[str, Any]
    samples: list[Sample]
    disk: list[dict[str, float]]


def watch(corpus: Path, jobs: int, limit_gb: float | None) -> Watch | None:
    """Run the job, and see what it takes; None and a printed line when it fails."""
    log, errors = corpus / "log", corpus / "errors"
    command = [sys.executable, __file__, "--job", str(corpus), "--jobs", str(jobs)]
    with errors.open("w") as file, limited(limit_gb) as join:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, preexec_fn=join)
        samples: list[Sample] = []
        disk, looked = [], 0.0
        while process.poll() is None:
            begun = stages(log)
            samples.append(sample(process.pid, begun[-1][1] if begun else "begin"))
            if time.time() - looked > DISK_EVERY:
                disk.append(disk_mb(corpus / "work"))
                looked = time.time()
            time.sleep(MEMORY_EVERY)
    if process.returncode:
        print(f"failed: {errors.read_text().strip().splitlines()[-1:]}", flush=True)
        return None
    return Watch(json.loads(process.stdout.read().splitlines()[-1]), samples, disk)


@contextmanager
def limited(gb: float | None) -> Iterator[Callable[[], Any] | None]:
    """What a process calls to be limited, with all that it starts."""
    if gb is None:
        yield None
        return
    first = CONTROL_GROUPS / "memory"  # of version 1; in version 2 there is one tree for all kinds
    group = (first if first.exists() else CONTROL_GROUPS) / f"archive_growth_{os.getpid()}"
    group.mkdir()
    try:
        limit = group / ("memory.limit_in_bytes" if first.exists() else "memory.max")
        limit.write_text(str(int(gb * 2**30)))
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        while left := (group / "cgroup.procs").read_text().split():  # workers of a job that was killed
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(MEMORY_EVERY)
        group.rmdir()


# Runs


def run(folder: Path, n: int, jobs: int, limit_gb: float | None) -> dict[str, Any] | None:
    """An archive of `n` articles."""
    corpus = folder / str(n)
    script = [sys.executable, archive_corpus.__file__, str(corpus), str(n)]
    subprocess.run(script, check=True, stdout=subprocess.DEVNULL)
    seen = watch(corpus, jobs, limit_gb)
    if seen is None:
        return None
    begin, end, samples = seen.told["begin"], seen.told["end"], seen.samples
    inputs = sum(path.stat().st_size for path in (corpus / "articles").iterdir()) / 2**20
    return {
        "articles": n,
        "seconds": end - begin,
        "microseconds_an_article": 1e6 * (end - begin) / n,
        "input_mb": inputs,
        "work_mb": max(sum(each.values()) for each in seen.disk),
        "written_mb": sum(max(each.get(stage, 0.0) for each in seen.disk) for stage in set().union(*seen.disk)),
        "worker_mb": max(s.worker for s in samples),
        "worker_rss_mb": max(s.worker_rss for s in samples),
        "conductor_mb": max(s.conductor for s in samples),
        "together_mb": max(s.together for s in samples),
        "losses": losses(corpus / "log"),
        "counts": seen.told["counts"],
        "stages": of_stages(stages(corpus / "log"), end, samples),
        **quality(corpus),
    }


def of_stages(begun: list[tuple[float, str]], end: float, samples: list[Sample]) -> dict[str, dict[str, float]]:
    """Seconds and peaks of each stage."""
    found: dict[str, dict[str, float]] = {}
    for (start, name), stop in zip(begun, [*(start for start, _ in begun[1:]), end], strict=True):
        stage = found.setdefault(name, {"seconds": 0.0})
        stage["seconds"] += stop - start
    for name, stage in found.items():
        own = [s for s in samples if s.stage == name]
        stage["worker_mb"] = max((s.worker for s in own), default=0.0)
        stage["together_mb"] = max((s.together for s in own), default=0.0)
    return found


def quality(corpus: Path) -> dict[str, Any]:
    """BCubed of stories and copies against what the generator meant."""
    from dedup.metrics import bcubed

    true = pq.read_table(corpus / "labels.parquet").sort_by("id")
    found = pq.read_table(corpus / "out" / "assignments", columns=["id", "story_id", "near_duplicate_group"])
    found = found.sort_by("id")
    if not found["id"].equals(true["id"]):
        raise ValueError("the articles found are not those that were there")
    stories = numbered(found["story_id"])
    return {
        "stories": bcubed(true["story"].to_numpy(), stories)._asdict()
        | {"found": int(stories.max()) + 1, "true": len(np.unique(true["story"].to_numpy()))},
        "copies": bcubed(true["text"].to_numpy(), found["near_duplicate_group"].to_numpy())._asdict(),
    }


def numbered(names: pa.ChunkedArray) -> Any:
    return names.combine_chunks().dictionary_encode().indices.to_numpy()


def show(results: dict[str, Any]) -> None:
    runs = results["runs"]
    print(f"\n{results['jobs']} workers, memory: {results['limit_gb'] or 'all'} GB")
    print("articles   seconds  us/article  worker MB  RSS MB  conductor MB  together MB  work MB  story F1  copy F1")
    for r in runs:
        print(
            f"{r['articles']:<10,}{r['seconds']:8.0f}{r['microseconds_an_article']:12.0f}{r['worker_mb']:11.0f}"
            f"{r['worker_rss_mb']:8.0f}{r['conductor_mb']:14.0f}{r['together_mb']:13.0f}{r['work_mb']:9.0f}"
            f"{r['stories']['f1']:10.3f}{r['copies']['f1']:9.3f}"
        )
    print("\nstage     " + "".join(f"{r['articles']:>12,}: us/article  worker MB  together MB" for r in runs))
    for name in runs[-1]["stages"] if runs else ():
        cells = []
        for r in runs:
            stage = r["stages"].get(name, {"seconds": 0.0, "worker_mb": 0.0, "together_mb": 0.0})
            each = 1e6 * stage["seconds"] / r["articles"]
            cells.append(f"{each:24.1f}{stage['worker_mb']:11.0f}{stage['together_mb']:13.0f}")
        print(f"{name:<10}" + "".join(cells))
    for n, ratio in results["time_an_article_over_the_first"].items():
        print(f"time an article at {int(n):,} / that at {runs[0]['articles']:,}: {ratio:.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="+", default=[200_000, 2_000_000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit-gb", type=float, help="memory of all processes together; no limit if not given")
    parser.add_argument("--folder", type=Path, help="where there is room for a temporary folder")
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for archive_growth.json")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.job:
        job(given.job, given.job / "log", given.jobs)
        return
    results = circumstances(given.date, ["numpy", "scipy", "pyarrow", "joblib"])
    results |= {"jobs": given.jobs, "limit_gb": given.limit_gb}
    results |= {"time_an_article_over_the_first": {}, "runs": []}
    runs = results["runs"]
    for n in given.articles:
        # Each archive is gone before the next one comes.
        with tempfile.TemporaryDirectory(dir=given.folder, prefix="archive-growth-") as folder:
            found = run(Path(folder), n, given.jobs, given.limit_gb)
        if found:
            runs.append(found)
            each = found["microseconds_an_article"] / runs[0]["microseconds_an_article"]
            results["time_an_article_over_the_first"][str(n)] = each
            show(results)
            write_results(given.results, "archive_growth.json", results)


if __name__ == "__main__":
    main()
