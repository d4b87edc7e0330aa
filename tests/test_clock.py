"""When articles come, and what is dated later than that: nothing is kept or listed because of a false date."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from follower import Follower, told_places
from postgres_server import SERVER
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN
from test_index import ids, memory, remembered, stored

import dedup
from dedup import Article, StoryIndex, copy_index
from dedup.store.serialization import digest_of, encode_article
from dedup.stream.state import IndexState

DAY = timedelta(days=1)
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
FAR = datetime(2099, 1, 1, tzinfo=UTC)


class FixedClock:
    """It goes on when it is told to."""

    def __init__(self):
        self.now = TUESDAY

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture(params=["memory", "file", "postgres"])
def place(request, tmp_path):
    if request.param == "postgres":
        url = SERVER.new_database()
        yield url
        SERVER.drop(url)
    else:
        yield ":memory:" if request.param == "memory" else str(tmp_path / "index.db")


def article(name, text, published=TUESDAY):
    return Article(name, text, published=published)


def test_nothing_outlives_its_time_and_nothing_is_listed_first_by_a_date_in_the_far_future(place, clock):
    with StoryIndex(place, clock=clock) as index:
        index.add_many([article("old", BANK, TUESDAY - 3 * DAY), article("future", TRAIN, FAR)])
        clock.now += 2 * DAY
        index.add_many(
            [article("undated", ROCKETS, None), article("new", "Farmers blocked motorways in Lyon.", clock.now)]
        )
        assert [ids(story) for story in index.stories(since=TUESDAY + DAY)] == [["undated"], ["new"]]
        assert [ids(story) for story in index.stories()] == [["undated"], ["new"], ["future"], ["old"]]
        assert all(story.last is None or story.last <= clock.now for story in index.stories())
        assert index.story(index.story_id("future")).articles == (article("future", TRAIN, None),)
        assert (index.expire(TUESDAY), index.expire(TUESDAY + DAY)) == (1, 1)
        assert [change.article_id for change in index.changes()] == ["undated", "new"]
        assert index.expire(clock.now + DAY) == 2
        assert (len(index), index.stories(), len(index.changes())) == (0, [], 1)


def test_a_day_of_grace(clock):
    with StoryIndex(":memory:", clock=clock) as index:
        dates = [TUESDAY + DAY, TUESDAY + DAY + timedelta(seconds=1), datetime.max.replace(tzinfo=UTC)]
        index.add_many(article(str(i), f"Report {i}", day) for i, day in enumerate(dates))
        assert [row.day is None for row in stored(index).values()] == [False, True, True]


def test_what_was_dated_too_late_is_the_same_when_it_comes_again_and_dated_when_its_day_has_come(clock):
    with StoryIndex(":memory:", clock=clock) as index:
        index.add(article("a", TRAIN, TUESDAY + 9 * DAY))
        assert index.add(article("a", TRAIN, TUESDAY + 9 * DAY)).outcome == "unchanged"
        assert index.add(article("a", TRAIN, FAR)).outcome == "unchanged"
        clock.now += 9 * DAY
        assert index.add(article("a", TRAIN, TUESDAY + 9 * DAY)).outcome == "updated"
        assert index.story("s1").last == TUESDAY + 9 * DAY


def test_it_matches_as_undated(clock):
    with StoryIndex(":memory:", clock=clock) as index:
        index.add(article("a", TRAIN))
        assert index.add(article("b", BRIDGE, FAR)).story_id == index.story_id("a")
        assert [found.article_id for found in index.similar(article("x", BRIDGE, FAR))] == ["b", "a"]


def test_one_warning_tells_of_all_of_a_call(clock, caplog):
    with StoryIndex(":memory:", clock=clock) as index, caplog.at_level(logging.DEBUG, "dedup"):
        index.add_many([article("a", TRAIN), article("b", BANK, FAR), article("c", ROCKETS, FAR + DAY)])
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        "2 of 3 articles are dated later than now and count as undated: the first is article 1 (id 'b'), published "
        "2099-01-01 00:00:00+00:00"
    ]
    details = [record.getMessage() for record in caplog.records if "field 'published' is" in record.getMessage()]
    assert [detail.split(" is ")[1] for detail in details] == ["2099-01-01 00:00:00+00:00", "2099-01-02 00:00:00+00:00"]


def test_removal_takes_the_time_of_an_article_with_it(place, clock):
    with StoryIndex(place, clock=clock) as index:
        index.add_many([article("a", TRAIN, TUESDAY - 9 * DAY), article("b", BANK, TUESDAY - DAY)])
        latest = index._session.store.counters()[2]
        assert index.remove("b")
        assert index._session.store.counters()[2] == index._session.state.latest == latest - 8
        index.add(article("c", ROCKETS, TUESDAY - 8 * DAY))
        assert index._session.store.changes(0)[-1].day == index._session.state.latest == latest - 7
        for name in "ac":
            index.remove(name)
        assert index._session.state.latest == index._session.store.counters()[2] == float("-inf")


def test_old_news_in_order_leave_the_log_as_they_leave_the_index(place):
    """By the clock of the machine, long after."""
    sample = [Article(a.id, a.text, published=a.published) for a in dedup.sample_articles("fr")]
    sample.sort(key=lambda a: (a.published, a.id))
    with StoryIndex(place) as index:
        for i in range(0, len(sample), 10):
            index.add_many(sample[i : i + 10])
            index.expire(sample[i].published)
            kept = [c for c in index.changes() if c.kind in ("story_begun", "joined")]
            assert len(index) <= len(kept) < 40


def test_another_writer_knows_the_latest_day_too(clock):
    url = SERVER.new_database()
    with StoryIndex(url, clock=clock) as one, StoryIndex(url, clock=clock) as other:
        one.add_many([article("a", TRAIN, TUESDAY - 9 * DAY), article("b", BANK)])
        other.add(article("c", ROCKETS, None))
        for name in "bc":
            one.remove(name)
        assert memory(other) == memory(one)
        assert other._session.state.latest == one._session.store.counters()[2]
    SERVER.drop(url)


# Indexes that were spoilt


def spoil(index, names, undated):
    """As indexes did that kept such dates, and the day of what came undated after them."""
    store, far = index._session.store, FAR.timestamp() / 86_400
    with store.transaction():
        for row in stored(index).values():
            if row.id in names:
                late = Article(row.id, TRAIN, published=FAR)
                new = {"day": far, "expiry_day": far, "fields": encode_article(late), "digest": digest_of(late)}
                store.rewrite([row._replace(**new)])
            elif row.id in undated:
                store.rewrite([row._replace(expiry_day=far)])
        changes = store.changes(0)
        store.delete_changes_before(float("inf"))
        store.insert_changes([changes[-1]._replace(cursor=changes[-1].cursor + 1, day=far)])


def test_a_spoilt_index_is_mended_when_it_is_opened_for_writing(lasting, clock, caplog):
    with StoryIndex(lasting, clock=clock) as index:
        index.add_many([article("old", BANK, TUESDAY - DAY), article("late", TRAIN), article("undated", ROCKETS, None)])
        spoil(index, {"late"}, {"undated"})
    with StoryIndex(lasting, clock=clock, read_only=True) as reader:
        assert reader.stories()[0].last == FAR
    with StoryIndex(lasting, clock=clock) as index:
        assert (
            "2 articles of the index were dated later than now, or kept so long; now: 2023-09-11 08:00" in caplog.text
        )
        rows = {row.id: row for row in stored(index).values()}
        assert {row.expiry_day for row in rows.values()} == {rows["old"].day}
        assert [rows[name].day for name in ("late", "undated")] == [None, None]
        assert index.add(article("late", TRAIN, FAR)).outcome == "unchanged"
        assert remembered(IndexState(index._session.store, index._session.settings)) == memory(index)
        assert index.changes()
        assert max(row.day for row in index._session.store.changes(0)) == rows["old"].day
        assert index.expire(TUESDAY) == 3
    caplog.clear()
    StoryIndex(lasting, clock=clock).close()
    assert not caplog.text


def test_what_another_writer_has_mended_is_read_as_it_is(clock):
    url = SERVER.new_database()
    with StoryIndex(url, clock=clock) as other:
        other.add_many([article("old", BANK, TUESDAY - DAY), article("late", TRAIN), article("copy", TRAIN)])
        spoil(other, {"late", "copy"}, set())
        memory(other)
        StoryIndex(url, clock=lambda: FAR).close()  # to which these dates are good
        with StoryIndex(url, clock=clock) as index:
            assert memory(other) == memory(index)
            assert remembered(IndexState(index._session.store, index._session.settings)) == memory(index)
        assert other.add(article("b", BRIDGE, TUESDAY)).story_id == other.story_id("late")
    SERVER.drop(url)


def test_an_index_with_nothing_but_false_dates_is_mended_as_of_now(tmp_path, clock):
    with StoryIndex(tmp_path / "index.db", clock=clock) as index:
        index.add(article("late", TRAIN))
        spoil(index, {"late"}, set())
    with StoryIndex(tmp_path / "index.db", clock=clock) as index:
        assert (index.expire(TUESDAY), index.expire(TUESDAY + DAY)) == (0, 1)


# The clock itself


@pytest.mark.parametrize("bad", [TUESDAY, None, 7])
def test_what_is_no_clock_is_refused_before_a_file_is_made(tmp_path, bad):
    with pytest.raises(TypeError, match=r"clock is .*; allowed: a callable that returns an aware datetime"):
        StoryIndex(tmp_path / "index.db", clock=bad)
    assert not list(tmp_path.iterdir())


def test_a_clock_that_returns_no_aware_time_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"what the clock returns is .*; allowed: an aware datetime"):
        StoryIndex(tmp_path / "index.db", clock=datetime.now)


def test_by_default_it_is_that_of_the_machine():
    with StoryIndex(":memory:") as index:
        index.add(article("a", TRAIN, None))
        now = datetime.now(UTC)
        assert (index.expire(now - DAY / 24), index.expire(now + DAY / 24)) == (0, 1)


def test_a_batch_with_dates_in_the_far_future_begins_an_index_without_them(clock, tmp_path):
    late = [replace(a, published=FAR) for a in dedup.sample_articles("fr")[:9]]
    stories = dedup.cluster([*late, *dedup.sample_articles("fr")[9:20]])
    with StoryIndex.from_stories(tmp_path / "index.db", stories, clock=lambda: TUESDAY + 900 * DAY) as index:
        follower = Follower()
        follower.catch_up(index)
        assert follower.places == told_places(index)
        assert sum(row.day is None for row in stored(index).values()) == 9
        assert {a.outcome for a in index.add_many(late)} == {"unchanged"}
    copy_index(tmp_path / "index.db", tmp_path / "copy.db")
    with StoryIndex(tmp_path / "copy.db", clock=lambda: TUESDAY + 900 * DAY) as copy:
        assert copy.expire(TUESDAY + 901 * DAY) == 20
