"""dedup.feeds.read: what becomes of each element of a feed, from every kind of source."""

import gzip
import io
import json
import subprocess
import sys
import warnings
from datetime import UTC

import feedparser
import pytest
from feed_shapes import REPORTS, SHAPES, rss, url_of

import dedup
from dedup import feeds


def entry(inner, head="", attributes='version="2.0"'):
    """The only entry of an RSS feed."""
    (found,) = feeds.read(rss(f"<item>{inner}</item>", head, attributes))
    return found


def atom(head, inner):
    """The only entry of an Atom feed."""
    (found,) = feeds.read(f"<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'>{head}{inner}</feed>".encode())
    return found


CONTENT = 'version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
MEDIA = 'version="2.0" xmlns:media="http://search.yahoo.com/mrss/"'
DUBLIN_CORE = 'version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'


# Every kind of source


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "feed.xml"
    made.write_bytes(SHAPES["RSS with HTML"].content)
    return made


def test_every_kind_of_source_gives_the_same(path):
    content = path.read_bytes()
    want = feeds.read(content)
    assert [found["id"] for found in want] == ["valley-1", "valley-2", "valley-3"]
    assert feeds.read(path) == feeds.read(str(path)) == feeds.read(io.BytesIO(content)) == want
    assert (
        feeds.read(bytearray(content)) == feeds.read(memoryview(content)) == feeds.read(gzip.compress(content)) == want
    )
    with path.open("rb") as file:
        assert feeds.read(file) == want


def test_what_feedparser_and_json_made_of_a_feed_gives_the_same(path):
    parsed = feedparser.parse(path.read_bytes(), sanitize_html=False, resolve_relative_uris=False)
    assert feeds.read(parsed) == feeds.read(path)
    for name in ("JSON Feed", "NewsAPI", "GNews", "MediaStack"):
        content = SHAPES[name].content
        assert feeds.read(json.loads(content)) == feeds.read(content)


def test_a_source_that_is_named_is_that_of_every_entry():
    for shape in ("RSS with HTML", "JSON Feed", "NewsAPI"):
        found = feeds.read(SHAPES[shape].content, source="Mine")
        assert [article.source for article in dedup.cluster(found).articles] == ["Mine"] * 3


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (5, TypeError, "feed is 5; allowed: a path, bytes"),
        (None, TypeError, "feed is None"),
        (["a"], TypeError, "feed is"),
        (io.StringIO("<rss/>"), TypeError, "opened as text"),
        ("<rss></rss>", ValueError, "a feed itself as bytes"),
        (' {"items": []}', ValueError, "a feed itself as bytes"),
        ("https://news.example/feed.xml", ValueError, "for you to fetch"),
        ("missing.xml", FileNotFoundError, "missing.xml"),
        (b"", ValueError, "the feed: it is empty; allowed: RSS, RDF, Atom, JSON Feed"),
        (b" \r\n", ValueError, "empty"),
        (b"<!doctype html><html><body>Moved</body></html>", ValueError, "an HTML page"),
        (b"<HTML><head></head></HTML>", ValueError, "an HTML page"),
        (b"<urlset xmlns='http://sitemap.example'><url/></urlset>", ValueError, "begins with <urlset>"),
        (b"Not found", ValueError, "no XML"),
        (b"<!-- nothing", ValueError, "no XML"),
        (b"<rss version='2.0'><channel><title>T", ValueError, "no feed that can be read"),
        (b"<rss version='2.0'><channel><item><title>T", ValueError, "before the end of its first entry"),
        (b"{", ValueError, "no JSON"),
        (b'{"status": "error", "message": "apiKey wrong"}', ValueError, "it says 'apiKey wrong' and has no list"),
        (b'{"articles": [1]}', ValueError, "no list of articles"),
        (b'{"version": "https://jsonfeed.org/version/1"}', ValueError, "no list of articles"),
        (b"[" * 100_000, ValueError, "brackets"),
        (b"\x1f\x8b\x08broken", ValueError, "gzipped and cannot be unpacked"),
        (gzip.compress(b"<rss/>")[:-9], ValueError, "gzipped and cannot be unpacked"),
        ({}, ValueError, "no list of articles"),
        (feedparser.FeedParserDict(bozo=True, entries=[], feed={}), ValueError, "no entries"),
    ],
)
def test_what_is_no_feed_is_said(given, error, message):
    with pytest.raises(error, match=message):
        feeds.read(given)


def test_a_message_names_the_file(tmp_path):
    (tmp_path / "page.xml").write_bytes(b"<html></html>")
    for given in (tmp_path / "page.xml", str(tmp_path / "page.xml")):
        with pytest.raises(ValueError, match=r"page\.xml: it is an HTML page"):
            feeds.read(given)
    with (tmp_path / "page.xml").open("rb") as file, pytest.raises(ValueError, match=r"page\.xml: it is an HTML page"):
        feeds.read(file)


