"""Stories: what the batch returns, and what an index takes."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article, Refusal, frame_of
from dedup.explanation import Explanation
from dedup.parameters import check, check_story_threshold
from dedup.story.result import Story
from dedup.wording import headline_of, period, plural, printable


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """A join or a split that was a close call.

    Attributes
    ----------
    story : Story
    article : Article or None
        The report that is only just in the story, or, for a split, None.
    other : Story or None
        The story that is only just a story of its own, or, for a join, None.
    similarity : float
        Mean similarity of the article to the rest of its episode, or of two reports of episodes of the two stories, in
        [0, 1].
    needed : float
        Mean similarity from which they are one episode: the threshold, and more the fewer and shorter the reports are.
    """

    story: Story
    article: Article | None
    other: Story | None
    similarity: float
    needed: float

    @property
    def kind(self) -> Literal["join", "split"]:
        """Whether reports came together, or stories stayed apart."""
        return "split" if self.article is None else "join"

    def __repr__(self) -> str:
        close = f"mean similarity {self.similarity:.3f}, needed {self.needed:.3f}"
        if self.article is None and self.other is not None:
            return f"{self.story.headline!r} and {self.other.headline!r} are two stories: {close}"
        title = self.article and headline_of(self.article.plain_title, self.article.plain_text)
        return f"{title!r} is in {self.story.headline!r}: {close}"


@dataclass(frozen=True, slots=True, eq=False)
class Stories(Sequence[Story]):
    """Stories ordered by size, then by first publication, then by the id of their first article.

    Attributes
    ----------
    articles : tuple of Article
        In the order of the input, without those that were left out.
    labels : ndarray of int64, shape (n_articles,)
        Position of each article's story in this sequence.
    episode_labels : ndarray of int64, shape (n_articles,)
        Episode of each article, numbered in the order of the stories and of their `Story.episodes`.
    near_duplicate_labels : ndarray of int64, shape (n_articles,)
        Near-duplicate group of each article, numbered by first member.
    representative_indices : ndarray of int64, shape (n_stories,)
        Position of the article that each story shows.
    membership : ndarray of float64, shape (n_articles,)
        Mean similarity of each article to the other reports of its episode; see `Episode.membership`.
    threshold : float
        Mean similarity from which reports form an episode.
    refusals : tuple of Refusal
        The articles that were left out, or of which a date was, by their position in the input; see `dedup.cluster`.
    """

    articles: tuple[Article, ...]
    labels: NDArray[np.int64]
    episode_labels: NDArray[np.int64]
    near_duplicate_labels: NDArray[np.int64]
    representative_indices: NDArray[np.int64]
    membership: NDArray[np.float64]
    threshold: float
    refusals: tuple[Refusal, ...]
    _stories: tuple[Story, ...]
    _explain: Callable[["Stories", Any, Any], Explanation]
    _rethreshold: Callable[[float], "Stories"]
    _least_certain: Callable[["Stories", int], list[Doubt]]

    @overload
    def __getitem__(self, position: int) -> Story: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Story]: ...
    def __getitem__(self, position: int | slice) -> Story | Sequence[Story]:
        return self._stories[position]

    def __len__(self) -> int:
        return len(self._stories)

    def __repr__(self) -> str:
        lines = [f"Stories({plural(len(self.articles), 'article')} in {plural(len(self), 'story', 'stories')})"]
        lines += [f"  {len(s):>5}  {period(s.first, s.last)}  {s.headline}" for s in self[:10]]
        if len(self) > 10:
            lines.append(f"         and {len(self) - 10:,} more")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from dedup.html.cards import stories_card  # only notebooks pay for it

        return stories_card(self)

    def explain(self, a: Any, b: Any) -> Explanation:
        """Why two articles are in one story, or are not; see `dedup.explain`.

        Parameters
        ----------
        a, b : str, mapping, object or Article
            An id is that of one of `articles`.

        Raises
        ------
        KeyError
            When there is no article of that id.
        TypeError, ValueError
            For something else than an article.

        Examples
        --------
        >>> from dedup import cluster, sample_articles
        >>> stories = cluster(sample_articles("en"))
        >>> first, *_, last = stories[2].articles
        >>> stories.explain(first.id, last.id).verdict
        'In one story: similarity 0.20 (0.31 but for 2 days between them), two such reports alone need 0.13.'
        >>> first, *_, last = stories[0].episodes
        >>> stories.explain(first.articles[0].id, last.articles[0].id).verdict[:76]
        "In one story by its episodes 'Kim may travel to Russia for weapons talks wit"
        """
        return self._explain(self, a, b)

    def rethreshold(self, threshold: float) -> "Stories":
        """Finer or coarser stories of the same articles, without clustering them again.

        At a higher threshold stories fall into parts; at a lower one whole stories come together. The stories that
        `StoryClusterer` finds at that threshold may differ a little, and need not nest.

        Parameters
        ----------
        threshold : float
            In [0.05, 1).

        Raises
        ------
        TypeError, ValueError
            For another threshold.

        Examples
        --------
        >>> from dedup import cluster, sample_articles
        >>> stories = cluster(sample_articles("en"))
        >>> len(stories.rethreshold(0.08)) < len(stories) < len(stories.rethreshold(0.3))
        True
        """
        check_story_threshold("threshold", threshold)
        return self._rethreshold(float(threshold))

    def least_certain(self, n: int = 10) -> list[Doubt]:
        """The joins and splits closest to what they need, closest first.

        Parameters
        ----------
        n : int, default 10
            Most joins and splits to return, at least 1.

        Raises
        ------
        TypeError, ValueError
            For another `n`.
        """
        check(n=n)
        return self._least_certain(self, n)

    def to_frame(self, *, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """One row for each article, in the order of the input.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            The library of the data frame; it must be installed.

        Returns
        -------
        data frame
            Columns id, title, published, source, language, story_id, episode_id, near_duplicate_group,
            is_representative, membership.

        Raises
        ------
        ValueError
            For another backend.
        ImportError
            When the backend is not installed.
        """
        columns: dict[str, list[Any]] = {
            "id": [printable(a.id) for a in self.articles],
            "title": [printable(a.title) for a in self.articles],
            # A column has one time zone: frames cannot have one in each row.
            "published": [a.published and a.published.astimezone(UTC) for a in self.articles],
            "source": [a.source and printable(a.source) for a in self.articles],
            "language": [a.language and printable(a.language) for a in self.articles],
            **columns_of(self),
        }
        return frame_of(columns, backend)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write all stories as one self-contained page, to search, filter, open and compare in a browser.

        The file appears, or replaces an earlier one, only when it is complete.
        """
        from dedup.html.page import write  # only pages pay for it
        from dedup.story.comparing import Pair, compare_pairs

        def compare(pairs: Sequence[tuple[Article, Article]]) -> Sequence[Pair]:
            return compare_pairs(pairs, self[0]._weighting, self.threshold, self[0]._meanings) if pairs else []

        write(self, path, compare)


