"""Descriptions that say the same of every page, as "Article URL: ... Points: 12 # Comments: 3"."""

import logging
import re
from collections import Counter
from typing import Any

_logger = logging.getLogger(__name__)

_VARIES = re.compile(r"<[^<>]*>|\w+://[^\s<>]+|(?:[^\w<]|[\d_])+|<")  # tags too
_MAX_CHARS = 2_000  # with tags and addresses; templates are short
_LEAST = 3


def without_templates(name: str, entries: list[Any]) -> list[Any]:
    """Return the entries of a feed, without the text where it is that of most others but for addresses and numbers.

    It says nothing of the page, and would make one story of all of them. An entry without a title keeps it.

    Examples
    --------
    >>> entries = [{"title": t, "text": f"<p>Points: {n}</p>"} for n, t in enumerate(("Storm", "Vote", "Match"))]
    >>> without_templates("the feed", entries)[1]
    {'title': 'Vote', 'text': None}
    """
    words = [_words(entry) for entry in entries]
    (common, count), *_ = Counter(words).most_common(1) or [(None, 0)]
    if common is None or count < _LEAST or 2 * count <= len(entries):
        return entries
    _logger.info("%s: %d entries have the same description, which is left out", name, count)
    return [entry | {"text": None} if own == common else entry for entry, own in zip(entries, words, strict=True)]


def _words(entry: Any) -> str | None:
    """The words of a text that may be a template; None where it is long, or there is no title."""
    text = entry.get("text") if isinstance(entry, dict) and entry.get("title") else None
    if not isinstance(text, str) or len(text) > _MAX_CHARS:
        return None
    return " ".join(_VARIES.sub(" ", text).split()) or None
