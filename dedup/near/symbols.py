"""Tokens -> hashes of the symbols of short texts: emoji, signs and, where there are no words, punctuation too.

Reports are copies whatever their punctuation. Of a text shorter than a shingle the words are too few to tell: "C++" is
not "C#", and of two texts without any word each is what its symbols are.
"""

import unicodedata
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, Hashes, Integers, Powers, run_starts, slices
from dedup.text.tokens import Tokens, mix

_MULTIPLIER = np.uint64(0xD1342543DE82EF95)
_TAGS = range(0xE0020, 0xE0080)  # the letters of flags such as Scotland's
_COUNTING_PUNCTUATION = "#%\u2030\ufe5f\uff03\ufe6a\uff05"
# What stands before a headline or an item of a list: arrows, lines, shapes; and marks of rights.
_ORNAMENTS = (0x2190, 0x21FF), (0x2500, 0x25FF), (0x2794, 0x27BF), (0x27F0, 0x27FF), (0x2900, 0x297F), (0x2B00, 0x2B2F)
_RIGHTS = "\u00a9\u00ae\u2117\u2120\u2122"


def symbol_hashes(tokens: Tokens, texts: Integers) -> Hashes:
    """Hashes of the symbols of some texts of a block, in their order; zero for a text that has none.

    In a text with words these are emoji and the signs of mathematics, currencies, numbers and units; in one without,
    all that is visible.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> tokens = tokenize(["C", "C!", "C++", "C#", "...", ""])
    >>> hashes = symbol_hashes(tokens, np.arange(6)).tolist()
    >>> [value == 0 for value in hashes], len(set(hashes))
    ([True, True, False, False, False, True], 4)
    """
    starts = tokens.text_starts[texts]
    sizes = tokens.text_starts[texts + 1] - 1 - starts
    text = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
    shift = starts - (np.cumsum(sizes) - sizes)
    place = partial(_places, shift)
    parts = slices(0, len(text), PART)
    distinct = np.unique(
        np.concatenate([tokens.codes[:0], *(np.unique(tokens.codes[place(text, part)]) for part in parts)])
    )
    known = np.array([_keys(chr(code)) for code in distinct.tolist()], dtype=np.uint64).reshape(-1, 2)
    wordless = (np.diff(tokens.offsets)[texts] == 0).astype(np.intp)
    powers, sums, first, done = (
        Powers(_MULTIPLIER, len(text) + 1),
        np.zeros(len(texts), dtype=np.uint64),
        np.full(len(texts), -1),
        0,
    )
    for part in parts:
        own = text[part]
        keys = known[np.searchsorted(distinct, tokens.codes[place(text, part)]), wordless[own]]
        counting = np.flatnonzero(keys)
        own, keys = own[counting], keys[counting]
        rank = done + np.arange(len(counting))
        opens = run_starts(own)
        opens = opens[first[own[opens]] < 0]
        first[own[opens]] = rank[opens]
        np.add.at(sums, own, mix(keys) * powers.take(rank - first[own]))
        done += len(counting)
    return np.where(first >= 0, mix(sums) | np.uint64(1), np.uint64(0))


def _places(shift: Integers, text: NDArray[np.int32], part: slice) -> Integers:
    """Places of a part of the characters of texts, given how far those of each text are moved."""
    return np.arange(part.start, part.stop) + shift[text[part]]


def _keys(character: str) -> tuple[int, int]:
    """What a character counts as in a text with words, and in one without; zero for what does not count."""
    category, code = unicodedata.category(character), ord(character)
    usual = unicodedata.normalize("NFKC", character).casefold()
    value = int.from_bytes(usual.encode("utf-32-le", "surrogatepass")[:8], "little")
    visible = category[0] in "PS" or category in {"Co", "Cn"} or code in _TAGS
    return value * _is_symbol(character, category), value * visible


def _is_symbol(character: str, category: str) -> bool:
    if character in _COUNTING_PUNCTUATION or ord(character) in _TAGS:
        return True
    ornament = any(low <= ord(character) <= high for low, high in _ORNAMENTS) or character in _RIGHTS
    # Sk are accents that stand alone, often typed for apostrophes.
    return category in {"Sm", "Sc", "So", "Co", "Cn"} and not ornament and character not in "|~<>"
