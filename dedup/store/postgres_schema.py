"""The schema of an index in a PostgreSQL database: how it is made, converted and recognised."""

from collections.abc import Mapping
from typing import Any

import psycopg

from dedup.store.database_url import name_of
from dedup.store.serialization import decode_article, digest_of, page_key
from dedup.store.sqlite_file import NEW_PARAMETERS, with_new_parameters
from dedup.store.story_query import Dialect, language_field

APPLICATION, FORMAT = "dedup-stories", 4

#: Formats that are read, and converted when they are opened for writing.
OLDER_FORMATS = (1, 2, 3)

ALLOWED = "allowed: a database without a schema 'dedup', or with one that a StoryIndex made"

_ALLOWED_TO_REACH = "allowed: a database that is there, on a server that runs, for a user whom it lets in"

ALLOWED_TO_READ = "allowed with read_only=True: a database in which a StoryIndex without it has made one"

#: The process that holds this advisory lock of the database writes; the lock ends with its connection.
LOCK = 0x6465647570  # "dedup"

# Text is stored as UTF-8 bytes: TEXT cannot hold NUL, and depends on the encoding and collation of the database. A key
# of an index has at most a third of a page, so ids and sources are indexed by their SHA-256.
# Expiry deletes row by row: dropping a partition is faster, but blocks all readers, and snapshots would lose rows.
# Writers find what others changed by `changed`. It stands in the narrow table, in which updates are cheap; the wide
# table is rarely updated.
SCHEMA = """
CREATE TABLE dedup.about (application TEXT NOT NULL, format INTEGER NOT NULL);
CREATE TABLE dedup.parameters (name TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE dedup.versions (name TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE dedup.state (
    moment BIGINT NOT NULL, next_node BIGINT NOT NULL, next_story BIGINT NOT NULL
);
CREATE TABLE dedup.articles (
    node BIGINT PRIMARY KEY, id BYTEA NOT NULL, digest BYTEA NOT NULL, day DOUBLE PRECISION,
    kept_by_day DOUBLE PRECISION NOT NULL, story BIGINT NOT NULL, speaker BIGINT NOT NULL, source BYTEA NOT NULL,
    norm REAL NOT NULL, changed BIGINT NOT NULL, page BIGINT
);
CREATE UNIQUE INDEX articles_by_id ON dedup.articles (sha256(id));
CREATE INDEX articles_by_story ON dedup.articles (story);
CREATE INDEX copies_by_speaker ON dedup.articles (speaker) WHERE speaker != node;
CREATE INDEX articles_by_day ON dedup.articles (kept_by_day);
CREATE INDEX articles_by_source ON dedup.articles (sha256(source), node);
CREATE INDEX articles_by_change ON dedup.articles (changed);
CREATE INDEX articles_by_page ON dedup.articles (page) WHERE page IS NOT NULL;
CREATE TABLE dedup.contents (
    node BIGINT PRIMARY KEY, fields BYTEA NOT NULL, neighbours BYTEA NOT NULL, similarities BYTEA NOT NULL,
    bands BYTEA NOT NULL, features BYTEA NOT NULL, counts BYTEA NOT NULL
);
ALTER TABLE dedup.contents ALTER bands SET STORAGE EXTERNAL, ALTER features SET STORAGE EXTERNAL;
CREATE TABLE dedup.gone (node BIGINT PRIMARY KEY, changed BIGINT NOT NULL);
CREATE INDEX gone_by_change ON dedup.gone (changed);
CREATE TABLE dedup.stories (story BIGINT PRIMARY KEY, merged_into BIGINT);
CREATE INDEX aliases ON dedup.stories (merged_into) WHERE merged_into IS NOT NULL;
CREATE TABLE dedup.other_ids (id BYTEA NOT NULL, article BYTEA NOT NULL);
CREATE UNIQUE INDEX other_ids_by_id ON dedup.other_ids (sha256(id));
CREATE INDEX other_ids_by_article ON dedup.other_ids (sha256(article));
CREATE TABLE dedup.habits (
    source BYTEA NOT NULL, next_node BIGINT NOT NULL, articles BIGINT NOT NULL, keys BYTEA NOT NULL,
    anywhere BYTEA NOT NULL
);
CREATE UNIQUE INDEX habits_by_source ON dedup.habits (sha256(source));
INSERT INTO dedup.state VALUES (0, 1, 1);
"""

