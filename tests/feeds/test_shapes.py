"""Feeds, responses and tables in the shapes that services give them, through `dedup.cluster` and an index."""

import csv
import io
from datetime import UTC, datetime

import pytest
from feed_shapes import REPORTS, SHAPES, url_of

import dedup
from dedup import feeds


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
    """What a forum says of each page: its address, and how many people speak of it."""
    rows = []
    for i, article in enumerate(articles):
        page, talk = f"https://site{i % 7}.example/{i}", f"https://forum.example/item?id=4{i}"
        text = (
            f"<p>Article URL: <a href='{page}'>{page}</a></p>\n<p>Comments URL: <a href='{talk}'>{talk}</a></p>\n"
            f"<p>Points: {i * 3 % 50}</p>\n<p># Comments: {i % 9}</p>"
        )
        row = {"id": article.id, "title": article.title, "published": article.published, "source": "Forum"}
        rows.append(row | {"text": text})
    return rows


def test_templates_make_no_stories():
    sample = dedup.sample_articles("en")
    stories = dedup.cluster(forum(sample))
    assert dedup.metrics.bcubed([article.event for article in sample], stories.labels).precision > 0.97
    assert len(stories) > 0.9 * len(sample)
