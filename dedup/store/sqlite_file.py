"""The SQLite file of an index: whether it may be used, what it was made with, and who may write to it."""

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from dedup.disk import hold, make_private
from dedup.parameters import MAX_GAP_DAYS
from dedup.store.serialization import decode_article, digest_of, page_key

APPLICATION_ID = 0x64656475  # "dedu"
FORMAT = 5

#: Formats that are read, and converted when they are opened for writing.
OLDER_FORMATS = (3, 4)

#: Parameters that older formats did not have, as they are stored for an index of these that is copied.
NEW_PARAMETERS = {"max_gap_days": repr(MAX_GAP_DAYS), "match_urls": repr(True)}

#: Parameter of an index that is still being copied.
UNFINISHED = "unfinished_copy"

_MEMORY = ":memory:"

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

# Stands before the table of its name while a file of format 4 is only read.
_ARTICLES_WITH_PAGES = """
CREATE TEMP VIEW articles AS SELECT
    node, id, digest_of(fields) AS digest, day, kept_by_day, story, speaker, source, fields, page_of(fields) AS page
    FROM main.articles;
CREATE TEMP TABLE other_ids (id TEXT PRIMARY KEY, article TEXT NOT NULL);
"""


def open_file(
    path: str | Path, parameters: Mapping[str, str], versions: Mapping[str, str], *, read_only: bool
) -> sqlite3.Connection:
    """Return a connection to the database in a file, made when it is not there; see `SqliteStore`."""
    database, version = _connect(path, read_only=read_only)
    try:
        if version:
            stored = dict(database.execute("SELECT name, value FROM parameters"))
            require_same(str(path), with_new_parameters(stored, version < FORMAT, parameters), parameters)
        if not read_only:
            _prepare(database, path, version, parameters, versions)
        elif version < FORMAT:  # tables of this connection alone
            database.execute("PRAGMA temp_store = MEMORY")
            _add_functions(database)
            _execute(database, _ARTICLES_WITH_PAGES)
            if version == OLDER_FORMATS[0]:
                _execute(database, STORIES_OF_EPISODES.replace("TABLE", "TEMP TABLE").replace("INDEX ", "INDEX temp."))
    except BaseException:
        database.close()
        raise
    return database


def read_about(path: str | Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters and the versions that the index in a file was made with, or raise an error."""
    with closing(_connect(path, read_only=True)[0]) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        stored = dict(database.execute("SELECT name, value FROM parameters"))
        parameters = with_new_parameters(stored, version < FORMAT, NEW_PARAMETERS)
        return parameters, dict(database.execute("SELECT name, value FROM versions"))


def with_new_parameters(stored: dict[str, str], is_older: bool, given: Mapping[str, str]) -> dict[str, str]:
    """Return stored parameters; those that an older format did not have are as they are given."""
    return {name: given[name] for name in NEW_PARAMETERS if name in given and is_older} | stored


def _connect(path: str | Path, *, read_only: bool) -> tuple[sqlite3.Connection, int]:
    """Return a connection to the database in a file, and its format, 0 for a new one; refuse one that is no index."""
    place = real_path(path)
    name = f"{Path(place).as_uri()}?mode=ro" if read_only else place
    try:
        if not read_only and place != _MEMORY:
            make_private(place)
        database = sqlite3.connect(name, uri=read_only, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise OSError(f"{path} cannot be opened: {error}; {_ALLOWED}") from error
    try:
        version = _require_ours(database, path)
        if not version and read_only:
            raise ValueError(f"{path} is empty; {_ALLOWED}")
    except BaseException:
        database.close()
        raise
    return database, version


def real_path(path: str | Path) -> str:
    """Return the real name of the file, so that a link to it has the same lock."""
    return _MEMORY if str(path) == _MEMORY else str(Path(path).resolve())


def _require_ours(database: sqlite3.Connection, path: str | Path) -> int:
    """Return the format of the file, 0 for a new one; refuse one that is no index of a format that is read."""
    try:
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        raise OSError(f"{path} cannot be read: {error}; {_ALLOWED}") from error
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is no database: {error}; {_ALLOWED}") from error
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
    try:
        if not version:
            database.execute("PRAGMA page_size = 8192")  # most articles fit on a page
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        if version == FORMAT:
            return
        database.execute("BEGIN IMMEDIATE")
        if not version:
            _execute(database, SCHEMA)
            database.executemany("INSERT INTO versions VALUES (?, ?)", versions.items())
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        if version in (0, OLDER_FORMATS[0]):
            _execute(database, STORIES_OF_EPISODES)
        if version:
            _add_functions(database)
            _execute(database, PAGES_OF_ARTICLES)
        database.executemany("INSERT OR IGNORE INTO parameters VALUES (?, ?)", parameters.items())
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise OSError(f"{path} cannot be written: {error}; {_ALLOWED}") from error


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
    if place == _MEMORY:
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
