from collections import Counter, defaultdict
from itertools import pairwise
from math import log, sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dedup.residue import recurring
from dedup.residue.layout import layout_of
from dedup.residue.recurring import (
    ARTICLES_PER_SOURCE,
    ARTICLES_WITHOUT_SOURCE,
    candidate_lines,
    candidate_runs,
    learn,
    sample_size,
    samples,
    source_salts,
)
from dedup.text.tokens import blocks, tokenize

EXAMPLES = settings(deadline=None, max_examples=35)

LETTERS = "bcdfghjklmnpqrstvwxz"  # no month and no weekday is without a vowel


def words(seed, count):
    """Words that no other seed gives."""
    rng = Random(seed)
    return " ".join("".join(rng.choices(LETTERS, k=9)) for _ in range(count))


def salts(sources):
    """Any numbers will do that differ by source."""
    return np.array([0x9E3779B97F4A7C15 * (source + 1) % 2**64 for source in sources], dtype=np.uint64)


def levels_of(learned, text, source=0):
    """For a text of the source: level of each line (by its words) and of each run (by first token and size)."""
    layout = layout_of(tokenize([text]))
    lines, keys = next(candidate_lines(layout, salts([source])), ([], np.empty(0, dtype=np.uint64)))
    starts = layout.line_starts
    line_runs = [(int(starts[line]), int(starts[line + 1] - starts[line])) for line in lines]
    parts = candidate_runs(layout, salts([source]))
    first, sizes, run_keys = (np.concatenate(column) for column in zip(*parts, strict=True))
    runs = zip(first.tolist(), sizes.tolist(), learned.levels(run_keys).tolist(), strict=True)
    return dict(zip(line_runs, learned.levels(keys).tolist(), strict=True)), sorted(runs)


def line_levels(learned, text, source=0):
    return list(levels_of(learned, text, source)[0].values())


# The slow twin


def slow_marks(text):
    """What can recur of a text: first token, size, and mark (its kind and words)."""
    layout = layout_of(tokenize([text]))
    run = [None if masked else word for word, masked in zip(layout.tokens.strings(), layout.masked, strict=True)]
    starts, n = layout.line_starts.tolist(), len(run)
    marks = [(start, stop - start, "line") for start, stop in pairwise(starts)]
    marks = [(first, size, kind) for first, size, kind in marks if any(run[first : first + size])]
    runs = [(first, 12 if layout.tokens.unspaced[first] else 6, "run") for first in range(n)]
    runs += [(0, size, "head") for size in (3, 4, 5)] + [(n - size, size, "foot") for size in (3, 4, 5)]
    for first, size, kind in runs:
        if first >= 0 and first + size <= n and sum(word is not None for word in run[first : first + size]) >= 2:
            marks.append((first, size, kind))
    return [(first, size, (kind, *run[first : first + size])) for first, size, kind in marks]


class TooCloseError(Exception):
    """Rounding decides whether two articles are one story."""


def slow_stories(marks):
    """Story of each article of one source, given what can recur of each."""
    frequency = Counter(mark for own in marks for mark in set(own))
    weights = [{mark: log((len(marks) + 100) / frequency[mark]) for mark in own} for own in marks]
    totals = [sum(own.values()) for own in weights]
    story = list(range(len(marks)))
    for i in range(len(marks)):
        for j in range(i):
            shared = sum(weight for mark, weight in weights[i].items() if mark in weights[j])
            similarity = shared / sqrt(totals[i] * totals[j]) if shared else 0.0
            if abs(similarity - 0.5) < 1e-9:
                raise TooCloseError
            if similarity >= 0.5:
                old, new = story[i], story[j]
                story = [new if s == old else s for s in story]
    return story


