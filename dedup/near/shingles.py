"""Tokens -> hashes of word shingles."""

from typing import NamedTuple

import numpy as np

from dedup.arrays import Hashes, Integers
from dedup.kernel import kernel
from dedup.near.symbols import symbol_hashes
from dedup.text.tokens import Tokens, mix

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd


class Shingles(NamedTuple):
    """The shingles of texts, one text after the other."""

    hashes: Hashes
    offsets: Integers  # (n_texts + 1,): text `i` has ``hashes[offsets[i]:offsets[i + 1]]``


def shingles_of(tokens: Tokens, size: int) -> Shingles:
    """Hashes of the shingles of texts, and of the symbols of those that are shorter than a shingle.

    A text without words is blank only if it has no symbols either, and is one shingle otherwise.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> found = shingles_of(tokenize(["C", "C++", "C++!", "...", " "]), 5)
    >>> found.offsets.tolist(), len(set(found.hashes.tolist()))
    ([0, 1, 2, 3, 4, 4], 3)
    """
    hashes, offsets = shingle_hashes(tokens, size), tokens.offsets
    counts = np.diff(offsets)
    short = np.flatnonzero(counts < size)
    if not len(short):
        return Shingles(hashes, offsets)
    symbols = symbol_hashes(tokens, short)
    short, symbols = short[symbols > 0], symbols[symbols > 0]
    wordless = counts[short] == 0
    places = counts[short][~wordless]
    place = np.repeat(offsets[short[~wordless]] + places - np.cumsum(places), places) + np.arange(places.sum())
    hashes[place] = mix(hashes[place] ^ np.repeat(symbols[~wordless], places))
    hashes = np.insert(hashes, offsets[short[wordless]], symbols[wordless])
    counts[short[wordless]] = 1
    return Shingles(hashes, np.concatenate([offsets[:1], np.cumsum(counts)]))


def shingle_hashes(tokens: Tokens, size: int) -> Hashes:
    """Hashes of every run of `size` tokens of every text, shape (n_tokens,).

    A text has as many hashes as tokens, at ``tokens.offsets``: the last ``size - 1`` repeat the text's last shingle, so
    that no array has to be compacted. A text of fewer than `size` tokens is one shingle as a whole. Two different
    shingles have the same hash with a probability of about 2**-64.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> hashes = shingle_hashes(tokenize(["Kim arrives in Russia", "Russia"]), 3)
    >>> len(hashes), len(set(hashes.tolist()))  # "kim arrives in", "arrives in russia" three times, "russia"
    (5, 3)
    """
    compiled = kernel()
    if compiled is None:
        return _shingle_hashes(tokens, size)
    hashes = np.empty_like(tokens.hashes)
    n_texts = len(tokens.offsets) - 1
    compiled.shingles(tokens.hashes, tokens.offsets, n_texts, size, int(_MULTIPLIER), hashes)
    return hashes


def _shingle_hashes(tokens: Tokens, size: int) -> Hashes:
    """What the kernel does, in NumPy."""
    counts = np.diff(tokens.offsets)
    firsts, stops = tokens.offsets[:-1], tokens.offsets[1:]
    last = np.zeros(len(counts), dtype=np.uint64)
    # hashes[t] is the polynomial of tokens t, t+1, ...; tokens beyond the end count as zero.
    hashes = tokens.hashes.copy()
    for length in range(1, size):
        short = counts == length
        last[short] = hashes[firsts[short]]
        hashes *= _MULTIPLIER
        hashes[:-length] += tokens.hashes[length:]
    full = counts >= size
    last[full] = hashes[stops[full] - size]
    for back in range(1, size):
        reaches = counts >= back
        hashes[stops[reaches] - back] = last[reaches]
    return hashes


def run_hashes(tokens: Tokens, size: int) -> Hashes:
    """Hashes of the `size` tokens from each token on, shape (n_tokens,).

    Towards the end of a text a run goes on in the next one, or ends early behind the last. The hash of a text of `size`
    tokens is that of its shingle.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> hashes = run_hashes(tokenize(["Kim arrives", "Russia: Kim arrives"]), 2)
    >>> bool(hashes[0] == hashes[3])
    True
    """
    hashes = tokens.hashes.copy()
    for length in range(1, size):
        hashes *= _MULTIPLIER
        hashes[:-length] += tokens.hashes[length:]
    return hashes
