"""The figures of `dedup.plots`."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from dedup.article import Article
from dedup.metrics import bcubed
from dedup.near.result import NearDuplicates
from dedup.parameters import check_story_threshold
from dedup.plots.axes import (
    BLUE,
    GREEN,
    GREY,
    MAX_NAMES,
    RED,
    SMALL_LEGEND,
    axes,
    check_dated,
    check_type,
    draw_count,
    frame_blocks,
    label,
    name_rows,
    outlet,
    set_title,
    tidy,
    time_axis,
)
from dedup.stories import Stories
from dedup.story.result import Story
from dedup.story.similarity import similarity_matrix as all_similarities
from dedup.text.limit import readable_texts
from dedup.wording import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def story_timeline(story: Story, ax: "Axes | None" = None) -> "Axes":
    """Articles of a story by outlet and time: reports filled, copies hollow, the representative as a star.

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
    >>> stories = dedup.cluster(dedup.sample_articles("en"))
    >>> ax = dedup.plots.story_timeline(stories[0], ax=Figure().subplots())
    >>> ax.get_title(loc="left")
    'Slow green train brings North Korean leader across the border...'
    """
    check_dated(story)
    dated = [a for a in story.articles if a.published is not None]
    outlets = list(dict.fromkeys(map(outlet, dated)))
    ax = axes(ax, (8, 1.6 + 0.32 * min(len(outlets), MAX_NAMES)))
    dates: Any = import_module("matplotlib.dates")  # its types are not complete
    copies = {a.id for group in story.near_duplicates for a in group[1:]}
    hollow, star = {"facecolor": "none", "edgecolor": BLUE}, {"marker": "*", "s": 260, "color": RED, "zorder": 4}

    def mark(articles: Iterable[Article], name: str, style: dict[str, Any]) -> None:
        points = np.array([(dates.date2num(a.published), outlets.index(outlet(a))) for a in articles])
        if len(points):
            look: dict[str, Any] = {"s": 60, "linewidth": 1.5, "zorder": 3, "label": name}
            ax.scatter(*points.T, **look | style)

    mark((a for a in dated if a.id not in copies), "report", {"color": BLUE})
    mark((a for a in dated if a.id in copies), "copy of an earlier article", hollow)
    mark((a for a in dated if a.id == story.representative.id), "representative", star)
    name_rows(ax, outlets, "outlet")
    time_axis(ax, len(story.articles) - len(dated))
    set_title(ax, story.headline, 64, loc="left", pad=24)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3, **SMALL_LEGEND)
    return ax


def similarity_matrix(story: Story, ax: "Axes | None" = None) -> "Axes":
    """Similarity of every two articles of a story, cosine times time factor, with frames around copies.

    The words are weighted as when the story was found. The means of the similarities within an episode, with copies
    counted once, are `Story.membership`, unless one is below 0.05, which counts as 0 there. They do not contain the
    part of an encoder.

    Parameters
    ----------
    story : Story
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    TypeError
        For something else than a story.
    """
    check_type("story", story, Story, "a Story")
    groups = {a.id: group for group in story.near_duplicates for a in group}
    blocks = list(dict.fromkeys(groups.get(a.id, (a,)) for a in story.articles))  # by the time of their first article
    articles = [article for block in blocks for article in block]
    similarity = all_similarities(
        readable_texts(articles),
        np.array([a.day for a in articles], dtype=np.float64),
        story._weighting,
        [a.language for a in articles],
    )
    side = min(1.2 + 0.5 * len(articles), 12)
    ax = axes(ax, (side + 2.8, side))
    # One hue from light to dark reads the same in grey.
    image = ax.imshow(similarity, cmap="Blues", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    if len(articles) > 20:  # too many for numbers
        ax.figure.colorbar(image, ax=ax, shrink=0.8, label="similarity")
    else:
        for i, j in np.ndindex(similarity.shape):
            colour = "white" if similarity[i, j] > 0.6 else "black"
            ax.text(j, i, f"{similarity[i, j]:.2f}", ha="center", va="center", color=colour, fontsize=7)
    frame_blocks(ax, [len(block) for block in blocks])
    name_rows(ax, list(map(label, articles)), "article")
    ax.set_xticks([])
    ax.set_xlabel("frames: copies" if len(blocks) < len(articles) else "no copies")
    set_title(ax, story.headline, 50, loc="right")  # the names take the room at the left
    return ax


def retrieval_curve(found: NearDuplicates, ax: "Axes | None" = None) -> "Axes":
    """Probability that the bands retrieve a pair, by its Jaccard similarity, with the recall at the threshold.

    Left of the threshold retrieved pairs are checked and dropped.

    Parameters
    ----------
    found : NearDuplicates
        From `dedup.near_duplicates`.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    TypeError
        For something else.
    """
    check_type("found", found, NearDuplicates, "what dedup.near_duplicates returns")
    ax = axes(ax, (6.5, 4))
    below, above = np.linspace(0, found.threshold, 201), np.linspace(found.threshold, 1, 201)
    recall = float(found.expected_recall(found.threshold))
    ax.plot(below, found.bands.retrieval_probability(below), "--", color=GREY, label="retrieved, checked, dropped")
    ax.plot(above, found.expected_recall(above), "-", color=BLUE, linewidth=2.5, label="found")
    ax.axvline(found.threshold, color=RED, linestyle=":", label=f"threshold {found.threshold:g}")
    ax.plot([found.threshold], [recall], "o", color=RED, zorder=4)
    ax.annotate(
        f"{recall:.3f}", (found.threshold, recall), xytext=(-8, 2), textcoords="offset points", ha="right", color=RED
    )
    ax.set(xlabel="Jaccard similarity of a pair", ylabel="probability", xlim=(0, 1), ylim=(0, 1.04))
    ax.set_title(f"{found.bands.bands} bands of {found.bands.rows} values", loc="left")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.94))
    tidy(ax)
    return ax


def threshold_sweep(
    stories: Stories,
    thresholds: Sequence[float] | None = None,
    labels: ArrayLike | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Number of stories and size of the largest at other thresholds, and BCubed F1 if labels are given.

    The stories are those of `Stories.rethreshold`; clustering again at a threshold may differ a little.

    Parameters
    ----------
    stories : Stories
    thresholds : sequence of float, optional
        Each in [0.05, 1); 16 from 0.05 to 0.35 if not given.
    labels : array-like of int or str, shape (n_articles,), optional
        The true story of each article, in the order of the input. F1 has an axis of its own at the right.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    TypeError, ValueError
        For something else.
    """
    check_type("stories", stories, Stories, "a Stories")
    if thresholds is None:
        thresholds = np.linspace(0.05, 0.35, 16).tolist()
    for threshold in thresholds:
        check_story_threshold("thresholds", threshold)
    if not len(thresholds) or not len(stories):
        raise ValueError(f"thresholds has {len(thresholds)} values, stories {len(stories)}; allowed: at least 1")
    if labels is not None and np.shape(labels) != (len(stories.articles),):
        raise ValueError(f"labels has the shape {np.shape(labels)}; allowed: ({len(stories.articles)},)")
    ordered = sorted(map(float, thresholds))
    swept = [stories.rethreshold(threshold) for threshold in ordered]
    ax = axes(ax, (7, 4))
    ax.plot(ordered, [len(s) for s in swept], "-s", color=BLUE, markersize=4, label="stories")
    ax.plot(ordered, [len(s[0]) for s in swept], "--^", color=GREEN, markersize=4, label="articles of the largest")
    ax.axvline(stories.threshold, color=GREY, linestyle=":", label=f"threshold {stories.threshold:g}")
    ax.set(xlabel="story_threshold", ylabel="stories, articles")
    ax.set_ylim(bottom=0)
    lines = ax.get_lines()
    if labels is not None:
        right = ax.twinx()
        scores = [bcubed(labels, s.labels).f1 for s in swept]
        lines += right.plot(ordered, scores, "-o", color=RED, markersize=4, label="BCubed F1 (right)")
        right.set(ylabel="BCubed F1", ylim=(0, 1))
        right.spines["top"].set_visible(False)
    ax.legend(handles=lines, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, **SMALL_LEGEND)
    tidy(ax)
    return ax


def index_growth(stories: Iterable[Story], ax: "Axes | None" = None) -> "Axes":
    """Number of articles and stories so far, by time of publication.

    Parameters
    ----------
    stories : iterable of Story
        ``index.stories()`` of a `StoryIndex`, or the result of `dedup.cluster`. A story counts from its first dated
        article; undated articles are counted under the axis.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    TypeError, ValueError
        For something else, or stories without dated articles.
    """
    stories = list(stories)
    for story in stories:
        check_type("stories", story, Story, "an iterable of Story, such as index.stories()")
    articles = [article for story in stories for article in story.articles]
    published = sorted(article.published for article in articles if article.published)
    if not published:
        raise ValueError(f"stories has {plural(len(articles), 'article')}, none of them dated; allowed: at least one")
    begun = sorted(story.first for story in stories if story.first)
    ax = axes(ax, (7, 4))
    draw_count(ax, published, published[-1], "articles", color=BLUE)
    draw_count(ax, begun, published[-1], "stories", color=RED, linestyle="--")
    time_axis(ax, len(articles) - len(published))
    ax.set_ylabel("so far")
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.legend(frameon=False, loc="upper left")
    return ax
