"""Article, and a checked batch of those."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import nan
from typing import NamedTuple

from dedup.article.markup import may_be_marked_up, plain, plain_line
from dedup.wording import headline_of

FIELDS = ("id", "text", "title", "published", "source", "url", "language")

Span = tuple[int, int]


class _ReadOnce:
    """Room for what `Article.plain_text` and `Article.plain_title` are, once read: no field, and nothing that is kept.

    It is not compared, shown, pickled or replaced.
    """

    __slots__ = ("_plain",)
    _plain: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Article(_ReadOnce):
    """One published text.

    Text and title stay what came in. Where they are HTML, all else reads `plain_text` and `plain_title`.

    Attributes
    ----------
    id : str
        Unique within a call.
    text : str
        May be empty when there is a title.
    title : str
    published : datetime or None
        Aware; None when unknown.
    source, url, language : str or None
    residue, title_residue : tuple of (int, int)
        Spans of characters of `plain_text`, and of `plain_title`, that belong to the site and not to the report.
        `dedup.cluster` and the other functions find them; given values are ignored.

    Examples
    --------
    >>> Article("a1", "Kim Jong Un est arrivé mardi en Russie.", title="Kim en Russie").title
    'Kim en Russie'
    >>> Article("a2", "<p>Kim est arriv&eacute;</p>").plain_text
    'Kim est arrivé'
    """

    id: str
    text: str
    title: str = ""
    published: datetime | None = None
    source: str | None = None
    url: str | None = None
    language: str | None = None
    residue: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)
    title_residue: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)

    @property
    def plain_text(self) -> str:
        """The text without tags and character references; the same object where it has none."""
        return self._read_once()[0] if may_be_marked_up(self.text) else self.text

    @property
    def plain_title(self) -> str:
        """The title without tags and character references; the same object where it has none."""
        return self._read_once()[1] if may_be_marked_up(self.title) else self.title

    @property
    def body(self) -> str:
        """The plain text without its residue."""
        return _without(self.plain_text, self.residue, "\n")

    @property
    def full_text(self) -> str:
        """Plain title and body without their residue; the title only once where the body begins with it."""
        title, body = _without(self.plain_title, self.title_residue, " "), self.body
        return body if body.startswith(title) else f"{title}\n{body}"

    @property
    def headline(self) -> str:
        """The plain title, or the first line of the plain text, of at most 120 characters."""
        return headline_of(self.plain_title, self.plain_text)

    @property
    def day(self) -> float:
        """Time of publication in days since 1970; NaN when unknown."""
        return nan if self.published is None else self.published.timestamp() / 86_400

    def _read_once(self) -> tuple[str, str]:
        try:
            return self._plain
        except AttributeError:
            return _known_plain(self, (plain(self.text), plain_line(self.title)))


def with_residue(article: Article, of_text: Sequence[Span], of_title: Sequence[Span]) -> Article:
    """The article with its residue, for which its HTML is not read again."""
    residue, title_residue = tuple(of_text), tuple(of_title)
    if (residue, title_residue) == (article.residue, article.title_residue):
        return article
    found = replace(article, residue=residue, title_residue=title_residue)
    _known_plain(found, article._read_once())
    return found


def of_plain(article: Article) -> Article:
    """The article, whose text and title are known to be no HTML, whatever they look like."""
    _known_plain(article, (article.text, article.title))
    return article


def _known_plain(article: Article, read: tuple[str, str]) -> tuple[str, str]:
    object.__setattr__(article, "_plain", read)  # articles are frozen
    return read


def _without(text: str, spans: tuple[tuple[int, int], ...], joint: str) -> str:
    if not spans:
        return text
    bounds = [0, *(bound for span in spans for bound in span), len(text)]
    return joint.join(text[start:stop] for start, stop in zip(bounds[::2], bounds[1::2], strict=True)).strip()


class Batch(NamedTuple):
    """Checked articles in the order of the input."""

    articles: Sequence[Article]
    # Canonical order: positions by publication (undated last), then id; by content where the ids are only positions.
    # Results are computed in this order, so that the order of the input does not matter.
    order: list[int]
    named: list[bool]  # whether each article came with an id
    refusals: "tuple[Refusal, ...]" = ()  # by position in the input
    positions: Sequence[int] = ()  # of the articles in the input, where read_articles made the batch
    size: int = 0  # number of items in that input


@dataclass(frozen=True, slots=True)
class Refusal:
    """An article that is not allowed and was left out, or of which a value was: where it is, and why.

    Attributes
    ----------
    position : int
        Of the article in the input.
    reason : str
        Names the position, the id, the field, the value and what is allowed.
    id : str or None
        None where it came with none that can be read.
    field : str or None
        None where the article as a whole is the problem.
    value : str
        As Python writes it, shortened.
    """

    position: int
    reason: str
    id: str | None = None
    field: str | None = None
    value: str = ""
