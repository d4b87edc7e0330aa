"""What users hand to an index -> what it works on, or an error that says what is allowed."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from dedup.article import Article, read_articles
from dedup.stories import printable
from dedup.stream.records import Refusal


def check_articles(articles: Any, timezone: str | tzinfo | None, *, warns: bool = True) -> list[Article]:
    """Articles with ids that can be stored.

    Raises
    ------
    TypeError, ValueError
        Naming the position.
    """
    batch = read_articles(articles, timezone=timezone, warns=warns)
    for position, (article, named) in enumerate(zip(batch.articles, batch.named, strict=True)):
        if not named:
            raise ValueError(f"article {position}: field 'id' is missing; allowed: str or int")
        if not is_storable(article.id):
            raise ValueError(f"article {position}: field 'id' is {article.id!r}; allowed: no lone surrogates")
    return batch.articles


def sift(items: Iterable[Any], timezone: str | tzinfo | None) -> tuple[list[Any], list[Refusal]]:
    """Items that are allowed, and why the others are not."""
    allowed: list[Any] = []
    refusals: list[Refusal] = []
    places: dict[str, int] = {}
    for position, item in enumerate(items):
        try:
            (article,) = check_articles([item], timezone, warns=False)  # it is said once, for all that are allowed
            if article.id in places:
                raise ValueError(f"article 0: field 'id' is {article.id!r}, as that of article {places[article.id]}")
        except (TypeError, ValueError) as error:
            refusals.append(Refusal(position, str(error).replace("article 0", f"article {position}", 1)))
        else:
            places[article.id] = position
            allowed.append(item)
    return allowed, refusals


def is_storable(text: str) -> bool:
    """Whether a text has no lone surrogates."""
    return printable(text) == text


def day_of(moment: datetime, name: str) -> float:
    """A time in days since 1970; `name` is what the caller calls it."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment!r}; allowed: an aware datetime")
    return moment.timestamp() / 86_400
