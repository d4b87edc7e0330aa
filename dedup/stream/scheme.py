"""What the contents of an index's file rest on."""

import unicodedata
from importlib.metadata import version

import dedup
from dedup.near.duplicates import NearSettings

#: How texts become numbers. To be changed when a word, a shingle, a bucket or a feature comes to another number: what
#: is in files made before could not be compared with what comes after.
_SCHEMES = {"fold": "unidecode", "hashes": "1"}


def parameters_of(story_threshold: float, near: NearSettings, *, cut_residue: bool) -> dict[str, str]:
    """What a file is made with, and opens with."""
    shares = {"story_threshold": story_threshold, "near_threshold": near.threshold, "recall": near.recall}
    counts = {"num_perm": near.num_perm, "shingle_size": near.shingle_size}
    parameters = {name: repr(float(value)) for name, value in shares.items()} | {"cut_residue": repr(cut_residue)}
    return parameters | {name: repr(int(value)) for name, value in counts.items()} | _SCHEMES


def versions() -> dict[str, str]:
    """What a file was made by. Another version reads few characters otherwise, and no file is refused for it."""
    packages = {name: version(name) for name in ("Unidecode", "stopwordsiso")}
    return {"dedup": dedup.__version__, "unicode": unicodedata.unidata_version} | packages
