"""examples/rss_ingest.py: RSS and Atom feeds from files and a server, once, again and after a kill."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import dedup
from dedup import StoryIndex

feedparser = pytest.importorskip("feedparser", reason="feedparser is not installed: pip install feedparser")

ROOT = Path(dedup.__file__).parents[1]
SCRIPT = ROOT / "examples" / "rss_ingest.py"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "no_proxy": "*"}
COUNTS = ("entries", "new stories", "reports", "near-duplicates", "unchanged", "updated", "refused")

TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("rss_ingest", SCRIPT)
    module = importlib.util.module_from_spec(spec)
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
            f"<item><guid isPermaLink='false'>{article.id}</guid><link>https://news.example/{article.id}</link>{date}"
            f"<title>{escape(article.title)}</title><description>{escape(paragraphs(article.text))}</description></item>"
        )
    head = f"<title>{title}</title><link>https://news.example/</link><language>en</language>"
    return f"<?xml version='1.0'?><rss version='2.0'><channel>{head}{''.join(items)}</channel></rss>"


def atom(title, articles):
    """An Atom feed, latest first, with a short summary beside its contents."""
    entries = [
        f"<entry><id>{article.id}</id><link href='https://wire.example/{article.id}'/>"
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


class Server:
    """Pages on loopback, by path: a text with its etag, or None for 404; `slow` ones are sent until `hurry` is set."""

    def __init__(self):
        self.pages, self.requests, self.slow = {}, defaultdict(list), set()
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
        etag = f'"{hash(page)}"'
        known = request.headers["If-None-Match"] == etag
        status = 404 if page is None else 304 if known else 200
        self.requests[name].append(status)
        request.send_response(status)
        if page is not None:
            request.send_header("ETag", etag)
            request.send_header("Content-Type", "application/xml; charset=utf-8")
        request.end_headers()
        if status != 200:
            return
        body = page.encode()
        if name in self.slow:
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            self.stalled.set()
            self.hurry.wait(20)
            return
        request.wfile.write(body)

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
    """Reads feeds within this process; gives the counts of each, and what failed."""

    def run(*sources):
        with StoryIndex(tmp_path / "stories.db") as index:
            _, failed = example.ingest(index, [str(source) for source in sources], tmp_path / "memo.json")
        printed = capsys.readouterr()
        assert printed.err.count("\n") == len(failed)
        return [counts(line) for line in printed.out.splitlines()], failed

    return run


@pytest.fixture
def one(ingest, tmp_path):
    """Reads a feed of that text."""

    def run(text):
        (tmp_path / "feed.xml").write_text(text, encoding="utf-8")
        (line,), failed = ingest(tmp_path / "feed.xml")
        assert not failed
        return {name: count for name, count in line.items() if count}

    return run


def counts(line):
    found = dict(zip(COUNTS, map(int, re.findall(r"(\d+) (?:entr|new|rep|near|unch|upd|ref)", line)), strict=True))
    assert [name for name in COUNTS if name not in line] == []
    return found


def stored(tmp_path):
    """The articles of an index by id."""
    with StoryIndex(tmp_path / "stories.db") as index:
        return {article.id: article for story in index.stories() for article in story.articles}


def told(path):
    """The stories of an index, with their ids."""
    with StoryIndex(path) as index:
        return {story.id: [article.id for article in story.articles] for story in index.stories()}


def command(path, *sources):
    return [sys.executable, str(SCRIPT), str(path), *map(str, sources)]


def run(path, *sources):
    return subprocess.run(
        command(path, *sources), env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


# The command


def test_the_stories_of_two_feeds_are_printed_once(tmp_path, files):
    first = run(tmp_path / "stories.db", *files)
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    per_feed = [counts(line) for line in lines[:2]]
    assert sum(line["entries"] for line in per_feed) == len(SAMPLE)
    assert all(line["entries"] == sum(line.values()) - line["entries"] for line in per_feed)
    assert per_feed[1]["reports"] > 0
    assert per_feed[1]["near-duplicates"] > 0

    with StoryIndex(tmp_path / "stories.db") as index:
        stories = index.stories(min_size=2)
    assert any(len(story.sources) == 2 for story in stories)
    expected = [f"{len(s)} articles: {s.headline} ({', '.join(s.sources)})" for s in stories]
    assert sorted(lines[2:]) == sorted(expected)

    again = run(tmp_path / "stories.db", *files)
    assert (again.returncode, again.stderr) == (0, "")
    assert [counts(line)["unchanged"] for line in again.stdout.splitlines()] == [n["entries"] for n in per_feed]


def test_a_story_that_grows_is_printed_again_and_no_other(tmp_path):
    feed = tmp_path / "feed.rss"
    feed.write_text(rss("The Daily", SAMPLE[:-1]), encoding="utf-8")
    run(tmp_path / "stories.db", feed)
    copy = replace(SAMPLE[0], id="copy")
    feed.write_text(rss("The Daily", [*SAMPLE[:-1], copy]), encoding="utf-8")
    grown = run(tmp_path / "stories.db", feed).stdout.splitlines()
    assert counts(grown[0])["near-duplicates"] == 1
    with StoryIndex(tmp_path / "stories.db") as index:
        story = index.story(index.story_id("copy"))
    assert grown[1:] == [f"{len(story)} articles: {story.headline} (The Daily)"]


def test_feeds_that_cannot_be_read_are_reported_and_the_others_are_stored(tmp_path, files, server):
    broken = tmp_path / "broken.rss"
    broken.write_text("This is no feed.", encoding="utf-8")
    bad = [str(broken), str(tmp_path / "missing.rss"), server.url("nothing"), "http://127.0.0.1:1/closed", "http://[/"]
    result = run(tmp_path / "stories.db", *bad[:3], *files, *bad[3:])
    assert result.returncode == 1
    assert [line.startswith(source) for line, source in zip(result.stderr.splitlines(), bad, strict=True)] == [True] * 5
    assert "404" in result.stderr
    assert len(stored(tmp_path)) == len(SAMPLE)


@pytest.mark.slow
def test_a_run_after_a_kill_makes_the_stories_of_one_that_was_not_killed(tmp_path, server):
    urls = server.urls(*FEEDS)
    assert run(tmp_path / "whole.db", *urls).returncode == 0

    server.slow.add("wire.atom")
    killed = subprocess.Popen(command(tmp_path / "killed.db", *urls), env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    try:
        assert server.stalled.wait(20)
    finally:
        killed.kill()
        killed.wait()
    server.hurry.set()
    server.slow.clear()
    assert sum(map(len, told(tmp_path / "killed.db").values())) == len(SAMPLE[0::2])

    assert run(tmp_path / "killed.db", *urls).returncode == 0
    assert server.requests["daily.rss"][-1] == 304
    assert told(tmp_path / "killed.db") == told(tmp_path / "whole.db")


def test_a_kill_between_feed_and_memo_loses_nothing(ingest, tmp_path, server):
    ingest(*server.urls(*FEEDS))
    (tmp_path / "memo.json").unlink()
    before = told(tmp_path / "stories.db")
    lines, _ = ingest(*server.urls(*FEEDS))
    assert [line["unchanged"] for line in lines] == [line["entries"] for line in lines]
    assert told(tmp_path / "stories.db") == before


def test_without_feedparser_it_says_what_to_install(tmp_path):
    (tmp_path / "feedparser.py").write_text("raise ImportError")
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    result = subprocess.run(command("x.db", "x"), env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "pip install feedparser" in result.stderr.splitlines()[-1]


# What the server need not send again


def test_a_feed_that_has_not_changed_is_not_sent_again(ingest, server):
    urls = server.urls(*FEEDS)
    ingest(*urls)
    again, failed = ingest(*urls)
    assert (sum(sum(line.values()) for line in again), failed) == (0, [])
    assert dict(server.requests) == {name: [200, 304] for name in FEEDS}
    server.pages["daily.rss"] = rss("The Daily", [*SAMPLE[0::2], replace(SAMPLE[0], id="new")])
    (changed, same), _ = ingest(*urls)
    assert (changed["unchanged"], changed["near-duplicates"], same["entries"]) == (len(SAMPLE[0::2]), 1, 0)


def test_an_empty_index_does_not_go_by_the_memo_of_another(ingest, server, tmp_path):
    ingest(server.url("daily.rss"))
    (tmp_path / "stories.db").unlink()
    ingest(server.url("daily.rss"))
    assert server.requests["daily.rss"] == [200, 200]
    assert len(stored(tmp_path)) == len(SAMPLE[0::2])


def test_a_feed_that_was_cut_short_is_sent_again(ingest, server, tmp_path):
    server.slow.add("daily.rss")
    server.hurry.set()
    ingest(server.url("daily.rss"))
    assert not (tmp_path / "memo.json").exists()
    assert 0 < len(stored(tmp_path)) < len(SAMPLE[0::2])
    server.slow.clear()
    (line,), _ = ingest(server.url("daily.rss"))
    assert line["entries"] == len(SAMPLE[0::2])
    assert stored(tmp_path).keys() == {article.id for article in SAMPLE[0::2]}
    assert list(json.loads((tmp_path / "memo.json").read_text())) == [server.url("daily.rss")]


# What becomes of an entry


@pytest.mark.parametrize(("write", "source"), [(rss, "news"), (atom, "wire")])
def test_an_entry_becomes_the_article_that_it_was_made_from(one, tmp_path, write, source):
    one(write("The Daily", SAMPLE))
    found_all = stored(tmp_path)
    for article in SAMPLE:
        found = found_all[article.id]
        assert (found.title, found.text, found.published) == (
            " ".join(article.title.split()),
            "\n\n".join(" ".join(part.split()) for part in article.text.split("\n\n")),
            article.published,
        )
        assert (found.source, found.language) == ("The Daily", "en")
        assert found.url == f"https://{source}.example/{article.id}"


def test_an_entry_whose_text_changes_is_updated(one, tmp_path):
    first = replace(SAMPLE[0], id="a")
    assert one(rss("The Daily", [first])) == {"entries": 1, "new stories": 1}
    longer = replace(first, text=f"{first.text}\n\nMore was to follow.")
    assert one(rss("The Daily", [longer])) == {"entries": 1, "updated": 1}
    assert stored(tmp_path)["a"].text.endswith("\n\nMore was to follow.")


@pytest.mark.parametrize("date", ["", "<pubDate>some day</pubDate>"])
def test_entries_without_a_date_are_undated_articles_in_the_order_of_the_feed(one, tmp_path, date):
    latest, oldest = (f"<guid>{name}</guid><description>{name} {TEXT}</description>{date}" for name in ("b", "a"))
    dated = "<guid>c</guid><description>Elsewhere.</description><pubDate>Tue, 12 Sep 2023 10:00:00 +0200</pubDate>"
    assert one(items(latest, oldest, dated))["entries"] == 3
    assert {name: article.published for name, article in stored(tmp_path).items()} == {
        "a": None,
        "b": None,
        "c": TUESDAY,
    }
    with StoryIndex(tmp_path / "stories.db") as index:
        assert [row.id for row in index._session.store.rows([1, 2, 3]).values()] == ["c", "a", "b"]


def test_entries_without_id_and_link_or_without_any_words_are_refused(one, tmp_path):
    entries = (
        f"<description>{TEXT}</description>",
        "<guid>empty</guid>",
        "<guid>tags</guid><title> </title><description>&lt;p&gt; &lt;img src='x.png'&gt;&lt;/p&gt;</description>",
        f"<link>https://news.example/1</link><description>{TEXT}</description>",
        "<guid>headline</guid><title>Kim leaves Pyongyang</title>",
        "<guid>headline</guid><title>Twice in one feed</title>",
    )
    assert one(items(*entries)) == {"entries": 6, "new stories": 2, "refused": 4}
    assert stored(tmp_path).keys() == {"https://news.example/1", "headline"}


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One &amp; two</p>\n<p>three<br>four <b>fi</b>ve</p>", "One & two\n\nthree\n\nfour five"),
        ("<div>a<ul><li>b</li><li>c</li></ul></div>", "a\n\nb\n\nc"),
        ("<h2>Head</h2>text<script>evil()</script><style>p {}</style>", "Head\n\ntext"),
        ("no tags\nat all\n\n1 < 2 & 3 > 2", "no tags at all\n\n1 < 2 & 3 > 2"),
        ("<p>caf&eacute; &#8212; <a href='x?a=1&amp;b=2'>link</a> <img src='x'></p>", "café — link"),
        ("<p>unclosed <i>tags", "unclosed tags"),
    ],
)
def test_html_becomes_paragraphs(one, tmp_path, html, text):
    one(
        items(f"<guid>a</guid><title>T &amp;amp; &lt;i&gt;U&lt;/i&gt;</title><description>{escape(html)}</description>")
    )
    assert stored(tmp_path)["a"].text == text
    assert (stored(tmp_path)["a"].title, stored(tmp_path)["a"].source) == ("T & U", "T&T")


def test_angle_brackets_of_plain_text_stay(one, tmp_path):
    one(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry><id>a</id><title>On &lt;b&gt;</title>"
        "<updated>2023-09-12T10:00:00+02:00</updated><content type='text'>It is &lt;b&gt; &amp;amp;</content>"
        "</entry></feed>"
    )
    assert stored(tmp_path)["a"] == dedup.Article(
        "a", "It is <b> &amp;", title="On <b>", published=TUESDAY, source="T", url="a"
    )


@pytest.mark.parametrize("page", [None, "", "{}", "<html><body><p>Moved.</p></body></html>"])
def test_what_is_no_feed_fails(ingest, server, page):
    server.pages["odd"] = page
    assert ingest(server.url("odd")) == ([], [server.url("odd")])


@pytest.mark.parametrize("html", ["<![odd[x]]> text", "<!odd> text", "<p", "</", "&#xffffffff; &#0;", "<p>" * 5000])
def test_html_that_is_none_stops_nothing(ingest, files, tmp_path, html):
    odd = tmp_path / "odd.xml"
    odd.write_text(items(f"<guid>odd</guid><title>Odd</title><description>{escape(html)}</description>"))
    lines, failed = ingest(odd, files[0])
    assert len(lines) + len(failed) == 2
    assert lines[-1]["entries"] == len(SAMPLE[0::2])


def test_a_feed_without_entries_is_a_feed(one):
    assert one(items()) == {}
