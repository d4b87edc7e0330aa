"""What an index says when it is asked: a story, and the reports similar to an article."""

import numpy as np

from dedup.article import Article
from dedup.build import build_story
from dedup.representative import Chooser, candidates_of
from dedup.store.records import Row, decoded
from dedup.stories import Story
from dedup.stream.assignment import story_name
from dedup.stream.matching import find_neighbours, read_all
from dedup.stream.state import IndexState
from dedup.stream.text_features import count_words
from dedup.stream.validation import is_storable
from dedup.text.limit import readable_texts


def row_of(state: IndexState, article_id: str) -> Row | None:
    """The live article of that id."""
    is_id = isinstance(article_id, str) and is_storable(article_id)
    return state.store.by_id(article_id) if is_id else None


def story_of(state: IndexState, number: int, rule: str | Chooser) -> Story | None:
    """The story of that number; None when it has no articles."""
    rows = sorted(state.store.of_story(number), key=lambda row: (row.day is None, row.day or 0.0, row.id))
    if not rows:
        return None
    articles, settings = [decoded(row.fields) for row in rows], state.settings
    copies = np.array([row.canonical for row in rows])
    canonical, place = np.unique(copies, return_inverse=True)
    totals = np.asarray(state.graph(canonical).sum(axis=1)).ravel()
    membership = totals / (len(canonical) - 1) if len(canonical) > 1 else np.ones(1)
    words = count_words(readable_texts(articles, settings.max_chars), settings.near.fold).tolist()
    candidates = candidates_of(articles, copies, words, membership[place])
    return build_story(candidates, copies, settings.story_threshold, rule, state.live, story_name(number))[0]


def most_similar(state: IndexState, article: Article) -> list[tuple[Row, float]]:
    """The live reports that an article is similar to, and how much, most similar first."""
    readings = read_all(state, state.source_residue.add_residue([article]))
    weighted = state.live.weigh(readings, np.zeros(1, dtype=np.bool_))
    limit = np.array([state.next_node])
    ((nodes, similarities),) = find_neighbours(state, weighted, np.array([article.day]), limit)
    rows = state.store.rows(nodes.tolist())
    order = np.lexsort((nodes, -similarities)).tolist()
    return [(rows[int(nodes[i])], float(similarities[i])) for i in order]
