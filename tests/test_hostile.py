"""Broken input, which services receive: there is a result all the same."""

import sys
import time
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, StoryIndex
from dedup.stream import validation

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé."
WHEN = datetime(2023, 9, 12, tzinfo=UTC)
SURROGATES = [
    Article("\ud800", "Kim \udfff en Russie", title="Kim \ud800", source="\udc80", url="\ud800", language="\udfff"),
    Article("b", "Kim en Russie", title="Kim", published=WHEN),
]


def one_story(text):
    """The story of a text on its own, with all that is computed only when asked for."""
    (story,) = dedup.cluster([text])
    assert story.representative.text == text
    assert len(story.headline) <= 120
    assert len(repr(story)) < 1_000
    assert len(story.terms) <= 8
    return story


# Huge texts


def words(count, seed=0):
    """So many words that do not repeat."""
    letters = np.random.default_rng(seed).integers(ord("a"), ord("z"), (count, 8), dtype=np.uint8)
    letters[:, -1] = ord(" ")
    return letters.tobytes().decode()


def test_fifty_megabytes_of_one_word():
    assert one_story("Kremlin " * 6_250_000).terms == ("Kremlin",)


def test_fifty_megabytes_of_one_letter():
    one_story("x" * 50_000_000)


def test_ten_million_lines():
    one_story("Kim\n" * 10_000_000)


def test_fifty_megabytes_of_words_that_do_not_repeat():
    one_story(words(50_000) * 125)


