"""The description of a job: what its results depend on, and in words what is another in a later call."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dedup import parameters as default
from dedup._version import versions
from dedup.archive import slices
from dedup.archive.checksums import read_json
from dedup.archive.job import ENCODER, Job, Keeping, Reading, differences
from dedup.archive.named_encoder import NamedEncoder
from dedup.archive.plans import plan_of
from dedup.archive.results import FORMAT, changed_files, job_of
from dedup.disk import write_durably
from dedup.inputs.blocks import blocks_of
from dedup.parameters import NearSettings, StorySettings

#: File of the working folder with the description of the job that it has parts of.
DESCRIPTION = "job.json"

#: So many changes are told.
_MOST_CHANGES = 5


def describe(job: Job, inputs: dict[str, str]) -> dict[str, Any]:
    """Return what a result depends on; `inputs` has a fingerprint of each file."""
    return {
        "format": FORMAT,
        "job": plan_of(job).name,
        "parameters": job.parameters(),
        "reading": job.reading.to_dict(),
        "versions": versions("Unidecode", "numpy", "pyarrow", "scipy"),
        "inputs": inputs,
    }


def described_job(description: dict[str, Any], folder: Path) -> Job:
    """Return the job that a description is of.

    Raises
    ------
    ValueError
        When another version wrote it, with other parameters.
    """
    given, of_copies = description["parameters"], job_of(description) == "near_duplicates"
    try:
        near = NearSettings(
            given["threshold" if of_copies else "near_threshold"],
            given["recall"],
            given["num_perm"],
            given["shingle_size"],
            compare_numbers=of_copies and given["compare_numbers"],
            fold=given["fold"],
        )
        gap = default.MAX_GAP_DAYS if of_copies else given["max_gap_days"]
        threshold = default.STORY_THRESHOLD if of_copies else given["story_threshold"]
        match_urls = not of_copies and given["match_urls"]
        settings = StorySettings(near, threshold, given["cut_residue"], given["max_chars"], gap, match_urls=match_urls)
        keeping = Keeping(given["keep"], given["linkage"], given["max_days_apart"]) if of_copies else None
        representative = default.REPRESENTATIVE if of_copies else given["representative"]
        reading = Reading(**description["reading"])
        encoder = NamedEncoder(*(given[name] for name in ENCODER)) if ENCODER[0] in given else None
        return Job(os.fspath(folder), settings, representative, given["timezone"], reading, keeping, encoder)
    except (KeyError, TypeError) as error:
        allowed = "the call that began it, with that version, or to delete it"
        raise ValueError(f"{folder} has the job of another version ({error}); allowed: {allowed}") from error


def description_in(folder: Path) -> dict[str, Any] | None:
    """Return the description of the job that a folder has parts of."""
    path = folder / DESCRIPTION
    return read_json(path.read_bytes(), path, f"to delete {folder}") if path.exists() else None


def write_description(folder: Path, description: dict[str, Any]) -> None:
    """Write the blocks of the inputs, and then the description, which says that a job is begun here."""
    blocks = [block for path in description["inputs"] for block in blocks_of(path)]
    write_durably(folder / slices.BLOCKS, json.dumps(blocks).encode())
    write_durably(folder / DESCRIPTION, readable_json(description))


def readable_json(value: dict[str, Any]) -> bytes:
    r"""Return JSON for people: a line a fact, all alphabets as they are.

    Examples
    --------
    >>> print(readable_json({"counts": {"articles": 2}, "file": "Überblick"}).decode())
    {
      "counts": {
        "articles": 2
      },
      "file": "Überblick"
    }
    <BLANKLINE>
    """
    return f"{json.dumps(value, indent=2, ensure_ascii=False)}\n".encode("utf-8", "surrogatepass")


def changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return what is another in a description than in an earlier one, on one line; nothing where all is the same.

    Examples
    --------
    >>> facts = {"format": 4, "parameters": {"recall": 0.95}, "versions": {}, "inputs": {"a.jsonl": "7f3"}}
    >>> columns = {"errors": "raise", "columns": {}}, {"errors": "raise", "columns": {"text": "body"}}
    >>> old, new = (facts | {"job": "cluster", "reading": reading} for reading in columns)
    >>> changes(old, new | {"parameters": {"recall": 0.9}, "inputs": {"b.jsonl": "c01"}})
    "recall was 0.95, now it is 0.9; text was not named, now it is 'body'; 'b.jsonl' is new, 'a.jsonl' is missing"
    >>> changes(old, old)
    ''
    """
    if job_of(before) != now["job"]:
        return f"job was {job_of(before)!r}, now it is {now['job']!r}"
    found = differences(before["parameters"], now["parameters"])
    found += differences(*(_without_columns(each) for each in (before, now)))
    found += _columns(*(each.get("reading", {}).get("columns", {}) for each in (before, now)))
    found += differences(*({"format": each["format"]} | each["versions"] for each in (before, now)))
    if files := changed_files(before["inputs"], now["inputs"]):
        found.append(files)
    more = len(found) - _MOST_CHANGES
    return "; ".join([*found[:_MOST_CHANGES], *([f"and {more} more"] if more > 0 else [])])


def _without_columns(description: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in description.get("reading", {}).items() if name != "columns"}


def _columns(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[str]:
    """Return which fields have another column."""
    told = [{field: repr(name) for field, name in columns.items()} for columns in (before, now)]
    return [
        f"{field} was {told[0].get(field, 'not named')}, now it is {told[1].get(field, 'not named')}"
        for field in sorted({*before, *now})
        if told[0].get(field) != told[1].get(field)
    ]
