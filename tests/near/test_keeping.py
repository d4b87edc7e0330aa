"""Which of the copies stay: no text goes unless it is a copy of one that stays, and every removal says for which."""

import random
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup


def words(rng, n):
    return [f"w{rng.randrange(100_000)}" for _ in range(n)]


def snapshots(count=24, changed=6, length=100):
    """A page at each hour: some words go in front and new ones come behind."""
    rng = random.Random(0)
    page, pages = words(rng, length), []
    for _ in range(count):
        pages.append(" ".join(page))
        page = page[changed:] + words(rng, changed)
    return pages


def edited(rng, text, count):
    copy = text.split()
    for place in rng.sample(range(len(copy)), count):
        copy[place] = words(rng, 1)[0]
    return " ".join(copy)


def crowd(seed, sizes=(1, 2, 3, 5, 90), edits=4):
    """Groups of copies of these sizes, shuffled."""
    rng = random.Random(seed)
    texts = []
    for size in sizes:
        original = " ".join(words(rng, 60))
        texts += [original, *(edited(rng, original, rng.randrange(edits)) for _ in range(size - 1))]
    rng.shuffle(texts)
    return texts


def shingles_of(text):
    split = text.split()
    return {tuple(split[i : i + 5]) for i in range(len(split) - 4)}


def slow_star(texts, order, threshold=0.7):
    """Positions that stay when each text in turn goes if it is a copy of one that stays."""
    sets, kept = list(map(shingles_of, texts)), []
    for i in order:
        if all(len(sets[i] & sets[j]) / len(sets[i] | sets[j]) < threshold for j in kept):
            kept.append(i)
    return sorted(kept)


@given(st.integers(0, 2**32), st.sampled_from(["first", "longest"]))
def test_stars_are_those_of_the_slow_twin(seed, policy):
    texts = crowd(seed)
    found = dedup.near_duplicates(texts, recall=0.9999)
    order = range(len(texts)) if policy == "first" else np.argsort(-found.token_counts, kind="stable").tolist()
    assert found.keep(policy).positions.tolist() == slow_star(texts, order)


@given(st.integers(0, 2**32), st.sampled_from(["star", "group"]), st.sampled_from(["first", "longest", "central"]))
def test_every_text_stays_or_goes_for_one_that_stays(seed, linkage, policy):
    texts = crowd(seed, edits=12)
    found = dedup.near_duplicates(texts)
    kept = found.keep(policy, linkage=linkage)
    assert sorted([*kept.positions.tolist(), *kept.removed.tolist()]) == list(range(len(texts)))
    assert set(kept.kept_for.tolist()) <= set(kept.positions.tolist())
    sets = list(map(shingles_of, texts))
    for goes, stays, jaccard in zip(kept.removed.tolist(), kept.kept_for.tolist(), kept.jaccard.tolist(), strict=True):
        assert jaccard == len(sets[goes] & sets[stays]) / len(sets[goes] | sets[stays])
        assert linkage == "group" or jaccard >= 0.7
        assert found.labels[goes] == found.labels[stays]
    if linkage == "group":
        assert len(kept.positions) == len(set(found.labels.tolist()))
    assert kept.share_removed == len(kept.removed) / len(texts)


def test_a_chain_of_snapshots_keeps_all_of_its_text():
    pages = snapshots()
    found = dedup.near_duplicates(pages)
    assert len(found.groups) == 1
    assert found.keep(linkage="group").positions.tolist() == [0]
    kept = found.keep()
    assert kept.positions.tolist() == slow_star(pages, range(len(pages)))
    assert len(kept.positions) >= 8
    whole = set().union(*map(shingles_of, pages))
    left = set().union(*(shingles_of(pages[i]) for i in kept.positions.tolist()))
    assert len(left) > 0.9 * len(whole)


def test_a_chain_of_which_more_stay_than_are_compared():
    pages = snapshots(count=240, changed=9)
    found = dedup.near_duplicates(pages, recall=0.9999)
    assert len(found.groups) == 1
    kept = found.keep()
    assert len(kept.positions) > 64
    assert kept.positions.tolist() == slow_star(pages, range(len(pages)))
    sets = list(map(shingles_of, pages))
    for goes, stays, jaccard in zip(kept.removed.tolist(), kept.kept_for.tolist(), kept.jaccard.tolist(), strict=True):
        assert jaccard == len(sets[goes] & sets[stays]) / len(sets[goes] | sets[stays]) >= 0.7


