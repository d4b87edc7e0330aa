"""Processes that write to an index in PostgreSQL until they are killed, and what must be there after that."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from test_index import remembered

import dedup
from dedup import StoryIndex
from dedup.stream.state import IndexState

ROOT = Path(dedup.__file__).parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "PYTHONIOENCODING": "utf-8"}

# Starts writers and kills them. One that writes adds, updates and removes articles of its own, for ever; before each it
# says what it begins, and after it what was acknowledged, each line in one piece. One that fills adds its articles and
# is done. One that holds keeps a transaction open that deletes all.
PROGRAM = """
import os, random, signal, sys, time
from datetime import UTC, datetime
from dedup import Article, StoryIndex, sample_articles

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def do(work, names, version):
    for name in names:
        say("begun", name, version)
    try:
        work()
    except OSError as error:
        say("failed", str(error).splitlines()[-1])
        time.sleep(0.01)
    else:
        for name in names:
            say("done", name, version)

def write(url, part, parts, turn):
    rng, index, count = random.Random(turn * parts + part), StoryIndex(url), 0
    say("ready")
    while True:
        some = sample_articles("en")[part::parts]
        rng.shuffle(some)
        while some:
            count += 1
            few = [some.pop() for _ in range(min(len(some), rng.choice([1, 1, 1, 4])))]
            if rng.random() < 0.1:
                do(lambda: index.remove(few[0].id), [few[0].id], "-")
            version = f"{turn}.{part}.{count}"
            few = [Article(a.id, f"{a.text} Update {version}", title=a.title, published=a.published) for a in few]
            do(lambda: index.add_many(few), [a.id for a in few], version)

def fill(url, part, parts, size):
    with StoryIndex(url) as index:
        say("ready")
        while not len(index):
            time.sleep(0.001)
        for article in sample_articles()[part::parts][:size]:
            index.add(article)
    say("filled")

def hold(url, *_):
    index = StoryIndex(url)
    index._session.store.delete_empty_episodes = lambda: (say("held"), time.sleep(600))
    index.expire(datetime(2999, 1, 1, tzinfo=UTC))

running = set()

def kill(process):
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    running.remove(process)

for line in sys.stdin:
    command, *words = line.split()
    if command == "kill":
        kill(int(words[0]))
        say("killed")
    else:
        process = os.fork()
        if not process:
            {"write": write, "fill": fill, "hold": hold}[command](words[0], *map(int, words[1:]))
            os._exit(0)
        running.add(process)
        say("started", process)
for process in list(running):
    kill(process)
"""


class Writers:
    """Processes that write; what they said is true whenever they end."""

    def __init__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=ENVIRONMENT, **pipes)
        self.told = []

    def start(self, url, part=0, parts=1, number=0, *, does="write"):
        """One more, with its part of the articles."""
        self._say(f"{does} {url} {part} {parts} {number}")
        return int(self.read_until("started")[1])

    def kill(self, *writers):
        for writer in writers:
            self._say(f"kill {writer}")
            self.read_until("killed")

    def read_until(self, sign):
        """The next line that begins so."""
        while True:
            self.told.append(self.process.stdout.readline().split())
            assert self.told[-1], "the writers ended"
            if self.told[-1][0] == sign:
                return self.told[-1]

    def lines(self, sign):
        return [line for line in self.told if line[0] == sign]

    def close(self):
        self.process.communicate()
        assert self.process.returncode == 0

    def _say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


def assert_whole(url, told):
    """What was acknowledged is there, or what was begun after that; nothing by halves."""
    with StoryIndex(url) as index:
        check_memory(index)
        store = index._session.store
        rows = store.rows(store.nodes_before(np.inf))
        texts = {a.id: a.text for story in index.stories() for a in story.articles}
        assert len(rows) == len(index) == len(texts)
        for name, versions in possible(told).items():
            assert texts.get(name, "-").rpartition("Update ")[2] in versions
        for row in rows.values():
            assert rows[row.canonical].episode == row.episode
            assert rows[row.canonical].canonical == row.canonical
        assert store.article_features(list(rows)).keys() == rows.keys()
        assert store._one("SELECT count(*) FROM dedup.contents") == (len(rows),)


def possible(told):
    """Of each article the versions that there may be: the last acknowledged one, and those begun after it."""
    versions = defaultdict(lambda: {"-"})
    for sign, *words in told:
        if sign == "begun":
            versions[words[0]].add(words[1])
        elif sign == "done":
            versions[words[0]] = {words[1]}
    return versions


def check_memory(index):
    """Memory that caught up is what it would be if all were read again."""
    with index._session.reading(refresh=True):
        assert remembered(index._session.state) == remembered(IndexState(index._session.store, index._session.settings))
