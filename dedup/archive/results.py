"""The results of a job -> its articles, and which story each is in."""

import io
from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedup.archive.checksums import read_json
from dedup.archive.job import ENCODER
from dedup.archive.named_encoder import NamedEncoder
from dedup.arrays import Integers
from dedup.article import FIELDS, Article, Batch, Columns, Errors, id_of, read_articles
from dedup.inputs.blocks import blocks_of, find_inputs, rows_of_block
from dedup.residue.batch import add_residue
from dedup.stories import LabelledArticles

MANIFEST, FORMAT = "manifest.json", 4

#: Formats whose articles and stories can be read; before 4 some columns of other facts had other names.
_READ_FORMATS = (3, FORMAT)

#: The table with a row for each article.
_MAIN_TABLES = {"cluster": "assignments", "near_duplicates": "kept"}

#: So many rows of a table are in memory at once.
_ROWS_AT_ONCE = 1 << 14

#: So many files that are others are named.
_MOST_FILES = 3


def checksum(data: bytes) -> str:
    """Return the checksum of a file as the manifest has it."""
    return blake2b(data, digest_size=16).hexdigest()


def job_of(description: dict[str, Any]) -> str:
    """Return the name of the function that a description of a job is of; earlier versions had one."""
    return str(description.get("job", "cluster"))


def changed_files(before: dict[str, str], now: dict[str, str]) -> str:
    """Return which of the input files are others, in words: their fingerprints tell people nothing.

    Examples
    --------
    >>> changed_files({"a.jsonl": "7f3", "b.jsonl": "c01"}, {"a.jsonl": "7f4", "c.jsonl": "5d2"})
    "'a.jsonl' has changed, 'c.jsonl' is new, 'b.jsonl' is missing"
    """
    shared = before.keys() & now.keys()
    told = [f"{name!r} has changed" for name in sorted(shared) if before[name] != now[name]]
    told += [f"{name!r} is new" for name in sorted(now.keys() - shared)]
    told += [f"{name!r} is missing" for name in sorted(before.keys() - shared)]
    more = len(told) - _MOST_FILES
    return ", ".join(told) if more <= 0 else f"{', '.join(told[:_MOST_FILES])} and {more} files more"


def read_results(out: str | Path, since: datetime | None) -> LabelledArticles:
    """Return the articles and their stories; see `dedup.archive.read`."""
    manifest = _manifest(out)
    parameters = manifest["parameters"]
    if changed := changed_files(manifest["inputs"], find_inputs(list(manifest["inputs"]))):
        raise ValueError(f"{out}: the articles have changed: {changed}; allowed: the files of the job")
    assignments = _table(out, manifest, "assignments", ["id", "story_id", "episode_id", "near_duplicate_group"])
    if since is not None:
        stories = _table(out, manifest, "stories", ["story_id", "last"])
        late = stories.filter(pc.greater_equal(stories["last"], pa.scalar(since, pa.timestamp("us", "UTC"))))
        assignments = assignments.filter(pc.is_in(assignments["story_id"], late["story_id"].combine_chunks()))
    places = {name: place for place, name in enumerate(assignments["id"].to_pylist())}
    articles: list[Any] = [None] * len(assignments)
    for article in _articles(manifest, places, _left_out(out, manifest)):
        articles[places[article.id]] = article
    if None in articles:
        name = assignments["id"][articles.index(None)]
        raise ValueError(f"{out}: no article has the id {str(name)!r}; allowed: ids without lone surrogates")
    if parameters["cut_residue"]:
        batch = Batch(articles, list(range(len(articles))), [True] * len(articles))
        articles = list(add_residue(batch, parameters["max_chars"], parameters["fold"], None).articles)
    encoder = NamedEncoder(*(parameters[name] for name in ENCODER)).load() if ENCODER[0] in parameters else None
    parameters = {name: value for name, value in parameters.items() if name not in ENCODER} | {"encoder": encoder}
    labels, episodes = (_numbered(assignments[name]) for name in ("story_id", "episode_id"))
    copies = assignments["near_duplicate_group"].to_numpy()
    return LabelledArticles(
        articles=articles, labels=labels, episode_labels=episodes, near_duplicate_labels=copies, parameters=parameters
    )


def _numbered(ids: pa.ChunkedArray) -> Integers:
    """Return ids as numbers, in the order in which they first come."""
    return np.asarray(ids.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64))


