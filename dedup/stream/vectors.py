"""Features of articles -> vectors, weighted by the frequencies of the window as it is now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers
from dedup.kernel import kernel
from dedup.store.records import Features
from dedup.story.weighting import FAMILY_WEIGHT, PRIOR_STOP_WORD_ARTICLES, feature_weights, inverse_frequency
from dedup.stream.text_features import TextFeatures, languages_of
from dedup.stream.window import Window

#: Logarithm of each count and 1.
LOG_COUNTS = np.log1p(np.arange(256))

#: The features and the counts of rows, one after the other, and where each begins and the last ends.
FlatRows = tuple[NDArray[np.uint32], NDArray[np.uint8], Integers]

#: The features of a text fill a table by their low bits, so that one look tells most other features from them.
TABLE_MASK = np.uint32((1 << 16) - 1)

# No counter of the window reaches this.
_MOST = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class WeightedTexts:
    """Texts under the document frequencies that each found when it came."""

    texts: TextFeatures
    factors: Floats  # (n_features,): inverse document frequency times the weight of the family
    weights: Floats  # (n_features,): TF-IDF, not normalised
    norms: NDArray[np.float32]  # (n_texts,): lengths of the vectors
    by_weight: list[Integers]  # positions of the features of each text, the heaviest first
    frequencies: Integers  # (n_features,)


def keyed_vectors(window: Window, rows: Sequence[Features]) -> tuple[NDArray[np.uint32], csr_array]:
    """The features of rows, ascending, and the vectors of the rows, of unit length: a column for each feature."""
    features, counts, starts = flat(rows)
    values, squares = present_weights(window, features, counts, starts)
    values /= np.repeat(np.sqrt(np.maximum(squares, 1e-18)), np.diff(starts))
    distinct, columns, values = sorted_rows(features, values, starts)
    vectors = csr_array((values, columns, starts.astype(np.int32)), shape=(len(rows), len(distinct)))
    vectors.has_sorted_indices = True
    return distinct, vectors


def sorted_rows(
    features: NDArray[np.uint32], values: Floats, starts: Integers
) -> tuple[NDArray[np.uint32], NDArray[np.int32], Floats]:
    """The distinct features, ascending; and the places among them, ascending in each row, and values of all entries.

    Examples
    --------
    >>> features, starts = np.array([9, 4, 9, 4, 5], dtype=np.uint32), np.array([0, 2, 5])
    >>> distinct, columns, values = sorted_rows(features, np.array([0.9, 0.4, 0.8, 0.3, 0.5]), starts)
    >>> distinct.tolist(), columns.tolist(), values.tolist()
    ([4, 5, 9], [0, 2, 0, 1, 2], [0.4, 0.9, 0.3, 0.5, 0.8])
    """
    compiled, n, n_rows = kernel(), len(features), len(starts) - 1
    if compiled is None:
        return _sorted_rows(features, values, starts)
    bits = (n + n // 4).bit_length()
    slots, packed = np.full(1 << bits, -1, dtype=np.int32), np.empty(2 * n, dtype=np.uint64)
    distinct, columns, found = np.empty(n, dtype=np.uint32), np.empty(n, dtype=np.int32), np.empty(n)
    count = compiled.sorted_rows(features, values, starts, n_rows, bits, slots, packed, distinct, columns, found)
    if count < 0:  # of texts made to be slow
        return _sorted_rows(features, values, starts)
    return distinct[:count].copy(), columns, found


def _sorted_rows(
    features: NDArray[np.uint32], values: Floats, starts: Integers
) -> tuple[NDArray[np.uint32], NDArray[np.int32], Floats]:
    """What the kernel does, in NumPy."""
    low, n = np.uint64(0xFFFFFFFF), len(features)
    # The feature in the upper bits, then the place: plain integers are sorted faster than an index.
    packed = features.astype(np.uint64) << np.uint64(32) | np.arange(n, dtype=np.uint64)
    packed.sort()
    keys, place = (packed >> np.uint64(32)).astype(np.uint32), (packed & low).astype(np.int64)
    first = np.ones(n, dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    columns = np.empty(n, dtype=np.int32)
    columns[place] = np.cumsum(first, dtype=np.int32) - 1
    vectors = csr_array((values.copy(), columns, starts.astype(np.int32)), shape=(len(starts) - 1, int(first.sum())))
    vectors.sort_indices()
    return keys[first], vectors.indices, vectors.data


def flat(rows: Sequence[Features]) -> FlatRows:
    """All features and counts of rows in arrays."""
    if not rows:
        return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    features, counts = zip(*rows, strict=True)
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, counts), dtype=np.int64, count=len(rows)), out=starts[1:])
    return np.concatenate(features), np.concatenate(counts), starts


def present_weights(
    window: Window, features: NDArray[np.uint32], counts: NDArray[np.uint8], starts: Integers
) -> tuple[Floats, Floats]:
    """TF-IDF weights of the features of rows, and for each row the sum of their squares."""
    compiled, n_rows = kernel(), len(starts) - 1
    if compiled is None:
        return _present_weights(window, features, counts, starts)
    languages = np.empty(n_rows, dtype=np.int64)
    compiled.languages(features, starts, n_rows, languages)
    known, tables = np.unique(languages, return_inverse=True)
    # The logarithms are NumPy's here too: those of C differ in the last bit.
    frequencies = np.arange(_MOST) + np.array([[0], [round(PRIOR_STOP_WORD_ARTICLES)]])
    idf = np.maximum(inverse_frequency(window.totals[known, None, None], frequencies.astype(np.float64)), 0)
    weights, squares = np.empty(len(features)), np.empty(n_rows)
    of_family = FAMILY_WEIGHT.astype(np.float64)
    given = features, counts, starts, n_rows, languages, tables, *window.tables
    compiled.present_weights(*given, idf, of_family, LOG_COUNTS, weights, squares)
    return weights, squares


def _present_weights(
    window: Window, features: NDArray[np.uint32], counts: NDArray[np.uint8], starts: Integers
) -> tuple[Floats, Floats]:
    """What the kernel does, in NumPy."""
    n_rows = len(starts) - 1
    row = np.repeat(np.arange(n_rows), np.diff(starts))
    languages = languages_of(features, row, n_rows)[row]
    factors = factors_of(features, window.frequencies(features, languages), window.totals[languages])
    weights = factors * LOG_COUNTS[counts]
    return weights, np.bincount(row, weights=weights**2, minlength=n_rows).astype(np.float64)


def factors_of(features: NDArray[np.uint32], frequencies: Integers, n_texts: Integers) -> Floats:
    """Factors that turn log counts into TF-IDF weights, from the frequency of each feature among `n_texts`."""
    idf = inverse_frequency(n_texts, frequencies.astype(np.float64))
    return feature_weights(features, np.maximum(idf, 0), once=frequencies <= 1)


def text_dot_products(
    weighted: WeightedTexts, text: int, theirs: FlatRows, rows: Integers, slots: NDArray[np.int32]
) -> tuple[Floats, Floats, Floats]:
    """Dot product of a text with each of these rows, sum of its squared parts, and norm of what they share.

    `slots` are lent, 2**16, all -1.
    """
    own = slice(*weighted.texts.offsets[text : text + 2])
    features = weighted.texts.features[own]
    compiled = kernel()
    if compiled is not None:
        sums_of_parts = np.empty((3, len(rows)))
        given = features, len(features), weighted.factors[own], weighted.weights[own]
        compiled.shared_parts(*given, *theirs, rows, len(rows), LOG_COUNTS, slots, *sums_of_parts)
        return sums_of_parts[0], sums_of_parts[1], np.sqrt(sums_of_parts[2])
    others, counts, starts = theirs
    sizes = np.diff(starts)[rows]
    entries = np.repeat(starts[rows] - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    others, counts = others[entries], counts[entries]
    filled, where = np.zeros(TABLE_MASK + 1, dtype=np.bool_), np.empty(TABLE_MASK + 1, dtype=np.int32)
    own_slots, their_slots = features & TABLE_MASK, others & TABLE_MASK
    filled[own_slots], where[own_slots] = True, np.arange(len(features))
    entries = np.flatnonzero(filled[their_slots])
    place, wanted = where[their_slots[entries]], others[entries]
    # Features of the text that share a slot need a search.
    other = np.flatnonzero(features[place] != wanted)
    place[other] = np.minimum(np.searchsorted(features, wanted[other]), len(features) - 1)
    shared = features[place] == wanted
    entries, place = entries[shared], place[shared]
    weights = weighted.factors[own][place] * LOG_COUNTS[counts[entries]]
    owner = np.arange(len(rows)).repeat(sizes)[entries]
    parts = weights * weighted.weights[own][place]
    sums = (np.bincount(owner, weights=values, minlength=len(rows)) for values in (parts, parts**2, weights**2))
    dots, squares, lengths = (values.astype(np.float64) for values in sums)
    return dots, squares, np.sqrt(lengths)
