"""Feeds and documents of JSON as files and on standard input, wherever the command takes JSONL."""

import gzip
import json
import threading

import pytest
from command_line import ARTICLES, lines_of, start
from feed_shapes import REPORTS, SHAPES, rss, url_of

import dedup
from dedup import feeds

RSS = SHAPES["RSS with HTML"].content


@pytest.fixture
def shape_of(tmp_path):
    def write(name):
        path = tmp_path / SHAPES[name].file
        path.write_bytes(SHAPES[name].content)
        return path, SHAPES[name].options

    return write


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_read_from_a_file_and_from_standard_input(run, rows, give, shape_of, name):
    path, options = shape_of(name)
    got = rows("cluster", path, "--stories", *options)
    assert sum(row["size"] for row in got) == len(REPORTS)
    assert [row["first"] is None for row in got] == [False] * len(got)
    give(SHAPES[name].content)
    assert rows("cluster", "-", "--stories", *options) == got


def test_the_commands_say_what_the_library_says(rows, run, shape_of, tmp_path):
    path, _ = shape_of("RSS with HTML")
    stories = dedup.cluster(feeds.read(path))
    got = rows("cluster", path)
    assert [(row["id"], row["story_id"]) for row in got] == [
        (article.id, stories[label].id) for article, label in zip(stories.articles, stories.labels, strict=True)
    ]
    assert [(row["left"], row["right"]) for row in rows("near", path)] == [("valley-1", "valley-2")]
    code, out, _ = run("explain", path, "valley-1", "valley-2")
    assert (code, "Ardel" in out) == (0, True)


def test_articles_without_later_copies_are_written_as_read(rows, shape_of):
    path, _ = shape_of("RSS with HTML")
    first, _, third = feeds.read(path)
    assert rows("near", path, "--keep") == [first, third]


def test_a_feed_is_ingested_from_standard_input(run, give, tmp_path):
    for outcome in ("2 new stories, 0 reports, 1 near-duplicates", "3 unchanged"):
        give(RSS)
        code, out, err = run("ingest", tmp_path / "stories.db", "-")
        assert (code, err, outcome in out) == (0, "", True)


