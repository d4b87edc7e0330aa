"""What `dedup.StoryIndex` costs an article, and how its stories compare with a batch's.

python benchmarks/index_speed.py DATA [--live 10000] [--singles 500] [--date 2026-11-22]

speed    with `--live` articles of worlds.py in an index on disk: seconds of one `add`, articles a second of `add_many`,
         seconds to open the file again, kB of disk beyond the text and of memory an article; beside it, in turns with
         the single adds, datasketch's `update_batch`, `query` and `insert` of the same article
quality  BCubed F1 of each labelled set in DATA fed one by one by date, and of the batch

Everything goes into results/index_speed.json.
"""

import argparse
import re
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import worlds
from datasketch import MinHash, MinHashLSH
from near_race import RESULTS, circumstances, write_results

import dedup
from dedup.metrics import bcubed

WORD = re.compile(r"\w+")


def resident_kb() -> int:
    """Resident memory of this process (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def sketch(lsh: MinHashLSH, article: worlds.Article) -> None:
    words = WORD.findall(f"{article['title']}\n{article['text']}".lower())
    shingles = {" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))}
    signature = MinHash(num_perm=128)
    signature.update_batch(list(shingles))
    lsh.query(signature)
    lsh.insert(article["id"], signature)


def speed(articles: list[worlds.Article], live: int, folder: str) -> dict[str, float]:
    path = Path(folder) / "index.db"
    lsh = MinHashLSH(threshold=0.7, num_perm=128)
    before = resident_kb()
    index = dedup.StoryIndex(path)
    adding = seconds(lambda: [index.add_many(articles[i : min(i + 500, live)]) for i in range(0, live, 500)])
    memory = resident_kb() - before
    for article in articles[:live]:
        sketch(lsh, article)
    singles, sketches = [], []
    for article in articles[live:]:
        singles.append(seconds(lambda: index.add(article)))  # noqa: B023 (called at once)
        sketches.append(seconds(lambda: sketch(lsh, article)))  # noqa: B023
    index.close()
    text = sum(len(f"{article['title']}{article['text']}".encode()) for article in articles)
    results = {
        "live": float(live),
        "add_median_ms": 1e3 * float(np.median(singles)),
        "add_p99_ms": 1e3 * float(np.percentile(singles, 99)),
        "datasketch_median_ms": 1e3 * float(np.median(sketches)),
        "add_many_a_second": live / adding,
        "disk_kb_beyond_text": (path.stat().st_size - text) / 1024 / len(articles),
        "memory_kb": memory / live,
        "reopening_seconds": seconds(lambda: dedup.StoryIndex(path).close()),
    }
    return results | {"add / datasketch": results["add_median_ms"] / results["datasketch_median_ms"]}


def quality(folder: Path, name: str) -> dict[str, float]:
    articles, gold = worlds.load(folder, name)
    articles = [article | {"id": str(i)} for i, article in enumerate(articles)]
    batch = dedup.StoryClusterer(timezone="UTC").fit(articles).labels_
    with dedup.StoryIndex(":memory:", timezone="UTC") as index:
        for article in sorted(articles, key=lambda article: article["published"] or ""):
            index.add(article)
        stream = [index.story_id(article["id"]) for article in articles]
    return {"stream": bcubed(gold, stream).f1, "batch": bcubed(gold, batch).f1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--live", type=int, default=10_000)
    parser.add_argument("--singles", type=int, default=500)
    parser.add_argument("--date", help="date of the run; today if not given")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    articles, _ = worlds.worlds(given.data, given.live + given.singles)
    articles.sort(key=lambda article: article["published"] or "")
    with tempfile.TemporaryDirectory() as folder:
        costs = speed(articles, given.live, folder)
    for name, value in costs.items():
        print(f"{name:<24}{value:10.2f}")
    sets = {name: quality(given.data, name) for name in worlds.SETS}
    for name, row in sets.items():
        print(f"{name:<10}stream {row['stream']:.3f}  batch {row['batch']:.3f}")
    mean = {kind: float(np.mean([row[kind] for row in sets.values()])) for kind in ("stream", "batch")}
    print(f"mean      stream {mean['stream']:.4f}  batch {mean['batch']:.4f}")
    results: dict[str, Any] = circumstances(given.date, ["datasketch", "numpy", "scipy"])
    write_results(RESULTS, "index_speed.json", results | {"costs": costs, "sets": sets, "mean": mean})


if __name__ == "__main__":
    main()
