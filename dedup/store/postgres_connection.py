"""A connection to the PostgreSQL database of an index: who may use it, who writes, and what happens when it is lost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg

from dedup.store.database_url import name_of
from dedup.store.postgres_schema import ALLOWED, ALLOWED_TO_READ, FORMAT, LOCK, convert, make, pairs, reach, version_of
from dedup.store.sqlite_file import require_same, with_new_parameters

# When the machine of a writer vanishes, the lock has to be free within a minute.
_SESSION = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}

# A data version has the number of the connection above this many bits, and the number of commits below.
_COMMIT_BITS = 48

# What a reader of an older format sees in place of the tables that it lacks: those of format 2, and of format 4.
_CHAPTERS = "(SELECT 0::bigint AS episode, 0::bigint AS story, 0::bigint AS told WHERE false) AS chapters"
_CHANGES = (
    "(SELECT 0::bigint AS cursor, 0::float8 AS day, '' AS kind, 0::bigint AS story, NULL::bigint AS episode, "
    "NULL::bytea AS article, NULL::bigint AS merged_into, NULL::bigint AS decision WHERE false) AS changes"
)
_CHANGES_BEFORE_DECISIONS = (
    "(SELECT cursor, day, kind, story, episode, article, merged_into, NULL::bigint AS decision FROM dedup.changes) "
    "AS changes"
)
_DECISIONS = "(SELECT 0::bigint AS cursor, '' AS kind, '' AS facts WHERE false) AS decisions"
_STATE = "(SELECT 0::bigint AS decided) AS state"
_NONE_BEFORE_DECISIONS = {"dedup.decisions": _DECISIONS, "dedup.state": _STATE}
_NONE = {
    1: {"dedup.chapters": _CHAPTERS, "dedup.changes": _CHANGES, **_NONE_BEFORE_DECISIONS},
    2: {"dedup.changes": _CHANGES_BEFORE_DECISIONS, **_NONE_BEFORE_DECISIONS},
    3: {"dedup.changes": _CHANGES_BEFORE_DECISIONS, **_NONE_BEFORE_DECISIONS},
}


def array_of(nodes: Sequence[int]) -> str:
    """Return nodes as PostgreSQL writes an array: thousands transfer in a tenth of the time of a list."""
    return f"{{{','.join(map(str, nodes))}}}"


def key_of(text: str) -> bytes:
    """Return the digest by which PostgreSQL's indexes find a text."""
    return sha256(text.encode()).digest()


class State(NamedTuple):
    """The next numbers."""

    next_node: int
    next_episode: int


class PostgresConnection:
    """A connection, opened again when it was lost, with transactions that write one at a time and with snapshots."""

    def __init__(
        self, url: str, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool = False
    ) -> None:
        self._url, self._name = url, name_of(url)
        self._parameters, self._read_only = parameters, read_only
        # Within a transaction or snapshot: the number of transactions that wrote before it, and its state by now.
        self._commits, self._state = 0, State(1, 1)
        self._own_commits = self._connections = 0
        self._is_closed = self._is_open = self._wrote = False
        self._format = FORMAT
        self._connection = self._connect(versions)

    def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        self._connection.close()

    @property
    def _knows_pages(self) -> bool:
        return self._format >= 3

    def _read(self, query: str, *values: Any) -> psycopg.Cursor[Any]:
        for table, none in _NONE.get(self._format, {}).items():
            query = query.replace(table, none)
        return self._connection.execute(query, values, binary=True)

    def _one(self, query: str, *values: Any) -> Any:
        return self._read(query, *values).fetchone()

    def _column(self, query: str, *values: Any) -> list[Any]:
        return [value for (value,) in self._read(query, *values)]

    def _write(self, query: str, *values: Any) -> None:
        self._wrote = True
        self._connection.execute(query, values)

    def _insert(self, *tables: tuple[str, Sequence[str], Iterable[tuple[Any, ...]]]) -> None:
        """Insert any number of rows into tables, of which types of columns are given, with one query."""
        queries, values = list[str](), list[Any]()
        for table, types, rows in tables:
            columns = list(map(list, zip(*rows, strict=True)))
            if columns:
                arrays = ", ".join(f"%b::{name}[]" for name in types)  # as text, bytes would be twice as long
                queries.append(f"INSERT INTO dedup.{table} SELECT * FROM unnest({arrays})")  # noqa: S608
                values += columns
        if queries:
            *before, last = queries
            named = ", ".join(f"of_{number} AS ({query})" for number, query in enumerate(before))
            self._write(f"{named and 'WITH '}{named} {last}", *values)

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
            last = "COMMIT"
            if self._wrote:
                values = f"moment = {self._commits + 1}, next_node = {self._state[0]}, next_story = {self._state[1]}"
                last = f"UPDATE dedup.state SET {values}; COMMIT"  # noqa: S608
                done = "whether it was stored is not known, and the same once more does no harm"
            self._connection.execute(last)
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
        self._is_open, cursor = True, None
        statements = f"{statement}; SELECT moment, next_node, next_story FROM dedup.state"  # noqa: S608
        try:
            if not self._connection.closed:
                cursor = self._connection.execute(statements)  # together: every answer of the server takes a while
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
        if cursor is None or self._connection.closed:
            self._connection = self._connect(None)
            cursor = self._connection.execute(statements)
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        if row is None:
            raise OSError(f"{self._name} has lost its state; {ALLOWED}")
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
            connection = reach(self._url, prepare_threshold=None, client_encoding="UTF8")
            for name, value in _SESSION.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
            version = version_of(connection, self._name)
            if not version:
                if versions is None or self._read_only:
                    raise ValueError(f"{self._name} is empty; {ALLOWED_TO_READ}")
                version = make(connection, self._name, self._parameters, versions)
            stored = with_new_parameters(pairs(connection, "parameters"), version < FORMAT, self._parameters)
            require_same(self._name, stored, self._parameters)
            if version < FORMAT and not self._read_only:
                convert(connection, self._name, self._parameters)
                version = FORMAT
            self._format = version
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, psycopg.Error):
                raise OSError(f"{self._name} cannot be opened: {error}; {ALLOWED}") from error
            raise
        self._connections += 1
        return connection
