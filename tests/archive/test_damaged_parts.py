"""Parts of a job that are not what was written are made again, or the error names the file and a remedy."""

import json
import random

import pytest
from archived import cluster, files_of, generated, write
from test_restart import interrupted

import dedup
from dedup.archive import runner
from dedup.archive.checksums import CHECKSUMS, damaged_files

ARTICLES = generated(40, words=20, days=10, lasts=4.0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    cluster(write(folder / "articles.jsonl", ARTICLES), folder / "out")
    return files_of(folder / "out")


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "articles.jsonl", ARTICLES)


def spoil(path, chance):
    """Another byte, or less of the file."""
    data = bytearray(path.read_bytes())
    if chance.random() < 0.5:
        data[chance.randrange(len(data))] ^= 1 + chance.randrange(255)
    else:
        del data[chance.randrange(len(data)) :]
    path.write_bytes(data)


def test_whatever_part_is_damaged_it_is_made_again_or_the_error_says_what_to_do(tmp_path, path, undisturbed, caplog):
    """An interrupted job with any one of its files damaged."""
    interrupted(path, tmp_path / "first", "count")
    work, seed = tmp_path / "first.work", random.SystemRandom().randrange(2**32)
    names = sorted(p.relative_to(work).as_posix() for p in work.glob("*/??????/*") if p.stat().st_size)
    chance, made, refused = random.Random(seed), 0, 0
    for name in [*chance.sample(names, 5), "sketch/000000/texts.arrow", f"sketch/000000/{CHECKSUMS}"]:
        out = tmp_path / f"out-{made + refused}"
        interrupted(path, out, "count")
        spoil(tmp_path / f"{out.name}.work" / name, chance)
        try:
            cluster(path, out)
            assert files_of(out) == undisturbed, (seed, name)
            made += 1
        except OSError as error:
            told, refused = str(error), refused + 1
        else:
            continue
        assert name.rpartition("/")[0] in told, (seed, name, told)
        assert "allowed: to delete" in told, (seed, name, told)
    assert made + refused == 7
    assert any("is damaged: the part is made again" in message for message in caplog.messages)


def test_a_part_that_is_damaged_while_the_job_runs_is_made_again(tmp_path, path, undisturbed, monkeypatch):
    publish, calls = runner._publish, []

    def damages(job, *others):
        if not calls:
            (table,) = (tmp_path / "out.work" / "assign").glob("*/table.parquet")
            spoil(table, random.Random(0))
            calls.append(table)
        return publish(job, *others)

    monkeypatch.setattr(runner, "_publish", damages)
    cluster(path, tmp_path / "out")
    assert calls
    assert files_of(tmp_path / "out") == undisturbed


def test_files_that_no_stage_reads_any_more_are_not_damaged(tmp_path, path):
    interrupted(path, tmp_path / "out", "assign")
    parts = [part for part in (tmp_path / "out.work").glob("*/??????") if part.is_dir()]
    assert parts
    assert not any(map(damaged_files, parts))


def test_descriptions_that_are_damaged_are_named(tmp_path, path):
    interrupted(path, tmp_path / "out", "count")
    for data in (b"\xff\xfe", b'{"half', b"[[1]]"):
        (tmp_path / "out.work" / "job.json").write_bytes(data)
        with pytest.raises(
            OSError, match=r"job\.json is damaged: .*; allowed: to delete .*out\.work, and to call again"
        ):
            cluster(path, tmp_path / "out")
    cluster(path, tmp_path / "other")
    manifest = tmp_path / "other" / "manifest.json"
    whole = json.loads(manifest.read_text("utf-8"))
    for work in (lambda: cluster(path, tmp_path / "other"), lambda: dedup.archive.read(tmp_path / "other")):
        manifest.write_bytes(b"\xff")
        with pytest.raises(
            OSError, match=r"manifest\.json is damaged: .*; allowed: to delete .*other, and to call again"
        ):
            work()
    manifest.write_text(json.dumps(whole), "utf-8")
    assert cluster(path, tmp_path / "other") == whole
