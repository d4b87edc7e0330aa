"""What users hold: stories as a sequence, as text, as a data frame and as a page."""

import math
import os
import pickle
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import dedup
from dedup import Article, Stories, Story
from dedup.story.comparing import compare_pairs
from dedup.story.merging import LARGE
from dedup.story.partition import join_costs
from dedup.story.pipeline import find_stories
from dedup.story.similarity import time_factor
from dedup.story.weighting import vectorize_texts

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé, selon le Kremlin."
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}
COLUMNS = [
    "id",
    "title",
    "published",
    "source",
    "language",
    "story_id",
    "episode_id",
    "near_duplicate_group",
    "is_representative",
    "membership",
]
ARTICLES = [
    Article("bank", "La banque centrale relève ses taux à 4 %.", title="Les taux à 4 %"),
    Article("copy", KIM + " Le", title="", published=datetime(2023, 9, 13, 7, tzinfo=UTC), source="Écho"),
    Article(
        "wire",
        KIM,
        published=datetime(2023, 9, 12, 8, 30, tzinfo=timezone(timedelta(hours=2))),
        source="Le Quotidien",
        url="https://quotidien.example/kim",
        language="fr",
    ),
    Article("train", "Le train blindé de Kim Jong Un a franchi la frontière.", title="Kim en Russie", source="Écho"),
]


@pytest.fixture(scope="module")
def four():
    """Two stories: three reports of Kim's trip, two of them copies, and one of a bank."""
    stories = dedup.cluster(ARTICLES)
    assert stories.labels.tolist() == [1, 0, 0, 0]
    assert stories.near_duplicate_labels.tolist() == [0, 1, 1, 2]
    return stories


def rows(frame):
    """The rows of any library's data frame as dicts."""
    if isinstance(frame, pd.DataFrame):
        return frame.astype(object).where(frame.notna(), None).to_dict("records")
    return frame.to_dicts() if isinstance(frame, pl.DataFrame) else frame.to_pylist()


# A sequence


def test_stories_are_counted_iterated_and_indexed(stories):
    assert len(stories) == len(list(stories))
    assert all(isinstance(story, Story) for story in stories)
    assert [stories[i] for i in range(len(stories))] == list(stories)
    assert stories[-1] is list(stories)[-1]
    assert stories[np.int64(1)] is stories[1]


def test_a_slice_holds_the_stories_of_those_places(stories):
    assert list(stories[:3]) == [stories[0], stories[1], stories[2]]
    assert list(stories[::-1]) == list(reversed(stories))
    assert len(stories[len(stories) :]) == 0


def test_a_place_beyond_the_end_is_an_index_error(stories):
    with pytest.raises(IndexError):
        stories[len(stories)]


def test_a_story_is_found_in_its_sequence(stories):
    assert stories[2] in stories
    assert stories.index(stories[2]) == 2


def test_the_articles_are_those_of_the_input_in_its_order(four):
    assert list(four.articles) == ARTICLES


def test_stories_cannot_be_assigned_to(four):
    with pytest.raises(FrozenInstanceError):
        four.labels = None
    with pytest.raises(FrozenInstanceError):
        four[0].id = "other"


def test_a_story_has_as_many_members_as_articles(four):
    assert [len(story) for story in four] == [3, 1]


def test_no_stories_are_false_and_some_are_true(four):
    assert four
    assert not dedup.cluster([])


# Attributes of a story


def test_a_story_is_named_after_its_first_article(four):
    assert [story.id for story in four] == ["wire", "bank"]


def test_members_come_by_publication_undated_last(four):
    assert [article.id for article in four[0].articles] == ["wire", "copy", "train"]


def test_copies_come_in_groups_by_publication(four):
    assert [[article.id for article in group] for group in four[0].near_duplicates] == [["wire", "copy"]]
    assert four[1].near_duplicates == ()


