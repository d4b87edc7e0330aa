"""Defaults and checks of parameters, in every function that takes them."""

import math
import re
from ast import literal_eval
from datetime import UTC, datetime
from inspect import getdoc, signature

import numpy as np
import pytest

import dedup
from dedup import StoryClusterer, archive, parameters
from dedup.article import FIELDS
from dedup.parameters import NearSettings, StorySettings, check, check_near, check_story_threshold, day_of

TEXTS = [
    "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
    "La banque centrale relève ses taux à 4 %.",
]


def longest_title(articles):
    return max(articles, key=lambda article: len(article.title))


# Defaults

DEFAULTS = {
    "story_threshold": parameters.STORY_THRESHOLD,
    "max_gap_days": parameters.MAX_GAP_DAYS,
    "near_threshold": parameters.NEAR_THRESHOLD,
    "threshold": parameters.NEAR_THRESHOLD,
    "recall": parameters.RECALL,
    "num_perm": parameters.NUM_PERM,
    "shingle_size": parameters.SHINGLE_SIZE,
    "representative": parameters.REPRESENTATIVE,
    "fold": parameters.FOLD,
    "max_chars": parameters.MAX_CHARS,
}
FUNCTIONS = {
    function: {name for name in DEFAULTS if name in signature(function).parameters}
    for function in (StoryClusterer, dedup.near_duplicates, dedup.StoryIndex, archive.cluster, archive.near_duplicates)
}


def documented_defaults(function):
    """The defaults in the list of parameters of a docstring, by name."""
    found = re.findall(r"^(\w+) : .*, default ([^\s]+)$", getdoc(function), re.MULTILINE)
    return {name: literal_eval(value.replace(",", "_")) for name, value in found}


