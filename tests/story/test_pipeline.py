from itertools import combinations

import numpy as np
import pytest
from graphs import random_costs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.arrays import numbered_by_first
from dedup.story.candidates import FLOOR, Edges
from dedup.story.constraints import Constraints
from dedup.story.merging import LARGE, Reports, merged
from dedup.story.partition import join_costs, objective, partition
from dedup.story.pipeline import StoryGroups, find_stories
from dedup.story.weighting import Vocabulary, vectorize_texts
from dedup.text.language import LANGUAGE_BITS

EXAMPLES = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 2**32)
THRESHOLDS = st.sampled_from([0.05, 0.12, 0.3, 0.6, 0.99])
NO_WORDS = Vocabulary(np.zeros(1 << LANGUAGE_BITS, dtype=np.int64), *(np.empty(0, dtype=np.uint64) for _ in range(4)))
TEXTS = [
    "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    "La banque centrale relève ses taux à 4 %.",
    "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
]


def random_edges(seed, n, density=0.5):
    """Edges of which some are strong and most are weak, none below the floor."""
    rng = np.random.default_rng(seed)
    left, right = np.triu_indices(n, 1)
    kept = rng.random(len(left)) < density
    values = FLOOR + (1 - FLOOR) * rng.random(len(left)) * rng.choice([0.1, 0.3, 1.0], len(left))
    return Edges(left[kept].astype(np.int64), right[kept].astype(np.int64), values[kept])


def costs_of(seed, n):
    return random_costs(seed, np.ones(n, dtype=np.int64))


def groups_of(labels, edges, seed=0, threshold=0.12):
    """A grouping of nodes of one day, with its similar pairs."""
    n = len(labels)
    stories = np.arange(int(labels.max(initial=-1)) + 1)
    unbound = Constraints(np.arange(n))
    return StoryGroups(labels, stories, threshold, 0.0, np.zeros(n), costs_of(seed, n), edges, NO_WORDS, unbound)


def random_groups(seed, n, count=4, density=0.5):
    """Any grouping of nodes, with its similar pairs."""
    labels = numbered_by_first(np.random.default_rng(seed).integers(0, count, n))
    return groups_of(labels, random_edges(seed, n, density), seed)


def vectors_of(seed, n):
    """Vectors of any reports: those of large stories are compared by them, whatever their edges."""
    dense = np.random.default_rng([seed, 3]).random((n, 9)) ** 6
    dense /= np.sqrt((dense**2).sum(axis=1, keepdims=True))
    return lambda rows: csr_array(dense[rows])


def found_groups(seed, n, threshold, density=0.5):
    edges, costs = random_edges(seed, n, density), costs_of(seed, n)
    labels = partition(edges.adjacency(n), threshold, costs)
    reports = Reports(np.zeros(n), vectors_of(seed, n), np.arange(n))
    return groups_of(merged(reports, edges, labels, threshold, costs), edges, seed, threshold)


def slow_similarity(groups):
    """Similarity of any two nodes: 0 unless there is an edge."""
    similarity = dict.fromkeys(combinations(range(len(groups.episodes)), 2), 0.0)
    edges = groups.edges
    for i, j, value in zip(edges.left.tolist(), edges.right.tolist(), edges.similarity.tolist(), strict=True):
        similarity[i, j] = value
    return lambda i, j: similarity[min(i, j), max(i, j)]


def mean(values):
    return sum(values) / len(values)


def members_of(groups):
    labels = groups.episodes.tolist()
    return [[i for i, own in enumerate(labels) if own == label] for label in range(max(labels, default=-1) + 1)]


def assert_inside(fine, coarse):
    """Every story of the first grouping lies within one of the second."""
    for label in set(fine.episodes.tolist()):
        assert len(set(coarse.episodes[fine.episodes == label].tolist())) == 1


# Membership


@EXAMPLES
@given(SEEDS, st.integers(0, 25), st.integers(1, 8))
def test_membership_is_that_of_the_slow_twin(seed, n, count):
    groups = random_groups(seed, n, count)
    similarity = slow_similarity(groups)
    expected = [1.0] * n
    for nodes in members_of(groups):
        for i in nodes:
            others = [j for j in nodes if j != i]
            expected[i] = mean([similarity(i, j) for j in others]) if others else 1.0
    assert groups.membership.shape == (n,)
    assert groups.membership == pytest.approx(expected)
    assert ((groups.membership >= 0) & (groups.membership <= 1)).all()