def test_the_first_and_last_publication_are_moments_or_none(four):
    assert four[0].first == datetime(2023, 9, 12, 6, 30, tzinfo=UTC)
    assert four[0].last == datetime(2023, 9, 13, 7, tzinfo=UTC)
    assert four[1].first is four[1].last is None


def test_sources_come_once_and_in_order(four):
    assert four[0].sources == ("Le Quotidien", "Écho")
    assert four[1].sources == ()


def test_the_headline_is_the_title_of_the_representative(four):
    assert four[1].headline == "Les taux à 4 %"


def test_without_a_title_the_headline_is_the_first_line_of_the_text():
    (story,) = dedup.cluster(["\n Kim en Russie\nIl est arrivé mardi."])
    assert story.headline == "Kim en Russie"


def test_a_long_headline_is_cut_and_marked():
    (story,) = dedup.cluster(["Kim " * 500])
    assert len(story.headline) == 120
    assert story.headline.endswith("...")
    assert story.headline[:117] == ("Kim " * 30)[:117]


def test_a_headline_of_120_characters_is_not_cut():
    (story,) = dedup.cluster(["K" * 120])
    assert story.headline == "K" * 120


# Membership and cohesion


@pytest.fixture(scope="module")
def episodes(sample):
    """Stories of one episode each, within which reports are compared."""
    return dedup.cluster(sample, max_gap_days=0)


@pytest.fixture(scope="module")
def similarity(sample, stories):
    """Similarity of two articles of the sample, by id; copies stand for each other."""
    labels = stories.near_duplicate_labels.tolist()
    assert list(sample) == sorted(sample, key=lambda article: (article.published, article.id))  # canonical order
    canonical = [stories.articles[labels.index(label)] for label in range(max(labels) + 1)]  # without their residue
    days = np.array([article.day for article in canonical])
    told = [a.full_text for a in canonical], days
    edges = find_stories(
        *told, threshold=0.12, max_gap_days=0, n_jobs=1, languages=[a.language for a in canonical]
    ).edges
    pairs = zip(edges.left.tolist(), edges.right.tolist(), strict=True)
    values = dict(zip(pairs, edges.similarity.tolist(), strict=True))
    group = {article.id: label for article, label in zip(sample, labels, strict=True)}
    return lambda one, other: values.get(tuple(sorted((group[one.id], group[other.id]))), 0.0)


def reports(story):
    """Its articles with one for each group of copies."""
    copies = {article.id for group in story.near_duplicates for article in group[1:]}
    return [article for article in story.articles if article.id not in copies]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


@pytest.mark.parametrize("threshold", [0.05, 0.12, 0.3])
def test_membership_is_the_mean_similarity_to_the_other_reports(episodes, similarity, threshold):
    for story in episodes.rethreshold(threshold):
        by_report = {}
        for report in reports(story):
            others = [other for other in reports(story) if other is not report]
            by_report[report.id] = mean(similarity(report, other) for other in others) if others else 1.0
        for group in story.near_duplicates:
            by_report |= {copy.id: by_report[group[0].id] for copy in group[1:]}
        assert story.membership == pytest.approx([by_report[article.id] for article in story.articles])


@pytest.mark.parametrize("threshold", [0.05, 0.12, 0.3])
def test_cohesion_is_the_mean_similarity_of_two_reports_where_copies_count_once(episodes, similarity, threshold):
    for story in episodes.rethreshold(threshold):
        pairs = [similarity(one, other) for one, other in combinations(reports(story), 2)]
        assert story.cohesion == pytest.approx(mean(pairs) if pairs else 1.0)
        # A large story holds by the mean over all pairs, which count for longer and below the floor too.
        assert len(pairs) == 0 or story.cohesion >= threshold or len(reports(story)) >= LARGE


