"""Whether the contents of the file of an index are those that were written: a full check, for when something failed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress

from dedup.store.records import FACTS
from dedup.store.serialization import decode_article, digest_of

# Of each table, the rows that no index writes; a flipped bit may leave them where no other row belies them.
_NEVER_WRITTEN = {
    "articles": (
        "typeof(node) != 'integer' OR typeof(id) != 'text' OR typeof(digest) != 'blob' "
        "OR typeof(day) NOT IN ('real', 'null') OR typeof(kept_by_day) != 'real' OR typeof(story) != 'integer' "
        "OR typeof(source) != 'text' OR typeof(fields) != 'text' OR typeof(page) NOT IN ('integer', 'null') "
        "OR abs(kept_by_day) > 1e9 OR abs(day) > 1e9 OR speaker NOT IN (SELECT node FROM articles) "
        "OR node NOT IN (SELECT node FROM traits) OR story NOT IN (SELECT story FROM stories) "
        "OR node > (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'articles')"
    ),
    "traits": (
        "typeof(norm) != 'real' OR NOT norm BETWEEN 0 AND 1e9 OR typeof(neighbours) != 'blob' "
        "OR typeof(similarities) != 'blob' OR typeof(bands) != 'blob' OR typeof(features) != 'blob' "
        "OR typeof(counts) != 'blob' OR length(neighbours) != length(similarities) OR length(neighbours) % 4 "
        "OR length(features) != 4 * length(counts) OR length(bands) % 8 "
        "OR length(bands) NOT IN (0, (SELECT max(length(bands)) FROM traits)) "
        "OR node NOT IN (SELECT node FROM articles)"
    ),
    "stories": (
        "typeof(merged_into) NOT IN ('integer', 'null') OR merged_into NOT IN (SELECT story FROM stories) "
        "OR story > (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'stories')"
    ),
    "chapters": "typeof(story) != 'integer' OR typeof(told) != 'integer'",
    "changes": (
        "typeof(day) != 'real' OR typeof(story) != 'integer' OR typeof(episode) NOT IN ('integer', 'null') "
        "OR typeof(article) NOT IN ('text', 'null') OR typeof(merged_into) NOT IN ('integer', 'null')"
    ),
    "other_ids": "typeof(id) != 'text' OR typeof(article) != 'text'",
    "habits": (
        "typeof(next_node) != 'integer' OR typeof(articles) != 'integer' OR typeof(keys) != 'blob' "
        "OR typeof(anywhere) != 'blob' OR length(keys) != 8 * length(anywhere)"
    ),
}

# The same of what format 6 brought.
_NEVER_WRITTEN_SINCE_FORMAT_6 = {
    "changes": "typeof(decision) NOT IN ('integer', 'null')",
    "traits": (
        "typeof(vector) != 'blob' OR typeof(language) != 'integer' OR language NOT BETWEEN 0 AND 1023 "
        "OR length(vector) NOT IN (0, (SELECT max(length(vector)) FROM traits))"
    ),
    "decisions": "typeof(kind) != 'text' OR typeof(facts) != 'text'",
}


def damage_of(database: sqlite3.Connection) -> str | None:
    """Return what is wrong with the contents of a database, None for nothing; it reads all of it.

    Examples
    --------
    >>> with closing(sqlite3.connect(":memory:")) as database:
    ...     damage_of(database)
    'no such table: articles'
    """
    try:
        return next(_damages(database), None)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)


def _damages(database: sqlite3.Connection) -> Iterator[str]:
    for (said,) in database.execute("PRAGMA integrity_check(1)"):
        if said != "ok":
            yield " ".join(said.split())
    (version,) = database.execute("PRAGMA user_version").fetchone()
    for table, condition in (*_NEVER_WRITTEN.items(), *(_NEVER_WRITTEN_SINCE_FORMAT_6.items() if version > 5 else ())):
        for (row,) in database.execute(f"SELECT count(*) FROM {table} WHERE {condition}"):  # noqa: S608
            if row:
                yield f"table {table} has {row} rows that no index writes"
    yield from _damaged_decisions(database) if version > 5 else ()
    with closing(database.execute("SELECT node, id, digest, fields FROM articles")) as rows:
        for node, name, digest, fields in rows:
            try:
                article = decode_article(fields)
                is_whole = article.id == name and digest_of(article) == digest
            except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
                is_whole = False
            if not is_whole:
                yield f"article {node} is not what was stored"


def _damaged_decisions(database: sqlite3.Connection) -> Iterator[str]:
    for cursor, facts in database.execute("SELECT cursor, facts FROM decisions"):
        with suppress(ValueError, RecursionError):
            found = json.loads(facts)
            if isinstance(found, dict) and tuple(found) == FACTS:
                continue
        yield f"decision {cursor} is not what was stored"
