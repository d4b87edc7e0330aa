"""Everything one can call: the names that the pages of the API document, with the first sentence of each.

A page has a line `::: NAME` for each, below which `members: [...]` lists what of a class or module is shown.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

API = Path(__file__).parent / "api"

#: Modules that are reached by another name.
ALIASES = {"dedup.near.sketches": "dedup.sketches", "dedup.near.stored": "dedup.sketches"}

_ENTRY = re.compile(r"^::: (\S+)((?:\n[ ]+\S.*)*)", re.MULTILINE)
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


class Call(NamedTuple):
    """A name of the library that is documented."""

    name: str  # where its documentation is
    shown: str  # as users write it
    summary: str
    page: str  # the heading of the page


def calls() -> list[Call]:
    """Return all, page by page as the navigation has them."""
    found = []
    for path in pages():
        text = path.read_text(encoding="utf-8")
        heading = "".join(_HEADING.findall(text)[:1])
        for name, options in _ENTRY.findall(text):
            found += [Call(own, shown_as(own), summary, heading) for own, summary in _entries(name, options)]
    return found


def pages() -> list[Path]:
    """Return the pages of the API in the order of the navigation."""
    navigation = (API.parents[1] / "mkdocs.yml").read_text(encoding="utf-8")
    return [API / name for name in re.findall(r"- api/(\S+\.md)", navigation) if name != "index.md"]


def shown_as(name: str) -> str:
    """Return a name as users write it."""
    for module, alias in ALIASES.items():
        if name.startswith(f"{module}."):
            return name.replace(module, alias)
    return name


def _entries(name: str, options: str) -> list[tuple[str, str]]:
    value = _resolved(name)
    members = re.search(r"members: \[(.*?)\]", options, re.DOTALL)
    names = [member.strip() for member in members[1].split(",")] if members else []
    if inspect.ismodule(value):
        names = names or [n for n in _public(value) if inspect.isroutine(getattr(value, n)) or n[0].isupper()]
    elif inspect.isclass(value):
        names = names or [n for n, member in _public_members(value) if callable(member)]
        return [(name, _summary(value)), *((f"{name}.{n}", _summary(getattr(value, n))) for n in names)]
    else:
        return [(name, _summary(value))]
    return [(f"{name}.{n}", _summary(getattr(value, n))) for n in names]


def _public(module: Any) -> list[str]:
    """Return the names of what a module itself defines."""
    listed = getattr(module, "__all__", None)
    own = [n for n, value in vars(module).items() if getattr(value, "__module__", "").startswith(module.__name__)]
    return list(listed or [n for n in own if not n.startswith("_")])


def _public_members(value: type) -> list[tuple[str, Any]]:
    own = {n: m for n, m in vars(value).items() if not n.startswith("_")}
    return [(n, m) for n, m in own.items() if inspect.isroutine(m) or isinstance(m, classmethod)]


def _resolved(name: str) -> Any:
    value: Any = import_module(name.partition(".")[0])
    for number, part in enumerate(name.split(".")[1:], start=2):
        path = ".".join(name.split(".")[:number])
        value = getattr(value, part) if hasattr(value, part) else import_module(path)
    return value


def _summary(value: Any) -> str:
    """Return the first paragraph of a docstring on one line, without a link."""
    text = inspect.getdoc(value) or ""
    return " ".join(text.partition("\n\n")[0].split())
