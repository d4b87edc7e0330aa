"""Texts as sets of shingles: exact sizes and overlaps."""

import secrets
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from dedup.arrays import Floats, Hashes, Integers
from dedup.kernel import kernel
from dedup.parallel import ordered_map

_BLOCK_SHINGLES = 1 << 17

_COPIED_AT_ONCE = 1 << 20

# Of blocks that the kernel counts: its tables are as large as one text needs.
_COMPILED_SHINGLES = 1 << 20

# Another one in each process, so that nobody can write texts whose shingles all meet in one slot. Counts do not
# depend on it.
_SALT = secrets.randbits(64) | 1


class ShingleSets:
    """The shingles of texts, one text after the other, compared as sets.

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
    Exact but for collisions of 63-bit hashes. Texts or pairs of similar size are processed in one block, so that the
    rows of the block's matrix have little padding; memory is 4 MB a thread.
    """

    def __init__(self, shingles: Hashes, offsets: Integers, n_jobs: int | None = None) -> None:
        self.shingles: Hashes = shingles
        self.offsets: Integers = offsets
        self.n_jobs: int | None = n_jobs
        self.lengths: Integers = np.diff(offsets)

    def of(self, texts: Integers) -> "ShingleSets":
        """The sets of some texts alone."""
        lengths = self.lengths[texts]
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        compiled = kernel()
        if compiled is None:
            return ShingleSets(self._copied(texts, lengths, offsets), offsets, self.n_jobs)
        shingles = np.empty(offsets[-1], dtype=np.uint64)
        texts = np.ascontiguousarray(texts)
        compiled.copy_sets(*self._contiguous(), texts, len(texts), shingles)
        return ShingleSets(shingles, offsets, self.n_jobs)

    def _copied(self, texts: Integers, lengths: Integers, offsets: Integers) -> Hashes:
        """The shingles of some texts, one text after the other."""
        shingles = np.empty(offsets[-1], dtype=np.uint64)
        moves = self.offsets[texts] - offsets[:-1]
        # Some texts at a time, since the places of shingles take as much memory as these.
        bounds = np.searchsorted(offsets, np.arange(0, offsets[-1], _COPIED_AT_ONCE)).tolist()
        for first, stop in pairwise([*bounds, len(texts)]):
            own = slice(offsets[first], offsets[stop])
            place = np.repeat(moves[first:stop], lengths[first:stop])
            place += np.arange(own.start, own.stop)
            shingles[own] = self.shingles[place]
        return shingles

    def sizes(self, texts: Integers) -> Integers:
        """Number of distinct shingles of each text, shape (n,); no text may be blank."""
        compiled = kernel()
        if compiled is not None:
            return self._compiled(compiled.distinct, texts, self.lengths[texts], self.lengths[texts])
        return self._by_block(lambda chosen: self._distinct(texts[chosen]), self.lengths[texts])

    def shared(self, pairs: Integers) -> Integers:
        """Number of distinct shingles that the texts of each pair share, shape (n_pairs,); no text may be blank."""
        lengths = self.lengths[pairs]
        compiled = kernel()
        if compiled is not None:
            return self._compiled(compiled.shared, np.ascontiguousarray(pairs), lengths[:, 0], lengths.sum(axis=1))
        return self._by_block(lambda chosen: self._shared(pairs[chosen]), lengths.sum(axis=1))

    def _compiled(self, count: Callable[..., None], items: Integers, held: Integers, lengths: Integers) -> Integers:
        """What the kernel counts for texts or pairs, of which a table holds `held` shingles at a time."""
        counts = np.zeros(len(items), dtype=np.int64)
        shingles, offsets = self._contiguous()

        def count_block(block: slice) -> None:
            bits = (2 * int(held[block].max(initial=0)) | 1).bit_length()
            slots = np.zeros(2 << bits, dtype=np.uint64)
            count(shingles, offsets, items[block], len(items[block]), slots, bits, _SALT, counts[block])

        blocks = np.flatnonzero(np.diff(np.cumsum(lengths) // _COMPILED_SHINGLES)) + 1
        bounds = [0, *blocks.tolist(), len(items)]
        list(ordered_map(count_block, map(slice, bounds[:-1], bounds[1:]), self.n_jobs))
        return counts

    def _contiguous(self) -> tuple[Hashes, Integers]:
        return np.ascontiguousarray(self.shingles), np.ascontiguousarray(self.offsets)

    def _distinct(self, texts: Integers) -> Integers:
        """Number of distinct shingles of each text of a block, in NumPy."""
        rows = self._rows(texts)
        rows |= np.uint64(1)
        rows.sort(axis=1)
        return np.asarray(1 + np.count_nonzero(rows[:, 1:] != rows[:, :-1], axis=1))

    def _shared(self, pairs: Integers) -> Integers:
        """Number of distinct shingles that the texts of each pair of a block share, in NumPy."""
        left, right = self._rows(pairs[:, 0]), self._rows(pairs[:, 1])
        rows = np.empty((len(pairs), left.shape[1] + right.shape[1]), dtype=np.uint64)
        # Both texts stand in one sorted row, marked by the lowest bit: a shared shingle is a step of exactly 1.
        np.bitwise_and(left, ~np.uint64(1), out=rows[:, : left.shape[1]])
        np.bitwise_or(right, np.uint64(1), out=rows[:, left.shape[1] :])
        rows.sort(axis=1)
        return np.asarray(np.count_nonzero((rows[:, 1:] ^ rows[:, :-1]) == np.uint64(1), axis=1))

    def sums(self) -> Hashes:
        """Sum of the hashes of each text modulo 2**64, shape (n_texts,): equal for equal texts in any order."""
        filled = np.flatnonzero(self.lengths)
        sums = np.zeros(len(self.lengths), dtype=np.uint64)
        if len(filled):
            sums[filled] = np.add.reduceat(self.shingles, self.offsets[filled])
        return sums

    def overlaps(self, pairs: Integers) -> tuple[Floats, Floats]:
        """Jaccard similarity and containment of each pair, each of shape (n_pairs,), in [0, 1].

        Containment is the share of the smaller set that the larger one has too. Two empty sets have 1 in both, an
        empty and another set 0.
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

    def _rows(self, texts: Integers) -> Hashes:
        """Shingles of texts as rows of one length; shorter texts repeat their last shingle."""
        lengths = self.lengths[texts]
        place = np.arange(int(lengths.max()))
        rows: Hashes = self.shingles.take(self.offsets[texts, None] + np.minimum(place, lengths[:, None] - 1))
        return rows

    def _by_block(self, count: Callable[[Integers], Integers], lengths: Integers) -> Integers:
        counts = np.zeros(len(lengths), dtype=np.int64)
        blocks = list(_blocks_of_similar_length(lengths))
        for block, values in zip(blocks, ordered_map(count, blocks, self.n_jobs), strict=True):
            counts[block] = values
        return counts


def _blocks_of_similar_length(lengths: Integers) -> Iterator[Integers]:
    """Positions in blocks of at most about `_BLOCK_SHINGLES` shingles, whose lengths are within a factor of two."""
    order = np.argsort(lengths, kind="stable")
    ascending = lengths[order]
    first = 0
    while first < len(order):
        shortest = max(1, int(ascending[first]))
        similar = int(np.searchsorted(ascending, 2 * shortest, side="right"))
        stop = max(first + 1, min(first + _BLOCK_SHINGLES // shortest, similar))
        yield order[first:stop]
        first = stop
