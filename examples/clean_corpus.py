"""Clean a corpus for training: of each group of near-duplicates keep the first text.

python examples/clean_corpus.py [CORPUS.jsonl] [--out CLEAN.jsonl] [--threshold 0.7] [--containment 0.8]

CORPUS.jsonl has a JSON object a line, with a "text" and perhaps an "id" and a "title"; without it the sample of the
package is cleaned. The lines that are kept are written as they are, in their order. A text that stands almost whole in
another is dropped too, or the other is: the one that comes later. `--containment 0` turns that off.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import dedup


def read(path: Path | None) -> tuple[list[str], list[dict[str, Any]]]:
    """Lines of a corpus, and what is in them; those of the sample for no path."""
    if path is None:
        documents = [asdict(article) for article in dedup.sample_articles()]
        return [json.dumps(document, default=str, ensure_ascii=False) for document in documents], documents
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    documents = []
    for number, line in enumerate(lines):
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise SystemExit(f"{path}: line {number + 1} is no JSON: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("text"), str):
            raise SystemExit(f"{path}: line {number + 1} has no text; allowed: an object with a string of that name")
        documents.append(document)
    return lines, documents


def contents(documents: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """What is compared; ids may repeat in a corpus, so that positions stand for them."""
    return [{"title": document.get("title") or "", "text": document["text"]} for document in documents]


def report(found: dedup.NearDuplicates, documents: Sequence[dict[str, Any]], kept: Sequence[int]) -> None:
    """How many were dropped, why, and the largest groups."""
    equal = int((found.jaccard == 1).sum())
    near = int((found.jaccard >= found.threshold).sum()) - equal
    before = sum(len(document["text"]) for document in documents)
    after = sum(len(documents[i]["text"]) for i in kept)
    print(f"{len(documents):,} texts, {before:,} characters")
    print(f"{len(documents) - len(kept):,} dropped, {len(kept):,} kept with {after:,} characters")
    print(
        f"{len(found.pairs):,} pairs: {equal:,} of the same words, {near:,} near-duplicates, "
        f"{len(found.pairs) - equal - near:,} by containment alone"
    )
    for group in sorted(found.groups, key=lambda group: (-len(group), group[0]))[:5]:
        names = [str(documents[i].get("id", i)) for i in group]
        print(f"  {names[0]} is kept for {', '.join(names[1:])}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, help="JSON lines; the sample if not given")
    parser.add_argument("--out", type=Path, help="file for the lines that are kept")
    parser.add_argument("--threshold", type=float, default=0.7, help="least Jaccard similarity of two near-duplicates")
    parser.add_argument("--containment", type=float, default=0.8, help="least share of the smaller text; 0 for none")
    given = parser.parse_args(arguments)
    lines, documents = read(given.corpus)
    found = dedup.near_duplicates(contents(documents), threshold=given.threshold, containment=given.containment or None)
    kept = np.unique(found.labels, return_index=True)[1].tolist()  # labels are numbered by first member
    report(found, documents, kept)
    if given.out:
        given.out.write_text("".join(f"{lines[i]}\n" for i in kept), encoding="utf-8")
        print(f"wrote {given.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
