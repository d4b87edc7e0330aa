"""Tokens -> hashes of the numbers in texts, each with what stands before it.

A number alone says little where all numbers are small, as in a table of results; "Lyon 2" says more.
"""

from dataclasses import dataclass

import numpy as np

from dedup.arrays import Flags, Hashes, Integers, ranks_in_runs
from dedup.near.jaccard import ShingleSets
from dedup.text.tokens import Tokens, mix, tokenize

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd
_NO_FIGURE = np.uint64(1 << 63)  # in the hash of a number that begins with a letter or is a Han numeral
_NEGATIVE = np.uint64(0xD1342543DE82EF95)

# What stands before a negative number: hyphens, the minus sign, and the en dash of those who set type.
_MINUS = np.array([ord(sign) for sign in "-\u2010\u2011\u2013\u2212\ufe63\uff0d"], dtype=np.uint32)
# What stands between groups of three digits: of English, German, French, Swiss and Arabic numbers.
_GROUPING = np.array([ord(sign) for sign in ",. \u00a0\u2009\u202f'\u2019\u066c\uff0c"], dtype=np.uint32)
_HAN_ONE, _HAN_OTHERS = "一", "〇零二三四五六七八九十百千万萬億亿兆两兩"


def number_hashes(tokens: Tokens) -> tuple[Hashes, Integers]:
    """Hashes of the numbers, each with the token or number before it, and their number in each text.

    A number is a word with a digit, such as "US11"; with a minus sign before it, it is another one. 1,250, 1.250, 1 250
    and 1'250 are 1250. A run of Han numerals is a number, but for 一 alone, which is part of many words.

    Examples
    --------
    >>> number_hashes(tokenize(["Lyon 2, Nice 1", "Nice", "三十人 -4"]))[1]
    array([2, 0, 2])
    >>> hashes, _ = number_hashes(tokenize(["in 1,250", "in 1.250", "in 1250", "in -1250"]))
    >>> len(set(hashes.tolist()))
    2
    """
    digits = _digit_counts(tokens)
    han = np.isin(tokens.hashes, tokenize([_HAN_OTHERS + _HAN_ONE], tokens.fold).hashes, kind="sort")
    place = np.flatnonzero((digits > 0) | han)
    numerals = _Numerals(tokens, place, (digits == tokens.stops - tokens.starts)[place], han[place])
    opens = np.flatnonzero(~numerals.continues())
    unit = np.repeat(np.arange(len(opens)), np.diff(np.append(opens, len(place))))  # the number of each numeral
    values = _values(tokens, place, unit)
    values[numerals.negative(opens)] ^= _NEGATIVE
    first = place[opens]
    before = np.zeros(len(opens), dtype=np.uint64)
    follows = ~np.isin(first, tokens.offsets)
    before[follows] = tokens.hashes[first[follows] - 1]
    touches = np.flatnonzero(follows & (np.append(-1, place[:-1])[opens] == first - 1))
    before[touches] = values[touches - 1]
    alone = np.diff(np.append(opens, len(place))) == 1
    says = ~(alone & (tokens.hashes[first] == tokenize([_HAN_ONE], tokens.fold).hashes[0]))
    hashes = mix(values ^ mix(before)) & ~_NO_FIGURE
    hashes[tokens.folded[tokens.starts[first]] > ord("9")] |= _NO_FIGURE
    return hashes[says], np.diff(np.searchsorted(first[says], tokens.offsets))


def figures(numbers: ShingleSets) -> ShingleSets:
    """Of the numbers of texts those that begin with a digit."""
    kept = numbers.shingles < _NO_FIGURE
    return ShingleSets(numbers.shingles[kept], np.append(0, np.cumsum(kept))[numbers.offsets], numbers.n_jobs)


def _digit_counts(tokens: Tokens) -> Integers:
    """Number of digits in each token."""
    digits = np.flatnonzero((tokens.folded >= ord("0")) & (tokens.folded <= ord("9")))
    return np.bincount(np.searchsorted(tokens.starts, digits, side="right") - 1, minlength=len(tokens.starts))


@dataclass(frozen=True, slots=True)
class _Numerals:
    """The tokens of a block that are numbers, or parts of them."""

    tokens: Tokens
    place: Integers  # (n,)
    pure: Flags  # (n,): of digits alone
    han: Flags  # (n,)

    def continues(self) -> Flags:
        """Whether each goes on the number before it."""
        starts, stops = self.tokens.starts[self.place], self.tokens.stops[self.place]
        sizes = stops - starts
        gaps = starts - np.append(0, stops[:-1])
        neighbours = np.diff(np.append(-2, self.place)) == 1
        of_han = neighbours & self.han & np.append(False, self.han[:-1]) & (gaps == 0)
        group = neighbours & self.pure & np.append(False, self.pure[:-1]) & (sizes == 3) & (gaps == 1)
        sign = np.zeros(len(starts), dtype=np.uint32)
        sign[group] = self.tokens.codes[self.tokens.characters(starts[group] - 1)]
        group &= np.isin(sign, _GROUPING)
        # All groups of a number have one sign between them.
        group[1:] &= ~group[:-1] | (sign[1:] == sign[:-1])
        chain = np.cumsum(~group) - 1
        opens = np.flatnonzero(~group)
        leads = (sizes[opens] <= 3) & (self.tokens.folded[starts[opens]] != ord("0"))
        continues: Flags = of_han | (group & leads[chain])
        return continues

    def negative(self, which: Integers) -> Flags:
        """Whether a minus sign stands before each of some, and no word before that."""
        tokens, place = self.tokens, self.place[which]
        starts = tokens.starts[place]
        before = tokens.characters(np.maximum(starts - 1, 0))
        adjoins = np.append(-1, tokens.stops[:-1])[place] == starts - 1
        digit = tokens.folded[starts] <= ord("9")
        negative: Flags = digit & ~adjoins & (starts > 0) & np.isin(tokens.codes[before], _MINUS)
        return negative


def _values(tokens: Tokens, place: Integers, unit: Integers) -> Hashes:
    """Hash of the bytes of each number; `unit` has the number that each token at `place` is part of."""
    starts = tokens.starts[place]
    sizes = tokens.stops[place] - starts
    token = np.repeat(np.arange(len(place)), sizes)
    of_unit = unit[token]
    ranks = ranks_in_runs(of_unit)
    powers = np.multiply.accumulate(np.full(int(ranks.max(initial=0)) + 1, _MULTIPLIER))
    terms = tokens.folded[starts[token] + ranks_in_runs(token)].astype(np.uint64) * powers[ranks]
    return mix(np.add.reduceat(terms, np.flatnonzero(ranks == 0))) if len(terms) else terms
