"""Sketches of 128 values: MinHash beside Fast Similarity Sketching and one-permutation hashing."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.near.contenders import SLOTS
from dedup.near.sketches import from_datasketch, shingles, to_datasketch

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]


def minhash(texts: Sequence[str]) -> NDArray[np.uint32]:
    return from_datasketch(to_datasketch(texts, num_perm=SLOTS))


def fast_similarity_sketch(elements: Hashes) -> Floats:
    """Dahlgaard, Knudsen and Thorup (2017), "Fast similarity sketching".

    Each round puts every element into a random slot, until no slot is empty; values of later rounds are greater. From
    round SLOTS on, a round puts all elements into one slot, a different one each time.
    """
    sketch = np.full(SLOTS, np.inf)
    for turn in range(2 * SLOTS):
        places, values = _places_and_values(elements, turn)
        np.minimum.at(sketch, places if turn < SLOTS else np.full_like(places, turn - SLOTS), turn + values)
        if np.isfinite(sketch).all():
            break
    return sketch


def one_permutation_sketch(elements: Hashes) -> Floats:
    """Li, Owen and Zhang (2012), "One permutation hashing", empty slots filled as in Shrivastava (2017)."""
    sketch = np.full(SLOTS, np.inf)
    places, values = _places_and_values(elements, 0)
    np.minimum.at(sketch, places, values)
    filled = np.isfinite(sketch)
    for slot in np.flatnonzero(~filled).tolist():
        donors, _ = _places_and_values(np.arange(64 * SLOTS, dtype=np.uint64), 1000 + slot)
        sketch[slot] = sketch[donors[filled[donors]][0]]
    return sketch


def _of_each_text(sketch: Callable[[Hashes], Floats]) -> Callable[[Sequence[str]], Floats]:
    return lambda texts: np.stack([sketch(shingles(text).astype(np.uint64)) for text in texts])


SKETCHES: dict[str, Callable[[Sequence[str]], NDArray[Any]]] = {
    "minhash": minhash,
    "fast_similarity": _of_each_text(fast_similarity_sketch),
    "one_permutation": _of_each_text(one_permutation_sketch),
}


def _places_and_values(elements: Hashes, salt: int) -> tuple[NDArray[np.int64], Floats]:
    """A random slot and a random value in [0, 1) for each element."""
    hashes = _mixed(elements ^ _mixed(np.array([salt + 1], dtype=np.uint64)))
    return (hashes >> np.uint64(32)).astype(np.int64) % SLOTS, (hashes & np.uint64(0xFFFFFFFF)) / 2.0**32


def _mixed(values: Hashes) -> Hashes:
    """A bijection that scatters (MurmurHash3's 64-bit finaliser)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))
