"""Signatures -> candidate pairs by locality-sensitive hashing in bands."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.arrays import Floats, Hashes, Integers, distinct, ranks_in_runs, run_starts
from dedup.kernel import kernel
from dedup.parallel import ordered_map
from dedup.parameters import NearSettings
from dedup.progress import ProgressCallback, no_progress
from dedup.text.tokens import mix

#: Signature values in a band. More make signatures longer; with fewer, texts that only share a template often collide.
ROWS = 4

#: All pairs of a bucket of up to this many texts are candidates.
SMALL_BUCKET = 64


@dataclass(frozen=True, slots=True)
class Bands:
    """A signature cut into `bands` bands of `rows` values; texts that agree on a whole band are candidates."""

    bands: int
    rows: int

    @classmethod
    def for_recall(cls, threshold: float, recall: float, num_perm: int) -> "Bands":
        """The bands with the fewest values, at most `num_perm`, that retrieve a pair at `threshold` with this recall.

        Computing signatures is most of the work, and candidates are checked exactly, so that false ones cost little.
        Bands have fewer than `ROWS` rows only where `num_perm` leaves no choice.

        Raises
        ------
        ValueError
            When not even bands of one row reach `recall`.

        Examples
        --------
        >>> Bands.for_recall(0.7, 0.95, 128), Bands.for_recall(0.7, 0.99, 128)
        (Bands(bands=11, rows=4), Bands(bands=17, rows=4))
        """
        for rows in range(min(ROWS, num_perm), 0, -1):
            counts = np.arange(1, num_perm // rows + 1)
            enough = counts[1 - (1 - threshold**rows) ** counts >= recall]
            if len(enough):
                return cls(int(enough[0]), rows)
        best = float(cls(num_perm, 1).retrieval_probability(threshold))
        raise ValueError(
            f"recall={recall} cannot be had at threshold={threshold} with num_perm={num_perm}: "
            f"at most {best:.3g}; raise num_perm or lower recall"
        )

    @classmethod
    def of(cls, settings: NearSettings) -> "Bands":
        """The bands for these settings."""
        return cls.for_recall(settings.threshold, settings.recall, settings.num_perm)

    @property
    def first_rows(self) -> range:
        """Where in a signature each band begins."""
        return range(0, self.bands * self.rows, self.rows)

    def retrieval_probability(self, jaccard: ArrayLike) -> Floats:
        """Probability that a pair of the given Jaccard similarity (in [0, 1]) shares a band."""
        return 1 - (1 - np.asarray(jaccard, dtype=np.float64) ** self.rows) ** self.bands


class Candidates(NamedTuple):
    """Texts that share buckets."""

    # (n_pairs, 2): distinct pairs ``i < j``, sorted: all pairs of each bucket of up to `SMALL_BUCKET` texts, and each
    # text with the first text of the same signature
    pairs: Integers
    large: list[Integers]  # the texts of each larger bucket, ascending


def find_candidates(
    signatures: NDArray[np.uint32], bands: Bands, n_jobs: int | None = None, progress: ProgressCallback = no_progress
) -> Candidates:
    """Texts that agree on a whole band.

    `signatures` has the shape (n_texts, num_perm), with ``bands.bands * bands.rows <= num_perm``.

    O(bands x n log n). Gionis, Indyk and Motwani (1999), "Similarity search in high dimensions via hashing".
    """
    n = len(signatures)

    def buckets_of_band(first: int) -> tuple[Hashes, list[Integers]]:
        # The key in the upper bits, the text in the lower ones: a plain sort replaces an argsort. Keys lose their low
        # bits; a chance collision of the rest only adds a candidate.
        text_mask = np.uint64((1 << max(1, (n - 1).bit_length())) - 1)
        keys = band_keys(signatures[:, first : first + bands.rows])
        packed = np.sort((keys & ~text_mask) | np.arange(n, dtype=np.uint64))
        codes, _, large = bucket_pairs(packed & ~text_mask, packed & text_mask, n)
        codes.sort()
        return codes, large

    def equals() -> tuple[Hashes, list[Integers]]:
        _, first, which = np.unique(band_keys(signatures), return_index=True, return_inverse=True)
        first = first[which]
        copies = np.flatnonzero(first < np.arange(n))
        return encode_pairs(np.stack([first[copies], copies], axis=1), n), []

    searches: list[Callable[[], tuple[Hashes, list[Integers]]]] = [equals]
    searches += [partial(buckets_of_band, first) for first in bands.first_rows]
    codes, large = np.empty(0, dtype=np.uint64), list[Integers]()
    for found, buckets in ordered_map(lambda search: search(), searches, n_jobs, progress):
        # One after the other: most pairs are found in most bands, and all together take as many times the memory.
        codes = distinct(np.concatenate([codes, found]))
        large += buckets
    return Candidates(decode_pairs(codes, n), large)


def successive_equals(signatures: NDArray[np.uint32]) -> Integers:
    """Pairs of each text with the one of the same signature that comes next, shape (n_pairs, 2).

    Examples
    --------
    >>> successive_equals(np.array([[5], [7], [5], [5]], dtype=np.uint32)).tolist()
    [[0, 2], [2, 3]]
    """
    keys = band_keys(signatures)
    order = np.argsort(keys, kind="stable")
    equal = keys[order[1:]] == keys[order[:-1]]
    return np.stack([order[:-1][equal], order[1:][equal]], axis=1)


def band_keys(columns: NDArray[np.unsignedinteger]) -> Hashes:
    """Hash over the last axis of an array of shape (..., n_rows)."""
    compiled = kernel()
    if compiled is None:
        return _band_keys(columns)
    values, keys = columns.astype(np.uint64, order="C"), np.empty(columns.shape[:-1], dtype=np.uint64)
    compiled.chained(values, keys.size, columns.shape[-1], keys)
    return keys


def _band_keys(columns: NDArray[np.unsignedinteger]) -> Hashes:
    """What the kernel does, in NumPy."""
    keys = np.zeros(columns.shape[:-1], dtype=np.uint64)
    for row in range(columns.shape[-1]):
        keys = mix(keys ^ columns[..., row])
    return keys


def with_whole(keys: Hashes) -> Hashes:
    """Keys of the bands of texts, shape (n_texts, n_bands), and behind them one of all bands of each together.

    Examples
    --------
    >>> keys = with_whole(np.array([[7, 8], [7, 9], [7, 8]], dtype=np.uint64))
    >>> keys.shape, bool(keys[0, 2] == keys[2, 2]), bool(keys[0, 2] == keys[1, 2])
    ((3, 3), True, False)
    """
    return np.concatenate([keys, band_keys(keys)[:, None]], axis=1)


def bucket_pairs(keys: Hashes, texts: Hashes, n: int) -> tuple[Hashes, Hashes, list[Integers]]:
    """Pairs of texts ``i < j`` that share a bucket, as codes ``i * n + j``, and the large buckets.

    `keys` has the bucket of each entry, sorted; `texts` its text, ascending within a bucket; `n` is the number of
    texts.

    Returns
    -------
    ndarray of uint64
        All pairs of each bucket of up to `SMALL_BUCKET` texts; a pair in several buckets is repeated.
    ndarray of uint64
        The pairs of each larger bucket that include its first text, likewise.
    list of ndarray of int64
        The texts of each larger bucket, ascending.
    """
    starts, rank = run_starts(keys), ranks_in_runs(keys)
    sizes = np.diff(np.append(starts, len(keys)))
    size = np.repeat(sizes, sizes)
    small = size <= SMALL_BUCKET
    found = [np.empty(0, dtype=np.uint64)]
    for step in range(1, int(sizes[sizes <= SMALL_BUCKET].max(initial=1))):
        left = np.flatnonzero(small & (rank + step < size))
        found.append(texts[left] * np.uint64(n) + texts[left + step])
    star = np.flatnonzero(~small & (rank > 0))
    stars = texts[star - rank[star]] * np.uint64(n) + texts[star]
    large = [texts[starts[b] : starts[b] + sizes[b]].astype(np.int64) for b in np.flatnonzero(sizes > SMALL_BUCKET)]
    return np.concatenate(found), stars, large


def decode_pairs(codes: Hashes, n: int) -> Integers:
    """Pairs from their codes ``i * n + j``, shape (n_codes, 2)."""
    return np.stack(np.divmod(codes, np.uint64(max(n, 1))), axis=1).astype(np.int64)


def encode_pairs(pairs: Integers, n: int) -> Hashes:
    """Codes ``i * n + j`` of pairs, shape (n_pairs,)."""
    return (pairs[:, 0] * n + pairs[:, 1]).astype(np.uint64)
