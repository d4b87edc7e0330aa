"""Which article is in which story: what is stored and what is in memory, changed together."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.arrays import members
from dedup.near.lsh import Bands
from dedup.parameters import StorySettings
from dedup.store.protocol import Store
from dedup.store.records import Changes, Outline
from dedup.story.partition import refined
from dedup.stream.live import LEADING_FEATURES, Features, LiveArticles
from dedup.stream.source_residue import SourceResidue
from dedup.stream.window import beginning


class IndexState:
    """What the rooms that change an index share; they work within an open transaction.

    Parameters
    ----------
    store : Store
    settings : StorySettings

    Attributes
    ----------
    bands : Bands
        How signatures are banded.
    live : LiveArticles
    sites : Sites
    sizes : Counter of int
        Near-duplicate groups of each story.
    latest : float
        The latest day that any article had; -inf when none had.
    next_node, next_story : int
        Numbers never used before.
    """

    def __init__(self, store: Store, settings: StorySettings) -> None:
        self.store, self.settings, self.bands = store, settings, Bands.of(settings.near)
        self.live, self.source_residue = LiveArticles(settings.near.fold), SourceResidue(store, settings)
        self.sizes: Counter[int] = Counter()
        self.next_node, self.next_story, self.latest = store.counters()
        self._load()

    def _load(self) -> None:
        """Make what is kept in memory, from what is stored."""
        self.live.window.advance(self.next_node)
        for outline in self.store.outlines(LEADING_FEATURES):
            self._take_in(outline)
        for node, features, counts in self.store.canonical_since(beginning(self.next_node)):
            self.live.window.add(node, features, counts)

    def _take_in(self, outline: Outline) -> None:
        """Make new articles known to memory, but for the window."""
        nodes, is_canonical = outline.nodes, outline.canonical == outline.nodes
        if not len(nodes):
            return
        self.live.nodes.add(
            nodes, days=outline.days, norms=outline.norms, sizes=outline.sizes, is_canonical=is_canonical
        )
        self.live.nodes.settle(nodes, outline.stories)
        self.sizes.update(outline.stories[is_canonical].tolist())
        filled = np.array([len(bands) > 0 for bands in outline.bands])
        if filled.any():
            bands = np.stack([bands for bands in outline.bands if len(bands)])
            self.live.add_bands(nodes[filled], bands)
        self._lead(outline, is_canonical)

    def _lead(self, outline: Outline, is_canonical: NDArray[np.bool_]) -> None:
        """Let those that speak be found by their features."""
        if is_canonical.any():
            leading = [own for own, heard in zip(outline.leading, is_canonical.tolist(), strict=True) if heard]
            self.live.lead(outline.nodes[is_canonical], outline.days[is_canonical], leading)

    def catch_up(self, changes: Changes) -> None:
        """Make memory what it would be if all were read again, from what others wrote since."""
        live, known = self.live, self.next_node
        gone = changes.gone[changes.gone < known]
        self._count(gone, -1)
        for node in gone.tolist():
            live.window.remove(node)
        live.nodes.forget(gone)
        self.next_node, self.next_story, self.latest = self.store.counters()
        heard: list[int] = []
        for outline in changes.changed:
            new = outline.nodes >= known
            heard += self._change(outline.only(~new))
            self._take_in(outline.only(new))
            heard += outline.nodes[new & (outline.canonical == outline.nodes)].tolist()
        first = beginning(self.next_node)
        counted = np.array([node for node in heard if node >= first], dtype=np.int64)
        for node, (features, counts) in sorted(self.features_of(counted).items()):
            live.window.add(node, features, counts)
        live.window.advance(self.next_node)
        self.source_residue.forget_memory()
        if len(gone) > len(live.nodes.canonical()):
            live.compact()

    def _change(self, outline: Outline) -> list[int]:
        """Change what is known of articles, and tell which ones speak that did not."""
        table, nodes = self.live.nodes, outline.nodes
        self._count(nodes, -1)
        table.settle(nodes, outline.stories)
        table.set_norms(nodes, outline.norms)
        raised = (outline.canonical == nodes) & ~table.is_canonical(nodes)
        self._lead(outline, raised)
        for node in nodes[raised].tolist():
            table.make_canonical(node)
        self._count(nodes, 1)
        return [int(node) for node in nodes[raised]]

    def _count(self, nodes: NDArray[np.int64], each: int) -> None:
        """Count the reports among nodes in their stories, or no more."""
        for story in self.live.nodes.stories(nodes[self.live.nodes.is_canonical(nodes)]).tolist():
            self.resize(story, each)

    def features_of(self, nodes: NDArray[np.int64]) -> dict[int, Features]:
        """Stored features of nodes."""
        return {
            node: (article_features.features, article_features.counts)
            for node, article_features in self.store.article_features(nodes.tolist()).items()
        }

    def place(self, canonical: NDArray[np.int64], story: int) -> None:
        """Put reports into a story, with their copies."""
        nodes = canonical.tolist()
        for former in self.live.nodes.stories(canonical).tolist():
            self.resize(former, -1)
        self.resize(story, len(nodes))
        self.store.place(nodes, story)
        self.live.nodes.settle(np.array(self.store.with_copies(nodes), dtype=np.int64), story)

    def resize(self, story: int, more: int) -> None:
        """Count that many reports more in a story."""
        self.sizes[story] += more
        if not self.sizes[story]:
            del self.sizes[story]

    def merge(self, story: int, into: int) -> None:
        """Put all of a story into another; its id stays as an alias."""
        self.live.nodes.merge(story, into)
        self.sizes[into] += self.sizes.pop(story, 0)
        self.store.merge(story, into)

    def new_story(self) -> int:
        """A story without articles, which are to come."""
        story, self.next_story = self.next_story, self.next_story + 1
        self.store.add_stories([story])
        return story

    def split(self, stories: Iterable[int]) -> None:
        """Take stories apart where they do not hold together any more; an id stays with the largest part."""
        canonical = self.live.nodes.of_stories(stories)
        if not len(canonical):
            return
        own = self.live.nodes.stories(canonical)
        labels = refined(self.graph(canonical), np.unique(own, return_inverse=True)[1], self.settings.story_threshold)
        parts: dict[int, list[NDArray[np.int64]]] = defaultdict(list)
        for part in members(labels):
            parts[int(own[part[0]])].append(canonical[part])
        for _, pieces in sorted(parts.items()):
            for piece in sorted(pieces, key=lambda piece: (-len(piece), int(piece[0])))[1:]:
                self.place(piece, self.new_story())

    def graph(self, nodes: NDArray[np.int64]) -> csr_array:
        """Similarities among some nodes, which are ascending."""
        left, right, similarity = self.store.neighbours(nodes.tolist())
        place = np.minimum(np.searchsorted(nodes, right), len(nodes) - 1)
        among = nodes[place] == right
        i, j = np.searchsorted(nodes, left[among]), place[among]
        values = similarity[among].astype(np.float64)
        shape = (len(nodes), len(nodes))
        return csr_array(
            (np.concatenate([values, values]), (np.concatenate([i, j]), np.concatenate([j, i]))), shape=shape
        )
