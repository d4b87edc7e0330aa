"""What an editor decides on the stories of an index, and how it is undone."""

from collections.abc import Callable, Iterable
from typing import Any

from dedup.article import ArticleId
from dedup.store.records import Row
from dedup.stream import editing
from dedup.stream.assignment import parse_story_id
from dedup.stream.change_log import Change
from dedup.stream.observing import Counts, observed
from dedup.stream.queries import row_of
from dedup.stream.session import Session
from dedup.stream.state import IndexState
from dedup.stream.undoing import built_on, undo

#: Does what was asked for, in a transaction.
_Work = Callable[[], Change]


class Editor:
    """The decisions of an editor on the stories of a `StoryIndex`.

    Each is kept until it is undone, or until the articles or stories that it is about are gone: whatever comes later,
    and whatever `refine` and `expire` do, it holds. `changes` tells of it, and `Story.edits` has it.
    """

    _session: Session

    @observed("merge", lambda _: Counts(merges=1))
    def merge(self, a: str, b: str) -> Change:
        """Make one story of two; it has the id of the older one, of which the other id is an alias.

        `undo` makes two of it again: the articles of each, and what has come into its episodes since.

        Parameters
        ----------
        a, b : str
            Ids of stories.

        Returns
        -------
        Change
            Whose `story_id` is the id that became an alias, `into` that of the story, and `decision` what `undo` takes.

        Raises
        ------
        KeyError
            When there is no such story.
        ValueError
            When they are one story, or an editor keeps them apart.

        Examples
        --------
        >>> from dedup import StoryIndex
        >>> with StoryIndex(":memory:") as index:
        ...     _ = index.add({"id": "a", "text": "Kim Jong Un crossed into Russia by armoured train on Tuesday."})
        ...     _ = index.add({"id": "b", "text": "The Kremlin confirmed a summit at a spaceport in the Far East."})
        ...     change = index.merge("s1", "s2")
        ...     change.kind, change.into, index.story_id("b")
        ...     _ = index.undo(change)
        ...     index.story_id("b")
        ('editor_merged', 's1', 's1')
        's2'
        """

        def plan(state: IndexState) -> _Work:
            one, other = _story(state, a), _story(state, b)
            if one == other:
                raise ValueError(f"stories {a!r} and {b!r} are one; allowed: two stories")
            if change := editing.separating(state, one, other):
                raise ValueError(
                    f"stories {a!r} and {b!r} are kept apart by change {change}; allowed: to undo it first"
                )
            return lambda: editing.merge(state, one, other)

        return self._decide(plan)

    @observed("split")
    def split(self, story: str, articles: ArticleId | Iterable[ArticleId]) -> Change:
        """Make a story of its own of some articles of a story; their copies go with them.

        They stay in it, also as later versions of themselves, and the two stories are never joined again.

        Parameters
        ----------
        story : str
            Id of the story.
        articles : iterable of str, int, UUID or bytes
            Ids of articles of it, but not of all.

        Returns
        -------
        Change
            Whose `into` is the id of the new story.

        Raises
        ------
        KeyError
            When there is no such story, or no such article in it.
        ValueError
            When there would be no articles in one of the two, or when that contradicts another decision.
        """
        names = [articles] if isinstance(articles, ArticleId) else list(articles)

        def plan(state: IndexState) -> _Work:
            number = _story(state, story)
            rows = [_article(state, name) for name in names]
            for row, name in zip(rows, names, strict=True):
                if state.chapters.story(row.episode) != number:
                    raise KeyError(f"no article of story {story!r} has the id {name!r}")
            if not rows or editing.is_all(state, number, rows):
                what = "all of its articles" if rows else "none of its articles"
                raise ValueError(f"articles are {what} with their copies; allowed: some articles of story {story!r}")
            return lambda: editing.split(state, number, rows)

        return self._decide(plan)

    @observed("move")
    def move(self, article: ArticleId, story: str) -> Change:
        """Put an article into another story; its copies go with it.

        It stays there, also as later versions of itself, and never comes back to the story that it was in by itself:
        as long as the article lives, the two stories are not joined. It is in the episode that it is most similar to,
        or in one of its own. When it was alone in its story, this is `merge`.

        Parameters
        ----------
        article : str, int, UUID or bytes
            Id of the article.
        story : str
            Id of the story that it is to be in.

        Returns
        -------
        Change
            Whose `story_id` is that of the story that it was in, and `into` that of the one that it is in.

        Raises
        ------
        KeyError
            When there is no such article or story.
        ValueError
            When it is in that story, or when that contradicts another decision.
        """

        def plan(state: IndexState) -> _Work:
            row, into = _article(state, article), _story(state, story)
            own = state.chapters.story(row.episode)
            if own == into:
                raise ValueError(f"article {article!r} is in story {story!r}; allowed: another story")
            if editing.is_all(state, own, [row]) and (change := editing.separating(state, own, into)):
                raise ValueError(
                    f"article {article!r} is all of its story, which is kept apart from {story!r} by change {change}; "
                    "allowed: to undo it first"
                )
            return lambda: editing.move(state, row, into)

        return self._decide(plan)

    @observed("pin")
    def pin(self, story: str, *, representative: ArticleId | None = None, title: str | None = None) -> Change:
        """Let a story show one of its articles, a headline, or both, whatever the rule says.

        The last pin counts. An article is shown as long as it is in the story, also as later versions of itself, and a
        headline as long as the story has articles.

        Parameters
        ----------
        story : str
            Id of the story.
        representative : str, int, UUID or bytes, optional
            Id of an article of it.
        title : str, optional
            What `Story.headline` says.

        Returns
        -------
        Change

        Raises
        ------
        KeyError
            When there is no such story, or no such article in it.
        TypeError, ValueError
            When there is nothing to show.
        """
        if title is not None and not isinstance(title, str):
            raise TypeError(f"title is {title!r:.80}; allowed: a str, or None")
        if representative is None and not (title and title.strip()):
            raise ValueError("representative is None and title empty; allowed: one of the two at least")

        def plan(state: IndexState) -> _Work:
            number = _story(state, story)
            row = None if representative is None else _article(state, representative)
            if row is not None and state.chapters.story(row.episode) != number:
                raise KeyError(f"no article of story {story!r} has the id {representative!r}")
            return lambda: editing.pin(state, number, row, title)

        return self._decide(plan)

    @observed("forbid")
    def forbid(self, a: ArticleId, b: ArticleId, *, articles: bool = False) -> Change:
        """Keep two stories apart, or two articles.

        Stories that are kept apart are never joined, and no article of one comes into the other by itself, unless its
        text becomes another one. When two articles are in one story, the second begins a story of its own.

        Parameters
        ----------
        a, b : str
            Ids of two stories, or of two articles, which are no copies of one text.
        articles : bool, default False
            Whether they are ids of articles.

        Returns
        -------
        Change
            For two articles there is another one, of the second.

        Raises
        ------
        KeyError
            When there is no such story or article.
        ValueError
            When the stories are one, when the articles are copies, or when that contradicts another decision.
        """
        if not isinstance(articles, bool):
            raise TypeError(f"articles is {articles!r}; allowed: True, False")

        def plan(state: IndexState) -> _Work:
            if not articles:
                one, other = _story(state, a), _story(state, b)
                if one == other:
                    raise ValueError(f"stories {a!r} and {b!r} are one; allowed: two stories, as `split` makes")
                return lambda: editing.forbid_stories(state, one, other)
            left, right = _article(state, a), _article(state, b)
            if left.canonical == right.canonical:
                raise ValueError(f"articles {a!r} and {b!r} are copies of one text; allowed: two texts")
            return lambda: editing.forbid_articles(state, left, right)

        return self._decide(plan)

    @observed("undo")
    def undo(self, change: Change | int) -> Change:
        """Undo a decision: articles and ids are as they would have been, and the rules that follow from it are gone.

        Parameters
        ----------
        change : Change or int
            What the decision returned, any change with its `decision`, or that number.

        Returns
        -------
        Change
            Of kind "editor_undid"; it cannot be undone itself.

        Raises
        ------
        TypeError, ValueError
            When that is no decision that is in force, or when a later one builds on it, which the message names.
        """
        given = change.decision if isinstance(change, Change) else change
        if not isinstance(given, int) or isinstance(given, bool):
            raise TypeError(f"change is {change!r:.200}; allowed: a Change that follows from a decision, or its cursor")

        def plan(state: IndexState) -> _Work:
            decision = state.decisions.get(given)
            if decision is None:
                raise ValueError(f"change is {given}; allowed: the cursor of a decision that is in force")
            if later := built_on(state, decision):
                raise ValueError(f"change {later} builds on change {given}; allowed: to undo {later} first")
            return lambda: undo(state, decision)

        return self._decide(plan)

    def _decide(self, plan: Callable[[IndexState], _Work]) -> Change:
        """Do what is planned in a transaction; refuse it before, as memory is read again after a failure."""
        with self._session.reading(refresh=True) as state:
            plan(state)
        return self._session.write(lambda: plan(self._session.state)())


def _story(state: IndexState, story_id: Any) -> int:
    """Return the number of the story with that id or alias, or raise KeyError."""
    episode = state.store.resolve(parse_story_id(story_id))
    story = None if episode is None else state.chapters.story(episode)
    if story is None or not any(state.totals.sizes[e] for e in state.chapters.episodes_of([story])):
        raise KeyError(f"no story has the id {story_id!r}")
    return story


def _article(state: IndexState, article_id: Any) -> Row:
    """Return the article with that id, or raise KeyError."""
    row = row_of(state, article_id)
    if row is None:
        raise KeyError(f"no article has the id {article_id!r}")
    return row
