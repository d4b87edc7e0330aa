from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from dedup.arrays import numbered_by_first
from dedup.story.partition import coarsened, objective, partition, refined

EXAMPLES = settings(deadline=None, max_examples=70)
SEEDS = st.integers(0, 2**32)
THRESHOLDS = st.sampled_from([0.05, 0.12, 0.3, 0.6])


def random_graph(seed, n, density=0.6):
    """Similarities without ties, of which some are high and most are low."""
    rng = np.random.default_rng(seed)
    values = 0.05 + 0.95 * rng.random((n, n)) * rng.choice([0.1, 0.3, 1.0], (n, n))
    upper = np.triu(values * (rng.random((n, n)) < density), 1)
    return csr_array(upper + upper.T)


def tied_graph(seed, n):
    """Few distinct similarities, some of which are thresholds of the tests."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.choice([0.0, 0.06, 0.12, 0.3, 0.6], (n, n)), 1)
    return csr_array(upper + upper.T)


def planted_graph(seed, sizes):
    """Stories of high similarity, low similarity between them, nodes in random order; and the stories."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(labels)
    inside = labels[:, None] == labels
    values = np.where(inside, rng.uniform(0.4, 0.9, (n, n)), rng.uniform(0.05, 0.1, (n, n)))
    upper = np.triu(values * (inside | (rng.random((n, n)) < 0.3)), 1)
    return csr_array(upper + upper.T), labels


def slow_objective(adjacency, labels, threshold):
    dense = adjacency.toarray()
    pairs = ((i, j) for i in range(len(labels)) for j in range(i) if labels[i] == labels[j])
    return sum(dense[i, j] - threshold for i, j in pairs)


@cache
def all_partitions(n):
    """Which pairs of `n` nodes each partition puts together, shape (Bell number, n * n)."""
    rows = [[0]]
    for _ in range(n - 1):
        rows = [[*row, label] for row in rows for label in range(max(row) + 2)]
    labels = np.array(rows)
    return (labels[:, :, None] == labels[:, None, :]).reshape(len(labels), -1).astype(np.float64)


def optimum(adjacency, threshold):
    """The greatest objective of any partition."""
    gains = np.triu(adjacency.toarray() - threshold, 1)
    return float((all_partitions(len(gains)) @ gains.ravel()).max())


def gain_of_best_move(adjacency, labels, threshold):
    """What the best move of one node to another label, or to one of its own, adds to the objective."""
    before, gains = slow_objective(adjacency, labels, threshold), [0.0]
    for node in range(len(labels)):
        for label in range(labels.max() + 2):
            moved = labels.copy()
            moved[node] = label
            gains.append(slow_objective(adjacency, moved, threshold) - before)
    return max(gains)


@EXAMPLES
@given(SEEDS, st.integers(0, 12), THRESHOLDS)
def test_objective_is_that_of_the_slow_twin(seed, n, threshold):
    adjacency = random_graph(seed, n)
    labels = np.random.default_rng(seed).integers(0, 4, n)
    assert objective(adjacency, labels, threshold) == pytest.approx(slow_objective(adjacency, labels, threshold))


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS)
def test_stories_are_numbered_by_first_member(seed, n, threshold):
    labels = partition(random_graph(seed, n, density=0.2), threshold)
    assert labels.dtype == np.int64
    assert labels.shape == (n,)
    assert labels.tolist() == numbered_by_first(labels).tolist()


def assert_every_story_is_connected(adjacency, labels):
    for label in range(labels.max() + 1):
        members = np.flatnonzero(labels == label)
        assert connected_components(adjacency[members][:, members], directed=False)[0] == 1


@EXAMPLES
@given(SEEDS, st.integers(1, 40), THRESHOLDS)
def test_every_story_is_connected(seed, n, threshold):
    adjacency = random_graph(seed, n, density=0.1)
    assert_every_story_is_connected(adjacency, partition(adjacency, threshold))


