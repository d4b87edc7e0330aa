"""What an archive refuses and leaves out is what the batch does, whatever its files are and how they are packed."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archived import cluster, files_of, generated, rows_of, shuffled
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import StoryIndex, archive
from dedup.archive import slices
from dedup.inputs import blocks
from dedup.wording import printable

FIELDS = ("position", "id", "field", "value", "reason")
GOOD = [{"id": f"g{i}", "text": f"Report number {i} of the flood in the valley of {'abc'[i % 3]}"} for i in range(6)]
BAD = [
    {"id": "no text"},
    {"id": "t", "text": 5},
    {"id": "h", "text": "x", "headline": ["no", "title"]},
    {"id": 1.5, "text": "x"},
    {"id": "\ud800", "text": 1},
    {"id": "d", "text": "x", "published": "soon"},
    {"id": "z", "text": "x", "published": "2024-01-01T10:00"},
    {"id": "s", "text": "x", "source": 5},
    {"id": "u", "text": "x", "url": {}},
]
PACKERS = {".gz": gzip.compress, ".zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True)}


def written(folder, articles, parts):
    """JSONL files of the articles, one behind the other."""
    paths = []
    for k, some in enumerate(np.array_split(np.arange(len(articles)), parts)):
        paths.append(folder / f"{k}.jsonl")
        paths[-1].write_text("".join(json.dumps(articles[i]) + "\n" for i in some), "utf-8")
    return paths


def refusals_of(out):
    return [tuple(row[name] for name in FIELDS) for row in rows_of(out, "refusals")]


def of_batch(refusals):
    values = ([getattr(refusal, name) for name in FIELDS] for refusal in refusals)
    return [tuple(printable(value) if isinstance(value, str) else value for value in row) for row in values]


def assert_as_in_the_batch(out, articles, **how):
    stories = dedup.cluster(articles, max_chars=3000, **how)
    assert refusals_of(out) == of_batch(stories.refusals)
    ids = [printable(story.id) for story in stories]
    expected = {printable(a.id): ids[label] for a, label in zip(stories.articles, stories.labels, strict=True)}
    assert {row["id"]: row["story_id"] for row in rows_of(out, "assignments")} == expected


ITEMS = st.lists(
    st.one_of(
        st.sampled_from(GOOD),  # of which ids repeat
        st.sampled_from(GOOD).map(lambda article: article | {"published": "2024-01-01"}),
        st.sampled_from(BAD),
    ),
    max_size=14,
)


@pytest.mark.parametrize("duplicates", [None, "first", "last"])
def test_of_the_articles_of_an_id_in_several_files_one_stays(tmp_path, small_slices, monkeypatch, duplicates):
    small_slices(2)
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 200)
    days = [5, 3, 9, 1, 7, 2, 8, 4, 6]
    articles = [
        GOOD[k] | {"published": f"2024-01-0{day}", "text": f"{GOOD[k]['text']}, day {day}"}
        for k, day in zip([0, 1, 0, 2, 0, 1, 3, 0, 3], days, strict=True)
    ]
    how = {"errors": "skip", "duplicates": duplicates}
    cluster(written(tmp_path, articles, 2), tmp_path / "out", **how)
    assert_as_in_the_batch(tmp_path / "out", articles, **how)
    stayed = {article.id: article for article in dedup.cluster(articles, **how).articles}
    assert {article.id: article for article in archive.read(tmp_path / "out").articles} == stayed


@settings(deadline=None, max_examples=12)
@given(ITEMS, st.sampled_from([None, "first", "last"]), st.integers(1, 3), st.integers(40, 400), st.integers(1, 5))
def test_bad_and_repeated_articles_are_left_out_as_in_the_batch(
    tmp_path_factory, articles, duplicates, parts, block, size
):
    folder = tmp_path_factory.mktemp("refusals")
    how = {"errors": "skip", "duplicates": duplicates}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_BLOCK_BYTES", block)
        patch.setattr(slices, "SLICE_ARTICLES", size)
        manifest = cluster(written(folder, articles, parts), folder / "out", **how)
    assert_as_in_the_batch(folder / "out", articles, **how)
    assert manifest["counts"]["refused_articles"] == len(refusals_of(folder / "out"))
    assert manifest["reading"] == how | {"columns": {}}
    # The service that goes on with it has the articles that stayed.
    with StoryIndex.from_stories(":memory:", archive.read(folder / "out")) as index:
        stored = {printable(a.id): a.published for story in index.stories() for a in story.articles}
    stayed = dedup.cluster(articles, **how).articles
    assert stored == {printable(article.id): article.published for article in stayed}


def test_a_date_that_is_none_is_listed_and_its_article_stays(tmp_path):
    articles = [*GOOD[:2], BAD[5], BAD[6], GOOD[2]]
    manifest = cluster(written(tmp_path, articles, 2), tmp_path / "out", errors="undated")
    assert_as_in_the_batch(tmp_path / "out", articles, errors="undated")
    counts = manifest["counts"]
    assert (counts["articles"], counts["refused_articles"], counts["refused_dates"]) == (5, 0, 2)
    assert {a.id for a in archive.read(tmp_path / "out").articles} == {"g0", "g1", "d", "z", "g2"}
    with pytest.raises(TypeError, match=r"1\.jsonl, line 1 \(id 't'\): field 'text' is 5"):
        cluster(written(tmp_path, [GOOD[0], BAD[1]], 2), tmp_path / "again", errors="undated")


def test_lines_that_are_no_articles_are_listed_by_file_and_row(tmp_path):
    for k in range(2):
        lines = [json.dumps(GOOD[k]).encode(), b'{"id": ', b"[1]", b"", b'{"id": "\xff"}', json.dumps(BAD[0]).encode()]
        (tmp_path / f"{k}.jsonl").write_bytes(b"\n".join(lines))
    manifest = cluster(tmp_path / "*.jsonl", tmp_path / "out", errors="skip")
    rows = rows_of(tmp_path / "out", "refusals")
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 6, 7, 8, 9]
    assert [row["row"] for row in rows] == [1, 2, 3, 4] * 2
    assert [row["file"] for row in rows] == [str(tmp_path / f"{k}.jsonl") for k in (0, 0, 0, 0, 1, 1, 1, 1)]
    assert [row["id"] for row in rows] == [None, None, None, "no text"] * 2
    assert rows[5]["reason"].startswith("article 7 is no article: it is a list; allowed: one JSON object a line")
    assert manifest["counts"]["articles"] == 2


def test_other_ways_to_read_are_another_job(tmp_path):
    paths = written(tmp_path, GOOD, 1)
    cluster(paths, tmp_path / "out")
    assert cluster(paths, tmp_path / "out")["reading"] == {"errors": "raise", "duplicates": None, "columns": {}}
    for how in ({"errors": "skip"}, {"duplicates": "last"}, {"title": "text"}):
        with pytest.raises(ValueError, match=f"another job: {next(iter(how))} was "):
            cluster(paths, tmp_path / "out", **how)


# Columns


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_columns_are_named_as_in_a_frame(tmp_path, suffix):
    rows = [
        {"key": i, "story": row["text"], "headline": "no title", "text": "no text", "day": f"2024-01-0{i + 1}"}
        for i, row in enumerate(GOOD)
    ]
    path, names = tmp_path / f"a{suffix}", {"id": "key", "text": "story", "title": None, "published": "day"}
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    cluster(path, tmp_path / "out", **names)
    expected = dedup.cluster(
        [{"id": i, **row, "published": f"2024-01-0{i + 1}"} | {"id": i} for i, row in enumerate(GOOD)]
    )
    found = archive.read(tmp_path / "out").articles
    assert tuple(found) == expected.articles
    labels = {row["id"]: row["story_id"] for row in rows_of(tmp_path / "out", "assignments")}
    assert labels == {str(i): expected[label].id for i, label in enumerate(expected.labels)}


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_usual_columns_are_known(tmp_path, suffix):
    rows = [{"guid": f"g{i}", "Headline": f"Title {i}", "description": row["text"]} for i, row in enumerate(GOOD)]
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    cluster(path, tmp_path / "out")
    assert tuple(archive.read(tmp_path / "out").articles) == dedup.cluster(rows).articles


def test_a_column_that_no_article_has_is_refused(tmp_path):
    paths = written(tmp_path, [GOOD[0] | {"by": "x"}, *GOOD[1:]], 2)
    cluster(paths, tmp_path / "out", source="by")
    with pytest.raises(ValueError, match="url is 'link', which no article has; allowed: a column"):
        cluster(paths, tmp_path / "again", url="link")
    with pytest.raises(ValueError, match="text and title are None"):
        cluster(paths, tmp_path / "again", text=None, title=None)
    with pytest.raises(TypeError, match="title is 5; allowed: a column's name"):
        cluster(paths, tmp_path / "again", title=5)


# Packed files


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_file_is_read_as_it_would_be_unpacked(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 3000)  # so that a file is several blocks
    articles = shuffled(generated(60, seed=2))
    for name in ("plain", "packed"):
        (tmp_path / name).mkdir()
    for path in written(tmp_path / "plain", articles, 2):
        (tmp_path / "packed" / f"{path.name}{suffix}").write_bytes(PACKERS[suffix](path.read_bytes()))
    cluster(tmp_path / "plain" / "*", tmp_path / "plain out")
    seen = set()
    cluster(
        tmp_path / "packed" / "*",
        tmp_path / "packed out",
        progress=lambda *_: seen.update((tmp_path / "packed out.work").glob("unpack/*/*.jsonl")),
    )
    assert files_of(tmp_path / "packed out") == files_of(tmp_path / "plain out")
    assert seen == set(), "what was unpacked stays behind"
    with StoryIndex.from_stories(":memory:", archive.read(tmp_path / "packed out")) as index:
        assert len(index) == 60


@pytest.mark.parametrize("suffix", PACKERS)
def test_refusals_of_packed_files_name_the_file(tmp_path, suffix):
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(PACKERS[suffix](b"\n".join(json.dumps(row).encode() for row in [GOOD[0], BAD[1]])))
    with pytest.raises(TypeError, match=rf"{path}, line 2 \(id 't'\): field 'text'"):
        cluster(path, tmp_path / "out")
    cluster(path, tmp_path / "other", errors="skip")
    ((row),) = rows_of(tmp_path / "other", "refusals")
    assert (row["file"], row["row"]) == (str(path), 1)


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("cut", [2, -3])
def test_a_broken_packed_file_is_named(tmp_path, suffix, cut):
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(PACKERS[suffix](b"\n".join(json.dumps(row).encode() for row in GOOD))[:cut])
    with pytest.raises(OSError, match=rf"{path}: cannot be unpacked: "):
        cluster(path, tmp_path / "out")
