"""Updates of articles in an index: what is only edited keeps its story, and what is not edited stays where it is."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from follower import Follower, told_places
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN
from test_index import assert_consistent, clock, ids, plain

import dedup
from dedup import Article, StoryIndex

TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))

FARMERS = (
    "Farmers blocked the motorways around Lyon with their tractors on Monday, in protest against a tax on diesel, and "
    "dumped manure before the prefecture."
)


def article(name, text, **fields):
    return Article(name, text, **{"published": TUESDAY} | fields)


@pytest.fixture
def index():
    with StoryIndex(":memory:", clock=clock) as index:
        yield index


def test_the_same_instant_in_another_zone_is_no_update(index):
    index.add(article("a", TRAIN))
    before = index.changes()
    for zone in (TOKYO, timezone(timedelta(hours=-3, minutes=-30))):
        assert index.add(article("a", TRAIN, published=TUESDAY.astimezone(zone))).outcome == "unchanged"
    assert index.changes() == before
    assert index.add(article("a", TRAIN, published=TUESDAY.replace(tzinfo=TOKYO))).outcome == "updated"


@pytest.mark.parametrize(
    "edit", [{"text": f"{TRAIN} Updated."}, {"title": "Kim"}, {"url": "https://example.org/kim"}, {"source": "X"}]
)
def test_an_edit_leaves_the_article_in_its_episode(index, edit):
    index.add_many([article("a", TRAIN), article("b", BRIDGE), article("c", ROCKETS), article("d", BANK)])
    seen, stories = index.changes()[-1].cursor, {name: index.story_id(name) for name in "abcd"}
    for name, text in {"a": TRAIN, "d": BANK}.items():
        edited = index.add(
            replace(article(name, text), **edit | ({"text": f"{text} Updated."} if "text" in edit else {}))
        )
        assert (edited.outcome, edited.left, edited.merged, edited.replaces) == ("updated", None, (), None)
    assert [(change.kind, change.article_id) for change in index.changes(seen)] == [("updated", "a"), ("updated", "d")]
    assert {name: index.story_id(name) for name in "abcd"} == stories
    assert_consistent(index, "abcd")


def test_what_is_rewritten_says_which_story_it_left(index):
    index.add_many([article("a", TRAIN), article("b", BRIDGE), article("c", BANK)])
    moved = index.add(article("b", f"{BANK} Markets had hoped for it."))
    assert (moved.outcome, moved.story_id, moved.left, moved.merged) == ("updated", index.story_id("c"), "s1", ())
    assert ids(index.story("s1")) == ["a"]
    begun = index.add(article("b", FARMERS))
    assert (begun.outcome, begun.left, begun.merged) == ("updated", index.story_id("c"), ())
    assert ids(index.story(begun.story_id)) == ["b"]
    assert_consistent(index, "abc")


def test_an_article_alone_in_its_story_keeps_it_whatever_it_becomes(index):
    first = index.add(article("a", TRAIN))
    for text in (f"{TRAIN} It was said.", FARMERS, "", BANK):
        edited = index.add(article("a", text))
        assert (edited.story_id, edited.episode_id, edited.left) == (first.story_id, first.episode_id, None)
    assert [change.kind for change in index.changes()] == ["story_begun", *["updated"] * 4]
    assert [story.id for story in index.stories()] == [first.story_id]


def test_the_story_of_one_that_was_alone_becomes_an_alias_of_that_which_it_joins(index):
    index.add_many([article("a", FARMERS), article("b", BANK)])
    joined = index.add(article("a", f"{BANK} Markets had hoped for it."))
    assert (joined.outcome, joined.story_id, joined.merged, joined.left) == ("updated", "s2", ("s1",), None)
    assert index.story("s1").id == "s2"
    assert_consistent(index, "ab")


def test_what_a_canonical_article_is_edited_to_leaves_its_copies_together(index):
    index.add_many([article("a", TRAIN), article("a2", TRAIN), article("b", BRIDGE)])
    edited = index.add(article("a", f"{TRAIN} Updated."))
    assert (edited.story_id, edited.near_duplicate_of, edited.left) == ("s1", "a2", None)
    moved = index.add(article("a", FARMERS))
    assert (moved.story_id, moved.left) == ("s2", "s1")
    assert ids(index.story("s1")) == ["a2", "b"]
    assert_consistent(index, ["a", "a2", "b"])


def small_edit(rng, one):
    """The same report with a word more or less, another title, URL or time."""
    words = one.text.split(" ")
    place = rng.randrange(len(words))
    fewer, more = words[:place] + words[place + 1 :], [*words[:place], rng.choice(words), *words[place:]]
    edit = rng.choice(
        [
            {"text": " ".join(fewer) if len(words) > 40 else one.text + " Now."},
            {"text": " ".join(more) if len(words) > 40 else one.text + " So."},
            {"text": f"{one.text} Updated {rng.randrange(1000)}."},
            {"title": f"{one.title} {rng.choice(['(update)', 'now', '!'])}"[-200:]},
            {"url": f"https://example.org/{one.id}-{rng.randrange(10**6)}"},
            {"published": one.published + timedelta(minutes=rng.randrange(1, 60))},
        ]
    )
    return replace(one, **edit)


@pytest.mark.parametrize(
    ("seed", "n_edits"), [(1, 250), *(pytest.param(s, 1000, marks=pytest.mark.slow) for s in (2, 3))]
)
def test_after_random_edits_all_that_did_not_move_have_the_story_they_had(index, seed, n_edits):
    rng, follower = random.Random(seed), Follower()
    live = {a.id: a for a in plain(dedup.sample_articles("en"))[:90]}
    index.add_many(live.values())
    follower.catch_up(index)
    told, counts = {name: place[0] for name, place in follower.places.items()}, {"edited": 0, "same": 0, "rewritten": 0}
    n_moved = 0
    for k in range(n_edits):
        one = live[rng.choice(sorted(live))]
        draw = rng.random()
        if draw < 0.2:
            kind, new = "same", replace(one, published=one.published.astimezone(timezone(timedelta(hours=k % 12))))
        elif draw < 0.98:
            kind, new = "edited", small_edit(rng, one)
        else:
            kind, new = "rewritten", replace(one, text=live[rng.choice(sorted(live))].text, title="")
        before, seen = dict(follower.places), follower.cursor
        assigned = index.add(new)
        counts[kind] += 1
        live[one.id] = new if assigned.outcome == "updated" else one
        follower.catch_up(index)
        assert follower.places == told_places(index)
        if kind == "same":
            assert (assigned.outcome, follower.cursor) == ("unchanged", seen)
        if kind == "edited":
            assert assigned.left is None
        after = follower.places
        for name, (story, _) in before.items():
            into = after[name][0]
            if story != into and follower.aliases.get(story) != into:  # not merged: it was moved
                n_moved += 1
                assert kind == "rewritten", (name, story, into)
                assert name != one.id or assigned.left == story
                told[name] = into
    for name, story in told.items():  # that where it was told to be at first, or when it last moved
        assert index.story(story).id == index.story(index.story_id(name)).id
    assert counts["edited"] > 0.7 * n_edits
    assert n_moved
    assert_consistent(index, live)