def test_a_story_falls_apart_when_what_held_it_together_leaves():
    # Node 7 first joins 0 and 8 with 3 and 5, then leaves all four for 1, 4, 6 and 9.
    pairs = {(0, 7): 0.73, (0, 8): 0.54, (1, 4): 0.98, (1, 6): 0.82, (1, 7): 0.81, (2, 7): 0.23, (2, 9): 0.27}
    pairs |= {(3, 5): 0.5, (3, 7): 0.65, (4, 6): 0.92, (4, 7): 0.5, (5, 7): 0.46, (6, 7): 0.47, (7, 9): 0.64}
    rows, columns = np.array(list(pairs)).T
    upper = csr_array((list(pairs.values()), (rows, columns)), shape=(10, 10))
    assert partition((upper + upper.T).tocsr(), 0.12).tolist() == [0, 1, 2, 3, 1, 3, 1, 1, 0, 1]


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS)
def test_stories_are_no_worse_than_everybody_alone(seed, n, threshold):
    adjacency = random_graph(seed, n, density=0.3)
    assert objective(adjacency, partition(adjacency, threshold), threshold) >= -1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 9), THRESHOLDS)
def test_no_move_of_a_single_node_makes_the_stories_better(seed, n, threshold):
    adjacency = random_graph(seed, n)
    assert gain_of_best_move(adjacency, partition(adjacency, threshold), threshold) <= 1e-9


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.integers(2, 12), THRESHOLDS)
def test_no_merger_of_two_stories_makes_them_better(seed, n, threshold):
    adjacency = random_graph(seed, n)
    labels = partition(adjacency, threshold)
    before = slow_objective(adjacency, labels, threshold)
    for one in range(labels.max() + 1):
        for other in range(one):
            merged = np.where(labels == one, other, labels)
            assert slow_objective(adjacency, merged, threshold) <= before + 1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 8), THRESHOLDS, st.booleans())
def test_no_partition_is_better_than_the_best_or_worse_than_everybody_alone(seed, n, threshold, tied):
    adjacency = tied_graph(seed, n) if tied else random_graph(seed, n)
    found = objective(adjacency, partition(adjacency, threshold), threshold)
    assert -1e-9 <= found <= optimum(adjacency, threshold) + 1e-9


#: On 200 fixed random graphs the optimum is reached 200, 200, 195, 196, 181, 181 and 180 times; 5 fewer are let pass.
@pytest.mark.parametrize(("n", "least"), [(3, 200), (4, 195), (5, 190), (6, 191), (7, 176), (8, 176), (9, 175)])
def test_the_optimum_is_reached_mostly_and_never_passed(n, least):
    reached = 0
    for seed in range(200):
        adjacency = random_graph(seed, n)
        found, best = objective(adjacency, partition(adjacency, 0.12), 0.12), optimum(adjacency, 0.12)
        assert -1e-9 <= found <= best + 1e-9
        reached += found >= best - 1e-9
    assert reached >= least


@EXAMPLES
@given(SEEDS, st.integers(1, 9), THRESHOLDS)
def test_no_move_of_a_single_node_makes_tied_stories_better(seed, n, threshold):
    adjacency = tied_graph(seed, n)
    labels = partition(adjacency, threshold)
    assert labels.tolist() == numbered_by_first(labels).tolist()
    assert gain_of_best_move(adjacency, labels, threshold) <= 1e-9


