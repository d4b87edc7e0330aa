"""When articles come, by a clock that the caller gives; and what is dated later than that can be."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from dedup.article import Article
from dedup.parameters import day_of
from dedup.store.protocol import Store
from dedup.store.records import Row
from dedup.store.serialization import decode_article, digest_of, encode_article
from dedup.stream.state import IndexState

_logger = logging.getLogger("dedup")

#: Returns the present time, which is aware.
Clock = Callable[[], datetime]

#: An article may be dated as much later than the clock: clocks and zones are not always right.
GRACE_DAYS = 1.0


def utc_now() -> datetime:
    """Return what the machine's clock says."""
    return datetime.now(UTC)


def arrival_day(clock: Clock) -> float:
    """Return the present time of a clock in days since 1970."""
    return day_of(clock(), "what the clock returns")


def without_future_dates(articles: Sequence[Article], now: float) -> list[Article]:
    """Return articles of which those dated later than a day after `now` are undated; one warning tells of them.

    They would stay for ever, and before all others.

    Examples
    --------
    >>> article = Article("a", "Kim in Russia", published=datetime(2023, 9, 12, tzinfo=UTC))
    >>> without_future_dates([article], now=article.day - 1) == [article]
    True
    """
    checked = [
        replace(article, published=None) if article.day > now + GRACE_DAYS else article  # NaN is not greater
        for article in articles
    ]
    late = [i for i, article in enumerate(checked) if article.published is not articles[i].published]
    for i in late:
        _logger.debug("article %d (id %.80r): field 'published' is %s", i, articles[i].id, articles[i].published)
    if late:
        message = (
            "%d of %d articles are dated later than now and count as undated: the first is article %d (id %.80r), "
            "published %s"
        )
        first = late[0]
        _logger.warning(message, len(late), len(articles), first, articles[first].id, articles[first].published)
    return checked


def is_spoilt(store: Store, now: float) -> bool:
    """Return whether an index has an article or a change that is dated later than a day after `now`."""
    last = store.changes(store.last_cursor() - 1)
    return bool(store.nodes_after(now + GRACE_DAYS)) or any(change.day > now + GRACE_DAYS for change in last)


def mend(state: IndexState) -> None:
    """Make articles undated that are dated later than a day after now, in the store; memory has to be read again.

    These, and those without a date that came after them, count as come with the latest article of the others: when
    they did is not known.
    """
    store, most = state.store, state.arrival + GRACE_DAYS
    days = state.live.nodes.days(np.array(store.nodes_before(np.inf), dtype=np.int64))
    latest = float(days[days <= most].max(initial=-np.inf))
    day = latest if np.isfinite(latest) else state.arrival
    rows = store.rows(store.nodes_after(most)).values()
    store.rewrite(_undated(row, day) for row in rows)
    store.limit_change_days(day)
    moment = datetime.fromtimestamp(day * 86_400, UTC)
    _logger.warning("%d articles of the index were dated later than now, or kept so long; now: %s", len(rows), moment)


def _undated(row: Row, expiry_day: float) -> Row:
    article = replace(decode_article(row.fields), published=None)
    digest, fields = digest_of(article), encode_article(article)
    return row._replace(digest=digest, day=None, expiry_day=expiry_day, fields=fields)
