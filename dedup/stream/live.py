"""The live articles of an index as arrays: which ones may be similar to a text, and how similar they are."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Flags, Floats, Hashes, Integers, ranks_in_runs
from dedup.encoders import Encoder
from dedup.near.lsh import with_whole
from dedup.parameters import Fold
from dedup.store.records import Features
from dedup.story.candidates import CANDIDATE_FLOOR
from dedup.story.cells import sums_of_runs
from dedup.story.similarity import Likeness, effective_number, time_factor
from dedup.story.weighting import Vocabulary, inverse_frequency
from dedup.stream.crowds import CrowdShingles
from dedup.stream.live_meanings import LiveMeanings
from dedup.stream.near_candidates import sharing_bands
from dedup.stream.nodes import NodeTable
from dedup.stream.postings import Postings
from dedup.stream.text_features import TextFeatures, shortened
from dedup.stream.time_postings import NODE_BITS, TimePostings
from dedup.stream.vectors import (
    LOG_COUNTS,
    TABLE_MASK,
    WeightedTexts,
    factors_of,
    flat,
    keyed_vectors,
    present_weights,
    text_dot_products,
)
from dedup.stream.window import Window
from dedup.text.language import LANGUAGE_BITS

#: An article is indexed under its heaviest features: at most this many. A search uses as many, as long as their
#: document frequencies in the window add up to at most this. On six labelled sets, higher limits find the same stories.
INDEXED_FEATURES, MAX_OCCURRENCES = 128, 3000

#: The best candidates of a text are compared as a whole, as long as their features add up to at most this.
MAX_ENTRIES = 1 << 15

# A text with a word-for-word copy needs few others: these are no more similar, but may be as much.
_MOST_BESIDE_COPIES = 64

# Articles that may be copies of a text are read from the store as long as their features add up to at most this.
_MAX_NEAR_ENTRIES = 1 << 19

TEXTS_AT_ONCE = 256

# Candidates are added up in integers, whose sums do not depend on the order.
_SHARE_BITS = 24

# Only the first nodes of an LSH bucket are looked at; where there are more, they are copies or share a template.
_MAX_IN_BUCKET = 1 << 14

#: Returns the features of nodes that have left the window.
LoadFeatures = Callable[[Integers], dict[int, Features]]

#: Takes the position of a text and the nodes that share bands with it; returns those that share something rare.
SharingRare = Callable[[int, Integers], Integers]


class LiveArticles:
    """The live articles by node, and their document frequencies as a `dedup.story.weighting.TermWeighting`."""

    def __init__(self, fold: Fold = "unidecode", encoder: Encoder | None = None) -> None:
        self.fold = fold
        self.nodes = NodeTable()
        self.meanings = None if encoder is None else LiveMeanings(encoder, self.nodes, fold)
        self.window = Window(fold)
        self.crowds = CrowdShingles()
        self._bands = Postings(np.uint64)
        self._features = TimePostings()
        self._slots = np.full(TABLE_MASK + 1, -1, dtype=np.int32)

    def add_bands(self, nodes: Integers, bands: Hashes) -> None:
        """Index articles under their LSH buckets, shape (n, n_bands), and under all of them together."""
        keys = with_whole(bands)
        self._bands.add(keys.ravel(), np.repeat(nodes, keys.shape[1]))

    def add_features(self, nodes: Integers, days: Floats, features: list[NDArray[np.uint32]]) -> None:
        """Index articles under their heaviest features."""
        sizes = list(map(len, features))
        joined = np.concatenate([np.empty(0, dtype=np.uint32), *features])
        self._features.add(np.repeat(days, sizes), joined, np.repeat(nodes, sizes))

    def set_days(self, nodes: Integers, days: Floats) -> None:
        """Replace the publication of articles, which are indexed under no features until they are added again."""
        self.nodes.set_days(nodes, days)
        self._features.keep(lambda indexed: ~np.isin(indexed, nodes))

    def compact(self) -> None:
        """Free the memory of removed articles."""
        self._bands.keep(self.nodes.alive)
        self._features.keep(self.nodes.alive)
        self.crowds.keep(self.nodes.alive)
        self.nodes.trim()
        if self.meanings is not None:
            self.meanings.trim(self.nodes.first)

    def idf(self, keys: Hashes, languages: Integers | int = 0) -> Floats:
        """Inverse document frequency of features among the texts of a language in the window, shape (n_keys,)."""
        frequencies = np.maximum(self.window.frequencies(shortened(keys), languages), 1).astype(np.float64)
        return inverse_frequency(self.window.totals[languages], frequencies)

    def for_cells(self, cells: Hashes, here: Integers) -> Vocabulary:
        """Vocabulary of features in languages with the frequencies of the window, at least those here."""
        keys = cells >> np.uint64(LANGUAGE_BITS)
        languages = (cells & np.uint64((1 << LANGUAGE_BITS) - 1)).astype(np.int64)
        frequencies = np.maximum(self.window.frequencies(shortened(keys), languages), np.minimum(here, 2))
        known = (frequencies > 1) | (sums_of_runs(here, keys) > 1)
        distinct = np.unique(keys[known])
        no_stop_words = np.empty(0, dtype=np.uint64)  # the frequencies of the window include their prior
        return Vocabulary(self.window.totals, distinct, cells[known], frequencies[known], no_stop_words, self.fold)

    def weight_texts(self, texts: TextFeatures, counted: Flags) -> WeightedTexts:
        """Weight texts that come one after the other; those `counted` enter the window before the next one comes."""
        offsets, features = texts.offsets, texts.features
        text = np.repeat(np.arange(len(texts)), np.diff(offsets))
        frequencies, n_texts = self.window.frequencies_in_turn(features, text, counted)
        factors = factors_of(features, frequencies, n_texts[text])
        weights = LOG_COUNTS[texts.counts] * factors
        squares = np.bincount(text, weights=weights**2, minlength=len(texts))
        by_weight = [a + _descending(weights[a:b]) for a, b in pairwise(offsets.tolist())]
        return WeightedTexts(texts, factors, weights, np.sqrt(squares).astype(np.float32), by_weight, frequencies)

    def update_norms(self) -> tuple[Integers, NDArray[np.float32]]:
        """Weight the articles of the window by its present frequencies; return their nodes and new norms."""
        nodes, features, counts, sizes = self.window.entries()
        starts = np.concatenate([[0], np.cumsum(sizes)])
        _, squares = present_weights(self.window, features, counts, starts)
        norms = np.sqrt(squares).astype(np.float32)
        self.nodes.set_norms(nodes, norms)
        return nodes, norms

    def near_candidates(
        self, nodes: Integers, bands: Hashes, most: int, rare: SharingRare
    ) -> tuple[Integers, Integers]:
        """Return positions of new nodes, and for each the earlier live nodes that share most bands, at most `most`.

        Word-for-word copies share all of them, and the key of the whole: however many texts share a template, they come
        first. Where they are more than are compared, half may be those that `rare` says for the position of the new
        node and all of them.
        """
        # A text that comes 100,000 times must not be compared with all of its copies each time.
        text, others, shared = sharing_bands(self._bands, self.nodes, nodes, bands, _MAX_IN_BUCKET)
        if not len(text):
            return text, others
        ranks = ranks_in_runs(text)
        starts = np.flatnonzero(ranks == 0)
        bounds = np.append(starts, len(text))
        beside_copy = (shared[starts] > bands.shape[1]).repeat(np.diff(bounds))
        left_out = ~beside_copy & ((ranks >= most) | ~self._are_few(nodes, text, others))
        for crowd in (slice(*own) for own in pairwise(bounds.tolist()) if left_out[slice(*own)].any()):
            first = rare(int(text[crowd.start]), others[crowd])[: most // 2]
            others[crowd] = np.concatenate([first, others[crowd][~np.isin(others[crowd], first)]])
        kept = ranks < np.where(beside_copy, min(most, _MOST_BESIDE_COPIES), most)
        text, others = text[kept], others[kept]
        few = self._are_few(nodes, text, others)
        return text[few], others[few]

    def _are_few(self, nodes: Integers, text: Integers, others: Integers) -> Flags:
        """Whether each of the other nodes can be read for its text, with those before it."""
        sizes = np.where(others < nodes[:1], self.nodes.sizes(np.minimum(others, nodes[:1] - 1)), 0)
        few: Flags = (running_totals(sizes, text) <= _MAX_NEAR_ENTRIES) | (ranks_in_runs(text) == 0)
        return few

    def sharing_bands(self, node: int, bands: Hashes) -> Integers:
        """Return the live nodes before a node that share bands with one text, those that share most first."""
        return sharing_bands(self._bands, self.nodes, np.array([node]), bands[None])[1]

    def find_between(self, begin: Floats, end: Floats, features: NDArray[np.uint32]) -> tuple[Integers, Integers]:
        """Return positions of features, and nodes that have them among their heaviest and came between two days."""
        return self._features.find_between(begin, end, features)

    def candidates(self, weighted: WeightedTexts, days: Floats, limits: Integers) -> tuple[Integers, Integers]:
        """See `story_candidates`; with an encoder, nodes ascend, and those similar by meaning alone are there too."""
        by_words = self.story_candidates(weighted, days, limits)
        if self.meanings is None:
            return by_words
        by_meaning = self.meanings.candidates(self.meanings.of_texts(weighted.texts), days, limits)
        text, nodes = (np.concatenate(sides) for sides in zip(by_words, by_meaning, strict=True))
        both = np.unique(text << NODE_BITS | nodes)
        return both >> NODE_BITS, both & ((1 << NODE_BITS) - 1)

    def story_candidates(self, weighted: WeightedTexts, days: Floats, limits: Integers) -> tuple[Integers, Integers]:
        """Return canonical nodes below each text's limit that are similar to it by their heaviest features alone.

        Both arrays have shape (n_found,): the text, ascending; and the node, the most similar first.
        """
        text, place = self._search_features(weighted, limits)
        squares = (weighted.weights[place] / np.maximum(weighted.norms, 1e-9)[text]) ** 2
        shares = np.minimum(squares * (1 << _SHARE_BITS), (1 << _SHARE_BITS) - 1).astype(np.int64)
        features = weighted.texts.features[place]
        text, nodes, total = self._features.sum_shares(days[text], features, text, shares, limits)
        similarity = total / float(1 << _SHARE_BITS) * time_factor(days[text], self.nodes.days(nodes))
        kept = np.flatnonzero((similarity >= CANDIDATE_FLOOR) & self.nodes.is_canonical(nodes))
        kept = kept[np.lexsort((nodes[kept], -similarity[kept], text[kept]))]
        text, nodes = text[kept], nodes[kept]
        few = (running_totals(self.nodes.sizes(nodes), text) <= MAX_ENTRIES) | (ranks_in_runs(text) == 0)
        return text[few], nodes[few]

    @staticmethod
    def _search_features(weighted: WeightedTexts, limits: Integers) -> tuple[Integers, Integers]:
        """Return the features to search with: the text, which has a limit above 0, and the position of the feature."""
        heaviest = [own[:INDEXED_FEATURES] for own in weighted.by_weight]
        text = np.repeat(np.arange(len(heaviest)), list(map(len, heaviest)))
        place = np.concatenate([np.empty(0, dtype=np.int64), *heaviest])
        wanted = (weighted.weights[place] > 0) & (limits[text] > 0)
        text, place = text[wanted], place[wanted]
        few = running_totals(weighted.frequencies[place], text) <= MAX_OCCURRENCES
        return text[few], place[few]

    def similarities(
        self, weighted: WeightedTexts, days: Floats, text: Integers, nodes: Integers, load_features: LoadFeatures
    ) -> NDArray[np.float32]:
        """Similarity of each text to a node, shape (n,); texts ascend."""
        distinct, rows = np.unique(nodes, return_inverse=True)
        features = self._features_of(distinct, load_features)
        theirs = flat([features[node] for node in distinct.tolist()])
        dots, squares, shared = np.zeros((3, len(nodes)))
        bounds = np.searchsorted(text, range(len(weighted.texts) + 1))
        for i in np.flatnonzero(np.diff(bounds)).tolist():
            own = slice(bounds[i], bounds[i + 1])
            dots[own], squares[own], shared[own] = text_dot_products(weighted, i, theirs, rows[own], self._slots)
        # The norm of a node is that of its arrival; by now its vector is at least as long as what the two share.
        lengths = np.maximum(self.nodes.norms(nodes), shared) * weighted.norms[text]
        cosines = np.minimum(dots / np.maximum(lengths, 1e-9), 1.0)
        words = Likeness(cosines, effective_number(dots, squares))
        if self.meanings is None:
            return words.similarity(days[text], self.nodes.days(nodes)).astype(np.float32)
        meant = self.meanings.of_texts(weighted.texts)
        return self.meanings.similarity(words, meant, text, nodes, days).astype(np.float32)

    def vectors(self, nodes: Integers, load_features: LoadFeatures) -> csr_array:
        """Vectors of nodes by the present document frequencies, one row each, of unit length; a column a feature."""
        return self.keyed_vectors(nodes, load_features)[1]

    def keyed_vectors(self, nodes: Integers, load_features: LoadFeatures) -> tuple[NDArray[np.uint32], csr_array]:
        """See `vectors`; with the features of the columns, ascending."""
        features = self._features_of(nodes, load_features)
        return keyed_vectors(self.window, [features[node] for node in nodes.tolist()])

    def _features_of(self, nodes: Integers, load_features: LoadFeatures) -> dict[int, Features]:
        inside = nodes >= self.window.first
        features = load_features(nodes[~inside])
        return features | {node: self.window.get(node) for node in nodes[inside].tolist()}


def running_totals(values: NDArray[np.integer], labels: Integers) -> Integers:
    """Total of each value and those before it in its run of equal labels."""
    totals = np.cumsum(values, dtype=np.int64)
    return np.asarray(totals - (totals - values)[np.arange(len(labels)) - ranks_in_runs(labels)])


def _descending(weights: Floats) -> Integers:
    """Positions of weights, the greatest first; of those that are equal as float32, the first."""
    # The bits of positive floats are in the order of the floats, and sorting plain integers is faster than argsort.
    packed = (~weights.astype(np.float32).view(np.uint32)).astype(np.uint64) << np.uint64(32)
    packed |= np.arange(len(weights), dtype=np.uint64)
    packed.sort()
    return (packed & np.uint64(0xFFFFFFFF)).astype(np.int64)
