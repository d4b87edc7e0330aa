"""What a page holds of how alike two reports are: of which pairs, and in which form."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from dedup.article import Article
from dedup.html.facts import Compare, PairFacts, StoriesFacts, StoryFacts
from dedup.wording import one_line

MAX_PAIRS = 60  # of a story: all pairs of eleven reports
_MAX_ALL_PAIRS = 5_000  # of a page: each takes about a millisecond and 150 bytes
_MAX_CHARACTERS = 100_000_000  # of their texts, which may be megabytes

#: Another story, by its place, and how similar the two are.
Near = tuple[int, float]


def comparisons(
    stories: StoriesFacts, near: Sequence[Sequence[Near]], compare: Compare
) -> tuple[list[list[list[object]]], dict[tuple[int, int], list[object]]]:
    """Pairs of reports of each story, by their places in it, and of stories that are nearly one, by their places.

    A pair is its places, similarity, cosine and what is needed, then terms, each followed by its share in percent.
    """
    across = [(place, other) for place, others in enumerate(near) for other, _ in others if place < other]
    across = across[: _MAX_ALL_PAIRS // 4]
    shown = [story.representative for story in stories]
    left, characters = _MAX_ALL_PAIRS - len(across), _MAX_CHARACTERS
    limit = _limit([len(_reports(story)) for story in stories], left)
    within: list[list[tuple[int, int]]] = []
    for story in stories:
        within.append([])
        for pair in islice(_pairs(story), min(limit, left)):
            characters -= sum(len(story.articles[place].plain_text) for place in pair)
            if characters < 0:
                break
            within[-1].append(pair)
        left -= len(within[-1])
    pairs = [
        (story.articles[one], story.articles[other])
        for story, places in zip(stories, within, strict=True)
        for one, other in places
    ]
    found = iter(compare([*pairs, *(_in_order(shown[one], shown[other]) for one, other in across)]))
    of_stories = [[[*pair, *_facts(next(found))] for pair in places] for places in within]
    return of_stories, {pair: _facts(next(found)) for pair in across}


def _limit(reports: Sequence[int], budget: int) -> int:
    """Most pairs of a story, at least one, so that those of all stories keep within the budget where they can."""
    most = [n * (n - 1) // 2 for n in reports]
    limits = range(1, MAX_PAIRS + 1)
    return max(1, bisect_right(limits, budget, key=lambda limit: sum(min(n, limit) for n in most)))


def _reports(story: StoryFacts) -> list[int]:
    """Places of the articles that are no copy of an earlier one."""
    later = {id(copy) for group in story.near_duplicates for copy in group[1:]}
    return [place for place, article in enumerate(story.articles) if id(article) not in later]


def _pairs(story: StoryFacts) -> Iterator[tuple[int, int]]:
    """Pairs of places of its reports: first those with what the story and the episode show, which the page offers."""
    first = {id(copy): group[0] for group in story.near_duplicates for copy in group}
    places = {id(article): place for place, article in enumerate(story.articles)}

    def report(article: Article) -> int:
        return places[id(first.get(id(article), article))]

    reports = _reports(story)
    shown = report(story.representative)
    hubs = {id(a): report(episode.representative) for episode in story.episodes for a in episode.articles}
    offered = [(hubs[id(story.articles[place])], place) for place in reports]
    offered += [(shown, hub) for hub in dict.fromkeys(hubs.values())] + [(shown, place) for place in reports]
    known = {(min(pair), max(pair)): None for pair in offered if pair[0] != pair[1]}
    yield from known
    yield from (pair for pair in combinations(reports, 2) if pair not in known)


def _in_order(one: Article, other: Article) -> tuple[Article, Article]:
    """Two articles in canonical order: undated ones last."""
    ordered = sorted((one, other), key=lambda a: (a.day != a.day, a.day, a.id))
    return ordered[0], ordered[1]


def _facts(pair: PairFacts) -> list[object]:
    terms = [(one_line(term, 60, "…"), round(100 * share)) for term, share in pair.terms]
    numbers = [round(number, 3) for number in (pair.similarity, pair.cosine, pair.needed)]
    return [*numbers, *(part for term in terms for part in term)]
