"""Tune story_threshold with labels of your own: a grid search, and an honest estimate of what it gains.

python examples/tune_with_labels.py [--languages en fr]

Uses the sample, whose articles carry an editor's stories. What one event's articles teach must not be tested on that
event: all folds are by event. The search is itself part of what is tested, so that there is a fold round the folds.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold

import dedup
from dedup.metrics import bcubed

THRESHOLDS = [0.06, 0.09, 0.12, 0.16]
FOLDS = 3


def bcubed_f1(model: dedup.StoryClusterer, articles: Any, labels: Any) -> float:
    """Scorer for scikit-learn: stories of the held-out articles, compared with their labels.

    Clustering has no `predict`: the settings are what was learned, and they are tried on articles not seen before.
    """
    return bcubed(labels, clone(model).fit(articles).labels_).f1


def search(articles: list[Any], labels: Any, events: Any) -> GridSearchCV:
    """The threshold that does best on events held out."""
    grid = GridSearchCV(
        dedup.StoryClusterer(), {"story_threshold": THRESHOLDS}, scoring=bcubed_f1, cv=GroupKFold(FOLDS), refit=False
    )
    return grid.fit(articles, labels, groups=events)


def honest(articles: list[Any], labels: Any, events: Any) -> list[tuple[float, float, float]]:
    """For each outer fold of events: threshold chosen on the others, F1 with it, F1 with the default."""
    rows = []
    for train, test in GroupKFold(FOLDS).split(articles, labels, events):
        chosen = search([articles[i] for i in train], labels[train], events[train]).best_params_["story_threshold"]
        held_out = [articles[i] for i in test]
        tuned, default = (
            bcubed_f1(dedup.StoryClusterer(story_threshold=threshold), held_out, labels[test])
            for threshold in (chosen, 0.12)
        )
        rows.append((chosen, tuned, default))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Search, then ask what the search is worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", nargs="+", default=["en"], help="of the sample: de, en, es, fr, pt, ru, zh")
    given = parser.parse_args(arguments)
    articles = dedup.sample_articles(*given.languages)
    labels = np.array([article.story for article in articles])
    events = np.array([article.event for article in articles])
    print(f"{len(articles)} articles of {len(set(events))} events\n\nBCubed F1 over {FOLDS} folds of events")
    grid = search(articles, labels, events)
    for threshold, mean in zip(THRESHOLDS, grid.cv_results_["mean_test_score"], strict=True):
        mark = "  best" if threshold == grid.best_params_["story_threshold"] else ""
        print(f"  story_threshold={threshold:<5} {mean:.3f}{mark}")
    print("\nWhat that is worth on events that neither the search nor the choice has seen")
    rows = honest(articles, labels, events)
    for chosen, tuned, default in rows:
        print(f"  chosen {chosen:<5} {tuned:.3f}   default 0.12 {default:.3f}")
    _, tuned, default = np.mean(rows, axis=0)
    print(f"  mean         {tuned:.3f}                {default:.3f}")


if __name__ == "__main__":
    main()
