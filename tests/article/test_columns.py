"""Names that inputs have for the fields of an article."""

import json
import logging
import re
from collections import UserDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article
from dedup.article import FIELDS, Columns, columns, field_of
from dedup.article.columns import names_of_fields, values_of
from dedup.cli import main

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
VALUES = {
    "id": "a7",
    "text": "Kim Jong Un est arrivé mardi en Russie.",
    "title": "Kim en Russie",
    "published": "2023-09-12T10:00:00Z",
    "source": "Le Quotidien",
    "url": "https://quotidien.example/kim",
    "language": "fr",
}
ARTICLE = Article(**VALUES | {"published": datetime(2023, 9, 12, 10, tzinfo=UTC)})


def table():
    """The names of each field in the table of the documentation, in its order."""
    rows = re.findall(r"^(\w+|) +(\S.*)$", columns.__doc__.split("====\n")[2].partition("\n=")[0], re.MULTILINE)
    found = {}
    for field, names in rows:
        own = field or list(found)[-1]
        found.setdefault(own, []).extend(name for name in re.split(r"[, ]+", names) if name)
    return found


def test_the_page_for_users_has_the_same_table():
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "articles.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)
    assert {field: names.split(", ") for field, names in rows} == table()


NAMES = [(field, name) for field, names in table().items() for name in names]


def test_the_table_is_of_the_fields_and_names_each_name_once():
    assert list(table()) == list(FIELDS)
    assert len(NAMES) > 40
    plain = [name.replace("_", "") for _, name in NAMES]
    assert len(set(plain)) == len(plain)
    assert not set(plain) & set(FIELDS)


def variants(name):
    """A name as other people write it."""
    words = name.split("_")
    camel = words[0] + "".join(map(str.capitalize, words[1:]))
    return {name, name.upper(), camel, "-".join(words), " ".join(map(str.capitalize, words)), ".".join(words)}


@pytest.mark.parametrize(("field", "name"), NAMES)
def test_each_name_is_read_as_its_field_however_it_is_written(field, name):
    for written in sorted(variants(name)):
        record = {key: value for key, value in VALUES.items() if key != field} | {written: VALUES[field]}
        assert dedup.cluster([record]).articles == (ARTICLE,), written
        assert field_of(written) == field


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_s_own_name_may_be_written_in_other_ways(field):
    for name in (field.upper(), field.capitalize(), f"_{field}"):
        record = {key: value for key, value in VALUES.items() if key != field} | {name: VALUES[field]}
        assert dedup.cluster([record]).articles == (ARTICLE,)


# Which of several


def slow_choice(field, record):
    """The value of a field by the rule: its own name, then the others in the order of the table, without blanks."""
    known = [field, *table()[field]]
    ranked = []
    for name, value in record.items():
        plain = re.sub(r"[\s._-]", "", name.lower())
        ranks = [rank for rank, other in enumerate(known) if other.replace("_", "") == plain]
        if ranks and value is not None:
            ranked.append((name != field, ranks[0], list(record).index(name), value))
    values = [value for *_, value in sorted(ranked)]
    return next((value for value in values if value.strip()), values[0] if values else None)


RECORDS = st.dictionaries(
    st.sampled_from(["text", "Text", "content", "CONTENT", "body", "description", "summary", "title", "headline", "x"]),
    st.sampled_from([None, "", " ", "Kim", "Putin", "Paris"]),
    max_size=7,
)


@settings(deadline=None, max_examples=200)
@given(RECORDS)
def test_the_first_name_with_a_value_is_read(record):
    found = values_of(record)
    for field in ("text", "title"):
        assert found.get(field, (None, None))[1] == slow_choice(field, record)


def test_the_finer_of_a_time_and_its_day_is_read():
    (article,) = dedup.cluster([{"text": "Kim", "date": "2023-09-12", "dateTime": "2023-09-12T08:00:00Z"}]).articles
    assert article.published.hour == 8
    (article,) = dedup.cluster([{"text": "Kim", "created_at": "2023-09-12T08:00Z", "publishedAt": None}]).articles
    assert article.published.hour == 8


