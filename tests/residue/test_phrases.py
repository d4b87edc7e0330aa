import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.residue.layout import layout_of
from dedup.residue.phrases import site_phrases
from dedup.text.tokens import tokenize

EXAMPLES = settings(deadline=None, max_examples=60)

FILES = sorted((Path(dedup.__file__).parent / "residue" / "data" / "phrases").glob("*.txt"))
PHRASES = [
    line
    for file in FILES
    for line in file.read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("# ")
]
SENTENCE = "Kim Jong Un est arrivé en Russie à bord de son train blindé."


def layout(*texts):
    return layout_of(tokenize(texts))


def runs_of(texts):
    """Each text as a tuple of its words, numbers and dates alike."""
    found = layout(*texts)
    words = [None if masked else word for word, masked in zip(found.tokens.strings(), found.masked, strict=True)]
    bounds = found.tokens.offsets.tolist()
    return [tuple(words[start:stop]) for start, stop in pairwise(bounds)]


@cache
def slow_phrases():
    """The whole phrases and the opening ones as tuples of words."""
    runs = runs_of(PHRASES)
    opens = [phrase.endswith("…") for phrase in PHRASES]
    return tuple({run for run, o in zip(runs, opens, strict=True) if o is wanted} for wanted in (False, True))


def slow_line(run):
    whole, opening = slow_phrases()
    return run in whole or any(run[:size] in opening for size in range(1, len(run) + 1))


SHORT = [phrase for phrase in PHRASES if len(tokenize([phrase]).starts) <= 4]
PIECE = st.one_of(
    st.sampled_from(PHRASES),
    st.sampled_from(SHORT),
    st.sampled_from(PHRASES).map(lambda phrase: phrase[: len(phrase) * 2 // 3]),
    st.sampled_from(["Kim", "12", "mai", "Russie.", "金正恩", "—", "Read", "Follow us", "Par", "0"]),
)
LINE = st.lists(PIECE, max_size=3).map(" ".join)
TEXT = st.lists(LINE, max_size=5).map("\n".join)


@EXAMPLES
@given(st.lists(TEXT, max_size=4))
def test_lines_are_those_of_the_slow_twin(texts):
    lines = [line for text in texts for line in text.split("\n")]
    expected = [slow_line(run) for run in runs_of(lines) if run]
    assert site_phrases().lines(layout(*texts)).tolist() == expected


@EXAMPLES
@given(st.lists(LINE, max_size=4), st.data())
def test_runs_are_those_of_the_slow_twin(texts, data):
    found = layout(*texts)
    first = sorted(data.draw(st.sets(st.integers(0, max(len(found.masked) - 1, 0)))) if len(found.masked) else [])
    phrases, expected = set.union(*slow_phrases()), []
    for text, run in enumerate(runs_of(texts)):
        offset = int(found.tokens.offsets[text])
        spans = [(start, size) for start in range(len(run)) for size in range(1, len(run) - start + 1)]
        known = [(offset + start, size) for start, size in spans if run[start : start + size] in phrases]
        expected += [(start, size) for start, size in known if start in first]
    begins, sizes = site_phrases().runs(found, np.array(first, dtype=np.int64))
    assert list(zip(begins.tolist(), sizes.tolist(), strict=True)) == expected


def test_every_phrase_is_a_known_line():
    texts = [f"{SENTENCE}\n{phrase.removesuffix('…')}\n{SENTENCE}" for phrase in PHRASES]
    known = site_phrases().lines(layout(*texts)).reshape(-1, 3)
    assert [
        phrase for phrase, lines in zip(PHRASES, known.tolist(), strict=True) if lines != [False, True, False]
    ] == []


def test_opening_phrases_alone_take_the_rest_of_a_line():
    known = site_phrases().lines(layout(*(f"{phrase.removesuffix('…')} Vladivostok blindé" for phrase in PHRASES)))
    opens = [phrase.endswith("…") for phrase in PHRASES]
    assert known[opens].all()
    expected = [slow_line(run) for run in runs_of(f"{phrase} Vladivostok blindé" for phrase in PHRASES)]
    assert known.tolist() == expected
    assert known[~np.array(opens)].mean() < 0.1  # some go on as an opening phrase would


def test_what_stands_before_a_phrase_keeps_the_line():
    known = site_phrases().lines(layout(*(f"Vladivostok {phrase}" for phrase in PHRASES)))
    assert not known.any()


def test_a_phrase_inside_a_sentence_is_no_line():
    lines = [f"{SENTENCE[:-1]} {phrase.removesuffix('…')} {SENTENCE}" for phrase in PHRASES]
    assert not site_phrases().lines(layout(*lines)).any()


def test_a_phrase_cut_in_two_lines_is_no_line():
    assert site_phrases().lines(layout("LAISSER UN\nCOMMENTAIRE")).tolist() == [False, False]


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        str.title,
        lambda phrase: f"  « {phrase} » !!",
        lambda phrase: phrase.replace(" ", " * "),
        lambda phrase: f"\t— {phrase}\r",
    ],
)
def test_case_and_signs_do_not_matter(change):
    texts = [change(phrase.removesuffix("…")) for phrase in PHRASES]
    known = site_phrases().lines(layout(*texts))
    assert [text for text, line in zip(texts, known.tolist(), strict=True) if not line] == []


def test_accents_do_not_matter():
    file = next(file for file in FILES if file.stem == "fr")
    texts = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
    plain = ["".join(c for c in unicodedata.normalize("NFD", line) if not unicodedata.combining(c)) for line in texts]
    assert plain != texts
    assert site_phrases().lines(layout(*plain)).all()


def test_any_number_is_as_good_as_the_zero_of_a_phrase():
    assert site_phrases().lines(layout("0 comments", "17 comments", "comments", "two comments")).tolist() == [
        True,
        True,
        slow_line((b"comments",)),
        False,
    ]


def test_an_opening_phrase_cut_in_two_lines_opens_none():
    opening = [phrase for phrase in PHRASES if phrase.endswith("…") and " " in phrase.removesuffix(" …")]
    texts = [phrase.replace(" ", "\n", 1) for phrase in opening]
    expected = [slow_line(run) for text in texts for run in runs_of(text.split("\n")) if run]
    assert site_phrases().lines(layout(*texts)).tolist() == expected
    assert not all(expected[::2])


def test_a_run_does_not_reach_into_the_next_text():
    found = layout("LAISSER UN", "COMMENTAIRE")
    begins, _ = site_phrases().runs(found, np.arange(3))
    assert 0 not in begins.tolist()


def test_a_phrase_that_is_a_whole_line_and_an_opening_is_found_once():
    whole, opening = slow_phrases()
    both = [phrase for phrase, run in zip(PHRASES, runs_of(PHRASES), strict=True) if run in whole & opening]
    assert len(both) > 100
    found = layout(*both)
    begins, sizes = site_phrases().runs(found, found.tokens.offsets[:-1])
    longest = sizes == np.diff(found.tokens.offsets)[found.texts[begins]]
    assert found.texts[begins[longest]].tolist() == list(range(len(both)))


def test_no_phrase_is_of_numbers_and_dates_alone():
    assert [phrase for phrase, run in zip(PHRASES, runs_of(PHRASES), strict=True) if not any(run)] == []


def test_no_lines_are_none():
    assert site_phrases().lines(layout()).tolist() == []
    assert [part.tolist() for part in site_phrases().runs(layout("", "—"), np.empty(0, dtype=np.int64))] == [[], []]
