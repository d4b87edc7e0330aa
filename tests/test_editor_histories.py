"""Decisions of editors among whatever else happens to an index: they hold, and undone they leave nothing behind."""

from contextlib import closing, suppress

import pytest
from follower import Follower, told_places
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from postgres_server import SERVER
from test_index import ARTICLES, CUTS, NAMES, as_small, assert_consistent, clock, remembered

from dedup import StoryIndex
from dedup.stream.state import IndexState

NUMBERS = st.integers(0, 30)
DECISIONS = st.one_of(
    st.tuples(st.just("merge"), st.tuples(NUMBERS, NUMBERS)),
    st.tuples(st.just("split"), st.lists(NUMBERS, min_size=1, max_size=3)),
    st.tuples(st.just("move"), st.tuples(NUMBERS, NUMBERS)),
    st.tuples(st.just("move"), st.tuples(NUMBERS, NUMBERS)),
    st.tuples(st.just("pin"), NUMBERS),
    st.tuples(st.just("forbid"), st.tuples(NUMBERS, NUMBERS)),
    st.tuples(st.just("forbid_articles"), st.tuples(NUMBERS, NUMBERS)),
)
BATCHES = st.lists(ARTICLES, min_size=1, max_size=9, unique_by=lambda a: a.id)
OPERATIONS = st.one_of(
    st.tuples(st.just("add"), BATCHES),
    st.tuples(st.just("add"), BATCHES),
    DECISIONS,
    DECISIONS,
    st.tuples(st.just("decide_and_undo"), st.lists(DECISIONS, min_size=1, max_size=4)),
    st.tuples(st.just("undo"), NUMBERS),
    st.tuples(st.just("remove"), st.sampled_from(NAMES)),
    st.tuples(st.just("expire"), CUTS),
    st.tuples(st.just("refine"), CUTS),
    st.tuples(st.just("reopen"), st.none()),
)
HISTORIES = st.lists(OPERATIONS, min_size=4, max_size=14)


def chosen(items, number):
    items = sorted(items)
    return items[number % len(items)]


def decide(index, decision):
    """Do what is drawn with what there is; None when that is refused, which changes nothing."""
    kind, numbers = decision
    stories = {a.id: story for story in index.stories() for a in story.articles}
    names = {story.id for story in stories.values()}
    if not names:
        return None
    before = facts(index)
    with suppress(KeyError, ValueError):
        if kind == "merge":
            return index.merge(*(chosen(names, n) for n in numbers))
        if kind == "split":
            story = max(stories.values(), key=len)
            return index.split(story.id, {chosen([a.id for a in story.articles], n) for n in numbers})
        if kind == "move":
            return index.move(chosen(stories, numbers[0]), chosen(names, numbers[1]))
        if kind == "pin":
            name = chosen(stories, numbers)
            return index.pin(stories[name].id, representative=name, title=f"Title {numbers}")
        if kind == "forbid":
            return index.forbid(*(chosen(names, n) for n in numbers))
        return index.forbid(*(chosen(stories, n) for n in numbers), articles=True)
    assert facts(index) == before
    return None


def facts(index):
    return {
        (s.id, s.headline, s.representative.id, tuple(a.id for a in s.articles), tuple(e.decision for e in s.edits))
        for s in index.stories()
    }


class Ledger:
    """What must hold by the decisions that are in force, as an editor who made them would say it."""

    def __init__(self):
        self.decisions = {}

    def add(self, change, before, after):
        moved = {name for name in before if before[name] != after[name]}
        places = {} if change.kind == "editor_merged" else {name: (before[name], after[name]) for name in moved}
        self.decisions[change.decision] = change, places

    def check(self, index, live):
        now = {a.id: story.id for story in index.stories() for a in story.articles}
        assert now.keys() == live.keys()

        def story(name):
            with suppress(KeyError):
                return index.story(name).id

        last = {}
        for change, places in self.decisions.values():
            if change.kind == "editor_merged":
                assert story(change.story_id) == story(change.into)
            elif change.kind == "editor_forbade" and change.article_id is None:
                one, other = story(change.story_id), story(change.into)
                assert one != other or one is None
            last |= dict.fromkeys(places, change)
        for name, change in last.items():
            if name in now and change.kind in ("editor_split", "editor_moved"):
                former, into = self.decisions[change.decision][1][name]
                assert now[name] == story(into)
                assert now[name] != story(former)

    def forget(self, names):
        for _, places in self.decisions.values():
            for name in names & places.keys():
                del places[name]


