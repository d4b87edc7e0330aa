"""The text front on made-up input: a little of it each time the tests run."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from text_front import AGAIN, CODECS, END_OF_TITLE, NEXT_ARTICLE, articles_of, check

import dedup

# An example takes a tenth of a second, and shrinking one many of them.
EXAMPLES = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)

CHARACTERS = st.one_of(
    st.sampled_from(NEXT_ARTICLE + END_OF_TITLE + AGAIN),
    st.sampled_from("ab 12.\n\0é京ж가\u202e\u2066\u200d\u0301\u0e33\ufdfa\U0001d400<&;Ã©"),
    st.characters(),
    st.characters(categories=["Cs", "Cf", "Mn"]),
)
PIECES = st.one_of(
    st.text(CHARACTERS, max_size=12),
    st.sampled_from(
        ["Kim Jong Un est arrivé en Russie ", "<p>&nbsp;</p>", "\ud835\udc00", f"{NEXT_ARTICLE}{AGAIN}", "金正恩"]
    ),
    st.builds(
        lambda text, times: text + AGAIN + chr(times), st.text(CHARACTERS, min_size=1, max_size=5), st.integers(1, 299)
    ),
)
TEXTS = st.lists(PIECES, max_size=14).map("".join)
DATA = st.one_of(TEXTS.map(lambda text: b"\0" + text.encode("utf-8", "surrogatepass")), st.binary(max_size=300))

ANY_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, float("nan"), float("inf"), datetime.max, datetime.min.replace(tzinfo=UTC)]),
    st.floats(),
    st.text(CHARACTERS, max_size=12),
    st.binary(max_size=8),
    st.decimals(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.dates(),
    st.lists(st.integers(), max_size=2),
)
FIELDS = ("id", "text", "title", "published", "source", "url", "language", "other")
ITEMS = st.one_of(
    ANY_VALUE,
    st.dictionaries(st.sampled_from(FIELDS), ANY_VALUE),
    st.dictionaries(ANY_VALUE.filter(lambda v: isinstance(v, str)), ANY_VALUE),
)


@EXAMPLES
@given(DATA)
def test_what_must_hold_for_any_articles_holds(data):
    check(articles_of(data))


@settings(EXAMPLES, max_examples=300)
@given(st.lists(ITEMS, max_size=3))
def test_any_item_is_read_or_refused_by_its_position(items):
    try:
        labels, refusal = dedup.near_duplicates(items, n_jobs=1).labels, None
    except (TypeError, ValueError) as error:
        refusal = str(error)
    if refusal is None:
        assert len(labels) == len(items)
    else:
        assert refusal.startswith("article ")
        assert "; allowed: " in refusal


@EXAMPLES
@given(st.lists(ITEMS, max_size=3))
def test_one_article_never_refuses_the_others_of_a_batch_that_skips(items):
    with dedup.StoryIndex(":memory:") as index:
        good = {"id": "good", "text": "Kim Jong Un est arrivé en Russie"}
        assignments, refusals = index.add_many([good, *items], errors="skip")
        assert len(assignments) + len(refusals) == len(items) + 1
        assert assignments[0].article_id == "good"


@pytest.mark.parametrize("number", range(len(CODECS)))
def test_bytes_are_articles_however_they_are_read(number):
    text = f"Kim{END_OF_TITLE}ab{AGAIN}\x03!{NEXT_ARTICLE}{AGAIN}{NEXT_ARTICLE}"
    articles = articles_of(bytes([number]) + text.encode(CODECS[number]))
    assert [(a["id"], a["title"], a["text"]) for a in articles] == [
        ("0", "Kim", "ababab!"),
        ("1", "Kim", "ababab!"),
        ("2", "", ""),
    ]


@pytest.mark.slow
def test_a_fuzzer_that_watches_branches_finds_nothing(tmp_path):
    pytest.importorskip("atheris")
    script = Path(__file__).with_name("fuzz_text.py")
    options = ["-max_total_time=20", f"-artifact_prefix={tmp_path}/", "-seed=1"]
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]