def test_a_node_alone_has_full_membership_and_one_among_strangers_none():
    groups = groups_of(np.array([0, 1, 1]), random_edges(0, 3, density=0))
    assert groups.membership.tolist() == [1.0, 0.0, 0.0]


@EXAMPLES
@given(SEEDS, st.integers(0, 25), THRESHOLDS)
def test_small_stories_that_were_found_are_more_similar_than_the_threshold_on_average(seed, n, threshold):
    groups = found_groups(seed, n, threshold)
    for nodes in members_of(groups):
        # Large ones hold by all pairs, also by those without an edge.
        assert len(nodes) >= LARGE or groups.membership[nodes].mean() >= threshold - 1e-9


@EXAMPLES
@given(SEEDS, st.integers(0, 25), THRESHOLDS)
def test_each_of_a_small_story_that_was_found_is_as_similar_to_it_as_it_needs(seed, n, threshold):
    groups = found_groups(seed, n, threshold)
    for nodes in members_of(groups):
        if 1 < len(nodes) < LARGE:
            assert (groups.membership[nodes] >= groups.needed_by_texts[nodes] - 1e-9).all()


# What is needed


def paid(costs):
    """What a story of reports with these costs pays."""
    return sum(costs) / len(costs) * (len(costs) - 1)


@EXAMPLES
@given(SEEDS, st.integers(1, 25), st.integers(1, 8))
def test_what_texts_need_is_what_their_story_pays_for_them_by_pairs(seed, n, count):
    groups = random_groups(seed, n, count)
    needed, costs = groups.needed_by_texts, groups.costs.tolist()
    assert needed.shape == (n,)
    for nodes in members_of(groups):
        for i in nodes:
            others = [costs[j] for j in nodes if j != i]
            if others:
                assert needed[i] == pytest.approx(0.12 + (paid([costs[i], *others]) - paid(others)) / len(others))


@EXAMPLES
@given(SEEDS, st.integers(1, 25), st.integers(1, 8))
def test_what_two_stories_need_is_what_they_pay_more_as_one_by_pairs(seed, n, count):
    groups = random_groups(seed, n, count)
    costs = [[groups.costs.tolist()[i] for i in nodes] for nodes in members_of(groups)]
    left, right = np.triu_indices(len(costs), 1)
    needed = groups.needed_between(left, right)
    for i, j, found in zip(left.tolist(), right.tolist(), needed.tolist(), strict=True):
        more = paid(costs[i] + costs[j]) - paid(costs[i]) - paid(costs[j])
        assert found == pytest.approx(0.12 + more / (len(costs[i]) * len(costs[j])))


def test_no_texts_need_nothing():
    groups = random_groups(0, 0)
    none = np.empty(0, dtype=np.int64)
    assert groups.needed_by_texts.tolist() == groups.needed_between(none, none).tolist() == []


# Between stories


@EXAMPLES
@given(SEEDS, st.integers(0, 25), st.integers(1, 8), st.sampled_from([0.05, 0.5]))
def test_similarities_between_stories_are_those_of_the_slow_twin(seed, n, count, density):
    groups = random_groups(seed, n, count, density)
    similarity = slow_similarity(groups)
    expected = {}
    for (i, ones), (j, others) in combinations(enumerate(members_of(groups)), 2):
        similarities = [similarity(a, b) for a in ones for b in others]
        if any(similarities):
            expected[i, j] = mean(similarities)
    left, right, between = groups.between()
    found = dict(zip(zip(left.tolist(), right.tolist(), strict=True), between.tolist(), strict=True))
    assert len(found) == len(left)
    assert found == pytest.approx(expected)


@EXAMPLES
@given(SEEDS, st.integers(0, 25), THRESHOLDS)
def test_small_stories_that_were_found_are_less_similar_than_they_need_for_one(seed, n, threshold):
    groups = found_groups(seed, n, threshold)
    left, right, between = groups.between()
    sizes = np.bincount(groups.episodes)
    small = (sizes[left] < LARGE) & (sizes[right] < LARGE) if n else np.empty(0, dtype=np.bool_)
    assert (between <= groups.needed_between(left, right) + 1e-9)[small].all()


def test_one_story_has_no_other():
    groups = groups_of(np.zeros(4, dtype=np.int64), random_edges(0, 4, density=1))
    assert [column.tolist() for column in groups.between()] == [[], [], []]


# At another threshold


