"""Versions of one page in files: the answer is that of `dedup.cluster`."""

import numpy as np
import pytest
from archived import cluster, generated, hostile, rows_of, shuffled, spread, versions, write
from test_batch import assert_same_as_the_batch

from dedup.archive import near as near_stages


def test_versions_are_those_of_the_batch(tmp_path, small_slices, monkeypatch):
    small_slices(60)
    monkeypatch.setattr(near_stages, "_WORDS_AT_ONCE", 3000)
    articles = shuffled(versions(generated(250, seed=4)) + hostile())
    on, off = tmp_path / "on", tmp_path / "off"
    paths = spread(tmp_path / "in", articles, [".jsonl", ".ndjson"])
    groups = [cluster(paths, out, match_urls=out == on)["counts"]["near_duplicate_groups"] for out in (on, off)]
    assert groups[0] < groups[1] - 20
    assert_same_as_the_batch(on, articles)
    assert_same_as_the_batch(off, articles, match_urls=False)
    assert rows_of(on, "near_duplicates") == rows_of(off, "near_duplicates")


@pytest.mark.parametrize("seed", range(6))
def test_few_versions_in_tiny_slices_are_those_of_the_batch(tmp_path, small_slices, seed):
    """Episodes and stories that begin with a version in another slice than that of their first report."""
    rng = np.random.default_rng(seed)
    small_slices(int(rng.integers(1, 6)))
    options = {"days": float(rng.choice([1, 40])), "undated": float(rng.choice([0.0, 0.3, 1.0]))}
    articles = versions(generated(24, seed=seed, words=12, **options), seed=seed, pages=8)
    parameters = {
        "max_gap_days": float(rng.choice([0, 21])),
        "representative": str(rng.choice(["central", "earliest"])),
    }
    cluster(write(tmp_path / "a.jsonl", articles), tmp_path / "out", **parameters)
    assert_same_as_the_batch(tmp_path / "out", articles, **parameters)


def test_parquet_has_urls_too(tmp_path):
    articles = versions(generated(60, seed=9), pages=10)
    cluster(write(tmp_path / "a.parquet", articles), tmp_path / "out")
    assert_same_as_the_batch(tmp_path / "out", articles)
