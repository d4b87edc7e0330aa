"""The live articles of an index, as arrays: who might be alike, and how much."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.parameters import Fold
from dedup.story.candidates import CANDIDATE_FLOOR
from dedup.story.similarity import time_factor
from dedup.story.weighting import Vocabulary, feature_weights, inverse_frequency
from dedup.stream.nodes import NodeTable
from dedup.stream.postings import Postings
from dedup.stream.text_features import Readings, shortened
from dedup.stream.time_postings import TimeSlices
from dedup.stream.window import Window, slots

#: How many of its heaviest features lead to an article, and with how many of its own it looks for others, as long as
#: those occur in no more articles of the window than this together. Measured on six labelled sets, more find the same.
LEADING_FEATURES, MOST_OCCURRENCES = 128, 3000

#: Articles are compared as a whole as long as they have no more features than this together.
MOST_ENTRIES = 1 << 15

# Candidates are added up in 64-bit integers: text above, then node, then the share of the square.
_SHARE_BITS, _NODE_BITS = 24, 31
TEXTS_AT_ONCE = 256

# Of a bucket so many nodes are looked at, those that came first; more share a template, or are copies of one text.
_MOST_IN_BUCKET = 256

# A text's features fill a table by their low bits, so that most others are told apart from them by one look.
_TABLE_MASK = np.uint32((1 << 16) - 1)

_LOG_COUNTS = np.log1p(np.arange(256))

Features = tuple[NDArray[np.uint32], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, eq=False)
class WeightedTexts:
    """Readings under the document frequencies that each text found when it came.

    Attributes
    ----------
    readings : Readings
    scales : ndarray of float64, shape (n_features,)
        Inverse document frequency times the family's weight.
    weights : ndarray of float64, shape (n_features,)
        TF-IDF, not normalised.
    norms : ndarray of float32, shape (n_texts,)
        Lengths of the vectors.
    heaviest : list of ndarray of int64
        Places of each text's features, by weight.
    frequencies : ndarray of int64, shape (n_features,)
    """

    readings: Readings
    scales: NDArray[np.float64]
    weights: NDArray[np.float64]
    norms: NDArray[np.float32]
    heaviest: list[NDArray[np.int64]]
    frequencies: NDArray[np.int64]


class LiveArticles:
    """What is known of the live articles, by node: the number that an index gives an article, never used again.

    Attributes
    ----------
    fold : {"unidecode", "marks"}
    nodes : NodeTable
    window : Window
    """

    def __init__(self, fold: Fold = "unidecode") -> None:
        self.fold = fold
        self.nodes = NodeTable()
        self.window = Window(fold)
        self._bands = Postings(np.uint64)
        self._features = TimeSlices()

    def add_bands(self, nodes: NDArray[np.int64], bands: NDArray[np.uint64]) -> None:
        """Let articles be found by their buckets, shape (n, n_bands)."""
        self._bands.add(bands.ravel(), np.repeat(nodes, bands.shape[1]))

    def lead(self, nodes: NDArray[np.int64], days: NDArray[np.float64], leading: list[NDArray[np.uint32]]) -> None:
        """Let articles be found by their leading features."""
        sizes = [len(own) for own in leading]
        features = np.concatenate([np.empty(0, dtype=np.uint32), *leading])
        self._features.add(np.repeat(days, sizes), features, np.repeat(nodes, sizes))

    def compact(self) -> None:
        """Give back the memory of what was forgotten."""
        self._bands.keep(self.nodes.alive)
        self._features.keep(self.nodes.alive)
        self.nodes.trim()

    def idf(self, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Inverse document frequency of features, as `dedup.story.weighting.Vocabulary` has it."""
        frequencies = np.maximum(self.window.frequencies(shortened(keys)), 1).astype(np.float64)
        return inverse_frequency(self.window.count, frequencies)

    def for_features(self, keys: NDArray[np.uint64]) -> Vocabulary:
        """Vocabulary of features by the window; see `dedup.story.weighting.TermWeighting`."""
        keys, here = np.unique(keys, return_counts=True)
        frequencies = np.maximum(self.window.frequencies(shortened(keys)), np.minimum(here, 2))
        known = frequencies > 1
        no_stop_words = np.empty(0, dtype=np.uint64)  # the window's frequencies have their prior in them
        return Vocabulary(self.window.count, keys[known], frequencies[known], no_stop_words, self.fold)

    def weigh(self, readings: Readings, counted: NDArray[np.bool_]) -> WeightedTexts:
        """Weigh texts that come one after the other, of which those `counted` enter the window when they have come."""
        offsets, features = readings.offsets, readings.features
        text = np.repeat(np.arange(len(readings)), np.diff(offsets))
        frequencies = self.window.frequencies(features) + _earlier(slots(features), text, counted) + 1
        known = self.window.count + np.cumsum(counted) - counted + 1
        scales = _scales(features, frequencies, known[text])
        weights = _LOG_COUNTS[readings.counts] * scales
        squares = np.bincount(text, weights=weights**2, minlength=len(readings))
        heaviest = [a + _descending(weights[a:b]) for a, b in pairwise(offsets.tolist())]
        return WeightedTexts(readings, scales, weights, np.sqrt(squares).astype(np.float32), heaviest, frequencies)

    def measure_again(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The articles in the window, and the lengths that their vectors have by now."""
        nodes, features, counts, sizes = self.window.everything()
        scales = _scales(features, self.window.frequencies(features), np.array(self.window.count))
        text = np.repeat(np.arange(len(nodes)), sizes)
        squares = np.bincount(text, weights=(_LOG_COUNTS[counts] * scales) ** 2, minlength=len(nodes))
        norms = np.sqrt(squares).astype(np.float32)
        self.nodes.set_norms(nodes, norms)
        return nodes, norms

    def sharing_a_band(
        self, nodes: NDArray[np.int64], bands: NDArray[np.uint64], most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each of new articles the earlier nodes that share most bands, `most` of them: its place, and the node."""
        if not len(nodes):
            return nodes, nodes
        order = np.argsort(bands, axis=None)
        keys = bands.ravel()[order]
        # A text that comes 100,000 times must not meet all of its copies each time.
        which, others = self._bands.find(keys, _MOST_IN_BUCKET)
        stored = others[others < nodes[0]]
        if len(stored) and np.bincount(which).max() >= _MOST_IN_BUCKET and not self.nodes.alive(stored).all():
            which, others = self._bands.find(keys)  # the dead may stand before the living
        text = order[which] // bands.shape[1]
        earlier = others < nodes[text]
        code, shared = np.unique(text[earlier] << _NODE_BITS | others[earlier], return_counts=True)
        text, others = code >> _NODE_BITS, code & ((1 << _NODE_BITS) - 1)
        there = (others >= nodes[0]) | self.nodes.alive(np.minimum(others, nodes[0] - 1))
        text, others, shared = text[there], others[there], shared[there]
        order = np.lexsort((others, -shared, text))
        kept = order[_rank(text[order]) < most]
        return text[kept], others[kept]

    def candidates(
        self, weighted: WeightedTexts, days: NDArray[np.float64], limits: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Nodes whose leading features promise a similarity to a text, each below the text's limit.

        Returns
        -------
        ndarray of int64, shape (n_found,)
            The text, ascending.
        ndarray of int64, shape (n_found,)
            The node; the most promising first.
        """
        text, place = self._asking(weighted, limits)
        squares = (weighted.weights[place] / np.maximum(weighted.norms, 1e-9)[text]) ** 2
        shares = np.minimum(squares * (1 << _SHARE_BITS), (1 << _SHARE_BITS) - 1).astype(np.int64)
        which, nodes = self._features.find(days[text], weighted.readings.features[place])
        below = nodes < limits[text[which]]
        which, nodes = which[below], nodes[below]
        packed = (text[which] << _NODE_BITS | nodes).astype(np.uint64) << np.uint64(_SHARE_BITS)
        packed |= shares[which].astype(np.uint64)
        packed.sort()
        code = (packed >> np.uint64(_SHARE_BITS)).astype(np.int64)
        starts = np.flatnonzero(np.diff(code, prepend=-1))
        promise = np.add.reduceat(packed & np.uint64((1 << _SHARE_BITS) - 1), starts) if len(starts) else packed
        text, nodes = code[starts] >> _NODE_BITS, code[starts] & ((1 << _NODE_BITS) - 1)
        promised = promise / float(1 << _SHARE_BITS) * time_factor(days[text], self.nodes.days(nodes))
        kept = np.flatnonzero((promised >= CANDIDATE_FLOOR) & self.nodes.is_canonical(nodes))
        kept = kept[np.lexsort((nodes[kept], -promised[kept], text[kept]))]
        text, nodes = text[kept], nodes[kept]
        few = (_total_up_to(self.nodes.sizes(nodes), text) <= MOST_ENTRIES) | (_rank(text) == 0)
        return text[few], nodes[few]

    @staticmethod
    def _asking(weighted: WeightedTexts, limits: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The features that each text with a limit looks for others with: the text, and the feature's place."""
        heaviest = [own[:LEADING_FEATURES] for own in weighted.heaviest]
        text = np.repeat(np.arange(len(heaviest)), [len(own) for own in heaviest])
        place = np.concatenate([np.empty(0, dtype=np.int64), *heaviest])
        heavy = (weighted.weights[place] > 0) & (limits[text] > 0)
        text, place = text[heavy], place[heavy]
        few = _total_up_to(weighted.frequencies[place], text) <= MOST_OCCURRENCES
        return text[few], place[few]

    def similarities(
        self,
        weighted: WeightedTexts,
        days: NDArray[np.float64],
        text: NDArray[np.int64],
        nodes: NDArray[np.int64],
        stored: Callable[[NDArray[np.int64]], dict[int, Features]],
    ) -> NDArray[np.float32]:
        """Similarity of each text to a node, shape (n,); texts ascend.

        `stored` brings the features of nodes that have left the window.
        """
        distinct = np.unique(nodes)
        inside = distinct >= self.window.first
        known = stored(distinct[~inside]) | {node: self.window.get(node) for node in distinct[inside].tolist()}
        dots, shared = np.zeros((2, len(nodes)))
        bounds = np.searchsorted(text, range(len(weighted.readings) + 1))
        for i in np.flatnonzero(np.diff(bounds)).tolist():
            a, b = bounds[i], bounds[i + 1]
            dots[a:b], shared[a:b] = _products(weighted, i, [known[node] for node in nodes[a:b].tolist()])
        # A vector was measured when its article came; by now it is at least as long as what it shares.
        lengths = np.maximum(self.nodes.norms(nodes), shared) * weighted.norms[text]
        cosines = np.minimum(dots / np.maximum(lengths, 1e-9), 1.0)
        return (cosines * time_factor(days[text], self.nodes.days(nodes))).astype(np.float32)


def _products(
    weighted: WeightedTexts, text: int, others: list[Features]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Dot products of a text and other articles, and the length of what each shares with it."""
    own = slice(*weighted.readings.offsets[text : text + 2])
    features = weighted.readings.features[own]
    theirs = np.concatenate([features for features, _ in others])
    filled, where = np.zeros(_TABLE_MASK + 1, dtype=np.bool_), np.empty(_TABLE_MASK + 1, dtype=np.int32)
    slots = features & _TABLE_MASK
    filled[slots], where[slots] = True, np.arange(len(features))
    slots = theirs & _TABLE_MASK
    entries = np.flatnonzero(filled[slots])
    place, wanted = where[slots[entries]], theirs[entries]
    # Only where two of the text's features meet in the table is there a search.
    other = np.flatnonzero(features[place] != wanted)
    place[other] = np.minimum(np.searchsorted(features, wanted[other]), len(features) - 1)
    shared = features[place] == wanted
    entries, place = entries[shared], place[shared]
    weights = weighted.scales[own][place] * _LOG_COUNTS[np.concatenate([counts for _, counts in others])[entries]]
    owner = np.arange(len(others)).repeat([len(features) for features, _ in others])[entries]
    dots = np.bincount(owner, weights=weights * weighted.weights[own][place], minlength=len(others))
    squares = np.bincount(owner, weights=weights**2, minlength=len(others))
    return dots.astype(np.float64), np.sqrt(squares.astype(np.float64))


def _total_up_to(values: NDArray[np.integer], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each value the total of those before it and itself that have its label; equal labels stand together."""
    totals = np.cumsum(values, dtype=np.int64)
    return np.asarray(totals - (totals - values)[np.arange(len(labels)) - _rank(labels)])


def _scales(
    features: NDArray[np.uint32], frequencies: NDArray[np.int64], known: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What a feature's log count is multiplied by, given in how many of the known articles it occurs."""
    idf = inverse_frequency(known, frequencies.astype(np.float64))
    return feature_weights(features, np.maximum(idf, 0), once=frequencies <= 1)


def _descending(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places of weights, the greatest first; of equal ones (as float32) the first."""
    # The bits of floats above zero are in their order, and sorting plain integers is faster than sorting an index.
    packed = (~weights.astype(np.float32).view(np.uint32)).astype(np.uint64) << np.uint64(32)
    packed |= np.arange(len(weights), dtype=np.uint64)
    packed.sort()
    return (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _rank(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many equal labels stand before each; equal ones stand together."""
    starts = np.flatnonzero(np.diff(labels, prepend=-1))
    return np.arange(len(labels)) - np.repeat(starts, np.diff(np.append(starts, len(labels))))


def _earlier(slots: NDArray[np.int64], text: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How often each entry's slot occurs in earlier texts that are counted; entries are ordered by text."""
    if len(counted) == 1:
        return np.zeros(len(slots), dtype=np.int64)
    place_bits = np.uint64(len(slots).bit_length())
    packed = (slots.astype(np.uint64) << place_bits) | np.arange(len(slots), dtype=np.uint64)
    packed.sort()
    place = (packed & ((np.uint64(1) << place_bits) - np.uint64(1))).astype(np.int64)
    slot, text = slots[place], text[place]
    seen: NDArray[np.int64] = np.cumsum(counted[text]) - counted[text]
    new_slot = np.diff(slot, prepend=-1) != 0
    new_text = new_slot | (np.diff(text, prepend=-1) != 0)
    positions = np.arange(len(slot))
    first_of_slot = np.maximum.accumulate(np.where(new_slot, positions, 0))
    first_of_text = np.maximum.accumulate(np.where(new_text, positions, 0))
    earlier = np.empty(len(slot), dtype=np.int64)
    earlier[place] = seen[first_of_text] - seen[first_of_slot]
    return earlier
