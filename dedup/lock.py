"""A lock that ends with the process that holds it."""

import sqlite3
from pathlib import Path


def hold(path: str | Path) -> sqlite3.Connection | None:
    """Take a lock until it is closed or the process ends in any way; None when another process holds it.

    Raises
    ------
    OSError
        When the file cannot be created or locked.
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
