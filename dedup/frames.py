"""Data frames with the stories of their rows as further columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from dedup.article import FIELDS, Columns, Duplicates, Errors, UsualName, data_frame_of, field_of, read_articles
from dedup.clusterer import StoryClusterer
from dedup.parameters import check
from dedup.stories import columns_of

_ADDED = ("story_id", "episode_id", "near_duplicate_group", "is_representative", "membership")


def cluster_frame(
    frame: Any,
    *,
    id: str | None = UsualName("id"),  # noqa: A002 (the field's name)
    text: str | None = UsualName("text"),
    title: str | None = UsualName("title"),
    published: str | None = UsualName("published"),
    source: str | None = UsualName("source"),
    url: str | None = UsualName("url"),
    language: str | None = UsualName("language"),
    errors: Errors = "raise",
    duplicates: Duplicates | None = None,
    **parameters: Any,
) -> Any:
    """Cluster the articles in the rows of a data frame into stories, and add the stories as columns.

    `dedup.cluster` takes data frames too, and returns `Stories` with their reasons and terms.

    Parameters
    ----------
    frame : data frame
        Of pandas, polars (a LazyFrame is collected) or pyarrow. An empty cell is an unknown field; a text or a title
        suffices.
    id, text, title, published, source, url, language : str or None
        The column of each field of `Article`; None leaves a field out. By default a column with the name of the field
        or one that is usual (`dedup.article.columns` lists them), if there is any.
    errors, duplicates
        As in `dedup.cluster`; the added cells of a row that is left out are empty.
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
    >>> frame = pd.DataFrame({"url": ["x.example/1", "y.example/2", "z.example/3"], "story": [
    ...     "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    ...     "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
    ...     "La banque centrale relève ses taux à 4 %.",
    ... ]})
    >>> cluster_frame(frame, id="url", text="story")["story_id"].tolist()
    ['x.example/1', 'x.example/1', 'z.example/3']
    """
    import narwhals.stable.v2 as narwhals  # scikit-learn brings it

    table = data_frame_of(frame)
    if table is None:
        raise TypeError(f"frame is a {type(frame).__name__}; allowed: a data frame of pandas, polars or pyarrow")
    names = (id, text, title, published, source, url, language)
    selected = _selected(table.columns, dict(zip(FIELDS, names, strict=True)))
    rows = zip(*(table.get_column(column).to_list() for _, column in selected), strict=True)
    items = (dict(zip((known for known, _ in selected), row, strict=True)) for row in rows)
    check(errors=errors, duplicates=duplicates)
    model = StoryClusterer(**parameters)
    batch = read_articles(items, timezone=model.timezone, errors=errors, duplicates=duplicates)
    added = _with_gaps(columns_of(model._fit(batch).stories_), batch.positions, len(table))
    ids = [table.schema[column] for known, column in selected if field_of(known) == "id"] or [narwhals.Int64()]
    id_type = ids[0] if all(kind.is_integer() for kind in ids) else narwhals.String()
    if id_type.is_integer():
        added |= {name: [None if cell is None else int(cell) for cell in added[name]] for name in _ADDED[:2]}
    types = (id_type, id_type, narwhals.Int64(), narwhals.Boolean(), narwhals.Float64())
    return table.with_columns(
        _series(name, cells, dtype, table.implementation)
        for (name, cells), dtype in zip(added.items(), types, strict=True)
    ).to_native()


def _series(name: str, cells: list[Any], dtype: Any, library: Any) -> Any:
    """A column of that library; None in `cells` is an empty cell."""
    import narwhals.stable.v2 as narwhals

    if not library.is_pandas_like() or None not in cells or not (dtype.is_integer() or dtype == narwhals.Boolean()):
        return narwhals.new_series(name, cells, dtype, backend=library)
    nullable = str(dtype) if dtype.is_integer() else "boolean"  # plain columns of pandas have no empty cells
    native = library.to_native_namespace().Series(cells, dtype=nullable, name=name)
    return narwhals.from_native(native, series_only=True)


def _with_gaps(columns: Mapping[str, list[Any]], positions: Sequence[int], size: int) -> dict[str, list[Any]]:
    """Columns with the cells of articles at their positions, and None between."""
    spread: dict[str, list[Any]] = {}
    for name, cells in columns.items():
        spread[name] = [None] * size
        for position, cell in zip(positions, cells, strict=True):
            spread[name][position] = cell
    return spread


def _selected(columns: list[str], names: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    """The columns that are read, behind the names that the reader of articles knows them by."""
    if taken := [name for name in _ADDED if name in columns]:
        raise ValueError(f"the data frame has the columns {columns}; allowed: none called {taken[0]!r}, which is added")
    chosen = Columns.chosen(names)
    for field, name in chosen.given.items():
        if name is not None and name not in columns:
            raise ValueError(f"{field} is {name!r}; allowed: one of the columns {columns}")
    selected = chosen.select(columns)
    if not {"text", "title"} & {field_of(known) for known, _ in selected}:
        raise ValueError(f"text and title are no columns; allowed: at least one of {columns}")
    return selected
