"""Blocks of work on threads, which run side by side because NumPy releases the interpreter lock."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dedup.progress import ProgressCallback, no_progress

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_count(n_jobs: int | None) -> int:
    """Number of threads; None or -1 means every processor that this process may run on."""
    if n_jobs is None or n_jobs == -1:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return n_jobs


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
        yield from _counted(pool.map(function, items), len(items), progress)


def _counted(results: Iterator[Result], count: int, progress: ProgressCallback) -> Iterator[Result]:
    for done, result in enumerate(results, 1):
        yield result
        progress(done / count)
