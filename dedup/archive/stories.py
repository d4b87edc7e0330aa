"""Similar pairs -> episodes, in steps through time."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.archive import parts
from dedup.archive.gathering import vectors_at
from dedup.archive.job import Job
from dedup.archive.slices import are_undated, bounds_of, slices_of
from dedup.arrays import Flags, Floats, Integers, connected_labels, first_members, joined, numbered_by_first
from dedup.story.candidates import Edges
from dedup.story.episodes import chunks_in_reach
from dedup.story.merging import Reports, merged
from dedup.story.partition import join_costs, partition
from dedup.story.similarity import REACH_DAYS, membership

_logger = logging.getLogger("dedup")

#: Large stories are compared by all pairs where a step has at most this many reports, which bounds its memory. More
#: come at once where most articles have no date.
MOST_COMPARED = 1 << 18

#: A step adds whole slices: one, or several with at most this many articles together.
STEP_ARTICLES = 1 << 16


class OpenGraph(NamedTuple):
    """The graph that a step leaves to the next: reports that may still move, and settled parts beside them."""

    nodes: Integers  # position of each report, or of the first one of a settled part, ascending
    sizes: Integers  # reports in each node; 1 for one that may move
    costs: Floats  # what they pay to join a story
    left: Integers  # edges between similar nodes, by position, left < right
    right: Integers
    similarity: Floats  # sums over the reports of both nodes
    reports: Integers  # positions of the reports of nodes that may be near later ones in time, ascending
    owners: Integers  # the node of each of those

    @classmethod
    def empty(cls) -> "OpenGraph":
        """Return the graph that the first step begins with."""
        none, zero = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(none, none, zero, none, none, zero, none, none)

    @classmethod
    def after(cls, step: parts.Step) -> "OpenGraph":
        """Return the graph that a step left."""
        return cls(*(getattr(step, name) for name in cls._fields))


class StepResult(NamedTuple):
    """The graph that a step leaves, and the nodes that it settled, each with the first node of its story."""

    graph: OpenGraph
    settled: Integers
    stories: Integers

    @classmethod
    def of(cls, step: parts.Step) -> "StepResult":
        """Return what was written."""
        return cls(OpenGraph.after(step), step.settled, step.stories)

    def save(self, step: parts.Step) -> None:
        """Write it."""
        step.save(settled=self.settled, stories=self.stories, **self.graph._asdict())


def settle(
    graph: OpenGraph, days: Floats, vectors: Callable[[Integers], csr_array], threshold: float, may_move: Flags
) -> StepResult:
    """Find the stories of a graph, and settle the nodes that no later report can be similar to.

    Reports form stories as in a batch; `days` is the publication of each of the graph's reports, and `vectors` returns
    the vectors of reports by position. Settling nodes of one story become one node, which stays in the graph as long
    as it is similar to a node that may move.
    """
    n = len(graph.nodes)
    left, right = np.searchsorted(graph.nodes, graph.left), np.searchsorted(graph.nodes, graph.right)
    owners = np.searchsorted(graph.nodes, graph.owners)
    edges = Edges(left, right, graph.similarity)
    labels = partition(edges.adjacency(n), threshold, graph.costs, graph.sizes)
    if len(owners) <= MOST_COMPARED:
        reports = Reports(days, lambda places: vectors(graph.reports[places]), owners)
        labels = merged(reports, edges, labels, threshold, graph.costs, graph.sizes)
    else:
        _logger.warning("%d reports come in one step: large stories are found by similar pairs only", len(owners))
    settling = np.flatnonzero(~may_move)
    first = np.full(int(labels.max(initial=-1)) + 1, n)
    np.minimum.at(first, labels[settling], settling)
    node = np.where(may_move, np.arange(n), first[labels])
    ends = np.sort(np.stack([node[left], node[right]]), axis=0)
    # Edges inside a part are settled, and edges between two settled parts only matter to nodes that may move.
    kept = (ends[0] != ends[1]) & (may_move[left] | may_move[right])
    seen = np.unique(np.concatenate([ends[:, kept].ravel(), np.flatnonzero(may_move)]))
    between = np.isin(ends[0], seen) & np.isin(ends[1], seen) & (ends[0] != ends[1])
    sums = csr_array((graph.similarity[between], (ends[0, between], ends[1, between])), shape=(n, n)).tocoo()
    stay = np.isin(node[owners], seen)
    rest = OpenGraph(
        nodes=graph.nodes[seen],
        sizes=np.bincount(node, weights=graph.sizes, minlength=n).astype(np.int64)[seen],
        costs=np.bincount(node, weights=graph.costs, minlength=n).astype(np.float64)[seen],
        left=graph.nodes[sums.row],
        right=graph.nodes[sums.col],
        similarity=sums.data.astype(np.float64),
        reports=graph.reports[stay],
        owners=graph.nodes[node[owners[stay]]],
    )
    return StepResult(rest, graph.nodes[settling], graph.nodes[node[settling]])


class Timeline(NamedTuple):
    """When the articles of all slices were published, and the steps that these make."""

    bounds: Integers  # positions where slices begin, and the end
    days: Floats  # of all articles, in a file
    dated: int  # number of slices with dated articles; those without dates come last
    steps: list[range]  # the slices that each step adds; undated articles, which may be similar to all, with the last

    @classmethod
    def of(cls, job: Job) -> "Timeline":
        """Return the timeline of a job."""
        bounds, steps, first = bounds_of(job), list[range](), 0
        dated = int(np.count_nonzero(~are_undated(job))) if len(parts.Order.of(job).days) else 0
        while first < dated:
            most = int(np.searchsorted(bounds, bounds[first] + STEP_ARTICLES, side="right")) - 1
            steps.append(range(first, min(max(most, first + 1), dated)))
            first = steps[-1].stop
        return cls(bounds, parts.Order.of(job).days, dated, steps or [range(0)])

    def first_in_reach(self, coming: int) -> int:
        """Return the first slice whose articles may be similar to those of a coming one, which is dated, or later."""
        last_days = self.days[self.bounds[1 : coming + 2] - 1]
        return int(np.argmax(self.days[self.bounds[coming]] - last_days <= REACH_DAYS))


def steps_of(job: Job) -> range:
    """Return the numbers of all steps."""
    return range(len(Timeline.of(job).steps))


def step_after(job: Job, time: Timeline, number: int, graph: OpenGraph, begin: int = 0) -> StepResult:
    """Return what a step makes of the graph that the one before it left, without the slices before slice `begin`."""
    new = time.steps[number]
    old = range(max(time.first_in_reach(new.start), begin) if number else new.start, new.start)
    graph = _with_new(graph, job, new, old, int(time.bounds[old.start]))
    if number + 1 < len(time.steps):
        coming = time.first_in_reach(time.steps[number + 1].start)
        may_move = graph.nodes >= time.bounds[coming]
    else:
        graph = _with_undated(graph, job, time)
        may_move = np.zeros(len(graph.nodes), dtype=np.bool_)
    days = np.array(time.days[graph.reports])
    return settle(graph, days, partial(vectors_at, job), job.settings.story_threshold, may_move)


def _with_new(graph: OpenGraph, job: Job, new: range, old: range, begin: int) -> OpenGraph:
    """Return the graph with the reports of new slices, and their edges among themselves and to old slices.

    Reports before position `begin` may be near no report any more.
    """
    counts = [parts.FeatureCounts.of(job, k) for k in new]
    positions = joined([part.positions for part in counts], np.int64)
    nodes = np.concatenate([graph.nodes, positions])
    sizes = np.concatenate([graph.sizes, np.ones(len(positions), dtype=np.int64)])
    costs = np.concatenate([graph.costs, *(join_costs(np.diff(part.offsets)) for part in counts)])
    order = np.argsort(nodes)
    edges = [[graph.left, graph.right, graph.similarity]]
    for k in [*old, *new]:
        edges += _edges_to(job, k, new)
    near = graph.reports >= begin
    reports, owners = (np.concatenate([column[near], positions]) for column in (graph.reports, graph.owners))
    left, right, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
    return OpenGraph(nodes[order], sizes[order], costs[order], left, right, similarity, reports, owners)


def _edges_to(job: Job, number: int, others: range) -> Iterator[list[NDArray[Any]]]:
    """Yield the edges from the reports of a slice to those of each of some others that are not before it."""
    pairs = parts.SimilarPairs.of(job, number)
    offsets, columns = pairs.offsets, (pairs.left, pairs.right, pairs.similarity)
    for i, other in enumerate(pairs.slices.tolist()):
        if other in others:
            yield [column[offsets[i] : offsets[i + 1]] for column in columns]


def _with_undated(graph: OpenGraph, job: Job, time: Timeline) -> OpenGraph:
    """Return the graph with all undated reports, and the parts settled in the steps before the last beside them."""
    canonical = np.array(parts.NearGroups.of(job).canonical)
    n = len(canonical)
    labels = connected_labels(*_settled(job, len(time.steps) - 1), n)
    node = first_members(labels)[labels]
    undated = range(time.dated, len(slices_of(job)))
    edges, costs = [(graph.left, graph.right, graph.similarity)], _costs(job, n)
    for k in slices_of(job):
        edges += [(node[left], node[right], similarity) for left, right, similarity in _edges_to(job, k, undated)]
    left, right, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
    positions = [parts.FeatureCounts.of(job, k).positions for k in undated]
    nodes = np.unique(np.concatenate([graph.nodes, left, *positions]))
    is_report = canonical == np.arange(n)
    sizes = np.bincount(node[is_report], minlength=n)[nodes]
    totals = np.bincount(node, weights=costs, minlength=n).astype(np.float64)[nodes]
    reports = np.flatnonzero(is_report & np.isin(node, nodes))
    return OpenGraph(nodes, sizes, totals, left, right, similarity, reports, node[reports])


def _settled(job: Job, steps: int) -> tuple[Integers, Integers]:
    """Return the nodes settled in the first `steps` steps, and the first node of the story of each."""
    done = [parts.Step.of(job, k) for k in range(steps)]
    return joined([step.settled for step in done], np.int64), joined([step.stories for step in done], np.int64)


def _costs(job: Job, n: int) -> Floats:
    """Return what each of n articles pays to join a story; 0 for copies."""
    costs = np.zeros(n)
    for k in slices_of(job):
        counted = parts.FeatureCounts.of(job, k)
        costs[counted.positions] = join_costs(np.diff(counted.offsets))
    return costs


def label_episodes(job: Job, _: int, folder: Path) -> None:
    """Task: the episode of every article, its membership, and which episodes each dated one is compared with."""
    settled, episodes = _settled(job, len(steps_of(job)))
    canonical = np.array(parts.NearGroups.of(job).canonical)
    n = len(canonical)
    everyone = np.arange(n)
    reports = np.flatnonzero(canonical == everyone)
    labels = connected_labels(np.concatenate([settled, everyone]), np.concatenate([episodes, canonical]), n)
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
    part = parts.EpisodeLabels(folder)
    part.save(first=first_members(labels)[labels], membership=membership(sums[canonical], others), costs=_costs(job, n))
    part.save(head=reports[first_members(labels[reports])][labels], **_dated_episodes(job, labels[reports], reports))


def _dated_episodes(job: Job, labels: Integers, reports: Integers) -> dict[str, NDArray[Any]]:
    """Return the dated episodes, their reports, and the chunks in which they are compared; see `parts.EpisodeLabels`.

    `reports` has the positions of the reports, and `labels` the episode of each.
    """
    days, episode = np.array(parts.Order.of(job).days), numbered_by_first(labels)
    heads = reports[first_members(episode)]
    heads = heads[~np.isnan(days[heads])]  # an episode begins with a dated report if it has any
    reports, episode = reports[episode < len(heads)], episode[episode < len(heads)]
    reports, sizes = reports[np.argsort(episode, kind="stable")], np.bincount(episode, minlength=len(heads))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    last = np.fmax.reduceat(days[reports], offsets[:-1]) if len(heads) else np.empty(0)
    chunks = chunks_in_reach(days[heads], last, job.settings.max_gap_days)
    bounds = [(chunk.start, chunk.stop, reach.stop) for chunk, reach in chunks]
    chunks_and_reach = np.array(bounds, dtype=np.int64).reshape(-1, 3)
    return {"heads": heads, "last": last, "reports": reports, "offsets": offsets, "chunks": chunks_and_reach}
