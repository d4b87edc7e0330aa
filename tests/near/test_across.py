"""New against old: only pairs across, the same as among all articles together, from texts or from stored sketches."""

import random
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.near.stored import holds_sketches


def words(rng, n):
    return [f"w{rng.randrange(100_000)}" for _ in range(n)]


def edited(rng, text, count):
    copy = text.split()
    for place in rng.sample(range(len(copy)), min(count, len(copy))):
        copy[place] = str(rng.randrange(1000))
    return " ".join(copy)


def old_and_new(seed, crowd=0):
    """Texts, some of them copies, in two lists; with a crowd, so many of one template."""
    rng = random.Random(seed)
    template = " ".join(words(rng, 80))
    originals = [" ".join(words(rng, rng.choice([1, 3, 8, 40]))) for _ in range(8)]
    originals += [f"{' '.join(words(rng, 20))} {template}" for _ in range(crowd)]
    texts = ["", *originals, *(edited(rng, text, rng.randrange(4)) for text in originals for _ in range(2))]
    rng.shuffle(texts)
    half = len(texts) // 2
    return texts[:half], texts[half:]


def rows_of(copies):
    return sorted(copies.to_frame(backend="pyarrow").to_pylist(), key=str)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([{}, {"containment": 0.9}, {"compare_numbers": True}]))
def test_pairs_are_those_across_among_all_texts_together(seed, parameters):
    old, new = old_and_new(seed)
    found = dedup.near_duplicates(new, against=old, **parameters)
    together = dedup.near_duplicates([*old, *new], **parameters)
    n = len(old)
    expected = {(j - n, i) for i, j in together.pairs.tolist() if i < n <= j}
    # Among all together, of equal texts shorter than a shingle the first stands for all where others contain them.
    short = [[len(text.split()) < 5 for text in texts] for texts in (new, old)]
    listed = set(map(tuple, found.pairs.tolist()))
    assert expected <= listed
    for i, j in listed - expected:
        brief, text = (new[i], old[j]) if short[0][i] else (old[j], new[i])
        assert short[0][i] or short[1][j]
        assert f" {brief} " in f" {text} "
    figures = dict(zip(map(tuple, together.pairs.tolist()), together.jaccard, strict=True))
    pairs = list(zip(found.pairs.tolist(), found.jaccard.tolist(), strict=True))
    for (i, j), jaccard in pairs:
        assert figures.get((j, n + i), jaccard) == jaccard
    for i, best in enumerate(found.original.tolist()):
        own = [(-jaccard, j) for (k, j), jaccard in pairs if k == i]
        assert best == (min(own)[1] if own else -1)
    assert found.fresh.tolist() == [i for i, best in enumerate(found.original.tolist()) if best < 0]


@pytest.mark.parametrize("seed", range(3))
def test_stored_sketches_find_what_the_texts_find(seed, tmp_path):
    old, new = old_and_new(seed, crowd=100)
    dedup.sketches.save(old, tmp_path / "old.parquet")
    stored = dedup.sketches.read(tmp_path / "old.parquet")
    for parameters in ({}, {"threshold": 0.5, "recall": 0.99}, {"compare_numbers": True}):
        found = dedup.near_duplicates(new, against=stored, **parameters)
        expected = dedup.near_duplicates(new, against=old, **parameters)
        assert rows_of(found) == rows_of(expected)
        assert len(found.pairs) > 20


def test_every_copy_of_an_old_text_in_a_crowd_is_found():
    rng = random.Random(0)
    template = " ".join(words(rng, 170))
    old = [f"{' '.join(words(rng, 40))} {template}" for _ in range(700)]
    found = dedup.near_duplicates(old[-100:], against=old)
    assert found.original.tolist() == list(range(600, 700))


