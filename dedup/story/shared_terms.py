"""Two texts -> the words that they share, each with its part of their similarity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import PART, Flags, Floats, Hashes, Integers, by_parts, joined, run_starts, slices
from dedup.story.extraction import WORD, feature_keys, occurrences
from dedup.story.spelling import spelling_of
from dedup.story.terms import as_written
from dedup.story.weighting import Vocabulary
from dedup.text.tokens import Tokens

#: Number of terms that are returned at most.
MAX_TERMS = 20

Places = NDArray[np.int32]
_FirstAndLast = tuple[Places, Places]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTokens:
    """The tokens of texts, and the features that they are occurrences of."""

    tokens: Tokens
    unspaced: Flags  # that of the tokens
    # For each text, of each occurrence of a feature that has a column: first token, last token and column
    occurrences: list[tuple[Places, Places, Places]]
    own: Places  # (n_tokens,): column of each token as a word, -1 for one without
    place: Places  # (n_features + 1,): all -1; `_tokens_of_features` uses it

    @classmethod
    def of(cls, tokens: Tokens, vocabulary: Vocabulary) -> "FeatureTokens":
        """Those of texts in the columns of a vocabulary."""
        found: list[list[tuple[Places, Places, Places]]] = [[] for _ in tokens.offsets[1:]]
        for first, last, key in occurrences(tokens, spelling_of(tokens)):
            column = vocabulary.columns(key)
            kept = np.flatnonzero(column >= 0)
            columns = first[kept], last[kept], column[kept]
            bounds = np.searchsorted(columns[0], tokens.offsets)  # those of a text are together
            for text in np.flatnonzero(np.diff(bounds)).tolist():
                own = slice(*bounds[text : text + 2])
                found[text].append(_as_places([part[own] for part in columns]))
        unspaced = tokens.unspaced
        words = by_parts(lambda hashes: vocabulary.columns(feature_keys(hashes, WORD)).astype(np.int32), tokens.hashes)
        words[unspaced] = -1
        place = np.full(len(vocabulary.keys) + 1, -1, dtype=np.int32)
        return cls(tokens, unspaced, list(map(_joined, found)), words, place)


def _as_places(columns: Sequence[Integers]) -> tuple[Places, Places, Places]:
    first, last, column = (part.astype(np.int32) for part in columns)
    return first, last, column


def _joined(parts: list[tuple[Places, Places, Places]]) -> tuple[Places, Places, Places]:
    columns = [[part[k] for part in parts] for k in range(3)]
    parts.clear()  # so that each is freed once it is copied
    first, last, column = (joined(columns.pop(0), np.int32) for _ in range(3))
    return first, last, column


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
    example, term = _distinct(
        _names(tokens.hashes, one[0], other[0], stretch), _names(tokens.hashes, one[1], other[1], stretch)
    )
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


def _names(hashes: Hashes, one: Places, other: Places, stretch: Integers) -> Hashes:
    """Names of pairs of tokens, in the order of their hashes, or of stretches where they are of one, before those."""
    distinct = np.sort(hashes)
    distinct = distinct[run_starts(distinct)]
    behind = np.uint64(len(stretch))  # a stretch has a number below

    def of_part(one: Places, other: Places, stretch: Integers) -> Hashes:
        left, right = (np.searchsorted(distinct, hashes[side]).astype(np.uint64) for side in (one, other))
        names = left + behind << np.uint64(32) | right
        # The same characters may begin and end others.
        return np.where(stretch >= 0, stretch.astype(np.uint64), names)

    return by_parts(of_part, one, other, stretch)


def _distinct(names: Hashes, more: Hashes) -> tuple[Integers, Integers]:
    """First row of each kind, kinds ascending, and the kind of each row."""
    order = np.lexsort((more, names))
    opens = np.ones(len(names), dtype=np.bool_)
    opens[1:] = False
    for column in (names, more):
        for part in slices(1, len(names), PART):
            opens[part] |= column[order[part]] != column[order[part.start - 1 : part.stop - 1]]
    kind = np.empty(len(names), dtype=np.int64)
    kind[order] = np.cumsum(opens) - 1
    return order[opens], kind


def _tokens_of_features(texts: FeatureTokens, text: int, columns: Integers, products: Floats) -> _FirstAndLast:
    """First and last token of the occurrence in a text that stands for each of these features.

    The heaviest occurrence is chosen; of equally heavy words the one with the least hash, the same in both texts.
    """
    place, (firsts, lasts, own_columns) = texts.place, texts.occurrences[text]
    place[columns] = np.arange(len(columns))
    best_first, best_last = np.zeros((2, len(columns)), dtype=np.int32)
    best_weight, best_tie = np.full(len(columns), -np.inf), np.zeros(len(columns), dtype=np.uint64)
    for part in slices(0, len(firsts), PART):
        feature = place[own_columns[part]]
        kept = np.flatnonzero(feature >= 0)
        first, last, feature = firsts[part][kept], lasts[part][kept], feature[kept]
        own = place[texts.own[first]]  # a word without a column finds the last place, which is -1
        weight = np.where(own >= 0, products[own], 0.0)
        tie = np.where(own >= 0, texts.tokens.hashes[first], np.uint64(0))
        order = np.lexsort((first, tie, -weight, feature))
        chosen = order[run_starts(feature[order])]
        found = feature[chosen]
        # Occurrences of a feature ascend, so that of equal ones the first stays.
        better = weight[chosen] > best_weight[found]
        better |= (weight[chosen] == best_weight[found]) & (tie[chosen] < best_tie[found])
        chosen, found = chosen[better], found[better]
        best_first[found], best_last[found] = first[chosen], last[chosen]
        best_weight[found], best_tie[found] = weight[chosen], tie[chosen]
    place[columns] = -1
    return best_first, best_last


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
