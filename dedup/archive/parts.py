"""What each stage of a job writes and later stages read: arrays and files, each with one name and type.

Stages and files keep their names on disk, so that a job that an older version began can go on.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from dedup.archive.job import Job, part_folder

Scalar = TypeVar("Scalar", bound=np.generic)


class File:
    """A file in each part of a stage. As an attribute of a part it is a path."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __set_name__(self, owner: "type[Part]", name: str) -> None:
        self.pattern = f"{owner.stage}/*/{self.name}"

    @overload
    def __get__(self, part: None, owner: "type[Part]") -> Self: ...
    @overload
    def __get__(self, part: "Part", owner: "type[Part]") -> Path: ...
    def __get__(self, part: "Part | None", owner: "type[Part]") -> Self | Path:
        return self if part is None else part.folder / self.name


class Array(Generic[Scalar]):
    """An array in each part of a stage. As an attribute of a part it is read from its file.

    Parameters
    ----------
    name : str, optional
        Name of the file, where the attribute has another.
    mapped : bool, default False
        Whether only the elements that are used are read: for arrays of all articles.
    """

    def __init__(self, name: str = "", *, mapped: bool = False) -> None:
        self.name, self._mapped = name, mapped

    def __set_name__(self, owner: "type[Part]", name: str) -> None:
        self.name = f"{self.name or name}.npy"
        self.pattern = f"{owner.stage}/*/{self.name}"

    @overload
    def __get__(self, part: None, owner: "type[Part]") -> Self: ...
    @overload
    def __get__(self, part: "Part", owner: "type[Part]") -> NDArray[Scalar]: ...
    def __get__(self, part: "Part | None", owner: "type[Part]") -> Self | NDArray[Scalar]:
        if part is None:
            return self
        array: NDArray[Scalar] = np.load(part.folder / self.name, "r" if self._mapped else None, allow_pickle=False)
        return array


class Part:
    """A part of a stage: the folder that its task writes, or has written."""

    stage: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, job: Job, number: int = 0) -> Self:
        """Return a finished part."""
        return cls(part_folder(job, cls.stage, number))

    def save(self, **arrays: NDArray[Any]) -> None:
        """Write arrays that the class names."""
        for name, array in arrays.items():
            np.save(self.folder / getattr(type(self), name).name, array, allow_pickle=False)


class ReadBlock(Part):
    """The articles of a block of an input file, in canonical order."""

    stage = "read"
    articles = File("articles.arrow")
    days = Array[np.float64]()
    sizes = Array[np.int64]()  # characters of title and text
    salts = Array[np.uint64]()  # a hash of the source


class Order(Part):
    """The canonical order of all articles, and its slices."""

    stage = "order"
    positions = Array[np.int64](mapped=True)  # of each article, block by block
    block_offsets = Array[np.int64](mapped=True)
    bounds = Array[np.int64](mapped=True)  # the positions where slices begin, and the end
    days = Array[np.float64](mapped=True)  # by position, as all that follows
    salts = Array[np.uint64](mapped=True)
    sampled = Array[np.int64]()  # positions that residue is learned from, group by group
    sample_offsets = Array[np.int64]()


class Slice(Part):
    """The articles of a slice, a summary of each, and the keys of their titles."""

    stage = "slices"
    articles = File("articles.arrow")
    summaries = File("outlines.arrow")
    openings = Array[np.uint64]()
    whole = Array[np.uint64]()
    title_sizes = Array[np.int64]()


class Sample(Part):
    """The texts of a slice that residue is learned from, a batch for each group of sources."""

    stage = "sample"
    texts = File("texts.arrow")


class LearnedGroup(Part):
    """What recurs in a group of sources."""

    stage = "learn"
    keys = Array[np.uint64]()
    anywhere = Array[np.bool_]()


class LearnedAll(Part):
    """What recurs in any source, and the keys of all titles."""

    stage = "collect"
    keys = Array[np.uint64]()
    anywhere = Array[np.bool_]()
    openings = Array[np.uint64]()
    whole = Array[np.uint64]()
    title_sizes = Array[np.int64]()


