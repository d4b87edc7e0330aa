"""Stop words of 58 languages, as token hashes."""

from functools import cache

import numpy as np
import stopwordsiso

from dedup.arrays import Hashes
from dedup.parameters import Fold
from dedup.text.tokens import tokenize


@cache
def stop_word_hashes(fold: Fold = "unidecode") -> Hashes:
    """Return the hashes of every word on any list of stopwords-iso, folded, ascending.

    All languages at once, so that no text needs a language: a word that is common in one language seldom tells two
    stories of another apart.
    """
    words = set[str]().union(*map(stopwordsiso.stopwords, stopwordsiso.langs()))
    return np.unique(tokenize(sorted(words), fold).hashes)
