"""Stories, or copies, of more articles than memory holds, from files to files."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dedup import parameters as default
from dedup.archive.arguments import require_packages, require_rule, require_zone_name
from dedup.archive.copy_search import near_duplicates
from dedup.archive.going_on import JobStatus, resume, status
from dedup.article import FIELDS, Columns, Duplicates, Errors, UsualName
from dedup.encoders import Encoder
from dedup.near.lsh import Bands
from dedup.parameters import Fold, NearSettings, StorySettings, check, check_near, day_of, suggests_names
from dedup.progress import Progress
from dedup.stories import LabelledArticles

__all__ = ["JobStatus", "cluster", "near_duplicates", "read", "resume", "status"]


@suggests_names
def cluster(
    paths: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    work: str | Path | None = None,
    story_threshold: float = default.STORY_THRESHOLD,
    max_gap_days: float = default.MAX_GAP_DAYS,
    near_threshold: float = default.NEAR_THRESHOLD,
    recall: float = default.RECALL,
    num_perm: int = default.NUM_PERM,
    shingle_size: int = default.SHINGLE_SIZE,
    representative: str = default.REPRESENTATIVE,
    cut_residue: bool = True,
    match_urls: bool = True,
    encoder: Encoder | None = None,
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
    r"""Group the articles in files into stories, as `dedup.cluster` does with articles in memory.

    Parameters
    ----------
    paths : str, Path or sequence of those
        Files of Parquet, JSONL, or feeds and documents of JSON as `dedup.feeds.read` takes them: paths or URLs that
        fsspec reads; a name may have a ``*``. All but Parquet may be packed (.gz, .zst); what is packed, and what is a
        feed, is first written as lines into `work`. Fields are those of `Article`, as in `dedup.cluster`. Each article
        needs a text or a title, and an id that occurs once in all files.
    out : str or Path
        A folder for the results, or a URL that fsspec writes to.
    work : str or Path, optional
        A folder for intermediate files, on a file system that all workers reach: about 9 kB for an article of 120
        words, deleted at the end. The default is ``out`` with ".work" appended.
    story_threshold, max_gap_days, near_threshold, recall, num_perm, shingle_size, cut_residue, fold, max_chars
        See `StoryClusterer`.
    match_urls : bool, default True
        See `StoryClusterer`. Versions of one page are in no table of pairs, unless they are near-duplicates too.
    representative : {"central", "earliest", "longest"}, default "central"
        Which article a story shows.
    encoder : callable, optional
        See `StoryClusterer`: `dedup.encoders.use`, or a function of your own in a module that all workers import, which
        must always have the same row for a text. An attribute `digest` of it, a str, says which weights it has: a job
        goes on with the same encoder only.
    timezone : str, optional
        The zone of publication times that name none; without it such times are refused.
    n_jobs : int, optional
        Workers; -1 means one per processor, None what ``joblib.parallel_config`` says. The result depends neither on
        their number nor on how the articles are spread over files.
    progress : bool or callable, default False
        As in `StoryClusterer`; called when a stage of the job is done.
    errors : {"raise", "skip", "undated"}, default "raise"
        As in `dedup.cluster`; articles that are left out are in the table ``refusals``. A line that is no JSON is one.
    duplicates : {"first", "last"}, optional
        As in `dedup.cluster`, by the names of the files and the place in them.
    id, text, title, published, source, url, language : str or None
        The column of each field, as in `cluster_frame`.

    Returns
    -------
    dict
        The contents of ``manifest.json``: parameters, versions, inputs, counts, and rows and checksum of each file.

    Raises
    ------
    TypeError, ValueError
        For an article, named by its file and its row or line, from 1, or a parameter that is not allowed; for a column
        that is named and that no article has; when `out` or `work` has another job's files; when the inputs have
        changed since this job began.
    OSError
        When a file cannot be read or written.
    RuntimeError
        When workers are lost again and again, or another call works in the same folder.
    ImportError
        Without fsspec or pyarrow (``pip install "dedup-stories[archive]"``), or what the encoder needs.

    Notes
    -----
    The results are five tables, each a folder of Parquet files: ``assignments`` (id, story_id, episode_id,
    near_duplicate_group, is_representative, membership; a row for each article, by publication and id), ``stories`` (by
    first article), ``episodes`` (story by story, by first article), ``near_duplicates`` (verified pairs) and
    ``refusals`` (position among all rows, file, row in it, both from 0, and the fields of `Refusal`).
    ``manifest.json`` is written last.

    After an interruption, the same call goes on where the job was, and so does `resume`: finished parts are not done
    again. `status` says how far it is. Once all articles are in order, a call with anything changed is refused; before,
    it begins anew, and a call that refuses an article leaves nothing behind.

    Tasks run on the backend that joblib is set to, ``with joblib.parallel_config(backend="ray")`` on a cluster. They
    are sent paths and numbers; articles travel through the folder `work`. A task holds about 16,384 articles at a
    time, or all copies of one story, and a few numbers of every article.

    Near-duplicates are those of `dedup.cluster`. Document frequencies are those of about 80,000 articles around an
    article. Episodes are found in steps of about 65,536 articles: an article may change its episode until 14 days
    later, then it is settled. Stories are found among all episodes at once. Up to 65,536 articles, everything is as in
    `dedup.cluster`.

    Examples
    --------
    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> from dedup import sample_articles
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "articles.jsonl"
    ...     fields = ("id", "text", "title", "source")
    ...     lines = [json.dumps({f: getattr(a, f) for f in fields}) for a in sample_articles("fr")]
    ...     _ = path.write_text("\n".join(lines))
    ...     manifest = cluster(path, Path(folder) / "stories", n_jobs=1)
    >>> manifest["counts"]["articles"] == len(lines)
    True
    """
    near = NearSettings(near_threshold, recall, num_perm, shingle_size, fold=fold)
    check_near(near)
    Bands.of(near)  # refuses a recall that cannot be reached
    check(story_threshold=story_threshold, max_gap_days=max_gap_days, representative=representative)
    check(timezone=timezone, cut_residue=cut_residue, match_urls=match_urls, max_chars=max_chars)
    check(encoder=encoder, n_jobs=n_jobs, progress=progress, errors=errors, duplicates=duplicates)
    require_rule(representative)
    require_zone_name(timezone)
    columns = Columns.chosen(dict(zip(FIELDS, (id, text, title, published, source, url, language), strict=True)))
    require_packages()
    from dedup.archive.job import Job, Reading
    from dedup.archive.named_encoder import NamedEncoder
    from dedup.archive.runner import run

    settings = StorySettings(
        near, float(story_threshold), cut_residue, int(max_chars), float(max_gap_days), match_urls=match_urls
    )
    reading, named = Reading(errors, duplicates, columns.given), encoder and NamedEncoder.of(encoder)
    job = Job("", settings, representative, timezone, reading, encoder=named)
    return run(job, paths, str(out), None if work is None else str(work), n_jobs, progress)


def read(out: str | Path, *, since: datetime | None = None) -> LabelledArticles:
    r"""Return the articles of an archive with their stories, for `StoryIndex.from_stories`.

    Parameters
    ----------
    out : str or Path
        The results of `cluster`, unchanged. The files of the articles must be where they were.
    since : datetime, optional
        Return only stories with an article since then, with all their articles; of an archive of years, a service
        needs the last weeks. Without it, all stories are returned, also undated ones.

    Returns
    -------
    LabelledArticles
        By publication and id; stories and episodes are numbered by their first article. Residue is found anew in these
        articles.

    Raises
    ------
    ValueError
        When there are no results, or they or the files of the articles have changed; for a time without a zone.
    OSError
        When a file cannot be read.
    ImportError
        Without fsspec or pyarrow (``pip install "dedup-stories[archive]"``).

    Examples
    --------
    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> from dedup import StoryIndex
    >>> reports = [
    ...     {"id": "a", "text": "Kim Jong Un crossed into Russia by armoured train on Tuesday."},
    ...     {"id": "b", "text": "The armoured train of Kim Jong Un reached Russia on Tuesday."},
    ... ]
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "articles.jsonl").write_text("\n".join(map(json.dumps, reports)))
    ...     _ = cluster(f"{folder}/articles.jsonl", f"{folder}/stories", n_jobs=1)
    ...     with StoryIndex.from_stories(":memory:", read(f"{folder}/stories")) as index:
    ...         index.story("s1")
    Story(2 articles, undated: 'Kim Jong Un crossed into Russia by armoured train on Tuesday.')
    """
    if since is not None:
        day_of(since, "since")
    require_packages()
    from dedup.archive.results import read_results

    return read_results(out, since)
