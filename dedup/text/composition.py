"""Composition of characters before the fold: marks join their letters, and Serbian Cyrillic becomes Latin.

A fold looks up each character on its own, which is wrong for some: и and a combining breve are й, three conjoining jamo
are one Hangul syllable, half-width ｶ and ﾞ are ガ; and ш is š in Serbian where it is sh in Russian. These characters
are replaced before the look-up. Each keeps its place, so that texts keep their lengths: a mark that has joined the
letter before it is replaced by `WORD_JOINER`.
"""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import AnyIntegers, Flags, Hashes, Integers, ranks_in_runs
from dedup.text.broken_words import RARE_HYPHENS

Codes = NDArray[np.uint32]

#: A code point that folds to nothing.
WORD_JOINER = 0x2060

# Between letters of the Arabic script, as of Persian, a non-joiner stands where others type a space; elsewhere it says
# how letters are drawn. A joiner makes one letter of a consonant, a virama and itself, which has a code point as well.
_NON_JOINER, _JOINER = 0x200C, 0x200D
_ARABIC = (0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)
_JOINED = {"\u0d23\u0d4d": 0xD7A, "\u0d28\u0d4d": 0xD7B, "\u0d30\u0d4d": 0xD7C, "\u0d32\u0d4d": 0xD7D}
_JOINED |= {"\u0d33\u0d4d": 0xD7E, "\u0d15\u0d4d": 0xD7F, "\u09a4\u09cd": 0x9CE}  # Malayalam chillu, Bengali khanda ta
# The sara am of Thai and Lao in two parts, the first of which may stand before a tone: first part, second part, whole.
_SARA_AM = (0x0E4D, 0x0E32, 0x0E33), (0x0ECD, 0x0EB2, 0x0EB3)
_TONES = *range(0x0E48, 0x0E4C), *range(0x0EC8, 0x0ECC)

_MAX_MARKS = 30  # behind one letter, as in Unicode's Stream-Safe Text Format; further marks stay alone
# All code points that Unicode composes from others.
_COMPOSED = *range(0xC0, 0x3100), *range(0xFB1D, 0xFB50), *range(0x11080, 0x11A00)
_HANGUL_SYLLABLES, _HALF_WIDTH_KANA = range(0xAC00, 0xD7A4), range(0xFF66, 0xFFA0)

# Each letter of Serbian Cyrillic is one of Gaj's Latin alphabet, which has code points for its three digraphs.
_CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
_GAJ = "abvgdđežzijklǉmnǌoprstćufhcčǆš"
_CYRILLIC_PAGE = 0x4
_SERBIAN = "ђјљњћџ"  # no other big language but Macedonian, which is romanised alike, has these ...
_NOT_SERBIAN = "ёйщъыьэюяєіїґў"  # ... and neither of the two has these


@cache
def context_dependent() -> Codes:
    """Return the code points whose fold depends on other characters, ascending."""
    others = [_NON_JOINER, _JOINER, *RARE_HYPHENS, *(first for first, _, _ in _SARA_AM)]
    return np.unique(np.concatenate([_second_halves(), _codes(_SERBIAN + _SERBIAN.upper()), _code_points(others)]))


def resolve(codes: Codes, places: AnyIntegers, text_starts: Integers) -> tuple[AnyIntegers, Codes]:
    """Return the places in a block of texts where another code point is to be folded, and those code points.

    `places`, ascending, has those of `context_dependent` code points; text `i` begins at ``text_starts[i]``. Places
    are returned in no order, some of them twice.
    """
    resolved = codes.copy()
    serbian = codes[places] >> 8 == _CYRILLIC_PAGE  # no mark that composes is on this page
    changed = [*_read_joiners(resolved, places), *_join_sara_am(resolved, places)]
    changed += _compose(resolved, places[~serbian])
    for text in np.unique(np.searchsorted(text_starts, places[serbian], side="right") - 1).tolist():
        start = text_starts[text]
        changed.append(start + _romanise(resolved[start : text_starts[text + 1]]))
    at = np.concatenate(changed)
    return at, resolved[at]


def _compose(codes: Codes, places: AnyIntegers) -> list[AnyIntegers]:
    """Join the marks at `places` to the letters before them where Unicode has a character for both, in place.

    Unlike Unicode's composition, this takes only the pairs that Unicode decomposes, and no mark blocks another.
    Returns the places that may have changed.
    """
    pairs, composites = _pairs()
    bases = _bases(codes, places)
    rank = ranks_in_runs(bases)
    for turn in range(int(rank.max(initial=-1)) + 1):
        base, mark = bases[rank == turn], places[rank == turn]
        pair = codes[base].astype(np.uint64) << np.uint64(32) | codes[mark]
        found = np.minimum(np.searchsorted(pairs, pair), len(pairs) - 1)
        joined = pairs[found] == pair
        codes[base[joined]] = composites[found[joined]]
        codes[mark[joined]] = WORD_JOINER
    return [bases, places]


