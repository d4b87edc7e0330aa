"""The records that a store keeps of articles and sources."""

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Hashes, Integers

#: Features of an article, and how often it has each.
Features = tuple[NDArray[np.uint32], NDArray[np.uint8]]


class Row(NamedTuple):
    """An article as it is stored."""

    node: int  # never used again
    id: str
    digest: bytes  # of what it says: equal for equal content, whatever the id
    day: float | None  # publication in days since 1970
    expiry_day: float  # `day`, or for an undated article the day when it came
    episode: int
    canonical: int  # node of the canonical article of its group of copies; its own when it is no copy
    source: str  # empty for unknown
    fields: str  # JSON
    page: int | None = None  # key of the page that it is, see `dedup.store.serialization.page_key`


class ArticleFeatures(NamedTuple):
    """What an article is compared by."""

    norm: float  # length of its TF-IDF vector when it came
    neighbours: NDArray[np.int32]  # the similar reports that were live when it came
    similarities: NDArray[np.float32]  # to each neighbour
    bands: Hashes  # keys of its LSH buckets; none for a blank text
    features: NDArray[np.uint32]  # the heaviest first
    counts: NDArray[np.uint8]  # weighted occurrences of each feature
    vector: NDArray[np.int8] = np.empty(0, dtype=np.int8)  # what it means; none without an encoder, or for zeros
    language: int = 0  # number of the language of an article that has a vector, 0 for unknown

    @classmethod
    def from_bytes(cls, norm: float, *values: Any) -> Self:
        """Return the features that `to_bytes` wrote."""
        *arrays, language = values
        dtypes = (np.int32, np.float32, np.uint64, np.uint32, np.uint8, np.int8)
        found: list[Any] = [np.frombuffer(array, dtype) for array, dtype in zip(arrays, dtypes, strict=True)]
        columns: list[Any] = [*found, language]
        return cls(norm, *columns)


class LearnedResidue(NamedTuple):
    """What recurs in the articles of a source (see `dedup.residue.recurring.RecurringKeys`)."""

    next_node: int  # the first that came after the source was learned; 0 when it never was
    articles: int  # the number that it was learned from
    keys: Hashes
    anywhere: Flags

    @classmethod
    def from_bytes(cls, next_node: int, articles: int, keys: bytes, anywhere: bytes) -> Self:
        """Return the residue that `to_bytes` wrote."""
        return cls(next_node, articles, np.frombuffer(keys, dtype=np.uint64), np.frombuffer(anywhere, dtype=np.bool_))


class ChangeRow(NamedTuple):
    """An entry of the log of changes as it is stored; see `dedup.stream.assignment.Change`."""

    cursor: int  # ascending, without gaps
    day: float  # the latest expiry day of any article when it was written
    kind: str
    story: int
    episode: int | None
    article: str | None
    into: int | None
    decision: int | None = None  # cursor of the decision of an editor that it follows from


#: The names of the facts of a decision.
FACTS = ("story", "other", "title", "shown", "rules", "moved", "made", "chapters", "replaced")


class DecisionRow(NamedTuple):
    """A decision of an editor as it is stored; see `dedup.stream.decisions`."""

    cursor: int  # of the entry of the log that tells of it
    kind: str
    facts: str  # JSON of what `FACTS` names


class NodeColumns(NamedTuple):
    """What an index keeps in memory of n articles: columns of length n, by ascending node."""

    nodes: Integers
    days: Floats  # NaN for unknown
    episodes: Integers
    canonical: Integers
    norms: NDArray[np.float32]
    sizes: Integers  # numbers of features
    bands: list[Hashes]
    features: list[NDArray[np.uint32]]  # the heaviest
    vectors: list[NDArray[np.int8]]
    languages: Integers

    def select(self, wanted: Flags) -> Self:
        """Return the columns of the wanted nodes alone."""
        kept = wanted.tolist()
        columns: list[Any] = [list(compress(c, kept)) if isinstance(c, list) else c[wanted] for c in self]
        return type(self)(*columns)

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[Any, ...]]) -> Self:
        """Return columns from one row for each node, with arrays as bytes."""
        *numbers, bands, features, vectors, languages = zip(*rows, strict=True) if rows else ((),) * 10
        dtypes = (np.int64, np.float64, np.int64, np.int64, np.float32, np.int64)
        columns: list[Any] = [np.array(column, dtype) for column, dtype in zip(numbers, dtypes, strict=True)]
        columns.append([np.frombuffer(own, dtype=np.uint64) for own in bands])
        columns.append([np.frombuffer(own or b"", dtype=np.uint32) for own in features])  # SQLite cuts NULL from b""
        columns.append([np.frombuffer(own, dtype=np.int8) for own in vectors])
        columns.append(np.array(languages, dtype=np.int64))
        return cls(*columns)


class Written(NamedTuple):
    """What other processes have written; both by ascending node."""

    deleted: Integers  # some may be newer than what was known before
    changed: Iterator[NodeColumns]  # new articles, and those whose episode, canonical article or norm may differ
    chapters: list[tuple[int, int, int]]  # as `Store.set_chapters` was given them
    are_decisions: bool  # whether there are other decisions of editors now
