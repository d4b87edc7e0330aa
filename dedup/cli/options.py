"""The arguments of each command. Nothing here imports NumPy: help must come at once."""

import argparse
from typing import Any

from dedup import parameters as default
from dedup._version import __version__
from dedup.article import DUPLICATES, ERRORS, FIELDS
from dedup.inputs.files import FORMATS
from dedup.parameters import LINKAGES

OUTPUT_FORMATS = ("jsonl", "csv", "parquet", "html", "text")

_INPUT_HELP = (
    "file in JSONL (one JSON object a line), CSV, TSV or Parquet, by its suffix; a feed (RSS, Atom, JSON Feed) or one "
    "JSON document with a list of articles; a text; a folder of texts (*.txt, in its folders too; the id is the path "
    "in it); or - for standard input. May be packed (.gz, .zst)."
)
_CLUSTER_EXAMPLES = """examples:
  dedup cluster articles.jsonl -o stories.html
  dedup cluster monday.csv tuesday.csv --text body --timezone Europe/Paris > labels.jsonl
  zcat crawl.jsonl.gz | dedup cluster - --stories | head -3
  dedup cluster articles.jsonl --to text | less
  dedup cluster world.xml europe.xml --to text
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


class _Parser(argparse.ArgumentParser):
    """A parser without abbreviated options, so that a new option never changes what an old script means."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
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
        "Group articles into stories: one line an article, or with --stories a story, with --episodes an episode.",
        _CLUSTER_EXAMPLES,
    )
    _add_input(parser)
    _add_output(parser, OUTPUT_FORMATS)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--stories", action="store_true", help="one line a story, not an article")
    what.add_argument("--episodes", action="store_true", help="one line an episode, the chapters of a story in turn")
    story = parser.add_argument_group("what makes a story")
    _add_story_settings(story)
    _add_representative(story)
    encoder = "compare what reports mean, too: titles, and several languages; needs the extra 'embeddings'"
    _parameter(story, "--encoder", encoder, choices=("use", "e5"))
    _number(story, "--jobs", "N", "threads (all processors)", name="n_jobs")


def _add_near(commands: Any) -> None:
    parser = _command(
        commands,
        "dedup.cli.batch_commands:near",
        "find near-duplicates",
        "Find near-duplicates: one line a pair, or a group, or the articles without copies.",
        _NEAR_EXAMPLES,
    )
    _add_input(parser, ("id", "text", "title", "source"))
    _add_output(parser, ("jsonl", "csv", "parquet"))
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
    _number(near, "--threshold", "J", f"least Jaccard similarity ({default.NEAR_THRESHOLD})")
    _number(near, "--recall", "P", f"how surely a pair at the threshold is found ({default.RECALL})")
    _number(near, "--shingle-size", "N", f"words in a shingle ({default.SHINGLE_SIZE})")
    _number(near, "--containment", "C", "or this share of the smaller one is in the other")
    _parameter(near, "--compare-numbers", "numbers must be as similar too", action="store_true")
    _parameter(near, "--cut-residue", "leave out what belongs to sites", action="store_true")
    _add_text_settings(near)
    _number(near, "--jobs", "N", "threads (all processors)", name="n_jobs")


