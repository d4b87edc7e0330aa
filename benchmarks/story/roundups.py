"""Round-ups with a plain title: how many sit in a story that they mention, and how many reports are taken for one.

python -m benchmarks.story.roundups DATA

To each set with full texts, round-ups are added: headlines and beginnings, or beginnings alone, of four to eight
reports of different stories of one time. The figures, of round-ups and of the reports of the set:

joined     round-ups in one story with a report of a story that they mention
mixed      round-ups in one story with reports of several
shown      round-ups that represent a story of several articles
wrong      reports that are taken for round-ups by their text
f1, with   BCubed F1 of the reports, without and with round-ups beside them
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.random import Generator, default_rng

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import Article, Labels, full_text, load
from dedup.metrics import bcubed
from dedup.story.kinds import are_roundups

SETS = "basil", "ecb", "vi", "allsides", "newscope", "mmds", "ground"
SHARE, LEAST = 0.06, 15  # round-ups to the reports of a set
REPORTS, CHARACTERS, NEARBY = (4, 8), (250, 400, 600), 25
TITLES = "The day in brief", "What happened this week", "Around the country", "From our desks"


def beginning(text: str, characters: int) -> str:
    """The first sentences of a text."""
    cut = text[:characters].rfind(". ") + 1
    return text[: cut if cut > characters // 3 else characters]


def roundups(articles: list[Article], gold: Labels, rng: Generator) -> Iterator[tuple[Article, set[int]]]:
    """Round-ups, each with the stories that it mentions."""
    order = np.array(sorted(range(len(articles)), key=lambda i: articles[i]["published"] or ""))
    long = order[[len(articles[i]["text"]) > CHARACTERS[0] for i in order]]
    for number in range(max(LEAST, int(SHARE * len(articles)))):
        first = int(rng.integers(len(long)))
        near = long[np.argsort(np.abs(np.arange(len(long)) - first), kind="stable")]
        _, places = np.unique(gold[near], return_index=True)  # the nearest report of each story
        chosen = rng.choice(
            near[np.sort(places)[:NEARBY]], int(rng.integers(REPORTS[0], REPORTS[1] + 1)), replace=False
        )
        size, headed = int(rng.choice(CHARACTERS)), bool(rng.integers(2))
        parts = [f"{articles[i]['title']}\n\n" * headed + beginning(articles[i]["text"], size) for i in chosen]
        made = {"id": f"made-{number}", "title": str(rng.choice(TITLES)), "text": "\n\n".join(parts), "source": "made"}
        yield articles[chosen[0]] | made, set(gold[chosen].tolist())


def measure(folder: Path, name: str) -> dict[str, float]:
    articles, gold = load(folder, name)
    made, mentioned = zip(*roundups(articles, gold, default_rng(0)), strict=True)
    n, alone = len(articles), dedup.StoryClusterer(timezone="UTC").fit(articles)
    model = dedup.StoryClusterer(timezone="UTC").fit([*articles, *made])
    beside = [set(gold[model.labels_[:n] == label].tolist()) for label in model.labels_[n:]]
    sizes = np.bincount(model.labels_)
    shown = [i for i in model.representative_indices_ if i >= n and sizes[model.labels_[i]] > 1]
    wrong = are_roundups([""] * n, [full_text(article) for article in articles])
    return {
        "made": len(made),
        "joined": float(np.mean([bool(own & told) for own, told in zip(beside, mentioned, strict=True)])),
        "mixed": float(np.mean([len(own) > 1 for own in beside])),
        "shown": len(shown) / len(made),
        "wrong": float(wrong.mean()),
        "f1": bcubed(gold, alone.labels_).f1,
        "with": bcubed(gold, model.labels_[:n]).f1,
    }


def main() -> None:
    given = harness.parser(__doc__, data=True).parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601 and repeated ids
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    sets = {name: measure(given.data, name) for name in SETS}
    harness.show("Round-ups", [{"set": name} | row for name, row in sets.items()])
    made = sum(row["made"] for row in sets.values())
    total = {
        kind: sum(row[kind] * row["made"] for row in sets.values()) / made for kind in ("joined", "mixed", "shown")
    }
    harness.show("All", [total])
    harness.write_results(given.results, "roundups", results | {"sets": sets, "all": total})


if __name__ == "__main__":
    main()
