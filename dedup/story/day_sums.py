"""Reports by episode and day -> sums of their similarities over all pairs, at the cost of one report a day."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, run_starts, slices
from dedup.kernel import Kernel, kernel
from dedup.story.similarity import in_columns, number_columns, time_factor

# So many reports are compared with an episode at once.
_BLOCK_REPORTS = 1024


class DaySums(NamedTuple):
    """Vectors of reports by episode and day: the reports of a day fade with time as one."""

    vectors: csr_array  # of the reports
    order: Integers  # (n_reports,): rows of the vectors by episode and day
    starts: Integers  # (n_days + 1,): a day has the reports ``order[starts[i]:starts[i + 1]]``
    day_of: Integers  # (n_reports,): day of each place in `order`
    days: Floats  # (n_days,): mean publication; NaN for undated reports
    offsets: Integers  # (n_episodes + 1,): episode `i` has the days ``offsets[i]:offsets[i + 1]``

    @classmethod
    def of(cls, vectors: csr_array, days: Floats, labels: Integers, k: int) -> "DaySums":
        """The vectors of reports of k episodes."""
        n, whole = len(labels), np.nan_to_num(np.floor(days), nan=-np.inf)
        order = np.lexsort((whole, labels))
        starts = run_starts(labels[order] * n + np.unique(whole, return_inverse=True)[1][order])
        offsets, starts = np.searchsorted(labels[order][starts], np.arange(k + 1)), np.append(starts, n)
        sizes = np.diff(starts)
        day_of = np.repeat(np.arange(len(sizes)), sizes)
        return cls(vectors, order, starts, day_of, totals(day_of, days[order], len(sizes)) / sizes, offsets)

    def between(self, left: Integers, right: Integers) -> Floats:
        """Sums of the similarities between the reports of pairs of episodes, which differ."""
        # Those of the longer episode are added up, and those of the other are looked up in the sum.
        entries = np.concatenate([[0], np.cumsum(np.diff(self.vectors.indptr)[self.order], dtype=np.int64)])
        sizes = np.diff(entries[self.starts[self.offsets]])
        swap = sizes[left] < sizes[right]
        return self._sums(np.where(swap, right, left), np.where(swap, left, right))

    def within(self, episodes: Integers) -> Floats:
        """Sums of the similarities of the reports of episodes, each pair once."""
        episode, place = self._places(episodes)
        own, day = self.vectors[self.order[place]], self.days[self.day_of[place]]
        itself = own.power(2).sum(axis=1) * time_factor(day, day)
        return (self._sums(episodes, episodes) - totals(episode, itself, len(episodes))) / 2

    def _sums(self, left: Integers, right: Integers) -> Floats:
        found = np.zeros(len(left), dtype=np.float64)
        columns = np.full(self.vectors.shape[1], -1, dtype=np.int32)
        lend = partial(_products_in_numpy, self.vectors)
        if (compiled := kernel()) is not None:
            lend = partial(_products, compiled, *_wide(self.vectors))
        order = np.argsort(left, kind="stable")
        starts = run_starts(left[order])
        for episode, pairs in zip(left[order[starts]].tolist(), np.split(order, starts[1:]), strict=False):
            found[pairs] = self._sums_with(episode, right[pairs], columns, lend)
        return found

    def _sums_with(self, episode: int, others: Integers, columns: NDArray[np.int32], lend: "_Lend") -> Floats:
        """Sums of the similarities of the reports of an episode to those of others; `columns` are lent, all -1."""
        first, stop = self.offsets[episode : episode + 2].tolist()
        places = slice(*self.starts[[first, stop]].tolist())
        own, day = self.order[places], self.day_of[places] - first
        other, place = self._places(others)
        rows, days, found = self.order[place], self.days[self.day_of[place]], np.zeros(len(others), dtype=np.float64)
        with lend(own, day, stop - first, columns) as products:
            for block in slices(0, len(place), _BLOCK_REPORTS):
                factor = time_factor(days[block, None], self.days[first:stop])
                found += totals(other[block], (products(rows[block]) * factor).sum(axis=1), len(others))
        return found

    def _places(self, episodes: Integers) -> tuple[Integers, Integers]:
        """Places in `order` of the reports of episodes, and which of these episodes each is of."""
        starts, stops = (self.starts[self.offsets[episodes + end]] for end in (0, 1))
        sizes = stops - starts
        which = np.repeat(np.arange(len(sizes)), sizes)
        return which, np.arange(len(which)) + (starts - (np.cumsum(sizes) - sizes))[which]


#: Lends a function from rows to their products with the sum of own rows of each day, shape (n_rows, n_days), given the
#: own rows, the day of each, the number of days, and columns, all -1, which it needs until then.
_Lend = Callable[[Integers, Integers, int, NDArray[np.int32]], AbstractContextManager[Callable[[Integers], Floats]]]


def _wide(vectors: csr_array) -> tuple[Integers, NDArray[np.int32], Floats]:
    """Starts, columns and values of rows, as the kernel has them."""
    starts, indices = vectors.indptr.astype(np.int64, copy=False), vectors.indices.astype(np.int32, copy=False)
    return starts, indices, vectors.data.astype(np.float64, copy=False)


@contextmanager
def _products(
    compiled: Kernel,
    starts: Integers,
    indices: NDArray[np.int32],
    values: Floats,
    own: Integers,
    day: Integers,
    n_days: int,
    columns: NDArray[np.int32],
) -> Iterator[Callable[[Integers], Floats]]:
    """What `_products_in_numpy` does, in C."""
    sums = np.zeros((compiled.number_columns(starts, indices, own, len(own), columns), n_days))
    compiled.add_days(starts, indices, values, own, day, len(own), columns, n_days, sums)

    def products(rows: Integers) -> Floats:
        found = np.zeros((len(rows), n_days))
        compiled.day_products(starts, indices, values, rows, len(rows), columns, sums, n_days, found)
        return found

    yield products
    compiled.forget_columns(starts, indices, own, len(own), columns)


@contextmanager
def _products_in_numpy(
    vectors: csr_array, own: Integers, day: Integers, n_days: int, columns: NDArray[np.int32]
) -> Iterator[Callable[[Integers], Floats]]:
    """See `_Lend`."""
    vectors_of_own = vectors[own]
    features = number_columns(vectors_of_own.indices, columns)
    cells = columns[vectors_of_own.indices] * np.int64(n_days) + np.repeat(day, np.diff(vectors_of_own.indptr))
    size = len(features) * n_days
    sums = np.bincount(cells, weights=vectors_of_own.data, minlength=size).reshape(len(features), n_days)
    yield lambda rows: in_columns(vectors[rows], columns, len(features)) @ sums
    columns[features] = -1


def totals(labels: Integers, values: NDArray[Any], k: int) -> Floats:
    """Sum of the values of each of k labels."""
    return np.bincount(labels, weights=values, minlength=k).astype(np.float64)
