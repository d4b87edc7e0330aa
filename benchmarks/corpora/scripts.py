"""Different texts in every large script: nothing may be found to be a copy among them.

Words are random letters of a script with its vowel signs; texts of scripts without spaces are random characters.
"""

import unicodedata

from numpy.random import default_rng

#: What the names of its letters begin with, by script.
SPACED = {
    "Latin": "LATIN SMALL LETTER",
    "Greek": "GREEK SMALL LETTER",
    "Cyrillic": "CYRILLIC SMALL LETTER",
    "Armenian": "ARMENIAN SMALL LETTER",
    "Georgian": "GEORGIAN LETTER",
    "Hebrew": "HEBREW LETTER",
    "Arabic": "ARABIC LETTER",
    "Devanagari": "DEVANAGARI",
    "Bengali": "BENGALI",
    "Gurmukhi": "GURMUKHI",
    "Gujarati": "GUJARATI",
    "Tamil": "TAMIL",
    "Telugu": "TELUGU",
    "Kannada": "KANNADA",
    "Malayalam": "MALAYALAM",
    "Sinhala": "SINHALA",
    "Ethiopic": "ETHIOPIC SYLLABLE",
    "N'Ko": "NKO LETTER",
    "Ol Chiki": "OL CHIKI LETTER",
    "Hangul": "HANGUL SYLLABLE",
}
UNSPACED = {
    "Han": "CJK UNIFIED IDEOGRAPH",
    "Hiragana": "HIRAGANA LETTER",
    "Katakana": "KATAKANA LETTER",
    "Thai": "THAI CHARACTER",
    "Lao": "LAO LETTER",
    "Khmer": "KHMER LETTER",
    "Myanmar": "MYANMAR LETTER",
}
SIGNS = {"emoji and symbols": "So", "punctuation": "Po"}  # and their category
SCRIPTS = (*SPACED, *UNSPACED, *SIGNS)


def different(script: str, n: int, *, seed: int = 0) -> list[str]:
    """Texts of 4 to 60 random words of a script, or of 8 to 120 characters if it has no spaces; no two are equal."""
    rng = default_rng([seed, *script.encode()])
    letters = letters_of(script)
    if script in SPACED:
        letters = ["".join(rng.choice(letters, size)) for size in rng.integers(2, 9, 5000).tolist()]
    gap, least, most = (" ", 4, 60) if script in SPACED else ("", 8, 120)
    texts: dict[str, str] = {}
    while len(texts) < n:
        text = gap.join(rng.choice(letters, int(rng.integers(least, most + 1))).tolist())
        texts.setdefault(unicodedata.normalize("NFKC", text).casefold(), text)
    return list(texts.values())


def letters_of(script: str) -> list[str]:
    """The letters of a script up to U+FFFF, with vowel signs; or the signs of a category, with emoji."""
    characters = [chr(code) for code in [*range(0x10000), *(range(0x1F300, 0x1FAF0) if script in SIGNS else ())]]
    if script in SIGNS:
        return [c for c in characters if unicodedata.category(c) == SIGNS[script]]
    begins = (SPACED | UNSPACED)[script]
    named = [(c, unicodedata.name(c, "")) for c in characters]
    return [c for c, name in named if name.startswith(begins) and (c.isalpha() or "VOWEL SIGN" in name)]
