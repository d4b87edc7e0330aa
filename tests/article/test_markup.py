"""HTML in texts and titles: what is HTML, what it says, and that reading it takes linear time and changes no result."""

import pickle
import re
import time
from copy import copy
from dataclasses import asdict, replace
from html import escape

import numpy as np
import pytest
from html_pages import as_html
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, StoryIndex
from dedup.article import markup, of_plain, with_residue
from dedup.article.markup import plain, plain_line
from dedup.encoders.meanings import read_meanings

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé, selon le Kremlin."

HTML = [
    # Paragraphs and lines
    ("<p>Kim ...</p>", "Kim ..."),
    ("<P CLASS=lead>KIM</P>", "KIM"),
    ("<p>one<p>two", "one\n\ntwo"),
    ("Text one<br/>Text two", "Text one\nText two"),
    ("one<BR>two<br />three</br>four", "one\ntwo\nthree\nfour"),
    ("one<br><br>two", "one\n\ntwo"),
    ("Kim said. <br> Putin did too.", "Kim said.\nPutin did too."),
    ("Kim</p>Putin", "Kim\n\nPutin"),
    ("<h1>Kim</h1>in Russia", "Kim\n\nin Russia"),
    ("<div>one</div><div><div>two</div></div>", "one\ntwo"),
    ("<ul><li>one</li><li>two</ul>three", "one\ntwo\nthree"),
    ("<table><tr><td>a<td>b</td></tr><tr><th>c</th></tr></table>", "a b\nc"),
    ("<blockquote>Kim</blockquote>said", "Kim\n\nsaid"),
    ("<p> Kim arrives. </p>", "Kim arrives."),
    ("<p>\nKim.\n</p>\nMore", "Kim.\n\nMore"),
    ("<p>Kim Jong Un\narrives\nin Russia</p>", "Kim Jong Un arrives in Russia"),
    ("<p>a</p><p>&nbsp;</p><p>b</p>", "a\n\nb"),
    ("<pre>one\n  two</pre>", "one\ntwo"),
    # Lines of plain text with some tags in it
    ("one\ntwo <b>three</b>\n\nfour", "one\ntwo three\n\nfour"),
    ("One.\nTwo.\n \nThree\nfour\n<p>The post <a href='x'>Five</a></p>", "One.\nTwo.\n\nThree four\n\nThe post Five"),
    # Within a line
    ("Kim <i>arrives</i> today", "Kim arrives today"),
    ("K<b>i</b>m", "Kim"),
    ("<b>KIM</b> arrives", "KIM arrives"),
    ("<strong>MOSCOW</strong> -- Kim", "MOSCOW -- Kim"),
    ("Kim<img src=x>Putin", "Kim Putin"),
    ('<img src="https://x.example/1.jpg"/> Kim', "Kim"),
    ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>字 <b>x</b>", "漢字 x"),
    ("<p>Kim Jong&nbsp;Un\u00a0 arrives</p>", "Kim Jong Un arrives"),
    ("<p>« Kim\u202f»\u3000</p>", "« Kim\u202f»"),
    # What is no text
    ('<script>var a = "<p>x</p>";</script><p>Kim</p>', "Kim"),
    ("<p>Kim</p><style>p { x: y }</style><!-- <p>no</p> -->", "Kim"),
    ("<p>Kim</p><script>unclosed", "Kim"),
    ("<template><p>x</p></template>Kim<br>", "Kim"),
    ("<noscript><p>x</p></noscript><p>Kim</p>", "Kim"),
    ('<iframe src="x" /> Kim', "Kim"),
    ('<video src="x">Your browser is old</video>Kim', "Kim"),
    ("<p>Kim</p><svg><title>Logo</title></svg>", "Kim"),
    ("<img src='x'>", ""),
    ("<!-- wp:paragraph -->\n<p>Kim</p>", "Kim"),
    ("<!-- Kim", ""),
    ("<!DOCTYPE html><html><head><title>T</title></head><body>Kim</body></html>", "T\nKim"),
    ('<?xml version="1.0"?><p>Kim</p>', "Kim"),
    # CDATA
    ("<![CDATA[Kim & Putin]]>", "Kim & Putin"),
    ("<![CDATA[<p>Kim</p>]]>", "Kim"),
    ("<p>Kim</p>]]>", "Kim"),
    ("<![CDATA[", ""),
    # Cut off
    ('Kim arrives ... <a href="http', "Kim arrives ..."),
    ("Kim arrives ... <a href='http://x.example' ", "Kim arrives ..."),
    ("<p>Kim arrives</p", "Kim arrives"),
    ("<p>Kim arrives <", "Kim arrives <"),
    ("<b>Kim arrives in", "Kim arrives in"),
    # A search engine's list
    (
        '<ol><li><a href="https://n.example/a?b=1&copy=2" target="_blank">Kim in Russia</a>&nbsp;&nbsp;'
        '<font color="#6f6f6f">Le Monde</font></li><li><a href="u">Two</a></li></ol>',
        "Kim in Russia Le Monde\nTwo",
    ),
    # Escaped within HTML: words, however they look
    ("<p>the &lt;div&gt; element &amp; a &lt; b</p>", "the <div> element & a < b"),
    ("<p>&lt;b&gt;Kim&lt;/b&gt;</p>", "<b>Kim</b>"),
    ("<p>Kim&amp;#8217;s train</p>", "Kim’s train"),
    # Escaped as a whole
    ("&lt;p&gt;Kim&lt;/p&gt;", "Kim"),
    ("&lt;p&gt;Kim &amp;eacute;t&amp;eacute;&lt;/p&gt;", "Kim été"),
    # Words that HTML has not, in HTML
    ("<p>List<String></p>", "List"),
    ("<p>I <3 Kim & Putin</p>", "I <3 Kim & Putin"),
    # Characters
    ("<p>a\ud83d\ude00b\ud800c\0d</p>", "a\U0001f600b\ufffdc\ufffdd"),
    ("<p>a\x1cb\x1dc\x1ed</p>", "a b c d"),
    ("\ufeff<p>Kim</p>", "Kim"),
]

