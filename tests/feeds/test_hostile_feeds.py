"""Broken, cut and hostile feeds: what can be read is read, and in bounded time."""

import gzip
import time
from contextlib import suppress

import pytest
from feed_shapes import SHAPES, rss
from hypothesis import given
from hypothesis import strategies as st

from dedup import feeds
from dedup.feeds import content, repair

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "'
    + "ha" * 1000
    + '">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


def texts(data):
    return [entry["text"] for entry in feeds.read(data)]


def test_entities_do_not_grow():
    feed = rss("<item><title>T</title><description>&i; &a;</description></item>")
    feed = BOMB.encode() + feed[feed.index(b"<rss") :]
    assert texts(feed) == ["&i; &a;"]


def test_files_and_addresses_that_entities_name_are_not_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    head = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
    feed = rss("<item><title>T</title><description>x&x;</description></item>")
    assert texts(head.encode() + feed[feed.index(b"<rss") :]) == ["x&x;"]


def test_more_than_the_limit_is_refused_packed_or_not(monkeypatch):
    monkeypatch.setattr(content, "MAX_BYTES", 1000)
    for data in (b" " * 1001, gzip.compress(b" " * 5_000_000)):
        with pytest.raises(ValueError, match="more than 1,000 bytes"):
            feeds.read(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1251", "koi8-r"])
def test_encodings_that_feeds_declare(encoding):
    head = f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><item>'
    feed = f"{head}<description>Поезд идёт</description>"
    assert texts(f"{feed}</item></channel></rss>".encode(encoding)) == ["Поезд идёт"]


@pytest.mark.parametrize(
    ("declared", "real", "text", "read"),
    [
        ("iso-8859-1", "utf-8", "Señor – 金", "Señor – 金"),
        ("utf-8", "windows-1252", "Señor – a", "Señor – a"),
        ("us-ascii", "utf-8", "Señor", "Señor"),
        ("punycode", "utf-8", "Señor", "Señor"),
        ("zlib", "utf-8", "Señor", "Señor"),
        ("none-such", "windows-1252", "Señor", "Señor"),
        ("iso-2022-jp", "iso-2022-jp", "東京", "東京"),
        ("gb2312", "gb2312", "北京", "北京"),
    ],
)
def test_encodings_that_feeds_declare_wrongly(declared, real, text, read):
    head = f'<?xml version="1.0" encoding="{declared}"?><rss version="2.0"><channel><item>'
    feed = f"{head}<description>{text}</description>"
    assert texts(f"{feed}</item></channel></rss>".encode(real)) == [read]


def test_one_bad_byte_is_replaced():
    feed = rss("<item><description>Поезд @ идёт</description></item>").replace(b"@", b"\xff")
    assert texts(feed) == ["Поезд \ufffd идёт"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("caf&eacute;&nbsp;&hellip;", "café\xa0…"),
        ("R&D and A & B", "R&D and A & B"),
        ("&#8217;&#x2019;&#60;b>", "’’<b>"),
        ("a\x0bb\x00c&#11;d&#0;", "abcd\ufffd"),
        ("&#xd800;&#99999999;&#x110000;", "\ufffd&#99999999;\ufffd"),
        ("&unknown; &notit;", "&unknown; &notit;"),
        ("<![CDATA[&eacute; <category>a</category> & <author>]]>", "&eacute; <category>a</category> & <author>"),
        ("a<!-- <author>&bogus -->b", "ab"),
    ],
)
def test_what_is_no_xml_is_mended(written, read, caplog):
    assert texts(rss(f"<item><description>{written}</description></item>")) == [read]
    assert caplog.records == []  # the strict parser read it


def test_what_stands_before_the_feed_is_skipped():
    feed = rss("<item><description>D</description></item>")
    for before in (
        b"\r\n\r\n",
        b"\xef\xbb\xbf",
        b"<!-- <rss> -->",
        b"Warning: on line 3 < 4\n",
        b"<?php ?>",
        b"<!DOCTYPE rss>",
        b"<br />\n<b>Warning</b>:  headers sent in <b>/feed.php</b> on line <b>3</b><br />\n<?xml version='1.0'?>",
        b"<p>A message <?xml?><!-- <feed> -->",
    ):
        assert texts(before + feed) == ["D"]
    for before in (b"<?xml?><html><?xml?><body>", b"<br /><?xml?><channels>"):
        with pytest.raises(ValueError, match=r"it is (an HTML page|XML that begins with <br>)"):
            texts(before + feed)


