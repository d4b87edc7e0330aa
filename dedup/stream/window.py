"""The latest articles of an index, and how common features are among them."""

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Integers, ranks_in_runs
from dedup.parameters import Fold
from dedup.story.features import WORD, feature_keys
from dedup.story.weighting import PRIOR_STOP_WORD_ARTICLES
from dedup.stream.text_features import FEATURE_BITS, shortened
from dedup.text.stopwords import stop_word_hashes

#: The window moves in steps of this many articles, and holds this many steps.
STEP, STEPS = 512, 16

# In a full window a fifth of rare features share one of 2**24 counters with another one, and seem a little more common
# than they are. No counter reaches 2**15: the window has at most 2**13 articles and a step.
_COUNTER_BITS = 24
_ONE = np.int16(1)  # another type of integer would be cast entry by entry


class Window:
    """Features of the latest articles, and the number of articles that have each."""

    def __init__(self, fold: Fold = "unidecode") -> None:
        self.count = self.first = 0  # number of articles in the window, and the node that it begins with
        self._articles: dict[int, tuple[NDArray[np.uint32], NDArray[np.uint8]]] = {}
        self._frequencies = np.zeros(1 << _COUNTER_BITS, dtype=np.int16)
        stop_words = np.unique(counters(shortened(feature_keys(stop_word_hashes(fold), WORD))))
        self._frequencies[stop_words] = round(PRIOR_STOP_WORD_ARTICLES)

    def add(self, node: int, features: NDArray[np.uint32], counts: NDArray[np.uint8]) -> None:
        """Add an article, unless it came before the window begins."""
        if node >= self.first:
            self._articles[node] = features, counts
            self.count += 1
            np.add.at(self._frequencies, counters(features), _ONE)

    def remove(self, node: int) -> None:
        """Remove an article, if it is in the window."""
        if node in self._articles:
            features, _ = self._articles.pop(node)
            self.count -= 1
            np.subtract.at(self._frequencies, counters(features), _ONE)

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

    def frequencies(self, features: NDArray[np.uint32]) -> Integers:
        """Return the document frequency of each feature; that of stop words includes their prior."""
        return self._frequencies[counters(features)].astype(np.int64)

    def frequencies_in_turn(
        self, features: NDArray[np.uint32], text: Integers, counted: Flags
    ) -> tuple[Integers, Integers]:
        """Return document frequencies and numbers of articles for texts that come one after the other.

        `text` has the text of each feature, ascending; `counted` says which texts enter the window before the next one
        comes. Each text also counts itself. The arrays have shapes (n_features,) and (n_texts,).
        """
        frequencies = self.frequencies(features) + _in_earlier_texts(counters(features), text, counted) + 1
        return frequencies, self.count + np.cumsum(counted) - counted + 1


def window_start(next_node: int) -> int:
    """Return the first node of the window when the next article is this node."""
    return max(0, (next_node // STEP - STEPS) * STEP)


def counters(features: NDArray[np.uint32]) -> Integers:
    """Return the number of the counter of each feature."""
    return (features >> np.uint32(FEATURE_BITS - _COUNTER_BITS)).astype(np.int64)


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
