"""The archive has the answer that `dedup.cluster` has in memory, however its work is cut up."""

import json
from hashlib import blake2b

import joblib
import numpy as np
import pytest
from archived import (
    MAX_CHARS,
    cluster,
    files_of,
    generated,
    hostile,
    in_order,
    rows_of,
    sampled,
    shuffled,
    spread,
    write,
)
from html_pages import as_html

import dedup
from dedup.archive import near as near_stages
from dedup.archive import similarity, slices
from dedup.archive import stories as story_stages
from dedup.inputs import blocks
from dedup.metrics import bcubed
from dedup.wording import printable

NAMES = {
    "story_threshold",
    "max_gap_days",
    "near_threshold",
    "representative",
    "fold",
    "cut_residue",
    "recall",
    "num_perm",
}
KINDS = [".jsonl", ".ndjson", ".parquet"]


def of_batch(articles, **parameters):
    """What the tables should have, by `dedup.cluster` and `dedup.near_duplicates`."""
    ordered = in_order(articles)
    stories = dedup.cluster(ordered, max_chars=MAX_CHARS, **parameters)
    own = {name: value for name, value in parameters.items() if name in ("cut_residue", "fold", "recall", "num_perm")}
    pairs = dedup.near_duplicates(
        ordered, max_chars=MAX_CHARS, threshold=parameters.get("near_threshold", 0.7), **{"cut_residue": True} | own
    )
    representatives = set(stories.representative_indices.tolist())
    episode_ids = [printable(episode.id) for story in stories for episode in story.episodes]
    assignments = [
        {
            "id": printable(article.id),
            "story_id": printable(stories[label].id),
            "episode_id": episode_ids[episode],
            "near_duplicate_group": group,
            "is_representative": i in representatives,
            "membership": membership,
        }
        for i, (article, label, episode, group, membership) in enumerate(
            zip(
                ordered,
                stories.labels.tolist(),
                stories.episode_labels.tolist(),
                stories.near_duplicate_labels.tolist(),
                stories.membership.tolist(),
                strict=True,
            )
        )
    ]
    place = {printable(article.id): i for i, article in enumerate(ordered)}
    ranked = sorted(stories, key=lambda story: place[printable(story.id)])
    rows = [
        {"story_id": printable(story.id), "episode_count": len(story.episodes)} | facts_of(story) for story in ranked
    ]
    chapters = [
        {"episode_id": printable(episode.id), "story_id": printable(story.id)} | facts_of(episode)
        for story in ranked
        for episode in story.episodes
    ]
    near = {
        (printable(ordered[i].id), printable(ordered[j].id)): (jaccard, containment)
        for (i, j), jaccard, containment in zip(pairs.pairs, pairs.jaccard, pairs.containment, strict=True)
    }
    return assignments, rows, chapters, near


def facts_of(told):
    """What the tables say of a story or of an episode."""
    return {
        "headline": printable(told.headline),
        "representative": printable(told.representative.id),
        "reason": printable(told.reason),
        "size": len(told),
        "report_count": len(told) - sum(len(group) - 1 for group in told.near_duplicates),
        "source_count": len(told.sources),
        "first": told.first,
        "last": told.last,
        "cohesion": told.cohesion,
    }


def assert_same_rows(found, expected, number):
    """Equal, but for the rounding of one column."""
    assert [row | {number: 0} for row in found] == [row | {number: 0} for row in expected]
    assert [row[number] for row in found] == pytest.approx([row[number] for row in expected], abs=1e-6)


def assert_same_as_the_batch(out, articles, **parameters):
    assignments, stories, episodes, near = of_batch(articles, **parameters)
    assert_same_rows(rows_of(out, "assignments"), assignments, "membership")
    assert_same_rows(rows_of(out, "stories"), stories, "cohesion")
    assert_same_rows(rows_of(out, "episodes"), episodes, "cohesion")
    assert near_rows(out) == near


def near_rows(out):
    rows = rows_of(out, "near_duplicates")
    found = {(row["left"], row["right"]): (row["jaccard"], row["containment"]) for row in rows}
    assert len(found) == len(rows)
    return found


# The same as in memory


