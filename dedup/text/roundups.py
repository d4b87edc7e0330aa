"""Round-ups: articles that list many stories, which they must not bridge and cannot represent."""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from dedup.text.headings import data_lines

_DAYS = frozenset(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])

# From two to ten in the languages whose round-ups count their stories.
_NUMBERS = frozenset(
    word
    for line in (
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
        ("deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
        ("dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"),
        ("due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci"),
        ("dois", "três", "quatro", "sete", "oito", "dez"),
    )
    for word in line
)

#: Words that may stand before a phrase that opens a title: "Your Wednesday briefing", "The Guardian morning briefing".
_WORDS_BEFORE = 2

_WORD = re.compile(r"[\w'’-]+")
_HAN_OR_KANA = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def is_roundup(title: str) -> bool:
    """Whether the title is that of a list of many stories.

    Examples
    --------
    >>> is_roundup("Wednesday Briefing: Harris picks a running mate"), is_roundup("Five things to know today")
    (True, True)
    >>> is_roundup("Army chief gives a briefing on Wednesday")
    False
    """
    words = _words(title)
    phrases, unspaced = _phrases()
    for place, word in enumerate(words):
        for phrase in phrases.get(word, ()):
            stop = place + len(phrase)
            if words[place:stop] == phrase and (place <= _WORDS_BEFORE or stop == len(words)):
                return True
    return any(phrase in title for phrase in unspaced) if _HAN_OR_KANA.search(title) else False


def without_roundups(texts: Sequence[str], titles: Sequence[str]) -> list[str]:
    """Texts for the story tier, in which a round-up has no words and so is like no other report."""
    return ["" if is_roundup(title) else text for text, title in zip(texts, titles, strict=True)]


def _words(text: str) -> list[str]:
    return [_slot(word) for word in _WORD.findall(text.casefold().replace("’", "'"))]


def _slot(word: str) -> str:
    day = word.removesuffix("'s")
    if day in _DAYS:
        return "{day}'s" if day != word else "{day}"
    return "{n}" if word.isdigit() or word in _NUMBERS else word


@cache
def _phrases() -> tuple[dict[str, list[list[str]]], list[str]]:
    """Phrases by their first word, and those of scripts without spaces."""
    by_word: dict[str, list[list[str]]] = defaultdict(list)
    unspaced = []
    for line in data_lines("roundup_titles.txt"):
        if _HAN_OR_KANA.search(line):
            unspaced.append(line)
        else:
            words = re.findall(r"\{(?:n|day)\}(?:'s)?|[\w'-]+", line)
            by_word[words[0]].append(words)
    return dict(by_word), unspaced
