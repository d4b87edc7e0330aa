"""How time and memory of `dedup.near_duplicates` grow.

python benchmarks/near_growth.py [--sizes 20000,50000,100000,200000,400000] [--viral 100000] [--flood 10000,20000]
                                 [--threads 50000] [--scripts 20000] [--rounds 3] [--quick] [--date 2026-11-21]

sizes     time per article over the number of articles
viral     a corpus of which one story makes up half, against as many articles without
flood     texts that are three quarters one template: they meet in the bands without being copies
threads   one thread against all processors
scripts   French, Russian and Chinese against ASCII: the same stories with the same number of tokens

Each run has a process of its own, and a round goes through all of them before the next begins. The clock starts with
a list of str in memory, after a warm-up on the first 200 texts. A ratio is the median of ratios within a round. Memory
is the peak of the process (VmHWM, Linux). `--quick` is for trying the script out: a round of small sizes. The corpora
wait in a temporary folder, about 2.4 kB an article. Everything goes into results/near_growth.json.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus
import numpy as np
from near_race import RESULTS, circumstances, in_own_process, peak_mb, read_texts, write_results, write_texts

QUICK = {"sizes": "500,1000,2000", "viral": 2000, "flood": "500,1000", "threads": 2000, "scripts": 1000, "rounds": 1}

Case = tuple[str, str, int, int]  # its name, the corpus, the number of texts, threads (-1 for all)


def measure(path: Path, threads: int) -> dict[str, float]:
    """One run, in this process."""
    from dedup import near_duplicates

    texts = read_texts(path)
    near_duplicates(texts[:200], n_jobs=threads)
    before = peak_mb(reset=True)
    start = time.perf_counter()
    found = near_duplicates(texts, n_jobs=threads)
    seconds = time.perf_counter() - start
    peak = peak_mb()
    return {
        "seconds": seconds,
        "microseconds_an_article": 1e6 * seconds / len(texts),
        "nanoseconds_a_token": 1e9 * seconds / int(found.token_counts.sum()),
        "articles_a_second": len(texts) / seconds,
        "characters": sum(map(len, texts)),
        "tokens": int(found.token_counts.sum()),
        "pairs": len(found.pairs),
        "largest_group": int(np.bincount(found.labels).max()),
        "peak_mb": peak,
        "over_texts_mb": peak - before,
    }


def cases(given: argparse.Namespace) -> Iterator[Case]:
    for n in map(int, given.sizes.split(",")):
        yield f"news {n}", "latin", n, -1
    yield "viral", "viral", given.viral, -1
    for n in map(int, given.flood.split(",")):
        yield f"flood {n}", "flood", n, -1
    yield "without viral", "latin", given.viral, -1
    yield "all threads", "latin", given.threads, -1
    yield "one thread", "latin", given.threads, 1
    for script in corpus.SCRIPTS:
        yield f"script {script}", script, given.scripts, -1


def corpus_file(folder: Path, kind: str, n: int) -> Path:
    """A corpus on disk, made when first asked for."""
    path = folder / f"{kind}-{n}.jsonl"
    if not path.exists():
        special = {"viral": corpus.viral, "flood": corpus.flood}
        write_texts(path, special[kind](n) if kind in special else corpus.news(n, script=kind))
    return path


def rounds_of(given: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Every case in every round."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name, *_ in cases(given)}
    with tempfile.TemporaryDirectory() as folder:
        for k in range(given.rounds):
            for name, kind, n, threads in cases(given):
                path = corpus_file(Path(folder), kind, n)
                run = in_own_process(__file__, "--measure", str(path), "--n-jobs", str(threads))
                if run:
                    runs[name].append({"round": k, "texts": n} | run)
    return runs


def median(runs: list[dict[str, Any]], key: str) -> float:
    return float(np.median([run[key] for run in runs])) if runs else float("nan")


def ratio(runs: dict[str, list[dict[str, Any]]], name: str, other: str) -> float:
    """Median over rounds of the seconds of one case / those of another."""
    seconds = {run["round"]: run["seconds"] for run in runs[other]}
    ratios = [run["seconds"] / seconds[run["round"]] for run in runs[name] if run["round"] in seconds]
    return float(np.median(ratios)) if ratios else float("nan")


def ratios(runs: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    others = [script for script in corpus.SCRIPTS if script != "latin"]
    return {
        "viral / without": ratio(runs, "viral", "without viral"),
        "one thread / all": ratio(runs, "one thread", "all threads"),
    } | {f"{script} / latin": ratio(runs, f"script {script}", "script latin") for script in others}


def exponent(runs: dict[str, list[dict[str, Any]]]) -> float:
    """The power of the number of articles that time grows with: slope of the log-log line through the sizes."""
    grown = [(median(r, "texts"), median(r, "seconds")) for name, r in runs.items() if name.startswith("news ") and r]
    return float(np.polyfit(*np.log(grown).T, 1)[0]) if len(grown) > 1 else float("nan")


def show(results: dict[str, Any]) -> None:
    print("\ncase               texts  seconds  us/article  ns/token  articles/s  peak MB  over texts  largest group")
    for name, runs in results["runs"].items():
        m = {key: median(runs, key) for key in runs[0]} if runs else None
        if m:
            print(
                f"{name:<16}{m['texts']:8.0f}{m['seconds']:9.2f}{m['microseconds_an_article']:12.1f}"
                f"{m['nanoseconds_a_token']:10.1f}{m['articles_a_second']:12.0f}{m['peak_mb']:9.0f}"
                f"{m['over_texts_mb']:12.0f}{m['largest_group']:15.0f}"
            )
    print(f"\ntime grows with articles ** {results['exponent']:.3f}")
    for name, value in results["ratios"].items():
        print(f"{name:<20}{value:6.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="20000,50000,100000,200000,400000")
    parser.add_argument("--viral", type=int, default=100_000)
    parser.add_argument("--flood", default="10000,20000")
    parser.add_argument("--threads", type=int, default=50_000)
    parser.add_argument("--scripts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for near_growth.json")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--n-jobs", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    return argparse.Namespace(**vars(given) | QUICK) if given.quick else given


def main() -> None:
    given = arguments()
    if given.measure:
        print(json.dumps(measure(given.measure, given.n_jobs)))
        return
    results = circumstances(given.date, ["datasketch", "numpy", "scipy"])
    runs = rounds_of(given)
    results |= {"exponent": exponent(runs), "ratios": ratios(runs), "runs": runs}
    show(results)
    write_results(given.results, "near_growth.json", results)


if __name__ == "__main__":
    main()
