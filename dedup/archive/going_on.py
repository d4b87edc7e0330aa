"""A job that was begun: how far it is, and to go on with it."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from dedup.archive.arguments import require_packages
from dedup.parameters import check, suggests_names
from dedup.progress import Progress


class JobStatus(NamedTuple):
    """How far a job over an archive is; see `status`.

    Attributes
    ----------
    state : {"none", "running", "interrupted", "done"}
        "none" where no job was begun.
    job : str
        Which function it is of: "cluster" or "near_duplicates".
    stage : str
        The stage that it is in.
    parts_made, parts : int
        How many parts of that stage are made, and how many there are.
    share : float
        How much of the work is done, in [0, 1].
    seconds_left : float or None
        How long the rest takes at the pace so far; None when that cannot be said.
    counts : dict of str to float
        Of a job that is done: articles, stories and so on, as in its manifest.
    """

    state: Literal["none", "running", "interrupted", "done"]
    job: str = ""
    stage: str = ""
    parts_made: int = 0
    parts: int = 0
    share: float = 0.0
    seconds_left: float | None = None
    counts: dict[str, float] = {}  # noqa: RUF012 (nobody changes it)


@suggests_names
def status(out: str | Path, *, work: str | Path | None = None) -> JobStatus:
    """Return how far a job is, also one that another process works on.

    Parameters
    ----------
    out, work : str, Path
        Those of `dedup.archive.cluster` or `dedup.archive.near_duplicates`.

    Raises
    ------
    ValueError
        When another version of dedup has begun the job.
    OSError
        When a file cannot be read.
    ImportError
        Without fsspec or pyarrow (``pip install "dedup-stories[archive]"``).

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from dedup import archive
    >>> with TemporaryDirectory() as folder:
    ...     before = status(f"{folder}/stories").state
    ...     _ = Path(folder, "a.jsonl").write_text('{"id": "a", "text": "Kim arrives."}')
    ...     _ = archive.cluster(f"{folder}/a.jsonl", f"{folder}/stories", n_jobs=1)
    ...     after = status(f"{folder}/stories")
    >>> before, after.state, after.share, after.counts["stories"]
    ('none', 'done', 1.0, 1)
    """
    require_packages()
    from dedup.archive.runner import status_of

    return JobStatus(**status_of(str(out), None if work is None else str(work)))


@suggests_names
def resume(
    out: str | Path, *, work: str | Path | None = None, n_jobs: int | None = -1, progress: Progress = False
) -> dict[str, Any]:
    """Go on with a job that was interrupted, with the files and parameters of the call that began it.

    Parameters
    ----------
    out, work, n_jobs, progress
        See `dedup.archive.cluster`.

    Returns
    -------
    dict
        The contents of ``manifest.json``, as of the call that began the job; also when it is done already.

    Raises
    ------
    ValueError
        When no job was begun for `out`; when the files or a version are not what they were.
    OSError, RuntimeError, ImportError
        As `dedup.archive.cluster` does.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from dedup import archive
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jsonl").write_text('{"id": "a", "text": "Kim arrives."}')
    ...     manifest = archive.cluster(f"{folder}/a.jsonl", f"{folder}/stories", recall=0.9, n_jobs=1)
    ...     resume(f"{folder}/stories") == manifest
    True
    """
    check(n_jobs=n_jobs, progress=progress)
    require_packages()
    from dedup.archive.runner import resume as go_on

    return go_on(str(out), None if work is None else str(work), n_jobs, progress)
