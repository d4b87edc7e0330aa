"""The words that say what a story is about."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from dedup.arrays import Integers
from dedup.story.features import WORD, feature_keys, spelling_of, token_weights
from dedup.story.weighting import TermWeighting
from dedup.text.tokens import Tokens, mix, tokenize

#: Characters of a term that are shown. A term has fewer letters, but a letter can have any number of marks.
_MAX_TERM_CHARACTERS = 128


def top_terms(texts: Sequence[str], weighting: TermWeighting, count: int = 8) -> tuple[str, ...]:
    """The words with the highest weight in the texts of a story, as first written, heaviest first.

    The weight of a word is the sum of its log weighted counts in the texts, times its inverse document frequency. In
    scripts without spaces two adjacent characters form a word.
    """
    tokens = tokenize(texts, weighting.fold)
    if not len(tokens.starts):
        return ()
    unspaced = tokens.unspaced
    pair = np.flatnonzero(unspaced[:-1] & unspaced[1:] & (tokens.starts[1:] == tokens.stops[:-1]))
    word = np.flatnonzero(~unspaced & (tokens.stops - tokens.starts > 1))
    first, last = np.concatenate([word, pair]), np.concatenate([word, pair + 1])
    hashes = np.concatenate([tokens.hashes[word], mix(tokens.hashes[pair] ^ mix(tokens.hashes[pair + 1]))])
    if not len(first):
        return ()
    distinct, example, which = np.unique(hashes, return_index=True, return_inverse=True)
    cell, inverse = np.unique(tokens.text_indices[first] * len(distinct) + which, return_inverse=True)
    counts = np.bincount(inverse, weights=token_weights(tokens, spelling_of(tokens))[first])
    # A pair of characters is not in the vocabulary: it has the frequency of its rarer character.
    idf = weighting.idf(feature_keys(tokens.hashes, WORD))
    weight = np.bincount(cell % len(distinct), weights=np.log1p(counts), minlength=len(distinct))
    weight *= np.maximum(idf[first], idf[last])[example]
    # Equally heavy words are in the order of the text.
    best = example[np.lexsort((tokens.starts[first[example]], -weight.round(9)))[:count]]
    return tuple(as_written(tokens, first[best], last[best]))


def as_written(tokens: Tokens, first: Integers, last: Integers) -> list[str]:
    """Runs of tokens as they are written, with the marks and letters at their ends that fold to nothing."""
    begins = tokens.characters(tokens.starts[first]).tolist()
    ends = (tokens.characters(tokens.stops[last] - 1) + 1).tolist()
    return [_with_ends(tokens, begin, end) for begin, end in zip(begins, ends, strict=True)]


def _with_ends(tokens: Tokens, begin: int, end: int) -> str:
    codes, sizes = tokens.codes, tokens.fold_sizes
    least, most = max(0, begin - _MAX_TERM_CHARACTERS // 2), begin + _MAX_TERM_CHARACTERS
    if sizes is not None:
        while begin > least and not sizes[begin - 1] and unicodedata.category(chr(codes[begin - 1])) != "Cf":
            begin -= 1
        while end < most and not sizes[end] and unicodedata.category(chr(codes[end])) != "Cf":
            end += 1  # the line feed after each text stops it at the latest
    return "".join(map(chr, codes[begin : min(end, begin + _MAX_TERM_CHARACTERS)].tolist()))
