"""What `dedup.archive` would need for more articles than were measured, from the results of growth.py.

python -m benchmarks.archive.estimate [--cores 64]

For each stage: hours of one core, and memory of its largest worker. Time is the processor time of an article at the
largest size measured, multiplied by the articles: nothing grows faster at a given number of articles a day. Reading and
writing takes none, and is in the terabytes. Memory grows along the line through the smallest and the largest size where
a task keeps numbers of all articles; in the other stages it depends on a slice, on the articles of 14 days or on the
largest story, and stays. A stage of few parts keeps as many cores busy while all others wait: its hours are divided by
its parts at most.
"""

from itertools import chain
from typing import Any, NamedTuple

from benchmarks import harness

SIZES = 100_000_000, 1_000_000_000
CORES = 64

#: Stages of one task, or of tasks that follow one another.
ALONE = "order", "collect", "plan", "copies", "group", "episodes", "stories"

#: Parts of stages with few: a band each; forests of two of them, in a tree of four levels.
FEW_PARTS = dict.fromkeys(ALONE, 1) | {"band": 13, "merge": 3}

#: Stages whose tasks hold numbers of all articles. ("slices" does not: its memory is what "order" left in the process.)
GROWING = "collect", "sketch", "band", "merge", "plan", "copies", "group", "episodes", "stories"


class Need(NamedTuple):
    """What a stage needs: hours of a core, hours on the clock on some cores, and GB of memory of its largest worker."""

    core_hours: float
    hours: float
    worker_gb: float


def needs(results: dict[str, Any], articles: int, cores: int) -> dict[str, Need]:
    """What each stage needs for a number of articles."""
    runs = sorted(results["runs"], key=lambda run: run["articles"])
    small, large = runs[0], runs[-1]
    found = {}
    for stage, own in large["stages"].items():
        hours = processor_seconds(stage, own, results["jobs"]) / large["articles"] * articles / 3600
        memory = own["worker_mb"]
        if stage in GROWING:
            less = small["stages"][stage]["worker_mb"]
            memory += max(0.0, memory - less) / (large["articles"] - small["articles"]) * (articles - large["articles"])
        found[stage] = Need(hours, hours / min(cores, FEW_PARTS.get(stage, cores)), memory / 1024)
    return found


def processor_seconds(stage: str, own: dict[str, float], jobs: int) -> float:
    """Processor time of a stage; of older results that do not have it, as if all workers had been busy."""
    return own.get("processor_seconds", own["seconds"] * min(jobs, FEW_PARTS.get(stage, jobs)))


class Total(NamedTuple):
    """What the job needs: hours of a core, hours on the clock, TB written between stages, TB on disk at once."""

    core_hours: float
    hours: float
    written_tb: float
    work_tb: float


def total(results: dict[str, Any], articles: int, cores: int) -> Total:
    """What the job needs on a number of cores."""
    found = needs(results, articles, cores).values()
    large = max(results["runs"], key=lambda run: run["articles"])
    core_hours, hours = (sum(getattr(need, name) for need in found) for name in ("core_hours", "hours"))
    written, work = (large[name] / large["articles"] * articles / 1024**2 for name in ("written_mb", "work_mb"))
    return Total(core_hours, hours, written, work)


def total_rows(results: dict[str, Any], cores: int = CORES) -> list[list[str]]:
    """A row for each size."""
    lines = []
    for articles in SIZES:
        own = total(results, articles, cores)
        disk = f"{own.written_tb:,.1f} TB", f"{own.work_tb:,.1f} TB"
        lines.append([f"{articles:,}", f"{own.core_hours:,.0f}", f"{own.hours:,.1f}", *disk])
    return lines


def stage_rows(results: dict[str, Any]) -> list[list[str]]:
    """A row for each stage; for each size its core hours and its largest worker."""
    by_size = [needs(results, articles, CORES) for articles in SIZES]
    lines = []
    for stage in by_size[0]:
        own = [found[stage] for found in by_size]
        cells = [(f"{need.core_hours:,.1f}", f"{need.worker_gb:,.1f} GB") for need in own]
        lines.append([stage + " (alone)" * (stage in ALONE), *chain.from_iterable(cells)])
    return lines


def main() -> None:
    parser = harness.parser(__doc__, results=False)
    parser.add_argument("--cores", type=int, default=CORES)
    given = parser.parse_args()
    results = harness.read_results(harness.RESULTS, "archive_growth")
    heads = ["stage", *(f"{n:,}: {column}" for n in SIZES for column in ("core hours", "worker"))]
    harness.show("Stages", [dict(zip(heads, row, strict=True)) for row in stage_rows(results)])
    heads = ["articles", "core hours", f"hours on {given.cores} cores", "written", "at once"]
    harness.show("Totals", [dict(zip(heads, row, strict=True)) for row in total_rows(results, given.cores)])


if __name__ == "__main__":
    main()
