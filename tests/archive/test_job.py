import time
from pathlib import Path

import joblib
import pytest
from archived import dies_once

from dedup.archive.job import Job, _attempt, part_folder, run_stage
from dedup.parameters import NearSettings, StorySettings


@pytest.fixture
def job(tmp_path):
    return Job(str(tmp_path), StorySettings(NearSettings(), 0.1, cut_residue=True, max_chars=1000), "central", None)


def makes(job, number, folder):
    (folder / "made").write_text(str(number))


def made(job, stage="stage"):
    """What is in each finished part; a worker that was killed may have left a draft."""
    paths = [path for path in Path(job.folder).glob(f"{stage}/*/made") if path.parent.name.isdigit()]
    return {int(path.parent.name): path.read_text() for path in sorted(paths)}


def workers(n_jobs=1, **options):
    return joblib.Parallel(n_jobs=n_jobs, **options)


def drafts(job):
    return [path.name for path in Path(job.folder).glob("*/*.draft")]


# Parts are there as wholes or not at all


def test_parts_are_made_once(job):
    run_stage(job, makes, "stage", range(3), workers())
    assert made(job) == {0: "0", 1: "1", 2: "2"}

    def makes_more(job, number, folder):
        assert number > 2
        makes(job, number, folder)

    run_stage(job, makes_more, "stage", range(5), workers())
    assert made(job) == {i: str(i) for i in range(5)}
    run_stage(job, makes_more, "stage", range(5), None)  # nobody is needed
    assert drafts(job) == []


def test_a_part_is_not_there_before_it_is_finished(job):
    def looks(job, number, folder):
        assert not part_folder(job, "stage", number).exists()
        makes(job, number, folder)
        assert not part_folder(job, "stage", number).exists()

    run_stage(job, looks, "stage", range(2), workers())
    assert made(job) == {0: "0", 1: "1"}


def test_what_a_task_raises_is_raised_for_the_first_part_and_others_are_finished(job):
    def fails(job, number, folder):
        makes(job, number, folder)
        if number in (1, 3):
            raise KeyError(number)

    with pytest.raises(KeyError, match="1"):
        run_stage(job, fails, "stage", range(5), workers())
    assert made(job).keys() == {0, 2, 4}
    assert drafts(job) == []


def test_of_two_workers_that_make_one_part_the_faster_wins(job):
    def slower(job, number, folder):
        assert _attempt(job, makes, "stage", number).failure is None
        (folder / "made").write_text("too late")

    run_stage(job, slower, "stage", [7], workers())
    assert made(job) == {7: "7"}
    assert drafts(job) == []


def test_a_part_that_cannot_get_its_name_is_an_error(job, monkeypatch):
    def refuses(path, goal):
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(PermissionError, match="read-only"):
        run_stage(job, makes, "stage", [0], workers())
    assert made(job) == {}


# Workers that are lost


class Losing:
    """Workers that make some parts in each call, then are lost."""

    def __init__(self, *calls):
        self.calls = list(calls)

    def __call__(self, tasks):
        count = self.calls.pop(0)
        tasks = list(tasks)
        failures = [function(*given) for function, given, _ in tasks[:count]]
        if count < len(tasks):
            raise OSError("gone")
        return failures


@pytest.mark.parametrize("calls", [(1, 1, 4), (0, 0, 2, 0, 0, 4), (0, 1, 0, 1, 0, 1, 0, 1, 0, 2)])
def test_a_stage_goes_on_while_parts_are_finished(job, calls):
    losing = Losing(*calls)
    run_stage(job, makes, "stage", range(6), losing)
    assert made(job).keys() == {*range(6)}
    assert losing.calls == []


def test_a_stage_ends_when_workers_are_lost_three_times_and_nothing_is_finished(job):
    losing = Losing(0, 2, 0, 0, 0, 9)
    with pytest.raises(RuntimeError, match=r"stage: workers were lost 3 times .*OSError\('gone'\).*goes on from here"):
        run_stage(job, makes, "stage", range(6), losing)
    assert made(job).keys() == {0, 1}
    assert losing.calls == [9]


@pytest.mark.slow
def test_a_stage_outlives_workers_that_are_killed(job, caplog):
    with workers(2, backend="loky") as pool:
        run_stage(job, dies_once, "stage", range(8), pool)
        run_stage(job, makes_nothing_new, "stage", range(8), pool)
    assert made(job) == {i: str(i) for i in range(8)}
    assert "workers were lost" in caplog.text
    assert not list(Path(job.folder).glob("stage/??????/half"))


def makes_nothing_new(job, number, folder):
    raise AssertionError(number)


def test_the_log_has_the_processor_time_of_each_stage(job, caplog):
    def computes(_, number, folder):
        begin = time.process_time()
        while time.process_time() - begin < 0.01 * (1 + number):
            pass

    with caplog.at_level("INFO", logger="dedup.archive"):
        run_stage(job, computes, "stage", range(3), workers())
    words = caplog.messages[-1].split()
    assert words[0] == "stage:"
    assert float(words[1]) >= 0.06
    assert float(words[1]) > float(words[5]) >= 0.03
