"""Articles -> their texts without residue, and the buckets that near-duplicates are found by."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from dedup.archive.arrow import read_table, to_bytes, to_texts, write_batches, write_table
from dedup.archive.job import Job
from dedup.archive.parts import Candidates, LearnedAll, LearnedGroup, Order, Sample, Sketch, Slice
from dedup.archive.slices import articles_of, bounds_of, positions_of, salts_of, slices_of
from dedup.arrays import Integers, joined
from dedup.article import Article, of_plain
from dedup.near.lsh import Bands, band_keys
from dedup.near.pages import headline_keys, page_keys
from dedup.near.pipeline import make_sketches
from dedup.residue.find import Span, mark_residue
from dedup.residue.recurring import RecurringKeys, learn_sample
from dedup.residue.title_residue import learn_titles, mark_titles
from dedup.residue.titles import Openings, Titles
from dedup.sorted_keys import SortedKeys
from dedup.text.limit import readable_texts
from dedup.text.roundups import is_roundup

_TEXTS = pa.schema(
    [
        ("position", pa.int64()),
        ("id", pa.binary()),
        ("text", pa.binary()),
        ("is_roundup", pa.bool_()),
        ("language", pa.binary()),
        ("page", pa.uint64()),
        ("headline", pa.uint64()),
    ]
)


def write_partitioned(path: Path, table: pa.Table, partition: Integers, n: int) -> None:
    """Write rows to a file with a batch for each of `n` partitions; `partition` has that of each row."""
    order = np.argsort(partition, kind="stable")
    ordered = table.take(order).combine_chunks()
    bounds = np.searchsorted(partition[order], np.arange(n + 1)).tolist()
    empty = pa.record_batch([pa.array([], field.type) for field in table.schema], schema=table.schema)
    parts = (ordered.slice(first, stop - first).to_batches() for first, stop in pairwise(bounds))
    write_batches(path, table.schema, (next(iter(part), empty) for part in parts))


def read_partition(job: Job, stage: type[Sample] | type[Candidates], partition: int) -> pa.Table:
    """Return the rows of a partition from the parts of all slices, by position."""
    return pa.concat_tables([read_table(stage.of(job, k).texts, batch=partition) for k in slices_of(job)])


def sample_texts(job: Job, number: int, folder: Path) -> None:
    """Task: the texts of a slice that residue is learned from."""
    own, order = positions_of(job, number), Order.of(job)
    sampled, offsets = order.sampled, order.sample_offsets
    here = np.flatnonzero((sampled >= own.start) & (sampled < own.stop))
    here = here[np.argsort(sampled[here])]
    group = np.searchsorted(offsets, here, side="right") - 1
    texts = articles_of(job, number).select(["text", "title"]).take(sampled[here] - own.start)
    table = texts.add_column(0, "position", pa.array(sampled[here]))
    write_partitioned(Sample(folder).texts, table, group, len(offsets) - 1)


def sample_groups(job: Job) -> range:
    """Return the numbers of all groups of sources."""
    return range(len(Order.of(job).sample_offsets) - 1)


def learn_group(job: Job, number: int, folder: Path) -> None:
    """Task: what recurs in a group of sources."""
    order = Order.of(job)
    first, stop = order.sample_offsets[number : number + 2]
    wanted = order.sampled[first:stop]  # source by source
    table = read_partition(job, Sample, number)
    table = table.take(np.searchsorted(table["position"].to_numpy(), wanted))
    cut = [text[: job.settings.max_chars] for text in to_texts(table["text"])]
    salts, titles, fold = np.array(order.salts[wanted]), to_texts(table["title"]), job.settings.near.fold
    learned = learn_sample(cut, salts, titles, n_jobs=1, fold=fold).united(learn_titles(titles, salts, fold))
    LearnedGroup(folder).save(keys=learned.keys, anywhere=learned.anywhere)


def collect_learned(job: Job, _: int, folder: Path) -> None:
    """Task: what recurs in any source, and the titles of all articles."""
    groups = [LearnedGroup.of(job, k) for k in sample_groups(job)]
    keys, anywhere = joined([group.keys for group in groups], np.uint64), [group.anywhere for group in groups]
    recurring = RecurringKeys(keys, joined(anywhere, np.bool_)).ascending()
    slices = [Slice.of(job, k) for k in slices_of(job)]
    names = ("openings", "title_sizes")
    openings = Openings(*(np.concatenate([getattr(own, name) for own in slices]) for name in names))
    titles = dict(zip(names, (openings.keys, openings.sizes), strict=True))
    whole = np.unique(np.concatenate([own.whole for own in slices]))
    LearnedAll(folder).save(keys=recurring.keys, anywhere=recurring.anywhere, whole=whole, **titles)


def sketch_texts(job: Job, number: int, folder: Path) -> None:
    """Task: the texts of a slice without their residue, and their buckets in each band and as whole signatures."""
    own, table, part = positions_of(job, number), articles_of(job, number), Sketch(folder)
    titles, bodies = to_texts(table["title"]), to_texts(table["text"])
    residue: list[list[Span]] = [[] for _ in bodies]
    of_titles: list[tuple[Span, ...]] = [() for _ in bodies]
    if job.settings.cut_residue:
        residue = _find_residue(job, number, titles, bodies)
        of_titles = _find_title_residue(job, number, titles, table)
    sources, urls = to_texts(table["source"]), to_texts(table["url"])
    columns = zip(bodies, titles, sources, urls, map(tuple, residue), of_titles, strict=True)
    articles = [
        of_plain(Article("", body, title, source=source, url=url, residue=spans, title_residue=of_title))
        for body, title, source, url, spans, of_title in columns
    ]
    texts = readable_texts(articles, job.settings.max_chars)
    stored = [np.arange(own.start, own.stop), table["id"], list(map(to_bytes, texts))]
    pages = page_keys(articles)
    stored += [list(map(is_roundup, titles)), table["language"], pages, headline_keys(articles)]
    write_table(part.texts, pa.table(stored, schema=_TEXTS))
    sketches, bands = make_sketches(texts, job.settings.near, n_jobs=1), Bands.of(job.settings.near)
    banded = [sketches.signatures[:, first : first + bands.rows] for first in bands.first_rows]
    part.save(words=sketches.shingles.lengths, pages=pages)
    part.save_keys(map(band_keys, [*banded, sketches.signatures]))


def _find_residue(job: Job, number: int, titles: list[str], bodies: list[str]) -> list[list[Span]]:
    learned = LearnedAll.of(job)
    openings, none = Openings(learned.openings, learned.title_sizes), np.empty(0, dtype=np.uint64)
    return mark_residue(
        [body[: job.settings.max_chars] for body in bodies],
        salts_of(job, number),
        titles,
        RecurringKeys(learned.keys, learned.anywhere),
        all_titles=Titles(openings, SortedKeys(learned.whole, 64), none, none.astype(np.int64)),
        fold=job.settings.near.fold,
        n_jobs=1,
    )


def _find_title_residue(job: Job, number: int, titles: list[str], table: pa.Table) -> list[tuple[Span, ...]]:
    learned = LearnedAll.of(job)
    recurring, salts = RecurringKeys(learned.keys, learned.anywhere), salts_of(job, number)
    sources, urls = ([text or None for text in to_texts(table[name])] for name in ("source", "url"))
    return mark_titles(titles, sources, urls, salts, recurring, job.settings.near.fold)


def word_counts(job: Job) -> Integers:
    """Return the number of words of every text."""
    return joined([Sketch.of(job, k).words for k in slices_of(job)], np.int64)


def word_counts_at(job: Job, positions: Integers) -> Integers:
    """Return the numbers of words of the texts at ascending positions."""
    bounds, counts = bounds_of(job), np.empty(len(positions), dtype=np.int64)
    for k, (first, stop) in enumerate(pairwise(np.searchsorted(positions, bounds).tolist())):
        if first < stop:
            counts[first:stop] = Sketch.of(job, k).words[positions[first:stop] - bounds[k]]
    return counts


def texts_of(job: Job, number: int) -> pa.Table:
    """Return the texts of a slice without their residue, with positions and ids."""
    return read_table(Sketch.of(job, number).texts)
