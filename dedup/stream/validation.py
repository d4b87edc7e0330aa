"""What users hand to an index -> articles that it can store, or an error that says what is allowed."""

from dataclasses import replace
from datetime import tzinfo
from typing import Any

from dedup.article import ALLOWED_ID, Article, Batch, Duplicates, Errors, FieldError, read_articles
from dedup.article.urls import page_of
from dedup.store.serialization import encode_article
from dedup.wording import printable

# SQLite's limit for a row is 10**9; numbers take some of it.
_MAX_BYTES = 999_000_000


def check_articles(
    articles: Any, timezone: str | tzinfo | None, errors: Errors = "raise", duplicates: Duplicates | None = None
) -> Batch:
    """Return articles that have an id and can be stored, and refuse the others as `errors` and `duplicates` say.

    The id of one that comes without is its canonical URL.
    """
    return read_articles(articles, timezone=timezone, errors=errors, duplicates=duplicates, accept=_storable)


def id_in_index(article: Article, is_named: bool) -> str | None:
    """Return the id under which an index has an article: its own or, if it came without, its canonical URL."""
    page = None if is_named else page_of(None, article.url)
    return article.id if is_named else page and page[1]


def _storable(article: Article, is_named: bool) -> Article:
    """Refuse an article without id and URL, or one that a row of a database cannot hold: the whole batch would fail."""
    own = id_in_index(article, is_named)
    if own is None:
        raise FieldError(f"field 'id' is missing; {ALLOWED_ID}", field="id", value=None)
    if own != article.id:
        article = replace(article, id=own)
    if not is_storable(article.id):
        raise FieldError.of("id", article.id, "allowed: no lone surrogates")
    names = ("text", "title", "id", "source", "url", "language")
    sizes = {name: len(getattr(article, name) or "") for name in names}
    # A character takes at most twelve bytes; the id is stored twice.
    if 12 * sum(sizes.values()) > _MAX_BYTES and len(encode_article(article)) + 4 * len(article.id) > _MAX_BYTES:
        longest = max(names, key=sizes.__getitem__)
        allowed = f"allowed: {_MAX_BYTES:,} bytes as JSON, all fields together"
        problem = f"field {longest!r} has {sizes[longest]:,} characters; {allowed}"
        raise FieldError(problem, field=longest, value=getattr(article, longest))
    return article


def is_storable(text: str) -> bool:
    """Return whether a text has no lone surrogates."""
    return printable(text) == text
