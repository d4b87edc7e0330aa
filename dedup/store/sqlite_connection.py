"""A connection to the file of an index: that it is still this file, and what is read or written at a time."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from dedup.store.sqlite_check import damage_of
from dedup.store.sqlite_errors import explained
from dedup.store.sqlite_file import lock_file, open_file
from dedup.store.sqlite_place import identity_of, log_of, signature_of

# A data version has the number of the connection above this many bits, and what SQLite says below.
_VERSION_BITS = 48

_WRITE_AGAIN = "allowed: the same again, once the disk can be written"
_READ_AGAIN = "allowed: the same again, once the file can be read"


class SqliteConnection:
    """A connection with transactions and snapshots, opened again when a file that is only read was replaced."""

    def __init__(
        self, path: str | Path, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool = False
    ) -> None:
        self._path, self._read_only = path, read_only
        self._place = os.path.abspath(path)  # the folder of the process may change, and where a link leads
        self._made_with = parameters, versions
        self._connections, self._is_closed = 0, False
        with ExitStack() as opened:
            if not read_only:
                opened.enter_context(lock_file(path))
            self._connect(path)
            opened.callback(lambda: self._db.close())
            self._opened = opened.pop_all()

    def _connect(self, path: str | Path) -> None:
        opened = open_file(path, *self._made_with, read_only=self._read_only)
        self._db, self._signature, self._is_immutable = opened
        self._log = log_of(self._place)  # which is there as long as a connection that may write
        self._identities = self._signature.identity, identity_of(self._log)
        self._connections += 1

    def close(self) -> None:
        """Close the connection, and release the lock of the file."""
        if not self._is_closed and not self._read_only and not self._is_same():
            self._empty_log()
        self._is_closed = True
        self._opened.close()

    @contextmanager
    def transaction(self) -> Iterator[int]:
        """See `Store.transaction`."""
        self._require_open()
        if self._db.in_transaction:
            raise RuntimeError(f"{self._path} is being read or written by this thread; allowed: to write after that")
        with self._explained("written", f"nothing was stored; {_WRITE_AGAIN}"):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._data_version()
                if not self._is_same():
                    raise self._replaced("nothing was stored")
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if not self._is_same():
                    self._empty_log()
                raise
        if not self._is_same():  # since it was looked at
            self._empty_log()
            raise self._replaced("what was stored last may be lost")

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """See `Store.snapshot`."""
        self._require_open()
        outermost = not self._db.in_transaction
        if outermost and self._read_only:
            self._follow()
        with self._explained("read", _READ_AGAIN):
            if outermost:
                self._db.execute("BEGIN")
            try:
                self._db.execute("SELECT count(*) FROM versions")  # the first read fixes the state that all reads see
                yield self._data_version()
            finally:
                if outermost and self._db.in_transaction:
                    self._db.execute("COMMIT")
        if outermost and self._is_immutable and signature_of(self._place) != self._signature:
            raise OSError(f"{self._path} was written while it was read; allowed: to ask again")

    def _explained(self, doing: str, after: str) -> AbstractContextManager[None]:
        return explained(self._path, doing, after, lambda: damage_of(self._db))

    def _data_version(self) -> int:
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        return (self._connections << _VERSION_BITS) + int(version)

    def _require_open(self) -> None:
        if self._is_closed:
            raise ValueError(f"{self._path} is closed; allowed: to open another StoryIndex")

    def _is_same(self) -> bool:
        """Return whether the file that was opened, and its log, are still in their places."""
        return (identity_of(self._place), identity_of(self._log)) == self._identities

    def _replaced(self, done: str) -> OSError:
        return OSError(
            f"{self._path} was replaced or removed while it was open for writing; {done}; allowed: to close this "
            "StoryIndex, and to open the file that is there now"
        )

    def _empty_log(self) -> None:
        """Bring what was acknowledged into the file that was replaced.

        SQLite would take its log for that of the file in its place, and spoil that.
        """
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def _follow(self) -> None:
        """Open the file that has replaced the one that was read; an immutable one also when it was written."""
        if self._is_immutable:
            is_same = signature_of(self._place) == self._signature
        else:
            is_same = identity_of(self._place) == self._signature.identity
        if not is_same:
            former = self._db
            self._connect(self._place)
            former.close()