def columns_of(stories: Stories) -> dict[str, list[Any]]:
    """The story, the episode and the copies of each article, as columns of a data frame."""
    ids = [printable(story.id) for story in stories]
    episode_ids = [printable(episode.id) for story in stories for episode in story.episodes]
    return {
        "story_id": [ids[label] for label in stories.labels.tolist()],
        "episode_id": [episode_ids[label] for label in stories.episode_labels.tolist()],
        "near_duplicate_group": stories.near_duplicate_labels.tolist(),
        "is_representative": np.isin(np.arange(len(stories.articles)), stories.representative_indices).tolist(),
        "membership": stories.membership.tolist(),
    }


class LabelledArticles(NamedTuple):
    """Articles with their stories, for `StoryIndex.from_stories`.

    Attributes
    ----------
    articles : sequence of Article
        With their residue.
    labels : ndarray of int64, shape (n_articles,)
        Story of each article, numbered from 0 without gaps.
    near_duplicate_labels : ndarray of int64, shape (n_articles,)
        Near-duplicate group of each article, numbered in any way.
    parameters : dict of str to object
        The parameters of `StoryIndex` that they were found with, by name.
    episode_labels : ndarray of int64, shape (n_articles,), optional
        Episode of each article, numbered from 0 without gaps; by default each story is one.
    """

    articles: Sequence[Article]
    labels: NDArray[np.int64]
    near_duplicate_labels: NDArray[np.int64]
    parameters: dict[str, Any]
    episode_labels: NDArray[np.int64] | None = None
