"""A bad article never costs a batch: at every door the others go on, and the refusal says what was wrong."""

import json
import logging
from dataclasses import astuple
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import dedup
from dedup import Article, StoryIndex, archive
from dedup.cli import main
from dedup.stream import validation

KIM = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said in a statement"
GOOD = [{"id": "a", "text": KIM}, {"id": "b", "text": f"MOSCOW - {KIM}"}, {"id": "c", "text": "The bank raised rates."}]


class Broken:
    """An object whose text cannot be had."""

    id = "bad"

    @property
    def text(self):
        raise RuntimeError("the connection is closed")


# The item, the error it raises, its id, the field and the value that the refusal names, and a part of its reason.
BAD = {
    "no text and no title": ({"id": "bad"}, ValueError, "bad", "text", "None", "fields 'text' and 'title' are missing"),
    "blank title": ({"id": "bad", "title": " "}, ValueError, "bad", "text", "' '", "'text' and 'title' are missing"),
    "text": ({"id": "bad", "text": 5}, TypeError, "bad", "text", "5", "field 'text' is 5; allowed: str"),
    "title": ({"id": "bad", "text": "x", "title": [1]}, TypeError, "bad", "title", "[1]", "field 'title' is [1]"),
    "id": (
        {"id": [7], "text": "x"},
        TypeError,
        None,
        "id",
        "[7]",
        "field 'id' is [7]; allowed: str, int, UUID or bytes",
    ),
    "repeated id": ({"id": "a", "text": "x"}, ValueError, "a", "id", "'a'", "field 'id' is 'a', as that of article 0"),
    "no date": ({"id": "bad", "text": "x", "published": "soon"}, ValueError, "bad", "published", "'soon'", "'soon'"),
    "date of another type": (
        {"id": "bad", "text": "x", "published": {"y": 1}},
        TypeError,
        "bad",
        "published",
        "{'y': 1}",
        "field 'published' is {'y': 1}; ",
    ),
    "date without a zone": (
        {"id": "bad", "text": "x", "published": "2023-09-12T08:00"},
        ValueError,
        "bad",
        "published",
        "'2023-09-12T08:00'",
        "timezone=",
    ),
    "source": ({"id": "bad", "text": "x", "source": 5}, TypeError, "bad", "source", "5", "field 'source' is 5"),
    "url": ({"id": "bad", "text": "x", "url": ["u"]}, TypeError, "bad", "url", "['u']", "field 'url' is ['u']"),
    "language": ({"id": "bad", "text": "x", "language": 1}, TypeError, "bad", "language", "1", "field 'language' is 1"),
    "no field": ({"author": "Kim"}, ValueError, None, None, "{'author': 'Kim'}", "is {'author': 'Kim'}, without any"),
}
# What no file has.
OBJECTS = {
    "None": (None, TypeError, None, None, "None", "is None; allowed: str, Article, a mapping"),
    "number": (2.5, TypeError, None, None, "2.5", "is 2.5; allowed"),
    "bytes": (b"Kim", TypeError, None, None, "b'Kim'", "is b'Kim'; allowed"),
    "object": (SimpleNamespace(), ValueError, None, None, "namespace()", "is namespace(), without any field; allowed"),
    "property": (
        Broken(),
        ValueError,
        "bad",
        "text",
        "RuntimeError('the connection is closed')",
        "field 'text' cannot be read: RuntimeError('the connection is closed')",
    ),
    "Article": (Article("bad", None), ValueError, "bad", "text", "''", "'text' and 'title' are missing"),
    "time of an Article": (
        Article("bad", "x", published=5),
        TypeError,
        "bad",
        "published",
        "5",
        "field 'published' is 5; allowed: an aware datetime or None",
    ),
}
# What an index alone refuses.
OF_INDEX = {
    "no id": ({"text": "x"}, ValueError, None, "id", "None", "field 'id' is missing; allowed: str, int, UUID or bytes"),
    "surrogate": (
        {"id": "\ud800", "text": "x"},
        ValueError,
        "\ud800",
        "id",
        "'\\ud800'",
        "field 'id' is '\\ud800'; allowed: no lone surrogates",
    ),
    "too long": (
        {"id": "bad", "text": "x" * 2000},
        ValueError,
        "bad",
        "text",
        repr("x" * 2000)[:77] + "...",
        "field 'text' has 2,000 characters; allowed: 1,500 bytes",
    ),
}


