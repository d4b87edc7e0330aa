"""What becomes of episodes when articles are removed or expire, and when episodes are refined."""

from collections import Counter

import numpy as np

from dedup.arrays import Integers, members
from dedup.article import ArticleId
from dedup.store.records import ArticleFeatures
from dedup.store.story_query import StoryQuery
from dedup.stream.assignment import Move, format_story_id
from dedup.stream.chapters import Chapters
from dedup.stream.joins import decide
from dedup.stream.live import INDEXED_FEATURES
from dedup.stream.matching import find_neighbours
from dedup.stream.queries import row_of
from dedup.stream.state import IndexState
from dedup.stream.text_features import TextFeatures


def remove_by_id(state: IndexState, article_id: ArticleId) -> bool:
    """Remove the article with that id; return whether there was one."""
    row = row_of(state, article_id)
    if row is not None:
        state.note("left", row.episode, article=row.id)
        remove(state, [row.node])
    return row is not None


def remove(state: IndexState, nodes: list[int]) -> None:
    """Remove articles; an episode splits where it no longer holds together."""
    split_and_decide(state, take_out(state, nodes))


def split_and_decide(state: IndexState, episodes: set[int]) -> None:
    """Split episodes that have lost reports where they no longer hold together, and find the stories of the parts."""
    decide(state, [*episodes, *state.split(episodes)])


def take_out(state: IndexState, nodes: list[int]) -> set[int]:
    """Remove articles, and return the episodes that have lost a report.

    Where a canonical article goes, its first copy becomes canonical.
    """
    gone = np.array(nodes, dtype=np.int64)
    table = state.live.nodes
    canonical = gone[table.is_canonical(gone)]
    episodes = set(table.episodes(canonical).tolist())
    state.store.delete(nodes)
    state.decisions.forget(nodes)
    for node in canonical.tolist():
        state.live.window.remove(node)
    state.count_reports(canonical, -1)
    table.remove(gone)
    first_copies = {former: copy for copy, former in reversed(state.store.copies(canonical.tolist()))}
    for former, first_copy in sorted(first_copies.items()):
        _make_canonical(state, first_copy, former)
    state.latest = state.store.counters()[2]
    return episodes


def expire(state: IndexState, day: float) -> int:
    """Remove the articles whose expiry day is earlier; return their number."""
    nodes = state.store.nodes_before(day)
    remove(state, nodes)
    state.flush()
    state.store.delete_empty_episodes()
    state.chapters = Chapters(state.store.chapters())
    _forget_stories(state)
    state.store.delete_changes_before(day)
    state.source_residue.delete_unused()
    state.live.compact()
    return len(nodes)


def _forget_stories(state: IndexState) -> None:
    """Forget what editors have decided on stories that have no articles any more."""
    alive = set(state.chapters.stories(np.array(sorted(state.totals.sizes), dtype=np.int64)).tolist())
    named = {story for own in state.decisions for story in own.stories}
    state.decisions.forget(-story for story in sorted(named) if state.chapters.story(story) not in alive)


def _make_canonical(state: IndexState, copy: int, former: int) -> None:
    """Make a copy canonical in place of an article that was removed."""
    live, node = state.live, np.array([copy])
    stored = state.store.article_features([copy])[copy]
    days = live.nodes.days(node)
    weighted = live.weight_texts(_text_features(stored), np.zeros(1, dtype=np.bool_))
    ((neighbours, similarities),) = find_neighbours(state, weighted, days, np.array([state.next_node]))
    state.store.set_neighbours(copy, neighbours.astype(np.int32), similarities)
    state.store.replace_canonical(copy, former)
    live.nodes.make_canonical(copy)
    state.count_reports(node, 1)
    live.add_features(node, days, [stored.features[:INDEXED_FEATURES]])
    live.window.add(copy, stored.features, stored.counts)


def _text_features(stored: ArticleFeatures) -> TextFeatures:
    """Return the features of a stored article, without its shingles and bands."""
    order = np.argsort(stored.features, kind="stable")
    shingles, offsets, bands = np.empty(0, np.uint64), np.zeros(2, np.int64), np.empty((1, 0), np.uint64)
    features, counts = stored.features[order], stored.counts[order]
    return TextFeatures(shingles, offsets, bands, features, counts, np.array([0, len(order)]), stored.vector[None])


