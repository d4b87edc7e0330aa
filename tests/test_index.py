"""StoryIndex: what becomes of articles that come one by one, alone and from many threads."""

import asyncio
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

import numpy as np
import pytest
from follower import Follower, told_places
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN

import dedup
from dedup import Article, StoryIndex
from dedup.near.lsh import with_whole
from dedup.store.sqlite_check import damage_of
from dedup.story.candidates import FLOOR
from dedup.stream.assignment import Assignment
from dedup.stream.live import INDEXED_FEATURES
from dedup.stream.state import IndexState
from dedup.stream.text_features import language_of
from dedup.stream.time_postings import _SLICE_DAYS
from dedup.stream.window import Window, counters, window_start

DAY = timedelta(days=1)
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)


def clock():
    """Long after all articles here came."""
    return TUESDAY + 700 * DAY


# Too little like the first to join it at once.
SEEN = (
    "Before dawn an armoured train was seen at Khasan, "
    "where a band played and children with flags had waited for hours."
)

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
    with StoryIndex(":memory:", clock=clock) as index:
        yield index


def ids(story):
    return [a.id for a in story.articles]


def grouping(index):
    return {frozenset(ids(story)) for story in index.stories()}


def stored(index):
    """All rows, by node."""
    return index._session.store.rows(index._session.store.nodes_before(np.inf))


def memory(index):
    """All that an index has in memory of live articles when it needs it; takes a while."""
    with index._session.reading(refresh=True):
        return remembered(index._session.state)


def remembered(state):
    table, window = state.live.nodes, state.live.window
    nodes = np.flatnonzero(table._rows["episode"]) + table._first
    days = table.days(nodes)
    return {
        "nodes": nodes.tolist(),
        "episodes": table.episodes(nodes).tolist(),
        "days": np.where(np.isnan(days), None, days).tolist(),
        "norms": table.norms(nodes).tolist(),
        "features": table.sizes(nodes).tolist(),
        "canonical": table.canonical().tolist(),
        "sizes": dict(state.totals.sizes),
        "chapters": state.chapters.all(),
        "decisions": [own.to_row() for own in state.decisions],
        "window": (window.first, window.count, {node: pairs(*window.get(node)) for node in window._articles}),
        "frequencies": counted(window),
        "bands": posted(state.live._bands, table),
        "leading": {name: found for name, p in state.live._features._slices.items() if (found := posted(p, table))},
        "counters": (state.next_node, state.next_episode, state.latest),
        "meanings": meant(state, nodes),
    }


def meant(state, nodes):
    """The vectors, lengths and languages of nodes; None without an encoder."""
    found = state.live.meanings and state.live.meanings.of(nodes)
    return found and [found.vectors.tolist(), found.lengths.tolist(), found.languages.tolist()]


def pairs(left, right):
    return sorted(zip(left.tolist(), right.tolist(), strict=True))


def posted(postings, table):
    """Keys and nodes in postings; dead nodes may stay there until the next expiry."""
    alive = [(keys[mask], nodes[mask]) for keys, nodes in postings._runs for mask in [table.alive(nodes)]]
    return sorted(pair for run in alive for pair in pairs(*run))


def counted(window):
    """How many articles of the window are behind each counter in use."""
    used = np.flatnonzero(window._frequencies != prior_frequencies())
    counts = window._frequencies[used] - prior_frequencies()[used]
    return dict(zip(used.tolist(), counts.tolist(), strict=True))


@cache
def prior_frequencies():
    return Window()._frequencies


def assert_consistent(index, live):
    """What holds after every operation: the store is whole, and memory agrees with it."""
    rows = stored(index)
    assert {row.id for row in rows.values()} == set(live)
    assert len(index) == len(live)
    assert_whole(index._session.store, rows)
    found = memory(index)
    assert_remembered(found, index._session.store, rows)
    assert remembered(IndexState(index._session.store, index._session.settings)) == found

    told = index.stories()
    assert sorted(name for story in told for name in ids(story)) == sorted(live)
    for story in told:
        assert all(index.story_id(name) == story.id for name in ids(story))
        assert ids(index.story(story.id)) == ids(story)
        assert story.representative in story.articles
        assert all(0 <= value <= 1 for value in (*story.membership, story.cohesion))


