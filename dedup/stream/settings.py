"""What the contents of an index depend on, as it is stored beside them."""

import unicodedata
from importlib.metadata import version
from importlib.util import find_spec

from dedup._version import __version__
from dedup.parameters import StorySettings

#: Changes when words, shingles, buckets or features get other numbers: those in older files could not be compared.
_HASHES = "2"


def stored_parameters(settings: StorySettings) -> dict[str, str]:
    """Return the parameters that an index is made with; it opens with the same ones only."""
    values = {name: value if isinstance(value, str) else repr(value) for name, value in settings.to_dict().items()}
    return values | {"hashes": _HASHES}


def versions() -> dict[str, str]:
    """Return the versions that an index is made with; it opens with others too, which differ in few characters."""
    packages = {name: version(name) for name in ("Unidecode", "stopwordsiso") if find_spec(name.lower())}
    return {"dedup": __version__, "unicode": unicodedata.unidata_version} | packages
