import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.arrays import SortedKeys

EXAMPLES = settings(deadline=None, max_examples=100)
BITS = st.sampled_from([48, 64])


@st.composite
def even_keys(draw):
    """Keys of any bits, about evenly spread, and how many bits they may have."""
    bits = draw(BITS)
    return draw(st.sets(st.integers(0, 2**bits - 1), max_size=60)), bits


@st.composite
def crowded_keys(draw):
    """Keys that all begin alike, more of them than the table tells apart."""
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
