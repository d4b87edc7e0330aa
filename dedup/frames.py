"""Data frames with their stories as further columns."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dedup.clusterer import cluster
from dedup.stories import Stories
from dedup.wording import printable

_ADDED = ("story_id", "near_duplicate_group", "is_representative", "membership")


class _Usual(str):
    """The name that a column has unless the user says otherwise; unlike one that is given, it may be missing."""

    __slots__ = ()


def cluster_frame(
    frame: Any,
    *,
    id: str | None = _Usual("id"),  # noqa: A002 (the field's name)
    text: str = _Usual("text"),
    title: str | None = _Usual("title"),
    published: str | None = _Usual("published"),
    source: str | None = _Usual("source"),
    url: str | None = _Usual("url"),
    language: str | None = _Usual("language"),
    **parameters: Any,
) -> Any:
    """Group the articles in the rows of a data frame into stories, and add what came of it as columns.

    `dedup.cluster` takes data frames too, and gives `Stories` with their reasons and terms.

    Parameters
    ----------
    frame : data frame
        Of pandas, polars (a LazyFrame is collected) or pyarrow. An empty cell is a field that is not known; a text
        may be empty only in a row with a title.
    id, text, title, published, source, url, language : str or None
        Which column has which field of `Article`. Those not named are read from the columns called as the fields, as
        far as there are any; there must be texts. None for a field that is to be left out.
    **parameters
        Those of `StoryClusterer`; ``timezone`` for times that name no zone.

    Returns
    -------
    data frame
        Of the same library, with the same rows (and index), all columns as they were, and behind them:

        - story_id : the id of the first article of the row's story; of the type of the ids if those are whole numbers,
          as positions in a frame without ids are, otherwise a str
        - near_duplicate_group : int64, equal for copies of each other, numbered by first row
        - is_representative : bool, True in one row of each story
        - membership : float64, mean similarity to the other reports of the story, in [0, 1]

    Raises
    ------
    TypeError, ValueError
        For what is no data frame; a column that is named and missing, or would be added and is there; a cell or a
        parameter that is not allowed. The message names it, a cell by its row and field.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"url": ["x.example/1", "y.example/2", "z.example/3"], "body": [
    ...     "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    ...     "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
    ...     "La banque centrale relève ses taux à 4 %.",
    ... ]})
    >>> cluster_frame(frame, id="url", text="body")["story_id"].tolist()
    ['x.example/1', 'x.example/1', 'z.example/3']
    """
    import narwhals.stable.v2 as narwhals  # scikit-learn brings it

    table = narwhals.from_native(frame, pass_through=True)
    if isinstance(table, narwhals.LazyFrame):
        table = table.collect()
    if not isinstance(table, narwhals.DataFrame):
        raise TypeError(f"frame is a {type(frame).__name__}; allowed: a data frame of pandas, polars or pyarrow")
    named = {
        "id": id,
        "text": text,
        "title": title,
        "published": published,
        "source": source,
        "url": url,
        "language": language,
    }
    columns = _columns_of_fields(table.columns, named)
    stories = cluster(_records(table, columns), **parameters)
    column = columns.get("id")
    whole_numbers = column is None or table.schema[column].is_integer()
    numbers = narwhals.Int64() if column is None else table.schema[column]
    types = (numbers if whole_numbers else narwhals.String(), narwhals.Int64(), narwhals.Boolean(), narwhals.Float64())
    values = _values(stories, whole_numbers=whole_numbers)
    return table.with_columns(
        narwhals.new_series(name, cells, kind, backend=table.implementation)
        for name, cells, kind in zip(_ADDED, values, types, strict=True)
    ).to_native()


def _columns_of_fields(columns: list[str], named: Mapping[str, str | None]) -> dict[str, str]:
    """The column of each field that has one."""
    if there := [name for name in _ADDED if name in columns]:
        raise ValueError(f"the data frame has the columns {columns}; allowed: none called {there[0]!r}, which is added")
    chosen = {}
    for field, name in named.items():
        if not isinstance(name, str) and (name is not None or field == "text"):
            allowed = "a column's name" if field == "text" else "a column's name, or None"
            raise TypeError(f"{field} is {name!r}; allowed: {allowed}")
        if name in columns:
            chosen[field] = str(name)
        elif field == "text" or not (name is None or isinstance(name, _Usual)):
            raise ValueError(f"{field} is {str(name)!r}; allowed: one of the columns {columns}")
    return chosen


def _records(table: Any, columns: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Rows as the fields of articles."""
    cells = (table.get_column(column).to_list() for column in columns.values())
    return (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))


def _values(stories: Stories, *, whole_numbers: bool) -> tuple[list[Any], ...]:
    """What each row is given, a list for each of the columns added."""
    ids = [int(story.id) if whole_numbers else printable(story.id) for story in stories]
    shown = np.zeros(len(stories.articles), dtype=np.bool_)
    shown[stories.representative_indices] = True
    return (
        [ids[label] for label in stories.labels.tolist()],
        stories.near_duplicate_labels.tolist(),
        shown.tolist(),
        stories.membership.tolist(),
    )
