"""Passages that recur: the same as a slow twin finds, and texts without them."""

import re
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup.near import occurrences

WORDS = st.sampled_from(["kim", "Kim", "train", "russia,", "the", "a.", "\n", "\n\n", "москва"])
TEXTS = st.lists(st.lists(WORDS, max_size=14).map(" ".join), max_size=6)


def words_of(text):
    """Folded words with their spans."""
    return [(m[0].lower().replace("москва", "moskva"), *m.span()) for m in re.finditer(r"[a-zA-Zа-я]+", text)]


def slow_units(texts, line_feeds, min_words, min_texts):
    """Text, first word, last word, number of texts, first text and whether it is there, of each unit that recurs."""
    places = defaultdict(list)
    for i, text in enumerate(texts):
        unit = []
        for word, start, stop in words_of(text):
            if unit and text[unit[-1][2] : start].count("\n") >= line_feeds:
                places[tuple(word for word, *_ in unit)].append((i, unit[0][1], unit[-1][2]))
                unit = []
            unit.append((word, start, stop))
        if unit:
            places[tuple(word for word, *_ in unit)].append((i, unit[0][1], unit[-1][2]))
    return sorted(
        (i, start, stop, len({i for i, *_ in own}), own[0][0], (i, start) == own[0][:2])
        for words, own in places.items()
        for i, start, stop in own
        if len(words) >= min_words and len({i for i, *_ in own}) >= min_texts
    )


@given(TEXTS, st.sampled_from(["line", "paragraph"]), st.integers(1, 3), st.integers(1, 3))
def test_units_are_those_of_the_slow_twin(texts, unit, min_words, min_texts):
    found = dedup.repeated_passages(texts, unit=unit, min_words=min_words, min_texts=min_texts, n_jobs=1)
    got = []
    for i, start, stop, count, first, is_first in zip(
        found.texts, found.starts, found.stops, found.counts, found.first_texts, found.are_first, strict=True
    ):
        inside = [word for word in words_of(texts[i]) if start <= word[1] < stop]
        got.append((i, inside[0][1], inside[-1][2], count, first, is_first))
    assert sorted(got) == slow_units(texts, {"line": 1, "paragraph": 2}[unit], min_words, min_texts)


def slow_states(texts, size, min_texts):
    """For each word of each text: whether a run that recurs covers it, and whether one that is new there does."""
    split = [[word for word, *_ in words_of(text)] for text in texts]
    places = defaultdict(list)
    for i, words in enumerate(split):
        for k in range(len(words) - size + 1):
            places[tuple(words[k : k + size])].append((i, k))
    states = [[0] * len(words) for words in split]
    for own in places.values():
        if len({i for i, _ in own}) >= min_texts:
            for i, k in own:
                for at in range(k, k + size):
                    states[i][at] = max(states[i][at], 2 if (i, k) == own[0] else 1)
    return states


@given(TEXTS, st.integers(1, 4), st.integers(2, 3))
def test_runs_cover_the_words_of_the_slow_twin(texts, size, min_texts):
    found = dedup.repeated_passages(texts, unit="run", min_words=size, min_texts=min_texts, n_jobs=1)
    states = [[0] * len(words_of(text)) for text in texts]
    for i, start, stop, is_first in zip(found.texts, found.starts, found.stops, found.are_first, strict=True):
        for at, (_, begin, end) in enumerate(words_of(texts[i])):
            if start <= begin and end <= stop:
                assert not states[i][at]
                states[i][at] = 2 if is_first else 1
    assert states == slow_states(texts, size, min_texts)
    assert (found.counts >= min_texts).all()
    # Where it stands first the same words stand.
    for k in range(len(found)):
        here, there = (
            [word for word, begin, _ in words_of(texts[i]) if begin >= start]
            for i, start in ((found.texts[k], found.starts[k]), (found.first_texts[k], found.first_starts[k]))
        )
        assert here[0] in there[:size]


def runs_of(texts, size):
    split = [[word for word, *_ in words_of(text)] for text in texts]
    return {tuple(words[k : k + size]) for words in split for k in range(len(words) - size + 1)}


@given(TEXTS, st.sampled_from(["line", "paragraph", "run"]), st.integers(1, 4))
def test_no_passage_is_lost_when_first_ones_stay(texts, unit, size):
    found = dedup.repeated_passages(texts, unit=unit, min_words=size)
    left = found.removed()
    if unit == "run":
        everywhere = [runs_of([text], size) for text in texts]
        several = {run for own in everywhere for run in own if sum(run in other for other in everywhere) > 1}
        assert several <= runs_of(left, size)
    assert sum(map(len, left)) <= sum(map(len, texts))
    without = found.removed(keep_first=False)
    assert len(dedup.repeated_passages(without, unit=unit, min_words=size)) == 0 or unit == "run"


def test_the_order_of_words_and_the_text_matter():
    assert len(dedup.repeated_passages(["a b c", "c b a"], unit="line", min_words=3)) == 0
    assert len(dedup.repeated_passages(["a b c\na b c"], unit="line", min_words=3)) == 0
    assert len(dedup.repeated_passages(["a b c\na b c"], unit="line", min_words=3, min_texts=1)) == 2


def test_lines_go_with_their_ends_and_marks():
    footer = "=== Subscribe to our newsletter! ==="
    texts = [f"Kim arrives.\n{footer}\nMore soon.", f"{footer}\nRates rise."]
    found = dedup.repeated_passages(texts, unit="line", min_words=4)
    assert found.removed(keep_first=False) == ["Kim arrives.\nMore soon.", "Rates rise."]
    assert found.removed() == [texts[0], "Rates rise."]
    frame = found.to_frame(backend="pyarrow").to_pylist()
    assert [row["passage"] for row in frame] == [f"{footer}\n", f"{footer}\n"]
    assert [row["first_text"] for row in frame] == [0, 0]
    assert repr(found) == "RepeatedPassages(2; in 2 texts: '=== Subscribe to our newsletter! ===')"
    assert repr(dedup.repeated_passages([])) == "RepeatedPassages(none in 0 texts)"


def test_the_result_depends_neither_on_threads_nor_on_parts(monkeypatch):
    rng = np.random.default_rng(0)
    texts = [" ".join(map(str, rng.integers(0, 4, 300))) for _ in range(40)]
    whole = dedup.repeated_passages(texts, unit="run", min_words=6, n_jobs=1)
    assert len(whole) > 40
    monkeypatch.setattr(occurrences, "_AT_ONCE", 500)
    parted = dedup.repeated_passages(texts, unit="run", min_words=6, n_jobs=3)
    for name in ("texts", "starts", "stops", "counts", "are_first", "first_texts", "first_starts"):
        assert getattr(parted, name).tolist() == getattr(whole, name).tolist()


@pytest.mark.parametrize(
    ("error", "parameters", "message"),
    [
        (ValueError, {"unit": "word"}, "unit is 'word'; allowed: 'paragraph', 'line', 'run'"),
        (ValueError, {"min_words": 0}, "min_words is 0; allowed: an integer of at least 1"),
        (TypeError, {"min_texts": 2.5}, "min_texts is 2.5; allowed"),
        (ValueError, {"fold": "none"}, "fold is 'none'; allowed"),
    ],
)
def test_other_parameters_are_refused(error, parameters, message):
    with pytest.raises(error, match=message):
        dedup.repeated_passages(["Kim"], **parameters)
