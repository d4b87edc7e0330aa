"""What counts as an article, and what is refused with which words."""

import math
from collections import UserDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article

TEN = datetime(2023, 9, 12, 10, tzinfo=UTC)
EPOCH = int(TEN.timestamp())
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
FIELDS = {
    "id": "a7",
    "text": "Kim Jong Un est arrivé mardi en Russie.",
    "title": "Kim en Russie",
    "published": TEN,
    "source": "Le Quotidien",
    "url": "https://quotidien.example/kim",
    "language": "fr",
}


@dataclass
class Record:
    """An object of the caller's own, with more attributes than asked for."""

    id: str
    text: str
    title: str
    published: datetime
    source: str
    url: str
    language: str
    paywall: bool = True


def read(articles, **parameters):
    return dedup.cluster(articles, **parameters).articles


def published(value, **parameters):
    (article,) = read([{"id": "a1", "text": "Kim", "published": value}], **parameters)
    return article.published


def refuses(error, articles, *parts, **parameters):
    """Whether the articles are refused with a message that holds all those parts and says what is allowed."""
    with pytest.raises(error) as caught:
        read(articles, **parameters)
    message = str(caught.value)
    for part in (*parts, "allowed: "):
        assert part in message, f"{part!r} is not in {message!r}"


# Accepted forms


def test_a_str_is_a_text_without_anything_else():
    assert read(["Kim en Russie"]) == (Article("0", "Kim en Russie"),)


@pytest.mark.parametrize("wrap", [dict, MappingProxyType, UserDict], ids=lambda wrap: wrap.__name__)
def test_a_mapping_is_read_field_by_field(wrap):
    assert read([wrap(FIELDS)]) == (Article(**FIELDS),)


def test_unknown_fields_of_a_mapping_are_ignored():
    assert read([FIELDS | {"paywall": True, "labels": [1, 2]}]) == (Article(**FIELDS),)


@pytest.mark.parametrize(
    "item",
    [Record(**FIELDS), SimpleNamespace(**FIELDS), namedtuple("Row", FIELDS)(**FIELDS)],
    ids=lambda item: type(item).__name__,
)
def test_an_object_is_read_attribute_by_attribute(item):
    assert read([item]) == (Article(**FIELDS),)


def test_an_object_needs_no_more_than_a_text():
    assert read([SimpleNamespace(text="Kim")]) == (Article("0", "Kim"),)


def test_an_article_stays_the_very_object():
    article = Article(**FIELDS)
    assert read([article])[0] is article


def test_all_forms_may_stand_in_one_list():
    forms = ["Kim", {"text": "Kim"}, SimpleNamespace(text="Kim", id="n"), Article("a", "Kim")]
    assert [article.id for article in read(forms)] == ["0", "1", "n", "a"]


def test_a_generator_is_read_once_and_in_order():
    assert [article.text for article in read(text for text in ("Kim", "Putin"))] == ["Kim", "Putin"]


def test_a_tuple_and_an_iterator_are_read_like_a_list():
    assert read(("Kim", "Putin")) == read(iter(["Kim", "Putin"])) == read(["Kim", "Putin"])


def test_numpy_object_arrays_are_read_like_lists():
    items = ["Kim", {"text": "Putin", "id": 5}]
    assert read(np.array(items, dtype=object)) == read(items)


def test_numpy_arrays_of_str_are_read_like_lists():
    assert read(np.array(["Kim", "Putin"])) == read(["Kim", "Putin"])


@pytest.mark.parametrize("dtype", [None, object, "string"])
def test_a_pandas_series_of_str_is_read_like_a_list(dtype):
    assert read(pd.Series(["Kim", "Putin"], dtype=dtype, index=[7, 3])) == read(["Kim", "Putin"])


def test_a_polars_series_of_str_is_read_like_a_list():
    assert read(pl.Series(["Kim", "Putin"])) == read(["Kim", "Putin"])


@pytest.mark.parametrize("library", FRAMES)
def test_rows_of_a_data_frame_are_articles(library):
    frame = FRAMES[library]({name: [value, value] for name, value in FIELDS.items()} | {"id": ["a7", "a8"]})
    assert read(frame) == (Article(**FIELDS), Article(**FIELDS | {"id": "a8"}))


