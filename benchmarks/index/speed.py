"""What `dedup.StoryIndex` costs an article, and how its stories compare with a batch's.

python benchmarks/index_speed.py DATA [--live 100000] [--singles 1000] [--date 2026-11-22]

speed    with `--live` articles of worlds.py in an index on disk: seconds of one `add`, and beside it, in turns, of
         datasketch's `update_batch`, `query` and `insert` of the same article; articles a second of `add_many`, in
         turns with those; seconds to open the file again and to let the oldest 30 % expire; kB of disk beyond the text
         and of memory an article
quality  BCubed F1 of each labelled set in DATA fed one by one by date, and of the batch

Everything goes into results/index_speed.json.
"""

import argparse
import re
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import worlds
from datasketch import MinHash, MinHashLSH
from near_race import RESULTS, circumstances, write_results

import dedup
from dedup.metrics import bcubed

BATCH, TURN = 500, 250

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


def speed(articles: list[worlds.Article], live: int, singles: int, folder: str) -> dict[str, float]:
    path = Path(folder) / "index.db"
    lsh = MinHashLSH(threshold=0.7, num_perm=128)
    before = resident_kb()
    index = dedup.StoryIndex(path)
    for i in range(0, live, BATCH):
        index.add_many(articles[i : min(i + BATCH, live)])
    memory = resident_kb() - before
    for article in articles[:live]:
        sketch(lsh, article)
    single, sketched, many = [], [], []
    # Articles of one stretch of time, in turns: first some one by one, then as many at once.
    for i in range(live, live + 2 * singles, 2 * TURN):
        for article in articles[i : i + TURN]:
            single.append(seconds(lambda: index.add(article)))  # noqa: B023 (called at once)
            sketched.append(seconds(lambda: sketch(lsh, article)))  # noqa: B023
        many.append(seconds(lambda: index.add_many(articles[i + TURN : i + 2 * TURN])))  # noqa: B023
    index.close()
    text = sum(len(f"{article['title']}{article['text']}".encode()) for article in articles)
    disk = path.stat().st_size
    reopening = seconds(lambda: dedup.StoryIndex(path).close())
    with dedup.StoryIndex(path, timezone="UTC") as index:
        days = sorted(article["published"] for article in articles if article["published"])
        limit = datetime.fromisoformat(days[int(0.3 * len(days))])
        size = len(index)
        expiry = seconds(lambda: index.expire(limit))
        expired = size - len(index)
    add, peer = float(np.median(single)), float(np.median(sketched))
    return {
        "live": float(live),
        "add_median_ms": 1e3 * add,
        "add_p99_ms": 1e3 * float(np.percentile(single, 99)),
        "add_max_ms": 1e3 * max(single),
        "datasketch_median_ms": 1e3 * peer,
        "add / datasketch": add / peer,
        "p99 / median": float(np.percentile(single, 99)) / add,
        "add_many_a_second": len(many) * TURN / sum(many),
        "add_many / add": sum(single) / sum(many),
        "disk_kb_beyond_text": (disk - text) / 1024 / len(articles),
        "memory_kb": memory / live,
        "reopening_seconds": reopening,
        "reopening / 2,000 adds": reopening / (2000 * float(np.mean(single))),
        "expired": float(expired),
        "expiry_seconds": expiry,
        "expiry of 30,000 / 1,000 adds": expiry / expired * 30_000 / (1000 * float(np.mean(single))),
    }


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
    parser.add_argument("--live", type=int, default=100_000)
    parser.add_argument("--singles", type=int, default=1000)
    parser.add_argument("--date", help="date of the run; today if not given")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    articles, _ = worlds.worlds(given.data, given.live + 2 * given.singles)
    articles.sort(key=lambda article: article["published"] or "")
    with tempfile.TemporaryDirectory() as folder:
        costs = speed(articles, given.live, given.singles, folder)
    for name, value in costs.items():
        print(f"{name:<32}{value:10.2f}")
    sets = {name: quality(given.data, name) for name in worlds.SETS}
    for name, row in sets.items():
        print(f"{name:<10}stream {row['stream']:.3f}  batch {row['batch']:.3f}")
    mean = {kind: float(np.mean([row[kind] for row in sets.values()])) for kind in ("stream", "batch")}
    print(f"mean      stream {mean['stream']:.4f}  batch {mean['batch']:.4f}")
    results: dict[str, Any] = circumstances(given.date, ["datasketch", "numpy", "scipy"])
    write_results(RESULTS, "index_speed.json", results | {"costs": costs, "sets": sets, "mean": mean})


if __name__ == "__main__":
    main()
