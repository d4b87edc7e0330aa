"""The article that represents a story, and the reason."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

import numpy as np

from dedup.arrays import Floats, Integers
from dedup.article import Article
from dedup.text.headings import label_of
from dedup.wording import duration, quoted

#: A report is nearly as good as the best one from this share of its score on.
_NEARLY_AS_GOOD = 0.85

#: Picks one of the articles of a story, which are given by publication.
Chooser = Callable[[Sequence[Article]], Article]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article of a story, with the facts that the rules use."""

    article: Article
    words: int  # number of tokens
    centrality: float  # mean similarity to the other reports of the story, in [0, 1]
    copies: int  # number of near-duplicates in the story, itself included
    first: bool  # whether it comes before its copies


def candidates_of(
    articles: Sequence[Article], copies: Integers, words: Sequence[int], membership: Floats
) -> list[Candidate]:
    """The articles of a story, in canonical order, with the facts that the rules use.

    `copies` numbers their near-duplicate groups in any way; `words` and `membership` are as in `Candidate`.
    """
    first, group, counts = np.unique(copies, return_index=True, return_inverse=True, return_counts=True)[1:]
    return [
        Candidate(article, words[i], float(membership[i]), int(counts[group[i]]), bool(first[group[i]] == i))
        for i, article in enumerate(articles)
    ]


def cohesion(candidates: Sequence[Candidate]) -> float:
    """Mean similarity of two reports of an episode, in [0, 1]; 1 for a report alone."""
    return float(np.mean([candidate.centrality for candidate in candidates if candidate.first]))


def cohesion_of_story(candidates: Sequence[Candidate], episodes: Sequence[Sequence[int]]) -> float:
    """Cohesion of the largest episode of a story: reports of two are too far apart in time to be similar."""
    return cohesion([candidates[i] for i in episodes[_largest(candidates, episodes)]])


def _largest(candidates: Sequence[Candidate], episodes: Sequence[Sequence[int]]) -> int:
    """The episode with the most reports, the first of equals."""
    reports = [sum(candidates[i].first for i in own) for own in episodes]
    return reports.index(max(reports))


@dataclass(frozen=True, slots=True)
class Choice:
    """Position of the representative among the candidates, and the reason in words."""

    place: int
    reason: str


def choose(rule: str | Chooser, candidates: Sequence[Candidate]) -> Choice:
    """The representative of a story by one of `RULES` or a callable.

    Candidates are in canonical order: ties go to the earlier one.
    """
    if len(candidates) == 1:
        return Choice(0, "The only report.")
    if callable(rule):
        return _by_callable(rule, candidates)
    return {"central": _central, "earliest": _earliest, "longest": _longest}[rule](candidates)


def choose_of_story(
    rule: str | Chooser, candidates: Sequence[Candidate], episodes: Sequence[Sequence[int]]
) -> tuple[Choice, list[Choice]]:
    """The representative of a story, and that of each of its episodes, by its place among the articles of that.

    `episodes` has the positions of the articles of each, by their first. A story shows what its largest episode shows,
    unless the rule goes by something else than centrality, which says nothing between two episodes.
    """
    choices = [choose(rule, [candidates[i] for i in own]) for own in episodes]
    if len(episodes) > 1 and rule != "central":
        return choose(rule, candidates), choices
    largest = _largest(candidates, episodes)
    place, reason = episodes[largest][choices[largest].place], choices[largest].reason
    lead = f"Of the largest of {len(episodes)} episodes. " if len(episodes) > 1 else ""
    return Choice(place, lead + reason), choices


def _central(candidates: Sequence[Candidate]) -> Choice:
    """The report with the highest mean similarity to the others, times sqrt(completeness) where it is short.

    Completeness is the number of words over the median of the reports. Copies count as one report, the first of them.
    Among reports that are nearly as good, one with a plain title goes before one that is labelled or asks a question.
    """
    reports = [i for i, c in enumerate(candidates) if c.first]
    if len(reports) == 1:
        return Choice(reports[0], f"{_copy(candidates[reports[0]])} of {len(candidates)} copies of one text.")
    usual = sorted(candidates[i].words for i in reports)[len(reports) // 2]

    def headline(i: int) -> str:
        return candidates[i].article.headline

    def score(i: int) -> float:
        completeness = min(1.0, candidates[i].words / max(usual, 1))
        return round(candidates[i].centrality * math.sqrt(completeness), 9)

    ranked = sorted(reports, key=lambda i: (-score(i), i))
    near = [i for i in ranked if score(i) >= _NEARLY_AS_GOOD * score(ranked[0])]
    best = next((i for i in near if not label_of(headline(i))), ranked[0])
    second = next(i for i in ranked if i != best)
    chosen, other = candidates[best], candidates[second]
    label = "" if best == ranked[0] else label_of(headline(ranked[0]))
    praise = "Nearly the most central" if label else "Most central"
    reason = (
        f"{praise} of {len(reports)} reports: mean similarity {chosen.centrality:.2f} with "
        f"{chosen.words} words; next comes {other.centrality:.2f} with {other.words}"
    )
    if label:
        reason += ", whose title asks a question" if label == "?" else f", whose title is marked {quoted(label, 30)}"
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
