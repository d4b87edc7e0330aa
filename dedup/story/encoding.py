"""Embeddings, languages and times -> similar pairs of texts in two languages, which share few words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Floats, Integers, ranks_in_runs, slices
from dedup.parallel import ordered_map
from dedup.progress import ProgressCallback, no_progress
from dedup.story.candidates import FLOOR, Edges, Pairs, chunks_of_days, in_reach
from dedup.story.similarity import time_factor

#: One in a hundred unrelated pairs has at least this similarity, which is the default story_threshold.
CHANCE_SIMILARITY = 0.12
CHANCE_QUANTILE = 0.99

#: Most pairs of a report with later ones in other languages: the closest are kept. This bounds the pairs of a busy day.
MAX_NEIGHBOURS = 64

#: After this many days a similarity across languages has fallen to 1/e: there are no shared features to tell.
MEMORY_DAYS_ACROSS = 3.0

_BLOCK_ROWS = 256


@dataclass(frozen=True, slots=True)
class Scale:
    """Cosines that an encoder gives to reports of different events in two languages."""

    mean: float  # mean cosine
    chance: float  # the cosine that one pair in a hundred exceeds

    def similarity(self, cosines: NDArray[np.floating]) -> Floats:
        """Cosines on the scale of `dedup.story.similarity`, in [0, 1].

        Encoders map all news into a narrow cone: without the mean, cosines have their full range again.

        Examples
        --------
        >>> Scale(mean=0.76, chance=0.83).similarity(np.array([0.76, 0.83, 0.88])).round(2).tolist()
        [0.0, 0.12, 0.33]
        """
        scaled = (cosines.astype(np.float64) - self.chance) / (1 - self.mean) + CHANCE_SIMILARITY
        return np.clip(scaled, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """Embeddings of texts."""

    vectors: NDArray[np.float32]  # (n_texts, n_dimensions): of unit length, or zero
    languages: Integers  # (n_texts,): equal for texts in one language; -1 for an unknown language
    scale: Scale  # of the encoder


def measured_scale(vectors: NDArray[np.float32], languages: Integers) -> Scale:
    """The scale of an encoder, measured on texts about different events."""
    left, right = np.triu_indices(len(vectors), 1)
    across = languages[left] != languages[right]
    cosines = (vectors @ vectors.T)[left[across], right[across]].astype(np.float64)
    # An encoder that finds everything alike has no range to stretch.
    return Scale(min(float(cosines.mean()), 0.999), float(np.quantile(cosines, CHANCE_QUANTILE)))


def pairs_across_languages(
    meanings: Meanings, days: Floats, n_jobs: int | None = None, progress: ProgressCallback = no_progress
) -> Edges:
    """Pairs of texts in two known languages whose similarity times the time factor reaches `FLOOR`.

    `days` is their publication in days, ascending, with NaN when unknown at the end. Each text is compared with all
    later ones within reach: quadratic in the texts of some days, with the memory of `_BLOCK_ROWS` rows of the product.
    """
    vectors, languages = meanings.vectors, meanings.languages
    chunks = list(chunks_of_days(days))

    def of_rows(rows: slice) -> Pairs:
        parts = []
        for others in (chunk for chunk in chunks if chunk.stop > rows.start and in_reach(rows, chunk, days)):
            similarity = meanings.scale.similarity(vectors[rows] @ vectors[others].T)
            # Time only lowers a similarity. It is rounded because matrix products depend on the processor.
            left, right = np.nonzero(similarity >= FLOOR)
            similarity = similarity[left, right].round(5)
            left, right = left + rows.start, right + others.start
            similarity *= time_factor(days[left], days[right], MEMORY_DAYS_ACROSS)
            known = np.minimum(languages[left], languages[right]) >= 0
            kept = (similarity >= FLOOR) & (right > left) & known & (languages[left] != languages[right])
            parts.append((left[kept], right[kept], similarity[kept]))
        return _closest(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    blocks = [block for chunk in chunks for block in slices(chunk.start, chunk.stop, _BLOCK_ROWS)]
    return Edges.joined(list(ordered_map(of_rows, blocks, n_jobs, progress)))


def _closest(left: Integers, right: Integers, similarity: Floats) -> Pairs:
    """The `MAX_NEIGHBOURS` most similar pairs of each left row, sorted."""
    order = np.lexsort((right, -similarity, left))
    kept = order[ranks_in_runs(left[order]) < MAX_NEIGHBOURS]
    kept = kept[np.lexsort((right[kept], left[kept]))]
    return left[kept], right[kept], similarity[kept]


def united(edges: Edges, others: Edges, n: int) -> Edges:
    """Pairs of either graph over `n` nodes, each with the greater of its similarities.

    Examples
    --------
    >>> one = Edges(np.array([0, 1]), np.array([1, 2]), np.array([0.2, 0.3]))
    >>> other = Edges(np.array([0, 0]), np.array([1, 2]), np.array([0.4, 0.1]))
    >>> both = united(one, other, 3)
    >>> both.left.tolist(), both.right.tolist(), both.similarity.tolist()
    ([0, 0, 1], [1, 2, 2], [0.4, 0.1, 0.3])
    """
    pairs = np.concatenate([edges.left * n + edges.right, others.left * n + others.right])
    distinct, place = np.unique(pairs, return_inverse=True)
    similarity = np.zeros(len(distinct))
    np.maximum.at(similarity, place, np.concatenate([edges.similarity, others.similarity]))
    return Edges(distinct // n, distinct % n, similarity)
