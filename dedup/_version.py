"""The version of this library, and those of what its results depend on."""

import unicodedata
from importlib.metadata import version
from importlib.util import find_spec

__version__ = "0.2.0"


def versions(*packages: str) -> dict[str, str]:
    """Versions of this library, of Unicode, and of those of the packages that are installed."""
    installed = {name: version(name) for name in packages if find_spec(name.lower())}
    return {"dedup": __version__, "unicode": unicodedata.unidata_version} | installed
