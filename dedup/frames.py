"""Data frames with the stories of their rows as further columns."""

from collections.abc import Mapping
from typing import Any

from dedup.article import FIELDS, data_frame_of
from dedup.clusterer import cluster
from dedup.stories import columns_of

_ADDED = ("story_id", "episode_id", "near_duplicate_group", "is_representative", "membership")


class _Default(str):
    """The default name of a column, which may be missing from a frame; a given name may not."""

    __slots__ = ()


def cluster_frame(
    frame: Any,
    *,
    id: str | None = _Default("id"),  # noqa: A002 (the field's name)
    text: str = _Default("text"),
    title: str | None = _Default("title"),
    published: str | None = _Default("published"),
    source: str | None = _Default("source"),
    url: str | None = _Default("url"),
    language: str | None = _Default("language"),
    **parameters: Any,
) -> Any:
    """Cluster the articles in the rows of a data frame into stories, and add the stories as columns.

    `dedup.cluster` takes data frames too, and returns `Stories` with their reasons and terms.

    Parameters
    ----------
    frame : data frame
        Of pandas, polars (a LazyFrame is collected) or pyarrow. An empty cell is an unknown field; a text may be empty
        only in a row with a title.
    id, text, title, published, source, url, language : str or None
        The column of each field of `Article`; None leaves a field out. By default a column with the name of the field,
        which may be missing except for the text.
    **parameters
        Of `StoryClusterer`; ``timezone`` for times that name no zone.

    Returns
    -------
    data frame
        Of the same library, with the same rows (and index) and columns, followed by the columns

        - story_id : the id of the first article of the row's story; an integer if the ids are integers or, in a frame
          without ids, positions; otherwise a str
        - episode_id : the id of the first article of the row's episode, of the same type
        - near_duplicate_group : int64, equal for copies of each other, numbered by first row
        - is_representative : bool, True in one row of each story
        - membership : float64, mean similarity to the other reports of the episode, in [0, 1]

    Raises
    ------
    TypeError, ValueError
        For something else than a data frame, a named column that is missing, a column that would be added and exists,
        and a cell or a parameter that is not allowed. The message names it, a cell by its row and field.

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

    table = data_frame_of(frame)
    if table is None:
        raise TypeError(f"frame is a {type(frame).__name__}; allowed: a data frame of pandas, polars or pyarrow")
    names = (id, text, title, published, source, url, language)
    columns = _columns_of_fields(table.columns, dict(zip(FIELDS, names, strict=True)))
    rows = zip(*(table.get_column(column).to_list() for column in columns.values()), strict=True)
    stories = cluster((dict(zip(columns, row, strict=True)) for row in rows), **parameters)
    added = columns_of(stories)
    id_type = table.schema[columns["id"]] if "id" in columns else narwhals.Int64()
    if id_type.is_integer():
        added |= {name: list(map(int, added[name])) for name in ("story_id", "episode_id")}
    else:
        id_type = narwhals.String()
    types = (id_type, id_type, narwhals.Int64(), narwhals.Boolean(), narwhals.Float64())
    return table.with_columns(
        narwhals.new_series(name, cells, dtype, backend=table.implementation)
        for (name, cells), dtype in zip(added.items(), types, strict=True)
    ).to_native()


def _columns_of_fields(columns: list[str], names: Mapping[str, str | None]) -> dict[str, str]:
    """The column of each field that has one."""
    if taken := [name for name in _ADDED if name in columns]:
        raise ValueError(f"the data frame has the columns {columns}; allowed: none called {taken[0]!r}, which is added")
    chosen = {}
    for field, name in names.items():
        if not isinstance(name, str) and (name is not None or field == "text"):
            allowed = "a column's name" if field == "text" else "a column's name, or None"
            raise TypeError(f"{field} is {name!r}; allowed: {allowed}")
        if name in columns:
            chosen[field] = str(name)
        elif field == "text" or not (name is None or isinstance(name, _Default)):
            raise ValueError(f"{field} is {str(name)!r}; allowed: one of the columns {columns}")
    return chosen
