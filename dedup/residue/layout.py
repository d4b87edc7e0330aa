"""Arrange tokens in lines and give keys to runs of tokens; all numbers and names of dates count as one token."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, AnyIntegers, Flags, Hashes, Integers, Powers, by_parts, run_starts, slices
from dedup.kernel import kernel
from dedup.parameters import Fold
from dedup.sorted_keys import SortedKeys
from dedup.text.tokens import Tokens, mix, tokenize

_MASK = np.uint64(0x9E3779B97F4A7C15)
# An odd base has an inverse modulo 2**64, which makes the key of a run independent of its place.
_BASE = np.uint64(0xD1342543DE82EF95)
INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The lines of a block of texts, and keys for any run of tokens."""

    tokens: Tokens
    # (n_tokens,): whether each token is a number or the name of a month or weekday; keys do not tell these apart
    masked: Flags
    texts: NDArray[np.int32]  # (n_tokens,): index of the text of each token
    line_starts: NDArray[np.int32]  # (n_lines + 1,): first token of each line that has tokens
    # (n_lines,): where these lines begin and end in ``tokens.codes``
    line_begins: NDArray[np.int32]
    line_ends: NDArray[np.int32]
    sums: Hashes  # (n_tokens + 1,): see `keys`
    _inverses: Powers

    def keys(self, first: AnyIntegers, sizes: AnyIntegers | int) -> Hashes:
        """Return keys of runs of tokens, equal for equal runs wherever they stand, in constant time each.

        Rabin and Karp (1987), "Efficient randomized pattern-matching algorithms", modulo 2**64.
        """
        return by_parts(self._keys, first, np.broadcast_to(sizes, first.shape))

    def _keys(self, first: AnyIntegers, sizes: AnyIntegers) -> Hashes:
        return mix((self.sums[first + sizes] - self.sums[first]) * self._inverses.take(first))

    def unmasked(self, first: AnyIntegers, sizes: AnyIntegers) -> Integers:
        """Return the number of tokens of each run that are not masked."""
        sums = self.unmasked_sums
        return by_parts(lambda first, sizes: sums[first + sizes] - sums[first], first, sizes)

    @property
    def unmasked_sums(self) -> NDArray[np.int32]:
        """Return the number of tokens before each place that are not masked, shape (n_tokens + 1,)."""
        sums = np.zeros(len(self.masked) + 1, dtype=np.int32)
        np.cumsum(~self.masked, out=sums[1:])
        return sums

    def within(self, first: AnyIntegers, sizes: AnyIntegers) -> Flags:
        """Return whether each token is within one of these runs, shape (n_tokens,)."""
        cover = Cover(len(self.masked))
        cover.add(first, sizes)
        return cover.flags()

    @property
    def begins(self) -> Integers:
        """First character of each token, as a place in ``tokens.codes``, shape (n_tokens,)."""
        return self.tokens.characters(self.tokens.starts)

    @property
    def ends(self) -> Integers:
        """The character behind the last of each token, shape (n_tokens,)."""
        return self.tokens.characters(self.tokens.stops - 1) + 1

    @property
    def lines(self) -> NDArray[np.int32]:
        """Index of the line of each token, shape (n_tokens,)."""
        return np.repeat(np.arange(len(self.line_begins), dtype=np.int32), self.line_sizes)

    @property
    def line_sizes(self) -> NDArray[np.int32]:
        """Number of tokens of each line, shape (n_lines,)."""
        return np.diff(self.line_starts)

    @property
    def line_keys(self) -> Hashes:
        """Keys of the lines, shape (n_lines,)."""
        return self.keys(self.line_starts[:-1], self.line_sizes)


class Cover:
    """Which of some tokens are within runs.

    Examples
    --------
    >>> cover = Cover(5)
    >>> cover.add(np.array([0, 3]), np.array([2, 1]))
    >>> cover.flags().tolist()
    [True, True, False, True, False]
    """

    def __init__(self, count: int) -> None:
        self._changes = np.zeros(count + 1, dtype=np.int32)

    def add(self, first: AnyIntegers, sizes: AnyIntegers) -> None:
        """Add runs, by their first tokens and sizes."""
        np.add.at(self._changes, first, 1)
        np.subtract.at(self._changes, first + sizes, 1)

    def flags(self) -> Flags:
        """Return whether each token is within a run; nothing can be added from then on."""
        return np.cumsum(self._changes, out=self._changes)[:-1] > 0


