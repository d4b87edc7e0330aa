"""Folded bytes -> where tokens begin and end, and their hashes.

Tokens begin and end where the class of a byte changes. All tokens are hashed together, eight bytes at a time.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Hashes, Integers, by_parts, ranks_in_runs
from dedup.kernel import kernel
from dedup.text.fold import FIRST_LETTER

#: Longer runs of letters are cut into tokens of this many bytes, so that no input makes hashing slow.
MAX_TOKEN_BYTES = 64

_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)  # SplitMix64's finaliser (Steele et al. 2014)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_LOWEST_BYTES = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)


class Words(NamedTuple):
    """The tokens of folded bytes."""

    starts: Integers  # (n_tokens,)
    stops: Integers
    offsets: Integers  # (n_texts + 1,): text `i` has the tokens ``offsets[i]:offsets[i + 1]``
    hashes: Hashes  # (n_tokens,)
    in_a_row: int  # at least the most tokens of at most `short_size` bytes that follow each other


def words_of(folded: NDArray[np.uint8], byte_starts: Integers, short_size: int) -> Words:
    """The tokens of texts, given their folded bytes, padded, and where those of each text begin and the last end."""
    compiled = kernel()
    if compiled is None:
        starts, stops = _bounds(folded)
        offsets = np.searchsorted(starts, byte_starts)
        return Words(starts, stops, offsets, _hashes(folded, starts, stops - starts), len(starts))
    room = int(byte_starts[-1]) // 2 + 1
    starts, stops = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    hashes = np.empty(room, dtype=np.uint64)
    offsets, in_a_row = np.empty_like(byte_starts), np.empty(1, dtype=np.int64)
    n_texts = len(byte_starts) - 1
    count = compiled.tokens(folded, byte_starts, n_texts, short_size, starts, stops, hashes, offsets, in_a_row)
    return Words(starts[:count], stops[:count], offsets, hashes[:count], int(in_a_row[0]))


def _bounds(folded: NDArray[np.uint8]) -> tuple[Integers, Integers]:
    """Starts and stops of the tokens in folded bytes, in NumPy."""
    word = folded >= FIRST_LETTER
    if folded.max(initial=0) < 0xE0 or not (lead := leads_unspaced(folded)).any():
        # Separators and letters of spaced scripts only: starts and stops alternate.
        differs = np.empty_like(word)
        differs[0] = word[0]
        np.not_equal(word[1:], word[:-1], out=differs[1:])
        changes = np.flatnonzero(differs)
        starts, stops = changes[::2], changes[1::2]
    else:
        # Each character of an unspaced script, its lead byte and those behind, is a token of its own.
        last_lead = np.maximum.accumulate(np.where(folded >= 0xC0, np.arange(len(folded)), 0))
        unspaced = (folded >= 0x80) & lead[last_lead]
        previous_joins = np.concatenate([[False], (word & ~unspaced)[:-1]])
        start = word & (lead | (~unspaced & ~previous_joins))
        stop = word[:-1] & (~word[1:] | start[1:])
        starts, stops = np.flatnonzero(start), np.flatnonzero(stop) + 1
    longest = int((stops - starts).max(initial=0))
    return _cut(starts, stops) if longest > MAX_TOKEN_BYTES else (starts, stops)


def leads_unspaced(folded: NDArray[np.uint8]) -> Flags:
    """Whether each byte begins a character of an unspaced script."""
    # Lead bytes below 0xE0 are Greek to N'Ko, 0xEA to 0xED Hangul and letters of four bytes: all of spaced scripts.
    return (folded >= 0xE0) & ((folded < 0xEA) | (folded > 0xED))


def _cut(starts: Integers, stops: Integers) -> tuple[Integers, Integers]:
    """Cut tokens into pieces of at most `MAX_TOKEN_BYTES`."""
    token = np.repeat(np.arange(len(starts)), -(-(stops - starts) // MAX_TOKEN_BYTES))
    starts = starts[token] + MAX_TOKEN_BYTES * ranks_in_runs(token)
    return starts, np.minimum(starts + MAX_TOKEN_BYTES, stops[token])


def _hashes(folded: NDArray[np.uint8], starts: Integers, sizes: Integers) -> Hashes:
    """Hash tokens, in NumPy."""
    return by_parts(partial(_hashes_of_part, folded.view(np.uint64)), starts, sizes)


def _hashes_of_part(words: Hashes, starts: Integers, sizes: Integers) -> Hashes:
    """Hash tokens eight bytes at a time; later rounds handle only the tokens that are longer."""
    hashes = mix(_eight_bytes(words, starts, sizes))
    long = np.flatnonzero(sizes > 8)
    for done in range(8, MAX_TOKEN_BYTES, 8):
        part = _eight_bytes(words, starts.take(long) + done, sizes.take(long) - done)
        hashes[long] = mix(hashes.take(long) ^ part)
        long = long[sizes.take(long) > done + 8]
        if not len(long):
            break
    return hashes


def _eight_bytes(words: Hashes, starts: Integers, sizes: Integers) -> Hashes:
    """The first eight bytes of each token as one integer, zeros behind the end of shorter ones."""
    # Two aligned reads and two shifts (a shift by 64 gives 0): an unaligned gather would hold the interpreter lock.
    place = starts >> 3
    shift = (starts & 7).view(np.uint64)
    shift <<= np.uint64(3)
    value = words.take(place)
    value >>= shift
    place += 1
    upper = words.take(place)
    upper <<= np.subtract(np.uint64(64), shift, out=shift)
    value |= upper
    value &= _LOWEST_BYTES.take(sizes, mode="clip")
    return value


def mix(values: Hashes) -> Hashes:
    """Apply SplitMix64's finaliser, a bijection of uint64 that spreads near values apart."""
    values = values ^ (values >> np.uint64(30))
    values *= _MULTIPLIER_1
    values ^= values >> np.uint64(27)
    values *= _MULTIPLIER_2
    values ^= values >> np.uint64(31)
    return values
