"""Shingles -> candidate pairs in which one text may contain the other; and texts shorter than a shingle in others."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from dedup.arrays import Flags, Hashes, Integers
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import bucket_pairs, decode_pairs
from dedup.near.shingles import run_hashes
from dedup.parameters import NearSettings
from dedup.text.tokens import Tokens, blocks, tokenize

#: One shingle in this many is sampled, the same ones in every text.
SAMPLING = 4

#: Candidates share at least this part of the expected number of samples, since the number that a pair shares scatters.
RECALL_MARGIN = 0.5

#: Texts of more shingles are sampled whatever the recall: the chance to miss one is below 1e-9.
_LONGEST_WHOLE = 400

#: More characters make at least five tokens, as tokens are cut at 64 bytes.
_SHORT_CHARACTERS = 400


@cache
def longest_whole(containment: float, recall: float) -> int:
    """Most shingles of a text of which all count, since a sample of them would find too few of the longer texts.

    Of s shingles Binomial(s, 1 / 4) are sampled, and of m samples the longer text has Binomial(m, containment).

    Examples
    --------
    >>> longest_whole(1.0, 0.95), longest_whole(1.0, 0.99)
    (10, 16)
    """
    from scipy.stats import binom  # half a second, which only those pay who ask for containment

    sizes, samples = np.arange(1, _LONGEST_WHOLE + 1)[:, None], np.arange(1, _LONGEST_WHOLE + 1)
    enough = binom.sf(np.ceil(RECALL_MARGIN * containment * samples) - 1, samples, containment)
    found = (binom.pmf(samples, sizes, 1 / SAMPLING) * enough).sum(axis=1)
    missed = np.flatnonzero(found < recall)
    return int(missed[-1]) + 1 if len(missed) else 0


def contained_candidates(sets: ShingleSets, containment: float, recall: float, shingle_size: int = 1) -> Integers:
    """Pairs of texts ``i < j`` that share enough shingles for one to contain the other, shape (n_pairs, 2).

    `containment` is the least share of the smaller text's shingles that the other text has too, in (0, 1]; a pair that
    has just this is found with a probability of at least `recall`. Of the shingles of a text the last
    ``shingle_size - 1`` repeat others.

    MinHash bands follow the Jaccard similarity, which is low for a brief within a long article. A fixed sample of
    shingles keeps containment as it is (Broder 1997, section 4); of short texts all shingles are in it. A shingle that
    more than 64 texts share, as in templates and much quoted briefs, joins each of them only with the shortest.
    """
    n = len(sets.lengths)
    by_length = np.argsort(sets.lengths, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[by_length] = np.arange(n)
    whole = sets.lengths - (shingle_size - 1) <= longest_whole(containment, recall)
    place = np.flatnonzero(_are_chosen(sets, whole))
    ranks = rank[np.searchsorted(sets.offsets, place, side="right") - 1]
    order = np.lexsort((ranks, sets.shingles[place]))
    keys, ranks = sets.shingles[place][order], ranks[order]
    distinct = np.ones(len(keys), dtype=np.bool_)
    distinct[1:] = (keys[1:] != keys[:-1]) | (ranks[1:] != ranks[:-1])
    keys, ranks = keys[distinct], ranks[distinct]
    chosen = np.bincount(ranks, minlength=n)
    small, stars, _ = bucket_pairs(keys, ranks.astype(np.uint64), n)
    codes, shared = np.unique(np.concatenate([small, stars]), return_counts=True)
    pairs = decode_pairs(codes, n)
    shorter = pairs[:, 0]
    margin = np.where(whole[by_length[shorter]], 1.0, RECALL_MARGIN)
    # The shorter text may have more in the sample, which has all shingles of short texts.
    fewest = np.where(whole[by_length[shorter]], chosen[shorter], chosen[pairs].min(axis=1))
    return np.sort(by_length[pairs[shared >= margin * containment * fewest - 1e-9]], axis=1)


def _are_chosen(sets: ShingleSets, whole: Flags) -> Flags:
    """Which shingles are compared: a sample, and those of short texts wherever they are."""
    sampled: Flags = sets.shingles % np.uint64(SAMPLING) == 0
    wanted = np.unique(sets.shingles[np.repeat(whole, sets.lengths)])
    if len(wanted):
        place = np.minimum(np.searchsorted(wanted, sets.shingles), len(wanted) - 1)
        sampled |= wanted[place] == sets.shingles
    return sampled


@dataclass(frozen=True, slots=True)
class ShortTexts:
    """The texts of fewer tokens than a shingle: each is one run of tokens, which longer texts may have."""

    texts: Integers  # ascending
    sizes: Integers  # number of tokens of each
    runs: Hashes  # hash of all tokens of each

    @classmethod
    def among(cls, texts: Sequence[str], settings: NearSettings) -> "ShortTexts":
        """Find them."""
        few = [i for i, text in enumerate(texts) if len(text) < _SHORT_CHARACTERS]
        found, sizes, runs = [], [], []
        for block in blocks([texts[i] for i in few]):
            tokens = tokenize([texts[i] for i in few[block]], settings.fold)
            counts = np.diff(tokens.offsets)
            for size in range(1, settings.shingle_size):
                own = np.flatnonzero(counts == size)
                found.append(np.array(few[block], dtype=np.int64)[own])
                sizes.append(counts[own])
                runs.append(run_hashes(tokens, size)[tokens.offsets[own]])
        if not found:
            return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64))
        order = np.argsort(np.concatenate(found))
        return cls(np.concatenate(found)[order], np.concatenate(sizes)[order], np.concatenate(runs)[order])

    def pairs_in(self, tokens: Tokens, first: int) -> Integers:
        """Pairs of a short text and a longer one of a block of texts that has its run, shape (n_pairs, 2).

        `first` is the number of the first text of the block. Of equal short texts only the first is in pairs.
        """
        found = [np.empty((0, 2), dtype=np.int64)]
        counts = np.diff(tokens.offsets)
        for size in np.unique(self.sizes).tolist():
            own = np.flatnonzero(self.sizes == size)
            runs, firsts = np.unique(self.runs[own], return_index=True)
            hashes = run_hashes(tokens, size)
            place = np.minimum(np.searchsorted(runs, hashes), len(runs) - 1)
            at = np.flatnonzero(runs[place] == hashes)
            texts = np.searchsorted(tokens.offsets, at, side="right") - 1
            inside = (at + size <= tokens.offsets[texts + 1]) & (counts[texts] > size)
            short = self.texts[own[firsts[place[at[inside]]]]]
            found.append(np.unique(np.stack([short, first + texts[inside]], axis=1), axis=0))
        return np.concatenate(found)
