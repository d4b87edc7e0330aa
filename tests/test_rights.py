"""Who may read and write the file of an index: without the right to write, when it was replaced, after a fork."""

import os
import re
import sqlite3
import tempfile
import warnings
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from postgres_server import SERVER

import dedup
from dedup import StoryIndex

TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither modes nor forks")


@contextmanager
def as_another_user():
    """As one who may write nothing here; root may write everything, whatever the modes say."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def as_owner():
    former = os.geteuid()
    os.seteuid(os.getuid())
    try:
        yield
    finally:
        os.seteuid(former)


@pytest.fixture
def folder():
    """One that others may read: pytest's own they may not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)
        Path(made).chmod(0o755)


@pytest.fixture
def path(folder):
    """An index with one article, which others may read."""
    path = folder / "stories.db"
    add(path, "a")
    path.chmod(0o644)
    return path


def add(path, name):
    with StoryIndex(path) as index:
        index.add({"id": name, "text": TEXT})


def ids(index):
    assert len(index.copies_of(TEXT)) == len(index)
    return sorted(article.id for story in index.stories() for article in story.articles)


def read(path):
    with StoryIndex(path, read_only=True) as index:
        return ids(index)


# Readers who may not write


@posix
def test_whoever_may_not_write_to_the_folder_reads_it(folder, path):
    before = sorted(folder.iterdir())
    assert path.with_name("stories.db-wal") not in before
    folder.chmod(0o555)
    with as_another_user():
        assert read(path) == ["a"]
        with tempfile.TemporaryDirectory() as other:
            assert dedup.copy_index(path, f"{other}/copy.db")["articles"].rows == 1
    assert sorted(folder.iterdir()) == before


@posix
def test_a_reader_who_may_not_write_sees_what_a_writer_does_who_comes_later(folder, path):
    with as_another_user(), StoryIndex(path, read_only=True) as reader:
        assert ids(reader) == ["a"]
        with as_owner():
            folder.chmod(0o755)
            writer = StoryIndex(path)
            writer.add({"id": "b", "text": TEXT})
        assert ids(reader) == ["a", "b"]
        with as_owner():
            writer.add({"id": "c", "text": TEXT})
            writer.close()
        assert ids(reader) == ["a", "b", "c"]
    with as_another_user():
        assert read(path) == ["a", "b", "c"]


def answer_late(reader, path):
    with reader._session.reading(), as_owner():
        add(path, "b")


@posix
def test_what_is_written_while_an_answer_is_made_makes_it_an_error(folder, path):
    folder.chmod(0o555)
    with as_another_user(), StoryIndex(path, read_only=True) as reader:
        with pytest.raises(OSError, match=r"stories\.db was written while it was read; allowed: to ask again"):
            answer_late(reader, path)
        assert ids(reader) == ["a", "b"]


