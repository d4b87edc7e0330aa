"""JSON Feed and the responses of news services -> mappings with the fields of articles, or those of the service."""

import json
from collections.abc import Mapping
from typing import Any

from dedup.article.columns import names_of_fields
from dedup.feeds.content import ALLOWED
from dedup.feeds.templates import without_templates
from dedup.wording import short_repr

# Where services have their lists of articles.
_LISTS = ("articles", "items", "entries", "results", "data", "docs", "hits", "news")


def entries_of_json(name: str, data: bytes) -> list[Any]:
    """Return the entries of a JSON document; raise ValueError when it is none, or has no list of articles."""
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ValueError(f"{name}: it is JSON with too many brackets in brackets; {ALLOWED}") from error
    except ValueError as error:
        raise ValueError(f"{name}: it is no JSON that can be read: {error}; {ALLOWED}") from error
    return entries_of_document(name, document)


def entries_of_document(name: str, document: Any) -> list[Any]:
    """Return the entries of what JSON says. Those that are no objects are for the reader of articles to refuse."""
    if isinstance(document, Mapping) and _is_feed(document):
        entries = [_article(entry, document) if isinstance(entry, dict) else entry for entry in document["items"]]
        return without_templates(name, entries)
    found = document if isinstance(document, list) else _list_in(document)
    if found is None:
        told = document.get("message") or document.get("error") if isinstance(document, Mapping) else None
        what = f"says {short_repr(told)} and has" if told else "has"
        raise ValueError(f"{name}: it {what} no list of articles; allowed: a list, or one at {', '.join(_LISTS)}")
    return [_named(entry) if isinstance(entry, dict) else entry for entry in found]


def is_document(value: Any) -> bool:
    """Whether an object of JSON is a feed or a response, and not an article."""
    return isinstance(value, dict) and (_is_feed(value) or bool(_list_in(value)))


def _is_feed(document: Mapping[str, Any]) -> bool:
    version = document.get("version")
    is_named = isinstance(version, str) and "jsonfeed.org/version" in version
    return is_named and isinstance(document.get("items"), list)


def _list_in(document: Any) -> list[Any] | None:
    """Return the list of articles in a response: at one of the names, or at one within an object there."""
    if not isinstance(document, Mapping) or document.get("text") or document.get("title"):
        return None
    for name in (*_LISTS, "response"):
        value = document.get(name)
        if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            return value
        if isinstance(value, Mapping) and (inner := _list_in(value)) is not None:
            return inner
    return None


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with its URL as id where it has none: services tell articles apart by their URLs."""
    link = next((entry[name] for name in ("url", "link") if isinstance(entry.get(name), str)), None)
    known = names_of_fields(tuple(entry)).get("id", ())
    return entry if link is None or any(entry[name] is not None for name in known) else entry | {"id": link}


def _article(entry: dict[str, Any], feed: Mapping[str, Any]) -> dict[str, Any]:
    link = entry.get("url") or entry.get("external_url")
    people = entry.get("authors") or [entry.get("author")]
    names = [person.get("name") for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    return {
        "id": link if entry.get("id") in (None, "") else entry["id"],
        "title": entry.get("title"),
        "text": entry.get("content_html") or entry.get("content_text") or entry.get("summary"),
        "published": entry.get("date_published") or entry.get("date_modified"),
        "source": feed.get("title"),
        "url": link,
        "language": entry.get("language") or feed.get("language"),
        "author": ", ".join(name for name in names if isinstance(name, str)) or None,
    }
