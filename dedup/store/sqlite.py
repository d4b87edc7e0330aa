"""A StoryIndex in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

APPLICATION_ID = 0x64656475  # "dedu"
FORMAT = 1

_ALLOWED = "allowed: a new file or one that a StoryIndex made"

_SCHEMA = """
CREATE TABLE parameters (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    node INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, day REAL,
    kept_by_day REAL NOT NULL, story INTEGER NOT NULL, speaker INTEGER NOT NULL, fields TEXT NOT NULL,
    bands BLOB NOT NULL, keys BLOB NOT NULL, counts BLOB NOT NULL
);
CREATE INDEX articles_by_story ON articles (story);
CREATE INDEX articles_by_speaker ON articles (speaker);
CREATE INDEX articles_by_day ON articles (kept_by_day);
CREATE TABLE edges (node INTEGER, other INTEGER, similarity REAL, PRIMARY KEY (node, other)) WITHOUT ROWID;
CREATE TABLE stories (story INTEGER PRIMARY KEY AUTOINCREMENT, merged_into INTEGER);
"""


class Row(NamedTuple):
    """An article as it is stored.

    Attributes
    ----------
    node : int
        Its number, never used again.
    id : str
    digest : bytes
        Of its fields: equal for equal content.
    day : float or None
        Publication in days since 1970.
    kept_by_day : float
        The day that `expire` goes by: of an undated article, the latest day known when it came.
    story : int
    speaker : int
        Node of the article that speaks for its copies; its own when it is no copy.
    fields : str
        Its fields as JSON.
    bands, keys, counts : ndarray
        See `dedup.stream.reading.Reading`.
    """

    node: int
    id: str
    digest: bytes
    day: float | None
    kept_by_day: float
    story: int
    speaker: int
    fields: str
    bands: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    counts: NDArray[np.uint8]


class SqliteStore:
    """Articles, their stories and similarities in a SQLite database.

    Parameters
    ----------
    path : str or Path
        File, made when it is not there; ":memory:" for none.
    parameters : mapping of str to str
        What the index was made with; a file made with others is refused.

    Raises
    ------
    ValueError
        When the file is another program's, of another format, or made with other parameters.
    RuntimeError
        When another StoryIndex has it open.
    OSError
        When it cannot be read or written.
    """

    def __init__(self, path: str | Path, parameters: Mapping[str, str]) -> None:
        # By its real name, so that a link to it has the same lock.
        place = ":memory:" if str(path) == ":memory:" else str(Path(path).resolve())
        self._lock = _locked(place)
        try:
            self._db = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            if self._lock is not None:
                self._lock.close()
            raise OSError(f"{path} cannot be opened: {error}; {_ALLOWED}") from error
        try:
            self._open(str(path), parameters)
        except BaseException:
            self.close()
            raise

    def _open(self, path: str, parameters: Mapping[str, str]) -> None:
        try:
            application = self._db.execute("PRAGMA application_id").fetchone()[0]
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.OperationalError as error:
            raise OSError(f"{path} cannot be read: {error}; {_ALLOWED}") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{path} is no database: {error}; {_ALLOWED}") from error
        if application != APPLICATION_ID and (tables or application):
            raise ValueError(f"{path} is another program's database; {_ALLOWED}")
        if tables and version != FORMAT:
            raise ValueError(f"{path} has format {version}; allowed: {FORMAT}, or open it with the dedup that made it")
        if tables:
            self._require_same(path, parameters)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            if not tables:
                self._make(parameters)
        except sqlite3.OperationalError as error:
            raise OSError(f"{path} cannot be written: {error}; {_ALLOWED}") from error
        self._db.execute("PRAGMA synchronous = NORMAL")

    def _make(self, parameters: Mapping[str, str]) -> None:
        with self.transaction():
            for statement in _SCHEMA.split(";\n"):
                self._db.execute(statement)
            self._db.executemany("INSERT INTO parameters VALUES (?, ?)", parameters.items())
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {FORMAT}")

    def _require_same(self, path: str, parameters: Mapping[str, str]) -> None:
        stored = dict(self._db.execute("SELECT name, value FROM parameters"))
        for name in sorted(stored.keys() | parameters.keys()):
            if stored.get(name) != parameters.get(name):
                raise ValueError(
                    f"{path} was made with {name}={stored.get(name)}, not {parameters.get(name)}; "
                    "allowed: the same parameters, or a new file"
                )

    def close(self) -> None:
        """Close the file and let go of the lock."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def new_story(self) -> int:
        """The number of a new story, never used before."""
        return int(self._db.execute("INSERT INTO stories (merged_into) VALUES (NULL)").lastrowid or 0)

    def merge(self, story: int, into: int) -> None:
        """Put all of a story into another, and keep an alias."""
        self._db.execute("UPDATE articles SET story = ? WHERE story = ?", (into, story))
        self._db.execute("UPDATE stories SET merged_into = ? WHERE story = ?", (into, story))

    def resolve(self, story: int) -> int | None:
        """The story that this one is part of by now; None when there was none."""
        while True:
            row = self._db.execute("SELECT merged_into FROM stories WHERE story = ?", (story,)).fetchone()
            if row is None:
                return None
            if row[0] is None:
                return story
            story = row[0]

    def insert(self, row: Row) -> int:
        """Store an article; its node is given here when it is 0."""
        cursor = self._db.execute(
            "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row.node or None, *row[1:8], row.bands.tobytes(), _packed(row.keys), row.counts.tobytes()),
        )
        return int(cursor.lastrowid or 0)

    def delete(self, nodes: Sequence[int]) -> None:
        """Delete articles with their similarities."""
        for node in nodes:
            self._db.execute("DELETE FROM articles WHERE node = ?", (node,))
            neighbours = "SELECT other FROM edges WHERE node = ?"
            self._db.execute(f"DELETE FROM edges WHERE other = ? AND node IN ({neighbours})", (node, node))  # noqa: S608
            self._db.execute("DELETE FROM edges WHERE node = ?", (node,))

    def connect(self, node: int, others: Iterable[tuple[int, float]]) -> None:
        """Store the similarities of a node to others."""
        for other, similarity in others:
            self._db.execute("INSERT OR REPLACE INTO edges VALUES (?, ?, ?)", (node, other, similarity))
            self._db.execute("INSERT OR REPLACE INTO edges VALUES (?, ?, ?)", (other, node, similarity))

    def place(self, nodes: Iterable[int], story: int) -> None:
        """Put articles into a story, with those they speak for."""
        for node in nodes:
            self._db.execute("UPDATE articles SET story = ? WHERE speaker = ?", (story, node))

    def speak_for(self, speaker: int, former: int) -> None:
        """Let an article speak for those that another one spoke for."""
        self._db.execute("UPDATE articles SET speaker = ? WHERE speaker = ?", (speaker, former))

    def by_id(self, article_id: str) -> Row | None:
        """The article of that id."""
        return next(self._rows("WHERE id = ?", (article_id,)), None)

    def by_node(self, node: int) -> Row:
        """The article of that node."""
        return next(self._rows("WHERE node = ?", (node,)))

    def speakers(self, story: int) -> list[int]:
        """The nodes of a story that are no copies, ascending."""
        query = "SELECT node FROM articles WHERE story = ? AND speaker = node ORDER BY node"
        return [node for (node,) in self._db.execute(query, (story,))]

    def of_story(self, story: int) -> list[Row]:
        """The articles of a story, by node."""
        return list(self._rows("WHERE story = ? ORDER BY node", (story,)))

    def of_speaker(self, node: int) -> list[Row]:
        """The articles that one speaks for, itself included, by node."""
        return list(self._rows("WHERE speaker = ? ORDER BY node", (node,)))

    def before(self, day: float) -> list[Row]:
        """The articles kept by an earlier day, by node."""
        return list(self._rows("WHERE kept_by_day < ? ORDER BY node", (day,)))

    def everything(self) -> Iterator[Row]:
        """All articles, by node."""
        return self._rows("ORDER BY node", ())

    def features(self, nodes: Sequence[int]) -> list[tuple[NDArray[np.uint64], NDArray[np.uint8]]]:
        """Keys and counts of each of the nodes."""
        found = []
        for node in nodes:
            keys, counts = self._db.execute("SELECT keys, counts FROM articles WHERE node = ?", (node,)).fetchone()
            found.append((_unpacked(keys), np.frombuffer(counts, dtype=np.uint8)))
        return found

    def edges(self, node: int) -> dict[int, float]:
        """Similarities of a node."""
        return dict(self._db.execute("SELECT other, similarity FROM edges WHERE node = ?", (node,)))

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

    def _rows(self, where: str, values: tuple[Any, ...]) -> Iterator[Row]:
        columns = "node, id, digest, day, kept_by_day, story, speaker, fields, bands, keys, counts"
        for row in self._db.execute(f"SELECT {columns} FROM articles {where}", values):  # noqa: S608 (no outside text)
            node, article_id, digest, day, kept_by_day, story, speaker, fields, bands, keys, counts = row
            arrays = np.frombuffer(bands, dtype=np.uint64), _unpacked(keys), np.frombuffer(counts, dtype=np.uint8)
            yield Row(node, article_id, digest, day, kept_by_day, story, speaker, fields, *arrays)


def _packed(keys: NDArray[np.uint64]) -> bytes:
    """The six bytes that each key has."""
    return keys.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :6].tobytes()


def _unpacked(data: bytes) -> NDArray[np.uint64]:
    keys = np.zeros((len(data) // 6, 8), dtype=np.uint8)
    keys[:, :6] = np.frombuffer(data, dtype=np.uint8).reshape(-1, 6)
    return keys.view("<u8").ravel().astype(np.uint64)


def _locked(path: str | Path) -> sqlite3.Connection | None:
    """A lock that one process can hold, and that goes with it however it ends."""
    if str(path) == ":memory:":
        return None
    lock = None
    try:
        lock = sqlite3.connect(f"{path}.lock", isolation_level=None, timeout=0, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if lock is not None:
            lock.close()
        if "locked" in str(error):
            raise RuntimeError(f"{path} is open for writing elsewhere; allowed: one StoryIndex at a time") from error
        raise OSError(
            f"{path} cannot be written: {error}; allowed: a file in a directory that can be written"
        ) from error
    return lock