def kinds(*tables):
    both = {name: case for table in tables for name, case in table.items()}
    return pytest.mark.parametrize("case", both.values(), ids=both)


def items_with(bad):
    """The good articles with the bad one in the second place."""
    return [GOOD[0], bad, *GOOD[1:]]


def check_refusal(refusal, case):
    _, _, name, field, value, reason = case
    assert astuple(refusal)[0] == 1
    assert (refusal.id, refusal.field, refusal.value) == (name, field, value)
    assert refusal.reason.startswith("article 1")
    assert reason in refusal.reason
    assert "; " in refusal.reason


def check_raises(case, call):
    """Whether the call raises what the refusal says."""
    with pytest.raises(case[1]) as caught:
        call()
    assert type(caught.value) is case[1]
    assert str(caught.value).startswith("article 1")
    assert case[-1] in str(caught.value)


# In memory


@kinds(BAD, OBJECTS)
def test_stories_of_the_others_are_found(case, monkeypatch):
    items = items_with(case[0])
    stories = dedup.cluster(iter(items), errors="skip")
    assert [article.id for article in stories.articles] == ["a", "b", "c"]
    assert stories.labels.tolist() == dedup.cluster(GOOD).labels.tolist()
    (refusal,) = stories.refusals
    check_refusal(refusal, case)
    monkeypatch.setattr(dedup.StoryClusterer, "_fit", None)  # nothing is computed
    check_raises(case, lambda: dedup.cluster(iter(items)))


@kinds(BAD, OBJECTS)
def test_copies_keep_their_positions(case, monkeypatch):
    items = items_with(case[0])
    found = dedup.near_duplicates(iter(items), errors="skip")
    assert found.labels.tolist() == [0, 1, 0, 2]
    assert (found.pairs.tolist(), found.groups) == ([[0, 2]], [[0, 2]])
    assert found.token_counts[1] == 0
    (refusal,) = found.refusals
    check_refusal(refusal, case)
    monkeypatch.setattr("dedup.duplicates.find_near_duplicates", None)
    check_raises(case, lambda: dedup.near_duplicates(iter(items)))


@kinds({name: case for name, case in (BAD | OBJECTS).items() if name != "repeated id"})
def test_the_estimator_raises(case):
    check_raises(case, lambda: dedup.StoryClusterer().fit(items_with(case[0])))


FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
ADDED = ["story_id", "episode_id", "near_duplicate_group", "is_representative", "membership"]


def cells_of(frame, name):
    if isinstance(frame, pd.DataFrame):
        return [None if pd.isna(cell) else cell for cell in frame[name]]
    return frame[name].to_pylist() if isinstance(frame, pa.Table) else frame[name].to_list()


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize(
    ("errors", "bad"),
    [("skip", {"title": None, "text": None}), ("skip", {"published": "soon"}), ("skip", {"id": 12})],
    ids=["neither", "date", "repeated"],
)
def test_the_row_of_a_frame_that_is_left_out_has_empty_cells(library, errors, bad):
    names = ("id", "text", "title", "published", "clicks")
    rows = [dict(zip(names, (i, KIM, None, None, i), strict=True)) for i in (12, 13, 14)]
    rows.insert(1, rows[0] | {"id": 20, "clicks": 7} | bad)
    columns = {name: [row[name] for row in rows] for name in names}
    frame = FRAMES[library](columns)
    found = dedup.cluster_frame(frame, errors=errors)
    assert type(found) is type(frame)
    assert cells_of(found, "clicks") == [12, 7, 13, 14]
    assert cells_of(found, "story_id") == cells_of(found, "episode_id") == [12, None, 12, 12]
    assert cells_of(found, "near_duplicate_group") == [0, None, 0, 0]
    assert cells_of(found, "is_representative") == [True, None, False, False]
    assert cells_of(found, "membership") == [1.0, None, 1.0, 1.0]
    with pytest.raises(ValueError, match="article 1"):
        dedup.cluster_frame(frame)