@EXAMPLES
@given(SEEDS, st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_planted_stories_are_found(seed, sizes):
    adjacency, planted = planted_graph(seed, sizes)
    assert partition(adjacency, 0.12).tolist() == numbered_by_first(planted).tolist()


@EXAMPLES
@given(SEEDS, SEEDS, st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_the_order_of_nodes_does_not_matter_to_clear_stories(seed, order_seed, sizes):
    adjacency, _ = planted_graph(seed, sizes)
    assert_order_does_not_matter(adjacency, order_seed)


def assert_order_does_not_matter(adjacency, seed, threshold=0.12):
    order = np.random.default_rng(seed).permutation(adjacency.shape[0])
    shuffled = partition(csr_array(adjacency.toarray()[np.ix_(order, order)]), threshold)
    assert shuffled.tolist() == numbered_by_first(partition(adjacency, threshold)[order]).tolist()


@EXAMPLES
@given(SEEDS, st.integers(0, 30), THRESHOLDS)
def test_the_same_graph_gives_the_same_stories(seed, n, threshold):
    adjacency = random_graph(seed, n)
    assert partition(adjacency.copy(), threshold).tolist() == partition(adjacency, threshold).tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 15), st.integers(1, 15))
def test_unconnected_nodes_change_nothing_for_others(seed, n, others):
    adjacency = random_graph(seed, n).toarray()
    both = np.zeros((n + others, n + others))
    both[:n, :n] = adjacency
    both[n:, n:] = random_graph(seed + 1, others).toarray()
    assert partition(csr_array(both), 0.12)[:n].tolist() == partition(csr_array(adjacency), 0.12).tolist()


def test_the_graph_is_left_as_it_was():
    adjacency = random_graph(0, 20)
    before = adjacency.toarray()
    partition(adjacency, 0.12)
    assert (adjacency.toarray() == before).all()


def test_two_nodes_belong_together_above_the_threshold_only():
    pair = csr_array(np.array([[0, 0.2], [0.2, 0]]))
    assert partition(pair, 0.19).tolist() == [0, 0]
    assert partition(pair, 0.21).tolist() == [0, 1]


def test_a_chain_breaks_where_that_costs_least():
    similarities = [0.9, 0.9, 0.1, 0.9, 0.9]
    chain = np.diag(similarities, 1)
    assert partition(csr_array(chain + chain.T), 0.3).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(("middle", "expected"), [(0, [0, 0, 1]), (1, [0, 0, 1]), (2, [0, 1, 0])])
def test_ties_go_to_the_earlier_node(middle, expected):
    # The middle one may go either way; all three together gain less.
    chain = np.zeros((3, 3))
    chain[middle] = chain[:, middle] = 0.5
    chain[middle, middle] = 0
    assert partition(csr_array(chain), 0.45).tolist() == expected


@EXAMPLES
@given(st.integers(3, 12), st.data())
def test_the_first_of_equal_suitors_gets_the_node_wherever_it_stands(n, data):
    star, centre = np.zeros((n, n)), data.draw(st.integers(0, n - 1))
    star[centre] = star[:, centre] = 0.5
    star[centre, centre] = 0
    first = 1 if centre == 0 else 0
    together = partition(csr_array(star), 0.45) == 0  # label 0 is that of node 0, which is of the pair in any case
    assert np.flatnonzero(together).tolist() == sorted([centre, first])


def test_nodes_without_neighbours_are_alone():
    assert partition(csr_array((4, 4), dtype=np.float64), 0.12).tolist() == [0, 1, 2, 3]


def test_no_nodes_have_no_stories():
    assert partition(csr_array((0, 0), dtype=np.float64), 0.12).tolist() == []


def test_a_complete_graph_is_one_story():
    assert not partition(csr_array(1.0 - np.eye(50)), 0.12).any()


# Finer and coarser


def assert_inside(fine, coarse):
    """Every label of the first grouping lies within one of the second."""
    for label in set(fine.tolist()):
        assert len(set(coarse[fine == label].tolist())) == 1


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS, THRESHOLDS, st.floats(0.05, 0.9))
def test_refined_stories_lie_within_the_given_ones(seed, n, low, high, density):
    adjacency = random_graph(seed, n, density)
    given_labels = partition(adjacency, low)
    labels = refined(adjacency, given_labels, high)
    assert labels.tolist() == numbered_by_first(labels).tolist()
    assert_inside(labels, given_labels)
    assert_every_story_is_connected(adjacency, labels)


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS, st.integers(1, 6))
def test_refined_stories_lie_within_any_labels(seed, n, threshold, count):
    adjacency = random_graph(seed, n)
    given_labels = numbered_by_first(np.random.default_rng(seed).integers(0, count, n))
    labels = refined(adjacency, given_labels, threshold)
    assert_inside(labels, given_labels)
    for label in range(given_labels.max() + 1):
        members = np.flatnonzero(given_labels == label)
        alone = partition(adjacency[members][:, members], threshold)
        assert numbered_by_first(labels[members]).tolist() == alone.tolist()