def test_what_is_no_text_is_passed_over_where_the_name_is_a_guess():
    entry = {"content": [{"value": "<p>Kim</p>"}], "summary": "Kim"}  # as feedparser has it
    assert values_of(entry)["text"] == ("summary", "Kim")
    with pytest.raises(TypeError, match=r"field 'content', read as text, is \[5\]; allowed: str"):
        dedup.cluster([{"content": [5]}])
    with pytest.raises(TypeError, match="field 'text' is 5; allowed: str"):
        dedup.cluster([{"text": 5, "content": "Kim"}])


def test_each_article_has_its_own_names():
    articles = dedup.cluster([{"text": "one"}, {"content": None, "summary": "two"}, {"headline": "three"}]).articles
    assert [(article.text, article.title) for article in articles] == [("one", ""), ("two", ""), ("", "three")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"id": None, "name": "Wire"}, "Wire"),
        ({"name": "Wire", "url": "https://wire.example"}, "Wire"),
        ({"href": "https://wire.example", "title": "Wire"}, "Wire"),
        (UserDict(name="Wire"), "Wire"),
        ({"id": None, "name": None}, None),
        ({}, None),
    ],
    ids=repr,
)
def test_a_source_may_be_a_mapping_with_a_name(source, expected):
    assert dedup.cluster([{"text": "x", "source": source}]).articles[0].source == expected
    assert dedup.cluster([{"text": "x", "publisher": source}]).articles[0].source == expected


def test_a_source_that_is_a_mapping_without_a_name_is_refused():
    with pytest.raises(TypeError, match=r"field 'source' is {'id': 5}; allowed: str"):
        dedup.cluster([{"text": "x", "source": {"id": 5}}])
    with pytest.raises(TypeError, match=r"field 'source' is {'name': 5}; allowed: str"):
        dedup.cluster([{"text": "x", "source": {"name": 5}}])


# Every form of input

USUAL = dict(zip(("guid", "content", "headline", "pubDate", "outlet", "link", "lang"), VALUES.values(), strict=True))


@dataclass
class Record:
    guid: str
    content: str
    headline: str
    pubDate: str
    outlet: str
    link: str
    lang: str


@dataclass(slots=True)
class Slotted:
    guid: str
    content: str
    headline: str
    pubDate: str
    outlet: str
    link: str
    lang: str


@pytest.mark.parametrize(
    "make",
    [
        dict,
        UserDict,
        lambda x: SimpleNamespace(**x),
        lambda x: Record(**x),
        lambda x: Slotted(**x),
        lambda x: namedtuple("Row", x)(**x),
    ],
    ids=["dict", "UserDict", "namespace", "dataclass", "slots", "namedtuple"],
)
def test_mappings_and_objects(make):
    assert dedup.cluster([make(USUAL)]).articles == (ARTICLE,)


@pytest.mark.parametrize("library", FRAMES)
def test_data_frames(library):
    frame = FRAMES[library]({name: [value] for name, value in USUAL.items()})
    assert dedup.cluster(frame).articles == (ARTICLE,)
    found = dedup.cluster_frame(frame)
    ids = found["story_id"].to_pylist() if library == "pyarrow" else list(found["story_id"])
    assert ids == ["a7"]


def test_an_index():
    with dedup.StoryIndex(":memory:") as index:
        index.add(USUAL)
        assert index.stories()[0].articles == (ARTICLE,)


def test_a_column_of_texts():
    texts = ["Kim in Russia.", "Kim in Russia."]
    found = [pd.Series(texts), pl.Series(texts), pa.array(texts), pa.chunked_array([texts])]
    for column in found:
        assert dedup.near_duplicates(column).groups == [[0, 1]]
    (article,) = dedup.cluster(pa.array([{"id": "a", "headline": "Kim", "date": None}])).articles
    assert (article.id, article.title, article.published) == ("a", "Kim", None)