def test_a_frame_of_pandas_keeps_its_index_and_its_types_where_cells_are_empty():
    ids = pd.Series([5, 6, 7], dtype="uint16")
    frame = pd.DataFrame({"id": ids, "text": [KIM, None, KIM]}).set_axis([9, 9, 4])
    found = dedup.cluster_frame(frame, errors="skip")
    assert found.index.tolist() == [9, 9, 4]
    assert [str(found[name].dtype) for name in ADDED] == ["UInt16", "UInt16", "Int64", "boolean", "float64"]
    assert found["story_id"].isna().tolist() == [False, True, False]
    whole = dedup.cluster_frame(frame.iloc[[0, 2]])
    assert [str(whole[name].dtype) for name in ADDED] == ["uint16", "uint16", "int64", "bool", "float64"]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.date32()], ids=str)
def test_a_time_that_python_does_not_have_costs_one_row_of_a_frame(library, kind):
    table = pa.table({"id": ["a", "b"], "text": [KIM, KIM], "published": pa.array([4_000_000, 20_000], pa.int32())})
    days = table["published"].cast(pa.date32())
    far = pa.chunked_array([pa.array([2**62, 1], pa.timestamp("us", "UTC"))]) if pa.types.is_timestamp(kind) else days
    table = table.set_column(2, "published", far)
    frame = pl.from_arrow(table) if library == "polars" else table
    assert cells_of(dedup.cluster_frame(frame, errors="skip"), "story_id") == [None, "b"]
    assert cells_of(dedup.cluster_frame(frame, errors="undated"), "story_id") == ["b", "b"]
    for call in (dedup.cluster, dedup.cluster_frame):
        with pytest.raises(ValueError, match=r"article 0 \(id 'a'\): field 'published' is 'a date(time)? that Python"):
            call(frame)


# In an index


@kinds(BAD, OBJECTS, OF_INDEX)
def test_an_index_stores_the_others(case, monkeypatch):
    monkeypatch.setattr(validation, "_MAX_BYTES", 1500)
    with StoryIndex(":memory:") as index:
        check_raises(case, lambda: index.add_many(iter(items_with(case[0]))))
        assert len(index) == 0
        assert index.changes() == []
        assigned, (refusal,) = index.add_many(iter(items_with(case[0])), errors="skip")
        assert [assignment.article_id for assignment in assigned] == ["a", "b", "c"]
        check_refusal(refusal, case)
        assert len(index) == 3


def test_an_index_may_do_without_a_date():
    items = items_with({"id": "x", "text": "The flood has reached the valley.", "published": "soon"})
    with StoryIndex(":memory:") as index:
        assigned, (refusal,) = index.add_many(items, errors="undated")
        assert [assignment.article_id for assignment in assigned] == ["a", "x", "b", "c"]
        assert (refusal.position, refusal.id, refusal.field, refusal.value) == (1, "x", "published", "'soon'")
        with pytest.raises(TypeError, match="'text' is 5"):
            index.add_many(items_with({"id": "y", "text": 5}), errors="undated")
        assert len(index) == 4


@pytest.mark.parametrize(("which", "text"), [("first", "one"), ("last", "three")])
def test_which_article_of_an_id_an_index_takes(which, text):
    items = [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}, {"id": "a", "text": "three"}]
    with StoryIndex(":memory:") as index:
        assigned, (refusal,) = index.add_many(items, errors="skip", duplicates=which)
        assert sorted(assignment.article_id for assignment in assigned) == ["a", "b"]
        assert (index.article("a").text, refusal.id, refusal.field) == (text, "a", "id")
        again = index.add_many([{"id": "a", "text": "four"}, {"id": "a", "text": "five"}], duplicates=which)
        assert [(one.article_id, one.outcome) for one in again] == [("a", "updated")]
        with pytest.raises(ValueError, match="duplicates is 'both'; allowed: None, 'first', 'last'"):
            index.add_many(items, duplicates="both")
        with pytest.raises(ValueError, match="article 2: field 'id' is 'a', as that of article 0"):
            index.add_many(items)


