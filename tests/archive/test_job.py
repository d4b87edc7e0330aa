from pathlib import Path

import joblib
import pytest
from archived import dies_once

from dedup.archive import job
from dedup.archive.job import Settings, part, run_stage
from dedup.near.duplicates import NearSettings


@pytest.fixture
def settings(tmp_path):
    return Settings(str(tmp_path), NearSettings(), 0.1, "central", True, None, 1000)


def makes(settings, number, folder):
    (folder / "made").write_text(str(number))


def made(settings, stage="stage"):
    """What is in each finished part."""
    return {int(path.parent.name): path.read_text() for path in sorted(Path(settings.folder).glob(f"{stage}/*/made"))}


def workers(n_jobs=1, **options):
    return joblib.Parallel(n_jobs=n_jobs, **options)


def drafts(settings):
    return [path.name for path in Path(settings.folder).glob("*/*.draft")]


# Parts are there as wholes or not at all


def test_parts_are_made_once(settings):
    run_stage(settings, makes, "stage", range(3), workers())
    assert made(settings) == {0: "0", 1: "1", 2: "2"}

    def makes_more(settings, number, folder):
        assert number > 2
        makes(settings, number, folder)

    run_stage(settings, makes_more, "stage", range(5), workers())
    assert made(settings) == {i: str(i) for i in range(5)}
    run_stage(settings, makes_more, "stage", range(5), None)  # nobody is needed
    assert drafts(settings) == []


def test_a_part_is_not_there_before_it_is_finished(settings):
    def looks(settings, number, folder):
        assert not part(settings, "stage", number).exists()
        makes(settings, number, folder)
        assert not part(settings, "stage", number).exists()

    run_stage(settings, looks, "stage", range(2), workers())
    assert made(settings) == {0: "0", 1: "1"}


def test_what_a_task_raises_is_raised_for_the_first_part_and_others_are_finished(settings):
    def fails(settings, number, folder):
        makes(settings, number, folder)
        if number in (1, 3):
            raise KeyError(number)

    with pytest.raises(KeyError, match="1"):
        run_stage(settings, fails, "stage", range(5), workers())
    assert made(settings).keys() == {0, 2, 4}
    assert drafts(settings) == []


def test_of_two_workers_that_make_one_part_the_faster_wins(settings):
    def slower(settings, number, folder):
        assert job._attempt(settings, makes, "stage", number) is None
        (folder / "made").write_text("too late")

    run_stage(settings, slower, "stage", [7], workers())
    assert made(settings) == {7: "7"}
    assert drafts(settings) == []


def test_a_part_that_cannot_get_its_name_is_an_error(settings, monkeypatch):
    def refuses(path, goal):
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(PermissionError, match="read-only"):
        run_stage(settings, makes, "stage", [0], workers())
    assert made(settings) == {}


# Workers that are lost


class Losing:
    """Workers that make some parts in each call, then are lost."""

    def __init__(self, *calls):
        self.calls = list(calls)

    def __call__(self, tasks):
        count = self.calls.pop(0)
        tasks = list(tasks)
        told = [function(*given) for function, given, _ in tasks[:count]]
        if count < len(tasks):
            raise OSError("gone")
        return told


@pytest.mark.parametrize("calls", [(1, 1, 4), (0, 0, 2, 0, 0, 4), (0, 1, 0, 1, 0, 1, 0, 1, 0, 2)])
def test_a_stage_goes_on_while_parts_are_finished(settings, calls):
    losing = Losing(*calls)
    run_stage(settings, makes, "stage", range(6), losing)
    assert made(settings).keys() == {*range(6)}
    assert losing.calls == []


def test_a_stage_ends_when_workers_are_lost_three_times_and_nothing_is_finished(settings):
    losing = Losing(0, 2, 0, 0, 0, 9)
    with pytest.raises(RuntimeError, match=r"stage: workers were lost 3 times .*OSError\('gone'\).*goes on from here"):
        run_stage(settings, makes, "stage", range(6), losing)
    assert made(settings).keys() == {0, 1}
    assert losing.calls == [9]


def test_a_stage_outlives_workers_that_are_killed(settings, caplog):
    with workers(2, backend="loky") as pool:
        run_stage(settings, dies_once, "stage", range(8), pool)
        run_stage(settings, makes_nothing_new, "stage", range(8), pool)
    assert made(settings) == {i: str(i) for i in range(8)}
    assert "workers were lost" in caplog.text
    assert not list(Path(settings.folder).glob("stage/??????/half"))


def makes_nothing_new(settings, number, folder):
    raise AssertionError(number)
