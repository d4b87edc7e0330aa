"""A job's stages, made part by part by joblib's workers: a part is a folder that is there as a whole or not at all."""

import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from joblib import Parallel, delayed

from dedup.archive.checksums import write_checksums
from dedup.archive.named_encoder import NamedEncoder
from dedup.article import Duplicates, Errors
from dedup.parameters import Linkage, StorySettings

_logger = logging.getLogger(__name__)

#: A stage fails after this many losses of workers in a row without a part finished.
_MAX_LOSSES = 3


#: The parameters that say which encoder a job has, if it has one.
ENCODER = ("encoder", "encoder_identity")


class Reading(NamedTuple):
    """How the files of articles are read."""

    errors: Errors = "raise"
    duplicates: Duplicates | None = None
    columns: dict[str, str | None] = {}  # noqa: RUF012 (nobody changes it); see `dedup.article.Columns`

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for the manifest."""
        return self._asdict()


class Keeping(NamedTuple):
    """What a job of near-duplicates alone is asked beyond `Job.settings`; see `dedup.archive.near_duplicates`."""

    policy: str
    linkage: Linkage
    max_days_apart: float | None


class Job(NamedTuple):
    """What every task knows: the job's folder and its checked parameters.

    A job of near-duplicates alone has `keeping`, and none of its tasks reads what concerns stories.
    """

    folder: str
    settings: StorySettings
    representative: str
    timezone: str | None
    reading: Reading = Reading()
    keeping: Keeping | None = None
    encoder: NamedEncoder | None = None

    def parameters(self) -> dict[str, Any]:
        """Return what the result depends on besides the articles and how they are read, by the names of the caller."""
        given: dict[str, Any] = self.settings.to_dict()
        if self.keeping is None:
            return given | {"representative": self.representative, "timezone": self.timezone} | self._encoder()
        of_texts = ("recall", "num_perm", "shingle_size", "cut_residue", "fold", "max_chars")
        return {
            "threshold": given["near_threshold"],
            **{name: given[name] for name in of_texts},
            "compare_numbers": self.settings.near.compare_numbers,
            "max_days_apart": self.keeping.max_days_apart,
            "keep": self.keeping.policy,
            "linkage": self.keeping.linkage,
            "timezone": self.timezone,
        }

    def _encoder(self) -> dict[str, str]:
        """Return nothing without an encoder, as before there were any."""
        return {} if self.encoder is None else dict(zip(ENCODER, self.encoder, strict=True))


#: Makes one part: writes its files into the given folder.
Task = Callable[[Job, int, Path], None]


def part_folder(job: Job, stage: str, number: int = 0) -> Path:
    """Return the folder of a part, which exists when the part is finished."""
    return Path(job.folder) / stage / f"{number:06d}"


class Made(NamedTuple):
    """An attempt at a part: what went wrong, and the processor time of its worker, in seconds."""

    failure: Exception | None
    seconds: float


def run_stage(job: Job, task: Task, stage: str, numbers: Iterable[int], workers: Parallel) -> None:
    """Make the parts of a stage that are not there yet, by these workers of joblib or those that replace them.

    Raise the exception of the first task by number that failed, or RuntimeError when workers are lost again and again.
    """
    losses, left = 0, [number for number in numbers if not part_folder(job, stage, number).exists()]
    _logger.info("%s: %d parts to make", stage, len(left))
    while left:
        try:
            made: list[Made] = workers(delayed(_attempt)(job, task, stage, number) for number in left)
        except Exception as error:  # of the backend, in whatever class; those of tasks are returned
            before, left = len(left), [number for number in left if not part_folder(job, stage, number).exists()]
            losses = 0 if len(left) < before else losses + 1
            _logger.warning("%s: workers were lost (%s); %d parts are left", stage, error, len(left))
            if losses == _MAX_LOSSES:
                raise RuntimeError(
                    f"{stage}: workers were lost {_MAX_LOSSES} times without a part finished, the last time by "
                    f"{error!r}; allowed: as much memory as the documentation says. To call again goes on from here"
                ) from error
            continue
        for failure in (part.failure for part in made if part.failure is not None):
            raise failure
        seconds = [part.seconds for part in made]
        _logger.info("%s: %.3f s of processor, %.3f s of them for one part", stage, sum(seconds), max(seconds))
        return


def _attempt(job: Job, task: Task, stage: str, number: int) -> Made:
    """Make one part."""
    folder, begin = part_folder(job, stage, number), time.process_time()
    if folder.exists():
        return Made(None, 0.0)
    draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.draft")
    draft.mkdir(parents=True)
    try:
        task(job, number, draft)
        _publish(draft, folder)
    except Exception as error:
        return Made(error, time.process_time() - begin)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Made(None, time.process_time() - begin)


def _publish(draft: Path, folder: Path) -> None:
    """Flush a draft with its checksums to disk and give it its name, unless another worker was faster."""
    write_checksums(draft)
    for path in [*draft.rglob("*"), draft]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what has changed, in words."""
    return [
        f"{name} was {before.get(name)!r}, now it is {now.get(name)!r}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
