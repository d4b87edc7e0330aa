"""The canonical form of URLs: what is one page, what is two, and that it holds for any string."""

import re
import time
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup import canonical_url
from dedup.article import urls
from dedup.article.urls import page_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "urls.md").read_text("utf-8")


def table_of(name):
    """The rows of a table of the page, without its head."""
    table = PAGE.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]


RULES = [(rule, this.strip("`"), becomes.strip("`")) for rule, this, becomes in table_of("rules")]

# The forms of one page after the other, with a blank line between pages.
ONE_PAGE = """
https://www.nytimes.com/2023/09/12/world/asia/kim-putin.html
https://nytimes.com/2023/09/12/world/asia/kim-putin.html?smid=tw-share
https://www.nytimes.com/2023/09/12/world/asia/kim-putin.amp.html

https://www.theguardian.com/world/2023/sep/12/kim-putin
https://amp.theguardian.com/world/2023/sep/12/kim-putin?CMP=share_btn_tw
https://www.google.com/amp/s/amp.theguardian.com/world/2023/sep/12/kim-putin

https://www.bbc.co.uk/news/world-asia-66780000
https://www.bbc.co.uk/news/world-asia-66780000?at_medium=RSS&at_campaign=KARANGA
https://bbc.co.uk/news/world-asia-66780000.amp
https://www.bbc.co.uk/news/world-asia-66780000?xtor=AL-72-%5Bpartner%5D
https://www.bbc.co.uk/news/amp/world-asia-66780000
https://www.bbc.co.uk/news/world-asia-66780000?pinned_post_locator=urn:asset:1&pinned_post_type=share

https://www.tagesschau.de/ausland/kim-100.html
https://www.tagesschau.de/ausland/kim-100~amp.html

https://www.wsj.com/articles/kim-1
https://www.wsj.com/articles/kim-1?mod=rss_World

https://www.bloomberg.com/news/articles/2023-09-12/kim?leadSource=uverify%20wall
https://www.bloomberg.com/news/articles/2023-09-12/kim?accessToken=eyJ&embedded-checkout=true
https://www.bloomberg.com/amp/news/articles/2023-09-12/kim
https://www.bloomberg.com/news/articles/2023-09-12/kim?gaa_at=la&gaa_n=A&gaa_sig=B

https://edition.cnn.com/2023/09/12/asia/kim/index.html
https://edition.cnn.com/2023/09/12/asia/kim
https://edition.cnn.com/2023/09/12/asia/kim/

https://www.lemonde.fr/international/article/2023/09/12/kim_6189_3210.html
https://www.lemonde.fr/international/article/2023/09/12/kim_6189_3210.html#xtor=RSS-3208
https://www.lemonde.fr/international/article/2023/09/12/kim_6189_3210.html?lmd_medium=al&lmd_campaign=envoye-par-appli

https://www.spiegel.de/ausland/kim-a-1?sara_ref=re-so-app-sh
https://www.spiegel.de/ausland/kim-a-1#ref=rss
https://www.spiegel.de/ausland/kim-a-1-amp/../kim-a-1

https://www.dailymail.co.uk/news/article-12500001/Kim.html
https://www.dailymail.co.uk/news/article-12500001/amp/Kim.html
https://www.dailymail.co.uk/news/article-12500001/Kim.html?ns_mchannel=rss&ns_campaign=1490&ito=1490

https://www.heise.de/news/Kim-9300000.html?wt_mc=rss.red.ho.ho.atom.beitrag.beitrag
https://www.heise.de/news/Kim-9300000.html

https://www.dw.com/en/kim/a-66780000?maca=en-rss-en-all-1573-rdf
https://www.dw.com/en/kim/a-66780000

https://finance.yahoo.com/news/kim-120000000.html?guccounter=1&guce_referrer=aHR0
https://finance.yahoo.com/news/kim-120000000.html?.tsrc=rss
https://finance.yahoo.com/amphtml/news/kim-120000000.html

https://www.aljazeera.com/news/2023/9/12/kim?traffic_source=rss
https://www.aljazeera.com/amp/news/2023/9/12/kim

https://www.foxnews.com/world/kim.amp
https://www.foxnews.com/world/kim

https://medium.com/@reporter/kim-7f60cf5620c9?source=rss----abc---4
https://medium.com/@reporter/kim-7f60cf5620c9

https://en.m.wikipedia.org/wiki/Kim_Jong_Un
https://en.wikipedia.org/wiki/Kim_Jong_Un
https://en.wikipedia.org/wiki/Kim_Jong_Un#Visits

https://example.com/?p=123
http://example.com/index.php?p=123
https://www.example.com?p=123&utm_source=feedburner

https://example.com/story?b=2&a=1
https://example.com/story?a=1&b=2
https://example.com/story/?a=1&amp;b=2&fbclid=IwAR0

https://müller.example/artikel
https://xn--mller-kva.example/artikel
HTTPS://MÜLLER.example/artikel/

https://example.jp/%E9%A6%96%E7%9B%B8
https://example.jp/首相
https://example.jp/%e9%a6%96%e7%9b%b8/

https://example-com.cdn.ampproject.org/v/s/example.com/kim/amp/?amp_js_v=0.1&usqp=mq331#referrer=https%3A%2F%2Fwww.google.com
https://example.com/kim

https://google.co.uk/amp/example.com/kim
https://www.google.com/amp/s/www.google.com/amp/s/example.com/kim
https://example.com/kim

https://example.com/a.html;jsessionid=0A1B2C?id=7
https://example.com/a.html?id=7&PHPSESSID=1

https://example.com/kim?_ga=2.1-1&_gl=1*x&gclid=C&dclid=D&msclkid=E&mc_cid=F&mc_eid=G&igshid=H&yclid=I
https://example.com/kim

https://example.com/kim?hpt=hp_t1&eref=rss_top&iref=x
https://example.com/kim?ICID=ref_fark&INTCMP=x&cmpid=y&WT.mc_id=z
https://example.com/kim

https://example.com/kim?ref=rss
https://example.com/kim?source=newsletter_daily
https://example.com/kim?from=feed
https://example.com/kim?via=social.example.net
https://example.com/kim

https://example.com/kim?replytocom=55#respond
https://example.com/kim?share=twitter&nb=#x
https://example.com/kim

https://user@example.com:443/kim
http://example.com:80/kim
https://example.com./kim
"""

