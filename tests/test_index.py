"""StoryIndex: what becomes of articles that come one by one, alone and from many threads."""

import asyncio
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, StoryIndex
from dedup.stream.memory import LiveArticles, _slots
from dedup.stream.records import Assignment

DAY = timedelta(days=1)
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)

# The second is similar to the first and to the third, which have nothing in common.
TRAIN = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."
BRIDGE = "Kim Jong Un left Pyongyang by armoured train; Putin awaited at Vostochny cosmodrome in Amur, rockets ready."
ROCKETS = "Putin inspected rockets at the Vostochny cosmodrome beside engineers in Amur."
BANK = "The European Central Bank raised its key interest rate to 4 percent and hinted that it was done."

# A report, the same with a word more, and another report of the event.
KHASAN = (
    "The armoured train of Kim Jong Un reached the Russian border station of Khasan early on Tuesday morning, "
    "officials in Seoul said."
)
KHASAN_COPY = f"{KHASAN} Updated"
KHASAN_TOO = (
    "Kim Jong Un crossed into Russia by armoured train on Tuesday, reaching Khasan, South Korean officials said."
)


def article(name, text, published=TUESDAY):
    return Article(name, text, published=published)


def plain(articles):
    """Without the labels of the sample."""
    return [Article(a.id, a.text, title=a.title, published=a.published, source=a.source) for a in articles]


@pytest.fixture(scope="session")
def english():
    return tuple(plain(dedup.sample_articles("en")))


@pytest.fixture
def index():
    with StoryIndex(":memory:") as index:
        yield index


def ids(story):
    return [a.id for a in story.articles]


def grouping(index):
    return {frozenset(ids(story)) for story in index.stories()}


def memory(index):
    """All that an index keeps in memory; takes a while."""
    live = index._assigner.live
    return (
        live.count,
        np.flatnonzero(live.stories >= 0).tolist(),
        live.stories[live.stories >= 0].tolist(),
        live._frequencies.tobytes(),
        +index._assigner.sizes,
        len(live._bands),
        len(live._features),
    )


@cache
def prior_frequencies():
    return LiveArticles()._frequencies


def assert_consistent(index, live):
    """What holds after every operation: the store is whole, and memory agrees with it."""
    store, memory = index._store, index._assigner.live
    rows = {row.node: row for row in store.everything()}
    assert {row.id for row in rows.values()} == set(live)
    assert len(index) == len(live)

    for row in rows.values():
        speaker = rows[row.speaker]
        assert speaker.speaker == speaker.node
        assert speaker.story == row.story
        assert store.resolve(row.story) == row.story
    speakers = [row for row in rows.values() if row.node == row.speaker]
    edges = store._db.execute("SELECT node, other, similarity FROM edges").fetchall()
    assert {node for node, _, _ in edges} <= {row.node for row in speakers}
    assert set(edges) == {(other, node, similarity) for node, other, similarity in edges}

    assert Counter(row.story for row in speakers) == index._assigner.sizes
    assert memory.count == len(speakers)
    assert dict(enumerate(memory.stories.tolist())) == {
        node: rows[node].story if node in rows else -1 for node in range(len(memory.stories))
    }
    for node, row in rows.items():
        assert memory.days[node] == row.day or (row.day is None and np.isnan(memory.days[node]))
    slots = np.concatenate([np.empty(0, dtype=np.int64), *(_slots(row.keys) for row in speakers)])
    used, times = np.unique(slots, return_counts=True)
    assert (memory._frequencies[used] - prior_frequencies()[used]).tolist() == times.tolist()
    assert int(memory._frequencies.sum()) == int(prior_frequencies().sum()) + len(slots)

    told = index.stories()
    assert sorted(name for story in told for name in ids(story)) == sorted(live)
    for story in told:
        assert all(index.story_id(name) == story.id for name in ids(story))
        assert ids(index.story(story.id)) == ids(story)
        assert story.representative in story.articles
        assert all(0 <= value <= 1 for value in (*story.membership, story.cohesion))


# What becomes of one article


def test_first_article_of_an_event_begins_a_story(index):
    assert index.add(article("a", TRAIN)) == Assignment("a", index.story_id("a"), "new_story")


def test_another_report_joins_with_its_mean_similarity(index):
    first = index.add(article("a", TRAIN))
    second = index.add(article("b", BRIDGE))
    assert second == Assignment("b", first.story_id, "report", None, second.similarity)
    (found, itself) = sorted(index.similar(article("x", BRIDGE)), key=lambda s: s.article_id)
    assert (found.article_id, itself.article_id) == ("a", "b")
    assert 0.12 < second.similarity < 1
    assert index.story(first.story_id).cohesion == pytest.approx(second.similarity)


