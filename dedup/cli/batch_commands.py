"""The commands that read everything first: cluster, near, explain."""

import json
import re
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from html import escape
from typing import Any, TypeVar

import dedup
from dedup.article import id_of
from dedup.cli import rows
from dedup.cli.against import OldArticles
from dedup.cli.aside import RowsAside
from dedup.cli.console import BadInputError, Console, emit
from dedup.cli.options import OUTPUT_FORMATS
from dedup.cli.parser_parts import given_parameters
from dedup.cli.reading import Origins, Reading, Record
from dedup.cli.writing import Line, Output
from dedup.disk import StoredBytes
from dedup.text.on_disk import ArticlesOnDisk
from dedup.wording import plural, visible

Result = TypeVar("Result")

# Of `near`. Other fields do not make an article a copy, and need not be valid.
_NEAR_FIELDS = ("id", "text", "title", "source")


def cluster(given: Namespace, console: Console) -> None:
    """`dedup cluster`."""
    parameters = _story_parameters(given)
    output = Output(given.output, given.to, OUTPUT_FORMATS)
    reading = Reading(given, console)
    stories = _cluster(list(map(_lightened, reading)), reading, console, given, parameters)
    if output.form == "html":
        output.write_file(stories.to_html)
    elif output.form == "text":
        output.write_text(map(rows.story_lines, stories))
    elif given.episodes:
        output.write_rows(rows.EPISODE_COLUMNS, rows.episode_rows(stories))
    elif given.stories:
        output.write_rows(rows.STORY_COLUMNS, map(rows.story_row, stories))
    else:
        output.write_rows(rows.ARTICLE_COLUMNS, rows.article_rows(stories))
    copies = len(stories.articles) - len(set(stories.near_duplicate_labels.tolist()))
    episodes = sum(len(story.episodes) for story in stories)
    counts = {"articles": len(stories.articles), "stories": len(stories), "episodes": episodes, "copies": copies}
    counts |= {"refused": reading.refused}
    summary = f"{plural(counts['articles'], 'article')} in {plural(len(stories), 'story', 'stories')}"
    summary += f" of {plural(episodes, 'episode')}" if episodes > len(stories) else ""
    _summarize(given, output, console, counts, f"{summary}, {plural(copies, 'copy', 'copies')}{reading.summary()}")


def _cluster(
    records: list[Record], reading: Reading, console: Console, given: Namespace, parameters: dict[str, Any]
) -> dedup.Stories:
    items = [record.item for record in records]
    settings = {"errors": given.errors, "duplicates": given.duplicates, "progress": console.progress("clustering")}
    with reading.placing(records):
        stories = dedup.cluster(items, **settings, **parameters)
    reading.tell(stories.refusals, records)
    return stories


def near(given: Namespace, console: Console) -> None:
    """`dedup near`."""
    parameters = given_parameters(given)
    _require_allowed(lambda: dedup.near_duplicates([], **parameters))
    if given.against:
        _near_against(given, console, parameters)
        return
    output = Output(given.output, given.to, ("jsonl", "csv", "parquet"))
    mapping = given.removed and Output(given.removed, None, ("jsonl", "csv", "parquet"))
    reading = Reading(given, console, _NEAR_FIELDS)
    with StoredBytes() as stored:
        _near(given, console, parameters, reading, RowsAside(stored), output, mapping)


def _near(
    given: Namespace,
    console: Console,
    parameters: dict[str, Any],
    reading: Reading,
    aside: RowsAside,
    output: Output,
    mapping: Output | None,
) -> None:
    origins = Origins()

    def items() -> Iterator[dict[str, Any]]:
        for record in reading:
            origins.append(record)
            if given.keep:
                aside.append(record.row)
            yield record.item

    settings = {"errors": given.errors, "duplicates": given.duplicates, "progress": console.progress("comparing")}
    with ArticlesOnDisk(items()) as articles, reading.placing(origins):
        # What belongs to a site is found in all of its texts together.
        whole = parameters.get("cut_residue")
        found = dedup.near_duplicates(list(articles) if whole else articles, **settings, **parameters)
    ids = [article.id for article in found.articles]
    left_out = set(reading.tell(found.refusals, origins))
    n_articles = len(origins) - len(left_out)
    kept = found.keep(given.policy, linkage=given.linkage, within=given.within, across=given.across)
    if mapping:
        mapping.write_rows(rows.REMOVED_COLUMNS, rows.removed_rows(kept, ids))
    if given.keep:
        output.write_rows((), aside.at(i for i in kept.positions.tolist() if i not in left_out))
    elif given.groups:
        output.write_rows(rows.GROUP_COLUMNS, rows.group_rows(found, ids))
    else:
        output.write_rows(rows.PAIR_COLUMNS, rows.pair_rows(found, ids))
    counts = {"articles": n_articles, "pairs": len(found.pairs), "groups": len(found.groups)}
    counts |= {"copies": len(kept.removed), "refused": reading.refused}
    summary = f"{plural(n_articles, 'article')}, {plural(len(found.pairs), 'pair')} of near-duplicates"
    summary += f" in {plural(len(found.groups), 'group')}, {plural(len(kept.removed), 'copy', 'copies')} to remove"
    summary += reading.summary()
    _summarize(given, output, console, counts, summary)


