"""A writer that adds, updates and decides as an editor would, killed again and again: what was acknowledged holds."""

import json
import os
import random
import time

import pytest
from test_store import run

from dedup import StoryIndex

KILLS = int(os.environ.get("KILLS", "10"))

# Each line says what was acknowledged.
WRITE = """
import json, random, sys
from dedup import Article, StoryIndex, sample_articles

turn = int(sys.argv[2])
rng, index, sample = random.Random(turn), StoryIndex(sys.argv[1]), sample_articles("en")

def say(*facts):
    print(json.dumps(facts), flush=True)

def some(known):
    return index.story_id(rng.choice(known))

def decide(known):
    kind = rng.choice(["merge", "merge", "split", "move", "move", "pin", "forbid", "articles", "undo"])
    if kind == "merge":
        return index.merge(some(known), some(known))
    if kind == "split":
        story = index.story(some(known))
        return index.split(story.id, [rng.choice(story.articles).id])
    if kind == "move":
        return index.move(rng.choice(known), some(known))
    if kind == "pin":
        name = rng.choice(known)
        return index.pin(index.story_id(name), representative=name, title=f"Title {turn}")
    if kind == "forbid":
        return index.forbid(some(known), some(known))
    if kind == "articles":
        return index.forbid(rng.choice(known), rng.choice(known), articles=True)
    made = [c.cursor for c in index.changes(max(0, index.changes()[-1].cursor - 200)) if c.decision == c.cursor]
    return index.undo(rng.choice(made or [1]))

print("ready", flush=True)
known, count = sorted(a.id for story in index.stories() for a in story.articles), 0
while True:
    if len(known) < 20 or rng.random() < 0.5:
        a, count = rng.choice(sample), count + 1
        version = f"{turn:06}.{count:06}"
        index.add(Article(a.id, f"{a.text} Update {version}", title=a.title, published=a.published))
        known = sorted({*known, a.id})
        say("added", a.id, version)
    else:
        try:
            change = decide(known)
        except ValueError:
            continue
        say("decided", change.cursor, change.decision)
"""


def in_force(changes):
    """Decisions by the log, but for those that were undone."""
    undone = {change.decision for change in changes if change.kind == "editor_undid"}
    return [c for c in changes if c.decision == c.cursor and c.cursor not in undone]


def story_of(index, name):
    """The story that an id leads to; None when all of its articles have left it since."""
    try:
        return index.story(name).id
    except KeyError:
        return None


def assert_kept(index, decisions, changes):
    """Each decision is in force, and what it says is so."""

    def story(name):
        return story_of(index, name)

    for change in decisions:
        assert index._session.state.decisions.get(change.cursor) is not None
        if change.kind == "editor_merged":
            assert story(change.story_id) == story(change.into)
        elif change.kind == "editor_forbade" and change.article_id is None:
            assert story(change.story_id) is None or story(change.story_id) != story(change.into)
        elif change.kind == "editor_forbade":
            names = [c.article_id for c in changes if c.kind == change.kind and c.decision == change.cursor]
            one, other = (index.story_id(name) for name in names)
            assert one != other
        elif change.kind == "editor_pinned":
            edits = [edit.decision for edit in index.story(index.story_id(change.article_id)).edits]
            assert change.cursor in edits


def assert_in_place(index, decisions, changes):
    """Each article is where the last decision that moved it has put it."""
    last = {}
    for change in decisions:
        if change.kind in ("editor_split", "editor_moved", "editor_forbade"):
            moved = {c.article_id for c in changes if c.decision == change.cursor and c.kind == "left"}
            last |= dict.fromkeys(moved, change)
    for name, change in last.items():
        if change.kind != "editor_forbade":  # which says nothing on where an article goes
            assert index.story_id(name) == story_of(index, change.into) != story_of(index, change.story_id)


@pytest.mark.slow
def test_whatever_moment_it_is_killed_at_no_decision_is_lost_or_undone(lasting):
    moments, added, decided = random.Random(3), {}, set()
    for turn in range(KILLS):
        process = run(WRITE, lasting, turn)
        assert process.stdout.readline() == "ready\n"
        time.sleep(moments.random() * 1.5)
        process.kill()
        lines = process.communicate()[0].splitlines(keepends=True)
        for sign, *told in (json.loads(line) for line in lines if line.endswith("\n")):
            if sign == "added":
                added[told[0]] = told[1]
            else:
                decided.add(tuple(told))
        with StoryIndex(lasting) as index:
            texts = {a.id: a.text for story in index.stories() for a in story.articles}
            assert len(texts) == len(index)
            for name, version in added.items():
                assert texts[name].rpartition("Update ")[2] >= version
            changes = index.changes()
            assert decided <= {(change.cursor, change.decision) for change in changes}
            assert_kept(index, in_force(changes), changes)
            assert_in_place(index, in_force(changes), changes)
    assert len(decided) > KILLS