def test_a_feed_that_is_cut_short_gives_its_whole_entries(caplog):
    whole = SHAPES["RSS with HTML"].content
    places = [whole.index(b"valley-2"), whole.index(b"valley-3"), whole.index(b"</channel>")]
    assert [len(feeds.read(whole[:place])) for place in places] == [1, 2, 3]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert "1 entries of it are read" in caplog.text


@given(st.integers(0, len(SHAPES["RSS with HTML"].content) - 1))
def test_wherever_a_feed_is_cut_its_entries_are_a_beginning_of_the_whole(place):
    whole = feeds.read(SHAPES["RSS with HTML"].content)
    try:
        found = feeds.read(SHAPES["RSS with HTML"].content[:place])
    except ValueError:
        return
    assert found == whole[: len(found)]


PIECES = (
    *(
        "<rss>",
        "<rss version='2.0'>",
        "</rss>",
        "<channel>",
        "<item>",
        "</item>",
        "<feed xmlns='http://www.w3.org/2005/Atom'>",
    ),
    *(
        "<entry>",
        "</entry>",
        "<title>",
        "</title>",
        "<author>",
        "<name>",
        "</name>",
        "</author>",
        "<link>",
        "<link href='a'/>",
    ),
    *(
        "<pubDate>",
        "</pubDate>",
        "<content type='xhtml'>",
        "</content>",
        "<media:title>",
        "<dc:creator>",
        "<category a='b'/>",
    ),
    *(
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE a [",
        "]>",
        "<?xml",
        "?>",
        "&amp;",
        "&a;",
        "&",
        "&#9999999;",
        "<",
        ">",
        "'",
    ),
    *(
        "text",
        " ",
        "\n",
        "\0",
        "\ud800",
        "é",
        "<description>",
        "</description>",
        "{",
        "}",
        "[",
        "]",
        '"items":',
        '"',
        ":",
        ",",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_nothing_but_value_error_comes_of_anything(text):
    try:
        found = feeds.read(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        return
    assert isinstance(found, list)


@given(st.binary(max_size=200))
def test_nothing_but_value_error_comes_of_any_bytes(data):
    try:
        feeds.read(b"<rss>" + data)
    except ValueError:
        return


HOSTILE = {
    "author": lambda n: rss(f"<item><author>{'a' * n}</author></item>"),
    "creator": lambda n: rss(
        f"<item><x:creator xmlns:x='http://purl.org/dc/elements/1.1/'>{'a' * n}</x:creator></item>"
    ),
    "categories": lambda n: rss("<item>" + "".join(f"<category>{i}</category>" for i in range(n // 9)) + "</item>"),
    "keywords": lambda n: rss(f"<item><media:keywords>{','.join(map(str, range(n // 5)))}</media:keywords></item>"),
    "date": lambda n: rss(f"<item><pubDate>{'1' * n}</pubDate></item>"),
    "blank lines": lambda n: b"<!--" + b"\n" * n + b"-->" + rss(""),
    "doctypes": lambda n: b"<!DOCTYPE a>" * (n // 9) + rss(""),
    "declarations": lambda n: b"<?xml " + b"encoding='a" * (n // 9) + b"?>" + rss(""),
    "namespaces": lambda n: rss("<item/>" * (n // 9), attributes=" ".join(f"xmlns:a{i}='b{i}'" for i in range(n // 9))),
    "open tags": lambda n: rss("<item>" + "<a " * n),
    "CDATA": lambda n: rss("<item><title>" + "<![CDATA[" * (n // 4)),
    "comments": lambda n: rss("<item><title>" + "<!--" * (n // 4)),
    "ampersands": lambda n: rss("<item><title>" + "&a" * n + "</title></item>"),
    "brackets": lambda n: b"[" * n,
    "depth": lambda n: rss("<a>" * (n // 4) + "</a>" * (n // 4)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_linear(name):
    start = time.process_time()
    with suppress(ValueError):
        feeds.read(HOSTILE[name](100_000))
    assert time.process_time() - start < 15  # at most 0.5 on an idle machine; about a minute where it is quadratic


def test_only_what_is_slow_gets_another_name():
    text = "<rss><category>a</category><categories>b</categories><authors/><author-x/><nickname>c</nickname></rss>"
    found = repair.repaired(text).decode()
    assert "<x-category>a</x-category>" in found
    assert text.partition("</category>")[2] in found
