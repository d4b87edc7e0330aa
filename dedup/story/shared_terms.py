"""Two texts -> the words that they share, each with its part of their similarity."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Flags, Floats, Hashes, Integers, run_starts
from dedup.story.features import WORD, feature_keys, occurrences
from dedup.story.spelling import spelling_of
from dedup.story.terms import as_written
from dedup.story.weighting import Vocabulary
from dedup.text.tokens import Tokens

#: Number of terms that are returned at most.
MAX_TERMS = 20

_FirstAndLast = tuple[Integers, Integers]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTokens:
    """The tokens of texts, and the features that they are occurrences of."""

    tokens: Tokens
    unspaced: Flags  # that of the tokens
    first: Integers  # (n_occurrences,): first token of each occurrence of a feature, those of a text together
    last: Integers  # (n_occurrences,): its last token
    column: Integers  # (n_occurrences,): column of its feature, -1 for a feature without one
    offsets: Integers  # (n_texts + 1,): where the occurrences of each text begin
    own: Integers  # (n_tokens,): column of each token as a word, -1 for one without
    place: Integers  # (n_features + 1,): all -1; `_tokens_of_features` uses it

    @classmethod
    def of(cls, tokens: Tokens, vocabulary: Vocabulary) -> "FeatureTokens":
        """Those of texts in the columns of a vocabulary."""
        found = list(occurrences(tokens, spelling_of(tokens)))
        first, last, key = (np.concatenate(column) for column in zip(*found, strict=True))
        column = vocabulary.columns(key)
        own = np.full(len(tokens.hashes), -1)
        unspaced = tokens.unspaced
        spaced = np.flatnonzero(~unspaced)
        own[spaced] = vocabulary.columns(feature_keys(tokens.hashes[spaced], WORD))
        text = tokens.text_indices[first]
        order = np.argsort(text, kind="stable")
        offsets = np.searchsorted(text[order], np.arange(len(tokens.offsets)))
        place = np.full(len(vocabulary.keys) + 1, -1)
        return cls(tokens, unspaced, first[order], last[order], column[order], offsets, own, place)


def shared_terms(
    texts: FeatureTokens, vectors: csr_array, pair: tuple[int, int] = (0, 1), most: int = MAX_TERMS
) -> tuple[tuple[str, float], ...]:
    """Words and pairs of words that two texts share, as written, each with its share of their cosine, heaviest first.

    At most `most`; shares are above 0, and their sum is at most 1. A run of characters counts for the heaviest
    word that has it; where the texts share no such word, as in Putin and Poutine, for the first word of each text. A
    term that they write differently is given in both ways. In scripts without spaces runs of characters that overlap in
    both texts alike are one term, and single characters are not listed.

    Examples
    --------
    >>> from dedup.story.weighting import vectorize_texts
    >>> from dedup.text.tokens import tokenize
    >>> texts = ["Poutine accueille Kim", "Kim and Putin met"]
    >>> vectors, vocabulary, _ = vectorize_texts(texts)
    >>> [term for term, _ in shared_terms(FeatureTokens.of(tokenize(texts), vocabulary), vectors)]
    ['Kim', 'Poutine / Putin']
    """
    tokens = texts.tokens
    left, right = (slice(*vectors.indptr[row : row + 2]) for row in pair)
    columns, mine, theirs = np.intersect1d(
        vectors.indices[left], vectors.indices[right], assume_unique=True, return_indices=True
    )
    products = vectors.data[left][mine].astype(np.float64) * vectors.data[right][theirs]
    total = products.sum()
    if not total > 0:
        return ()
    one, other = (_tokens_of_features(texts, text, columns, products) for text in pair)
    sides = one, other
    stretch = _unite_stretches(texts.unspaced, *sides)
    names = np.stack([tokens.hashes[place] for ends in zip(*sides, strict=True) for place in ends], axis=1)
    names[stretch >= 0] = stretch[stretch >= 0, None]  # the same characters may begin and end others
    example, term = _distinct(names)
    shares = np.bincount(term, weights=products) / total
    first, last = (ends[example] for ends in sides[0])
    # A single character of a script without spaces is not a word; the runs that contain it are listed.
    listed = np.flatnonzero(~texts.unspaced[first] | (first < last))
    best = listed[np.lexsort((first[listed], -shares[listed].round(9)))][:most]
    writings = [as_written(tokens, first[example[best]], last[example[best]]) for first, last in sides]
    writings = [[" ".join(term.split()) for term in terms] for terms in writings]  # on one line
    return tuple(
        (one if one.casefold() == other.casefold() else f"{one} / {other}", float(share))
        for one, other, share in zip(*writings, shares[best].tolist(), strict=True)
    )


def _distinct(rows: Hashes) -> tuple[Integers, Integers]:
    """First row of each kind, kinds ascending, and the kind of each row: as np.unique has them, but faster."""
    order = np.lexsort(rows.T[::-1])
    opens = np.concatenate([[True], (rows[order[1:]] != rows[order[:-1]]).any(axis=1)])
    kind = np.empty(len(rows), dtype=np.int64)
    kind[order] = np.cumsum(opens) - 1
    return order[opens], kind


def _tokens_of_features(texts: FeatureTokens, text: int, columns: Integers, products: Floats) -> _FirstAndLast:
    """First and last token of the occurrence in a text that stands for each of these features."""
    place, here = texts.place, slice(*texts.offsets[text : text + 2])
    place[columns] = np.arange(len(columns))
    feature = place[texts.column[here]]  # a feature without a column finds the last place, which is -1
    kept = np.flatnonzero(feature >= 0)
    token, feature = texts.first[here][kept], feature[kept]
    own = place[texts.own[token]]
    place[columns] = -1
    shared = own >= 0
    weight = np.where(shared, products[own], 0.0)
    # The heaviest occurrence is chosen; of equally heavy words the one with the least hash, the same in both texts.
    tie = np.where(shared, texts.tokens.hashes[token], np.uint64(0))
    order = np.lexsort((token, tie, -weight, feature))
    chosen = kept[order[run_starts(feature[order])]]
    return texts.first[here][chosen], texts.last[here][chosen]


def _unite_stretches(unspaced: Flags, left: _FirstAndLast, right: _FirstAndLast) -> Integers:
    """Make runs of characters that overlap in both texts alike one, in place, and return the number of each.

    The number is -1 for the features of spaced scripts, which stay as they are.
    """
    offset = right[0] - left[0]
    stretch = np.full(len(offset), -1)
    runs = np.flatnonzero(unspaced[left[0]])
    if not len(runs):
        return stretch
    runs = runs[np.lexsort((left[0][runs], offset[runs]))]
    # Those of one offset between the texts in turn, far from those of others.
    base = np.unique(offset[runs], return_inverse=True)[1] * (len(unspaced) + 1)
    begins, reach = base + left[0][runs], np.maximum.accumulate(base + left[1][runs])
    opens = np.concatenate([[True], begins[1:] > reach[:-1]])
    starts, number = np.flatnonzero(opens), np.cumsum(opens) - 1
    stops = np.append(starts[1:], len(runs)) - 1
    ends, moved = ((begins - base)[starts][number], (reach - base)[stops][number]), offset[runs]
    for k in (0, 1):
        left[k][runs], right[k][runs] = ends[k], ends[k] + moved
    stretch[runs] = number
    return stretch
