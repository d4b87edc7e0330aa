"""Fields of articles, which are untrusted -> HTML.

Whatever is in a field, what comes out has no element or attribute of its making, can be encoded, and cannot turn the
direction of what stands beside it.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from dedup.article import Article
from dedup.wording import printable

# One character for one: places in a text stay what they are.
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "\ufffd") | {0x09: " ", 0x0A: "\n", 0x0D: " "}
# Marks that open, override or close a direction become a space without width: one may close more than it opened.
_CONTROLS |= dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\u200b")

# An address that may be a link. Browsers drop white space and controls from addresses, and read a backslash as a slash:
# what has any of these is no link.
_ADDRESS = re.compile(
    r"https?://[^\s\x00-\x20\x7f-\xa0\"'<>`\\\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u206f]+", re.IGNORECASE
)
_LONGEST_ADDRESS = 1000

_REL = "noopener noreferrer nofollow"


def safe(text: str) -> str:
    r"""Text for between tags or in quotes, each character in its place.

    Examples
    --------
    >>> safe("<b>\x00")
    '&lt;b&gt;�'
    """
    return escape(printable(text.translate(_CONTROLS)))


def line(text: str, longest: int = 160) -> str:
    """Text on one line, cut to so many characters, in a direction of its own."""
    words = " ".join(text[: 4 * longest].split())
    return f"<bdi>{safe(words if len(words) <= longest else words[: longest - 1] + '…')}</bdi>"


def link(url: str | None, inner: str) -> str:
    """HTML as a link, where the address is one of the web; else as it is.

    Examples
    --------
    >>> link("javascript:alert(1)", "Kim")
    'Kim'
    """
    if url is None or len(url) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(url):
        return inner
    return f'<a href="{escape(url)}" target="_blank" rel="{_REL}">{inner}</a>'


def name_of(article: Article, longest: int = 160) -> str:
    """Title of an article, or how its text begins."""
    return line(article.title.strip() or article.text[: 8 * longest].strip() or "(blank)", longest)


def when(moment: datetime | None) -> str:
    """A time to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "undated"


def facts_of(article: Article) -> str:
    """Outlet and time of an article."""
    return ", ".join([*([line(article.source, 60)] if article.source else []), when(article.published)])


def bar(share: float, label: str) -> str:
    """A number in [0, 1] as a bar with its label."""
    width = round(100 * min(max(share, 0.0), 1.0))
    return f'<span class="dedup-bar"><span style="width:{width}%"></span></span> {label}'


def folded(summary: str, inner: str) -> str:
    """HTML behind a line that opens it."""
    return f"<details><summary>{summary}</summary>{inner}</details>"


def listed(items: Sequence[str], total: int, noun: str) -> str:
    """A list of the first items, the others counted."""
    more = f"<li>and {total - len(items):,} more {noun}</li>" if total > len(items) else ""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}{more}</ul>"


def card(inner: str) -> str:
    """HTML with its style, which touches nothing else on the page."""
    return f'<div class="dedup-card"><style>{_STYLE}</style>{inner}</div>'


# Colours come from the page, so that a card is at home in a light and in a dark notebook.
_RULES = {
    "": "max-width:60rem;line-height:1.45;overflow-wrap:anywhere",
    "details": "border-top:1px solid #8884;padding:.3em 0",
    "details details": "margin-left:1.2em",
    "summary": "cursor:pointer",
    "ul": "margin:.3em 0 .3em 1.2em;padding:0",
    "p": "margin:.3em 0",
    "a": "color:inherit;text-decoration:underline",
    "small": "opacity:.75;font-size:.9em",
    "table": "border-collapse:collapse;margin:.3em 0;font-size:.9em",
    "th,td": "text-align:left;padding:.1em .8em .1em 0;border:0;background:none;color:inherit",
    ".dedup-bar": (
        "display:inline-block;width:8em;height:.6em;border:1px solid;border-radius:.3em;opacity:.7;overflow:hidden;"
        "vertical-align:middle"
    ),
    ".dedup-bar span": "display:block;height:100%;background:currentColor",
    ".dedup-columns": "display:grid;grid-template-columns:repeat(auto-fit,minmax(16em,1fr));gap:1.2em",
    ".dedup-text": "white-space:pre-wrap;max-height:24em;overflow:auto",
    "mark": "background:#f5c40055;color:inherit;border-radius:.2em",
    "s": "opacity:.45;text-decoration:none",
}
_STYLE = "".join(
    f"{','.join(f'.dedup-card {part}'.strip() for part in name.split(','))}{{{rule}}}" for name, rule in _RULES.items()
)
