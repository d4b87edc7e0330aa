"""Fields of articles, which are untrusted -> HTML.

No field can add an element or an attribute, break the encoding, or turn the direction of the text beside it.
"""

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from dedup.article import Article
from dedup.wording import minute, one_line, printable

# Each character becomes one character, so that positions in a text stay valid.
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], "\ufffd") | {0x09: " ", 0x0A: "\n", 0x0D: " "}
# Marks that open, override or close a direction become zero-width spaces: one may close more than it opened.
_CONTROLS |= dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\u200b")

# Browsers drop white space and controls from addresses and read a backslash as a slash: an address with any of these is
# no link.
_ADDRESS = re.compile(
    r"https?://[^\s\x00-\x20\x7f-\xa0\"<>`\\\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u206f]+", re.IGNORECASE
)
_MAX_ADDRESS = 1000


def safe(text: str) -> str:
    """Return text that can stand between tags or in the quotes of an attribute, each character at its position."""
    return escape(printable(text.translate(_CONTROLS)))


def line(text: str, limit: int = 160) -> str:
    """Text on one line of at most `limit` characters, in a direction of its own."""
    return f"<bdi>{safe(one_line(text, limit, '…'))}</bdi>"


def web_address(url: str | None) -> str:
    """Return the URL if it may be a link, otherwise an empty string: a part of an address would lead elsewhere."""
    return url if url and len(url) <= _MAX_ADDRESS and _ADDRESS.fullmatch(url) else ""


def link(url: str | None, inner: str) -> str:
    """HTML as a link if the URL may be one, otherwise unchanged."""
    address = escape(web_address(url))
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">{inner}</a>' if address else inner


def name_of(article: Article) -> str:
    """Title of an article, or how its text begins."""
    return line(article.plain_title.strip() or article.plain_text[:1280].strip() or "(blank)")


def facts_of(article: Article) -> str:
    """Outlet and time of an article."""
    return (f"{line(article.source, 60)}, " if article.source else "") + minute(article.published)


def bar(share: float, label: str) -> str:
    """A number in [0, 1] as a bar with its label."""
    width = round(100 * min(max(share, 0.0), 1.0))
    return f'<span class="dedup-bar"><span style="width:{width}%"></span></span> {label}'


def folded(summary: str, inner: str) -> str:
    """HTML under a summary that unfolds it."""
    return f"<details><summary>{summary}</summary>{inner}</details>"


def listed(items: Sequence[str], total: int, noun: str) -> str:
    """A list of the first items, and how many others there are."""
    more = f"<li>and {total - len(items):,} more {noun}</li>" if total > len(items) else ""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}{more}</ul>"


def card(inner: str) -> str:
    """HTML with its style, which applies to nothing else on the page and takes its colours from there."""
    style = asset("card.css").replace("\n", "")
    return f'<div class="dedup-card"><style>{style}</style>{inner}</div>'


@cache
def asset(name: str) -> str:
    """A file of this room."""
    return files("dedup.html").joinpath(name).read_text(encoding="utf-8")
