"""What is wrong is said in one line with its place, and an exit code; nothing else comes out."""

import codecs
import gzip
import json

import pytest
from command_line import ARTICLES, WIRE, lines_of

import dedup
from dedup.article import FIELDS, Article
from dedup.cli.options import build_parser
from dedup.cli.parser_parts import given_parameters

GOOD = json.dumps(ARTICLES[0]).encode()
HOSTILE_LINES = {
    b'{"id": "x", "text": ': "no JSON: Expecting value at character 21; allowed: one JSON object a line",
    b"[1]": "it is a list; allowed: one JSON object a line; 'jq -c .[]' makes lines of a list",
    b"[": "no JSON: Expecting value at character 2; allowed: one JSON object a line; 'jq -c .[]' makes lines of a list",
    b"null": "it is a NoneType; allowed: one JSON object a line",
    b'{"text": "\x00"}': "no JSON: Invalid control character at at character 11; allowed: one JSON object a line",
    b"\x00": "no JSON: Expecting value at character 1; allowed: one JSON object a line",
    b'{"text": "\xff"}': "byte 11 is 0xff, which is not UTF-8; allowed: UTF-8",
    '{"text": "x"}'.encode("utf-16-le"): "no JSON: Expecting property name enclosed in double quotes at character 2;",
    b"[" * 100_000: "no JSON that can be read: maximum recursion depth exceeded",
    b'{"text": "x", "id": ' + b"1" * 5000 + b"}": "no JSON that can be read: Exceeds the limit (4300 digits)",
    b'{"title": " "}': "fields 'text' and 'title' are missing; allowed: a text or a title, or both",
    b'{"clicks": 5}': " is {{'clicks': 5}}, without any field; allowed: str, Article, a mapping or an object",
    b'{"headline": 5, "text": "x"}': "field 'headline', read as title, is 5; allowed: str",
    b'{"id": "x", "text": 5}': "(id 'x'): field 'text' is 5; allowed: str",
    b'{"id": true, "text": "x"}': "field 'id' is True; allowed: str, int, UUID or bytes",
    b'{"id": "a", "text": "x"}': "field 'id' is 'a', as in {path}, line 1; allowed: ids that occur once",
    b'{"id": "x", "text": "x", "published": "2023-09-12T08:00"}': (
        "(id 'x'): field 'published' is '2023-09-12T08:00', without a time zone; allowed:"
    ),
    b'{"text": "x", "published": {}}': "field 'published' is {{}}; allowed:",
}


