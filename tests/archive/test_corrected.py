"""A call that was refused is not in the way of the one that corrects it, and what changed is said in one line."""

import gzip
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archived import cluster, files_of, generated, write
from test_restart import Interrupted, interrupt, interrupted

from dedup import archive, disk
from dedup.archive import descriptions, job, stages
from dedup.archive.parts import Order
from dedup.inputs import blocks
from dedup.parameters import NearSettings, StorySettings

ARTICLES = generated(30, words=20)
BAD = {"id": "bad", "text": 5}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    cluster(write(folder / "a.jsonl", ARTICLES), folder / "out")
    return tables(folder / "out")


def tables(out):
    """The files of results but for the manifest, which names the files of the articles."""
    return {name: data for name, data in files_of(out).items() if name != "manifest.json"}


# A call that is refused


@pytest.mark.parametrize("how", ["the row", "errors", "the column", "the id"])
def test_a_call_that_is_refused_leaves_nothing(tmp_path, undisturbed, how):
    path, out = tmp_path / "a.jsonl", tmp_path / "out"
    wrong = {"text": "body"} if how == "the column" else {}
    write(path, {"the column": ARTICLES, "the id": [*ARTICLES, ARTICLES[0]]}.get(how, [*ARTICLES, BAD]))
    with pytest.raises((TypeError, ValueError)):
        cluster(path, out, **wrong)
    assert sorted(tmp_path.iterdir()) == [path]
    right = {"errors": "skip"} if how == "errors" else {}
    if not right:
        write(path, ARTICLES)
    cluster(path, out, **right)
    expected = {name: data for name, data in undisturbed.items() if "refusals" not in name}
    assert expected.items() <= tables(out).items()


def test_a_folder_of_the_users_own_is_left_empty(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "notes.txt").write_text("mine")
    path = write(tmp_path / "a.jsonl", [*ARTICLES, BAD])
    with pytest.raises(ValueError, match="is not empty, and has no job"):
        cluster(path, tmp_path / "out", work=work)
    assert [p.name for p in work.iterdir()] == ["notes.txt"]


def test_a_file_that_cannot_be_unpacked_is_replaced(tmp_path, undisturbed, caplog):
    path, data = tmp_path / "a.jsonl.gz", "".join(json.dumps(a) + "\n" for a in ARTICLES).encode()
    path.write_bytes(gzip.compress(data)[:-20])
    with pytest.raises(OSError, match="cannot be unpacked"):
        cluster(path, tmp_path / "out")
    path.write_bytes(gzip.compress(data))
    cluster(path, tmp_path / "out")
    assert caplog.messages == [f"{tmp_path / 'out.work'}: the articles are read anew, since {str(path)!r} has changed"]
    assert tables(tmp_path / "out") == undisturbed


def test_until_articles_are_in_order_another_call_begins_anew(tmp_path, undisturbed, caplog):
    path = write(tmp_path / "a.jsonl", ARTICLES)
    interrupted(path, tmp_path / "out", "order", recall=0.9, source="url")
    assert (tmp_path / "out.work" / "read" / "000000").exists()
    cluster(path, tmp_path / "out")
    changed = "recall was 0.9, now it is 0.95; source was 'url', now it is not named"
    assert caplog.messages == [f"{tmp_path / 'out.work'}: the articles are read anew, since {changed}"]
    assert tables(tmp_path / "out") == undisturbed


def test_a_symlinked_folder_works_and_stays(tmp_path, undisturbed):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    path = write(tmp_path / "a.jsonl", [*ARTICLES, BAD])
    with pytest.raises(TypeError):
        cluster(path, tmp_path / "out", work=tmp_path / "link")
    cluster(write(path, ARTICLES), tmp_path / "out", work=tmp_path / "link")
    assert tables(tmp_path / "out") == undisturbed
    assert (tmp_path / "link").is_symlink()
    assert list((tmp_path / "disk").iterdir()) == []


# What is said


