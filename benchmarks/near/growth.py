"""How time and memory of `dedup.near_duplicates` grow.

python -m benchmarks.near.growth [--sizes 20000,50000,100000,200000,400000] [--rounds 3] [--quick]

sizes     time per article over the number of articles
viral     a corpus with one story as half of its texts, against as many articles without such a story
flood     texts that are three quarters one template: candidates, and not copies
threads   one thread against all processors
scripts   French, Russian and Chinese against ASCII: the same stories with the same number of tokens

Each case runs in turn with the others, in a fresh process. The clock starts with a list of str in memory, after a
warm-up on the first 200 texts. The corpora are in a temporary folder, about 2.4 kB an article. `--quick` is for trying
the script: one round of small sizes.
"""

import argparse
import tempfile
from collections.abc import Iterator

import numpy as np

from benchmarks import harness
from benchmarks.corpora import synthetic
from benchmarks.corpora.prose import SCRIPTS

QUICK = {"sizes": [500, 1000, 2000], "viral": 2000, "flood": [500, 1000], "threads": 2000, "scripts": 1000, "rounds": 1}

SHOWN = "case", "texts", "seconds", "microseconds_an_article", "nanoseconds_a_token", "peak_mb", "over_texts_mb"

Case = tuple[str, str, int, int]  # its name, the corpus, the number of texts, threads (-1 for all)


def run_once(path: str, threads: int) -> harness.Run:
    from dedup import near_duplicates

    texts = harness.read_jsonl(path)
    found, seconds, peak, over = harness.measure(lambda some: near_duplicates(some, n_jobs=threads), texts, 200)
    return {
        "texts": len(texts),
        "seconds": seconds,
        "microseconds_an_article": 1e6 * seconds / len(texts),
        "nanoseconds_a_token": 1e9 * seconds / int(found.token_counts.sum()),
        "articles_a_second": len(texts) / seconds,
        "characters": sum(map(len, texts)),
        "tokens": int(found.token_counts.sum()),
        "pairs": len(found.pairs),
        "largest_group": int(np.bincount(found.labels).max()),
        "peak_mb": peak,
        "over_texts_mb": over,
    }


def cases(given: argparse.Namespace) -> Iterator[Case]:
    for n in given.sizes:
        yield f"news {n}", "latin", n, -1
    yield "viral", "viral", given.viral, -1
    for n in given.flood:
        yield f"flood {n}", "flood", n, -1
    yield "without viral", "latin", given.viral, -1
    yield "all threads", "latin", given.threads, -1
    yield "one thread", "latin", given.threads, 1
    for script in SCRIPTS:
        yield f"script {script}", script, given.scripts, -1


def write_corpora(given: argparse.Namespace, folder: str) -> dict[str, tuple[object, ...]]:
    """Write the corpora of all cases; return what each case runs."""
    special = {"viral": synthetic.viral, "flood": synthetic.flood}
    for kind, n in dict.fromkeys((kind, n) for _, kind, n, _ in cases(given)):
        texts = special[kind](n) if kind in special else synthetic.news(n, script=kind)
        harness.write_jsonl(f"{folder}/{kind}-{n}.jsonl", texts)
    return {name: (run_once, f"{folder}/{kind}-{n}.jsonl", threads) for name, kind, n, threads in cases(given)}


def ratios(runs: harness.Runs) -> dict[str, float | None]:
    pairs = {"viral / without": ("viral", "without viral"), "one thread / all": ("one thread", "all threads")}
    pairs |= {f"{script} / latin": (f"script {script}", "script latin") for script in SCRIPTS if script != "latin"}
    return {title: harness.ratio(runs, *names) for title, names in pairs.items()}


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--sizes", type=harness.numbers, default=[20_000, 50_000, 100_000, 200_000, 400_000])
    parser.add_argument("--viral", type=int, default=100_000)
    parser.add_argument("--flood", type=harness.numbers, default=[10_000, 20_000])
    parser.add_argument("--threads", type=int, default=50_000)
    parser.add_argument("--scripts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    given = parser.parse_args()
    vars(given).update(QUICK if given.quick else {})
    results = harness.circumstances(given.date, ["datasketch", "numpy", "scipy"])
    with tempfile.TemporaryDirectory() as folder:
        runs = harness.interleaved(given.rounds, write_corpora(given, folder))
    results |= {"exponent": harness.exponent(runs, "news ", "texts"), "ratios": ratios(runs), "runs": runs}
    rows = [{"case": name} | harness.medians(found) for name, found in runs.items()]
    harness.show("Medians", rows, SHOWN)
    harness.show(f"Time grows with articles ** {harness.readable(results['exponent'])}", [results["ratios"]])
    harness.write_results(given.results, "near_growth", results)


if __name__ == "__main__":
    main()
