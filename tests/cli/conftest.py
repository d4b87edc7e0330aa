"""Fixtures of the tests of the command."""

import io
import json
import sys

import pytest
from command_line import ARTICLES, lines_of

from dedup.cli import main


@pytest.fixture
def run(capsysbinary):
    """Runs the command here; gives the exit code, the data and the notes."""

    def run_here(*arguments):
        capsysbinary.readouterr()
        code = main(list(map(str, arguments)))
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return run_here


@pytest.fixture
def rows(run):
    """Runs the command here, which must succeed without a note; gives the JSON of its lines."""

    def rows_of(*arguments):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return rows_of


@pytest.fixture
def articles(tmp_path):
    path = tmp_path / "articles.jsonl"
    path.write_text(lines_of(ARTICLES), encoding="utf-8")
    return path


@pytest.fixture
def give(monkeypatch):
    """Puts bytes on standard input."""

    def put(data):
        raw = io.BufferedReader(io.BytesIO(data))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="ascii"))

    return put
