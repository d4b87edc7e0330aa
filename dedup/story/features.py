"""Texts -> weighted counts of words, word pairs and character runs.

In scripts without spaces, runs of characters take the place of words: no dictionary says where a word ends. Of Han and
kana, two adjacent characters count as a word, three as a pair of words and one, which says less, as a character run. Of
Thai, Lao, Khmer and Burmese, which are alphabets, three adjacent clusters of letters count as a word and four as a
character run; fewer are in every text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, Flags, Hashes, Integers, joined, parts_of_runs, run_starts, slices
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress
from dedup.story.recurrence import are_lists, sections_of
from dedup.story.spelling import Spelling, spelling_of, stop_word_uses, token_weights
from dedup.text.clusters import clusters_of, runs_of
from dedup.text.fold import FIRST_LETTER, SEPARATOR
from dedup.text.language import language_number, language_numbers
from dedup.text.stopwords import stop_word_hashes
from dedup.text.tokens import MIN_CHARACTERS, Tokens, blocks, mix, tokenize

WORD, WORD_PAIR, CHARACTER_RUN = range(3)

#: Of which family are runs of so many clusters of scripts without spaces, see `dedup.text.clusters`. Chosen on Khmer,
#: Burmese and Thai articles and on Chinese ones: shorter runs join articles that share nothing else, longer ones miss
#: inflections and compounds. Pairs that occur once weigh nothing, so that runs of three add to a likeness alone.
ALPHABETIC_RUNS = {3: WORD, 4: CHARACTER_RUN}
CHARACTER_RUNS = {1: CHARACTER_RUN, 2: WORD, 3: WORD_PAIR}

#: Languages that write every syllable as a word, of at most seven letters, and do not inflect: a run of four letters is
#: part of very many words and tells nothing that the syllable and its pairs do not.
SYLLABIC_LANGUAGES = ("vi",)

# A key is 46 bits of hash above 2 bits of family. With 4 bits of weight below it, 12 bits are left above it for the
# number of the text in its block.
FAMILY_BITS, KEY_BITS, _WEIGHT_BITS = 2, 48, 4
BLOCK_CHARACTERS = MIN_CHARACTERS << 12
_PAIR_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Weighted counts of features."""

    offsets: Integers  # (n_texts + 1,): text `i` has the entries ``offsets[i]:offsets[i + 1]``
    # (n_entries,): features, ascending within a text; below 2**48, with the family in the lowest two bits
    keys: Hashes
    counts: NDArray[np.float32]  # (n_entries,): weighted number of occurrences, above 0
    # (2, n_stop_words): how often each stop word is capitalised inside a sentence, as a name is, and how often it is
    # not capitalised
    uses: Integers
    languages: Integers  # (n_texts,): numbers of the languages of the texts, see `dedup.text.language`; 0 for unknown
    fold: Fold = "unidecode"  # that of the texts

    @property
    def entry_languages(self) -> Integers:
        """Language of the text of each entry, shape (n_entries,)."""
        return np.repeat(self.languages, np.diff(self.offsets))

    @property
    def stop_words(self) -> Hashes:
        """Keys of the stop words, except those that these texts use as names."""
        # Kim is "who" in Turkish and Putin "a little" in Romanian; here they are names.
        as_name, as_word = self.uses
        return feature_keys(stop_word_hashes(self.fold)[as_name <= as_word], WORD)


def feature_keys(hashes: Hashes, family: int) -> Hashes:
    """Keys of features of one family, below 2**48."""
    return ((hashes >> np.uint64(64 - KEY_BITS + FAMILY_BITS)) << np.uint64(FAMILY_BITS)) | np.uint64(family)


def families(keys: NDArray[np.unsignedinteger]) -> Integers:
    """Family of each feature: WORD, WORD_PAIR or CHARACTER_RUN."""
    return (keys & np.uint64((1 << FAMILY_BITS) - 1)).astype(np.int64)


