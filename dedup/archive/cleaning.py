"""Articles -> their texts without residue, and what near-duplicates are found by."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.archive.intake import articles_of, positions_of, slice_count, texts_of
from dedup.archive.job import Settings, load, mapped, part, save
from dedup.archive.tables import read_batch, write_batches, write_table
from dedup.article import Article
from dedup.lookup import SortedKeys
from dedup.near.duplicates import read
from dedup.near.lsh import band_keys
from dedup.text.limit import readable_texts
from dedup.text.recurring import Recurring, learn_some
from dedup.text.residue import Span, mark_residue
from dedup.text.titles import Titles

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


def gather(settings: Settings, stage: str, number: int) -> pa.Table:
    """The rows that the parts of a stage have for this one, by position."""
    parts = (part(settings, stage, k) / "texts.arrow" for k in range(slice_count(settings)))
    return pa.concat_tables([read_batch(path, number=number) for path in parts])


def sample(settings: Settings, number: int, folder: Path) -> None:
    """Task: the texts of a slice that residue is learned from."""
    places, sampled, offsets = positions_of(settings, number), *_samples(settings)
    here = np.flatnonzero((sampled >= places.start) & (sampled < places.stop))
    here = here[np.argsort(sampled[here])]
    group = np.searchsorted(offsets, here, side="right") - 1
    texts = articles_of(settings, number).select(["text"]).take(sampled[here] - places.start)
    table = texts.add_column(0, "position", pa.array(sampled[here]))
    scatter(folder / "texts.arrow", table, group, len(offsets) - 1)


def _samples(settings: Settings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sampled, offsets = load(settings, "order", 0, "sampled", "sample_offsets")
    return sampled, offsets


def sample_count(settings: Settings) -> int:
    """How many groups of sources there are."""
    return len(load(settings, "order", 0, "sample_offsets")[0]) - 1


def learn(settings: Settings, number: int, folder: Path) -> None:
    """Task: what recurs in a group of sources."""
    sampled, offsets = _samples(settings)
    wanted = sampled[offsets[number] : offsets[number + 1]]  # source by source
    table = gather(settings, "sample", number)
    texts = texts_of(table.take(np.searchsorted(table["position"].to_numpy(), wanted)), "text")
    ordered = [text[: settings.max_chars] for text in texts]
    salts = np.array(mapped(settings, "order", "salts")[wanted])
    learned = learn_some(ordered, salts, n_jobs=1, fold=settings.near.fold)
    save(folder, keys=learned.keys, anywhere=learned.anywhere)


def collect(settings: Settings, _: int, folder: Path) -> None:
    """Task: what recurs in any source, and the titles of all articles."""
    learned = [load(settings, "learn", k, "keys", "anywhere") for k in range(sample_count(settings))]
    keys = np.concatenate([np.empty(0, dtype=np.uint64), *(keys for keys, _ in learned)])
    anywhere = np.concatenate([np.empty(0, dtype=np.bool_), *(anywhere for _, anywhere in learned)])
    recurring = Recurring(keys, anywhere).ascending()
    titles = {
        name: np.unique(np.concatenate([load(settings, "slices", k, name)[0] for k in range(slice_count(settings))]))
        for name in ("openings", "whole", "title_sizes")
    }
    save(folder, keys=recurring.keys, anywhere=recurring.anywhere, **titles)


def sketch(settings: Settings, number: int, folder: Path) -> None:
    """Task: the readable texts of a slice, and the keys of their buckets in each band and as whole signatures."""
    places, table = positions_of(settings, number), articles_of(settings, number)
    titles, bodies = texts_of(table, "title"), texts_of(table, "text")
    residue: list[list[Span]] = [[] for _ in bodies]
    if settings.cut_residue:
        residue = _residue(settings, places, titles, bodies)
    articles = [
        Article("", body, title, residue=tuple(spans))
        for body, title, spans in zip(bodies, titles, residue, strict=True)
    ]
    texts = readable_texts(articles, settings.max_chars)
    cells = [text.encode("utf-8", "surrogatepass") for text in texts]
    write_table(
        folder / "texts.arrow", pa.table([np.arange(places.start, places.stop), table["id"], cells], schema=_TEXTS)
    )
    readings, bands = read(texts, settings.near, n_jobs=1), settings.near.bands
    banded = [readings.signatures[:, first : first + bands.rows] for first in bands.first_rows]
    keys = {f"keys_{band}": band_keys(own) for band, own in enumerate([*banded, readings.signatures])}
    save(folder, words=readings.shingles.lengths, **keys)


def _residue(settings: Settings, places: slice, titles: list[str], bodies: list[str]) -> list[list[Span]]:
    keys, anywhere, openings, whole, sizes = load(
        settings, "collect", 0, "keys", "anywhere", "openings", "whole", "title_sizes"
    )
    return mark_residue(
        [body[: settings.max_chars] for body in bodies],
        np.array(mapped(settings, "order", "salts")[places]),
        titles,
        Recurring(keys, anywhere),
        linkable=Titles(SortedKeys(openings, 64), SortedKeys(whole, 64), sizes, np.empty(0, dtype=np.uint64)),
        fold=settings.near.fold,
        n_jobs=1,
    )


def words_of(settings: Settings) -> NDArray[np.int64]:
    """Words of every text."""
    numbers = range(slice_count(settings))
    return np.concatenate([np.empty(0, dtype=np.int64), *(load(settings, "sketch", k, "words")[0] for k in numbers)])


def readable(settings: Settings, number: int) -> pa.Table:
    """The texts of a slice without their residue, with positions and ids."""
    return read_batch(part(settings, "sketch", number) / "texts.arrow")
