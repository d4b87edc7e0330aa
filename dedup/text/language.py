"""Guess the language of a text by its stop words."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import stopwordsiso
from scipy.sparse import csr_array

from dedup.arrays import SortedKeys
from dedup.text.tokens import blocks, tokenize

#: The best language needs this score and must exceed the second by this factor. One word is not enough: Kim is a stop
#: word of Turkish.
_MIN_SCORE, _MIN_LEAD = 1.5, 1.25


def guess_languages(texts: Sequence[str]) -> list[str | None]:
    """Return the ISO 639-1 code of each text's language, None where its stop words do not decide.

    A stop word adds 1 / n to the score of each of the n languages that list it.

    Examples
    --------
    >>> guess_languages(["Ким Чен Ын прибыл в Россию, но он не сказал зачем", "The train is on its way", "Kim 2023"])
    ['ru', 'en', None]
    """
    stop_words, weights = _stop_word_weights()
    codes = [*sorted(stopwordsiso.langs()), None]
    found: list[str | None] = []
    for block in blocks(texts):
        tokens = tokenize(texts[block])
        place = stop_words.find(tokens.hashes)
        listed = np.flatnonzero(place >= 0)
        cells = (np.ones(len(listed)), (tokens.text_indices[listed], place[listed]))
        scores = (csr_array(cells, shape=(len(tokens.offsets) - 1, weights.shape[0])) @ weights).toarray()
        second, best = np.sort(scores, axis=1)[:, -2:].T
        which = np.where((best >= _MIN_SCORE) & (best >= _MIN_LEAD * second), scores.argmax(axis=1), -1)
        found += [codes[i] for i in which.tolist()]
    return found


@cache
def _stop_word_weights() -> tuple[SortedKeys, csr_array]:
    """Hashes of stop words, and the weight of each for each language, shape (n_words, n_languages)."""
    parts = []
    for code in sorted(stopwordsiso.langs()):
        tokens = tokenize(sorted(stopwordsiso.stopwords(code)))
        whole = np.diff(tokens.offsets)[tokens.text_indices] == 1  # words of a phrase belong to any language
        parts.append(np.unique(tokens.hashes[whole]))
    hashes, place, count = np.unique(np.concatenate(parts), return_inverse=True, return_counts=True)
    language = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return SortedKeys(hashes, 64), csr_array((1 / count[place], (place, language)), shape=(len(hashes), len(parts)))
