"""What the functions that users call ask of their arguments and of what is installed, beyond `dedup.parameters`."""

from importlib.util import find_spec
from typing import Any

from dedup.parameters import RULES


def require_rule(representative: Any) -> None:
    """Refuse a way to choose that a manifest cannot hold, as a function is."""
    if representative not in RULES:
        raise ValueError(f"representative is {representative!r}; allowed: {', '.join(map(repr, RULES))}")


def require_zone_name(timezone: Any) -> None:
    """Refuse a time zone that a manifest cannot hold."""
    if timezone is not None and not isinstance(timezone, str):
        raise TypeError(f"timezone is {timezone!r}; allowed: None, or a name like 'Europe/Paris'")


def require_packages() -> None:
    """Raise ImportError without fsspec or pyarrow."""
    missing = [name for name in ("fsspec", "pyarrow") if not find_spec(name)]
    if missing:
        raise ImportError(f'dedup.archive needs {" and ".join(missing)}: pip install "dedup-stories[archive]"')
