"""The canonical order of all articles, by parts of them, and by the whole as its slow twin has it."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.archive import ordering, slices
from dedup.archive.arrow import write_table
from dedup.archive.checking import write_block_refusals
from dedup.archive.job import Job, Keeping, Reading
from dedup.archive.parts import Order, ReadBlock
from dedup.inputs.blocks import Block
from dedup.parameters import NearSettings, StorySettings
from dedup.residue import recurring

EXAMPLES = settings(deadline=None, max_examples=30)
FIELDS = 7


def job_of(folder, duplicates):
    settings = StorySettings(NearSettings(), 0.1, cut_residue=True, max_chars=100)
    return Job(str(folder), settings, "central", None, Reading("raise", duplicates), Keeping("first", "star", None))


def blocks_of(seed, counts, days, ids):
    """Articles in blocks; row by row, those of a block in canonical order are in any rows of it."""
    rng, blocks, first = np.random.default_rng(seed), [], 0
    for count in counts:
        day = np.where(rng.random(count) < 0.2, np.nan, rng.integers(0, days, count) / 4)
        name = [f"{number:03}".encode() for number in rng.integers(0, ids, count)]
        if ids > 10_000:  # ids that occur once
            name = [f"{number:05}".encode() for number in first + rng.permutation(count)]
        own = sorted(zip(np.nan_to_num(day, nan=np.inf).tolist(), name, rng.permutation(count).tolist(), strict=True))
        size, salt = rng.integers(0, 9, count).tolist(), rng.integers(0, 3, count).tolist()
        columns = zip(own, size, salt, strict=True)
        blocks.append([SimpleNamespace(day=d, id=i, row=first + r, size=s, salt=a) for (d, i, r), s, a in columns])
        first += count
    return blocks


def write_blocks(job, blocks):
    for number, block in enumerate(blocks):
        part = ReadBlock.of(job, number)
        part.folder.mkdir(parents=True)
        first = min((article.row for article in block), default=0)
        write_table(part.ids, pa.table({"id": pa.array([article.id for article in block], pa.binary())}))
        write_block_refusals([], part.refusals)
        days = [article.day for article in block]
        part.save(
            days=np.where(np.isinf(days), np.nan, days),
            rows=np.array([article.row - first for article in block], dtype=np.int64),
            size=np.array([len(block)]),
            named=np.zeros(FIELDS, dtype=np.bool_),
            sizes=np.array([article.size for article in block], dtype=np.int64),
            salts=np.array([article.salt for article in block], dtype=np.uint64),
            # Two ids of three have the hash of another one.
            id_hashes=np.array([hash_of(article.id) for article in block], dtype=np.uint64),
        )


def hash_of(name):
    return (int(name) // 3 * 0x9E3779B97F4A7C15) % 2**64


def slow_order(blocks, duplicates):
    """Articles that stay, in order, and for each one that does not the row that it repeats."""
    of_id = {}
    for article in sorted((article for block in blocks for article in block), key=lambda article: article.row):
        of_id.setdefault(article.id, []).append(article)
    repeats = {}
    for same in of_id.values():
        if duplicates == "last":
            repeats |= {one.row: other.row for one, other in pairwise(same)}
        else:
            repeats |= {other.row: same[0].row for other in same[1:]}
    kept = [article for block in blocks for article in block if article.row not in repeats]
    return sorted(kept, key=lambda article: (article.day, article.id)), repeats


@EXAMPLES
@given(
    st.integers(0, 2**32),
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.sampled_from([1, 4, 50]),
    st.sampled_from([4, 30, 90_000]),
    st.sampled_from(["first", "last"]),
    st.integers(1, 9),
)
def test_the_order_is_that_of_all_articles_at_once(tmp_path_factory, seed, counts, days, ids, duplicates, at_once):
    blocks, job = blocks_of(seed, counts, days, ids), job_of(tmp_path_factory.mktemp("order"), duplicates)
    write_blocks(job, blocks)
    part = Order.of(job)
    part.folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "blocks_of_job", lambda _: [Block(f"{k}.jsonl", 0, 1) for k in range(len(blocks))])
        patch.setattr(ordering, "SORTED_AT_ONCE", at_once)
        patch.setattr(ordering, "SAMPLED_EVERY", 1 + at_once // 3)
        patch.setattr(ordering, "COMPARED_AT_ONCE", at_once)
        patch.setattr(recurring, "MIN_STORIES", 1)
        ordering.order_articles(job, 0, part.folder)
    order, repeats = slow_order(blocks, duplicates)
    place = {article.row: position for position, article in enumerate(order)}
    assert np.nan_to_num(part.days, nan=np.inf).tolist() == [article.day for article in order]
    assert part.rows.tolist() == [article.row for article in order]
    assert part.salts.tolist() == [article.salt for article in order]
    everyone = [article for block in blocks for article in block]
    assert part.left_out.tolist() == [article.row in repeats for article in everyone]
    assert part.block_offsets.tolist() == np.cumsum([0, *counts]).tolist()
    for block, (first, stop) in zip(blocks, pairwise(part.block_offsets.tolist()), strict=True):
        expected, following = [], len(order)
        for article in reversed(block):  # in a block they ascend, also over those that are left out
            following = min(place.get(article.row, following), following)
            expected.append(following)
        assert part.positions[first:stop].tolist() == expected[::-1]
    told = {row["position"]: row["reason"] for row in pq.read_table(part.refusals).to_pylist()}
    assert told.keys() == repeats.keys()
    assert all(f"that of article {repeats[row]}" in reason for row, reason in told.items())
    assert {path.name for path in part.folder.iterdir()} >= {"refusals.parquet", "positions.npy", "bounds.npy"}
    assert not [path for path in part.folder.iterdir() if path.is_dir()]


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(1, 9))
def test_samples_are_those_of_all_salts_at_once(seed, n, at_once):
    salts = np.random.default_rng(seed).choice([0, 7, 2**63], n).astype(np.uint64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurring, "ARTICLES_PER_SOURCE", 5)
        patch.setattr(recurring, "_TEXTS_AT_ONCE", recurring.ARTICLES_WITHOUT_SOURCE + 6)
        found = [group.tolist() for group in recurring.samples(salts, at_once)]
    expected, group = [], []
    for salt in sorted(set(salts.tolist())):
        own = np.flatnonzero(salts == salt)
        if len(own) >= recurring.MIN_STORIES:
            wanted = min(5, len(own))
            group += [int(own[i * len(own) // wanted]) for i in range(wanted)]
        if len(group) > 6:
            expected.append(group)
            group = []
    assert found == expected + [group] * bool(group)
