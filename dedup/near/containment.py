"""Shingles -> candidate pairs of which one text may hold the other."""

import numpy as np
from numpy.typing import NDArray

from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import bucket_pairs, decoded

#: One shingle in four is looked at, the same ones in every text.
SAMPLING = 4


def contained_candidates(sets: ShingleSets, containment: float) -> NDArray[np.int64]:
    """Pairs of texts that share enough sampled shingles for one to hold `containment` of the other's.

    Parameters
    ----------
    sets : ShingleSets
    containment : float
        Least share of the smaller text's shingles, in (0, 1].

    Returns
    -------
    ndarray of int64, shape (n_pairs, 2)
        ``i < j``; those that share at least half as many samples as expected.

    Notes
    -----
    MinHash bands follow the Jaccard similarity, which is low for a brief within a long article. A fixed sample of
    shingles keeps containment as it is (Broder 1997, section 4). A shingle that more than 64 texts share, as
    those of templates and of a much quoted brief are, joins each of them only with the shortest.
    """
    shingles, n = sets.shingles, len(sets.lengths)
    by_length = np.argsort(sets.lengths, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[by_length] = np.arange(n)
    place = np.flatnonzero(shingles % np.uint64(SAMPLING) == 0)
    ranks = rank[np.searchsorted(sets.offsets, place, side="right") - 1]
    order = np.lexsort((ranks, shingles[place]))
    keys, ranks = shingles[place][order], ranks[order]
    fresh = np.ones(len(keys), dtype=np.bool_)
    fresh[1:] = (keys[1:] != keys[:-1]) | (ranks[1:] != ranks[:-1])
    keys, ranks = keys[fresh], ranks[fresh]
    samples = np.bincount(ranks, minlength=n)
    small, stars, _ = bucket_pairs(keys, ranks.astype(np.uint64), n)
    codes, shared = np.unique(np.concatenate([small, stars]), return_counts=True)
    pairs = decoded(codes, n)
    enough = shared >= containment / 2 * samples[pairs].min(axis=1)
    return np.sort(by_length[pairs[enough]], axis=1)
