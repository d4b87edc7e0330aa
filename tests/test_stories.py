"""What users hold: stories as a sequence, as text, as a data frame and as a page."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import dedup
from dedup import Article, Story

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé, selon le Kremlin."
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}
COLUMNS = [
    "id",
    "title",
    "published",
    "source",
    "language",
    "story_id",
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


class Page(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.text = Counter(), [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements[tag] += 1
        self.attributes += attributes

    def handle_data(self, data):
        self.text.append(data)


def page_of(stories, path):
    stories.to_html(path)
    return Page(path.read_text(encoding="utf-8"))


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


# As a page


def test_the_page_is_one_file_that_needs_no_other(four, tmp_path):
    page = page_of(four, tmp_path / "stories.html")
    assert [path.name for path in tmp_path.iterdir()] == ["stories.html"]
    assert not page.elements.keys() & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert not {name for name, _ in page.attributes} & {"src", "href", "action", "style"}


def test_the_page_may_be_named_by_a_str(four, tmp_path):
    four.to_html(str(tmp_path / "stories.html"))
    assert (tmp_path / "stories.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_page_replaces_an_earlier_one(four, tmp_path):
    path = tmp_path / "stories.html"
    path.write_text("old " * 10_000)
    assert "old old" not in "".join(page_of(four, path).text)


def test_the_page_shows_every_story_and_every_article(stories, tmp_path):
    page = page_of(stories, tmp_path / "stories.html")
    text = "".join(page.text)
    assert page.elements["details"] == len(stories)
    assert page.elements["li"] == len(stories.articles)
    for story in stories:
        assert story.headline in text
        assert story.reason in text
        for article in story.articles:
            assert article.title in text
            assert article.source in text
            assert article.url in text


def test_the_page_of_no_stories_is_a_page(tmp_path):
    page = page_of(dedup.cluster([]), tmp_path / "stories.html")
    assert page.elements["html"] == 1
    assert "0 articles in 0 stories" in "".join(page.text)


PAYLOADS = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</details></body><img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">x</a>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "<!-- comment",
    "]]><svg onload=alert(1)>",
    "&lt;b&gt; &amp; &#60;",
]
ELEMENTS = {"html", "head", "meta", "title", "style", "body", "h1", "details", "summary", "strong", "br", "small", "p"}
ELEMENTS |= {"ul", "li"}


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("field", ["text", "title", "source", "url", "id", "language"])
def test_every_field_is_escaped(field, payload, tmp_path):
    fields = {"id": "a", "text": "Kim en Russie", "title": "" if field == "text" else "Kim", field: payload}
    page = page_of(dedup.cluster([Article(**fields)]), tmp_path / "stories.html")
    assert set(page.elements) <= ELEMENTS
    assert not {name for name, _ in page.attributes} - {"lang", "charset", "name", "content", "class"}
    assert page.elements["details"] == page.elements["li"] == page.elements["title"] == 1
    if field in ("text", "title", "source", "url"):
        assert payload in "".join(page.text)


def test_terms_and_reasons_are_escaped(tmp_path):
    def script(articles):
        return articles[0]

    script.__name__ = "<script>alert(1)</script>"
    stories = dedup.cluster(["Kim en Russie", "Kim en Russie !"], representative=script)
    page = page_of(stories, tmp_path / "stories.html")
    assert set(page.elements) <= ELEMENTS
    assert stories[0].reason in "".join(page.text)


def test_the_name_of_a_time_zone_is_escaped(tmp_path):
    zone = timezone(timedelta(0), "<script>alert(1)</script>")
    stories = dedup.cluster([Article("a", "Kim", published=datetime(2023, 9, 12, tzinfo=zone))])
    assert set(page_of(stories, tmp_path / "stories.html").elements) <= ELEMENTS
