"""Every parameter of the library once: its default, what is allowed, how it is stored; and checks of its values.

An error names the parameter, its value and what is allowed. Nothing here needs NumPy, so that ``dedup --help`` is fast.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from numbers import Integral, Real
from typing import Any, Literal, get_args

from dedup.article import read_zone

#: How letters become plain ones; see `dedup.text.fold`.
Fold = Literal["unidecode", "marks"]
FOLDS: tuple[Fold, ...] = get_args(Fold)

#: Named rules for the representative; see `dedup.representative`.
RULES = ("central", "earliest", "longest")

STORY_THRESHOLD = 0.12
NEAR_THRESHOLD = 0.7
RECALL = 0.95
NUM_PERM = 128
SHINGLE_SIZE = 5
REPRESENTATIVE = "central"
FOLD: Fold = "unidecode"

#: Similarities below this count as none, so that no threshold can be lower.
LEAST_STORY_THRESHOLD = 0.05

#: Characters of an article that are read: five times the longest pieces that papers print, and a page with all its
#: markup. Reading a text takes 75 bytes of memory a character, 190 in scripts without spaces, so that no article costs
#: a thread more than 300 MB.
MAX_CHARS = 1_000_000

_COUNT = "an integer of at least 1"


@dataclass(frozen=True, slots=True)
class NearSettings:
    """What makes two texts near-duplicates; see `dedup.near_duplicates`."""

    threshold: float = NEAR_THRESHOLD
    recall: float = RECALL
    num_perm: int = NUM_PERM
    shingle_size: int = SHINGLE_SIZE
    containment: float | None = None
    compare_numbers: bool = False
    fold: Fold = FOLD


@dataclass(frozen=True, slots=True)
class StorySettings:
    """What the contents of an index or an archive depend on besides the articles; see `StoryClusterer`."""

    near: NearSettings
    story_threshold: float
    cut_residue: bool
    max_chars: int

    def to_dict(self) -> dict[str, float | int | bool | str]:
        """The parameters by the names that users know, as plain Python values.

        Examples
        --------
        >>> StorySettings(NearSettings(), 0.12, True, 1000).to_dict()["near_threshold"]
        0.7
        """
        return {
            "story_threshold": float(self.story_threshold),
            "near_threshold": float(self.near.threshold),
            "recall": float(self.near.recall),
            "num_perm": int(self.near.num_perm),
            "shingle_size": int(self.near.shingle_size),
            "cut_residue": self.cut_residue,
            "fold": self.near.fold,
            "max_chars": int(self.max_chars),
        }


def check(**values: Any) -> None:
    """Check parameters, given by name.

    Raises
    ------
    TypeError, ValueError
        For the first value that is not allowed.

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
    """Check the settings of the near tier; `threshold` is what the caller calls their threshold."""
    check(
        **{threshold: settings.threshold},
        recall=settings.recall,
        num_perm=settings.num_perm,
        shingle_size=settings.shingle_size,
        containment=settings.containment,
        compare_numbers=settings.compare_numbers,
        fold=settings.fold,
    )


def check_story_threshold(name: str, value: Any) -> None:
    """Check a story threshold that the caller calls `name`."""
    _number(LEAST_STORY_THRESHOLD, 1, "[)")(name, value)


def check_count(name: str, value: Any, allowed: str = _COUNT) -> None:
    """Check a positive integer."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}; allowed: {allowed}")
    if value < 1:
        raise ValueError(f"{name} is {value!r}; allowed: {allowed}")


def day_of(moment: datetime, name: str) -> float:
    """A time in days since 1970; `name` is what the caller calls it."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment!r}; allowed: an aware datetime")
    return moment.timestamp() / 86_400


def _number(low: float, high: float, brackets: str, *, optional: bool = False) -> Callable[[str, Any], None]:
    """A check for numbers in an interval, whose ends belong to it as `brackets` say: "(]" excludes the lower one."""
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


def _check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; allowed: True, False")


def _check_fold(name: str, value: Any) -> None:
    if value not in FOLDS:
        raise ValueError(f"{name} is {value!r}; allowed: {', '.join(map(repr, FOLDS))}")


def _check_jobs(name: str, value: Any) -> None:
    if value is not None and value != -1:
        check_count(name, value, f"None, -1 or {_COUNT}")


def _check_representative(name: str, value: Any) -> None:
    if not callable(value) and value not in RULES:
        raise ValueError(f"{name} is {value!r}; allowed: {', '.join(map(repr, RULES))}, callable")


def _check_encoder(name: str, value: Any) -> None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {value!r}; allowed: None, or a callable from a list of texts to an array")


def _check_progress(name: str, value: Any) -> None:
    if not isinstance(value, bool) and not callable(value):
        raise TypeError(f"{name} is {value!r}; allowed: True, False, or a callable that is given done and total")


def _check_zone(_: str, value: Any) -> None:
    read_zone(value)


def _check_limit(name: str, value: Any) -> None:
    if value is not None:
        check_count(name, value, f"None or {_COUNT}")


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "story_threshold": check_story_threshold,
    "near_threshold": _number(0, 1, "(]"),
    "threshold": _number(0, 1, "(]"),
    "recall": _number(0, 1, "()"),
    "num_perm": check_count,
    "shingle_size": check_count,
    "containment": _number(0, 1, "(]", optional=True),
    "compare_numbers": _check_flag,
    "cut_residue": _check_flag,
    "representative": _check_representative,
    "encoder": _check_encoder,
    "fold": _check_fold,
    "timezone": _check_zone,
    "max_chars": check_count,
    "n_jobs": _check_jobs,
    "progress": _check_progress,
    "k": check_count,
    "n": check_count,
    "min_size": check_count,
    "limit": _check_limit,
}
