"""Many pairs of reports at once -> what `dedup.explain` says of each, but for copies and passages."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dedup.article import Article
from dedup.parameters import MAX_CHARS
from dedup.story.encoding import ArticleMeanings, factors_of_articles
from dedup.story.partition import join_costs
from dedup.story.shared_terms import FeatureTokens, shared_terms
from dedup.story.similarity import likeness
from dedup.story.weighting import TermWeighting, vectorize_texts
from dedup.text.limit import readable_texts
from dedup.text.roundups import without_roundups
from dedup.text.tokens import tokenize

MAX_TERMS = 8  # of a pair, the heaviest
_BLOCK_PAIRS, _BLOCK_CHARACTERS = 512, 4_000_000  # of pairs whose texts are read together


class Pair(NamedTuple):
    """What two reports have in common; see `dedup.Explanation`."""

    similarity: float
    cosine: float
    needed: float
    terms: tuple[tuple[str, float], ...]


def compare_pairs(
    pairs: Sequence[tuple[Article, Article]],
    weighting: TermWeighting,
    threshold: float,
    meanings: ArticleMeanings | None = None,
) -> list[Pair]:
    """Compare pairs of reports, each in canonical order, as the batch that has them did."""
    return [pair for block in _blocks(pairs) for pair in _compare_block(block, weighting, threshold, meanings)]


def _blocks(pairs: Sequence[tuple[Article, Article]]) -> Iterator[list[tuple[Article, Article]]]:
    """Pairs in blocks, each of one pair at least."""
    block: list[tuple[Article, Article]] = []
    characters = 0
    for pair in pairs:
        size = sum(len(article.plain_text) for article in pair)
        if block and (len(block) == _BLOCK_PAIRS or characters + size > _BLOCK_CHARACTERS):
            yield block
            block, characters = [], 0
        block.append(pair)
        characters += size
    if block:
        yield block


def _compare_block(
    pairs: Sequence[tuple[Article, Article]],
    weighting: TermWeighting,
    threshold: float,
    meanings: ArticleMeanings | None,
) -> list[Pair]:
    articles = list({id(article): article for pair in pairs for article in pair}.values())
    row = {id(article): i for i, article in enumerate(articles)}
    left, right = np.array([[row[id(article)] for article in pair] for pair in pairs]).T
    texts = readable_texts(articles, MAX_CHARS)
    features = without_roundups(texts, [article.plain_title for article in articles])
    vectors, vocabulary, n_features = vectorize_texts(features, weighting, [article.language for article in articles])
    order = np.argsort(left, kind="stable")
    alike = likeness(vectors, left[order], right[order])
    days = np.array([article.day for article in articles], dtype=np.float64)
    ids, others = ([articles[i].id for i in side[order].tolist()] for side in (left, right))
    together, factors = factors_of_articles(alike, meanings, ids, others, days[left[order]], days[right[order]])
    similarity = together * factors
    costs = join_costs(n_features)
    words = FeatureTokens.of(tokenize(texts, weighting.fold), vocabulary)
    found: list[Pair | None] = [None] * len(pairs)
    for place, cosine, value in zip(order.tolist(), alike.cosines.tolist(), similarity.tolist(), strict=True):
        i, j = int(left[place]), int(right[place])
        terms = shared_terms(words, vectors, (i, j), MAX_TERMS)
        needed = threshold + float(costs[[i, j]].mean())
        found[place] = Pair(value, cosine, needed, terms)
    return [pair for pair in found if pair is not None]