TEXTS = [
    "a text that speaks of <div>",
    "How <div> and <span> differ",
    "<div>: the content division element",
    "<div> is an element",
    "<dialog>",
    "Use <br> to break a line",
    "Use <b> and </b> for bold",
    'Use "<b>" and "</b>"',
    "Use '<br>' and (<hr>)",
    "nested <div>s, and a <p>'s end",
    "the `<p>` tag, the “<p>” tag",
    "<div>-based",
    "the <title> of the page",
    "a < b",
    "a <b and c> d",
    "if a<b and c>d",
    "x<y and y>z",
    "a <- b -> c",
    "I <3 Kim",
    "5 <6> 7",
    "<me@x.example>",
    "Kim <kim@x.example> wrote",
    "<http://x.example>",
    "List<String>",
    "vector<a> v; set<i>x",
    "Map<Label, Time>",
    "Option<A>",
    "<unk> <s> <pad>",
    "<NAME> said",
    "<person>Kim</person>",
    "<<<< >>>>",
    "<>",
    "</>",
    "a </ b",
    "<!",
    "x <a",
    "x <a b",
    "<p",
    "AT&T",
    "R&D; and Q&A",
    "https://x.example/?a=1&copy=2&lt=3",
    "&unknown; &notit; &EACUTE;",
    "&",
    "&amp",
    "&#;",
    "&#x;",
    "&#999999999;",
]

REFERENCES = [
    ("AT&amp;T", "AT&T"),
    ("AT&AMP;T", "AT&T"),
    ("&eacute;t&#233; &#xE9;&#XE9;", "été éé"),
    ("&#x80;&#150;&#147;", "€–“"),  # windows-1252, as in HTML 5
    ("a &lt; b &gt; c", "a < b > c"),
    ("a &lt;div&gt; b", "a <div> b"),
    ("Kim&nbsp;Jong&#160;Un", "Kim Jong Un"),
    ("AT&amp;amp;T, Kim&amp;#8217;s", "AT&T, Kim’s"),
    ("&#0;&#xD800;&#99999999;", "\ufffd\ufffd\ufffd"),
    ("&hearts; &CounterClockwiseContourIntegral;", "♥ ∳"),
    ("line\n\n &amp;  line ", "line\n\n &  line "),
]


@pytest.mark.parametrize(("text", "expected"), HTML)
def test_html_is_read_as_its_text(text, expected):
    assert plain(text) == expected


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_is_no_html_stays(text):
    assert plain(text) is text
    assert plain_line(text) is text


@pytest.mark.parametrize(("text", "expected"), REFERENCES)
def test_references_are_read_in_any_text(text, expected):
    assert plain(text) == expected


def test_a_title_is_one_line():
    assert plain_line("<h1>Kim</h1> <p>in<br>Russia</p>") == "Kim in Russia"
    assert plain_line("Kim\nin Russia") == "Kim\nin Russia"


