"""Which texts may have residue: the compiled loop finds what its twin in NumPy finds, in any block."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.kernel import kernel
from dedup.residue import layout
from dedup.residue.find import _may_have_residue, mark_residue, may_have_residue
from dedup.residue.layout import layout_of
from dedup.residue.recurring import RecurringKeys, candidate_lines, candidate_runs
from dedup.text.tokens import tokenize

pytestmark = pytest.mark.skipif(kernel() is None, reason="the package was installed without a C compiler")

PHRASES = [
    "Leave a Reply",
    "Load more",
    "Modified date:",
    "Modified\ndate:",
    "Sign in / Join",
    "Lire aussi",
    "发表评论",
    "댓글을 남겨주세요",
]
DATES = ["12", "12 May", "12 May 2023", "Tuesday, 12 May 2023, 12:15"]
# About as many words before and behind what may be residue as a gap has at most.
SIZES = 0, 1, 11, 12, 13, 25, 26, 27
FILLERS = [" ".join(f"word{i}" for i in range(count)) for count in SIZES] + ["金正恩" * 4]
BLOCK = "\n".join(FILLERS + PHRASES + DATES + ["x1", "1x", "2º", "½", "١٢", "mardi", "марта", "7" * 70])


def known_of(arranged, salts, rng, share):
    """Some of the keys of the texts as what recurs in their sources."""
    parts = [keys for _, keys in candidate_lines(arranged, salts)] + [
        keys for *_, keys in candidate_runs(arranged, salts)
    ]
    keys = np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *parts]))
    keys = keys[rng.random(len(keys)) < share]
    return RecurringKeys(keys, rng.random(len(keys)) < 0.5)


@pytest.mark.parametrize("between", [" ", "\n"])
@pytest.mark.parametrize(
    ("fold", "share"), [("unidecode", 0.0), ("marks", 0.001), ("unidecode", 0.01), ("unidecode", 0.03)]
)
def test_both_find_the_same_texts(between, fold, share):
    parts = product(FILLERS, [" ", "\n"], [*PHRASES, *DATES, "word"], FILLERS)
    texts = [before + first + piece + between + behind for before, first, piece, behind in parts]
    arranged = layout_of(tokenize(texts, fold))
    for seed in range(8):
        rng = np.random.default_rng(seed)
        salts = rng.integers(0, 3, len(texts), dtype=np.uint64)
        recurring = known_of(arranged, salts, rng, share)
        found = may_have_residue(arranged, salts, recurring)
        assert 0.1 < found.mean() < 0.99
        assert found.tolist() == _may_have_residue(arranged, salts, recurring).tolist()


TEXTS = st.lists(st.lists(st.sampled_from([*FILLERS, *PHRASES, *DATES, "\n"]), max_size=8).map(" ".join), max_size=6)


@settings(deadline=None, max_examples=30)
@given(TEXTS, st.integers(0, 2**32), st.sampled_from([0.0, 0.02, 0.2]))
def test_what_a_text_has_alone_it_has_in_a_block(texts, seed, share):
    rng = np.random.default_rng(seed)
    salts = rng.integers(0, 2**64, len(texts), dtype=np.uint64)
    recurring = known_of(layout_of(tokenize(texts)), salts, rng, share)
    marked = partial(mark_residue, recurring=recurring, match_titles=False, n_jobs=1)
    titles = [FILLERS[i] for i in rng.integers(0, len(FILLERS), len(texts))]  # some texts open with their own
    alone = [marked(texts[i : i + 1], salts[i : i + 1], titles[i : i + 1])[0] for i in range(len(texts))]
    assert marked(texts, salts, titles) == alone


@pytest.mark.parametrize("fold", ["unidecode", "marks"])
@pytest.mark.parametrize("texts", [[], ["", " "], [BLOCK, "", "12:15 Sept 2023\n", BLOCK]])
def test_tokens_of_numbers_and_dates_and_sums_are_those_of_numpy(texts, fold):
    tokens = tokenize(texts, fold)
    found, expected = layout._masked_sums(tokens), layout._masked_sums_in_numpy(tokens)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.dtype, ours.tolist()) == (theirs.dtype, theirs.tolist())


def test_a_date_behind_a_long_title_is_marked_in_no_block():
    title, body = " ".join("abcdefghijklmnop"), FILLERS[5]
    texts, titles = [f"{title} Tuesday 12 May 2023 {body} {body}", f"LEAVE A REPLY\n{body}"], [title, ""]
    nothing = RecurringKeys(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.bool_))
    salts = np.zeros(2, dtype=np.uint64)
    assert mark_residue(texts, salts, titles, nothing, match_titles=False, n_jobs=1) == [[], [(0, 13)]]
