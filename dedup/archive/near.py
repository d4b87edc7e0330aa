"""Buckets -> candidate components, as spanning forests; and those -> near-duplicates, verified a part at a time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.archive.arrow import printable_column
from dedup.archive.job import Job, load, mapped, save
from dedup.archive.residue import gather, readable, scatter, words_of
from dedup.archive.slices import positions_of, slice_count, texts_of
from dedup.arrays import connected_labels
from dedup.near.lsh import Bands
from dedup.near.pipeline import compare, read
from dedup.story.candidates import chunks_of_days, in_reach

#: Articles of a band that are sorted at once.
_SORTED_AT_ONCE = 1 << 24

#: A part of what is verified ends once it has so many words; one component is never in two.
_WORDS_AT_ONCE = 1 << 23

PAIR_COLUMNS = ["id", "other_id", "jaccard", "containment"]

Forest = tuple[NDArray[np.int64], NDArray[np.int64]]


def bucket_forest(keys: NDArray[np.uint64], positions: NDArray[np.int64]) -> Forest:
    """An edge from the first member of each bucket to each other: the bucket, spanned.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        Bucket of each member.
    positions : ndarray of int64, shape (n,)
        Which those are, ascending.

    Examples
    --------
    >>> bucket_forest(np.array([7, 5, 7, 7], dtype=np.uint64), np.array([2, 3, 8, 9]))
    (array([2, 2]), array([8, 9]))
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    opens = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)]
    first = order[np.flatnonzero(opens)][np.cumsum(opens) - 1]
    return positions[first[~opens]], positions[order[~opens]]


def merged(one: Forest, other: Forest) -> Forest:
    """A forest that spans what two span together: an edge from the first member of each component to each other.

    Examples
    --------
    >>> merged((np.array([2, 2]), np.array([8, 9])), (np.array([1, 4]), np.array([8, 5])))
    (array([1, 1, 1, 4]), array([2, 8, 9, 5]))
    """
    left, right = (np.concatenate(side) for side in zip(one, other, strict=True))
    nodes, place = np.unique(np.concatenate([left, right]), return_inverse=True)  # only those: most are in no bucket
    labels = connected_labels(place[: len(left)], place[len(left) :], len(nodes))
    first = nodes[np.unique(labels, return_index=True)[1]][labels]
    rest = np.flatnonzero(first != nodes)
    rest = rest[np.lexsort((nodes[rest], first[rest]))]
    return first[rest], nodes[rest]


