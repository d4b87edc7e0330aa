"""What can be asked of an index: articles, stories, changes, and what is like an article or a copy of it."""

from datetime import datetime, tzinfo
from typing import Any

from dedup.article import Article, ArticleId, read_articles
from dedup.parameters import OrderBy, check, day_of
from dedup.representative import Chooser
from dedup.store.serialization import decode_article
from dedup.store.story_query import StoryQuery
from dedup.story.result import Story
from dedup.stream.assignment import Similar
from dedup.stream.change_log import Change, change_of
from dedup.stream.copies import copies_of_article, copies_of_stored
from dedup.stream.listing import StoryPage, list_stories, parse_cursor
from dedup.stream.observing import Observe, observed
from dedup.stream.queries import similar_reports, stored_row, story_by_id, story_id_of
from dedup.stream.session import Session
from dedup.wording import printable


class Questions:
    """The questions to a `StoryIndex`; none changes what is stored."""

    _session: Session
    _rule: str | Chooser
    _timezone: str | tzinfo | None
    _observe: Observe | None

    def __len__(self) -> int:
        with self._session.reading() as state:
            return state.store.count()

    @observed("article")
    def article(self, article_id: ArticleId) -> Article:
        """Return an article as it is stored, with its text, by its id or one that leads to it (`Assignment.replaces`).

        Raises
        ------
        KeyError
            When no article has that id.
        """
        with self._session.reading() as state:
            return decode_article(stored_row(state, article_id).fields)

    @observed("story_id")
    def story_id(self, article_id: ArticleId) -> str:
        """Return the id of the story of an article.

        Raises
        ------
        KeyError
            When no article has that id.
        """
        with self._session.reading() as state:
            return story_id_of(state, article_id)

    @observed("story")
    def story(self, story_id: str) -> Story:
        """Return a story by its id or an alias of it.

        Raises
        ------
        KeyError
            When no story has that id, or no longer.
        """
        with self._session.reading() as state:
            return story_by_id(state, story_id, self._rule)

    @observed("stories")
    def stories(
        self,
        *,
        order_by: OrderBy = "latest",
        since: datetime | None = None,
        min_size: int = 1,
        min_outlets: int = 1,
        source: str | None = None,
        language: str | None = None,
        now: datetime | None = None,
        window_hours: float = 24.0,
        limit: int | None = None,
        after: str | None = None,
    ) -> StoryPage:
        """Return the stories that are asked for, a page at a time.

        Parameters
        ----------
        order_by : {"latest", "size", "outlets", "velocity"}, default "latest"
            First comes the story with the latest article, most articles, most outlets, or most outlets an hour; of
            equal ones that with the latest article. An outlet is a distinct `source`; articles without one are one
            outlet together.
        since : datetime, optional
            Stories with an article since then.
        min_size, min_outlets : int, default 1
            Stories of at least so many articles, and outlets.
        source, language : str, optional
            Stories with at least one article of that source, and one of that language, each as it was given.
        now : datetime, optional
            Of "velocity": when it is told; by default what the `clock` of the index says.
        window_hours : float, default 24.0
            Of "velocity": how far back it looks.
        limit : int, optional
            At most so many stories.
        after : str, optional
            `next` of the page before, of the same order. `now` and `window_hours` are those of that page.

        Returns
        -------
        StoryPage
            A list of Story, with `next` for the page after it.

        Notes
        -----
        *Velocity*: each outlet counts by its latest article in the window, aged a hours, with 1 - a / w, where w is
        `window_hours`; the sum, divided by w / 2, is in outlets an hour. A story that a new outlet takes up r times an
        hour has velocity r, and one that nobody reports on any more slows down to 0 within the window. An article
        counts from its publication, or its arrival where that is unknown; one dated later than `now` does not count.

        *Pages*: a story that no call has changed since the first page was asked for comes once on all pages together,
        whatever was added to others, merged or removed meanwhile. One that changed stands where it now belongs: it may
        come again, or not at all where it has moved before the page that is asked for.

        Examples
        --------
        >>> import dedup
        >>> with dedup.StoryIndex(":memory:") as index:
        ...     added = index.add_many(dedup.sample_articles("en"))
        ...     now = datetime.fromisoformat("2023-09-13T20:00Z")
        ...     page = index.stories(order_by="velocity", now=now, limit=2)
        ...     for story, velocity in zip(page, page.values, strict=True):
        ...         print(story.id, round(velocity, 2), story.headline)
        ...     [story.id for story in index.stories(order_by="velocity", limit=2, after=page.next)]
        s20 0.12 Explainer: shells for satellites? What Moscow and Pyongyang want from each other
        s24 0.07 In Derna, the sea gives back the dead as Libya counts its losses
        ['s22', 's42']
        """
        check(order_by=order_by, min_size=min_size, min_outlets=min_outlets, source=source, language=language)
        check(window_hours=window_hours, limit=limit)
        day = None if since is None else day_of(since, "since")
        cursor = None if after is None else parse_cursor(after, order_by)
        end = None if now is None else day_of(now, "now")
        query = StoryQuery(order_by, day, int(min_size), int(min_outlets), source and printable(source), language)
        query = query._replace(limit=limit and int(limit))
        with self._session.reading() as state:
            if cursor is not None:
                query = query._replace(after=cursor.place, window=cursor.window)
            elif order_by == "velocity":
                end = state.arrival if end is None else end
                query = query._replace(window=(end - float(window_hours) / 24, end))
            return list_stories(state, query, self._rule)

    @observed("changes")
    def changes(self, since: int = 0, *, limit: int | None = None, timeout: float = 0.0) -> list[Change]:
        """Return what has happened since the change with that cursor, the earliest first; see `Change`.

        With 0 it is all that is kept, with `limit` at most so many. Cursors are consecutive: when the first is greater
        than ``since + 1``, those between are not kept any more. `expire` forgets the changes before its day, as it
        forgets articles, and is no change itself.

        When there is none yet, it is waited for up to `timeout` seconds. What this StoryIndex writes in another thread
        is seen at once, what other processes write within a fraction of a second; and `close` ends the wait with the
        error that it is closed.
        """
        check(since=since, limit=limit, timeout=timeout)
        cursor, most = min(int(since), 2**62), limit and min(int(limit), 2**62)
        rows = self._session.reading_until(lambda state: state.store.changes(cursor, most), float(timeout))
        return list(map(change_of, rows))

    @observed("similar")
    def similar(self, article: Any, k: int = 10) -> list[Similar]:
        """Return the live reports most similar to an article, which need not be in the index, most similar first.

        A report with the id of the article is left out.
        """
        check(k=k)
        batch = read_articles([article], timezone=self._timezone)
        with self._session.reading(refresh=True) as state:
            return similar_reports(state, batch)[:k]

    @observed("copies_of")
    def copies_of(self, article: Any = None, *, article_id: ArticleId | None = None) -> tuple[Similar, ...]:
        """Return the stored articles that are near-duplicates of an article, most similar first; add nothing.

        Parameters
        ----------
        article : str, mapping, object or Article
            Which need not be in the index. The stored article that has its id is left out, or its canonical URL where
            it has none: an earlier version is no copy.
        article_id : str, int, UUID or bytes
            Instead of an article the id of a stored one, or an id that leads to it.

        Returns
        -------
        tuple of Similar
            Their `similarity` is the exact Jaccard similarity of the sets of word shingles, at least `near_threshold`.
            Of equally similar ones the first is the one that came first.

        Raises
        ------
        TypeError, ValueError
            For an article that is not allowed, or an article and an id.
        KeyError
            When no article has that id.

        Notes
        -----
        Found are those that share an LSH band with the article: all word-for-word copies, and others as surely as
        `recall` says. It is compared with at most 8,192 of them, those that share most bands; the log "dedup" tells
        when there are more.

        Examples
        --------
        >>> from dedup import StoryIndex
        >>> wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said in a statement"
        >>> with StoryIndex(":memory:") as index:
        ...     added = index.add_many([{"id": "a", "text": wire}, {"id": "b", "text": f"MOSCOW (Wire) - {wire}"}])
        ...     for copy in index.copies_of(wire.upper()):
        ...         print(copy.article_id, round(copy.similarity, 2), copy.story_id)
        ...     [copy.article_id for copy in index.copies_of(article_id="a")]
        a 1.0 s1
        b 0.88 s1
        ['b']
        """
        if (article is None) == (article_id is None):
            given = "neither an article nor an article_id" if article is None else "both an article and an article_id"
            raise TypeError(f"copies_of got {given}; allowed: one of the two")
        if article_id is not None:
            with self._session.reading(refresh=True) as state:
                return copies_of_stored(state, article_id)
        batch = read_articles([article], timezone=self._timezone)
        with self._session.reading(refresh=True) as state:
            return copies_of_article(state, batch)
