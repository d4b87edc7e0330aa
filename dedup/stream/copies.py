"""Which stored articles are near-duplicates of one; nothing is added."""

import logging

import numpy as np

from dedup.article import Article, ArticleId, Batch
from dedup.near.jaccard import ShingleSets
from dedup.store.serialization import decode_article
from dedup.stream.assignment import Similar, format_episode_id, format_story_id
from dedup.stream.live import running_totals
from dedup.stream.matching import stored_articles, word_features_of
from dedup.stream.queries import row_of, stored_row
from dedup.stream.state import IndexState
from dedup.stream.text_features import extract_shingles
from dedup.stream.validation import id_in_index

_logger = logging.getLogger(__name__)

# An article is compared with those that share most bands with it: at most so many, of at most so many features. As it
# is one article, these are more than for each that is added.
_MOST_COMPARED, _MOST_ENTRIES = 8192, 1 << 23


def copies_of_article(state: IndexState, batch: Batch) -> tuple[Similar, ...]:
    """Return the stored copies of the one article of a batch, but for the article that has its id."""
    name = id_in_index(batch.articles[0], batch.named[0])
    own = None if name is None else row_of(state, name)
    (article,) = state.source_residue.add_residue(batch.articles)
    return _copies_of(state, article, own and own.node)


def copies_of_stored(state: IndexState, article_id: ArticleId) -> tuple[Similar, ...]:
    """Return the other copies of a stored article, or raise KeyError."""
    row = stored_row(state, article_id)
    return _copies_of(state, decode_article(row.fields), row.node)


def _copies_of(state: IndexState, article: Article, own: int | None) -> tuple[Similar, ...]:
    """Return the live near-duplicates of an article but for a node, most similar first, of equals the earlier."""
    texts, near = word_features_of(state, [article]), state.settings.near
    if texts.blank[0]:
        return ()
    nodes = state.live.sharing_bands(state.next_node, texts.bands[0])
    nodes = nodes[nodes != (own or 0)]  # nodes begin with 1
    few = running_totals(state.live.nodes.sizes(nodes), np.zeros(len(nodes), dtype=np.int64)) <= _MOST_ENTRIES
    few[:1], few[_MOST_COMPARED:] = True, False
    if not few.all():
        _logger.warning("an article shares bands with %d others; it is compared with %d", len(few), few.sum())
        nodes = nodes[few]
    stored, stored_texts = stored_articles(state, nodes.tolist())
    shingles, counts = extract_shingles(stored_texts, near.shingle_size, near.fold)
    offsets = np.concatenate([texts.shingle_offsets, len(texts.shingles) + np.cumsum(counts)])
    sets = ShingleSets(np.concatenate([texts.shingles, shingles]), offsets, 1)
    jaccard, _ = sets.overlaps(np.stack([np.zeros(len(nodes), dtype=np.int64), 1 + np.arange(len(nodes))], axis=1))
    order = np.lexsort((nodes, -jaccard))
    order = order[jaccard[order] >= near.threshold]
    episodes = state.live.nodes.episodes(nodes[order]).tolist()
    stories = state.store.stories_of(set(episodes))
    found = zip(nodes[order].tolist(), jaccard[order].tolist(), episodes, strict=True)
    return tuple(
        Similar(stored[node][0], format_story_id(stories[episode]), value, format_episode_id(episode))
        for node, value, episode in found
    )
