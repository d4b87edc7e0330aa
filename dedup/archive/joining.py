"""Episodes -> stories: mean vectors, similar pairs of them, and the partition of the graph of these pairs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.archive.encoder_parts import LanguageMeans
from dedup.archive.gathering import vectors_and_keys
from dedup.archive.job import Job
from dedup.archive.parts import EpisodeLabels, EpisodeMeans, EpisodePairs, Order, StoryLabels
from dedup.archive.similarity import NO_PAIRS, ChunkRows, OtherRows, search, search_blocks
from dedup.archive.slices import slices_of
from dedup.arrays import Floats, Hashes, Integers, joined
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
    found, keys = means_of(job, np.array(labels.reports[offsets[0] : offsets[-1]]), np.diff(offsets))
    EpisodeMeans(folder).save(**entries_of(found, keys), costs=found.costs)


def means_of(job: Job, reports: Integers, sizes: Integers) -> tuple[Episodes, Hashes]:
    """Return episodes, or parts of them, of so many reports at these positions each, and the columns of their means."""
    # In the order of the batch: sums of float32 depend on it.
    order = np.argsort(reports)
    reports, episode = reports[order], np.repeat(np.arange(len(sizes)), sizes)[order]
    vectors, keys = vectors_and_keys(job, reports)
    costs = np.array(EpisodeLabels.of(job).costs[reports])
    return Episodes.of(vectors, np.array(Order.of(job).days[reports]), episode, costs), keys


def entries_of(episodes: Episodes, keys: Hashes) -> dict[str, NDArray[Any]]:
    """Return the arrays that `EpisodeMeans` and `LanguageMeans` have."""
    means = episodes.means
    return {
        "data": means.data,
        "indices": means.indices.astype(np.int32),
        "indptr": means.indptr.astype(np.int32),
        "keys": keys,
        "within": episodes.within,
    }


class Layer(NamedTuple):
    """What is compared with each other: all dated episodes, or those parts of episodes that are in one language."""

    heads: Integers  # position of the first report of each, ascending
    last: Floats  # its last publication in days
    sizes: Integers  # its number of reports
    chunks: Integers  # (n_chunks, 3), see `dedup.archive.parts.EpisodeLabels`
    numbers: list[slice]  # of those that begin in each slice
    part: type[EpisodeMeans] | type[LanguageMeans]  # which has their mean vectors
    firsts: list[int]  # the first row of each slice there

    def rows(self, job: Job, number: int) -> tuple[csr_array, Hashes, Floats]:
        """Return the mean vectors of those that begin in a slice, their columns, and how tight they are."""
        own, part, first = self.numbers[number], self.part.of(job, number), self.firsts[number]
        indptr = np.array(part.indptr[first : first + own.stop - own.start + 1])
        entries, keys = slice(int(indptr[0]), int(indptr[-1])), np.array(part.keys)
        values = np.array(part.data[entries]), np.array(part.indices[entries]), indptr - indptr[0]
        within = np.array(part.within[first : first + len(indptr) - 1])
        return csr_array(values, shape=(len(indptr) - 1, len(keys))), keys, within


def all_episodes(job: Job) -> Layer:
    """Return the layer of all dated episodes."""
    labels, numbers = EpisodeLabels.of(job), numbers_of(job)
    columns = (np.array(labels.heads), np.array(labels.last), np.diff(labels.offsets), np.array(labels.chunks))
    return Layer(*columns, numbers, EpisodeMeans, [0] * len(numbers))


#: Pairs of some episodes of a slice and others: given all of both, the vectors of the others, the place of the first of
#: these, and what `candidate_episodes` is given.
PairsOf = Callable[[Episodes, csr_array, int, csr_array, int, list[tuple[int, csr_array]]], Pairs]


def match_slice(job: Job, number: int, folder: Path) -> None:
    """Task: similar pairs of an episode that begins in a slice and a later one, sorted."""
    left, right, similarity = pairs_in_layer(job, all_episodes(job), number, partial(_pairs, job.settings.max_gap_days))
    EpisodePairs(folder).save(left=left, right=right, similarity=similarity)


def pairs_in_layer(job: Job, layer: Layer, number: int, pairs_of: PairsOf) -> Pairs:
    """Return what `pairs_of` finds of those in a layer that begin in a slice and later ones, by number, sorted."""
    numbers, (_, keys, _) = layer.numbers, layer.rows(job, number)
    lookup, chunks = SortedKeys(keys, KEY_BITS), _chunks_of(layer.chunks, numbers[number])
    first = min((chunk.reach.start for chunk in chunks), default=0)
    stop = max((chunk.reach.stop for chunk in chunks), default=0)
    near = [k for k, other in enumerate(numbers) if other.start < stop and other.stop > first]
    own, episodes = _episodes_of(job, layer, number, lookup)
    found = [NO_PAIRS]
    blocks = search_blocks(chunks, episodes.means, (_episodes_of(job, layer, k, lookup)[0] for k in near), heaviest)
    for k in near:
        other, theirs, both, before = own, episodes, episodes, 0
        if k > number:
            other, theirs = _episodes_of(job, layer, k, lookup)
            both, before = _together(episodes, theirs), len(own.positions)
        if k >= number:
            left, right, similarity = search(
                blocks, other, theirs.means, before, partial(pairs_of, both, theirs.means, before)
            )
            found.append((own.positions[left], other.positions[right - before], similarity))
    left, right, similarity = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((right, left))
    return left[order], right[order], similarity[order]


def _chunks_of(chunks: Integers, own: slice) -> list[ChunkRows]:
    """Return the chunks of days of those with these numbers."""
    return [
        ChunkRows(slice(max(start, own.start) - own.start, min(stop, own.stop) - own.start), slice(start, beyond))
        for start, stop, beyond in chunks.tolist()
        if start < own.stop and stop > own.start
    ]


def _episodes_of(job: Job, layer: Layer, number: int, lookup: SortedKeys) -> tuple[OtherRows, Episodes]:
    """Return those of a layer that begin in a slice, to be compared with the slice whose features `lookup` finds.

    In the episodes, the features that it does not have come to one column behind its own: with them, sums of float32
    are those of the batch, and do not depend on the slice. They have no costs, on which pairs do not depend.
    """
    rows, keys, within = layer.rows(job, number)
    found, own, n_columns = lookup.find(keys).astype(np.int32), layer.numbers[number], len(lookup.keys) + 1
    other = OtherRows(np.arange(own.start, own.stop), rows, found, n_columns)
    columns = np.where(found < 0, n_columns - 1, found)
    days = np.array(Order.of(job).days[layer.heads[own]])
    means = csr_array((rows.data, columns[rows.indices], rows.indptr), shape=(len(days), n_columns))
    return other, Episodes(means, days, layer.last[own], within, np.zeros(len(days)), layer.sizes[own])


def _together(one: Episodes, other: Episodes) -> Episodes:
    """Return the episodes of two slices, with the mean vectors of the first one alone: those are most of the memory."""
    return Episodes(one.means, *(np.concatenate(pair) for pair in zip(one[1:], other[1:], strict=True)))


def _pairs(
    max_gap_days: float,
    both: Episodes,
    others: csr_array,
    before: int,
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