def slow_learn(texts, sources):
    """Level of what recurs: (source, mark) -> 1 or 2."""
    learned = {}
    for source in set(sources):
        own = [text for text, s in zip(texts, sources, strict=True) if s == source]
        if len(own) > ARTICLES_PER_SOURCE:
            own = [own[i * len(own) // ARTICLES_PER_SOURCE] for i in range(ARTICLES_PER_SOURCE)]
        marks = [{mark for _, _, mark in slow_marks(text)} for text in own]
        stories = slow_stories(marks)
        having = defaultdict(set)
        for story, marked in zip(stories, marks, strict=True):
            for mark in marked:
                having[mark].add(story)
        known = len(set(stories))
        articles = Counter(mark for marked in marks for mark in marked)
        for mark, found in having.items():
            if articles[mark] >= 4 and len(found) >= max(4, 0.03 * known):
                learned[source, mark] = 1 + (len(found) >= max(5, 0.12 * known))
    return learned


def assert_like_the_slow_twin(texts, sources, n_jobs=1):
    learned = learn(texts, salts(sources), n_jobs=n_jobs)
    slow = slow_learn(texts, sources)
    assert len(learned.keys) == len(slow)
    for source in set(sources):
        for text in texts:
            marks = slow_marks(text)
            lines, runs = levels_of(learned, text, source)
            expected = [(first, size, slow.get((source, mark), 0), mark[0] == "line") for first, size, mark in marks]
            assert lines == {(first, size): level for first, size, level, line in expected if line}
            assert runs == sorted((first, size, level) for first, size, level, line in expected if not line)


SITE_LINES = [
    "kb",
    "kb lt",
    "kb lt 12",
    "kb lt mf 7 mai",
    "kb lt mf np rs tv",
    "12 mai 2023",
    "上海新闻网站的版权声明所有内容",
    "kb 上海",
]
LINE = st.one_of(
    st.sampled_from(SITE_LINES),
    st.sampled_from(SITE_LINES),
    st.integers(0, 400).map(lambda seed: words(seed, 1 + seed % 9)),
    st.lists(st.sampled_from(["kb", "lt", "mf", "7", "mai", "海", "新"]), max_size=8).map(" ".join),
)
TEXT = st.lists(LINE, max_size=5).map("\n".join)
PAGES = st.lists(st.tuples(TEXT, st.sampled_from([0, 0, 0, 1])), max_size=14)


@EXAMPLES
@given(PAGES, st.sampled_from([1, 2]))
def test_what_recurs_is_that_of_the_slow_twin(pages, n_jobs):
    try:
        assert_like_the_slow_twin([text for text, _ in pages], [source for _, source in pages], n_jobs)
    except TooCloseError:
        assume(False)


def many_pages(count, seed):
    """Pages of a site in which lines recur in all shares, and every third story has two articles."""
    rng, texts = Random(seed), []
    lines = [words(f"line {i}", 3 + i % 6) for i in range(12)]
    for i in range(count):
        story = words(f"story {i - (i % 3 == 2)}", 25)
        chosen = [line for place, line in enumerate(lines) if rng.random() < 0.4 / 1.4**place]
        texts.append("\n".join([*chosen[::2], story, *chosen[1::2]]))
    return texts


@pytest.mark.parametrize(("count", "sources"), [(70, 1), (70, 2), (130, 1), (230, 2)])
def test_shares_and_samples_are_those_of_the_slow_twin(count, sources):
    texts = many_pages(count, seed=count)
    assert_like_the_slow_twin(texts, [i % sources for i in range(count)])


@pytest.mark.parametrize("characters", [1, 300, 5_000])
def test_blocks_do_not_matter(characters, monkeypatch):
    texts, keys = many_pages(60, seed=1), salts([i % 2 for i in range(60)])
    expected = learn(texts, keys)
    monkeypatch.setattr(recurring, "blocks", lambda texts: blocks(texts, characters))
    found = learn(texts, keys, n_jobs=2)
    assert found.keys.tolist() == expected.keys.tolist()
    assert found.anywhere.tolist() == expected.anywhere.tolist()


# How many stories


def pages_with(line, stories, count=12):
    """`count` articles of a source, of which `stories` have the line."""
    return [words(f"r {i}", 20) + f"\n{line}\n" * (i < stories) + words(f"s {i}", 20) for i in range(count)]


@pytest.mark.parametrize("line", ["kb", "kb lt", "kb lt mf np rs tv zx", "12 kb mai", "上海新", "Путин", "한국"])
@pytest.mark.parametrize(("stories", "level"), [(3, 0), (4, 1), (5, 2), (12, 2)])
def test_a_line_recurs_from_so_many_stories(line, stories, level):
    learned = learn(pages_with(line, stories), salts([0] * 12))
    assert line_levels(learned, line) == [level]
    assert line_levels(learned, line, source=1) == [0]


def test_lines_of_numbers_alone_never_recur():
    assert len(learn(pages_with("12 mai 2023", 12), salts([0] * 12)).keys) == 0


def test_the_share_counts_from_many_stories():
    texts, unnamed = pages_with("kb lt", 5, count=168), source_salts([None] * 168)  # 0.0298

    def level(count):
        learned = learn(texts[:count], unnamed[:count])
        _, keys = next(candidate_lines(layout_of(tokenize(["kb lt"])), unnamed[:1]))
        return learned.levels(keys).tolist()

    assert [level(count) for count in (168, 166, 42, 41)] == [[0], [1], [1], [2]]


def test_few_articles_of_a_source_are_learned_from_and_more_where_none_is_named():
    texts = pages_with("kb lt", 5, count=168)
    rare = [texts[i * 168 // ARTICLES_PER_SOURCE] for i in range(ARTICLES_PER_SOURCE)]
    learned, again = learn(texts, salts([0] * 168)), learn(rare, salts([0] * len(rare)))
    assert learned.keys.tolist() == again.keys.tolist()


def test_more_articles_are_learned_from_where_no_source_is_named():
    assert [sample_size(source) for source in (None, "", "a")] == [ARTICLES_WITHOUT_SOURCE] * 2 + [ARTICLES_PER_SOURCE]
    for source in (None, "", "a"):
        (places,) = samples(source_salts([source] * 600))
        assert len(places) == sample_size(source)


def updated(story, times):
    """One story, published `times` times with a few more words and another number."""
    return [f"{words(story, 60)} {i}\n" + words(f"{story} update {i}", 6) for i in range(times)]


def test_a_story_updated_ten_times_does_not_erase_itself():
    texts = updated("wire", 10) + [words(f"r {i}", 60) for i in range(30)]
    assert len(learn(texts, salts([0] * 40)).keys) == 0
    assert len(learn(updated("wire", 10), salts([0] * 10)).keys) == 0


def test_a_line_of_many_updates_of_three_stories_does_not_recur():
    texts = [f"{text}\nkb lt" for story in range(3) for text in updated(story, 5)]
    assert line_levels(learn(texts, salts([0] * 15)), "kb lt") == [0]
    more = [*texts, words("another", 60) + "\nkb lt"]
    assert line_levels(learn(more, salts([0] * 16)), "kb lt") == [1]


def test_pages_of_a_site_are_not_one_story():
    page = "\n".join(words(f"menu {i}", 4) for i in range(12))
    texts = [f"{page}\n{words(f'r {i}', 60)}" for i in range(12)]
    assert line_levels(learn(texts, salts([0] * 12)), page) == [2] * 12


# Sources and samples


def test_other_sources_do_not_matter():
    texts = pages_with("kb lt", 12)
    assert line_levels(learn(texts, salts([0, 1, 2, 3] * 3)), "kb lt") == [0]
    assert line_levels(learn(texts, salts([0, 1, 2] * 4)), "kb lt", source=2) == [1]
    both = learn(texts + pages_with("mf np", 12), salts([0] * 12 + [1] * 12))
    assert line_levels(both, "kb lt\nmf np") == [2, 0]
    assert line_levels(both, "kb lt\nmf np", source=1) == [0, 2]


def test_order_within_a_small_source_does_not_matter():
    texts, sources = many_pages(60, seed=2), salts([i % 2 for i in range(60)])
    expected = learn(texts, sources)
    order = Random(0).sample(range(60), 60)
    found = learn([texts[i] for i in order], sources[order])
    assert found.keys.tolist() == expected.keys.tolist()
    assert found.anywhere.tolist() == expected.anywhere.tolist()


def test_a_large_source_is_sampled_evenly():
    count = 4 * ARTICLES_PER_SOURCE
    lines = ["kb lt", "mf np", "rs tv", "zx dg"]
    texts = [f"{words(f'r {i}', 12)}\n{lines[i % 4]}" for i in range(count)] + ["other"]
    learned = learn(texts, salts([0] * count + [1]))
    assert line_levels(learned, "\n".join(lines)) == [2, 0, 0, 0]
    again = learn(texts, salts([0] * count + [1]), n_jobs=2)
    assert again.keys.tolist() == learned.keys.tolist()


def test_more_sources_than_are_learned_at_once(monkeypatch):
    texts = [text for i in range(12) for text in pages_with(words(f"line {i}", 3), 5, count=8)]
    sources = [i for i in range(12) for _ in range(8)]
    monkeypatch.setattr(recurring, "_TEXTS_AT_ONCE", ARTICLES_PER_SOURCE + 16)
    learned = learn(texts, salts(sources))
    for i in range(12):
        assert line_levels(learned, words(f"line {i}", 3), source=i) == [2]
        assert line_levels(learned, words(f"line {i}", 3), source=(i + 1) % 12) == [0]
    assert (np.diff(learned.keys.astype(np.int64)) > 0).all()


@pytest.mark.parametrize("texts", [[], [""], ["", "—", "\ud800", "12", "\n"], ["kb"] * 3, ["kb lt mf np rs tv"] * 20])
def test_nothing_recurs_in_little_or_in_one_story(texts):
    learned = learn(texts, salts([0] * len(texts)))
    assert len(learned.keys) == len(learned.anywhere) == 0
    assert line_levels(learned, "kb\nlt") == [0, 0]


def test_a_wire_story_under_other_titles_is_still_one():
    texts = [words("wire", 60) + "\nkb lt"] * 6
    titles = [words(f"title {i}", 4) for i in range(6)]
    assert len(learn(texts, salts([0] * 6), titles).keys) == 0


def test_texts_of_a_template_are_told_apart_by_their_titles():
    texts = [f"kb lt {i}\nmf np" for i in range(6)]
    titles = [words(f"title {i}", 4) for i in range(6)]
    assert len(learn(texts, salts([0] * 6)).keys) == 0
    assert line_levels(learn(texts, salts([0] * 6), titles), texts[0]) == [2, 2]
    assert len(learn(texts, salts([0] * 6), [titles[0]] * 6).keys) == 0
