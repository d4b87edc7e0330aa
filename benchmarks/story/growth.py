"""How time, memory and quality of `dedup.StoryClusterer` grow.

python -m benchmarks.story.growth DATA [--sizes 5000,20000,50000,100000,200000] [--rounds 1] [--quick]

worlds    stories of 5,000 to 200,000 articles: the parallel worlds of worlds.py, over 30 days
tfidf     with `--against` articles, only scikit-learn's TF-IDF of the words and word pairs of the same texts: the least
          that looking at them costs
six sets  the labelled sets together, with their own dates: dedup, and TF-IDF with average link at one cut (minutes)

Each case runs in turn with the others, in a fresh process. The clock starts with the articles in memory, after a
warm-up on the first 200. BCubed is over all articles; over those of each set in all worlds; and over those of each set
in each world, on average. The corpora are in a temporary folder, about 2 kB an article. `--quick` is for trying the
script: one round of small sizes.
"""

import argparse
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.corpora.labelled import SETS, Article, Labels, full_text, load_all
from benchmarks.corpora.worlds import kinds, worlds
from benchmarks.story.contenders import average_link, by_dedup, tfidf
from dedup.metrics import bcubed

QUICK = {"sizes": [500, 1000, 2000], "against": 1000, "together": 600, "rounds": 1}
CUT = 0.79  # of average link; within 0.01 of the best over the six sets, which scoreboard.py finds
SHOWN = "case", "articles", "seconds", "microseconds_an_article", "peak_mb", "over_articles_mb", "f1", "stories"


def only_tfidf(articles: Sequence[Article]) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    TfidfVectorizer(ngram_range=(1, 2)).fit_transform(map(full_text, articles))


def by_average_link(articles: Sequence[Article]) -> Labels:
    return average_link(tfidf(articles), CUT)


CONTENDERS = {"dedup": by_dedup, "tfidf": only_tfidf, "average_link": by_average_link}


def run_once(name: str, path: str) -> harness.Run:
    warnings.simplefilter("ignore", UserWarning)  # some dates of the labelled sets are not ISO 8601
    articles = harness.read_jsonl(path)
    gold = np.array([article.pop("story") for article in articles])
    found, seconds, peak, over = harness.measure(CONTENDERS[name], articles, 200)
    run = {
        "articles": len(articles),
        "seconds": seconds,
        "microseconds_an_article": 1e6 * seconds / len(articles),
        "peak_mb": peak,
        "over_articles_mb": over,
    }
    return run if found is None else run | quality(articles, gold, found)


def quality(articles: Sequence[Article], gold: Labels, found: Labels) -> dict[str, Any]:
    """BCubed of all articles, of each set, and of each set in each world."""
    precision, recall, f1 = bcubed(gold, found)
    worlds_of, sets_of = np.array(kinds(articles)).T
    of_sets, within_worlds = {}, {}
    for name in SETS:
        own = sets_of == name
        of_sets[name] = bcubed(gold[own], found[own]).f1
        parts = [own & (worlds_of == world) for world in np.unique(worlds_of[own])]
        if parts:
            within_worlds[name] = float(np.mean([bcubed(gold[part], found[part]).f1 for part in parts]))
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "stories": len(np.unique(found)),
        "true_stories": len(np.unique(gold)),
        "f1_of_sets": of_sets,
        "f1_within_worlds": within_worlds,
    }


def write_corpora(given: argparse.Namespace, folder: str) -> dict[str, tuple[Any, ...]]:
    """Write the corpora of all cases; return what each case runs."""
    cases: dict[str, tuple[Any, ...]] = {}
    for n in sorted({*given.sizes, given.against}):
        path = write(f"{folder}/{n}.jsonl", *worlds(given.data, n))
        cases[f"worlds {n}"] = run_once, "dedup", path
        if n == given.against:
            cases[f"tfidf {n}"] = run_once, "tfidf", path
    articles, gold = load_all(given.data)
    path = write(f"{folder}/sets.jsonl", articles[: given.together], gold[: given.together])
    return cases | {"six sets": (run_once, "dedup", path), "six sets, average link": (run_once, "average_link", path)}


def write(path: str, articles: Sequence[Article], gold: Labels) -> str:
    """Write articles with their stories; return the path."""
    stories = gold.tolist()
    harness.write_jsonl(path, (article | {"story": s} for article, s in zip(articles, stories, strict=True)))
    return path


def ratios(runs: harness.Runs, against: int) -> dict[str, float | None]:
    pairs = {
        "dedup / tfidf": (f"worlds {against}", f"tfidf {against}"),
        "dedup / average link": ("six sets", "six sets, average link"),
    }
    keys = {"seconds": "seconds", "over_articles_mb": "memory over the articles"}
    return {
        f"{title}, {what}": harness.ratio(runs, *names, key)
        for title, names in pairs.items()
        for key, what in keys.items()
    }


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--sizes", type=harness.numbers, default=[5000, 20_000, 50_000, 100_000, 200_000])
    parser.add_argument("--against", type=int, default=100_000, help="number of articles to weigh with scikit-learn")
    parser.add_argument("--together", type=int, help="number of articles of the six sets together; all by default")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    given = parser.parse_args()
    vars(given).update(QUICK if given.quick else {})
    results = harness.circumstances(given.date, ["numpy", "scipy", "scikit-learn"])
    with tempfile.TemporaryDirectory() as folder:
        runs = harness.interleaved(given.rounds, write_corpora(given, folder))
    results |= {"rounds": given.rounds, "against": given.against, "cut": CUT}
    results["exponent"] = harness.exponent(runs, "worlds ", "articles")
    results |= {"ratios": ratios(runs, given.against), "runs": runs}
    harness.show("Medians", [{"case": name} | harness.medians(found) for name, found in runs.items()], SHOWN)
    for key in ("f1_of_sets", "f1_within_worlds"):
        harness.show(key, [{"case": name} | found[-1][key] for name, found in runs.items() if key in found[-1]])
    harness.show(f"Time grows with articles ** {harness.readable(results['exponent'])}", [results["ratios"]])
    harness.write_results(given.results, "story_growth", results)


if __name__ == "__main__":
    main()
