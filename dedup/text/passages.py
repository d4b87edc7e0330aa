"""Find the passages that two texts have in common."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Hashes, Integers
from dedup.text.tokens import Tokens

#: Words of the shortest passage; a word is two characters in a script without spaces.
MIN_WORDS = 3

#: Number of passages to return at most.
MAX_PASSAGES = 50


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
    weight = np.concatenate([[0], np.cumsum(np.where(tokens.unspaced, 1, 2))])
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
    # One number for each distinct token of left text, end, right text, end. Ends and excluded tokens have numbers of
    # their own, so that no match contains one.
    distinct, numbers = np.unique(hashes, return_inverse=True)
    numbers = np.where(excluded, len(distinct) + np.arange(len(hashes)), numbers)
    last = len(distinct) + len(hashes)
    symbols = np.concatenate([numbers[:split], [last], numbers[split:], [last + 1]]).astype(np.int64)
    sides = np.repeat([0, 2, 1, 2], [split, 1, len(hashes) - split, 1])
    ranks = _ranks(symbols, sides)
    order = np.argsort(ranks[-1], kind="stable")
    places = np.arange(len(order))
    is_right = sides[order] == 1
    # The nearest suffixes of the right text before and behind each suffix, in sorted order.
    before = np.maximum.accumulate(np.where(is_right, places, -1))
    behind = np.minimum.accumulate(np.where(is_right, places, len(order))[::-1])[::-1]
    lefts = np.flatnonzero(sides[order] == 0)
    left = order[lefts]
    best, other = np.full((2, len(symbols)), -1)
    for neighbour in (before[lefts], behind[lefts]):
        there = (neighbour >= 0) & (neighbour < len(order))
        mine, theirs = left[there], order[neighbour[there]]
        sizes = _common_prefixes(ranks, mine, theirs)
        longer = (sizes > best[mine]) | ((sizes == best[mine]) & (theirs < other[mine]))
        best[mine[longer]], other[mine[longer]] = sizes[longer], theirs[longer]
    best, other = best[:split], other[:split]
    starts = np.flatnonzero((best > 0) & (best >= np.concatenate([[0], best[:-1]])[:split]))
    return Runs(starts, other[starts] - 1, best[starts])  # one symbol stands between the texts


def _ranks(symbols: Integers, sides: Integers) -> list[NDArray[np.int32]]:
    """Ranks of the runs of 1, 2, 4 ... symbols from each place, until the texts share no run of that size."""
    ranks: list[NDArray[np.int32]] = []
    runs, count = symbols, len(symbols)
    while True:
        # There is a list for each doubling: half the memory in half the bits.
        rank = np.unique(runs, return_inverse=True)[1].astype(np.int32)
        ranks.append(rank)
        on_left, on_right = (np.bincount(rank[sides == side], minlength=count) > 0 for side in (0, 1))
        if not (on_left & on_right).any():
            return ranks
        size = 1 << (len(ranks) - 1)
        # A run that reaches the end contains the last symbol, which occurs once, so that nothing need follow.
        runs = rank.astype(np.int64) * count
        runs[: max(count - size, 0)] += rank[size:]


def _common_prefixes(ranks: list[NDArray[np.int32]], left: Integers, right: Integers) -> Integers:
    """How many symbols are equal from each pair of places on."""
    sizes = np.zeros(len(left), dtype=np.int64)
    for level, rank in reversed(list(enumerate(ranks))):
        # A common run ends before an end of a text, so that no place is beyond the last.
        sizes += np.where(rank[left + sizes] == rank[right + sizes], 1 << level, 0)
    return sizes