@pytest.mark.parametrize(("function", "names"), FUNCTIONS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_defaults_in_signatures_and_docstrings_are_the_constants(function, names):
    documented = documented_defaults(function)
    assert documented
    given = {name: one.default for name, one in signature(function).parameters.items()}
    assert {name: given[name] for name in names} == {name: DEFAULTS[name] for name in names}
    assert documented == {name: given[name] for name in documented}


def test_near_duplicates_and_story_clusterer_document_every_default():
    every = documented_defaults(StoryClusterer) | documented_defaults(dedup.near_duplicates)
    assert DEFAULTS.keys() - every.keys() == {"near_threshold"}  # which is the threshold of near_duplicates


def test_settings_have_the_defaults():
    assert NearSettings() == NearSettings(0.7, 0.95, 128, 5, None, False, "unidecode")


# Values that are refused

NO_NUMBER = ["0.5", None, True, False, [0.5], 1j]
NO_COUNT = ["5", 1.5, 2.0, True, [5]]
COUNTS = "num_perm", "shingle_size", "max_chars", "k", "n", "min_size", "min_outlets"
FLAGS = "cut_residue", "match_urls", "compare_numbers"
BAD = [
    *[("story_threshold", value, ValueError) for value in (0, 0.0, 0.049, 1, 1.5, -1, math.nan, math.inf, -math.inf)],
    *[("story_threshold", value, TypeError) for value in NO_NUMBER],
    *[("max_gap_days", value, ValueError) for value in (-1, -0.1, 366.1, 1000, math.nan, math.inf)],
    *[("max_gap_days", value, TypeError) for value in NO_NUMBER],
    *[("near_threshold", value, ValueError) for value in (0, 0.0, -0.1, 1.01, 2, math.nan, math.inf)],
    *[("near_threshold", value, TypeError) for value in NO_NUMBER],
    *[("recall", value, ValueError) for value in (0, 0.0, 1, 1.0, -0.1, 2, math.nan)],
    *[("recall", value, TypeError) for value in NO_NUMBER],
    *[("containment", value, ValueError) for value in (0, 1.01, math.nan)],
    *[("containment", value, TypeError) for value in ("0.5", True, [0.5])],
    *[(name, value, ValueError) for name in COUNTS for value in (0, -1)],
    *[(name, value, TypeError) for name in COUNTS for value in (*NO_COUNT, None)],
    *[("window_hours", value, ValueError) for value in (0, -1, 8784.1, math.nan, math.inf)],
    *[("window_hours", value, TypeError) for value in NO_NUMBER],
    *[("timeout", value, ValueError) for value in (-1, -0.1, 86_401, math.nan, math.inf)],
    *[("timeout", value, TypeError) for value in NO_NUMBER],
    *[("order_by", value, ValueError) for value in ("heat", "Latest", "", None, 5, ["latest"])],
    *[("source", value, TypeError) for value in (5, b"Lantern", ["Lantern"])],
    *[("language", value, ValueError) for value in (5, b"fr", ["fr"], "f" * 1001)],
    *[("observe", value, TypeError) for value in (0, "print", [print])],
    *[("limit", value, ValueError) for value in (0, -1)],
    *[("limit", value, TypeError) for value in NO_COUNT],
    ("since", -1, ValueError),
    *[("since", value, TypeError) for value in (*NO_COUNT, None)],
    *[("n_jobs", value, ValueError) for value in (0, -2)],
    *[("n_jobs", value, TypeError) for value in NO_COUNT],
    *[(name, value, TypeError) for name in FLAGS for value in (0, 1, None, "yes")],
    *[("fold", value, ValueError) for value in ("ascii", "", None, ["marks"])],
    *[("encoder", value, TypeError) for value in ("e5", 0, [len])],
    *[("progress", value, TypeError) for value in (None, 0, "yes")],
    *[("representative", value, ValueError) for value in ("shortest", "Central", "", None, 5, ["central"])],
    *[("timezone", value, ValueError) for value in ("Mars/Olympus", "")],
    *[("timezone", value, TypeError) for value in (5, b"UTC")],
    *[("clock", value, TypeError) for value in (None, 0, "now")],
    *[("errors", value, ValueError) for value in ("ignore", "", None, 0, ["skip"])],
    *[("duplicates", value, ValueError) for value in ("both", "", 0, True, ["last"])],
]
ALLOWED = {
    "story_threshold": "a number in [0.05, 1)",
    "max_gap_days": "a number in [0, 366]",
    "near_threshold": "a number in (0, 1]",
    "threshold": "a number in (0, 1]",
    "recall": "a number in (0, 1)",
    "containment": "a number in (0, 1], or None",
    **dict.fromkeys(COUNTS, "an integer of at least 1"),
    "window_hours": "a number in (0, 8784]",
    "timeout": "a number in [0, 86400]",
    "order_by": "'latest', 'size', 'outlets', 'velocity'",
    "source": "None or a str",
    "language": "None, or a str of at most 1,000 characters",
    "observe": "None, or a callable that is given an Operation",
    "limit": "None or an integer of at least 1",
    "since": "an integer of at least 0",
    **dict.fromkeys(("min_words", "min_texts"), "an integer of at least 1"),
    "max_days_apart": "a number in [0, inf), or None",
    "n_jobs": "None, -1 or an integer of at least 1",
    **dict.fromkeys(FLAGS, "True, False"),
    "fold": "'unidecode', 'marks', 'east-asian'",
    "encoder": "None, or a callable from a list of texts to an array",
    "progress": "True, False, or a callable that is given done and total",
    "representative": "'central', 'earliest', 'longest', callable",
    "timezone": "None, a tzinfo, or a name like 'Europe/Paris'",
    "errors": "'raise', 'skip', 'undated'",
    "keep": "'first', 'longest', 'earliest', 'central'",
    "linkage": "'star', 'group'",
    "clock": "a callable that returns an aware datetime",
    "duplicates": "None, 'first', 'last'",
}
ONE_OF_EACH = list({name: (name, value, error) for name, value, error in BAD}.values())


def assert_message_is_complete(error, name, value):
    number = value if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    assert str(error) in {f"{name} is {one!r}; allowed: {ALLOWED[name]}" for one in (value, number)}


def rows_for(function, table=ONE_OF_EACH):
    return [row for row in table if row[0] in signature(function).parameters]


@pytest.mark.parametrize(("name", "value", "error"), BAD, ids=repr)
def test_a_bad_parameter_is_refused_with_its_name_its_value_and_what_is_allowed(name, value, error):
    with pytest.raises(error) as caught:
        check(**{name: value})
    assert type(caught.value) is error
    assert_message_is_complete(caught.value, name, value)


@pytest.mark.parametrize(("name", "value", "error"), rows_for(StoryClusterer, BAD)[::3], ids=repr)
def test_fit_refuses_bad_parameters(name, value, error):
    model = StoryClusterer(**{name: value})
    with pytest.raises(error) as caught:
        model.fit(TEXTS)
    assert_message_is_complete(caught.value, name, value)
    assert not hasattr(model, "labels_")


@pytest.mark.parametrize(("name", "value", "error"), rows_for(StoryClusterer), ids=repr)
def test_cluster_refuses_bad_parameters(name, value, error):
    with pytest.raises(error) as caught:
        dedup.cluster(TEXTS, **{name: value})
    assert_message_is_complete(caught.value, name, value)


@pytest.mark.parametrize(
    ("name", "value", "error"), [*rows_for(dedup.near_duplicates), ("threshold", 2, ValueError)], ids=repr
)
def test_near_duplicates_refuses_bad_parameters(name, value, error):
    with pytest.raises(error) as caught:
        dedup.near_duplicates(TEXTS, **{name: value})
    assert_message_is_complete(caught.value, name, value)


@pytest.mark.parametrize(("name", "value", "error"), rows_for(dedup.StoryIndex), ids=repr)
def test_an_index_refuses_bad_parameters(name, value, error):
    with pytest.raises(error) as caught:
        dedup.StoryIndex(":memory:", **{name: value})
    assert_message_is_complete(caught.value, name, value)


@pytest.mark.parametrize("articles", [[], ["Kim"]], ids=["no article", "one article"])
def test_a_bad_parameter_is_refused_however_little_there_is_to_do(articles):
    with pytest.raises(ValueError, match="story_threshold is 5"):
        dedup.cluster(articles, story_threshold=5)
    with pytest.raises(ValueError, match="representative is 'best'"):
        dedup.cluster(articles, representative="best")


def test_every_parameter_has_a_check():
    data = {"articles", "against", "path", "read_only", "paths", "out", "work", *FIELDS}
    names = {name for function in FUNCTIONS for name in signature(function).parameters} - data
    assert names <= parameters._CHECKS.keys() == ALLOWED.keys()


@pytest.mark.parametrize("name", list(NearSettings.__dataclass_fields__))
def test_settings_of_the_near_tier_are_all_checked(name):
    with pytest.raises((TypeError, ValueError), match=f"^{name} is '\\?'; allowed: "):
        check_near(NearSettings(**{name: "?"}), threshold="threshold")


def test_the_thresholds_have_the_names_of_the_caller():
    with pytest.raises(ValueError, match="near_threshold is 2"):
        check_near(NearSettings(threshold=2))
    with pytest.raises(ValueError, match="cut is 2"):
        check_story_threshold("cut", 2)


# Values that are allowed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("story_threshold", 0.05),
        ("story_threshold", 0.999),
        ("story_threshold", np.float32(0.25)),
        ("near_threshold", 1),
        ("near_threshold", 1.0),
        ("near_threshold", np.float64(0.5)),
        ("recall", 0.5),
        ("num_perm", np.int64(64)),
        ("num_perm", 256),
        ("shingle_size", 1),
        ("max_chars", 1),
        ("max_chars", np.int64(10)),
        ("n_jobs", -1),
        ("n_jobs", np.int32(2)),
        ("representative", longest_title),
        ("timezone", "Europe/Paris"),
        ("timezone", UTC),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),  # a function's repr has its address
)
def test_values_at_the_edges_are_allowed(name, value):
    assert len(StoryClusterer(**{name: value}).fit(TEXTS).labels_) == 3


