"""Stories of an index that turn out to be one, found as in a batch: by the mean over all pairs of their reports."""

import numpy as np

from dedup.arrays import Integers, first_members, numbered_by_first
from dedup.story.merging import merged
from dedup.stream.state import IndexState


def merge_alike(state: IndexState, nodes: Integers, threshold: float, first_new: int = 0) -> list[int]:
    """Merge the episodes of some reports, of which these are all, where that gains; return those that went.

    Reports from `first_new` on are new since the last time; 0 for all of them.
    Each becomes an alias of the oldest of those that it is merged with. Those that editors keep apart stay apart.
    """
    if not len(nodes):
        return []
    episodes = state.live.nodes.episodes(nodes)
    labels = numbered_by_first(episodes)
    reports, edges, costs = state.reports(nodes), state.edges(nodes), state.costs_of(nodes)
    unions = merged(reports, edges, labels, threshold, costs, touched=nodes >= first_new if first_new else None)
    first = first_members(labels)
    numbers, unions = episodes[first], unions[first]
    kept = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(kept, unions, numbers)
    gone, went = np.flatnonzero(numbers != kept[unions]), list[int]()
    for episode, into in zip(numbers[gone].tolist(), kept[unions[gone]].tolist(), strict=True):
        if state.may_unite(episode, into):
            state.merge(episode, into)
            went.append(episode)
    return sorted(went)


def episodes_since(state: IndexState, first_node: int) -> Integers:
    """Return the episodes that have a report from this node on, ascending."""
    canonical = state.live.nodes.canonical()
    return np.unique(state.live.nodes.episodes(canonical[np.searchsorted(canonical, first_node) :]))


def reports_near(state: IndexState, first_node: int) -> Integers:
    """Return the reports of the episodes that have one from this node on, and of those that theirs are similar to.

    Similarities are stored with the later report: episodes whose later reports are similar to older ones of these had
    their turn when those came.
    """
    table, touched = state.live.nodes, episodes_since(state, first_node)
    _, near, _ = state.store.neighbours(table.of_episodes(touched.tolist()).tolist())
    near = near[(near < state.next_node)]
    return table.of_episodes(np.union1d(touched, table.episodes(near[table.alive(near)])).tolist())
