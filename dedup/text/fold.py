"""Code points -> folded bytes, so that Путин meets Putin and café meets CAFE.

The only file that imports Unidecode (GPL-2.0-or-later; see the README).

The folded text is one flat array of bytes:

* ``0-9``, ``a-z`` and a few signs above ``9`` (Unidecode writes the Arabic ayn as a back quote)
  are the letters of every script that Unidecode transliterates letter by letter;
* characters of scripts that write words without spaces keep their UTF-8 bytes, and so does
  Hangul, whose syllables Unidecode would spell in up to seven letters;
* a letter that Unidecode does not know has four bytes of its own;
* ``.`` stands for whatever ends a sentence, a space for every other separator.

A code point folds to at most four bytes, so a fold is one uint32 and a table of them folds any text
with one look-up a character.
"""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray
from unidecode import unidecode_expect_nonascii

SEPARATOR = ord(" ")
SENTENCE_END = ord(".")
FIRST_LETTER = ord("0")  # every folded byte from here on belongs to a word

_PAGE = 256
_UNKNOWN = np.uint32(0xFFFFFFFF)  # no fold looks like this: 0xFF never occurs in UTF-8
_SENTENCE_ENDS = frozenset(".!?\n\u2026\u3002\uff01\uff0e\uff1f\uff61\u061f\u06d4\u0964\u0965\u1362\u2028\u2029")

# Written without spaces: each character is a token of its own (inclusive ranges).
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # Han iteration marks
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han compatibility ideographs
    (0x1B000, 0x1B16F),  # Kana supplements
    (0x20000, 0x3FFFF),  # Han extensions B and later
)
_HANGUL = (0xAC00, 0xD7A3)


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(character) <= high for low, high in ranges)


def fold_character(character: str) -> bytes:
    r"""The folded bytes of one character, at most four; nothing for what leaves no trace.

    Examples
    --------
    >>> [fold_character(c) for c in "Éж京, ."]
    [b'e', b'zh', b'\xe4\xba\xac', b' ', b' ', b'.']
    """
    if character in _SENTENCE_ENDS:
        return b"."
    category = unicodedata.category(character)
    if category == "Cf":  # soft hyphens, joiners, direction marks
        return b""
    if category[0] not in "LMN":
        return b" "
    plain = unicodedata.normalize("NFKC", character).casefold()
    if _within(plain[0], _UNSPACED) or (len(plain) == 1 and _within(plain, (_HANGUL,))):
        return plain[0].encode()
    latin = plain if plain.isascii() else unidecode_expect_nonascii(plain)
    kept = bytes(b for b in latin.lower().encode("ascii", "ignore") if _is_letter(b))
    if kept or latin or category[0] != "L":
        return kept[:4]  # the fifth letter of a rare syllable does not tell words apart
    return _own_letter(ord(plain[0]))


def _own_letter(code: int) -> bytes:
    """Four bytes for a letter that Unidecode does not know, or writes as nothing, such as the Arabic alef."""
    # Where UTF-8 would have surrogates, after the lead byte 0xED of the last Hangul syllables.
    return bytes([0xED, 0xA0 | (code >> 12 & 0x1F), 0x80 | (code >> 6 & 0x3F), 0x80 | (code & 0x3F)])


def _is_letter(byte: int) -> bool:
    return chr(byte).isalnum() or byte > ord("9")


class FoldTable:
    """Folds of code points, packed into uint32 (first byte lowest); a page is filled when a text first needs it."""

    def __init__(self) -> None:
        self._packed = np.full(0x110000, _UNKNOWN, dtype=np.uint32)

    def __getitem__(self, codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        packed = self._packed.take(codes)
        unknown = packed == _UNKNOWN
        if unknown.any():
            for page in np.unique(codes[unknown] // _PAGE).tolist():
                self._fill(page * _PAGE)
            packed = self._packed.take(codes)
        return packed

    def _fill(self, first: int) -> None:
        folds = (fold_character(chr(code)) for code in range(first, first + _PAGE))
        page = [int.from_bytes(fold, "little") for fold in folds]
        self._packed[first : first + _PAGE] = page  # one assignment: a reader never sees half a fold


@cache
def fold_table() -> FoldTable:
    """The table of this process; filled on demand, so that importing costs nothing."""
    return FoldTable()


@cache
def ascii_table() -> bytes:
    """The fold of the 128 ASCII characters, for ``bytes.translate``; control characters are separators."""
    folds = [fold_character(chr(code)) for code in range(128)]
    return b"".join(fold or b" " for fold in folds).ljust(256, b" ")


def fold_text(text: str) -> bytes:
    """Fold one string character by character; what the table does for whole blocks.

    Examples
    --------
    >>> fold_text("Владимир Путин à Pékin: ½ ﬁn!")
    b'vladimir putin a pekin  12 fin.'
    """
    return b"".join(map(fold_character, text))
