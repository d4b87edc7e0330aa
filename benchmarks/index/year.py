"""A year of an ingest service: `dedup.StoryIndex` while articles come and expire.

python -m benchmarks.index.year DATA [--days 365] [--rate 1000] [--window 30]

Every day `--rate` articles come in order of publication: 50 of them one by one with `add`, those before and after in
batches of 100 with `add_many`; then those older than `--window` days expire. They are of worlds.py, every 30 days of
other worlds, so that most names of a month never come again (world 0, whose names would, is left out).

a day     milliseconds of one `add`, articles a second of `add_many`, seconds of `expire`; at its end live articles,
          resident memory (VmRSS, Linux) and size of the file
a month   BCubed F1 of the stories that its articles joined when they came ("assigned"), and of the stories that they
          are in a week after its end, or were in before they expired ("settled"). For the first, the middle and the
          last month also the settled F1 of an index that begins half a month before ("fresh"), which shows the effect
          of the months before, and that of StoryClusterer with the articles of the month alone ("batch")

Articles are made, and the comparisons run, between days in fresh processes; articles are in a temporary folder.
Resident memory includes what the script keeps of each article until it is scored: 0.3 kB, of at most 67 days.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import Article, load_all
from benchmarks.corpora.worlds import START, worlds
from benchmarks.harness import timed
from dedup.metrics import bcubed

BATCH, SINGLES = 100, 50
MONTH, WARM_UP, SETTLING, FILES = 30, 15, 7, 60  # days
DAY = "day-{:04}.jsonl"


@dataclass(slots=True)
class Arrival:
    """An article that came, its true story, and the stories that it was in."""

    id: str
    month: int
    gold: str
    assigned: str
    settled: str


Arrivals = dict[int, list[Arrival]]  # by day
Row = tuple[float, int, str, Article]  # when it comes, month, true story, article


def write_month(folder: str, data: str, rate: int, month: int) -> None:
    """Add the articles of a month to the files of the days on which they come."""
    n = MONTH * rate + len(load_all(data)[0])  # world 0
    articles, gold = worlds(data, n, days=MONTH, seed=month + 1)
    shift = timedelta(days=MONTH * month)
    at, days = float(shift.days), defaultdict(list)
    for article, story in zip(articles, gold.tolist(), strict=True):
        if article["published"]:  # one without a date comes right after the one before
            published = datetime.fromisoformat(article["published"]) + shift
            article["published"] = published.isoformat()
            at = (published - START) / timedelta(days=1)
        if not article["id"].startswith("0-"):
            article["id"] = f"{month}-{article['id']}"
            days[int(at)].append((at, month, f"{month}-{story}", article))
    for day, rows in days.items():
        harness.write_jsonl(f"{folder}/{DAY.format(day)}", rows, "a")


def read_day(folder: str, day: int) -> list[Row]:
    return sorted(harness.read_jsonl(f"{folder}/{DAY.format(day)}"), key=lambda row: row[0])


def serve(
    index: dedup.StoryIndex, folder: str, days: Iterable[int], window: int, arrivals: Arrivals
) -> Iterator[dict[str, Any]]:
    """The costs of each day, at its end; `arrivals` grows by its articles."""
    for day in days:
        arrivals[day], costs = take_in(index, read_day(folder, day))
        first = day - window
        # An article without a date expires with the one before it, which may be of the day before.
        for arrival in arrivals.get(first, []) + arrivals.get(first + 1, []):
            arrival.settled = story_of(index, arrival)
        _, costs["expire_seconds"] = timed(index.expire, START + timedelta(days=first + 1))
        yield costs | {"day": day + 1, "live": len(index)}


def take_in(index: dedup.StoryIndex, rows: list[Row]) -> tuple[list[Arrival], dict[str, Any]]:
    """Add the articles of a day; return them and what they cost."""
    found: list[dedup.Assignment] = []
    single, many = [], []
    first = max(0, len(rows) - SINGLES) // 2
    last = min(first + SINGLES, len(rows))
    for i in [*range(0, first, BATCH), *range(first, last), *range(last, len(rows), BATCH)]:
        if first <= i < last:
            assignment, seconds = timed(index.add, rows[i][3])
            found.append(assignment)
            single.append(seconds)
        else:
            batch = [row[3] for row in rows[i : min(i + BATCH, first if i < first else len(rows))]]
            assignments, seconds = timed(index.add_many, batch)
            found += assignments
            many.append(seconds)
    arrivals = [
        Arrival(a.article_id, row[1], row[2], a.story_id, a.story_id) for a, row in zip(found, rows, strict=True)
    ]
    return arrivals, {"singles": single, "batched": len(rows) - len(single), "batched_seconds": sum(many)}


def story_of(index: dedup.StoryIndex, arrival: Arrival) -> str:
    """The story of an article; if it has expired, the one that it was in, by the id that this story has now."""
    with suppress(KeyError):
        return index.story_id(arrival.id)
    with suppress(KeyError):
        return index.story(arrival.settled).id
    return arrival.settled


def score(index: dedup.StoryIndex, arrivals: Arrivals, month: int) -> dict[str, Any]:
    """Scores of the articles of a month; forget the days until its end."""
    own = [arrival for day in arrivals.values() for arrival in day if arrival.month == month]
    for day in [day for day in arrivals if day < MONTH * (month + 1)]:
        del arrivals[day]
    labels = {"assigned": [one.assigned for one in own], "settled": [story_of(index, one) for one in own]}
    return {name: bcubed([one.gold for one in own], found)._asdict() for name, found in labels.items()}


def scored_after(month: int, days: int) -> int:
    """The number of days after which a month is scored."""
    return min(MONTH * (month + 1) + SETTLING, days)


def fresh(folder: str, days: int, window: int, month: int) -> dict[str, Any]:
    """Scores of a month in an index that begins half a month before it."""
    arrivals: Arrivals = {}
    coming = range(max(0, MONTH * month - WARM_UP), scored_after(month, days))
    with tempfile.TemporaryDirectory() as own, dedup.StoryIndex(Path(own) / "fresh.db") as index:
        list(serve(index, folder, coming, window, arrivals))
        return score(index, arrivals, month)


def batch(folder: str, days: int, _: int, month: int) -> dict[str, Any]:
    """Scores of the articles of a month in one batch."""
    coming = range(MONTH * month, scored_after(month, days))
    rows = [row for day in coming for row in read_day(folder, day) if row[1] == month]
    labels = dedup.StoryClusterer().fit([row[3] for row in rows]).labels_
    return {"settled": bcubed([row[2] for row in rows], labels)._asdict()}


def year(given: argparse.Namespace, folder: str) -> dict[str, Any]:
    months = given.days // MONTH
    compared = {0, (months - 1) // 2, months - 1}
    results: dict[str, Any] = {"resident_before_mb": harness.resident_mb(), "daily": [], "months": []}
    arrivals: Arrivals = {}
    with dedup.StoryIndex(Path(folder) / "index.db") as index:
        for costs in serve(index, folder, coming_days(given, folder), given.window, arrivals):
            size = sum(file.stat().st_size for file in Path(folder).glob("index.db*"))
            results["daily"].append(costs | {"resident_mb": harness.resident_mb(), "file_mb": size / 2**20})
            for month in [month for month in range(months) if costs["day"] == scored_after(month, given.days)]:
                row = {"month": month + 1} | summary(results["daily"][MONTH * month : MONTH * (month + 1)])
                row |= score(index, arrivals, month)
                for other in (fresh, batch) if month in compared else ():
                    row[other.__name__] = harness.in_fresh_process(other, folder, given.days, given.window, month)
                results["months"].append(row)
                print(f"month {month + 1} of {months}", flush=True)
    return results | {"daily": [summary([costs]) for costs in results["daily"]]}


def coming_days(given: argparse.Namespace, folder: str) -> Iterator[int]:
    """Days; when a day comes, there is a file of its articles."""
    for day in range(given.days):
        if day % MONTH == 0:
            harness.in_fresh_process(write_month, folder, given.data, given.rate, day // MONTH)
        (Path(folder) / DAY.format(day - FILES)).unlink(missing_ok=True)
        yield day


def summary(days: list[dict[str, Any]]) -> dict[str, float]:
    """Costs of all articles of some days, and the size of the index at their end."""
    singles = [1e3 * value for costs in days for value in costs["singles"]]
    batched, batched_seconds = (sum(costs[key] for costs in days) for key in ("batched", "batched_seconds"))
    return {key: days[-1][key] for key in ("day", "live", "resident_mb", "file_mb")} | {
        "add_median_ms": float(np.median(singles)),
        "add_p99_ms": float(np.percentile(singles, 99)),
        "add_many_a_second": batched / max(batched_seconds, 1e-9),
        "expire_seconds": float(np.median([costs["expire_seconds"] for costs in days])),
        "expire_max_seconds": max(costs["expire_seconds"] for costs in days),
    }


def f1(row: dict[str, Any]) -> dict[str, Any]:
    """A month with its scores reduced to F1."""
    others = {name: row[name]["settled"]["f1"] for name in ("fresh", "batch") if row.get(name)}
    return row | {name: row[name]["f1"] for name in ("assigned", "settled")} | others


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    for option, default in (("--days", 365), ("--rate", 1000), ("--window", 30)):
        parser.add_argument(option, type=int, default=default)
    given = parser.parse_args()
    results = harness.circumstances(given.date, ["numpy"])
    results |= {name: getattr(given, name) for name in ("days", "rate", "window")}
    with tempfile.TemporaryDirectory() as folder:
        results |= year(given, folder)
    harness.show("Months", [f1(row) for row in results["months"]])
    harness.write_results(given.results, "index_year", results)


if __name__ == "__main__":
    main()
