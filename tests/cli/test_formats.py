"""Every format in and out says the same."""

import csv
import gzip
import json

import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from command_line import ARTICLES, WIRE, lines_of

import dedup
from dedup.inputs import files, packing


def zstd(data):
    return pyarrow.Codec("zstd").compress(data, asbytes=True)


def as_csv(path, delimiter=","):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "text", "title", "published", "source"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(ARTICLES)
    return path


@pytest.fixture
def expected(rows, articles):
    return rows("cluster", articles)


def test_a_line_an_article_is_what_cluster_says(expected):
    stories = dedup.cluster(ARTICLES)
    assert [list(row) for row in expected] == [
        ["id", "story_id", "episode_id", "near_duplicate_group", "is_representative", "membership"]
    ] * 3
    assert [row["id"] for row in expected] == ["a", "b", "c"]
    assert [row["story_id"] for row in expected] == [stories[label].id for label in stories.labels]
    assert [row["episode_id"] for row in expected] == ["a", "a", "c"]
    assert [row["near_duplicate_group"] for row in expected] == stories.near_duplicate_labels.tolist() == [0, 0, 1]
    assert [row["is_representative"] for row in expected] == [True, False, True]


@pytest.mark.parametrize(
    "name", ["a.csv", "a.CSV", "a.tsv", "a.parquet", "Kim à Москва 金.jsonl.gz", "a.csv.gz", "a.csv.zst"]
)
def test_every_input(rows, expected, tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        pandas.DataFrame(ARTICLES).to_parquet(path)
    elif name.endswith("jsonl.gz"):
        path.write_bytes(gzip.compress(lines_of(ARTICLES).encode()))
    elif name.endswith(".zst"):
        path.write_bytes(zstd(as_csv(tmp_path / "plain").read_bytes()))
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(as_csv(tmp_path / "plain").read_bytes()))
    else:
        as_csv(path, "\t" if name.endswith("tsv") else ",")
    assert rows("cluster", path) == expected


