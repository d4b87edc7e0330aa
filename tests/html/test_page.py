"""The page as a file: what is in it, what is not, and when it is there."""

import json
import os
import re
import stat
from base64 import b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote

import numpy as np
import pytest

import dedup
from dedup import Article
from dedup.article import of_plain
from dedup.html import alike
from dedup.html import page as html_page
from dedup.html.alike import MAX_PAIRS
from dedup.story import comparing
from dedup.wording import period, plural

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé, selon le Kremlin."
WHEN = datetime(2023, 9, 12, 8, 30, tzinfo=timezone(timedelta(hours=2)))
PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</noscript></main><img src=x onerror=alert(1)>",
    "</title><script>alert(1)</script>",
    '"><a href="javascript:alert(1)">x</a>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "https://x.example/\" onmouseover='alert(1)' x='",
    "<!-- <script> comment",
    "]]><svg onload=alert(1)>",
    "&lt;b&gt; &amp; &#60;",
    "{{texts}} {{data}}",
    "\u2028\u2029\0\ud800 \\u003c",
    "\x00\x1b[2J\x7f\x9b",
    "\u202e<b>\u2069\u2066",
]
FIELDS = ("text", "title", "source", "url", "id", "language")


class Page(HTMLParser):
    """Its elements, their attributes, its text, its data, script and style, as a browser without script has it."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements, self.attributes, self.text, self.raw, self._open = Counter(), [], [], [], None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements[tag] += 1
        self.attributes += [(tag, *attribute) for attribute in attributes]
        self._open = (tag, dict(attributes)) if tag in ("script", "style") else None
        if self._open:
            self.raw.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self.raw[-1][2] += data
        else:
            self.text.append(data)

    @property
    def data(self):
        return next(json.loads(content) for _, attributes, content in self.raw if attributes.get("id") == "data")

    @property
    def texts(self):
        blocks = [content for _, attributes, content in self.raw if attributes.get("id", "").startswith("texts-")]
        return [text for block in blocks for text in json.loads(block)]

    @property
    def links(self):
        return [value for tag, name, value in self.attributes if (tag, name) == ("a", "href")]


@pytest.fixture
def page_of(tmp_path):
    def write(articles, **options):
        return read_page(articles, tmp_path, **options)

    return write


def read_page(articles, folder, **options):
    stories = articles if isinstance(articles, dedup.Stories) else dedup.cluster(articles, **options)
    stories.to_html(folder / "stories.html")
    return Page((folder / "stories.html").read_bytes().decode("utf-8"))


@pytest.fixture(scope="module")
def sample_page(stories, tmp_path_factory):
    """The page of all sample articles; tests must not change what is in it."""
    return read_page(stories, tmp_path_factory.mktemp("sample"))


# What is in it


def test_every_story_and_article_is_in_the_data_and_in_the_plain_list(stories, sample_page):
    page = sample_page
    text = "".join(page.text)
    assert len(page.data["stories"]) == len(stories)
    chapters = sum(len(story.episodes) for story in stories if len(story.episodes) > 1)
    assert chapters > 20
    assert page.elements["li"] == len(stories.articles) + chapters
    for story, data in zip(stories, page.data["stories"], strict=True):
        assert (data["id"], data["reason"], data["terms"]) == (story.id, story.reason, list(story.terms))
        assert data["cohesion"] == pytest.approx(story.cohesion, abs=1e-4)
        assert data["articles"][data["shown"]]["id"] == story.representative.id
        assert [article["id"] for article in data["articles"]] == [article.id for article in story.articles]
        assert [a["membership"] for a in data["articles"]] == pytest.approx(story.membership, abs=1e-4)
        assert story.reason in text
        assert all(article.title in text and article.source in text for article in story.articles)
    assert set(page.links) - {"#list"} == {article.url for article in stories.articles}


def test_a_story_of_several_episodes_has_them_in_the_data(stories, sample_page):
    for story, data in zip(stories, sample_page.data["stories"], strict=True):
        assert ("episodes" in data) == (len(story.episodes) > 1)
        for episode, told in zip(story.episodes, data.get("episodes", story.episodes), strict=True):
            if told is not episode:
                articles = [data["articles"][place] for place in told["articles"]]
                assert [article["id"] for article in articles] == [article.id for article in episode.articles]
                assert data["articles"][told["shown"]]["id"] == episode.representative.id
                assert told["cohesion"] == pytest.approx(episode.cohesion, abs=1e-4)


def test_the_plain_list_has_each_episode_with_its_days_copies_outlets_and_articles(stories, sample_page):
    plain = sample_page.source.partition("<noscript>")[2].partition("</noscript>")[0]
    parts = plain.split("<h2 ")[1:]
    for story, part in zip(stories, parts, strict=True):
        chapters = part.split("<h3 ")[1:]
        assert len(chapters) == (len(story.episodes) if len(story.episodes) > 1 else 0)
        for episode, chapter in zip(story.episodes, chapters, strict=False):
            text = unescape(chapter)
            assert f">{' '.join(episode.representative.title.split(' '))}</h3>" in text
            assert f"<p>{period(episode.first, episode.last)}, {plural(len(episode), 'article')}" in text
            assert f"{plural(len(episode.sources), 'outlet')}</p>" in text
            copies = sum(len(group) - 1 for group in episode.near_duplicates)
            assert (f", {plural(copies, 'copy', 'copies')}," in text) == (copies > 0)
            assert chapter.count("<li") == len(episode) + (episode is not story.episodes[-1]) == text.count("<li")
            assert all(article.title in text for article in episode.articles)


def test_a_heading_of_the_plain_list_is_named_as_links_name_it(page_of):
    ids = ["a b", "ü/金?#", "100%", "it's (1)*!~", "<b>", "x" * 500, "\ud800"]
    page = page_of(
        [Article(name, f"{KIM[:i]} {name}" * i, title=f"{i}") for i, name in enumerate(ids)], near_threshold=1
    )
    names = {
        value for tag, name, value in page.attributes if (tag, name) == ("h2", "id") and value.startswith("story-")
    }
    told = {story["id"] for story in page.data["stories"]}
    # As encodeURIComponent of the script has them.
    assert names == {"story-" + quote(name, safe="-_.!~*'()") for name in told}
    assert all(re.fullmatch(r"[!-~]+", name) for name in names)


def test_pairs_say_what_explain_says(stories, sample_page):
    data = sample_page.data["stories"]
    seen = 0
    for story, told in zip(stories, data, strict=True):
        later = {copy.id for group in story.near_duplicates for copy in group[1:]}
        reports = [place for place, article in enumerate(story.articles) if article.id not in later]
        pairs = {(i, j) for i in reports for j in reports if i < j}
        held = {(i, j) for i, j, *_ in told["pairs"]}
        assert held == pairs if len(pairs) <= MAX_PAIRS else (len(held) == MAX_PAIRS and held < pairs)
        for i, j, similarity, cosine, needed, *terms in told["pairs"][:4]:
            found = stories.explain(story.articles[i].id, story.articles[j].id)
            want = [round(number, 3) for number in (found.similarity, found.cosine, found.needed)]
            assert [similarity, cosine, needed] == want
            assert terms == [part for term, share in found.terms[:8] for part in (term, round(100 * share))]
            seen += 1
    assert seen > 40


def test_of_stories_that_are_nearly_one_the_shown_articles_are_compared(stories, sample_page):
    data = sample_page.data["stories"]
    calls = [(place, *call) for place, story in enumerate(data) for call in story["near"]]
    assert calls
    for place, other, _, *pair in calls[:10]:
        both = sorted((stories[k].representative for k in (place, other)), key=lambda article: article.published)
        found = stories.explain(*(article.id for article in both))
        assert pair[:3] == [round(number, 3) for number in (found.similarity, found.cosine, found.needed)]
        assert pair[3::2] == [term for term, _ in found.terms[:8]]


@pytest.mark.parametrize("most", [0, 1, 7, 40, 5_000])
def test_all_pairs_together_are_bounded(most, monkeypatch, stories, page_of):
    monkeypatch.setattr(alike, "_MAX_ALL_PAIRS", most)
    data = page_of(stories).data["stories"]
    held = [len(story["pairs"]) for story in data]
    across = {frozenset((place, other)) for place, s in enumerate(data) for other, _, *pair in s["near"] if pair}
    assert sum(held) + len(across) <= most
    several = sum(len({article["copy"] for article in story["articles"]}) > 1 for story in data)
    assert sum(n > 0 for n in held) >= min(several, most - most // 4)


@pytest.mark.parametrize("most", [0, 10_000, 40_000])
def test_the_texts_of_all_pairs_are_bounded(most, monkeypatch, stories, page_of):
    monkeypatch.setattr(alike, "_MAX_CHARACTERS", most)
    data = page_of(stories).data["stories"]
    read = [
        len(story.articles[place].text)
        for story, told in zip(stories, data, strict=True)
        for pair in told["pairs"]
        for place in pair[:2]
    ]
    assert sum(read) <= most
    assert sum(read) >= most / 2


@pytest.mark.parametrize(("pairs", "characters"), [(1, 10**9), (7, 10**9), (512, 1), (512, 5_000)])
def test_pairs_are_compared_alike_in_blocks_of_any_size(pairs, characters, monkeypatch, stories, page_of, sample_page):
    monkeypatch.setattr(comparing, "_BLOCK_PAIRS", pairs)
    monkeypatch.setattr(comparing, "_BLOCK_CHARACTERS", characters)
    assert page_of(stories).data == sample_page.data


def test_a_story_of_very_many_reports_is_compared_in_part(page_of):
    texts = [f"{KIM} Le convoi {i} compte {i * 7} wagons, {i * 11} gardes." for i in range(300)]
    (story, *_) = page_of(texts, near_threshold=0.99).data["stories"]
    assert len(story["pairs"]) == MAX_PAIRS
    assert len({(i, j) for i, j, *_ in story["pairs"]}) == MAX_PAIRS
    assert all(story["shown"] in pair[:2] for pair in story["pairs"])


def test_texts_come_in_the_order_of_the_stories(stories, sample_page):
    assert sample_page.texts == [article.text for story in stories for article in story.articles]


def test_copies_share_a_number_and_other_reports_do_not(stories, sample_page):
    for story, data in zip(stories, sample_page.data["stories"], strict=True):
        groups = {}
        for article in data["articles"]:
            groups.setdefault(article["copy"], []).append(article["id"])
        copies = [ids for ids in groups.values() if len(ids) > 1]
        assert copies == [[article.id for article in group] for group in story.near_duplicates]


def test_stories_that_are_apart_only_just_name_each_other(sample_page):
    data = sample_page.data["stories"]
    near = {(place, other) for place, story in enumerate(data) for other, *_ in story["near"]}
    assert near
    assert near == {(other, place) for place, other in near}
    assert all(0.85 * 0.12 <= value < 1.15 * 0.12 for story in data for _, value, *_ in story["near"])


def test_times_are_minutes_in_utc_and_undated_articles_have_none(page_of):
    page = page_of([Article("a", KIM, published=WHEN), Article("b", "Séisme au Maroc")])
    times = {article["id"]: article.get("published") for story in page.data["stories"] for article in story["articles"]}
    assert times == {"a": "2023-09-12 06:30", "b": None}


def test_the_page_of_no_stories_is_a_page(page_of):
    page = page_of([])
    assert page.data["stories"] == page.texts == []
    assert "0 articles in 0 stories" in "".join(page.text)


# What is not


def test_the_page_needs_no_other_file(stories, page_of, tmp_path):
    page = page_of(stories)
    assert [path.name for path in tmp_path.iterdir()] == ["stories.html"]
    assert not page.elements.keys() & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert not {name for _, name, _ in page.attributes} & {"src", "action", "style"}


def test_the_policy_allows_this_script_and_this_style_alone(page_of):
    page = page_of([KIM])
    (policy,) = [
        value for tag, name, value in page.attributes if tag == "meta" and name == "content" and "src" in value
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    code = {tag: content for tag, attributes, content in page.raw if not attributes}
    for tag in ("script", "style"):
        digest = b64encode(sha256(code[tag].encode()).digest()).decode()
        assert rules.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}


def test_no_markup_is_made_of_strings_in_the_script():
    script = "".join(map(html_page.asset, html_page.SCRIPTS))
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)


@pytest.fixture(scope="module")
def plain_page(tmp_path_factory):
    """The page of one article with nothing to escape."""
    return read_page([Article("a", "Kim en Russie", title="Kim")], tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_escaped_and_comes_back_whole(field, payload, page_of, plain_page):
    usual = plain_page
    fields = {"id": "a", "text": "Kim en Russie", "title": "" if field == "text" else "Kim", field: payload}
    page = page_of([of_plain(Article(**fields))])  # as if the payload came whole through a text that is HTML
    assert page.elements == usual.elements
    assert {name for _, name, _ in page.attributes} == {name for _, name, _ in usual.attributes}
    plain = page.source.partition("<noscript>")[2].partition("</noscript>")[0]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain)
    for _, attributes, content in page.raw:
        if attributes:
            assert not re.search("[<>&\u2028\u2029\0]", content)
    (article,) = page.data["stories"][0]["articles"]
    line = " ".join(payload.replace("\ud800", "?").split())
    if field == "text":
        assert page.texts == [payload.replace("\ud800", "?")]
        assert article["title"] == line
    elif field != "url":
        assert article[field] == line[:39] + "…" if field == "language" and len(line) > 40 else line


def titled(title):
    """Stories of a hike whose articles have this title."""
    stories = dedup.cluster([Article(a.id, a.text, a.title, a.published) for a in hike()])
    for article in stories.articles:  # afterwards: words in titles would make other stories
        object.__setattr__(article, "title", title)
        of_plain(article)
    return stories


@pytest.fixture(scope="module")
def hike_page(tmp_path_factory):
    """The page of a hike, with nothing to escape."""
    return read_page(titled("Hike"), tmp_path_factory.mktemp("hike"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_headlines_of_episodes_are_escaped(payload, page_of, hike_page):
    page, usual = page_of(titled(payload)), hike_page
    assert page.elements == usual.elements
    assert page.elements["h3"] == 2
    assert {name for _, name, _ in page.attributes} == {name for _, name, _ in usual.attributes}
    (story,) = page.data["stories"]
    line = " ".join(payload.replace("\ud800", "?").split())
    assert [story["articles"][episode["shown"]]["title"] for episode in story["episodes"]] == [line] * 2


def hike():
    """Articles of one story in two episodes."""
    return [a for a in dedup.sample_articles("en") if a.event == "mount-orrin-hiker-2023"]


def test_html_is_shown_as_its_text_and_what_it_escapes_stays_escaped(page_of):
    usual = page_of([Article("a", "Kim en Russie", title="Kim")])
    text = "<p>Kim <b>en</b> Russie : &lt;script&gt;alert(1)&lt;/script&gt;</p><script>alert(2)</script>"
    page = page_of([Article("a", text, title="<i>Kim</i> &lt;/script&gt;&lt;img src=x onerror=alert(3)&gt;")])
    assert page.elements == usual.elements
    assert page.texts == ["Kim en Russie : <script>alert(1)</script>"]
    assert page.data["stories"][0]["headline"] == "Kim </script><img src=x onerror=alert(3)>"


def test_terms_and_reasons_are_escaped(page_of):
    def script(articles):
        return articles[0]

    script.__name__ = "</script><script>alert(1)</script>"
    page = page_of(["Kim en Russie", "Kim en Russie !"], representative=script)
    assert page.elements["script"] == 3
    assert script.__name__ in page.data["stories"][0]["reason"]


# How much is in it


def test_of_a_long_text_the_beginning_is_held_and_its_length_said(page_of):
    page = page_of([Article("a", "Kremlin " * 125_000, title="T" * 1_000_000, source="S" * 1_000_000)])
    (article,) = page.data["stories"][0]["articles"]
    assert page.texts == ["Kremlin " * 625]
    assert (article["length"], page.data["limit"]) == (1_000_000, 5_000)
    assert len(article["title"]) == 300
    assert len(page.source) < 100_000


def test_a_text_that_fits_is_held_whole(page_of):
    page = page_of(["x" * 5_000])
    assert page.texts == ["x" * 5_000]
    assert "length" not in page.data["stories"][0]["articles"][0]


@pytest.mark.parametrize("most", [0, 9, 10, 1_000, 6_000, 60_000])
def test_all_texts_together_are_bounded(most, monkeypatch, page_of):
    monkeypatch.setattr(html_page, "_MAX_ALL_CHARACTERS", most)
    texts = ["Kim " * 100, "Séisme " * 300, "Rugby " * 2_000, ""]
    page = page_of(texts)
    limit = page.data["limit"]
    held = np.array(list(map(len, page.texts)))
    assert held.sum() <= most
    assert sorted(held) == sorted(min(limit, len(text)) for text in texts)
    assert limit == 5_000 or sum(min(limit + 1, len(text)) for text in texts) > most


# When it is there


@pytest.mark.parametrize("kind", [str, os.fspath, lambda path: path])
def test_the_page_may_be_named_in_any_way_and_replaces_an_earlier_one(kind, tmp_path):
    path = tmp_path / "stories.html"
    path.write_text("old " * 100_000)
    dedup.cluster([KIM]).to_html(kind(path))
    source = path.read_text(encoding="utf-8")
    assert source.startswith("<!doctype html>")
    assert "old old" not in source
    assert [entry.name for entry in tmp_path.iterdir()] == ["stories.html"]


def test_an_interrupted_page_leaves_the_earlier_one(tmp_path, monkeypatch):
    path = tmp_path / "stories.html"
    path.write_text("earlier")

    def interrupted(story):
        raise KeyboardInterrupt

    monkeypatch.setattr(html_page, "_plain_story", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dedup.cluster([KIM]).to_html(path)
    assert path.read_text() == "earlier"
    assert [entry.name for entry in tmp_path.iterdir()] == ["stories.html"]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError):
        dedup.cluster([KIM]).to_html(tmp_path / "nowhere" / "stories.html")


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_a_link_stays_a_link_and_the_mode_is_the_usual_one(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "latest.html").symlink_to(tmp_path / "pages" / "today.html")
    (tmp_path / "usual").write_text("")
    dedup.cluster([KIM]).to_html(tmp_path / "latest.html")
    assert (tmp_path / "latest.html").is_symlink()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("pages/today.html", "usual")]
    assert modes[0] == modes[1]


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_page_keeps_the_mode_of_the_page_that_it_replaces(tmp_path):
    path = tmp_path / "stories.html"
    path.write_text("")
    path.chmod(0o604)
    dedup.cluster([KIM]).to_html(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd")
def test_a_page_goes_into_a_pipe_that_has_no_name_on_the_disk(tmp_path):
    dedup.cluster([KIM]).to_html(tmp_path / "stories.html")
    reader, writer = os.pipe()
    with open(reader, "rb") as piped, ThreadPoolExecutor(1) as pool:
        page = pool.submit(piped.read)
        try:
            dedup.cluster([KIM]).to_html(f"/dev/fd/{writer}")
        finally:
            os.close(writer)  # or the reader would wait for ever
        assert page.result() == (tmp_path / "stories.html").read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_replaced_by_a_file(tmp_path):
    dedup.cluster([KIM]).to_html(tmp_path / "stories.html")
    expected, path = (tmp_path / "stories.html").read_bytes(), tmp_path / "pipe"
    os.mkfifo(path)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as piped:
        dedup.cluster([KIM]).to_html(path)
        assert piped.read() == expected
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_the_same_stories_make_the_same_page(stories, tmp_path):
    for name in ("one.html", "two.html"):
        stories.to_html(tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_the_name_of_a_time_zone_is_not_shown(page_of):
    zone = timezone(timedelta(0), "<script>alert(1)</script>")
    page = page_of([Article("a", "Kim", published=datetime(2023, 9, 12, tzinfo=zone))])
    assert "alert(1)" not in page.source
