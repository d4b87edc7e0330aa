"""What tests/every_python.py leaves out."""

from pathlib import Path

import pytest
from every_python import LEFT_OUT

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("entry", LEFT_OUT)
def test_what_is_left_out_is_there(entry):
    """What was renamed would be run again on every Python, and nobody would see it but by the time it takes."""
    path, _, name = entry.partition("::")
    assert (ROOT / path).exists()
    assert not name or f"def {name}(" in (ROOT / path).read_text("utf-8")


def test_nothing_is_left_out_twice():
    files = {entry for entry in LEFT_OUT if "::" not in entry}
    assert len(set(LEFT_OUT)) == len(LEFT_OUT)
    assert not [entry for entry in LEFT_OUT if "::" in entry and entry.partition("::")[0] in files]
