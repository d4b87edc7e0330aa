"""What editors decide on stories, done and kept as rules."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dedup.store.records import ChangeRow, Row
from dedup.stream.change_log import Change, Kind, change_of
from dedup.stream.decisions import Decision, Rule
from dedup.stream.state import IndexState


class NewDecision:
    """A decision that is being made: its entry in the log, and what became of articles by it."""

    def __init__(self, state: IndexState, kind: Kind, story: int, **facts: Any) -> None:
        self.state = state
        self.decision = Decision(state.log.next_cursor, kind, story)
        self._facts = facts

    @contextmanager
    def made(self) -> Iterator[Decision]:
        """Note the decision, and keep it with what is done inside; refuse one that contradicts another."""
        state, decision = self.state, self.decision
        place = len(state.log.entries)
        with state.log.following(decision.cursor):
            state.note(decision.kind, decision.story, episode=None, **self._facts)
            yield decision
            self.told = state.log.entries[place] = state.log.entries[place]._replace(into=decision.other)
        state.decisions.add(decision)
        require_kept(state, "that")

    @property
    def change(self) -> Change:
        """The entry as users see it."""
        return change_of(ChangeRow(self.decision.cursor, *self.told))


def merge(state: IndexState, one: int, other: int) -> Change:
    """Make one story of two, whatever they have in common."""
    kept, gone = sorted([one, other])
    new = NewDecision(state, "editor_merged", gone)
    with new.made() as decision:
        episodes = state.chapters.episodes_of([kept, gone])
        decision.chapters = [(e, state.chapters.story(e), state.chapters.told(e)) for e in episodes]
        decision.other = kept
        decision.rules = [Rule("together", -kept, -gone)]
        state.keep(state.chapters.put({state.chapters.told(e): kept for e in episodes}))
        confirm(state, kept)
    return new.change


def confirm(state: IndexState, story: int) -> None:
    """Let all episodes of a story be told to be in it: what an editor has seen as one stays one."""
    for told in sorted({state.chapters.told(e) for e in state.chapters.episodes_of([story])} - {story}):
        state.tell(told)


def split(state: IndexState, story: int, rows: Sequence[Row]) -> Change:
    """Make a story of its own of some articles of a story, with their copies."""
    new = NewDecision(state, "editor_split", story)
    with new.made() as decision:
        decision.other = _take_out_of(state, story, rows, decision)
        for node, _, _ in decision.moved:
            decision.rules += [Rule("together", node, -decision.other), Rule("apart", node, -story)]
        decision.rules.append(Rule("apart", -decision.other, -story))
        _replace_rules(state, decision, decision.other)
    return new.change


def move(state: IndexState, row: Row, into: int) -> Change:
    """Put an article of another story into a story, with its copies."""
    story = state.chapters.story(row.episode)
    if is_all(state, story, [row]):
        return merge(state, story, into)
    new = NewDecision(state, "editor_moved", story, article=row.id)
    with new.made() as decision:
        confirm(state, story)
        confirm(state, into)
        canonical = np.array([row.canonical])
        episode = _most_similar(state, row.canonical, into)
        if episode is None:
            episode = state.new_episode()
            state.keep(state.chapters.add(episode, into))
            state.note("episode_begun", episode)
            decision.made = [(episode, row.episode)]
        decision.moved = put(state, canonical, episode)
        decision.other = into
        for node, _, _ in decision.moved:
            decision.rules += [Rule("together", node, -into), Rule("apart", node, -story)]
        _replace_rules(state, decision, into)
    return new.change


def pin(state: IndexState, story: int, row: Row | None, title: str | None) -> Change:
    """Let a story show an article, or a title."""
    new = NewDecision(state, "editor_pinned", story, article=row and row.id)
    with new.made() as decision:
        decision.shown, decision.title = row and row.node, title
    return new.change


def forbid_stories(state: IndexState, one: int, other: int) -> Change:
    """Let two stories stay two."""
    new = NewDecision(state, "editor_forbade", one)
    with new.made() as decision:
        confirm(state, one)
        confirm(state, other)
        decision.other, decision.rules = other, [Rule("apart", -one, -other)]
    return new.change


def forbid_articles(state: IndexState, one: Row, other: Row) -> Change:
    """Let the stories of two articles stay two; where they are one, the second article begins one of its own."""
    story, others = (state.chapters.story(row.episode) for row in (one, other))
    new = NewDecision(state, "editor_forbade", story, article=one.id)
    with new.made() as decision:
        state.note("editor_forbade", other.episode, episode=None, article=other.id, into=story)
        decision.rules = [Rule("apart", one.node, other.node)]
        decision.other = others
        if story == others:
            decision.other = _take_out_of(state, story, [other], decision)
            _replace_rules(state, decision, decision.other)
    return new.change


def _take_out_of(state: IndexState, story: int, rows: Sequence[Row], decision: Decision) -> int:
    """Put some articles of a story, with their copies, into a new one: an episode for those of each; return it."""
    confirm(state, story)
    canonical = np.unique([row.canonical for row in rows])
    episodes = state.live.nodes.episodes(canonical)
    first = None
    for former in np.unique(episodes).tolist():
        episode = state.new_episode()
        decision.made.append((episode, former))
        if first is not None:
            state.keep(state.chapters.add(episode, first))
            state.note("episode_begun", episode)
        decision.moved += put(state, canonical[episodes == former], episode, begins=first is None)
        first = episode if first is None else first
    return int(decision.made[0][0])


def put(state: IndexState, canonical: Any, episode: int, *, begins: bool = False) -> list[tuple[int, int, int]]:
    """Put reports and their copies into an episode; return the nodes, and the episodes that they were and are in."""
    moved = state.assign(canonical, episode)
    now = state.chapters.told(episode), episode
    state.note_moves(
        ((row.id, (state.chapters.told(row.episode), row.episode), now) for row in moved), {now[0]} if begins else set()
    )
    return [(row.node, row.episode, episode) for row in moved]


def _most_similar(state: IndexState, node: int, story: int) -> int | None:
    """The episode of a story that a report is most similar to, the oldest of equals; None when it is to none."""
    reports = state.live.nodes.of_episodes(state.chapters.episodes_of([story]))
    nodes = np.union1d(reports, [node])
    edges, place = state.edges(nodes), int(np.searchsorted(nodes, node))
    own = (edges.left == place) | (edges.right == place)
    others = nodes[np.where(edges.left == place, edges.right, edges.left)[own]]
    sums: dict[int, float] = defaultdict(float)
    for episode, similarity in zip(state.live.nodes.episodes(others).tolist(), edges.similarity[own], strict=True):
        sums[episode] += float(similarity)
    means = {episode: total / state.totals.sizes[episode] for episode, total in sums.items()}
    return min(means, key=lambda episode: (-round(means[episode], 9), episode), default=None)


def is_all(state: IndexState, story: int, rows: Iterable[Row]) -> bool:
    """Whether some articles and their copies are all that a story has."""
    reports = state.live.nodes.of_episodes(state.chapters.episodes_of([story]))
    return set(reports.tolist()) <= {row.canonical for row in rows}


def _replace_rules(state: IndexState, decision: Decision, into: int) -> None:
    """Let what an editor decided on articles before give way where a decision is to put them elsewhere now.

    They are no more held in another story, nor kept out of the one that they are in; `undo` brings these rules back.
    """
    for node, _, _ in decision.moved:
        for cursor, rule in state.decisions.rules_of(node):
            thing = rule.other if rule.one == node else rule.one
            if thing < 0 and (rule.relation == "together") == (state.chapters.story(-thing) != into):
                own = state.decisions.get(cursor)
                if own is not None:
                    own.rules.remove(rule)
                    state.decisions.add(own)
                    decision.replaced.append((cursor, rule))


def separating(state: IndexState, one: int, other: int) -> int | None:
    """The cursor of the last decision that keeps two stories apart; None when none does."""
    for decision in reversed(list(state.decisions)):
        for rule in decision.rules:
            ends = {state.chapters.story(state.episode_of(thing)) for thing in rule[1:]}
            if rule.relation == "apart" and ends == {one, other}:
                return decision.cursor
    return None


def require_kept(state: IndexState, what: str) -> None:
    """Refuse what breaks a rule; the transaction ends, and with it what was done."""
    of = state.chapters.story
    for decision in reversed(list(state.decisions)):
        for rule in decision.rules:
            one, other = (of(state.episode_of(thing)) for thing in rule[1:])
            if (one == other) != (rule.relation == "together"):
                first = decision.cursor
                raise ValueError(f"{what} contradicts change {first}; allowed: to undo {first} first")