def fork(work):
    """Let a fork of this process do something, and end as if killed; return how it ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks that other threads do not follow
        child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1]


@posix
def test_what_a_writer_left_that_was_killed_is_read_or_said_to_be_missing(folder, path):
    assert fork(lambda: StoryIndex(path).add({"id": "b", "text": TEXT})) == 0
    folder.chmod(0o555)
    with as_another_user():
        assert read(path) == ["a", "b"]
    folder.chmod(0o755)
    path.with_name("stories.db-shm").unlink()
    folder.chmod(0o555)
    with (
        as_another_user(),
        pytest.raises(OSError, match=r"its last articles are in .*-wal, .*allowed: to open it once"),
    ):
        read(path)
    folder.chmod(0o755)
    with StoryIndex(path) as index:
        assert len(index) == 2


def test_the_commands_of_the_documentation_read_the_file(path):
    page = (Path(__file__).parents[1] / "docs" / "index-file.md").read_text("utf-8")
    commands = re.findall(r'^sqlite3 "file:stories\.db\?(.*?)" "(SELECT .*)"$', page, re.MULTILINE)
    assert [options for options, _ in commands] == ["mode=ro", "immutable=1"]
    for options, query in commands:
        with closing(sqlite3.connect(f"{path.as_uri()}?{options}", uri=True)) as database:
            assert database.execute(query).fetchall() == [(1, 1)]


# What is not there


def touch(folder):
    (folder / "empty.db").touch()
    return folder / "empty.db"


def unreadable(folder):
    add(folder / "mine.db", "a")  # 0600
    return folder / "mine.db"


NOTHING = [
    (
        lambda folder: folder / "none.db",
        FileNotFoundError,
        r"none\.db is not there; allowed with read_only=True: a file",
    ),
    (lambda folder: folder, IsADirectoryError, "is a folder; allowed with read_only=True: a file"),
    (touch, ValueError, r"empty\.db is empty; allowed with read_only=True: a file that a StoryIndex without it"),
    (lambda _: ":memory:", ValueError, ":memory: is empty whenever it is opened; allowed with read_only=True: a file"),
    pytest.param(unreadable, PermissionError, r"mine\.db may not be read by this user; allowed", marks=posix),
]


@pytest.mark.parametrize(("make", "kind", "message"), NOTHING, ids=["none", "folder", "empty", "memory", "rights"])
def test_where_there_is_nothing_to_read_the_error_says_what_to_do(folder, make, kind, message):
    place = make(folder)
    if kind is PermissionError and os.geteuid():
        place.chmod(0)
    with as_another_user(), pytest.raises(kind, match=message):
        StoryIndex(place, read_only=True)


def test_a_file_that_is_no_lock_is_named(path):
    path.with_name("stories.db.lock").write_text("mine" * 500)
    with pytest.raises(OSError, match=r"stories\.db\.lock is no lock: .*; delete it"):
        StoryIndex(path)


def test_after_closing_every_question_is_an_error(path):
    for place in (path, ":memory:"):
        index = StoryIndex(place)
        index.close()
        index.close()
        for work in (lambda: index.add({"id": "b", "text": TEXT}), lambda: len(index), index.changes):  # noqa: B023
            with pytest.raises(ValueError, match="is closed; allowed: to open another StoryIndex"):
                work()


# Another file in its place


def replace(path):
    other = path.with_name("other.db")
    add(other, "other")
    os.replace(other, path)


def unlink_log(path):
    path.with_name("stories.db-wal").unlink()


@posix
@pytest.mark.parametrize("change", [replace, Path.unlink, unlink_log])
@pytest.mark.parametrize("is_written", [True, False])
def test_a_file_that_is_replaced_or_removed_is_noticed_before_anything_is_acknowledged(path, change, is_written):
    former = path.with_name("former.db")
    former.hardlink_to(path)
    with StoryIndex(path) as index:
        index.add({"id": "b", "text": TEXT})
        change(path)
        for name in "cd" if is_written else "":
            with pytest.raises(
                OSError, match=r"was replaced or removed while .*; nothing was stored; allowed: to close"
            ):
                index.add({"id": name, "text": TEXT})
        assert len(index) == 2
    assert read(former) == ["a", "b"]  # all that was acknowledged
    if change is replace:
        assert read(path) == ["other"]  # and the log of the former has not come into it


@posix
def test_a_file_that_is_replaced_in_the_moment_of_a_commit_is_noticed_too(path):
    index = StoryIndex(path)
    index._session.store._db.set_trace_callback(lambda statement: statement == "COMMIT" and replace(path))
    with pytest.raises(OSError, match=r"was replaced or removed while .*; what was stored last may be lost; allowed"):
        index.add({"id": "b", "text": TEXT})
    index._session.store._db.set_trace_callback(None)
    assert read(path) == ["other"]  # before it is closed
    index.close()
    assert read(path) == ["other"]


@posix
def test_a_reader_goes_on_with_the_file_that_replaced_another(path):
    with StoryIndex(path, read_only=True) as reader:
        assert ids(reader) == ["a"]
        replace(path)
        assert ids(reader) == ["other"]
        path.unlink()
        with pytest.raises(FileNotFoundError, match=r"stories\.db is not there; allowed"):
            reader.stories()
        add(path, "new")
        assert ids(reader) == ["new"]


@posix
def test_a_relative_path_means_the_same_file_from_any_folder(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    with StoryIndex(path.name) as index, StoryIndex(path.name, read_only=True) as reader:
        monkeypatch.chdir("/")
        index.add({"id": "b", "text": TEXT})
        assert ids(reader) == ["a", "b"]


# Forks


@posix
@pytest.mark.parametrize("kind", ["file", "memory", "postgres"])
def test_a_fork_of_the_process_is_refused_and_does_not_disturb_it(path, kind, request):
    place = {"file": path, "memory": ":memory:"}.get(kind) or request.getfixturevalue("url")
    with StoryIndex(place) as index:
        index.add({"id": "b", "text": TEXT})
        told, tell = os.pipe()
        with index._session._mutex:  # as a thread may hold it at that moment
            assert fork(lambda: tell_refusals(index, tell)) == 0
        os.close(tell)
        with open(told, encoding="utf-8") as messages:
            said = messages.read().splitlines()
        assert len(said) == 2
        for message in said:
            assert re.search(rf"was opened by process {os.getpid()}, and this is a fork of it; allowed", message)
        index.add({"id": "c", "text": TEXT})
        assert index.story_id("c") == index.story_id("b")


def tell_refusals(index, tell):
    for work in (lambda: len(index), lambda: index.add({"id": "d", "text": TEXT})):
        try:
            work()
        except RuntimeError as error:
            os.write(tell, f"{error}\n".encode())
    index.close()


# PostgreSQL


def test_a_server_that_is_not_there_has_nothing_to_do_with_schemas(tmp_path):
    pytest.importorskip("psycopg")
    url = f"postgresql://postgres@/news?host={tmp_path}"
    for work in (StoryIndex, lambda url: dedup.copy_index(url, tmp_path / "copy.db")):
        with pytest.raises(OSError, match=r"(?s)cannot be reached: .*; allowed: a database that is there") as caught:
            work(url)
        assert "schema" not in str(caught.value)


def test_a_database_without_an_index_or_that_is_not_there_says_what_to_do(url):
    with pytest.raises(ValueError, match="is empty; allowed with read_only=True: a database in which a StoryIndex"):
        StoryIndex(url, read_only=True)
    missing = SERVER.url("missing")
    with pytest.raises(OSError, match=r'cannot be reached: .*database "missing" does not exist'):
        StoryIndex(missing)
