"""Article, and how strings, mappings, objects and rows of data frames become articles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from math import inf, isnan, nan
from numbers import Integral, Number, Real
from typing import Any, NamedTuple
from warnings import warn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dedup.wording import shortened

FIELDS = ("id", "text", "title", "published", "source", "url", "language")

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
        May be empty when there is a title.
    title : str
    published : datetime or None
        Aware; None when unknown.
    source, url, language : str or None
    residue, title_residue : tuple of (int, int)
        Spans of characters of the text, and of the title, that belong to the site and not to the report.
        `dedup.cluster` and the other functions find them; given values are ignored.

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
    title_residue: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)

    @property
    def body(self) -> str:
        """The text without its residue."""
        return _without(self.text, self.residue, "\n")

    @property
    def full_text(self) -> str:
        """Title and body without their residue; the title only once where the body begins with it."""
        title, body = _without(self.title, self.title_residue, " "), self.body
        return body if body.startswith(title) else f"{title}\n{body}"

    @property
    def day(self) -> float:
        """Time of publication in days since 1970; NaN when unknown."""
        return nan if self.published is None else self.published.timestamp() / 86_400


def _without(text: str, spans: tuple[tuple[int, int], ...], joint: str) -> str:
    if not spans:
        return text
    bounds = [0, *(bound for span in spans for bound in span), len(text)]
    return joint.join(text[start:stop] for start, stop in zip(bounds[::2], bounds[1::2], strict=True)).strip()


class Batch(NamedTuple):
    """Checked articles in the order of the input."""

    articles: list[Article]
    # Canonical order: positions by publication (undated last), then id; by content where the ids are only positions.
    # Results are computed in this order, so that the order of the input does not matter.
    order: list[int]
    named: list[bool]  # whether each article came with an id


def read_articles(
    articles: Any, *, timezone: str | tzinfo | None = None, unique_ids: bool = True, warns: bool = True
) -> Batch:
    """Return a batch of checked articles from any input that users may give.

    A str is a text. Mappings, objects and rows of data frames have the fields of `Article`; ``id`` and ``text`` are
    enough, and a missing id is the position. TypeError or ValueError names the article's position and id, the field,
    the value and what is allowed. One warning says that dates are not in ISO 8601 and count as unknown, one that ids
    repeat where `unique_ids` is False; none come if `warns` is False.
    """
    zone = read_zone(timezone)
    unreadable: list[str] = []
    repeated: list[str] = []
    checked: list[Article] = []
    named: list[bool] = []
    seen: dict[str, int] = {}
    for position, item in enumerate(items_of(articles)):
        article, is_named = _read(position, item, zone, unreadable)
        if article.id in seen:
            problem = f"article {position}: field 'id' is {article.id!r}, as that of article {seen[article.id]}"
            if unique_ids:
                raise ValueError(f"{problem}; allowed: ids that occur once (a missing id is the article's position)")
            repeated.append(problem)
        seen.setdefault(article.id, position)
        checked.append(article)
        named.append(is_named)
    for problems, what in ((unreadable, "count as undated"), (repeated, "repeat an id")):
        if warns and problems:
            warn(f"{len(problems)} of {len(checked)} articles {what}: {problems[0]}", stacklevel=3)
    return Batch(checked, _canonical_order(checked, named), named)


def _canonical_order(articles: Sequence[Article], named: Sequence[bool]) -> list[int]:
    order = list(range(len(articles)))
    # Stable sorts, the least important key first, are faster than one sort of tuples.
    for keys in (
        [article.text for article in articles],
        [article.title for article in articles],
        [article.id if is_named else "" for article, is_named in zip(articles, named, strict=True)],
        [inf if article.published is None else article.day for article in articles],
    ):
        order.sort(key=keys.__getitem__)
    return order


def read_zone(timezone: str | tzinfo | None) -> tzinfo | None:
    """The time zone of that name."""
    if timezone is None or isinstance(timezone, tzinfo):
        return timezone
    problem = f"timezone is {timezone!r}; allowed: None, a tzinfo, or a name like 'Europe/Paris'"
    if not isinstance(timezone, str):
        raise TypeError(problem)
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(problem) from error


def items_of(articles: Any) -> Iterator[Any]:
    """The items of any input that users may give; rows of a data frame as dicts."""
    if isinstance(articles, str | bytes | Mapping | Article):
        raise TypeError(f"articles is one {type(articles).__name__}: {_short(articles)}; allowed: a list of articles")
    if type(articles).__module__.partition(".")[0] in _FRAME_LIBRARIES and not isinstance(articles, Sequence):
        frame = data_frame_of(articles)
        if frame is not None:
            if "text" not in frame.columns:
                raise ValueError(f"the data frame has the columns {frame.columns}; allowed: at least one called 'text'")
            return iter(frame.iter_rows(named=True))
    if not isinstance(articles, Iterable):
        raise TypeError(f"articles is {_short(articles)}; allowed: an iterable of articles or a data frame")
    return iter(articles)


def data_frame_of(table: Any) -> Any:
    """A data frame of any library as one of narwhals; None for anything else, such as a column."""
    import narwhals.stable.v2 as narwhals  # scikit-learn brings it; not needed for plain Python input

    frame = narwhals.from_native(table, pass_through=True)
    if isinstance(frame, narwhals.LazyFrame):
        frame = frame.collect()
    return frame if isinstance(frame, narwhals.DataFrame) else None


def _read(position: int, item: Any, zone: tzinfo | None, unreadable: list[str]) -> tuple[Article, bool]:
    """An article, and whether it came with an id; times that cannot be read are added to `unreadable`."""
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
    name = str(position) if identity is None else _read_id(position, identity)
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
        for key, types, allowed in (("id", str, "str"), ("published", datetime | None, "an aware datetime or None")):
            if not isinstance(getattr(item, key), types):
                raise TypeError(f"{where}: field {key!r} is {_short(getattr(item, key))}; allowed: {allowed}")
        changed = published is not item.published or item.residue or item.title_residue
        return (replace(item, published=published, residue=(), title_residue=()) if changed else item), True
    return Article(id=name, published=published, **values), identity is not None


def _read_id(position: int, value: Any) -> str:
    problem = f"article {position}: field 'id' is {_short(value)}; allowed: str or int"
    if isinstance(value, bool) or not isinstance(value, str | Integral):
        raise TypeError(problem)
    try:
        return str(value)
    except ValueError as error:  # an integer of more digits than Python writes
        raise ValueError(problem) from error


def _read_time(where: str, value: Any, zone: tzinfo | None, unreadable: list[str]) -> datetime | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    problem = f"{where}: field 'published' is {_short(value)}"
    try:
        moment = _parse_time(value, zone)
        if moment is None:
            unreadable.append(f"{problem}; {_ALLOWED_TIME}")
            return None
        if moment.utcoffset() is not None:
            moment.astimezone(UTC)  # comparisons need this to be possible
            return moment
    except TypeError as error:
        raise TypeError(f"{problem}; {_ALLOWED_TIME}") from error
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{problem}; {_ALLOWED_TIME}") from error
    if zone is None:
        raise ValueError(f"{problem}, without a time zone; {_ALLOWED_TIME}")
    return moment.replace(tzinfo=zone)


def _parse_time(value: Any, zone: tzinfo | None) -> datetime | None:
    """A moment, or None for a string that is not in ISO 8601; a day is its midnight, in `zone` or UTC."""
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
    except ValueError:
        return None
    is_day = len(text) <= len("2023-09-12") and moment.tzinfo is None
    return moment.replace(tzinfo=zone or UTC) if is_day else moment


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or what data frames write for them."""
    return value is None or type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and isnan(value))


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # raised by the object, or for an integer of more digits than Python writes
        text = f"<{type(value).__name__}>"
    return shortened(text, 80)
