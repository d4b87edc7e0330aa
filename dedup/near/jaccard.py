"""Texts as sets of shingles: their sizes and what two of them share, exactly."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dedup.parallel import ordered_map

_SHINGLES_AT_ONCE = 1 << 17


class ShingleSets:
    """The shingles of texts, one text after the other, and exact answers about them as sets.

    Parameters
    ----------
    shingles : ndarray of uint64, shape (n_shingles,)
        Hashes; repeats within a text are allowed.
    offsets : ndarray of int64, shape (n_texts + 1,)
        Text `i` has ``shingles[offsets[i]:offsets[i + 1]]``.
    n_jobs : int, optional
        Threads; None or -1 means all processors.

    Notes
    -----
    Exact but for collisions of 63-bit hashes. Work goes on in blocks of texts or pairs of like size, so that the
    rows of a block's matrix have little padding; memory is 4 MB a thread.
    """

    def __init__(self, shingles: NDArray[np.uint64], offsets: NDArray[np.int64], n_jobs: int | None = None) -> None:
        self.shingles = shingles
        self.offsets, self.lengths = offsets, np.diff(offsets)
        self.n_jobs = n_jobs

    def sizes(self, texts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Distinct shingles of each of the texts, none of which is blank, shape (n,)."""

        def count(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
            rows = self._rows(texts[chosen])
            rows |= np.uint64(1)
            rows.sort(axis=1)
            return np.asarray(1 + np.count_nonzero(rows[:, 1:] != rows[:, :-1], axis=1))

        return self._by_block(count, self.lengths[texts])

    def shared(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Distinct shingles that the texts of each pair, none of which is blank, have in common, shape (n_pairs,)."""

        def count(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
            left, right = self._rows(pairs[chosen, 0]), self._rows(pairs[chosen, 1])
            rows = np.empty((len(chosen), left.shape[1] + right.shape[1]), dtype=np.uint64)
            # Both texts in one sorted row, the lowest bit telling which: a shared shingle steps by exactly 1.
            np.bitwise_and(left, ~np.uint64(1), out=rows[:, : left.shape[1]])
            np.bitwise_or(right, np.uint64(1), out=rows[:, left.shape[1] :])
            rows.sort(axis=1)
            return np.asarray(np.count_nonzero((rows[:, 1:] ^ rows[:, :-1]) == np.uint64(1), axis=1))

        return self._by_block(count, self.lengths[pairs].sum(axis=1))

    def sums(self) -> NDArray[np.uint64]:
        """The sum of each text's hashes modulo 2**64: equal for equal texts, in whatever order, shape (n_texts,)."""
        filled = np.flatnonzero(self.lengths)
        sums = np.zeros(len(self.lengths), dtype=np.uint64)
        if len(filled):
            sums[filled] = np.add.reduceat(self.shingles, self.offsets[filled])
        return sums

    def overlaps(self, pairs: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Jaccard similarity and containment of each pair, each of shape (n_pairs,), in [0, 1].

        Containment is the share of the smaller set that the larger holds too. Of two empty sets both are 1, of an
        empty and another one 0.
        """
        members, place = np.unique(pairs, return_inverse=True)
        filled = self.lengths[members] > 0
        sizes = np.zeros(len(members), dtype=np.int64)
        sizes[filled] = self.sizes(members[filled])
        left, right = sizes[place.reshape(pairs.shape)].T
        shared = np.zeros(len(pairs), dtype=np.int64)
        both = (left > 0) & (right > 0)
        shared[both] = self.shared(pairs[both])
        union, smaller = left + right - shared, np.minimum(left, right)
        jaccard = np.divide(shared, union, out=np.ones(len(pairs)), where=union > 0)
        containment = np.divide(shared, smaller, out=(union == 0).astype(np.float64), where=smaller > 0)
        return jaccard, containment

    def _rows(self, texts: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Shingles of texts as rows of one length; shorter ones repeat their last, which adds nothing distinct."""
        lengths = self.lengths[texts]
        place = np.arange(int(lengths.max()))
        rows: NDArray[np.uint64] = self.shingles.take(
            self.offsets[texts, None] + np.minimum(place, lengths[:, None] - 1)
        )
        return rows

    def _by_block(
        self, count: Callable[[NDArray[np.int64]], NDArray[np.int64]], lengths: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        counts = np.zeros(len(lengths), dtype=np.int64)
        chosen = list(_blocks_of_like_length(lengths))
        for block, values in zip(chosen, ordered_map(count, chosen, self.n_jobs), strict=True):
            counts[block] = values
        return counts


def _blocks_of_like_length(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Positions in blocks of about `_SHINGLES_AT_ONCE` shingles, or of one item; lengths within a factor of two."""
    order = np.argsort(lengths, kind="stable")
    ascending = lengths[order]
    first = 0
    while first < len(order):
        shortest = max(1, int(ascending[first]))
        alike = int(np.searchsorted(ascending, 2 * shortest, side="right"))
        stop = max(first + 1, min(first + _SHINGLES_AT_ONCE // shortest, alike))
        yield order[first:stop]
        first = stop
