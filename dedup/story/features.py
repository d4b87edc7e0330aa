"""Texts -> weighted counts of words, word pairs and character runs.

In scripts without spaces, runs of characters take the place of words: no dictionary says where a word ends. Of Han and
kana, two adjacent characters count as a word, three as a pair of words and one, which says less, as a character run. Of
Thai, Lao, Khmer and Burmese, which are alphabets, three adjacent clusters of letters count as a word and four as a
character run; fewer are in every text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Growing, Hashes, Integers, run_starts
from dedup.kernel import kernel
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

#: First token, last token and key of each occurrence of some features.
Occurrences = tuple[Integers, Integers, Hashes]
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
    sizes, keys, counts, numbers = (Growing(dtype) for dtype in (np.int64, np.uint64, np.float32, np.int64))
    uses = np.zeros((2, len(stop_word_hashes(fold))), dtype=np.int64)

    def of_block(block: slice) -> tuple[BlockCounts, Integers, Integers]:
        tokens = tokenize(texts[block], fold)
        spelling = spelling_of(tokens)
        unknown = np.zeros(len(tokens.offsets) - 1, dtype=np.int64)
        own = unknown if languages is None else language_numbers(languages[block], tokens, spelling.stop_word)
        return count_block(tokens, spelling, own), own, stop_word_uses(spelling, uses.shape[1])

    for counted, own, used in ordered_map(of_block, blocks(texts, BLOCK_CHARACTERS), n_jobs, progress):
        for whole, part in ((sizes, counted.sizes), (keys, counted.keys), (counts, counted.counts), (numbers, own)):
            whole.append(part)
        uses += used
    offsets = np.concatenate([[0], np.cumsum(sizes.array())])
    return Counts(offsets, keys.array(), counts.array(), uses, numbers.array(), fold)


class BlockCounts(NamedTuple):
    """Features of the texts of a block; see `Counts`."""

    sizes: Integers
    keys: Hashes
    counts: NDArray[np.float32]


def count_block(tokens: Tokens, spelling: Spelling, languages: Integers) -> BlockCounts:
    """Features of one block of at most 2**12 texts in these languages (see `dedup.text.tokens.blocks`).

    A list of several reports has none: it must not bridge their stories.
    """
    syllabic = np.isin(languages, list(map(language_number, SYLLABIC_LANGUAGES)))
    weights = token_weights(tokens, spelling).astype(np.uint8)
    compiled = kernel()
    if compiled is None:
        return _counted(_packed(tokens, spelling, syllabic, weights), len(languages))
    spaced, others = ~tokens.unspaced, _unspaced(tokens)
    words = np.flatnonzero(spaced)
    found = [(words, words, feature_keys(tokens.hashes[words], WORD)), *others]
    lists = lists_of_reports(tokens, spelling, *(np.concatenate(column) for column in zip(*found, strict=True)))
    wanted = np.where(lists, 0, np.where(syllabic, 1, 2)).astype(np.uint8)
    packed = np.empty(2 * len(weights) + int((tokens.stops - tokens.starts).sum()), dtype=np.uint64)
    per_token = weights, spaced.view(np.uint8), _has_runs(spelling).view(np.uint8)
    starts, stops = np.ascontiguousarray(tokens.starts), np.ascontiguousarray(tokens.stops)
    where = tokens.folded, starts, stops, tokens.hashes, tokens.offsets, len(languages)
    n = compiled.occurrences(*where, *per_token, wanted, int(_PAIR_MULTIPLIER), int(SEPARATOR), packed)
    packed = packed[:n]
    if others:
        packed = np.concatenate([packed, _pack(tokens, weights, others, lists, syllabic)])
    packed.sort()
    counts, sizes = np.empty(len(packed), dtype=np.float32), np.zeros(len(languages), dtype=np.int64)
    n = compiled.counted(packed, len(packed), counts, sizes)
    return BlockCounts(sizes, packed[:n].copy(), counts[:n].copy())  # half of what the arrays have room for


def _packed(tokens: Tokens, spelling: Spelling, syllabic: Flags, weights: NDArray[np.uint8]) -> Hashes:
    """Occurrences of features, as numbers that ascend: what the kernel does, in NumPy."""
    found = occurrences(tokens, spelling)
    lists = lists_of_reports(tokens, spelling, *found)
    packed = _pack(tokens, weights, [found], lists, syllabic)
    packed.sort()
    return packed


def _pack(
    tokens: Tokens, weights: NDArray[np.uint8], found: list[Occurrences], lists: Flags, syllabic: Flags
) -> Hashes:
    """Occurrences of features as numbers, but those of lists of reports and the runs of texts of syllables."""
    first, last, key = (np.concatenate(column) for column in zip(*found, strict=True))
    left_out = lists[tokens.text_indices[first]]
    if syllabic.any():
        left_out |= syllabic[tokens.text_indices[first]] & (families(key) == CHARACTER_RUN)
    if left_out.any():
        first, last, key = first[~left_out], last[~left_out], key[~left_out]
    # The text in the upper bits, then feature and weight: plain integers are sorted ten times faster than an index.
    packed: Hashes = (tokens.text_indices.astype(np.uint64) << np.uint64(KEY_BITS))[first]
    packed |= key
    packed <<= np.uint64(_WEIGHT_BITS)
    packed |= np.minimum(weights[first], weights[last])
    return packed


def _counted(packed: Hashes, n_texts: int) -> BlockCounts:
    """What the kernel does, in NumPy."""
    weight = packed & np.uint64((1 << _WEIGHT_BITS) - 1)
    packed = packed >> np.uint64(_WEIGHT_BITS)
    starts = run_starts(packed)
    counts = np.add.reduceat(weight, starts) if len(starts) else weight
    packed = packed[starts]
    sizes = np.bincount((packed >> np.uint64(KEY_BITS)).astype(np.int64), minlength=n_texts)
    return BlockCounts(sizes, packed & np.uint64((1 << KEY_BITS) - 1), counts.astype(np.float32))


def occurrences(tokens: Tokens, spelling: Spelling) -> Occurrences:
    """First token, last token and key of every occurrence of a feature; the words of spaced scripts come first."""
    rows, spaced = tokens.text_indices, ~tokens.unspaced
    words = np.flatnonzero(spaced)
    adjacent = np.flatnonzero((rows[1:] == rows[:-1]) & spaced[1:] & spaced[:-1])
    run_tokens, runs = character_runs(tokens, _has_runs(spelling))
    found = [
        (words, words, feature_keys(tokens.hashes[words], WORD)),
        (adjacent, adjacent + 1, feature_keys(pair_hashes(tokens.hashes)[adjacent], WORD_PAIR)),
        (run_tokens, run_tokens, feature_keys(mix(runs), CHARACTER_RUN)),
    ]
    found += _unspaced(tokens)
    first, last, keys = (np.concatenate(column) for column in zip(*found, strict=True))
    return first, last, keys


def _has_runs(spelling: Spelling) -> Flags:
    """Whether each token, as far as it is a word, has character runs."""
    return ((spelling.stop_word < 0) & ~spelling.date_word) | spelling.upper


def _unspaced(tokens: Tokens) -> list[Occurrences]:
    """Occurrences of each kind of feature of scripts without spaces, where there are any."""
    return list(unspaced_occurrences(tokens)) if tokens.unspaced.any() else []


def unspaced_occurrences(tokens: Tokens) -> Iterator[Occurrences]:
    """First token, last token and key of every occurrence of each kind of feature of scripts without spaces."""
    clusters = clusters_of(tokens)
    for wanted, sizes in ((clusters.alphabetic, ALPHABETIC_RUNS), (~clusters.alphabetic, CHARACTER_RUNS)):
        for size, family in sizes.items():
            first, last, hashes = runs_of(clusters, size, wanted)
            yield first, last, feature_keys(hashes, family)


def lists_of_reports(tokens: Tokens, spelling: Spelling, first: Integers, last: Integers, key: Hashes) -> Flags:
    """Whether each text of a block is a list of several reports, shape (n_texts,); see `dedup.story.recurrence`.

    The arrays are those of `occurrences`.
    """
    meant = ((spelling.stop_word < 0) & ~spelling.date_word) | (spelling.upper & ~spelling.opens)
    words = np.flatnonzero(families(key) == WORD)
    words = words[meant[first[words]] & meant[last[words]]]
    text = tokens.text_indices[first[words]]
    sections = sections_of(first[words] - tokens.offsets[text], np.diff(tokens.offsets)[text])
    places = (text.astype(np.uint64) << np.uint64(KEY_BITS) | key[words]) << np.uint64(_WEIGHT_BITS) | sections
    return are_lists(places, len(tokens.offsets) - 1, KEY_BITS)


def pair_hashes(hashes: Hashes) -> Hashes:
    """Hash of each token with the next, shape (n_tokens - 1,)."""
    return mix(hashes[:-1] * _PAIR_MULTIPLIER + hashes[1:])


def character_runs(tokens: Tokens, wanted: Flags) -> tuple[Integers, Hashes]:
    """Runs of four bytes of the wanted tokens of spaced scripts, with a space before and behind each token.

    Returns the token of each run, and its bytes, both of shape (n_runs,).
    """
    folded = tokens.folded
    word = folded >= FIRST_LETTER
    # A run has no space inside: its two middle bytes belong to one word.
    middle = np.flatnonzero(word[:-1] & word[1:])
    token = np.searchsorted(tokens.starts, middle, side="right") - 1
    kept = (wanted & ~tokens.unspaced)[token] & (middle + 1 < tokens.stops[token])
    middle, token = middle[kept], token[kept]
    before = np.where(middle > tokens.starts[token], folded[middle - 1], SEPARATOR)
    behind = np.where(middle + 2 < tokens.stops[token], folded[middle + 2], SEPARATOR)
    run = before.astype(np.uint64)
    for byte in (folded[middle], folded[middle + 1], behind):
        run = (run << np.uint64(8)) | byte.astype(np.uint64)
    return token, run
