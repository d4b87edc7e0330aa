"""New texts that are copies of old ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers, ranks_in_runs
from dedup.article import Refusal, frame_of
from dedup.near.containment import contained_candidates
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import Bands, band_keys, find_candidates
from dedup.near.pipeline import TextSketches
from dedup.near.verify import Times, Verified, Verifier
from dedup.parameters import NearSettings
from dedup.wording import plural, printable


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """New texts that are near-duplicates of old ones.

    Attributes
    ----------
    pairs : ndarray of int64, shape (n_pairs, 2)
        Position of a new text among the new ones, and of an old one among the old ones, sorted. Of more than 64 old
        texts that are copies of each other, some are listed.
    jaccard, containment : ndarray of float64, shape (n_pairs,)
        Their exact similarities; see `NearDuplicates`.
    original : ndarray of int64, shape (n_new,)
        For each new text the most similar old one, of equals the first; -1 for none.
    fresh : ndarray of int64
        Positions of the new texts that are copies of no old one, ascending.
    refusals, old_refusals : tuple of Refusal
        Of the new and of the old articles; see `dedup.near_duplicates`.
    """

    pairs: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]
    original: NDArray[np.int64]
    new_ids: Sequence[str] = field(repr=False)
    old_ids: Sequence[str] = field(repr=False)
    refusals: tuple[Refusal, ...] = field(default=(), repr=False)
    old_refusals: tuple[Refusal, ...] = field(default=(), repr=False)

    @property
    def fresh(self) -> NDArray[np.int64]:
        """Positions of the new texts that are copies of no old one."""
        return np.flatnonzero(self.original < 0)

    def to_frame(self, *, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """One row for each pair: columns new and old (ids), jaccard, containment.

        Raises
        ------
        ValueError
            For another backend.
        ImportError
            When the backend is not installed.
        """
        columns = {
            "new": [printable(self.new_ids[i]) for i in self.pairs[:, 0].tolist()],
            "old": [printable(self.old_ids[i]) for i in self.pairs[:, 1].tolist()],
            "jaccard": self.jaccard.tolist(),
            "containment": self.containment.tolist(),
        }
        return frame_of(columns, backend)

    def __repr__(self) -> str:
        new, old = plural(len(self.new_ids), "new text"), plural(len(self.old_ids), "old one")
        return f"Copies({len(self.new_ids) - len(self.fresh):,} of {new} are copies of {old})"


def copies_across(
    old: TextSketches,
    new: TextSketches,
    contained: Integers,
    settings: NearSettings,
    n_jobs: int | None,
    times: Times | None,
) -> Verified:
    """Pairs of an old and a new text that are near-duplicates; `times` and `contained` have the old ones first.

    `contained` has the pairs of texts of fewer tokens than a shingle, the first of equal ones each, and of texts that
    have them.
    """
    n_old = len(old.signatures)
    bands = Bands.of(settings)
    if settings.containment is None:
        # Only old texts that share a band with a new one are looked at.
        chosen = np.flatnonzero(_share_a_band(old.signatures, new.signatures, bands) & (old.shingles.lengths > 0))
    else:
        chosen = np.arange(n_old)
    rows = np.concatenate([chosen, n_old + np.arange(len(new.signatures))])
    shingles = joined_sets(old.shingles.of(chosen), new.shingles)
    numbers = None
    if old.numbers is not None and new.numbers is not None:
        numbers = joined_sets(old.numbers.of(chosen), new.numbers)
    if times is not None:
        times = times._replace(days=times.days[rows])
    filled = np.flatnonzero(shingles.lengths)
    signed = np.concatenate([old.signatures[chosen], new.signatures])[filled]
    found = find_candidates(signed, bands, n_jobs)
    pairs = filled[found.pairs]
    if settings.containment is not None:
        long = contained_candidates(shingles, settings.containment, settings.recall, settings.shingle_size)
        pairs = np.unique(np.concatenate([pairs, long]), axis=0)
    if times is not None:  # the first of many copies is too far from most of them
        pairs = np.concatenate([pairs, filled[_nearest_equals(signed, times.days[filled], filled < len(chosen))]])
    pairs = pairs[_is_across(pairs, len(chosen))]
    verifier = Verifier(shingles, numbers, settings.threshold, settings.containment, times)
    verified, _ = verifier.verify(pairs, [filled[bucket] for bucket in found.large])
    if len(contained):  # where containment counts, and then all old texts are chosen
        contained = _of_all_equals(contained, shingles)
        verified = verifier.with_contained(verified, contained[_is_across(np.sort(contained), len(chosen))])
    across = _is_across(verified.pairs, len(chosen))
    return Verified(rows[verified.pairs[across]], verified.jaccard[across], verified.containment[across])


def joined_sets(old: ShingleSets, new: ShingleSets) -> ShingleSets:
    """The sets of old texts, and behind them those of new ones."""
    offsets = np.concatenate([old.offsets, old.offsets[-1] + new.offsets[1:]])
    return ShingleSets(np.concatenate([old.shingles[: old.offsets[-1]], new.shingles]), offsets, new.n_jobs)


def _share_a_band(old: NDArray[np.uint32], new: NDArray[np.uint32], bands: Bands) -> Flags:
    """Which old texts share a band with a new one."""
    shares = np.zeros(len(old), dtype=np.bool_)
    for first in bands.first_rows:
        own = slice(first, first + bands.rows)
        shares |= np.isin(band_keys(old[:, own]), band_keys(new[:, own]), kind="sort")
    return shares


def _nearest_equals(signatures: NDArray[np.uint32], days: Floats, is_old: Flags) -> Integers:
    """Pairs of an old and a new text of one signature, for each new one the old ones next before and after it.

    Examples
    --------
    >>> signed = np.array([[5], [5], [5], [5], [7]], dtype=np.uint32)
    >>> _nearest_equals(signed, np.array([1.0, 9, 4, 6, 5]), np.array([True, True, True, False, False])).tolist()
    [[2, 3], [1, 3]]
    """
    keys = band_keys(signatures)
    order = np.lexsort((days, keys))
    runs = np.cumsum(np.concatenate([[0], keys[order[1:]] != keys[order[:-1]]]))
    places, old = np.arange(len(order)), is_old[order]
    before = np.maximum.accumulate(np.where(old, places, -1))
    after = np.minimum.accumulate(np.where(old, places, len(order))[::-1])[::-1]
    found = [np.empty((0, 2), dtype=np.int64)]
    for nearest in (before, after):
        there = np.flatnonzero(~old & (nearest >= 0) & (nearest < len(order)))
        there = there[runs[nearest[there]] == runs[there]]
        found.append(np.stack([order[nearest[there]], order[there]], axis=1))
    return np.concatenate(found)


def _of_all_equals(contained: Integers, sets: ShingleSets) -> Integers:
    """Pairs of short texts and those that have them, which are of the first of equal short texts, for all equals."""
    sums = sets.sums()
    firsts, group = np.unique(contained[:, 0], return_inverse=True)
    order = np.argsort(sums, kind="stable")
    starts = np.searchsorted(sums[order], sums[firsts], side="left")
    counts = np.searchsorted(sums[order], sums[firsts], side="right") - starts
    pair = np.repeat(np.arange(len(contained)), counts[group])
    short = order[starts[group[pair]] + ranks_in_runs(pair)]
    return np.stack([short, contained[pair, 1]], axis=1)


def _is_across(pairs: Integers, n_old: int) -> Flags:
    across: Flags = (pairs[:, 0] < n_old) & (pairs[:, 1] >= n_old)
    return across
