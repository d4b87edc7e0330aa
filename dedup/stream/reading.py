"""Texts -> what the index keeps of each: band keys, features, and how its stop words are written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.near.duplicates import SEED
from dedup.near.lsh import Bands, band_keys
from dedup.near.minhash import low_hashes, signatures
from dedup.near.shingles import shingle_hashes
from dedup.story.features import count_block
from dedup.text.tokens import mix, tokenize


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one text comes to.

    Attributes
    ----------
    shingles : ndarray of uint64, shape (n_words,)
        Hashes of its shingles, with repeats; empty for a blank text.
    bands : ndarray of uint64, shape (n_bands,)
        Keys of its buckets; empty for a blank text.
    keys : ndarray of uint64, shape (n_features,)
        Of its features, ascending.
    counts : ndarray of uint8, shape (n_features,)
        Their weighted counts, 255 for more.
    """

    shingles: NDArray[np.uint64]
    bands: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    counts: NDArray[np.uint8]


def read_texts(texts: Sequence[str], bands: Bands, shingle_size: int) -> list[Reading]:
    """Readings of a block of texts (see `dedup.text.tokens.blocks`)."""
    tokens = tokenize(texts)
    shingles = shingle_hashes(tokens, shingle_size)
    values = bands.bands * bands.rows
    signed = signatures(low_hashes(shingles), tokens.offsets, num_perm=values, seed=SEED)
    buckets = np.stack(
        [mix(band_keys(signed[:, first : first + bands.rows]) + np.uint64(first)) for first in bands.first_rows], axis=1
    )
    counted = count_block(texts)
    ends = np.cumsum(counted.sizes)
    counts = np.minimum(counted.counts, 255).astype(np.uint8)
    readings = []
    for i, (first, stop) in enumerate(zip((ends - counted.sizes).tolist(), ends.tolist(), strict=True)):
        own = shingles[tokens.offsets[i] : tokens.offsets[i + 1]]
        used = buckets[i] if len(own) else buckets[i][:0]
        readings.append(Reading(own, used, counted.keys[first:stop], counts[first:stop]))
    return readings