#: What format 2 has beyond format 1, in which every episode was a story.
STORIES_OF_EPISODES = """
CREATE TABLE dedup.chapters (
    episode BIGINT PRIMARY KEY, story BIGINT NOT NULL, told BIGINT NOT NULL, changed BIGINT NOT NULL
);
CREATE INDEX chapters_by_story ON dedup.chapters (story);
CREATE INDEX chapters_by_change ON dedup.chapters (changed);
CREATE TABLE dedup.changes (
    cursor BIGINT PRIMARY KEY, day DOUBLE PRECISION NOT NULL, kind TEXT NOT NULL, story BIGINT NOT NULL, episode BIGINT,
    article BYTEA, merged_into BIGINT
);
"""

#: What format 3 changes in format 2, which did not know pages; digests are computed again too.
_WITH_PAGES = """
ALTER TABLE dedup.articles ADD COLUMN page BIGINT;
CREATE INDEX articles_by_page ON dedup.articles (page) WHERE page IS NOT NULL;
CREATE TABLE dedup.other_ids (id BYTEA NOT NULL, article BYTEA NOT NULL);
CREATE UNIQUE INDEX other_ids_by_id ON dedup.other_ids (sha256(id));
CREATE INDEX other_ids_by_article ON dedup.other_ids (sha256(article));
ALTER TABLE dedup.state DROP COLUMN latest;
"""

#: What format 4 has beyond format 3: decisions of editors, and in which commit there were others.
_DECISIONS_OF_EDITORS = """
CREATE TABLE dedup.decisions (cursor BIGINT PRIMARY KEY, kind TEXT NOT NULL, facts TEXT NOT NULL);
ALTER TABLE dedup.changes ADD COLUMN decision BIGINT;
ALTER TABLE dedup.state ADD COLUMN decided BIGINT NOT NULL DEFAULT 0;
"""

#: And what articles mean, by the vectors of an encoder.
_MEANINGS_OF_ARTICLES = """
ALTER TABLE dedup.contents ADD COLUMN vector BYTEA NOT NULL DEFAULT '', ADD COLUMN language INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dedup.contents ALTER vector SET STORAGE EXTERNAL;
"""

#: The columns since format 3 in the order of the fields of `Row`, and of `ArticleFeatures`.
ROW_COLUMNS = "node, id, digest, day, kept_by_day, story, speaker, source, fields, page"
FEATURE_COLUMNS = "node, norm, neighbours, similarities, bands, features, counts, vector, language"
MEANING_COLUMNS, NO_MEANING = "vector, language", "''::bytea, 0"  # the second for formats that do not know them
ARTICLES_TYPES = ("int8", "bytea", "bytea", "float8", "float8", "int8", "int8", "bytea", "float4", "int8", "int8")
CONTENTS_TYPES = ("int8", *["bytea"] * 7, "int4")
ALL = "dedup.articles JOIN dedup.contents USING (node)"

#: The nodes that are gone, those that changed, the chapters that did, and whether decisions did, since a commit.
CHANGED_SINCE = """SELECT
    ARRAY(SELECT node FROM dedup.gone WHERE changed > %s ORDER BY node),
    ARRAY(SELECT node FROM dedup.articles WHERE changed > %s ORDER BY node),
    ARRAY(SELECT ARRAY[episode, story, told] FROM dedup.chapters WHERE changed > %s ORDER BY episode),
    (SELECT decided > %s FROM dedup.state)
"""

#: What is called a story here is an episode, as in format 1; an episode without a chapter is a story of its own.
IN_STORIES = "dedup.articles LEFT JOIN dedup.chapters ON chapters.episode = articles.story"
STORY = "coalesce(chapters.story, articles.story)"


DIALECT = Dialect(
    IN_STORIES,
    STORY,
    f"{IN_STORIES} JOIN dedup.contents USING (node)",
    "%s",
    "position(%s::bytea IN fields) > 0",
    lambda language: language_field(language).encode(),
    str.encode,
    "trunc",
)

_ROWS_AT_ONCE = 1 << 10


