"""By-lines at the head and foot of texts."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.residue.bylines import byline_spans, is_byline
from dedup.residue.find import find_residue

BODY = (
    "Kim Jong Un arrived in Russia on Tuesday for talks.\nThe train crossed the border at dawn.\n"
    "It stopped in Khasan for an hour.\nOfficials greeted him with bread and salt."
)
HEADS = [
    "By Jane Doe, Staff Writer",
    "By JANE DOE",
    "by Jane Doe and John Roe",
    "By Jane Doe and John Roe | Reuters",
    "By MATTHEW LEE, AP Diplomatic Writer",
    "Jane Doe and John Roe | Reuters",
    "Jane Doe, AFP",
    "Von Anna Schmidt, Berlin",
    "Par Jean Dupont avec AFP",
    "Por Juan Pérez y Ana Gómez",
    "Door Jan de Vries",
    "REUTERS/Jane Doe",
    "Reuters",
    "(AFP)",
    "— AFP, REUTERS",
]
FEET = [
    "(Reporting by Jane Doe in Paris; Editing by John Roe)",
    "Additional reporting by Jane Doe",
    "(With inputs from agencies.)",
    "Jane Doe contributed to this report.",
    "(Reportage de Jean Dupont, édité par Anne Martin)",
    "Con información de Associated Press",
    "Mit Material von dpa",
]
REPORTS = [
    "By Tuesday morning, it was downgraded to a storm",
    "By the end of the day all were home",
    "By Candlelight",
    "Von der Leyen trifft Xi in Peking",
    "Par Toutatis, le ciel tombe sur la tête",
    "Por fin llega la lluvia a Sevilla",
    "AP Møller - Maersk cuts jobs",
    "Reuters reported the fire on Monday",
    "Reuters Wins Prize For Photos",
    "The minister told AFP, Reuters and others that he was leaving",
    "Kim Jong Un in Russia",
    "By Jane Doe And Her Dog.",
    "",
]


def found(text, title=""):
    return [text[start:stop] for start, stop in byline_spans(text, title)]


@pytest.mark.parametrize("line", HEADS)
def test_bylines_at_the_head_and_the_foot(line):
    assert found(f"{line}\n{BODY}") == [line]
    assert found(f"Kim in Russia\n\n{line}\r\n\n{BODY}") == [line]
    assert found(f"{BODY}\n{line}\n") == [line]


@pytest.mark.parametrize("line", FEET)
def test_credits_at_the_foot_alone(line):
    assert found(f"{BODY}\n{line}") == [line]
    assert found(f"{line}\n{BODY}") == []


@pytest.mark.parametrize("line", REPORTS)
def test_lines_of_reports_are_none(line):
    assert found(f"{line}\n{BODY}") == found(f"{BODY}\n{line}") == []


def test_a_byline_in_the_middle_stays():
    assert found("\n".join([BODY, "By Jane Doe", BODY])) == []


def test_a_text_of_one_line_has_none():
    assert found("By Jane Doe") == []


def test_the_title_is_none():
    assert found(f"By Jane Doe\n{BODY}", "By Jane Doe") == []


def test_they_are_residue_and_do_not_erase_a_text():
    text = f"By Jane Doe\n{BODY}\n(Reporting by Jane Doe)"
    assert [text[start:stop] for start, stop in find_residue([text])[0]] == ["By Jane Doe", "(Reporting by Jane Doe)"]
    assert find_residue(["By Jane Doe\nReuters"]) == [[]]
    (article,) = dedup.cluster([{"title": "Kim in Russia", "text": text}])[0].articles
    assert article.body == BODY


def test_two_reports_that_share_an_author_alone_are_two_stories():
    texts = ["By Jane Doe and John Roe, Reuters\nFerry reopens.", "By Jane Doe and John Roe, Reuters\nMayor resigns."]
    assert len(dedup.cluster([{"text": text, "published": "2024-05-01"} for text in texts])) == 2


@settings(deadline=None)
@given(st.text(alphabet="By Jane,|/()\n\r.AFPvon -ß金", max_size=900), st.text(max_size=9))
def test_spans_ascend_and_are_whole_lines(text, title):
    spans = byline_spans(text, title)
    assert all(a < b <= c < d for (a, b), (c, d) in pairwise(spans))
    for start, stop in spans:
        assert text[start:stop] in text.replace("\r", "\n").split("\n")


@pytest.mark.parametrize("piece", ["By A", "(", "By ", ",", "\n", "Reuters, ", "reporting by ", "x"])
def test_no_text_takes_long(piece):
    text = piece * 300_000
    start = time.perf_counter()
    byline_spans(text)
    is_byline(text)
    assert time.perf_counter() - start < 0.5
