"""A store in a PostgreSQL database, which several processes may write to."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Integers, slices
from dedup.store import postgres_schema as schema
from dedup.store.postgres_changes import PostgresChanges
from dedup.store.postgres_connection import array_of, key_of
from dedup.store.protocol import Store
from dedup.store.records import ArticleFeatures, Features, LearnedResidue, NodeColumns, Row, Written
from dedup.store.serialization import (
    features_by_node,
    features_from_rows,
    neighbours_from_rows,
    nodes_by_page,
    to_bytes,
    with_page,
)
from dedup.store.sqlite_file import UNFINISHED
from dedup.store.story_query import Place, StoryQuery, sql_of

# A writer that is further behind than this many commits reads everything again.
_MAX_COMMITS_BEHIND = 10_000

_ROWS_AT_ONCE, _FEATURES_AT_ONCE = 1 << 14, 1 << 11


class PostgresStore(PostgresChanges, Store):
    """A store in the schema "dedup" of a PostgreSQL database, made when it is not there; see `SqliteStore`.

    The URL is as libpq reads it. To read, the right to SELECT is enough.
    """

    is_shared = True

    def written_by_others(self, data_version: int, n_features: int) -> Written | None:
        since = self._commits_known(data_version)
        if since is None or not 0 <= self._commits - since <= _MAX_COMMITS_BEHIND:
            return None
        deleted, nodes, chapters, decided = self._one(schema.CHANGED_SINCE, *[since] * 4)
        blocks = (array_of(nodes[block]) for block in slices(0, len(nodes), _ROWS_AT_ONCE))
        changed = (self._node_columns("node = ANY(%s::bigint[]) ORDER BY node", n_features, block) for block in blocks)
        return Written(np.array(deleted, dtype=np.int64), changed, list(map(tuple, chapters)), decided)

    def counters(self) -> tuple[int, int, float]:
        with self.snapshot():
            (latest,) = self._one("SELECT max(kept_by_day) FROM dedup.articles")
            return *self._state, -np.inf if latest is None else latest

    def set_counters(self, node: int, episode: int) -> None:
        state = self._state
        self._set_state(next_node=max(node, state.next_node), next_episode=max(episode, state.next_episode))

    def insert_episodes(self, episodes: Iterable[tuple[int, int | None]]) -> None:
        new = list(episodes)
        self._insert(("stories", ("int8", "int8"), new))
        self.set_counters(0, 1 + max((episode for episode, _ in new), default=0))

    def all_episodes(self) -> list[tuple[int, int | None]]:
        return self._read("SELECT story, merged_into FROM dedup.stories ORDER BY story").fetchall()

    def merge(self, episode: int, into: int) -> None:
        self._update("story = %s", "story = %s", into, episode)
        query = "UPDATE dedup.stories SET merged_into = %s WHERE story = %s OR merged_into = %s"
        self._write(query, into, episode, episode)

    def resolve(self, episode: int) -> int | None:
        row = self._one("SELECT coalesce(merged_into, story) FROM dedup.stories WHERE story = %s", episode)
        return row and int(row[0])

    def set_chapters(self, chapters: Iterable[tuple[int, int, int]]) -> None:
        # An episode that is its own story again keeps its row, so that other writers see it.
        rows, commit = list(chapters), self._commits + 1
        self._write("DELETE FROM dedup.chapters WHERE episode = ANY(%s::bigint[])", array_of([row[0] for row in rows]))
        self._insert(("chapters", ("int8",) * 4, [(*row, commit) for row in rows]))

    def chapters(self) -> list[tuple[int, int, int]]:
        query = "SELECT episode, story, told FROM dedup.chapters WHERE story != episode ORDER BY episode"
        return self._read(query).fetchall()

    def stories_of(self, episodes: Iterable[int]) -> dict[int, int]:
        wanted = list(episodes)
        query = "SELECT episode, story FROM dedup.chapters WHERE episode = ANY(%s::bigint[])"
        return {n: n for n in wanted} | dict(self._read(query, array_of(wanted)).fetchall())

    def insert(self, rows: Sequence[tuple[Row, ArticleFeatures]]) -> None:
        commit = self._commits + 1
        articles, contents = [], []
        for row, features in rows:
            norm, *arrays = to_bytes(features)
            articles.append((row.node, row.id.encode(), *row[2:7], row.source.encode(), norm, commit, row.page))
            contents.append((row.node, row.fields.encode(), *arrays))
        self._insert(("articles", schema.ARTICLES_TYPES, articles), ("contents", schema.CONTENTS_TYPES, contents))
        self.set_counters(1 + max((row.node for row, _ in rows), default=0), 0)

    def set_neighbours(self, node: int, neighbours: NDArray[np.int32], similarities: NDArray[np.float32]) -> None:
        query = "UPDATE dedup.contents SET neighbours = %s, similarities = %s WHERE node = %s"
        self._write(query, neighbours.tobytes(), similarities.tobytes(), node)

    def set_norms(self, nodes: Integers, norms: NDArray[np.float32]) -> None:
        query = (
            "UPDATE dedup.articles SET norm = new.norm, changed = %s "
            "FROM unnest(%s::bigint[], %s::float4[]) AS new (node, norm) WHERE articles.node = new.node"
        )
        self._write(query, self._commits + 1, nodes.tolist(), norms.tolist())

    def rewrite(self, rows: Iterable[Row]) -> None:
        for row in rows:
            values = row.digest, row.day, row.expiry_day, row.node
            self._update("digest = %s, day = %s, kept_by_day = %s", "node = %s", *values)
            self._write("UPDATE dedup.contents SET fields = %s WHERE node = %s", row.fields.encode(), row.node)

    def delete(self, nodes: Sequence[int]) -> None:
        commit = self._commits + 1
        self._write("DELETE FROM dedup.gone WHERE changed < %s", commit - _MAX_COMMITS_BEHIND)
        self._write(
            "WITH these AS (SELECT unnest(%s::bigint[]) AS node), "
            "articles AS (DELETE FROM dedup.articles USING these WHERE articles.node = these.node), "
            "contents AS (DELETE FROM dedup.contents USING these WHERE contents.node = these.node) "
            "INSERT INTO dedup.gone SELECT node, %s FROM these",
            array_of(nodes),
            commit,
        )

    def delete_empty_episodes(self) -> None:
        live = f"SELECT {schema.STORY} FROM {schema.IN_STORIES}"  # noqa: S608
        of_episode = "(SELECT story FROM dedup.chapters WHERE episode = coalesce(merged_into, stories.story))"
        story = f"coalesce({of_episode}, merged_into, story)"
        self._write(f"DELETE FROM dedup.stories WHERE {story} NOT IN ({live})")  # noqa: S608
        self._write(f"DELETE FROM dedup.chapters WHERE story NOT IN ({live})")  # noqa: S608

    def assign(self, canonical: Sequence[int], episode: int) -> None:
        nodes = array_of(canonical)
        self._update("story = %s", "node = ANY(%s::bigint[])", episode, nodes)
        self._update("story = %s", "speaker = ANY(%s::bigint[]) AND speaker != node", episode, nodes)

    def replace_canonical(self, canonical: int, former: int) -> None:
        self._update("speaker = %s", "speaker = %s AND speaker != node", canonical, former)

    def by_id(self, article_id: str) -> Row | None:
        return next(self._rows("sha256(id) = %s", key_of(article_id)), None)

    def by_other_id(self, other_id: str) -> Row | None:
        found = "SELECT sha256(article) FROM dedup.other_ids WHERE sha256(id) = %s"
        row = self._rows(f"sha256(id) = ({found})", key_of(other_id)) if self._knows_pages else iter(())
        return next(row, None)

    def add_ids(self, ids: Iterable[tuple[str, str]]) -> None:
        for other, article in ids:
            query = "UPDATE dedup.other_ids SET article = %s WHERE sha256(article) = %s"
            self._write(query, article.encode(), key_of(other))
            self._write("DELETE FROM dedup.other_ids WHERE sha256(id) = %s", key_of(other))
            self._write("INSERT INTO dedup.other_ids VALUES (%s, %s)", other.encode(), article.encode())

    def other_ids(self) -> list[tuple[str, str]]:
        found = self._read("SELECT id, article FROM dedup.other_ids") if self._knows_pages else ()
        return sorted((other.decode(), article.decode()) for other, article in found)

    def nodes_and_digests(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        query = "SELECT id, node, digest FROM dedup.articles WHERE sha256(id) = ANY(%s)"
        return {name.decode(): (node, digest) for name, node, digest in self._read(query, list(map(key_of, ids)))}

    def nodes_of_pages(self, pages: Sequence[int]) -> dict[int, list[int]]:
        query = "SELECT page, node FROM dedup.articles WHERE page = ANY(%s::bigint[])"
        return nodes_by_page(self._read(query, array_of(pages)))

    def rows(self, nodes: Sequence[int]) -> dict[int, Row]:
        return {row.node: row for row in self._rows("node = ANY(%s::bigint[])", array_of(nodes))}

    def article_features(self, nodes: Sequence[int]) -> dict[int, ArticleFeatures]:
        columns = schema.FEATURE_COLUMNS
        if self._format < schema.FORMAT:
            columns = columns.replace(schema.MEANING_COLUMNS, schema.NO_MEANING)
        query = f"SELECT {columns} FROM {schema.ALL} WHERE node = ANY(%s::bigint[])"  # noqa: S608
        return {node: ArticleFeatures.from_bytes(*values) for node, *values in self._read(query, array_of(nodes))}

    def features(self, nodes: Sequence[int]) -> dict[int, Features]:
        query = "SELECT node, features, counts FROM dedup.contents WHERE node = ANY(%s::bigint[])"
        return features_by_node(self._read(query, array_of(nodes)))

    def neighbours(self, nodes: Sequence[int]) -> tuple[Integers, Integers, NDArray[np.float32]]:
        query = "SELECT node, neighbours, similarities FROM dedup.contents WHERE node = ANY(%s::bigint[]) ORDER BY node"
        return neighbours_from_rows(self._read(query, array_of(nodes)).fetchall())

    def of_story(self, story: int) -> list[Row]:
        episodes = "SELECT episode FROM dedup.chapters WHERE story = %s UNION ALL SELECT %s"
        other = "SELECT FROM dedup.chapters WHERE episode = articles.story AND chapters.story != %s"
        where = f"story IN ({episodes}) AND NOT EXISTS ({other}) ORDER BY node"
        return list(self._rows(where, story, story, story))

    def copies(self, canonical: Sequence[int]) -> list[tuple[int, int]]:
        query = (
            "SELECT node, speaker FROM dedup.articles WHERE speaker = ANY(%s::bigint[]) AND speaker != node "
            "ORDER BY node"
        )
        return self._read(query, array_of(canonical)).fetchall()

    def nodes_before(self, expiry_day: float) -> list[int]:
        return self._column("SELECT node FROM dedup.articles WHERE kept_by_day < %s ORDER BY node", expiry_day)

    def nodes_after(self, expiry_day: float) -> list[int]:
        return self._column("SELECT node FROM dedup.articles WHERE kept_by_day > %s ORDER BY node", expiry_day)

    def node_columns(self, n_features: int) -> Iterator[NodeColumns]:
        last, condition = -1, f"node > %s ORDER BY node LIMIT {_ROWS_AT_ONCE}"
        while len((columns := self._node_columns(condition, n_features, last)).nodes):
            yield columns
            last = int(columns.nodes[-1])

    def canonical_since(self, node: int) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
        query = (
            f"SELECT node, features, counts FROM {schema.ALL} WHERE node >= %s AND speaker = node "  # noqa: S608
            f"ORDER BY node LIMIT {_FEATURES_AT_ONCE}"
        )
        while rows := self._read(query, node).fetchall():
            yield from features_from_rows(rows)
            node = rows[-1][0] + 1

    def sources_since(self, node: int) -> list[str]:
        query = "SELECT DISTINCT source FROM dedup.articles WHERE node >= %s ORDER BY source"
        return [source.decode() for source in self._column(query, node)]

    def count_of_source(self, source: str, since_node: int) -> int:
        query = "SELECT count(*) FROM dedup.articles WHERE sha256(source) = %s AND node >= %s"
        return int(self._one(query, key_of(source), since_node)[0])

    def latest_of_source(self, source: str, count: int) -> list[Row]:
        return list(self._rows("sha256(source) = %s ORDER BY node DESC LIMIT %s", key_of(source), count))[::-1]

    def learned_sources(self) -> list[str]:
        return [source.decode() for source in self._column("SELECT source FROM dedup.habits ORDER BY source")]

    def learned_residue(self, source: str) -> LearnedResidue:
        query = "SELECT next_node, articles, keys, anywhere FROM dedup.habits WHERE sha256(source) = %s"
        return LearnedResidue.from_bytes(*self._one(query, key_of(source)) or (0, 0, b"", b""))

    def set_learned_residue(self, source: str, learned: LearnedResidue) -> None:
        self._write("DELETE FROM dedup.habits WHERE sha256(source) = %s", key_of(source))
        self._write("INSERT INTO dedup.habits VALUES (%s, %s, %s, %s, %s)", source.encode(), *to_bytes(learned))

    def delete_unused(self) -> None:
        articles = "SELECT sha256(id) FROM dedup.articles"
        self._write(f"DELETE FROM dedup.other_ids WHERE sha256(article) NOT IN ({articles})")  # noqa: S608
        self._write(
            "DELETE FROM dedup.habits WHERE NOT EXISTS "
            "(SELECT FROM dedup.articles WHERE sha256(articles.source) = sha256(habits.source))"
        )

    def find_stories(self, query: StoryQuery) -> list[Place]:
        statement, values = sql_of(query, schema.DIALECT)
        return list(map(Place._make, self._read(statement, *values)))

    def count(self) -> int:
        return int(self._one("SELECT count(*) FROM dedup.articles")[0])

    def mark_complete(self) -> None:
        self._write("DELETE FROM dedup.parameters WHERE name = %s", UNFINISHED)

    def _update(self, change: str, condition: str, *values: Any) -> None:
        """Update articles and note in which commit, so that other writers see it."""
        query = f"UPDATE dedup.articles SET changed = %s, {change} WHERE {condition}"  # noqa: S608
        self._write(query, self._commits + 1, *values)

    def _rows(self, condition: str, *values: Any) -> Iterator[Row]:
        columns = schema.ROW_COLUMNS if self._knows_pages else schema.ROW_COLUMNS.replace("page", "NULL")
        for values_of_row in self._read(f"SELECT {columns} FROM {schema.ALL} WHERE {condition}", *values):  # noqa: S608
            node, name, *others, source, fields, page = values_of_row
            row = Row._make((node, name.decode(), *others, source.decode(), fields.decode(), page))
            yield row if self._knows_pages else with_page(row)

    def _node_columns(self, condition: str, n_features: int, *values: Any) -> NodeColumns:
        columns = "node, day, story, speaker, norm, length(counts), bands, substring(features FROM 1 FOR %s), "
        columns += schema.MEANING_COLUMNS if self._format == schema.FORMAT else schema.NO_MEANING
        query = f"SELECT {columns} FROM {schema.ALL} WHERE {condition}"  # noqa: S608
        return NodeColumns.from_rows(self._read(query, 4 * n_features, *values).fetchall())
