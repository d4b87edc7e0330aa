"""An index among many texts of one template: no true copy is given up for those that share more of the template."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import StoryIndex
from dedup.stream import crowds, live, matching
from dedup.stream.crowds import CrowdShingles
from dedup.stream.text_features import extract_features

SETS = st.lists(st.lists(st.integers(0, 12), max_size=6), min_size=1, max_size=12)


@given(SETS, st.lists(st.integers(0, 12), max_size=8), st.integers(0, 3), st.data())
def test_the_rare_is_counted_among_the_candidates_alone(sets, own, rare, data):
    nodes = np.cumsum(data.draw(st.lists(st.integers(1, 9), min_size=len(sets), max_size=len(sets))))
    chosen = data.draw(st.lists(st.sampled_from(range(len(sets))), unique=True))
    known = CrowdShingles()
    while len(left := known.unknown(nodes)):  # some at a time
        some = left[: data.draw(st.integers(1, len(left)))]
        own_sets = [sets[nodes.tolist().index(node)] for node in some.tolist()]
        joined = np.array([shingle for each in own_sets for shingle in each], dtype=np.uint64)
        known.add(some, joined, np.array(list(map(len, own_sets))))
    gone = set(data.draw(st.lists(st.sampled_from(range(len(sets)))))) - set(chosen)
    known.keep(lambda some: ~np.isin(some, nodes[list(gone)]))
    assert known.unknown(nodes).tolist() == nodes[sorted(gone)].tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowds, "RARE", rare)
        found = known.sharing_rare(np.array(own, dtype=np.uint64), nodes[chosen])
    counts = Counter(shingle for i in chosen for shingle in set(sets[i]))
    few = {shingle for shingle in own if shingle % 2 == 0 and counts[shingle] <= rare}
    shared = {i: len(few & set(sets[i])) for i in chosen}
    expected = sorted((i for i in chosen if shared[i]), key=lambda i: (-shared[i], i))
    assert found.tolist() == nodes[expected].tolist()


def crowd(pairs, own=30, template=90, edits=4, seed=0):
    """Texts under one template, and behind all of them their copies."""
    rng = random.Random(seed)
    shared = [f"t{rng.randrange(9999)}" for _ in range(template)]
    texts = [[f"w{rng.randrange(9999)}" for _ in range(own)] + shared for _ in range(pairs)]
    copies = []
    for words in texts:
        copy = list(words)
        for place in rng.sample(range(len(copy)), edits):
            copy[place] = f"x{rng.randrange(9999)}"
        copies.append(copy)
    return [" ".join(words) for words in texts + copies]


def found_by(index, texts, at_once):
    articles = [{"id": str(i), "text": text} for i, text in enumerate(texts)]
    for start in range(0, len(articles), at_once):
        for told in index.add_many(articles[start : start + at_once]):
            yield told.near_duplicate_of


@pytest.mark.parametrize(
    ("room", "limit", "value"), [(matching, "_MAX_COMPARED", 16), (live, "_MAX_NEAR_ENTRIES", 4000)]
)
def test_copies_that_share_a_band_are_found_whoever_shares_more(monkeypatch, tmp_path, room, limit, value):
    pairs = 60
    texts = crowd(pairs)
    with StoryIndex(":memory:", cut_residue=False) as index:
        everyone = list(found_by(index, texts, 40))
        bands = extract_features(texts, index._session.state.bands, 5).bands
    shares = (bands[:pairs] == bands[pairs:]).any(axis=1)
    crowded = [(bands[pairs + i] == bands[: pairs + i]).any(axis=1).sum() for i in range(pairs)]
    assert np.median(crowded) > 32
    monkeypatch.setattr(room, limit, value)
    with StoryIndex(":memory:", cut_residue=False) as index:
        few = list(found_by(index, texts, 40))
    assert few == everyone
    hits = [few[pairs + i] == str(i) for i in range(pairs)]
    assert hits == shares.tolist()
    assert sum(hits) > 0.9 * pairs
    # The same one by one, and when what is known of the crowd is read again.
    path = tmp_path / "index.db"
    again = []
    for start in range(0, len(texts), 50):
        with StoryIndex(path, cut_residue=False) as index:
            part = [{"id": str(i), "text": texts[i]} for i in range(start, min(start + 50, len(texts)))]
            again += [index.add(article).near_duplicate_of for article in part]
    assert again == few
