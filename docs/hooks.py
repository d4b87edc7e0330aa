"""What mkdocs does beyond Markdown: figures drawn from the sample, tables and plots of the measurements.

Names of the library in the text of a page become links to their documentation. In a page `<!-- calls -->` becomes the
tables of everything one can call, `<!-- readme: NAME -->` the text between the markers NAME of README.md, and
`<!-- table: NAME -->` the table of that name of benchmarks/tables.py.
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

    markdown = re.sub("<!-- calls -->", lambda _: overview(), markdown)
    markdown = re.sub(r"<!-- readme: ([\w-]+) -->", lambda found: from_readme(found[1]), markdown)
    return re.sub(r"<!-- table: ([\w-]+) -->", lambda found: tables.make(found[1]), markdown)


def from_readme(name: str) -> str:
    """The text between two markers of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(f"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md has no markers {name}")
    return found[1]


def overview() -> str:
    """A table of each page of the API: what one can call, and what it does."""
    import calls

    lines, page = list[str](), ""
    for call in calls.calls():
        if call.page != page:
            page = call.page
            lines += ["", f"## {page}", "", "| call | what it does |", "| --- | --- |"]
        lines.append(f"| [`{call.shown}`][{call.name}] | {call.summary.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def on_env(env: Any, files: Any, **_: Any) -> Any:
    """Link every name of the library in the text of a page to its documentation."""
    import calls
    from mkdocs.utils import get_relative_url

    pages = [file.page for file in files.documentation_pages() if file.page and file.page.content]
    homes = {name: page.url for page in pages for name in re.findall(r'id="(dedup\.[\w.]+)"', page.content)}
    known = names_of(homes, calls.shown_as)
    for page in pages:

        def linked(found: re.Match[str], page: Any = page) -> str:
            name = known.get(found[2])
            if found[1] or name is None:
                return found[0]
            target = f"{get_relative_url(homes[name], page.url)}#{name}"
            return f'<a class="api" href="{target}">{found[0]}</a>'

        page.content = re.sub(r"(<a [^>]*>)?<code>([\w.]+)(?:\(\))?</code>", linked, page.content)
    return env


def names_of(documented: Any, shown_as: Any) -> dict[str, str]:
    """The documented name that each name in a text stands for: those with their module, classes and methods without.

    A name that could be two is none.
    """
    known: dict[str, str | None] = {}
    for name in documented:
        shown = shown_as(name)
        short = shown.removeprefix("dedup.")
        for told in {name, shown, *([short] if short[0].isupper() or "." in short else [])}:
            known[told] = None if known.get(told, name) != name else name
    return {told: name for told, name in known.items() if name is not None}