def test_copies_too_far_apart_are_none(tmp_path):
    old = [
        {"id": day, "text": "Happy new year to all", "published": datetime(2020 + day, 1, 1, tzinfo=UTC)}
        for day in range(5)
    ]
    new = [{"id": "n", "text": "Happy new year to all", "published": datetime(2024, 1, 2, tzinfo=UTC)}]
    assert dedup.near_duplicates(new, against=old, max_days_apart=30).pairs.tolist() == [[0, 4]]
    dedup.sketches.save(old, tmp_path / "old.parquet")
    stored = dedup.sketches.read(tmp_path / "old.parquet")
    assert dedup.near_duplicates(new, against=stored, max_days_apart=30).to_frame()["old"].tolist() == ["4"]


def test_a_brief_of_fewer_words_than_a_shingle_is_found_on_either_side():
    long = "The governor said on Tuesday that the bridge will stay closed until spring"
    briefs = ["bridge will stay closed", "Bridge will stay closed!", "another brief"]
    found = dedup.near_duplicates(briefs, against=[long], containment=0.9)
    assert found.pairs.tolist() == [[0, 0], [1, 0]]
    found = dedup.near_duplicates([long, "nothing of it"], against=briefs, containment=0.9)
    assert found.pairs.tolist() == [[0, 0], [0, 1]]
    assert found.fresh.tolist() == [1]


def test_of_many_equal_old_texts_those_of_a_new_ones_time_are_found():
    text = "Happy new year to all of you, and a good slide, says the mayor, as in each of the years before"
    old = [{"id": year, "text": text, "published": datetime(year, 1, 1, tzinfo=UTC)} for year in range(1800, 2000)]
    new = [{"id": "n", "text": text, "published": datetime(1907, 1, 5, tzinfo=UTC)}]
    for before in (old, old[::-1]):
        found = dedup.near_duplicates(new, against=before, max_days_apart=30)
        assert found.to_frame()["old"].tolist() == ["1907"]


def test_the_order_of_either_does_not_matter():
    old, new = old_and_new(5)
    found = dedup.near_duplicates(new, against=old)
    turned = dedup.near_duplicates(new[::-1], against=old[::-1])
    expected = {(len(new) - 1 - i, len(old) - 1 - j) for i, j in found.pairs.tolist()}
    assert set(map(tuple, turned.pairs.tolist())) == expected


def test_without_old_or_new_texts_there_are_no_copies():
    for new, old in ((["Kim"], []), ([], ["Kim"]), ([], [])):
        found = dedup.near_duplicates(new, against=old)
        assert found.pairs.tolist() == []
        assert found.original.tolist() == [-1] * len(new)
    assert (
        repr(dedup.near_duplicates(["Kim", "Lee"], against=["Kim"]))
        == "Copies(1 of 2 new texts are copies of 1 old one)"
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shingle_size": 3}, "shingle_size is 3; allowed: 5, as in these sketches"),
        ({"fold": "marks"}, "fold is 'marks'; allowed: 'unidecode', as in these sketches"),
        ({"max_chars": 10}, "max_chars is 10; allowed: 1000000, as in these sketches"),
        ({"cut_residue": True}, "cut_residue is True; allowed: False, as in these sketches"),
    ],
)
def test_sketches_made_otherwise_are_refused(tmp_path, parameters, message):
    dedup.sketches.save(["Kim"], tmp_path / "old.parquet")
    with pytest.raises(ValueError, match=message):
        dedup.near_duplicates(["Kim"], against=dedup.sketches.read(tmp_path / "old.parquet"), **parameters)


def test_several_files_are_read_as_one(tmp_path):
    old, new = old_and_new(3)
    cuts = (old[:5], [], old[5:])
    paths = [tmp_path / f"{i}.parquet" for i in range(3)]
    for path, part in zip(paths, cuts, strict=True):
        dedup.sketches.save([{"id": f"{path.stem}-{i}", "text": text} for i, text in enumerate(part)], path)
    stored = dedup.sketches.read(*paths)
    assert stored.ids == [f"0-{i}" for i in range(5)] + [f"2-{i}" for i in range(len(old) - 5)]
    found = dedup.near_duplicates(new, against=stored, compare_numbers=True)
    expected = dedup.near_duplicates(new, against=old, compare_numbers=True)
    names = {name: str(i) for i, name in enumerate(stored.ids)}
    rows = [row | {"old": names[row["old"]]} for row in rows_of(found)]
    assert sorted(rows, key=str) == rows_of(expected) != []
    dedup.sketches.save(old, paths[1], shingle_size=4)
    with pytest.raises(ValueError, match=r"1\.parquet: shingle_size is 4; allowed: 5, as in .*0\.parquet"):
        dedup.sketches.read(*paths)


