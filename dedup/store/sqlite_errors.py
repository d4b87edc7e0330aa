"""What an error says of the file of an index: that it is damaged, or cannot be read or written by now."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dedup.wording import visible_line

# Of the disk, of rights, and of other programs: the contents are as they were.
_OF_THE_DISK = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOLFS,
}
_OF_THE_CONTENTS = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}

# What numbers, texts and arrays raise that are not what was written; and mistakes of this library.
_UNEXPECTED = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


def is_of_the_disk(error: sqlite3.Error) -> bool:
    """Return whether the contents of the file are not at fault.

    Examples
    --------
    >>> try:
    ...     sqlite3.connect("file:nowhere.db?mode=ro", uri=True)
    ... except sqlite3.Error as error:
    ...     is_of_the_disk(error)
    True
    """
    code = _code_of(error)
    return code != sqlite3.SQLITE_IOERR_SHORT_READ and code & 0xFF in _OF_THE_DISK


def damaged(path: str | Path, error: object) -> OSError:
    """Return what to raise for a file whose contents are not those that were written.

    Examples
    --------
    >>> print(damaged("stories.db", "page 3"))
    stories.db is damaged: page 3; allowed: a copy from before, or what `sqlite3 stories.db .recover` saves
    """
    said = visible_line(str(error), 200)  # it may quote what is in the file
    return OSError(f"{path} is damaged: {said}; allowed: a copy from before, or what `sqlite3 {path} .recover` saves")


@contextmanager
def explained(path: str | Path, doing: str, after: str, damage: Callable[[], str | None]) -> Iterator[None]:
    """Raise OSError for what fails inside because the file cannot be read or written, or is damaged.

    `damage` checks the file; it is asked when an error is none that this library raises on purpose.
    """
    try:
        yield
    except sqlite3.Error as error:
        found = None
        if not is_of_the_disk(error):
            found = str(error) if _code_of(error) & 0xFF in _OF_THE_CONTENTS else damage()
        if found is None and isinstance(error, sqlite3.IntegrityError):
            raise  # of what was to be written, which may come from another file
        if found is None:
            raise OSError(f"{path} cannot be {doing}: {error}; {after}") from error
        raise damaged(path, found) from error
    except _UNEXPECTED as error:
        found = None if _is_on_purpose(error) else damage()
        if found is None:
            raise
        raise damaged(path, found) from error


def _code_of(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)


def _is_on_purpose(error: Exception) -> bool:
    """Return whether the error says what is allowed, or which id leads nowhere."""
    said = str(error)
    return "allowed" in said or "has the id" in said
