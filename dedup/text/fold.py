"""Fold code points to bytes, so that Путин equals Putin and café equals CAFE.

There are three folds. ``"unidecode"`` writes every alphabet in plain Latin letters; ``"east-asian"`` does so too, and
makes of East Asian texts that differ in their writing alone the same. ``"marks"`` needs only the standard library, for
those who cannot take Unidecode's licence (GPL-2.0-or-later; see the README): every alphabet keeps its letters but loses
their accents. Only this file imports Unidecode, and only when a text needs it.

The folded text is one flat array of bytes (`dedup.text.folded_bytes`):

* ``0-9``, ``a-z`` and a few signs above ``9`` (Unidecode writes the Arabic ayn as a back quote) stand for Latin letters
  and for those of every script that Unidecode transliterates letter by letter;
* characters of scripts without spaces between words keep their UTF-8 bytes, and so does Hangul, whose syllables
  Unidecode would spell in up to seven letters; in ``"marks"`` so do letters up to U+07FF: Greek to N'Ko;
* in ``"east-asian"`` traditional Chinese characters have the bytes of simplified ones, and syllables of Hangul those of
  characters without spaces between words, so that where a writer puts spaces does not matter;
* every other letter has four bytes of its own;
* ``.`` stands for any end of a sentence, a space for every other separator.

A code point folds to at most four bytes. The few that stand for more letters than that, such as the Arabic ligature of
lam and alef, are written out first.

Texts that are equal but for how they are typed fold alike: native digits are ``0-9``; vowel signs that Arabic, Hebrew
and Syriac may leave out, and the stroke that stretches Arabic words, leave no trace; letters for apostrophes separate
as an apostrophe does; the kaf and yeh of Persian and Arabic keyboards are one.
"""

import unicodedata

from dedup.parameters import Fold
from dedup.text.simplified import simplified

SEPARATOR = ord(" ")
SENTENCE_END = ord(".")
FIRST_LETTER = ord("0")  # every folded byte from here on belongs to a word

_MOST_BYTES = 4
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
_HANGUL_UNSPACED = 0x38000  # among the Han extensions, where Unicode has no characters

# Letters that are typed for an apostrophe, which separates: of Uzbek, Hawaiian, Ukrainian, Nenets and N'Ko, the
# saltillo of Mexican languages, and the hamza, ayn and soft sign of transliterations.
_APOSTROPHES = frozenset("\u02b9\u02ba\u02bb\u02bc\u02bd\u02be\u02bf\u02ee\u0374\u07f4\u07f5\ua78b\ua78c")
# Writers of Arabic put the hamza and madda on an alef or leave them out.
_ALEFS = str.maketrans(dict.fromkeys("آأإٱٲٳ", "ا"))
# Keyboards of Persian and Urdu have other code points for kaf, yeh and heh than those of Arabic, and Egypt writes a yeh
# at the end of a word without its dots. The tatweel only stretches a word.
_KEYBOARDS = str.maketrans("کیىہ", "كييه", "ـ")
# What Unidecode writes as no letter, and what may be left out: hard and soft signs, as in Latin names of Russians, and
# marks of stress and tone.
_SILENT = frozenset("ъьҍᲆ\u02c8\u02c9\u02ca\u02cb\u02cc\u02cd\u02ce\u02cf")
# The sara am of Thai and Lao is one character on their keyboards, and folds to its first part.
_SARA_AM = frozenset("\u0e33\u0eb3")

# Vowel and reading signs that writers of these scripts may leave out; the Arabic madda and hamza make other letters.
_READING_SIGNS = "HEBREW ", "ARABIC ", "SYRIAC "
_OTHER_LETTERS = frozenset("\u0653\u0654\u0655\u3099\u309a")
# For "marks", further marks that may be left out; not the voicing of kana, which makes other letters.
_ACCENTS = *_READING_SIGNS, "COMBINING ", "VARIATION SELECTOR", "MONGOLIAN FREE VARIATION"
# Parts of the names of marks that count where Unidecode does not know them; viramas and nuktas do not.
_COUNTING_MARKS = "VOWEL", "CONSONANT", "MEDIAL", "FINAL", "SUBJOINED", "LETTER"
# Latin letters that Unicode does not decompose; the Turkish dotless i equals its capital.
_WHOLE_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i"}
)
_OWN_FROM = 0x800  # below, UTF-8 has at most two bytes, and every letter is of a script with spaces


def fold_character(character: str, fold: Fold = "unidecode") -> bytes:
    r"""Return the folded bytes of one character that stands alone; none for what leaves no trace.

    Examples
    --------
    >>> [fold_character(c) for c in "Éж京, ."]
    [b'e', b'zh', b'\xe4\xba\xac', b' ', b' ', b'.']
    >>> fold_character("Ж", fold="marks").decode()
    'ж'
    """
    return b"".join(fold_parts(character, fold))


