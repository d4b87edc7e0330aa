"""What reports pay to join a story, and the objective that it is a part of."""

from fractions import Fraction

import numpy as np
import pytest
from graphs import random_costs, random_graph, random_sizes, slow_objective
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.arrays import numbered_by_first
from dedup.story.partition import JOIN_COST, cost_of_joining, join_costs, objective, partition

EXAMPLES = settings(deadline=None, max_examples=70)
SEEDS = st.integers(0, 2**32)
THRESHOLDS = st.sampled_from([0.05, 0.12, 0.3, 0.6])
FEATURES = st.lists(st.integers(0, 5000), min_size=1, max_size=30)


def paid(costs):
    """What a story of reports with these costs pays: their mean for each but one."""
    return sum(costs) / len(costs) * (len(costs) - 1)


@EXAMPLES
@given(st.integers(0, 100_000))
def test_a_cost_is_as_documented(n_features):
    (cost,) = join_costs(np.array([n_features]))
    assert cost == pytest.approx(0.3 / (1 + (n_features / 150) ** 2), abs=2.0**-20)


@EXAMPLES
@given(FEATURES)
def test_costs_fall_with_the_features_and_are_never_above_that_of_none(n_features):
    costs = join_costs(np.array(sorted(n_features)))
    assert (np.diff(costs) <= 0).all()
    assert ((costs >= 0) & (costs <= JOIN_COST + 2.0**-20)).all()


@EXAMPLES
@given(FEATURES, SEEDS)
def test_sums_of_costs_are_exact_in_any_order(n_features, seed):
    costs = join_costs(np.array(n_features))
    assert all(cost * 2**20 == int(cost * 2**20) for cost in costs.tolist())
    exact = sum(map(Fraction, costs.tolist()))
    shuffled = np.random.default_rng(seed).permutation(costs)
    assert Fraction(sum(shuffled.tolist())) == exact
    assert Fraction(float(shuffled.sum())) == exact
    assert sum(shuffled[1:].tolist(), -shuffled[0]) + 2 * shuffled[0] == float(exact)


@EXAMPLES
@given(FEATURES, FEATURES)
def test_what_two_stories_pay_more_as_one_is_the_difference_of_what_they_pay(ones, others):
    one, other = join_costs(np.array(ones)).tolist(), join_costs(np.array(others)).tolist()
    found = cost_of_joining(sum(one), len(one), sum(other), len(other))
    assert found == pytest.approx(paid(one + other) - paid(one) - paid(other), abs=1e-9)
    assert found == pytest.approx(cost_of_joining(sum(other), len(other), sum(one), len(one)))
    assert found >= 0


def test_two_alone_pay_their_mean_and_one_near_many_its_own():
    assert cost_of_joining(0.2, 1, 0.1, 1) == pytest.approx(0.15)
    assert cost_of_joining(0.2, 1, 0.1 * 10**6, 10**6) == pytest.approx(0.2, abs=1e-5)


@EXAMPLES
@given(SEEDS, st.integers(0, 10), THRESHOLDS)
def test_objective_is_that_of_the_slow_twin(seed, n, threshold):
    adjacency, sizes = random_graph(seed, n), random_sizes(seed, n)
    costs, labels = random_costs(seed, sizes), np.random.default_rng(seed).integers(0, 4, n)
    expected = slow_objective(adjacency, labels, threshold, costs, sizes)
    assert objective(adjacency, labels, threshold, costs, sizes) == pytest.approx(expected)


@EXAMPLES
@given(SEEDS, st.integers(1, 12), THRESHOLDS)
def test_nodes_that_stand_for_stories_have_the_objective_of_their_reports(seed, n, threshold):
    adjacency, ones = random_graph(seed, n).toarray(), np.ones(n, dtype=np.int64)
    costs, parts = random_costs(seed, ones), numbered_by_first(np.random.default_rng(seed).integers(0, 5, n))
    adjacency[parts[:, None] == parts] = 0  # pairs within a node count as not similar
    members = (np.arange(parts.max() + 1)[:, None] == parts).astype(np.float64)
    between = csr_array(members @ adjacency @ members.T)
    labels = np.random.default_rng([seed, 1]).integers(0, 3, len(members))
    as_nodes = objective(between, labels, threshold, members @ costs, members.sum(axis=1).astype(np.int64))
    assert as_nodes == pytest.approx(objective(csr_array(adjacency), labels[parts], threshold, costs, ones))


# What a pair needs


@EXAMPLES
@given(st.tuples(st.integers(0, 600), st.integers(0, 600)), THRESHOLDS)
def test_a_pair_needs_the_threshold_and_the_mean_of_the_two_costs(n_features, threshold):
    costs = join_costs(np.array(n_features))
    for more, expected in ((1e-6, [0, 0]), (-1e-6, [0, 1])):
        similarity = threshold + costs.mean() + more
        assert partition(csr_array(np.array([[0, similarity], [similarity, 0]])), threshold, costs).tolist() == expected


def test_two_titles_need_more_than_two_full_reports():
    pair = csr_array(np.array([[0, 0.2], [0.2, 0]]))
    assert partition(pair, 0.12, join_costs(np.array([20, 20]))).tolist() == [0, 1]
    assert partition(pair, 0.12, join_costs(np.array([600, 600]))).tolist() == [0, 0]


@EXAMPLES
@given(st.integers(2, 40), THRESHOLDS, st.integers(0, 600))
def test_the_cost_for_each_pair_falls_with_the_reports_of_a_story(n, threshold, n_features):
    costs = join_costs(np.full(n, n_features))
    needed = threshold + costs[0] * (n - 1) / (n * (n - 1) / 2)  # two in n of the cost
    for more, alone in ((1e-6, False), (-1e-6, True)):
        clique = csr_array((1 - np.eye(n)) * (needed + more))
        one, apart = np.zeros(n, dtype=np.int64), np.arange(n)
        values = [objective(clique, labels, threshold, costs, np.ones(n, dtype=np.int64)) for labels in (one, apart)]
        assert (values[0] < values[1]) == alone


@EXAMPLES
@given(st.integers(1, 10), st.integers(1, 10), THRESHOLDS)
def test_two_nodes_need_that_much_for_each_pair_of_their_reports(size, other, threshold):
    sizes = np.array([size, other])
    costs = random_costs(size + 100 * other, sizes)
    needed = threshold + cost_of_joining(costs[0], size, costs[1], other) / (size * other)
    for more, expected in ((1e-6, [0, 0]), (-1e-6, [0, 1])):
        total = (needed + more) * size * other
        pair = csr_array(np.array([[0, total], [total, 0]]))
        assert partition(pair, threshold, costs, sizes).tolist() == expected
