"""EpisodeTotals against lists of the costs of each episode."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.story.partition import cost_of_joining, join_costs
from dedup.stream.totals import EpisodeTotals

EXAMPLES = settings(deadline=None, max_examples=100)
STORIES = st.integers(1, 5)
REPORTS = st.lists(st.tuples(STORIES, st.integers(0, 900)), max_size=6)
OPERATIONS = st.one_of(
    st.tuples(st.just("add"), REPORTS),
    st.tuples(st.just("remove"), st.integers(0, 2**32)),
    st.tuples(st.just("merge"), st.tuples(STORIES, STORIES)),
)


def add(totals, reports, each=1):
    stories, n_features = np.array(reports, dtype=np.int64).reshape(-1, 2).T
    totals.add(stories, join_costs(n_features), each)


def apply(totals, slow, name, argument):
    """Do the same to the totals and to the number of features of the reports of each episode."""
    if name == "add":
        add(totals, argument)
        for episode, n_features in argument:
            slow[episode].append(n_features)
    elif name == "remove":
        known = [(episode, n_features) for episode, own in sorted(slow.items()) for n_features in own]
        chosen = [known[i] for i in np.flatnonzero(np.random.default_rng(argument).random(len(known)) < 0.4)]
        add(totals, chosen, -1)
        for episode, n_features in chosen:
            slow[episode].remove(n_features)
    else:
        episode, into = argument
        if episode != into and slow[into]:
            totals.merge(episode, into)
            slow[into] += slow.pop(episode, [])


@EXAMPLES
@given(st.lists(OPERATIONS, max_size=12), st.integers(0, 900))
def test_totals_are_those_of_the_slow_twin_to_the_bit(operations, asked):
    totals, slow = EpisodeTotals(), defaultdict(list)
    for name, argument in operations:
        apply(totals, slow, name, argument)
    stories = {episode: own for episode, own in slow.items() if own}
    assert dict(totals.sizes) == {episode: len(own) for episode, own in stories.items()}
    sums = {episode: sum(join_costs(np.array(own)).tolist()) for episode, own in stories.items()}
    (cost,) = join_costs(np.array([asked])).tolist()
    for one in stories:
        expected = cost_of_joining(cost, 1, sums[one], len(stories[one]))
        assert totals.cost_for(cost, one) == expected
        for other in stories:
            expected = cost_of_joining(sums[one], len(stories[one]), sums[other], len(stories[other]))
            assert totals.cost_of_joining(one, other) == expected


def test_what_all_reports_have_left_has_neither_size_nor_cost():
    totals = EpisodeTotals()
    add(totals, [(1, 30), (1, 200), (2, 50)])
    add(totals, [(1, 200)], -1)
    add(totals, [(1, 30)], -1)
    assert dict(totals.sizes) == {2: 1}
    add(totals, [(1, 90)])
    (cost,) = join_costs(np.array([90])).tolist()
    assert totals.cost_for(cost, 1) == pytest.approx(cost)