@pytest.mark.parametrize(
    "unit",
    [
        '<div class="lead"><p>Kim &amp; Putin&nbsp;</p></div>\n',
        "Ã©tÃ© Ã\xa0 lâ€™Ã‰lysÃ©e Ð\x9fÑ\x83Ñ\x82Ð¸Ð½ ",
        "\u202eKim \u202den\u200f \u2066Rus\u2069sie ",
        "Kim \udfff en \ud800Russie \ud83d\ude00",
        "Kim\0 en\0 Russie\0 ",
        "\ud800",
        "\ufdfa",  # eighteen characters in one
        "K" + "\u0301" * 1_000,
    ],
    ids=ascii,
)
def test_what_feeds_carry_at_length(unit):
    text = unit * (300_000 // len(unit))
    story = one_story(text)
    assert all(len(term) <= 128 for term in story.terms)


@pytest.mark.slow
def test_copies_of_fifty_megabytes_are_near_duplicates_in_batch_and_index():
    text = words(50_000) * 125
    articles = [Article("a", text), Article("b", f"{text} Updated."), Article("c", KIM)]
    assert dedup.near_duplicates(articles).pairs.tolist() == [[0, 1]]
    assert dedup.cluster(articles).near_duplicate_labels.tolist() == [0, 0, 1]
    with StoryIndex(":memory:") as index:
        assert [index.add(article).outcome for article in articles] == ["new_story", "near_duplicate", "new_story"]
        (story,) = index.stories(min_size=2)
        assert [len(article.text) for article in story.articles] == [len(text), len(text) + 9]


def test_copies_of_a_megabyte_of_one_letter_are_near_duplicates():
    text = "x" * 1_000_000
    assert dedup.near_duplicates([text, "x" * 60, text + "\n"]).pairs.tolist() == [[0, 2]]


@pytest.mark.parametrize("read", [dedup.near_duplicates, dedup.cluster], ids=["near_duplicates", "cluster"])
def test_time_grows_as_the_text_does(read):
    """Eight times the text, and time for fifty times: noise may not fail it, squares must."""
    texts = {size: words(size) for size in (20_000, 160_000)}
    read([texts[20_000]])  # what is made once is made
    seconds = {}
    for size, text in texts.items():
        start = time.perf_counter()
        read([text], max_chars=10_000_000)
        seconds[size] = time.perf_counter() - start
    assert seconds[160_000] < 50 * seconds[20_000]


def test_a_million_distinct_tokens():
    one_story(" ".join(map(str, range(1_000_000))))


def test_a_hundred_thousand_characters_without_spaces():
    one_story("金正恩" * 35_000)


def test_a_megabyte_without_letters():
    one_story("—!? … " * 170_000)


def test_a_megabyte_of_line_feeds():
    one_story("\n" * 1_000_000)


def test_a_megabyte_of_emoji():
    one_story("🎉" * 500_000)


def test_a_letter_under_a_million_accents():
    one_story("a" + "\u0301" * 1_000_000)


def test_every_code_point_there_is():
    one_story("".join(map(chr, range(sys.maxunicode + 1))))


def test_a_huge_title():
    (story,) = dedup.cluster([Article("a", "Kim", title="Kim " * 250_000)])
    assert len(story.headline) == 120


def test_a_huge_text_does_not_change_the_stories_of_others():
    texts = [KIM, "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.", "zz " * 1_000_000]
    assert dedup.cluster(texts).labels.tolist() == [0, 0, 1]


# Many texts


def test_thousands_of_empty_texts_are_each_alone():
    stories = dedup.cluster([""] * 5_000)
    assert len(stories) == 5_000
    assert stories.labels.tolist() == stories.near_duplicate_labels.tolist() == list(range(5_000))


def test_ten_thousand_copies_of_one_text_are_one_story():
    stories = dedup.cluster([Article(f"{i:05}", KIM, published=WHEN) for i in range(10_000)])
    assert [len(story) for story in stories] == [10_000]
    assert stories[0].representative.id == "00000"
    assert stories[0].reason == "The earliest of 10000 copies of one text."


def test_a_viral_text_takes_an_index_no_longer_the_thousandth_time():
    with StoryIndex(":memory:") as index:
        assigned = index.add_many([Article(f"{i:04}", KIM) for i in range(600)])
        assert {assignment.near_duplicate_of for assignment in assigned[1:]} == {"0000"}
        for i in range(300):
            index.remove(f"{i:04}")  # more than are looked at of a bucket
        assert index.add(Article("new", KIM)).near_duplicate_of == "0300"


def test_thousands_of_texts_that_share_all_but_one_word_end_in_a_result():
    texts = [f"{KIM} {number}" for number in range(3_000)]
    stories = dedup.cluster(texts)
    assert sum(map(len, stories)) == 3_000


def test_a_text_among_ten_thousand_blanks_is_found():
    texts = [""] * 10_000
    texts[5_000] = texts[7_000] = KIM
    stories = dedup.cluster(texts)
    assert len(stories) == 9_999
    assert stories[0].representative.text == KIM


# Strange characters


@pytest.mark.parametrize("text", ["\0", "\0" * 1_000_000, "a\0b", "Kim\0 en\0 Russie\0"], ids=lambda t: repr(t[:20]))
def test_null_bytes(text):
    one_story(text)


@pytest.mark.parametrize("text", ["\ud800", "\udfff\ud800", "Kim \udc80 en Russie"], ids=ascii)
def test_lone_surrogates(text):
    one_story(text)


@pytest.mark.parametrize("stranger", ["\0", "\ud800", "\u200b", "\ufeff", "\u202e", "\u0301"], ids=ascii)
def test_strange_characters_between_words_do_not_hide_a_copy(stranger):
    words = KIM.split()
    strange = f" {stranger} ".join(words)
    assert dedup.near_duplicates([KIM, strange]).jaccard.tolist() == [1.0]


def test_texts_of_nulls_and_surrogates_take_no_part_in_the_stories_of_others():
    texts = ["\0" * 50, KIM, "\ud800" * 50, KIM + " \0", "\0" * 50]
    labels = dedup.cluster(texts).labels.tolist()
    assert labels[1] == labels[3] == 0
    assert {labels.count(label) for label in set(labels) - {0}} == {1}


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=60), max_size=6))
@settings(deadline=None, max_examples=40)
def test_any_text_gives_a_result(texts):
    stories = dedup.cluster(texts)
    assert sum(map(len, stories)) == len(texts)
    assert all(len(story.terms) <= 8 and story.reason for story in stories)
    assert len(dedup.near_duplicates(texts).labels) == len(texts)


def test_lone_surrogates_in_every_field_can_be_printed():
    stories = dedup.cluster(SURROGATES)
    assert repr(stories).encode("utf-8")
    assert repr(stories[0]).encode("utf-8")


