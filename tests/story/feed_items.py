"""Items of feeds as they come, in ``feed_items.jsonl``: 51 from twelve outlets in three languages, most of them alone.

All are made up for these tests. Titles have outlets, labels and handles, texts are one line or a template. `event` is
null for an item that is alone, though it may share a name, a place, a weekday or a word of the trade with others.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

_FIRST = datetime(2026, 4, 27, 6, tzinfo=UTC)


def feed_items():
    """The items as mappings, and the label of each: that of its event, or one of its own."""
    lines = Path(__file__).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    rows, labels = [], []
    for number, item in enumerate(map(json.loads, lines)):
        published = _FIRST + timedelta(hours=item["hours"], minutes=number)
        rows.append(
            {"id": f"item-{number}", "published": published} | {k: item[k] for k in ("title", "text", "source")}
        )
        labels.append(item["event"] or f"alone-{number}")
    return rows, labels
