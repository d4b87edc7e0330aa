"""Stories of an index that turn out to be one: what is merged, and what becomes of the numbers."""

import random
import shutil
from collections import defaultdict

import numpy as np
import pytest
from scipy.sparse import csr_array

from dedup import Article, StoryIndex
from dedup.story.merging import Reports, merged
from dedup.stream.state import IndexState
from dedup.stream.unions import merge_alike, reports_near


@pytest.fixture(scope="module")
def filled(sample, tmp_path_factory):
    """The file of an index with the sample articles."""
    path = tmp_path_factory.mktemp("filled") / "index.db"
    with StoryIndex(path) as index:
        index.add_many(Article(a.id, a.text, a.title, a.published) for a in sample)
    return path


@pytest.fixture
def index(filled, tmp_path):
    """An index with the sample articles, of which a test may do what it wants."""
    with StoryIndex(shutil.copy(filled, tmp_path / "index.db")) as index:
        yield index


def scatter(state, seed, share=0.3):
    """Put some reports into stories of their own, as if they had come before what they are similar to."""
    rng = random.Random(seed)
    for node in state.live.nodes.canonical().tolist():
        if rng.random() < share:
            state.assign(np.array([node]), state.new_episode())


def groups(state):
    """The reports of each story."""
    found = defaultdict(set)
    nodes = state.live.nodes.canonical()
    for node, story in zip(nodes.tolist(), state.live.nodes.episodes(nodes).tolist(), strict=True):
        found[story].add(node)
    return dict(found)


def of_large_stories(monkeypatch):
    for name, value in {"LARGE": 2, "ABSORBING": 3, "SMALL_SHARE": 0.5}.items():
        monkeypatch.setattr(f"dedup.story.merging.{name}", value)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("large", [False, True])
def test_stories_are_merged_whole_into_the_oldest_of_them(index, monkeypatch, seed, large):
    if large:
        of_large_stories(monkeypatch)
    state = index._session.state
    with index._session.store.transaction():
        scatter(state, seed)
        before = groups(state)
        gone = merge_alike(state, state.live.nodes.canonical(), 0.12)
        after = groups(state)
        assert len(gone) > 10
        assert gone == sorted(before.keys() - after.keys())
        for number, nodes in after.items():
            parts = {story for story, own in before.items() if own & nodes}
            assert nodes == set().union(*(before[story] for story in parts))
            assert number == min(parts)
            assert {state.store.resolve(story) for story in parts} == {number}
        fresh = IndexState(state.store, state.settings)
        assert groups(fresh) == after
        assert dict(fresh.totals.sizes) == dict(state.totals.sizes) == {s: len(own) for s, own in after.items()}
        assert fresh.totals._costs == state.totals._costs


@pytest.mark.parametrize("first_new", [0, 60])
@pytest.mark.parametrize("seed", range(3))
def test_they_are_merged_as_a_batch_merges_stories_with_these_edges(index, monkeypatch, seed, first_new):
    of_large_stories(monkeypatch)
    state = index._session.state
    with index._session.store.transaction():
        scatter(state, seed)
        nodes = state.live.nodes.canonical()
        stories = state.live.nodes.episodes(nodes)
        labels = np.unique(stories, return_inverse=True)[1]
        first = np.sort(np.unique(labels, return_index=True)[1])
        labels = np.searchsorted(first, [next(f for f in first if stories[f] == own) for own in stories.tolist()])
        vectors = state.live.vectors(nodes, state.features_of)
        reports = Reports(state.live.nodes.days(nodes), lambda rows: csr_array(vectors[rows]), np.arange(len(nodes)))
        touched = nodes >= first_new if first_new else None
        expected = merged(reports, state.edges(nodes), labels, 0.12, state.costs_of(nodes), touched=touched)
        merge_alike(state, nodes, 0.12, first_new)
        found = state.live.nodes.episodes(nodes)
    assert len(set(zip(found.tolist(), expected.tolist(), strict=True))) == len(set(found.tolist()))
    assert len(set(found.tolist())) == len(set(expected.tolist()))


def test_nothing_is_merged_where_nothing_is_asked_or_all_is_merged(index):
    state = index._session.state
    with index._session.store.transaction():
        assert merge_alike(state, np.empty(0, dtype=np.int64), 0.12) == []
        merge_alike(state, state.live.nodes.canonical(), 0.12)
        before = groups(state)
        assert merge_alike(state, state.live.nodes.canonical(), 0.12) == []
        assert groups(state) == before


@pytest.mark.parametrize("back", [1, 10, 60])
def test_the_reports_near_new_ones_are_those_of_whole_stories_that_they_or_theirs_are_similar_to(index, back):
    state = index._session.state
    first = state.next_node - back
    own = groups(state)
    touched = {story for story, nodes in own.items() if max(nodes) >= first}
    expected = set(touched)
    for story in touched:
        _, neighbours, _ = state.store.neighbours(sorted(own[story]))
        expected |= {other for other, nodes in own.items() if nodes & set(neighbours.tolist())}
    found = reports_near(state, first)
    assert found.tolist() == sorted(set().union(*(own[story] for story in expected)))
    assert len(expected) > len(touched) or back != 10  # one has no neighbours, and most are new


def test_vectors_of_articles_that_have_left_the_window_are_loaded(index, monkeypatch):
    state = index._session.state
    nodes = state.live.nodes.canonical()
    before = state.live.vectors(nodes, state.features_of)
    stored = state.features_of(nodes)
    asked = []

    def load(few):
        asked.extend(few.tolist())
        return {node: stored[node] for node in few.tolist()}

    monkeypatch.setattr(state.live.window, "first", int(nodes[20]))
    after = state.live.vectors(nodes, load)
    assert asked == nodes[:20].tolist()
    assert abs(before - after).max() < 1e-12
    assert state.live.vectors(nodes[:0], load).shape == (0, 0)
