"""Links: one rule for the cards, for the plain list of the page, and for the data of its script."""

import json
import re
from html.parser import HTMLParser

import pytest

import dedup
from dedup.html.fields import link, web_address

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé, selon le Kremlin."
ALLOWED = [
    "https://www.washingtonexaminer.com/news/raisi-won't-meet",
    "https://example.com/kim?a=1&b=2#c",
    "https://example.com/" + "x" * 980,
    "HTTP://EXAMPLE.COM",
    "http://пример.рф/ким",
    "https://[::1]:8080/",
]
REFUSED = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    " \tjavascript:alert(1)//https://a.example",
    "javascript:alert(1)//\nhttps://example.com/",
    "data:text/html,<script>alert(1)</script>",
    "DATA:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "ftp://example.com/",
    "//example.com/kim",
    "/kim",
    "kim.html",
    "blob:https://example.com/1",
    "view-source:https://example.com/",
    "https:example.com",
    "https://",
    "http://a b",
    "http://a\nb",
    "https://example.com/\n",
    "https://a\x00b",
    "https://example.com/\x7f",
    "https://example.com/\x9b",
    "https://example.com/\u00a0",
    "https://example.com/\u2028",
    "https://example.com/\u200b",
    'https://example.com/"onclick="alert(1)',
    "https://x.example/\" onmouseover='alert(1)' x='",
    "https://example.com/`x",
    "https://example.com/<b>",
    "https://example.com/</script><script>alert(1)</script>",
    "https:\\\\example.com",
    "https://example.com\\@other.example",
    "https://example.com/\u202egpj.exe",
    "https://example.com/\u2066x\u2069",
    "https://example.com/\ud800",
    "https://example.com/" + "x" * 981,
    "https://example.com/" + "x" * 10_000,
    " https://example.com/",
    "",
]


class Links(HTMLParser):
    """The attributes of the links of a page or a card."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.found = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        if tag == "a" and not dict(attributes).get("href", "").startswith("#"):  # within the page
            self.found.append(dict(attributes))


@pytest.fixture
def shown(tmp_path):
    """All that is shown of two articles with this URL."""

    def show(url):
        articles = [{"id": "a", "text": KIM, "url": url}, {"id": "b", "text": KIM + " Fin.", "url": url}]
        stories = dedup.cluster(articles)
        stories.to_html(tmp_path / "stories.html")
        results = [stories, stories[0], stories.explain("a", "b"), dedup.explain(*articles), stories[0].explain("a")]
        return [(tmp_path / "stories.html").read_text("utf-8"), *(result._repr_html_() for result in results)]

    return show


def urls_of(page):
    data = json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', page)[1])
    return {article.get("url") for story in data["stories"] for article in story["articles"]}


@pytest.mark.parametrize("url", REFUSED)
def test_another_url_is_a_link_nowhere(url, shown):
    page, *cards = shown(url)
    assert urls_of(page) == {None}
    assert [Links(source).found for source in (page, *cards)] == [[]] * 6
    assert (web_address(url), link(url, "Kim")) == ("", "Kim")


@pytest.mark.parametrize("url", ALLOWED)
def test_a_web_address_is_a_link_everywhere(url, shown):
    page, *cards = shown(url)
    expected = {"href": url, "target": "_blank", "rel": "noopener noreferrer nofollow"}
    assert urls_of(page) == {url}
    for source in (page, *cards):
        found = Links(source).found
        assert found
        assert all(attributes == expected for attributes in found)
    assert web_address(url) == url


def test_an_article_without_url_has_no_link(shown):
    page, *cards = shown(None)
    assert urls_of(page) == {None}
    assert not any(Links(source).found for source in (page, *cards))
