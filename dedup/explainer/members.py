"""Compare an article with the episodes of a story and explain why it belongs there, or how close it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dedup.arrays import Floats, Integers
from dedup.article import Article
from dedup.explainer.pairs import article_by_id, compare, fold_of, meanings_of, of_one_page, read_items, weighting_of
from dedup.explanation import Explanation, named
from dedup.story.candidates import FLOOR
from dedup.story.encoding import ArticleMeanings, factors_of_articles
from dedup.story.partition import cost_of_joining, join_costs
from dedup.story.result import Episode, Story
from dedup.story.similarity import Likeness, likeness
from dedup.story.weighting import TermWeighting, vectorize_texts
from dedup.text.limit import readable_texts
from dedup.text.roundups import without_roundups
from dedup.wording import plural, printable, quoted

#: An article with a mean similarity below this multiple of what it needs is only just in its episode.
_ONLY_JUST = 1.25


def explain_membership(story: Story, item: Any) -> Explanation:
    """An article and the closest report of a story, with a verdict on the article and the story; a str is an id.

    The verdict begins with what editors have decided on the article.
    """
    found = _explain_membership(story, item)
    made_one = [edit.sentence for edit in story.edits if edit.kind == "editor_merged" and len(story.episodes) > 1]
    said = [*made_one, *filter(None, [story.edits_of(found.left)])]
    return replace(found, verdict=printable(" ".join([*said, found.verdict]))) if said else found


def _explain_membership(story: Story, item: Any) -> Explanation:
    weighting, _ = weighting_of(story)
    (article,), (position,) = read_items([article_by_id(story.articles, item)], story, fold_of(weighting))
    inside = position is not None
    groups = {id(copy): group for group in story.near_duplicates for copy in group}
    own = groups.get(id(article), (article,)) if inside else ()
    chapters = [story.episode_of(article)] if inside else list(story.episodes)
    how = weighting, meanings_of(story) if inside else None
    compared = [_compare_with(own, article, _reports(chapter, groups, own), *how) for chapter in chapters]
    closeness = max((found for found in compared if found), key=lambda found: found.mean, default=None)
    copies = len(own) - 1
    if closeness is None:
        if copies > 0:
            found = compare(article, next(copy for copy in own if copy is not article), *weighting_of(story), how[1])
            what = "versions of one page" if _versions(own, article) == copies else "copies of one text"
            return replace(found, verdict=f"In the story as one of {len(own)} {what}.")
        return _explain_episode_of_one(story, article)
    mean = closeness.mean if position is None else story.membership[position]
    needed = story.threshold + closeness.cost / len(closeness.reports)
    closest = int(np.argmax(closeness.similarity.round(9)))
    found = compare(article, closeness.reports[closest], weighting, story.threshold, how[1])
    chapter = chapters[compared.index(closeness)]
    episode = f", in the episode {quoted(chapter.headline, 60)}" if len(story.episodes) > 1 else ""
    verdict = (
        f"{_standing(mean, needed, inside)}{episode}: mean similarity {mean:.2f} to "
        f"{plural(len(closeness.reports), 'other report' if inside else 'report')}, needed {needed:.2f}; "
        f"closest is {named(found.right)} with {closeness.similarity[closest]:.2f}."
    )
    versions = _versions(own, article)
    for count, one, many in ((versions, "other version", ""), (copies - versions, "copy", "copies")):
        if count > 0:
            verdict += f" {plural(count, one, many)} of it in the story."
    return replace(found, verdict=printable(verdict))


def _versions(own: Sequence[Article], article: Article) -> int:
    """How many others of its copies are versions of its page."""
    return sum(copy is not article and of_one_page(copy, article) for copy in own)


def _explain_episode_of_one(story: Story, article: Article) -> Explanation:
    """The only report of an episode and the report of the other episodes whose words are closest to its own."""
    others = [other for other in story.articles if other is not article]
    if not others:
        raise ValueError(f"article {quoted(article.id, 80)} is alone in its story; allowed: a story of two or more")
    weighting, threshold = weighting_of(story)
    cosines = _likeness_to(article, others, weighting)[0].cosines
    closest = others[int(np.argmax(cosines.round(9)))]
    found = compare(article, closest, weighting, threshold, meanings_of(story))
    verdict = (
        f"In the story as an episode of its own, alike as a whole to {plural(len(story.episodes) - 1, 'other')}; "
        f"closest is {named(found.right)} with {found.cosine:.2f} but for {found.gap}."
    )
    return replace(found, verdict=printable(verdict))


class _Closeness(NamedTuple):
    """How close an article is to the reports of an episode."""

    reports: list[Article]
    similarity: Floats  # (n_reports,): as in the story tier, below `FLOOR` it is 0
    cost: float  # what it costs to join them

    @property
    def mean(self) -> float:
        return float(self.similarity.mean())


def _reports(episode: Episode, groups: Mapping[int, Sequence[Article]], own: Sequence[Article]) -> list[Article]:
    """The reports of an episode but for one's own: the first article of each group of copies."""
    canonical = {id(first): first for first in (groups.get(id(a), (a,))[0] for a in episode.articles)}
    return [report for report in canonical.values() if not own or report is not own[0]]


def _compare_with(
    own: Sequence[Article],
    article: Article,
    reports: list[Article],
    weighting: TermWeighting | None,
    meanings: ArticleMeanings | None,
) -> _Closeness | None:
    """How close an article, or the first of its copies, is to some reports; None when there are none."""
    if not reports:
        return None
    article = own[0] if own else article
    alike, n_features = _likeness_to(article, reports, weighting)
    days = np.full(len(reports), article.day), np.array([report.day for report in reports])
    ids = [article.id] * len(reports), [report.id for report in reports]
    together, factors = factors_of_articles(alike, meanings, *ids, *days)
    similarity = together * factors
    costs = join_costs(n_features)
    cost = cost_of_joining(costs[:1], np.ones(1), costs[1:].sum(keepdims=True), np.array([len(reports)]))
    return _Closeness(reports, np.where(similarity >= FLOOR, similarity, 0.0), float(cost[0]))


def _likeness_to(
    article: Article, reports: Sequence[Article], weighting: TermWeighting | None
) -> tuple[Likeness, Integers]:
    """How alike an article is to each of some reports, and the numbers of features of all of them, it first."""
    articles = [article, *reports]
    texts = without_roundups(readable_texts(articles), [one.plain_title for one in articles])
    vectors, _, n_features = vectorize_texts(texts, weighting, [one.language for one in articles])
    others = np.arange(1, len(reports) + 1)
    return likeness(vectors, np.zeros_like(others), others), n_features


def _standing(mean: float, needed: float, inside: bool) -> str:
    """How surely an article belongs to an episode."""
    if not inside:
        return "Would belong" if mean >= needed else "Would not belong"
    if mean < needed:
        return "In the story, but doubtful"
    return "In the story, but only just" if mean < _ONLY_JUST * needed else "In the story"
