"""Compare two articles, or an article and a story, and explain the result."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dedup.article import Article, read_articles
from dedup.explanation import Explanation, Passage, named
from dedup.near.jaccard import ShingleSets
from dedup.near.shingles import shingle_hashes
from dedup.parameters import MAX_CHARS, STORY_THRESHOLD, Fold, NearSettings
from dedup.residue.batch import add_residue
from dedup.stories import Stories
from dedup.story.candidates import FLOOR
from dedup.story.result import Story
from dedup.story.shared_terms import shared_terms, weigh
from dedup.story.similarity import cosines, time_factor
from dedup.story.weighting import TermWeighting
from dedup.text.limit import readable_texts
from dedup.text.passages import shared_passages
from dedup.text.tokens import tokenize
from dedup.wording import plural, printable, quoted

#: What makes copies, unless a batch was told otherwise.
_NEAR = NearSettings()

#: A mean similarity below this multiple of the threshold belongs only just.
_JUST = 1.25

#: A time factor below this is worth a word.
_FADED = 0.95

_FIELDS = ("text", "title", "published", "source", "url", "language")


def explain(a: Any, b: Any, *, among: Stories | Story | None = None) -> Explanation:
    """Why two articles are in one story, or are not: what they share, and what that counts for.

    Parameters
    ----------
    a, b : str, mapping, object or Article
        As in `dedup.cluster`; a str is a text.
    among : Stories or Story, optional
        Where words are weighed by how common they are; for two articles of a batch the similarity is the very one that
        its stories were made of. Without it the two are weighed as a batch of two.

    Returns
    -------
    Explanation

    Raises
    ------
    TypeError, ValueError
        For an article that is not as above, named as article 0 or 1, or another `among`.

    Notes
    -----
    Of each article the first 1,000,000 characters are read, copies are counted in shingles of five words, and an
    encoder is not asked. An index weighs words as they are now, not as they were when the articles came.

    Examples
    --------
    >>> found = explain("Poutine a reçu Kim Jong Un mardi.", "Kim Jong Un a été reçu par Vladimir Poutine.")
    >>> found.terms[0][0], found.passages[0].words, found.passages[0].right
    ('Jong', 'Kim Jong Un', (0, 11))
    """
    if among is not None and not isinstance(among, Stories | Story):
        raise TypeError(f"among is {among!r:.80}; allowed: None, Stories or Story")
    weighting, threshold = _weighing(among)
    (left, right), places = _read([a, b], among, _fold(weighting))
    found = _compare(left, right, weighting)
    joined, copies = None, found.jaccard >= _NEAR.threshold
    if among is not None and None not in places:
        joined, copies = _together(among, *(place for place in places if place is not None))
    return replace(found, verdict=_verdict(found, threshold, joined, copies))


def explain_ids(stories: Stories, a: Any, b: Any) -> Explanation:
    """The same for articles of these stories, or others, a str being an id."""
    return explain(*(_by_id(stories.articles, item) for item in (a, b)), among=stories)


def explain_membership(story: Story, item: Any) -> Explanation:
    """An article and the closest report of a story, with a verdict on the article and the story; a str is an id."""
    weighting, threshold = _weighing(story)
    (article,), (place,) = _read([_by_id(story.articles, item)], story, _fold(weighting))
    groups = {id(copy): group for group in story.near_duplicates for copy in group}
    own = () if place is None else groups.get(id(article), (article,))
    # The first of each group of copies speaks for it.
    canonical = list(
        {id(canonical): canonical for a in story.articles for canonical in [groups.get(id(a), (a,))[0]]}.values()
    )
    reports = [report for report in canonical if not own or report is not own[0]]
    copies = [copy for copy in own if copy is not article]
    if not reports:
        if not copies:
            raise ValueError(f"article {quoted(article.id, 80)} is alone in its story; allowed: a story of two or more")
        found = _compare(article, copies[0], weighting)
        return replace(found, verdict=f"In the story as one of {plural(len(own), 'copy', 'copies')} of one text.")
    similarity = _similarities(own[0] if own else article, reports, weighting)
    closest = int(np.argmax(similarity.round(9)))
    found = _compare(article, reports[closest], weighting)
    mean = float(similarity.mean()) if place is None else story.membership[place]
    verdict = (
        f"{_standing(mean, threshold, place is not None)}: mean similarity {mean:.2f} to "
        f"{plural(len(reports), 'other report' if own else 'report')}, threshold {threshold:g}; "
        f"closest is {named(reports[closest])} with {similarity[closest]:.2f}."
    )
    if copies:
        verdict += f" {plural(len(copies), 'copy', 'copies')} of it in the story."
    return replace(found, verdict=printable(verdict))


def _weighing(among: Stories | Story | None) -> tuple[TermWeighting | None, float]:
    """What weighs the words, and the threshold of the stories."""
    if among is None:
        return None, STORY_THRESHOLD
    story = among if isinstance(among, Story) else next(iter(among), None)
    return (story._weighting if story else None), among.threshold


def _fold(weighting: TermWeighting | None) -> Fold:
    return weighting.fold if weighting else "unidecode"


def _by_id(articles: Sequence[Article], item: Any) -> Any:
    """The article of that id; what is no str is an article already."""
    if not isinstance(item, str):
        return item
    for article in articles:
        if article.id == item:
            return article
    raise KeyError(f"no article has the id {item!r}")


def _read(items: list[Any], among: Stories | Story | None, fold: Fold) -> tuple[list[Article], list[int | None]]:
    """Articles with their residue, and their places among those that are known: these have the residue found there."""
    batch = read_articles(items, unique_ids=False, warns=False)
    known = () if among is None else among.articles
    places = [next((i for i, one in enumerate(known) if _same(one, article)), None) for article in batch.articles]
    articles = add_residue(batch, MAX_CHARS, fold, 1).articles
    return [a if place is None else known[place] for a, place in zip(articles, places, strict=True)], places


def _same(one: Article, other: Article) -> bool:
    """Whether two articles have the same fields; those of a subclass are no matter."""
    return one.id == other.id and all(getattr(one, name) == getattr(other, name) for name in _FIELDS)


def _compare(left: Article, right: Article, weighting: TermWeighting | None) -> Explanation:
    """All but the verdict."""
    fold = _fold(weighting)
    texts = readable_texts([left, right])
    vectors, vocabulary = weigh(texts, weighting, fold)
    tokens = tokenize(texts, fold)
    # As a batch has it: sums of products round otherwise from the other side.
    first, second = sorted([0, 1], key=lambda i: _canonical((left, right)[i]))
    cosine = min(float(cosines(vectors, np.array([first]), np.array([second]))[0]), 1.0)
    factor = float(time_factor(np.array([left.day]), np.array([right.day]))[0])
    shingles = ShingleSets(shingle_hashes(tokens, _NEAR.shingle_size), tokens.offsets, 1)
    jaccard, containment = shingles.overlaps(np.array([[0, 1]]))
    filled = bool(np.diff(tokens.offsets).all())  # a blank text is nobody's duplicate
    return Explanation(
        left=left,
        right=right,
        similarity=cosine * factor,
        cosine=cosine,
        time_factor=factor,
        jaccard=float(jaccard[0]) if filled else 0.0,
        containment=float(containment[0]) if filled else 0.0,
        terms=shared_terms(tokens, vectors, vocabulary),
        passages=_passages(left, right, fold),
        verdict="",
    )


def _canonical(article: Article) -> tuple[bool, float, str, str, str]:
    """The order in which a batch compares articles."""
    undated = article.published is None
    return undated, 0.0 if undated else article.day, article.id, article.title, article.text


def _similarities(
    article: Article, reports: Sequence[Article], weighting: TermWeighting | None
) -> np.ndarray[Any, Any]:
    """Similarity of an article to each of these reports, as an edge has it: 0 below the floor."""
    vectors, _ = weigh(readable_texts([article, *reports]), weighting, _fold(weighting))
    others = np.arange(1, len(reports) + 1)
    cosine = np.minimum(cosines(vectors, np.zeros_like(others), others), 1.0)
    similarity = cosine * time_factor(np.array([article.day]), np.array([report.day for report in reports]))
    return np.where(similarity >= FLOOR, similarity, 0.0)


def _passages(left: Article, right: Article, fold: Fold) -> tuple[Passage, ...]:
    tokens = tokenize([left.text[:MAX_CHARS], right.text[:MAX_CHARS]], fold)
    origins = tokens.text_starts[tokens.text_indices]
    begins = tokens.characters(tokens.starts)
    ends = tokens.characters(tokens.stops - 1) + 1
    barred = np.zeros(len(begins), dtype=np.bool_)
    for i, article in enumerate((left, right)):
        for start, stop in article.residue:
            barred |= (tokens.text_indices == i) & (begins - origins < stop) & (ends - origins > start)
    begins, ends = begins - origins, ends - origins
    runs = shared_passages(tokens, barred)
    passages = []
    for one, other, size in zip(runs.left.tolist(), runs.right.tolist(), runs.sizes.tolist(), strict=True):
        mine, theirs = ((int(begins[i]), int(ends[i + size - 1])) for i in (one, other))
        passages.append(Passage(left.text[slice(*mine)], mine, theirs))
    return tuple(passages)


def _together(among: Stories | Story, one: int, other: int) -> tuple[bool, bool]:
    """Whether two articles are in one story, and whether they are copies."""
    if isinstance(among, Stories):
        labels, copies = among.labels, among.near_duplicate_labels
        return bool(labels[one] == labels[other]), bool(copies[one] == copies[other])
    pair = among.articles[one], among.articles[other]
    return True, any(all(any(a is copy for copy in group) for a in pair) for group in among.near_duplicates)


def _verdict(found: Explanation, threshold: float, joined: bool | None, copies: bool) -> str:
    """A sentence; `joined` is None where no stories were made."""
    if copies:
        return f"Copies of one text: {found.jaccard:.0%} of their runs of five words are in both."
    enough = found.similarity >= threshold
    said = {
        (None, True): "Alike enough for one story",
        (None, False): "Too little alike for one story",
        (True, True): "In one story",
        (True, False): "In one story, though not for the words of these two alone",
        (False, True): "In two stories, which as wholes are less alike",
        (False, False): "In two stories",
    }[joined, enough]
    faded = f" ({found.cosine:.2f} but for {found.gap})" if found.time_factor < _FADED else ""
    return f"{said}: similarity {found.similarity:.2f}{faded}, threshold {threshold:g}."


def _standing(mean: float, threshold: float, inside: bool) -> str:
    """How surely an article belongs."""
    if not inside:
        return "Would belong" if mean >= threshold else "Would not belong"
    if mean < threshold:
        return "In the story, but doubtful"
    return "In the story, but only just" if mean < _JUST * threshold else "In the story"
