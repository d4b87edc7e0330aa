"""What the contents of an index depend on, as it is stored beside them."""

from dedup._version import versions
from dedup.encoders import Encoder
from dedup.encoders.identity import identity_of
from dedup.parameters import StorySettings

#: Changes when words, shingles, buckets or features get other numbers: those in older files could not be compared. The
#: features of scripts without spaces changed without it: in an older file, only what comes after meets in these.
_HASHES = "2"


def stored_parameters(settings: StorySettings, encoder: Encoder | None = None) -> dict[str, str]:
    """Return the parameters that an index is made with; it opens with the same ones only."""
    values = {name: value if isinstance(value, str) else repr(value) for name, value in settings.to_dict().items()}
    values |= {"match_urls": repr(settings.match_urls), "hashes": _HASHES}
    return values if encoder is None else values | {"encoder": identity_of(encoder)}


def stored_versions() -> dict[str, str]:
    """Return the versions that an index is made with; it opens with others too, which differ in few characters."""
    return versions("Unidecode", "stopwordsiso")
