"""Tokenise texts into flat arrays, a block of texts at a time.

Nothing here loops over tokens in Python: characters are folded (`dedup.text.folded_bytes`), and their bytes are split
into words (`dedup.text.words`), by C where it is there and by NumPy elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Hashes, Integers
from dedup.parameters import Fold
from dedup.text.broken_words import LETTERS_IN_A_ROW, blanks_within_words, may_be_spaced
from dedup.text.fold import SENTENCE_END
from dedup.text.folded_bytes import Codes, fold_block
from dedup.text.words import leads_unspaced, words_of
from dedup.text.words import mix as mix

#: Characters of a block: few enough that its arrays stay in a core's cache.
BLOCK_CHARACTERS = 1 << 18

#: Least number of characters that a text counts for in a block.
MIN_CHARACTERS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of a block of texts."""

    # (n_characters,): code points of the joined texts; uint8 when all are ASCII
    codes: Codes
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
    yield from blocks_of(lengths_of(texts), characters)


def lengths_of(texts: Sequence[str]) -> Integers:
    """Number of characters of each text, shape (n_texts,)."""
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def blocks_of(lengths: Integers, characters: int) -> Iterator[slice]:
    """The same for texts of these lengths."""
    if len(lengths) == 1:  # as in an index to which one article is added
        yield slice(0, 1)
        return
    ends = np.cumsum(np.maximum(lengths + 1, MIN_CHARACTERS))
    first = done = 0
    while first < len(lengths):
        stop = min(int(np.searchsorted(ends, done + characters)) + 1, len(lengths))
        yield slice(first, stop)
        first, done = stop, int(ends[stop - 1])


def tokenize(texts: Sequence[str], fold: Fold = "unidecode") -> Tokens:
    """Split a block of texts into words, and into single characters in scripts without spaces.

    Parameters
    ----------
    texts : sequence of str
        One block (see `blocks`); time and memory are linear in its characters.
    fold : {"unidecode", "marks", "east-asian"}
        See `dedup.text.fold`. Tokens of different folds are not comparable.

    Examples
    --------
    >>> tokens = tokenize(["Kim à Vladivostok!", "", "金正恩 2023"])
    >>> [token.decode() for token in tokens.strings()]
    ['kim', 'a', 'vladivostok', '金', '正', '恩', '2023']
    >>> tokens.offsets
    array([0, 3, 3, 7])
    """
    joined = "\n".join([*texts, ""])
    text_starts = np.concatenate([[0], np.cumsum(lengths_of(texts) + 1)])
    codes, folded = fold_block(joined, text_starts, fold)
    two_bytes = fold == "marks" and folded.sizes is not None
    words = words_of(folded.data, folded.starts_of(text_starts), 1 + two_bytes)
    if words.in_a_row >= LETTERS_IN_A_ROW and may_be_spaced(
        folded.data, words.starts, words.stops, two_bytes=two_bytes
    ):
        silent = blanks_within_words(codes, folded.sizes, two_bytes=two_bytes)
        folded = folded.without(silent, len(codes))
        words = words_of(folded.data, folded.starts_of(text_starts), 1 + two_bytes)
    return Tokens(
        codes=codes,
        text_starts=text_starts,
        folded=folded.data,
        starts=words.starts,
        stops=words.stops,
        offsets=words.offsets,
        hashes=words.hashes,
        fold_sizes=folded.sizes,
        fold=fold,
    )


def sentence_starts(tokens: Tokens) -> Flags:
    """Return whether each token opens a sentence or a text, shape (n_tokens,)."""
    opens = np.zeros(len(tokens.starts) + 1, dtype=np.bool_)
    opens[tokens.offsets[:-1]] = True
    opens[np.searchsorted(tokens.starts, np.flatnonzero(tokens.folded == SENTENCE_END))] = True
    return opens[:-1]
