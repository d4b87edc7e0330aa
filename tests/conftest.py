"""What test files share: the sample articles, clustered once; and settings of Hypothesis, the same for everyone."""

import os
import random

import hypothesis
import pytest
from postgres_server import SERVER

import dedup
from dedup.kernel import kernel

# By itself Hypothesis takes other settings where it sees CI: no random examples. Here a newcomer and CI see the same.
hypothesis.settings.register_profile(
    "dedup", derandomize=False, deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("dedup")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """A fresh seed for each run, the same in all of its processes."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = random.SystemRandom().randrange(2**32)


def pytest_report_header(config):
    return f"--hypothesis-seed={config.option.hypothesis_seed}"


def pytest_sessionfinish(session):
    """Where CI is set everything that the tests need has to be there: a skip is an error."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def both_paths(request):
    """The tests of a module run twice: with the compiled loops, and with their twins in NumPy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEDUP_KERNEL", "off" if request.param == "numpy" else "")
        kernel.cache_clear()
        if request.param == "compiled" and kernel() is None:
            pytest.skip("the package was installed without a C compiler")
        yield
    kernel.cache_clear()


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


@pytest.fixture(params=["file", "postgres"])
def lasting(request, tmp_path):
    """Where an index outlives its process: a new file, an empty database."""
    url = SERVER.new_database() if request.param == "postgres" else None
    yield url or str(tmp_path / "index.db")
    if url:
        SERVER.drop(url)


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
