import json
from datetime import UTC, date, datetime
from itertools import pairwise

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archived import cluster, rows_of, write
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.archive import arrow, ordering, slices

EXAMPLES = settings(deadline=None, max_examples=80)
SEEDS = st.integers(0, 2**32)
TEXT = "one two three four five six seven eight nine ten"


# Slices


def slow_slices(days, sizes, articles, characters):
    """Ranges of articles, each as long as is allowed."""
    found = []
    for i, (day, size) in enumerate(zip(days, sizes, strict=True)):
        own = found[-1] if found else None
        full = own is None or len(own) == articles or sum(sizes[k] for k in own) + size > characters
        if full or np.isnan(day) != np.isnan(days[own[0]]):
            found.append([])
        found[-1].append(i)
    return found


@EXAMPLES
@given(SEEDS, st.integers(0, 40), st.integers(1, 10), st.integers(1, 60), st.sampled_from([0.0, 0.2, 1.0]))
def test_slices_are_those_of_the_slow_twin(seed, n, articles, characters, undated):
    rng = np.random.default_rng(seed)
    days, sizes = np.sort(np.where(rng.random(n) < undated, np.nan, rng.random(n))), rng.integers(0, 20, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_ARTICLES", articles)
        patch.setattr(slices, "SLICE_CHARACTERS", characters)
        bounds = ordering.slice_bounds(days, sizes)
    assert bounds.dtype == np.int64
    found = [list(range(first, stop)) for first, stop in pairwise(bounds.tolist())]
    assert found == (slow_slices(days.tolist(), sizes.tolist(), articles, characters) or [[]])


# Tables that are read in parts


@EXAMPLES
@given(st.integers(0, 30), st.integers(1, 8), st.integers(1, 9), st.data())
def test_some_rows_are_those_of_the_table(tmp_path_factory, n, pieces, at_once, data):
    path = tmp_path_factory.mktemp("table") / "table.arrow"
    whole = pa.table({"a": np.arange(n), "b": [bytes([i]) for i in range(n)]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow, "_ROWS_AT_ONCE", at_once)
        # In however many pieces it is written.
        arrow.write_table(path, pa.concat_tables([whole.slice(i, pieces) for i in range(0, n, pieces)] or [whole]))
        assert arrow.read_table(path).equals(whole)
        assert arrow.read_table(path, ["b"]).equals(whole.select(["b"]))
        if n:
            first = data.draw(st.integers(0, n - 1))
            stop = data.draw(st.integers(first + 1, n))
            assert arrow.read_rows(path, first, stop).equals(whole.slice(first, stop - first))


# What fields hold


def clustered(tmp_path, articles, **parameters):
    cluster(articles, tmp_path / "out", **parameters)
    return rows_of(tmp_path / "out", "assignments"), rows_of(tmp_path / "out", "stories")


TIMES = [
    (pa.timestamp("ns", "UTC"), 1_700_000_000_123_456_000, datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)),
    (pa.timestamp("ms", "Asia/Tokyo"), 1_700_000_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    (pa.timestamp("s"), 1_700_000_000, datetime(2023, 11, 14, 21, 13, 20, tzinfo=UTC)),  # in the zone of the call
    (pa.int64(), 1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    (pa.float64(), 1_700_000_000.5, datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)),
    (pa.date32(), date(2023, 11, 14), datetime(2023, 11, 13, 23, tzinfo=UTC)),
    (pa.string(), "2023-11-14T22:13:20", datetime(2023, 11, 14, 21, 13, 20, tzinfo=UTC)),
    (pa.string(), "2023-11-14T22:13:20-05:00", datetime(2023, 11, 15, 3, 13, 20, tzinfo=UTC)),
    (pa.null(), None, None),
]


@pytest.mark.parametrize(("kind", "value", "expected"), TIMES)
def test_columns_of_parquet_are_read_by_their_types(tmp_path, kind, value, expected):
    columns = {"id": pa.array([7, 8]), "text": pa.array([TEXT, TEXT]).dictionary_encode(), "more": [[1], [2]]}
    columns["published"] = pa.array([value, value], kind)
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    rows, (story,) = clustered(tmp_path, tmp_path / "a.parquet", timezone="Europe/Paris")
    assert [row["id"] for row in rows] == ["7", "8"]
    assert (story["first"], story["last"], story["size"]) == (expected, expected, 2)


def test_ids_are_in_the_order_of_code_points_and_printed_without_surrogates(tmp_path):
    ids = ["b", "a", "\U0001f600", "\uffee", "\ud800", "é", "10", "9"]
    path = write(tmp_path / "a.jsonl", [{"id": name, "text": f"text of {i}"} for i, name in enumerate(ids)])
    rows, _ = clustered(tmp_path, path)
    assert [row["id"] for row in rows] == [name.replace("\ud800", "?") for name in sorted(ids)]


# What is refused

GOOD = b'{"id": "a", "text": "one two three"}\n'
BROKEN = [
    (b'{"id": "b", "text": "cut of\n', ValueError, "line 2 is no article: no JSON: Unt"),
    (b'{"id": "b", "text": "\xff"}\n', ValueError, "line 2.*byte 22 is 0xff, which is not UTF-8"),
    (b"[1]\n", ValueError, "line 2.*it is a list; allowed: one JSON object"),
    (b"[" * 100_000, ValueError, "line 2.*no JSON that can be read"),
    (b'{"text": "b"}\n', ValueError, "line 2.*field 'id' is missing; allowed: str, int, UUID"),
    (b'{"id": "b"}\n', ValueError, r"line 2 \(id 'b'\): fields 'text' and 'title' are missing"),
    (b'{"id": "b", "text": "x", "published": "yesterday"}\n', ValueError, "line 2 .*'published' is 'yesterday'"),
    (b'{"id": "b", "text": 3}\n', TypeError, r"line 2 \(id 'b'\): field 'text' is 3"),
    (b'{"id": 1.5, "text": "b"}\n', TypeError, "line 2.*field 'id' is 1.5"),
    (b'{"id": "b", "text": "", "published": "2024-01-01T10:00"}\n', ValueError, "'published' is '2024-01-01T10:00'"),
    (GOOD, ValueError, r"line 2: field 'id' is 'a', as in .*articles\.jsonl, line 1; allowed: ids that"),
]


@pytest.mark.parametrize(("line", "error", "message"), BROKEN)
def test_errors_in_a_line_name_its_place(tmp_path, line, error, message):
    path = tmp_path / "articles.jsonl"
    path.write_bytes(GOOD + line)
    with pytest.raises(error, match=f"^{path}, .*{message}"):
        cluster([path, write(tmp_path / "good.jsonl", [{"id": 1, "text": TEXT}])], tmp_path / "out")


def test_errors_in_a_row_name_its_place(tmp_path):
    table = pa.table({"id": ["a", "b", None, "d"], "text": [TEXT] * 4})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    with pytest.raises(ValueError, match=r"a\.parquet, row 3: field 'id' is missing"):
        cluster(tmp_path / "a.parquet", tmp_path / "out")


def test_an_id_that_is_in_two_files_is_named(tmp_path):
    paths = [write(tmp_path / f"{k}.jsonl", [{"id": f"é{i}", "text": TEXT} for i in (k, k + 1)]) for k in (1, 2)]
    with pytest.raises(ValueError, match="2 articles have the id 'é2'; allowed: ids that occur once"):
        cluster(paths, tmp_path / "out")


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no such thing " * 9)
    with pytest.raises(ValueError, match=r"a\.parquet"):
        cluster(tmp_path / "a.parquet", tmp_path / "out")


@pytest.mark.parametrize(
    ("paths", "error", "message"),
    [
        ([], ValueError, "paths is empty"),
        ("none.jsonl", FileNotFoundError, r"none\.jsonl' is no file"),
        ("none-*.jsonl", FileNotFoundError, r"none-\*\.jsonl' is no file"),
        ("", FileNotFoundError, "is no file"),
        ("notes.txt", ValueError, r"notes\.txt' is of no such kind; allowed: \.parquet, \.jsonl"),
        (["articles.jsonl", "art*.jsonl"], ValueError, r"articles\.jsonl' is there twice"),
    ],
)
def test_paths_that_cannot_be_read_are_named(tmp_path, monkeypatch, paths, error, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "articles.jsonl", [{"id": 1, "text": TEXT}])
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(error, match=message):
        cluster(paths, "out")
    assert not (tmp_path / "out").exists()


# Few articles or none


@pytest.mark.parametrize("data", [b"", b"\n \n", None])
@pytest.mark.parametrize("cut_residue", [True, False])
def test_no_articles_are_no_stories(tmp_path, data, cut_residue):
    path = tmp_path / "a.jsonl"
    if data is None:
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}), path)
    else:
        path.write_bytes(data)
    manifest = cluster(path, tmp_path / "out", cut_residue=cut_residue)
    assert set(manifest["counts"].values()) <= {0, 1}
    assert (manifest["counts"]["articles"], manifest["counts"]["stories"]) == (0, 0)
    for name in ("assignments", "stories", "near_duplicates"):
        assert manifest["files"][name][0]["rows"] == 0
        assert len(pq.read_schema(tmp_path / "out" / manifest["files"][name][0]["name"])) > 3


