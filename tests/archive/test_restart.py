"""A job that ended goes on where it was, and is taken for no other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from archived import MAX_CHARS, cluster, files_of, generated, shuffled, write
from fsspec.implementations.local import LocalFileSystem

import dedup
from dedup import _version
from dedup.archive import chains, joining, near, ordering, output, residue, runner, similarity, slices, stories

TASKS = {
    "read": (slices, "read_block"),
    "order": (ordering, "order_articles"),
    "slices": (slices, "write_slice"),
    "sample": (residue, "sample_texts"),
    "learn": (residue, "learn_group"),
    "collect": (residue, "collect_learned"),
    "sketch": (residue, "sketch_texts"),
    "band": (near, "span_band"),
    "merge": (near, "merge_two"),
    "plan": (near, "plan_verification"),
    "deal": (near, "distribute_candidates"),
    "verify": (near, "verify_part"),
    "copies": (near, "group_articles"),
    "count": (similarity, "count_slice"),
    "weigh": (similarity, "weight_slice"),
    "compare": (similarity, "compare_slice"),
    "ahead": (chains, "follow_chain"),
    "group": (chains, "make_step"),
    "episodes": (stories, "label_episodes"),
    "means": (joining, "mean_vectors"),
    "match": (joining, "match_slice"),
    "stories": (joining, "join_episodes"),
    "tell": (output, "write_stories"),
    "assign": (output, "write_assignments"),
}
ARTICLES = shuffled(generated(130, words=30, days=40, lasts=8.0))
SLICE, STEP = 25, 60


class Interrupted(Exception):
    """What ends a job here."""


@pytest.fixture(autouse=True, scope="module")
def small():
    """Few articles in a slice and in a step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_ARTICLES", SLICE)
        patch.setattr(similarity, "VOCABULARY_SLICES", 1 << 20)
        patch.setattr(stories, "STEP_ARTICLES", STEP)
        yield


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "articles.jsonl", ARTICLES)


@pytest.fixture(scope="module")
def undisturbed(small, tmp_path_factory):
    """The files of a job over those articles that nothing interrupts."""
    folder = tmp_path_factory.mktemp("undisturbed")
    manifest = cluster(write(folder / "articles.jsonl", ARTICLES), folder / "out")
    assert manifest["counts"]["stories"] < manifest["counts"]["episodes"]
    return files_of(folder / "out")


def finished_parts(work):
    """The files of each finished part, with what tells whether they were written again."""
    parts = (part for part in Path(work).glob("*/??????") if part.name.isdigit())
    files = {part: [path for path in part.rglob("*") if path.is_file()] for part in parts}
    return {part: {(str(p), p.stat().st_ino, p.stat().st_mtime_ns) for p in own} for part, own in files.items()}


def assert_nothing_twice(before, after):
    """Finished parts stay, and of their files nothing comes new; what nobody reads any more goes."""
    assert before.keys() <= after.keys()
    assert all(after[part] <= files for part, files in before.items())


def interrupt(patch, stage, number=0):
    """Make the task of a stage fail at one of its parts, with half of the part written."""
    module, name = TASKS[stage]
    task = getattr(module, name)

    def fails(job, part, folder):
        if part == number:
            for half in ("days", "left", "table"):
                (folder / f"{half}.npy").write_bytes(b"half")
            raise Interrupted(stage)
        task(job, part, folder)

    patch.setattr(module, name, fails)


def interrupted(path, out, stage="count", number=0, **parameters):
    """A job that ended in this stage."""
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, stage, number)
        with pytest.raises(Interrupted, match=stage):
            cluster(path, out, **parameters)


# Going on


def test_tasks_are_those_of_the_stages(tmp_path, path):
    """So that the tests here interrupt all of them."""
    made = set()
    work = tmp_path / "out.work"
    cluster(path, tmp_path / "out", progress=lambda *_: made.update(p.name for p in work.iterdir() if p.is_dir()))
    assert made == TASKS.keys()


def test_a_job_that_fails_in_every_stage_goes_on_and_does_nothing_twice(tmp_path, path, undisturbed):
    out, work = tmp_path / "out", tmp_path / "out.work"
    before = {}
    for stage in TASKS:
        number = 1 if stage in ("slices", "sketch", "band", "weigh", "group", "means", "match", "tell") else 0
        interrupted(path, out, stage, number)
        assert not out.exists()
        assert not (work / stage / f"{number:06}").exists()
        assert number == 0 or (work / stage / "000000").exists()
        now = finished_parts(work)
        assert_nothing_twice(before, now)
        assert len(before) < len(now) or stage == "read"
        before = now
        # What a worker that was killed leaves behind.
        junk = work / stage / f"{number:06}.0123456789abcdef.draft"
        junk.mkdir()
        for name in ("table.parquet", "texts.arrow", "days.npy", "left.npy"):
            (junk / name).write_bytes(b"half")
    texts = {p.relative_to(work).as_posix() for p in work.glob("*/??????/*.arrow")}
    assert {name.partition("/")[0] for name in texts} == {"slices"}, "the texts of articles are not kept to the end"
    assert all(name.endswith("outlines.arrow") for name in texts)
    cluster(path, out)
    assert files_of(out) == undisturbed
    assert not work.exists()


