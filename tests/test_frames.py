"""cluster_frame: the same kind of data frame comes back, with the stories beside what was there."""

import datetime as dt
import math
import subprocess
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

import dedup
from dedup import cluster_frame

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
ADDED = ["story_id", "episode_id", "near_duplicate_group", "is_representative", "membership"]
TEXTS = [
    "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    "La banque centrale relève ses taux à 4 %.",
    "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
    "KIM JONG UN est arrivé mardi en Russie à bord de son train blindé !",
]
PARIS = dt.timezone(dt.timedelta(hours=2))


@pytest.fixture(params=FRAMES)
def library(request):
    return request.param


def columns_of(frame):
    """Any frame as plain lists."""
    if isinstance(frame, pa.Table):
        return frame.to_pydict()
    return frame.to_dict(as_series=False) if isinstance(frame, pl.DataFrame) else frame.to_dict("list")


def stories_of(frame):
    """Story of each row, numbered by first row."""
    ids = columns_of(frame)["story_id"]
    return [list(dict.fromkeys(ids)).index(story) for story in ids]


def refuses(error, frame, *parts, **parameters):
    with pytest.raises(error) as caught:
        cluster_frame(frame, **parameters)
    for part in (*parts, "allowed: "):
        assert part in str(caught.value)


# What comes back


def test_the_same_kind_comes_back_with_five_columns_behind_the_others(library):
    frame = FRAMES[library]({"clicks": [1, 2, 3, 4], "text": TEXTS, "id": ["a", "b", "c", "d"]})
    found = cluster_frame(frame)
    assert type(found) is type(frame)
    columns = columns_of(found)
    assert list(columns) == ["clicks", "text", "id", *ADDED]
    assert [columns[name] for name in ("clicks", "text", "id")] == [[1, 2, 3, 4], TEXTS, ["a", "b", "c", "d"]]
    assert columns["story_id"] == columns["episode_id"] == ["a", "b", "a", "a"]
    assert columns["near_duplicate_group"] == [0, 1, 2, 0]
    assert sum(columns["is_representative"]) == 2
    assert columns["membership"][1] == 1.0


def test_the_frame_that_was_given_is_left_as_it_was(library):
    frame = FRAMES[library]({"text": TEXTS})
    cluster_frame(frame)
    assert list(columns_of(frame)) == ["text"]


def test_it_says_what_cluster_says(library, sample, stories):
    fields = ["id", "title", "text", "published", "source", "url", "language"]
    rows = {field: [getattr(article, field) for article in sample] for field in fields}
    rows["published"] = [moment.astimezone(dt.UTC) for moment in rows["published"]]
    found = columns_of(cluster_frame(FRAMES[library](rows)))
    assert found["story_id"] == [stories[label].id for label in stories.labels]
    episodes = [episode.id for story in stories for episode in story.episodes]
    assert found["episode_id"] == [episodes[label] for label in stories.episode_labels]
    assert len(set(found["episode_id"])) == len(episodes) > len(stories)
    assert found["near_duplicate_group"] == stories.near_duplicate_labels.tolist()
    assert [i for i, shown in enumerate(found["is_representative"]) if shown] == sorted(stories.representative_indices)
    assert found["membership"] == stories.membership.tolist()
    assert len(set(found["story_id"])) == sum(found["is_representative"])


def test_a_frame_without_rows_has_the_columns_with_their_types():
    pandas = cluster_frame(pd.DataFrame({"id": pd.Series(dtype=str), "text": pd.Series(dtype=str)}))
    assert [str(pandas[name].dtype) for name in ADDED] == ["str", "str", "int64", "bool", "float64"]
    polars = cluster_frame(pl.DataFrame({"id": [], "text": []}, {"id": pl.String, "text": pl.String}))
    assert [polars[name].dtype for name in ADDED] == [pl.String, pl.String, pl.Int64, pl.Boolean, pl.Float64]
    arrow = cluster_frame(pa.table({"text": pa.array([], pa.string())}))
    assert [str(arrow.schema.field(name).type) for name in ADDED] == ["int64", "int64", "int64", "bool", "double"]
    assert len(pandas) == len(polars) == len(arrow) == 0


