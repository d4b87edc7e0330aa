"""An archive's job: its stages, one after the other, and its results."""

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
from joblib import Parallel

from dedup._version import versions
from dedup.archive import ordering, output, parts, slices
from dedup.archive.checksums import damaged_files, made_again, read_json
from dedup.archive.folders import Part
from dedup.archive.job import Job, Task, differences, run_stage
from dedup.archive.plans import plan_of
from dedup.archive.results import FORMAT, MANIFEST, checksum, job_of
from dedup.disk import hold
from dedup.inputs.blocks import Paths, blocks_of, find_inputs
from dedup.progress import Progress, split_progress, track

_logger = logging.getLogger(__name__)

_LOCK, _DESCRIPTION = "job.lock", "job.json"


def run(job: Job, paths: Paths, out: str, work: str | None, n_jobs: int | None, progress: Progress) -> dict[str, Any]:
    """Do the whole job, or what is left of it; see `dedup.archive.cluster` and `dedup.archive.near_duplicates`."""
    description = _describe(job) | {"inputs": find_inputs(paths)}
    system, folder = fsspec.core.url_to_fs(out)
    done = system.exists(f"{folder}/{MANIFEST}")
    if done:
        manifest = read_json(system.cat_file(f"{folder}/{MANIFEST}"), f"{out}/{MANIFEST}", f"to delete {out}")
        if changes := _changes(manifest, description):
            raise ValueError(f"{out} has the results of another job: {changes}; allowed: an empty or new folder")
    elif work is None and "://" in out:
        raise ValueError(f"work is None; allowed when out is {out!r}: a folder on a file system of all workers")
    job = job._replace(folder=os.path.abspath(work or f"{out.rstrip('/')}.work"))
    if not done:
        with _claimed(Path(job.folder), description):

            def whole() -> dict[str, Any]:
                _run_stages(job, paths, description["inputs"], n_jobs, progress)
                return _publish(job, description, system, folder)

            manifest = made_again(Path(job.folder), whole)
    if _description_in(Path(job.folder)) == description:
        shutil.rmtree(job.folder)
    return manifest


def _run_stages(job: Job, paths: Paths, inputs: dict[str, str], n_jobs: int | None, progress: Progress) -> None:
    """Run all stages, from the first part that is not there."""
    with Parallel(n_jobs=n_jobs) as workers:  # the same for all stages: Ray takes seconds to start some

        def run_round(part: type[Part], task: Task, numbers: range) -> None:
            run_stage(job, task, part.stage, numbers, workers)

        if packed := slices.packed_of_job(job):
            run_round(parts.Unpacked, slices.unpack_input, range(len(packed)))
        run_round(parts.ReadBlock, slices.read_block, range(len(slices.blocks_of_job(job))))
        if differences(inputs, find_inputs(paths)):
            raise ValueError(f"paths: the files changed while they were read; delete {job.folder} and call again")
        _remove(job, parts.Unpacked.files("articles"))
        run_round(parts.Order, ordering.order_articles, range(1))
        stages = plan_of(job).stages(job)
        with track(progress, output.article_count(job)) as whole:
            for stage, of_stage in zip(stages, split_progress(whole, *(stage.share for stage in stages)), strict=True):
                for numbers in stage.rounds(job):
                    run_round(stage.part, stage.task, numbers)
                _remove(job, stage.spent)
                of_stage(1)


def _remove(job: Job, patterns: tuple[str, ...]) -> None:
    """Remove files that no later stage reads. The folders of parts stay: they say that the parts were finished."""
    for path in chain.from_iterable(map(Path(job.folder).glob, patterns)):
        path.unlink(missing_ok=True)


def _describe(job: Job) -> dict[str, Any]:
    """Return what a result depends on besides the articles."""
    return {
        "format": FORMAT,
        "job": plan_of(job).name,
        "parameters": job.parameters(),
        "reading": job.reading.to_dict(),
        "versions": versions("Unidecode", "numpy", "pyarrow", "scipy"),
    }


