"""StoryIndex in PostgreSQL: several that write in turns, lost connections, rights, and what is refused."""

import random
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from postgres_server import SERVER
from postgres_writers import check_memory

from dedup import Article, StoryIndex, copy_index

TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."


def execute(url, statement):
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


# Several at once


def test_what_two_write_in_turns_is_what_one_would_have_written(url, sample):
    rng = random.Random(3)
    articles = list(sample[:120])
    with StoryIndex(":memory:") as alone, StoryIndex(url) as first, StoryIndex(url) as second:
        while articles:
            index = rng.choice([first, second])
            few, articles = articles[: (n := rng.choice([1, 2, 7]))], articles[n:]
            assert index.add_many(few) == alone.add_many(few)
            if rng.random() < 0.2:
                assert index.remove(few[0].id) == alone.remove(few[0].id)
            if rng.random() < 0.1:
                check_memory(first)
                check_memory(second)
        moment = sorted(a.published for a in sample[:120] if a.published)[20]
        assert second.expire(moment) == alone.expire(moment)
        assert first.refine(moment) == alone.refine(moment)
        assert second.similar(sample[100]) == alone.similar(sample[100])
        assert all(second.copies_of(article) == alone.copies_of(article) for article in sample[:100:9])
        check_memory(first)
        check_memory(second)
        told = [[(story.id, story.articles) for story in index.stories()] for index in (alone, first, second)]
        assert told[0] == told[1] == told[2]


def test_a_reader_is_not_held_up_by_a_transaction(url):
    with StoryIndex(url) as index, StoryIndex(url, read_only=True) as reader:
        index.add({"id": "a", "text": TEXT})
        with index._session.store.transaction():
            index._session.store.delete([1])
            assert len(reader) == 1
            assert reader.story_id("a") == "s1"
        assert len(reader) == 0
        with pytest.raises(RuntimeError, match="read_only=True; allowed"):
            reader.add({"id": "b", "text": TEXT})


