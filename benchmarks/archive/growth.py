"""How time, memory and disk of `dedup.archive.cluster` grow with the archive.

python -m benchmarks.archive.growth [--articles 200000,2000000] [--jobs 2] [--limit-gb GB] [--folder FOLDER]

Each archive is generated (see corpora/archive.py), with 10,000 articles a day and one story with 200,000 copies
(a tenth of all articles if that is less). It is clustered in a fresh process with `--jobs` loky workers, from
Parquet files to Parquet files. The clock is around the call.

Memory is sampled every 0.2 seconds, of each process: private memory (USS: what would be free without it) and resident
memory (RSS: with libraries and file pages that others have too); of all together the sum of proportional memory (PSS:
what is shared counts once). Peaks are of the job as a whole and of each stage. Disk is that of the working folder,
sampled every 2 seconds: the most at once, and what all stages wrote. A stage lasts until the next begins; the time of
the last one includes the writing of the results. Its processor time is that of its parts, and of the longest of them.

`--limit-gb` runs the job in a control group of Linux with that much memory for all processes together, including the
pages of files that they read and write; a process that needs more is killed. Only root may make one.

BCubed is against the labels of the generator, for stories and for copies: made-up words say nothing of quality, but
show that it does not fall as the archive grows. A million articles take about 10 GB of disk, in a temporary folder.
"""

import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow.parquet as pq

from benchmarks import harness
from benchmarks.archive.watch import Sample, processor_seconds, stages_begun, watch
from benchmarks.corpora import archive as generated
from dedup import archive
from dedup.metrics import bcubed


def generate(folder: str, n: int) -> None:
    generated.write(Path(folder), n)


def job(folder: str, jobs: int) -> dict[str, Any]:
    """Cluster a corpus; the log says when each stage began."""
    handler = logging.FileHandler(f"{folder}/log")
    handler.setFormatter(logging.Formatter("%(created)f %(message)s"))
    logger = logging.getLogger("dedup.archive")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    with joblib.parallel_config(backend="loky"):
        begin = time.time()
        manifest = archive.cluster(f"{folder}/articles/*.parquet", f"{folder}/out", work=f"{folder}/work", n_jobs=jobs)
        end = time.time()
    return {"begin": begin, "end": end, "counts": manifest["counts"]}


def run(folder: Path, n: int, jobs: int, limit_gb: float | None) -> dict[str, Any] | None:
    """Generate, cluster and score an archive of `n` articles."""
    harness.in_fresh_process(generate, folder, n)
    log = folder / "log"
    seen = watch(harness.command_for(job, folder, jobs), log, folder / "work", limit_gb)
    if seen is None:
        return None
    begin, end, samples, disk = seen.printed["begin"], seen.printed["end"], seen.samples, seen.disk
    return {
        "articles": n,
        "seconds": end - begin,
        "microseconds_an_article": 1e6 * (end - begin) / n,
        "input_mb": sum(path.stat().st_size for path in (folder / "articles").iterdir()) / 2**20,
        "work_mb": max(sum(each.values()) for each in disk),
        "written_mb": sum(max(each.get(stage, 0.0) for each in disk) for stage in set().union(*disk)),
        "worker_mb": max(s.worker for s in samples),
        "worker_rss_mb": max(s.worker_rss for s in samples),
        "runner_mb": max(s.runner for s in samples),
        "together_mb": max(s.together for s in samples),
        "losses": log.read_text().count("workers were lost"),
        "counts": seen.printed["counts"],
        "processor_seconds": sum(total for total, _ in processor_seconds(log).values()),
        "stages": of_stages(stages_begun(log), end, samples, processor_seconds(log)),
        **quality(folder),
    }


def of_stages(
    begun: list[tuple[float, str]], end: float, samples: list[Sample], processor: dict[str, tuple[float, float]]
) -> dict[str, dict[str, float]]:
    """Seconds, processor time and peaks of each stage."""
    found: dict[str, dict[str, float]] = {}
    for (start, name), stop in zip(begun, [*(start for start, _ in begun[1:]), end], strict=True):
        stage = found.setdefault(name, {"seconds": 0.0})
        stage["seconds"] += stop - start
    for name, stage in found.items():
        own = [s for s in samples if s.stage == name]
        stage["processor_seconds"], stage["longest_part_seconds"] = processor.get(name, (0.0, 0.0))
        stage["worker_mb"] = max((s.worker for s in own), default=0.0)
        stage["together_mb"] = max((s.together for s in own), default=0.0)
    return found


def quality(folder: Path) -> dict[str, Any]:
    """BCubed of stories and copies against the labels of the generator."""
    true = pq.read_table(folder / "labels.parquet").sort_by("id")
    found = pq.read_table(folder / "out" / "assignments", columns=["id", "story_id", "near_duplicate_group"])
    found = found.sort_by("id")
    if not found["id"].equals(true["id"]):
        raise ValueError("the articles found are not those that were there")
    stories = found["story_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    true_stories = true["story"].to_numpy()
    return {
        "stories": bcubed(true_stories, stories)._asdict()
        | {"found": int(stories.max()) + 1, "true": len(np.unique(true_stories))},
        "copies": bcubed(true["text"].to_numpy(), found["near_duplicate_group"].to_numpy())._asdict(),
    }


def show(runs: list[dict[str, Any]]) -> None:
    scores = [{"story F1": run["stories"]["f1"], "copy F1": run["copies"]["f1"]} for run in runs]
    plain = [{key: value for key, value in run.items() if not isinstance(value, dict)} for run in runs]
    harness.show("Archives", [a | b for a, b in zip(plain, scores, strict=True)])
    for run in runs:
        rows = [{"stage": name} | stage for name, stage in run["stages"].items()]
        harness.show(f"Stages of {run['articles']:,} articles", rows)


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--articles", type=harness.numbers, default=[200_000, 2_000_000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit-gb", type=float, help="memory of all processes together; no limit by default")
    parser.add_argument("--folder", type=Path, help="where there is room for a temporary folder")
    given = parser.parse_args()
    results = harness.circumstances(given.date, ["numpy", "scipy", "pyarrow", "joblib"])
    runs: list[dict[str, Any]] = []
    results |= {"jobs": given.jobs, "limit_gb": given.limit_gb, "time_an_article_over_the_first": {}, "runs": runs}
    for n in given.articles:
        # Each archive is deleted before the next one is generated.
        with tempfile.TemporaryDirectory(dir=given.folder, prefix="archive-growth-") as folder:
            found = run(Path(folder) / "corpus", n, given.jobs, given.limit_gb)
        if found:
            runs.append(found)
            ratio = found["microseconds_an_article"] / runs[0]["microseconds_an_article"]
            results["time_an_article_over_the_first"][str(n)] = ratio
            show(runs)
            harness.write_results(given.results, "archive_growth", results)


if __name__ == "__main__":
    main()
