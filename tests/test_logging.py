"""The library speaks through logging, and never prints."""

import ast
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dedup

FILES = sorted(Path(dedup.__file__).parent.rglob("*.py"))
DOOR = {"cli", "__main__.py"}  # a command prints: that is what it is for


def calls(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def name_of(call):
    return ast.unparse(call.func)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FILES[0].parent)))
def test_no_file_prints_or_sets_logging_up(path):
    for call in calls(path):
        name = name_of(call)
        if not DOOR & {path.name, path.parent.name}:
            assert name not in ("print", "pprint", "sys.stdout.write", "sys.stderr.write"), f"line {call.lineno}"
        assert name not in ("logging.basicConfig", "logging.disable", "logging.captureWarnings"), f"line {call.lineno}"
        assert not re.fullmatch(r"logging\.(debug|info|warning|error|exception|critical|log)", name), call.lineno
        assert not name.endswith(".setLevel"), f"line {call.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FILES[0].parent)))
def test_every_log_is_below_the_one_that_users_know(path):
    for call in calls(path):
        if name_of(call).endswith("getLogger"):
            assert ast.unparse(call.args[0]) in ("__name__", "'dedup'"), f"line {call.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FILES[0].parent)))
def test_notes_are_written_out_only_when_somebody_reads_them(path):
    for call in calls(path):
        if name_of(call).startswith("_log."):
            assert isinstance(call.args[0], ast.Constant), f"line {call.lineno}: arguments go behind the format"


def test_a_program_that_sets_nothing_up_sees_nothing():
    code = "import dedup; dedup.cluster(['Kim ' * 30, 'Putin'], max_chars=20)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("dedup").handlers)


def test_the_beginning_and_the_end_of_long_work_are_noted(caplog):
    with caplog.at_level("INFO", "dedup"):
        dedup.cluster(["Kim à Moscou", "kim à moscou", "Taux relevés"])
        dedup.near_duplicates(["Kim à Moscou", "kim à moscou", "Taux relevés"])
    assert [record.getMessage() for record in caplog.records] == [
        "clustering 3 articles",
        "3 articles, 2 without copies, are 2 stories",
        "looking for near-duplicates among 3 articles",
        "1 near-duplicate pairs among 3 articles",
    ]


def test_the_steps_are_noted_for_those_who_look_closer(caplog):
    with caplog.at_level("DEBUG", "dedup"):
        dedup.cluster(["Kim à Moscou", "kim à moscou", "Taux relevés"], encoder=lambda texts: [[1.0]] * len(texts))
        with dedup.StoryIndex(":memory:") as index:
            index.add_many([{"id": "a", "text": "Kim"}, {"id": "b"}], errors="skip")
    for note in (
        "looking for residue in 3 articles",
        "reading 3 texts",
        "1 pairs are near-duplicates",
        "encoding 2 texts",
        "comparing 2 texts by",
        "1 articles added, 1 refused",
    ):
        assert note in caplog.text


def test_what_was_bounded_is_a_warning(caplog):
    dedup.cluster(["Kim " * 30, "Putin"], max_chars=20)
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == ["WARNING"]