def test_a_data_frame_with_two_columns_of_texts():
    frame = pd.DataFrame({"content": ["one", None], "description": ["no", "two"], "guid": [1, 2]})
    assert [article.text for article in dedup.cluster(frame).articles] == ["one", "two"]
    assert dedup.cluster_frame(frame)["story_id"].tolist() == [1, 2]


def test_ids_of_two_columns_are_texts():
    frame = pd.DataFrame({"id": pd.array([1, None], "Int64"), "guid": ["x", "y"], "text": ["one", "two"]})
    assert dedup.cluster_frame(frame)["story_id"].tolist() == ["1", "y"]


# Names that the caller gives


def test_a_column_that_is_named_is_read_alone():
    frame = pd.DataFrame({"story": ["Kim", None], "content": ["no", "no"], "headline": ["one", "two"]})
    found = dedup.cluster_frame(frame, text="story", errors="skip")
    assert found["story_id"].tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"article 1 .*'text' and 'title' are missing"):
        dedup.cluster_frame(frame, text="story", title=None)


def test_a_column_that_is_named_is_no_other_field_but_for_its_own_name():
    row = {"summary": "s", "title": "t", "url": "u", "content": None}
    assert Columns({"title": "summary"}).item(row) == {"title": "s", "url": "u", "content": None}
    assert Columns({"id": "url"}).item(row) == {"id": "u", "summary": "s", "title": "t", "url": "u", "content": None}
    assert Columns({"text": None}).item(row) == {"title": "t", "url": "u"}


def test_options_of_the_command(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("guid,Headline,story,summary,Date\na,Kim en Russie,Kim arrive.,no,2023-09-12\n")
    assert main(["cluster", str(path), "--text", "story", "--stories"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["story_id"], row["headline"], row["first"]) == ("a", "Kim en Russie", "2023-09-12T00:00:00+00:00")
    assert main(["near", str(path), "--keep"]) == 0
    assert json.loads(capsys.readouterr().out)["story"] == "Kim arrive."


# What is said


def test_names_are_said_once_in_the_log(caplog):
    items = [{"headline": "Kim", "content": "one", "id": i} for i in range(3)] + [
        {"text": "two", "pubDate": "2023-09-12"}
    ]
    with caplog.at_level(logging.INFO, "dedup"):
        dedup.cluster(items)
    said = [message for message in caplog.messages if "read as" in message]
    assert said == ["'content' is read as text, 'headline' is read as title, 'pubDate' is read as published"]
    caplog.clear()
    with caplog.at_level(logging.INFO, "dedup"):
        dedup.cluster([{"text": "one", "title": "Kim"}])
    assert not [message for message in caplog.messages if "read as" in message]


@pytest.mark.parametrize("name", ["articles", "items", "entries", "results", "data"])
def test_a_whole_response_is_refused_with_the_name_of_its_list(name):
    with pytest.raises(
        TypeError, match=f"articles is one dict: .*allowed: a list of articles, as the one under '{name}'"
    ):
        dedup.cluster({"status": "ok", name: [{"text": "Kim"}]})
    with pytest.raises(TypeError, match=r"allowed: a list of articles$"):
        dedup.cluster({"status": "ok", name: 5})


def test_a_feed_that_is_not_read_is_refused_with_what_reads_it():
    for given_instead in ("feed.xml", b"<rss>", {"bozo": False, "feed": {}, "entries": []}):
        with pytest.raises(TypeError, match=r"allowed: a list of articles, as dedup\.feeds\.read makes of a feed$"):
            dedup.cluster(given_instead)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(st.text(max_size=8), st.integers(), st.none()), max_size=8))
def test_any_names_of_columns_are_let_be(names):
    known = names_of_fields(tuple(names))
    assert set(known) <= set(FIELDS)
    assert {name for own in known.values() for name in own} <= set(names)
