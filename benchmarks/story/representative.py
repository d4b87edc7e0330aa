"""What the representative of a story is like, beside what other rules would show.

python benchmarks/story_representative.py DATA [--date 2026-11-22]

For each labelled set in DATA: its stories of three articles and more as `dedup.cluster` finds them, and of each the
article that a rule shows. similarity: its mean similarity to the other reports; words: its length / the median of the
story; stub: share of stories where it has less than half of the median though some article has more; copy: share where
it is a copy of an article that was published before it. Results go to results/story_representative.json.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

from near_race import RESULTS, circumstances, write_results
from worlds import SETS, load

import dedup

Rule = Callable[[dedup.Story], dedup.Article]


def word_count(article: dedup.Article) -> int:
    return len(article.full_text.split())


def random_rule(seed: int = 0) -> Rule:
    random = Random(seed)
    return lambda story: random.choice(story.articles)


def rules() -> dict[str, Rule]:
    return {
        "central": lambda story: story.representative,
        "earliest": lambda story: story.articles[0],
        "longest": lambda story: max(story.articles, key=word_count),
        "random": random_rule(),
    }


def figures(story: dedup.Story, shown: dedup.Article) -> dict[str, float]:
    place = next(i for i, article in enumerate(story.articles) if article is shown)
    usual = median(map(word_count, story.articles))
    before = [group.index(shown) for group in story.near_duplicates if any(article is shown for article in group)]
    return {
        "similarity": story.membership[place],
        "words": word_count(shown) / max(usual, 1),
        "stub": float(word_count(shown) < usual / 2),
        "copy": float(bool(before and before[0] > 0)),
    }


def measure(folder: Path, name: str) -> dict[str, dict[str, float]]:
    articles, _ = load(folder, name)
    stories = [s for s in dedup.StoryClusterer(timezone="UTC").fit(articles).stories_ if len(s) >= 3]
    results: dict[str, dict[str, float]] = {}
    for rule_name, rule in rules().items():
        rows = [figures(story, rule(story)) for story in stories]
        results[rule_name] = {key: fmean(row[key] for row in rows) for key in rows[0]} | {"stories": len(rows)}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--date", help="date of the run; today if not given")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601 and repeated ids
    results: dict[str, Any] = circumstances(given.date, ["numpy", "scipy"])
    results["sets"] = {name: measure(given.data, name) for name in SETS}
    print(f"{'set':<10}{'rule':<10}{'stories':>8}{'similarity':>12}{'words':>8}{'stub':>8}{'copy':>8}")
    for name, by_rule in results["sets"].items():
        for rule_name, row in by_rule.items():
            print(
                f"{name:<10}{rule_name:<10}{row['stories']:8.0f}{row['similarity']:12.3f}{row['words']:8.2f}"
                f"{row['stub']:8.3f}{row['copy']:8.3f}"
            )
    write_results(RESULTS, "story_representative.json", results)


if __name__ == "__main__":
    main()
