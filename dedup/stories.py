"""Story and Stories: what users hold."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article
from dedup.story.features import Vocabulary
from dedup.story.terms import top_terms


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """The articles that report one event.

    Attributes
    ----------
    id : str
        The id of its first article.
    representative : Article
        The article to show.
    reason : str
        Why that one, in a sentence with its numbers.
    articles : tuple of Article
        By publication, undated last.
    near_duplicates : tuple of tuple of Article
        Groups of copies within the story, each of at least two.
    """

    id: str
    representative: Article
    reason: str
    articles: tuple[Article, ...]
    near_duplicates: tuple[tuple[Article, ...], ...]
    _vocabulary: Vocabulary = field(repr=False)

    @property
    def first(self) -> datetime | None:
        """When its first dated article was published; None when none is dated."""
        return min((a.published for a in self.articles if a.published), default=None)

    @property
    def last(self) -> datetime | None:
        """When its last dated article was published; None when none is dated."""
        return max((a.published for a in self.articles if a.published), default=None)

    @property
    def sources(self) -> tuple[str, ...]:
        """Its outlets, in the order of their first article."""
        return tuple(dict.fromkeys(a.source for a in self.articles if a.source))

    @property
    def terms(self) -> tuple[str, ...]:
        """Up to eight words that say what it is about, heaviest first; computed when asked for."""
        return top_terms([a.full_text for a in self.articles], self._vocabulary)

    @property
    def headline(self) -> str:
        """Title of the representative, or the beginning of its text."""
        text = (self.representative.title or self.representative.text).strip()
        line = printable(text.partition("\n")[0])
        return line if len(line) <= 120 else f"{line[:117]}..."

    def __len__(self) -> int:
        return len(self.articles)

    def __repr__(self) -> str:
        return f"Story({plural(len(self), 'article')}, {period(self)}: {self.headline!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Stories(Sequence[Story]):
    """Stories ordered by size, then by first publication, then by the id of their first article.

    Attributes
    ----------
    articles : tuple of Article
        In the order of the input.
    labels : ndarray of int64, shape (n_articles,)
        Place of each article's story in this sequence.
    near_duplicate_labels : ndarray of int64, shape (n_articles,)
        Near-duplicate group of each article, numbered by first member.
    representative_indices : ndarray of int64, shape (n_stories,)
        Which article each story shows.
    """

    articles: tuple[Article, ...]
    labels: NDArray[np.int64]
    near_duplicate_labels: NDArray[np.int64]
    representative_indices: NDArray[np.int64]
    _stories: tuple[Story, ...]

    @overload
    def __getitem__(self, place: int) -> Story: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Story]: ...
    def __getitem__(self, place: int | slice) -> Story | Sequence[Story]:
        return self._stories[place]

    def __len__(self) -> int:
        return len(self._stories)

    def __iter__(self) -> Iterator[Story]:
        return iter(self._stories)

    def __repr__(self) -> str:
        lines = [f"Stories({plural(len(self.articles), 'article')} in {plural(len(self), 'story', 'stories')})"]
        lines += [f"  {len(story):>5}  {period(story)}  {story.headline}" for story in self._stories[:10]]
        if len(self) > 10:
            lines.append(f"         and {len(self) - 10:,} more")
        return "\n".join(lines)

    def to_frame(self, *, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """One row an article, in the order of the input.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library's data frame to return; it must be installed.

        Returns
        -------
        data frame
            Columns id, title, published, source, language, story_id, near_duplicate_group, is_representative.

        Raises
        ------
        ValueError
            For another backend.
        ImportError
            When the backend is not installed.
        """
        if backend not in ("pandas", "polars", "pyarrow"):
            raise ValueError(f"backend is {backend!r}; allowed: 'pandas', 'polars', 'pyarrow'")
        import narwhals.stable.v2 as narwhals  # scikit-learn brings it; not paid for until a frame is wanted

        shown = np.zeros(len(self.articles), dtype=np.bool_)
        shown[self.representative_indices] = True
        columns = {
            "id": [printable(a.id) for a in self.articles],
            "title": [printable(a.title) for a in self.articles],
            # One column has one zone: frames cannot hold a zone for each row.
            "published": [a.published and a.published.astimezone(UTC) for a in self.articles],
            "source": [a.source and printable(a.source) for a in self.articles],
            "language": [a.language and printable(a.language) for a in self.articles],
            "story_id": [printable(self[label].id) for label in self.labels.tolist()],
            "near_duplicate_group": self.near_duplicate_labels.tolist(),
            "is_representative": shown.tolist(),
        }
        try:
            return narwhals.from_dict(columns, backend=backend).to_native()
        except ImportError as error:
            raise ImportError(f"to_frame(backend={backend!r}) needs {backend}: pip install {backend}") from error

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write all stories as one self-contained page."""
        from dedup.report import render  # only those who want a page pay for it

        with open(path, "w", encoding="utf-8") as file:
            file.write(printable(render(self)))


def period(story: Story) -> str:
    """The days a story spans, in UTC."""
    if story.first is None or story.last is None:
        return "undated"
    first, last = (f"{moment.astimezone(UTC):%Y-%m-%d}" for moment in (story.first, story.last))
    return first if first == last else f"{first} to {last}"


def plural(count: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Examples
    --------
    >>> plural(1, "article"), plural(1200, "story", "stories")
    ('1 article', '1,200 stories')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def printable(text: str) -> str:
    """Text that can be encoded: lone surrogates, which broken feeds carry, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
