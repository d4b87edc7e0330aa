"""How much of an article is read."""

import logging
from collections.abc import Sequence

from dedup.article import Article
from dedup.parameters import MAX_CHARS

_log = logging.getLogger("dedup")


def readable_texts(articles: Sequence[Article], max_chars: int = MAX_CHARS) -> list[str]:
    r"""What the tiers read of articles: the first `max_chars` characters of title and text.

    Examples
    --------
    >>> readable_texts([Article("a", "Kim arrives in Russia", title="Visit"), Article("b", "")], max_chars=9)
    ['Visit\nKim', '']
    """
    return [article.full_text[:max_chars] for article in articles]


def note_long(articles: Sequence[Article], max_chars: int = MAX_CHARS) -> None:
    """Say in the log, in one line for all, that articles are too long to be read to their ends."""
    # The sum first: it is known without making one text of two.
    long = [a for a in articles if len(a.title) + len(a.text) >= max_chars and len(a.full_text) > max_chars]
    if long:
        _log.warning(
            "%d of %d articles are longer than max_chars=%d; that much of their beginning was read. The first is %.80r",
            len(long),
            len(articles),
            max_chars,
            long[0].id,
        )


def beginning(articles: Sequence[Article], characters: int = MAX_CHARS) -> list[str]:
    """The texts of the first articles, of so many characters together; the last is cut to fit."""
    texts: list[str] = []
    left = characters
    for article in articles:
        texts.append(article.full_text[:left])
        left -= len(texts[-1])
        if left <= 0:
            break
    return texts
