"""Which article a story shows, and why."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

import numpy as np
from numpy.typing import NDArray

from dedup.article import Article
from dedup.wording import duration

#: Picks one of the articles of a story, which come by publication.
Chooser = Callable[[Sequence[Article]], Article]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article of a story as the rules see it.

    Attributes
    ----------
    article : Article
    words : int
        Its tokens.
    centrality : float
        Mean similarity to the other reports of the story, in [0, 1].
    copies : int
        Near-duplicates of it in the story, itself included.
    first : bool
        Whether it was published before its copies.
    """

    article: Article
    words: int
    centrality: float
    copies: int
    first: bool


def candidates_of(
    articles: Sequence[Article],
    copies: NDArray[np.int64],
    words: Sequence[int],
    membership: NDArray[np.float64],
) -> list[Candidate]:
    """The articles of a story as the rules see them.

    Parameters
    ----------
    articles : sequence of Article
        In canonical order.
    copies : ndarray of int64, shape (n_articles,)
        Near-duplicate group of each, numbered in any way.
    words : sequence of int
        Number of tokens of each.
    membership : ndarray of float64, shape (n_articles,)
        Mean similarity of each to the other reports of the story; equal for copies.
    """
    first, group, counts = np.unique(copies, return_index=True, return_inverse=True, return_counts=True)[1:]
    return [
        Candidate(article, words[i], float(membership[i]), int(counts[group[i]]), bool(first[group[i]] == i))
        for i, article in enumerate(articles)
    ]


def cohesion(candidates: Sequence[Candidate]) -> float:
    """Mean similarity of two reports of a story, in [0, 1]; 1 for a report alone."""
    return float(np.mean([candidate.centrality for candidate in candidates if candidate.first]))


@dataclass(frozen=True, slots=True)
class Choice:
    """A representative as a place among the candidates, with the reason in words."""

    place: int
    reason: str


def choose(rule: str | Chooser, candidates: Sequence[Candidate]) -> Choice:
    """The representative of a story.

    Parameters
    ----------
    rule : {"central", "earliest", "longest"} or callable
    candidates : sequence of Candidate
        The story's articles in canonical order: ties go to the earlier one.
    """
    if len(candidates) == 1:
        return Choice(0, "The only report.")
    if callable(rule):
        return _by_callable(rule, candidates)
    return {"central": _central, "earliest": _earliest, "longest": _longest}[rule](candidates)


def _central(candidates: Sequence[Candidate]) -> Choice:
    """Highest mean similarity to the other reports, less for one shorter than usual in the story.

    Ten copies of one text are one report: only the first published of them stands.
    """
    reports = [i for i, c in enumerate(candidates) if c.first]
    if len(reports) == 1:
        return Choice(reports[0], f"{_copy(candidates[reports[0]])} of {len(candidates)} copies of one text.")
    usual = sorted(candidates[i].words for i in reports)[len(reports) // 2]

    def score(i: int) -> float:
        completeness = min(1.0, candidates[i].words / max(usual, 1))
        return round(candidates[i].centrality * math.sqrt(completeness), 9)

    best, second = sorted(reports, key=lambda i: (-score(i), i))[:2]
    chosen, other = candidates[best], candidates[second]
    reason = (
        f"Most central of {len(reports)} reports: mean similarity {chosen.centrality:.2f} with "
        f"{chosen.words} words; next comes {other.centrality:.2f} with {other.words}"
    )
    closest = max((candidates[i] for i in reports), key=lambda c: c.centrality)
    if round(closest.centrality, 2) > round(chosen.centrality, 2) and closest is not other:
        reason += f". One with {closest.centrality:.2f} has only {closest.words} words"
    if chosen.copies > 1:
        reason += f". {_copy(chosen)} of its {chosen.copies} copies"
    return Choice(best, reason + ".")


def _earliest(candidates: Sequence[Candidate]) -> Choice:
    # Canonical order is by publication, undated last.
    first, second = candidates[0].article.published, candidates[1].article.published
    if first is None:
        return Choice(0, f"None of {len(candidates)} articles is dated, so that none is known to be first.")
    when = f"{first.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if second is None:
        return Choice(0, f"The only dated one of {len(candidates)} articles: {when}.")
    lead = f"{duration(second - first)} before the next" if second > first else "at the same time as the next"
    return Choice(0, f"Published first of {len(candidates)} articles: {when}, {lead}.")


def _longest(candidates: Sequence[Candidate]) -> Choice:
    best, second = sorted(range(len(candidates)), key=lambda i: (-candidates[i].words, i))[:2]
    words, next_words = candidates[best].words, candidates[second].words
    return Choice(best, f"Longest of {len(candidates)} articles: {words} words, next {next_words}.")


def _by_callable(rule: Chooser, candidates: Sequence[Candidate]) -> Choice:
    articles = [c.article for c in candidates]
    chosen = rule(articles)
    name = getattr(rule, "__name__", type(rule).__name__)
    for place, article in enumerate(articles):
        if article is chosen:
            return Choice(place, f"Chosen by {name} among {len(articles)} articles.")
    raise ValueError(f"representative={name} returned {chosen!r:.80}; allowed: one of the articles it was given")


def _copy(candidate: Candidate) -> str:
    return "The earliest" if candidate.article.published else "One"