# Pages that are all different, among those between two blank lines.
PAGES_APART = """
https://example.com/?p=123
https://example.com/?p=124
https://example.com/

https://example.com/article.php?id=7
https://example.com/article.php?id=8
https://example.com/article.php?article=7
https://example.com/article.php

https://example.com/Kim
https://example.com/kim

https://example.com/kim
https://example.org/kim
https://news.example.com/kim

https://example.com/kim
https://example.com/kim/2
https://example.com/kim?page=2
https://example.com/kim.html

https://example.com:8080/kim
https://example.com/kim

https://news.google.com/rss/articles/CBMiAAA
https://news.google.com/rss/articles/CBMiAAB
https://news.google.com/rss/articles/CBMiAAA?hl=de

https://t.co/AbCdEf
https://t.co/AbCdEF

https://feedproxy.google.com/~r/site/~3/aaa/
https://feedproxy.google.com/~r/site/~3/aab/

https://example.com/watch?v=AAA
https://example.com/watch?v=AAB

https://mobile.example/kim
https://www.example/kim
https://m.example/kim
https://amp.example/kim

https://www.google.com/example.com/amp/kim
https://example.com/kim

https://www.google.com/search?q=amp
https://www.google.com/search?q=kim
https://www.google.com/amp/s

https://example.com/forum.php?mod=viewthread&tid=1
https://example.com/forum.php?mod=viewthread&tid=2
https://example.com/forum.php?mod=viewthread

https://github.com/o/r/blob?ref=main
https://github.com/o/r/blob?ref=next

https://example.com/#!/news/1
https://example.com/#!/news/2
https://example.com/#/news/1
https://example.com/

https://example.com/a?id=1&id=2
https://example.com/a?id=2&id=1

https://example.com/a%2Fb
https://example.com/a/b

https://example.com/?q=a%26b
https://example.com/?q=a&b

https://example.com/ampere
https://example.com/re
https://example.com/stamp

https://example.com/list?type=news
https://example.com/list?type=sport
https://example.com/list

https://example.com/kim?campaign=7
https://example.com/kim?cid=7
https://example.com/kim
"""

