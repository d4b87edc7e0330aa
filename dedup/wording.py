"""Articles, which may hold anything, as words on a line of a terminal."""

from datetime import UTC

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
