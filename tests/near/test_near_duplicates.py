import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.arrays import connected_labels, numbered_by_first
from dedup.near.pipeline import find_near_duplicates
from dedup.near.verify import Verifier
from dedup.parameters import NearSettings

EXAMPLES = settings(deadline=None, max_examples=50)
SEEDS = st.integers(0, 2**32)
SHORT_TEXTS = [
    "Kim Jong Un arrives in Russia by train",
    "La Banque centrale relève ses taux",
    "Землетрясение произошло в Марокко ночью",
    "金正恩抵達俄羅斯遠東",
    "プーチン氏がロケット基地で会談",
    "푸틴 대통령이 정상 회담을 했다",
    "นายกรัฐมนตรีเดินทางถึงกรุงเทพ",
    "وصل الزعيم إلى روسيا بالقطار",
]


def find(texts, *, n_jobs=1, **parameters):
    return find_near_duplicates(texts, NearSettings(**parameters), n_jobs)


def edited_copies(seed, originals=4, copies=4, length=40):
    """Texts of made-up words and copies of them: cut, extended, or with some words replaced; shuffled."""
    rng = random.Random(seed)
    texts = [""]
    for _ in range(originals):
        words = [f"w{rng.randrange(1000)}" for _ in range(rng.randrange(1, length))]
        texts.append(" ".join(words))
        for _ in range(rng.randrange(copies)):
            copy = words[rng.randrange(5) : len(words) - rng.randrange(5)]
            copy += [f"v{rng.randrange(1000)}" for _ in range(rng.randrange(4))]
            for _ in range(rng.randrange(3)):
                if copy:
                    copy[rng.randrange(len(copy))] = f"v{rng.randrange(1000)}"
            texts.append(" ".join(copy).title())
    rng.shuffle(texts)
    return texts


def slow_sets(texts, size=5):
    """The shingles of texts of ASCII words."""
    split = [text.lower().split() for text in texts]
    return [{tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1)) if words} for words in split]


def slow_jaccards(texts, size=5):
    """Jaccard similarity of all pairs of texts of ASCII words."""
    sets = slow_sets(texts, size)
    pairs = combinations(range(len(texts)), 2)
    return {(i, j): len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for i, j in pairs if sets[i] and sets[j]}


def slow_containments(texts, size=5):
    """Share of the smaller set that the larger holds too, of all pairs of texts of ASCII words.

    A text of fewer words than a shingle is contained in one where they stand together.
    """
    sets, joined = slow_sets(texts), [f" {' '.join(text.lower().split())} " for text in texts]
    containment = {}
    for i, j in combinations(range(len(texts)), 2):
        if sets[i] and sets[j]:
            short, long = sorted((joined[i], joined[j]), key=lambda text: len(text.split()))
            contained = len(short.split()) < size and short in long
            containment[i, j] = 1.0 if contained else len(sets[i] & sets[j]) / min(len(sets[i]), len(sets[j]))
    return containment


@EXAMPLES
@given(SEEDS, st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]), st.integers(1, 6))
def test_pairs_found_are_true_and_their_jaccard_exact(seed, threshold, size):
    texts = edited_copies(seed)
    found = find(texts, threshold=threshold, shingle_size=size)
    jaccard = slow_jaccards(texts, size)
    assert (found.jaccard >= threshold).all()
    assert found.jaccard.tolist() == [jaccard[pair] for pair in map(tuple, found.pairs.tolist())]


@EXAMPLES
@given(SEEDS, st.sampled_from([0.5, 0.8, 1.0]))
def test_pairs_found_by_containment_are_true_and_their_figures_exact(seed, least):
    texts = edited_copies(seed)
    texts += [" ".join(text.split()[i:]) for i, text in enumerate(texts)]
    found = find(texts, containment=least)
    jaccard, containment = slow_jaccards(texts), slow_containments(texts)
    pairs = [tuple(pair) for pair in found.pairs.tolist()]
    assert ((found.jaccard >= 0.7) | (found.containment >= least)).all()
    assert found.jaccard.tolist() == [jaccard[pair] for pair in pairs]
    assert found.containment.tolist() == [containment[pair] for pair in pairs]