def test_a_file_of_sketches_is_known_by_its_metadata(tmp_path):
    dedup.sketches.save(["Kim"], tmp_path / "sketches.xyz")
    pq.write_table(pa.table({"id": ["dedup.sketches"]}), tmp_path / "articles.parquet")
    for name, content in (("text.txt", b"dedup.sketches PAR1"), ("short", b"PAR1"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
    names = ("sketches.xyz", "articles.parquet", "text.txt", "short", "empty", "nowhere", "")
    assert [holds_sketches(tmp_path / name) for name in names] == [True, *[False] * 6]


def test_an_error_says_whether_it_is_about_a_new_or_an_old_article():
    good, bad = [{"text": "Kim arrives"}], [{"text": "Kim"}, {"text": 5}]
    with pytest.raises(TypeError, match=r"^against: article 1 \(id '1'\): field 'text' is 5; allowed: str"):
        dedup.near_duplicates(good, against=bad)
    with pytest.raises(TypeError, match=r"^article 1 \(id '1'\): field 'text' is 5; allowed: str"):
        dedup.near_duplicates(bad, against=good)
    ended = (text for text in ("x",))
    assert list(ended) == ["x"]
    with pytest.raises(ValueError, match=r"^against is a generator that has ended; allowed: a list"):
        dedup.near_duplicates(["x"], against=ended)
    with pytest.raises(TypeError, match=r"^against is one str: 'x'; allowed: a list of articles"):
        dedup.near_duplicates(["x"], against="x")
    with pytest.raises(ValueError, match=r"^against: article 1.*'id' is 'a'"):
        dedup.near_duplicates(good, against=[{"id": "a", "text": "Kim"}, {"id": "a", "text": "Lee"}])
    found = dedup.near_duplicates(good, against=bad, errors="skip")
    assert ([r.position for r in found.refusals], [r.position for r in found.old_refusals]) == ([], [1])


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "old.parquet"
    pq.write_table(pa.table({"id": ["a"]}), path)
    with pytest.raises(ValueError, match="has no sketches; allowed"):
        dedup.sketches.read(path)
    path.write_bytes(b"no Parquet")
    with pytest.raises(ValueError, match="allowed: a file that"):
        dedup.sketches.read(path)
    with pytest.raises(FileNotFoundError):
        dedup.sketches.read(tmp_path / "none.parquet")


def test_the_format_of_sketches_stays(tmp_path):
    """Files of this version must stay readable: names, types and values of the columns."""
    dedup.sketches.save(
        [{"id": "a", "text": "Kim arrives in Russia on 12 September"}, {"id": "b", "text": ""}], tmp_path / "s"
    )
    table = pq.read_table(tmp_path / "s")
    assert table.schema.names == ["id", "day", "shingles", "numbers"]
    assert table["id"].to_pylist() == ["a", "b"]
    assert table["day"].to_pylist() == [None, None]
    assert [len(own) for own in table["shingles"].to_pylist()] == [7, 0]
    assert np.bitwise_xor.reduce(np.array(table["shingles"].to_pylist()[0], dtype=np.uint64)) == 16101187465741929094
    assert [len(own) for own in table["numbers"].to_pylist()] == [1, 0]
    metadata = b'{"version": 1, "parameters": {"shingle_size": 5, "fold": "unidecode", "max_chars": 1000000}}'
    assert table.schema.metadata[b"dedup.sketches"] == metadata
