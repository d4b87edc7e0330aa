"""What mkdocs does beyond Markdown: figures drawn from the sample, tables and pictures from the measurements.

In a page `<!-- readme: NAME -->` becomes what stands between the markers NAME of README.md, and `<!-- table: NAME -->`
the table of `TABLES` of that name. No number in the documentation is typed.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def on_files(files: Any, config: Any) -> Any:
    """Add the figures."""
    sys.path.insert(0, str(ROOT / "docs"))
    import figures
    from mkdocs.structure.files import File

    for name in figures.FIGURES:
        files.append(File.generated(config, f"figures/{name}.svg", content=figures.draw(name)))
    for path in sorted(RESULTS.glob("*.svg")):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put in the tables."""
    markdown = re.sub(r"<!-- readme: ([\w-]+) -->", lambda found: from_readme(found[1]), markdown)
    return re.sub(r"<!-- table: ([\w-]+) -->", lambda found: TABLES[found[1]](), markdown)


def from_readme(name: str) -> str:
    """What stands between two markers of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(f"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md has no markers {name}")
    return found[1]


def results(name: str) -> dict[str, Any]:
    """What a benchmark measured."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def table(heads: list[str], rows: list[list[str]], measured: dict[str, Any], command: str) -> str:
    """A table in Markdown, all but its first column to the right, and where it comes from."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    machine = measured["machine"]
    source = f"{machine['processors']} processors ({machine['processor']}), Python {measured['python']}; "
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + (
        f"\n\n{source}{measured['date']}; `python {command}`."
    )


def add() -> str:
    measured = results("index_speed")
    costs = measured["costs"]
    rows = [
        ["live articles", f"{costs['live']:,.0f}"],
        ["one `add`, median", f"{costs['add_median_ms']:.1f} ms"],
        ["one `add`, 99th percentile", f"{costs['add_p99_ms']:.1f} ms"],
        ["`add_many`", f"{costs['add_many_a_second']:,.0f} articles a second"],
        ["memory an article", f"{costs['memory_kb']:.1f} KB"],
        ["file an article, beyond its text", f"{costs['disk_kb_beyond_text']:.1f} KB"],
        ["reopening", f"{costs['reopening_seconds']:.1f} s"],
        [f"expiry of {costs['expired']:,.0f}", f"{costs['expiry_seconds']:.1f} s"],
    ]
    return table(["an index", ""], rows, measured, "benchmarks/index_speed.py DATA")


def stream() -> str:
    measured = results("index_speed")
    sets = {**measured["sets"], "mean": measured["mean"]}
    rows = [[name, f"{f1['batch']:.3f}", f"{f1['stream']:.3f}"] for name, f1 in sets.items()]
    return table(["BCubed F1", "batch", "one at a time"], rows, measured, "benchmarks/index_speed.py DATA")


def stories() -> str:
    measured = results("story_growth")
    runs = [runs[0] for name, runs in measured["runs"].items() if name.startswith("worlds ")]
    rows = [
        [f"{run['articles']:,}", f"{run['seconds']:.1f} s", f"{run['peak_mb']:,.0f} MB", f"{run['f1']:.3f}"]
        for run in sorted(runs, key=lambda run: run["articles"])
    ]
    return table(["articles", "time", "peak memory", "BCubed F1"], rows, measured, "benchmarks/story_growth.py DATA")


def copies() -> str:
    measured = results("near_growth")
    runs = [runs[0] for name, runs in measured["runs"].items() if name.startswith("news ")]
    rows = [
        [f"{run['texts']:,}", f"{run['characters'] / 1e6:,.0f}", f"{run['seconds']:.1f} s", f"{run['peak_mb']:,.0f} MB"]
        for run in sorted(runs, key=lambda run: run["texts"])
    ]
    heads = ["texts", "million characters", "time", "peak memory"]
    return table(heads, rows, measured, "benchmarks/near_growth.py")


def archive() -> str:
    measured = results("archive_growth")
    rows = [
        [
            f"{run['articles']:,}",
            f"{run['seconds'] / 60:,.1f} min",
            f"{run['microseconds_an_article']:,.0f} µs",
            f"{run['worker_mb']:,.0f} MB",
            f"{run['together_mb']:,.0f} MB",
            f"{run['work_mb'] / 1024:,.1f} GB",
            f"{run['stories']['f1']:.3f}",
        ]
        for run in measured["runs"]
    ]
    heads = ["articles", "time", "an article", "largest worker", "all processes", "working folder", "BCubed F1"]
    return table(heads, rows, measured, "benchmarks/archive_growth.py")


def archive_estimate() -> Any:
    """The script of that name."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import archive_estimate

    return archive_estimate


def archive_stages() -> str:
    estimate, heads = archive_estimate(), ["stage"]
    for articles in estimate.SIZES:
        heads += [f"{articles // 1_000_000:,} million: core hours", "largest worker"]
    measured = estimate.measured()
    return table(heads, estimate.rows(measured), measured, "benchmarks/archive_estimate.py")


def archive_totals() -> str:
    estimate = archive_estimate()
    heads = ["articles", "core hours", f"hours on {estimate.CORES} cores", "written between stages", "on disk at once"]
    measured = estimate.measured()
    return table(heads, estimate.total_rows(measured), measured, "benchmarks/archive_estimate.py")


def writers() -> str:
    measured = results("index_writers")
    raced = [row for row in measured["rows"] if "writers" in row]
    rows = []
    for store, count in dict.fromkeys((row["store"], row["writers"]) for row in raced):
        own = [row for row in raced if (row["store"], row["writers"]) == (store, count)]
        rates = [f"{row['articles_a_second']:,.0f}" for row in sorted(own, key=lambda row: row["at_once"])]
        rows.append([f"{store}, {count} {'writer' if count == 1 else 'writers'}", *rates])
    heads = [f"articles a second, {measured['live']:,} live", "`add`", "`add_many` of 50"]
    return table(heads, rows, measured, f"benchmarks/index_writers.py DATA URL --live {measured['live']}")


TABLES: dict[str, Callable[[], str]] = {
    "add": add,
    "stream": stream,
    "stories": stories,
    "copies": copies,
    "archive": archive,
    "archive-stages": archive_stages,
    "archive-totals": archive_totals,
    "writers": writers,
}