@pytest.mark.parametrize("library", FRAMES)
def test_a_data_frame_needs_only_texts(library):
    assert read(FRAMES[library]({"text": ["Kim", "Putin"]})) == read(["Kim", "Putin"])


@pytest.mark.parametrize("library", FRAMES)
def test_a_data_frame_may_have_other_columns(library):
    assert read(FRAMES[library]({"text": ["Kim"], "clicks": [5], "labels": [[1, 2]]})) == read(["Kim"])


@pytest.mark.parametrize("library", FRAMES)
def test_a_data_frame_may_have_no_rows(library):
    assert read(FRAMES[library]({"text": []})) == ()


@pytest.mark.parametrize("library", FRAMES)
def test_empty_cells_are_missing_fields(library):
    columns = {name: [None, value] for name, value in FIELDS.items()} | {"text": ["Kim", "Putin"]}
    assert read(FRAMES[library](columns)) == (Article("0", "Kim"), Article(**FIELDS | {"text": "Putin"}))


@pytest.mark.parametrize("empty", [None, math.nan, pd.NA, pd.NaT], ids=repr)
def test_what_pandas_writes_for_nothing_is_a_missing_field(empty):
    frame = pd.DataFrame({name: pd.Series([empty], dtype=object) for name in FIELDS} | {"text": ["Kim"]})
    assert read(frame) == (Article("0", "Kim"),)


@pytest.mark.parametrize("empty", [None, math.nan, np.float64("nan"), pd.NA, pd.NaT], ids=repr)
def test_what_records_hold_for_nothing_is_a_missing_field(empty):
    assert read([dict.fromkeys(FIELDS, empty) | {"text": "Kim"}]) == (Article("0", "Kim"),)


def test_a_pandas_frame_of_whole_numbers_gives_ids():
    assert [a.id for a in read(pd.DataFrame({"id": [12, 5], "text": ["Kim", "Putin"]}, index=[9, 9]))] == ["12", "5"]


def test_the_rows_of_a_frame_are_numbered_by_place_not_by_index():
    assert [a.id for a in read(pd.DataFrame({"text": ["Kim", "Putin"]}, index=["x", "y"]))] == ["0", "1"]


@pytest.mark.parametrize(
    "column",
    [
        pd.DataFrame({"published": pd.to_datetime([TEN, None], utc=True)}),
        pl.DataFrame({"published": pl.Series([TEN, None], dtype=pl.Datetime("ms", "UTC"))}),
        pa.table({"published": pa.array([TEN, None], pa.timestamp("ns", "UTC"))}),
    ],
    ids=FRAMES,
)
def test_time_columns_are_read_and_their_gaps_are_undated(column):
    library = type(column).__module__.partition(".")[0]
    if library == "pandas":
        frame = column.assign(text=["Kim", "Putin"])
    elif library == "polars":
        frame = column.with_columns(text=pl.Series(["Kim", "Putin"]))
    else:
        frame = column.append_column("text", pa.array(["Kim", "Putin"]))
    assert [article.published for article in read(frame)] == [TEN, None]


@pytest.mark.parametrize("library", FRAMES)
def test_a_time_column_without_a_zone_is_refused_unless_one_is_named(library):
    frame = FRAMES[library]({"text": ["Kim"], "published": [datetime(2023, 9, 12, 12)]})
    refuses(ValueError, frame, "article 0 (id '0')", "'published'", "2023", "12", "zone")
    assert read(frame, timezone="Europe/Paris")[0].published == TEN


def test_the_articles_come_back_in_the_order_of_the_input():
    later, earlier = Article("b", "Kim", published=TEN), Article("a", "Putin", published=TEN - timedelta(days=1))
    assert read([later, earlier]) == (later, earlier)


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=20), max_size=8))
@settings(deadline=None, max_examples=60)
def test_any_texts_are_kept_as_they_are(texts):
    assert [article.text for article in read(texts)] == texts


@pytest.mark.parametrize(
    "text", ["a\0b", "\0", "\ud800", "Kim \udfff Putin", "\ud83d\ude00", "\ufeff", "\uffff"], ids=ascii
)
def test_nulls_and_lone_surrogates_are_fine(text):
    assert read([{"text": text, "title": text, "id": text}]) == (Article(text, text, title=text),)


# Texts and titles


