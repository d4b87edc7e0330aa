"""What the library promises of every result: section 5 of the design."""

import copy
import os
import random
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article

ROOT = Path(dedup.__file__).parents[1]
WORDS = ["Kim", "Putin", "Russie", "train", "sommet", "Moscou", "Séisme", "Maroc", "secours", ",", ".", "金", "正"]
FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)


def facts(stories):
    """All that stories say, in their order, without positions in the input."""
    return [
        (
            story.id,
            [article.id for article in story.articles],
            story.representative.id,
            story.reason,
            [[article.id for article in group] for group in story.near_duplicates],
            story.membership,
            story.cohesion,
        )
        for story in stories
    ]


def groups(labels, names):
    """A grouping as a set of sets of names."""
    members = defaultdict(set)
    for label, name in zip(labels.tolist(), names, strict=True):
        members[label].add(name)
    return set(map(frozenset, members.values()))


def shuffled(items, seed):
    return random.Random(seed).sample(list(items), len(items))


def run_python(code, *hash_seeds):
    """What fresh processes print, one for each hash seed, side by side."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", code]
    environments = [environment | {"PYTHONHASHSEED": seed} for seed in hash_seeds]
    processes = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE) for env in environments]
    printed = [process.communicate()[0] for process in processes]
    assert not any(process.returncode for process in processes)
    return printed


@st.composite
def some_articles(draw):
    """Few articles of few words, so that copies, near-copies, blanks, ties and gaps in dates are common."""
    bodies = draw(st.lists(st.lists(st.sampled_from(WORDS), max_size=9), max_size=8))
    start = datetime(2023, 9, 12, tzinfo=UTC)
    moments = st.sampled_from([None, *(start + timedelta(hours=hours) for hours in (0, 1, 30, 200))])
    # The last are rewordings of the first, so that stories of several reports occur.
    bodies += [body[:-1] for body in bodies[:3]]
    return [Article(f"a{i}", " ".join(body), published=draw(moments)) for i, body in enumerate(bodies)]


# The order of the input does not matter


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_the_sample_gives_the_same_stories(sample, stories, seed):
    assert facts(dedup.cluster(shuffled(sample, seed))) == facts(stories)


def test_the_reverse_order_gives_the_same_stories_and_terms(sample, stories):
    reverse = dedup.cluster(sample[::-1])
    assert facts(reverse) == facts(stories)
    assert [story.terms for story in reverse] == [story.terms for story in stories]


@pytest.mark.parametrize("threshold", [0.05, 0.3])
def test_any_order_gives_the_same_stories_at_another_threshold(sample, stories, threshold):
    mixed = dedup.cluster(shuffled(sample, 2))
    assert facts(mixed.rethreshold(threshold)) == facts(stories.rethreshold(threshold))


@pytest.mark.parametrize("rule", ["earliest", "longest"])
def test_any_order_gives_the_same_representatives_under_every_rule(sample, rule):
    expected = facts(dedup.cluster(sample, representative=rule))
    assert facts(dedup.cluster(shuffled(sample, 1), representative=rule)) == expected


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_plain_texts_gives_the_same_grouping(sample, seed):
    texts = sorted({article.full_text for article in sample})
    expected = groups(dedup.cluster(texts).labels, texts)
    assert 1 < len(expected) < len(texts)
    mixed = shuffled(texts, seed)
    assert groups(dedup.cluster(mixed).labels, mixed) == expected


@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_the_same_near_duplicates(sample, seed):
    mixed = shuffled(sample, seed)
    expected = groups(dedup.near_duplicates(sample).labels, [article.id for article in sample])
    assert groups(dedup.near_duplicates(mixed).labels, [article.id for article in mixed]) == expected


def test_any_order_gives_the_same_stories_without_dates(sample):
    undated = [Article(article.id, article.text, title=article.title) for article in sample]
    assert facts(dedup.cluster(shuffled(undated, 5))) == facts(dedup.cluster(undated))


def test_any_order_gives_the_same_stories_when_all_dates_are_equal(sample):
    at_once = [Article(a.id, a.text, title=a.title, published=datetime(2023, 9, 12, tzinfo=UTC)) for a in sample]
    assert facts(dedup.cluster(shuffled(at_once, 6))) == facts(dedup.cluster(at_once))


@given(some_articles(), st.integers(0, 1_000))
@settings(deadline=None, max_examples=50)
def test_any_order_of_any_articles_gives_the_same_stories(articles, seed):
    assert facts(dedup.cluster(shuffled(articles, seed))) == facts(dedup.cluster(articles))


@given(st.sets(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), max_size=8).map(sorted), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_any_order_of_any_plain_texts_gives_the_same_grouping(texts, seed):
    mixed = shuffled(texts, seed)
    assert groups(dedup.cluster(mixed).labels, mixed) == groups(dedup.cluster(texts).labels, texts)


def test_ties_go_to_the_earlier_publication_then_the_smaller_id():
    text = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé."
    when = datetime(2023, 9, 12, tzinfo=UTC)
    copies = [Article("c", text), Article("b", text, published=when), Article("a", text, published=when)]
    copies.append(Article("z", text, published=when - timedelta(hours=1)))
    (story,) = dedup.cluster(copies)
    assert [article.id for article in story.articles] == ["z", "a", "b", "c"]
    assert story.representative.id == "z"


# Threads, processes and repeats do not matter


@pytest.mark.parametrize("n_jobs", [1, 2, 4, -1])
def test_any_number_of_threads_gives_the_same_stories(sample, stories, n_jobs):
    found = dedup.cluster(sample, n_jobs=n_jobs)
    assert facts(found) == facts(stories)
    assert found.labels.tolist() == stories.labels.tolist()
    assert found.near_duplicate_labels.tolist() == stories.near_duplicate_labels.tolist()
    assert found.representative_indices.tolist() == stories.representative_indices.tolist()


@pytest.mark.parametrize("n_jobs", [2, 4])
def test_any_number_of_threads_gives_the_same_near_duplicates(sample, n_jobs):
    texts = [article.text for article in sample] * 8  # more than one block of text
    one, many = dedup.near_duplicates(texts, n_jobs=1), dedup.near_duplicates(texts, n_jobs=n_jobs)
    assert one.pairs.tolist() == many.pairs.tolist()
    assert one.jaccard.tolist() == many.jaccard.tolist()
    assert one.labels.tolist() == many.labels.tolist()


def test_a_second_run_gives_the_same_stories(sample, stories):
    assert facts(dedup.cluster(sample)) == facts(stories)


def test_earlier_runs_in_one_process_do_not_change_a_result():
    articles = dedup.sample_articles("fr")
    expected = facts(dedup.cluster(articles))
    dedup.cluster(dedup.sample_articles("ru", "zh"))
    dedup.cluster(["", "Kim"])
    assert facts(dedup.cluster(articles)) == expected


def test_fresh_processes_give_byte_equal_results_whatever_the_hash_seed(stories):
    code = (
        "import dedup\n"
        "stories = dedup.cluster(dedup.sample_articles())\n"
        "print(stories.labels.tolist(), stories.near_duplicate_labels.tolist())\n"
        "for story in stories:\n"
        "    print(story.id, [a.id for a in story.articles], story.representative.id, story.reason, story.terms)\n"
    )
    first, second = run_python(code, "0", "12345")
    assert first == second
    assert first.decode().startswith(str(stories.labels.tolist()))
    assert first.decode().count("\n") == len(stories) + 1


# Nothing else is touched or loaded


def test_records_are_not_changed():
    records = [
        {"id": 5, "text": " Kim\0 ", "published": "2023-09-12T10:00:00Z", "extra": [1, 2]},
        {"text": "Kim est en Russie", "title": None, "published": 1694512800},
    ]
    before = copy.deepcopy(records)
    dedup.cluster(records)
    dedup.near_duplicates(records)
    assert records == before


def test_the_list_of_articles_is_not_changed(sample):
    articles = list(sample)
    dedup.cluster(articles)
    assert all(now is then for now, then in zip(articles, sample, strict=True))


def test_a_data_frame_is_not_changed(sample):
    frame = pd.DataFrame({"id": [a.id for a in sample], "text": [a.text for a in sample]})
    frame.index += 5
    before = frame.copy(deep=True)
    dedup.cluster(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_an_object_array_is_not_changed():
    texts = np.array(["Kim", {"text": "Putin"}], dtype=object)
    before = copy.deepcopy(texts)
    dedup.cluster(texts)
    assert (texts == before).all()


@pytest.mark.parametrize("code", ["import dedup", "from dedup import Article", "import dedup; dedup.sample_articles()"])
def test_importing_dedup_loads_neither_scikit_learn_nor_frames(code):
    heavy = ("sklearn", "pandas", "polars", "pyarrow", "narwhals")
    (printed,) = run_python(f"import sys\n{code}\nprint([name for name in {heavy} if name in sys.modules])", "random")
    assert printed.strip() == b"[]"


def test_every_public_name_can_be_had():
    for name in dedup.__all__:
        assert getattr(dedup, name) is not None
    assert {"cluster", "near_duplicates", "StoryClusterer", "Article", "metrics"} <= set(dir(dedup))


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'clusters'"):
        assert dedup.clusters


# Small and blank input


@pytest.mark.parametrize("nothing", [[], (), iter([]), pd.DataFrame({"text": []}), np.array([], dtype=object)])
def test_no_articles_make_no_stories(nothing):
    stories = dedup.cluster(nothing)
    assert len(stories) == 0
    assert list(stories) == []
    for array in (stories.labels, stories.near_duplicate_labels, stories.representative_indices):
        assert array.shape == (0,)
        assert array.dtype == np.int64


def test_no_articles_have_no_near_duplicates():
    found = dedup.near_duplicates([])
    assert found.pairs.shape == (0, 2)
    assert found.jaccard.shape == found.labels.shape == (0,)


@pytest.mark.parametrize("text", ["Kim Jong Un est arrivé en Russie.", "Kim", "", " \n", "?!", "金正恩"])
def test_one_article_is_one_story(text):
    (story,) = dedup.cluster([text])
    assert story.articles == (Article("0", text),)
    assert story.representative.text == text
    assert story.near_duplicates == ()
    assert story.reason == "The only report."


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u200b", "\0", "\ufe0f"], ids=ascii)
def test_blank_articles_are_each_alone(blank):
    stories = dedup.cluster([blank] * 5)
    assert stories.labels.tolist() == [0, 1, 2, 3, 4]
    assert stories.near_duplicate_labels.tolist() == [0, 1, 2, 3, 4]
    assert dedup.near_duplicates([blank] * 5).pairs.tolist() == []


@pytest.mark.parametrize("text", ["...", "—", "🎉", "Ⓐ"], ids=ascii)
def test_articles_of_the_same_symbols_are_copies(text):
    stories = dedup.cluster([text, "?", text])
    assert stories.near_duplicate_labels.tolist() == stories.labels.tolist() == [0, 1, 0]


def test_blank_articles_join_no_story_of_others():
    text = "Kim Jong Un est arrivé mardi en Russie."
    labels = dedup.cluster(["", text, " ", text, "..."]).labels.tolist()
    assert labels[1] == labels[3]
    assert len(set(labels)) == 4


def test_copies_of_a_short_text_are_near_duplicates_and_other_short_texts_are_not():
    labels = dedup.cluster(["Kim arrive", "Kim arrive!", "Putin part", "KIM ARRIVE", "Paris"]).near_duplicate_labels
    assert labels.tolist() == [0, 0, 1, 0, 2]


# Ids


def test_cluster_refuses_duplicate_ids():
    with pytest.raises(ValueError, match=r"'a'.*occur once"):
        dedup.cluster([Article("a", "Kim"), Article("b", "Putin"), Article("a", "Lavrov")])


def test_the_estimator_logs_duplicate_ids_once_and_goes_on(caplog):
    articles = [Article("a", "Kim"), Article("b", "Putin"), Article("a", "Lavrov"), Article("b", "Choïgou")]
    model = dedup.StoryClusterer().fit(articles)
    assert [record.getMessage() for record in caplog.records] == ["2 of 4 articles repeat an id"]
    assert len(model.labels_) == 4


def test_the_order_of_articles_with_duplicate_ids_does_not_matter(sample):
    articles = [Article(a.id[:9], a.text, title=a.title, published=a.published) for a in sample]
    mixed = shuffled(range(len(articles)), 3)
    model = dedup.StoryClusterer().fit(articles)
    again = dedup.StoryClusterer().fit([articles[i] for i in mixed])
    assert model.labels_[mixed].tolist() == again.labels_.tolist()


# Copies, unrelated articles


def test_near_duplicates_share_a_story(stories):
    for group in groups(stories.near_duplicate_labels, range(len(stories.articles))):
        assert len({int(stories.labels[i]) for i in group}) == 1


def test_near_duplicates_share_a_story_even_years_apart():
    text = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé."
    dated = [Article(str(year), text, published=datetime(year, 1, 1, tzinfo=UTC)) for year in (2003, 2013, 2023)]
    assert dedup.cluster(dated).labels.tolist() == [0, 0, 0]


def test_near_duplicates_share_a_story_at_the_highest_threshold(sample):
    stories = dedup.cluster(sample, story_threshold=0.999)
    # So high, a story is a group of copies and nothing else.
    assert groups(stories.labels, sample) == groups(stories.near_duplicate_labels, sample)
    assert any(len(story) > 1 for story in stories)


def test_the_model_groups_the_copies_that_near_duplicates_finds(sample, model):
    assert model.near_duplicate_labels_.tolist() == dedup.near_duplicates(sample).labels.tolist()


def test_an_unrelated_article_changes_no_other_story(sample):
    french = [article for article in sample if article.language == "fr"]
    stranger = Article("stranger", "Qwyjibo zzyzx vrksh plomf grundl.", published=french[0].published)
    before, after = dedup.cluster(french), dedup.cluster([*french, stranger])
    assert groups(after.labels[:-1], french) == groups(before.labels, french)
    assert (after.labels == after.labels[-1]).sum() == 1


# Labels, order and attributes agree


def check_consistency(stories):
    """Labels, order and attributes of stories, each against the others."""
    count = len(stories)
    assert sorted(set(stories.labels.tolist())) == list(range(count))
    assert stories.labels.shape == stories.near_duplicate_labels.shape == (len(stories.articles),)
    assert stories.representative_indices.shape == (count,)
    for array in (stories.labels, stories.near_duplicate_labels, stories.representative_indices):
        assert array.dtype == np.int64
    assert (stories.membership.shape, stories.membership.dtype) == (stories.labels.shape, np.float64)
    # By size, then first publication (undated last), then the id of the first article.
    rank = [(-len(story), story.first is None, story.first or FAR_FUTURE, story.id) for story in stories]
    assert rank == sorted(rank)
    # Near-duplicate groups are numbered by first member.
    _, first = np.unique(stories.near_duplicate_labels, return_index=True)
    assert first.tolist() == sorted(first.tolist())
    ids = [article.id for article in stories.articles]
    copy_labels = dict(zip(ids, stories.near_duplicate_labels.tolist(), strict=True))
    membership = dict(zip(ids, stories.membership.tolist(), strict=True))
    for place, story in enumerate(stories):
        members = [stories.articles[i] for i in np.flatnonzero(stories.labels == place)]
        assert {article.id for article in story.articles} == {article.id for article in members}
        assert len(story) == len(members) == len(story.articles) >= 1
        by_publication = sorted(members, key=lambda a: (a.published is None, a.published or FAR_FUTURE, a.id))
        assert list(story.articles) == by_publication
        assert story.id == story.articles[0].id
        dates = [article.published for article in members if article.published]
        assert (story.first, story.last) == (min(dates, default=None), max(dates, default=None))
        assert story.representative is stories.articles[stories.representative_indices[place]]
        assert stories.labels[stories.representative_indices[place]] == place
        assert story.reason.endswith(".")
        assert list(story.membership) == [membership[article.id] for article in by_publication]
        assert 0 <= min(story.membership) <= max(story.membership) <= 1
        assert 0 <= story.cohesion <= 1
        copies = defaultdict(list)
        for article in by_publication:
            copies[copy_labels[article.id]].append(article)
        # A dict keeps the order in which its keys came: that of the first members.
        assert [list(group) for group in story.near_duplicates] == [g for g in copies.values() if len(g) > 1]
        if len(copies) == 1:
            assert {*story.membership, story.cohesion} == {1.0}


def test_the_stories_of_the_sample_are_consistent(stories):
    check_consistency(stories)


def test_the_stories_of_the_sample_are_consistent_in_any_order(sample):
    check_consistency(dedup.cluster(shuffled(sample, 9)))


@given(some_articles())
@settings(deadline=None, max_examples=50)
def test_the_stories_of_any_articles_are_consistent(articles):
    check_consistency(dedup.cluster(articles))


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.99])
def test_the_stories_of_the_sample_at_another_threshold_are_consistent(stories, threshold):
    check_consistency(stories.rethreshold(threshold))


@given(some_articles().filter(bool), st.sampled_from([0.05, 0.12, 0.5]))
@settings(deadline=None, max_examples=50)
def test_the_stories_of_any_articles_at_another_threshold_are_consistent(articles, threshold):
    check_consistency(dedup.cluster(articles).rethreshold(threshold))


def test_the_sample_has_stories_of_every_kind(stories):
    # Without them the tests above would show little.
    assert len({len(story) for story in stories}) >= 4
    assert any(story.near_duplicates for story in stories)
    assert any(len(story) > 1 and not story.near_duplicates for story in stories)


def test_sources_come_in_the_order_of_their_first_article(stories):
    for story in stories:
        assert list(story.sources) == list(dict.fromkeys(a.source for a in story.articles if a.source))