def _add_ingest(commands: Any) -> None:
    parser = _command(
        commands,
        "dedup.cli.index_commands:ingest",
        "add articles to an index of stories",
        "Add articles to an index of stories, in the order in which they come.",
        _INGEST_EXAMPLES,
    )
    parser.add_argument("index", metavar="INDEX", help="SQLite file, made when it is not there, or postgresql:// URL")
    _add_input(parser, has_duplicates=False)  # the later article of an id is an update
    parser.add_argument("--json", action="store_true", help="one line an article: what became of it")
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
        "List the stories of an index, the latest first, each with its chapters if it has several. Others may write to "
        "it meanwhile.",
        _STORIES_EXAMPLES,
    )
    parser.add_argument("index", metavar="INDEX", help="file or URL that 'dedup ingest' or a StoryIndex made")
    parser.add_argument("--since", metavar="TIME", help="with an article since then, in ISO 8601")
    parser.add_argument("--timezone", metavar="ZONE", help="of a time that names none, as Europe/Paris")
    parser.add_argument("--min-size", type=int, default=1, metavar="N", help="with so many articles (1)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
    _add_representative(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a story, with its episodes")


def _command(commands: Any, run: str, short: str, description: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        run.partition(":")[2], help=short, description=description, epilog=examples
    )
    parser.set_defaults(run=run)
    return parser


def _add_input(
    parser: argparse.ArgumentParser, fields: tuple[str, ...] = FIELDS, *, has_duplicates: bool = True
) -> None:
    parser.add_argument("inputs", nargs="+", metavar="IN", help=_INPUT_HELP)
    _add_fields(parser, fields, has_duplicates=has_duplicates)


def _add_fields(parser: argparse.ArgumentParser, fields: tuple[str, ...], *, has_duplicates: bool = True) -> None:
    group = parser.add_argument_group("how to read the input")
    group.add_argument("--format", choices=FORMATS, help="instead of by suffix, or of standard input by content")
    for field in fields:
        _optional(group, f"--{field}", f"what the input calls {field}", dest=f"field_{field}", metavar="NAME")
    if "published" in fields:
        _parameter(group, "--timezone", "of times that name none, as Europe/Paris", metavar="ZONE")
    errors = "stop at a bad article; leave it out and say so; or do without a date that is none (raise)"
    group.add_argument("--errors", choices=ERRORS, default="raise", help=errors)
    if has_duplicates:
        which = "the article that stays of those with one id; the others are left out"
        group.add_argument("--duplicates", choices=DUPLICATES, help=which)


def _add_output(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    parser.add_argument("-o", "--output", metavar="OUT", help="file instead of standard output; whole or not there")
    parser.add_argument("--to", choices=formats, help="format of the output, instead of by suffix (jsonl)")
    parser.add_argument("--json", action="store_true", help="with -o, tell the summary as JSON")


def _add_story_settings(group: Any) -> None:
    _number(group, "--story-threshold", "S", f"higher gives smaller stories ({default.STORY_THRESHOLD})")
    gap = f"most days between two episodes of a story ({default.MAX_GAP_DAYS:g}); 0: each is a story"
    _number(group, "--max-gap-days", "D", gap)
    _number(group, "--near-threshold", "J", f"least Jaccard similarity of copies ({default.NEAR_THRESHOLD})")
    _number(group, "--recall", "P", f"how surely a pair of copies is found ({default.RECALL})")
    _number(group, "--shingle-size", "N", f"words in a shingle ({default.SHINGLE_SIZE})")
    residue = "compare menus, weather boxes and the like too"
    _parameter(group, "--keep-residue", residue, name="cut_residue", action="store_false")
    urls = "versions under one URL of a source are articles of their own"
    _parameter(group, "--ignore-urls", urls, name="match_urls", action="store_false")
    _add_text_settings(group)


def _add_text_settings(group: Any) -> None:
    fold = f"write all alphabets in Latin letters, or only drop accents ({default.FOLD})"
    _parameter(group, "--fold", fold, choices=default.FOLDS)
    _number(group, "--max-chars", "N", f"how much of an article is read ({default.MAX_CHARS:,})")


def _add_representative(group: Any) -> None:
    text = f"the article a story shows ({default.REPRESENTATIVE})"
    _parameter(group, "--representative", text, choices=default.RULES)


def _number(group: Any, option: str, letter: str, text: str, **settings: Any) -> None:
    _parameter(group, option, text, type=int if letter == "N" else float, metavar=letter, **settings)


def _parameter(group: Any, option: str, text: str, *, name: str = "", **settings: Any) -> None:
    """Add an option for a parameter of the library, which has the same name or another."""
    _optional(group, option, text, dest=f"parameter_{name or option[2:].replace('-', '_')}", **settings)


def _optional(group: Any, option: str, text: str, **settings: Any) -> None:
    """Add an option that is absent unless it is given: without it, the library's default holds."""
    group.add_argument(option, default=argparse.SUPPRESS, help=text, **settings)


def given_parameters(given: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the library that the user gave."""
    mark = "parameter_"
    return {name.removeprefix(mark): value for name, value in vars(given).items() if name.startswith(mark)}
