"""Episodes with reports in several languages -> stories.

Most pairs of reports of such episodes are in two languages and share no words: by the mean over all pairs, the phases
of one visit look unlike each other, however alike they are in each language. So each language is compared by itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Flags, Floats, Integers, first_members, numbered_by_first, slices
from dedup.story.candidates import Edges
from dedup.story.constraints import Constraints
from dedup.story.encoding import Meanings, are_mixed
from dedup.story.episodes import Episodes, near_episodes, similar_candidates, stories_of, stories_of_pairs
from dedup.story.similarity import dot_products

#: Where no language has two reports of an episode, so that words do not tell how tight it is, the vectors do: two
#: episodes are compared when they are at least this share as alike as the reports within the tighter of them.
MEANING_TIE_SHARE = 0.55

_BLOCK_ROWS = 1024


class LanguagePart(NamedTuple):
    """The reports of episodes in one language."""

    episodes: Episodes
    numbers: Integers  # (n_parts,): which episode each is of
    place: Integers  # (n_episodes,): position of each episode among them, -1 for none
    sizes: Integers  # (n_episodes,): numbers of reports


def stories_by_language(
    vectors: csr_array,
    days: Floats,
    labels: Integers,
    costs: Floats,
    meanings: Meanings,
    threshold: float,
    max_gap_days: float,
    n_jobs: int | None = None,
    constraints: Constraints | None = None,
) -> Integers:
    """Story of each episode, numbered by first member; see `dedup.story.episodes.stories_of`.

    Two episodes are as similar as their reports in the same languages; those that have no language in common, by all.
    """
    episodes = Episodes.of(vectors, days, labels, costs)
    if not max_gap_days or not are_mixed(meanings.languages):
        return stories_of(episodes, threshold, max_gap_days, n_jobs, constraints)
    edges = similar_by_language(episodes, vectors, days, labels, costs, meanings, max_gap_days, n_jobs)
    return stories_of_pairs(edges, episodes.costs, threshold, constraints)


def similar_by_language(
    episodes: Episodes,
    vectors: csr_array,
    days: Floats,
    labels: Integers,
    costs: Floats,
    meanings: Meanings,
    max_gap_days: float,
    n_jobs: int | None = None,
) -> Edges:
    """Pairs of episodes that may be of one story, and how similar they are language by language.

    `episodes` are ascending by first publication; the reports with these labels are ascending by publication, too.
    """
    n = len(episodes.costs)
    parts = [_part(vectors, days, labels, costs, meanings.languages == code) for code in np.unique(meanings.languages)]
    codes = [_codes(np.arange(n), n, *near_episodes(episodes, max_gap_days, n_jobs))]
    codes += [_codes(part.numbers, n, *near_episodes(part.episodes, max_gap_days, n_jobs)) for part in parts]
    left, right = np.divmod(np.unique(np.concatenate(codes)), n)
    mean = mean_cosines(parts, episodes.means, left, right)
    numbers = np.concatenate([part.numbers for part in parts])
    sizes = np.concatenate([part.sizes[part.numbers] for part in parts])
    within, known = tightness(numbers, sizes, np.concatenate([part.episodes.within for part in parts]), n)
    kept = alike_in_meaning(meanings, labels, left, right, known)
    guarded = episodes._replace(within=within)
    return Edges(*similar_candidates(guarded, left[kept], right[kept], mean[kept]))


def _part(vectors: csr_array, days: Floats, labels: Integers, costs: Floats, chosen: Flags) -> LanguagePart:
    rows, n = np.flatnonzero(chosen), int(labels.max(initial=-1)) + 1
    own = numbered_by_first(labels[rows])
    numbers = labels[rows][first_members(own)]
    place = np.full(n, -1)
    place[numbers] = np.arange(len(numbers))
    sizes = np.bincount(labels[rows], minlength=n)
    return LanguagePart(Episodes.of(vectors[rows], days[rows], own, costs[rows]), numbers, place, sizes)


def _codes(numbers: Integers, n: int, left: Integers, right: Integers) -> Integers:
    """Pairs of episodes ``left < right`` as one number each; `numbers` are those that the pairs refer to."""
    one, other = numbers[left], numbers[right]
    return np.asarray(np.minimum(one, other) * n + np.maximum(one, other))


def mean_cosines(parts: Sequence[LanguagePart], means: csr_array, left: Integers, right: Integers) -> Floats:
    """Mean cosine of the reports of pairs of episodes in the same languages, or else of all; the left ones ascend.

    `means` are the mean vectors of all reports of the episodes.
    """
    sums, pairs = np.zeros(len(left)), np.zeros(len(left))
    for part in parts:
        both = np.flatnonzero((part.place[left] >= 0) & (part.place[right] >= 0))
        one, other = part.place[left[both]], part.place[right[both]]
        order = np.argsort(one, kind="stable")
        mean = np.empty(len(both))
        mean[order] = dot_products(part.episodes.means, one[order], other[order])[0]
        share = part.sizes[left[both]] * part.sizes[right[both]]
        sums[both] += share * mean
        pairs[both] += share
    apart = np.flatnonzero(pairs == 0)
    sums[apart] = dot_products(means, left[apart], right[apart])[0]
    return sums / np.maximum(pairs, 1)


def tightness(numbers: Integers, sizes: Integers, within: Floats, n: int) -> tuple[Floats, Flags]:
    """Mean cosine of two reports of each of `n` episodes in one language, and whether there are two; else 0.

    `numbers` are the episodes of parts in one language each, one language after the other, `sizes` how many reports
    each part has, and `within` the mean cosine of two of them.

    Examples
    --------
    >>> within, known = tightness(np.array([0, 1, 1]), np.array([2, 1, 3]), np.array([0.5, 0.0, 0.4]), 3)
    >>> within.round(2).tolist(), known.tolist()
    ([0.5, 0.4, 0.0], [True, True, False])
    """
    sums, pairs, share = np.zeros(n), np.zeros(n), sizes * (sizes - 1.0)
    np.add.at(sums, numbers, share * within)
    np.add.at(pairs, numbers, share)
    return sums / np.maximum(pairs, 1), pairs > 0


def alike_in_meaning(meanings: Meanings, labels: Integers, left: Integers, right: Integers, known: Flags) -> Integers:
    """The pairs of episodes that are alike enough by the vectors of their reports in two languages.

    That is asked where an episode has reports in two languages and no two in one: no words tell how tight it is.
    """
    asked = in_several(meanings.languages, labels, len(known)) & ~known
    pairs = np.flatnonzero(asked[left] | asked[right])
    episodes, places = np.unique(np.concatenate([left[pairs], right[pairs]]), return_inverse=True)
    one, other = np.split(places, 2)
    itself = np.arange(len(episodes))
    found = _across_means(meanings, labels, episodes, np.append(one, itself), np.append(other, itself))
    between, within = found[: len(pairs)], np.where(asked[episodes], found[len(pairs) :], 0.0)
    tight = np.maximum(within[one], within[other])
    unlike = (tight > 0) & (between < MEANING_TIE_SHARE * tight)
    return np.delete(np.arange(len(left)), pairs[unlike])


def in_several(languages: Integers, labels: Integers, n: int) -> Flags:
    """Whether each of `n` episodes has reports in two known languages.

    Examples
    --------
    >>> in_several(np.array([0, 1, -1, 1]), np.array([0, 0, 1, 1]), 2).tolist()
    [True, False]
    """
    rows = np.flatnonzero(languages >= 0)
    most, least = np.full(n, -1), np.full(n, np.iinfo(np.int64).max)
    np.maximum.at(most, labels[rows], languages[rows])
    np.minimum.at(least, labels[rows], languages[rows])
    return most > least


def _across_means(meanings: Meanings, labels: Integers, episodes: Integers, left: Integers, right: Integers) -> Floats:
    """Mean cosine of the vectors of reports in two languages, for pairs of places in `episodes`; 1 without any."""
    place = np.full(int(labels.max(initial=-1)) + 1, -1)
    place[episodes] = np.arange(len(episodes))
    rows = np.flatnonzero((meanings.languages >= 0) & (place[labels] >= 0))
    own, languages = place[labels[rows]], meanings.languages[rows]
    total, sums, pairs = _Sums.none(len(episodes), meanings.vectors.shape[1]), np.zeros(len(left)), np.zeros(len(left))
    for code in np.unique(languages):
        part = _Sums.none(*total.vectors.shape)
        part.add(own[languages == code], meanings, rows[languages == code])
        total.vectors[:], total.counts[:] = total.vectors + part.vectors, total.counts + part.counts
        sums -= part.products(left, right)
        pairs -= part.counts[left] * part.counts[right]
    sums += total.products(left, right)
    pairs += total.counts[left] * total.counts[right]
    # Rounded, as sums of vectors are not exact.
    return np.where(pairs > 0, (sums / np.maximum(pairs, 1)).round(9), 1.0)


class _Sums(NamedTuple):
    """Sums of the vectors of the reports of episodes."""

    vectors: Floats  # (n_episodes, n_dimensions)
    counts: Floats  # (n_episodes,)

    @classmethod
    def none(cls, n: int, n_dimensions: int) -> "_Sums":
        return cls(np.zeros((n, n_dimensions)), np.zeros(n))

    def add(self, episodes: Integers, meanings: Meanings, rows: Integers) -> None:
        """Add the vectors of some reports of these episodes."""
        for block in slices(0, len(rows), _BLOCK_ROWS):
            units = meanings.vectors[rows[block]] / meanings.lengths[rows[block], None]
            np.add.at(self.vectors, episodes[block], units)
        self.counts[:] += np.bincount(episodes, minlength=len(self.counts))

    def products(self, left: Integers, right: Integers) -> Floats:
        """Sum of the cosines of all pairs of reports of two episodes, for pairs of episodes."""
        found = np.zeros(len(left))
        for block in slices(0, len(left), _BLOCK_ROWS):
            found[block] = np.einsum("ij,ij->i", self.vectors[left[block]], self.vectors[right[block]])
        return found