def _changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    if job_of(before) != now["job"]:
        return f"job was {job_of(before)!r}, now it is {now['job']!r}"
    found = [
        change
        for name in ("parameters", "reading", "versions", "inputs")
        for change in differences(before.get(name, {}), now[name])
    ]
    return "; ".join(found[:5])


@contextmanager
def _claimed(folder: Path, description: dict[str, Any]) -> Iterator[None]:
    """Hold the working folder for this job and this call alone."""
    folder.mkdir(parents=True, exist_ok=True)
    held: AbstractContextManager[object] = nullcontext()
    try:
        lock = hold(folder / _LOCK)
        if lock is None:
            raise RuntimeError(f"another call works in {folder}; allowed: one at a time")
        held = closing(lock)
    except OSError as error:
        _logger.warning("%s has no locks (%s): see to it that no other call works in it", folder, error)
    with held:
        _claim(folder, description)
        yield


def _description_in(folder: Path) -> dict[str, Any] | None:
    """Return the description of the job that a folder has parts of."""
    path = folder / _DESCRIPTION
    return read_json(path.read_bytes(), path, f"to delete {folder}") if path.exists() else None


def _claim(folder: Path, description: dict[str, Any]) -> None:
    """Begin this job in a folder, or go on with it."""
    begun = _description_in(folder)
    if begun is not None:
        if changes := _changes(begun, description):
            allowed = "the call that was interrupted, or delete it"
            raise ValueError(f"{folder} has another job's parts: {changes}; allowed: {allowed}")
        return
    draft = folder / f"{_DESCRIPTION}.draft"
    left = (slices.BLOCKS, draft.name, _LOCK)  # by a call that was interrupted before there was a job
    if not all(path.name.startswith(left) for path in folder.iterdir()):  # a lock has a journal
        raise ValueError(f"{folder} is not empty, and has no job; allowed: an empty or new folder")
    blocks = [block for path in description["inputs"] for block in blocks_of(path)]
    (folder / slices.BLOCKS).write_text(json.dumps(blocks), "utf-8")
    draft.write_text(json.dumps(description), "utf-8")
    draft.rename(folder / _DESCRIPTION)


def _publish(job: Job, description: dict[str, Any], system: Any, folder: str) -> dict[str, Any]:
    """Copy the tables to the results, and then write the manifest, which says that everything is there."""
    plan = plan_of(job)
    files = {name: _copy(job, name, *of_part, system, folder) for name, of_part in plan.tables.items()}
    counts = plan.counts(job) | {"near_duplicate_pairs": sum(file["rows"] for file in files[plan.pairs])}
    manifest = description | {"counts": counts, "files": files}
    draft = f"{folder}/{MANIFEST}.draft"
    system.pipe_file(draft, json.dumps(manifest, indent=1).encode())
    system.mv(draft, f"{folder}/{MANIFEST}")
    return manifest


def _copy(job: Job, table: str, part: type[Part], file: str, system: Any, folder: str) -> list[dict[str, Any]]:
    """Copy the parts of a table to the results, and return what the manifest says of each."""
    system.makedirs(f"{folder}/{table}", exist_ok=True)
    files = []
    finished = (path for path in (Path(job.folder) / part.stage).iterdir() if path.name.isdigit())  # and no drafts
    for source in (getattr(part(path), file) for path in sorted(finished)):
        if source in damaged_files(source.parent):
            raise OSError(f"{source} is damaged; allowed: to call again, which makes it again")
        data = source.read_bytes()
        name = f"{table}/part-{source.parent.name}.parquet"
        system.pipe_file(f"{folder}/{name}", data)
        files.append({"name": name, "rows": pq.read_metadata(source).num_rows, "blake2b": checksum(data)})
    own = {Path(file["name"]).name for file in files}
    for path in system.ls(f"{folder}/{table}", detail=False):
        if re.fullmatch(r"part-\d+\.parquet", Path(path).name) and Path(path).name not in own:
            system.rm_file(path)  # of another job that ended here
    return files