@EXAMPLES
@given(SEEDS)
def test_pairs_are_distinct_sorted_and_ascending(seed):
    pairs = [tuple(pair) for pair in find(edited_copies(seed)).pairs.tolist()]
    assert pairs == sorted(set(pairs))
    assert all(i < j for i, j in pairs)


@EXAMPLES
@given(SEEDS)
def test_groups_are_the_components_of_the_pairs(seed):
    texts = edited_copies(seed)
    found = find(texts)
    expected = connected_labels(found.pairs[:, 0], found.pairs[:, 1], len(texts))
    assert found.labels.tolist() == expected.tolist()
    groups = [np.flatnonzero(expected == label).tolist() for label in range(expected.max() + 1)]
    assert found.groups == [group for group in groups if len(group) > 1]


def test_all_pairs_of_a_corpus_are_found_at_high_recall():
    texts = edited_copies(2023, originals=150, copies=8, length=120)
    expected = {pair: jaccard for pair, jaccard in slow_jaccards(texts).items() if jaccard >= 0.8}
    assert len(expected) > 300
    found = find(texts, threshold=0.8, recall=0.999)
    assert dict(zip(map(tuple, found.pairs.tolist()), found.jaccard.tolist(), strict=True)) == expected


def test_a_brief_within_a_long_article_is_found_by_containment_only():
    words = [f"w{i}" for i in range(600)]
    texts = ["Something else", " ".join(words), " ".join(words[200:280])]
    assert find(texts).pairs.shape == (0, 2)
    found = find(texts, containment=0.9)
    assert found.pairs.tolist() == [[1, 2]]
    assert found.containment.tolist() == [1.0]
    assert found.jaccard.tolist() == [76 / 596]


def test_bulletins_that_differ_in_their_figures_are_kept_apart_by_their_numbers():
    words = " ".join(f"w{i}" for i in range(60))
    texts = [f"Lyon 21 Nice 24 {words}", f"Lyon 19 Nice 30 {words}", f"Lyon 21 Nice 24 {words} encore"]
    assert find(texts).groups == [[0, 1, 2]]
    assert find(texts, compare_numbers=True).groups == [[0, 2]]


def test_copies_without_numbers_are_alike_in_their_numbers():
    assert find(["Kim arrives in Russia", "kim arrives in russia!"], compare_numbers=True).groups == [[0, 1]]


def test_copies_are_found_however_much_recall_is_asked_for():
    texts = ["Kim Jong Un arrives in Russia by armoured train", "Something else", ""]
    again = [text.upper() for text in texts]
    assert find(texts + again, recall=0.01).pairs.tolist() == [[0, 3], [1, 4]]


@pytest.mark.parametrize("blank", ["", " ", "\n\n", "\0", "\u200b", "\ud800"])
def test_a_blank_text_has_no_duplicates(blank):
    found = find([blank, blank, "Kim Jong Un", blank])
    assert found.pairs.shape == (0, 2)
    assert found.labels.tolist() == [0, 1, 2, 3]
    assert found.token_counts.tolist() == [0, 0, 3, 0]


def test_blank_texts_alone_have_no_pairs():
    assert find(["", " ", "..."]).labels.tolist() == [0, 1, 2]


def test_no_texts_have_no_pairs():
    found = find([])
    assert found.pairs.shape == (0, 2)
    assert found.labels.tolist() == []
    assert found.groups == []


def test_different_one_word_texts_are_no_duplicates():
    assert find(["Kim", "Putin", "train", "Kims", "京"]).pairs.shape == (0, 2)


def test_a_text_shorter_than_a_shingle_is_not_its_beginning():
    assert find(["Kim Jong Un", "Kim Jong Un arrives", "Kim", "Kim Jong"]).pairs.shape == (0, 2)


