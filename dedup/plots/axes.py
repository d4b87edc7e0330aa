"""Axes, colours, names and times that the figures of `dedup.plots` share."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from dedup.article import Article
from dedup.plots.fonts import drawable_text
from dedup.story.result import Story
from dedup.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours by Okabe and Ito. What differs in colour differs in shape or stroke too, for prints in grey.
BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"

#: The names of more rows than this could not be read.
MAX_NAMES = 60

SMALL_LEGEND: dict[str, Any] = {"frameon": False, "fontsize": "small"}


def check_type(name: str, value: Any, kind: type, allowed: str) -> None:
    """Raise TypeError for a value of another type."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} is a {type(value).__name__}; allowed: {allowed}")


def check_dated(story: Any) -> None:
    """Raise TypeError for what is no story, and ValueError for one without dated articles."""
    check_type("story", story, Story, "a Story")
    if story.first is None:
        raise ValueError(f"story is {story!r}, none of whose articles is dated; allowed: one with a dated article")


def axes(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    """The given axes, or those of a new figure of pyplot, which notebooks show by themselves."""
    if find_spec("matplotlib") is None:
        raise ImportError('dedup.plots needs matplotlib: pip install "dedup-stories[plot]"')
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def outlet(article: Article) -> str:
    """The source of an article, or what stands for it."""
    return article.source or "no outlet"


def label(article: Article) -> str:
    """Outlet and time of an article."""
    when = f"{article.published.astimezone(UTC):%m-%d %H:%M}" if article.published else "undated"
    return f"{outlet(article)[:30]}, {when}"


def set_title(ax: "Axes", headline: str, limit: int, **style: Any) -> None:
    """Write a headline above the axes."""
    text, fonts = drawable_text(headline, limit)
    ax.set_title(text, fontsize="medium", **fonts, **style)


def name_rows(ax: "Axes", names: Sequence[str], noun: str, limit: int = 44) -> None:
    """Write the names at the left, the first at the top; only their number and the noun if there are too many."""
    if len(names) > MAX_NAMES:
        ax.set(yticks=[], ylabel=plural(len(names), noun))
        ax.yaxis.set_inverted(True)
        return
    texts, fonts = zip(*(drawable_text(name, _fitting(name, limit)) for name in names), strict=True)
    ax.set_yticks(range(len(names)), texts)
    for tick, font in zip(ax.get_yticklabels(), fonts, strict=True):
        tick.set(**font)
    ax.set_ylim(len(names) - 0.5, -0.5)


def _fitting(text: str, limit: int) -> int:
    """How many characters of a text take the room of `limit` Latin ones: Chinese ones are twice as wide."""
    widths = (2 if east_asian_width(character) in "WF" else 1 for character in text[:limit])
    return max(4, sum(room <= limit for room in accumulate(widths)))


def draw_count(ax: "Axes", moments: Sequence[datetime], last: datetime, name: str, **style: Any) -> None:
    """Draw the number of moments so far, with a step at each of them, up to the last time."""
    dates: Any = import_module("matplotlib.dates")  # its types are not complete
    times, counts = dates.date2num([*moments, last]), [*range(1, len(moments) + 1), len(moments)]
    ax.step(times, counts, where="post", linewidth=2, label=f"{name}: {len(moments):,}", **style)


def time_axis(ax: "Axes", undated: int) -> None:
    """Label the axis with days, or hours where all is within a few days; with a grid, and room at both ends."""
    dates: Any = import_module("matplotlib.dates")
    locator = dates.AutoDateLocator(minticks=3, maxticks=8, tz=UTC)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))
    ax.margins(x=0.06)
    ax.set_xlabel("time of publication, UTC" + (f"; {plural(undated, 'undated article')} not shown" if undated else ""))
    tidy(ax)


def frame_blocks(ax: "Axes", sizes: Sequence[int]) -> None:
    """Draw a frame around each block on the diagonal that has more than one row."""
    from matplotlib.patches import Rectangle

    first = 0
    for size in sizes:
        if size > 1:
            ax.add_patch(Rectangle((first - 0.5, first - 0.5), size, size, fill=False, edgecolor=RED, linewidth=2))
        first += size


def tidy(ax: "Axes") -> None:
    """Draw a light grid and no frame."""
    ax.grid(alpha=0.25)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
