"""Articles -> their texts without residue, and what near-duplicates are found by."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.archive.arrow import read_batch, write_batches, write_table
from dedup.archive.job import Job, load, mapped, part, save
from dedup.archive.slices import articles_of, positions_of, slice_count, texts_of
from dedup.arrays import SortedKeys
from dedup.article import Article
from dedup.near.lsh import Bands, band_keys
from dedup.near.pipeline import read
from dedup.residue.find import Span, mark_residue
from dedup.residue.recurring import Recurring, learn_some
from dedup.residue.titles import Titles
from dedup.text.limit import readable_texts

_TEXTS = pa.schema([("position", pa.int64()), ("id", pa.binary()), ("text", pa.binary())])


def scatter(path: Path, table: pa.Table, goals: NDArray[np.int64], n: int) -> None:
    """Write rows for other parts, each of which reads its own batch.

    Parameters
    ----------
    path : Path
    table : Table
        With a column "position", ascending.
    goals : ndarray of int64, shape (n_rows,)
        Which part each row is for.
    n : int
        How many parts there are.
    """
    order = np.argsort(goals, kind="stable")
    ordered = table.take(order).combine_chunks()
    bounds = np.searchsorted(goals[order], np.arange(n + 1)).tolist()
    empty = pa.record_batch([pa.array([], field.type) for field in table.schema], schema=table.schema)
    write_batches(
        path,
        table.schema,
        (next(iter(ordered.slice(first, stop - first).to_batches()), empty) for first, stop in pairwise(bounds)),
    )


def gather(job: Job, stage: str, number: int) -> pa.Table:
    """The rows that the parts of a stage have for this one, by position."""
    parts = (part(job, stage, k) / "texts.arrow" for k in range(slice_count(job)))
    return pa.concat_tables([read_batch(path, number=number) for path in parts])


def sample(job: Job, number: int, folder: Path) -> None:
    """Task: the texts of a slice that residue is learned from."""
    places, sampled, offsets = positions_of(job, number), *_samples(job)
    here = np.flatnonzero((sampled >= places.start) & (sampled < places.stop))
    here = here[np.argsort(sampled[here])]
    group = np.searchsorted(offsets, here, side="right") - 1
    texts = articles_of(job, number).select(["text"]).take(sampled[here] - places.start)
    table = texts.add_column(0, "position", pa.array(sampled[here]))
    scatter(folder / "texts.arrow", table, group, len(offsets) - 1)


def _samples(job: Job) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sampled, offsets = load(job, "order", 0, "sampled", "sample_offsets")
    return sampled, offsets


def sample_count(job: Job) -> int:
    """How many groups of sources there are."""
    return len(load(job, "order", 0, "sample_offsets")[0]) - 1


def learn(job: Job, number: int, folder: Path) -> None:
    """Task: what recurs in a group of sources."""
    sampled, offsets = _samples(job)
    wanted = sampled[offsets[number] : offsets[number + 1]]  # source by source
    table = gather(job, "sample", number)
    texts = texts_of(table.take(np.searchsorted(table["position"].to_numpy(), wanted)), "text")
    ordered = [text[: job.settings.max_chars] for text in texts]
    salts = np.array(mapped(job, "order", "salts")[wanted])
    learned = learn_some(ordered, salts, n_jobs=1, fold=job.settings.near.fold)
    save(folder, keys=learned.keys, anywhere=learned.anywhere)


def collect(job: Job, _: int, folder: Path) -> None:
    """Task: what recurs in any source, and the titles of all articles."""
    learned = [load(job, "learn", k, "keys", "anywhere") for k in range(sample_count(job))]
    keys = np.concatenate([np.empty(0, dtype=np.uint64), *(keys for keys, _ in learned)])
    anywhere = np.concatenate([np.empty(0, dtype=np.bool_), *(anywhere for _, anywhere in learned)])
    recurring = Recurring(keys, anywhere).ascending()
    titles = {
        name: np.unique(np.concatenate([load(job, "slices", k, name)[0] for k in range(slice_count(job))]))
        for name in ("openings", "whole", "title_sizes")
    }
    save(folder, keys=recurring.keys, anywhere=recurring.anywhere, **titles)


def sketch(job: Job, number: int, folder: Path) -> None:
    """Task: the readable texts of a slice, and the keys of their buckets in each band and as whole signatures."""
    places, table = positions_of(job, number), articles_of(job, number)
    titles, bodies = texts_of(table, "title"), texts_of(table, "text")
    residue: list[list[Span]] = [[] for _ in bodies]
    if job.settings.cut_residue:
        residue = _residue(job, places, titles, bodies)
    articles = [
        Article("", body, title, residue=tuple(spans))
        for body, title, spans in zip(bodies, titles, residue, strict=True)
    ]
    texts = readable_texts(articles, job.settings.max_chars)
    cells = [text.encode("utf-8", "surrogatepass") for text in texts]
    write_table(
        folder / "texts.arrow", pa.table([np.arange(places.start, places.stop), table["id"], cells], schema=_TEXTS)
    )
    readings, bands = read(texts, job.settings.near, n_jobs=1), Bands.of(job.settings.near)
    banded = [readings.signatures[:, first : first + bands.rows] for first in bands.first_rows]
    keys = {f"keys_{band}": band_keys(own) for band, own in enumerate([*banded, readings.signatures])}
    save(folder, words=readings.shingles.lengths, **keys)


def _residue(job: Job, places: slice, titles: list[str], bodies: list[str]) -> list[list[Span]]:
    keys, anywhere, openings, whole, sizes = load(
        job, "collect", 0, "keys", "anywhere", "openings", "whole", "title_sizes"
    )
    return mark_residue(
        [body[: job.settings.max_chars] for body in bodies],
        np.array(mapped(job, "order", "salts")[places]),
        titles,
        Recurring(keys, anywhere),
        linkable=Titles(SortedKeys(openings, 64), SortedKeys(whole, 64), sizes, np.empty(0, dtype=np.uint64)),
        fold=job.settings.near.fold,
        n_jobs=1,
    )


def words_of(job: Job) -> NDArray[np.int64]:
    """Words of every text."""
    numbers = range(slice_count(job))
    return np.concatenate([np.empty(0, dtype=np.int64), *(load(job, "sketch", k, "words")[0] for k in numbers)])


def readable(job: Job, number: int) -> pa.Table:
    """The texts of a slice without their residue, with positions and ids."""
    return read_batch(part(job, "sketch", number) / "texts.arrow")
