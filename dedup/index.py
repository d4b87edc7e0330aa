"""Stream: StoryIndex, stories for an ingest service."""

import logging
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Literal, Self, overload

from dedup import parameters as default
from dedup.article import ArticleId, Duplicates, Errors, Refusal
from dedup.encoders import Encoder
from dedup.parameters import Fold, NearSettings, StorySettings, check, check_near, day_of, suggests_names
from dedup.progress import Progress
from dedup.representative import Chooser
from dedup.stories import LabelledArticles, Stories
from dedup.stream import maintenance
from dedup.stream.arrival import Clock, utc_now
from dedup.stream.assignment import Assignment, Move
from dedup.stream.editor import Editor
from dedup.stream.observing import Counts, Observe, observed, of_added
from dedup.stream.questions import Questions
from dedup.stream.seed import labelled_articles, seed_index
from dedup.stream.session import Session
from dedup.stream.validation import check_articles
from dedup.text.limit import warn_truncated

_logger = logging.getLogger(__name__)


class StoryIndex(Questions, Editor):
    """Stories of articles that come one by one, in a file that survives the process.

    An article joins the episode where the total of (similarity - story_threshold) gains most, if it gains at all, and
    episodes are joined to stories as evidence comes. Every `add` or `add_many` is one transaction.

    Parameters
    ----------
    path : str or Path
        SQLite file, made when it is not there; ":memory:" for none. One StoryIndex at a time may write to it. Or the
        URL of a PostgreSQL database, "postgresql://user:password@host/database", to which several may write, in its
        schema "dedup"; with ``pip install "dedup-stories[postgres]"``.
    story_threshold, max_gap_days, near_threshold, recall, num_perm, shingle_size, cut_residue, fold, max_chars
        As in `StoryClusterer`. They are kept in the file, which opens with the same ones only. The residue of a source
        is learned as its articles come.
    match_urls : bool, default True
        Whether an article of the same page of a source is a later version of it; see `canonical_url`. Kept too.
    encoder : callable, optional
        As in `StoryClusterer`. Its vectors are kept, as are its name and the hash of what they depend on: one of your
        own may say by an attribute `digest`, a str, when it has changed.
    representative, timezone
        As in `StoryClusterer`.
    clock : callable, optional
        Returns the time when articles come; by default, what the machine says. One that is dated more than a day later
        counts as undated, and an undated one as published then. To replay old articles, give the clock of their time.
    read_only : bool, default False
        For a file that another process may be writing to. Answers are as of its last transaction, weights as of the
        opening, or of the last `similar` or `copies_of`.
    observe : callable, optional
        Is given an `Operation` after each call but `len`, in the thread of the call. What it raises is logged only.

    Raises
    ------
    ValueError
        For a parameter that is not allowed, or a file of another program or format, or made with other parameters.
    RuntimeError
        When another StoryIndex writes to the file.
    OSError, ImportError
        When the file or database cannot be read or written, until it can; or when what it needs is not installed.

    Notes
    -----
    A late article joins the story that it would have joined in time, as long as that has live reports, which they are
    until `expire`. What two articles share is weighted by how common it is among the latest 8,192 articles. Before an
    index has some hundred articles, it joins fewer.
    A story has the id of its oldest episode: of the ids of others each is an alias. `changes` says what was told.

    Nothing that was stored is lost when the process is killed; when power is, the last transactions may be, as a whole.

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

    @suggests_names
    def __init__(
        self,
        path: str | Path,
        *,
        story_threshold: float = default.STORY_THRESHOLD,
        max_gap_days: float = default.MAX_GAP_DAYS,
        near_threshold: float = default.NEAR_THRESHOLD,
        recall: float = default.RECALL,
        num_perm: int = default.NUM_PERM,
        shingle_size: int = default.SHINGLE_SIZE,
        representative: str | Chooser = default.REPRESENTATIVE,
        cut_residue: bool = True,
        fold: Fold = default.FOLD,
        max_chars: int = default.MAX_CHARS,
        match_urls: bool = True,
        encoder: Encoder | None = None,
        timezone: str | tzinfo | None = None,
        clock: Clock = utc_now,
        read_only: bool = False,
        observe: Observe | None = None,
    ) -> None:
        near = NearSettings(near_threshold, recall, num_perm, shingle_size, fold=fold)
        check(story_threshold=story_threshold, representative=representative, timezone=timezone, clock=clock)
        check(max_gap_days=max_gap_days, cut_residue=cut_residue, max_chars=max_chars, match_urls=match_urls)
        check(observe=observe, encoder=encoder)
        check_near(near)
        limits = float(story_threshold), cut_residue, int(max_chars), float(max_gap_days)
        self._rule, self._timezone, self._observe = representative, timezone, observe
        self._session = Session(
            path, StorySettings(near, *limits, match_urls), clock, read_only=read_only, encoder=encoder
        )

    @classmethod
    def from_stories(
        cls, path: str | Path, stories: Stories | LabelledArticles, *, progress: Progress = False, **parameters: Any
    ) -> Self:
        """Return an index that begins with the stories of a batch or an archive: the first is s1, and so on.

        Reports that come later join these stories; the same articles are "unchanged" when they come again.

        Parameters
        ----------
        path : str or Path
            See `StoryIndex`; there may be no articles yet.
        stories : Stories or LabelledArticles
            What `dedup.cluster` or `dedup.archive.read` returns; the ids of the articles have to be lasting ones.
        progress : bool or callable, default False
            As in `StoryClusterer`.
        **parameters
            Those of `StoryIndex`; by default the `story_threshold` of a batch, and all parameters of an archive.

        Raises
        ------
        TypeError, ValueError
            When these are no stories, when `add` would refuse an article, or when the index has had articles.

        Examples
        --------
        >>> import dedup
        >>> stories = dedup.cluster(dedup.sample_articles("fr"))
        >>> with StoryIndex.from_stories(":memory:", stories) as index:
        ...     index.story("s1").id, len(index.story("s1")) == len(stories[0])
        ('s1', True)
        """
        check(progress=progress)
        labelled = labelled_articles(stories)
        index = cls(path, **labelled.parameters | parameters)
        seed_index(index._session, labelled, path, index._timezone, progress)
        return index

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; whoever forgets to loses nothing."""
        self._session.close()

    def add(self, article: Any) -> Assignment:
        """Put an article into a story.

        Parameters
        ----------
        article : mapping, object or Article
            With an id, or a URL, whose canonical form then is it. It replaces the live article with that id, or of the
            same page of its source, unless nothing has changed.

        Returns
        -------
        Assignment

        Raises
        ------
        TypeError, ValueError
            For an article that is not allowed; nothing is stored.
        """
        return self.add_many([article])[0]

    @overload
    def add_many(
        self,
        articles: Any,
        *,
        errors: Literal["raise"] = "raise",
        duplicates: Duplicates | None = None,
        progress: Progress = False,
    ) -> list[Assignment]: ...
    @overload
    def add_many(
        self,
        articles: Any,
        *,
        errors: Literal["skip", "undated"],
        duplicates: Duplicates | None = None,
        progress: Progress = False,
    ) -> tuple[list[Assignment], list[Refusal]]: ...
    @observed("add", of_added)
    def add_many(
        self,
        articles: Any,
        *,
        errors: Errors = "raise",
        duplicates: Duplicates | None = None,
        progress: Progress = False,
    ) -> list[Assignment] | tuple[list[Assignment], list[Refusal]]:
        """Put articles into stories in one transaction.

        Parameters
        ----------
        articles : iterable of mapping, object or Article; or a data frame
            See `add`; they are added in this order.
        errors : {"raise", "skip", "undated"}, default "raise"
            Whether an article that is not allowed refuses all or, with "skip", only itself. With "undated" an article
            whose date is no date counts as undated and is listed; any other fault refuses all.
        duplicates : {"first", "last"}, optional
            Which of the articles that have one id among these is added; the others are listed. By default `errors`
            decides. What is stored with that id is updated in any case.
        progress : bool or callable, default False
            As in `StoryClusterer`; `done` articles have their story. When the callable raises, nothing is stored.

        Returns
        -------
        list of Assignment; with ``errors="skip"`` or ``"undated"`` also a list of Refusal

        Raises
        ------
        TypeError, ValueError
            Naming the position; nothing is stored.
        """
        check(errors=errors, duplicates=duplicates, progress=progress)
        batch = check_articles(articles, self._timezone, errors, duplicates)
        checked, refusals = batch.articles, list(batch.refusals)
        warn_truncated(checked, self._session.settings.max_chars)
        assignments = self._session.add(checked, progress)
        _logger.debug("%d articles added, %d refused", len(assignments), len(refusals))
        return assignments if errors == "raise" else (assignments, refusals)

    @observed("remove", lambda removed: Counts(int(removed)))
    def remove(self, article_id: ArticleId) -> bool:
        """Remove an article, and split its story if nothing else holds it together; False when there is no such id."""
        return self._session.write(lambda: maintenance.remove_by_id(self._session.state, article_id))

    @observed("expire", Counts)
    def expire(self, before: datetime) -> int:
        """Remove the articles published before; an undated one counts as published when it came.

        Returns
        -------
        int
            Number of articles removed.
        """
        day = day_of(before, "before")
        return self._session.write(lambda: maintenance.expire(self._session.state, day))

    @observed("refine", lambda moves: Counts(len(moves)))
    def refine(self, since: datetime) -> list[Move]:
        """Partition the stories with an article since then again, as the batch does, and return what moved.

        The id of an episode stays with the part that has most of its reports; nothing that was told is kept. An older
        story may join what comes apart, and is among what moved. Stories that editors have merged, split, moved
        articles to or from, or keep apart stay as they are.
        """
        day = day_of(since, "since")
        return self._session.write(lambda: maintenance.refine(self._session.state, day))
