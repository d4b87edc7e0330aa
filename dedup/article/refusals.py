"""What becomes of an article that is not allowed, and why it is not."""

from typing import Any, Literal, get_args

from dedup.article.types import Refusal
from dedup.wording import short_repr

#: What an article that is not allowed does: it raises an error; it is left out and listed; or, if only its date is no
#: date, it counts as undated and is listed, and otherwise raises an error.
Errors = Literal["raise", "skip", "undated"]
ERRORS: tuple[Errors, ...] = get_args(Errors)

#: Which article of those with one id stays.
Duplicates = Literal["first", "last"]
DUPLICATES: tuple[Duplicates, ...] = get_args(Duplicates)

Kind = type[TypeError] | type[ValueError]


class FieldError(Exception):
    """A field of an article has a value that is not allowed.

    Attributes
    ----------
    field : str or None
        A field of `Article`; None where the article as a whole is the problem.
    value : object
    kind : type
        Of the error that users see.
    """

    def __init__(self, problem: str, *, field: str | None, value: Any, kind: Kind = ValueError) -> None:
        super().__init__(problem)
        self.field, self.value, self.kind = field, value, kind

    @classmethod
    def of(cls, field: str, value: Any, allowed: str, *, name: str = "", kind: Kind = ValueError) -> "FieldError":
        """The error for a value; `name` is what the input calls the field, `allowed` may begin with a reason."""
        called = f"field {field!r}" if name in ("", field) else f"field {name!r}, read as {field},"
        joint = "; " if allowed.startswith("allowed") else ", "
        return cls(f"{called} is {short_repr(value)}{joint}{allowed}", field=field, value=value, kind=kind)

    def refusal(self, position: int, article_id: str | None, *, is_named: bool) -> Refusal:
        """The refusal of the article at a position, by its id as far as that is known."""
        where = f"article {position}"
        if article_id is not None and self.field != "id":  # which the message names anyway
            where += f" (id {short_repr(article_id)})"
        joint = " " if self.field is None else ": "
        named = article_id if is_named else None
        return Refusal(position, f"{where}{joint}{self}", named, self.field, short_repr(self.value))


def repetition(article_id: str, other: int) -> FieldError:
    """The error for an id that the article at another position has too."""
    allowed = "allowed: ids that occur once (a missing id is the article's position)"
    problem = f"field 'id' is {short_repr(article_id)}, as that of article {other}; {allowed}"
    return FieldError(problem, field="id", value=article_id)