def test_a_source_that_is_no_str_is_refused():
    with pytest.raises(TypeError, match="source is 5; allowed: None or str"):
        feeds.read(b"<rss/>", source=5)


def test_a_feed_without_entries_is_a_feed():
    assert feeds.read(rss("")) == []
    assert feeds.read(b'{"version": "https://jsonfeed.org/version/1", "items": []}') == []
    assert feeds.read(b'{"status": "ok", "articles": []}') == feeds.read(b"[]") == []


def test_without_feedparser_it_says_what_to_install_and_json_is_read():
    code = "import sys; sys.modules['feedparser'] = None; from dedup import feeds; assert feeds.read(b'[]') == []\n"
    code += "try: feeds.read(b'<rss/>')\nexcept ImportError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "dedup-stories[feeds]"' in done.stdout


def test_it_warns_of_nothing(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for shape in SHAPES.values():
            if not shape.file.endswith("csv"):
                feeds.read(shape.content)


# What becomes of an entry


def test_texts_and_titles_are_handed_on_as_they_came():
    html = "<p onclick='x()'>One &amp; <a href='/two'>two</a></p><script>three()</script>"
    found = entry(f"<title>A &lt;b&gt; &amp;amp; c</title><description><![CDATA[{html}]]></description>")
    assert (found["title"], found["text"]) == ("A <b> &amp; c", html)


def test_content_comes_before_the_description():
    inner = "<description>Short.</description><content:encoded>&lt;p&gt;All of it.</content:encoded>"
    assert entry(inner, attributes=CONTENT)["text"] == "<p>All of it."
    inner = "<content:encoded>&lt;p&gt;All of it.</content:encoded><description>Short.</description>"
    assert entry(inner, attributes=CONTENT)["text"] == "<p>All of it."


def test_content_without_a_word_does_not_hide_the_description():
    inner = "<description>Short.</description><content:encoded>&lt;img src='a.png'&gt;</content:encoded>"
    assert entry(inner, attributes=CONTENT)["text"] == "Short."
    assert entry("<title> </title><description>&lt;p&gt; &lt;/p&gt;</description>")["text"] is None


def test_captions_of_pictures_are_not_the_text_and_those_of_videos_are():
    picture = "<media:content url='a.jpg'><media:title>IMG 1</media:title><media:description type='plain'>A bridge"
    picture += "</media:description></media:content>"
    for inner in (
        f"<title>T</title><description>D</description>{picture}",
        f"{picture}<title>T</title><description>D</description>",
    ):
        found = entry(inner, attributes=MEDIA)
        assert (found["title"], found["text"]) == ("T", "D")
    found = entry(picture, attributes=MEDIA)
    assert (found["title"], found["text"]) == ("IMG 1", "A bridge")


@pytest.mark.parametrize(
    ("inner", "name", "url"),
    [
        ("<guid>https://a.example/1</guid>", "https://a.example/1", "https://a.example/1"),
        ("<guid>7</guid>", "7", None),
        ("<guid isPermaLink='false'>7</guid><link>https://a.example/1</link>", "7", "https://a.example/1"),
        ("<link>https://a.example/1</link><guid isPermaLink='false'>7</guid>", "7", "https://a.example/1"),
        ("<link>https://a.example/?a=1&amp;b=2</link>", "https://a.example/?a=1&b=2", "https://a.example/?a=1&b=2"),
        ("<link>https://a.example/?a=1&b=2&copy=3</link>", *["https://a.example/?a=1&b=2&copy=3"] * 2),
        ("<link>/1</link>", "https://news.example/1", "https://news.example/1"),
        ("<link>https://[/</link>", "https://[/", "https://[/"),
        ("<title>T</title>", None, None),
    ],
)
def test_ids_and_urls(inner, name, url):
    found = entry(inner)
    assert (found["id"], found["url"]) == (name, url)


def test_the_url_behind_a_proxy_of_feeds_is_that_of_the_page():
    inner = "<link>https://proxy.example/~r/1</link><fb:origLink>https://a.example/1</fb:origLink>"
    attributes = 'version="2.0" xmlns:fb="http://rssnamespace.org/feedburner/ext/1.0"'
    assert entry(inner, attributes=attributes)["url"] == "https://a.example/1"


@pytest.mark.parametrize(
    ("inner", "published"),
    [
        ("<pubDate>Mon, 27 Apr 2026 12:00:00 +0200</pubDate>", "2026-04-27T10:00:00+00:00"),
        ("<pubDate>2026-04-27 10:00:00</pubDate>", "2026-04-27T10:00:00+00:00"),  # without a zone
        ("<dc:date>2026-04-27T10:00:00Z</dc:date>", "2026-04-27T10:00:00+00:00"),
        (
            "<dc:date>2026-04-28T10:00:00Z</dc:date><pubDate>27 Apr 2026 10:00:00 GMT</pubDate>",
            "2026-04-27T10:00:00+00:00",
        ),
        ("<pubDate>soon</pubDate><dc:date>2026-04-27T10:00:00Z</dc:date>", "2026-04-27T10:00:00+00:00"),
        ("<title>T</title>", "None"),
        ("<pubDate> </pubDate>", "None"),
    ],
)
def test_times(inner, published):
    found = entry(f"<description>D</description>{inner}", attributes=DUBLIN_CORE)
    (article,) = dedup.cluster([found]).articles
    assert (article.published and article.published.astimezone(UTC).isoformat()) == (
        None if published == "None" else published
    )


def test_what_is_no_date_is_for_errors_to_decide():
    found = entry("<guid>1</guid><description>D</description><pubDate>soon</pubDate>")
    assert found["published"] == "soon"
    with pytest.raises(ValueError, match=r"article 0 \(id '1'\): field 'published' is 'soon'"):
        dedup.cluster([found])
    stories = dedup.cluster([found], errors="undated")
    assert (stories.articles[0].published, [refusal.value for refusal in stories.refusals]) == (None, ["'soon'"])


def test_the_source_is_that_of_the_entry_or_the_title_of_the_feed():
    assert entry("<title>T</title>")["source"] == "Valley News"
    assert entry("<title>T</title><source url='https://o.example'>Outlet</source>")["source"] == "Outlet"
    found = atom("<title type='html'>Fish &amp;amp; &lt;b>Chips&lt;/b></title>", "<entry><id>a</id></entry>")
    assert found["source"] == "Fish & Chips"
    found = atom("<title>Planet</title>", "<entry><id>a</id><source><title>Blog</title></source></entry>")
    assert found["source"] == "Blog"


def test_the_language_is_that_of_the_entry_or_of_the_feed():
    assert entry("<title>T</title>")["language"] == "en-gb"
    assert entry("<title>T</title><dc:language>nb</dc:language>", attributes=DUBLIN_CORE)["language"] == "nb"
    found = atom("", "<entry xml:lang='nb'><id>a</id><title>T</title></entry>")
    assert found["language"] == "nb"


@pytest.mark.parametrize(
    ("inner", "author"),
    [
        ("<author>ada@a.example (Ada Berg)</author>", "ada@a.example (Ada Berg)"),
        ("<dc:creator><![CDATA[Ada Berg]]></dc:creator>", "Ada Berg"),
        ("<dc:creator>Ada Berg</dc:creator><dc:creator>Bo Dahl</dc:creator>", "Ada Berg, Bo Dahl"),
        ("<dc:creator>Ada Berg</dc:creator><author>Ada Berg</author>", "Ada Berg"),
        ("<dc:contributor>Cy Eng</dc:contributor><dc:creator>Ada</dc:creator>", "Ada"),
        ("<category>Ada</category><dc:publisher>Post</dc:publisher>", None),
    ],
)
def test_authors(inner, author):
    assert entry(f"<title>T</title>{inner}", attributes=DUBLIN_CORE)["author"] == author


def test_authors_of_atom():
    inner = "<author><name>Ada Berg</name><email>a@a.example</email></author><contributor><name>Cy</name></contributor>"
    found = atom("<author><name>All</name></author>", f"<entry><id>a</id>{inner}</entry>")
    assert found["author"] == "Ada Berg"


def test_json_feed_1_0_and_what_it_leaves_out():
    feed = {
        "version": "https://jsonfeed.org/version/1",
        "title": "Notes",
        "items": [
            {"id": 7, "content_text": "A note.", "author": {"name": "Ada"}, "date_modified": "2026-04-27T10:00:00Z"},
            {"id": "", "external_url": "https://a.example", "summary": "S", "authors": "nobody", "language": "nb"},
            "no entry",
        ],
    }
    note, link, other = feeds.read(json.dumps(feed).encode())
    assert (note["id"], note["text"], note["author"], note["published"]) == (
        7,
        "A note.",
        "Ada",
        "2026-04-27T10:00:00Z",
    )
    assert (link["id"], link["text"], link["author"], link["language"]) == ("https://a.example", "S", None, "nb")
    stories = dedup.cluster([note, link, other], errors="skip")
    assert [article.id for article in stories.articles] == ["7", "https://a.example", "2"]  # a str is a text


@pytest.mark.parametrize("where", ["articles", "items", "entries", "results", "data", "docs", "hits", "news"])
def test_responses_of_services(where):
    rows = [{"title": r.title, "link": url_of(r)} for r in REPORTS]
    want = [{**row, "id": row["link"]} for row in rows]
    for document in (rows, {where: rows}, {"status": "ok", "response": {where: rows}}, {"data": {where: rows}}):
        assert feeds.read(json.dumps(document).encode()) == feeds.read(json.dumps(document, indent=1).encode()) == want


def test_rows_keep_the_ids_that_they_have():
    rows = [{"url": "u", "guid": "g"}, {"url": "u", "id": None}, {"url": 5}, {"article_id": 3, "url": "u"}]
    found = feeds.read(json.dumps(rows).encode())
    assert found == [rows[0], {"url": "u", "id": "u"}, rows[2], rows[3]]
