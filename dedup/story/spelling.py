"""How the words of texts are written: names, stop words, beginnings of sentences, and what a word counts for so."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Integers, by_parts, run_starts
from dedup.parameters import Fold
from dedup.sorted_keys import SortedKeys
from dedup.text.stopwords import date_word_hashes, stop_word_hashes
from dedup.text.tokens import Tokens, sentence_starts

#: A token counts twice near the beginning, where news says who, where and when ...
LEAD_CHARACTERS, LEAD_WEIGHT = 600, 2

#: ... and three times when capitalised inside a sentence, as names are. Weekdays, months and agencies are no names: two
#: titles that share nothing but "Tuesday" would be one story.
NAME_WEIGHT = 3

#: A sentence with this share of capitalised words is a headline in title case, where capitals do not mark names.
HEADLINE_SHARE = 0.6


class Spelling(NamedTuple):
    """How the tokens of a block are written; all arrays have shape (n_tokens,)."""

    in_lead: Flags  # whether the token is near the beginning of its text
    upper: Flags  # whether the first character is a capital, but for names of days and agencies
    opens: Flags  # whether the token opens a sentence
    stop_word: NDArray[np.int32]  # position among the stop words, -1 for other tokens
    date_word: Flags  # whether the token names a weekday, a month or a news agency


def spelling_of(tokens: Tokens) -> Spelling:
    """How the tokens of a block are written."""
    dates, stop_words = _date_word_lookup(tokens.fold), _stop_word_lookup(tokens.fold)
    date_word = by_parts(lambda hashes: dates.find(hashes) >= 0, tokens.hashes)
    stop_word = by_parts(lambda hashes: stop_words.find(hashes).astype(np.int32), tokens.hashes)
    place = tokens.characters(tokens.starts)
    upper = _is_upper(tokens.codes[place]) & ~date_word
    # Tokens ascend, so that those in the lead of a text are its first.
    stops = np.searchsorted(place, tokens.text_starts[:-1] + LEAD_CHARACTERS)
    lead = np.clip(stops - tokens.offsets[:-1], 0, np.diff(tokens.offsets))
    sizes = np.stack([lead, np.diff(tokens.offsets) - lead], axis=1).ravel()
    in_lead = np.repeat(np.tile([True, False], len(lead)), sizes)
    return Spelling(in_lead, upper, sentence_starts(tokens), stop_word, date_word)


def token_weights(spelling: Spelling) -> NDArray[np.uint8]:
    """Weight of each token, shape (n_tokens,), at least 1."""
    weights = np.where(spelling.in_lead, np.uint8(LEAD_WEIGHT), np.uint8(1))
    weights[spelling.upper & ~spelling.opens] *= np.uint8(NAME_WEIGHT)
    return weights


def stop_word_uses(spelling: Spelling, n_stop_words: int) -> Integers:
    """How often each stop word is capitalised inside a sentence, and how often it is not capitalised: two rows."""
    _, upper, opens, stop_word, _ = spelling
    starts = np.flatnonzero(opens)
    sizes = np.diff(np.append(starts, len(opens)))
    capitals = np.add.reduceat(upper, starts, dtype=np.int64) if len(starts) else starts
    name = upper & ~opens & np.repeat(capitals / sizes < HEADLINE_SHARE, sizes)
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
    distinct = np.sort(codes[others])
    distinct = distinct[run_starts(distinct)]
    capital = np.array([chr(code).isupper() for code in distinct.tolist()], dtype=np.bool_)
    upper[others] = by_parts(lambda some: capital[np.searchsorted(distinct, some)], codes[others])
    return upper
