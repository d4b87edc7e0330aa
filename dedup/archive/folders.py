"""The folder of a part of a stage: arrays and files, each with one name and type."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dedup.archive.job import Job, part_folder

#: Names on disk of arrays that have others here.
_ON_DISK = {"part_numbers": "goals", "part_count": "parts", "representatives": "shown"}


class File:
    """A file of a part; as an attribute of the part it is a path."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, part: "Part", _: "type[Part]") -> Path:
        return part.folder / self._name


class Part:
    """A part of a stage: the folder that its task writes, or has written.

    A class for each stage annotates its arrays; such an attribute is read from its file when it is used. Of the arrays
    of a `mapped` stage, which are as long as all articles together, only the elements that are used are read.
    """

    stage: ClassVar[str]
    _mode: ClassVar[Literal["r"] | None]

    def __init_subclass__(cls, *, stage: str, mapped: bool = False) -> None:
        cls.stage, cls._mode = stage, "r" if mapped else None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, job: Job, number: int = 0) -> Self:
        """Return a finished part."""
        return cls(part_folder(job, cls.stage, number))

    @classmethod
    def files(cls, *names: str) -> tuple[str, ...]:
        """Return patterns of files of all parts, below the job's folder."""
        return tuple(f"{cls.stage}/*/{name}.*" for name in names)

    if not TYPE_CHECKING:  # where the annotations say what there is

        def __getattr__(self, name: str) -> NDArray[Any]:
            return np.load(self._path(name), self._mode, allow_pickle=False)

    def save(self, **arrays: NDArray[Any]) -> None:
        """Write arrays."""
        for name, array in arrays.items():
            np.save(self._path(name), array, allow_pickle=False)

    def mapped(self, name: str, length: int, dtype: DTypeLike) -> np.memmap[Any, Any]:
        """Return an array of zeros in its file, to be written there piece by piece."""
        array: np.memmap[Any, Any] = np.lib.format.open_memmap(self._path(name), "w+", np.dtype(dtype), (length,))
        return array

    def _path(self, name: str) -> Path:
        if name not in type(self).__annotations__:
            raise AttributeError(f"{type(self).__name__} has no array {name!r}")
        return self.folder / f"{_ON_DISK.get(name, name)}.npy"
