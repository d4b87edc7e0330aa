"""A lock that goes with the process that holds it."""

import sqlite3
from pathlib import Path


def hold(path: str | Path) -> sqlite3.Connection | None:
    """A lock that one process can hold, until it is closed or the process ends in whatever way; None when another does.

    Raises
    ------
    OSError
        When the file cannot be made or locked.
    """
    lock = None
    try:
        lock = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if lock is not None:
            lock.close()
        if "locked" in str(error):
            return None
        raise OSError(str(error)) from error
    return lock
