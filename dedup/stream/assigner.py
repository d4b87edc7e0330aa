"""Articles -> stories: which one each joins, and which ones it brings together."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from dedup.article import Article
from dedup.progress import ProgressCallback, no_progress
from dedup.store.records import ArticleFeatures, Row, digest_of, encoded, source_of
from dedup.story.partition import coarsened
from dedup.stream.assignment import Assignment, story_name
from dedup.stream.live import TEXTS_AT_ONCE
from dedup.stream.maintenance import remove
from dedup.stream.matching import MatchedArticles, match_articles
from dedup.stream.state import IndexState

#: Before an index knows some hundred articles it cannot tell which words are common, and similarities come out too
#: high: so much higher are the thresholds for joining and merging in an empty one, and the surplus falls to 1/e with
#: so many articles. While it is young, it takes stock every so many articles.
_JOIN_SURPLUS, _MERGE_SURPLUS, _YOUNG_ARTICLES = 1.5, 0.7, 500.0
_STOCK_EVERY, _STOCK_UNTIL = 50, 3000

# Long articles come fewer at a time, so that memory does not grow with them.
_CHARACTERS_AT_ONCE = 1 << 22

#: Gains below this are rounding.
_TOLERANCE = 1e-9


class Assigner:
    """Decides, within an open transaction, where articles belong; everything has been checked before.

    Whether articles come one at a time or many at once makes no difference but to speed.
    """

    def __init__(self, state: IndexState) -> None:
        self._ledger = state
        self._stories = state.live.nodes.stories

    def add(self, articles: Sequence[Article], progress: ProgressCallback = no_progress) -> list[Assignment]:
        """Put articles into stories, each in place of the one with its id, and report what share is done."""
        told: list[Assignment] = []
        for assignment in self._add(articles):
            told.append(assignment)
            progress(len(told) / len(articles))
        return told

    def _add(self, articles: Sequence[Article]) -> Iterator[Assignment]:
        fields = list(map(encoded, articles))
        known = self._ledger.store.identify([article.id for article in articles])
        first = 0  # of those that are new and wait for the next one that is not
        for i, article in enumerate(articles):
            if article.id in known:
                yield from self._arrive_all(articles[first:i], fields[first:i])
                yield self._again(article, fields[i], *known[article.id])
                first = i + 1
        yield from self._arrive_all(articles[first:], fields[first:])

    def _few(self, articles: Sequence[Article]) -> int:
        """How many of the first articles to read at once."""
        most = self._ledger.settings.max_chars
        sizes = (min(len(article.title) + len(article.text), most) for article in articles)
        return 1 + sum(total < _CHARACTERS_AT_ONCE for total in accumulate(sizes))

    def _again(self, article: Article, text: str, node: int, digest: bytes) -> Assignment:
        """What becomes of an article whose id is known."""
        (former,) = self._stories(np.array([node])).tolist()
        if digest == digest_of(text):
            return Assignment(article.id, story_name(former), "unchanged")
        remove(self._ledger, node)
        alone = not self._ledger.sizes[former]
        (assignment,) = self._arrive([article], [text])
        (story,) = self._stories(np.array([self._ledger.next_node - 1])).tolist()
        if alone:  # its story goes where it goes
            self._ledger.merge(former, story)
        return replace(assignment, outcome="updated")

    def _arrive_all(self, articles: Sequence[Article], fields: Sequence[str]) -> Iterator[Assignment]:
        first = 0
        while first < len(articles):
            step = _step(self._ledger.next_node)
            stop = first + min(step - self._ledger.next_node % step, self._few(articles[first : first + step]))
            yield from self._arrive(articles[first:stop], fields[first:stop])
            first = stop

    def _arrive(self, articles: Sequence[Article], fields: Sequence[str]) -> list[Assignment]:
        """Put new articles into stories."""
        state = self._ledger
        young = state.live.window.count
        articles = state.source_residue.add_residue(articles)
        matched = match_articles(state, articles)
        told: list[Assignment] = []
        merges: list[tuple[int, int]] = []
        first_story = state.next_story
        for i, article in enumerate(articles):
            told.append(self._join(article, matched, i, young, merges))
            young += matched.canonical[i] == matched.nodes[i]
        state.store.add_stories(range(first_story, state.next_story))
        state.store.insert(self.rows(articles, fields, matched))
        for gone, kept in merges:
            state.store.merge(gone, kept)
        if state.next_node % _STOCK_EVERY == 0 and state.next_node < _STOCK_UNTIL:
            merged = told[-1].merged + tuple(map(story_name, self._take_stock()))
            (story,) = self._stories(matched.nodes[-1:]).tolist()
            told[-1] = replace(told[-1], story_id=story_name(story), merged=merged)
        step = _step(state.next_node - 1)
        if state.next_node % step == 0:
            state.source_residue.learn(state.next_node - step)
        state.live.window.advance(state.next_node)
        return told

    def _join(
        self, article: Article, matched: MatchedArticles, i: int, count: int, merges: list[tuple[int, int]]
    ) -> Assignment:
        """Put one article into the story where it gains most, if it gains; a copy goes where its original is."""
        nodes, sizes = self._ledger.live.nodes, self._ledger.sizes
        own = matched.nodes[i : i + 1]
        if i in matched.originals:
            (story,) = self._stories(matched.canonical[i : i + 1]).tolist()
            nodes.settle(own, story)
            return Assignment(article.id, story_name(story), "near_duplicate", *matched.originals[i])
        others, similarities = matched.neighbours[i]
        pulls: dict[int, float] = defaultdict(float)
        for story, similarity in zip(self._stories(others).tolist(), similarities.tolist(), strict=True):
            pulls[story] += similarity
        threshold = self._threshold(_JOIN_SURPLUS, count)
        gains = {story: pull - threshold * sizes[story] for story, pull in pulls.items()}
        best = _greatest(gains)
        if best is None:
            story, self._ledger.next_story = self._ledger.next_story, self._ledger.next_story + 1
        else:
            story = best
        nodes.settle(own, story)
        sizes[story] += 1
        if best is None:
            return Assignment(article.id, story_name(story), "new_story")
        similarity = pulls.pop(story) / (sizes[story] - 1)
        merged, story = self._merge(story, pulls, matched, self._threshold(_MERGE_SURPLUS, count + 1))
        merges += merged
        return Assignment(
            article.id, story_name(story), "report", None, similarity, tuple(story_name(gone) for gone, _ in merged)
        )

    def _threshold(self, surplus: float, count: int) -> float:
        return self._ledger.settings.story_threshold * (1 + surplus * math.exp(-count / _YOUNG_ARTICLES))

    def _merge(
        self, story: int, pulls: dict[int, float], matched: MatchedArticles, threshold: float
    ) -> tuple[list[tuple[int, int]], int]:
        """Merge stories with one that has grown, as long as that gains; the oldest id stays.

        Two stories that did not gain by merging before only can if the new report alone gains by it.
        """
        nodes, sizes = self._ledger.live.nodes, self._ledger.sizes
        merged: list[tuple[int, int]] = []
        contenders = {other for other, pull in pulls.items() if pull > threshold * sizes[other]}
        while contenders:
            best = _greatest(
                {
                    other: self._between(story, other, matched) - threshold * sizes[story] * sizes[other]
                    for other in sorted(contenders)
                }
            )
            if best is None:
                break
            contenders.remove(best)
            kept, gone = min(story, best), max(story, best)
            nodes.merge(gone, kept)
            sizes[kept] += sizes.pop(gone)
            merged.append((gone, kept))
            story = kept
        return merged, story

    def _between(self, story: int, other: int, matched: MatchedArticles) -> float:
        """Sum of the similarities of the reports of one story to those of another."""
        members = self._ledger.live.nodes.of_stories((story, other))
        stored = members[members < matched.nodes[0]]
        parts = [self._ledger.store.neighbours(stored.tolist())]
        for node in members[members >= matched.nodes[0]].tolist():
            nodes, similarity = matched.neighbours[node - int(matched.nodes[0])]
            parts.append((np.full(len(nodes), node), nodes, similarity))
        left, right, similarities = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        left, right = self._stories(left), self._stories(right)
        across = ((left == story) & (right == other)) | ((left == other) & (right == story))
        return float(similarities[across].sum(dtype=np.float64))

    def _take_stock(self) -> list[int]:
        """Measure all articles again, merge the stories that gain by it, and tell which ones went into others."""
        state = self._ledger
        state.store.set_norms(*state.live.measure_again())
        canonical = state.live.nodes.canonical()
        if not len(canonical):
            return []
        numbers, labels = np.unique(self._stories(canonical), return_inverse=True)
        threshold = self._threshold(_MERGE_SURPLUS, state.live.window.count)
        unions = coarsened(state.graph(canonical), labels, threshold)
        kept: dict[int, int] = {}
        gone = []
        for number, union in zip(
            numbers.tolist(), unions[np.unique(labels, return_index=True)[1]].tolist(), strict=True
        ):
            if union in kept:
                state.merge(number, kept[union])
                gone.append(number)
            else:
                kept[union] = number
        return gone

    def rows(
        self, articles: Sequence[Article], fields: Sequence[str], matched: MatchedArticles
    ) -> list[tuple[Row, ArticleFeatures]]:
        """What is stored of new articles."""
        state, weighted = self._ledger, matched.weighted
        readings, stories = weighted.readings, self._stories(matched.nodes).tolist()
        rows = []
        for i, (article, text) in enumerate(zip(articles, fields, strict=True)):
            day = None if np.isnan(article.day) else article.day
            if day is not None and day > state.latest:
                state.latest = day
                state.store.set_latest(day)
            kept_by_day = day if day is not None else state.latest if np.isfinite(state.latest) else 0.0
            digest, text = digest_of(text), encoded(article) if article.residue else text
            node, canonical = int(matched.nodes[i]), int(matched.canonical[i])
            row = Row(node, article.id, digest, day, kept_by_day, stories[i], canonical, source_of(article), text)
            neighbours, similarities = matched.neighbours[i]
            bands = readings.bands[i][: 0 if readings.blank[i] else None]
            order = weighted.heaviest[i]
            features, counts = readings.features[order], readings.counts[order]
            norm = float(weighted.norms[i])
            rows.append(
                (row, ArticleFeatures(norm, neighbours.astype(np.int32), similarities, bands, features, counts))
            )
        return rows


def _step(node: int) -> int:
    """Articles up to the next multiple of this are looked at together."""
    return _STOCK_EVERY if node < _STOCK_UNTIL else TEXTS_AT_ONCE


def _greatest(gains: dict[int, float]) -> int | None:
    """The story with the greatest gain, the older one of equals; None when none gains."""
    story = min(gains, key=lambda story: (-round(gains[story], 9), story), default=None)
    return story if story is not None and gains[story] > _TOLERANCE else None
