"""Copies that are too far apart in time are none; what returns each year stays apart."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.arrays import connected_labels

NEW_YEAR = datetime(2000, 1, 1, tzinfo=UTC)
WORDS = [f"w{i}" for i in range(50)]


def articles(days, edits=0, seed=0):
    """Copies of one text, published on these days (None for unknown), each with some words of its own behind."""
    rng = random.Random(seed)
    own = [" ".join([*WORDS, *(f"v{rng.randrange(10_000)}" for _ in range(edits))]) for _ in days]
    return [
        {"id": i, "text": text, "published": None if day is None else NEW_YEAR + timedelta(days=day)}
        for i, (text, day) in enumerate(zip(own, days, strict=True))
    ]


@given(st.lists(st.none() | st.integers(0, 60), min_size=1, max_size=100), st.integers(0, 20), st.booleans())
def test_labels_are_those_of_the_slow_twin(days, most, edited):
    found = dedup.near_duplicates(articles(days, edits=3 * edited), max_days_apart=most)
    near = [
        (i, j)
        for i, one in enumerate(days)
        for j, other in enumerate(days[:i])
        if one is None or other is None or abs(one - other) <= most
    ]
    left, right = ([pair[k] for pair in near] for k in (0, 1))
    labels = connected_labels(np.array(left, dtype=int), np.array(right, dtype=int), len(days))
    assert found.labels.tolist() == labels.tolist()
    for i, j in found.pairs.tolist():
        assert days[i] is None or days[j] is None or abs(days[i] - days[j]) <= most


def test_an_annual_greeting_is_new_each_year():
    days = [365 * year + hour / 24 for year in range(100) for hour in range(3)]
    found = dedup.near_duplicates(articles(days), max_days_apart=30)
    assert found.labels.tolist() == [year for year in range(100) for _ in range(3)]
    assert set(dedup.near_duplicates(articles(days)).labels.tolist()) == {0}


def test_what_stays_is_compared_in_time_too():
    days = [0, 20, 40, 365]
    kept = dedup.near_duplicates(articles(days), max_days_apart=25).keep()
    assert kept.positions.tolist() == [0, 2, 3]


@pytest.mark.parametrize(("error", "value"), [(ValueError, -1), (TypeError, "3"), (ValueError, float("nan"))])
def test_other_values_are_refused(error, value):
    with pytest.raises(error, match=r"max_days_apart is .*; allowed: a number in"):
        dedup.near_duplicates([], max_days_apart=value)
