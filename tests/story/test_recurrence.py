"""Lists of several reports, told by where their words come back."""

import random
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.story.features import count_features
from dedup.story.kinds import are_roundups
from dedup.story.recurrence import FAR_SHARE, PRIOR_PAIRS, SECTIONS
from dedup.text.fold import fold_character
from dedup.text.stopwords import date_word_hashes, stop_word_hashes
from dedup.text.tokens import tokenize

SAMPLE = dedup.sample_articles()
DATE_WORDS = frozenset(date_word_hashes().tolist())
STOP_WORDS = frozenset(stop_word_hashes().tolist())
WORDS = ["copper", "ferry", "judge", "Lisbon", "the", "Kim", "mayor", "of", "harvest", "Tuesday"]
EVENTS = [
    *(
        "turkey-syria-earthquake-2023",
        "us-open-gauff",
        "luna-25-crash",
        "iphone-15-launch",
        "uaw-strike",
        "derna-flood",
    ),
    *("nobel-medicine-2023", "port-ellery-dock-street-robbery-2024", "mount-orrin-hiker-2023", "nobel-peace-2023"),
]
ENDS = st.sampled_from([" ", " ", " ", ". "])


def lists(texts):
    return are_roundups([""] * len(texts), texts).tolist()


def slowly(text):
    """Whether one text of spaced words is a list of reports, by all pairs of equal words."""
    tokens = tokenize([text])
    size, words, opens = len(tokens.starts), [], True
    for i, (start, stop) in enumerate(zip(tokens.starts.tolist(), tokens.stops.tolist(), strict=True)):
        name, token = text[start].isupper() and not opens, int(tokens.hashes[i])
        if token not in DATE_WORDS and (name or token not in STOP_WORDS):
            words.append((int(tokens.hashes[i]), i * SECTIONS // size))
        behind = text[stop : tokens.starts[i + 1] if i + 1 < size else None]
        opens = any(fold_character(character) == b"." for character in behind)
    counts = Counter(word for word, _ in words)
    pairs = {True: 0.0, False: 0.0}  # by whether they are near
    for (word, section), (other, later) in combinations(words, 2):
        if word == other:
            pairs[later - section <= 1] += 1 / (counts[word] - 1)
    near = sum(abs(i - j) <= 1 for i in range(SECTIONS) for j in range(SECTIONS)) / SECTIONS**2
    rates = pairs[False] / (1 - near) + PRIOR_PAIRS, pairs[True] / near + PRIOR_PAIRS
    return rates[0] < FAR_SHARE * rates[1]


def paragraphs(rng, groups, size=30):
    """Texts of paragraphs, each of its own words, so that some texts are lists and some nearly are."""
    own = [[f"w{g}x{k}" for k in range(12)] + WORDS for g in range(groups)]
    return "\n".join(" ".join(rng.choice(words) for _ in range(size)) for words in own)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 9), st.randoms(use_true_random=False)), max_size=4))
def test_as_by_all_pairs_of_words(drawn):
    texts = [paragraphs(rng, groups) for groups, rng in drawn]
    assert lists(texts) == [slowly(text) for text in texts]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.tuples(st.sampled_from(WORDS), ENDS), max_size=60), max_size=4))
def test_short_texts_as_by_all_pairs_of_words(drawn):
    texts = ["".join(word + end for word, end in words) for words in drawn]
    assert lists(texts) == [slowly(text) for text in texts]


def test_some_of_those_texts_are_lists_and_some_are_not():
    rng = random.Random(0)
    found = {groups: np.mean(lists([paragraphs(rng, groups) for _ in range(40)])) for groups in (1, 3, 6)}
    assert found[1] == 0
    assert found[6] > 0.5


def several(count, seed):
    """Headlines and beginnings of reports of different events."""
    reports = {article.event: article for article in SAMPLE if article.language == "en"}
    return "\n\n".join(reports[event].full_text[:500] for event in random.Random(seed).sample(EVENTS, count))


def test_several_reports_are_a_list():
    assert np.mean(lists([several(6, seed) for seed in range(30)])) >= 0.4


def test_reports_are_no_lists():
    assert sum(lists([article.full_text for article in SAMPLE])) == 0


@pytest.mark.parametrize(
    "text", ["", "Kim", "Kim " * 5000, "Kim\n" * 5000, "a b c d e " * 500, "金" * 4000, "ก" * 4000]
)
def test_a_text_that_says_one_thing_is_no_list(text):
    assert lists([text]) == [False]


def test_a_list_has_no_features_and_its_neighbours_keep_theirs():
    text = next(t for t in (several(6, seed) for seed in range(30)) if lists([t])[0])
    report = SAMPLE[0].full_text
    counts = count_features([report, text, report])
    assert counts.offsets[1] == counts.offsets[2]
    assert counts.keys[: counts.offsets[1]].tolist() == counts.keys[counts.offsets[2] :].tolist()
    assert counts.keys[: counts.offsets[1]].tolist() == count_features([report]).keys.tolist()


@pytest.fixture(scope="module")
def english():
    reports = [article for article in SAMPLE if article.language == "en"]
    text = next(t for t in (several(5, seed) for seed in range(30)) if lists([t])[0])
    roundup = {"id": "roundup", "title": "What our desks wrote", "text": text, "source": "desk.example"}
    return [*reports, roundup]


def test_a_list_is_alone_in_a_batch(english):
    stories = dedup.cluster(english)
    (marked,) = (story for story in stories if story.is_roundup)
    assert [article.id for article in marked.articles] == ["roundup"]
    ids = [[article.id for article in story.articles] for story in stories]
    assert sorted(ids) == sorted([["roundup"], *([a.id for a in s.articles] for s in dedup.cluster(english[:-1]))])
    found = dedup.explain(english[-1], english[0])
    assert found.similarity == 0
    assert found.verdict.endswith("is a round-up of many stories.")


def test_a_list_is_alone_in_an_index(english):
    with dedup.StoryIndex(":memory:") as index:
        index.add_many(english)
        story = index.story(index.story_id("roundup"))
        assert len(story) == 1
        assert story.is_roundup
        assert index.similar(english[-1]) == []
