"""Words that say little of a story, as token hashes: stop words of 58 languages, and names of days and agencies."""

from functools import cache

import numpy as np
import stopwordsiso

from dedup.arrays import Hashes
from dedup.parameters import Fold
from dedup.text.headings import data_lines
from dedup.text.tokens import tokenize


@cache
def stop_word_hashes(fold: Fold = "unidecode") -> Hashes:
    """Return the hashes of every word on any list of stopwords-iso, folded, ascending.

    All languages at once, so that no text needs a language: a word that is common in one language seldom tells two
    stories of another apart.
    """
    words = set[str]().union(*map(stopwordsiso.stopwords, stopwordsiso.langs()))
    return np.unique(tokenize(sorted(words), fold).hashes)


@cache
def date_word_hashes(fold: Fold = "unidecode") -> Hashes:
    """Return the hashes of names of weekdays, months and news agencies, folded, ascending.

    They are written as names are, but half of the reports of a day have them.
    """
    return np.unique(tokenize(data_lines("dates_and_agencies.txt"), fold).hashes)