def test_stories_of_files_are_those_of_the_batch(tmp_path, small_slices, monkeypatch):
    small_slices(120)
    monkeypatch.setattr(near_stages, "_WORDS_AT_ONCE", 3000)
    monkeypatch.setattr(near_stages, "_SORTED_AT_ONCE", 100)
    articles = shuffled(sampled() + generated(300) + hostile())
    manifest = cluster(spread(tmp_path / "in", articles, [".jsonl", ".ndjson"]), tmp_path / "out", errors="undated")
    assert manifest["counts"]["refused_dates"] == 1
    assert manifest["counts"]["slices"] >= 6
    assert len(manifest["files"]["near_duplicates"]) >= 5
    assert_same_as_the_batch(tmp_path / "out", articles)


@pytest.mark.parametrize(
    "parameters",
    [
        {"cut_residue": False, "fold": "marks"},
        {"representative": "earliest", "story_threshold": 0.3},
        {"representative": "longest", "near_threshold": 0.4, "recall": 0.8},
        {"recall": 0.5, "num_perm": 16, "story_threshold": 0.05},
        {"near_threshold": 1.0},
    ],
    ids=str,
)
def test_parameters_do_what_they_do_in_the_batch(tmp_path, small_slices, parameters):
    small_slices(60)
    articles = shuffled(generated(200, words=25, seed=3) + hostile()[::4])
    cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out", errors="undated", **parameters)
    assert_same_as_the_batch(tmp_path / "out", articles, **parameters)


@pytest.mark.parametrize("seed", range(8))
def test_few_articles_in_tiny_slices_are_as_in_the_batch(tmp_path, small_slices, seed):
    """Slices of copies alone, of undated or blank articles, slices in which no story begins."""
    rng = np.random.default_rng(seed)
    small_slices(int(rng.integers(1, 6)))
    options = {"days": float(rng.choice([1, 40])), "undated": float(rng.choice([0.0, 0.3, 1.0]))}
    articles = generated(int(rng.integers(2, 24)), seed=seed, words=12, copied=float(rng.choice([0.2, 0.9])), **options)
    articles += [{"id": f"blank {i}", "text": ""} for i in range(rng.integers(0, 3))]
    cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out")
    assert_same_as_the_batch(tmp_path / "out", articles)


def test_slices_of_copies_alone_are_as_in_the_batch(tmp_path, small_slices):
    small_slices(3)
    text = "one two three four five six seven eight nine ten"
    articles = [{"id": f"{i:02}", "text": text, "published": 1_700_000_000 + i} for i in range(10)]
    manifest = cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out")
    assert manifest["counts"] | {"near_duplicate_pairs": 45} == {
        "articles": 10,
        "refused_articles": 0,
        "refused_dates": 0,
        "undated_articles": 0,
        "given_up": 0,
        "near_duplicate_groups": 1,
        "episodes": 1,
        "stories": 1,
        "slices": 4,
        "near_duplicate_pairs": 45,
    }
    assert_same_as_the_batch(tmp_path / "out", articles)


def test_slices_end_with_their_characters(tmp_path, small_slices, monkeypatch):
    small_slices(1000)
    monkeypatch.setattr(slices, "SLICE_CHARACTERS", 3000)
    articles = generated(60, seed=5)
    manifest = cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out")
    assert manifest["counts"]["slices"] >= 5
    assert_same_as_the_batch(tmp_path / "out", articles)


# In steps


@pytest.fixture(scope="module")
def months():
    """Articles of four months, and what the batch makes of them."""
    articles = shuffled(generated(700, days=120, words=30, seed=4, lasts=5.0, undated=0.02))
    return articles, of_batch(articles)


@pytest.mark.parametrize(
    ("articles_of_slice", "articles_of_step", "of_all"), [(60, 1, True), (60, 130, True), (90, 200, False)]
)
def test_stories_in_steps_are_nearly_those_of_the_batch(
    tmp_path, monkeypatch, months, articles_of_slice, articles_of_step, of_all
):
    monkeypatch.setattr(slices, "SLICE_ARTICLES", articles_of_slice)
    monkeypatch.setattr(story_stages, "STEP_ARTICLES", articles_of_step)
    if of_all:
        monkeypatch.setattr(similarity, "VOCABULARY_SLICES", 1 << 20)
    articles, (assignments, _, _, near) = months
    cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out")
    rows = rows_of(tmp_path / "out", "assignments")
    for name in ("id", "near_duplicate_group"):
        assert [row[name] for row in rows] == [row[name] for row in assignments]
    assert near_rows(tmp_path / "out") == near
    # So few articles say less of a word than the 131,072 that an archive weighs it by.
    for name, least in (("episode_id", 0.98), ("story_id", 0.96)):
        labels = [[row[name] for row in table] for table in (assignments, rows)]
        assert bcubed(*labels).f1 > (0.995 if of_all else least)


