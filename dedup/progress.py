"""How far long work has come, for whoever waits for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import Any

#: Is told what share of a piece of work is done, in (0, 1], as that grows; by the thread that called for the work.
ProgressCallback = Callable[[float], None]

#: What a user gives: whether to show a bar, or what is told how many articles are done, and of how many.
Progress = bool | Callable[[int, int], object]

#: So many times at most is that told.
_TIMES = 200


def no_progress(_: float) -> None:
    """Nobody waits."""


def split_progress(progress: ProgressCallback, *shares: float) -> list[ProgressCallback]:
    """A report for each of several pieces of work that follow one another.

    Parameters
    ----------
    report : callable
        Of all of them together.
    *shares : float
        The time that each takes, in whatever unit; their total is above 0.

    Examples
    --------
    >>> reading, writing = split(lambda share: print(f"{share:.0%}"), 3, 1)
    >>> reading(0.5), reading(1), writing(0.5), writing(1)
    38%
    75%
    88%
    100%
    (None, None, None, None)
    """
    bounds = [bound / sum(shares) for bound in accumulate(shares, initial=0.0)]
    return [_part(progress, start, stop) for start, stop in pairwise(bounds)]


def _part(progress: ProgressCallback, start: float, stop: float) -> ProgressCallback:
    return lambda share: progress(start + (stop - start) * share)


@contextmanager
def track(progress: Progress, total: int) -> Iterator[ProgressCallback]:
    """A report that becomes numbers of articles: rising, and `total` at the end of what is done inside.

    Raises
    ------
    ImportError
        When a bar is asked for and tqdm, which draws it, is not installed.
    """
    if progress is False:
        yield no_progress
    elif progress is True:
        with _bar(total) as bar:
            yield from _telling(lambda done, _: bar.update(done - bar.n), total)
    else:
        yield from _telling(progress, total)


def _telling(tell: Callable[[int, int], object], total: int) -> Iterator[ProgressCallback]:
    told = 0

    def progress(share: float) -> None:
        nonlocal told
        done = min(int(share * total), total - 1)  # all is done when nothing is left, not when a sum of shares says so
        if done - told >= max(1, total / _TIMES):
            told = done
            tell(done, total)

    yield progress
    tell(total, total)


def _bar(total: int) -> Any:
    try:
        from tqdm.auto import tqdm  # only those who want a bar need it
    except ImportError as error:
        raise ImportError('progress=True needs tqdm: pip install "dedup-stories[progress]"') from error
    return tqdm(total=total, unit=" articles")
