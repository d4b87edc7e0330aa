"""The fold of one string, for tests."""

from dedup.text.tokens import tokenize


def fold_text(text, fold="unidecode"):
    """Folded bytes of a text, without the full stop of the line feed behind it and the padding."""
    return tokenize([text], fold).folded.tobytes().rstrip(b"\0")[:-1]
