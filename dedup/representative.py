"""The article that represents a story, and the reason."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

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
    is_report: bool  # whether it stands for its copies
    versions: int = 1  # of its page in the story, itself included
    is_replaced: bool = False  # by a later version of its page


def candidates_of(
    articles: Sequence[Article],
    copies: Sequence[int],
    words: Sequence[int],
    membership: Sequence[float],
    latest: Sequence[int] | None = None,
) -> list[Candidate]:
    """The articles of a story, in canonical order, with the facts that the rules use.

    `copies` numbers their near-duplicate groups in any way; `words` and `membership` are as in `Candidate`. `latest`
    has the place of the latest version of each one's page; without it they are articles of different pages.
    """
    # Plain lists: most stories are small, and there are many of them.
    latest = range(len(articles)) if latest is None else latest
    versions, numbers = Counter(latest), Counter(copies)
    first: dict[int, int] = {}
    for i, copy in enumerate(copies):
        first.setdefault(copy, i)
    return [
        Candidate(article, count, share, numbers[copy], latest[first[copy]] == i, versions[own], own != i)
        for i, (article, copy, count, share, own) in enumerate(
            zip(articles, copies, words, membership, latest, strict=True)
        )
    ]


def cohesion(candidates: Sequence[Candidate]) -> float:
    """Mean similarity of two reports of an episode, in [0, 1]; 1 for a report alone."""
    values = [candidate.centrality for candidate in candidates if candidate.is_report]
    return math.fsum(values) / len(values)


def cohesion_of_story(candidates: Sequence[Candidate], episodes: Sequence[Sequence[int]]) -> float:
    """Cohesion of the largest episode of a story: reports of two are too far apart in time to be similar."""
    return cohesion([candidates[i] for i in episodes[_largest(candidates, episodes)]])


def _largest(candidates: Sequence[Candidate], episodes: Sequence[Sequence[int]]) -> int:
    """The episode with the most reports, the first of equals."""
    reports = _report_counts(candidates, episodes)
    return reports.index(max(reports))


def _report_counts(candidates: Sequence[Candidate], episodes: Sequence[Sequence[int]]) -> list[int]:
    return [sum(candidates[i].is_report for i in own) for own in episodes]


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
    if rule == "central":
        return _central(candidates)
    current = [i for i, candidate in enumerate(candidates) if not candidate.is_replaced]
    if len(current) == 1:
        return _of_one_text(candidates, current[0])
    choice = {"earliest": _earliest, "longest": _longest}[rule]([candidates[i] for i in current])
    return Choice(current[choice.place], choice.reason)


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
    if len(episodes) == 1:
        return Choice(place, reason), choices
    counts = _report_counts(candidates, episodes)
    as_large = counts.count(max(counts))
    which = "largest" if as_large == 1 else f"first of the {as_large} largest"
    return Choice(place, f"Of the {which} of {len(episodes)} episodes. {reason}"), choices


def _central(candidates: Sequence[Candidate]) -> Choice:
    """The report with the highest mean similarity to the others, times sqrt(completeness) where it is short.

    Completeness is the number of words over the median of the reports. Copies count as one report, the first of them.
    Among reports that are nearly as good, one with a plain title goes before one that is labelled or asks a question.
    """
    reports = [i for i, c in enumerate(candidates) if c.is_report]
    if len(reports) == 1:
        return _of_one_text(candidates, reports[0])
    usual = sorted(candidates[i].words for i in reports)[len(reports) // 2]

    def headline(i: int) -> str:
        return candidates[i].article.headline

    def score(i: int) -> float:
        completeness = min(1.0, candidates[i].words / max(usual, 1))
        return round(candidates[i].centrality * math.sqrt(completeness), 9)

    scores = {i: score(i) for i in reports}
    ranked = sorted(reports, key=lambda i: (-scores[i], i))
    near = [i for i in ranked if scores[i] >= _NEARLY_AS_GOOD * scores[ranked[0]]]
    best = next((i for i in near if not label_of(headline(i))), ranked[0])
    second = next(i for i in ranked if i != best)
    chosen, other = candidates[best], candidates[second]
    label = "" if best == ranked[0] else label_of(headline(ranked[0]))
    reason = _compared(chosen, other, len(reports), label, is_tie=scores[best] == scores[second])
    closest = max((candidates[i] for i in reports), key=lambda c: c.centrality)
    if round(closest.centrality, 2) > round(chosen.centrality, 2) and closest is not other:
        reason += f". One with {closest.centrality:.2f} has only {closest.words} words"
    if chosen.copies > 1:
        lead, copies = _among_copies(chosen)
        reason += f". {lead} of its {chosen.copies} {copies}"
    return Choice(best, reason + ".")


def _compared(chosen: Candidate, other: Candidate, count: int, label: str, *, is_tie: bool) -> str:
    """Why one of the reports is shown rather than the next; `label` is that of the other's title, if it decided."""
    if round(chosen.centrality - other.centrality, 9) == 0 and not label:
        lead = f"As central as the {'other' if count == 2 else 'next'} of {count} reports"
        why = f"and {_turn(chosen, other)}" if is_tie else f"and longer: {chosen.words} words to {other.words}"
        return f"{lead}, mean similarity {chosen.centrality:.2f}, {why}"
    digits = next((d for d in (2, 3, 4) if f"{chosen.centrality:.{d}f}" != f"{other.centrality:.{d}f}"), 2)
    praise = "Nearly the most central" if label else "Most central"
    reason = (
        f"{praise} of {count} reports: mean similarity {chosen.centrality:.{digits}f} with {chosen.words} words; "
        f"{'as good is' if is_tie else 'next comes'} {other.centrality:.{digits}f} with {other.words}"
    )
    if label:
        return f"{reason}, whose title {'asks a question' if label == '?' else f'is marked {quoted(label, 30)}'}"
    return f"{reason}, but {_turn(other, chosen)}" if is_tie else reason


