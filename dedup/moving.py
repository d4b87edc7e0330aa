"""An index from another one, or from stories that are known."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import tzinfo
from hashlib import blake2b
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dedup.article import read_articles
from dedup.components import numbered_by_first
from dedup.grouped import Grouped
from dedup.progress import Report
from dedup.store.file import UNFINISHED
from dedup.store.opening import name_of, open_store, read_about
from dedup.store.protocol import Store
from dedup.stream.arrival import meet
from dedup.stream.assigner import Assigner
from dedup.stream.door import check_articles
from dedup.stream.ledger import Ledger
from dedup.stream.memory import TEXTS_AT_ONCE
from dedup.stream.records import encoded

_log = logging.getLogger(__name__)

_NODES_AT_ONCE = 256


class TableSum(NamedTuple):
    """How many rows, and a sum over their contents that does not depend on their order."""

    rows: int
    checksum: str


def copy_index(source: str | Path, target: str | Path) -> dict[str, TableSum]:
    """Copy an index to another file or database, with all that it knows, under the same numbers.

    Parameters
    ----------
    source : str or Path
        As `StoryIndex` takes it; others may write to it meanwhile, and what they write from then on is not copied.
    target : str or Path
        Where there is no index yet, but for what a copy that was interrupted left.

    Returns
    -------
    dict of str to TableSum
        Of each table, read from the target when all was written, and equal to that of the source.

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
    _log.info("copying %s to %s", name_of(source), name_of(target))
    origin = open_store(source, parameters, versions, read_only=True)
    try:
        copy = open_store(target, parameters | {UNFINISHED: "True"}, versions)
        try:
            # All that is copied is one transaction, which ends with the mark of an unfinished copy.
            with origin.snapshot(), copy.transaction():
                if copy.counters() != (1, 1, -np.inf):
                    raise ValueError(f"{name_of(target)} has an index already; allowed: where there is none")
                _copy(origin, copy)
                expected, found = _sums(origin), _sums(copy)
                if found != expected:
                    raise RuntimeError(f"the copy of {name_of(source)} has {found}, not {expected}; nothing was stored")
                copy.finish()
        finally:
            copy.close()
    finally:
        origin.close()
    _log.info("%d articles copied", found["articles"].rows)
    return found


def _copy(source: Store, target: Store) -> None:
    target.add_aliases(source.aliases())
    for some in _parts(source.before(np.inf)):
        rows, traits = source.rows(some), source.traits(some)
        target.insert([(rows[node], traits[node]) for node in some])
    for name in source.learned_sources():
        target.set_habits(name, source.habits(name))
    node, story, latest = source.counters()
    target.set_counters(node, story)
    if np.isfinite(latest):
        target.set_latest(latest)


def _sums(store: Store) -> dict[str, TableSum]:
    """What each table has."""
    nodes = store.before(np.inf)
    tables: dict[str, Iterable[Any]] = {
        "articles": _of_nodes(store.rows, nodes),
        "traits": ((node, *_plain(traits)) for node, traits in _of_nodes(store.traits, nodes)),
        "stories": store.aliases(),
        "habits": ((name, *_plain(store.habits(name))) for name in store.learned_sources()),
        "counters": [store.counters()],
    }
    return {name: _sum(rows) for name, rows in tables.items()}


def _of_nodes(ask: Any, nodes: list[int]) -> Iterator[Any]:
    return chain.from_iterable(ask(some).items() for some in _parts(nodes))


def _parts(nodes: list[int]) -> Iterator[list[int]]:
    return (nodes[i : i + _NODES_AT_ONCE] for i in range(0, len(nodes), _NODES_AT_ONCE))


def _plain(values: Iterable[Any]) -> Iterator[Any]:
    """Values of which arrays are bytes."""
    return (value.tobytes() if isinstance(value, np.ndarray) else value for value in values)


def _sum(rows: Iterable[Any]) -> TableSum:
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(blake2b(repr(row).encode(), digest_size=16).digest())
    return TableSum(count, f"{total % 2**128:032x}")


def take_over(
    ledger: Ledger, assigner: Assigner, grouped: Grouped, timezone: str | tzinfo | None, report: Report
) -> None:
    """Put articles of which the stories are known into an empty index, within an open transaction.

    The story of label k gets the number k + 1. Similarities are measured as if the articles had come in canonical
    order, with what is known of sites from the batch.
    """
    articles, labels, near_duplicate_labels, _ = grouped
    checked = check_articles(articles, timezone)
    order = np.array(read_articles(checked, timezone=timezone).order, dtype=np.int64)
    cut = ledger.settings.cut_residue
    nodes = ledger.next_node + np.arange(len(order))
    copies = numbered_by_first(near_duplicate_labels[order])
    speakers = nodes[np.unique(copies, return_index=True)[1][copies]] if len(order) else nodes
    numbers, n_stories = ledger.next_story + labels[order], int(labels.max(initial=-1)) + 1
    ledger.store.add_stories(range(ledger.next_story, ledger.next_story + n_stories))
    ledger.next_story += n_stories
    for a, b in pairwise([*range(0, len(order), TEXTS_AT_ONCE), len(order)]):
        places = order[a:b].tolist()
        fields = [encoded(checked[i]) for i in places]
        some = [replace(checked[i], residue=articles[i].residue if cut else ()) for i in places]
        arrivals = meet(ledger, some, speakers[a:b])
        ledger.live.nodes.settle(arrivals.nodes, numbers[a:b])
        ledger.sizes.update(numbers[a:b][speakers[a:b] == arrivals.nodes].tolist())
        ledger.store.insert(assigner.rows(some, fields, arrivals))
        ledger.live.window.advance(ledger.next_node)
        report(b / len(order))
    ledger.store.set_norms(*ledger.live.measure_again())
    ledger.sites.learn(0)