@pytest.mark.parametrize("index", [[7, 7, 3, 7], list("abca"), pd.date_range("2023", periods=4)], ids=str)
def test_pandas_keeps_its_index(index):
    frame = pd.DataFrame({"text": TEXTS}, index=index)
    found = cluster_frame(frame)
    assert_frame_equal(found[["text"]], frame)
    assert stories_of(found) == [0, 1, 0, 0]


def test_pandas_may_have_columns_that_are_not_named_by_strings():
    found = cluster_frame(pd.DataFrame({0: [1, 2, 3, 4], "text": TEXTS}))
    assert found.columns.tolist() == [0, "text", *ADDED]


def test_a_lazy_frame_is_collected():
    found = cluster_frame(pl.LazyFrame({"text": TEXTS}).filter(pl.col("text").str.len_chars() > 50))
    assert isinstance(found, pl.DataFrame)
    assert stories_of(found) == [0, 0, 0]


def test_chunked_tables_are_read_through():
    table = pa.concat_tables([pa.table({"text": TEXTS[:1]}), pa.table({"text": TEXTS[1:]})])
    assert stories_of(cluster_frame(table)) == [0, 1, 0, 0]


def test_parameters_of_the_clusterer_are_passed_on(library):
    frame = FRAMES[library]({"text": TEXTS})
    assert stories_of(cluster_frame(frame, story_threshold=0.99)) == [0, 1, 2, 0]
    refuses(ValueError, frame, "story_threshold is 5", story_threshold=5)
    with pytest.raises(TypeError, match="storythreshold"):
        cluster_frame(frame, storythreshold=0.5)


# Ids


def test_without_ids_a_story_has_the_position_of_its_first_row(library):
    hours = [dt.datetime(2023, 9, 12, hour, tzinfo=dt.UTC) for hour in (12, 13, 11)]
    found = columns_of(cluster_frame(FRAMES[library]({"text": TEXTS[1:], "published": hours})))
    assert found["story_id"] == [0, 2, 2]


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (pd.DataFrame({"id": pd.array([12, 13, 14, 15], "int32"), "text": TEXTS}), "int32"),
        (pd.DataFrame({"id": pd.array([12, 13, 14, 15], "Int64"), "text": TEXTS}), "int64"),
        (pl.DataFrame({"id": pl.Series([12, 13, 14, 15], dtype=pl.UInt64), "text": TEXTS}), "UInt64"),
        (pa.table({"id": pa.array([12, 13, 14, 15], pa.int16()), "text": TEXTS}), "int16"),
    ],
    ids=["pandas", "nullable", "polars", "pyarrow"],
)
def test_stories_of_whole_numbers_have_ids_of_that_type(frame, kind):
    found = cluster_frame(frame)
    assert columns_of(found)["story_id"] == columns_of(found)["episode_id"] == [12, 13, 12, 12]
    type_ = found.schema.field("story_id").type if isinstance(found, pa.Table) else found["story_id"].dtype
    assert str(type_) == kind


@pytest.mark.parametrize(
    "ids", [pd.array([40, None, None, 43], "Int64"), ["40", None, math.nan, "43"]], ids=["int", "str"]
)
def test_a_missing_id_is_the_position(ids):
    found = cluster_frame(pd.DataFrame({"id": ids, "text": TEXTS}))
    assert stories_of(found) == [0, 1, 0, 0]
    assert found["story_id"].map(str).tolist()[1] == "1"


def test_an_id_that_occurs_twice_is_refused(library):
    frame = FRAMES[library]({"id": ["a", "b", "c", "a"], "text": TEXTS})
    refuses(ValueError, frame, "article 3", "'id' is 'a'", "article 0")


def test_another_type_of_id_is_refused():
    refuses(TypeError, pd.DataFrame({"id": [1.0, math.nan, 3, 4], "text": TEXTS}), "article 0", "'id' is 1.0")


# Columns by name


