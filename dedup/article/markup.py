"""Stands in for the one of another branch."""

import html
import re


def plain(text: str) -> str:
    """Text without tags."""
    return html.unescape(re.sub("<[^<>]*>", " ", text))