@pytest.mark.slow
def test_tables_of_steps_fit_together(tmp_path, monkeypatch, months):
    monkeypatch.setattr(slices, "SLICE_ARTICLES", 50)
    monkeypatch.setattr(story_stages, "STEP_ARTICLES", 100)
    manifest = cluster(write(tmp_path / "a.jsonl", months[0]), tmp_path / "out")
    assert_tables_fit(tmp_path / "out", manifest, in_order(months[0]))


def assert_tables_fit(out, manifest, ordered):
    """What one table says of the others, and the manifest of all."""
    tables = (rows_of(out, name) for name in ("assignments", "stories", "episodes", "near_duplicates"))
    assignments, stories, episodes, near = tables
    assert [row["id"] for row in assignments] == [article.id for article in ordered]
    of_story, of_episode, of_id = {}, {}, {row["id"]: row for row in assignments}
    for row, article in zip(assignments, ordered, strict=True):
        of_story.setdefault(row["story_id"], []).append((row, article))
        of_episode.setdefault(row["episode_id"], []).append((row, article))
    assert [row["story_id"] for row in stories] == list(of_story)  # by their first articles
    for story in stories:
        rows = assert_row_fits(story, "story_id", of_story[story["story_id"]])
        assert [row["id"] for row in rows if row["is_representative"]] == [story["representative"]]
        own = [episode for episode in episodes if episode["story_id"] == story["story_id"]]
        assert [episode["episode_id"] for episode in own] == list(dict.fromkeys(row["episode_id"] for row in rows))
        assert story["episode_count"] == len(own)
        assert story["cohesion"] == max(own, key=lambda episode: episode["report_count"])["cohesion"]
    assert [row["story_id"] for row in episodes] == [
        row["story_id"] for row in stories for _ in range(row["episode_count"])
    ]
    for episode in episodes:
        rows = assert_row_fits(episode, "episode_id", of_episode[episode["episode_id"]])
        assert {row["story_id"] for row in rows} == {episode["story_id"]}
        assert episode["representative"] in [row["id"] for row in rows]
        groups = {row["near_duplicate_group"]: row["membership"] for row in rows}
        assert episode["cohesion"] == pytest.approx(np.mean(list(groups.values())))
    for row in near:
        ends = of_id[row["left"]], of_id[row["right"]]
        assert ends[0]["near_duplicate_group"] == ends[1]["near_duplicate_group"]
        assert ends[0]["episode_id"] == ends[1]["episode_id"]
        assert ends[0]["membership"] == ends[1]["membership"]
    groups = [row["near_duplicate_group"] for row in assignments]
    assert list(dict.fromkeys(groups)) == list(range(max(groups) + 1))
    assert manifest["counts"] | {"slices": 0} == {
        "articles": len(assignments),
        "undated_articles": sum(article.published is None for article in ordered),
        "refused_articles": 0,
        "refused_dates": 0,
        "given_up": 0,
        "near_duplicate_groups": max(groups) + 1,
        "episodes": len(episodes),
        "stories": len(stories),
        "slices": 0,
        "near_duplicate_pairs": len(near),
    }


def assert_row_fits(told, name, members):
    """What a row says of its articles; return their rows."""
    rows, own = zip(*members, strict=True)
    assert rows[0]["id"] == told[name]
    assert told["size"] == len(rows)
    assert told["report_count"] == len({row["near_duplicate_group"] for row in rows})
    assert told["source_count"] == len({article.source for article in own} - {None})
    dates = [article.published for article in own if article.published]
    assert (told["first"], told["last"]) == (min(dates, default=None), max(dates, default=None))
    return rows


def test_the_manifest_describes_every_file(tmp_path, small_slices):
    small_slices(50)
    manifest = cluster(write(tmp_path / "a.jsonl", generated(120)), tmp_path / "out", timezone="Asia/Tokyo")
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes()) == manifest
    described = {file["name"]: file for files in manifest["files"].values() for file in files}
    files = files_of(tmp_path / "out")
    assert described.keys() == files.keys()
    for name, data in files.items():
        assert described[name]["blake2b"] == blake2b(data, digest_size=16).hexdigest()
    for name, own in manifest["files"].items():
        assert sum(file["rows"] for file in own) == len(rows_of(tmp_path / "out", name))
    assert manifest["versions"]["dedup"] == dedup.__version__
    assert {"numpy", "pyarrow", "scipy", "Unidecode"} < manifest["versions"].keys()
    assert manifest["parameters"]["timezone"] == "Asia/Tokyo"
    assert manifest["parameters"].keys() > NAMES
    assert list(manifest["inputs"]) == [str(tmp_path / "a.jsonl")]


