"""Files of articles -> rows: names of fields with their values."""

#: The fields of an article that are read from files.
FIELDS = ("id", "text", "title", "published", "source", "url", "language")

ONE_OBJECT = "allowed: one JSON object a line"


class InputError(Exception):
    """An input that cannot be read; the message names its place."""