@pytest.mark.parametrize("threshold", [0.05, 0.08])
def test_a_large_story_holds_by_all_of_its_pairs(episodes, threshold):
    large = [story for story in episodes.rethreshold(threshold) if len(reports(story)) >= LARGE]
    assert large
    for story in large:
        pairs = list(combinations(reports(story), 2))
        factors = [float(time_factor(np.array([one.day]), np.array([other.day]))[0]) for one, other in pairs]
        # What `explain` says of each, as tests/story/test_comparing.py has it, but all at once.
        cosines = [pair.cosine for pair in compare_pairs(pairs, story._weighting, threshold)]
        assert mean(c * f for c, f in zip(cosines, factors, strict=True)) >= threshold


def test_copies_alone_are_as_cohesive_as_can_be():
    (story,) = dedup.cluster([KIM, KIM + " Fin."])
    assert len(story.near_duplicates) == 1
    assert story.membership == (1.0, 1.0)
    assert story.cohesion == 1.0


def test_membership_comes_in_the_order_of_the_input(sample, stories):
    mixed = random.Random(3).sample(sample, len(sample))
    again = dedup.cluster(mixed)
    expected = {
        article.id: value for story in stories for article, value in zip(story.articles, story.membership, strict=True)
    }
    assert len(set(expected.values())) > 50
    assert stories.membership.tolist() == [expected[article.id] for article in sample]
    assert again.membership.tolist() == [expected[article.id] for article in mixed]
    assert again.membership.dtype == np.float64


def test_no_stories_have_no_membership():
    membership = dedup.cluster([]).membership
    assert (membership.shape, membership.dtype) == ((0,), np.float64)


# At another threshold


def everything(stories):
    """All that there is to know of stories."""
    return (
        stories.labels.tolist(),
        stories.near_duplicate_labels.tolist(),
        stories.representative_indices.tolist(),
        stories.membership.tolist(),
        stories.threshold,
        [(s.id, s.articles, s.near_duplicates, s.reason, s.membership, s.cohesion, s.terms) for s in stories],
    )


def assert_inside(fine, coarse):
    """Every story of the first lies within one of the second."""
    for label in range(len(fine)):
        assert len(set(coarse.labels[fine.labels == label].tolist())) == 1


def test_the_threshold_is_that_of_the_clustering(stories):
    assert stories.threshold == 0.12
    assert dedup.cluster(ARTICLES, story_threshold=0.3).threshold == 0.3


@pytest.mark.parametrize("threshold", [0.05, 0.08, 0.12, 0.2, 0.5, 0.99, np.float32(0.25)], ids=repr)
def test_another_threshold_keeps_the_articles_their_order_and_their_copies(stories, threshold):
    again = stories.rethreshold(threshold)
    assert isinstance(again, Stories)
    assert again.threshold == float(threshold)
    assert all(now is then for now, then in zip(again.articles, stories.articles, strict=True))
    assert again.near_duplicate_labels.tolist() == stories.near_duplicate_labels.tolist()
    assert sum(len(story) for story in again) == len(stories.articles)
    assert sorted(article.id for story in again for article in story.articles) == sorted(a.id for a in again.articles)


@pytest.mark.parametrize("threshold", [0.15, 0.3, 0.99])
def test_a_higher_threshold_gives_parts_of_the_stories(stories, threshold):
    again = stories.rethreshold(threshold)
    assert_inside(again, stories)
    assert len(again) > len(stories)


@pytest.mark.parametrize("threshold", [0.05, 0.08, 0.11])
def test_a_lower_threshold_gives_unions_of_the_stories(stories, threshold):
    again = stories.rethreshold(threshold)
    assert_inside(stories, again)
    assert len(again) < len(stories)


def test_thresholds_one_after_the_other_nest(stories):
    finer = stories.rethreshold(0.2)
    finest = finer.rethreshold(0.4)
    assert_inside(finest, finer)
    assert_inside(finer, finer.rethreshold(0.1))
    assert_inside(finest, finest.rethreshold(0.05))