def layout_of(tokens: Tokens) -> Layout:
    r"""Return the layout of a block of texts, in time linear in its characters.

    Examples
    --------
    >>> layout = layout_of(tokenize(["Paris, le 12 mai\nPublié le 13 juin", "Publié le 7 mars 2024"]))
    >>> layout.line_sizes.tolist()
    [4, 4, 5]
    >>> first, second, third = layout.keys(layout.line_starts[:-1], np.array([4, 4, 4])).tolist()
    >>> first == second, second == third
    (False, True)
    """
    count = len(tokens.starts)
    breaks = np.concatenate([np.full(1, -1, dtype=np.int32), _line_ends(tokens)])
    begins = tokens.characters(tokens.starts)
    lines = by_parts(lambda part: np.searchsorted(breaks, part.astype(np.int32)).astype(np.int32), begins)
    line_starts = np.append(run_starts(lines), count).astype(np.int32)
    lines = lines[line_starts[:-1]]
    masked, sums = _masked_sums(tokens)
    return Layout(
        tokens=tokens,
        masked=masked,
        texts=np.repeat(np.arange(len(tokens.offsets) - 1, dtype=np.int32), np.diff(tokens.offsets)),
        line_starts=line_starts,
        line_begins=breaks[lines - 1] + np.int32(1),
        line_ends=breaks[lines],
        sums=sums,
        _inverses=Powers(INVERSE, count + 1),
    )


def _masked_sums(tokens: Tokens) -> tuple[Flags, Hashes]:
    """Whether each token is a number or of a date, and the sums of tokens before each place that keys are made of."""
    compiled, count = kernel(), len(tokens.starts)
    if compiled is None:
        return _masked_sums_in_numpy(tokens)
    masked, sums = np.empty(count, dtype=np.bool_), np.empty(count + 1, dtype=np.uint64)
    of_tokens = tokens.folded, *map(np.ascontiguousarray, (tokens.starts, tokens.stops, tokens.hashes)), count
    given = *of_tokens, *_date_words(tokens.fold).table, int(_MASK), int(_BASE)
    compiled.masked_sums(*given, masked.view(np.uint8), sums)
    return masked, sums


def _masked_sums_in_numpy(tokens: Tokens) -> tuple[Flags, Hashes]:
    """What the kernel does, in NumPy."""
    date_words, count = _date_words(tokens.fold), len(tokens.starts)
    masked = _numbers(tokens) | by_parts(lambda hashes: date_words.find(hashes) >= 0, tokens.hashes)
    sums = np.zeros(count + 1, dtype=np.uint64)
    powers = Powers(_BASE, count + 1)
    for part in slices(0, count, PART):
        terms = np.where(masked[part], _MASK, tokens.hashes[part])
        sums[1:][part] = terms * powers.take(np.arange(part.start, part.stop))
    np.cumsum(sums, out=sums)
    return masked, sums


def _line_ends(tokens: Tokens) -> NDArray[np.int32]:
    """Places of the characters that end lines."""
    codes = tokens.codes
    ends_line = (codes >= 0x0A) & (codes <= 0x0D)
    if codes.dtype == np.uint32:
        ends_line |= (codes == 0x85) | (codes == 0x2028) | (codes == 0x2029)
    return np.flatnonzero(ends_line).astype(np.int32)


def _numbers(tokens: Tokens) -> Flags:
    """Whether each token consists of digits."""
    others = np.zeros(len(tokens.folded) + 1, dtype=np.int32)
    np.cumsum(tokens.folded > ord("9"), out=others[1:])
    return np.asarray(others[tokens.stops] == others[tokens.starts])


@cache
def _date_words(fold: Fold) -> SortedKeys:
    """Hashes of the names of months and weekdays in 40 languages."""
    data = files("dedup.residue").joinpath("data", "dates.txt").read_text(encoding="utf-8")
    lines = [line for line in data.splitlines() if line[0] != "#"]
    return SortedKeys(np.unique(tokenize(lines, fold).hashes), 64)
