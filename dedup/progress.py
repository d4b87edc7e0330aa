"""Progress of long work: shares of a whole for the code, numbers of articles for users."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import Any

#: Receives the share of a piece of work that is done, in (0, 1], as it grows; in the thread that called for the work.
ProgressCallback = Callable[[float], None]

#: What a user gives: whether to show a bar, or a callable that receives the number of articles done and their total.
Progress = bool | Callable[[int, int], object]

#: A user's callable is called at most about this many times.
_MAX_CALLS = 200


def no_progress(_: float) -> None:
    """Ignore progress."""


def split_progress(progress: ProgressCallback, *shares: float) -> list[ProgressCallback]:
    """Callbacks for pieces of work that follow one another.

    Parameters
    ----------
    progress : callable
        Receives the share of all pieces together.
    *shares : float
        The time that each piece takes, in any unit; their total is above 0.

    Examples
    --------
    >>> reading, writing = split_progress(lambda share: print(f"{share:.0%}"), 3, 1)
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
    """A callback that turns shares into rising numbers of articles, which reach `total` when the context ends.

    Raises
    ------
    ImportError
        When a bar is asked for and tqdm, which draws it, is not installed.
    """
    if progress is False:
        yield no_progress
    elif progress is True:
        with _bar(total) as bar:
            yield from _counted(lambda done, _: bar.update(done - bar.n), total)
    else:
        yield from _counted(progress, total)


def _counted(call: Callable[[int, int], object], total: int) -> Iterator[ProgressCallback]:
    latest = 0

    def progress(share: float) -> None:
        nonlocal latest
        done = min(int(share * total), total - 1)  # the total is for the end: a sum of shares may be 1 before it
        if done - latest >= max(1, total / _MAX_CALLS):
            latest = done
            call(done, total)

    yield progress
    call(total, total)


def _bar(total: int) -> Any:
    try:
        from tqdm.auto import tqdm  # only those who want a bar need it
    except ImportError as error:
        raise ImportError('progress=True needs tqdm: pip install "dedup-stories[progress]"') from error
    return tqdm(total=total, unit=" articles")
