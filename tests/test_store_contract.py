"""What any store promises, whichever database it is; where it can be, against a slow twin of dicts."""

import copy
import json
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from itertools import chain, count, product
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from postgres_server import SERVER

from dedup.parameters import ORDERS
from dedup.store import opening
from dedup.store.protocol import Store
from dedup.store.records import ArticleFeatures, ChangeRow, DecisionRow, LearnedResidue, NodeColumns, Row
from dedup.store.sqlite import SqliteStore
from dedup.store.story_query import Place, StoryQuery

PARAMETERS, VERSIONS = {"story_threshold": "0.12"}, {"dedup": "1"}


class Backend(NamedTuple):
    """`open` takes a directory that is empty at first and `read_only`.

    Whether what is stored outlives `close`; how many may write at a time; how many histories to try.
    """

    open: Callable[..., Store]
    lasts: bool
    writers: int = 1
    histories: int = 40


def sqlite(path, **how):
    store = SqliteStore(path, PARAMETERS, VERSIONS, **how)
    store._db.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)  # some are built to take more
    return store


def postgres(place, **how):
    """A store in a database of the directory's own."""
    note = place / "url"
    if not note.exists():
        note.write_text(SERVER.new_database())
    return opening.open_store(note.read_text(), PARAMETERS, VERSIONS, **how)


BACKENDS = {
    "memory": Backend(lambda _, **how: sqlite(":memory:", **how), lasts=False),
    "file": Backend(lambda place, **how: sqlite(place / "index.db", **how), lasts=True),
    "postgres": Backend(postgres, lasts=True, writers=2, histories=3),
}
LASTING = [name for name, backend in BACKENDS.items() if backend.lasts]
on_those_that_last = pytest.mark.parametrize("make_store", LASTING, indirect=True)


# Ids that differ in as little as they can, and that a database might take for one.
IDS = (
    "a",
    "A",
    "a ",
    " a",
    "",
    "é",
    "e\u0301",
    "京",
    "😀",
    "a\x00b",
    "a\x00c",
    "a'; --",
    "?",
    "%",
    "1",
    "01",
    "ß" * 30,
)
SOURCES = ("", "a.org", "A.org", "a.org ", "é", "京", "\uffee", "😀", "a\x00b")
DAYS = [None, -1e6, -0.5, 0.0, 19_000.1, float(np.nextafter(19_000.1, np.inf)), 19_001.0]
KEPT = DAYS[1:]
PAGES = (None, 0, -1, 1, -(2**63), 2**63 - 1)
QUERIES = [
    *(StoryQuery(since_day=since, min_size=size) for since, size in product((None, *KEPT[1::2]), (1, 2, 4))),
    *(StoryQuery(order, min_outlets=count) for order, count in product(ORDERS, (1, 2))),
    *(StoryQuery("velocity", window=window) for window in ((18_999.5, 19_000.2), (-1.0, 1.0), (0.0, 19_001.0))),
    *(StoryQuery("size", source=source) for source in SOURCES),
    *(StoryQuery(order, limit=limit) for order, limit in product(ORDERS[1:3], (1, 3, 2**70))),
    *(StoryQuery(order, after=Place(2.0, day, 2), limit=2) for order, day in product(ORDERS[1:3], (19_000.1, 0.0))),
    StoryQuery("velocity", window=(0.0, 19_000.1), after=Place(8.64e11, 0.0, 1)),
    StoryQuery(min_size=2**70),
]


class MakeStore:
    """Opens stores: by one name the same one again, when it lasts."""

    def __init__(self, backend, path):
        self.backend, self.path, self.opened = backend, path, []

    def __call__(self, name="store", *, read_only=False):
        place = self.path / name
        place.mkdir(exist_ok=True)
        self.opened.append(self.backend.open(place, read_only=read_only))
        return self.opened[-1]


@pytest.fixture(params=BACKENDS)
def make_store(request, tmp_path):
    make = MakeStore(BACKENDS[request.param], tmp_path)
    yield make
    for store in reversed(make.opened):
        store.close()
    for note in tmp_path.glob("*/url"):
        SERVER.drop(note.read_text())


@pytest.fixture
def store(make_store):
    return make_store()