def test_a_round_up_stays_alone_at_any_threshold():
    reports = [
        Article(f"r{day}", f"{KIM} Day {day} of the visit.", published=datetime(2023, 9, day, tzinfo=UTC))
        for day in (12, 17)
    ]
    roundup = Article("list", KIM, title="Morning briefing", published=datetime(2023, 9, 15, tzinfo=UTC))
    stories = dedup.cluster([*reports, roundup])
    for threshold in (0.05, 0.11, 0.12, 0.2):
        found = stories.rethreshold(threshold)
        assert [len(story) for story in found if story.is_roundup] == [1]


def test_the_same_threshold_gives_the_same_stories(stories):
    assert everything(stories.rethreshold(0.12)) == everything(stories)


def test_at_the_highest_threshold_copies_alone_stay_together(stories):
    again = stories.rethreshold(0.999)
    assert len(again) == len(set(stories.near_duplicate_labels.tolist()))
    assert max(len(story) for story in again) > 1


def test_another_threshold_leaves_the_stories_as_they_were(stories):
    before = everything(stories)
    stories.rethreshold(0.3)
    stories.rethreshold(0.05)
    assert everything(stories) == before


@pytest.mark.parametrize("rule", ["earliest", "longest"])
def test_another_threshold_keeps_the_rule_for_the_representative(sample, rule):
    stories = dedup.cluster(sample[:40], representative=rule)
    said = "Published first|The only|Longest|As long as"
    assert all(re.match(said, story.reason) for story in stories.rethreshold(0.3))
    if rule == "earliest":
        assert all(story.representative is story.articles[0] for story in stories.rethreshold(0.05))


@pytest.mark.parametrize("value", [0, 0.049, 1, 1.0, 1.5, -0.1, math.nan, math.inf])
def test_a_threshold_out_of_range_is_refused(four, value):
    with pytest.raises(ValueError, match="threshold is") as caught:
        four.rethreshold(value)
    assert str(caught.value) == f"threshold is {float(value)!r}; allowed: a number in [0.05, 1)"


@pytest.mark.parametrize("value", ["0.3", None, True, [0.3]], ids=repr)
def test_a_threshold_that_is_no_number_is_refused(four, value):
    with pytest.raises(TypeError) as caught:
        four.rethreshold(value)
    assert str(caught.value) == f"threshold is {value!r}; allowed: a number in [0.05, 1)"


@pytest.mark.parametrize("texts", [[""], ["", " ", "?"], ["Kim"], ["Kim", "Kim"]])
@pytest.mark.parametrize("threshold", [0.05, 0.12, 0.99])
def test_few_and_blank_articles_have_another_threshold(texts, threshold):
    stories = dedup.cluster(texts)
    assert stories.rethreshold(threshold).labels.tolist() == stories.labels.tolist()


def test_no_stories_have_a_higher_threshold():
    assert len(dedup.cluster([]).rethreshold(0.3)) == 0


@pytest.mark.parametrize("threshold", [0.05, 0.12])
def test_no_stories_have_a_lower_threshold(threshold):
    assert len(dedup.cluster([]).rethreshold(threshold)) == 0


@pytest.mark.parametrize("rule", ["central", "longest"])
def test_pickled_stories_are_the_same_and_can_have_another_threshold(sample, rule):
    stories = dedup.cluster(sample, representative=rule)
    copy = pickle.loads(pickle.dumps(stories))
    assert everything(copy) == everything(stories)
    assert repr(copy) == repr(stories)
    assert everything(copy.rethreshold(0.3)) == everything(stories.rethreshold(0.3))
    assert everything(copy.rethreshold(0.05)) == everything(stories.rethreshold(0.05))
    assert list(map(repr, copy.least_certain(20))) == list(map(repr, stories.least_certain(20)))


# Close calls


def facts_of(doubts):
    return [(d.kind, d.story.id, d.article, d.other and d.other.id, d.similarity, d.needed) for d in doubts]


