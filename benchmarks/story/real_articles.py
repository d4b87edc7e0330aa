"""Check the tiers on real articles whose labels are known.

python benchmarks/real_articles.py DATA_FOLDER

DATA_FOLDER holds `seeds/*.txt` (five French reports of one event, as scraped) and `labelled/*.jsonl.gz`. Shown are: the
seeds alone; the seeds among 6,346 other articles; and the rewritten copies of near_1000 and near_2500 with the
Jaccard similarities of the least similar true pair and of the most similar other one.
"""

import gzip
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import dedup


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Articles of a labelled set, with ids of their own."""
    with gzip.open(folder / "labelled" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [
        {"id": f"{name}/{i}", "title": row.get("title"), "text": row["text"], "published": row.get("date")}
        for i, row in enumerate(found)
    ]


def seeds(folder: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((folder / "seeds").glob("*.txt"))]
    print(f"seeds alone: labels {dedup.cluster(texts).labels.tolist()}")
    others = [row for name in ("french_headlines", "basil", "ecb") for row in rows(folder, name)]
    start = time.perf_counter()
    stories = dedup.cluster([*({"text": text} for text in texts), *others])
    story = stories[stories.labels[0]]
    own = sum(article.text in texts for article in story.articles)
    print(
        f"seeds among {len(others):,} others: labels {stories.labels[:5].tolist()}, their first story has "
        f"{len(story)} articles, {own} of them seeds ({time.perf_counter() - start:.1f} s)"
    )


def copies(folder: Path, name: str) -> None:
    with gzip.open(folder / "labelled" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    place = {row["id"]: i for i, row in enumerate(found)}
    labelled = json.loads((folder / "labelled" / f"{name}.pairs.json").read_text(encoding="utf-8"))
    true = {tuple(sorted((place[a], place[b]))) for a, b in labelled}
    texts = [row["text"] for row in found]
    pairs = set(map(tuple, dedup.near_duplicates(texts).pairs.tolist()))
    low = dedup.near_duplicates(texts, threshold=0.1, num_perm=256)
    jaccard = dict(zip(map(tuple, low.pairs.tolist()), low.jaccard.tolist(), strict=True))
    least = min(jaccard[pair] for pair in true)
    most = max(value for pair, value in jaccard.items() if pair not in true)
    print(
        f"{name}: {len(pairs & true)} of {len(true)} pairs found, {len(pairs - true)} others; "
        f"least similar true pair {least:.2f}, most similar other {most:.2f}"
    )


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore", UserWarning)  # a few dates of the labelled sets are not ISO 8601
    folder = Path(sys.argv[1])
    seeds(folder)
    for name in ("near_1000", "near_2500"):
        copies(folder, name)


if __name__ == "__main__":
    main()
