"""Feeds and documents of JSON among the files of an archive: what they are elsewhere, named by their entries."""

import codecs
import gzip
import json

import pytest
from archived import cluster, rows_of
from feed_shapes import SHAPES, rss

import dedup
from dedup import archive, feeds
from dedup.cli import main

pytest.importorskip("feedparser", reason="feedparser is not installed: pip install feedparser")

GREEK = "<item><guid>g</guid><title>Athens votes</title><pubDate>Κυρ, 11 Ιούλ 2004 12:00:00 EST</pubDate></item>"
PAGE = b"<!DOCTYPE html><html><head><title>Not found</title></head></html>"


@pytest.mark.parametrize(
    ("name", "packed"),
    [("RSS with HTML", True), ("Atom with summaries", False), ("JSON Feed", True), ("NewsAPI", False)],
)
def test_the_stories_of_a_feed_are_those_of_the_batch(tmp_path, name, packed):
    content = SHAPES[name].content
    path = tmp_path / (SHAPES[name].file + ".gz" * packed)
    path.write_bytes(gzip.compress(content) if packed else content)
    cluster(path, tmp_path / "out")
    stories = dedup.cluster(feeds.read(content))
    got = {row["id"]: row["story_id"] for row in rows_of(tmp_path / "out", "assignments")}
    assert got == {a.id: stories[label].id for a, label in zip(stories.articles, stories.labels, strict=True)}
    again = archive.read(tmp_path / "out")
    assert sorted(again.articles, key=lambda a: a.id) == sorted(stories.articles, key=lambda a: a.id)


def test_a_time_that_no_json_has_stays_one(tmp_path):
    (tmp_path / "feed.rss").write_bytes(rss(GREEK))
    cluster(tmp_path / "feed.rss", tmp_path / "out")
    (story,) = rows_of(tmp_path / "out", "stories")
    assert story["first"].isoformat() == "2004-07-11T17:00:00+00:00"


def test_files_of_all_kinds_are_one_archive_and_refusals_say_where(tmp_path):
    good, bad = ({"id": name, "text": text} for name, text in (("a", "The ferry sails."), ("b", 5)))
    (tmp_path / "1.jsonl").write_bytes(codecs.BOM_UTF8 + json.dumps(good).encode())
    (tmp_path / "2.json").write_text(f"{json.dumps(good | {'id': 'c'})}\n{json.dumps(bad)}\n", "utf-8")
    (tmp_path / "3.json").write_text(json.dumps([good | {"id": "d"}, 7, bad | {"id": "e"}], indent=1), "utf-8")
    (tmp_path / "4.rss").write_bytes(
        rss("<item><guid>f</guid><title>Road open</title></item><item><guid>x</guid></item>")
    )
    paths = sorted(tmp_path.glob("*.*"))
    cluster(paths, tmp_path / "out", errors="skip")
    assert {row["id"] for row in rows_of(tmp_path / "out", "assignments")} == {"a", "c", "d", "f"}
    refused = [(row["file"][-6:].lstrip("/"), row["row"], row["id"]) for row in rows_of(tmp_path / "out", "refusals")]
    assert refused == [("2.json", 1, "b"), ("3.json", 1, None), ("3.json", 2, "e"), ("4.rss", 1, "x")]
    for path, place in zip(paths[1:], ("2.json, line 2", "3.json, entry 2", "4.rss, entry 2"), strict=True):
        with pytest.raises((TypeError, ValueError), match=place):
            cluster(path, tmp_path / "none")


@pytest.mark.parametrize("name", ["page.xml", "page.json"])
def test_what_is_no_feed_is_said_and_leaves_nothing(tmp_path, capsys, name):
    (tmp_path / name).write_bytes(PAGE)
    assert main(["archive", "near", str(tmp_path / name), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"archive near: error: paths: {tmp_path / name}: it is an HTML page; allowed: RSS" in said
    assert not (tmp_path / "out").exists()


def test_a_broken_pack_is_said(tmp_path):
    path = tmp_path / "feed.xml.gz"
    path.write_bytes(gzip.compress(SHAPES["RDF"].content)[:-9])
    with pytest.raises(OSError, match=r"feed\.xml\.gz: cannot be unpacked"):
        cluster(path, tmp_path / "out")
