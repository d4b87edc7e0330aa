"""Episodes -> stories: mean vectors, similar pairs of them, and the partition of the graph of these pairs."""

from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from dedup.archive.job import Job
from dedup.archive.parts import EpisodeLabels, EpisodeMeans, EpisodePairs, Order, StoryLabels
from dedup.archive.similarity import NO_PAIRS, ChunkRows, OtherRows, search, search_blocks, vectors_and_keys
from dedup.archive.slices import slices_of
from dedup.arrays import joined
from dedup.sorted_keys import SortedKeys
from dedup.story.candidates import Edges, Pairs
from dedup.story.episodes import Episodes, candidate_episodes, heaviest, similar_candidates, stories_of_pairs
from dedup.story.extraction import KEY_BITS
from dedup.story.similarity import dot_products


def numbers_of(job: Job) -> list[slice]:
    """Return the numbers of the dated episodes that begin in each slice."""
    cuts = np.searchsorted(EpisodeLabels.of(job).heads, Order.of(job).bounds).tolist()
    return [slice(cuts[k], cuts[k + 1]) for k in slices_of(job)]


def mean_vectors(job: Job, number: int, folder: Path) -> None:
    """Task: the mean vectors of the dated episodes that begin in a slice."""
    own, labels = numbers_of(job)[number], EpisodeLabels.of(job)
    offsets = np.array(labels.offsets[own.start : own.stop + 1])
    reports = np.array(labels.reports[offsets[0] : offsets[-1]])
    # In the order of the batch: sums of float32 depend on it.
    order = np.argsort(reports)
    reports, episode = reports[order], np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[order]
    vectors, keys = vectors_and_keys(job, reports)
    found = Episodes.of(vectors, np.array(Order.of(job).days[reports]), episode, np.array(labels.costs[reports]))
    EpisodeMeans(folder).save(
        data=found.means.data,
        indices=found.means.indices.astype(np.int32),
        indptr=found.means.indptr.astype(np.int32),
        keys=keys,
        within=found.within,
        costs=found.costs,
    )


def match_slice(job: Job, number: int, folder: Path) -> None:
    """Task: similar pairs of an episode that begins in a slice and a later one, sorted."""
    numbers, lookup = numbers_of(job), SortedKeys(EpisodeMeans.of(job, number).keys, KEY_BITS)
    chunks = _chunks_of(job, numbers[number])
    first = min((chunk.reach.start for chunk in chunks), default=0)
    stop = max((chunk.reach.stop for chunk in chunks), default=0)
    near = [k for k, other in enumerate(numbers) if other.start < stop and other.stop > first]
    own = _rows_of(job, number, numbers[number], lookup)
    episodes, found = _episodes_of(job, number, own), [NO_PAIRS]
    blocks = search_blocks(chunks, episodes.means, (_rows_of(job, k, numbers[k], lookup) for k in near), heaviest)
    for k in near:
        other, theirs, both, before = own, episodes, episodes, 0
        if k > number:
            other = _rows_of(job, k, numbers[k], lookup)
            theirs = _episodes_of(job, k, other)
            both, before = _together(episodes, theirs), len(own.positions)
        if k >= number:
            pairs_of = partial(_pairs, both, theirs.means, before, job.settings.max_gap_days)
            left, right, similarity = search(blocks, other, theirs.means, before, pairs_of)
            found.append((own.positions[left], other.positions[right - before], similarity))
    left, right, similarity = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((right, left))
    EpisodePairs(folder).save(left=left[order], right=right[order], similarity=similarity[order])


def _chunks_of(job: Job, own: slice) -> list[ChunkRows]:
    """Return the chunks of days of the episodes with these numbers."""
    return [
        ChunkRows(slice(max(start, own.start) - own.start, min(stop, own.stop) - own.start), slice(start, beyond))
        for start, stop, beyond in np.array(EpisodeLabels.of(job).chunks).tolist()
        if start < own.stop and stop > own.start
    ]


def _rows_of(job: Job, number: int, own: slice, lookup: SortedKeys) -> OtherRows:
    """Return the mean vectors of the episodes of a slice, to be compared with that whose features `lookup` finds."""
    part = EpisodeMeans.of(job, number)
    columns = lookup.find(part.keys).astype(np.int32)
    rows = csr_array((part.data, part.indices, part.indptr), shape=(own.stop - own.start, len(columns)))
    return OtherRows(np.arange(own.start, own.stop), rows, columns, len(lookup.keys) + 1)


def _episodes_of(job: Job, number: int, own: OtherRows) -> Episodes:
    """Return the episodes that begin in a slice, in the columns of the slice that they are compared with.

    The features that it does not have come to one column behind its own: with them, sums of float32 are those of the
    batch, and do not depend on the slice.
    """
    labels, part = EpisodeLabels.of(job), EpisodeMeans.of(job, number)
    columns = np.where(own.columns < 0, own.n_columns - 1, own.columns)
    days = np.array(Order.of(job).days[labels.heads[own.positions]])
    rows = csr_array((own.rows.data, columns[own.rows.indices], own.rows.indptr), shape=(len(days), own.n_columns))
    return Episodes(rows, days, np.array(labels.last[own.positions]), part.within, part.costs)


def _together(one: Episodes, other: Episodes) -> Episodes:
    """Return the episodes of two slices, with the mean vectors of the first one alone: those are most of the memory."""
    return Episodes(one.means, *(np.concatenate(pair) for pair in zip(one[1:], other[1:], strict=True)))


def _pairs(
    both: Episodes,
    others: csr_array,
    before: int,
    max_gap_days: float,
    heavy: csr_array,
    start: int,
    postings: list[tuple[int, csr_array]],
) -> Pairs:
    """Return similar pairs of some episodes of a slice and others, the first of which is episode `before`."""
    left, right = candidate_episodes(both, max_gap_days, heavy, start, postings)
    return similar_candidates(both, left, right, dot_products(both.means, left, right - before, others)[0])


def join_episodes(job: Job, _: int, folder: Path) -> None:
    """Task: the position of the first article of every article's story."""
    labels = EpisodeLabels.of(job)
    first, head = np.array(labels.first), np.array(labels.head)
    if job.settings.max_gap_days:
        heads, pairs = np.array(labels.heads), [EpisodePairs.of(job, k) for k in slices_of(job)]
        edges = Edges.joined([(part.left, part.right, part.similarity) for part in pairs])
        costs = joined([EpisodeMeans.of(job, k).costs for k in slices_of(job)], np.float64)
        stories = stories_of_pairs(edges, costs, job.settings.story_threshold)
        dated = np.flatnonzero(~np.isnan(Order.of(job).days[head]))
        story = stories[np.searchsorted(heads, head[dated])]
        # An episode may begin with an earlier version of a report, and so may a story with that of a later episode.
        begins = np.full(int(stories.max(initial=-1)) + 1, len(first))
        np.minimum.at(begins, story, first[dated])
        first[dated] = begins[story]
    StoryLabels(folder).save(first=first, ordered=np.argsort(first, kind="stable"))
