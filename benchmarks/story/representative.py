"""What the representative of a story is like, beside the articles that other rules would show.

python -m benchmarks.story.representative DATA

For each labelled set: its stories of three articles and more as `dedup.cluster` finds them, and the article of each
that a rule shows. similarity: its mean similarity to the other reports; words: its length / the median of the story;
stub: share of stories where it has less than half of the median; copy: share of stories where it is a copy of an
article that was published before it.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import fmean, median

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import SETS, load

Rule = Callable[[dedup.Story], dedup.Article]


def word_count(article: dedup.Article) -> int:
    return len(article.full_text.split())


def rules() -> dict[str, Rule]:
    random = Random(0)
    return {
        "central": lambda story: story.representative,
        "earliest": lambda story: story.articles[0],
        "longest": lambda story: max(story.articles, key=word_count),
        "random": lambda story: random.choice(story.articles),
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
    harness.show(name, [{"rule": rule_name} | row for rule_name, row in results.items()])
    return results


def main() -> None:
    given = harness.parser(__doc__, data=True).parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601 and repeated ids
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    results["sets"] = {name: measure(given.data, name) for name in SETS}
    harness.write_results(given.results, "story_representative", results)


if __name__ == "__main__":
    main()
