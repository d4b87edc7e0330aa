"""Steps of an index: each ends with articles weighted again and stories merged, however many come at once."""

import random
from dataclasses import replace

import numpy as np
import pytest

from dedup import Article, StoryIndex
from dedup.stream.unions import merge_alike

#: The steps of an old index begin earlier, and few reports are a large story that takes in others, so that of a few
#: hundred articles some are merged at steps of both kinds.
YOUNG = 200
SMALL = {
    "dedup.stream.steps._YOUNG": YOUNG,
    "dedup.story.merging.LARGE": 3,
    "dedup.story.merging.ABSORBING": 4,
    "dedup.story.merging.SMALL_SHARE": 0.5,
}


def make_small(patch):
    for name, value in SMALL.items():
        patch.setattr(name, value)


@pytest.fixture(scope="module")
def articles(sample):
    """The sample, and twice the same with a third of its words in another order: reports of the same events."""
    source, found = random.Random(1), [Article(a.id, a.text, a.title, a.published) for a in sample]
    for turn in (1, 2):
        for article in list(found[: len(sample)]):
            words = article.text.split()
            kept = source.sample(words, 2 * len(words) // 3)
            found.append(replace(article, id=f"{article.id} {turn}", text=" ".join(kept)))
    return source.sample(found, len(found))


def facts(index):
    """All that the index answers, and what it has in memory."""
    table, totals = index._session.state.live.nodes, index._session.state.totals
    nodes = table.canonical()
    stories = [(s.id, [a.id for a in s.articles], s.near_duplicates, s.membership) for s in index.stories()]
    return stories, table.norms(nodes).tolist(), dict(totals.sizes), dict(totals._costs)


@pytest.fixture(scope="module")
def alone(articles):
    """What becomes of the articles when they come one by one."""
    with pytest.MonkeyPatch.context() as patch, StoryIndex(":memory:") as index:
        make_small(patch)
        return list(map(index.add, articles)), facts(index)


def is_step(node):
    return (node + 1) % (50 if node < YOUNG else 256) == 0


def test_stories_are_merged_at_steps_of_both_ages(alone):
    told, (_, _, sizes, _) = alone
    assert len(told) > 513  # articles are numbered from 1
    merging = [node for node, assigned in enumerate(told, 1) if is_step(node) and assigned.merged]
    assert min(merging) < YOUNG
    assert {255, 511} & set(merging)
    assert max(sizes.values()) > 8


def test_an_older_index_compares_what_is_new_since_the_last_step(articles, monkeypatch):
    make_small(monkeypatch)
    asked = []

    def noted(state, nodes, threshold, first_new=0):
        asked.append((state.next_node, first_new))
        return merge_alike(state, nodes, threshold, first_new)

    monkeypatch.setattr("dedup.stream.assigner.merge_alike", noted)
    with StoryIndex(":memory:") as index:
        index.add_many(articles)
    assert {first for node, first in asked if node <= YOUNG} == {0}
    assert {node - first for node, first in asked if node > YOUNG} == {256}


@pytest.mark.parametrize("most", [7, 60, 300, 1000])
def test_it_makes_no_difference_how_many_articles_come_at_once(articles, alone, monkeypatch, most):
    make_small(monkeypatch)
    source, first, told = random.Random(most), 0, []
    with StoryIndex(":memory:") as index:
        while first < len(articles):
            stop = first + source.randint(most // 2, most)
            told += index.add_many(articles[first:stop])
            first = stop
        assert told == alone[0]
        assert facts(index) == alone[1]


@pytest.mark.parametrize("cuts", [[48, 49, 50], [149, 150, 199], [254, 255, 256], [300, 511, 512]])
def test_it_makes_no_difference_when_an_index_is_reopened(articles, alone, monkeypatch, tmp_path, cuts):
    make_small(monkeypatch)
    told, first = [], 0
    for cut in [*cuts, len(articles)]:
        with StoryIndex(tmp_path / "index.db") as index:
            told += index.add_many(articles[first:cut])
            first = cut
            if cut == len(articles):
                assert facts(index) == alone[1]
    assert told == alone[0]


def test_the_oldest_number_stays_and_what_was_merged_leads_there(articles, alone, monkeypatch):
    make_small(monkeypatch)
    with StoryIndex(":memory:") as index:
        told = index.add_many(articles)
        for assigned in told:
            for former in assigned.merged:
                assert int(index.story(former).id[1:]) < int(former[1:])
        for assigned, article in zip(told, articles, strict=True):
            # An episode stays; what it was shown to be part of before it was told may not.
            assert index.story(f"s{assigned.episode_id[1:]}").id == index.story_id(article.id)
        numbers = [int(story.id[1:]) for story in index.stories()]
        assert len(set(numbers)) == len(numbers)
        state = index._session.state
        nodes = state.live.nodes.canonical()
        assert np.bincount(state.live.nodes.episodes(nodes))[numbers].tolist() == [
            state.totals.sizes[n] for n in numbers
        ]
