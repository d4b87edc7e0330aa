"""Similar pairs -> stories, in steps through time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.archive import parts
from dedup.archive.job import Job
from dedup.archive.slices import is_undated, positions_of, slices_of
from dedup.arrays import Flags, Floats, Integers, connected_labels, first_members, joined
from dedup.story.candidates import in_reach
from dedup.story.partition import partition
from dedup.story.similarity import membership

#: A step adds whole slices: one, or several with at most this many articles together.
STEP_ARTICLES = 1 << 16


class OpenGraph(NamedTuple):
    """The graph that a step leaves to the next: reports that may still move, and settled parts beside them."""

    nodes: Integers  # position of each report, or of the first one of a settled part, ascending
    sizes: Integers  # reports in each node; 1 for one that may move
    left: Integers  # edges between similar nodes, by position, left < right
    right: Integers
    similarity: Floats  # sums over the reports of both nodes


class StepResult(NamedTuple):
    """The graph that a step leaves, and the nodes that it settled, each with the first node of its story."""

    graph: OpenGraph
    settled: Integers
    stories: Integers


def settle(graph: OpenGraph, threshold: float, may_move: Flags) -> StepResult:
    """Find the stories of a graph, and settle the nodes that no later report can be similar to.

    Reports form a story from a mean similarity of `threshold` on. Settling nodes of one story become one node, which
    stays in the graph as long as it is similar to a node that may move.
    """
    n = len(graph.nodes)
    left, right = np.searchsorted(graph.nodes, graph.left), np.searchsorted(graph.nodes, graph.right)
    upper = csr_array((graph.similarity, (left, right)), shape=(n, n))
    labels = partition((upper + upper.T).tocsr(), threshold, graph.sizes)
    settling = np.flatnonzero(~may_move)
    first = np.full(int(labels.max(initial=-1)) + 1, n)
    np.minimum.at(first, labels[settling], settling)
    merged = np.where(may_move, np.arange(n), first[labels])
    sizes = np.bincount(merged, weights=graph.sizes, minlength=n).astype(np.int64)
    ends = np.sort(np.stack([merged[left], merged[right]]), axis=0)
    # Edges inside a part are settled, and edges between two settled parts only matter to nodes that may move.
    kept = (ends[0] != ends[1]) & (may_move[left] | may_move[right])
    seen = np.unique(np.concatenate([ends[:, kept].ravel(), np.flatnonzero(may_move)]))
    between = np.isin(ends[0], seen) & np.isin(ends[1], seen) & (ends[0] != ends[1])
    sums = csr_array((graph.similarity[between], (ends[0, between], ends[1, between])), shape=(n, n)).tocoo()
    left, right = graph.nodes[sums.row], graph.nodes[sums.col]
    rest = OpenGraph(graph.nodes[seen], sizes[seen], left, right, sums.data.astype(np.float64))
    return StepResult(rest, graph.nodes[settling], graph.nodes[merged[settling]])


def steps_of(job: Job) -> list[range]:
    """Return the slices that each step adds; undated articles, which may be similar to all, come with the last."""
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
    """Return the number of slices with dated articles."""
    return sum(not is_undated(job, k) for k in slices_of(job))


def _first_in_reach(job: Job, coming: int) -> int:
    """Return the first slice whose articles may be similar to those of a coming slice or a later one."""
    days, later = parts.Order.of(job).days, positions_of(job, coming)
    return next(k for k in range(coming + 1) if in_reach(positions_of(job, k), later, days))


def make_step(job: Job, number: int, folder: Path) -> None:
    """Task: a step, after all before it."""
    steps = steps_of(job)
    new = steps[number]
    old = range(_first_in_reach(job, new.start) if number else new.start, new.start)
    graph = _with_new(_graph_before(job, number), job, {*new}, {*old})
    if number + 1 < len(steps):
        may_move = graph.nodes >= positions_of(job, _first_in_reach(job, steps[number + 1].start)).start
    else:
        graph = _with_undated(graph, job, number)
        may_move = np.zeros(len(graph.nodes), dtype=np.bool_)
    result = settle(graph, job.settings.story_threshold, may_move)
    parts.Step(folder).save(settled=result.settled, stories=result.stories, **result.graph._asdict())


def _graph_before(job: Job, number: int) -> OpenGraph:
    if number:
        before = parts.Step.of(job, number - 1)
        return OpenGraph(before.nodes, before.sizes, before.left, before.right, before.similarity)
    empty = np.empty(0, dtype=np.int64)
    return OpenGraph(empty, empty, empty, empty, np.empty(0))


def _with_new(graph: OpenGraph, job: Job, new: set[int], old: set[int]) -> OpenGraph:
    """Return the graph with the reports of new slices, and their edges among themselves and to the old slices."""
    nodes = np.concatenate([graph.nodes, *(parts.FeatureCounts.of(job, k).positions for k in sorted(new))])
    sizes = np.concatenate([graph.sizes, np.ones(len(nodes) - len(graph.nodes), dtype=np.int64)])
    order = np.argsort(nodes)
    edges = [[graph.left, graph.right, graph.similarity]]
    for k in sorted(new | old):
        edges += _edges_to(job, k, new)
    return OpenGraph(nodes[order], sizes[order], *(np.concatenate(column) for column in zip(*edges, strict=True)))


def _edges_to(job: Job, number: int, others: set[int]) -> Iterator[list[NDArray[Any]]]:
    """Yield the edges from the reports of a slice to those of each of some others that are not before it."""
    pairs = parts.SimilarPairs.of(job, number)
    offsets, columns = pairs.offsets, (pairs.left, pairs.right, pairs.similarity)
    for i, other in enumerate(pairs.slices.tolist()):
        if other in others:
            yield [column[offsets[i] : offsets[i + 1]] for column in columns]


def _with_undated(graph: OpenGraph, job: Job, steps: int) -> OpenGraph:
    """Return the graph with all undated reports, and the parts settled in the first `steps` steps beside them."""
    canonical = np.array(parts.NearGroups.of(job).first)
    n = len(canonical)
    labels = connected_labels(*_settled(job, steps), n)
    node = first_members(labels)[labels]
    sizes = np.bincount(node[canonical == np.arange(n)], minlength=n)
    undated = {*range(_dated(job), len(slices_of(job)))}
    edges = [(graph.left, graph.right, graph.similarity)]
    for k in slices_of(job):
        edges += [(node[left], node[right], similarity) for left, right, similarity in _edges_to(job, k, undated)]
    left, right, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
    positions = [parts.FeatureCounts.of(job, k).positions for k in sorted(undated)]
    nodes = np.unique(np.concatenate([graph.nodes, left, *positions]))
    return OpenGraph(nodes, sizes[nodes], left, right, similarity)


def _settled(job: Job, steps: int) -> tuple[Integers, Integers]:
    """Return the nodes settled in the first `steps` steps, and the first node of the story of each."""
    done = [parts.Step.of(job, k) for k in range(steps)]
    return joined([step.settled for step in done], np.int64), joined([step.stories for step in done], np.int64)


def label_articles(job: Job, _: int, folder: Path) -> None:
    """Task: the position of the first article of every article's story, and its membership."""
    settled, stories = _settled(job, len(steps_of(job)))
    canonical = np.array(parts.NearGroups.of(job).first)
    n = len(canonical)
    everyone = np.arange(n)
    reports = np.flatnonzero(canonical == everyone)
    labels = connected_labels(np.concatenate([settled, everyone]), np.concatenate([stories, canonical]), n)
    sums = np.zeros(n)
    for k in slices_of(job):
        pairs = parts.SimilarPairs.of(job, k)
        left, right = pairs.left, pairs.right
        inside = labels[left] == labels[right]
        similarity = pairs.similarity[inside]
        for ends in (left[inside], right[inside]):
            found, place = np.unique(ends, return_inverse=True)
            sums[found] += np.bincount(place, weights=similarity)
    others = np.bincount(labels[reports], minlength=int(labels.max(initial=-1)) + 1)[labels] - 1
    parts.StoryLabels(folder).save(first=first_members(labels)[labels], membership=membership(sums[canonical], others))