def test_of_many_changes_some_are_named(tmp_path):
    paths = [write(tmp_path / f"{k}.jsonl", ARTICLES[k::9]) for k in range(9)]
    cluster(paths, tmp_path / "out")
    for path in paths[1:]:
        path.write_text(path.read_text() + "\n")
    with pytest.raises(ValueError, match="another job") as error:
        cluster(paths, tmp_path / "out")
    told = str(error.value)
    assert f"{str(paths[1])!r} has changed, " in told
    assert "has changed and 5 files more; allowed: an empty or new folder" in told
    assert len(told) < 150 + 4 * len(str(paths[0]))
    settings = {"recall": 0.5, "num_perm": 99, "shingle_size": 4, "max_chars": 10, "fold": "marks", "match_urls": False}
    with pytest.raises(ValueError, match=r"shingle_size was 5, now it is 4; and 1 more; allowed"):
        cluster(paths[:1], tmp_path / "out", **{k: v for k, v in settings.items() if k != "match_urls"})


def test_the_manifest_is_for_people_too(tmp_path):
    path = write(tmp_path / "Überblick.jsonl", ARTICLES)
    manifest = cluster(path, tmp_path / "out")
    text = (tmp_path / "out" / "manifest.json").read_text("utf-8")
    assert '\n  "counts": {\n    "articles": 30,\n' in text
    assert "Überblick.jsonl" in text
    assert json.loads(text) == manifest


@pytest.mark.parametrize("kind", ["timestamp", "date32"])
@pytest.mark.parametrize("errors", ["raise", "skip", "undated"])
def test_a_time_that_python_does_not_have_names_its_row(tmp_path, kind, errors):
    types = {"timestamp": pa.timestamp("us", "UTC"), "date32": pa.date32()}
    days = pa.array([0, 10**7 if kind == "date32" else 2**60, 1], types[kind])
    pq.write_table(
        pa.table({"id": ["a", "b", "c"], "text": ["x", "y", "z"], "published": days}), tmp_path / "a.parquet"
    )
    if errors == "raise":
        message = rf"a\.parquet, row 2 \(id 'b'\): field 'published' is '{kind}.* {days[1].value}'; allowed"
        with pytest.raises(ValueError, match=message):
            cluster(tmp_path / "a.parquet", tmp_path / "out")
        return
    counts = cluster(tmp_path / "a.parquet", tmp_path / "out", errors=errors)["counts"]
    assert (counts["refused_articles"], counts["refused_dates"]) == ((1, 0) if errors == "skip" else (0, 1))


def test_nanoseconds_are_cut(tmp_path):
    times = pa.array([1_500_000_000_123_456_789], pa.timestamp("ns", "UTC"))
    pq.write_table(pa.table({"id": ["a"], "text": ["x"], "published": times}), tmp_path / "a.parquet")
    cluster(tmp_path / "a.parquet", tmp_path / "out")
    ((story),) = pq.read_table(tmp_path / "out" / "stories").to_pylist()
    assert story["first"].microsecond == 123_456


# How far it is


def test_the_status_tells_how_far_a_job_is(tmp_path):
    path, out = write(tmp_path / "a.jsonl", ARTICLES), tmp_path / "out"
    assert archive.status(out) == archive.JobStatus("none")
    seen = []

    def look(*_):
        seen.append(archive.status(out))

    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, "count")
        with pytest.raises(Interrupted):
            cluster(path, out, progress=look)
    stopped = archive.status(out)
    assert (stopped.state, stopped.stage, stopped.parts_made, stopped.parts) == ("interrupted", "count", 1, 2)
    assert stopped.seconds_left is None
    assert [status.state for status in seen] == ["running"] * len(seen)
    shares = [status.share for status in seen]
    assert 0.1 < shares[0] < shares[-1] < stopped.share + 1e-9 < 1
    assert shares == sorted(shares)
    assert all(status.seconds_left > 0 for status in seen)
    manifest = archive.resume(out, n_jobs=1)
    assert archive.status(out) == archive.JobStatus("done", "cluster", share=1.0, counts=manifest["counts"])
    assert archive.resume(out) == manifest


