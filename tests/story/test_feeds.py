"""Stories of feeds as they come, in which most items are alone."""

import numpy as np
import pytest

import dedup
from dedup.metrics import bcubed
from dedup.story.spelling import spelling_of
from dedup.text.tokens import tokenize
from tests.story.feed_items import feed_items


@pytest.fixture(scope="module")
def feed():
    rows, labels = feed_items()
    return rows, np.unique(labels, return_inverse=True)[1]


@pytest.fixture(scope="module")
def stories(feed):
    return dedup.cluster(feed[0])


def test_stories_are_better_than_every_item_alone(feed, stories):
    gold = feed[1]
    alone, found = bcubed(gold, np.arange(len(gold))), bcubed(gold, stories.labels)
    assert found.f1 > alone.f1
    assert found.precision >= 0.9  # 0.40 in version 0.1


def test_an_index_does_no_harm_before_it_knows_its_sources(feed):
    rows, gold = feed
    with dedup.StoryIndex(":memory:") as index:
        for row in sorted(rows, key=lambda row: row["published"]):
            index.add(row)
        labels = np.unique([index.story_id(row["id"]) for row in rows], return_inverse=True)[1]
    assert bcubed(gold, labels).precision >= 0.85  # 0.49 in version 0.1


def test_what_belongs_together_is_together(feed, stories):
    for event in np.flatnonzero(np.bincount(feed[1]) > 1):
        assert len(set(stories.labels[feed[1] == event].tolist())) == 1


def test_roundups_are_alone_and_marked(stories):
    marked = {story.headline: len(story) for story in stories if story.is_roundup}
    assert marked == {
        "Five things to know today - The Coast Herald": 1,
        "Monday Briefing: rates, drones and a dam": 1,
        "Tuesday Briefing": 1,
    }


def test_a_plain_report_goes_before_a_live_blog(stories):
    shown = [story.headline for story in stories if len(story) > 1]
    assert not any(title.startswith(("LIVE", "WATCH", "EN DIRECT", "ÚLTIMA HORA")) for title in shown)


@pytest.mark.parametrize(
    "word", ["Tuesday", "September", "Reuters", "AFP", "Dienstag", "Oktober", "Mercredi", "Août", "Jueves", "Вторник"]
)
@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Ferry reopens on {}", "Mayor votes on {}"),
        ("{}: Bakery closes", "{}: Cyclist wins"),
        ("Harbour burns ({})", "Poet sings ({})"),
        ("Museum reopens early on {} morning", "Farmer strikes on {}"),
    ],
)
def test_titles_that_share_a_day_or_an_agency_alone_are_two_stories(title, other, word):
    rows = [{"title": one.format(word), "text": "", "published": "2024-05-01T06:00:00Z"} for one in (title, other)]
    assert len(dedup.cluster(rows)) == 2
    with dedup.StoryIndex(":memory:") as index:
        index.add_many({"id": str(i)} | row for i, row in enumerate(rows))
        assert len(list(index.stories())) == 2


def test_titles_that_share_names_are_one_story_whatever_the_day():
    titles = ["Queen Margrethe abdicates on Tuesday", "Queen Margrethe abdicates (Reuters)"]
    rows = [{"title": title, "text": "", "published": "2024-05-01T06:00:00Z"} for title in titles]
    assert len(dedup.cluster(rows)) == 1


@pytest.mark.parametrize("name", ["May", "March", "Mars", "Mai", "Mayo", "Sun", "Sol", "Domingo"])
def test_months_and_days_that_are_names_stay_names(name):
    assert spelling_of(tokenize([f"with {name}"])).upper.tolist() == [False, True]
    assert spelling_of(tokenize(["with Tuesday"])).upper.tolist() == [False, False]