class Twin:
    """A store without a database, each method as its docstring says it; what is written is checked by nobody."""

    def __init__(self):
        self.live, self.known, self.merged, self.learned, self.parts, self.log = {}, {}, {}, {}, {}, []
        self.others, self.decided = {}, {}
        self.next_node = self.next_episode = 1

    def counters(self):
        latest = max((row.expiry_day for row in self.live.values()), default=-np.inf)
        return self.next_node, self.next_episode, latest

    def add_episodes(self, stories):
        for story in stories:
            self.merged[story] = None
            self.next_episode = max(self.next_episode, story + 1)

    def merge(self, story, into):
        self.merged[story] = into
        self._change(lambda row: row.episode == story, episode=into)

    def resolve(self, story):
        if story not in self.merged:
            return None
        into = self.merged[story]
        return story if into is None else self.resolve(into)

    def set_chapters(self, chapters):
        for episode, *numbers in chapters:
            self.parts[episode] = numbers
        self.parts = {episode: numbers for episode, numbers in self.parts.items() if numbers[0] != episode}

    def chapters(self):
        return [(episode, *numbers) for episode, numbers in sorted(self.parts.items())]

    def stories_of(self, episodes):
        return {episode: self.parts.get(episode, [episode])[0] for episode in episodes}

    def insert_changes(self, changes):
        self.log += changes

    def changes(self, since, limit=None):
        return [row for row in self.log if row.cursor > since][:limit]

    def last_cursor(self):
        return max((row.cursor for row in self.log), default=0)

    def limit_change_days(self, day):
        self.log = [row._replace(day=min(row.day, day)) for row in self.log]

    def delete_changes_before(self, day):
        while len(self.log) > 1 and self.log[0].day < day:
            del self.log[0]

    def set_decisions(self, decisions):
        self.decided |= {row.cursor: row for row in decisions}

    def delete_decisions(self, cursors):
        self.decided = {cursor: row for cursor, row in self.decided.items() if cursor not in cursors}

    def decisions(self):
        return [row for _, row in sorted(self.decided.items())]

    def insert(self, rows):
        for row, features in rows:
            self.live[row.node], self.known[row.node] = row, features
            self.next_node = max(self.next_node, row.node + 1)

    def set_neighbours(self, node, neighbours, similarities):
        self.known[node] = self.known[node]._replace(neighbours=neighbours, similarities=similarities)

    def set_norms(self, nodes, norms):
        for node, norm in zip(nodes.tolist(), norms.tolist(), strict=True):
            self.known[node] = self.known[node]._replace(norm=norm)

    def rewrite(self, rows):
        for row in rows:
            new = {"digest": row.digest, "day": row.day, "expiry_day": row.expiry_day, "fields": row.fields}
            self._change(lambda other, node=row.node: other.node == node, **new)

    def delete(self, nodes):
        for node in nodes:
            del self.live[node], self.known[node]

    def delete_empty_episodes(self):
        alive = set(self.stories_of(row.episode for row in self.live.values()).values())
        ends = {episode: self.stories_of([self.resolve(episode)]).popitem()[1] for episode in self.merged}
        self.merged = {episode: into for episode, into in self.merged.items() if ends[episode] in alive}
        self.parts = {episode: numbers for episode, numbers in self.parts.items() if numbers[0] in alive}

    def assign(self, canonical, story):
        self._change(lambda row: row.node in canonical or row.canonical in canonical, episode=story)

    def replace_canonical(self, canonical, former):
        self._change(lambda row: row.canonical == former, canonical=canonical)

    def _change(self, condition, **fields):
        for node, row in self.live.items():
            if condition(row):
                self.live[node] = row._replace(**fields)

    def _ordered(self):
        return [self.live[node] for node in sorted(self.live)]

    def by_id(self, article_id):
        return next((row for row in self.live.values() if row.id == article_id), None)

    def by_other_id(self, other_id):
        return self.by_id(self.others.get(other_id))

    def add_ids(self, ids):
        for other, article in ids:
            self.others = {one: article if to == other else to for one, to in self.others.items()} | {other: article}

    def other_ids(self):
        return sorted(self.others.items())

    def nodes_and_digests(self, ids):
        return {row.id: (row.node, row.digest) for row in self.live.values() if row.id in ids}

    def nodes_of_pages(self, pages):
        found = {page: [row.node for row in self._ordered() if row.page == page] for page in pages}
        return {page: nodes for page, nodes in sorted(found.items()) if nodes}

    def rows(self, nodes):
        return {node: self.live[node] for node in nodes if node in self.live}

    def article_features(self, nodes):
        return {node: self.known[node] for node in nodes if node in self.known}

    def features(self, nodes):
        return {node: self.known[node][4:6] for node in nodes if node in self.known}

    def neighbours(self, nodes):
        asked = [node for node in sorted(nodes) if node in self.known]
        found = [
            (node, *pair)
            for node in asked
            for pair in zip(self.known[node].neighbours, self.known[node].similarities, strict=True)
        ]
        columns = zip(*found, strict=True) if found else [()] * 3
        return tuple(map(np.array, columns, (np.int64, np.int64, np.float32)))

    def of_story(self, story):
        return [row for row in self._ordered() if self.stories_of([row.episode]) == {row.episode: story}]

    def copies(self, canonical):
        return [
            (row.node, row.canonical)
            for row in self._ordered()
            if row.canonical != row.node and row.canonical in canonical
        ]

    def nodes_before(self, day):
        return [row.node for row in self._ordered() if row.expiry_day < day]

    def nodes_after(self, day):
        return [row.node for row in self._ordered() if row.expiry_day > day]

    def node_columns(self, n_features):
        rows = self._ordered()
        known = [self.known[row.node] for row in rows]
        if rows:
            yield NodeColumns(
                np.array([row.node for row in rows], dtype=np.int64),
                np.array([np.nan if row.day is None else row.day for row in rows], dtype=np.float64),
                np.array([row.episode for row in rows], dtype=np.int64),
                np.array([row.canonical for row in rows], dtype=np.int64),
                np.array([own.norm for own in known], dtype=np.float32),
                np.array([len(own.features) for own in known], dtype=np.int64),
                [own.bands for own in known],
                [own.features[:n_features] for own in known],
                [own.vector for own in known],
                np.array([own.language for own in known], dtype=np.int64),
            )

    def canonical_since(self, node):
        for row in self._ordered():
            if row.node >= node and row.canonical == row.node:
                yield row.node, self.known[row.node].features, self.known[row.node].counts

    def sources_since(self, node):
        return sorted({row.source for row in self.live.values() if row.node >= node})

    def count_of_source(self, source, since_node):
        return len([row for row in self.live.values() if row.source == source and row.node >= since_node])

    def latest_of_source(self, source, count):
        return [row for row in self._ordered() if row.source == source][-count:]

    def learned_residue(self, source):
        return self.learned.get(source, LearnedResidue(0, 0, np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.bool_)))

    def set_learned_residue(self, source, learned_residue):
        self.learned[source] = learned_residue

    def delete_unused(self):
        ids = {row.id for row in self.live.values()}
        self.others = {other: article for other, article in self.others.items() if article in ids}
        alive = self.sources_since(0)
        self.learned = {source: learned_residue for source, learned_residue in self.learned.items() if source in alive}

    def find_stories(self, query):
        found = []
        for story in set(self.stories_of(row.episode for row in self.live.values()).values()):
            rows = self.of_story(story)
            outlets = {row.source for row in rows}
            latest = max(row.expiry_day for row in rows)
            values = {
                "latest": latest,
                "size": len(rows),
                "outlets": len(outlets),
                "velocity": sum(milliseconds_left(rows, source, *query.window) for source in outlets),
            }
            wanted = (
                len(rows) >= query.min_size
                and len(outlets) >= query.min_outlets
                and (query.since_day is None or latest >= query.since_day)
                and query.source in (None, *outlets)
                and (query.language is None or query.language in languages_of(rows))
            )
            if wanted:
                found.append(Place(float(values[query.order_by]), latest, story))
        found.sort(key=turned)
        return [place for place in found if query.after is None or turned(place) > turned(query.after)][: query.limit]

    def count(self):
        return len(self.live)


def turned(place):
    return -place.value, -place.latest, place.story


def milliseconds_left(rows, source, start, end):
    """Until an outlet counts no more; 0 when it does not."""
    days = [row.expiry_day for row in rows if row.source == source and start <= row.expiry_day <= end]
    return math.trunc((max(days) - start) * 86_400_000) if days else 0


def languages_of(rows):
    return [json.loads(row.fields).get("language") for row in rows]


def numbers(store, since_day, min_size):
    return [place.story for place in store.find_stories(StoryQuery(since_day=since_day, min_size=min_size))]


def plain(answer: Any) -> Any:
    """An answer to compare with ==, to the type and the last bit."""
    match answer:
        case np.ndarray():
            return answer.dtype.str, repr(answer.tolist())
        case dict():
            return {key: plain(value) for key, value in answer.items()}
        case list() | tuple() | Iterator() if not isinstance(answer, Row):
            return [plain(value) for value in answer]
    return repr(answer)


def together(blocks):
    """All columns as one: how many come in a block is up to the store."""
    columns = zip(*blocks, strict=True)
    return [np.concatenate(c) if isinstance(c[0], np.ndarray) else list(chain(*c)) for c in columns]


