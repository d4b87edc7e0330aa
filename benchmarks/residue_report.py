"""Tabulate what residue_quality.py measured.

python benchmarks/residue_report.py [--results benchmarks/results] [--write README.md]

Prints the table for the README between its markers; `--write FILE` puts it in place of what stands between them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from story_report import RESULTS, written

MARKERS = "<!-- residue -->", "<!-- /residue -->"


def table(results: dict[str, Any]) -> str:
    """Markdown: what is found and lost, and what that does to copies and stories."""
    lines = [
        ["pages of 12 site templates", "residue found", "report lost", "copies found", "stories, BCubed F1"],
        ["---", "---:", "---:", "---:", "---:"],
    ]
    for run in results["variants"]:
        tokens, cut, left = run["tokens"]["all"], run["cut"], run["left_in"]
        lines.append(
            [
                f"{'with' if run['line_breaks'] else 'without'} line breaks, "
                f"{'sources named' if run['sources'] else 'no sources'}",
                f"{tokens['found']:.3f}",
                f"{tokens['lost']:.2%}",
                f"**{cut['near']['recall']:.3f}** (left in: {left['near']['recall']:.3f})",
                f"**{cut['stories']['f1']:.3f}** (left in: {left['stories']['f1']:.3f})",
            ]
        )
    clean = results["on_no_site"]
    lines.append(
        ["the same articles on no site", "", "", f"{clean['near']['recall']:.3f}", f"{clean['stories']['f1']:.3f}"]
    )
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n\n" + caption(results)


def caption(results: dict[str, Any]) -> str:
    everything = results["variants"][0]["tokens"]["all"]
    alone = results["one_page_a_site"]["lines"]
    return (
        f"{results['pages']} pages: each sample article on two sites, {everything['share']:.0%} of the words the "
        "sites'. Words found and lost; copies are two pages of one article, and no pair found is wrong. Of a site's "
        f"first page, where only known phrases help, {alone['found']:.0%} is found. {results['date']}; "
        "`python benchmarks/residue_quality.py`."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of residue_quality.json")
    parser.add_argument("--write", type=Path, help="file to put the table into")
    given = parser.parse_args()
    results = json.loads((given.results / "residue_quality.json").read_text(encoding="utf-8"))
    marked = f"{MARKERS[0]}\n{table(results)}\n{MARKERS[1]}"
    print(marked)
    if given.write:
        given.write.write_text(written(given.write.read_text(encoding="utf-8"), marked, MARKERS), encoding="utf-8")


if __name__ == "__main__":
    main()
