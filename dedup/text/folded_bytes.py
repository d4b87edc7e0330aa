"""Fold the characters of a block of texts at once, by a table of the folds of all code points.

A fold of at most four bytes fits in a uint32. So one look-up per character folds any text, once
`dedup.text.composition` has replaced the characters whose fold depends on others. Those that stand for more letters are
written out.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import AnyIntegers, Integers
from dedup.kernel import kernel
from dedup.parameters import Fold, check
from dedup.text.broken_words import broken_lines, lines_broken_by_rare_hyphens
from dedup.text.composition import WORD_JOINER, context_dependent, resolve
from dedup.text.fold import fold_character, fold_parts

#: Code points; uint8 when all are ASCII.
Codes = NDArray[np.uint8] | NDArray[np.uint32]

_PAGE = 256
# No fold equals these three: 0xFE and 0xFF never occur in UTF-8.
_UNKNOWN, _DEPENDS, _EXPANDS = np.uint32(0xFFFFFFFF), np.uint32(0xFFFFFFFE), np.uint32(0xFFFFFFFD)

_HIGH_SURROGATES, _LOW_SURROGATES = 0xD800 >> 10, 0xDC00 >> 10  # without their lowest ten bits

# What the kernel says of the characters that it has folded: some are at least `_EXPANDS`; a hyphen may break a word.
_SPECIAL, _HYPHEN = 1, 2


class Folded(NamedTuple):
    """The folded bytes of a block of texts."""

    data: NDArray[np.uint8]  # (n_bytes + padding,): with 9 to 16 zero bytes behind them
    sizes: NDArray[np.uint8] | None  # (n_characters,): folded bytes of each character; None when each has one

    def without(self, characters: Integers, count: int) -> "Folded":
        """The same without the bytes of some of the `count` characters."""
        if not len(characters):
            return self
        sizes = np.ones(count, dtype=np.uint8) if self.sizes is None else self.sizes
        kept = np.ones(count, dtype=np.bool_)
        kept[characters] = False
        kept_bytes = np.repeat(kept, sizes)
        return Folded(_padded(self.data[: len(kept_bytes)][kept_bytes].tobytes()), sizes * kept)

    def starts_of(self, text_starts: Integers) -> Integers:
        """Where the bytes of each text begin, given where its characters do, shape (n_texts + 1,)."""
        if self.sizes is None:
            return text_starts
        by_text = np.add.reduceat(self.sizes, text_starts[:-1], dtype=np.uint32)
        return np.concatenate([[0], np.cumsum(by_text, dtype=np.int64)])


def fold_block(text: str, text_starts: Integers, fold: Fold) -> tuple[Codes, Folded]:
    """Code points and folded bytes of joined texts, each with a line feed behind it; text `i` at ``text_starts[i]``."""
    table = fold_table(fold)  # also refuses an unknown fold
    if text.isascii():
        data = text.encode("ascii")
        ascii_codes = np.frombuffer(data, dtype=np.uint8)
        return ascii_codes, _fold_ascii(data, ascii_codes, text_starts)
    codes = _code_points(text)
    packed, counts = table.fold(codes, text_starts)
    folded, sizes = _bytes(packed)
    del packed  # four bytes a character, which the arrays below need not ask the system for
    if counts is not None:
        starts = np.cumsum(counts, dtype=np.int64) - counts
        sizes = np.add.reduceat(sizes, starts, dtype=np.uint8)
    return codes, Folded(folded, sizes)


def _fold_ascii(data: bytes, codes: NDArray[np.uint8], text_starts: Integers) -> Folded:
    compiled = kernel()
    if compiled is None:
        folded, found = _padded(data.translate(ascii_table())), _HYPHEN
    else:
        folded = _room_for(len(codes))
        found = compiled.fold_ascii(codes, len(codes), _ascii_array(), folded)
    if not found & _HYPHEN:
        return Folded(folded, None)
    return Folded(folded, None).without(broken_lines(codes, text_starts), len(codes))


class FoldTable:
    """Folds of code points, packed into uint32 (first byte lowest); a page is filled when a text first needs it."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._packed = np.full(0x110000, _UNKNOWN, dtype=np.uint32)
        self._alone = np.zeros(0x110000, dtype=np.uint32)  # the same, with a fold where the first has _DEPENDS

    def fold(
        self, codes: NDArray[np.uint32], text_starts: Integers
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint8] | None]:
        """Fold the characters of a block of texts; text `i` begins at ``text_starts[i]``.

        Also returns the number of folds of each character; None where each has one.
        """
        packed, found = self._look_up(codes)
        if not found & _SPECIAL:
            if found & _HYPHEN:
                packed[broken_lines(codes, text_starts)] = 0
            return packed, None
        special = np.flatnonzero(packed >= _EXPANDS).astype(np.int32)
        packed[special] = self._folds_alone(codes[special])
        kinds = self._packed.take(codes[special])
        places = special[kinds == _DEPENDS]
        if len(places):
            changed, instead = resolve(codes, places, text_starts)
            packed[changed] = self._folds_alone(instead)
            packed[lines_broken_by_rare_hyphens(codes, packed, places, text_starts)] = 0
        packed[broken_lines(codes, text_starts)] = 0
        expanding = special[kinds == _EXPANDS]
        return self._expanded(codes, packed, expanding) if len(expanding) else (packed, None)

    def _look_up(self, codes: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], int]:
        """What the table has for each character, and what there may be among them."""
        compiled = kernel()
        if compiled is None:
            packed = self._packed.take(codes)
            return packed, _HYPHEN | (_SPECIAL if packed.max(initial=0) >= _EXPANDS else 0)
        packed = np.empty(len(codes), dtype=np.uint32)
        return packed, compiled.fold_codes(codes, len(codes), self._packed, int(_EXPANDS), packed)

    def _expanded(
        self, codes: NDArray[np.uint32], packed: NDArray[np.uint32], places: AnyIntegers
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """Write out the characters at `places`."""
        distinct, which = np.unique(codes[places], return_inverse=True)
        parts = [_packed(fold_parts(chr(code), self._fold)) for code in distinct.tolist()]
        sizes = np.array([len(part) for part in parts], dtype=np.uint8)
        counts = np.ones(len(codes), dtype=np.uint8)
        counts[places] = sizes[which]
        expanded = np.repeat(packed, counts)
        starts = np.cumsum(counts, dtype=np.int64)[places] - sizes[which]
        for rank in range(int(sizes.max())):
            folds = np.array([part[min(rank, len(part) - 1)] for part in parts])
            longer = np.flatnonzero(sizes[which] > rank)
            expanded[starts[longer] + rank] = folds[which[longer]]
        return expanded, counts

    def _folds_alone(self, codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        unknown = codes[self._packed.take(codes) == _UNKNOWN]
        for page in np.unique(unknown // _PAGE).tolist():
            self._fill(page)
        return self._alone.take(codes)

    def _fill(self, page: int) -> None:
        whole = slice(page * _PAGE, (page + 1) * _PAGE)
        folds = [fold_parts(chr(code), self._fold) for code in range(whole.start, whole.stop)]
        packed = _packed([parts[0] for parts in folds])
        self._alone[whole] = packed
        packed[[place for place, parts in enumerate(folds) if len(parts) > 1]] = _EXPANDS
        depends = context_dependent()
        packed[depends[depends // _PAGE == page] % _PAGE] = _DEPENDS
        self._packed[whole] = packed  # last and at once: another thread never sees half a page


def _packed(folds: Sequence[bytes]) -> NDArray[np.uint32]:
    return np.array([int.from_bytes(fold, "little") for fold in folds], dtype=np.uint32)


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


@cache
def _ascii_array() -> NDArray[np.uint8]:
    return np.frombuffer(bytearray(ascii_table()), dtype=np.uint8)


def _code_points(text: str) -> NDArray[np.uint32]:
    """Code points of a text that is not empty; a pair of surrogates becomes the character it stands for.

    Some writers of JSON let such pairs through, and readers of JSON make one character of them. A word joiner, which
    leaves no trace, takes the place of the second surrogate, so that every character keeps its place.
    """
    try:
        return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    except UnicodeEncodeError:  # a surrogate
        codes = np.array([text]).view(np.uint32)  # faster than "surrogatepass", which handles them one by one
    upper = codes >> np.uint32(10)
    first = np.flatnonzero((upper[:-1] == _HIGH_SURROGATES) & (upper[1:] == _LOW_SURROGATES))
    codes[first] = 0x10000 + ((codes[first] & 0x3FF) << 10 | (codes[first + 1] & 0x3FF))
    codes[first + 1] = WORD_JOINER
    return codes


def _bytes(packed: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Folded bytes of characters, padded, and the number of bytes of each character."""
    compiled = kernel()
    if compiled is not None:
        room, sizes = np.empty(4 * len(packed) + 16, dtype=np.uint8), np.empty(len(packed), dtype=np.uint8)
        size = compiled.unpack(packed, len(packed), room, sizes)
        folded = room[: size + _padding(size)]
        folded[size:] = 0
        return folded, sizes
    sizes = (packed != 0).view(np.uint8)  # a byte of a fold is never zero
    most = int(packed.max(initial=0))
    for least in (0x100, 0x10000, 0x1000000):
        if most >= least:
            sizes += packed >= least
    if most < 0x100 and sizes.all():  # as in French: no zero bytes to delete
        folded = _room_for(len(packed))
        folded[: len(packed)] = packed
        return folded, sizes
    return _padded(packed.tobytes().translate(None, delete=b"\0")), sizes


def _padded(data: bytes) -> NDArray[np.uint8]:
    """Bytes with 9 to 16 zero bytes behind them, so that any eight can be read as part of two aligned uint64."""
    return np.frombuffer(data + bytes(_padding(len(data))), dtype=np.uint8)


def _padding(size: int) -> int:
    return 16 - size % 8


def _room_for(size: int) -> NDArray[np.uint8]:
    """Room for so many bytes, and the zero bytes behind them."""
    folded = np.empty(size + _padding(size), dtype=np.uint8)
    folded[size:] = 0
    return folded
