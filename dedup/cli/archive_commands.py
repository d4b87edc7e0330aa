"""The commands that work on archives: cluster, near, resume, status, results."""

import json
import re
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from dedup import archive, parameters
from dedup.archive.arguments import require_packages
from dedup.article import FIELDS
from dedup.cli.archive_options import TOLD
from dedup.cli.console import BadInputError, Console, emit
from dedup.cli.parser_parts import given_parameters
from dedup.cli.rows import told
from dedup.cli.writing import Line, Output
from dedup.wording import duration, plural, visible, visible_line

#: Seconds between two looks at how far a job is.
_LOOKED_AT_EVERY = 1.0

#: Names that the library has for parameters, and the options for them.
_OPTIONS = {"cut_residue": "keep-residue", "match_urls": "ignore-urls", "keep": "policy", "n_jobs": "jobs"}


def cluster(given: Namespace, console: Console) -> None:
    """`dedup archive cluster`."""
    _run(given, console, archive.cluster)


def near(given: Namespace, console: Console) -> None:
    """`dedup archive near`."""
    _run(given, console, archive.near_duplicates)


def resume(given: Namespace, console: Console) -> None:
    """`dedup archive resume`."""
    with _watched(given, console), _bad_input():
        manifest = archive.resume(given.output, **given_parameters(given))
    _summarize(given, manifest["counts"])


def _run(given: Namespace, console: Console, function: Callable[..., dict[str, Any]]) -> None:
    columns = {field: getattr(given, f"field_{field}") for field in FIELDS if hasattr(given, f"field_{field}")}
    settings = given_parameters(given) | {"errors": given.errors, "duplicates": given.duplicates} | columns
    with _watched(given, console), _bad_input():
        manifest = function(given.inputs, given.output, **settings)
    _summarize(given, manifest["counts"])


@contextmanager
def _bad_input() -> Iterator[None]:
    """Let errors about what the user gave be those of the command, which has other names for parameters."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = re.sub(r"^(\w+) is ", _option, str(error)).replace("name timezone= for", "name --timezone for")
        raise BadInputError(message) from error
    except FileNotFoundError as error:
        if not str(error).startswith("paths: "):
            raise
        raise BadInputError(str(error).removeprefix("paths: ")) from error


def _option(found: re.Match[str]) -> str:
    name = found[1]
    known = name in FIELDS or name in _OPTIONS or name in ("work", "threshold", "max_days_apart", "linkage", "timezone")
    if known or hasattr(parameters, name.upper()):
        return f"--{_OPTIONS.get(name, name).replace('_', '-')} is "
    return found[0]


@contextmanager
def _watched(given: Namespace, console: Console) -> Iterator[None]:
    """Tell a terminal how far the job is."""
    if not console.is_terminal:
        yield
        return
    work, ended = getattr(given, "parameter_work", None), Event()

    def watch() -> None:
        while not ended.wait(_LOOKED_AT_EVERY):
            with suppress(Exception):  # a job that is only now begun, or done; its own errors are told by itself
                if (status := archive.status(given.output, work=work)).state == "running":
                    console.draw(_told(status))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        console.clear()


def status(given: Namespace, console: Console) -> None:  # noqa: ARG001 (as every command)
    """`dedup archive status`."""
    with _bad_input():
        found = archive.status(given.output, **given_parameters(given))
    if given.json:
        emit(json.dumps(found._asdict()) + "\n")
    elif found.state == "done":
        emit(f"{given.output}: done: {_counted(found.counts)}\n")
    elif found.state == "none":
        emit(f"{given.output}: no job was begun\n")
    else:
        go_on = f"; 'dedup archive resume {given.output}' goes on" if found.state == "interrupted" else ""
        emit(f"{given.output}: {found.state}: {_told(found)}{go_on}\n")


def _told(status: archive.JobStatus) -> str:
    """Return how far a job is, as a line for people."""
    left = "" if status.seconds_left is None else f", about {_time_left(status.seconds_left)} left"
    if not status.stage:
        return "writes its results"
    return f"{status.share:.0%}, {status.stage}: {status.parts_made:,} of {plural(status.parts, 'part')}{left}"


def _time_left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else duration(timedelta(seconds=seconds))


def _summarize(given: Namespace, counts: dict[str, float]) -> None:
    """Write a summary to standard output."""
    emit(
        json.dumps({**counts, "output": given.output}) + "\n" if given.json else f"{given.output}: {_counted(counts)}\n"
    )


def _counted(counts: dict[str, Any]) -> str:
    """Return the counts of a manifest in words."""
    articles, refused = plural(counts["articles"], "article"), counts["refused_articles"]
    pairs = plural(counts["near_duplicate_pairs"], "pair")
    if "stories" in counts:
        copies = plural(counts["articles"] - counts["near_duplicate_groups"], "copy", "copies")
        stories = plural(counts["stories"], "story", "stories")
        summary = f"{articles} in {stories} of {plural(counts['episodes'], 'episode')}, {copies}"
    else:
        summary = f"{articles}, {pairs} of near-duplicates, {plural(counts['removed'], 'copy', 'copies')} to remove"
    summary += f", {refused:,} refused" if refused else ""
    dates = counts["refused_dates"]
    return summary + (f", {dates:,} with a date that is none" if dates else "")


class _Rows(Iterable[Line]):
    """The rows of a table, read each time they are asked for."""

    def __init__(self, rows: Callable[[], Iterator[dict[str, Any]]]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Line]:
        yield from self._rows()


def results(given: Namespace, console: Console) -> None:  # noqa: ARG001 (as every command)
    """`dedup archive results`."""
    output = Output(given.output, given.to, ("jsonl", "csv", "text"))
    require_packages()
    from dedup.archive.results import columns_of_table, rows_of_table, table_named

    with _bad_input():
        table = table_named(given.results, given.table)
        if output.form != "text":
            columns = columns_of_table(given.results, table)
            output.write_rows(columns, _Rows(lambda: rows_of_table(given.results, table)))
            return
        if table not in TOLD:
            raise BadInputError(f"the table {table} has no text for people; allowed: --table {' or '.join(TOLD)}")
        output.write_text(_line(row, TOLD[table]) for row in rows_of_table(given.results, table))


def _line(row: dict[str, Any], name: str) -> str:
    """Return a story or an episode as a line for people."""
    first, last = row["first"], row["last"]
    moments: list[datetime | None] = [first, last]
    return f"{visible_line(row[name], 40):>8} {told(row['size'], *moments)}{visible(row['headline'])}\n"