def count_features(
    texts: Sequence[str],
    n_jobs: int | None = None,
    fold: Fold = "unidecode",
    progress: ProgressCallback = no_progress,
    languages: Sequence[str | None] | None = None,
) -> Counts:
    """Weighted counts of the features of texts, in time linear in their characters.

    Features are words, pairs of adjacent words, and runs of four characters of a word with the spaces around it. Runs
    connect inflected and differently spelt forms of a name; stop words and names of days and agencies have none, and
    neither has a text in one of `SYLLABIC_LANGUAGES`. For scripts without spaces see above. `languages` has a code for
    each text, or None to have it guessed; without it they are unknown.
    """
    sizes, keys, counts = [np.zeros(1, dtype=np.int64)], [], []
    numbers, uses = [], np.zeros((2, len(stop_word_hashes(fold))), dtype=np.int64)

    def of_block(block: slice) -> tuple[BlockCounts, Integers, Integers]:
        tokens = tokenize(texts[block], fold)
        spelling = spelling_of(tokens)
        unknown = np.zeros(len(tokens.offsets) - 1, dtype=np.int64)
        own = unknown if languages is None else language_numbers(languages[block], tokens, spelling.stop_word)
        return count_block(tokens, spelling, own), own, stop_word_uses(spelling, uses.shape[1])

    for counted, own, used in ordered_map(of_block, blocks(texts, BLOCK_CHARACTERS), n_jobs, progress):
        sizes.append(counted.sizes)
        keys.append(counted.keys)
        counts.append(counted.counts)
        numbers.append(own)
        uses += used
    offsets = np.cumsum(joined(sizes, np.int64))
    known = joined(numbers, np.int64)
    return Counts(offsets, joined(keys, np.uint64), joined(counts, np.float32), uses, known, fold)


class BlockCounts(NamedTuple):
    """Features of the texts of a block; see `Counts`."""

    sizes: Integers
    keys: Hashes
    counts: NDArray[np.float32]


def count_block(tokens: Tokens, spelling: Spelling, languages: Integers) -> BlockCounts:
    """Features of one block of at most 2**12 texts in these languages (see `dedup.text.tokens.blocks`).

    A list of several reports has none: it must not bridge their stories.
    """
    left_out = lists_of_reports(tokens, spelling)
    syllabic = np.isin(languages, list(map(language_number, SYLLABIC_LANGUAGES)))
    rows, weights = rows_of(tokens), token_weights(spelling)
    packed, used = np.empty(_most_occurrences(tokens), dtype=np.uint64), 0
    for first, last, key in occurrences(tokens, spelling):
        row = rows[first]
        kept = ~left_out[row]
        if syllabic.any():
            kept &= ~(syllabic[row] & (families(key) == CHARACTER_RUN))
        if not kept.all():
            first, last, key, row = first[kept], last[kept], key[kept], row[kept]
        # The text in the upper bits, then feature and weight: plain integers are sorted ten times faster than an index.
        part = row.astype(np.uint64) << np.uint64(KEY_BITS)
        part |= key
        part <<= np.uint64(_WEIGHT_BITS)
        part |= np.minimum(weights[first], weights[last])
        packed[used : used + len(part)] = part
        used += len(part)
    packed.resize(used, refcheck=False)
    packed.sort()
    return _summed(packed, len(tokens.offsets) - 1)


def _summed(packed: Hashes, n_texts: int) -> BlockCounts:
    """Features of texts, from the text, key and weight of every occurrence, ascending; `packed` is written over."""
    bits = np.uint64(_WEIGHT_BITS)
    total = sum(np.count_nonzero(np.diff(packed[part] >> bits)) for part in _overlapping(len(packed)))
    counts, done = np.empty(total + (len(packed) > 0), dtype=np.float32), 0
    for own in parts_of_runs(packed, _WEIGHT_BITS):
        keys = packed[own] >> bits
        starts = run_starts(keys)
        keys = keys[starts]
        kept = slice(done, done + len(starts))
        counts[kept] = np.add.reduceat(packed[own] & np.uint64((1 << _WEIGHT_BITS) - 1), starts)
        packed[kept] = keys
        done = kept.stop
    packed.resize(done, refcheck=False)
    bounds = np.searchsorted(packed, np.arange(n_texts + 1, dtype=np.uint64) << np.uint64(KEY_BITS))
    packed &= np.uint64((1 << KEY_BITS) - 1)
    return BlockCounts(np.diff(bounds), packed, counts)


