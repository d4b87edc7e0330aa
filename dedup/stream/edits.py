"""How the stories of an index show what editors have decided on them."""

from collections.abc import Sequence
from dataclasses import replace

from dedup.store.protocol import Store
from dedup.store.records import Row
from dedup.story.result import Edit, Story
from dedup.stream.assignment import format_story_id
from dedup.stream.decisions import Decision, Decisions
from dedup.wording import plural


class Edits:
    """The decisions that are in force in a store, and the stories that they are about."""

    def __init__(self, store: Store) -> None:
        self._decisions = list(Decisions(store.decisions()))
        named = {story for own in self._decisions for story in (*own.stories, own.other) if story}
        self._stories = store.stories_of(sorted(named)) if named else {}

    def apply(self, story: Story, number: int, rows: Sequence[Row]) -> Story:
        """Return a story as editors want it to be shown; the rows are those of its articles, in their order."""
        nodes = {row.node: place for place, row in enumerate(rows)}
        edits = []
        for own in self._decisions:
            is_here = number in map(self._stories.get, own.stories)
            if not is_here and nodes.keys().isdisjoint(own.nodes):
                continue
            edits.append(
                self._edit(own, number, [story.articles[nodes[n]].id for n in sorted(own.nodes & nodes.keys())])
            )
            if own.kind == "editor_pinned" and is_here:
                if own.shown in nodes:
                    shown, reason = story.articles[nodes[own.shown]], f"Chosen by an editor (change {own.cursor})."
                    story = replace(story, representative=shown, reason=reason)
                if own.title:
                    story = replace(story, title=own.title)
        return replace(story, edits=tuple(edits)) if edits else story

    def _edit(self, own: Decision, number: int, names: list[str]) -> Edit:
        return Edit(own.cursor, own.kind, tuple(names), f"{self._said(own, number, len(names))} (change {own.cursor}).")

    def _said(self, own: Decision, number: int, count: int) -> str:
        """What a decision says of the story with that number."""
        was_here = self._stories.get(own.story) == number
        other = format_story_id((own.other if was_here else own.story) or number)
        if own.kind == "editor_merged":
            return f"An editor made it one with {format_story_id(own.story)}"
        if own.kind == "editor_forbade":
            return f"An editor keeps it apart from {other}"
        if own.kind == "editor_pinned":
            return "An editor chose what it shows"
        if was_here:
            return f"An editor moved articles from here to {other}"
        return f"An editor moved {plural(count, 'article')} here from {other}"