def test_columns_are_named_by_keyword(library):
    names = {"text": "body", "id": "key", "title": "headline", "published": "at", "source": "outlet"}
    rows = {
        "key": [4, 5],
        "headline": ["Kim en Russie", "Taux"],
        "body": TEXTS[:2],
        "at": [dt.datetime(2023, 9, 12, tzinfo=dt.UTC)] * 2,
        "outlet": ["Un site", None],
        "text": ["not", "read"],
    }
    found = columns_of(cluster_frame(FRAMES[library](rows), **names))
    assert list(found) == [*rows, *ADDED]
    usual = {"id": rows["key"], "text": rows["body"], "title": rows["headline"], "published": rows["at"]}
    expected = dedup.cluster(FRAMES[library](usual))
    assert found["story_id"] == [int(expected[label].id) for label in expected.labels]


def test_one_column_may_be_two_fields():
    assert cluster_frame(pd.DataFrame({"url": list("abcd"), "text": TEXTS}), id="url")["story_id"].iloc[3] == "a"


@pytest.mark.parametrize("field", ["id", "title", "published", "source", "url", "language"])
def test_a_column_that_is_named_must_be_there_and_one_that_is_not_need_not(library, field):
    frame = FRAMES[library]({"text": TEXTS})
    refuses(ValueError, frame, f"{field} is 'nope'", "'text'", **{field: "nope"})
    refuses(ValueError, frame, f"{field} is {field!r}", **{field: field})
    cluster_frame(frame)


def test_there_must_be_texts(library):
    frame = FRAMES[library]({"story": TEXTS})
    refuses(ValueError, frame, "text and title are no columns", "['story']")
    refuses(ValueError, frame, "text is 'content'", "['story']", text="content")
    refuses(ValueError, frame, "text and title are no columns", "['story']", text=None)
    refuses(ValueError, frame, "text and title are None", text=None, title=None)
    assert stories_of(cluster_frame(frame, text=None, title="story")) == [0, 1, 0, 0]


@pytest.mark.parametrize("value", [0, ["title"], b"title", 1.5], ids=repr)
def test_a_column_is_named_by_a_string(value):
    refuses(TypeError, pd.DataFrame({"text": TEXTS}), f"title is {value!r}", title=value)


def test_none_leaves_a_column_alone(library):
    rows = {"text": TEXTS, "language": [1, 2, 3, 4], "id": [1.5, 2.5, 3.5, 4.5], "published": ["x"] * 4}
    frame = FRAMES[library](rows)
    refuses(TypeError, frame, "'language' is 1", id=None, published=None)
    found = columns_of(cluster_frame(frame, language=None, id=None, published=None))
    assert list(found) == [*rows, *ADDED]
    assert len(set(found["story_id"])) == 2


@pytest.mark.parametrize("name", ADDED)
def test_a_column_that_would_be_added_may_not_be_there(library, name):
    refuses(ValueError, FRAMES[library]({"text": TEXTS, name: [0] * 4}), f"none called {name!r}")


@pytest.mark.parametrize("value", [TEXTS, pd.Series(TEXTS), {"text": TEXTS}, None, pl.Series(TEXTS)], ids=type)
def test_what_is_no_frame_is_refused(value):
    refuses(TypeError, value, f"frame is a {type(value).__name__}", "pandas, polars or pyarrow")


# Cells


def test_a_text_may_be_empty_in_a_row_with_a_title(library):
    frame = FRAMES[library]({"text": [TEXTS[0], None], "title": [None, TEXTS[2]]})
    assert columns_of(cluster_frame(frame))["story_id"] == [0, 0]


def test_a_row_without_text_and_title_is_refused(library):
    refuses(ValueError, FRAMES[library]({"text": [TEXTS[0], None]}), "article 1", "'text' and 'title' are missing")


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["2023-09-12T10:00Z", None, "2023-09-12T11:00Z", "2023-09-12T12:00Z"])),
        pd.Series([pd.Timestamp("2023-09-12 10:00", tz=PARIS), pd.NaT, None, math.nan], dtype=object),
    ],
    ids=["datetime64", "object"],
)
def test_times_of_pandas_and_their_gaps(column):
    found = cluster_frame(pd.DataFrame({"text": TEXTS, "published": column}))
    assert found["published"].isna().tolist() == column.isna().tolist()
    assert found["story_id"].iloc[0] == 0


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_with_a_zone_of_polars_and_pyarrow(unit):
    times = [dt.datetime(2023, 9, 12, 10, tzinfo=dt.UTC), None, dt.datetime(2024, 9, 12, tzinfo=dt.UTC), None]
    polars = pl.DataFrame({"text": TEXTS, "published": pl.Series(times, dtype=pl.Datetime(unit, "Europe/Paris"))})
    arrow = pa.table({"text": TEXTS, "published": pa.array(times, pa.timestamp(unit, "Europe/Paris"))})
    # A year apart two reports are no story.
    assert cluster_frame(polars)["story_id"].to_list() == [0, 1, 2, 0]
    assert cluster_frame(arrow)["story_id"].to_pylist() == [0, 1, 2, 0]


