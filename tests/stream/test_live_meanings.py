"""What live articles mean, against plain loops."""

from math import nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.story.candidates import CANDIDATE_FLOOR
from dedup.story.encoding import MAX_NEIGHBOURS, REACH_DAYS_ACROSS, REACH_DAYS_WITHIN, Meanings, Scale, whole_numbers
from dedup.story.partition import join_costs
from dedup.stream import live_meanings
from dedup.stream.live_meanings import LiveMeanings, vector_products
from dedup.stream.nodes import NodeTable

pytestmark = pytest.mark.usefixtures("both_paths")

EXAMPLES = settings(deadline=None, max_examples=60)
SCALE = Scale(mean=0.2, chance=0.4)


def live(rng, n, n_languages, first=1):
    """Live articles, some of them removed, copies, undated or without a vector; and their vectors and languages."""
    table = NodeTable()
    meanings = LiveMeanings(lambda texts: texts, table)
    meanings.scale = SCALE
    vectors = rng.normal(size=(3, 6))[rng.integers(0, 3, n)] + 0.6 * rng.normal(size=(n, 6))
    vectors[rng.random(n) < 0.1] = 0
    vectors, languages = whole_numbers(vectors), rng.integers(0, n_languages + 1, n)
    days = np.where(rng.random(n) < 0.2, nan, rng.random(n) * 30)
    sizes, nodes = rng.integers(0, 400, n), np.arange(first, first + n)
    table.add(nodes, days=days, norms=np.ones(n), sizes=sizes, is_canonical=rng.random(n) < 0.9)
    table.assign(nodes, 7)
    for part in np.array_split(np.arange(n), 3):
        if len(part):
            own = [vectors[i] if vectors[i].any() else vectors[i][:0] for i in part]
            meanings.add(nodes[part], own, languages[part])
    table.remove(nodes[rng.random(n) < 0.1])
    return table, meanings, nodes, vectors, languages, sizes


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(1, 90), st.integers(1, 3), st.integers(1, 5))
def test_candidates_are_those_of_a_plain_loop(seed, n, n_languages, n_texts):
    rng = np.random.default_rng(seed)
    table, meanings, nodes, vectors, languages, sizes = live(rng, n, n_languages)
    every = Meanings.of_whole(vectors, np.where(languages > 0, languages, -1), SCALE).weighed(join_costs(sizes))
    chosen = rng.integers(0, n, n_texts)
    texts, days = every.at(chosen), np.where(rng.random(n_texts) < 0.2, nan, rng.random(n_texts) * 30)
    limits = np.where(rng.random(n_texts) < 0.1, 0, rng.integers(1, n + 2, n_texts))
    text, found = meanings.candidates(texts, days, limits)
    for i in range(n_texts):
        alike = []
        for node in np.intersect1d(table.canonical(), nodes[nodes < limits[i]]).tolist():
            place = np.array([node - 1])
            day = table.days(np.array([node]))
            similarity = float(every.alone(chosen[i : i + 1], place, days[i : i + 1], day)[0])
            across = every.across(chosen[i : i + 1], place)[0]
            far = abs(days[i] - day[0]) > (REACH_DAYS_ACROSS if across else REACH_DAYS_WITHIN)
            if similarity >= CANDIDATE_FLOOR and not far:
                alike.append((-similarity, node))
        assert found[text == i].tolist() == sorted(node for _, node in sorted(alike)[:MAX_NEIGHBOURS])


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 9))
def test_meanings_of_nodes_are_those_that_were_added_also_after_trimming(seed, n, first):
    rng = np.random.default_rng(seed)
    table, meanings, nodes, vectors, languages, sizes = live(rng, n, 2, first)
    expected = Meanings.of_whole(vectors, np.where(languages > 0, languages, -1), SCALE).weighed(join_costs(sizes))
    for _ in range(2):
        alive = nodes[table.alive(nodes)]
        found, rows = meanings.of(alive), expected.at(alive - first)
        for name in ("vectors", "lengths", "languages", "weights"):
            if len(alive) and vectors.any():
                assert getattr(found, name).tolist() == getattr(rows, name).tolist()
        table.trim()
        meanings.trim(table.first)
        assert meanings._stop - meanings._first == (nodes[-1] + 1 - alive[0] if len(alive) else 0)


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(0, 30), st.sampled_from([1, 2, 31, 64, 513]))
def test_products_are_exact(seed, n, n_dimensions):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-128, 128, (max(n, 1), n_dimensions)).astype(np.int8)
    rows = rng.integers(0, len(vectors), n)
    expected = [sum(int(a) * int(b) for a, b in zip(vectors[row], vectors[0], strict=True)) for row in rows]
    assert vector_products(vectors, rows, vectors[0].copy()).tolist() == expected


def test_blocks_of_products(monkeypatch):
    monkeypatch.setattr(live_meanings, "_BLOCK_ROWS", 2)
    vectors = np.arange(12, dtype=np.int8).reshape(6, 2)
    assert vector_products(vectors, np.arange(5), vectors[1].copy()).tolist() == [3.0, 13.0, 23.0, 33.0, 43.0]


def test_the_closest_are_kept():
    table = NodeTable()
    meanings = LiveMeanings(lambda texts: texts, table)
    meanings.scale = SCALE
    n = MAX_NEIGHBOURS + 20
    nodes, angles = np.arange(1, n + 1), np.linspace(0.5, 0, n)
    vectors = whole_numbers(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    table.add(nodes, days=np.zeros(n), norms=np.ones(n), sizes=np.ones(n, dtype=int), is_canonical=np.ones(n, bool))
    table.assign(nodes, 1)
    meanings.add(nodes, list(vectors), np.full(n, 1))
    text = Meanings.of(np.array([[1.0, 0.0]]), np.array([2]), SCALE)
    _, found = meanings.candidates(text, np.zeros(1), np.array([n + 1]))
    assert found.tolist() == nodes[20:].tolist()
