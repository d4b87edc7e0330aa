"""What is read of new articles, which needs neither the store nor its lock."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from dedup.article import Article
from dedup.residue.recurring import RecurringKeys
from dedup.store.serialization import source_of
from dedup.stream.live import TEXTS_AT_ONCE
from dedup.stream.live_meanings import EncodedTexts
from dedup.stream.matching import text_features_of
from dedup.stream.source_residue import same_keys
from dedup.stream.state import IndexState
from dedup.stream.text_features import TextFeatures, selected

# Fewer long articles are read at once, so that memory does not grow with their length.
_CHARACTERS_AT_ONCE = 1 << 22


class Prepared:
    """The first of some articles, read before the transaction that adds them: other writers need not wait for that.

    What is read of an article depends on itself and on what is known of its source. Where others have learned more of
    it meanwhile, or an article is another one by then, it is read again.
    """

    def __init__(self, state: IndexState, articles: Sequence[Article]) -> None:
        residue = state.source_residue
        self._articles = list(articles[: min(TEXTS_AT_ONCE, count_readable(articles, state.settings.max_chars))])
        self._places = {id(article): place for place, article in enumerate(self._articles)}
        self._known: dict[str, RecurringKeys] = residue.known(set(map(source_of, self._articles)))
        self._read = residue.with_residue(self._articles, self._known)
        self._vectors = _encoded(state, articles)
        self._texts = text_features_of(state, self._read, self._vectors) if self._read else None

    def take(self, state: IndexState, articles: Sequence[Article]) -> tuple[list[Article], TextFeatures]:
        """Return articles with their residue, and the features of their texts."""
        residue = state.source_residue
        known = residue.known(set(map(source_of, articles)))
        places = [self._places.get(id(article), -1) for article in articles]
        if (
            self._texts is None
            or -1 in places
            or not all(self._is_as_known(name, keys) for name, keys in known.items())
        ):
            read = residue.with_residue(articles, known)
            return read, text_features_of(state, read, self._vectors)
        return [self._read[place] for place in places], selected(self._texts, np.array(places, dtype=np.int64))

    def _is_as_known(self, source: str, keys: RecurringKeys) -> bool:
        return source in self._known and same_keys(self._known[source], keys)


def _encoded(state: IndexState, articles: Sequence[Article]) -> EncodedTexts:
    """What an encoder finds in all of the articles: it takes the longest, and the vectors are small."""
    meanings = state.live.meanings
    if meanings is None or not articles:
        return {}
    residue = state.source_residue
    return meanings.encoded(residue.with_residue(articles, residue.known(set(map(source_of, articles)))), {})


def count_readable(articles: Sequence[Article], most: int) -> int:
    """Return how many of the articles, of which `most` characters are read, are short enough to be read at once."""
    sizes = (min(len(article.title) + len(article.text), most) for article in articles)
    return 1 + sum(total < _CHARACTERS_AT_ONCE for total in accumulate(sizes))
