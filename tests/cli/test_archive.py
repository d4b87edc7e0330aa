"""`dedup archive`: a job, how far it is, going on, and its tables as lines."""

import csv
import inspect
import json
import os
import pty
import sys

import pyarrow.parquet as pq
import pytest
from command_line import ARTICLES, WIRE, lines_of, start

from dedup import archive, encoders
from dedup.archive import near
from dedup.article import FIELDS
from dedup.cli import archive_commands
from dedup.cli.options import build_parser
from dedup.cli.parser_parts import given_parameters

MORE = [*ARTICLES, {"id": "d", "text": WIRE.upper(), "published": "2023-09-13T08:00:00Z", "source": "Post"}]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "articles.jsonl"
    path.write_text(lines_of(MORE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Files, and the results of both kinds of job."""
    folder = tmp_path_factory.mktemp("done")
    (folder / "articles.jsonl").write_text(lines_of(MORE), encoding="utf-8")
    archive.cluster(folder / "articles.jsonl", folder / "stories", n_jobs=1)
    archive.near_duplicates(folder / "articles.jsonl", folder / "copies", n_jobs=1)
    return folder


def options(command, extra=()):
    return ["archive", command, "in.jsonl", "-o", "out", "--jobs", "1", *extra]


# Parameters


def test_every_parameter_has_an_option_that_reaches_the_library(run, monkeypatch):
    """But for the number of permutations, which no command has, and progress."""
    cases = {
        "cluster": (archive.cluster, {"cut_residue": "--keep-residue", "match_urls": "--ignore-urls"}),
        "near": (archive.near_duplicates, {"keep": "--policy"}),
    }
    values = {"--policy": "longest", "--linkage": "group", "--representative": "longest", "--fold": "marks"}
    values |= {"--errors": "skip", "--duplicates": "last", "--timezone": "Asia/Tokyo", "--work": "w", "--jobs": "3"}
    values |= {"--encoder": "use"}
    flags = {"--keep-residue": False, "--ignore-urls": False, "--compare-numbers": True, "--cut-residue": True}
    for command, (function, names) in cases.items():
        taken = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
        arguments, expected = [], {}
        for number, name in enumerate(name for name in taken if name not in ("num_perm", "progress")):
            option = "--jobs" if name == "n_jobs" else names.get(name, f"--{name.replace('_', '-')}")
            if option in flags:
                arguments, expected[name] = [*arguments, option], flags[option]
                continue
            value = values.get(option, name if name in FIELDS else str(number + 2))
            arguments += [option, value]
            expected[name] = int(value) if value.isdigit() else encoders.use if name == "encoder" else value
        seen = {}
        counts = {"articles": 0, "refused_articles": 0, "refused_dates": 0, "near_duplicate_pairs": 0, "removed": 0}

        def noted(paths, out, seen=seen, counts=counts, **given):
            seen.update(given, paths=paths, out=out)
            return {"counts": counts}

        monkeypatch.setattr(archive_commands.archive, function.__name__, noted)
        code, out, err = run("archive", command, "in.jsonl", "more.jsonl", "-o", "out", *arguments)
        assert (code, err) == (0, "")
        assert out.startswith("out: 0 articles, 0 pairs")
        assert seen == expected | {"paths": ["in.jsonl", "more.jsonl"], "out": "out"}


def test_without_options_the_defaults_of_the_library_hold():
    for command in ("cluster", "near"):
        assert given_parameters(build_parser().parse_args(options(command))) == {"n_jobs": 1}


@pytest.mark.parametrize(
    ("command", "extra", "message"),
    [
        ("cluster", ["--recall", "2"], "--recall is 2.0; allowed: a number in (0, 1)"),
        ("cluster", ["--story-threshold", "7"], "--story-threshold is 7.0; allowed: "),
        ("near", ["--threshold", "-1"], "--threshold is -1.0; allowed: a number in (0, 1]"),
        ("near", ["--max-days-apart", "-1"], "--max-days-apart is -1.0; allowed: "),
        ("near", ["--jobs", "0"], "--jobs is 0; allowed: None, -1 or"),
        ("cluster", ["--timezone", "Mars"], "'Mars'"),
        ("cluster", ["--url", "link"], "--url is 'link', which no article has; allowed: a column"),
        ("cluster", ["--work", "{folder}"], "{folder} is not empty, and has no job; allowed: "),
    ],
)
def test_what_is_not_allowed_is_said_by_the_name_of_the_option(run, path, command, extra, message):
    folder = str(path.parent)
    extra = [word.format(folder=folder) for word in extra]
    code, out, err = run("archive", command, path, "-o", path.parent / "out", "--jobs", "1", *extra)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dedup archive {command}: error: ")
    assert message.format(folder=folder) in err
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_bad_row_is_said_with_its_place_and_the_corrected_call_is_not_in_its_way(run, path):
    out = path.parent / "out"
    path.write_text(path.read_text() + '\n{"id": "x", "text": "x", "published": "2023-09-12T08:00"}\n')
    code, _, err = run("archive", "cluster", path, "-o", out, "--jobs", 1)
    assert code == 2
    assert f"error: {path}, line 6 (id 'x'): field 'published' is '2023-09-12T08:00', without a time zone" in err
    assert "name --timezone for" in err
    assert run("archive", "cluster", path, "-o", out, "--jobs", 1, "--errors", "undated") == (
        0,
        f"{out}: 5 articles in 3 stories of 3 episodes, 2 copies, 1 with a date that is none\n",
        "",
    )
    assert run("archive", "near", path.parent / "no", "-o", path.parent / "b")[::2] == (
        2,
        f"dedup archive near: error: {str(path.parent / 'no')!r} is no file; allowed: Parquet, JSONL or feeds\n",
    )


# A job


def test_a_job_is_begun_seen_and_gone_on_with(run, path, monkeypatch):
    out = path.parent / "stories"
    assert run("archive", "status", out) == (0, f"{out}: no job was begun\n", "")
    assert run("archive", "resume", out)[0] == 2

    def fails(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(near, "group_articles", fails)
        code, _, err = run("archive", "cluster", path, "-o", out, "--jobs", 1, "--recall", 0.9)
    assert (code, err) == (1, "dedup archive cluster: error: the disk is full\n")
    told = run("archive", "status", out)[1]
    assert told.startswith(f"{out}: interrupted: ")
    assert told.endswith(f"%, copies: 0 of 1 part; 'dedup archive resume {out}' goes on\n")
    code, _, err = run("archive", "cluster", path, "-o", out, "--jobs", 1)
    assert code == 2
    assert err.count("\n") == 1
    assert "has another job's parts: recall was 0.9, now it is 0.95; allowed: the call that was interrupted" in err
    summary = "4 articles in 2 stories of 2 episodes, 2 copies"
    assert run("archive", "resume", out, "--jobs", 1) == (0, f"{out}: {summary}\n", "")
    assert run("archive", "status", out) == (0, f"{out}: done: {summary}\n", "")
    status = json.loads(run("archive", "status", out, "--json")[1])
    assert (status["state"], status["counts"]["stories"]) == ("done", 2)
    counts = json.loads(run("archive", "resume", out, "--json")[1])
    assert (counts["articles"], counts["output"]) == (4, str(out))


def test_near_alone(run, path):
    out = path.parent / "copies"
    code, told, err = run("archive", "near", path, "-o", out, "--jobs", 1, "--policy", "longest")
    assert (code, told, err) == (0, f"{out}: 4 articles, 3 pairs of near-duplicates, 2 copies to remove\n", "")
    assert run("archive", "status", out)[1] == f"{out}: done: {told.partition(': ')[2]}"


def test_a_terminal_sees_how_far_it_is_and_about_how_long_the_rest_takes(path, monkeypatch, run):
    ours, theirs = pty.openpty()
    slow = "import sys, time; from dedup.archive import similarity; from dedup.cli import main, archive_commands\n"
    slow += "archive_commands._LOOKED_AT_EVERY = 0.05; count = similarity.count_slice\n"
    slow += "def slowly(*given): time.sleep(0.5); count(*given)\n"
    slow += "similarity.count_slice = slowly; sys.exit(main(sys.argv[1:]))"
    out = path.parent / "out"
    process = start("archive", "cluster", path, "-o", out, "--jobs", 1, program=("-c", slow), stderr=theirs)
    os.close(theirs)
    told, _ = process.communicate()
    assert process.returncode == 0
    seen = b""
    try:
        while data := os.read(ours, 4096):
            seen += data
    except OSError:  # nothing more comes
        pass
    os.close(ours)
    lines = seen.decode().split("\r\x1b[K")
    assert any("%, count: 0 of 1 part, about " in line and line.endswith(" s left") for line in lines)
    assert lines[-1] == ""
    assert told.decode().startswith(f"{out}: 4 articles in ")


def test_behind_the_last_stage_the_results_are_written(run, monkeypatch):
    status = archive.JobStatus("running", "cluster", share=1.0, seconds_left=0.0)
    monkeypatch.setattr(archive_commands.archive, "status", lambda *_, **__: status)
    assert run("archive", "status", "out") == (0, "out: running: writes its results\n", "")


# Results


@pytest.mark.parametrize("name", ["stories", "copies"])
def test_every_table_is_written_as_lines(run, rows, done, tmp_path, name):
    tables = json.loads((done / name / "manifest.json").read_text())["files"]
    for table in tables:
        expected = pq.read_table(done / name / table).to_pylist()
        plain = json.loads(json.dumps(expected, default=lambda moment: moment.isoformat()))
        assert rows("archive", "results", done / name, "--table", table) == plain
        file = tmp_path / f"{table}.csv"
        assert run("archive", "results", done / name, "--table", table, "-o", file) == (0, "", "")
        with file.open(newline="") as lines:
            found = list(csv.reader(lines))
        assert found[0] == pq.read_schema(done / name / table / "part-000000.parquet").names
        assert len(found) == 1 + len(expected)
    main = {"stories": "assignments", "copies": "kept"}[name]
    assert rows("archive", "results", done / name) == rows("archive", "results", done / name, "--table", main)


def test_stories_are_told_to_people(run, done):
    code, out, err = run("archive", "results", done / "stories", "--table", "stories", "--to", "text")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "       a     3  2023-09-12 to 2023-09-13  Kim in Russia",
        "       c     1  2023-09-14                The ECB raised its rates to 4 percent.",
    ]
    assert len(run("archive", "results", done / "stories", "--table", "episodes", "--to", "text")[1].splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["copies", "--table", "stories"], "table is 'stories'; allowed: pairs, groups, kept, refusals"),
        (["stories", "--to", "text"], "the table assignments has no text for people; allowed: --table stories or"),
        (["stories", "-o", "a.parquet"], "the format of the output is parquet; allowed: jsonl, csv, text"),
        (["nowhere"], "nowhere has no manifest.json; allowed: the results of dedup.archive, once they are done"),
    ],
)
def test_results_that_are_not_there_are_refused(run, done, monkeypatch, arguments, message):
    monkeypatch.chdir(done)
    code, out, err = run("archive", "results", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_help_needs_no_archive(run):
    before = set(sys.modules)
    assert run("archive", "--help")[0] == 0
    for command in ("cluster", "near", "resume", "status", "results"):
        assert f"dedup archive {command}" in run("archive", command, "--help")[1]
    assert not {name for name in set(sys.modules) - before if name.startswith("pyarrow")}
