"""A job as stages of parts: files that are there as a whole or not at all, made by the workers of joblib."""

import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from dedup.parameters import StorySettings

_log = logging.getLogger(__name__)

#: A stage goes on after so many losses of workers in which no further part was finished.
_LOSSES = 3


class Job(NamedTuple):
    """What every task knows: where the job's files are, and the parameters, once they are checked."""

    folder: str
    settings: StorySettings
    representative: str
    timezone: str | None


#: Makes one part: writes files into the folder it is given.
Task = Callable[[Job, int, Path], None]


def part(job: Job, stage: str, number: int = 0) -> Path:
    """The folder of a part, which is there when the part is finished."""
    return Path(job.folder) / stage / f"{number:06d}"


def load(job: Job, stage: str, number: int, *names: str) -> list[NDArray[Any]]:
    """Arrays of a part."""
    folder = part(job, stage, number)
    return [np.load(folder / f"{name}.npy", allow_pickle=False) for name in names]


def mapped(job: Job, stage: str, name: str) -> NDArray[Any]:
    """An array of a stage of one part, of which only what is looked at is read."""
    array: NDArray[Any] = np.load(part(job, stage) / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array


def save(folder: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays into the folder of a part."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def run_stage(job: Job, task: Task, stage: str, numbers: Iterable[int], workers: Parallel) -> None:
    """Make the parts of a stage that are not there yet, by these workers of joblib or those that replace them.

    Raises
    ------
    Exception
        What a task raised, the first one by number.
    RuntimeError
        When workers are lost again and again.
    """
    losses, left = 0, [number for number in numbers if not part(job, stage, number).exists()]
    _log.info("%s: %d parts to make", stage, len(left))
    while left:
        try:
            told = workers(delayed(_attempt)(job, task, stage, number) for number in left)
        except Exception as error:  # not a task's: those are told. Which one it is depends on the backend
            before, left = len(left), [number for number in left if not part(job, stage, number).exists()]
            losses = 0 if len(left) < before else losses + 1
            _log.warning("%s: workers were lost (%s); %d parts are left", stage, error, len(left))
            if losses == _LOSSES:
                raise RuntimeError(
                    f"{stage}: workers were lost {_LOSSES} times without a part finished, the last time by {error!r}; "
                    "allowed: as much memory as the documentation says. To call again goes on from here"
                ) from error
            continue
        for failure in told:
            if failure is not None:
                raise failure
        return


def _attempt(job: Job, task: Task, stage: str, number: int) -> Exception | None:
    """Make one part, and say what went wrong."""
    folder = part(job, stage, number)
    if folder.exists():
        return None
    draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.draft")
    draft.mkdir(parents=True)
    try:
        task(job, number, draft)
        _settle(draft, folder)
    except Exception as error:
        return error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return None


def _settle(draft: Path, folder: Path) -> None:
    """Give a draft that is on disk its name, unless another worker was faster."""
    for path in [*draft.iterdir(), draft]:
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
    """What is not as it was, in words."""
    return [
        f"{name} was {before.get(name)!r}, now it is {now.get(name)!r}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
