"""The latest articles of an index: how common features are among them."""

import numpy as np
from numpy.typing import NDArray

from dedup.parameters import Fold
from dedup.story.features import WORD, feature_keys
from dedup.story.weighting import PRIOR_STOP_WORD_ARTICLES
from dedup.stream.text_features import FEATURE_BITS, shortened
from dedup.text.stopwords import stop_word_hashes

#: The window moves in steps of so many articles, and is so many steps long.
STEP, STEPS = 512, 16

# Two rare features of a full window share one of 2**24 counters in a fifth of the cases, and each seems a little
# more common for it. No counter can reach 2**15: the window has 2**13 articles and a step.
_SLOT_BITS = 24
_ONE = np.int16(1)  # another type of integer would be cast entry by entry


class Window:
    """Features of the latest articles, and in how many of those each occurs.

    What is no longer in the window does not count: the vocabulary of last year does not weigh on today's.

    Attributes
    ----------
    count : int
        Articles in the window.
    first : int
        The node it begins with.
    """

    def __init__(self, fold: Fold = "unidecode") -> None:
        self.count = self.first = 0
        self._articles: dict[int, tuple[NDArray[np.uint32], NDArray[np.uint8]]] = {}
        self._frequencies = np.zeros(1 << _SLOT_BITS, dtype=np.int16)
        stop_words = np.unique(slots(shortened(feature_keys(stop_word_hashes(fold), WORD))))
        self._frequencies[stop_words] = round(PRIOR_STOP_WORD_ARTICLES)

    def add(self, node: int, features: NDArray[np.uint32], counts: NDArray[np.uint8]) -> None:
        """Take an article in, unless it came before the window begins."""
        if node >= self.first:
            self._articles[node] = features, counts
            self.count += 1
            np.add.at(self._frequencies, slots(features), _ONE)

    def remove(self, node: int) -> None:
        """Take an article out, if it is in."""
        if node in self._articles:
            features, _ = self._articles.pop(node)
            self.count -= 1
            np.subtract.at(self._frequencies, slots(features), _ONE)

    def advance(self, next_node: int) -> None:
        """Move on to where the window of the next article begins."""
        first = beginning(next_node)
        if first > self.first:
            self.first = first
            for node in [node for node in self._articles if node < first]:
                self.remove(node)

    def everything(self) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint8], NDArray[np.int64]]:
        """The nodes in the window; their features and counts, one node after the other; how many each has."""
        features = [np.empty(0, dtype=np.uint32), *(features for features, _ in self._articles.values())]
        counts = [np.empty(0, dtype=np.uint8), *(counts for _, counts in self._articles.values())]
        nodes = np.array(list(self._articles), dtype=np.int64)
        return (
            nodes,
            np.concatenate(features),
            np.concatenate(counts),
            np.array(list(map(len, counts))[1:], dtype=np.int64),
        )

    def get(self, node: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """Features and counts of an article in the window."""
        return self._articles[node]

    def frequencies(self, features: NDArray[np.uint32]) -> NDArray[np.int64]:
        """In how many articles each feature occurs; stop words, in as many more as the prior says."""
        return self._frequencies[slots(features)].astype(np.int64)


def beginning(next_node: int) -> int:
    """The first node of the window when this one comes."""
    return max(0, (next_node // STEP - STEPS) * STEP)


def slots(features: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The counter of each feature."""
    return (features >> np.uint32(FEATURE_BITS - _SLOT_BITS)).astype(np.int64)
