"""Draw the figures of the documentation from the sample articles.

python docs/figures.py FOLDER

The site draws them when it is built (docs/hooks.py), so that none is older than the library.
"""

import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import dedup
from dedup import plots
from dedup.text.tokens import tokenize

# Letters as outlines: other machines have other fonts. Ids do not change from run to run.
STYLE = {"svg.fonttype": "path", "svg.hashsalt": "dedup", "font.family": "sans-serif"}
SENTENCE = "Путин встретил Kim Jong Un à l'Élysée"


def panel(width: float, height: float) -> Axes:
    """The axes of a figure of its own."""
    return Figure(figsize=(width, height), layout="constrained").subplots()


def svg(ax: Axes) -> str:
    """The figure of some axes."""
    written = StringIO()
    ax.figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def trip(stories: dedup.Stories) -> dedup.Story:
    """The story of the trip, the largest if there are several."""
    of_trip = [s for s in stories if any(getattr(a, "event", "") == "kim-russia-2023" for a in s.articles)]
    return max(of_trip, key=lambda s: (len(s.articles), len(s.near_duplicates)))


def timeline() -> Axes:
    return plots.story_timeline(trip(dedup.cluster(dedup.sample_articles("fr"))), ax=panel(8, 3))


def storyline() -> Axes:
    return plots.storyline(trip(dedup.cluster(dedup.sample_articles("fr"))), ax=panel(9, 3))


def storylines() -> Axes:
    in_autumn = [a for a in dedup.sample_articles() if a.published and f"{a.published:%Y-%m}" in ("2023-09", "2023-10")]
    return plots.storylines(dedup.cluster([a for a in in_autumn if a.language != "zh"]), ax=panel(9, 4.5))


def similarities() -> Axes:
    return plots.similarity_matrix(trip(dedup.cluster(dedup.sample_articles("fr"))), ax=panel(8, 5.5))


def retrieval() -> Axes:
    return plots.retrieval_curve(dedup.near_duplicates(dedup.sample_articles()), ax=panel(6.5, 4))


def sweep() -> Axes:
    articles = dedup.sample_articles()
    return plots.threshold_sweep(dedup.cluster(articles), labels=[a.story for a in articles], ax=panel(7, 4))


def growth() -> Axes:
    with dedup.StoryIndex(":memory:") as index:
        index.add_many([a for a in dedup.sample_articles() if a.published and a.published.year == 2023])
        return plots.index_growth(index.stories(), ax=panel(7, 3.5))


def words() -> Axes:
    """What a sentence goes through, in what the library itself makes of it."""
    tokens = tokenize([SENTENCE])
    spans = zip(tokens.starts.tolist(), tokens.stops.tolist(), strict=True)
    folded = [bytes(tokens.folded[start:stop]).decode("ascii", "replace") for start, stop in spans]
    rows = [
        ("text", SENTENCE.split()),
        ("folded, in tokens", folded),
        ("for copies: shingles", [" ".join(folded[i : i + 5]) for i in range(len(folded) - 4)]),
        ("for stories: features", [folded[0], " ".join(folded[2:4]), folded[0][:4], "..."]),
    ]
    return boxes(panel(9.5, 2.4), rows)


def boxes(ax: Axes, rows: list[tuple[str, list[str]]]) -> Axes:
    """Rows of words in frames, each with a name at the left."""
    for y, (name, cells) in enumerate(rows):
        ax.text(-0.1, -y, name, ha="right", va="center", weight="bold", fontsize=10)
        x = 0.1
        for cell in cells:
            width = 0.066 * len(cell) + 0.18
            frame = {"boxstyle": "round,pad=0.3", "facecolor": "#DCEAF5" if y else "#F2F2F2", "edgecolor": "#0072B2"}
            ax.text(x, -y, cell, ha="left", va="center", fontsize=9, bbox=frame, parse_math=False)
            x += width + 0.1
    ax.set(xlim=(-1.8, 7.2), ylim=(-len(rows) + 0.4, 0.6))
    ax.set_axis_off()
    return ax


FIGURES: dict[str, Callable[[], Axes]] = {
    "timeline": timeline,
    "storyline": storyline,
    "storylines": storylines,
    "similarities": similarities,
    "retrieval": retrieval,
    "sweep": sweep,
    "growth": growth,
    "words": words,
}


def draw(name: str) -> str:
    """A figure as SVG."""
    with mpl.rc_context(STYLE):
        return svg(FIGURES[name]())


def main() -> None:
    """Write all of them into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        (folder / f"{name}.svg").write_text(draw(name), encoding="utf-8")
        print(f"wrote {folder / name}.svg")


if __name__ == "__main__":
    main()
