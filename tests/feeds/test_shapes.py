"""Feeds, responses and tables in the shapes that services give them, through `dedup.cluster` and an index."""

import csv
import io
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

import pytest
from feed_shapes import REPORTS, SHAPES, rss, url_of

import dedup
from dedup import feeds
from dedup.feeds.templates import without_templates


def rows_of(shape):
    if shape.file.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(shape.content.decode("utf-8-sig"))))
    return feeds.read(shape.content)


def options_of(shape):
    return {"timezone": shape.options[1]} if shape.options else {}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_read_as_what_it_says(name):
    shape = SHAPES[name]
    articles = dedup.cluster(rows_of(shape), **options_of(shape)).articles
    assert [article.published for article in articles] == [
        datetime.fromisoformat(report.iso).replace(tzinfo=UTC) for report in REPORTS
    ]
    for article, report in zip(articles, REPORTS, strict=True):
        # Google News has the outlet behind the title.
        assert article.title.removesuffix(f" - {report.outlet}") == report.title
        assert (report.text[:60] in article.text) == shape.has_text
        if name != "Google News":
            assert article.url.removesuffix("?utm_source=rss") == url_of(report)
    assert [article.source for article in articles] == list(shape.sources or (None,) * 3)
    assert len({article.id for article in articles}) == 3


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if shape.has_text])
def test_two_reports_of_the_valley_are_one_story(name):
    shape = SHAPES[name]
    stories = dedup.cluster(rows_of(shape), **options_of(shape))
    assert stories.labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", SHAPES)
def test_an_index_takes_every_shape(name):
    shape = SHAPES[name]
    rows = rows_of(shape)
    if shape.file.endswith(".csv"):
        rows = [row | {"id": row.get("URL") or row["link"]} for row in rows]
    with dedup.StoryIndex(":memory:", **options_of(shape)) as index:
        assignments, refusals = index.add_many(rows, errors="skip")
        assert (len(assignments), refusals) == (3, [])
        assert {assignment.outcome for assignment in index.add_many(rows)} == {"unchanged"}
        assert [story.first is None for story in index.stories()] == [False] * len(index.stories())


# Templates of forums, which say nothing of the page


def forum(articles):
    """A feed of what a forum says of pages: their addresses, and how many people speak of them."""
    items = []
    for i, article in enumerate(articles):
        page, talk = f"https://site{i % 7}.example/{i}", f"https://forum.example/item?id=4{i}"
        text = (
            f"<p>Article URL: <a href='{page}'>{page}</a></p>\n<p>Comments URL: <a href='{talk}'>{talk}</a></p>\n"
            f"<p>Points: {i * 3 % 50}</p>\n<p># Comments: {i % 9}</p>"
        )
        date = f"<pubDate>{format_datetime(article.published)}</pubDate>"
        items.append(
            f"<item><guid isPermaLink='false'>{article.id}</guid><title>{escape(article.title)}</title>{date}"
            f"<description>{escape(text)}</description></item>"
        )
    return rss("".join(items))


def test_templates_make_no_stories():
    """Neither in a batch nor in an index, where the first entries have nothing to be compared with."""
    sample = dedup.sample_articles("en")
    entries = feeds.read(forum(sample))
    assert {entry["text"] for entry in entries} == {None}
    events = {article.id: article.event for article in sample}
    with dedup.StoryIndex(":memory:") as index:
        index.add_many(entries)
        found = index.stories()
    for stories in (dedup.cluster(entries), found):
        labelled = [(events[article.id], label) for label, story in enumerate(stories) for article in story.articles]
        scores = dedup.metrics.bcubed(*zip(*labelled, strict=True))
        assert (scores.precision, len(stories) < len(sample)) == (1, True)


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        (["Comments"] * 3, [None] * 3),
        (["<a href='https://a.example/1'>Comments</a>", "Comments (2)", "<p>Comments: 17</p>"], [None] * 3),
        (["Comments", "Comments"], ["Comments"] * 2),
        (["Comments"] * 3 + ["A road is closed."] * 2, [None] * 3 + ["A road is closed."] * 2),
        (["Comments"] * 3 + ["a", "b", "c"], ["Comments"] * 3 + ["a", "b", "c"]),
        (["1", "2", "3"], ["1", "2", "3"]),
        (["word " * 500] * 3, ["word " * 500] * 3),
        ([None, 5, "", "Comments"], [None, 5, "", "Comments"]),
    ],
)
def test_what_is_a_template(texts, left):
    entries = [{"title": f"Title {i}", "text": text} for i, text in enumerate(texts)]
    assert [entry["text"] for entry in without_templates("feed", entries)] == left


def test_entries_without_a_title_keep_what_they_have():
    entries = [{"title": title, "text": "Comments"} for title in ("", None, "a", "b", "c")]
    left = [entry["text"] for entry in without_templates("feed", entries)]
    assert left == ["Comments", "Comments", None, None, None]
