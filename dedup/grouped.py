"""Articles of which the stories are known, however they were found."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article


class Grouped(NamedTuple):
    """Articles of which the stories are known, for `StoryIndex.from_stories`.

    Attributes
    ----------
    articles : sequence of Article
        With their residue.
    labels : ndarray of int64, shape (n_articles,)
        Story of each; a story for each number from 0 on.
    near_duplicate_labels : ndarray of int64, shape (n_articles,)
        Near-duplicate group of each, numbered in whatever way.
    parameters : dict of str to object
        Those of `StoryIndex` that they were found with, by name.
    """

    articles: Sequence[Article]
    labels: NDArray[np.int64]
    near_duplicate_labels: NDArray[np.int64]
    parameters: dict[str, Any]
