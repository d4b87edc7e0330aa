"""Arrange tokens in lines and give keys to runs of tokens; all numbers and names of dates count as one token."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from dedup.arrays import Flags, Hashes, Integers, SortedKeys, run_starts
from dedup.parameters import Fold
from dedup.text.tokens import Tokens, mix, tokenize

_MASK = np.uint64(0x9E3779B97F4A7C15)
# An odd base has an inverse modulo 2**64, which makes the key of a run independent of its place.
_BASE = np.uint64(0xD1342543DE82EF95)
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The lines of a block of texts, and keys for any run of tokens."""

    tokens: Tokens
    # (n_tokens,): first character of each token, and the one behind its last, as places in ``tokens.codes``
    begins: Integers
    ends: Integers
    # (n_tokens,): whether each token is a number or the name of a month or weekday; keys do not tell these apart
    masked: Flags
    texts: Integers  # (n_tokens,): index of the text of each token
    line_starts: Integers  # (n_lines + 1,): first token of each line that has tokens
    # (n_lines,): where these lines begin and end in ``tokens.codes``
    line_begins: Integers
    line_ends: Integers
    _sums: Hashes
    _inverses: Hashes

    def keys(self, first: Integers, sizes: Integers | int) -> Hashes:
        """Return keys of runs of tokens, equal for equal runs wherever they stand, in constant time each.

        Rabin and Karp (1987), "Efficient randomized pattern-matching algorithms", modulo 2**64.
        """
        return mix((self._sums[first + sizes] - self._sums[first]) * self._inverses[first])

    def runs_at(self, first: Integers, sizes: Integers) -> tuple[Integers, Integers, Hashes]:
        """Return the runs of any of `sizes` from `first` on within one text: first token, size and key of each."""
        stops = self.tokens.offsets[self.texts[first] + 1]
        place, size = np.nonzero(first[:, None] + sizes <= stops[:, None])
        begins, lengths = first[place], sizes[size]
        return begins, lengths, self.keys(begins, lengths)

    def unmasked(self, first: Integers, sizes: Integers) -> Integers:
        """Return the number of tokens of each run that are not masked."""
        sums = np.concatenate([[0], np.cumsum(~self.masked)])
        return np.asarray(sums[first + sizes] - sums[first])

    def within(self, first: Integers, sizes: Integers) -> Flags:
        """Return whether each token is within one of these runs, shape (n_tokens,)."""
        bounds = len(self.masked) + 1
        change = np.bincount(first, minlength=bounds) - np.bincount(first + sizes, minlength=bounds)
        return np.asarray(np.cumsum(change[:-1]) > 0)

    @property
    def lines(self) -> Integers:
        """Index of the line of each token, shape (n_tokens,)."""
        return np.repeat(np.arange(len(self.line_begins)), self.line_sizes)

    @property
    def line_sizes(self) -> Integers:
        """Number of tokens of each line, shape (n_lines,)."""
        return np.diff(self.line_starts)

    @property
    def line_keys(self) -> Hashes:
        """Keys of the lines, shape (n_lines,)."""
        return self.keys(self.line_starts[:-1], self.line_sizes)


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
    begins, lasts = np.split(tokens.characters(np.concatenate([tokens.starts, tokens.stops - 1])), 2)
    codes = tokens.codes
    ends_line = (codes >= 0x0A) & (codes <= 0x0D)
    if codes.dtype == np.uint32:
        ends_line |= (codes == 0x85) | (codes == 0x2028) | (codes == 0x2029)
    breaks = np.concatenate([[-1], np.flatnonzero(ends_line)])
    lines = np.searchsorted(breaks, begins)
    line_starts = np.append(run_starts(lines), count)
    lines = lines[line_starts[:-1]]
    masked = _numbers(tokens) | (_date_words(tokens.fold).find(tokens.hashes) >= 0)
    powers = np.multiply.accumulate(np.full(count + 1, _BASE))
    sums = np.zeros(count + 1, dtype=np.uint64)
    np.cumsum(np.where(masked, _MASK, tokens.hashes) * powers[:-1], out=sums[1:])
    return Layout(
        tokens=tokens,
        begins=begins,
        ends=lasts + 1,
        masked=masked,
        texts=tokens.text_indices,
        line_starts=line_starts,
        line_begins=breaks[lines - 1] + 1,
        line_ends=breaks[lines],
        _sums=sums,
        _inverses=np.multiply.accumulate(np.full(count + 1, _INVERSE)),
    )


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
