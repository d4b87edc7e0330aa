"""How articles become text, and arrays bytes, and how both come back."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Integers
from dedup.article import Article
from dedup.article.urls import page_of
from dedup.store.records import ArticleFeatures, Features, LearnedResidue, Row
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


def nodes_by_page(rows: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Return `Store.nodes_of_pages` from rows of page and node, of which none comes twice."""
    found: dict[int, list[int]] = {}
    for page, node in sorted(rows):
        found.setdefault(page, []).append(node)
    return found


def features_from_rows(
    rows: Iterable[tuple[int, bytes, bytes]],
) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
    """Yield node, features and counts from rows that have the arrays as bytes."""
    for node, features, counts in rows:
        yield node, np.frombuffer(features, dtype=np.uint32), np.frombuffer(counts, dtype=np.uint8)


def features_by_node(rows: Iterable[tuple[int, bytes, bytes]]) -> dict[int, Features]:
    """Return `Store.features` from such rows."""
    return {node: (features, counts) for node, features, counts in features_from_rows(rows)}


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


def digest_of(article: Article) -> bytes:
    """Return a digest of what an article says and when, which differs between articles that differ in more than the id.

    Examples
    --------
    >>> paris = Article("a", "Kim in Russia", published=datetime.fromisoformat("2023-09-12T10:00+02:00"))
    >>> digest_of(paris) == digest_of(Article("b", "Kim in Russia", published=paris.published.astimezone(UTC)))
    True
    """
    published = article.published and article.published.astimezone(UTC).isoformat()
    said = [article.text, article.title, published, article.source, article.url, article.language]
    return blake2b(json.dumps(said).encode(), digest_size=16).digest()


def page_key(article: Article) -> int | None:
    """Return a number of 64 bits for the page that an article is; None where its URL does not say.

    Examples
    --------
    >>> urls = ["http://www.example.org/kim?utm_source=rss", "https://example.org/kim", "https://example.org/"]
    >>> first, again, front = (page_key(Article("a", "", url=url)) for url in urls)
    >>> first == again, front
    (True, None)
    """
    return None if article.url is None else _key_of_page(article.source, article.url)


@lru_cache(maxsize=1 << 14)  # each article is asked for several times while it is added
def _key_of_page(source: str | None, url: str) -> int | None:
    page = page_of(source, url)
    if page is None:
        return None
    return int.from_bytes(blake2b(json.dumps(page).encode(), digest_size=8).digest(), signed=True)


def with_page(row: Row) -> Row:
    """Return a row of an older format with the page and the digest that its fields say."""
    article = decode_article(row.fields)
    return row._replace(page=page_key(article), digest=digest_of(article))
