import numpy as np
import pytest
from datasketch import LeanMinHash, MinHash, MinHashLSH

import dedup
from dedup.near.sketches import from_datasketch, shingles, to_datasketch


@pytest.fixture(scope="module")
def texts():
    return [article.full_text for article in dedup.sample_articles("fr", "ru", "zh")]


def theirs(text, **parameters):
    """A sketch that datasketch makes itself of our shingles."""
    sketch = MinHash(hashfunc=int, **parameters)
    sketch.update_batch(shingles(text).tolist())
    return sketch


@pytest.mark.parametrize("num_perm", [16, 128])
def test_sketches_equal_those_that_datasketch_makes(texts, num_perm):
    for text, ours in zip(texts, to_datasketch(texts, num_perm=num_perm), strict=True):
        assert isinstance(ours, LeanMinHash)
        assert ours == LeanMinHash(theirs(text, num_perm=num_perm))


def test_sketches_of_both_makers_meet_in_one_index(texts):
    index = MinHashLSH(params=(32, 4))
    for i, text in enumerate(texts):
        if i % 2:
            index.insert(i, theirs(text))
        else:
            index.insert(i, to_datasketch([text])[0])
    pairs = {tuple(sorted((i, j))) for i, s in enumerate(to_datasketch(texts)) for j in index.query(s) if i != j}
    found = dedup.near_duplicates(texts)
    assert len(found.pairs) > 5
    assert pairs >= set(map(tuple, found.pairs.tolist()))


def test_sketches_survive_the_bytes_of_datasketch(texts):
    sketch = to_datasketch(texts)[0]
    buffer = bytearray(sketch.bytesize())
    sketch.serialize(buffer)
    assert LeanMinHash.deserialize(buffer) == sketch


def test_back_in_they_are_the_signatures_they_were(texts):
    matrix = from_datasketch([theirs(text) for text in texts])
    assert matrix.dtype == np.uint32
    assert matrix.tolist() == from_datasketch(to_datasketch(texts)).tolist()


def test_no_sketches_are_an_empty_matrix():
    assert from_datasketch([]).shape == (0, 0)


@pytest.mark.parametrize("other", [{"scheme": "affine64"}, {"scheme": "legacy"}, {"seed": 2}, {"num_perm": 64}])
def test_a_sketch_of_another_kind_is_refused(other):
    with pytest.raises(ValueError, match=r"sketch 1 has the \(scheme, seed, num_perm\)"):
        from_datasketch([MinHash(), MinHash(**other)])


def test_a_blank_text_has_the_sketch_of_nothing():
    assert to_datasketch([" "])[0] == LeanMinHash(MinHash())


def test_the_size_of_shingles_matters():
    assert len(shingles("one two three four", shingle_size=2)) == 3
    assert len(shingles("one two three four", shingle_size=4)) == 1


@pytest.mark.parametrize("text", [None, 3, ["one"]])
def test_shingles_of_something_else_are_refused(text):
    with pytest.raises(TypeError, match="allowed: str"):
        shingles(text)


@pytest.mark.parametrize("bad", [{"num_perm": 0}, {"shingle_size": 0}, {"n_jobs": 0}])
def test_a_parameter_out_of_range_is_refused(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is 0; allowed: "):
        to_datasketch(["Kim"], **bad)


def test_shingles_of_no_words_are_refused():
    with pytest.raises(ValueError, match="shingle_size is 0; allowed: "):
        shingles("Kim", shingle_size=0)
