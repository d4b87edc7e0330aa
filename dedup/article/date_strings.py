"""Dates as they are written -> datetimes: ISO 8601, RFC 822 and its relatives, English."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from dedup.wording import short_repr


class NoDateError(ValueError):
    """Says in words why a value is no date."""


# What `datetime.fromisoformat` reads, without what it guesses: it takes any character between day and time, minutes of
# an offset beyond 59, and a fraction of an hour as one of a second. Group 1 is there when a time is.
_ISO = re.compile(
    r"\d{4}-?(?:\d\d-?\d\d|W\d\d(?:-?\d)?)"
    r"([Tt ]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d(?::?[0-5]\d(?::?[0-5]\d)?)?)?)?",
    re.ASCII,
)

_WEEKDAY = r"(?:(?P<weekday>[a-z]{3,9})(?:\.?,? |,))?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_MONTH = r"(?P<month>[a-z]{3,9})\.?"
_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?(?: ?(?P<half>[ap])\.?m\b\.?)?"
)
_ZONE = r"(?P<zone>(?:(?:gmt|utc?) (?=[+-]))?[a-z+-][a-z0-9_/:+-]{0,40})"
# A name behind an offset, as in "+0200 CEST", a comment behind any zone, as in "GMT+0200 (Paris (France))", and what
# RFC 9557 puts in brackets, as in "+02:00[Europe/Paris]", say nothing new.
_COMMENT = r"\((?:[^()]*+\([^()]*+\))*+[^()]*+\)"
_REST = rf"{_TIME}(?: ?{_ZONE}(?:(?<=\d) (?-i:[A-Z]{{2,5}})| {_COMMENT}|(?:\[[^\[\]]*+\])++)?)?"

_FORMS = [
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        # Mon, 27 Apr 2026 10:00:00 GMT; Monday, 27-Apr-26 10:00:00 GMT; 27 April 2026
        rf"{_WEEKDAY}{_DAY}[ -]{_MONTH},?[ -](?P<year>\d{{4}}|\d\d)(?:,? (?:at |- )?{_REST})?",
        # April 27, 2026 at 10:00 AM EDT; Mon Apr 27 2026 10:00:00 GMT+0200 (Paris)
        rf"{_WEEKDAY}{_MONTH} {_DAY},? (?P<year>\d{{4}})(?:,? (?:at |- )?{_REST})?",
        # Mon Apr 27 10:00:00 2026; Mon Apr 27 10:00:00 +0000 2026
        rf"{_WEEKDAY}{_MONTH} {_DAY} {_TIME}(?: ?{_ZONE})? (?P<year>\d{{4}})",
        # 2026-04-27 16:00 UTC; 2026/4/27 9:05; 2026-04-27T24:00Z
        rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}})(?:(?:T|,? ){_REST})?",
        # a day with an offset, as XML Schema has it: 2026-04-27+02:00
        r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?P<zone>Z|[+-]\d\d:\d\d)",
        # the basic form with what fromisoformat does not read: 20260427T240000Z, 20260427100000 +0200
        rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)[T ]?"
        rf"(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?(?: ?{_ZONE})?",
    )
]
_NUMBERS_ONLY = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}(?!\d)", re.ASCII)
_OFFSET = re.compile(r"(?:GMT|UTC?)?([+-])(\d{1,2}(?=$|:)|\d\d(?=\d\d$))(?::?([0-5]\d))?", re.ASCII | re.IGNORECASE)

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_WEEKDAYS = {"mon", "tue", "tues", "wed", "weds", "thu", "thur", "thurs", "fri", "sat", "sun"}
_WEEKDAYS |= {f"{name}day" for name in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")}

#: Names that mean one zone: those of RFC 822, and others that the time zone database gives to no second offset. The
#: letters of RFC 822 but Z are left out: it defined them wrongly, and RFC 5322 takes them for unknown.
ZONES = {
    name: timezone(timedelta(hours=hours))
    for hours, names in {
        -10: "HST",
        -9: "AKST",
        -8: "AKDT PST",
        -7: "MST PDT",
        -6: "CST MDT",
        -5: "EST CDT",
        -4: "AST EDT",
        -3.5: "NST",
        -3: "ADT",
        -2.5: "NDT",
        0: "Z UT UTC GMT WET",
        1: "BST CET MET WAT WEST",
        2: "CAT CEST EET MEST SAST",
        3: "EAT EEST",
        5: "PKT",
        7: "WIB",
        8: "AWST HKT WITA",
        9: "JST KST WIT",
        9.5: "ACST",
        10: "AEST",
        10.5: "ACDT",
        11: "AEDT",
        12: "NZST",
        13: "NZDT",
    }.items()
    for name in names.split()
}

#: Names of zones with and without summer time: those of the United States, which its media write.
_PLACES_OF = {"ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles"}


def read_iso(text: str, zone: tzinfo | None) -> datetime | None:
    """The moment of a string in ISO 8601, naive where it names no zone; None if it is none that Python reads.

    A day alone is its midnight, in `zone` or UTC.
    """
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if found[1] else moment.replace(tzinfo=zone or UTC)


def read_written(text: str, zone: tzinfo | None) -> datetime:
    """The moment of a string in any other form; naive where it names no zone.

    ValueError, or OverflowError beyond the calendar, where it is no date; the reason is in words if the error is a
    NoDateError. Takes time in proportion to the length.
    """
    text = " ".join(text.replace("\N{MINUS SIGN}", "-").split())
    for form in _FORMS:
        found = form.fullmatch(text)
        if found:
            return _moment(found.groupdict(), zone)
    if _NUMBERS_ONLY.match(text):
        raise NoDateError("whose order of day and month is not known")
    raise ValueError


def _moment(parts: dict[str, str | None], zone: tzinfo | None) -> datetime:
    """The moment of the parts of a form; naive where it has a time and no zone."""
    weekday, month = parts.get("weekday"), str(parts["month"]).lower()
    if weekday is not None and weekday.lower() not in _WEEKDAYS:
        raise ValueError
    number = int(month) if month.isdigit() else _MONTHS.get(month, 0)
    hour, minute, second, microsecond = _time_of_day(parts)
    day = _year(str(parts["year"])), number, int(str(parts["day"]))
    # A leap second counts as the second that follows.
    moment = datetime(*day, hour % 24, minute, min(second, 59), microsecond)
    if hour == 24 or second == 60:
        moment += timedelta(days=hour // 24, seconds=second // 60)
    named = parts.get("zone")
    if named is not None:
        return moment.replace(tzinfo=_zone(named, moment, zone))
    return moment if parts.get("hour") else moment.replace(tzinfo=zone or UTC)


def _year(digits: str) -> int:
    """The year; of two digits, as RFC 5322 has it: 00 to 49 are 2000 to 2049, 50 to 99 are 1950 to 1999."""
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 50 else 1900)


def _time_of_day(parts: dict[str, str | None]) -> tuple[int, int, int, int]:
    """Hour, minute, second and microsecond, midnight if there are none: the hour may be 24, and the second 60."""
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    half = parts.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half in "pP" else 0)
    if second > 60 or hour > 24 or (hour == 24 and (minute or second or microsecond)):
        raise ValueError
    return hour, minute, second, microsecond


def _zone(name: str, moment: datetime, zone: tzinfo | None) -> tzinfo:
    """The zone of an offset or a name; a name that `zone` itself bears at that moment is `zone`."""
    offset = _OFFSET.fullmatch(name.replace(" ", ""))
    if offset:
        sign, hours, minutes = offset.groups()
        gap = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-gap if sign == "-" else gap)
    capitals = name.upper()
    if zone is not None and (moment.replace(tzinfo=zone).tzname() or "").upper() == capitals:
        return zone
    if capitals in ZONES:
        return ZONES[capitals]
    place = _PLACES_OF.get(capitals, name)
    if "/" in place and place in _places():
        return ZoneInfo(place)
    raise NoDateError(f"whose zone {short_repr(name)} is unknown or has more than one meaning")


@cache
def _places() -> set[str]:
    return available_timezones()
