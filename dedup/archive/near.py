"""Buckets and pages -> components of candidates, as spanning forests; and those -> copies, verified part by part."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.archive.arrow import printable_column, to_texts
from dedup.archive.job import Job
from dedup.archive.parts import (
    BandForest,
    Candidates,
    MergedForest,
    NearGroups,
    Order,
    Sketch,
    VerificationPlan,
    Verified,
)
from dedup.archive.residue import read_partition, texts_of, word_counts, write_partitioned
from dedup.archive.slices import positions_of, slices_of
from dedup.arrays import (
    Floats,
    Hashes,
    Integers,
    connected_labels,
    first_members,
    joined,
    numbered_by_first,
    run_starts,
)
from dedup.near.lsh import Bands
from dedup.near.pages import are_repeated, copy_groups, latest_versions
from dedup.near.pipeline import compare_sketches, make_sketches
from dedup.near.result import NearDuplicates
from dedup.story.candidates import chunks_of_days, in_reach

#: Articles of a band that are sorted at once.
_SORTED_AT_ONCE = 1 << 24

#: A part of the verification ends once it has this many words; no component is in two parts.
_WORDS_AT_ONCE = 1 << 23

Forest = tuple[Integers, Integers]


def bucket_forest(keys: Hashes, positions: Integers) -> Forest:
    """Return edges from the first member of each bucket to its other members.

    `positions` has all members, ascending, and `keys` the bucket of each.

    Examples
    --------
    >>> bucket_forest(np.array([7, 5, 7, 7], dtype=np.uint64), np.array([2, 3, 8, 9]))
    (array([2, 2]), array([8, 9]))
    """
    order = np.argsort(keys, kind="stable")
    starts = run_starts(keys[order])
    first = np.repeat(order[starts], np.diff(starts, append=len(keys)))
    others = order != first
    return positions[first[others]], positions[order[others]]


def merged(one: Forest, other: Forest) -> Forest:
    """Return the forest that spans two forests: edges from the first member of each component to its other members.

    Examples
    --------
    >>> merged((np.array([2, 2]), np.array([8, 9])), (np.array([1, 4]), np.array([8, 5])))
    (array([1, 1, 1, 4]), array([2, 8, 9, 5]))
    """
    left, right = (np.concatenate(side) for side in zip(one, other, strict=True))
    nodes, place = np.unique(np.concatenate([left, right]), return_inverse=True)  # most articles are in no bucket
    labels = connected_labels(place[: len(left)], place[len(left) :], len(nodes))
    first = nodes[first_members(labels)][labels]
    rest = np.flatnonzero(first != nodes)
    rest = rest[np.lexsort((nodes[rest], first[rest]))]
    return first[rest], nodes[rest]


def span_band(job: Job, number: int, folder: Path) -> None:
    """Task: the forest of one band, of the whole signatures, or of the pages."""
    sketches = [Sketch.of(job, k) for k in slices_of(job)]
    if number == _signatures_of(job) + 1:
        keys = joined([sketch.pages for sketch in sketches], np.uint64)
        filled = np.flatnonzero(keys)
    else:
        keys = joined([sketch.keys(number) for sketch in sketches], np.uint64)
        filled = np.flatnonzero(word_counts(job))  # a blank text is nobody's duplicate
    keys = keys[filled]
    range_bits = (len(filled) // _SORTED_AT_ONCE).bit_length()
    forests = []
    for i in range(1 << range_bits):
        here = np.flatnonzero((keys >> np.uint64(64 - range_bits)) == np.uint64(i)) if range_bits else slice(None)
        forests.append(bucket_forest(keys[here], filled[here]))
    left, right = (np.concatenate(side) for side in zip(*forests, strict=True))
    BandForest(folder).save(left=left, right=right)


def bands_of(job: Job) -> range:
    """Return the numbers of all bands; one more stands for whole signatures, and another for pages if they count."""
    return range(_signatures_of(job) + 1 + job.settings.match_urls)


def _signatures_of(job: Job) -> int:
    """Return the number that stands for whole signatures."""
    return Bands.of(job.settings.near).bands


def merge_levels(job: Job) -> list[range]:
    """Return the numbers of the merged forests, level by level: forest k is that of the forests 2k + 1 and 2k + 2.

    As in a heap, the forests of bands are the last ones.

    Examples
    --------
    >>> from dedup.parameters import NearSettings, StorySettings
    >>> job = Job("", StorySettings(NearSettings(recall=0.5), 0.1, cut_residue=False, max_chars=1), "central", None)
    >>> bands_of(job), merge_levels(job)
    (range(0, 5), [range(3, 4), range(1, 3), range(0, 1)])
    """
    inner = len(bands_of(job)) - 1
    firsts = [2**level - 1 for level in range(inner.bit_length())]
    return [range(first, min(2 * first + 1, inner)) for first in reversed(firsts)]


def merge_two(job: Job, number: int, folder: Path) -> None:
    """Task: one forest of two."""
    left, right = merged(_forest(job, 2 * number + 1), _forest(job, 2 * number + 2))
    MergedForest(folder).save(left=left, right=right)


def _forest(job: Job, number: int) -> Forest:
    inner = len(bands_of(job)) - 1
    part = MergedForest.of(job, number) if number < inner else BandForest.of(job, number - inner)
    return part.left, part.right


def plan_verification(job: Job, _: int, folder: Path) -> None:
    """Task: the members of components of candidates, and which part verifies each component."""
    forest = MergedForest.of(job)
    roots = np.unique(forest.left)
    members, component = np.concatenate([roots, forest.right]), np.concatenate([roots, forest.left])
    order = np.argsort(members)
    members = members[order]
    which = np.searchsorted(roots, component[order])
    words = np.bincount(which, weights=word_counts(job)[members], minlength=len(roots)).astype(np.float64)
    parts = parts_of(words)
    part_count = np.array([parts[-1] + 1 if len(parts) else 1])
    VerificationPlan(folder).save(members=members, part_numbers=parts[which], part_count=part_count)


def parts_of(words: Floats) -> Integers:
    """Return the number of the part of each component, in turn, by how many words each has.

    A part ends before the component with which it would have too many, but has one with words at least.
    """
    totals = np.concatenate([[0.0], np.cumsum(words)])
    begins, begin = np.zeros(len(words), dtype=np.int64), 0
    while begin < len(words):
        fitting, first = np.searchsorted(totals, totals[begin] + np.array([_WORDS_AT_ONCE, 0]), side="right")
        begin = max(int(fitting) - 1, int(first))
        if begin < len(words):
            begins[begin] = 1
    return np.cumsum(begins)


def verification_parts(job: Job) -> range:
    """Return the numbers of the parts of the verification."""
    return range(int(VerificationPlan.of(job).part_count[0]))


def distribute_candidates(job: Job, number: int, folder: Path) -> None:
    """Task: the texts of a slice that are candidates, for the parts that verify them."""
    own, plan = positions_of(job, number), VerificationPlan.of(job)
    members = plan.members
    first, stop = np.searchsorted(members, [own.start, own.stop])
    table = texts_of(job, number).take(np.array(members[first:stop]) - own.start)
    parts = np.array(plan.part_numbers[first:stop])
    write_partitioned(Candidates(folder).texts, table, parts, len(verification_parts(job)))


def verify_part(job: Job, number: int, folder: Path) -> None:
    """Task: the near-duplicates and versions among whole components of candidates, as the batch finds them."""
    table = read_partition(job, Candidates, number)
    positions, ids, texts = table["position"].to_numpy(), printable_column(table["id"]), to_texts(table["text"])
    pages, headlines = table["page"].to_numpy(), table["headline"].to_numpy()
    del table  # a story of 200,000 copies is here as a whole: free what is no longer needed
    sketches = make_sketches(texts, job.settings.near, n_jobs=1)
    texts = [text if kept else "" for text, kept in zip(texts, are_repeated(pages).tolist(), strict=True)]
    found = compare_sketches(sketches, job.settings.near, n_jobs=1)
    del sketches
    latest = np.arange(len(positions))
    if job.settings.match_urls:
        days = np.array(Order.of(job).days[positions])
        latest = latest_versions(texts, found.labels, pages, headlines, days, job.settings.near.fold)
    del texts
    groups, part = copy_groups(found.labels, latest), Verified(folder)
    part.save(positions=positions, canonical=positions[groups.canonical[groups.labels]], latest=positions[latest])
    write_pairs(part, ids, found)


def write_pairs(part: Verified, ids: pa.Array, found: NearDuplicates) -> None:
    """Write the pairs among articles with these ids, and how many of these were given up."""
    columns = [ids.take(found.pairs[:, 0]), ids.take(found.pairs[:, 1]), found.jaccard, found.containment]
    pq.write_table(pa.table(columns, names=["left", "right", "jaccard", "containment"]), part.table)
    part.save(given_up=np.array([found.given_up]))


def group_articles(job: Job, _: int, folder: Path) -> None:
    """Task: the near-duplicate group of every article, and the chunks of days in which the batch would compare them."""
    all_days = Order.of(job).days
    everyone = np.arange(len(all_days))
    canonical, latest = everyone.copy(), everyone.copy()
    for k in verification_parts(job):
        part = Verified.of(job, k)
        canonical[part.positions], latest[part.positions] = part.canonical, part.latest
    reports = np.flatnonzero(canonical == everyone)
    days = np.array(all_days[reports])
    chunks = list(chunks_of_days(days))
    dated = [chunk for chunk in chunks if not np.isnan(days[chunk.start])]
    reach = [sum(in_reach(chunk, other, days) for other in dated[i:]) + i for i, chunk in enumerate(dated)]
    NearGroups(folder).save(
        canonical=canonical,
        latest=latest,
        group=numbered_by_first(canonical),
        chunks=np.append(reports[[chunk.start for chunk in chunks]], len(everyone)),
        reach=np.array([*reach, *[len(chunks)] * (len(chunks) - len(dated))], dtype=np.int64),
    )


def given_up(job: Job) -> int:
    """Return the number of articles that were compared with some of their crowd only; see `NearDuplicates.given_up`."""
    return sum(int(Verified.of(job, k).given_up[0]) for k in verification_parts(job))


def canonical_positions(job: Job, number: int) -> Integers:
    """Return the positions of the canonical articles in a slice, one of each near-duplicate group."""
    own = positions_of(job, number)
    everyone = np.arange(own.start, own.stop)
    return everyone[np.flatnonzero(NearGroups.of(job).canonical[own] == everyone)]