def test_the_text_may_be_empty():
    assert read([{"id": "a", "text": ""}]) == (Article("a", ""),)


@pytest.mark.parametrize("text", [{"text": None}, {"text": math.nan}, {"text": ""}, {}], ids=repr)
def test_a_title_stands_in_for_a_missing_text(text):
    (expected,) = [Article("a", "", title="Kim en Russie")]
    record = {"id": "a", "title": "Kim en Russie"} | text
    assert read([record]) == read([SimpleNamespace(**record)]) == (expected,)


def test_the_full_text_is_title_and_text():
    assert Article("a", "Il est arrivé.", title="Kim en Russie").full_text == "Kim en Russie\nIl est arrivé."


def test_the_full_text_has_the_title_only_once():
    assert Article("a", "Kim en Russie\nIl est arrivé.", title="Kim en Russie").full_text.count("Kim en Russie") == 1


def test_the_full_text_without_a_title_is_the_text():
    assert Article("a", "Il est arrivé.").full_text == "Il est arrivé."


def test_the_day_is_counted_from_1970():
    assert Article("a", "", published=datetime(1970, 1, 3, 12, tzinfo=UTC)).day == 2.5


def test_the_day_of_an_undated_article_is_not_a_number():
    assert math.isnan(Article("a", "").day)


# Ids


def test_missing_ids_are_positions():
    items = [{"text": "Kim"}, {"text": "Putin", "id": "x"}, "Choïgou", {"text": "Lavrov", "id": None}]
    assert [article.id for article in read(items)] == ["0", "x", "2", "3"]


@pytest.mark.parametrize(("value", "expected"), [(12, "12"), (-3, "-3"), (0, "0"), (10**30, "1" + "0" * 30)])
def test_int_ids_become_str(value, expected):
    assert read([{"id": value, "text": "Kim"}])[0].id == expected


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint32])
def test_numpy_int_ids_become_str(kind):
    assert read([{"id": kind(12), "text": "Kim"}])[0].id == "12"


@pytest.mark.parametrize("value", [1.5, 2.0, (1,), ["a"], True, False, date(2023, 9, 12), np.float64(3)], ids=repr)
def test_another_type_of_id_is_refused(value):
    refuses(TypeError, ["Putin", {"id": value, "text": "Kim"}], "article 1", "'id'", repr(value), "str", "int")


def test_an_array_is_no_id():
    refuses(TypeError, [{"id": np.array([3]), "text": "Kim"}], "article 0", "'id'", "array([3])")


def test_an_article_whose_id_is_no_str_is_refused():
    refuses(TypeError, [Article(7, "Kim")], "article 0", "'id'", "7", "str")


def test_duplicate_ids_are_refused():
    items = [{"id": "a", "text": "Kim"}, "Putin", {"id": "a", "text": "Lavrov"}]
    refuses(ValueError, items, "article 2", "article 0", "'id'", "'a'")


def test_the_int_1_and_the_str_1_are_duplicate_ids():
    refuses(ValueError, [{"id": 1, "text": "Kim"}, {"id": "1", "text": "Putin"}], "article 1", "'id'", "'1'")


def test_a_position_that_is_the_id_of_another_article_is_a_duplicate():
    refuses(ValueError, [{"id": 1, "text": "Kim"}, "Putin"], "article 1", "article 0", "'1'", "position")


# Times


@pytest.mark.parametrize(
    "value",
    [
        TEN,
        TEN.astimezone(ZoneInfo("Asia/Tokyo")),
        pd.Timestamp(TEN),
        "2023-09-12T10:00:00Z",
        "2023-09-12 10:00Z",
        "20230912T100000Z",
        "2023-09-12T10:00:00.000Z",
        "2023-09-12T12:00:00+02:00",
        "2023-09-12T03:00:00-0700",
        "  2023-09-12T10:00:00Z\n",
        "Tue, 12 Sep 2023 10:00:00 GMT",
        EPOCH,
        EPOCH * 1000,
        str(EPOCH),
        float(EPOCH),
        np.int64(EPOCH),
        np.float64(EPOCH),
        Decimal(EPOCH),
    ],
    ids=lambda value: f"{type(value).__name__} {value}",
)
def test_every_way_to_write_a_moment_gives_that_moment(value):
    moment = published(value)
    assert moment == TEN
    assert moment.utcoffset() is not None


