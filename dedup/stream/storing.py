"""New articles, which are in episodes by now -> the store."""

from collections.abc import Sequence

import numpy as np

from dedup.article import Article
from dedup.store.records import ArticleFeatures, Row
from dedup.store.serialization import digest_of, encode_article, page_key, source_of
from dedup.stream.live_meanings import stored_vectors
from dedup.stream.matching import MatchedArticles
from dedup.stream.state import IndexState


def store_articles(state: IndexState, articles: Sequence[Article], matched: MatchedArticles) -> None:
    """Store new articles with what was found when they were matched."""
    weighted = matched.weighted
    features, episodes = weighted.texts, state.live.nodes.episodes(matched.nodes).tolist()
    rows, (vectors, languages) = [], stored_vectors(features)
    for i, article in enumerate(articles):
        node, canonical, digest = int(matched.nodes[i]), int(matched.canonical[i]), digest_of(article)
        day, expiry_day = (None if np.isnan(article.day) else article.day), expiry_day_of(state, article)
        own = source_of(article), encode_article(article), page_key(article)
        row = Row(node, article.id, digest, day, expiry_day, episodes[i], canonical, *own)
        neighbours, similarities = matched.neighbours[i]
        bands = features.bands[i][: 0 if features.blank[i] else None]
        order = weighted.by_weight[i]
        own_features = features.features[order], features.counts[order]
        compared = float(weighted.norms[i]), neighbours.astype(np.int32), similarities, bands
        rows.append((row, ArticleFeatures(*compared, *own_features, vectors[i], int(languages[i]))))
    state.store.insert(rows)


def expiry_day_of(state: IndexState, article: Article) -> float:
    """Return the day that `expire` compares: that of publication, or that on which an undated article comes."""
    return state.arrival if np.isnan(article.day) else article.day
