"""The stages of an archive's job, one after the other."""

import json
import logging
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow.parquet as pq
from joblib import Parallel

import dedup
from dedup.archive import near as copies
from dedup.archive import output as telling
from dedup.archive import residue as cleaning
from dedup.archive import similarity as reports
from dedup.archive import slices as intake
from dedup.archive import stories as grouping
from dedup.archive.inputs import blocks_of, find_inputs
from dedup.archive.job import Job, Task, differences, run_stage
from dedup.archive.results import FORMAT, MANIFEST, checksum
from dedup.lock import hold
from dedup.progress import Progress, split_progress, track

_log = logging.getLogger(__name__)

_LOCK = "job.lock"
_TABLES = {"assignments": "assign", "stories": "tell", "near_duplicates": "verify"}


class Stage(NamedTuple):
    """A stage of the job.

    Attributes
    ----------
    name : str
    task : callable
    numbers : callable
        The numbers of its parts, once the stages before are done.
    share : float
        Of the time.
    spent : tuple of str
        Files of earlier stages that nobody reads once this one is done.
    """

    name: str
    task: Task
    numbers: Callable[[Job], Iterable[int]]
    share: float = 0.005
    spent: tuple[str, ...] = ()


def run(
    paths: str | Path | Sequence[str | Path],
    out: str,
    work: str | None,
    job: Job,
    n_jobs: int | None,
    progress: Progress,
) -> dict[str, Any]:
    """Do the whole job, or what is left of it; see `dedup.archive.cluster`."""
    description = _about(job) | {"inputs": find_inputs(paths)}
    system, folder = fsspec.core.url_to_fs(out)
    done = system.exists(f"{folder}/{MANIFEST}")
    if done:
        manifest = _finished(json.loads(system.cat_file(f"{folder}/{MANIFEST}")), description, out)
    elif work is None and "://" in out:
        raise ValueError(f"work is None; allowed when out is {out!r}: a folder on a file system of all workers")
    job = job._replace(folder=os.path.abspath(work or f"{out.rstrip('/')}.work"))
    if not done:
        with _claimed(Path(job.folder), description):
            _do(job, paths, description["inputs"], n_jobs, progress)
            manifest = _publish(job, description, system, folder)
    if _begun(Path(job.folder)) == description:
        shutil.rmtree(job.folder)
    return manifest


def _do(
    job: Job,
    paths: str | Path | Sequence[str | Path],
    inputs: dict[str, str],
    n_jobs: int | None,
    progress: Progress,
) -> None:
    """All stages, from the first part that is not there."""
    blocks = json.loads((Path(job.folder) / "blocks.json").read_text("utf-8"))
    with Parallel(n_jobs=n_jobs) as workers:  # the same for all stages: Ray takes seconds to start some
        run_stage(job, intake.read_block, "read", range(len(blocks)), workers)
        if differences(inputs, find_inputs(paths)):
            raise ValueError(f"paths: the files changed while they were read; delete {job.folder} and call again")
        run_stage(job, intake.order, "order", [0], workers)
        stages = _stages(job)
        with track(progress, telling.article_count(job)) as on_progress:
            for stage, its_report in zip(
                stages, split_progress(on_progress, *(stage.share for stage in stages)), strict=True
            ):
                for numbers in _in_turn(stage, job):
                    run_stage(job, stage.task, stage.name, numbers, workers)
                _delete(job, stage.spent)
                its_report(1)


def _stages(job: Job) -> list[Stage]:
    """What there is to do once the articles are in order; each reads what those before it wrote."""

    def slices(job: Job) -> range:
        return range(intake.slice_count(job))

    def one(_: Job) -> range:
        return range(1)

    residue = [
        Stage("sample", cleaning.sample, slices),
        Stage("learn", cleaning.learn, lambda job: range(cleaning.sample_count(job)), 0.02, ("sample/*/*",)),
        Stage("collect", cleaning.collect, one),
    ]
    return [
        Stage("slices", intake.arrange, slices, 0.05, ("read/*/articles.arrow",)),
        *(residue if job.settings.cut_residue else ()),
        Stage("sketch", cleaning.sketch, slices, 0.25, ("slices/*/articles.arrow",)),
        Stage("band", copies.band, lambda job: range(copies.leaf_count(job)), 0.02, ("sketch/*/keys_*",)),
        Stage("merge", copies.merge, lambda job: range(copies.leaf_count(job) - 1)),
        Stage("plan", copies.plan, one),
        Stage("deal", copies.deal, slices, 0.02),
        Stage("verify", copies.verify, lambda job: range(copies.verify_count(job)), 0.05, ("deal/*/*",)),
        Stage("copies", copies.copies, one),
        Stage("count", reports.count, slices, 0.15, ("sketch/*/texts.arrow",)),
        Stage("weigh", reports.weigh, slices, 0.1, tuple(f"count/*/{name}.npy" for name in reports.COUNTED)),
        Stage("compare", reports.compare_slices, slices, 0.2, ("weigh/*/*",)),
        Stage("group", grouping.group, lambda job: range(len(grouping.steps_of(job))), 0.05),
        Stage("stories", grouping.stories, one),
        Stage("tell", telling.tell, slices, 0.05),
        Stage("assign", telling.assign, slices, 0.02),
    ]