def _read_joiners(codes: Codes, places: AnyIntegers) -> list[AnyIntegers]:
    """Replace the joiners and non-joiners among `places` that are not for the eye alone, in place.

    Returns the places that may have changed.
    """
    parting = places[codes[places] == _NON_JOINER]
    before = codes[parting - 1]  # of the first place, the line feed behind the last text
    parting = parting[np.any([(low <= before) & (before <= high) for low, high in _ARABIC], axis=0)]
    codes[parting] = ord(" ")
    joining = places[codes[places] == _JOINER]
    joining = joining[joining >= 2]
    pair = codes[joining - 2].astype(np.uint64) << np.uint64(32) | codes[joining - 1]
    changed = [parting]
    for two, letter in _JOINED.items():
        last = joining[pair == (ord(two[0]) << 32 | ord(two[1]))]
        codes[last - 2], codes[last - 1] = letter, WORD_JOINER
        changed += [last - 2, last - 1]
    return changed


def _join_sara_am(codes: Codes, places: AnyIntegers) -> list[AnyIntegers]:
    """Write the two parts of a sara am as one, behind the tone, in place; returns the places that may have changed."""
    changed = []
    for first, second, whole in _SARA_AM:
        start = places[codes[places] == first]
        tone = np.isin(codes[start + 1], _TONES)  # the line feed behind the last text is none
        joins = codes[start + 1 + tone] == second
        start, tone = start[joins], tone[joins]
        codes[start[tone]] = codes[start[tone] + 1]
        codes[start + tone], codes[start + 1 + tone] = whole, WORD_JOINER
        changed += [start, start + 1, start + 1 + tone]
    return changed


def _bases(codes: Codes, places: AnyIntegers) -> AnyIntegers:
    """Place of the letter before each mark, ascending."""
    marks = _marks()
    bases = np.maximum(places - 1, 0)
    for _ in range(_MAX_MARKS - 1):
        back = marks.take(codes[bases], mode="clip")
        if not back.any():
            break
        bases = np.maximum(bases - back, 0)
    return bases


def _romanise(text: Codes) -> Integers:
    """Write a Serbian text in Gaj's Latin letters, in place; a text in another language keeps its Serbian names.

    Returns the places that may have changed.
    """
    roman, foreign = _romanisation()
    letters = np.flatnonzero(text < len(roman))
    if not foreign[text[letters]].any():
        text[letters] = roman[text[letters]]
    return letters


@cache
def _pairs() -> tuple[Hashes, Codes]:
    """Pairs of code points that compose, as first << 32 | second, ascending; and the code point of each pair."""
    half_width = {unicodedata.normalize("NFKC", chr(code)): code for code in _HALF_WIDTH_KANA}
    made: dict[int, int] = {}
    for code in _COMPOSED:
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and parts[0][0] != "<" and not unicodedata.combining(chr(int(parts[0], 16))):
            first, second = ({int(part, 16), half_width.get(chr(int(part, 16)), int(part, 16))} for part in parts)
            made |= {a << 32 | b: code for a in first for b in second}
    for code in _HANGUL_SYLLABLES:
        jamo = unicodedata.normalize("NFD", chr(code))
        made[ord(unicodedata.normalize("NFC", jamo[:-1])) << 32 | ord(jamo[-1])] = code
    keys = sorted(made)
    return np.array(keys, dtype=np.uint64), np.array([made[key] for key in keys], dtype=np.uint32)


@cache
def _second_halves() -> Codes:
    return np.unique(_pairs()[0].astype(np.uint32))


@cache
def _marks() -> Flags:
    """Whether each code point below 0x20000 is combining or the second half of a pair; none above is."""
    marks = np.array([unicodedata.combining(chr(code)) > 0 for code in range(0x20000)])
    marks[_second_halves()] = True
    return marks


@cache
def _romanisation() -> tuple[Codes, Flags]:
    """Gaj's letter for each Serbian one, and whether a letter is not Serbian, for code points below 0x500."""
    roman, foreign = np.arange(0x500, dtype=np.uint32), np.zeros(0x500, dtype=np.bool_)
    for case in (str.lower, str.upper):
        roman[_codes(case(_CYRILLIC))] = _codes(_GAJ)
        foreign[_codes(case(_NOT_SERBIAN))] = True
    return roman, foreign


def _codes(text: str) -> Codes:
    return _code_points([ord(character) for character in text])


def _code_points(codes: list[int]) -> Codes:
    return np.array(codes, dtype=np.uint32)
