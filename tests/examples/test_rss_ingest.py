"""examples/rss_ingest.py: feeds from files and a server, once, again and again, and after a kill."""

import gzip
import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.error import HTTPError

import pytest

import dedup
from dedup import StoryIndex

pytest.importorskip("feedparser", reason="feedparser is not installed: pip install feedparser")

ROOT = Path(dedup.__file__).parents[1]
SCRIPT = ROOT / "examples" / "rss_ingest.py"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "no_proxy": "*"}
FEEDS_ASKED = ("read", "not changed", "failed")
COUNTS = (*FEEDS_ASKED, "entries", "new stories", "reports", "near-duplicates", "unchanged", "updated", "refused")

TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("rss_ingest", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["rss_ingest"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


# Feeds


def paragraphs(text):
    return "".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in text.split("\n\n"))


def rss(title, articles):
    """An RSS 2.0 feed, latest first, with HTML in its descriptions."""
    items = []
    for article in reversed(articles):
        date = f"<pubDate>{format_datetime(article.published)}</pubDate>" if article.published else ""
        items.append(
            f"<item><guid isPermaLink='false'>n:{article.id}</guid><link>https://news.example/{article.id}</link>{date}"
            f"<title>{escape(article.title)}</title><description>{escape(paragraphs(article.text))}</description></item>"
        )
    head = f"<title>{title}</title><link>https://news.example/</link><language>en</language>"
    return f"<?xml version='1.0'?><rss version='2.0'><channel>{head}{''.join(items)}</channel></rss>"


def atom(title, articles):
    """An Atom feed, latest first, with a short summary beside its contents."""
    entries = [
        f"<entry><id>n:{article.id}</id><link href='https://wire.example/{article.id}'/>"
        f"<published>{article.published.isoformat()}</published><updated>2024-12-31T00:00:00Z</updated>"
        f"<title>{escape(article.title)}</title><summary>In short.</summary>"
        f"<content type='html'>{escape(paragraphs(article.text))}</content></entry>"
        for article in reversed(articles)
    ]
    head = f"<id>{title}</id><title>{title}</title><updated>2024-12-31T00:00:00Z</updated>"
    return (
        f"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'>{head}{''.join(entries)}</feed>"
    )


def items(*parts):
    """An RSS feed of items as they are written."""
    written = "".join(f"<item>{part}</item>" for part in parts)
    return f"<rss version='2.0'><channel><title>T&amp;amp;T</title>{written}</channel></rss>"


SAMPLE = dedup.sample_articles("en")
FEEDS = {"daily.rss": rss("The Daily", SAMPLE[0::2]), "wire.atom": atom("Wire", SAMPLE[1::2])}


class Page(NamedTuple):
    """What the server answers; `pace` says how: half of it, and then nothing; or byte by byte, with its head or not."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    pace: str = ""


class Server:
    """Pages on loopback, by path: a `Page`, a text with its etag, or None for 404."""

    def __init__(self):
        self.pages, self.requests, self.headers = {}, defaultdict(list), defaultdict(list)
        self.stalled, self.hurry = threading.Event(), threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.answer(self, self.path[1:])

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def answer(self, request, name):
        page = self.pages.get(name)
        if page is None:
            page = Page(status=404)
        elif isinstance(page, str):
            page = Page(page.encode(), headers={"ETag": f'"{hash(page)}"', "Content-Type": "application/xml"})
        etag = page.headers.get("ETag")
        status = 304 if etag and request.headers["If-None-Match"] == etag else page.status
        self.requests[name].append(status)
        self.headers[name].append(dict(request.headers))
        if page.pace == "drip head":
            self.drip(request, b"HTTP/1.1 200 OK\r\nX-Head: " + b"x" * 2000)
            return
        request.send_response(status)
        for header, value in page.headers.items():
            request.send_header(header, value)
        request.end_headers()
        if status != 304:
            self.send(request, page)

    def send(self, request, page):
        try:
            if page.pace == "drip":
                self.drip(request, page.body)
            elif page.pace:
                request.wfile.write(page.body[: len(page.body) // 2])
                self.stalled.set()
                if page.pace == "stall":
                    self.hurry.wait(20)
            else:
                request.wfile.write(page.body)
        except OSError:  # the client had enough
            pass

    def drip(self, request, data):
        with suppress(OSError):
            for byte in data:
                request.wfile.write(bytes([byte]))
                if self.hurry.wait(0.02):
                    return

    def url(self, name):
        return f"http://127.0.0.1:{self.http.server_port}/{name}"

    def urls(self, *names):
        return [self.url(name) for name in names]

    def close(self):
        self.hurry.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    server.pages |= FEEDS
    yield server
    server.close()


@pytest.fixture
def files(tmp_path):
    for name, text in FEEDS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [str(tmp_path / name) for name in FEEDS]


@pytest.fixture
def ingest(example, tmp_path, capsys):
    """Runs the script once, within this process; gives the counts that are not 0, and the lines of errors."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments):
        code = example.main([str(tmp_path / "stories.db"), *map(str, arguments)])
        printed = capsys.readouterr()
        found = counts(printed.out.splitlines()[0])
        assert code == (1 if found["failed"] else 0)
        return {name: count for name, count in found.items() if count}, printed.err.splitlines()

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def one(ingest, tmp_path):
    """Reads a feed of that text, which is fine; gives the counts of its entries."""

    def run(text):
        (tmp_path / "feed.xml").write_text(text, encoding="utf-8")
        found, _ = ingest(tmp_path / "feed.xml")
        assert found.pop("read") == 1
        return found

    return run


def counts(line):
    found = {name: int(re.search(rf"(\d+) {name}", line)[1]) for name in COUNTS}
    assert len(re.findall(r"\d+ [a-z]", line)) == len(COUNTS)
    return found


def stored(tmp_path):
    """The articles of an index by what their feeds call them."""
    with StoryIndex(tmp_path / "stories.db") as index:
        return {
            article.id.removeprefix("n:").rpartition("#")[2]: article
            for story in index.stories()
            for article in story.articles
        }


def told(path):
    """The stories of an index, with their ids."""
    with StoryIndex(path) as index:
        return {story.id: [article.id for article in story.articles] for story in index.stories()}


def memo(tmp_path):
    return json.loads((tmp_path / "stories.db.feeds.json").read_text())


def command(path, *sources):
    return [sys.executable, str(SCRIPT), str(path), *map(str, sources)]


def run(path, *sources):
    return subprocess.run(
        command(path, *sources), env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def started(path, *sources):
    return subprocess.Popen(
        command(path, *sources),
        env=ENVIRONMENT | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


# The command


def test_the_stories_of_two_feeds_are_printed_once(tmp_path, files):
    first = run(tmp_path / "stories.db", *files)
    assert (first.returncode, first.stderr) == (0, "")
    line, *lines = first.stdout.splitlines()
    found = counts(line)
    assert (found["read"], found["entries"]) == (2, len(SAMPLE))
    assert sum(found[name] for name in COUNTS[4:]) == len(SAMPLE)
    assert min(found["reports"], found["near-duplicates"]) > 0

    with StoryIndex(tmp_path / "stories.db") as index:
        stories = index.stories(min_size=2)
    assert any(len(story.sources) == 2 for story in stories)
    expected = [f"{len(s)} articles: {s.headline} ({', '.join(s.sources)})" for s in stories]
    assert sorted(lines) == sorted(expected)

    again = run(tmp_path / "stories.db", *files)
    assert (again.returncode, again.stderr) == (0, "")
    (line,) = again.stdout.splitlines()
    assert counts(line)["unchanged"] == len(SAMPLE)


def test_a_story_that_grows_is_printed_again_and_no_other(tmp_path):
    feed = tmp_path / "feed.rss"
    feed.write_text(rss("The Daily", SAMPLE[:-1]), encoding="utf-8")
    run(tmp_path / "stories.db", feed)
    copy = replace(SAMPLE[0], id="copy")
    feed.write_text(rss("The Daily", [*SAMPLE[:-1], copy]), encoding="utf-8")
    grown = run(tmp_path / "stories.db", feed).stdout.splitlines()
    assert counts(grown[0])["near-duplicates"] == 1
    with StoryIndex(tmp_path / "stories.db") as index:
        story = index.story(index.story_id("n:copy"))
    assert grown[1:] == [f"{len(story)} articles: {story.headline} (The Daily)"]


def test_feeds_that_cannot_be_read_are_reported_and_the_others_are_stored(tmp_path, files, server):
    broken = tmp_path / "broken.rss"
    broken.write_text("This is no feed.", encoding="utf-8")
    bad = [str(broken), str(tmp_path / "missing.rss"), server.url("nothing")]
    bad += ["http://127.0.0.1:1/closed", "http://[/", "file:///etc/hostname"]
    result = run(tmp_path / "stories.db", *bad[:3], *files, *bad[3:])
    assert result.returncode == 1
    assert [line.startswith(source) for line, source in zip(result.stderr.splitlines(), bad, strict=True)] == [True] * 6
    assert "404" in result.stderr
    assert len(stored(tmp_path)) == len(SAMPLE)


def test_feeds_come_from_a_list_too(ingest, server, tmp_path):
    urls = server.urls(*FEEDS)
    (tmp_path / "feeds.txt").write_text(f"# mine\n{urls[0]}\n\n  {urls[1]}\n{urls[0]}\n", encoding="utf-8-sig")
    found, _ = ingest(urls[1], "--feeds", tmp_path / "feeds.txt", "--user-agent", "reader (me@reader.example)")
    assert (found["read"], found["entries"]) == (2, len(SAMPLE))
    assert {name: got[0]["User-Agent"] for name, got in server.headers.items()} == dict.fromkeys(
        FEEDS, "reader (me@reader.example)"
    )


@pytest.mark.slow
def test_a_run_after_a_kill_makes_the_stories_of_one_that_was_not_killed(tmp_path, server):
    urls = server.urls(*FEEDS)
    assert run(tmp_path / "whole.db", *urls).returncode == 0

    server.pages["wire.atom"] = Page(FEEDS["wire.atom"].encode(), pace="stall")
    killed = started(tmp_path / "killed.db", *urls)
    try:
        assert server.stalled.wait(20)
    finally:
        killed.kill()
        killed.communicate()
    server.hurry.set()
    server.pages |= FEEDS
    assert sum(map(len, told(tmp_path / "killed.db").values())) == len(SAMPLE[0::2])

    assert run(tmp_path / "killed.db", *urls).returncode == 0
    assert server.requests["daily.rss"][-1] == 304
    assert told(tmp_path / "killed.db") == told(tmp_path / "whole.db")


@pytest.mark.slow
def test_kills_at_any_time_lose_nothing_and_double_nothing(tmp_path, server):
    urls = server.urls(*FEEDS)
    assert run(tmp_path / "whole.db", *urls).returncode == 0
    chance = random.Random(18)
    for _ in range(8):
        killed = started(tmp_path / "killed.db", *urls, "--every", 0.05)
        try:
            killed.wait(chance.uniform(0.3, 2.5))
        except subprocess.TimeoutExpired:
            killed.kill()
        killed.communicate()
    assert run(tmp_path / "killed.db", *urls).returncode == 0
    assert told(tmp_path / "killed.db") == told(tmp_path / "whole.db")


def test_a_kill_between_feed_and_memo_loses_nothing(ingest, tmp_path, server):
    ingest(*server.urls(*FEEDS))
    (tmp_path / "stories.db.feeds.json").unlink()
    before = told(tmp_path / "stories.db")
    found, _ = ingest(*server.urls(*FEEDS))
    assert found == {"read": 2, "entries": len(SAMPLE), "unchanged": len(SAMPLE)}
    assert told(tmp_path / "stories.db") == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_between_rounds(tmp_path, server, number):
    process = started(tmp_path / "stories.db", *server.urls(*FEEDS), "--every", 0.2)
    lines = []
    while len(lines) < 3:
        line = process.stdout.readline()
        lines += [counts(line)] if " feeds: " in line else []
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert [line["read"] for line in lines] == [2, 0, 0]
    assert {line["not changed"] for line in lines[1:]} == {2}
    assert len(stored(tmp_path)) == len(SAMPLE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")
def test_a_signal_in_a_feed_lets_it_finish_and_leaves_out_the_next(tmp_path, server):
    server.pages["daily.rss"] = Page(FEEDS["daily.rss"].encode(), pace="stall")
    process = started(tmp_path / "stories.db", *server.urls(*FEEDS), "--timeout", 1)
    assert server.stalled.wait(20)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert counts(out.splitlines()[0])["failed"] == 1  # the server sent no more
    assert server.requests["wire.atom"] == []


def test_without_feedparser_it_says_what_to_install(tmp_path, files):
    (tmp_path / "feedparser.py").write_text("raise ImportError")
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    result = subprocess.run(command(tmp_path / "x.db", files[0]), env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert 'pip install "dedup-stories[feeds]"' in result.stderr.splitlines()[-1]


# What the server need not send again


def test_a_feed_that_has_not_changed_is_not_sent_again(ingest, server):
    urls = server.urls(*FEEDS)
    ingest(*urls)
    assert ingest(*urls) == ({"not changed": 2}, [])
    assert dict(server.requests) == {name: [200, 304] for name in FEEDS}
    server.pages["daily.rss"] = rss("The Daily", [*SAMPLE[0::2], replace(SAMPLE[0], id="new")])
    found, _ = ingest(*urls)
    assert (found["read"], found["not changed"]) == (1, 1)
    assert (found["unchanged"], found["near-duplicates"]) == (len(SAMPLE[0::2]), 1)


def test_the_time_of_the_last_change_is_sent_back(ingest, server):
    stamp = "Tue, 12 Sep 2023 10:00:00 GMT"
    server.pages["a"] = Page(FEEDS["daily.rss"].encode(), headers={"Last-Modified": stamp})
    ingest(server.url("a"))
    ingest(server.url("a"))
    assert [got.get("If-Modified-Since") for got in server.headers["a"]] == [None, stamp]


def test_an_empty_index_does_not_go_by_the_memo_of_another(ingest, server, tmp_path):
    ingest(server.url("daily.rss"))
    (tmp_path / "stories.db").unlink()
    ingest(server.url("daily.rss"))
    assert server.requests["daily.rss"] == [200, 200]
    assert len(stored(tmp_path)) == len(SAMPLE[0::2])


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 5}', '{"a": {}}', "no JSON"])
def test_a_memo_that_is_none_is_left_aside(ingest, server, tmp_path, content):
    ingest(server.url("daily.rss"))
    (tmp_path / "stories.db.feeds.json").write_text(content, encoding="utf-8")
    found, (error,) = ingest(server.url("daily.rss"))
    assert (found["read"], "feeds.json: it is left aside: " in error) == (1, True)
    assert set(memo(tmp_path)) == {server.url("daily.rss")}
    assert ingest(server.url("daily.rss")) == ({"not changed": 1}, [])


def test_a_feed_that_was_cut_short_is_sent_again(ingest, server, tmp_path):
    body, etag = FEEDS["daily.rss"].encode(), {"ETag": '"1"'}
    server.pages["a"] = Page(body, headers=etag, pace="cut")
    found, (error,) = ingest(server.url("a"))
    assert 0 < found["entries"] < len(SAMPLE[0::2])
    assert error.endswith(f"it was cut short: {found['entries']} entries are whole")
    assert memo(tmp_path)[server.url("a")]["etag"] is None
    server.pages["a"] = Page(body + b"<!-- made\nin 3 s -->\n", headers=etag)
    found, _ = ingest(server.url("a"))
    assert found["entries"] == len(SAMPLE[0::2])
    assert stored(tmp_path).keys() == {article.id for article in SAMPLE[0::2]}
    assert memo(tmp_path)[server.url("a")]["etag"] == '"1"'


def test_a_feed_shorter_than_its_server_says_is_not_read(ingest, server):
    body = FEEDS["daily.rss"].encode()
    server.pages["a"] = Page(body, headers={"Content-Length": str(len(body))}, pace="cut")
    found, (error,) = ingest(server.url("a"))
    assert found == {"failed": 1}
    assert f"cut short: {len(body) // 2:,} of {len(body):,} bytes" in error


# Servers


def test_a_packed_feed_is_read(ingest, server, tmp_path):
    packed = gzip.compress(FEEDS["daily.rss"].encode())
    server.pages["a"] = Page(packed, headers={"Content-Encoding": "gzip", "ETag": '"1"'})
    found, _ = ingest(server.url("a"))
    assert (found["entries"], server.headers["a"][0]["Accept-Encoding"]) == (len(SAMPLE[0::2]), "gzip")
    assert memo(tmp_path)[server.url("a")]["etag"] == '"1"'
    server.pages["b"] = Page(packed, pace="cut")
    assert ingest(server.url("b"))[0] == {"failed": 1}


def test_a_feed_that_moved_for_good_is_asked_for_where_it_is(ingest, server, tmp_path):
    server.pages["old"] = Page(status=301, headers={"Location": "/older"})
    server.pages["older"] = Page(status=308, headers={"Location": "/daily.rss"})
    ingest(server.url("old"))
    assert memo(tmp_path)[server.url("old")]["url"] == server.url("daily.rss")
    assert ingest(server.url("old"))[0] == {"not changed": 1}
    assert (server.requests["old"], server.requests["daily.rss"]) == ([301], [200, 304])


def test_a_feed_that_moved_for_now_is_asked_for_where_it_was(ingest, server, tmp_path):
    server.pages["old"] = Page(status=302, headers={"Location": "/other"})
    server.pages["other"] = Page(status=301, headers={"Location": "/daily.rss"})
    ingest(server.url("old"))
    assert memo(tmp_path)[server.url("old")]["url"] == server.url("old")


@pytest.mark.parametrize("to", ["/nothing", "/page", "file:///etc/hostname", "ftp://127.0.0.1/x", "/old"])
def test_a_feed_that_moved_to_where_there_is_none_stays_where_it_was(ingest, server, tmp_path, to):
    server.pages |= {"old": FEEDS["daily.rss"], "page": "<html><body>Parked.</body></html>"}
    ingest(server.url("old"))
    server.pages["old"] = Page(status=301, headers={"Location": to})
    assert ingest(server.url("old"))[0] == {"failed": 1}
    server.pages["old"] = FEEDS["daily.rss"]
    assert ingest(server.url("old"))[0] == {"not changed": 1}


@pytest.mark.parametrize("page", [None, "", "{}", "<html><body><p>Moved.</p></body></html>", Page(status=500)])
def test_what_is_no_feed_fails(ingest, server, page):
    server.pages["odd"] = page
    found, (error,) = ingest(server.url("odd"), server.url("daily.rss"))
    assert (found["failed"], found["read"]) == (1, 1)
    assert error.startswith(server.url("odd"))


def test_an_error_is_one_line(ingest, server):
    server.pages["round"] = Page(status=302, headers={"Location": "round"})
    found, (error,) = ingest(server.url("round"))
    assert (found, "infinite loop" in error) == ({"failed": 1}, True)


def test_a_feed_of_too_many_bytes_is_not_read(ingest, server):
    found, (error,) = ingest(server.url("daily.rss"), "--max-bytes", 1000)
    assert (found, "more than 1,000 bytes" in error) == ({"failed": 1}, True)


@pytest.mark.parametrize(
    ("pace", "limit"), [("stall", "--timeout"), ("drip", "--total-timeout"), ("drip head", "--total-timeout")]
)
def test_a_server_that_takes_too_long_is_left(ingest, server, pace, limit):
    server.pages["slow"] = Page(b"<rss>" + b" " * 2000, pace=pace)
    begin = time.monotonic()
    found, (error,) = ingest(server.url("slow"), server.url("daily.rss"), limit, 0.3)
    assert (found["failed"], found["read"], "TimeoutError" in error) == (1, 1, True)
    assert time.monotonic() - begin < 10


def test_the_time_for_one_feed_is_none_for_the_next(ingest, server):
    found, _ = ingest(*server.urls(*FEEDS), "--total-timeout", 2)
    assert found["read"] == 2
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.parametrize("option", ["--every", "--timeout", "--total-timeout"])
@pytest.mark.parametrize("seconds", ["0", "-5", "nan", "inf", "soon"])
def test_a_time_that_would_never_end_or_begin_is_wrong_usage(example, tmp_path, capsys, option, seconds):
    with pytest.raises(SystemExit) as caught:
        example.main([str(tmp_path / "stories.db"), "feed.xml", f"{option}={seconds}"])
    assert caught.value.code == 2
    assert f"invalid positive value: '{seconds}'" in capsys.readouterr().err


# When a feed is asked again


@pytest.fixture
def waits(example, monkeypatch):
    """Gives the seconds for which a feed that failed so often is left alone."""
    monkeypatch.setattr(example.time, "monotonic", lambda: 1000.0)

    def after(failures, error, *, every=100.0, seed=0):
        feed = example.Feed("a", "a", failures=failures)
        example.postpone(feed, error, every, random.Random(seed))
        assert feed.failures == failures + 1
        return feed.due - 1000

    return after


def answer(status, **headers):
    return HTTPError("a", status, "", {name.replace("_", "-"): value for name, value in headers.items()}, None)


def test_a_feed_that_fails_is_left_alone_twice_as_long_each_time(waits):
    for failures in range(4):
        found = {waits(failures, OSError(), seed=seed) for seed in range(20)}
        assert len(found) == 20  # no two feeds come back at once
        assert 100 * 2 ** (failures + 1) <= min(found) < max(found) <= 125 * 2 ** (failures + 1)
    assert waits(3, OSError(), seed=5) == waits(3, OSError(), seed=5)
    assert waits(10_000, OSError()) == 86_400


def test_a_server_says_when_it_may_be_asked_again(waits):
    for status in (429, 503):
        assert waits(0, answer(status, Retry_After="7200")) == 7200
        later = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
        assert 7190 < waits(0, answer(status, Retry_After=later)) <= 7200
        assert waits(0, answer(status, Retry_After="9" * 5000)) == 86_400
        for nothing in ("", "1", "soon", "-5", "Tue, 12 Sep 2023 10:00:00 GMT"):
            assert waits(0, answer(status, Retry_After=nothing)) == waits(0, answer(500))
    assert waits(0, answer(404, Retry_After="7200")) == waits(0, answer(404))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")
def test_failed_feeds_are_asked_less_often_and_gone_ones_no_more(tmp_path, server):
    server.pages |= {
        "wire.atom": None,
        "busy": Page(status=429, headers={"Retry-After": "600"}),
        "gone": Page(status=410),
    }
    process = started(tmp_path / "stories.db", *server.urls(*FEEDS, "busy", "gone"), "--every", 0.1)
    while len(server.requests["daily.rss"]) < 15 and process.poll() is None:
        time.sleep(0.02)
    process.terminate()
    process.communicate(timeout=20)
    asked = {name: len(requests) for name, requests in server.requests.items()}
    assert (process.returncode, asked["busy"], asked["gone"]) == (0, 1, 1)
    assert 1 < asked["wire.atom"] <= asked["daily.rss"] // 2
    server.pages["wire.atom"] = FEEDS["wire.atom"]


# What becomes of an entry


@pytest.mark.parametrize(("write", "source"), [(rss, "news"), (atom, "wire")])
def test_an_entry_becomes_the_article_that_it_was_made_from(one, tmp_path, write, source):
    one(write("The Daily", SAMPLE))
    found_all = stored(tmp_path)
    for article in SAMPLE:
        found = found_all[article.id]
        assert (found.title, found.text, found.published) == (
            article.title,
            paragraphs(article.text),
            article.published,
        )
        assert (found.source, found.language) == ("The Daily", "en")
        assert found.url == f"https://{source}.example/{article.id}"


def test_an_entry_whose_text_changes_is_updated(one, tmp_path):
    first = replace(SAMPLE[0], id="a")
    assert one(rss("The Daily", [first])) == {"entries": 1, "new stories": 1}
    longer = replace(first, text=f"{first.text}\n\nMore was to follow.")
    assert one(rss("The Daily", [longer])) == {"entries": 1, "updated": 1}
    assert stored(tmp_path)["a"].text.endswith("<p>More was to follow.</p>")


def test_an_id_that_only_its_feed_can_tell_apart_is_its_own(ingest, tmp_path):
    for name in ("a", "b"):
        entry = f"<guid isPermaLink='false'>17</guid><description>{name} {TEXT}</description>"
        (tmp_path / f"{name}.xml").write_text(items(entry), encoding="utf-8")
    found, _ = ingest(tmp_path / "a.xml", tmp_path / "b.xml")
    assert (found["new stories"], found["near-duplicates"]) == (1, 1)
    ids = sorted(name for names in told(tmp_path / "stories.db").values() for name in names)
    assert ids == [f"{tmp_path / name}.xml#17" for name in ("a", "b")]


def test_entries_without_id_and_link_or_without_any_words_are_refused(ingest, tmp_path):
    entries = (
        f"<description>{TEXT}</description>",
        "<guid>empty</guid>",
        "<guid>tags</guid><title> </title><description>&lt;p&gt; &lt;img src='x.png'&gt;&lt;/p&gt;</description>",
        f"<guid>odd</guid><description>{TEXT}</description><pubDate>some day</pubDate>",
        f"<link>https://news.example/1</link><description>{TEXT}</description>",
        "<guid>headline</guid><title>Kim leaves Pyongyang</title>",
    )
    (tmp_path / "feed.xml").write_text(items(*entries), encoding="utf-8")
    found, errors = ingest(tmp_path / "feed.xml")
    assert found == {"read": 1, "entries": 6, "new stories": 2, "refused": 4}
    assert len(errors) == 4
    assert all(error.startswith(f"{tmp_path / 'feed.xml'}: article ") for error in errors)
    assert "field 'published' is 'some day'" in "".join(errors)
    assert stored(tmp_path).keys() == {"https://news.example/1", "headline"}


def test_of_two_entries_with_one_id_the_latest_is_stored(ingest, tmp_path):
    entries = (f"<guid>n:1</guid><title>{title}</title>" for title in ("Kim leaves Pyongyang", "Kim may leave"))
    (tmp_path / "feed.xml").write_text(items(*entries), encoding="utf-8")
    found, (error,) = ingest(tmp_path / "feed.xml")
    assert (found["new stories"], found["refused"], "field 'id' is 'n:1'" in error) == (1, 1, True)
    assert stored(tmp_path)["1"].title == "Kim leaves Pyongyang"


@pytest.mark.parametrize("language", ["en", "no"])
def test_an_entry_of_two_feeds_is_not_updated_by_each_of_them_in_turn(ingest, tmp_path, language):
    entry = f"<guid>n:1</guid><title>Kim leaves</title><description>{TEXT}</description>"
    for name, mark in (("World", "w"), ("Asia", "a")):
        feed = items(f"{entry}<link>https://news.example/1?utm_campaign={mark}</link>")
        head = f"<title>{name}</title><language>{'en' if name == 'World' else language}</language>"
        (tmp_path / f"{name}.xml").write_text(feed.replace("<title>T&amp;amp;T</title>", head, 1), encoding="utf-8")
    feeds = [tmp_path / "World.xml", tmp_path / "Asia.xml"]
    assert ingest(*feeds)[0] == {"read": 2, "entries": 2, "new stories": 1, "unchanged": 1}
    assert ingest(*feeds)[0] == {"read": 2, "entries": 2, "unchanged": 2}
    assert stored(tmp_path)["1"].source == "World"
    changed = feeds[1].read_text(encoding="utf-8").replace("Kim leaves", "Kim has left")
    feeds[1].write_text(changed, encoding="utf-8")
    assert ingest(feeds[1])[0] == {"read": 1, "entries": 1, "updated": 1}
    other = changed.replace("news.example/1", "news.example/2")  # which uses the id again
    feeds[1].write_text(other, encoding="utf-8")
    ingest(feeds[1])
    assert {article.source for article in stored(tmp_path).values()} >= {"Asia"}


def test_a_feed_without_entries_is_a_feed(one):
    assert one(items()) == {}
