"""Files of an index that are not what was written: whatever is asked of them, the error names the file and a remedy."""

import os
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_golden import FIRST, FORMER, GOLDEN, OLDER, WITH_DATES

import dedup
from dedup import StoryIndex
from dedup.store.opening import made_with
from dedup.store.sqlite_check import damage_of

PAGE = 8192
DAMAGED_FILES = int(os.environ.get("DAMAGED_FILES", "25"))
SAMPLE = dedup.sample_articles("ru")[:12]


def clock():
    return datetime(2023, 9, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a file without fault."""
    path = tmp_path_factory.mktemp("whole") / "index.db"
    with StoryIndex(path, clock=clock) as index:
        index.add_many(SAMPLE)
    return path.read_bytes()


def damage(whole, chance):
    """Bytes with single faults, with many, cut, with zeros, or with a page in the place of another."""
    data = bytearray(whole)
    kind = chance.choice(["few", "few", "many", "cut", "zeros", "page"])
    if kind in ("few", "many"):
        for _ in range(chance.randint(1, 8) if kind == "few" else chance.randint(100, 2000)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == "cut":
        del data[chance.randrange(len(data)) :]
    elif kind == "zeros":
        first = chance.randrange(100, len(data))
        data[first : first + 500] = bytes(len(data[first : first + 500]))
    else:
        place, other = (PAGE * chance.randrange(len(data) // PAGE) for _ in range(2))
        data[place : place + PAGE] = data[other : other + PAGE]
    return kind, data


def reads(index):
    return [
        index.stories,
        index.changes,
        lambda: len(index),
        lambda: index.similar(SAMPLE[3]),
        lambda: index.copies_of(SAMPLE[3]),
        lambda: index.story_id(SAMPLE[1].id),
    ]


def writes(index):
    new = dedup.Article("new", f"{SAMPLE[0].text} Позже.", published=SAMPLE[0].published)
    return [
        lambda: index.add(new),
        lambda: index.add(dedup.Article(SAMPLE[2].id, f"{SAMPLE[2].text} Позже.", published=SAMPLE[2].published)),
        lambda: index.remove(SAMPLE[1].id),
        lambda: index.refine(datetime(2000, 1, 1, tzinfo=UTC)),
        lambda: index.expire(datetime(2023, 9, 13, tzinfo=UTC)),
    ]


def answered_or_refused(path, work):
    """Let it be refused, if at all, as it should be."""
    try:
        work()
    except (OSError, ValueError, KeyError) as error:
        refusal = error
    else:
        return
    if isinstance(refusal, KeyError):  # an id is damaged
        assert "has the id" in str(refusal), repr(refusal)
    else:
        assert "allowed" in str(refusal), repr(refusal)
        assert path.name in str(refusal), repr(refusal)


def ask(path, questions, **how):
    with StoryIndex(path, clock=clock, **how) as index:
        for question in questions(index):
            answered_or_refused(path, question)


@pytest.mark.parametrize("number", range(DAMAGED_FILES))
def test_whatever_is_damaged_the_error_names_the_file_and_a_remedy(whole, tmp_path, number):
    seed = random.SystemRandom().randrange(2**32) if number else 0
    kind, data = damage(whole, random.Random(seed))
    path, copy = tmp_path / "index.db", tmp_path / "copy.db"
    path.write_bytes(data)
    try:
        made_with(path)
        answered_or_refused(path, lambda: ask(path, reads, read_only=True))
        answered_or_refused(path, lambda: dedup.copy_index(path, copy))
        answered_or_refused(path, lambda: ask(path, writes))
    except BaseException as error:
        error.add_note(f"damage: {kind}, seed {seed}")
        raise


STATEMENTS = [
    "UPDATE articles SET fields = substr(fields, 9) WHERE node = 3",
    "UPDATE articles SET fields = replace(fields, '\\u0430', '\\u043e') WHERE node = 3",
    "UPDATE articles SET id = 'other' WHERE node = 3",
    "UPDATE articles SET speaker = 99 WHERE node = 3",
    "UPDATE articles SET story = 99 WHERE node = 3",
    "UPDATE articles SET kept_by_day = 'soon' WHERE node = 3",
    "UPDATE traits SET features = substr(features, 2) WHERE node = 3",
    "UPDATE traits SET norm = 'long' WHERE node = 3",
    "UPDATE traits SET bands = substr(bands, 9) WHERE node = 3",
    "UPDATE traits SET neighbours = x'00' WHERE node = 3",
    "DELETE FROM traits WHERE node = 3",
    "DELETE FROM articles WHERE node = 3",
    "DELETE FROM stories",
    "DELETE FROM sqlite_sequence",
    "UPDATE stories SET merged_into = 99 WHERE story = 3",
    "UPDATE changes SET article = 7, day = 'soon' WHERE cursor = 3",
    "INSERT INTO chapters VALUES (3, 'two', 2)",
    "INSERT INTO other_ids VALUES (x'00', 'a')",
    "INSERT INTO habits VALUES ('a', 1, 1, x'00', x'00')",
    "DROP TABLE chapters",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_check_finds_what_no_index_writes(whole, tmp_path, statement):
    path = tmp_path / "index.db"
    path.write_bytes(whole)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert damage_of(database) is None
        database.execute(statement)
        assert damage_of(database)


@pytest.mark.parametrize("golden", [GOLDEN, FORMER, FIRST, OLDER, WITH_DATES], ids=lambda golden: golden.stem)
def test_the_check_finds_nothing_in_files_of_older_formats(golden, tmp_path):
    path = tmp_path / "index.db"
    path.write_bytes(Path(golden).read_bytes())
    for read_only in (True, False, True):
        with StoryIndex(path, read_only=read_only) as index:
            assert damage_of(index._session.store._db) is None


def test_what_a_damaged_file_quotes_cannot_steer_a_terminal(whole, tmp_path):
    path = tmp_path / "index.db"
    path.write_bytes(whole.replace(b"articles_by_story ON", b"\x1b[2J_by_storys ON", 1))
    with pytest.raises(OSError, match="is damaged") as caught:
        StoryIndex(path)
    assert str(caught.value).isprintable()


def test_a_mistake_that_is_none_of_the_file_s_is_told_as_it_is(whole, tmp_path, monkeypatch):
    path = tmp_path / "index.db"
    path.write_bytes(whole)
    with StoryIndex(path) as index:
        monkeypatch.setattr(index._session.store, "count", lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            len(index)
        with pytest.raises(KeyError, match="no article has the id"):
            index.story_id("nowhere")
