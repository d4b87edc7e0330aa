"""Files of articles -> rows: names of fields with their values."""

ONE_OBJECT = "allowed: one JSON object a line"


class InputError(Exception):
    """An input that cannot be read; the message names its place."""
