import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.residue.layout import layout_of
from dedup.text.tokens import tokenize

EXAMPLES = settings(deadline=None, max_examples=60)

BREAKS = ["\n", "\r\n", "\r", "\x0b", "\x0c", "\n\n", "\n \n", "\n—\n"]
NO_BREAKS = [" ", ", ", "\t", "\x1c", "\x1e", "\0", ". "]
ASCII_PART = st.one_of(
    st.sampled_from(["a", "b", "ab", "12", "7", "2023", "May", "monday", "Mar", "maybe", "1a", "a1", "`"]),
    st.sampled_from(BREAKS),
    st.sampled_from(NO_BREAKS),
)
WIDE_PART = st.one_of(
    ASCII_PART,
    st.sampled_from(["é", "É", "mai", "août", "Января", "понедельник", "Путин", "ﬁ", "½", "²", "٣", "٣٤", "œ", "Щ"]),
    st.sampled_from(
        ["金", "正恩", "月", "三", "ไทย", "한국", "월요일", "مارس", "é" * 70, "Щ" * 20, "😀", "\u00ad", "\u0301"]
    ),
    st.sampled_from(["\u0085", "\u2028", "\u2029", "\u3000", "\xa0", "\ud800", "、", "。"]),
)
ASCII_TEXTS = st.lists(st.lists(ASCII_PART, max_size=14).map("".join), max_size=5)
TEXTS = st.one_of(ASCII_TEXTS, st.lists(st.lists(WIDE_PART, max_size=14).map("".join), max_size=5))


@cache
def date_words():
    lines = (Path(dedup.__file__).parent / "residue" / "data" / "dates.txt").read_text(encoding="utf-8").splitlines()
    return {word for line in lines if not line.startswith("#") for word in tokenize([line]).strings()}


class SlowLayout:
    """What `layout_of` does, in plain Python."""

    def __init__(self, texts):
        joined = "".join(text + "\n" for text in texts)
        tokens = tokenize(texts)
        sources = tokens.characters(np.arange(tokens.stops.max(initial=0))).tolist()  # has a slow twin of its own
        self.words = tokens.strings()
        self.begins = [sources[start] for start in tokens.starts.tolist()]
        self.ends = [sources[stop - 1] + 1 for stop in tokens.stops.tolist()]
        self.masked = [set(word) <= set(b"0123456789") or word in date_words() for word in self.words]
        starts = np.cumsum([0, *(len(text) + 1 for text in texts)]).tolist()
        self.texts = [sum(start <= begin for start in starts) - 1 for begin in self.begins]
        self.line_starts, self.line_begins, self.line_ends = [], [], []
        place = 0
        for line in re.split("[\n\x0b\x0c\r\x85\u2028\u2029]", joined):
            inside = [i for i, begin in enumerate(self.begins) if place <= begin < place + len(line)]
            if inside:
                self.line_starts.append(inside[0])
                self.line_begins.append(place)
                self.line_ends.append(place + len(line))
            place += len(line) + 1
        self.line_starts.append(len(self.words))

    def run(self, first, size):
        """The words of a run, numbers and dates alike."""
        these = range(first, first + size)
        return tuple(None if self.masked[i] else self.words[i] for i in these)


@EXAMPLES
@given(TEXTS)
def test_lines_and_tokens_are_those_of_the_slow_twin(texts):
    layout, slow = layout_of(tokenize(texts)), SlowLayout(texts)
    for name in ("begins", "ends", "masked", "texts", "line_starts", "line_begins", "line_ends"):
        assert getattr(layout, name).tolist() == getattr(slow, name), name
    assert layout.line_sizes.tolist() == np.diff(slow.line_starts).tolist()


@EXAMPLES
@given(TEXTS, TEXTS)
def test_keys_are_equal_just_where_runs_are_equal(texts, more):
    runs, keys = {}, {}
    for block in (texts, more, [*more, *texts]):
        layout, slow = layout_of(tokenize(block)), SlowLayout(block)
        n = len(slow.words)
        first, size = (part.ravel() for part in np.mgrid[: n + 1, : n + 1])
        fits = (size > 0) & (first + size <= n)
        first, size = first[fits], size[fits]
        found = layout.keys(first, size).tolist()
        for key, start, length in zip(found, first.tolist(), size.tolist(), strict=True):
            run = slow.run(start, length)
            assert keys.setdefault(run, key) == key
            assert runs.setdefault(key, run) == run


