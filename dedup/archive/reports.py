"""Texts that are no copies -> vectors, weighed by the articles around them, and those -> similar pairs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from dedup.archive.cleaning import readable
from dedup.archive.copies import speakers
from dedup.archive.intake import positions_of, slice_count, texts_of
from dedup.archive.job import Settings, load, mapped, save
from dedup.lookup import SortedKeys
from dedup.story.features import KEY_BITS, Counts, Vocabulary, count_features, vectorize
from dedup.story.graph import in_reach, pairs_of_candidates, rarest

#: A feature is as common as it is in so many slices, of which the article's own is in the middle. That is up to
#: 131,072 articles, so that what an archive of years says of a word is what it said at the time.
VOCABULARY_SLICES = 8

_ROWS_AT_ONCE = 512
_MOST_COUNTED = np.iinfo(np.uint16).max


class Vectors(NamedTuple):
    """The vectors of a slice.

    Attributes
    ----------
    rows : csr_array of float32, shape (n, n_features)
        Of unit length, but for features that no other text has.
    keys : ndarray of uint64, shape (n_features,)
        Ascending.
    """

    rows: csr_array
    keys: NDArray[np.uint64]


def count(settings: Settings, number: int, folder: Path) -> None:
    """Task: the features of the texts of a slice that are no copies."""
    positions, first = speakers(settings, number), positions_of(settings, number).start
    texts = texts_of(readable(settings, number).take(positions - first), "text")
    found = count_features(texts, n_jobs=1, fold=settings.near.fold)
    keys, column, frequencies = np.unique(found.keys, return_inverse=True, return_counts=True)
    save(
        folder,
        positions=positions,
        offsets=found.offsets,
        keys=keys,
        frequencies=frequencies.astype(np.int32),
        columns=column.astype(np.int32),
        counts=np.minimum(found.counts, _MOST_COUNTED).astype(np.uint16),
        uses=found.uses,
    )


def around(settings: Settings, number: int) -> range:
    """The slices whose articles say how common the features of this one are."""
    total = slice_count(settings)
    first = max(0, min(number - VOCABULARY_SLICES // 2, total - VOCABULARY_SLICES))
    return range(first, min(first + VOCABULARY_SLICES, total))


def weigh(settings: Settings, number: int, folder: Path) -> None:
    """Task: the vectors of a slice, as the batch makes them of the articles around it."""
    offsets, keys, columns, counts = load(settings, "count", number, "offsets", "keys", "columns", "counts")
    lookup, frequencies, n_texts, uses = SortedKeys(keys, KEY_BITS), np.zeros(len(keys), dtype=np.int64), 0, []
    for k in around(settings, number):
        their_keys, theirs, positions, used = load(settings, "count", k, "keys", "frequencies", "positions", "uses")
        place = lookup.find(their_keys)
        frequencies[place[place >= 0]] += theirs[place >= 0]
        n_texts += len(positions)
        uses.append(used)
    own = Counts(offsets, keys[columns], counts.astype(np.float32), np.sum(uses, axis=0), settings.near.fold)
    shared = frequencies > 1
    vocabulary = Vocabulary(n_texts, keys[shared], frequencies[shared], own.stop_words, settings.near.fold)
    vectors, _ = vectorize(own, n_jobs=1, vocabulary=vocabulary)
    save(
        folder,
        data=vectors.data,
        indices=vectors.indices,
        indptr=vectors.indptr,
        keys=vocabulary.keys,
        frequencies=np.bincount(vectors.indices, minlength=len(vocabulary.keys)).astype(np.int32),
    )


def vectors_of(settings: Settings, number: int) -> Vectors:
    """What `weigh` made of a slice."""
    data, indices, indptr, keys = load(settings, "weigh", number, "data", "indices", "indptr", "keys")
    return Vectors(csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(keys))), keys)


def within_reach(settings: Settings, number: int) -> list[int]:
    """The slice and those later ones whose texts may be similar to its."""
    own, days = positions_of(settings, number), mapped(settings, "order", "days")
    later = range(number, slice_count(settings))
    return [k for k in later if in_reach(own, positions_of(settings, k), days)]


def compare_slices(settings: Settings, number: int, folder: Path) -> None:
    """Task: similar pairs of texts of a slice with each other and with those of later slices within reach."""
    numbers = within_reach(settings, number)
    (positions,) = load(settings, "count", number, "positions")
    days, own = mapped(settings, "order", "days"), vectors_of(settings, number)
    lookup, frequencies = SortedKeys(own.keys, KEY_BITS), np.zeros(len(own.keys), dtype=np.int64)
    for k in numbers:
        keys, theirs = load(settings, "weigh", k, "keys", "frequencies")
        place = lookup.find(keys)
        frequencies[place[place >= 0]] += theirs[place >= 0]
    mine = [
        (first, rarest(own.rows[first : first + _ROWS_AT_ONCE], frequencies))
        for first in range(0, len(positions), _ROWS_AT_ONCE)
    ]
    parts, offsets = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))], [0]
    for k in numbers:
        vectors, both, first = own.rows, positions, 0
        if k != number:
            (others,) = load(settings, "count", k, "positions")
            vectors = vstack([own.rows, _in_columns(vectors_of(settings, k), lookup)], format="csr")
            both, first = np.concatenate([positions, others]), len(positions)
        postings, their_days = vectors[first:].T.tocsr(), np.array(days[both])
        found = [pairs_of_candidates(vectors, their_days, rows, row, [(first, postings)]) for row, rows in mine]
        parts += [(both[left], both[right], similarity) for left, right, similarity in found]
        offsets.append(offsets[-1] + sum(len(left) for left, _, _ in found))
    left, right, similarity = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    save(folder, left=left, right=right, similarity=similarity, slices=np.array(numbers), offsets=np.array(offsets))


def _in_columns(vectors: Vectors, lookup: SortedKeys) -> csr_array:
    """The same rows by the features of another slice; others cannot be shared with it."""
    column = lookup.find(vectors.keys)[vectors.rows.indices]
    kept = column >= 0
    row = np.repeat(np.arange(vectors.rows.shape[0]), np.diff(vectors.rows.indptr))[kept]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=vectors.rows.shape[0]))])
    return csr_array((vectors.rows.data[kept], column[kept], indptr), shape=(len(indptr) - 1, len(lookup.keys)))
