from functools import cache

import numpy as np
import pytest
from graphs import planted_graph, random_costs, random_graph, random_sizes, slow_objective, tied_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from dedup.arrays import numbered_by_first
from dedup.story import partition as partition_module
from dedup.story.partition import gaining_unions, objective, partition

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=70)
SEEDS = st.integers(0, 2**32)
THRESHOLDS = st.sampled_from([0.05, 0.12, 0.3, 0.6])
SIZED = st.booleans()


def ones(n):
    return np.ones(n, dtype=np.int64)


def random_nodes(seed, n, density=0.6, sized=False, tied=False):
    """A graph, the costs of its nodes and their sizes: for some tests all 1."""
    sizes = random_sizes(seed, n) if sized else ones(n)
    return tied_graph(seed, n) if tied else random_graph(seed, n, density), random_costs(seed, sizes), sizes


@cache
def all_partitions(n):
    """Which pairs of `n` nodes each partition puts together, a row each, and what share of its cost each node pays."""
    rows = [[0]]
    for _ in range(n - 1):
        rows = [[*row, label] for row in rows for label in range(max(row) + 2)]
    labels = np.array(rows)
    together = (labels[:, :, None] == labels[:, None, :]).astype(np.float64)
    return together.reshape(len(labels), -1), 1 - 1 / together.sum(axis=2)


def optimum(adjacency, threshold, costs):
    """The greatest objective of any partition of single reports."""
    (together, share), gains = all_partitions(len(costs)), np.triu(adjacency.toarray() - threshold, 1)
    return float((together @ gains.ravel() - share @ costs).max())


def gain_of_best_move(adjacency, labels, *rest):
    """What the best move of one node to another label, or to one of its own, adds to the objective."""
    before, gains = slow_objective(adjacency, labels, *rest), [0.0]
    for node in range(len(labels)):
        for label in range(labels.max() + 2):
            moved = labels.copy()
            moved[node] = label
            gains.append(slow_objective(adjacency, moved, *rest) - before)
    return max(gains)


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS, SIZED)
def test_stories_are_numbered_by_first_member(seed, n, threshold, sized):
    adjacency, costs, sizes = random_nodes(seed, n, 0.2, sized)
    labels = partition(adjacency, threshold, costs, sizes)
    assert labels.dtype == np.int64
    assert labels.shape == (n,)
    assert labels.tolist() == numbered_by_first(labels).tolist()


def assert_every_story_is_connected(adjacency, labels):
    for label in range(labels.max() + 1):
        members = np.flatnonzero(labels == label)
        assert connected_components(adjacency[members][:, members], directed=False)[0] == 1


@EXAMPLES
@given(SEEDS, st.integers(1, 40), THRESHOLDS, SIZED)
def test_every_story_is_connected(seed, n, threshold, sized):
    adjacency, costs, sizes = random_nodes(seed, n, 0.1, sized)
    assert_every_story_is_connected(adjacency, partition(adjacency, threshold, costs, sizes))


def test_a_story_falls_apart_when_what_held_it_together_leaves():
    # Node 7 first joins 0 and 8 with 3 and 5, then leaves all four for 1, 4, 6 and 9.
    pairs = {(0, 7): 0.73, (0, 8): 0.54, (1, 4): 0.98, (1, 6): 0.82, (1, 7): 0.81, (2, 7): 0.23, (2, 9): 0.27}
    pairs |= {(3, 5): 0.5, (3, 7): 0.65, (4, 6): 0.92, (4, 7): 0.5, (5, 7): 0.46, (6, 7): 0.47, (7, 9): 0.64}
    rows, columns = np.array(list(pairs)).T
    upper = csr_array((list(pairs.values()), (rows, columns)), shape=(10, 10))
    assert partition((upper + upper.T).tocsr(), 0.12, np.zeros(10)).tolist() == [0, 1, 2, 3, 1, 3, 1, 1, 0, 1]


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS, SIZED)
def test_stories_are_no_worse_than_all_nodes_alone(seed, n, threshold, sized):
    adjacency, costs, sizes = random_nodes(seed, n, 0.3, sized)
    rest = threshold, costs, sizes
    alone = objective(adjacency, np.arange(n), *rest)
    assert objective(adjacency, partition(adjacency, *rest), *rest) >= alone - 1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 9), THRESHOLDS, SIZED, st.booleans())
def test_no_move_of_a_single_node_makes_the_stories_better(seed, n, threshold, sized, tied):
    adjacency, costs, sizes = random_nodes(seed, n, sized=sized, tied=tied)
    labels = partition(adjacency, threshold, costs, sizes)
    assert gain_of_best_move(adjacency, labels, threshold, costs, sizes) <= 1e-9


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.integers(2, 12), THRESHOLDS, SIZED)
def test_no_merger_of_two_stories_makes_them_better(seed, n, threshold, sized):
    adjacency, costs, sizes = random_nodes(seed, n, sized=sized)
    rest = threshold, costs, sizes
    labels = partition(adjacency, *rest)
    before = slow_objective(adjacency, labels, *rest)
    for one in range(labels.max() + 1):
        for other in range(one):
            merged = np.where(labels == one, other, labels)
            assert slow_objective(adjacency, merged, *rest) <= before + 1e-9


