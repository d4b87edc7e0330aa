"""Which episodes of an index become stories, when, and what of it stays."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, StoryIndex
from dedup.arrays import numbered_by_first
from dedup.encoders.meanings import encoded_text
from dedup.story.by_language import stories_by_language
from dedup.story.episodes import Episodes, stories_of
from dedup.stream import joins
from dedup.stream.preparing import Prepared

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def french():
    """By publication."""
    return sorted(dedup.sample_articles("fr"), key=lambda a: (a.published, a.id))


@pytest.fixture(scope="module")
def visit(french):
    """One event of two weeks."""
    return [a for a in french if a.event == "kim-russia-2023"]


@pytest.fixture
def index():
    with StoryIndex(":memory:") as index:
        yield index


@pytest.fixture
def never_told(monkeypatch):
    monkeypatch.setattr(joins, "_has_enough", lambda *_: False)


def groups(numbers):
    return {frozenset(np.flatnonzero(numbers == number).tolist()) for number in np.unique(numbers)}


def all_at_once(state):
    """The episodes in memory, by their first reports, and their stories as a batch finds them from the same vectors."""
    table, settings = state.live.nodes, state.settings
    nodes = table.canonical()
    nodes = nodes[np.lexsort((nodes, table.days(nodes)))]
    episodes = table.episodes(nodes)
    labels = numbered_by_first(episodes)
    vectors = state.live.vectors(nodes, state.features_of)
    reports = vectors, table.days(nodes), labels, state.costs_of(nodes)
    numbers = episodes[np.unique(labels, return_index=True)[1]]
    limits = settings.story_threshold, settings.max_gap_days
    if state.live.meanings is not None:
        return numbers, stories_by_language(*reports, state.live.meanings.of(nodes), *limits)
    return numbers, stories_of(Episodes.of(*reports), *limits)


@pytest.mark.usefixtures("never_told")
def test_all_episodes_together_are_joined_as_in_a_batch(index, french):
    index.add_many(french)
    with index._session.store.transaction():
        state = index._session.state
        numbers, stories = all_at_once(state)
        joins.decide(state, numbers)
        assert groups(state.chapters.stories(numbers)) == groups(stories)
    assert len(set(stories.tolist())) < len(stories) - 5


@pytest.mark.usefixtures("never_told")
def test_an_episode_is_compared_with_all_that_a_batch_joins_it_with(index, french, monkeypatch):
    monkeypatch.setattr("dedup.stream.assigner.decide", lambda *_: None)
    index.add_many(french)
    with index._session.store.transaction():
        state = index._session.state
        numbers, stories = all_at_once(state)
        for place, number in enumerate(numbers.tolist()):
            state.chapters.part(numbers.tolist())
            joins.decide(state, [number])
            near = numbers[stories == stories[place]]
            found = state.chapters.stories(near) == state.chapters.story(number)
            assert len(near) == 1 or found.sum() > 1


def test_episodes_are_as_large_as_they_are_however_few_reports_are_read(index, french, monkeypatch):
    monkeypatch.setattr(joins, "LATEST", 1)
    index.add_many(french)
    with index._session.store.transaction():
        sizes = index._session.state.totals.sizes
        graph = joins._graph_of(index._session.state, sorted(sizes))
        assert graph.episodes.sizes.tolist() == [sizes[number] for number in graph.numbers.tolist()]
    assert len(graph.rows) == len(sizes) < sum(sizes.values())


EVENTS = {encoded_text(article): article.event for article in dedup.sample_articles()}


def by_event(texts):
    """Reports of one event are alike in any language."""
    names = [(EVENTS.get(text, text), text) for text in texts]
    return sum(
        np.array([np.random.default_rng(crc32(t.encode())).normal(size=64) for t in side])
        for side in zip(*names, strict=True)
    )


@pytest.fixture(scope="module")
def bilingual():
    """Not by publication."""
    found = dedup.sample_articles("fr") + dedup.sample_articles("de")
    return sorted(found, key=lambda article: crc32(article.id.encode()))


@pytest.mark.usefixtures("never_told")
def test_with_an_encoder_episodes_are_joined_language_by_language_as_in_a_batch(bilingual, monkeypatch):
    with monkeypatch.context() as patch, StoryIndex(":memory:", encoder=by_event) as index:
        patch.setattr("dedup.stream.assigner.decide", lambda *_: None)
        index.add_many(bilingual)
        with index._session.store.transaction():
            state = index._session.state
            numbers, stories = all_at_once(state)
            days = state.live.nodes.days(joins._graph_of(state, numbers.tolist()).nodes)
            assert (np.diff(days) >= 0).all()  # as chunks of days need them
            joins.decide(state, numbers)
            assert groups(state.chapters.stories(numbers)) == groups(stories)
            assert len(set(stories.tolist())) < len(stories) - 5
            for place, number in enumerate(numbers.tolist()):
                state.chapters.part(numbers.tolist())
                joins.decide(state, [number])
                near = numbers[stories == stories[place]]
                found = state.chapters.stories(near) == state.chapters.story(number)
                assert len(near) == 1 or found.sum() > 1


@pytest.mark.parametrize("turn", [1, -1])
def test_a_visit_is_one_story_in_either_order(index, visit, turn):
    index.add_many(visit[::turn])
    (story,) = (story for story in index.stories() if len(story) > 2)
    assert len(story) >= len(visit) - 1
    assert len(story.episodes) > 1
    starts = [episode.first for episode in story.episodes]
    assert starts == sorted(starts)
    assert all(before.last <= after.last for before, after in pairwise(story.episodes))
    assert sorted(a.id for e in story.episodes for a in e.articles) == sorted(a.id for a in story.articles)


def test_episodes_have_lasting_ids_and_articles_know_theirs(index, visit):
    told = index.add_many(visit)
    (story,) = (story for story in index.stories() if len(story) > 2)
    of_article = {a.id: episode.id for episode in story.episodes for a in episode.articles}
    assert {one.episode_id for one in told} >= set(of_article.values())
    assert index.add(visit[0]).episode_id == of_article[visit[0].id]
    (found, *_) = index.similar(replace(visit[0], id="new"))
    assert (found.story_id, found.episode_id) == (story.id, of_article[found.article_id])
    for episode in story.episodes:  # as ids of stories they are aliases
        assert index.story(f"s{episode.id[1:]}").id == story.id


def test_without_a_gap_each_episode_is_a_story(visit):
    with StoryIndex(":memory:", max_gap_days=0) as index:
        index.add_many(visit)
        assert {len(story.episodes) for story in index.stories()} == {1}
        assert len(index.stories()) > 1
        assert {change.kind for change in index.changes()} == {"story_begun", "joined"}


def test_episodes_further_apart_than_the_gap_are_no_story(visit):
    with StoryIndex(":memory:", max_gap_days=3) as index:
        index.add_many(visit)
        gaps = [
            (after.first - before.last) / DAY for story in index.stories() for before, after in pairwise(story.episodes)
        ]
        assert gaps
        assert max(gaps) <= 3


@pytest.mark.usefixtures("never_told")
def test_a_join_that_no_longer_pays_is_undone_until_it_was_told(index, visit):
    index.add_many(visit)
    state = index._session.state
    story = next(story for story in index.stories() if len(story.episodes) > 1)
    other = [Article("x", "Bananas grow in Ecuador.", published=visit[-1].published)]
    with index._session.store.transaction():
        stranger = index._session.assigner.add(other, Prepared(state, other), False)
        number = int(stranger[0].episode_id[1:])
        state.keep(state.chapters.put({number: int(story.id[1:])}))
        joins.decide(state, [number])
        assert state.chapters.story(number) == number  # which nothing holds together
        state.keep(state.chapters.put({number: int(story.id[1:])}))
        state.tell(number)
        joins.decide(state, [number])
        state.flush()
    assert index.story_id("x") == story.id
    assert index.story(f"s{number}").id == story.id


def merged(index):
    return {change.story_id: change.into for change in index.changes() if change.kind == "story_merged"}


def test_a_join_is_told_once_both_sides_have_reports_or_a_quiet_day(index, visit):
    first, *_, last = visit
    arrival = [a for a in visit if timedelta(days=5) < a.published - first.published < timedelta(days=9)]
    index.add_many([first, arrival[0]])
    assert index.story_id(first.id) == index.story_id(arrival[0].id) == "s1"
    assert merged(index) == {}
    index.add_many(arrival[1:])
    story = index.story("s1")
    assert len(story.episodes) > 1 < max(map(len, story.episodes))
    index.add(Article("other", "Bananas grow in Ecuador.", published=last.published + DAY))
    assert merged(index)
    assert {index.story(name).id for name in merged(index)} == {"s1"}
    assert index._session.state.chapters.provisional() == []
    begun = [change for change in index.changes() if change.kind == "episode_begun"]
    assert [f"e{name[1:]}" for name in merged(index)] == [change.episode_id for change in begun]
    assert {change.story_id for change in begun} == {"s1"}


def test_what_pays_too_little_to_stay_is_shown_and_not_told(index, visit, monkeypatch):
    """An index asks for a margin for what it tells while its frequencies say little."""
    monkeypatch.setattr("dedup.stream.state._MARGIN", 20.0)
    index.add_many(visit)
    index.add(Article("other", "Bananas grow in Ecuador.", published=visit[-1].published + 2 * DAY))
    assert max(len(story.episodes) for story in index.stories()) > 2
    assert merged(index) == {}


def test_a_removed_article_takes_no_story_with_it(index, visit):
    index.add_many(visit)
    story = next(story for story in index.stories() if len(story.episodes) > 1)
    first = story.episodes[0]
    for article in first.articles:
        index.remove(article.id)
    left = [a.id for a in story.articles if a not in first.articles]
    assert {index.story_id(name) for name in left} == {story.id}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), max_size=9), max_size=5), st.integers(1, 4))
def test_the_largest_of_each_row_and_their_equals_are_found(rows, most):
    starts = np.cumsum([0, *map(len, rows)])
    found = joins._among_largest(np.array([value for row in rows for value in row]), starts, most)
    least = [sorted(row)[-most:] for row in rows]
    assert found.tolist() == [value >= few[0] for row, few in zip(rows, least, strict=True) for value in row]
