"""Input files -> articles in canonical order, in slices that depend on the articles alone."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.archive.arrow import read_rows, read_table, to_bytes, to_texts, write_table
from dedup.archive.job import Job
from dedup.archive.parts import Order, ReadBlock, Slice
from dedup.arrays import Floats, Hashes, Integers, joined
from dedup.article import Article, read_articles
from dedup.inputs.blocks import Block, rows_of_block
from dedup.residue.recurring import samples, source_salts
from dedup.residue.titles import titles_of
from dedup.wording import headline_of

#: Most articles and most characters of a slice. Dated and undated articles share none.
SLICE_ARTICLES, SLICE_CHARACTERS = 1 << 14, 1 << 27

#: File of the working folder with the blocks of the inputs.
BLOCKS = "blocks.json"

_FIELDS = ("id", "text", "title", "published", "source", "url", "language")
_SCHEMA = pa.schema([(name, pa.binary()) for name in _FIELDS])
SUMMARIES = pa.schema([(name, pa.binary()) for name in ("id", "published", "source", "headline")])


def blocks_of_job(job: Job) -> list[Block]:
    """Return the blocks of the inputs."""
    return [Block(*fields) for fields in json.loads((Path(job.folder) / BLOCKS).read_text("utf-8"))]


def read_block(job: Job, number: int, folder: Path) -> None:
    """Task: check the articles of a block, and sort them."""
    block, rows_read = blocks_of_job(job)[number], [0]
    try:
        batch = read_articles(_with_ids(rows_of_block(block, _FIELDS), rows_read), timezone=job.timezone)
    except (TypeError, ValueError) as error:  # some, as those of JSON, cannot be made of a message alone
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{block.place(rows_read[0])}: {error}") from error
    articles = [batch.articles[i] for i in batch.order]
    part = ReadBlock(folder)
    write_table(part.articles, _table(articles))
    part.save(
        days=np.array([article.day for article in articles], dtype=np.float64),
        sizes=np.array([len(article.title) + len(article.text) for article in articles], dtype=np.int64),
        salts=source_salts([article.source for article in articles]),
    )


def _with_ids(rows: Iterator[dict[str, Any]], rows_read: list[int]) -> Iterator[dict[str, Any]]:
    """Yield rows and count them in `rows_read`; refuse one without an id."""
    for row in rows:
        rows_read[0] += 1
        if row.get("id") is None:
            raise ValueError("field 'id' is missing; allowed: str or int, of its own for each article of all files")
        yield row


def _or_null(text: str | None) -> bytes | None:
    return None if text is None else to_bytes(text)


def _table(articles: Sequence[Article]) -> pa.Table:
    columns = {
        **{name: [to_bytes(getattr(article, name)) for article in articles] for name in ("id", "text", "title")},
        "published": [article.published and article.published.isoformat().encode() for article in articles],
        **{name: [_or_null(getattr(article, name)) for article in articles] for name in ("source", "url", "language")},
    }
    return pa.table(columns, schema=_SCHEMA)


def order_articles(job: Job, _: int, folder: Path) -> None:
    """Task: the position of each article in canonical order, and the bounds of the slices."""
    blocks = [ReadBlock.of(job, number) for number in range(len(blocks_of_job(job)))]
    days = joined([block.days for block in blocks], np.float64)
    # Combined, ids are copied: as they are read, each keeps its whole batch of articles in memory.
    columns = [read_table(block.articles, ["id"])["id"].combine_chunks() for block in blocks]
    ids = pa.chunked_array(columns, type=pa.binary())
    _require_unique(ids)
    table = pa.table({"day": pa.array(days, from_pandas=True), "id": ids})
    sorting = pc.sort_indices(table, sort_keys=[("day", "ascending"), ("id", "ascending")])  # nulls, undated, last
    order = sorting.to_numpy().astype(np.int64)
    positions = np.empty(len(days), dtype=np.int64)
    positions[order] = np.arange(len(days))
    days, salts = days[order], joined([block.salts for block in blocks], np.uint64)[order]
    part = Order(folder)
    part.save(
        positions=positions,
        block_offsets=np.cumsum([0, *(len(block.days) for block in blocks)]),
        bounds=_slice_bounds(days, joined([block.sizes for block in blocks], np.int64)[order]),
        days=days,
        salts=salts,
    )
    if job.settings.cut_residue:
        groups = list(samples(salts))
        part.save(sample_offsets=np.cumsum([0, *map(len, groups)]))
        part.save(sampled=joined(groups, np.int64))


def _require_unique(ids: pa.ChunkedArray) -> None:
    counted = pc.value_counts(ids)
    repeated = counted.filter(pc.greater(counted.field("counts"), 1))
    if len(repeated):
        name, count = repeated[0]["values"].as_py().decode("utf-8", "replace"), repeated[0]["counts"]
        raise ValueError(f"paths: {count} articles have the id {name!r}; allowed: ids that occur once in all files")


def _slice_bounds(days: Floats, sizes: Integers) -> Integers:
    """Return where slices begin, and the end; no articles are one slice."""
    total = np.concatenate([[0], np.cumsum(sizes)])
    dated = int(np.searchsorted(days, np.inf))
    bounds = [0] if len(days) else [0, 0]
    while (first := bounds[-1]) < len(days):
        longest = int(np.searchsorted(total, total[first] + SLICE_CHARACTERS, side="right")) - 1
        stop = min(first + SLICE_ARTICLES, max(longest, first + 1), len(days))
        bounds.append(dated if first < dated < stop else stop)
    return np.array(bounds, dtype=np.int64)


def slices_of(job: Job) -> range:
    """Return the numbers of all slices."""
    return range(len(Order.of(job).bounds) - 1)


def positions_of(job: Job, number: int) -> slice:
    """Return the positions of the articles of a slice."""
    bounds = Order.of(job).bounds
    return slice(int(bounds[number]), int(bounds[number + 1]))


def salts_of(job: Job, number: int) -> Hashes:
    """Return a hash of the source of each article of a slice."""
    return np.array(Order.of(job).salts[positions_of(job, number)])


def is_undated(job: Job, number: int) -> bool:
    """Return whether the articles of a slice have no date; such slices come last."""
    return bool(np.isnan(Order.of(job).days[positions_of(job, number)]).any())


def write_slice(job: Job, number: int, folder: Path) -> None:
    """Task: the articles of a slice, from all blocks that have some."""
    own, order, part = positions_of(job, number), Order.of(job), Slice(folder)
    offsets, positions = order.block_offsets, order.positions
    tables, found = [_SCHEMA.empty_table()], [np.empty(0, dtype=np.int64)]
    for block in range(len(offsets) - 1):
        of_block = positions[offsets[block] : offsets[block + 1]]  # ascending, since a block is sorted
        first, stop = np.searchsorted(of_block, [own.start, own.stop])
        if first < stop:
            tables.append(read_rows(ReadBlock.of(job, block).articles, int(first), int(stop)))
            found.append(of_block[first:stop])
    table = pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate(found))))
    titles, texts = to_texts(table["title"]), to_texts(table["text"])
    headlines = [to_bytes(headline_of(title, text)) for title, text in zip(titles, texts, strict=True)]
    summaries = [table["id"], table["published"], table["source"], headlines]
    write_table(part.articles, table)
    write_table(part.summaries, pa.table(summaries, schema=SUMMARIES))
    if job.settings.cut_residue:
        keys = titles_of(titles, salts_of(job, number), job.settings.near.fold)
        part.save(openings=keys.openings.keys, whole=keys.whole.keys, title_sizes=keys.sizes)


def articles_of(job: Job, number: int) -> pa.Table:
    """Return the articles of a slice."""
    return read_table(Slice.of(job, number).articles)