def split(labels, label):
    """Labels without this one: its nodes have labels of their own."""
    return np.where(labels == label, labels.max() + 1 + np.arange(len(labels)), labels)


@settings(deadline=None, max_examples=150)
@given(SEEDS, st.integers(1, 16), THRESHOLDS, SIZED, st.sampled_from([0.3, 0.6, 1.0]))
def test_a_story_is_never_worth_less_than_its_nodes_apart(seed, n, threshold, sized, density):
    adjacency, costs, sizes = random_nodes(seed, n, density, sized)
    # Similarities near the threshold and costs of short reports: without costs, far more comes together than may stay.
    for graph, own in ((adjacency, costs), (near_graph(seed, sizes, threshold), 0.3 * sizes)):
        rest = threshold, own, sizes
        labels = partition(graph, *rest)
        whole = slow_objective(graph, labels, *rest)
        for label in range(labels.max() + 1):
            assert slow_objective(graph, split(labels, label), *rest) <= whole + 1e-8


def near_graph(seed, sizes, threshold):
    """Similarities above a threshold by a little less than these reports, which pay 0.3 each, need to be one story.

    A single node needs about half as much to stay in it.
    """
    n, pairs = len(sizes), (sizes.sum() ** 2 - (sizes**2).sum()) / 2
    above = np.random.default_rng([seed, 3]).uniform(0.4, 1.1, (n, n)) * 0.3 * (n - 1) / max(pairs, 1)
    upper = np.triu((threshold + above) * np.outer(sizes, sizes), 1)
    return csr_array(upper + upper.T)


def losing(graph, costs, sizes, threshold):
    """How many of the stories that come together without costs then stay, though they are worth less than nothing."""
    nodes = partition_module._Nodes(graph, sizes, costs)
    together = partition_module._climb(nodes._replace(costs=np.zeros(len(sizes))), np.arange(len(sizes)), threshold)
    labels = partition_module._improved(nodes, together, threshold)
    return int((partition_module._gains(nodes, labels, threshold) < -1e-9).sum())


@pytest.mark.parametrize("sized", [False, True])
def test_stories_worth_less_than_their_nodes_apart_come_up_in_these_tests(sized):
    every = [(seed, random_sizes(seed, 8) if sized else ones(8)) for seed in range(40)]
    assert sum(losing(near_graph(seed, sizes, 0.12), 0.3 * sizes, sizes, 0.12) for seed, sizes in every) >= 10


@EXAMPLES
@given(SEEDS, st.integers(0, 12), st.integers(1, 5), THRESHOLDS, SIZED)
def test_the_gain_of_a_story_is_that_of_plain_loops(seed, n, count, threshold, sized):
    adjacency, costs, sizes = random_nodes(seed, n, sized=sized)
    labels = numbered_by_first(np.random.default_rng(seed).integers(0, count, n))
    rest = threshold, costs, sizes
    gains = partition_module._gains(partition_module._Nodes(adjacency, sizes, costs), labels, threshold)
    whole = slow_objective(adjacency, labels, *rest)
    expected = [whole - slow_objective(adjacency, split(labels, k), *rest) for k in range(labels.max(initial=-1) + 1)]
    assert gains.tolist() == pytest.approx(expected, abs=1e-9)


def clique(n, similarity):
    return csr_array(similarity * (1.0 - np.eye(n)))


@EXAMPLES
@given(st.integers(3, 40), THRESHOLDS, st.floats(0.01, 0.3))
def test_many_short_reports_form_a_story_of_which_no_two_would(n, threshold, cost):
    # Two pay the cost for one pair, and n reports two in n of it for each: with any two, the others come too.
    for needed, expected in ((2 / n * cost + 1e-6, [0] * n), (2 / n * cost - 1e-6, list(range(n)))):
        assert partition(clique(n, threshold + needed), threshold, np.full(n, cost)).tolist() == expected
    assert partition(clique(2, threshold + 2 / n * cost + 1e-6), threshold, np.full(2, cost)).tolist() == [0, 1]


def test_twenty_short_reports_are_one_story():
    assert not partition(clique(20, 0.4), 0.3, np.full(20, 0.1)).any()
    assert not partition(clique(20, 0.35), 0.3, np.full(20, 0.1)).any()


