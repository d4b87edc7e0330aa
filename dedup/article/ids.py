r"""Ids in the forms that users have -> str.

=============  =========================================  ===============================
id             becomes                                    example
=============  =========================================  ===============================
str            itself                                     "a17" -> "a17"
int            its digits; those of NumPy too             17 -> "17"
UUID           its 36 characters                          UUID(int=1) -> "00000000-...-1"
bytes          its hexadecimal digits, as of a hash       b"\x0a\xff" -> "0aff"
None, NaN      the position in the input, where an id     the third article -> "2"
               may be missing
=============  =========================================  ===============================

So the int 17 and the str "17" are one id. A float is none: it would be another id, "17.0", when a column of integers
gets its first missing cell.
"""

from numbers import Integral, Real
from typing import Any
from uuid import UUID

from dedup.article.columns import values_of
from dedup.article.refusals import FieldError

ALLOWED_ID = "allowed: str, int, UUID or bytes"

#: What users may call an article.
ArticleId = str | int | UUID | bytes


def read_id(value: Any, name: str = "") -> str:
    r"""An id as str; `name` is what the input calls it.

    Examples
    --------
    >>> read_id(17), read_id(UUID(int=1)), read_id(b"\x0a\xff")
    ('17', '00000000-0000-0000-0000-000000000001', '0aff')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, Integral):
        allowed = ALLOWED_ID
        if isinstance(value, Real) and not isinstance(value, bool) and value == value // 1:
            allowed += " (missing cells turn a column of integers into floats: make it one of str, or of Int64)"
        raise FieldError.of("id", value, allowed, name=name, kind=TypeError)
    try:
        return str(value)
    except ValueError as error:  # an integer of more digits than Python writes
        raise FieldError.of("id", value, ALLOWED_ID, name=name) from error


def name_of_id(value: Any) -> str | None:
    r"""The str that an id becomes; None for what is none.

    Examples
    --------
    >>> name_of_id(17), name_of_id(b"\x0a\xff"), name_of_id(1.5)
    ('17', '0aff', None)
    """
    try:
        return read_id(value)
    except FieldError:
        return None


def id_of(item: Any) -> str | None:
    """The id that a mapping or an object has as str; None where it has none that is allowed."""
    try:
        name, value = values_of(item, ["id"])["id"]
        return read_id(value, name)
    except (KeyError, FieldError):
        return None
