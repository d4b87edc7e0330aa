"""The mark of a news service at the end of a text that it has cut."""

import pytest

import dedup
from dedup.residue.cuts import cut_spans
from dedup.residue.find import find_residue

LEAD = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured tra"


@pytest.mark.parametrize("joint", ["… ", "...", " ", "…", "…\n"])
@pytest.mark.parametrize("lead", [LEAD, f"MOSCOW\r\n{LEAD}", "首相は火曜日に東京で"])
def test_the_mark_is_residue_and_nothing_else(lead, joint):
    text = f"{lead}{joint}[+1234 chars]"
    (article,) = dedup.cluster([{"text": text, "title": "Kim"}]).articles
    assert article.text == text
    assert article.body == lead
    assert find_residue([text])[0][-1][1] == len(text)


@pytest.mark.parametrize("text", ["[+12 chars] are allowed", "a [+chars]", "a [12 chars]", "a [+12 chars].", "", "]"])
def test_what_only_looks_like_it_stays(text):
    assert cut_spans(text) == []


def test_a_text_that_is_nothing_else_stays_whole_without_a_title():
    assert find_residue(["[+12 chars]"]) == [[]]
    assert find_residue(["… [+12 chars]"], titles=["Kim"]) == [[(0, 13)]]


def test_it_takes_linear_time():
    assert cut_spans("…" * 1_000_000 + "[+1 chars]") == [(999_999, 1_000_010)]
    assert cut_spans(" " * 1_000_000 + "]") == []