@EXAMPLES
@given(TEXTS)
def test_keys_of_lines_are_those_of_their_runs(texts):
    layout = layout_of(tokenize(texts))
    first = layout.line_starts[:-1]
    assert layout.line_keys.tolist() == layout.keys(first, layout.line_sizes).tolist()
    assert layout.keys(first, 1).tolist() == layout.keys(first, np.ones(len(first), dtype=np.int64)).tolist()


@EXAMPLES
@given(TEXTS, TEXTS)
def test_layout_of_a_list_is_that_of_its_parts_together(left, right):
    both, parts = layout_of(tokenize(left + right)), [layout_of(tokenize(texts)) for texts in (left, right)]
    shift = sum(len(text) + 1 for text in left)
    for name in ("begins", "ends", "line_begins", "line_ends"):
        expected = [*getattr(parts[0], name).tolist(), *(getattr(parts[1], name) + shift).tolist()]
        assert getattr(both, name).tolist() == expected
    for name in ("masked", "line_keys", "line_sizes"):
        assert getattr(both, name).tolist() == [*getattr(parts[0], name).tolist(), *getattr(parts[1], name).tolist()]


def test_no_texts_have_no_lines():
    layout = layout_of(tokenize([]))
    assert layout.line_starts.tolist() == [0]
    assert layout.line_sizes.tolist() == layout.line_keys.tolist() == layout.masked.tolist() == []


@pytest.mark.parametrize("text", ["", "\n\n", "— !\r\n…", "\u2028", "\ud800", "\0"])
def test_texts_without_tokens_have_no_lines(text):
    layout = layout_of(tokenize([text, "a", text]))
    assert layout.line_starts.tolist() == [0, 1]
    assert layout.texts.tolist() == [1]
    assert (layout.line_begins - (len(text) + 1)).tolist() == [0]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\n \t\n"])
def test_every_line_break_ends_a_line(line_break):
    layout = layout_of(tokenize([f"« a b{line_break}c »"]))
    assert layout.line_sizes.tolist() == [2, 1]
    assert layout.line_begins.tolist() == [0, 5 + len(line_break)]
    assert layout.line_ends.tolist() == [5, 5 + len(line_break) + 3]


@pytest.mark.parametrize(
    ("word", "masked"),
    [
        *[(word, True) for word in ("0", "2023", "½", "٣٤", "mardi", "Août", "aout", "MAY", "März", "января", "mer")],
        *[(word, False) for word in ("a", "12h", "1er", "marche", "maire", "Kim", "three", "x2", "金", "ع")],
    ],
)
def test_masks(word, masked):
    assert layout_of(tokenize([word, f"x {word} x"])).masked.tolist() == [masked, False, masked, False]


def test_numbers_and_dates_are_alike_and_count():
    layout = layout_of(tokenize(["le 12 mai", "le 7 Montag", "le mardi 2023", "le 12", "le 12 13 14", "la 12 mai"]))
    keys = layout.line_keys.tolist()
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys)) == 4


def test_order_and_repetition_distinguish_runs():
    layout = layout_of(tokenize(["a b", "b a", "a", "a a", "a a a", "b", "b a b", "a b a", "ab", "aa"]))
    assert len(set(layout.line_keys.tolist())) == 10


def test_many_runs_do_not_collide():
    words = [f"{i:x}g" for i in range(40_000)]
    layout = layout_of(tokenize([" ".join(words)]))
    first = np.arange(len(words))
    keys = [layout.keys(first[: len(words) - size + 1], size) for size in (1, 2, 6, 12)]
    assert len(np.unique(np.concatenate(keys))) == sum(map(len, keys))


def test_keys_of_long_runs_do_not_depend_on_the_place():
    run = " ".join(f"{i:x}g" for i in range(3_000))
    before = ("x " * 50_000).strip()
    layout = layout_of(tokenize([run, f"{before}\n{run}", run + " x"]))
    keys = layout.line_keys.tolist()
    assert keys[0] == keys[2] != keys[3]
