"""The Store protocol: what an index needs of the database that keeps its state."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Integers
from dedup.store.records import (
    ArticleFeatures,
    ChangeRow,
    DecisionRow,
    Features,
    LearnedResidue,
    NodeColumns,
    Row,
    Written,
)
from dedup.store.story_query import Place, StoryQuery


class Store(Protocol):
    """Articles, their similarities, and the episodes that they are in.

    An article is known by its node, an episode by its number; neither number is ever used again. The canonical article
    of a group of copies is the one that the index compares; an article without copies is its own. All methods that
    write are called inside `transaction`. Questions about nodes leave out those that are not stored.
    """

    #: Whether several processes may write, each of which waits while another one has a transaction open.
    is_shared: bool

    def close(self) -> None:
        """Close the connection, and release the lock of the file if there is one; closing again does no harm."""

    def transaction(self) -> AbstractContextManager[int]:
        """Store everything that is written inside, or nothing when it raises; the value is the data version.

        Raises RuntimeError within another transaction or snapshot, and OSError when the database cannot be written.
        """

    def snapshot(self) -> AbstractContextManager[int]:
        """Show one committed state to everything that is read inside; snapshots may be nested.

        The value is the data version: a number that changes when another process has written.
        """

    def written_by_others(self, data_version: int, n_features: int) -> Written | None:
        """Return what others have written since an earlier data version, or None when that is not known.

        Called inside a transaction or snapshot. What this store wrote itself may be left out. Of each article at most
        `n_features` features are returned.
        """

    def counters(self) -> tuple[int, int, float]:
        """Return the next node, the next episode, and the latest expiry day of any article (-inf for none)."""

    def set_counters(self, node: int, episode: int) -> None:
        """Raise the next node and the next episode to at least these numbers."""

    def add_episodes(self, episodes: Iterable[int]) -> None:
        """Store new episodes."""
        self.insert_episodes((episode, None) for episode in episodes)

    def insert_episodes(self, episodes: Iterable[tuple[int, int | None]]) -> None:
        """Store episodes, each with the episode that it was merged into, or None."""

    def all_episodes(self) -> list[tuple[int, int | None]]:
        """Return all episodes, ascending, each with the episode that it was merged into, or None."""

    def merge(self, episode: int, into: int) -> None:
        """Move all articles of an episode to another one, of which it becomes an alias."""

    def resolve(self, episode: int) -> int | None:
        """Return the episode that this one has been merged into, itself if it was not, None if there was none."""

    def set_chapters(self, chapters: Iterable[tuple[int, int, int]]) -> None:
        """Store for episodes the story of each, and the one that it was told to be in; its own number for none."""

    def chapters(self) -> list[tuple[int, int, int]]:
        """Return the episodes that are part of the story of another, ascending, as `set_chapters` was given them."""

    def stories_of(self, episodes: Iterable[int]) -> dict[int, int]:
        """Return the story of each episode, its own where no other was set."""

    def insert(self, rows: Sequence[tuple[Row, ArticleFeatures]]) -> None:
        """Store new articles."""

    def set_neighbours(self, node: int, neighbours: NDArray[np.int32], similarities: NDArray[np.float32]) -> None:
        """Replace the neighbours of a node and the similarities to them."""

    def set_norms(self, nodes: Integers, norms: NDArray[np.float32]) -> None:
        """Replace the norms of nodes."""

    def rewrite(self, rows: Iterable[Row]) -> None:
        """Replace the digest, the days and the fields of articles by those of the rows with their nodes."""

    def delete(self, nodes: Sequence[int]) -> None:
        """Delete articles."""

    def delete_empty_episodes(self) -> None:
        """Delete the episodes whose stories have no articles, and their aliases."""

    def assign(self, canonical: Sequence[int], episode: int) -> None:
        """Move canonical articles and their copies to an episode."""

    def replace_canonical(self, canonical: int, former: int) -> None:
        """Make an article canonical for the copies of a former one, itself among them."""

    def by_id(self, article_id: str) -> Row | None:
        """Return the article with that id, or None."""

    def by_other_id(self, other_id: str) -> Row | None:
        """Return the article that an id leads to, or None; see `add_ids`."""

    def add_ids(self, ids: Iterable[tuple[str, str]]) -> None:
        """Let ids, and what led to them, lead to the articles with others: pairs of either."""

    def other_ids(self) -> list[tuple[str, str]]:
        """Return the ids that lead to others, ascending, as `add_ids` was given them."""

    def nodes_and_digests(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Return the node and the digest of each id that is stored."""

    def nodes_of_pages(self, pages: Sequence[int]) -> dict[int, list[int]]:
        """Return the nodes, ascending, of each key of a page that any article has."""

    def rows(self, nodes: Sequence[int]) -> dict[int, Row]:
        """Return articles by node."""

    def article_features(self, nodes: Sequence[int]) -> dict[int, ArticleFeatures]:
        """Return what articles are compared by, by node."""

    def features(self, nodes: Sequence[int]) -> dict[int, Features]:
        """Return the features of articles and their counts, as `article_features` has them, by node."""

    def neighbours(self, nodes: Sequence[int]) -> tuple[Integers, Integers, NDArray[np.float32]]:
        """Return pairs of a node, ascending, and its neighbour, which may be deleted, and their similarities."""

    def of_story(self, story: int) -> list[Row]:
        """Return the articles of the episodes of a story, by node."""

    def copies(self, canonical: Sequence[int]) -> list[tuple[int, int]]:
        """Return the nodes of the copies of canonical articles, ascending, each with its canonical node."""

    def nodes_before(self, expiry_day: float) -> list[int]:
        """Return the nodes with an earlier expiry day, ascending."""

    def nodes_after(self, expiry_day: float) -> list[int]:
        """Return the nodes with a later expiry day, ascending."""

    def node_columns(self, n_features: int) -> Iterator[NodeColumns]:
        """Yield columns of all articles in blocks, by node, with at most `n_features` features of each article."""

    def canonical_since(self, node: int) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
        """Yield each canonical node from this one on, ascending, with its features and their counts."""

    def sources_since(self, node: int) -> list[str]:
        """Return the sources of the articles from this node on, sorted."""

    def count_of_source(self, source: str, since_node: int) -> int:
        """Return the number of articles of a source from this node on."""

    def latest_of_source(self, source: str, count: int) -> list[Row]:
        """Return the latest articles of a source, at most `count`, by node."""

    def learned_sources(self) -> list[str]:
        """Return the sources whose residue was learned, sorted."""

    def learned_residue(self, source: str) -> LearnedResidue:
        """Return what was learned of a source; empty when nothing was."""

    def set_learned_residue(self, source: str, learned: LearnedResidue) -> None:
        """Replace what was learned of a source."""

    def delete_unused(self) -> None:
        """Delete what was learned of sources that have no articles, and the ids that lead to none."""

    def find_stories(self, query: StoryQuery) -> list[Place]:
        """Return the places of stories, in their order; the days of a query are compared with expiry days.

        Where a story stands depends on its own articles and on the query alone.
        """

    def insert_changes(self, changes: Sequence[ChangeRow]) -> None:
        """Add entries to the log of changes, above all others."""

    def changes(self, since: int, limit: int | None = None) -> list[ChangeRow]:
        """Return the entries of the log with a greater cursor, ascending, at most `limit`."""

    def last_cursor(self) -> int:
        """Return the cursor of the last entry of the log; 0 for none ever."""

    def limit_change_days(self, day: float) -> None:
        """Let entries of a later day be of that day."""

    def delete_changes_before(self, day: float) -> None:
        """Delete the entries before the first of that day or later, but for the very last one."""

    def set_decisions(self, decisions: Sequence[DecisionRow]) -> None:
        """Store decisions of editors, in place of those that have their cursors."""

    def delete_decisions(self, cursors: Sequence[int]) -> None:
        """Delete decisions."""

    def decisions(self) -> list[DecisionRow]:
        """Return all decisions, ascending."""

    def count(self) -> int:
        """Return the number of articles."""

    def mark_complete(self) -> None:
        """Remove the mark of an unfinished copy, so that the index can be opened."""
