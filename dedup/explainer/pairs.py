"""Compare two articles and explain the result."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from dedup.arrays import Flags
from dedup.article import FIELDS, Article, name_of_id, read_articles
from dedup.article.urls import page_of
from dedup.explanation import Explanation, Passage, named
from dedup.near.jaccard import ShingleSets
from dedup.near.pages import latest_of_articles
from dedup.near.shingles import shingles_of
from dedup.parameters import MAX_CHARS, STORY_THRESHOLD, Fold, NearSettings
from dedup.residue.batch import add_residue
from dedup.residue.layout import Cover
from dedup.stories import Stories
from dedup.story.encoding import ArticleMeanings, factors_of_articles
from dedup.story.episodes import alike_alone
from dedup.story.kinds import are_roundups
from dedup.story.partition import join_costs
from dedup.story.result import Episode, Story
from dedup.story.shared_terms import FeatureTokens, shared_terms
from dedup.story.similarity import likeness
from dedup.story.weighting import TermWeighting, vectorize_texts
from dedup.text.limit import readable_texts
from dedup.text.passages import shared_passages
from dedup.text.roundups import without_roundups
from dedup.text.tokens import Tokens, tokenize
from dedup.wording import printable, quoted

_NEAR = NearSettings()
_fields_of = attrgetter(*FIELDS)  # not those of subclasses

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
    The first 1,000,000 characters of each article are read, and copies are compared by shingles of five words. What an
    encoder found in articles of `among` counts; others are compared by their words alone. An index weights words by its
    present document frequencies, not by those when the articles came.

    Examples
    --------
    >>> found = explain("Poutine a reçu Kim Jong Un mardi.", "Kim Jong Un a été reçu par Vladimir Poutine.")
    >>> found.terms[0][0], found.passages[0].words, found.passages[0].right
    ('Jong', 'Kim Jong Un', (0, 11))
    """
    if among is not None and not isinstance(among, Stories | Story):
        raise TypeError(f"among is {among!r:.80}; allowed: None, Stories or Story")
    weighting, threshold = weighting_of(among)
    (left, right), positions = read_items([a, b], among, fold_of(weighting))
    # Another article may have the id of one of the batch.
    found = compare(left, right, weighting, threshold, None if None in positions else meanings_of(among))
    gap, cost = abs(found.left.day - found.right.day), found.needed - threshold
    copies = found.jaccard >= _NEAR.threshold or _are_versions(found.left, found.right, fold_of(weighting))
    relation = _Relation(None, copies, alike_alone(found.cosine, gap, cost, threshold))
    if among is not None and None not in positions:
        relation = _relation(among, *(position for position in positions if position is not None))
    verdict = _verdict(found, relation, fold_of(weighting))
    if among is not None and None not in positions:
        verdict = " ".join([*_edits(among, found, relation), verdict])
    return replace(found, verdict=printable(verdict))


def explain_ids(stories: Stories, a: Any, b: Any) -> Explanation:
    """`explain` among these stories; an id is that of one of their articles."""
    return explain(*(article_by_id(stories.articles, item) for item in (a, b)), among=stories)


def weighting_of(among: Stories | Story | None) -> tuple[TermWeighting | None, float]:
    """The document frequencies that weight the words, and the threshold of the stories."""
    if among is None:
        return None, STORY_THRESHOLD
    story = among if isinstance(among, Story) else next(iter(among), None)
    return (story._weighting if story else None), among.threshold


def meanings_of(among: Stories | Story | None) -> ArticleMeanings | None:
    """What an encoder found in the articles of the stories."""
    story = among if isinstance(among, Story) else next(iter(among or ()), None)
    return story._meanings if story else None


def fold_of(weighting: TermWeighting | None) -> Fold:
    """How letters become plain ones."""
    return weighting.fold if weighting else "unidecode"


def article_by_id(articles: Sequence[Article], item: Any) -> Any:
    """The article with the id `item` if that is one, otherwise `item`."""
    name = name_of_id(item)
    if name is None:
        return item
    for article in articles:
        if article.id == name:
            return article
    raise KeyError(f"no article has the id {item!r}")


def read_items(items: list[Any], among: Stories | Story | None, fold: Fold) -> tuple[list[Article], list[int | None]]:
    """The articles, and the position of each in `among`; those that are there have the residue found there."""
    batch = read_articles(items, unique_ids=False)
    known = () if among is None else among.articles
    positions = [
        next((i for i, other in enumerate(known) if _fields_of(other) == _fields_of(a)), None) for a in batch.articles
    ]
    articles = add_residue(batch, MAX_CHARS, fold, 1).articles
    return [a if i is None else known[i] for a, i in zip(articles, positions, strict=True)], positions


def compare(
    left: Article,
    right: Article,
    weighting: TermWeighting | None,
    threshold: float,
    meanings: ArticleMeanings | None = None,
) -> Explanation:
    """An explanation without a verdict."""
    fold = fold_of(weighting)
    texts, titles = readable_texts([left, right]), [left.plain_title, right.plain_title]
    languages = [left.language, right.language]
    vectors, vocabulary, n_features = vectorize_texts(without_roundups(texts, titles), weighting, languages)
    # In the canonical order, as in a batch: sums of products may round differently in the other.
    first, second = read_articles([left, right], unique_ids=False).order
    alike = likeness(vectors, np.array([first]), np.array([second]))
    cosine = float(alike.cosines[0])
    days = np.array([left.day]), np.array([right.day])
    together, factors = factors_of_articles(alike, meanings, [left.id], [right.id], *days)
    words = FeatureTokens.of(tokenize(texts, fold), vocabulary)
    del vocabulary  # of long texts these are large
    terms = shared_terms(words, vectors)
    del words, vectors
    jaccard, containment = _overlap(texts, fold)
    return Explanation(
        left=left,
        right=right,
        similarity=float(together[0] * factors[0]),
        cosine=cosine,
        time_factor=float(factors[0]),
        evidence=float(alike.shared[0]),
        needed=threshold + float(join_costs(n_features).mean()),
        jaccard=jaccard,
        containment=containment,
        terms=terms,
        passages=_passages(left, right, fold),
        verdict="",
        meaning=float(together[0]) - cosine,
    )