def answers(source, twin):
    """All that can be asked, about what there is, was, and never was, by what the twin knows of."""
    nodes, stories = range(twin.next_node + 2), range(twin.next_episode + 2)
    canonical = tuple(node for node, row in twin.live.items() if row.canonical == node)
    asked = {
        "counters": [()],
        "count": [()],
        "resolve": [(story,) for story in stories],
        "of_story": [(story,) for story in stories],
        "chapters": [()],
        "stories_of": [((),), (stories,), (stories[::-2],)],
        "changes": [(0,), (2,), (3, 1), (0, 4)],
        "last_cursor": [()],
        "decisions": [()],
        "by_id": [(name,) for name in IDS],
        "other_ids": [()],
        "by_other_id": [(name,) for name in IDS],
        "nodes_and_digests": [(IDS,), (IDS[::-3],)],
        "nodes_of_pages": [(PAGES[1:],), (PAGES[:0:-2],), ((),)],
        "rows": [(nodes,), (nodes[::-2],)],
        "article_features": [(nodes,), (nodes[::-2],)],
        "features": [(nodes,), (nodes[::-2],)],
        "neighbours": [(nodes,), (nodes[::-2],)],
        "copies": [(nodes,), (nodes[::-2],), (canonical,), (canonical[::-2],)],
        "nodes_before": [(day,) for day in (*KEPT, -np.inf, np.inf)],
        "nodes_after": [(day,) for day in (*KEPT, -np.inf, np.inf)],
        "canonical_since": [(node,) for node in nodes[::2]],
        "sources_since": [(node,) for node in nodes[::2]],
        "count_of_source": list(product(SOURCES, (0, twin.next_node // 2))),
        "latest_of_source": list(product(SOURCES, (1, 3))),
        "learned_residue": [(source,) for source in SOURCES],
        "find_stories": [(query,) for query in QUERIES],
    }
    told = {(name, args): plain(getattr(source, name)(*args)) for name, many in asked.items() for args in many}
    return told | {("node_columns", n): plain(together(source.node_columns(n))) for n in (0, 2, 10**6)}


def assert_same(store, twin):
    assert answers(store, twin) == answers(twin, twin)


def array_of(rng, size, dtype):
    """Numbers of that type from end to end, the ends too."""
    ends = np.iinfo(dtype)
    values = rng.integers(ends.min, ends.max, size, dtype=dtype, endpoint=True)
    return np.where(rng.random(size) < 0.2, rng.choice(np.array([ends.min, ends.max], dtype=dtype), size), values)


def features_of(seed):
    rng = np.random.default_rng(seed)
    neighbours, bands, features, dimensions = rng.choice([0, 0, 1, 3, 40], 4).tolist()
    return ArticleFeatures(
        float(np.float32(rng.exponential())),
        array_of(rng, neighbours, np.int32),
        rng.random(neighbours, dtype=np.float32),
        array_of(rng, bands, np.uint64),
        array_of(rng, features, np.uint32),
        array_of(rng, features, np.uint8),
        array_of(rng, dimensions, np.int8),
        int(rng.integers(1024)),
    )


def residue_of(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.choice([0, 1, 30]))
    return LearnedResidue(*rng.integers(0, 2**40, 2).tolist(), array_of(rng, size, np.uint64), rng.random(size) < 0.5)


def article(
    node,
    name=None,
    *,
    day=0.0,
    expiry_day=None,
    story=1,
    canonical=None,
    source="",
    fields="{}",
    page=None,
    features=None,
):
    """An article of which only what matters is said."""
    expiry_day = expiry_day if expiry_day is not None else day or 0.0
    name = f"id {node}" if name is None else name
    canonical = node if canonical is None else canonical
    row = Row(node, name, b"%d\x00\xff" % node, day, expiry_day, story, canonical, source, fields, page)
    return row, features_of(node) if features is None else features


class Both:
    """A store and its twin, which are told the same."""

    def __init__(self, store):
        self.store, self.twin = store, Twin()

    def __getattr__(self, name):
        def tell(*args):
            getattr(self.store, name)(*args)
            getattr(self.twin, name)(*args)

        return tell

    def fill(self, *articles):
        with self.store.transaction():
            self.add_episodes(sorted({row.episode for row, _ in articles} - self.twin.merged.keys()))
            self.insert(articles)


@pytest.fixture
def both(store):
    return Both(store)


# Whatever is written, in whatever order


class Moment:
    """What was committed."""

    def __init__(self, twin):
        self.twin = copy.deepcopy(twin)
        self.told = answers(twin, twin)


class Changes(RuleBasedStateMachine):
    """Transactions of what a StoryIndex may write, and a reader beside them where what is written lasts.

    A StoryIndex merges and fills stories that are no aliases; when a transaction ends, the canonical article of a copy
    is live and in the same story.
    """

    def __init__(self, make_store, name):
        super().__init__()
        self.open = lambda **how: make_store(name, **how)
        self.lasts = make_store.backend.lasts
        self.both = Both(self.open())
        self.committed = self.seen = Moment(self.twin)
        self.reader = self.open(read_only=True) if self.lasts else None
        self.transaction = self.look = self.last_look = None

    @property
    def twin(self):
        return self.both.twin

    @property
    def live(self):
        return sorted(self.twin.live)

    @property
    def ends(self):
        return [story for story, into in self.twin.merged.items() if into is None]

    def write(self):
        if self.transaction is None:
            self.transaction = self.both.store.transaction()
            self.transaction.__enter__()
        return self.both

    @initialize(data=st.data())
    def insert_first(self, data):
        self.insert_some(data)

    @precondition(lambda self: len(self.live) < len(IDS))
    @rule(data=st.data())
    def insert(self, data):
        self.insert_some(data)

    def insert_some(self, data):
        both, rows = self.write(), []
        names = st.sampled_from([name for name in IDS if self.twin.by_id(name) is None])
        for name in data.draw(st.lists(names, unique=True, min_size=1, max_size=4)):
            node = max([self.twin.next_node, *(row.node + 1 for row, _ in rows)])
            there = [*self.twin.live.values(), *(row for row, _ in rows)]
            canonical = [row for row in there if row.canonical == row.node]
            canonical = data.draw(st.sampled_from([None, *canonical]))
            story = canonical.episode if canonical else data.draw(st.sampled_from([*self.ends, self.twin.next_episode]))
            if story == self.twin.next_episode:
                both.add_episodes([story])
            day, expiry_day = data.draw(st.sampled_from(DAYS)), data.draw(st.sampled_from(KEPT))
            expiry_day = expiry_day if day is None else day
            own = {"story": story, "canonical": canonical and canonical.node, "day": day, "expiry_day": expiry_day}
            own |= {"source": data.draw(st.sampled_from(SOURCES)), "page": data.draw(st.sampled_from(PAGES))}
            rows.append(article(node, name, **own, fields=f'{{"id": "{name}"}}'))
        both.insert(rows)

    @rule(data=st.data())
    def begin_stories(self, data):
        first = self.twin.next_episode
        self.write().add_episodes(range(first, first + data.draw(st.integers(0, 2))))

    @precondition(lambda self: self.live and self.ends)
    @rule(data=st.data())
    def assign(self, data):
        canonical = [node for node in self.live if self.twin.live[node].canonical == node]
        some = data.draw(st.lists(st.sampled_from(canonical), unique=True)) if canonical else []
        self.write().assign(some, data.draw(st.sampled_from(self.ends)))

    @precondition(lambda self: len(self.ends) > 1)
    @rule(data=st.data())
    def merge(self, data):
        self.write().merge(*data.draw(st.lists(st.sampled_from(self.ends), unique=True, min_size=2, max_size=2)))

    @precondition(lambda self: self.twin.merged)
    @rule(data=st.data())
    def set_chapters(self, data):
        episodes = st.sampled_from(sorted(self.twin.merged))
        self.write().set_chapters(data.draw(st.lists(st.tuples(*[episodes] * 3), unique_by=lambda row: row[0])))

    @rule(day=st.sampled_from(KEPT), names=st.lists(st.sampled_from([None, *IDS]), min_size=1, max_size=3))
    def insert_changes(self, day, names):
        first, day = self.twin.last_cursor() + 1, max([day, *(row.day for row in self.twin.log)])
        facts = (day, "joined", 7, 8, None)
        rows = [ChangeRow(first + i, *facts[:4], name, *[i if name else None] * 2) for i, name in enumerate(names)]
        self.write().insert_changes(rows)

    @rule(day=st.sampled_from(KEPT))
    def delete_changes_before(self, day):
        self.write().delete_changes_before(day)

    @rule(
        cursors=st.lists(st.integers(1, 2**53), unique=True, max_size=3), facts=st.sampled_from(["{}", '["\\u0000"]'])
    )
    def set_decisions(self, cursors, facts):
        self.write().set_decisions([DecisionRow(cursor, "editor_moved", facts) for cursor in cursors])

    @precondition(lambda self: self.twin.decided)
    @rule(data=st.data())
    def delete_decisions(self, data):
        self.write().delete_decisions(data.draw(st.lists(st.sampled_from(sorted(self.twin.decided)), unique=True)))

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def delete(self, data):
        self.write().delete(data.draw(st.lists(st.sampled_from(self.live), unique=True, max_size=3)))

    @precondition(lambda self: self.twin.merged)
    @rule()
    def delete_empty_episodes(self):
        self.write().delete_empty_episodes()

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def set_neighbours(self, data):
        new = features_of(data.draw(st.integers(0, 2**32)))
        self.write().set_neighbours(data.draw(st.sampled_from(self.live)), new.neighbours, new.similarities)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def set_norms(self, data):
        nodes = np.array(data.draw(st.lists(st.sampled_from(self.live), unique=True)), dtype=np.int64)
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        self.write().set_norms(nodes, rng.exponential(size=len(nodes)).astype(np.float32))

    @rule(source=st.sampled_from(SOURCES), seed=st.integers(0, 2**32))
    def set_learned_residue(self, source, seed):
        self.write().set_learned_residue(source, residue_of(seed))

    @rule()
    def delete_unused(self):
        self.write().delete_unused()

    @rule(ids=st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), min_size=1, max_size=3))
    def add_ids(self, ids):
        self.write().add_ids(ids)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), day=st.sampled_from(DAYS), expiry_day=st.sampled_from(KEPT))
    def rewrite(self, data, day, expiry_day):
        nodes = data.draw(st.lists(st.sampled_from(self.live), unique=True, max_size=3))
        new = {"digest": b"\x00new", "day": day, "expiry_day": expiry_day, "fields": '{"new": "\u0000é"}'}
        self.write().rewrite([self.twin.live[node]._replace(**new) for node in nodes])

    @rule(day=st.sampled_from(KEPT))
    def limit_change_days(self, day):
        self.write().limit_change_days(day)

    @precondition(lambda self: self.transaction)
    @rule()
    def commit(self):
        gone = {row.canonical for row in self.twin.live.values()} - self.twin.live.keys()
        first_copies = {former: node for node, former in reversed(self.both.store.copies(sorted(gone)))}
        for former, first_copy in first_copies.items():
            self.both.replace_canonical(first_copy, former)
        assert_same(self.both.store, self.twin)
        self.transaction.__exit__(None, None, None)
        self.transaction, self.committed = None, Moment(self.twin)

    @precondition(lambda self: self.transaction)
    @rule()
    def fail(self):
        error = EOFError()  # which no store takes for a sign of damage
        assert not self.transaction.__exit__(EOFError, error, None)
        self.transaction, self.both.twin = None, copy.deepcopy(self.committed.twin)

    @precondition(lambda self: self.lasts and not self.transaction)
    @rule()
    def open_again(self):
        self.both.store.close()
        self.both.store = self.open()

    @precondition(lambda self: self.lasts and not self.look)
    @rule()
    def begin_to_look(self):
        self.look, self.seen = self.reader.snapshot(), self.committed
        number = self.look.__enter__()
        if self.last_look is not None:
            before, seen = self.last_look
            assert number == before if seen is self.seen else number != before or seen.told == self.seen.told
        self.last_look = number, self.seen

    @precondition(lambda self: self.look)
    @rule()
    def look_away(self):
        self.look.__exit__(None, None, None)
        self.look = None

    @invariant()
    def what_is_written_is_read(self):
        assert_same(self.both.store, self.twin)

    @precondition(lambda self: self.lasts)
    @invariant()
    def another_reads_what_was_committed(self):
        moment = self.seen if self.look else self.committed
        assert answers(self.reader, moment.twin) == moment.told

    def teardown(self):
        if self.look:
            self.look_away()
        if self.transaction:
            self.fail()
        for store in (self.reader, self.both.store):
            if store is not None:
                store.close()


