"""What a store keeps of articles."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


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
    speaker: int
    source: str
    fields: str


class Habits(NamedTuple):
    """What recurs in the articles of a source (see `dedup.text.recurring.Recurring`).

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


class Traits(NamedTuple):
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


class Outline(NamedTuple):
    """What memory needs of many articles, by node; shapes are (n,) and lists have length n."""

    nodes: NDArray[np.int64]
    days: NDArray[np.float64]
    stories: NDArray[np.int64]
    speakers: NDArray[np.int64]
    norms: NDArray[np.float32]
    sizes: NDArray[np.int64]
    bands: list[NDArray[np.uint64]]
    leading: list[NDArray[np.uint32]]
