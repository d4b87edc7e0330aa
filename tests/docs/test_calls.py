"""The documentation has every name of the library, and says in a sentence what it is."""

import importlib.util
import inspect
from pathlib import Path

import pytest

import dedup

DOCS = Path(dedup.__file__).parents[1] / "docs"


def module(name):
    specification = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    made = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def calls():
    return module("calls").calls()


def test_every_public_name_is_documented_once(calls):
    shown = [call.shown for call in calls]
    assert len(shown) == len(set(shown))
    modules = {name: getattr(dedup, name) for name in dedup.__all__ if inspect.ismodule(getattr(dedup, name))}
    expected = {f"dedup.{name}" for name in dedup.__all__ if name not in modules and name != "__version__"}
    expected |= {f"dedup.archive.{name}" for name in dedup.archive.__all__} | {"dedup.feeds.read", "dedup.encoders.e5"}
    assert expected <= set(shown)
    assert {name.split(".")[1] for name in shown} >= set(modules)


def test_every_one_is_told_in_a_sentence(calls):
    for call in calls:
        assert call.summary.endswith((".", "]")), call
        assert len(call.summary) < 250, call


def test_the_page_has_all(calls):
    hooks = module("hooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        table = hooks.overview()
    assert table.count("\n| [`dedup.") == len(calls)
    assert "| [`dedup.cluster`][dedup.cluster] | Group articles into stories" in table


def test_a_name_in_a_text_leads_to_the_one_that_it_means():
    hooks, shown = module("hooks"), module("calls").shown_as
    documented = [
        "dedup.cluster",
        "dedup.Kept",
        "dedup.Kept.to_frame",
        "dedup.near.stored.save",
        "dedup.near.near.Kept",
    ]
    assert hooks.names_of(documented, shown) == {
        "dedup.cluster": "dedup.cluster",
        "dedup.Kept": "dedup.Kept",
        "Kept": "dedup.Kept",
        "dedup.Kept.to_frame": "dedup.Kept.to_frame",
        "Kept.to_frame": "dedup.Kept.to_frame",
        "dedup.near.stored.save": "dedup.near.stored.save",
        "dedup.sketches.save": "dedup.near.stored.save",
        "sketches.save": "dedup.near.stored.save",
        "dedup.near.near.Kept": "dedup.near.near.Kept",
        "near.near.Kept": "dedup.near.near.Kept",
    }
    assert "to_frame" not in hooks.names_of(["dedup.a.to_frame", "dedup.b.to_frame"], shown)
