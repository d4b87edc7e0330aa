"""What the contents of an index depend on, as it is stored beside them."""

import unicodedata
from importlib.metadata import version
from importlib.util import find_spec

from dedup._version import __version__
from dedup.parameters import StorySettings

#: Changed when a word, a shingle, a bucket or a feature gets another number: what is in files made before could not be
#: compared with what comes after.
_HASHES = "2"


def stored_parameters(settings: StorySettings) -> dict[str, str]:
    """The parameters that an index is made with; it opens with the same ones only."""
    values = {name: value if isinstance(value, str) else repr(value) for name, value in settings.to_dict().items()}
    return values | {"hashes": _HASHES}


def versions() -> dict[str, str]:
    """Versions that an index is made with; no file is refused for another one, which reads few characters otherwise."""
    packages = {name: version(name) for name in ("Unidecode", "stopwordsiso") if find_spec(name.lower())}
    return {"dedup": __version__, "unicode": unicodedata.unidata_version} | packages
