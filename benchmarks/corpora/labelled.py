"""Labelled sets of real news, given as a folder of ``*.jsonl.gz``: an article a line, its event in ``cluster_id``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import read_jsonl

#: Sets in which nearly every article has a partner.
SETS = "basil", "ecb", "vi", "allsides", "og_fra", "og_deu"

#: Those, and sets as the world is: large stories, several languages, and feeds in which most articles are alone.
ALL_SETS = (*SETS, "newscope", "mmds", "ground", "feeds_line", "feeds_titles")

Article = dict[str, Any]
Labels = NDArray[np.int64]


def load(folder: str | Path, name: str) -> tuple[list[Article], Labels]:
    """The articles of a set and the story of each. No id is in two sets."""
    rows = read_jsonl(f"{folder}/{name}.jsonl.gz")
    articles = [
        {
            "id": f"{name}-{i}",
            "title": row["title"] or "",
            "text": row["text"] or "",
            "published": row["date"],
            "source": row["source"],
            "url": row["url"],
            "language": row["lang"],
        }
        for i, row in enumerate(rows)
    ]
    return articles, numbered([str(row["cluster_id"]) for row in rows])


def load_all(folder: str | Path) -> tuple[list[Article], Labels]:
    """The six sets together, with their own texts and dates; their ids are those of world 0 in `worlds`."""
    articles, parts, stories = [], [], 0
    for name in SETS:
        found, gold = load(folder, name)
        articles += [article | {"id": f"0-{article['id']}"} for article in found]
        parts.append(gold + stories)
        stories += int(gold.max()) + 1
    return articles, np.concatenate(parts)


def numbered(labels: Sequence[Any] | Labels) -> Labels:
    """Labels as numbers from 0 on, in sorted order."""
    return np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)


def full_text(article: Article) -> str:
    return f"{article['title']}\n{article['text']}"
