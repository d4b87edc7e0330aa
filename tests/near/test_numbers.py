"""Numbers that `compare_numbers` sees: a row a kind, and a slow twin."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.near.numbers import number_hashes
from dedup.text.tokens import tokenize

EXAMPLES = settings(deadline=None, max_examples=200)
WORDS = " ".join(f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60))

EQUAL = {
    "groups of three": [f"Paris 1{sign}250" for sign in ",.'\u2019 \u00a0\u202f\u2009\u066c"] + ["Paris 1250"],
    "several groups": ["Paris 1,250,500", "Paris 1.250.500", "Paris 1250500"],
    "groups and decimals": ["Paris 1,250.75", "Paris 1.250,75", "Paris 1250,75"],
    "native digits": ["Paris 23", "Paris ๒๓", "Paris ໒໓", "Paris ២៣", "Paris ၂၃", "Paris ٢٣", "Paris २३"],
    "circled digits": ["Paris ③", "Paris 3", "Paris ❸"],
    "minus signs": ["Paris -3", "Paris \u22123", "Paris \u20133"],
    "Han without numbers": ["进一步 一样", "进一步 一样"],
}
OTHERS = {
    "signs": ["Paris -3", "Paris 3"],
    "roads": ["Route A11", "Route A12"],
    "flights": ["flight US11", "flight US12"],
    "decimals": ["Paris 1,5", "Paris 15"],
    "decimals of three digits": ["Paris 0.250", "Paris 250"],
    "decimals of two digits": ["Paris 1.25", "Paris 125"],
    "Thai": ["ปารีส ๒๓", "ปารีส ๒๔"],
    "Lao": ["ປາຣີ ໒໓", "ປາຣີ ໒໔"],
    "Khmer": ["ប៉ារីស ២៣", "ប៉ារីស ២៤"],
    "Burmese": ["ပါရီ ၂၃", "ပါရီ ၂၄"],
    "Han numerals": ["共三人", "共四人"],
    "Han one and three": ["共一人", "共三人"],
    "long Han numerals": ["共三十一人", "共三十二人"],
    "circled numbers": ["Paris ③", "Paris ④"],
    "cities": ["Lyon 2", "Nice 2"],
}


def sets_of(texts):
    hashes, counts = number_hashes(tokenize(texts))
    stops = counts.cumsum().tolist()
    return [set(hashes[stop - count : stop].tolist()) for stop, count in zip(stops, counts.tolist(), strict=True)]


@pytest.mark.parametrize("kind", EQUAL)
def test_one_number_in_other_spellings_is_one(kind):
    assert len(set(map(frozenset, sets_of(EQUAL[kind])))) == 1
    found = dedup.near_duplicates([f"{WORDS} {text}" for text in EQUAL[kind]], compare_numbers=True)
    assert found.labels.tolist() == [0] * len(EQUAL[kind])


@pytest.mark.parametrize("kind", OTHERS)
def test_other_numbers_are_others(kind):
    one, other = sets_of(OTHERS[kind])
    assert one != other
    texts = [f"{WORDS} {text}" for text in OTHERS[kind]]
    assert dedup.near_duplicates(texts).labels.tolist() == [0, 0]
    assert dedup.near_duplicates(texts, compare_numbers=True).labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "count"),
    [("Covid-19", 1), ("2020-2023", 2), ("12.05.2023", 3), ("1,2,3", 3), ("统一 一样", 0), ("1 250 300", 1), ("", 0)],
)
def test_the_count_of_numbers(text, count):
    assert number_hashes(tokenize([text]))[1].tolist() == [count]


def test_a_hyphen_within_words_is_no_minus():
    assert sets_of(["Covid-19"]) == sets_of(["Covid 19"])
    assert sets_of(["2020-2023"]) == sets_of(["2020 2023"])
    assert sets_of(["-3 Lyon"]) != sets_of(["3 Lyon"])


# A slow twin, for ASCII and Han

HAN_ONE, HAN = "一", "三十二百"
PARTS = ["7", "07", "250", "1", "12", "1250", "a", "A11", "x", "-", ",", ".", " ", " ", "'", *HAN, HAN_ONE, "人", "\n"]


def slow_numbers(text):
    """Each number of a text with what stands before it, as strings."""
    words, at = [], 0
    while at < len(text):
        rest = text[at:]
        before = text[at - 1] if at else "\n"
        wider = text[at - 2] if at > 1 else "\n"
        if match := re.match(r"[a-zA-Z0-9]+", rest):
            word = match[0]
            if word.isdigit() and len(word) <= 3 and word[0] != "0":
                grouped = re.match(r"\d+([,.' ])\d{3}(?![a-zA-Z0-9])((\1)\d{3}(?![a-zA-Z0-9]))*", rest)
                match = grouped or match
                word = re.sub("[,.' ]", "", match[0]) if grouped else word
            minus = before == "-" and word[0].isdigit() and not (wider.isalnum())
            words.append(("-" * minus + word.lower(), any(map(str.isdigit, word))))
        elif match := re.match(f"[{HAN}{HAN_ONE}]+", rest):
            words.append((match[0], match[0] != HAN_ONE))
        elif match := re.match("人", rest):
            words.append((match[0], False))
        else:
            at += 1
            continue
        at += match.end()
    before = [None, *(word for word, _ in words)]
    return [(b, word) for b, (word, is_number) in zip(before, words, strict=False) if is_number]


@EXAMPLES
@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=14).map("".join), max_size=4))
def test_numbers_are_those_of_the_slow_twin(texts):
    hashes, counts = number_hashes(tokenize(texts))
    expected = [slow_numbers(text) for text in texts]
    assert counts.tolist() == list(map(len, expected))
    names = {}
    for value, name in zip(hashes.tolist(), [n for numbers in expected for n in numbers], strict=True):
        assert names.setdefault(name, value) == value
    assert len(set(names.values())) == len(names)
