"""Text that matplotlib can draw: which of the fonts that are installed have its letters."""

from functools import cache
from typing import Any

#: Comes with matplotlib.
_DEFAULT = "DejaVu Sans"

#: Tried first, as they cover most; then every other font that is installed.
_WIDE = (
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Arial Unicode MS",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Segoe UI",
    "Segoe UI Emoji",
)

#: What stands for a letter that no font has; matplotlib's own font has it.
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def drawable_text(text: str, limit: int) -> dict[str, Any]:
    """Keywords for a text of an article: the text in a line, fonts that have its letters, and no formulas.

    A letter that no font has becomes a replacement character: matplotlib would warn of each.
    """
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    line = line if len(line) <= limit else f"{line[: limit - 3]}..."
    families = families_for(line)
    covered = frozenset[int]().union(*map(_letters, families))
    shown = "".join(character if ord(character) in covered else _UNKNOWN for character in line)
    # A dollar sign is money here, and Arabic headlines have no formulas either.
    return {"text": shown, "fontfamily": families, "parse_math": False}


def families_for(text: str) -> list[str]:
    """The default font and as few others as the letters of a text need, as far as they are installed."""
    families = [_DEFAULT]
    missing = frozenset(map(ord, text)) - _letters(_DEFAULT)
    for name in _installed():
        if not missing:
            break
        if missing & _letters(name):
            families.append(name)
            missing -= _letters(name)
    return families


@cache
def _installed() -> dict[str, str]:
    """Families with an upright face of normal weight, in the order to try them, and the file of that face."""
    from matplotlib.font_manager import fontManager

    upright = {font.name: font.fname for font in fontManager.ttflist if (font.style, font.weight) == ("normal", 400)}
    return {name: upright[name] for name in (_DEFAULT, *_WIDE, *sorted(upright)) if name in upright}


@cache
def _letters(family: str) -> frozenset[int]:
    """Code points that a font has."""
    from matplotlib.font_manager import get_font

    # A font of last resort has a placeholder for every code point.
    unreadable = family.startswith("Last Resort") or family not in _installed()
    return frozenset() if unreadable else frozenset(get_font(_installed()[family]).get_charmap())
