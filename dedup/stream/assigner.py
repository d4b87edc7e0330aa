"""New articles -> episodes: which episode each one joins, and which episodes it merges."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dedup.article import Article
from dedup.progress import Progress, track
from dedup.stream.arrival import without_future_dates
from dedup.stream.assignment import Assignment, Outcome, format_episode_id, format_story_id
from dedup.stream.joins import decide
from dedup.stream.maintenance import split_and_decide, take_out
from dedup.stream.matching import Allows, MatchedArticles, match_articles
from dedup.stream.preparing import Prepared, count_readable
from dedup.stream.state import IndexState
from dedup.stream.steps import block_step, decided_since, is_young, step_of
from dedup.stream.storing import expiry_day_of, store_articles
from dedup.stream.unions import episodes_since, merge_alike, reports_near
from dedup.stream.versions import Version, Versions

#: Gains below this are rounding.
_TOLERANCE = 1e-9


class _Past(NamedTuple):
    """Where an article that is updated was, and what follows from it."""

    home: int | None  # the episode that it was in, if it may stay there
    keeps: bool  # whether it stays, whatever it gains elsewhere
    allows: Allows  # which other episodes it may join


class Assigner:
    """Puts articles into episodes, within an open transaction; the articles have been checked.

    The result does not depend on how many articles are added at once.
    """

    def __init__(self, state: IndexState) -> None:
        self._state = state
        self._episodes = state.live.nodes.episodes

    def add(self, articles: Sequence[Article], prepared: Prepared, progress: Progress) -> list[Assignment]:
        """Put articles into episodes; a later version of a stored article replaces it."""
        self._prepared = prepared
        articles = without_future_dates(articles, self._state.arrival)
        assignments: list[Assignment] = []
        with track(progress, len(articles)) as on_progress:
            for assignment in self._add(articles):
                assignments.append(assignment)
                on_progress(len(assignments) / len(articles))
        return assignments

    def _add(self, articles: Sequence[Article]) -> Iterator[Assignment]:
        versions, new = Versions(self._state, articles), list[Article]()
        for article in articles:
            if not versions.may_know(article):
                found: Article | Version = article
            else:  # which is known when those before it are stored
                yield from self._add_new(new)
                new.clear()
                found = versions.find(article)
            if isinstance(found, Version):
                versions.add(found.article)
                yield self._replace(found)
            else:
                versions.add(found)
                new.append(found)
        yield from self._add_new(new)

    def _add_new(self, articles: Sequence[Article]) -> Iterator[Assignment]:
        """Add new articles in blocks that end where residue is learned and articles are weighted again."""
        first = 0
        while first < len(articles):
            step = block_step(self._state.next_node)
            most = count_readable(articles[first : first + step], self._state.settings.max_chars)
            stop = first + min(step - self._state.next_node % step, most)
            yield from self._add_block(articles[first:stop])
            first = stop

    def _replace(self, version: Version) -> Assignment:
        """Put a later version of a stored article in its place.

        It stays in its episode if it is a near-duplicate of the former version, as any copy of that would, or if it is
        alone in its story and gains nowhere else; then the other articles stay where they are. It stays where an editor
        has put it, and joins no story that editors keep apart from it.
        """
        state, article = self._state, version.article
        (former,) = self._episodes(np.array([version.node])).tolist()
        if version.other is not None:
            state.store.add_ids([(version.other, article.id)])
        if not version.is_new:
            return self._assignment(article, former, "unchanged")
        told, first = state.chapters.told(former), len(state.log.entries)
        is_held = any(rule.relation == "together" for _, rule in state.decisions.rules_of(version.node))
        allows = self._allowed(version.node, former, is_held)
        state.decisions.rename(version.node, state.next_node)
        lost = take_out(state, [version.node])
        of_story = state.chapters.episodes_of([state.chapters.story(former)])
        was_alone = not any(state.totals.sizes[episode] for episode in of_story)
        keeps = version.is_alike or is_held
        past = _Past(former if keeps or was_alone else None, keeps, allows)
        (assignment,) = self._add_block([article], past)
        node = np.array([state.next_node - 1])
        state.log.note_update((told, former), version.id, article.id, first)
        merged = assignment.merged
        if was_alone and state.store.resolve(former) != self._episodes(node).item():
            state.merge(former, self._episodes(node).item())
            merged += (format_story_id(told),)
        if not version.is_alike:
            split_and_decide(state, lost)
        episode = self._episodes(node).item()
        now = self._assignment(article, episode, "updated", assignment.near_duplicate_of, assignment.similarity, merged)
        stays = now.story_id == format_story_id(state.chapters.told(state.store.resolve(former) or former))
        replaces = version.id if version.id != article.id else None
        return replace(now, left=None if stays else format_story_id(told), replaces=replaces)

    def _allowed(self, node: int, former: int, is_held: bool) -> Allows:
        """Return whether an article of an episode may go to another one, by what editors have decided on both."""
        state, of = self._state, self._state.chapters.story
        own = of(former)
        barred = {
            of(state.episode_of(other))
            for rule in state.decisions.rules("apart")
            for thing, other in (rule[1:], rule[:0:-1])
            if thing == node or (thing < 0 and of(-thing) == own)
        }
        return lambda episode: of(episode) == own if is_held else of(episode) not in barred

    def _add_block(self, articles: Sequence[Article], past: _Past | None = None) -> list[Assignment]:
        state, threshold = self._state, self._state.settings.story_threshold
        n_reports = state.live.window.count  # up to each article: the window has all of the block at once
        articles, texts = self._prepared.take(state, articles)
        matched = match_articles(state, articles, texts, allows=past and past.allows)
        assignments: list[Assignment] = []
        merges: list[tuple[int, int]] = []
        first_episode = state.next_episode
        for i, article in enumerate(articles):
            n_reports += int(matched.canonical[i] == matched.nodes[i])
            state.latest = max(state.latest, expiry_day_of(state, article))
            assignments.append(self._join(article, matched, i, state.careful(threshold, n_reports), merges, past))
        state.store.add_episodes(range(first_episode, state.next_episode))
        store_articles(state, articles, matched)
        for episode, into in merges:
            state.store.merge(episode, into)
        step = step_of(state.next_node - 1)
        merged = assignments[-1].merged
        if state.next_node % step == 0:
            merged += tuple(map(format_story_id, self._merge_alike()))
            state.source_residue.learn(state.next_node - step)
        since = decided_since(state.next_node, step)
        if since is not None:
            decide(state, episodes_since(state, since))
        now = self._assignment(articles[-1], self._episodes(matched.nodes[-1:]).item(), assignments[-1].outcome)
        assignments[-1] = replace(assignments[-1], merged=merged, story_id=now.story_id, episode_id=now.episode_id)
        state.live.window.advance(state.next_node)
        return assignments

    def _join(
        self,
        article: Article,
        matched: MatchedArticles,
        i: int,
        threshold: float,
        merges: list[tuple[int, int]],
        past: _Past | None,
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
            s: total - threshold * totals.sizes[s] - totals.cost_for(float(cost[0]), s)
            for s, total in sums.items()
            if past is None or past.allows(s)
        }
        best = past.home if past and past.keeps else _best(gains)
        if best is None and past:
            best = past.home
        is_first = best is None
        if best is None:
            best, state.next_episode = state.next_episode, state.next_episode + 1
        state.live.nodes.assign(node, best)
        totals.add(np.array([best]), cost)
        state.note("story_begun" if is_first else "joined", best, article=article.id)
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
                if self._state.may_unite(episode, other)
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
        if not is_young(state.next_node):
            first_new = state.next_node - step_of(state.next_node)
            return merge_alike(state, reports_near(state, first_new), threshold, first_new)
        state.store.set_norms(*state.live.update_norms())
        return merge_alike(state, state.live.nodes.canonical(), threshold)


def _best(gains: dict[int, float]) -> int | None:
    """Return the episode with the greatest gain, the oldest of equals; None when none gains."""
    episode = min(gains, key=lambda episode: (-round(gains[episode], 9), episode), default=None)
    return episode if episode is not None and gains[episode] > _TOLERANCE else None
