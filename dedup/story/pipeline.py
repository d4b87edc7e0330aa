"""Texts -> stories: the whole story tier."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Floats, Integers, connected_labels, first_members, numbered_by_first
from dedup.parameters import Fold
from dedup.progress import ProgressCallback, no_progress, split_progress
from dedup.story.by_language import stories_by_language
from dedup.story.candidates import Edges, similar_pairs
from dedup.story.constraints import Constraints, kept_apart
from dedup.story.encoding import Meanings
from dedup.story.episodes import Episodes, stories_of
from dedup.story.features import count_features
from dedup.story.merging import Reports, merged
from dedup.story.partition import cost_of_joining, join_costs, partition
from dedup.story.similarity import gather_columns, membership
from dedup.story.weighting import Vocabulary, vectorize

_logger = logging.getLogger(__name__)

# Shares of the time (measured: 0.22 to 0.34, 0.17 to 0.28, 0.37 to 0.50, 0.02 to 0.11).
_COUNTING, _WEIGHTING, _COMPARING, _GROUPING = 0.28, 0.20, 0.45, 0.07


@dataclass(frozen=True, slots=True, eq=False)
class StoryGroups:
    """Texts grouped into stories."""

    episodes: Integers  # (n_texts,): episode of each text, numbered by first member
    stories: Integers  # (n_episodes,): story of each episode, numbered by first member
    threshold: float  # mean similarity from which texts form an episode, but for the costs
    max_gap_days: float  # most days between an episode and the closest other one of its story
    days: Floats  # (n_texts,): publication, NaN when unknown
    costs: Floats  # (n_texts,): what each text pays to join a story
    edges: Edges  # similar pairs of texts
    vocabulary: Vocabulary  # of the texts
    constraints: Constraints  # on the texts
    meanings: Meanings | None = None  # of the texts, weighed

    @property
    def membership(self) -> Floats:
        """Mean similarity of each text to the others of its episode, shape (n_texts,); see `membership`."""
        labels = self.episodes
        sums = self.edges.within(labels).sums(len(labels))
        return membership(sums, np.bincount(labels)[labels] - 1 if len(labels) else labels)

    def between(self) -> tuple[Integers, Integers, Floats]:
        """Pairs of episodes ``i < j`` with similar texts, and the mean similarity between their texts."""
        n, k = len(self.episodes), len(self.stories)
        members = csr_array((np.ones(n), (self.episodes, np.arange(n))), shape=(k, n))
        sums = (members @ self.edges.adjacency(n) @ members.T).tocoo()
        upper = sums.row < sums.col
        left, right = sums.row[upper].astype(np.int64), sums.col[upper].astype(np.int64)
        sizes = np.bincount(self.episodes, minlength=k)
        return left, right, sums.data[upper] / (sizes[left] * sizes[right])

    @property
    def needed_by_texts(self) -> Floats:
        """Mean similarity to the others of its episode from which each text belongs to it, shape (n_texts,)."""
        others = np.maximum(np.bincount(self.episodes)[self.episodes] - 1.0, 1.0)
        rest = np.bincount(self.episodes, weights=self.costs)[self.episodes] - self.costs
        needed: Floats = self.threshold + cost_of_joining(self.costs, np.ones(len(rest)), rest, others) / others
        return needed

    def needed_between(self, left: Integers, right: Integers) -> Floats:
        """Mean similarity from which pairs of episodes are one, shape (n_pairs,)."""
        sizes, costs = (np.bincount(self.episodes, weights=w).astype(np.float64) for w in (None, self.costs))
        cost: Floats = cost_of_joining(costs[left], sizes[left], costs[right], sizes[right])
        return self.threshold + cost / (sizes[left] * sizes[right])

    def at(self, threshold: float, vectors: Callable[[Integers], csr_array]) -> "StoryGroups":
        """The groups at another threshold: parts of these at a higher one, unions at a lower one.

        `vectors` returns those of texts at some positions.
        """
        if threshold == self.threshold:
            return self
        everyone, is_higher = np.arange(len(self.episodes)), threshold > self.threshold
        edges = self.edges.within(self.episodes) if is_higher else self.edges
        reports, begun = Reports(self.days, vectors, everyone), None if is_higher else self.episodes
        labels, constraints = _episodes_of(reports, edges, threshold, self.costs, self.constraints, begun)
        reported, n = (vectors(everyone), self.days, labels, self.costs), len(everyone)
        stories = _stories_of(*reported, self.meanings, threshold, self.max_gap_days, constraints.over(labels))
        before, now = self.stories[self.episodes], stories[labels]
        if threshold > self.threshold:
            both = before * n + now
        else:
            firsts = np.concatenate([first_members(story)[story] for story in (before, now)])
            both = connected_labels(np.tile(everyone, 2), firsts, n)
            both = now if constraints.broken(both) else both
        stories = numbered_by_first(both[first_members(labels)])
        return replace(self, episodes=labels, stories=stories, threshold=threshold, constraints=constraints)


def _episodes_of(
    reports: Reports,
    edges: Edges,
    threshold: float,
    costs: Floats,
    constraints: Constraints,
    begun: Integers | None = None,
) -> tuple[Integers, Constraints]:
    """Episodes of texts with some vectors, from those that they are in to begin with, if in any.

    Texts that come together need not be in one episode, but their episodes are of one story: where a chain of those
    would bring together what stays apart, what is in it stays in episodes apart too. The constraints say so then.
    """
    n = len(costs)
    while True:
        apart = constraints.pairs()
        labels = partition(kept_apart(edges.adjacency(n), apart), threshold, costs) if begun is None else begun
        labels = merged(reports, edges, labels, threshold, costs, apart=apart)
        if not (broken := constraints.broken(labels)):
            return labels, constraints
        constraints = constraints.with_apart(broken)


def find_stories(
    texts: Sequence[str],
    days: Floats,
    *,
    threshold: float,
    max_gap_days: float,
    languages: Sequence[str | None] | None = None,
    fold: Fold = "unidecode",
    n_jobs: int | None = None,
    meanings: Meanings | None = None,
    progress: ProgressCallback = no_progress,
    constraints: Constraints | None = None,
) -> StoryGroups:
    """Group texts without near-duplicates into stories.

    Parameters
    ----------
    texts : sequence of str
        In canonical order: ties go to the earlier text.
    days : ndarray of float64, shape (n_texts,)
        Publication in days, ascending; NaN when unknown, at the end.
    threshold : float
        Mean similarity from which texts form an episode, in [0.05, 1).
    max_gap_days : float
        Most days between an episode and the closest other one of its story; with 0 each is a story.
    languages : sequence of str or None, optional
        A code for each text, or None to have it guessed; without it they are unknown.
    fold, n_jobs, progress
        See `StoryClusterer`.
    meanings : Meanings, optional
        Of the texts; see `dedup.story.encoding`.
    constraints : Constraints, optional
        On the texts.
    """
    counting, weighting, comparing, grouping = split_progress(progress, _COUNTING, _WEIGHTING, _COMPARING, _GROUPING)
    _logger.debug("reading the features of %d texts", len(texts))
    counts = count_features(texts, n_jobs, fold, counting, languages)
    n = len(texts)
    del texts  # where nobody else has them, they are a tenth of the memory from here on
    costs = join_costs(np.diff(counts.offsets))
    vectors, vocabulary = vectorize(counts, n_jobs, weighting)
    del counts
    gather_columns(vectors)
    _logger.debug("comparing %d texts by %d features that they share", *vectors.shape)
    meanings = meanings and meanings.weighed(costs)
    edges = similar_pairs(vectors, days, n_jobs, comparing, meanings)
    _logger.debug("grouping by %d similar pairs", len(edges.left))
    reports = Reports(days, lambda rows: vectors[rows], np.arange(n))
    constraints = Constraints.of(n, [], []) if constraints is None else constraints
    labels, constraints = _episodes_of(reports, edges, threshold, costs, constraints)
    reported = vectors, days, labels, costs
    stories = _stories_of(*reported, meanings, threshold, max_gap_days, constraints.over(labels), n_jobs)
    grouping(1)
    return StoryGroups(labels, stories, threshold, max_gap_days, days, costs, edges, vocabulary, constraints, meanings)


def _stories_of(
    vectors: csr_array,
    days: Floats,
    labels: Integers,
    costs: Floats,
    meanings: Meanings | None,
    threshold: float,
    max_gap_days: float,
    constraints: Constraints,
    n_jobs: int | None = None,
) -> Integers:
    """Story of each episode."""
    if meanings is None:
        return stories_of(Episodes.of(vectors, days, labels, costs), threshold, max_gap_days, n_jobs, constraints)
    return stories_by_language(vectors, days, labels, costs, meanings, threshold, max_gap_days, n_jobs, constraints)
