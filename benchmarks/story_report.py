"""Draw and tabulate what story_scoreboard.py measured.

python benchmarks/story_report.py [--results benchmarks/results] [--write README.md]

Makes story_scoreboard.svg beside story_scoreboard.json: a bar for the mean BCubed F1 of each contender, a dot for each
set. Prints the table for the README between its markers; `--write FILE` puts it in place of what stands between them
in FILE. Without matplotlib (pip install matplotlib) there is a table only.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
MARKERS = "<!-- story-scoreboard -->", "<!-- /story-scoreboard -->"
TITLES = {
    "alone": "every article alone",
    "near_duplicates": "near-duplicates alone",
    "tfidf_link": "TF-IDF + average link",
    "tfidf_hdbscan": "TF-IDF + HDBSCAN",
    "minilm_link": "MiniLM + average link",
    "minilm_hdbscan": "MiniLM + HDBSCAN",
}
SETS = {  # titles of the sets
    "basil": "BASIL, en",
    "ecb": "ECB+, en",
    "vi": "VMDS, vi",
    "allsides": "AllSides, en",
    "og_fra": "OG2021, fr",
    "og_deu": "OG2021, de",
}
# Okabe and Ito's colours, each with a marker of its own.
LOOKS = {
    "basil": ("#0072B2", "s"),
    "ecb": ("#009E73", "^"),
    "vi": ("#CC79A7", "D"),
    "allsides": ("#56B4E9", "v"),
    "og_fra": ("#E69F00", "P"),
    "og_deu": ("#000000", "X"),
}


def contenders(results: dict[str, Any]) -> list[str]:
    """All of them, the best mean first."""
    found = results["contenders"]
    return sorted(found, key=lambda name: -found[name]["macro"]["f1"])


def draw(results: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Text stays text and ids do not change from run to run.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "story-scoreboard", "font.family": "sans-serif"})
    figure = Figure(figsize=(9.5, 4), layout="constrained")
    panel = figure.subplots()
    names = contenders(results)[::-1]
    means = [results["contenders"][name]["macro"]["f1"] for name in names]
    panel.barh(names, means, height=0.6, color=["#D55E00" if name == "dedup" else "#BBBBBB" for name in names])
    for place, mean in enumerate(means):  # at the foot of its bar, where no dot is
        panel.text(0.01, place, f"{mean:.2f}", va="center")
    for s, (colour, marker) in LOOKS.items():
        values = [results["contenders"][name]["sets"][s]["f1"] for name in names]
        panel.plot(values, names, color=colour, marker=marker, linestyle="", label=SETS[s], markersize=6)
    panel.set(title="BCubed F1: mean of six sets, and each of them", xlabel="BCubed F1", xlim=(0, 1))
    panel.set_yticks(range(len(names)), [TITLES.get(name, name) for name in names])
    panel.grid(axis="x", alpha=0.25)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path, metadata={"Date": None})
    print(f"wrote {path}")


def table(results: dict[str, Any]) -> str:
    """Markdown: BCubed F1 of each set, the means, and seconds for all sets together."""
    heads = ["BCubed F1", *SETS.values(), "mean", "P", "R", "seconds"]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for name in contenders(results):
        run, mean = results["contenders"][name], results["contenders"][name]["macro"]
        title = TITLES.get(name, name) + (f" at {run['cut']:.2f}" if run["cut"] else "")
        cells = [*(run["sets"][s]["f1"] for s in SETS), mean["f1"], mean["precision"], mean["recall"]]
        ours = f"**{title}**" if name == "dedup" else title
        lines.append([ours, *(f"{value:.3f}" for value in cells), f"{mean['seconds']:,.1f}"])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n\n" + caption(results)


def caption(results: dict[str, Any]) -> str:
    machine, packages = results["machine"], results["packages"]
    articles = sum(scores["articles"] for scores in next(iter(results["contenders"].values()))["sets"].values())
    known = ", ".join(f"{name} {number}" for name, number in packages.items() if number and name != "dedup-stories")
    return (
        f"Six labelled sets, {articles:,} articles, one setting for all. The cuts of average link are the best over "
        "these very sets, an advantage given to it; HDBSCAN has clusters of at least two, and its noise is alone; "
        "MiniLM is all-MiniLM-L6-v2, an English model. P and R are mean BCubed precision and recall, seconds are for "
        f"all sets together. {machine['processors']} processors ({machine['processor']}), Python "
        f"{results['python']}, {known}; {results['date']}; `python benchmarks/story_scoreboard.py`."
    )


def written(text: str, marked: str, markers: tuple[str, str] = MARKERS) -> str:
    """A text with what stands between the markers replaced."""
    between = re.compile(f"{re.escape(markers[0])}.*?{re.escape(markers[1])}", re.DOTALL)
    if len(between.findall(text)) != 1:
        raise SystemExit(f"the file needs the markers {markers[0]} and {markers[1]}, once")
    return between.sub(lambda _: marked, text)


def report(folder: Path, file: Path | None = None) -> None:
    """The figure, and the table on the screen and in a file."""
    path = folder / "story_scoreboard.json"
    if not path.exists():
        raise SystemExit(f"no {path}; to have it: python benchmarks/story_scoreboard.py DATA")
    results = json.loads(path.read_text())
    marked = f"{MARKERS[0]}\n{table(results)}\n{MARKERS[1]}"
    print(marked)
    if file:
        file.write_text(written(file.read_text(encoding="utf-8"), marked), encoding="utf-8")
        print(f"wrote {file}")
    try:
        draw(results, folder / "story_scoreboard.svg")
    except ImportError:
        print("no figure; to have it: pip install matplotlib")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of story_scoreboard.json")
    parser.add_argument("--write", type=Path, help="file to put the table into")
    given = parser.parse_args()
    report(given.results, given.write)


if __name__ == "__main__":
    main()
