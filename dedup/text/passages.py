"""Find the passages that two texts have in common."""

from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, Flags, Hashes, Integers, run_starts, slices
from dedup.text.tokens import Tokens

#: Words of the shortest passage; a word is two characters in a script without spaces.
MIN_WORDS = 3

#: Number of passages to return at most.
MAX_PASSAGES = 50


Ranks = NDArray[np.int32]


class Runs(NamedTuple):
    """Runs of tokens that two texts share, all of shape (n_runs,)."""

    # first token in either text
    left: Integers
    right: Integers
    sizes: Integers  # number of tokens

    def take(self, chosen: Integers) -> "Runs":
        """Return some of the runs."""
        return Runs(self.left[chosen], self.right[chosen], self.sizes[chosen])


def shared_passages(tokens: Tokens, excluded: Flags) -> Runs:
    """Return the longest runs of tokens that two texts have in common, longest first.

    Each run is maximal: neither end can be extended. A run inside a longer one, in either text, is left out.

    Parameters
    ----------
    tokens : Tokens
        Of two texts.
    excluded : ndarray of bool, shape (n_tokens,)
        Tokens that no run may contain.

    Returns
    -------
    Runs
        Places among `tokens`; at most `MAX_PASSAGES`.

    Notes
    -----
    O(n log n) time and memory for n tokens, however often they repeat: prefix doubling sorts the suffixes of the texts
    (Manber and Myers 1993, "Suffix arrays") as far as the texts agree, and the longest match of a place is with a
    neighbour of its suffix.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> tokens = tokenize(["Kim Jong Un is in Russia", "In Russia: Kim Jong Un is there"])
    >>> [column.tolist() for column in shared_passages(tokens, np.zeros(13, dtype=np.bool_))]
    [[0], [8], [4]]
    """
    # Twice the words, to stay with integers: a character of a script without spaces is half a word.
    weight = np.zeros(len(tokens.hashes) + 1, dtype=np.int32)
    np.cumsum(np.where(tokens.unspaced, np.int8(1), np.int8(2)), out=weight[1:])
    runs = _longest_matches(tokens.hashes, excluded, int(tokens.offsets[1]))
    words = weight[runs.left + runs.sizes] - weight[runs.left]
    order = np.lexsort((runs.right, runs.left, -words))
    return _without_nested(runs.take(order[words[order] >= 2 * MIN_WORDS]))


def _without_nested(runs: Runs) -> Runs:
    """The first `MAX_PASSAGES` runs that are not inside an earlier one in either text."""
    chosen: list[int] = []
    remaining = np.arange(len(runs.left))
    while len(remaining) and len(chosen) < MAX_PASSAGES:
        chosen.append(int(remaining[0]))
        inside = np.zeros(len(remaining), dtype=np.bool_)
        for first in (runs.left, runs.right):
            begins, ends = first[remaining], first[remaining] + runs.sizes[remaining]
            inside |= (begins >= begins[0]) & (ends <= ends[0])
        remaining = remaining[~inside]
    return runs.take(np.array(chosen, dtype=np.int64))


def _longest_matches(hashes: Hashes, excluded: Flags, split: int) -> Runs:
    """The longest match in the right text of each place of the left, unless it is inside the match of the place before.

    The matches that remain are maximal: if one could begin earlier, the place before would have a match longer by one.
    """
    symbols = _symbols(hashes, excluded, split)
    sides = np.repeat(np.array([0, 2, 1, 2], dtype=np.int8), [split, 1, len(hashes) - split, 1])
    levels, order = _ranks(symbols, sides)
    sides = sides[order]
    best, other = np.full((2, split), -1, dtype=np.int32)
    for neighbours in (_nearest_before, _nearest_behind):
        nearest = neighbours(sides == 1)  # of the right text, to each suffix in sorted order
        for part in slices(0, len(order), PART):
            lefts = part.start + np.flatnonzero((sides[part] == 0) & (nearest[part] >= 0))
            mine, theirs = order[lefts], order[nearest[lefts]]
            sizes = _common_prefixes(levels, mine, theirs)
            longer = (sizes > best[mine]) | ((sizes == best[mine]) & (theirs < other[mine]))
            best[mine[longer]], other[mine[longer]] = sizes[longer], theirs[longer]
        del nearest
    goes_on = np.zeros(split, dtype=np.bool_)  # inside the match of the place before
    goes_on[1:] = best[1:] < best[:-1]
    starts = np.flatnonzero((best > 0) & ~goes_on)
    return Runs(
        starts, other[starts].astype(np.int64) - 1, best[starts].astype(np.int64)
    )  # a symbol is between the texts


