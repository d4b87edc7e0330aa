"""Find by-lines: the lines at the head and foot of a text that say who wrote it, and which agency sent it."""

import re

Span = tuple[int, int]

#: So many lines at either end of a text are looked at, within so many characters; longer lines are no by-lines.
_LINES, _CHARACTERS, _LINE_CHARACTERS = 3, 600, 240

#: A by-line has so many words of names at most, and so many of a role or a place behind them.
_NAME_WORDS, _ROLE_WORDS = 12, 6

# "Di" and "De" open names and headlines as well.
_OPENINGS = frozenset(["by", "von", "par", "por", "door"])
_JOINTS = frozenset(
    ["and", "und", "et", "y", "e", "en", "with", "avec", "mit", "con", "com", "met", "de", "van", "von"]
)
_AGENCIES = frozenset(["reuters", "afp", "ap", "dpa", "efe", "ansa", "lusa", "xinhua", "tass", "bernama", "pti", "upi"])

# Words and the signs between names; the rest of a line does not matter.
_PARTS = re.compile(r"[^\W\d_][\w.'’-]*|\d+|[,;|/–—-]")
_SEPARATORS = frozenset(",;|/–—-")
_LINE = re.compile(r"[^\n\r]+")
_CREDIT = re.compile(
    r"\W*(?:(?:additional |with )?(?:reporting|editing|writing|graphics) by|with inputs? from|compiled by|translated by"
    r"|reportage d[eu]|édité par|rédigé par|avec (?:afp|reuters)|mit material von|redaktion:"
    r"|con información de|reporte de|editado por|com informações d[aeo])\b",
    re.IGNORECASE,
)
_CONTRIBUTED = re.compile(r"contributed (?:reporting|to this (?:report|story|article))\W*\Z", re.IGNORECASE)


def byline_spans(text: str, title: str = "") -> list[Span]:
    r"""Return the by-lines of a text as ascending spans of characters; the article's own title is none.

    Lines are told by their shape, so that a text without line breaks has none.

    Examples
    --------
    >>> text = "By Jane Doe and John Roe, Staff Writers\nKim is in Russia.\n(Reporting by Jane Doe; Editing by Ann Poe)"
    >>> [text[start:stop] for start, stop in byline_spans(text)]
    ['By Jane Doe and John Roe, Staff Writers', '(Reporting by Jane Doe; Editing by Ann Poe)']
    """
    head = _lines(text, 0, min(len(text), _CHARACTERS))[:_LINES]
    foot = _lines(text, max(0, len(text) - _CHARACTERS), len(text))[-_LINES:]
    found = {span for span in head if is_byline(text[slice(*span)])}
    found |= {span for span in foot if is_byline(text[slice(*span)]) or is_credit(text[slice(*span)])}
    return sorted(span for span in found if text[slice(*span)].strip() != title.strip())


def _lines(text: str, start: int, stop: int) -> list[Span]:
    """The whole lines between two places that have more than white space."""
    found = [match.span() for match in _LINE.finditer(text, start, stop) if not match[0].isspace()]
    whole = [(a, b) for a, b in found if (a == 0 or text[a - 1] in "\n\r") and (b == len(text) or text[b] in "\n\r")]
    return [span for span in whole if span != (0, len(text))]


def is_byline(line: str) -> bool:
    """Whether a line names who wrote a text, or the agency that sent it.

    Examples
    --------
    >>> [is_byline(line) for line in ("By JANE DOE", "Jane Doe | Reuters", "— AFP", "By Tuesday it was over")]
    [True, True, True, False]
    """
    line = line.strip()
    if len(line) > _LINE_CHARACTERS or line[-1:] in ".!?:…":
        return False
    parts = _PARTS.findall(line)
    words = [part for part in parts if part not in _SEPARATORS]
    if words and words[0].casefold() in _OPENINGS:
        return _are_names_and_role(parts[parts.index(words[0]) + 1 :])
    sent = [word.casefold() in _AGENCIES for word in words]
    if all(sent) or not any(sent):
        return bool(sent) and all(sent)
    # The agency stands first or last, behind a sign.
    named = all(map(_is_name, words)) and len(words) <= _NAME_WORDS
    return named and len(words) > 2 and (_ends_with_agency(parts) or _ends_with_agency(parts[::-1]))


def is_credit(line: str) -> bool:
    """Whether a line at the foot of a text says who else worked on it."""
    line = line.strip()
    return len(line) <= _LINE_CHARACTERS and bool(_CREDIT.match(line) or _CONTRIBUTED.search(line))


def _are_names_and_role(parts: list[str]) -> bool:
    cut = next((i for i, part in enumerate(parts) if part in _SEPARATORS), len(parts))
    names, role = parts[:cut], [part for part in parts[cut:] if part not in _SEPARATORS]
    capitals = sum(part[0].isupper() for part in names)
    enough = capitals >= 2 and len(names) <= _NAME_WORDS and all(map(_is_name, names))
    return enough and len(role) <= _ROLE_WORDS and (not role or role[0][0].isupper() or role[0].casefold() in _AGENCIES)


def _is_name(part: str) -> bool:
    return part[0].isupper() or part.casefold() in _JOINTS or part.casefold() in _AGENCIES


def _ends_with_agency(parts: list[str]) -> bool:
    return len(parts) > 2 and parts[-1].casefold() in _AGENCIES and parts[-2] in ",|/–—"
