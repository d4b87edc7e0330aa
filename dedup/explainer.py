"""Compare two articles, or an article and a story, and explain the result."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from dedup.arrays import Floats
from dedup.article import FIELDS, Article, read_articles
from dedup.explanation import Explanation, Passage, named
from dedup.near.jaccard import ShingleSets
from dedup.near.shingles import shingle_hashes
from dedup.parameters import MAX_CHARS, STORY_THRESHOLD, Fold, NearSettings
from dedup.residue.batch import add_residue
from dedup.stories import Stories
from dedup.story.candidates import FLOOR
from dedup.story.partition import cost_of_joining, join_costs
from dedup.story.result import Episode, Story
from dedup.story.shared_terms import FeatureTokens, shared_terms
from dedup.story.similarity import likeness, memory_days, time_factor
from dedup.story.weighting import TermWeighting, vectorize_texts
from dedup.text.limit import readable_texts
from dedup.text.passages import shared_passages
from dedup.text.roundups import is_roundup, without_roundups
from dedup.text.tokens import tokenize
from dedup.wording import plural, printable, quoted

_NEAR = NearSettings()
_fields_of = attrgetter(*FIELDS)  # not those of subclasses

#: An article with a mean similarity below this multiple of what it needs is only just in its story.
_ONLY_JUST = 1.25

#: A verdict mentions time factors below this.
_MENTIONED_TIME_FACTOR = 0.95


def explain(a: Any, b: Any, *, among: Stories | Story | None = None) -> Explanation:
    """Why two articles are in one story, or are not: what they share, and how similar that makes them.

    Parameters
    ----------
    a, b : str, mapping, object or Article
        As in `dedup.cluster`; a str is a text.
    among : Stories or Story, optional
        The stories whose document frequencies weight the words: for two of their articles the similarity is the one
        that the stories were made from. Without it the two articles are weighted as a batch of two.

    Returns
    -------
    Explanation

    Raises
    ------
    TypeError, ValueError
        For something else than an article, which the message calls article 0 or 1, or another `among`.

    Notes
    -----
    The first 1,000,000 characters of each article are read, copies are compared by shingles of five words, and no
    encoder is used. An index weights words by its present document frequencies, not by those when the articles came.

    Examples
    --------
    >>> found = explain("Poutine a reçu Kim Jong Un mardi.", "Kim Jong Un a été reçu par Vladimir Poutine.")
    >>> found.terms[0][0], found.passages[0].words, found.passages[0].right
    ('Jong', 'Kim Jong Un', (0, 11))
    """
    if among is not None and not isinstance(among, Stories | Story):
        raise TypeError(f"among is {among!r:.80}; allowed: None, Stories or Story")
    weighting, threshold = _weighting(among)
    (left, right), positions = _read([a, b], among, _fold(weighting))
    found = _compare(left, right, weighting, threshold)
    relation = _Relation(None, found.jaccard >= _NEAR.threshold)
    if among is not None and None not in positions:
        relation = _relation(among, *(position for position in positions if position is not None))
    return replace(found, verdict=_verdict(found, relation))


def explain_ids(stories: Stories, a: Any, b: Any) -> Explanation:
    """`explain` among these stories; a str is the id of one of their articles."""
    return explain(*(_by_id(stories.articles, item) for item in (a, b)), among=stories)


def explain_membership(story: Story, item: Any) -> Explanation:
    """An article and the closest report of a story, with a verdict on the article and the story; a str is an id."""
    weighting, threshold = _weighting(story)
    (article,), (position,) = _read([_by_id(story.articles, item)], story, _fold(weighting))
    groups = {id(copy): group for group in story.near_duplicates for copy in group}
    own = () if position is None else groups.get(id(article), (article,))
    copies = [copy for copy in own if copy is not article]
    chapters = story.episodes if position is None else [story.episode_of(article)]
    # The first article of each group of copies stands for the group.
    canonical = [[groups.get(id(other), (other,))[0] for other in chapter.articles] for chapter in chapters]
    reports = [list({id(r): r for r in others if not own or r is not own[0]}.values()) for others in canonical]
    if not any(reports):
        if not copies:
            raise ValueError(f"article {quoted(article.id, 80)} is alone in its episode; allowed: one of two or more")
        found = _compare(article, copies[0], weighting, threshold)
        return replace(found, verdict=f"In the story as one of {plural(len(own), 'copy', 'copies')} of one text.")
    compared = [_similarities(own[0] if own else article, others, weighting) for others in reports]
    means = [float(similarity.mean()) for similarity, _ in compared]
    best = means.index(max(means))
    others, (similarity, cost) = reports[best], compared[best]
    closest = int(np.argmax(similarity.round(9)))
    found = _compare(article, others[closest], weighting, threshold)
    mean = means[best] if position is None else story.membership[position]
    needed = threshold + cost / len(others)
    episode = f", in the episode {quoted(chapters[best].headline, 60)}" if len(story.episodes) > 1 else ""
    verdict = (
        f"{_standing(mean, needed, position is not None)}{episode}: mean similarity {mean:.2f} to "
        f"{plural(len(others), 'other report' if own else 'report')}, needed {needed:.2f}; "
        f"closest is {named(others[closest])} with {similarity[closest]:.2f}."
    )
    if copies:
        verdict += f" {plural(len(copies), 'copy', 'copies')} of it in the story."
    return replace(found, verdict=printable(verdict))


def _weighting(among: Stories | Story | None) -> tuple[TermWeighting | None, float]:
    """The document frequencies that weight the words, and the threshold of the stories."""
    if among is None:
        return None, STORY_THRESHOLD
    story = among if isinstance(among, Story) else next(iter(among), None)
    return (story._weighting if story else None), among.threshold


def _fold(weighting: TermWeighting | None) -> Fold:
    return weighting.fold if weighting else "unidecode"


def _by_id(articles: Sequence[Article], item: Any) -> Any:
    """The article with the id `item` if that is a str, otherwise `item`."""
    if not isinstance(item, str):
        return item
    for article in articles:
        if article.id == item:
            return article
    raise KeyError(f"no article has the id {item!r}")


def _read(items: list[Any], among: Stories | Story | None, fold: Fold) -> tuple[list[Article], list[int | None]]:
    """The articles, and the position of each in `among`; those that are there have the residue found there."""
    batch = read_articles(items, unique_ids=False, warns=False)
    known = () if among is None else among.articles
    positions = [
        next((i for i, other in enumerate(known) if _fields_of(other) == _fields_of(a)), None) for a in batch.articles
    ]
    articles = add_residue(batch, MAX_CHARS, fold, 1).articles
    return [a if i is None else known[i] for a, i in zip(articles, positions, strict=True)], positions


def _compare(left: Article, right: Article, weighting: TermWeighting | None, threshold: float) -> Explanation:
    """An explanation without a verdict."""
    fold = _fold(weighting)
    texts, titles = readable_texts([left, right]), [left.title, right.title]
    languages = [left.language, right.language]
    vectors, vocabulary, n_features = vectorize_texts(without_roundups(texts, titles), weighting, languages)
    tokens = tokenize(texts, fold)
    # In the canonical order, as in a batch: sums of products may round differently in the other.
    first, second = read_articles([left, right], unique_ids=False, warns=False).order
    alike = likeness(vectors, np.array([first]), np.array([second]))
    cosine = float(alike.cosines[0])
    factor = float(time_factor(np.array([left.day]), np.array([right.day]), memory_days(alike.shared))[0])
    shingles = ShingleSets(shingle_hashes(tokens, _NEAR.shingle_size), tokens.offsets, 1)
    jaccard, containment = shingles.overlaps(np.array([[0, 1]]))
    has_words = bool(np.diff(tokens.offsets).all())  # a blank text is a duplicate of none
    return Explanation(
        left=left,
        right=right,
        similarity=cosine * factor,
        cosine=cosine,
        time_factor=factor,
        evidence=float(alike.shared[0]),
        needed=threshold + float(join_costs(n_features).mean()),
        jaccard=float(jaccard[0]) if has_words else 0.0,
        containment=float(containment[0]) if has_words else 0.0,
        terms=shared_terms(FeatureTokens.of(tokens, vocabulary), vectors),
        passages=_passages(left, right, fold),
        verdict="",
    )


def _similarities(
    article: Article, reports: Sequence[Article], weighting: TermWeighting | None
) -> tuple[Floats, float]:
    """Similarity of an article to each of these reports, and what it costs to join them.

    As in the story tier, similarities below `FLOOR` are 0.
    """
    articles = [article, *reports]
    texts = without_roundups(readable_texts(articles), [one.title for one in articles])
    vectors, _, n_features = vectorize_texts(texts, weighting, [one.language for one in articles])
    others = np.arange(1, len(reports) + 1)
    days = np.array([report.day for report in reports])
    similarity = likeness(vectors, np.zeros_like(others), others).similarity(np.array([article.day]), days)
    costs = join_costs(n_features)
    cost = cost_of_joining(costs[:1], np.ones(1), costs[1:].sum(keepdims=True), others[-1:])
    return np.where(similarity >= FLOOR, similarity, 0.0), float(cost[0])


def _passages(left: Article, right: Article, fold: Fold) -> tuple[Passage, ...]:
    """The longest passages that both texts have without their residue."""
    tokens = tokenize([left.text[:MAX_CHARS], right.text[:MAX_CHARS]], fold)
    origins = tokens.text_starts[tokens.text_indices]
    begins = tokens.characters(tokens.starts) - origins
    ends = tokens.characters(tokens.stops - 1) + 1 - origins
    is_residue = np.zeros(len(begins), dtype=np.bool_)
    for i, article in enumerate((left, right)):
        for start, stop in article.residue:
            is_residue |= (tokens.text_indices == i) & (begins < stop) & (ends > start)
    runs = shared_passages(tokens, is_residue)
    passages = []
    for one, other, size in zip(runs.left.tolist(), runs.right.tolist(), runs.sizes.tolist(), strict=True):
        in_left, in_right = ((int(begins[i]), int(ends[i + size - 1])) for i in (one, other))
        passages.append(Passage(left.text[slice(*in_left)], in_left, in_right))
    return tuple(passages)


class _Relation(NamedTuple):
    """How two articles stand to each other."""

    same_story: bool | None  # None without stories that have both
    copies: bool
    episodes: tuple[Episode, ...] = ()  # two of the story, when they are in two


def _relation(among: Stories | Story, one: int, other: int) -> _Relation:
    articles = among.articles[one], among.articles[other]
    if isinstance(among, Stories):
        if among.labels[one] != among.labels[other]:
            return _Relation(same_story=False, copies=False)
        among = among[int(among.labels[one])]
    pair = set(map(id, articles))
    copies = any(pair <= set(map(id, group)) for group in among.near_duplicates)
    episodes = tuple(among.episode_of(article) for article in articles)
    return _Relation(True, copies, () if episodes[0] is episodes[1] else episodes)


def _verdict(found: Explanation, relation: _Relation) -> str:
    """The verdict on two articles."""
    if relation.copies:
        return f"Copies of one text: {found.jaccard:.0%} of their runs of five words are in both."
    if relation.episodes:
        names = " and ".join(quoted(episode.headline, 60) for episode in relation.episodes)
        cosine = f"similarity {found.cosine:.2f} but for {found.gap}"
        return printable(f"In one story by its episodes {names}, which are alike as wholes: {cosine}.")
    enough = found.similarity >= found.needed
    standing = {
        (None, True): "Alike enough for one story",
        (None, False): "Too little alike for one story",
        (True, True): "In one story",
        (True, False): "In one story, though not for the words of these two alone",
        (False, True): "In two stories, which as wholes are less alike",
        (False, False): "In two stories",
    }[relation.same_story, enough]
    for article in (found.left, found.right):
        if is_roundup(article.title):
            return f"{standing}: {named(article)} is a round-up of many stories."
    cosine = f" ({found.cosine:.2f} but for {found.gap})" if found.time_factor < _MENTIONED_TIME_FACTOR else ""
    return f"{standing}: similarity {found.similarity:.2f}{cosine}, two such reports alone need {found.needed:.2f}."


def _standing(mean: float, needed: float, inside: bool) -> str:
    """How surely an article belongs to a story."""
    if not inside:
        return "Would belong" if mean >= needed else "Would not belong"
    if mean < needed:
        return "In the story, but doubtful"
    return "In the story, but only just" if mean < _ONLY_JUST * needed else "In the story"
