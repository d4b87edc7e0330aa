"""Articles whose stories are known, from a batch or an archive -> an index."""

from collections.abc import Sequence
from datetime import tzinfo
from itertools import pairwise
from pathlib import Path

import numpy as np

from dedup.arrays import Integers, first_members, numbered_by_first
from dedup.article import Article, read_articles, with_residue
from dedup.near.pages import latest_in_groups, page_keys
from dedup.progress import Progress, ProgressCallback, track
from dedup.store.opening import name_of
from dedup.stories import LabelledArticles, Stories
from dedup.stream.arrival import without_future_dates
from dedup.stream.chapters import Chapter
from dedup.stream.live import TEXTS_AT_ONCE
from dedup.stream.matching import match_articles, text_features_of
from dedup.stream.session import Session
from dedup.stream.state import IndexState
from dedup.stream.storing import expiry_day_of, store_articles
from dedup.stream.validation import check_articles


def labelled_articles(stories: Stories | LabelledArticles) -> LabelledArticles:
    """Return the articles of stories with their labels, or raise TypeError."""
    if isinstance(stories, Stories):
        parameters = {"story_threshold": stories.threshold}
        labels = stories.labels, stories.near_duplicate_labels
        return LabelledArticles(stories.articles, *labels, parameters, stories.episode_labels)
    if not isinstance(stories, LabelledArticles):
        what = "what dedup.cluster or dedup.archive.read returns"
        raise TypeError(f"stories is {type(stories).__name__}; allowed: {what}")
    return stories


def seed_index(
    session: Session, labelled: LabelledArticles, path: str | Path, timezone: str | tzinfo | None, progress: Progress
) -> None:
    """Write articles with their stories into the new index at a path; label k becomes story k + 1.

    When that fails, the session is closed.
    """

    def seed() -> None:
        if session.store.counters()[:2] != (1, 1):
            raise ValueError(f"{name_of(path)} has had articles; allowed: a new index")
        with track(progress, len(labelled.articles)) as on_progress:
            _insert_all(session, labelled, timezone, on_progress)

    try:
        session.write(seed)
    except BaseException:
        session.close()
        raise


def _insert_all(
    session: Session, labelled: LabelledArticles, timezone: str | tzinfo | None, progress: ProgressCallback
) -> None:
    """Add articles in canonical order, with the residue that the batch found."""
    state = session.state
    checked = without_future_dates(check_articles(labelled.articles, timezone).articles, state.arrival)
    order = _latest(state, checked, labelled, np.array(read_articles(checked, timezone=timezone).order, dtype=np.int64))
    nodes = state.next_node + np.arange(len(order))
    copies = numbered_by_first(labelled.near_duplicate_labels[order])
    canonical = nodes[first_members(copies)[copies]]
    episodes, chapters = _numbers(labelled, order)
    state.next_episode += int(episodes.max(initial=0))
    state.store.add_episodes(range(1, state.next_episode))
    state.chapters.set(chapters)
    state.keep(chapters)
    cut, begun = state.settings.cut_residue, set[int]()
    for a, b in pairwise([*range(0, len(order), TEXTS_AT_ONCE), len(order)]):
        places = order[a:b].tolist()
        articles = [checked[i] for i in places]
        if cut:
            found = (labelled.articles[i] for i in places)
            pairs = zip(articles, found, strict=True)
            articles = [with_residue(article, own.residue, own.title_residue) for article, own in pairs]
        matched = match_articles(state, articles, text_features_of(state, articles), canonical[a:b])
        state.live.nodes.assign(matched.nodes, episodes[a:b])
        state.count_reports(matched.nodes, 1)
        state.latest = max(state.latest, *(expiry_day_of(state, article) for article in articles))
        store_articles(state, articles, matched)
        _note(state, articles, episodes[a:b], begun)
        state.live.window.advance(state.next_node)
        progress(b / len(order))
    state.store.set_norms(*state.live.update_norms())
    state.source_residue.learn(0)


def _latest(state: IndexState, articles: Sequence[Article], labelled: LabelledArticles, order: Integers) -> Integers:
    """Places of articles in canonical order without those of which a later version of their page is in their group.

    The ids of these lead to the later version.
    """
    if not state.settings.match_urls:
        return order
    ordered = [articles[i] for i in order.tolist()]
    days = np.array([article.day for article in ordered], dtype=np.float64)
    latest = latest_in_groups(labelled.near_duplicate_labels[order], page_keys(ordered), days)
    former = np.flatnonzero(latest != np.arange(len(order)))
    state.store.add_ids((ordered[i].id, ordered[latest[i]].id) for i in former.tolist())
    return np.delete(order, former)


def _note(state: IndexState, articles: Sequence[Article], episodes: Integers, begun: set[int]) -> None:
    """Note for the log which articles began stories and episodes, and which joined them; `begun` grows."""
    for article, episode in zip(articles, episodes.tolist(), strict=True):
        story = state.chapters.told(episode)
        if story in begun and episode not in begun:
            state.note("episode_begun", episode)
        state.note("joined" if story in begun else "story_begun", episode, article=article.id)
        begun |= {story, episode}


def _numbers(labelled: LabelledArticles, order: Integers) -> tuple[Integers, list[Chapter]]:
    """Number of the episode of each article in canonical order, and the chapters of those that do not begin a story.

    The first episode of story `k` has the number ``k + 1``.
    """
    stories = labelled.labels[order]
    labels = stories if labelled.episode_labels is None else labelled.episode_labels[order]
    own = numbered_by_first(labels)
    first = first_members(own)
    of_episodes = stories[first]
    begins = np.zeros(len(first), dtype=np.bool_)
    begins[first_members(numbered_by_first(of_episodes))] = True
    numbers = np.where(begins, of_episodes + 1, of_episodes.max(initial=-1) + 1 + np.cumsum(~begins))
    later = zip(numbers[~begins].tolist(), (of_episodes[~begins] + 1).tolist(), strict=True)
    return numbers[own], [(episode, story, story) for episode, story in later]
