"""The residue of titles: names of outlets, labels, links and handles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup import Article
from dedup.article import read_articles
from dedup.residue.batch import add_residue
from dedup.residue.recurring import source_salts
from dedup.residue.title_residue import find_title_residue, learn_titles, link_spans

HEADLINES = [
    "Kim arrives in Russia", "Bank raises rates", "Storm closes ports", "Rovers sign striker", "Dam breach feared",
    "Wheat prices rise", "Ferry runs aground", "Mayor steps down", "Court rejects appeal", "Rocket lifts off",
]  # fmt: skip
TITLES = st.lists(
    st.tuples(
        st.text(alphabet="abc AB:-–|[]()@./?'LIVE\n", max_size=50), st.sampled_from(["cnn.com", "The Hill", "", None])
    ),
    max_size=12,
)


def left(titles, sources=None, urls=None):
    """What is left of titles."""
    nothing = [None] * len(titles)
    found = find_title_residue(titles, sources or nothing, urls or nothing)
    articles = [Article("", "text", title, title_residue=spans) for title, spans in zip(titles, found, strict=True)]
    return [article.full_text.removesuffix("\ntext") for article in articles]


@pytest.mark.parametrize(
    ("title", "source", "url"),
    [
        ("Kim in Russia - The New York Times", "nytimes.com", None),
        ("Kim in Russia - The New York Times", "The New York Times", None),
        ("Kim in Russia - The New York Times", "feed", "https://www.nytimes.com/2023/kim.html"),
        ("Kim in Russia | CNN Politics", "cnn.com", None),
        ("Kim in Russia – BBC News", None, "https://www.bbc.co.uk/news/1"),
        ("Reuters: Kim in Russia", "Reuters", None),
        ("Kim in Russia - DW.com", "news aggregator", None),
        ("LIVE: Kim in Russia", None, None),
        ("🚨 BREAKING: Kim in Russia", None, None),
        ("LIVE - VIDEO: Kim in Russia | CNN", "cnn", None),
        ("Kim in Russia reut.rs/4u8N1xq", None, None),
        ("Kim in Russia https://aje.news/7grvsp", None, None),
        ("Kim in Russia @insiderpaper", None, None),
        ("Kim in Russia", "Kim in Russia", None),
    ],
)
def test_what_belongs_to_the_outlet_goes(title, source, url):
    assert left([title], [source], [url]) == ["Kim in Russia"]


@pytest.mark.parametrize(
    "title",
    [
        "Kim - a life", "Putin: we will win", "Crisis in Sudan – what next for Darfur", "CNN", "LIVE:", "LIVE", " - ",
        "TP.HCM : xe máy tông nhau", "COVID-19 - 5,000 new cases", "1/2 of voters undecided", "US-China talks",
    ],
)  # fmt: skip
def test_what_belongs_to_the_report_stays(title):
    assert left([title], ["cnn.com"]) == [title]


def test_an_ending_that_recurs_in_a_source_goes():
    with_ending = [f"{headline} - Daily News" for headline in HEADLINES[:4]]
    plain = HEADLINES[4:]
    assert left(with_ending + plain, ["x"] * 10) == HEADLINES
    assert left(with_ending[:3] + plain, ["x"] * 9) == with_ending[:3] + plain  # too few
    assert left(with_ending + plain, ["x", "y"] * 5) == with_ending + plain  # in two sources
    again = [with_ending[0]] * 3 + with_ending[:1] + plain
    assert left(again, ["x"] * 10) == again  # one title that was published four times


def test_all_endings_go_where_most_titles_of_a_feed_have_one():
    outlets = ["Axios", "Politico", "El Universal", "Al Jazeera", "Fox News", "WSJ"]
    titles = [f"{headline} - {outlet}" for headline, outlet in zip(HEADLINES, outlets, strict=False)] + HEADLINES[6:]
    assert left(titles, ["feed"] * 10) == HEADLINES
    assert left(titles + [h + " again" for h in HEADLINES[:2]], ["feed"] * 12)[:6] == titles[:6]  # half of the titles


@given(TITLES)
def test_something_is_left_and_spans_ascend(rows):
    titles, sources = [title for title, _ in rows], [source for _, source in rows]
    for title, spans in zip(titles, find_title_residue(titles, sources, [None] * len(rows)), strict=True):
        bounds = [bound for span in spans for bound in span]
        assert bounds == sorted(bounds)
        assert all(0 <= start < stop <= len(title) for start, stop in spans)
        kept = "".join(c for i, c in enumerate(title) if not any(start <= i < stop for start, stop in spans))
        assert not spans or any(map(str.isalnum, kept))


@given(TITLES, st.randoms())
def test_the_order_of_titles_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    found = [
        dict(zip(own, find_title_residue(*map(list, zip(*own, strict=True)), [None] * len(own)), strict=True))
        for own in (rows, shuffled)
        if own
    ]
    assert not found or found[0] == found[1]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.sampled_from(["", "Axios", "CNN"]))))
def test_what_is_learned_is_what_a_slow_twin_counts(rows):
    words = [3 * "abcdefghij"[number] for number, *_ in rows]  # numbers would be one to it
    titles = [f"{word} - {ending}" if ending else word for word, (_, _, ending) in zip(words, rows, strict=True)]
    expected = 0
    for source in "ab":
        stems = {(number, ending) for number, own, ending in rows if own == source}
        expected += sum(len({n for n, e in stems if e == ending}) >= 4 for ending in ("Axios", "CNN"))
        with_any = len({n for n, e in stems if e})
        expected += with_any >= 5 and with_any >= 0.6 * len({n for n, _ in stems})
    assert len(learn_titles(titles, source_salts([source for _, source, _ in rows])).keys) == expected


def test_hostile_titles_take_linear_time():
    hostile = [" " * 10**5, "a-" * 10**5, "a." * 10**5, "[" * 10**5, "@" * 10**5, "LIVE: " * 10**4, " - CNN" * 10**4]
    assert len(find_title_residue(hostile, ["cnn.com"] * len(hostile), [None] * len(hostile))) == len(hostile)


def test_links_in_texts():
    text = "Read https://t.example/1?x=1 and follow @quick.wire or reut.rs/abc."
    assert [text[a:b] for a, b in link_spans(text)] == ["https://t.example/1?x=1", "@quick.wire", "reut.rs/abc"]
    assert link_spans("and/or 1/2, a@b is no handle, U.S./China") == []


def test_links_and_templates_are_residue_of_texts_with_titles():
    template = "Article URL: https://x.example/{0} Comments URL: https://x.example/c/{0} Points: {0} # Comments: {0}"
    rows = [{"title": h, "text": template.format(i), "source": "board"} for i, h in enumerate(HEADLINES)]
    articles = add_residue(read_articles(rows), 10**6, "unidecode", 1).articles
    assert [article.full_text.strip() for article in articles] == HEADLINES
    (alone,) = add_residue(read_articles([{"text": "https://x.example/1"}]), 10**6, "unidecode", 1).articles
    assert alone.full_text.strip() == "https://x.example/1"
    assert len(dedup.cluster(rows)) == len(rows)


def test_copies_under_different_endings_are_copies():
    words = "Kim Jong Un has arrived in the far east of Russia for talks with the president"
    titles = [f"{words} - {outlet}" for outlet in ("Axios", "The Daily Northern Globe", "CNN")]
    rows = [
        {"title": t, "text": "", "source": s}
        for t, s in zip(titles, ["axios.com", "dailynorthernglobe.com", "cnn.com"], strict=True)
    ]
    assert dedup.cluster(rows).near_duplicate_labels.tolist() == [0, 0, 0]


def test_titles_are_shown_as_they_came():
    (story,) = dedup.cluster([{"title": "LIVE: Kim in Russia - CNN", "text": "Kim came.", "source": "cnn.com"}])
    assert story.headline == "LIVE: Kim in Russia - CNN"
    assert story.articles[0].title_residue == ((0, 6), (19, 25))


def test_an_index_cuts_titles_as_a_batch_does():
    rows = [
        {"id": f"{i}", "title": f"{h} - Daily News", "text": f"Report {i}.", "source": "x", "published": 86_400 * i}
        for i, h in enumerate(HEADLINES * 6)
    ]
    with dedup.StoryIndex(":memory:") as index:
        index.add_many(rows)
        stored = {a.id: a for story in index.stories() for a in story.articles}
    assert stored["59"].title_residue == ((len("Rocket lifts off"), len("Rocket lifts off - Daily News")),)


def test_salts_tell_sources_apart():
    titles = [f"{headline} - Daily News" for headline in HEADLINES]
    one, two = (learn_titles(titles, source_salts([source] * 10)).keys for source in "ab")
    assert len(one) == len(two) == 2
    assert not np.isin(one, two).any()


def test_four_parts_at_either_end_are_taken_off():
    labels = "LIVE: WATCH: VIDEO: BREAKING: "
    assert left([f"{labels}Kim in Russia"]) == ["Kim in Russia"]
    assert left([f"LIVE: {labels}Kim in Russia"]) == ["BREAKING: Kim in Russia"]
    assert left(["Kim in Russia" + " - CNN" * 4], ["cnn.com"]) == ["Kim in Russia"]
    assert left(["Kim in Russia" + " - CNN" * 5], ["cnn.com"]) == ["Kim in Russia - CNN"]
