"""The SQLite file of an index: whether it may be used, what it was made with, and who may write to it."""

import logging
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from dedup.disk import hold
from dedup.parameters import MAX_GAP_DAYS
from dedup.store.former_formats import keep_copy
from dedup.store.serialization import decode_article, digest_of, page_key
from dedup.store.sqlite_check import damage_of
from dedup.store.sqlite_errors import damaged, explained, is_of_the_disk
from dedup.store.sqlite_place import ALLOWED_TO_READ, MEMORY, Connected, connect, connect_again, real_path

_logger = logging.getLogger(__name__)

APPLICATION_ID = 0x64656475  # "dedu"
FORMAT = 6

#: Formats that are read, and converted when they are opened for writing.
OLDER_FORMATS = (3, 4, 5)

#: Parameters that older formats did not have, as they are stored for an index of these that is copied.
NEW_PARAMETERS = {"max_gap_days": repr(MAX_GAP_DAYS), "match_urls": repr(True)}

#: Parameter of an index that is still being copied.
UNFINISHED = "unfinished_copy"

_ALLOWED = "allowed: a new file or one that a StoryIndex made"

SCHEMA = """
CREATE TABLE parameters (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE versions (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    node INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, day REAL,
    kept_by_day REAL NOT NULL, story INTEGER NOT NULL, speaker INTEGER NOT NULL, source TEXT NOT NULL,
    fields TEXT NOT NULL, page INTEGER
);
CREATE INDEX articles_by_story ON articles (story);
CREATE INDEX copies_by_speaker ON articles (speaker) WHERE speaker != node;
CREATE INDEX articles_by_day ON articles (kept_by_day);
CREATE INDEX articles_by_source ON articles (source, node);
CREATE INDEX articles_by_page ON articles (page) WHERE page IS NOT NULL;
CREATE TABLE traits (
    node INTEGER PRIMARY KEY, norm REAL NOT NULL, neighbours BLOB NOT NULL, similarities BLOB NOT NULL,
    bands BLOB NOT NULL, features BLOB NOT NULL, counts BLOB NOT NULL
);
CREATE TABLE stories (story INTEGER PRIMARY KEY AUTOINCREMENT, merged_into INTEGER);
CREATE INDEX aliases ON stories (merged_into) WHERE merged_into IS NOT NULL;
CREATE TABLE other_ids (id TEXT PRIMARY KEY, article TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX other_ids_by_article ON other_ids (article);
CREATE TABLE habits (
    source TEXT PRIMARY KEY, next_node INTEGER NOT NULL, articles INTEGER NOT NULL, keys BLOB NOT NULL,
    anywhere BLOB NOT NULL
);
"""

#: What format 4 has beyond format 3, in which every episode was a story.
STORIES_OF_EPISODES = """
CREATE TABLE chapters (episode INTEGER PRIMARY KEY, story INTEGER NOT NULL, told INTEGER NOT NULL);
CREATE INDEX chapters_by_story ON chapters (story);
CREATE TABLE changes (
    cursor INTEGER PRIMARY KEY, day REAL NOT NULL, kind TEXT NOT NULL, story INTEGER NOT NULL, episode INTEGER,
    article TEXT, merged_into INTEGER
);
"""

#: What format 5 changes in format 4, which did not know pages, and whose digests were of the id and the time zone too.
PAGES_OF_ARTICLES = """
ALTER TABLE articles ADD COLUMN page INTEGER;
UPDATE articles SET page = page_of(fields), digest = digest_of(fields);
CREATE INDEX articles_by_page ON articles (page) WHERE page IS NOT NULL;
CREATE TABLE other_ids (id TEXT PRIMARY KEY, article TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX other_ids_by_article ON other_ids (article);
DROP TABLE latest;
"""

#: What format 6 has beyond format 5: decisions of editors, and which of the changes follow from one.
DECISIONS_OF_EDITORS = """
CREATE TABLE decisions (cursor INTEGER PRIMARY KEY, kind TEXT NOT NULL, facts TEXT NOT NULL);
ALTER TABLE changes ADD COLUMN decision INTEGER;
"""

