"""Articles that are told to be together or apart: they are, in every order, and all else is as it was."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN

import dedup
from dedup import Article
from dedup.near.pages import copy_groups, parted
from dedup.story.constraints import Constraints

TEXTS = (TRAIN, BRIDGE, ROCKETS, BANK, f"{TRAIN} Updated.", f"{BANK} {ROCKETS}", f"{BANK} Markets fell.", "", "Kim")
ARTICLES = st.lists(
    st.builds(Article, st.integers(0, 30).map(str), st.sampled_from(TEXTS)),
    min_size=2,
    max_size=14,
    unique_by=lambda a: a.id,
)


def stories_by_id(stories):
    return dict(zip((a.id for a in stories.articles), stories.labels.tolist(), strict=True))


def groups(ids, together):
    """Ids that come together, by hand."""
    found = [{name} for name in ids]
    for one, other in together:
        joined = set().union(*(group for group in found if group & {one, other}))
        found = [group for group in found if not group & joined] + [joined]
    return found


def contradictions(ids, together, apart):
    return [pair for pair in apart if any(set(pair) <= group for group in groups(ids, together))]


@st.composite
def asked(draw):
    articles = draw(ARTICLES)
    ids = [a.id for a in articles]
    pair = st.lists(st.sampled_from(ids), min_size=2, max_size=2, unique=True).map(tuple)
    return articles, draw(st.lists(pair, max_size=6)), draw(st.lists(pair, max_size=6))


@given(asked(), st.sampled_from([0, 21]), st.randoms())
@settings(deadline=None, max_examples=40)
def test_what_is_asked_for_holds_in_any_order_or_is_refused(asked, max_gap_days, rng):
    articles, together, apart = asked
    wrong = contradictions([a.id for a in articles], together, apart)
    if wrong:
        with pytest.raises(ValueError, match="allowed: pairs that do not contradict each other") as caught:
            dedup.cluster(articles, together=together, apart=apart)
        assert any(f"{one!r} and {other!r}" in str(caught.value) for one, other in wrong)
        return
    how = {"together": together, "apart": apart, "max_gap_days": max_gap_days}
    stories = dedup.cluster(articles, **how)
    for threshold in (None, 0.06, 0.3):
        found = stories_by_id(stories if threshold is None else stories.rethreshold(threshold))
        assert all(found[one] == found[other] for one, other in together)
        assert all(found[one] != found[other] for one, other in apart)
    for story in stories:
        copies = stories.near_duplicate_labels
        assert all(not {*pair} <= {a.id for a in group} for group in story.near_duplicates for pair in apart)
        assert len(copies) == len(articles)
    again = rng.sample(articles, len(articles))
    mixed = {name: [(b, a)[:: rng.choice([1, -1])] for a, b in how[name]] for name in ("together", "apart")}
    assert dict(stories_by_id(dedup.cluster(again, **how | mixed))) == stories_by_id(stories)


def test_large_stories_and_chains_obey(sample, stories):
    ids = [a.id for a in sample]
    large = [a.id for a in stories[0].articles]
    apart = list(product(large[:2], large[2:5]))
    together = [(large[0], ids[-1]), (ids[-1], ids[-2]), (large[3], ids[-3])]
    if contradictions(ids, together, apart):
        pytest.fail("choose others")
    found = stories_by_id(dedup.cluster(sample, together=together, apart=apart))
    assert all(found[one] == found[other] for one, other in together)
    assert all(found[one] != found[other] for one, other in apart)


def test_what_the_stories_are_anyway_changes_nothing(sample, stories):
    labels = stories_by_id(stories)
    pairs = [(a.id, b.id) for a, b in combinations(sample[:60], 2)]
    together = [pair for pair in pairs if labels[pair[0]] == labels[pair[1]]]
    apart = [pair for pair in pairs if labels[pair[0]] != labels[pair[1]]][::9]
    found = dedup.cluster(sample, together=together, apart=apart)
    assert found.labels.tolist() == stories.labels.tolist()
    assert found.episode_labels.tolist() == stories.episode_labels.tolist()


def test_many_small_episodes_that_a_large_one_takes_in_stay_apart(monkeypatch):
    for name, value in {"LARGE": 2, "ABSORBING": 2, "SMALL_SHARE": 1.0, "COHESION_SHARE": 0.01}.items():
        monkeypatch.setattr(f"dedup.story.merging.{name}", value)
    articles = [Article(str(i), text) for i, text in enumerate([TRAIN, BRIDGE, ROCKETS, f"{BANK} {ROCKETS}", BANK])]
    free = stories_by_id(dedup.cluster(articles))
    assert free["0"] == free["2"]
    found = stories_by_id(dedup.cluster(articles, apart=[("0", "2")]))
    assert found["0"] != found["2"]


def test_it_is_said_that_it_was_asked_for():
    articles = [Article("a", TRAIN), Article("b", f"{TRAIN} Updated."), Article("c", BANK)]
    stories = dedup.cluster(articles, together=[("a", "c")], apart=[("a", "b")])
    assert stories.explain("a", "b").verdict.startswith("'a' and 'b' are apart, as was asked for. In two stories")
    assert stories.explain("a", "c").verdict.startswith("'a' and 'c' are together, as was asked for. In one story")
    (story,) = (story for story in stories if len(story) == 2)
    assert story.explain("c").verdict.startswith("'a' and 'c' are together, as was asked for.")
    assert [edit.kind for edit in story.edits] == ["together", "apart"]
    assert all(doubt.article is None or doubt.article.id == "x" for doubt in stories.least_certain(20))


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ({"together": "ab"}, TypeError, r"together is 'ab'; allowed: pairs of ids"),
        ({"apart": 3}, TypeError, r"apart is 3; allowed: pairs of ids"),
        ({"apart": ["ab"]}, TypeError, r"apart\[0\] is 'ab'; allowed"),
        ({"apart": [("a", "b", "c")]}, TypeError, r"apart\[0\] is \('a', 'b', 'c'\); allowed"),
        ({"together": [("a", 1.5)]}, TypeError, r"together\[0\] is \('a', 1.5\): field 'id' is 1.5; allowed: str"),
        ({"together": [("a", "x")]}, ValueError, r"together has 'x', which is the id of no article"),
        ({"apart": [("a", "a")]}, ValueError, r"apart\[0\] is \('a', 'a'\), one article"),
    ],
)
def test_pairs_that_are_none_are_refused(pairs, error, message):
    with pytest.raises(error, match=message):
        dedup.cluster([Article("a", TRAIN), Article("b", BANK)], **pairs)


def test_contradictions_are_refused_before_any_work(monkeypatch):
    monkeypatch.setattr("dedup.clustering.read_articles", None)
    with pytest.raises(ValueError, match="apart has 'a' and 'c', which `together` joins"):
        dedup.cluster([], together=[("a", "b"), ("c", "b")], apart=[("a", "c")])


def test_an_estimator_takes_pairs_of_ids_that_are_of_one_article():
    articles = [Article("1", TRAIN), Article("2", TRAIN), Article("3", BANK), Article("3", ROCKETS)]
    model = dedup.StoryClusterer().fit(articles, apart=[(1, 2)])
    assert model.labels_[0] != model.labels_[1]
    assert model.near_duplicate_labels_[0] != model.near_duplicate_labels_[1]
    with pytest.raises(ValueError, match="together and apart name '3', the id of two articles"):
        dedup.StoryClusterer().fit(articles, together=[(1, 3)])


def test_versions_of_one_page_come_apart():
    page = {"url": "https://example.org/kim", "source": "S"}
    articles = [Article(name, TRAIN + more, **page) for name, more in (("a", ""), ("b", " Now."), ("c", " Now again."))]
    assert len(dedup.cluster(articles)) == 1
    stories = dedup.cluster(articles, apart=[("b", "c")])
    found = stories_by_id(stories)
    assert found["a"] == found["b"] != found["c"]


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=8),
)
def test_parts_of_groups_have_no_pair_that_is_apart_and_are_groups(labels, pairs):
    labels = dedup.arrays.numbered_by_first(np.array(labels))
    n = len(labels)
    pairs = [(one % n, other % n) for one, other in pairs if one % n != other % n]
    found = parted(copy_groups(labels, np.arange(n)), pairs)
    assert all(found.labels[one] != found.labels[other] for one, other in pairs)
    assert found.canonical.tolist() == sorted(set(found.canonical.tolist()))
    for group, canonical in enumerate(found.canonical.tolist()):
        members = np.flatnonzero(found.labels == group)
        assert canonical == members[0]
        assert len(set(labels[members].tolist())) == 1
    if not pairs:
        assert found.labels.tolist() == labels.tolist()


def test_constraints_over_labels_are_those_of_their_nodes():
    constraints = Constraints.of(5, [(0, 3)], [(3, 4)])
    over = constraints.over(np.array([0, 0, 1, 2, 3]))
    assert over.groups.tolist() == [0, 1, 0, 2]
    assert sorted(over.apart) == [(0, 2)]
