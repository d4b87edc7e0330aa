"""Which stories an index lists, in which order: the question to a store, and its SQL."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from dedup.parameters import OrderBy

#: Velocity is added up in whole milliseconds: a sum of integers is the same in any order of its terms.
MILLISECONDS_A_DAY = 86_400_000


class Place(NamedTuple):
    """Where a story stands: `value` is the greatest first, then `latest`, then the smallest number comes first."""

    value: float
    latest: float  # the latest expiry day of its articles
    story: int


class StoryQuery(NamedTuple):
    """Stories to find: those with an article since a day, of so many articles, outlets, and after a place.

    An outlet is a distinct source; articles without a source are one outlet together.
    """

    order_by: OrderBy = "latest"
    since_day: float | None = None
    min_size: int = 1
    min_outlets: int = 1
    source: str | None = None  # of one article at least
    language: str | None = None  # of one article at least, as it was given
    window: tuple[float, float] = (0.0, 0.0)  # days; of "velocity"
    after: Place | None = None
    limit: int | None = None


class Dialect(NamedTuple):
    """How a database writes what each writes in its own way."""

    articles: str  # joined with their chapters
    story: str  # of an article
    with_fields: str  # `articles` with the fields of each
    mark: str  # of a parameter
    has_language: str  # whether that of the fields is a parameter
    language_value: Callable[[str], Any]  # that parameter
    text_value: Callable[[str], Any]  # the parameter for a text
    truncated: str  # the function that takes the fraction from a number, where a cast does not


def language_field(language: str) -> str:
    """Return what the JSON of an article in that language has, and of no other one.

    A quotation mark within a text has a backslash before it: nothing but the field itself is written so.
    """
    return f'"language":{json.dumps(language)}'


# What stories are ordered by. Of an outlet only the latest article in the window counts, by the time since its start.
_VALUES = {
    "latest": "max(latest)",
    "size": "sum(size)",
    "outlets": "count(*)",
    "velocity": "coalesce(sum(CAST({truncated}((recent - {start}) * {milliseconds}) AS BIGINT)), 0)",
}


def sql_of(query: StoryQuery, to: Dialect) -> tuple[str, list[Any]]:
    """Return the SQL that selects the places of stories, in their order, and its parameters."""
    mark, (start, end) = to.mark, query.window
    value = _VALUES[query.order_by].format(truncated=to.truncated, start=mark, milliseconds=MILLISECONDS_A_DAY)
    values: list[Any] = [start, end, *[start] * (query.order_by == "velocity")]
    # Databases count no further than 2**63.
    conditions = [f"sum(size) >= {mark}", f"max(latest) >= {mark}", f"count(*) >= {mark}"]
    since = -1e300 if query.since_day is None else query.since_day
    values += [min(query.min_size, 2**62), since, min(query.min_outlets, 2**62)]
    if query.source is not None:
        conditions.append(f"max(CASE WHEN source = {mark} THEN 1 ELSE 0 END) = 1")
        values.append(to.text_value(query.source))
    if query.language is not None:
        conditions.append(f"story IN (SELECT {to.story} FROM {to.with_fields} WHERE {to.has_language})")  # noqa: S608
        values.append(to.language_value(query.language))
    after, limit = "", ""
    if query.after is not None:
        after = f"WHERE (-value, -latest, story) > ({mark}, {mark}, {mark})"
        values += [-query.after.value, -query.after.latest, query.after.story]
    if query.limit is not None:
        limit = f"LIMIT {mark}"
        values.append(min(query.limit, 2**62))
    return (
        f"WITH outlets AS (SELECT {to.story} AS story, source, count(*) AS size, max(kept_by_day) AS latest, "  # noqa: S608
        f"max(CASE WHEN kept_by_day BETWEEN {mark} AND {mark} THEN kept_by_day END) AS recent "
        f"FROM {to.articles} GROUP BY 1, 2), "
        f"found AS (SELECT CAST({value} AS DOUBLE PRECISION) AS value, max(latest) AS latest, story FROM outlets "
        f"GROUP BY story HAVING {' AND '.join(conditions)}) "
        f"SELECT value, latest, story FROM found {after} ORDER BY -value, -latest, story {limit}"
    ), values
