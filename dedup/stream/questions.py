"""What can be asked of an index: articles, stories, changes, and what is like an article or a copy of it."""

from datetime import datetime, tzinfo
from typing import Any

from dedup.article import read_articles
from dedup.parameters import check, day_of
from dedup.representative import Chooser
from dedup.story.result import Story
from dedup.stream.assignment import Similar
from dedup.stream.change_log import Change, change_of
from dedup.stream.copies import copies_of_article, copies_of_stored
from dedup.stream.queries import latest_stories, similar_reports, story_by_id, story_id_of
from dedup.stream.session import Session


class Questions:
    """The questions to a `StoryIndex`; none changes what is stored."""

    _session: Session
    _rule: str | Chooser
    _timezone: str | tzinfo | None

    def __len__(self) -> int:
        with self._session.reading() as state:
            return state.store.count()

    def story_id(self, article_id: str) -> str:
        """Return the id of the story of an article.

        Raises
        ------
        KeyError
            When no article has that id.
        """
        with self._session.reading() as state:
            return story_id_of(state, article_id)

    def story(self, story_id: str) -> Story:
        """Return a story by its id or an alias of it.

        Raises
        ------
        KeyError
            When no story has that id, or no longer.
        """
        with self._session.reading() as state:
            return story_by_id(state, story_id, self._rule)

    def stories(self, *, since: datetime | None = None, min_size: int = 1, limit: int | None = None) -> list[Story]:
        """Return the stories with an article since then and at least `min_size` articles.

        The story with the latest article comes first; at most `limit` are returned.
        """
        check(min_size=min_size, limit=limit)
        day = None if since is None else day_of(since, "since")
        with self._session.reading() as state:
            return latest_stories(state, day, min_size, limit, self._rule)

    def changes(self, since: int = 0, *, limit: int | None = None) -> list[Change]:
        """Return what has happened since the change with that cursor, the earliest first; see `Change`.

        With 0 it is all that is kept, with `limit` at most so many. Cursors are consecutive: when the first is greater
        than ``since + 1``, those between are not kept any more. `expire` forgets the changes before its day, as it
        forgets articles, and is no change itself.
        """
        check(since=since, limit=limit)
        with self._session.reading() as state:
            rows = state.store.changes(min(int(since), 2**62), limit and min(int(limit), 2**62))
            return list(map(change_of, rows))

    def similar(self, article: Any, k: int = 10) -> list[Similar]:
        """Return the live reports most similar to an article, which need not be in the index, most similar first.

        A report with the id of the article is left out.
        """
        check(k=k)
        batch = read_articles([article], timezone=self._timezone)
        with self._session.reading(refresh=True) as state:
            return similar_reports(state, batch)[:k]

    def copies_of(self, article: Any = None, *, article_id: str | None = None) -> tuple[Similar, ...]:
        """Return the stored articles that are near-duplicates of an article, most similar first; add nothing.

        Parameters
        ----------
        article : str, mapping, object or Article
            Which need not be in the index. The stored article that has its id is left out, or its canonical URL where
            it has none: an earlier version is no copy.
        article_id : str
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
