"""The library speaks through logging and never prints; for its source, ruff checks that (T20, TID251, LOG, G)."""

import logging
import subprocess
import sys

import dedup

# All modules are imported and some work is done; then the state of logging is looked at.
STATE_OF_LOGGING = """
import logging, pkgutil, warnings
from importlib import import_module
import dedup
names = [found.name for found in pkgutil.walk_packages(dedup.__path__, "dedup.") if found.name != "dedup.__main__"]
loggers = [value for name in names for value in vars(import_module(name)).values() if isinstance(value, logging.Logger)]
dedup.cluster(["Kim", "Putin"])
with dedup.StoryIndex(":memory:") as index:
    index.add({"id": "a", "text": "Kim"})
assert len(loggers) > 5
assert {logger.name.partition(".")[0] for logger in loggers} == {"dedup"}
assert {logger.level for logger in loggers} | {logging.getLogger("dedup").level} == {logging.NOTSET}
assert all(logger.propagate and not logger.disabled for logger in loggers)
assert (logging.root.level, logging.root.handlers, logging.root.manager.disable) == (logging.WARNING, [], 0)
assert warnings.showwarning.__module__ == "warnings"
"""


def test_loggers_are_below_the_one_that_users_know_and_nothing_is_set_up():
    subprocess.run([sys.executable, "-c", STATE_OF_LOGGING], check=True)


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
