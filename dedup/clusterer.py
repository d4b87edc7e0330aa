"""All articles at once, as a scikit-learn estimator."""

import logging
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article, Batch, read_articles
from dedup.build import GroupedBatch, build_stories
from dedup.encoders import Encoder
from dedup.encoders.meanings import read_meanings
from dedup.near.pages import CopyGroups, copy_groups, latest_of_articles, parted
from dedup.near.pipeline import find_near_duplicates
from dedup.parameters import (
    FOLD,
    MAX_CHARS,
    MAX_GAP_DAYS,
    NEAR_THRESHOLD,
    NUM_PERM,
    RECALL,
    REPRESENTATIVE,
    SHINGLE_SIZE,
    STORY_THRESHOLD,
    Fold,
    NearSettings,
    check,
    check_near,
    suggests_names,
)
from dedup.progress import Progress, ProgressCallback, split_progress, track
from dedup.representative import Chooser
from dedup.residue.batch import add_residue
from dedup.stories import Stories
from dedup.story.constraints import NO_PAIRS, Constraints, NamedPairs, Pairs
from dedup.story.pipeline import find_stories
from dedup.text.limit import readable_texts, warn_truncated
from dedup.text.roundups import without_roundups

_logger = logging.getLogger(__name__)

# Shares of the time. Measured with 4,000 articles of the sample and 20,000 of real news: residue 0.40 and 0.19,
# near-duplicates 0.06 and 0.05, stories 0.50 and 0.70, building them 0.01 to 0.09. An encoder takes most of the time;
# its share is a guess.
_RESIDUE, _NEAR, _ENCODING, _STORIES, _BUILDING = 0.30, 0.06, 9.0, 0.59, 0.05


