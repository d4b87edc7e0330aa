"""TimePostings against a list that is read from end to end."""

from collections import Counter
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.story.candidates import FLOOR, REACH_DAYS
from dedup.story.similarity import time_factor
from dedup.stream.time_postings import _SLICE_DAYS, TimePostings

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=70)
ROUNDING = 1e-9
HALF_DAYS = st.one_of(st.just(nan), st.integers(-30, 30).map(lambda k: k + 0.5))  # reach never ends where a slice does
DAYS = st.one_of(
    HALF_DAYS, st.floats(-40.0, 40.0), st.integers(-3, 3).map(lambda k: k * REACH_DAYS), st.floats(19_600.0, 19_640.0)
)
FEATURES = st.one_of(st.integers(0, 4), st.just(2**32 - 1))
POSTINGS = st.lists(st.tuples(DAYS, FEATURES, st.integers(0, 20)), max_size=10)
BATCHES = st.lists(POSTINGS, max_size=6)
ASKED = st.lists(st.tuples(DAYS, FEATURES), max_size=8)


def columns(rows, *dtypes):
    parts = list(zip(*rows, strict=True)) or [()] * len(dtypes)
    return [np.array(part, dtype=dtype) for part, dtype in zip(parts, dtypes, strict=True)]


def add_all(slices, batches):
    for batch in batches:
        slices.add(*columns(batch, np.float64, np.uint32, np.int64))
    return [posting for batch in batches for posting in batch]


def filled(batches):
    slices = TimePostings()
    return slices, add_all(slices, batches)


def found(slices, asked):
    days, features = columns(asked, np.float64, np.uint32)
    places, nodes = slices.find_between(days - REACH_DAYS, days + REACH_DAYS, features)
    assert places.dtype == nodes.dtype == np.int64
    counts = Counter(zip(places.tolist(), nodes.tolist(), strict=True))
    texts = np.arange(len(asked))
    assert summed(slices, asked, texts, np.ones_like(texts), np.full(len(asked), 2**31 - 1)) == counts
    return counts


