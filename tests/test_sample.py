"""The sample articles, the editor's labels on them, and how well the two tiers agree with them."""

import re
from collections import Counter, defaultdict
from dataclasses import FrozenInstanceError
from itertools import combinations
from urllib.parse import urlsplit

import pytest

import dedup
from dedup import Article, SampleArticle, StoryClusterer
from dedup.metrics import bcubed
from dedup.samples import LANGUAGES

TRIP = "kim-russia-2023"
CONFUSERS = {
    "kim-putin-vladivostok-2019",
    "shoigu-pyongyang-2023",
    "putin-pyongyang-2024",
    "eastern-economic-forum-2023",
}


def by_label(sample, label):
    members = defaultdict(list)
    for article in sample:
        members[getattr(article, label)].append(article)
    return members


def groups_of(labels, articles):
    members = defaultdict(set)
    for label, article in zip(labels, articles, strict=True):
        members[label].add(article.id)
    return set(map(frozenset, members.values()))


def shingles(article):
    """Runs of five words, or characters of Chinese: the slow and obvious way."""
    words = re.findall(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+", article.full_text.casefold())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def jaccard(one, other):
    return len(one & other) / len(one | other)


@pytest.fixture(scope="module")
def similarities(sample):
    """Exact similarity of all pairs of one language."""
    runs = {article.id: shingles(article) for article in sample}
    return {(a, b): jaccard(runs[a.id], runs[b.id]) for a, b in combinations(sample, 2) if a.language == b.language}


# What there is


def test_there_are_at_least_a_hundred_articles(sample):
    assert len(sample) >= 100
    assert all(isinstance(article, SampleArticle) and isinstance(article, Article) for article in sample)


def test_there_are_seven_languages(sample):
    assert {article.language for article in sample} == set(LANGUAGES) == {"de", "en", "es", "fr", "pt", "ru", "zh"}


def test_ids_are_unique(sample):
    assert len({article.id for article in sample}) == len(sample)


def test_texts_and_addresses_are_unique(sample):
    assert len({article.text for article in sample}) == len(sample)
    assert len({article.url for article in sample}) == len(sample)


def test_times_are_aware(sample):
    assert all(article.published.utcoffset() is not None for article in sample)


def test_every_article_has_every_field(sample):
    for article in sample:
        for value in (article.id, article.title, article.text, article.source, article.url):
            assert value.strip(), article.id


def test_addresses_are_made_up(sample):
    # The top-level domain .example is nobody's (RFC 2606).
    assert all(urlsplit(article.url).hostname.endswith(".example") for article in sample)


def test_articles_come_by_publication(sample):
    times = [(article.published, article.id) for article in sample]
    assert times == sorted(times)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_language_can_be_had_alone(sample, language):
    assert dedup.sample_articles(language) == [article for article in sample if article.language == language]


def test_several_languages_can_be_had_by_publication(sample):
    assert dedup.sample_articles("ru", "fr") == [article for article in sample if article.language in ("fr", "ru")]


@pytest.mark.parametrize("language", ["it", "FR", "", "french", None], ids=repr)
def test_another_language_is_refused(language):
    with pytest.raises(ValueError, match="language is") as caught:
        dedup.sample_articles("fr", language)
    assert repr(language) in str(caught.value)
    assert "allowed: 'de', 'en', 'es', 'fr', 'pt', 'ru', 'zh'" in str(caught.value)


def test_each_call_gives_a_list_of_its_own(sample):
    dedup.sample_articles().clear()
    assert dedup.sample_articles() == list(sample)


def test_sample_articles_cannot_be_assigned_to(sample):
    with pytest.raises(FrozenInstanceError):
        sample[0].story = "other"


def test_the_trip_has_many_reports_in_several_languages(sample):
    reports = by_label(sample, "event")[TRIP]
    assert len(reports) >= 15
    assert len({article.language for article in reports}) >= 3


@pytest.mark.parametrize("event", sorted(CONFUSERS))
def test_each_event_easily_confused_with_the_trip_is_there(sample, event):
    assert len(by_label(sample, "event")[event]) >= 2


def test_there_are_at_least_a_dozen_other_events(sample):
    assert len(by_label(sample, "event").keys() - CONFUSERS - {TRIP}) >= 12


# The editor's labels


def test_a_story_is_an_event_in_a_language(sample):
    assert all(article.story == f"{article.event}/{article.language}" for article in sample)


def test_a_group_of_copies_is_named_after_its_first_published_member(sample):
    for name, members in by_label(sample, "near_duplicate_group").items():
        assert min(members, key=lambda article: (article.published, article.id)).id == name


def test_copies_belong_to_one_story(sample):
    for members in by_label(sample, "near_duplicate_group").values():
        assert len({article.story for article in members}) == 1


def test_there_are_copies_in_every_language(sample):
    groups = by_label(sample, "near_duplicate_group").values()
    assert {group[0].language for group in groups if len(group) > 1} == set(LANGUAGES)
    assert Counter(map(len, groups))[3] >= 1


def test_copies_have_a_jaccard_similarity_of_at_least_07(similarities):
    copies = {p: j for p, j in similarities.items() if p[0].near_duplicate_group == p[1].near_duplicate_group}
    assert len(copies) >= 15
    assert all(similarity >= 0.7 for similarity in copies.values())


def test_other_pairs_have_a_jaccard_similarity_below_07(similarities):
    others = [j for p, j in similarities.items() if p[0].near_duplicate_group != p[1].near_duplicate_group]
    assert max(others) < 0.7


def test_the_similarities_found_are_the_exact_ones(sample, similarities):
    found = dedup.near_duplicates(sample)
    exact = {frozenset((a.id, b.id)): similarity for (a, b), similarity in similarities.items()}
    assert len(found.pairs) >= 15
    for (i, j), value in zip(found.pairs.tolist(), found.jaccard.tolist(), strict=True):
        # The library's words differ a little from those of one regular expression.
        assert value == pytest.approx(exact[frozenset((sample[i].id, sample[j].id))], abs=0.03)


# What the tiers make of them


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_near_tier_finds_the_copies_of_each_language(language):
    articles = dedup.sample_articles(language)
    found = groups_of(StoryClusterer().fit(articles).near_duplicate_labels_.tolist(), articles)
    assert found == groups_of([article.near_duplicate_group for article in articles], articles)


def test_the_near_tier_finds_the_copies_of_all_languages_at_once(sample, model):
    found = groups_of(model.near_duplicate_labels_.tolist(), sample)
    assert found == groups_of([article.near_duplicate_group for article in sample], sample)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_story_tier_meets_the_editor(language):
    """A floor against regressions, not a goal.

    What is missed is mostly reports of one story, the two-week trip above all, that were published more than three
    days apart: the time factor parts them.
    """
    articles = dedup.sample_articles(language)
    scores = bcubed([article.story for article in articles], StoryClusterer().fit(articles).labels_)
    assert scores.precision >= 0.8
    assert scores.f1 >= 0.75


def test_the_story_tier_beats_copies_alone():
    gains = []
    for language in LANGUAGES:
        articles = dedup.sample_articles(language)
        truth = [article.story for article in articles]
        model = StoryClusterer().fit(articles)
        gains.append(bcubed(truth, model.labels_).f1 - bcubed(truth, model.near_duplicate_labels_).f1)
    assert sum(gains) / len(gains) > 0.05


def test_events_years_apart_are_never_one_story(sample, stories):
    years = {article.id: article.published.year for article in sample}
    assert all(len({years[article.id] for article in story.articles}) == 1 for story in stories)
