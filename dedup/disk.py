"""Files on a disk: a lock that ends with its process, files that are complete or not there, and what leaves memory."""

import os
import secrets
import shutil
import sqlite3
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Self

#: So many bytes are written at once.
_WRITTEN_AT_ONCE = 1 << 20


def make_private(path: str | os.PathLike[str]) -> None:
    """Make an empty file that only its owner reads and writes, unless it is there.

    SQLite gives what it puts beside a database the mode of the database.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def hold(path: str | Path, patience: float = 0) -> sqlite3.Connection | None:
    """Take a lock until it is closed or the process ends in any way; None when another process holds it.

    `patience` is for how many seconds to wait for a process that only looks whether it is held.

    Raises
    ------
    OSError
        When the file cannot be created or locked.
    """
    lock = None
    try:
        make_private(path)
        lock = sqlite3.connect(path, isolation_level=None, timeout=patience, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if lock is not None:
            lock.close()
        if not isinstance(error, sqlite3.OperationalError):
            raise OSError(f"{path} is no lock: {error}; delete it, if no process has it") from error
        if "locked" not in str(error):
            raise OSError(str(error)) from error
        return None
    return lock


def is_held(path: str | Path) -> bool:
    """Whether a process holds a lock, which stays as it is."""
    if not os.path.exists(path):
        return False
    try:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as lock:
            lock.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:
        return False
    return False


@contextmanager
def complete_file(path: str | os.PathLike[str]) -> Iterator[str]:
    """Give the name of a temporary file, which replaces `path` and takes its mode when the context ends without error.

    A pipe or a device cannot be replaced, and is given itself.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        yield os.fspath(path)
        return
    target = os.path.realpath(path)  # a link stays a link
    folder, name = os.path.split(target)
    # Cut, since a file system allows names of at most 255 bytes.
    partial = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(8)}.partial")
    try:
        yield partial
        if os.path.exists(target):
            shutil.copymode(target, partial)
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())  # or a loss of power could leave an empty file
        os.replace(partial, target)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def write_durably(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file that is there as a whole or not at all, also after a loss of power."""
    with complete_file(path) as partial, open(partial, "wb") as file:
        file.write(data)
    sync_folder(os.path.dirname(os.path.abspath(path)))


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Let the names in a folder survive a loss of power."""
    if os.name == "nt":  # where no folder can be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class StoredBytes:
    """Byte strings in a temporary file instead of in memory, by the number in which they came; threads may read them.

    Examples
    --------
    >>> with StoredBytes() as stored:
    ...     numbers = [stored.append(data) for data in (b"Kim", b"", b"Putin")]
    ...     numbers, [stored[number] for number in reversed(numbers)]
    ([0, 1, 2], [b'Putin', b'', b'Kim'])
    """

    def __init__(self) -> None:
        # Without a buffer: reading here and there would fill it again each time.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed by the context)
        self._bounds = array("Q", [0])
        self._unwritten: list[bytes] = []
        self._unwritten_size = 0
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def append(self, data: bytes) -> int:
        """Store a byte string and return its number.

        Raises
        ------
        OSError
            When the disk is full.
        """
        self._bounds.append(self._bounds[-1] + len(data))
        self._unwritten.append(data)
        self._unwritten_size += len(data)
        if self._unwritten_size >= _WRITTEN_AT_ONCE:
            self._write()
        return len(self) - 1

    def __getitem__(self, number: int) -> bytes:
        start, stop = self._bounds[number : number + 2]
        with self._lock:  # the file has one position
            if self._unwritten:
                self._write()
            self._file.seek(start)
            return self._file.read(stop - start)

    def _write(self) -> None:
        left = memoryview(b"".join(self._unwritten))
        self._file.seek(0, os.SEEK_END)
        while left:
            left = left[self._file.write(left) :]
        self._unwritten, self._unwritten_size = [], 0
