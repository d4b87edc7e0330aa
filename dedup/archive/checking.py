"""Blocks of the input files -> checked articles, and a table of what is refused."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedup.archive.arrow import read_table, to_bytes, to_texts, write_table
from dedup.archive.job import Job
from dedup.archive.parts import ReadBlock
from dedup.arrays import Flags, Integers, run_starts
from dedup.article import FIELDS, Article, Batch, Columns, FieldError, Refusal, read_articles, repetition
from dedup.inputs.blocks import Block, place_of, rows_of_block
from dedup.wording import printable

_ALLOWED_ID = "allowed: str, int, UUID or bytes, of its own for each article of all files"

_DRAFT = pa.schema([("position", pa.int64()), *((name, pa.binary()) for name in ("id", "field", "value", "reason"))])
#: Columns of the table of refusals: the row among all rows of all files, and in its file, both from 0; then `Refusal`.
_REFUSALS = pa.schema(
    [("position", pa.int64()), ("file", pa.string()), ("row", pa.int64())]
    + [(name, pa.string()) for name in ("id", "field", "value", "reason")]
)


def checked_articles(job: Job, block: Block) -> tuple[Batch, Flags]:
    """Return the articles of a block, and whether it has the column that the caller names for each field.

    Raise TypeError or ValueError, which names the place in the input, when an article is not allowed. Where an id may
    repeat is settled once all are read; see `dedup.archive.ordering`.
    """
    reading, named, rows_read = job.reading, set[str](), [0]
    columns = Columns(reading.columns)

    def rows() -> Iterator[dict[str, Any] | FieldError]:
        for row in rows_of_block(block, columns):
            rows_read[0] += 1
            if isinstance(row, dict):
                named.update(reading.columns.keys() & row.keys())
            yield row

    try:
        batch = read_articles(
            rows(), timezone=job.timezone, errors=reading.errors, unique_ids=ids_are_unique(job), accept=_named
        )
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(_placed(str(error), block, rows_read[0])) from error
    return batch, np.array([field in named for field in FIELDS])


def _placed(message: str, block: Block, row: int) -> str:
    """Return a message about an article of a block with its file and row in place of its number."""
    about = re.match(r"article \d+", message)
    message = message[about.end() :] if about else f": {message}"
    if other := re.search(r"as that of article (\d+)(?=(;[^;]*)?$)", message):
        where = place_of(block, int(other[1]) + 1)
        message = f"{message[: other.start()]}as in {where}{message[other.end() :]}"
    return f"{place_of(block, max(row, 1))}{message}"


def ids_are_unique(job: Job) -> bool:
    """Return whether an id that repeats is an error."""
    return job.reading.errors != "skip" and job.reading.duplicates is None


def _named(article: Article, is_named: bool) -> Article:
    if not is_named:
        raise FieldError(f"field 'id' is missing; {_ALLOWED_ID}", field="id", value=None)
    return article


def require_named(job: Job, blocks: Sequence[ReadBlock]) -> None:
    """Refuse a column that the caller names and no article has."""
    if not any(int(block.size[0]) for block in blocks):
        return
    found = np.any([block.named for block in blocks], axis=0)
    for field, is_there in zip(FIELDS, found.tolist(), strict=True):
        if not is_there and (name := job.reading.columns.get(field)) is not None:
            raise ValueError(f"{field} is {name!r}, which no article has; allowed: a column of the files, or None")


class Repeated(NamedTuple):
    """Articles that are left out, since another one of their id stays."""

    places: Integers  # of those that are left out, block by block; ascending
    stays: Integers  # the row, among all rows of all files, of the article that each of them repeats


def repeated_among(job: Job, ids: pa.Array, rows: Integers) -> tuple[Integers, Integers]:
    """Return which of some articles are left out for another one of their id, and the rows that those repeat.

    `rows` are the places of the articles in the input, and decide which stays.
    """
    number = ids.dictionary_encode().indices.to_numpy().astype(np.int64)
    order = np.lexsort((rows, number))
    again = np.flatnonzero(number[order][1:] == number[order][:-1])  # and so is the next
    if job.reading.duplicates == "last":  # as in a batch, which reads one after the other
        return order[again], rows[order[again + 1]]
    starts = run_starts(number[order])
    first = order[np.repeat(starts, np.diff(starts, append=len(order)))]
    return order[again + 1], rows[first[again + 1]]


def refuse_repeated(ids: pa.Array) -> None:
    """Raise ValueError for the id of the first of some articles, which others have too."""
    count, name = pc.sum(pc.equal(ids, ids[0])), ids[0].as_py().decode("utf-8", "replace")
    raise ValueError(f"paths: {count} articles have the id {name!r}; allowed: ids that occur once in all files")


def write_block_refusals(refusals: Sequence[Refusal], path: Path) -> None:
    """Write the refusals of a block, by their positions in it."""
    cells = [(r.position, r.id, r.field, r.value, r.reason) for r in refusals]
    columns = dict(zip(_DRAFT.names, zip(*cells, strict=True), strict=True)) if cells else {}
    texts = {name: [None if c is None else to_bytes(c) for c in columns.get(name, ())] for name in _DRAFT.names[1:]}
    write_table(path, pa.table({"position": list(columns.get("position", ())), **texts}, schema=_DRAFT))


def write_refusals(
    job: Job, blocks: Sequence[Block], parts: Sequence[ReadBlock], repeated: Repeated, path: Path
) -> Integers:
    """Write the table of all refusals; return how many articles are left out, and of how many only the date is."""
    counts = np.zeros(2, dtype=np.int64)
    offset, of_file, place = 0, 0, 0
    with pq.ParquetWriter(path, _REFUSALS) as writer:
        for k, (block, part) in enumerate(zip(blocks, parts, strict=True)):
            if k and block.file != blocks[k - 1].file:
                of_file = offset
            rows = part.rows
            first, stop = np.searchsorted(repeated.places, [place, place + len(rows)])
            here, stays = repeated.places[first:stop] - place, repeated.stays[first:stop]
            own = [*_moved(part, offset), *_repetitions(part, here, rows[here] + offset, stays)]
            own.sort(key=lambda refusal: refusal.position)
            if own:
                writer.write_table(_table(own, block.file, of_file))
            undated = job.reading.errors == "undated"
            dates = sum(undated and refusal.field == "published" for refusal in own)
            counts += [len(own) - dates, dates]
            offset, place = offset + int(part.size[0]), place + len(rows)
    return counts


def _repetitions(part: ReadBlock, here: Integers, rows: Integers, stays: Integers) -> Iterator[Refusal]:
    """Yield the refusals of articles of a block whose ids the articles in the rows `stays` have."""
    if not len(here):
        return
    names = to_texts(read_table(part.ids)["id"].take(here))
    for name, row, other in zip(names, rows.tolist(), stays.tolist(), strict=True):
        yield repetition(name, other).refusal(row, name, is_named=True)


def _moved(part: ReadBlock, offset: int) -> list[Refusal]:
    """Return the refusals of a block by their positions among all rows."""
    moved = []
    for row in read_table(part.refusals).to_pylist():
        before = row.pop("position")
        position = before + offset
        texts = {name: None if c is None else c.decode("utf-8", "surrogatepass") for name, c in row.items()}
        reason = f"article {position}{str(texts['reason']).removeprefix(f'article {before}')}"
        moved.append(Refusal(position, reason, texts["id"], texts["field"], texts["value"] or ""))
    return moved


def _table(refusals: Sequence[Refusal], file: str, of_file: int) -> pa.Table:
    columns: dict[str, list[Any]] = {"position": [refusal.position for refusal in refusals]}
    columns |= {"file": [file] * len(refusals), "row": [position - of_file for position in columns["position"]]}
    for name in ("id", "field", "value", "reason"):
        cells = (getattr(refusal, name) for refusal in refusals)
        columns[name] = [None if cell is None else printable(cell) for cell in cells]
    return pa.table(columns, schema=_REFUSALS)
