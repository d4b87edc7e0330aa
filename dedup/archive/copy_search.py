"""Copies among more articles than memory holds, from files to files: near_duplicates, without stories."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dedup import parameters as default
from dedup.archive.arguments import require_packages, require_zone_name
from dedup.article import FIELDS, Columns, Duplicates, Errors, UsualName
from dedup.near.lsh import Bands
from dedup.parameters import Fold, Linkage, NearSettings, StorySettings, check, check_near, suggests_names
from dedup.progress import Progress


@suggests_names
def near_duplicates(
    paths: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    work: str | Path | None = None,
    keep: str = "first",
    linkage: Linkage = "star",
    threshold: float = default.NEAR_THRESHOLD,
    recall: float = default.RECALL,
    num_perm: int = default.NUM_PERM,
    shingle_size: int = default.SHINGLE_SIZE,
    compare_numbers: bool = False,
    max_days_apart: float | None = None,
    cut_residue: bool = False,
    fold: Fold = default.FOLD,
    timezone: str | None = None,
    max_chars: int = default.MAX_CHARS,
    n_jobs: int | None = -1,
    progress: Progress = False,
    errors: Errors = "raise",
    duplicates: Duplicates | None = None,
    id: str | None = UsualName("id"),  # noqa: A002 (the field's name)
    text: str | None = UsualName("text"),
    title: str | None = UsualName("title"),
    published: str | None = UsualName("published"),
    source: str | None = UsualName("source"),
    url: str | None = UsualName("url"),
    language: str | None = UsualName("language"),
) -> dict[str, Any]:
    r"""Find copies among the articles in files, and say which stay, as `dedup.near_duplicates` does in memory.

    Parameters
    ----------
    paths, out, work
        See `dedup.archive.cluster`.
    keep : {"first", "longest", "earliest", "central"}, default "first"
        Which of the copies stays: the first by the names of the files and the place in them; the one with the most
        words; the first published, the undated last; the one with the greatest sum of Jaccard similarities to its known
        copies. Of equals the first by publication and id.
    linkage : {"star", "group"}, default "star"
        With "star" an article goes only if it is itself a copy of one that stays, with "group" one article of each
        connected group stays; see `NearDuplicates.keep`.
    threshold, recall, num_perm, shingle_size, compare_numbers, max_days_apart, cut_residue, fold, max_chars
        See `dedup.near_duplicates`.
    timezone, n_jobs, progress, errors, duplicates, id, text, title, published, source, url, language
        See `dedup.archive.cluster`.

    Returns
    -------
    dict
        The contents of ``manifest.json``: parameters, versions, inputs, counts, and rows and checksum of each file. The
        counts say how many articles stay (``kept``) and go (``removed``), the ``share_removed``, and how many were
        ``given_up`` (see `NearDuplicates`).

    Raises
    ------
    TypeError, ValueError, OSError, RuntimeError, ImportError
        As `dedup.archive.cluster` does.

    Notes
    -----
    The results are four tables, each a folder of Parquet files: ``pairs`` (left, right, jaccard, containment; verified
    pairs), ``groups`` (id, near_duplicate_group; a row for each article, by publication and id, groups numbered by
    their first), ``kept`` (id, kept, jaccard, containment; likewise, with the article that stays for each: itself,
    or the one that it is a copy of) and ``refusals``, as of `dedup.archive.cluster`. ``manifest.json`` is written last.

    Pairs and groups are exactly those that `dedup.near_duplicates` finds when it is given all articles; those that stay
    are those of `NearDuplicates.keep`. Interruptions, workers and memory are as in `dedup.archive.cluster`: its stages
    up to near-duplicates are these. Only "first" depends on how the articles are spread over files.

    What a file cannot say, or would need all texts at once, is left to `dedup.near_duplicates`: priorities and
    functions in place of a policy, copies ``within`` and ``across`` a field, ``containment``, ``against``. Articles
    that share a template are compared in one process, as many as there are; ``cut_residue`` makes those fewer.

    Examples
    --------
    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said"
    >>> texts = {"a": wire, "b": f"MOSCOW - {wire}", "c": "Rates rise."}
    >>> with TemporaryDirectory() as folder:
    ...     lines = [json.dumps({"id": name, "text": text}) for name, text in texts.items()]
    ...     _ = (Path(folder) / "articles.jsonl").write_text("\n".join(lines))
    ...     manifest = near_duplicates(f"{folder}/articles.jsonl", f"{folder}/copies", keep="longest", n_jobs=1)
    >>> {name: manifest["counts"][name] for name in ("near_duplicate_pairs", "kept", "removed")}
    {'near_duplicate_pairs': 1, 'kept': 2, 'removed': 1}
    """
    near = NearSettings(threshold, recall, num_perm, shingle_size, compare_numbers=compare_numbers, fold=fold)
    check_near(near, threshold="threshold")
    Bands.of(near)  # refuses a recall that cannot be reached
    check(keep=keep, linkage=linkage, max_days_apart=max_days_apart, timezone=timezone, cut_residue=cut_residue)
    check(max_chars=max_chars, n_jobs=n_jobs, progress=progress, errors=errors, duplicates=duplicates)
    require_zone_name(timezone)
    names = (id, text, title, published, source, url, language)
    columns = Columns.chosen(dict(zip(FIELDS, names, strict=True)))
    require_packages()
    from dedup.archive.job import Job, Keeping, Reading
    from dedup.archive.runner import run

    settings = StorySettings(near, default.STORY_THRESHOLD, cut_residue, int(max_chars), match_urls=False)
    keeping = Keeping(keep, linkage, None if max_days_apart is None else float(max_days_apart))
    reading = Reading(errors, duplicates, columns.given)
    job = Job("", settings, default.REPRESENTATIVE, timezone, reading, keeping)
    return run(job, paths, str(out), None if work is None else str(work), n_jobs, progress)
