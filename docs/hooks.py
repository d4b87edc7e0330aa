"""What mkdocs does beyond Markdown: figures drawn from the sample, tables and plots of the measurements.

In a page `<!-- readme: NAME -->` becomes the text between the markers NAME of README.md, and `<!-- table: NAME -->` the
table of that name of benchmarks/tables.py.
"""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Any, config: Any) -> Any:
    """Add the figures."""
    sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
    import figures
    from mkdocs.structure.files import File

    for name in figures.FIGURES:
        files.append(File.generated(config, f"figures/{name}.svg", content=figures.draw(name)))
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.svg")):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put in the tables."""
    from benchmarks import tables  # where `on_files` has the path to it

    markdown = re.sub(r"<!-- readme: ([\w-]+) -->", lambda found: from_readme(found[1]), markdown)
    return re.sub(r"<!-- table: ([\w-]+) -->", lambda found: tables.make(found[1]), markdown)


def from_readme(name: str) -> str:
    """The text between two markers of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(f"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md has no markers {name}")
    return found[1]
