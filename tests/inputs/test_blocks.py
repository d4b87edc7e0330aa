"""Every row of a file is in one of its blocks."""

import json

import numpy as np
import pytest
from archived import write
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.article import FIELDS, Columns
from dedup.inputs import blocks
from dedup.inputs.blocks import Block, blocks_of, rows_of_block

EXAMPLES = settings(deadline=None, max_examples=80)
SEEDS = st.integers(0, 2**32)
OWN = Columns({name: None for name in FIELDS if name not in ("id", "text")})
TEXT = "one two three four five six seven eight nine ten"


def lines(seed, n):
    """Lines of JSON, of which some are blank and some long, in alphabets of one to four bytes a letter."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("ab\u0436\u4e2d\U0001f600"))
    for i in range(n):
        row = {"id": i, "text": "".join(rng.choice(letters, rng.choice([0, 3, 30])).tolist())}
        yield rng.choice(["", "", " ", "\r"]) if rng.random() < 0.2 else json.dumps(row, ensure_ascii=False)


@EXAMPLES
@given(SEEDS, st.integers(0, 12), st.integers(1, 120), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_line_is_in_one_block(tmp_path_factory, seed, n, size, ending, ended):
    own = list(lines(seed, n))
    path = tmp_path_factory.mktemp("lines") / "articles.jsonl"
    path.write_bytes((ending.join(own) + ending * ended).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_BLOCK_BYTES", size)
        found = blocks_of(str(path))
    assert [block.start for block in found] == list(range(0, path.stat().st_size, size))
    read = [list(rows_of_block(block, OWN)) for block in found]
    assert [row for rows in read for row in rows] == [json.loads(line) for line in own if line.strip()]


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.integers(1, 12))
def test_a_block_begins_wherever_it_may(tmp_path_factory, seed, n):
    path = tmp_path_factory.mktemp("lines") / "articles.jsonl"
    path.write_text("\n".join(lines(seed, n)), "utf-8")
    size = path.stat().st_size
    whole = list(rows_of_block(Block(str(path), 0, size), OWN))
    for cut in range(size + 1):
        first, second = Block(str(path), 0, cut), Block(str(path), cut, size)
        assert [*rows_of_block(first, OWN), *rows_of_block(second, OWN)] == whole


def test_a_row_group_is_a_block(tmp_path):
    articles = [{"id": str(i), "text": TEXT} for i in range(10)]
    path = write(tmp_path / "articles.parquet", articles)
    found = blocks_of(str(path))
    assert [(block.start, block.stop) for block in found] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert [row["id"] for block in found for row in rows_of_block(block, OWN)] == [a["id"] for a in articles]
