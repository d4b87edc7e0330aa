"""Texts -> near-duplicates: the whole near tier in one call."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import connected_labels
from dedup.near.containment import contained_candidates
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import Bands, candidates
from dedup.near.minhash import SEED, low_hashes, signatures
from dedup.near.result import NearDuplicates
from dedup.near.shingles import number_hashes, shingle_hashes
from dedup.near.verify import Verifier
from dedup.parallel import ordered_map
from dedup.parameters import NearSettings
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.text.tokens import blocks, tokenize

_log = logging.getLogger(__name__)

#: Characters tokenised and signed at once, per thread: the arrays of one block stay in its core's cache.
_BLOCK_CHARACTERS = 1 << 18

# Of the time (measured: 0.94, 0.05 and 0.01 to 0.1), reading texts, finding candidates and checking them.
_READING, _FINDING, _CHECKING = 0.9, 0.05, 0.05


class Readings(NamedTuple):
    """What texts are compared by.

    Attributes
    ----------
    signatures : ndarray of uint32, shape (n_texts, n_values)
    shingles : ShingleSets
    numbers : ShingleSets or None
        Those with a number; None when numbers do not matter.
    """

    signatures: NDArray[np.uint32]
    shingles: ShingleSets
    numbers: ShingleSets | None


def find_near_duplicates(
    texts: Sequence[str], settings: NearSettings, n_jobs: int | None = None, progress: ProgressCallback = no_progress
) -> NearDuplicates:
    """All pairs of texts that are near-duplicates by these settings, and their groups."""
    _log.debug("reading %d texts", len(texts))
    reading, comparing = split_progress(progress, _READING, _FINDING + _CHECKING)
    return compare(read(texts, settings, n_jobs, reading), settings, n_jobs, comparing)


def compare(
    readings: Readings, settings: NearSettings, n_jobs: int | None = None, progress: ProgressCallback = no_progress
) -> NearDuplicates:
    """All pairs of texts that have been read that are near-duplicates, and their groups."""
    finding, checking = split_progress(progress, _FINDING, _CHECKING)
    bands = Bands.of(settings)
    signed, shingles, numbers = readings
    filled = np.flatnonzero(shingles.lengths)  # a blank text is nobody's duplicate
    if len(filled) < len(signed):
        signed = signed[filled]
    _log.debug("looking for candidates in %d bands of %d texts that are not blank", bands.bands, len(filled))
    found = candidates(signed, bands, n_jobs, finding)
    pairs, large = filled[found.pairs], [filled[bucket] for bucket in found.large]
    if settings.containment is not None:
        pairs = np.unique(np.concatenate([pairs, contained_candidates(shingles, settings.containment)]), axis=0)
    _log.debug("checking %d candidate pairs and %d large buckets", len(pairs), len(large))
    verifier = Verifier(shingles, numbers, settings.threshold, settings.containment)
    verified = verifier.verify(pairs, large)
    checking(1)
    order = np.lexsort((verified.pairs[:, 1], verified.pairs[:, 0]))
    pairs = verified.pairs[order]
    _log.debug("%d pairs are near-duplicates", len(pairs))
    return NearDuplicates(
        pairs=pairs,
        jaccard=verified.jaccard[order],
        containment=verified.containment[order],
        labels=connected_labels(pairs[:, 0], pairs[:, 1], len(shingles.lengths)),
        token_counts=shingles.lengths,
        threshold=settings.threshold,
        bands=bands,
    )


def read(
    texts: Sequence[str], settings: NearSettings, n_jobs: int | None = None, progress: ProgressCallback = no_progress
) -> Readings:
    """Signatures of texts, the sets of their shingles and, if they matter, of their numbers."""
    bands = Bands.of(settings)
    values = bands.bands * bands.rows
    no_numbers = np.empty(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)

    def read_block(block: slice) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
        tokens = tokenize(texts[block], settings.fold)
        hashes = shingle_hashes(tokens, settings.shingle_size)
        signed[block] = signatures(low_hashes(hashes), tokens.offsets, num_perm=values, seed=SEED)
        return hashes, np.diff(tokens.offsets), *(number_hashes(tokens) if settings.compare_numbers else no_numbers)

    signed = np.empty((len(texts), values), dtype=np.uint32)
    shingles, numbers = _Growing(texts), _Growing(texts)
    slices = blocks(texts, _BLOCK_CHARACTERS)
    for hashes, counts, found, found_counts in ordered_map(read_block, slices, n_jobs, progress):
        shingles.append(hashes, counts)
        numbers.append(found, found_counts)
    return Readings(signed, shingles.sets(n_jobs), numbers.sets(n_jobs) if settings.compare_numbers else None)


class _Growing:
    """Hashes of more and more of these texts in one array."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._characters = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1)
        self._hashes = np.empty(0, dtype=np.uint64)
        self._used = 0
        self._lengths = np.zeros(len(texts), dtype=np.int64)
        self._read = 0

    def append(self, hashes: NDArray[np.uint64], lengths: NDArray[np.int64]) -> None:
        used = self._used + len(hashes)
        self._lengths[self._read : self._read + len(lengths)] = lengths
        self._read += len(lengths)
        if used > len(self._hashes):
            # Room for all texts to come, if they have as many a character as those so far: growing costs a copy.
            share = self._characters[self._read - 1] / self._characters[-1]
            room = np.empty(int(used / share * (1.1 - 0.1 * share)), dtype=np.uint64)
            room[: self._used] = self._hashes[: self._used]
            self._hashes = room
        self._hashes[self._used : used] = hashes
        self._used = used

    def sets(self, n_jobs: int | None) -> ShingleSets:
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self._lengths)])
        return ShingleSets(self._hashes[: self._used], offsets, n_jobs)
