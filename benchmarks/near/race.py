"""Race `dedup.near_duplicates` against its peers: speed, recall, precision and memory in one run.

python benchmarks/near_race.py [N[,N...]] [ROUNDS] [--contenders dedup,gaoya,...] [--bands 25x5] [--date 2026-11-21]

For each corpus size, every contender runs ROUNDS times in a process of its own, in turn (A B C A B C ...). The clock
starts with a list of str in memory, after imports and a warm-up on 50 texts, and stops with the pairs. All have word
5-grams, threshold 0.7, every processor, 128 values a signature (dedup at most: it computes what its bands need), and
the bands that they choose or document (16 x 8 where they leave it to the user), or those of `--bands`. Those that keep
signatures drop candidates whose estimate is below the threshold. `floor` is CPython's own ``t.lower().split()`` for
each text: what looking at the words costs.

Recall and precision are against all exact pairs (see corpus.py). Memory is the peak of the process (VmHWM, Linux),
with and without what it held when the clock started. A ratio is the median of dedup's seconds / its seconds in the
same round. Everything goes into results/near_race.json, which near_report.py reads.

pip install gaoya daft rensa xxhash FastSketchLSH
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import corpus
import numpy as np
from numpy.typing import NDArray

RESULTS = Path(__file__).resolve().parent / "results"
THRESHOLD = 0.7
SLOTS = 128
PACKAGES = {  # what each contender needs, by its name on PyPI
    "dedup": [],
    "gaoya": ["gaoya"],
    "daft": ["daft"],
    "rensa": ["rensa"],
    "datasketch": ["datasketch", "xxhash"],
    "fastsketch": ["FastSketchLSH"],
    "floor": [],
}

Signatures = NDArray[np.uint32] | NDArray[np.uint64]


# Contenders: texts -> pairs


def run_dedup(texts: list[str], bands: tuple[int, int] | None) -> Iterable[Sequence[int]]:  # noqa: ARG001
    from dedup import near_duplicates

    return near_duplicates(texts, threshold=THRESHOLD, num_perm=SLOTS).pairs


def run_gaoya(texts: list[str], bands: tuple[int, int] | None) -> Iterable[Sequence[int]]:
    from gaoya.minhash import MinHashStringIndex

    count, rows = bands or (16, 8)
    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=THRESHOLD,
        num_bands=count,
        band_size=rows,
        num_hashes=count * rows,
        analyzer="word",
        lowercase=True,
        ngram_range=(corpus.SHINGLE, corpus.SHINGLE),
        id_container="smallvec",
    )
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    return one_way(index.par_bulk_query(texts))


def run_daft(texts: list[str], bands: tuple[int, int] | None) -> Iterable[Sequence[int]]:
    import daft
    from daft.functions import minhash, normalize

    plain = normalize(daft.col("text"), remove_punct=True, lowercase=True, nfd_unicode=True, white_space=True)
    signed = minhash(plain, num_hashes=SLOTS, ngram_size=corpus.SHINGLE, hash_function="xxhash")
    column = daft.from_pydict({"text": texts}).select(signed.alias("signed")).to_arrow()["signed"].combine_chunks()
    return similar_in_a_band(column.flatten().to_numpy().reshape(len(texts), SLOTS), bands or (16, 8))


def run_rensa(texts: list[str], bands: tuple[int, int] | None) -> Iterable[Sequence[int]]:
    from rensa import RMinHash, RMinHashLSH

    count, rows = bands or (16, 8)
    sketches = RMinHash.from_token_sets([word_grams(text) for text in texts], num_perm=count * rows, seed=42)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=count * rows, num_bands=count)
    index.insert_many(sketches)
    found = one_way(index.query_all(sketches))
    return [(i, j) for i, j in found if sketches[i].jaccard(sketches[j]) >= THRESHOLD]


def run_datasketch(texts: list[str], bands: tuple[int, int] | None) -> Iterable[Sequence[int]]:
    from datasketch import MinHash, MinHashLSH
    from xxhash import xxh32_intdigest

    grams = [[gram.encode() for gram in word_grams(text)] for text in texts]
    sketches = MinHash.bulk(grams, num_perm=SLOTS, hashfunc=xxh32_intdigest)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=SLOTS, params=bands)
    for i, sketch in enumerate(sketches):
        index.insert(i, sketch, check_duplication=False)
    found = one_way(map(index.query, sketches))
    return [(i, j) for i, j in found if sketches[i].jaccard(sketches[j]) >= THRESHOLD]


def run_fastsketch(texts: list[str], bands: tuple[int, int] | None) -> Iterable[Sequence[int]]:
    from FastSketchLSH import LSH, FastSimilaritySketch

    count, rows = bands or (16, 8)
    signed = FastSimilaritySketch(size=SLOTS).batch([word_grams(text) for text in texts])  # a power of two
    signed = np.ascontiguousarray(signed[:, : count * rows])
    index = LSH(num_perm=count * rows, num_bands=count)
    index.insert(signed)
    met, starts = index.query(signed, format="csr")
    texts_of = np.repeat(np.arange(len(texts)), np.diff(starts.astype(np.int64)))
    return above_threshold(signed, texts_of, met.astype(np.int64))


def run_floor(texts: list[str], bands: tuple[int, int] | None) -> Iterable[Sequence[int]]:  # noqa: ARG001
    for text in texts:
        text.lower().split()  # thrown away: keeping the words would cost more than finding them
    return []


CONTENDERS: dict[str, Callable[[list[str], tuple[int, int] | None], Iterable[Sequence[int]]]] = {
    "dedup": run_dedup,
    "gaoya": run_gaoya,
    "daft": run_daft,
    "rensa": run_rensa,
    "datasketch": run_datasketch,
    "fastsketch": run_fastsketch,
    "floor": run_floor,
}


def word_grams(text: str) -> list[str]:
    """Distinct word 5-grams for those that want tokens, about as fast as plain Python makes them."""
    words = re.findall(r"\w+", text.lower())
    rest = [words[k:] for k in range(corpus.SHINGLE)]
    return list(set(map(" ".join, zip(*rest, strict=False)))) or [" ".join(words)]


def one_way(answers: Iterable[Iterable[int]]) -> set[tuple[int, int]]:
    """Pairs ``i < j`` from the neighbours of each text in turn."""
    return {(i, j) if i < j else (j, i) for i, found in enumerate(answers) for j in found if i != j}


def similar_in_a_band(signed: Signatures, bands: tuple[int, int]) -> NDArray[np.int64]:
    """Pairs that agree on a band and by estimate, for those that stop at signatures."""
    count, rows = bands
    weights = np.random.default_rng(0).integers(1, 2**63, rows, dtype=np.uint64) | np.uint64(1)
    left, right = [], []
    for first in range(0, count * rows, rows):
        keys = signed[:, first : first + rows].astype(np.uint64) @ weights
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        place, step = np.arange(len(keys) - 1), 1
        while len(place := place[ranked[place] == ranked[place + step]]):
            left.append(order[place])
            right.append(order[place + step])
            step += 1
            place = place[place + step < len(keys)]
    nothing = np.empty(0, np.int64)
    return above_threshold(signed, np.concatenate([nothing, *left]), np.concatenate([nothing, *right]))


def above_threshold(signed: Signatures, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distinct pairs ``i < j`` whose share of equal values reaches the threshold."""
    codes = np.unique(np.minimum(left, right) * len(signed) + np.maximum(left, right))
    pairs = np.stack(np.divmod(codes, len(signed)), axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    shares = [(signed[part[:, 0]] == signed[part[:, 1]]).mean(axis=1) for part in np.array_split(pairs, 64)]
    return pairs[np.concatenate(shares) >= THRESHOLD]


# One run in a process of its own


def peak_mb(*, reset: bool = False) -> float:
    """Peak resident memory of this process so far, or from now on (Linux)."""
    if reset:
        with suppress(OSError):  # where it is not allowed, what went before counts too
            Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def read_texts(path: str | Path) -> list[str]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_texts(path: str | Path, texts: Iterable[str]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(text, ensure_ascii=False) + "\n" for text in texts)


def run_once(name: str, folder: Path, bands: tuple[int, int] | None) -> dict[str, float]:
    texts = read_texts(folder / "texts.jsonl")
    CONTENDERS[name](texts[:50], bands)
    before = peak_mb(reset=True)
    start = time.perf_counter()
    pairs = CONTENDERS[name](texts, bands)
    seconds = time.perf_counter() - start
    peak = peak_mb()
    truth = np.load(folder / "pairs.npy")
    found = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    right = len(np.intersect1d(found @ (len(texts), 1), truth @ (len(texts), 1)))
    return {
        "seconds": seconds,
        "recall": right / max(1, len(truth)),
        "precision": right / max(1, len(found)),
        "pairs": len(found),
        "peak_mb": peak,
        "over_texts_mb": peak - before,
    }


def in_own_process(script: str, *arguments: str) -> dict[str, Any] | None:
    """What a script prints last, as JSON; None and a printed line when it fails."""
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"failed: {' '.join(arguments)}: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


# The race


def circumstances(date: str | None, packages: Iterable[str]) -> dict[str, Any]:
    """When, where and with what a benchmark ran."""
    import dedup

    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "date": date or datetime.now(UTC).date().isoformat(),
        "machine": {
            "processor": processor[1] if processor else platform.processor(),
            "processors": len(os.sched_getaffinity(0)),
            "memory_gb": round(int(memory[1]) / 2**20, 1) if memory else None,
            "system": platform.platform(),
            "load_before": round(os.getloadavg()[0], 2),
        },
        "python": platform.python_version(),
        "packages": {"dedup-stories": dedup.__version__} | {p: installed(p) for p in sorted(packages)},
    }


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_results(folder: Path, name: str, results: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nwrote {path}")


def available(names: Iterable[str], packages: Mapping[str, Sequence[str]]) -> list[str]:
    """Those of which all packages are installed; a line for each of the others."""
    present = []
    for name in names:
        missing = [package for package in packages[name] if installed(package) is None]
        if missing:
            print(f"{name} left out; to have it: pip install {' '.join(missing)}")
        else:
            present.append(name)
    return present


def race(n: int, rounds: int, names: Sequence[str], bands: str) -> dict[str, Any]:
    """All rounds over a corpus of `n` texts."""
    texts = corpus.news(n)
    truth, _ = corpus.exact_pairs(texts, THRESHOLD)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        write_texts(Path(folder) / "texts.jsonl", texts)
        np.save(Path(folder) / "pairs.npy", truth)
        del texts
        for k in range(rounds):
            for name in names:
                run = in_own_process(__file__, "--one", name, "--corpus", folder, "--bands", bands)
                if run:
                    runs[name].append({"round": k} | run)
    return {"exact_pairs": len(truth), "contenders": {name: summary(runs, name) for name in names if runs[name]}}


def summary(runs: dict[str, list[dict[str, Any]]], name: str) -> dict[str, Any]:
    """Medians of a contender's rounds, its ratio, and the rounds themselves."""
    medians = {key: float(np.median([run[key] for run in runs[name]])) for key in runs[name][0] if key != "round"}
    ours = {run["round"]: run["seconds"] for run in runs.get("dedup", [])}
    ratios = [ours[run["round"]] / run["seconds"] for run in runs[name] if run["round"] in ours]
    return medians | {"dedup_over_it": float(np.median(ratios)) if ratios else None, "rounds": runs[name]}


def show(n: int, rounds: int, raced: dict[str, Any]) -> None:
    print(f"\n{n:,} texts, {raced['exact_pairs']:,} exact pairs, median of {rounds} rounds")
    print("contender     seconds  dedup / it   recall  precision  peak MB  over texts")
    for name, run in sorted(raced["contenders"].items(), key=lambda item: item[1]["seconds"]):
        ratio = "" if run["dedup_over_it"] is None else f"{run['dedup_over_it']:.2f}"
        quality = f"{run['recall']:9.4f}{run['precision']:11.4f}" if name != "floor" else " " * 20
        print(f"{name:<12}{run['seconds']:9.2f}{ratio:>12}{quality}{run['peak_mb']:9.0f}{run['over_texts_mb']:12.0f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="?", default="10000", help="numbers of texts, with commas between")
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--bands", default="", help="bands x rows of every peer, such as 25x5")
    parser.add_argument("--date", help="date of the run; today if not given")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for near_race.json")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.one:
        bands = tuple(map(int, given.bands.split("x"))) if given.bands else None
        print(json.dumps(run_once(given.one, given.corpus, bands)))
        return
    names = available(given.contenders.split(","), PACKAGES)
    packages = {package for name in names for package in PACKAGES[name]} | {"numpy", "scipy", "datasketch"}
    results = circumstances(given.date, packages)
    results |= {"threshold": THRESHOLD, "slots": SLOTS, "peer_bands": given.bands or "their own", "sizes": {}}
    for n in map(int, given.sizes.split(",")):
        raced = race(n, given.rounds, names, given.bands)
        show(n, given.rounds, raced)
        results["sizes"][str(n)] = raced
    write_results(given.results, "near_race.json", results)


if __name__ == "__main__":
    main()