def test_two_episodes_of_one_story_are_no_split(stories, episodes):
    story_of = {episode.id: story.id for story in stories for episode in story.episodes}

    def splits(found):
        """The splits between two stories, by their similarity; an episode alone is named as its story."""
        pairs = [(d.story.id, d.other.id, d.similarity) for d in found.least_certain(10**6) if d.other]
        return sorted((*sorted((story_of[one], story_of[other])), value) for one, other, value in pairs)

    assert splits(stories) == [split for split in splits(episodes) if split[0] != split[1]]
    assert len(splits(stories)) < len(splits(episodes))


@cache
def cost(report):
    """What a report pays to join a story; see `dedup.story.partition.join_costs`."""
    return float(join_costs(vectorize_texts([report.full_text])[2])[0])


def needed(ones, others, threshold):
    """Mean similarity from which two groups of reports are one story: what they pay as one, for each pair."""
    paid = [mean(map(cost, group)) * (len(group) - 1) for group in (ones + others, ones, others)]
    return threshold + (paid[0] - paid[1] - paid[2]) / (len(ones) * len(others))


@pytest.mark.parametrize("threshold", [0.05, 0.12, 0.3])
def test_close_calls_are_all_joins_and_splits_by_distance_from_what_they_need(episodes, similarity, threshold):
    again = episodes.rethreshold(threshold)
    expected = {}
    for story in again:
        for report in reports(story):
            others = [other for other in reports(story) if other is not report]
            if others:
                found = mean(similarity(report, other) for other in others)
                expected[story.id, report.id, None] = found, needed([report], others, threshold)
    for story, other in combinations(again, 2):
        between = [similarity(one, two) for one in reports(story) for two in reports(other)]
        if any(between):
            expected[story.id, None, other.id] = mean(between), needed(reports(story), reports(other), threshold)
    doubts = again.least_certain(10**6)
    found = {(d.story.id, d.article and d.article.id, d.other and d.other.id): (d.similarity, d.needed) for d in doubts}
    assert len(found) == len(doubts)
    assert found.keys() == expected.keys()
    assert all(found[names] == pytest.approx(expected[names]) for names in found)
    distances = [abs(doubt.similarity - doubt.needed) for doubt in doubts]
    assert all(near <= far + 1e-9 for near, far in pairwise(distances))


def test_a_join_names_an_article_and_a_split_another_story(stories):
    doubts = stories.least_certain(10**6)
    assert {doubt.kind for doubt in doubts} == {"join", "split"}
    for doubt in doubts:
        assert 0.12 < doubt.needed < 0.12 + 0.3
        assert doubt.story in stories
        if doubt.kind == "join":
            assert doubt.other is None
            assert doubt.story.membership[doubt.story.articles.index(doubt.article)] == doubt.similarity
        else:
            assert doubt.article is None
            assert stories.index(doubt.story) < stories.index(doubt.other)


@pytest.mark.parametrize("n", [1, 7, np.int64(30)])
def test_so_many_close_calls_are_given_as_asked_for(stories, n):
    assert facts_of(stories.least_certain(n)) == facts_of(stories.least_certain(10**6))[:n]
    assert len(stories.least_certain(n)) == n


def test_ten_close_calls_are_given_unless_told_otherwise(stories):
    assert facts_of(stories.least_certain()) == facts_of(stories.least_certain(10))


def test_close_calls_do_not_depend_on_the_order_of_the_input(sample, stories):
    mixed = dedup.cluster(random.Random(4).sample(sample, len(sample)))
    assert facts_of(mixed.least_certain(200)) == facts_of(stories.least_certain(200))