def _overlap(texts: Sequence[str], fold: Fold) -> tuple[float, float]:
    """Jaccard similarity and containment of two texts; a blank text is a duplicate of none."""
    shingles = ShingleSets(*shingles_of(tokenize(texts, fold), _NEAR.shingle_size), 1)
    if not shingles.lengths.all():
        return 0.0, 0.0
    jaccard, containment = shingles.overlaps(np.array([[0, 1]]))
    return float(jaccard[0]), float(containment[0])


def _passages(left: Article, right: Article, fold: Fold) -> tuple[Passage, ...]:
    """The longest passages that both texts have without their residue."""
    tokens = tokenize([left.plain_text[:MAX_CHARS], right.plain_text[:MAX_CHARS]], fold)
    runs = shared_passages(tokens, _are_residue(tokens, [left.residue, right.residue]))
    places = []
    for first, origin in ((runs.left, tokens.text_starts[0]), (runs.right, tokens.text_starts[1])):
        begins = tokens.characters(tokens.starts[first]) - origin
        ends = tokens.characters(tokens.stops[first + runs.sizes - 1] - 1) + 1 - origin
        places.append(list(zip(begins.tolist(), ends.tolist(), strict=True)))
    return tuple(Passage(left.plain_text[slice(*one)], one, other) for one, other in zip(*places, strict=True))


def _are_residue(tokens: Tokens, residue: Sequence[Sequence[tuple[int, int]]]) -> Flags:
    """Whether each token of some texts is of their residue, in part or as a whole."""
    cover = Cover(len(tokens.starts))
    spans = [
        (origin + start, origin + stop)
        for origin, own in zip(tokens.text_starts, residue, strict=False)
        for start, stop in own
    ]
    if spans:
        starts, stops = np.array(spans).T
        first = np.searchsorted(tokens.characters(tokens.stops - 1), starts)
        behind = np.searchsorted(tokens.characters(tokens.starts), stops)
        cover.add(first, np.maximum(behind - first, 0))
    return cover.flags()


def of_one_page(one: Article, other: Article) -> bool:
    """Whether two articles have the URL of one page of one source."""
    page = page_of(one.source, one.url)
    return page is not None and page == page_of(other.source, other.url)


def _are_versions(one: Article, other: Article, fold: Fold) -> bool:
    """Whether a batch of two articles takes them for versions of one page."""
    both = [one, other]
    left, right = latest_of_articles(both, readable_texts(both), np.arange(2), fold).tolist()
    return bool(left == right)


class _Relation(NamedTuple):
    """How two articles stand to each other."""

    same_story: bool | None  # None without stories that have both
    copies: bool
    two_episodes: bool = False  # whether a batch of the two has one story, of two episodes
    episodes: tuple[Episode, ...] = ()  # two of the story, when they are in two


def _relation(among: Stories | Story, one: int, other: int) -> _Relation:
    articles = among.articles[one], among.articles[other]
    if isinstance(among, Stories):
        if among.labels[one] != among.labels[other]:
            return _Relation(same_story=False, copies=False)
        among = among[int(among.labels[one])]
    pair = set(map(id, articles))
    copies = one == other or any(pair <= set(map(id, group)) for group in among.near_duplicates)
    episodes = tuple(among.episode_of(article) for article in articles)
    return _Relation(True, copies, episodes=() if episodes[0] is episodes[1] else episodes)


def _edits(among: Stories | Story, found: Explanation, relation: _Relation) -> list[str]:
    """What was decided by hand on two articles, and on what their story is made of where they are in two episodes."""
    articles, ids = (found.left, found.right), {found.left.id, found.right.id}
    if isinstance(among, Stories):
        story = next(story for story in among if any(article is found.left for article in story.articles))
        return [edit.sentence for edit in story.edits if ids <= set(edit.article_ids)]
    made_one = [edit.sentence for edit in among.edits if edit.kind == "editor_merged" and relation.episodes]
    return [*made_one, *filter(None, [among.edits_of(*articles)])]


def _verdict(found: Explanation, relation: _Relation, fold: Fold) -> str:
    """The verdict on two articles."""
    if relation.copies:
        versions = found.jaccard < _NEAR.threshold and of_one_page(found.left, found.right)
        what = "Versions of one page" if versions else "Copies of one text"
        return f"{what}: {found.jaccard:.0%} of their runs of five words are in both."
    if relation.episodes:
        names = " and ".join(quoted(episode.headline, 60) for episode in relation.episodes)
        cosine = f"similarity {found.cosine + found.meaning:.2f} but for {found.gap}"
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
    articles = [found.left, found.right]
    roundups = are_roundups([article.plain_title for article in articles], readable_texts(articles), fold)
    for article, is_roundup in zip(articles, roundups.tolist(), strict=True):
        if is_roundup:
            return f"{standing}: {named(article)} is a round-up of many stories."
    if relation.two_episodes and not enough:
        return f"Alike enough for one story of two episodes: similarity {found.cosine:.2f} but for {found.gap}."
    cosine = (
        f" ({found.cosine + found.meaning:.2f} but for {found.gap})"
        if found.time_factor < _MENTIONED_TIME_FACTOR
        else ""
    )
    return f"{standing}: similarity {found.similarity:.2f}{cosine}, two such reports alone need {found.needed:.2f}."
