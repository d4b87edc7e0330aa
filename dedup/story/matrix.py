"""Texts of one story -> how similar each two of them are, under the document frequencies of everything around it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.story.features import FAMILY_WEIGHT, WORD_PAIR, count_features, families
from dedup.story.similarity import time_factor
from dedup.story.terms import TermWeighting


def similarity_matrix(texts: Sequence[str], days: NDArray[np.float64], weighting: TermWeighting) -> NDArray[np.float64]:
    """Cosine times time factor of every two texts.

    Parameters
    ----------
    texts : sequence of str
    days : ndarray of float64, shape (n_texts,)
        Publication in days; NaN when unknown.
    weighing : Weighing
        What knows how rare a feature is.

    Returns
    -------
    ndarray of float64, shape (n_texts, n_texts)
        Symmetric, in [0, 1], 1 on the diagonal.

    Notes
    -----
    For all pairs of one story, so quadratic; `dedup.story.candidates` finds the similar ones among many texts.
    """
    vectors = _unit_vectors(texts, weighting)
    cosine = np.clip((vectors @ vectors.T).toarray(), 0.0, 1.0)
    similarity: NDArray[np.float64] = cosine * time_factor(days[:, None], days[None, :])
    np.fill_diagonal(similarity, 1.0)
    return similarity


def _unit_vectors(texts: Sequence[str], weighting: TermWeighting) -> csr_array:
    """TF-IDF vectors as `dedup.story.features.vectorize` has them, in columns of their own."""
    counts = count_features(texts, fold=weighting.fold)
    keys, columns = np.unique(counts.keys, return_inverse=True)
    # Each feature once: that copies share it among themselves does not make it more common.
    vocabulary = weighting.for_texts(replace(counts, keys=keys))
    family = families(keys)
    weights = np.maximum(vocabulary.idf(keys), 0.0) * FAMILY_WEIGHT[family]
    weights[(family == WORD_PAIR) & (vocabulary.columns(keys) < 0)] = 0  # once only: most of them are chance
    values = np.log1p(counts.counts.astype(np.float64)) * weights[columns]
    rows = np.repeat(np.arange(len(texts)), np.diff(counts.offsets))
    lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=len(texts)))
    values /= np.where(lengths > 0, lengths, 1.0)[rows]
    return csr_array((values, columns, counts.offsets), shape=(len(texts), len(keys)))
