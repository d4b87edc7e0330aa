"""All labelled sets and the sample articles in one batch: what the articles of other sets and languages change.

python -m benchmarks.story.union DATA [--sets basil,ecb,...] [--stream]

BCubed F1 of the articles of each set, when the set is clustered alone and when all sets are clustered together. The
sample articles are one set, labelled by the editor's stories, of which each is one in all languages.

alone, union   BCubed F1
difference     what the others change
strangers      share of the articles of the set that are with an article of another set

--stream has an index of the articles, in order of publication, instead of a batch.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import ALL_SETS, Article, Labels, load, numbered
from dedup.metrics import bcubed

SAMPLE = "sample"
FIELDS = "title", "text", "published", "source", "url", "language"


def sample() -> tuple[list[Article], Labels]:
    """The sample articles, labelled by the editor's stories."""
    articles = dedup.sample_articles()
    return [{f: getattr(a, f) for f in FIELDS} for a in articles], numbered([a.story.split("/")[0] for a in articles])


def by_batch(articles: list[Article]) -> Labels:
    return np.asarray(dedup.StoryClusterer(timezone="UTC").fit(articles).labels_)


def by_stream(articles: list[Article]) -> Labels:
    with dedup.StoryIndex(":memory:", timezone="UTC", match_urls=False) as index:  # each article has a label
        index.add_many(sorted(articles, key=lambda article: (str(article["published"] or ""), int(article["id"]))))
        return numbered([index.story_id(article["id"]) for article in articles])


def labels_of(articles: list[Article], find: Callable[[list[Article]], Labels]) -> Labels:
    return find([article | {"id": str(i)} for i, article in enumerate(articles)])  # sets may have ids in common


def measure(
    sets: dict[str, tuple[list[Article], Labels]], find: Callable[[list[Article]], Labels] = by_batch
) -> tuple[list[dict[str, Any]], float]:
    """A row for each set, and the seconds of the union."""
    everything = [article for articles, _ in sets.values() for article in articles]
    together, seconds = harness.timed(labels_of, everything, find)
    owner = np.repeat(np.arange(len(sets)), [len(gold) for _, gold in sets.values()])
    only = np.array([len(np.unique(owner[together == story])) == 1 for story in range(int(together.max()) + 1)])
    rows = []
    for i, (name, (articles, gold)) in enumerate(sets.items()):
        own = together[owner == i]
        alone, union = bcubed(gold, labels_of(articles, find)).f1, bcubed(gold, own).f1
        strangers = 1 - float(only[own].mean())
        figures = {"alone": alone, "union": union, "difference": union - alone, "strangers": strangers}
        rows.append({"set": name, "articles": len(gold)} | figures)
    return rows, seconds


def read(folder: Path, names: list[str]) -> dict[str, tuple[list[Article], Labels]]:
    return {name: sample() if name == SAMPLE else load(folder, name) for name in names}


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--sets", type=harness.names, default=[*ALL_SETS, SAMPLE])
    parser.add_argument("--stream", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # some dates of the labelled sets are not ISO 8601
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    rows, seconds = measure(read(given.data, given.sets), by_stream if given.stream else by_batch)
    means = {key: float(np.mean([row[key] for row in rows])) for key in ("alone", "union", "difference", "strangers")}
    harness.show("BCubed F1", [*rows, {"set": "mean"} | means])
    print(f"{seconds:.1f} s for the union")
    name = "story_union_stream" if given.stream else "story_union"
    harness.write_results(given.results, name, results | {"sets": rows, "mean": means, "seconds": seconds})


if __name__ == "__main__":
    main()
