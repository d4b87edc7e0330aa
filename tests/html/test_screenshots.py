"""The pictures of the page in the documentation, and the script that makes them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dedup

DOCS = Path(dedup.__file__).parents[1] / "docs"
PICTURES = {"story.png", "page.png", "comparison.png", "phone.png"}


def test_every_picture_is_small_and_shown_somewhere():
    assert {path.name for path in (DOCS / "images").iterdir()} == PICTURES
    pages = "".join(path.read_text("utf-8") for path in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"])
    for name in PICTURES:
        assert (DOCS / "images" / name).stat().st_size < 100_000
        assert f"images/{name})" in pages


@pytest.mark.slow
def test_the_script_makes_them(tmp_path):
    for module in ("playwright", "PIL"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    if shutil.which("chromium") is None:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    subprocess.run([sys.executable, str(DOCS / "screenshots.py"), str(tmp_path)], check=True, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == PICTURES
