"""Sketches of articles in a Parquet file, to look for copies of them later without their texts."""

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dedup.arrays import Floats
from dedup.article import read_articles
from dedup.disk import complete_file
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import Bands
from dedup.near.minhash import low_hashes, signatures
from dedup.near.pipeline import TextSketches, make_sketches
from dedup.parameters import FOLD, MAX_CHARS, SHINGLE_SIZE, Fold, NearSettings, check
from dedup.text.limit import readable_texts, warn_truncated
from dedup.wording import printable

_VERSION = 1
_METADATA = b"dedup.sketches"


@dataclass(frozen=True, slots=True, eq=False)
class StoredSketches:
    """Sketches of old articles, for ``near_duplicates(new, against=...)``; `read` returns them.

    Attributes
    ----------
    ids : list of str
        By publication and id.
    days : ndarray of float64, shape (n_articles,)
        Publication in days since 1970; NaN for unknown.
    parameters : dict
        What they were made with: shingle_size, fold, max_chars.
    """

    ids: list[str]
    days: Floats = field(repr=False)
    parameters: dict[str, Any]
    shingles: ShingleSets = field(repr=False)
    numbers: ShingleSets = field(repr=False)

    def sketches(self, settings: NearSettings) -> TextSketches:
        """The sketches for a threshold and a recall."""
        bands = Bands.of(settings)
        signed = signatures(
            low_hashes(self.shingles.shingles), self.shingles.offsets, num_perm=bands.bands * bands.rows
        )
        return TextSketches(signed, self.shingles, self.numbers, np.empty((0, 2), dtype=np.int64))

    def require(self, settings: NearSettings, max_chars: int, *, cut_residue: bool) -> None:
        """Raise ValueError unless texts are read with these parameters in the same way."""
        asked = {"shingle_size": settings.shingle_size, "fold": settings.fold, "max_chars": max_chars}
        for name, value in asked.items():
            if self.parameters[name] != value:
                raise ValueError(f"{name} is {value!r}; allowed: {self.parameters[name]!r}, as in these sketches")
        if cut_residue:
            raise ValueError("cut_residue is True; allowed: False, as in these sketches")


def save(
    articles: Any,
    path: str | os.PathLike[str],
    *,
    shingle_size: int = SHINGLE_SIZE,
    fold: Fold = FOLD,
    max_chars: int = MAX_CHARS,
    n_jobs: int | None = None,
) -> None:
    """Write what `near_duplicates` compares of articles to a Parquet file: 8 bytes a word, and no word of the texts.

    Parameters
    ----------
    articles : iterable of str, mapping, object or Article; or a data frame
    path : str or path
        The file appears, or replaces an earlier one, only when it is complete.
    shingle_size, fold, max_chars, n_jobs
        See `dedup.near_duplicates`.

    Raises
    ------
    TypeError, ValueError
        For an article or a parameter that is not allowed.
    ImportError
        Without pyarrow (``pip install "dedup-stories[parquet]"``).

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import dedup
    >>> wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said"
    >>> with TemporaryDirectory() as folder:
    ...     dedup.sketches.save([{"id": "w1", "text": wire}], f"{folder}/old.parquet")
    ...     old = dedup.sketches.read(f"{folder}/old.parquet")
    >>> dedup.near_duplicates([wire.upper()], against=old).to_frame()[["new", "old"]].to_numpy().tolist()
    [['0', 'w1']]
    """
    pa, pq = _arrow()
    check(shingle_size=shingle_size, fold=fold, max_chars=max_chars, n_jobs=n_jobs)
    batch = read_articles(articles)
    warn_truncated(batch.articles, max_chars)
    settings = NearSettings(shingle_size=shingle_size, fold=fold, compare_numbers=True)
    articles = [batch.articles[i] for i in batch.order]
    sketches = make_sketches(readable_texts(articles, max_chars), settings, n_jobs)
    columns = {
        "id": pa.array([printable(article.id) for article in articles], pa.string()),
        "day": pa.array([article.day for article in articles], pa.float64(), from_pandas=True),
    }
    for name, sets in (("shingles", sketches.shingles), ("numbers", sketches.numbers)):
        if sets is not None:
            columns[name] = pa.LargeListArray.from_arrays(sets.offsets, pa.array(sets.shingles, pa.uint64()))
    parameters = {"shingle_size": shingle_size, "fold": fold, "max_chars": max_chars}
    about = json.dumps({"version": _VERSION, "parameters": parameters})
    table = pa.table(columns).replace_schema_metadata({_METADATA: about})
    with complete_file(path) as partial:
        pq.write_table(table, partial)


def read(path: str | os.PathLike[str], *others: str | os.PathLike[str]) -> StoredSketches:
    """Read what `save` wrote to a file, or to several with the same parameters, one file after the other.

    Raises
    ------
    ValueError
        For a file that `save` did not write, that a later version wrote, or whose parameters are not those of the
        first one.
    OSError
        When one cannot be read.
    ImportError
        Without pyarrow (``pip install "dedup-stories[parquet]"``).
    """
    parts = [_read(each) for each in (path, *others)]
    for name, part in zip(others, parts[1:], strict=True):
        for parameter, value in part.parameters.items():
            if value != (allowed := parts[0].parameters[parameter]):
                problem = f"{os.fspath(name)}: {parameter} is {value!r}; allowed: {allowed!r}, as in {os.fspath(path)}"
                raise ValueError(problem)
    days = np.concatenate([part.days for part in parts])
    shingles, numbers = (_joined([getattr(part, name) for part in parts]) for name in ("shingles", "numbers"))
    return StoredSketches([name for part in parts for name in part.ids], days, parts[0].parameters, shingles, numbers)


def holds_sketches(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is one that `save` wrote, in any version; without reading what is in it."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        # Parquet ends with its metadata, whose names are plain bytes, their length, and a mark. Other files, and other
        # Parquet, must not need pyarrow.
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 8, 0))
        length, mark = int.from_bytes(file.read(4), "little"), file.read(4)
        if mark != b"PAR1":
            return False
        file.seek(max(size - 8 - length, 0))
        if _METADATA not in file.read(length):
            return False
    pa, pq = _arrow()
    try:
        return _METADATA in (pq.read_schema(path).metadata or {})
    except pa.ArrowInvalid:
        return False


def _read(path: str | os.PathLike[str]) -> StoredSketches:
    pa, pq = _arrow()
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {}).get(_METADATA, b"{}"))
    except pa.ArrowInvalid as error:
        raise ValueError(f"{os.fspath(path)}: {error}; allowed: a file that dedup.sketches.save wrote") from error
    if about.get("version") != _VERSION:
        found = f"has the version {about['version']}" if about else "has no sketches"
        raise ValueError(
            f"{os.fspath(path)} {found}; allowed: a file that dedup.sketches.save wrote, version {_VERSION}"
        )
    days = table["day"].to_numpy().astype(np.float64)
    shingles, numbers = (_sets(table[name].combine_chunks()) for name in ("shingles", "numbers"))
    return StoredSketches(table["id"].to_pylist(), days, about["parameters"], shingles, numbers)


def _joined(parts: list[ShingleSets]) -> ShingleSets:
    """The sets of several parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([part.lengths for part in parts])
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    return ShingleSets(np.concatenate([part.shingles for part in parts]), offsets)


def _sets(column: Any) -> ShingleSets:
    """The sets of a column of lists."""
    lengths = column.value_lengths().to_numpy().astype(np.int64)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    return ShingleSets(column.flatten().to_numpy(), offsets)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError('sketches are kept in Parquet: pip install "dedup-stories[parquet]"') from error
    return pa, pq
