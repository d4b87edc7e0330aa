"""Which store a path or URL means."""

from collections.abc import Mapping
from pathlib import Path

from dedup.store.file import read_about as read_about_file
from dedup.store.protocol import Store
from dedup.store.sqlite import SqliteStore

_PREFIXES = ("postgresql://", "postgres://")


def open_store(
    path: str | Path, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool = False
) -> Store:
    """The store at a path or URL, made when it is not there.

    Raises
    ------
    ImportError
        When what it needs is not installed.
    ValueError, RuntimeError, OSError
        See the stores.
    """
    if not _is_url(path):
        return SqliteStore(path, parameters, versions, read_only=read_only)
    _require_psycopg()
    from dedup.store.postgres import PostgresStore  # what it needs is an extra

    return PostgresStore(str(path), parameters, versions, read_only=read_only)


def read_about(path: str | Path) -> tuple[dict[str, str], dict[str, str]]:
    """Parameters and versions that the index at a path or URL was made with.

    Raises
    ------
    ImportError, ValueError, OSError
    """
    if not _is_url(path):
        return read_about_file(path)
    _require_psycopg()
    from dedup.store.server import read_about as read_about_server

    return read_about_server(str(path))


def _is_url(path: str | Path) -> bool:
    return isinstance(path, str) and path.startswith(_PREFIXES)


def _require_psycopg() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ImportError('an index in PostgreSQL needs psycopg: pip install "dedup-stories[postgres]"') from error
