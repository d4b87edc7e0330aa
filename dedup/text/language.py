"""Which language a text is in, by its stop words."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import stopwordsiso
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import SortedKeys
from dedup.text.tokens import blocks, tokenize

#: The best language must have this score and outscore the next by this factor; nothing is said of other texts. One word
#: is not enough: Kim is a stop word of Turkish.
LEAST, LEAD = 1.5, 1.25


def guess_languages(texts: Sequence[str]) -> list[str | None]:
    """ISO 639-1 code of each text's language, None where the stop words do not tell.

    A stop word speaks for the languages that list it, for each the less the more they are.

    Examples
    --------
    >>> guess_languages(["Ким Чен Ын прибыл в Россию, но он не сказал зачем", "The train is on its way", "Kim 2023"])
    ['ru', 'en', None]
    """
    lookup, speaks = _speakers()
    codes = [*sorted(stopwordsiso.langs()), None]
    found: list[str | None] = []
    for block in blocks(texts):
        tokens = tokenize(texts[block])
        place = lookup.find(tokens.hashes)
        listed = np.flatnonzero(place >= 0)
        cells = (np.ones(len(listed)), (tokens.text_indices[listed], place[listed]))
        scores = (csr_array(cells, shape=(len(tokens.offsets) - 1, speaks.shape[0])) @ speaks).toarray()
        second, best = np.sort(scores, axis=1)[:, -2:].T
        which = np.where((best >= LEAST) & (best >= LEAD * second), scores.argmax(axis=1), -1)
        found += [codes[i] for i in which.tolist()]
    return found


@cache
def _speakers() -> tuple[SortedKeys, csr_array]:
    """Stop words, and the weight of each for each language, shape (n_words, n_languages)."""
    parts: list[NDArray[np.uint64]] = []
    for code in sorted(stopwordsiso.langs()):
        tokens = tokenize(sorted(stopwordsiso.stopwords(code)))
        whole = np.diff(tokens.offsets)[tokens.text_indices] == 1  # parts of phrases belong to any language
        parts.append(np.unique(tokens.hashes[whole]))
    hashes, place, count = np.unique(np.concatenate(parts), return_inverse=True, return_counts=True)
    language = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return SortedKeys(hashes, 64), csr_array((1 / count[place], (place, language)), shape=(len(hashes), len(parts)))
