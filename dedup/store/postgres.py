"""A StoryIndex in a PostgreSQL database, which several processes may write to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.store.postgres_connection import Server
from dedup.store.records import ArticleFeatures, Changes, LearnedResidue, Outline, Row
from dedup.store.sqlite_file import UNFINISHED

# A writer that is further behind than so many transactions reads all again.
_REMEMBERED = 10_000

_OUTLINES_AT_ONCE, _CONTENTS_AT_ONCE = 1 << 14, 1 << 11

_ROW = "node, id, digest, day, kept_by_day, story, speaker, source, fields"
_TRAITS = "node, norm, neighbours, similarities, bands, features, counts"
_ARTICLES_TYPES = ("int8", "bytea", "bytea", "float8", "float8", "int8", "int8", "bytea", "float4", "int8")
_CONTENTS_TYPES = ("int8", *["bytea"] * 6)
_ALL = "dedup.articles JOIN dedup.contents USING (node)"


class PostgresStore:
    """Articles, their stories and similarities in the schema "dedup" of a PostgreSQL database.

    Parameters
    ----------
    url : str
        As libpq reads it: "postgresql://user:password@host:port/database". The schema is made when it is not there.
    parameters, versions : mapping of str to str
        What the index was made with: a schema made with other parameters is refused.
    read_only : bool
        Whether only to read; the right to SELECT is enough.

    Raises
    ------
    ValueError
        When the schema is another program's, of another format, or made with other parameters.
    OSError
        When it cannot be read or written.
    """

    def __init__(
        self, url: str, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool = False
    ) -> None:
        self._server = Server(url, parameters, versions, read_only=read_only)
        self._read, self._write = self._server.read, self._server.write

    def close(self) -> None:
        """Close the connection."""
        self._server.close()

    def transaction(self) -> AbstractContextManager[int]:
        """All of what is written inside, or nothing; the number of the moment is as that of a snapshot."""
        return self._server.transaction()

    def snapshot(self) -> AbstractContextManager[int]:
        """All of what is read inside is of one moment; its number changes when another process has written."""
        return self._server.snapshot()

    def changes(self, number: int, leading: int) -> Changes | None:
        """What others wrote since the moment of that number; None when all has to be read again."""
        since = self._server.since(number)
        if since is None or not 0 <= self._server.moment - since <= _REMEMBERED:
            return None
        gone = self._nodes("SELECT node FROM dedup.gone WHERE changed > %s ORDER BY node", since)
        nodes = self._nodes("SELECT node FROM dedup.articles WHERE changed > %s ORDER BY node", since)
        parts = (nodes[i : i + _OUTLINES_AT_ONCE] for i in range(0, len(nodes), _OUTLINES_AT_ONCE))
        return Changes(
            np.array(gone, dtype=np.int64),
            (self._outline("node = ANY(%s::bigint[]) ORDER BY node", leading, _array(part)) for part in parts),
        )

    def counters(self) -> tuple[int, int, float]:
        """The next node, the next story, and the latest day of any article ever (-inf for none)."""
        with self._server.snapshot():
            node, story, latest = self._server.state
        return node, story, -np.inf if latest is None else latest

    def set_latest(self, day: float) -> None:
        """Remember the latest day of any article."""
        self._server.count_on(latest=day)

    def set_counters(self, node: int, story: int) -> None:
        """Let no smaller numbers come next."""
        state = self._server.state
        self._server.count_on(next_node=max(node, state.next_node), next_story=max(story, state.next_story))

    def add_stories(self, stories: Iterable[int]) -> None:
        """Stories that begin."""
        self.add_aliases((story, None) for story in stories)

    def add_aliases(self, stories: Iterable[tuple[int, int | None]]) -> None:
        """Stories, each with the one that it went into, if it did."""
        new = list(stories)
        self._server.insert("stories", ("int8", "int8"), new)
        self.set_counters(0, 1 + max((story for story, _ in new), default=0))

    def aliases(self) -> list[tuple[int, int | None]]:
        """All stories, ascending, each with the one that it went into, if it did."""
        return self._read("SELECT story, merged_into FROM dedup.stories ORDER BY story").fetchall()

    def merge(self, story: int, into: int) -> None:
        """Put all of a story into another, and keep an alias."""
        self._change("story = %s", "story = %s", into, story)
        query = "UPDATE dedup.stories SET merged_into = %s WHERE story = %s OR merged_into = %s"
        self._write(query, (into, story, story))

    def resolve(self, story: int) -> int | None:
        """The story that this one is part of by now; None when there was none."""
        query = "SELECT coalesce(merged_into, story) FROM dedup.stories WHERE story = %s"
        row = self._read(query, (story,)).fetchone()
        return row and int(row[0])

    def insert(self, rows: Sequence[tuple[Row, ArticleFeatures]]) -> None:
        """Store articles."""
        moment = self._server.moment + 1
        self._server.insert(
            "articles",
            _ARTICLES_TYPES,
            (
                (row.node, row.id.encode(), *row[2:7], row.source.encode(), float(article_features.norm), moment)
                for row, article_features in rows
            ),
        )
        self._server.insert(
            "contents",
            _CONTENTS_TYPES,
            (
                (row.node, row.fields.encode(), *(array.tobytes() for array in article_features[1:]))
                for row, article_features in rows
            ),
        )
        self.set_counters(1 + max((row.node for row, _ in rows), default=0), 0)

    def set_neighbours(self, node: int, neighbours: NDArray[np.int32], similarities: NDArray[np.float32]) -> None:
        """Store what a node is similar to."""
        query = "UPDATE dedup.contents SET neighbours = %s, similarities = %s WHERE node = %s"
        self._write(query, (neighbours.tobytes(), similarities.tobytes(), node))

    def set_norms(self, nodes: NDArray[np.int64], norms: NDArray[np.float32]) -> None:
        """Store lengths of vectors."""
        query = (
            "UPDATE dedup.articles SET norm = new.norm, changed = %s "
            "FROM unnest(%s::bigint[], %s::float4[]) AS new (node, norm) WHERE articles.node = new.node"
        )
        self._write(query, (self._server.moment + 1, nodes.tolist(), norms.tolist()))

    def delete(self, nodes: Sequence[int]) -> None:
        """Delete articles."""
        moment = self._server.moment + 1
        self._write("DELETE FROM dedup.gone WHERE changed < %s", (moment - _REMEMBERED,))
        self._write(
            "WITH these AS (SELECT unnest(%s::bigint[]) AS node), "
            "articles AS (DELETE FROM dedup.articles USING these WHERE articles.node = these.node), "
            "contents AS (DELETE FROM dedup.contents USING these WHERE contents.node = these.node) "
            "INSERT INTO dedup.gone SELECT node, %s FROM these",
            (_array(nodes), moment),
        )

    def delete_dead_stories(self) -> None:
        """Delete the stories that have no articles any more, with their aliases."""
        self._write(
            "DELETE FROM dedup.stories WHERE NOT EXISTS "
            "(SELECT FROM dedup.articles WHERE articles.story = coalesce(stories.merged_into, stories.story))"
        )

    def place(self, canonical: Sequence[int], story: int) -> None:
        """Put articles into a story, with those they speak for."""
        nodes = _array(canonical)
        self._change("story = %s", "node = ANY(%s::bigint[])", story, nodes)
        self._change("story = %s", "speaker = ANY(%s::bigint[]) AND speaker != node", story, nodes)

    def replace_canonical(self, canonical: int, former: int) -> None:
        """Let an article speak for those that another one spoke for."""
        self._change("speaker = %s", "speaker = %s AND speaker != node", canonical, former)

    def by_id(self, article_id: str) -> Row | None:
        """The article of that id."""
        return next(self._rows("sha256(id) = %s", _key(article_id)), None)

    def identify(self, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Node and digest of those of the articles that there are."""
        query = "SELECT id, node, digest FROM dedup.articles WHERE sha256(id) = ANY(%s)"
        return {name.decode(): (node, digest) for name, node, digest in self._read(query, (list(map(_key, ids)),))}

    def rows(self, nodes: Sequence[int]) -> dict[int, Row]:
        """The articles of those nodes."""
        return {row.node: row for row in self._rows("node = ANY(%s::bigint[])", _array(nodes))}

    def article_features(self, nodes: Sequence[int]) -> dict[int, ArticleFeatures]:
        """What those nodes are compared by."""
        query = f"SELECT {_TRAITS} FROM {_ALL} WHERE node = ANY(%s::bigint[])"  # noqa: S608
        return {row[0]: ArticleFeatures.of_bytes(*row[1:]) for row in self._read(query, (_array(nodes),))}

    def neighbours(self, nodes: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Nodes, what each was similar to when it came, and how much; some of those may not be live any more."""
        query = "SELECT node, neighbours, similarities FROM dedup.contents WHERE node = ANY(%s::bigint[]) ORDER BY node"
        rows = self._read(query, (_array(nodes),)).fetchall()
        others = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.int32).astype(np.int64)
        similarities = np.frombuffer(b"".join(row[2] for row in rows), dtype=np.float32)
        owners = np.repeat(np.array([row[0] for row in rows], dtype=np.int64), [len(row[1]) // 4 for row in rows])
        return owners, others, similarities

    def of_story(self, story: int) -> list[Row]:
        """The articles of a story, by node."""
        return list(self._rows("story = %s ORDER BY node", story))

    def with_copies(self, nodes: Sequence[int]) -> list[int]:
        """Nodes and those they speak for, ascending."""
        query = "SELECT node FROM dedup.articles WHERE speaker = ANY(%s::bigint[]) AND speaker != node"
        return sorted([*nodes, *self._nodes(query, _array(nodes))])

    def first_copies(self, nodes: Sequence[int]) -> dict[int, int]:
        """The first copy of each of the nodes that have any."""
        query = (
            "SELECT speaker, min(node) FROM dedup.articles WHERE speaker = ANY(%s::bigint[]) AND speaker != node "
            "GROUP BY speaker"
        )
        return dict(self._read(query, (_array(nodes),)).fetchall())

    def before(self, day: float) -> list[int]:
        """Nodes of the articles kept by an earlier day, ascending."""
        return self._nodes("SELECT node FROM dedup.articles WHERE kept_by_day < %s ORDER BY node", day)

    def outlines(self, leading: int) -> Iterator[Outline]:
        """What memory needs of all articles, by node, some at a time; of their features so many."""
        last, condition = -1, f"node > %s ORDER BY node LIMIT {_OUTLINES_AT_ONCE}"
        while len((outline := self._outline(condition, leading, last)).nodes):
            yield outline
            last = int(outline.nodes[-1])

    def canonical_since(self, node: int) -> Iterator[tuple[int, NDArray[np.uint32], NDArray[np.uint8]]]:
        """Features and counts of the articles from that node on that are no copies, by node."""
        query = (
            f"SELECT node, features, counts FROM {_ALL} WHERE node >= %s AND speaker = node "  # noqa: S608
            f"ORDER BY node LIMIT {_CONTENTS_AT_ONCE}"
        )
        while rows := self._read(query, (node,)).fetchall():
            for found, features, counts in rows:
                yield found, np.frombuffer(features, dtype=np.uint32), np.frombuffer(counts, dtype=np.uint8)
            node = rows[-1][0] + 1

    def sources_since(self, node: int) -> list[str]:
        """Sources of the articles from that node on, sorted."""
        query = "SELECT DISTINCT source FROM dedup.articles WHERE node >= %s ORDER BY source"
        return [source.decode() for (source,) in self._read(query, (node,))]

    def count_of_source(self, source: str, since_node: int) -> int:
        """How many articles a source has from that node on."""
        query = "SELECT count(*) FROM dedup.articles WHERE sha256(source) = %s AND node >= %s"
        return int(self._one(query, _key(source), since_node)[0])

    def latest_of_source(self, source: str, count: int) -> list[Row]:
        """The latest articles of a source, so many at most, by node."""
        return list(self._rows("sha256(source) = %s ORDER BY node DESC LIMIT %s", _key(source), count))[::-1]

    def learned_sources(self) -> list[str]:
        """The sources of which something was learned, sorted."""
        return [source.decode() for (source,) in self._read("SELECT source FROM dedup.habits ORDER BY source")]

    def learned_residue(self, source: str) -> LearnedResidue:
        """What was learned of a source."""
        query = "SELECT next_node, articles, keys, anywhere FROM dedup.habits WHERE sha256(source) = %s"
        return LearnedResidue.of_bytes(*self._read(query, (_key(source),)).fetchone() or (0, 0, b"", b""))

    def set_learned_residue(self, source: str, learned_residue: LearnedResidue) -> None:
        """Store what was learned of a source."""
        values = (
            learned_residue.next_node,
            learned_residue.articles,
            learned_residue.keys.tobytes(),
            learned_residue.anywhere.tobytes(),
        )
        self._write("DELETE FROM dedup.habits WHERE sha256(source) = %s", (_key(source),))
        self._write("INSERT INTO dedup.habits VALUES (%s, %s, %s, %s, %s)", (source.encode(), *values))

    def delete_unused_residue(self) -> None:
        """Delete what was learned of sources that have no articles any more."""
        self._write(
            "DELETE FROM dedup.habits WHERE NOT EXISTS "
            "(SELECT FROM dedup.articles WHERE sha256(articles.source) = sha256(habits.source))"
        )

    def story_ids(self, since_day: float | None, min_size: int) -> list[int]:
        """Stories with an article of that day or later and so many articles, the latest first."""
        query = (
            "SELECT story FROM dedup.articles GROUP BY story HAVING count(*) >= %s AND max(kept_by_day) >= %s "
            "ORDER BY max(kept_by_day) DESC, story"
        )
        return self._nodes(query, min_size, -1e300 if since_day is None else since_day)

    def count(self) -> int:
        """How many articles there are."""
        return int(self._one("SELECT count(*) FROM dedup.articles")[0])

    def finish(self) -> None:
        """Let the index be opened as a whole one, when all was copied."""
        self._write("DELETE FROM dedup.parameters WHERE name = %s", (UNFINISHED,))

    def _change(self, change: str, condition: str, *values: Any) -> None:
        """Change articles so that others see it."""
        query = f"UPDATE dedup.articles SET changed = %s, {change} WHERE {condition}"  # noqa: S608
        self._write(query, (self._server.moment + 1, *values))

    def _one(self, query: str, *values: Any) -> Any:
        return self._read(query, values).fetchone()

    def _nodes(self, query: str, *values: Any) -> list[int]:
        return [node for (node,) in self._read(query, values)]

    def _rows(self, condition: str, *values: Any) -> Iterator[Row]:
        for row in self._read(f"SELECT {_ROW} FROM {_ALL} WHERE {condition}", values):  # noqa: S608
            node, name, digest, day, kept_by_day, story, canonical, source, fields = row
            yield Row(node, name.decode(), digest, day, kept_by_day, story, canonical, source.decode(), fields.decode())

    def _outline(self, condition: str, leading: int, *values: Any) -> Outline:
        columns = "node, day, story, speaker, norm, length(counts), bands, substring(features FROM 1 FOR %s)"
        query = f"SELECT {columns} FROM {_ALL} WHERE {condition}"  # noqa: S608
        return Outline.of_rows(self._read(query, (4 * leading, *values)).fetchall())


def _array(nodes: Sequence[int]) -> str:
    """Nodes as PostgreSQL writes an array: thousands go over in a tenth of the time of a list."""
    return f"{{{','.join(map(str, nodes))}}}"


def _key(text: str) -> bytes:
    """What a text is found by."""
    return sha256(text.encode()).digest()
