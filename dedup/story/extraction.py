"""Tokens -> every occurrence of a feature: words, word pairs and character runs.

In scripts without spaces, runs of characters take the place of words: no dictionary says where a word ends. Of Han and
kana, two adjacent characters count as a word, three as a pair of words and one, which says less, as a character run. Of
Thai, Lao, Khmer and Burmese, which are alphabets, three adjacent clusters of letters count as a word and four as a
character run; fewer are in every text.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, Flags, Hashes, Integers
from dedup.story.spelling import Spelling
from dedup.text.clusters import clusters_of, runs_of
from dedup.text.fold import FIRST_LETTER, SEPARATOR
from dedup.text.tokens import Tokens, mix

WORD, WORD_PAIR, CHARACTER_RUN = range(3)

#: Of which family are runs of so many clusters of scripts without spaces, see `dedup.text.clusters`. Chosen on Khmer,
#: Burmese and Thai articles and on Chinese ones: shorter runs join articles that share nothing else, longer ones miss
#: inflections and compounds. Pairs that occur once weigh nothing, so that runs of three add to a likeness alone.
ALPHABETIC_RUNS = {3: WORD, 4: CHARACTER_RUN}
CHARACTER_RUNS = {1: CHARACTER_RUN, 2: WORD, 3: WORD_PAIR}

# A key is 46 bits of hash above 2 bits of family. With 4 bits of weight below it, 12 bits are left above it for the
# number of the text in its block.
FAMILY_BITS, KEY_BITS, WEIGHT_BITS = 2, 48, 4

#: First token, last token and key of each occurrence of some features.
Occurrences = tuple[Integers, Integers, Hashes]
PAIR_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def feature_keys(hashes: Hashes, family: int) -> Hashes:
    """Keys of features of one family, below 2**48."""
    return ((hashes >> np.uint64(64 - KEY_BITS + FAMILY_BITS)) << np.uint64(FAMILY_BITS)) | np.uint64(family)


def families(keys: NDArray[np.unsignedinteger]) -> Integers:
    """Family of each feature: WORD, WORD_PAIR or CHARACTER_RUN."""
    return (keys & np.uint64((1 << FAMILY_BITS) - 1)).astype(np.int64)


def rows_of(tokens: Tokens) -> NDArray[np.int32]:
    """The text of each token, shape (n_tokens,)."""
    return np.repeat(np.arange(len(tokens.offsets) - 1, dtype=np.int32), np.diff(tokens.offsets))


def occurrences(tokens: Tokens, spelling: Spelling) -> Iterator[Occurrences]:
    """First token, last token and key of every occurrence of a feature, some at a time; at least one part."""
    unspaced = tokens.unspaced
    wanted = has_runs(spelling) & ~unspaced
    pairs = ~unspaced[:-1] & ~unspaced[1:]
    ends = tokens.offsets[1:-1] - 1
    pairs[ends[(ends >= 0) & (ends < len(pairs))]] = False
    yield np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
    for part in parts_of(tokens):
        words = part.start + np.flatnonzero(~unspaced[part])
        yield words, words, feature_keys(tokens.hashes[words], WORD)
        adjacent = part.start + np.flatnonzero(pairs[part])
        two = slice(part.start, part.stop + 1)
        pair = pair_hashes(tokens.hashes[two])[adjacent - part.start]
        yield adjacent, adjacent + 1, feature_keys(pair, WORD_PAIR)
        token, run = character_runs(tokens, wanted, part)
        yield token, token, feature_keys(mix(run), CHARACTER_RUN)
    if unspaced.any():
        yield from unspaced_occurrences(tokens)


def has_runs(spelling: Spelling) -> Flags:
    """Whether each token, as far as it is a word, has character runs."""
    return ((spelling.stop_word < 0) & ~spelling.date_word) | spelling.upper


def parts_of(tokens: Tokens) -> list[slice]:
    """Slices of tokens with few bytes each."""
    bounds = np.searchsorted(tokens.starts, np.arange(0, len(tokens.folded), PART)).tolist()
    return [slice(first, stop) for first, stop in pairwise([*bounds, len(tokens.starts)]) if first < stop]


def unspaced_occurrences(tokens: Tokens, only: int | None = None) -> Iterator[Occurrences]:
    """First token, last token and key of every occurrence of features of scripts without spaces, of one family or all.

    Some at a time.
    """
    clusters = clusters_of(tokens)
    for wanted, sizes in ((clusters.alphabetic, ALPHABETIC_RUNS), (~clusters.alphabetic, CHARACTER_RUNS)):
        for size, family in sizes.items():
            if only in (None, family):
                for first, last, hashes in runs_of(clusters, size, wanted):
                    yield first, last, feature_keys(hashes, family)


def pair_hashes(hashes: Hashes) -> Hashes:
    """Hash of each token with the next, shape (n_tokens - 1,)."""
    return mix(hashes[:-1] * PAIR_MULTIPLIER + hashes[1:])


def character_runs(tokens: Tokens, wanted: Flags, part: slice) -> tuple[Integers, Hashes]:
    """Runs of four bytes of the wanted tokens of a part, with a space before and behind each token.

    Returns the token of each run, and its bytes, both of shape (n_runs,).
    """
    folded, starts, stops = tokens.folded, tokens.starts[part], tokens.stops[part]
    bounds = slice(int(starts[0]), int(stops[-1]))
    word = folded[bounds] >= FIRST_LETTER
    # A run has no space inside: its two middle bytes belong to one word.
    middle = bounds.start + np.flatnonzero(word[:-1] & word[1:])
    token = np.searchsorted(starts, middle, side="right") - 1
    kept = wanted[part][token] & (middle + 1 < stops[token])
    middle, token = middle[kept], token[kept]
    before = np.where(middle > starts[token], folded[middle - 1], SEPARATOR)
    behind = np.where(middle + 2 < stops[token], folded[middle + 2], SEPARATOR)
    run = before.astype(np.uint64)
    for byte in (folded[middle], folded[middle + 1], behind):
        run = (run << np.uint64(8)) | byte.astype(np.uint64)
    return part.start + token, run
