"""How the tokens of texts are written, and what they weigh for it: names are capitalised inside a sentence."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers, SortedKeys
from dedup.parameters import Fold
from dedup.text.stopwords import date_word_hashes, stop_word_hashes
from dedup.text.tokens import Tokens, sentence_starts

#: A token counts twice near the beginning, where news says who, where and when ...
LEAD_CHARACTERS, LEAD_WEIGHT = 600, 2.0

#: ... and three times when capitalised inside a sentence, as names are. Weekdays, months and agencies are no names: two
#: titles that share nothing but "Tuesday" would be one story.
NAME_WEIGHT = 3.0

#: A sentence with this share of capitalised words is a headline in title case, where capitals do not mark names.
HEADLINE_SHARE = 0.6


class Spelling(NamedTuple):
    """How the tokens of a block are written; all arrays have shape (n_tokens,)."""

    place: Integers  # position of the first character
    upper: Flags  # whether that is a capital, but for names of days and agencies
    opens: Flags  # whether the token opens a sentence
    stop_word: Integers  # position among the stop words, -1 for other tokens
    date_word: Flags  # whether the token names a weekday, a month or a news agency


def spelling_of(tokens: Tokens) -> Spelling:
    """How the tokens of a block are written."""
    place = tokens.characters(tokens.starts)
    date_word = _date_word_lookup(tokens.fold).find(tokens.hashes) >= 0
    upper = _is_upper(tokens.codes[place]) & ~date_word
    stop_word = _stop_word_lookup(tokens.fold).find(tokens.hashes)
    return Spelling(place, upper, sentence_starts(tokens), stop_word, date_word)


def token_weights(tokens: Tokens, spelling: Spelling) -> Floats:
    """Weight of each token, shape (n_tokens,), at least 1."""
    in_lead = spelling.place - tokens.text_starts[tokens.text_indices] < LEAD_CHARACTERS
    name = spelling.upper & ~spelling.opens
    return np.where(in_lead, LEAD_WEIGHT, 1.0) * np.where(name, NAME_WEIGHT, 1.0)


def stop_word_uses(spelling: Spelling, n_stop_words: int) -> Integers:
    """How often each stop word is capitalised inside a sentence, and how often it is not capitalised: two rows."""
    _, upper, opens, stop_word, _ = spelling
    sentence = np.cumsum(opens) - 1
    share = np.bincount(sentence, weights=upper) / np.maximum(np.bincount(sentence), 1)
    name = upper & ~opens & (share < HEADLINE_SHARE)[sentence]
    listed = stop_word >= 0
    return np.stack([np.bincount(stop_word[listed & use], minlength=n_stop_words) for use in (name, ~upper)])


@cache
def _stop_word_lookup(fold: Fold) -> SortedKeys:
    return SortedKeys(stop_word_hashes(fold), 64)


@cache
def _date_word_lookup(fold: Fold) -> SortedKeys:
    return SortedKeys(date_word_hashes(fold), 64)


def _is_upper(codes: NDArray[np.uint8] | NDArray[np.uint32]) -> Flags:
    if codes.dtype == np.uint8:
        return (codes >= ord("A")) & (codes <= ord("Z"))
    upper = (codes >= ord("A")) & (codes <= ord("Z"))
    others = np.flatnonzero(codes >= 128)
    distinct, which = np.unique(codes[others], return_inverse=True)
    upper[others] = np.array([chr(code).isupper() for code in distinct.tolist()], dtype=np.bool_)[which]
    return upper