def assert_whole(store, rows):
    """Every article is in the story of its canonical article, and every similarity is stored once."""
    for row in rows.values():
        canonical = rows[row.canonical]
        assert canonical.canonical == canonical.node
        assert canonical.episode == row.episode
        assert store.resolve(row.episode) == row.episode
    assert {episode for numbers in store.chapters() for episode in numbers} <= {n for n, _ in store.all_episodes()}
    canonical = {row.node for row in rows.values() if row.node == row.canonical}
    left, right, similarity = store.neighbours(list(rows))
    assert set(left.tolist()) <= canonical
    assert not set(right.tolist()) & (rows.keys() - canonical)  # it is canonical, or not live any more
    edges = [frozenset(edge) for edge in pairs(left, right) if edge[1] in canonical]
    assert len(edges) == len(set(edges))
    assert {len(edge) for edge in edges} <= {2}
    assert ((similarity >= FLOOR) & (similarity <= 1)).all()
    assert store._db.execute("SELECT node FROM traits ORDER BY node").fetchall() == [(node,) for node in sorted(rows)]
    assert damage_of(store._db) is None


def assert_remembered(found, store, rows):
    """Memory agrees with the rows and features."""
    stored_features = store.article_features(list(rows))
    nodes, canonical = sorted(rows), sorted(row.node for row in rows.values() if row.node == row.canonical)
    assert found["nodes"] == nodes
    assert found["episodes"] == [rows[node].episode for node in nodes]
    assert found["days"] == [rows[node].day for node in nodes]
    assert found["norms"] == [stored_features[node].norm for node in nodes]
    assert found["features"] == [len(stored_features[node].features) for node in nodes]
    assert found["canonical"] == canonical
    assert found["sizes"] == Counter(rows[node].episode for node in canonical)
    assert found["counters"] == store.counters()

    first = window_start(store.counters()[0])
    inside = [node for node in canonical if node >= first]
    contents = {node: pairs(stored_features[node].features, stored_features[node].counts) for node in inside}
    assert found["window"] == (first, len(inside), contents)
    assert found["frequencies"] == Counter(
        counter
        for features in (stored_features[node].features for node in inside)
        for counter in counters(features, language_of(features)).tolist()
    )

    bands = {node: with_whole(stored_features[node].bands[None]) for node in nodes if len(stored_features[node].bands)}
    assert found["bands"] == sorted((band, node) for node, keys in bands.items() for band in keys.ravel().tolist())
    leading = defaultdict(list)
    for node in canonical:
        day = rows[node].day
        name = None if day is None else int(day // _SLICE_DAYS)
        leading[name] += [(feature, node) for feature in stored_features[node].features[:INDEXED_FEATURES].tolist()]
    assert found["leading"] == {name: sorted(postings) for name, postings in leading.items() if postings}


# What becomes of one article


def test_first_article_of_an_event_begins_a_story(index):
    assert index.add(article("a", TRAIN)) == Assignment("a", "s1", "new_story", episode_id="e1")


def test_another_report_joins_with_its_mean_similarity(index):
    first = index.add(article("a", TRAIN))
    second = index.add(article("b", BRIDGE))
    assert second == Assignment("b", first.story_id, "report", None, second.similarity, episode_id="e1")
    (found, itself) = sorted(index.similar(article("x", BRIDGE)), key=lambda s: s.article_id)
    assert (found.article_id, itself.article_id) == ("a", "b")
    assert 0.12 < second.similarity < 1
    assert index.story(first.story_id).cohesion == pytest.approx(second.similarity)


def test_a_copy_joins_the_story_of_what_it_copies_with_its_jaccard_similarity(index):
    first = index.add(article("a", KHASAN))
    copy = index.add(article("b", KHASAN_COPY, TUESDAY + 9 * DAY))
    assert copy == Assignment("b", first.story_id, "near_duplicate", "a", copy.similarity, episode_id="e1")
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
    index.add_many(english)
    before = memory(index), grouping(index), index.changes()
    again = index.add_many(english)
    assert {a.outcome for a in again} == {"unchanged"}
    assert [index.story(a.story_id).id for a in again] == [index.story_id(a.id) for a in english]
    assert {(a.near_duplicate_of, a.similarity, a.merged) for a in again} == {(None, None, ())}
    assert (memory(index), grouping(index), index.changes()) == before


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
    assert updated == Assignment("b", index.story_id("a"), "updated", "a", 1.0, ("s2",), episode_id="e1")


def test_an_update_that_takes_the_bridge_away_splits_the_story(index):
    index.add_many([article("a", TRAIN), article("c", ROCKETS), article("b", BRIDGE)])
    assert index.story_id("a") == index.story_id("c")
    index.add(article("b", BANK))
    assert len({index.story_id(name) for name in "abc"}) == 3
    assert_consistent(index, "abc")


def test_an_update_that_fails_midway_leaves_the_article_where_it_was(index, monkeypatch):
    index.add_many([article("a", TRAIN), article("b", BRIDGE), article("c", BANK)])
    before = memory(index), grouping(index)
    monkeypatch.setattr(index._session.store, "insert", lambda rows: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        index.add(article("b", BANK))
    monkeypatch.undo()
    assert (memory(index), grouping(index)) == before
    assert index.add(article("b", BRIDGE)).outcome == "unchanged"


def test_a_late_article_joins_the_story_of_its_own_time(index):
    then = index.add(article("a", TRAIN))
    now = index.add(article("b", BRIDGE, TUESDAY + 400 * DAY))
    assert now.story_id != then.story_id
    late = index.add(article("c", BRIDGE.partition(";")[0], TUESDAY + DAY / 2))
    assert (late.outcome, late.story_id) == ("report", then.story_id)


def test_mappings_integers_and_blank_texts_are_welcome(index):
    assigned = index.add_many([{"id": 7, "text": TRAIN}, {"id": "blank", "text": ""}, {"id": "blank2", "text": " "}])
    assert [a.article_id for a in assigned] == ["7", "blank", "blank2"]
    assert len({a.story_id for a in assigned}) == 3
    assert index.remove("7")
    assert_consistent(index, {"blank", "blank2"})


def test_blank_texts_survive_a_failure_and_reopening(tmp_path, monkeypatch):
    with StoryIndex(tmp_path / "index.db") as index:
        index.add_many([article("blank", ""), article("a", TRAIN)])
        monkeypatch.setattr(index._session.store, "insert", lambda rows: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.add(article("b", BANK))
        monkeypatch.undo()
        assert_consistent(index, {"blank", "a"})
    with StoryIndex(tmp_path / "index.db") as index:
        assert_consistent(index, {"blank", "a"})


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
    ({"id": "x"}, ValueError, "'text' and 'title' are missing"),
    ({"id": "x", "text": 7}, TypeError, "field 'text' is 7; allowed: str"),
    ({"id": 1.5, "text": TRAIN}, TypeError, "field 'id' is 1.5; allowed: str, int, UUID or bytes"),
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


WRITES = ["add_episodes", "delete", "insert", "merge", "assign", "set_neighbours", "set_norms", "replace_canonical"]


@pytest.fixture(scope="module")
def begun_and_batch(english):
    """Articles of an index, and a batch in which each of `WRITES` is called."""
    first, second = english[:2]
    begun = [*english[:20], replace(first, id="copy"), *map(article, "acb", (TRAIN, ROCKETS, BRIDGE))]
    batch = [*english[20:], article("b", BANK), replace(first, text=KHASAN), replace(second, text=KHASAN_TOO)]
    return begun, [*batch, article("d", BRIDGE)]  # what the update of "b" has split


@pytest.fixture(scope="module")
def whole_batch(begun_and_batch):
    """What becomes of the batch where nothing fails, and how often each of `WRITES` is called."""
    begun, batch = begun_and_batch
    with pytest.MonkeyPatch.context() as patch, StoryIndex(":memory:") as fresh:
        fresh.add_many(begun)
        calls = {method: fail_at(None, fresh._session.store, method, patch) for method in WRITES}
        return fresh.add_many(batch), {method: len(own) for method, own in calls.items()}


@pytest.mark.parametrize("method", WRITES)
def test_a_batch_that_fails_midway_leaves_nothing_behind(index, begun_and_batch, whole_batch, monkeypatch, method):
    begun, batch = begun_and_batch
    expected, calls = whole_batch[0], whole_batch[1][method]
    index.add_many(begun)
    before = memory(index), grouping(index)
    for moment in {1, (calls + 1) // 2, calls}:
        fail_at(moment, index._session.store, method, monkeypatch)
        with pytest.raises(KeyboardInterrupt):
            index.add_many(batch)
        monkeypatch.undo()
        assert (memory(index), grouping(index)) == before
    assert index.add_many(batch) == expected


def fail_at(moment, store, method, monkeypatch):
    """Count the calls of a method, and let one of them fail."""
    calls, whole = [], getattr(store, method)

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == moment:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(store, method, failing)
    return calls


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


def test_when_a_canonical_article_leaves_the_earliest_copy_becomes_canonical_and_the_story_stays(index):
    texts = {"a": KHASAN, "b": KHASAN_COPY, "c": KHASAN, "other": KHASAN_TOO}
    name, *_ = {a.story_id for a in index.add_many([article(*item) for item in texts.items()])}
    before = index.story(name)
    assert index.remove("a")
    after = index.story(name)
    assert ids(after) == ["b", "c", "other"]
    assert [[a.id for a in group] for group in after.near_duplicates] == [["b", "c"]]
    assert {s.article_id for s in index.similar(article("x", KHASAN))} == {"b", "other"}
    assert index.add(article("d", KHASAN)).near_duplicate_of == "c"
    assert_consistent(index, {"b", "c", "d", "other"})
    for gone in "bcd":
        index.remove(gone)
    (other,) = index.similar(article("x", KHASAN_COPY))
    assert after.cohesion == pytest.approx(other.similarity)  # its own, not those of what it copied
    assert after.cohesion == pytest.approx(before.cohesion, rel=0.1)


def test_removing_a_copy_leaves_the_rest_as_it_was(index):
    index.add_many([article("a", KHASAN), article("b", KHASAN_TOO)])
    before = memory(index), grouping(index)
    index.add(article("c", KHASAN_COPY))
    index.remove("c")
    node, story, latest = before[0]["counters"]
    before[0]["counters"] = node + 1, story, latest
    assert (memory(index), grouping(index)) == before


def test_removing_the_bridge_splits_the_story_and_its_id_stays_with_one_part(index):
    name, *_ = (a.story_id for a in index.add_many(map(article, "acb", (TRAIN, ROCKETS, BRIDGE))))
    assert ids(index.story(name)) == ["a", "b", "c"]
    index.remove("b")
    assert name in {index.story_id("a"), index.story_id("c")}
    assert grouping(index) == {frozenset("a"), frozenset("c")}
    assert_consistent(index, "ac")


def test_the_id_stays_with_the_larger_part_of_a_split_and_copies_move_along(index):
    parts = {"a": TRAIN, "c": ROCKETS, "b": BRIDGE, "c2": ROCKETS, "c3": ROCKETS, "d": f"Late: {ROCKETS[:60]} today"}
    index.add_many([article(*item) for item in parts.items()])
    (name,) = {index.story_id(part) for part in parts}
    index.remove("b")
    assert grouping(index) == {frozenset("a"), frozenset({"c", "c2", "c3", "d"})}
    assert index.story_id("d") == name
    assert_consistent(index, parts.keys() - {"b"})


# Merges


def stories_of_two_take_in_others(monkeypatch):
    """At steps, as stories of many reports do."""
    for name, value in {"ABSORBING": 2, "SMALL_SHARE": 0.5, "COHESION_SHARE": 0.1}.items():
        monkeypatch.setattr(f"dedup.story.merging.{name}", value)


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


def test_a_chain_of_aliases_is_followed_in_one_step(tmp_path):
    farmers = "Farmers blocked the motorways around Lyon with tractors, in protest against a tax on diesel."
    texts = {"a": TRAIN, "b": BANK, "c": f"{ROCKETS[:40]} flew", "d": farmers}
    with StoryIndex(tmp_path / "index.db") as index:
        *aliases, name = [index.add(article(*item)).story_id for item in texts.items()]
        for alias, into in zip(aliases, "bcd", strict=True):
            moved = index.add(article("a", texts[into]))
            assert (moved.near_duplicate_of, moved.merged, moved.left) == (into, (alias,), None)
            index.remove(into)
        assert [index.story(alias).id for alias in aliases] == [name] * 3
        followed = index._session.store._db.execute(
            "SELECT merged_into FROM stories WHERE merged_into IS NOT NULL"
        ).fetchall()
        assert followed == [(int(name[1:]),)] * 3
    with StoryIndex(tmp_path / "index.db") as index:
        assert [index.story(alias).id for alias in aliases] == [name] * 3


def test_a_young_index_weights_all_again_and_returns_what_it_merged(index, monkeypatch):
    monkeypatch.setattr("dedup.stream.steps._YOUNG_STEP", 4)
    old, _ = index.add_many([article("a", KHASAN), article("b", KHASAN_TOO)])
    with index._session.store.transaction():
        index._session.state.assign(np.array([2]), index._session.state.new_episode())
    apart = index.story_id("b")
    bank = index.add(article("c", BANK))
    assert bank == Assignment("c", index.story_id("c"), "new_story", None, None, (apart,), "e3")
    assert index.story_id("b") == index.story(apart).id == old.story_id
    assert_consistent(index, "abc")


def test_an_article_gets_the_story_that_a_step_puts_it_in(index, monkeypatch):
    stories_of_two_take_in_others(monkeypatch)
    monkeypatch.setattr("dedup.stream.steps._YOUNG_STEP", 4)
    told = [index.add(article(name, text)) for name, text in zip("abc", (TRAIN, BRIDGE, SEEN), strict=True)]
    assert told[2] == Assignment("c", told[0].story_id, "new_story", None, None, ("s2",), "e1")
    assert index.story_id("c") == index.story("s2").id == told[0].story_id


def test_an_alias_stays_where_its_articles_went_when_an_update_ends_a_step(index, monkeypatch):
    stories_of_two_take_in_others(monkeypatch)
    monkeypatch.setattr("dedup.stream.steps._YOUNG_STEP", 6)
    texts = {"a": TRAIN, "b": BRIDGE, "c": SEEN, "d": SEEN}
    apart = [index.add(article(*item)).story_id for item in texts.items()][-1]
    assert ids(index.story(apart)) == ["c", "d"]
    index.add(article("d", BANK))
    assert index.story_id("c") == index.story_id("a") != apart
    assert ids(index.story(apart)) == ["a", "b", "c"]


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


def test_when_a_canonical_article_expires_a_later_copy_becomes_canonical_and_the_story_stays(index):
    name, *_ = (a.story_id for a in index.add_many([article("a", KHASAN), article("b", KHASAN_COPY, TUESDAY + DAY)]))
    assert index.expire(TUESDAY + DAY / 2) == 1
    assert ids(index.story(name)) == ["b"]
    assert [s.article_id for s in index.similar(article("x", KHASAN))] == ["b"]
    assert_consistent(index, {"b"})


def test_a_later_copy_becomes_canonical_although_another_report_of_the_story_expires_too(index):
    reports = [article("a", KHASAN), article("b", KHASAN_TOO), article("a2", KHASAN, TUESDAY + 5 * DAY)]
    (name,) = {a.story_id for a in index.add_many(reports)}
    assert index.expire(TUESDAY + DAY) == 2
    assert ids(index.story(name)) == ["a2"]
    assert [s.article_id for s in index.similar(article("x", KHASAN))] == ["a2"]
    assert_consistent(index, {"a2"})


def test_undated_articles_expire_as_of_when_they_came():
    now = [TUESDAY]
    with StoryIndex(":memory:", clock=lambda: now[0]) as index:
        index.add(article("old", BANK, TUESDAY - 9 * DAY))
        index.add(article("undated", TRAIN, None))
        now[0] += 5 * DAY
        index.add(article("undated too", f"{KHASAN} {BANK}", None))
        assert [index.expire(TUESDAY), index.expire(TUESDAY)] == [1, 0]
        assert [ids(story) for story in index.stories(since=TUESDAY + DAY)] == [["undated too"]]
        assert index.expire(TUESDAY + DAY) == 1
        assert_consistent(index, {"undated too"})
        assert index.expire(TUESDAY + 6 * DAY) == 1


def test_expiry_forgets_the_aliases_of_dead_stories_only(index):
    index.add_many(map(article, "acb", (TRAIN, ROCKETS, BRIDGE)))
    index.add_many([article("d", BANK, TUESDAY + 99 * DAY), article("e", KHASAN, TUESDAY + 99 * DAY)])
    index.add(article("d", KHASAN, TUESDAY + 99 * DAY))
    dead, dead_alias, live_alias, live = stories = ["s1", "s2", "s3", "s4"]
    assert [index.story(name).id for name in stories] == [dead, dead, live, live]
    assert index.expire(TUESDAY + DAY) == 3
    assert index._session.store._db.execute("SELECT story, merged_into FROM stories").fetchall() == [(3, 4), (4, None)]
    assert index.story(live_alias).id == live
    for gone in (dead, dead_alias):
        with pytest.raises(KeyError, match=gone):
            index.story(gone)


def test_ids_of_stories_are_not_used_again_after_expiry_and_reopening(tmp_path):
    used = []
    for _ in range(3):
        with StoryIndex(tmp_path / "index.db") as index:
            used += [a.story_id for a in index.add_many(map(article, "ac", (TRAIN, ROCKETS)))]
            assert index.add(article("b", BRIDGE)).merged == (used[-1],)
            assert index.expire(TUESDAY + DAY) == 3
            assert index._session.store._db.execute("SELECT count(*) FROM stories").fetchone() == (0,)
    assert len(set(used)) == 6


def test_expiry_of_the_bridge_splits_the_story_as_removal_does(index):
    later = TUESDAY + DAY / 24
    index.add_many([article("a", TRAIN, later), article("c", ROCKETS, later), article("b", BRIDGE)])
    assert len(grouping(index)) == 1
    assert index.expire(later) == 1
    assert grouping(index) == {frozenset("a"), frozenset("c")}


def test_memory_is_given_back_after_expiry(index, english):
    index.add_many(english)
    assert index.expire(english[-1].published + DAY) == len(english)
    live = index._session.state.live
    assert len(live._bands) == len(live._features) == live.window.count == 0
    assert_consistent(index, set())


def test_an_index_that_forgot_a_million_articles_is_small_again_when_it_is_reopened(tmp_path):
    with StoryIndex(tmp_path / "index.db") as index:
        index.add(article("a", TRAIN))
        index.expire(TUESDAY + DAY)
        index._session.store._db.execute("UPDATE sqlite_sequence SET seq = 1000000 WHERE name = 'articles'")
    with StoryIndex(tmp_path / "index.db") as index:
        index.add(article("b", TRAIN))
        assert_consistent(index, {"b"})
        assert len(index._session.state.live.nodes._rows) < 10_000


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


def test_similar_is_sorted_within_k_and_names_the_story(index, english):
    index.add_many(english)
    for asked in english[::7]:
        found = index.similar(asked, k=5)
        assert found == index.similar(asked, k=50)[:5]
        assert [s.similarity for s in found] == sorted((s.similarity for s in found), reverse=True)
        assert all(0 < s.similarity <= 1 and s.story_id == index.story_id(s.article_id) for s in found)


def test_similar_leaves_out_the_article_itself_but_not_its_like(index):
    index.add_many([article("a", TRAIN), article("b", BRIDGE)])
    assert [s.article_id for s in index.similar(article("a", TRAIN))] == ["b"]
    assert [s.article_id for s in index.similar(article("a", TRAIN), k=1)] == ["b"]
    assert [s.article_id for s in index.similar(article("x", TRAIN))] == ["a", "b"]
    assert [s.article_id for s in index.similar(TRAIN, k=1)] == ["a"]


def test_similar_answers_for_articles_outside_and_leaves_no_trace(index, english):
    index.add_many(english)
    before = memory(index)
    assert index.similar({"id": "x", "text": "Kim Jong Un rode an armoured train to meet Putin in Russia"})
    assert index.similar("Kim Jong Un rode an armoured train to meet Putin in Russia")
    assert index.similar({"id": "x", "text": ""}) == []
    assert index.copies_of(replace(english[0], id="x"))
    index.copies_of(article_id=english[1].id)
    assert memory(index) == before
    assert len(index) == len(english)


def test_a_story_has_the_facts_that_a_batch_has_of_the_same_articles(index, english):
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


def test_a_young_index_is_careful_and_its_stories_become_those_of_the_batch(index, english):
    index.add_many(english)
    batch = dedup.cluster(english)
    of_batch = {frozenset(ids(episode)) for story in batch for episode in story.episodes}
    in_index = {frozenset(ids(episode)) for story in index.stories() for episode in story.episodes}
    assert all(any(part <= episode for episode in of_batch) for part in in_index)
    batch = {frozenset(ids(story)) for story in batch}
    index.refine(LONG_AGO)
    assert len(grouping(index) & batch) > 0.9 * len(batch)


# Refinement


def random_stories(index, seed):
    """Reports put into stories at random, as if they had been misjudged."""
    rng = random.Random(seed)
    with index._session.store.transaction():
        stories = [index._session.state.new_episode() for _ in range(12)]
        for row in stored(index).values():
            if row.node == row.canonical and rng.random() < 0.6:
                index._session.state.assign(np.array([row.node]), rng.choice(stories))


@pytest.mark.parametrize("seed", range(3))
def test_refine_returns_every_move_and_mends_what_was_misjudged(index, english, seed):
    index.add_many(english)
    index.refine(LONG_AGO)  # what the young index left apart
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
    rows = stored(index).values()
    known = {row.episode for row in rows}
    canonical = {row.id: row.episode for row in rows if row.node == row.canonical}
    index.refine(LONG_AGO)
    parts = defaultdict(Counter)
    for name, before in canonical.items():
        parts[index._session.store.by_id(name).episode][before] += 1
    for episode, shares in parts.items():
        if episode in known:
            assert episode in shares
        else:  # a new id only where all its old ones went to a part with as many of their reports
            assert all(parts[old][old] >= count for old, count in shares.items())


def test_refine_does_not_part_older_stories(index, english):
    index.add_many(english)
    random_stories(index, 0)
    moment = english[len(english) // 2].published
    before = {a.id: index.story_id(a.id) for a in english}
    old = [ids(s) for s in index.stories() if s.last < moment]
    assert len(old) > 3
    moves = {move.article_id: move.after for move in index.refine(moment)}
    assert moves == {name: now for name, was in before.items() if (now := index.story_id(name)) != was}
    for story in old:
        assert len({index.story_id(name) for name in story}) == 1
    assert_consistent(index, {a.id for a in english})


def test_refine_tells_of_an_older_story_that_joins_one_that_it_parts(index):
    follower = Follower()
    index.add(article("both", f"{BANK} {ROCKETS}", TUESDAY + 0.5 * DAY))
    late = article("late", f"{TRAIN} {ROCKETS}", TUESDAY + 30 * DAY)
    bank = article("bank", f"{BANK} Markets had hoped for it.")
    index.add_many([late, bank, article("rockets", f"Putin and Kim: {ROCKETS}", None)])
    old = article("old", BRIDGE, TUESDAY + 3 * DAY)
    index.add_many([article("rates", BANK, None), old])
    follower.catch_up(index)
    before = {name: index.story_id(name) for name in ("both", "late", "bank", "rockets", "rates", "old")}
    moves = {move.article_id: (move.before, move.after) for move in index.refine(TUESDAY + 31 * DAY)}
    assert moves["old"] == (before["old"], index.story_id("old"))
    assert moves == {name: (was, now) for name, was in before.items() if (now := index.story_id(name)) != was}
    follower.catch_up(index)
    assert follower.places == told_places(index)


def test_refine_of_nothing_moves_nothing(index, english):
    assert index.refine(LONG_AGO) == []
    index.add_many(english)
    before = memory(index)
    assert index.refine(english[-1].published + DAY) == []
    assert memory(index) == before


def test_a_story_that_refine_puts_into_another_leaves_an_alias(index):
    (name,) = {a.story_id for a in index.add_many(map(article, "ab", (KHASAN, KHASAN_TOO)))}
    with index._session.store.transaction():
        state = index._session.state
        state.assign(np.array([state.store.by_id("b").node]), state.new_episode())
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
    rows = index._session.store.rows(index._session.store.nodes_before(moment.timestamp() / 86_400)).values()
    undated = {row.id for row in rows if row.day is None}
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
    before, remembered_before = answers(index), memory(index)
    index.close()
    index = StoryIndex(path, clock=clock)
    assert memory(index) == remembered_before
    stories, similar = answers(index)
    assert stories == before[0]
    assert [[(a, s, float(v.expected)) for a, s, v in found] for found in similar] == before[1]
    return index


# With these, few articles are enough to lower the thresholds, to be weighted again, to be added in many blocks, to be
# of large stories that take in others, and to leave the window.
SMALL = {
    "dedup.stream.steps._YOUNG_STEP": 4,
    "dedup.stream.steps._YOUNG": 16,
    "dedup.stream.steps._EACH": 6,
    "dedup.stream.state._MARGIN_ARTICLES": 8.0,
    "dedup.stream.joins.LATEST": 2,
    "dedup.stream.joins._MOST_CANDIDATES": 2,
    "dedup.stream.steps.TEXTS_AT_ONCE": 4,
    "dedup.story.merging.LARGE": 3,
    "dedup.story.merging.ABSORBING": 4,
    "dedup.story.merging.SMALL_SHARE": 0.5,
    "dedup.story.episodes.WHOLE": 2,
    "dedup.stream.window.STEP": 8,
    "dedup.stream.window.STEPS": 1,
    "dedup.store.sqlite._NODES_AT_ONCE": 3,
}


@contextmanager
def as_small(small):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items() if small else ():
            patch.setattr(name, value)
        yield


@pytest.mark.parametrize("small", [False, True])
@given(st.lists(OPERATIONS, min_size=4, max_size=14))
@settings(deadline=None, max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
def test_any_operations_keep_store_and_memory_consistent(tmp_path_factory, small, operations):
    with as_small(small):
        check_operations(tmp_path_factory.mktemp("model") / "index.db", operations)


def check_operations(path, operations):
    index, live, follower = StoryIndex(path, clock=clock), {}, Follower()
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
            if name == "expire":  # which is no change
                follower.places = {a: place for a, place in follower.places.items() if a in live}
            follower.catch_up(index, limit=3)
            assert follower.places == told_places(index)
            assert {a for s in index.stories() for a in s.articles} == set(live.values())
        index = check_reopened(index, path)
    finally:
        index.close()


MORE_NAMES = [f"n{i}" for i in range(60)]
MORE_ARTICLES = st.builds(article, st.sampled_from(MORE_NAMES), st.sampled_from(WORDINGS), st.sampled_from(MOMENTS))
STREAM = st.one_of(
    st.tuples(st.just("add"), st.lists(MORE_ARTICLES, min_size=1, max_size=25)),
    st.tuples(st.just("add"), st.lists(MORE_ARTICLES, min_size=15, max_size=25, unique_by=lambda a: a.id)),
    st.tuples(st.just("remove"), st.sampled_from(MORE_NAMES)),
    st.tuples(st.just("expire"), CUTS),
    st.tuples(st.just("refine"), CUTS),
)


@pytest.mark.parametrize("small", [False, True])
@given(st.lists(STREAM, min_size=2, max_size=8), st.integers(0, 99))
@settings(deadline=None, max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
def test_many_at_once_are_assigned_as_one_by_one(small, stream, seed):
    rng = random.Random(seed)
    made = StoryIndex(":memory:", clock=clock), StoryIndex(":memory:", clock=clock)
    with as_small(small), made[0] as single, made[1] as many:
        for name, argument in stream:
            if name == "add":
                told = [single.add(a) for a in argument]
                assert [a for batch in batches(argument, rng) for a in many.add_many(batch)] == told
            else:
                assert getattr(single, name)(argument) == getattr(many, name)(argument)
            assert memory(single) == memory(many)
            assert grouping(single) == grouping(many)
            assert single._session.store.changes(0) == many._session.store.changes(0)


def batches(articles, rng):
    """Articles cut into batches of random sizes, in none of which an id comes twice."""
    batch, size = [], rng.randint(1, 9)
    for a in articles:
        if len(batch) == size or a.id in {b.id for b in batch}:
            yield batch
            batch, size = [], rng.randint(1, 9)
        batch.append(a)
    yield batch


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_reports_many_at_once_are_assigned_as_one_by_one(english, small, seed):
    rng = random.Random(seed)
    shuffled = rng.sample(english, len(english))
    updates = [replace(a, text=rng.choice(english).text) for a in shuffled[::5]]
    articles = [*shuffled, *updates, *english[::3], *(replace(a, id=f"{a.id} again") for a in english[::4])]
    with as_small(small), StoryIndex(":memory:") as single, StoryIndex(":memory:") as many:
        told = [single.add(a) for a in articles]
        assert [a for batch in batches(articles, rng) for a in many.add_many(batch)] == told
        assert memory(single) == memory(many)
        assert single._session.store.changes(0) == many._session.store.changes(0)
        assert_consistent(many, {a.id for a in articles})


@pytest.mark.parametrize("known", [15, 16, 23, 24])
def test_reopening_changes_nothing_where_the_window_moves(tmp_path, english, known):
    with as_small(True):
        index = StoryIndex(tmp_path / "index.db")
        index.add_many(english[:known])
        index = check_reopened(index, tmp_path / "index.db")
        assert_consistent(index, {a.id for a in english[:known]})
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


@pytest.mark.slow
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


def test_bad_articles_among_many_are_skipped_and_returned_if_wanted(index):
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
    with pytest.raises(ValueError, match="errors is 'ignore'; allowed: 'raise', 'skip', 'undated'"):
        index.add_many([], errors="ignore")


def test_it_is_logged_when_an_article_is_not_compared_with_all_that_share_its_bands(index, monkeypatch, caplog):
    monkeypatch.setattr("dedup.stream.matching._MAX_COMPARED", 2)
    with caplog.at_level("INFO"):
        outcomes = [index.add({"id": str(i), "text": TRAIN}).outcome for i in range(4)]
    assert outcomes == ["new_story", *["near_duplicate"] * 3]
    assert "shares bands with 2 others or more; it is compared with those" in caplog.text


def crowd(count, own=40, template=170):
    rng = random.Random(count)
    shared = [f"t{rng.randrange(20_000)}" for _ in range(template)]
    return [" ".join([*(f"w{rng.randrange(20_000)}" for _ in range(own)), *shared]) for _ in range(count)]


@pytest.mark.parametrize(("count", "edits", "least"), [(700, 0, 100), (500, 4, 97)])
def test_copies_are_found_among_hundreds_that_share_a_template(count, edits, least):
    texts, rng, found = crowd(count), random.Random(0), 0
    with StoryIndex(":memory:", cut_residue=False, clock=clock) as index:
        index.add_many([{"id": f"a{i}", "text": text} for i, text in enumerate(texts)])
        for i in range(count - 100, count):
            words = texts[i].split()
            for place in rng.sample(range(len(words)), edits):
                words[place] = f"v{rng.randrange(20_000)}"
            first = [copy.article_id for copy in index.copies_of(" ".join(words))][:1] if i % 20 == 0 else None
            added = index.add({"id": f"b{i}", "text": " ".join(words)})
            found += added.near_duplicate_of == f"a{i}"
            assert first in (None, [added.near_duplicate_of])
    assert found >= least


def test_an_unknown_zone_is_refused_before_a_file_is_made(tmp_path):
    with pytest.raises(ValueError, match="timezone is 'Mars'"):
        StoryIndex(tmp_path / "index.db", timezone="Mars")
    assert not list(tmp_path.iterdir())
