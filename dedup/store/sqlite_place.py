"""Where the SQLite file of an index is, which file is there, and a connection to it."""

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from dedup.disk import make_private

MEMORY = ":memory:"

_ALLOWED = "allowed: a new file or one that a StoryIndex made"
ALLOWED_TO_READ = "allowed with read_only=True: a file that a StoryIndex without it has made"

#: What a reader meets who may not write beside the file, where SQLite would keep what all connections share.
_MAY_NOT_WRITE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}

_Identity = tuple[int, int] | None


class Signature(NamedTuple):
    """Which file is at a place, and what changes when it is written."""

    identity: _Identity
    size: int
    changed: int
    logged: int  # size of what is still in its log


class Connected(NamedTuple):
    """A connection; the file is as it was when the signature was taken, or has been written since."""

    database: sqlite3.Connection
    signature: Signature
    is_immutable: bool  # SQLite takes it that nobody writes to the file


def real_path(path: str | Path) -> str:
    """Return the real name of the file, so that a link to it has the same lock."""
    return MEMORY if str(path) == MEMORY else str(Path(path).resolve())


def identity_of(place: str) -> _Identity:
    """Return what tells a file from one that takes its place; None where there is none."""
    try:
        status = os.stat(place)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def signature_of(place: str) -> Signature:
    """Return the signature of the file at a place."""
    try:
        status = os.stat(place)
    except OSError:
        return Signature(None, 0, 0, 0)
    log = log_of(place)
    logged = os.path.getsize(log) if os.path.exists(log) else 0
    return Signature((status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns, logged)


def log_of(place: str) -> str:
    """Return the file in which SQLite keeps what was written last to the file at a place."""
    return f"{os.path.realpath(place)}-wal"


def connect(path: str | Path, *, read_only: bool) -> Connected:
    """Return a connection to a file, which is made when it is not there and may be; nothing was read from it yet."""
    place = real_path(path)
    if read_only:
        _require_something(path, place)
    try:
        if not read_only and place != MEMORY:
            make_private(place)
        signature = signature_of(place)  # before, so that what is written from now on is noticed
        return Connected(_connection(f"{Path(place).as_uri()}?mode=ro" if read_only else place), signature, False)
    except (sqlite3.Error, OSError) as error:
        raise OSError(f"{path} cannot be opened: {error}; {_ALLOWED}") from error


def connect_again(path: str | Path, signature: Signature, error: sqlite3.OperationalError) -> Connected:
    """Return a connection for a reader who may not write beside a file; raise OSError where that is not the matter.

    Where the log is empty, nobody writes: what is in the file is all there is.
    """
    place = real_path(path)
    if error.sqlite_errorcode & 0xFF not in _MAY_NOT_WRITE:
        raise OSError(f"{path} cannot be read: {error}; {_ALLOWED}") from error
    if signature.logged:
        raise OSError(
            f"{path} cannot be read: its last articles are in {path}-wal, which only someone who may write to the "
            f'folder can read; allowed: to open it once as its owner, or a copy: sqlite3 {path} ".backup copy.db"'
        ) from error
    return Connected(_connection(f"{Path(place).as_uri()}?mode=ro&immutable=1"), signature, True)


def _connection(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, uri=name.startswith("file:"), isolation_level=None, check_same_thread=False)


def _require_something(path: str | Path, place: str) -> None:
    """Refuse to read what is not there.

    The file is not opened to see: closing it again would end the locks of another connection in this process.
    """
    if place == MEMORY:
        raise ValueError(f"{path} is empty whenever it is opened; {ALLOWED_TO_READ}")
    if os.path.isdir(place):
        raise IsADirectoryError(f"{path} is a folder; {ALLOWED_TO_READ}")
    if not os.path.exists(place):
        raise FileNotFoundError(f"{path} is not there; {ALLOWED_TO_READ}")
    if not os.access(place, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(f"{path} may not be read by this user; allowed: a file with the right to read it")
    if not os.path.getsize(place):
        raise ValueError(f"{path} is empty; {ALLOWED_TO_READ}")
