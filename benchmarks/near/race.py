"""Race `dedup.near_duplicates` against its peers: speed, recall, precision and memory.

python -m benchmarks.near.race [N[,N...]] [ROUNDS] [--contenders dedup,gaoya,...] [--bands 25x5]

For each corpus size every contender (see contenders.py) runs ROUNDS times, in turn and each time in a fresh process.
The clock starts with a list of str in memory, after a warm-up on 50 texts, and stops with the pairs. `floor` is
CPython's own ``text.lower().split()`` for each text. Recall and precision are against all exact pairs (see exact.py).
A ratio is the median of dedup's seconds divided by those of the contender in the same round.

pip install gaoya daft rensa xxhash FastSketchLSH
"""

import tempfile
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.corpora.exact import exact_pairs
from benchmarks.corpora.synthetic import news
from benchmarks.near.contenders import CONTENDERS, SLOTS, THRESHOLD


def run_once(name: str, folder: str, bands: list[int]) -> harness.Run:
    texts = harness.read_jsonl(f"{folder}/texts.jsonl")
    chosen = (bands[0], bands[1]) if bands else None
    measured = harness.measure(lambda some: CONTENDERS[name].pairs(some, chosen), texts, 50)
    truth = np.load(f"{folder}/pairs.npy")
    found = np.array(list(measured.result), dtype=np.int64).reshape(-1, 2)
    right = len(np.intersect1d(found @ (len(texts), 1), truth @ (len(texts), 1)))
    return {
        "seconds": measured.seconds,
        "recall": right / max(1, len(truth)),
        "precision": right / max(1, len(found)),
        "pairs": len(found),
        "peak_mb": measured.peak_mb,
        "over_texts_mb": measured.over_mb,
    }


def race(n: int, rounds: int, names: list[str], bands: list[int]) -> dict[str, Any]:
    """All rounds over a corpus of `n` texts."""
    texts = news(n)
    truth, _ = exact_pairs(texts, THRESHOLD)
    with tempfile.TemporaryDirectory() as folder:
        harness.write_jsonl(f"{folder}/texts.jsonl", texts)
        np.save(f"{folder}/pairs.npy", truth)
        del texts
        runs = harness.interleaved(rounds, {name: (run_once, name, folder, bands) for name in names})
    contenders = {
        name: harness.medians(found) | {"dedup_over_it": harness.ratio(runs, "dedup", name), "rounds": found}
        for name, found in runs.items()
    }
    return {"exact_pairs": len(truth), "contenders": contenders}


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("sizes", nargs="?", type=harness.numbers, default=[10_000], help="numbers of texts")
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--contenders", type=harness.names, default=list(CONTENDERS))
    parser.add_argument("--bands", default="", help="bands x rows of every peer, such as 25x5")
    given = parser.parse_args()
    needs = {name: contender.needs for name, contender in CONTENDERS.items()}
    names, packages = harness.available(given.contenders, needs)
    results = harness.circumstances(given.date, [*packages, "numpy", "scipy", "datasketch"])
    results |= {"threshold": THRESHOLD, "slots": SLOTS, "peer_bands": given.bands or "their own", "sizes": {}}
    for n in given.sizes:
        raced = race(n, given.rounds, names, [int(part) for part in given.bands.split("x") if part])
        results["sizes"][str(n)] = raced
        rows = [{"contender": name} | run for name, run in raced["contenders"].items()]
        columns = "contender", "seconds", "dedup_over_it", "recall", "precision", "peak_mb", "over_texts_mb"
        harness.show(f"{n:,} texts, {raced['exact_pairs']:,} exact pairs, medians", rows, columns)
    harness.write_results(given.results, "near_race", results)


if __name__ == "__main__":
    main()
