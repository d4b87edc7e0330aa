"""Two texts -> the passages that both have."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.text.tokens import Tokens

#: The shortest passage, in words; two characters of a script without spaces count as one.
LEAST_WORDS = 3

#: How many are given at most.
MOST_PASSAGES = 50


class Runs(NamedTuple):
    """Runs of tokens that two texts share, all of shape (n_runs,).

    Attributes
    ----------
    left, right : ndarray of int64
        First token in either text.
    sizes : ndarray of int64
        Tokens.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> "Runs":
        """Some of the runs."""
        return Runs(self.left[chosen], self.right[chosen], self.sizes[chosen])


def shared_passages(tokens: Tokens, barred: NDArray[np.bool_]) -> Runs:
    """The longest runs of tokens that two texts have in common, longest first.

    Each is maximal: it is longer at neither end. One that lies within a longer one in either text is left out.

    Parameters
    ----------
    tokens : Tokens
        Of two texts.
    barred : ndarray of bool, shape (n_tokens,)
        Tokens that no run may have.

    Returns
    -------
    Runs
        Places among `tokens`; `MOST_PASSAGES` at most.

    Notes
    -----
    O(n log n) time and memory for n tokens, however often they repeat: the texts' suffixes are sorted by prefix
    doubling (Manber and Myers 1993, "Suffix arrays"), as far as the texts agree, and the longest match of a place is
    with a neighbour of its suffix.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> tokens = tokenize(["Kim Jong Un is in Russia", "In Russia: Kim Jong Un is there"])
    >>> [column.tolist() for column in shared_passages(tokens, np.zeros(13, dtype=np.bool_))]
    [[0], [8], [4]]
    """
    split = int(tokens.offsets[1])
    # Twice the words, in whole numbers: a character of a script without spaces is half a word.
    weight = np.concatenate([[0], np.cumsum(np.where(tokens.unspaced, 1, 2))])
    runs = _longest_at_each_place(tokens.hashes, barred, split)
    words = weight[runs.left + runs.sizes] - weight[runs.left]
    order = np.lexsort((runs.right, runs.left, -words))
    return _apart(runs.take(order[words[order] >= 2 * LEAST_WORDS]))


def _apart(runs: Runs) -> Runs:
    """The first runs that do not lie within an earlier one in either text."""
    kept: list[int] = []
    left = np.arange(len(runs.left))  # places of the runs that may still be kept
    while len(left) and len(kept) < MOST_PASSAGES:
        longest = left[0]
        kept.append(int(longest))
        inside = np.zeros(len(left), dtype=np.bool_)
        for first in (runs.left, runs.right):
            begins, ends = first[left], first[left] + runs.sizes[left]
            inside |= (begins >= begins[0]) & (ends <= ends[0])
        left = left[~inside]
    return runs.take(np.array(kept, dtype=np.int64))


def _longest_at_each_place(hashes: NDArray[np.uint64], barred: NDArray[np.bool_], split: int) -> Runs:
    """The longest match in the right text of each place of the left, but of those inside the match of the one before.

    What is left is maximal: could a match begin earlier, the place before would have one that is longer by one.
    """
    symbols, sides = _symbols(hashes, barred, split)
    ranks = _ranks(symbols, sides)
    order = np.argsort(ranks[-1], kind="stable")
    places = np.arange(len(order))
    is_right = sides[order] == 1
    # The suffix of the right text before and behind each suffix, in their order.
    before = np.maximum.accumulate(np.where(is_right, places, -1))
    behind = np.minimum.accumulate(np.where(is_right, places, len(order))[::-1])[::-1]
    lefts = np.flatnonzero(sides[order] == 0)
    left = order[lefts]
    best, other = np.full((2, len(symbols)), -1)
    for neighbour in (before[lefts], behind[lefts]):
        there = (neighbour >= 0) & (neighbour < len(order))
        mine, theirs = left[there], order[neighbour[there]]
        sizes = _common(ranks, mine, theirs)
        longer = (sizes > best[mine]) | ((sizes == best[mine]) & (theirs < other[mine]))
        best[mine[longer]], other[mine[longer]] = sizes[longer], theirs[longer]
    best, other = best[:split], other[:split]
    starts = np.flatnonzero((best > 0) & (best >= np.concatenate([[0], best[:-1]])[:split]))
    return Runs(starts, other[starts] - 1, best[starts])  # one symbol stands between the texts


def _symbols(
    hashes: NDArray[np.uint64], barred: NDArray[np.bool_], split: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A number for each distinct token of left text, end, right text, end; and 0, 2, 1, 2 for these.

    Ends and barred tokens have numbers of their own, so that no run goes across.
    """
    distinct, numbers = np.unique(hashes, return_inverse=True)
    numbers = np.where(barred, len(distinct) + np.arange(len(hashes)), numbers)
    last = len(distinct) + len(hashes)
    symbols = np.concatenate([numbers[:split], [last], numbers[split:], [last + 1]])
    sides = np.repeat([0, 2, 1, 2], [split, 1, len(hashes) - split, 1])
    return symbols.astype(np.int64), sides


def _ranks(symbols: NDArray[np.int64], sides: NDArray[np.int64]) -> list[NDArray[np.int32]]:
    """Rank of the run of 1, 2, 4 ... symbols from each place; the last are longer than any that both texts have."""
    ranks: list[NDArray[np.int32]] = []
    runs, count = symbols, len(symbols)
    while True:
        # There is a list for each doubling: half the memory in half the bits.
        ranks.append(np.unique(runs, return_inverse=True)[1].astype(np.int32))
        rank = ranks[-1]
        on_left, on_right = (np.bincount(rank[sides == side], minlength=count) > 0 for side in (0, 1))
        if not (on_left & on_right).any():
            return ranks
        size = 1 << (len(ranks) - 1)
        # Behind the end is nothing to compare: a run that reaches it has the last symbol, which is nowhere else.
        runs = rank.astype(np.int64) * count
        runs[: max(count - size, 0)] += rank[size:]


def _common(ranks: list[NDArray[np.int32]], left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many symbols are equal from each pair of places on."""
    sizes = np.zeros(len(left), dtype=np.int64)
    for level in range(len(ranks) - 1, -1, -1):
        # A common run ends before an end of a text, so that no place is beyond the last.
        sizes += np.where(ranks[level][left + sizes] == ranks[level][right + sizes], 1 << level, 0)
    return sizes
