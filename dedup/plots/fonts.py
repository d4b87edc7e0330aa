"""Text that matplotlib can draw, in the installed fonts that have its letters."""

from functools import cache
from typing import Any

from dedup.wording import one_line

#: Comes with matplotlib.
_DEFAULT = "DejaVu Sans"

#: Fonts of many scripts, which are tried before every other installed font.
_PREFERRED = (
    *("Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans Arabic", "Noto Sans Hebrew"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Arial Unicode MS", "PingFang SC", "Hiragino Sans"),
    *("Microsoft YaHei", "Malgun Gothic", "Segoe UI", "Segoe UI Emoji"),
)


def drawable_text(text: str, limit: int) -> tuple[str, dict[str, Any]]:
    """Return a text of at most `limit` characters on one line, and matplotlib's keywords for as few fonts as it needs.

    A letter that no font has becomes a replacement character: matplotlib would warn of each.
    """
    line = one_line(text, limit)
    families = [_DEFAULT]
    missing = frozenset(map(ord, line)) - _letters(_DEFAULT)
    for name in _installed():
        if not missing:
            break
        if missing & _letters(name):
            families.append(name)
            missing -= _letters(name)
    shown = line.translate(dict.fromkeys(missing, "\N{REPLACEMENT CHARACTER}"))
    return shown, {"fontfamily": families, "parse_math": False}  # a dollar sign is money, no formula


@cache
def _installed() -> dict[str, str]:
    """The fonts with an upright face of normal weight, in the order to try them, and the files of those faces."""
    from matplotlib.font_manager import fontManager

    upright = {font.name: font.fname for font in fontManager.ttflist if (font.style, font.weight) == ("normal", 400)}
    return {name: upright[name] for name in (_DEFAULT, *_PREFERRED, *sorted(upright)) if name in upright}


@cache
def _letters(family: str) -> frozenset[int]:
    """Code points that the font has."""
    from matplotlib.font_manager import get_font

    # A font of last resort has a placeholder for every code point.
    unreadable = family.startswith("Last Resort") or family not in _installed()
    return frozenset() if unreadable else frozenset(get_font(_installed()[family]).get_charmap())
