"""Articles, and the command as a process, for the tests of the command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dedup

ROOT = Path(dedup.__file__).parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
WIRE = "Kim Jong Un arrived in Russia on Tuesday aboard his armoured train, the Kremlin said in a statement"
ARTICLES = [
    {"id": "a", "text": WIRE, "title": "Kim in Russia", "published": "2023-09-12T08:00:00Z", "source": "Wire"},
    {"id": "b", "text": f"MOSCOW - {WIRE}", "published": "2023-09-12T09:00:00Z", "source": "Post"},
    {
        "id": "c",
        "text": "The ECB raised its rates to 4 percent.",
        "published": "2023-09-14T12:15:00Z",
        "source": "Post",
    },
]


def lines_of(articles):
    return "".join(json.dumps(article) + "\n" for article in articles)


def start(*arguments, program=("-m", "dedup"), **options):
    """The command, or another program, as a process of its own."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *program, *map(str, arguments)], env=ENVIRONMENT, **streams | options)
