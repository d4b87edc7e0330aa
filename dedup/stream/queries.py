"""What an index answers: an article, a story, and the reports similar to an article."""

from dataclasses import replace

import numpy as np

from dedup.arrays import first_members, members, numbered_by_first
from dedup.article import ArticleId, Batch, name_of_id
from dedup.build import build_story
from dedup.representative import Chooser, candidates_of
from dedup.store.records import Row
from dedup.store.serialization import decode_article
from dedup.story.result import Story
from dedup.story.similarity import membership
from dedup.stream.arrival import without_future_dates
from dedup.stream.assignment import Similar, format_episode_id, format_story_id, parse_story_id
from dedup.stream.edits import Edits
from dedup.stream.matching import find_neighbours, text_features_of
from dedup.stream.state import IndexState
from dedup.stream.text_features import count_words
from dedup.stream.validation import is_storable
from dedup.text.limit import readable_texts


def row_of(state: IndexState, article_id: ArticleId) -> Row | None:
    """Return the live article with that id, or the one of which another version had it, or None."""
    name = name_of_id(article_id)
    if name is None or not is_storable(name):
        return None
    return state.store.by_id(name) or state.store.by_other_id(name)


def stored_row(state: IndexState, article_id: ArticleId) -> Row:
    """Return the row that `row_of` finds, or raise KeyError."""
    row = row_of(state, article_id)
    if row is None:
        raise KeyError(f"no article has the id {article_id!r}")
    return row


def story_id_of(state: IndexState, article_id: ArticleId) -> str:
    """Return the id of the story of an article, or raise KeyError."""
    row = stored_row(state, article_id)
    return format_story_id(state.store.stories_of([row.episode])[row.episode])


def story_by_id(state: IndexState, story_id: str, rule: str | Chooser) -> Story:
    """Return the story with that id or alias, or raise KeyError."""
    number = state.store.resolve(parse_story_id(story_id))
    story = (
        None if number is None else story_of(state, state.store.stories_of([number])[number], rule, Edits(state.store))
    )
    if story is None:
        raise KeyError(f"no story has the id {story_id!r}")
    return story


def story_of(state: IndexState, number: int, rule: str | Chooser, edits: Edits) -> Story | None:
    """Return the story with that number as editors want it shown; None when it has no articles."""
    rows = sorted(state.store.of_story(number), key=lambda row: (row.day is None, row.day or 0.0, row.id))
    if not rows:
        return None
    articles, settings = [decode_article(row.fields) for row in rows], state.settings
    copies = np.array([row.canonical for row in rows])
    canonical, place = np.unique(copies, return_inverse=True)
    labels = numbered_by_first(np.array([row.episode for row in rows]))
    of_episodes = labels[first_members(place)]
    sums = state.edges(canonical).within(of_episodes).sums(len(canonical))
    of_reports = membership(sums, np.bincount(of_episodes)[of_episodes] - 1)
    words = count_words(readable_texts(articles, settings.max_chars), settings.near.fold).tolist()
    candidates = candidates_of(articles, copies.tolist(), words, of_reports[place].tolist())
    names = dict(zip((row.id for row in rows), place.tolist(), strict=True))
    meant = state.live.meanings
    meanings = None if meant is None else meant.of_story(canonical, names)
    how = settings.story_threshold, rule, state.live, meanings
    story, _ = build_story(candidates, copies.tolist(), members(labels), *how, story_id=format_story_id(number))
    numbers = [rows[first].episode for first in first_members(labels).tolist()]
    named = (replace(own, id=format_episode_id(n)) for own, n in zip(story.episodes, numbers, strict=True))
    return edits.apply(replace(story, episodes=tuple(named)), number, rows)


def similar_reports(state: IndexState, batch: Batch) -> list[Similar]:
    """Return the live reports that the one article of a batch is similar to, most similar first.

    A report with the id of the article is left out.
    """
    (article,), (has_id,) = without_future_dates(batch.articles, state.arrival), batch.named
    texts = text_features_of(state, state.source_residue.add_residue([article]))
    weighted = state.live.weight_texts(texts, np.zeros(1, dtype=np.bool_))
    limit = np.array([state.next_node])
    ((nodes, similarities),) = find_neighbours(state, weighted, np.array([article.day]), limit)
    rows = state.store.rows(nodes.tolist())
    order = np.lexsort((nodes, -similarities))
    nodes, similarities = nodes[order], similarities[order]
    found = [(rows[node], value) for node, value in zip(nodes.tolist(), similarities.tolist(), strict=True)]
    own = {article.id} if has_id else set()
    stories = state.store.stories_of({row.episode for row in rows.values()})
    return [
        Similar(row.id, format_story_id(stories[row.episode]), value, format_episode_id(row.episode))
        for row, value in found
        if row.id not in own
    ]
