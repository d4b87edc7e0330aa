"""Tokens -> places of passages, and which of those recur in several texts."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Hashes, Integers, run_starts
from dedup.near.shingles import run_hashes
from dedup.text.tokens import Tokens, mix

#: Passages that are sorted at once.
_AT_ONCE = 1 << 22

_LINE_FEED = ord("\n")
_MULTIPLIER = np.uint64(0xD1342543DE82EF95)

#: The columns of `dedup.near.repeats.RepeatedPassages`.
Passages = tuple[Integers, Integers, Integers, Integers, Flags, Integers, Integers]


class Occurrences(NamedTuple):
    """Places where passages may begin, by text and place; all of shape (n,)."""

    texts: NDArray[np.int32]
    starts: NDArray[np.int32]  # character
    stops: NDArray[np.int32]  # of runs, of the word that begins here; of units, where it and what parts it ends
    hashes: Hashes
    valid: Flags  # of runs, whether there are enough words behind it in the text

    @classmethod
    def joined(cls, parts: "list[Occurrences]") -> "Occurrences":
        """Those of all blocks, which are emptied on the way, as they take as much memory."""
        empty = [np.empty(0, dtype) for dtype in (np.int32, np.int32, np.int32, np.uint64, np.bool_)]
        columns: list[list[Any]] = [list(column) for column in zip(empty, *parts, strict=True)]
        parts.clear()
        whole: list[Any] = []
        while columns:
            whole.append(np.concatenate(columns.pop(0)))
        return cls(*whole)


def _characters(tokens: Tokens) -> tuple[Integers, Integers]:
    """Where each token begins and ends in the joined texts."""
    return tokens.characters(tokens.starts), tokens.characters(tokens.stops - 1) + 1


def runs(tokens: Tokens, size: int) -> Occurrences:
    """Every word, with the hash of the run of `size` words from it on."""
    texts = tokens.text_indices
    begins, ends = _characters(tokens)
    shift = tokens.text_starts[texts]
    valid = np.arange(len(texts)) + size <= tokens.offsets[texts + 1]
    places = ((begins - shift).astype(np.int32), (ends - shift).astype(np.int32))
    return Occurrences(texts.astype(np.int32), *places, run_hashes(tokens, size), valid)


def units(tokens: Tokens, line_feeds: int, min_words: int) -> Occurrences:
    """Every stretch of enough words without so many line feeds between two of them: a line with 1, a paragraph with 2.

    It goes from the beginning of its first line to that of the line behind its last, so that removing it leaves no
    blank line.
    """
    texts = tokens.text_indices
    begins, _ = _characters(tokens)
    feeds = np.flatnonzero(tokens.codes == _LINE_FEED)
    line = np.searchsorted(feeds, begins)
    new = np.ones(len(texts), dtype=np.bool_)
    new[1:] = (np.diff(line) >= line_feeds) | (np.diff(texts) > 0)
    first = np.flatnonzero(new)
    sizes = np.diff(np.append(first, len(texts)))
    powers = np.multiply.accumulate(np.full(int(sizes.max(initial=1)), _MULTIPLIER))
    terms = tokens.hashes * powers[np.arange(len(texts)) - np.repeat(first, sizes)]
    hashes = mix(np.add.reduceat(terms, first)) if len(first) else terms
    long = np.flatnonzero(sizes >= min_words)
    first, last, own = first[long], first[long] + sizes[long] - 1, texts[first[long]]
    bounds = np.concatenate([np.zeros(1, dtype=np.int64), feeds + 1])
    shift = tokens.text_starts[own]
    starts = np.maximum(bounds[line[first]], shift) - shift
    stops = np.minimum(bounds[line[last] + 1], tokens.text_starts[own + 1] - 1) - shift
    places = own.astype(np.int32), starts.astype(np.int32), stops.astype(np.int32)
    return Occurrences(*places, hashes[long], np.ones(len(long), dtype=np.bool_))


def count_texts(found: Occurrences, min_texts: int) -> tuple[NDArray[np.int32], Integers]:
    """Number of texts with the passage at each place, 0 for fewer than `min_texts`, and the first such place."""
    counts, first = np.zeros(len(found.hashes), dtype=np.int32), np.zeros(len(found.hashes), dtype=np.int64)
    bits = (len(found.hashes) // _AT_ONCE).bit_length()
    upper = found.hashes >> np.uint64(64 - bits) if bits else np.zeros(len(found.hashes), dtype=np.uint64)
    for part in range(1 << bits):
        places = np.flatnonzero(found.valid & (upper == np.uint64(part)))
        places = places[np.argsort(found.hashes[places], kind="stable")]
        hashes, texts = found.hashes[places], found.texts[places]
        starts = run_starts(hashes)
        sizes = np.diff(np.append(starts, len(places)))
        new_text = np.ones(len(places), dtype=np.int32)
        new_text[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
        of_texts = np.add.reduceat(new_text, starts) if len(starts) else new_text
        of_texts[of_texts < min_texts] = 0
        counts[places] = np.repeat(of_texts, sizes)
        first[places] = np.repeat(places[starts], sizes)
    return counts, first


def repeated_units(found: Occurrences, counts: NDArray[np.int32], first: Integers) -> Passages:
    """The units that recur."""
    places = np.flatnonzero(counts)
    return _passages(found, places, places, first[places], counts[places].astype(np.int64), first[places] == places)


def stretches(found: Occurrences, counts: NDArray[np.int32], first: Integers, size: int) -> Passages:
    """Stretches of words that recurring runs of `size` words cover; those that are new in their text are apart."""
    n = len(counts)
    repeated = np.flatnonzero(counts)
    covered = _covered(repeated, size, n)
    is_new = _covered(repeated[first[repeated] == repeated], size, n)
    change = np.ones(n, dtype=np.bool_)
    change[1:] = (covered[1:] != covered[:-1]) | (is_new[1:] != is_new[:-1]) | (found.texts[1:] != found.texts[:-1])
    begins = np.flatnonzero(change)
    ends = np.append(begins[1:], n)[: len(begins)] - 1
    begins, ends = begins[covered[begins]], ends[covered[begins]]
    if not len(begins):
        return _passages(found, begins, ends, begins, begins, is_new[begins])
    # The run from the first word of a stretch on or, where the stretch is the rest of one, the last before it.
    source = repeated[np.searchsorted(repeated, begins, side="right") - 1]
    most = counts[source].astype(np.int64)
    stretch = np.searchsorted(begins, repeated, side="right") - 1
    starts = run_starts(stretch)
    most[stretch[starts]] = np.maximum(most[stretch[starts]], np.maximum.reduceat(counts[repeated], starts))
    return _passages(found, begins, ends, first[source], most, is_new[begins])


def _passages(
    found: Occurrences, begins: Integers, ends: Integers, first: Integers, counts: Integers, are_first: Flags
) -> Passages:
    """The columns of passages from and to these places, which stand first at others."""
    columns = found.texts[begins], found.starts[begins], found.stops[ends], found.texts[first], found.starts[first]
    texts, starts, stops, first_texts, first_starts = (column.astype(np.int64) for column in columns)
    return texts, starts, stops, counts, are_first, first_texts, first_starts


def _covered(places: Integers, size: int, n: int) -> Flags:
    """Which of n places are within `size` places from one of these on."""
    starts, stops = np.zeros((2, n + 1), dtype=np.int8)
    starts[places], stops[places + size] = 1, 1  # each place is there once
    return np.asarray(np.cumsum((starts - stops)[:n], dtype=np.int32) > 0)
