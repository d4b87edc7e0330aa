"""Code points -> folded bytes, so that Путин meets Putin and café meets CAFE.

There are two folds. ``"unidecode"`` writes every alphabet in plain Latin letters. ``"marks"`` needs the standard
library only, for those who cannot take Unidecode's licence (GPL-2.0-or-later; see the README): every alphabet keeps its
letters, and loses the marks that are accents. This is the only file that imports Unidecode, when first asked to.

The folded text is one flat array of bytes:

* ``0-9``, ``a-z`` and a few signs above ``9`` (Unidecode writes the Arabic ayn as a back quote) are Latin letters, and
  those of every script that Unidecode transliterates letter by letter;
* characters of scripts that write words without spaces keep their UTF-8 bytes, and so does Hangul, whose syllables
  Unidecode would spell in up to seven letters; in ``"marks"`` so do letters up to U+07FF: Greek to N'Ko;
* every other letter has four bytes of its own;
* ``.`` stands for whatever ends a sentence, a space for every other separator.

A code point folds to at most four bytes, so a fold is one uint32 and a table of them folds any text with one look-up a
character. A text with characters whose fold depends on others is looked at more closely (see `dedup.text.composition`).
"""

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dedup.parameters import FOLDS, Fold
from dedup.text.composition import in_context, resolve

SEPARATOR = ord(" ")
SENTENCE_END = ord(".")
FIRST_LETTER = ord("0")  # every folded byte from here on belongs to a word

_PAGE = 256
_UNKNOWN = np.uint32(0xFFFFFFFF)  # no fold looks like these two: 0xFE and 0xFF never occur in UTF-8
_IN_CONTEXT = np.uint32(0xFFFFFFFE)
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

# The rest is for "marks" alone. Marks that may be left out, by how their names begin, and those of them that may not:
# Arabic madda and hamza, and the voicing of kana, make other letters.
_ACCENTS = "COMBINING ", "HEBREW ", "ARABIC ", "SYRIAC ", "VARIATION SELECTOR", "MONGOLIAN FREE VARIATION"
_NO_ACCENTS = frozenset("\u0653\u0654\u0655\u3099\u309a")
# Latin letters that Unicode does not take apart; the Turkish dotless i meets its capital.
_WHOLE_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i"}
)
_OWN_FROM = 0x800  # below, UTF-8 has at most two bytes, and every letter is of a script with spaces


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(character) <= high for low, high in ranges)


def fold_character(character: str, fold: Fold = "unidecode") -> bytes:
    r"""The folded bytes of one character that stands alone, at most four; nothing for what leaves no trace.

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
    return _unidecoded(character) if fold == "unidecode" else _without_accents(character)


def _unidecoded(character: str) -> bytes:
    plain = unicodedata.normalize("NFKC", character).casefold().translate(_ALEFS)
    if _keeps_bytes(plain[0], len(plain)):
        return plain[0].encode()
    latin = plain if plain.isascii() else _unidecode()(plain)
    kept = bytes(b for b in latin.lower().encode("ascii", "ignore") if _is_letter(b))
    if kept or latin or unicodedata.category(character)[0] != "L":
        return kept[:4]  # the fifth letter of a rare syllable does not tell words apart
    return _own_letter(ord(plain[0]))


@cache
def _unidecode() -> Callable[[str], str]:
    from unidecode import unidecode_expect_nonascii  # those who fold by marks need not have it

    return unidecode_expect_nonascii


def _without_accents(character: str) -> bytes:
    parts = unicodedata.normalize("NFKD", character)
    bare = "".join(c for c in parts if unicodedata.category(c)[0] in "LMN" and not _is_accent(c))
    plain = unicodedata.normalize("NFKC", bare).casefold().translate(_WHOLE_LETTERS)
    if plain and _keeps_bytes(plain[0], len(plain)):
        return plain[0].encode()
    kept = b"".join(map(_letter, plain))
    return kept if len(kept) <= 4 else _own_letter(ord(character))


def _is_accent(character: str) -> bool:
    """Whether a mark may be left out: an accent, or a vowel or reading sign of Hebrew, Arabic or Syriac."""
    named = unicodedata.category(character)[0] == "M" and unicodedata.name(character).startswith(_ACCENTS)
    return named and character not in _NO_ACCENTS


def _letter(character: str) -> bytes:
    """The bytes of one bare letter, mark or digit."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return b"%d" % digit
    return character.encode() if ord(character) < _OWN_FROM else _own_letter(ord(character))


def _keeps_bytes(character: str, length: int) -> bool:
    return _within(character, _UNSPACED) or (length == 1 and _within(character, (_HANGUL,)))


def _own_letter(code: int) -> bytes:
    """Four bytes for a letter that has no shorter form, such as the Arabic alef, which Unidecode writes as nothing."""
    # Where UTF-8 would have surrogates, after the lead byte 0xED of the last Hangul syllables.
    return bytes([0xED, 0xA0 | (code >> 12 & 0x1F), 0x80 | (code >> 6 & 0x3F), 0x80 | (code & 0x3F)])


def _is_letter(byte: int) -> bool:
    return chr(byte).isalnum() or byte > ord("9")


class FoldTable:
    """Folds of code points, packed into uint32 (first byte lowest); a page is filled when a text first needs it."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._packed = np.full(0x110000, _UNKNOWN, dtype=np.uint32)
        self._alone = np.zeros(0x110000, dtype=np.uint32)  # the same, but where the first has _IN_CONTEXT

    def fold(self, codes: NDArray[np.uint32], text_starts: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Folds of the characters of a block of texts; text `i` begins at ``text_starts[i]``."""
        packed = self._packed.take(codes)
        if int(packed.max(initial=0)) < _IN_CONTEXT:
            return packed
        special = np.flatnonzero(packed >= _IN_CONTEXT)
        packed[special] = self._folds_alone(codes[special])
        places = special[self._packed.take(codes[special]) == _IN_CONTEXT]
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
        depends = in_context()
        packed[depends[depends // _PAGE == page] % _PAGE] = _IN_CONTEXT
        self._packed[whole] = packed  # last and at once: another thread never sees half a fold


@cache
def fold_table(fold: Fold) -> FoldTable:
    """The table of this process; filled on demand, so that importing costs nothing."""
    if fold not in FOLDS:
        raise ValueError(f"fold is {fold!r}; allowed: {', '.join(map(repr, FOLDS))}")
    return FoldTable(fold)


@cache
def ascii_table() -> bytes:
    """The fold of the 128 ASCII characters, for ``bytes.translate``; control characters are separators."""
    folds = [fold_character(chr(code), "marks") for code in range(128)]  # as in every fold
    return b"".join(fold or b" " for fold in folds).ljust(256, b" ")


def fold_text(text: str, fold: Fold = "unidecode") -> bytes:
    """Fold one string, as whole blocks are folded.

    Examples
    --------
    >>> fold_text("Владимир Путин à Pékin: ½ ﬁn!")
    b'vladimir putin a pekin  12 fin.'
    >>> fold_text("Владимир Путин à Pékin: ½ ﬁn!", fold="marks").decode()
    'владимир путин a pekin  12 fin.'
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    packed = fold_table(fold).fold(codes, np.array([0, len(codes)]))
    return packed.astype("<u4").tobytes().translate(None, delete=b"\0")
