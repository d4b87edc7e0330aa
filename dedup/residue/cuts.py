"""Where a news service has cut a text, it says so at the end: "... [+1234 chars]"."""

import re

Span = tuple[int, int]

# NewsAPI's mark, behind an ellipsis.
_CUT = re.compile(r"(?:…|\.{3})?\s*\[\+\d+ chars\]\s*\Z")

#: A mark is no longer.
_CHARACTERS = 64


def cut_spans(text: str) -> list[Span]:
    """Return the mark at the end of a text that was cut.

    Examples
    --------
    >>> text = "Kim Jong Un arrived in Russia on Tues… [+1234 chars]"
    >>> [text[start:stop] for start, stop in cut_spans(text)]
    ['… [+1234 chars]']
    """
    found = _CUT.search(text, max(0, len(text) - _CHARACTERS)) if "]" in text[-_CHARACTERS:] else None
    return [found.span()] if found else []
