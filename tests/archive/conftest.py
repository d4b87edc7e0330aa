"""Fixtures of the tests of the archive."""

import pytest

from dedup.archive import job
from dedup.archive import similarity as reports
from dedup.archive import slices as intake


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """Files are flushed thousands of times; only a machine that loses its power could tell."""
    monkeypatch.setattr(job.os, "fsync", lambda handle: None)


@pytest.fixture
def small_slices(monkeypatch):
    """Sets how many articles a slice has, by which all features are weighed; tasks in other processes do not see it."""

    def set_size(articles):
        monkeypatch.setattr(intake, "SLICE_ARTICLES", articles)
        monkeypatch.setattr(reports, "VOCABULARY_SLICES", 1 << 20)

    return set_size
