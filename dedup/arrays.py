"""Operations on flat arrays that NumPy lacks: joins, look-up of keys, runs of equal values, components."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Arrays by what they hold; annotations of public classes and functions write them out.
Integers = NDArray[np.int64]
AnyIntegers = NDArray[np.signedinteger]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Hashes = NDArray[np.uint64]

# A growing array is longer by this part than what it holds.
_SPARE = 16
#: Values that are worked on at once where there may be many: a few dozen temporary arrays of them are some megabytes.
PART = 1 << 15

_STEP_BITS = 12  # of the exponents in the first table of `Powers`


def joined(parts: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """One array out of one-dimensional parts; empties the list, so that each part is freed once it is copied.

    Examples
    --------
    >>> joined([np.array([1, 2]), np.array([3])], np.int64)
    array([1, 2, 3])
    """
    whole = np.empty(sum(map(len, parts)), dtype=dtype)
    parts.reverse()
    done = 0
    while parts:
        part = parts.pop()
        whole[done : done + len(part)] = part
        done += len(part)
    return whole


class Growing:
    """A one-dimensional array that grows at its end.

    Parts that are kept until all are there, and then joined, leave memory in pieces that the system does not get back.

    Examples
    --------
    >>> grown = Growing(np.int64)
    >>> grown.append(np.array([1, 2]))
    >>> grown.append(np.array([3]))
    >>> grown.array()
    array([1, 2, 3])
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._values = np.empty(0, dtype=dtype)
        self._size = 0

    def append(self, part: NDArray[Any]) -> None:
        """Copy values to the end."""
        stop = self._size + len(part)
        if stop > len(self._values):  # large arrays are moved in the page table, not copied
            self._values.resize(stop + stop // _SPARE, refcheck=False)
        self._values[self._size : stop] = part
        self._size = stop

    def array(self) -> NDArray[Any]:
        """All values, after which nothing may be appended."""
        self._values.resize(self._size, refcheck=False)
        return self._values


def connected_labels(left: Integers, right: Integers, n: int) -> Integers:
    """Connected component of each of `n` nodes under the edges ``left[i], right[i]``, numbered by first member.

    Examples
    --------
    >>> connected_labels(np.array([1, 3]), np.array([3, 4]), 5)
    array([0, 1, 2, 1, 1])
    """
    if not len(left):
        return np.arange(n)
    graph = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(n, n))
    return numbered_by_first(connected_components(graph, directed=False)[1])


def numbered_by_first(labels: NDArray[np.integer]) -> Integers:
    """The same grouping with labels numbered in the order of their first members.

    Examples
    --------
    >>> numbered_by_first(np.array([7, 3, 7, 5]))
    array([0, 1, 0, 2])
    """
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[which]