@pytest.mark.slow
def test_whatever_is_written_is_read_as_by_its_twin(make_store):
    numbers, histories = count(), make_store.backend.histories
    machine = settings(deadline=None, max_examples=histories, stateful_step_count=25)
    run_state_machine_as_test(lambda: Changes(make_store, str(next(numbers))), settings=machine)


# What is stored comes back


def test_episodes_are_stories_of_their_own_until_they_are_part_of_another(both):
    both.fill(*(article(episode, story=episode, day=float(episode)) for episode in range(1, 8)))
    with both.store.transaction():
        both.set_chapters([(5, 2, 5), (3, 2, 2), (7, 6, 6)])
    assert_same(both.store, both.twin)
    assert both.store.chapters() == [(3, 2, 2), (5, 2, 5), (7, 6, 6)]
    assert both.store.stories_of([7, 1, 5, 99]) == {7: 6, 1: 1, 5: 2, 99: 99}
    assert [row.episode for row in both.store.of_story(2)] == [2, 3, 5]
    assert both.store.of_story(5) == []
    assert numbers(both.store, None, 2) == [6, 2]
    with both.store.transaction():
        both.set_chapters([(5, 5, 5), (3, 1, 1), (4, 5, 4)])
    assert_same(both.store, both.twin)
    assert numbers(both.store, None, 2) == [6, 5, 1]


def test_an_episode_without_articles_stays_as_long_as_its_story_has_some(both):
    both.fill(*(article(episode, story=episode) for episode in range(1, 6)))
    with both.store.transaction():
        both.add_episodes([6])
        both.merge(5, 4)
        both.set_chapters([(2, 1, 1), (4, 3, 3)])
        both.delete([1, 4, 5])
        both.delete_empty_episodes()
    assert_same(both.store, both.twin)
    assert [both.store.resolve(n) for n in range(1, 7)] == [1, 2, 3, 4, 4, None]
    with both.store.transaction():
        both.delete([3])
        both.delete_empty_episodes()
    assert_same(both.store, both.twin)
    assert [both.store.resolve(n) for n in range(1, 6)] == [1, 2, None, None, None]
    assert both.store.chapters() == [(2, 1, 1)]