def test_a_copy_joins_the_story_of_what_it_copies_with_its_jaccard_similarity(index):
    first = index.add(article("a", KHASAN))
    copy = index.add(article("b", KHASAN_COPY, TUESDAY + 9 * DAY))
    assert copy == Assignment("b", first.story_id, "near_duplicate", "a", copy.similarity)
    (pair,) = dedup.near_duplicates([KHASAN, KHASAN_COPY]).jaccard
    assert copy.similarity == pytest.approx(pair)
    assert [[a.id for a in group] for group in index.story(first.story_id).near_duplicates] == [["a", "b"]]


def test_an_unrelated_article_begins_another_story(index):
    first, second = index.add_many([article("a", TRAIN), article("b", BANK)])
    assert second.outcome == "new_story"
    assert first.story_id != second.story_id
    assert index.similar(article("x", BANK))[0].article_id == "b"


def test_the_same_event_a_year_later_is_another_story(index):
    first = index.add(article("a", TRAIN))
    assert index.add(article("b", BRIDGE, TUESDAY + 365 * DAY)).story_id != first.story_id


def test_the_same_article_again_changes_nothing(index, english):
    assigned = index.add_many(english)
    before = memory(index), grouping(index)
    again = index.add_many(english)
    assert {a.outcome for a in again} == {"unchanged"}
    assert [a.story_id for a in again] == [a.story_id for a in assigned]
    assert {(a.near_duplicate_of, a.similarity, a.merged) for a in again} == {(None, None, ())}
    assert (memory(index), grouping(index)) == before


@pytest.mark.parametrize(
    "change",
    [{"text": BRIDGE}, {"title": "Kim"}, {"published": TUESDAY + DAY}, {"published": None}, {"source": "X"}],
    ids=lambda change: next(iter(change)),
)
def test_any_changed_field_is_an_update_and_is_what_the_story_shows(index, change):
    old = article("a", TRAIN)
    index.add(old)
    updated = index.add(replace(old, **change))
    assert updated.outcome == "updated"
    assert index.story(updated.story_id).articles == (replace(old, **change),)
    assert_consistent(index, {"a"})


def test_an_update_moves_the_article_to_the_story_of_its_new_text(index):
    train, bank = index.add_many([article("a", TRAIN), article("b", BANK)])
    index.add(article("c", BRIDGE))
    moved = index.add(article("c", f"{BANK} Again and again, markets heard."))
    assert (moved.outcome, moved.story_id) == ("updated", bank.story_id)
    assert ids(index.story(train.story_id)) == ["a"]
    assert ids(index.story(bank.story_id)) == ["b", "c"]
    assert_consistent(index, {"a", "b", "c"})


def test_an_update_to_a_copy_names_what_it_copies(index):
    index.add_many([article("a", KHASAN), article("b", BANK)])
    updated = index.add(article("b", KHASAN))
    assert updated == Assignment("b", index.story_id("a"), "updated", "a", 1.0)


def test_an_update_that_takes_the_bridge_away_splits_the_story(index):
    index.add_many([article("a", TRAIN), article("b", BRIDGE), article("c", ROCKETS)])
    assert index.story_id("a") == index.story_id("c")
    index.add(article("b", BANK))
    assert len({index.story_id(name) for name in "abc"}) == 3
    assert_consistent(index, "abc")