def test_the_rest_takes_as_long_as_the_work_of_this_call(tmp_path, monkeypatch):
    """Not of the calls before it, nor of the time between them."""
    own = job.Job(str(tmp_path), StorySettings(NearSettings(), 0.1, False, 1), "central", None)
    monkeypatch.setattr(stages.time, "time", lambda: 1000.0)
    for share, expected in ((0.7, 300.0), (0.42, None), (1.0, 0.0)):
        (tmp_path / "call.json").write_text(json.dumps({"began": 900.0, "share": 0.4}))
        left = stages.seconds_left(own, share)
        assert left == (None if expected is None else pytest.approx(expected / 3))
    (tmp_path / "call.json").write_text("{")
    assert stages.seconds_left(own, 0.7) is None


def test_resuming_takes_the_parameters_of_the_first_call(tmp_path):
    path = write(tmp_path / "a.jsonl", ARTICLES)
    how = {"recall": 0.9, "errors": "skip", "text": "text", "timezone": "Asia/Tokyo"}
    interrupted(path, tmp_path / "out", "count", work=tmp_path / "work", **how)
    with pytest.raises(ValueError, match=r"out\.work has no job to go on with; allowed: the out"):
        archive.resume(tmp_path / "out")
    manifest = archive.resume(tmp_path / "out", work=tmp_path / "work", n_jobs=1)
    assert manifest == cluster(path, tmp_path / "other", **how)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("keeping", [None, job.Keeping("longest", "group", 2.5)])
def test_a_description_tells_all_of_a_job(keeping):
    of_copies = keeping is not None
    near = NearSettings(0.8, 0.9, 64, 4, compare_numbers=of_copies, fold="marks")
    settings = StorySettings(near, 0.2, True, 99, 7.0, match_urls=True)
    if of_copies:
        settings = StorySettings(near, 0.12, True, 99, match_urls=False)
    rule = "central" if of_copies else "longest"
    own = job.Job("/work", settings, rule, "Asia/Tokyo", job.Reading("skip", "last", {"text": "body"}), keeping)
    told = json.loads(descriptions.readable_json(descriptions.describe(own, {"a": "1"})))
    assert descriptions.described_job(told, "/work") == own
    del told["parameters"]["fold"]
    with pytest.raises(ValueError, match=r"/work has the job of another version \('fold'\); allowed: "):
        descriptions.described_job(told, "/work")


def test_whether_a_lock_is_held_is_seen_and_it_stays_held(tmp_path):
    lock = tmp_path / "job.lock"
    code = "import sys; from dedup import disk; print(disk.hold(sys.argv[1]) is None)"

    def is_held_for_others():
        command = [sys.executable, "-c", code, str(lock)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "True\n"

    assert not disk.is_held(lock)
    held = disk.hold(lock)
    assert disk.is_held(lock)
    assert is_held_for_others()
    held.close()
    assert not disk.is_held(lock)
    assert not is_held_for_others()


def test_the_shares_of_the_work_end_at_one(tmp_path):
    """With every stage done, and with packed files."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(a) + "\n" for a in ARTICLES).encode()))
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dedup.archive.runner._publish", lambda own, *_: seen.append(stages.Pace(own).extent()) or {})
        cluster(path, tmp_path / "out")
    assert seen == [stages.Extent("", 0, 0, 1.0)]
    assert Order.stage == "order"


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_every_row_is_placed_in_its_line(tmp_path, monkeypatch, size, ending):
    rng, path = np.random.default_rng(size), tmp_path / "a.jsonl"
    lines = [
        b"" if rng.random() < 0.3 else json.dumps({"id": i, "text": "x" * int(rng.integers(20))}).encode()
        for i in range(40)
    ]
    path.write_bytes(ending.join(lines))
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", size)
    monkeypatch.setattr(blocks, "_READ_AT_ONCE", 3)
    columns, placed = blocks.Columns({}), []
    for block in blocks.blocks_of(str(path)):
        rows = list(blocks.rows_of_block(block, columns))
        placed += [blocks.place_of(block, k + 1) for k in range(len(rows))]
    assert placed == [f"{path}, line {k}" for k, line in enumerate(lines, start=1) if line]
