"""Input files -> articles in canonical order, in slices that depend on the articles alone."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.archive.arrow import read_batch, read_rows, write_table
from dedup.archive.inputs import Block, rows_of
from dedup.archive.job import Job, load, mapped, part, save
from dedup.article import Article, read_articles
from dedup.residue.recurring import samples, source_salts
from dedup.residue.titles import titles_of
from dedup.wording import headline_of

#: A slice ends before so many articles or so many characters are in it, and where the dated ones end.
SLICE_ARTICLES, SLICE_CHARACTERS = 1 << 14, 1 << 27

_FIELDS = ("id", "text", "title", "published", "source")
_SCHEMA = pa.schema([(name, pa.binary()) for name in _FIELDS])
OUTLINES = pa.schema([(name, pa.binary()) for name in ("id", "published", "source", "headline")])


def read_block(job: Job, number: int, folder: Path) -> None:
    """Task: check the articles of a block, and sort them."""
    block = Block(*json.loads((Path(job.folder) / "blocks.json").read_text("utf-8"))[number])
    seen = [0]
    try:
        batch = read_articles(_with_ids(rows_of(block, _FIELDS), seen), timezone=job.timezone, warns=False)
    except (TypeError, ValueError) as error:  # of which some, as those of JSON, are not made of a message alone
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{block.place(seen[0])}: {error}") from error
    articles = [batch.articles[i] for i in batch.order]
    write_table(folder / "articles.arrow", _table(articles))
    save(
        folder,
        days=np.array([article.day for article in articles], dtype=np.float64),
        sizes=np.array([len(article.title) + len(article.text) for article in articles], dtype=np.int64),
        salts=source_salts([article.source for article in articles]),
    )


def _with_ids(rows: Iterator[dict[str, Any]], seen: list[int]) -> Iterator[dict[str, Any]]:
    """Rows that all have an id; `seen` counts them."""
    for row in rows:
        seen[0] += 1
        if row.get("id") is None:
            raise ValueError("field 'id' is missing; allowed: str or int, of its own for each article of all files")
        yield row


def _table(articles: Sequence[Article]) -> pa.Table:
    """Articles as bytes: Arrow's text cannot hold the lone surrogates that broken feeds carry."""
    columns = {
        "id": [_bytes(article.id) for article in articles],
        "text": [_bytes(article.text) for article in articles],
        "title": [_bytes(article.title) for article in articles],
        "published": [article.published and article.published.isoformat().encode() for article in articles],
        "source": [None if article.source is None else _bytes(article.source) for article in articles],
    }
    return pa.table(columns, schema=_SCHEMA)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def order(job: Job, _: int, folder: Path) -> None:
    """Task: the place of each article in canonical order, and where the slices end."""
    numbers = range(len(json.loads((Path(job.folder) / "blocks.json").read_text("utf-8"))))
    types = {"days": np.float64, "sizes": np.int64, "salts": np.uint64}
    days, sizes, salts = (
        np.concatenate([np.empty(0, dtype), *(load(job, "read", number, name)[0] for number in numbers)])
        for name, dtype in types.items()
    )
    # Combined, ids are copied: as they are read, each keeps its whole batch of articles in memory.
    paths = (part(job, "read", number) / "articles.arrow" for number in numbers)
    ids = pa.chunked_array([read_batch(path, ["id"])["id"].combine_chunks() for path in paths], type=pa.binary())
    _require_own_ids(ids)
    table = pa.table({"day": pa.array(days, from_pandas=True), "id": ids})
    sorting = pc.sort_indices(table, sort_keys=[("day", "ascending"), ("id", "ascending")])  # nulls, undated, last
    sorted_places = sorting.to_numpy().astype(np.int64)
    positions = np.empty(len(days), dtype=np.int64)
    positions[sorted_places] = np.arange(len(days))
    counts = [len(load(job, "read", number, "days")[0]) for number in numbers]
    days, salts = days[sorted_places], salts[sorted_places]
    save(
        folder,
        positions=positions,
        block_offsets=np.cumsum([0, *counts]),
        bounds=_slice_bounds(days, sizes[sorted_places]),
        days=days,
        salts=salts,
    )
    if job.settings.cut_residue:
        groups = list(samples(salts))
        save(
            folder,
            sampled=np.concatenate([np.empty(0, dtype=np.int64), *groups]),
            sample_offsets=np.cumsum([0, *map(len, groups)]),
        )


