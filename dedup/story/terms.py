"""The words that say what a story is about."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from dedup.story.features import WORD, feature_keys, spelling_of, token_weights
from dedup.story.weighting import TermWeighting
from dedup.text.tokens import Tokens, mix, tokenize

#: Characters of a term that are shown. Its letters are fewer; a letter can stand under any number of marks.
_LONGEST = 128


def top_terms(texts: Sequence[str], vocabulary: TermWeighting, count: int = 8) -> tuple[str, ...]:
    """The words of highest weight over the texts of one story, as first written, heaviest first.

    A word weighs the sum over texts of its log weighted count, times its inverse document frequency. In scripts
    without spaces two adjacent characters stand for a word.
    """
    tokens = tokenize(texts, vocabulary.fold)
    if not len(tokens.starts):
        return ()
    unspaced = tokens.unspaced
    rows = tokens.text_indices
    pair = np.flatnonzero(unspaced[:-1] & unspaced[1:] & (tokens.starts[1:] == tokens.stops[:-1]))
    word = np.flatnonzero(~unspaced & (tokens.stops - tokens.starts > 1))
    first = np.concatenate([word, pair])
    last = np.concatenate([word, pair + 1])
    hashes = np.concatenate([tokens.hashes[word], mix(tokens.hashes[pair] ^ mix(tokens.hashes[pair + 1]))])
    if not len(first):
        return ()
    distinct, place, which = np.unique(hashes, return_index=True, return_inverse=True)
    cell, inverse = np.unique(rows[first] * len(distinct) + which, return_inverse=True)
    counts = np.bincount(inverse, weights=token_weights(tokens, spelling_of(tokens))[first])
    # A pair of characters is not in the vocabulary; its rarer character speaks for it.
    idf = vocabulary.idf(feature_keys(tokens.hashes, WORD))
    weight = np.bincount(cell % len(distinct), weights=np.log1p(counts), minlength=len(distinct))
    weight *= np.maximum(idf[first], idf[last])[place]
    # Heaviest first; of equal ones the one written first.
    best = np.lexsort((tokens.starts[first[place]], -weight.round(9)))[:count]
    begin = tokens.characters(tokens.starts[first[place[best]]])
    end = tokens.characters(tokens.stops[last[place[best]]] - 1) + 1
    return tuple(as_written(tokens, b, e) for b, e in zip(begin.tolist(), end.tolist(), strict=True))


def as_written(tokens: Tokens, begin: int, end: int) -> str:
    """The characters of a word, with the marks and letters at its ends that fold to nothing."""
    codes, sizes = tokens.codes, tokens.fold_sizes
    least, most = max(0, begin - _LONGEST // 2), begin + _LONGEST
    if sizes is not None:
        while begin > least and not sizes[begin - 1] and unicodedata.category(chr(codes[begin - 1])) != "Cf":
            begin -= 1
        while end < most and not sizes[end] and unicodedata.category(chr(codes[end])) != "Cf":
            end += 1  # at the latest the line feed behind the text stops it
    return "".join(map(chr, codes[begin : min(end, begin + _LONGEST)].tolist()))
