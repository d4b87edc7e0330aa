"""Blocks of work on threads."""

import math
import os
import threading
import time

import pytest

from dedup import parallel
from dedup.parallel import ordered_map, processor_quota, thread_count


def ran_in(items, n_jobs):
    """The threads in which the work on some items was done."""
    return set(ordered_map(lambda item: threading.current_thread(), items, n_jobs))


@pytest.mark.parametrize("n_jobs", [None, -1, 1, 2, 8])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 100])
def test_results_come_in_the_order_of_the_items_and_each_is_counted_once_used(n, n_jobs):
    told, used = [], []
    for result in ordered_map(lambda item: item * item, range(n), n_jobs, told.append):
        used.append(result)
        assert len(told) == len(used) - 1
    assert used == [i * i for i in range(n)]
    assert told == [pytest.approx((i + 1) / n) for i in range(n)]


def test_for_one_item_no_thread_is_started():
    assert ran_in(["one"], 8) == ran_in(["one", "other"], 1) == {threading.current_thread()}
    assert threading.current_thread() not in ran_in(["one", "other"], 2)


def test_there_are_no_more_threads_than_items_or_than_are_asked_for():
    started = threading.Barrier(3)  # passed only where three threads are there
    assert len(set(ordered_map(lambda item: (started.wait(20), threading.get_ident())[1], range(3), 8))) == 3
    assert len(ran_in(range(50), 2)) <= 2


def test_few_results_wait_while_one_is_used():
    begun = []
    most = 0
    for used, _ in enumerate(ordered_map(begun.append, range(100), 2)):
        most = max(most, len(begun) - used)
        time.sleep(0.0005)  # all work would be done in less
    assert most <= 2 * parallel._AHEAD + 1
    assert len(begun) == 100


def test_work_that_nobody_waits_for_is_not_begun():
    begun = []
    results = ordered_map(begun.append, range(100), 2)
    next(results)
    results.close()
    assert len(begun) <= 2 * parallel._AHEAD + 1


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_what_the_work_raises_comes_out(n_jobs):
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda item: 1 // item, [1, 0, 2], n_jobs))


def machine(folder, own, groups):
    """A made-up root folder: /proc/self/cgroup, and the files of control groups by their path."""
    for path, text in {
        "proc/self/cgroup": own,
        **{f"sys/fs/cgroup/{path}": text for path, text in groups.items()},
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


V1 = "12:pids:/docker/4f\n4:cpu,cpuacct:/docker/4f\n3:cpuset:/other\n1:name=systemd:/docker/4f\n0::/docker/4f\n"


@pytest.mark.parametrize(
    ("own", "groups", "quota"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),  # half a processor is one thread
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 3),
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        # A service has its limit two groups below the top, which has none on a machine.
        ("0::/system.slice/news reader.service\n", {"system.slice/news reader.service/cpu.max": "400000 200000\n"}, 2),
        # The least of all groups above counts.
        (
            "0::/a/b/c\n",
            {"a/b/c/cpu.max": "max 100000", "a/b/cpu.max": "700000 100000", "a/cpu.max": "900000 100000"},
            7,
        ),
        ("0::/a/b\n", {"a/b/cpu.max": "800000 100000", "a/cpu.max": "300000 100000", "c/cpu.max": "1 1"}, 3),
        # A container may be told a path of the machine, or one outside of what it sees.
        ("0::/docker/4f\n", {"cpu.max": "500000 100000"}, 5),
        ("0::/../other\n", {"cpu.max": "500000 100000"}, 5),
        (V1, {"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        (V1, {"cpu/docker/4f/cpu.cfs_quota_us": "600000\n", "cpu/docker/4f/cpu.cfs_period_us": "100000\n"}, 6),
        (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        (V1, {"cpu/other/cpu.cfs_quota_us": "100000\n", "cpu/other/cpu.cfs_period_us": "100000\n"}, math.inf),
        (V1, {"cpu/cpu.cfs_quota_us": "100000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "much"}, math.inf),
        ("0::/\n", {"cpu.max": "100000 0"}, math.inf),
        ("0::/\n", {}, math.inf),
    ],
)
def test_a_limit_of_processors_is_read_from_the_control_groups(tmp_path, own, groups, quota):
    assert processor_quota(machine(tmp_path, own, groups)) == quota


def test_a_system_without_control_groups_has_no_limit(tmp_path):
    assert processor_quota(tmp_path) == math.inf


def test_threads_are_as_many_as_the_least_limit(monkeypatch):
    monkeypatch.setattr(parallel, "_own_quota", lambda: math.inf)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 6, raising=False)  # Python 3.13 has it
    assert thread_count(None) == thread_count(-1) == 6
    monkeypatch.setattr(parallel, "_own_quota", lambda: 2)
    assert thread_count(None) == 2
    assert thread_count(5) == 5
    monkeypatch.delattr(os, "process_cpu_count")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    assert thread_count(None) == 1