def test_parquet_without_pyarrow(rows, run, expected, tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    polars.DataFrame(ARTICLES).write_parquet(path)
    missing = {"pyarrow"}
    find = files.find_spec
    monkeypatch.setattr(files, "find_spec", lambda name: None if name in missing else find(name))
    assert rows("cluster", path) == expected
    missing.add("polars")
    code, out, err = run("cluster", path)
    assert (code, out) == (1, "")
    assert 'pip install "dedup-stories[parquet]"' in err


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
def test_standard_input(rows, expected, give, packed):
    give(packed(lines_of(ARTICLES).encode()))
    assert rows("cluster", "-") == expected


def test_zstandard_that_nothing_reads_or_that_is_cut(run, tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstd(lines_of(ARTICLES).encode())[:-4])
    code, out, err = run("cluster", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"dedup cluster: error: {path}: cannot be read: ")
    monkeypatch.setattr(packing, "find_spec", lambda name: None)
    code, out, err = run("cluster", path)
    assert (code, out) == (1, "")
    assert 'Zstandard needs Python 3.14 or pyarrow: pip install "dedup-stories[parquet]"' in err


def test_standard_input_in_another_format(rows, expected, give, tmp_path):
    give(as_csv(tmp_path / "a").read_bytes())
    assert rows("cluster", "-", "--format", "csv") == expected


def test_folder_of_texts(rows, tmp_path):
    for name, text in (("été/б.txt", WIRE), ("a.txt", f"MOSCOW - {WIRE}"), ("été/x.html", "no"), ("z.TXT", "Paris")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (pair,) = rows("near", tmp_path)
    assert (pair["left"], pair["right"], pair["jaccard"]) == ("a.txt", "été/б.txt", 0.933333)


def test_single_texts(rows, tmp_path):
    paths = tmp_path / "a.txt", tmp_path / "b.txt"
    for path in paths:
        path.write_bytes(b"\xef\xbb\xbf" + WIRE.encode())
    ((left, right),) = [(pair["left"], pair["right"]) for pair in rows("near", *paths)]
    assert (left, right) == tuple(map(str, paths))


def test_several_inputs_and_ids_by_position(rows, tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": WIRE}) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": WIRE}) + "\n\n" + json.dumps({"text": "Paris"}))
    got = rows("cluster", tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert [(row["id"], row["near_duplicate_group"]) for row in got] == [("0", 0), ("1", 0), ("2", 1)]


def test_other_names_of_fields(rows, expected, tmp_path):
    names = {"id": "guid", "text": "body", "title": "head", "published": "date", "source": "outlet"}
    renamed = [{names[key]: value for key, value in article.items()} | {"text": "other"} for article in ARTICLES]
    path = tmp_path / "a.jsonl"
    path.write_text(lines_of(renamed))
    assert rows("cluster", path, *(f"--{field}={name}" for field, name in names.items())) == expected


def test_seconds_and_empty_cells_of_tables(run, tmp_path):
    path = tmp_path / "a.csv"
    lines = ["id,text,published,source", f'a,"{WIRE}",1694505600,', "b,Storms in Brazil,,", "c,Rates rise,20230912,"]
    path.write_text("\n".join(lines))
    code, out, err = run("cluster", path, "--stories")
    assert (code, err) == (0, "")
    first = {row["story_id"]: (row["first"], row["sources"]) for row in map(json.loads, out.splitlines())}
    assert first["a"] == ("2023-09-12T08:00:00+00:00", [])
    assert first["b"] == (None, [])
    assert first["c"] == ("2023-09-12T00:00:00+00:00", [])


def test_stories(rows, articles):
    first, second = rows("cluster", articles, "--stories")
    assert (first["size"], first["representative"], first["articles"]) == (2, "a", ["a", "b"])
    assert (first["near_duplicates"], first["sources"]) == ([["a", "b"]], ["Wire", "Post"])
    assert (second["story_id"], second["first"]) == ("c", "2023-09-14T12:15:00+00:00")


# Chapters


@pytest.fixture(scope="module")
def hike():
    """Articles of one story with two episodes, and of another story."""
    events = "mount-orrin-hiker-2023", "herat-earthquake-2023"
    return [a for a in dedup.sample_articles("en") if a.event in events and a.id != "herat-earthquake-2023-en-2"]


@pytest.fixture
def hiked(hike, tmp_path):
    fields = "id", "title", "text", "source", "language"
    path = tmp_path / "hike.jsonl"
    records = [{name: getattr(a, name) for name in fields} | {"published": a.published.isoformat()} for a in hike]
    path.write_text(lines_of(records), encoding="utf-8")
    return path


def test_a_line_an_episode(rows, hike, hiked):
    stories = dedup.cluster(hike)
    assert [len(story.episodes) for story in stories] == [2, 1]
    got = rows("cluster", hiked, "--episodes")
    assert list(got[0])[:3] == ["episode_id", "story_id", "size"]
    assert [(row["story_id"], row["episode_id"], row["headline"], row["articles"]) for row in got] == [
        (story.id, episode.id, episode.headline, [article.id for article in episode.articles])
        for story in stories
        for episode in story.episodes
    ]
    labels = {name: row["episode_id"] for row in got for name in row["articles"]}
    assert [labels[row["id"]] == row["episode_id"] for row in rows("cluster", hiked)] == [True] * len(hike)


def test_a_story_has_its_episodes_in_the_last_column(rows, hiked):
    first, second = rows("cluster", hiked, "--stories")
    episodes = rows("cluster", hiked, "--episodes")
    assert list(first)[-1] == "episodes"
    assert [len(first["episodes"]), len(second["episodes"])] == [2, 1]
    for story, chapter in ((first, 0), (first, 1), (second, 0)):
        row = next(row for row in episodes if row["episode_id"] == story["episodes"][chapter]["episode_id"])
        assert story["episodes"][chapter] == {name: value for name, value in row.items() if name != "story_id"}


def test_in_a_text_a_story_has_its_chapters_below_it(run, hike, hiked, tmp_path):
    story, other = dedup.cluster(hike)
    code, out, err = run("cluster", hiked, "--to", "text")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.endswith(headline) for line, headline in zip(lines, [story.headline], strict=False)] == [True]
    assert [line.endswith(e.headline) for line, e in zip(lines[1:], story.episodes, strict=False)] == [True, True]
    assert lines[0].split()[:3] == [story.id, "5", "2023-06-12"]
    assert [line.split()[:2] for line in lines[1:3]] == [["2", "2023-06-12"], ["3", "2023-06-15"]]
    assert {
        line.index(f"  {day}") for line, day in zip(lines, ("2023-06-12", "2023-06-12", "2023-06-15"), strict=False)
    } == {lines[0].index("  2023-06-12")}
    assert (len(lines), lines[3].split()[0]) == (4, other.id)  # one episode is no chapter
    code, told, _ = run("cluster", hiked, "-o", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text("utf-8") == out
    assert told.endswith(f"{len(hike)} articles in 2 stories of 3 episodes, 0 copies\n")


def test_without_a_gap_each_episode_is_a_story(rows, hiked):
    episodes = rows("cluster", hiked, "--episodes")
    apart = rows("cluster", hiked, "--episodes", "--max-gap-days", "0")
    assert {row["episode_id"] for row in apart} == {row["story_id"] for row in apart}
    assert {row["episode_id"] for row in apart} == {row["episode_id"] for row in episodes}


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
@pytest.mark.parametrize("what", ["--episodes", "--stories"])
def test_tables_of_episodes_say_what_lines_of_json_say(run, rows, hiked, tmp_path, name, what):
    path = tmp_path / name
    assert run("cluster", hiked, what, "-o", path)[0] == 0
    if name.endswith("csv"):
        got = pandas.read_csv(path, dtype=str).fillna("").to_dict("records")
        nested = "terms", "sources", "articles", "near_duplicates", "episodes"
        got = [{key: json.loads(cell) if key in nested else cell for key, cell in row.items()} for row in got]
        want = rows("cluster", hiked, what)
        assert got == [{key: v if isinstance(v, list) else str(v) for key, v in row.items()} for row in want]
    else:
        assert pyarrow.parquet.read_table(path).to_pylist() == rows("cluster", hiked, what)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet"])
def test_every_output(run, articles, expected, tmp_path, name):
    path = tmp_path / name
    code, out, err = run("cluster", articles, "-o", path)
    assert (code, out, err) == (0, f"{path}: 3 articles in 2 stories, 1 copy\n", "")
    if name.endswith("parquet"):
        got = pyarrow.parquet.read_table(path).to_pylist()
    elif name.endswith("csv"):
        got = pandas.read_csv(path).to_dict("records")
    else:
        data = path.read_bytes()
        data = gzip.decompress(data) if name.endswith("gz") else data
        got = list(map(json.loads, data.splitlines()))
    assert got == expected
    assert sorted(child.name for child in tmp_path.iterdir()) == sorted(["articles.jsonl", name])


def test_page(run, articles, tmp_path):
    path = tmp_path / "out.html"
    assert run("cluster", articles, "-o", path, "--json")[:2] == (
        0,
        json.dumps({"articles": 3, "stories": 2, "episodes": 2, "copies": 1, "refused": 0, "output": str(path)}) + "\n",
    )
    _, out, _ = run("cluster", articles, "--to", "html")
    assert out == path.read_text()
    assert "Kim in Russia" in out


def test_parquet_to_standard_output(run, articles, capsysbinary, tmp_path):
    from dedup.cli import main

    assert main(["cluster", str(articles), "--stories", "--to", "parquet"]) == 0
    (tmp_path / "x").write_bytes(capsysbinary.readouterr().out)
    assert pyarrow.parquet.read_table(tmp_path / "x").column("near_duplicates").to_pylist() == [[["a", "b"]], []]


def test_groups(rows, articles):
    assert rows("near", articles, "--groups") == [{"near_duplicate_group": 0, "size": 2, "articles": ["a", "b"]}]


def test_keep_leaves_lines_as_they_came(run, tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [f'{{"text":"{WIRE}",   "x":1.50}}', f'{{"text":"{WIRE}"}}', '{"x":[1],"text":"\\u00e9 \\ud800"}']
    path.write_text("\n".join(lines))
    code, out, err = run("near", path, "--keep")
    assert (code, out, err) == (0, f"{lines[0]}\n{lines[2]}\n", "")
    run("near", path, "--keep", "-o", path)  # in place
    assert path.read_text() == out


def test_removed_names_what_goes_and_what_stays_for_it(run, tmp_path):
    path, removed = tmp_path / "a.jsonl", tmp_path / "removed.csv"
    path.write_text(lines_of(ARTICLES))
    assert run("near", path, "--keep", "--removed", removed)[1] == lines_of([ARTICLES[0], ARTICLES[2]])
    (row,) = csv.DictReader(removed.read_text().splitlines())
    assert (row["removed"], row["kept"], 0.7 < float(row["jaccard"]) < 1) == ("b", "a", True)
    assert run("near", path, "--keep", "--within", "source")[1] == lines_of(ARTICLES)
    assert run("near", path, "--keep", "--across", "source")[1] == lines_of([ARTICLES[0], ARTICLES[2]])
    path.write_text(lines_of(ARTICLES[1::-1]))
    assert run("near", path, "--keep")[1] == lines_of(ARTICLES[1:2])
    assert run("near", path, "--keep", "--policy", "longest")[1] == lines_of(ARTICLES[:1])  # with its title


def test_of_a_chain_keep_leaves_what_is_a_copy_of_none_that_stays(run, tmp_path):
    words, path = [f"w{i}" for i in range(200)], tmp_path / "a.jsonl"
    path.write_text(lines_of([{"id": str(i), "text": " ".join(words[5 * i : 5 * i + 80])} for i in range(12)]))
    star = run("near", path, "--keep")[1].splitlines()
    assert len(run("near", path, "--keep", "--linkage", "group")[1].splitlines()) == 1 < len(star) < 12


def test_keep_from_table_to_table(run, tmp_path):
    path, kept = as_csv(tmp_path / "a.csv"), tmp_path / "b.parquet"
    assert run("near", path, "--keep", "-o", kept)[0] == 0
    assert pyarrow.parquet.read_table(kept).to_pylist() == [
        {"title": "", **article} for article in (ARTICLES[0], ARTICLES[2])
    ]
    assert run("near", kept, "--keep", "-o", tmp_path / "c.csv")[0] == 0
    assert [row["id"] for row in csv.DictReader((tmp_path / "c.csv").read_text().splitlines())] == ["a", "c"]


@pytest.mark.parametrize("command", [("near",), ("near", "--keep"), ("near", "--groups"), ("cluster",)])
def test_empty_file(rows, tmp_path, command):
    path = tmp_path / "a.jsonl"
    path.touch()
    assert rows(*command, path) == []


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet", "out.html", "out.txt"])
def test_empty_file_to_every_output(run, tmp_path, name):
    (tmp_path / "a.jsonl").touch()
    assert run("cluster", tmp_path / "a.jsonl", "-o", tmp_path / name)[0] == 0
    assert (tmp_path / name).exists()


def test_a_time_that_python_does_not_have_is_said_with_its_row(run, tmp_path):
    moments = pyarrow.array([0, 2**60], pyarrow.timestamp("us", "UTC"))
    table = pyarrow.table({"id": ["a", "b"], "text": [WIRE, WIRE], "published": moments})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    code, out, err = run("cluster", tmp_path / "a.parquet")
    assert (code, out) == (2, "")
    assert (
        f"error: {tmp_path / 'a.parquet'}, row 2 (id 'b'): field 'published' is 'a datetime that Python does not have'"
        in err
    )