@pytest.mark.parametrize("value", [TEN.isoformat(), EPOCH, TEN, "2023-09-12", date(2023, 9, 12)], ids=repr)
def test_a_time_is_read_without_any_warning(value, recwarn):
    published(value)
    assert not recwarn.list


def test_an_epoch_may_have_fractions_and_be_before_1970():
    assert published(-1_000_000_000.5) == datetime(1938, 4, 24, 22, 13, 19, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2023-09-12", "20230912", "2023-W37-2", date(2023, 9, 12)], ids=repr)
def test_a_day_is_its_midnight_in_utc(value):
    assert published(value) == datetime(2023, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2023-09-12", date(2023, 9, 12)], ids=repr)
def test_a_day_is_its_midnight_in_the_named_zone(value):
    assert published(value, timezone="Europe/Paris") == datetime(2023, 9, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Europe/Paris", ZoneInfo("Europe/Paris"), timezone(timedelta(hours=2))], ids=str)
@pytest.mark.parametrize("value", ["2023-09-12T12:00:00", "2023-09-12 12:00", datetime(2023, 9, 12, 12)], ids=repr)
def test_a_time_without_a_zone_is_in_the_named_zone(value, zone):
    assert published(value, timezone=zone) == TEN


def test_an_article_without_a_zone_is_in_the_named_zone():
    (article,) = read([Article("a", "Kim", published=datetime(2023, 9, 12, 12))], timezone="Europe/Paris")
    assert article.published == TEN


@pytest.mark.parametrize("value", [TEN, "2023-09-12T10:00:00Z", EPOCH], ids=repr)
def test_a_named_zone_changes_no_time_that_has_one(value):
    assert published(value, timezone="Asia/Tokyo") == TEN


@pytest.mark.parametrize("value", [None, "", "  ", math.nan, pd.NaT], ids=repr)
def test_no_time_is_no_time(value, recwarn):
    assert published(value) is None
    assert not recwarn.list


@pytest.mark.parametrize("value", [datetime(2023, 9, 12, 10), "2023-09-12T10:00:00", "2023-09-12 10:00"], ids=repr)
def test_a_time_without_a_zone_is_refused(value):
    items = ["Putin", {"id": "k", "text": "Kim", "published": value}]
    refuses(ValueError, items, "article 1 (id 'k')", "'published'", repr(value), "without a time zone", "timezone=")


def test_an_article_without_a_zone_is_refused():
    naive = datetime(2023, 9, 12, 10)
    articles = ["Putin", Article("k", "Kim", published=naive)]
    refuses(ValueError, articles, "article 1 (id 'k')", "'published'", repr(naive), "aware")


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_], ids=repr)
def test_a_bool_is_no_time(value):
    items = ["Putin", {"id": "k", "text": "Kim", "published": value}]
    refuses(TypeError, items, "article 1 (id 'k')", "'published'", repr(value), "ISO 8601")


@pytest.mark.parametrize("value", [[1], time(10), timedelta(1), b"2023-09-12", b"1694512800", object], ids=repr)
def test_another_type_of_time_is_refused(value):
    items = ["Putin", {"id": "k", "text": "Kim", "published": value}]
    refuses((TypeError, ValueError), items, "article 1 (id 'k')", "'published'", repr(value), "ISO 8601", "1970")


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e30, 10**10, -(10**19)], ids=repr)
def test_an_epoch_beyond_the_calendar_is_refused(value):
    items = ["Putin", {"id": "k", "text": "Kim", "published": value}]
    refuses(ValueError, items, "article 1 (id 'k')", "'published'", repr(value), "seconds since 1970")


@pytest.mark.parametrize("value", ["hier", "12 septembre 2023", "12/09/2023", "2023-13-40"], ids=repr)
def test_a_date_that_cannot_be_read_is_refused_or_counts_as_none(value):
    items = ["Putin", {"id": "k", "text": "Kim", "published": value}]
    refuses(ValueError, items, "article 1 (id 'k')", "'published'", repr(value))
    stories = dedup.cluster(items, errors="undated")
    assert [article.published for article in stories.articles] == [None, None]
    assert [(refusal.position, refusal.id, refusal.field) for refusal in stories.refusals] == [(1, "k", "published")]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "CEST+2 o'clock", "../etc/passwd", "Europe", "a\0b"], ids=ascii)