def places(index):
    return {a.id: story.id for story in index.stories() for a in story.articles}


class Indexes:
    """Indexes in several places, one in memory first, to which the same is done."""

    def __init__(self, *places):
        self.places, self.whole = places, StoryIndex(":memory:", clock=clock)
        self.others = [StoryIndex(place, clock=clock) for place in places]

    def apply(self, kind, argument):
        """Do an operation; all return the same."""
        if kind == "reopen":
            self.close_others()
            self.others = [StoryIndex(place, clock=clock) for place in self.places]
            return None
        done = [DO[kind](index, argument) if kind in DO else decide(index, (kind, argument)) for index in self.all]
        assert done.count(done[0]) == len(done)
        return done[0]

    def check(self):
        """All tell the same, and have in memory what is stored."""
        for index in self.others:
            assert facts(index) == facts(self.whole)
            assert index.changes() == self.whole.changes()
            with index._session.reading(refresh=True) as state:
                assert remembered(state) == remembered(IndexState(state.store, state.settings))

    @property
    def all(self):
        return [self.whole, *self.others]

    def close_others(self):
        for index in self.others:
            index.close()

    def close(self):
        self.close_others()
        self.whole.close()


def check_history(history, *others):
    indexes, ledger, follower, live = Indexes(*others), Ledger(), Follower(), {}
    with closing(indexes):
        for kind, argument in history:
            before = places(indexes.whole)
            result = indexes.apply(kind, argument)
            now = places(indexes.whole)
            if kind == "add":
                live |= {a.id: a for a in argument}
            elif kind == "undo":
                ledger.decisions.pop(result, None)
            elif kind not in DO and result is not None:
                ledger.add(result, before, now)
            gone = live.keys() - now.keys() if kind in ("remove", "expire") else set()
            live = {name: article for name, article in live.items() if name not in gone}
            ledger.forget(gone)
            if kind == "expire":  # which is no change
                follower.places = {a: place for a, place in follower.places.items() if a in live}
            follower.catch_up(indexes.whole, limit=3)
            assert follower.places == told_places(indexes.whole)
            assert_consistent(indexes.whole, live)
            ledger.check(indexes.whole, live)
            indexes.check()


def add(index, articles):
    return [(a.story_id, a.outcome, a.merged, a.left) for a in index.add_many(articles)]


def undo(index, number):
    """Undo a decision that stories tell of; None when there is none, or when it is refused, which changes nothing."""
    cursors = sorted({edit.decision for story in index.stories() for edit in story.edits})
    before = facts(index)
    with suppress(ValueError):
        return index.undo(chosen(cursors, number)).decision if cursors else None
    assert facts(index) == before
    return None


def decide_and_undo(index, decisions):
    """What is undone at once leaves nothing behind."""
    seen = []
    for decision in decisions:
        before = facts(index)
        if change := decide(index, decision):
            seen.append((change, before))
    for change, before in reversed(seen):
        index.undo(change)
        assert facts(index) == before
    return len(seen)


DO = {
    "add": add,
    "remove": StoryIndex.remove,
    "expire": StoryIndex.expire,
    "refine": StoryIndex.refine,
    "undo": undo,
    "decide_and_undo": decide_and_undo,
    "reopen": None,
}


@pytest.mark.parametrize("small", [False, True])
@given(HISTORIES)
@settings(deadline=None, max_examples=6, phases=[Phase.generate])
def test_whatever_happens_decisions_hold_and_are_undone(tmp_path_factory, small, history):
    with as_small(small):
        check_history(history, tmp_path_factory.mktemp("history") / "index.db")


@pytest.mark.slow
@given(HISTORIES)
@settings(deadline=None, max_examples=15, phases=[Phase.generate])
def test_every_store_has_the_same_history(tmp_path_factory, history):
    url = SERVER.new_database()
    with as_small(True):
        check_history(history, tmp_path_factory.mktemp("history") / "index.db", url)
    SERVER.drop(url)