def test_where_a_story_is_taken_apart_those_that_gain_by_it_come_together_again():
    # Four that are all alike stay together once they are, and lose by it; the two that are more alike than others gain.
    dense = np.full((4, 4), 0.355)
    dense[1, 3] = dense[3, 1] = 0.45
    np.fill_diagonal(dense, 0)
    graph, costs = csr_array(dense), np.array([0.15, 0.14, 0.15, 0.14])
    assert losing(graph, costs, ones(4), 0.3) == 1
    assert partition(graph, 0.3, costs).tolist() == [0, 1, 2, 1]


# Unions of stories


def test_unions_begin_with_single_nodes_and_pay_from_the_first():
    costs, sizes = np.full(20, 0.1), ones(20)
    assert gaining_unions(clique(20, 0.35), 0.3, costs, sizes).tolist() == list(range(20))
    assert gaining_unions(clique(20, 0.41), 0.3, costs, sizes).tolist() == [0] * 20


@EXAMPLES
@given(SEEDS, st.integers(0, 20), THRESHOLDS, SIZED)
def test_unions_are_stories_without_costs(seed, n, threshold, sized):
    adjacency, _, sizes = random_nodes(seed, n, sized=sized)
    rest = threshold, np.zeros(n), sizes
    assert gaining_unions(adjacency, *rest).tolist() == partition(adjacency, *rest).tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 9), THRESHOLDS, SIZED)
def test_no_move_makes_unions_better_and_they_are_connected(seed, n, threshold, sized):
    adjacency, costs, sizes = random_nodes(seed, n, sized=sized)
    labels = gaining_unions(adjacency, threshold, costs, sizes)
    assert_every_story_is_connected(adjacency, labels)
    assert gain_of_best_move(adjacency, labels, threshold, costs, sizes) <= 1e-9
    assert slow_objective(adjacency, labels, threshold, costs, sizes) >= -1e-9 + slow_objective(
        adjacency, np.arange(n), threshold, costs, sizes
    )


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS, SIZED, st.sampled_from([0.1, 0.6]), st.booleans())
def test_nodes_that_no_other_is_like_need_not_be_searched(seed, n, threshold, sized, density, tied):
    adjacency, costs, sizes = random_nodes(seed, n, density, sized, tied)
    nodes = partition_module._Nodes(adjacency, sizes, costs)
    assert (
        partition(adjacency, threshold, costs, sizes).tolist() == partition_module._stories(nodes, threshold).tolist()
    )
    unions = partition_module._improved(nodes, np.arange(n), threshold)
    assert gaining_unions(adjacency, threshold, costs, sizes).tolist() == unions.tolist()


# How good stories are


@EXAMPLES
@given(SEEDS, st.integers(1, 8), THRESHOLDS, st.booleans())
def test_no_partition_is_better_than_the_best_or_worse_than_everybody_alone(seed, n, threshold, tied):
    adjacency, costs, sizes = random_nodes(seed, n, tied=tied)
    found = objective(adjacency, partition(adjacency, threshold, costs), threshold, costs, sizes)
    assert -1e-9 <= found <= optimum(adjacency, threshold, costs) + 1e-9


#: On 200 fixed random graphs the optimum is reached 200, 200, 196, 193, 181, 178 and 181 times; 5 fewer are let pass.
#: From the seventh on that is 7 to 12 fewer than a search finds that pays from the first, as `gaining_unions` does:
#: what comes together without costs does not always fall apart where it should.
@pytest.mark.parametrize(("n", "least"), [(3, 195), (4, 195), (5, 191), (6, 188), (7, 176), (8, 173), (9, 176)])
def test_the_optimum_is_reached_mostly_and_never_passed(n, least):
    reached = 0
    for seed in range(200):
        adjacency, costs, sizes = random_nodes(seed, n)
        found = objective(adjacency, partition(adjacency, 0.12, costs), 0.12, costs, sizes)
        best = optimum(adjacency, 0.12, costs)
        assert -1e-9 <= found <= best + 1e-9
        reached += found >= best - 1e-9
    assert reached >= least


@EXAMPLES
@given(SEEDS, st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_planted_stories_are_found(seed, sizes):
    adjacency, planted = planted_graph(seed, sizes)
    costs = random_costs(seed, ones(len(planted)))
    assert partition(adjacency, 0.12, costs).tolist() == numbered_by_first(planted).tolist()


@EXAMPLES
@given(SEEDS, SEEDS, st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_the_order_of_nodes_does_not_matter_to_clear_stories(seed, order_seed, sizes):
    adjacency, planted = planted_graph(seed, sizes)
    costs = random_costs(seed, ones(len(planted)))
    order = np.random.default_rng(order_seed).permutation(len(planted))
    shuffled = partition(csr_array(adjacency.toarray()[np.ix_(order, order)]), 0.12, costs[order])
    assert shuffled.tolist() == numbered_by_first(partition(adjacency, 0.12, costs)[order]).tolist()


@EXAMPLES
@given(SEEDS, st.integers(0, 30), THRESHOLDS, SIZED)
def test_the_same_graph_gives_the_same_stories(seed, n, threshold, sized):
    adjacency, costs, sizes = random_nodes(seed, n, sized=sized)
    again = partition(adjacency.copy(), threshold, costs.copy(), sizes.copy())
    assert again.tolist() == partition(adjacency, threshold, costs, sizes).tolist()


@EXAMPLES
@given(SEEDS, st.integers(0, 30), THRESHOLDS)
def test_nodes_are_single_reports_unless_told_otherwise(seed, n, threshold):
    adjacency, costs, sizes = random_nodes(seed, n)
    assert partition(adjacency, threshold, costs).tolist() == partition(adjacency, threshold, costs, sizes).tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 15), st.integers(1, 15))
