"""Chapters against a list of episodes with two labels each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.stream.chapters import Chapters

NUMBERS = st.integers(1, 9)
CHAPTER = st.tuples(NUMBERS, NUMBERS, NUMBERS)
OPERATIONS = st.one_of(
    st.tuples(st.just("set"), st.lists(CHAPTER, max_size=4, unique_by=lambda chapter: chapter[0])),
    st.tuples(st.just("put"), st.dictionaries(NUMBERS, NUMBERS, max_size=4)),
    st.tuples(st.just("tell"), NUMBERS),
    st.tuples(st.just("part"), st.lists(NUMBERS, max_size=3)),
    st.tuples(st.just("merge"), st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1])),
)


class Twin:
    """The story of each episode, and the one that was told."""

    def __init__(self):
        self.now, self.was_told = {n: n for n in range(1, 10)}, {n: n for n in range(1, 10)}

    def change(self, chapters):
        for episode, story, told in chapters:
            self.now[episode], self.was_told[episode] = story, told if story != episode else episode

    def set(self, chapters):
        self.change(chapters)

    def put(self, stories):
        reached = {self.now[number] for number in stories}
        self.change(
            [
                (e, stories[told], told)
                for e, told in self.was_told.items()
                if told in stories and self.now[e] in reached
            ]
        )

    def tell(self, told):
        story = self.now[told]
        self.change([(e, story, story) for e in self.now if self.now[e] == story and self.was_told[e] == told])

    def part(self, episodes):
        self.change([(e, e, e) for e in episodes])

    def merge(self, pair):
        episode, into = pair
        stories, told = {self.now[e] for e in pair}, {self.was_told[e] for e in pair}
        one, as_told = (min(stories), min(told)) if into < episode else (self.now[into], self.was_told[into])
        self.change(
            [
                (e, one, as_told if self.was_told[e] in told else self.was_told[e])
                for e in self.now
                if self.now[e] in stories
            ]
        )
        self.part([episode])


@given(st.lists(OPERATIONS, max_size=12))
def test_stories_are_those_of_the_twin(operations):
    chapters, twin, stored = Chapters(), Twin(), {}
    for name, argument in operations:
        arguments = argument if name == "merge" else (argument,)
        changed = getattr(chapters, name)(*arguments)
        getattr(twin, name)(argument)
        stored |= {one[0]: one for one in (argument if name == "set" else changed)}
        assert {n: chapters.story(n) for n in twin.now} == twin.now
        assert {n: chapters.told(n) for n in twin.now} == twin.was_told
        assert chapters.stories(np.arange(1, 10)).tolist() == list(twin.now.values())
        for n in twin.now:
            assert chapters.episodes_of([n]) == [e for e, story in twin.now.items() if story == n]
        untold = {twin.was_told[e] for e in twin.now if twin.was_told[e] != twin.now[e]}
        assert chapters.provisional() == sorted(untold)
        # What is returned is enough to store.
        again = Chapters(stored.values())
        assert again.all() == chapters.all()


def test_what_was_told_stays_together():
    chapters = Chapters([(5, 2, 2), (8, 7, 7)])
    chapters.put({7: 2})
    assert chapters.all() == [(5, 2, 2), (7, 2, 7), (8, 2, 7)]
    assert chapters.put({7: 7}) == [(7, 7, 7), (8, 7, 7)]
    chapters.put({7: 2})
    assert chapters.tell(7) == [(7, 2, 2), (8, 2, 2)]
    assert chapters.put({7: 7}) == []
    assert chapters.episodes_of([2]) == [2, 5, 7, 8]


def test_an_episode_that_another_takes_in_brings_its_story_along():
    chapters = Chapters([(5, 3, 3), (8, 7, 7)])
    assert chapters.merge(7, 5) == [(8, 3, 3)]
    assert chapters.episodes_of([3]) == [3, 5, 8]


def test_the_story_of_an_episode_without_articles_goes_where_those_went():
    chapters = Chapters([(5, 3, 3)])
    chapters.merge(3, 9)
    assert chapters.all() == [(5, 9, 9)]
