"""The live articles of an index, as arrays: who might be alike, and how much."""

import numpy as np
from numpy.typing import NDArray

from dedup.story.features import (
    FAMILY_WEIGHT,
    KEY_BITS,
    PRIOR_STOP_WORD_ARTICLES,
    WORD,
    WORD_PAIR,
    families,
    feature_keys,
    inverse_frequency,
)
from dedup.story.graph import CANDIDATE_FLOOR, POSTINGS
from dedup.story.similarity import time_factor
from dedup.stream.postings import Postings
from dedup.stream.reading import Reading
from dedup.text.stopwords import stop_word_hashes

#: How many of its rarest features lead to an article.
LEADING_FEATURES = 1000

#: How many candidates are compared as a whole.
MOST_CANDIDATES = 40

# Document frequencies are counted by the leading bits of a key; two rare features seldom share a slot.
_SLOT_BITS, _POSTING_BITS = 24, 32


class LiveArticles:
    """Nodes are numbers of articles, given by the store and never used again.

    Attributes
    ----------
    days : ndarray of float64
        Publication of each node in days since 1970; NaN when unknown.
    stories : ndarray of int64
        Story of each node; -1 for those that are not live.
    """

    def __init__(self) -> None:
        self.days = np.full(1024, np.nan)
        self.stories = np.full(1024, -1, dtype=np.int64)
        self.count = 0
        self._frequencies = np.zeros(1 << _SLOT_BITS, dtype=np.int32)
        stop_words = np.unique(_slots(feature_keys(stop_word_hashes(), WORD)))
        self._frequencies[stop_words] = round(PRIOR_STOP_WORD_ARTICLES)
        self._bands = Postings(np.uint64)
        self._features = Postings(np.uint32)

    def add(self, node: int, day: float, story: int, reading: Reading, *, speaker: bool) -> None:
        """Take in an article; only one that speaks for its copies is found by its features."""
        while node >= len(self.days):
            self.days = np.concatenate([self.days, np.full(len(self.days), np.nan)])
            self.stories = np.concatenate([self.stories, np.full(len(self.stories), -1, dtype=np.int64)])
        self.days[node], self.stories[node] = day, story
        self._bands.add(reading.bands, np.full(len(reading.bands), node))
        if speaker:
            self.speak(node, reading.keys)

    def speak(self, node: int, keys: NDArray[np.uint64]) -> None:
        """Let an article be found by its features, which count from now on."""
        self.count += 1
        slots = _slots(keys)
        np.add.at(self._frequencies, slots, 1)
        rarest = np.argsort(self._frequencies[slots], kind="stable")[:LEADING_FEATURES]
        leading = _posting_keys(keys[rarest])
        self._features.add(leading, np.full(len(leading), node))

    def silence(self, keys: NDArray[np.uint64]) -> None:
        """Take the features of an article out of the document frequencies."""
        self.count -= 1
        np.subtract.at(self._frequencies, _slots(keys), 1)

    def forget(self, nodes: NDArray[np.int64]) -> None:
        """Articles that are not live any more."""
        self.stories[nodes] = -1

    def compact(self) -> None:
        """Give back the memory of what was forgotten."""
        for postings in (self._bands, self._features):
            postings.keep(lambda nodes: self.stories[nodes] >= 0)

    def idf(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Inverse document frequency of features, as `dedup.story.features.Vocabulary` has it."""
        frequencies = np.maximum(self._frequencies[_slots(keys)], 1).astype(np.float64)
        return inverse_frequency(self.count, frequencies)

    def weights(self, keys: NDArray[np.uint64], counts: NDArray[np.uint8]) -> NDArray[np.float64]:
        """TF-IDF weights of features, not normalised."""
        family = families(keys)
        idf = np.maximum(self.idf(keys), 0)
        idf[(family == WORD_PAIR) & (self._frequencies[_slots(keys)] <= 1)] = 0
        return np.log1p(counts, dtype=np.float32) * idf * FAMILY_WEIGHT[family]

    def sharing_a_band(self, reading: Reading) -> NDArray[np.int64]:
        """Live nodes that share a band, those that share most first."""
        nodes, counts = np.unique(self._bands.find(reading.bands)[1], return_counts=True)
        nodes, counts = nodes[self.stories[nodes] >= 0], counts[self.stories[nodes] >= 0]
        return nodes[np.lexsort((nodes, -counts))]

    def candidates(self, reading: Reading, day: float) -> NDArray[np.int64]:
        """Live nodes whose rarest features promise a similarity, the most promising first."""
        weights = self.weights(reading.keys, reading.counts)
        squares = weights**2 / max(float((weights**2).sum()), 1e-12)
        order = np.argsort(self._frequencies[_slots(reading.keys)], kind="stable")
        which, nodes = self._features.find(_posting_keys(reading.keys[order]), POSTINGS)
        nodes, place = np.unique(nodes, return_inverse=True)
        promise = np.bincount(place, weights=squares[order][which], minlength=len(nodes)).astype(np.float64)
        promise *= time_factor(np.full(len(nodes), day), self.days[nodes])
        kept = (promise >= CANDIDATE_FLOOR) & (self.stories[nodes] >= 0)
        nodes, promise = nodes[kept], promise[kept]
        return nodes[np.lexsort((nodes, -promise))][:MOST_CANDIDATES]

    def cosines(
        self, reading: Reading, others: list[tuple[NDArray[np.uint64], NDArray[np.uint8]]]
    ) -> NDArray[np.float64]:
        """Cosine to each of other articles, given as their features' keys and counts."""
        if not others:
            return np.empty(0)
        own = self.weights(reading.keys, reading.counts)
        keys = np.concatenate([keys for keys, _ in others])
        owner = np.repeat(np.arange(len(others)), [len(keys) for keys, _ in others])
        theirs = self.weights(keys, np.concatenate([counts for _, counts in others]))
        place = np.minimum(np.searchsorted(reading.keys, keys), max(len(reading.keys) - 1, 0))
        shared = reading.keys[place] == keys if len(reading.keys) else np.zeros(len(keys), dtype=np.bool_)
        dots = np.bincount(owner[shared], weights=own[place[shared]] * theirs[shared], minlength=len(others))
        norms = np.sqrt(np.bincount(owner, weights=theirs**2, minlength=len(others)) * (own**2).sum())
        return np.asarray(np.minimum(dots / np.maximum(norms, 1e-12), 1.0), dtype=np.float64)


def _slots(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (keys >> np.uint64(KEY_BITS - _SLOT_BITS)).astype(np.int64)


def _posting_keys(keys: NDArray[np.uint64]) -> NDArray[np.uint32]:
    return (keys >> np.uint64(KEY_BITS - _POSTING_BITS)).astype(np.uint32)
