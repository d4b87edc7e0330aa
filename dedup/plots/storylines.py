"""The figures of `dedup.plots` that show the episodes of stories over time."""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dedup.article import Article
from dedup.parameters import check
from dedup.plots.axes import (
    BLUE,
    GREY,
    MAX_NAMES,
    RED,
    SMALL_LEGEND,
    axes,
    check_dated,
    check_type,
    name_rows,
    set_title,
    time_axis,
)
from dedup.story.result import Episode, Story
from dedup.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Area of the point of a report without copies, in square points; each copy adds as much, up to a bound.
_AREA, _MAX_AREA = 40, 600


def storyline(story: Story, ax: "Axes | None" = None) -> "Axes":
    """Episodes of a story over time, a row each with its headline; a report is the larger, the more copies it has.

    Parameters
    ----------
    story : Story
        With at least one dated article; undated ones are counted under the axis.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    TypeError, ValueError
        For something else than a story, or a story without dated articles.

    Examples
    --------
    >>> import dedup
    >>> from matplotlib.figure import Figure
    >>> visit = dedup.cluster(dedup.sample_articles("fr"))[0]
    >>> ax = dedup.plots.storyline(visit, ax=Figure().subplots())
    >>> [name.get_text() for name in ax.get_yticklabels()][-1]
    'Fin de voyage pour Kim Jong-un, reparti d...'
    """
    check_dated(story)
    episodes = [episode for episode in story.episodes if episode.first]
    limit = 64 if ax is None else 44  # the axes that are given may be narrow
    ax = axes(ax, (11, 1.6 + 0.42 * min(len(episodes), MAX_NAMES)))
    sizes = {id(group[0]): len(group) for group in story.near_duplicates}
    copies = {id(copy) for group in story.near_duplicates for copy in group[1:]}
    for row, episode in enumerate(episodes):
        _span(ax, row, episode, color=GREY, linewidth=1.5)
    reports = [
        (row, article)
        for row, episode in enumerate(episodes)
        for article in episode.articles
        if id(article) not in copies
    ]
    areas = [min(_AREA * sizes.get(id(article), 1), _MAX_AREA) for _, article in reports]
    name = "report, the larger the more copies" if copies else "report"
    _points(ax, reports, areas, color=BLUE, alpha=0.75, zorder=3, label=name)
    shown = [(row, episode.representative) for row, episode in enumerate(episodes)]
    _points(ax, shown, [70] * len(shown), marker="*", color=RED, zorder=4, label="shown of its episode")
    name_rows(ax, [episode.headline for episode in episodes], "episode", limit)
    time_axis(ax, sum(not article.published for article in story.articles))
    set_title(ax, story.headline, 64, loc="left", pad=24)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, **SMALL_LEGEND)
    return ax


def storylines(stories: Iterable[Story], n: int = 10, ax: "Axes | None" = None) -> "Axes":
    """The largest stories over time, a row each: a bar for each episode, a point for each article.

    Parameters
    ----------
    stories : iterable of Story
        The result of `dedup.cluster`, or ``index.stories()`` of a `StoryIndex`. Stories without dated articles are left
        out, undated articles counted under the axis.
    n : int, default 10
        Most stories to draw, at least 1. Of equally large ones the earlier are drawn, and rows are in the order of
        their first article.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    TypeError, ValueError
        For something else, or stories without dated articles.

    Examples
    --------
    >>> import dedup
    >>> from matplotlib.figure import Figure
    >>> ax = dedup.plots.storylines(dedup.cluster(dedup.sample_articles("fr")), n=3, ax=Figure().subplots())
    >>> len(ax.get_yticklabels())
    3
    """
    check(n=n)
    stories = list(stories)
    for story in stories:
        check_type("stories", story, Story, "an iterable of Story, such as the result of dedup.cluster")
    dated = [(story.first, story) for story in stories if story.first]
    if not dated:
        articles = sum(map(len, stories))
        raise ValueError(f"stories has {plural(articles, 'article')}, none of them dated; allowed: at least one")
    largest = nsmallest(n, dated, key=lambda item: (-len(item[1]), item[0], item[1].id))
    chosen = [story for _, story in sorted(largest, key=lambda item: (item[0], item[1].id))]
    ax = axes(ax, (9, 1.4 + 0.36 * min(len(chosen), MAX_NAMES)))
    points = []
    for row, story in enumerate(chosen):
        _span(ax, row, story, color=GREY, linewidth=1)
        for number, episode in enumerate(episode for episode in story.episodes if episode.first):
            # Episodes may overlap in time: they lie above and below the line in turn.
            place = row + (-0.16, 0.16)[number % 2]
            _span(ax, place, episode, color=BLUE, linewidth=7, alpha=0.45)
            points += [(place, article) for article in episode.articles]
    _points(ax, points, [9] * len(points), color="black", zorder=3)
    name_rows(ax, [story.headline for story in chosen], "story")
    time_axis(ax, sum(not article.published for story in chosen for article in story.articles))
    return ax


def _span(ax: "Axes", row: float, episode: Episode, **style: Any) -> None:
    """Draw a line from the first to the last article; of one moment it is a point as wide as the line."""
    dates: Any = import_module("matplotlib.dates")  # its types are not complete
    ends = dates.date2num([episode.first, episode.last])
    if ends[0] == ends[1]:  # a line without length is not drawn
        ax.plot(ends[:1], [row], marker="o", markeredgewidth=0, markersize=style.pop("linewidth"), zorder=2, **style)
    else:
        ax.plot(ends, [row, row], solid_capstyle="round", zorder=2, **style)


def _points(ax: "Axes", rows: Sequence[tuple[float, Article]], areas: Sequence[int], **style: Any) -> None:
    """Draw the dated ones of some articles in their rows."""
    dates: Any = import_module("matplotlib.dates")
    kept = [
        (article.published, row, area) for (row, article), area in zip(rows, areas, strict=True) if article.published
    ]
    moments, places, sizes = zip(*kept, strict=True) if kept else ((), (), ())
    ax.scatter(dates.date2num(moments), places, s=sizes, linewidth=0, **style)