def test_a_close_call_is_one_line_that_names_both_sides_and_both_numbers(stories):
    for doubt in stories.least_certain(200):
        line = repr(doubt)
        assert len(line.splitlines()) == 1
        assert repr(doubt.story.headline) in line
        assert f"mean similarity {doubt.similarity:.3f}, needed {doubt.needed:.3f}" in line
        assert repr(doubt.other.headline if doubt.other else doubt.article.headline) in line
        assert (" are two stories: " in line, " is in " in line) == (doubt.kind == "split", doubt.kind == "join")


def test_a_close_call_of_odd_titles_is_one_line_too():
    odd = "Kim\nen\u2028Russie\x85\ud800"
    stories = dedup.cluster([Article("a", KIM, title=odd), Article("b", ARTICLES[3].text), Article("c", odd)])
    doubts = stories.least_certain()
    assert len(doubts) > 1
    for doubt in doubts:
        assert len(repr(doubt).splitlines()) == 1
        repr(doubt).encode("utf-8")


@pytest.mark.parametrize("texts", [[], [""], ["Kim"], ["Kim", "Kim"], [KIM, "Qwyjibo zzyzx vrksh."]])
def test_where_nothing_is_close_there_are_no_close_calls(texts):
    assert dedup.cluster(texts).least_certain() == []


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_bad_number_of_close_calls_is_refused(four, value, error):
    with pytest.raises(error) as caught:
        four.least_certain(value)
    assert str(caught.value) == f"n is {value!r}; allowed: an integer of at least 1"


# Terms


SENTENCES = {
    "Latin": "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    "Cyrillic": "Ким Чен Ын прибыл в Россию на бронепоезде.",
    "Greek": "Ο Κιμ Γιονγκ Ουν έφτασε στη Ρωσία με τρένο.",
    "Arabic": "وصل الزعيم الكوري الشمالي كيم جونغ أون إلى روسيا",
    "Hebrew": "מנהיג צפון קוריאה הגיע לרוסיה ברכבת משוריינת",
    "Devanagari": "उत्तर कोरिया के नेता किम जोंग उन रूस पहुंचे",
    "Bengali": "কিম জং উন রাশিয়ায় পৌঁছেছেন",
    "Tamil": "கிம் ஜாங் உன் ரஷ்யா வந்தடைந்தார்",
    "Armenian": "Քիմ Չեն Ինը ժամանել է Ռուսաստան",
    "Georgian": "კიმ ჩენ ინი რუსეთში ჩავიდა",
    "Ethiopic": "ኪም ጆንግ ኡን ሩሲያ ገቡ",
    "Hangul": "김정은 국무위원장이 러시아를 방문했다고 조선중앙통신이 보도했다.",
}
UNSPACED = {
    "Han": "金正恩乘坐专列抵达俄罗斯。",
    "Kana": "キム総書記がロシアに到着しました。",
    "Thai": "ผู้นำเกาหลีเหนือเดินทางถึงรัสเซีย",
    "Lao": "ຜູ້ນຳເກົາຫຼີເໜືອ",
    "Khmer": "មេដឹកនាំកូរ៉េខាងជើង",
    "Myanmar": "မြောက်ကိုရီးယားခေါင်းဆောင်",
}


@pytest.mark.parametrize("script", SENTENCES)
def test_terms_are_words_as_written_in_the_text(script):
    (story,) = dedup.cluster([SENTENCES[script]])
    assert 0 < len(story.terms) <= 8
    assert len(set(story.terms)) == len(story.terms)
    assert set(story.terms) <= set(re.sub(r"[.,]", " ", SENTENCES[script]).split())


@pytest.mark.parametrize("script", UNSPACED)
def test_terms_of_scripts_without_spaces_are_pieces_of_the_text(script):
    (story,) = dedup.cluster([UNSPACED[script]])
    assert 0 < len(story.terms) <= 8
    assert all(len(term) > 1 and term in UNSPACED[script] for term in story.terms)


def test_every_story_of_the_sample_has_terms(stories):
    assert all(story.terms for story in stories)
    assert {story.representative.language for story in stories} >= {"fr", "ru", "zh"}


