"""Blocks of articles -> their canonical order, cut into slices, in memory that does not grow with the archive.

Ids that occur again are found among those whose hashes are in one range, and articles are sorted in ranges of time,
each of what all blocks have in it. What is as long as all articles together is a mapped file.
"""

from bisect import bisect_left
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.archive import slices
from dedup.archive.arrow import read_rows, read_table
from dedup.archive.checking import (
    Repeated,
    ids_are_unique,
    refuse_repeated,
    repeated_among,
    require_named,
    write_refusals,
)
from dedup.archive.job import Job
from dedup.archive.parts import Order, ReadBlock
from dedup.arrays import Flags, Floats, Hashes, Integers, joined, run_starts
from dedup.residue.recurring import samples

#: About so many articles are sorted at once. Every so many articles of a block say where ranges begin.
SORTED_AT_ONCE, SAMPLED_EVERY = 1 << 20, 256

#: About so many ids are compared at once.
COMPARED_AT_ONCE = 1 << 21

_ENTRY = np.dtype([("id_hash", np.uint64), ("place", np.int64)])
_NONE = np.empty(0, dtype=np.int64)


class Blocks(NamedTuple):
    """All blocks; the place of an article is its number in them, block by block."""

    parts: list[ReadBlock]
    offsets: Integers  # (n_blocks + 1,): place of the first article of each block, and the number of all
    rows: Integers  # (n_blocks + 1,): row of the first one of each block in all inputs, and the number of all

    @classmethod
    def of(cls, job: Job) -> "Blocks":
        """Return the blocks of a job."""
        parts = [ReadBlock.of(job, number) for number in range(len(slices.blocks_of_job(job)))]
        counts, sizes = [len(part.rows) for part in parts], [int(part.size[0]) for part in parts]
        return cls(parts, np.cumsum([0, *counts]), np.cumsum([0, *sizes]))

    def ids_and_rows(self, places: Integers) -> tuple[pa.Array, Integers]:
        """Return the ids of articles at ascending places, and their rows in all inputs."""
        ids, rows = [pa.array([], pa.binary())], np.empty(len(places), dtype=np.int64)
        cuts = np.searchsorted(places, self.offsets).tolist()
        for number, (first, stop) in enumerate(pairwise(cuts)):
            if first < stop:
                part, own = self.parts[number], places[first:stop] - self.offsets[number]
                ids.append(read_table(part.ids)["id"].take(own).combine_chunks())
                rows[first:stop] = part.rows[own] + self.rows[number]
        return pa.concat_arrays(ids), rows


def order_articles(job: Job, _: int, folder: Path) -> None:
    """Task: the position of each article in canonical order, and the bounds of the slices."""
    blocks, part = Blocks.of(job), Order(folder)
    require_named(job, blocks.parts)
    part.save(block_offsets=blocks.offsets)
    with TemporaryDirectory(dir=folder) as scratch:
        repeated = find_repeated(job, blocks, Path(scratch))
        sizes = sort_articles(blocks, repeated.places, part, Path(scratch), job.keeping is not None)
        part.save(bounds=slice_bounds(part.days, sizes))
        del sizes  # a mapped file, which some systems do not delete before
    counts = write_refusals(job, slices.blocks_of_job(job), blocks.parts, repeated, part.refusals)
    part.save(refusal_counts=counts)
    if job.settings.cut_residue:
        groups = list(samples(part.salts))
        part.save(sample_offsets=np.cumsum([0, *map(len, groups)]))
        part.save(sampled=joined(groups, np.int64))


# Ids that occur again


