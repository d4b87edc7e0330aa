"""Put the entries of RSS and Atom feeds into stories, and print what is new.

python examples/rss_ingest.py stories.db FEED [FEED ...]

A FEED is a file or a URL. Run it as often as you like: wherever the last run stopped, only what is new is added. An
entry is known by the id that its feed gives it, so no two feeds may give one id to different articles.
"""

import argparse
import json
import re
import socket
import sys
from calendar import timegm
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import dedup

try:
    import feedparser
except ImportError as error:
    raise ImportError("this example reads feeds with feedparser: pip install feedparser") from error

OUTCOMES = {"new_story": "new stories", "report": "reports", "near_duplicate": "near-duplicates"}
OUTCOMES |= {name: name for name in ("unchanged", "updated")}
BLOCKS = re.compile("blockquote|br|d[dlt]|div|fig(ure|caption)|h[1-6r]|li|[ou]l|p|pre|section|t(able|d|h|r)")


class HtmlText(HTMLParser):
    """Collects the text of HTML in `pieces`, with a blank line wherever a block begins or ends."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, *_: object) -> None:
        """Begin or end a block."""
        if BLOCKS.fullmatch(tag):
            self.pieces.append("\n\n")

    handle_endtag = handle_starttag

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.pieces.append(data)


def plain_text(detail: dict[str, Any]) -> str:
    """Text of a value and its media type, without tags, a blank line between paragraphs."""
    text = detail.get("value") or ""
    if detail.get("type") != "text/plain":
        html = HtmlText()
        html.feed(text)
        html.close()
        text = "".join(html.pieces)
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))
    return "\n\n".join(filter(None, paragraphs))


def read_feed(source: str, version: dict[str, str]) -> Any:
    """What feedparser makes of a file or URL; without entries when the server still has that version (status 304).

    Raises
    ------
    OSError, ValueError, or whatever else feedparser lets through
        When it cannot be fetched, or is no feed.
    """
    if "://" in source:
        feed = feedparser.parse(source, **version)
    else:
        with open(source, "rb") as file:  # given the name of a missing file, feedparser would parse the name
            feed = feedparser.parse(file)
    status = feed.get("status", 200)
    if status >= 400:
        raise ValueError(f"HTTP status {status}")
    if status != 304 and not feed.entries and (feed.bozo or not feed.get("version")):
        raise ValueError(f"no feed: {feed.get('bozo_exception', 'neither RSS nor Atom')}")
    return feed


def article_of(entry: Any, channel: Any) -> dict[str, Any]:
    """An entry of a channel as an article; what it does not say is None."""
    texts = [plain_text(detail) for detail in [*entry.get("content", []), entry.get("summary_detail", {})]]
    # Asked for the one that is missing, feedparser gives the other and warns.
    times = [entry[key] for key in ("published_parsed", "updated_parsed") if key in entry]
    return {
        "id": entry.get("id") or entry.get("link"),
        "title": plain_text(entry.get("title_detail", {})),
        "text": max(texts, key=len) or None,  # None: the index refuses an article with neither title nor text
        "published": next((datetime.fromtimestamp(timegm(time), UTC) for time in times if time), None),
        "source": plain_text(channel.get("title_detail", {})) or None,
        "url": entry.get("link"),
        "language": channel.get("language"),
    }


def ingest(index: dedup.StoryIndex, sources: list[str], memo: Path) -> tuple[list[str], list[str]]:
    """Add feeds to the index, one transaction and one printed line each.

    `memo` keeps the version of each URL, so that no server sends what is stored. Returns the ids of articles that are
    new or updated, and the sources that could not be read.
    """
    # Beside an empty index it is another one's, and would keep from this one what it has not seen.
    versions = json.loads(memo.read_text(encoding="utf-8")) if len(index) and memo.exists() else {}
    changed, failed = [], []
    for source in sources:
        try:
            feed = read_feed(source, versions.get(source, {}))
            articles = [article_of(entry, feed.feed) for entry in reversed(feed.entries)]  # most begin with the latest
        except Exception as error:  # whatever is wrong with one feed, the others go on
            print(f"{source}: {type(error).__name__}: {error}", file=sys.stderr)
            failed.append(source)
            continue
        # Older ones first, so that stories form in the order of events; the undated last.
        articles.sort(key=lambda article: article["published"] or datetime.max.replace(tzinfo=UTC))
        assignments, refusals = index.add_many(articles, errors="skip")
        changed += [assignment.article_id for assignment in assignments if assignment.outcome != "unchanged"]
        counts = Counter[str](assignment.outcome for assignment in assignments)
        told = ", ".join(f"{counts[outcome]} {name}" for outcome, name in OUTCOMES.items())
        print(f"{source}: {len(feed.entries)} entries: {told}, {len(refusals)} refused")
        version = {key: feed[key] for key in ("etag", "modified") if key in feed}
        if version and not feed.bozo:  # one that was cut short must be sent again
            versions[source] = version
            Path(f"{memo}.new").write_text(json.dumps(versions, indent=1), encoding="utf-8")
            Path(f"{memo}.new").replace(memo)  # all of it or nothing
    return changed, failed


def main() -> int:
    """Add the feeds, then print the stories of several articles that changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path, help="SQLite file, made when it is not there")
    parser.add_argument("feeds", nargs="+", metavar="FEED", help="file or URL")
    given = parser.parse_args()
    socket.setdefaulttimeout(30)  # seconds without a byte; feedparser by itself waits for ever
    with dedup.StoryIndex(given.index) as index:
        changed, failed = ingest(index, given.feeds, Path(f"{given.index}.feeds.json"))
        for name in dict.fromkeys(map(index.story_id, changed)):
            story = index.story(name)
            if len(story) > 1:
                print(f"{len(story)} articles: {story.headline} ({', '.join(story.sources)})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
