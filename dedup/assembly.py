"""The labels of both tiers -> Stories."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article, Batch
from dedup.components import members, numbered_by_first
from dedup.near.duplicates import NearDuplicates
from dedup.representative import Candidate, Choice, Chooser, choose
from dedup.stories import Doubt, Stories, Story
from dedup.story.grouping import StoryGroups


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


def assemble(material: Material) -> Stories:
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
        choice = _choose(material, places, membership)
        story_labels[order[places]] = number
        shown.append(batch.order[places[choice.place]])
        stories.append(_story(material, places, choice, membership))
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


def _choose(material: Material, places: list[int], membership: NDArray[np.float64]) -> Choice:
    near = material.near
    copies = near.labels[places].tolist()
    count, first = Counter(copies), dict(zip(reversed(copies), reversed(places), strict=True))
    candidates = [
        Candidate(
            article=material.ordered[place],
            words=int(near.token_counts[place]),
            centrality=float(membership[copy]),
            copies=count[copy],
            first=first[copy] == place,
        )
        for place, copy in zip(places, copies, strict=True)
    ]
    return choose(material.rule, candidates)


def _story(material: Material, places: list[int], choice: Choice, membership: NDArray[np.float64]) -> Story:
    copies = material.near.labels[places]
    articles = tuple(material.ordered[place] for place in places)
    groups = (tuple(articles[i] for i in group) for group in members(copies) if len(group) > 1)
    return Story(
        id=articles[0].id,
        representative=articles[choice.place],
        reason=choice.reason,
        articles=articles,
        near_duplicates=tuple(groups),
        membership=tuple(membership[copies].tolist()),
        cohesion=float(membership[np.unique(copies)].mean()),
        _vocabulary=material.groups.vocabulary,
    )


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
