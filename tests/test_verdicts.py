"""Verdicts on two articles, and on an article of a story: they agree with the numbers and with the stories."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import combinations

import pytest

import dedup
from dedup import Article
from dedup.story.partition import join_costs
from dedup.story.weighting import vectorize_texts

MOMENT = datetime(2023, 9, 12, 8, tzinfo=UTC)
TITLES = [
    Article("arrives", "", title="Kim arrives in Russia for talks", published=MOMENT),
    Article("talks", "", title="Kim talks with Putin", published=MOMENT),
]


@pytest.fixture(scope="module")
def stories(sample):
    """Episodes alone: what holds several together is tested in tests/test_explain.py."""
    return dedup.cluster(sample, max_gap_days=0)


def reports(story):
    copies = {article.id for group in story.near_duplicates for article in group[1:]}
    return [article for article in story.articles if article.id not in copies]


@cache
def cost(report):
    """What a report pays to join a story."""
    return float(join_costs(vectorize_texts([report.full_text])[2])[0])


def paid(group):
    """What a story of these reports pays: the mean cost for each but one."""
    return sum(map(cost, group)) / len(group) * (len(group) - 1)


def test_the_verdict_is_what_the_stories_say(stories):
    source = random.Random(4)
    for _ in range(60):
        i, j = source.sample(range(len(stories.articles)), 2)
        found = stories.explain(stories.articles[i], stories.articles[j])
        if stories.near_duplicate_labels[i] == stories.near_duplicate_labels[j]:
            assert found.verdict.startswith("Copies of one text")
        else:
            same = stories.labels[i] == stories.labels[j]
            assert found.verdict.startswith("In one story" if same else "In two stories")
            assert f"similarity {found.similarity:.2f}" in found.verdict
            assert found.verdict.endswith(f"two such reports alone need {found.needed:.2f}.")


@pytest.mark.parametrize("threshold", [0.05, 0.12])
def test_doubt_is_relative_to_what_the_article_needs(stories, threshold):
    words = {"In the story:": 0, "In the story, but only just:": 0, "In the story, but doubtful:": 0}
    for story in stories.rethreshold(threshold):
        canonical = reports(story)
        if len(canonical) < 2:
            continue
        for article, membership in zip(story.articles, story.membership, strict=True):
            verdict = story.explain(article.id).verdict
            own = next((group for group in story.near_duplicates if article in group), (article,))
            others = [report for report in canonical if report is not own[0]]
            needed = threshold + (paid(canonical) - paid(others)) / len(others)
            expected = 2 if membership < needed else 1 if membership < 1.25 * needed else 0
            assert verdict.startswith(list(words)[expected])
            assert f", needed {needed:.2f}; closest" in verdict
            words[list(words)[expected]] += 1
    assert words["In the story:"] > 20
    assert words["In the story, but only just:"] > 5


def test_in_a_story_of_two_the_two_need_what_the_article_needs(stories):
    (_, *rest) = pairs = [story for story in stories if len(reports(story)) == 2]
    assert len(rest) > 20
    for story in pairs:
        found = story.explain(reports(story)[0])
        assert f"needed {found.needed:.2f};" in found.verdict
        assert found.similarity >= found.needed


def test_verdicts_on_two_articles_agree_with_what_they_need(stories):
    relations = {
        (True, True): "In one story: ",
        (True, False): "In one story, though not for the words of these two alone: ",
        (False, True): "In two stories, which as wholes are less alike: ",
        (False, False): "In two stories: ",
    }
    seen = set()
    pairs = list(combinations(range(len(stories.articles)), 2))
    together = [pair for pair in pairs if len(set(stories.labels[list(pair)].tolist())) == 1]
    for i, j in [*together, *random.Random(6).sample(pairs, 150)]:
        if stories.near_duplicate_labels[i] == stories.near_duplicate_labels[j]:
            continue
        found = stories.explain(stories.articles[i], stories.articles[j])
        case = bool(stories.labels[i] == stories.labels[j]), found.similarity >= found.needed
        assert found.verdict.startswith(relations[case])
        seen.add(case)
    assert seen >= {(True, True), (True, False), (False, False)}


def test_two_alone_are_a_story_just_when_they_are_as_similar_as_they_need(sample):
    source, outcomes = random.Random(7), set()
    titles = [replace(a, text="", id=f"{a.id} title") for a in sample]
    for _ in range(80):
        i, j = source.sample(range(len(sample)), 2)
        near = source.choice([(sample[i], sample[j]), (titles[i], titles[j]), (sample[i], titles[i])])
        found, (story, *apart) = dedup.explain(*near), dedup.cluster(near)
        assert (len(story.episodes) == 2) == found.verdict.startswith("Alike enough for one story of two episodes: ")
        one_episode = found.similarity >= found.needed or found.verdict.startswith("Copies")
        assert (not apart and len(story.episodes) == 1) == one_episode
        outcomes.add((len(story.episodes), bool(apart)))
    assert outcomes == {(1, False), (2, False), (1, True)}


def test_two_short_titles_are_told_that_they_need_more_than_the_threshold():
    found = dedup.explain(*TITLES)
    assert found.needed == pytest.approx(0.12 + paid(TITLES))
    assert found.verdict == "Too little alike for one story: similarity 0.21, two such reports alone need 0.41."
    assert len(dedup.cluster(TITLES)) == 2
