"""Tokenise texts into flat arrays, a block of texts at a time.

Nothing here loops over tokens in Python: one table look-up folds a block, tokens begin and end where the class of a
byte changes, and all tokens are hashed together, eight bytes at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Hashes, Integers, by_parts, ranks_in_runs
from dedup.parameters import Fold
from dedup.text.broken_words import blanks_within_words, broken_lines, may_be_spaced
from dedup.text.composition import WORD_JOINER
from dedup.text.fold import FIRST_LETTER, SENTENCE_END, ascii_table, fold_table

#: Longer runs of letters are cut into tokens of this many bytes, so that no input makes hashing slow.
MAX_TOKEN_BYTES = 64

#: Characters of a block: few enough that its arrays stay in a core's cache.
BLOCK_CHARACTERS = 1 << 18

#: Least number of characters that a text counts for in a block.
MIN_CHARACTERS = 16

_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)  # SplitMix64's finaliser (Steele et al. 2014)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_HIGH_SURROGATES, _LOW_SURROGATES = 0xD800 >> 10, 0xDC00 >> 10  # without their lowest ten bits
_LOWEST_BYTES = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a block of texts."""

    # (n_characters,): code points of the joined texts; uint8 when all are ASCII
    codes: NDArray[np.uint8] | NDArray[np.uint32]
    # (n_texts + 1,): text `i` is ``codes[text_starts[i]:text_starts[i + 1] - 1]``; a line feed follows each text
    text_starts: Integers
    folded: NDArray[np.uint8]  # (n_bytes + padding,): folded bytes and 9 to 16 zero bytes
    # (n_tokens,): token `t` is ``folded[starts[t]:stops[t]]``
    starts: Integers
    stops: Integers
    offsets: Integers  # (n_texts + 1,): text `i` has the tokens ``offsets[i]:offsets[i + 1]``
    # (n_tokens,): equal for equal tokens; distinct tokens of up to eight bytes never collide
    hashes: Hashes
    fold_sizes: NDArray[np.uint8] | None  # (n_characters,): folded bytes of each character; None when each has one
    fold: Fold

    @property
    def text_indices(self) -> Integers:
        """Index of the text of each token, shape (n_tokens,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @property
    def unspaced(self) -> Flags:
        """Whether each token is a single character of a script without spaces, shape (n_tokens,)."""
        return leads_unspaced(self.folded[self.starts])

    def characters(self, positions: Integers) -> Integers:
        """Return the places in `codes` of the characters that folded bytes come from."""
        if self.fold_sizes is None:
            return positions
        return np.repeat(np.arange(len(self.codes), dtype=np.int32), self.fold_sizes)[positions].astype(np.int64)

    def strings(self) -> list[bytes]:
        """Return the folded tokens as bytes, which is slow: for people and tests."""
        data = self.folded.tobytes()
        return [data[start:stop] for start, stop in zip(self.starts.tolist(), self.stops.tolist(), strict=True)]


def blocks(texts: Sequence[str], characters: int = BLOCK_CHARACTERS) -> Iterator[slice]:
    """Yield slices of consecutive texts of about `characters` characters, which depend on the texts alone.

    A text counts for at least `MIN_CHARACTERS`, so that a block has at most ``characters / MIN_CHARACTERS`` texts.
    """
    first, size = 0, 0
    for i, text in enumerate(texts):
        size += max(len(text) + 1, MIN_CHARACTERS)
        if size >= characters:
            yield slice(first, i + 1)
            first, size = i + 1, 0
    if first < len(texts):
        yield slice(first, len(texts))


def tokenize(texts: Sequence[str], fold: Fold = "unidecode") -> Tokens:
    """Split a block of texts into words, and into single characters in scripts without spaces.

    Parameters
    ----------
    texts : sequence of str
        One block (see `blocks`); time and memory are linear in its characters.
    fold : {"unidecode", "marks"}
        See `dedup.text.fold`. Tokens of different folds are not comparable.

    Examples
    --------
    >>> tokens = tokenize(["Kim à Vladivostok!", "", "金正恩 2023"])
    >>> [token.decode() for token in tokens.strings()]
    ['kim', 'a', 'vladivostok', '金', '正', '恩', '2023']
    >>> tokens.offsets
    array([0, 3, 3, 7])
    """
    table = fold_table(fold)  # also refuses an unknown fold
    joined = "\n".join([*texts, ""])
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    text_starts = np.concatenate([[0], np.cumsum(lengths + 1)])
    codes: NDArray[np.uint8] | NDArray[np.uint32]
    fold_sizes: NDArray[np.uint8] | None
    if joined.isascii():
        data = joined.encode("ascii")
        codes = np.frombuffer(data, dtype=np.uint8)
        folded = _padded(data.translate(ascii_table()))
        folded, fold_sizes = _without(broken_lines(codes, text_starts), codes, folded, None)
    else:
        codes = _code_points(joined)
        packed, counts = table.fold(codes, text_starts)
        folded, fold_sizes = _bytes(packed)
        del packed  # four bytes a character, which the arrays below need not ask the system for
        if counts is not None:
            starts = np.cumsum(counts, dtype=np.int64) - counts
            fold_sizes = np.add.reduceat(fold_sizes, starts, dtype=np.uint8)
    starts, stops, sizes = _bounds(folded)
    two_bytes = fold == "marks" and fold_sizes is not None
    if may_be_spaced(folded, starts, sizes, two_bytes=two_bytes):
        silent = blanks_within_words(codes, fold_sizes, two_bytes=two_bytes)
        folded, fold_sizes = _without(silent, codes, folded, fold_sizes)
        starts, stops, sizes = _bounds(folded)
    if fold_sizes is None:
        byte_starts = text_starts
    else:
        by_text = np.add.reduceat(fold_sizes, text_starts[:-1], dtype=np.uint32)
        byte_starts = np.concatenate([[0], np.cumsum(by_text, dtype=np.int64)])
    return Tokens(
        codes=codes,
        text_starts=text_starts,
        folded=folded,
        starts=starts,
        stops=stops,
        offsets=np.searchsorted(starts, byte_starts),
        hashes=_hashes(folded, starts, sizes),
        fold_sizes=fold_sizes,
        fold=fold,
    )


def _without(
    silent: Integers, codes: NDArray[Any], folded: NDArray[np.uint8], fold_sizes: NDArray[np.uint8] | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Folded bytes, padded, but for those of some characters; and the number of bytes of each character."""
    if not len(silent):
        return folded, fold_sizes
    sizes = np.ones(len(codes), dtype=np.uint8) if fold_sizes is None else fold_sizes
    kept = np.ones(len(codes), dtype=np.bool_)
    kept[silent] = False
    kept_bytes = np.repeat(kept, sizes)
    return _padded(folded[: len(kept_bytes)][kept_bytes].tobytes()), sizes * kept


