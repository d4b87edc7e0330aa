"""Text on one line, and times, spans and counts in words."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_WHITE_SPACE = re.compile(r"\s+")


def printable(text: str) -> str:
    """Text that can be encoded: lone surrogates, which broken feeds contain, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shortened(text: str, limit: int, ellipsis: str = "...") -> str:
    """Text of at most `limit` characters, the ellipsis included."""
    return text if len(text) <= limit else text[: limit - len(ellipsis)] + ellipsis


def one_line(text: str, limit: int, ellipsis: str = "...", *, blanks: re.Pattern[str] = _WHITE_SPACE) -> str:
    """Text on one line of at most `limit` characters.

    Runs of `blanks` become one space. Only the beginning of a text is read, which may be a megabyte.
    """
    return shortened(printable(blanks.sub(" ", text[: 4 * limit]).strip()), limit, ellipsis)


def visible(text: str) -> str:
    r"""Text without what could steer a terminal, each such character a space.

    Examples
    --------
    >>> visible("Kim\x1b[2J in\nRussia")
    'Kim [2J in Russia'
    """
    return "".join(character if character.isprintable() else " " for character in text)


def visible_line(text: str, limit: int) -> str:
    """Text on one line of at most `limit` characters, without what could steer a terminal."""
    return one_line(visible(text[: 4 * limit]), limit)


def quoted(text: str, limit: int) -> str:
    """Text in quotes, on one line of at most `limit` characters between them."""
    return repr(visible_line(text, limit))


def headline_of(title: str, text: str) -> str:
    r"""The title, or the first line of the text, of at most 120 characters, with plain blanks between its words.

    Examples
    --------
    >>> headline_of("«\xa0Bienvenue\xa0»,  dit-il", "")
    '« Bienvenue », dit-il'
    """
    return shortened(printable(" ".join((title or text).strip().partition("\n")[0].split())), 120)


def minute(moment: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "undated"


def period(first: datetime | None, last: datetime | None) -> str:
    """The days from a first to a last time, in UTC."""
    if first is None or last is None:
        return "undated"
    begin, end = (f"{moment.astimezone(UTC):%Y-%m-%d}" for moment in (first, last))
    return begin if begin == end else f"{begin} to {end}"


def duration(gap: timedelta) -> str:
    """A length of time in words."""
    minutes = int(gap.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def plural(count: int, one: str, many: str = "") -> str:
    """A number with its noun, such as 1 article or 1,200 stories."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def short_repr(value: Any) -> str:
    """A value as Python writes it, shortened, for a message."""
    try:
        text = repr(value)
    except Exception:  # raised by the object, or for an integer of more digits than Python writes
        text = f"<{type(value).__name__}>"
    return shortened(text, 80)
