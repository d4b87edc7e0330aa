"""Fold code points to bytes, so that Путин equals Putin and café equals CAFE.

There are two folds. ``"unidecode"`` writes every alphabet in plain Latin letters. ``"marks"`` needs only the standard
library, for those who cannot take Unidecode's licence (GPL-2.0-or-later; see the README): every alphabet keeps its
letters but loses their accents. Only this file imports Unidecode, and only when a text needs it.

The folded text is one flat array of bytes:

* ``0-9``, ``a-z`` and a few signs above ``9`` (Unidecode writes the Arabic ayn as a back quote) stand for Latin letters
  and for those of every script that Unidecode transliterates letter by letter;
* characters of scripts without spaces between words keep their UTF-8 bytes, and so does Hangul, whose syllables
  Unidecode would spell in up to seven letters; in ``"marks"`` so do letters up to U+07FF: Greek to N'Ko;
* every other letter has four bytes of its own;
* ``.`` stands for any end of a sentence, a space for every other separator.

A code point folds to at most four bytes, which fit in a uint32. So one look-up per character in a table folds any text,
once `dedup.text.composition` has replaced the characters whose fold depends on others.
"""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Integers
from dedup.parameters import Fold, check
from dedup.text.composition import context_dependent, resolve

SEPARATOR = ord(" ")
SENTENCE_END = ord(".")
FIRST_LETTER = ord("0")  # every folded byte from here on belongs to a word

_PAGE = 256
# No fold equals these two: 0xFE and 0xFF never occur in UTF-8.
_UNKNOWN, _DEPENDS = np.uint32(0xFFFFFFFF), np.uint32(0xFFFFFFFE)
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

# Writers of Arabic put the hamza and madda on an alef or leave them out.
_ALEFS = str.maketrans(dict.fromkeys("آأإٱٲٳ", "ا"))

# For "marks" only. Marks that writers may leave out, by the beginnings of their names, and the exceptions: the Arabic
# madda and hamza and the voicing of kana make other letters.
_ACCENTS = "COMBINING ", "HEBREW ", "ARABIC ", "SYRIAC ", "VARIATION SELECTOR", "MONGOLIAN FREE VARIATION"
_NO_ACCENTS = frozenset("\u0653\u0654\u0655\u3099\u309a")
# Latin letters that Unicode does not decompose; the Turkish dotless i equals its capital.
_WHOLE_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i"}
)
_OWN_FROM = 0x800  # below, UTF-8 has at most two bytes, and every letter is of a script with spaces


def fold_character(character: str, fold: Fold = "unidecode") -> bytes:
    r"""Return the folded bytes, at most four, of one character that stands alone; none for what leaves no trace.

    Examples
    --------
    >>> [fold_character(c) for c in "Éж京, ."]
    [b'e', b'zh', b'\xe4\xba\xac', b' ', b' ', b'.']
    >>> fold_character("Ж", fold="marks").decode()
    'ж'
    """
    if character in _SENTENCE_ENDS:
        return b"."
    category = unicodedata.category(character)
    if category == "Cf":  # soft hyphens, joiners, direction marks
        return b""
    if category[0] not in "LMN":
        return b" "
    return _transliterated(character) if fold == "unidecode" else _without_accents(character)


def _transliterated(character: str) -> bytes:
    plain = unicodedata.normalize("NFKC", character).casefold().translate(_ALEFS)
    if _keeps_bytes(plain):
        return plain[0].encode()
    latin = plain
    if not plain.isascii():
        from unidecode import unidecode_expect_nonascii  # users of "marks" need not have it

        latin = unidecode_expect_nonascii(plain)
    letters = bytes(byte for byte in latin.lower().encode("ascii", "ignore") if byte >= FIRST_LETTER)
    if letters or latin or unicodedata.category(character)[0] != "L":
        return letters[:4]  # the fifth letter of a rare syllable does not tell words apart
    return _own_letter(ord(plain[0]))


