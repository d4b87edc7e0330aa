"""Which article a story shows, and the reason given for it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup import Article
from dedup.parameters import RULES
from dedup.representative import Candidate, candidates_of, choose, choose_of_story, cohesion

START = datetime(2023, 9, 12, 10, tzinfo=UTC)


def candidate(name, *, words=100, centrality=0.5, copies=1, first=True, hours=0.0):
    when = None if hours is None else START + timedelta(hours=hours)
    return Candidate(Article(name, name, published=when), words, centrality, copies, first)


def copies_of(name, count, **facts):
    """Candidates for one text published `count` times."""
    return [candidate(f"{name}{i}", copies=count, first=i == 0, **facts) for i in range(count)]


def numbers(sentence):
    return re.findall(r"\d+(?:\.\d+)?", sentence)


# A single report


@pytest.mark.parametrize("rule", RULES)
def test_a_single_article_is_the_only_report(rule):
    choice = choose(rule, [candidate("a")])
    assert (choice.place, choice.reason) == (0, "The only report.")


def test_a_callable_is_not_called_for_a_single_article():
    def chooser(articles):
        raise AssertionError("asked")

    assert choose(chooser, [candidate("a")]).place == 0


# Central


def test_the_most_similar_report_is_shown():
    reports = [candidate("a", centrality=0.2), candidate("b", centrality=0.6), candidate("c", centrality=0.4)]
    assert choose("central", reports).place == 1


def test_the_reason_names_both_similarities_and_both_lengths():
    reports = [
        candidate("a", centrality=0.21, words=120),
        candidate("b", centrality=0.63, words=130),
        candidate("c", centrality=0.44, words=140),
    ]
    reason = choose("central", reports).reason
    assert numbers(reason) == ["3", "0.63", "130", "0.44", "140"]
    assert reason.startswith("Most central of 3 reports")
    assert reason.endswith(".")


def test_the_reason_says_of_a_closer_stub_that_it_is_one():
    reports = [
        candidate("stub", centrality=0.6, words=12),
        candidate("b", centrality=0.5, words=400),
        candidate("c", centrality=0.4, words=380),
    ]
    assert choose("central", reports).reason.endswith("One with 0.60 has only 12 words.")


def test_two_reports_are_one_and_the_other():
    reason = choose("central", [candidate("a", centrality=0.4), candidate("b", centrality=0.4, words=120)]).reason
    assert reason == "As central as the other of 2 reports, mean similarity 0.40, and longer: 120 words to 100."


# Ties


def tied(count=2, **facts):
    return [candidate("z", **facts), *(candidate(name, hours=1) for name in "abc"[: count - 1])]


@pytest.mark.parametrize(
    ("rule", "reports", "reason"),
    [
        ("central", tied(), "As central as the other of 2 reports, mean similarity 0.50, and earlier."),
        ("central", tied(3), "As central as the next of 3 reports, mean similarity 0.50, and earlier."),
        (
            "central",
            [candidate("a"), candidate("b")],
            "As central as the other of 2 reports, mean similarity 0.50, and first by id.",
        ),
        (
            "central",
            [candidate("a"), candidate("b", hours=None)],
            "As central as the other of 2 reports, mean similarity 0.50, and dated, unlike it.",
        ),
        (
            "central",
            [candidate("a", centrality=0.6, words=100), candidate("b", centrality=0.3, words=400, hours=1)],
            "Most central of 2 reports: mean similarity 0.60 with 100 words; as good is 0.30 with 400, but later.",
        ),
        ("longest", tied(), "As long as the other of 2 articles, 100 words, and earlier."),
        (
            "longest",
            [*tied(3)[1:], candidate("d", hours=2)],
            "As long as the next of 3 articles, 100 words, and first by id.",
        ),
        (
            "earliest",
            [candidate("a"), candidate("b")],
            "Published first of 2 articles: 2023-09-12 10:00 UTC, at the same time as the next, and first by id.",
        ),
    ],
)
def test_a_tie_is_told_as_one(rule, reports, reason):
    choice = choose(rule, reports)
    assert (choice.place, choice.reason) == (0, reason)


def test_what_differs_is_told_with_the_digits_that_show_it():
    reports = [candidate("a", centrality=0.1712), candidate("b", centrality=0.1729), candidate("c", centrality=0.1)]
    assert choose("central", reports).reason.startswith(
        "Most central of 3 reports: mean similarity 0.173 with 100 words; next comes 0.171 with 100"
    )


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.1004, 0.2, 0.3]), st.sampled_from([50, 100])), min_size=2, max_size=6)
)
def test_what_is_told_is_so(rows):
    """Whoever is as central is, and of two that are told apart the numbers differ."""
    reports = [candidate(f"{i}", centrality=share, words=words) for i, (share, words) in enumerate(rows)]
    choice = choose("central", reports)
    chosen, others = reports[choice.place], [c for i, c in enumerate(reports) if i != choice.place]
    if choice.reason.startswith("As central"):
        assert any(other.centrality == chosen.centrality for other in others)
        if "and first by id" in choice.reason:
            assert choice.place == min(i for i, row in enumerate(rows) if row == rows[choice.place])
        else:
            assert chosen.words > min(other.words for other in others)
    else:
        assert len(set(numbers(choice.reason)[1:4:2])) == 2


def test_the_largest_of_equal_episodes_is_told_as_the_first():
    reports = [candidate(name) for name in "abcde"]
    for episodes, lead in (
        ([[0, 1], [2, 3], [4]], "Of the first of the 2 largest of 3 episodes. "),
        ([[0], [1, 2, 3], [4]], "Of the largest of 3 episodes. "),
        ([[0, 1, 2, 3, 4]], ""),
    ):
        choice, own = choose_of_story("central", reports, episodes)
        largest = max(range(len(episodes)), key=lambda k: len(episodes[k]))
        assert choice.reason == lead + own[largest].reason


def test_ten_copies_of_one_text_count_once():
    crowd = copies_of("wire", 10, centrality=0.3)
    choice = choose("central", [*crowd, candidate("a", centrality=0.5), candidate("b", centrality=0.4)])
    assert choice.place == 10
    assert choice.reason.startswith("Most central of 3 reports")


def test_copies_do_not_move_the_usual_length():
    # Were each copy counted, 20 words would be usual and the stub complete.
    stubs = copies_of("stub", 10, centrality=0.6, words=20)
    full = [candidate("a", centrality=0.5, words=300), candidate("b", centrality=0.4, words=300)]
    assert choose("central", [*stubs, *full]).place == 10


def test_of_copies_the_first_published_is_shown():
    later = [candidate("copy", centrality=0.9, words=900, copies=2, first=False)]
    wire = [candidate("wire", centrality=0.9, copies=2)]
    assert choose("central", [candidate("a", centrality=0.1), *wire, *later]).place == 1


def test_the_reason_names_the_number_of_copies():
    reason = choose("central", [*copies_of("wire", 7, centrality=0.6), candidate("a", centrality=0.4)]).reason
    assert reason.endswith("The earliest of its 7 copies.")


def test_a_report_without_copies_names_none():
    reason = choose("central", [*copies_of("wire", 7, centrality=0.4), candidate("a", centrality=0.6)]).reason
    assert "copies" not in reason


def test_a_story_of_copies_alone_shows_the_earliest():
    choice = choose("central", copies_of("wire", 4))
    assert (choice.place, choice.reason) == (0, "The earliest of 4 copies of one text.")


def test_a_stub_loses_to_a_full_report():
    reports = [
        candidate("stub", centrality=0.6, words=12),
        candidate("full", centrality=0.5, words=400),
        candidate("other", centrality=0.4, words=380),
    ]
    assert choose("central", reports).place == 1


@pytest.mark.parametrize(("centrality", "place"), [(0.29, 0), (0.31, 1)])
def test_completeness_counts_by_its_square_root(centrality, place):
    reports = [
        candidate("a quarter of the usual length", centrality=0.6, words=100),  # sqrt(1 / 4) x 0.6 = 0.3
        candidate("usual", centrality=centrality, words=400),
        candidate("other", centrality=0.1, words=400),
    ]
    assert choose("central", reports).place == place


def test_the_usual_length_is_the_median_of_the_reports():
    reports = [
        candidate("short", centrality=0.50, words=300),
        candidate("median", centrality=0.45, words=400),
        candidate("long", centrality=0.10, words=9_000),
    ]
    assert choose("central", reports).place == 1  # sqrt(3 / 4) x 0.5 = 0.43
    assert choose("central", [*reports, candidate("stub", centrality=0.1, words=9)]).place == 1
    assert choose("central", [*reports, *(candidate(f"stub{i}", centrality=0.1, words=9) for i in range(3))]).place == 0


def test_a_report_longer_than_usual_has_no_advantage():
    reports = [
        candidate("usual", centrality=0.51, words=300),
        candidate("long", centrality=0.5, words=5_000),
        candidate("other", centrality=0.2, words=300),
    ]
    assert choose("central", reports).place == 0


def test_ties_go_to_the_earlier_report():
    reports = [candidate("a", centrality=0.3), candidate("b"), candidate("c"), candidate("d")]
    assert choose("central", reports).place == 1


def test_a_difference_too_small_to_mean_anything_is_a_tie():
    assert choose("central", [candidate("a", centrality=0.5), candidate("b", centrality=0.5 + 1e-13)]).place == 0


def test_reports_without_words_or_similarity_still_have_one_to_show():
    blank = {"words": 0, "centrality": 0.0}
    assert choose("central", [candidate("a", **blank), candidate("b", **blank)]).place == 0


# Earliest


def test_the_earliest_is_the_first_and_leads_by_so_much():
    choice = choose("earliest", [candidate("a"), candidate("b", hours=0.5), candidate("c", hours=9)])
    assert choice.place == 0
    assert choice.reason == "Published first of 3 articles: 2023-09-12 10:00 UTC, 30 min before the next."


@pytest.mark.parametrize(
    ("hours", "lead"),
    [(1, "60 min"), (1.99, "119 min"), (2, "2 h"), (2.9, "2 h"), (47.9, "47 h"), (48, "2 days"), (200, "8 days")],
)
def test_the_lead_is_given_in_minutes_hours_or_days(hours, lead):
    assert f", {lead} before the next." in choose("earliest", [candidate("a"), candidate("b", hours=hours)]).reason


def test_the_time_is_given_in_utc():
    tokyo = timezone(timedelta(hours=9))
    pair = [candidate("a"), candidate("b", hours=3)]
    pair = [replace(c, article=replace(c.article, published=c.article.published.astimezone(tokyo))) for c in pair]
    assert "2023-09-12 10:00 UTC" in choose("earliest", pair).reason


def test_an_equal_time_is_called_equal():
    assert "at the same time as the next" in choose("earliest", [candidate("a"), candidate("b")]).reason


def test_the_only_dated_article_is_called_so():
    choice = choose("earliest", [candidate("a"), candidate("b", hours=None), candidate("c", hours=None)])
    assert choice.place == 0
    assert choice.reason == "The only dated one of 3 articles: 2023-09-12 10:00 UTC."


def test_undated_articles_go_by_id():
    choice = choose("earliest", [candidate("a", hours=None), candidate("b", hours=None)])
    assert choice.place == 0
    assert choice.reason == "None of 2 articles is dated, so that none is known to be first."


# Longest


def test_the_longest_has_the_most_words():
    choice = choose("longest", [candidate("a", words=90), candidate("b", words=310), candidate("c", words=250)])
    assert choice.place == 1
    assert choice.reason == "Longest of 3 articles: 310 words, next 250."


def test_of_equally_long_articles_the_earlier_is_shown():
    articles = [candidate("a", words=90), candidate("b", words=310), candidate("c", words=310)]
    assert choose("longest", articles).place == 1


# A callable


def last(articles):
    return articles[-1]


def test_a_callable_chooses_and_is_named():
    choice = choose(last, [candidate("a"), candidate("b"), candidate("c")])
    assert choice.place == 2
    assert choice.reason == "Chosen by last among 3 articles."


def test_a_callable_is_given_the_articles_by_publication():
    given = []

    def chooser(articles):
        given.extend(articles)
        return articles[0]

    candidates = [candidate("a"), candidate("b", hours=1), candidate("c", hours=None)]
    choose(chooser, candidates)
    assert given == [c.article for c in candidates]


def test_a_callable_object_is_named_after_its_class():
    class House:
        def __call__(self, articles):
            return articles[1]

    choice = choose(House(), [candidate("a"), candidate("b")])
    assert (choice.place, choice.reason) == (1, "Chosen by House among 2 articles.")


@pytest.mark.parametrize("foreign", [Article("z", "foreign"), None, 0, "a"], ids=repr)
def test_a_foreign_article_is_refused(foreign):
    def chooser(articles):
        return foreign

    with pytest.raises(ValueError, match="chooser") as caught:
        choose(chooser, [candidate("a"), candidate("b")])
    assert repr(foreign)[:60] in str(caught.value)
    assert "allowed: one of the articles it was given" in str(caught.value)


def test_what_a_callable_raises_comes_through():
    def chooser(articles):
        raise LookupError("no editor on duty")

    with pytest.raises(LookupError, match="no editor on duty"):
        choose(chooser, [candidate("a"), candidate("b")])


# Candidates


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), min_size=1, max_size=10))
def test_candidates_are_those_of_a_loop(rows):
    copies, words = [copy for copy, _ in rows], [count for _, count in rows]
    membership = [copy / 7 for copy in copies]
    articles = [Article(str(i), "") for i in range(len(rows))]
    expected = [
        Candidate(articles[i], words[i], membership[i], copies.count(copies[i]), copies[i] not in copies[:i])
        for i in range(len(rows))
    ]
    found = candidates_of(articles, copies, words, membership)
    assert found == expected
    assert cohesion(found) == pytest.approx(np.mean([copy / 7 for copy in set(copies)]))


# In whole stories


def test_more_copies_of_another_report_do_not_change_what_is_shown(sample):
    by_story = {story.id: story for story in dedup.cluster(sample) if len(story) > 2 and not story.near_duplicates}
    assert by_story
    for story in by_story.values():
        other = next(article for article in story.articles if article is not story.representative)
        copies = [replace(other, id=f"{other.id}-copy-{i}") for i in range(9)]
        (again,) = [s for s in dedup.cluster([*sample, *copies]) if s.id == story.id]
        assert len(again) == len(story) + 9
        assert again.representative is story.representative


def test_no_representative_is_a_later_copy(stories):
    for story in stories:
        for group in story.near_duplicates:
            assert story.representative not in group[1:]


def test_every_reason_of_the_sample_matches_its_episode(stories):
    for episode in [episode for story in stories for episode in story.episodes]:
        reports = len(episode) - sum(len(group) - 1 for group in episode.near_duplicates)
        if len(episode) == 1:
            assert episode.reason == "The only report."
        elif reports == 1:
            assert episode.reason == f"The earliest of {len(episode)} copies of one text."
        else:
            most = f"(M|Nearly the m)ost central of {reports} reports: mean similarity 0."
            assert re.match(f"{most}|As central as the (other|next) of {reports} reports, mean", episode.reason)
            copies = [len(group) for group in episode.near_duplicates if group[0] is episode.representative]
            named = re.findall(r"\. The earliest of its (\d+) copies\.$", episode.reason)
            assert named == list(map(str, copies))


def test_the_longest_has_the_most_words_in_every_story(sample):
    text = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé"
    articles = [Article("a", text), Article("b", f"{text}, selon le Kremlin"), Article("c", f"{text}, dit-on")]
    (story,) = dedup.cluster(articles, representative="longest")
    assert story.representative.id == "b"
    assert story.reason == "Longest of 3 articles: 17 words, next 16."


def test_a_foreign_article_is_refused_by_the_estimator():
    def chooser(articles):
        return replace(articles[0], id="foreign")

    with pytest.raises(ValueError, match="representative=chooser returned Article"):
        dedup.cluster(["Kim en Russie", "Kim en Russie !"], representative=chooser)


def test_an_undated_copy_is_not_called_the_earliest():
    (story,) = dedup.cluster(["Kim Jong Un arrived in Russia by train on Tuesday"] * 3)
    assert story.reason == "One of 3 copies of one text."


# Plain titles


def titled(title, centrality):
    plain = candidate(title, centrality=centrality)
    return replace(plain, article=replace(plain.article, title=title))


def test_a_plain_title_goes_before_a_labelled_one_that_is_hardly_better():
    reports = [titled("LIVE: Kim in Russia", 0.5), titled("Kim in Russia", 0.46), titled("Kim meets Putin", 0.3)]
    choice = choose("central", reports)
    assert choice.place == 1
    assert choice.reason.startswith("Nearly the most central of 3 reports: mean similarity 0.46")
    assert "whose title is marked 'LIVE'" in choice.reason


def test_a_question_too_and_the_reason_says_so():
    choice = choose("central", [titled("Is Kim in Russia?", 0.5), titled("Kim in Russia", 0.45)])
    assert choice.place == 1
    assert "next comes 0.50 with 100, whose title asks a question" in choice.reason


def test_a_labelled_title_stays_where_it_is_clearly_better_or_all_are_labelled():
    assert choose("central", [titled("LIVE: Kim in Russia", 0.5), titled("Kim in Russia", 0.42)]).place == 0
    assert choose("central", [titled("LIVE: Kim in Russia", 0.5), titled("WATCH: Kim in Russia", 0.49)]).place == 0


@pytest.mark.parametrize(("centrality", "place"), [(0.426, 1), (0.424, 0)])
def test_nearly_as_good_is_from_85_in_a_hundred_on(centrality, place):
    assert choose("central", [titled("LIVE: Kim in Russia", 0.5), titled("Kim in Russia", centrality)]).place == place