def test_one_article_is_a_story(tmp_path):
    ((row,), (story,)) = clustered(tmp_path, write(tmp_path / "a.jsonl", [{"id": 1, "text": TEXT}]))
    numbers = {"near_duplicate_group": 0, "is_representative": True, "membership": 1.0}
    assert row == {"id": "1", "story_id": "1", "episode_id": "1"} | numbers
    assert (story["story_id"], story["representative"], story["size"], story["first"]) == ("1", "1", 1, None)


# Where things are


def test_paths_and_results_may_be_urls(tmp_path):
    files = fsspec.filesystem("memory")
    for k in range(2):
        rows = "".join(json.dumps({"id": f"{k}{i}", "text": TEXT}) + "\n" for i in range(3))
        files.pipe_file(f"/archive-in/{k}.jsonl", rows.encode())
    manifest = cluster("memory://archive-in/*.jsonl", "memory://archive-out", work=tmp_path / "work")
    assert list(manifest["inputs"]) == [f"memory:///archive-in/{k}.jsonl" for k in range(2)]
    assert json.loads(files.cat_file("/archive-out/manifest.json")) == manifest
    with files.open("/archive-out/assignments/part-000000.parquet") as file:
        assert pq.read_table(file).num_rows == 6
    assert sorted(path.rpartition("/")[2] for path in files.find("/archive-out")) == [
        "manifest.json",
        *["part-000000.parquet"] * 5,
    ]
    assert not (tmp_path / "work").exists()


def test_the_work_needs_a_folder_when_the_results_are_elsewhere(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"id": 1, "text": TEXT}])
    with pytest.raises(ValueError, match="work is None; allowed when out is 'memory://nowhere'"):
        cluster(path, "memory://nowhere")


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_work_is_beside_the_results_and_goes_away(tmp_path, ending):
    path, seen = write(tmp_path / "a.jsonl", [{"id": 1, "text": TEXT}]), set()
    cluster(path, f"{tmp_path}/out{ending}", progress=lambda *_: seen.update(p.name for p in tmp_path.iterdir()))
    assert seen == {"a.jsonl", "out.work"} | ({"out"} & seen)
    assert {p.name for p in tmp_path.iterdir()} == {"a.jsonl", "out"}


def test_what_is_not_ours_in_the_folder_of_work_is_left_alone(tmp_path):
    path = write(tmp_path / "a.jsonl", [{"id": 1, "text": TEXT}])
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("thesis")
    with pytest.raises(ValueError, match=r"work is not empty, and has no job; allowed: an empty or new folder"):
        cluster(path, tmp_path / "out", work=tmp_path / "work")
    assert (tmp_path / "work" / "thesis.tex").read_text() == "thesis"
