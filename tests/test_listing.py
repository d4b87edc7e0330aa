"""Stories of an index in an order and by page, an article by its id: the same wherever the index is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_server import SERVER
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN

import dedup
from dedup import Article, StoryIndex, StoryPage
from dedup.parameters import ORDERS
from dedup.store.story_query import Place
from dedup.stream.listing import Cursor, format_cursor, parse_cursor

HOUR = timedelta(hours=1)
NOON = datetime(2023, 9, 12, 12, tzinfo=UTC)


@pytest.fixture(params=["memory", "file", "file, read only", "postgres", "postgres, read only"])
def opened(request, tmp_path):
    """Opens an index with articles; what asks it may be a reader."""
    kind, _, read_only = request.param.partition(", ")
    url = SERVER.new_database() if kind == "postgres" else None
    place = {"memory": ":memory:", "file": tmp_path / "stories.db", "postgres": url}[kind]
    indexes = []

    def opened(articles):
        indexes.append(StoryIndex(place, clock=lambda: NOON))
        indexes[0].add_many(articles)
        if read_only:
            indexes.append(StoryIndex(place, clock=lambda: NOON, read_only=True))
        return indexes[-1]

    yield opened
    for index in indexes:
        index.close()
    if url:
        SERVER.drop(url)


def article(name, text, hours, source=None, language=None):
    """Published so many hours before noon."""
    published = None if hours is None else NOON - hours * HOUR
    return Article(name, text, published=published, source=source, language=language)


ARTICLES = [
    article("a", TRAIN, 30, "Lantern", "en"),
    article("b", f"{TRAIN} Updated", 6, "Lantern", "en"),
    article("c", f"{TRAIN} Again", 12, "Courier"),
    article("d", BANK, 1, "Courier", "fr"),
    article("e", f"{BANK} Again", 40, "Lantern", "en"),
    article("f", ROCKETS, 0.5),
    article("g", f"{ROCKETS} Updated", 0.25),
]


def names(page):
    return ["".join(sorted(a.id for a in story.articles)) for story in page]


def pages(index, limit, **query):
    """The stories of all pages."""
    page = index.stories(limit=limit, **query)
    found = [page]
    while page.next is not None:
        page = index.stories(limit=limit, after=page.next, **query)
        found.append(page)
    assert all(len(page) == limit for page in found[:-1])
    return [names(page) for page in found]


def test_orders_and_filters(opened):
    index = opened(ARTICLES)
    assert names(index.stories()) == names(index.stories(order_by="latest")) == ["fg", "de", "abc"]
    assert names(index.stories(order_by="size")) == ["abc", "fg", "de"]
    assert names(index.stories(order_by="outlets")) == ["de", "abc", "fg"]
    assert names(index.stories(min_outlets=2)) == ["de", "abc"]
    assert names(index.stories(min_outlets=2, min_size=3)) == names(index.stories(min_size=3)) == ["abc"]
    assert names(index.stories(source="Courier", order_by="size")) == ["abc", "de"]
    assert names(index.stories(language="fr")) == ["de"]
    assert names(index.stories(language="en", source="Courier")) == ["de", "abc"]
    assert names(index.stories(source="")) == ["fg"]
    assert names(index.stories(language="e")) == names(index.stories(source="lantern")) == []
    assert names(index.stories(since=NOON - 3 * HOUR, order_by="size")) == ["fg", "de"]
    assert names(index.stories(min_size=np.int64(2), min_outlets=np.int32(2), limit=np.int64(1))) == ["de"]
    for order in ORDERS:
        whole = names(index.stories(order_by=order))
        assert pages(index, 1, order_by=order) == [[name] for name in whole]
        assert pages(index, 2, order_by=order) == [whole[:2], whole[2:]]
        assert pages(index, 3, order_by=order) == [whole]


def test_velocity_is_in_outlets_an_hour(opened):
    index = opened(ARTICLES)
    page = index.stories(order_by="velocity")
    # Of the outlets within a day the latest article counts; one without a name is one outlet.
    expected = {"fg": [0.25], "de": [1], "abc": [6, 12]}
    ages = sorted(((sum(1 - age / 24 for age in own) / 12, name) for name, own in expected.items()), reverse=True)
    assert [(pytest.approx(value, abs=1e-7), name) for value, name in ages] == list(
        zip(page.values, names(page), strict=True)
    )
    earlier = index.stories(order_by="velocity", now=NOON - 5 * HOUR, window_hours=10)
    assert names(earlier) == ["abc", "fg", "de"]
    assert earlier.values == pytest.approx([(0.9 + 0.3) / 5, 0, 0], abs=1e-7)


def test_a_story_that_r_outlets_an_hour_take_up_has_velocity_r(opened):
    index = opened(article(str(i), f"{TRAIN} Updated {i}", i / 4, f"outlet {i}") for i in range(1, 97))
    assert index.stories(order_by="velocity").values == pytest.approx([4], rel=0.02)
    (slower,) = index.stories(order_by="velocity", now=NOON + 12 * HOUR).values
    assert slower == pytest.approx(4 / 4, rel=0.03)  # only half of the window has articles, and the older half
    assert index.stories(order_by="velocity", now=NOON + 25 * HOUR).values == [0]


def test_whoever_has_read_a_page_follows_from_there(opened):
    index = opened(ARTICLES)
    assert index.stories(limit=1).cursor == index.stories(order_by="size").cursor == index.changes()[-1].cursor == 7


def test_values_say_what_stories_are_ordered_by(opened):
    index = opened(ARTICLES)
    assert index.stories(order_by="size").values == [3, 2, 2]
    assert index.stories(order_by="outlets").values == [2, 2, 1]
    times = [story.last.timestamp() for story in index.stories()]
    assert index.stories().values == pytest.approx(times, abs=1e-3)


def test_an_undated_article_counts_as_published_when_it_came(opened):
    index = opened([article("a", TRAIN, None, "Lantern"), article("b", BANK, 2, "Lantern")])
    page = index.stories(order_by="velocity", window_hours=4)
    assert (names(page), page.values) == (["a", "b"], pytest.approx([1 / 2, 1 / 4], abs=1e-7))


def test_an_article_comes_with_its_text_by_any_of_its_ids(opened):
    url = "https://example.org/kim"
    first = Article("first", TRAIN, title="Kim", published=NOON - 2 * HOUR, source="Lantern", url=url)
    later = replace(first, id="later", text=f"{TRAIN} Updated", published=NOON - HOUR)
    index = opened([first, later, article("b", BANK, 1)])
    now = index.article("first")
    assert now == index.article("later") == index.article(now.id)
    assert (now.text, now.title, now.source, now.url) == (later.text, "Kim", "Lantern", url)
    for unknown in ("x", "\ud800", "", 5):
        with pytest.raises(KeyError, match="no article has the id"):
            index.article(unknown)


def test_texts_that_are_not_stored_have_similar_reports(opened):
    index = opened(ARTICLES)
    (story,) = index.stories(source="Courier", limit=1, order_by="size")
    for text in (BRIDGE, {"text": BRIDGE}, {"id": "a new one", "text": BRIDGE}, Article("new", BRIDGE)):
        found = index.similar(text)
        assert (found[0].article_id, found[0].story_id) == ("a", story.id)
        assert index.similar(text, k=1) == found[:1]
    assert index.similar("Nothing like that at all.") == index.similar("") == []
    assert len(index) == len(ARTICLES)


def test_both_stores_say_the_same(tmp_path):
    """Also the cursor of one is good for the other."""
    url, articles = SERVER.new_database(), dedup.sample_articles()
    clock, now = {"clock": lambda: NOON + 900 * 24 * HOUR}, NOON + 30 * HOUR
    with StoryIndex(tmp_path / "index.db", **clock) as one, StoryIndex(url, **clock) as other:
        for index in (one, other):
            index.add_many(articles)
        queries = [*({"order_by": order, "now": now} for order in ORDERS), {"language": "fr"}, {"min_outlets": 3}]
        for query in queries:
            page, same = (index.stories(limit=9, **query) for index in (one, other))
            assert (names(page), page.next, page.values) == (names(same), same.next, same.values)
            following, same = (index.stories(limit=9, after=page.next, **query) for index in (one, other))
            assert (names(following), following.values) == (names(same), same.values)
    SERVER.drop(url)


# Pages while articles are added

TEXTS = [TRAIN, BRIDGE, BANK, ROCKETS, "An earthquake shook the mountains.", "The iPhone lost its port.", "Rain fell."]

some_articles = st.lists(
    st.builds(
        lambda text, more, hours, source: (text + more, hours, source),
        st.sampled_from(TEXTS),
        st.sampled_from(["", " Updated", " Again"]),
        st.sampled_from([1, 2, 9, 20]),  # few, so that stories tie
        st.sampled_from("xyz"),
    ),
    min_size=4,
    max_size=12,
)


@settings(max_examples=20)
@given(
    first=some_articles,
    later=st.lists(some_articles, max_size=6),
    removed=st.lists(st.integers(0, 30), max_size=3),
    order=st.sampled_from(ORDERS),
    limit=st.integers(1, 3),
    query=st.sampled_from([{}, {"min_size": 2}, {"source": "x"}, {"min_outlets": 2}]),
    now=st.sampled_from([None, NOON - 3 * HOUR]),
)
def test_a_story_that_does_not_change_comes_once(first, later, removed, order, limit, query, now):
    """Whatever is added or removed between pages, and however late the clock is; in the order of the first moment."""
    moment = [NOON]
    query = query | {"order_by": order, "now": now}
    with StoryIndex(":memory:", clock=lambda: moment[0]) as index:
        count = iter(range(1000))

        def add(some):
            index.add_many(article(str(next(count)), *one) for one in some)

        add(first)
        before = facts(index.stories(**query))
        unchanged = dict(before)
        page, told = index.stories(limit=limit, **query), []
        told += facts(page)
        while page.next is not None:
            assert len(told) < 1000
            if later:
                add(later.pop())
            if removed:
                index.remove(str(removed.pop()))
            moment[0] += 5 * HOUR
            now_there = dict(facts(index.stories()))
            unchanged = {name: own for name, own in unchanged.items() if now_there.get(name) == own}
            page = index.stories(limit=limit, after=page.next, **query)
            told += facts(page)
    assert [one for one in told if one in unchanged.items()] == [one for one in before if one in unchanged.items()]


def facts(stories):
    return [(story.id, [(a.id, a.published, a.source) for a in story.articles]) for story in stories]


# What is refused

CURSOR = "size~8.0~19612.5~7~0.0~0.0"


@pytest.mark.parametrize(
    "bad",
    ["", "x", CURSOR[5:], CURSOR + "~1", CURSOR.replace("8.0", "nan"), CURSOR.replace("8.0", "inf"), 5, CURSOR.encode()]
    + [CURSOR.replace("~7~", f"~{story}~") for story in ("0", "-1", "1.5", "9" * 30, "")]
    + [CURSOR.replace("size", "latest"), "é" * 1000],
)
def test_a_cursor_that_is_none_is_refused(bad):
    with StoryIndex(":memory:") as index, pytest.raises(ValueError, match=r"^after is .*; allowed: None, or `next` of"):
        index.stories(order_by="size", after=bad)


@pytest.mark.parametrize("window", ["1.0~1.0", "2.0~1.0", "0.0~400.0", "-inf~0.0"])
def test_a_cursor_without_a_window_of_velocity_is_refused(window):
    with StoryIndex(":memory:") as index, pytest.raises(ValueError, match=r"^after is"):
        index.stories(order_by="velocity", after=f"velocity~8.0~19612.5~7~{window}")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"order_by": "heat"}, "order_by is 'heat'; allowed: 'latest', 'size', 'outlets', 'velocity'"),
        ({"min_outlets": 0}, "min_outlets is 0; allowed: an integer of at least 1"),
        ({"window_hours": 0}, r"window_hours is 0\.0; allowed: a number in \(0, 8784\]"),
        ({"now": datetime(2023, 9, 12)}, "now is .*; allowed: an aware datetime"),
        ({"source": 5}, "source is 5; allowed: None or a str"),
        ({"language": 5}, "language is 5; allowed: None, or a str"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_query_that_is_not_allowed_is_refused(query, message):
    with StoryIndex(":memory:") as index, pytest.raises((TypeError, ValueError), match=f"^{message}"):
        index.stories(**query)


@given(
    order=st.sampled_from(ORDERS),
    value=st.floats(allow_nan=False, allow_infinity=False),
    story=st.integers(1, 2**62 - 1),
    width=st.floats(0.001, 366),
)
def test_a_cursor_is_read_as_it_was_written(order, value, story, width):
    cursor = Cursor(
        order, Place(value, -value, story), (value, value) if order != "velocity" else (19_000.1, 19_000.1 + width)
    )
    text = format_cursor(cursor)
    assert parse_cursor(text, order) == cursor
    assert all(c.isascii() and (c.isalnum() or c in "-._~") for c in text)


def test_a_page_is_a_list_and_an_empty_index_has_an_empty_one():
    with StoryIndex(":memory:") as index:
        for order in ORDERS:
            page = index.stories(order_by=order, limit=3)
            assert (page, page.next, page.values, page.cursor) == ([], None, [], 0)
            assert isinstance(page, StoryPage)
