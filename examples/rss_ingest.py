"""Put the entries of feeds into stories, once or for ever, and print what is new.

python examples/rss_ingest.py stories.db FEED [FEED ...]
python examples/rss_ingest.py stories.db --feeds feeds.txt --every 300

A FEED is a URL, or a file, of RSS, RDF, Atom or JSON Feed; feeds.txt has one a line. Stop it however you like, and run
it again: wherever it stopped, only what is new is added. SIGINT and SIGTERM let it finish the feed that it is at.

A feed that has not changed is not sent again (ETag, Last-Modified), one that moved for good is asked for where it is
now; both are kept in stories.db.feeds.json. One that fails is asked again after twice, four times, eight times the
interval, and not before its server says (Retry-After). Ids that only one feed can tell apart, as "17", get its address
before them.
"""

import argparse
import json
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from math import inf
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import dedup

OUTCOMES = {"new_story": "new stories", "report": "reports", "near_duplicate": "near-duplicates"}
OUTCOMES |= {name: name for name in ("unchanged", "updated")}
USER_AGENT = f"dedup-rss-ingest/{dedup.__version__}"
MAX_WAIT = 86_400.0  # seconds; whatever a server says, it is asked once a day
# The end of a feed that nobody cut, where the length of the answer does not tell; some have a comment behind it.
CLOSED = re.compile(rb"(</(rss|feed|(\w+:)?RDF)\s*>|[\]}])(\s|<!--.*?-->)*\Z", re.DOTALL)


@dataclass
class Feed:
    """A feed, what is known of it, and when it is due."""

    address: str  # as the user calls it
    url: str
    etag: str | None = None
    modified: str | None = None
    failures: int = 0
    due: float = 0.0  # by time.monotonic()
    gone: bool = False


def require_web(url: str) -> None:
    """Refuse a URL that names a file here, or a protocol that nobody uses for feeds."""
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"the URL is {url!r}; allowed: http and https")


