"""What a store keeps of articles."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
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
        Its number, never used again.
    id : str
    digest : bytes
        Of its fields: equal for equal content.
    day : float or None
        Publication in days since 1970.
    kept_by_day : float
        The day that `expire` goes by: of an undated article, the latest day known when it came.
    story : int
    speaker : int
        Node of the article that speaks for its copies; its own when it is no copy.
    source : str
        Who published it; empty for unknown.
    fields : str
        Its fields as JSON.
    """

    node: int
    id: str
    digest: bytes
    day: float | None
    kept_by_day: float
    story: int
    canonical: int
    source: str
    fields: str


class LearnedResidue(NamedTuple):
    """What recurs in the articles of a source (see `dedup.residue.recurring.Recurring`).

    Attributes
    ----------
    next_node : int
        The first that came after it was learned; 0 when it never was.
    articles : int
        From how many it was learned.
    keys : ndarray of uint64
    anywhere : ndarray of bool
    """

    next_node: int
    articles: int
    keys: NDArray[np.uint64]
    anywhere: NDArray[np.bool_]

    @classmethod
    def of_bytes(cls, next_node: int, articles: int, keys: bytes, anywhere: bytes) -> Self:
        """Habits from how they are stored."""
        return cls(next_node, articles, np.frombuffer(keys, dtype=np.uint64), np.frombuffer(anywhere, dtype=np.bool_))


class ArticleFeatures(NamedTuple):
    """What an article is compared by.

    Attributes
    ----------
    norm : float
        Length of its vector when it came.
    neighbours : ndarray of int32
        Nodes of the reports that it is similar to, of those that were there when it came.
    similarities : ndarray of float32
        How much.
    bands : ndarray of uint64
        Keys of its buckets; none for a blank text.
    features : ndarray of uint32
        The heaviest ones first.
    counts : ndarray of uint8
        Of the features.
    """

    norm: float
    neighbours: NDArray[np.int32]
    similarities: NDArray[np.float32]
    bands: NDArray[np.uint64]
    features: NDArray[np.uint32]
    counts: NDArray[np.uint8]

    @classmethod
    def of_bytes(
        cls, norm: float, neighbours: bytes, similarities: bytes, bands: bytes, features: bytes, counts: bytes
    ) -> Self:
        """Traits from how they are stored."""
        return cls(
            norm,
            np.frombuffer(neighbours, dtype=np.int32),
            np.frombuffer(similarities, dtype=np.float32),
            np.frombuffer(bands, dtype=np.uint64),
            np.frombuffer(features, dtype=np.uint32),
            np.frombuffer(counts, dtype=np.uint8),
        )


class Outline(NamedTuple):
    """What memory needs of many articles, by node; shapes are (n,) and lists have length n."""

    nodes: NDArray[np.int64]
    days: NDArray[np.float64]
    stories: NDArray[np.int64]
    canonical: NDArray[np.int64]
    norms: NDArray[np.float32]
    sizes: NDArray[np.int64]
    bands: list[NDArray[np.uint64]]
    leading: list[NDArray[np.uint32]]

    def only(self, wanted: NDArray[np.bool_]) -> Self:
        """Some of the nodes."""
        kept = np.flatnonzero(wanted).tolist()
        return type(self)(
            self.nodes[wanted],
            self.days[wanted],
            self.stories[wanted],
            self.canonical[wanted],
            self.norms[wanted],
            self.sizes[wanted],
            [self.bands[place] for place in kept],
            [self.leading[place] for place in kept],
        )

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[Any, ...]]) -> Self:
        """An outline from how it is stored: a row for each node, and arrays as bytes."""
        node, day, story, canonical, norm, size, bands, features = zip(*rows, strict=True) if rows else ((),) * 8
        return cls(
            np.array(node, dtype=np.int64),
            np.array(day, dtype=np.float64),
            np.array(story, dtype=np.int64),
            np.array(canonical, dtype=np.int64),
            np.array(norm, dtype=np.float32),
            np.array(size, dtype=np.int64),
            [np.frombuffer(own, dtype=np.uint64) for own in bands],
            [np.frombuffer(own or b"", dtype=np.uint32) for own in features],  # of nothing, SQLite cuts NULL
        )


class Changes(NamedTuple):
    """What others wrote since a moment.

    Attributes
    ----------
    gone : ndarray of int64
        Nodes that were deleted, ascending; some may have come and gone since then.
    changed : iterator of Outline
        The articles that are new, or of which story, speaker or norm may have changed; by node.
    """

    gone: NDArray[np.int64]
    changed: Iterator[Outline]


def encoded(article: Article) -> str:
    """An article as JSON; lone surrogates survive as escapes."""
    stored = {field.name: getattr(article, field.name) for field in fields(Article)}
    published = article.published and article.published.isoformat()
    return json.dumps(stored | {"published": published}, ensure_ascii=True, separators=(",", ":"))


def source_of(article: Article) -> str:
    """What a store calls the source of an article; empty for unknown."""
    return printable(article.source or "")


def digest_of(text: str) -> bytes:
    """What tells one encoded article from another."""
    return blake2b(text.encode(), digest_size=16).digest()


def decoded(text: str) -> Article:
    """The article that was encoded."""
    stored = json.loads(text)
    published = stored["published"]
    read = {
        "published": published and datetime.fromisoformat(published),
        "residue": tuple(map(tuple, stored["residue"])),
    }
    return Article(**stored | read)
