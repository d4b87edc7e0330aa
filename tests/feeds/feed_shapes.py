"""Feeds and responses in the shapes that services give them, all of the same three articles.

Two tell of one event in much the same words, the third of another. The texts are made up for this test.
"""

import csv
import io
import json
from html import escape
from typing import NamedTuple

VALLEY = (
    "The only road through the Ardel valley was closed on Monday morning after the river rose above its dam at "
    "Korvik, the county said.\n\nForty families were brought to the school of Upper Ardel, and the ferry carries "
    "medicine to those who stayed. Engineers expect the bridge to be checked by Wednesday."
)
AGAIN = VALLEY.replace("by Wednesday", "by Thursday")
CLOCKS = (
    "After four years of repairs the museum of clocks in Torvik opens again, with nine hundred pieces and a tower "
    "that visitors may wind themselves. Tickets for the first week are sold out."
)


class Report(NamedTuple):
    """An article, whose time is written in the form of each shape."""

    number: int
    title: str
    text: str
    outlet: str
    iso: str  # in UTC, without the zone
    rfc: str


REPORTS = (
    Report(
        1, "Road through Ardel valley closed", VALLEY, "Ardel Post", "2024-04-27T10:00:00", "Sat, 27 Apr 2024 10:00:00"
    ),
    Report(
        2, "Ardel valley cut off & waiting", AGAIN, "County Herald", "2024-04-27T16:30:00", "Sat, 27 Apr 2024 16:30:00"
    ),
    Report(
        3, "Clocks tick again in Torvik", CLOCKS, "Torvik Times", "2024-04-28T08:15:00", "Sun, 28 Apr 2024 08:15:00"
    ),
)


class Shape(NamedTuple):
    """A feed, the name of its file, and the options that its how-to names."""

    file: str
    content: bytes
    sources: tuple[str, ...] = ("Valley News",) * 3
    options: tuple[str, ...] = ()
    has_text: bool = True


def url_of(report):
    return f"https://news.example/2024/{report.number}"


def paragraphs(text):
    return "".join(f"<p>{escape(part, quote=False)}</p>\n" for part in text.split("\n\n"))


def rss(items, head="", attributes='version="2.0"'):
    title = "<title>Valley News</title><link>https://news.example/</link><language>en-gb</language>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss {attributes}><channel>{title}{head}\n{items}</channel></rss>'
    ).encode()


def rss_with_html():
    items = "".join(
        f'<item><title>{escape(r.title)}</title><link>{url_of(r)}?utm_source=rss</link><guid isPermaLink="false">'
        f"valley-{r.number}</guid><pubDate>{r.rfc} GMT</pubDate><dc:creator><![CDATA[Ada Berg]]></dc:creator>"
        f"<description>{escape(paragraphs(r.text)[:90])}&amp;hellip;</description>"
        f"<content:encoded><![CDATA[{paragraphs(r.text)}<img src='x.png'>]]></content:encoded></item>\n"
        for r in REPORTS
    )
    names = 'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return rss(items, attributes=f'version="2.0" {names}')


def atom_with_summaries():
    entries = "".join(
        f'<entry><id>tag:news.example,2024:{r.number}</id><link rel="alternate" href="{url_of(r)}"/>'
        f"<title>{escape(r.title)}</title><updated>{r.iso}+00:00</updated><author><name>Ada Berg</name></author>"
        f'<summary type="html">{escape(paragraphs(r.text))}</summary></entry>\n'
        for r in REPORTS
    )
    head = "<id>https://news.example/</id><title>Valley News</title><updated>2024-04-28T09:00:00Z</updated>"
    return (
        f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">{head}{entries}</feed>'.encode()
    )


def rdf():
    items = "".join(
        f'<item rdf:about="{url_of(r)}"><title>{escape(r.title)}</title><link>{url_of(r)}</link>'
        f"<description>{escape(paragraphs(r.text))}</description><dc:date>{r.iso}Z</dc:date></item>\n"
        for r in REPORTS
    )
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?><rdf:RDF xmlns="http://purl.org/rss/1.0/" '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="https://news.example/"><title>Valley News</title></channel>{items}</rdf:RDF>'
    ).encode("iso-8859-1")


def old_rss():
    doctype = (
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">'
    )
    items = "".join(
        f"<item><title>{escape(r.title)}</title><link>{url_of(r)}</link><description>{escape(r.text)}&nbsp;"
        f"</description><pubDate>{r.rfc} +0000</pubDate></item>\n"
        for r in REPORTS
    )
    return rss(items, attributes='version="0.91"').replace(b"<rss", doctype.encode() + b"\n<rss", 1)


def videos():
    entries = "".join(
        f"<entry><id>yt:video:v{r.number}</id><yt:videoId>v{r.number}</yt:videoId><link rel='alternate' "
        f"href='{url_of(r)}'/><title>{escape(r.title)}</title><published>{r.iso}+00:00</published>"
        f"<media:group><media:title>{escape(r.title)}</media:title><media:thumbnail url='https://news.example/t.jpg'/>"
        f"<media:description>{escape(r.text)}</media:description></media:group></entry>\n"
        for r in REPORTS
    )
    names = "xmlns:media='http://search.yahoo.com/mrss/' xmlns:yt='http://video.example/xml'"
    return f"<feed xmlns='http://www.w3.org/2005/Atom' {names}><title>Valley News</title>{entries}</feed>".encode()


