"""Texts -> what an index compares them by: shingles, LSH buckets and weighted features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Hashes, Integers, joined
from dedup.near.lsh import Bands, band_keys
from dedup.near.minhash import SEED, low_hashes, signatures
from dedup.near.shingles import shingles_of
from dedup.parallel import ordered_map
from dedup.parameters import Fold
from dedup.story.extraction import FAMILY_BITS, KEY_BITS, families
from dedup.story.features import count_block
from dedup.story.spelling import spelling_of
from dedup.text.language import LANGUAGE_BITS, language_numbers
from dedup.text.tokens import blocks, mix, tokenize

FEATURE_BITS = 32

#: The family of the feature that says in which language a text is; it weighs nothing.
LANGUAGE = 3

_BLOCK_CHARACTERS = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class TextFeatures:
    """Features of texts, one text after the other."""

    # (n_words,): hashes of shingles, with repeats; those of text `i` are ``shingle_offsets[i]:shingle_offsets[i + 1]``
    shingles: Hashes
    shingle_offsets: Integers  # (n_texts + 1,)
    bands: Hashes  # (n_texts, n_bands): keys of the LSH buckets; meaningless for a blank text
    # (n_features,): see `shortened`; ascending within a text, with one for its language where it is known (see
    # `with_languages`). Those of text `i` are ``offsets[i]:offsets[i + 1]``
    features: NDArray[np.uint32]
    counts: NDArray[np.uint8]  # (n_features,): weighted occurrences, at most 255
    offsets: Integers  # (n_texts + 1,)
    vectors: NDArray[np.int8]  # (n_texts, n_dimensions): of an encoder; without one, none has dimensions

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def languages(self) -> Integers:
        """The number of the language of each text, 0 for unknown, shape (n_texts,)."""
        return languages_of(self.features, np.repeat(np.arange(len(self)), np.diff(self.offsets)), len(self))

    @property
    def blank(self) -> Flags:
        """Whether each text has neither words nor symbols, shape (n_texts,)."""
        return np.asarray(np.diff(self.shingle_offsets) == 0)


def extract_features(
    texts: Sequence[str],
    bands: Bands,
    shingle_size: int,
    fold: Fold = "unidecode",
    languages: Sequence[str | None] | None = None,
) -> TextFeatures:
    """Return the features of texts; linear in their characters.

    `languages` has a code for each text, or None to have it guessed; without it they are unknown.
    """
    slices = list(blocks(texts, _BLOCK_CHARACTERS))
    if len(slices) == 1:
        return _extract_block(texts, bands, shingle_size, fold, languages)

    def of_block(block: slice) -> TextFeatures:
        return _extract_block(texts[block], bands, shingle_size, fold, languages and languages[block])

    parts = list(ordered_map(of_block, slices, None))
    return TextFeatures(
        np.concatenate([part.shingles for part in parts]),
        _offsets([np.diff(part.shingle_offsets) for part in parts]),
        np.concatenate([part.bands for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.counts for part in parts]),
        _offsets([np.diff(part.offsets) for part in parts]),
        np.zeros((len(texts), 0), dtype=np.int8),
    )


def _extract_block(
    texts: Sequence[str], bands: Bands, shingle_size: int, fold: Fold, languages: Sequence[str | None] | None
) -> TextFeatures:
    tokens = tokenize(texts, fold)
    shingles, shingle_offsets = shingles_of(tokens, shingle_size)
    signed = signatures(low_hashes(shingles), shingle_offsets, num_perm=bands.bands * bands.rows, seed=SEED)
    buckets = band_keys(signed.reshape(len(texts), bands.bands, bands.rows))
    buckets = mix(buckets + np.array(bands.first_rows, dtype=np.uint64))
    spelling = spelling_of(tokens)
    numbers = np.zeros(len(texts), dtype=np.int64)
    if languages is not None:
        numbers = language_numbers(languages, tokens, spelling.stop_word)
    counted = count_block(tokens, spelling, numbers)
    counts = np.minimum(counted.counts, 255).astype(np.uint8)
    features, sizes = shortened(counted.keys), counted.sizes
    if languages is not None:
        features, counts, sizes = with_languages(features, counts, sizes, numbers)
    vectors = np.zeros((len(texts), 0), dtype=np.int8)
    return TextFeatures(shingles, shingle_offsets, buckets, features, counts, _offsets([sizes]), vectors)


def with_languages(
    features: NDArray[np.uint32], counts: NDArray[np.uint8], sizes: Integers, numbers: Integers
) -> tuple[NDArray[np.uint32], NDArray[np.uint8], Integers]:
    """Features, counts and sizes of texts, with a feature for the language where it is known and the text has others.

    So a store keeps the languages of texts, without a column for them.

    Examples
    --------
    >>> features, counts = np.array([4, 9996, 8], dtype=np.uint32), np.ones(3, dtype=np.uint8)
    >>> features, _, sizes = with_languages(features, counts, np.array([2, 0, 1]), np.array([150, 150, 0]))
    >>> features.tolist(), sizes.tolist(), language_of(features[:3])
    ([4, 603, 9996, 8], [3, 0, 1], 150)
    """
    known = (sizes > 0) & (numbers > 0)
    marks = (numbers << FAMILY_BITS | LANGUAGE).astype(np.uint32)
    smaller = np.concatenate([[0], np.cumsum(features < np.repeat(marks, sizes))])
    stops = np.cumsum(sizes)
    starts = stops - sizes
    place = (starts + smaller[stops] - smaller[starts])[known]
    return np.insert(features, place, marks[known]), np.insert(counts, place, np.uint8(1)), sizes + known


def languages_of(features: NDArray[np.uint32], text: Integers, n_texts: int) -> Integers:
    """The number of the language of each text, from the features of all; `text` has the text of each."""
    marks = np.flatnonzero((features & np.uint32((1 << FAMILY_BITS) - 1)) == LANGUAGE)
    found = np.zeros(n_texts, dtype=np.int64)
    found[text[marks]] = features[marks] >> np.uint32(FAMILY_BITS) & np.uint32((1 << LANGUAGE_BITS) - 1)
    return found


def language_of(features: NDArray[np.uint32]) -> int:
    """The number of the language of the text that has these features."""
    return int(languages_of(features, np.zeros(len(features), dtype=np.int64), 1)[0])


def selected(texts: TextFeatures, places: Integers) -> TextFeatures:
    """Return some of the texts, in the order of their places."""
    if len(places) == len(texts) and (places == np.arange(len(texts))).all():
        return texts
    entries, offsets = _entries(texts.offsets, places)
    words, shingle_offsets = _entries(texts.shingle_offsets, places)
    of_texts = texts.bands[places], texts.features[entries], texts.counts[entries]
    return TextFeatures(texts.shingles[words], shingle_offsets, *of_texts, offsets, texts.vectors[places])


def _entries(offsets: Integers, places: Integers) -> tuple[Integers, Integers]:
    """The entries of the texts at some places, one text after the other, and where each of these begins among them."""
    sizes = np.diff(offsets)[places]
    starts = _offsets([sizes])
    return np.arange(starts[-1]) + np.repeat(offsets[places] - starts[:-1], sizes), starts


def without_features(texts: TextFeatures, which: Flags) -> TextFeatures:
    """Return texts of which some have no features, and so are similar to no other; they can be copies as before."""
    if not which.any():
        return texts
    sizes = np.diff(texts.offsets)
    kept = ~np.repeat(which, sizes)
    offsets = _offsets([np.where(which, 0, sizes)])
    return replace(texts, features=texts.features[kept], counts=texts.counts[kept], offsets=offsets)


def extract_shingles(texts: Sequence[str], shingle_size: int, fold: Fold = "unidecode") -> tuple[Hashes, Integers]:
    """Return the hashes of the shingles of texts, and the number of shingles of each text."""
    hashes, counts = [], []
    for block in blocks(texts, _BLOCK_CHARACTERS):
        tokens = tokenize(texts[block], fold)
        shingles, offsets = shingles_of(tokens, shingle_size)
        hashes.append(shingles)
        counts.append(np.diff(offsets))
    return joined(hashes, np.uint64), joined(counts, np.int64)


def count_words(texts: Sequence[str], fold: Fold = "unidecode") -> Integers:
    """Return the number of words of each text, shape (n_texts,)."""
    counts = [np.diff(tokenize(texts[block], fold).offsets) for block in blocks(texts, _BLOCK_CHARACTERS)]
    return joined(counts, np.int64)


def shortened(keys: Hashes) -> NDArray[np.uint32]:
    """Return keys of features in 32 bits: 30 of hash over 2 of family.

    Two articles of 1,000 features each share one by chance in 1 of 4,000 cases.
    """
    dropped = np.uint64(KEY_BITS - FEATURE_BITS)
    hashes = keys >> (dropped + np.uint64(FAMILY_BITS)) << np.uint64(FAMILY_BITS)
    return (hashes | families(keys).astype(np.uint64)).astype(np.uint32)


def _offsets(sizes: list[Integers]) -> Integers:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.concatenate(sizes))])