def test_an_update_that_fails_midway_leaves_the_article_where_it_was(index, monkeypatch):
    index.add_many([article("a", TRAIN), article("b", BRIDGE), article("c", BANK)])
    before = memory(index), grouping(index)
    monkeypatch.setattr(index._store, "insert", lambda row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        index.add(article("b", BANK))
    monkeypatch.undo()
    assert (memory(index), grouping(index)) == before
    assert index.add(article("b", BRIDGE)).outcome == "unchanged"


def test_a_late_article_joins_the_story_of_its_own_time(index):
    then = index.add(article("a", TRAIN))
    now = index.add(article("b", f"{TRAIN} This year, once more, as every autumn.", TUESDAY + 400 * DAY))
    assert now.story_id != then.story_id
    assert index.add(article("c", BRIDGE, TUESDAY + DAY)).story_id == then.story_id


def test_mappings_integers_and_blank_texts_are_welcome(index):
    assigned = index.add_many([{"id": 7, "text": TRAIN}, {"id": "blank", "text": ""}, {"id": "blank2", "text": " "}])
    assert [a.article_id for a in assigned] == ["7", "blank", "blank2"]
    assert len({a.story_id for a in assigned}) == 3
    assert index.remove("7")
    assert_consistent(index, {"blank", "blank2"})


def test_articles_of_a_subclass_are_stored_as_articles(index):
    labelled = dedup.sample_articles("en")[:12]
    index.add_many(labelled)
    assert {a for story in index.stories() for a in story.articles} == set(plain_fields(labelled))
    assert {a.outcome for a in index.add_many(plain_fields(labelled))} == {"unchanged"}


def plain_fields(articles):
    return [Article(**{name: getattr(a, name) for name in Article.__slots__}) for a in articles]


def test_a_subclass_whose_fields_are_its_own_never_hides_what_is_stored(index):
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Labelled(Article):
        label: int = 0

    index.add(Labelled("a", TRAIN, published=TUESDAY, label=3))
    assert ids(index.story(index.story_id("a"))) == ["a"]


# Refusals


BAD = [
    ({"text": TRAIN}, ValueError, "'id' is missing"),
    (TRAIN, ValueError, "'id' is missing"),
    ({"id": "x"}, ValueError, "'text' is missing"),
    ({"id": "x", "text": 7}, TypeError, "field 'text' is 7; allowed: str"),
    ({"id": 1.5, "text": TRAIN}, TypeError, "field 'id' is 1.5; allowed: str or int"),
    ({"id": "x", "text": TRAIN, "published": datetime(2023, 9, 12)}, ValueError, "without a time zone"),
    ({"id": "x", "text": TRAIN, "published": "2023-09-12T10:00"}, ValueError, "timezone="),
    ({"id": "x", "text": TRAIN, "source": 3}, TypeError, "field 'source' is 3"),
    (None, TypeError, "allowed"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_a_bad_article_is_refused_and_nothing_is_stored(index, bad, error, message):
    index.add(article("a", TRAIN))
    before = memory(index)
    with pytest.raises(error, match=message) as refusal:
        index.add(bad)
    assert "article 0" in str(refusal.value)
    with pytest.raises(error, match="article 2") as refusal:
        index.add_many([article("b", BRIDGE), article("c", BANK), bad, article("d", ROCKETS)])
    assert message in str(refusal.value)
    assert memory(index) == before
    assert_consistent(index, {"a"})


def test_an_id_twice_in_one_batch_is_refused_with_both_positions(index):
    with pytest.raises(ValueError, match="article 2: field 'id' is 'a', as that of article 0"):
        index.add_many([article("a", TRAIN), article("b", BANK), article("a", ROCKETS)])
    assert len(index) == 0


def test_after_a_refusal_articles_are_assigned_as_in_a_fresh_index(index, english):
    for bad, error, _ in BAD:
        with pytest.raises(error):
            index.add_many([*english[:9], bad])
    with StoryIndex(":memory:") as fresh:
        assert index.add_many(english) == fresh.add_many(english)
        assert memory(index) == memory(fresh)


@pytest.mark.parametrize("method", ["insert", "connect", "speak_for", "new_story"])
def test_a_batch_that_fails_midway_leaves_nothing_behind(index, english, monkeypatch, method):
    index.add_many(english[:20])
    before = memory(index), grouping(index)
    calls, whole = [], getattr(index._store, method)

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 15:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(index._store, method, failing)
    with pytest.raises(KeyboardInterrupt):
        index.add_many(english[20:])
    monkeypatch.undo()
    assert (memory(index), grouping(index)) == before
    with StoryIndex(":memory:") as fresh:
        fresh.add_many(english[:20])
        assert index.add_many(english[20:]) == fresh.add_many(english[20:])


def test_zone_of_naive_times_is_that_of_the_index():
    with StoryIndex(":memory:", timezone="Asia/Tokyo") as index:
        name = index.add({"id": "a", "text": TRAIN, "published": "2023-09-12T17:00"}).story_id
        assert index.story(name).first == TUESDAY


@pytest.mark.parametrize(
    ("settings_", "error"),
    [
        ({"story_threshold": 0.01}, ValueError),
        ({"story_threshold": 1}, ValueError),
        ({"story_threshold": "high"}, TypeError),
        ({"near_threshold": 0}, ValueError),
        ({"recall": 1}, ValueError),
        ({"num_perm": 0}, ValueError),
        ({"shingle_size": 2.5}, TypeError),
        ({"representative": "first"}, ValueError),
    ],
)
def test_bad_parameters_are_refused_before_a_file_is_made(tmp_path, settings_, error):
    with pytest.raises(error, match=f"{next(iter(settings_))} is .*; allowed"):
        StoryIndex(tmp_path / "index.db", **settings_)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["s99", "s0", "a", "", "s", "s-1", "sx", 1, None, "S1"])
def test_unknown_story_ids_are_key_errors(index, name):
    index.add(article("a", TRAIN))
    with pytest.raises(KeyError, match="no story has the id"):
        index.story(name)


def test_story_ids_too_large_to_be_any_are_key_errors(index):
    with pytest.raises(KeyError, match="no story has the id"):
        index.story("s" + "9" * 30)


def test_a_lone_surrogate_in_an_id_is_stored_or_refused_with_its_position(index):
    try:
        index.add({"id": "a\ud800", "text": TRAIN})
    except UnicodeEncodeError:
        raise
    except ValueError as error:
        assert "article 0" in str(error)  # noqa: PT017 (either will do)
    else:
        assert index.remove("a\ud800")


def test_unknown_ids_with_lone_surrogates_are_as_unknown_as_others(index):
    assert not index.remove("\ud800")
    with pytest.raises(KeyError):
        index.story_id("\ud800")


def test_lone_surrogates_in_texts_survive(index):
    name = index.add(article("a", f"{TRAIN} \ud800 \x00 \U0001f600")).story_id
    assert index.story(name).articles[0].text == f"{TRAIN} \ud800 \x00 \U0001f600"


def test_naive_times_are_refused_everywhere(index):
    for ask in (index.expire, index.refine, lambda day: index.stories(since=day)):
        for bad in (datetime(2023, 9, 12), "2023-09-12", 7):
            with pytest.raises(ValueError, match="allowed: an aware datetime"):
                ask(bad)


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "1"])
def test_counts_below_one_are_refused(index, bad):
    with pytest.raises((TypeError, ValueError), match=r"k is .*allowed"):
        index.similar(article("a", TRAIN), k=bad)
    with pytest.raises((TypeError, ValueError), match=r"min_size is .*allowed"):
        index.stories(min_size=bad)