if TYPE_CHECKING:  # scikit-learn ships no types

    class _Estimator:
        """What an estimator of clusters has from scikit-learn."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]: ...
        def __sklearn_tags__(self) -> Any: ...

else:
    from sklearn.base import BaseEstimator, ClusterMixin

    class _Estimator(ClusterMixin, BaseEstimator):
        """What an estimator of clusters has from scikit-learn."""


class StoryClusterer(_Estimator):
    """Cluster articles into stories, as a scikit-learn estimator.

    Near-duplicates are found first (MinHash, LSH, exact Jaccard). One article of each group of copies is compared with
    the others by words, word pairs and character runs under TF-IDF with a prior, times a factor that falls with the gap
    between publications, the more slowly the more the similarity rests on. Episodes are the partition with the greatest
    total of (similarity - story_threshold), less what short reports pay to join. Stories are made of episodes that are
    alike as wholes, days or weeks apart.

    Parameters
    ----------
    story_threshold : float, default 0.12
        Mean similarity above which reports form an episode, in [0.05, 1); stories follow it. Higher gives smaller
        stories. One value serves 5 articles and 100,000, titles and full texts. Of the pairs of articles that come
        together, at 0.08, 0.12, 0.15 and 0.2 these shares are of one event: 0.68, 0.79, 0.87 and 0.92 on labelled sets
        of full texts, 0.22, 0.53, 0.57 and 0.71 in feeds of titles, where most articles are alone.
    max_gap_days : float, default 21
        Most days between an episode, as the arrival of a visitor, and the closest other one of its story, in [0, 366].
        Episodes are joined when their reports are alike but for the time between them. With 0 each is a story.
    near_threshold, recall, num_perm, shingle_size
        See `dedup.near_duplicates`.
    representative : {"central", "earliest", "longest"} or callable, default "central"
        Which article a story shows: the one closest to its other reports; the first published; the one with the
        most words; or the one that a callable returns when it is given the articles of a story by publication.
    cut_residue : bool, default True
        Whether the comparison leaves out menus, weather boxes, comment forms and other text that recurs in the stories
        of a source, or is known to belong to sites. Articles keep their text; see `Article.residue`.
    match_urls : bool, default True
        Whether articles of one source that have one URL in its canonical form (`dedup.canonical_url`) are versions of
        one article, however little alike: they form a group of near-duplicates, and only the latest is compared. Where
        the versions have nothing in common, as under the URL of a section, they are articles of their own.
    encoder : callable, optional
        From a list of texts to an array of numbers, shape (n_texts, d), for reports of one event in two languages:
        `dedup.encoders.e5`, or your own. It receives title and beginning, at most 300 characters together, of 64
        articles at a time, and once per process of 45 sample articles. Reports in one language are compared by words
        alone.
    fold : {"unidecode", "marks", "east-asian"}, default "unidecode"
        How letters become plain ones. "unidecode" writes every alphabet in Latin letters, so that Путин equals Putin;
        "marks" only drops accents, and needs no Unidecode, which is GPL-2.0-or-later. "east-asian" does what
        "unidecode" does, and further writes traditional Chinese characters as simplified ones and reads Korean syllable
        by syllable, so that spaces between syllables do not matter (``pip install "dedup-stories[chinese]"``).
    timezone : str or tzinfo, optional
        The zone of publication times without one; by default they are refused.
    max_chars : int, default 1,000,000
        Number of characters that are read of each article, title and text, at least 1; the rest is kept and shown, but
        not compared. Longer articles are noted in the log "dedup".
    n_jobs : int, optional
        Threads; None or -1 means all processors. The result does not depend on it.
    progress : bool or callable, default False
        True shows a bar (``pip install "dedup-stories[progress]"``). A callable is given ``done`` and ``total``, in
        articles, some 200 times at most, by the thread that called: `done` is the share of the work that is done, all
        steps together, times `total`; it rises evenly, as far as the steps take their usual time, and ends at `total`.
        An exception of the callable ends the work.

    Attributes
    ----------
    labels_ : ndarray of int64, shape (n_articles,)
        Story of each article: its place in `stories_`. An article alone is a story too.
    episode_labels_ : ndarray of int64, shape (n_articles,)
        Episode of each article, numbered in the order of the stories.
    near_duplicate_labels_ : ndarray of int64, shape (n_articles,)
        Near-duplicate group of each article, numbered by first member.
    representative_indices_ : ndarray of int64, shape (n_stories,)
        Which article each story shows.
    stories_ : Stories

    Examples
    --------
    >>> from dedup import sample_articles
    >>> model = StoryClusterer().fit(sample_articles("ru"))
    >>> model.stories_[0].headline
    'Бронепоезд Ким Чен Ына прошёл Хасан: как встречали гостя в Приморье'
    """

    stories_: Stories
    labels_: NDArray[np.int64]
    episode_labels_: NDArray[np.int64]
    near_duplicate_labels_: NDArray[np.int64]
    representative_indices_: NDArray[np.int64]

    @suggests_names
    def __init__(
        self,
        *,
        story_threshold: float = STORY_THRESHOLD,
        max_gap_days: float = MAX_GAP_DAYS,
        near_threshold: float = NEAR_THRESHOLD,
        recall: float = RECALL,
        num_perm: int = NUM_PERM,
        shingle_size: int = SHINGLE_SIZE,
        representative: str | Chooser = REPRESENTATIVE,
        cut_residue: bool = True,
        match_urls: bool = True,
        encoder: Encoder | None = None,
        fold: Fold = FOLD,
        timezone: str | tzinfo | None = None,
        max_chars: int = MAX_CHARS,
        n_jobs: int | None = None,
        progress: Progress = False,
    ) -> None:
        self.story_threshold = story_threshold
        self.max_gap_days = max_gap_days
        self.near_threshold = near_threshold
        self.recall = recall
        self.num_perm = num_perm
        self.shingle_size = shingle_size
        self.representative = representative
        self.cut_residue = cut_residue
        self.match_urls = match_urls
        self.encoder = encoder
        self.fold = fold
        self.timezone = timezone
        self.max_chars = max_chars
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, X: Any, y: Any = None, *, together: Pairs = (), apart: Pairs = ()) -> Self:  # noqa: ARG002
        """Cluster articles.

        Parameters
        ----------
        X : iterable of str, mapping, object or Article; or a data frame
            Unlike in `cluster` an id may repeat, as it does in a sample with replacement, and this is only logged: the
            attributes go by position.
        y : ignored
            scikit-learn passes it.
        together, apart : iterable of pairs of ids, default ()
            See `cluster`; none of them may repeat.

        Returns
        -------
        StoryClusterer
            Itself.

        Raises
        ------
        TypeError, ValueError
            For an article or a parameter that is not allowed; the message names it.
        """
        pairs = NamedPairs.read(together, apart)
        batch = read_articles(X, timezone=self.timezone, unique_ids=False)
        if repeated := len(batch.articles) - len({article.id for article in batch.articles}):
            _logger.warning("%d of %d articles repeat an id", repeated, len(batch.articles))
        return self._fit(batch, pairs)

    def _fit(self, batch: Batch, pairs: NamedPairs = NO_PAIRS) -> Self:
        settings = self._checked_settings()
        constraints = pairs.at([batch.articles[i].id for i in batch.order])
        warn_truncated(batch.articles, self.max_chars)
        _logger.info("clustering %d articles", len(batch.articles))
        with track(self.progress, len(batch.articles)) as progress:
            stories = self._stories(batch, settings, pairs, constraints, progress)
        groups = int(stories.near_duplicate_labels.max(initial=-1)) + 1
        _logger.info("%d articles, %d without copies, are %d stories", len(batch.articles), groups, len(stories))
        self.stories_ = stories
        self.labels_ = stories.labels
        self.episode_labels_ = stories.episode_labels
        self.near_duplicate_labels_ = stories.near_duplicate_labels
        self.representative_indices_ = stories.representative_indices
        return self

    def _stories(
        self,
        batch: Batch,
        settings: NearSettings,
        pairs: NamedPairs,
        constraints: Constraints,
        progress: ProgressCallback,
    ) -> Stories:
        residue, copies, encoding, grouping, building = split_progress(
            progress, _RESIDUE * self.cut_residue, _NEAR, _ENCODING * (self.encoder is not None), _STORIES, _BUILDING
        )
        if self.cut_residue:
            batch = add_residue(batch, self.max_chars, self.fold, self.n_jobs, residue)
        ordered = [batch.articles[i] for i in batch.order]
        texts = readable_texts(ordered, self.max_chars)
        near = find_near_duplicates(texts, settings, self.n_jobs, copies)
        latest = np.arange(len(ordered))
        if self.match_urls:
            latest = latest_of_articles(ordered, texts, near.labels, self.fold)
        grouped, constraints = _without_forbidden(copy_groups(near.labels, latest), constraints)
        canonical = grouped.canonical.tolist()
        meanings = None
        if self.encoder is not None:
            _logger.debug("encoding %d texts", len(canonical))
            meanings = read_meanings([ordered[i] for i in canonical], self.encoder, encoding, self.fold)
        groups = find_stories(
            _texts_of_stories(texts, ordered, canonical),
            np.array([ordered[i].day for i in canonical], dtype=np.float64),
            threshold=float(self.story_threshold),
            max_gap_days=float(self.max_gap_days),
            languages=[ordered[i].language for i in canonical],
            fold=self.fold,
            n_jobs=self.n_jobs,
            meanings=meanings,
            progress=grouping,
            constraints=constraints.over(grouped.labels),
        )
        rules = self.representative, self.max_chars, pairs
        return build_stories(GroupedBatch(batch, ordered, grouped, near.token_counts, groups, *rules), building)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def _checked_settings(self) -> NearSettings:
        """Check all parameters; return those of the near tier."""
        check(story_threshold=self.story_threshold, max_gap_days=self.max_gap_days, representative=self.representative)
        check(timezone=self.timezone, encoder=self.encoder, cut_residue=self.cut_residue, match_urls=self.match_urls)
        check(max_chars=self.max_chars, n_jobs=self.n_jobs, progress=self.progress)
        settings = NearSettings(self.near_threshold, self.recall, self.num_perm, self.shingle_size, fold=self.fold)
        check_near(settings)
        return settings


def _without_forbidden(groups: CopyGroups, constraints: Constraints) -> tuple[CopyGroups, Constraints]:
    """Groups of copies without articles that stay apart, also by what comes together with others of their group."""
    while broken := constraints.broken(groups.labels):
        constraints = constraints.with_apart(broken)
        groups = parted(groups, constraints.pairs())
    return groups, constraints


def _texts_of_stories(texts: list[str], articles: Sequence[Article], canonical: list[int]) -> list[str]:
    """What the story tier reads; empties the list of texts, so that they are freed once their features are counted."""
    chosen = [texts[i] for i in canonical]
    texts.clear()
    return without_roundups(chosen, [articles[i].plain_title for i in canonical])
