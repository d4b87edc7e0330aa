"""Stories of small batches: five to sixty articles with the same settings as five thousand.

python -m benchmarks.story.small DATA [--rounds 20]

From each labelled set, seeded draws without replacement, each clustered alone:

scattered      5, 10, 20, 40 and 60 articles at random: most share no story
stories        whole stories at random until there are as many articles
one event      five articles of one story: right when they are one story
five events    one article each of five stories: right when they are five

The first two give BCubed precision, recall and F1, the others the share of draws that are right.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import SETS, Article, Labels, load
from dedup.metrics import bcubed

SIZES = 5, 10, 20, 40, 60

Places = NDArray[np.int64]


def scattered(gold: Labels, size: int, rng: Generator) -> Places:
    return rng.choice(len(gold), size, replace=False)


def whole_stories(gold: Labels, size: int, rng: Generator) -> Places:
    order = rng.permutation(int(gold.max()) + 1)
    return np.concatenate([np.flatnonzero(gold == story) for story in order[:size]])[:size]


def one_event(gold: Labels, rng: Generator) -> Places | None:
    large = np.flatnonzero(np.bincount(gold) >= 5)
    if not len(large):
        return None
    return rng.choice(np.flatnonzero(gold == rng.choice(large)), 5, replace=False)


def five_events(gold: Labels, rng: Generator) -> Places:
    stories = rng.choice(int(gold.max()) + 1, 5, replace=False)
    return np.array([rng.choice(np.flatnonzero(gold == story)) for story in stories])


def clustered(articles: list[Article], places: Places) -> list[int]:
    found: list[int] = dedup.StoryClusterer(timezone="UTC").fit([articles[i] for i in places.tolist()]).labels_.tolist()
    return found


def drawn(articles: list[Article], gold: Labels, rounds: int, rng: Generator) -> Iterator[tuple[str, int, list[float]]]:
    """The kind of each draw, its size, and its scores."""
    for _ in range(rounds):
        for size in SIZES:
            for kind, draw in (("scattered", scattered), ("stories", whole_stories)):
                places = draw(gold, size, rng)
                scores = bcubed(gold[places], clustered(articles, places))
                yield kind, size, [scores.precision, scores.recall, scores.f1]
        same = one_event(gold, rng)
        if same is not None:
            yield "one event", 5, [float(len(set(clustered(articles, same))) == 1)]
        yield "five events", 5, [float(len(set(clustered(articles, five_events(gold, rng)))) == 5)]


def measure(folder: Path, name: str, rounds: int) -> dict[str, Any]:
    articles, gold = load(folder, name)
    by_kind: dict[tuple[str, int], list[list[float]]] = {}
    for kind, size, scores in drawn(articles, gold, rounds, default_rng(0)):
        by_kind.setdefault((kind, size), []).append(scores)
    means = {f"{kind} {size}": np.mean(rows, axis=0).round(4).tolist() for (kind, size), rows in by_kind.items()}
    for kind in ("scattered", "stories"):
        means[kind] = np.mean([means[f"{kind} {size}"] for size in SIZES], axis=0).round(4).tolist()
    return means


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601 and repeated ids
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    sets = {name: measure(given.data, name, given.rounds) for name in SETS}
    for kind in ("scattered", "stories", "one event 5", "five events 5"):
        heads = ("precision", "recall", "f1") if kind in ("scattered", "stories") else ("right",)
        rows = [{"set": name} | dict(zip(heads, row[kind], strict=True)) for name, row in sets.items() if kind in row]
        harness.show(kind, rows)
    macro = {kind: float(np.mean([row[kind][2] for row in sets.values()])) for kind in ("scattered", "stories")}
    harness.show("Mean BCubed F1", [macro])
    harness.write_results(given.results, "story_small", results | {"sets": sets, "macro_f1": macro})


if __name__ == "__main__":
    main()
