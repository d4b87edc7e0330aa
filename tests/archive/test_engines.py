"""The same job on loky, Ray and Dask, with a worker killed in the middle of each, has the same files."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree

import pytest
from archived import generated, spread

import dedup
from dedup import archive
from dedup.archive import slices

ROOT = Path(dedup.__file__).parents[1]
NEEDED = {"loky": "joblib", "ray": "ray", "dask": "distributed"}
ARTICLES, SLICE = 1800, 150


class Interrupted(Exception):
    """What ends a job here."""


def stop(done, total):
    raise Interrupted


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder with articles, a job that was begun, in slices so small that workers have many, and one that is done.

    Tasks in other processes do not see what is patched here, but go on with the slices that are there.
    """
    folder = tmp_path_factory.mktemp("engines")
    paths = spread(folder / "in", generated(ARTICLES, words=25, days=30), [".parquet"] * 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_ARTICLES", SLICE)
        with pytest.raises(Interrupted):
            archive.cluster(paths, folder / "begun", n_jobs=1, progress=stop)
    copytree(folder / "begun.work", folder / "done.work")
    manifest = archive.cluster(paths, folder / "done", n_jobs=1)
    assert manifest["counts"]["slices"] > 10
    return folder


@pytest.mark.parametrize("engine", NEEDED)
@pytest.mark.slow
def test_a_killed_worker_of_any_engine_changes_no_byte(begun, engine):
    if find_spec(NEEDED[engine]) is None:
        pytest.skip(f'needs {NEEDED[engine]}: pip install "dedup-stories[{engine}]"')
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc, to find the workers of an engine")
    out = begun / engine
    copytree(begun / "begun.work", begun / f"{engine}.work")
    arguments = json.dumps([engine, str(begun / "in"), str(out), 2, "sketch"])  # workers, and the stage of the kill
    job = subprocess.run(
        [sys.executable, "-m", "benchmarks.harness", "benchmarks.archive.engines", "run_once", arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert job.returncode == 0, job.stderr
    run = json.loads(job.stdout.strip().splitlines()[-1])
    assert run["killed"]["of"] == 2
    assert run["killed"]["parts_finished"] > 0
    if engine != "dask":  # Dask replaces a worker and repeats its tasks silently
        assert run["losses"]
    assert {path.name for path in out.iterdir()} == {
        "assignments",
        "refusals",
        "stories",
        "episodes",
        "near_duplicates",
        "manifest.json",
    }
    expected = {path.relative_to(begun / "done"): path.read_bytes() for path in (begun / "done").rglob("*.*")}
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*.*")} == expected