def _near_against(given: Namespace, console: Console, parameters: dict[str, Any]) -> None:
    """`dedup near --against`."""
    for option in ("groups", "within", "across"):
        if getattr(given, option):
            raise BadInputError(f"--{option} with --against; allowed: one of the two")
    output = Output(given.output, given.to, ("jsonl", "csv", "parquet"))
    mapping = given.removed and Output(given.removed, None, ("jsonl", "csv", "parquet"))
    old = _require_allowed(lambda: OldArticles(given, console, _NEAR_FIELDS, parameters))
    reading = Reading(given, console, _NEAR_FIELDS)
    old.read()
    records = list(reading if given.keep else map(_lightened, reading))
    items, ids = [record.item for record in records], _ids(records)
    parameters = old.parameters | {"errors": given.errors, "duplicates": given.duplicates}
    parameters["progress"] = console.progress("comparing")
    with reading.placing(records):
        found = old.copies_among(items, parameters)
    left_out = set(reading.tell(found.refusals, records))
    originals = found.originals()
    counts = {"articles": len(records) - len(left_out), "old": found.n_old, "pairs": len(found.new)}
    counts |= {"copies": len(originals), "refused": reading.refused + old.refused}
    summary = f"{plural(counts['articles'], 'article')}, {plural(len(originals), 'copy', 'copies')}"
    summary += f" of {plural(found.n_old, 'old one')}"
    if given.keep or mapping:
        # Those that go for an old one remove no other.
        rest = [i for i in range(len(records)) if i not in originals and i not in left_out]
        among = dedup.near_duplicates([items[i] | {"id": ids[i]} for i in rest], **parameters)
        kept = among.keep(given.policy, linkage=given.linkage)
        counts["removed"] = len(originals) + len(kept.removed)
        summary += f", {counts['removed']} to remove"
    if mapping:
        mapping.write_rows(rows.REMOVED_FOR_OLD_COLUMNS, rows.removed_for_old_rows(originals, kept, rest, ids))
    if given.keep:
        output.write_rows((), _as_they_came(records[rest[i]] for i in kept.positions.tolist()))
    else:
        output.write_rows(rows.ACROSS_COLUMNS, rows.across_rows(found.rows(), ids))
    _summarize(given, output, console, counts, summary + reading.summary())


def _as_they_came(records: Iterable[Record]) -> Iterator[Line]:
    """The lines of articles, or their values where the input has no lines."""
    return (dict(row.values) if row.line is None else row.line for _, _, row in records)


def _lightened(record: Record) -> Record:
    """Return a record without its row, which is as long as the article."""
    return record._replace(row=record.row._replace(line=None, values={}))


def explain(given: Namespace, console: Console) -> None:
    """`dedup explain`."""
    if given.left == given.right:
        raise BadInputError(f"both articles are {given.left!r}; allowed: two ids")
    parameters = _story_parameters(given)
    is_html = given.html or (given.output or "").endswith((".html", ".htm"))
    output = Output(given.output, "html" if is_html else "text", ("html", "text"))
    reading = Reading(given, console)
    records = list(map(_lightened, reading))
    ids = _ids(records)
    for name in (given.left, given.right):
        _require_known(name, ids, given.inputs[0])
    # What two articles share counts by how common it is among all the others.
    stories = _cluster(records, reading, console, given, parameters)
    articles = {article.id: article for article in stories.articles}
    if refused := [name for name in (given.left, given.right) if name not in articles]:
        raise BadInputError(f"{given.inputs[0]}: the article {refused[0]!r} is left out, as said above")
    left, right = articles[given.left], articles[given.right]
    why = dedup.explain(left, right, among=stories)
    lines = [*map(visible, str(why).split("\n")), ""]
    text = _page(f"{left.id} and {right.id}", why._repr_html_()) if is_html else "\n".join(lines)
    output.write_text([text])


def _ids(records: Sequence[Record]) -> list[str]:
    """Return ids as the library has them: a missing id is the position."""
    given = (id_of(record.item) for record in records)
    return [str(position) if name is None else name for position, name in enumerate(given)]


def _require_known(name: str, ids: Sequence[str], source: str) -> None:
    if name not in ids:
        close = get_close_matches(name, ids, n=3)
        like = f"; similar: {', '.join(map(repr, close))}" if close else ""
        raise BadInputError(f"{source}: no article has the id {name!r}{like}")


def _page(title: str, body: str) -> str:
    head = '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">'
    head += f"\n<title>{escape(title)}</title>"
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _story_parameters(given: Namespace) -> dict[str, Any]:
    parameters = given_parameters(given)
    _require_allowed(lambda: dedup.cluster([], **parameters))
    return parameters


def _require_allowed(try_out: Callable[[], Result]) -> Result:
    """Check parameters on no articles, before a long input is read."""
    try:
        return try_out()
    except (TypeError, ValueError) as error:
        # The library names the parameter, the user the option.
        message = re.sub(r"^(?:n_)?(\w+) is ", lambda name: f"--{name[1].replace('_', '-')} is ", str(error))
        raise BadInputError(message) from error


def _summarize(given: Namespace, output: Output, console: Console, counts: dict[str, int], summary: str) -> None:
    """Write a summary to standard output, or if data goes there, to a terminal."""
    if output.path is None:
        if console.is_terminal:
            console.note(summary)
    elif given.json:
        emit(json.dumps({**counts, "output": output.path}) + "\n")
    else:
        emit(f"{output.path}: {summary}\n")
