"""Strings, mappings, objects and rows of data frames -> checked articles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from math import inf, isnan
from numbers import Integral, Number
from typing import Any
from warnings import warn

from dedup.article.dates import read_time, read_zone
from dedup.article.items import items_of
from dedup.article.types import Article, Batch
from dedup.wording import short_repr

_OPTIONAL_TEXT = ("title", "source", "url", "language")
_ALLOWED_ITEM = "allowed: str, Article, a mapping or an object with the fields id and text"


def read_articles(
    articles: Any, *, timezone: str | tzinfo | None = None, unique_ids: bool = True, warns: bool = True
) -> Batch:
    """Return a batch of checked articles from any input that users may give.

    A str is a text. Mappings, objects and rows of data frames have the fields of `Article`; ``id`` and ``text`` are
    enough, and a missing id is the position. TypeError or ValueError names the article's position and id, the field,
    the value and what is allowed. One warning says that dates are not in ISO 8601 and count as unknown, one that ids
    repeat where `unique_ids` is False; none come if `warns` is False.
    """
    zone = read_zone(timezone)
    unreadable: list[str] = []
    repeated: list[str] = []
    checked: list[Article] = []
    named: list[bool] = []
    seen: dict[str, int] = {}
    for position, item in enumerate(items_of(articles)):
        article, is_named = _read(position, item, zone, unreadable)
        if article.id in seen:
            problem = f"article {position}: field 'id' is {article.id!r}, as that of article {seen[article.id]}"
            if unique_ids:
                raise ValueError(f"{problem}; allowed: ids that occur once (a missing id is the article's position)")
            repeated.append(problem)
        seen.setdefault(article.id, position)
        checked.append(article)
        named.append(is_named)
    for problems, what in ((unreadable, "count as undated"), (repeated, "repeat an id")):
        if warns and problems:
            warn(f"{len(problems)} of {len(checked)} articles {what}: {problems[0]}", stacklevel=3)
    return Batch(checked, _canonical_order(checked, named), named)


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


def _read(position: int, item: Any, zone: tzinfo | None, unreadable: list[str]) -> tuple[Article, bool]:
    """An article, and whether it came with an id; times that cannot be read are added to `unreadable`."""
    if isinstance(item, str):
        return Article(str(position), item), False
    mapping = isinstance(item, Mapping)
    if not mapping and not hasattr(item, "text"):
        error = TypeError if item is None or isinstance(item, bytes | Number) else ValueError
        raise error(f"article {position} is {short_repr(item)}, without the field 'text'; {_ALLOWED_ITEM}")

    def field_of(name: str) -> Any:
        value = item.get(name) if mapping else getattr(item, name, None)
        return None if _is_missing(value) else value

    identity = field_of("id")
    name = str(position) if identity is None else _read_id(position, identity)
    where = f"article {position} (id {name!r})"
    text, title = field_of("text"), field_of("title")
    if text is None and not (title and mapping and "text" in item):
        raise ValueError(f"{where}: field 'text' is missing; allowed: str")
    values = {key: field_of(key) for key in _OPTIONAL_TEXT}
    values |= {"text": "" if text is None else text, "title": "" if title is None else title}
    for key, value in values.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{where}: field {key!r} is {short_repr(value)}; allowed: str")
    published = read_time(where, field_of("published"), zone, unreadable)
    if isinstance(item, Article):  # perhaps of a subclass with more fields
        for key, types, allowed in (("id", str, "str"), ("published", datetime | None, "an aware datetime or None")):
            if not isinstance(getattr(item, key), types):
                raise TypeError(f"{where}: field {key!r} is {short_repr(getattr(item, key))}; allowed: {allowed}")
        changed = published is not item.published or item.residue or item.title_residue
        return (replace(item, published=published, residue=(), title_residue=()) if changed else item), True
    return Article(id=name, published=published, **values), identity is not None


def _read_id(position: int, value: Any) -> str:
    problem = f"article {position}: field 'id' is {short_repr(value)}; allowed: str or int"
    if isinstance(value, bool) or not isinstance(value, str | Integral):
        raise TypeError(problem)
    try:
        return str(value)
    except ValueError as error:  # an integer of more digits than Python writes
        raise ValueError(problem) from error


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or what data frames write for them."""
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and isnan(value))
