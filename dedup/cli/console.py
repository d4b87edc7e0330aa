"""Data on standard output; notes, and on a terminal progress, on standard error."""

import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from dedup.inputs import InputError
from dedup.wording import visible

#: Seconds between two updates of a line of progress.
_REDRAWN_EVERY = 0.1


class BadInputError(InputError):
    """An argument or an input of the user's is not allowed."""


class FailedError(Exception):
    """A command is allowed, but cannot be done here and now."""


class Console:
    """Notes of a command, which begin with its name, and progress if standard error is a terminal."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._drawn, self._is_dirty = 0.0, False
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def note(self, message: str) -> None:
        """Write a line to standard error."""
        self.clear()
        if sys.stderr is not None:
            # Standard error may have any encoding; characters that it lacks become escapes.
            encoding = sys.stderr.encoding or "utf-8"
            text = f"{self._command}: {visible(message)}".encode(encoding, "backslashreplace").decode(encoding)
            sys.stderr.write(f"{text}\n")

    def progress(self, what: str) -> Callable[[int, int | None], None]:
        """Return a callable that takes how many articles are done, and how many there are if that is known."""

        def update(done: int, total: int | None = None) -> None:
            now = time.monotonic()
            if not self.is_terminal or (now - self._drawn < _REDRAWN_EVERY and done != total):
                return
            self._drawn = now
            of_all = f" of {total:,}" if total is not None else ""
            self.draw(f"{what}: {done:,}{of_all} articles")

        return update

    def draw(self, line: str) -> None:
        """Write a line of progress in place of the one before, if standard error is a terminal."""
        if self.is_terminal:
            self._is_dirty = True
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Remove the line of progress."""
        if self._is_dirty:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_dirty = False


class NoteHandler(logging.Handler):
    """Writes what the library logs to the console."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a note."""
        self._console.note(record.getMessage())


def emit(data: bytes | str) -> None:
    """Write data to standard output, text as UTF-8 whatever the locale is."""
    if sys.stdout is None:
        raise FailedError("standard output is closed")
    if isinstance(data, str):
        data = data.encode("utf-8", "backslashreplace")
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(data)
    else:  # a notebook, or a test
        sys.stdout.write(data.decode())


def flush() -> None:
    """Flush standard output."""
    if sys.stdout is not None:
        sys.stdout.flush()


def silence_output() -> None:
    """Let Python close standard output without an error when it cannot be written."""
    try:
        flush()
    except OSError:
        with suppress(OSError, ValueError):  # it is no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