NO_URLS = [
    "",
    "kim",
    "/news/kim",
    "news/kim.html?utm_source=rss",
    "tag:example.com,2023:7",
    "urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa6a",
    "mailto:kim@example.com",
    "ftp://example.com/kim/",
    "javascript:void(0)",
    "https://",
    "https:///kim",
    "https://exa mple.com/kim",
    "https://[::1/kim",
    "https://example.com:port/kim",
    "https://example.com:123456/kim",
    "https://.example.com/kim",
    "https://example..com/kim",
    "https://exa%6Dple.com/kim",
    f"https://{'a' * 300}.com/kim",
]


def paragraphs(table):
    return [lines.split() for lines in table.strip().split("\n\n")]


@pytest.mark.parametrize(("rule", "this", "becomes"), RULES, ids=[rule for rule, _, _ in RULES])
def test_the_page_has_the_rules(rule, this, becomes):
    assert canonical_url(this) == becomes


def test_the_page_has_every_parameter():
    written = {cells[0].strip("*"): set(re.findall(r"`([^`]+)`", cells[1])) for cells in table_of("parameters")}
    prefixes = written.pop("all that begin with")
    channels = written.pop("a channel, alone or before `-` or `_`")
    values = written.pop("where the value is a channel, or the host of a site")
    views = written.pop("where the value is `amp`")
    assert prefixes == set(urls.TRACKING_PREFIXES)
    assert (channels, values, views) == (urls.CHANNELS, urls.CHANNEL_PARAMETERS, urls.VIEW_PARAMETERS)
    assert set().union(*written.values()) == urls.TRACKING


@pytest.mark.parametrize("name", sorted(urls.TRACKING))
def test_each_of_these_parameters_is_left_out(name):
    assert canonical_url(f"https://example.com/kim?{name}=x&id=7") == "https://example.com/kim?id=7"
    assert canonical_url(f"https://example.com/kim?id=7&{name.upper()}=x") == "https://example.com/kim?id=7"
    assert canonical_url(f"https://example.com/kim?x{name}=x") == f"https://example.com/kim?x{name}=x"


def test_there_are_sixty_forms():
    assert len(RULES) + sum(len(set(line)) for line in paragraphs(ONE_PAGE) + paragraphs(PAGES_APART)) >= 120


@pytest.mark.parametrize("forms", paragraphs(ONE_PAGE), ids=lambda forms: forms[0])
def test_forms_of_one_page(forms):
    assert len({canonical_url(form) for form in forms}) == 1
    assert len(set(forms)) == len(forms)


@pytest.mark.parametrize("forms", paragraphs(PAGES_APART), ids=lambda forms: forms[0])
def test_pages_apart(forms):
    assert len({canonical_url(form) for form in forms}) == len(forms)


@pytest.mark.parametrize("text", NO_URLS, ids=ascii)
def test_what_is_no_url_of_the_web_stays(text):
    assert canonical_url(text) == text
    assert canonical_url(f" \n{text}\t ") == text
    assert page_of("Site", text) is None


@pytest.mark.parametrize(
    "front", ["https://example.com", "http://www.example.com/index.html?utm_source=x", "//m.example.com/#top"]
)
def test_a_front_page_identifies_nothing(front):
    assert canonical_url(front) == "https://example.com/"
    assert page_of("Site", front) is None


@pytest.mark.parametrize("url", [None, 5, b"https://example.com"])
def test_what_is_no_str_is_refused(url):
    with pytest.raises(TypeError, match=r"^url is .*; allowed: str$"):
        canonical_url(url)


def test_a_page_is_that_of_a_source():
    assert page_of("Site", "http://example.com/?p=1") == ("Site", "https://example.com/?p=1")
    assert page_of(None, "https://example.com/?p=1") == page_of("", "https://www.example.com/?p=1")
    assert page_of("Site", None) is None


