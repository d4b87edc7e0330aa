"""The labels of both tiers -> Stories."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import members, numbered_by_first
from dedup.article import Article, Batch
from dedup.near.result import NearDuplicates
from dedup.progress import ProgressCallback, no_progress
from dedup.representative import Candidate, Chooser, choose
from dedup.stories import Doubt, Stories, Story
from dedup.story.pipeline import StoryGroups
from dedup.story.weighting import TermWeighting


@dataclass(frozen=True, slots=True, eq=False)
class StoryInputs:
    """What stories are made of.

    Attributes
    ----------
    batch : Batch
        The articles as they came.
    ordered : sequence of Article
        The same in canonical order, which is that of everything below.
    near : NearDuplicates
    groups : StoryGroups
        Of the near-duplicate groups, by their labels.
    rule : str or callable
        For the representative.
    """

    batch: Batch
    ordered: Sequence[Article]
    near: NearDuplicates
    groups: StoryGroups
    rule: str | Chooser


def build_stories(inputs: StoryInputs, progress: ProgressCallback = no_progress) -> Stories:
    """Stories by size, then by their first article."""
    batch, near, groups = inputs.batch, inputs.near, inputs.groups
    ranked = sorted(members(groups.labels[near.labels]), key=lambda places: (-len(places), places[0]))
    membership = groups.membership
    order = np.array(batch.order, dtype=np.int64)
    story_labels, copy_labels = np.empty((2, len(order)), dtype=np.int64)
    copy_labels[order] = near.labels
    by_article = np.empty(len(order), dtype=np.float64)
    by_article[order] = membership[near.labels]
    stories, shown = [], []
    for number, places in enumerate(ranked):
        copies = near.labels[places]
        articles = [inputs.ordered[place] for place in places]
        words = near.token_counts[places].tolist()
        scores = membership[copies], groups.threshold
        story, chosen = build_story(articles, copies, words, *scores, inputs.rule, groups.vocabulary)
        story_labels[order[places]] = number
        shown.append(batch.order[places[chosen]])
        stories.append(story)
        progress(len(stories) / len(ranked))
    return Stories(
        articles=tuple(batch.articles),
        labels=story_labels,
        near_duplicate_labels=numbered_by_first(copy_labels),
        representative_indices=np.array(shown, dtype=np.int64),
        membership=by_article,
        threshold=groups.threshold,
        _stories=tuple(stories),
        _at=partial(_at, inputs),
        _doubts=partial(_doubts, inputs),
    )


def _at(inputs: StoryInputs, threshold: float) -> Stories:
    return build_stories(replace(inputs, groups=inputs.groups.at(threshold)))


def build_story(
    articles: Sequence[Article],
    copies: NDArray[np.int64],
    words: Sequence[int],
    membership: NDArray[np.float64],
    threshold: float,
    rule: str | Chooser,
    vocabulary: TermWeighting,
    story_id: str | None = None,
) -> tuple[Story, int]:
    """A story, and the place of its representative.

    Parameters
    ----------
    articles : sequence of Article
        In canonical order.
    copies : ndarray of int64, shape (n_articles,)
        Near-duplicate group of each, numbered in whatever way.
    words : sequence of int
        Tokens of each.
    membership : ndarray of float64, shape (n_articles,)
        Mean similarity of each to the other reports; equal for copies.
    threshold : float
        What it is held against.
    rule : str or callable
        For the representative.
    vocabulary : Weighing
    story_id : str, optional
        That of the first article if not given.
    """
    copies = numbered_by_first(copies)
    first = np.unique(copies, return_index=True)[1]
    counts = np.bincount(copies)
    candidates = [
        Candidate(article, words[i], float(membership[i]), int(counts[copies[i]]), bool(first[copies[i]] == i))
        for i, article in enumerate(articles)
    ]
    choice = choose(rule, candidates)
    story = Story(
        id=articles[0].id if story_id is None else story_id,
        representative=articles[choice.place],
        reason=choice.reason,
        articles=tuple(articles),
        near_duplicates=tuple(tuple(articles[i] for i in group) for group in members(copies) if len(group) > 1),
        membership=tuple(membership.tolist()),
        cohesion=float(membership[first].mean()),
        threshold=threshold,
        _vocabulary=vocabulary,
    )
    return story, choice.place


def _doubts(inputs: StoryInputs, stories: Stories, count: int) -> list[Doubt]:
    """Joins above and splits below the threshold, the closest to it first."""
    groups, near = inputs.groups, inputs.near
    of_group = np.empty(len(groups.labels), dtype=np.int64)  # the story in `stories` of each near-duplicate group
    of_group[near.labels] = stories.labels[np.array(inputs.batch.order, dtype=np.int64)]
    canonical = np.unique(near.labels, return_index=True)[1]
    joined = np.flatnonzero(np.bincount(groups.labels)[groups.labels] > 1)
    left, right, between = groups.between()
    of_label = np.empty(int(groups.labels.max(initial=-1)) + 1, dtype=np.int64)
    of_label[groups.labels] = of_group
    similarity = np.concatenate([groups.membership[joined], between])
    closest = np.argsort(np.abs(similarity - groups.threshold).round(12), kind="stable")[:count]
    doubts = []
    for i in closest.tolist():
        if i < len(joined):
            group = joined[i]
            story, other = stories[int(of_group[group])], None
            article = inputs.ordered[int(canonical[group])]
        else:
            pair = left[i - len(joined)], right[i - len(joined)]
            story, other = (stories[k] for k in sorted(int(of_label[label]) for label in pair))
            article = None
        doubts.append(Doubt(story, article, other, float(similarity[i]), groups.threshold))
    return doubts