class Redirects(HTTPRedirectHandler):
    """Follows a feed to where it is now, and remembers the place if it moved for good."""

    def __init__(self, feed: Feed) -> None:
        self.feed, self.permanent = feed, True

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Follow a redirect to another page of the web."""
        require_web(newurl)
        self.permanent = self.permanent and code in (301, 308)
        if self.permanent:
            self.feed.url = newurl
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Break off what takes longer, be it a head byte by byte; not on Windows, and only in the main thread."""

    def halt(*_: object) -> None:
        raise TimeoutError(f"it takes more than {seconds:g} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, halt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fetch(feed: Feed, given: argparse.Namespace) -> tuple[bytes, bool]:
    """What is at the URL of a feed, and whether it is all of it; raises HTTPError with status 304 if nothing is new."""
    headers = {"User-Agent": given.user_agent, "Accept-Encoding": "gzip"}
    known = {"If-None-Match": feed.etag, "If-Modified-Since": feed.modified}
    headers |= {name: value for name, value in known.items() if value}
    require_web(feed.url)
    request = Request(feed.url, headers=headers)  # noqa: S310 (checked above)
    opener = build_opener(Redirects(feed))
    with at_most(given.total_timeout), opener.open(request, timeout=given.timeout) as response:
        body = bytearray()
        while piece := response.read1(1 << 16):
            body += piece
            if len(body) > given.max_bytes:
                raise ValueError(f"it has more than {given.max_bytes:,} bytes")
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and len(body) < int(length):
            raise ValueError(f"it was cut short: {len(body):,} of {int(length):,} bytes")
        feed.etag, feed.modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
    # A gzipped one says itself when it is cut short.
    return bytes(body), bool(length or body[:2] == b"\x1f\x8b" or CLOSED.search(body[-2000:]))


def articles_of(feed: Feed, given: argparse.Namespace) -> list[Any]:
    """The entries of a feed, the oldest first, by ids that no two feeds share."""
    if "://" in feed.address:
        body, is_whole = fetch(feed, given)
        entries = dedup.feeds.read(body)
        if not is_whole:  # it must be sent again
            feed.etag = feed.modified = None
            print(f"{feed.address}: it was cut short: {len(entries)} entries are whole", file=sys.stderr)
    else:
        entries = dedup.feeds.read(feed.address)
    for entry in entries:
        if isinstance(entry, dict) and entry.get("id") is not None and ":" not in str(entry["id"]):
            entry["id"] = f"{feed.address}#{entry['id']}"
    return entries[::-1]  # most feeds begin with the latest


def as_stored(index: dedup.StoryIndex, entry: Any) -> Any:
    """An entry by the source of the feed that had it first: it is not updated each time that another feed has it."""
    try:
        known = index.article(entry["id"])
        is_its_page = dedup.canonical_url(known.url or "") == dedup.canonical_url(entry["url"] or "")
        is_anothers = isinstance(entry["source"], str) and known.source not in (None, entry["source"])
    except (AttributeError, KeyError, TypeError):  # it is new, or no entry of a feed
        return entry
    kept = {name: getattr(known, name) for name in ("source", "url", "language")}
    return {**entry, **kept} if is_its_page and is_anothers else entry


def postpone(feed: Feed, error: Exception, every: float, chance: random.Random) -> None:
    """Say when a feed that failed is due: the later, the oftener it failed, and no two at once."""
    feed.failures += 1
    wait = every * 2.0 ** min(feed.failures, 30) * chance.uniform(1, 1.25)
    if isinstance(error, HTTPError):
        feed.gone = error.code == 410
        if error.code in (429, 503):
            wait = max(wait, retry_after(error.headers.get("Retry-After", "")))
    feed.due = time.monotonic() + min(wait, MAX_WAIT)


def retry_after(text: str) -> float:
    """The seconds that a server asks for, as a number or a time; 0 if it does not."""
    if text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        return (parsedate_to_datetime(text).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def ingest(
    index: dedup.StoryIndex, feed: Feed, given: argparse.Namespace, chance: random.Random
) -> tuple[Counter[str], list[str]]:
    """Add a feed to the index in one transaction; what happened, and the stories of what is new or updated."""
    counts, known = Counter[str](), (feed.url, feed.etag, feed.modified)
    try:
        articles = articles_of(feed, given)
    except (OSError, HTTPException, ValueError) as error:  # whatever is wrong with one feed, the others go on
        moved, (feed.url, feed.etag, feed.modified) = feed.url, known
        if isinstance(error, HTTPError):
            error.close()
            if error.code == 304:
                feed.url, feed.failures = moved, 0
                return counts + Counter({"not changed": 1}), []
        postpone(feed, error, given.every or 0, chance)
        print(f"{feed.address}: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
        return counts + Counter({"failed": 1}), []
    entries = [as_stored(index, entry) for entry in articles]
    assignments, refusals = index.add_many(entries, errors="skip", duplicates="last")
    for refusal in refusals:
        print(f"{feed.address}: {refusal.reason}", file=sys.stderr)
    counts.update(assignment.outcome for assignment in assignments)
    counts += Counter(read=1, entries=len(articles), refused=len(refusals))
    feed.failures = 0
    return counts, [assignment.story_id for assignment in assignments if assignment.outcome != "unchanged"]


def remember(feeds: Iterable[Feed], memo: Path) -> None:
    """Keep where feeds are and which version of them is stored: all of it or nothing."""
    known = {feed.address: {name: asdict(feed)[name] for name in ("url", "etag", "modified")} for feed in feeds}
    new = Path(f"{memo}.new")
    new.write_text(json.dumps(known, indent=1), encoding="utf-8")
    new.replace(memo)


def run_round(
    index: dedup.StoryIndex, feeds: list[Feed], given: argparse.Namespace, chance: random.Random, stop: threading.Event
) -> Counter[str]:
    """Ask for the feeds that are due, print a line for the round, and a line for each story that grew."""
    counts, changed, begin = Counter[str](), list[str](), time.monotonic()
    for feed in feeds:
        if feed.due <= begin and not feed.gone and not stop.is_set():
            feed.due = begin + (given.every or 0)
            found, grown = ingest(index, feed, given, chance)
            counts += found
            changed += grown
            if found["read"]:  # behind the index, so that nothing is lost in between
                remember(feeds, Path(f"{given.index}.feeds.json"))
    asked = ", ".join(f"{counts[name]} {name}" for name in ("read", "not changed", "failed"))
    told = ", ".join(f"{counts[outcome]} {name}" for outcome, name in OUTCOMES.items())
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} feeds: {asked}; {counts['entries']} entries: {told}, ", end="")
    print(f"{counts['refused']} refused", flush=True)
    for story in {story.id: story for story in map(index.story, dict.fromkeys(changed))}.values():
        if len(story) > 1:
            print(f"{len(story)} articles: {story.headline} ({', '.join(story.sources)})", flush=True)
    return counts


def remembered(memo: Path) -> dict[str, dict[str, str | None]]:
    """What `remember` kept; nothing where that is lost: then feeds are sent once more."""
    try:
        found = json.loads(memo.read_text(encoding="utf-8"))
        return {address: {name: feed[name] for name in ("url", "etag", "modified")} for address, feed in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        print(f"{memo}: it is left aside: {error!r}", file=sys.stderr)
        return {}


def positive(text: str) -> float:
    """A number of seconds."""
    if not 0 < float(text) < inf:
        raise ValueError
    return float(text)


def feeds_of(given: argparse.Namespace, *, is_new: bool) -> list[Feed]:
    """The feeds that the user names, with what is remembered of them."""
    listed = given.list.read_text(encoding="utf-8-sig").splitlines() if given.list else []
    addresses = [line.strip() for line in (*given.feeds, *listed) if line.strip() and not line.startswith("#")]
    # Beside an empty index it is another one's, and would keep from this one what it has not seen.
    known = {} if is_new else remembered(Path(f"{given.index}.feeds.json"))
    return [Feed(address, **{"url": address, **known.get(address, {})}) for address in dict.fromkeys(addresses)]


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path, help="SQLite file, made when it is not there")
    parser.add_argument("feeds", nargs="*", metavar="FEED", help="file or URL")
    parser.add_argument("--feeds", dest="list", type=Path, metavar="FILE", help="a file with a feed a line")
    parser.add_argument("--every", type=positive, metavar="SECONDS", help="ask again, until stopped")
    parser.add_argument("--timeout", type=positive, default=10, metavar="SECONDS", help="without a byte (10)")
    parser.add_argument("--total-timeout", type=positive, default=60, metavar="SECONDS", help="for all of a feed (60)")
    parser.add_argument("--max-bytes", type=int, default=20_000_000, metavar="N", help="of a feed as sent (20,000,000)")
    parser.add_argument("--user-agent", default=USER_AGENT, metavar="TEXT", help="say who asks, and where to complain")
    parser.add_argument("--seed", type=int, help="of the chance in how long a feed that failed is left alone")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Add the feeds once, or until a signal comes."""
    given = parsed(arguments)
    stop, chance = threading.Event(), random.Random(given.seed)  # noqa: S311 (no secret)
    received: list[int] = []

    def halt(number: int, _: object) -> None:
        received.append(number)
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # the second one ends it at once

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, halt)
    with dedup.StoryIndex(given.index) as index:
        feeds = feeds_of(given, is_new=not len(index))
        counts = run_round(index, feeds, given, chance, stop)
        while given.every and not stop.is_set():
            due = min((feed.due for feed in feeds if not feed.gone), default=inf)
            if not stop.wait(min(max(due - time.monotonic(), 0), MAX_WAIT)):
                counts = run_round(index, feeds, given, chance, stop)
    if received and not given.every:
        return 128 + received[0]  # less than was asked for
    return 1 if counts["failed"] and not given.every else 0


if __name__ == "__main__":
    sys.exit(main())
