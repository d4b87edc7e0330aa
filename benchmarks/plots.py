"""Draw what was measured: the plots of README.md and of the documentation, beside the results (needs matplotlib).

python -m benchmarks.plots [--results benchmarks/results]
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from benchmarks import harness
from benchmarks.tables import NEAR_TITLES, SETS, STORY_TITLES, Results, near_contenders, story_contenders

# Okabe and Ito's colours, each with a marker of its own.
RED, BLUE, GREEN, PINK, SKY, ORANGE = "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
NEAR_LOOKS = {"dedup": (RED, "o"), "gaoya": (BLUE, "s"), "daft": (GREEN, "^"), "rensa": (PINK, "D")}
NEAR_LOOKS |= {"datasketch": (SKY, "v"), "fastsketch": (ORANGE, "P"), "floor": ("#777777", "")}
SET_LOOKS = {"basil": (BLUE, "s"), "ecb": (GREEN, "^"), "vi": (PINK, "D"), "allsides": (SKY, "v")}
SET_LOOKS |= {"og_fra": (ORANGE, "P"), "og_deu": ("#000000", "X"), "newscope": (BLUE, "<"), "mmds": (GREEN, ">")}
SET_LOOKS |= {"ground": (PINK, "p"), "feeds_line": (ORANGE, "o"), "feeds_titles": ("#000000", "*")}
YEAR_LOOKS = {"assigned": (SKY, "v", "when they came"), "settled": (RED, "o", "a week after")}
YEAR_LOOKS |= {"fresh": (BLUE, "s", "fresh index"), "batch": (GREEN, "^", "batch")}


def near_race(results: Results) -> Figure:
    """Time over the number of texts, and recall over it."""
    figure = Figure(figsize=(9.5, 4), layout="constrained")
    time, recall = figure.subplots(1, 2)
    sizes = sorted(map(int, results["sizes"]))
    for name in reversed(near_contenders(results)):
        for panel, key in ((time, "seconds"), (recall, "recall")):
            if (name, key) != ("floor", "recall"):
                _plot_contender(panel, results, name, key)
    time.set(title="Time from texts to pairs", ylabel="seconds (log scale)", yscale="log")
    recall.set(title=f"Recall of pairs with Jaccard ≥ {results['threshold']}", ylabel="share found")
    recall.set_ylim(top=1.005)
    time.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    time.yaxis.set_major_formatter("{x:g}")
    for panel in (time, recall):
        panel.set(xlabel="texts (log scale)", xscale="log", xticks=sizes, xticklabels=[f"{n:,}" for n in sizes])
        panel.minorticks_off()
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*time.get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure


def _plot_contender(panel: Axes, results: Results, name: str, key: str) -> None:
    colour, marker = NEAR_LOOKS[name]
    raced = ((int(n), size["contenders"]) for n, size in results["sizes"].items())
    ours = name == "dedup"
    panel.plot(
        *zip(*sorted((n, contenders[name][key]) for n, contenders in raced if name in contenders), strict=True),
        color=colour,
        marker=marker,
        linestyle="-" if marker else ":",
        linewidth=2.5 if ours else 1.5,
        zorder=3 if ours else 2,
        label=NEAR_TITLES.get(name, name).replace("`", ""),
    )


def story_scoreboard(results: Results) -> Figure:
    """A bar for the mean BCubed F1 of each contender, a marker for each set."""
    figure = Figure(figsize=(9.5, 4), layout="constrained")
    panel = figure.subplots()
    names = story_contenders(results)[::-1]
    means = [results["contenders"][name]["macro"]["f1"] for name in names]
    panel.barh(names, means, height=0.6, color=[RED if name == "dedup" else "#BBBBBB" for name in names])
    for place, mean in enumerate(means):  # at the foot of its bar, where no marker is
        panel.text(0.01, place, f"{mean:.2f}", va="center")
    for s, (colour, marker) in SET_LOOKS.items():
        values = [results["contenders"][name]["sets"][s]["f1"] for name in names]
        panel.plot(values, names, color=colour, marker=marker, linestyle="", label=SETS[s], markersize=6)
    panel.set(title="BCubed F1: mean of eleven sets, and each of them", xlabel="BCubed F1", xlim=(0, 1))
    panel.set_yticks(range(len(names)), [STORY_TITLES.get(name, name) for name in names])
    panel.grid(axis="x", alpha=0.25)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure


def index_year(results: Results) -> Figure:
    """Live articles, memory, milliseconds of one `add` and F1 over the days of the run."""
    figure = Figure(figsize=(9.5, 5), layout="constrained")
    panels = (live, memory), (add, quality) = figure.subplots(2, 2, sharex=True)
    daily = results["daily"]
    days = [row["day"] for row in daily]
    live.plot(days, [row["live"] for row in daily], color=RED)
    live.set_title("live articles")
    live.yaxis.set_major_formatter("{x:,.0f}")
    memory.plot(days, [row["resident_mb"] for row in daily], color=RED)
    memory.set_title("resident memory, MB")
    add.plot(days, [row["add_p99_ms"] for row in daily], color=SKY, linewidth=1, label="99th percentile")
    add.plot(days, [row["add_median_ms"] for row in daily], color=RED, label="median")
    add.set(title="milliseconds of one add (log scale)", yscale="log")
    add.yaxis.set_major_formatter("{x:g}")
    add.margins(y=0.2)  # room for the legend
    for name, (colour, marker, title) in YEAR_LOOKS.items():
        points = [(row["day"], _f1(row, name)) for row in results["months"] if row.get(name)]
        style = "-" if name in ("assigned", "settled") else ""
        quality.plot(*zip(*points, strict=True), color=colour, marker=marker, linestyle=style, label=title)
    quality.set_title("BCubed F1 of each month's articles")
    quality.set_ylim(0.7, 1)
    for panel in (add, quality):
        panel.set_xlabel("day")
        panel.legend(frameon=False, fontsize="small", ncols=2)
    for panel in (*panels[0], *panels[1]):
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in (live, memory):
        panel.set_ylim(bottom=0)
    return figure


def _f1(month: dict[str, Any], name: str) -> float:
    scores = month[name]
    return float(scores.get("settled", scores)["f1"])


PLOTS: dict[str, Callable[[Results], Figure]] = {
    "near_race": near_race,
    "story_scoreboard": story_scoreboard,
    "index_year": index_year,
}


def main() -> None:
    parser = harness.parser(__doc__, results=False)
    parser.add_argument("--results", type=Path, default=harness.RESULTS, help="folder of the results")
    folder = parser.parse_args().results
    for name, draw in PLOTS.items():
        if (folder / f"{name}.json").exists():
            # Text stays text, and ids do not change from run to run.
            salt = name.replace("_", "-")
            style = {"svg.fonttype": "none", "svg.hashsalt": salt, "font.family": "sans-serif"}
            with mpl.rc_context(style):
                draw(harness.read_results(folder, name)).savefig(folder / f"{name}.svg", metadata={"Date": None})
            print(f"drew {folder / name}.svg")


if __name__ == "__main__":
    main()
