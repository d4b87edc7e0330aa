"""NodeTable against a dict of the live nodes."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.stream.nodes import NodeTable

EXAMPLES = settings(deadline=None, max_examples=100)
STORIES = st.integers(1, 4)
DAYS = st.one_of(st.just(np.nan), st.integers(0, 20_000).map(float))
# Of the live nodes; how many depends on what has been done before.
SOME = st.lists(st.integers(0, 5000), min_size=1, max_size=6)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"),
            st.sampled_from([1, 2, 3, 5, 1023, 1500]),
            st.sampled_from([1, 1, 1, 3, 900]),
            st.integers(0, 2**32),
        ),
        st.tuples(st.just("assign"), SOME, STORIES),
        st.tuples(st.just("merge"), STORIES, STORIES),
        st.tuples(st.just("remove"), SOME),
        st.tuples(st.just("remove_first"), st.integers(1, 1600)),
        st.tuples(st.just("make_canonical"), st.integers(0, 5000)),
        st.tuples(st.just("set_norms"), SOME, st.integers(0, 100)),
        st.tuples(st.just("trim")),
    ),
    max_size=14,
)


@dataclass
class Known:
    day: float
    norm: float
    size: int
    is_canonical: bool
    episode: int


class Both:
    """A table and its slow twin, changed together."""

    def __init__(self):
        self.table, self.twin, self.last = NodeTable(), {}, 0

    def chosen(self, places):
        live = sorted(self.twin)
        return np.unique([live[place % len(live)] for place in places]) if live else np.empty(0, dtype=np.int64)

    def add(self, count, gap, seed):
        rng = np.random.default_rng(seed)
        nodes = self.last + gap + np.cumsum(rng.integers(1, 3, count)) - 1
        days = np.where(rng.random(count) < 0.3, np.nan, rng.integers(0, 20_000, count))
        norms, sizes = rng.random(count).astype(np.float32), rng.integers(0, 1000, count)
        is_canonical, episodes = rng.random(count) < 0.6, rng.integers(1, 5, count)
        self.table.add(nodes, days=days, norms=norms, sizes=sizes, is_canonical=is_canonical)
        assert not self.table.alive(nodes).any()
        for episode in np.unique(episodes).tolist():
            self.table.assign(nodes[episodes == episode], episode)
        rows = zip(*(column.tolist() for column in (days, norms, sizes, is_canonical, episodes)), strict=True)
        self.twin |= {node: Known(*row) for node, row in zip(nodes.tolist(), rows, strict=True)}
        self.last = int(nodes[-1])

    def assign(self, places, episode):
        nodes = self.chosen(places)
        self.table.assign(nodes, episode)
        for node in nodes.tolist():
            self.twin[node].episode = episode

    def merge(self, episode, into):
        self.table.merge(episode, into)
        for known in self.twin.values():
            known.episode = into if known.episode == episode else known.episode

    def remove(self, places):
        nodes = self.chosen(places)
        self.table.remove(nodes)
        for node in nodes.tolist():
            del self.twin[node]

    def remove_first(self, count):
        self.remove(range(min(count, len(self.twin))))

    def make_canonical(self, place):
        for node in self.chosen([place]).tolist():
            self.table.make_canonical(node)
            self.twin[node].is_canonical = True

    def set_norms(self, places, norm):
        nodes = self.chosen(places)
        self.table.set_norms(nodes, np.full(len(nodes), norm, dtype=np.float32))
        for node in nodes.tolist():
            self.twin[node].norm = float(norm)

    def trim(self):
        self.table.trim()

    def check(self):
        table, twin = self.table, self.twin
        ever = np.arange(self.last + 1)
        assert table.episodes(ever).tolist() == [twin[node].episode if node in twin else 0 for node in ever.tolist()]
        assert table.alive(ever).tolist() == [node in twin for node in ever.tolist()]
        assert table.canonical().tolist() == sorted(node for node, known in twin.items() if known.is_canonical)
        for episode in range(1, 6):
            members = sorted(node for node, known in twin.items() if known.episode == episode and known.is_canonical)
            assert table.of_episodes([episode]).tolist() == members
        live = np.array(sorted(twin, reverse=True), dtype=np.int64)
        for column, name in (
            (table.days, "day"),
            (table.norms, "norm"),
            (table.sizes, "size"),
            (table.is_canonical, "is_canonical"),
        ):
            expected = [getattr(twin[node], name) for node in live.tolist()]
            np.testing.assert_array_equal(column(live), np.array(expected, dtype=column(live).dtype))


@EXAMPLES
@given(STEPS)
def test_a_table_is_its_slow_twin_whatever_is_done(steps):
    both = Both()
    for name, *values in steps:
        getattr(both, name)(*values)
    both.check()
    both.trim()
    both.check()
    both.add(3, 1, 0)
    both.check()


def table_of(*episodes):
    """Nodes from 1 in these episodes; 0 is none."""
    nodes, n = np.arange(1, len(episodes) + 1), len(episodes)
    table = NodeTable()
    table.add(nodes, days=np.arange(n), norms=np.ones(n), sizes=np.ones(n), is_canonical=np.ones(n, dtype=np.bool_))
    for node, episode in zip(nodes, episodes, strict=True):
        table.assign(np.array([node]), episode)
    return table


def test_a_node_without_a_story_is_not_live():
    assert table_of(3, 0, 3).alive(np.array([0, 1, 2, 3])).tolist() == [False, True, False, True]


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_stories_of_trimmed_nodes_are_none(dtype):
    table = table_of(*[1] * 3000, 2)
    table.remove(np.arange(1, 3001))
    table.trim()
    assert table.episodes(np.array([0, 1, 1500, 3000, 3001], dtype=dtype)).tolist() == [0, 0, 0, 0, 2]
    assert len(table._rows) < 2000


def test_trimming_keeps_what_stands_between_live_nodes():
    table = table_of(1, 2, 3, 4)
    table.remove(np.array([1, 3]))
    table.trim()
    assert table.episodes(np.arange(5)).tolist() == [0, 0, 2, 0, 4]
    assert table.days(np.array([2, 4])).tolist() == [1.0, 3.0]


def test_a_table_that_lost_all_takes_in_more():
    table = table_of(1, 1)
    table.remove(np.array([1, 2]))
    table.trim()
    table.trim()
    assert table.episodes(np.arange(3)).tolist() == [0, 0, 0]
    assert len(table.canonical()) == len(table.of_episodes([1])) == 0
    one = np.ones(1)
    table.add(np.array([3]), days=one, norms=one, sizes=one, is_canonical=one)
    table.assign(np.array([3]), 9)
    assert table.episodes(np.arange(4)).tolist() == [0, 0, 0, 9]
