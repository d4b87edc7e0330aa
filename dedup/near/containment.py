"""Shingles -> candidate pairs in which one text may contain the other."""

import numpy as np

from dedup.arrays import Integers
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import bucket_pairs, decode_pairs

#: One shingle in this many is sampled, the same ones in every text.
SAMPLING = 4

#: Candidates share at least this part of the expected number of samples, since the number that a pair shares scatters.
RECALL_MARGIN = 0.5


def contained_candidates(sets: ShingleSets, containment: float) -> Integers:
    """Pairs of texts ``i < j`` that share enough sampled shingles for one to contain the other, shape (n_pairs, 2).

    `containment` is the least share of the smaller text's shingles that the other text has too, in (0, 1].

    MinHash bands follow the Jaccard similarity, which is low for a brief within a long article. A fixed sample of
    shingles keeps containment as it is (Broder 1997, section 4). A shingle that more than 64 texts share, as in
    templates and much quoted briefs, joins each of them only with the shortest.
    """
    shingles, n = sets.shingles, len(sets.lengths)
    by_length = np.argsort(sets.lengths, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[by_length] = np.arange(n)
    place = np.flatnonzero(shingles % np.uint64(SAMPLING) == 0)
    ranks = rank[np.searchsorted(sets.offsets, place, side="right") - 1]
    order = np.lexsort((ranks, shingles[place]))
    keys, ranks = shingles[place][order], ranks[order]
    distinct = np.ones(len(keys), dtype=np.bool_)
    distinct[1:] = (keys[1:] != keys[:-1]) | (ranks[1:] != ranks[:-1])
    keys, ranks = keys[distinct], ranks[distinct]
    samples = np.bincount(ranks, minlength=n)
    small, stars, _ = bucket_pairs(keys, ranks.astype(np.uint64), n)
    codes, shared = np.unique(np.concatenate([small, stars]), return_counts=True)
    pairs = decode_pairs(codes, n)
    enough = shared >= RECALL_MARGIN * containment * samples[pairs].min(axis=1)
    return np.sort(by_length[pairs[enough]], axis=1)
