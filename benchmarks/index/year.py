"""A year of an ingest service: `dedup.StoryIndex` while articles come and expire.

python benchmarks/index_year.py DATA [--days 365] [--rate 1000] [--window 30] [--date 2026-11-22]

Every day `--rate` articles come in order of publication: 50 of them one by one with `add`, those before and after in
batches of 100 with `add_many`; then those older than `--window` days expire. They are of worlds.py, every 30 days of
other worlds, so that most names of a month never come again (world 0, which would, is left out).

a day     milliseconds of one `add`, articles a second of `add_many`, seconds of `expire`; at its end live articles,
          resident memory (VmRSS, Linux) and size of the file
a month   BCubed F1 of the stories that its articles were put into when they came ("assigned"), and of those that they
          are in a week after its end, or were in before they expired ("settled"). For the first, the middle and the
          last month also, settled, that of an index that begins half a month before ("fresh"), which tells what the
          months before do to it, and that of StoryClusterer with the month's articles alone ("batch")

Articles are made, and the others run, between days in processes of their own; they wait in a temporary folder. What the
script remembers of them until they are judged is in the resident memory, 0.3 kB each, of 67 days at most. Everything
goes into results/index_year.json, which index_report.py draws.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import index_report
import numpy as np
import worlds
from index_speed import resident_kb, seconds
from near_race import RESULTS, circumstances, in_own_process, write_results

import dedup
from dedup.metrics import bcubed

BATCH, SINGLES = 100, 50
MONTH, WARM_UP, SETTLING, FILES = 30, 15, 7, 60  # days
DAY = "day-{:04}.jsonl"


@dataclass(slots=True)
class Told:
    """An article that came."""

    id: str
    month: int
    gold: str
    assigned: str
    settled: str


Given = argparse.Namespace
Diary = dict[int, list[Told]]  # by day
Row = tuple[float, int, str, worlds.Article]  # when it comes, month, true story, article


def write_month(given: Given) -> None:
    """Add a month's articles to the files of the days on which they come."""
    n = MONTH * given.rate + len(worlds.as_they_are(given.data)[0])  # world 0
    articles, gold = worlds.worlds(given.data, n, days=MONTH, seed=given.month + 1)
    shift = timedelta(days=MONTH * given.month)
    at, days = float(shift.days), defaultdict(list)
    for article, story in zip(articles, gold.tolist(), strict=True):
        if article["published"]:  # one without a date comes right after the one before
            published = datetime.fromisoformat(article["published"]) + shift
            article["published"] = published.isoformat()
            at = (published - worlds.START) / timedelta(days=1)
        if not article["id"].startswith("0-"):
            article["id"] = f"{given.month}-{article['id']}"
            days[int(at)].append((at, given.month, f"{given.month}-{story}", article))
    for day, rows in days.items():
        with open(given.folder / DAY.format(day), "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_day(given: Given, day: int) -> list[Row]:
    with open(given.folder / DAY.format(day), encoding="utf-8") as lines:
        return sorted(map(json.loads, lines), key=lambda row: row[0])


def serve(index: dedup.StoryIndex, given: Given, days: Iterable[int], diary: Diary) -> Iterator[dict[str, Any]]:
    for day in days:
        diary[day], figures = take_in(index, read_day(given, day))
        first = day - given.window
        # An article without a date goes with the one before it, which may be of the day before.
        for told in diary.get(first, []) + diary.get(first + 1, []):
            told.settled = story_of(index, told)
        before = worlds.START + timedelta(days=first + 1)
        figures["expire_seconds"] = seconds(lambda: index.expire(before))  # noqa: B023 (called at once)
        yield figures | {"day": day + 1, "live": len(index)}


def take_in(index: dedup.StoryIndex, rows: list[Row]) -> tuple[list[Told], dict[str, Any]]:
    found: list[dedup.Assignment] = []
    single, many = [], []
    first = max(0, len(rows) - SINGLES) // 2
    last = min(first + SINGLES, len(rows))
    for i in [*range(0, first, BATCH), *range(first, last), *range(last, len(rows), BATCH)]:
        if first <= i < last:
            single.append(seconds(lambda: found.append(index.add(rows[i][3]))))  # noqa: B023
        else:
            batch = [row[3] for row in rows[i : min(i + BATCH, first if i < first else len(rows))]]
            many.append(seconds(lambda: found.extend(index.add_many(batch))))  # noqa: B023
    told = [Told(a.article_id, row[1], row[2], a.story_id, a.story_id) for a, row in zip(found, rows, strict=True)]
    return told, {"singles": single, "batched": len(rows) - len(single), "batched_seconds": sum(many)}


def story_of(index: dedup.StoryIndex, told: Told) -> str:
    """The story of an article; when it has expired, the one that it was in, by its id of today."""
    with suppress(KeyError):
        return index.story_id(told.id)
    with suppress(KeyError):
        return index.story(told.settled).id
    return told.settled


def judge(index: dedup.StoryIndex, diary: Diary, month: int) -> dict[str, Any]:
    """Scores of a month's articles that have come; the days until its end are forgotten."""
    told = [told for cohort in diary.values() for told in cohort if told.month == month]
    for day in [day for day in diary if day < MONTH * (month + 1)]:
        del diary[day]
    labels = {"assigned": [one.assigned for one in told], "settled": [story_of(index, one) for one in told]}
    return {name: bcubed([one.gold for one in told], found)._asdict() for name, found in labels.items()}


def judged_on(month: int, days: int) -> int:
    """After how many days a month is judged."""
    return min(MONTH * (month + 1) + SETTLING, days)


def run_fresh(given: Given) -> dict[str, Any]:
    diary: Diary = {}
    days = range(max(0, MONTH * given.month - WARM_UP), judged_on(given.month, given.days))
    with tempfile.TemporaryDirectory() as folder, dedup.StoryIndex(Path(folder) / "fresh.db") as index:
        list(serve(index, given, days, diary))
        return judge(index, diary, given.month)


def run_batch(given: Given) -> dict[str, Any]:
    days = range(MONTH * given.month, judged_on(given.month, given.days))
    rows = [row for day in days for row in read_day(given, day) if row[1] == given.month]
    labels = dedup.StoryClusterer().fit([row[3] for row in rows]).labels_
    return {"settled": bcubed([row[2] for row in rows], labels)._asdict()}


def year(given: Given) -> dict[str, Any]:
    months = given.days // MONTH
    compared = {0, (months - 1) // 2, months - 1}
    results: dict[str, Any] = {"resident_before_mb": resident_kb() / 1024, "daily": [], "months": []}
    diary: Diary = {}
    with dedup.StoryIndex(given.folder / "index.db") as index:
        for figures in serve(index, given, coming_days(given), diary):
            size = sum(file.stat().st_size for file in given.folder.glob("index.db*"))
            results["daily"].append(figures | {"resident_mb": resident_kb() / 1024, "file_mb": size / 2**20})
            for month in [month for month in range(months) if figures["day"] == judged_on(month, given.days)]:
                row = {"month": month + 1} | summary(results["daily"][MONTH * month : MONTH * (month + 1)])
                row |= judge(index, diary, month)
                row |= {other: in_child(given, other, month) for other in ("fresh", "batch") if month in compared}
                results["months"].append(row)
                print(index_report.line(row), flush=True)
    return results | {"daily": [summary([figures]) for figures in results["daily"]]}


def coming_days(given: Given) -> Iterator[int]:
    """Days; when one comes, there is a file of its articles."""
    for day in range(given.days):
        if day % MONTH == 0:
            in_child(given, "write", day // MONTH)
        (given.folder / DAY.format(day - FILES)).unlink(missing_ok=True)
        yield day


def in_child(given: Given, work: str, month: int) -> Any:
    return in_own_process(__file__, *sys.argv[1:], "--work", work, "--month", str(month), "--folder", str(given.folder))


def summary(days: list[dict[str, Any]]) -> dict[str, float]:
    """Costs of all articles of some days, and what there is at their end."""
    singles = [1e3 * value for figures in days for value in figures["singles"]]
    batched, batched_seconds = (sum(figures[key] for figures in days) for key in ("batched", "batched_seconds"))
    return {key: days[-1][key] for key in ("day", "live", "resident_mb", "file_mb")} | {
        "add_median_ms": float(np.median(singles)),
        "add_p99_ms": float(np.percentile(singles, 99)),
        "add_many_a_second": batched / max(batched_seconds, 1e-9),
        "expire_seconds": float(np.median([figures["expire_seconds"] for figures in days])),
        "expire_max_seconds": max(figures["expire_seconds"] for figures in days),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the labelled sets")
    for option, default in (("--days", 365), ("--rate", 1000), ("--window", 30)):
        parser.add_argument(option, type=int, default=default)
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for index_year.json")
    for option, kind in (("--work", str), ("--month", int), ("--folder", Path)):
        parser.add_argument(option, type=kind, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        print(json.dumps({"write": write_month, "fresh": run_fresh, "batch": run_batch}[given.work](given)))
        return
    results = circumstances(given.date, ["numpy"]) | {name: getattr(given, name) for name in ("days", "rate", "window")}
    print(index_report.HEAD, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        given.folder = Path(folder)
        results |= year(given)
    write_results(given.results, "index_year.json", results)
    index_report.draw(results, given.results / "index_year.svg")


if __name__ == "__main__":
    main()