@given(st.text(st.characters(exclude_characters="<&")))
def test_without_signs_of_markup_it_is_the_same_object(text):
    assert plain(text) is text


# Markup of all kinds

WORDS = st.text(st.sampled_from("abcé京ж") | st.sampled_from("KR"), min_size=1, max_size=6)
INLINE, BLOCK = st.sampled_from(["b", "i", "span", "font", "a"]), st.sampled_from(["p", "div", "li", "h2", "td", "tr"])
ATTRIBUTES = st.sampled_from(["", " class=x", ' title="a > b"', " data-a='<p>' hidden", "\n href = x "])


@st.composite
def marked_up(draw, depth=3):
    """HTML, and the words that it says; words that no separator parts are one."""
    html, words = [], []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["word", "inline", "block", "nothing"])) if depth else "word"
        attributes = draw(ATTRIBUTES)
        if kind == "word":
            word = draw(WORDS)
            html.append(f" {word} ")
            words.append(word)
        elif kind == "nothing":
            html.append(
                draw(st.sampled_from(["<!-- <b>c</b> -->", "<script>a<b</script>", "<br/>", "<img src=x>", "\n"]))
            )
        else:
            name = draw(INLINE if kind == "inline" else BLOCK)
            inner, said = draw(marked_up(depth - 1))
            html.append(f"<{name}{attributes}>{inner}</{name}>")
            words += said
    return "".join(html), words


@settings(deadline=None)
@given(marked_up())
def test_what_elements_hold_is_what_is_read(page):
    html, words = page
    read = plain(f'<div id="x">{html}</div>')
    assert read.split() == words
    assert not re.search(r"\n{3}|  | \n|\n |^\s|\s$", read)


PIECES = "< > </ /> <p <p> </p> <br> <a href= <!-- --> <![CDATA[ ]]> <script> </script> <pre> <svg> <title> <textarea>"
PIECES += " & &amp; &lt; &# &#8; ; \" ' = é 京 x Kim 1 ."
WHITE = ["\n", "\r\n", " ", "\x1c", "\x1e", "\0", "\ud83d", "\ude00"]
SOUP = st.lists(st.sampled_from([*PIECES.split(), *WHITE]), max_size=30).map("".join)


@settings(deadline=None)
@given(SOUP)
def test_whatever_is_in_a_text_it_is_read_and_has_no_more_characters(text):
    for read in (plain(text), plain_line(text)):
        assert len(read) <= len(text)
        if "<" not in read and "&" not in read:
            assert plain(read) is read


@settings(deadline=None)
@given(SOUP)
def test_pieces_in_which_the_parser_gets_a_text_do_not_matter(text):
    html = f"<p>Kim</p>{text}"
    whole = plain(html)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markup, "_CHARACTERS_AT_ONCE", 3)
        assert plain(html) == whole


