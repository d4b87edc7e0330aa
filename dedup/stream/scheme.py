"""What the contents of an index rest on."""

import unicodedata
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import dedup
from dedup.near.duplicates import NearSettings
from dedup.near.lsh import Bands
from dedup.text.fold import Fold

#: To be changed when a word, a shingle, a bucket or a feature comes to another number: what is in files made before
#: could not be compared with what comes after.
_HASHES = "2"


@dataclass(frozen=True, slots=True)
class Settings:
    """How an index reads articles and puts them together.

    Attributes
    ----------
    story_threshold : float
        Mean similarity from which reports form a story.
    near : NearSettings
        What makes copies, and the fold.
    cut_residue : bool
        Whether what belongs to sites is left out.
    max_chars : int
        How much of an article is read.
    """

    story_threshold: float
    near: NearSettings
    cut_residue: bool
    max_chars: int

    @property
    def bands(self) -> Bands:
        """How signatures are banded."""
        return Bands.for_recall(self.near.threshold, self.near.recall, self.near.num_perm)

    @property
    def fold(self) -> Fold:
        """How letters become plain ones."""
        return self.near.fold

    def parameters(self) -> dict[str, str]:
        """What a file is made with, and opens with."""
        near = self.near
        shares = {"story_threshold": self.story_threshold, "near_threshold": near.threshold, "recall": near.recall}
        counts = {"num_perm": near.num_perm, "shingle_size": near.shingle_size, "max_chars": self.max_chars}
        parameters = {name: repr(float(value)) for name, value in shares.items()}
        parameters |= {name: repr(int(value)) for name, value in counts.items()}
        return parameters | {"cut_residue": repr(self.cut_residue), "fold": self.fold, "hashes": _HASHES}


def versions() -> dict[str, str]:
    """What a file was made by. Another version reads few characters otherwise, and no file is refused for it."""
    packages = {name: version(name) for name in ("Unidecode", "stopwordsiso") if find_spec(name.lower())}
    return {"dedup": dedup.__version__, "unicode": unicodedata.unidata_version} | packages