def test_equal_one_word_texts_are_duplicates():
    assert find(["Kim", "Putin", "KIM!"]).pairs.tolist() == [[0, 2]]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_short_texts_in_eight_scripts_are_unrelated(size):
    assert find(SHORT_TEXTS, threshold=0.2, shingle_size=size).pairs.shape == (0, 2)


@pytest.mark.parametrize("text", SHORT_TEXTS)
def test_copies_are_found_in_every_script(text):
    assert find([*SHORT_TEXTS, f"{text}."]).pairs.tolist() == [[SHORT_TEXTS.index(text), len(SHORT_TEXTS)]]


@pytest.mark.parametrize("n_jobs", [2, 4, None, -1])
def test_threads_do_not_change_the_result(n_jobs):
    texts = edited_copies(7, originals=300, copies=6, length=200)
    texts += [text * 150 for text in texts[:20]]  # several blocks
    one, many = find(texts, n_jobs=1), find(texts, n_jobs=n_jobs)
    assert len(one.pairs) > 100
    assert one.pairs.tolist() == many.pairs.tolist()
    assert one.jaccard.tolist() == many.jaccard.tolist()
    assert one.labels.tolist() == many.labels.tolist()
    assert one.token_counts.tolist() == many.token_counts.tolist()


def assert_order_does_not_matter(texts, seed, **parameters):
    order = np.random.default_rng(seed).permutation(len(texts))
    labels = find(texts, **parameters).labels
    shuffled = find([texts[i] for i in order.tolist()], **parameters).labels
    assert shuffled.tolist() == numbered_by_first(labels[order]).tolist()


@EXAMPLES
@given(SEEDS, SEEDS)
def test_permuting_the_texts_permutes_the_groups(seed, order_seed):
    assert_order_does_not_matter(edited_copies(seed), order_seed)


def test_the_order_does_not_matter_in_a_crowd_of_loosely_similar_texts():
    rng = random.Random(2)
    wire = [f"w{i}" for i in range(90)]
    texts = []
    for _ in range(400):
        words = wire.copy()
        for _ in range(3):
            words[rng.randrange(len(words))] = f"x{rng.randrange(10**6)}"
        texts.append(" ".join(words))
    found = dedup.near_duplicates(texts)
    for seed in range(3):
        order = random.Random(seed).sample(range(len(texts)), len(texts))
        shuffled = dedup.near_duplicates([texts[i] for i in order])
        assert numbered_by_first(found.labels[order]).tolist() == shuffled.labels.tolist()
        assert sorted(np.sort(np.array(order)[shuffled.pairs], axis=1).tolist()) == found.pairs.tolist()


@EXAMPLES
@given(SEEDS, SEEDS)
def test_renumbering_gives_the_result_for_the_permuted_texts(seed, order_seed):
    texts = edited_copies(seed)
    positions = np.random.default_rng(order_seed).permutation(len(texts))
    permuted = [texts[i] for i in np.argsort(positions).tolist()]
    renumbered, direct = find(texts).renumbered(positions), find(permuted)
    assert renumbered.pairs.tolist() == direct.pairs.tolist()
    assert renumbered.jaccard.tolist() == direct.jaccard.tolist()
    assert renumbered.containment.tolist() == direct.containment.tolist()
    assert renumbered.labels.tolist() == direct.labels.tolist()
    assert renumbered.token_counts.tolist() == direct.token_counts.tolist()


@EXAMPLES
@given(SEEDS, SEEDS)
def test_unrelated_texts_change_nothing_for_others(seed, other_seed):
    texts = edited_copies(seed)
    others = [text.lower().translate({ord("w"): "q", ord("v"): "z"}) for text in edited_copies(other_seed)]
    alone, beside = find(texts), find(texts + others)
    among = (beside.pairs < len(texts)).all(axis=1)
    assert beside.pairs[among].tolist() == alone.pairs.tolist()
    assert beside.labels[: len(texts)].tolist() == alone.labels.tolist()


