"""A connection to the PostgreSQL database of an index: who may use it, who writes, and what happens when it is lost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from dedup.store.sqlite_file import require_same

APPLICATION, FORMAT = "dedup-stories", 1

_ALLOWED = "allowed: a database without a schema 'dedup', or with one that a StoryIndex made"

#: The process that holds this advisory lock of the database writes; the lock ends with its connection.
LOCK = 0x6465647570  # "dedup"

# When the machine of a writer vanishes, the lock has to be free within a minute.
_SESSION = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}

# A data version has the number of the connection above this many bits, and the number of commits below.
_COMMIT_BITS = 48

# Text is stored as UTF-8 bytes: TEXT cannot hold NUL, and depends on the encoding and collation of the database. A key
# of an index has at most a third of a page, so ids and sources are indexed by their SHA-256.
# Expiry deletes row by row: dropping a partition is faster, but blocks all readers, and snapshots would lose rows.
# Writers find what others changed by `changed`. It stands in the narrow table, in which updates are cheap; the wide
# table is rarely updated.
SCHEMA = """
CREATE TABLE dedup.about (application TEXT NOT NULL, format INTEGER NOT NULL);
CREATE TABLE dedup.parameters (name TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE dedup.versions (name TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE dedup.state (
    moment BIGINT NOT NULL, next_node BIGINT NOT NULL, next_story BIGINT NOT NULL, latest DOUBLE PRECISION
);
CREATE TABLE dedup.articles (
    node BIGINT PRIMARY KEY, id BYTEA NOT NULL, digest BYTEA NOT NULL, day DOUBLE PRECISION,
    kept_by_day DOUBLE PRECISION NOT NULL, story BIGINT NOT NULL, speaker BIGINT NOT NULL, source BYTEA NOT NULL,
    norm REAL NOT NULL, changed BIGINT NOT NULL
);
CREATE UNIQUE INDEX articles_by_id ON dedup.articles (sha256(id));
CREATE INDEX articles_by_story ON dedup.articles (story);
CREATE INDEX copies_by_speaker ON dedup.articles (speaker) WHERE speaker != node;
CREATE INDEX articles_by_day ON dedup.articles (kept_by_day);
CREATE INDEX articles_by_source ON dedup.articles (sha256(source), node);
CREATE INDEX articles_by_change ON dedup.articles (changed);
CREATE TABLE dedup.contents (
    node BIGINT PRIMARY KEY, fields BYTEA NOT NULL, neighbours BYTEA NOT NULL, similarities BYTEA NOT NULL,
    bands BYTEA NOT NULL, features BYTEA NOT NULL, counts BYTEA NOT NULL
);
ALTER TABLE dedup.contents ALTER bands SET STORAGE EXTERNAL, ALTER features SET STORAGE EXTERNAL;
CREATE TABLE dedup.gone (node BIGINT PRIMARY KEY, changed BIGINT NOT NULL);
CREATE INDEX gone_by_change ON dedup.gone (changed);
CREATE TABLE dedup.stories (story BIGINT PRIMARY KEY, merged_into BIGINT);
CREATE INDEX aliases ON dedup.stories (merged_into) WHERE merged_into IS NOT NULL;
CREATE TABLE dedup.habits (
    source BYTEA NOT NULL, next_node BIGINT NOT NULL, articles BIGINT NOT NULL, keys BYTEA NOT NULL,
    anywhere BYTEA NOT NULL
);
CREATE UNIQUE INDEX habits_by_source ON dedup.habits (sha256(source));
INSERT INTO dedup.state VALUES (0, 1, 1, NULL);
"""


class State(NamedTuple):
    """The next numbers, and the latest day of any article; None for none."""

    next_node: int
    next_episode: int
    latest: float | None


class PostgresConnection:
    """A connection, opened again when it was lost, with transactions that write one at a time and with snapshots."""

    def __init__(
        self, url: str, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool = False
    ) -> None:
        self._url, self._name = url, name_of(url)
        self._parameters, self._read_only = parameters, read_only
        # Within a transaction or snapshot: the number of transactions that wrote before it, and its state by now.
        self._commits, self._state = 0, State(1, 1, None)
        self._own_commits = self._connections = 0
        self._is_closed = self._is_open = self._wrote = False
        self._connection = self._connect(versions)

    def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        self._connection.close()

    def _read(self, query: str, *values: Any) -> psycopg.Cursor[Any]:
        return self._connection.execute(query, values, binary=True)

    def _write(self, query: str, *values: Any) -> None:
        self._wrote = True
        self._connection.execute(query, values)

    def _insert(self, table: str, types: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert any number of rows with one query."""
        columns = list(map(list, zip(*rows, strict=True)))
        if columns:
            arrays = ", ".join(f"%b::{name}[]" for name in types)  # as text, bytes would be twice as long
            self._write(f"INSERT INTO dedup.{table} SELECT * FROM unnest({arrays})", *columns)  # noqa: S608

    def _set_state(self, **numbers: Any) -> None:
        """Change the state within a transaction, which writes it when it ends."""
        self._wrote = True
        self._state = self._state._replace(**numbers)

    @contextmanager
    def transaction(self) -> Iterator[int]:
        """See `Store.transaction`; other writers wait."""
        if self._is_open:
            raise RuntimeError(f"{self._name} is being read or written by this thread; allowed: to write after that")
        done = "nothing was stored"
        try:
            # At this level each statement sees what was committed before it began, so that after the lock all commits
            # are seen. At another level, which may be the default of the database, those before the lock would be.
            self._begin(f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({LOCK})")
            self._wrote = False
            yield self._data_version()
            if self._wrote:
                query = "UPDATE dedup.state SET moment = %s, next_node = %s, next_story = %s, latest = %s"
                self._connection.execute(query, (self._commits + 1, *self._state))
                done = "whether it was stored is not known, and the same once more does no harm"
            self._connection.execute("COMMIT")
            self._own_commits += self._wrote
        except psycopg.Error as error:
            raise OSError(f"{self._name} cannot be written: {error}; {done}") from error
        finally:
            self._end()

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """See `Store.snapshot`."""
        outermost = not self._is_open
        try:
            if outermost:
                self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield self._data_version()
        except psycopg.Error as error:
            raise OSError(f"{self._name} cannot be read: {error}") from error
        finally:
            if outermost:
                self._end()

    def _commits_known(self, data_version: int) -> int | None:
        """Return the commits that a reader of that data version knows, our own later ones included, or None."""
        connection, commits = divmod(data_version, 1 << _COMMIT_BITS)
        return commits + self._own_commits if connection == self._connections else None

    def _data_version(self) -> int:
        """Return a number that changes with every commit but our own."""
        return (self._connections << _COMMIT_BITS) + self._commits - self._own_commits

    def _begin(self, statement: str) -> None:
        """Begin a transaction, on a new connection when the old one was lost."""
        if self._is_closed:
            raise ValueError(f"{self._name} is closed; allowed: to open another StoryIndex")
        self._is_open = True
        try:
            if not self._connection.closed:
                self._connection.execute(statement)
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
        if self._connection.closed:
            self._connection = self._connect(None)
            self._connection.execute(statement)
        row = self._read("SELECT moment, next_node, next_story, latest FROM dedup.state").fetchone()
        if row is None:
            raise OSError(f"{self._name} has lost its state; {_ALLOWED}")
        self._commits, self._state = row[0], State(*row[1:])

    def _end(self) -> None:
        """Roll back a transaction that is still open."""
        self._is_open = False
        if not self._connection.closed and self._connection.info.transaction_status:
            with suppress(psycopg.Error):  # the transaction was lost with its connection
                self._connection.execute("ROLLBACK")

    def _connect(self, versions: Mapping[str, str] | None) -> psycopg.Connection[Any]:
        """Return a connection to the schema of an index; with versions, make the schema when it is not there."""
        connection = None
        try:
            # Tables grow: without prepared statements each query is planned for their present size.
            connection = psycopg.connect(self._url, autocommit=True, prepare_threshold=None, client_encoding="UTF8")
            for name, value in _SESSION.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            if not _is_ours(connection, self._name):
                if versions is None or self._read_only:
                    raise ValueError(f"{self._name} is empty; {_ALLOWED}")
                _make(connection, self._name, self._parameters, versions)
            require_same(self._name, _pairs(connection, "parameters"), self._parameters)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, psycopg.Error):
                raise OSError(f"{self._name} cannot be opened: {error}; {_ALLOWED}") from error
            raise
        self._connections += 1
        return connection


def name_of(url: str) -> str:
    """Return what messages call a database.

    Examples
    --------
    >>> name_of("postgresql://ingest:secret@db.example.org/news")
    "PostgreSQL database 'news' on db.example.org"
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:  # its message may quote a password that was not encoded
        allowed = "postgresql://user:password@host:port/database, with other characters percent-encoded"
        raise ValueError(f"the path is no PostgreSQL URL; allowed: {allowed}") from None
    return f"PostgreSQL database {parts.get('dbname', '')!r} on {parts.get('host') or 'this machine'}"


def read_about(url: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters and the versions that the index in a database was made with, or raise an error."""
    name = name_of(url)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            if not _is_ours(connection, name):
                raise ValueError(f"{name} is empty; {_ALLOWED}")
            return _pairs(connection, "parameters"), _pairs(connection, "versions")
    except psycopg.Error as error:
        raise OSError(f"{name} cannot be read: {error}; {_ALLOWED}") from error


def _pairs(connection: psycopg.Connection[Any], table: str) -> dict[str, str]:
    return dict(connection.execute(f"SELECT name, value FROM dedup.{table}").fetchall())  # noqa: S608


def _is_ours(connection: psycopg.Connection[Any], name: str) -> bool:
    """Return whether there is an index; refuse a schema that is no index of this format."""
    query = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('dedup')"
    if connection.execute(query).fetchone() == (0,):
        return False
    try:
        rows = connection.execute("SELECT application, format FROM dedup.about").fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        rows = []
    if [application for application, _ in rows] != [APPLICATION]:
        raise ValueError(f"{name} has another program's schema 'dedup'; {_ALLOWED}")
    if rows != [(APPLICATION, FORMAT)]:
        raise ValueError(f"{name} has format {rows[0][1]}; allowed: {FORMAT}, or open it with the dedup that made it")
    return True


def _make(
    connection: psycopg.Connection[Any], name: str, parameters: Mapping[str, str], versions: Mapping[str, str]
) -> None:
    """Make the schema, unless another process has just made it."""
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # sees what another process has just made
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        if _is_ours(connection, name):
            return
        # An administrator may have made the empty schema, where users may not make any.
        if connection.execute("SELECT to_regnamespace('dedup')").fetchone() == (None,):
            connection.execute("CREATE SCHEMA dedup")
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO dedup.about VALUES (%s, %s)", (APPLICATION, FORMAT))
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO dedup.parameters VALUES (%s, %s)", parameters.items())
            cursor.executemany("INSERT INTO dedup.versions VALUES (%s, %s)", versions.items())