def json_feed():
    items = [
        {
            "id": f"valley-{r.number}",
            "url": url_of(r),
            "title": r.title,
            "content_html": paragraphs(r.text),
            "date_published": f"{r.iso}Z",
            "authors": [{"name": "Ada Berg"}],
        }
        for r in REPORTS
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Valley News", "language": "en", "items": items}
    return json.dumps(feed, indent=2).encode()


def google_news():
    """Titles that end with the outlet, and descriptions that are lists of links to what others wrote."""
    items = ""
    for r in REPORTS:
        link = f"https://aggregator.example/rss/articles/CBM{r.number}?oc=5"
        entry = (
            f'<a href="{link}" target="_blank">{escape(r.title)}</a>&nbsp;&nbsp;<font color="#6f6f6f">{r.outlet}</font>'
        )
        items += (
            f'<item><title>{escape(r.title)} - {r.outlet}</title><link>{link}</link><guid isPermaLink="false">'
            f"CBM{r.number}</guid><pubDate>{r.rfc} GMT</pubDate>"
            f"<description>{escape(f'<ol><li>{entry}</li></ol>')}</description>"
            f'<source url="https://outlet{r.number}.example">{r.outlet}</source></item>\n'
        )
    return rss(items)


def hacker_news():
    """Descriptions without a word of the page."""
    items = "".join(
        f"<item><title><![CDATA[{r.title}]]></title><description><![CDATA[\n<p>Article URL: <a href='{url_of(r)}'>"
        f"{url_of(r)}</a></p>\n<p>Comments URL: <a href='https://forum.example/item?id=4{r.number}'>https://forum.example/"
        f"item?id=4{r.number}</a></p>\n<p>Points: {r.number}2</p>\n<p># Comments: {r.number}</p>\n]]></description>"
        f"<pubDate>{r.rfc} +0000</pubDate><link>{url_of(r)}</link><dc:creator>ada</dc:creator>"
        f'<guid isPermaLink="false">https://forum.example/item?id=4{r.number}</guid></item>\n'
        for r in REPORTS
    )
    return rss(items, attributes='version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"')


def gdelt_json():
    rows = [
        {
            "url": url_of(r),
            "url_mobile": "",
            "title": r.title,
            "seendate": f"{r.iso.replace('-', '').replace(':', '')}Z",
            "socialimage": "",
            "domain": f"outlet{r.number}.example",
            "language": "English",
            "sourcecountry": "Norway",
        }
        for r in REPORTS
    ]
    return json.dumps({"articles": rows}).encode()


def table(header, rows):
    written = io.StringIO()
    csv.writer(written).writerows([header, *rows])
    return written.getvalue().encode("utf-8-sig")


def gdelt_csv():
    rows = [(url_of(r), "", r.iso.replace("T", " "), r.title) for r in REPORTS]
    return table(("URL", "MobileURL", "Date", "Title"), rows)


def news_api():
    rows = [
        {
            "source": {"id": None, "name": r.outlet},
            "author": "Ada Berg",
            "title": r.title,
            "description": r.text[:80],
            "url": url_of(r),
            "urlToImage": None,
            "publishedAt": f"{r.iso}Z",
            "content": f"{r.text[:200]}… [+120 chars]",
        }
        for r in REPORTS
    ]
    return json.dumps({"status": "ok", "totalResults": 3, "articles": rows}).encode()


def gnews():
    rows = [
        {
            "id": f"g{r.number}",
            "title": r.title,
            "description": r.text[:80],
            "content": r.text,
            "url": url_of(r),
            "image": None,
            "publishedAt": f"{r.iso}Z",
            "lang": "en",
            "source": {"id": f"s{r.number}", "name": r.outlet, "url": f"https://outlet{r.number}.example"},
        }
        for r in REPORTS
    ]
    return json.dumps({"totalArticles": 3, "articles": rows}, indent=4).encode()


def media_stack():
    rows = [
        {
            "author": None,
            "title": r.title,
            "description": r.text,
            "url": url_of(r),
            "source": r.outlet,
            "image": None,
            "category": "general",
            "language": "en",
            "country": "no",
            "published_at": f"{r.iso}+00:00",
        }
        for r in REPORTS
    ]
    return json.dumps({"pagination": {"limit": 25, "offset": 0, "count": 3, "total": 3}, "data": rows}).encode()


def scraped():
    """Times as three pages write them."""
    times = "27 Apr 2024 10:00 GMT", "1714235400000", "2024-04-28 08:15 UTC"
    rows = [(url_of(r), r.title, r.text, time, r.outlet) for r, time in zip(REPORTS, times, strict=True)]
    return table(("link", "headline", "body", "date", "site"), rows)


OUTLETS = tuple(r.outlet for r in REPORTS)
DOMAINS = tuple(f"outlet{r.number}.example" for r in REPORTS)
SHAPES = {
    "RSS with HTML": Shape("feed.xml", rss_with_html()),
    "Atom with summaries": Shape("feed.atom", atom_with_summaries()),
    "RDF": Shape("index.rdf", rdf()),
    "RSS 0.91": Shape("old.rss", old_rss()),
    "videos": Shape("videos.xml", videos()),
    "JSON Feed": Shape("feed.json", json_feed()),
    "Google News": Shape("search.rss", google_news(), OUTLETS, has_text=False),
    "Hacker News": Shape("newest.rss", hacker_news(), has_text=False),
    "GDELT": Shape("artlist.json", gdelt_json(), DOMAINS, has_text=False),
    "GDELT as CSV": Shape("artlist.csv", gdelt_csv(), (), ("--timezone", "UTC"), has_text=False),
    "NewsAPI": Shape("everything.json", news_api(), OUTLETS),
    "GNews": Shape("search.json", gnews(), OUTLETS),
    "MediaStack": Shape("news.json", media_stack(), OUTLETS),
    "a scraped table": Shape("pages.csv", scraped(), OUTLETS),
}
