"""Blocks of work on threads, which run side by side because NumPy releases the interpreter lock."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TypeVar

from dedup.progress import ProgressCallback, no_progress

#: Blocks a thread that are begun before the first of them is used. Results are large; with fewer, threads would wait.
_AHEAD = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_count(n_jobs: int | None) -> int:
    """Number of threads; None or -1 means as many as this process may use processors."""
    if n_jobs is None or n_jobs == -1:
        return int(min(_allowed_processors(), _own_quota()))
    return n_jobs


def _allowed_processors() -> int:
    """Number of processors that this process may run on."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on, where a user can set it: PYTHON_CPU_COUNT, -X cpu_count
        return int(os.process_cpu_count() or 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _own_quota() -> float:
    return processor_quota(Path("/"))


# Of joblib, which comes with scikit-learn, `cpu_count` reads only the group at the top of what is mounted, which has no
# limit where a service or a job of a cluster has one; and it reads files at every call.
def processor_quota(root: Path) -> float:
    """Number of processors for the time that Linux's control groups give to this process, rounded up.

    That is the least of its own group and of all groups above it, in either version of control groups; infinity where
    none has a limit. `root` is the folder that has ``proc`` and ``sys``.
    """
    shares = [math.inf]
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top, group = root / "sys/fs/cgroup" / ("cpu" if controllers else ""), PurePosixPath(path.lstrip("/"))
        # A container sees its own group at the top, and may be told a path of the machine.
        shares += [_share_of(top / folder) for folder in (group, *group.parents)]
    return math.ceil(min(shares)) if min(shares) < math.inf else math.inf


def _share_of(group: Path) -> float:
    """Processors for the time that one control group may use."""
    # Version 2 has "200000 100000" or "max 100000" in one file, version 1 has two files, with -1 for no limit.
    text = _text(group / "cpu.max") or " ".join(_text(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    numbers = text.split()
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers) or "0" in numbers:
        return math.inf
    quota, period = map(int, numbers)
    return quota / period


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # on other systems, and where the group has no such file
        return ""


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    n_jobs: int | None,
    progress: ProgressCallback = no_progress,
) -> Iterator[Result]:
    """Results in the order of `items`, from `n_jobs` threads; `progress` counts each result once it has been used."""
    items = list(items)
    n_threads = min(thread_count(n_jobs), len(items))
    if n_threads <= 1:  # a thread takes longer to start than a short text to read
        yield from _counted(map(function, items), len(items), progress)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        yield from _counted(_in_turn(pool, function, items, _AHEAD * n_threads), len(items), progress)


def _in_turn(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    """Results in the order of `items`; at most so many wait to be used, however slowly they are."""
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) > ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def _counted(results: Iterator[Result], count: int, progress: ProgressCallback) -> Iterator[Result]:
    for done, result in enumerate(results, 1):
        yield result
        progress(done / count)
