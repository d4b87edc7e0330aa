"""Articles whose texts are in a temporary file, so that more text can be read than memory holds."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any, Self, overload

from dedup.article import Article, Batch
from dedup.disk import StoredBytes
from dedup.parameters import MAX_CHARS
from dedup.text.limit import note_truncated

# Of the text of an article without an id so much stays in memory: it decides the order, mostly.
_BEGINNING = 32


@dataclass(frozen=True, slots=True)
class _Article(Article):
    """An article without most of its text."""

    readable: int = -1  # number of what is read of it
    whole: int = -1  # number of its text; -1 where the order does not depend on it


class ArticlesOnDisk:
    """Items that are read as articles, of which only ids, sources and times stay in memory.

    Examples
    --------
    >>> from dedup.article import read_articles
    >>> with ArticlesOnDisk([{"id": "b", "text": "Kim is in Russia"}, {"id": "a", "text": "Rates rise"}]) as articles:
    ...     batch = articles.in_order(read_articles(articles, accept=articles.accept(max_chars=6)))
    ...     [article.text for article in batch.articles], list(articles.texts(batch, n_blank=1))
    (['', ''], ['Rates ', 'Kim is', ''])
    """

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items
        self._stored = StoredBytes()
        self._truncated: set[int] = set()
        self._max_chars = MAX_CHARS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stored.__exit__()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def accept(self, max_chars: int) -> Callable[[Article, bool], Article]:
        """What `read_articles` calls with each article: it stores the text, as far as it is read."""
        self._max_chars = max_chars

        def put_aside(article: Article, is_named: bool) -> Article:
            text = article.full_text
            is_long = len(text) > max_chars
            text = text[:max_chars]
            readable = self._store(text)
            if is_long:
                self._truncated.add(readable)
            source = article.source and intern(article.source)
            title, beginning, whole = "", "", -1
            if not (is_named and article.id):  # such articles are in the order of their titles and texts
                title, beginning = article.title, article.text[:_BEGINNING]
                whole = readable if text == article.text else self._store(article.text)
            return _Article(article.id, beginning, title, article.published, source, readable=readable, whole=whole)

        return put_aside

    def _store(self, text: str) -> int:
        return self._stored.append(text.encode("utf-8", "surrogatepass"))

    def in_order(self, batch: Batch) -> Batch:
        """The batch in canonical order, which its articles do not have where they begin alike; note those cut short."""
        truncated = [article.id for article in batch.articles if _stored(article).readable in self._truncated]
        note_truncated(truncated, len(batch.articles), self._max_chars)
        order: list[int] = []
        alike: list[int] = []  # a run of articles that begin alike
        for i in batch.order:
            if alike and not self._begin_alike(batch.articles[alike[-1]], batch.articles[i]):
                order += self._sorted(batch, alike)
                alike = []
            alike.append(i)
        return batch._replace(order=order + self._sorted(batch, alike))

    @staticmethod
    def _begin_alike(one: Article, other: Article) -> bool:
        known = _stored(one).whole < 0 or _stored(other).whole < 0 or len(one.text) < _BEGINNING
        return not known and (one.published, one.title, one.text) == (other.published, other.title, other.text)

    def _sorted(self, batch: Batch, alike: list[int]) -> list[int]:
        """Articles in the order of their texts: UTF-8 is in the order of code points."""
        if len(alike) == 1:
            return alike
        texts = {i: self._stored[_stored(batch.articles[i]).whole] for i in alike}
        return sorted(alike, key=texts.__getitem__)

    def texts(self, batch: Batch, n_blank: int) -> "TextsOnDisk":
        """What is read of the articles of a batch, in its order, and so many blank texts."""
        numbers = [_stored(batch.articles[i]).readable for i in batch.order]
        return TextsOnDisk(self._stored, [*numbers, *[-1] * n_blank])


class TextsOnDisk(Sequence[str]):
    """Texts that are read when they are asked for; -1 stands for a blank one."""

    def __init__(self, stored: StoredBytes, numbers: Sequence[int]) -> None:
        self._stored, self._numbers = stored, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return list(map(self._text, self._numbers[place]))
        return self._text(self._numbers[place])

    def _text(self, number: int) -> str:
        return "" if number < 0 else self._stored[number].decode("utf-8", "surrogatepass")


def _stored(article: Article) -> _Article:
    if not isinstance(article, _Article):
        raise TypeError(f"article {article.id!r} was read without `accept`")
    return article