def _require_own_ids(ids: pa.ChunkedArray) -> None:
    counted = pc.value_counts(ids)
    repeated = counted.filter(pc.greater(counted.field("counts"), 1))
    if len(repeated):
        name, count = repeated[0]["values"].as_py().decode("utf-8", "replace"), repeated[0]["counts"]
        raise ValueError(f"paths: {count} articles have the id {name!r}; allowed: ids that occur once in all files")


def _slice_bounds(days: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where slices begin, and the end; there is a slice even of no articles."""
    total = np.concatenate([[0], np.cumsum(sizes)])
    dated = int(np.searchsorted(days, np.inf))
    bounds = [0] if len(days) else [0, 0]
    while (first := bounds[-1]) < len(days):
        longest = int(np.searchsorted(total, total[first] + SLICE_CHARACTERS, side="right")) - 1
        stop = min(first + SLICE_ARTICLES, max(longest, first + 1), len(days))
        bounds.append(dated if first < dated < stop else stop)
    return np.array(bounds, dtype=np.int64)


def slice_count(job: Job) -> int:
    """How many slices there are."""
    return len(mapped(job, "order", "bounds")) - 1


def positions_of(job: Job, number: int) -> slice:
    """The positions of the articles of a slice."""
    bounds = mapped(job, "order", "bounds")
    return slice(int(bounds[number]), int(bounds[number + 1]))


def is_undated(job: Job, number: int) -> bool:
    """Whether the articles of a slice have no date; they come last."""
    return bool(np.isnan(mapped(job, "order", "days")[positions_of(job, number)]).any())


def arrange(job: Job, number: int, folder: Path) -> None:
    """Task: the articles of a slice, from all blocks that have some."""
    places = positions_of(job, number)
    offsets, positions = mapped(job, "order", "block_offsets"), mapped(job, "order", "positions")
    tables, found = [_SCHEMA.empty_table()], [np.empty(0, dtype=np.int64)]
    for block in range(len(offsets) - 1):
        own = positions[offsets[block] : offsets[block + 1]]  # a block is sorted, so that these are too
        first, stop = np.searchsorted(own, [places.start, places.stop])
        if first < stop:
            path = part(job, "read", block) / "articles.arrow"
            tables.append(read_rows(path, int(first), int(stop)))
            found.append(own[first:stop])
    table = pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate(found))))
    write_table(folder / "articles.arrow", table)
    write_table(folder / "outlines.arrow", _outlines(table))
    if job.settings.cut_residue:
        titles = titles_of(texts_of(table, "title"), _salts(job, places), job.settings.near.fold)
        save(folder, openings=titles.openings.keys, whole=titles.whole.keys, title_sizes=titles.sizes)


def _outlines(table: pa.Table) -> pa.Table:
    """What is told of articles."""
    titles, texts = texts_of(table, "title"), texts_of(table, "text")
    headlines = [_bytes(headline_of(title, text)) for title, text in zip(titles, texts, strict=True)]
    return pa.table([table["id"], table["published"], table["source"], headlines], schema=OUTLINES)


def _salts(job: Job, places: slice) -> NDArray[np.uint64]:
    return np.array(mapped(job, "order", "salts")[places])


def articles_of(job: Job, number: int) -> pa.Table:
    """The articles of a slice."""
    return read_batch(part(job, "slices", number) / "articles.arrow")


def texts_of(table: pa.Table, column: str) -> list[str]:
    """A column of bytes as texts; nothing is the empty text."""
    return [(cell or b"").decode("utf-8", "surrogatepass") for cell in table[column].to_pylist()]
