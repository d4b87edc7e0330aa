"""Ids in the forms that users have."""

import enum
import hashlib
from uuid import UUID, uuid5

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.article import FieldError, id_of
from dedup.article.ids import read_id

TEXTS = (
    "Kim Jong Un boarded his armoured train in Pyongyang on Monday and crossed the river at Khasan before dawn.",
    "Kim Jong Un has crossed the river at Khasan on his armoured train, which had left Pyongyang on Monday.",
    "The European Central Bank raised its key interest rate to 4 percent and hinted that it was done.",
)
ANY = settings(deadline=None, max_examples=200)
IDS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=12), st.integers(), st.uuids(), st.binary(max_size=20)
)


def slow_id(value):
    if isinstance(value, bytes):
        return "".join(f"{byte:02x}" for byte in value)
    return f"{value}"


@ANY
@given(IDS)
def test_an_id_becomes_a_str_as_the_table_says(value):
    assert read_id(value) == slow_id(value)
    assert type(read_id(value)) is str


@ANY
@given(st.lists(IDS, max_size=6))
def test_ids_are_those_of_the_articles_and_equal_ones_repeat(values):
    items = [{"id": value, "text": "Kim"} for value in values]
    expected = list(dict.fromkeys(map(slow_id, values)))
    stories = dedup.cluster(items, errors="skip")
    assert [article.id for article in stories.articles] == expected
    assert len(stories.refusals) == len(values) - len(expected)
    assert list(map(id_of, items)) == list(map(slow_id, values))


@ANY
@given(st.integers(-(2**31), 2**31 - 1))
def test_an_integer_of_numpy_is_one(value):
    assert read_id(np.int64(value)) == read_id(np.int32(value)) == read_id(value)


@ANY
@given(st.one_of(st.floats(), st.booleans(), st.none(), st.lists(st.integers()), st.dates(), st.decimals()))
def test_what_is_no_id_is_refused(value):
    with pytest.raises(FieldError, match=r"field 'id' is .*; allowed: str, int, UUID or bytes"):
        read_id(value)
    assert id_of({"id": value}) is None


def test_a_str_of_another_class_becomes_a_plain_one():
    class Key(enum.StrEnum):
        A = "a1"

    assert read_id(np.str_("x")) == "x"
    assert type(read_id(Key.A)) is str
    assert read_id(Key.A) == "a1"


def test_a_column_of_integers_with_a_gap_is_explained():
    frame = pd.DataFrame({"id": [4, None, 6], "text": ["one", "two", "three"]})
    with pytest.raises(TypeError, match=r"field 'id' is 4\.0; .*missing cells turn a column of integers into floats"):
        dedup.cluster(frame)
    with pytest.raises(TypeError, match=r"field 'id' is 1\.5; allowed: str, int, UUID or bytes$"):
        dedup.cluster([{"id": 1.5, "text": "one"}])
    ids = [article.id for article in dedup.cluster(frame.astype({"id": "Int64"})).articles]
    assert ids == ["4", "1", "6"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"id": [b"\x0a\xff", b"\x00"], "text": ["one", "two"]}),
        pl.DataFrame({"id": [b"\x0a\xff", b"\x00"], "text": ["one", "two"]}),
        pa.table({"id": [b"\x0a\xff", b"\x00"], "text": ["one", "two"]}),
    ],
    ids=["pandas", "polars", "pyarrow"],
)
def test_bytes_in_a_column_become_digits(frame):
    found = dedup.cluster_frame(frame)["story_id"]
    assert (found.to_pylist() if isinstance(frame, pa.Table) else list(found)) == ["0aff", "00"]


def test_an_index_keeps_them_and_knows_them_again():
    digest, uuid = hashlib.sha256(b"Kim").digest(), uuid5(UUID(int=0), "Kim")
    with dedup.StoryIndex(":memory:") as index:
        items = [{"id": identity, "text": f"number {i} is here"} for i, identity in enumerate([digest, uuid, 17])]
        index.add_many(items)
        assert {one.outcome for one in index.add_many(items)} == {"unchanged"}
        assert index.story_id(digest.hex()) == index.story_id(digest)
        assert index.story_id(str(uuid)) == index.story_id(uuid)
        assert index.article(np.int64(17)) == index.article("17")
        assert index.copies_of(article_id=uuid) == ()
        assert (index.remove(17), index.remove("17")) == (True, False)
        for no_id in (True, 17.0, None, [digest]):
            with pytest.raises(KeyError, match="no article has the id"):
                index.article(no_id)


def test_editors_and_explanations_take_them_too():
    first, second, digest = 1, UUID(int=2), b"\x03"
    items = [{"id": identity, "text": text} for identity, text in zip((first, second, digest), TEXTS, strict=True)]
    stories = dedup.cluster(items)
    assert stories.explain(first, second).verdict == stories.explain("1", str(second)).verdict
    with pytest.raises(KeyError, match="no article has the id 7"):
        stories.explain(7, first)
    with dedup.StoryIndex(":memory:") as index:
        one, _, other = (assigned.story_id for assigned in index.add_many(items))
        index.pin(one, representative=first)
        index.move(second, other)
        assert index.story_id(second) == other
        index.split(other, second)
        assert index.story_id(digest) != index.story_id(second)
        index.forbid(first, digest, articles=True)
