"""Episodes -> similar pairs of them, each language by itself; see `dedup.story.by_language`."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from dedup.archive.encode import meanings_at
from dedup.archive.encoder_parts import EpisodeCandidates, LanguageMeans, LanguageNodes, LanguageNumbers
from dedup.archive.gathering import in_common_columns
from dedup.archive.job import Job
from dedup.archive.joining import Layer, all_episodes, entries_of, means_of, numbers_of, pairs_in_layer
from dedup.archive.parts import EpisodeLabels, EpisodeMeans, EpisodePairs, Order
from dedup.archive.slices import bounds_of, positions_of, slices_of
from dedup.arrays import Flags, Floats, Integers, joined, run_starts, slices
from dedup.story.by_language import LanguagePart, alike_in_meaning, in_several, mean_cosines, tightness
from dedup.story.candidates import Edges, Pairs
from dedup.story.encoding import are_mixed
from dedup.story.episodes import Episodes, candidate_episodes, chunks_in_reach, similar_candidates

#: Pairs of episodes that are compared at once, and those of which the vectors are read at once.
_CANDIDATES_AT_ONCE, _PAIRS_AT_ONCE = 1 << 19, 1 << 12


def find_nodes(job: Job, _: int, folder: Path) -> None:
    """Task: the parts of the dated episodes that are in one language each."""
    labels, numbers, days = EpisodeLabels.of(job), LanguageNumbers.of(job).numbers, Order.of(job).days
    reports = np.array(labels.reports) if are_mixed(np.array(numbers)) else np.empty(0, dtype=np.int64)
    episodes = np.repeat(np.arange(len(labels.heads)), np.diff(labels.offsets))[: len(reports)]
    languages = np.array(numbers[reports])
    order = np.lexsort((reports, episodes, languages))
    reports, node = reports[order], episodes[order] + languages[order] * max(len(labels.heads), 1)
    starts = run_starts(node)
    sizes = np.diff(starts, append=len(reports))
    # Within a language by first report, as episodes are.
    own = languages[order][starts]
    by_head = np.lexsort((reports[starts], own))
    rank = np.empty(len(starts), dtype=np.int64)
    rank[by_head] = np.arange(len(starts))
    grouped = np.argsort(np.repeat(rank, sizes), kind="stable")
    heads, codes = reports[starts][by_head], np.unique(own)
    bounds = np.append(np.searchsorted(own[by_head], codes), len(heads))
    offsets = np.concatenate([[0], np.cumsum(sizes[by_head])])
    last = np.fmax.reduceat(days[reports[grouped]], offsets[:-1]) if len(heads) else np.empty(0)
    chunks = [np.empty((0, 3), dtype=np.int64)]
    for first, stop in pairwise(bounds.tolist()):
        found = chunks_in_reach(np.array(days[heads[first:stop]]), last[first:stop], job.settings.max_gap_days)
        rows = [(chunk.start, chunk.stop, reach.stop) for chunk, reach in found]
        chunks.append(np.array(rows, dtype=np.int64).reshape(-1, 3))
    part, chunk_bounds = LanguageNodes(folder), np.cumsum(list(map(len, chunks)))
    part.save(codes=codes, bounds=bounds, heads=heads, last=last, episodes=episodes[order][starts][by_head])
    part.save(reports=reports[grouped], offsets=offsets, chunks=np.concatenate(chunks), chunk_bounds=chunk_bounds)


def nodes_of(job: Job, number: int) -> Integers:
    """Return the nodes that begin in a slice, in the order of their rows in its part."""
    own, heads = positions_of(job, number), LanguageNodes.of(job).heads
    return np.flatnonzero((heads >= own.start) & (heads < own.stop))


def mean_vectors(job: Job, number: int, folder: Path) -> None:
    """Task: the mean vectors of the nodes that begin in a slice."""
    nodes, own = LanguageNodes.of(job), nodes_of(job, number)
    found = means_of(job, *_ranges(nodes.reports, nodes.offsets, own))
    LanguageMeans(folder).save(**entries_of(*found))


def _layers_of(job: Job) -> list[Layer]:
    """Return the layer of each language."""
    nodes, edges = LanguageNodes.of(job), bounds_of(job)
    bounds, chunks = nodes.bounds.tolist(), np.array(nodes.chunks)
    layers, rows, sizes = list[Layer](), np.zeros(len(slices_of(job)), dtype=np.int64), np.diff(nodes.offsets)
    for (first, stop), (begin, end) in zip(pairwise(bounds), pairwise(nodes.chunk_bounds.tolist()), strict=True):
        heads = np.array(nodes.heads[first:stop])
        cuts = np.searchsorted(heads, edges).tolist()
        columns = heads, np.array(nodes.last[first:stop]), sizes[first:stop], chunks[begin:end]
        layers.append(Layer(*columns, [slice(*cut) for cut in pairwise(cuts)], LanguageMeans, rows.tolist()))
        rows += np.diff(cuts)
    return layers


def find_candidates(job: Job, number: int, folder: Path) -> None:
    """Task: pairs of episodes that may be alike, found by an episode or a node that begins in a slice."""
    nodes, n = LanguageNodes.of(job), len(EpisodeLabels.of(job).heads)
    max_gap_days = job.settings.max_gap_days

    def pairs_of(
        both: Episodes, _: csr_array, __: int, heavy: csr_array, start: int, postings: list[tuple[int, csr_array]]
    ) -> Pairs:
        left, right = candidate_episodes(both, max_gap_days, heavy, start, postings)
        return left, right, np.zeros(len(left))

    left, right, _ = pairs_in_layer(job, all_episodes(job), number, pairs_of)
    codes = [left * n + right]
    for first, layer in zip(nodes.bounds.tolist(), _layers_of(job), strict=False):
        if layer.numbers[number].start < layer.numbers[number].stop:
            left, right, _ = pairs_in_layer(job, layer, number, pairs_of)
            one, other = nodes.episodes[first + left], nodes.episodes[first + right]
            codes.append(np.minimum(one, other) * n + np.maximum(one, other))
    left, right = np.divmod(np.unique(np.concatenate(codes)), max(n, 1))
    EpisodeCandidates(folder).save(left=left, right=right)


def match_slice(job: Job, number: int, folder: Path) -> None:
    """Task: similar pairs of an episode that begins in a slice and a later one, sorted."""
    labels, own = EpisodeLabels.of(job), numbers_of(job)[number]
    n, codes = len(labels.heads), [np.empty(0, dtype=np.int64)]
    for k in slices_of(job):
        found = EpisodeCandidates.of(job, k)
        first, stop = np.searchsorted(found.left, [own.start, own.stop])
        codes.append(found.left[first:stop] * n + found.right[first:stop])
    pairs, (within, known) = np.unique(np.concatenate(codes)), _tightness(job)
    days, none = np.array(Order.of(job).days[labels.heads]), csr_array((n, 0), dtype=np.float32)
    episodes = Episodes(none, days, np.array(labels.last), within, np.zeros(n), np.diff(labels.offsets))
    parts: list[Pairs] = []
    for block in slices(0, len(pairs), _CANDIDATES_AT_ONCE):
        left, right = np.divmod(pairs[block], n)
        mean, kept = _mean_cosines(job, left, right), _alike(job, left, right, known)
        parts.append(similar_candidates(episodes, left[kept], right[kept], mean[kept]))
    edges = Edges.joined(parts)
    EpisodePairs(folder).save(left=edges.left, right=edges.right, similarity=edges.similarity)


def _tightness(job: Job) -> tuple[Floats, Flags]:
    """Return how tight each episode is, and whether a language has two reports of it; where there is one, by all."""
    nodes = LanguageNodes.of(job)
    if not len(nodes.codes):
        within = joined([EpisodeMeans.of(job, k).within for k in slices_of(job)], np.float64)
        return within, np.ones(len(within), dtype=np.bool_)
    within = np.empty(len(nodes.heads))
    for k in slices_of(job):
        within[nodes_of(job, k)] = LanguageMeans.of(job, k).within
    return tightness(np.array(nodes.episodes), np.diff(nodes.offsets), within, len(EpisodeLabels.of(job).heads))


def _mean_cosines(job: Job, left: Integers, right: Integers) -> Floats:
    """Return the mean cosine of the reports of pairs of episodes in the same languages, or else of all."""
    found, stops = np.empty(len(left)), [own.stop for own in numbers_of(job)]
    begins_in = np.searchsorted(stops, right, side="right")
    for k in np.unique(begins_in).tolist():
        pairs = np.flatnonzero(begins_in == k)
        episodes, places = np.unique(np.concatenate([left[pairs], right[pairs]]), return_inverse=True)
        means, parts = _means_of_all(job, episodes), _parts_of(job, episodes)
        found[pairs] = mean_cosines(parts, means, *np.split(places, 2))
    return found


def _means_of_all(job: Job, episodes: Integers) -> csr_array:
    """Return the mean vectors of episodes with ascending numbers."""
    layer, parts = all_episodes(job), []
    for k, own in enumerate(layer.numbers):
        wanted = episodes[slice(*np.searchsorted(episodes, [own.start, own.stop]).tolist())]
        if len(wanted):
            rows, keys, _ = layer.rows(job, k)
            parts.append((rows[wanted - own.start], keys))
    return in_common_columns(parts)[0]


def _parts_of(job: Job, episodes: Integers) -> list[LanguagePart]:
    """Return the parts of some episodes in each language, by their places among these."""
    nodes = LanguageNodes.of(job)
    own = np.flatnonzero(np.isin(nodes.episodes, episodes))
    begins_in = np.searchsorted(bounds_of(job), nodes.heads[own], side="right") - 1
    parts, order = [], np.argsort(begins_in, kind="stable")
    for k in np.unique(begins_in).tolist():
        of_slice, part = nodes_of(job, k), LanguageMeans.of(job, k)
        entries = np.array(part.data), np.array(part.indices), np.array(part.indptr)
        rows = csr_array(entries, shape=(len(of_slice), len(part.keys)))
        parts.append((rows[np.searchsorted(of_slice, own[begins_in == k])], np.array(part.keys)))
    means = in_common_columns(parts)[0][np.argsort(order)]
    sizes, numbers, found = np.diff(nodes.offsets)[own], np.searchsorted(episodes, nodes.episodes[own]), []
    for first, stop in pairwise(np.searchsorted(own, nodes.bounds).tolist()):
        of_part, n = numbers[first:stop], stop - first
        place, counts = np.full(len(episodes), -1), np.zeros(len(episodes), dtype=np.int64)
        place[of_part], counts[of_part] = np.arange(n), sizes[first:stop]
        unknown = np.full(n, np.nan)
        own_means = Episodes(means[first:stop], unknown, unknown, unknown, unknown, sizes[first:stop])
        found.append(LanguagePart(own_means, of_part, place, counts))
    return found


def _alike(job: Job, left: Integers, right: Integers, known: Flags) -> Integers:
    """Return the pairs that are alike enough by the vectors of their reports in two languages, where that is asked."""
    labels, unlike = EpisodeLabels.of(job), [np.empty(0, dtype=np.int64)]
    own = np.repeat(np.arange(len(known)), np.diff(labels.offsets))
    asked = in_several(np.array(LanguageNumbers.of(job).numbers[labels.reports]), own, len(known)) & ~known
    pairs = np.flatnonzero(asked[left] | asked[right])
    for block in slices(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[block]
        episodes, places = np.unique(np.concatenate([left[some], right[some]]), return_inverse=True)
        one, other = np.split(places, 2)
        reports, own = _reports_of(labels, episodes)
        found = alike_in_meaning(meanings_at(job, reports), own, one, other, known[episodes])
        unlike.append(np.delete(some, found))
    return np.delete(np.arange(len(left)), np.concatenate(unlike))


def _reports_of(labels: EpisodeLabels, episodes: Integers) -> tuple[Integers, Integers]:
    """Return the positions of the reports of some episodes, ascending, and the place of the episode of each."""
    positions, sizes = _ranges(labels.reports, labels.offsets, episodes)
    own, order = np.repeat(np.arange(len(episodes)), sizes), np.argsort(positions)
    return positions[order], own[order]


def _ranges(values: Integers, offsets: Integers, numbers: Integers) -> tuple[Integers, Integers]:
    """Return the values of some ranges, one after the other, and their sizes."""
    begins, sizes = np.array(offsets[numbers]), np.array(offsets[numbers + 1] - offsets[numbers])
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.array(values[np.repeat(begins, sizes) + within]), sizes
