"""What an index reports of each operation to the program that it is part of."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import Any, NamedTuple, TypeVar, cast

from dedup.article import Refusal
from dedup.stream.assignment import Assignment

_logger = logging.getLogger("dedup")


@dataclass(frozen=True, slots=True)
class Operation:
    """What a `StoryIndex` has done, for the metrics of the program that it is part of.

    Attributes
    ----------
    kind : str
        Name of the method; "add" for `add_many` too.
    articles : int
        How many articles were given and not refused ("add"), removed ("remove", "expire") or moved ("refine"); 0 for
        questions and for what editors decide.
    seconds : float
        How long the call took, with the time that it waited for other threads and processes.
    merges : int
        How many stories were merged into others by an "add", or by an editor.
    refusals : int
        How many articles were refused by an "add" that went on without them.
    error : str or None
        Name of the exception that the call raised; then nothing was stored.

    Examples
    --------
    >>> from dedup import StoryIndex
    >>> operations = []
    >>> with StoryIndex(":memory:", observe=operations.append) as index:
    ...     _ = index.add_many([{"id": "a", "text": "Kim in Russia"}, {"id": "b"}], errors="skip")
    ...     removed = index.remove("a")
    >>> [(done.kind, done.articles, done.refusals, done.error) for done in operations]
    [('add', 1, 1, None), ('remove', 1, 0, None)]
    """

    kind: str
    articles: int
    seconds: float
    merges: int = 0
    refusals: int = 0
    error: str | None = None


Observe = Callable[[Operation], object]


class Counts(NamedTuple):
    """The numbers of an operation."""

    articles: int = 0
    merges: int = 0
    refusals: int = 0


def of_added(result: list[Assignment] | tuple[list[Assignment], list[Refusal]]) -> Counts:
    """Return the numbers of what `StoryIndex.add_many` returns."""
    assignments, refusals = result if isinstance(result, tuple) else (result, [])
    return Counts(len(assignments), sum(len(assignment.merged) for assignment in assignments), len(refusals))


_Method = TypeVar("_Method", bound=Callable[..., Any])


def observed(kind: str, count: Callable[[Any], Counts] = lambda _: Counts()) -> Callable[[_Method], _Method]:
    """Let a method of an index report each of its calls to `_observe`; `count` counts the result of one."""

    def decorate(method: _Method) -> _Method:
        @wraps(method)
        def reporting(self: Any, *args: Any, **named: Any) -> Any:
            if self._observe is None:
                return method(self, *args, **named)
            start = perf_counter()
            try:
                result = method(self, *args, **named)
            except BaseException as error:
                _report(self._observe, Operation(kind, 0, perf_counter() - start, error=type(error).__name__))
                raise
            seconds = perf_counter() - start
            counts = count(result)
            _report(self._observe, Operation(kind, counts.articles, seconds, counts.merges, counts.refusals))
            return result

        return cast(_Method, reporting)

    return decorate


def _report(observe: Observe, operation: Operation) -> None:
    """Tell of an operation; what is raised is logged.

    The operation is done: whoever got an error instead of its result would take it for undone.
    """
    try:
        observe(operation)
    except Exception:
        _logger.exception("what observes the index failed, and the index goes on: %s", operation)
