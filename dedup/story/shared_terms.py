"""Texts -> how alike they are by their words, as the story tier sees it, and which words make it so."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.parameters import Fold
from dedup.story.features import (
    CHARACTER_RUN,
    WORD,
    WORD_PAIR,
    Spelling,
    character_runs,
    count_features,
    feature_keys,
    pair_hashes,
    spelling_of,
)
from dedup.story.terms import as_written
from dedup.story.weighting import TermWeighting, Vocabulary, vectorize
from dedup.text.tokens import Tokens, mix

#: How many terms are given at most.
MOST_TERMS = 20


def weigh(
    texts: Sequence[str], weighting: TermWeighting | None, fold: Fold = "unidecode"
) -> tuple[csr_array, Vocabulary]:
    """Vectors of texts as `weighing` weighs their words, or else as they have in a batch of their own.

    Texts that are in the batch whose vocabulary `weighing` is have the very vectors they have there.
    """
    counts = count_features(texts, 1, fold)
    return vectorize(counts, 1, vocabulary=None if weighting is None else weighting.for_features(counts.keys))


def shared_terms(tokens: Tokens, vectors: csr_array, vocabulary: Vocabulary) -> tuple[tuple[str, float], ...]:
    """The words and pairs of words that make two texts alike, each with its share of their cosine.

    A run of characters speaks for the heaviest word that has it; where the two texts have no such word in common, as in
    Putin and Poutine, for the first word of each. A term that they write differently is given in both ways. In scripts
    without spaces two adjacent characters stand for a word, and single ones are not listed.

    Parameters
    ----------
    tokens : Tokens
        Of the two texts.
    vectors : csr_array, shape (2, n_features)
    vocabulary : Vocabulary
        Of the features.

    Returns
    -------
    tuple of (str, float)
        As written, heaviest first, `MOST_TERMS` at most; shares are above 0, and their sum is at most 1.

    Examples
    --------
    >>> from dedup.text.tokens import tokenize
    >>> texts = ["Poutine accueille Kim", "Kim and Putin met"]
    >>> [term for term, _ in shared_terms(tokenize(texts), *weigh(texts, None))]
    ['Kim', 'Poutine / Putin']
    """
    left, right = (slice(*vectors.indptr[row : row + 2]) for row in (0, 1))
    columns, mine, theirs = np.intersect1d(
        vectors.indices[left], vectors.indices[right], assume_unique=True, return_indices=True
    )
    products = vectors.data[left][mine].astype(np.float64) * vectors.data[right][theirs]
    total = products.sum()
    if not total > 0:
        return ()
    # Column order is key order.
    first, last = _places(tokens, vocabulary.keys[columns], products)
    names = np.stack([tokens.hashes[place] for place in (*first, *last)], axis=1)
    _, opens, term = np.unique(names, axis=0, return_index=True, return_inverse=True)
    shares = np.bincount(term.ravel(), weights=products) / total
    # A character of a script without spaces is no word; the pairs that it is in are listed.
    listed = np.flatnonzero(~tokens.unspaced[first[0][opens]] | (first[0] < last[0])[opens])
    best = listed[np.lexsort((first[0][opens[listed]], -shares[listed].round(9)))][:MOST_TERMS]
    writings = [_written(tokens, first[side][opens[best]], last[side][opens[best]]) for side in (0, 1)]
    return tuple(
        (one if one.casefold() == other.casefold() else f"{one} / {other}", float(share))
        for one, other, share in zip(*writings, shares[best].tolist(), strict=True)
    )


def _places(
    tokens: Tokens, keys: NDArray[np.uint64], products: NDArray[np.float64]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """The first and the last token that stand for each of these features, in the left and in the right text."""
    token, size, key = _occurrences(tokens, spelling_of(tokens))
    feature = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    here = keys[feature] == key
    token, size, feature = token[here], size[here], feature[here]
    # What a token weighs as a word: 0 where the other text does not have it.
    heavy = np.zeros(len(tokens.hashes))
    words = np.arange(len(tokens.hashes))
    own = feature_keys(tokens.hashes, WORD)
    place = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
    known = keys[place] == own
    heavy[words[known]] = products[place[known]]
    # The heaviest first; of words as heavy that of the lesser hash, which is the same in both texts.
    tie = np.where(known, tokens.hashes, np.uint64(0))
    order = np.lexsort((token, tie[token], -heavy[token], feature, tokens.text_indices[token]))
    code = tokens.text_indices[token[order]] * len(keys) + feature[order]
    chosen = order[np.flatnonzero(np.diff(code, prepend=-1))]
    first, last = token[chosen], token[chosen] + size[chosen] - 1
    return [first[: len(keys)], first[len(keys) :]], [last[: len(keys)], last[len(keys) :]]


def _occurrences(tokens: Tokens, spelling: Spelling) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
    """First token, number of tokens and key of every feature wherever it stands; see `count_block`."""
    rows = tokens.text_indices
    words = np.arange(len(rows))
    adjacent = np.flatnonzero(rows[1:] == rows[:-1])
    run_tokens, runs = character_runs(tokens, (spelling.stop_word < 0) | spelling.upper)
    token = np.concatenate([words, adjacent, run_tokens])
    size = np.repeat([1, 2, 1], [len(words), len(adjacent), len(run_tokens)])
    keys = (
        feature_keys(tokens.hashes, WORD),
        feature_keys(pair_hashes(tokens.hashes)[adjacent], WORD_PAIR),
        feature_keys(mix(runs), CHARACTER_RUN),
    )
    return token, size, np.concatenate(keys)


def _written(tokens: Tokens, first: NDArray[np.int64], last: NDArray[np.int64]) -> list[str]:
    """Runs of tokens as they are written, on one line."""
    begins = tokens.characters(tokens.starts[first]).tolist()
    ends = (tokens.characters(tokens.stops[last] - 1) + 1).tolist()
    return [" ".join(as_written(tokens, begin, end).split()) for begin, end in zip(begins, ends, strict=True)]