def test_the_log_is_kept_in_order_and_forgets_its_beginning_only(both):
    rows = [ChangeRow(n, n / 2, "joined", 2**40 + n, None if n % 2 else n, IDS[n], None) for n in range(1, 9)]
    with both.store.transaction():
        both.insert_changes(rows[:3])
        both.insert_changes(rows[3:])
    assert both.store.changes(0) == rows
    assert both.store.changes(5, 2) == rows[5:7]
    assert both.store.changes(8) == []
    for day, first in ((0.5, 1), (2.2, 5), (99.0, 8)):
        with both.store.transaction():
            both.delete_changes_before(day)
        assert_same(both.store, both.twin)
        assert [row.cursor for row in both.store.changes(0)] == list(range(first, 9))
    assert both.store.last_cursor() == 8


def test_decisions_are_kept_replaced_and_deleted(both):
    rows = [DecisionRow(n, "editor_moved", f'{{"title":"\\u0000 {n}"}}') for n in (7, 3, 2**40)]
    with both.store.transaction():
        both.set_decisions(rows)
        both.set_decisions([])
        both.delete_decisions([])
    assert both.store.decisions() == sorted(rows)
    with both.store.transaction():
        both.set_decisions([DecisionRow(7, "editor_pinned", "{}")])
        both.delete_decisions([3, 99])
    assert_same(both.store, both.twin)
    assert both.store.decisions() == [DecisionRow(7, "editor_pinned", "{}"), DecisionRow(2**40, *rows[2][1:])]


def test_a_change_says_which_decision_it_follows_from(both):
    with both.store.transaction():
        both.insert_changes(
            [ChangeRow(1, 0.5, "editor_moved", 1, None, "a", 2, 1), ChangeRow(2, 0.5, "left", 1, 1, "a", None)]
        )
    assert [row.decision for row in both.store.changes(0)] == [1, None]
    assert_same(both.store, both.twin)


@pytest.mark.parametrize("make_store", [name for name in LASTING if BACKENDS[name].writers > 1], indirect=True)
def test_another_writer_is_told_whether_there_are_other_decisions(make_store):
    first, second = make_store(), make_store()
    with first.transaction():
        first.set_decisions([DecisionRow(1, "editor_moved", "{}")])
    with second.snapshot() as number:
        pass
    for work, expected in (
        (lambda: first.add_episodes([1]), False),
        (lambda: first.set_decisions([DecisionRow(1, "editor_moved", '{"rules":[]}')]), True),
        (lambda: first.add_episodes([2]), False),
        (lambda: first.delete_decisions([1]), True),
    ):
        with first.transaction():
            work()
        with second.snapshot() as now:
            assert second.written_by_others(number, 5).are_decisions is expected
        number = now


@pytest.mark.parametrize("make_store", [name for name in LASTING if BACKENDS[name].writers > 1], indirect=True)
def test_another_writer_is_told_of_chapters(make_store):
    first, second = make_store(), make_store()
    with first.transaction():
        first.add_episodes([1, 2, 3])
        first.set_chapters([(2, 1, 1), (3, 1, 3)])
    with second.snapshot() as number:
        assert second.chapters() == [(2, 1, 1), (3, 1, 3)]
    with first.transaction():
        first.set_chapters([(3, 3, 3)])
    with second.snapshot():
        assert second.written_by_others(number, 5).chapters == [(3, 3, 3)]
        assert second.chapters() == [(2, 1, 1)]


def test_a_new_store_is_empty(store):
    assert_same(store, Twin())
    assert store.counters() == (1, 1, -np.inf)