def table_named(out: str, name: str | None) -> str:
    """Return the name of a table of the results of any job; None stands for the one with a row for each article."""
    manifest = _finished(out)
    tables = list(manifest["files"])
    name = name or _MAIN_TABLES[job_of(manifest)]
    if name not in tables:
        raise ValueError(f"table is {name!r}; allowed: {', '.join(tables)}")
    return name


def rows_of_table(out: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of the results of any job, some at a time in memory."""
    for part in _parts(out, name):
        for batch in part.iter_batches(_ROWS_AT_ONCE):
            yield from batch.to_pylist()


def columns_of_table(out: str, name: str) -> list[str]:
    """Return the columns of a table of the results of any job."""
    system, folder = fsspec.core.url_to_fs(out)
    with system.open(f"{folder}/{_finished(out)['files'][name][0]['name']}") as file:
        return list(pq.read_schema(file).names)


def _parts(out: str, name: str) -> Iterator[Any]:
    """Open the files of a table, one after the other."""
    system, folder = fsspec.core.url_to_fs(out)
    for file in _finished(out)["files"][name]:
        with system.open(f"{folder}/{file['name']}") as opened:
            yield pq.ParquetFile(opened)


def _finished(out: str | Path, of: str = "dedup.archive, once they are done") -> dict[str, Any]:
    """Return the manifest of a finished job."""
    system, folder = fsspec.core.url_to_fs(str(out))
    if not system.exists(f"{folder}/{MANIFEST}"):
        raise ValueError(f"{out} has no {MANIFEST}; allowed: the results of {of}")
    return read_json(system.cat_file(f"{folder}/{MANIFEST}"), f"{out}/{MANIFEST}", f"to delete {out}")


def _manifest(out: str | Path) -> dict[str, Any]:
    """Return the manifest of a finished job that found stories."""
    manifest = _finished(out, "dedup.archive.cluster, once it is done")
    if job_of(manifest) != "cluster":
        raise ValueError(f"{out} has results of {job_of(manifest)!r}; allowed: those of dedup.archive.cluster")
    if manifest["format"] not in _READ_FORMATS:
        allowed = f"{FORMAT}; call dedup.archive.cluster again, with a new folder"
        raise ValueError(f"{out} has format {manifest['format']}; allowed: {allowed}")
    return manifest


def _table(out: str | Path, manifest: dict[str, Any], name: str, columns: list[str]) -> pa.Table:
    """Return a table of the results; refuse files that are not those that were written."""
    system, folder = fsspec.core.url_to_fs(str(out))
    parts = []
    for file in manifest["files"][name]:
        data = system.cat_file(f"{folder}/{file['name']}")
        if checksum(data) != file["blake2b"]:
            raise ValueError(f"{out}: {file['name']} is not what the job wrote; allowed: results as they are")
        parts.append(pq.read_table(io.BytesIO(data), columns=columns))
    return pa.concat_tables(parts)


def _left_out(out: str | Path, manifest: dict[str, Any]) -> set[int]:
    """Return which rows of the inputs are no articles of the results."""
    refusals = _table(out, manifest, "refusals", ["position", "field"])
    if manifest["reading"]["errors"] == "undated":
        refusals = refusals.filter(pc.not_equal(pc.fill_null(refusals["field"], ""), "published"))
    return set(refusals["position"].to_pylist())


def _articles(manifest: dict[str, Any], wanted: dict[str, int], left_out: set[int]) -> Iterator[Article]:
    """Yield the articles with the wanted ids."""
    given, position = manifest["reading"]["columns"], 0
    errors: Errors = "undated" if manifest["reading"]["errors"] == "undated" else "raise"
    ids_alone = {field: None for field in FIELDS if field != "id"} | {f: n for f, n in given.items() if f == "id"}
    for block in (block for path in manifest["inputs"] for block in blocks_of(path)):
        if block.path.endswith(".parquet"):  # of which the ids can be read alone
            ids = list(map(id_of, rows_of_block(block, Columns(ids_alone))))
            if wanted.keys().isdisjoint(ids):
                position += len(ids)
                continue
        rows = []
        for row in rows_of_block(block, Columns(given)):
            if position not in left_out and id_of(row) in wanted:
                rows.append(row)
            position += 1
        yield from read_articles(rows, timezone=manifest["parameters"]["timezone"], errors=errors).articles
