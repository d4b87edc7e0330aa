"""Whether `dedup.archive.cluster` gives the stories of `dedup.cluster`, and the cost of an index that begins with them.

python -m benchmarks.archive.batch DATA [--sizes 50000,100000]

For each size that many articles of worlds.py, over 30 days, in four files. Compared are near-duplicate groups, their
pairs with similarities, and representatives (the same or not), stories (BCubed of one against the other and of each
against the labels) and memberships (the largest difference). In the end a `StoryIndex` in a file begins with the
stories of the last seven days of the archive. Seconds are of one run.
"""

import tempfile
import warnings
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import dedup
from benchmarks import harness
from benchmarks.corpora.worlds import START, worlds
from benchmarks.harness import timed
from dedup import Article, StoryIndex, archive
from dedup.arrays import numbered_by_first
from dedup.metrics import bcubed

FILES, DAYS, LATEST = 4, 30, 7

Pair = tuple[str, str, float, float]


def compare(data: Path, n: int, folder: Path) -> dict[str, Any]:
    """Cluster `n` articles in both ways, and compare the results."""
    articles, labels = worlds(data, n, DAYS)
    for i in range(FILES):
        harness.write_jsonl(folder / f"{i}.jsonl", articles[i::FILES])
    out = folder / "out"
    manifest, archive_seconds = timed(archive.cluster, folder / "*.jsonl", out, timezone="UTC")
    stories, batch_seconds = timed(dedup.cluster, articles, timezone="UTC")
    table = pq.read_table(out / "assignments")
    place = {name: i for i, name in enumerate(table["id"].to_pylist())}
    found = table.take([place[article.id] for article in stories.articles])
    of_archive = found["story_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    groups = numbered_by_first(found["near_duplicate_group"].to_numpy())
    shown = np.flatnonzero(found["is_representative"].to_numpy())
    since = START + timedelta(days=DAYS - LATEST)
    index, index_seconds = timed(lambda: StoryIndex.from_stories(folder / "stories.db", archive.read(out, since=since)))
    with index:
        taken = len(index)
    return {
        "articles": n,
        "slices": manifest["counts"]["slices"],
        "same_near_duplicate_groups": bool((groups == stories.near_duplicate_labels).all()),
        "same_pairs": pairs_of(out) == pairs_in_memory(stories.articles),
        "same_representatives": set(shown.tolist()) == set(stories.representative_indices.tolist()),
        "membership_difference": float(np.abs(found["membership"].to_numpy() - stories.membership).max()),
        "agreement": bcubed(stories.labels, of_archive).f1,
        "archive_f1": bcubed(labels, of_archive).f1,
        "batch_f1": bcubed(labels, stories.labels).f1,
        "archive_seconds": round(archive_seconds, 1),
        "batch_seconds": round(batch_seconds, 1),
        "index_articles": taken,
        "index_seconds": round(index_seconds, 1),
    }


def pairs_of(out: Path) -> set[Pair]:
    """The pairs that the archive verified."""
    table = pq.read_table(out / "near_duplicates")
    columns = (table[name].to_pylist() for name in ("left", "right", "jaccard", "containment"))
    return {(min(a, b), max(a, b), *similarity) for a, b, *similarity in zip(*columns, strict=True)}


def pairs_in_memory(articles: Sequence[Article]) -> set[Pair]:
    """The pairs of `dedup.near_duplicates`."""
    found = dedup.near_duplicates(articles, cut_residue=True)
    names = [[articles[i].id for i in pair] for pair in found.pairs.tolist()]
    both = zip(names, found.jaccard.tolist(), found.containment.tolist(), strict=True)
    return {(min(pair), max(pair), *similarity) for pair, *similarity in both}


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--sizes", type=harness.numbers, default=[50_000, 100_000])
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    results = harness.circumstances(given.date, ["numpy", "pyarrow", "scipy"]) | {"runs": []}
    for n in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            results["runs"].append(compare(given.data, n, Path(folder)))
        harness.show(f"{n:,} articles", [{"": name, "value": value} for name, value in results["runs"][-1].items()])
    harness.write_results(given.results, "archive_batch", results)


if __name__ == "__main__":
    main()
