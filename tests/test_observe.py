"""What an index reports of each operation, and that what observes it cannot harm it."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN

import dedup
from dedup import Operation, StoryIndex

TUESDAY = datetime(2023, 9, 12, 8, tzinfo=UTC)


def article(name, text=TRAIN):
    return {"id": name, "text": text, "published": TUESDAY}


def facts(operations):
    return [(done.kind, done.articles, done.merges, done.refusals, done.error) for done in operations]


def test_each_kind_of_write_is_reported_once_with_its_numbers():
    operations = []
    with StoryIndex(":memory:", observe=operations.append) as index:
        index.add(article("a"))
        index.add_many([article("b", ROCKETS), {"id": "x"}, article("d", BANK), "a text"], errors="skip")
        index.add(article("c", BRIDGE))
        index.add(article("c", BRIDGE))
        assert facts(operations) == [
            ("add", 1, 0, 0, None),
            ("add", 2, 0, 2, None),
            ("add", 1, 1, 0, None),
            ("add", 1, 0, 0, None),
        ]
        operations.clear()
        index.remove("c")
        index.remove("c")
        moves = index.refine(TUESDAY - timedelta(days=1))
        index.expire(TUESDAY + timedelta(days=1))
        assert facts(operations) == [
            ("remove", 1, 0, 0, None),
            ("remove", 0, 0, 0, None),
            ("refine", len(moves), 0, 0, None),
            ("expire", 3, 0, 0, None),
        ]
        assert {type(done.articles) for done in operations} == {int}


def test_refine_reports_how_many_articles_it_moved():
    operations = []
    with StoryIndex(":memory:", observe=operations.append) as index:
        index.add_many(dedup.sample_articles("en"))
        moves = index.refine(TUESDAY - timedelta(days=9999))
        assert (operations[-1].kind, operations[-1].articles) == ("refine", len(moves))
        assert moves


def test_each_question_is_reported():
    operations = []
    with StoryIndex(":memory:", observe=operations.append) as index:
        index.add(article("a"))
        operations.clear()
        index.article("a")
        index.story(index.story_id("a"))
        index.stories()
        index.changes()
        index.similar(article("b"))
        index.copies_of(article_id="a")
    kinds = ["article", "story_id", "story", "stories", "changes", "similar", "copies_of"]
    assert facts(operations) == [(kind, 0, 0, 0, None) for kind in kinds]


def test_what_editors_decide_is_reported():
    operations = []
    with StoryIndex(":memory:", observe=operations.append) as index:
        index.add_many([article("a"), article("b", BANK), article("c", ROCKETS)])
        operations.clear()
        index.undo(index.merge("s1", "s2"))
        index.pin("s1", title="By train")
        index.forbid("s1", "s3")
        index.merge("s1", "s2")
        index.split("s1", ["b"])
        index.move("b", "s3")
    kinds = [("merge", 1), ("undo", 0), ("pin", 0), ("forbid", 0), ("merge", 1), ("split", 0), ("move", 0)]
    assert facts(operations) == [(kind, 0, merges, 0, None) for kind, merges in kinds]


def test_what_fails_is_reported_with_its_error_and_raised(monkeypatch):
    operations = []
    with StoryIndex(":memory:", observe=operations.append) as index:
        with pytest.raises(ValueError, match="fields 'text' and 'title' are missing"):
            index.add_many([article("a"), {"id": "b"}])
        with pytest.raises(KeyError):
            index.story("s1")
        monkeypatch.setattr(index._session.store, "insert", lambda rows: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.add(article("a"))
        monkeypatch.undo()

        def stop(_):
            raise KeyboardInterrupt

        monkeypatch.setattr(index._session.store, "insert", stop)
        with pytest.raises(KeyboardInterrupt):
            index.add(article("a"))
    errors = [("add", "ValueError"), ("story", "KeyError"), ("add", "ZeroDivisionError"), ("add", "KeyboardInterrupt")]
    assert facts(operations) == [(kind, 0, 0, 0, error) for kind, error in errors]


def test_seconds_are_those_of_the_call_with_its_wait():
    operations = []
    with StoryIndex(":memory:", observe=operations.append) as index:
        begun = time.perf_counter()
        index.add(article("a"))
        assert 0 < operations[0].seconds <= time.perf_counter() - begun
        entered = threading.Event()

        def hold():
            with index._session.reading():
                entered.set()
                time.sleep(0.2)

        holder = threading.Thread(target=hold)
        holder.start()
        entered.wait()
        index.add(article("b", BANK))
        holder.join()
    assert operations[1].seconds > 0.1


def test_an_error_of_what_observes_is_logged_and_harms_nothing(caplog):
    def broken(_):
        raise OSError("the metrics are away")

    with caplog.at_level(logging.ERROR, logger="dedup"), StoryIndex(":memory:", observe=broken) as index:
        assert index.add(article("a")).outcome == "new_story"
        assert index.article("a").text == TRAIN
        with pytest.raises(KeyError, match="no story has the id 'x'"):
            index.story("x")
        assert len(index) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 3
    assert "what observes the index failed, and the index goes on: Operation(kind='add'" in caplog.text
    assert "OSError: the metrics are away" in caplog.text


def test_what_observes_may_ask_the_index_and_stop_the_program(tmp_path):
    """It is called when the transaction is stored, and no lock is held."""
    counts = []

    def count(done):
        thread = threading.Thread(target=lambda: counts.append((done.kind, len(index))))
        thread.start()
        thread.join(10)
        if done.kind == "remove":
            raise KeyboardInterrupt

    with StoryIndex(tmp_path / "stories.db", observe=count) as index:
        index.add_many([article("a"), article("b", BANK)])
        with pytest.raises(KeyboardInterrupt):
            index.remove("a")
        assert counts == [("add", 2), ("remove", 1)]
        assert len(index) == 1


def test_an_index_that_begins_with_a_batch_and_a_reader_are_observed_too(tmp_path, sample):
    operations = []
    stories = dedup.cluster(sample[:20])
    with StoryIndex.from_stories(tmp_path / "stories.db", stories, observe=operations.append) as index:
        index.remove(sample[0].id)
        with StoryIndex(tmp_path / "stories.db", read_only=True, observe=operations.append) as reader:
            reader.stories()
            with pytest.raises(RuntimeError, match="read_only"):
                reader.remove("x")
    assert facts(operations) == [
        ("remove", 1, 0, 0, None),
        ("stories", 0, 0, 0, None),
        ("remove", 0, 0, 0, "RuntimeError"),
    ]


def test_methods_keep_their_signatures_and_docstrings():
    import inspect

    assert list(inspect.signature(StoryIndex.stories).parameters)[:3] == ["self", "order_by", "since"]
    assert list(inspect.signature(StoryIndex.add_many).parameters) == [
        "self",
        "articles",
        "errors",
        "duplicates",
        "progress",
    ]
    assert "Returns" in StoryIndex.add_many.__doc__


def test_an_operation_does_not_change():
    with pytest.raises(AttributeError):
        Operation("add", 1, 0.5).kind = "remove"
