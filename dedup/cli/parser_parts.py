"""What the arguments of several commands have in common. Nothing here imports NumPy: help must come at once."""

import argparse
from typing import Any

from dedup import parameters as default
from dedup.article import DUPLICATES, ERRORS, FIELDS
from dedup.inputs.files import FORMATS

INPUT_HELP = (
    "file in JSONL (one JSON object a line), CSV, TSV or Parquet, by its suffix; a feed (RSS, Atom, JSON Feed) or one "
    "JSON document with a list of articles; a text; a folder of texts (*.txt, in its folders too; the id is the path "
    "in it); or - for standard input. May be packed (.gz, .zst)."
)


class Parser(argparse.ArgumentParser):
    """A parser without abbreviated options, so that a new option never changes what an old script means."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)


def command(commands: Any, run: str, short: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Add a command, which the function named by `run`, as module:function, does."""
    parser: argparse.ArgumentParser = commands.add_parser(
        run.partition(":")[2], help=short, description=description, epilog=examples
    )
    parser.set_defaults(run=run)
    return parser


def add_input(
    parser: argparse.ArgumentParser, fields: tuple[str, ...] = FIELDS, *, has_duplicates: bool = True
) -> None:
    """Add the input and how it is read."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help=INPUT_HELP)
    add_fields(parser, fields, has_duplicates=has_duplicates)


def add_fields(
    parser: argparse.ArgumentParser, fields: tuple[str, ...], *, has_duplicates: bool = True, has_format: bool = True
) -> None:
    """Add what the fields of an article are called, and what to do about those that are not allowed."""
    group = parser.add_argument_group("how to read the input")
    if has_format:
        how = "instead of by suffix, or of standard input by content"
        group.add_argument("--format", choices=FORMATS, help=how)
    for field in fields:
        optional(group, f"--{field}", f"what the input calls {field}", dest=f"field_{field}", metavar="NAME")
    if "published" in fields:
        parameter(group, "--timezone", "of times that name none, as Europe/Paris", metavar="ZONE")
    errors = "stop at a bad article; leave it out and say so; or do without a date that is none (raise)"
    group.add_argument("--errors", choices=ERRORS, default="raise", help=errors)
    if has_duplicates:
        which = "the article that stays of those with one id; the others are left out"
        group.add_argument("--duplicates", choices=DUPLICATES, help=which)


def add_output(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    """Add where data go, and in which format."""
    parser.add_argument("-o", "--output", metavar="OUT", help="file instead of standard output; whole or not there")
    parser.add_argument("--to", choices=formats, help="format of the output, instead of by suffix (jsonl)")
    parser.add_argument("--json", action="store_true", help="with -o, tell the summary as JSON")


def add_story_settings(group: Any) -> None:
    """Add the parameters of stories that an index and jobs over archives have too."""
    number(group, "--story-threshold", "S", f"higher gives smaller stories ({default.STORY_THRESHOLD})")
    gap = f"most days between two episodes of a story ({default.MAX_GAP_DAYS:g}); 0: each is a story"
    number(group, "--max-gap-days", "D", gap)
    number(group, "--near-threshold", "J", f"least Jaccard similarity of copies ({default.NEAR_THRESHOLD})")
    number(group, "--recall", "P", f"how surely a pair of copies is found ({default.RECALL})")
    number(group, "--shingle-size", "N", f"words in a shingle ({default.SHINGLE_SIZE})")
    residue = "compare menus, weather boxes and the like too"
    parameter(group, "--keep-residue", residue, name="cut_residue", action="store_false")
    urls = "versions under one URL of a source are articles of their own"
    parameter(group, "--ignore-urls", urls, name="match_urls", action="store_false")
    add_text_settings(group)


def add_copy_settings(group: Any) -> None:
    """Add the parameters of copies that jobs over archives have too."""
    number(group, "--threshold", "J", f"least Jaccard similarity ({default.NEAR_THRESHOLD})")
    number(group, "--recall", "P", f"how surely a pair at the threshold is found ({default.RECALL})")
    number(group, "--shingle-size", "N", f"words in a shingle ({default.SHINGLE_SIZE})")
    parameter(group, "--compare-numbers", "numbers must be as similar too", action="store_true")
    parameter(group, "--cut-residue", "leave out what belongs to sites", action="store_true")
    add_text_settings(group)


def add_text_settings(group: Any) -> None:
    """Add the parameters of how texts are read."""
    fold = "write all alphabets in Latin letters, or only drop accents, or do the first, write traditional Chinese as "
    fold += f"simplified and ignore spaces in Korean ({default.FOLD})"
    parameter(group, "--fold", fold, choices=default.FOLDS)
    number(group, "--max-chars", "N", f"how much of an article is read ({default.MAX_CHARS:,})")


def add_representative(group: Any) -> None:
    """Add which article a story shows."""
    text = f"the article a story shows ({default.REPRESENTATIVE})"
    parameter(group, "--representative", text, choices=default.RULES)


def add_encoder(group: Any) -> None:
    """Add what compares reports by what they mean."""
    text = "compare what reports mean, too: titles, and several languages; needs the extra 'embeddings'"
    parameter(group, "--encoder", text, choices=("use", "e5"))


def number(group: Any, option: str, letter: str, text: str, **settings: Any) -> None:
    """Add an option for a parameter that is an integer, of the letter N, or another number."""
    parameter(group, option, text, type=int if letter == "N" else float, metavar=letter, **settings)


def parameter(group: Any, option: str, text: str, *, name: str = "", **settings: Any) -> None:
    """Add an option for a parameter of the library, which has the same name or another."""
    optional(group, option, text, dest=f"parameter_{name or option[2:].replace('-', '_')}", **settings)


def optional(group: Any, option: str, text: str, **settings: Any) -> None:
    """Add an option that is absent unless it is given: without it, the library's default holds."""
    group.add_argument(option, default=argparse.SUPPRESS, help=text, **settings)


def given_parameters(given: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the library that the user gave."""
    mark = "parameter_"
    found = {name.removeprefix(mark): value for name, value in vars(given).items() if name.startswith(mark)}
    if "encoder" in found:
        from dedup import encoders  # which needs NumPy

        found["encoder"] = getattr(encoders, found["encoder"])
    return found
