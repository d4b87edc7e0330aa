"""Stories of several episodes: whether an event is told in one, and nothing else with it.

python -m benchmarks.story.episodes DATA [SEEDS] [--worlds 100000]

sets       BCubed F1 of the episodes and of the stories of each labelled set against its events, and where the set tells
           them, against the running stories that events belong to; the story with the most episodes
sample     each language of the sample articles alone: BCubed F1 of the stories, the number of stories that tell the
           visit of Kim Jong Un to Russia, how many articles of the forum of that week are in them, pairs of running
           stories together, and pairs of look-alikes together, which is wrong; then the same among the six old sets
seeds      a folder of *.txt, five reports of the visit, and published.json with their times: the number of stories that
           tell it alone, in an index in either order, and among other articles, with how many of those
worlds     in so many articles, the stories with the most episodes
"""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import ALL_SETS, SETS, Article, load, numbered
from benchmarks.corpora.worlds import worlds
from benchmarks.story.look_alikes import ALL, confusion, kinds
from dedup.metrics import bcubed
from dedup.samples import LANGUAGES

VISIT, FORUM = "kim-russia-2023", "eastern-economic-forum-2023"
FIELDS = "id", "title", "text", "published", "source", "url", "language"
OTHERS = "french_headlines", "basil", "ecb"  # around the seeds


def fit(articles: Sequence[Any]) -> dedup.StoryClusterer:
    return dedup.StoryClusterer(timezone="UTC").fit(articles)


def chapters(stories: dedup.Stories) -> dict[str, Any]:
    """How many episodes and days the story with the most episodes has."""
    longest = max(stories, key=lambda story: len(story.episodes))
    days = (longest.last - longest.first).days if longest.first and longest.last else None
    return {"most_episodes": len(longest.episodes), "its_days": days}


def of_set(folder: Path, name: str) -> dict[str, Any]:
    articles, gold = load(folder, name)
    model = fit(articles)
    row = {
        "set": name,
        "episodes": bcubed(gold, model.episode_labels_).f1,
        "stories": bcubed(gold, model.labels_).f1,
        **chapters(model.stories_),
    }
    lines = [line.get("storyline_id") for line in harness.read_jsonl(folder / f"{name}.jsonl.gz")]
    if None not in lines:
        running = numbered(lines)
        row |= {
            f"running_by_{kind}": bcubed(running, labels).f1
            for kind, labels in (("episodes", model.episode_labels_), ("stories", model.labels_))
        }
    return row


def of_language(language: str, others: Sequence[Article]) -> dict[str, Any]:
    """The sample articles of a language among others."""
    sample = dedup.sample_articles(language)
    given = [*others, *({field: getattr(article, field) for field in FIELDS} for article in sample)]
    labels = fit(given).labels_[len(others) :].tolist()
    visit = {label for article, label in zip(sample, labels, strict=True) if article.event == VISIT}
    members: dict[str, list[tuple[dedup.SampleArticle, int]]] = {}
    for article, label in zip(sample, labels, strict=True):
        members.setdefault(article.story, []).append((article, label))
    found = confusion(*kinds()[ALL], {language: members})
    return {
        "language": language,
        "f1": bcubed(numbered([article.event for article in sample]), np.array(labels)).f1,
        "visit": len(visit),
        "forum": sum(label in visit for article, label in zip(sample, labels, strict=True) if article.event == FORUM),
        "together": found.pairs["belong_together"],
        "running": found.pairs["belong_together"] + found.pairs["belong_apart"],
        "alike_together": found.pairs["alike_together"],
        "alike": found.pairs["alike_together"] + found.pairs["alike_apart"],
    }


def summed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counts = {key: sum(row[key] for row in rows) for key in rows[0] if key not in ("language", "f1")}
    return {"language": "all", "f1": float(np.mean([row["f1"] for row in rows]))} | counts


def of_seeds(data: Path, folder: Path) -> dict[str, Any]:
    times = json.loads((folder / "published.json").read_text(encoding="utf-8"))
    seeds = [
        {"id": path.name, "text": path.read_text(encoding="utf-8"), "published": times[path.name]}
        for path in sorted(folder.glob("*.txt"))
    ]
    others = [article for name in OTHERS for article in unlabelled(data, name)]
    stories = fit([*others, *seeds]).stories_
    telling = set(stories.labels[len(others) :].tolist())
    orders = {"index": sorted(seeds, key=lambda seed: seed["published"])}
    orders["index, reverse"] = orders["index"][::-1]
    counts = {"alone": len(set(fit(seeds).labels_.tolist()))}
    for name, order in orders.items():
        with dedup.StoryIndex(":memory:") as index:
            index.add_many(order)
            counts[name] = len({index.story_id(seed["id"]) for seed in seeds})
    strangers = int(np.isin(stories.labels[: len(others)], list(telling)).sum())
    return counts | {"among_others": len(telling), "others_with_them": strangers, "others": len(others)}


def unlabelled(folder: Path, name: str) -> list[Article]:
    rows = harness.read_jsonl(folder / f"{name}.jsonl.gz")
    return [
        {"id": f"{name}-{i}", "title": row.get("title") or "", "text": row["text"] or "", "published": row.get("date")}
        for i, row in enumerate(rows)
    ]


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("seeds", type=Path, nargs="?", help="folder of *.txt and published.json")
    parser.add_argument("--worlds", type=int, help="number of articles")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    sets = [of_set(given.data, name) for name in ALL_SETS]
    means = {"set": "mean"} | {kind: float(np.mean([row[kind] for row in sets])) for kind in ("episodes", "stories")}
    harness.show("Labelled sets: BCubed F1", [*sets, means])
    old = [article for name in SETS for article in load(given.data, name)[0]]
    alone, among = ([of_language(language, others) for language in LANGUAGES] for others in ([], old))
    harness.show("Sample, each language alone", [*alone, summed(alone)])
    harness.show("Sample, each language among the six old sets", [*among, summed(among)])
    results |= {"sets": sets, "mean": means, "sample": alone, "sample_among_six_sets": among}
    results |= {"all": summed(alone), "all_among_six_sets": summed(among)}
    if given.seeds:
        results["seeds"] = of_seeds(given.data, given.seeds)
        harness.show("Seeds: stories that tell the visit", [results["seeds"]])
    if given.worlds:
        articles, _ = worlds(given.data, given.worlds)
        results["worlds"] = {"articles": len(articles), **chapters(dedup.cluster(articles, timezone="UTC"))}
        harness.show("Worlds", [results["worlds"]])
    harness.write_results(given.results, "story_episodes", results)


if __name__ == "__main__":
    main()
