"""Article, and how str, mapping, object and data-frame row become one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from math import inf, isnan, nan
from numbers import Integral, Number, Real
from typing import Any, NamedTuple
from warnings import warn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OPTIONAL_TEXT = ("title", "source", "url", "language")
_ALLOWED_ITEM = "allowed: str, Article, a mapping or an object with the fields id and text"
_ALLOWED_TIME = (
    "allowed: an aware datetime, an ISO 8601 string, or seconds since 1970; name timezone= for times without a zone"
)
_FRAME_LIBRARIES = ("pandas", "polars", "pyarrow", "duckdb", "narwhals", "modin", "cudf")


@dataclass(frozen=True, slots=True)
class Article:
    """One published text.

    Attributes
    ----------
    id : str
        Unique within a call.
    text : str
        Body of the article; may be empty when there is a title.
    title : str
    published : datetime or None
        Aware; None when unknown.
    source, url, language : str or None
    residue : tuple of (int, int)
        What of the text belongs to the site, not to the report, as spans of characters. Found by `dedup.cluster` and
        the like; what is given is not looked at.

    Examples
    --------
    >>> Article("a1", "Kim Jong Un est arrivé mardi en Russie.", title="Kim en Russie").title
    'Kim en Russie'
    """

    id: str
    text: str
    title: str = ""
    published: datetime | None = None
    source: str | None = None
    url: str | None = None
    language: str | None = None
    residue: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)

    @property
    def body(self) -> str:
        """The text without its residue."""
        if not self.residue:
            return self.text
        bounds = [0, *(bound for span in self.residue for bound in span), len(self.text)]
        return "\n".join(self.text[start:stop] for start, stop in zip(bounds[::2], bounds[1::2], strict=True)).strip()

    @property
    def full_text(self) -> str:
        """Title and report, the title only once where the report repeats it as its first line."""
        body = self.body
        if not self.title or body.startswith(self.title):
            return body
        return f"{self.title}\n{body}"

    @property
    def day(self) -> float:
        """Time of publication in days since 1970; NaN when unknown."""
        return nan if self.published is None else self.published.timestamp() / 86_400


class Batch(NamedTuple):
    """Checked articles in the order they came.

    Attributes
    ----------
    articles : list of Article
    order : list of int
        Positions by publication (undated last), then id; by content where the ids are only positions. Results
        are computed in this order, so that the order of the input does not matter.
    named : list of bool
        Whether each came with an id.
    """

    articles: list[Article]
    order: list[int]
    named: list[bool]


def read_articles(
    articles: Any, *, timezone: str | tzinfo | None = None, unique_ids: bool = True, warns: bool = True
) -> Batch:
    """Check whatever a user calls articles, and make it one batch of `Article`.

    Parameters
    ----------
    articles : iterable of str, mapping, object or Article; or a data frame
        A str is a text. Of mappings, objects and rows the fields of `Article` are read; ``id`` and ``text`` are
        enough, and a missing id is the position.
    timezone : str or tzinfo, optional
        The zone of times that name none.
    unique_ids : bool, default True
        Whether a repeated id is refused, or only warned of.
    warns : bool, default True
        Whether warnings are given.

    Raises
    ------
    TypeError, ValueError
        Naming the article's position and id, the field, the value and what is allowed.

    Warns
    -----
    UserWarning
        Once, when dates are written in another way than ISO 8601: those articles count as undated. Once, when ids
        repeat and that is allowed.
    """
    zone = read_zone(timezone)
    unreadable: list[str] = []
    repeated: list[str] = []
    checked: list[Article] = []
    positional: list[bool] = []
    seen: dict[str, int] = {}
    for position, item in enumerate(items_of(articles)):
        article, has_id = _read(position, item, zone, unreadable)
        if article.id in seen:
            problem = f"article {position}: field 'id' is {article.id!r}, as that of article {seen[article.id]}"
            if unique_ids:
                raise ValueError(f"{problem}; allowed: ids that occur once (a missing id is the article's position)")
            repeated.append(problem)
        seen.setdefault(article.id, position)
        checked.append(article)
        positional.append(not has_id)
    if warns and unreadable:
        warn(f"{len(unreadable)} of {len(checked)} articles count as undated: {unreadable[0]}", stacklevel=3)
    if warns and repeated:
        warn(f"{len(repeated)} of {len(checked)} articles repeat an id: {repeated[0]}", stacklevel=3)

    return Batch(checked, _canonical_order(checked, positional), [not by_position for by_position in positional])


def _canonical_order(articles: Sequence[Article], positional: Sequence[bool]) -> list[int]:
    order = list(range(len(articles)))
    # Stable sorts, the least important key first: cheaper than one of tuples.
    for keys in (
        [article.text for article in articles],
        [article.title for article in articles],
        ["" if by_position else article.id for article, by_position in zip(articles, positional, strict=True)],
        [inf if article.published is None else article.day for article in articles],
    ):
        order.sort(key=keys.__getitem__)
    return order


def read_zone(timezone: str | tzinfo | None) -> tzinfo | None:
    """The zone of that name."""
    if timezone is None or isinstance(timezone, tzinfo):
        return timezone
    if not isinstance(timezone, str):
        raise TypeError(f"timezone is {timezone!r}; allowed: None, a tzinfo, or a name like 'Europe/Paris'")
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"timezone is {timezone!r}; allowed: None, a tzinfo, or a name like 'Europe/Paris'") from error


def items_of(articles: Any) -> Iterator[Any]:
    """The items of whatever a user calls articles, rows of a data frame as dicts."""
    if isinstance(articles, str | bytes | Mapping | Article):
        raise TypeError(f"articles is one {type(articles).__name__}: {_short(articles)}; allowed: a list of articles")
    if type(articles).__module__.partition(".")[0] in _FRAME_LIBRARIES and not isinstance(articles, Sequence):
        frame = _frame(articles)
        if frame is not None:
            return iter(frame)
    if not isinstance(articles, Iterable):
        raise TypeError(f"articles is {_short(articles)}; allowed: an iterable of articles or a data frame")
    return iter(articles)


def _frame(table: Any) -> Iterable[dict[str, Any]] | None:
    """Rows of a data frame of any library as dicts, or None when it is a column."""
    import narwhals.stable.v2 as narwhals  # scikit-learn brings it; not needed for plain Python input

    frame = narwhals.from_native(table, pass_through=True)
    if isinstance(frame, narwhals.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, narwhals.DataFrame):
        return None
    if "text" not in frame.columns:
        raise ValueError(f"the data frame has the columns {frame.columns}; allowed: at least one called 'text'")
    return frame.iter_rows(named=True)


def _read(position: int, item: Any, zone: tzinfo | None, unreadable: list[str]) -> tuple[Article, bool]:
    """One article, and whether it came with an id."""
    if isinstance(item, str):
        return Article(str(position), item), False
    mapping = isinstance(item, Mapping)
    if not mapping and not hasattr(item, "text"):
        error = TypeError if item is None or isinstance(item, bytes | Number) else ValueError
        raise error(f"article {position} is {_short(item)}, without the field 'text'; {_ALLOWED_ITEM}")

    def field_of(name: str) -> Any:
        value = item.get(name) if mapping else getattr(item, name, None)
        return None if _is_missing(value) else value

    identity = field_of("id")
    if isinstance(identity, bool) or not (identity is None or isinstance(identity, str | Integral)):
        raise TypeError(f"article {position}: field 'id' is {_short(identity)}; allowed: str or int")
    try:
        name = str(position) if identity is None else str(identity)
    except ValueError as error:  # an integer of more digits than Python writes
        raise ValueError(f"article {position}: field 'id' is {_short(identity)}; allowed: str or int") from error
    where = f"article {position} (id {name!r})"
    text, title = field_of("text"), field_of("title")
    if text is None and not (title and mapping and "text" in item):
        raise ValueError(f"{where}: field 'text' is missing; allowed: str")
    values = {key: field_of(key) for key in _OPTIONAL_TEXT}
    values |= {"text": "" if text is None else text, "title": "" if title is None else title}
    for key, value in values.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{where}: field {key!r} is {_short(value)}; allowed: str")
    published = _read_time(where, field_of("published"), zone, unreadable)
    if isinstance(item, Article):  # perhaps of a subclass with more fields
        _require_own_types(where, item)
        changed = published is not item.published or item.residue
        return (replace(item, published=published, residue=()) if changed else item), True
    return Article(id=name, published=published, **values), identity is not None


def _require_own_types(where: str, article: Article) -> None:
    for key, types, allowed in (("id", str, "str"), ("published", datetime | None, "an aware datetime or None")):
        value = getattr(article, key)
        if not isinstance(value, types):
            raise TypeError(f"{where}: field {key!r} is {_short(value)}; allowed: {allowed}")


def _read_time(where: str, value: Any, zone: tzinfo | None, unreadable: list[str]) -> datetime | None:
    """A time as an aware datetime."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    start = f"{where}: field 'published' is {_short(value)}"
    try:
        moment = _parse_time(value, zone)
        if moment.utcoffset() is not None:
            moment.astimezone(UTC)  # every comparison needs it to be possible
            return moment
    except _UnreadableTimeError:
        unreadable.append(f"{start}; {_ALLOWED_TIME}")
        return None
    except TypeError as error:
        raise TypeError(f"{start}; {_ALLOWED_TIME}") from error
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{start}; {_ALLOWED_TIME}") from error
    if zone is None:
        raise ValueError(f"{start}, without a time zone; {_ALLOWED_TIME}")
    return moment.replace(tzinfo=zone)


class _UnreadableTimeError(Exception):
    """A string that is no ISO 8601 time."""


def _parse_time(value: Any, zone: tzinfo | None) -> datetime:
    """A moment; a day without a time is its midnight, in `zone` or UTC."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone or UTC)
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        return datetime.fromtimestamp(float(value), UTC)
    if not isinstance(value, str):
        raise TypeError
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _UnreadableTimeError from error
    if len(text) <= len("2023-09-12") and moment.tzinfo is None:
        return moment.replace(tzinfo=zone or UTC)
    return moment


def _is_missing(value: Any) -> bool:
    """None, NaN, and what data frames write for them."""
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and isnan(value))


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # an object's own, or an integer of more digits than Python writes
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."