def _nearest_before(marked: Flags) -> Ranks:
    """Last marked place up to each, -1 where there is none."""
    nearest = np.arange(len(marked), dtype=np.int32)
    nearest[~marked] = -1
    return np.maximum.accumulate(nearest, out=nearest)


def _nearest_behind(marked: Flags) -> Ranks:
    """First marked place from each on, -1 where there is none."""
    nearest = _nearest_before(marked[::-1])[::-1]
    nearest[nearest >= 0] = len(marked) - 1 - nearest[nearest >= 0]
    return nearest


def _symbols(hashes: Hashes, excluded: Flags, split: int) -> Ranks:
    """Left text, end, right text, end: one number for each distinct token, and one for each end and excluded token.

    So no match contains one of these.
    """
    distinct = np.sort(hashes)
    distinct = distinct[run_starts(distinct)]
    numbers = np.empty(len(hashes), dtype=np.int32)
    for part in slices(0, len(hashes), PART):
        numbers[part] = np.searchsorted(distinct, hashes[part])
    own = len(distinct) + np.arange(np.count_nonzero(excluded) + 2, dtype=np.int32)
    numbers[excluded] = own[:-2]
    return np.concatenate([numbers[:split], own[-2:-1], numbers[split:], own[-1:]])


# Of the ranks of runs of 1, 2, 4, 8 ... symbols one in so many is kept: all of them would be twenty for each token.
_KEPT = 5

# Numbers of symbols below 2**21, three of which fit in 64 bits.
_PACKED_BITS = 21


def _ranks(symbols: Ranks, sides: NDArray[np.int8]) -> tuple[list[Ranks], Ranks]:
    """Ranks of the runs of 1, 32, 1,024 ... symbols from each place that the texts share, and the sorted places.

    Places are sorted by their runs of as many symbols as the texts share none of, and then by place.
    """
    levels, rank, size = list[Ranks](), symbols, 1
    order = np.argsort(symbols, kind="stable").astype(np.int32)
    for doubled in count():
        on_left, on_right = np.zeros((2, int(rank.max()) + 1), dtype=np.bool_)
        on_left[rank[sides == 0]] = on_right[rank[sides == 1]] = True
        if not (on_left & on_right).any():
            break
        if doubled % _KEPT == 0:
            levels.append(rank)
        del order  # of long texts it is large
        rank, order = _doubled(rank, size)
        size *= 2
    return levels, order


def _doubled(rank: Ranks, size: int) -> tuple[Ranks, Ranks]:
    """Ranks of runs twice as long as those of `size` symbols, and the places sorted by them and then by place."""
    n = len(rank)
    n, bits = len(rank), np.uint64(max(len(rank), int(rank.max()) + 1).bit_length())
    # A run that reaches the end contains the last symbol, which occurs once, so that nothing need follow.
    behind = np.zeros(n, dtype=np.int32)
    behind[: max(n - size, 0)] = rank[size:]
    if bits > _PACKED_BITS:
        order = np.lexsort((behind, rank)).astype(np.int32)
        fresh = np.ones(n, dtype=np.bool_)
        fresh[1:] = (np.diff(rank[order]) != 0) | (np.diff(behind[order]) != 0)
        doubled = np.empty(n, dtype=np.int32)
        doubled[order] = np.cumsum(fresh, dtype=np.int32) - np.int32(1)
        return doubled, order
    packed = np.empty(n, dtype=np.uint64)  # plain integers are sorted faster than an index, and where they are
    for part in slices(0, n, PART):
        packed[part] = rank[part].astype(np.uint64) << bits | behind[part].astype(np.uint64)
        packed[part] = packed[part] << bits | np.arange(part.start, part.stop, dtype=np.uint64)
    del behind
    packed.sort()
    doubled, order = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    last, number = packed[0] >> bits, 0
    for part in slices(0, n, PART):
        order[part] = packed[part] & ((np.uint64(1) << bits) - np.uint64(1))
        runs = packed[part] >> bits
        numbers = number + np.cumsum(np.concatenate([[runs[0] != last], runs[1:] != runs[:-1]]))
        doubled[order[part]] = numbers
        last, number = runs[-1], int(numbers[-1])
    return doubled, order


def _common_prefixes(levels: list[Ranks], left: Ranks, right: Ranks) -> Ranks:
    """How many symbols are equal from each pair of places on."""
    sizes = np.zeros(len(left), dtype=np.int32)
    for level, rank in reversed(list(enumerate(levels))):
        step = 1 << level * _KEPT
        going = np.arange(len(left))
        while len(going):  # at most 2**_KEPT - 1 times, since they share no run of the next level
            # A common run ends before an end of a text, so that no place is beyond the last.
            ahead = sizes[going]
            going = going[rank[left[going] + ahead] == rank[right[going] + ahead]]
            sizes[going] += step
    return sizes
