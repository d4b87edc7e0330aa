"""What `dedup.StoryIndex` costs an article, and how its stories compare with those of a batch.

python -m benchmarks.index.speed DATA [--live 100000] [--singles 1000]

speed    with `--live` articles of worlds.py in an index on disk: seconds of one `add`, in turn with datasketch's
         `update_batch`, `query` and `insert` of the same article; articles a second of `add_many`, in turn with those;
         seconds to open the file again, and for the oldest 30 % to expire; kB of disk beyond the text and of memory an
         article
quality  BCubed F1 of each labelled set, added one by one by date, and of the batch
"""

import re
import tempfile
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH

import dedup
from benchmarks import harness
from benchmarks.corpora.labelled import SETS, Article, full_text, load
from benchmarks.corpora.worlds import worlds
from benchmarks.harness import timed
from dedup.metrics import bcubed

BATCH, TURN = 500, 250

WORD = re.compile(r"\w+")


def sketch(lsh: MinHashLSH, article: Article) -> None:
    words = WORD.findall(full_text(article).lower())
    shingles = {" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))}
    signature = MinHash(num_perm=128)
    signature.update_batch(list(shingles))
    lsh.query(signature)
    lsh.insert(article["id"], signature)


def adding(path: Path, articles: list[Article], live: int) -> dict[str, Any]:
    """Memory of `live` articles, and seconds of the others: of each `add` and `sketch`, and of every `add_many`."""
    lsh = MinHashLSH(threshold=0.7, num_perm=128)
    before = harness.resident_mb()
    with dedup.StoryIndex(path) as index:
        for i in range(0, live, BATCH):
            index.add_many(articles[i : min(i + BATCH, live)])
        memory = harness.resident_mb() - before
        for article in articles[:live]:
            sketch(lsh, article)
        single, sketched, many = [], [], []
        # In turn, so that both see articles of one stretch of time: some one by one, then as many at once.
        for i in range(live, len(articles), 2 * TURN):
            for article in articles[i : i + TURN]:
                single.append(timed(index.add, article)[1])
                sketched.append(timed(sketch, lsh, article)[1])
            many.append(timed(index.add_many, articles[i + TURN : i + 2 * TURN])[1])
    return {"memory_kb": 1024 * memory / live, "single": single, "sketched": sketched, "many": many}


def speed(articles: list[Article], live: int, folder: str) -> dict[str, float]:
    path = Path(folder) / "index.db"
    added = adding(path, articles, live)
    single, many = np.array(added["single"]), added["many"]
    text = sum(len(f"{article['title']}{article['text']}".encode()) for article in articles)
    disk = path.stat().st_size
    _, reopening = timed(lambda: dedup.StoryIndex(path).close())
    with dedup.StoryIndex(path, timezone="UTC") as index:
        days = sorted(article["published"] for article in articles if article["published"])
        size = len(index)
        _, expiry = timed(index.expire, datetime.fromisoformat(days[int(0.3 * len(days))]))
        expired = size - len(index)
    add, peer, p99 = float(np.median(single)), float(np.median(added["sketched"])), float(np.percentile(single, 99))
    return {
        "live": float(live),
        "add_median_ms": 1e3 * add,
        "add_p99_ms": 1e3 * p99,
        "add_max_ms": 1e3 * float(single.max()),
        "datasketch_median_ms": 1e3 * peer,
        "add / datasketch": add / peer,
        "p99 / median": p99 / add,
        "add_many_a_second": len(many) * TURN / sum(many),
        "add_many / add": float(single.sum()) / sum(many),
        "disk_kb_beyond_text": (disk - text) / 1024 / len(articles),
        "memory_kb": added["memory_kb"],
        "reopening_seconds": reopening,
        "reopening / 2,000 adds": reopening / (2000 * float(single.mean())),
        "expired": float(expired),
        "expiry_seconds": expiry,
        "expiry of 30,000 / 1,000 adds": expiry / expired * 30_000 / (1000 * float(single.mean())),
    }


def quality(folder: Path, name: str) -> dict[str, float]:
    articles, gold = load(folder, name)
    articles = [article | {"id": str(i)} for i, article in enumerate(articles)]
    batch = dedup.StoryClusterer(timezone="UTC").fit(articles).labels_
    with dedup.StoryIndex(":memory:", timezone="UTC", match_urls=False) as index:  # each article has a label
        for article in sorted(articles, key=lambda article: article["published"] or ""):
            index.add(article)
        stream = [index.story_id(article["id"]) for article in articles]
    return {"stream": bcubed(gold, stream).f1, "batch": bcubed(gold, batch).f1}


def main() -> None:
    parser = harness.parser(__doc__, data=True)
    parser.add_argument("--live", type=int, default=100_000)
    parser.add_argument("--singles", type=int, default=1000)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of dates that are not ISO 8601
    results = harness.circumstances(given.date, ["datasketch", "numpy", "scipy"])
    articles, _ = worlds(given.data, given.live + 2 * given.singles)
    articles.sort(key=lambda article: article["published"] or "")
    with tempfile.TemporaryDirectory() as folder:
        costs = speed(articles, given.live, folder)
    harness.show("Costs", [{"cost": name, "value": value} for name, value in costs.items()])
    sets = {name: quality(given.data, name) for name in SETS}
    mean = {kind: float(np.mean([row[kind] for row in sets.values()])) for kind in ("stream", "batch")}
    harness.show("BCubed F1", [{"set": name} | row for name, row in (sets | {"mean": mean}).items()])
    harness.write_results(given.results, "index_speed", results | {"costs": costs, "sets": sets, "mean": mean})


if __name__ == "__main__":
    main()