@EXAMPLES
@given(SEEDS, st.integers(1, 25), THRESHOLDS, THRESHOLDS)
def test_a_higher_threshold_takes_stories_apart_and_a_lower_one_puts_them_together(seed, n, threshold, other):
    groups = found_groups(seed, n, threshold)
    again = groups.at(other, vectors_of(seed, n))
    assert again.threshold == other
    assert again.edges is groups.edges
    assert again.vocabulary is groups.vocabulary
    assert again.costs is groups.costs
    assert again.days is groups.days
    assert again.episodes.tolist() == numbered_by_first(again.episodes).tolist()
    if other >= threshold:
        assert_inside(again, groups)
    if other <= threshold:
        assert_inside(groups, again)


@EXAMPLES
@given(SEEDS, st.integers(1, 25))
def test_the_same_threshold_keeps_what_was_found(seed, n):
    groups = random_groups(seed, n)
    assert groups.at(groups.threshold, vectors_of(seed, n)) is groups


@EXAMPLES
@given(SEEDS, st.integers(1, 25), st.sampled_from([(0.05, 0.12), (0.12, 0.3), (0.3, 0.6)]))
def test_a_lower_threshold_is_met_no_worse_than_by_the_stories_as_they_were(seed, n, thresholds):
    low, high = thresholds
    groups = found_groups(seed, n, high, density=0.1)
    again = groups.at(low, vectors_of(seed, n))
    if np.bincount(again.episodes).max() < LARGE:  # larger ones are held against all pairs
        rest = low, groups.costs, np.ones(n, dtype=np.int64)
        adjacency = groups.edges.adjacency(n)
        assert objective(adjacency, again.episodes, *rest) >= objective(adjacency, groups.episodes, *rest) - 1e-9


@EXAMPLES
@given(SEEDS, st.integers(1, 25), st.sampled_from([(0.05, 0.12), (0.12, 0.3), (0.3, 0.6)]))
def test_another_threshold_parts_and_joins_as_the_search_does(seed, n, thresholds):
    low, high = thresholds
    groups, vectors = found_groups(seed, n, low), vectors_of(seed, n)
    reports = Reports(groups.days, vectors, np.arange(n))
    inside = groups.edges.within(groups.episodes)
    parts = partition(inside.adjacency(n), high, groups.costs)
    assert groups.at(high, vectors).episodes.tolist() == merged(reports, inside, parts, high, groups.costs).tolist()
    fine = found_groups(seed, n, high)
    expected = merged(reports, fine.edges, fine.episodes, low, fine.costs)
    assert fine.at(low, vectors).episodes.tolist() == expected.tolist()


def test_another_threshold_leaves_the_groups_as_they_were():
    groups = found_groups(3, 20, 0.3, density=0.2)
    before = groups.episodes.tolist(), groups.edges.similarity.tolist()
    assert groups.at(0.6, vectors_of(3, 20)).episodes.tolist() != before[0]
    assert groups.at(0.05, vectors_of(3, 20)).episodes.tolist() != before[0]
    assert (groups.episodes.tolist(), groups.edges.similarity.tolist()) == before
    assert groups.threshold == 0.3


# The whole tier


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("days", [[0.0, 0.5, 1.0], [0.0, 1.0, np.nan], [np.nan] * 3])
def test_texts_of_one_event_are_a_story(days, n_jobs):
    groups = find_stories(TEXTS, np.array(days), threshold=0.12, max_gap_days=21.0, n_jobs=n_jobs)
    assert groups.episodes.tolist() == [0, 1, 0]
    assert groups.threshold == 0.12
    assert groups.vocabulary.n_texts == 3
    assert groups.costs.tolist() == join_costs(vectorize_texts(TEXTS)[2]).tolist()
    assert groups.days.tolist() == pytest.approx(days, nan_ok=True)
    assert groups.episodes.tolist() == partition(groups.edges.adjacency(3), 0.12, groups.costs).tolist()
    assert groups.membership[0] == groups.membership[2] == groups.edges.similarity[0]


def test_texts_of_one_event_years_apart_are_two_stories():
    groups = find_stories(TEXTS, np.array([0.0, 1.0, 1000.0]), threshold=0.05, max_gap_days=21.0, n_jobs=1)
    assert groups.episodes.tolist() == [0, 1, 2]


@pytest.mark.parametrize("texts", [[], [""], ["", "?"], ["Kim"]])
def test_texts_without_company_are_alone(texts):
    groups = find_stories(texts, np.zeros(len(texts)), threshold=0.12, max_gap_days=21.0, n_jobs=1)
    assert groups.episodes.tolist() == list(range(len(texts)))
    assert groups.membership.tolist() == [1.0] * len(texts)
    assert [column.tolist() for column in groups.between()] == [[], [], []]
