"""A line of bytes -> text, or the JSON object in it."""

import json
from typing import Any

from dedup.inputs import ONE_OBJECT


def decoded(line: bytes) -> str:
    """Return a line as text; raise ValueError where it is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + 1} is 0x{line[error.start]:02x}, which is not UTF-8; allowed: UTF-8"
        raise ValueError(problem) from error


def object_in(text: str) -> dict[str, Any]:
    """Return the object in a line of JSON; raise ValueError where there is none."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        hint = "; 'jq -c .[]' makes lines of a list" if text.startswith("[") else ""
        raise ValueError(f"no JSON: {error.msg} at character {error.colno}; {ONE_OBJECT}{hint}") from error
    except (ValueError, RecursionError) as error:  # a number of too many digits, brackets in brackets in brackets
        raise ValueError(f"no JSON that can be read: {error}; {ONE_OBJECT}") from error
    if not isinstance(value, dict):
        hint = "; 'jq -c .[]' makes lines of a list" if isinstance(value, list) else ""
        raise ValueError(f"it is a {type(value).__name__}; {ONE_OBJECT}{hint}")
    return value