@pytest.mark.parametrize("suffix", [".xml", ".rss", ".atom", ".rdf", ".XML", ".xml.gz", ".json"])
def test_suffixes_of_feeds(rows, tmp_path, suffix):
    path = tmp_path / f"feed{suffix}"
    path.write_bytes(gzip.compress(RSS, mtime=0) if suffix.endswith("gz") else RSS)
    assert len(rows("cluster", path)) == 3


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (lines_of(ARTICLES), "abc"),
        ("\n\n" + lines_of(ARTICLES), "abc"),
        (lines_of(ARTICLES[:1]), "a"),
        (json.dumps(ARTICLES), "abc"),
        (json.dumps(ARTICLES, indent=1), "abc"),
        (json.dumps({"articles": ARTICLES}), "abc"),
        (json.dumps({"articles": ARTICLES}) + "\n\n", "abc"),
        (json.dumps({"data": ARTICLES}, indent=4), "abc"),
        ("\ufeff" + json.dumps({"data": ARTICLES}, indent=4), "abc"),
        (" \n" + rss("<item><guid>a</guid><title>T</title></item>").decode(), "a"),
        # Articles that have a list of others are no documents.
        (lines_of([article | {"items": [{"url": "x"}]} for article in ARTICLES]), "abc"),
        (lines_of([{"id": name, "body": "Kim", "data": [{"url": "x"}]} for name in "ab"]), "ab"),
        ("id,headline\na,Kim\nb,Putin\n", "ab"),
        ("\ufeffguid\tarticle body\na\tKim\nb\tPutin", "ab"),
        ('"Title","ID","a,b"\r\n"Kim, \r\nPutin","a","x"\r\n', "a"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_first_line_tells_what_it_is(rows, give, tmp_path, content, ids, packed):
    data = content.encode()
    data = gzip.compress(data, mtime=0) if packed else data
    give(data)
    assert [row["id"] for row in rows("cluster", "-")] == list(ids)
    path = tmp_path / "articles.json"
    path.write_bytes(data)
    assert [row["id"] for row in rows("cluster", path)] == list(ids)


def test_lines_that_are_rather_no_table(run, give):
    for content in ("title\nKim\n", "id,story\na,Kim\n", "id;title\na;Kim\n", 'id,"title\n', "\u00ff,title\n"):
        give(content.encode("latin-1"))
        code, _, err = run("cluster", "-")
        assert code == 2
        assert "line 1" in err
        assert "one JSON object a line" in err or "not UTF-8" in err


def test_utf_16_on_standard_input(rows, give):
    give(RSS.decode().replace("UTF-8", "UTF-16").encode("utf-16"))
    assert len(rows("cluster", "-")) == 3


def test_a_format_that_is_named_holds(run, rows, give):
    give(RSS)
    code, _, err = run("cluster", "-", "--format", "json")
    assert (code, "standard input: it is no JSON that can be read" in err) == (2, True)
    give(json.dumps(ARTICLES).encode())
    code, _, err = run("cluster", "-", "--format", "jsonl")
    assert (code, "standard input, line 1: it is a list" in err) == (2, True)
    for form in ("json", "feed"):
        give(json.dumps(ARTICLES).encode())
        assert len(rows("cluster", "-", "--format", form)) == 3


def test_an_entry_that_is_wrong_is_named_by_its_place(run, tmp_path):
    entries = [
        "<guid>a</guid><title>A</title>",
        "<guid>b</guid>",
        "<guid>c</guid><title>C</title><pubDate>soon</pubDate>",
    ]
    path = tmp_path / "feed.xml"
    path.write_bytes(rss("".join(f"<item>{entry}</item>" for entry in entries)))
    code, _, err = run("cluster", path)
    assert (code, f"{path}, entry 2 (id 'b'): fields 'text' and 'title' are missing" in err) == (2, True)
    code, out, err = run("cluster", path, "--errors", "skip")
    assert (code, len(out.splitlines())) == (0, 1)
    assert f"{path}, entry 3 (id 'c'): field 'published' is 'soon'" in err
    code, out, err = run("ingest", tmp_path / "stories.db", path, "--errors", "skip")
    assert (code, "2 refused" in out) == (0, True)


def test_what_is_no_object_is_refused_alone(run, tmp_path):
    path = tmp_path / "articles.json"
    path.write_text(json.dumps([ARTICLES[0], 5, "Kim"]))
    code, _, err = run("cluster", path)
    assert (code, f"{path}, entry 2: it is a int; allowed: an object" in err) == (2, True)
    code, out, err = run("cluster", path, "--errors", "skip")
    assert (code, len(out.splitlines()), len(err.splitlines())) == (0, 1, 2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("page.xml", b"<html></html>", "page.xml: it is an HTML page; allowed: RSS"),
        ("empty.xml", b"", "empty.xml: it is empty"),
        ("empty.json.gz", gzip.compress(b"[", mtime=0)[:-3], "empty.json.gz: cannot be read"),
        ("error.json", b'{"status": "error",\n"message": "no key"}', "error.json: it says 'no key' and has no list"),
        ("cut.json", b'[{"id": "a", "text": "Kim"},', "cut.json: it is no JSON"),
        ("cut.rss", RSS[:200], "cut.rss: it"),
    ],
)
def test_what_is_no_feed_is_said(run, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    code, out, err = run("cluster", tmp_path / name)
    assert (code, out, message in err) == (2, "", True)


def test_a_feed_that_is_cut_short_is_noted(run, tmp_path):
    (tmp_path / "cut.xml").write_bytes(RSS[: RSS.index(b"valley-3")])
    code, out, err = run("cluster", tmp_path / "cut.xml")
    assert (code, len(out.splitlines())) == (0, 2)
    assert "cut.xml: it is broken XML" in err


def test_an_empty_json_has_no_articles(run, give):
    give(b"")
    assert run("cluster", "-")[:2] == (0, "")


def test_lines_are_read_as_they_come(tmp_path):
    """Another line is waited for only behind a response in one line: articles are stored while the input is open."""
    process = start("ingest", tmp_path / "stories.db", "-", "--batch-size", 1, "--json")
    lines = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()))
    reader.start()
    try:
        # The second line fills the batch of the first.
        process.stdin.write(lines_of([*ARTICLES[:2]]).encode())
        process.stdin.flush()
        reader.join(30)
        assert json.loads(lines[0])["article_id"] == "a"
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
        process.stderr.close()


def test_help_names_feeds(run):
    code, out, _ = run("cluster", "--help")
    assert (code, "a feed (RSS, Atom, JSON Feed)" in " ".join(out.split())) == (0, True)
    assert url_of(REPORTS[0]).encode() in RSS
