"""Files on a disk: a lock that ends with its process, and files that are complete or not there."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private(path: str | os.PathLike[str]) -> None:
    """Make an empty file that only its owner reads and writes, unless it is there.

    SQLite gives what it puts beside a database the mode of the database.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def hold(path: str | Path) -> sqlite3.Connection | None:
    """Take a lock until it is closed or the process ends in any way; None when another process holds it.

    Raises
    ------
    OSError
        When the file cannot be created or locked.
    """
    lock = None
    try:
        make_private(path)
        lock = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if lock is not None:
            lock.close()
        if "locked" in str(error):
            return None
        raise OSError(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise OSError(f"{path} is no lock: {error}; delete it, if no process has it") from error
    return lock


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