@given(st.text(st.characters(exclude_characters="&", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1))
def test_what_is_escaped_comes_back(text):
    assert plain(f"<p>{escape(text)}</p>") == text


@pytest.mark.parametrize("language", ["en", "fr", "zh", "ru"])
def test_articles_come_back_as_they_were(language):
    for number, article in enumerate(dedup.sample_articles(language)):
        assert plain(as_html(article.text, number)) == article.text.replace("\u00a0", " ")


# Work

HOSTILE = "< <a </ </a <!-- <![CDATA[ <! <? & &# &amp; &lt;p&gt; <div> <p> <li> <table> <script> <br> <textarea> <svg>"
HOSTILE += " <a/ <![CDATA[]]> <div></span> x<y> <b\tid=1>"
HOSTILE = [*HOSTILE.split(), "<a ", "<a b=", "<a b='", '<a b="c', "<a =", "<p a", ". ", "\n", "<p>\n", "</b>\n", "\x1c"]


class CountingReader(markup._Reader):
    """Counts what the parser tells it."""

    calls = deepest = 0

    def start(self, name, attributes):
        CountingReader.calls += 1
        CountingReader.deepest = max(self.deepest, self._depth)
        super().start(name, attributes)

    def end(self, name):
        CountingReader.calls += 1
        super().end(name)

    def data(self, text):
        CountingReader.calls += 1
        super().data(text)


SLOWER = [pytest.param(text, marks=pytest.mark.slow) for text in ("", "<b>" * 50_000, "<!--", "<p a='", "<p>" * 9_999)]


@pytest.mark.parametrize("before", ["<p>Kim</p>" + "<div>" * 508, *SLOWER], ids=len)
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_take_linear_time(unit, before, monkeypatch):
    """The parser looks through all open elements for each end tag: they are few."""
    monkeypatch.setattr(markup, "_Reader", CountingReader)
    monkeypatch.setattr(CountingReader, "calls", 0)
    monkeypatch.setattr(CountingReader, "deepest", 0)
    text = before + unit * (100_000 // len(unit))
    start = time.process_time()
    read = plain(text)
    assert time.process_time() - start < 5  # 0.1 on an idle machine
    assert len(read) <= len(text)
    assert CountingReader.calls <= len(text)
    assert CountingReader.deepest <= markup._MAX_DEPTH


def test_a_text_with_too_many_elements_within_each_other_stays():
    deep = "<div>" * 600 + "Kim" + "</div>" * 600
    assert plain(deep) is deep
    assert plain("<div>" * 500 + "Kim" + "</div>" * 500) == "Kim"


def test_an_article_reads_its_html_once(monkeypatch):
    texts = []
    monkeypatch.setattr(markup, "_with_marks", lambda text: texts.append(text) or text)
    article = Article("a", "<p>Kim</p>", title="<b>Kim</b>")
    for _ in range(3):
        assert (article.full_text, article.body, article.headline) == ("Kim", "Kim", "Kim")
    found = with_residue(article, [(0, 1)], ())
    assert (found.body, found.plain_title) == ("im", "Kim")
    assert texts == ["<p>Kim</p>", "<b>Kim</b>"]


# Articles

PAGE = Article(
    "a",
    f"<p>{KIM}</p><p>LAISSER UN&nbsp;COMMENTAIRE</p>".replace("é", "&eacute;"),
    title="Kim &amp; Putin | <i>Le Site</i>",
)


def test_fields_stay_what_came_in():
    assert PAGE.plain_text == f"{KIM}\n\nLAISSER UN COMMENTAIRE"
    assert PAGE.plain_title == PAGE.headline == "Kim & Putin | Le Site"
    assert PAGE.full_text == f"{PAGE.plain_title}\n{PAGE.plain_text}"
    (article,) = dedup.cluster([PAGE]).articles
    assert (article.text, article.title) == (PAGE.text, PAGE.title)
    assert dedup.cluster([PAGE]).to_frame()["title"].tolist() == [PAGE.title]


def test_text_without_markup_is_its_own_plain_text():
    article = Article("a", KIM, title="Kim")
    assert article.plain_text is article.text
    assert article.plain_title is article.title


def test_what_was_read_is_no_part_of_an_article():
    read, fresh = replace(PAGE), replace(PAGE)
    assert read.plain_text
    assert read == fresh
    assert (hash(read), repr(read), asdict(read)) == (hash(fresh), repr(fresh), asdict(fresh))
    assert pickle.dumps(read) == pickle.dumps(fresh)
    for made in (pickle.loads(pickle.dumps(read)), copy(read)):
        assert (made, made.plain_text) == (read, read.plain_text)
    assert replace(read, text="Putin").plain_text == "Putin"


def test_an_article_whose_text_was_read_is_not_read_again():
    article = of_plain(Article("a", "<b>Kim</b>", title="AT&amp;T"))
    assert (article.plain_text, article.plain_title) == (article.text, article.title)


def test_residue_is_of_the_plain_text():
    page = replace(PAGE, source="Le Site")
    (article,) = dedup.cluster([page])[0].articles
    assert [article.plain_text[start:stop] for start, stop in article.residue] == ["LAISSER UN COMMENTAIRE"]
    assert [article.plain_title[start:stop] for start, stop in article.title_residue] == [" | Le Site"]
    assert article.full_text == f"Kim & Putin\n{KIM}"
    assert "LAISSER UN COMMENTAIRE" in repr(dedup.explain(article, PAGE))


# Results


def test_a_text_and_its_html_are_copies():
    found = dedup.near_duplicates([KIM, f"<p>{KIM.replace('é', '&eacute;')}</p>", as_html(KIM), escape(as_html(KIM))])
    assert found.jaccard.tolist() == [1.0] * 6
    titles = [
        {"title": "Kim & Putin: été", "text": ""},
        {"title": "<b>Kim</b> &amp; Putin: &eacute;t&eacute;", "text": ""},
    ]
    assert dedup.near_duplicates(titles).jaccard.tolist() == [1.0]


def test_of_a_text_so_many_characters_are_read_without_markup():
    page = as_html(KIM)
    assert dedup.near_duplicates([page, KIM[:40]], max_chars=40).jaccard.tolist() == [1.0]
    assert dedup.near_duplicates([page, KIM[:40]]).jaccard.tolist() == []


def test_an_explanation_is_of_what_is_read():
    found = dedup.explain(f"<p>{KIM}</p>", f"<b>Moscou</b> - {KIM}")
    (passage,) = found.passages
    assert passage.words == KIM[:-1]
    for article, span in ((found.left, passage.left), (found.right, passage.right)):
        assert article.plain_text[slice(*span)] == KIM[:-1]
    assert "<p>" not in repr(found)
    assert found.jaccard > 0.9


def test_a_headline_shown_is_plain():
    stories = dedup.cluster([{"id": "a", "title": "<b>Kim</b> in R&eacute;union", "text": "x"}, f"<p>{KIM}</p>"])
    assert sorted(story.headline for story in stories) == sorted([KIM, "Kim in Réunion"])
    assert "<" not in repr(stories)


def test_a_round_up_is_told_by_its_plain_title():
    rows = [{"id": str(i), "title": "<b>Morning&nbsp;briefing</b>", "text": KIM + f" {i}"} for i in range(2)]
    assert dedup.cluster(rows, near_threshold=1).labels.tolist() == [0, 1]


def test_an_index_reads_plain_titles():
    rows = [
        {"id": str(i), "title": f"<b>Morning&nbsp;briefing</b> {i} | <i>Le Site</i>", "text": KIM, "source": "Le Site"}
        for i in range(2)
    ]
    with StoryIndex(":memory:", near_threshold=1) as index:
        assert [assignment.outcome for assignment in index.add_many(rows)] == ["new_story"] * 2
        for story in index.stories():
            (article,) = story.articles
            assert [article.plain_title[start:stop] for start, stop in article.title_residue] == [" | Le Site"]


def test_cards_show_what_is_read():
    stories = dedup.cluster(
        [{"id": str(i), "title": "<b>Kim</b> &amp; Putin", "text": f"<p>{KIM}</p>"} for i in range(2)]
    )
    for shown in (stories, stories[0], stories.explain("0", "1")):
        card = shown._repr_html_()
        assert "&lt;" not in card
        assert "Kim &amp; Putin" in card
    assert f"<mark>{KIM[:-1]}</mark>" in card


def test_an_encoder_sees_plain_titles_and_texts():
    seen = []
    articles = [Article("a", f"<p>{KIM}</p>", title="<b>Morning&nbsp;briefing</b>"), Article("b", KIM)]
    read = read_meanings(articles, lambda texts: seen.extend(texts) or np.ones((len(texts), 2)))
    assert {f"Morning briefing\n{KIM}", KIM} <= set(seen)
    assert (read.languages < 0).tolist() == [True, False]


@pytest.fixture(scope="module")
def feed():
    """Articles of a month, and the same as HTML."""
    articles = [replace(article, url=None) for article in dedup.sample_articles("fr")]
    pages = [
        replace(
            a,
            text=as_html(a.text, i),
            title=a.title.replace("é", "&eacute;").replace("&", "&amp;") if i % 2 else a.title,
        )
        for i, a in enumerate(articles)
    ]
    return articles, pages


def test_html_makes_the_stories_that_its_text_makes(feed):
    articles, pages = feed
    plain_stories, stories = dedup.cluster(articles), dedup.cluster(pages)
    assert stories.labels.tolist() == plain_stories.labels.tolist()
    assert stories.near_duplicate_labels.tolist() == plain_stories.near_duplicate_labels.tolist()
    assert stories.membership.tolist() == plain_stories.membership.tolist()
    assert [story.headline for story in stories] == [story.headline for story in plain_stories]
    assert [article.residue for article in stories.articles] == [article.residue for article in plain_stories.articles]


def test_an_index_of_html_has_the_stories_of_its_text(feed):
    told = []
    for articles in feed:
        with StoryIndex(":memory:") as index:
            assignments = index.add_many(articles)
            stories = index.stories()
            told.append(([replace(a) for a in assignments], [(s.id, s.headline, s.terms, len(s)) for s in stories]))
            assert {article.text for story in stories for article in story.articles} == {a.text for a in articles}
            assert {a.outcome for a in index.add_many(articles)} == {"unchanged"}
    assert told[0] == told[1]