def test_an_unknown_zone_is_refused(zone):
    refuses(ValueError, ["Kim"], "timezone", repr(zone), "Europe/Paris", timezone=zone)


@pytest.mark.parametrize("zone", [5, timedelta(hours=2), b"UTC"], ids=repr)
def test_another_type_of_zone_is_refused(zone):
    refuses(TypeError, ["Kim"], "timezone", repr(zone), "tzinfo", timezone=zone)


# Refusals of other fields and of what is no list of articles


@pytest.mark.parametrize("item", [{}, {"title": " "}, {"text": None}, {"text": math.nan}], ids=repr)
def test_a_record_without_a_text_and_a_title_is_refused(item):
    items = ["Putin", {"id": "k"} | item]
    refuses(ValueError, items, "article 1 (id 'k')", "'text'", "'title'", "missing")


def test_an_object_without_a_text_and_a_title_is_refused():
    refuses(ValueError, ["Putin", SimpleNamespace(id="k")], "article 1 (id 'k')", "'text'", "'title'", "missing")


def test_what_has_no_field_at_all_is_refused():
    refuses(ValueError, ["Putin", {"clicks": 5}], "article 1 is {'clicks': 5}", "mapping")
    refuses(ValueError, ["Putin", object()], "article 1 is <object object", "mapping")


def test_a_data_frame_without_texts_and_titles_is_refused():
    refuses(ValueError, pd.DataFrame({"id": [1], "author": ["Kim"]}), "'id'", "'author'", "'text'", "'title'")


@pytest.mark.parametrize("value", [5, 2.5, b"Kim", ["Kim"], {"fr": "Kim"}, True], ids=repr)
def test_a_text_that_is_no_str_is_refused(value):
    items = ["Putin", {"id": "k", "text": value}]
    refuses(TypeError, items, "article 1 (id 'k')", "'text'", repr(value), "str")


@pytest.mark.parametrize("field", ["title", "source", "url", "language"])
def test_another_field_that_is_no_str_is_refused(field):
    items = ["Putin", {"id": "k", "text": "Kim", field: 5}]
    refuses(TypeError, items, "article 1 (id 'k')", repr(field), "5", "str")


@pytest.mark.parametrize("field", ["text", "title", "source", "url", "language"])
def test_an_article_with_a_field_that_is_no_str_is_refused(field):
    articles = ["Putin", Article(**{"id": "k", "text": "Kim", field: 5})]
    refuses(TypeError, articles, "article 1 (id 'k')", repr(field), "5", "str")


@pytest.mark.parametrize("value", ["2023-09-12T10:00:00Z", EPOCH, date(2023, 9, 12)], ids=repr)
def test_an_article_whose_time_is_no_datetime_is_refused(value):
    articles = ["Putin", Article("k", "Kim", published=value)]
    refuses((TypeError, ValueError), articles, "article 1 (id 'k')", "'published'", repr(value), "aware datetime")


@pytest.mark.parametrize("item", [None, b"Kim", 5, 2.5, math.nan], ids=repr)
def test_what_is_no_article_is_refused(item):
    refuses(TypeError, ["Putin", item], "article 1", repr(item), "str", "mapping", "Article")


@pytest.mark.parametrize(
    ("articles", "name"),
    [
        ("Kim en Russie", "str"),
        (b"Kim en Russie", "bytes"),
        ({"text": "Kim"}, "dict"),
        (Article("a", "Kim"), "Article"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_lone_article_is_refused(articles, name):
    refuses(TypeError, articles, name, "Kim", "list")


@pytest.mark.parametrize("articles", [None, 5, 2.5, object()], ids=lambda value: type(value).__name__)
def test_what_cannot_be_gone_through_is_refused(articles):
    refuses(TypeError, articles, repr(articles), "iterable", "data frame")


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(TypeError) as caught:
        read([{"text": ["Kim"] * 100_000}])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("call", [dedup.cluster, dedup.near_duplicates, dedup.StoryClusterer().fit])
def test_every_way_in_refuses_with_the_same_words(call):
    with pytest.raises(TypeError, match=r"article 1 \(id 'k'\): field 'text' is 5; allowed: str"):
        call(["Putin", {"id": "k", "text": 5}])