def _turn(one: Candidate, other: Candidate) -> str:
    """Where an article stands in canonical order, compared with another one."""
    first, second = one.article.published, other.article.published
    if first == second:
        return f"{'first' if one.article.id < other.article.id else 'later'} by id"
    if first is None or second is None:
        return "undated" if first is None else "dated, unlike it"
    return "earlier" if first < second else "later"


def _earliest(candidates: Sequence[Candidate]) -> Choice:
    # Canonical order is by publication, undated last.
    first, second = candidates[0].article.published, candidates[1].article.published
    if first is None:
        return Choice(0, f"None of {len(candidates)} articles is dated, so that none is known to be first.")
    when = f"{first.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if second is None:
        return Choice(0, f"The only dated one of {len(candidates)} articles: {when}.")
    same = f"at the same time as the next, and {_turn(*candidates[:2])}"
    lead = f"{duration(second - first)} before the next" if second > first else same
    return Choice(0, f"Published first of {len(candidates)} articles: {when}, {lead}.")


def _longest(candidates: Sequence[Candidate]) -> Choice:
    best, second = sorted(range(len(candidates)), key=lambda i: (-candidates[i].words, i))[:2]
    words, next_words = candidates[best].words, candidates[second].words
    if words == next_words:
        lead = f"As long as the {'other' if len(candidates) == 2 else 'next'} of {len(candidates)} articles"
        return Choice(best, f"{lead}, {words} words, and {_turn(candidates[best], candidates[second])}.")
    return Choice(best, f"Longest of {len(candidates)} articles: {words} words, next {next_words}.")


def _by_callable(rule: Chooser, candidates: Sequence[Candidate]) -> Choice:
    articles = [c.article for c in candidates]
    chosen = rule(articles)
    name = getattr(rule, "__name__", type(rule).__name__)
    for place, article in enumerate(articles):
        if article is chosen:
            return Choice(place, f"Chosen by {name} among {len(articles)} articles.")
    raise ValueError(f"representative={name} returned {chosen!r:.80}; allowed: one of the articles it was given")


def _of_one_text(candidates: Sequence[Candidate], place: int) -> Choice:
    """The report that stands for all articles of a story."""
    lead, copies = _among_copies(candidates[place])
    return Choice(place, f"{lead} of {len(candidates)} {copies} of one {'page' if copies == 'versions' else 'text'}.")


def _among_copies(report: Candidate) -> tuple[str, str]:
    """Which of its copies a report is, and what these are called."""
    is_dated = report.article.published is not None
    if report.versions == report.copies:
        return ("The latest" if is_dated else "One"), "versions"
    if report.versions > 1:
        return ("The latest version of the earliest" if is_dated else "A version of one"), "copies"
    return ("The earliest" if is_dated else "One"), "copies"
