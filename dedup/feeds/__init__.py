"""Feeds as they come, RSS, RDF, Atom, JSON Feed and the JSON of news services, as articles (extra `feeds`)."""

from collections.abc import Mapping
from typing import Any

from dedup.feeds.content import ALLOWED, content_of
from dedup.feeds.documents import entries_of_document, entries_of_json
from dedup.feeds.entries import entries_of_parsed, entries_of_xml

__all__ = ["read"]


def read(feed: Any, *, source: str | None = None) -> list[Any]:
    """Read the entries of a feed, as mappings that `dedup.cluster`, `StoryIndex.add_many` and the others take.

    Parameters
    ----------
    feed : str, Path, bytes, binary file, or mapping
        A path; the feed itself as bytes; a file opened as binary, such as a response; what ``feedparser.parse`` made
        of a feed; or an object of JSON. What it is is seen from what is in it: RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0,
        JSON Feed 1.0 and 1.1, JSON with a list of objects at "articles", "items", "results", "data" or the like
        (NewsAPI, GNews, MediaStack, GDELT), or a list of objects. It may be gzipped.
    source : str, optional
        The source of every entry. The default is what an entry says, or the title of its feed.

    Returns
    -------
    list of dict
        An entry each, in the order of the feed: ``id`` (guid, or else the link), ``title``, ``text`` (the content, or
        else the description), ``published`` (as it came, or else when it was updated), ``source``, ``url``,
        ``language`` and ``author``, None where the feed does not say. Titles and texts are as they came, with HTML;
        a description that is the same for most entries but for addresses and numbers is left out.
        The objects of a news service have its own names, and an ``id``, their URL, where they have none.

    Raises
    ------
    ValueError, TypeError
        When it is no feed, named by its path, or has more than 100,000,000 bytes.
    OSError
        When a file cannot be read.
    ImportError
        For XML, without feedparser (``pip install "dedup-stories[feeds]"``).

    Notes
    -----
    Entries are not checked here: `dedup.cluster` and the others do, as ``errors`` says. A feed that is cut short gives
    the entries that are whole, and a warning in the log ``dedup``. A time without a zone is in UTC. Nothing is fetched.

    Examples
    --------
    >>> feed = b'''<rss version="2.0"><channel><title>The Daily</title><item>
    ...   <guid>https://daily.example/1</guid><title>Storm reaches the coast</title>
    ...   <pubDate>Mon, 27 Apr 2026 10:00:00 GMT</pubDate><description>&lt;p&gt;Roads are closed.</description>
    ... </item></channel></rss>'''
    >>> (entry,) = read(feed)
    >>> entry["source"], entry["published"], entry["text"]
    ('The Daily', 'Mon, 27 Apr 2026 10:00:00 GMT', '<p>Roads are closed.')
    """
    if source is not None and not isinstance(source, str):
        raise TypeError(f"source is {source!r}; allowed: None or str")
    if isinstance(feed, Mapping):
        is_parsed = "bozo" in feed and "feed" in feed
        found = (entries_of_parsed if is_parsed else entries_of_document)("the feed", feed)
    else:
        found = entries_of(*content_of(feed))
    return found if source is None else [_from(source, entry) for entry in found]


def entries_of(name: str, data: bytes) -> list[Any]:
    """Return the entries of a feed, which messages call by that name."""
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not first:
        raise ValueError(f"{name}: it is empty; {ALLOWED}")
    return entries_of_json(name, data) if first in b"{[" else entries_of_xml(name, data)


def _from(source: str, entry: Any) -> Any:
    return {**entry, "source": source} if isinstance(entry, dict) else entry
