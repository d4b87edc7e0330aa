"""An archive's job: its stages, one after the other, and its results."""

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from joblib import Parallel

from dedup.archive import ordering, output, parts, slices
from dedup.archive.checksums import damaged_files, made_again, read_json
from dedup.archive.descriptions import (
    DESCRIPTION,
    changes,
    describe,
    described_job,
    description_in,
    readable_json,
    write_description,
)
from dedup.archive.folders import Part
from dedup.archive.job import Job, Task, run_stage
from dedup.archive.plans import plan_of
from dedup.archive.results import MANIFEST, changed_files, checksum, job_of
from dedup.archive.stages import Pace, begin_call, is_ordered, seconds_left
from dedup.disk import hold, is_held, sync_folder
from dedup.inputs.blocks import Paths, find_inputs
from dedup.progress import Progress, split_progress, track

_logger = logging.getLogger(__name__)

LOCK = "job.lock"

#: Seconds to wait for a lock that somebody only looks at.
_PATIENCE = 1.0


def run(job: Job, paths: Paths, out: str, work: str | None, n_jobs: int | None, progress: Progress) -> dict[str, Any]:
    """Do the whole job, or what is left of it; see `dedup.archive.cluster` and `dedup.archive.near_duplicates`."""
    description = describe(job, find_inputs(paths))
    system, folder = fsspec.core.url_to_fs(out)
    manifest = manifest_at(out)
    if manifest is not None:
        if changed := changes(manifest, description):
            raise ValueError(f"{out} has the results of another job: {changed}; allowed: an empty or new folder")
    elif work is None and "://" in out:
        raise ValueError(f"work is None; allowed when out is {out!r}: a folder on a file system of all workers")
    job = job._replace(folder=os.fspath(work_folder(out, work)))
    own = Path(job.folder)
    if manifest is None:

        def whole() -> dict[str, Any]:
            _run_stages(job, paths, description["inputs"], n_jobs, progress)
            return _publish(job, description, system, folder)

        try:
            if job.encoder is not None:
                job.encoder.try_out()
            with _claimed(own, description):
                manifest = _whole_or_nothing(job, whole)
        except (TypeError, ValueError):
            if own.exists() and not (own / DESCRIPTION).exists():
                _remove_folder(own)
            raise
    if description_in(own) == description:
        _remove_folder(own)
    return manifest


