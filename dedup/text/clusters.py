"""Group the characters of scripts without spaces into clusters, and those into runs.

A Han or kana character is a cluster of its own. In Thai, Lao, Khmer and Burmese a character is a letter or a mark: a
cluster is a consonant with its vowel signs, tones and the consonants written below it, about half a syllable.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, Flags, Hashes, Integers, by_parts, slices
from dedup.text.tokens import Tokens, mix

_MULTIPLIER = np.uint64(0xD1342543DE82EF95)

# Thai and Lao; Myanmar; Khmer (inclusive ranges)
_ALPHABETS = (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF)
_TABLE_SIZE = 0x1800

# Vowels that are written as letters behind or before their consonant: Thai, then Lao.
_VOWELS_BEHIND = 0x0E30, 0x0E32, 0x0E33, 0x0E45, 0x0EB0, 0x0EB2, 0x0EB3, 0x0EBD
_VOWELS_BEFORE = *range(0x0E40, 0x0E45), *range(0x0EC0, 0x0EC5)

#: The consonant behind one of these is written below the one before: Myanmar's virama, Khmer's coeng.
_STACKERS = 0x1039, 0x17D2


class Clusters(NamedTuple):
    """The clusters of a block of texts; all arrays have shape (n_clusters,)."""

    # first and last of the cluster's tokens
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    hashes: Hashes  # equal for equal clusters
    alphabetic: Flags  # whether it is of an alphabet
    # number of the stretch of text it stands in: such clusters follow each other without anything between them
    stretches: NDArray[np.int32]


class ClusterRuns(NamedTuple):
    """Runs of clusters within a stretch; all arrays have shape (n_runs,)."""

    # first and last of the run's tokens
    first: Integers
    last: Integers
    hashes: Hashes  # equal for equal runs of one size


def clusters_of(tokens: Tokens) -> Clusters:
    """Return the clusters of a block of texts, in time linear in its tokens.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> tokens = tokenize(["Kim เยือน 京都"])
    >>> clusters = clusters_of(tokens)
    >>> ends = zip(tokens.starts[clusters.first], tokens.stops[clusters.last])
    >>> [bytes(tokens.folded[start:stop]).decode() for start, stop in ends]
    ['เยื', 'อ', 'น', '京', '都']
    >>> clusters.alphabetic.tolist(), clusters.stretches.tolist()
    ([True, True, True, False, False], [0, 0, 0, 1, 1])
    """
    place = np.flatnonzero(tokens.unspaced).astype(np.int32)
    codes = by_parts(partial(_code_points, tokens), place)
    alphabetic, behind, before = (table[codes] for table in _joins())
    # Whether each character follows the one before without anything between them; texts have a line feed between them.
    follows = np.zeros(len(place), dtype=np.bool_)
    for part in slices(1, len(place), PART):
        follows[part] = tokens.starts[place[part]] == tokens.stops[place[part.start - 1 : part.stop - 1]]
    follows[1:] &= alphabetic[1:] == alphabetic[:-1]
    joins = follows & behind
    joins[1:] |= follows[1:] & before[:-1]
    starts = np.flatnonzero(~joins).astype(np.int32)
    stops = np.append(starts[1:], len(place))[: len(starts)].astype(np.int32)
    stretches = np.cumsum(~follows, dtype=np.int32)[starts] - np.int32(1)
    hashes = _hashes(tokens.hashes, place, starts, stops)
    return Clusters(place[starts], place[stops - 1], hashes, alphabetic[starts], stretches)


def _hashes(tokens: Hashes, place: NDArray[np.int32], starts: NDArray[np.int32], stops: NDArray[np.int32]) -> Hashes:
    """Hashes of clusters: polynomials of those of their tokens, some clusters at a time."""
    powers = np.multiply.accumulate(np.full(int((stops - starts).max(initial=1)), _MULTIPLIER))
    hashes, first = np.empty(len(starts), dtype=np.uint64), 0
    while first < len(starts):
        stop = max(first + 1, int(np.searchsorted(stops, np.int32(starts[first] + PART), side="right")))
        own = starts[first:stop] - starts[first]
        ranks = np.arange(stops[stop - 1] - starts[first]) - np.repeat(own, stops[first:stop] - starts[first:stop])
        terms = powers[ranks]
        terms *= tokens[place[starts[first] : stops[stop - 1]]]
        hashes[first:stop] = mix(np.add.reduceat(terms, own))
        first = stop
    return hashes


def runs_of(clusters: Clusters, size: int, wanted: Flags) -> Iterator[ClusterRuns]:
    """Yield the runs of `size` of the wanted clusters within one stretch, some at a time; at least one part.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> tokens = tokenize(["金正恩 金 正恩"])
    >>> clusters = clusters_of(tokens)
    >>> (runs,) = runs_of(clusters, 2, ~clusters.alphabetic)
    >>> runs.first.tolist(), runs.last.tolist(), bool(runs.hashes[1] == runs.hashes[2])
    ([0, 1, 4], [1, 2, 5], True)
    """
    for part in slices(0, max(len(clusters.first) - size + 1, 0), PART) or [slice(0, 0)]:
        # The clusters of a stretch are all wanted or all not.
        end = clusters.stretches[part.start + size - 1 : part.stop + size - 1]
        kept = part.start + np.flatnonzero(wanted[part] & (clusters.stretches[part] == end))
        hashes = clusters.hashes[kept]
        for k in range(1, size):
            hashes *= _MULTIPLIER
            hashes += clusters.hashes[kept + k]
        first, last = clusters.first[kept].astype(np.int64), clusters.last[kept + size - 1].astype(np.int64)
        yield ClusterRuns(first, last, mix(hashes))


def _code_points(tokens: Tokens, place: NDArray[np.int32]) -> NDArray[np.int16]:
    """Code points of folded characters of up to three bytes, but `_TABLE_SIZE` for all from there on."""
    start = tokens.starts[place]
    lead, second, third = (tokens.folded[start + k].astype(np.int64) for k in range(3))
    codes = np.where(lead < 0xF0, (lead & 0xF) << 12 | (second & 0x3F) << 6 | third & 0x3F, _TABLE_SIZE)
    return np.minimum(codes, _TABLE_SIZE).astype(np.int16)


@cache
def _joins() -> tuple[Flags, Flags, Flags]:
    """For each code point: whether it is of an alphabet, and whether it joins the character before it or behind it."""
    alphabetic, behind, before = np.zeros((3, _TABLE_SIZE + 1), dtype=np.bool_)
    for low, high in _ALPHABETS:
        alphabetic[low : high + 1] = True
        behind[[code for code in range(low, high + 1) if unicodedata.category(chr(code))[0] == "M"]] = True
    behind[[*_VOWELS_BEHIND]] = True
    before[[*_VOWELS_BEFORE, *_STACKERS]] = True
    return alphabetic, behind, before
