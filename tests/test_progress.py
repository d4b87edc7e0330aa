"""Progress: the calls of a callable, their thread, and what a bar needs."""

import sys
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.progress import no_progress, split_progress, track


def records(count):
    return [{"id": str(i), "text": f"Kim Jong Un a pris le train numéro {i % 7} mardi, dit {i}."} for i in range(count)]


def add_many(articles, **parameters):
    with dedup.StoryIndex(":memory:") as index:
        return index.add_many(articles, **parameters)


WAYS = {
    "cluster": dedup.cluster,
    "fit": lambda articles, **parameters: dedup.StoryClusterer(**parameters).fit(articles),
    "near_duplicates": dedup.near_duplicates,
    "without residue": lambda articles, **parameters: dedup.cluster(articles, cut_residue=False, **parameters),
    "with residue": lambda articles, **parameters: dedup.near_duplicates(articles, cut_residue=True, **parameters),
    "add_many": add_many,
}


class Listener:
    def __init__(self):
        self.calls, self.threads = [], set()

    def __call__(self, done, total):
        self.calls.append((done, total))
        self.threads.add(threading.get_ident())


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


def check(calls, total):
    assert all(type(done) is int and of == total for done, of in calls)
    done = [done for done, _ in calls]
    assert done == sorted(set(done))
    assert min(done) >= (0 if not total else 1)
    assert done[-1] == total
    assert len(done) <= 201


# A callable


@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_it_rises_to_the_number_of_articles(way, count):
    listener = Listener()
    way(records(count), progress=listener)
    check(listener.calls, count)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_it_moves_in_many_steps_all_in_the_calling_thread(n_jobs):
    listener = Listener()
    words = np.random.default_rng(0).integers(0, 5000, (1500, 80)).astype(str)
    articles = [" ".join(text) for text in words]
    dedup.cluster(articles, progress=listener, n_jobs=n_jobs)
    check(listener.calls, len(articles))
    assert listener.threads == {threading.get_ident()}
    done = [0, *(done for done, _ in listener.calls)]
    assert len(done) > 20
    assert max(b - a for a, b in pairwise(done)) < len(articles) / 8


def test_encoding_takes_most_of_it(sample):
    listener, seen = Listener(), []

    def encoder(texts):
        seen.append(listener.calls[-1][0] if listener.calls else 0)
        return [[len(text), 1.0] for text in texts]

    encoder([""])  # no longer empty
    dedup.cluster(sample, encoder=encoder, progress=listener)
    check(listener.calls, len(sample))
    assert seen[-1] > 0.5 * len(sample)


def test_the_index_counts_the_articles_that_have_a_story():
    listener = Listener()
    with dedup.StoryIndex(":memory:") as index:
        index.add_many(records(10))
        index.add_many(records(60), progress=listener)
        assert listener.calls == [(done, 60) for done in range(1, 61)]


def test_the_result_does_not_depend_on_it(sample, stories):
    found = dedup.cluster(sample, progress=Listener())
    assert found.labels.tolist() == stories.labels.tolist()
    assert [story.reason for story in found] == [story.reason for story in stories]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("at", ["first", "last"])
def test_what_it_raises_ends_the_work(sample, n_jobs, at):
    def enough(done, total):
        if at == "first" or done == total:
            raise KeyboardInterrupt(f"{done} of {total}")

    model = dedup.StoryClusterer(n_jobs=n_jobs).fit(["Kim"])
    with pytest.raises(KeyboardInterrupt, match="of 216"):
        model.set_params(progress=enough).fit(sample)
    assert model.labels_.tolist() == [0]
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


def test_what_it_raises_leaves_nothing_in_the_index():
    def enough(done, total):
        if done == total:
            raise RuntimeError

    with dedup.StoryIndex(":memory:") as index:
        with pytest.raises(RuntimeError):
            index.add_many(records(5), progress=enough)
        assert len(index) == 0
        assert len(index.add_many(records(5))) == 5


def test_work_that_fails_is_never_done():
    listener = Listener()
    with pytest.raises(TypeError):
        dedup.cluster(records(5), progress=listener, encoder=lambda texts: "nothing")
    assert (5, 5) not in listener.calls


@pytest.mark.parametrize("value", [None, 0, 1, "yes", [print]], ids=repr)
def test_anything_else_is_refused(way, value):
    with pytest.raises(TypeError) as caught:
        way(records(2), progress=value)
    assert str(caught.value).startswith(f"progress is {value!r}; allowed: True, False, or a callable")


# A bar


def test_a_bar_is_shown_on_request_and_goes_to_the_end(way, capsys):
    way(records(12), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "12/12" in err
    assert "articles" in err


def test_without_tqdm_it_is_said_what_to_install(way, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r'pip install "dedup-stories\[progress\]"'):
        way(records(2), progress=True)
    way(records(2))


def test_nothing_is_shown_unless_asked_for(way, capsys):
    way(records(3))
    assert capsys.readouterr() == ("", "")


# The parts


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.integers(1, 1000), st.integers(1, 40))
def test_parts_rise_through_their_shares_of_the_whole(shares, total, steps):
    listener = Listener()
    with track(listener, total) as progress:
        whole = []
        for part in split_progress(lambda share: (whole.append(share), progress(share)), *shares):
            for step in range(1, steps + 1):
                part(step / steps)
    check(listener.calls, total)
    assert whole == sorted(whole)
    assert whole[-1] == pytest.approx(1)
    assert whole[steps - 1] == pytest.approx(shares[0] / sum(shares))


def test_a_part_may_have_no_share():
    shares = []
    first, second = split_progress(shares.append, 0, 2)
    first(1)
    second(1)
    assert shares == [0, 1]


def test_progress_that_is_off_is_ignored():
    with track(False, 5) as progress:
        assert progress is no_progress
