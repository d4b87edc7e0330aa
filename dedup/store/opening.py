"""Which store a path or URL means."""

from ast import literal_eval
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dedup.encoders.identity import known_encoder
from dedup.store import database_url, sqlite_file
from dedup.store.protocol import Store
from dedup.store.sqlite import SqliteStore


class _Backend(NamedTuple):
    open: Callable[..., Store]
    read_about: Callable[[str], tuple[dict[str, str], dict[str, str]]]
    name_of: Callable[[str], str]


def _backend(path: str | Path) -> _Backend:
    if not database_url.is_url(path):
        return _Backend(SqliteStore, sqlite_file.read_about, str)
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ImportError('an index in PostgreSQL needs psycopg: pip install "dedup-stories[postgres]"') from error
    from dedup.store import postgres, postgres_schema  # which need psycopg

    return _Backend(postgres.PostgresStore, postgres_schema.read_about, database_url.name_of)


def open_store(
    path: str | Path, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool = False
) -> Store:
    """Return the store at a path or URL, made when it is not there; see the stores for parameters and errors."""
    return _backend(path).open(str(path), parameters, versions, read_only=read_only)


def read_about(path: str | Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters and the versions that the index at a path or URL was made with."""
    return _backend(path).read_about(str(path))


def made_with(path: str | Path) -> dict[str, Any]:
    """Return the parameters of `StoryIndex` that an index was made with; none when there is no index.

    Examples
    --------
    >>> made_with("nowhere.db")
    {}
    """
    try:
        stored, _ = read_about(path)
    except (OSError, ValueError):  # opening it will say what is wrong
        return {}
    parameters = {name: value for name, value in stored.items() if name not in ("hashes", sqlite_file.UNFINISHED)}
    encoder = known_encoder(parameters.pop("encoder", ""))  # one of its own only its program knows
    own = {} if encoder is None else {"encoder": encoder}
    try:
        return own | {name: value if name == "fold" else literal_eval(value) for name, value in parameters.items()}
    except (ValueError, SyntaxError):  # of a damaged file
        return {}


def name_of(path: str | Path) -> str:
    """Return what messages call an index: its URL may have a password.

    Examples
    --------
    >>> name_of("stories.db")
    'stories.db'
    """
    return _backend(path).name_of(str(path))