class Sketch(Part):
    """The texts of a slice without their residue, and what candidates for near-duplicates are found by."""

    stage = "sketch"
    texts = File("texts.arrow")
    words = Array[np.int64]()  # of each text
    all_keys = File("keys_*.npy")

    def keys(self, band: int) -> NDArray[np.uint64]:
        """Return the bucket of each text in a band; the band after the last is that of whole signatures."""
        keys: NDArray[np.uint64] = np.load(self.folder / f"keys_{band}.npy", allow_pickle=False)
        return keys

    def save_keys(self, keys: Iterable[NDArray[np.uint64]]) -> None:
        """Write the buckets of all bands."""
        for band, own in enumerate(keys):
            np.save(self.folder / f"keys_{band}.npy", own, allow_pickle=False)


class BandForest(Part):
    """Edges that span the buckets of a band."""

    stage = "band"
    left = Array[np.int64]()
    right = Array[np.int64]()


class MergedForest(Part):
    """Edges that span the components of two forests."""

    stage = "merge"
    left = Array[np.int64]()
    right = Array[np.int64]()


class VerificationPlan(Part):
    """Which part of the verification each candidate belongs to."""

    stage = "plan"
    members = Array[np.int64](mapped=True)  # the positions of all candidates
    part_numbers = Array[np.int64]("goals", mapped=True)
    part_count = Array[np.int64]("parts")  # one number


class Candidates(Part):
    """The texts of a slice that are candidates, a batch for each part of the verification."""

    stage = "deal"
    texts = File("texts.arrow")


class Verified(Part):
    """The near-duplicates among some components of candidates."""

    stage = "verify"
    positions = Array[np.int64]()
    first = Array[np.int64]()  # of the group of each
    table = File("table.parquet")


class NearGroups(Part):
    """The near-duplicate group of each article, and the chunks of days in which reports are compared."""

    stage = "copies"
    first = Array[np.int64](mapped=True)  # position of the canonical article of the group
    group = Array[np.int64](mapped=True)
    chunks = Array[np.int64]()  # the positions where chunks begin, and the end
    reach = Array[np.int64]()  # of each chunk the number of chunks that begin before its reach ends


class FeatureCounts(Part):
    """The features of the reports of a slice."""

    stage = "count"
    positions = Array[np.int64]()
    offsets = Array[np.int64]()
    entries = Array[np.uint64]()  # the features of all reports
    counts = Array[np.uint16]()
    keys = Array[np.uint64]()  # distinct features
    frequencies = Array[np.int32]()
    uses = Array[np.int64]()


class Vectors(Part):
    """The vectors of the reports of a slice, and the features that are their columns."""

    stage = "weigh"
    data = Array[np.float32]()
    indices = Array[np.int32]()
    indptr = Array[np.int32]()
    keys = Array[np.uint64]()


class SimilarPairs(Part):
    """Similar pairs of a report of a slice and one of the same or a later slice, by position."""

    stage = "compare"
    slices = Array[np.int64]()  # of the second ones
    offsets = Array[np.int64]()  # where the pairs of each of those begin
    left = Array[np.int64]()
    right = Array[np.int64]()
    similarity = Array[np.float64]()


class Step(Part):
    """The stories of a step through time: what it settled, and the graph that it leaves to the next step."""

    stage = "group"
    settled = Array[np.int64]()
    stories = Array[np.int64]()
    nodes = Array[np.int64]()
    sizes = Array[np.int64]()
    left = Array[np.int64]()
    right = Array[np.int64]()
    similarity = Array[np.float64]()


class StoryLabels(Part):
    """The story of each article."""

    stage = "stories"
    first = Array[np.int64](mapped=True)  # position of the first article of the story
    membership = Array[np.float64](mapped=True)


class StoryRows(Part):
    """The stories that begin in a slice."""

    stage = "tell"
    representatives = Array[np.int64]("shown")
    table = File("table.parquet")


class Assignments(Part):
    """The story of each article of a slice, as users read it."""

    stage = "assign"
    table = File("table.parquet")
