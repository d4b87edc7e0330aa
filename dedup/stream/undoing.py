"""Decisions of editors, undone."""

import numpy as np

from dedup.store.records import ChangeRow
from dedup.stream.change_log import Change, change_of
from dedup.stream.decisions import Decision
from dedup.stream.editing import put, require_kept
from dedup.stream.maintenance import note_told, told_by_node
from dedup.stream.state import IndexState


def undo(state: IndexState, decision: Decision) -> Change:
    """Undo a decision."""
    cursor, entry = state.log.next_cursor, len(state.log.entries)
    state.decisions.remove(decision.cursor)
    with state.log.following(decision.cursor):
        state.note("editor_undid", decision.story, episode=None, story=decision.story)
        if decision.kind == "editor_merged":
            _part(state, decision)
        else:
            _bring_back(state, decision)
    for former, rule in decision.replaced:
        if own := state.decisions.get(former):
            own.rules.append(rule)
            state.decisions.add(own)
    require_kept(state, "undoing it")
    return change_of(ChangeRow(cursor, *state.log.entries[entry]))


def built_on(state: IndexState, decision: Decision) -> int | None:
    """The cursor of the last later decision that moves what a decision moved, or parts or joins what it made."""
    moved = {node for node, _, _ in decision.moved}
    made = {decision.other} if decision.made and decision.kind != "editor_moved" else set[int | None]()
    merged = {state.chapters.story(decision.story)} if decision.kind == "editor_merged" else set[int]()
    for later in reversed(list(state.decisions)):
        if later.cursor <= decision.cursor or later.kind == "editor_pinned":
            continue
        stories = later.stories if later.kind != "editor_forbade" else set[int]()
        if (
            moved & {node for node, _, _ in later.moved}
            or made & later.stories
            or any(state.chapters.story(story) in merged for story in stories)
        ):
            return later.cursor
    return None


def _part(state: IndexState, decision: Decision) -> None:
    """Let the story that went leave the other one, unless the index has joined episodes of both by itself.

    What has joined its episodes since goes with it; other episodes that have joined the story stay there.
    """
    sides = _sides(state, decision)
    leaving = [episode for episode, side in sides.items() if side == decision.story]
    if len(leaving) in (0, len(sides)):
        return
    canonical = state.live.nodes.of_episodes(leaving).tolist()
    nodes, known = canonical + [copy for copy, _ in state.store.copies(canonical)], state.told_stories()
    before = told_by_node(state, nodes)
    state.keep(state.chapters.replace((episode, decision.story, decision.story) for episode in leaving))
    note_told(state, before, known)


def _sides(state: IndexState, decision: Decision) -> dict[int, int]:
    """The story that each episode of a merged story was in before, by its present number; all one if any was joined.

    An episode that is an alias by now counts as the one that has its articles.
    """
    now = {episode: state.store.resolve(episode) or episode for episode, _, _ in decision.chapters}
    sides: dict[int, int] = {}
    for episode, story, _ in decision.chapters:
        if sides.setdefault(now[episode], now.get(story, story)) != now.get(story, story):
            return {}
    return sides


def _bring_back(state: IndexState, decision: Decision) -> None:
    """Put articles back where they were, and with them what has joined the episodes that were made of them."""
    story, was_told = decision.other, False
    for episode, former in decision.made:
        if state.store.resolve(episode) != episode:  # the index has merged it with another one
            continue
        home = _home(state, decision, former)
        was_told |= state.chapters.told(episode) == episode == story
        put(state, state.live.nodes.of_episodes([episode]), home)
        with state.log.paused():
            if state.chapters.story(episode) not in (episode, state.chapters.story(home)):
                state.keep(state.chapters.part([episode]))
            state.merge(episode, home)
    if was_told and story is not None:
        into = state.chapters.story(state.store.resolve(story) or story)
        state.note("story_merged", into, episode=None, story=story, into=state.chapters.told(into))
    for node, former, episode in decision.moved:
        for row in state.store.rows([node]).values():
            home = _home(state, decision, former)
            if row.episode == (state.store.resolve(episode) or episode) != home:
                put(state, np.array([row.canonical]), home)


def _home(state: IndexState, decision: Decision, episode: int) -> int:
    """The episode that has the articles of one by now; where its story has expired, that begins again."""
    for number in (episode, decision.story):
        found = state.store.resolve(number)
        if found is not None:
            return found
    state.store.insert_episodes([(decision.story, None)])
    return decision.story
