"""What happens to stories when articles go, or are looked at again."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from dedup.store.records import ArticleFeatures
from dedup.story.partition import partition
from dedup.stream.assignment import Move, story_name
from dedup.stream.live import LEADING_FEATURES
from dedup.stream.matching import find_neighbours
from dedup.stream.state import IndexState
from dedup.stream.text_features import Readings


def remove(state: IndexState, node: int) -> None:
    """Forget an article; a copy speaks for the others from then on, and a story may split."""
    _forget_all(state, [node])


def expire(state: IndexState, day: float) -> int:
    """Forget the articles kept by an earlier day, and tell how many."""
    nodes = state.store.before(day)
    _forget_all(state, nodes)
    state.store.delete_dead_stories()
    state.source_residue.forget()
    state.live.compact()
    return len(nodes)


def _forget_all(state: IndexState, nodes: list[int]) -> None:
    """Forget articles; where one spoke for others, the earliest of those speaks from then on."""
    gone = np.array(nodes, dtype=np.int64)
    table = state.live.nodes
    canonical = gone[table.is_canonical(gone)]
    stories = dict(zip(canonical.tolist(), table.stories(canonical).tolist(), strict=True))
    state.store.delete(nodes)
    for node in canonical.tolist():
        state.live.window.remove(node)
    table.forget(gone)
    first_copies = state.store.first_copies(canonical.tolist())
    for former, first_copy in sorted(first_copies.items()):
        _promote(state, first_copy, former)
    for former, story in stories.items():
        if former not in first_copies:
            state.resize(story, -1)
    state.split(set(stories.values()))


def _promote(state: IndexState, first_copy: int, former: int) -> None:
    """Let a copy speak for those that another one spoke for."""
    live, node = state.live, np.array([first_copy])
    article_features = state.store.article_features([first_copy])[first_copy]
    days = live.nodes.days(node)
    weighted = live.weigh(_reading(article_features), np.zeros(1, dtype=np.bool_))
    ((neighbours, similarities),) = find_neighbours(state, weighted, days, np.array([state.next_node]))
    state.store.set_neighbours(first_copy, neighbours.astype(np.int32), similarities)
    state.store.replace_canonical(first_copy, former)
    live.nodes.make_canonical(first_copy)
    live.lead(node, days, [article_features.features[:LEADING_FEATURES]])
    live.window.add(first_copy, article_features.features, article_features.counts)


def _reading(article_features: ArticleFeatures) -> Readings:
    """As much of an article's reading as its features say."""
    order = np.argsort(article_features.features, kind="stable")
    nothing = np.empty(0, dtype=np.uint64), np.zeros(2, dtype=np.int64), np.empty((1, 0), dtype=np.uint64)
    return Readings(
        *nothing, article_features.features[order], article_features.counts[order], np.array([0, len(order)])
    )


def refine(state: IndexState, day: float) -> list[Move]:
    """Partition the stories with an article since that day again, as a batch would."""
    numbers = state.store.story_ids(day, 1)
    if not numbers:
        return []
    canonical = state.live.nodes.of_stories(numbers)
    before = dict(zip(canonical.tolist(), state.live.nodes.stories(canonical).tolist(), strict=True))
    labels = partition(state.graph(canonical), state.settings.story_threshold)
    parts = [canonical[labels == label] for label in range(int(labels.max()) + 1)]
    overlaps = sorted(
        (-count, story, part)
        for part, nodes in enumerate(parts)
        for story, count in Counter(before[node] for node in nodes.tolist()).items()
    )
    owners: dict[int, int] = {}
    for _, story, part in overlaps:
        if part not in owners and story not in owners.values():
            owners[part] = story
    moves = []
    for part, nodes in enumerate(parts):
        story = owners.get(part) or state.new_story()
        moves += _move(state, np.array([node for node in nodes.tolist() if before[node] != story]), story)
    # A story that lost all of its reports lives on as an alias of where most of them went.
    for story in sorted(set(before.values()) - set(owners.values())):
        part = next(part for _, other, part in overlaps if other == story)
        state.merge(story, int(state.live.nodes.stories(parts[part][:1])[0]))
    return moves


def _move(state: IndexState, canonical: NDArray[np.int64], story: int) -> list[Move]:
    if not len(canonical):
        return []
    rows = state.store.rows(state.store.with_copies(canonical.tolist()))
    state.place(canonical, story)
    return [Move(rows[node].id, story_name(rows[node].story), story_name(story)) for node in sorted(rows)]
