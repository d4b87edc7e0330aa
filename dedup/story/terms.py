"""The words that say what a story is about."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from dedup.arrays import AnyIntegers, Floats, Hashes, Integers, ranks_in_runs
from dedup.story.extraction import WORD, feature_keys, unspaced_occurrences
from dedup.story.spelling import spelling_of, token_weights
from dedup.story.weighting import TermWeighting
from dedup.text.language import language_numbers
from dedup.text.tokens import Tokens, tokenize

#: Characters of a term that are shown. A term has fewer letters, but a letter can have any number of marks.
_MAX_TERM_CHARACTERS = 128

#: Runs of characters that are shown as one: a name of four characters has three runs of two.
_MAX_UNITED = 4


def top_terms(
    texts: Sequence[str], weighting: TermWeighting, count: int = 8, languages: Sequence[str | None] | None = None
) -> tuple[str, ...]:
    """The words with the highest weight in the texts of a story, as first written, heaviest first.

    The weight of a word is the sum of its log weighted counts in the texts, times its inverse document frequency in the
    language of the first text that has it (see `dedup.story.features.count_features` for `languages`). In
    scripts without spaces the runs of characters that count as words are words; overlapping ones of one weight are one,
    and of others the heavier one is named.
    """
    tokens = tokenize(texts, weighting.fold)
    first, last, keys = _words(tokens)
    if not len(first):
        return ()
    distinct, example, which = np.unique(keys, return_index=True, return_inverse=True)
    cell, inverse = np.unique(tokens.text_indices[first] * len(distinct) + which, return_inverse=True)
    spelling = spelling_of(tokens)
    counts = np.bincount(inverse, weights=token_weights(spelling)[first])
    sums = np.bincount(cell % len(distinct), weights=np.log1p(counts), minlength=len(distinct))
    own = language_numbers(languages, tokens, spelling.stop_word) if languages else np.zeros(len(texts), dtype=np.int64)
    idf = weighting.idf(distinct, own[tokens.text_indices[first[example]]])
    first, last, weight = _united(first[example], last[example], (sums * idf).round(9))
    # Equally heavy words are in the order of the text.
    best = _apart(first, last, np.lexsort((first, -weight)), count)
    return tuple(as_written(tokens, first[best], last[best]))


def _words(tokens: Tokens) -> tuple[Integers, Integers, Hashes]:
    """First token, last token and key of each word of at least two letters, and of each run of characters for one."""
    word = np.flatnonzero(~tokens.unspaced & (tokens.stops - tokens.starts > 1))
    found = [(word, word, feature_keys(tokens.hashes[word], WORD))]
    if tokens.unspaced.any():
        found += unspaced_occurrences(tokens, WORD)
    first, last, keys = (np.concatenate(column) for column in zip(*found, strict=True))
    return first, last, keys


def _united(first: Integers, last: Integers, weight: Floats) -> tuple[Integers, Integers, Floats]:
    """Words with their weights; at most `_MAX_UNITED` runs of characters that overlap and weigh the same are one."""
    order = np.argsort(first)
    first, last, weight = first[order], last[order], weight[order]
    joins = (first[1:] <= last[:-1]) & (weight[1:] == weight[:-1])
    chain = np.cumsum(np.concatenate([[True], ~joins]))
    starts = np.flatnonzero(ranks_in_runs(chain) % _MAX_UNITED == 0)
    stops = np.append(starts[1:], len(first)) - 1
    return first[starts], last[stops], weight[starts]


def _apart(first: Integers, last: Integers, order: Integers, count: int) -> Integers:
    """The first `count` words in an order that overlap with none before."""
    chosen: list[int] = []
    while len(order) and len(chosen) < count:
        best = order[0]
        chosen.append(int(best))
        order = order[(first[order] > last[best]) | (last[order] < first[best])]
    return np.array(chosen, dtype=np.int64)


def as_written(tokens: Tokens, first: AnyIntegers, last: AnyIntegers) -> list[str]:
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
