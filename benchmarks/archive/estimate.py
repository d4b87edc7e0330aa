"""What `dedup.archive` would need for more articles than were measured, from what archive_growth.py measured.

python benchmarks/archive_estimate.py [--cores 64]

For each stage: hours of one core, and memory of its largest worker. Time is that of an article at the largest size
measured, times articles: nothing grows faster at a given number of articles a day. Memory grows along the line through
the smallest and the largest size where a task keeps numbers of all articles; in the other stages it depends on a
slice, on the articles of nine days or on the largest story, and stays. Stages of one task, or of tasks that follow one
another, keep one core busy and all others waiting: their hours are on the clock.
"""

import argparse
import json
from itertools import chain
from typing import Any, NamedTuple

from near_race import RESULTS

SIZES = 100_000_000, 1_000_000_000
CORES = 64

#: One task, or one after the other.
ALONE = "order", "collect", "plan", "copies", "group", "stories"

#: Whose tasks hold numbers of all articles. (What was measured of "slices" is what "order" had left in its process.)
GROWING = "order", "collect", "sketch", "band", "merge", "plan", "copies", "stories", "tell", "assign"


class Need(NamedTuple):
    """What a stage needs: hours of a core, hours on the clock if it is alone, memory of its largest worker in GB."""

    core_hours: float
    alone_hours: float
    worker_gb: float


def measured() -> dict[str, Any]:
    """What was measured last."""
    found: dict[str, Any] = json.loads((RESULTS / "archive_growth.json").read_text(encoding="utf-8"))
    return found


def needs(results: dict[str, Any], articles: int) -> dict[str, Need]:
    """What each stage needs for so many articles."""
    runs = sorted(results["runs"], key=lambda run: run["articles"])
    small, large = runs[0], runs[-1]
    found = {}
    for stage, own in large["stages"].items():
        hours = own["seconds"] / large["articles"] * articles / 3600
        memory = own["worker_mb"]
        if stage in GROWING:
            less = small["stages"][stage]["worker_mb"]
            memory += max(0.0, memory - less) / (large["articles"] - small["articles"]) * (articles - large["articles"])
        alone = stage in ALONE
        found[stage] = Need(hours if alone else hours * results["jobs"], hours if alone else 0.0, memory / 1024)
    return found


class Total(NamedTuple):
    """What the job needs: hours of a core, hours on the clock, TB written from stage to stage and at once on disk."""

    core_hours: float
    hours: float
    written_tb: float
    work_tb: float


def total(results: dict[str, Any], articles: int, cores: int) -> Total:
    """What the job needs with so many cores."""
    found = needs(results, articles).values()
    large = max(results["runs"], key=lambda run: run["articles"])
    core_hours, alone = sum(need.core_hours for need in found), sum(need.alone_hours for need in found)
    written, work = (large[name] / large["articles"] * articles / 1024**2 for name in ("written_mb", "work_mb"))
    return Total(core_hours, (core_hours - alone) / cores + alone, written, work)


def total_rows(results: dict[str, Any], cores: int = CORES) -> list[list[str]]:
    """A table: a row for each size."""
    lines = []
    for articles in SIZES:
        own = total(results, articles, cores)
        disk = f"{own.written_tb:,.1f} TB", f"{own.work_tb:,.1f} TB"
        lines.append([f"{articles:,}", f"{own.core_hours:,.0f}", f"{own.hours:,.0f}", *disk])
    return lines


def rows(results: dict[str, Any]) -> list[list[str]]:
    """A table: a row for each stage, for each size its core hours and its largest worker."""
    by_size = [needs(results, articles) for articles in SIZES]
    lines = []
    for stage in by_size[0]:
        own = [found[stage] for found in by_size]
        cells = [(f"{need.core_hours:,.1f}", f"{need.worker_gb:,.1f} GB") for need in own]
        lines.append([stage + " (alone)" * (stage in ALONE), *chain.from_iterable(cells)])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=CORES)
    given = parser.parse_args()
    results = measured()
    for row in rows(results):
        print("  ".join([f"{row[0]:<16}", *(f"{cell:>12}" for cell in row[1:])]))
    heads = ["articles", "core hours", f"hours on {given.cores} cores", "written", "at once"]
    for row in [heads, *total_rows(results, given.cores)]:
        print("  ".join(f"{cell:>18}" for cell in row))


if __name__ == "__main__":
    main()