def _delete(job: Job, patterns: tuple[str, ...]) -> None:
    """Delete files of finished parts; their folders stay, and say that they were finished."""
    for pattern in patterns:
        for path in Path(job.folder).glob(pattern):
            path.unlink(missing_ok=True)


def _in_turn(stage: Stage, job: Job) -> list[Iterable[int]]:
    """Parts of a stage that may be made at once: levels of a tree and steps through time follow one another."""
    if stage.name == "merge":
        return list(copies.merge_levels(job))
    numbers = stage.numbers(job)
    return [[number] for number in numbers] if stage.name == "group" else [numbers]


def _about(job: Job) -> dict[str, Any]:
    """What a result depends on beside the articles."""
    near = job.settings.near
    packages = {name: version(name) for name in ("Unidecode", "numpy", "pyarrow", "scipy") if find_spec(name.lower())}
    return {
        "format": FORMAT,
        "parameters": {
            "story_threshold": job.settings.story_threshold,
            "near_threshold": float(near.threshold),
            "recall": float(near.recall),
            "num_perm": int(near.num_perm),
            "shingle_size": int(near.shingle_size),
            "representative": job.representative,
            "cut_residue": job.settings.cut_residue,
            "fold": near.fold,
            "timezone": job.timezone,
            "max_chars": job.settings.max_chars,
        },
        "versions": {"dedup": dedup.__version__, "unicode": unicodedata.unidata_version} | packages,
    }


def _finished(manifest: dict[str, Any], description: dict[str, Any], out: str) -> dict[str, Any]:
    """The manifest, if it is of this job."""
    changes = _changes(manifest, description)
    if changes:
        raise ValueError(f"{out} has the results of another job: {changes}; allowed: an empty or new folder")
    return manifest


def _changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    found = [change for name in ("parameters", "versions", "inputs") for change in differences(before[name], now[name])]
    return "; ".join(found[:5])


@contextmanager
def _claimed(folder: Path, description: dict[str, Any]) -> Iterator[None]:
    """The working folder, for this job and this call alone."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = hold(folder / _LOCK)
    except OSError as error:
        _log.warning("%s has no locks (%s): see to it that no other call works in it", folder, error)
        lock = None
    else:
        if lock is None:
            raise RuntimeError(f"another call works in {folder}; allowed: one at a time")
    try:
        _claim(folder, description)
        yield
    finally:
        if lock is not None:
            lock.close()


def _begun(folder: Path) -> dict[str, Any] | None:
    """The job that a folder has parts of."""
    path = folder / "job.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None


def _claim(folder: Path, description: dict[str, Any]) -> None:
    """Take a folder for this job, or go on in it."""
    begun = _begun(folder)
    if begun is not None:
        changes = _changes(begun, description)
        if changes:
            raise ValueError(
                f"{folder} has another job's parts: {changes}; allowed: the call that was interrupted, or delete it"
            )
        return
    left = ("blocks.json", "job.json.draft", _LOCK)  # by a call that was interrupted before there was a job
    if not all(path.name.startswith(left) for path in folder.iterdir()):  # a lock has a journal
        raise ValueError(f"{folder} is not empty, and has no job; allowed: an empty or new folder")
    blocks = [block for path in description["inputs"] for block in blocks_of(path)]
    (folder / "blocks.json").write_text(json.dumps(blocks), "utf-8")
    draft = folder / "job.json.draft"
    draft.write_text(json.dumps(description), "utf-8")
    draft.rename(folder / "job.json")


def _publish(job: Job, description: dict[str, Any], system: Any, folder: str) -> dict[str, Any]:
    """Put the tables where they belong, and then the manifest, which says that all else is there."""
    files = {name: _copy(job, name, stage, system, folder) for name, stage in _TABLES.items()}
    rows = {"near_duplicate_pairs": sum(file["rows"] for file in files["near_duplicates"])}
    manifest = description | {"counts": telling.counts(job) | rows, "files": files}
    draft = f"{folder}/{MANIFEST}.draft"
    system.pipe_file(draft, json.dumps(manifest, indent=1).encode())
    system.mv(draft, f"{folder}/{MANIFEST}")
    return manifest


def _copy(job: Job, table: str, stage: str, system: Any, folder: str) -> list[dict[str, Any]]:
    """Copy the parts of a table to where they belong, and tell what is in each."""
    system.makedirs(f"{folder}/{table}", exist_ok=True)
    told = []
    parts = (part for part in (Path(job.folder) / stage).iterdir() if part.name.isdigit())  # and no drafts
    for source in (part / "table.parquet" for part in sorted(parts)):
        data = source.read_bytes()
        name = f"{table}/part-{source.parent.name}.parquet"
        system.pipe_file(f"{folder}/{name}", data)
        rows = pq.read_metadata(source).num_rows
        told.append({"name": name, "rows": rows, "blake2b": checksum(data)})
    own = {Path(file["name"]).name for file in told}
    for path in system.ls(f"{folder}/{table}", detail=False):
        if re.fullmatch(r"part-\d+\.parquet", Path(path).name) and Path(path).name not in own:
            system.rm_file(path)  # of another job that ended here
    return told
