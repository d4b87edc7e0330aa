"""Copies alone from files to files: what `dedup.near_duplicates` finds in memory, and what its `keep` leaves."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import joblib
import numpy as np
import pytest
from archived import BEGIN, files_of, generated, hostile, in_order, rows_of, shuffled, spread, versions, write

import dedup
from dedup import archive
from dedup.archive import keeping, near, slices
from dedup.parameters import POLICIES
from dedup.wording import printable

TABLES = {"pairs", "groups", "kept", "refusals"}


def find(paths, out, **parameters):
    """Run a job in this process."""
    return archive.near_duplicates(paths, out, **{"n_jobs": 1} | parameters)


def rows_of_batch(articles, *, keep="first", linkage="star", **parameters):
    """What the tables should have, by `dedup.near_duplicates` and `NearDuplicates.keep`."""
    ordered = in_order(articles)
    ids = [printable(article.id) for article in ordered]
    found = dedup.near_duplicates(ordered, **parameters)
    place = {article["id"]: number for number, article in enumerate(articles)}
    policy = [-place[article.id] for article in ordered] if keep == "first" else keep
    kept = found.keep(policy, linkage=linkage)
    stays = {ids[i]: {"kept": ids[i], "jaccard": 1.0, "containment": 1.0} for i in range(len(ids))}
    columns = kept.removed.tolist(), kept.kept_for.tolist(), kept.jaccard.tolist(), kept.containment.tolist()
    for goes, other, jaccard, containment in zip(*columns, strict=True):
        stays[ids[goes]] = {"kept": ids[other], "jaccard": jaccard, "containment": containment}
    columns = found.pairs.tolist(), found.jaccard.tolist(), found.containment.tolist()
    pairs = {(ids[i], ids[j]): both for (i, j), *both in zip(*columns, strict=True)}
    groups = [
        {"id": name, "near_duplicate_group": label} for name, label in zip(ids, found.labels.tolist(), strict=True)
    ]
    return pairs, groups, [{"id": name} | stays[name] for name in ids], found, kept


def pairs_of(out):
    rows = rows_of(out, "pairs")
    pairs = {(row["left"], row["right"]): [row["jaccard"], row["containment"]] for row in rows}
    assert len(pairs) == len(rows)
    return pairs


def assert_same_as_the_batch(out, manifest, articles, **parameters):
    pairs, groups, stays, found, kept = rows_of_batch(articles, **parameters)
    assert pairs_of(out) == pairs
    assert rows_of(out, "groups") == groups
    assert rows_of(out, "kept") == stays
    assert {path.name for path in Path(out).iterdir()} == {*TABLES, "manifest.json"}
    counts = manifest["counts"]
    assert counts | {"slices": 0, "refused_dates": 0, "undated_articles": 0} == {
        "articles": len(groups),
        "refused_articles": 0,
        "refused_dates": 0,
        "undated_articles": 0,
        "slices": 0,
        "given_up": found.given_up,
        "near_duplicate_pairs": len(pairs),
        "near_duplicate_groups": len(set(found.labels.tolist())),
        "kept": len(kept.positions),
        "removed": len(kept.removed),
        "share_removed": kept.share_removed,
    }


@pytest.fixture
def small_parts(monkeypatch):
    """Few articles in a slice, few words in a part of the verification."""

    def set_sizes(articles, words=2000):
        monkeypatch.setattr(slices, "SLICE_ARTICLES", articles)
        monkeypatch.setattr(near, "_WORDS_AT_ONCE", words)

    return set_sizes


# The same as in memory


def test_copies_of_files_are_those_of_the_batch(tmp_path, small_parts):
    small_parts(70)
    articles = shuffled(generated(120, copied=0.4) + hostile())
    manifest = find(write(tmp_path / "a.jsonl", articles), tmp_path / "out", errors="undated")
    assert manifest["counts"]["slices"] >= 3
    assert len(manifest["files"]["pairs"]) >= 3
    assert_same_as_the_batch(tmp_path / "out", manifest, articles, errors="undated")


@pytest.mark.parametrize("seed", range(6))
def test_any_parameters_do_what_they_do_in_the_batch(tmp_path, small_parts, seed):
    rng = np.random.default_rng(seed)
    small_parts(int(rng.integers(1, 60)), int(rng.choice([50, 400])))
    articles = generated(int(rng.integers(0, 90)), seed=seed, words=15, copied=float(rng.choice([0.2, 0.9])))
    articles = shuffled(versions(articles, seed=seed, pages=3) if len(articles) > 6 else articles, seed)
    parameters = {
        "threshold": float(rng.choice([0.4, 0.7, 1.0])),
        "recall": float(rng.choice([0.5, 0.95])),
        "num_perm": int(rng.choice([32, 128])),
        "shingle_size": int(rng.choice([1, 5])),
        "compare_numbers": bool(rng.integers(2)),
        "max_days_apart": rng.choice([None, 0.0, 1.5]),
        "cut_residue": bool(rng.integers(2)),
        "fold": str(rng.choice(["unidecode", "marks"])),
        "max_chars": int(rng.choice([60, 1000])),
        "keep": POLICIES[seed % len(POLICIES)],
        "linkage": str(rng.choice(["star", "group"])),
    }
    manifest = find(write(tmp_path / "a.jsonl", articles), tmp_path / "out", **parameters)
    assert manifest["parameters"] == parameters | {"timezone": None}
    assert_same_as_the_batch(tmp_path / "out", manifest, articles, **parameters)


def bulletins(name, count, seed, blanks=14):
    """Texts of one form with one of three words in each of its blanks: no shingle is rare. Some differ in one blank."""
    rng = random.Random(seed)
    shared = " ".join(f"{name}{i}" for i in range(120))
    texts = []
    for _ in range(count):
        words = [rng.randrange(3) for _ in range(blanks)]
        for _ in range(rng.choice([1, 1, 2])):
            filled = (
                f"{name}a{i} {name}b{i} {name}c{i} {name}d{i} {name}{i}word{word}" for i, word in enumerate(words)
            )
            texts.append(" ".join([shared, *filled]))
            words[rng.randrange(blanks)] = rng.randrange(3)
    return texts


def test_crowds_of_one_template_are_compared_as_in_the_batch(tmp_path, small_parts):
    """Also where all that they share is frequent, so that some of them are given up."""
    small_parts(150)
    rng, texts = random.Random(0), [text for k, name in enumerate("xyz") for text in bulletins(name, 110, k)]
    published = [(BEGIN + timedelta(minutes=rng.randrange(10_000))).isoformat() for _ in texts]
    articles = [
        {"id": f"{k:04}", "text": text, "published": day}
        for k, (text, day) in enumerate(zip(texts, published, strict=True))
    ]
    manifest = find(write(tmp_path / "a.jsonl", articles), tmp_path / "out", threshold=0.85)
    assert manifest["counts"]["given_up"] > 0
    assert len(manifest["files"]["pairs"]) >= 3
    assert_same_as_the_batch(tmp_path / "out", manifest, articles, threshold=0.85)


def words(rng, count):
    return [f"w{rng.randrange(20_000)}" for _ in range(count)]


def test_copies_in_a_crowd_are_found_as_surely_as_promised(tmp_path):
    """45 words of their own before 150 of a template; of the copy six words are others."""
    rng, n = random.Random(1), 500
    template, texts = words(rng, 150), []
    for _ in range(n):
        text = words(rng, 45) + template
        copy = list(text)
        for place in rng.sample(range(len(copy)), 6):
            copy[place] = words(rng, 1)[0]
        texts += [" ".join(text), " ".join(copy)]
    articles = [{"id": f"{number:04}", "text": text} for number, text in enumerate(texts)]
    manifest = find(write(tmp_path / "a.jsonl", articles), tmp_path / "out")
    pairs, _, _, found, _ = rows_of_batch(articles)
    assert pairs_of(tmp_path / "out") == pairs
    assert manifest["counts"]["given_up"] == 0
    similarities = []
    for k in range(n):
        left, right = ({tuple(own[i : i + 5]) for i in range(191)} for own in map(str.split, texts[2 * k : 2 * k + 2]))
        similarities.append(len(left & right) / len(left | right))
    promised = found.expected_recall(similarities)
    scatter = np.sqrt((promised * (1 - promised)).sum())
    hits = sum((f"{2 * k:04}", f"{2 * k + 1:04}") in pairs for k in range(n))
    assert hits >= promised.sum() - 3 * scatter


# What stays


def test_the_first_is_that_of_the_first_file_whatever_its_date(tmp_path):
    text = "one two three four five six seven eight"
    late = {"id": "late", "text": text, "published": "2024-03-01T00:00:00Z"}
    early = {"id": "early", "text": f"{text} nine", "published": "2024-01-01T00:00:00Z"}
    undated = {"id": "undated", "text": text}
    paths = [
        write(tmp_path / f"{k}.jsonl", own)
        for k, own in enumerate([[{"id": "other", "text": "Something else."}, undated, late], [early]])
    ]
    stays = {"first": "undated", "earliest": "early", "longest": "early", "central": "late"}
    for keep, name in stays.items():
        manifest = find(paths, tmp_path / keep, keep=keep)
        kept = {row["id"]: row["kept"] for row in rows_of(tmp_path / keep, "kept")}
        assert kept == {"other": "other", "undated": name, "late": name, "early": name}
        assert manifest["counts"]["share_removed"] == 0.5


def test_of_a_chain_of_snapshots_one_stays_only_if_that_is_asked_for(tmp_path):
    page = [f"word{number}" for number in range(50)]
    texts = [" ".join(page[start : start + 30]) for start in range(0, 20, 4)]
    path = write(tmp_path / "a.jsonl", [{"id": f"{hour}", "text": text} for hour, text in enumerate(texts)])
    kept = {}
    for linkage in ("star", "group"):
        find(path, tmp_path / linkage, linkage=linkage)
        assert {row["near_duplicate_group"] for row in rows_of(tmp_path / linkage, "groups")} == {0}
        kept[linkage] = [(row["kept"], round(row["jaccard"], 2)) for row in rows_of(tmp_path / linkage, "kept")]
    assert kept["star"] == [("0", 1), ("0", 0.73), ("2", 1), ("2", 0.73), ("4", 1)]
    assert kept["group"] == [("0", 1), ("0", 0.73), ("0", 0.53), ("0", 0.37), ("0", 0.24)]


def test_refused_articles_are_left_out_and_those_behind_them_keep_their_place(tmp_path):
    text = "one two three four five six seven eight"
    articles = [
        {"id": "bad", "text": 7},
        {"id": "b", "text": text},
        {"id": "a", "text": text},
        {"id": "b", "text": text},
    ]
    manifest = find(write(tmp_path / "a.jsonl", articles), tmp_path / "out", errors="skip")
    assert {row["id"]: row["kept"] for row in rows_of(tmp_path / "out", "kept")} == {"a": "b", "b": "b"}
    assert [row["row"] for row in rows_of(tmp_path / "out", "refusals")] == [0, 3]
    assert manifest["counts"]["refused_articles"] == 2


def test_of_no_articles_none_stays(tmp_path):
    manifest = find(write(tmp_path / "a.jsonl", []), tmp_path / "out")
    assert_same_as_the_batch(tmp_path / "out", manifest, [])


# However the work is cut up


def test_neither_files_nor_order_nor_workers_change_a_byte(tmp_path, small_parts):
    small_parts(50)
    articles = generated(60, seed=6, copied=0.4, words=30) + hostile(surrogates=False)
    articles = [row for row in articles if row["id"] != "no date"]  # a refusal names its file
    found = []
    for seed, (suffixes, n_jobs) in enumerate([([".jsonl"], 1), ([".parquet", ".ndjson"], 3)]):
        paths = spread(tmp_path / f"in{seed}", shuffled(articles, seed), suffixes)
        with joblib.parallel_config(backend="threading"):
            manifest = find(paths, tmp_path / f"out{seed}", keep="longest", n_jobs=n_jobs)
        found.append((files_of(tmp_path / f"out{seed}"), manifest | {"inputs": None}))
    assert found[0] == found[1]


@pytest.mark.slow
def test_processes_change_no_byte(tmp_path):
    paths = spread(tmp_path / "in", generated(3000, words=25, copied=0.4), [".parquet"] * 3)
    with joblib.parallel_config(backend="loky"):
        manifest = find(paths, tmp_path / "processes", n_jobs=2)
    assert find(paths, tmp_path / "alone") == manifest
    assert files_of(tmp_path / "processes") == files_of(tmp_path / "alone")


# After an interruption


class Interrupted(Exception):
    """What ends a job here."""


TASKS = {
    "deal": (near, "distribute_candidates"),
    "verify": (keeping, "verify_and_choose"),
    "keep": (keeping, "gather_kept"),
    "list": (keeping, "write_kept"),
}


def test_a_job_that_fails_in_each_of_its_stages_goes_on(tmp_path, small_parts):
    small_parts(30, 500)
    path, out, work = write(tmp_path / "a.jsonl", generated(70, copied=0.5)), tmp_path / "out", tmp_path / "out.work"
    undisturbed = find(path, tmp_path / "undisturbed")
    for stage, (module, name) in TASKS.items():
        task, last = getattr(module, name), 0 if stage == "keep" else 1

        def fails(job, part, folder, task=task, last=last):
            if part == last:
                (folder / "table.parquet").write_bytes(b"half")
                raise Interrupted
            task(job, part, folder)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, fails)
            with pytest.raises(Interrupted):
                find(path, out)
        assert not out.exists()
        assert (work / stage / "000000").exists() is bool(last)
    texts = {p.relative_to(work).parts[0::2] for p in work.glob("*/??????/*.arrow")}
    assert texts == {("slices", "outlines.arrow")}, "the texts of articles are not kept to the end"
    assert find(path, out) == undisturbed
    assert files_of(out) == files_of(tmp_path / "undisturbed")
    assert not work.exists()


KILLED = """
import sys
from dedup import archive
from dedup.archive import near, slices
slices.SLICE_ARTICLES, near._WORDS_AT_ONCE = 25, 500
archive.near_duplicates(sys.argv[1], sys.argv[2], cut_residue=True, n_jobs=1)
"""


@pytest.mark.slow
def test_a_job_that_is_killed_again_and_again_goes_on(tmp_path, small_parts):
    small_parts(25, 500)
    path = write(tmp_path / "a.jsonl", generated(200, copied=0.5))
    find(path, tmp_path / "undisturbed", cut_residue=True)
    work = tmp_path / "out.work"
    command = [sys.executable, "-c", KILLED, str(path), str(tmp_path / "out")]
    rng, kills = np.random.default_rng(), 0
    for _ in range(5):
        job = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(Path(dedup.__file__).parents[1])})
        goal = len(list(work.glob("*/??????"))) + rng.integers(1, 15)
        while len(list(work.glob("*/??????"))) < goal and job.poll() is None:
            time.sleep(0.001)
        job.send_signal(signal.SIGKILL)
        if job.wait() == 0:
            break  # it was done before it was killed
        assert job.returncode == -signal.SIGKILL
        kills += 1
    assert kills
    find(path, tmp_path / "out", cut_residue=True)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "undisturbed")
    assert not work.exists()


# Other jobs


def test_results_of_another_function_are_another_job(tmp_path):
    path = write(tmp_path / "a.jsonl", generated(10))
    manifest = find(path, tmp_path / "copies")
    assert json.loads((tmp_path / "copies" / "manifest.json").read_bytes()) == manifest
    assert find(path, tmp_path / "copies") == manifest
    archive.cluster(path, tmp_path / "stories", n_jobs=1)
    with pytest.raises(ValueError, match="another job: job was 'near_duplicates', now it is 'cluster'; allowed"):
        archive.cluster(path, tmp_path / "copies", n_jobs=1)
    with pytest.raises(ValueError, match="another job: job was 'cluster', now it is 'near_duplicates'; allowed"):
        find(path, tmp_path / "stories")
    with pytest.raises(
        ValueError, match=r"has results of 'near_duplicates'; allowed: those of dedup\.archive\.cluster"
    ):
        archive.read(tmp_path / "copies")


@pytest.mark.parametrize(
    "change",
    [
        {"keep": "longest"},
        {"linkage": "group"},
        {"threshold": 0.8},
        {"recall": 0.9},
        {"num_perm": 100},
        {"shingle_size": 4},
        {"compare_numbers": True},
        {"max_days_apart": 3.0},
        {"cut_residue": True},
        {"fold": "marks"},
        {"timezone": "Asia/Tokyo"},
        {"max_chars": 999},
    ],
    ids=str,
)
def test_another_parameter_is_another_job(tmp_path_factory, change):
    folder = tmp_path_factory.getbasetemp() / "another-parameter"
    if not folder.exists():
        folder.mkdir()
        find(write(folder / "a.jsonl", generated(10)), folder / "out")
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=rf"another job: {name} was .*, now it is {value!r}; allowed"):
        find(folder / "a.jsonl", folder / "out", **change)


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        (ValueError, {"keep": "best"}, "keep is 'best'; allowed: 'first', 'longest', 'earliest', 'central'"),
        (ValueError, {"keep": [1, 2]}, r"keep is \[1, 2\]; allowed: 'first'"),
        (ValueError, {"linkage": "chain"}, "linkage is 'chain'; allowed: 'star', 'group'"),
        (ValueError, {"threshold": 0}, "threshold is 0.0; allowed"),
        (ValueError, {"recall": 0.99, "num_perm": 1}, "raise num_perm or lower recall"),
        (TypeError, {"compare_numbers": 1}, "compare_numbers is 1; allowed: True, False"),
        (ValueError, {"max_days_apart": -1}, "max_days_apart is -1.0; allowed"),
        (TypeError, {"timezone": BEGIN.tzinfo}, "timezone is .*; allowed: None, or a name like"),
        (ValueError, {"errors": "ignore"}, "errors is 'ignore'; allowed"),
        (TypeError, {"n_jobs": "2"}, "n_jobs is '2'; allowed"),
    ],
)
def test_other_arguments_are_refused(tmp_path, error, arguments, message):
    with pytest.raises(error, match=message):
        find(tmp_path / "a.jsonl", tmp_path / "out", **arguments)
