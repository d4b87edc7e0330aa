"""The stories of an index in an order, page by page."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from dedup.parameters import MOST_GAP_DAYS, OrderBy
from dedup.representative import Chooser
from dedup.store.story_query import MILLISECONDS_A_DAY, Place, StoryQuery
from dedup.story.result import Story
from dedup.stream.edits import Edits
from dedup.stream.queries import story_of
from dedup.stream.state import IndexState


class StoryPage(list[Story]):
    """Stories of an index in their order, and where the ones after them begin.

    Attributes
    ----------
    next : str or None
        What `StoryIndex.stories` takes as `after` for the next page; None when this is the last one. It has letters,
        digits, ".", "-", "_" and "~" only, as a URL may.
    values : list of float
        What each story was ordered by: its number of articles ("size") or outlets ("outlets"), outlets an hour
        ("velocity"), or the time of its latest article in seconds since 1970 ("latest").
    cursor : int
        That of the last change before: whoever has read the stories goes on with ``index.changes(page.cursor)``.

    Examples
    --------
    >>> import dedup
    >>> with dedup.StoryIndex(":memory:") as index:
    ...     added = index.add_many(dedup.sample_articles("en"))
    ...     page = index.stories(order_by="size", limit=2)
    ...     after = index.stories(order_by="size", limit=2, after=page.next)
    >>> [len(story) for story in page], page.values, [len(story) for story in after]
    ([7, 5], [7.0, 5.0], [5, 4])
    """

    def __init__(
        self,
        stories: Iterable[Story] = (),
        *,
        next: str | None = None,  # noqa: A002 (as users name it)
        values: Iterable[float] = (),
        cursor: int = 0,
    ) -> None:
        super().__init__(stories)
        self.next, self.values, self.cursor = next, list(values), cursor


class Cursor(NamedTuple):
    """The place of the last story of a page, and in which order that is."""

    order_by: OrderBy
    place: Place
    window: tuple[float, float]


def list_stories(state: IndexState, query: StoryQuery, rule: str | Chooser) -> StoryPage:
    """Return the stories that a query finds, and a cursor when there are more than its limit."""
    one_more = query.limit and query.limit + 1
    places = state.store.find_stories(query._replace(limit=one_more))
    shown, edits = places[: query.limit], Edits(state.store)
    found = [(place, story) for place in shown if (story := story_of(state, place.story, rule, edits)) is not None]
    following = format_cursor(Cursor(query.order_by, shown[-1], query.window)) if len(places) > len(shown) else None
    values = (_shown_value(query, place.value) for place, _ in found)
    cursor = state.store.last_cursor()
    return StoryPage((story for _, story in found), next=following, values=values, cursor=cursor)


def _shown_value(query: StoryQuery, value: float) -> float:
    """Return what a story is ordered by in the units of users."""
    if query.order_by == "latest":
        return value * 86_400
    if query.order_by == "velocity":
        start, end = query.window
        # Of a steady flow the mean weight is 1/2, so that half of the window counts.
        return 2 * value / (MILLISECONDS_A_DAY * (end - start)) / ((end - start) * 24)
    return value


def format_cursor(cursor: Cursor) -> str:
    """Return a cursor as text, from which `parse_cursor` makes the same again.

    Examples
    --------
    >>> format_cursor(Cursor("size", Place(8.0, 19612.5, 7), (19611.5, 19612.5)))
    'size~8.0~19612.5~7~19611.5~19612.5'
    """
    return "~".join(str(part) for part in (cursor.order_by, *cursor.place, *cursor.window)).replace("e+", "e")


def parse_cursor(text: str, order_by: OrderBy) -> Cursor:
    """Return the cursor of a page in that order, or raise ValueError.

    Examples
    --------
    >>> parse_cursor("size~8.0~19612.5~7~19611.5~19612.5", "size").place
    Place(value=8.0, latest=19612.5, story=7)
    >>> parse_cursor("size~8.0~19612.5~7~19611.5~19612.5", "latest")
    Traceback (most recent call last):
    ValueError: after is 'size~8.0~19612.5~7~19611.5~19612.5'; allowed: None, or `next` of a page in the order 'latest'
    """
    try:
        given, *numbers, story, start, end = text.split("~")
        value, latest, *window = map(float, (*numbers, start, end))
        is_sound = all(map(math.isfinite, (value, latest, *window))) and 0 < int(story) < 2**62
        has_window = order_by != "velocity" or 0 < window[1] - window[0] < MOST_GAP_DAYS + 1
        if given != order_by or not is_sound or not has_window:
            raise ValueError
    except (AttributeError, TypeError, ValueError):
        allowed = f"None, or `next` of a page in the order {order_by!r}"
        raise ValueError(f"after is {text!r:.200}; allowed: {allowed}") from None
    return Cursor(order_by, Place(value, latest, int(story)), (window[0], window[1]))
