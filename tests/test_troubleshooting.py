"""The page of messages in the documentation has the messages that are said."""

import re
from pathlib import Path

import pytest

import dedup
from dedup import archive

PAGE = Path(__file__).parents[1] / "docs" / "troubleshooting.md"
KIM = "Kim is in Russia."


def twice(path):
    with dedup.StoryIndex(path):
        dedup.StoryIndex(path)


def another_recall(path):
    dedup.StoryIndex(path).close()
    dedup.StoryIndex(path, recall=0.5)


def another_archive(folder):
    path = folder / "a.jsonl"
    path.write_text('{"id": "a", "text": "Kim is in Russia."}')
    archive.cluster(path, folder / "out", n_jobs=1)
    archive.cluster(path, folder / "out", n_jobs=1, recall=0.9)


SAID = {
    "'soon'": lambda path: dedup.cluster([{"text": KIM, "published": "soon"}]),
    "time zone": lambda path: dedup.cluster([{"text": KIM, "published": "2023-09-12 08:00"}]),
    "are missing": lambda path: dedup.cluster([{"text": None}]),
    "as that of": lambda path: dedup.cluster([{"id": "a", "text": KIM}, {"id": "a", "text": KIM}]),
    "treshold": lambda path: dedup.cluster([], treshold=0.1),
    "elsewhere": twice,
    "was made with": another_recall,
    "results of another job": another_archive,
    "looks like": lambda path: dedup.StoryIndex("postgresql:/localhost/news"),
}


@pytest.mark.parametrize("part", SAID)
def test_a_message_is_said_as_the_page_has_it(part, tmp_path):
    messages = re.findall(r"^\| `([^`]+)`", PAGE.read_text("utf-8"), re.MULTILINE)
    (message,) = [message for message in messages if part in message]
    pattern = ".*".join(map(re.escape, message.split("...")))
    index = tmp_path / "stories.db"
    with pytest.raises((TypeError, ValueError, RuntimeError), match=pattern):
        SAID[part]({"elsewhere": index, "was made with": index, "results of another job": tmp_path}.get(part))
