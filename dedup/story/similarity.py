"""How alike two reports are: the cosine of their vectors times a factor that falls with the time between them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, run_starts
from dedup.story.features import count_features
from dedup.story.weighting import TermWeighting, feature_weights

#: After this many days between two publications a similarity has fallen to 1/e.
TIME_SCALE_DAYS = 3.0

#: Time factor when a date is missing: about the mean factor of two reports of one story.
UNDATED_FACTOR = 0.7

_BLOCK_ENTRIES = 1 << 18


def time_factor(days: Floats, other_days: Floats) -> Floats:
    """Factor of a similarity by the gap between two publications, in (0, 1].

    Examples
    --------
    >>> time_factor(np.array([0.0, 0.0, np.nan]), np.array([0.0, 3.0, 0.0])).round(2).tolist()
    [1.0, 0.37, 0.7]
    """
    gap = np.abs(days - other_days)
    return np.where(np.isnan(gap), UNDATED_FACTOR, np.exp(-gap / TIME_SCALE_DAYS))


def membership(sums: Floats, others: Integers) -> Floats:
    """Mean similarity of each report to the other reports of its story, in [0, 1]; 1 for a report alone.

    `sums` are the sums of its similarities to the others, and `others` is the number of the others.
    """
    return np.where(others > 0, sums / np.maximum(others, 1), 1.0)


def cosines(vectors: csr_array, left: Integers, right: Integers) -> Floats:
    """Cosine of each pair of rows of unit length, shape (n_pairs,); the left rows must ascend.

    Examples
    --------
    >>> rows = csr_array(np.array([[1.0, 0], [0.8, 0.6], [0, 1]], dtype=np.float32))
    >>> cosines(rows, np.array([0, 0, 1]), np.array([1, 2, 2])).round(2).tolist()
    [0.8, 0.0, 0.6]
    """
    found = np.zeros(len(left), dtype=np.float64)
    sizes = np.diff(vectors.indptr)
    ends = np.cumsum(sizes[right], dtype=np.int64)
    # One left row at a time is unpacked into a dense array, in which the right rows look up their features.
    unpacked = np.zeros(vectors.shape[1], dtype=vectors.dtype)
    first = 0
    while first < len(left):
        done = int(ends[first - 1]) if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, done + _BLOCK_ENTRIES, side="right")))
        found[first:stop] = _cosines_of_block(vectors, sizes, left[first:stop], right[first:stop], unpacked)
        first = stop
    return found


def _cosines_of_block(
    vectors: csr_array, sizes: NDArray[np.int32], left: Integers, right: Integers, unpacked: NDArray[np.float32]
) -> Floats:
    counts = sizes[right]
    ends = np.cumsum(counts, dtype=np.int64)
    starts = ends - counts
    entries = np.repeat(vectors.indptr[right] - starts, counts) + np.arange(ends[-1])
    features, products = vectors.indices.take(entries), vectors.data.take(entries)
    firsts = run_starts(left)
    bounds = [*starts[firsts].tolist(), int(ends[-1])]
    for row, begin, end in zip(left[firsts].tolist(), bounds[:-1], bounds[1:], strict=True):
        own = slice(vectors.indptr[row], vectors.indptr[row + 1])
        unpacked[vectors.indices[own]] = vectors.data[own]
        products[begin:end] *= unpacked.take(features[begin:end])
        unpacked[vectors.indices[own]] = 0
    found = np.zeros(len(left), dtype=np.float64)
    filled = np.flatnonzero(counts)
    if len(filled):
        found[filled] = np.add.reduceat(products, starts[filled])
    return found


def similarity_matrix(texts: Sequence[str], days: Floats, weighting: TermWeighting) -> Floats:
    """Cosine times time factor of all pairs of texts, shape (n_texts, n_texts), in [0, 1], with 1 on the diagonal.

    `days` is the publication in days, NaN when unknown. Quadratic in the texts, as of one story;
    `dedup.story.candidates` finds the similar pairs among many texts.
    """
    vectors = _unit_vectors(texts, weighting)
    cosine = np.clip((vectors @ vectors.T).toarray(), 0.0, 1.0)
    similarity: Floats = cosine * time_factor(days[:, None], days[None, :])
    np.fill_diagonal(similarity, 1.0)
    return similarity


def _unit_vectors(texts: Sequence[str], weighting: TermWeighting) -> csr_array:
    """TF-IDF vectors as in `dedup.story.weighting.vectorize`, but with a column for every feature."""
    counts = count_features(texts, fold=weighting.fold)
    keys, columns = np.unique(counts.keys, return_inverse=True)
    # Each feature is given once: copies among these texts do not make it more common.
    vocabulary = weighting.for_features(keys)
    idf = np.maximum(vocabulary.idf(keys), 0.0)
    weights = feature_weights(keys, idf, once=vocabulary.columns(keys) < 0)
    values = np.log1p(counts.counts.astype(np.float64)) * weights[columns]
    rows = np.repeat(np.arange(len(texts)), np.diff(counts.offsets))
    lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=len(texts)))
    values /= np.where(lengths > 0, lengths, 1.0)[rows]
    return csr_array((values, columns, counts.offsets), shape=(len(texts), len(keys)))