@pytest.mark.parametrize("remembered", [0, 1, 4])
def test_one_that_is_far_behind_reads_all_again(url, sample, monkeypatch, remembered):
    monkeypatch.setattr("dedup.store.postgres._MAX_COMMITS_BEHIND", remembered)
    with StoryIndex(url) as first, StoryIndex(url) as second:
        for i in range(0, 60, 5):
            first.add_many(sample[i : i + 5])
            first.remove(sample[i].id)
            if i % 15 == 0:
                check_memory(second)
        check_memory(second)
        # Every second transaction removed one.
        assert second._session.store._one("SELECT count(*) FROM dedup.gone") == (remembered // 2 + 1,)


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_whatever_the_database_s_level_of_isolation_two_that_write_at_once_see_each_other(url, level):
    execute(url, f"ALTER DATABASE {url.split('/')[3].partition('?')[0]} SET default_transaction_isolation TO '{level}'")
    with StoryIndex(url) as first, StoryIndex(url) as second, ThreadPoolExecutor(2) as pool:
        works = [
            pool.submit(index.add, {"id": f"{name}{i}", "text": f"{TEXT} {i}"})
            for i in range(20)
            for name, index in (("a", first), ("b", second))
        ]
        assert [work.result().outcome for work in works].count("new_story") == 1
        check_memory(first)
        check_memory(second)


# Lost connections


def test_a_connection_lost_in_the_middle_of_a_transaction_stores_nothing(url):
    with StoryIndex(url) as index:
        index.add({"id": "a", "text": TEXT})

        def cut(*_):
            index._session.store._read("SELECT pg_terminate_backend(pg_backend_pid())")

        insert, index._session.store.insert = index._session.store.insert, cut
        with pytest.raises(OSError, match="nothing was stored"):
            index.add({"id": "b", "text": TEXT})
        index._session.store.insert = insert
        assert len(index) == 1
        assert index.add({"id": "b", "text": TEXT}).near_duplicate_of == "a"
        check_memory(index)


def test_a_connection_lost_between_two_calls_is_not_noticed(url):
    with StoryIndex(url) as index, StoryIndex(url) as other:
        index.add({"id": "a", "text": TEXT})
        other._session.store._read(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() "
            "AND datname = current_database()"
        )
        assert index.add({"id": "b", "text": TEXT}).near_duplicate_of == "a"


def test_when_the_answer_to_a_commit_is_lost_the_same_once_more_does_no_harm(url, monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    execute = psycopg.Connection.execute

    def lose(connection, query, *values, **how):
        told = execute(connection, query, *values, **how)
        if query.endswith("COMMIT"):
            connection.close()
            raise psycopg.OperationalError("lost on purpose")
        return told

    with StoryIndex(url) as index:
        index.add({"id": "a", "text": TEXT})
        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", lose)
            with pytest.raises(OSError, match="lost on purpose; whether it was stored is not known"):
                index.add({"id": "b", "text": TEXT})
        assert index.add({"id": "b", "text": TEXT}).outcome == "unchanged"
        check_memory(index)


# Rights


def role(url, name, rights):
    """URL of another user, who may do so much with the tables."""
    execute(
        url,
        f"CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA dedup TO {name}; "
        f"GRANT {rights} ON ALL TABLES IN SCHEMA dedup TO {name}",
    )
    return url.replace("postgres@", f"{name}@")


def test_to_read_the_right_to_select_is_enough(url, sample):
    with StoryIndex(url) as index:
        index.add_many(sample[:30])
        stories = index.stories()
        similar, copies = index.similar(sample[3]), index.copies_of(sample[3].text)
        assert sample[3].id in {copy.article_id for copy in copies}
        reading = role(url, "reading", "SELECT")
        with StoryIndex(reading, read_only=True) as reader:
            assert len(reader) == 30
            assert [story.id for story in reader.stories()] == [story.id for story in stories]
            assert reader.similar(sample[3]) == similar
            assert reader.copies_of(sample[3].text) == copies
            assert reader.story_id(sample[0].id) == index.story_id(sample[0].id)
        with StoryIndex(reading) as reader, pytest.raises(OSError, match=r"permission denied.*\n*.*nothing was stored"):
            reader.add(sample[30])
        assert len(index) == 30


def test_to_write_the_rights_to_the_tables_are_enough(url, sample):
    StoryIndex(url).close()
    with StoryIndex(role(url, "writing", "SELECT, INSERT, UPDATE, DELETE")) as index:
        index.add_many(sample[:30])
        assert index.remove(sample[0].id)
        assert index.expire(max(a.published for a in sample[:30] if a.published)) > 0
        check_memory(index)


# What is stored, and what is refused


NAMES = ["a\x00b", "a\x00c", "", "é", "e\u0301", "https://example.org/" + "x" * 100_000, "京" * 3000]


def test_ids_and_sources_of_any_length_with_any_character_come_back(url):
    with StoryIndex(url) as index:
        index.add_many([{"id": n, "text": f"{TEXT}\x00 {i}", "source": n} for i, n in enumerate(NAMES)])
    with StoryIndex(url, read_only=True) as index:
        articles = {a.id: a for story in index.stories() for a in story.articles}
        assert set(articles) == set(NAMES)
        assert all(articles[n].text == f"{TEXT}\x00 {i}" for i, n in enumerate(NAMES))
        assert all(articles[n].source in {n, None} for n in NAMES)


REFUSED = [
    ("CREATE SCHEMA dedup; CREATE TABLE dedup.mail (subject TEXT)", "another program's schema 'dedup'; allowed"),
    ("CREATE SCHEMA dedup; CREATE TABLE dedup.about (a TEXT)", "another program's schema 'dedup'; allowed"),
]


@pytest.mark.parametrize(("statement", "message"), REFUSED)
def test_a_schema_of_another_program_is_refused(url, statement, message):
    execute(url, statement)
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            StoryIndex(url)


def test_a_newer_format_other_parameters_and_nothing_to_read_are_refused(url):
    with pytest.raises(ValueError, match="is empty; allowed"):
        StoryIndex(url, read_only=True)
    execute(url, "CREATE SCHEMA dedup")  # as an administrator may have done
    StoryIndex(url).close()
    with pytest.raises(ValueError, match=r"made with recall=.*, not 0.9; allowed: the same parameters"):
        StoryIndex(url, recall=0.9)
    execute(url, "UPDATE dedup.about SET format = 99")
    with pytest.raises(ValueError, match="has format 99; allowed: 4"):
        StoryIndex(url)


WRONG = [
    "postgresql://u:secret@/none?host=/nowhere",
    "postgresql://u:secret@h:port:x/d",
    "postgresql://u:secret%zz@h/d",
    "postgresql://u:se cret@h/d",
    "postgresql://u:secret@[::1/d",
    "postgresql+psycopg://u:secret@h/d",
    "mysql://u:secret@h/d",
    "postgresql://u:x/secret@h/d",
    "postgresql://u:12/secret@h/d",
    "postgresql://u:x@secret@h/d",
    "postgresql://u:x?secret@h/d",
    "postgresql://u:x#secret@h/d",
    "postgresql://u:secret@h:x/d",
    " postgresql://u:secret@h/d",
    "postgresql:/u:secret@h/d",
    "postgresql:u:secret@h/d",
    "POSTGRESQL://u:secret@h/d",
    "postgres ://u:secret@h/d",
    "postgresq:/u:secret@h/d",
    "u:secret@h/d",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_where_there_is_no_server_the_error_does_not_tell_the_password(wrong):
    pytest.importorskip("psycopg")
    for work in (StoryIndex, lambda url: copy_index(url, "nowhere.db"), lambda url: copy_index("nowhere.db", url)):
        with pytest.raises((OSError, ValueError), match="allowed") as caught:
            work(wrong)
        shown = "".join(traceback.format_exception(caught.value))  # with the errors behind it
        assert "cret" not in "".join(line for line in shown.splitlines() if "work(wrong)" not in line)


def test_without_psycopg_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for work in (StoryIndex, lambda url: copy_index(url, tmp_path / "copy.db")):
        with pytest.raises(ImportError, match=r'psycopg: pip install "dedup-stories\[postgres\]"'):
            work("postgresql://localhost/news")
    StoryIndex(tmp_path / "stories.db").close()  # which needs none


def test_the_encoding_of_the_database_does_not_matter():
    url = SERVER.new_database("SQL_ASCII")
    for name in ("a", "京\x00"):
        with StoryIndex(url) as index:
            index.add({"id": name, "text": f"{TEXT} {name}", "source": name})
            assert index.story_id(name) == "s1"
    SERVER.drop(url)


def test_after_closing_every_question_is_an_error(url):
    index = StoryIndex(url)
    index.close()
    index.close()
    with pytest.raises(ValueError, match="is closed; allowed"):
        index.add(Article("a", TEXT))
    with pytest.raises(ValueError, match="is closed; allowed"):
        len(index)


def test_what_the_url_leaves_out_is_in_the_environment_or_a_service(url, monkeypatch, tmp_path):
    """So that no password is on a command line."""
    database = url.partition("@/")[2].partition("?")[0]
    monkeypatch.setenv("PGHOST", str(SERVER.folder))
    monkeypatch.setenv("PGUSER", "postgres")
    monkeypatch.setenv("PGDATABASE", database)
    with StoryIndex("postgresql://") as index:
        index.add({"id": "a", "text": TEXT})
        assert index.story_id("a") == "s1"
    (tmp_path / "services").write_text(f"[news]\nhost={SERVER.folder}\nuser=postgres\ndbname={database}\n")
    for name in ("PGHOST", "PGUSER", "PGDATABASE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    with StoryIndex("postgresql:///?service=news", read_only=True) as index:
        assert index.story_id("a") == "s1"
    with pytest.raises(ValueError, match="PostgreSQL database of the service 'news' was made with"):
        StoryIndex("postgresql:///?service=news", recall=0.5)
