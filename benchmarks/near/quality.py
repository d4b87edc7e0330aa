"""What `dedup.near_duplicates` finds and misses, against what is exactly true.

python -m benchmarks.near.quality [--pairs 20000] [--sketches 2000] [--stories 500] [--only a,b,...] [--quick]

a  estimator     bias and RMSE of the share of equal signature values against the exact Jaccard similarity
b  recall        share of exact pairs found, by Jaccard similarity, against `NearDuplicates.expected_recall`
c  containment   briefs and reframed copies found, and pairs that are neither, by `containment`
d  templates     up to which length two different reports with one footer of 120 words count as near-duplicates
e  bulletins     different bulletins in one group, and copies lost, with and without `compare_numbers`
f  sketches      RMSE of MinHash, Fast Similarity Sketching and one-permutation hashing, by length of text
g  crowds        what is lost where buckets are crowded: quotes, far copies of a viral text, copies of bulletins

The texts are synthetic; the pairs of a, b and f are independent of each other, so that their standard errors are
binomial. `--quick` is for trying the script.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.corpora import synthetic
from benchmarks.corpora.exact import Pairs, overlaps
from benchmarks.near.contenders import SLOTS, THRESHOLD
from benchmarks.near.sketches import SKETCHES, minhash
from dedup import near_duplicates

QUICK = {"pairs": 1000, "sketches": 200, "stories": 50}
RECALLS = (0.9, 0.95, 0.99)
RECALL_BINS = (0.7, 0.71, 0.72, 0.74, 0.76, 0.78, 0.8, 0.85, 0.9, 1.0)
CONTAINMENTS = (None, 0.9, 0.8, 0.7)
REPORT_WORDS = (10, 20, 30, 40, 60, 90, 120, 200, 300, 450, 600)
DENSITIES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.33)
SKETCH_WORDS = (60, 150, 380, 1000)

Floats = NDArray[np.float64]
Rows = list[dict[str, Any]]


def twins(n: int) -> Pairs:
    """Pairs (2 i, 2 i + 1) of n texts."""
    return np.arange(n).reshape(-1, 2)


def codes(pairs: Pairs) -> NDArray[np.int64]:
    """Each pair as one number."""
    return pairs[:, 0] << 32 | pairs[:, 1]


# a: the estimator


def errors(estimates: Floats, jaccard: Floats) -> dict[str, float]:
    """Bias with its standard error and RMSE, in the sample and in theory."""
    error = estimates - jaccard
    return {
        "pairs": len(error),
        "bias": float(error.mean()),
        "bias_se": float(error.std() / np.sqrt(len(error))),
        "rmse": float(np.sqrt((error**2).mean())),
        "theory": float(np.sqrt((jaccard * (1 - jaccard)).mean() / SLOTS)),
    }


def estimator(given: argparse.Namespace) -> Rows:
    texts = synthetic.graded(given.pairs, seed=1)
    pairs = twins(len(texts))
    jaccard, _ = overlaps(texts, pairs)
    signed = minhash(texts)
    estimates = (signed[::2] == signed[1::2]).mean(axis=1)
    rows = []
    for low, high in [(0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0), (0.5, 1.0)]:
        chosen = (jaccard >= low) & (jaccard < high)
        rows.append({"from": low, "below": high} | errors(estimates[chosen], jaccard[chosen]))
    return rows


# b: recall


def recall(given: argparse.Namespace) -> Rows:
    texts = synthetic.graded(given.pairs, low=THRESHOLD, seed=2)
    pairs = twins(len(texts))
    jaccard, _ = overlaps(texts, pairs)
    return [row for wanted in RECALLS for row in recall_at(wanted, texts, pairs, jaccard)]


def recall_at(wanted: float, texts: Sequence[str], pairs: Pairs, jaccard: Floats) -> Rows:
    found = near_duplicates(texts, threshold=THRESHOLD, recall=wanted, num_perm=SLOTS)
    hit = np.isin(codes(pairs), codes(found.pairs))
    expected = found.expected_recall(jaccard)
    rows = []
    for low, high in [*pairwise(RECALL_BINS), (THRESHOLD, 1.0)]:
        chosen = (jaccard >= low) & (jaccard < high)
        n, p = int(chosen.sum()), expected[chosen]
        error = float(np.sqrt((p * (1 - p)).sum()) / max(n, 1))
        measured, stated = float(hit[chosen].mean()) if n else 0.0, float(p.mean()) if n else 0.0
        rows.append(
            {"recall": wanted, "bands": f"{found.bands.bands} x {found.bands.rows}", "from": low, "below": high}
            | {"pairs": n, "found": measured, "expected": stated, "standard_error": error}
            | {"z": (measured - stated) / error if error else 0.0}
        )
    return rows


# c: containment


def containment(given: argparse.Namespace) -> Rows:
    texts, pairs, kinds = synthetic.cuts(given.stories)
    jaccard, held = overlaps(texts, pairs)
    brief = np.array([kind == "brief" for kind in kinds])
    rows = []
    for setting in CONTAINMENTS:
        found = near_duplicates(texts, containment=setting)
        hit = np.isin(codes(pairs), codes(found.pairs))
        due = (jaccard >= THRESHOLD) | (held >= (2.0 if setting is None else setting))
        rows.append(
            {"containment": setting, "pairs": len(found.pairs), "briefs_found": float(hit[brief].mean())}
            | {"framed_found": float(hit[~brief].mean()), "recall": float(hit.mean())}
            | {"due": int(due.sum()), "due_found": float(hit[due].mean()) if due.any() else None}
            | {"precision": float(hit.sum() / len(found.pairs)) if len(found.pairs) else None}
        )
    return rows


# d: templates


def templates(given: argparse.Namespace) -> Rows:
    rows = []
    for words in REPORT_WORDS:
        texts = synthetic.templates(max(20, given.stories // 5), words)
        pairs = twins(len(texts))
        jaccard, held = overlaps(texts, pairs)
        row = {"report_words": words, "jaccard": float(jaccard.mean()), "containment": float(held.mean())}
        for threshold in (0.5, 0.7):
            row[f"jaccard {threshold}"] = share_found(texts, pairs, threshold=threshold)
        for setting in CONTAINMENTS[1:]:
            row[f"contained {setting}"] = share_found(texts, pairs, containment=setting)
        rows.append(row)
    return rows


def share_found(texts: Sequence[str], pairs: Pairs, **settings: Any) -> float:
    found = near_duplicates(texts, **settings).pairs
    return float(np.isin(codes(pairs), codes(found)).mean())


# e: bulletins


def bulletins(given: argparse.Namespace) -> Rows:
    """A month of ten outlets, in small buckets, and a year of one outlet, in large buckets."""
    rows = []
    for outlets, days in ((10, 30), (1, 100 if given.quick else 365)):
        for kind in synthetic.BULLETINS:
            for density in DENSITIES:
                texts = synthetic.bulletins(kind, density, outlets, days)
                row = {"outlets": outlets, "days": days, "kind": kind, "density": density}
                row |= bulletin_scores(near_duplicates(texts).labels, days)
                compared = bulletin_scores(near_duplicates(texts, compare_numbers=True).labels, days)
                rows.append(row | {f"{key}_by_numbers": value for key, value in compared.items()})
    return rows


def bulletin_scores(labels: NDArray[np.int64], days: int) -> dict[str, float]:
    """Shares of the copies in one group with their bulletin, and of pairs of different bulletins in one group."""
    outlets = labels.reshape(-1, days, 2)
    groups = outlets[..., 0]
    joined = [(row[:, None] == row).sum() - days for row in groups]
    return {
        "copies": float((outlets[..., 0] == outlets[..., 1]).mean()),
        "others": float(np.sum(joined) / (len(groups) * days * (days - 1))),
    }


# f: other sketches


def sketches(given: argparse.Namespace) -> Rows:
    rows = []
    for words in SKETCH_WORDS:
        texts = synthetic.graded(given.sketches, words=words, seed=3)
        jaccard, _ = overlaps(texts, twins(len(texts)))
        chosen = (jaccard >= 0.5) & (jaccard < 1)
        for name, method in SKETCHES.items():
            signed = method(texts)
            estimates = (signed[::2] == signed[1::2]).mean(axis=1)
            rows.append({"words": words, "sketch": name} | errors(estimates[chosen], jaccard[chosen]))
    return rows


# g: crowds


def crowds(given: argparse.Namespace) -> Rows:
    """Buckets too large for all their pairs to be compared."""
    rows = []
    for size in (40, 100) if given.quick else (40, 100, 400, 1000):
        quoted = near_duplicates(synthetic.quoted(size), containment=0.9).labels
        copies = near_duplicates(synthetic.bulletins("markets", 0.005, 1, size), compare_numbers=True).labels
        rows.append(
            {"crowd": size, "quoting_found": float((quoted[:-1] == quoted[-1]).mean())}
            | far_copies_found(size)
            | {"bulletin_copies_found": bulletin_scores(copies, size)["copies"]}
        )
    return rows


def far_copies_found(verbatim: int, far: int = 50) -> dict[str, float]:
    """Share of the far copies in one group with the verbatim ones, and the expected recall of one such pair."""
    texts = synthetic.far_copies(verbatim, far)
    pairs = np.stack([np.full(far, len(texts) - far - 1), np.arange(len(texts) - far, len(texts))], axis=1)
    jaccard, _ = overlaps(texts, pairs)
    due = jaccard >= THRESHOLD
    found = near_duplicates(texts)
    joined = found.labels[pairs[:, 0]] == found.labels[pairs[:, 1]]
    return {
        "far_copies_found": float(joined[due].mean()),
        "expected_of_one_pair": float(found.expected_recall(jaccard[due]).mean()),
    }


SECTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], Rows]]] = {
    "a": ("estimator: share of equal values of 128 against exact Jaccard", estimator),
    "b": ("recall: share of exact pairs found at threshold 0.7", recall),
    "c": ("containment: briefs of 150 words out of 800, reports of 200 behind 40 and before 60 words", containment),
    "d": ("templates: share of pairs of different reports under one footer of 120 words that are found", templates),
    "e": ("bulletins: shares of copies, and of pairs of others, in one group; by numbers too", bulletins),
    "f": ("sketches of 128 values", sketches),
    "g": ("crowds: share of related texts in one group", crowds),
}


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs of texts for a and b")
    parser.add_argument("--sketches", type=int, default=2000, help="pairs of texts of each length for f")
    parser.add_argument("--stories", type=int, default=500, help="texts of each kind for c, five times those of d")
    parser.add_argument("--only", type=harness.names, default=list(SECTIONS), help="sections")
    parser.add_argument("--quick", action="store_true", help="few texts")
    given = parser.parse_args()
    vars(given).update(QUICK if given.quick else {})
    results = harness.circumstances(given.date, ["datasketch", "numpy", "scipy"])
    results["texts"] = {key: getattr(given, key) for key in QUICK}
    for key in given.only:
        title, section = SECTIONS[key]
        results[section.__name__] = section(given)
        harness.show(f"({key}) {title}", results[section.__name__])
    harness.write_results(given.results, "near_quality", results)


if __name__ == "__main__":
    main()
