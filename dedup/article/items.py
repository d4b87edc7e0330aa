"""Any input that users may give -> items, of which each is to become an article."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import GEN_CLOSED, getgeneratorstate, isgenerator
from typing import Any, Literal

from dedup.article.columns import names_of_fields
from dedup.article.types import Article
from dedup.wording import short_repr

_FRAME_LIBRARIES = ("pandas", "polars", "pyarrow", "duckdb", "narwhals", "modin", "cudf")

#: So many rows of a data frame are Python's at once.
_ROWS_AT_ONCE = 1024

#: Where responses and feeds have their list of articles.
_LISTS = ("articles", "items", "entries", "results", "data")


def items_of(articles: Any) -> Iterator[Any]:
    """The items of any input that users may give; rows of a data frame as dicts."""
    if isinstance(articles, str | bytes | Mapping | Article):
        allowed = f"a list of articles{_hint(articles)}"
        raise TypeError(f"articles is one {type(articles).__name__}: {short_repr(articles)}; allowed: {allowed}")
    if type(articles).__module__.partition(".")[0] in _FRAME_LIBRARIES and not isinstance(articles, Sequence):
        frame = data_frame_of(articles)
        if frame is not None:
            if not {"text", "title"} & names_of_fields(tuple(frame.columns)).keys():
                allowed = "at least one called 'text' or 'title', or what those are known as"
                raise ValueError(f"the data frame has the columns {frame.columns}; allowed: {allowed}")
            return rows_of_frame(frame)
        if hasattr(articles, "to_pylist"):  # a column of pyarrow, whose cells are no strings of Python
            articles = articles.to_pylist()
    if not isinstance(articles, Iterable):
        raise TypeError(f"articles is {short_repr(articles)}; allowed: an iterable of articles or a data frame")
    if isgenerator(articles) and getgeneratorstate(articles) == GEN_CLOSED:
        raise ValueError("articles is a generator that has ended; allowed: a list, or a generator from its beginning")
    return iter(articles)


def rows_of_frame(frame: Any) -> Iterator[dict[str, Any]]:
    """The rows of a data frame of narwhals; a time that Python does not have is told as text, and is no date."""
    for begin in range(0, len(frame), _ROWS_AT_ONCE):
        some = frame[begin : begin + _ROWS_AT_ONCE]
        try:
            rows = list(some.iter_rows(named=True))
        except (OverflowError, ValueError):  # as each library has it
            columns = [cells_of_column(some[name]) for name in some.columns]
            rows = [dict(zip(some.columns, cells, strict=True)) for cells in zip(*columns, strict=True)]
        yield from rows


def cells_of_column(column: Any) -> list[Any]:
    """The cells of a column of narwhals; a time that Python does not have is told as text, and is no date."""
    try:
        return list(column.to_list())
    except (OverflowError, ValueError):  # as each library has it
        return [_cell(column, place) for place in range(len(column))]


def _cell(column: Any, place: int) -> Any:
    try:
        return column[place]
    except (OverflowError, ValueError):
        kind = str(column.dtype).partition("(")[0].lower()
        return f"a {kind} that Python does not have"


def _hint(articles: Any) -> str:
    """Where in a whole response the list of its articles is, or what makes one of a feed."""
    if isinstance(articles, str | bytes) or (isinstance(articles, Mapping) and "bozo" in articles):
        return ", as dedup.feeds.read makes of a feed"
    if not isinstance(articles, Mapping):
        return ""
    found = next((name for name in _LISTS if isinstance(articles.get(name), list)), None)
    return "" if found is None else f", as the one under {found!r}"


def data_frame_of(table: Any) -> Any:
    """A data frame of any library as one of narwhals; None for anything else, such as a column."""
    import narwhals.stable.v2 as narwhals  # not needed for plain Python input

    frame = narwhals.from_native(table, pass_through=True)
    if isinstance(frame, narwhals.LazyFrame):
        frame = frame.collect()
    return frame if isinstance(frame, narwhals.DataFrame) else None


def frame_of(columns: dict[str, list[Any]], backend: Literal["pandas", "polars", "pyarrow"]) -> Any:
    """A data frame of pandas, polars or pyarrow with these columns.

    Raises
    ------
    ValueError
        For another backend.
    ImportError
        When the backend is not installed.
    """
    if backend not in ("pandas", "polars", "pyarrow"):
        raise ValueError(f"backend is {backend!r}; allowed: 'pandas', 'polars', 'pyarrow'")
    import narwhals.stable.v2 as narwhals  # only frames pay for it

    try:
        return narwhals.from_dict(columns, backend=backend).to_native()
    except ImportError as error:
        raise ImportError(f"to_frame(backend={backend!r}) needs {backend}: pip install {backend}") from error
