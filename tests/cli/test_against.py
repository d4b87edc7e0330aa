"""`dedup near --against`: new files against old ones, of articles and of stored sketches."""

import csv
import json
import random

import pytest
from command_line import ARTICLES, WIRE, lines_of

import dedup

NEW = [
    {"id": "n1", "text": f"{WIRE} again", "x": 1.50},
    {"id": "n2", "text": "Something else happened in Paris on Tuesday morning at nine"},
    {"id": "n3", "text": "Something else happened in Paris on Tuesday morning at nine o'clock"},
    {"id": "n4", "text": f"SEOUL - {WIRE} again"},
]
SIMILARITIES = ("jaccard", "containment")


@pytest.fixture
def new(tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text(lines_of(NEW))
    return path


@pytest.fixture
def sketches(tmp_path):
    """A file of the sketches of two articles, one of them of a text that a new one has."""
    path = tmp_path / "july.parquet"
    dedup.sketches.save([{"id": "july", "text": NEW[1]["text"]}, {"id": "other", "text": "Rates rise"}], path)
    return path


def facts(row):
    return row["removed"], row["kept"], row["kept_in"]


def test_pairs_are_those_of_a_new_and_an_old_article(rows, new, articles):
    found = rows("near", new, "--against", articles)
    expected = dedup.near_duplicates(NEW, against=ARTICLES)
    assert {(row["new"], row["old"]) for row in found} == {("n1", "a"), ("n1", "b"), ("n4", "a"), ("n4", "b")}
    assert sorted(found, key=str) == sorted(expected.to_frame().round(6).to_dict("records"), key=str)
    best = {row["new"]: row["old"] for row in found[::-1]}  # the most similar comes first
    assert best == {NEW[i]["id"]: ARTICLES[j]["id"] for i, j in enumerate(expected.original.tolist()) if j >= 0}
    assert rows("near", new, "--against", articles, "--threshold", "0.95") == []


def test_keep_leaves_what_is_a_copy_of_no_old_article_and_of_none_that_stays(run, new, articles, tmp_path):
    removed, kept = tmp_path / "removed.csv", tmp_path / "kept.jsonl"
    code, out, err = run("near", new, "--keep", "--against", articles, "--removed", removed)
    assert (code, out, err) == (0, lines_of(NEW[1:2]), "")
    table = list(csv.DictReader(removed.read_text().splitlines()))
    assert list(map(facts, table)) == [("n1", "b", "old"), ("n3", "n2", "new"), ("n4", "b", "old")]
    assert [float(table[1][name]) for name in SIMILARITIES] == [0.75, 1]
    told = run("near", new, "--keep", "--against", articles, "--policy", "longest", "-o", kept)[1]
    assert told == f"{kept}: 4 articles, 2 copies of 3 old ones, 3 to remove\n"
    assert kept.read_text() == lines_of(NEW[2:3])
    told = run("near", new, "--against", articles, "--json", "-o", kept)[1]
    assert json.loads(told) == {
        "articles": 4, "old": 3, "pairs": 4, "copies": 2, "refused": 0, "output": str(kept),
    }  # fmt: skip


def test_only_what_is_no_copy_of_an_old_article_removes_others(run, tmp_path):
    """Of a chain the middle one goes for an old article, and not the last one for the middle one."""
    words = [f"w{i}" for i in range(100)]
    old, middle, last = (" ".join(words[start : start + 60]) for start in (0, 8, 16))
    paths = [tmp_path / "old.jsonl", tmp_path / "new.jsonl"]
    paths[0].write_text(lines_of([{"id": "old", "text": old}]))
    paths[1].write_text(lines_of([{"id": "middle", "text": middle}, {"id": "last", "text": last}]))
    assert run("near", paths[1], "--keep")[1].count("\n") == 1
    assert json.loads(run("near", paths[1], "--keep", "--against", paths[0])[1])["id"] == "last"


def test_sketches_and_articles_are_old_ones_together(run, rows, new, articles, sketches, tmp_path):
    both = rows("near", new, "--against", articles, sketches)
    assert {row["old"] for row in both} == {"a", "b", "july"}
    assert both == rows("near", new, "--against", sketches, "--against", articles)
    assert [(row["new"], row["old"]) for row in rows("near", new, "--against", sketches)] == [
        ("n2", "july"),
        ("n3", "july"),
    ]
    august = tmp_path / "august.sketches"
    dedup.sketches.save([{"id": "august", "text": NEW[1]["text"]}], august)
    removed = tmp_path / "removed.jsonl"
    assert run("near", new, "--keep", "--against", august, sketches, articles, "--removed", removed)[1] == ""
    table = list(map(json.loads, removed.read_text().splitlines()))
    assert [row["kept"] for row in table] == ["b", "august", "august", "b"]  # of equals the first
    code, out, err = run("near", new, "--against", sketches, articles, "-o", tmp_path / "pairs.csv")
    assert (code, err) == (0, "")
    assert out.endswith(": 4 articles, 4 copies of 5 old ones\n")


def test_texts_are_read_as_those_of_the_sketches_were(run, rows, new, tmp_path):
    path = tmp_path / "old.parquet"
    dedup.sketches.save(NEW[1:2], path, shingle_size=3)
    (_, pair) = rows("near", new, "--against", path)
    expected = dedup.near_duplicates(NEW[2:3], against=NEW[1:2], shingle_size=3)
    assert pair["jaccard"] == round(expected.jaccard[0], 6)
    assert run("near", new, "--against", path, "--shingle-size", "3")[0] == 0
    code, _, err = run("near", new, "--against", path, "--shingle-size", "5")
    assert (code, err) == (2, "dedup near: error: --shingle-size is 5; allowed: 3, as in these sketches\n")
    code, _, err = run("near", new, "--against", path, "--cut-residue")
    assert (code, err) == (2, "dedup near: error: --cut-residue is True; allowed: False, as in these sketches\n")


def test_articles_without_ids_are_named_by_position(rows, run, tmp_path):
    paths = [tmp_path / name for name in ("new.jsonl", "old1.jsonl", "old2.jsonl")]
    texts = (["Kim", "Rates rise", WIRE, WIRE], ["Rates fall"], [WIRE])
    for path, own in zip(paths, texts, strict=True):
        path.write_text(lines_of([{"text": text} for text in own]))
    found = rows("near", paths[0], "--against", *paths[1:])
    assert [(row["new"], row["old"]) for row in found] == [("2", "1"), ("3", "1")]
    removed = tmp_path / "removed.jsonl"
    assert run("near", paths[0], "--against", paths[1], "--keep", "--removed", removed)[1].count("\n") == 3
    assert facts(json.loads(removed.read_text())) == ("3", "2", "new")
    paths[0].write_text(lines_of([{"text": WIRE}, {"id": "1", "text": "Kim"}, {"text": "Kim"}]))
    assert run("near", paths[0], "--against", paths[2], "--keep", "--removed", removed)[::2] == (0, "")
    table = map(json.loads, removed.read_text().splitlines())
    assert list(map(facts, table)) == [("0", "0", "old"), ("2", "1", "new")]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_stays_is_no_copy_and_whatever_goes_is_one(run, tmp_path, seed):
    rng = random.Random(seed)
    base = [[f"w{rng.randrange(10**6)}" for _ in range(30)] for _ in range(5)]

    def version():
        words = list(rng.choice(base))
        words[rng.randrange(4)] = str(rng.randrange(100))
        return " ".join(words[: rng.randrange(22, 31)])

    old, new = ([{"id": f"{side}{i}", "text": version()} for i in range(15)] for side in "on")
    base += [[f"v{rng.randrange(10**6)}" for _ in range(30)] for _ in range(3)]
    new += [{"id": f"m{i}", "text": version()} for i in range(15)]
    paths = tmp_path / "old.jsonl", tmp_path / "new.jsonl", tmp_path / "removed.jsonl"
    for path, items in zip(paths[:2], (old, new), strict=True):
        path.write_text(lines_of(items))
    code, out, err = run("near", paths[1], "--against", paths[0], "--keep", "--removed", paths[2])
    assert (code, err) == (0, "")
    kept = [json.loads(line) for line in out.splitlines()]
    assert len(dedup.near_duplicates(kept, against=old).pairs) == len(dedup.near_duplicates(kept).pairs) == 0
    removed = [json.loads(line) for line in paths[2].read_text().splitlines()]
    assert {item["id"] for item in kept} | {row["removed"] for row in removed} == {item["id"] for item in new}
    assert len(kept) + len(removed) == len(new)
    assert {row["kept_in"] for row in removed} == {"old", "new"}
    texts = {item["id"]: item["text"] for item in [*old, *new]}
    names = {"old": {item["id"] for item in old}, "new": {item["id"] for item in kept}}
    for row in removed:
        assert row["kept"] in names[row["kept_in"]]
        pair = dedup.near_duplicates([texts[row["removed"]], texts[row["kept"]]])
        assert [row[name] for name in SIMILARITIES] == [round(getattr(pair, name)[0], 6) for name in SIMILARITIES]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--groups"], "--groups with --against; allowed: one of the two"),
        (["--within", "source"], "--within with --against; allowed: one of the two"),
        (["--across", "source"], "--across with --against; allowed: one of the two"),
        (["--against", "nowhere.jsonl"], "nowhere.jsonl: there is no such file or folder"),
        (["--against", "{new}.pdf"], "its suffix tells no format"),
        (["--threshold", "2"], "--threshold is 2.0; allowed: a number in (0, 1]"),
    ],
)
def test_what_is_not_allowed(run, new, articles, arguments, message):
    (new.parent / "new.jsonl.pdf").touch()
    given = [argument.format(new=new) for argument in arguments]
    code, out, err = run("near", new, "--against", articles, *given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_standard_input_is_either_new_or_old(run, give, new):
    assert run("near", "-", "--against", "-")[::2] == (
        2,
        "dedup near: error: standard input is named twice; allowed: once\n",
    )
    give(lines_of(ARTICLES).encode())
    assert run("near", new, "--against", "-")[1].count("\n") == 4
    give(b"id,text\nn," + WIRE.replace(",", ";").encode() + b"\n")
    assert json.loads(run("near", "-", "--format", "csv", "--against", new, "--threshold", "0.9")[1])["old"] == "n1"


def test_bad_articles_are_said_with_their_place(run, new, tmp_path):
    old = tmp_path / "old.jsonl"
    old.write_text(lines_of([ARTICLES[0], {"id": "x", "text": 5}]) + "no JSON\n")
    code, out, err = run("near", new, "--against", old, "--errors", "skip", "--json", "-o", tmp_path / "pairs.jsonl")
    assert (code, json.loads(out)["old"], json.loads(out)["refused"]) == (0, 1, 2)
    said = [line.partition(f"{old}, ")[2] for line in err.splitlines()]
    assert said[0].startswith("line 3: ")
    assert said[1].startswith("line 2 (id 'x'): field 'text' is 5; allowed: str")
    old.write_text(lines_of([ARTICLES[0], {"id": "x", "text": 5}]))
    code, out, err = run("near", new, "--against", old)
    assert (code, out) == (2, "")
    assert err == f"dedup near: error: {old}, line 2 (id 'x'): field 'text' is 5; allowed: str\n"
    code, out, err = run("near", old, "--against", new)
    assert err == f"dedup near: error: {old}, line 2 (id 'x'): field 'text' is 5; allowed: str\n"
    code, out, err = run("near", old, "--against", new, "--keep", "--errors", "skip")
    assert (code, out, err.count("\n")) == (0, "", 1)
