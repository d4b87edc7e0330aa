"""How far a job is: its stages with their parts, the share that is done, and how long the rest takes."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dedup.archive import parts, slices
from dedup.archive.folders import Part
from dedup.archive.job import Job, part_folder
from dedup.archive.plans import plan_of
from dedup.disk import write_durably

#: File of the working folder with the moment at which the latest call began, and the share that was done then.
_CALL = "call.json"

#: The shares of time that unpacking, reading and ordering take; see `dedup.archive.plans.Stage.share`.
_UNPACKING, _READING, _ORDERING = 0.02, 0.1, 0.005

#: No estimate is made of less than this share of the work.
_LEAST_SHARE = 0.03


class Extent(NamedTuple):
    """How far a job is."""

    stage: str  # the first one that is not done; nothing when all are
    made: int  # parts of it
    parts: int  # of all, as far as that is known
    share: float  # of the work, in [0, 1]


class _Stage(NamedTuple):
    part: type[Part]
    number: Callable[[], int]  # of its parts, known once the stages before it are done
    share: float


def is_ordered(job: Job) -> bool:
    """Return whether all articles are read and in order."""
    return part_folder(job, parts.Order.stage).exists()


class Pace:
    """How far a job is, asked again and again: what is done stays done, and is not looked at again."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stages = _first_stages(job)
        self._passed, self._share = 0, 0.0
        self._knows_all = False

    def extent(self) -> Extent:
        """Return how far the job is."""
        while True:
            if self._passed == len(self._stages) and not self._knows_all:
                later = plan_of(self._job).stages(self._job)
                self._stages += [_Stage(s.part, _counter(self._job, s.rounds), s.share) for s in later]
                self._knows_all = True
            if self._passed == len(self._stages):
                return Extent("", 0, 0, 1.0)
            stage = self._stages[self._passed]
            made, count = _made(self._job, stage.part), stage.number()
            total = self._total()
            if made < count:
                return Extent(stage.part.stage, made, count, (self._share + stage.share * made / count) / total)
            self._passed, self._share = self._passed + 1, self._share + stage.share

    def _total(self) -> float:
        """Return the shares of all stages, also of those that are not yet known."""
        later = () if self._knows_all else plan_of(self._job).stages(self._job)
        return sum(stage.share for stage in self._stages) + sum(stage.share for stage in later)


def _first_stages(job: Job) -> list[_Stage]:
    packed = len(slices.packed_of_job(job))
    unpacking = [_Stage(parts.Unpacked, lambda: packed, _UNPACKING)] if packed else []
    reading = _Stage(parts.ReadBlock, lambda: len(slices.blocks_of_job(job)), _READING)
    return [*unpacking, reading, _Stage(parts.Order, lambda: 1, _ORDERING)]


def _counter(job: Job, rounds: Callable[[Job], list[range]]) -> Callable[[], int]:
    return lambda: sum(map(len, rounds(job)))


def _made(job: Job, part: type[Part]) -> int:
    folder = part_folder(job, part.stage).parent
    return sum(path.name.isdigit() for path in folder.iterdir()) if folder.exists() else 0


def begin_call(job: Job) -> None:
    """Note when a call begins, and how far the job was."""
    noted = {"began": time.time(), "share": Pace(job).extent().share}
    write_durably(Path(job.folder) / _CALL, json.dumps(noted).encode())


def seconds_left(job: Job, share: float) -> float | None:
    """Return how long the rest takes at the pace of the call that is at work, None when that cannot be said yet."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        noted = json.loads((Path(job.folder) / _CALL).read_text("utf-8"))
        before, passed = float(noted["share"]), time.time() - float(noted["began"])
        if share - before >= _LEAST_SHARE and passed > 0:
            return passed * (1 - share) / (share - before)
    return None
