"""Episodes -> stories: means, candidates, guards and joins against slow twins, and the visit itself."""

import re
from itertools import combinations

import numpy as np
import pytest
from graphs import slow_tie
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import dedup
from dedup.arrays import numbered_by_first
from dedup.story import episodes
from dedup.story.candidates import FLOOR
from dedup.story.episodes import (
    COST_FACTOR,
    EPISODE_MEMORY_DAYS,
    LONE_COST,
    THRESHOLD_SHARE,
    TIE_SHARE,
    Episodes,
    similar_episodes,
    stories_of,
)
from dedup.story.partition import join_costs, partition

EXAMPLES = settings(deadline=None, max_examples=100)
SEEDS = st.integers(0, 2**32)
GAPS = st.sampled_from([0.5, 3.0, 21.0, 366.0])


def random_reports(seed, n=30, count=12):
    """Vectors, days (some unknown), labels numbered by first member, and costs of reports in canonical order."""
    rng = np.random.default_rng(seed)
    topics = rng.random((4, 25)) * (rng.random((4, 25)) < 0.4)
    dense = topics[rng.integers(0, 4, n)] + rng.random((n, 25)) * (rng.random((n, 25)) < 0.2)
    dense /= np.maximum(np.sqrt((dense**2).sum(axis=1, keepdims=True)), 1e-9)
    days = np.sort(rng.random(n) * 60)
    days[n - int(rng.integers(0, 4)) :] = np.nan
    labels = numbered_by_first(rng.integers(0, count, n))
    return csr_array(dense.astype(np.float32)), days, labels, join_costs(rng.integers(0, 400, n))


def slow_episodes(vectors, days, labels):
    """Reports, first and last day, and mean cosine within each episode, pair by pair."""
    dense = vectors.toarray().astype(np.float64)
    found = []
    for label in range(max(labels, default=-1) + 1):
        own = np.flatnonzero(labels == label)
        dated = days[own][~np.isnan(days[own])]
        pairs = [dense[i] @ dense[j] for i, j in combinations(own, 2)]
        ends = (dated.min(), dated.max()) if len(dated) else (np.nan, np.nan)
        found.append((own, *ends, float(np.mean(pairs)) if pairs else 0.0))
    return dense, found


def slow_similarities(vectors, days, labels, max_gap_days, whole):
    """Similarity of any two episodes, 0 where they are not of one story, and the margin of each decision."""
    dense, of_labels = slow_episodes(vectors, days, labels)
    found = {}
    for (i, one), (j, other) in combinations(enumerate(of_labels), 2):
        mean = float(np.mean([dense[a] @ dense[b] for a in one[0] for b in other[0]]))
        gap = np.maximum(0.0, np.maximum(one[1], other[1]) - np.minimum(one[2], other[2]))
        similarity = mean * np.exp(-gap / EPISODE_MEMORY_DAYS)
        tie = TIE_SHARE * slow_tie((one[3], len(one[0])), (other[3], len(other[0])), whole)
        kept = gap <= max_gap_days and similarity >= FLOOR and mean >= tie  # an unknown gap is not
        close = min(abs(similarity - FLOOR), abs(mean - tie), abs(min(one[3], other[3]) - FLOOR)) < 1e-6
        found[i, j] = (similarity if kept else 0.0, close)
    return found


# Episodes


@EXAMPLES
@given(SEEDS, st.integers(1, 30))
def test_facts_of_episodes_are_those_of_the_slow_twin(seed, n):
    vectors, days, labels, costs = random_reports(seed, n)
    found = Episodes.of(vectors, days, labels, costs)
    dense, expected = slow_episodes(vectors, days, labels)
    for k, (own, first, last, within) in enumerate(expected):
        assert np.allclose(found.means[[k]].toarray(), dense[own].mean(axis=0), atol=1e-6)
        assert np.array_equal([found.first[k], found.last[k]], [first, last], equal_nan=True)
        assert found.within[k] == pytest.approx(within, abs=1e-6)
        assert found.sizes[k] == len(own)
        assert found.costs[k] == pytest.approx(COST_FACTOR * costs[own].mean() + LONE_COST * (len(own) == 1), abs=1e-6)


