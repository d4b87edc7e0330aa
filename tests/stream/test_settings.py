"""What a file rests on: with other parameters it is refused, of other versions it is kept."""

import inspect
import sqlite3
import unicodedata
from importlib.metadata import version

import numpy as np
import pytest

import dedup
from dedup import StoryIndex, _version
from dedup.parameters import NearSettings, StorySettings
from dedup.stream import settings as index_settings
from dedup.stream.settings import stored_parameters, stored_versions

TEXT = "Kim Jong Un boarded his armoured train in Pyongyang bound for Vladivostok."
NEAR = {"threshold": 0.7, "recall": 0.95, "num_perm": 128, "shingle_size": 5}


def near(**other):
    return NearSettings(**NEAR | other)


def parameters(threshold=0.12, near_settings=None, cut_residue=True):
    return stored_parameters(StorySettings(near_settings or near(), threshold, cut_residue, 1_000_000))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.db"


@pytest.fixture
def other_versions(monkeypatch):
    """As if it were another Python, with other packages."""
    monkeypatch.setattr(_version, "__version__", "0.0.1")
    monkeypatch.setattr(unicodedata, "unidata_version", "9.0.0")
    monkeypatch.setattr(_version, "version", lambda name: {"Unidecode": "1.0.22", "stopwordsiso": "0.5"}[name])


def fill(path):
    with StoryIndex(path) as index:
        return index.add({"id": "a", "text": TEXT}).story_id


def table(path, name):
    database = sqlite3.connect(path)
    rows = dict(database.execute(f"SELECT * FROM {name}"))
    database.close()
    return rows


# Versions


def test_versions_are_those_that_are_installed():
    assert stored_versions() == {
        "dedup": dedup.__version__,
        "unicode": unicodedata.unidata_version,
        "Unidecode": version("Unidecode"),
        "stopwordsiso": version("stopwordsiso"),
    }


def test_versions_are_looked_up_anew(other_versions):
    assert stored_versions() == {"dedup": "0.0.1", "unicode": "9.0.0", "Unidecode": "1.0.22", "stopwordsiso": "0.5"}


def test_a_file_says_what_it_was_made_by(path):
    fill(path)
    assert table(path, "versions") == stored_versions()
    assert table(path, "parameters") == parameters()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_other_versions_opens_and_keeps_what_it_has(path, other_versions, monkeypatch, read_only):
    story, made_by = fill(path), stored_versions()
    monkeypatch.undo()
    assert made_by != stored_versions()
    with StoryIndex(path, read_only=read_only) as index:
        assert index.story_id("a") == story
        assert [article.text for article in index.story(story).articles] == [TEXT]
        (found,) = index.similar({"id": "b", "text": TEXT})
        assert (found.article_id, found.story_id) == ("a", story)
    assert table(path, "versions") == made_by


def test_a_file_of_other_versions_goes_on(path, other_versions, monkeypatch):
    story, made_by = fill(path), stored_versions()
    monkeypatch.undo()
    with StoryIndex(path) as index:
        assert index.add({"id": "a", "text": TEXT}).outcome == "unchanged"
        copy = index.add({"id": "b", "text": TEXT})
    assert (copy.outcome, copy.near_duplicate_of, copy.story_id) == ("near_duplicate", "a", story)
    with StoryIndex(path) as index:
        assert len(index) == 2
    assert table(path, "versions") == made_by  # and not by what went on with it


def test_a_file_that_says_other_or_no_versions_opens(path):
    fill(path)
    database = sqlite3.connect(path)
    database.execute("DELETE FROM versions WHERE name = 'unicode'")
    database.execute("INSERT INTO versions VALUES ('ICU', '74')")
    database.commit()
    database.close()
    with StoryIndex(path) as index:
        assert len(index) == 1


# Parameters


def test_parameters_are_all_that_an_index_is_made_with_and_how_texts_become_numbers():
    keywords = {
        p.name: p.default for p in inspect.signature(StoryIndex).parameters.values() if p.kind is p.KEYWORD_ONLY
    }
    stored = parameters()
    assert stored.keys() - keywords.keys() == {"hashes"}
    of_a_session = {"representative", "timezone", "clock", "read_only", "observe"}  # which change nothing stored
    assert keywords.keys() - stored.keys() == {*of_a_session, "encoder"}  # without one, nothing is stored of it
    for name in stored.keys() & keywords.keys():
        assert stored[name] in (repr(keywords[name]), keywords[name])


def test_equal_parameters_are_stored_alike():
    expected = parameters(1, near(threshold=1, recall=0.5))
    near_settings = near(
        threshold=np.float64(1), recall=np.float32(0.5), num_perm=np.int64(128), shingle_size=np.uint8(5)
    )
    assert parameters(np.float32(1), near_settings) == expected
    assert (expected["story_threshold"], expected["near_threshold"], expected["num_perm"]) == ("1.0", "1.0", "128")


@pytest.mark.parametrize("other", [{"threshold": 0.71}, {"recall": 0.9}, {"num_perm": 64}, {"shingle_size": 4}, {}])
def test_other_parameters_are_stored_differently(other):
    given = parameters(0.12 if other else np.nextafter(0.12, 1), near(**other))
    assert len(given.items() ^ parameters().items()) == 2


def test_whether_residue_is_cut_is_stored():
    cut, uncut = (parameters(cut_residue=cut) for cut in (True, False))
    assert cut.items() ^ uncut.items() == {("cut_residue", "True"), ("cut_residue", "False")}


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_another_hash_scheme_is_refused_and_unharmed(path, monkeypatch, read_only):
    fill(path)
    before = path.read_bytes()
    with monkeypatch.context() as changed:
        changed.setattr(index_settings, "_HASHES", "other")
        for _ in range(2):
            with pytest.raises(ValueError, match=r"index\.db was made with hashes=2, not other; allowed: the same"):
                StoryIndex(path, read_only=read_only)
    assert path.read_bytes() == before
    with StoryIndex(path) as index:
        assert len(index) == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("DELETE FROM parameters WHERE name = 'fold'", "fold=None, not unidecode"),
        ("INSERT INTO parameters VALUES ('stem', 'snowball')", "stem=snowball, not None"),
    ],
    ids=["one less", "one more"],
)
def test_a_file_with_more_or_fewer_parameters_is_refused(path, make, said):
    fill(path)
    database = sqlite3.connect(path)
    database.execute(make)
    database.commit()
    database.close()
    with pytest.raises(ValueError, match=f"was made with {said}; allowed"):
        StoryIndex(path)


def test_another_fold_is_refused_before_versions_are_thought_of(path, other_versions, monkeypatch):
    fill(path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="made with fold=unidecode, not marks"):
        StoryIndex(path, fold="marks")


def test_an_index_by_marks_keeps_alphabets_apart(path):
    with StoryIndex(path, fold="marks", near_threshold=0.5) as index:
        index.add({"id": "a", "text": "Владимир Путин"})
        assert index.add({"id": "b", "text": "Vladimir Putin"}).outcome == "new_story"
        assert index.add({"id": "c", "text": "владимир путин!"}).outcome == "near_duplicate"