def _whole_or_nothing(job: Job, whole: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the manifest, or leave nothing when an article is refused: the call that corrects it begins anew."""
    try:
        return made_again(Path(job.folder), whole)
    except (TypeError, ValueError):
        if not is_ordered(job):
            _empty(Path(job.folder))
        raise


def resume(out: str, work: str | None, n_jobs: int | None, progress: Progress) -> dict[str, Any]:
    """Do what is left of the job that was begun for these results; see `dedup.archive.resume`."""
    own = work_folder(out, work)
    description = description_in(own) or manifest_at(out)
    if description is None:
        raise ValueError(
            f"{own} has no job to go on with; allowed: the out, and the work if any, of one that was begun"
        )
    return run(described_job(description, own), list(description["inputs"]), out, work, n_jobs, progress)


def status_of(out: str, work: str | None) -> dict[str, Any]:
    """Return how far a job is; see `dedup.archive.status`."""
    own = work_folder(out, work)
    try:
        description = description_in(own)
        if description is not None and (manifest := manifest_at(out)) is None:
            job, is_running = described_job(description, own), is_held(own / LOCK)
            extent = Pace(job).extent()
            left = seconds_left(job, extent.share) if is_running else None
            state = {"state": "running" if is_running else "interrupted", "job": plan_of(job).name}
            names = ("stage", "parts_made", "parts", "share", "seconds_left")
            return state | dict(zip(names, (*extent, left), strict=True))
    except FileNotFoundError:  # it was finished, and its folder deleted, meanwhile
        pass
    if (manifest := manifest_at(out)) is not None:
        return {"state": "done", "job": job_of(manifest), "share": 1.0, "counts": manifest["counts"]}
    return {"state": "none"}


def work_folder(out: str, work: str | None) -> Path:
    """Return the folder of intermediate files."""
    return Path(os.path.abspath(work or f"{out.rstrip('/')}.work"))


def manifest_at(out: str) -> dict[str, Any] | None:
    """Return the manifest of results that are finished."""
    system, folder = fsspec.core.url_to_fs(out)
    if not system.exists(f"{folder}/{MANIFEST}"):
        return None
    return read_json(system.cat_file(f"{folder}/{MANIFEST}"), f"{out}/{MANIFEST}", f"to delete {out}")


def _run_stages(job: Job, paths: Paths, inputs: dict[str, str], n_jobs: int | None, progress: Progress) -> None:
    """Run all stages, from the first part that is not there."""
    begin_call(job)
    with Parallel(n_jobs=n_jobs) as workers:  # the same for all stages: Ray takes seconds to start some

        def run_round(part: type[Part], task: Task, numbers: range) -> None:
            run_stage(job, task, part.stage, numbers, workers)

        if packed := slices.packed_of_job(job):
            run_round(parts.Unpacked, slices.unpack_input, range(len(packed)))
        run_round(parts.ReadBlock, slices.read_block, range(len(slices.blocks_of_job(job))))
        if changed := changed_files(inputs, find_inputs(paths)):
            raise ValueError(f"paths: {changed}, while they were read; allowed: to call again when nobody writes them")
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


@contextmanager
def _claimed(folder: Path, description: dict[str, Any]) -> Iterator[None]:
    """Hold the working folder for this job and this call alone."""
    folder.mkdir(parents=True, exist_ok=True)
    held: AbstractContextManager[object] = nullcontext()
    try:
        lock = hold(folder / LOCK, _PATIENCE)
        if lock is None:
            raise RuntimeError(f"another call works in {folder}; allowed: one at a time")
        held = closing(lock)
    except OSError as error:
        _logger.warning("%s has no locks (%s): see to it that no other call works in it", folder, error)
    with held:
        _claim(folder, description)
        yield


def _claim(folder: Path, description: dict[str, Any]) -> None:
    """Begin this job in a folder, or go on with it."""
    begun = description_in(folder)
    if begun is not None:
        if not (changed := changes(begun, description)):
            return
        if is_ordered(described_job(begun, folder)):
            allowed = f"the call that was interrupted, or to delete {folder}"
            raise ValueError(f"{folder} has another job's parts: {changed}; allowed: {allowed}")
        # Nothing but articles is there, which were read as nobody wants them any more.
        _logger.warning("%s: the articles are read anew, since %s", folder, changed)
        _empty(folder)
    left = (slices.BLOCKS, DESCRIPTION, LOCK)  # by a call that was interrupted before there was a job
    if not all(path.name.lstrip(".").startswith(left) for path in folder.iterdir()):  # a lock has a journal
        raise ValueError(f"{folder} is not empty, and has no job; allowed: an empty or new folder")
    write_description(folder, description)


def _empty(folder: Path) -> None:
    """Remove what a job wrote into its folder, first what says that there is a job, but for the lock."""
    (folder / DESCRIPTION).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif not path.name.startswith(LOCK):
            path.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    """Remove the folder of a job; of a link, and of a folder with anything else in it, what jobs write there."""
    if (folder / DESCRIPTION).exists():
        _empty(folder)
    for path in folder.glob(f"{LOCK}*"):
        path.unlink(missing_ok=True)
    if not folder.is_symlink():
        with suppress(OSError):  # another call has begun there
            folder.rmdir()


def _publish(job: Job, description: dict[str, Any], system: Any, folder: str) -> dict[str, Any]:
    """Copy the tables to the results, and then write the manifest, which says that everything is there."""
    plan = plan_of(job)
    files = {name: _copy(job, name, *of_part, system, folder) for name, of_part in plan.tables.items()}
    counts = plan.counts(job) | {"near_duplicate_pairs": sum(file["rows"] for file in files[plan.pairs])}
    manifest = description | {"counts": counts, "files": files}
    draft = f"{folder}/{MANIFEST}.draft"
    _write(system, draft, readable_json(manifest))
    system.mv(draft, f"{folder}/{MANIFEST}")
    if isinstance(system, LocalFileSystem):
        sync_folder(folder)
    return manifest


def _write(system: Any, path: str, data: bytes) -> None:
    """Write a file of the results; on a disk here it survives a loss of power, as the parts are deleted soon."""
    system.pipe_file(path, data)
    if isinstance(system, LocalFileSystem):
        with open(path, "rb+") as file:
            os.fsync(file.fileno())


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
        _write(system, f"{folder}/{name}", data)
        files.append({"name": name, "rows": pq.read_metadata(source).num_rows, "blake2b": checksum(data)})
    own = {Path(file["name"]).name for file in files}
    for path in system.ls(f"{folder}/{table}", detail=False):
        if re.fullmatch(r"part-\d+\.parquet", Path(path).name) and Path(path).name not in own:
            system.rm_file(path)  # of another job that ended here
    return files
