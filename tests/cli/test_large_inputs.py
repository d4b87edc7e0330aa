"""Inputs that are larger than memory should be: what `dedup near` holds, and where things are found again."""

import csv
import json
import random
import re
import sys
from pathlib import Path

import polars
import pytest
from command_line import start

import dedup
from dedup.cli import writing
from dedup.cli.reading import Origins, Record
from dedup.inputs.files import Place, Row


def copies(count, words=20, seed=0):
    """Articles of which each third is a copy of the one before it, in fields of several types."""
    rng = random.Random(seed)
    made = []
    for i in range(count):
        text = " ".join(f"w{rng.randrange(9999)}" for _ in range(words)) if i % 3 != 2 else made[-1]["text"] + " end"
        made.append({"id": f"a{i}", "text": text, "n": i, "tags": [i, "x"], "of": None if i % 2 else 'é, "q"\n'})
    return made


def test_what_stays_is_the_same_in_every_format(run, tmp_path, monkeypatch):
    made = copies(60)
    expected = [made[i] for i in dedup.near_duplicates(made).keep().positions.tolist()]
    assert len(expected) == 40
    path, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    path.write_text("".join(json.dumps(article) + "\n" for article in made))
    polars.DataFrame([article | {"tags": "x"} for article in made]).write_parquet(table)
    out = tmp_path / "out.csv"
    texts = []
    for at_once in (1, 100, 1 << 20):
        monkeypatch.setattr(writing, "_WRITTEN_AT_ONCE", at_once)
        assert run("near", path, "--keep", "-o", out)[::2] == (0, "")
        texts.append(out.read_bytes())
    assert len(set(texts)) == 1
    with open(out, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [article["id"] for article in expected]
    assert rows[0]["tags"] == '[0, "x"]'
    assert rows[0]["of"] == made[0]["of"]
    for name in (out, table):  # what is kept of a table, as lines
        code, lines, err = run("near", name, "--keep")
        assert (code, err) == (0, "")
        assert [json.loads(line)["id"] for line in lines.splitlines()] == [article["id"] for article in expected]
    assert json.loads(lines.splitlines()[1])["n"] == 1  # a number, as Parquet has it


def test_residue_is_left_out_as_in_the_library(run, tmp_path):
    made = [{"id": f"{source}{i}", "source": source, "title": f"T{i}", "text": f"Menu of {source}\n{text['text']}"}
            for source in ("A", "B") for i, text in enumerate(copies(6))]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(article) + "\n" for article in made))
    kept = dedup.near_duplicates(made, cut_residue=True).keep().positions.tolist()
    assert 0 < len(kept) < len(made)
    code, lines, _ = run("near", path, "--keep", "--cut-residue")
    assert code == 0
    assert [json.loads(line) for line in lines.splitlines()] == [made[i] for i in kept]


def test_origins_are_those_of_the_records():
    places = [Place("a.jsonl", "line", 3), Place("a.jsonl", "line", 9), Place("b/é.txt"), Place("a.jsonl", "line", 1)]
    origins = Origins()
    for i, place in enumerate(places):
        origins.append(Record(place, {"id": "x"} if i % 2 else {"text": "x"}, Row(place, {})))
    assert len(origins) == 4
    assert [(origin.place, origin.is_named) for origin in origins] == list(zip(places, [False, True] * 2, strict=True))
    assert [origin.place for origin in origins[1:3]] == places[1:3]


def test_an_error_names_its_place_in_the_second_input(run, tmp_path):
    for name, articles in (("a", copies(3)), ("b", [copies(1)[0] | {"id": "other"}, {"id": "bad", "text": 7}])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(article) + "\n" for article in articles))
    code, _, err = run("near", tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--keep")
    assert code == 2
    assert f"{tmp_path / 'b.jsonl'}, line 2" in err
    code, out, err = run("near", tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--keep", "--errors", "skip")
    assert (code, out.count("\n")) == (0, 2)  # "other" is a copy of the first
    assert f"{tmp_path / 'b.jsonl'}, line 2" in err


RUN = "import sys; from dedup.cli import main; assert not main(sys.argv[1:]); print(open('/proc/self/status').read())"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads peaks of memory where Linux has them")
def test_keep_takes_less_than_three_times_the_file(tmp_path):
    """By the difference of two sizes: what Python and NumPy take themselves does not count."""
    peaks, sizes = [], []
    for count in (10_000, 40_000):
        path = tmp_path / f"{count}.jsonl"
        with open(path, "w") as file:
            file.writelines(json.dumps(article) + "\n" for article in copies(count, words=150))
        arguments = "near", path, "--keep", "-o", tmp_path / "out.jsonl"
        process = start(*arguments, program=["-c", RUN])
        out, err = process.communicate()
        assert (process.returncode, err) == (0, b"")
        peaks.append(1024 * int(re.search(rb"VmHWM:\s+(\d+)", out)[1]))
        sizes.append(Path(path).stat().st_size)
    assert peaks[1] - peaks[0] < 2.5 * (sizes[1] - sizes[0])