# Removal


def test_a_removed_article_is_gone_from_every_answer(index, english):
    index.add_many(english)
    for gone in english[::3]:
        assert index.remove(gone.id) is True
        assert index.remove(gone.id) is False
        with pytest.raises(KeyError, match=gone.id):
            index.story_id(gone.id)
        assert gone.id not in {s.article_id for s in index.similar(gone, k=99)}
        assert gone.id not in {name for story in index.stories() for name in ids(story)}
    assert_consistent(index, {a.id for a in english} - {a.id for a in english[::3]})


def test_removing_what_is_not_there_changes_nothing(index):
    index.add(article("a", TRAIN))
    before = memory(index)
    assert not index.remove("b")
    assert not index.remove("")
    assert memory(index) == before


def test_a_story_without_articles_is_gone_and_its_id_is_not_used_again(index):
    used = set()
    for _ in range(4):
        name = index.add(article("a", TRAIN)).story_id
        assert name not in used
        used.add(name)
        assert index.remove("a")
        with pytest.raises(KeyError, match=name):
            index.story(name)
    assert index.stories() == []
    assert index.similar(article("x", TRAIN)) == []
    assert_consistent(index, set())


def test_ids_of_stories_are_not_used_again_after_reopening(tmp_path):
    used = set()
    for _ in range(3):
        with StoryIndex(tmp_path / "index.db") as index:
            used.add(index.add(article("a", TRAIN)).story_id)
            index.remove("a")
    assert len(used) == 3


def test_when_the_speaker_of_copies_leaves_the_earliest_copy_speaks_and_the_story_stays(index):
    texts = {"a": KHASAN, "b": KHASAN_COPY, "c": KHASAN, "other": KHASAN_TOO}
    name, *_ = {a.story_id for a in index.add_many([article(*item) for item in texts.items()])}
    before = index.story(name)
    assert index.remove("a")
    after = index.story(name)
    assert ids(after) == ["b", "c", "other"]
    assert [[a.id for a in group] for group in after.near_duplicates] == [["b", "c"]]
    assert after.cohesion == pytest.approx(before.cohesion)
    assert {s.article_id for s in index.similar(article("x", KHASAN))} == {"b", "other"}
    assert index.add(article("d", KHASAN)).near_duplicate_of == "c"
    assert_consistent(index, {"b", "c", "d", "other"})


def test_removing_a_copy_leaves_the_rest_as_it_was(index):
    index.add_many([article("a", KHASAN), article("b", KHASAN_TOO)])
    before = memory(index)[:5], grouping(index)
    index.add(article("c", KHASAN_COPY))
    index.remove("c")
    assert (memory(index)[:5], grouping(index)) == before


def test_removing_the_bridge_splits_the_story_and_its_id_stays_with_one_part(index):
    name, *_ = (a.story_id for a in index.add_many(map(article, "abc", (TRAIN, BRIDGE, ROCKETS))))
    assert ids(index.story(name)) == ["a", "b", "c"]
    index.remove("b")
    assert name in {index.story_id("a"), index.story_id("c")}
    assert grouping(index) == {frozenset("a"), frozenset("c")}
    assert_consistent(index, "ac")


def test_the_id_stays_with_the_larger_part_of_a_split_and_copies_move_along(index):
    parts = {"a": TRAIN, "b": BRIDGE, "c": ROCKETS, "c2": ROCKETS, "c3": ROCKETS, "d": f"Late: {ROCKETS[:60]} today"}
    (name,) = {a.story_id for a in index.add_many([article(*item) for item in parts.items()])}
    index.remove("b")
    assert grouping(index) == {frozenset("a"), frozenset({"c", "c2", "c3", "d"})}
    assert index.story_id("d") == name
    assert_consistent(index, parts.keys() - {"b"})


