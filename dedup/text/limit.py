"""Limit how much of each article is read."""

import logging
from collections.abc import Sequence

from dedup.article import Article
from dedup.parameters import MAX_CHARS

_logger = logging.getLogger("dedup")


def readable_texts(articles: Sequence[Article], max_chars: int = MAX_CHARS) -> list[str]:
    r"""Return what both tiers read of each article: the first `max_chars` characters of title and body.

    Examples
    --------
    >>> readable_texts([Article("a", "Kim arrives in Russia", title="Visit"), Article("b", "")], max_chars=9)
    ['Visit\nKim', '']
    """
    return [article.full_text[:max_chars] for article in articles]


def warn_truncated(articles: Sequence[Article], max_chars: int = MAX_CHARS) -> None:
    """Log one warning if any articles are too long to be read to their ends."""
    # The cheap sum first: `full_text` joins title and body.
    long = [a for a in articles if len(a.title) + len(a.text) >= max_chars and len(a.full_text) > max_chars]
    note_truncated([article.id for article in long], len(articles), max_chars)


def note_truncated(long: Sequence[str], n_articles: int, max_chars: int = MAX_CHARS) -> None:
    """Log one warning if there are articles, by their ids, that are too long."""
    if long:
        _logger.warning(
            "%d of %d articles are longer than max_chars=%d; that much of their beginning was read. The first is %.80r",
            len(long),
            n_articles,
            max_chars,
            long[0],
        )


def first_texts(articles: Sequence[Article], characters: int = MAX_CHARS) -> list[str]:
    """Return the texts of the first articles, `characters` characters in all; the last text is cut to fit."""
    texts: list[str] = []
    for article in articles:
        texts.append(article.full_text[:characters])
        characters -= len(texts[-1])
        if characters <= 0:
            break
    return texts