@given(st.integers(0, 2**32), st.sampled_from(["within", "across"]), st.integers(1, 3))
def test_sources_limit_what_goes_and_nothing_else(seed, which, n_sources):
    texts = crowd(seed, sizes=(1, 2, 3, 5, 70))
    sources = [f"s{i * 7919 % n_sources}" for i in range(len(texts))]
    found = dedup.near_duplicates(
        [
            {"id": str(i), "text": text, "source": source}
            for i, (text, source) in enumerate(zip(texts, sources, strict=True))
        ],
        recall=0.9999,
    )
    sets, expected = list(map(shingles_of, texts)), []
    for i in range(len(texts)):
        rivals = [j for j in expected if (sources[i] == sources[j]) == (which == "within")]
        if all(len(sets[i] & sets[j]) / len(sets[i] | sets[j]) < 0.7 for j in rivals):
            expected.append(i)
    assert found.keep(**{which: "source"}).positions.tolist() == expected


def articles():
    rng = random.Random(1)
    text = " ".join(words(rng, 60))
    rows = (
        ("a", "Le Matin", 3, text),
        ("b", "Le Soir", 2, f"{text} fin"),
        ("c", "Le Matin", 1, text),
        ("d", None, None, text),
    )
    return [
        dedup.Article(name, own, source=source, published=day and datetime(2023, 9, day, tzinfo=UTC))
        for name, source, day, own in rows
    ]


@pytest.mark.parametrize(
    ("policy", "stays"),
    [
        ("first", 0),
        ("longest", 1),
        ("earliest", 2),
        ("central", 0),
        ([0, 1, 1, 5], 3),
        (np.array([0, 2, 1, 2]), 1),
        (lambda article: article.source == "Le Soir", 1),
        (lambda article: -len(article.id), 0),
    ],
)
def test_policies(policy, stays):
    assert dedup.near_duplicates(articles()).keep(policy).positions.tolist() == [stays]


@pytest.mark.parametrize(
    ("limits", "stays"),
    [({"within": "source"}, [0, 1, 3]), ({"across": "source"}, [0, 2]), ({"within": "title"}, [0, 1, 2, 3]), ({}, [0])],
)
def test_copies_remove_each_other_within_or_across_sources_only(limits, stays):
    assert dedup.near_duplicates(articles()).keep(**limits).positions.tolist() == stays


def test_the_order_of_the_input_does_not_matter_to_a_policy_of_priorities():
    texts = crowd(3)
    rank = {text: i for i, text in enumerate(sorted(texts))}
    shuffled = sorted(texts, key=lambda text: text[::-1])
    kept = [
        {some[i] for i in dedup.near_duplicates(some).keep([rank[text] for text in some]).positions.tolist()}
        for some in (texts, shuffled)
    ]
    assert kept[0] == kept[1]


def test_the_frame_maps_removed_ids_to_those_that_stay():
    kept = dedup.near_duplicates(articles()).keep()
    frame = kept.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame[["removed", "kept"]].to_numpy().tolist() == [["b", "a"], ["c", "a"], ["d", "a"]]
    assert frame["jaccard"].tolist() == kept.jaccard.tolist()
    assert repr(kept) == "Kept(1 of 4 texts, 75.0% removed)"


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        (ValueError, {"policy": "best"}, "policy is 'best'; allowed: 'first'"),
        (ValueError, {"policy": [1, 2]}, "4 numbers"),
        (ValueError, {"policy": [1, 2, 3, float("nan")]}, "4 numbers"),
        (TypeError, {"policy": ["a", "b", "c", "d"]}, "4 numbers"),
        (ValueError, {"linkage": "chain"}, "linkage is 'chain'; allowed: 'star', 'group'"),
        (ValueError, {"within": "colour"}, "within is 'colour'; allowed: None, 'source'"),
        (ValueError, {"across": 3}, "across is 3; allowed"),
    ],
)
def test_other_arguments_are_refused(error, arguments, message):
    with pytest.raises(error, match=message):
        dedup.near_duplicates(articles()).keep(**arguments)


def test_of_no_texts_none_stays():
    kept = dedup.near_duplicates([]).keep()
    assert kept.positions.tolist() == kept.removed.tolist() == []
    assert kept.share_removed == 0


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_ids_with_lone_surrogates_have_a_frame(backend):
    """Broken feeds have such ids; frames hold none."""
    pytest.importorskip(backend)
    articles = [{"id": f"{name} \ud800", "text": "Kim Jong Un arrived in Russia by train today"} for name in "ab"]
    frame = dedup.near_duplicates(articles).keep().to_frame(backend=backend)
    assert frame.shape == (1, 4)
    assert [str(frame[name][0]) for name in ("removed", "kept")] == ["b ?", "a ?"]
    across = dedup.near_duplicates(articles[1:], against=articles[:1]).to_frame(backend=backend)
    assert [str(across[name][0]) for name in ("new", "old")] == ["b ?", "a ?"]
