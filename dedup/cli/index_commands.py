"""The commands that work on an index: ingest, stories."""

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import dedup
from dedup.article import Errors, id_of, read_date, read_zone
from dedup.cli.console import BadInputError, Console, emit, flush
from dedup.cli.parser_parts import given_parameters
from dedup.cli.reading import Reading, Record
from dedup.cli.rows import story_lines, story_row
from dedup.cli.writing import json_line
from dedup.inputs import InputError
from dedup.store.opening import made_with, name_of
from dedup.wording import plural

_OUTCOMES = {"new_story": "new stories", "report": "reports", "near_duplicate": "near-duplicates"}
_OUTCOMES |= {name: name for name in ("updated", "unchanged")}


def ingest(given: Namespace, console: Console) -> None:
    """`dedup ingest`."""
    if given.batch_size < 1:
        raise BadInputError(f"--batch-size is {given.batch_size}; allowed: an integer of at least 1")
    reading = Reading(given, console)
    counts = Counter[str]()
    progress = console.progress("ingesting")
    with _opened(given.index, **given_parameters(given)) as index:
        try:
            for batch in _batches(reading, given.batch_size):
                for assignment in _add(index, batch, reading, given.errors):
                    counts[assignment.outcome] += 1
                    if given.json:
                        emit(json_line(asdict(assignment)))
                flush()  # before waiting for the next batch
                progress(counts.total(), None)
        except InputError as error:
            raise BadInputError(f"{error} (stored before: {plural(counts.total(), 'article')})") from error
        live = len(index)
    outcomes = ", ".join(f"{counts[outcome]:,} {name}" for outcome, name in _OUTCOMES.items())
    summary = f"{plural(counts.total(), 'article')}: {outcomes}, {reading.refused:,} refused"
    summary += f", {reading.undated:,} with a date that is none" if reading.undated else ""
    summary += f"; {live:,} in {name_of(given.index)}"
    if not given.json:
        emit(f"{summary}\n")
    elif console.is_terminal:
        console.note(summary)


def _add(index: dedup.StoryIndex, batch: list[Record], reading: Reading, errors: Errors) -> list[dedup.Assignment]:
    items = [record.item for record in batch]
    with reading.placing(batch):
        if errors == "raise":
            return index.add_many(items)
        assignments, refusals = index.add_many(items, errors=errors)
    reading.tell(refusals, batch)
    return assignments


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """Yield batches of records in which no id repeats: the second article of an id is an update in any case."""
    batch: list[Record] = []
    ids: set[str] = set()
    for record in records:
        own = {name for name in [id_of(record.item)] if name is not None}
        if len(batch) == size or ids & own:
            yield batch
            batch, ids = [], set()
        batch.append(record)
        ids |= own
    if batch:
        yield batch


def _opened(path: str, **parameters: Any) -> dedup.StoryIndex:
    """Open an index with the given parameters, and otherwise those that it was made with."""
    try:
        return dedup.StoryIndex(path, **made_with(path) | parameters)
    except (TypeError, ValueError) as error:
        raise BadInputError(str(error)) from error


def stories(given: Namespace, console: Console) -> None:  # noqa: ARG001 (as every command)
    """`dedup stories`."""
    if "://" not in given.index and not os.path.exists(given.index):
        raise BadInputError(f"{given.index}: there is no such file")
    since = None if given.since is None else _moment(given.since, given.timezone)
    with _opened(given.index, read_only=True, **given_parameters(given)) as index:
        try:
            found = index.stories(since=since, min_size=given.min_size, limit=given.limit)
        except (TypeError, ValueError) as error:
            raise BadInputError(str(error)) from error
        for story in found:
            if given.json:
                emit(json_line(story_row(story)))
            else:
                emit(story_lines(story))


def _moment(text: str, timezone: str | None) -> Any:
    """Read a time as that of an article."""
    try:
        moment = read_date(text, read_zone(timezone))
    except (TypeError, ValueError) as error:
        raise BadInputError(f"--since is {text!r}; {error}") from error
    if moment is None:
        raise BadInputError(f"--since is {text!r}; allowed: a time, as 2023-09-12T08:00+02:00")
    return moment
