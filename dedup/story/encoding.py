"""Embeddings and languages -> what texts mean adds to what their words say.

Vectors count where words do not. Reports in two languages share few words, so that their vectors alone make them alike.
Within a language they count as much as the words of two texts are few: much for titles, nothing for long reports.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers, ranks_in_runs, slices
from dedup.parameters import MIN_STORY_THRESHOLD
from dedup.story.partition import JOIN_COST
from dedup.story.similarity import MEMORY_DAYS, Likeness, memory_days, time_factor

#: One in a hundred unrelated pairs of reports in two languages has at least this similarity.
CHANCE_SIMILARITY = 0.08
CHANCE_QUANTILE = 0.99

#: So far above chance, the vectors of two titles in one language speak neither for one event nor against it: titles of
#: one topic are often as alike.
NEUTRAL = 0.1

#: After this many days a similarity across languages has fallen to 1/e: there are no shared features to tell.
MEMORY_DAYS_ACROSS = 3.0

#: Most candidates of a report by meaning, among later ones: the closest. This bounds the pairs of a busy day.
MAX_NEIGHBOURS = 64

#: Farther apart in time, pairs that are alike in nothing but meaning are below the floor: those in two languages, and
#: those in one.
REACH_DAYS_ACROSS = MEMORY_DAYS_ACROSS * math.log(1 / MIN_STORY_THRESHOLD)
REACH_DAYS_WITHIN = MEMORY_DAYS * math.log(1 / MIN_STORY_THRESHOLD)

# The largest number of a vector, and the greatest length: a product of two is at most 2**24, below which every sum of
# whole numbers is exact in float32, in whatever order a processor adds them.
_LARGEST, _LONGEST = 127.0, 4000.0

_BLOCK_COLUMNS, _BLOCK_PAIRS = 4096, 4096


@dataclass(frozen=True, slots=True)
class Scale:
    """Cosines that an encoder gives to reports of different events in two languages."""

    mean: float  # mean cosine
    chance: float  # the cosine that one pair in a hundred exceeds

    def excess(self, cosines: NDArray[np.floating]) -> Floats:
        """How far cosines are above chance, 1 for the whole way from the mean of unrelated reports to equality.

        Encoders map all news into a narrow cone: without the mean, cosines have their full range again.

        Examples
        --------
        >>> Scale(mean=0.76, chance=0.83).excess(np.array([0.76, 0.83, 0.95])).round(2).tolist()
        [-0.29, 0.0, 0.5]
        """
        return np.asarray((cosines.astype(np.float64) - self.chance) / (1 - self.mean))

    @property
    def least(self) -> float:
        """The cosine up to which meanings alone make no two reports alike."""
        return self.chance - (1 - self.mean) * CHANCE_SIMILARITY

    @property
    def most_within(self) -> float:
        """What equal meanings add to the cosine of the words of texts in one language whose words say nothing."""
        return float(self.excess(np.ones(1))[0] - NEUTRAL)

    def across(self, cosines: NDArray[np.floating]) -> Floats:
        """Similarity of reports in two languages by their cosines, in [0, 1].

        Examples
        --------
        >>> Scale(mean=0.76, chance=0.83).across(np.array([0.76, 0.83, 0.88])).round(2).tolist()
        [0.0, 0.08, 0.29]
        """
        return np.clip(self.excess(cosines) + CHANCE_SIMILARITY, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """Embeddings of texts, as whole numbers: whatever adds up their products, the sums are the same."""

    vectors: NDArray[np.int8]  # (n_texts, n_dimensions): proportional to those of the encoder, or zero
    lengths: Floats  # (n_texts,): of the vectors
    # (n_texts,): equal for texts in one language; -1 for an unknown language, or without a vector
    languages: Integers
    scale: Scale  # of the encoder
    weights: Floats  # (n_texts,): how little the words of each text say, in [0, 1]; 0 for a vector of zeros

    @classmethod
    def of(cls, vectors: NDArray[np.floating], languages: Integers, scale: Scale) -> "Meanings":
        """Meanings by vectors of unit length, or zero; words count as if they said nothing, see `weighed`.

        Examples
        --------
        >>> found = Meanings.of(np.array([[0.6, 0.8], [0.0, 0.0]]), np.array([0, 0]), Scale(0.1, 0.4))
        >>> found.vectors.tolist(), found.weights.tolist()
        ([[95, 127], [0, 0]], [1.0, 0.0])
        """
        return cls.of_whole(whole_numbers(vectors), languages, scale)

    @classmethod
    def of_whole(cls, whole: NDArray[np.int8], languages: Integers, scale: Scale) -> "Meanings":
        """Meanings by what `whole_numbers` makes of vectors."""
        lengths = np.sqrt(np.einsum("ij,ij->i", whole, whole, dtype=np.float64))
        weights = (lengths > 0).astype(np.float64)
        return cls(whole, lengths, np.where(lengths > 0, languages, -1), scale, weights)

    def weighed(self, costs: Floats) -> "Meanings":
        """The same where the texts pay these costs to join a story, which are the higher the less their words say."""
        return replace(self, weights=weights_of(self.lengths, costs))

    def at(self, rows: Integers) -> "Meanings":
        """The meanings of some of the texts."""
        columns = self.vectors[rows], self.lengths[rows], self.languages[rows]
        return Meanings(*columns, self.scale, self.weights[rows])

    def beside(self, others: "Meanings") -> "Meanings":
        """These meanings, and after them those of other texts by the same encoder."""
        return Meanings(
            np.concatenate([self.vectors, others.vectors]),
            np.concatenate([self.lengths, others.lengths]),
            np.concatenate([self.languages, others.languages]),
            self.scale,
            np.concatenate([self.weights, others.weights]),
        )

    def cosines(self, left: Integers, right: Integers) -> Floats:
        """Cosine of each pair of vectors; 0 with a vector of zeros."""
        found = np.zeros(len(left))
        for pairs in slices(0, len(left), _BLOCK_PAIRS):
            sides = (self.vectors[side[pairs]].astype(np.float32) for side in (left, right))
            found[pairs] = np.einsum("ij,ij->i", *sides)
        lengths = self.lengths[left] * self.lengths[right]
        return np.asarray(found / np.where(lengths > 0, lengths, 1))

    def across(self, left: Integers, right: Integers) -> Flags:
        """Whether pairs of texts are in two known languages."""
        languages = self.languages[left], self.languages[right]
        return np.asarray((np.minimum(*languages) >= 0) & (languages[0] != languages[1]))

    def added(self, left: Integers, right: Integers, cosines: Floats) -> Floats:
        """What the meanings of pairs of texts in one language add to the cosine of their words; it may be negative."""
        return np.asarray(self.weights[left] * self.weights[right] * (self.scale.excess(cosines) - NEUTRAL))

    def alone(self, left: Integers, right: Integers, days: Floats, others: Floats) -> Floats:
        """Similarity of pairs of texts that share no words, published on these days; it may be negative."""
        cosines = self.cosines(left, right)
        one = self.added(left, right, cosines) * time_factor(days, others, MEMORY_DAYS)
        two = self.scale.across(cosines) * time_factor(days, others, MEMORY_DAYS_ACROSS)
        return np.where(self.across(left, right), two, one)

    def similarity(self, words: Likeness, left: Integers, right: Integers, days: Floats, others: Floats) -> Floats:
        """Similarity of pairs of texts, published on these days, in [0, 1]."""
        cosines, factors = self.factors(words, left, right, days, others)
        return cosines * factors

    def factors(
        self, words: Likeness, left: Integers, right: Integers, days: Floats, others: Floats
    ) -> tuple[Floats, Floats]:
        """How alike pairs of texts are by words and meaning, in [0, 1], and the time factor of each; see `similarity`.

        Within a language both are added. Across languages the greater similarity counts.
        """
        cosines, across = self.cosines(left, right), self.across(left, right)
        sums = np.clip(words.cosines + np.where(across, 0.0, self.added(left, right, cosines)), 0.0, 1.0)
        factors = time_factor(days, others, memory_days(words.shared))
        meant, fading = self.scale.across(cosines), time_factor(days, others, MEMORY_DAYS_ACROSS)
        across &= meant * fading > sums * factors
        return np.where(across, meant, sums), np.where(across, fading, factors)


def weights_of(lengths: Floats, costs: Floats) -> Floats:
    """How little the words of texts say, by the lengths of their vectors and what they pay to join a story."""
    return np.where(lengths > 0, np.sqrt(costs / JOIN_COST), 0.0)


def whole_numbers(vectors: NDArray[np.floating]) -> NDArray[np.int8]:
    """Vectors as whole numbers, each as long as sums of products stay exact."""
    vectors = vectors.astype(np.float64)
    # Divide by the largest number first: squares of very large or small numbers do not fit a float.
    largest = np.abs(vectors).max(axis=1, initial=0, keepdims=True)
    vectors /= np.where(largest > 0, largest, 1)
    length = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    vectors *= np.minimum(_LARGEST, _LONGEST / np.where(length > 0, length, 1))
    return np.asarray(np.rint(vectors), dtype=np.int8)


class ArticleMeanings(NamedTuple):
    """The meanings of the articles of a batch, or of a story."""

    meanings: Meanings
    places: Mapping[str, int]  # position in the meanings, by id
    find_scale: Callable[[], Scale] | None = None  # what finds their scale, where nobody has asked for it yet


def factors_of_articles(
    words: Likeness,
    meanings: ArticleMeanings | None,
    ids: Sequence[str],
    other_ids: Sequence[str],
    days: Floats,
    others: Floats,
) -> tuple[Floats, Floats]:
    """How alike pairs of articles are by words and meaning, and the time factor of each; see `Meanings.factors`."""
    if meanings is None:
        return words.cosines, time_factor(days, others, memory_days(words.shared))
    left, right = (np.array([meanings.places[name] for name in side], dtype=np.int64) for side in (ids, other_ids))
    found, find_scale = meanings.meanings, meanings.find_scale
    found = found if find_scale is None else replace(found, scale=find_scale())
    return found.factors(words, left, right, days, others)


def measured_scale(vectors: NDArray[np.int8], languages: Integers) -> Scale:
    """The scale of an encoder, measured on texts about different events."""
    left, right = np.triu_indices(len(vectors), 1)
    across = languages[left] != languages[right]
    cosines = Meanings.of_whole(vectors, languages, Scale(0.0, 0.0)).cosines(left[across], right[across])
    # An encoder that finds everything alike has no range to stretch.
    return Scale(min(float(cosines.mean()), 0.999), float(np.quantile(cosines, CHANCE_QUANTILE)))


def candidates_by_meaning(
    meanings: Meanings, days: Floats, rows: slice, chunks: Sequence[slice], floor: float
) -> tuple[Integers, Integers]:
    """Pairs ``left < right`` of rows and later ones in chunks whose meanings alone reach a similarity, sorted.

    `days` is their publication in days, ascending, with NaN when unknown at the end. Only rows whose vectors can count
    are compared, by blocks of a matrix product: quadratic in those of some days.
    """
    parts = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))]
    mixed = len(np.unique(meanings.languages[meanings.languages >= 0])) > 1
    most = float(meanings.weights.max(initial=0.0) * meanings.scale.most_within)
    least = 0.0 if mixed else floor / max(most, floor)
    reach = REACH_DAYS_ACROSS if mixed else REACH_DAYS_WITHIN
    own = _counting(meanings, rows, least)
    for chunk in chunks if len(own) else ():
        late = chunk.stop > rows.start and not days[chunk.start] - days[rows.stop - 1] > reach
        for columns in slices(max(chunk.start, rows.start), chunk.stop, _BLOCK_COLUMNS) if late else ():
            parts += _close_pairs(meanings, days, own, _counting(meanings, columns, least), floor)
    left, right, similarity = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((right, -similarity, left))
    kept = order[ranks_in_runs(left[order]) < MAX_NEIGHBOURS]
    kept = kept[np.lexsort((right[kept], left[kept]))]
    return left[kept], right[kept]


def _counting(meanings: Meanings, rows: slice, least: float) -> Integers:
    """The rows that have a vector and at least this weight."""
    counting = (meanings.lengths[rows] > 0) & (meanings.weights[rows] >= least)
    return np.asarray(np.flatnonzero(counting) + rows.start)


def _close_pairs(
    meanings: Meanings, days: Floats, rows: Integers, columns: Integers, floor: float
) -> Iterator[tuple[Integers, Integers, Floats]]:
    """Pairs of a row and a later column that are similar by meaning, and how similar."""
    if not len(rows) or not len(columns):
        return
    dots = meanings.vectors[rows].astype(np.float32) @ meanings.vectors[columns].astype(np.float32).T
    dots /= meanings.lengths[rows, None].astype(np.float32)
    dots /= meanings.lengths[columns].astype(np.float32)
    # Few pairs pass; the rest is worked out for them alone.
    left, right = np.nonzero(dots >= meanings.scale.least)
    left, right = rows[left], columns[right]
    later = right > left
    left, right = left[later], right[later]
    similarity = meanings.alone(left, right, days[left], days[right])
    kept = similarity >= floor
    yield left[kept], right[kept], similarity[kept]