@pytest.mark.parametrize(
    "allowed",
    [
        {"containment": None},
        {"containment": 1},
        {"window_hours": 8784},
        {"timeout": 0},
        {"timeout": 86_400},
        {"source": None, "language": None},
        {"source": "", "language": "f" * 1000},
        {"observe": None},
        {"observe": print},
        {"limit": None},
        {"limit": 1},
        {"n_jobs": None},
        {"encoder": None},
        {"encoder": len},
        {"progress": True},
        {"progress": print},
        {"fold": "marks"},
        {"timezone": None},
    ],
    ids=repr,
)
def test_other_values_that_are_allowed(allowed):
    check(**allowed)


# What is stored


def test_stored_parameters_are_plain_python():
    near = NearSettings(np.float32(0.5), np.float64(0.9), np.int64(64), np.int32(3), fold="marks")
    stored = StorySettings(
        near, np.float64(0.2), cut_residue=False, max_chars=np.int64(10), max_gap_days=np.int64(7)
    ).to_dict()
    assert stored == {
        "story_threshold": 0.2,
        "max_gap_days": 7.0,
        "near_threshold": 0.5,
        "recall": 0.9,
        "num_perm": 64,
        "shingle_size": 3,
        "cut_residue": False,
        "fold": "marks",
        "max_chars": 10,
        "match_urls": True,
    }
    assert {type(value) for value in stored.values()} == {float, int, bool, str}


def test_a_time_is_given_in_days():
    assert day_of(datetime(1970, 1, 2, 12, tzinfo=UTC), "since") == 1.5


@pytest.mark.parametrize("moment", [datetime(2023, 9, 12), "2023-09-12", None], ids=repr)
def test_a_time_without_a_zone_is_refused(moment):
    with pytest.raises(ValueError, match=r"^since is .*; allowed: an aware datetime$"):
        day_of(moment, "since")
