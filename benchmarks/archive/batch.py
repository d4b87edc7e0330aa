"""Whether `dedup.archive.cluster` has the answer of `dedup.cluster`, and what it takes to begin an index with it.

python benchmarks/archive_batch.py DATA [--sizes 50000,100000] [--date 2026-11-22]

For each size so many articles of worlds.py, told over 30 days, in four files. Near-duplicate groups, the pairs of them
with their similarities, and representatives are the same or not; stories are told by BCubed, of one against the other
and of each against the labels; memberships by the largest difference. At last a `StoryIndex` in a file begins with the
stories of the last seven days of the archive. Seconds are of one run. Everything goes into results/archive_batch.json.
"""

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet as pq
import worlds
from near_race import RESULTS, circumstances, write_results

import dedup
from dedup import Article, StoryIndex, archive
from dedup.arrays import numbered_by_first
from dedup.metrics import bcubed

FILES, DAYS, LATEST = 4, 30, 7
Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    begin = time.perf_counter()
    return work(), round(time.perf_counter() - begin, 1)


def compare(data: Path, n: int, folder: Path) -> dict[str, Any]:
    """Both, and how they differ."""
    articles, labels = worlds.worlds(data, n, DAYS)
    for i in range(FILES):
        lines = (json.dumps(article) + "\n" for article in articles[i::FILES])
        (folder / f"{i}.jsonl").write_text("".join(lines), "utf-8")
    manifest, archive_seconds = timed(lambda: archive.cluster(folder / "*.jsonl", folder / "out", timezone="UTC"))
    stories, batch_seconds = timed(lambda: dedup.cluster(articles, timezone="UTC"))
    table = pq.read_table(folder / "out" / "assignments")
    place = {name: i for i, name in enumerate(table["id"].to_pylist())}
    found = table.take([place[article.id] for article in stories.articles])
    of_archive = found["story_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    groups = numbered_by_first(found["near_duplicate_group"].to_numpy())
    shown = np.flatnonzero(found["is_representative"].to_numpy())
    since = worlds.START + timedelta(days=DAYS - LATEST)
    index, index_seconds = timed(
        lambda: StoryIndex.from_stories(folder / "stories.db", archive.read(folder / "out", since=since))
    )
    with index:
        taken = len(index)
    return {
        "articles": n,
        "slices": manifest["counts"]["slices"],
        "same_near_duplicate_groups": bool((groups == stories.near_duplicate_labels).all()),
        "same_pairs": pairs_of(folder / "out") == pairs_in_memory(stories.articles),
        "same_representatives": set(shown.tolist()) == set(stories.representative_indices.tolist()),
        "membership_difference": float(np.abs(found["membership"].to_numpy() - stories.membership).max()),
        "agreement": bcubed(stories.labels, of_archive).f1,
        "archive_f1": bcubed(labels, of_archive).f1,
        "batch_f1": bcubed(labels, stories.labels).f1,
        "archive_seconds": archive_seconds,
        "batch_seconds": batch_seconds,
        "index_articles": taken,
        "index_seconds": index_seconds,
    }


Pair = tuple[str, str, float, float]


def pairs_of(out: Path) -> set[Pair]:
    """The pairs that the archive verified."""
    table = pq.read_table(out / "near_duplicates")
    columns = (table[name].to_pylist() for name in ("id", "other_id", "jaccard", "containment"))
    return {(min(a, b), max(a, b), *similarity) for a, b, *similarity in zip(*columns, strict=True)}


def pairs_in_memory(articles: Sequence[Article]) -> set[Pair]:
    """Those of `dedup.near_duplicates`."""
    found = dedup.near_duplicates(articles, cut_residue=True)
    names = [[articles[i].id for i in pair] for pair in found.pairs.tolist()]
    both = zip(names, found.jaccard.tolist(), found.containment.tolist(), strict=True)
    return {(min(pair), max(pair), *similarity) for pair, *similarity in both}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sizes", default="50000,100000")
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for archive_batch.json")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # dates that nobody can read
    results = circumstances(given.date, {"numpy", "pyarrow", "scipy"}) | {"runs": []}
    for n in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            results["runs"].append(compare(given.data, n, Path(folder)))
        print(json.dumps(results["runs"][-1], indent=1), flush=True)
    write_results(given.results, "archive_batch.json", results)


if __name__ == "__main__":
    main()