def test_of_nothing_nothing_is_returned_or_changed(both):
    both.fill(article(1), article(2, canonical=1))
    with both.store.transaction():
        for change in (both.add_episodes, both.insert, both.delete):
            change([])
        both.assign([], 1)
        both.set_norms(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
    assert_same(both.store, both.twin)
    for ask in (both.store.rows, both.store.article_features, both.store.features, both.store.nodes_and_digests):
        assert ask([]) == {}
    assert both.store.copies([]) == []
    owners, others, similarities = both.store.neighbours([])
    assert [len(owners), len(others), len(similarities)] == [0, 0, 0]
    assert [owners.dtype, others.dtype, similarities.dtype] == [np.int64, np.int64, np.float32]


DTYPES = [np.int32, np.float32, np.uint64, np.uint32, np.uint8, np.int8]
EMPTY = ArticleFeatures(0.0, *(np.zeros(0, dtype) for dtype in DTYPES))
LONG = ArticleFeatures(
    float(np.float32(0.1)),
    np.arange(30_000, dtype=np.int32)[::-1].copy(),
    np.linspace(0, 1, 30_000, dtype=np.float32),
    np.arange(2**64 - 300, 2**64 - 1, dtype=np.uint64),
    np.arange(2**32 - 30_000, 2**32, dtype=np.uint32),
    np.arange(30_000).astype(np.uint8),
    np.arange(30_000).astype(np.int8),
    1023,
)
EXTREME = ArticleFeatures(
    float(np.finfo(np.float32).max),
    np.array([0, 1, 2**31 - 1], dtype=np.int32),
    np.array([0.0, np.nextafter(np.float32(1), np.float32(0)), np.finfo(np.float32).tiny], dtype=np.float32),
    np.array([0, 2**63, 2**64 - 1], dtype=np.uint64),
    np.array([2**32 - 1, 0, 2**31, 2**31 - 1, 10, 0x0A0D00], dtype=np.uint32),
    np.array([0, 127, 128, 255, 10, 13], dtype=np.uint8),
    np.array([0, 127, -128, -1, 10, 13], dtype=np.int8),
)
SLICED = ArticleFeatures(
    1.5, *(np.repeat(values, 2)[::2] for values in EXTREME[1:-1])
)  # as they come out of other arrays


@pytest.mark.parametrize("features", [EMPTY, LONG, EXTREME, SLICED], ids=["empty", "long", "extreme", "sliced"])
def test_arrays_come_back_to_the_bit(both, features):
    both.fill(article(1), article(2, features=features), article(3))
    with both.store.transaction():
        both.set_neighbours(1, features.neighbours, features.similarities)
        both.set_norms(np.array([3]), np.array([features.norm], dtype=np.float32))
    nodes, told = [1, 2, 3], both.store.article_features([1, 2, 3])
    for node in nodes:
        assert [values.dtype for values in told[node][1:-1]] == DTYPES
        for ours, theirs in zip(told[node], both.twin.known[node], strict=True):
            np.testing.assert_array_equal(ours, theirs, strict=True)
    assert plain(both.store.neighbours(nodes)) == plain(both.twin.neighbours(nodes))
    assert plain(both.store.canonical_since(2)) == plain(both.twin.canonical_since(2))
    for n_features in (0, 1, 4, 10**6):
        ours, theirs = (together(source.node_columns(n_features)) for source in (both.store, both.twin))
        assert plain(ours) == plain(theirs)


def test_ids_that_look_alike_are_told_apart(both):
    both.fill(*(article(node, name) for node, name in enumerate(IDS[::2], 1)))
    assert_same(both.store, both.twin)
    assert [both.store.by_id(name) is not None for name in IDS] == [place % 2 == 0 for place in range(len(IDS))]


@pytest.mark.parametrize("fields", ["", "\"\\u0000 ' ; -- % ? \\", "\n\r\t\u2028\ufeff\U0010ffff", "é京😀" * 1_000_000])
def test_whatever_text_an_article_has_comes_back(both, fields):
    both.fill(article(1, fields=fields))
    assert both.store.by_id("id 1").fields == fields
    assert both.store.of_story(1) == [both.twin.live[1]]


def test_large_numbers_come_back(both):
    node, story = 2**31 - 2, 2**53 + 1
    both.fill(article(node, day=-1e15, story=story), article(node + 1, day=1e15 + 0.125, story=story, canonical=node))
    assert both.store.counters()[:2] == (node + 2, story + 1)
    assert both.store.rows([node, node + 1]) == both.twin.live
    assert both.store.copies([node]) == [(node + 1, node)]
    assert both.store.of_story(story) == both.twin.of_story(story)
    assert both.store.resolve(story) == story
    assert numbers(both.store, 1e15 + 0.125, 2) == [story]
    assert numbers(both.store, None, 2**62) == []


@pytest.mark.parametrize("day", [1 / 3, 19_000.000011574074, 5e-324, -719_162.0, 2_932_896.999988426])
def test_days_come_back_to_the_last_bit(both, day):
    later = float(np.nextafter(day, np.inf))
    both.fill(article(1, day=day), article(2, day=None, expiry_day=later, story=2))
    assert [row.day for row in both.store.rows([1, 2]).values()] == [day, None]
    assert (both.store.nodes_before(day), both.store.nodes_before(later)) == ([], [1])
    assert (both.store.nodes_after(day), both.store.nodes_after(later)) == ([2], [])
    assert (numbers(both.store, day, 1), numbers(both.store, later, 1)) == ([2, 1], [2])
    assert both.store.counters()[2] == later
    assert_same(both.store, both.twin)


def test_thousands_at_once(both):
    """More than a database takes in one question."""
    size, most = 4_000, 36_000
    nodes, copies = range(9, most + 1, 9), range(27_009, most + 1, 9)
    of = {node: {"canonical": node - 9_000} for node in copies}
    features = [ArticleFeatures(1.0, *(array[:n] for array in EXTREME[1:-1])) for n in (3, 0)]
    both.fill(
        *(article(n, day=float(n % 7), story=n % 1000 + 1, features=features[n % 2], **of.get(n, {})) for n in nodes)
    )
    store, twin, asked = both.store, both.twin, range(most + 5, 0, -1)
    assert store.count() == size
    assert store.rows(asked) == twin.live
    known = {f"id {node}": (node, b"%d\x00\xff" % node) for node in nodes}
    assert store.nodes_and_digests([f"id {node}" for node in asked]) == known
    assert plain(store.article_features(asked)) == plain(twin.known)
    assert plain(store.neighbours(asked)) == plain(twin.neighbours(asked))
    assert store.copies(asked) == [(node, node - 9_000) for node in copies]
    assert store.nodes_before(3.0) == [node for node in nodes if node % 7 < 3]
    assert plain(together(store.node_columns(2))) == plain(together(twin.node_columns(2)))
    assert [node for node, *_ in store.canonical_since(20_000)] == [node for node in nodes[:3_000] if node >= 20_000]
    with store.transaction():
        store.assign(nodes[:3_000], 7)
        store.set_norms(np.array(nodes), np.full(size, 0.5, dtype=np.float32))
    assert [row.node for row in store.of_story(7)] == list(nodes)
    assert {own.norm for own in store.article_features(asked).values()} == {0.5}
    with store.transaction():
        store.assign([9], 5)
        store.delete([node for node in nodes if node != 9])
        store.delete_empty_episodes()
    assert [row.node for row in store.of_story(5)] == [9]
    assert [story for story in range(1002) if store.resolve(story)] == [5]
    assert store.counters()[:2] == (most + 1, 1001)


# Orders


def test_what_is_in_order_of_nodes_is_so_however_it_came_in(both):
    order = [5, 2, 9, 7, 1, 30, 12]
    both.fill(*(article(node, "zyxwvutsrq"[node % 10] + str(node), day=-float(node)) for node in order))
    both.fill(article(40, canonical=9), article(35, canonical=9), article(33, canonical=2), article(34, canonical=2))
    store, ascending = both.store, [*sorted(order), 33, 34, 35, 40]
    assert [row.node for row in store.of_story(1)] == ascending
    assert store.nodes_before(np.inf) == ascending
    assert store.copies([30, 9, 2]) == [(33, 2), (34, 2), (35, 9), (40, 9)]
    assert store.copies([9, 5]) == [(35, 9), (40, 9)]
    assert [node for node, *_ in store.canonical_since(5)] == [5, 7, 9, 12, 30]
    assert np.concatenate([columns.nodes for columns in store.node_columns(1)]).tolist() == ascending
    with store.transaction():
        both.assign([9, 30], both.twin.next_episode - 1)
        both.set_norms(np.array([7, 1]), np.ones(2, dtype=np.float32))
    assert_same(store, both.twin)


NEIGHBOURS = [(8, [2, 3]), (5, [3, 1, 4]), (6, []), (7, [5])]


def test_what_a_node_is_similar_to_comes_by_node_in_the_order_it_was_stored(both):
    features = {node: features_of(node)._replace(neighbours=np.array(own, dtype=np.int32)) for node, own in NEIGHBOURS}
    features = {
        node: own._replace(similarities=own.neighbours.astype(np.float32) / 8) for node, own in features.items()
    }
    both.fill(*(article(node, features=own) for node, own in features.items()))
    owners, others, similarities = both.store.neighbours([8, 5, 6, 77])
    assert (owners.tolist(), others.tolist()) == ([5, 5, 5, 8, 8], [3, 1, 4, 2, 3])
    np.testing.assert_array_equal(similarities, others.astype(np.float32) / 8, strict=True)


def test_the_latest_stories_come_first_and_of_equals_the_older(both):
    days = {3: [9.0, 1.0], 1: [2.0, 2.0, 2.0], 4: [9.0], 2: [None, 9.0], 5: [-1.0, -2.0], 6: [None]}
    nodes = count(1)
    both.fill(
        *(article(next(nodes), day=day, expiry_day=day or 4.0, story=s) for s, own in days.items() for day in own)
    )

    def ids(*given):
        return numbers(both.store, *given)

    assert ids(None, 1) == [2, 3, 4, 6, 1, 5]
    assert (ids(None, 2), ids(None, 3), ids(None, 4)) == ([2, 3, 1, 5], [1], [])
    assert (ids(9.0, 1), ids(9.0, 2), ids(2.0, 2)) == ([2, 3, 4], [2, 3], [2, 3, 1])
    assert ids(4.0, 1) == [2, 3, 4, 6]
    assert (ids(9.5, 1), ids(-1.0, 1)) == ([], [2, 3, 4, 6, 1, 5])


def test_stories_with_an_article_in_a_language(both):
    """As it is in the field: not in a text that looks like one, and nothing like it."""
    languages = ["fr", "fr-CA", "FR", "", None, "f*", "f?", "[f]r", "%", "é", "\x00", "\ud800", "]", "^", "京"]
    languages += ["fr\\", 'f"r', "x" * 1000, "*" * 1000]
    texts = ['"language":"fr"', '\\"language":"fr"', "language"]
    said = [{"language": language} for language in languages] + [{"text": t, "title": t} for t in texts] + [{}]
    both.fill(*(article(i, story=i, fields=encoded(one)) for i, one in enumerate(said, 1)))
    for language in languages:
        if language is not None:
            assert_found(both, StoryQuery(language=language), [languages.index(language) + 1])
    assert_found(both, StoryQuery(language="de"), [])
    with both.store.transaction():
        both.set_chapters([(2, 1, 1)])
    assert_found(both, StoryQuery(language="fr"), [1])
    assert_found(both, StoryQuery(language="fr-CA"), [1])


def encoded(fields):
    return json.dumps({"text": "", "title": ""} | fields | {"residue": []}, separators=(",", ":"))


def assert_found(both, query, stories):
    assert [place.story for place in both.store.find_stories(query)] == stories
    assert both.twin.find_stories(query) == both.store.find_stories(query)


def test_an_outlet_counts_by_its_latest_article_in_the_window(both):
    rows = [(1, "a", 9.0), (1, "a", 9.5), (1, "b", 10.0), (2, "a", 8.9), (2, "", 9.75), (2, "", 10.5), (3, "c", 10.5)]
    both.fill(*(article(i, story=s, source=source, day=day) for i, (s, source, day) in enumerate(rows, 1)))
    found = both.store.find_stories(StoryQuery("velocity", window=(9.0, 10.0)))
    assert [(place.story, place.value / 86_400_000) for place in found] == [(1, 1.5), (2, 0.75), (3, 0.0)]
    assert_found(both, StoryQuery("outlets"), [2, 1, 3])  # of equals that with the latest article
    assert_found(both, StoryQuery("outlets", min_outlets=2), [2, 1])


@pytest.mark.parametrize("order", ORDERS)
def test_pages_together_are_all_stories_in_order(both, order):
    rng = np.random.default_rng(3)
    both.fill(
        *(
            article(node, story=int(rng.integers(1, 25)), source=str(rng.integers(4)), day=float(rng.choice(KEPT[3:])))
            for node in range(1, 80)
        )
    )
    window, whole, after = (18_990.0, 19_000.5), [], None
    while page := both.store.find_stories(StoryQuery(order, window=window, after=after, limit=4)):
        whole, after = whole + page, page[-1]
    assert whole == both.twin.find_stories(StoryQuery(order, window=window))
    assert len(whole) > 20


# Sources


def test_sources_that_look_alike_are_told_apart_and_come_sorted(both):
    both.fill(*(article(node, source=source) for node, source in enumerate(SOURCES[::-1] * 2, 1)))
    assert both.store.sources_since(0) == both.store.sources_since(len(SOURCES)) == sorted(SOURCES)
    assert both.store.sources_since(2 * len(SOURCES)) == [SOURCES[0]]
    assert both.store.sources_since(2 * len(SOURCES) + 1) == []
    assert_same(both.store, both.twin)


def test_the_latest_of_a_source_come_by_node_however_they_came_in(both):
    both.fill(*(article(node, source="é", day=-float(node)) for node in (5, 2, 9, 7, 1)), article(8, source="京"))
    assert [row.node for row in both.store.latest_of_source("é", 3)] == [5, 7, 9]
    assert [row.node for row in both.store.latest_of_source("é", 99)] == [1, 2, 5, 7, 9]
    assert [both.store.count_of_source("é", node) for node in (0, 5, 6, 10)] == [5, 3, 2, 0]
    assert both.store.latest_of_source("", 3) == []


def test_what_was_learned_of_a_source_is_kept_as_long_as_it_has_articles(both):
    ends = np.array([0, 2**63, 2**64 - 1], dtype=np.uint64)
    both.fill(article(1, source="é"), article(2, source="é"), article(3, source="京"))
    learned = {
        "é": LearnedResidue(2**53 + 1, 2**31, ends, np.array([True, False, True])),
        "京": residue_of(1),
        "": residue_of(2),
    }
    with both.store.transaction():
        both.set_learned_residue("é", residue_of(3))
        for source, learned_residue in learned.items():
            both.set_learned_residue(source, learned_residue)
    assert {source: plain(both.store.learned_residue(source)) for source in learned} == plain(learned)
    with both.store.transaction():
        both.delete([1, 3])
        both.delete_unused()
    assert plain(both.store.learned_residue("é")) == plain(learned["é"])
    for source in ("京", "", "never"):
        learned_residue = both.store.learned_residue(source)
        assert (
            learned_residue.next_node,
            learned_residue.articles,
            len(learned_residue.keys),
            len(learned_residue.anywhere),
        ) == (0, 0, 0, 0)
        assert (learned_residue.keys.dtype, learned_residue.anywhere.dtype) == (np.uint64, np.bool_)


# Stories


def test_an_alias_of_an_alias_is_the_story_that_all_are_in(both):
    both.fill(*(article(story, story=story) for story in range(1, 8)))
    with both.store.transaction():
        for story, into in ((4, 3), (3, 2), (6, 5), (5, 2), (2, 1)):
            both.merge(story, into)
    assert [both.store.resolve(story) for story in range(9)] == [None, 1, 1, 1, 1, 1, 1, 7, None]
    assert [row.node for row in both.store.of_story(1)] == [1, 2, 3, 4, 5, 6]
    assert_same(both.store, both.twin)
    with both.store.transaction():
        both.delete([1, 2, 3, 4, 5, 7])
        both.delete_empty_episodes()
    assert [both.store.resolve(story) for story in range(9)] == [None, 1, 1, 1, 1, 1, 1, None, None]
    with both.store.transaction():
        both.delete([6])
    assert both.store.resolve(4) == 1
    with both.store.transaction():
        both.delete_empty_episodes()
    assert [both.store.resolve(story) for story in range(9)] == [None] * 9
    assert both.store.counters()[1] == 8


def test_a_copy_moves_with_its_canonical_article_and_becomes_canonical_after_it(both):
    both.fill(article(1), article(2, canonical=1), article(3, canonical=1), article(4), article(5, canonical=4))
    with both.store.transaction():
        both.add_episodes([2])
        both.assign([1], 2)
    assert [row.episode for row in both.store.rows(range(6)).values()] == [2, 2, 2, 1, 1]
    with both.store.transaction():
        both.delete([1])
        assert both.store.copies([1, 4]) == [(2, 1), (3, 1), (5, 4)]
        both.replace_canonical(2, 1)
    assert [row.canonical for row in both.store.rows(range(6)).values()] == [2, 2, 4, 4]
    assert both.store.copies([1, 2]) == [(3, 2)]
    assert_same(both.store, both.twin)


# Numbers


def test_numbers_never_go_down(make_store):
    store = make_store()
    both = Both(store)
    both.fill(article(1), article(7, story=2), article(3, story=9))
    assert store.counters() == (8, 10, 0.0)
    with store.transaction():
        both.delete([1, 3, 7])
        both.delete_empty_episodes()
    for _ in range(2):
        assert store.count() == 0
        assert store.counters() == (8, 10, -np.inf)
        if make_store.backend.lasts:
            store.close()
            store = make_store()
    with store.transaction():
        store.add_episodes([10])
        store.insert([article(8, "id 7", story=10)])
    assert store.counters() == (9, 11, 0.0)
    assert store.by_id("id 7").node == 8


# All or nothing


class Stop(BaseException):
    """As a KeyboardInterrupt, which is no Exception either."""


def change_all(store):
    store.add_episodes([3, 4])
    store.insert([article(88, "88", story=3), article(89, "89", story=4)])
    store.merge(2, 1)
    store.assign([1], 3)
    store.delete([3])
    store.replace_canonical(4, 3)
    store.set_neighbours(1, EXTREME.neighbours, EXTREME.similarities)
    store.set_norms(np.array([1, 2]), np.array([7, 8], dtype=np.float32))
    store.rewrite([article(2, day=99.0, expiry_day=99.5, fields="new")[0]])
    store.set_learned_residue("", residue_of(1))
    store.set_learned_residue("é", residue_of(2))
    store.delete_unused()
    store.delete([89])
    store.delete_empty_episodes()


@pytest.mark.parametrize("error", [EOFError, Stop, KeyboardInterrupt, GeneratorExit, OSError])
def test_a_transaction_that_fails_leaves_everything_as_it_was(both, error):
    both.fill(article(1), article(2, story=2), article(3, story=2), article(4, story=2, canonical=3))

    def fail():
        with both.store.transaction():
            change_all(both.store)
            raise error("on purpose")

    for _ in range(2):
        with pytest.raises(error, match="on purpose"):
            fail()
        assert_same(both.store, both.twin)
    with both.store.transaction():
        change_all(both)
    assert_same(both.store, both.twin)
    assert both.store.counters() == (90, 5, 99.5)


@pytest.mark.parametrize("again", [article(9, "id 1"), article(1, "other")], ids=["id", "node"])
def test_what_the_store_itself_refuses_leaves_everything_as_it_was(both, again):
    both.fill(article(1), article(2))

    def fail():
        with both.store.transaction():
            both.store.insert([article(3), again])

    with pytest.raises(Exception, match=r"."):
        fail()
    assert_same(both.store, both.twin)
    both.fill(article(3))
    assert_same(both.store, both.twin)


def test_another_thread_may_use_it_after_this_one(both):
    both.fill(article(1))
    told = []

    def use():
        both.fill(article(2))
        with both.store.snapshot():
            told.append(both.store.count())

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert told == [2]
    assert_same(both.store, both.twin)


# Moments


def number_of(store):
    with store.snapshot() as number:
        return number


def test_the_number_of_a_moment_stays_as_long_as_nobody_else_writes(both):
    first = number_of(both.store)
    both.fill(article(1))
    with both.store.snapshot() as number:
        assert_same(both.store, both.twin)
        with both.store.snapshot() as inner:
            assert_same(both.store, both.twin)
    assert first == number == inner == number_of(both.store)


def test_a_snapshot_that_fails_says_why_and_is_over(both):
    def fail():
        with both.store.snapshot():
            raise ZeroDivisionError("on purpose")

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        fail()
    both.fill(article(1))
    assert_same(both.store, both.twin)


@on_those_that_last
def test_the_number_changes_with_every_transaction_of_another(make_store):
    both, reader, last = Both(make_store()), make_store(read_only=True), None
    changes = [
        lambda: both.add_episodes([1, 2]),
        lambda: both.insert([article(1), article(2, canonical=1), article(3, story=2)]),
        lambda: both.set_norms(np.array([1]), np.array([77], dtype=np.float32)),
        lambda: both.set_neighbours(1, EXTREME.neighbours, EXTREME.similarities),
        lambda: both.rewrite([both.store.rows([3])[3]._replace(expiry_day=3.0)]),
        lambda: both.set_learned_residue("a.org", residue_of(1)),
        lambda: both.delete_unused(),
        lambda: both.assign([1], 2),
        lambda: both.merge(2, 1),
        lambda: both.delete([1]),
        lambda: both.replace_canonical(2, 1),
        lambda: both.delete([2, 3]),
        lambda: both.delete_empty_episodes(),
    ]
    for change in changes:
        with both.store.transaction():
            change()
            assert last in (None, number_of(reader))
        assert number_of(reader) != last
        last = number_of(reader)
        assert_same(reader, both.twin)
        assert number_of(reader) == last


@on_those_that_last
def test_all_in_a_snapshot_is_as_it_was_when_it_began(make_store):
    both, reader = Both(make_store()), make_store(read_only=True)
    both.fill(article(1), article(2))
    before = number_of(reader)
    with reader.snapshot() as number:
        moment = copy.deepcopy(both.twin)
        both.fill(article(3, story=2))  # before anything is read inside
        assert_same(reader, moment)
        with both.store.transaction():
            both.delete([1])
        with reader.snapshot() as inner:
            assert_same(reader, moment)
        assert_same(reader, moment)
    assert before == number == inner
    assert number_of(reader) != number
    assert_same(reader, both.twin)


@on_those_that_last
def test_what_comes_some_at_a_time_is_of_one_moment_too(make_store):
    both, reader, size = Both(make_store()), make_store(read_only=True), 20_000
    both.fill(*(article(node, features=EMPTY) for node in range(1, size + 1)))
    with reader.snapshot():
        blocks, canonical = reader.node_columns(1), reader.canonical_since(1)
        first, (node, *_) = next(blocks), next(canonical)
        with both.store.transaction():
            both.store.delete(range(2, size + 1))
        assert len(first.nodes) + sum(len(columns.nodes) for columns in blocks) == size
        assert (node, *(node for node, *_ in canonical)) == tuple(range(1, size + 1))
    assert reader.count() == 1


# Closing


@on_those_that_last
def test_what_is_stored_is_there_after_closing(make_store):
    both = Both(make_store())
    both.fill(
        *(
            article(node, name, day=DAYS[node % 7], expiry_day=0.5, story=node % 2 + 1)
            for node, name in enumerate(IDS, 1)
        )
    )
    with both.store.transaction():
        change_all(both)
    both.store.close()
    assert_same(make_store(read_only=True), both.twin)
    assert_same(make_store(), both.twin)


@pytest.mark.parametrize("make_store", [name for name in LASTING if BACKENDS[name].writers == 1], indirect=True)
def test_one_may_write_at_a_time_until_it_closes(make_store):
    first, other = make_store(), make_store("other")
    for store in (first, other):
        with pytest.raises(RuntimeError, match="allowed"):
            make_store("store" if store is first else "other")
        store.close()
        store.close()  # once more does no harm
    Both(make_store()).fill(article(1))
