"""Checks of parameters, whose messages name the parameter, its value and what is allowed."""

from datetime import datetime
from numbers import Integral, Real
from typing import Any

from dedup.article import read_zone
from dedup.near.duplicates import NearSettings
from dedup.representative import RULES
from dedup.story.graph import FLOOR
from dedup.text.fold import FOLDS


def check_settings(settings: NearSettings, n_jobs: Any, *, name: str) -> None:
    """Check the settings of the near tier; `name` is what the caller calls the threshold."""
    check_number(name, settings.threshold, 0, 1, "(0, 1]", low_open=True)
    check_number("recall", settings.recall, 0, 1, "(0, 1)", low_open=True, high_open=True)
    check_count("num_perm", settings.num_perm)
    check_count("shingle_size", settings.shingle_size)
    if settings.containment is not None:
        check_number("containment", settings.containment, 0, 1, "(0, 1], or None", low_open=True)
    check_flag("compare_numbers", settings.compare_numbers)
    if settings.fold not in FOLDS:
        raise ValueError(f"fold is {settings.fold!r}; allowed: {', '.join(map(repr, FOLDS))}")
    if n_jobs is not None and n_jobs != -1:
        check_count("n_jobs", n_jobs, allowed="None, -1 or an integer of at least 1")


def check_story_settings(threshold: Any, representative: Any, timezone: Any) -> None:
    """Check what batch and stream are told about stories."""
    check_story_threshold("story_threshold", threshold)
    if not callable(representative) and representative not in RULES:
        allowed = ", ".join(map(repr, RULES))
        raise ValueError(f"representative is {representative!r}; allowed: {allowed}, callable")
    read_zone(timezone)


def check_encoder(encoder: Any) -> None:
    """Check what turns texts into vectors."""
    if encoder is not None and not callable(encoder):
        raise TypeError(f"encoder is {encoder!r}; allowed: None, or a callable from a list of texts to an array")


def check_story_threshold(name: str, value: Any) -> None:
    """Check a mean similarity from which reports form a story."""
    check_number(name, value, FLOOR, 1, f"[{FLOOR}, 1)", high_open=True)


def check_number(
    name: str, value: Any, low: float, high: float, allowed: str, *, low_open: bool = False, high_open: bool = False
) -> None:
    """Check a number against its range, which `allowed` writes out."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}; allowed: a number in {allowed}")
    value = float(value)
    if not low <= value <= high or (low_open and value == low) or (high_open and value == high):
        raise ValueError(f"{name} is {value!r}; allowed: a number in {allowed}")


def check_flag(name: str, value: Any) -> None:
    """Check a truth value."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; allowed: True, False")


def check_progress(progress: Any) -> None:
    """Check what is told how far the work has come."""
    if not isinstance(progress, bool) and not callable(progress):
        raise TypeError(f"progress is {progress!r}; allowed: True, False, or a callable that is given done and total")


def check_count(name: str, value: Any, allowed: str = "an integer of at least 1") -> None:
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
