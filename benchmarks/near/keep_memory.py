"""Memory of the command `dedup near --keep`, next to the size of its file.

python -m benchmarks.near.keep_memory [--lines 50000,200000] [--words 140]

The file has short articles of `synthetic.news`, a line each, some of them copies. Memory is the peak of the one child
process that reads the file, looks for copies and writes the lines that stay, as the system counts it (`ru_maxrss`).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.corpora import synthetic


def write_corpus(path: str, lines: int, words: int) -> None:
    """Articles cut after so many words, which leaves their copies copies."""
    texts = (" ".join(text.split(" ")[:words]) for text in synthetic.news(lines))
    harness.write_jsonl(path, ({"id": f"article-{i}", "text": text} for i, text in enumerate(texts)))


def kept(path: Path) -> dict[str, Any]:
    """Run the command over a file."""
    out = path.with_name("kept.jsonl")
    command = [sys.executable, "-m", "dedup", "near", str(path), "--keep", "-o", str(out)]
    start = time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"dedup near ended with {running.returncode}")
    size, peak = path.stat().st_size / 1e6, used.ru_maxrss * 1024 / 1e6  # MB of a million bytes, as of files
    with out.open("rb") as file:
        stay = sum(1 for _ in file)
    seconds = {"seconds": time.perf_counter() - start, "processor_seconds": used.ru_utime + used.ru_stime}
    return {"file_mb": size, "stay": stay, "peak_mb": peak, "peak_over_file": peak / size} | seconds


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--lines", type=harness.numbers, default=[50_000, 200_000])
    parser.add_argument("--words", type=int, default=140, help="most words of an article")
    given = parser.parse_args()
    results = harness.circumstances(given.date, ["numpy", "scipy"]) | {"runs": []}
    with tempfile.TemporaryDirectory() as folder:
        for lines in given.lines:
            path = Path(folder, "articles.jsonl")
            harness.in_fresh_process(write_corpus, path, lines, given.words)
            results["runs"].append({"lines": lines} | kept(path))
    harness.show("dedup near --keep", results["runs"])
    harness.write_results(given.results, "near_keep_memory", json.loads(json.dumps(results)))


if __name__ == "__main__":
    main()
