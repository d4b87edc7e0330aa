"""Episodes of an index -> stories, as a batch joins them; decided again as evidence comes, until it was told."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, first_members, numbered_by_first, ranks_in_runs
from dedup.story.candidates import CANDIDATE_FLOOR, Edges
from dedup.story.episodes import COST_FACTOR, THRESHOLD_SHARE, Episodes, similar_episodes
from dedup.story.partition import partition
from dedup.stream.live import INDEXED_FEATURES, MAX_OCCURRENCES, running_totals
from dedup.stream.state import IndexState
from dedup.stream.text_features import languages_of

#: The mean vector of an episode is that of its latest reports: at most this many.
LATEST = 32

#: An episode is compared with at most this many that share its heaviest features, and with all of their stories.
_MOST_CANDIDATES = 32

#: A join is told when both sides have this many reports, or none of so many days.
_ENOUGH_REPORTS, _QUIET_DAYS = 2, 1.0

# Candidates are added up in integers, whose sums do not depend on the order: episode above, then the other one.
_SHARE_BITS, _EPISODE_BITS = 24, 31


class _Graph(NamedTuple):
    """Episodes with reports, by their first."""

    numbers: Integers
    episodes: Episodes
    keys: NDArray[np.uint32]  # features of the columns
    squares: csr_array  # means of the squared weights, of the form of the means
    languages: Integers  # of the first report that was loaded


def decide(state: IndexState, touched: Sequence[int] | Integers) -> None:
    """Join the episodes that have changed with those that they are similar to, or undo what no longer pays."""
    gap = state.settings.max_gap_days
    if not gap:
        return
    changed = [e for e in np.unique(np.array(touched, dtype=np.int64)).tolist() if state.totals.sizes[e]]
    if changed:
        near = np.union1d(changed, _candidates(state, _graph_of(state, changed)))
        episodes = state.chapters.episodes_of(np.unique(state.chapters.stories(near)).tolist())
        if len(episodes) > 1:
            graph = _graph_of(state, episodes)
            _join(state, graph.numbers, graph.episodes, similar_episodes(graph.episodes, gap, 1))
    _tell(state)


def _join(state: IndexState, numbers: Integers, episodes: Episodes, edges: Edges) -> None:
    """Put episodes into the stories that gain most; those that were told to be of one story are one node."""
    told = np.array([state.chapters.told(number) for number in numbers.tolist()], dtype=np.int64)
    node = numbered_by_first(told)
    k = int(node.max()) + 1
    left, right = node[edges.left], node[edges.right]
    apart = left != right
    left, right = np.minimum(left, right)[apart], np.maximum(left, right)[apart]
    upper = csr_array((edges.similarity[apart], (left, right)), shape=(k, k))
    costs = np.bincount(node, weights=COST_FACTOR * episodes.costs).astype(np.float64)
    threshold = THRESHOLD_SHARE * state.settings.story_threshold
    labels = partition((upper + upper.T).tocsr(), threshold, costs, np.bincount(node))
    stories = told[first_members(node)]
    oldest = np.full(k, np.iinfo(np.int64).max)
    np.minimum.at(oldest, labels, stories)
    state.keep(state.chapters.put(dict(zip(stories.tolist(), oldest[labels].tolist(), strict=True))))


def _tell(state: IndexState) -> None:
    """Tell the joins that have enough behind them: from then on they stay."""
    for told in state.chapters.provisional():
        story = state.chapters.story(told)
        if _has_enough(state, told) and _has_enough(state, story):
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
    latest = np.lexsort((-nodes, place))
    kept = np.sort(latest[ranks_in_runs(place[latest]) < LATEST])
    nodes, place = nodes[kept], place[kept]
    keys, vectors = state.live.keyed_vectors(nodes, state.features_of)
    found = Episodes.of(vectors, days[kept], place, state.costs_of(nodes))
    squares = Episodes.of(vectors.multiply(vectors).tocsr(), days[kept], place, state.costs_of(nodes)).means
    entries = np.repeat(np.arange(len(nodes)), np.diff(vectors.indptr))
    languages = languages_of(keys[vectors.indices], entries, len(nodes))[np.unique(place, return_index=True)[1]]
    return _Graph(numbers[order], found._replace(first=first[order], last=last[order]), keys, squares, languages)


def _candidates(state: IndexState, graph: _Graph) -> Integers:
    """Episodes that share the heaviest features of these, close in time; a good part of the mean cosine rests on them.

    A feature of a report counts as much as in these episodes; its own weight is not known here.
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
    """The heaviest features of dated episodes: row, column, and mean squared weight as an integer."""
    means, window = graph.episodes.means, state.live.window
    row = np.repeat(np.arange(means.shape[0]), np.diff(means.indptr))
    order = np.lexsort((means.indices, -means.data, row))
    order = order[(ranks_in_runs(row[order]) < INDEXED_FEATURES) & ~np.isnan(graph.episodes.first[row[order]])]
    frequencies = window.frequencies(graph.keys[means.indices[order]], graph.languages[row[order]])
    order = order[running_totals(frequencies, row[order]) <= MAX_OCCURRENCES]
    return row[order], means.indices[order], np.floor(graph.squares.data[order] * (1 << _SHARE_BITS))
