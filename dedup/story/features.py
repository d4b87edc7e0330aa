"""Texts -> weighted counts of words, word pairs and character runs; see `dedup.story.extraction`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import PART, Flags, Growing, Hashes, Integers, joined, parts_of_runs, run_starts, slices
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress
from dedup.story.extraction import (
    CHARACTER_RUN,
    KEY_BITS,
    PAIR_MULTIPLIER,
    WEIGHT_BITS,
    WORD,
    Occurrences,
    families,
    feature_keys,
    has_runs,
    occurrences,
    rows_of,
    unspaced_occurrences,
)
from dedup.story.recurrence import are_lists, sections_of
from dedup.story.spelling import Spelling, spelling_of, stop_word_uses, token_weights
from dedup.text.fold import SEPARATOR
from dedup.text.language import language_number, language_numbers
from dedup.text.stopwords import stop_word_hashes
from dedup.text.tokens import MIN_CHARACTERS, Tokens, blocks, tokenize

#: Languages that write every syllable as a word, of at most seven letters, and do not inflect: a run of four letters is
#: part of very many words and tells nothing that the syllable and its pairs do not.
SYLLABIC_LANGUAGES = ("vi",)

BLOCK_CHARACTERS = MIN_CHARACTERS << 12


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
    packing = _Packing(rows_of(tokens), token_weights(spelling), lists_of_reports(tokens, spelling), syllabic)
    compiled = kernel()
    if compiled is None:
        return _summed(_packed(tokens, packing, occurrences(tokens, spelling)), len(languages))
    spaced, packed = ~tokens.unspaced, np.empty(_most_occurrences(tokens), dtype=np.uint64)
    wanted = np.where(packing.lists, 0, np.where(syllabic, 1, 2)).astype(np.uint8)
    per_token = packing.weights, spaced.view(np.uint8), has_runs(spelling).view(np.uint8)
    starts, stops = np.ascontiguousarray(tokens.starts), np.ascontiguousarray(tokens.stops)
    where = tokens.folded, starts, stops, tokens.hashes, tokens.offsets, len(languages)
    used = compiled.occurrences(*where, *per_token, wanted, int(PAIR_MULTIPLIER), int(SEPARATOR), packed)
    if not spaced.all():
        others = _packed(tokens, packing, unspaced_occurrences(tokens))
        packed[used : used + len(others)] = others
        used += len(others)
    packed.resize(used, refcheck=False)
    packed.sort()
    counts, sizes = np.empty(len(packed), dtype=np.float32), np.zeros(len(languages), dtype=np.int64)
    used = compiled.counted(packed, len(packed), counts, sizes)
    return BlockCounts(sizes, packed[:used].copy(), counts[:used].copy())  # half of what the arrays have room for


class _Packing(NamedTuple):
    """What makes numbers of occurrences, and which of them are left out."""

    rows: NDArray[np.int32]  # (n_tokens,): text of each token
    weights: NDArray[np.uint8]  # (n_tokens,)
    lists: Flags  # (n_texts,): whether each is a list of several reports, which has no features
    syllabic: Flags  # (n_texts,): whether each is in a language whose words have no character runs

    def of(self, first: Integers, last: Integers, key: Hashes) -> Hashes:
        """The text in the upper bits, then feature and weight: plain integers are sorted ten times faster."""
        row = self.rows[first]
        kept = ~self.lists[row]
        if self.syllabic.any():
            kept &= ~(self.syllabic[row] & (families(key) == CHARACTER_RUN))
        if not kept.all():
            first, last, key, row = first[kept], last[kept], key[kept], row[kept]
        packed = row.astype(np.uint64) << np.uint64(KEY_BITS)
        packed |= key
        packed <<= np.uint64(WEIGHT_BITS)
        packed |= np.minimum(self.weights[first], self.weights[last])
        return packed


def _packed(tokens: Tokens, packing: _Packing, found: Iterator[Occurrences]) -> Hashes:
    """Occurrences of features as numbers, ascending."""
    packed, used = np.empty(_most_occurrences(tokens), dtype=np.uint64), 0
    for first, last, key in found:
        part = packing.of(first, last, key)
        packed[used : used + len(part)] = part
        used += len(part)
    packed.resize(used, refcheck=False)
    packed.sort()
    return packed


def _summed(packed: Hashes, n_texts: int) -> BlockCounts:
    """Features of texts, from the text, key and weight of every occurrence, ascending; `packed` is written over."""
    bits = np.uint64(WEIGHT_BITS)
    total = sum(np.count_nonzero(np.diff(packed[part] >> bits)) for part in _overlapping(len(packed)))
    counts, done = np.empty(total + (len(packed) > 0), dtype=np.float32), 0
    for own in parts_of_runs(packed, WEIGHT_BITS):
        keys = packed[own] >> bits
        starts = run_starts(keys)
        keys = keys[starts]
        kept = slice(done, done + len(starts))
        counts[kept] = np.add.reduceat(packed[own] & np.uint64((1 << WEIGHT_BITS) - 1), starts)
        packed[kept] = keys
        done = kept.stop
    packed.resize(done, refcheck=False)
    bounds = np.searchsorted(packed, np.arange(n_texts + 1, dtype=np.uint64) << np.uint64(KEY_BITS))
    packed &= np.uint64((1 << KEY_BITS) - 1)
    return BlockCounts(np.diff(bounds), packed, counts)


def _overlapping(count: int) -> list[slice]:
    """Parts of so many values, each with the first value of the next."""
    return [slice(part.start, part.stop + 1) for part in slices(0, count, PART)]


def _most_occurrences(tokens: Tokens) -> int:
    """A number of occurrences of features that is not exceeded."""
    spaced = ~tokens.unspaced
    # A word of k bytes is a word, opens a pair and has k - 1 runs.
    words = int(np.count_nonzero(spaced))
    letters = int(np.sum(tokens.stops - tokens.starts, where=spaced))
    return words + letters + 3 * (len(spaced) - words)


def lists_of_reports(tokens: Tokens, spelling: Spelling) -> Flags:
    """Whether each text of a block is a list of several reports, shape (n_texts,); see `dedup.story.recurrence`."""
    meant = ((spelling.stop_word < 0) & ~spelling.date_word) | (spelling.upper & ~spelling.opens)
    rows, unspaced, found = rows_of(tokens), tokens.unspaced, []
    sizes = np.diff(tokens.offsets)

    def places(first: Integers, key: Hashes) -> Hashes:
        text = rows[first]
        sections = sections_of(first - tokens.offsets[text], sizes[text])
        return (text.astype(np.uint64) << np.uint64(KEY_BITS) | key) << np.uint64(WEIGHT_BITS) | sections

    for part in slices(0, len(rows), PART):
        words = part.start + np.flatnonzero(meant[part] & ~unspaced[part])
        found.append(places(words, feature_keys(tokens.hashes[words], WORD)))
    if unspaced.any():
        for first, last, key in unspaced_occurrences(tokens, WORD):
            both = meant[first] & meant[last]
            found.append(places(first[both], key[both]))
    return are_lists(joined(found, np.uint64), len(sizes), KEY_BITS)
