"""Stream: StoryIndex, stories for an ingest service."""

import threading
import warnings
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

import numpy as np

from dedup.article import Article, items_of, read_articles
from dedup.assembly import tell
from dedup.checks import check_count, check_settings, check_story_settings
from dedup.near.duplicates import NearSettings
from dedup.representative import Chooser
from dedup.store.sqlite import Row, SqliteStore
from dedup.stories import Story, printable
from dedup.stream.assigner import Assigner
from dedup.stream.records import Assignment, Move, Refusal, Similar, decoded, story_name, story_number
from dedup.text.tokens import tokenize

Result = TypeVar("Result")


class StoryIndex:
    """Stories of articles that come one by one, in a file that survives the process.

    An article joins the story where the total of (similarity - story_threshold) gains most, if it gains at all; so does
    a late one, by its own time. What is acknowledged is stored: every `add` or `add_many` is one transaction.

    Parameters
    ----------
    path : str or Path
        SQLite file, made when it is not there; ":memory:" for none. One process at a time may have it open.
    story_threshold, near_threshold, recall, num_perm, shingle_size
        As in `StoryClusterer`. They are kept in the file, which opens with the same ones only.
    representative : {"central", "earliest", "longest"} or callable, default "central"
    timezone : str or tzinfo, optional
        As in `StoryClusterer`.

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
        timezone: str | tzinfo | None = None,
    ) -> None:
        check_story_settings(story_threshold, representative, timezone)
        settings = NearSettings(near_threshold, recall, num_perm, shingle_size)
        check_settings(settings, None, name="near_threshold")
        self._threshold, self._settings = float(story_threshold), settings
        self._rule, self._timezone = representative, timezone
        shares = {"story_threshold": story_threshold, "near_threshold": near_threshold, "recall": recall}
        counts = {"num_perm": num_perm, "shingle_size": shingle_size}
        parameters = {name: repr(float(value)) for name, value in shares.items()}
        parameters |= {name: repr(int(value)) for name, value in counts.items()}
        self._store = SqliteStore(path, parameters)
        self._mutex = threading.RLock()
        try:
            self._load()
        except BaseException:
            self._store.close()
            raise

    def _load(self) -> None:
        """Make what is kept in memory, from what is stored."""
        self._assigner = Assigner(self._store, self._threshold, self._settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        with self._mutex:
            self._store.close()

    def __len__(self) -> int:
        with self._mutex:
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
    def add_many(self, articles: Any, *, errors: Literal["raise"] = "raise") -> list[Assignment]: ...
    @overload
    def add_many(self, articles: Any, *, errors: Literal["skip"]) -> tuple[list[Assignment], list[Refusal]]: ...
    def add_many(
        self, articles: Any, *, errors: Literal["raise", "skip"] = "raise"
    ) -> list[Assignment] | tuple[list[Assignment], list[Refusal]]:
        """Put articles into stories in one transaction.

        Parameters
        ----------
        articles : iterable of mapping, object or Article; or a data frame
            See `add`; in the order in which they are to come.
        errors : {"raise", "skip"}, default "raise"
            Whether one that is not allowed refuses all, or only itself.

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
        refusals: list[Refusal] = []
        if errors == "skip":
            articles, refusals = self._allowed(items_of(articles))
        checked = self._checked(articles)
        with self._mutex:
            readings = self._assigner.read_many(checked)
            assignments = self._all_or_none(lambda: list(map(self._assigner.add, checked, readings)))
        return (assignments, refusals) if errors == "skip" else assignments

    def _checked(self, articles: Any) -> list[Article]:
        batch = read_articles(articles, timezone=self._timezone)
        for position, (article, named) in enumerate(zip(batch.articles, batch.named, strict=True)):
            if not named:
                raise ValueError(f"article {position}: field 'id' is missing; allowed: str or int")
            if not _is_storable(article.id):
                raise ValueError(f"article {position}: field 'id' is {article.id!r}; allowed: no lone surrogates")
        return batch.articles

    def _allowed(self, items: Iterable[Any]) -> tuple[list[Any], list[Refusal]]:
        """Items that are allowed, and why the others are not."""
        allowed: list[Any] = []
        refusals: list[Refusal] = []
        places: dict[str, int] = {}
        for position, item in enumerate(items):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # it is said once, for all that are allowed
                    (article,) = self._checked([item])
                if article.id in places:
                    raise ValueError(
                        f"article 0: field 'id' is {article.id!r}, as that of article {places[article.id]}"
                    )
            except (TypeError, ValueError) as error:
                refusals.append(Refusal(position, str(error).replace("article 0", f"article {position}", 1)))
            else:
                places[article.id] = position
                allowed.append(item)
        return allowed, refusals

    def remove(self, article_id: str) -> bool:
        """Forget an article; its story falls apart where it was the bridge. False when there is none of that id."""
        with self._mutex:
            row = self._known(article_id)
            if row is not None:
                self._all_or_none(lambda: self._assigner.remove(row))
            return row is not None

    def expire(self, before: datetime) -> int:
        """Forget the articles published before; of undated ones, those that came when no later article was known.

        Returns
        -------
        int
            How many.
        """
        day = _day(before, "before")
        with self._mutex:
            rows = self._store.before(day)
            self._all_or_none(lambda: self._assigner.expire(rows))
            self._assigner.live.compact()
            return len(rows)

    def refine(self, since: datetime) -> list[Move]:
        """Look again at the stories with an article since then, as the batch would, and say what moved.

        A story's id stays with the part that has most of its reports.
        """
        day = _day(since, "since")
        with self._mutex:
            return self._all_or_none(lambda: self._assigner.refine(day))

    def story_id(self, article_id: str) -> str:
        """Story of an article.

        Raises
        ------
        KeyError
            When there is none of that id.
        """
        with self._mutex:
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
        with self._mutex:
            number = self._store.resolve(story_number(story_id))
            rows = [] if number is None else self._store.of_story(number)
            if number is None or not rows:
                raise KeyError(f"no story has the id {story_id!r}")
            return self._story(number, rows)

    def stories(self, *, since: datetime | None = None, min_size: int = 1) -> list[Story]:
        """Stories with an article since then and at least so many articles, the latest first."""
        check_count("min_size", min_size)
        day = None if since is None else _day(since, "since")
        with self._mutex:
            numbers = self._store.story_ids(day, min_size)
            return [self._story(number, self._store.of_story(number)) for number in numbers]

    def similar(self, article: Any, k: int = 10) -> list[Similar]:
        """The live reports most similar to an article, which need not be in the index, most similar first."""
        check_count("k", k)
        given = read_articles([article], timezone=self._timezone).articles[0]
        with self._mutex:
            reading = self._assigner.read(given)
            found = sorted(self._assigner.edges(reading, given.day).items(), key=lambda edge: (-edge[1], edge[0]))[:k]
            rows = [(self._store.by_node(node), similarity) for node, similarity in found]
            return [Similar(row.id, story_name(row.story), similarity) for row, similarity in rows]

    def _all_or_none(self, work: Callable[[], Result]) -> Result:
        """Run in one transaction; when it fails, memory is made again from what is stored."""
        try:
            with self._store.transaction():
                return work()
        except BaseException:
            self._load()
            raise

    def _known(self, article_id: str) -> Row | None:
        return self._store.by_id(article_id) if isinstance(article_id, str) and _is_storable(article_id) else None

    def _story(self, number: int, rows: list[Row]) -> Story:
        rows = sorted(rows, key=lambda row: (row.day is None, row.day or 0.0, row.id))
        articles = [decoded(row.fields) for row in rows]
        copies = np.array([row.speaker for row in rows])
        membership = dict.fromkeys(copies.tolist(), 1.0)
        if len(membership) > 1:
            for node in membership:
                pulls = (s for other, s in self._store.edges(node).items() if other in membership)
                membership[node] = sum(pulls) / (len(membership) - 1)
        words = np.diff(tokenize([article.full_text for article in articles]).offsets).tolist()
        of_each = np.array([membership[node] for node in copies.tolist()])
        return tell(articles, copies, words, of_each, self._rule, self._assigner.live, story_name(number))[0]


def _is_storable(text: str) -> bool:
    return printable(text) == text


def _day(moment: datetime, name: str) -> float:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment!r}; allowed: an aware datetime")
    return moment.timestamp() / 86_400
