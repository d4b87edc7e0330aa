"""Postings against a dict."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.stream.postings import Postings

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=100)
DTYPES = st.sampled_from([np.uint32, np.uint64])
KEYS = st.integers(0, 12)
BATCHES = st.lists(st.lists(st.tuples(KEYS, st.integers(0, 30)), max_size=12), max_size=12)


def filled(dtype, batches):
    """Postings, and the same as a dict."""
    postings, twin = Postings(dtype), defaultdict(list)
    for batch in batches:
        keys, nodes = np.array(batch, dtype=np.int64).reshape(-1, 2).T
        postings.add(keys.astype(dtype), nodes)
        for key, node in batch:
            twin[key].append(node)
    return postings, twin


def found(postings, keys):
    which, nodes = postings.find(keys)
    assert which.dtype == nodes.dtype == np.int64
    return sorted(zip(which.tolist(), nodes.tolist(), strict=True))


def slow_find(twin, keys):
    return sorted((place, node) for place, key in enumerate(keys) for node in twin[key])


@EXAMPLES
@given(DTYPES, BATCHES, st.lists(KEYS, max_size=8))
def test_find_is_that_of_a_dict(dtype, batches, keys):
    postings, twin = filled(dtype, batches)
    assert len(postings) == sum(map(len, batches))
    assert found(postings, np.array(keys, dtype=dtype)) == slow_find(twin, keys)


@EXAMPLES
@given(DTYPES, BATCHES, st.lists(KEYS, max_size=8), st.integers(1, 4))
def test_at_most_so_many_nodes_of_a_key_and_run_are_those_added_first(dtype, batches, keys, most):
    postings, twin = filled(dtype, batches)
    postings.merge()
    which, nodes = postings.find(np.array(keys, dtype=dtype), most)
    first = {key: nodes[:most] for key, nodes in twin.items()}
    expected = [(place, node) for place, key in enumerate(keys) for node in first.get(key, [])]
    assert sorted(zip(which.tolist(), nodes.tolist(), strict=True)) == sorted(expected)


@EXAMPLES
@given(DTYPES, BATCHES, st.lists(KEYS, max_size=8))
def test_one_run_of_all_answers_as_many_do(dtype, batches, keys):
    postings, twin = filled(dtype, batches)
    postings.merge()
    assert len(postings._runs) <= 1
    assert len(postings) == sum(map(len, batches))
    assert found(postings, np.array(keys, dtype=dtype)) == slow_find(twin, keys)


@EXAMPLES
@given(DTYPES, BATCHES, st.sets(st.integers(0, 30)), BATCHES)
def test_keep_forgets_all_other_nodes_and_more_can_be_added(dtype, batches, alive, later):
    postings, twin = filled(dtype, batches)
    postings.keep(lambda nodes: np.isin(nodes, sorted(alive)))
    for key, nodes in twin.items():
        twin[key] = [node for node in nodes if node in alive]
    for batch in later:
        keys, nodes = np.array(batch, dtype=np.int64).reshape(-1, 2).T
        postings.add(keys.astype(dtype), nodes)
        for key, node in batch:
            twin[key].append(node)
    keys = np.arange(13, dtype=dtype)
    assert len(postings) == sum(map(len, twin.values()))
    assert found(postings, keys) == slow_find(twin, keys.tolist())


def test_nothing_is_found_in_what_is_empty():
    postings = Postings(np.uint32)
    assert found(postings, np.array([1, 2], dtype=np.uint32)) == []
    assert found(postings, np.array([], dtype=np.uint32)) == []
    postings.keep(lambda nodes: nodes >= 0)
    postings.merge()
    assert len(postings) == 0


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_the_largest_keys_are_told_apart(dtype):
    most = np.iinfo(dtype).max
    postings = Postings(dtype)
    postings.add(np.array([most, most - 1, 0], dtype=dtype), np.array([1, 2, 3]))
    assert found(postings, np.array([most - 1, most], dtype=dtype)) == [(0, 2), (1, 1)]


def test_runs_stay_few_however_much_is_added():
    postings = Postings(np.uint32)
    for i in range(2000):
        postings.add(np.array([i % 7], dtype=np.uint32), np.array([i]))
    assert len(postings._runs) <= 7
    assert len(postings) == 2000


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize("bits", [6, 24, 64])
def test_long_runs_are_searched_as_short_ones_are(dtype, bits):
    rng, most = np.random.default_rng(bits), np.iinfo(dtype).max
    postings = Postings(dtype)
    for count in (9000, 5000, 4097, 100, 3):
        keys = rng.integers(0, min(most, 2**bits - 1), count, dtype=dtype, endpoint=True)
        keys[:3] = 0, most, most // 2
        postings.add(keys, np.arange(count))
    assert len(postings._runs) == 3
    asked = np.concatenate([run[::9] for run, _ in postings._runs] + [rng.integers(0, most, 500, dtype=dtype)])
    asked = np.concatenate([asked, np.array([0, most, most // 2], dtype=dtype)])
    for keys in (asked, np.sort(asked)):
        found, expected = postings.find(keys), postings._find(keys, None)
        assert [column.tolist() for column in found] == [column.tolist() for column in expected]
