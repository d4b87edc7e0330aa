"""Articles whose texts are in a temporary file give the result of those in memory, and hold no text."""

import weakref
from datetime import UTC, datetime
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup import disk
from dedup.article import read_articles
from dedup.disk import StoredBytes
from dedup.near import jaccard
from dedup.near.jaccard import ShingleSets
from dedup.text.on_disk import ArticlesOnDisk

OPENING = "Kim Jong Un arrived in Russia on Tuesday aboard"  # longer than what stays in memory
ENDS = ["", " his train", " his train.", " a train", "\ud800", " 🚂", " Ａ", "<p>his train</p>", " his &amp; her train"]
OPENINGS, MORE = ["", OPENING, f"<b>{OPENING}"], ["", " again" * 9]
TEXTS = st.builds("{}{}{}".format, st.sampled_from(OPENINGS), st.sampled_from(ENDS), st.sampled_from(MORE))
DATES = [datetime(2023, 9, 12, tzinfo=UTC), datetime(2023, 9, 13, tzinfo=UTC), "no date"]
ITEMS = st.lists(
    st.fixed_dictionaries(
        {"text": TEXTS | st.none()},
        optional={
            "id": st.sampled_from(["a", "b", "c", "1", 7, "", None]),
            "title": st.sampled_from(["", "Kim", OPENING, "Kim &amp; co", 5]),
            "published": st.sampled_from(DATES),
            "source": st.sampled_from(["Wire", "Post"]),
        },
    ),
    max_size=12,
)  # fmt: skip


def result(found):
    articles = [(article.id, article.source, article.published) for article in found.articles]
    figures = found.pairs, found.jaccard, found.containment, found.labels, found.token_counts
    return [figure.tolist() for figure in figures], found.refusals, articles


@given(ITEMS, st.sampled_from(["first", "last", None]), st.sampled_from([1_000_000, 50]), st.sampled_from([None, 0.9]))
def test_the_result_is_that_of_texts_in_memory(items, duplicates, max_chars, containment):
    settings = {"errors": "skip", "duplicates": duplicates, "max_chars": max_chars, "containment": containment}
    with ArticlesOnDisk(iter(items)) as articles:
        found = dedup.near_duplicates(articles, max_days_apart=3, **settings)
    assert result(found) == result(dedup.near_duplicates(items, max_days_apart=3, **settings))


@given(ITEMS)
def test_the_order_is_that_of_whole_texts(items):
    settings = {"errors": "skip", "duplicates": "first"}
    with ArticlesOnDisk(items) as articles:
        batch = articles.in_order(read_articles(articles, accept=articles.accept(10**6), **settings))
        texts = list(articles.texts(batch, 2))
        assert articles.texts(batch, 2)[1:] == texts[1:]
    expected = read_articles(items, **settings)
    assert batch.order == expected.order
    assert texts == [*(expected.articles[i].full_text for i in expected.order), "", ""]


def test_no_text_stays_in_memory():
    class Text(str):
        __slots__ = ("__weakref__",)

    held = []

    def items(**more):
        for i in range(50):
            text = Text(f"{OPENING} {i}" * 9)
            held.append(weakref.ref(text))
            yield {"text": text} | more | {name: f"{value}{i}" for name, value in more.items()}

    with ArticlesOnDisk(items(id="a")) as articles:
        found = dedup.near_duplicates(articles)
    assert len(held) == len(found.labels) == 50
    assert not any(text() for text in held)
    assert {article.text for article in found.articles} == {""}
    with ArticlesOnDisk(items()) as articles:
        found = dedup.near_duplicates(articles)
    assert not any(text() for text in held)
    assert max(len(article.text) for article in found.articles) < len(OPENING)
    found = dedup.near_duplicates(items())
    assert all(text() for text in held[100:])


def test_articles_that_are_too_long_are_noted_as_ever(caplog):
    items = [
        {"id": "a", "text": "Kim"},
        {"id": "b", "text": "Kim arrives"},
        {"id": "c", "text": "Kim", "title": "Visit"},
    ]
    dedup.near_duplicates(items, max_chars=5)
    with ArticlesOnDisk(items) as articles:
        dedup.near_duplicates(articles, max_chars=5)
    one, other = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert one == other
    assert one.startswith("2 of 3 articles are longer than max_chars=5; ")


# Bytes on disk


@given(st.lists(st.binary(max_size=40) | st.none()), st.integers(1, 60), st.data())
def test_stored_bytes_are_those_that_came(parts, at_once, data):
    """None stands for a look at one of those that are there."""
    with pytest.MonkeyPatch.context() as patch, StoredBytes() as stored:
        patch.setattr(disk, "_WRITTEN_AT_ONCE", at_once)
        came = []
        for part in parts:
            if part is not None:
                assert stored.append(part) == len(came)
                came.append(part)
            elif came:
                number = data.draw(st.integers(0, len(came) - 1))
                assert stored[number] == came[number]
        assert len(stored) == len(came)
        assert [stored[i] for i in range(len(came))] == came


def test_a_disk_that_takes_some_bytes_at_a_time(monkeypatch):
    with StoredBytes() as stored:
        file = stored._file

        class Slow:
            seek, read, close = file.seek, file.read, file.close

            @staticmethod
            def write(data):
                return file.write(data[:3])

        monkeypatch.setattr(stored, "_file", Slow())
        for part in (b"Kim arrives", b"", b"in Russia"):
            stored.append(part)
        assert [stored[i] for i in range(3)] == [b"Kim arrives", b"", b"in Russia"]


def test_threads_read_what_they_ask_for():
    with StoredBytes() as stored:
        parts = [bytes([i % 256]) * (i % 97) for i in range(500)]
        for part in parts:
            stored.append(part)
        wrong = []

        def read(step):
            wrong.extend(i for i in range(0, 500 * step, step) if stored[i % 500] != parts[i % 500])

        threads = [Thread(target=read, args=(step,)) for step in (1, 3, 7, 11)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


# Sets of some texts


@given(st.lists(st.lists(st.integers(0, 9), max_size=6)), st.integers(1, 9), st.data())
def test_sets_of_some_texts_are_copied_some_at_a_time(sets, at_once, data):
    joined = np.array([shingle for own in sets for shingle in own], dtype=np.uint64)
    offsets = np.cumsum([0, *map(len, sets)])
    chosen = data.draw(st.lists(st.integers(0, max(len(sets) - 1, 0)), max_size=9 if sets else 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaccard, "_COPIED_AT_ONCE", at_once)
        found = ShingleSets(joined, offsets).of(np.array(chosen, dtype=np.int64))
    parts = np.split(found.shingles, found.offsets[1:-1]) if chosen else []
    assert [part.tolist() for part in parts] == [sets[i] for i in chosen]
    assert found.lengths.tolist() == [len(sets[i]) for i in chosen]
