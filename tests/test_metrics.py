"""BCubed and pairwise scores: by hand, against slow twins and against scikit-learn."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pair_confusion_matrix

from dedup import metrics
from dedup.metrics import bcubed, pairwise

METRICS = [bcubed, pairwise]


@st.composite
def two_groupings(draw):
    n = draw(st.integers(0, 25))
    labels = st.lists(st.integers(0, draw(st.integers(0, 8))), min_size=n, max_size=n)
    return draw(labels), draw(labels)


def harmonic(precision, recall):
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def slow_bcubed(true, found):
    """Item by item, as Bagga and Baldwin write it."""
    items = range(len(true))
    if not true:
        return 1.0, 1.0, 1.0
    precisions, recalls = [], []
    for i in items:
        both = sum(true[i] == true[j] and found[i] == found[j] for j in items)
        precisions.append(both / sum(found[i] == found[j] for j in items))
        recalls.append(both / sum(true[i] == true[j] for j in items))
    precision, recall = sum(precisions) / len(true), sum(recalls) / len(true)
    return precision, recall, harmonic(precision, recall)


def slow_pairwise(true, found):
    """Pair by pair."""
    pairs = list(combinations(range(len(true)), 2))
    in_true = {(i, j) for i, j in pairs if true[i] == true[j]}
    in_found = {(i, j) for i, j in pairs if found[i] == found[j]}
    precision = len(in_true & in_found) / len(in_found) if in_found else 1.0
    recall = len(in_true & in_found) / len(in_true) if in_true else 1.0
    return precision, recall, harmonic(precision, recall)


# By hand


@pytest.mark.parametrize(
    ("true", "found", "precision", "recall"),
    [
        ([0, 0, 1], [0, 0, 0], (2 / 3 + 2 / 3 + 1 / 3) / 3, 1),
        ([0, 0, 0, 0], [0, 0, 1, 1], 1, 1 / 2),
        ([0, 0, 1, 1], [0, 1, 1, 1], (1 + 1 / 3 + 2 / 3 + 2 / 3) / 4, (1 / 2 + 1 / 2 + 1 + 1) / 4),
        ([0, 0, 1, 1], [0, 1, 0, 1], 1 / 2, 1 / 2),
        ([0, 0, 0, 1, 1], [0, 0, 1, 1, 2], (1 + 1 + 1 / 2 + 1 / 2 + 1) / 5, (2 / 3 * 2 + 1 / 3 + 1 / 2 * 2) / 5),
        ([5], [7], 1, 1),
    ],
)
def test_bcubed_is_what_one_computes_by_hand(true, found, precision, recall):
    assert bcubed(true, found) == pytest.approx((precision, recall, harmonic(precision, recall)))


@pytest.mark.parametrize(
    ("true", "found", "precision", "recall"),
    [
        ([0, 0, 1], [0, 0, 0], 1 / 3, 1),
        ([0, 0, 0, 0], [0, 0, 1, 1], 1, 2 / 6),
        ([0, 0, 1, 1], [0, 1, 1, 1], 1 / 3, 1 / 2),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0, 0),
        ([0, 0, 0, 1, 1], [0, 0, 1, 1, 2], 1 / 2, 1 / 4),
        ([5], [7], 1, 1),
    ],
)
def test_pairwise_is_what_one_computes_by_hand(true, found, precision, recall):
    assert pairwise(true, found) == pytest.approx((precision, recall, harmonic(precision, recall)))


@pytest.mark.parametrize("metric", METRICS)
def test_a_perfect_grouping_scores_exactly_one(metric):
    assert metric([0, 0, 1, 2, 2, 2], [3, 3, 0, 1, 1, 1]) == (1, 1, 1)


@pytest.mark.parametrize("metric", METRICS)
def test_no_items_score_one(metric):
    assert metric([], []) == (1, 1, 1)


def test_every_item_alone_is_precise_and_recalls_little():
    assert bcubed([0, 0, 0, 0], [0, 1, 2, 3]) == pytest.approx((1, 1 / 4, 2 / 5))
    assert pairwise([0, 0, 0, 0], [0, 1, 2, 3]) == (1, 0, 0)


def test_all_items_together_recall_all_and_are_imprecise():
    assert bcubed([0, 1, 2, 3], [0, 0, 0, 0]) == pytest.approx((1 / 4, 1, 2 / 5))
    assert pairwise([0, 1, 2, 3], [0, 0, 0, 0]) == (0, 1, 0)


@pytest.mark.parametrize("metric", METRICS)
def test_all_alone_in_both_is_perfect(metric):
    assert metric([0, 1, 2], [2, 0, 1]) == (1, 1, 1)


def test_a_big_group_weighs_by_its_items_in_bcubed_and_by_its_pairs_in_pairwise():
    true = [0] * 10 + [1, 1]
    found = [0] * 10 + [1, 2]
    assert bcubed(true, found).recall == pytest.approx(11 / 12)
    assert pairwise(true, found).recall == pytest.approx(45 / 46)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("form", [list, tuple, np.array, lambda labels: np.array(labels, dtype=object)])
def test_labels_may_be_strings(metric, form):
    true, found = form(["kim", "kim", "séisme"]), form(["a", "b", "b"])
    assert metric(true, found) == metric([0, 0, 1], [0, 1, 1])


@pytest.mark.parametrize("metric", METRICS)
def test_labels_of_the_two_may_be_of_different_kinds(metric):
    assert metric(["kim", "kim", "séisme"], np.array([7, 8, 8])) == metric([0, 0, 1], [0, 1, 1])


@pytest.mark.parametrize("metric", METRICS)
def test_labels_may_be_large_and_negative(metric):
    assert metric([-(2**62), -(2**62), 2**62], [10**9, -5, -5]) == metric([0, 0, 1], [0, 1, 1])


@pytest.mark.parametrize("metric", METRICS)
def test_scores_have_names(metric):
    scores = metric([0, 0, 1], [0, 0, 0])
    assert (scores.precision, scores.recall, scores.f1) == tuple(scores)
    assert all(type(score) is float for score in scores)


# Against slow twins


@given(two_groupings())
@settings(deadline=None, max_examples=200)
def test_bcubed_equals_its_slow_twin(groupings):
    assert bcubed(*groupings) == pytest.approx(slow_bcubed(*groupings))


@given(two_groupings())
@settings(deadline=None, max_examples=200)
def test_pairwise_equals_its_slow_twin(groupings):
    assert pairwise(*groupings) == pytest.approx(slow_pairwise(*groupings))


@given(two_groupings().filter(lambda groupings: groupings[0]))
@settings(deadline=None, max_examples=100)
def test_pairwise_equals_scikit_learn(groupings):
    (_, false_positive), (false_negative, true_positive) = pair_confusion_matrix(*groupings)
    found, true = true_positive + false_positive, true_positive + false_negative
    scores = pairwise(*groupings)
    assert scores.precision == pytest.approx(true_positive / found if found else 1.0)
    assert scores.recall == pytest.approx(true_positive / true if true else 1.0)


# Properties


@pytest.mark.parametrize("metric", METRICS)
@given(two_groupings())
@settings(deadline=None, max_examples=60)
def test_precision_one_way_is_recall_the_other(metric, groupings):
    one, other = metric(*groupings), metric(*reversed(groupings))
    assert one.precision == pytest.approx(other.recall)
    assert one.f1 == pytest.approx(other.f1)


@pytest.mark.parametrize("metric", METRICS)
@given(two_groupings(), st.permutations(range(9)), st.permutations("abcdefghi"))
@settings(deadline=None, max_examples=60)
def test_the_names_of_labels_do_not_matter(metric, groupings, numbers, letters):
    true, found = groupings
    renamed = metric([numbers[label] for label in true], [letters[label] for label in found])
    assert renamed == pytest.approx(metric(true, found))


@pytest.mark.parametrize("metric", METRICS)
@given(two_groupings(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_of_items_does_not_matter(metric, groupings, random):
    true, found = groupings
    order = random.sample(range(len(true)), len(true))
    assert metric([true[i] for i in order], [found[i] for i in order]) == pytest.approx(metric(true, found))


@pytest.mark.parametrize("metric", METRICS)
@given(two_groupings())
@settings(deadline=None, max_examples=60)
def test_scores_lie_between_0_and_1(metric, groupings):
    assert all(0 <= score <= 1 for score in metric(*groupings))


@pytest.mark.parametrize("metric", METRICS)
def test_the_arguments_are_not_changed(metric):
    true, found = np.array([1, 1, 0]), np.array([2, 0, 0])
    metric(true, found)
    assert (true.tolist(), found.tolist()) == ([1, 1, 0], [2, 0, 0])


@pytest.mark.parametrize("metric", METRICS)
def test_many_items_are_no_burden(metric):
    labels = np.arange(200_000)
    expected = (1, 1 / 2, 2 / 3) if metric is bcubed else (1, 1 / 3, 1 / 2)
    assert metric(labels // 4, labels // 2) == pytest.approx(expected)


# Errors


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("true", "found", "shapes"),
    [
        ([0, 1], [0], ["(2,)", "(1,)"]),
        ([], [0], ["(0,)", "(1,)"]),
        ([[0, 1]], [[0, 1]], ["(1, 2)"]),
        ([0, 1], [[0], [1]], ["(2,)", "(2, 1)"]),
        (0, 0, ["()"]),
    ],
)
def test_labels_of_the_wrong_shape_are_refused(metric, true, found, shapes):
    with pytest.raises(ValueError, match="true_labels and found_labels") as caught:
        metric(true, found)
    for part in (*shapes, "allowed: (n,) for both"):
        assert part in str(caught.value)


def test_both_are_public():
    assert (metrics.bcubed, metrics.pairwise) == (bcubed, pairwise)
