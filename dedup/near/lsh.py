"""Signatures -> candidate pairs by locality-sensitive hashing in bands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.parallel import ordered_map
from dedup.text.tokens import mix

#: Buckets up to this size give all their pairs, larger ones a star and a chain.
SMALL_BUCKET = 64


@dataclass(frozen=True, slots=True)
class Bands:
    """A signature cut into `bands` bands of `rows` values; texts that agree on a whole band are candidates."""

    bands: int
    rows: int

    @classmethod
    def for_recall(cls, threshold: float, recall: float, num_perm: int) -> "Bands":
        """The most selective bands that retrieve a pair of similarity `threshold` with probability `recall`.

        Raises
        ------
        ValueError
            When not even one row a band reaches `recall`.

        Examples
        --------
        >>> Bands.for_recall(0.7, 0.95, 128)
        Bands(bands=25, rows=5)
        """
        for rows in range(num_perm, 0, -1):
            bands = cls(num_perm // rows, rows)
            if bands.retrieval_probability(threshold) >= recall:
                return bands
        best = float(cls(num_perm, 1).retrieval_probability(threshold))
        raise ValueError(
            f"recall={recall} cannot be had at threshold={threshold} with num_perm={num_perm}: "
            f"at most {best:.3g}; raise num_perm or lower recall"
        )

    @property
    def first_rows(self) -> range:
        """Where in a signature each band begins."""
        return range(0, self.bands * self.rows, self.rows)

    def retrieval_probability(self, jaccard: ArrayLike) -> NDArray[np.float64]:
        """Probability that a pair of the given Jaccard similarity (in [0, 1]) shares a band."""
        return 1 - (1 - np.asarray(jaccard, dtype=np.float64) ** self.rows) ** self.bands


def candidate_pairs(signatures: NDArray[np.uint32], bands: Bands, n_jobs: int | None = None) -> NDArray[np.int64]:
    """Distinct pairs of rows that share a bucket of any band.

    Parameters
    ----------
    signatures : ndarray of uint32, shape (n_texts, num_perm)
    bands : Bands
        With ``bands.bands * bands.rows <= num_perm``.

    Returns
    -------
    ndarray of int64, shape (n_pairs, 2)
        ``i < j``, sorted. Of a bucket of more than `SMALL_BUCKET` texts only the pairs with its first text and
        between neighbours, so that a story with 50,000 copies costs 100,000 pairs.

    Notes
    -----
    O(bands x n log n). Gionis, Indyk and Motwani (1999), "Similarity search in high dimensions via hashing".
    """
    n = len(signatures)

    def pairs_of_band(first: int) -> NDArray[np.uint64]:
        return _bucket_pairs(_band_keys(signatures[:, first : first + bands.rows]), n)

    codes = np.unique(np.concatenate(list(ordered_map(pairs_of_band, bands.first_rows, n_jobs))))
    return np.stack(np.divmod(codes, np.uint64(max(n, 1))), axis=1).astype(np.int64)


def _band_keys(columns: NDArray[np.uint32]) -> NDArray[np.uint64]:
    keys = np.zeros(len(columns), dtype=np.uint64)
    for column in columns.T:
        keys = mix(keys ^ column)
    return keys


def _bucket_pairs(keys: NDArray[np.uint64], n: int) -> NDArray[np.uint64]:
    """Pairs ``i * n + j``, ``i < j``, of rows with one key."""
    # Key above, row number below: one plain sort does for an argsort. The low bits of the key make way;
    # a chance collision of what is left only adds a candidate.
    row_bits = np.uint64(max(1, (n - 1).bit_length()))
    row_mask = (np.uint64(1) << row_bits) - np.uint64(1)
    packed = np.sort((keys & ~row_mask) | np.arange(n, dtype=np.uint64))
    rows, keys = packed & row_mask, packed & ~row_mask
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if n else np.empty(0, dtype=np.int64)
    sizes = np.diff(np.append(starts, n))
    size = np.repeat(sizes, sizes)
    place = np.arange(n) - np.repeat(starts, sizes)  # within its bucket
    found = []
    for step in range(1, min(SMALL_BUCKET, int(sizes.max(initial=1)))):
        # In a large bucket only the neighbours, one step apart.
        left = np.flatnonzero((place + step < size) & ((size <= SMALL_BUCKET) | (step == 1)))
        found.append(rows[left] * np.uint64(n) + rows[left + step])
    star = np.flatnonzero((size > SMALL_BUCKET) & (place > 1))
    found.append(rows[star - place[star]] * np.uint64(n) + rows[star])
    return np.concatenate(found)
