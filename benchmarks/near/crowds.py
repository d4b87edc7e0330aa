"""Whether copies in crowds are found as surely as `NearDuplicates.expected_recall` says, through each door.

python -m benchmarks.near.crowds batch|against|index|archive [--sizes 100,500] [--templates 20,5] [--only a,b,c,d]

batch    `near_duplicates`
against  `near_duplicates(against=...)`: copies against their texts
index    `StoryIndex`: all texts come, and then at most 500 copies
archive  `archive.near_duplicates`

a  crowds     texts of 45 words and a template of 150, each with a copy in which some words are others (`--edits`)
b  verbatim   700 texts of 40 words and a template of 170, the last 100 again under new ids: found, by template
c  bulletins  bulletins that differ in figures only, each with a copy in which two words are others; compare_numbers
d  briefs     briefs of 1 to 154 words in texts of 400 more, word for word or edited up to the limit, by `containment`
              and `recall`

Sizes are numbers of pairs in one crowd; `--templates` is how many crowds of each size are made, each in a run of its
own (of c at most two): the pairs of one crowd share most of their words, so that they are found or missed together,
and only several crowds say how far chance goes. `expected` is the mean of `expected_recall` over the pairs with a
Jaccard similarity of at least the threshold. `error` is the standard error of `found`: that of independent pairs, or
over the crowds where this is more; `short` says that it is more than two of them below `expected`. `given_up` and
`others`, the pairs found that are not those planted, are sums over the crowds.

The results have what was measured of each door; those of other doors and sections stay. Numbers are not compared in an
index, and containment neither there nor in an archive.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import dedup
from benchmarks import harness
from benchmarks.corpora import synthetic
from benchmarks.corpora.exact import SHINGLE, overlaps

NAME = "near_crowds"
SECTIONS_OF = {"batch": "abcd", "against": "abcd", "index": "ab", "archive": "abc"}
SIZES, TEMPLATES, EDITS = [100, 500], [3], [6]
MOST_OF_FIGURES = 2  # crowds of bulletins of each size
AT_ONCE = 500
MOST_ASKED = 500  # in an index, since an article that comes is compared with a thousand
BRIEFS = [(words, 0) for words in (1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 40, 80, 150)]
BRIEFS += [(54, 1), (104, 2), (154, 3)]  # nine tenths of their shingles are in the other text
CONTAINMENTS = ((0.9, 0.95), (1.0, 0.95), (0.9, 0.99))
FIGURES = (4, 10, 20)

Rows = list[dict[str, Any]]
Flags = NDArray[np.bool_]


class Found(NamedTuple):
    """Which planted pairs a door found, how many other pairs, and how many texts it gave up."""

    planted: Flags
    others: int
    given_up: int | None
    asked: NDArray[np.int64] | None = None  # numbers of the planted pairs, if not all were looked for


def by_batch(texts: Sequence[str], **settings: Any) -> Found:
    found = dedup.near_duplicates(texts, **settings)
    return _planted(found.pairs, len(texts), found.given_up)


def by_against(texts: Sequence[str], **settings: Any) -> Found:
    new, old = dedup.near_duplicates(texts[1::2], against=texts[::2], **settings).pairs.T
    return _planted(np.sort(np.stack([2 * old, 2 * new + 1], axis=1), axis=1), len(texts), None)


def by_index(texts: Sequence[str], **_: Any) -> Found:
    """Texts first, then copies of some; a copy is found when it is said to be one of its text."""
    asked = np.unique(np.linspace(0, len(texts) // 2 - 1, MOST_ASKED).astype(np.int64))
    planted = np.zeros(len(asked), dtype=np.bool_)
    others = 0
    with dedup.StoryIndex(":memory:", cut_residue=False) as index:
        for positions in (range(0, len(texts), 2), (2 * asked + 1).tolist()):
            articles = [{"id": str(i), "text": texts[i]} for i in positions]
            for start in range(0, len(articles), AT_ONCE):
                for given in index.add_many(articles[start : start + AT_ONCE]):
                    if given.near_duplicate_of is not None:
                        pair = sorted((int(given.article_id), int(given.near_duplicate_of)))
                        is_planted = pair[0] % 2 == 0 and pair[1] == pair[0] + 1
                        planted |= is_planted & (asked == pair[0] // 2)
                        others += not is_planted
    return Found(planted, others, None, asked)


def by_archive(texts: Sequence[str], **settings: Any) -> Found:
    pairs, given_up = pairs_of_archive(texts, **settings)
    return _planted(pairs, len(texts), given_up)


def pairs_of_archive(texts: Sequence[str], **settings: Any) -> tuple[NDArray[np.int64], int]:
    """Pairs that an archive of these texts has, and how many texts it gave up."""
    import pyarrow.parquet as pq

    from dedup import archive

    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "texts.jsonl"), Path(folder, "out")
        harness.write_jsonl(path, ({"id": str(i), "text": text} for i, text in enumerate(texts)))
        manifest = archive.near_duplicates(path, out, n_jobs=1, **settings)
        table = pq.read_table(out / "pairs")
    pairs = np.array([table[name].to_pylist() for name in ("id", "other_id")], dtype=np.int64).T.reshape(-1, 2)
    return np.sort(pairs, axis=1), int(manifest["counts"]["given_up"])


def _planted(pairs: NDArray[np.int64], n: int, given_up: int | None) -> Found:
    is_planted = (pairs[:, 0] % 2 == 0) & (pairs[:, 1] == pairs[:, 0] + 1)
    planted = np.zeros(n // 2, dtype=np.bool_)
    planted[pairs[is_planted, 0] // 2] = True
    return Found(planted, int(np.count_nonzero(~is_planted)), given_up)


CALLS: dict[str, Callable[..., Found]] = {
    "batch": by_batch,
    "against": by_against,
    "index": by_index,
    "archive": by_archive,
}


def scores(found: Found, texts: Sequence[str]) -> dict[str, Any]:
    """What one crowd says: pairs due, found and expected, and the variance of independent pairs."""
    pairs = np.arange(len(texts)).reshape(-1, 2)
    jaccard, _ = overlaps(texts, pairs if found.asked is None else pairs[found.asked])
    expected = dedup.near_duplicates(texts[:2]).expected_recall(jaccard)
    due = jaccard >= dedup.parameters.NEAR_THRESHOLD
    return {
        "due": int(due.sum()),
        "jaccard": float(jaccard[due].sum()),
        "found": int(found.planted[due].sum()),
        "expected": float(expected[due].sum()),
        "variance": float((expected[due] * (1 - expected[due])).sum()),
        "others": found.others,
        "given_up": found.given_up,
    }


def together(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One row of several crowds."""
    due = sum(run["due"] for run in runs)
    shares = np.array([run["found"] / max(run["due"], 1) for run in runs])
    independent = np.sqrt(sum(run["variance"] for run in runs)) / max(due, 1)
    over_crowds = shares.std(ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else 0.0
    row = {key: sum(run[key] for run in runs) / max(due, 1) for key in ("jaccard", "found", "expected")}
    row = {"crowds": len(runs), "due": due} | row | {"error": float(max(independent, over_crowds))}
    given_up = [run["given_up"] for run in runs]
    return row | {
        "short": bool(row["found"] < row["expected"] - 2 * row["error"]),
        "others": sum(run["others"] for run in runs),
        "given_up": None if None in given_up else sum(given_up),
    }


# a: crowds


def crowd_run(door: str, size: int, edits: int, seed: int) -> harness.Run:
    texts = synthetic.crowd(size, edits=edits, seed=seed)
    found, seconds = harness.timed(CALLS[door], texts)
    return scores(found, texts) | {"seconds": seconds}


def crowds(given: argparse.Namespace) -> Rows:
    rows = []
    for size, count in zip(given.sizes, given.templates, strict=True):
        for edits in given.edits:
            runs = [harness.in_fresh_process(crowd_run, given.door, size, edits, seed) for seed in range(count)]
            seconds = float(np.median([run["seconds"] for run in runs]))
            rows.append({"pairs": size, "edits": edits} | together(runs) | {"seconds": seconds})
            harness.show(f"crowds of {size:,} pairs", rows[-1:])
    return rows


# b: verbatim


def verbatim_run(door: str, seed: int) -> int:
    """How many of 100 texts that come again are found to be copies of themselves."""
    texts = synthetic.crowd(700, own=40, template=170, edits=0, seed=100 + seed)[::2]
    known, again = texts[:], texts[-100:]
    if door == "against":
        copies = {tuple(pair) for pair in dedup.near_duplicates(again, against=known).pairs.tolist()}
        return sum((i, 600 + i) in copies for i in range(100))
    if door in ("batch", "archive"):
        both = [*known, *again]
        pairs = dedup.near_duplicates(both).pairs if door == "batch" else pairs_of_archive(both)[0]
        known_pairs = {tuple(pair) for pair in pairs.tolist()}
        return sum((600 + i, 700 + i) in known_pairs for i in range(100))
    found = 0
    with dedup.StoryIndex(":memory:", cut_residue=False) as index:
        index.add_many([{"id": str(i), "text": text} for i, text in enumerate(known)])
        for i, text in enumerate(again):
            found += index.add({"id": f"again {i}", "text": text}).near_duplicate_of == str(600 + i)
    return found


def verbatim(given: argparse.Namespace) -> Rows:
    found = [harness.in_fresh_process(verbatim_run, given.door, seed) for seed in range(10)]
    return [{"templates": len(found), "least": min(found), "mean": float(np.mean(found))}]


# c: bulletins


def bulletins(given: argparse.Namespace) -> Rows:
    rows = []
    for size, count in zip(given.sizes, given.templates, strict=True):
        for figures in FIGURES:
            runs = []
            for seed in range(min(count, MOST_OF_FIGURES)):
                texts = synthetic.figured(size, figures, seed=seed)
                runs.append(scores(CALLS[given.door](texts, compare_numbers=True), texts))
            rows.append({"pairs": size, "figures": figures} | together(runs))
    return rows


# d: briefs


def briefs(given: argparse.Namespace) -> Rows:
    rows = []
    for words, edits in BRIEFS:
        texts = synthetic.briefs(given.briefs, words, edits=edits)
        # A text shorter than a shingle is one run of words.
        _, held = overlaps(texts, np.arange(len(texts)).reshape(-1, 2)) if words >= SHINGLE else (None, np.ones(1))
        row: dict[str, Any] = {"words": words, "edited": edits, "contained": float(held.mean())}
        for containment, recall in CONTAINMENTS:
            if held.min() >= containment:
                found = CALLS[given.door](texts, containment=containment, recall=recall)
                row[f"{containment} at {recall}"] = float(found.planted.mean())
        rows.append(row)
    return rows


SECTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], Rows]]] = {
    "a": ("crowds: pairs found and expected", crowds),
    "b": ("verbatim: of 100 texts that come again, found to be copies of themselves", verbatim),
    "c": ("bulletins, by numbers too", bulletins),
    "d": ("briefs: share found, by containment and recall", briefs),
}


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("door", choices=list(CALLS))
    parser.add_argument("--sizes", type=harness.numbers, default=SIZES, help="pairs of a crowd")
    parser.add_argument("--templates", type=harness.numbers, default=TEMPLATES, help="crowds of each size, or of all")
    parser.add_argument("--edits", type=harness.numbers, default=EDITS, help="words that are others in a copy (a)")
    parser.add_argument("--briefs", type=int, default=300, help="briefs of each length")
    parser.add_argument("--only", type=harness.names, default=list(SECTIONS), help="sections")
    given = parser.parse_args()
    if len(given.templates) == 1:
        given.templates *= len(given.sizes)
    results = harness.circumstances(given.date, ["datasketch", "numpy", "scipy"])
    for key in given.only:
        if key in SECTIONS_OF[given.door]:
            title, section = SECTIONS[key]
            results[section.__name__] = section(given)
            harness.show(f"({key}) {title}", results[section.__name__])
    doors = harness.read_results(given.results, NAME) if (given.results / f"{NAME}.json").exists() else {}
    harness.write_results(given.results, NAME, doors | {given.door: doors.get(given.door, {}) | results})


if __name__ == "__main__":
    main()
