"""Any input that users may give -> items, of which each is to become an article."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from dedup.article.types import Article
from dedup.wording import short_repr

_FRAME_LIBRARIES = ("pandas", "polars", "pyarrow", "duckdb", "narwhals", "modin", "cudf")


def items_of(articles: Any) -> Iterator[Any]:
    """The items of any input that users may give; rows of a data frame as dicts."""
    if isinstance(articles, str | bytes | Mapping | Article):
        raise TypeError(
            f"articles is one {type(articles).__name__}: {short_repr(articles)}; allowed: a list of articles"
        )
    if type(articles).__module__.partition(".")[0] in _FRAME_LIBRARIES and not isinstance(articles, Sequence):
        frame = data_frame_of(articles)
        if frame is not None:
            if "text" not in frame.columns:
                raise ValueError(f"the data frame has the columns {frame.columns}; allowed: at least one called 'text'")
            return iter(frame.iter_rows(named=True))
    if not isinstance(articles, Iterable):
        raise TypeError(f"articles is {short_repr(articles)}; allowed: an iterable of articles or a data frame")
    return iter(articles)


def data_frame_of(table: Any) -> Any:
    """A data frame of any library as one of narwhals; None for anything else, such as a column."""
    import narwhals.stable.v2 as narwhals  # scikit-learn brings it; not needed for plain Python input

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
    import narwhals.stable.v2 as narwhals  # scikit-learn brings it; only frames pay for it

    try:
        return narwhals.from_dict(columns, backend=backend).to_native()
    except ImportError as error:
        raise ImportError(f"to_frame(backend={backend!r}) needs {backend}: pip install {backend}") from error
