"""Draw and tabulate what index_year.py measured.

python benchmarks/index_report.py [--results benchmarks/results]

Prints the table of the months, and makes index_year.svg beside index_year.json: live articles, memory, milliseconds of
one `add` and F1 over the days of the run. Without matplotlib (pip install matplotlib) there is a table only.
"""

import argparse
import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
HEAD = (
    "month     live  memory MB  file MB  add ms  p99 ms  add_many/s  expire s (most)  "
    "assigned  settled    fresh    batch"
)
# Okabe and Ito's colours, each with a marker of its own.
LOOKS = {
    "assigned": ("#56B4E9", "v", "when they came"),
    "settled": ("#D55E00", "o", "a week after"),
    "fresh": ("#0072B2", "s", "fresh index"),
    "batch": ("#009E73", "^", "batch"),
}


def line(row: dict[str, Any]) -> str:
    """A month of the table."""
    return (
        f"{row['month']:5}{row['live']:9,}{row['resident_mb']:11.0f}{row['file_mb']:9.0f}{row['add_median_ms']:8.2f}"
        f"{row['add_p99_ms']:8.2f}{row['add_many_a_second']:12,.0f}{row['expire_seconds']:10.2f}"
        f"{row['expire_max_seconds']:7.2f}" + "".join(score(row, name) for name in LOOKS)
    )


def score(row: dict[str, Any], name: str) -> str:
    value = f1(row, name)
    return f"{value:{10 if name == 'assigned' else 9}.3f}" if value is not None else " " * 9


def f1(row: dict[str, Any], name: str) -> float | None:
    if name in ("fresh", "batch"):
        return row[name]["settled"]["f1"] if row.get(name) else None
    return row[name]["f1"]


def draw(results: dict[str, Any], path: Path) -> None:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        print("no figure; to have it: pip install matplotlib")
        return
    # Text stays text and ids do not change from run to run.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "index-year", "font.family": "sans-serif"})
    figure = Figure(figsize=(9.5, 5), layout="constrained")
    panels = (live, memory), (add, quality) = figure.subplots(2, 2, sharex=True)
    daily, months = results["daily"], results["months"]
    days = [row["day"] for row in daily]
    live.plot(days, [row["live"] for row in daily], color="#D55E00")
    live.set_title("live articles")
    live.yaxis.set_major_formatter("{x:,.0f}")
    memory.plot(days, [row["resident_mb"] for row in daily], color="#D55E00")
    memory.set_title("resident memory, MB")
    add.plot(days, [row["add_p99_ms"] for row in daily], color="#56B4E9", linewidth=1, label="99th percentile")
    add.plot(days, [row["add_median_ms"] for row in daily], color="#D55E00", label="median")
    add.set(title="milliseconds of one add (log scale)", yscale="log")
    add.yaxis.set_major_formatter("{x:g}")
    add.margins(y=0.2)  # room for the legend
    for name, (colour, marker, title) in LOOKS.items():
        points = [(row["day"], value) for row in months if (value := f1(row, name)) is not None]
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
    figure.savefig(path, metadata={"Date": None})
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of index_year.json")
    given = parser.parse_args()
    path = given.results / "index_year.json"
    if not path.exists():
        raise SystemExit(f"no {path}; to have it: python benchmarks/index_year.py DATA")
    results = json.loads(path.read_text())
    print("\n".join([HEAD, *map(line, results["months"])]))
    draw(results, given.results / "index_year.svg")


if __name__ == "__main__":
    main()
