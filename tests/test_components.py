import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.arrays import connected_labels, numbered_by_first

EXAMPLES = settings(deadline=None, max_examples=100)


@st.composite
def graphs(draw):
    n = draw(st.integers(0, 12))
    nodes = st.integers(0, n - 1) if n else st.nothing()
    edges = draw(st.lists(st.tuples(nodes, nodes), max_size=12)) if n else []
    return n, edges


def connect(edges, n):
    left, right = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    return connected_labels(left, right, n)


def slow_labels(edges, n):
    """Spread the smallest node of each component until nothing changes; then number."""
    smallest = list(range(n))
    for _ in range(n):
        for i, j in edges:
            smallest[i] = smallest[j] = min(smallest[i], smallest[j])
    return slow_numbers(smallest)


def slow_numbers(labels):
    numbers = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels]


@EXAMPLES
@given(graphs())
def test_components_are_those_of_the_slow_twin(graph):
    n, edges = graph
    labels = connect(edges, n)
    assert labels.dtype == np.int64
    assert labels.tolist() == slow_labels(edges, n)


@EXAMPLES
@given(graphs(), st.randoms(use_true_random=False))
def test_order_direction_and_repeats_of_edges_do_not_matter(graph, random):
    n, edges = graph
    again = [edge[::-1] for edge in edges] + edges
    random.shuffle(again)
    assert connect(again, n).tolist() == connect(edges, n).tolist()


def test_nodes_without_edges_are_alone():
    assert connect([], 3).tolist() == [0, 1, 2]


def test_a_node_may_be_its_own_neighbour():
    assert connect([(1, 1)], 2).tolist() == [0, 1]


def test_no_nodes_have_no_labels():
    assert connect([], 0).tolist() == []


def test_an_edge_given_many_times_still_connects():
    assert connect([(0, 1)] * 256, 2).tolist() == [0, 0]


def test_a_long_chain_is_one_component():
    chain = np.arange(99_999)
    assert not connected_labels(chain + 1, chain, 100_000).any()


@EXAMPLES
@given(st.lists(st.integers(-5, 5), max_size=15))
def test_labels_are_numbered_by_first_member(labels):
    numbered = numbered_by_first(np.array(labels, dtype=np.int64))
    assert numbered.dtype == np.int64
    assert numbered.tolist() == slow_numbers(labels)


@EXAMPLES
@given(st.lists(st.integers(-5, 5), max_size=15))
def test_numbering_twice_changes_nothing(labels):
    numbered = numbered_by_first(np.array(labels, dtype=np.int64))
    assert numbered_by_first(numbered).tolist() == numbered.tolist()


def test_labels_of_any_integer_type_are_numbered():
    assert numbered_by_first(np.array([9, 2, 9], dtype=np.int32)).tolist() == [0, 1, 0]
