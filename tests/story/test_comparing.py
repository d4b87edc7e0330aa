"""Pairs of reports compared many at once: what `dedup.explain` says of each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import dedup
from dedup.story.comparing import MAX_TERMS, compare_pairs
from dedup.story.shared_terms import _distinct


@pytest.mark.parametrize("languages", [("fr",), ("zh", "ru", "en")])
def test_pairs_are_what_explain_says_of_each(languages):
    stories = dedup.cluster(dedup.sample_articles(*languages))
    later = {copy.id for story in stories for group in story.near_duplicates for copy in group[1:]}
    reports = [a for story in stories[:8] for a in story.articles if a.id not in later]
    dated = sorted(reports, key=lambda article: (article.day, article.id))
    pairs = [(one, other) for i, one in enumerate(dated) for other in dated[i + 1 :: 3]]
    found = compare_pairs(pairs[::-1], stories[0]._weighting, stories.threshold)[::-1]
    assert len(found) == len(pairs) > 50
    for (one, other), pair in zip(pairs, found, strict=True):
        told = stories.explain(one.id, other.id)
        assert (pair.similarity, pair.cosine, pair.needed) == (told.similarity, told.cosine, told.needed)
        assert pair.terms == told.terms[:MAX_TERMS]


def test_of_no_pairs_nothing_is_said(stories):
    assert compare_pairs([], stories[0]._weighting, 0.12) == []


@given(arrays(np.uint64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(0, 3)))
def test_distinct_rows_are_those_of_numpy(rows):
    _, first, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    found = _distinct(*rows.T)
    assert found[0].tolist() == first.tolist()
    assert found[1].tolist() == kind.ravel().tolist()
