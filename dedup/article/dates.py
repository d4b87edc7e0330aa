"""Times of publication in the forms that users have -> aware datetimes."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from math import isnan
from numbers import Integral, Real
from time import struct_time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dedup.article.date_strings import NoDateError, read_iso, read_written

ALLOWED_TIME = (
    "allowed: an aware datetime, a date, a string in ISO 8601, RFC 822 or English, as '2026-04-27T10:00Z' or "
    "'Mon, 27 Apr 2026 10:00:00 GMT', or seconds since 1970 of 9 or 10 digits (milliseconds of 12 or 13, and so on); "
    "name timezone= for times without a zone"
)
_NO_ZONE = "without a time zone"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: By the number of digits of a number since 1970: microseconds in how many of its units.
_UNITS = {9: (10**6, 1), 12: (10**3, 1), 15: (1, 1), 18: (1, 10**3)}
_UNITS |= {digits + 1: unit for digits, unit in _UNITS.items()}
_NUMBER = re.compile(r"-?[1-9]\d{7,18}(\.\d+)?", re.ASCII)


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
    """Return the aware datetime that a value stands for; None for a missing one (None, NaN, NaT, NA, a blank string).

    A day alone is its midnight, in `zone` or else UTC. A time that names no zone is in `zone`. A struct_time is in UTC,
    as feedparser has it, unless it knows its own offset. Numbers, and digits in a string, are told apart by how many
    digits they have before the point:

    ============================  ======================================================================
    digits                        what they are
    ============================  ======================================================================
    8                             a day, YYYYMMDD
    9, 10                         seconds since 1970
    12 that begin with 19 or 20   a minute, YYYYMMDDhhmm, which names no zone
    12 (others), 13               milliseconds since 1970
    14                            a second, YYYYMMDDhhmmss, as GDELT has it: in `zone`, or else UTC
    15, 16                        microseconds since 1970
    18, 19                        nanoseconds since 1970
    ============================  ======================================================================

    Each unit reaches from 1683 to 2286 but for the days around 1970 that have fewer digits, from November 1966 to March
    1973: a small number is rather a year, a count of days, or a zero for nothing, and is refused. So are other numbers
    of digits, and milliseconds of January to August 1976 that are no minute YYYYMMDDhhmm.

    Parameters
    ----------
    value : datetime, date, struct_time, str, number, numpy.datetime64 or None
        `docs/how-to/dates.md` has a table of the forms of strings.
    zone : tzinfo or None
        Of times that name none.

    Raises
    ------
    ValueError, TypeError
        The value is no date, or a time without a zone while `zone` is None. The message is "allowed: ...", or begins
        with a reason that is known, as in "without a time zone; allowed: ...", to follow the value and a comma.

    Examples
    --------
    >>> read_date("Mon, 27 Apr 2026 12:00:00 +0200", None).astimezone(UTC).isoformat()
    '2026-04-27T10:00:00+00:00'
    >>> read_date(1777284000, None) == read_date(1777284000000, None) == read_date("20260427100000", None)
    True
    """
    try:
        moment = _moment(value, zone)
        if moment is None:
            return None
        if moment.utcoffset() is None:
            if zone is None:
                raise NoDateError(_NO_ZONE)
            moment = moment.replace(tzinfo=zone)
        moment.astimezone(UTC)  # comparisons need this to be possible
    except NoDateError as error:
        raise ValueError(f"{error}; {ALLOWED_TIME}") from error
    except TypeError as error:
        raise TypeError(ALLOWED_TIME) from error
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(ALLOWED_TIME) from error
    return moment


def _moment(value: Any, zone: tzinfo | None) -> datetime | None:
    """A moment, naive where neither the value nor its form has a zone; None for a missing value."""
    if isinstance(value, str):
        return _of_string(value, zone)
    if type(value) is datetime:
        return value
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, datetime):
        # The time of pandas, which may be finer, as what everyone knows.
        plain: datetime = value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
        return plain
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone or UTC)
    if isinstance(value, struct_time):
        return _of_struct_time(value)
    numpy_name = type(value).__name__ if type(value).__module__ == "numpy" else ""
    if numpy_name == "datetime64":
        return _of_numpy(value, zone)
    # NumPy counts its lengths of time among the integers.
    if isinstance(value, Real | Decimal) and not isinstance(value, bool) and numpy_name != "timedelta64":
        return _of_number(int(value) if isinstance(value, Integral) else float(value), zone)
    raise TypeError


def _of_string(value: str, zone: tzinfo | None) -> datetime | None:
    text = value.strip()
    if not text:
        return None
    moment = read_iso(text, zone)
    if moment is not None:
        return moment
    number = _NUMBER.fullmatch(text)
    if number:
        return _of_number(float(text) if number[1] else int(text), zone)
    return read_written(text, zone)


def _of_number(value: float, zone: tzinfo | None) -> datetime | None:
    """The moment of a number, which says by its digits what it counts; None for NaN."""
    if isnan(value):
        return None
    whole = int(value)
    digits = str(abs(whole))
    is_minute = len(digits) == 12 and digits.startswith(("19", "20"))
    if whole > 0 and (is_minute or len(digits) in (8, 14)):
        if whole != value:
            raise ValueError
        moment = read_iso(f"{digits[:8]}T{digits[8:]}".removesuffix("T"), zone)
        if moment is None:
            raise ValueError
        return moment.replace(tzinfo=zone or UTC) if len(digits) == 14 else moment
    if len(digits) not in _UNITS:
        raise ValueError
    microseconds, units = _UNITS[len(digits)]
    exact = value * microseconds // units if isinstance(value, int) else value * microseconds / units
    return _EPOCH + timedelta(microseconds=exact)


def _of_struct_time(value: struct_time) -> datetime:
    if not 0 <= value.tm_sec <= 61:  # with leap seconds, which count as the seconds that follow
        raise ValueError
    return datetime(*value[:5], tzinfo=timezone(timedelta(seconds=value.tm_gmtoff or 0))) + timedelta(
        seconds=value.tm_sec
    )


def _of_numpy(value: Any, zone: tzinfo | None) -> datetime | None:
    import numpy as np  # only now: the command's help comes at once

    if np.isnat(value):
        return None
    unit = np.datetime_data(value.dtype)[0]
    if unit in ("Y", "M", "W"):
        raise NoDateError("without a day")
    moment: Any = (value.astype("datetime64[us]") if unit in ("ns", "ps", "fs", "as") else value).item()
    if isinstance(moment, int):  # beyond the calendar
        raise ValueError
    return _moment(moment, zone)
