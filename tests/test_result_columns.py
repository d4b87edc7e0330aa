"""Columns of results have the names that the table of them in the documentation gives, wherever there are rows."""

import json

import pyarrow.parquet as pq
import pytest
from test_parameter_names import PAGE

import dedup
from dedup import archive
from dedup.cli import rows

WIRE = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said in a statement"
ARTICLES = [{"id": "a", "text": WIRE}, {"id": "b", "text": f"MOSCOW - {WIRE}"}]


def table():
    """For each kind of result the columns of each kind of rows, by the table."""
    lines = PAGE.read_text(encoding="utf-8").partition("## Columns of results")[2].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    found = {}
    for names, _, *kinds in cells[2:]:
        for where, of in zip(("frames", "commands", "archive"), kinds, strict=True):
            for kind in filter(None, of.split(", ")):
                found.setdefault((where, kind), set()).update(name.strip("`") for name in names.split())
    return found


def frames():
    stories, found = dedup.cluster(ARTICLES), dedup.near_duplicates(ARTICLES)
    yield "articles", stories.to_frame(backend="pyarrow").column_names
    yield "across", dedup.near_duplicates(ARTICLES[1:], against=ARTICLES[:1]).to_frame(backend="pyarrow").column_names
    yield "removed", found.keep().to_frame(backend="pyarrow").column_names


def commands():
    yield "articles", rows.ARTICLE_COLUMNS
    yield "stories", rows.STORY_COLUMNS
    yield "episodes", rows.EPISODE_COLUMNS
    yield "pairs", rows.PAIR_COLUMNS
    yield "groups", rows.GROUP_COLUMNS
    yield "removed", rows.REMOVED_FOR_OLD_COLUMNS
    yield "across", rows.ACROSS_COLUMNS


@pytest.fixture(scope="module")
def archived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archived")
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, ARTICLES)))
    archive.cluster(folder / "a.jsonl", folder / "stories", n_jobs=1)
    archive.near_duplicates(folder / "a.jsonl", folder / "copies", n_jobs=1)
    found = {}
    for path in folder.glob("*/*/part-000000.parquet"):
        name = path.parent.name.replace("near_duplicates", "pairs")
        columns = set(pq.read_schema(path).names)
        assert found.setdefault(name, columns) == columns
    return found


def of(where):
    return {kind: columns for (place, kind), columns in table().items() if place == where}


def test_of_data_frames():
    assert of("frames") == {kind: set(columns) for kind, columns in frames()}


def test_of_the_command_line():
    assert set(rows.REMOVED_COLUMNS) < set(rows.REMOVED_FOR_OLD_COLUMNS)
    assert of("commands") == {kind: set(columns) for kind, columns in commands()}


def test_of_archives(archived):
    assert of("archive") == archived


def test_a_data_frame_gets_those_that_say_where_an_article_is():
    pandas = pytest.importorskip("pandas")
    added = dedup.cluster_frame(pandas.DataFrame(ARTICLES)).columns.difference(["id", "text"])
    assert set(added) == set(rows.ARTICLE_COLUMNS) - {"id"}
