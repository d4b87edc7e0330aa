"""How articles become text, and arrays bytes, and how both come back."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Integers
from dedup.article import Article
from dedup.store.records import ArticleFeatures, LearnedResidue
from dedup.wording import printable


def to_bytes(record: ArticleFeatures | LearnedResidue) -> tuple[Any, ...]:
    """Return the values of a record with each array as bytes."""
    return tuple(value.tobytes() if isinstance(value, np.ndarray) else value for value in record)


def neighbours_from_rows(rows: Sequence[tuple[int, bytes, bytes]]) -> tuple[Integers, Integers, NDArray[np.float32]]:
    """Return `Store.neighbours` from rows of node, neighbours and similarities."""
    others = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.int32).astype(np.int64)
    similarities = np.frombuffer(b"".join(row[2] for row in rows), dtype=np.float32)
    nodes = np.repeat(np.array([row[0] for row in rows], dtype=np.int64), [len(row[1]) // 4 for row in rows])
    return nodes, others, similarities


def features_from_rows(
    rows: Iterable[tuple[int, bytes, bytes]],
) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
    """Yield node, features and counts from rows that have the arrays as bytes."""
    for node, features, counts in rows:
        yield node, np.frombuffer(features, dtype=np.uint32), np.frombuffer(counts, dtype=np.uint8)


def encode_article(article: Article) -> str:
    """Return an article as JSON, in which lone surrogates survive as escapes."""
    stored = {field.name: getattr(article, field.name) for field in fields(Article)}
    published = article.published and article.published.isoformat()
    if not article.title_residue:  # as in older indexes, which did not have it
        del stored["title_residue"]
    return json.dumps(stored | {"published": published}, ensure_ascii=True, separators=(",", ":"))


def decode_article(text: str) -> Article:
    """Return the article that `encode_article` wrote."""
    stored = json.loads(text)
    stored["published"] = stored["published"] and datetime.fromisoformat(stored["published"])
    for name in ("residue", "title_residue"):
        stored[name] = tuple(map(tuple, stored.get(name, ())))
    return Article(**stored)


def source_of(article: Article) -> str:
    """Return the source of an article as it is stored; empty for unknown."""
    return printable(article.source or "")


def digest_of(text: str) -> bytes:
    """Return a digest that differs between encoded articles that differ."""
    return blake2b(text.encode(), digest_size=16).digest()
