"""Weighted counts of features -> document frequencies and TF-IDF vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Flags, Floats, Hashes, Integers, SortedKeys, joined, slices
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress
from dedup.story.features import KEY_BITS, WORD_PAIR, Counts, count_features, families

#: Factors of the TF-IDF weights of words, word pairs and character runs.
FAMILY_WEIGHT = np.array([1.0, 1.0, 0.5], dtype=np.float32)

#: Every batch is weighted as if it stood among this many other articles, so that similarities in five articles and in
#: 5,000 are comparable. Stop words are taken to occur in almost all of those articles, other features in none.
PRIOR_ARTICLES = 400.0
PRIOR_STOP_WORD_ARTICLES = PRIOR_ARTICLES * (1 - np.exp(-3.0))

_BLOCK_ROWS = 1024


class TermWeighting(Protocol):
    """Document frequencies to weight features by: a `Vocabulary`, or those of a live index."""

    @property
    def fold(self) -> Fold:
        """How letters become plain ones."""

    def idf(self, keys: Hashes) -> Floats:
        """Inverse document frequency of features, shape (n_keys,)."""

    def for_features(self, keys: Hashes) -> "Vocabulary":
        """Vocabulary of the features of some texts, given once for each text that has them.

        A feature that two of the texts share occurs in at least two texts.
        """


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Document frequencies of a batch."""

    n_texts: int
    keys: Hashes  # (n_features,): features that occur in more than one text, ascending
    frequencies: Integers  # (n_features,): number of texts that each occurs in, at least 2
    stop_words: Hashes  # (n_stop_words,): keys of the stop words
    fold: Fold = "unidecode"  # that of the texts

    @classmethod
    def of(cls, counts: Counts) -> "Vocabulary":
        """Vocabulary of the texts that were counted."""
        keys, frequencies = np.unique(counts.keys, return_counts=True)
        shared = frequencies > 1
        return cls(len(counts.offsets) - 1, keys[shared], frequencies[shared], counts.stop_words, counts.fold)

    @cached_property
    def _lookup(self) -> SortedKeys:
        return SortedKeys(self.keys, KEY_BITS)

    @cached_property
    def _stop_word_lookup(self) -> SortedKeys:
        # np.isin would sort all stop words at every call, and the terms of 10,000 stories take that many calls.
        return SortedKeys(np.unique(self.stop_words), KEY_BITS)

    def columns(self, keys: Hashes) -> Integers:
        """Position of each key in the vocabulary, -1 for unknown ones."""
        return self._lookup.find(keys)

    def for_features(self, keys: Hashes) -> "Vocabulary":
        """See `TermWeighting`; the texts need not be those of the vocabulary."""
        keys, here = np.unique(keys, return_counts=True)
        columns, frequencies = self.columns(keys), np.minimum(here, 2)
        frequencies[columns >= 0] = self.frequencies[columns[columns >= 0]]
        return replace(self, keys=keys[frequencies > 1], frequencies=frequencies[frequencies > 1])

    def idf(self, keys: Hashes) -> Floats:
        """Inverse document frequency ``log((N + N0 + 1) / (df + df0 + 0.5))`` of features, with the prior N0, df0."""
        columns = self.columns(keys)
        frequencies = np.ones(len(keys), dtype=np.float64)
        known = columns >= 0
        frequencies[known] = self.frequencies[columns[known]]
        prior = np.where(self._stop_word_lookup.find(keys) >= 0, PRIOR_STOP_WORD_ARTICLES, 0.0)
        return inverse_frequency(self.n_texts, frequencies + prior)


def inverse_frequency(n_texts: int | Integers, frequencies: Floats) -> Floats:
    """``log((N + N0 + 1) / (df + 0.5))`` of document frequencies that include their prior."""
    return np.asarray(np.log((n_texts + PRIOR_ARTICLES + 1) / (frequencies + 0.5)))


def feature_weights(keys: NDArray[np.unsignedinteger], idf: Floats, once: bool | Flags = False) -> Floats:
    """Factors that turn log counts of features into TF-IDF weights, shape (n_features,).

    The lowest two bits of `keys` are the family, `idf` is the inverse document frequency, and `once` says which
    features occur in one text only. Word pairs that occur once weigh nothing: most are chance.
    """
    family = families(keys)
    weights = idf * FAMILY_WEIGHT[family]
    weights[(family == WORD_PAIR) & once] = 0
    return weights


def vectorize(
    counts: Counts,
    n_jobs: int | None = None,
    progress: ProgressCallback = no_progress,
    vocabulary: Vocabulary | None = None,
) -> tuple[csr_array, Vocabulary]:
    """TF-IDF vectors of unit length, by the document frequencies of a vocabulary, or else of these texts.

    Returns
    -------
    csr_array of float32, shape (n_texts, n_features)
        Features that occur in one text only count for its length but have no column: they cannot be shared.
    Vocabulary
        Of the columns.
    """
    vocabulary = vocabulary or Vocabulary.of(counts)
    weights = feature_weights(vocabulary.keys, vocabulary.idf(vocabulary.keys)).astype(np.float32)

    def of_rows(rows: slice) -> tuple[NDArray[np.float32], NDArray[np.int32], Integers]:
        entries = slice(counts.offsets[rows.start], counts.offsets[rows.stop])
        keys, sizes = counts.keys[entries], np.diff(counts.offsets[rows.start : rows.stop + 1])
        columns = vocabulary.columns(keys)
        shared = columns >= 0
        values = np.log1p(counts.counts[entries])
        values[shared] *= weights.take(columns[shared])
        single = keys[~shared]
        values[~shared] *= feature_weights(single, vocabulary.idf(single), once=True).astype(np.float32)
        row = np.repeat(np.arange(len(sizes)), sizes)
        squares = np.bincount(row, weights=values.astype(np.float64) ** 2, minlength=len(sizes))
        values /= np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)[row]
        return values[shared], columns[shared].astype(np.int32), np.bincount(row[shared], minlength=len(sizes))

    n_texts = len(counts.offsets) - 1
    values, columns, sizes = [], [], [np.zeros(1, dtype=np.int64)]
    for part in ordered_map(of_rows, slices(0, n_texts, _BLOCK_ROWS), n_jobs, progress):
        values.append(part[0])
        columns.append(part[1])
        sizes.append(part[2])
    data, indices, indptr = joined(values, np.float32), joined(columns, np.int32), np.cumsum(joined(sizes, np.int64))
    return csr_array((data, indices, indptr), shape=(n_texts, len(vocabulary.keys))), vocabulary


def vectorize_texts(
    texts: Sequence[str], weighting: TermWeighting | None = None
) -> tuple[csr_array, Vocabulary, Integers]:
    """Vectors of a few texts, see `vectorize`, and their numbers of features; without `weighting` a batch of their own.

    Texts of a batch have the same vectors by its vocabulary as in the batch.
    """
    counts = count_features(texts, 1, weighting.fold if weighting else "unidecode")
    vocabulary = weighting.for_features(counts.keys) if weighting else None
    return *vectorize(counts, 1, vocabulary=vocabulary), np.diff(counts.offsets)