def _without_accents(character: str) -> bytes:
    parts = unicodedata.normalize("NFKD", character)
    bare = "".join(c for c in parts if unicodedata.category(c)[0] in "LMN" and not _is_accent(c))
    plain = unicodedata.normalize("NFKC", bare).casefold().translate(_WHOLE_LETTERS)
    if plain and _keeps_bytes(plain):
        return plain[0].encode()
    letters = b"".join(map(_letter, plain))
    return letters if len(letters) <= 4 else _own_letter(ord(character))


def _is_accent(character: str) -> bool:
    """Whether writers may leave a mark out: an accent, or a vowel or reading sign of Hebrew, Arabic or Syriac."""
    named = unicodedata.category(character)[0] == "M" and unicodedata.name(character).startswith(_ACCENTS)
    return named and character not in _NO_ACCENTS


def _letter(character: str) -> bytes:
    """The bytes of one bare letter, mark or digit."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return b"%d" % digit
    return character.encode() if ord(character) < _OWN_FROM else _own_letter(ord(character))


def _keeps_bytes(plain: str) -> bool:
    """Whether a character, given in its plain form, folds to the UTF-8 bytes of that form's first letter."""
    ranges = (*_UNSPACED, _HANGUL) if len(plain) == 1 else _UNSPACED
    return any(low <= ord(plain[0]) <= high for low, high in ranges)


def _own_letter(code: int) -> bytes:
    """Four bytes for a letter without a shorter form, such as the Arabic alef, which Unidecode writes as nothing."""
    # Where UTF-8 would have surrogates, after the lead byte 0xED of the last Hangul syllables.
    return bytes([0xED, 0xA0 | (code >> 12 & 0x1F), 0x80 | (code >> 6 & 0x3F), 0x80 | (code & 0x3F)])


class FoldTable:
    """Folds of code points, packed into uint32 (first byte lowest); a page is filled when a text first needs it."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._packed = np.full(0x110000, _UNKNOWN, dtype=np.uint32)
        self._alone = np.zeros(0x110000, dtype=np.uint32)  # the same, with a fold where the first has _DEPENDS

    def fold(self, codes: NDArray[np.uint32], text_starts: Integers) -> NDArray[np.uint32]:
        """Fold the characters of a block of texts; text `i` begins at ``text_starts[i]``."""
        packed = self._packed.take(codes)
        if int(packed.max(initial=0)) < _DEPENDS:
            return packed
        special = np.flatnonzero(packed >= _DEPENDS)
        packed[special] = self._folds_alone(codes[special])
        places = special[self._packed.take(codes[special]) == _DEPENDS]
        if len(places):
            changed, instead = resolve(codes, places, text_starts)
            packed[changed] = self._folds_alone(instead)
        return packed

    def _folds_alone(self, codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        unknown = codes[self._packed.take(codes) == _UNKNOWN]
        for page in np.unique(unknown // _PAGE).tolist():
            self._fill(page)
        return self._alone.take(codes)

    def _fill(self, page: int) -> None:
        whole = slice(page * _PAGE, (page + 1) * _PAGE)
        folds = (fold_character(chr(code), self._fold) for code in range(whole.start, whole.stop))
        packed = np.array([int.from_bytes(fold, "little") for fold in folds], dtype=np.uint32)
        self._alone[whole] = packed
        depends = context_dependent()
        packed[depends[depends // _PAGE == page] % _PAGE] = _DEPENDS
        self._packed[whole] = packed  # last and at once: another thread never sees half a page


@cache
def fold_table(fold: Fold) -> FoldTable:
    """Return the table of this process, which is filled on demand so that importing costs nothing."""
    check(fold=fold)
    return FoldTable(fold)


@cache
def ascii_table() -> bytes:
    """Return the fold of the 128 ASCII characters, for ``bytes.translate``; control characters are separators."""
    folds = [fold_character(chr(code), "marks") for code in range(128)]  # as in every fold
    return b"".join(fold or b" " for fold in folds).ljust(256, b" ")
