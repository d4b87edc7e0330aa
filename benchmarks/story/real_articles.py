"""Check near-duplicates and stories on real articles whose labels are known.

python -m benchmarks.story.real_articles DATA SEEDS

DATA is the folder of the labelled sets, SEEDS a folder of texts: five French reports of one event, as scraped. Shown
are the seeds alone; the seeds among 6,346 other articles; and the rewritten copies of near_1000 and near_2500 with the
Jaccard similarities of the least similar true pair and of the most similar other pair.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import dedup
from benchmarks import harness


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Articles of a labelled set, with ids that no other set has."""
    return [
        {"id": f"{name}/{i}", "title": row.get("title"), "text": row["text"], "published": row.get("date")}
        for i, row in enumerate(harness.read_jsonl(folder / f"{name}.jsonl.gz"))
    ]


def seeds(data: Path, folder: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))]
    print(f"seeds alone: labels {dedup.cluster(texts).labels.tolist()}")
    others = [row for name in ("french_headlines", "basil", "ecb") for row in rows(data, name)]
    stories, seconds = harness.timed(dedup.cluster, [*({"text": text} for text in texts), *others])
    story = stories[stories.labels[0]]
    own = sum(article.text in texts for article in story.articles)
    print(
        f"seeds among {len(others):,} others: labels {stories.labels[:5].tolist()}, their first story has "
        f"{len(story)} articles, {own} of them seeds ({seconds:.1f} s)"
    )


def copies(folder: Path, name: str) -> None:
    found = harness.read_jsonl(folder / f"{name}.jsonl.gz")
    place = {row["id"]: i for i, row in enumerate(found)}
    labelled = json.loads((folder / f"{name}.pairs.json").read_text(encoding="utf-8"))
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
    parser = harness.parser(__doc__, data=True, results=False)
    parser.add_argument("seeds", type=Path, help="folder of *.txt")
    given = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # some dates of the labelled sets are not ISO 8601
    seeds(given.data, given.seeds)
    for name in ("near_1000", "near_2500"):
        copies(given.data, name)


if __name__ == "__main__":
    main()
