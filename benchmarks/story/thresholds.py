"""What `story_threshold` does: which share of the pairs that come together are right, and of the right ones which do.

python -m benchmarks.story.thresholds DATA

Pairwise precision and recall and BCubed F1, means over the sets of a kind: feeds, in which most articles are alone;
sets of full texts; headlines and leads of news about one topic.
"""

import warnings
from typing import Any

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import load
from dedup.metrics import bcubed, pairwise

KINDS = {
    "feeds": ("feeds_line", "feeds_titles"),
    "full texts": ("basil", "ecb", "vi", "newscope", "mmds", "ground"),
    "headlines": ("allsides", "og_fra", "og_deu"),
}
THRESHOLDS = 0.08, 0.10, 0.12, 0.15, 0.20, 0.30


def measured(folder: str, sets: tuple[str, ...], threshold: float) -> dict[str, float]:
    rows: list[tuple[float, ...]] = []
    for name in sets:
        articles, gold = load(folder, name)
        found = dedup.StoryClusterer(story_threshold=threshold, timezone="UTC").fit(articles).labels_
        pairs = pairwise(gold, found)
        rows.append((pairs.precision, pairs.recall, bcubed(gold, found).f1))
    return dict(zip(("precision", "recall", "f1"), np.mean(rows, axis=0).tolist(), strict=True))


def main() -> None:
    given = harness.parser(__doc__, data=True).parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    rows: list[dict[str, Any]] = [
        {"threshold": threshold, "kind": kind} | measured(given.data, sets, threshold)
        for threshold in THRESHOLDS
        for kind, sets in KINDS.items()
    ]
    harness.show("Precision and recall of pairs, BCubed F1", rows)
    harness.write_results(given.results, "story_thresholds", results | {"rows": rows})


if __name__ == "__main__":
    main()
