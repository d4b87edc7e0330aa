"""New articles -> the article that each is a copy of, and the live reports that it is similar to."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Floats, Integers, slices
from dedup.article import Article
from dedup.near.jaccard import ShingleSets
from dedup.store.serialization import decode_article
from dedup.story.candidates import FLOOR
from dedup.stream.live import INDEXED_FEATURES
from dedup.stream.live_meanings import EncodedTexts, stored_vectors
from dedup.stream.state import IndexState
from dedup.stream.text_features import TextFeatures, extract_features, extract_shingles, without_features
from dedup.stream.vectors import WeightedTexts
from dedup.text.limit import readable_texts
from dedup.text.roundups import is_roundup

_logger = logging.getLogger(__name__)

#: An article is compared with at most this many that share a band with it: those that share most.
_MAX_COMPARED = 1024

_ROWS_AT_ONCE = 16

Neighbours = tuple[Integers, NDArray[np.float32]]

#: Whether an article may be put into an episode.
Allows = Callable[[int], bool]


@dataclass(frozen=True, slots=True, eq=False)
class MatchedArticles:
    """Articles that come one after the other, each compared with all that came before it."""

    nodes: Integers  # (n,): consecutive
    weighted: WeightedTexts
    # for the position of each copy, the id of the article that it is a copy of and their Jaccard similarity
    originals: dict[int, tuple[str, float]]
    canonical: Integers  # (n,): canonical node of each article; its own when it is no copy
    # the earlier reports that each report is similar to, and their similarities; empty for a copy
    neighbours: list[Neighbours]


def match_articles(
    state: IndexState,
    articles: Sequence[Article],
    texts: TextFeatures,
    known_canonical: Integers | None = None,
    allows: Allows | None = None,
) -> MatchedArticles:
    """Give new articles their nodes, add them to the live articles and compare them with those before.

    `texts` are their features; `known_canonical` has the canonical node of each, where copies are known already. None
    is a copy of one in an episode that `allows` forbids.
    """
    nodes = np.arange(state.next_node, state.next_node + len(articles))
    state.next_node += len(articles)
    days = np.array([article.day for article in articles])
    filled = np.flatnonzero(~texts.blank)
    state.live.add_bands(nodes[filled], texts.bands[filled])
    if known_canonical is None:
        originals, canonical = _find_originals(state, articles, nodes, texts, allows)
    else:
        originals, canonical = {}, known_canonical
    is_canonical = canonical == nodes
    weighted = state.live.weight_texts(texts, is_canonical)
    sizes = np.diff(texts.offsets)
    state.live.nodes.add(nodes, days=days, norms=weighted.norms, sizes=sizes, is_canonical=is_canonical)
    reports = np.flatnonzero(is_canonical)
    for i in reports.tolist():
        own = slice(*texts.offsets[i : i + 2])
        state.live.window.add(int(nodes[i]), texts.features[own], texts.counts[own])
    if state.live.meanings is not None:
        state.live.meanings.add(nodes, *stored_vectors(texts))
    heaviest = [texts.features[weighted.by_weight[i][:INDEXED_FEATURES]] for i in reports.tolist()]
    state.live.add_features(nodes[reports], days[reports], heaviest)
    neighbours = find_neighbours(state, weighted, days, np.where(is_canonical, nodes, 0))
    return MatchedArticles(nodes, weighted, originals, canonical, neighbours)


def text_features_of(
    state: IndexState, articles: Sequence[Article], before: EncodedTexts | None = None
) -> TextFeatures:
    """Return the features of articles under the settings of an index; `before` has vectors that are known already."""
    features, meanings = word_features_of(state, articles), state.live.meanings
    if meanings is None:
        return features
    # A round-up has no features: of many stories, it is like no report.
    return replace(features, vectors=meanings.vectors_of(articles, np.diff(features.offsets) > 0, before))


def word_features_of(state: IndexState, articles: Sequence[Article]) -> TextFeatures:
    """Return the same without what the articles mean."""
    settings = state.settings
    texts = readable_texts(articles, settings.max_chars)
    languages = [article.language for article in articles]
    features = extract_features(texts, state.bands, settings.near.shingle_size, settings.near.fold, languages)
    return without_features(features, np.array([is_roundup(article.plain_title) for article in articles]))


def find_neighbours(state: IndexState, weighted: WeightedTexts, days: Floats, limits: Integers) -> list[Neighbours]:
    """Return for each text the live reports below its limit that it is similar to, and their similarities."""
    text, nodes = state.live.candidates(weighted, days, limits)
    similarity = state.live.similarities(weighted, days, text, nodes, state.features_of)
    similar = similarity >= FLOOR
    text, nodes, similarity = text[similar], nodes[similar], similarity[similar]
    bounds = np.searchsorted(text, range(len(days) + 1))
    return [(nodes[a:b], similarity[a:b]) for a, b in pairwise(bounds.tolist())]


def _find_originals(
    state: IndexState, articles: Sequence[Article], nodes: Integers, texts: TextFeatures, allows: Allows | None
) -> tuple[dict[int, tuple[str, float]], Integers]:
    """Return the originals and the canonical nodes of new articles; of equally similar originals, the earliest."""
    filled = np.flatnonzero(~texts.blank)

    def sharing_rare(place: int, candidates: Integers) -> Integers:
        return _sharing_rare(state, texts, int(filled[place]), candidates)

    place, others = state.live.near_candidates(nodes[filled], texts.bands[filled], _MAX_COMPARED, sharing_rare)
    originals: dict[int, tuple[str, float]] = {}
    canonical = nodes.copy()
    if allows is not None:  # of an article that comes alone
        allowed = np.array([allows(episode) for episode in state.live.nodes.episodes(others).tolist()], dtype=np.bool_)
        place, others = place[allowed], others[allowed]
    if not len(place):
        return originals, canonical
    place = filled[place]
    if np.bincount(place).max() == _MAX_COMPARED:
        _logger.warning("an article shares bands with %d others or more; it is compared with those", _MAX_COMPARED)
    earlier = others < nodes[0]
    known = np.unique(others[earlier])
    stored, stored_texts = stored_articles(state, known.tolist())
    shingles, counts = extract_shingles(stored_texts, state.settings.near.shingle_size, state.settings.near.fold)
    offsets = np.concatenate([texts.shingle_offsets, len(texts.shingles) + np.cumsum(counts)])
    sets = ShingleSets(np.concatenate([texts.shingles, shingles]), offsets, 1)
    partner = others - nodes[0]
    partner[earlier] = len(nodes) + np.searchsorted(known, others[earlier])
    jaccard, _ = sets.overlaps(np.stack([place, partner], axis=1))
    # In this order the first pair of each article is its best, and the canonical nodes of earlier articles are known.
    for k in np.lexsort((others, -jaccard, place)).tolist():
        i, node = int(place[k]), int(others[k])
        if jaccard[k] >= state.settings.near.threshold and i not in originals:
            j = node - int(nodes[0])  # position of the other, when it came with this one
            name, canonical[i] = stored[node] if node in stored else (articles[j].id, canonical[j])
            originals[i] = name, float(jaccard[k])
    return originals, canonical


def _sharing_rare(state: IndexState, texts: TextFeatures, i: int, candidates: Integers) -> Integers:
    """Return those of the candidates of new text `i` that share shingles with it which few of them have."""
    near, crowds = state.settings.near, state.live.crowds
    first = state.next_node - len(texts)  # the node of the first new text
    unknown = crowds.unknown(candidates)
    stored = unknown[unknown < first]
    for part in slices(0, len(stored), _MAX_COMPARED):
        _, read = stored_articles(state, stored[part].tolist())
        crowds.add(stored[part], *extract_shingles(read, near.shingle_size, near.fold))
    offsets = texts.shingle_offsets
    for node in unknown[unknown >= first].tolist():
        own = texts.shingles[slice(*offsets[node - first : node - first + 2])]
        crowds.add(np.array([node]), own, np.array([len(own)]))
    return crowds.sharing_rare(texts.shingles[offsets[i] : offsets[i + 1]], candidates)


def stored_articles(state: IndexState, nodes: list[int]) -> tuple[dict[int, tuple[str, int]], list[str]]:
    """Return the id and the canonical node of stored articles, and their texts as far as they are read."""
    found: dict[int, tuple[str, int]] = {}
    texts: list[str] = []
    # Few rows at a time: an article is stored whole, however much of it is read.
    for block in slices(0, len(nodes), _ROWS_AT_ONCE):
        stored = state.store.rows(nodes[block])
        rows = [stored[node] for node in nodes[block]]
        found |= {row.node: (row.id, row.canonical) for row in rows}
        texts += readable_texts([decode_article(row.fields) for row in rows], state.settings.max_chars)
    return found, texts
