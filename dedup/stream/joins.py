"""Episodes of an index -> stories, as a batch joins them; decided again as evidence comes, until it was told."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Flags, Floats, Integers, first_members, numbered_by_first, ranks_in_runs
from dedup.story.by_language import similar_by_language
from dedup.story.candidates import CANDIDATE_FLOOR, Edges
from dedup.story.constraints import kept_apart
from dedup.story.encoding import are_mixed
from dedup.story.episodes import THRESHOLD_SHARE, Episodes, similar_episodes
from dedup.story.partition import cost_of_joining, partition
from dedup.stream.live import INDEXED_FEATURES, MAX_OCCURRENCES, running_totals
from dedup.stream.state import IndexState
from dedup.stream.text_features import languages_of

#: The mean vector of an episode is that of its latest reports: at most this many.
LATEST = 32

#: An episode is compared with at most this many that share its heaviest features, and with all of their stories.
_MOST_CANDIDATES = 32

#: A join is told when both sides have this many reports, or none of so many days.
_ENOUGH_REPORTS, _QUIET_DAYS = 3, 1.0

# Candidates are added up in integers, whose sums do not depend on the order: episode above, then the other one.
_SHARE_BITS, _EPISODE_BITS = 24, 31


class _Graph(NamedTuple):
    """Episodes with reports, by their first."""

    numbers: Integers
    episodes: Episodes
    keys: NDArray[np.uint32]  # features of the columns
    vectors: csr_array  # of the reports that were loaded
    rows: Integers  # the episode of each
    nodes: Integers  # of these reports; with an encoder they are ascending by publication


class _Nodes(NamedTuple):
    """Stories as far as they were told, as nodes of a graph."""

    numbers: Integers
    similarities: csr_array
    sizes: Integers  # numbers of episodes with reports
    costs: Floats


def decide(state: IndexState, touched: Sequence[int] | Integers) -> None:
    """Join the episodes that have changed with those that they are similar to, or undo what no longer pays."""
    if not state.settings.max_gap_days:
        return
    untold = state.chapters.provisional()
    changed = [e for e in np.union1d(np.array(touched, dtype=np.int64), untold).tolist() if state.totals.sizes[e]]
    if not changed:
        return
    episodes = sorted(state.totals.sizes)
    if len(changed) < len(episodes):
        near = np.union1d(np.union1d(changed, untold), _candidates(state, _graph_of(state, changed)))
        episodes = state.chapters.episodes_of(np.unique(state.chapters.stories(near)).tolist())
    nodes = _without_forbidden(state, _nodes_of(state, _graph_of(state, episodes)))
    threshold = THRESHOLD_SHARE * state.settings.story_threshold
    labels = partition(nodes.similarities, threshold, nodes.costs, nodes.sizes)
    oldest = np.full(len(labels), np.iinfo(np.int64).max)
    np.minimum.at(oldest, labels, nodes.numbers)
    state.keep(state.chapters.put(dict(zip(nodes.numbers.tolist(), oldest[labels].tolist(), strict=True))))
    _tell(state, nodes, labels, state.careful(threshold))


def _nodes_of(state: IndexState, graph: _Graph) -> _Nodes:
    """Episodes that were told to be of one story as one node, with the sums of their similarities."""
    told = np.array([state.chapters.told(number) for number in graph.numbers.tolist()], dtype=np.int64)
    node = numbered_by_first(told)
    k = int(node.max()) + 1
    edges = _similar(state, graph)
    left, right = node[edges.left], node[edges.right]
    apart = left != right
    ends = np.minimum(left, right)[apart], np.maximum(left, right)[apart]
    upper = csr_array((edges.similarity[apart], ends), shape=(k, k))
    costs = np.bincount(node, weights=graph.episodes.costs).astype(np.float64)
    return _Nodes(told[first_members(node)], (upper + upper.T).tocsr(), np.bincount(node), costs)


def _without_forbidden(state: IndexState, nodes: _Nodes) -> _Nodes:
    """The same nodes; those that editors keep apart can gain by no story that has both."""
    if not state.decisions:
        return nodes
    place = {number: i for i, number in enumerate(nodes.numbers.tolist())}
    pairs = [
        (place[one], place[other]) for one, other in state.apart(state.chapters.told) if {one, other} <= place.keys()
    ]
    return nodes._replace(similarities=kept_apart(nodes.similarities, pairs))


def _tell(state: IndexState, nodes: _Nodes, labels: Integers, threshold: float) -> None:
    """Tell the joins that pay well and have enough behind them: from then on they stay."""
    within = nodes.similarities.tocoo()
    inside = labels[within.row] == labels[within.col]
    similar = np.bincount(within.row[inside], weights=within.data[inside], minlength=len(labels))
    sizes, costs = nodes.sizes.astype(np.float64), nodes.costs
    other_sizes, other_costs = (np.bincount(labels, weights=values)[labels] - values for values in (sizes, costs))
    joined = np.flatnonzero(other_sizes)
    sizes, costs, other_sizes, other_costs = (v[joined] for v in (sizes, costs, other_sizes, other_costs))
    paid = threshold * sizes * other_sizes + cost_of_joining(costs, sizes, other_costs, other_sizes)
    gain = similar[joined] - paid
    for told in nodes.numbers[joined[gain > 0]].tolist():
        story = state.chapters.story(told)
        if story != told and _has_enough(state, told) and _has_enough(state, state.chapters.told(story)):
            state.tell(told)


def _has_enough(state: IndexState, told: int) -> bool:
    episodes = [e for e in state.chapters.episodes_of([state.chapters.story(told)]) if state.chapters.told(e) == told]
    if sum(state.totals.sizes[episode] for episode in episodes) >= _ENOUGH_REPORTS:
        return True
    days = state.live.nodes.days(state.live.nodes.of_episodes(episodes))
    return bool((days <= state.latest - _QUIET_DAYS).all())


def _graph_of(state: IndexState, episodes: Iterable[int]) -> _Graph:
    table = state.live.nodes
    nodes = table.of_episodes(episodes)
    days, (numbers, place) = table.days(nodes), np.unique(table.episodes(nodes), return_inverse=True)
    first, last = np.full(len(numbers), np.nan), np.full(len(numbers), np.nan)
    np.fmin.at(first, place, days)
    np.fmax.at(last, place, days)
    order = np.lexsort((numbers, first))
    place = np.argsort(order)[place]
    sizes = np.bincount(place)
    latest = np.lexsort((-nodes, place))
    kept = np.sort(latest[ranks_in_runs(place[latest]) < LATEST])
    if state.live.meanings is not None:
        kept = kept[np.lexsort((nodes[kept], days[kept]))]
    nodes, place = nodes[kept], place[kept]
    keys, vectors = state.live.keyed_vectors(nodes, state.features_of)
    found = Episodes.of(vectors, days[kept], place, state.costs_of(nodes))
    found = found._replace(first=first[order], last=last[order], sizes=sizes)
    return _Graph(numbers[order], found, keys, vectors, place, nodes)


def _similar(state: IndexState, graph: _Graph) -> Edges:
    """Pairs of episodes that may be of one story, as a batch compares them."""
    gap, live = state.settings.max_gap_days, state.live
    meanings = None if live.meanings is None else live.meanings.of(graph.nodes)
    if meanings is None or not are_mixed(meanings.languages):
        return similar_episodes(graph.episodes, gap, 1)
    reports = graph.vectors, live.nodes.days(graph.nodes), graph.rows, state.costs_of(graph.nodes)
    return similar_by_language(graph.episodes, *reports, meanings, gap, 1)


def _candidates(state: IndexState, graph: _Graph) -> Integers:
    """Episodes that share the heaviest features of these, close in time; a good part of the mean cosine rests on them.

    A feature of a report counts as much as in the mean; its own weight is not known here.
    """
    table, gap = state.live.nodes, state.settings.max_gap_days
    row, column, share = _heaviest(state, graph)
    begin, end = graph.episodes.first[row] - gap, graph.episodes.last[row] + gap
    which, nodes = state.live.find_between(begin, end, graph.keys[column])
    alive = table.is_canonical(nodes) & table.alive(nodes)
    which, others = which[alive], table.episodes(nodes[alive])
    code, place = np.unique(row[which] << _EPISODE_BITS | others, return_inverse=True)
    shares = np.bincount(place, weights=share[which], minlength=len(code)) / (1 << _SHARE_BITS)
    row, others = code >> _EPISODE_BITS, code & ((1 << _EPISODE_BITS) - 1)
    sizes = np.array([state.totals.sizes[other] for other in others.tolist()], dtype=np.float64)
    similar = shares / np.maximum(sizes, 1)
    kept = np.flatnonzero((similar >= CANDIDATE_FLOOR) & (others != graph.numbers[row]))
    kept = kept[np.lexsort((others[kept], -similar[kept], row[kept]))]
    return np.unique(others[kept[ranks_in_runs(row[kept]) < _MOST_CANDIDATES]])


def _heaviest(state: IndexState, graph: _Graph) -> tuple[Integers, Integers, Floats]:
    """The heaviest features of dated episodes: row, column, and squared weight in the mean as an integer."""
    entries = np.repeat(np.arange(len(graph.rows)), np.diff(graph.vectors.indptr))
    languages = languages_of(graph.keys[graph.vectors.indices], entries, len(graph.rows))
    languages = languages[np.unique(graph.rows, return_index=True)[1]]  # of one report
    means, window = graph.episodes.means, state.live.window
    row = np.repeat(np.arange(means.shape[0]), np.diff(means.indptr))
    dated = ~np.isnan(graph.episodes.first)
    order = np.flatnonzero(_among_largest(means.data, means.indptr, INDEXED_FEATURES) & dated[row])
    order = order[np.lexsort((means.indices[order], -means.data[order], row[order]))]
    order = order[ranks_in_runs(row[order]) < INDEXED_FEATURES]
    frequencies = window.frequencies(graph.keys[means.indices[order]], languages[row[order]])
    order = order[running_totals(frequencies, row[order]) <= MAX_OCCURRENCES]
    return row[order], means.indices[order], np.floor(means.data[order] ** 2 * (1 << _SHARE_BITS))


def _among_largest(values: Floats, starts: Integers, most: int) -> Flags:
    """Whether each value is among the `most` largest of its row, or as large as the least of these.

    To sort all values of long rows would take ten times as long.

    Examples
    --------
    >>> _among_largest(np.array([0.3, 0.9, 0.3, 0.1, 0.2]), np.array([0, 4, 5]), 2).tolist()
    [True, True, True, False, True]
    """
    sizes = np.diff(starts)
    least = np.full(len(sizes), -np.inf)
    for row in np.flatnonzero(sizes > most).tolist():
        own = values[starts[row] : starts[row + 1]]
        least[row] = np.partition(own, len(own) - most)[len(own) - most]
    return np.asarray(values >= np.repeat(least, sizes))
