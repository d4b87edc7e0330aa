r"""Words that are broken at the end of a line, or spaced letter by letter.

The hyphen and the line feed of "Ver-\nhandlung", and the blanks of "B E R L I N", leave no trace. The second line of a
broken word begins with a lower-case letter: "Rhein-\nMain" stays two words. A word in spaced letters has at least four
from a capital on, since "il y a à" has three words of one letter, and "a b c d" is a list; others beside it, two or
three blanks away, may be shorter. Letters that are written as several Latin ones, such as щ, do not count among four.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, AnyIntegers, Flags, Integers, slices

Codes = NDArray[np.uint8] | NDArray[np.uint32]
Bytes = NDArray[np.uint8]

_BLANK, _HYPHEN, _LINE_FEED, _RETURN = 0x20, 0x2D, 0x0A, 0x0D
#: The soft hyphen and Unicode's own.
RARE_HYPHENS = 0xAD, 0x2010
#: Letters that a word in spaced letters has at least.
LETTERS_IN_A_ROW = 4
_CHUNK = 1 << 16  # characters that are looked through at a time
_MOST_BLANKS = 3  # between two words in spaced letters
_TABLE_SIZE = 0x3000  # further on there are no letters of two cases in common use
_LIKE_LETTERS = "'\u2019-"  # what stands within words
_TWO_BYTES = 0x370, 0x5FF  # letters of Greek to Armenian have two bytes in the fold "marks"


def broken_lines(codes: Codes, text_starts: Integers) -> Integers:
    r"""Return the places in a block of texts of hyphens and line ends that break words, in no order.

    Text `i` begins at ``text_starts[i]``, and a line feed follows each.

    Examples
    --------
    >>> text = b"Ver-\nhandlung in Rhein-\nMain\n"
    >>> broken_lines(np.frombuffer(text, dtype=np.uint8), np.array([0, len(text)])).tolist()
    [3, 4]
    """
    found = []
    # Few blocks have such words: arrays too small to ask the system for memory, which would take most of the time.
    for start in range(0, len(codes), _CHUNK):
        low = codes[start : start + _CHUNK + 1].astype(np.uint8, copy=False)  # compared first: one byte a character
        hyphen = low[:-1] == _HYPHEN
        hyphen &= low[1:] <= _RETURN
        if hyphen.any():
            place = start + np.flatnonzero(hyphen)
            place = place[codes[place] == _HYPHEN]
            found += [place] if len(place) else []
    return _broken_at(codes, np.concatenate(found), text_starts) if found else np.empty(0, dtype=np.int64)


def lines_broken_by_rare_hyphens(
    codes: NDArray[np.uint32], folds: NDArray[np.uint32], special: AnyIntegers, text_starts: Integers
) -> Integers:
    """Return further places, those of `RARE_HYPHENS` and of hyphens behind marks, and of their line ends.

    `folds` are the folds of the characters. Of those at `special`, with all `RARE_HYPHENS` and all marks that compose
    among them, the ones that fold to nothing are passed over.
    """
    kept = np.ones(len(codes), dtype=np.bool_)
    kept[special[(folds[special] == 0) & ~np.isin(codes[special], RARE_HYPHENS)]] = False
    place = np.flatnonzero(kept)
    codes = codes[place]
    hyphens = np.flatnonzero(np.isin(codes[:-1], (_HYPHEN, *RARE_HYPHENS)) & (codes[1:] <= _RETURN))
    found: Integers = place[_broken_at(codes, hyphens, np.searchsorted(place, text_starts))]
    return found


def _broken_at(codes: Codes, hyphens: Integers, text_starts: Integers) -> Integers:
    """Places of those hyphens that break a word at the end of a line, and of the ends of these lines."""
    letters = _letters()
    returns = codes[hyphens + 1] == _RETURN
    feeds = hyphens + 1 + returns  # behind the last text there is a line feed
    within = (codes[feeds] == _LINE_FEED) & ~np.isin(feeds + 1, text_starts)
    hyphens, feeds, returns = hyphens[within], feeds[within], returns[within]
    breaks = _has(letters.cased, codes[hyphens - 1]) & _has(letters.lower, codes[feeds + 1])
    hyphens, feeds = hyphens[breaks], feeds[breaks]
    return np.concatenate([hyphens, feeds, feeds[returns[breaks]] - 1])


def may_be_spaced(folded: Bytes, starts: Integers, stops: Integers, *, two_bytes: bool) -> bool:
    """Whether four tokens in a row may be letters with blanks between, with `two_bytes` also those of two bytes."""
    sizes = stops - starts
    one = sizes == 1
    if two_bytes:
        one |= (sizes == 2) & (folded[starts] >= 0xC0)
    four = one[:-3] & one[1:-2]
    four &= one[2:-1]
    four &= one[3:]
    # From one place to the next, since lists of single letters, which are none, may be as long as the text.
    return any(_are_spaced(folded, starts, stops, np.flatnonzero(four[part]) + part.start) for part in _parts(four))


def _parts(flags: Flags) -> list[slice]:
    """Slices of flags that have some."""
    return [part for part in slices(0, len(flags), PART) if flags[part].any()]


def _are_spaced(folded: Bytes, starts: Integers, stops: Integers, first: Integers) -> bool:
    """Whether from one of these tokens on four in a row are letters with blanks between."""
    places = first[:, None] + np.arange(4)
    begins, stops = starts[places], stops[places[:, :3]]
    letters = (folded[begins] > ord("9")).all(axis=1)
    apart = ((begins[:, 1:] == stops + 1) & (folded[stops] == _BLANK)).all(axis=1)
    return bool((letters & apart).any())


def blanks_within_words(codes: Codes, fold_sizes: Bytes | None, *, two_bytes: bool) -> Integers:
    """Return the places of the blanks between the letters of words in spaced letters, ascending.

    `fold_sizes` has the number of folded bytes of each character, None where each has one. Characters that fold to
    nothing are passed over.
    """
    place = None if fold_sizes is None else np.flatnonzero(fold_sizes)
    if fold_sizes is not None:
        codes, fold_sizes = codes[place], fold_sizes[place]
    letters = _letters()
    joins, single = _has(letters.of_words, codes), _has(letters.cased, codes)
    single[1:] &= ~joins[:-1]
    single[:-1] &= ~joins[1:]
    letter = np.flatnonzero(single).astype(np.int32)
    blanks = np.zeros(len(codes) + 1, dtype=np.int32)
    np.cumsum(codes == _BLANK, out=blanks[1:])
    between = np.diff(letter) - np.int32(1)
    spaced = (np.diff(blanks[letter]) == between) & (between <= _MOST_BLANKS)
    tight = spaced & (between == 1)
    del blanks, between
    counts = np.ones(len(letter), dtype=np.bool_)
    if fold_sizes is not None:
        counts = fold_sizes[letter] == 1
        if two_bytes:
            counts |= (fold_sizes[letter] == 2) & (codes[letter] >= _TWO_BYTES[0]) & (codes[letter] <= _TWO_BYTES[1])
    four = tight[:-2] & tight[1:-1] & tight[2:] & counts[:-3] & counts[1:-2] & counts[2:-1] & counts[3:]
    four &= _has(letters.upper, codes[letter[:-3]])
    stretch = np.zeros(len(letter), dtype=np.int32)  # of each letter
    np.cumsum(~spaced, out=stretch[1:])
    of_word = np.zeros(len(letter) + 1, dtype=np.bool_)
    of_word[stretch[:-3][four]] = True
    within: Integers = letter[1:][tight & of_word[stretch[1:]]].astype(np.int64) - 1
    return within if place is None else place[within]


def _has(table: Flags, codes: Codes) -> Flags:
    found: Flags = table.take(codes, mode="clip")
    return found


class _Letters(NamedTuple):
    """What each character is, shape (_TABLE_SIZE + 1,); the last place is for all others."""

    lower: Flags  # a lower-case letter
    upper: Flags  # a capital
    cased: Flags  # a letter of either case
    of_words: Flags  # what stands in words


@cache
def _letters() -> _Letters:
    kinds = [unicodedata.category(chr(code)) for code in range(_TABLE_SIZE)]
    like_letters = [chr(code) in _LIKE_LETTERS for code in range(_TABLE_SIZE)]
    return _Letters(
        lower=np.array([kind == "Ll" for kind in kinds] + [False]),
        upper=np.array([kind in {"Lu", "Lt"} for kind in kinds] + [False]),
        cased=np.array([kind in {"Ll", "Lu", "Lt"} for kind in kinds] + [False]),
        of_words=np.array([kind[0] in "LMN" for kind in kinds] + [True]) | np.array([*like_letters, False]),
    )
