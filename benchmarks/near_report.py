"""Draw and tabulate what near_race.py measured.

python benchmarks/near_report.py [--results benchmarks/results] [--write README.md]

Makes near_race.svg beside near_race.json: time over the number of texts, and recall over it. Prints the table for the
README between its markers; `--write FILE` puts it in place of what stands between them in FILE. Without matplotlib
(pip install matplotlib) there is a table only.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
MARKERS = "<!-- near-race -->", "<!-- /near-race -->"
TITLES = {"fastsketch": "FastSketchLSH", "daft": "Daft", "floor": "`lower().split()` alone"}
# Okabe and Ito's colours, each with a marker of its own.
LOOKS = {
    "dedup": ("#D55E00", "o"),
    "gaoya": ("#0072B2", "s"),
    "daft": ("#009E73", "^"),
    "rensa": ("#CC79A7", "D"),
    "datasketch": ("#56B4E9", "v"),
    "fastsketch": ("#E69F00", "P"),
    "floor": ("#777777", ""),
}


def curve(results: dict[str, Any], name: str, key: str) -> list[tuple[int, float]]:
    """(number of texts, value) of a contender."""
    sizes = ((int(n), raced["contenders"]) for n, raced in results["sizes"].items())
    return sorted((n, contenders[name][key]) for n, contenders in sizes if name in contenders)


def contenders(results: dict[str, Any]) -> list[str]:
    """All of them, the fastest at the largest size first."""
    last = results["sizes"][max(results["sizes"], key=int)]["contenders"]
    return sorted(last, key=lambda name: last[name]["seconds"])


def draw(results: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    # Text stays text and ids do not change from run to run.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "near-race", "font.family": "sans-serif"})
    figure = Figure(figsize=(9.5, 4), layout="constrained")
    time, recall = figure.subplots(1, 2)
    for name in reversed(contenders(results)):
        plot(time, results, name, "seconds")
        if name != "floor":
            plot(recall, results, name, "recall")
    time.set(title="Time from texts to pairs", ylabel="seconds (log scale)", yscale="log")
    recall.set(title=f"Recall of pairs with Jaccard ≥ {results['threshold']}", ylabel="share found")
    recall.set_ylim(top=1.005)
    sizes = sorted(map(int, results["sizes"]))
    time.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    time.yaxis.set_major_formatter("{x:g}")
    for panel in (time, recall):
        panel.set(xlabel="texts (log scale)", xscale="log", xticks=sizes, xticklabels=[f"{n:,}" for n in sizes])
        panel.minorticks_off()
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*time.get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path, metadata={"Date": None})
    print(f"wrote {path}")


def plot(panel: Any, results: dict[str, Any], name: str, key: str) -> None:
    colour, marker = LOOKS[name]
    ours = name == "dedup"
    panel.plot(
        *zip(*curve(results, name, key), strict=True),
        color=colour,
        marker=marker,
        linestyle="-" if marker else ":",
        linewidth=2.5 if ours else 1.5,
        zorder=3 if ours else 2,
        label=TITLES.get(name, name).replace("`", ""),
    )


def table(results: dict[str, Any]) -> str:
    """Markdown: seconds at each size; quality, memory and ratio at the largest."""
    sizes = sorted(map(int, results["sizes"]))
    heads = ["", *(f"{n:,} texts" for n in sizes), "dedup / it", "recall", "precision", "memory"]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    largest = results["sizes"][str(sizes[-1])]["contenders"]
    for name in contenders(results):
        seconds = dict(curve(results, name, "seconds"))
        cells = [f"{seconds[n]:.2f} s" if n in seconds else "" for n in sizes]
        title = TITLES.get(name, name)
        lines.append([f"**{title}**" if name == "dedup" else title, *cells, *qualities(name, largest[name])])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n\n" + caption(results)


def qualities(name: str, run: dict[str, Any]) -> list[str]:
    ratio = "" if run["dedup_over_it"] is None or name == "dedup" else f"{run['dedup_over_it']:.2f}"
    if name == "floor":
        return [ratio, "", "", ""]
    return [ratio, f"{run['recall']:.3f}", f"{run['precision']:.3f}", f"{run['over_texts_mb']:,.0f} MB"]


def caption(results: dict[str, Any]) -> str:
    machine, packages = results["machine"], results["packages"]
    rounds = max(len(run["rounds"]) for raced in results["sizes"].values() for run in raced["contenders"].values())
    known = ", ".join(f"{name} {number}" for name, number in packages.items() if number and name != "dedup-stories")
    return (
        f"From texts in memory to pairs, median of {rounds} interleaved rounds; recall and precision against all exact "
        f"pairs, memory beyond the texts, and dedup's time / its, at the largest size. {machine['processors']} "
        f"processors ({machine['processor']}), Python {results['python']}, {known}; {results['date']}; "
        "`python benchmarks/near_race.py`."
    )


def written(text: str, marked: str) -> str:
    """A text with what stands between the markers replaced."""
    between = re.compile(f"{re.escape(MARKERS[0])}.*?{re.escape(MARKERS[1])}", re.DOTALL)
    if len(between.findall(text)) != 1:
        raise SystemExit(f"the file needs the markers {MARKERS[0]} and {MARKERS[1]}, once")
    return between.sub(lambda _: marked, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of near_race.json")
    parser.add_argument("--write", type=Path, help="file to put the table into")
    given = parser.parse_args()
    path = given.results / "near_race.json"
    if not path.exists():
        raise SystemExit(f"no {path}; to have it: python benchmarks/near_race.py 1000,10000,50000")
    results = json.loads(path.read_text())
    marked = f"{MARKERS[0]}\n{table(results)}\n{MARKERS[1]}"
    print(marked)
    if given.write:
        given.write.write_text(written(given.write.read_text(encoding="utf-8"), marked), encoding="utf-8")
        print(f"wrote {given.write}")
    try:
        draw(results, given.results / "near_race.svg")
    except ImportError:
        print("no figure; to have it: pip install matplotlib")


if __name__ == "__main__":
    main()
