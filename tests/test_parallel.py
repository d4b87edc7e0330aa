"""Blocks of work on threads."""

import threading

import pytest

from dedup.parallel import ordered_map


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


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_what_the_work_raises_comes_out(n_jobs):
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda item: 1 // item, [1, 0, 2], n_jobs))