@pytest.mark.parametrize("line", HOSTILE_LINES, ids=lambda line: repr(line[:30]))
def test_hostile_lines(run, tmp_path, line):
    path = tmp_path / "articles.jsonl"
    path.write_bytes(GOOD + b"\n\n" + line + b"\n")
    code, out, err = run("cluster", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dedup cluster: error: {path}, line 3")
    assert HOSTILE_LINES[line].format(path=path) in err


@pytest.mark.parametrize(
    "line",
    [
        b'{"text": "\\u0000 \\ud800 \\u001b[2J"}',
        b'{"text": "' + b"news " * 200_000 + b'"}',
        b'{"text": ""}',
        b'{"id": "\\udc00", "text": "x", "other": NaN}',
        b'  {"text": "x"}  ',
    ],
    ids=lambda line: repr(line[:30]),
)
def test_lines_that_only_look_hostile(run, rows, tmp_path, line):
    path = tmp_path / "articles.jsonl"
    path.write_bytes(codecs.BOM_UTF8 + GOOD + b"\r\n" + line + b"\r\n\r\n")
    identity = json.loads(line).get("id", "1")
    assert [row["id"] for row in rows("cluster", path)] == ["a", identity]
    if len(line) < 1000:  # megabytes are the library's business
        for name in ("a.parquet", "a.csv", "a.html", "a.txt"):
            for what in ("--stories", "--episodes"):
                assert run("cluster", path, what, "-o", tmp_path / name)[0] == 0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "line 1: it is empty; allowed: the names of the columns"),
        ("text,text\n", "line 1: its columns are ['text', 'text']; allowed: names that occur once"),
        ("id;text\na;b\n", "line 2 is {{'id;text': 'a;b'}}, without any field; allowed: "),
        ('id,text\na,"x\ny"\nb,x,z\n', "line 4: it has 3 cells; allowed: 2, as the first line"),
        ('id,text\na,"x"y\n', "line 2: no CSV:"),
        ('id,text\na,b\nc,"never closed\n', "line 3: no CSV: unexpected end of data"),
        ("id,text\na,b\na,c\n", "line 3: field 'id' is 'a', as in {path}, line 2; allowed"),
    ],
)
def test_hostile_tables(run, tmp_path, table, message):
    path = tmp_path / "articles.csv"
    path.write_text(table)
    code, out, err = run("cluster", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dedup cluster: error: {path}, {message.format(path=path)}")


def test_tables_of_any_cell(rows, tmp_path):
    path = tmp_path / "articles.csv"
    path.write_bytes(codecs.BOM_UTF8 + b'id,text\r\na,"' + b"news, \n" * 140_000 + b'"\r\n\r\nb,\0\r\n')
    assert [row["id"] for row in rows("cluster", path)] == ["a", "b"]


def test_bytes_that_are_no_text_in_a_table(run, tmp_path):
    path = tmp_path / "articles.csv"
    path.write_bytes(b"id,text\na,x\nb,\xe9t\xe9\n")
    assert "line 3: byte 3 is 0xe9, which is not UTF-8" in run("cluster", path)[2]


@pytest.mark.parametrize("cut", [3, 30, -6])
def test_broken_gzip(run, tmp_path, cut):
    path = tmp_path / "articles.jsonl.gz"
    path.write_bytes(gzip.compress(lines_of(ARTICLES).encode())[:cut])
    code, out, err = run("near", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"dedup near: error: {path}: cannot be read: ")


def test_broken_parquet(run, tmp_path):
    path = tmp_path / "articles.parquet"
    path.write_bytes(b"PAR1 no")
    assert run("near", path)[0] == 2


def test_texts_that_are_none(run, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff")
    assert run("near", tmp_path)[::2] == (
        2,
        f"dedup near: error: {tmp_path / 'a.txt'}: byte 1 is 0xff, which is not UTF-8; allowed: UTF-8\n",
    )
    (tmp_path / "a.txt").rename(tmp_path / "a.html")
    assert "no text in it" in run("near", tmp_path)[2]


def names_in(folder):
    """All but the locks of indexes, which stay so that no two processes hold two of them."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["near", "nowhere.jsonl"], "nowhere.jsonl: there is no such file or folder"),
        (["near", "{articles}", "{articles}/x"], "/x: there is no such file or folder"),
        (["near", "{pdf}"], "its suffix tells no format; allowed: .jsonl,"),
        (["near", "-", "-"], "standard input is named twice"),
        (["near", "-", "--format", "parquet"], "Parquet cannot be read from standard input"),
        (["near", "{articles}", "--threshold", "2"], "error: --threshold is 2.0; allowed: a number in (0, 1]"),
        (
            ["cluster", "{articles}", "--story-threshold", "0"],
            "error: --story-threshold is 0.0; allowed: a number in [0.05, 1)",
        ),
        (["cluster", "{articles}", "--max-gap-days", "-1"], "error: --max-gap-days is -1.0; allowed: a number in [0, "),
        (["cluster", "{articles}", "--timezone", "Nowhere"], "error: --timezone is 'Nowhere'; allowed"),
        (["cluster", "{articles}", "--jobs", "0"], "error: --jobs is 0; allowed"),
        (
            ["cluster", "{articles}", "-o", "out.xyz"],
            "the format of the output is the suffix of out.xyz; allowed: jsonl",
        ),
        (["near", "{articles}", "-o", "out.html"], "the format of the output is html; allowed: jsonl, csv, parquet"),
        (["cluster", "{articles}", "-o", "out.html.gz"], "html is not gzipped"),
        (["cluster", "{articles}", "-o", "no/out.csv"], "there is no folder"),
        (["cluster", "{articles}", "-o", "{folder}", "--to", "csv"], "it is a folder; allowed: a file"),
        (["explain", "{articles}", "a", "a"], "both articles are 'a'"),
        (["explain", "{articles}", "a", "aa"], "no article has the id 'aa'; similar: 'a'"),
        (["stories", "nowhere.db"], "nowhere.db: there is no such file"),
        (["stories", "{articles}"], "is no database"),
        (["ingest", "{articles}", "{articles}"], "is no database"),
        (["ingest", "x.db", "{articles}", "--batch-size", "0"], "--batch-size is 0"),
        (["ingest", "x.db", "nowhere.jsonl"], "nowhere.jsonl: there is no such file"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_usage(run, articles, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdf").touch()
    names = {"articles": articles, "pdf": "a.pdf", "folder": tmp_path}
    before = names_in(tmp_path), articles.read_bytes()
    code, out, err = run(*(argument.format(**names) for argument in arguments))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dedup {arguments[0]}: error: ")
    assert message in err
    assert (names_in(tmp_path), articles.read_bytes()) == before


TWO_ROWS = ["cluster", "x", "--stories", "--episodes"]


@pytest.mark.parametrize(
    "arguments", [[], ["no"], ["cluster"], ["cluster", "x", "--stor"], ["near", "x", "--keep", "--groups"], TWO_ROWS]
)
def test_arguments(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: dedup")


@pytest.mark.parametrize("command", ["cluster", "near", "ingest", "explain", "stories"])
def test_help_has_examples(run, command):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert f"examples:\n  dedup {command} " in out


def test_version(run):
    assert run("--version") == (0, f"dedup {dedup.__version__}\n", "")


def test_fields_are_those_of_an_article():
    assert set(FIELDS) == set(Article.__slots__) - {"residue", "title_residue"}


def test_every_parameter_of_an_option_is_one_of_the_library():
    numbers = {
        "--story-threshold": 0.2,
        "--max-gap-days": 7.5,
        "--near-threshold": 0.7,
        "--recall": 0.9,
        "--shingle-size": 5,
        "--max-chars": 9,
    }
    words = {"--fold": "marks", "--timezone": "UTC", "--representative": "longest", "--encoder": "e5", "--jobs": 1}
    options = [str(word) for option in (numbers | words | {"--max-chars": 9}).items() for word in option]
    given = build_parser().parse_args(["cluster", "x", "--keep-residue", "--ignore-urls", *options])
    assert given_parameters(given).keys() == dedup.StoryClusterer().get_params().keys() - {"num_perm", "progress"}
    given = build_parser().parse_args(["near", "x", "--threshold", ".7", "--compare-numbers", "--id", "key"])
    assert given_parameters(given) == {"threshold": 0.7, "compare_numbers": True}


def test_renamed_fields_in_messages(run, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "x"}\n{"body": 5}\n')
    code, _, err = run("cluster", path, "--text", "body")
    assert (code, err) == (2, f"dedup cluster: error: {path}, line 2: field 'body' is 5; allowed: str\n")


def test_names_that_nothing_has_are_noted(run, articles):
    code, out, err = run("cluster", articles, "--published", "date", "--url", "link")
    assert (code, out.count("\n")) == (0, 3)
    assert err.splitlines() == [
        "dedup cluster: note: --published is 'date', which no article has",
        "dedup cluster: note: --url is 'link', which no article has",
    ]


def test_a_date_that_is_none_stops_it_or_is_noted(run, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines_of([ARTICLES[0], {"text": WIRE, "published": "last Tuesday"}]))
    problem = f"{path}, line 2: field 'published' is 'last Tuesday'; "
    code, out, err = run("cluster", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"dedup cluster: error: {problem}")
    code, out, err = run("cluster", path, "--errors", "undated")
    assert (code, out.count("\n"), err.count("\n")) == (0, 2, 1)
    assert err.startswith(f"dedup cluster: note: undated: {problem}")


BAD = [
    {"id": "x", "author": "nobody"},
    {"id": "y", "text": 5},
    {"id": "a", "text": "the same id"},
    {"id": 1.5, "text": "no id"},
    {"id": "z", "text": "no date", "published": "soon"},
]
PLACES = ["line 2 (id 'x'): ", "line 3 (id 'y'): ", "line 4: field 'id'", "line 5: field 'id'", "line 6 (id 'z'): "]


def written(path):
    path.write_text(lines_of([ARTICLES[0], *BAD, *ARTICLES[1:]]) + "no JSON\n")
    return path


@pytest.mark.parametrize("arguments", [["cluster"], ["near", "--groups"], ["near", "--keep"]], ids=" ".join)
def test_bad_articles_are_left_out_and_said(run, tmp_path, arguments):
    path, out = written(tmp_path / "a.jsonl"), tmp_path / "out.jsonl"
    code, summary, err = run(*arguments, path, "--errors", "skip", "-o", out, "--json")
    assert code == 0
    # Of a copy no date is read.
    refused = 6 if arguments[0] == "cluster" else 5
    assert json.loads(summary)["articles"] == 3 + (6 - refused)
    assert json.loads(summary)["refused"] == refused
    said = [line.partition(f"{path}, ")[2] for line in err.splitlines()]
    expected = ["line 9: no JSON", *PLACES][:refused]
    assert all(line.startswith(start) for line, start in zip(said, expected, strict=True))
    found = [json.loads(line) for line in out.read_text().splitlines()]
    if arguments[0] == "cluster":
        assert [row["id"] for row in found] == ["a", "b", "c"]
    elif "--keep" in arguments:
        assert [row["id"] for row in found] == ["a", "z", "c"]
    else:
        assert [row["articles"] for row in found] == [["a", "b"]]


@pytest.mark.parametrize("command", ["cluster", "near", "explain", "ingest"])
def test_the_first_bad_article_stops_every_command(run, tmp_path, command):
    path = written(tmp_path / "a.jsonl")
    given = {"ingest": [tmp_path / "i.db", path], "explain": [path, "a", "b"]}.get(command, [path])
    # A line that is no JSON stops what reads everything first.
    path.write_text(path.read_text().replace("no JSON\n", ""))
    code, out, err = run(command, *given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dedup {command}: error: {path}, line 2 (id 'x'): fields 'text' and 'title' are missing")


@pytest.mark.parametrize(("which", "text"), [("first", "one of two"), ("last", "two of two")])
def test_which_article_of_an_id_stays(run, tmp_path, which, text):
    path = tmp_path / "a.jsonl"
    path.write_text(lines_of([{"id": "a", "text": "one of two"}, {"id": "a", "text": "two of two"}]))
    left_out, stays = (1, 2) if which == "last" else (2, 1)
    problem = f"{path}, line {left_out}: field 'id' is 'a', as in {path}, line {stays}; allowed"
    code, out, err = run("cluster", path, "--duplicates", which, "--stories")
    assert (code, json.loads(out)["headline"]) == (0, text)
    assert err.startswith(f"dedup cluster: {problem}")
    code, out, err = run("near", path, "--duplicates", which, "--keep")
    assert (code, json.loads(out)["text"]) == (0, text)
    assert err.startswith(f"dedup near: {problem}")


def test_an_article_that_was_left_out_is_not_explained(run, tmp_path):
    path = written(tmp_path / "a.jsonl")
    code, out, err = run("explain", path, "a", "y", "--errors", "skip")
    assert (code, out) == (2, "")
    assert err.endswith(f"error: {path}: the article 'y' is left out, as said above\n")
    code, out, err = run("explain", path, "a", "c", "--errors", "skip")
    assert (code, out[:15]) == (0, "In two stories:")


def test_what_the_library_logs_is_noted(run, articles):
    code, _, err = run("near", articles, "--max-chars", "20")
    assert code == 0
    assert err.startswith("dedup near: 3 of 3 articles are longer than max_chars=20")


def test_file_names_cannot_steer_a_terminal(run, tmp_path):
    path = tmp_path / "a\x1b[2J\nb.jsonl"
    path.write_text("no")
    _, _, err = run("cluster", path)
    assert "a [2J b.jsonl, line 1: no JSON" in err
    assert "\x1b" not in err


def test_a_mistake_of_ours_is_not_called_bad_input(articles, monkeypatch):
    from dedup.cli import main

    def fail(items, **_):
        if items:
            raise ValueError("not about an article")

    monkeypatch.setattr("dedup.cluster", fail, raising=False)
    with pytest.raises(ValueError, match="not about an article"):
        main(["cluster", str(articles)])


def test_times_without_a_zone_in_parquet(run, tmp_path):
    import pandas

    path = tmp_path / "a.parquet"
    moments = pandas.to_datetime(["2023-09-12 08:00", None])
    pandas.DataFrame({"id": ["x", "y"], "text": ["a", "b"], "published": moments}).to_parquet(path)
    code, _, err = run("cluster", path)
    assert code == 2
    assert f"{path}, row 1 (id 'x'): field 'published' is" in err
    assert err.endswith("name --timezone for times without a zone\n")
    code, out, err = run("cluster", path, "--timezone", "Europe/Paris", "--stories")
    assert (code, err) == (0, "")
    assert '"first": "2023-09-12T06:00:00+00:00"' in out