def test_lone_surrogates_in_every_field_can_be_written_as_a_page(tmp_path):
    path = tmp_path / "stories.html"
    dedup.cluster(SURROGATES).to_html(path)
    assert path.read_text(encoding="utf-8").count("<li ") == 2


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_lone_surrogates_in_every_field_can_be_put_into_a_frame(backend):
    assert len(dedup.cluster(SURROGATES).to_frame(backend=backend)) == 2


def test_null_bytes_in_every_field_can_be_written_as_a_page_and_a_frame(tmp_path):
    stories = dedup.cluster([Article("a\0", "Kim\0", title="\0Kim", source="\0", url="\0", language="\0")])
    stories.to_html(tmp_path / "stories.html")
    assert isinstance(stories.to_frame(), pd.DataFrame)
    assert repr(stories)


def test_an_index_keeps_what_no_database_can_encode(tmp_path):
    """SQLite stores UTF-8, which has no surrogates and whose readers stop at a NUL."""
    text, path = "Kim\0 \udfff en \ud800Russie\ud835\udc00", tmp_path / "stories.db"
    with StoryIndex(path) as index:
        index.add(Article("a\0b", text, title="\ud800", source="\0", url="\udfff", language="\ud800"))
    with StoryIndex(path) as index:
        (article,) = index.stories()[0].articles
        assert article == Article("a\0b", text[:-2] + "\U0001d400", "\ud800", None, "\0", "\udfff", "\ud800")
        assert index.add(Article("copy", text)).similarity == index.add(Article("other", article.text)).similarity == 1


def test_what_a_row_cannot_hold_is_refused_alone(monkeypatch):
    monkeypatch.setattr(validation, "_MAX_BYTES", 1_000)
    articles = [Article("a", KIM), Article("b", "\ud800" * 200), Article("c", "x" * 800)]
    with StoryIndex(":memory:") as index:
        with pytest.raises(ValueError, match=r"article 1 \(id 'b'\): field 'text' has 200 characters; allowed: 1,000"):
            index.add_many(articles)
        assigned, refusals = index.add_many(articles, errors="skip")
        assert [assignment.article_id for assignment in assigned] == ["a", "c"]
        assert [refusal.position for refusal in refusals] == [1]


@pytest.mark.parametrize("field", ["id", "published"])
def test_an_integer_of_too_many_digits_is_refused_as_anything_else(field):
    with pytest.raises(ValueError, match=f"article 0.*field '{field}' is <int>; allowed"):
        dedup.cluster([{"text": KIM, field: 10**5_000}])


# Strange times


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=UTC),  # what Go writes for no time
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),  # before the year 1 in UTC
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),  # after the year 9999 in UTC
    ],
    ids=str,
)
def test_times_at_the_end_of_the_calendar(moment, tmp_path):
    """Each is a legal aware datetime, so it must be refused at once or do no harm later on."""
    articles = [Article("a", KIM, published=moment), Article("b", "Séisme au Maroc", published=WHEN)]
    try:
        stories = dedup.cluster(articles, representative="earliest")
    except ValueError as error:
        stories, problem = None, str(error)
    if stories is None:
        assert "'published'" in problem
        return
    assert len(stories) == 2
    assert repr(stories)
    stories.to_html(tmp_path / "stories.html")
    for backend in ("pandas", "polars", "pyarrow"):
        assert len(stories.to_frame(backend=backend)) == 2


def test_centuries_between_publications_do_no_harm():
    dates = [datetime(year, 1, 1, tzinfo=UTC) for year in (1500, 1900, 2023, 2500)]
    articles = [Article(f"{date.year}", f"{KIM} {date.year}", published=date) for date in dates]
    assert sum(map(len, dedup.cluster(articles))) == 4


@pytest.mark.parametrize("identity", ["", " ", "\n", "../../etc/passwd", "x" * 1_000_000], ids=lambda i: repr(i[:20]))
def test_any_str_is_an_id(identity):
    (story,) = dedup.cluster([Article(identity, KIM)])
    assert story.id == identity
