"""Watch a job in another process: its memory and that of its workers, and the disk that it takes (Linux)."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

MEMORY_EVERY, DISK_EVERY = 0.2, 2.0  # seconds
CONTROL_GROUPS = Path("/sys/fs/cgroup")


class Sample(NamedTuple):
    """Memory at a moment, in MB: of the process that runs the job, of the largest worker, and of all together."""

    time: float
    stage: str
    runner: float
    worker: float
    worker_rss: float
    together: float


class Watched(NamedTuple):
    """A job that is over: what it printed, memory over time, and the disk of each stage over time."""

    printed: dict[str, Any]
    samples: list[Sample]
    disk: list[dict[str, float]]


def watch(command: list[str], log: Path, work: Path, limit_gb: float | None) -> Watched | None:
    """Run a command that prints JSON, and watch its log and its working folder; None and a line when it fails."""
    errors = log.with_name("errors")
    samples: list[Sample] = []
    disk, looked = [], 0.0
    with errors.open("w") as file, limited(limit_gb) as join:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, preexec_fn=join)
        while process.poll() is None:
            begun = stages_begun(log)
            samples.append(_sample(process.pid, begun[-1][1] if begun else "begin"))
            if time.time() - looked > DISK_EVERY:
                disk.append(_disk_mb(work))
                looked = time.time()
            time.sleep(MEMORY_EVERY)
    if process.returncode:
        print(f"failed: {errors.read_text().strip().splitlines()[-1:]}", flush=True)
        return None
    return Watched(json.loads(process.stdout.read().splitlines()[-1]), samples, disk)


def stages_begun(log: Path) -> list[tuple[float, str]]:
    """When each stage of `dedup.archive` began so far, by its log."""
    lines = log.read_text().splitlines() if log.exists() else []
    found = [re.match(r"([\d.]+) (\w+): \d+ parts to make", line) for line in lines]
    return [(float(match[1]), match[2]) for match in found if match]


def processor_seconds(log: Path) -> dict[str, tuple[float, float]]:
    """Processor time of each stage of `dedup.archive`, and of its longest part, by its log."""
    found: dict[str, tuple[float, float]] = {}
    for line in log.read_text().splitlines():
        if match := re.match(r"[\d.]+ (\w+): ([\d.]+) s of processor, ([\d.]+) s of them for one part", line):
            total, longest = found.get(match[1], (0.0, 0.0))
            found[match[1]] = total + float(match[2]), max(longest, float(match[3]))
    return found


def descendants(pid: int) -> Iterator[int]:
    """All processes that a process started, and those that they started."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from descendants(child)


@contextmanager
def limited(gb: float | None) -> Iterator[Callable[[], Any] | None]:
    """A function that a process calls to be limited, with all processes that it starts."""
    if gb is None:
        yield None
        return
    first = CONTROL_GROUPS / "memory"  # of version 1; in version 2 there is one tree for all kinds
    group = (first if first.exists() else CONTROL_GROUPS) / f"archive_growth_{os.getpid()}"
    group.mkdir()
    try:
        limit = group / ("memory.limit_in_bytes" if first.exists() else "memory.max")
        limit.write_text(str(int(gb * 2**30)))
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        while left := (group / "cgroup.procs").read_text().split():  # workers of a job that was killed
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(MEMORY_EVERY)
        group.rmdir()


def _sample(runner: int, stage: str) -> Sample:
    workers = [_memory(pid) for pid in descendants(runner)]
    own = _memory(runner)
    together = own["pss"] + sum(worker["pss"] for worker in workers)
    largest = {kind: max((worker[kind] for worker in workers), default=0.0) for kind in ("uss", "rss")}
    return Sample(time.time(), stage, own["uss"], largest["uss"], largest["rss"], together)


def _memory(pid: int) -> dict[str, float]:
    """MB of a process by kind; zeros for a process that has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return {"uss": 0.0, "pss": 0.0, "rss": 0.0}
    sizes = {name: int(size) / 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    private = sizes.get("Private_Clean", 0.0) + sizes.get("Private_Dirty", 0.0)
    return {"uss": private, "pss": sizes.get("Pss", 0.0), "rss": sizes.get("Rss", 0.0)}


def _disk_mb(work: Path) -> dict[str, float]:
    """MB of the files of each stage."""
    found: dict[str, float] = {}
    for root, _, names in os.walk(work):
        stage = "".join(Path(root).relative_to(work).parts[:1])
        for name in names:
            with suppress(OSError):  # a draft that has just been renamed
                size = os.stat(os.path.join(root, name)).st_size / 2**20
                found[stage] = found.get(stage, 0.0) + size
    return found
