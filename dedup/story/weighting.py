"""Weighted counts of features -> document frequencies and TF-IDF vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import PART, Flags, Floats, Growing, Hashes, Integers, joined, run_starts, slices
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress
from dedup.sorted_keys import SortedKeys
from dedup.story.cells import cells_of, in_language, shared_cells, sums_of_runs
from dedup.story.extraction import FAMILY_BITS, KEY_BITS, WORD_PAIR, families
from dedup.story.features import Counts, count_features
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
        """Vocabulary of features in languages, ascending, that so many of some texts have; see `dedup.story.cells`.

        A feature that two of the texts share occurs in at least two texts.
        """


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Document frequencies of a batch, by language: words of one say nothing of how common those of another are."""

    totals: Integers  # (2**LANGUAGE_BITS,): number of texts of each language
    keys: Hashes  # (n_features,): features that occur in more than one text, ascending
    # (n_cells,): each of these features in each language that has it (see `dedup.story.cells.in_language`), ascending
    cells: Hashes
    frequencies: Integers  # (n_cells,): number of texts of the language that each occurs in
    stop_words: Hashes  # (n_stop_words,): keys of the stop words, ascending
    fold: Fold = "unidecode"  # that of the texts

    @classmethod
    def of(cls, counts: Counts, n_jobs: int | None = 1) -> "Vocabulary":
        """Vocabulary of the texts that were counted."""
        cells, frequencies = cells_of(counts, n_jobs, shared=True)
        return cls.of_cells(cells, frequencies, counts.languages, counts.stop_words, counts.fold)

    @classmethod
    def of_cells(
        cls, cells: Hashes, frequencies: Integers, languages: Integers, stop_words: Hashes, fold: Fold
    ) -> "Vocabulary":
        """Vocabulary of texts in these languages, from the frequency of each feature in each language."""
        cells, frequencies = shared_cells(cells, frequencies)
        keys = cells >> np.uint64(LANGUAGE_BITS)
        totals = np.bincount(languages, minlength=1 << LANGUAGE_BITS)
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
    def weights_once(self) -> NDArray[np.float32]:
        """Factors of the log counts of features that no cell has, by whether they are stop words, language and family.

        Shape (2, 2**LANGUAGE_BITS, number of families).
        """
        prior = np.array([0.0, PRIOR_STOP_WORD_ARTICLES])[:, None]
        idf = np.repeat(inverse_frequency(self.totals, prior + 1)[:, :, None], len(FAMILY_WEIGHT), axis=2)
        family = np.broadcast_to(np.arange(len(FAMILY_WEIGHT), dtype=np.uint64), idf.shape)
        return feature_weights(family, idf, once=True).astype(np.float32)

    def prepare(self) -> None:
        """Compute what is computed once."""
        _ = self.cell_weights, self.cell_columns, self.weights_once, self._cell_lookup, self._stop_word_lookup

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
    vocabulary = vocabulary or Vocabulary.of(counts, n_jobs)
    vocabulary.prepare()  # once, and not by each thread

    def of_rows(rows: slice) -> tuple[NDArray[np.float32], NDArray[np.int32], Integers]:
        starts = counts.offsets[rows.start : rows.stop + 1]
        entries, languages = slice(starts[0], starts[-1]), counts.languages[rows]
        texts = counts.keys[entries], starts - starts[0], languages, np.log1p(counts.counts[entries])
        values, columns, sizes, squares = _weighed(vocabulary, *texts)
        values /= np.repeat(np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32), sizes)
        return values, columns, sizes

    n_texts = len(counts.offsets) - 1
    values, columns, sizes = Growing(np.float32), Growing(np.int32), Growing(np.int64)
    for part in ordered_map(of_rows, slices(0, n_texts, _BLOCK_ROWS), n_jobs, progress):
        values.append(part[0])
        columns.append(part[1])
        sizes.append(part[2])
    data, indices, indptr = values.array(), columns.array(), np.concatenate([[0], np.cumsum(sizes.array())])
    if len(data) < 1 << 31:  # else SciPy would make the indices as wide as the offsets
        indptr = indptr.astype(np.int32)
    return csr_array((data, indices, indptr), shape=(n_texts, len(vocabulary.keys))), vocabulary


def _weighed(
    vocabulary: Vocabulary, keys: Hashes, starts: Integers, languages: Integers, logs: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int32], Integers, Floats]:
    """Weights and columns of the features of some texts that have one, their number in each, and its squared length."""
    compiled = kernel()
    if compiled is None:
        return _weighed_in_numpy(vocabulary, keys, starts, languages, logs)
    values, columns = np.empty(len(keys), dtype=np.float32), np.empty(len(keys), dtype=np.int32)
    sizes, squares = np.empty(len(languages), dtype=np.int64), np.empty(len(languages))
    cells = *vocabulary._cell_lookup.table, vocabulary.cell_weights, vocabulary.cell_columns
    others = *vocabulary._stop_word_lookup.table, vocabulary.weights_once, LANGUAGE_BITS, FAMILY_BITS
    found = values, columns, sizes, squares
    compiled.weigh(keys, starts, languages, len(languages), logs, *cells, *others, *found)
    n = int(sizes.sum())
    return values[:n], columns[:n], sizes, squares


def _weighed_in_numpy(
    vocabulary: Vocabulary, keys: Hashes, starts: Integers, languages: Integers, logs: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int32], Integers, Floats]:
    """What the kernel does, in NumPy."""
    row = np.repeat(np.arange(len(languages), dtype=np.int32), np.diff(starts))
    squares, sizes = np.zeros(len(languages)), np.zeros(len(languages), dtype=np.int64)
    found, columns = [], []
    for part in slices(0, len(keys), PART):  # a text may be long
        own, some = row[part].astype(np.int64), logs[part]
        place = vocabulary.places(keys[part], languages[own])
        shared = place >= 0
        some[shared] *= vocabulary.cell_weights.take(place[shared])
        single = keys[part][~shared]
        stops = (vocabulary._stop_word_lookup.find(single) >= 0).astype(np.int64)
        some[~shared] *= vocabulary.weights_once[stops, languages[own[~shared]], families(single)]
        np.add.at(squares, own, some.astype(np.float64) ** 2)  # in the order of the entries, whatever the parts
        sizes += np.bincount(own[shared], minlength=len(sizes))
        found.append(some[shared])
        columns.append(vocabulary.cell_columns.take(place[shared]).astype(np.int32))
    return joined(found, np.float32), joined(columns, np.int32), sizes, squares


def vectorize_texts(
    texts: Sequence[str], weighting: TermWeighting | None = None, languages: Sequence[str | None] | None = None
) -> tuple[csr_array, Vocabulary, Integers]:
    """Vectors of a few texts, see `vectorize`, and their numbers of features; without `weighting` a batch of their own.

    Texts of a batch have the same vectors by its vocabulary as in the batch. For `languages` see `count_features`.
    """
    counts = count_features(texts, 1, weighting.fold if weighting else "unidecode", languages=languages)
    vocabulary = weighting.for_cells(*cells_of(counts)) if weighting else None
    return *vectorize(counts, 1, vocabulary=vocabulary), np.diff(counts.offsets)
