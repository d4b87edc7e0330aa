"""How time, memory and quality of `dedup.StoryClusterer` grow.

python benchmarks/story_growth.py DATA [--sizes 5000,20000,50000,100000,200000] [--against 100000] [--rounds 1]
                                  [--quick] [--date 2026-11-21]

worlds    stories of 5,000 to 200,000 articles, the parallel worlds of worlds.py over 30 days
tfidf     at the size of `--against`, scikit-learn's TF-IDF of words and word pairs of the same texts, and no more: what
          looking at them costs. dedup / tfidf are from the same round
six sets  the labelled sets of DATA together as they are, with their own dates: dedup against what one writes without
          it, TF-IDF with average link at one cut, which takes minutes

Each run has a process of its own, and a round goes through all of them before the next begins. The clock starts with
the articles in memory, after a warm-up on the first 200. BCubed is over all articles; over those of each set in all
worlds; and over those of each set in each world, as if they had been alone, on average. Memory is the peak of the
process (VmHWM, Linux), with and without what it held when the clock started. `--quick` is for trying the script out.
The corpora wait in a temporary folder, about 2 kB an article. Everything goes into results/story_growth.json.
"""

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import worlds
from near_growth import median
from near_race import RESULTS, circumstances, in_own_process, peak_mb, write_results
from worlds import Article, Labels

QUICK = {"sizes": "500,1000,2000", "against": 1000, "together": 600, "rounds": 1}
CUT = 0.79  # of average link; within 0.01 of the best over the six sets, which story_scoreboard.py finds

Case = tuple[str, str, int]  # its name, what runs, the number of articles (0 for the six sets as they are)
Runs = dict[str, list[dict[str, Any]]]


# What runs: articles -> labels, or None where there are none


def run_dedup(articles: list[Article]) -> Labels | None:
    from dedup import StoryClusterer

    return np.asarray(StoryClusterer().fit(articles).labels_)


def run_tfidf(articles: list[Article]) -> Labels | None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    TfidfVectorizer(ngram_range=(1, 2)).fit_transform(texts_of(articles))
    return None


def run_average_link(articles: list[Article]) -> Labels | None:
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer

    weigh = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True, max_df=0.3)
    group = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=CUT)
    return np.asarray(group.fit_predict(weigh.fit_transform(texts_of(articles)).toarray()))


CONTENDERS: dict[str, Callable[[list[Article]], Labels | None]] = {
    "dedup": run_dedup,
    "tfidf": run_tfidf,
    "average_link": run_average_link,
}


def texts_of(articles: Sequence[Article]) -> list[str]:
    return [f"{article['title']}\n{article['text']}" for article in articles]


# One run in a process of its own


def measure(name: str, path: Path) -> dict[str, Any]:
    warnings.simplefilter("ignore", UserWarning)  # some dates of the labelled sets are not ISO 8601
    articles, gold = worlds.read(path)
    CONTENDERS[name](articles[:200])
    before = peak_mb(reset=True)
    start = time.perf_counter()
    found = CONTENDERS[name](articles)
    seconds = time.perf_counter() - start
    peak = peak_mb()
    run = {
        "articles": len(articles),
        "seconds": seconds,
        "microseconds_an_article": 1e6 * seconds / len(articles),
        "peak_mb": peak,
        "over_articles_mb": peak - before,
    }
    return run if found is None else run | quality(articles, gold, found)


def quality(articles: Sequence[Article], gold: Labels, found: Labels) -> dict[str, Any]:
    """BCubed, also of parts of the articles."""
    from dedup.metrics import bcubed

    precision, recall, f1 = bcubed(gold, found)
    kinds = np.array(worlds.kinds(articles))
    names = kinds[:, 1]
    alone = {name: [bcubed(gold[part], found[part]).f1 for part in parts(kinds, name)] for name in worlds.SETS}
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "stories": len(np.unique(found)),
        "true_stories": len(np.unique(gold)),
        "f1_of_sets": {name: bcubed(gold[names == name], found[names == name]).f1 for name in worlds.SETS},
        "f1_within_worlds": {name: float(np.mean(values)) for name, values in alone.items() if values},
    }


def parts(kinds: Any, name: str) -> list[Any]:
    """Which articles are of a set, for each world that has some."""
    return [(kinds == (world, name)).all(axis=1) for world in np.unique(kinds[kinds[:, 1] == name, 0])]


# All runs


def cases(given: argparse.Namespace) -> Iterator[Case]:
    sizes = sorted({*map(int, given.sizes.split(",")), given.against})
    for n in sizes:
        yield f"worlds {n}", "dedup", n
        if n == given.against:
            yield f"tfidf {n}", "tfidf", n
    yield "six sets", "dedup", 0
    yield "six sets, average link", "average_link", 0