def test_the_position_of_an_article_is_nobody_s_id_where_its_url_is():
    url = "https://news.example/"
    items = [{"id": "1", "text": "one"}, {"url": f"{url}2", "text": "two"}, {"url": f"{url}3", "text": "three"}]
    for articles in (items, items[::-1], [items[1], items[0]]):
        with StoryIndex(":memory:") as index:
            assert {one.article_id for one in index.add_many(articles)} <= {"1", f"{url}2", f"{url}3"}
            assert len(index) == len(articles)


# From files


def written(folder, bad):
    path = folder / "articles.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in items_with(bad)))
    return path


@kinds(BAD, {"no id": OF_INDEX["no id"]})
def test_an_archive_has_the_others(case, tmp_path):
    path = written(tmp_path, case[0])
    with pytest.raises(case[1], match=r"articles\.jsonl, line 2"):
        archive.cluster(path, tmp_path / "out", work=tmp_path / "work", n_jobs=1)
    assert not (tmp_path / "out").exists()
    manifest = archive.cluster(path, tmp_path / "again", errors="skip", n_jobs=1)
    assert (manifest["counts"]["articles"], manifest["counts"]["refused_articles"]) == (3, 1)
    ((row),) = pa.parquet.read_table(tmp_path / "again" / "refusals").to_pylist()
    check_refusal(dedup.Refusal(*(row[name] for name in ("position", "reason", "id", "field", "value"))), case)


# Of a copy these are not read; the later article of an id is an update for an index.
NOT_BAD = {
    "near": {"no date", "date of another type", "date without a zone", "url", "language"},
    "ingest": {"repeated id"},
    "cluster": set(),
}


