"""The arguments of `dedup archive` and its commands. Nothing here imports NumPy: help must come at once."""

import argparse
from typing import Any

from dedup.article import FIELDS
from dedup.cli.parser_parts import (
    Parser,
    add_copy_settings,
    add_encoder,
    add_fields,
    add_representative,
    add_story_settings,
    command,
    number,
    parameter,
)
from dedup.parameters import LINKAGES, POLICIES

#: The tables of results that have a line for people, and what a line is of.
TOLD = {"stories": "story_id", "episodes": "episode_id"}

_HOME = "dedup.cli.archive_commands"
_EXAMPLES = """examples:
  dedup archive cluster 'articles/*.parquet' -o stories
  dedup archive status stories
  dedup archive resume stories
  dedup archive results stories --table stories --to text | less
"""
_CLUSTER_EXAMPLES = """examples:
  dedup archive cluster 'articles/*.parquet' -o stories
  dedup archive cluster crawl.jsonl.zst -o stories --text body --timezone Europe/Paris --errors skip
  dedup archive cluster s3://bucket/articles/*.jsonl -o s3://bucket/stories --work /mnt/work

After an interruption run it again, or 'dedup archive resume OUT': what is done is not done twice.
"""
_NEAR_EXAMPLES = """examples:
  dedup archive near 'corpus/*.jsonl.zst' -o copies
  dedup archive near 'corpus/*.parquet' -o copies --policy longest --threshold 0.8

After an interruption run it again, or 'dedup archive resume OUT': what is done is not done twice.
"""
_RESULTS_EXAMPLES = """examples:
  dedup archive results stories > assignments.jsonl
  dedup archive results stories --table stories --to text | less
  dedup archive results copies --table pairs -o pairs.csv.gz
"""


def add_archive(commands: Any) -> None:
    """Add `dedup archive`."""
    text = "group articles into stories, or find copies, in files of more articles than memory holds"
    parser: argparse.ArgumentParser = commands.add_parser(
        "archive", help=text, description=f"{text.capitalize()}.", epilog=_EXAMPLES
    )
    actions = parser.add_subparsers(dest="action", metavar="COMMAND", required=True, parser_class=Parser)
    _add_cluster(actions)
    _add_near(actions)
    _add_resume(actions)
    _add_status(actions)
    _add_results(actions)


def _add_cluster(actions: Any) -> None:
    parser = command(
        actions,
        f"{_HOME}:cluster",
        "group articles into stories",
        "Group the articles in files into stories. The results are tables in Parquet, in a folder.",
        _CLUSTER_EXAMPLES,
    )
    _add_files(parser)
    story = parser.add_argument_group("what makes a story")
    add_story_settings(story)
    add_representative(story)
    add_encoder(story)
    _add_work(parser)


def _add_near(actions: Any) -> None:
    parser = command(
        actions,
        f"{_HOME}:near",
        "find near-duplicates",
        "Find near-duplicates in files, and say which articles stay. The results are tables in Parquet, in a folder.",
        _NEAR_EXAMPLES,
    )
    _add_files(parser)
    staying = parser.add_argument_group("which of two copies stays")
    policy = "the first, the one with more words, the earlier one, or the one more similar to its other copies (first)"
    parameter(staying, "--policy", policy, name="keep", choices=POLICIES)
    linkage = "a copy goes only for one that stays, or of each connected group all but one (star)"
    parameter(staying, "--linkage", linkage, choices=LINKAGES)
    near = parser.add_argument_group("what makes a copy")
    add_copy_settings(near)
    number(near, "--max-days-apart", "D", "only pairs published at most so many days apart")
    _add_work(parser)


def _add_files(parser: argparse.ArgumentParser) -> None:
    files = "file in Parquet, JSONL, or a feed or JSON document as 'dedup cluster' takes it (all but Parquet also with "
    files += ".gz or .zst), a path or a URL; the name may have a *"
    parser.add_argument("inputs", nargs="+", metavar="IN", help=files)
    folder = "folder for the results, or a URL"
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=folder)
    _add_json(parser)
    add_fields(parser, FIELDS, has_format=False)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="tell the summary as JSON")


def _add_work(parser: argparse.ArgumentParser, *, has_jobs: bool = True) -> None:
    group = parser.add_argument_group("how to work")
    parameter(group, "--work", "folder for intermediate files (OUT.work)", metavar="WORK")
    if has_jobs:
        number(group, "--jobs", "N", "workers (one for each processor)", name="n_jobs")


def _add_resume(actions: Any) -> None:
    parser = command(
        actions,
        f"{_HOME}:resume",
        "go on with a job that was interrupted",
        "Go on with a job that was interrupted, with the files and parameters of the command that began it.",
        "",
    )
    parser.add_argument("output", metavar="OUT", help="as it was given with -o")
    _add_json(parser)
    _add_work(parser)


def _add_status(actions: Any) -> None:
    parser = command(
        actions,
        f"{_HOME}:status",
        "say how far a job is",
        "Say how far a job is, whether it is at work, and about how long the rest takes.",
        "",
    )
    parser.add_argument("output", metavar="OUT", help="as it was given with -o")
    _add_json(parser)
    _add_work(parser, has_jobs=False)


def _add_results(actions: Any) -> None:
    parser = command(
        actions,
        f"{_HOME}:results",
        "write a table of the results as lines",
        "Write a table of the results as JSONL, CSV or text; the files in the folder are Parquet.",
        _RESULTS_EXAMPLES,
    )
    parser.add_argument("results", metavar="OUT", help="folder or URL of a job that is done")
    tables = (
        "assignments, stories, episodes, near_duplicates or refusals (assignments); of 'near' pairs, groups, kept or "
    )
    tables += "refusals (kept)"
    parser.add_argument("--table", metavar="NAME", help=tables)
    parser.add_argument("-o", "--output", metavar="FILE", help="file instead of standard output; whole or not there")
    to = "format of the output, instead of by suffix (jsonl); text is for people, of stories and episodes"
    parser.add_argument("--to", choices=("jsonl", "csv", "text"), help=to)
