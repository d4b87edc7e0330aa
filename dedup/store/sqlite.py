"""A StoryIndex in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.store.records import ArticleFeatures, Changes, LearnedResidue, Outline, Row
from dedup.store.sqlite_file import UNFINISHED, lock_file, open_file

# Of the nodes in a query; SQLite allows 32,766.
_NODES_AT_ONCE = 500

# The names that format 3 gave to the fields of `Row`.
_ROW_COLUMNS = "node, id, digest, day, kept_by_day, story, speaker, source, fields"


class SqliteStore:
    """Articles, their stories and similarities in a SQLite database.

    Parameters
    ----------
    path : str or Path
        File, made when it is not there; ":memory:" for none.
    parameters, versions : mapping of str to str
        What the index was made with: a file made with other parameters is refused.
    read_only : bool
        Whether others may write to the file meanwhile.

    Raises
    ------
    ValueError
        When the file is another program's, of another format, or made with other parameters.
    RuntimeError
        When another StoryIndex writes to it.
    OSError
        When it cannot be read or written.
    """

    def __init__(
        self, path: str | Path, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool = False
    ) -> None:
        self._path = path
        self._lock = None if read_only else lock_file(path)
        try:
            self._db = open_file(path, parameters, versions, read_only=read_only)
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise

    def close(self) -> None:
        """Close the file and let go of the lock."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[int]:
        """All of what is written inside, or nothing; the number of the moment is as that of a snapshot."""
        if self._db.in_transaction:
            raise RuntimeError(f"{self._path} is being read or written by this thread; allowed: to write after that")
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._number()
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise OSError(f"{self._path} cannot be written: {error}; nothing was stored") from error
            raise

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """All of what is read inside is of one moment; its number changes when another process has written."""
        outermost = not self._db.in_transaction
        if outermost:
            self._db.execute("BEGIN")
        try:
            self._db.execute("SELECT count(*) FROM latest")  # what is read first says which moment
            yield self._number()
        finally:
            if outermost:
                self._db.execute("COMMIT")

    def _number(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def changes(self, number: int, leading: int) -> Changes | None:  # noqa: ARG002
        """Nothing is known of what others wrote: all has to be read again."""
        return None

    def counters(self) -> tuple[int, int, float]:
        """The next node, the next story, and the latest day of any article ever (-inf for none)."""
        used = dict(self._db.execute("SELECT name, seq FROM sqlite_sequence"))
        (latest,) = self._db.execute("SELECT max(day) FROM latest").fetchone()
        return used.get("articles", 0) + 1, used.get("stories", 0) + 1, -np.inf if latest is None else latest

    def set_latest(self, day: float) -> None:
        """Remember the latest day of any article."""
        self._db.execute("DELETE FROM latest")
        self._db.execute("INSERT INTO latest VALUES (?)", (day,))

    def set_counters(self, node: int, story: int) -> None:
        """Let no smaller numbers come next."""
        used = self.counters()
        for table, number, next_number in (("articles", node, used[0]), ("stories", story, used[1])):
            if number > next_number:
                self._db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
                self._db.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, number - 1))

    def add_stories(self, stories: Iterable[int]) -> None:
        """Stories that begin."""
        self.add_aliases((story, None) for story in stories)

    def add_aliases(self, stories: Iterable[tuple[int, int | None]]) -> None:
        """Stories, each with the one that it went into, if it did."""
        self._db.executemany("INSERT INTO stories VALUES (?, ?)", stories)

    def aliases(self) -> list[tuple[int, int | None]]:
        """All stories, ascending, each with the one that it went into, if it did."""
        return self._db.execute("SELECT story, merged_into FROM stories ORDER BY story").fetchall()

    def merge(self, story: int, into: int) -> None:
        """Put all of a story into another, and keep an alias."""
        self._db.execute("UPDATE articles SET story = ? WHERE story = ?", (into, story))
        self._db.execute("UPDATE stories SET merged_into = ? WHERE story = ? OR merged_into = ?", (into, story, story))

    def resolve(self, story: int) -> int | None:
        """The story that this one is part of by now; None when there was none."""
        row = self._db.execute("SELECT coalesce(merged_into, story) FROM stories WHERE story = ?", (story,)).fetchone()
        return row and int(row[0])

    def insert(self, rows: Sequence[tuple[Row, ArticleFeatures]]) -> None:
        """Store articles."""
        self._db.executemany("INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (row for row, _ in rows))
        self._db.executemany(
            "INSERT INTO traits VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (row.node, article_features.norm, *(values.tobytes() for values in article_features[1:]))
                for row, article_features in rows
            ),
        )

    def set_neighbours(self, node: int, neighbours: NDArray[np.int32], similarities: NDArray[np.float32]) -> None:
        """Store what a node is similar to."""
        values = neighbours.tobytes(), similarities.tobytes(), node
        self._db.execute("UPDATE traits SET neighbours = ?, similarities = ? WHERE node = ?", values)

    def set_norms(self, nodes: NDArray[np.int64], norms: NDArray[np.float32]) -> None:
        """Store lengths of vectors."""
        pairs = zip(norms.tolist(), nodes.tolist(), strict=True)
        self._db.executemany("UPDATE traits SET norm = ? WHERE node = ?", pairs)

    def delete(self, nodes: Sequence[int]) -> None:
        """Delete articles."""
        for table in ("articles", "traits"):
            self._db.executemany(f"DELETE FROM {table} WHERE node = ?", ((node,) for node in nodes))  # noqa: S608

    def delete_dead_stories(self) -> None:
        """Delete the stories that have no articles any more, with their aliases."""
        self._db.execute("DELETE FROM stories WHERE coalesce(merged_into, story) NOT IN (SELECT story FROM articles)")

    def place(self, canonical: Sequence[int], story: int) -> None:
        """Put articles into a story, with those they speak for."""
        for condition in ("node = ?", "speaker = ? AND speaker != node"):
            query = f"UPDATE articles SET story = ? WHERE {condition}"  # noqa: S608
            self._db.executemany(query, ((story, node) for node in canonical))

    def replace_canonical(self, canonical: int, former: int) -> None:
        """Let an article speak for those that another one spoke for."""
        self._db.execute("UPDATE articles SET speaker = ? WHERE speaker = ? AND speaker != node", (canonical, former))

    def by_id(self, article_id: str) -> Row | None:
        """The article of that id."""
        return next(self._rows("WHERE id = ?", (article_id,)), None)

    def identify(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Node and digest of those of the articles that there are."""
        return {name: (node, digest) for name, node, digest in self._select("id, node, digest", "articles", "id", ids)}

    def rows(self, nodes: Sequence[int]) -> dict[int, Row]:
        """The articles of those nodes."""
        return {row[0]: Row(*row) for row in self._select(_ROW_COLUMNS, "articles", "node", nodes)}

    def article_features(self, nodes: Sequence[int]) -> dict[int, ArticleFeatures]:
        """What those nodes are compared by."""
        columns = "node, " + ", ".join(ArticleFeatures._fields)
        return {row[0]: ArticleFeatures.of_bytes(*row[1:]) for row in self._select(columns, "traits", "node", nodes)}

    def neighbours(self, nodes: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Nodes, what each was similar to when it came, and how much; some of those may not be live any more."""
        rows = sorted(self._select("node, neighbours, similarities", "traits", "node", nodes))
        others = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.int32).astype(np.int64)
        similarities = np.frombuffer(b"".join(row[2] for row in rows), dtype=np.float32)
        owners = np.repeat(np.array([row[0] for row in rows], dtype=np.int64), [len(row[1]) // 4 for row in rows])
        return owners, others, similarities

    def of_story(self, story: int) -> list[Row]:
        """The articles of a story, by node."""
        return list(self._rows("WHERE story = ? ORDER BY node", (story,)))

    def with_copies(self, nodes: Sequence[int]) -> list[int]:
        """Nodes and those they speak for, ascending."""
        copies = self._select("node", "articles", "speaker != node AND speaker", nodes)
        return sorted([*nodes, *(node for (node,) in copies)])

    def first_copies(self, nodes: Sequence[int]) -> dict[int, int]:
        """The first copy of each of the nodes that have any."""
        found = self._select("node, speaker", "articles", "speaker != node AND speaker", nodes)
        return {canonical: node for node, canonical in sorted(found, reverse=True)}

    def before(self, day: float) -> list[int]:
        """Nodes of the articles kept by an earlier day, ascending."""
        query = "SELECT node FROM articles WHERE kept_by_day < ? ORDER BY node"
        return [node for (node,) in self._db.execute(query, (day,))]

    def outlines(self, leading: int) -> Iterator[Outline]:
        """What memory needs of all articles, by node, some at a time; of their features so many."""
        cursor = self._db.execute(
            "SELECT node, day, story, speaker, norm, length(counts), bands, substr(features, 1, ?) "
            "FROM articles JOIN traits USING (node) ORDER BY node",
            (4 * leading,),
        )
        while rows := cursor.fetchmany(1 << 14):
            yield Outline.of_rows(rows)

    def canonical_since(self, node: int) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
        """Features and counts of the articles from that node on that are no copies, by node."""
        query = (
            "SELECT node, features, counts FROM articles JOIN traits USING (node) "
            "WHERE node >= ? AND speaker = node ORDER BY node"
        )
        for found, features, counts in self._db.execute(query, (node,)):
            yield found, np.frombuffer(features, dtype=np.uint32), np.frombuffer(counts, dtype=np.uint8)

    def sources_since(self, node: int) -> list[str]:
        """Sources of the articles from that node on, sorted."""
        query = "SELECT DISTINCT source FROM articles WHERE node >= ? ORDER BY source"
        return [source for (source,) in self._db.execute(query, (node,))]

    def count_of_source(self, source: str, since_node: int) -> int:
        """How many articles a source has from that node on."""
        query = "SELECT count(*) FROM articles WHERE source = ? AND node >= ?"
        return int(self._db.execute(query, (source, since_node)).fetchone()[0])

    def latest_of_source(self, source: str, count: int) -> list[Row]:
        """The latest articles of a source, so many at most, by node."""
        return list(self._rows("WHERE source = ? ORDER BY node DESC LIMIT ?", (source, count)))[::-1]

    def learned_sources(self) -> list[str]:
        """The sources of which something was learned, sorted."""
        return [source for (source,) in self._db.execute("SELECT source FROM habits ORDER BY source")]

    def learned_residue(self, source: str) -> LearnedResidue:
        """What was learned of a source."""
        query = "SELECT next_node, articles, keys, anywhere FROM habits WHERE source = ?"
        return LearnedResidue.of_bytes(*self._db.execute(query, (source,)).fetchone() or (0, 0, b"", b""))

    def set_learned_residue(self, source: str, learned_residue: LearnedResidue) -> None:
        """Store what was learned of a source."""
        blobs = learned_residue.keys.tobytes(), learned_residue.anywhere.tobytes()
        values = source, learned_residue.next_node, learned_residue.articles, *blobs
        self._db.execute("INSERT OR REPLACE INTO habits VALUES (?, ?, ?, ?, ?)", values)

    def delete_unused_residue(self) -> None:
        """Delete what was learned of sources that have no articles any more."""
        self._db.execute("DELETE FROM habits WHERE source NOT IN (SELECT source FROM articles)")

    def story_ids(self, since_day: float | None, min_size: int) -> list[int]:
        """Stories with an article of that day or later and so many articles, the latest first."""
        query = (
            "SELECT story FROM articles GROUP BY story HAVING count(*) >= ? AND max(kept_by_day) >= ? "
            "ORDER BY max(kept_by_day) DESC, story"
        )
        rows = self._db.execute(query, (min_size, -1e300 if since_day is None else since_day))
        return [story for (story,) in rows]

    def count(self) -> int:
        """How many articles there are."""
        return int(self._db.execute("SELECT count(*) FROM articles").fetchone()[0])

    def finish(self) -> None:
        """Let the index be opened as a whole one, when all was copied."""
        self._db.execute("DELETE FROM parameters WHERE name = ?", (UNFINISHED,))

    def _rows(self, where: str, values: tuple[Any, ...]) -> Iterator[Row]:
        return map(Row._make, self._db.execute(f"SELECT {_ROW_COLUMNS} FROM articles {where}", values))  # noqa: S608

    def _select(self, columns: str, table: str, key: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Rows whose key is among the values."""
        for first in range(0, len(values), _NODES_AT_ONCE):
            some = values[first : first + _NODES_AT_ONCE]
            marks = ", ".join("?" * len(some))
            yield from self._db.execute(f"SELECT {columns} FROM {table} WHERE {key} IN ({marks})", tuple(some))  # noqa: S608
