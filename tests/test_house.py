"""The house: which room may know which, how large a room is, and that no two bear one name."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dedup"

# The rooms from the ground up, as the page for newcomers has them. A room imports those before it only; in a folder,
# those of its own too. The face, `dedup/__init__.py`, hands names on and is imported by commands alone.
PAGE = (ROOT / "docs" / "code.md").read_text("utf-8")
ROOMS = [room for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for room in re.findall(r"`(\w+)/?`", row)]

MAX_LINES, MAX_LINES_OF_A_FUNCTION, MAX_ROOMS_AT_THE_TOP = 300, 50, 20

# Archive stages mirror the tiers whose work they do on files.
MIRRORED = {"residue", "near", "keeping", "similarity", "stories", "pipeline", "result"}


def files():
    return sorted(PACKAGE.rglob("*.py"))


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    return module.split(".")[1] if "." in module else ""


@pytest.fixture(scope="module")
def imports():
    """Modules that each module imports: at its top, in functions, and for types alone."""
    modules = {module_of(path) for path in files()}
    return {module_of(path): imports_of(path, modules) - {module_of(path)} for path in files()}


def imports_of(path, modules):
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}, line {node.lineno}: a relative import"
            members = {f"{node.module}.{name.name}" for name in node.names}
            found |= {member if member in modules else node.module for member in members}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("import_module", "__import__"):
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return found & modules


def test_every_room_is_named():
    assert {room_of(module_of(path)) for path in files()} - {""} == set(ROOMS)


def test_rooms_know_only_those_below_them(imports):
    upwards = [
        f"{module} -> {other}"
        for module, others in imports.items()
        for other in others
        if module != "dedup" and not allowed(module, other)
    ]
    assert upwards == []


def allowed(module, other):
    if other == "dedup":
        return room_of(module) in ("cli", "__main__")
    return ROOMS.index(room_of(other)) <= ROOMS.index(room_of(module))


def test_there_is_no_circle(imports):
    circles = [module for module in imports if module in reached(imports, module)]
    assert circles == []


def reached(imports, start):
    seen, left = set(), [start]
    while left:
        for other in imports[left.pop()] - {"dedup"}:
            if other not in seen:
                seen.add(other)
                left.append(other)
    return seen


def test_batch_stream_and_archive_do_not_know_each_other(imports):
    for room, others in (("clusterer", {"index", "stream", "store", "archive"}), ("index", {"clusterer", "archive"})):
        known = {room_of(other) for other in reached(imports, f"dedup.{room}")}
        assert known & others == set()
    assert {room_of(other) for other in reached(imports, "dedup.archive")} & {"clusterer", "index", "stream"} == set()


@pytest.mark.parametrize("path", files(), ids=module_of)
def test_a_room_fits_in_the_head_and_a_function_on_a_screen(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            lines = node.end_lineno - node.lineno + 1 - (docstring.count("\n") + 1 if docstring else 0)
            assert lines <= MAX_LINES_OF_A_FUNCTION, node.name


def test_few_rooms_lie_at_the_top():
    assert len(list(PACKAGE.glob("*.py"))) <= MAX_ROOMS_AT_THE_TOP


def test_no_two_rooms_have_one_name():
    names = [path.stem for path in files() if path.stem != "__init__"]
    names += [path.parent.name for path in PACKAGE.glob("*/__init__.py")]
    twice = {name for name in names if names.count(name) > 1}
    assert twice <= MIRRORED
