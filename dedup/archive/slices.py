"""Input files -> checked articles, in blocks; and those, once in canonical order, in slices."""

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa

from dedup.archive.arrow import read_rows, read_table, to_bytes, to_texts, write_table
from dedup.archive.checking import checked_articles, write_block_refusals
from dedup.archive.job import Job
from dedup.archive.parts import Order, ReadBlock, Slice, Unpacked
from dedup.arrays import Flags, Hashes, Integers
from dedup.article import Article
from dedup.inputs.blocks import Block, blocks_of_lines, is_read_whole, unpack
from dedup.residue.recurring import source_salts
from dedup.residue.titles import titles_of
from dedup.wording import headline_of

#: Most articles and most characters of a slice. Dated and undated articles share none.
SLICE_ARTICLES, SLICE_CHARACTERS = 1 << 14, 1 << 27

#: File of the working folder with the blocks of the inputs.
BLOCKS = "blocks.json"

_FIELDS = ("id", "text", "title", "published", "source", "url", "language")
_SCHEMA = pa.schema([(name, pa.binary()) for name in _FIELDS])
SUMMARIES = pa.schema([(name, pa.binary()) for name in ("id", "published", "source", "headline")])


def _inputs_of(job: Job) -> list[Block]:
    """Return the blocks of the inputs, a packed file or a feed as one."""
    return [Block(*fields) for fields in json.loads((Path(job.folder) / BLOCKS).read_text("utf-8"))]


def packed_of_job(job: Job) -> list[Block]:
    """Return the inputs that are packed, or feeds."""
    return list(filter(is_read_whole, _inputs_of(job)))


def unpack_input(job: Job, number: int, folder: Path) -> None:
    """Task: write the lines of a file of which nobody can read a part."""
    part = Unpacked(folder)
    part.save(size=np.array([unpack(packed_of_job(job)[number].path, part.articles)]))


def blocks_of_job(job: Job) -> list[Block]:
    """Return the blocks of the inputs, once those that are packed, or feeds, are files of lines."""
    blocks, packed = list[Block](), 0
    for block in _inputs_of(job):
        if is_read_whole(block):
            part = Unpacked.of(job, packed)
            blocks += blocks_of_lines(str(part.articles), int(part.size[0]), block.path)
            packed += 1
        else:
            blocks.append(block)
    return blocks


def read_block(job: Job, number: int, folder: Path) -> None:
    """Task: check the articles of a block, and sort them."""
    batch, named = checked_articles(job, blocks_of_job(job)[number])
    articles = [batch.articles[i] for i in batch.order]
    part = ReadBlock(folder)
    table = _table(articles)
    write_table(part.articles, table)
    write_table(part.ids, table.select(["id"]))
    write_block_refusals(batch.refusals, part.refusals)
    part.save(
        days=np.array([article.day for article in articles], dtype=np.float64),
        sizes=np.array([len(article.title) + len(article.text) for article in articles], dtype=np.int64),
        salts=source_salts([article.source for article in articles]),
        id_hashes=np.array([_hash_of(article.id) for article in articles], dtype=np.uint64),
        rows=np.array([batch.positions[i] for i in batch.order], dtype=np.int64),
        size=np.array([batch.size]),
        named=named,
    )


def _hash_of(article_id: str) -> int:
    return int.from_bytes(blake2b(to_bytes(article_id), digest_size=8).digest(), "big")


def _or_null(text: str | None) -> bytes | None:
    return None if text is None else to_bytes(text)


def _table(articles: Sequence[Article]) -> pa.Table:
    columns = {
        "id": [to_bytes(article.id) for article in articles],
        # Plain from here on: no result of a job has texts, and HTML is read once.
        "text": [to_bytes(article.plain_text) for article in articles],
        "title": [to_bytes(article.plain_title) for article in articles],
        "published": [article.published and article.published.isoformat().encode() for article in articles],
        **{name: [_or_null(getattr(article, name)) for article in articles] for name in ("source", "url", "language")},
    }
    return pa.table(columns, schema=_SCHEMA)


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


def bounds_of(job: Job) -> Integers:
    """Return where all slices begin, and the end; opening the file for each slice would take longer than most tasks."""
    return np.array(Order.of(job).bounds)


def are_undated(job: Job) -> Flags:
    """Return whether the articles of each slice have no date; such slices come last, and dated articles are in none."""
    days, starts = Order.of(job).days, bounds_of(job)[:-1]
    return np.isnan(days[starts]) if len(days) else np.zeros(len(starts), dtype=np.bool_)


def write_slice(job: Job, number: int, folder: Path) -> None:
    """Task: the articles of a slice, from all blocks that have some."""
    own, order, part = positions_of(job, number), Order.of(job), Slice(folder)
    offsets, positions = order.block_offsets, order.positions
    tables, found = [_SCHEMA.empty_table()], [np.empty(0, dtype=np.int64)]
    for block in _blocks_with(own, offsets, positions):
        of_block = positions[offsets[block] : offsets[block + 1]]  # ascending, since a block is sorted
        first, stop = np.searchsorted(of_block, [own.start, own.stop])
        if first < stop:
            kept = np.flatnonzero(~order.left_out[offsets[block] + first : offsets[block] + stop])
            rows = read_rows(ReadBlock.of(job, block).articles, int(first), int(stop))
            tables.append(rows.take(kept) if len(kept) < len(rows) else rows)
            found.append(of_block[first:stop][kept])
    table = pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate(found))))
    titles, texts = to_texts(table["title"]), to_texts(table["text"])
    headlines = [to_bytes(headline_of(title, text)) for title, text in zip(titles, texts, strict=True)]
    summaries = [table["id"], table["published"], table["source"], headlines]
    write_table(part.articles, table)
    write_table(part.summaries, pa.table(summaries, schema=SUMMARIES))
    if job.settings.cut_residue:
        keys = titles_of(titles, salts_of(job, number), job.settings.near.fold)
        part.save(openings=keys.openings.keys, title_sizes=keys.openings.sizes, whole=keys.whole.keys)


def _blocks_with(own: slice, offsets: Integers, positions: Integers) -> list[int]:
    """Return the blocks that may have articles at these positions."""
    filled = np.flatnonzero(np.diff(offsets))
    first, last = positions[offsets[filled]], positions[offsets[filled + 1] - 1]
    found: list[int] = filled[(first < own.stop) & (last >= own.start)].tolist()
    return found


def articles_of(job: Job, number: int) -> pa.Table:
    """Return the articles of a slice."""
    return read_table(Slice.of(job, number).articles)
