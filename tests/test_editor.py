"""What an editor decides: what becomes of articles and ids, how long it holds, and how it is undone."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from follower import Follower, told_places
from postgres_server import SERVER
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN

from dedup import Article, Change, StoryIndex

DAY = timedelta(days=1)
TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
TRAIN_TOO = TRAIN.replace(
    "waved off by an honour guard and rows of officials", "with officials lined up to see him off"
)


def clock():
    return TUESDAY + 700 * DAY


def article(name, text, day=0.0):
    return Article(name, text, published=TUESDAY + day * DAY)


@contextmanager
def filled():
    """s1 has two reports and a copy, s2, s3 and s4 one each; s4 is a week older."""
    with StoryIndex(":memory:", clock=clock) as index:
        index.add_many(
            [
                article("train", TRAIN),
                article("seen", TRAIN_TOO),
                article("train copy", f"{TRAIN} Updated"),
                article("rockets", ROCKETS),
                article("bank", BANK),
                article("old", "A strike at the ports of the west coast went into its third week.", -7),
            ]
        )
        assert places(index) == START
        yield index


@pytest.fixture
def index():
    with filled() as index:
        yield index


@pytest.fixture(scope="module")
def same_index():
    """For tests that change nothing."""
    with filled() as index:
        yield index


START = {"train": "s1", "seen": "s1", "train copy": "s1", "rockets": "s2", "bank": "s3", "old": "s4"}


def places(index):
    return {a.id: story.id for story in index.stories() for a in story.articles}


def told(index, since):
    return [(c.kind, c.story_id, c.episode_id, c.article_id, c.into) for c in index.changes(since.cursor - 1)]


# Each decision, and its undoing


def test_a_merge_leaves_an_alias_and_its_undoing_gives_it_back(index):
    change = index.merge("s3", "s2")
    assert change == Change(change.cursor, "editor_merged", "s3", None, None, "s2", change.cursor)
    assert index.story("s3").id == index.story_id("bank") == "s2"
    assert sorted(episode.id for episode in index.story("s2").episodes) == ["e2", "e3"]
    assert told(index, change) == [
        ("editor_merged", "s3", None, None, "s2"),
        ("story_merged", "s3", None, None, "s2"),
        ("episode_begun", "s2", "e3", None, None),
    ]
    undone = index.undo(change)
    assert undone == Change(undone.cursor, "editor_undid", "s3", None, None, None, change.cursor)
    assert places(index) == START
    assert told(index, undone)[1:] == [("left", "s2", "e3", "bank", None), ("story_begun", "s3", "e3", "bank", None)]


def test_a_split_makes_a_story_with_a_new_id_and_copies_go_along(index):
    change = index.split("s1", ["train copy"])
    assert (change.kind, change.story_id, change.into) == ("editor_split", "s1", "s5")
    assert places(index) == START | {"train": "s5", "train copy": "s5"}
    assert all(c.decision == change.cursor for c in index.changes(change.cursor - 1))
    index.undo(change.cursor)
    assert places(index) == START
    assert index.story("s5").id == "s1"  # whoever has that id still finds the articles


def test_a_moved_article_is_in_the_episode_that_it_is_most_similar_to(index):
    index.move("seen", "s3")
    index.move("seen", "s1")
    assert [[a.id for a in e.articles] for e in index.story("s1").episodes] == [["seen", "train", "train copy"]]


def test_an_article_that_is_like_none_is_an_episode_of_its_own(index):
    change = index.move("seen", "s3")
    assert (change.kind, change.story_id, change.article_id, change.into) == ("editor_moved", "s1", "seen", "s3")
    assert [[a.id for a in e.articles] for e in index.story("s3").episodes] == [["bank"], ["seen"]]
    index.undo(change)
    assert places(index) == START
    assert len(index.story("s3").episodes) == 1


def test_moving_the_only_article_of_a_story_is_a_merge(index):
    change = index.move("bank", "s2")
    assert (change.kind, change.into) == ("editor_merged", "s2")
    assert index.story("s3").id == "s2"


def test_pins_show_what_they_say_until_they_are_undone(index):
    rule = index.story("s1").representative.id
    other = next(name for name in ("train", "seen") if name != rule)
    first = index.pin("s1", representative=other, title="A train")
    second = index.pin("s1", title="Another title")
    story = index.story("s1")
    assert (story.representative.id, story.headline, story.title) == (other, "Another title", "Another title")
    assert story.reason == f"Chosen by an editor (change {first.cursor})."
    assert "'Another title'" in repr(story)
    index.undo(second)
    assert index.story("s1").headline == "A train"
    index.undo(first)
    assert (index.story("s1").representative.id, index.story("s1").title, index.story("s1").edits) == (rule, None, ())


def test_forbidden_articles_of_one_story_come_apart(index):
    change = index.forbid("seen", "train", articles=True)
    assert places(index) == START | {"train": "s5", "train copy": "s5"}
    assert [(c.kind, c.article_id, c.decision) for c in index.changes(change.cursor - 1)][:2] == [
        ("editor_forbade", "seen", change.cursor),
        ("editor_forbade", "train", change.cursor),
    ]
    index.refine(LONG_AGO)
    assert index.story_id("seen") != index.story_id("train")
    index.undo(change)
    assert places(index) == START


# They hold


def test_an_article_that_was_moved_stays_whatever_comes(index):
    index.move("seen", "s3")
    index.refine(LONG_AGO)
    assert index.add(article("seen", f"{TRAIN_TOO} It was a long way.")).story_id == "s3"
    assert index.add(article("seen", TRAIN)).outcome == "updated"  # a copy of one in its former story
    assert index.story_id("seen") == "s3"
    index.add_many([article(f"again {i}", f"{TRAIN_TOO} {BRIDGE} {i}") for i in range(60)])
    index.refine(LONG_AGO)
    assert index.story_id("seen") == index.story("s3").id != index.story("s1").id


@pytest.mark.parametrize("articles", [None, False, True])
def test_a_report_that_is_like_two_stories_joins_them_unless_they_are_forbidden(articles):
    with StoryIndex(":memory:", clock=clock) as index:
        index.add_many([article("a", TRAIN), article("c", ROCKETS)])
        if articles is not None:
            index.forbid(*(("a", "c") if articles else ("s1", "s2")), articles=articles)
        bridge = index.add(article("b", BRIDGE))
        assert (bridge.outcome, bridge.merged) == ("report", ("s2",) if articles is None else ())
        index.add_many([article(f"bridge {i}", f"{BRIDGE} {i}") for i in range(50)])
        index.refine(LONG_AGO)
        assert (index.story("s1").id == index.story("s2").id) == (articles is None)


def test_an_update_does_not_take_an_article_into_a_forbidden_story(index):
    index.forbid("bank", "train", articles=True)
    for text in (f"{TRAIN} Again.", TRAIN, TRAIN_TOO):
        index.add(article("bank", text))
        assert index.story_id("bank") != index.story_id("train")


@pytest.mark.parametrize("decided", [False, True])
def test_what_splits_off_a_story_that_was_decided_on_stays_in_it(decided):
    follower = Follower()
    with StoryIndex(":memory:", clock=clock) as index:
        index.add_many([article("a", TRAIN), article("c", ROCKETS), article("b", BRIDGE), article("d", BANK)])
        assert places(index) == {"a": "s1", "b": "s1", "c": "s1", "d": "s3"}
        if decided:
            index.merge("s1", "s3")
        index.remove("b")
        assert (index.story_id("a") == index.story_id("c")) == decided
        assert index.story_id("d") == ("s1" if decided else "s3")
        follower.catch_up(index)
        assert follower.places == told_places(index)


def test_decisions_survive_reopening_and_are_undone_then(tmp_path):
    path = tmp_path / "index.db"
    with StoryIndex(path) as index:
        index.add_many([article("a", TRAIN), article("b", BANK), article("c", TRAIN_TOO)])
        split = index.split("s1", ["c"])
        pinned = index.pin("s1", title="Train")
    with StoryIndex(path, read_only=True) as reader:
        assert (reader.story_id("c"), reader.story("s1").headline) == (split.into, "Train")
        with pytest.raises(RuntimeError, match="read_only=True; allowed: what only reads"):
            reader.undo(split)
    with StoryIndex(path) as index:
        index.undo(split)
        index.undo(pinned)
        assert places(index) == {"a": "s1", "b": "s2", "c": "s1"}


def test_another_writer_keeps_to_what_one_decided():
    url = SERVER.new_database()
    with StoryIndex(url) as one, StoryIndex(url) as other:
        one.add_many([article("a", TRAIN), article("b", BANK), article("c", TRAIN_TOO)])
        assert other.story_id("c") == "s1"
        change = one.split("s1", ["c"])
        assert other.add(article("c", TRAIN)).story_id == change.into
        assert other.undo(change).kind == "editor_undid"
        assert one.story_id("c") == "s1"
        one.add(article("c", f"{TRAIN_TOO} Again."))
        assert one.changes() == other.changes()
    SERVER.drop(url)


# They end


def test_what_is_removed_takes_with_it_what_was_decided_on_it(index):
    change = index.move("seen", "s3")
    pin = index.pin("s3", representative="seen")
    index.remove("seen")
    assert (index.story("s3").edits, index.story("s1").edits) == ((), ())
    for gone in (change, pin):
        with pytest.raises(ValueError, match=f"change is {gone.cursor}; allowed: the cursor of a decision"):
            index.undo(gone)
    assert index.add(article("seen", TRAIN_TOO)).story_id == "s1"


def test_after_expiry_nothing_dangles(index):
    index.merge("s4", "s3")
    index.forbid("s2", "s4")
    index.pin("s2", title="Rockets")
    index.expire(TUESDAY - DAY)
    assert index.story("s4").id == "s3"  # as the story lives on
    index.expire(TUESDAY + DAY)
    assert len(index) == 0
    assert not index._session.state.decisions
    assert index._session.store.decisions() == []


def test_an_article_comes_back_to_a_story_that_has_expired_meanwhile(index):
    index.add(article("late", f"{TRAIN} {BANK}", 3))
    into = index.story_id("late")
    other = "s2" if into != "s2" else "s3"
    change = index.move("late", other)
    index.expire(TUESDAY + DAY)
    index.undo(change)
    assert places(index) == {"late": into}


def test_an_update_of_a_pinned_article_stays_pinned(index):
    index.pin("s1", representative="seen")
    index.add(article("seen", f"{TRAIN_TOO} It was a long way."))
    assert index.story("s1").representative.text.endswith("a long way.")


# What builds on what


def test_an_article_may_be_moved_again_and_is_brought_back_step_by_step(index):
    first, second, third = index.move("seen", "s3"), index.move("seen", "s2"), index.move("seen", "s1")
    assert places(index) == START
    for change, later in ((first, third), (second, third)):
        with pytest.raises(
            ValueError, match=f"builds on change {change.cursor}; allowed: to undo {later.cursor} first"
        ):
            index.undo(change)
    index.undo(third)
    assert index.story_id("seen") == index.story("s2").id
    index.undo(second)
    assert index.story_id("seen") == "s3"
    assert index.add(article("seen", TRAIN)).story_id == "s3"  # the first decision holds again
    index.undo(first)
    assert index.story_id("seen") == "s1"


def test_what_was_split_off_a_merged_story_has_to_come_back_first(index):
    merged = index.merge("s1", "s3")
    split = index.split("s1", ["bank", "seen"])
    with pytest.raises(ValueError, match=f"allowed: to undo {split.cursor} first"):
        index.undo(merged)
    index.undo(split)
    assert {places(index)[name] for name in ("bank", "seen", "train")} == {"s1"}
    index.undo(merged)
    assert places(index) == START


def test_what_comes_between_goes_along(index):
    change = index.split("s1", ["seen"])
    copy = index.add(article("seen copy", f"{TRAIN_TOO} Updated"))
    assert copy.story_id == change.into
    index.undo(change)
    assert index.story_id("seen copy") == "s1"
    merged = index.merge("s2", "s3")
    assert index.add(article("bank copy", f"{BANK} Updated")).story_id == "s2"
    index.undo(merged)
    assert index.story_id("bank copy") == index.story_id("bank") == "s3"


def test_contradictions_are_refused_and_change_nothing(index):
    change = index.forbid("s1", "s3")
    apart = index.forbid("seen", "rockets", articles=True)
    before, log = places(index), index.changes()
    for work, first in (
        (lambda: index.merge("s3", "s1"), change),
        (lambda: index.move("bank", "s1"), change),
        (lambda: index.move("seen", "s2"), apart),
        (lambda: index.merge("s1", "s2"), apart),
    ):
        with pytest.raises(ValueError, match=rf"change {first.cursor}; allowed: to undo"):
            work()
    assert (places(index), index.changes()) == (before, log)
    index.undo(change)
    index.undo(apart)
    index.move("seen", "s2")


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (lambda i: i.merge("s1", "s9"), KeyError, "no story has the id 's9'"),
        (lambda i: i.merge("s1", 3), KeyError, "no story has the id 3"),
        (lambda i: i.merge("s1", "s1"), ValueError, "stories 's1' and 's1' are one; allowed: two stories"),
        (lambda i: i.split("s1", []), ValueError, "articles are none of its articles"),
        (lambda i: i.split("s1", ["seen", "train"]), ValueError, "articles are all of its articles with their copies"),
        (lambda i: i.split("s2", ["rockets"]), ValueError, "allowed: some articles of story 's2'"),
        (lambda i: i.split("s1", ["bank"]), KeyError, "no article of story 's1' has the id 'bank'"),
        (lambda i: i.move("nobody", "s1"), KeyError, "no article has the id 'nobody'"),
        (lambda i: i.move("seen", "s1"), ValueError, "article 'seen' is in story 's1'; allowed: another story"),
        (lambda i: i.pin("s1"), ValueError, "allowed: one of the two at least"),
        (lambda i: i.pin("s1", title=" "), ValueError, "allowed: one of the two at least"),
        (lambda i: i.pin("s1", title=3), TypeError, "title is 3; allowed: a str"),
        (lambda i: i.pin("s1", representative="bank"), KeyError, "no article of story 's1' has the id 'bank'"),
        (lambda i: i.forbid("s1", "s1"), ValueError, "are one; allowed: two stories"),
        (lambda i: i.forbid("train", "train copy", articles=True), ValueError, "are copies of one text; allowed"),
        (lambda i: i.forbid("a", "b", articles="yes"), TypeError, "articles is 'yes'; allowed: True, False"),
        (lambda i: i.undo("3"), TypeError, "change is '3'; allowed: a Change that follows from a decision"),
        (lambda i: i.undo(True), TypeError, "change is True; allowed"),
        (lambda i: i.undo(1), ValueError, "change is 1; allowed: the cursor of a decision that is in force"),
        (lambda i: i.undo(i.changes()[0]), TypeError, "allowed: a Change that follows from a decision, or its cursor"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(same_index, work, error, message):
    seen = same_index.changes()
    with pytest.raises(error, match=message):
        work(same_index)
    assert (places(same_index), same_index.changes()) == (START, seen)


# It is said


def test_explanations_and_stories_tell_of_decisions(index):
    moved = index.move("seen", "s3")
    merged = index.merge("s3", "s2")
    said = f"An editor made it one with s3 (change {merged.cursor}). An editor moved 1 article here from s1 (change"
    assert index.story("s3").explain("seen").verdict.startswith(f"{said} {moved.cursor}). In the story")
    assert [edit.sentence for edit in index.story("s1").edits] == [
        f"An editor moved articles from here to s3 (change {moved.cursor})."
    ]
    forbidden = index.forbid("s1", "s4")
    assert index.story("s4").edits[-1].sentence == f"An editor keeps it apart from s1 (change {forbidden.cursor})."


def test_whoever_follows_knows_where_each_article_is(index):
    follower = Follower()
    follower.catch_up(index)
    decisions = [
        lambda: index.merge("s2", "s3"),
        lambda: index.move("seen", "s2"),
        lambda: index.split("s2", ["bank"]),
        lambda: index.forbid("s1", "s4"),
        lambda: index.pin("s1", title="Train"),
    ]
    made = []
    for decide in decisions:
        made.append(decide())
        follower.catch_up(index)
        assert follower.places == told_places(index)
    for change in reversed(made):
        index.undo(change)
        follower.catch_up(index)
        assert follower.places == told_places(index)
    assert places(index) == START


def test_a_decision_that_fails_is_none(index, monkeypatch):
    monkeypatch.setattr(index._session.store, "set_decisions", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        index.move("seen", "s3")
    monkeypatch.undo()
    assert places(index) == START
    assert index.move("seen", "s3").kind == "editor_moved"


def test_an_article_whose_id_becomes_another_one_stays_where_it_was_put(tmp_path):
    page = {"source": "S", "url": "https://example.org/train"}
    with StoryIndex(":memory:", clock=clock) as index:
        index.add_many([article("a", TRAIN), replace(article("b", TRAIN_TOO), **page), article("c", BANK)])
        change = index.move("b", "s2")
        later = index.add(replace(article("b2", f"{TRAIN_TOO} Updated twice since then."), **page))
        assert (later.outcome, later.replaces, later.story_id) == ("updated", "b", "s2")
        index.undo(change)
        assert index.story_id("b2") == "s1"
