"""Weighted counts of features -> document frequencies and TF-IDF vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import PART, Flags, Floats, Hashes, Integers, SortedKeys, counted, joined, run_starts, slices
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress
from dedup.story.features import KEY_BITS, WORD_PAIR, Counts, count_features, families
from dedup.text.language import LANGUAGE_BITS

#: Factors of the TF-IDF weights of words, word pairs and character runs, and of what an index notes beside them.
FAMILY_WEIGHT = np.array([1.0, 1.0, 0.5, 0.0], dtype=np.float32)

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

    def idf(self, keys: Hashes, languages: Integers | int = 0) -> Floats:
        """Inverse document frequency of features among the texts of a language, shape (n_keys,)."""

    def for_cells(self, cells: Hashes, here: Integers) -> "Vocabulary":
        """Vocabulary of features in languages (see `in_language`), ascending, that so many of some texts have.

        A feature that two of the texts share occurs in at least two texts.
        """


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Document frequencies of a batch, by language: words of one say nothing of how common those of another are."""

    totals: Integers  # (2**LANGUAGE_BITS,): number of texts of each language
    keys: Hashes  # (n_features,): features that occur in more than one text, ascending
    # (n_cells,): each of these features in each language that has it (see `in_language`), ascending
    cells: Hashes
    frequencies: Integers  # (n_cells,): number of texts of the language that each occurs in
    stop_words: Hashes  # (n_stop_words,): keys of the stop words, ascending
    fold: Fold = "unidecode"  # that of the texts

    @classmethod
    def of(cls, counts: Counts) -> "Vocabulary":
        """Vocabulary of the texts that were counted."""
        return cls.of_cells(*cells_of(counts), counts.languages, counts.stop_words, counts.fold)

    @classmethod
    def of_cells(
        cls, cells: Hashes, frequencies: Integers, languages: Integers, stop_words: Hashes, fold: Fold
    ) -> "Vocabulary":
        """Vocabulary of texts in these languages, from the frequency of each feature in each language."""
        # A feature is in more than one text where it is in two of one language, or in two languages.
        shared = frequencies > 1
        for part in slices(0, len(cells) - 1, PART):
            behind = slice(part.start + 1, part.stop + 1)
            same = cells[behind] >> np.uint64(LANGUAGE_BITS) == cells[part] >> np.uint64(LANGUAGE_BITS)
            shared[part] |= same
            shared[behind] |= same
        cells, frequencies = cells[shared], frequencies[shared]
        totals, keys = np.bincount(languages, minlength=1 << LANGUAGE_BITS), cells >> np.uint64(LANGUAGE_BITS)
        return cls(totals, keys[run_starts(keys)], cells, frequencies, stop_words, fold)

    @property
    def n_texts(self) -> int:
        """Number of texts."""
        return int(self.totals.sum())

    @cached_property
    def _lookup(self) -> SortedKeys:
        return SortedKeys(self.keys, KEY_BITS)

    @cached_property
    def _cell_lookup(self) -> SortedKeys:
        return SortedKeys(self.cells, KEY_BITS + LANGUAGE_BITS)

    @cached_property
    def _stop_word_lookup(self) -> SortedKeys:
        # np.isin would sort all stop words at every call, and the terms of 10,000 stories take that many calls.
        return SortedKeys(self.stop_words[run_starts(self.stop_words)], KEY_BITS)

    @cached_property
    def cell_columns(self) -> Integers:
        """Position of the feature of each cell in the vocabulary, shape (n_cells,)."""
        keys = self.cells >> np.uint64(LANGUAGE_BITS)
        return np.cumsum(np.concatenate([[False], keys[1:] != keys[:-1]])[: len(keys)])

    @cached_property
    def cell_weights(self) -> NDArray[np.float32]:
        """Factor of the log counts of the feature of each cell in its language, shape (n_cells,)."""
        keys = self.cells >> np.uint64(LANGUAGE_BITS)
        languages = (self.cells & np.uint64((1 << LANGUAGE_BITS) - 1)).astype(np.int64)
        return feature_weights(keys, self._idf(keys, self.frequencies, languages)).astype(np.float32)

    def columns(self, keys: Hashes) -> Integers:
        """Position of each key in the vocabulary, -1 for unknown ones."""
        return self._lookup.find(keys)

    def places(self, keys: Hashes, languages: Integers | int) -> Integers:
        """Position of the cell of each key in a language, -1 for unknown ones."""
        return self._cell_lookup.find(in_language(keys, languages))

    def for_cells(self, cells: Hashes, here: Integers) -> "Vocabulary":
        """See `TermWeighting`; the texts need not be those of the vocabulary."""
        keys, own = cells >> np.uint64(LANGUAGE_BITS), self._cell_lookup.find(cells)
        frequencies = np.minimum(here, 2)
        frequencies[own >= 0] = self.frequencies[own[own >= 0]]
        shared = (self.columns(keys) >= 0) | (sums_of_runs(here, keys) > 1)
        return replace(self, keys=np.unique(keys[shared]), cells=cells[shared], frequencies=frequencies[shared])

    def idf(self, keys: Hashes, languages: Integers | int = 0) -> Floats:
        """Inverse document frequency ``log((N + N0 + 1) / (df + df0 + 0.5))`` of features, with the prior N0, df0.

        N and df are those of the texts of the language.
        """
        place = self.places(keys, languages)
        frequencies = np.ones(len(keys), dtype=np.int64)
        frequencies[place >= 0] = self.frequencies[place[place >= 0]]
        return self._idf(keys, frequencies, languages)

    def _idf(self, keys: Hashes, frequencies: Integers, languages: Integers | int) -> Floats:
        prior = np.where(self._stop_word_lookup.find(keys) >= 0, PRIOR_STOP_WORD_ARTICLES, 0.0)
        return inverse_frequency(self.totals[languages], prior + frequencies)


