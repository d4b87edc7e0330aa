"""What several test files share: the sample articles, clustered once."""

import pytest

import dedup


@pytest.fixture(scope="session")
def sample():
    """Every sample article; tests must not change the list."""
    return tuple(dedup.sample_articles())


@pytest.fixture(scope="session")
def stories(sample):
    return dedup.cluster(sample)


@pytest.fixture(scope="session")
def model(sample):
    return dedup.StoryClusterer().fit(sample)