#: And what articles mean, by the vectors of an encoder.
MEANINGS_OF_ARTICLES = """
ALTER TABLE traits ADD COLUMN vector BLOB NOT NULL DEFAULT x'';
ALTER TABLE traits ADD COLUMN language INTEGER NOT NULL DEFAULT 0;
"""

# These stand before the tables of their names while a file of an older format is only read.
_CHANGES_WITH_DECISIONS = """
CREATE TEMP TABLE decisions (cursor INTEGER PRIMARY KEY, kind TEXT NOT NULL, facts TEXT NOT NULL);
CREATE TEMP VIEW changes AS SELECT
    cursor, day, kind, story, episode, article, merged_into, NULL AS decision FROM main.changes;
"""
_TRAITS_WITH_MEANINGS = """
CREATE TEMP VIEW traits AS SELECT
    node, norm, neighbours, similarities, bands, features, counts, x'' AS vector, 0 AS language FROM main.traits;
"""
_ARTICLES_WITH_PAGES = """
CREATE TEMP VIEW articles AS SELECT
    node, id, digest_of(fields) AS digest, day, kept_by_day, story, speaker, source, fields, page_of(fields) AS page
    FROM main.articles;
CREATE TEMP TABLE other_ids (id TEXT PRIMARY KEY, article TEXT NOT NULL);
"""


def open_file(
    path: str | Path, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool
) -> Connected:
    """Return a connection to the database in a file, made when it is not there; see `SqliteStore`."""
    connected, version = _connect(path, read_only=read_only)
    database = connected.database
    try:
        with explained(path, "opened", _ALLOWED, lambda: damage_of(database)):
            if version:
                stored = dict(database.execute("SELECT name, value FROM parameters"))
                require_same(str(path), with_new_parameters(stored, version < FORMAT, parameters), parameters)
            if not read_only:
                _prepare(database, path, version, parameters, versions)
            elif version < FORMAT:
                _show_as_new(database, version)
    except BaseException:
        database.close()
        raise
    return connected


