"""Times of publication in the forms that users have -> aware datetimes."""

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from numbers import Real
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ALLOWED_TIME = (
    "allowed: an aware datetime, an ISO 8601 string, or seconds since 1970; name timezone= for times without a zone"
)


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


def read_date(value: Any, zone: tzinfo | None) -> datetime | None:
    """A moment of publication, None for a missing one; TypeError or ValueError says what is allowed."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        moment = _parse_time(value, zone)
        if moment.utcoffset() is not None:
            moment.astimezone(UTC)  # comparisons need this to be possible
            return moment
    except TypeError as error:
        raise TypeError(ALLOWED_TIME) from error
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(ALLOWED_TIME) from error
    if zone is None:
        raise ValueError(f"without a time zone; {ALLOWED_TIME}")
    return moment.replace(tzinfo=zone)


def _parse_time(value: Any, zone: tzinfo | None) -> datetime:
    """A moment; a day is its midnight, in `zone` or UTC."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone or UTC)
    if isinstance(value, Real | Decimal) and not isinstance(value, bool):
        return datetime.fromtimestamp(float(value), UTC)
    if not isinstance(value, str):
        raise TypeError
    text = value.strip()
    moment = datetime.fromisoformat(text)
    is_day = len(text) <= len("2023-09-12") and moment.tzinfo is None
    return moment.replace(tzinfo=zone or UTC) if is_day else moment