@EXAMPLES
@given(SEEDS, GAPS, st.sampled_from([2, 4, episodes.WHOLE]))
def test_similar_pairs_are_those_of_the_slow_twin(seed, max_gap_days, whole):
    reports = random_reports(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(episodes, "WHOLE", whole)
        edges = similar_episodes(Episodes.of(*reports), max_gap_days)
    found = dict(zip(zip(edges.left.tolist(), edges.right.tolist(), strict=True), edges.similarity, strict=True))
    assert list(found) == sorted(found)
    for pair, (similarity, close) in slow_similarities(*reports[:3], max_gap_days, whole).items():
        if not close:
            assert found.get(pair, 0.0) == pytest.approx(similarity, abs=1e-6)


@EXAMPLES
@given(SEEDS)
def test_pairs_do_not_depend_on_threads_or_blocks(seed):
    given = Episodes.of(*random_reports(seed))
    expected = similar_episodes(given, 21.0, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(episodes, "_BLOCK_ROWS", 3)
        found = similar_episodes(given, 21.0, 2)
    assert all(
        np.array_equal(getattr(found, name), getattr(expected, name)) for name in ("left", "right", "similarity")
    )


def test_a_long_episode_is_found_by_what_its_reports_share():
    # Each report has words of its own, the rarest ones; what all share is in every report of both episodes.
    n = 400
    own = np.kron(np.eye(n), np.full((1, 12), 0.2))
    dense = np.hstack([np.full((n, 1), 0.75), own])
    dense /= np.sqrt((dense**2).sum(axis=1, keepdims=True))
    labels = np.repeat([0, 1], n // 2)
    days = np.repeat([0.0, 5.0], n // 2)
    long = Episodes.of(csr_array(dense.astype(np.float32)), days, labels, np.zeros(n))
    assert similar_episodes(long, 21.0).left.tolist() == [0]


# Stories


@EXAMPLES
@given(SEEDS, GAPS, st.sampled_from([0.05, 0.12, 0.4]))
def test_stories_are_the_partition_of_similar_episodes(seed, max_gap_days, threshold):
    given = Episodes.of(*random_reports(seed))
    graph = similar_episodes(given, max_gap_days).adjacency(len(given.costs))
    expected = partition(graph, THRESHOLD_SHARE * threshold, given.costs)
    assert stories_of(given, threshold, max_gap_days).tolist() == expected.tolist()


@EXAMPLES
@given(SEEDS)
def test_without_a_gap_each_episode_is_a_story(seed):
    given = Episodes.of(*random_reports(seed))
    assert stories_of(given, 0.12, 0).tolist() == list(range(len(given.costs)))


def test_no_reports_are_no_stories():
    nothing = Episodes.of(csr_array((0, 0), dtype=np.float32), np.empty(0), np.empty(0, dtype=np.int64), np.empty(0))
    assert stories_of(nothing, 0.12, 21.0).tolist() == []


@EXAMPLES
@given(SEEDS)
def test_what_belongs_to_no_day_is_a_story_of_its_own(seed):
    vectors, days, labels, costs = random_reports(seed)
    stories = stories_of(Episodes.of(vectors, np.full_like(days, np.nan), labels, costs), 0.05, 21.0)
    assert len(set(stories.tolist())) == len(stories)


def chain(cosine, days, sizes):
    """Episodes of one direction each, with this cosine between neighbours and its powers beyond."""
    k = len(days)
    gram = cosine ** np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    rows = np.repeat(np.linalg.cholesky(gram), sizes, axis=0)
    labels = np.repeat(np.arange(k), sizes)
    vectors, dated = csr_array(rows, dtype=np.float32), np.repeat(np.array(days, dtype=float), sizes)
    return Episodes.of(vectors, dated, labels, np.zeros(len(labels)))


def test_a_tie_within_episodes_keeps_what_they_share_from_joining_them():
    # Two matches: the reports of each are nearly equal, and share .5 with those of the other.
    assert stories_of(chain(0.5, [0, 7], [1, 1]), 0.12, 21.0).tolist() == [0, 0]
    assert stories_of(chain(0.5, [0, 7], [2, 2]), 0.12, 21.0).tolist() == [0, 1]
    assert stories_of(chain(0.7, [0, 7], [2, 2]), 0.12, 21.0).tolist() == [0, 0]


@pytest.mark.parametrize(("sizes", "together"), [([16, 8], True), ([16, 9], False), ([14, 2], False), ([8, 16], False)])
def test_one_side_of_a_loose_event_may_be_tight(sizes, together):
    # The reports of the first episode share 0.2 with each other and with those of the second, which are equal. It may
    # be a part of the first one, unless it is too large, or the first is too small to know how loose it is.
    rows = np.zeros((sum(sizes), 2 + sizes[0]))
    rows[:, 0] = np.sqrt(0.2)
    rows[: sizes[0], 2:] = np.eye(sizes[0]) * np.sqrt(0.8)
    rows[sizes[0] :, 1] = np.sqrt(0.8)
    vectors, days, labels = csr_array(rows, dtype=np.float32), np.repeat([0.0, 1.0], sizes), np.repeat([0, 1], sizes)
    found = stories_of(Episodes.of(vectors, days, labels, np.zeros(len(labels))), 0.12, 21.0)
    assert (len(set(found.tolist())) == 1) == together


def test_a_chain_does_not_drift():
    # Each episode is like the one before it, and after a few like the first no more.
    stories = stories_of(chain(0.4, range(0, 100, 5), [1] * 20), 0.12, 21.0)
    assert len(set(stories.tolist())) > 2
    assert np.bincount(stories).max() < 10


def test_reports_that_cost_more_need_more():
    one = chain(0.2, [0, 5], [1, 1])
    assert stories_of(one, 0.12, 21.0).tolist() == [0, 0]
    assert stories_of(one._replace(costs=np.full(2, 0.125)), 0.12, 21.0).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("sizes", "least"), [([1, 1], 0.09 + LONE_COST), ([1, 2], 0.09 + LONE_COST / 2), ([2, 2], 0.09)]
)
def test_an_episode_of_one_report_needs_more(sizes, least):
    # Copies within an episode hold it together as tightly as can be, so that the tie is not asked.
    for cosine, expected in ((least - 0.001, [0, 1]), (least + 0.001, [0, 0])):
        episodes = chain(cosine, [0, 0], sizes)._replace(within=np.zeros(2))
        assert stories_of(episodes, 0.12, 21.0).tolist() == expected


# The visit


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "pt", "ru", "zh"])
def test_the_visit_is_told_in_one_story_or_two(language):
    articles = dedup.sample_articles(language)
    stories = dedup.cluster(articles)
    visit = [i for i, article in enumerate(articles) if article.event == "kim-russia-2023"]
    assert len(set(stories.labels[visit].tolist())) <= 2


def test_articles_have_the_episodes_that_their_labels_say(sample, stories):
    episodes = [episode for story in stories for episode in story.episodes]
    assert sorted(set(stories.episode_labels.tolist())) == list(range(len(episodes)))
    for article, label, story in zip(stories.articles, stories.episode_labels, stories.labels, strict=True):
        assert any(article is own for own in episodes[label].articles)
        assert any(episodes[label] is own for own in stories[story].episodes)
        assert stories[story].episode_of(article) is episodes[label]


def test_a_story_has_what_its_episodes_have(stories):
    assert any(len(story.episodes) > 2 for story in stories)
    for story in stories:
        parts = [article for episode in story.episodes for article in episode.articles]
        assert sorted(map(id, parts)) == sorted(map(id, story.articles))
        assert [episode.id for episode in story.episodes] == [episode.articles[0].id for episode in story.episodes]
        firsts = [episode.first for episode in story.episodes if episode.first]
        assert firsts == sorted(firsts)
        assert set(story.membership) == {value for episode in story.episodes for value in episode.membership}
        copies = {frozenset(map(id, group)) for episode in story.episodes for group in episode.near_duplicates}
        assert copies == {frozenset(map(id, group)) for group in story.near_duplicates}


def test_a_story_shows_the_representative_of_its_largest_episode(stories):
    for story in stories:
        reports = [len(e) - sum(len(group) - 1 for group in e.near_duplicates) for e in story.episodes]
        largest = story.episodes[reports.index(max(reports))]
        assert story.representative is largest.representative
        assert story.cohesion == largest.cohesion
        assert story.reason.endswith(largest.reason)
        lead = rf"Of the (first of the \d+ )?largest of {len(reports)} episodes\. "
        assert bool(re.match(lead, story.reason)) == (len(reports) > 1)


@pytest.mark.parametrize("rule", ["earliest", "longest", lambda articles: articles[-1]])
def test_other_rules_choose_among_all_articles(rule):
    for story in dedup.cluster(dedup.sample_articles("fr"), representative=rule):
        shown = story.representative
        if rule == "earliest":
            assert shown is story.articles[0]
        elif callable(rule):
            assert shown is story.articles[-1]
        if callable(rule):
            assert [e.representative for e in story.episodes] == [e.articles[-1] for e in story.episodes]


def test_gaps_of_no_days_give_the_episodes_alone(sample, stories):
    alone = dedup.cluster(sample, max_gap_days=0)
    assert np.array_equal(numbered_by_first(alone.labels), numbered_by_first(stories.episode_labels))
    assert all(len(story.episodes) == 1 for story in alone)


@pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), (367, ValueError), ("21", TypeError), (True, TypeError)]
)
def test_gaps_are_checked(value, error):
    with pytest.raises(error, match=r"max_gap_days is .*allowed: a number in \[0, 366\]"):
        dedup.cluster(["one"], max_gap_days=value)
