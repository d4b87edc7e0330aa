"""Pieces of one story come together, and large stories take in small ones: where that begins and ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dedup.story import merging
from dedup.story.candidates import Edges
from dedup.story.merging import ABSORBING, COHESION_SHARE, LARGE, LEAST_MEAN, SMALL_SHARE, Reports, merged
from dedup.story.partition import cost_of_joining, partition

EXAMPLES = settings(deadline=None, max_examples=60)


def absorbed(sizes, between, cohesion):
    """Labels of stories with these numbers of reports, after large ones took in small ones.

    `between` are mean similarities by pair, and `cohesion` is that of every story.
    """
    sizes, pairs = np.array(sizes), np.array(sorted(between)).reshape(-1, 2)
    sums = np.array([between[pair] for pair in sorted(between)]) * sizes[pairs[:, 0]] * sizes[pairs[:, 1]]
    within = cohesion * sizes * (sizes - 1) / 2
    stories = merging._Episodes(pairs[:, 0], pairs[:, 1], sums, within, sizes, np.zeros(len(sizes)))
    return merging._absorbed(stories).tolist()


def like(*similarities):
    """Vectors of reports that have these similarities to the first direction and none among themselves."""
    n = len(similarities)
    rows = np.zeros((n, n + 1))
    rows[:, 0] = np.sqrt(similarities)
    rows[np.arange(n), np.arange(n) + 1] = np.sqrt(1 - np.array(similarities))
    return rows


def every_edge(rows, pairs):
    left, right = np.array(sorted(pairs)).T
    return Edges(left, right, (rows[left] * rows[right]).sum(axis=1))


def edges_with(edges, similarities):
    """Edges of which some, or others, have these similarities."""
    known = dict(zip(zip(edges.left.tolist(), edges.right.tolist(), strict=True), edges.similarity, strict=True))
    known |= similarities
    left, right = np.array(sorted(known)).T
    return Edges(left, right, np.array([known[pair] for pair in sorted(known)]))


def stories(rows, edges, threshold=0.12, cost=0.1, days=None, labels=None):
    """Stories of reports of one day by their edges alone, and by all pairs."""
    n, vectors = len(rows), csr_array(rows)
    days, costs = np.zeros(n) if days is None else np.array(days), np.full(n, cost)
    before = partition(edges.adjacency(n), threshold, costs) if labels is None else np.array(labels)
    reports = Reports(days, lambda places: vectors[places], np.arange(n))
    return before.tolist(), merged(reports, edges, before, threshold, costs).tolist()


def all_pairs(reports):
    return {(i, j) for i in reports for j in reports if i < j}


# Pieces of one story


def test_a_large_story_that_the_graph_has_in_pieces_comes_together():
    rows = like(*[0.5] * 30)  # any two have 0.5
    pairs = all_pairs(range(15)) | all_pairs(range(15, 30)) | {(i, 15 + i) for i in range(5)}
    before, after = stories(rows, every_edge(rows, pairs), threshold=0.3)
    assert before == [0] * 15 + [1] * 15
    assert after == [0] * 30


def test_pieces_without_a_known_pair_stay_apart():
    rows = like(*[0.5] * 30)
    before, after = stories(rows, every_edge(rows, all_pairs(range(15)) | all_pairs(range(15, 30))))
    assert before == after == [0] * 15 + [1] * 15


def test_large_stories_that_are_alike_in_few_pairs_only_stay_apart():
    rows = np.zeros((24, 26))
    rows[:12, :13], rows[12:, 13:] = like(*[0.5] * 12), like(*[0.5] * 12)
    edges = every_edge(rows, all_pairs(range(12)) | all_pairs(range(12, 24)))
    bridge = edges_with(edges, {(0, 12): 0.9})
    before, after = stories(rows, bridge)
    assert before == after == [0] * 12 + [1] * 12


@pytest.mark.parametrize(("size", "together"), [(LARGE, True), (LARGE - 1, False)])
def test_only_a_large_story_is_compared_by_all_pairs(size, together):
    rows = like(*[0.4] * (2 * size))
    pairs = all_pairs(range(size)) | all_pairs(range(size, 2 * size)) | {(0, size), (1, size + 1)}
    given = [0] * size + [1] * size
    _, after = stories(rows, every_edge(rows, pairs), labels=given)
    assert (after == [0] * (2 * size)) == together


def test_one_large_story_of_two_is_enough():
    rows = like(*[0.3] * (LARGE + 1))
    _, after = stories(rows, every_edge(rows, all_pairs(range(LARGE)) | {(0, LARGE)}), labels=[0] * LARGE + [1])
    assert after == [0] * (LARGE + 1)


@pytest.mark.parametrize("size", [LARGE, ABSORBING - 1, ABSORBING])
@pytest.mark.parametrize("more", [1e-6, -1e-6])
def test_a_story_below_the_largest_is_not_compared_with_what_is_hardly_like_it_by_the_edges(size, more):
    # All pairs have 0.5, and the edges between the two stories so little together; a cost makes no difference.
    rows, left = like(*[0.5] * (size + 3)), range(size)
    edges = every_edge(rows, all_pairs(left) | all_pairs(range(size, size + 3)) | {(0, size)})
    known = edges_with(edges, {(0, size): (LEAST_MEAN + more) * size * 3})
    _, after = stories(rows, known, cost=0.0, labels=[0] * size + [1] * 3)
    assert (after == [0] * (size + 3)) == (more > 0 or size == ABSORBING)


@pytest.mark.parametrize(("size", "known", "together"), [(5, 0.0201, True), (5, 0.0199, False), (4, 0.0201, False)])
def test_from_five_reports_on_and_two_hundredths_by_the_edges_all_pairs_are_looked_at(size, known, together):
    rows = like(*[0.5] * (size + 3))
    edges = every_edge(rows, all_pairs(range(size)) | all_pairs(range(size, size + 3)) | {(0, size)})
    edges = edges_with(edges, {(0, size): known * size * 3})
    _, after = stories(rows, edges, cost=0.0, labels=[0] * size + [1] * 3)
    assert (after == [0] * (size + 3)) == together


def test_what_is_hardly_like_a_story_by_the_edges_is_not_even_loaded():
    rows, loaded = like(*[0.5] * (ABSORBING + 2)), []
    edges = edges_with(every_edge(rows, all_pairs(range(14)) | {(14, 15), (0, 14)}), {(0, 14): 0.1})
    labels = np.array([0] * 14 + [1] * 3)
    reports = Reports(np.zeros(17), lambda rows_: loaded.extend(rows_) or csr_array(rows[rows_]), np.arange(17))
    assert merged(reports, edges, labels, 0.12, np.zeros(17)).tolist() == labels.tolist()
    assert loaded == []


@pytest.mark.parametrize(("more", "together"), [(1e-6, True), (-1e-6, False)])
def test_two_large_stories_need_the_threshold_and_what_they_pay_more_as_one(more, together):
    # Six reports of the first, with 0.5 among themselves, and six of the second: so much from one to the other.
    needed = 0.12 + cost_of_joining(6 * 0.3, 6, 6 * 0.3, 6) / 36
    rows = np.zeros((12, 14))
    rows[:6, 0] = np.sqrt(0.5)
    rows[6:, 0] = (needed + more) / np.sqrt(0.5)
    rows[6:, 1] = np.sqrt(0.5)
    pairs = all_pairs(range(12))
    _, after = stories(rows, every_edge(rows, pairs), cost=0.3, labels=[0] * 6 + [1] * 6)
    assert (after == [0] * 12) == together


@EXAMPLES
@given(st.floats(0.05, 13), st.floats(0.1, 0.9))
def test_reports_of_a_day_fade_with_the_days_between_as_one(gap, similarity):
    rows, days = like(*[similarity] * 30), np.array([0.0] * 15 + [gap] * 15)
    pairs = all_pairs(range(15)) | all_pairs(range(15, 30)) | {(0, 15)}
    edges = every_edge(rows, pairs)
    _, after = stories(rows, edges, cost=0.0, days=days, labels=[0] * 15 + [1] * 15)
    faded = similarity * np.exp(-gap / 15) if gap >= 1 else None
    if faded is None or abs(faded - 0.12) < 1e-6:
        return
    assert (after == [0] * 30) == (faded > 0.12)


def test_reports_of_one_day_count_as_of_one_moment_and_undated_ones_as_undated():
    rows = like(*[0.13] * 30)
    edges = every_edge(rows, all_pairs(range(15)) | all_pairs(range(15, 30)) | {(0, 15)})
    given = [0] * 15 + [1] * 15
    united, apart = [0] * 30, given
    for other, expected in ((0.0, united), (0.4, united), (5.0, apart), (20.0, apart), (np.nan, apart)):
        days = np.array([0.0] * 15 + [other] * 15)
        assert stories(rows, edges, cost=0.0, days=days, labels=given)[1] == expected
    undated = np.array([0.0] * 15 + [np.nan] * 15)
    assert stories(rows, edges, threshold=0.09, cost=0.0, days=undated, labels=given)[1] == united  # 0.7 of 0.13


# Texts in two languages, which an encoder finds alike and whose words are not


def in_two_languages(size, other):
    """Reports of an event in two languages: no words in common between them, and any two with 0.4 within one."""
    rows = np.zeros((size + other, size + other + 2))
    rows[:size, : size + 1], rows[size:, size + 1 :] = like(*[0.4] * size), like(*[0.4] * other)
    return rows, every_edge(rows, all_pairs(range(size)) | all_pairs(range(size, size + other)))


@pytest.mark.parametrize("size", [LARGE, ABSORBING])
@pytest.mark.parametrize(("similarity", "together"), [(0.31, True), (0.29, False)])
def test_what_an_encoder_finds_alike_counts_between_large_stories_in_two_languages(size, similarity, together):
    rows, edges = in_two_languages(size, size)
    across = {(i, size + j): similarity for i in range(size) for j in range(size)}
    given = [0] * size + [1] * size
    _, after = stories(rows, edges_with(edges, across), threshold=0.3, cost=0.0, labels=given)
    assert after == ([0] * (2 * size) if together else given)


@pytest.mark.parametrize(("similarity", "inside"), [(0.19, True), (0.14, False)])
def test_what_an_encoder_finds_alike_counts_within_a_large_story(similarity, inside):
    # Half of the story is in another language. With the edges its mean is 0.4; by words alone it would be 0.19, and a
    # report of 0.14 would be near enough.
    rows, edges = in_two_languages(10, 10)
    across = {(i, 10 + j): 0.4 for i in range(10) for j in range(10)}
    rows = np.vstack([np.hstack([rows, np.zeros((20, 1))]), np.eye(23)[-1:]])
    near = {(i, 20): similarity for i in range(20)}
    _, after = stories(rows, edges_with(edges, across | near), threshold=0.3, cost=0.0, labels=[0] * 20 + [1])
    assert after == ([0] * 21 if inside else [0] * 20 + [1])


# In rounds


@pytest.mark.parametrize(("size", "other", "together"), [(12, 3, True), (13, 2, True), (8, 7, True), (11, 3, False)])
def test_a_story_that_has_become_large_is_compared_again(size, other, together):
    # Two pieces come together. Where they are so many for the first time that one edge is enough, all pairs with the
    # rest are looked at.
    whole = size + other
    rows = like(*[0.5] * (whole + 5))
    pairs = all_pairs(range(whole)) | all_pairs(range(whole, whole + 5)) | {(0, whole)}
    _, after = stories(rows, every_edge(rows, pairs), cost=0.0, labels=[0] * size + [1] * other + [2] * 5)
    assert after == ([0] * (whole + 5) if together else [0] * whole + [1] * 5)


def growing(rings):
    """A story of 15 and rings of two small stories each, near enough for what the story is once it has the ring before.

    Each is a fifth of that or less, and more than a fifth of what the story was before.
    """
    sizes = [ABSORBING, *(size for size in rings for _ in range(2))]
    labels = np.repeat(np.arange(len(sizes)), sizes)
    similarity = np.where(labels[:, None] == labels, 0.5, 0.2)
    edges = all_pairs(range(len(labels)))
    left, right = np.array(sorted(edges)).T
    return np.zeros((len(labels), 1)), Edges(left, right, similarity[left, right]), labels.tolist()


def test_stories_take_in_others_in_three_rounds_at_most():
    rows, edges, labels = growing([3, 4, 5, 7])
    _, after = stories(rows, edges, threshold=0.3, cost=0.0, labels=labels)
    taken = [label for label in range(9) if after[labels.index(label)] == 0]
    assert taken == [0, 1, 2, 3, 4, 5, 6]
    assert len(set(after)) == 3


def test_what_was_compared_stays_so_in_sums():
    # In the first round the story of 15 is compared with each of two pieces of 7, which then come together; grown by
    # nothing itself, and near a story that has, it is compared with that by all pairs, whose sum is the same.
    rows = like(*[0.5] * 29)
    pairs = all_pairs(range(15)) | all_pairs(range(15, 29)) | {(0, 15), (1, 22)}
    _, after = stories(rows, every_edge(rows, pairs), cost=0.0, labels=[0] * 15 + [1] * 7 + [2] * 7)
    assert after == [0] * 29


# Small stories near large ones


def near_story(n, similarity, size=1):
    """Reports of a story, and others that have this similarity to each of them; all with edges."""
    rows = np.zeros((n + size, n + size + 2))
    rows[:n, 0] = np.sqrt(0.5)
    rows[np.arange(n), np.arange(n) + 2] = np.sqrt(0.5)
    rows[n:, 0] = similarity / np.sqrt(0.5)
    rows[n:, 1] = np.sqrt(1 - rows[n, 0] ** 2)
    return rows, every_edge(rows, all_pairs(range(n)) | {(i, j) for i in range(n) for j in range(n, n + size)})


def test_a_single_report_near_a_story_of_three_stays_alone_and_near_a_large_one_it_does_not():
    for n, expected in ((3, [0] * 3 + [1]), (ABSORBING - 1, [0] * 14 + [1]), (ABSORBING, [0] * 16)):
        before, after = stories(*near_story(n, 0.25), threshold=0.3)
        assert before == [0] * n + [1]
        assert after == expected


@pytest.mark.parametrize(("more", "inside"), [(1e-6, True), (-1e-6, False)])
def test_a_single_report_needs_a_share_of_the_cohesion(more, inside):
    _, after = stories(*near_story(20, COHESION_SHARE * 0.5 + more), threshold=0.3)
    assert (after == [0] * 21) == inside


def test_similar_reports_of_a_small_story_come_along():
    rows, edges = near_story(20, 0.25, size=4)
    _, after = stories(rows, edges, threshold=0.3, labels=[0] * 20 + [1] * 4)
    assert after == [0] * 24


@pytest.mark.parametrize(("size", "takes"), [(ABSORBING, True), (ABSORBING - 1, False)])
def test_only_a_story_of_some_size_takes_in_others(size, takes):
    assert absorbed([1, size], {(0, 1): 0.3}, 0.5) == ([0, 0] if takes else [0, 1])


@pytest.mark.parametrize(("size", "taken"), [(3, True), (4, False)])
def test_only_stories_of_a_share_of_its_size_are_taken_in(size, taken):
    assert ABSORBING * SMALL_SHARE == 3
    assert absorbed([ABSORBING, size], {(0, 1): 0.3}, 0.5) == ([0, 0] if taken else [0, 1])


@pytest.mark.parametrize(("more", "taken"), [(0.0, True), (-1e-9, False)])
def test_they_are_a_share_as_similar_to_it_as_its_reports_are_to_each_other(more, taken):
    assert absorbed([20, 2], {(0, 1): 0.25 + more}, 0.625) == ([0, 0] if taken else [0, 1])


@pytest.mark.parametrize(("mean", "taken"), [(0.05, True), (0.0499, False)])
def test_they_are_as_similar_to_it_as_counts_at_all(mean, taken):
    assert absorbed([20, 1], {(0, 1): mean}, 0.1) == ([0, 0] if taken else [0, 1])


def test_of_several_the_closest_takes_it_in_and_of_equals_the_first():
    assert absorbed([20, 1, 30, 25], {(0, 1): 0.3, (1, 2): 0.4, (1, 3): 0.4}, 0.5) == [0, 1, 1, 2]
    assert absorbed([20, 1, 30, 25], {(0, 1): 0.3, (1, 2): 0.4, (1, 3): 0.4 + 1e-12}, 0.5) == [0, 1, 1, 2]
    assert absorbed([20, 1, 30, 25], {(0, 1): 0.3, (1, 2): 0.4, (1, 3): 0.41}, 0.5) == [0, 1, 2, 1]


def test_several_are_taken_in_at_once_and_those_may_take_in_others():
    assert absorbed([100, 1, 20, 2], {(0, 1): 0.3, (0, 2): 0.3, (2, 3): 0.4}, 0.5) == [0, 0, 0, 0]


def test_a_report_that_its_own_cost_keeps_alone_is_taken_in_whatever_it_costs():
    for cost in (0.0, 0.3):
        assert stories(*near_story(20, 0.25), threshold=0.3, cost=cost, labels=[0] * 20 + [1])[1] == [0] * 21


@pytest.mark.parametrize(("similarity", "inside"), [(0.19, False), (0.21, True)])
def test_pieces_that_come_together_are_as_cohesive_as_the_whole(similarity, inside):
    # The similarities between the pieces count too: else the mean within would be about half of 0.5.
    _, after = stories(*near_story(16, similarity), threshold=0.3, labels=[0] * 8 + [1] * 8 + [2])
    assert after == ([0] * 17 if inside else [0] * 16 + [1])
