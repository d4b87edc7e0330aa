"""Titles -> their parts, and what these say of the kind of an article."""

import re
from functools import cache
from importlib.resources import files

# Only so many characters at the end of a title are looked at.
_END_CHARACTERS = 80

# The last part of a title behind a dash, bar or dot between spaces, of at most five words.
_ENDING = re.compile(r"\s+(?:[-–—|•·]|::)\s+([^\s–—|•·-]\S*(?:\s+[^\s–—|•·-]\S*){0,4})\s*$")
_BRACKETS_BEHIND = re.compile(r"\s*[\[(【〔（]([^\[\]()【】〔〕（）]{2,30})[\])】〕）]\s*$")
_BRACKETS_BEFORE = re.compile(r"\W*?[\[(【〔（]([^\[\]()【】〔〕（）]{2,30})[\])】〕）]\s*")
_OPENING = re.compile(
    r"[^\w'\"«“‘¿¡(\[]*(\w[^:：|–—\n]{0,30}?)(?:\s*[:：|]|\s+[-–—/]+)\s+(?=\S)|\W*(\w{1,12})[:：](?=\S)"
)

_QUESTION_MARKS = frozenset("?？؟")


def opening_of(title: str, start: int, stop: int) -> tuple[str, int]:
    """What stands before a colon, dash, bar or in brackets at `start`, and where it ends; "" and `start` for nothing.

    Examples
    --------
    >>> opening_of("LIVE: Kim in Russia", 0, 19)
    ('LIVE', 6)
    """
    match = _BRACKETS_BEFORE.match(title, start, stop) or _OPENING.match(title, start, stop)
    return (next(group for group in match.groups() if group), match.end()) if match else ("", start)


def ending_of(title: str, stop: int) -> tuple[int, str]:
    """Where the last part of a title begins, and that part without its separator; `stop` and "" for none.

    Examples
    --------
    >>> ending_of("Kim in Russia - Daily News", 26)
    (13, 'Daily News')
    """
    match = _ENDING.search(title, max(0, stop - _END_CHARACTERS), stop)
    return (match.start(), match[1]) if match and match.start() else (stop, "")


def bracket_of(title: str, stop: int) -> tuple[int, str]:
    """Where brackets at the end of a title begin, and what is in them; `stop` and "" for none."""
    match = _BRACKETS_BEHIND.search(title, max(0, stop - _END_CHARACTERS), stop)
    return (match.start(), match[1]) if match and match.start() else (stop, "")


@cache
def _labels() -> frozenset[str]:
    return frozenset(line.casefold() for line in data_lines("title_labels.txt"))


def data_lines(name: str) -> list[str]:
    """Lines of a data file of this package that are not comments."""
    lines = files("dedup.text").joinpath("data", name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


def is_label(part: str) -> bool:
    """Whether a part of a title is a label such as LIVE, WATCH or Opinion."""
    return part.strip(" .!…").casefold() in _labels()


def label_of(title: str) -> str:
    """The label at the beginning or the end of a title, or its question mark; "" for that of a plain report.

    Examples
    --------
    >>> label_of("WATCH: Kim arrives"), label_of("Is Kim in Russia?"), label_of("Kim is in Russia")
    ('WATCH', '?', '')
    """
    stop = len(title)
    for part in (opening_of(title, 0, stop)[0], ending_of(title, stop)[1], bracket_of(title, stop)[1]):
        if is_label(part):
            return part
    return "?" if title.rstrip(" \"'»”’")[-1:] in _QUESTION_MARKS else ""