KILLED = """
import sys
from archived import cluster
from dedup.archive import similarity, slices, stories
slices.SLICE_ARTICLES, stories.STEP_ARTICLES, similarity.VOCABULARY_SLICES = int(sys.argv[3]), int(sys.argv[4]), 1 << 20
cluster(sys.argv[1], sys.argv[2])
"""


@pytest.mark.slow
def test_a_job_that_is_killed_again_and_again_goes_on(tmp_path, path, undisturbed):
    out, work = tmp_path / "out", tmp_path / "out.work"
    places = [str(Path(dedup.__file__).parents[1]), str(Path(__file__).parent)]
    command = [sys.executable, "-c", KILLED, str(path), str(out), str(SLICE), str(STEP)]
    rng, before = np.random.default_rng(), {}
    for _ in range(5):
        job = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(places)})
        goal = len(list(work.glob("*/??????"))) + rng.integers(1, 25)
        while len(list(work.glob("*/??????"))) < goal and job.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        job.send_signal(signal.SIGKILL)
        if job.wait() == 0:
            break  # it was done before it was killed
        assert job.returncode == -signal.SIGKILL
        after = finished_parts(work)
        assert_nothing_twice(before, after)
        before = after
    cluster(path, out)
    assert files_of(out) == undisturbed
    assert not work.exists()


def test_one_call_at_a_time(tmp_path, path, undisturbed):
    calls = []

    def call_again(done, total):
        if not calls:
            with pytest.raises(
                RuntimeError, match=r"another call works in .*out\.work; allowed: one at a time"
            ) as error:
                cluster(path, tmp_path / "out")
            calls.append(error)

    cluster(path, tmp_path / "out", progress=call_again)
    assert calls
    assert files_of(tmp_path / "out") == undisturbed


def test_where_there_are_no_locks_the_log_says_so(tmp_path, path, undisturbed, monkeypatch, caplog):
    def no_locks(*_):
        raise OSError("disk I/O error")

    monkeypatch.setattr(runner, "hold", no_locks)
    with caplog.at_level("WARNING", logger="dedup"):
        cluster(path, tmp_path / "out")
    assert caplog.messages == [
        f"{tmp_path / 'out.work'} has no locks (disk I/O error): see to it that no other call works in it"
    ]
    assert files_of(tmp_path / "out") == undisturbed


def test_what_a_job_left_that_was_done_goes_with_the_next_call(tmp_path, path, monkeypatch):
    out, work = tmp_path / "out", tmp_path / "out.work"
    with monkeypatch.context() as patch:
        patch.setattr(runner, "_remove_folder", lambda _: None)
        manifest = cluster(path, out)
    assert work.exists()
    assert cluster(path, out) == manifest
    assert not work.exists()
    work.mkdir()
    (work / "mine").touch()
    assert cluster(path, out) == manifest
    assert (work / "mine").exists()