def read_about(url: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters and the versions that the index in a database was made with, or raise an error."""
    name = name_of(url)
    try:
        with reach(url) as connection:
            version = version_of(connection, name)
            if not version:
                raise ValueError(f"{name} is empty; {ALLOWED_TO_READ}")
            stored = with_new_parameters(pairs(connection, "parameters"), version < FORMAT, NEW_PARAMETERS)
            return stored, pairs(connection, "versions")
    except psycopg.Error as error:
        raise OSError(f"{name} cannot be read: {error}; {ALLOWED}") from error


def reach(url: str, **options: Any) -> psycopg.Connection[Any]:
    """Return a connection to a database, whatever is in it; raise OSError when it cannot be reached."""
    try:
        return psycopg.connect(url, autocommit=True, **options)
    except psycopg.Error as error:
        raise OSError(f"{name_of(url)} cannot be reached: {error}; {_ALLOWED_TO_REACH}") from error


def pairs(connection: psycopg.Connection[Any], table: str) -> dict[str, str]:
    """Return what a table of names and values has."""
    return dict(connection.execute(f"SELECT name, value FROM dedup.{table}").fetchall())  # noqa: S608


def version_of(connection: psycopg.Connection[Any], name: str) -> int:
    """Return the format of an index, 0 for none; refuse a schema that is no index of a format that is read."""
    query = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('dedup')"
    if connection.execute(query).fetchone() == (0,):
        return 0
    try:
        rows = connection.execute("SELECT application, format FROM dedup.about").fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        rows = []
    if [application for application, _ in rows] != [APPLICATION]:
        raise ValueError(f"{name} has another program's schema 'dedup'; {ALLOWED}")
    version = int(rows[0][1])
    if version not in (*OLDER_FORMATS, FORMAT):
        raise ValueError(f"{name} has format {version}; allowed: {FORMAT}, or open it with the dedup that made it")
    return version


def make(
    connection: psycopg.Connection[Any], name: str, parameters: Mapping[str, str], versions: Mapping[str, str]
) -> int:
    """Make the schema, unless another process has just made it; return its format."""
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # sees what another process has just made
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        if version := version_of(connection, name):
            return version
        # An administrator may have made the empty schema, where users may not make any.
        if connection.execute("SELECT to_regnamespace('dedup')").fetchone() == (None,):
            connection.execute("CREATE SCHEMA dedup")
        connection.execute(SCHEMA)
        connection.execute(STORIES_OF_EPISODES)
        connection.execute(_DECISIONS_OF_EDITORS)
        connection.execute(_MEANINGS_OF_ARTICLES)
        connection.execute("INSERT INTO dedup.about VALUES (%s, %s)", (APPLICATION, FORMAT))
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO dedup.parameters VALUES (%s, %s)", parameters.items())
            cursor.executemany("INSERT INTO dedup.versions VALUES (%s, %s)", versions.items())
    return FORMAT


def convert(connection: psycopg.Connection[Any], name: str, parameters: Mapping[str, str]) -> None:
    """Make what an older format lacks, in one transaction, unless another process has just done so."""
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    with connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        version = version_of(connection, name)
        if version == FORMAT:
            return
        if version == 1:
            connection.execute(STORIES_OF_EPISODES)
        if version < 3:
            connection.execute(_WITH_PAGES)
            _find_pages(connection)
        connection.execute(_DECISIONS_OF_EDITORS)
        connection.execute(_MEANINGS_OF_ARTICLES)
        stored = pairs(connection, "parameters")
        new = [(name, parameters[name]) for name in NEW_PARAMETERS if name in parameters and name not in stored]
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO dedup.parameters VALUES (%s, %s)", new)
        connection.execute("UPDATE dedup.about SET format = %s", (FORMAT,))


def _find_pages(connection: psycopg.Connection[Any]) -> None:
    """Compute the pages and the digests of all articles."""
    query = f"SELECT node, fields FROM dedup.contents WHERE node > %s ORDER BY node LIMIT {_ROWS_AT_ONCE}"  # noqa: S608
    last = -1
    while rows := connection.execute(query, (last,), binary=True).fetchall():
        articles = [decode_article(fields.decode()) for _, fields in rows]
        connection.execute(
            "UPDATE dedup.articles SET page = new.page, digest = new.digest "
            "FROM unnest(%b::int8[], %b::int8[], %b::bytea[]) AS new (node, page, digest) "
            "WHERE articles.node = new.node",
            ([node for node, _ in rows], list(map(page_key, articles)), list(map(digest_of, articles))),
        )
        last = rows[-1][0]
