"""Articles, which may hold anything, as words on a line of a terminal."""

from datetime import UTC, datetime, timedelta

from dedup.article import Article


def named(article: Article) -> str:
    """An article on a line: title or beginning, source and time."""
    when = f"{article.published.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if article.published else "undated"
    source = f"{one_line(article.source, 40)}, " if article.source else ""
    return f"{quoted(article.title.strip() or article.text[:200], 80)} ({source}{when})"


def quoted(text: str, longest: int) -> str:
    """Text in quotes on one line, cut to so many characters."""
    return repr(one_line(text, longest))


def one_line(text: str, longest: int) -> str:
    """Text on one line, cut to so many characters, without what a terminal might obey."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * longest])
    line = " ".join(shown.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def period(first: datetime | None, last: datetime | None) -> str:
    """The days from a first to a last time, in UTC."""
    if first is None or last is None:
        return "undated"
    begin, end = (f"{moment.astimezone(UTC):%Y-%m-%d}" for moment in (first, last))
    return begin if begin == end else f"{begin} to {end}"


def plural(count: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Examples
    --------
    >>> plural(1, "article"), plural(1200, "story", "stories")
    ('1 article', '1,200 stories')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def headline_of(title: str, text: str) -> str:
    """The title, or the beginning of the text."""
    line = printable((title or text).strip().partition("\n")[0])
    return line if len(line) <= 120 else f"{line[:117]}..."


def printable(text: str) -> str:
    """Text that can be encoded: lone surrogates, which broken feeds carry, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def duration(gap: timedelta) -> str:
    """A length of time in words."""
    minutes = int(gap.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
