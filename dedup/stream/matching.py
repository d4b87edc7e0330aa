"""New articles -> what each is a copy of, and which live reports it is similar to."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article
from dedup.near.jaccard import ShingleSets
from dedup.store.records import decoded
from dedup.story.candidates import FLOOR
from dedup.stream.live import LEADING_FEATURES, WeightedTexts
from dedup.stream.state import IndexState
from dedup.stream.text_features import Readings, read_shingles, read_texts
from dedup.text.limit import readable_texts

_log = logging.getLogger(__name__)

#: With how many that share a band an article is compared, at most.
_MOST_COMPARED = 64

_ROWS_AT_ONCE = 16

Neighbours = tuple[NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class MatchedArticles:
    """Articles that come one after the other, and what was found out about each.

    Attributes
    ----------
    nodes : ndarray of int64, shape (n,)
        Their numbers, consecutive.
    days : ndarray of float64, shape (n,)
        Publication in days since 1970; NaN for unknown.
    weighed : Weighed
    originals : dict of int to (str, float)
        By place: id of the article that it is a copy of, and their Jaccard similarity.
    speakers : ndarray of int64, shape (n,)
        Node of the article that speaks for it.
    neighbours : list of (ndarray of int64, ndarray of float32)
        Earlier reports that each is similar to, and how much; none of a copy.
    """

    nodes: NDArray[np.int64]
    days: NDArray[np.float64]
    weighted: WeightedTexts
    originals: dict[int, tuple[str, float]]
    canonical: NDArray[np.int64]
    neighbours: list[Neighbours]


def match_articles(
    state: IndexState, articles: Sequence[Article], known_canonical: NDArray[np.int64] | None = None
) -> MatchedArticles:
    """Make articles known to memory, and find what each meets that came before it.

    Parameters
    ----------
    ledger : Ledger
    articles : sequence of Article
    known_speakers : ndarray of int64, optional
        Node of the article that speaks for each, where it is known what is a copy of what.
    """
    nodes = np.arange(state.next_node, state.next_node + len(articles))
    state.next_node += len(articles)
    days = np.array([article.day for article in articles])
    readings = read_all(state, articles)
    if known_canonical is None:
        originals, canonical = _originals(state, articles, nodes, readings)
    else:
        filled = np.flatnonzero(~readings.blank)
        state.live.add_bands(nodes[filled], readings.bands[filled])
        originals, canonical = {}, known_canonical
    is_canonical = canonical == nodes
    weighted = state.live.weigh(readings, is_canonical)
    state.live.nodes.add(
        nodes, days=days, norms=weighted.norms, sizes=np.diff(readings.offsets), is_canonical=is_canonical
    )
    reports = np.flatnonzero(is_canonical)
    for i in reports.tolist():
        own = slice(*readings.offsets[i : i + 2])
        state.live.window.add(int(nodes[i]), readings.features[own], readings.counts[own])
    leading = [readings.features[weighted.heaviest[i][:LEADING_FEATURES]] for i in reports.tolist()]
    state.live.lead(nodes[reports], days[reports], leading)
    neighbours = find_neighbours(state, weighted, days, np.where(is_canonical, nodes, 0))
    return MatchedArticles(nodes, days, weighted, originals, canonical, neighbours)


def read_all(state: IndexState, articles: Sequence[Article]) -> Readings:
    """What articles come to."""
    settings = state.settings
    texts = readable_texts(articles, settings.max_chars)
    return read_texts(texts, state.bands, settings.near.shingle_size, settings.near.fold)


def find_neighbours(
    state: IndexState, weighted: WeightedTexts, days: NDArray[np.float64], limits: NDArray[np.int64]
) -> list[Neighbours]:
    """For each text the live reports below its limit that it is similar to, and how much."""
    text, nodes = state.live.candidates(weighted, days, limits)
    similarity = state.live.similarities(weighted, days, text, nodes, state.features_of)
    similar = similarity >= FLOOR
    text, nodes, similarity = text[similar], nodes[similar], similarity[similar]
    bounds = np.searchsorted(text, range(len(days) + 1))
    return [(nodes[a:b], similarity[a:b]) for a, b in pairwise(bounds.tolist())]


def _originals(
    state: IndexState, articles: Sequence[Article], nodes: NDArray[np.int64], readings: Readings
) -> tuple[dict[int, tuple[str, float]], NDArray[np.int64]]:
    """Of each article the one most similar in its shingles, if it reaches the threshold, the earlier of equals."""
    filled = np.flatnonzero(~readings.blank)
    state.live.add_bands(nodes[filled], readings.bands[filled])
    place, others = state.live.sharing_a_band(nodes[filled], readings.bands[filled], _MOST_COMPARED)
    originals: dict[int, tuple[str, float]] = {}
    canonical = nodes.copy()
    if not len(place):
        return originals, canonical
    place = filled[place]
    if np.bincount(place).max() == _MOST_COMPARED:
        _log.warning("an article shares bands with %d others or more; it is compared with those", _MOST_COMPARED)
    known = np.unique(others[others < nodes[0]])
    stored, texts = _stored(state, known.tolist())
    shingles, counts = read_shingles(texts, state.settings.near.shingle_size, state.settings.near.fold)
    offsets = np.concatenate([readings.shingle_offsets, len(readings.shingles) + np.cumsum(counts)])
    sets = ShingleSets(np.concatenate([readings.shingles, shingles]), offsets, 1)
    earlier = others < nodes[0]
    partner = others - nodes[0]
    partner[earlier] = len(nodes) + np.searchsorted(known, others[earlier])
    jaccard, _ = sets.overlaps(np.stack([place, partner], axis=1))
    # The best pair of each article is the first of those in this order; articles in turn, so that speakers are known.
    for k in np.lexsort((others, -jaccard, place)).tolist():
        i, node = int(place[k]), int(others[k])
        if jaccard[k] < state.settings.near.threshold or i in originals:
            continue
        with_it = node - int(nodes[0])  # its place when it came with this one
        originals[i] = (stored[node][0] if node in stored else articles[with_it].id), float(jaccard[k])
        canonical[i] = stored[node][1] if node in stored else canonical[with_it]
    return originals, canonical


def _stored(state: IndexState, nodes: list[int]) -> tuple[dict[int, tuple[str, int]], list[str]]:
    """Id and speaker of stored articles, and what is read of their texts."""
    told: dict[int, tuple[str, int]] = {}
    texts: list[str] = []
    # Few rows at a time: an article is stored whole, however much of it is read.
    for first in range(0, len(nodes), _ROWS_AT_ONCE):
        some = nodes[first : first + _ROWS_AT_ONCE]
        rows = state.store.rows(some)
        told |= {node: (rows[node].id, rows[node].canonical) for node in some}
        texts += readable_texts([decoded(rows[node].fields) for node in some], state.settings.max_chars)
    return told, texts
