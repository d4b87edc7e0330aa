from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.arrays import (
    connected_labels,
    first_members,
    joined,
    members,
    numbered_by_first,
    ranks_in_runs,
    run_starts,
    slices,
)
from dedup.sorted_keys import SortedKeys

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=100)
LABELS = st.lists(st.integers(0, 5), max_size=15)


# Sorted keys

BITS = st.sampled_from([48, 64])


@st.composite
def even_keys(draw):
    """Keys of any bits, about evenly spread, and how many bits they may have."""
    bits = draw(BITS)
    return draw(st.sets(st.integers(0, 2**bits - 1), max_size=60)), bits


@st.composite
def crowded_keys(draw):
    """Keys that all begin alike, more of them than the table separates."""
    bits, low = draw(BITS), draw(st.integers(6, 12))
    start = draw(st.integers(0, (2**bits - 1) >> low)) << low
    return {start + key for key in draw(st.sets(st.integers(0, 2**low - 1), min_size=20, max_size=60))}, bits


def found(keys, bits, wanted):
    return SortedKeys(np.array(sorted(keys), dtype=np.uint64), bits).find(np.array(wanted, dtype=np.uint64))


def slow_places(keys, wanted):
    places = {key: place for place, key in enumerate(sorted(keys))}
    return [places.get(key, -1) for key in wanted]


@EXAMPLES
@given(st.one_of(even_keys(), crowded_keys()), st.data())
def test_places_are_those_of_the_slow_twin(keys_and_bits, data):
    keys, bits = keys_and_bits
    near = {min(max(key + step, 0), 2**bits - 1) for key in keys for step in (-1, 0, 1)} | {0, 2**bits - 1}
    wanted = data.draw(st.lists(st.one_of(st.sampled_from(sorted(near)), st.integers(0, 2**bits - 1)), max_size=40))
    places = found(keys, bits, wanted)
    assert places.dtype == np.int64
    assert places.tolist() == slow_places(keys, wanted)


@EXAMPLES
@given(st.one_of(even_keys(), crowded_keys()))
def test_every_key_is_found_at_its_place(keys_and_bits):
    keys, bits = keys_and_bits
    assert found(keys, bits, sorted(keys)).tolist() == list(range(len(keys)))


@pytest.mark.parametrize("bits", [48, 64])
@pytest.mark.parametrize("start", ["first", "middle", "last"])
def test_keys_that_all_begin_alike_are_found(bits, start):
    first = {"first": 0, "middle": 5 << (bits - 9), "last": 2**bits - 2000}[start]
    keys = range(first, first + 2000, 2)
    wanted = [*range(first, first + 2000), 0, 2**bits - 1]
    assert found(keys, bits, wanted).tolist() == slow_places(keys, wanted)


@pytest.mark.parametrize("bits", [1, 2, 48, 64])
def test_nothing_is_found_among_no_keys(bits):
    assert found([], bits, [0, 1, 2**bits - 1]).tolist() == [-1, -1, -1]


def test_no_wanted_keys_have_no_places():
    assert found([1, 2], 48, []).tolist() == []


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_keys_of_few_bits_are_found_though_the_table_has_a_slot_for_each(bits):
    keys = range(2**bits)
    assert found(keys, bits, keys).tolist() == list(keys)
    assert found(keys[::2], bits, keys).tolist() == slow_places(keys[::2], keys)


def test_many_hashes_are_found():
    rng = np.random.default_rng(0)
    keys = np.unique(rng.integers(0, 2**48, 20_000, dtype=np.uint64))
    wanted = np.concatenate([rng.permutation(keys), rng.integers(0, 2**48, 20_000, dtype=np.uint64)])
    places = SortedKeys(keys, 48).find(wanted)
    assert (keys[places[: len(keys)]] == wanted[: len(keys)]).all()
    assert ((places >= 0) == np.isin(wanted, keys)).all()


# Runs and labels


def runs_of(values):
    return [list(run) for _, run in groupby(range(len(values)), key=values.__getitem__)]


@EXAMPLES
@given(LABELS)
def test_runs_are_those_of_itertools(values):
    runs, array = runs_of(values), np.array(values, dtype=np.int64)
    assert run_starts(array).tolist() == [run[0] for run in runs]
    assert ranks_in_runs(array).tolist() == [i - run[0] for run in runs for i in run]


@EXAMPLES
@given(LABELS)
def test_members_and_first_members_are_those_of_a_loop(labels):
    expected = [[i for i, label in enumerate(labels) if label == one] for one in sorted(set(labels))]
    assert members(np.array(labels, dtype=np.int64)) == expected
    assert first_members(np.array(labels, dtype=np.int64)).tolist() == [places[0] for places in expected]


@EXAMPLES
@given(st.lists(LABELS, max_size=5))
def test_joined_parts_are_given_up(parts):
    arrays = [np.array(part, dtype=np.int32) for part in parts]
    whole = joined(arrays, np.int64)
    assert whole.dtype == np.int64
    assert whole.tolist() == [value for part in parts for value in part]
    assert arrays == []


@EXAMPLES
@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 7))
def test_slices_cover_a_range_once(start, length, size):
    parts = slices(start, start + length, size)
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(start, start + length))
    assert all(part.stop - part.start == size for part in parts[:-1])
    assert all(0 < part.stop - part.start <= size for part in parts)


# Components


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