def _code_points(text: str) -> NDArray[np.uint32]:
    """Code points of a text that is not empty; a pair of surrogates becomes the character it stands for.

    Some writers of JSON let such pairs through, and readers of JSON make one character of them. A word joiner, which
    leaves no trace, takes the place of the second surrogate, so that every character keeps its place.
    """
    try:
        return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    except UnicodeEncodeError:  # a surrogate
        codes = np.array([text]).view(np.uint32)  # faster than "surrogatepass", which handles them one by one
    upper = codes >> np.uint32(10)
    first = np.flatnonzero((upper[:-1] == _HIGH_SURROGATES) & (upper[1:] == _LOW_SURROGATES))
    codes[first] = 0x10000 + ((codes[first] & 0x3FF) << 10 | (codes[first + 1] & 0x3FF))
    codes[first + 1] = WORD_JOINER
    return codes


def _bytes(packed: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Folded bytes of characters, padded, and the number of bytes of each character."""
    sizes = (packed != 0).view(np.uint8)  # a byte of a fold is never zero
    most = int(packed.max(initial=0))
    for least in (0x100, 0x10000, 0x1000000):
        if most >= least:
            sizes += packed >= least
    if most < 0x100 and sizes.all():  # as in French: no zero bytes to delete
        folded = np.zeros(len(packed) + _padding(len(packed)), dtype=np.uint8)
        folded[: len(packed)] = packed
        return folded, sizes
    return _padded(packed.tobytes().translate(None, delete=b"\0")), sizes


def _padded(data: bytes) -> NDArray[np.uint8]:
    """Bytes with 9 to 16 zero bytes behind them, so that any eight can be read as part of two aligned uint64."""
    return np.frombuffer(data + bytes(_padding(len(data))), dtype=np.uint8)


def _padding(size: int) -> int:
    return 16 - size % 8


def _bounds(folded: NDArray[np.uint8]) -> tuple[Integers, Integers, Integers]:
    """Starts, stops and sizes of the tokens in folded bytes."""
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
    sizes = stops - starts
    if len(starts) and int(sizes.max()) > MAX_TOKEN_BYTES:
        starts, stops = _cut(starts, stops)
        sizes = stops - starts
    return starts, stops, sizes


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
    """Hash tokens."""
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


def sentence_starts(tokens: Tokens) -> Flags:
    """Return whether each token opens a sentence or a text, shape (n_tokens,)."""
    opens = np.zeros(len(tokens.starts) + 1, dtype=np.bool_)
    opens[tokens.offsets[:-1]] = True
    opens[np.searchsorted(tokens.starts, np.flatnonzero(tokens.folded == SENTENCE_END))] = True
    return opens[:-1]
