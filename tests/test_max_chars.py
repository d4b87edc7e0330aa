"""How much of an article is read, and the log record about it."""

import logging
import subprocess
import sys

import pytest

import dedup
from dedup import Article, StoryIndex
from dedup.parameters import MAX_CHARS
from dedup.text.limit import first_texts, readable_texts

KIM = "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé."


@pytest.mark.parametrize("read", [dedup.near_duplicates, dedup.cluster], ids=["near_duplicates", "cluster"])
def test_what_is_read_of_long_articles_is_as_if_the_rest_were_not_there(read):
    sample = [Article(a.id, a.text, a.title, a.published) for a in dedup.sample_articles("en")]
    cut = [Article(a.id, a.full_text[:300], published=a.published) for a in sample]
    assert read(sample, max_chars=300).labels.tolist() == read(cut).labels.tolist()
    assert read(sample, max_chars=300).labels.tolist() != read(sample, max_chars=5).labels.tolist()


def test_a_title_is_part_of_what_is_read():
    articles = [Article("a", KIM, title="Kim en Russie"), Article("b", "Kim"), Article("c", "", title=KIM)]
    assert readable_texts(articles, 20) == ["Kim en Russie\nKim Jo", "Kim", KIM[:20]]


def test_terms_come_from_the_beginning_of_a_story():
    articles = [Article("a", "Kim"), Article("b", "Putin", title="Kim"), Article("c", "Moscou")]
    assert first_texts(articles, 100) == ["Kim", "Kim\nPutin", "Moscou"]
    assert first_texts(articles, 7) == ["Kim", "Kim\n"]
    assert first_texts(articles, 3) == ["Kim"]


def test_an_article_is_shown_whole():
    (story,) = dedup.cluster([KIM], max_chars=5)
    assert story.representative.text == KIM


def add_all(articles):
    with StoryIndex(":memory:") as index:
        index.add_many(articles)


@pytest.mark.parametrize("read", [dedup.near_duplicates, dedup.cluster, add_all])
def test_long_articles_are_noted_in_one_line(read, caplog):
    long = "Kim " * (MAX_CHARS // 4)
    articles = [Article("a", KIM), Article("\ud800" * 100, long) if read is not add_all else Article("b" * 100, long)]
    with caplog.at_level(logging.WARNING, "dedup"):
        read([*articles, Article("c", KIM)])
        assert not caplog.records
        read([*articles, Article("c", f"{long}!"), Article("d", long, title="Putin")])
    (record,) = caplog.records
    assert record.name == "dedup"
    assert record.getMessage() == (
        "2 of 4 articles are longer than max_chars=1000000; that much of their beginning was read. The first is 'c'"
    )


def test_a_note_shows_no_more_of_an_id_than_a_line_has_room_for(caplog):
    dedup.near_duplicates([Article("\ud800" * 1_000, KIM)], max_chars=5)
    (record,) = caplog.records
    assert len(record.getMessage().encode()) < 250


def test_notes_are_not_printed_without_a_handler():
    program = "import dedup; dedup.near_duplicates(['Kim en Russie'], max_chars=3)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == done.stderr == b""
