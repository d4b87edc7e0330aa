"""Vectors of texts -> the pairs of texts that may be alike by what they mean, whatever their words."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dedup.arrays import Floats, Integers, ranks_in_runs, slices
from dedup.story.encoding import REACH_DAYS_ACROSS, REACH_DAYS_WITHIN, Meanings, Scale, are_mixed

#: Most candidates of a report by meaning, among later ones: the closest. This bounds the pairs of a busy day.
MAX_NEIGHBOURS = 64

_BLOCK_COLUMNS = 4096

#: Left and right texts of pairs, and how similar they are by meaning alone.
ClosePairs = tuple[Integers, Integers, Floats]


class Reach(NamedTuple):
    """Which texts may be alike in nothing but meaning; only vectors of those are compared."""

    days: float  # most days between two of them
    weight: float  # least weight of each

    @classmethod
    def of(cls, languages: Integers, heaviest: float, scale: Scale, floor: float) -> "Reach":
        """The reach of texts in these languages, the largest weight of which is `heaviest`, for a least similarity.

        Examples
        --------
        >>> scale = Scale(mean=0.1, chance=0.3)
        >>> [Reach.of(np.array(codes), 0.5, scale, 0.02).weight > 0 for codes in ([0, 0, -1], [0, 1, 1])]
        [True, False]
        """
        if are_mixed(languages):
            return cls(REACH_DAYS_ACROSS, 0.0)
        return cls(REACH_DAYS_WITHIN, floor / max(float(heaviest * scale.most_within), floor))


def candidates_by_meaning(
    meanings: Meanings, days: Floats, rows: slice, chunks: Sequence[slice], floor: float
) -> tuple[Integers, Integers]:
    """Pairs ``left < right`` of rows and later ones in chunks whose meanings alone reach a similarity, sorted.

    `days` is their publication in days, ascending, with NaN when unknown at the end. Only rows whose vectors can count
    are compared, by blocks of a matrix product: quadratic in those of some days.
    """
    reach = Reach.of(meanings.languages, meanings.weights.max(initial=0.0), meanings.scale, floor)
    pairs = (part for chunk in chunks for part in pairs_by_meaning(meanings, days, rows, chunk, reach, floor))
    left, right, _ = closest(pairs)
    return left, right


def closest(parts: Iterable[ClosePairs]) -> ClosePairs:
    """The pairs of each left text that are closest, sorted; no two parts have one pair.

    Examples
    --------
    >>> parts = [(np.array([0, 0]), np.array([5, 1]), np.array([0.5, 0.3])), (np.array([0]), np.array([3]), np.ones(1))]
    >>> [side.tolist() for side in closest(parts)]
    [[0, 0, 0], [1, 3, 5], [0.3, 1.0, 0.5]]
    """
    none = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    left, right, similarity = (np.concatenate(columns) for columns in zip(none, *parts, strict=True))
    order = np.lexsort((right, -similarity, left))
    kept = order[ranks_in_runs(left[order]) < MAX_NEIGHBOURS]
    kept = kept[np.lexsort((right[kept], left[kept]))]
    return left[kept], right[kept], similarity[kept]


def pairs_by_meaning(
    meanings: Meanings, days: Floats, rows: slice, others: slice, reach: Reach, floor: float
) -> Iterator[ClosePairs]:
    """Pairs ``left < right`` of rows and of others whose meanings alone reach a similarity, in blocks."""
    own = _counting(meanings, rows, reach.weight)
    for columns in slices(max(others.start, rows.start), others.stop, _BLOCK_COLUMNS) if len(own) else ():
        if days[columns.start] - days[rows.stop - 1] > reach.days:
            return
        yield _close_pairs(meanings, days, own, _counting(meanings, columns, reach.weight), reach.days, floor)


def _counting(meanings: Meanings, rows: slice, least: float) -> Integers:
    """The rows that have a vector and at least this weight."""
    counting = (meanings.lengths[rows] > 0) & (meanings.weights[rows] >= least)
    return np.asarray(np.flatnonzero(counting) + rows.start)


def _close_pairs(
    meanings: Meanings, days: Floats, rows: Integers, columns: Integers, most_days: float, floor: float
) -> ClosePairs:
    """Pairs of a row and a later column that are similar by meaning, and how similar."""
    dots = meanings.vectors[rows].astype(np.float32) @ meanings.vectors[columns].astype(np.float32).T
    dots /= meanings.lengths[rows, None].astype(np.float32)
    dots /= meanings.lengths[columns].astype(np.float32)
    # Few pairs pass; the rest is worked out for them alone.
    left, right = np.nonzero(dots >= meanings.scale.least)
    left, right = rows[left], columns[right]
    # By the days of the pair itself, so that it does not matter which blocks are compared.
    near = (right > left) & ~(days[right] - days[left] > most_days)
    left, right = left[near], right[near]
    similarity = meanings.alone(left, right, days[left], days[right])
    kept = similarity >= floor
    return left[kept], right[kept], similarity[kept]
