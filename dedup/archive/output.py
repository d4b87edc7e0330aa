"""Labels -> tables of stories and of articles."""

from bisect import bisect_left
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.archive.arrow import printable_column, read_table, to_texts
from dedup.archive.job import Job
from dedup.archive.near import given_up
from dedup.archive.parts import Assignments, EpisodeLabels, NearGroups, Order, Slice, StoryLabels, StoryRows
from dedup.archive.residue import word_counts_at
from dedup.archive.slices import SUMMARIES, positions_of, slices_of
from dedup.arrays import Integers, joined, members, numbered_by_first
from dedup.article import Article, of_plain
from dedup.representative import Candidate, Choice, candidates_of, choose_of_story, cohesion, cohesion_of_story
from dedup.wording import printable

_FACTS = [
    ("headline", pa.string()),
    ("representative", pa.string()),
    ("reason", pa.string()),
    ("size", pa.int64()),
    ("report_count", pa.int64()),
    ("source_count", pa.int64()),
    ("first", pa.timestamp("us", "UTC")),
    ("last", pa.timestamp("us", "UTC")),
    ("cohesion", pa.float64()),
]
_STORIES = pa.schema([("story_id", pa.string()), ("episode_count", pa.int64()), *_FACTS])
_EPISODES = pa.schema([("episode_id", pa.string()), ("story_id", pa.string()), *_FACTS])


def summaries_of(job: Job, positions: Integers) -> pa.Table:
    """Return ids, publication times, sources and headlines of articles, by ascending position."""
    tables = [SUMMARIES.empty_table()]
    bounds = np.array(Order.of(job).bounds)
    cuts = np.searchsorted(positions, bounds).tolist()
    for k, (first, stop) in enumerate(pairwise(cuts)):
        if first < stop:
            tables.append(read_table(Slice.of(job, k).summaries).take(positions[first:stop] - bounds[k]))
    return pa.concat_tables(tables)


def write_stories(job: Job, number: int, folder: Path) -> None:
    """Task: the stories that begin in a slice, and their episodes."""
    own, part, labels = positions_of(job, number), StoryRows(folder), EpisodeLabels.of(job)
    chosen, first = _members(job, own)
    episodes, membership = np.array(labels.first[chosen]), np.array(labels.membership[chosen])
    near, words = NearGroups.of(job), word_counts_at(job, chosen).tolist()
    copies, latest = near.canonical[chosen], np.searchsorted(chosen, near.latest[chosen])
    articles, stories, chapters, representatives = _articles(summaries_of(job, chosen)), [], [], []
    for group in members(np.unique(first, return_inverse=True)[1]):
        facts_of = copies[group].tolist(), [words[i] for i in group], membership[group].tolist()
        candidates = candidates_of(
            [articles[i] for i in group], *facts_of, np.searchsorted(group, latest[group]).tolist()
        )
        split = members(numbered_by_first(episodes[group]))
        choice, choices = choose_of_story(job.representative, candidates, split)
        story = {"story_id": printable(candidates[0].article.id)}
        facts = _facts(candidates, choice) | {"cohesion": cohesion_of_story(candidates, split)}
        stories.append(story | {"episode_count": len(split)} | facts)
        for places, of_episode in zip(split, choices, strict=True):
            chapter = [candidates[i] for i in places]
            chapters.append({"episode_id": printable(chapter[0].article.id)} | story | _facts(chapter, of_episode))
        representatives.append(chosen[group[choice.place]])
    pq.write_table(pa.Table.from_pylist(stories, schema=_STORIES), part.table)
    pq.write_table(pa.Table.from_pylist(chapters, schema=_EPISODES), part.episodes)
    part.save(representatives=np.array(representatives, dtype=np.int64))


def _members(job: Job, own: slice) -> tuple[Integers, Integers]:
    """Return the positions of the articles of stories that begin in a slice, and where the story of each begins."""
    labels = StoryLabels.of(job)
    first, ordered = labels.first, labels.ordered
    begin, end = (bisect_left(ordered, place, key=lambda i: first[i]) for place in (own.start, own.stop))
    chosen = np.sort(np.array(ordered[begin:end]))
    return chosen, np.array(first[chosen])


def _articles(summaries: pa.Table) -> list[Article]:
    """Return articles with their headline as title, and without text."""
    columns = (to_texts(summaries[name]) for name in ("id", "headline", "published", "source"))
    return [
        of_plain(Article(name, "", headline, datetime.fromisoformat(published) if published else None, source or None))
        for name, headline, published, source in zip(*columns, strict=True)
    ]


def _facts(candidates: list[Candidate], choice: Choice) -> dict[str, Any]:
    articles = [candidate.article for candidate in candidates]
    published = [article.published for article in articles if article.published]
    return {
        "headline": articles[choice.place].title,
        "representative": printable(articles[choice.place].id),
        "reason": choice.reason,
        "size": len(articles),
        "report_count": sum(candidate.is_report for candidate in candidates),
        "source_count": len({article.source for article in articles if article.source}),
        "first": min(published, default=None),
        "last": max(published, default=None),
        "cohesion": cohesion(candidates),
    }


def write_assignments(job: Job, number: int, folder: Path) -> None:
    """Task: the story and the episode of each article of a slice."""
    own, episodes = positions_of(job, number), EpisodeLabels.of(job)
    first = np.array(StoryLabels.of(job).first[own])
    slices = np.unique(np.searchsorted(Order.of(job).bounds, first, side="right") - 1).tolist()
    representatives = joined([StoryRows.of(job, k).representatives for k in slices], np.int64)
    table = {
        "id": printable_column(read_table(Slice.of(job, number).summaries, ["id"])["id"]),
        "story_id": ids_at(job, first),
        "episode_id": ids_at(job, np.array(episodes.first[own])),
        "near_duplicate_group": np.array(NearGroups.of(job).group[own]),
        "is_representative": np.isin(np.arange(own.start, own.stop), representatives),
        "membership": np.array(episodes.membership[own]),
    }
    pq.write_table(pa.table(table), Assignments(folder).table)


def ids_at(job: Job, positions: Integers) -> pa.Array:
    """Return the ids of articles in any order, as users read them."""
    distinct, which = np.unique(positions, return_inverse=True)
    return printable_column(summaries_of(job, distinct)["id"]).take(which)


def article_count(job: Job) -> int:
    """Return the number of articles."""
    return len(Order.of(job).days)


def article_counts(job: Job) -> dict[str, float]:
    """Return the counts for the manifest that every job has."""
    refused, dates = Order.of(job).refusal_counts.tolist()
    return {
        "articles": article_count(job),
        "refused_articles": refused,
        "refused_dates": dates,
        "undated_articles": int(np.isnan(Order.of(job).days).sum()),
        "given_up": given_up(job),
        "slices": len(slices_of(job)),
    }


def counts(job: Job) -> dict[str, float]:
    """Return the counts for the manifest of a job that finds stories."""
    return article_counts(job) | {
        "near_duplicate_groups": int(NearGroups.of(job).group.max(initial=-1)) + 1,
        "episodes": len(np.unique(EpisodeLabels.of(job).first)),
        "stories": len(np.unique(StoryLabels.of(job).first)),
    }
