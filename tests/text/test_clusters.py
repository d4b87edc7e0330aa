import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.text.clusters import clusters_of, runs_of
from dedup.text.tokens import tokenize

EXAMPLES = settings(deadline=None, max_examples=100)
PIECES = [
    "Kim",
    "2023",
    "한국",
    " ",
    "\n",
    ". ",
    "\u200b",
    "金",
    "正",
    "の",
    "プ",
    "๑",
    "ก",
    "น",
    "า",
    "ะ",
    "เ",
    "ไ",
    "ิ",
    "่",
]
PIECES += ["ກ", "າ", "ເ", "ິ", "က", "န", "ာ", "်", "္", "ြ", "ក", "ន", "ា", "្", "ំ", "𠀀", "é"]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), max_size=4)
FOLDS = pytest.mark.parametrize("fold", ["unidecode", "marks"])

VOWELS_BEHIND, VOWELS_BEFORE, STACKERS = "ะาำๅະາຳຽ", "เแโใไເແໂໃໄ", "\u1039\u17d2"


def is_alphabetic(character):
    return any(low <= character <= high for low, high in ("\u0e00\u0eff", "\u1000\u109f", "\u1780\u17ff"))


def slow_clusters(tokens):
    """First and last token, bytes, script and stretch of each cluster, one token at a time."""
    found, stretch = [], -1
    strings, unspaced = tokens.strings(), tokens.unspaced.tolist()
    for i, string in enumerate(strings):
        if not unspaced[i]:
            continue
        character, before = string.decode(), strings[i - 1].decode("utf-8", "replace") if i else ""
        alphabetic = is_alphabetic(character)
        follows = i > 0 and unspaced[i - 1] and tokens.starts[i] == tokens.stops[i - 1]
        follows = follows and is_alphabetic(before) == alphabetic
        stretch += not follows
        mark = alphabetic and (unicodedata.category(character)[0] == "M" or character in VOWELS_BEHIND)
        if follows and (mark or before in VOWELS_BEFORE or before in STACKERS):
            found[-1][1:3] = i, found[-1][2] + string
        else:
            found.append([i, i, string, alphabetic, stretch])
    return found


def columns_of(clusters):
    return [column.tolist() for column in (clusters.first, clusters.last, clusters.alphabetic, clusters.stretches)]


@FOLDS
@EXAMPLES
@given(TEXTS)
def test_clusters_are_those_of_the_slow_twin(fold, texts):
    tokens = tokenize(texts, fold)
    clusters, expected = clusters_of(tokens), slow_clusters(tokens)
    assert columns_of(clusters) == [[row[k] for row in expected] for k in (0, 1, 3, 4)]
    names = {}
    for key, row in zip(clusters.hashes.tolist(), expected, strict=True):
        assert names.setdefault(key, row[2]) == row[2]
    assert len(names) == len({row[2] for row in expected})


@EXAMPLES
@given(TEXTS, st.integers(1, 4), st.booleans())
def test_runs_are_those_of_the_slow_twin(texts, size, alphabetic):
    tokens = tokenize(texts)
    clusters, rows = clusters_of(tokens), slow_clusters(tokens)
    windows = [rows[k : k + size] for k in range(len(rows) - size + 1)]
    expected = [run for run in windows if len({row[4] for row in run}) == 1 and run[0][3] == alphabetic]
    (found,) = runs_of(clusters, size, clusters.alphabetic == alphabetic)
    assert found.first.tolist() == [run[0][0] for run in expected]
    assert found.last.tolist() == [run[-1][1] for run in expected]
    names = [tuple(row[2] for row in run) for run in expected]
    assert (
        len(set(zip(found.hashes.tolist(), names, strict=True))) == len(set(names)) == len(set(found.hashes.tolist()))
    )


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("เดินทางถึงรัสเซีย", "เดิ น ทา ง ถึ ง รั ส เซี ย"),
        ("ປະເທດລາວ", "ປະ ເທ ດ ລາ ວ"),
        ("ព្រះរាជាណាចក្រកម្ពុជា", "ព្រះ រា ជា ណា ច ក្រ ក ម្ពុ ជា"),
        ("မန္တလေး", "မ န္တ လေး"),
        ("東京タワー", "東 京 タ ワ ー"),
        ("ក\u200bខ", "ក ខ"),
    ],
)
def test_marks_and_vowels_stay_with_their_consonant(text, clusters):
    tokens = tokenize([text])
    found = clusters_of(tokens)
    ends = zip(tokens.starts[found.first].tolist(), tokens.stops[found.last].tolist(), strict=True)
    assert [tokens.folded[start:stop].tobytes().decode() for start, stop in ends] == clusters.split()
    assert set(found.stretches.tolist()) == {0}


@pytest.mark.parametrize("texts", [[], [""], ["Kim 2023", "한국"]])
def test_texts_of_spaced_scripts_have_no_clusters(texts):
    clusters = clusters_of(tokenize(texts))
    assert all(len(column) == 0 for column in clusters)
    assert all(len(column) == 0 for column in next(runs_of(clusters, 3, clusters.alphabetic)))


def test_the_hash_of_a_run_does_not_depend_on_where_it_stands():
    clusters = clusters_of(tokenize(["Kim ประเทศไทย", "ประเทศไทย 2023 ประเทศไทย"]))
    (runs,) = runs_of(clusters, 3, clusters.alphabetic)
    assert len(np.unique(runs.hashes)) * 3 == len(runs.hashes) > 0
