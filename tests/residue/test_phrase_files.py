"""The files of phrases that sites are known to use, one for each language."""

import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from folding import fold_text

import dedup

FOLDER = Path(dedup.__file__).parent / "residue" / "data" / "phrases"
FILES = sorted(FOLDER.glob("*.txt"))
REQUIRED = ["ar", "de", "en", "es", "fr", "it", "ja", "pt", "ru", "zh"]
VARIABLE_REST = " …"  # the phrase begins a line that goes on as it likes


def lines_of(file):
    return file.read_bytes().decode("utf-8").split("\n")


def phrases_of(file):
    return [line for line in lines_of(file) if line and not line.startswith("# ")]


def folded(text):
    return b" ".join(re.split(rb"[ .]+", fold_text(text.removesuffix(VARIABLE_REST)))).strip()


every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.mark.parametrize("language", REQUIRED)
def test_the_required_languages_have_phrases(language):
    assert len(phrases_of(FOLDER / f"{language}.txt")) >= 30


def test_there_are_phrases_of_no_language():
    assert "spot_img" in phrases_of(FOLDER / "any.txt")


@every_file
def test_a_file_is_composed_text_of_trimmed_lines(file):
    text = file.read_bytes().decode("utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert text.endswith("\n")
    assert "\r" not in text
    assert "\ufeff" not in text
    assert [line for line in lines_of(file) if line != line.strip()] == []


@every_file
def test_every_section_names_its_origin(file):
    lines = [line for line in lines_of(file) if line]
    comments = [line.startswith("#") for line in lines]
    assert comments[0]
    assert not comments[-1]
    assert not any(this and following for this, following in pairwise(comments))
    assert all(re.match(r"# \S", line) for line, comment in zip(lines, comments, strict=True) if comment)


@every_file
def test_no_phrase_is_there_twice(file):
    # Stricter than casefold: phrases that fold alike match alike.
    keys = [(folded(phrase), phrase.endswith(VARIABLE_REST)) for phrase in phrases_of(file)]
    assert [key for key in keys if keys.count(key) > 1] == []


@every_file
def test_a_number_is_written_as_one_zero(file):
    numbers = [number for phrase in phrases_of(file) for number in re.findall(r"\d+", phrase)]
    assert set(numbers) <= {"0"}


@every_file
def test_a_phrase_says_enough(file):
    for phrase in phrases_of(file):
        assert sum(map(str.isalpha, phrase)) >= 2 or "0" in phrase, phrase
        assert "…" not in phrase.removesuffix(VARIABLE_REST), phrase
        assert folded(phrase), phrase


@every_file
def test_what_cuts_a_line_by_its_beginning_is_no_single_short_word(file):
    for phrase in phrases_of(file):
        if phrase.endswith(VARIABLE_REST):
            assert len(folded(phrase)) >= 6, phrase


def test_no_phrase_is_a_line_of_a_sample_article():
    whole = {folded(p) for file in FILES for p in phrases_of(file) if not p.endswith(VARIABLE_REST)}
    begins = tuple(folded(p) for file in FILES for p in phrases_of(file) if p.endswith(VARIABLE_REST))
    keys = {
        folded(re.sub(r"\d+", "0", line)) for article in dedup.sample_articles() for line in article.text.split("\n")
    }
    assert [key for key in keys if key in whole or key.startswith(begins)] == []
