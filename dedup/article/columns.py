"""Names that inputs have for the fields of an article.

Where neither the caller names a column nor the input has the field's own name, these are read, the first that an
article has a value for. Capitals, blanks, dots, hyphens and underscores do not count: "pubDate" is "pub_date".

=========  ==============================================================================================
field      also called
=========  ==============================================================================================
id         guid, uri, article_id
text       content, body, article, full_text, article_text, article_body, body_text, main_text,
           plain_text, content_text, content_html, description, summary, snippet, excerpt, abstract
title      headline, article_title
published  pub_date, published_at, published_on, publish_date, published_date, date_published,
           date_publish, publication_date, published_time, publish_time, posted_at, datetime, date,
           timestamp, seen_date, published_parsed, updated, updated_at, created, created_at, created_utc
source     outlet, publisher, source_name, site_name, site, domain, source_domain
url        link, href, canonical_url, web_url
language   lang, language_code, in_language
=========  ==============================================================================================

A source may be a mapping with a "name", or a "title", as responses of news services have it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import isnan
from typing import Any

from dedup.article.refusals import FieldError
from dedup.article.types import FIELDS
from dedup.wording import short_repr

_ALSO = {
    "id": "guid uri article_id",
    "text": "content body article full_text article_text article_body body_text main_text plain_text content_text "
    "content_html description summary snippet excerpt abstract",
    "title": "headline article_title",
    "published": "pub_date published_at published_on publish_date published_date date_published date_publish "
    "publication_date published_time publish_time posted_at datetime date timestamp seen_date published_parsed updated "
    "updated_at created created_at created_utc",
    "source": "outlet publisher source_name site_name site domain source_domain",
    "url": "link href canonical_url web_url",
    "language": "lang language_code in_language",
}
_SEPARATORS = re.compile(r"[\s._-]+")


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name.casefold())


# Field and rank of each name; the field's own has rank 0.
_RANKS = {_plain(name): (field, rank) for field in FIELDS for rank, name in enumerate([field, *_ALSO[field].split()])}

#: Where a mapping that stands for a source has its name.
_NAMES_OF_SOURCE = ("name", "title")


@lru_cache(maxsize=256)  # the items of a call have the same few sets of names
def names_of_fields(names: tuple[Any, ...]) -> dict[str, tuple[str, ...]]:
    """The names that are read as each field, the best first.

    Examples
    --------
    >>> names_of_fields(("Headline", "summary", "content", "clicks"))
    {'text': ('content', 'summary'), 'title': ('Headline',)}
    """
    found: dict[str, list[tuple[bool, int, str]]] = {}
    for name in names:
        if isinstance(name, str) and (known := _RANKS.get(_plain(name))):
            field, rank = known
            found.setdefault(field, []).append((name != field, rank, name))
    return {
        field: tuple(name for *_, name in sorted(found[field], key=lambda entry: entry[:2]))
        for field in FIELDS
        if field in found
    }


def field_of(name: str) -> str | None:
    """The field that a column of that name is read as.

    Examples
    --------
    >>> field_of("pubDate"), field_of("clicks")
    ('published', None)
    """
    known = _RANKS.get(_plain(name))
    return known[0] if known else None


class UsualName(str):
    """The usual name of a column, which an input may lack; a name that the caller gives it may not."""

    __slots__ = ()


class Columns:
    """Which columns of an input are read: those that the caller names, and for other fields the names above.

    `given` has the name of a field's column, or None to leave the field out. A column that the caller names is read as
    no other field, unless it has that field's own name.
    """

    @classmethod
    def chosen(cls, names: Mapping[str, str | None]) -> "Columns":
        """The columns of the parameters of a function, each of them a name, None or a `UsualName`."""
        for field, name in names.items():
            if name is not None and not isinstance(name, str):
                raise TypeError(f"{field} is {name!r}; allowed: a column's name, or None")
        if names["text"] is None and names["title"] is None:
            raise ValueError("text and title are None; allowed: a column for one of them at least")
        return cls({field: name for field, name in names.items() if not isinstance(name, UsualName)})

    def __init__(self, given: Mapping[str, str | None]) -> None:
        self.given = dict(given)
        self._taken = {name for name in given.values() if name is not None}
        self._select = lru_cache(maxsize=256)(self._names)

    def select(self, names: Iterable[Any]) -> tuple[tuple[str, str], ...]:
        """Of these names, those that are read, behind the names that the reader of articles knows them by."""
        return self._select(tuple(names))

    def _names(self, names: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
        own = [(field, name) for field, name in self.given.items() if name is not None and name in names]
        for field, known in names_of_fields(names).items():
            if field not in self.given:
                own += [(name, name) for name in known if name == field or name not in self._taken]
        return tuple(own)

    def item(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row by the names that the reader of articles knows; one of none comes back as it is, to be refused.

        Examples
        --------
        >>> Columns({"text": "story", "url": None}).item({"story": "Kim", "headline": "In Russia", "url": 5})
        {'text': 'Kim', 'headline': 'In Russia'}
        """
        return {known: row[name] for known, name in self.select(row)} or dict(row)


def values_of(item: Any, fields: Sequence[str] = FIELDS) -> dict[str, tuple[str, Any]]:
    """The name and the value of each of these fields that a mapping or an object has.

    Examples
    --------
    >>> values_of({"headline": "Kim in Russia", "text": None, "source": {"id": None, "name": "Wire"}})
    {'title': ('headline', 'Kim in Russia'), 'source': ('source', 'Wire')}
    """
    found: dict[str, tuple[str, Any]] = {}
    known = names_of_fields(_names_in(item))
    for field, names in ((field, known[field]) for field in fields if field in known):
        for name in names:
            value = _value(item, field, name)
            if field == "source" and isinstance(value, Mapping):
                value = _name_in(value)
            if is_missing(value):
                continue
            found.setdefault(field, (name, value))
            is_blank = isinstance(value, str) and not value.strip()
            if name == field and not is_blank:
                break  # whatever it is: a field's own name is no guess
            if not is_blank and (isinstance(value, str) or field in ("id", "published")):
                found[field] = name, value
                break
    return found


def _value(item: Any, field: str, name: str) -> Any:
    try:
        return item[name] if isinstance(item, Mapping) else getattr(item, name, None)
    except MemoryError:
        raise
    except Exception as error:  # whatever a property of the caller's own may raise
        problem = f"field {name!r} cannot be read: {short_repr(error)}; allowed: a value that can be read"
        raise FieldError(problem, field=field, value=error) from error


def _names_in(item: Any) -> tuple[Any, ...]:
    """The names in a mapping; of an object the fields' own names, and those of the attributes that it lists."""
    if isinstance(item, Mapping):
        return tuple(item)
    listed = (getattr(type(item), "_fields", ()), getattr(type(item), "__dataclass_fields__", ()))
    names = dict.fromkeys([*FIELDS, *(name for names in listed for name in names), *getattr(item, "__dict__", ())])
    return tuple(names)


def _name_in(source: Mapping[str, Any]) -> Any:
    """The name in a mapping that stands for a source; the mapping itself, which is refused, where it has none."""
    names = [source.get(name) for name in _NAMES_OF_SOURCE]
    if all(map(is_missing, [*names, *source.values()])):
        return None
    return next((name for name in names if isinstance(name, str)), source)


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or what data frames write for them."""
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and isnan(value))
