"""Texts -> stories: the whole story tier in one call."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.story.features import Vocabulary, count_features, vectorize
from dedup.story.partition import partition
from dedup.story.similarity import mean_similarity, similar_pairs


@dataclass(frozen=True, slots=True, eq=False)
class StoryGroups:
    """Which texts report one event.

    Attributes
    ----------
    labels : ndarray of int64, shape (n_texts,)
        Story of each text, numbered by first member.
    centrality : ndarray of float64, shape (n_texts,)
        Mean cosine to the other texts of its story, in [0, 1]; 1 for a text alone.
    vocabulary : Vocabulary
    """

    labels: NDArray[np.int64]
    centrality: NDArray[np.float64]
    vocabulary: Vocabulary


def find_stories(
    texts: Sequence[str], days: NDArray[np.float64], *, threshold: float, n_jobs: int | None
) -> StoryGroups:
    """Group texts, no two of which are near-duplicates, into stories.

    Parameters
    ----------
    texts : sequence of str
        In canonical order: ties go to the earlier text.
    days : ndarray of float64, shape (n_texts,)
        Publication in days; NaN when unknown.
    threshold : float
        Mean similarity from which texts form a story, in [0.05, 1).
    """
    vectors, vocabulary = vectorize(count_features(texts, n_jobs))
    edges = similar_pairs(vectors, days)
    labels = partition(edges.adjacency(len(texts)), threshold)
    return StoryGroups(labels, mean_similarity(vectors, labels), vocabulary)