def test_two_hundred_copies_are_one_group():
    wire = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said"
    texts = [f"{wire}{'!' * (i % 3)}" if i % 2 else wire.upper() for i in range(200)]
    found = find(["Something else happened", *texts, ""])
    assert found.groups == [list(range(1, 201))]
    assert set(found.jaccard.tolist()) == {1.0}


def test_two_hundred_edited_copies_are_one_group():
    rng = random.Random(5)
    wire = [f"w{i}" for i in range(200)]
    texts = []
    for _ in range(200):
        words = wire.copy()
        words[rng.randrange(len(words))] = f"x{rng.randrange(1000)}"
        texts.append(" ".join(words))
    assert find(texts).groups == [list(range(200))]


def test_token_counts_are_words_or_unspaced_characters():
    assert find(["Kim Jong Un!", "", "金正恩 2023", "한국 대통령이"]).token_counts.tolist() == [3, 0, 4, 2]


def test_expected_recall_is_what_was_asked_for_at_the_threshold_and_none_below():
    found = find(["Kim"], threshold=0.7, recall=0.95)
    below, at, above, identical = found.expected_recall([0.69, 0.7, 0.8, 1.0]).tolist()
    assert below == 0
    assert 0.95 <= at < above < identical == 1


def test_unreachable_recall_is_refused():
    with pytest.raises(ValueError, match="recall"):
        find(["Kim"], threshold=0.01, recall=0.99, num_perm=4)


def test_repr_counts_pairs_and_groups():
    text = repr(find(["Kim arrives", "kim ARRIVES", "Putin waits", "Kim arrives!"]))
    assert "4 texts" in text
    assert "3 pairs" in text
    assert "3 texts in 1 group" in text


# Crowds: buckets too large for all their pairs


def words(rng, count):
    return [f"w{rng.randrange(10**6)}" for _ in range(count)]


def test_a_far_copy_is_found_in_a_crowd():
    rng = random.Random(0)
    base = words(rng, 400)

    def edited(count):
        copy = base.copy()
        for i in rng.sample(range(400), count):
            copy[i] = words(rng, 1)[0]
        return " ".join(copy)

    texts = [*(edited(7) for _ in range(20)), *[" ".join(base)] * 400, edited(13)]
    assert len(set(find(texts, recall=0.999).labels.tolist())) == 1


def test_copies_of_bulletins_are_found_by_their_numbers_in_a_crowd():
    rng = random.Random(0)
    text = words(rng, 200)
    bulletins = [" ".join([*text[:100], str(1000 + day), *text[100:]]) for day in range(200)]
    retouched = [f"{bulletin} end" for bulletin in bulletins]
    labels = find([*bulletins, *retouched, *bulletins], compare_numbers=True).labels
    assert labels.tolist() == [*range(200)] * 3


@pytest.mark.parametrize("place", [0, 32, 100])
def test_a_brief_that_a_hundred_articles_quote_is_found_in_all(place):
    rng = random.Random(0)
    brief = words(rng, 150)
    texts = [" ".join([*words(rng, 300), *brief, *words(rng, 300)]) for _ in range(100)]
    texts.insert(place, " ".join(brief))
    found = find(texts, containment=0.9)
    assert found.groups == [list(range(101))]
    assert (found.pairs == place).any(axis=1).all()


def test_texts_made_to_share_bands_cost_few_pairs_each_and_hide_no_copy(monkeypatch):
    def flood(n):
        template = " ".join(f"t{k}" for k in range(150))
        texts = [" ".join(f"w{i}x{k}" for k in range(50)) + " " + template for i in range(n)]
        return texts + [text.replace("x7 ", "x8 ", 1) for text in texts[: n // 4]]

    checked = []
    check = Verifier.check
    monkeypatch.setattr(Verifier, "check", lambda self, pairs: checked.append(len(pairs)) or check(self, pairs))
    for n in (400, 1600):
        checked.clear()
        found = find(flood(n))
        assert found.pairs.tolist() == [[i, n + i] for i in range(n // 4)]
        assert found.given_up == 0
        assert sum(checked) < 15 * n
