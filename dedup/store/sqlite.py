"""A store in one SQLite file."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Integers, slices
from dedup.store.protocol import Store
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
from dedup.store.serialization import (
    features_by_node,
    features_from_rows,
    neighbours_from_rows,
    nodes_by_page,
    to_bytes,
)
from dedup.store.sqlite_connection import SqliteConnection
from dedup.store.sqlite_file import UNFINISHED
from dedup.store.story_query import Dialect, Place, StoryQuery, language_field, sql_of

# Nodes in one query; SQLite allows 32,766.
_NODES_AT_ONCE = 500
_ROWS_AT_ONCE = 1 << 14

# The columns since format 5 in the order of the fields of `Row`, and of `ArticleFeatures`.
_ROW_COLUMNS = "node, id, digest, day, kept_by_day, story, speaker, source, fields, page"
_FEATURE_COLUMNS = "node, norm, neighbours, similarities, bands, features, counts, vector, language"

# What is called a story here is an episode, as in format 3; an episode without a chapter is a story of its own.
_IN_STORIES = "articles LEFT JOIN chapters ON chapters.episode = articles.story"
_STORY = "coalesce(chapters.story, articles.story)"


def _pattern_of_language(language: str) -> str:
    literal = re.sub(r"[*?[]", r"[\g<0>]", language_field(language))
    return f"*{literal}*"


# A pattern is found ten times as fast as a text.
_DIALECT = Dialect(_IN_STORIES, _STORY, _IN_STORIES, "?", "fields GLOB ?", _pattern_of_language, str, "")


class SqliteStore(SqliteConnection, Store):
    """A store in a SQLite file, made when it is not there; ":memory:" for none.

    A file made with other parameters is refused, not one of other versions. Raise ValueError for a file that is
    refused, RuntimeError when another StoryIndex writes to it, and OSError when it cannot be read or written.
    """

    is_shared = False

    def written_by_others(self, data_version: int, n_features: int) -> Written | None:  # noqa: ARG002
        return None  # SQLite does not tell

    def counters(self) -> tuple[int, int, float]:
        used = dict(self._db.execute("SELECT name, seq FROM sqlite_sequence"))
        (latest,) = self._db.execute("SELECT max(kept_by_day) FROM articles").fetchone()
        return used.get("articles", 0) + 1, used.get("stories", 0) + 1, -np.inf if latest is None else latest

    def set_counters(self, node: int, episode: int) -> None:
        used = self.counters()
        for table, number, next_number in (("articles", node, used[0]), ("stories", episode, used[1])):
            if number > next_number:
                self._db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
                self._db.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, number - 1))

    def insert_episodes(self, episodes: Iterable[tuple[int, int | None]]) -> None:
        self._db.executemany("INSERT INTO stories VALUES (?, ?)", episodes)

    def all_episodes(self) -> list[tuple[int, int | None]]:
        return self._db.execute("SELECT story, merged_into FROM stories ORDER BY story").fetchall()

    def merge(self, episode: int, into: int) -> None:
        self._db.execute("UPDATE articles SET story = ? WHERE story = ?", (into, episode))
        query = "UPDATE stories SET merged_into = ? WHERE story = ? OR merged_into = ?"
        self._db.execute(query, (into, episode, episode))

    def resolve(self, episode: int) -> int | None:
        query = "SELECT coalesce(merged_into, story) FROM stories WHERE story = ?"
        row = self._db.execute(query, (episode,)).fetchone()
        return row and int(row[0])

    def set_chapters(self, chapters: Iterable[tuple[int, int, int]]) -> None:
        rows = list(chapters)
        self._db.executemany("DELETE FROM chapters WHERE episode = ?", ((row[0],) for row in rows))
        self._db.executemany("INSERT INTO chapters VALUES (?, ?, ?)", (row for row in rows if row[0] != row[1]))

    def chapters(self) -> list[tuple[int, int, int]]:
        return self._db.execute("SELECT episode, story, told FROM chapters ORDER BY episode").fetchall()

    def stories_of(self, episodes: Iterable[int]) -> dict[int, int]:
        wanted = list(episodes)
        return {n: n for n in wanted} | dict(self._select("episode, story", "chapters", "episode", wanted))

    def insert(self, rows: Sequence[tuple[Row, ArticleFeatures]]) -> None:
        self._db.executemany("INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (row for row, _ in rows))
        values = ((row.node, *to_bytes(features)) for row, features in rows)
        self._db.executemany("INSERT INTO traits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def set_neighbours(self, node: int, neighbours: NDArray[np.int32], similarities: NDArray[np.float32]) -> None:
        values = neighbours.tobytes(), similarities.tobytes(), node
        self._db.execute("UPDATE traits SET neighbours = ?, similarities = ? WHERE node = ?", values)

    def set_norms(self, nodes: Integers, norms: NDArray[np.float32]) -> None:
        pairs = zip(norms.tolist(), nodes.tolist(), strict=True)
        self._db.executemany("UPDATE traits SET norm = ? WHERE node = ?", pairs)

    def rewrite(self, rows: Iterable[Row]) -> None:
        query = "UPDATE articles SET digest = ?, day = ?, kept_by_day = ?, fields = ? WHERE node = ?"
        self._db.executemany(query, ((row.digest, row.day, row.expiry_day, row.fields, row.node) for row in rows))

    def delete(self, nodes: Sequence[int]) -> None:
        for table in ("articles", "traits"):
            self._db.executemany(f"DELETE FROM {table} WHERE node = ?", ((node,) for node in nodes))  # noqa: S608

    def delete_empty_episodes(self) -> None:
        of_episode = "(SELECT story FROM chapters WHERE episode = coalesce(merged_into, stories.story))"
        story = f"coalesce({of_episode}, merged_into, story)"
        self._db.execute(f"DELETE FROM stories WHERE {story} NOT IN (SELECT {_STORY} FROM {_IN_STORIES})")  # noqa: S608
        self._db.execute(f"DELETE FROM chapters WHERE story NOT IN (SELECT {_STORY} FROM {_IN_STORIES})")  # noqa: S608

    def assign(self, canonical: Sequence[int], episode: int) -> None:
        for condition in ("node = ?", "speaker = ? AND speaker != node"):
            query = f"UPDATE articles SET story = ? WHERE {condition}"  # noqa: S608
            self._db.executemany(query, ((episode, node) for node in canonical))

    def replace_canonical(self, canonical: int, former: int) -> None:
        self._db.execute("UPDATE articles SET speaker = ? WHERE speaker = ? AND speaker != node", (canonical, former))

    def by_id(self, article_id: str) -> Row | None:
        return next(self._rows("WHERE id = ?", article_id), None)

    def by_other_id(self, other_id: str) -> Row | None:
        return next(self._rows("WHERE id = (SELECT article FROM other_ids WHERE id = ?)", other_id), None)

    def add_ids(self, ids: Iterable[tuple[str, str]]) -> None:
        for other, article in ids:
            self._db.execute("UPDATE other_ids SET article = ? WHERE article = ?", (article, other))
            self._db.execute("INSERT OR REPLACE INTO other_ids VALUES (?, ?)", (other, article))

    def other_ids(self) -> list[tuple[str, str]]:
        return sorted(self._db.execute("SELECT id, article FROM other_ids"))

    def nodes_and_digests(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        return {name: (node, digest) for name, node, digest in self._select("id, node, digest", "articles", "id", ids)}

    def nodes_of_pages(self, pages: Sequence[int]) -> dict[int, list[int]]:
        return nodes_by_page(self._select("page, node", "articles", "page", pages))

    def rows(self, nodes: Sequence[int]) -> dict[int, Row]:
        return {row[0]: Row(*row) for row in self._select(_ROW_COLUMNS, "articles", "node", nodes)}

    def article_features(self, nodes: Sequence[int]) -> dict[int, ArticleFeatures]:
        rows = self._select(_FEATURE_COLUMNS, "traits", "node", nodes)
        return {node: ArticleFeatures.from_bytes(*values) for node, *values in rows}

    def features(self, nodes: Sequence[int]) -> dict[int, Features]:
        return features_by_node(self._select("node, features, counts", "traits", "node", nodes))

    def neighbours(self, nodes: Sequence[int]) -> tuple[Integers, Integers, NDArray[np.float32]]:
        return neighbours_from_rows(sorted(self._select("node, neighbours, similarities", "traits", "node", nodes)))

    def of_story(self, story: int) -> list[Row]:
        episodes = "SELECT episode FROM chapters WHERE story = ? UNION ALL SELECT ?"
        alone = "story NOT IN (SELECT episode FROM chapters WHERE episode = ?)"
        return list(self._rows(f"WHERE story IN ({episodes}) AND {alone} ORDER BY node", story, story, story))

    def copies(self, canonical: Sequence[int]) -> list[tuple[int, int]]:
        return sorted(self._select("node, speaker", "articles", "speaker != node AND speaker", canonical))

    def nodes_before(self, expiry_day: float) -> list[int]:
        return self._column("SELECT node FROM articles WHERE kept_by_day < ? ORDER BY node", expiry_day)

    def nodes_after(self, expiry_day: float) -> list[int]:
        return self._column("SELECT node FROM articles WHERE kept_by_day > ? ORDER BY node", expiry_day)

    def node_columns(self, n_features: int) -> Iterator[NodeColumns]:
        cursor = self._db.execute(
            "SELECT node, day, story, speaker, norm, length(counts), bands, substr(features, 1, ?), "
            "vector, language "
            "FROM articles JOIN traits USING (node) ORDER BY node",
            (4 * n_features,),
        )
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield NodeColumns.from_rows(rows)

    def canonical_since(self, node: int) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
        query = (
            "SELECT node, features, counts FROM articles JOIN traits USING (node) "
            "WHERE node >= ? AND speaker = node ORDER BY node"
        )
        return features_from_rows(self._db.execute(query, (node,)))

    def sources_since(self, node: int) -> list[str]:
        return self._column("SELECT DISTINCT source FROM articles WHERE node >= ? ORDER BY source", node)

    def count_of_source(self, source: str, since_node: int) -> int:
        return self._number("SELECT count(*) FROM articles WHERE source = ? AND node >= ?", source, since_node)

    def latest_of_source(self, source: str, count: int) -> list[Row]:
        return list(self._rows("WHERE source = ? ORDER BY node DESC LIMIT ?", source, count))[::-1]

    def learned_sources(self) -> list[str]:
        return self._column("SELECT source FROM habits ORDER BY source")

    def learned_residue(self, source: str) -> LearnedResidue:
        query = "SELECT next_node, articles, keys, anywhere FROM habits WHERE source = ?"
        return LearnedResidue.from_bytes(*self._db.execute(query, (source,)).fetchone() or (0, 0, b"", b""))

    def set_learned_residue(self, source: str, learned: LearnedResidue) -> None:
        self._db.execute("INSERT OR REPLACE INTO habits VALUES (?, ?, ?, ?, ?)", (source, *to_bytes(learned)))

    def delete_unused(self) -> None:
        self._db.execute("DELETE FROM other_ids WHERE article NOT IN (SELECT id FROM articles)")
        self._db.execute("DELETE FROM habits WHERE source NOT IN (SELECT source FROM articles)")

    def find_stories(self, query: StoryQuery) -> list[Place]:
        return list(map(Place._make, self._db.execute(*sql_of(query, _DIALECT))))

    def insert_changes(self, changes: Sequence[ChangeRow]) -> None:
        self._db.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", changes)

    def changes(self, since: int, limit: int | None = None) -> list[ChangeRow]:
        query = "SELECT * FROM changes WHERE cursor > ? ORDER BY cursor LIMIT ?"
        return list(map(ChangeRow._make, self._db.execute(query, (since, -1 if limit is None else limit))))

    def last_cursor(self) -> int:
        return self._number("SELECT coalesce(max(cursor), 0) FROM changes")

    def limit_change_days(self, day: float) -> None:
        self._db.execute("UPDATE changes SET day = ? WHERE day > ?", (day, day))

    def delete_changes_before(self, day: float) -> None:
        kept = "SELECT cursor FROM changes WHERE day >= ? ORDER BY cursor LIMIT 1"
        query = f"DELETE FROM changes WHERE cursor < coalesce(({kept}), (SELECT max(cursor) FROM changes))"  # noqa: S608
        self._db.execute(query, (day,))

    def set_decisions(self, decisions: Sequence[DecisionRow]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?)", decisions)

    def delete_decisions(self, cursors: Sequence[int]) -> None:
        self._db.executemany("DELETE FROM decisions WHERE cursor = ?", ((cursor,) for cursor in cursors))

    def decisions(self) -> list[DecisionRow]:
        return list(map(DecisionRow._make, self._db.execute("SELECT * FROM decisions ORDER BY cursor")))

    def count(self) -> int:
        return self._number("SELECT count(*) FROM articles")

    def mark_complete(self) -> None:
        self._db.execute("DELETE FROM parameters WHERE name = ?", (UNFINISHED,))

    def _number(self, query: str, *values: Any) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    def _column(self, query: str, *values: Any) -> list[Any]:
        return [value for (value,) in self._db.execute(query, values)]

    def _rows(self, where: str, *values: Any) -> Iterator[Row]:
        return map(Row._make, self._db.execute(f"SELECT {_ROW_COLUMNS} FROM articles {where}", values))  # noqa: S608

    def _select(self, columns: str, table: str, key: str, values: Sequence[Any]) -> Iterator[Any]:
        """Yield the rows whose key is among the values."""
        for block in slices(0, len(values), _NODES_AT_ONCE):
            some = tuple(values[block])
            marks = ", ".join("?" * len(some))
            query = f"SELECT {columns} FROM {table} WHERE {key} IN ({marks})"  # noqa: S608
            yield from self._db.execute(query, some).fetchall()  # an open cursor would have to end before `close`