# However the work is cut up


@pytest.fixture(scope="module")
def some():
    return generated(150, seed=6, days=40, words=30, lasts=8.0) + hostile(surrogates=False)


@pytest.mark.slow
def test_neither_files_nor_order_nor_workers_change_a_byte(tmp_path, small_slices, monkeypatch, some):
    small_slices(70)
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 5000)
    ways = [([".jsonl"], 1), ([".parquet"], 2), (KINDS, 3), ([".parquet"] * 5, 1), (KINDS, 1)]
    found = []
    dated = [row for row in some if row["id"] != "no date"]  # a refusal names its file
    for seed, (suffixes, n_jobs) in enumerate(ways):
        paths = spread(tmp_path / f"in{seed}", shuffled(dated, seed), suffixes)
        with joblib.parallel_config(backend="threading"):
            manifest = cluster(paths, tmp_path / f"out{seed}", n_jobs=n_jobs)
        found.append((files_of(tmp_path / f"out{seed}"), manifest | {"inputs": None}))
    assert len(found[0][0]) >= 7
    assert found[0][1]["counts"]["stories"] < found[0][1]["counts"]["episodes"]
    assert all(own == found[0] for own in found)


def test_empty_files_change_nothing(tmp_path, some):
    whole = write(tmp_path / "whole.jsonl", some)
    empty = [write(tmp_path / f"empty{suffix}", []) for suffix in KINDS]
    cluster(whole, tmp_path / "out", errors="undated")
    cluster([whole, *empty], tmp_path / "more", errors="undated")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "more")


def test_neither_slices_nor_parts_change_what_near_duplicates_are(tmp_path, monkeypatch, some):
    path, found = write(tmp_path / "a.jsonl", some), []
    for size, words in [(10_000, 1 << 23), (23, 400), (80, 2000)]:
        monkeypatch.setattr(slices, "SLICE_ARTICLES", size)
        monkeypatch.setattr(near_stages, "_WORDS_AT_ONCE", words)
        cluster(path, tmp_path / f"{size}", errors="undated")
        groups = [(row["id"], row["near_duplicate_group"]) for row in rows_of(tmp_path / f"{size}", "assignments")]
        found.append((groups, near_rows(tmp_path / f"{size}")))
    assert found[0] == found[1] == found[2]


def test_fields_that_nobody_reads_change_nothing(tmp_path):
    articles = generated(40)
    more = [article | {"tags": ["a"], "author": 7} for article in articles]
    for name, own in (("few", articles), ("more", more)):
        cluster(write(tmp_path / f"{name}.jsonl", own), tmp_path / name)
    assert files_of(tmp_path / "few") == files_of(tmp_path / "more")


def test_html_is_in_files_what_it_is_in_the_batch(tmp_path, small_slices):
    """Also where what it says looks like HTML again, so that reading it twice would be reading something else."""
    small_slices(60)
    articles = [
        row | {"text": as_html(row["text"], number), "title": row["title"].replace("'", "&#39;")}
        for number, row in enumerate(sampled())
    ]
    twice = "<p>How &lt;p&gt;one&lt;/p&gt; becomes &lt;b&gt;two&lt;/b&gt; in a page: a guide for the curious reader</p>"
    articles += [
        {"id": f"twice {i}", "text": twice, "title": "<i>&lt;b&gt;Live:&lt;/b&gt; &amp;</i>"} for i in range(2)
    ]
    articles += [
        {"id": f"untitled {i}", "text": twice.replace("curious", "young"), "source": "x.example"} for i in (0, 1)
    ]
    cluster(spread(tmp_path / "in", shuffled(articles), [".jsonl", ".parquet"]), tmp_path / "out")
    assert_same_as_the_batch(tmp_path / "out", articles)
    headlines = {row["headline"] for row in rows_of(tmp_path / "out", "stories")}
    assert not any("&#39;" in headline for headline in headlines)
    assert "<b>Live:</b> &" in headlines
    found = dedup.archive.read(tmp_path / "out")
    assert {article.id: article.text for article in found.articles} == {row["id"]: row["text"] for row in articles}