def test_a_job_that_ended_before_it_was_noted_begins_again(tmp_path, path, undisturbed):
    (tmp_path / "out.work").mkdir()
    for name in ("blocks.json", "job.json.draft"):
        (tmp_path / "out.work" / name).write_text("[half")
    cluster(path, tmp_path / "out")
    assert files_of(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("name", ["pipe_file", "mv"])
def test_results_that_were_half_written_are_written_again(tmp_path, path, undisturbed, name):
    out, refuse = tmp_path / "out", getattr(LocalFileSystem, name)

    def half(system, path, *arguments, **options):
        if "part-000001" in path:
            refuse(system, path, b"half")
        if "part-000001" in path or "manifest" in path:
            raise Interrupted
        return refuse(system, path, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalFileSystem, name, half)
        with pytest.raises(Interrupted):
            cluster(path, out)
    assert not (out / "manifest.json").exists()
    (out / "manifest.json.draft").write_text('{"half')
    manifest = cluster(path, out)
    assert files_of(out) == undisturbed
    assert json.loads((out / "manifest.json").read_text()) == manifest


def test_what_progress_raises_ends_the_job_and_it_goes_on(tmp_path, path, undisturbed):
    def stops(done, total):
        raise Interrupted

    with pytest.raises(Interrupted):
        cluster(path, tmp_path / "out", progress=stops)
    calls = []
    cluster(path, tmp_path / "out", progress=lambda done, total: calls.append((done, total)))
    assert files_of(tmp_path / "out") == undisturbed
    assert calls == sorted(calls)
    assert calls[-1] == (130, 130)


# Nothing twice


def test_a_finished_job_does_nothing(tmp_path, path, monkeypatch):
    manifest = cluster(path, tmp_path / "out")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")}

    def refuses(*_):
        raise AssertionError

    monkeypatch.setattr(runner, "run_stage", refuses)
    assert cluster(path, tmp_path / "out", n_jobs=2, progress=refuses) == manifest
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")}


# Other jobs

CHANGES = {
    "story_threshold": 0.2,
    "max_gap_days": 7.0,
    "near_threshold": 0.8,
    "recall": 0.9,
    "num_perm": 100,
    "shingle_size": 4,
    "representative": "longest",
    "cut_residue": False,
    "fold": "marks",
    "timezone": "Asia/Tokyo",
    "max_chars": MAX_CHARS + 1,
}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """A job that was interrupted, and one that is finished."""
    folder = tmp_path_factory.mktemp("jobs")
    path = write(folder / "articles.jsonl", generated(10))
    interrupted(path, folder / "interrupted", "slices")
    cluster(path, folder / "finished")
    return path, folder


@pytest.mark.parametrize("state", ["interrupted", "finished"])
@pytest.mark.parametrize("name", CHANGES)
def test_another_parameter_is_another_job(jobs, state, name):
    path, folder = jobs
    before = set(folder.rglob("*"))
    with pytest.raises(ValueError, match=rf"another job.*{name} was .*, now it is {CHANGES[name]!r}; allowed"):
        cluster(path, folder / state, **{name: CHANGES[name]})
    assert set(folder.rglob("*")) == before


@pytest.mark.parametrize("state", ["interrupted", "finished"])
def test_another_version_is_another_job(jobs, state, monkeypatch):
    monkeypatch.setattr(_version, "__version__", "0.0.1")
    path, folder = jobs
    with pytest.raises(ValueError, match=r"another job.*dedup was .*, now it is '0\.0\.1'"):
        cluster(path, folder / state)


@pytest.mark.parametrize("state", ["interrupted", "finished"])
def test_other_files_are_another_job(jobs, state, tmp_path):
    path, folder = jobs
    more = write(tmp_path / "more.jsonl", [{"id": "more", "text": "more"}])
    with pytest.raises(ValueError, match=r"another job.*: '.*more\.jsonl' is new; allowed"):
        cluster([path, more], folder / state)
    with pytest.raises(ValueError, match=r"another job.*more\.jsonl' is new, '.*articles\.jsonl' is missing; allowed"):
        cluster(more, folder / state)


@pytest.mark.parametrize("stage", ["slices", None])
def test_a_file_that_changed_is_another_job(tmp_path, path, stage):
    if stage:
        interrupted(path, tmp_path / "out", stage)
    else:
        cluster(path, tmp_path / "out")
    write(path, generated(130, seed=9))
    with pytest.raises(ValueError, match=r"another job[^:]*: '[^']*articles\.jsonl' has changed; allowed: [^']*$"):
        cluster(path, tmp_path / "out")


def test_files_may_not_change_while_they_are_read(tmp_path, path, monkeypatch):
    read_block = slices.read_block

    def reads(job, number, folder):
        read_block(job, number, folder)
        with path.open("a") as file:
            file.write('{"id": "late", "text": "late"}\n')

    monkeypatch.setattr(slices, "read_block", reads)
    with pytest.raises(ValueError, match=r"paths: '.*articles\.jsonl' has changed, while they were read"):
        cluster(path, tmp_path / "out")
    monkeypatch.undo()
    assert cluster(path, tmp_path / "out")["counts"]["articles"] == len(ARTICLES) + 1


def test_the_order_of_paths_and_how_often_they_are_looked_at_do_not_matter(jobs, tmp_path, monkeypatch):
    paths = [write(tmp_path / f"{k}.jsonl", generated(5, seed=k)) for k in range(3)]
    interrupted(paths, tmp_path / "out", "slices")
    manifest = cluster(paths[::-1], tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    assert cluster("*.jsonl", "out") == cluster(["2.jsonl", "0.jsonl", "1.jsonl"], "out") == manifest


def test_parts_of_another_job_do_not_stay_among_the_results(tmp_path, path):
    out = tmp_path / "out"
    cluster(path, out)
    (out / "manifest.json").unlink()  # as if it had ended here
    (out / "assignments" / "notes.txt").write_text("mine")
    few = write(tmp_path / "few.jsonl", generated(30))
    manifest = cluster(few, out)
    for name, files in manifest["files"].items():
        assert sorted(p.relative_to(out).as_posix() for p in (out / name).glob("*.parquet")) == [
            file["name"] for file in files
        ]
    assert pq.read_table(sorted((out / "assignments").glob("*.parquet"))).num_rows == 30
    assert (out / "assignments" / "notes.txt").read_text() == "mine"
