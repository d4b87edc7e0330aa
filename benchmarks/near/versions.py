"""Two versions of the near tier: whether one finds what the other does not, and which is faster.

python -m benchmarks.near.versions OTHER DATA [--texts 50000] [--rounds 5] [--different 10000]

OTHER is a checkout of another version, with its kernel built if it has one (`git worktree add`). Each run is a fresh
process that imports one of the two; the two run in turn.

labelled   near_1000 and near_2500 of DATA, `NAME.jsonl.gz` and `NAME.pairs.json`: planted pairs found, and others
different  texts of every script, no two of which are copies (`corpora.scripts`): pairs found, where none is right. All
           pairs of so many texts are looked at, which are 10,000 times as many as 5,000
race       seconds and processor seconds of `synthetic.news`, from texts in memory to pairs
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.corpora import scripts, synthetic

LABELLED = ("near_1000", "near_2500")

#: Imports whatever version stands first in PYTHONPATH.
WORKER = """
import json, sys, time
import dedup
texts = [json.loads(line)["text"] for line in open(sys.argv[1], encoding="utf-8")]
dedup.near_duplicates(texts[:50])
start, processor = time.perf_counter(), time.process_time()
found = dedup.near_duplicates(texts)
times = time.perf_counter() - start, time.process_time() - processor
print(json.dumps({"file": dedup.__file__, "times": times, "pairs": found.pairs.tolist()}))
"""


def pairs_by(version: Path, corpus: Path) -> dict[str, Any]:
    """What a version finds in a file of texts, and its seconds, by the clock and of processors."""
    environment = os.environ | {"PYTHONPATH": str(version)}
    command = [sys.executable, "-c", WORKER, str(corpus)]
    done = subprocess.run(command, env=environment, cwd=corpus.parent, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    if not Path(found["file"]).is_relative_to(version):
        raise SystemExit(f"{found['file']} was imported, not that of {version}")
    return found


def labelled(versions: dict[str, Path], given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    rows = []
    for name in LABELLED:
        articles = harness.read_jsonl(given.data / f"{name}.jsonl.gz")
        numbers = {article["id"]: i for i, article in enumerate(articles)}
        planted = json.loads((given.data / f"{name}.pairs.json").read_text())
        right = {tuple(sorted((numbers[one], numbers[other]))) for one, other in planted}
        harness.write_jsonl(folder / "texts.jsonl", articles)
        row: dict[str, Any] = {"set": name, "texts": len(articles), "planted": len(right)}
        for version, place in versions.items():
            found = set(map(tuple, pairs_by(place, folder / "texts.jsonl")["pairs"]))
            row |= {f"{version} found": len(found & right), f"{version} others": len(found - right)}
        rows.append(row)
    return rows


def different(versions: dict[str, Path], given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    rows = []
    for script in scripts.SCRIPTS:
        texts = scripts.different(script, given.different)
        harness.write_jsonl(folder / "texts.jsonl", ({"text": text} for text in texts))
        found = {version: len(pairs_by(place, folder / "texts.jsonl")["pairs"]) for version, place in versions.items()}
        rows.append({"script": script, "texts": len(texts)} | found)
    return rows


def race(versions: dict[str, Path], given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    harness.write_jsonl(folder / "texts.jsonl", ({"text": text} for text in synthetic.news(given.texts)))
    runs: harness.Runs = {version: [] for version in versions}
    for k in range(given.rounds):
        for version, place in versions.items():
            found = pairs_by(place, folder / "texts.jsonl")
            seconds, processor = found["times"]
            run = {"round": k, "seconds": seconds, "processor_seconds": processor, "pairs": len(found["pairs"])}
            runs[version].append(run)
    ratios = {key: harness.ratio(runs, "this", "other", key) for key in ("seconds", "processor_seconds")}
    return {"texts": given.texts, "this_over_other": ratios} | {
        name: harness.medians(own) for name, own in runs.items()
    }


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("other", type=Path, help="a checkout of another version")
    parser.add_argument("data", type=Path, help="folder of the labelled sets")
    parser.add_argument("--texts", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--different", type=int, default=10_000, help="texts of each script")
    given = parser.parse_args()
    versions = {"this": Path(__file__).resolve().parents[2], "other": given.other.resolve()}
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    commit = ["git", "-C", str(given.other), "rev-parse", "--short", "HEAD"]
    results["other"] = subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        for measured in (labelled, different):
            results[measured.__name__] = measured(versions, given, Path(folder))
            harness.show(measured.__name__, results[measured.__name__])
        results["race"] = race(versions, given, Path(folder))
        rows = [{"version": name} | results["race"][name] for name in versions]
        harness.show(f"{given.texts:,} texts; this / other: {results['race']['this_over_other']}", rows)
    harness.write_results(given.results, "near_versions", results)


if __name__ == "__main__":
    main()