def in_language(keys: Hashes, languages: Integers | int) -> Hashes:
    """Numbers of features in languages: the key above, the language in the lowest bits."""
    return (keys << np.uint64(LANGUAGE_BITS)) | np.asarray(languages).astype(np.uint64)


def cells_of(counts: Counts) -> tuple[Hashes, Integers]:
    """The features of texts in their languages, ascending, and the number of texts of each."""
    cells = counts.keys << np.uint64(LANGUAGE_BITS)
    for rows in slices(0, len(counts.languages), _BLOCK_ROWS):  # at once, it would take twice the memory
        bounds = counts.offsets[rows.start : rows.stop + 1]
        cells[bounds[0] : bounds[-1]] |= np.repeat(counts.languages[rows].astype(np.uint64), np.diff(bounds))
    cells.sort()
    return counted(cells)


def sums_of_runs(values: Integers, labels: Hashes) -> Integers:
    """Sum of the values of the run of equal labels that each is in."""
    starts = run_starts(labels)
    sums = np.add.reduceat(values, starts) if len(starts) else values
    return np.repeat(sums, np.diff(np.append(starts, len(labels))))


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

    A text is weighted by the frequencies among the texts of its language. A vocabulary that is given has all features
    that the texts share, in their languages.

    Returns
    -------
    csr_array of float32, shape (n_texts, n_features)
        Features that occur in one text only count for its length but have no column: they cannot be shared.
    Vocabulary
        Of the columns.
    """
    vocabulary = vocabulary or Vocabulary.of(counts)
    n_texts = len(counts.offsets) - 1
    values, columns, sizes = [], [], [np.zeros(1, dtype=np.int64)]
    for part in ordered_map(partial(_unit_rows, counts, vocabulary), slices(0, n_texts, _BLOCK_ROWS), n_jobs, progress):
        values.append(part[0])
        columns.append(part[1])
        sizes.append(part[2])
    data, indices, indptr = joined(values, np.float32), joined(columns, np.int32), np.cumsum(joined(sizes, np.int64))
    if len(data) < 1 << 31:  # else SciPy would make the indices as wide as the offsets
        indptr = indptr.astype(np.int32)
    return csr_array((data, indices, indptr), shape=(n_texts, len(vocabulary.keys))), vocabulary


def _unit_rows(
    counts: Counts, vocabulary: Vocabulary, rows: slice
) -> tuple[NDArray[np.float32], NDArray[np.int32], Integers]:
    """Values and columns of the vectors of some texts, and how many each has."""
    entries = slice(int(counts.offsets[rows.start]), int(counts.offsets[rows.stop]))
    sizes = np.diff(counts.offsets[rows.start : rows.stop + 1])
    text = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    squares, shared_sizes = np.zeros(len(sizes), dtype=np.float64), np.zeros(len(sizes), dtype=np.int64)
    found, columns, owners = [], [], []
    for part in slices(entries.start, entries.stop, PART):  # a text may be long
        keys, own = counts.keys[part], text[part.start - entries.start : part.stop - entries.start].astype(np.int64)
        languages = counts.languages[rows][own]
        place = vocabulary.places(keys, languages)
        shared = place >= 0
        values = np.log1p(counts.counts[part])
        values[shared] *= vocabulary.cell_weights.take(place[shared])
        idf = vocabulary.idf(keys[~shared], languages[~shared])
        values[~shared] *= feature_weights(keys[~shared], idf, once=True).astype(np.float32)
        np.add.at(squares, own, values.astype(np.float64) ** 2)  # in the order of the entries, whatever the parts
        shared_sizes += np.bincount(own[shared], minlength=len(sizes))
        found.append(values[shared])
        columns.append(vocabulary.cell_columns.take(place[shared]).astype(np.int32))
        owners.append(own[shared].astype(np.int32))
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)
    for values, owner in zip(found, owners, strict=True):
        values /= lengths[owner]
    return joined(found, np.float32), joined(columns, np.int32), shared_sizes


def vectorize_texts(
    texts: Sequence[str], weighting: TermWeighting | None = None, languages: Sequence[str | None] | None = None
) -> tuple[csr_array, Vocabulary, Integers]:
    """Vectors of a few texts, see `vectorize`, and their numbers of features; without `weighting` a batch of their own.

    Texts of a batch have the same vectors by its vocabulary as in the batch. For `languages` see `count_features`.
    """
    counts = count_features(texts, 1, weighting.fold if weighting else "unidecode", languages=languages)
    vocabulary = weighting.for_cells(*cells_of(counts)) if weighting else None
    return *vectorize(counts, 1, vocabulary=vocabulary), np.diff(counts.offsets)
