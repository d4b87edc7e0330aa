"""The settings of the story tier, chosen on five labelled sets and measured on the sixth.

python -m benchmarks.story.held_out DATA

Every combination of the prior, the threshold and the weight of character runs in a small grid runs on each set. Each
set is then measured with the combination that has the best mean BCubed F1 on the other five.
"""

import itertools
import warnings

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import SETS, Article, Labels, load
from dedup.metrics import bcubed
from dedup.story import weighting

PRIORS = 300.0, 400.0, 500.0
THRESHOLDS = 0.115, 0.12, 0.125
RUN_WEIGHTS = 0.5, 0.6

Setting = tuple[float, float, float]


def score(articles: list[Article], gold: Labels, setting: Setting) -> float:
    prior, threshold, run_weight = setting
    share = weighting.PRIOR_STOP_WORD_ARTICLES / weighting.PRIOR_ARTICLES
    weighting.PRIOR_ARTICLES, weighting.PRIOR_STOP_WORD_ARTICLES = prior, share * prior
    weighting.FAMILY_WEIGHT = np.array([1, 1, run_weight], dtype=np.float32)
    found = dedup.StoryClusterer(story_threshold=threshold, timezone="UTC").fit(articles).labels_
    return float(bcubed(gold, found).f1)


def main() -> None:
    given = harness.parser(__doc__, data=True).parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601 and repeated ids
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    sets = [load(given.data, name) for name in SETS]
    grid: list[Setting] = list(itertools.product(PRIORS, THRESHOLDS, RUN_WEIGHTS))
    scores = np.array([[score(articles, gold, setting) for articles, gold in sets] for setting in grid])
    held_out = []
    for k, name in enumerate(SETS):
        best = int(np.delete(scores, k, axis=1).mean(axis=1).argmax())
        held_out.append({"set": name, "setting": grid[best], "f1": float(scores[best, k])})
    harness.show("Setting: prior, threshold, weight of character runs", held_out)
    best = int(scores.mean(axis=1).argmax())
    means = {"held out": float(np.mean([row["f1"] for row in held_out])), "best on all": float(scores[best].mean())}
    harness.show(f"Means; best on all: {grid[best]}", [means])
    results |= {"held_out": held_out, "mean": means, "grid": [list(s) for s in grid], "f1": scores.round(4).tolist()}
    harness.write_results(given.results, "story_held_out", results)


if __name__ == "__main__":
    main()