def first_members(labels: NDArray[np.integer]) -> Integers:
    """Position of the first member of each label, by label.

    Examples
    --------
    >>> first_members(np.array([1, 0, 1, 0]))
    array([1, 0])
    """
    first: Integers = np.unique(labels, return_index=True)[1]
    return first


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The distinct values, ascending; faster than `numpy.unique` where most of them come in ascending runs.

    Examples
    --------
    >>> distinct(np.array([7, 4, 7]))
    array([4, 7])
    """
    ordered = np.sort(values, kind="stable")
    return ordered[run_starts(ordered)]


def run_starts(values: NDArray[Any]) -> Integers:
    """Positions at which a run of equal values begins.

    Examples
    --------
    >>> run_starts(np.array([4, 4, 7, 4]))
    array([0, 2, 3])
    """
    fresh = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=fresh[1:])
    return np.asarray(fresh.nonzero()[0])


def counted(values: Hashes) -> tuple[Hashes, Integers]:
    """Distinct values of an ascending array, which owns its memory and is written over, and how often each occurs.

    Examples
    --------
    >>> [column.tolist() for column in counted(np.array([4, 4, 7], dtype=np.uint64))]
    [[4, 7], [2, 1]]
    """
    fresh = np.ones(len(values), dtype=np.bool_)
    for part in slices(1, len(values), PART):
        fresh[part] = values[part] != values[part.start - 1 : part.stop - 1]
    starts, done = np.empty(np.count_nonzero(fresh) + 1, dtype=np.int64), 0
    for part in slices(0, len(values), PART):
        own = part.start + np.flatnonzero(fresh[part])
        starts[done : done + len(own)], values[done : done + len(own)] = own, values[own]
        done += len(own)
    starts[done] = len(values)
    values.resize(done, refcheck=False)
    return values, np.diff(starts)


def parts_of_runs(values: Hashes, low_bits: int) -> Iterator[slice]:
    """Slices of ascending values, in which those that are equal but for their lowest bits are together.

    Examples
    --------
    >>> [values] = parts_of_runs(np.array([4, 5, 8], dtype=np.uint64), 2)
    >>> values
    slice(0, 3, None)
    """
    low, first = np.uint64((1 << low_bits) - 1), 0
    while first < len(values):
        last = values[min(first + PART, len(values)) - 1] | low
        stop = int(np.searchsorted(values, last, side="right"))
        yield slice(first, stop)
        first = stop


def ranks_in_runs(values: NDArray[Any]) -> Integers:
    """Position of each value in its run of equal values.

    Examples
    --------
    >>> ranks_in_runs(np.array([4, 4, 7, 4]))
    array([0, 1, 0, 0])
    """
    starts = run_starts(values)
    return np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))


def members(labels: Integers) -> list[list[int]]:
    """Positions of the members of each label, ascending, by label.

    Examples
    --------
    >>> members(np.array([0, 1, 0]))
    [[0, 2], [1]]
    """
    if not len(labels):
        return []
    order = np.argsort(labels, kind="stable")
    return [part.tolist() for part in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)]


def groups_of(labels: Iterable[int]) -> list[list[int]]:
    """Positions of the members of each label, ascending, by first member: `members` of a few labels, without arrays.

    Examples
    --------
    >>> groups_of([7, 3, 7])
    [[0, 2], [1]]
    """
    found: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        found.setdefault(label, []).append(place)
    return list(found.values())


def slices(start: int, stop: int, size: int) -> list[slice]:
    """Consecutive slices of at most `size` that cover ``start:stop``.

    Examples
    --------
    >>> slices(3, 8, 2)
    [slice(3, 5, None), slice(5, 7, None), slice(7, 8, None)]
    """
    return [slice(first, min(first + size, stop)) for first in range(start, stop, size)]


def by_parts(function: Callable[..., NDArray[Any]], *columns: NDArray[Any]) -> NDArray[Any]:
    """What a function finds for each row of some columns, `PART` of them at a time: its temporary arrays stay small.

    Examples
    --------
    >>> by_parts(np.add, np.arange(3), np.arange(3)).tolist()
    [0, 2, 4]
    """
    if len(columns[0]) <= PART:
        return function(*columns)
    parts = slices(0, len(columns[0]), PART)
    found = function(*(column[parts[0]] for column in columns))
    whole = np.empty(len(columns[0]), dtype=found.dtype)
    whole[parts[0]] = found
    for part in parts[1:]:
        whole[part] = function(*(column[part] for column in columns))
    return whole


class Powers:
    """Powers of a number modulo 2**64, by two small tables: one of all of them would be large.

    Parameters
    ----------
    base : uint64
    count : int
        The largest exponent; the least is 1.

    Examples
    --------
    >>> Powers(np.uint64(3), 10).take(np.array([0, 1, 9])).tolist()
    [3, 9, 59049]
    """

    def __init__(self, base: np.uint64, count: int) -> None:
        self._small = _small_powers(base)
        steps = np.full(count >> _STEP_BITS, self._small[-1])
        self._large = np.concatenate([np.ones(1, dtype=np.uint64), np.multiply.accumulate(steps)])

    def take(self, places: AnyIntegers) -> Hashes:
        """Return some powers; that with the exponent 1 is at place 0."""
        powers: Hashes = self._large.take(places >> _STEP_BITS)
        powers *= self._small.take(places & ((1 << _STEP_BITS) - 1))
        return powers


@cache
def _small_powers(base: np.uint64) -> Hashes:
    return np.multiply.accumulate(np.full(1 << _STEP_BITS, base))
