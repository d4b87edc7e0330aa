"""What has happened in an index, kept for those who follow it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dedup.store.protocol import Store
from dedup.store.records import ChangeRow
from dedup.stream.assignment import format_episode_id, format_story_id

Kind = Literal[
    "story_begun",
    "episode_begun",
    "joined",
    "updated",
    "left",
    "episode_merged",
    "story_merged",
    "editor_merged",
    "editor_split",
    "editor_moved",
    "editor_pinned",
    "editor_forbade",
    "editor_undid",
]

# Kinds whose `into` is a story; that of others is an episode.
_INTO_STORIES = ("story_merged", "editor_merged", "editor_split", "editor_moved", "editor_forbade")


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the log of an index, for a service that says what happened in the stories that one follows.

    That an episode has joined another story is told when it pays well and each side has three reports, or none of the
    last day. Until then it may be undone, and is told as a story of its own; from then on it stays, but for `refine`.

    Attributes
    ----------
    cursor : int
        Its number: that of the entry before it and 1.
    kind : str
        "story_begun": an article is the first of a story. "joined", "updated" and "left": an article came into an
        episode, has other content, or is in it no longer; what it replaces under another id has left before.
        "episode_begun": a story has got an episode, which was a story of its own until then. "episode_merged" and
        "story_merged": all of it is now part of `into`, and its id an alias. "editor_merged", "editor_split",
        "editor_moved", "editor_pinned", "editor_forbade" and "editor_undid": an editor has decided so; see
        `StoryIndex.merge` and the methods beside it. What became of articles and stories by it follows, one entry each.
    story_id : str
        As far as it was told: the story may have become part of another one since, of which its id is an alias.
    episode_id : str or None
        None when a story was merged.
    article_id : str or None
        None when an episode or a story is all that there is to say.
    into : str or None
        Id of the story or the episode that has all of the other one; of the story that an editor has moved an article
        to, or made of a part of another one, or keeps apart.
    decision : int or None
        The cursor of the decision of an editor that it follows from, its own if it is one: `StoryIndex.undo` takes it.

    Examples
    --------
    >>> from dedup import StoryIndex
    >>> with StoryIndex(":memory:") as index:
    ...     _ = index.add({"id": "a", "text": "Kim Jong Un crossed into Russia by armoured train on Tuesday."})
    ...     seen = index.changes()[-1].cursor
    ...     _ = index.add({"id": "b", "text": "The armoured train of Kim Jong Un reached Russia on Tuesday."})
    ...     index.changes(seen)
    [Change(cursor=2, kind='joined', story_id='s1', episode_id='e1', article_id='b', into=None, decision=None)]
    """

    cursor: int
    kind: Kind
    story_id: str
    episode_id: str | None = None
    article_id: str | None = None
    into: str | None = None
    decision: int | None = None


class Entry(NamedTuple):
    """An entry before it has a cursor."""

    day: float
    kind: Kind
    story: int
    episode: int | None = None
    article: str | None = None
    into: int | None = None
    decision: int | None = None


class ChangeLog:
    """Entries that a transaction adds to the log."""

    def __init__(self, store: Store) -> None:
        self._store, self.entries = store, list[Entry]()
        self._decision: int | None = None

    def add(self, entry: Entry) -> None:
        """Add an entry, which follows from the decision that is being made, if one is."""
        self.entries.append(entry._replace(decision=self._decision))

    @property
    def next_cursor(self) -> int:
        """The cursor of the next entry that is added."""
        return self._store.last_cursor() + 1 + len(self.entries)

    def flush(self) -> None:
        """Store the entries."""
        if self.entries:
            first = self._store.last_cursor() + 1
            self._store.insert_changes([ChangeRow(first + i, *entry) for i, entry in enumerate(self.entries)])
            self.entries.clear()

    def note_update(self, former: tuple[int, int], name: str, now: str, first: int) -> None:
        """Let the entries from `first` on, which are of the update of an article, say so.

        `former` is the story and the episode that it was in, `name` its id then, and `now` the id that it has.
        """
        entries = self.entries
        place = next(i for i in range(first, len(entries)) if entries[i].article == now)
        if name == now and entries[place].kind == "joined" and entries[place][2:4] == former:
            entries[place] = entries[place]._replace(kind="updated")
        else:
            entries.insert(first, Entry(entries[place].day, "left", *former, name))

    @contextmanager
    def following(self, decision: int) -> Iterator[None]:
        """Let the entries that are added inside follow from the decision with that cursor."""
        self._decision = decision
        try:
            yield
        finally:
            self._decision = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep none of the entries that are added inside."""
        kept = list(self.entries)
        yield
        self.entries[:] = kept


def change_of(row: ChangeRow) -> Change:
    """Return an entry of the log as users see it."""
    of_story = row.kind in _INTO_STORIES
    into = None if row.into is None else format_story_id(row.into) if of_story else format_episode_id(row.into)
    episode = None if row.episode is None else format_episode_id(row.episode)
    kind: Kind = row.kind  # type: ignore[assignment]
    return Change(row.cursor, kind, format_story_id(row.story), episode, row.article, into, row.decision)
