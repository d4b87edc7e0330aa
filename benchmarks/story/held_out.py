"""The settings of the story tier, chosen on five labelled sets and measured on the sixth.

python benchmarks/story_held_out.py DATA [--date 2026-11-22]

Every combination of the prior, the threshold and the weight of character runs in a small grid is run on each set in
DATA; for each set the combination with the best mean BCubed F1 on the other five is what it is measured with. Results
go to results/story_held_out.json.
"""

import argparse
import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from near_race import RESULTS, circumstances, write_results
from worlds import SETS, Article, Labels, load

import dedup
from dedup.metrics import bcubed
from dedup.story import features

PRIORS = 300.0, 400.0, 500.0
THRESHOLDS = 0.115, 0.12, 0.125
RUN_WEIGHTS = 0.5, 0.6

Setting = tuple[float, float, float]


def score(articles: list[Article], gold: Labels, setting: Setting) -> float:
    prior, threshold, run_weight = setting
    share = features.PRIOR_STOP_WORD_ARTICLES / features.PRIOR_ARTICLES
    features.PRIOR_ARTICLES, features.PRIOR_STOP_WORD_ARTICLES = prior, share * prior
    features.FAMILY_WEIGHT = np.array([1, 1, run_weight], dtype=np.float32)
    found = dedup.StoryClusterer(story_threshold=threshold, timezone="UTC").fit(articles).labels_
    return float(bcubed(gold, found).f1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--date", help="date of the run; today if not given")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601 and repeated ids
    sets = [load(given.data, name) for name in SETS]
    grid: list[Setting] = list(itertools.product(PRIORS, THRESHOLDS, RUN_WEIGHTS))
    scores = np.array([[score(articles, gold, setting) for articles, gold in sets] for setting in grid])
    held_out = []
    for k, name in enumerate(SETS):
        best = int(np.delete(scores, k, axis=1).mean(axis=1).argmax())
        held_out.append({"set": name, "setting": grid[best], "f1": float(scores[best, k])})
        print(f"{name:<10}{held_out[-1]['f1']:.4f}  prior, threshold, run weight {grid[best]}")
    best = int(scores.mean(axis=1).argmax())
    means = {"held out": float(np.mean([row["f1"] for row in held_out])), "best on all": float(scores[best].mean())}
    print(f"mean {means['held out']:.4f} held out, {means['best on all']:.4f} with {grid[best]} chosen on all six")
    results: dict[str, Any] = circumstances(given.date, ["numpy", "scipy"])
    results |= {"held_out": held_out, "mean": means, "grid": [list(s) for s in grid], "f1": scores.round(4).tolist()}
    write_results(RESULTS, "story_held_out.json", results)


if __name__ == "__main__":
    main()