def find_repeated(job: Job, blocks: Blocks, scratch: Path) -> Repeated:
    """Return the articles that are left out for another one of their id; raise ValueError where none may be."""
    found, refused = [np.empty((2, 0), dtype=np.int64)], list[tuple[int, pa.Array]]()
    for path in _by_hash(blocks, scratch):
        places = _with_equal_hashes(np.fromfile(path, dtype=_ENTRY))
        ids, rows = blocks.ids_and_rows(places)
        again, stays = repeated_among(job, ids, rows)
        found.append(np.stack([places[again], stays]))
        if len(again) and ids_are_unique(job):
            of_several = pc.is_in(ids, value_set=ids.take(again))
            first = int(places[of_several.to_numpy(zero_copy_only=False)][0])
            refused = [min([*refused, (first, ids.filter(of_several))], key=lambda own: own[0])]
    if refused:
        refuse_repeated(refused[0][1])
    left_out, stays = np.concatenate(found, axis=1)
    order = np.argsort(left_out)
    return Repeated(left_out[order], stays[order])


def _by_hash(blocks: Blocks, scratch: Path) -> list[Path]:
    """Write the hashes of all ids and the places of their articles to files, each with a range of hashes."""
    count = int(blocks.offsets[-1]) // COMPARED_AT_ONCE + 1
    paths = [scratch / f"ids_{k}" for k in range(count)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for part, first in zip(blocks.parts, blocks.offsets.tolist(), strict=False):
            hashes = part.id_hashes
            entries = np.empty(len(hashes), dtype=_ENTRY)
            entries["id_hash"], entries["place"] = hashes, first + np.arange(len(hashes))
            which = ((hashes >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)
            order = np.argsort(which, kind="stable")
            cuts = np.searchsorted(which[order], np.arange(count + 1, dtype=np.uint64)).tolist()
            for file, (begin, end) in zip(files, pairwise(cuts), strict=True):
                entries[order[begin:end]].tofile(file)
    return paths


def _with_equal_hashes(entries: NDArray[Any]) -> Integers:
    """Return the places of articles whose id has the hash of another one, ascending."""
    order = np.argsort(entries["id_hash"])
    sizes = np.diff(np.append(run_starts(entries["id_hash"][order]), len(order)))
    return np.sort(entries["place"][order[np.repeat(sizes > 1, sizes)]])


# Their order


def sort_articles(blocks: Blocks, repeated: Integers, part: Order, scratch: Path, with_rows: bool) -> Integers:
    """Write positions, days, salts and perhaps rows of articles; return the sizes of those that stay, by position."""
    total = int(blocks.offsets[-1])
    stay = total - len(repeated)
    left_out, positions = part.mapped("left_out", total, np.bool_), part.mapped("positions", total, np.int64)
    written = [part.mapped("days", stay, np.float64), part.mapped("salts", stay, np.uint64)]
    written += [part.mapped("rows", stay, np.int64)] if with_rows else []
    sizes = np.lib.format.open_memmap(scratch / "sizes.npy", "w+", np.dtype(np.int64), (stay,))
    left_out[repeated] = True
    first, cuts = 0, range_cuts(blocks)
    for begin, end in pairwise(cuts.T):
        own = _range_of(blocks, begin, end, left_out)
        order = _sorted(own.days, own.ids)
        stop = first + len(order)
        positions[own.places[order]] = np.arange(first, stop)
        sizes[first:stop] = own.sizes[order]
        for array, column in zip(written, (own.days, own.salts, own.rows), strict=False):
            array[first:stop] = column[order]
        first = stop
    _fill_left_out(positions, repeated, blocks.offsets)
    for array in (left_out, positions, *written):
        array.flush()
    return sizes


def range_cuts(blocks: Blocks) -> Integers:
    """Return how many articles of each block come before each range, and all, shape (n_blocks, n_ranges + 1)."""
    ends = np.diff(blocks.offsets)
    days, ids = [np.empty(0)], [pa.array([], pa.binary())]
    count = int(blocks.offsets[-1]) // SORTED_AT_ONCE + 1
    for part in blocks.parts if count > 1 else ():
        own = part.days
        days.append(own[::SAMPLED_EVERY])
        ids.append(read_table(part.ids)["id"].take(np.arange(0, len(own), SAMPLED_EVERY)).combine_chunks())
    day, names = np.concatenate(days), pa.concat_arrays(ids)
    order = _sorted(day, names)
    begins = order[np.arange(1, count) * len(order) // count]
    day, names = day[begins], names.take(begins).to_pylist()
    cuts = np.zeros((len(ends), count + 1), dtype=np.int64)
    cuts[:, -1] = ends
    for part, cut in zip(blocks.parts if count > 1 else (), cuts, strict=False):
        cut[1:-1] = _rows_before(part, day, names)
    return cuts


def _sorted(days: Floats, ids: pa.Array) -> Integers:
    """Return the canonical order of articles: by day, then id; undated ones at the end."""
    table = pa.table({"day": pa.array(days, from_pandas=True), "id": ids})
    order = pc.sort_indices(table, sort_keys=[("day", "ascending"), ("id", "ascending")])  # nulls, undated, last
    return np.asarray(order.to_numpy().astype(np.int64))


def _rows_before(part: ReadBlock, days: Floats, names: list[bytes]) -> Integers:
    """Return how many articles of a block come before each of some days and ids."""
    own = part.days
    rows, stops = (np.searchsorted(own, days, side).astype(np.int64) for side in ("left", "right"))
    for k in np.flatnonzero(rows < stops).tolist():
        ids = read_rows(part.ids, int(rows[k]), int(stops[k]))["id"]
        rows[k] += bisect_left(range(len(ids)), names[k], key=lambda i: ids[i].as_py())
    return np.asarray(rows)


class _Range(NamedTuple):
    """Articles that are sorted at once."""

    ids: pa.Array
    places: Integers
    days: Floats
    salts: Hashes
    sizes: Integers
    rows: Integers  # in all inputs


def _range_of(blocks: Blocks, begins: Integers, ends: Integers, left_out: Flags) -> _Range:
    """Return the articles of blocks in a range of rows of each, without those that are left out."""
    ids, columns = [pa.array([], pa.binary())], [(_NONE, np.empty(0), np.empty(0, dtype=np.uint64), _NONE, _NONE)]
    for number in np.flatnonzero(begins < ends).tolist():
        part, first, begin, end = blocks.parts[number], blocks.offsets[number], int(begins[number]), int(ends[number])
        own = begin + np.flatnonzero(~left_out[first + begin : first + end])
        ids.append(read_rows(part.ids, begin, end)["id"].take(own - begin).combine_chunks())
        rows = part.rows[own] + blocks.rows[number]
        columns.append((first + own, part.days[own], part.salts[own], part.sizes[own], rows))
    return _Range(pa.concat_arrays(ids), *(np.concatenate(column) for column in zip(*columns, strict=True)))


def _fill_left_out(positions: Integers, repeated: Integers, offsets: Integers) -> None:
    """Give articles that are left out the position of the next in their block, so that positions ascend in it."""
    positions[repeated] = len(positions) - len(repeated)
    for number in np.unique(np.searchsorted(offsets, repeated, side="right") - 1).tolist():
        own = slice(int(offsets[number]), int(offsets[number + 1]))
        positions[own] = np.minimum.accumulate(positions[own][::-1])[::-1]


def slice_bounds(days: Floats, sizes: Integers) -> Integers:
    """Return where slices begin, and the end; no articles are one slice."""
    dated = int(np.searchsorted(days, np.inf))
    bounds = [0] if len(days) else [0, 0]
    while (first := bounds[-1]) < len(days):
        total = np.cumsum(sizes[first : first + slices.SLICE_ARTICLES])
        fitting = int(np.searchsorted(total, slices.SLICE_CHARACTERS, side="right"))
        stop = first + max(fitting, 1)
        bounds.append(dated if first < dated < stop else stop)
    return np.array(bounds, dtype=np.int64)
