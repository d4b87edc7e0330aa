"""Tokens -> hashes of word shingles."""

import numpy as np

from dedup.arrays import Hashes, Integers
from dedup.text.tokens import Tokens, mix

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd


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


def number_hashes(tokens: Tokens) -> tuple[Hashes, Integers]:
    """Hashes of the tokens that begin with a digit, each with the token before it, and their number in each text.

    A number alone says little where all numbers are small, as in a table of results; "Lyon 2" says more.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> number_hashes(tokenize(["Lyon 2, Nice 1", "Nice"]))[1]
    array([2, 0])
    """
    before = np.zeros_like(tokens.hashes)
    before[1:] = tokens.hashes[:-1]
    before[tokens.offsets[:-1][np.diff(tokens.offsets) > 0]] = 0  # the first token of a text follows none
    place = np.flatnonzero(tokens.folded[tokens.starts] <= ord("9"))
    return mix(tokens.hashes[place] ^ mix(before[place])), np.diff(np.searchsorted(place, tokens.offsets))
