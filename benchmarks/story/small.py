"""Stories of small batches: what five to sixty articles come to at the same setting as five thousand.

python benchmarks/story_small.py DATA [--rounds 20] [--date 2026-11-22]

From each labelled set in DATA, seeded draws without replacement, each clustered alone:

scattered      5, 10, 20, 40 and 60 articles at random: most share no story
stories        whole stories at random until there are as many articles
one event      five articles of one story: right when they are one story
five events    one article each of five stories: right when they are five

The first two give BCubed precision, recall and F1, the others the share of draws that are right. Results go to
results/story_small.json.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from near_race import RESULTS, circumstances, write_results
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from worlds import SETS, Article, Labels, load

import dedup
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
    """Kind of draw, its size, and what came of it."""
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--date", help="date of the run; today if not given")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601 and repeated ids
    sets = {name: measure(given.data, name, given.rounds) for name in SETS}
    print(f"{'set':<10}{'scattered P':>12}{'R':>7}{'F1':>7}{'stories P':>12}{'R':>7}{'F1':>7}{'one':>7}{'five':>7}")
    for name, row in sets.items():
        one = row.get("one event 5", [float("nan")])[0]
        cells = [*row["scattered"], *row["stories"], one, row["five events 5"][0]]
        print(f"{name:<10}" + "".join(f"{cell:{12 if i in (0, 3) else 7}.3f}" for i, cell in enumerate(cells)))
    macro = {kind: float(np.mean([row[kind][2] for row in sets.values()])) for kind in ("scattered", "stories")}
    print("macro BCubed F1", macro)
    results: dict[str, Any] = circumstances(given.date, ["numpy", "scipy"])
    write_results(RESULTS, "story_small.json", results | {"sets": sets, "macro_f1": macro})


if __name__ == "__main__":
    main()
