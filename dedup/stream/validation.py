"""What users hand to an index -> articles that it can store, or an error that says what is allowed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from dedup.article import Article, Refusal, read_articles
from dedup.article.urls import page_of
from dedup.store.serialization import encode_article
from dedup.wording import printable

# SQLite's limit for a row is 10**9; numbers take some of it.
_MAX_BYTES = 999_000_000


def check_articles(articles: Any, timezone: str | tzinfo | None, *, warns: bool = True) -> list[Article]:
    """Return articles that have an id and can be stored, or raise an error that names the position.

    The id of one that comes without is its canonical URL.
    """
    batch = read_articles(articles, timezone=timezone, warns=warns)
    checked = []
    for position, (read, named) in enumerate(zip(batch.articles, batch.named, strict=True)):
        page = None if named else page_of(None, read.url)
        article = read if page is None else replace(read, id=page[1])
        if not named and page is None:
            raise ValueError(f"article {position}: field 'id' is missing; allowed: str or int")
        if not is_storable(article.id):
            raise ValueError(f"article {position}: field 'id' is {article.id!r}; allowed: no lone surrogates")
        _require_size(position, article)
        checked.append(article)
    return checked


def _require_size(position: int, article: Article) -> None:
    """Refuse an article that a row of a database cannot hold: the whole batch would fail with it."""
    names = ("text", "title", "id", "source", "url", "language")
    sizes = {name: len(getattr(article, name) or "") for name in names}
    # A character takes at most twelve bytes; the id is stored twice.
    if 12 * sum(sizes.values()) > _MAX_BYTES and len(encode_article(article)) + 4 * len(article.id) > _MAX_BYTES:
        longest = max(names, key=sizes.__getitem__)
        problem = f"article {position} (id {article.id!r:.80}): field {longest!r} has {sizes[longest]:,} characters"
        raise ValueError(f"{problem}; allowed: {_MAX_BYTES:,} bytes as JSON, all fields together")


def split_valid(items: Iterable[Any], timezone: str | tzinfo | None) -> tuple[list[Any], list[Refusal]]:
    """Return the items that are allowed, and why the others are not."""
    allowed: list[Any] = []
    refusals: list[Refusal] = []
    positions: dict[str, int] = {}
    for position, item in enumerate(items):
        try:
            (article,) = check_articles([item], timezone, warns=False)  # one warning follows for all that are allowed
            if article.id in positions:
                raise ValueError(f"article 0: field 'id' is {article.id!r}, as that of article {positions[article.id]}")
        except (TypeError, ValueError) as error:
            refusals.append(Refusal(position, str(error).replace("article 0", f"article {position}", 1)))
        else:
            positions[article.id] = position
            allowed.append(item)
    return allowed, refusals


def is_storable(text: str) -> bool:
    """Return whether a text has no lone surrogates."""
    return printable(text) == text
