"""Ways from texts to pairs of near-duplicates: `dedup.near_duplicates` and its peers.

All have word 5-grams, threshold 0.7 and every processor. The peers sign with 128 values and have the bands that they
choose or document, 16 x 8 where they leave it to the user; dedup computes the values that its bands need. Those that
keep signatures drop candidates whose estimate is below the threshold.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpora.exact import SHINGLE

THRESHOLD = 0.7
SLOTS = 128
BANDS = 16, 8  # bands x rows

Bands = tuple[int, int] | None  # those that a contender chooses if None
Pairs = Iterable[Sequence[int]]
Signatures = NDArray[np.uint32] | NDArray[np.uint64]


class Contender(NamedTuple):
    """Texts and bands -> pairs, and the packages that it needs, by their names on PyPI."""

    pairs: Callable[[list[str], Bands], Pairs]
    needs: tuple[str, ...] = ()


def by_dedup(texts: list[str], _: Bands) -> Pairs:
    from dedup import near_duplicates

    return near_duplicates(texts, threshold=THRESHOLD, num_perm=SLOTS).pairs


def by_gaoya(texts: list[str], bands: Bands) -> Pairs:
    from gaoya.minhash import MinHashStringIndex

    count, rows = bands or BANDS
    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=THRESHOLD,
        num_bands=count,
        band_size=rows,
        num_hashes=count * rows,
        analyzer="word",
        lowercase=True,
        ngram_range=(SHINGLE, SHINGLE),
        id_container="smallvec",
    )
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    return pairs_of_neighbours(index.par_bulk_query(texts))


def by_daft(texts: list[str], bands: Bands) -> Pairs:
    import daft
    from daft.functions import minhash, normalize

    plain = normalize(daft.col("text"), remove_punct=True, lowercase=True, nfd_unicode=True, white_space=True)
    signed = minhash(plain, num_hashes=SLOTS, ngram_size=SHINGLE, hash_function="xxhash")
    column = daft.from_pydict({"text": texts}).select(signed.alias("signed")).to_arrow()["signed"].combine_chunks()
    return pairs_of_bands(column.flatten().to_numpy().reshape(len(texts), SLOTS), bands or BANDS)


def by_rensa(texts: list[str], bands: Bands) -> Pairs:
    from rensa import RMinHash, RMinHashLSH

    count, rows = bands or BANDS
    sketches = RMinHash.from_token_sets([word_grams(text) for text in texts], num_perm=count * rows, seed=42)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=count * rows, num_bands=count)
    index.insert_many(sketches)
    found = pairs_of_neighbours(index.query_all(sketches))
    return [(i, j) for i, j in found if sketches[i].jaccard(sketches[j]) >= THRESHOLD]


def by_datasketch(texts: list[str], bands: Bands) -> Pairs:
    from datasketch import MinHash, MinHashLSH
    from xxhash import xxh32_intdigest

    grams = [[gram.encode() for gram in word_grams(text)] for text in texts]
    sketches = MinHash.bulk(grams, num_perm=SLOTS, hashfunc=xxh32_intdigest)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=SLOTS, params=bands)
    for i, sketch in enumerate(sketches):
        index.insert(i, sketch, check_duplication=False)
    found = pairs_of_neighbours(map(index.query, sketches))
    return [(i, j) for i, j in found if sketches[i].jaccard(sketches[j]) >= THRESHOLD]


def by_fastsketch(texts: list[str], bands: Bands) -> Pairs:
    from FastSketchLSH import LSH, FastSimilaritySketch

    count, rows = bands or BANDS
    signed = FastSimilaritySketch(size=SLOTS).batch([word_grams(text) for text in texts])  # a power of two
    signed = np.ascontiguousarray(signed[:, : count * rows])
    index = LSH(num_perm=count * rows, num_bands=count)
    index.insert(signed)
    neighbours, starts = index.query(signed, format="csr")
    texts_of = np.repeat(np.arange(len(texts)), np.diff(starts.astype(np.int64)))
    return above_threshold(signed, texts_of, neighbours.astype(np.int64))


def only_words(texts: list[str], _: Bands) -> Pairs:
    """Split each text into words, as plain Python does: the least that looking at the words costs."""
    for text in texts:
        text.lower().split()  # not kept: keeping the words would cost more than finding them
    return []


CONTENDERS = {
    "dedup": Contender(by_dedup),
    "gaoya": Contender(by_gaoya, ("gaoya",)),
    "daft": Contender(by_daft, ("daft",)),
    "rensa": Contender(by_rensa, ("rensa",)),
    "datasketch": Contender(by_datasketch, ("datasketch", "xxhash")),
    "fastsketch": Contender(by_fastsketch, ("FastSketchLSH",)),
    "floor": Contender(only_words),
}


def word_grams(text: str) -> list[str]:
    """Distinct word 5-grams for the peers that want tokens, about as fast as plain Python makes them."""
    words = re.findall(r"\w+", text.lower())
    rest = [words[k:] for k in range(SHINGLE)]
    return list(set(map(" ".join, zip(*rest, strict=False)))) or [" ".join(words)]


def pairs_of_neighbours(neighbours: Iterable[Iterable[int]]) -> set[tuple[int, int]]:
    """Pairs ``i < j`` from the neighbours of each text."""
    return {(i, j) if i < j else (j, i) for i, found in enumerate(neighbours) for j in found if i != j}


def pairs_of_bands(signed: Signatures, bands: tuple[int, int]) -> NDArray[np.int64]:
    """Pairs that share a bucket and reach the threshold by estimate, for a peer that stops at signatures."""
    count, rows = bands
    weights = np.random.default_rng(0).integers(1, 2**63, rows, dtype=np.uint64) | np.uint64(1)
    left, right = [], []
    for first in range(0, count * rows, rows):
        keys = signed[:, first : first + rows].astype(np.uint64) @ weights
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        place, step = np.arange(len(keys) - 1), 1
        while len(place := place[ranked[place] == ranked[place + step]]):
            left.append(order[place])
            right.append(order[place + step])
            step += 1
            place = place[place + step < len(keys)]
    nothing = np.empty(0, np.int64)
    return above_threshold(signed, np.concatenate([nothing, *left]), np.concatenate([nothing, *right]))


def above_threshold(signed: Signatures, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distinct pairs ``i < j`` whose share of equal values reaches the threshold."""
    codes = np.unique(np.minimum(left, right) * len(signed) + np.maximum(left, right))
    pairs = np.stack(np.divmod(codes, len(signed)), axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    shares = [(signed[part[:, 0]] == signed[part[:, 1]]).mean(axis=1) for part in np.array_split(pairs, 64)]
    return pairs[np.concatenate(shares) >= THRESHOLD]
