"""Texts -> near-duplicates: the whole near tier."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Hashes, Integers, connected_labels
from dedup.kernel import kernel
from dedup.near.containment import ShortTexts, contained_candidates
from dedup.near.jaccard import ShingleSets
from dedup.near.keeping import Comparison
from dedup.near.lsh import Bands, find_candidates, successive_equals
from dedup.near.minhash import low_hashes, signatures
from dedup.near.numbers import number_hashes
from dedup.near.result import NearDuplicates
from dedup.near.shingles import shingles_of
from dedup.near.verify import Times, Verifier
from dedup.parallel import ordered_map
from dedup.parameters import NearSettings
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.text.tokens import blocks_of, lengths_of, tokenize

_logger = logging.getLogger(__name__)

# Of texts that are sketched together by one thread. In NumPy the arrays of a block stay in its core's cache; C goes
# over them so few times that it gains more by fewer calls.
_BLOCK_CHARACTERS, _COMPILED_CHARACTERS = 1 << 18, 1 << 19

# Shares of the time (measured: 0.94, 0.05 and 0.01 to 0.1).
_SKETCHING, _FINDING, _CHECKING = 0.9, 0.05, 0.05

_Hashes = tuple[Hashes, Integers]


class TextSketches(NamedTuple):
    """Signatures and sets of texts, which the near tier compares."""

    signatures: NDArray[np.uint32]  # (n_texts, n_values)
    shingles: ShingleSets
    numbers: ShingleSets | None  # of tokens that are numbers; None when numbers are not compared
    contained: Integers  # (n_pairs, 2): texts of fewer tokens than a shingle, and texts that have them; if it is asked

    def parted(self, count: int) -> tuple["TextSketches", "TextSketches"]:
        """The first texts, and the others; without the pairs of short texts."""
        parts = np.split(np.arange(len(self.signatures)), [count])
        numbers = [None if self.numbers is None else self.numbers.of(part) for part in parts]
        first, rest = (
            TextSketches(self.signatures[part], self.shingles.of(part), own, self.contained[:0])
            for part, own in zip(parts, numbers, strict=True)
        )
        return first, rest


def find_near_duplicates(
    texts: Sequence[str],
    settings: NearSettings,
    n_jobs: int | None = None,
    progress: ProgressCallback = no_progress,
    times: Times | None = None,
) -> NearDuplicates:
    """All pairs of near-duplicate texts, and the groups that they connect; with times, texts come in their order."""
    _logger.debug("reading %d texts", len(texts))
    sketching, comparing = split_progress(progress, _SKETCHING, _FINDING + _CHECKING)
    return compare_sketches(make_sketches(texts, settings, n_jobs, sketching), settings, n_jobs, comparing, times)


def make_sketches(
    texts: Sequence[str], settings: NearSettings, n_jobs: int | None = None, progress: ProgressCallback = no_progress
) -> TextSketches:
    """Signatures of texts, the sets of their shingles and, if they are compared, of their numbers."""
    bands = Bands.of(settings)
    signed = np.empty((len(texts), bands.bands * bands.rows), dtype=np.uint32)

    short = None if settings.containment is None else ShortTexts.among(texts, settings)
    contained = [np.empty((0, 2), dtype=np.int64)]

    def sketch(block: slice) -> tuple[_Hashes, _Hashes | None, Integers | None]:
        tokens = tokenize(texts[block], settings.fold)
        hashes, offsets = shingles_of(tokens, settings.shingle_size)
        signed[block] = signatures(low_hashes(hashes), offsets, num_perm=signed.shape[1])
        numbers = number_hashes(tokens) if settings.compare_numbers else None
        pairs = None if short is None else short.pairs_in(tokens, block.start)
        return (hashes, np.diff(offsets)), numbers, pairs

    lengths = lengths_of(texts)
    shingles, numbers = _GrowingHashes(lengths), _GrowingHashes(lengths)
    size = _BLOCK_CHARACTERS if kernel() is None else _COMPILED_CHARACTERS
    for of_shingles, of_numbers, pairs in ordered_map(sketch, blocks_of(lengths, size), n_jobs, progress):
        shingles.append(*of_shingles)
        if of_numbers:
            numbers.append(*of_numbers)
        if pairs is not None:
            contained.append(pairs)
    number_sets = numbers.sets(n_jobs) if settings.compare_numbers else None
    return TextSketches(signed, shingles.sets(n_jobs), number_sets, np.concatenate(contained))


def compare_sketches(
    sketches: TextSketches,
    settings: NearSettings,
    n_jobs: int | None = None,
    progress: ProgressCallback = no_progress,
    times: Times | None = None,
) -> NearDuplicates:
    """All pairs of near-duplicates among sketched texts, and the groups that they connect; see the one above."""
    finding, checking = split_progress(progress, _FINDING, _CHECKING)
    bands = Bands.of(settings)
    signed, shingles, numbers, contained = sketches
    filled = np.flatnonzero(shingles.lengths)  # a blank text has no duplicates
    if len(filled) < len(signed):
        signed = signed[filled]
    _logger.debug("looking for candidates in %d bands of %d texts that are not blank", bands.bands, len(filled))
    found = find_candidates(signed, bands, n_jobs, finding)
    pairs, large = filled[found.pairs], [filled[bucket] for bucket in found.large]
    if settings.containment is not None:
        long = contained_candidates(shingles, settings.containment, settings.recall, settings.shingle_size)
        pairs = np.unique(np.concatenate([pairs, long]), axis=0)
    _logger.debug("checking %d candidate pairs and %d large buckets", len(pairs), len(large))
    if times is not None:  # the first of many copies is too far from most of them
        pairs = np.concatenate([pairs, filled[successive_equals(signed)]])
    del sketches, signed, found  # they are large
    verifier = Verifier(shingles, numbers, settings.threshold, settings.containment, times)
    verified, given_up = verifier.verify(pairs, large)
    verified = verifier.with_contained(verified, contained)
    checking(1)
    order = np.lexsort((verified.pairs[:, 1], verified.pairs[:, 0]))
    pairs = verified.pairs[order]
    _logger.debug("%d pairs are near-duplicates", len(pairs))
    if given_up:
        _logger.warning("%d texts that consist of a template were compared with some of its others only", given_up)
    labels = connected_labels(pairs[:, 0], pairs[:, 1], len(shingles.lengths))
    return NearDuplicates(
        pairs=pairs,
        jaccard=verified.jaccard[order],
        containment=verified.containment[order],
        labels=labels,
        token_counts=shingles.lengths,
        threshold=settings.threshold,
        bands=bands,
        given_up=given_up,
        comparison=_comparison(verifier, labels, pairs),
    )


def _comparison(verifier: Verifier, labels: Integers, pairs: Integers) -> Comparison:
    """What compares the texts of groups of which not all pairs are known."""
    sizes = np.bincount(labels, minlength=1)
    known = np.bincount(labels[pairs[:, 0]], minlength=len(sizes))
    grouped = np.flatnonzero((2 * known < sizes * (sizes - 1))[labels]) if len(labels) else labels
    places = np.full(len(labels), -1, dtype=np.int64)
    places[grouped] = np.arange(len(grouped))
    return Comparison(verifier.of(grouped), places)


class _GrowingHashes:
    """Hashes of texts in one array, which grows as blocks of these texts are appended."""

    def __init__(self, lengths: Integers) -> None:
        self._characters = np.cumsum(lengths + 1)
        self._hashes = np.empty(0, dtype=np.uint64)
        self._used = 0
        self._lengths = np.zeros(len(lengths), dtype=np.int64)
        self._read = 0

    def append(self, hashes: Hashes, lengths: Integers) -> None:
        """Add a block: the hashes of its texts, and the number of each text's."""
        used = self._used + len(hashes)
        self._lengths[self._read : self._read + len(lengths)] = lengths
        self._read += len(lengths)
        if used > len(self._hashes):
            # Growing costs a copy: make room for all texts, if they have as many hashes a character as those so far.
            share = self._characters[self._read - 1] / self._characters[-1]
            room = np.empty(int(used / share * (1.1 - 0.1 * share)), dtype=np.uint64)
            room[: self._used] = self._hashes[: self._used]
            self._hashes = room
        self._hashes[self._used : used] = hashes
        self._used = used

    def sets(self, n_jobs: int | None) -> ShingleSets:
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self._lengths)])
        return ShingleSets(self._hashes[: self._used], offsets, n_jobs)