PIECES = [
    *("http:", "https:", "//", "/", ":", "@", "?", "&", "=", "#", "#!", ";", ".", "..", "+", " ", "\t", "\n", "\u3000"),
    *(
        "www.",
        "m.",
        "amp",
        "amp.",
        ".amp",
        "~amp",
        "amphtml",
        ".html",
        "index.html",
        "x.com",
        "google.com",
        "cdn.ampproject.org",
        "bing.com",
    ),
    *("c", "s", "v", "a", "id", "ref", "rss", "utm_source", ";jsessionid=", "amp;", ":80", ":8080", "[", "]", "::1"),
    *("%", "%2", "%2e", "%61", "%C3", "é", "É", "ß", "\ud800", "\u212a"),
]
MADE = st.lists(st.sampled_from(PIECES), max_size=14)
STRINGS = st.one_of(
    st.text(),
    MADE.map("".join),
    MADE.map(lambda pieces: "https://" + "".join(pieces)),
    MADE.map(lambda pieces: "https://google.com/" + "/".join(pieces)),
    MADE.map(lambda pieces: "https://x.cdn.ampproject.org/" + "/".join(pieces)),
    MADE.map(lambda pieces: "https://x.com/?" + "".join(pieces)),
)


@given(STRINGS)
@example("https://x.cdn.ampproject.org/amp/c/a.b:80.amp")
@example("https://x.com/a.amp.html~amp.amp.html/amp/~amp")
@example("https://google.com/amphtml/amp/amp/s/x.com/amp/amp/s/a.amp/amp/b")
@example("https://x.cdn.ampproject.org/c/amp/x.com/amp/s")
@example("https://x.com/a/...amp")
@example("https://x.com/a/~amp/amphtml")
@example("https://x.com/?%61mp;amp;id=7")
@example("https://x.com/a%2/%2541/%%41")
def test_any_string_has_a_canonical_form_whose_canonical_form_is_itself(text):
    canonical = canonical_url(text)
    assert canonical_url(canonical) == canonical
    if canonical != text.strip():
        assert canonical.startswith("https://")
        assert canonical.isascii()


NAMES = st.text("abcXYZ09-_", min_size=1).filter(lambda name: name != "amp")
PARAMETERS = st.lists(
    st.tuples(st.text("abcxyz", min_size=1), st.text("abc 1&=%é", min_size=1)), unique_by=lambda p: p[0]
)


@given(st.lists(NAMES, min_size=1, max_size=4), PARAMETERS, st.randoms(use_true_random=False))
def test_what_is_put_around_a_page_comes_off(path, parameters, random):
    page = f"https://example.com/{'/'.join(path)}?{urlencode(parameters)}"
    added = random.sample([*parameters, ("utm_source", "x y"), ("fbclid", "1"), ("ref", "rss")], len(parameters) + 3)
    scheme = random.choice(["http:", "HTTPS:", ""])
    host = random.choice(["example.com", "WWW.example.com", "m.example.com:443", "amp.example.com.", "u:p@example.com"])
    between, behind = random.choice(["/", "//", "/./", "/x/../"]), random.choice(["", "/", "/amp", "/index.html", "//"])
    form = f"{scheme}//{host}/{between.join(path)}{behind}?{urlencode(added, quote_via=quote)}#top"
    assert canonical_url(form) == canonical_url(page)
    parts = urlsplit(canonical_url(page))
    assert sorted(parse_qsl(parts.query)) == sorted(parameters)
    assert parts.path == f"/{'/'.join(path)}"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        ("https://google.com", "/amp/s/google.com"),
        ("https://x.com/a", ".amp"),
        ("https://x.com/", "../a/"),
        ("https://x.com/?", "a=1&"),
        ("https://x.com/?ref=", "a."),
        ("https://x.com/?a=1&", "amp;"),
        ("https://x.com/", "%"),
        ("https://x.com/", ";jsessionid"),
        ("https://x.com/", "/amp"),
        ("https://", "www."),
        ("https://", "é."),
        ("https://", "@"),
        ("https://x", ":1"),
        ("https://x.com/#!", "#%"),
    ],
)
def test_the_time_is_linear(start, piece):
    begin = time.perf_counter()
    canonical_url(start + piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - begin < 20  # 0.01 to 3 seconds
