"""The records that a store keeps of articles and sources, and how their arrays become bytes and come back."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
from itertools import compress
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article
from dedup.wording import printable


class Row(NamedTuple):
    """An article as it is stored.

    Attributes
    ----------
    node : int
        Number of the article, never used again.
    id : str
    digest : bytes
        Digest of the fields: equal for equal content.
    day : float or None
        Publication in days since 1970.
    expiry_day : float
        The day that `StoryIndex.expire` compares: that of publication; for an undated article, the latest day known
        when it came.
    story : int
    canonical : int
        Node of the canonical article of its group of copies; its own node when it is no copy.
    source : str
        Empty for unknown.
    fields : str
        The fields as JSON.
    """

    node: int
    id: str
    digest: bytes
    day: float | None
    expiry_day: float
    story: int
    canonical: int
    source: str
    fields: str


class ArticleFeatures(NamedTuple):
    """What an article is compared by.

    Attributes
    ----------
    norm : float
        Length of its TF-IDF vector when it came.
    neighbours : ndarray of int32
        Nodes of the similar reports that were live when it came.
    similarities : ndarray of float32
        Similarity to each neighbour.
    bands : ndarray of uint64
        Keys of its LSH buckets; none for a blank text.
    features : ndarray of uint32
        The heaviest first.
    counts : ndarray of uint8
        Weighted occurrences of each feature.
    """

    norm: float
    neighbours: NDArray[np.int32]
    similarities: NDArray[np.float32]
    bands: NDArray[np.uint64]
    features: NDArray[np.uint32]
    counts: NDArray[np.uint8]

    def to_bytes(self) -> tuple[Any, ...]:
        """Return the values with each array as bytes."""
        return self.norm, *(array.tobytes() for array in self[1:])

    @classmethod
    def from_bytes(cls, norm: float, *arrays: bytes) -> Self:
        """Return the features that `to_bytes` wrote."""
        dtypes = (np.int32, np.float32, np.uint64, np.uint32, np.uint8)
        return cls(norm, *(np.frombuffer(array, dtype) for array, dtype in zip(arrays, dtypes, strict=True)))


class LearnedResidue(NamedTuple):
    """What recurs in the articles of a source (see `dedup.residue.recurring.RecurringKeys`).

    Attributes
    ----------
    next_node : int
        First node that came after the source was learned; 0 when it never was.
    articles : int
        Number of articles that it was learned from.
    keys : ndarray of uint64
    anywhere : ndarray of bool
    """

    next_node: int
    articles: int
    keys: NDArray[np.uint64]
    anywhere: NDArray[np.bool_]

    def to_bytes(self) -> tuple[int, int, bytes, bytes]:
        """Return the values with each array as bytes."""
        return self.next_node, self.articles, self.keys.tobytes(), self.anywhere.tobytes()

    @classmethod
    def from_bytes(cls, next_node: int, articles: int, keys: bytes, anywhere: bytes) -> Self:
        """Return the residue that `to_bytes` wrote."""
        return cls(next_node, articles, np.frombuffer(keys, dtype=np.uint64), np.frombuffer(anywhere, dtype=np.bool_))


class NodeColumns(NamedTuple):
    """What an index keeps in memory of some articles, as columns by ascending node.

    Attributes
    ----------
    nodes, stories, canonical, sizes : ndarray of int64, shape (n,)
        `sizes` has the number of features of each article.
    days : ndarray of float64, shape (n,)
        NaN for unknown.
    norms : ndarray of float32, shape (n,)
    bands : list of ndarray of uint64, length n
    features : list of ndarray of uint32, length n
        The heaviest features of each article.
    """

    nodes: NDArray[np.int64]
    days: NDArray[np.float64]
    stories: NDArray[np.int64]
    canonical: NDArray[np.int64]
    norms: NDArray[np.float32]
    sizes: NDArray[np.int64]
    bands: list[NDArray[np.uint64]]
    features: list[NDArray[np.uint32]]

    def select(self, wanted: NDArray[np.bool_]) -> Self:
        """Return the columns of the wanted nodes alone."""
        kept = wanted.tolist()
        columns: list[Any] = [list(compress(c, kept)) if isinstance(c, list) else c[wanted] for c in self]
        return type(self)(*columns)

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[Any, ...]]) -> Self:
        """Return columns from one row for each node, with arrays as bytes."""
        *numbers, bands, features = zip(*rows, strict=True) if rows else ((),) * 8
        dtypes = (np.int64, np.float64, np.int64, np.int64, np.float32, np.int64)
        columns: list[Any] = [np.array(column, dtype) for column, dtype in zip(numbers, dtypes, strict=True)]
        columns.append([np.frombuffer(own, dtype=np.uint64) for own in bands])
        columns.append([np.frombuffer(own or b"", dtype=np.uint32) for own in features])  # SQLite cuts NULL from b""
        return cls(*columns)


class Changes(NamedTuple):
    """What other writers changed since some earlier transaction or snapshot.

    Attributes
    ----------
    deleted : ndarray of int64
        Nodes that were deleted, ascending; some may have been inserted in the meantime too.
    changed : iterator of NodeColumns
        The articles that are new, and those whose story, canonical article or norm may have changed; by node.
    """

    deleted: NDArray[np.int64]
    changed: Iterator[NodeColumns]


def neighbours_from_rows(
    rows: Sequence[tuple[int, bytes, bytes]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
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
    return json.dumps(stored | {"published": published}, ensure_ascii=True, separators=(",", ":"))


def decode_article(text: str) -> Article:
    """Return the article that `encode_article` wrote."""
    stored = json.loads(text)
    stored["published"] = stored["published"] and datetime.fromisoformat(stored["published"])
    stored["residue"] = tuple(map(tuple, stored["residue"]))
    return Article(**stored)


def source_of(article: Article) -> str:
    """Return the source of an article as it is stored; empty for unknown."""
    return printable(article.source or "")


def digest_of(text: str) -> bytes:
    """Return a digest that differs between encoded articles that differ."""
    return blake2b(text.encode(), digest_size=16).digest()
