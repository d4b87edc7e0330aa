"""Names and defaults agree between all that takes parameters, and with the table of them in the documentation."""

import inspect
import re
from pathlib import Path

import pytest

import dedup
import dedup.archive
from dedup.article import FIELDS
from dedup.cli.options import build_parser

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "parameters.md"
TAKERS = {
    "cluster": dedup.cluster,
    "near_duplicates": dedup.near_duplicates,
    "StoryIndex": dedup.StoryIndex,
    "archive.cluster": dedup.archive.cluster,
    "archive.near_duplicates": dedup.archive.near_duplicates,
}


def table():
    """Rows of the table, without marks of code."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]
    return rows[0], [row for row in rows[2:] if len(row) == len(rows[0])]


def defaults(function):
    """Defaults of named parameters, but for the names of columns."""
    parameters = inspect.signature(function).parameters.values()
    named = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    return {parameter.name: parameter.default for parameter in named if parameter.name not in FIELDS}


def shown(value):
    return value.__name__ if callable(value) else repr(value)


def parsers(parser):
    """A parser and those of its commands."""
    yield parser
    for group in parser._subparsers._group_actions if parser._subparsers else ():
        for other in group.choices.values():
            yield from parsers(other)


def options():
    """Names of parameters that commands have an option for, and the options."""
    found = {}
    for parser in parsers(build_parser()):
        for action in parser._actions:
            name = action.dest.removeprefix("parameter_")
            if action.dest.startswith("parameter_") or name in {"errors", "duplicates"}:
                found.setdefault(name, set()).update(action.option_strings)
    return found


@pytest.mark.parametrize("taker", TAKERS)
def test_the_table_has_every_parameter_and_its_default(taker):
    heads, rows = table()
    place = heads.index(taker)
    listed = {}
    for name, default, *cells in rows:
        cell = cells[place - 2]
        if cell:
            renamed = cell.isidentifier() and cell not in {"yes", "False", "None"}
            listed[cell if renamed else name] = default if renamed or cell == "yes" else cell
    assert listed == {name: shown(value) for name, value in defaults(TAKERS[taker]).items()}


def test_the_table_has_every_option():
    heads, rows = table()
    listed = {row[0]: set(re.findall(r"--[\w-]+", row[heads.index("command line")])) for row in rows}
    known = options()
    known["near_threshold"] |= known.pop("threshold")
    assert {name: found for name, found in listed.items() if found} == known


def test_what_clusters_in_memory_takes_the_same():
    model = defaults(dedup.StoryClusterer)
    reading = {"errors": "raise", "duplicates": None}
    assert defaults(dedup.cluster_frame) == model | reading
    assert defaults(dedup.cluster) == model | reading | {"together": (), "apart": ()}


def test_every_parameter_reaches_the_model(monkeypatch):
    """Each has its name for a value, so that two that were exchanged are seen."""
    made = []

    class Noted(dedup.StoryClusterer):
        def _fit(self, batch, pairs=None):
            made.append(self.get_params())
            raise KeyboardInterrupt

    monkeypatch.setattr("dedup.clustering.StoryClusterer", Noted)
    given = {name: name for name in defaults(dedup.StoryClusterer)} | {"timezone": None}
    monkeypatch.setattr(Noted, "get_params", lambda self: {name: getattr(self, name) for name in given})
    pandas = pytest.importorskip("pandas")
    for function, articles in (
        (dedup.cluster, ["A text."]),
        (dedup.cluster_frame, pandas.DataFrame({"text": ["A text."]})),
    ):
        with pytest.raises(KeyboardInterrupt):
            function(articles, **given)
        assert made.pop() == given


@pytest.mark.parametrize("function", [*TAKERS.values(), dedup.cluster_frame, dedup.StoryClusterer])
def test_a_wrong_name_suggests_the_right_one(function):
    of_copies = function in (dedup.near_duplicates, dedup.archive.near_duplicates)
    name = "treshold" if of_copies else "near_treshold"
    right = name.replace("tresh", "thresh")
    with pytest.raises(TypeError, match=f"has no parameter '{name}'; did you mean '{right}'\\? allowed: .*{right}"):
        function([], **{name: 0.5})
    with pytest.raises(TypeError, match=r"has no parameter 'x'; allowed: \w+, "):
        function([], x=1)


def test_an_estimator_is_still_one():
    from sklearn.base import clone

    model = clone(dedup.StoryClusterer(recall=0.9, progress=True))
    assert model.get_params()["recall"] == 0.9
    assert dedup.StoryClusterer.__init__.__doc__ is None