@pytest.mark.parametrize(("low", "high"), [(0.05, 0.12), (0.12, 0.13), (0.12, 0.3), (0.3, 0.31), (0.3, 0.6)])
def test_refined_stories_are_no_worse_than_the_given_ones(low, high):
    for seed in range(100):
        adjacency = random_graph(seed, 4 + seed % 20)
        given_labels = partition(adjacency, low)
        labels = refined(adjacency, given_labels, high)
        assert objective(adjacency, labels, high) >= objective(adjacency, given_labels, high) - 1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS, st.integers(1, 30))
def test_coarsened_stories_are_unions_of_any_labels_and_no_worse(seed, n, threshold, count):
    adjacency = random_graph(seed, n)
    given_labels = numbered_by_first(np.random.default_rng(seed).integers(0, count, n))
    labels = coarsened(adjacency, given_labels, threshold)
    assert labels.tolist() == numbered_by_first(labels).tolist()
    assert_inside(given_labels, labels)
    assert objective(adjacency, labels, threshold) >= objective(adjacency, given_labels, threshold) - 1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS, THRESHOLDS)
def test_coarsened_stories_are_unions_of_the_given_ones_and_no_worse(seed, n, low, high):
    adjacency = random_graph(seed, n)
    given_labels = partition(adjacency, high)
    labels = coarsened(adjacency, given_labels, low)
    assert_inside(given_labels, labels)
    assert objective(adjacency, labels, low) >= objective(adjacency, given_labels, low) - 1e-9


@EXAMPLES
@given(SEEDS, st.integers(2, 12), THRESHOLDS, THRESHOLDS)
def test_no_merger_of_two_coarsened_stories_makes_them_better(seed, n, low, high):
    adjacency = random_graph(seed, n)
    labels = coarsened(adjacency, partition(adjacency, high), low)
    before = slow_objective(adjacency, labels, low)
    for one in range(labels.max() + 1):
        for other in range(one):
            assert slow_objective(adjacency, np.where(labels == one, other, labels), low) <= before + 1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS, st.booleans())
def test_finer_or_coarser_at_the_same_threshold_changes_nothing(seed, n, threshold, tied):
    adjacency = tied_graph(seed, n) if tied else random_graph(seed, n)
    labels = partition(adjacency, threshold)
    assert coarsened(adjacency, labels, threshold).tolist() == labels.tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS)
def test_coarsening_everybody_alone_is_partitioning(seed, n, threshold):
    adjacency = random_graph(seed, n)
    labels = coarsened(adjacency, np.arange(n), threshold)
    assert labels.tolist() == partition(adjacency, threshold).tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 30), THRESHOLDS)
def test_refining_one_story_is_partitioning(seed, n, threshold):
    adjacency = random_graph(seed, n)
    labels = refined(adjacency, np.zeros(n, dtype=np.int64), threshold)
    assert labels.tolist() == partition(adjacency, threshold).tolist()


def test_no_nodes_have_no_finer_stories():
    none = np.empty(0, dtype=np.int64)
    assert refined(csr_array((0, 0), dtype=np.float64), none, 0.3).tolist() == []


def test_no_nodes_have_no_coarser_stories():
    none = np.empty(0, dtype=np.int64)
    assert coarsened(csr_array((0, 0), dtype=np.float64), none, 0.05).tolist() == []
