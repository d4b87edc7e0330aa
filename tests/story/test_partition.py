from functools import cache

import numpy as np
import pytest
from graphs import planted_graph, random_costs, random_graph, random_sizes, slow_objective, tied_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from dedup.arrays import numbered_by_first
from dedup.story.partition import objective, partition

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
    """Which pairs of `n` nodes each partition puts together, shape (Bell number, n, n)."""
    rows = [[0]]
    for _ in range(n - 1):
        rows = [[*row, label] for row in rows for label in range(max(row) + 2)]
    labels = np.array(rows)
    return (labels[:, :, None] == labels[:, None, :]).astype(np.float64)


def optimum(adjacency, threshold, costs):
    """The greatest objective of any partition of single reports."""
    together, gains = all_partitions(len(costs)), np.triu(adjacency.toarray() - threshold, 1)
    paid = (1 - 1 / together.sum(axis=2)) @ costs
    return float((together.reshape(len(together), -1) @ gains.ravel() - paid).max())


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


@pytest.mark.parametrize("threshold", [0.05, 0.12, 0.3, 0.6])
def test_hardly_a_story_is_better_split_into_all_of_its_nodes(threshold):
    # Where the one that held a story together has left, the rest may stay, though it would not have come together: each
    # of three saves but half of its cost by leaving. On these graphs that does not happen.
    for seed in range(100):
        adjacency, costs, sizes = random_nodes(seed, 3 + seed % 8, sized=bool(seed % 2))
        rest = threshold, costs, sizes
        labels = partition(adjacency, *rest)
        for label in range(labels.max() + 1):
            split = np.where(labels == label, labels.max() + 1 + np.arange(len(labels)), labels)
            assert slow_objective(adjacency, split, *rest) <= slow_objective(adjacency, labels, *rest) + 1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 8), THRESHOLDS, st.booleans())
def test_no_partition_is_better_than_the_best_or_worse_than_everybody_alone(seed, n, threshold, tied):
    adjacency, costs, sizes = random_nodes(seed, n, tied=tied)
    found = objective(adjacency, partition(adjacency, threshold, costs), threshold, costs, sizes)
    assert -1e-9 <= found <= optimum(adjacency, threshold, costs) + 1e-9


#: On 200 fixed random graphs the optimum is reached 200, 199, 199, 196, 192, 190 and 188 times; 5 fewer are let pass.
@pytest.mark.parametrize(("n", "least"), [(3, 195), (4, 194), (5, 194), (6, 191), (7, 187), (8, 185), (9, 183)])
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
