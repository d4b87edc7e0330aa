"""An article and the live ones -> its story; what merges, splits and moves."""

import logging
import math
from collections import Counter, defaultdict
from dataclasses import replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.article import Article
from dedup.near.duplicates import NearSettings
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import Bands
from dedup.store.sqlite import Row, SqliteStore
from dedup.story.graph import FLOOR
from dedup.story.partition import partition
from dedup.story.similarity import time_factor
from dedup.stream.memory import LiveArticles
from dedup.stream.reading import Reading, read_texts
from dedup.stream.records import Assignment, Move, decoded, encoded, story_name, story_number
from dedup.text.tokens import blocks

_log = logging.getLogger(__name__)

#: With how many that share a band an article is compared, at most.
_MOST_COMPARED = 64

_BLOCK_CHARACTERS = 1 << 16

#: Before an index knows some hundred articles it cannot tell which words are common, and similarities come out too
#: high: so much higher is the threshold of an empty one, and the surplus falls to 1/e with so many articles.
_YOUNG_SURPLUS, _YOUNG_ARTICLES = 0.5, 500

#: Gains below this are rounding.
_TOLERANCE = 1e-9


class Assigner:
    """Decides, within an open transaction, where articles belong; everything has been checked before.

    Attributes
    ----------
    live : LiveArticles
    sizes : Counter of int
        Near-duplicate groups of each story.
    """

    def __init__(self, store: SqliteStore, story_threshold: float, settings: NearSettings) -> None:
        self._store, self._threshold = store, story_threshold
        self._near_threshold, self._shingle_size = settings.threshold, settings.shingle_size
        self._bands = Bands.for_recall(settings.threshold, settings.recall, settings.num_perm)
        self.live = LiveArticles()
        self.sizes: Counter[int] = Counter()
        self._latest = -np.inf
        for row in store.everything():
            self._remember(row, _reading(row))

    def read(self, article: Article) -> Reading:
        """What one article comes to."""
        return self.read_many([article])[0]

    def read_many(self, articles: list[Article]) -> list[Reading]:
        """What articles come to, a block at a time."""
        texts = [article.full_text for article in articles]
        readings: list[Reading] = []
        for block in blocks(texts, _BLOCK_CHARACTERS):
            readings += read_texts(texts[block], self._bands, self._shingle_size)
        return readings

    def add(self, article: Article, reading: Reading) -> Assignment:
        """Put an article into a story, in place of the one with its id."""
        text = encoded(article)
        digest = blake2b(text.encode(), digest_size=16).digest()
        known = self._store.by_id(article.id)
        if known is not None:
            if known.digest == digest:
                return Assignment(article.id, story_name(known.story), "unchanged")
            self.remove(known)
        day = None if np.isnan(article.day) else article.day
        kept_by_day = day if day is not None else (self._latest if np.isfinite(self._latest) else 0.0)
        row = Row(0, article.id, digest, day, kept_by_day, 0, 0, text, reading.bands, reading.keys, reading.counts)
        assignment = self._add_copy(row, reading) or self._add_report(row, reading)
        if known is None:
            return assignment
        if not self._store.speakers(known.story):  # it was alone there, and its story goes where it goes
            self._store.merge(known.story, story_number(assignment.story_id))
        return replace(assignment, outcome="updated")

    def _add_copy(self, row: Row, reading: Reading) -> Assignment | None:
        """Put an article beside the one it is a copy of, if there is one."""
        original, jaccard = self._original(reading)
        if original is None:
            return None
        row = row._replace(story=original.story, speaker=original.speaker)
        self._remember(row._replace(node=self._store.insert(row)), reading)
        return Assignment(row.id, story_name(row.story), "near_duplicate", original.id, jaccard)

    def _original(self, reading: Reading) -> tuple[Row | None, float]:
        """The live article most similar in its shingles, if it reaches the threshold; the earlier one of equals."""
        best: tuple[float, Row | None] = 0.0, None
        nodes = self.live.sharing_a_band(reading)
        if len(nodes) > _MOST_COMPARED:
            _log.info("an article shares bands with %d others; it is compared with %d", len(nodes), _MOST_COMPARED)
        for node in nodes[:_MOST_COMPARED].tolist():
            row = self._store.by_node(node)
            other = self.read(decoded(row.fields))
            shingles = np.concatenate([reading.shingles, other.shingles])
            offsets = np.array([0, len(reading.shingles), len(shingles)])
            jaccard = float(ShingleSets(shingles, offsets, 1).overlaps(np.array([[0, 1]]))[0][0])
            if jaccard >= self._near_threshold and jaccard > best[0]:
                best = jaccard, row
                if jaccard == 1:
                    break
        return best[1], best[0]

    def _add_report(self, row: Row, reading: Reading) -> Assignment:
        """Put an article that is no copy into the story where it gains most, or into a new one."""
        edges = self.edges(reading, np.nan if row.day is None else row.day)
        pulls: dict[int, float] = defaultdict(float)
        for node, similarity in edges.items():
            pulls[int(self.live.stories[node])] += similarity
        threshold = self._threshold_now()
        gains = {story: pull - threshold * self.sizes[story] for story, pull in pulls.items()}
        story = min(gains, key=lambda s: (-round(gains[s], 9), s), default=0)
        joins = bool(gains) and gains[story] > 0
        if not joins:
            story = self._store.new_story()
        node = self._store.insert(row._replace(story=story))
        self._store.speak_for(node, 0)
        self._remember(row._replace(node=node, story=story, speaker=node), reading)
        self._store.connect(node, edges.items())
        if not joins:
            return Assignment(row.id, story_name(story), "new_story")
        similarity = pulls[story] / (self.sizes[story] - 1)
        merged, story = self._merge(story)
        return Assignment(row.id, story_name(story), "report", None, similarity, tuple(map(story_name, merged)))

    def _threshold_now(self) -> float:
        return self._threshold * (1 + _YOUNG_SURPLUS * math.exp(-self.live.count / _YOUNG_ARTICLES))

    def _merge(self, story: int) -> tuple[list[int], int]:
        """Merge stories with one that has grown, as long as that gains; the oldest id stays."""
        merged: list[int] = []
        threshold = self._threshold_now()
        while True:
            between: dict[int, float] = defaultdict(float)
            for node in self._speakers(story).tolist():
                for other, similarity in self._store.edges(node).items():
                    between[int(self.live.stories[other])] += similarity
            between.pop(story, None)
            gains = {o: pull - threshold * self.sizes[story] * self.sizes[o] for o, pull in between.items()}
            best = min(gains, key=lambda o: (-round(gains[o], 9), o), default=0)
            if not gains or gains[best] <= _TOLERANCE:
                return sorted(merged), story
            kept, gone = min(story, best), max(story, best)
            self._store.merge(gone, kept)
            self.live.stories[self.live.stories == gone] = kept
            self.sizes[kept] += self.sizes.pop(gone)
            merged.append(gone)
            story = kept

    def edges(self, reading: Reading, day: float) -> dict[int, float]:
        """Similarities to live reports, from `FLOOR` on."""
        nodes = self.live.candidates(reading, day)
        cosines = self.live.cosines(reading, self._store.features(nodes.tolist()))
        similarity = cosines * time_factor(np.full(len(nodes), day), self.live.days[nodes])
        kept = similarity >= FLOOR
        return dict(zip(nodes[kept].tolist(), similarity[kept].tolist(), strict=True))

    def _remember(self, row: Row, reading: Reading) -> None:
        speaks = row.speaker == row.node
        self.live.add(row.node, np.nan if row.day is None else row.day, row.story, reading, speaker=speaks)
        self.sizes[row.story] += speaks
        self._latest = max(self._latest, row.kept_by_day)

    def remove(self, row: Row) -> None:
        """Forget an article; a copy speaks for the others from then on, and a story may split."""
        copies = [copy for copy in self._store.of_speaker(row.node) if copy.node != row.node]
        edges = self._store.edges(row.node)
        self._forget(row)
        if row.speaker != row.node:
            return
        self.live.silence(row.keys)
        if copies:  # the earliest of its copies speaks now, and has its similarities
            heir = copies[0]
            self._store.speak_for(heir.node, row.node)
            self._store.connect(heir.node, edges.items())
            self.live.speak(heir.node, heir.keys)
            return
        self.sizes[row.story] -= 1
        self._split(row.story)

    def expire(self, rows: list[Row]) -> None:
        """Forget many articles."""
        gone = {row.node for row in rows}
        copies, last, passed_on = [], [], []
        for row in rows:
            if row.speaker != row.node:
                copies.append(row)
            elif all(copy.node in gone for copy in self._store.of_speaker(row.node)):
                last.append(row)
            else:
                passed_on.append(row)
        for row in [*copies, *last]:
            self._forget(row)
        for row in last:
            self.live.silence(row.keys)
            self.sizes[row.story] -= 1
        for row in passed_on:
            self.remove(row)
        for story in sorted({row.story for row in last}):
            self._split(story)

    def _forget(self, row: Row) -> None:
        self._store.delete([row.node])
        self.live.forget(np.array([row.node]))

    def _split(self, story: int) -> None:
        """Take a story apart where it does not hold together any more; its id stays with the largest part."""
        speakers = self._speakers(story)
        if len(speakers) < 2:
            return
        labels = partition(self._graph(speakers), self._threshold)
        parts = [speakers[labels == label] for label in range(int(labels.max()) + 1)]
        for part in sorted(parts, key=lambda part: (-len(part), int(part[0])))[1:]:
            self.place(part, self._store.new_story())

    def refine(self, day: float) -> list[Move]:
        """Partition the stories with an article since that day again."""
        numbers = self._store.story_ids(day, 1)
        if not numbers:
            return []
        speakers = np.concatenate([self._speakers(number) for number in numbers])
        speakers.sort()
        before = {node: int(self.live.stories[node]) for node in speakers.tolist()}
        labels = partition(self._graph(speakers), self._threshold)
        parts = [speakers[labels == label].tolist() for label in range(int(labels.max()) + 1)]
        overlaps = [
            (-count, story, part)
            for part, nodes in enumerate(parts)
            for story, count in Counter(before[node] for node in nodes).items()
        ]
        owners: dict[int, int] = {}
        for _, story, part in sorted(overlaps):
            if part not in owners and story not in owners.values():
                owners[part] = story
        moves = []
        for part, nodes in enumerate(parts):
            story = owners.get(part) or self._store.new_story()
            movers = [node for node in nodes if before[node] != story]
            rows = (row for node in movers for row in self._store.of_speaker(node))
            moves += [Move(row.id, story_name(row.story), story_name(story)) for row in rows]
            self.place(np.array(movers, dtype=np.int64), story)
        # A story that lost all of its reports lives on as an alias of where most of them went.
        for story in sorted(set(before.values()) - set(owners.values())):
            _, _, part = min(overlap for overlap in overlaps if overlap[1] == story)
            self._store.merge(story, int(self.live.stories[parts[part][0]]))
        return moves

    def place(self, speakers: NDArray[np.int64], story: int) -> None:
        """Put reports into a story, with their copies."""
        for node in speakers.tolist():
            for row in self._store.of_speaker(node):
                self.live.stories[row.node] = story
            self.sizes[int(self._store.by_node(node).story)] -= 1
            self.sizes[story] += 1
            self._store.place([node], story)

    def _speakers(self, story: int) -> NDArray[np.int64]:
        return np.array(self._store.speakers(story), dtype=np.int64)

    def _graph(self, nodes: NDArray[np.int64]) -> csr_array:
        """Similarities among some nodes, which are ascending."""
        place = {node: i for i, node in enumerate(nodes.tolist())}
        edges = [
            (i, place[o], s) for node, i in place.items() for o, s in self._store.edges(node).items() if o in place
        ]
        left, right, similarity = zip(*edges, strict=True) if edges else ((), (), ())
        return csr_array(
            (np.array(similarity), (np.array(left, int), np.array(right, int))), shape=(len(nodes), len(nodes))
        )


def _reading(row: Row) -> Reading:
    return Reading(np.empty(0, dtype=np.uint64), row.bands, row.keys, row.counts)
