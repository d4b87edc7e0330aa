"""All articles at once, as functions: stories, and data frames with the stories of their rows as further columns."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from dedup import parameters as default
from dedup.article import (
    FIELDS,
    Columns,
    Duplicates,
    Errors,
    UsualName,
    cells_of_column,
    data_frame_of,
    field_of,
    read_articles,
)
from dedup.clusterer import StoryClusterer
from dedup.encoders import Encoder
from dedup.parameters import Fold, check, suggests_names
from dedup.progress import Progress
from dedup.representative import Chooser
from dedup.stories import Stories, columns_of
from dedup.story.constraints import NamedPairs, Pairs

_ADDED = ("story_id", "episode_id", "near_duplicate_group", "is_representative", "membership")


@suggests_names
def cluster(
    articles: Any,
    *,
    story_threshold: float = default.STORY_THRESHOLD,
    max_gap_days: float = default.MAX_GAP_DAYS,
    near_threshold: float = default.NEAR_THRESHOLD,
    recall: float = default.RECALL,
    num_perm: int = default.NUM_PERM,
    shingle_size: int = default.SHINGLE_SIZE,
    representative: str | Chooser = default.REPRESENTATIVE,
    cut_residue: bool = True,
    match_urls: bool = True,
    encoder: Encoder | None = None,
    fold: Fold = default.FOLD,
    timezone: str | tzinfo | None = None,
    max_chars: int = default.MAX_CHARS,
    n_jobs: int | None = None,
    progress: Progress = False,
    errors: Errors = "raise",
    duplicates: Duplicates | None = None,
    together: Pairs = (),
    apart: Pairs = (),
) -> Stories:
    """Group articles into stories, each with the reports of one event, their copies and a representative.

    Parameters
    ----------
    articles : iterable of str, mapping, object or Article; or a data frame
        Fields are those of `Article`, by these names or others that are usual (`dedup.article.columns` lists them). A
        title or a text suffices, and a missing id is the position. Ids may be str, int, UUID or bytes
        (`dedup.article.ids`).
    story_threshold, ..., progress
        See `StoryClusterer`.
    errors : {"raise", "skip", "undated"}, default "raise"
        What an article that is not allowed does. It raises an error; with "skip" it is left out and listed in
        `Stories.refusals`; with "undated" one whose date is no date counts as undated and is listed, and any other
        fault raises an error.
    duplicates : {"first", "last"}, optional
        Which article of those with one id stays; the others are left out and listed. By default `errors` decides.
    together, apart : iterable of pairs of ids, default ()
        Articles that are of one story, and articles that are not, whatever their texts say. The stories of two that are
        together are one, of several episodes where the reports are unlike; two that are apart are no copies either.

    Returns
    -------
    Stories
        Ordered by size, then by first publication.

    Raises
    ------
    TypeError, ValueError
        For an article or a parameter that is not allowed, or pairs that contradict each other; the message names it.

    Examples
    --------
    >>> stories = cluster([
    ...     "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    ...     "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
    ...     "La banque centrale relève ses taux à 4 %.",
    ... ])
    >>> stories.labels.tolist(), stories[0].reason
    ([0, 0, 1], 'As central as the other of 2 reports, mean similarity 0.48, and longer: 14 words to 13.')
    >>> cluster(stories.articles, together=[(0, 2)], apart=[(0, 1)]).labels.tolist()
    [0, 1, 0]
    """
    check(errors=errors, duplicates=duplicates)
    pairs = NamedPairs.read(together, apart)
    model = StoryClusterer(
        story_threshold=story_threshold,
        max_gap_days=max_gap_days,
        near_threshold=near_threshold,
        recall=recall,
        num_perm=num_perm,
        shingle_size=shingle_size,
        representative=representative,
        cut_residue=cut_residue,
        match_urls=match_urls,
        encoder=encoder,
        fold=fold,
        timezone=timezone,
        max_chars=max_chars,
        n_jobs=n_jobs,
        progress=progress,
    )
    # Stories name their articles by id, so here an id may not repeat.
    batch = read_articles(articles, timezone=timezone, errors=errors, duplicates=duplicates)
    return model._fit(batch, pairs).stories_


@suggests_names
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
    story_threshold: float = default.STORY_THRESHOLD,
    max_gap_days: float = default.MAX_GAP_DAYS,
    near_threshold: float = default.NEAR_THRESHOLD,
    recall: float = default.RECALL,
    num_perm: int = default.NUM_PERM,
    shingle_size: int = default.SHINGLE_SIZE,
    representative: str | Chooser = default.REPRESENTATIVE,
    cut_residue: bool = True,
    match_urls: bool = True,
    encoder: Encoder | None = None,
    fold: Fold = default.FOLD,
    timezone: str | tzinfo | None = None,
    max_chars: int = default.MAX_CHARS,
    n_jobs: int | None = None,
    progress: Progress = False,
    errors: Errors = "raise",
    duplicates: Duplicates | None = None,
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
    story_threshold, ..., progress
        See `StoryClusterer`.

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
    table = _table_of(frame)
    selected = _selected(table.columns, (id, text, title, published, source, url, language))
    check(errors=errors, duplicates=duplicates)
    model = StoryClusterer(
        story_threshold=story_threshold,
        max_gap_days=max_gap_days,
        near_threshold=near_threshold,
        recall=recall,
        num_perm=num_perm,
        shingle_size=shingle_size,
        representative=representative,
        cut_residue=cut_residue,
        match_urls=match_urls,
        encoder=encoder,
        fold=fold,
        timezone=timezone,
        max_chars=max_chars,
        n_jobs=n_jobs,
        progress=progress,
    )
    batch = read_articles(_rows(table, selected), timezone=timezone, errors=errors, duplicates=duplicates)
    return _extended(table, selected, _with_gaps(columns_of(model._fit(batch).stories_), batch.positions, len(table)))


def _table_of(frame: Any) -> Any:
    table = data_frame_of(frame)
    if table is None:
        raise TypeError(f"frame is a {type(frame).__name__}; allowed: a data frame of pandas, polars or pyarrow")
    return table


def _rows(table: Any, selected: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Each row as a mapping, by the names that the reader of articles knows."""
    names = [known for known, _ in selected]
    for row in zip(*(cells_of_column(table.get_column(column)) for _, column in selected), strict=True):
        yield dict(zip(names, row, strict=True))


def _extended(table: Any, selected: Sequence[tuple[str, str]], added: dict[str, list[Any]]) -> Any:
    """A data frame with more columns; ids of stories have the type of the ids, or of positions where there are none."""
    import narwhals.stable.v2 as narwhals

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


def _selected(columns: list[str], names: Sequence[str | None]) -> tuple[tuple[str, str], ...]:
    """The columns that are read, behind the names that the reader of articles knows them by."""
    if taken := [name for name in _ADDED if name in columns]:
        raise ValueError(f"the data frame has the columns {columns}; allowed: none called {taken[0]!r}, which is added")
    chosen = Columns.chosen(dict(zip(FIELDS, names, strict=True)))
    for field, name in chosen.given.items():
        if name is not None and name not in columns:
            raise ValueError(f"{field} is {name!r}; allowed: one of the columns {columns}")
    selected = chosen.select(columns)
    if not {"text", "title"} & {field_of(known) for known, _ in selected}:
        raise ValueError(f"text and title are no columns; allowed: at least one of {columns}")
    return selected