def band(job: Job, number: int, folder: Path) -> None:
    """Task: the forest of one band, or of the whole signatures."""
    numbers = range(slice_count(job))
    keys = np.concatenate([load(job, "sketch", k, f"keys_{number}")[0] for k in numbers])
    filled = np.flatnonzero(words_of(job))  # a blank text is nobody's duplicate
    keys, ranges = keys[filled], _powers_of_two(len(filled) // _SORTED_AT_ONCE + 1)
    forests = []
    for i in range(1 << ranges):
        here = np.flatnonzero((keys >> np.uint64(64 - ranges)) == np.uint64(i)) if ranges else slice(None)
        forests.append(bucket_forest(keys[here], filled[here]))
    left, right = (np.concatenate(side) for side in zip(*forests, strict=True))
    save(folder, left=left, right=right)


def _powers_of_two(count: int) -> int:
    return (count - 1).bit_length()


def leaf_count(job: Job) -> int:
    """How many forests are made of buckets: of each band, and of the whole signatures."""
    return Bands.of(job.settings.near).bands + 1


def merge_levels(job: Job) -> list[range]:
    """Numbers of the merged forests, level by level: forest k is that of the forests 2k + 1 and 2k + 2.

    As in a heap, the forests of bands are the last ones.

    Examples
    --------
    >>> from dedup.near.pipeline import NearSettings
    >>> settings = Settings("", NearSettings(recall=0.5), 0.1, "central", False, None, 1)
    >>> Bands.of(job.settings.near).bands + 1, merge_levels(settings)
    (4, [range(1, 3), range(0, 1)])
    """
    inner, levels, first = leaf_count(job) - 1, [], 0
    while first < inner:
        levels.append(range(first, min(2 * first + 1, inner)))
        first = 2 * first + 1
    return levels[::-1]


def merge(job: Job, number: int, folder: Path) -> None:
    """Task: one forest of two."""
    left, right = merged(_forest(job, 2 * number + 1), _forest(job, 2 * number + 2))
    save(folder, left=left, right=right)


def _forest(job: Job, number: int) -> Forest:
    inner = leaf_count(job) - 1
    stage, place = ("merge", number) if number < inner else ("band", number - inner)
    left, right = load(job, stage, place, "left", "right")
    return left, right


def plan(job: Job, _: int, folder: Path) -> None:
    """Task: the members of components of candidates, and which part verifies each."""
    first, others = load(job, "merge", 0, "left", "right")
    members = np.concatenate([np.unique(first), others])
    component = np.concatenate([np.unique(first), first])
    order = np.argsort(members)
    members, component = members[order], component[order]
    which, place = np.unique(component, return_inverse=True)
    words = np.bincount(place, weights=words_of(job)[members], minlength=len(which))
    goals, filled = np.zeros(len(which), dtype=np.int64), 0.0
    for i, count in enumerate(words.tolist()):
        if filled and filled + count > _WORDS_AT_ONCE:
            goals[i:] += 1
            filled = 0.0
        filled += count
    save(folder, members=members, goals=goals[place], parts=np.array([goals[-1] + 1 if len(goals) else 1]))


def verify_count(job: Job) -> int:
    """How many parts there are to verify."""
    return int(load(job, "plan", 0, "parts")[0][0])


def deal(job: Job, number: int, folder: Path) -> None:
    """Task: the texts of a slice that have candidates, for the parts that verify them."""
    places = positions_of(job, number)
    members, goals = mapped(job, "plan", "members"), mapped(job, "plan", "goals")
    first, stop = np.searchsorted(members, [places.start, places.stop])
    own = np.array(members[first:stop])
    table = readable(job, number).take(own - places.start)
    scatter(folder / "texts.arrow", table, np.array(goals[first:stop]), verify_count(job))


def verify(job: Job, number: int, folder: Path) -> None:
    """Task: the near-duplicates among whole components of candidates, as the batch finds them."""
    table = gather(job, "deal", number)
    positions, names, texts = table["position"].to_numpy(), printable_column(table["id"]), texts_of(table, "text")
    del table  # a story of 200,000 copies is here as a whole: what is done with goes
    readings = read(texts, job.settings.near, n_jobs=1)
    del texts
    found = compare(readings, job.settings.near, n_jobs=1)
    save(folder, positions=positions, first=positions[np.unique(found.labels, return_index=True)[1]][found.labels])
    columns = [names.take(found.pairs[:, 0]), names.take(found.pairs[:, 1]), found.jaccard, found.containment]
    pq.write_table(pa.table(columns, names=PAIR_COLUMNS), folder / "table.parquet")


def copies(job: Job, _: int, folder: Path) -> None:
    """Task: the first of the near-duplicate group of every article, and the number of that group.

    And the chunks of days in which the batch would compare them: where each begins, and the last within its reach.
    """
    first = np.arange(len(mapped(job, "order", "days")))
    parts = [load(job, "verify", k, "positions", "first") for k in range(verify_count(job))]
    for positions, own in parts:
        first[positions] = own
    is_canonical = first == np.arange(len(first))
    canonical_positions = np.flatnonzero(is_canonical)
    days = np.array(mapped(job, "order", "days")[canonical_positions])
    chunks = list(chunks_of_days(days))
    dated = [chunk for chunk in chunks if not np.isnan(days[chunk.start])]
    reach = [sum(in_reach(chunk, other, days) for other in dated[i:]) + i for i, chunk in enumerate(dated)]
    save(
        folder,
        first=first,
        group=(np.cumsum(is_canonical) - 1)[first],
        chunks=np.append(canonical_positions[[chunk.start for chunk in chunks]], len(first)),
        reach=np.array([*reach, *[len(chunks)] * (len(chunks) - len(dated))], dtype=np.int64),
    )


def canonical(job: Job, number: int) -> NDArray[np.int64]:
    """The positions in a slice that speak for themselves and their copies."""
    places = positions_of(job, number)
    first = np.array(mapped(job, "copies", "first")[places])
    own: NDArray[np.int64] = np.flatnonzero(first == np.arange(places.start, places.stop)) + places.start
    return own
