"""What threads bring to `dedup.near_duplicates`, and for how long they hold the interpreter lock.

python -m benchmarks.near.threads [N] [ROUNDS] [--threads 1,2,-1]

Each number of threads (-1 for all processors) runs with the compiled loops and with those in NumPy; so do two processes
of one thread each, side by side, for what the machine's memory and caches allow. All run in turn, each in a fresh
process. The clock starts with a list of str in memory, after a warm-up on 50 texts.

lock_share      of the time of the work, samples in which a thread held the interpreter lock; needs
                ``pip install py-spy``
instructions    an article, and cycles likewise; where ``perf`` can count them
"""

import json
import os
import re
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import Any

from benchmarks import harness
from benchmarks.corpora.synthetic import news
from benchmarks.near.contenders import SLOTS, THRESHOLD

PATHS = {"compiled": "", "NumPy": "off"}  # values of DEDUP_KERNEL
SAMPLES_A_SECOND = 250
SHOWN = (
    "case",
    "articles_a_second",
    "over_one_thread",
    "processor_us_an_article",
    "lock_share",
    "instructions",
    "cycles",
)


def near_duplicates(texts: list[str], threads: int) -> None:
    from dedup import near_duplicates

    near_duplicates(texts, threshold=THRESHOLD, num_perm=SLOTS, n_jobs=threads)


def work(corpus: str, threads: int, path: str) -> harness.Run:
    """The work of one process."""
    os.environ["DEDUP_KERNEL"] = PATHS[path]
    texts = harness.read_jsonl(corpus)
    near_duplicates(texts[:50], threads)
    start = time.process_time()
    _, seconds = harness.timed(near_duplicates, texts, threads)
    return {"texts": len(texts), "seconds": seconds, "processor_seconds": time.process_time() - start}


def reading(corpus: str) -> None:
    """All but the work."""
    near_duplicates(harness.read_jsonl(corpus)[:50], 1)


def run_once(corpus: str, threads: int, path: str, processes: int) -> harness.Run:
    """Processes side by side; the articles that they read a second."""
    command = harness.command_for(work, corpus, threads, path)
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    runs = [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]
    texts, seconds = sum(run["texts"] for run in runs), max(run["seconds"] for run in runs)
    return {
        "seconds": seconds,
        "articles_a_second": texts / seconds,
        "processor_us_an_article": 1e6 * sum(run["processor_seconds"] for run in runs) / texts,
    }


def lock_share(corpus: str, threads: int, path: str) -> float | None:
    """The share of the time of the work in which a thread held the interpreter lock."""
    if which("py-spy") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        options = ["--gil", "--format", "raw", "--rate", str(SAMPLES_A_SECOND), "--output", f"{folder}/stacks"]
        command = ["py-spy", "record", *options, "--", *harness.command_for(work, corpus, threads, path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        stacks = Path(f"{folder}/stacks").read_text(encoding="utf-8").splitlines()
    (printed,) = re.findall(r"^\{.*\}$", done.stdout, re.MULTILINE)
    held = sum(int(stack.rsplit(" ", 1)[1]) for stack in stacks if is_work(stack))
    return float(held / SAMPLES_A_SECOND / json.loads(printed)["seconds"])


def is_work(stack: str) -> bool:
    """Whether a stack is of the work: of what is timed, or of one of its threads."""
    return "timed (benchmarks" in stack or "_bootstrap (threading" in stack


def counters(corpus: str, threads: int, path: str) -> harness.Run:
    """Instructions and cycles of the work, an article; nothing where they cannot be counted."""
    counted = [perf(harness.command_for(work, corpus, threads, path)), perf(harness.command_for(reading, corpus))]
    if None in counted:
        return {}
    texts = len(harness.read_jsonl(corpus))
    whole, rest = counted
    return {name: (whole[name] - rest[name]) / texts for name in whole} if whole and rest else {}


def perf(command: list[str]) -> dict[str, int] | None:
    """What perf counts of a command, in user mode."""
    if which("perf") is None:
        return None
    events = ["instructions", "cycles"]
    perf = ["perf", "stat", "--field-separator", ",", "--event", ",".join(f"{event}:u" for event in events)]
    done = subprocess.run([*perf, "--", *command], capture_output=True, text=True, check=True)
    lines = [line.split(",") for line in done.stderr.splitlines()]
    found = {line[2].removesuffix(":u"): line[0] for line in lines if len(line) > 2}
    with suppress(KeyError, ValueError):  # "<not supported>", as in many virtual machines
        return {event: int(found[event]) for event in events}
    return None


def race(corpus: str, rounds: int, threads: list[int], paths: list[str]) -> dict[str, Any]:
    cases: dict[str, tuple[int, str, int]] = {}
    for path in paths:
        cases |= {f"{count} threads, {path}": (count, path, 1) for count in threads}
        cases[f"2 processes, {path}"] = 1, path, 2
    runs = harness.interleaved(rounds, {name: (run_once, corpus, *case) for name, case in cases.items()})
    found = {}
    for name, (count, path, processes) in cases.items():
        over = harness.ratio(runs, name, f"1 threads, {path}", "articles_a_second")
        found[name] = harness.medians(runs[name]) | {"over_one_thread": over, "rounds": runs[name]}
        if processes == 1:
            found[name] |= {"lock_share": lock_share(corpus, count, path)} | counters(corpus, count, path)
    return found


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("texts", nargs="?", type=int, default=50_000)
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--threads", type=harness.numbers, default=[1, 2, -1])
    given = parser.parse_args()
    results = harness.circumstances(given.date, ["numpy", "scipy", "datasketch", "py-spy"])
    paths = [path for path in PATHS if path in ("NumPy", results["hot_loops"])]
    with tempfile.TemporaryDirectory() as folder:
        corpus = f"{folder}/texts.jsonl"
        harness.write_jsonl(corpus, news(given.texts))
        results |= {"texts": given.texts, "cases": race(corpus, given.rounds, given.threads, paths)}
    rows = [{"case": name} | run for name, run in results["cases"].items()]
    harness.show(f"{given.texts:,} texts, medians", rows, SHOWN)
    harness.write_results(given.results, "near_threads", results)


if __name__ == "__main__":
    main()
