"""Similar pairs -> stories, in steps through time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.archive.job import Job, load, mapped, save
from dedup.archive.slices import is_undated, positions_of, slice_count
from dedup.arrays import connected_labels
from dedup.story.candidates import in_reach
from dedup.story.partition import partition

#: A step takes in whole slices, of so many articles together or one.
STEP_ARTICLES = 1 << 16


class State(NamedTuple):
    """What a step leaves to the next: articles that may still move, and settled parts of stories beside them.

    Attributes
    ----------
    nodes : ndarray of int64, shape (n,)
        Position of each article, or of the first one of a settled part, ascending.
    sizes : ndarray of int64, shape (n,)
        Articles in each; 1 for one that may move.
    left, right : ndarray of int64, shape (n_edges,)
        Similar nodes, by position, ``left < right``.
    similarity : ndarray of float64, shape (n_edges,)
        Sums over the articles of both.
    """

    nodes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    similarity: NDArray[np.float64]


class Step(NamedTuple):
    """What came of a step: the state, and which nodes are of one story with which for good."""

    state: State
    settled: NDArray[np.int64]
    stories: NDArray[np.int64]


def advance(state: State, threshold: float, may_move: NDArray[np.bool_]) -> Step:
    """Find the stories of what is in sight, and settle what cannot meet anything that comes later.

    Parameters
    ----------
    state : State
        With what is new.
    threshold : float
        Mean similarity from which reports form a story.
    may_move : ndarray of bool, shape (n,)
        Which nodes later articles may be similar to.

    Returns
    -------
    Step
        Nodes that settle become one with those that do and are in the same story. Such a part stays in the state as
        long as it is similar to a node that may move.
    """
    n = len(state.nodes)
    left, right = np.searchsorted(state.nodes, state.left), np.searchsorted(state.nodes, state.right)
    upper = csr_array((state.similarity, (left, right)), shape=(n, n))
    labels = partition((upper + upper.T).tocsr(), threshold, state.sizes)
    settling = np.flatnonzero(~may_move)
    first = np.full(int(labels.max(initial=-1)) + 1, n)
    np.minimum.at(first, labels[settling], settling)
    goal = np.where(may_move, np.arange(n), first[labels])
    sizes = np.bincount(goal, weights=state.sizes, minlength=n).astype(np.int64)
    ends = np.sort(np.stack([goal[left], goal[right]]), axis=0)
    # What is inside a part is settled, and what is between two settled ones can only matter to those in sight.
    kept = (ends[0] != ends[1]) & (may_move[left] | may_move[right])
    seen = np.unique(np.concatenate([ends[:, kept].ravel(), np.flatnonzero(may_move)]))
    between = np.isin(ends[0], seen) & np.isin(ends[1], seen) & (ends[0] != ends[1])
    sums = csr_array((state.similarity[between], (ends[0, between], ends[1, between])), shape=(n, n)).tocoo()
    rest = State(
        state.nodes[seen], sizes[seen], state.nodes[sums.row], state.nodes[sums.col], sums.data.astype(np.float64)
    )
    return Step(rest, state.nodes[settling], state.nodes[goal[settling]])


def steps_of(job: Job) -> list[range]:
    """The slices that each step takes in; undated articles, which may meet all others, come with the last."""
    steps, first, dated = [], 0, _dated(job)
    while first < dated:
        stop = first + 1
        begin = positions_of(job, first).start
        while stop < dated and positions_of(job, stop).stop - begin <= STEP_ARTICLES:
            stop += 1
        steps.append(range(first, stop))
        first = stop
    return steps or [range(0)]


def _dated(job: Job) -> int:
    """How many slices have dated articles."""
    return sum(not is_undated(job, k) for k in range(slice_count(job)))


def _in_sight(job: Job, coming: int) -> int:
    """The first slice whose articles may be similar to those of a later one, or of those behind that."""
    days, later = mapped(job, "order", "days"), positions_of(job, coming)
    return next(k for k in range(coming + 1) if in_reach(positions_of(job, k), later, days))


def group(job: Job, number: int, folder: Path) -> None:
    """Task: a step, after all before it."""
    steps, old = steps_of(job), set()
    if number:
        old = {*range(_in_sight(job, steps[number].start), steps[number].start)}
    state = _with_new(_state_before(job, number), job, {*steps[number]}, old)
    if number + 1 < len(steps):
        first = positions_of(job, _in_sight(job, steps[number + 1].start)).start
        may_move = state.nodes >= first
    else:
        state = _with_undated(state, job, number)
        may_move = np.zeros(len(state.nodes), dtype=np.bool_)
    step = advance(state, job.settings.story_threshold, may_move)
    save(folder, settled=step.settled, stories=step.stories, **step.state._asdict())


def _state_before(job: Job, number: int) -> State:
    if number:
        return State(*load(job, "group", number - 1, *State._fields))
    empty = np.empty(0, dtype=np.int64)
    return State(empty, empty, empty, empty, np.empty(0))


def _with_new(state: State, job: Job, new: set[int], old: set[int]) -> State:
    """The state with the articles of new slices, and what they are similar to in those and the old ones."""
    positions = [load(job, "count", k, "positions")[0] for k in sorted(new)]
    nodes = np.concatenate([state.nodes, *positions])
    sizes = np.concatenate([state.sizes, np.ones(len(nodes) - len(state.nodes), dtype=np.int64)])
    order = np.argsort(nodes)
    edges = [[state.left, state.right, state.similarity]]
    for k in sorted(new | old):
        edges += _edges_between(job, k, new)
    return State(nodes[order], sizes[order], *(np.concatenate(column) for column in zip(*edges, strict=True)))


def _edges_between(job: Job, number: int, others: set[int]) -> Iterator[list[NDArray[Any]]]:
    """What the texts of a slice are similar to in some others that are not before it."""
    slices, offsets, *columns = load(job, "compare", number, "slices", "offsets", "left", "right", "similarity")
    for i, other in enumerate(slices.tolist()):
        if other in others:
            yield [column[offsets[i] : offsets[i + 1]] for column in columns]


def _with_undated(state: State, job: Job, steps: int) -> State:
    """The state with all undated articles, and the parts settled in so many steps that they are similar to."""
    copies = np.array(mapped(job, "copies", "first"))
    everyone = np.arange(len(copies))
    parts = connected_labels(*_settled(job, steps), len(copies))
    parts = np.unique(parts, return_index=True)[1][parts]
    sizes = np.bincount(parts[copies == everyone], minlength=len(copies))
    undated = {*range(_dated(job), slice_count(job))}
    edges = [(state.left, state.right, state.similarity)]
    for k in range(slice_count(job)):
        edges += [(parts[left], right, own) for left, right, own in _edges_between(job, k, undated)]
    left, right, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
    positions = [load(job, "count", k, "positions")[0] for k in sorted(undated)]
    nodes = np.unique(np.concatenate([state.nodes, left, *positions]))
    return State(nodes, sizes[nodes], left, right, similarity)


def _settled(job: Job, steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes that are of one story, in pairs, by so many steps."""
    pairs = [
        [np.empty(0, dtype=np.int64)] * 2,
        *(load(job, "group", k, "settled", "stories") for k in range(steps)),
    ]
    settled, goals = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return settled, goals


def stories(job: Job, _: int, folder: Path) -> None:
    """Task: the position of the first article of every article's story, and its mean similarity to the others."""
    settled, goals = _settled(job, len(steps_of(job)))
    copies = np.array(mapped(job, "copies", "first"))
    n = len(copies)
    everyone = np.arange(n)
    reports = np.flatnonzero(copies == everyone)
    labels = connected_labels(np.concatenate([settled, everyone]), np.concatenate([goals, copies]), n)
    sums = np.zeros(n)
    for k in range(slice_count(job)):
        left, right, similarity = load(job, "compare", k, "left", "right", "similarity")
        inside = labels[left] == labels[right]
        for ends in (left[inside], right[inside]):
            found, place = np.unique(ends, return_inverse=True)
            sums[found] += np.bincount(place, weights=similarity[inside])
    others = np.bincount(labels[reports], minlength=int(labels.max(initial=-1)) + 1)[labels] - 1
    membership = np.where(others > 0, sums[copies] / np.maximum(others, 1), 1.0)
    first = np.unique(labels, return_index=True)[1][labels]
    save(folder, first=first, membership=membership)
