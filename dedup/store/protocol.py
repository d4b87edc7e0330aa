"""What an index asks of the place where it keeps its state."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dedup.store.records import ArticleFeatures, Changes, LearnedResidue, Outline, Row


class Store(Protocol):
    """Articles, and the stories they are in; nodes are articles by number, which is never used again.

    Everything is written inside a transaction.
    """

    def close(self) -> None:
        """Close the file and let go of the lock."""

    def transaction(self) -> AbstractContextManager[int]:
        """All of what is written inside, or nothing; the number of the moment is as that of a snapshot."""

    def snapshot(self) -> AbstractContextManager[int]:
        """All of what is read inside is of one moment; its number changes when another process has written."""

    def changes(self, number: int, leading: int) -> Changes | None:
        """What others wrote since the moment of that number; None when all has to be read again.

        Asked inside a transaction or snapshot, of the number that an earlier one began with; what was written here
        since then is known. Of features, so many.
        """

    def counters(self) -> tuple[int, int, float]:
        """The next node, the next story, and the latest day of any article ever (-inf for none)."""

    def set_latest(self, day: float) -> None:
        """Remember the latest day of any article."""

    def set_counters(self, node: int, story: int) -> None:
        """Let no smaller numbers come next."""

    def add_stories(self, stories: Iterable[int]) -> None:
        """Stories that begin."""

    def add_aliases(self, stories: Iterable[tuple[int, int | None]]) -> None:
        """Stories, each with the one that it went into, if it did."""

    def aliases(self) -> list[tuple[int, int | None]]:
        """All stories, ascending, each with the one that it went into, if it did."""

    def merge(self, story: int, into: int) -> None:
        """Put all of a story into another, and keep an alias."""

    def resolve(self, story: int) -> int | None:
        """The story that this one is part of by now; None when there was none."""

    def insert(self, rows: Sequence[tuple[Row, ArticleFeatures]]) -> None:
        """Store articles."""

    def set_neighbours(self, node: int, neighbours: NDArray[np.int32], similarities: NDArray[np.float32]) -> None:
        """Store what a node is similar to."""

    def set_norms(self, nodes: NDArray[np.int64], norms: NDArray[np.float32]) -> None:
        """Store lengths of vectors."""

    def delete(self, nodes: Sequence[int]) -> None:
        """Delete articles."""

    def delete_dead_stories(self) -> None:
        """Delete the stories that have no articles any more, with their aliases."""

    def place(self, canonical: Sequence[int], story: int) -> None:
        """Put articles into a story, with those they speak for."""

    def replace_canonical(self, canonical: int, former: int) -> None:
        """Let an article speak for those that another one spoke for."""

    def by_id(self, article_id: str) -> Row | None:
        """The article of that id."""

    def identify(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Node and digest of those of the articles that there are."""

    def rows(self, nodes: Sequence[int]) -> dict[int, Row]:
        """The articles of those nodes."""

    def article_features(self, nodes: Sequence[int]) -> dict[int, ArticleFeatures]:
        """What those nodes are compared by."""

    def neighbours(self, nodes: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Nodes, what each was similar to when it came, and how much; some of those may not be live any more."""

    def of_story(self, story: int) -> list[Row]:
        """The articles of a story, by node."""

    def with_copies(self, nodes: Sequence[int]) -> list[int]:
        """Nodes and those they speak for, ascending."""

    def first_copies(self, nodes: Sequence[int]) -> dict[int, int]:
        """The first copy of each of the nodes that have any."""

    def before(self, day: float) -> list[int]:
        """Nodes of the articles kept by an earlier day, ascending."""

    def outlines(self, leading: int) -> Iterator[Outline]:
        """What memory needs of all articles, by node, some at a time; of their features so many."""

    def canonical_since(self, node: int) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
        """Features and counts of the articles from that node on that are no copies, by node."""

    def sources_since(self, node: int) -> list[str]:
        """Sources of the articles from that node on, sorted."""

    def count_of_source(self, source: str, since_node: int) -> int:
        """How many articles a source has from that node on."""

    def latest_of_source(self, source: str, count: int) -> list[Row]:
        """The latest articles of a source, so many at most, by node."""

    def learned_sources(self) -> list[str]:
        """The sources of which something was learned, sorted."""

    def learned_residue(self, source: str) -> LearnedResidue:
        """What was learned of a source."""

    def set_learned_residue(self, source: str, learned_residue: LearnedResidue) -> None:
        """Store what was learned of a source."""

    def delete_unused_residue(self) -> None:
        """Delete what was learned of sources that have no articles any more."""

    def story_ids(self, since_day: float | None, min_size: int) -> list[int]:
        """Stories with an article of that day or later and so many articles, the latest first."""

    def count(self) -> int:
        """How many articles there are."""

    def finish(self) -> None:
        """Let the index be opened as a whole one, when all was copied."""
