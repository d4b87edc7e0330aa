"""Tokens -> hashes of the symbols of short texts: emoji, signs and, where there are no words, punctuation too.

Reports are copies whatever their punctuation. Of a text shorter than a shingle the words are too few to tell: "C++" is
not "C#", and of two texts without any word each is what its symbols are.
"""

import unicodedata

import numpy as np

from dedup.arrays import Hashes, Integers, ranks_in_runs
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
    starts, stops = tokens.text_starts[texts], tokens.text_starts[texts + 1] - 1
    text = np.repeat(np.arange(len(texts)), stops - starts)
    codes = tokens.codes[starts[text] + ranks_in_runs(text)]
    distinct = np.unique(codes)
    keys = np.array([_keys(chr(code)) for code in distinct.tolist()], dtype=np.uint64).reshape(-1, 2)
    wordless = np.diff(tokens.offsets)[texts] == 0
    keys = keys[np.searchsorted(distinct, codes), wordless[text].astype(np.intp)]
    counts = np.flatnonzero(keys)
    text, keys = text[counts], keys[counts]
    ranks = ranks_in_runs(text)
    powers = np.multiply.accumulate(np.full(int(ranks.max(initial=0)) + 1, _MULTIPLIER))
    hashes = np.zeros(len(texts), dtype=np.uint64)
    if len(keys):
        opens = np.flatnonzero(ranks == 0)
        hashes[text[opens]] = mix(np.add.reduceat(mix(keys) * powers[ranks], opens)) | np.uint64(1)
    return hashes


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