@pytest.mark.parametrize(
    ("command", "kind"), [(command, kind) for command in NOT_BAD for kind in BAD if kind not in NOT_BAD[command]]
)
def test_commands_go_on_with_the_others(command, kind, tmp_path, capsys):
    case = BAD[kind]
    path, given = written(tmp_path, case[0]), [str(tmp_path / "stories.db")] if command == "ingest" else []
    assert main([command, *given, str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{command}: error: {path}, line 2" in captured.err
    assert main([command, *given, str(path), "--errors", "skip", "--json"]) == 0
    captured = capsys.readouterr()
    (said,) = captured.err.splitlines()
    assert f"{path}, line 2" in said
    rows = list(map(json.loads, captured.out.splitlines()))
    if command == "near":
        assert [(row["left"], row["right"]) for row in rows] == [("a", "b")]
    else:
        assert [row["id" if command == "cluster" else "article_id"] for row in rows] == ["a", "b", "c"]


# Several at once


def test_many_refusals_come_by_position_and_ids_of_refused_articles_are_free():
    items = [{"id": "a", "text": 5}, GOOD[0], None, GOOD[0], {"id": "a"}, {"text": "Paris"}, {"id": 5, "text": "Rome"}]
    stories = dedup.cluster(items, errors="skip")
    assert [article.id for article in stories.articles] == ["a", "5"]
    assert stories.articles[1].text == "Paris"
    refusals = [(refusal.position, refusal.id, refusal.field) for refusal in stories.refusals]
    assert refusals == [(0, "a", "text"), (2, None, None), (3, "a", "id"), (4, "a", "text"), (6, "5", "id")]
    assert stories.rethreshold(0.3).refusals == stories.refusals


@pytest.mark.parametrize("errors", ["raise", "skip", "undated"])
@pytest.mark.parametrize(("which", "texts"), [("first", ["one", "two", "four"]), ("last", ["two", "five", "six"])])
def test_which_article_of_an_id_stays(errors, which, texts):
    names = ["a", "b", "a", "c", "c", "a"]
    items = [
        {"id": name, "text": text}
        for name, text in zip(names, ["one", "two", "three", "four", "five", "six"], strict=True)
    ]
    stories = dedup.cluster(items, errors=errors, duplicates=which)
    assert [article.text for article in stories.articles] == texts
    others = {"first": {2: 0, 4: 3, 5: 0}, "last": {0: 2, 2: 5, 3: 4}}[which]
    assert [refusal.position for refusal in stories.refusals] == list(others)
    for refusal, other in zip(stories.refusals, others.values(), strict=True):
        assert f"as that of article {other}; allowed: ids that occur once" in refusal.reason
    found = dedup.near_duplicates(items, errors=errors, duplicates=which)
    assert [refusal.position for refusal in found.refusals] == list(others)
    assert [i for i, count in enumerate(found.token_counts) if not count] == list(others)
    frame = dedup.cluster_frame(pd.DataFrame(items), errors=errors, duplicates=which)
    assert [i for i, story in enumerate(frame["story_id"].isna()) if story] == list(others)


def test_without_a_choice_errors_decides():
    items = [{"id": "a", "text": "one"}, {"id": "a", "text": "two"}]
    for errors in ("raise", "undated"):
        with pytest.raises(ValueError, match="article 1: field 'id' is 'a', as that of article 0"):
            dedup.cluster(items, errors=errors)
    assert [article.text for article in dedup.cluster(items, errors="skip").articles] == ["one"]


@pytest.mark.parametrize("call", [dedup.cluster, dedup.near_duplicates, dedup.cluster_frame])
def test_other_ways_are_refused(call):
    frame = pd.DataFrame({"text": ["x"]})
    with pytest.raises(ValueError, match="errors is 'ignore'; allowed: 'raise', 'skip', 'undated'"):
        call(frame, errors="ignore")
    with pytest.raises(ValueError, match="duplicates is 'both'; allowed: None, 'first', 'last'"):
        call(frame, duplicates="both")


def test_the_first_bad_article_is_the_one_that_is_named():
    with pytest.raises(TypeError, match="article 1 is None"):
        dedup.cluster([GOOD[0], None, {"id": "a"}, {"published": "soon"}])


def test_that_articles_are_refused_is_logged_and_no_warning(caplog, recwarn):
    with caplog.at_level(logging.INFO, "dedup"):
        dedup.cluster([GOOD[0], None, {"text": "x", "published": "soon"}], errors="skip")
    (said,) = [message for message in caplog.messages if "refused" in message]
    assert said.startswith("2 articles of 3 refused or undated: article 1 is None; allowed")
    assert not recwarn.list


# Generators that are at their end


def ended():
    generator = (item for item in GOOD)
    assert len(list(generator)) == 3
    return generator


def add_to_index(articles, **how):
    with StoryIndex(":memory:") as index:
        return index.add_many(articles, **how)


@pytest.mark.parametrize(
    "call",
    [
        dedup.cluster,
        dedup.near_duplicates,
        dedup.StoryClusterer().fit,
        dedup.sketches.to_datasketch,
        lambda articles: dedup.cluster(articles, errors="skip"),
        add_to_index,
        lambda articles: add_to_index(articles, errors="skip"),
    ],
)
def test_a_generator_that_has_ended_is_refused(call):
    with pytest.raises(ValueError, match="articles is a generator that has ended; allowed: a list"):
        call(ended())
    call(item for item in GOOD)
    call(item for item in [])
    call([])
    begun = iter(GOOD)
    next(begun)
    call(begun)


def test_frames_without_rows_are_no_error():
    for make in FRAMES.values():
        assert len(dedup.cluster(make({"text": []}))) == 0


def test_an_error_of_the_source_itself_is_not_caught():
    def articles():
        yield GOOD[0]
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        dedup.cluster(articles(), errors="skip")


def test_a_property_of_another_field_that_raises_is_refused_alone():
    class Half(SimpleNamespace):
        @property
        def published(self):
            return np.array([])[0]

    stories = dedup.cluster([Half(id="x", text="y"), *GOOD], errors="skip")
    assert [(refusal.field, refusal.id) for refusal in stories.refusals] == [("published", "x")]
    assert len(stories.articles) == 3


def test_a_naive_datetime_is_kept_without_its_date():
    (article,) = dedup.cluster(
        [{"id": "a", "text": "x", "published": datetime(2023, 9, 12)}], errors="undated"
    ).articles
    assert article.published is None
