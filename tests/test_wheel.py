"""The wheel: what `pip install` puts where it is not installed from the folder itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in the wheel, as the backend makes it that pip calls."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy: what an earlier build left beside the package would be in the wheel too.
    shutil.copytree(ROOT / "dedup", folder / "dedup", ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("benchmarks", "examples", "tests"):
        (folder / name).mkdir()
        (folder / name / "other.py").touch()
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (path,) = folder.glob("*.whl")
    return ZipFile(path).namelist()


def test_one_wheel_serves_every_python(wheel):
    assert [name for name in wheel if name.endswith((".so", ".pyd"))] == ["dedup/kernel/_compiled.abi3.so"]


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    files = [path.relative_to(ROOT) for path in (ROOT / "dedup").rglob("*") if path.is_file()]
    expected = {
        path.as_posix() for path in files if "__pycache__" not in path.parts and path.suffix not in {".c", ".h"}
    }
    assert {"dedup/__init__.py", "dedup/py.typed", "dedup/html/page.css", "dedup/samples/en.jsonl"} < expected
    assert expected - set(wheel) == set()


def test_nothing_else_is_installed(wheel):
    top = {name.partition("/")[0] for name in wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == {"dedup"}


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in (ROOT / "dedup").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.slow
def test_a_release_is_built_checked_and_installed_where_nothing_else_is():
    """A minute, half of it for the package index; `make release` looks at the types too."""
    for module in ("build", "twine"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    command = [sys.executable, ROOT / "tests" / "release.py", "--no-types"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "PASSED" in told
    assert re.search("^compiled .*Story", told, re.MULTILINE)
    assert re.search("^numpy .*Story", told, re.MULTILINE)
