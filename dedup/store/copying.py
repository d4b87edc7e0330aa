"""Copies of an index, from any store to any other."""

import logging
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dedup.arrays import slices
from dedup.store.opening import name_of, open_store, read_about
from dedup.store.protocol import Store
from dedup.store.serialization import to_bytes
from dedup.store.sqlite_file import UNFINISHED

_logger = logging.getLogger(__name__)

_NODES_AT_ONCE, _CHANGES_AT_ONCE = 256, 1 << 14

# `dedup.store.records.Row` with the column names of the tables, which are part of the checksums.
Row = namedtuple("Row", "node id digest day kept_by_day story speaker source fields page")


_Read = TypeVar("_Read")


class TableSum(NamedTuple):
    """The number of rows of a table, and a checksum of their contents that does not depend on their order."""

    rows: int
    checksum: str


def copy_index(source: str | Path, target: str | Path) -> dict[str, TableSum]:
    """Copy a whole index to another file or database; articles, episodes and stories keep their numbers.

    Parameters
    ----------
    source : str or Path
        As `StoryIndex` takes it; other processes may write to it meanwhile, and what they write from then on is not
        copied.
    target : str or Path
        Where there is no index yet, except what an interrupted copy left.

    Returns
    -------
    dict of str to TableSum
        Sum of each table, read from the target when everything was written, and equal to that of the source.

    Raises
    ------
    ValueError
        When there is no index to copy, or one at the target already.
    RuntimeError
        When what was written is not what was read.
    OSError
        When either cannot be read or written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from dedup import StoryIndex
    >>> with TemporaryDirectory() as folder:
    ...     with StoryIndex(f"{folder}/one.db") as index:
    ...         _ = index.add({"id": "a", "text": "The ECB raised its rates to 4 percent."})
    ...     copied = copy_index(f"{folder}/one.db", f"{folder}/other.db")
    ...     with StoryIndex(f"{folder}/other.db") as index:
    ...         copied["articles"].rows, index.story_id("a")
    (1, 's1')
    """
    for name, place in (("source", source), ("target", target)):
        if str(place) == ":memory:":
            raise ValueError(f"{name} is ':memory:'; allowed: a path or URL")
    parameters, versions = read_about(source)
    _logger.info("copying %s to %s", name_of(source), name_of(target))
    with (
        closing(open_store(source, parameters, versions, read_only=True)) as origin,
        closing(open_store(target, parameters | {UNFINISHED: "True"}, versions)) as copy,
        # Everything is copied in one transaction, which ends by removing the mark of an unfinished copy.
        origin.snapshot(),
        copy.transaction(),
    ):
        if copy.counters() != (1, 1, -np.inf):
            raise ValueError(f"{name_of(target)} has an index already; allowed: where there is none")
        _copy(origin, copy)
        expected, found = _read(origin, _sums, origin), _sums(copy)
        if found != expected:
            raise RuntimeError(f"the copy of {name_of(source)} has {found}, not {expected}; nothing was stored")
        copy.mark_complete()
    _logger.info("%d articles copied", found["articles"].rows)
    return found


def _copy(source: Store, target: Store) -> None:
    target.insert_episodes(_read(source, source.all_episodes))
    target.set_chapters(_read(source, source.chapters))
    for nodes in _blocks(_read(source, source.nodes_before, np.inf)):
        rows, features = _read(source, source.rows, nodes), _read(source, source.article_features, nodes)
        target.insert([(rows[node], features[node]) for node in nodes])
    target.add_ids(_read(source, source.other_ids))
    for name in _read(source, source.learned_sources):
        target.set_learned_residue(name, _read(source, source.learned_residue, name))
    last = 0
    while changes := _read(source, source.changes, last, _CHANGES_AT_ONCE):
        target.insert_changes(changes)
        last = changes[-1].cursor
    target.set_decisions(_read(source, source.decisions))
    target.set_counters(*_read(source, source.counters)[:2])


def _read(source: Store, get: Callable[..., _Read], *given: Any) -> _Read:
    """Read from the source; within the transaction of the target, an error is still told to be of the source."""
    with source.snapshot():
        return get(*given)


def _sums(store: Store) -> dict[str, TableSum]:
    """Return the sum of each table, under the name that the file of an index gives it."""
    nodes = store.nodes_before(np.inf)
    tables: dict[str, Iterable[Any]] = {
        "articles": ((node, Row(*row)) for node, row in _by_node(store.rows, nodes)),
        "traits": ((node, *to_bytes(features)) for node, features in _by_node(store.article_features, nodes)),
        "stories": store.all_episodes(),
        "chapters": store.chapters(),
        "changes": store.changes(0),
        "decisions": store.decisions(),
        "other_ids": store.other_ids(),
        "habits": ((name, *to_bytes(store.learned_residue(name))) for name in store.learned_sources()),
        "counters": [store.counters()],
    }
    return {name: _sum(rows) for name, rows in tables.items()}


def _by_node(get: Callable[[list[int]], dict[int, Any]], nodes: list[int]) -> Iterator[tuple[int, Any]]:
    return chain.from_iterable(get(block).items() for block in _blocks(nodes))


def _blocks(nodes: list[int]) -> Iterator[list[int]]:
    return (nodes[block] for block in slices(0, len(nodes), _NODES_AT_ONCE))


def _sum(rows: Iterable[Any]) -> TableSum:
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(blake2b(repr(row).encode(), digest_size=16).digest())
    return TableSum(count, f"{total % 2**128:032x}")
