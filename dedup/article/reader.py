"""Strings, mappings, objects and rows of data frames -> checked articles."""

import logging
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from math import inf
from numbers import Number
from typing import Any

from dedup.article.columns import is_missing, names_of_fields, values_of
from dedup.article.dates import read_date, read_zone
from dedup.article.ids import id_of, read_id
from dedup.article.items import items_of
from dedup.article.refusals import Duplicates, Errors, FieldError, repetition
from dedup.article.types import FIELDS, Article, Batch, Refusal
from dedup.wording import plural, short_repr

_logger = logging.getLogger(__name__)

_TEXTS = ("text", "title", "source", "url", "language")
_ALLOWED_ITEM = "allowed: str, Article, a mapping or an object with a text or a title"

#: The name and the value of each field that an item has.
Values = dict[str, tuple[str, Any]]

#: Takes an article and whether it came with an id; returns the one that counts, or raises FieldError.
Accept = Callable[[Article, bool], Article]


def read_articles(
    articles: Any,
    *,
    timezone: str | tzinfo | None = None,
    errors: Errors = "raise",
    duplicates: Duplicates | None = None,
    unique_ids: bool = True,
    accept: Accept | None = None,
) -> Batch:
    """Return a batch of checked articles from any input that users may give.

    A str is a text. Mappings, objects and rows of data frames have the fields of `Article`, by names that
    `dedup.article.columns` lists; a title or a text suffices, and a missing id is the position. An article that is not
    allowed raises TypeError or ValueError, which names its position and id, the field, the value and what is allowed,
    or is refused, as `errors` says. Where an id repeats, `duplicates` says which article stays, otherwise `errors`
    decides, and nothing is done with `unique_ids` False. `accept` returns the article that counts, or refuses it.
    """
    reader, size = _Reader(read_zone(timezone), errors, duplicates), 0
    for position, item in enumerate(items_of(articles)):
        reader.read(position, item, accept, unique_ids=unique_ids)
        size += 1
    return reader.batch(size)


