"""The state of an index: what is stored and what is in memory, changed together."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dedup.arrays import Floats, Integers, members
from dedup.encoders import Encoder
from dedup.near.lsh import Bands
from dedup.parameters import StorySettings
from dedup.store.protocol import Store
from dedup.store.records import Features, NodeColumns, Row, Written
from dedup.story.candidates import Edges
from dedup.story.merging import Reports, merged
from dedup.story.partition import join_costs, partition
from dedup.stream.change_log import ChangeLog, Entry, Kind
from dedup.stream.chapters import Chapter, Chapters
from dedup.stream.decisions import Decisions
from dedup.stream.live import INDEXED_FEATURES, LiveArticles
from dedup.stream.source_residue import SourceResidue
from dedup.stream.steps import has_learned
from dedup.stream.totals import EpisodeTotals
from dedup.stream.window import STEP, STEPS

#: What an index joins stays joined, so that it asks for more similarity while its frequencies say little: in an empty
#: index for more by this share, which falls to 1/e with this many articles in the window.
_MARGIN, _MARGIN_ARTICLES = 0.5, 1000.0

#: As many articles as in the window, whose features memory has too.
_MOST_FEATURES_READ = STEP * STEPS


class IndexState:
    """The stored and the live articles and episodes of an index; changed within an open transaction."""

    def __init__(self, store: Store, settings: StorySettings, encoder: Encoder | None = None) -> None:
        self.store, self.settings, self.bands = store, settings, Bands.of(settings.near)
        self.live = LiveArticles(settings.near.fold, encoder)
        self.source_residue = SourceResidue(store, settings)
        self.totals, self.chapters = EpisodeTotals(), Chapters(store.chapters())
        self.decisions = Decisions(store.decisions())
        self._features_read: dict[int, Features] = {}
        self._changed_chapters: dict[int, Chapter] = {}
        self.log = ChangeLog(store)
        self.arrival = 0.0  # the day on which what is being added comes
        self.next_node, self.next_episode, self.latest = store.counters()
        self.live.window.advance(self.next_node)
        for columns in store.node_columns(INDEXED_FEATURES):
            self._add_live(columns)
        for node, features, counts in store.canonical_since(self.live.window.first):
            self.live.window.add(node, features, counts)

    def _add_live(self, columns: NodeColumns) -> None:
        """Add stored articles to the live ones, except to the window."""
        nodes, is_canonical = columns.nodes, columns.canonical == columns.nodes
        if not len(nodes):
            return
        table, sizes = self.live.nodes, columns.sizes
        table.add(nodes, days=columns.days, norms=columns.norms, sizes=sizes, is_canonical=is_canonical)
        if self.live.meanings is not None:
            self.live.meanings.add(nodes, columns.vectors, columns.languages)
        table.assign(nodes, columns.episodes)
        self.count_reports(nodes, 1)
        filled = np.array([len(bands) > 0 for bands in columns.bands])
        if filled.any():
            self.live.add_bands(nodes[filled], np.stack(columns.select(filled).bands))
        self._add_features(columns.select(is_canonical))

    def _add_features(self, columns: NodeColumns) -> None:
        self.live.add_features(columns.nodes, columns.days, columns.features)

    def catch_up(self, written: Written) -> None:
        """Bring memory up to date with what others wrote, as if everything was read again."""
        live, known = self.live, self.next_node
        deleted = written.deleted[written.deleted < known]
        self.count_reports(deleted, -1)
        for node in deleted.tolist():
            live.window.remove(node)
        live.nodes.remove(deleted)
        self.next_node, self.next_episode, self.latest = self.store.counters()
        canonical: list[int] = []
        for columns in written.changed:
            is_new = columns.nodes >= known
            canonical += self._update_live(columns.select(~is_new))
            canonical += columns.nodes[is_new & (columns.canonical == columns.nodes)].tolist()
            self._add_live(columns.select(is_new))
        live.window.advance(self.next_node)
        counted = np.array([node for node in canonical if node >= live.window.first], dtype=np.int64)
        for node, (features, counts) in sorted(self.features_of(counted).items()):
            live.window.add(node, features, counts)
        if len(written.deleted) or has_learned(known, self.next_node):
            self.source_residue.clear()
        # Chapters of stories without articles are deleted with the last of these.
        self.chapters.set(written.chapters)
        if len(deleted):
            self.chapters = Chapters(self.store.chapters())
        if written.are_decisions:
            self.decisions = Decisions(self.store.decisions())
        if len(deleted) > len(live.nodes.canonical()):
            live.compact()

    def _update_live(self, columns: NodeColumns) -> list[int]:
        """Update live articles; return those that have become canonical."""
        table, nodes = self.live.nodes, columns.nodes
        self.count_reports(nodes, -1)
        table.assign(nodes, columns.episodes)
        table.set_norms(nodes, columns.norms)
        redated = columns.select(~np.isclose(table.days(nodes), columns.days, rtol=0, atol=0, equal_nan=True))
        if len(redated.nodes):
            self.live.set_days(redated.nodes, redated.days)
            self._add_features(redated.select(table.is_canonical(redated.nodes)))
        promoted = columns.select((columns.canonical == nodes) & ~table.is_canonical(nodes))
        self._add_features(promoted)
        for node in promoted.nodes.tolist():
            table.make_canonical(node)
        self.count_reports(nodes, 1)
        return list(promoted.nodes.tolist())

    def count_reports(self, nodes: Integers, each: int) -> None:
        """Add every report among nodes to the totals of its episode, or take it from them where `each` is -1."""
        reports = nodes[self.live.nodes.is_canonical(nodes)]
        self.totals.add(self.live.nodes.episodes(reports), self.costs_of(reports), each)

    def costs_of(self, nodes: Integers) -> Floats:
        """What nodes pay to join an episode."""
        return join_costs(self.live.nodes.sizes(nodes))

    def careful(self, threshold: float, n_reports: int | None = None) -> float:
        """The threshold for what cannot be undone, when so many reports are in the window; by default those of now."""
        count = self.live.window.count if n_reports is None else n_reports
        return threshold * (1 + _MARGIN * math.exp(-count / _MARGIN_ARTICLES))

    def features_of(self, nodes: Integers) -> dict[int, Features]:
        """Return the stored features and counts of nodes; they never change, and the last ones read are kept."""
        wanted, kept = nodes.tolist(), self._features_read
        missing = [node for node in wanted if node not in kept]
        kept |= self.store.features(missing) if missing else {}
        found = {node: kept[node] for node in wanted if node in kept}
        for node in list(kept)[: max(len(kept) - _MOST_FEATURES_READ, 0)]:
            del kept[node]
        return found

    def assign(self, canonical: Integers, episode: int) -> list[Row]:
        """Move reports and their copies to an episode; return what they were, by node."""
        nodes = canonical.tolist()
        self.count_reports(canonical, -1)
        copies = [copy for copy, _ in self.store.copies(nodes)]
        rows = self.store.rows(nodes + copies)
        self.store.assign(nodes, episode)
        self.live.nodes.assign(np.array(nodes + copies, dtype=np.int64), episode)
        self.count_reports(canonical, 1)
        return [row for _, row in sorted(rows.items())]

    def merge(self, episode: int, into: int) -> None:
        """Move all of an episode to another one, of which it becomes an alias, and their stories into one."""
        self.merge_live(episode, into)
        self.store.merge(episode, into)

    def merge_live(self, episode: int, into: int) -> None:
        """See `merge`; without the store, where the articles may not be yet."""
        self.live.nodes.merge(episode, into)
        self.totals.merge(episode, into)
        former = {self.chapters.told(episode), self.chapters.told(into)}
        self.keep(self.chapters.merge(episode, into))
        self.decisions.rename(-episode, -into)
        self.note("episode_merged", into, episode=episode, into=into)
        for story in sorted(former - {self.chapters.told(into)}):
            self.note("story_merged", into, episode=None, story=story, into=self.chapters.told(into))

    def tell(self, story: int) -> None:
        """Tell that a story is part of the one that it was put into."""
        episodes = self.keep(self.chapters.tell(story))
        into = self.chapters.told(episodes[0])
        self.note("story_merged", into, episode=None, story=story, into=into)
        for episode in episodes:
            if self.totals.sizes[episode]:
                self.note("episode_begun", episode)

    def keep(self, chapters: Sequence[Chapter]) -> list[int]:
        """Note which chapters have changed, for `flush`, and return their episodes."""
        self._changed_chapters |= {chapter[0]: chapter for chapter in chapters}
        return [chapter[0] for chapter in chapters]

    def note(self, kind: Kind, at: int, **facts: Any) -> None:
        """Note for the log what has happened to the episode `at`, or to what the facts say instead.

        Its day is the latest expiry day of any article, so that the log is kept as long as what it tells of: also where
        old articles come in their order long after.
        """
        entry = Entry(self.latest if math.isfinite(self.latest) else 0.0, kind, self.chapters.told(at), at)
        self.log.add(entry._replace(**facts))

    def note_moves(self, moved: Iterable[tuple[str, tuple[int, int], tuple[int, int]]], begun: set[int]) -> None:
        """Note for the log that articles went from a story and an episode to others; the stories `begun` are new."""
        for article, (story, episode), (to_story, to_episode) in moved:
            self.note("left", episode, story=story, article=article)
            kind: Kind = "story_begun" if to_story in begun else "joined"
            self.note(kind, to_episode, story=to_story, article=article)
            begun = begun - {to_story}

    def flush(self) -> None:
        """Store what has been noted."""
        self.log.flush()
        if self._changed_chapters:
            self.store.set_chapters(sorted(self._changed_chapters.values()))
            self._changed_chapters.clear()
        changed, gone = self.decisions.changed()
        if changed:
            self.store.set_decisions([own.to_row() for own in self.decisions if own.cursor in changed])
        if gone:
            self.store.delete_decisions(gone)

    def apart(self, place: Callable[[int], int]) -> set[tuple[int, int]]:
        """Pairs of stories that editors keep apart, in both orders; `place` returns the story of an episode."""
        pairs = {tuple(place(self.episode_of(thing)) for thing in rule[1:]) for rule in self.decisions.rules("apart")}
        return {pair for one, other in pairs for pair in ((one, other), (other, one))}

    def may_unite(self, episode: int, other: int) -> bool:
        """Whether the stories of two episodes may become one."""
        of = self.chapters.story
        return not self.decisions or (of(episode), of(other)) not in self.apart(of)

    def told_stories(self) -> set[int]:
        """The stories with reports, as far as they were told."""
        return {self.chapters.told(episode) for episode in self.totals.sizes}

    def decided(self) -> set[int]:
        """The stories that editors have decided what is in."""
        rules = [*self.decisions.rules("apart"), *self.decisions.rules("together")]
        return {self.chapters.story(self.episode_of(thing)) for rule in rules for thing in rule[1:]}

    def episode_of(self, thing: int) -> int:
        """The episode of an article, or that a story begins with; see `dedup.stream.decisions`."""
        return -thing if thing < 0 else int(self.live.nodes.episodes(np.array([thing]))[0])

    def new_episode(self) -> int:
        """Return the number of a new episode, which has no articles yet."""
        episode, self.next_episode = self.next_episode, self.next_episode + 1
        self.store.add_episodes([episode])
        return episode

    def split(self, episodes: Iterable[int]) -> list[int]:
        """Split episodes whose reports no longer hold together; return those that begin.

        The largest part keeps the number. The others are stories of their own, or stay in one that editors decided on.
        """
        canonical, begun, decided = self.live.nodes.of_episodes(episodes), list[int](), self.decided()
        if not len(canonical):
            return begun
        own = self.live.nodes.episodes(canonical)
        labels = self.partition(canonical, self.edges(canonical).within(own))
        parts: dict[int, list[Integers]] = defaultdict(list)
        for part in members(labels):
            parts[int(own[part[0]])].append(canonical[part])
        for _, pieces in sorted(parts.items()):
            for piece in sorted(pieces, key=lambda piece: (-len(piece), int(piece[0])))[1:]:
                begun.append(self.new_episode())
                before = int(own[np.searchsorted(canonical, piece[0])])
                former = self.chapters.told(before), before
                if stays := self.chapters.story(before) in decided:
                    self.keep(self.chapters.add(begun[-1], before))
                    self.note("episode_begun", begun[-1])
                moved, now = self.assign(piece, begun[-1]), (self.chapters.told(begun[-1]), begun[-1])
                self.note_moves(((row.id, former, now) for row in moved), set() if stays else {begun[-1]})
        return begun

    def partition(self, nodes: Integers, edges: Edges) -> Integers:
        """Stories of reports, given the similar pairs among them, as a batch finds them; numbered by first member."""
        threshold, costs = self.settings.story_threshold, self.costs_of(nodes)
        labels = partition(edges.adjacency(len(nodes)), threshold, costs)
        return merged(self.reports(nodes), edges, labels, threshold, costs)

    def edges(self, nodes: Integers) -> Edges:
        """Similar pairs among ascending nodes, by their positions."""
        left, right, similarity = self.store.neighbours(nodes.tolist())
        place = np.minimum(np.searchsorted(nodes, right), len(nodes) - 1)
        among = nodes[place] == right
        ends = np.sort(np.stack([np.searchsorted(nodes, left[among]), place[among]]), axis=0)
        order = np.lexsort(ends[::-1])
        return Edges(ends[0, order], ends[1, order], similarity[among][order].astype(np.float64))

    def reports(self, nodes: Integers) -> Reports:
        """Reports by position, with vectors by the present document frequencies."""
        days, each = self.live.nodes.days(nodes), np.arange(len(nodes))
        return Reports(days, lambda rows: self.live.vectors(nodes[rows], self.features_of), each)
