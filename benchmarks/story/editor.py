"""Compare the stories of the sample articles with those of their editor.

python -m benchmarks.story.editor

For each language clustered alone, then for all together: BCubed, and the stories that were split or merged.
"""

from collections import defaultdict

import dedup
from benchmarks import harness
from dedup.metrics import bcubed
from dedup.samples import LANGUAGES


def groups(keys: list[str], values: list[str]) -> dict[str, dict[str, list[int]]]:
    """Positions by key and value."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        found[key][value].append(i)
    return found


def parts(articles: list[dedup.SampleArticle], split: dict[str, list[int]]) -> str:
    """The parts of a story with their days."""
    days = (
        f"{len(places)} ({min(articles[i].published for i in places):%m-%d} to "
        f"{max(articles[i].published for i in places):%m-%d})"
        for places in split.values()
    )
    return " | ".join(days)


def compare(name: str, articles: list[dedup.SampleArticle], truth: list[str], *, list_splits: bool = True) -> None:
    stories = dedup.cluster(articles)
    found = [stories[label].id for label in stories.labels.tolist()]
    scores = bcubed(truth, found)
    copies = bcubed([a.near_duplicate_group for a in articles], stories.near_duplicate_labels)
    print(
        f"{name:<10}{len(articles):>4} articles  stories {len(stories):>3} / {len(set(truth)):<3} "
        f"BCubed P {scores.precision:.3f} R {scores.recall:.3f} F1 {scores.f1:.3f}  copies F1 {copies.f1:.3f}"
    )
    for story, split in sorted(groups(truth, found).items()):
        if len(split) > 1 and list_splits:
            print(f"    split   {story}: {parts(articles, split)}")
    for _, merged in sorted(groups(found, truth).items()):
        if len(merged) > 1:
            print(f"    merged  {', '.join(f'{name} ({len(places)})' for name, places in sorted(merged.items()))}")


def main() -> None:
    harness.parser(__doc__, results=False).parse_args()
    for language in LANGUAGES:
        articles = dedup.sample_articles(language)
        compare(language, articles, [a.story for a in articles])
    articles = dedup.sample_articles()
    compare("all", articles, [a.event for a in articles], list_splits=False)


if __name__ == "__main__":
    main()