def test_unconnected_nodes_change_nothing_for_others(seed, n, others):
    adjacency, both = random_graph(seed, n).toarray(), np.zeros((n + others, n + others))
    both[:n, :n] = adjacency
    both[n:, n:] = random_graph(seed + 1, others).toarray()
    costs = random_costs(seed, ones(n + others))
    alone = partition(csr_array(adjacency), 0.12, costs[:n])
    assert partition(csr_array(both), 0.12, costs)[:n].tolist() == alone.tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS, st.integers(1, 6))
def test_without_the_pairs_between_labels_stories_lie_within_them(seed, n, threshold, count):
    # So stories are taken apart at a higher threshold, and where a report goes.
    adjacency, costs, _ = random_nodes(seed, n)
    given_labels = numbered_by_first(np.random.default_rng(seed).integers(0, count, n))
    labels = partition(csr_array(adjacency.toarray() * (given_labels[:, None] == given_labels)), threshold, costs)
    for label in range(given_labels.max() + 1):
        members = np.flatnonzero(given_labels == label)
        alone = partition(adjacency[members][:, members], threshold, costs[members])
        assert numbered_by_first(labels[members]).tolist() == alone.tolist()
    assert len(set(zip(labels.tolist(), given_labels.tolist(), strict=True))) == labels.max() + 1


def test_the_graph_is_left_as_it_was():
    adjacency, costs, sizes = random_nodes(0, 20, sized=True)
    before = adjacency.toarray(), costs.tolist(), sizes.tolist()
    partition(adjacency, 0.12, costs, sizes)
    assert (adjacency.toarray() == before[0]).all()
    assert (costs.tolist(), sizes.tolist()) == before[1:]


@pytest.mark.parametrize("cost", [0.0, 0.25])
def test_a_chain_breaks_where_that_costs_least(cost):
    similarities = [0.9, 0.9, 0.1, 0.9, 0.9]
    chain = np.diag(similarities, 1)
    assert partition(csr_array(chain + chain.T), 0.3, np.full(6, cost)).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("cost", [0.0, 0.03])
@pytest.mark.parametrize(("middle", "expected"), [(0, [0, 0, 1]), (1, [0, 0, 1]), (2, [0, 1, 0])])
def test_ties_go_to_the_earlier_node(middle, expected, cost):
    # The middle one may go either way; all three together gain less.
    chain = np.zeros((3, 3))
    chain[middle] = chain[:, middle] = 0.5
    chain[middle, middle] = 0
    assert partition(csr_array(chain), 0.45, np.full(3, cost)).tolist() == expected


@EXAMPLES
@given(st.integers(3, 12), st.sampled_from([0.0, 0.03]), st.data())
def test_the_first_of_equal_suitors_gets_the_node_wherever_it_stands(n, cost, data):
    star, centre = np.zeros((n, n)), data.draw(st.integers(0, n - 1))
    star[centre] = star[:, centre] = 0.5
    star[centre, centre] = 0
    first = 1 if centre == 0 else 0
    together = partition(csr_array(star), 0.45, np.full(n, cost)) == 0  # that of node 0, which is of the pair anyway
    assert np.flatnonzero(together).tolist() == sorted([centre, first])


def test_of_equal_suitors_the_one_that_pays_less_gets_the_node():
    star = np.array([[0, 0.5, 0.5], [0.5, 0, 0], [0.5, 0, 0]])
    assert partition(csr_array(star), 0.3, np.array([0.1, 0.2, 0.1])).tolist() == [0, 1, 0]


def test_nodes_without_neighbours_are_alone():
    assert partition(csr_array((4, 4), dtype=np.float64), 0.12, np.zeros(4)).tolist() == [0, 1, 2, 3]


def test_no_nodes_have_no_stories():
    assert partition(csr_array((0, 0), dtype=np.float64), 0.12, np.empty(0)).tolist() == []


def test_a_complete_graph_is_one_story():
    assert not partition(csr_array(1.0 - np.eye(50)), 0.12, np.full(50, 0.3)).any()