class _Reader:
    """Reads one item after the other."""

    def __init__(self, zone: tzinfo | None, errors: Errors, duplicates: Duplicates | None) -> None:
        self._zone, self._errors, self._duplicates = zone, errors, duplicates
        self._articles: dict[int, Article] = {}  # by position
        self._named = bytearray()  # whether the item at each position came with an id
        self._places: dict[str, int] = {}
        self._refusals: list[Refusal] = []
        self._renamed: dict[str, str] = {}  # fields by the names of the input that are not their own

    def read(self, position: int, item: Any, accept: Accept | None, *, unique_ids: bool) -> None:
        """Read an item; when it is not allowed, note a refusal or raise TypeError or ValueError."""
        if type(item) is str and accept is None and self._take_text(position, item, unique_ids=unique_ids):
            return
        article_id, is_named = None, False
        self._named.append(is_named)
        try:
            values = _values_of(item)
            article_id, is_named = _identity(values, position)
            self._named[position] = is_named
            article = self._article(position, article_id, values, item)
            if accept is not None:
                article = accept(article, is_named)
            if unique_ids and article.id == article_id:  # and no id that an index has given it
                self._settle_id(position, article_id, is_named=is_named)
        except FieldError as fault:
            if article_id is None and fault.field not in (None, "id"):  # one that cannot be read
                article_id, is_named = id_of(item), True
            refusal = fault.refusal(position, article_id, is_named=is_named)
            if self._errors != "skip":
                raise fault.kind(refusal.reason) from fault.__cause__
            self._refusals.append(refusal)
        except _SupersededError:
            return
        else:
            self._articles[position] = article
            self._renamed |= {name: field for field, (name, _) in values.items() if name != field}

    def _take_text(self, position: int, text: str, *, unique_ids: bool) -> bool:
        """Take a text alone, about which there is nothing to check but that no article has its position as id."""
        name = str(position)
        is_free = not unique_ids or self._places.setdefault(name, position) == position
        if is_free:
            self._articles[position] = Article(name, text)
            self._named.append(False)
        return is_free

    def _settle_id(self, position: int, article_id: str, *, is_named: bool) -> None:
        """Let an id stand for one article."""
        other = self._places.setdefault(article_id, position)
        if other == position:
            return
        if self._duplicates is None:
            raise repetition(article_id, other)
        if self._duplicates == "first":
            self._refusals.append(repetition(article_id, other).refusal(position, article_id, is_named=is_named))
            raise _SupersededError
        del self._articles[other]
        fault = repetition(article_id, position)
        self._refusals.append(fault.refusal(other, article_id, is_named=bool(self._named[other])))
        self._places[article_id] = position

    def _article(self, position: int, article_id: str, values: Values, item: Any) -> Article:
        texts: dict[str, Any] = {}
        for field in _TEXTS:
            name, value = values.get(field, (field, None))
            if value is not None and not isinstance(value, str):
                raise FieldError.of(field, value, "allowed: str", name=name, kind=TypeError)
            texts[field] = value
        if texts["text"] is None and not (texts["title"] or "").strip():
            problem = "fields 'text' and 'title' are missing; allowed: a text or a title, or both"
            raise FieldError(problem, field="text", value=texts["title"])
        texts |= {field: texts[field] or "" for field in ("text", "title")}
        published = self._published(position, article_id, values, item)
        if not isinstance(item, Article):
            return Article(id=article_id, published=published, **texts)
        # Perhaps of a subclass with more fields.
        own = item.text, item.title, item.published, item.residue, item.title_residue
        now = texts["text"], texts["title"], published, (), ()
        if all(map(operator.is_, own, now)):
            return item
        return replace(item, text=now[0], title=now[1], published=published, residue=(), title_residue=())

    def _published(self, position: int, article_id: str, values: Values, item: Any) -> datetime | None:
        name, value = values.get("published", ("published", None))
        try:
            if isinstance(item, Article) and not isinstance(value, datetime | None):
                raise TypeError("allowed: an aware datetime or None")
            return read_date(value, self._zone)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            fault = FieldError.of("published", value, str(error), name=name, kind=kind)
            if self._errors != "undated":
                raise fault from error
            self._refusals.append(fault.refusal(position, article_id, is_named="id" in values))
            return None

    def batch(self, size: int) -> Batch:
        """Return what was read of so many items."""
        if self._renamed:
            _logger.info("%s", ", ".join(f"{name!r} is read as {field}" for name, field in self._renamed.items()))
        refusals = tuple(sorted(self._refusals, key=lambda refusal: refusal.position))
        if refusals:
            _logger.info("%s of %d refused or undated: %s", plural(len(refusals), "article"), size, refusals[0].reason)
        articles = list(self._articles.values())
        named = [bool(self._named[position]) for position in self._articles]
        return Batch(articles, _canonical_order(articles, named), named, refusals, list(self._articles), size)


class _SupersededError(Exception):
    """An article is left out for an earlier one of its id."""


def _values_of(item: Any) -> Values:
    """The name and the value of each field that an item has."""
    if isinstance(item, str):
        return {"text": ("text", item)}
    if isinstance(item, FieldError):  # a source that could not make an item, and says why
        raise item
    if isinstance(item, Article):
        if not isinstance(item.id, str):
            raise FieldError.of("id", item.id, "allowed: str", kind=TypeError)
        own = ((field, getattr(item, field)) for field in FIELDS)
        return {field: (field, value) for field, value in own if not is_missing(value)}
    if item is None or isinstance(item, bytes | Number):
        raise FieldError(f"is {short_repr(item)}; {_ALLOWED_ITEM}", field=None, value=item, kind=TypeError)
    values = values_of(item)
    if not values and not (isinstance(item, Mapping) and names_of_fields(tuple(item))):
        raise FieldError(f"is {short_repr(item)}, without any field; {_ALLOWED_ITEM}", field=None, value=item)
    return values


def _identity(values: Values, position: int) -> tuple[str, bool]:
    """The id of an article, by default its position, and whether it came with one."""
    if "id" not in values:
        return str(position), False
    name, value = values["id"]
    return read_id(value, name), True


def _canonical_order(articles: Sequence[Article], named: Sequence[bool]) -> list[int]:
    order = list(range(len(articles)))
    # Stable sorts, the least important key first, are faster than one sort of tuples.
    for keys in (
        [article.text for article in articles],
        [article.title for article in articles],
        [article.id if is_named else "" for article, is_named in zip(articles, named, strict=True)],
        [inf if article.published is None else article.day for article in articles],
    ):
        order.sort(key=keys.__getitem__)
    return order