def read_about(path: str | Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters and the versions that the index in a file was made with, or raise an error."""
    (database, *_), version = _connect(path, read_only=True)
    with closing(database), explained(path, "read", _ALLOWED, lambda: damage_of(database)):
        stored = dict(database.execute("SELECT name, value FROM parameters"))
        parameters = with_new_parameters(stored, version < FORMAT, NEW_PARAMETERS)
        return parameters, dict(database.execute("SELECT name, value FROM versions"))


def with_new_parameters(stored: dict[str, str], is_older: bool, given: Mapping[str, str]) -> dict[str, str]:
    """Return stored parameters; those that an older format did not have are as they are given."""
    return {name: given[name] for name in NEW_PARAMETERS if name in given and is_older} | stored


def _connect(path: str | Path, *, read_only: bool) -> tuple[Connected, int]:
    """Return a connection to the database in a file, and its format, 0 for a new one; refuse one that is no index."""
    connected = connect(path, read_only=read_only)
    try:
        try:
            version = _require_ours(connected.database, path)
        except sqlite3.OperationalError as error:
            connected.database.close()
            if not read_only:
                raise OSError(f"{path} cannot be read: {error}; {_ALLOWED}") from error
            connected = connect_again(path, connected.signature, error)
            version = _require_ours(connected.database, path)
        if not version and read_only:
            raise ValueError(f"{path} has no index yet; {ALLOWED_TO_READ}")
    except BaseException:
        connected.database.close()
        raise
    return connected, version


def _require_ours(database: sqlite3.Connection, path: str | Path) -> int:
    """Return the format of the file, 0 for a new one; refuse one that is no index of a format that is read."""
    try:
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except UnicodeDecodeError as error:  # what SQLite says quotes what it found
        raise damaged(path, error) from error
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise ValueError(f"{path} is no database: {error}; {_ALLOWED}") from error
        if is_of_the_disk(error):
            raise
        raise damaged(path, error) from error
    if application != APPLICATION_ID and (tables or application):
        raise ValueError(f"{path} is another program's database; {_ALLOWED}")
    if tables and version not in (*OLDER_FORMATS, FORMAT):
        raise ValueError(f"{path} has format {version}; allowed: {FORMAT}, or open it with the dedup that made it")
    return int(version) if tables else 0


def require_same(path: str, stored: Mapping[str, str], parameters: Mapping[str, str]) -> None:
    """Refuse an index that was made with other parameters, or an unfinished copy."""
    if stored.keys() - parameters.keys() == {UNFINISHED}:
        raise ValueError(f"{path} is an unfinished copy; allowed: to delete it, and to copy again")
    if parameters.keys() - stored.keys() == {UNFINISHED}:
        raise ValueError(f"{path} has an index already; allowed: where there is none")
    for name in sorted(stored.keys() | parameters.keys()):
        if stored.get(name) != parameters.get(name):
            made = f"{path} was made with {name}={stored.get(name)}, not {parameters.get(name)}"
            raise ValueError(f"{made}; allowed: the same parameters, or a new file")


def _prepare(
    database: sqlite3.Connection,
    path: str | Path,
    version: int,
    parameters: Mapping[str, str],
    versions: Mapping[str, str],
) -> None:
    """Prepare a database for writing: make the tables of a new one, or convert an older one, in one transaction."""
    if not version:
        database.execute("PRAGMA page_size = 8192")  # most articles fit on a page
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    if version == FORMAT:
        database.execute("PRAGMA user_version").fetchone()  # in WAL mode the first read makes the log
        return
    if version:
        kept = keep_copy(database, real_path(path), version)
        _logger.warning("%s has format %d and is converted to %d; as it was it is in %s", path, version, FORMAT, kept)
    database.execute("BEGIN IMMEDIATE")
    if not version:
        _execute(database, SCHEMA)
        database.executemany("INSERT INTO versions VALUES (?, ?)", versions.items())
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    if version in (0, 3):
        _execute(database, STORIES_OF_EPISODES)
    if version in (3, 4):
        _add_functions(database)
        _execute(database, PAGES_OF_ARTICLES)
    _execute(database, DECISIONS_OF_EDITORS)
    _execute(database, MEANINGS_OF_ARTICLES)
    database.executemany("INSERT OR IGNORE INTO parameters VALUES (?, ?)", parameters.items())
    database.execute(f"PRAGMA user_version = {FORMAT}")
    database.execute("COMMIT")


def _show_as_new(database: sqlite3.Connection, version: int) -> None:
    """Add tables of this connection alone to a file of an older format that is only read."""
    database.execute("PRAGMA temp_store = MEMORY")
    _execute(database, _TRAITS_WITH_MEANINGS)
    if version in (3, 4):
        _add_functions(database)
        _execute(database, _ARTICLES_WITH_PAGES)
    if version == 3:
        of_this_connection = STORIES_OF_EPISODES + DECISIONS_OF_EDITORS.lstrip()
        _execute(
            database, of_this_connection.replace("CREATE TABLE", "CREATE TEMP TABLE").replace("INDEX ", "INDEX temp.")
        )
    else:
        _execute(database, _CHANGES_WITH_DECISIONS)


def _add_functions(database: sqlite3.Connection) -> None:
    """Let a connection compute what older formats lack, from the fields of an article."""
    for name, of in (("page_of", page_key), ("digest_of", digest_of)):
        database.create_function(name, 1, lambda fields, of=of: of(decode_article(fields)), deterministic=True)


def _execute(database: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        database.execute(statement)


def lock_file(path: str | Path) -> AbstractContextManager[object]:
    """Return the lock of an index that is opened for writing; an index in memory needs none."""
    place = real_path(path)
    if place == MEMORY:
        return nullcontext()
    try:
        lock = hold(f"{place}.lock")
    except OSError as error:
        allowed = "a file in a directory that can be written"
        raise OSError(f"{path} cannot be written: {error}; allowed: {allowed}") from error
    if lock is None:
        allowed = "one StoryIndex at a time, others with read_only=True"
        raise RuntimeError(f"{path} is open for writing elsewhere; allowed: {allowed}")
    return closing(lock)
