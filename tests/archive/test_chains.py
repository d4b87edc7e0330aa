"""Steps that chains made before their turn: taken over where nothing differs, made anew where something does."""

import shutil

import pytest
from archived import cluster, generated, shuffled, write
from hypothesis import given
from hypothesis import strategies as st
from joblib import Parallel
from numpy import arange, repeat

from dedup.archive import chains, slices, stories
from dedup.archive.chains import Chain, chains_of
from dedup.archive.job import run_stage
from dedup.archive.stories import Timeline


class Interrupted(Exception):
    """What ends a job once pairs are compared."""


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A job with 16 steps to make."""
    folder, jobs = tmp_path_factory.mktemp("compared"), []

    def ends(job, *_):
        jobs.append(job)
        raise Interrupted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_ARTICLES", 10)
        patch.setattr(stories, "STEP_ARTICLES", 10)
        patch.setattr(chains, "follow_chain", ends)
        path = write(folder / "articles.jsonl", shuffled(generated(150, words=25, days=60, lasts=6.0)))
        with pytest.raises(Interrupted):
            cluster(path, folder / "out")
    return jobs[0]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """A step for each slice."""
    monkeypatch.setattr(stories, "STEP_ARTICLES", 10)


def steps_made(job, folder):
    """The bytes of all files of the steps, once chains and steps are made in a folder of their own."""
    shutil.copytree(job.folder, folder)
    job = job._replace(folder=str(folder))
    with Parallel(n_jobs=1) as workers:
        run_stage(job, chains.follow_chain, "ahead", chains.chain_numbers(job), workers)
        for step in stories.steps_of(job):
            run_stage(job, chains.make_step, "group", [step], workers)
    paths = [path for path in (folder / "group").rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


# With next to no time before them, chains begin with too little, and only later have the graph of all.
@pytest.mark.parametrize(("warm_up_days", "chain_steps", "anew"), [(28.0, 3, False), (0.001, 7, True)])
def test_steps_are_those_of_one_after_the_other(
    tmp_path, compared, monkeypatch, caplog, warm_up_days, chain_steps, anew
):
    with monkeypatch.context() as patch:
        patch.setattr(chains, "chains_of", lambda time: [])
        expected = steps_made(compared, tmp_path / "steps")
    monkeypatch.setattr(chains, "WARM_UP_DAYS", warm_up_days)
    monkeypatch.setattr(chains, "CHAIN_STEPS", chain_steps)
    monkeypatch.setattr(chains, "CHAIN_SHARE", 0)
    with caplog.at_level("INFO", logger="dedup.archive"):
        assert steps_made(compared, tmp_path / "chains") == expected
    again = sum("made anew" in message for message in caplog.messages)
    others = len(stories.steps_of(compared)) - 1 - chain_steps  # of the chains after the first
    assert others > 5
    assert 0 < again < others if anew else again == 0


@given(st.integers(0, 60), st.integers(1, 40), st.floats(0.01, 30), st.integers(1, 6), st.integers(0, 4))
def test_chains_are_for_all_steps_but_the_last(steps, a_day, warm_up, least, share):
    days = repeat(arange(steps / a_day + 1), a_day)[:steps] + arange(steps) / 1000
    time = Timeline(arange(steps + 1), days, steps, [range(k, k + 1) for k in range(steps)] or [range(0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "WARM_UP_DAYS", warm_up)
        patch.setattr(chains, "CHAIN_STEPS", least)
        patch.setattr(chains, "CHAIN_SHARE", share)
        found = chains_of(time)
    assert [step for chain in found for step in range(chain.first, chain.stop)] == list(range(steps - 1))
    assert all(chain.stop - chain.first >= least for chain in found[:-1])
    for chain in found:
        assert chain == Chain(0, 0, chain.stop) or chain.begin < chain.first
        assert chain.begin == 0 or days[chain.begin] <= days[chain.first] - warm_up
