"""Stream: StoryIndex, stories for an ingest service."""

import logging
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Literal, Self, overload

from dedup.article import Article, items_of, read_articles
from dedup.parameters import (
    FOLD,
    MAX_CHARS,
    NEAR_THRESHOLD,
    NUM_PERM,
    RECALL,
    REPRESENTATIVE,
    SHINGLE_SIZE,
    STORY_THRESHOLD,
    Fold,
    NearSettings,
    StorySettings,
    check,
    check_near,
    day_of,
)
from dedup.progress import Progress, track
from dedup.representative import Chooser
from dedup.store.opening import name_of, open_store
from dedup.stories import LabelledArticles, Stories, Story
from dedup.stream import maintenance as upkeep
from dedup.stream.assignment import Assignment, Move, Refusal, Similar, story_name, story_number
from dedup.stream.queries import most_similar, row_of, story_of
from dedup.stream.seed import seed_index
from dedup.stream.session import Session
from dedup.stream.settings import stored_parameters, versions
from dedup.stream.validation import check_articles, split_valid
from dedup.text.limit import note_long

_log = logging.getLogger(__name__)

_MOST = 2**62  # SQLite counts no further


class StoryIndex:
    """Stories of articles that come one by one, in a file that survives the process.

    An article joins the story where the total of (similarity - story_threshold) gains most, if it gains at all; so does
    a late one, by its own time. What is acknowledged is stored: every `add` or `add_many` is one transaction.

    Parameters
    ----------
    path : str or Path
        SQLite file, made when it is not there; ":memory:" for none. One StoryIndex at a time may write to it. Or the
        URL of a PostgreSQL database, "postgresql://user:password@host/database", to which several may write; it is
        kept in the schema "dedup", and needs ``pip install "dedup-stories[postgres]"``.
    story_threshold, near_threshold, recall, num_perm, shingle_size
        As in `StoryClusterer`. They are kept in the file, which opens with the same ones only.
    representative : {"central", "earliest", "longest"} or callable, default "central"
    cut_residue : bool, default True
        As in `StoryClusterer`; a source is learned as its articles come.
    fold, max_chars
        As in `StoryClusterer`. With `cut_residue` they are kept in the file too.
    timezone : str or tzinfo, optional
        As in `StoryClusterer`.
    read_only : bool, default False
        Open a file that another process may be writing to. Answers are as of the last transaction; words are weighed
        as of the opening, or of the last `similar`.

    Raises
    ------
    ValueError
        For a parameter that is not allowed, or a file that is another program's, of another format, or made with other
        parameters.
    RuntimeError
        When another StoryIndex writes to the file.
    OSError
        When the file or database cannot be read or written. Of a database that comes back, the next call goes on.
    ImportError
        When what the database needs is not installed.

    Notes
    -----
    Late articles are as good as others: one joins the story that it would have joined in time, as long as reports of
    that are live, which is until `expire`. What two articles have in common is weighed by how common it is among the
    latest 8,192 that came, so the vocabulary of last year does not weigh on today's. Before an index has some hundred
    articles it is careful, and joins less.

    Nothing acknowledged is lost when the process is killed. When the machine loses power the last transactions may be,
    as a whole; the file stays sound.

    Examples
    --------
    >>> with StoryIndex(":memory:") as index:
    ...     first = index.add({"id": "a", "text": "Kim Jong Un crossed into Russia by armoured train on Tuesday."})
    ...     again = index.add({"id": "b", "text": "The armoured train of Kim Jong Un reached Russia on Tuesday."})
    ...     index.add({"id": "c", "text": "The ECB raised its rates to 4 percent."}).outcome
    'new_story'
    >>> first.outcome, again.outcome, again.story_id == first.story_id
    ('new_story', 'report', True)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        story_threshold: float = STORY_THRESHOLD,
        near_threshold: float = NEAR_THRESHOLD,
        recall: float = RECALL,
        num_perm: int = NUM_PERM,
        shingle_size: int = SHINGLE_SIZE,
        representative: str | Chooser = REPRESENTATIVE,
        cut_residue: bool = True,
        fold: Fold = FOLD,
        max_chars: int = MAX_CHARS,
        timezone: str | tzinfo | None = None,
        read_only: bool = False,
    ) -> None:
        near = NearSettings(near_threshold, recall, num_perm, shingle_size, fold=fold)
        check(story_threshold=story_threshold, representative=representative, timezone=timezone)
        check(cut_residue=cut_residue, max_chars=max_chars)
        check_near(near)
        settings = StorySettings(near, float(story_threshold), cut_residue, int(max_chars))
        self._rule, self._timezone = representative, timezone
        store = open_store(path, stored_parameters(settings), versions(), read_only=read_only)
        self._session = Session(store, settings, read_only=read_only)

    @classmethod
    def from_stories(
        cls, path: str | Path, stories: Stories | LabelledArticles, *, progress: Progress = False, **parameters: Any
    ) -> Self:
        """An index that begins with the stories of a batch or an archive: the first is s1, and so on.

        Reports that come later join them, and the same articles are "unchanged".

        Parameters
        ----------
        path : str or Path
            See `StoryIndex`; with no articles yet.
        stories : Stories or Grouped
            What `dedup.cluster` or `dedup.archive.read` returns, of articles with ids that will come again.
        progress : bool or callable, default False
            As in `StoryClusterer`, of the articles taken over.
        **parameters
            Those of `StoryIndex`; unless given, the `story_threshold` is that of a batch, and all are those of an
            archive.

        Returns
        -------
        StoryIndex
            Open.

        Raises
        ------
        TypeError, ValueError
            When these are no stories, or not of articles that `add` takes; or when the index has articles.

        Examples
        --------
        >>> import dedup
        >>> stories = dedup.cluster(dedup.sample_articles("fr"))
        >>> with StoryIndex.from_stories(":memory:", stories) as index:
        ...     index.story("s1").id, len(index.story("s1")) == len(stories[0])
        ('s1', True)
        """
        check(progress=progress)
        if isinstance(stories, Stories):
            labels = stories.labels, stories.near_duplicate_labels
            stories = LabelledArticles(stories.articles, *labels, {"story_threshold": stories.threshold})
        elif not isinstance(stories, LabelledArticles):
            what = "what dedup.cluster or dedup.archive.read returns"
            raise TypeError(f"stories is {type(stories).__name__}; allowed: {what}")
        index = cls(path, **stories.parameters | parameters)
        try:
            index._session.write(lambda: index._begin(stories, path, progress))
        except BaseException:
            index.close()
            raise
        return index

    def _begin(self, grouped: LabelledArticles, path: str | Path, progress: Progress) -> None:
        session = self._session
        if session.store.counters()[:2] != (1, 1):
            raise ValueError(f"{name_of(path)} has had articles; allowed: a new index")
        with track(progress, len(grouped.articles)) as on_progress:
            seed_index(session.state, session.assigner, grouped, self._timezone, on_progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        self._session.close()

    def __len__(self) -> int:
        with self._session.reading() as state:
            return state.store.count()

    def add(self, article: Any) -> Assignment:
        """Put an article into a story.

        Parameters
        ----------
        article : mapping, object or Article
            With an id. One with the id of a live article takes its place, unless nothing has changed.

        Returns
        -------
        Assignment

        Raises
        ------
        TypeError, ValueError
            For an article that is not as above; nothing is stored.
        """
        return self.add_many([article])[0]

    @overload
    def add_many(
        self, articles: Any, *, errors: Literal["raise"] = "raise", progress: Progress = False
    ) -> list[Assignment]: ...
    @overload
    def add_many(
        self, articles: Any, *, errors: Literal["skip"], progress: Progress = False
    ) -> tuple[list[Assignment], list[Refusal]]: ...
    def add_many(
        self, articles: Any, *, errors: Literal["raise", "skip"] = "raise", progress: Progress = False
    ) -> list[Assignment] | tuple[list[Assignment], list[Refusal]]:
        """Put articles into stories in one transaction.

        Parameters
        ----------
        articles : iterable of mapping, object or Article; or a data frame
            See `add`; in the order in which they are to come.
        errors : {"raise", "skip"}, default "raise"
            Whether one that is not allowed refuses all, or only itself.
        progress : bool or callable, default False
            As in `StoryClusterer`; `done` articles have their story. What the callable raises leaves nothing stored.

        Returns
        -------
        list of Assignment; with ``errors="skip"`` that and a list of Refusal

        Raises
        ------
        TypeError, ValueError
            Naming the position; nothing is stored.
        """
        if errors not in ("raise", "skip"):
            raise ValueError(f"errors is {errors!r}; allowed: 'raise', 'skip'")
        check(progress=progress)
        refusals: list[Refusal] = []
        if errors == "skip":
            articles, refusals = split_valid(items_of(articles), self._timezone)
        checked = check_articles(articles, self._timezone)
        note_long(checked, self._session.settings.max_chars)
        assignments = self._session.write(lambda: self._add(checked, progress))
        _log.debug("%d articles added, %d refused", len(assignments), len(refusals))
        return (assignments, refusals) if errors == "skip" else assignments

    def _add(self, articles: list[Article], progress: Progress) -> list[Assignment]:
        with track(progress, len(articles)) as on_progress:
            return self._session.assigner.add(articles, on_progress)

    def remove(self, article_id: str) -> bool:
        """Forget an article; its story falls apart where it was the bridge. False when there is none of that id."""
        return self._session.write(lambda: self._remove(article_id))

    def _remove(self, article_id: str) -> bool:
        state = self._session.state
        row = row_of(state, article_id)
        if row is not None:
            upkeep.remove(state, row.node)
        return row is not None

    def expire(self, before: datetime) -> int:
        """Forget the articles published before; of undated ones, those that came when no later article was known.

        Returns
        -------
        int
            How many.
        """
        day = day_of(before, "before")
        return self._session.write(lambda: upkeep.expire(self._session.state, day))

    def refine(self, since: datetime) -> list[Move]:
        """Look again at the stories with an article since then, as the batch would, and say what moved.

        A story's id stays with the part that has most of its reports.
        """
        day = day_of(since, "since")
        return self._session.write(lambda: upkeep.refine(self._session.state, day))

    def story_id(self, article_id: str) -> str:
        """Story of an article.

        Raises
        ------
        KeyError
            When there is none of that id.
        """
        with self._session.reading() as state:
            row = row_of(state, article_id)
        if row is None:
            raise KeyError(f"no article has the id {article_id!r}")
        return story_name(row.story)

    def story(self, story_id: str) -> Story:
        """A story by its id or an alias of it.

        Raises
        ------
        KeyError
            When there is none of that id, or not any more.
        """
        with self._session.reading() as state:
            number = state.store.resolve(story_number(story_id))
            story = None if number is None else story_of(state, number, self._rule)
        if story is None:
            raise KeyError(f"no story has the id {story_id!r}")
        return story

    def stories(self, *, since: datetime | None = None, min_size: int = 1, limit: int | None = None) -> list[Story]:
        """Stories with an article since then and at least so many articles, the latest first, `limit` at most."""
        check(min_size=min_size, limit=limit)
        day = None if since is None else day_of(since, "since")
        with self._session.reading() as state:
            numbers = state.store.story_ids(day, min(min_size, _MOST))[:limit]
            told = (story_of(state, number, self._rule) for number in numbers)
            return [story for story in told if story is not None]

    def similar(self, article: Any, k: int = 10) -> list[Similar]:
        """The live reports most similar to an article, which need not be in the index, most similar first.

        One with the id of the article is left out.
        """
        check(k=k)
        batch = read_articles([article], timezone=self._timezone)
        (given,), (named,) = batch.articles, batch.named
        with self._session.reading(memory=True) as state:
            found = most_similar(state, given)
        own = given.id if named else None
        return [Similar(row.id, story_name(row.story), near) for row, near in found if row.id != own][:k]