def corpus_file(given: argparse.Namespace, folder: Path, n: int) -> Path:
    """A corpus on disk, made when first asked for."""
    path = folder / f"{n}.jsonl"
    if not path.exists():
        articles, gold = worlds.worlds(given.data, n) if n else worlds.as_they_are(given.data)
        chosen = slice(None if n else given.together)
        worlds.write(path, articles[chosen], gold[chosen])
    return path


def rounds_of(given: argparse.Namespace) -> Runs:
    """Every case in every round."""
    runs: Runs = {name: [] for name, *_ in cases(given)}
    with tempfile.TemporaryDirectory() as folder:
        for k in range(given.rounds):
            for name, contender, n in cases(given):
                path = corpus_file(given, Path(folder), n)
                run = in_own_process(__file__, str(given.data), "--measure", contender, "--corpus", str(path))
                if run:
                    runs[name].append({"round": k} | run)
                    print(f"{name}: {run['seconds']:.2f} s, {run['peak_mb']:.0f} MB", flush=True)
    return runs


def ratio(runs: Runs, name: str, other: str, key: str) -> float:
    """Median over rounds of a figure of one case / that of another."""
    figures = {run["round"]: run[key] for run in runs[other]}
    found = [run[key] / figures[run["round"]] for run in runs[name] if run["round"] in figures]
    return float(np.median(found)) if found else float("nan")


def ratios(runs: Runs, against: int) -> dict[str, float]:
    pairs = {
        "dedup / tfidf": (f"worlds {against}", f"tfidf {against}"),
        "dedup / average link": ("six sets", "six sets, average link"),
    }
    keys = {"seconds": "seconds", "over_articles_mb": "memory over the articles"}
    return {
        f"{title}, {what}": ratio(runs, *names, key) for title, names in pairs.items() for key, what in keys.items()
    }


def exponent(runs: Runs) -> float:
    """The power of the number of articles that time grows with: slope of the log-log line through the sizes."""
    grown = [
        (median(r, "articles"), median(r, "seconds")) for name, r in runs.items() if name.startswith("worlds") and r
    ]
    if len(grown) < 2:
        return float("nan")
    articles, seconds = np.log(np.array(grown)).T
    return float(np.polyfit(articles, seconds, 1)[0])


def show(results: dict[str, Any]) -> None:
    print(
        "\ncase                    articles  seconds  us/article  peak MB  over articles      P      R     F1  stories"
    )
    for name, runs in results["runs"].items():
        if runs:
            figures = "".join(
                f"{median(runs, key):{form}}"
                for key, form in (
                    ("articles", "10.0f"),
                    ("seconds", "9.2f"),
                    ("microseconds_an_article", "12.1f"),
                    ("peak_mb", "9.0f"),
                    ("over_articles_mb", "15.0f"),
                )
            )
            run = runs[-1]
            scores = (
                f"{run['precision']:7.3f}{run['recall']:7.3f}{run['f1']:7.3f}{run['stories']:9}" if "f1" in run else ""
            )
            print(f"{name:<22}{figures}{scores}")
    print(f"\nF1 of each set in all worlds (within each world alone){'':<2}" + "".join(f"{s:>16}" for s in worlds.SETS))
    for name, runs in results["runs"].items():
        if runs and "f1" in runs[-1]:
            print(f"{name:<56}" + "".join(f"{both_scores(runs[-1], s):>16}" for s in worlds.SETS))
    print(f"\ntime grows with articles ** {results['exponent']:.3f}")
    for name, value in results["ratios"].items():
        print(f"{name:<48}{value:6.2f}")


def both_scores(run: dict[str, Any], name: str) -> str:
    if name not in run["f1_within_worlds"]:
        return ""
    return f"{run['f1_of_sets'][name]:.3f} ({run['f1_within_worlds'][name]:.3f})"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the labelled sets")
    parser.add_argument("--sizes", default="5000,20000,50000,100000,200000")
    parser.add_argument("--against", type=int, default=100_000, help="number of articles to weigh with scikit-learn")
    parser.add_argument("--together", type=int, help="only so many articles of the six sets as they are")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for story_growth.json")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    return argparse.Namespace(**vars(given) | QUICK) if given.quick else given


def main() -> None:
    given = arguments()
    if given.measure:
        print(json.dumps(measure(given.measure, given.corpus)))
        return
    results = circumstances(given.date, ["numpy", "scipy", "scikit-learn"])
    runs = rounds_of(given)
    results |= {"rounds": given.rounds, "against": given.against, "cut": CUT, "exponent": exponent(runs)}
    results |= {"ratios": ratios(runs, given.against), "runs": runs}
    show(results)
    write_results(given.results, "story_growth.json", results)


if __name__ == "__main__":
    main()
