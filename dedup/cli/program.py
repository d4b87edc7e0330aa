"""`dedup`: from arguments to an exit code."""

import logging
from collections.abc import Sequence
from importlib import import_module

from dedup.cli.console import Console, FailedError, NoteHandler, flush, silence_output
from dedup.cli.options import build_parser
from dedup.inputs import InputError

OK, FAILED, BAD_INPUT = 0, 1, 2
# As a shell reports a program that a signal ended: 128 and the signal's number.
INTERRUPTED, BROKEN_PIPE = 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `dedup` with these arguments, or with those of the process; return the exit code.

    Examples
    --------
    >>> main(["--version"])  # doctest: +ELLIPSIS
    dedup ...
    0
    """
    try:
        return _run(arguments)
    except BrokenPipeError:
        silence_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
    try:
        given = build_parser().parse_args(arguments)
    except SystemExit as end:  # after --help, --version or a usage error
        flush()
        return end.code if isinstance(end.code, int) else BAD_INPUT
    console = Console(" ".join(["dedup", given.command, *filter(None, [getattr(given, "action", None)])]))
    handler, log = NoteHandler(console), logging.getLogger("dedup")
    log.addHandler(handler)
    try:
        # Imported by name, so that help need not wait for NumPy.
        module, _, function = given.run.partition(":")
        getattr(import_module(module), function)(given, console)
        flush()  # here, where errors are handled
    except BrokenPipeError:
        raise
    except InputError as error:
        console.note(f"error: {error}")
        return BAD_INPUT
    except (FailedError, ImportError, OSError, RuntimeError) as error:
        console.note(f"error: {error}")
        silence_output()  # it may have failed, and would fail again at the end
        return FAILED
    except MemoryError:
        console.note("error: out of memory")
        return FAILED
    except KeyboardInterrupt:
        console.note("interrupted")
        raise
    finally:
        console.clear()
        log.removeHandler(handler)
    return OK
