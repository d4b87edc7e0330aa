"""The constants of the story tier: what each is worth, chosen on ten labelled sets and measured on the eleventh.

python -m benchmarks.story.held_out DATA [--encoder use]

Each constant in turn is set lower and higher, with all others as they are; with an encoder, those of encoders. The
first table has the mean BCubed F1 over the eleven sets, and the range of its change on one set. Then each set is
measured with the setting that has the best mean on the ten others.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import ALL_SETS, Article, Labels, load
from benchmarks.story.remembered import Remembered
from dedup.encoders import Encoder
from dedup.metrics import bcubed
from dedup.story import by_language, encoding, episodes, merging, partition, similarity

#: Constants by name: their module, and a lower and a higher value.
CONSTANTS: dict[str, tuple[ModuleType, float, float]] = {
    "MEMORY_DAYS": (similarity, 1.0, 2.0),
    "MEMORY_FEATURES": (similarity, 20.0, 45.0),
    "MAX_MEMORY_DAYS": (similarity, 10.0, 20.0),
    "UNDATED_FACTOR": (similarity, 0.6, 0.8),
    "JOIN_COST": (partition, 0.25, 0.35),
    "JOIN_COST_FEATURES": (partition, 120.0, 190.0),
    "LARGE": (merging, 4, 7),
    "LEAST_MEAN": (merging, 0.01, 0.03),
    "ABSORBING": (merging, 12, 20),
    "SMALL_SHARE": (merging, 0.15, 0.3),
    "COHESION_SHARE": (merging, 0.3, 0.5),
    "EPISODE_MEMORY_DAYS": (episodes, 18.0, 35.0),
    "TIE_SHARE": (episodes, 0.55, 0.75),
    "WHOLE": (episodes, 10, 20),
    "PART_SHARE": (episodes, 0.35, 0.7),
    "THRESHOLD_SHARE": (episodes, 0.67, 0.83),
    "COST_FACTOR": (episodes, 1.5, 3.0),
    "LONE_COST": (episodes, 0.03, 0.07),
}
OF_ENCODERS: dict[str, tuple[ModuleType, float, float]] = {
    "NEUTRAL": (encoding, 0.07, 0.13),
    "CHANCE_SIMILARITY": (encoding, 0.05, 0.11),
    "MEMORY_DAYS_ACROSS": (encoding, 2.0, 4.0),
    "MEANING_TIE_SHARE": (by_language, 0.45, 0.65),
}
THRESHOLDS = 0.11, 0.13

Setting = tuple[str, float | None]


@contextmanager
def constant(name: str, value: float | None) -> Iterator[dict[str, Any]]:
    """Set a constant while it lasts; yields the parameters of `dedup.StoryClusterer`."""
    if value is None or name == "story_threshold":
        yield {} if value is None else {name: value}
        return
    module = (CONSTANTS | OF_ENCODERS)[name][0]
    former = getattr(module, name)
    setattr(module, name, value)
    try:
        yield {}
    finally:
        setattr(module, name, former)


def score(articles: list[Article], gold: Labels, setting: Setting, encoder: Encoder | None) -> float:
    with constant(*setting) as parameters:
        found = dedup.StoryClusterer(timezone="UTC", encoder=encoder, **parameters).fit(articles).labels_
    return float(bcubed(gold, found).f1)


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--encoder", choices=("use", "e5"))
    given = parser.parse_args()
    encoder = Remembered(getattr(dedup.encoders, given.encoder)) if given.encoder else None
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    sets = [load(given.data, name) for name in ALL_SETS]
    settings: list[Setting] = [("as they are", None), *(("story_threshold", value) for value in THRESHOLDS)]
    constants = OF_ENCODERS if encoder else CONSTANTS
    settings += [(name, value) for name, (_, *values) in constants.items() for value in values]
    scores = np.array([[score(articles, gold, setting, encoder) for articles, gold in sets] for setting in settings])
    rows = [
        {
            "constant": name,
            "value": value,
            "mean": float(of_setting.mean()),
            "least": float((of_setting - scores[0]).min()),
            "most": float((of_setting - scores[0]).max()),
        }
        for (name, value), of_setting in zip(settings, scores, strict=True)
    ]
    harness.show("Mean BCubed F1 of the eleven sets; least and most change on one of them", rows)
    held_out = []
    for k, name in enumerate(ALL_SETS):
        best = int(np.delete(scores, k, axis=1).mean(axis=1).argmax())
        held_out.append({"set": name, "setting": list(settings[best]), "f1": float(scores[best, k])})
    harness.show("Each set with the setting that is best on the others", held_out)
    means = {"held out": float(np.mean([row["f1"] for row in held_out])), "as they are": float(scores[0].mean())}
    harness.show("Means", [means])
    results |= {"sensitivity": rows, "held_out": held_out, "mean": means, "f1": scores.round(4).tolist()}
    harness.write_results(given.results, "story_held_out" + f"_{given.encoder}" * bool(encoder), results)


if __name__ == "__main__":
    main()