def test_terms_name_what_the_story_is_about():
    texts = ["Kim visite Vostochny avec Poutine", "Poutine montre Vostochny à Kim", "Séisme au Maroc", "Vote à Paris"]
    story = dedup.cluster(texts)[0]
    assert set(story.terms[:2]) == {"Vostochny", "Poutine"}


def test_stop_words_weigh_less_than_others():
    (story,) = dedup.cluster(["The train and the border and the leader of the North"])
    assert set(story.terms[:2]) <= {"train", "border", "leader", "North"}


@pytest.mark.parametrize("text", ["", "?!", "🎉"])
def test_a_story_without_words_has_no_terms(text):
    assert dedup.cluster([text])[0].terms == ()


# As text


def test_the_repr_counts_and_lists_the_stories(four):
    lines = repr(four).splitlines()
    assert lines[0] == "Stories(4 articles in 2 stories)"
    assert lines[1].split() == ["3", "2023-09-12", "to", "2023-09-13", *four[0].headline.split()]
    assert lines[2].split() == ["1", "undated", "Les", "taux", "à", "4", "%"]
    assert len(lines) == 3


def test_a_long_repr_names_ten_stories_and_counts_the_others(stories):
    lines = repr(stories).splitlines()
    assert len(lines) == 12
    assert lines[-1].strip() == f"and {len(stories) - 10} more"
    assert all(story.headline in line for story, line in zip(stories, lines[1:11], strict=False))


def test_the_repr_of_no_stories_is_one_line():
    assert repr(dedup.cluster([])) == "Stories(0 articles in 0 stories)"


def test_the_repr_of_a_story_names_size_days_and_headline(four):
    assert repr(four[0]) == f"Story(3 articles, 2023-09-12 to 2023-09-13: {four[0].headline!r})"
    assert repr(four[1]) == "Story(1 article, undated: 'Les taux à 4 %')"


def test_a_story_of_one_day_names_it_once():
    when = datetime(2023, 9, 12, 23, 30, tzinfo=timezone(timedelta(hours=-2)))  # the 13th in UTC
    assert "2023-09-13: " in repr(dedup.cluster([Article("a", "Kim", published=when)])[0])


# As a data frame


@pytest.mark.parametrize("backend", FRAMES)
def test_the_frame_is_of_the_library_asked_for(four, backend):
    assert isinstance(four.to_frame(backend=backend), FRAMES[backend])


def test_the_frame_is_pandas_unless_told_otherwise(four):
    assert isinstance(four.to_frame(), pd.DataFrame)


@pytest.mark.parametrize("backend", FRAMES)
def test_a_frame_has_the_documented_columns(four, backend):
    frame = four.to_frame(backend=backend)
    assert list(frame.column_names if backend == "pyarrow" else frame.columns) == COLUMNS


@pytest.mark.parametrize("backend", FRAMES)
def test_rows_come_in_the_order_of_the_input(four, backend):
    table = rows(four.to_frame(backend=backend))
    assert [row["id"] for row in table] == ["bank", "copy", "wire", "train"]
    assert [row["title"] for row in table] == ["Les taux à 4 %", "", "", "Kim en Russie"]
    assert [row["source"] for row in table] == [None, "Écho", "Le Quotidien", "Écho"]
    assert [row["language"] for row in table] == [None, None, "fr", None]


@pytest.mark.parametrize("backend", FRAMES)
def test_rows_name_their_story_and_their_group_of_copies(four, backend):
    table = rows(four.to_frame(backend=backend))
    assert [row["story_id"] for row in table] == ["bank", "wire", "wire", "wire"]
    assert [row["near_duplicate_group"] for row in table] == [0, 1, 1, 2]


@pytest.mark.parametrize("backend", FRAMES)
def test_rows_say_how_similar_an_article_is_to_its_story(four, stories, backend):
    assert [row["membership"] for row in rows(four.to_frame(backend=backend))] == four.membership.tolist()
    assert [row["membership"] for row in rows(stories.to_frame(backend=backend))] == stories.membership.tolist()


