"""The arguments of each command. Nothing here imports NumPy: help must come at once."""

import argparse
from typing import Any

from dedup._version import __version__
from dedup.article import FIELDS
from dedup.cli.archive_options import add_archive
from dedup.cli.parser_parts import (
    INPUT_HELP,
    Parser,
    add_copy_settings,
    add_encoder,
    add_fields,
    add_input,
    add_output,
    add_representative,
    add_story_settings,
    command,
    number,
)
from dedup.parameters import LINKAGES

OUTPUT_FORMATS = ("jsonl", "csv", "parquet", "html", "text")

_CLUSTER_EXAMPLES = """examples:
  dedup cluster articles.jsonl -o stories.html
  dedup cluster monday.csv tuesday.csv --text body --timezone Europe/Paris > labels.jsonl
  zcat crawl.jsonl.gz | dedup cluster - --stories | head -3
  dedup cluster articles.jsonl --to text | less
  dedup cluster world.xml europe.xml --duplicates first --to text
"""
_NEAR_EXAMPLES = """examples:
  dedup near articles.jsonl > pairs.jsonl
  dedup near corpus.jsonl.gz --keep -o clean.jsonl.gz --removed removed.csv
  dedup near news/ --groups --threshold 0.8
  dedup near today.jsonl --keep -o fresh.jsonl --against archive.jsonl.gz july.parquet
"""
_INGEST_EXAMPLES = """examples:
  dedup ingest stories.db monday.jsonl
  curl -s https://daily.example/feed.xml | dedup ingest stories.db -
  fetch-news | dedup ingest stories.db - --errors skip --json > assignments.jsonl

Every batch is stored as a whole or not at all. After an interruption run the same command again: what is stored is
told to be "unchanged", and the rest follows.
"""
_EXPLAIN_EXAMPLES = """examples:
  dedup explain articles.jsonl a17 b4
  dedup explain articles.jsonl a17 b4 --html > why.html
"""
_STORIES_EXAMPLES = """examples:
  dedup stories stories.db --min-size 3 --limit 20
  dedup stories stories.db --since 2023-09-12 --json
"""
_EPILOG = """exit codes: 0 all went well, 1 something failed, 2 wrong usage or bad input, 130 interrupted,
141 nobody reads the output any more. 'dedup COMMAND --help' tells more.
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(prog="dedup", description="Turn a flood of news articles into stories.", epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"dedup {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_cluster(commands)
    _add_near(commands)
    _add_ingest(commands)
    _add_explain(commands)
    _add_stories(commands)
    add_archive(commands)
    return parser


def _add_cluster(commands: Any) -> None:
    parser = command(
        commands,
        "dedup.cli.batch_commands:cluster",
        "group articles into stories",
        "Group articles into stories: one line an article, or with --stories a story, with --episodes an episode.",
        _CLUSTER_EXAMPLES,
    )
    add_input(parser)
    add_output(parser, OUTPUT_FORMATS)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--stories", action="store_true", help="one line a story, not an article")
    what.add_argument("--episodes", action="store_true", help="one line an episode, the chapters of a story in turn")
    story = parser.add_argument_group("what makes a story")
    add_story_settings(story)
    add_representative(story)
    add_encoder(story)
    number(story, "--jobs", "N", "threads (all processors)", name="n_jobs")


def _add_near(commands: Any) -> None:
    parser = command(
        commands,
        "dedup.cli.batch_commands:near",
        "find near-duplicates",
        "Find near-duplicates: one line a pair, or a group, or the articles without copies.",
        _NEAR_EXAMPLES,
    )
    add_input(parser, ("id", "text", "title", "source"))
    add_output(parser, ("jsonl", "csv", "parquet"))
    old = (
        "old articles, by suffix, or what dedup.sketches.save wrote of them: only pairs of a new and an old one; with "
    )
    old += "--keep the new ones that are copies of neither an old one nor a new one that stays"
    parser.add_argument("--against", nargs="+", action="extend", default=[], metavar="FILE", help=old)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--groups", action="store_true", help="one line a group of copies, by its first member")
    keep = "the articles as they came, without the copies of those that stay"
    what.add_argument("--keep", action="store_true", help=keep)
    staying = parser.add_argument_group("which of two copies stays, with --keep or --removed")
    policy = "the first, the one with more words, or the one more similar to its other copies (first)"
    staying.add_argument("--policy", choices=("first", "longest", "central"), default="first", help=policy)
    linkage = "a copy goes only for one that stays, or of each connected group all but one (star)"
    staying.add_argument("--linkage", choices=LINKAGES, default="star", help=linkage)
    for name, which in (("--within", "the same"), ("--across", "another")):
        staying.add_argument(name, choices=("source",), metavar="source", help=f"copies of {which} source only")
    staying.add_argument("--removed", metavar="FILE", help="ids of the copies that go, each with the one that stays")
    near = parser.add_argument_group("what makes a copy")
    add_copy_settings(near)
    number(near, "--containment", "C", "or this share of the smaller one is in the other")
    number(near, "--jobs", "N", "threads (all processors)", name="n_jobs")


def _add_ingest(commands: Any) -> None:
    parser = command(
        commands,
        "dedup.cli.index_commands:ingest",
        "add articles to an index of stories",
        "Add articles to an index of stories, in the order in which they come.",
        _INGEST_EXAMPLES,
    )
    parser.add_argument("index", metavar="INDEX", help="SQLite file, made when it is not there, or postgresql:// URL")
    add_input(parser, has_duplicates=False)  # the later article of an id is an update
    parser.add_argument("--json", action="store_true", help="one line an article: what became of it")
    parser.add_argument("--batch-size", type=int, default=500, metavar="N", help="articles stored at once (500)")
    story = parser.add_argument_group("what makes a story (an index keeps what it was made with)")
    add_story_settings(story)
    add_encoder(story)


def _add_explain(commands: Any) -> None:
    parser = command(
        commands,
        "dedup.cli.batch_commands:explain",
        "say why two articles are, or are not, in one story",
        "Say why two articles are, or are not, copies or in one story.",
        _EXPLAIN_EXAMPLES,
    )
    parser.add_argument("inputs", nargs=1, metavar="IN", help=INPUT_HELP)
    parser.add_argument("left", metavar="ID_A")
    parser.add_argument("right", metavar="ID_B")
    add_fields(parser, FIELDS)
    parser.add_argument("--html", action="store_true", help="a page, which -o OUT.html makes too")
    parser.add_argument("-o", "--output", metavar="OUT", help="file instead of standard output; whole or not there")
    add_story_settings(parser.add_argument_group("what makes a story"))


def _add_stories(commands: Any) -> None:
    parser = command(
        commands,
        "dedup.cli.index_commands:stories",
        "list the stories of an index",
        "List the stories of an index, the latest first, each with its chapters if it has several. Others may write to "
        "it meanwhile.",
        _STORIES_EXAMPLES,
    )
    parser.add_argument("index", metavar="INDEX", help="file or URL that 'dedup ingest' or a StoryIndex made")
    since = "only stories with an article published at TIME or later; TIME is a day, as 2023-09-12, or a moment, as "
    since += "2023-09-12T08:00+02:00"
    parser.add_argument("--since", metavar="TIME", help=since)
    zone = "zone of a --since that names none, as Europe/Paris; of a day, the default is UTC"
    parser.add_argument("--timezone", metavar="ZONE", help=zone)
    parser.add_argument("--min-size", type=int, default=1, metavar="N", help="with so many articles (1)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
    add_representative(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a story, with its episodes")
