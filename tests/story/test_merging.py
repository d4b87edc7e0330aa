"""Joins of whole stories, against a twin that looks at every pair of days by plain loops."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from graphs import random_costs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, numbered_by_first
from dedup.story import merging
from dedup.story.candidates import FLOOR, Edges
from dedup.story.merging import Reports, merged
from dedup.story.partition import partition
from dedup.story.similarity import time_factor

EXAMPLES = settings(deadline=None, max_examples=80)
SEEDS = st.integers(0, 2**32)
THRESHOLDS = st.sampled_from([0.08, 0.12, 0.3])
#: With these, few reports are enough for stories that are large, and that take in others.
SMALL = {"LARGE": 2, "ABSORBING": 4, "SMALL_SHARE": 0.5}


@contextmanager
def constants(**values):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(merging, name, value)
        yield


@dataclass
class Case:
    """Reports of a few events, as nodes of a graph that lacks some of the pairs."""

    dense: Floats
    days: Floats
    edges: Edges
    costs: Floats
    labels: Integers  # the stories of the graph alone

    def merged(self, threshold, labels=None):
        vectors = csr_array(self.dense)
        reports = Reports(self.days, lambda rows: vectors[rows], np.arange(len(self.days)))
        return merged(reports, self.edges, self.labels if labels is None else labels, threshold, self.costs)


def random_case(seed, n, threshold, undated=0.2, kept=0.5):
    rng = np.random.default_rng(seed)
    events = rng.integers(0, max(1, n // 6), n)
    dense = rng.random((n, 12)) * (rng.random((n, 12)) < 0.3) * (rng.random((n, 1)) < 0.95)
    dense += rng.random((n // 6 + 1, 12))[events] * rng.choice([0.3, 1.0])
    dense /= np.maximum(np.sqrt((dense**2).sum(axis=1, keepdims=True)), 1e-9) * rng.uniform(1, 2, (n, 1))
    days = np.where(rng.random(n) < undated, np.nan, rng.uniform(0, rng.choice([1.0, 6.0, 30.0]), n))
    left, right = np.triu_indices(n, 1)
    similarity = (dense[left] * dense[right]).sum(axis=1) * time_factor(days[left], days[right], 3.0)
    seen = (similarity >= FLOOR) & (rng.random(len(left)) < kept)
    edges = Edges(left[seen].astype(np.int64), right[seen].astype(np.int64), similarity[seen])
    costs = random_costs(seed, np.ones(n, dtype=np.int64))
    return Case(dense, days, edges, costs, partition(edges.adjacency(n), threshold, costs))


# The twin


def slow_factor(day, other):
    gap = abs(day - other)
    return 0.7 if np.isnan(gap) else 0.0 if gap > 14 else np.exp(-gap / 15)


def slow_days(case, story):
    """Sum of the vectors and mean publication of the reports of each day; those without a date are of one day."""
    by_day = {}
    for report in story:
        day = case.days[report]
        by_day.setdefault("undated" if np.isnan(day) else int(day // 1), []).append(report)
    return [(sum(case.dense[r] for r in own), float(np.mean(case.days[own]))) for own in by_day.values()]


def slow_sum(case, story, other):
    """Sum of the similarities between the reports of two stories."""
    pairs = [(one, two) for one in slow_days(case, story) for two in slow_days(case, other)]
    return sum(float(one @ two) * slow_factor(day, other_day) for (one, day), (two, other_day) in pairs)


def slow_within(case, story):
    """Sum of the similarities of the reports of a story, each pair once."""
    itself = sum(float(case.dense[r] @ case.dense[r]) * slow_factor(case.days[r], case.days[r]) for r in story)
    return (slow_sum(case, story, story) - itself) / 2


def known_pairs(case):
    return zip(*(column.tolist() for column in facts(case.edges)), strict=True)


@EXAMPLES
@given(SEEDS, st.integers(1, 30), st.integers(1, 6))
def test_sums_over_all_pairs_of_reports_are_those_of_plain_loops(seed, n, count):
    case = random_case(seed, n, 0.12)
    case.days = np.where(np.random.default_rng(seed).random(n) < 0.2, np.floor(case.days), case.days)
    labels = numbered_by_first(np.random.default_rng(seed).integers(0, count, n))
    groups = stories_of(labels)
    sums = merging._DaySums.of(csr_array(case.dense), case.days, labels, len(groups))
    within = sums.within(np.arange(len(groups)))
    assert within == pytest.approx([slow_within(case, story) for story in groups], abs=1e-9)
    left, right = np.triu_indices(len(groups), 1)
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    expected = [slow_sum(case, groups[i], groups[j]) for i, j in pairs]
    assert sums.between(left, right) == pytest.approx(expected, abs=1e-9)
    assert sums.between(right, left) == pytest.approx(expected, abs=1e-9)


def test_reports_of_one_day_fade_as_one_from_their_mean_publication():
    rows = csr_array(np.ones((4, 1)))
    days = np.array([3.2, 3.8, 5.5, np.nan])
    sums = merging._DaySums.of(rows, days, np.array([0, 0, 1, 2]), 3)
    found = sums.between(np.array([0, 0, 1]), np.array([1, 2, 2])).tolist()
    assert found == pytest.approx([2 * np.exp(-2 / 15), 2 * 0.7, 0.7])
    assert sums.within(np.arange(3)).tolist() == pytest.approx([1.0, 0.0, 0.0])
    # Two of two days, then two without a date, of which a pair has the factor of undated ones.
    sums = merging._DaySums.of(rows, np.array([3.9, 4.1, np.nan, np.nan]), np.array([0, 0, 1, 1]), 2)
    assert sums.within(np.arange(2)).tolist() == pytest.approx([np.exp(-0.2 / 15), 0.7])


def slow_between(case, story, other):
    """None where no pair of reports is known to be similar; else the sum over all pairs if one of two is large."""
    known = [v for i, j, v in known_pairs(case) if (i in story and j in other) or (j in story and i in other)]
    if not known:
        return None
    return slow_sum(case, story, other) if max(len(story), len(other)) >= merging.LARGE else sum(known)


def slow_unions(stories, costs, between, threshold):
    """Labels of stories, those that `partition` unites having one."""
    graph = np.zeros((len(stories), len(stories)))
    for (i, j), total in between.items():
        graph[i, j] = graph[j, i] = total
    sizes = np.array([len(story) for story in stories])
    return partition(csr_array(graph), threshold, np.array([costs[story].sum() for story in stories]), sizes).tolist()


def joined(stories, labels):
    """Stories of one label as one, by first member."""
    found = {}
    for story, label in zip(stories, labels, strict=True):
        found.setdefault(label, []).extend(story)
    return sorted(sorted(story) for story in found.values())


def all_between(case, stories):
    pairs = {(i, j): slow_between(case, stories[i], stories[j]) for j in range(len(stories)) for i in range(j)}
    return {pair: total for pair, total in pairs.items() if total is not None}


def slow_absorbed(case, parts, unions):
    """Labels of stories after large ones took in small ones; unions keep the similarities of their parts."""
    stories, labels = joined(parts, unions), list(range(len(joined(parts, unions))))
    place = {tuple(part): next(k for k, s in enumerate(stories) if set(part) <= set(s)) for part in parts}
    between = {}
    for (i, j), total in all_between(case, parts).items():
        ends = tuple(sorted((place[tuple(parts[i])], place[tuple(parts[j])])))
        between[ends] = between.get(ends, 0.0) + total
    for small, story in enumerate(stories):
        best = None
        for (i, j), total in between.items():
            large = j if i == small else i
            if small not in (i, j) or i == j or len(stories[large]) < merging.ABSORBING:
                continue
            size, inside = len(stories[large]), slow_cohesion(case, parts, stories[large])
            mean = total / (len(story) * size)
            cohesion = inside / (size * (size - 1) / 2)
            enough = mean >= FLOOR and mean >= merging.COHESION_SHARE * cohesion
            if enough and len(story) <= merging.SMALL_SHARE * size and (best is None or mean > best[0]):
                best = mean, large
        if best is not None:
            old, new = labels[small], labels[best[1]]
            labels = [new if label == old else label for label in labels]
    return joined(stories, labels)


def slow_cohesion(case, parts, story):
    """Sum of the similarities within a story that is made of parts, as far as they were looked at."""
    own, total = [part for part in parts if set(part) <= set(story)], 0.0
    for part in own:
        known = sum(value for i, j, value in known_pairs(case) if i in part and j in part)
        total += slow_within(case, part) if len(part) >= merging.LARGE else known
    return total + sum(all_between(case, own).values())


def slow_merged(case, threshold):
    stories = joined([[i] for i in range(len(case.days))], case.labels.tolist())
    while True:
        unions = slow_unions(stories, case.costs, all_between(case, stories), threshold)
        found = slow_absorbed(case, stories, unions)
        if len(found) == len(stories):
            return stories
        stories = found


def stories_of(labels):
    return joined([[i] for i in range(len(labels))], labels.tolist())


@EXAMPLES
@given(SEEDS, st.integers(0, 26), THRESHOLDS, st.sampled_from([SMALL, {"LARGE": 3, "ABSORBING": 8}, {}]))
def test_the_stories_are_those_of_the_slow_twin(seed, n, threshold, sizes):
    case = random_case(seed, n, threshold)
    with constants(**sizes):
        assert stories_of(case.merged(threshold)) == slow_merged(case, threshold)


def test_the_twin_sees_joins_of_both_kinds():
    joins = absorptions = 0
    for seed in range(60):
        case = random_case(seed, 24, 0.12)
        with constants(**SMALL):
            found = case.merged(0.12)
            with constants(ABSORBING=100):
                without = case.merged(0.12)
        joins += without.max() < case.labels.max()
        absorptions += found.max() < without.max()
    assert joins > 15
    assert absorptions > 15


# What holds for any reports


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS, st.sampled_from([SMALL, {}]), st.integers(1, 12))
def test_stories_are_unions_of_the_given_ones_numbered_by_first_member(seed, n, threshold, sizes, count):
    case = random_case(seed, n, threshold)
    for labels in (case.labels, numbered_by_first(np.random.default_rng(seed).integers(0, count, n))):
        with constants(**sizes):
            found = case.merged(threshold, labels)
        assert found.tolist() == numbered_by_first(found).tolist()
        assert len(set(zip(labels.tolist(), found.tolist(), strict=True))) == labels.max(initial=-1) + 1


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS, st.sampled_from([SMALL, {}]))
def test_what_is_merged_stays_so_when_it_is_merged_again(seed, n, threshold, sizes):
    case = random_case(seed, n, threshold)
    with constants(**sizes):
        found = case.merged(threshold)
        assert case.merged(threshold, found).tolist() == found.tolist()


@EXAMPLES
@given(SEEDS, st.integers(1, 25), st.integers(1, 25), THRESHOLDS)
def test_unrelated_reports_change_nothing_for_others(seed, n, others, threshold):
    one, other = random_case(seed, n, threshold), random_case(seed + 1, others, threshold)
    # The same words, but no edge between the two: they are not compared.
    edges = Edges(*map(np.concatenate, zip(facts(one.edges), facts(other.edges, n), strict=True)))
    columns = ([getattr(case, name) for case in (one, other)] for name in ("dense", "days", "costs"))
    dense, days, costs = map(np.concatenate, columns)
    both = Case(dense, days, edges, costs, np.concatenate([one.labels, other.labels + one.labels.max() + 1]))
    with constants(**SMALL):
        found = both.merged(threshold)
        assert found[:n].tolist() == one.merged(threshold).tolist()
        assert numbered_by_first(found[n:]).tolist() == other.merged(threshold).tolist()


def facts(edges, shift=0):
    return edges.left + shift, edges.right + shift, edges.similarity


def summed(edges, nodes):
    """Edges between nodes that stand for several reports."""
    sums = {}
    for i, j, value in zip(nodes[edges.left], nodes[edges.right], edges.similarity, strict=True):
        if i != j:
            sums[min(i, j), max(i, j)] = sums.get((min(i, j), max(i, j)), 0.0) + value
    pairs = np.array(sorted(sums), dtype=np.int64).reshape(-1, 2)
    return Edges(pairs[:, 0], pairs[:, 1], np.array([sums[pair] for pair in sorted(sums)], dtype=np.float64))


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS, st.integers(1, 30), st.sampled_from([SMALL, {}]))
def test_a_node_that_stands_for_reports_is_as_they_are_in_one_story(seed, n, threshold, count, constants_):
    case = random_case(seed, n, threshold)
    nodes = numbered_by_first(np.random.default_rng(seed).integers(0, count, n))
    k = int(nodes.max(initial=-1)) + 1
    order = np.random.default_rng(seed).permutation(n)  # the reports of a node need not come one after the other
    vectors = csr_array(case.dense[order])
    reports = Reports(case.days[order], lambda rows: vectors[rows], nodes[order])
    costs = np.bincount(nodes, weights=case.costs, minlength=k).astype(np.float64)
    with constants(**constants_):
        united = case.merged(threshold, nodes)
        sizes = np.bincount(nodes, minlength=k)
        found = merged(reports, summed(case.edges, nodes), np.arange(k), threshold, costs, sizes)
    assert found[nodes].tolist() == united.tolist()


@EXAMPLES
@given(SEEDS, st.integers(0, 40), THRESHOLDS)
def test_only_reports_of_large_stories_and_of_those_near_them_are_loaded(seed, n, threshold):
    case, loaded = random_case(seed, n, threshold), []
    vectors = csr_array(case.dense)

    def load(rows):
        loaded.append(rows.tolist())
        return vectors[rows]

    merged(Reports(case.days, load, np.arange(n)), case.edges, case.labels, threshold, case.costs)
    sizes = np.bincount(case.labels, minlength=n)
    left, right = case.labels[case.edges.left], case.labels[case.edges.right]
    wanted = set(np.flatnonzero(sizes >= 5).tolist())
    wanted |= {int(b) for a, b in [*zip(left, right, strict=True), *zip(right, left, strict=True)] if sizes[a] >= 5}
    assert loaded[0] == [i for i in range(n) if case.labels[i] in wanted]


def test_no_reports_have_no_stories():
    assert random_case(0, 0, 0.12).merged(0.12).tolist() == []
