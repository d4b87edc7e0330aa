"""New articles -> episodes: which episode each one joins, and which episodes it merges."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from dedup.article import Article
from dedup.progress import Progress, track
from dedup.store.records import ArticleFeatures, Row
from dedup.store.serialization import digest_of, encode_article, source_of
from dedup.stream.assignment import Assignment, Outcome, format_episode_id, format_story_id
from dedup.stream.change_log import Entry
from dedup.stream.joins import decide
from dedup.stream.live import TEXTS_AT_ONCE
from dedup.stream.maintenance import remove
from dedup.stream.matching import MatchedArticles, match_articles
from dedup.stream.state import IndexState
from dedup.stream.unions import episodes_since, merge_alike, reports_near

#: An index that has had fewer articles is young: its document frequencies change fast. It weights all its articles
#: again and merges episodes each time that so many have come; an older one merges episodes at each `TEXTS_AT_ONCE`.
_YOUNG, _YOUNG_STEP = 3000, 50

#: At each such step the episodes that have got reports find their stories; up to this number, at each article.
_EACH = 50

#: While an index is young, all episodes find their stories again each time that it has grown by this factor.
_GROWTH = 1.5

# Fewer long articles are read at once, so that memory does not grow with their length.
_CHARACTERS_AT_ONCE = 1 << 22

#: Gains below this are rounding.
_TOLERANCE = 1e-9


class Assigner:
    """Puts articles into episodes, within an open transaction; the articles have been checked.

    The result does not depend on how many articles are added at once.
    """

    def __init__(self, state: IndexState) -> None:
        self._state = state
        self._episodes = state.live.nodes.episodes

    def add(self, articles: Sequence[Article], progress: Progress) -> list[Assignment]:
        """Put articles into episodes; an article with a known id replaces the stored one."""
        assignments: list[Assignment] = []
        with track(progress, len(articles)) as on_progress:
            for assignment in self._add(articles):
                assignments.append(assignment)
                on_progress(len(assignments) / len(articles))
        return assignments

    def _add(self, articles: Sequence[Article]) -> Iterator[Assignment]:
        texts = list(map(encode_article, articles))
        known = self._state.store.nodes_and_digests([article.id for article in articles])
        first = 0  # of the new articles since the last known one
        for i, article in enumerate(articles):
            if article.id in known:
                yield from self._add_new(articles[first:i], texts[first:i])
                yield self._replace(article, texts[i], *known[article.id])
                first = i + 1
        yield from self._add_new(articles[first:], texts[first:])

    def _add_new(self, articles: Sequence[Article], texts: Sequence[str]) -> Iterator[Assignment]:
        """Add new articles in blocks that end where residue is learned and articles are weighted again."""
        first = 0
        while first < len(articles):
            step = 1 if self._state.next_node <= _EACH else _step(self._state.next_node)
            most = self._count_readable(articles[first : first + step])
            stop = first + min(step - self._state.next_node % step, most)
            yield from self._add_block(articles[first:stop], texts[first:stop])
            first = stop

    def _count_readable(self, articles: Sequence[Article]) -> int:
        """Return how many of the articles are short enough together to be read at once."""
        most = self._state.settings.max_chars
        sizes = (min(len(article.title) + len(article.text), most) for article in articles)
        return 1 + sum(total < _CHARACTERS_AT_ONCE for total in accumulate(sizes))

    def _replace(self, article: Article, text: str, node: int, digest: bytes) -> Assignment:
        """Put an article in place of the stored one with its id."""
        state = self._state
        (former,) = self._episodes(np.array([node])).tolist()
        if digest == digest_of(text):
            return self._assignment(article, former, "unchanged")
        told, first = state.chapters.told(former), len(state.log.entries)
        remove(state, [node])
        of_story = state.chapters.episodes_of([state.chapters.story(former)])
        was_alone = not any(state.totals.sizes[episode] for episode in of_story)
        (assignment,) = self._add_block([article], [text])
        (episode,) = self._episodes(np.array([state.next_node - 1])).tolist()
        if was_alone:  # its former episode becomes an alias
            state.merge(former, episode)
        self._note_update(article.id, (told, former), first)
        return replace(assignment, outcome="updated", story_id=format_story_id(state.chapters.told(episode)))

    def _note_update(self, name: str, former: tuple[int, int], first: int) -> None:
        """Let the log, whose entries from `first` on are of the update of an article, say so."""
        entries = self._state.log.entries
        (place,) = (i for i in range(first, len(entries)) if entries[i].article == name)
        if entries[place].kind == "joined" and entries[place][2:4] == former:
            entries[place] = entries[place]._replace(kind="updated")
        else:
            entries.insert(first, Entry(entries[place].day, "left", *former, name))

    def _add_block(self, articles: Sequence[Article], texts: Sequence[str]) -> list[Assignment]:
        state, threshold = self._state, self._state.settings.story_threshold
        n_reports = state.live.window.count  # up to each article: the window has all of the block at once
        articles = state.source_residue.add_residue(articles)
        matched = match_articles(state, articles)
        assignments: list[Assignment] = []
        merges: list[tuple[int, int]] = []
        first_episode = state.next_episode
        for i, article in enumerate(articles):
            n_reports += int(matched.canonical[i] == matched.nodes[i])
            state.now = max(state.now, np.nan_to_num(article.day, nan=-np.inf))
            assignments.append(self._join(article, matched, i, state.careful(threshold, n_reports), merges))
        state.store.add_episodes(range(first_episode, state.next_episode))
        self.insert(articles, texts, matched)
        for episode, into in merges:
            state.store.merge(episode, into)
        step = _step(state.next_node - 1)
        merged = assignments[-1].merged
        if state.next_node % step == 0:
            merged += tuple(map(format_story_id, self._merge_alike()))
            state.source_residue.learn(state.next_node - step)
        since = _decided_since(state.next_node, step)
        if since is not None:
            decide(state, episodes_since(state, since))
        now = self._assignment(articles[-1], self._episodes(matched.nodes[-1:]).item(), assignments[-1].outcome)
        assignments[-1] = replace(assignments[-1], merged=merged, story_id=now.story_id, episode_id=now.episode_id)
        state.live.window.advance(state.next_node)
        return assignments

    def _join(
        self, article: Article, matched: MatchedArticles, i: int, threshold: float, merges: list[tuple[int, int]]
    ) -> Assignment:
        """Put a copy into the episode of its original, and a report into the one that gains most by it, if any does."""
        state, node = self._state, matched.nodes[i : i + 1]
        if i in matched.originals:
            (episode,) = self._episodes(matched.canonical[i : i + 1]).tolist()
            state.live.nodes.assign(node, episode)
            state.note("joined", episode, article=article.id)
            return self._assignment(article, episode, "near_duplicate", *matched.originals[i])
        others, similarities = matched.neighbours[i]
        sums: dict[int, float] = defaultdict(float)  # of the similarities to the reports of each episode
        for episode, similarity in zip(self._episodes(others).tolist(), similarities.tolist(), strict=True):
            sums[episode] += similarity
        cost, totals = state.costs_of(node), state.totals
        gains = {
            s: total - threshold * totals.sizes[s] - totals.cost_for(float(cost[0]), s) for s, total in sums.items()
        }
        best = _best(gains)
        if best is None:
            best, state.next_episode = state.next_episode, state.next_episode + 1
        state.live.nodes.assign(node, best)
        totals.add(np.array([best]), cost)
        state.note("joined" if best in sums else "story_begun", best, article=article.id)
        if best not in sums:
            return self._assignment(article, best, "new_story")
        similarity = sums.pop(best) / (totals.sizes[best] - 1)
        merged, episode = self._merge(best, sums, matched, threshold)
        merges += merged
        names = tuple(format_story_id(former) for former, _ in merged)
        return self._assignment(article, episode, "report", None, similarity, names)

    def _assignment(
        self,
        article: Article,
        episode: int,
        outcome: Outcome,
        near_duplicate_of: str | None = None,
        similarity: float | None = None,
        merged: tuple[str, ...] = (),
    ) -> Assignment:
        story, own = format_story_id(self._state.chapters.told(episode)), format_episode_id(episode)
        return Assignment(article.id, story, outcome, near_duplicate_of, similarity, merged, own)

    def _merge(
        self, episode: int, sums: dict[int, float], matched: MatchedArticles, threshold: float
    ) -> tuple[list[tuple[int, int]], int]:
        """Merge other episodes with one that has grown, as long as that gains; the oldest number stays.

        Stories that did not gain by merging before can only gain now if the new report alone gains by it.
        """
        totals = self._state.totals
        merged: list[tuple[int, int]] = []
        others = {other for other, total in sums.items() if total > threshold * totals.sizes[other]}
        while others:
            gains = {
                other: self._similarity_between(episode, other, matched)
                - threshold * totals.sizes[episode] * totals.sizes[other]
                - totals.cost_of_joining(episode, other)
                for other in sorted(others)
            }
            best = _best(gains)
            if best is None:
                break
            others.remove(best)
            episode, former = min(episode, best), max(episode, best)
            self._state.merge_live(former, episode)
            merged.append((former, episode))
        return merged, episode

    def _similarity_between(self, episode: int, other: int, matched: MatchedArticles) -> float:
        """Return the sum of the similarities between the reports of two episodes."""
        first = int(matched.nodes[0])
        members = self._state.live.nodes.of_episodes((episode, other))
        parts = [self._state.store.neighbours(members[members < first].tolist())]
        for node in members[members >= first].tolist():  # these are not stored yet
            nodes, similarity = matched.neighbours[node - first]
            parts.append((np.full(len(nodes), node), nodes, similarity))
        left, right, similarities = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        left, right = self._episodes(left), self._episodes(right)
        between = ((left == episode) & (right == other)) | ((left == other) & (right == episode))
        return float(similarities[between].sum(dtype=np.float64))

    def _merge_alike(self) -> list[int]:
        """Merge episodes that turn out to be one since the last step; return those that went.

        A young index weights all its articles again first.
        """
        state = self._state
        threshold = state.careful(state.settings.story_threshold)
        if state.next_node > _YOUNG:
            return merge_alike(state, reports_near(state, state.next_node - TEXTS_AT_ONCE), threshold)
        state.store.set_norms(*state.live.update_norms())
        return merge_alike(state, state.live.nodes.canonical(), threshold)

    def insert(self, articles: Sequence[Article], texts: Sequence[str], matched: MatchedArticles) -> None:
        """Store new articles, which are in episodes by now, as `texts` encodes them but for residue."""
        state, weighted = self._state, matched.weighted
        features, episodes = weighted.texts, self._episodes(matched.nodes).tolist()
        rows = []
        for i, (article, text) in enumerate(zip(articles, texts, strict=True)):
            day = None if np.isnan(article.day) else article.day
            if day is not None and day > state.latest:
                state.latest = day
                state.store.set_latest(day)
            expiry_day = day if day is not None else state.latest if np.isfinite(state.latest) else 0.0
            node, canonical, digest = int(matched.nodes[i]), int(matched.canonical[i]), digest_of(text)
            fields = encode_article(article) if article.residue or article.title_residue else text
            row = Row(node, article.id, digest, day, expiry_day, episodes[i], canonical, source_of(article), fields)
            neighbours, similarities = matched.neighbours[i]
            bands = features.bands[i][: 0 if features.blank[i] else None]
            order = weighted.by_weight[i]
            compared = float(weighted.norms[i]), neighbours.astype(np.int32), similarities, bands
            rows.append((row, ArticleFeatures(*compared, features.features[order], features.counts[order])))
        state.store.insert(rows)


def _step(node: int) -> int:
    """Articles up to the next multiple of this are added at once."""
    return _YOUNG_STEP if node < _YOUNG else TEXTS_AT_ONCE


def _decided_since(node: int, step: int) -> int | None:
    """The first node of those whose episodes find their stories before this node comes; None for none."""
    if node <= _EACH:
        step = 1
    if node % step:
        return None
    before = max(node - step, 1)
    grown = node <= _YOUNG and int(math.log(node, _GROWTH)) > int(math.log(before, _GROWTH))
    return 0 if grown else node - step


def _best(gains: dict[int, float]) -> int | None:
    """Return the episode with the greatest gain, the oldest of equals; None when none gains."""
    episode = min(gains, key=lambda episode: (-round(gains[episode], 9), episode), default=None)
    return episode if episode is not None and gains[episode] > _TOLERANCE else None