def _overlapping(count: int) -> list[slice]:
    """Parts of so many values, each with the first value of the next."""
    return [slice(part.start, part.stop + 1) for part in slices(0, count, PART)]


def rows_of(tokens: Tokens) -> NDArray[np.int32]:
    """The text of each token, shape (n_tokens,)."""
    return np.repeat(np.arange(len(tokens.offsets) - 1, dtype=np.int32), np.diff(tokens.offsets))


def _most_occurrences(tokens: Tokens) -> int:
    """A number of occurrences of features that is not exceeded."""
    spaced = ~tokens.unspaced
    # A word of k bytes is a word, opens a pair and has k - 1 runs.
    words = int(np.count_nonzero(spaced))
    letters = int(np.sum(tokens.stops - tokens.starts, where=spaced))
    return words + letters + 3 * (len(spaced) - words)


def occurrences(tokens: Tokens, spelling: Spelling) -> Iterator[tuple[Integers, Integers, Hashes]]:
    """First token, last token and key of every occurrence of a feature, some at a time; at least one part."""
    unspaced = tokens.unspaced
    wanted = (((spelling.stop_word < 0) & ~spelling.date_word) | spelling.upper) & ~unspaced
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


def parts_of(tokens: Tokens) -> list[slice]:
    """Slices of tokens with few bytes each."""
    bounds = np.searchsorted(tokens.starts, np.arange(0, len(tokens.folded), PART)).tolist()
    return [slice(first, stop) for first, stop in pairwise([*bounds, len(tokens.starts)]) if first < stop]


def unspaced_occurrences(tokens: Tokens, only: int | None = None) -> Iterator[tuple[Integers, Integers, Hashes]]:
    """First token, last token and key of every occurrence of features of scripts without spaces, of one family or all.

    Some at a time.
    """
    clusters = clusters_of(tokens)
    for wanted, sizes in ((clusters.alphabetic, ALPHABETIC_RUNS), (~clusters.alphabetic, CHARACTER_RUNS)):
        for size, family in sizes.items():
            if only in (None, family):
                for first, last, hashes in runs_of(clusters, size, wanted):
                    yield first, last, feature_keys(hashes, family)


def lists_of_reports(tokens: Tokens, spelling: Spelling) -> Flags:
    """Whether each text of a block is a list of several reports, shape (n_texts,); see `dedup.story.recurrence`."""
    meant = ((spelling.stop_word < 0) & ~spelling.date_word) | (spelling.upper & ~spelling.opens)
    rows, unspaced, found = rows_of(tokens), tokens.unspaced, []
    sizes = np.diff(tokens.offsets)

    def places(first: Integers, key: Hashes) -> Hashes:
        text = rows[first]
        sections = sections_of(first - tokens.offsets[text], sizes[text])
        return (text.astype(np.uint64) << np.uint64(KEY_BITS) | key) << np.uint64(_WEIGHT_BITS) | sections

    for part in slices(0, len(rows), PART):
        words = part.start + np.flatnonzero(meant[part] & ~unspaced[part])
        found.append(places(words, feature_keys(tokens.hashes[words], WORD)))
    if unspaced.any():
        for first, last, key in unspaced_occurrences(tokens, WORD):
            both = meant[first] & meant[last]
            found.append(places(first[both], key[both]))
    return are_lists(joined(found, np.uint64), len(sizes), KEY_BITS)


def pair_hashes(hashes: Hashes) -> Hashes:
    """Hash of each token with the next, shape (n_tokens - 1,)."""
    return mix(hashes[:-1] * _PAIR_MULTIPLIER + hashes[1:])


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