def refine(state: IndexState, day: float) -> list[Move]:
    """Partition the stories with an article since that day again, as the batch does; editors have decided on others."""
    decided = state.decided()
    found = state.store.find_stories(StoryQuery(since_day=day))
    numbers = [place.story for place in found if place.story not in decided]
    if not numbers:
        return []
    episodes, before, known = state.chapters.episodes_of(numbers), state.chapters.copy(), state.told_stories()
    canonical = state.live.nodes.of_episodes(episodes)
    own = _episodes_by_node(state, canonical)
    with state.log.paused():  # what is the same in the end is no news
        aliases = {e: before.story(e) for e in episodes if not state.totals.sizes[e]}
        _refine_episodes(state, canonical)
        state.keep(state.chapters.part(episodes))
        decide(state, np.unique(state.live.nodes.episodes(canonical)))
        # Numbers of episodes without articles stay ids of the story that most of theirs became.
        now = _stories_by_node(state, list(own))
        for episode, story in aliases.items():
            went = Counter(now[node] for node in own if before.story(own[node]) == story)
            state.keep(state.chapters.put({episode: min(went, key=lambda story: (-went[story], story))}))
    # Stories that were not asked for may have joined what came apart.
    joined = [episode for episode in before.changed(state.chapters) if episode not in episodes]
    own = _episodes_by_node(state, state.live.nodes.of_episodes(joined)) | own
    note_told(state, {node: (before.told(episode), episode) for node, episode in own.items()}, known)
    former, now = {node: before.story(episode) for node, episode in own.items()}, _stories_by_node(state, list(own))
    rows = sorted(state.store.rows([n for n in own if now[n] != former[n]]).items())
    return [Move(row.id, format_story_id(former[n]), format_story_id(now[n])) for n, row in rows]


def _episodes_by_node(state: IndexState, canonical: Integers) -> dict[int, int]:
    """The episode of each of these nodes and of their copies."""
    nodes = canonical.tolist() + [copy for copy, _ in state.store.copies(canonical.tolist())]
    episodes = state.live.nodes.episodes(np.array(nodes, dtype=np.int64)).tolist()
    return dict(zip(nodes, episodes, strict=True))


def note_told(state: IndexState, former: dict[int, tuple[int, int]], known: set[int]) -> None:
    """Note for the log which articles are told to be in another story or episode than they were.

    `known` are the stories that there were.
    """
    now = told_by_node(state, list(former))
    rows = sorted(state.store.rows([node for node in former if now[node] != former[node]]).items())
    begun = {story for story, _ in now.values()} - known
    state.note_moves(((row.id, former[node], now[node]) for node, row in rows), begun)


def _stories_by_node(state: IndexState, nodes: list[int]) -> dict[int, int]:
    stories = state.chapters.stories(state.live.nodes.episodes(np.array(nodes, dtype=np.int64)))
    return dict(zip(nodes, stories.tolist(), strict=True))


def told_by_node(state: IndexState, nodes: list[int]) -> dict[int, tuple[int, int]]:
    """The story that each node was told to be in, and its episode."""
    episodes = state.live.nodes.episodes(np.array(nodes, dtype=np.int64)).tolist()
    return {node: (state.chapters.told(episode), episode) for node, episode in zip(nodes, episodes, strict=True)}


def _refine_episodes(state: IndexState, canonical: Integers) -> None:
    """Partition reports, of which these are all of their episodes, into episodes again."""
    before = dict(zip(canonical.tolist(), state.live.nodes.episodes(canonical).tolist(), strict=True))
    labels = state.partition(canonical, state.edges(canonical))
    parts = [canonical[part] for part in members(labels)]
    overlaps = sorted(
        (-count, episode, part)
        for part, nodes in enumerate(parts)
        for episode, count in Counter(before[node] for node in nodes.tolist()).items()
    )
    # Each part takes the episode that most of its reports come from, the largest overlap first.
    episode_of_part: dict[int, int] = {}
    largest_part: dict[int, int] = {}  # of each episode
    taken: set[int] = set()
    for _, episode, part in overlaps:
        largest_part.setdefault(episode, part)
        if part not in episode_of_part and episode not in taken:
            episode_of_part[part] = episode
            taken.add(episode)
    for part, nodes in enumerate(parts):
        episode = episode_of_part.get(part) or state.new_episode()
        moved = [node for node in nodes.tolist() if before[node] != episode]
        if moved:
            state.assign(np.array(moved, dtype=np.int64), episode)
    # An episode that lost all of its reports becomes an alias of the one that most of them went to.
    for episode in sorted(set(before.values()) - taken):
        state.merge(episode, int(state.live.nodes.episodes(parts[largest_part[episode]][:1])[0]))