@pytest.mark.parametrize("backend", FRAMES)
def test_times_are_moments_in_utc(four, backend):
    times = [row["published"] for row in rows(four.to_frame(backend=backend))]
    moments = [datetime(2023, 9, 13, 7, tzinfo=UTC), datetime(2023, 9, 12, 6, 30, tzinfo=UTC)]
    assert times == [None, *moments, None]
    assert all(time.utcoffset() == timedelta(0) for time in times[1:3])


@pytest.mark.parametrize("backend", FRAMES)
def test_each_story_has_one_representative(stories, backend):
    table = rows(stories.to_frame(backend=backend))
    shown = [row for row in table if row["is_representative"]]
    assert Counter(row["story_id"] for row in shown) == {story.id: 1 for story in stories}
    assert {row["id"] for row in shown} == {story.representative.id for story in stories}
    assert {row["is_representative"] for row in table} == {True, False}


@pytest.mark.parametrize("backend", FRAMES)
def test_no_stories_make_a_frame_without_rows(backend):
    frame = dedup.cluster([]).to_frame(backend=backend)
    assert rows(frame) == []
    assert list(frame.column_names if backend == "pyarrow" else frame.columns) == COLUMNS


@pytest.mark.parametrize("backend", FRAMES)
def test_undated_articles_alone_make_a_frame(backend):
    assert [row["published"] for row in rows(dedup.cluster(["Kim", "Putin"]).to_frame(backend=backend))] == [None, None]


def test_a_frame_can_be_clustered_again(four):
    frame = four.to_frame().assign(text=[article.text for article in ARTICLES])
    assert dedup.cluster(frame).labels.tolist() == four.labels.tolist()


@pytest.mark.parametrize("backend", ["numpy", "Pandas", "", None, pd], ids=str)
def test_another_backend_is_refused(four, backend):
    with pytest.raises(ValueError, match="backend is") as caught:
        four.to_frame(backend=backend)
    for part in (f"backend is {backend!r}", "allowed: ", "'pandas'", "'polars'", "'pyarrow'"):
        assert part in str(caught.value)


def test_a_backend_that_is_not_installed_says_what_to_install():
    # In a process of its own: once imported, a library stays known to narwhals.
    code = (
        "import sys; sys.modules |= dict.fromkeys(['pandas', 'polars', 'pyarrow'])\n"  # importing them now fails
        "import dedup\n"
        "for backend in ('pandas', 'polars', 'pyarrow'):\n"
        "    try:\n"
        "        dedup.cluster(['Kim']).to_frame(backend=backend)\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(dedup.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    lines = run.stdout.splitlines()
    assert len(lines) == 3
    for line, backend in zip(lines, FRAMES, strict=True):
        assert f"needs {backend}: pip install {backend}" in line


def test_no_break_spaces_are_not_printed():
    """Only ids and the fields of an article are told as they are."""
    text = (
        "«\xa0Kim Jong\xa0Un\xa0» est arrivé en Russie mardi à bord de son train blindé, dit le Kremlin\xa0: une visite"
    )
    ends = ["un train vert", "deux voitures noires et trois", "trois jours", "quatre mots nouveaux ici"]
    articles = [
        dedup.Article(f"a{i}", f"{text} {end}", f"«\xa0Kim\xa0» arrive {i}", source="Le\xa0Monde")
        for i, end in enumerate(ends)
    ]
    stories = dedup.cluster(articles)
    told = [repr(stories), *map(repr, stories), *map(repr, stories.least_certain(9)), stories._repr_html_()]
    told += [str(stories.explain("a0", "a1")), str(stories[0].explain("a0")), stories[0].reason, stories[0].headline]
    assert len(told) > 7
    assert not [line for line in told if "\xa0" in line or "\\xa0" in line]
