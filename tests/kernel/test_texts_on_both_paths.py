"""What the compiled loops and NumPy make of texts, hostile ones too, is the same to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.kernel import kernel
from dedup.near.minhash import low_hashes, signatures
from dedup.near.shingles import shingles_of
from dedup.parameters import FOLDS
from dedup.text.tokens import tokenize

HOSTILE = {
    "nothing": [],
    "empty": ["", "", " "],
    "null characters": ["\0" * 1000, "a\0b\0" * 500, "\0"],
    "surrogates": ["\ud800\udc00\udfff a\udc00\ud800" * 3000, "\ud800", "\udfff"],
    "a megabyte without a space": ["x" * 1_000_000],
    "a long word of many bytes": ["щ" * 100_000, "𐌰" * 30_000, "가" * 30_000],
    "unspaced": ["金正恩" * 50_000, "a京" * 50_000, "กำ่" * 20_000, "京a가b" * 20_000],
    "every lead byte": [" ".join(f"a{chr(code)}b{chr(code) * 2}" for code in range(0x80, 0x30000, 53))],
    "every size": [letter * size for size in range(140) for letter in "xé"],
    "letters": ["a b " * 100_000, "A B C D" * 20_000, "щ Ж " * 10_000],
    "marks": ["e\u0301\u0323" * 20_000, "\u0301" * 50_000, "\u200b\u00ad-\n" * 10_000],
    "broken lines": ["Ver-\nhandlung-\r\n" * 10_000, "-\n" * 10_000, "a-", "-\r"],
    "written out": ["ﷲﻻ½ŀ" * 10_000],
    "signs": ["\x7f`{|}~^[\\]@:;/." * 10_000],
}


def on_path(name, function):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEDUP_KERNEL", name)
        kernel.cache_clear()
        found = function()
    kernel.cache_clear()
    return found


def arrays_of(texts, fold, size):
    """All arrays that the near tier makes of a block of texts."""
    tokens = tokenize(texts, fold)
    shingles = shingles_of(tokens, size)
    names = "codes", "text_starts", "folded", "starts", "stops", "offsets", "hashes", "fold_sizes"
    arrays = {name: getattr(tokens, name) for name in names}
    signed = signatures(low_hashes(shingles.hashes), shingles.offsets, num_perm=5)
    return arrays | {"shingles": shingles.hashes, "of texts": shingles.offsets, "signatures": signed}


def assert_both_paths_agree(texts, fold, size):
    if kernel() is None:
        pytest.skip("the package was installed without a C compiler")
    compiled, plain = (on_path(name, lambda: arrays_of(texts, fold, size)) for name in ("", "off"))
    for name, expected in plain.items():
        found = compiled[name]
        assert (found is None) == (expected is None), name
        if expected is not None:
            assert found.dtype == expected.dtype, name
            assert np.array_equal(found, expected), name


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("texts", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_have_the_same_arrays(texts, fold):
    assert_both_paths_agree(texts, fold, 5)


LETTERS = ["a", "Kim", "é", "щ", "京", "가", "𐌰", "ﷲ", "A B C D "]
PIECES = st.sampled_from([*LETTERS, "\u0301", "\u00ad", "\ud800", "\udc00", "\0", " ", ".", "-\n"])
TEXTS = st.lists(st.lists(st.builds(str.__mul__, PIECES, st.integers(1, 70)), max_size=12).map("".join), max_size=4)


@settings(deadline=None, max_examples=100)
@given(TEXTS, st.sampled_from(FOLDS), st.integers(1, 9))
def test_texts_of_repeated_pieces_have_the_same_arrays(texts, fold, size):
    assert_both_paths_agree(texts, fold, size)
