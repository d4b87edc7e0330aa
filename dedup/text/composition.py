"""Characters whose fold depends on others: marks and letters that compose, and Serbian.

A fold is one look-up a character, but some of what people write takes more than one: и and a breve are й, three
conjoining jamo are one Hangul syllable, half-width ｶ and ﾞ are ガ; and ш is š in Serbian where it is sh in Russian.
Such characters are replaced before the look-up, place by place, so that a text keeps its length and its folded bytes
their places: what has become part of the character before it is replaced by `NOTHING`.
"""

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

#: A code point that folds to nothing.
NOTHING = 0x2060

_MOST_MARKS = 30  # behind one letter, as in Unicode's Stream-Safe Text Format; those behind them stay alone
_DECOMPOSABLE = (0xC0, 0x3100), (0xFB1D, 0xFB50), (0x11080, 0x11A00)  # where pairs have a code point; Hangul apart
_LEADS, _VOWELS, _TRAILS, _SYLLABLES = 0x1100, 0x1161, 0x11A8, 0xAC00  # of Hangul
_HALF_WIDTH_KANA = range(0xFF66, 0xFFA0)

# Each letter of Serbian Cyrillic is one of Gaj's Latin alphabet; three of these are digraphs with a code point.
_CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
_GAJ = "abvgdđežzijklǉmnǌoprstćufhcčǆš"
_CYRILLIC_PAGE = 0x4
_SERBIAN = "ђјљњћџ"  # in no other big language but Macedonian, which is written alike ...
_NOT_SERBIAN = "ёйщъыьэюяєіїґў"  # ... and these are in neither


@cache
def in_context() -> Codes:
    """The code points whose fold depends on others, ascending."""
    return np.union1d(_seconds(), _codes(_SERBIAN + _SERBIAN.upper()))


def resolve(codes: Codes, places: NDArray[np.int64], text_starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], Codes]:
    """The places of a block of texts where something else is to be folded, and what; some places come twice.

    Parameters
    ----------
    codes : ndarray of uint32, shape (n_characters,)
    places : ndarray of int64, shape (n_places,)
        Where the code points of `in_context` are, ascending.
    text_starts : ndarray of int64, shape (n_texts + 1,)
    """
    resolved = codes.copy()
    serbian = codes[places] >> 8 == _CYRILLIC_PAGE  # where no mark is that composes
    changed = _compose(resolved, places[~serbian])
    for text in np.unique(np.searchsorted(text_starts, places[serbian], side="right") - 1).tolist():
        start = text_starts[text]
        changed.append(start + _romanise(resolved[start : text_starts[text + 1]]))
    at = np.concatenate(changed)
    return at, resolved[at]


def _compose(codes: Codes, places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Join the marks at `places`, in order, to the letters they stand behind, where that makes a letter.

    Unlike Unicode's composition it takes the pairs that Unicode decomposes only, and no mark bars the way of another.
    Gives the places where something may have changed.
    """
    bases = _bases(codes, places)
    turns = np.arange(len(places)) - np.searchsorted(bases, bases)  # bases ascend
    for turn in range(int(turns.max(initial=-1)) + 1):
        now = turns == turn
        composed = _composites(codes[bases[now]], codes[places[now]])
        joined = composed > 0
        codes[bases[now][joined]] = composed[joined]
        codes[places[now][joined]] = NOTHING
    return [bases, places]


def _bases(codes: Codes, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of the letter before each mark."""
    marks = _marks()
    bases = np.maximum(places - 1, 0)
    for _ in range(_MOST_MARKS - 1):
        back = marks.take(codes[bases], mode="clip")
        if not back.any():
            break
        bases = np.maximum(bases - back, 0)
    return bases


def _romanise(text: Codes) -> NDArray[np.int64]:
    """Serbian in Gaj's Latin letters, in place; a text in another language that has a Serbian name in it stays.

    Gives the places where something may have changed.
    """
    roman, foreign = _roman()
    letters = np.flatnonzero(text < len(roman))
    if not foreign[text[letters]].any():
        text[letters] = roman[text[letters]]
    return letters


@cache
def _pairs() -> tuple[NDArray[np.uint64], Codes]:
    """Pairs of code points that make one, first << 32 | second, ascending; and what each makes."""
    half_width = {unicodedata.normalize("NFKC", chr(code)): code for code in _HALF_WIDTH_KANA}
    made: dict[int, int] = {}
    for code in (code for low, high in _DECOMPOSABLE for code in range(low, high)):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and parts[0][0] != "<" and not unicodedata.combining(chr(int(parts[0], 16))):
            either = ({int(part, 16), half_width.get(chr(int(part, 16)), int(part, 16))} for part in parts)
            first, second = either
            made |= {a << 32 | b: code for a in first for b in second}
    leads, vowels, trails = np.ogrid[0:19, 0:21, 0:28]
    syllables = _SYLLABLES + (leads * 21 + vowels) * 28 + trails
    open_pairs = (_LEADS + leads) << 32 | (_VOWELS + vowels)
    closed_pairs = syllables[..., :1] << 32 | (_TRAILS - 1 + trails)
    keys = np.concatenate([[*made], open_pairs.ravel(), closed_pairs[..., 1:].ravel()]).astype(np.uint64)
    values = np.concatenate([[*made.values()], syllables[..., 0].ravel(), syllables[..., 1:].ravel()])
    order = np.argsort(keys)
    return keys[order], values[order].astype(np.uint32)


def _composites(first: Codes, second: Codes) -> Codes:
    """What pairs make, 0 for nothing."""
    keys, values = _pairs()
    wanted = first.astype(np.uint64) << np.uint64(32) | second
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], np.uint32(0))


@cache
def _seconds() -> Codes:
    """Second halves of pairs, ascending."""
    return np.unique(_pairs()[0].astype(np.uint32))


@cache
def _marks() -> NDArray[np.bool_]:
    """Whether a code point below 0x20000 stands behind a letter: combining, or a second half; none above does."""
    marks = np.array([unicodedata.combining(chr(code)) > 0 for code in range(0x20000)])
    marks[_seconds()] = True
    return marks


@cache
def _roman() -> tuple[Codes, NDArray[np.bool_]]:
    """Gaj's letter for each Serbian one, and whether a letter is not Serbian, for code points below 0x500."""
    roman, foreign = np.arange(0x500, dtype=np.uint32), np.zeros(0x500, dtype=np.bool_)
    for case in (str.lower, str.upper):
        roman[_codes(case(_CYRILLIC))] = _codes(_GAJ)
        foreign[_codes(case(_NOT_SERBIAN))] = True
    return roman, foreign


def _codes(text: str) -> Codes:
    return np.array([ord(character) for character in text], dtype=np.uint32)
