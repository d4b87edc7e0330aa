"""Fixtures of the tests of the archive."""

import pytest

from dedup.archive import job, similarity, slices


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Files are flushed thousands of times; only a machine that loses its power could tell."""
    monkeypatch.setattr(job.os, "fsync", lambda handle: None)


@pytest.fixture
def small_slices(monkeypatch):
    """Set how many articles a slice has, and weight features by all slices; tasks in other processes do not see it."""

    def set_size(articles):
        monkeypatch.setattr(slices, "SLICE_ARTICLES", articles)
        monkeypatch.setattr(similarity, "VOCABULARY_SLICES", 1 << 20)

    return set_size
