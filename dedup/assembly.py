"""The labels of both tiers -> Stories."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article, Batch
from dedup.components import members, numbered_by_first
from dedup.near.duplicates import NearDuplicates
from dedup.progress import Report, silent
from dedup.representative import Candidate, Chooser, choose
from dedup.stories import Doubt, Stories, Story
from dedup.story.grouping import StoryGroups
from dedup.story.terms import Weighing


@dataclass(frozen=True, slots=True, eq=False)
class Material:
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


def assemble(material: Material, report: Report = silent) -> Stories:
    """Stories by size, then by their first article."""
    batch, near, groups = material.batch, material.near, material.groups
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
        articles = [material.ordered[place] for place in places]
        words = near.token_counts[places].tolist()
        scores = membership[copies], groups.threshold
        story, chosen = tell(articles, copies, words, *scores, material.rule, groups.vocabulary)
        story_labels[order[places]] = number
        shown.append(batch.order[places[chosen]])
        stories.append(story)
        report(len(stories) / len(ranked))
    return Stories(
        articles=tuple(batch.articles),
        labels=story_labels,
        near_duplicate_labels=numbered_by_first(copy_labels),
        representative_indices=np.array(shown, dtype=np.int64),
        membership=by_article,
        threshold=groups.threshold,
        _stories=tuple(stories),
        _at=partial(_at, material),
        _doubts=partial(_doubts, material),
    )


def _at(material: Material, threshold: float) -> Stories:
    return assemble(replace(material, groups=material.groups.at(threshold)))


def tell(
    articles: Sequence[Article],
    copies: NDArray[np.int64],
    words: Sequence[int],
    membership: NDArray[np.float64],
    threshold: float,
    rule: str | Chooser,
    vocabulary: Weighing,
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


def _doubts(material: Material, stories: Stories, count: int) -> list[Doubt]:
    """Joins above and splits below the threshold, the closest to it first."""
    groups, near = material.groups, material.near
    of_group = np.empty(len(groups.labels), dtype=np.int64)  # the story in `stories` of each near-duplicate group
    of_group[near.labels] = stories.labels[np.array(material.batch.order, dtype=np.int64)]
    speakers = np.unique(near.labels, return_index=True)[1]
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
            article = material.ordered[int(speakers[group])]
        else:
            pair = left[i - len(joined)], right[i - len(joined)]
            story, other = (stories[k] for k in sorted(int(of_label[label]) for label in pair))
            article = None
        doubts.append(Doubt(story, article, other, float(similarity[i]), groups.threshold))
    return doubts
