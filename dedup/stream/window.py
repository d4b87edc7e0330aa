"""The latest articles of an index, and how common features are among them."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Integers, ranks_in_runs
from dedup.kernel import kernel
from dedup.parameters import Fold
from dedup.story.extraction import WORD, feature_keys
from dedup.story.weighting import PRIOR_STOP_WORD_ARTICLES
from dedup.stream.text_features import FEATURE_BITS, language_of, languages_of, shortened
from dedup.text.language import LANGUAGE_BITS
from dedup.text.stopwords import stop_word_hashes

#: The window moves in steps of this many articles, and holds this many steps.
STEP, STEPS = 512, 16

# In a full window a fifth of rare features share one of 2**24 counters with another one, and seem a little more common
# than they are. No counter reaches 2**15: the window has at most 2**13 articles and a step. A feature has a counter in
# each language: its own one, moved by the language's number times an odd number.
_COUNTER_BITS, _MOVE = 24, 0x9E3779
_ONE = np.int16(1)  # another type of integer would be cast entry by entry


class Window:
    """Features of the latest articles, and the number of articles that have each."""

    def __init__(self, fold: Fold = "unidecode") -> None:
        self.first = 0  # the node that the window begins with
        self.totals = np.zeros(1 << LANGUAGE_BITS, dtype=np.int64)  # number of articles in it of each language
        self._articles: dict[int, tuple[NDArray[np.uint32], NDArray[np.uint8]]] = {}
        self._frequencies = np.zeros(1 << _COUNTER_BITS, dtype=np.int16)
        self._stop_words = _stop_word_counters(fold)

    @property
    def tables(self) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """The number of articles by counter, and whether each counter, in no language, is that of a stop word."""
        return self._frequencies, self._stop_words.view(np.uint8)

    @property
    def count(self) -> int:
        """Number of articles in the window."""
        return len(self._articles)

    def add(self, node: int, features: NDArray[np.uint32], counts: NDArray[np.uint8]) -> None:
        """Add an article, unless it came before the window begins."""
        if node >= self.first:
            self._articles[node] = features, counts
            language = language_of(features)
            self.totals[language] += 1
            np.add.at(self._frequencies, counters(features, language), _ONE)

    def remove(self, node: int) -> None:
        """Remove an article, if it is in the window."""
        if node in self._articles:
            features, _ = self._articles.pop(node)
            language = language_of(features)
            self.totals[language] -= 1
            np.subtract.at(self._frequencies, counters(features, language), _ONE)

    def advance(self, next_node: int) -> None:
        """Move the window to where it begins when the next article is this node."""
        first = window_start(next_node)
        if first > self.first:
            self.first = first
            for node in [node for node in self._articles if node < first]:
                self.remove(node)

    def entries(self) -> tuple[Integers, NDArray[np.uint32], NDArray[np.uint8], Integers]:
        """Return the nodes, all features and counts one node after the other, and the number of features of each."""
        features = [np.empty(0, dtype=np.uint32), *(features for features, _ in self._articles.values())]
        counts = [np.empty(0, dtype=np.uint8), *(counts for _, counts in self._articles.values())]
        nodes = np.array(list(self._articles), dtype=np.int64)
        sizes = np.array(list(map(len, counts))[1:], dtype=np.int64)
        return nodes, np.concatenate(features), np.concatenate(counts), sizes

    def get(self, node: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """Return the features and counts of an article in the window."""
        return self._articles[node]

    def frequencies(self, features: NDArray[np.uint32], languages: Integers | int = 0) -> Integers:
        """Return the document frequency of each feature in a language; that of stop words includes their prior."""
        found = self._frequencies[counters(features, languages)].astype(np.int64)
        found[self._stop_words[counters(features)]] += round(PRIOR_STOP_WORD_ARTICLES)
        return found

    def frequencies_in_turn(
        self, features: NDArray[np.uint32], text: Integers, counted: Flags
    ) -> tuple[Integers, Integers]:
        """Return document frequencies and numbers of articles, in the language of each of the texts that come in turn.

        `text` has the text of each feature, ascending; `counted` says which texts enter the window before the next one
        comes. Each text also counts itself. The arrays have shapes (n_features,) and (n_texts,).
        """
        languages = languages_of(features, text, len(counted))
        of_entries = languages[text]
        earlier = self._in_earlier_texts(counters(features, of_entries), text, counted)
        before = np.tril((languages[:, None] == languages) & counted, -1).sum(axis=1)
        return self.frequencies(features, of_entries) + earlier + 1, self.totals[languages] + before + 1

    def _in_earlier_texts(self, numbers: Integers, text: Integers, counted: Flags) -> Integers:
        """See the function; the kernel counts up in the window itself, and down again."""
        compiled = kernel()
        if compiled is None or len(counted) == 1:
            return _in_earlier_texts(numbers, text, counted)
        earlier = np.empty(len(numbers), dtype=np.int64)
        compiled.in_earlier_texts(numbers, text, len(numbers), counted.view(np.uint8), self._frequencies, earlier)
        return earlier


def window_start(next_node: int) -> int:
    """Return the first node of the window when the next article is this node."""
    return max(0, (next_node // STEP - STEPS) * STEP)


def counters(features: NDArray[np.uint32], languages: Integers | int = 0) -> Integers:
    """Return the number of the counter of each feature in a language."""
    place = (features >> np.uint32(FEATURE_BITS - _COUNTER_BITS)).astype(np.int64)
    return np.asarray((place + np.asarray(languages) * _MOVE) & ((1 << _COUNTER_BITS) - 1))


@cache
def _stop_word_counters(fold: Fold) -> Flags:
    """Whether each counter, in no language, is that of a stop word."""
    found = np.zeros(1 << _COUNTER_BITS, dtype=np.bool_)
    found[counters(shortened(feature_keys(stop_word_hashes(fold), WORD)))] = True
    return found


def _in_earlier_texts(numbers: Integers, text: Integers, counted: Flags) -> Integers:
    """Number of entries with the counter of each entry in earlier counted texts; entries are ordered by text."""
    if len(counted) == 1:
        return np.zeros(len(numbers), dtype=np.int64)
    place_bits = np.uint64(len(numbers).bit_length())
    packed = (numbers.astype(np.uint64) << place_bits) | np.arange(len(numbers), dtype=np.uint64)
    packed.sort()
    place = (packed & ((np.uint64(1) << place_bits) - np.uint64(1))).astype(np.int64)
    numbers, text = numbers[place], text[place]
    before: Integers = np.cumsum(counted[text]) - counted[text]
    positions = np.arange(len(numbers))
    first_of_counter = positions - ranks_in_runs(numbers)
    first_of_text = positions - ranks_in_runs(numbers * len(counted) + text)
    earlier = np.empty(len(numbers), dtype=np.int64)
    earlier[place] = before[first_of_text] - before[first_of_counter]
    return earlier
