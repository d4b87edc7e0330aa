"""Which short texts are copies, by their symbols: a row a kind."""

import pytest

import dedup
from dedup.near.shingles import shingles_of
from dedup.text.tokens import tokenize

COPIES = {
    "emoji": ["👍", "👍"],
    "several emoji": ["👍🏽👩\u200d👩", " 👍🏽 👩\u200d👩"],
    "emoji with and without their selector": ["❤\ufe0f", "❤"],
    "punctuation": ["...", "..."],
    "full-width punctuation": ["？！", "?!"],
    "enclosed letters": ["ⒶⒷ 🅰", "ⒶⒷ 🅰"],
    "signs of a private font": ["\ue000", "\ue000"],
    "a programming language": ["C++", "c++"],
    "a word and its punctuation": ["Kim arrives", "“Kim” arrives!"],
    "a word and bullets": ["Kim arrives", "▶ Kim arrives …", "• Kim — arrives", "→ Kim arrives", "❯ Kim arrives"],
    "a word and its rights": ["Kim ® arrives", "Kim arrives ©"],
    "a long text and an emoji": ["Kim Jong Un arrives in Russia", "Kim Jong Un arrives in Russia 👍"],
    "a long text and signs": ["Kim Jong Un arrives in Russia", "Kim Jong Un arrives in Russia #+$"],
}
APART = {
    "thumbs": ["👍", "👎"],
    "flags": ["🇫🇷", "🇩🇪"],
    "flags of parts of a country": [f"🏴{tags}\U000e007f" for tags in ("\U000e0067\U000e0062", "\U000e0066\U000e0072")],
    "the number of emoji": ["👍", "👍👍"],
    "punctuation": ["...", "!!!", "?"],
    "enclosed letters": ["Ⓐ", "Ⓑ"],
    "programming languages": ["C", "C++", "C#"],
    "currencies": ["5 €", "5 $", "5 £"],
    "shares": ["5 %", "5 ‰", "5"],
    "moods": ["Great 👍", "Great 👎"],
    "degrees": ["5 ±", "5 ="],
    "private signs": ["\ue000", "\ue001"],
}
BLANK = ["", " ", "\n\n", "\u200b", "\0", "\ufe0f", "\ud800", "\u0301"]


@pytest.mark.parametrize("fold", ["unidecode", "marks"])
@pytest.mark.parametrize("kind", COPIES)
def test_texts_with_equal_symbols_are_copies(kind, fold):
    found = dedup.near_duplicates(COPIES[kind], fold=fold)
    assert found.labels.tolist() == [0] * len(COPIES[kind])
    assert set(found.jaccard.tolist()) == {1.0}


@pytest.mark.parametrize("fold", ["unidecode", "marks"])
@pytest.mark.parametrize("kind", APART)
def test_short_texts_with_other_symbols_are_none(kind, fold):
    assert len(dedup.near_duplicates(APART[kind], fold=fold).pairs) == 0


def test_a_text_of_symbols_contains_nothing_and_is_in_nothing():
    found = dedup.near_duplicates(["👍", "Kim arrives 👍 in Russia by train", "👍"], containment=0.5)
    assert found.pairs.tolist() == [[0, 2]]


@pytest.mark.parametrize("text", BLANK)
def test_a_text_that_shows_nothing_is_blank(text):
    assert shingles_of(tokenize([text, "a", text]), 5).offsets.tolist() == [0, 0, 1, 1]
    assert len(dedup.near_duplicates([text, text]).pairs) == 0


def test_a_copy_of_symbols_joins_it_in_an_index():
    with dedup.StoryIndex(":memory:") as index:
        index.add(dedup.Article("a", "👍"))
        assert index.add(dedup.Article("b", "👍")).near_duplicate_of == "a"
        assert index.add(dedup.Article("c", "👎")).near_duplicate_of is None
