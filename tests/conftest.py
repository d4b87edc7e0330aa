"""What several test files share: the sample articles, clustered once."""

import pytest
from postgres_server import SERVER

import dedup


@pytest.fixture(scope="session", autouse=True)
def postgres_server():
    """It starts when a test needs it; those skip where PostgreSQL is not installed."""
    yield SERVER
    SERVER.close()


@pytest.fixture
def url():
    """An empty database."""
    made = SERVER.new_database()
    yield made
    SERVER.drop(made)


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