# Merges


def test_a_merge_leaves_an_alias_and_is_reported(index):
    old, young = index.add_many([article("a", TRAIN), article("c", ROCKETS)])
    bridge = index.add(article("b", BRIDGE))
    assert (bridge.outcome, bridge.story_id, bridge.merged) == ("report", old.story_id, (young.story_id,))
    assert index.story(young.story_id).id == index.story(old.story_id).id == old.story_id
    assert index.story_id("c") == old.story_id
    assert ids(index.story(young.story_id)) == ["a", "b", "c"]
    assert_consistent(index, "abc")


def test_aliases_survive_reopening_and_lead_nowhere_when_all_is_removed(tmp_path):
    with StoryIndex(tmp_path / "index.db") as index:
        old, young, _ = (a.story_id for a in index.add_many(map(article, "acb", (TRAIN, ROCKETS, BRIDGE))))
    with StoryIndex(tmp_path / "index.db") as index:
        assert index.story(young).id == old
        for name in "abc":
            index.remove(name)
        for story in (old, young):
            with pytest.raises(KeyError, match=story):
                index.story(story)


# Expiry


def test_expire_counts_and_forgets_what_was_published_before(index, english):
    index.add_many(english)
    moment = english[len(english) // 2].published
    gone = [a for a in english if a.published < moment]
    kept = {a.id for a in english} - {a.id for a in gone}
    assert index.expire(moment) == len(gone)
    assert index.expire(moment) == 0
    assert_consistent(index, kept)
    with pytest.raises(KeyError):
        index.story_id(gone[0].id)
    assert index.add(gone[0]).outcome in {"new_story", "report"}


def test_expire_is_by_publication_whatever_the_zone_and_spares_the_moment_itself(index):
    tokyo = timezone(timedelta(hours=9))
    index.add(article("a", TRAIN, TUESDAY.astimezone(tokyo)))
    assert index.expire(TUESDAY) == 0
    assert index.expire((TUESDAY + timedelta(seconds=1)).astimezone(tokyo)) == 1


def test_when_the_speaker_expires_a_later_copy_speaks_and_the_story_stays(index):
    name, *_ = (a.story_id for a in index.add_many([article("a", KHASAN), article("b", KHASAN_COPY, TUESDAY + DAY)]))
    assert index.expire(TUESDAY + DAY / 2) == 1
    assert ids(index.story(name)) == ["b"]
    assert [s.article_id for s in index.similar(article("x", KHASAN))] == ["b"]
    assert_consistent(index, {"b"})


def test_a_later_copy_speaks_although_another_report_of_the_story_expires_too(index):
    reports = [article("a", KHASAN), article("b", KHASAN_TOO), article("a2", KHASAN, TUESDAY + 5 * DAY)]
    (name,) = {a.story_id for a in index.add_many(reports)}
    assert index.expire(TUESDAY + DAY) == 2
    assert ids(index.story(name)) == ["a2"]
    assert [s.article_id for s in index.similar(article("x", KHASAN))] == ["a2"]
    assert_consistent(index, {"a2"})


def test_undated_articles_expire_with_what_was_latest_when_they_came(index):
    index.add(article("old", BANK))
    index.add(article("undated", TRAIN, None))
    index.add(article("young", ROCKETS, TUESDAY + 9 * DAY))
    index.add(article("undated too", f"{KHASAN} {BANK}", None))
    assert index.expire(TUESDAY + DAY) == 2
    assert_consistent(index, {"young", "undated too"})
    assert index.expire(TUESDAY + 10 * DAY) == 2


def test_expiry_of_the_bridge_splits_the_story_as_removal_does(index):
    index.add_many([article("a", TRAIN, TUESDAY + DAY), article("c", ROCKETS, TUESDAY + DAY), article("b", BRIDGE)])
    assert len(grouping(index)) == 1
    assert index.expire(TUESDAY + DAY / 2) == 1
    assert grouping(index) == {frozenset("a"), frozenset("c")}


def test_memory_is_given_back_after_expiry(index, english):
    index.add_many(english)
    assert index.expire(english[-1].published + DAY) == len(english)
    assert len(index._assigner.live._bands) == len(index._assigner.live._features) == 0
    assert_consistent(index, set())


# Questions


def test_stories_since_and_of_a_size_the_latest_first(index):
    index.add_many([article("a", TRAIN), article("b", BRIDGE), article("c", BANK, TUESDAY + 20 * DAY)])
    assert [ids(s) for s in index.stories()] == [["c"], ["a", "b"]]
    assert [ids(s) for s in index.stories(min_size=2)] == [["a", "b"]]
    assert [ids(s) for s in index.stories(since=TUESDAY + DAY)] == [["c"]]
    assert [ids(s) for s in index.stories(since=TUESDAY + 20 * DAY)] == [["c"]]
    assert index.stories(since=TUESDAY + DAY, min_size=2) == []
    assert index.stories(since=TUESDAY + 21 * DAY) == []
    index.add(article("d", f"{TRAIN} Next station: Khabarovsk.", TUESDAY + 2 * DAY))
    assert [ids(s) for s in index.stories(since=TUESDAY + DAY, min_size=3)] == [["a", "b", "d"]]


def test_similar_is_sorted_within_k_and_says_the_story(index, english):
    index.add_many(english)
    for asked in english[::7]:
        found = index.similar(asked, k=5)
        assert found == index.similar(asked, k=50)[:5]
        assert [s.similarity for s in found] == sorted((s.similarity for s in found), reverse=True)
        assert all(0 < s.similarity <= 1 and s.story_id == index.story_id(s.article_id) for s in found)


def test_similar_answers_for_articles_outside_and_leaves_no_trace(index, english):
    index.add_many(english)
    before = memory(index)
    assert index.similar({"id": "x", "text": "Kim Jong Un rode an armoured train to meet Putin in Russia"})
    assert index.similar("Kim Jong Un rode an armoured train to meet Putin in Russia")
    assert index.similar({"id": "x", "text": ""}) == []
    assert memory(index) == before


def test_a_story_is_what_the_batch_says_of_the_same_articles(index, english):
    index.add_many(english)
    for story in index.stories(min_size=3):
        assert story.first == min(a.published for a in story.articles)
        assert [a.published for a in story.articles] == sorted(a.published for a in story.articles)
        assert story.terms
        assert story.reason
        assert story.headline == story.representative.title


@pytest.mark.parametrize("rule", ["central", "earliest", "longest", lambda articles: articles[-1]])
def test_every_rule_of_representatives_works(rule, english):
    with StoryIndex(":memory:", representative=rule) as index:
        index.add_many(english)
        chosen = {story.id: story.representative for story in index.stories()}
        if rule == "earliest":
            assert all(chosen[s.id].published == s.first for s in index.stories())
        if rule == "longest":
            texts = {s.id: [len(a.full_text.split()) for a in s.articles] for s in index.stories()}
            assert all(len(chosen[name].full_text.split()) > 0.8 * max(sizes) for name, sizes in texts.items())


def test_fed_in_order_of_publication_the_stories_are_nearly_those_of_the_batch(index, english):
    index.add_many(english)
    batch = {frozenset(ids(story)) for story in dedup.cluster(english)}
    assert len(grouping(index) & batch) > 0.8 * len(batch)


# Refinement


def random_stories(index, seed):
    """Reports put into stories at random, as if they had been misjudged."""
    rng = random.Random(seed)
    with index._store.transaction():
        stories = [index._store.new_story() for _ in range(12)]
        for row in list(index._store.everything()):
            if row.node == row.speaker and rng.random() < 0.6:
                index._assigner.place(np.array([row.node]), rng.choice(stories))


@pytest.mark.parametrize("seed", range(3))
def test_refine_says_every_move_and_mends_what_was_misjudged(index, english, seed):
    index.add_many(english)
    expected = grouping(index)
    random_stories(index, seed)
    before = {a.id: index.story_id(a.id) for a in english}
    moves = index.refine(LONG_AGO)
    after = {a.id: index.story_id(a.id) for a in english}
    assert len({move.article_id for move in moves}) == len(moves)
    assert {m.article_id: (m.before, m.after) for m in moves} == {
        name: (before[name], after[name]) for name in before if before[name] != after[name]
    }
    assert len(grouping(index) & expected) > 0.8 * len(expected)
    assert_consistent(index, before)
    assert index.refine(LONG_AGO) == []


@pytest.mark.parametrize("seed", range(3))
def test_refine_leaves_ids_where_most_of_their_reports_are(index, english, seed):
    index.add_many(english)
    random_stories(index, seed)
    known = {row.story for row in index._store.everything()}
    speakers = {row.id: row.story for row in index._store.everything() if row.node == row.speaker}
    index.refine(LONG_AGO)
    parts = defaultdict(Counter)
    for name, before in speakers.items():
        parts[int(index.story_id(name)[1:])][before] += 1
    for story, shares in parts.items():
        if story in known:
            assert story in shares
        else:  # a new id only where all its old ones went to a part with as many of their reports
            assert all(parts[old][old] >= count for old, count in shares.items())


def test_refine_does_not_touch_older_stories(index, english):
    index.add_many(english)
    random_stories(index, 0)
    moment = english[len(english) // 2].published
    old = {name for s in index.stories() if s.last < moment for name in ids(s)}
    assert old
    assert not old & {move.article_id for move in index.refine(moment)}
    assert_consistent(index, {a.id for a in english})


def test_refine_of_nothing_moves_nothing(index, english):
    assert index.refine(LONG_AGO) == []
    index.add_many(english)
    before = memory(index)
    assert index.refine(english[-1].published + DAY) == []
    assert memory(index) == before


def test_a_story_that_refine_puts_into_another_leaves_an_alias(index):
    (name,) = {a.story_id for a in index.add_many(map(article, "ab", (KHASAN, KHASAN_TOO)))}
    with index._store.transaction():
        index._assigner.place(np.array([index._store.by_id("b").node]), index._store.new_story())
    other = index.story_id("b")
    index.refine(LONG_AGO)
    assert index.story_id("b") == name
    assert index.story(other).id == name


# Random operations against a model

WORDINGS = (
    *(TRAIN, BRIDGE, ROCKETS, KHASAN, KHASAN_COPY, KHASAN_TOO, BANK, f"{BANK} Markets had hoped for it.", ""),
    *(f"{TRAIN} {ROCKETS}", f"{KHASAN_COPY} on Tuesday", f"Putin and Kim: {ROCKETS}", f"{BANK} {ROCKETS}"),
)
MOMENTS = (None, *(TUESDAY + days * DAY for days in (0, 0.5, 1, 3, 30)))
NAMES = [f"n{i}" for i in range(20)]
ARTICLES = st.builds(article, st.sampled_from(NAMES), st.sampled_from(WORDINGS), st.sampled_from(MOMENTS))
CUTS = st.sampled_from([TUESDAY + days * DAY for days in (-1, 0.2, 0.7, 2, 31)])
OPERATIONS = st.one_of(
    st.tuples(st.just("add"), ARTICLES),
    st.tuples(st.just("add_many"), st.lists(ARTICLES, max_size=6, unique_by=lambda a: a.id)),
    st.tuples(st.just("add_many"), st.lists(ARTICLES, min_size=2, max_size=9, unique_by=lambda a: a.id)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    st.tuples(st.just("expire"), CUTS),
    st.tuples(st.just("refine"), CUTS),
    st.tuples(st.just("reopen"), st.none()),
)


def check_added(index, live, added):
    before = dict(live)
    for a, assigned in zip(added, index.add_many(added), strict=True):
        expected = {"new_story", "report", "near_duplicate"}
        if a.id in before:
            expected = {"unchanged" if before[a.id] == a else "updated"}
        assert assigned.article_id == a.id
        assert assigned.outcome in expected
        live[a.id] = a
    if len(added) == 1:  # a later one of a batch may split the story
        assert assigned.story_id == index.story_id(a.id)


def check_expired(index, live, moment):
    undated = {row.id for row in index._store.before(moment.timestamp() / 86_400) if row.day is None}
    gone = undated | {a.id for a in live.values() if a.published and a.published < moment}
    assert index.expire(moment) == len(gone)
    for name in gone:
        del live[name]


def check_refined(index, live, moment):
    before = {name: index.story_id(name) for name in live}
    moves = index.refine(moment)
    assert {m.article_id: m.before for m in moves} == {m.article_id: before[m.article_id] for m in moves}
    after = before | {m.article_id: m.after for m in moves}
    assert {name: index.story_id(name) for name in live} == after


def answers(index):
    similar = [[(s.article_id, s.story_id, pytest.approx(s.similarity)) for s in index.similar(w)] for w in WORDINGS]
    return [(s.id, ids(s), s.representative, s.near_duplicates, s.membership) for s in index.stories()], similar


def check_reopened(index, path):
    before = answers(index)
    index.close()
    index = StoryIndex(path)
    stories, similar = answers(index)
    assert stories == before[0]
    assert [[(a, s, float(v.expected)) for a, s, v in found] for found in similar] == before[1]
    return index


@given(st.lists(OPERATIONS, min_size=4, max_size=14))
@settings(deadline=None, max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
def test_any_operations_keep_store_and_memory_consistent(tmp_path_factory, operations):
    path = tmp_path_factory.mktemp("model") / "index.db"
    index, live = StoryIndex(path), {}
    try:
        for name, argument in operations:
            if name == "add":
                check_added(index, live, [argument])
            elif name == "add_many":
                check_added(index, live, argument)
            elif name == "remove":
                assert index.remove(argument) == (live.pop(argument, None) is not None)
            elif name == "expire":
                check_expired(index, live, argument)
            elif name == "refine":
                check_refined(index, live, argument)
            else:
                index = check_reopened(index, path)
            assert_consistent(index, live)
            assert {a for s in index.stories() for a in s.articles} == set(live.values())
        index = check_reopened(index, path)
    finally:
        index.close()


# Many threads


def hammer(index, english, seed, stop, mine, others):
    """Random operations on articles of its own; questions about all."""
    rng, live = random.Random(seed), set()
    while time.monotonic() < stop:
        a, other = rng.choice(mine), rng.choice(others)
        act = rng.random()
        if act < 0.35:
            assigned = index.add(a)
            assert assigned.article_id == a.id
            assert (assigned.outcome in {"unchanged", "updated"}) == (a.id in live)
            live.add(a.id)
        elif act < 0.5:
            batch = rng.sample(mine, 3)
            assert [x.article_id for x in index.add_many(batch)] == [x.id for x in batch]
            live |= {x.id for x in batch}
        elif act < 0.6:
            index.add(replace(a, text=rng.choice(english).text))
            live.add(a.id)
        elif act < 0.75:
            assert index.remove(a.id) == (a.id in live)
            live.discard(a.id)
        elif act < 0.85:
            assert all(0 < s.similarity <= 1 for s in index.similar(other))
        else:
            for name in (a.id, other.id):
                try:
                    story = index.story(index.story_id(name))
                    assert story.representative in story.articles
                    assert story.terms or not story.representative.full_text
                except KeyError:
                    assert name == other.id or name not in live or act > 0.85  # its story may have merged or split
    return live


def test_eight_threads_of_mixed_operations_leave_the_index_consistent(tmp_path, english):
    parts = [english[i::8] for i in range(8)]
    stop = time.monotonic() + 2
    with StoryIndex(tmp_path / "index.db") as index, ThreadPoolExecutor(8) as pool:
        running = [pool.submit(hammer, index, english, i, stop, part, english) for i, part in enumerate(parts)]
        live = set().union(*(work.result() for work in running))
        assert_consistent(index, live)
        check_reopened(index, tmp_path / "index.db").close()


def test_add_works_beside_an_event_loop(index, english):
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        ticking = asyncio.create_task(tick())
        assigned = await asyncio.gather(*(asyncio.to_thread(index.add, a) for a in english[:30]))
        ticking.cancel()
        return assigned, ticks

    assigned, ticks = asyncio.run(main())
    assert [a.article_id for a in assigned] == [a.id for a in english[:30]]
    assert ticks > 3
    assert_consistent(index, {a.id for a in english[:30]})


def test_threads_that_add_the_same_article_add_it_once(index, english):
    barrier = threading.Barrier(8)

    def add():
        barrier.wait()
        return [a.outcome for a in map(index.add, english[:10])]

    with ThreadPoolExecutor(8) as pool:
        outcomes = [work.result() for work in [pool.submit(add) for _ in range(8)]]
    for told in zip(*outcomes, strict=True):
        assert sorted(o == "unchanged" for o in told) == [False] + [True] * 7
    assert_consistent(index, {a.id for a in english[:10]})


def test_after_closing_every_question_is_an_error_and_closing_again_is_not(index):
    index.close()
    index.close()
    for ask in (lambda: len(index), lambda: index.add(article("a", TRAIN)), lambda: index.story_id("a")):
        with pytest.raises((ValueError, RuntimeError, sqlite3.ProgrammingError), match="closed"):
            ask()


def test_the_story_of_an_updated_article_that_was_alone_in_it_stays_an_alias(index):
    before = index.add({"id": "a", "text": "Kim Jong Un crossed into Russia by armoured train on Tuesday."})
    after = index.add({"id": "a", "text": "The central bank raised its rates to 4 percent."})
    assert after.outcome == "updated"
    assert index.story(before.story_id).id == index.story(after.story_id).id == after.story_id


def test_bad_articles_among_many_are_skipped_and_said_if_wanted(index):
    texts = [
        {"id": "a", "text": TRAIN},
        {"id": "b", "text": 5},
        "no id",
        {"id": "a", "text": "again"},
        {"id": "c", "text": "The bank", "published": "2023-09-12T08:00:00"},
        {"id": "d", "text": "The central bank raised its rates."},
    ]
    assignments, refusals = index.add_many(iter(texts), errors="skip")
    assert [got.article_id for got in assignments] == ["a", "d"]
    assert [refusal.position for refusal in refusals] == [1, 2, 3, 4]
    assert all(refusal.reason.startswith(f"article {refusal.position}") for refusal in refusals)
    assert "as that of article 0" in refusals[2].reason
    with pytest.raises(ValueError, match="errors is 'ignore'; allowed: 'raise', 'skip'"):
        index.add_many([], errors="ignore")


def test_it_is_said_when_an_article_is_not_compared_with_all_that_share_its_bands(index, monkeypatch, caplog):
    monkeypatch.setattr("dedup.stream.assigner._MOST_COMPARED", 2)
    with caplog.at_level("INFO"):
        outcomes = [index.add({"id": str(i), "text": TRAIN}).outcome for i in range(4)]
    assert outcomes == ["new_story", *["near_duplicate"] * 3]
    assert "shares bands with 3 others; it is compared with 2" in caplog.text


def test_an_unknown_zone_is_refused_before_a_file_is_made(tmp_path):
    with pytest.raises(ValueError, match="timezone is 'Mars'"):
        StoryIndex(tmp_path / "index.db", timezone="Mars")
    assert not list(tmp_path.iterdir())