def fold_parts(character: str, fold: Fold = "unidecode") -> tuple[bytes, ...]:
    """Return the folds of the characters that one character stands for, each of at most four bytes.

    That is one fold, except for compatibility forms of several letters that need more bytes, or have a space.

    Examples
    --------
    >>> fold_parts("ﬄ"), len(fold_parts("ﷲ"))  # the latter is the name of God in Arabic
    ((b'ffl',), 4)
    """
    category = unicodedata.category(character)
    usual = unicodedata.normalize("NFKC", character)
    canonical = unicodedata.normalize("NFKD", character) == unicodedata.normalize("NFD", character)
    if len(usual) == 1 or canonical or category[0] not in "LN" or character in _SARA_AM:
        return (_fold_one(character, fold),)
    parts = tuple(_fold_one(c, fold) for c in usual)
    words = b"".join(part for part in parts if part not in (b" ", b"."))
    # The sign within a number, as in ½ and ⑴, does not separate.
    return (
        (words,) if len(words) <= _MOST_BYTES and (len(words) == sum(map(len, parts)) or category[0] == "N") else parts
    )


def _fold_one(character: str, fold: Fold) -> bytes:
    if character in _SENTENCE_ENDS:
        return b"."
    category = unicodedata.category(character)
    if category == "Cf":  # soft hyphens, joiners, direction marks
        return b""
    if category[0] not in "LMN" or character in _APOSTROPHES:
        return b" "
    if category[0] == "N" and (digits := _digits(character)):
        return digits
    return _without_accents(character) if fold == "marks" else _transliterated(character, fold)


def _digits(character: str) -> bytes:
    """The value of a digit or of a number in a circle, in ASCII digits; nothing for other numbers."""
    circled = "CIRCLED NUMBER" in unicodedata.name(character)
    value = unicodedata.numeric(character) if circled else unicodedata.digit(character, None)
    return b"" if value is None else b"%d" % value


def _transliterated(character: str, fold: Fold) -> bytes:
    usual = unicodedata.normalize("NFKC", character)
    bare = "".join(c for c in usual if not _is_mark(c, _READING_SIGNS))
    plain = bare.casefold().translate(_ALEFS).translate(_KEYBOARDS)
    if not plain or plain in _SILENT:
        return b""
    if _keeps_bytes(plain):
        return (_east_asian(plain[0]) if fold == "east-asian" else plain[0]).encode()
    latin = plain
    if not plain.isascii():
        from unidecode import unidecode_expect_nonascii  # users of "marks" need not have it

        latin = unidecode_expect_nonascii(plain)
    letters = bytes(byte for byte in latin.lower().encode("ascii", "ignore") if byte >= FIRST_LETTER)
    if letters or not _counts(character):
        return letters[:_MOST_BYTES]  # the fifth letter of a rare syllable does not tell words apart
    return _own_letter(ord(plain[0]))


def _east_asian(character: str) -> str:
    """A Han character as it is simplified, and a syllable of Hangul as a character of a script without spaces."""
    if _HANGUL[0] <= ord(character) <= _HANGUL[1]:
        return chr(_HANGUL_UNSPACED + ord(character) - _HANGUL[0])
    return simplified().get(character, character)


def _counts(character: str) -> bool:
    """Whether a character for which Unidecode has no letter tells words apart."""
    if unicodedata.category(character)[0] != "M":
        return True
    name = unicodedata.name(character)
    return not name.startswith("COMBINING ") and any(part in name for part in _COUNTING_MARKS)


def _without_accents(character: str) -> bytes:
    parts = unicodedata.normalize("NFKD", character)
    bare = "".join(c for c in parts if unicodedata.category(c)[0] in "LMN" and not _is_mark(c, _ACCENTS))
    plain = unicodedata.normalize("NFKC", bare).casefold().translate(_WHOLE_LETTERS).translate(_KEYBOARDS)
    if plain and _keeps_bytes(plain):
        return plain[0].encode()
    letters = b"".join(map(_letter, plain))
    return letters if len(letters) <= _MOST_BYTES else _own_letter(ord(character))


def _is_mark(character: str, names: tuple[str, ...]) -> bool:
    """Whether a character is a mark with such a beginning of its name, and does not make another letter."""
    named = unicodedata.category(character)[0] == "M" and unicodedata.name(character).startswith(names)
    return named and character not in _OTHER_LETTERS


def _letter(character: str) -> bytes:
    """The bytes of one bare letter, mark or digit."""
    if character.isdecimal():
        return b"%d" % unicodedata.decimal(character)
    return character.encode() if ord(character) < _OWN_FROM else _own_letter(ord(character))


def _keeps_bytes(plain: str) -> bool:
    """Whether a character, given in its plain form, folds to the UTF-8 bytes of that form's first letter."""
    ranges = (*_UNSPACED, _HANGUL) if len(plain) == 1 else _UNSPACED
    return any(low <= ord(plain[0]) <= high for low, high in ranges)


def _own_letter(code: int) -> bytes:
    """Four bytes for a letter without a shorter form, such as the Arabic alef, which Unidecode writes as nothing."""
    # Where UTF-8 would have surrogates, after the lead byte 0xED of the last Hangul syllables.
    return bytes([0xED, 0xA0 | (code >> 12 & 0x1F), 0x80 | (code >> 6 & 0x3F), 0x80 | (code & 0x3F)])
