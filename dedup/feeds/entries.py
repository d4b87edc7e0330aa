"""The entries of RSS, RDF and Atom, as feedparser gives them -> mappings with the fields of articles."""

import logging
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from dedup.article.dates import read_date
from dedup.article.markup import plain
from dedup.feeds.content import ALLOWED, text_of
from dedup.feeds.repair import MEDIA_TEXT, MEDIA_TITLE, PERSON, repaired
from dedup.feeds.templates import without_templates

_logger = logging.getLogger(__name__)

# Something behind a tag or at the beginning that is neither a tag nor a blank.
_WORDS = re.compile(r"(?:\A|>)(?:\s|&nbsp;|&#160;)*+[^\s<]")


def entries_of_xml(name: str, data: bytes) -> list[dict[str, Any]]:
    """Return the entries of a feed in XML; of one that is cut short, those that are whole.

    Raise ValueError when it is no feed, ImportError without feedparser.
    """
    try:
        import feedparser
    except ImportError as error:
        message = f'{name}: RSS and Atom are read by feedparser: pip install "dedup-stories[feeds]"'
        raise ImportError(message) from error
    text = text_of(data)
    try:
        body = repaired(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}; {ALLOWED}") from error
    try:
        parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
        found = entries_of_parsed(name, parsed)
    except (AttributeError, LookupError, RecursionError, TypeError, UnicodeError) as error:
        # feedparser has no error of its own for what neither of its parsers expects.
        raise ValueError(f"{name}: feedparser cannot read it: {error!r}; {ALLOWED}") from error
    if not parsed.bozo:
        return found
    if max(text.rfind("<item"), text.rfind("<entry")) > max(text.rfind("</item"), text.rfind("</entry")):
        found = found[:-1]  # it is cut short
    if not found:
        raise ValueError(f"{name}: it is cut short before the end of its first entry; {ALLOWED}")
    _logger.warning("%s: it is broken XML, %s: %d entries of it are read", name, parsed.bozo_exception, len(found))
    return found


def entries_of_parsed(name: str, parsed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of what feedparser made of a feed."""
    if not parsed["entries"] and (parsed.get("bozo") or not parsed.get("version")):
        problem = parsed.get("bozo_exception", "neither RSS nor Atom")
        raise ValueError(f"{name}: it has no entries, and is no feed that can be read: {problem}; {ALLOWED}")
    # Asked for a value that is missing, feedparser's own mapping gives another and warns.
    feed = dict(parsed["feed"])
    return without_templates(name, [_article(dict(entry), feed) for entry in parsed["entries"]])


def _article(entry: dict[str, Any], feed: dict[str, Any]) -> dict[str, Any]:
    link = _link(entry, feed)
    texts = [part.get("value") for part in entry.get("content", ()) if _is_text(part)]
    return {
        "id": entry.get("id") or link,
        "title": _first_with_words(entry.get("title"), entry.get(MEDIA_TITLE)),
        "text": _first_with_words(*texts, entry.get("summary"), entry.get(MEDIA_TEXT)),
        "published": _published(entry),
        "source": " ".join(plain((entry.get("source") or {}).get("title") or feed.get("title") or "").split()) or None,
        "url": link,
        "language": _language(entry, feed),
        "author": ", ".join(dict.fromkeys(_people(entry))) or None,
    }


def _is_text(part: Mapping[str, Any]) -> bool:
    kind = part.get("type") or "text/plain"
    return kind.startswith("text/") or kind.endswith("xml")


def _first_with_words(*values: Any) -> str | None:
    """Return the first text that has more than tags, as it came."""
    return next((value for value in values if isinstance(value, str) and _WORDS.search(value)), None)


def _published(entry: Mapping[str, Any]) -> Any:
    """Return the first time that can be read, in UTC where it names no zone; else the first, to be refused."""
    names = [name for name in ("published", "updated", "created") if entry.get(name)]
    for name in names:
        try:
            moment = read_date(entry[name], UTC)
        except (TypeError, ValueError):
            # feedparser knows months in Greek, Hungarian and Korean. Of what it reads else it guesses much.
            if not entry[name].isascii() and (parsed := entry.get(f"{name}_parsed")):
                return datetime.fromtimestamp(timegm(parsed), UTC)
            continue
        try:
            read_date(entry[name], None)
        except ValueError:
            return moment
        return entry[name]
    return entry[names[0]] if names else None


def _link(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> str | None:
    link = entry.get("feedburner_origlink") or entry.get("link")
    if not link or (link == entry.get("id") and "://" not in link):  # a guid counts as link where there is none
        return None
    home = feed.get("link") or ""
    try:
        return urljoin(home, link) if "://" in home else str(link)
    except ValueError:  # brackets that are no IPv6 address
        return str(link)


def _language(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> str | None:
    parts = [*entry.get("content", ()), entry.get("summary_detail") or {}, entry.get("title_detail") or {}]
    found = [entry.get("language"), *(part.get("language") for part in parts), feed.get("language")]
    return next((language for language in found if language), None)


def _people(entry: Mapping[str, Any]) -> Iterator[str]:
    numbered = sorted((int(found[1]), name) for name in entry if (found := PERSON.search(name)))
    for name in ("author", *(name for _, name in numbered)):
        if isinstance(entry.get(name), str) and entry[name].strip():
            yield entry[name].strip()