def test_times_without_a_zone_need_one(library):
    frame = FRAMES[library]({"text": TEXTS, "published": [dt.datetime(2023, 9, 12, 12)] * 4})
    refuses(ValueError, frame, "article 0", "'published'", "without a time zone", "timezone=")
    assert stories_of(cluster_frame(frame, timezone="Europe/Paris")) == [0, 1, 0, 0]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"text": TEXTS, "source": pd.Categorical(["x", None, "y", "x"])}),
        pl.DataFrame({"text": TEXTS, "source": pl.Series(["x", None, "y", "x"], dtype=pl.Categorical)}),
        pl.DataFrame({"text": TEXTS, "source": pl.Series(["x", None, "y", "x"], dtype=pl.Enum(["x", "y"]))}),
        pa.table({"text": TEXTS, "source": pa.array(["x", None, "y", "x"]).dictionary_encode()}),
    ],
    ids=["pandas", "polars", "enum", "pyarrow"],
)
@pytest.mark.parametrize("field", ["source", "language", "title"])
def test_columns_of_categories_are_read(frame, field):
    found = cluster_frame(frame, source=None, **{} if field == "source" else {field: "source"})
    kinds = [f.schema["source"] if isinstance(f, pl.DataFrame) else None for f in (frame, found)]
    assert kinds[0] == kinds[1]
    assert stories_of(found) == [0, 1, 0, 0]


def test_ids_of_categories_give_strings():
    found = cluster_frame(pd.DataFrame({"id": pd.Categorical(list("abcd")), "text": TEXTS}))
    assert found["story_id"].tolist() == ["a", "b", "a", "a"]
    assert str(found["id"].dtype) == "category"


def test_lone_surrogates_do_not_break_a_column():
    found = cluster_frame(pd.DataFrame({"id": pd.Series(["\ud800"], dtype=object), "text": TEXTS[:1]}))
    assert found["story_id"].tolist() == ["?"]


@pytest.mark.parametrize("backend", ["polars", "pyarrow"])
@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.date32()])
def test_a_time_that_python_does_not_have_is_no_date(backend, kind):
    days = pa.array([0, 10**7 if pa.types.is_date32(kind) else 2**60, 1], kind)
    frame = pa.table({"id": ["a", "b", "c"], "text": TEXTS[:3], "published": days})
    frame = pl.from_arrow(frame) if backend == "polars" else frame
    with pytest.raises(
        ValueError, match=r"article 1 \(id 'b'\): field 'published' is 'a date(time)? that Python does not"
    ):
        dedup.cluster(frame)
    stories = dedup.cluster(frame, errors="undated")
    assert [article.published is None for article in stories.articles] == [False, True, False]
    assert [refusal.id for refusal in stories.refusals] == ["b"]


@pytest.mark.parametrize("rows", [0, 1023, 1024, 1025, 2048])
def test_every_row_is_read(rows):
    frame = pl.DataFrame(
        {"id": range(rows), "text": [f"word{i}" for i in range(rows)]}, schema={"id": int, "text": str}
    )
    assert [article.id for article in dedup.near_duplicates(frame).articles] == [str(i) for i in range(rows)]


# What is not paid for


def test_plain_input_imports_no_frame_library():
    code = (
        "import sys, sklearn.base; before = {'pandas', 'polars', 'pyarrow'} & set(sys.modules);"  # it looks for pandas
        "import dedup; dedup.cluster(['Kim', 'Putin']); dedup.near_duplicates(['Kim', 'Putin']);"
        "print(sorted({'pandas', 'polars', 'pyarrow', 'tqdm', 'dedup.frames'} & set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
