"""Stream: StoryIndex, stories for an ingest service."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

import numpy as np

from dedup.article import Article, items_of, read_articles
from dedup.assembly import tell
from dedup.checks import check_count, check_flag, check_progress, check_settings, check_story_settings
from dedup.moving import take_over
from dedup.near.duplicates import NearSettings
from dedup.progress import Progress, reporting
from dedup.representative import Chooser
from dedup.store.opening import name_of, open_store
from dedup.store.protocol import Store
from dedup.store.records import Row
from dedup.stories import Stories, Story
from dedup.stream import upkeep
from dedup.stream.arrival import find_neighbours, read_all
from dedup.stream.assigner import Assigner
from dedup.stream.door import check_articles, day_of, is_storable, sift
from dedup.stream.ledger import Ledger
from dedup.stream.memory import LEADING_FEATURES
from dedup.stream.reading import count_words
from dedup.stream.records import Assignment, Move, Refusal, Similar, decoded, story_name, story_number
from dedup.stream.scheme import Settings, versions
from dedup.text.fold import Fold
from dedup.text.limit import MAX_CHARS, note_long, readable_texts

Result = TypeVar("Result")

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
        story_threshold: float = 0.12,
        near_threshold: float = 0.7,
        recall: float = 0.95,
        num_perm: int = 128,
        shingle_size: int = 5,
        representative: str | Chooser = "central",
        cut_residue: bool = True,
        fold: Fold = "unidecode",
        max_chars: int = MAX_CHARS,
        timezone: str | tzinfo | None = None,
        read_only: bool = False,
    ) -> None:
        check_story_settings(story_threshold, representative, timezone)
        near = NearSettings(near_threshold, recall, num_perm, shingle_size, fold=fold)
        check_settings(near, None, name="near_threshold")
        check_flag("cut_residue", cut_residue)
        check_count("max_chars", max_chars)
        self._settings = Settings(float(story_threshold), near, cut_residue, int(max_chars))
        self._rule, self._timezone = representative, timezone
        self._store: Store = open_store(path, self._settings.parameters(), versions(), read_only=read_only)
        self._read_only = read_only
        self._moment: int | None = None  # that memory is of; None when memory is not to be relied on
        self._mutex = threading.RLock()
        try:
            self._load()
        except BaseException:
            self._store.close()
            raise

    def _load(self) -> None:
        """Make what is kept in memory, from what is stored."""
        with self._store.snapshot() as moment:
            self._keep_up(moment)

    def _keep_up(self, moment: int) -> None:
        """Make memory what is stored at a moment, which is open: others may have written."""
        if moment == self._moment:
            return
        news = None if self._moment is None else self._store.news(self._moment, LEADING_FEATURES)
        self._moment = None
        if news is None:
            self._ledger = Ledger(self._store, self._settings)
            self._assigner = Assigner(self._ledger)
        else:
            self._ledger.catch_up(news)
        self._moment = moment

    @contextmanager
    def _reading(self, *, memory: bool = False) -> Iterator[None]:
        """One moment for all that is read inside; memory that is asked for is of that moment too."""
        with self._mutex, self._store.snapshot() as moment:
            if memory or self._moment is None:
                self._keep_up(moment)
            yield

    @classmethod
    def from_stories(cls, path: str | Path, stories: Stories, **parameters: Any) -> Self:
        """An index that begins with the stories of a batch: the first is s1, and so on.

        Reports that come later join them, and the same articles are "unchanged".

        Parameters
        ----------
        path : str or Path
            See `StoryIndex`; with no articles yet.
        stories : Stories
            Of articles with ids that will come again.
        **parameters
            Those of `StoryIndex`; the `story_threshold` is that of the stories unless given.

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
        if not isinstance(stories, Stories):
            raise TypeError(f"stories is {type(stories).__name__}; allowed: what dedup.cluster returns")
        index = cls(path, **{"story_threshold": stories.threshold} | parameters)
        try:
            index._all_or_none(lambda: index._take_over(stories, path))
        except BaseException:
            index.close()
            raise
        return index

    def _take_over(self, stories: Stories, path: str | Path) -> None:
        if self._store.counters()[:2] != (1, 1):
            raise ValueError(f"{name_of(path)} has had articles; allowed: a new index")
        take_over(self._ledger, self._assigner, stories, self._timezone)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        with self._mutex:
            self._store.close()

    def __len__(self) -> int:
        with self._reading():
            return self._store.count()

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
        check_progress(progress)
        refusals: list[Refusal] = []
        if errors == "skip":
            articles, refusals = sift(items_of(articles), self._timezone)
        checked = check_articles(articles, self._timezone)
        note_long(checked, self._settings.max_chars)
        with self._mutex:
            assignments = self._all_or_none(lambda: self._add(checked, progress))
        _log.debug("%d articles added, %d refused", len(assignments), len(refusals))
        return (assignments, refusals) if errors == "skip" else assignments

    def _add(self, articles: list[Article], progress: Progress) -> list[Assignment]:
        with reporting(progress, len(articles)) as report:
            return self._assigner.add(articles, report)

    def remove(self, article_id: str) -> bool:
        """Forget an article; its story falls apart where it was the bridge. False when there is none of that id."""
        with self._mutex:
            return self._all_or_none(lambda: self._remove(article_id))

    def _remove(self, article_id: str) -> bool:
        row = self._known(article_id)
        if row is not None:
            upkeep.remove(self._ledger, row.node)
        return row is not None

    def expire(self, before: datetime) -> int:
        """Forget the articles published before; of undated ones, those that came when no later article was known.

        Returns
        -------
        int
            How many.
        """
        day = day_of(before, "before")
        with self._mutex:
            return self._all_or_none(lambda: upkeep.expire(self._ledger, day))

    def refine(self, since: datetime) -> list[Move]:
        """Look again at the stories with an article since then, as the batch would, and say what moved.

        A story's id stays with the part that has most of its reports.
        """
        day = day_of(since, "since")
        with self._mutex:
            return self._all_or_none(lambda: upkeep.refine(self._ledger, day))

    def story_id(self, article_id: str) -> str:
        """Story of an article.

        Raises
        ------
        KeyError
            When there is none of that id.
        """
        with self._reading():
            row = self._known(article_id)
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
        with self._reading():
            number = self._store.resolve(story_number(story_id))
            rows = [] if number is None else self._store.of_story(number)
            if number is None or not rows:
                raise KeyError(f"no story has the id {story_id!r}")
            return self._story(number, rows)

    def stories(self, *, since: datetime | None = None, min_size: int = 1, limit: int | None = None) -> list[Story]:
        """Stories with an article since then and at least so many articles, the latest first, `limit` at most."""
        check_count("min_size", min_size)
        if limit is not None:
            check_count("limit", limit, "None or an integer of at least 1")
        day = None if since is None else day_of(since, "since")
        with self._reading():
            numbers = self._store.story_ids(day, min(min_size, _MOST))[:limit]
            return [self._story(number, self._store.of_story(number)) for number in numbers]

    def similar(self, article: Any, k: int = 10) -> list[Similar]:
        """The live reports most similar to an article, which need not be in the index, most similar first.

        One with the id of the article is left out.
        """
        check_count("k", k)
        batch = read_articles([article], timezone=self._timezone)
        (given,), (named,) = batch.articles, batch.named
        with self._reading(memory=True):
            readings = read_all(self._ledger, self._ledger.sites.set_aside([given]))
            weighed = self._ledger.live.weigh(readings, np.zeros(1, dtype=np.bool_))
            limit = np.array([self._ledger.next_node])
            ((nodes, similarities),) = find_neighbours(self._ledger, weighed, np.array([given.day]), limit)
            rows = self._store.rows(nodes.tolist())
        found = [
            Similar(rows[node].id, story_name(rows[node].story), similarity)
            for node, similarity in sorted(
                zip(nodes.tolist(), similarities.tolist(), strict=True), key=lambda e: (-e[1], e[0])
            )
            if not named or rows[node].id != given.id
        ]
        return found[:k]

    def _all_or_none(self, work: Callable[[], Result]) -> Result:
        """Run in one transaction; when it fails, memory is made again from what is stored, when it is needed."""
        if self._read_only:
            raise RuntimeError("the index is open with read_only=True; allowed: what only reads")
        try:
            with self._store.transaction() as moment:
                self._keep_up(moment)
                return work()
        except BaseException:
            self._moment = None
            raise

    def _known(self, article_id: str) -> Row | None:
        return self._store.by_id(article_id) if isinstance(article_id, str) and is_storable(article_id) else None

    def _story(self, number: int, rows: list[Row]) -> Story:
        rows = sorted(rows, key=lambda row: (row.day is None, row.day or 0.0, row.id))
        articles = [decoded(row.fields) for row in rows]
        copies = np.array([row.speaker for row in rows])
        speakers, place = np.unique(copies, return_inverse=True)
        totals = np.asarray(self._ledger.graph(speakers).sum(axis=1)).ravel()
        membership = totals / (len(speakers) - 1) if len(speakers) > 1 else np.ones(1)
        words = count_words(readable_texts(articles, self._settings.max_chars), self._settings.fold).tolist()
        scores = membership[place], self._settings.story_threshold
        return tell(articles, copies, words, *scores, self._rule, self._ledger.live, story_name(number))[0]
