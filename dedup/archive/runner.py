"""The stages of an archive's job, one after the other."""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow.parquet as pq
from joblib import Parallel

from dedup._version import versions
from dedup.archive import chains, joining, near, ordering, output, parts, residue, similarity, slices, stories
from dedup.archive.folders import Part
from dedup.archive.job import Job, Task, differences, run_stage
from dedup.archive.results import FORMAT, MANIFEST, checksum
from dedup.disk import hold
from dedup.inputs.blocks import Paths, blocks_of, find_inputs
from dedup.progress import Progress, split_progress, track

_logger = logging.getLogger(__name__)

_LOCK, _DESCRIPTION = "job.lock", "job.json"
_TABLES = {
    "assignments": (parts.Assignments, "table"),
    "stories": (parts.StoryRows, "table"),
    "episodes": (parts.StoryRows, "episodes"),
    "near_duplicates": (parts.Verified, "table"),
    "refusals": (parts.Order, "refusals"),
}


class Stage(NamedTuple):
    """A stage of the job."""

    part: type[Part]
    task: Task
    rounds: Callable[[Job], list[range]]  # the numbers of its parts, in rounds that follow one another
    share: float = 0.005  # of the time
    spent: tuple[str, ...] = ()  # patterns of files that no later stage reads


def run(job: Job, paths: Paths, out: str, work: str | None, n_jobs: int | None, progress: Progress) -> dict[str, Any]:
    """Do the whole job, or what is left of it; see `dedup.archive.cluster`."""
    description = _describe(job) | {"inputs": find_inputs(paths)}
    system, folder = fsspec.core.url_to_fs(out)
    done = system.exists(f"{folder}/{MANIFEST}")
    if done:
        manifest: dict[str, Any] = json.loads(system.cat_file(f"{folder}/{MANIFEST}"))
        if changes := _changes(manifest, description):
            raise ValueError(f"{out} has the results of another job: {changes}; allowed: an empty or new folder")
    elif work is None and "://" in out:
        raise ValueError(f"work is None; allowed when out is {out!r}: a folder on a file system of all workers")
    job = job._replace(folder=os.path.abspath(work or f"{out.rstrip('/')}.work"))
    if not done:
        with _claimed(Path(job.folder), description):
            _run_stages(job, paths, description["inputs"], n_jobs, progress)
            manifest = _publish(job, description, system, folder)
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
        stages = _stages(job)
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


def _stages(job: Job) -> list[Stage]:
    """Return the stages that follow once the articles are in order; each reads what those before it wrote."""

    def once(numbers: Callable[[Job], range]) -> Callable[[Job], list[range]]:
        return lambda job: [numbers(job)]

    def one_by_one(job: Job) -> list[range]:
        return [range(k, k + 1) for k in stories.steps_of(job)]

    each_slice, alone = once(slices.slices_of), once(lambda _: range(1))
    learning = [
        Stage(parts.Sample, residue.sample_texts, each_slice),
        Stage(parts.LearnedGroup, residue.learn_group, once(residue.sample_groups), 0.02, parts.Sample.files("texts")),
        Stage(parts.LearnedAll, residue.collect_learned, alone),
    ]
    spent_counts = parts.FeatureCounts.files("entries", "languages", "cells", "frequencies", "counts", "uses")
    spent_means = parts.EpisodeMeans.files("data", "indices", "indptr", "keys")
    graphs = parts.Step.files(*stories.OpenGraph._fields)
    matching = [
        Stage(parts.EpisodeMeans, joining.mean_vectors, each_slice, 0.02, parts.Vectors.files("*")),
        Stage(parts.EpisodePairs, joining.match_slice, each_slice, 0.08, spent_means),
    ]
    return [
        Stage(
            parts.Slice,
            slices.write_slice,
            each_slice,
            0.05,
            parts.ReadBlock.files("articles", "ids", "id_hashes", "refusals"),
        ),
        *(learning if job.settings.cut_residue else ()),
        Stage(parts.Sketch, residue.sketch_texts, each_slice, 0.25, parts.Slice.files("articles")),
        Stage(parts.BandForest, near.span_band, once(near.bands_of), 0.02, parts.Sketch.files("keys_*")),
        Stage(parts.MergedForest, near.merge_two, near.merge_levels),
        Stage(parts.VerificationPlan, near.plan_verification, alone),
        Stage(parts.Candidates, near.distribute_candidates, each_slice, 0.02),
        Stage(parts.Verified, near.verify_part, once(near.verification_parts), 0.05, parts.Candidates.files("texts")),
        Stage(parts.NearGroups, near.group_articles, alone),
        Stage(parts.FeatureCounts, similarity.count_slice, each_slice, 0.15, parts.Sketch.files("texts")),
        Stage(parts.Vectors, similarity.weight_slice, each_slice, 0.1, spent_counts),
        Stage(parts.SimilarPairs, similarity.compare_slice, each_slice, 0.2),
        Stage(parts.StepsAhead, chains.follow_chain, once(chains.chain_numbers), 0.05),
        Stage(parts.Step, chains.make_step, one_by_one, 0.02, (*parts.StepsAhead.files("*/*"), *graphs)),
        Stage(parts.EpisodeLabels, stories.label_episodes, alone),
        *(matching if job.settings.max_gap_days else ()),
        Stage(parts.StoryLabels, joining.join_episodes, alone),
        Stage(parts.StoryRows, output.write_stories, each_slice, 0.05),
        Stage(parts.Assignments, output.write_assignments, each_slice, 0.02),
    ]


def _describe(job: Job) -> dict[str, Any]:
    """Return what a result depends on besides the articles."""
    parameters = job.settings.to_dict() | {"representative": job.representative, "timezone": job.timezone}
    reading = job.reading.to_dict()
    return {
        "format": FORMAT,
        "parameters": parameters,
        "reading": reading,
        "versions": versions("Unidecode", "numpy", "pyarrow", "scipy"),
    }


def _changes(before: dict[str, Any], now: dict[str, Any]) -> str:
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
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None


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
    files = {name: _copy(job, name, system, folder) for name in _TABLES}
    rows = {"near_duplicate_pairs": sum(file["rows"] for file in files["near_duplicates"])}
    manifest = description | {"counts": output.counts(job) | rows, "files": files}
    draft = f"{folder}/{MANIFEST}.draft"
    system.pipe_file(draft, json.dumps(manifest, indent=1).encode())
    system.mv(draft, f"{folder}/{MANIFEST}")
    return manifest


def _copy(job: Job, table: str, system: Any, folder: str) -> list[dict[str, Any]]:
    """Copy the parts of a table to the results, and return what the manifest says of each."""
    part, file = _TABLES[table]
    system.makedirs(f"{folder}/{table}", exist_ok=True)
    files = []
    finished = (path for path in (Path(job.folder) / part.stage).iterdir() if path.name.isdigit())  # and no drafts
    for source in (getattr(part(path), file) for path in sorted(finished)):
        data = source.read_bytes()
        name = f"{table}/part-{source.parent.name}.parquet"
        system.pipe_file(f"{folder}/{name}", data)
        files.append({"name": name, "rows": pq.read_metadata(source).num_rows, "blake2b": checksum(data)})
    own = {Path(file["name"]).name for file in files}
    for path in system.ls(f"{folder}/{table}", detail=False):
        if re.fullmatch(r"part-\d+\.parquet", Path(path).name) and Path(path).name not in own:
            system.rm_file(path)  # of another job that ended here
    return files