def summed(slices, asked, texts, shares, limits):
    days, features = columns(asked, np.float64, np.uint32)
    texts, nodes, sums = slices.sum_shares(days, features, texts, shares, limits)
    assert texts.dtype == nodes.dtype == sums.dtype == np.int64
    pairs = list(zip(texts.tolist(), nodes.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    return dict(zip(pairs, sums.tolist(), strict=True))


def within(postings, asked, most_days):
    """What all postings within so many days come to; a missing date is within any."""
    return Counter(
        (place, node)
        for place, (day, feature) in enumerate(asked)
        for other_day, other, node in postings
        if feature == other and (isnan(day - other_day) or abs(day - other_day) <= most_days)
    )


def assert_finds(slices, postings, asked):
    """All within reach is found, each posting once, and nothing further than a slice beyond."""
    answer = found(slices, asked)
    assert within(postings, asked, REACH_DAYS - ROUNDING) <= answer
    assert answer <= within(postings, asked, REACH_DAYS + _SLICE_DAYS + ROUNDING)


@EXAMPLES
@given(BATCHES, ASKED)
def test_all_within_reach_is_found_and_little_else(batches, asked):
    slices, postings = filled(batches)
    assert len(slices) == len(postings)
    assert_finds(slices, postings, asked)


@EXAMPLES
@given(BATCHES, ASKED)
def test_whatever_comes_late_is_found_no_less(batches, asked):
    in_order = [sorted(batch, key=lambda posting: (isnan(posting[0]), posting)) for batch in batches]
    slices, postings = filled(in_order[::-1])
    assert found(slices, asked) == found(filled([[posting] for posting in postings])[0], asked)
    assert_finds(slices, postings, asked)


@EXAMPLES
@given(BATCHES, ASKED, st.data())
def test_the_shares_of_a_text_are_added_up_for_nodes_below_its_limit(batches, asked, data):
    slices, _ = filled(batches)
    texts = sorted(data.draw(st.lists(st.integers(0, 3), min_size=len(asked), max_size=len(asked))))
    shares = data.draw(st.lists(st.integers(0, 2**24), min_size=len(asked), max_size=len(asked)))
    limits = data.draw(st.lists(st.integers(0, 21), min_size=4, max_size=4))
    expected = Counter()
    for (place, node), count in found(slices, asked).items():
        if node < limits[texts[place]]:
            expected[texts[place], node] += count * shares[place]
    given_ = np.array(texts, dtype=np.int64), np.array(shares, dtype=np.int64), np.array(limits)
    assert summed(slices, asked, *given_) == expected


def test_there_is_room_for_any_number_of_nodes():
    slices, _ = filled([[(0.0, node % 7, node) for node in range(20_000)]])
    asked = [(0.0, feature) for feature in range(7)]
    sums = summed(slices, asked, np.zeros(7, dtype=np.int64), np.arange(1, 8), np.array([19_000]))
    assert sums == {(0, node): 1 + node % 7 for node in range(19_000)}


@EXAMPLES
@given(BATCHES, st.lists(FEATURES, max_size=8))
def test_one_without_a_date_finds_all(batches, features):
    slices, postings = filled(batches)
    asked = [(nan, feature) for feature in features]
    assert found(slices, asked) == within(postings, asked, 0)


@EXAMPLES
@given(BATCHES, ASKED)
def test_those_without_a_date_are_found_by_all(batches, asked):
    slices, postings = filled([[(nan, *rest) for _, *rest in batch] for batch in batches])
    assert found(slices, asked) == within(postings, asked, 0)


@EXAMPLES
@given(BATCHES, st.lists(st.tuples(HALF_DAYS, FEATURES), max_size=8))
def test_asking_together_finds_what_asking_alone_does(batches, asked):
    slices, _ = filled(batches)
    alone = Counter()
    for place, ask in enumerate(asked):
        alone += Counter({(place, node): count for (_, node), count in found(slices, [ask]).items()})
    assert found(slices, asked) == alone


@EXAMPLES
@given(BATCHES, st.sets(st.integers(0, 20)), BATCHES, ASKED)
def test_keep_forgets_all_other_nodes_and_more_can_be_added(batches, alive, later, asked):
    slices, postings = filled(batches)
    slices.keep(lambda nodes: np.isin(nodes, sorted(alive)))
    postings = [posting for posting in postings if posting[2] in alive]
    assert len(slices) == len(postings)
    assert all(map(len, slices._slices.values()))
    postings += add_all(slices, later)
    assert len(slices) == len(postings)
    assert_finds(slices, postings, asked)


@EXAMPLES
@given(DAYS, DAYS)
def test_what_is_out_of_reach_is_not_similar(day, other):
    slices, _ = filled([[(day, 1, 1)]])
    if not found(slices, [(other, 1)]):
        gap = abs(other - day) + ROUNDING  # a gap may be rounded to the reach
        assert time_factor(np.zeros(1), np.array([gap]))[0] <= FLOOR


def test_nothing_is_found_in_what_is_empty():
    slices = TimePostings()
    assert not found(slices, [(0.0, 1), (nan, 2)])
    assert not found(slices, [])
    slices.add(*columns([], np.float64, np.uint32, np.int64))
    slices.keep(lambda nodes: nodes >= 0)
    assert len(slices) == 0
    slices.add(*columns([(0.0, 1, 5)], np.float64, np.uint32, np.int64))
    assert not found(slices, [])


def test_a_look_up_stays_within_reach():
    slices, _ = filled([[(float(day), 1, day) for day in range(1000)]])
    reach = np.array([500.0 - REACH_DAYS]), np.array([500.0 + REACH_DAYS])
    places, nodes = slices.find_between(*reach, np.array([1], dtype=np.uint32))
    assert set(range(486, 515)) <= set(nodes.tolist()) <= set(range(483, 518))
    assert places.tolist() == [0] * len(nodes)


def test_years_between_those_that_ask_together_do_no_harm():
    slices, postings = filled([[(float(day), 1, day) for day in (0, 1, 9000, 20_000)]])
    asked = [(20_001.0, 1), (0.5, 1), (10_000.0, 1)]
    assert found(slices, asked) == within(postings, asked, REACH_DAYS) == Counter([(0, 20_000), (1, 0), (1, 1)])
