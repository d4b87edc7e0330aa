"""The arguments of each command. Nothing here imports the library: help must come at once."""

import argparse
from typing import Any

from dedup._version import __version__
from dedup.parameters import FOLDS, RULES

FIELDS = ("id", "text", "title", "published", "source", "url", "language")
INPUT_FORMATS = ("jsonl", "csv", "tsv", "parquet", "text")
OUTPUT_FORMATS = ("jsonl", "csv", "parquet", "html")

_INPUT_HELP = (
    "file in JSONL (one JSON object a line), CSV, TSV or Parquet, by its suffix; a text; a folder of texts (*.txt, in "
    "its folders too; the id is the path in it); or - for standard input. May be gzipped."
)
_CLUSTER_EXAMPLES = """examples:
  dedup cluster articles.jsonl -o stories.html
  dedup cluster monday.csv tuesday.csv --text body --timezone Europe/Paris > labels.jsonl
  zcat crawl.jsonl.gz | dedup cluster - --stories | head -3
"""
_NEAR_EXAMPLES = """examples:
  dedup near articles.jsonl > pairs.jsonl
  dedup near corpus.jsonl.gz --keep -o clean.jsonl.gz
  dedup near news/ --groups --threshold 0.8
"""
_INGEST_EXAMPLES = """examples:
  dedup ingest stories.db monday.jsonl
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


class _Parser(argparse.ArgumentParser):
    """One whose options have to be written out, so that a new one never changes what an old script means."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(prog="dedup", description="Turn a flood of news articles into stories.", epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"dedup {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_cluster(commands)
    _add_near(commands)
    _add_ingest(commands)
    _add_explain(commands)
    _add_stories(commands)
    return parser


def _add_cluster(commands: Any) -> None:
    parser = _command(
        commands,
        "dedup.cli.batch_commands:cluster",
        "group articles into stories",
        "Group articles into stories: one line an article, or with --stories one line a story.",
        _CLUSTER_EXAMPLES,
    )
    _add_input(parser)
    _add_output(parser, OUTPUT_FORMATS)
    parser.add_argument("--stories", action="store_true", help="one line a story, not an article")
    story = parser.add_argument_group("what makes a story")
    _add_story_settings(story)
    _option(story, "--representative", choices=RULES, help="the article a story shows (central)")
    _option(story, "--encoder", choices=("e5",), help="join reports in several languages; needs the extra 'embeddings'")
    _option(story, "--jobs", type=int, dest="n_jobs", metavar="N", help="threads (all processors)")


def _add_near(commands: Any) -> None:
    parser = _command(
        commands,
        "dedup.cli.batch_commands:near",
        "find near-duplicates",
        "Find near-duplicates: one line a pair, or a group, or the articles without later copies.",
        _NEAR_EXAMPLES,
    )
    _add_input(parser, ("id", "text", "title", "source"))
    _add_output(parser, ("jsonl", "csv", "parquet"))
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--groups", action="store_true", help="one line a group of copies, by its first member")
    what.add_argument(
        "--keep", action="store_true", help="the articles as they came, of each group of copies only the first"
    )
    near = parser.add_argument_group("what makes a copy")
    _option(near, "--threshold", type=float, metavar="J", help="least Jaccard similarity (0.7)")
    _option(near, "--recall", type=float, metavar="P", help="how surely a pair at the threshold is found (0.95)")
    _option(near, "--shingle-size", type=int, metavar="N", help="words in a shingle (5)")
    _option(near, "--containment", type=float, metavar="C", help="or this share of the smaller one is in the other")
    _option(near, "--compare-numbers", action="store_true", help="numbers must be as similar too")
    _option(near, "--cut-residue", action="store_true", help="leave out what belongs to sites")
    _add_text_settings(near)
    _option(near, "--jobs", type=int, dest="n_jobs", metavar="N", help="threads (all processors)")


def _add_ingest(commands: Any) -> None:
    parser = _command(
        commands,
        "dedup.cli.index_commands:ingest",
        "add articles to an index of stories",
        "Add articles to an index of stories, in the order in which they come.",
        _INGEST_EXAMPLES,
    )
    parser.add_argument("index", metavar="INDEX", help="SQLite file, made when it is not there, or postgresql:// URL")
    _add_input(parser)
    parser.add_argument("--json", action="store_true", help="one line an article: what became of it")
    parser.add_argument(
        "--errors", choices=("raise", "skip"), default="raise", help="stop at a bad article, or only say so (raise)"
    )
    parser.add_argument("--batch-size", type=int, default=500, metavar="N", help="articles stored at once (500)")
    _add_story_settings(parser.add_argument_group("what makes a story (an index keeps what it was made with)"))


def _add_explain(commands: Any) -> None:
    parser = _command(
        commands,
        "dedup.cli.batch_commands:explain",
        "say why two articles are, or are not, in one story",
        "Say why two articles are, or are not, copies or in one story.",
        _EXPLAIN_EXAMPLES,
    )
    parser.add_argument("inputs", nargs=1, metavar="IN", help=_INPUT_HELP)
    parser.add_argument("left", metavar="ID_A")
    parser.add_argument("right", metavar="ID_B")
    _add_fields(parser, FIELDS)
    parser.add_argument("--html", action="store_true", help="a page, which -o OUT.html makes too")
    parser.add_argument("-o", "--output", metavar="OUT", help="file instead of standard output; whole or not there")
    _add_story_settings(parser.add_argument_group("what makes a story"))


def _add_stories(commands: Any) -> None:
    parser = _command(
        commands,
        "dedup.cli.index_commands:stories",
        "list the stories of an index",
        "List the stories of an index, the latest first. Others may write to it meanwhile.",
        _STORIES_EXAMPLES,
    )
    parser.add_argument("index", metavar="INDEX", help="file or URL that 'dedup ingest' or a StoryIndex made")
    parser.add_argument("--since", metavar="TIME", help="with an article since then, in ISO 8601")
    parser.add_argument("--timezone", metavar="ZONE", help="of a time that names none, as Europe/Paris")
    parser.add_argument("--min-size", type=int, default=1, metavar="N", help="with so many articles (1)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
    _option(parser, "--representative", choices=RULES, help="the article a story shows (central)")
    parser.add_argument("--json", action="store_true", help="one JSON object a story")


def _command(commands: Any, run: str, short: str, description: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        run.partition(":")[2], help=short, description=description, epilog=examples
    )
    parser.set_defaults(run=run)
    return parser


def _add_input(parser: argparse.ArgumentParser, fields: tuple[str, ...] = FIELDS) -> None:
    parser.add_argument("inputs", nargs="+", metavar="IN", help=_INPUT_HELP)
    _add_fields(parser, fields)


def _add_fields(parser: argparse.ArgumentParser, fields: tuple[str, ...]) -> None:
    group = parser.add_argument_group("how to read the input")
    group.add_argument("--format", choices=INPUT_FORMATS, help="instead of by suffix; of standard input (jsonl)")
    for field in fields:
        _option(group, f"--{field}", dest=f"field_{field}", metavar="NAME", help=f"what the input calls {field}")
    if "published" in fields:
        _option(group, "--timezone", metavar="ZONE", help="of times that name none, as Europe/Paris")


def _add_output(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    parser.add_argument("-o", "--output", metavar="OUT", help="file instead of standard output; whole or not there")
    parser.add_argument("--to", choices=formats, help="format of the output, instead of by suffix (jsonl)")
    parser.add_argument("--json", action="store_true", help="with -o, tell the summary as JSON")


def _add_story_settings(group: Any) -> None:
    _option(group, "--story-threshold", type=float, metavar="S", help="higher gives smaller stories (0.12)")
    _option(group, "--near-threshold", type=float, metavar="J", help="least Jaccard similarity of copies (0.7)")
    _option(group, "--recall", type=float, metavar="P", help="how surely a pair of copies is found (0.95)")
    _option(group, "--shingle-size", type=int, metavar="N", help="words in a shingle (5)")
    keep = "compare menus, weather boxes and the like too"
    _option(group, "--keep-residue", action="store_false", dest="cut_residue", help=keep)
    _add_text_settings(group)


def _add_text_settings(group: Any) -> None:
    _option(
        group, "--fold", choices=FOLDS, help="write all alphabets in Latin letters, or only drop accents (unidecode)"
    )
    _option(group, "--max-chars", type=int, metavar="N", help="how much of an article is read (1,000,000)")


def _option(group: Any, name: str, **settings: Any) -> None:
    """An option that is not there unless it is given: what holds without it is for the library to say."""
    group.add_argument(name, default=argparse.SUPPRESS, **settings)
