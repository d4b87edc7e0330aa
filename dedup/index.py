"""Stream: StoryIndex, stories for an ingest service."""

import json
import math
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, tzinfo
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dedup.article import Article, read_articles
from dedup.checks import check_count, check_number, check_settings
from dedup.near.duplicates import NearSettings
from dedup.near.jaccard import ShingleSets
from dedup.near.lsh import Bands
from dedup.representative import RULES, Candidate, Chooser, choose
from dedup.store.sqlite import Row, SqliteStore, encode_fields
from dedup.stories import Story
from dedup.story.graph import FLOOR
from dedup.story.partition import partition
from dedup.story.similarity import time_factor
from dedup.stream.memory import LiveArticles
from dedup.stream.reading import Reading, read_texts
from dedup.text.tokens import blocks

Result = TypeVar("Result")
Outcome = Literal["new_story", "report", "near_duplicate", "unchanged", "updated"]

#: With how many that share a band an article is compared, at most.
_MOST_COMPARED = 64

_BLOCK_CHARACTERS = 1 << 16

#: Before an index knows some hundred articles it cannot tell which words are common, and similarities come out too
#: high: so much higher is the threshold of an empty one, and the surplus falls to 1/e with so many articles.
_YOUNG_SURPLUS, _YOUNG_ARTICLES = 0.5, 500

#: Gains below this are rounding.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Assignment:
    """What became of an article.

    Attributes
    ----------
    article_id, story_id : str
    outcome : {"new_story", "report", "near_duplicate", "unchanged", "updated"}
        "unchanged" is the same id with the same content, "updated" the same id with another.
    near_duplicate_of : str or None
        Id of the article that it is a copy of.
    similarity : float or None
        Jaccard similarity to that one, or else mean similarity to the reports of its story; None for a new story.
    merged : tuple of str
        Stories that it brought into its own; their ids stay valid as aliases.
    """

    article_id: str
    story_id: str
    outcome: Outcome
    near_duplicate_of: str | None = None
    similarity: float | None = None
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Similar:
    """A live article and its similarity to the one asked about, in [0, 1]."""

    article_id: str
    story_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Move:
    """An article that `StoryIndex.refine` put into another story."""

    article_id: str
    before: str
    after: str


class StoryIndex:
    """Stories of articles that come one by one, in a file that survives the process.

    An article joins the story where the total of (similarity - story_threshold) gains most, if it gains at all; so does
    a late one, by its own time. What is acknowledged is stored: every `add` or `add_many` is one transaction.

    Parameters
    ----------
    path : str or Path
        SQLite file, made when it is not there; ":memory:" for none. One process at a time may have it open.
    story_threshold, near_threshold, recall, num_perm, shingle_size
        As in `StoryClusterer`. They are kept in the file, which opens with the same ones only.
    representative : {"central", "earliest", "longest"} or callable, default "central"
    timezone : str or tzinfo, optional
        As in `StoryClusterer`.

    Examples
    --------
    >>> with StoryIndex(":memory:") as index:
    ...     first = index.add({"id": "a", "text": "Kim Jong Un crossed into Russia by armoured train on Tuesday."})
    ...     again = index.add({"id": "b", "text": "The armoured train of Kim Jong Un reached Russia on Tuesday."})
    ...     index.add({"id": "c", "text": "The ECB raised its rates to 4 percent."}).outcome
    'new_story'
    >>> first.outcome, again.outcome, again.story_id == first.story_id
    ('new_story', 'report', True)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        story_threshold: float = 0.12,
        near_threshold: float = 0.7,
        recall: float = 0.95,
        num_perm: int = 128,
        shingle_size: int = 5,
        representative: str | Chooser = "central",
        timezone: str | tzinfo | None = None,
    ) -> None:
        check_number("story_threshold", story_threshold, FLOOR, 1, "[0.05, 1)", high_open=True)
        settings = NearSettings(near_threshold, recall, num_perm, shingle_size)
        check_settings(settings, None, name="near_threshold")
        if not callable(representative) and representative not in RULES:
            raise ValueError(f"representative is {representative!r}; allowed: {', '.join(map(repr, RULES))}, callable")
        self._threshold, self._settings = float(story_threshold), settings
        self._rule, self._timezone = representative, timezone
        self._bands = Bands.for_recall(settings.threshold, settings.recall, settings.num_perm)
        shares = {"story_threshold": story_threshold, "near_threshold": near_threshold, "recall": recall}
        counts = {"num_perm": num_perm, "shingle_size": shingle_size}
        parameters = {name: repr(float(value)) for name, value in shares.items()}
        parameters |= {name: repr(int(value)) for name, value in counts.items()}
        self._store = SqliteStore(path, parameters)
        self._mutex = threading.RLock()
        try:
            self._load()
        except BaseException:
            self._store.close()
            raise

    def _load(self) -> None:
        """Make what is kept in memory again, as it is stored."""
        self._live = LiveArticles()
        self._sizes: Counter[int] = Counter()  # near-duplicate groups of each story
        self._latest = -np.inf
        for row in self._store.everything():
            self._remember(row, _reading(row))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is lost without it."""
        with self._mutex:
            self._store.close()

    def __len__(self) -> int:
        with self._mutex:
            return self._store.count()

    def add(self, article: Any) -> Assignment:
        """Put an article into a story.

        Parameters
        ----------
        article : mapping, object or Article
            With an id. One with the id of a live article takes its place, unless nothing has changed.

        Returns
        -------
        Assignment

        Raises
        ------
        TypeError, ValueError
            For an article that is not as above; nothing is stored.
        """
        return self.add_many([article])[0]

    def add_many(self, articles: Any) -> list[Assignment]:
        """Put articles into stories, all or none of them, in one transaction.

        Parameters
        ----------
        articles : iterable of mapping, object or Article; or a data frame
            See `add`; in the order in which they are to come.

        Raises
        ------
        TypeError, ValueError
            Naming the position; nothing is stored.
        """
        batch = read_articles(articles, timezone=self._timezone)
        for position, (article, named) in enumerate(zip(batch.articles, batch.named, strict=True)):
            if not named:
                raise ValueError(f"article {position}: field 'id' is missing; allowed: str or int")
            if not _is_storable(article.id):
                raise ValueError(f"article {position}: field 'id' is {article.id!r}; allowed: no lone surrogates")
        with self._mutex:
            texts = [article.full_text for article in batch.articles]
            readings: list[Reading] = []
            for block in blocks(texts, _BLOCK_CHARACTERS):
                readings += read_texts(texts[block], self._bands, self._settings.shingle_size)
            return self._all_or_none(lambda: list(map(self._add, batch.articles, readings)))

    def remove(self, article_id: str) -> bool:
        """Forget an article; its story falls apart where it was the bridge. False when there is none of that id."""
        with self._mutex:
            row = self._known(article_id)
            if row is not None:
                self._all_or_none(lambda: self._remove(row))
            return row is not None

    def expire(self, before: datetime) -> int:
        """Forget the articles published before; of undated ones, those that came when no later article was known.

        Returns
        -------
        int
            How many.
        """
        day = _day(before, "before")
        with self._mutex:
            rows = self._store.before(day)
            self._all_or_none(lambda: self._expire(rows))
            self._live.compact()
            return len(rows)

    def refine(self, since: datetime) -> list[Move]:
        """Look again at the stories with an article since then, as the batch would, and say what moved.

        A story's id stays with the part that has most of its reports.
        """
        day = _day(since, "since")
        with self._mutex:
            moves: list[Move] = []
            self._all_or_none(lambda: moves.extend(self._refine(day)))
            return moves

    def story_id(self, article_id: str) -> str:
        """Story of an article.

        Raises
        ------
        KeyError
            When there is none of that id.
        """
        with self._mutex:
            row = self._known(article_id)
            if row is None:
                raise KeyError(f"no article has the id {article_id!r}")
            return _name(row.story)

    def story(self, story_id: str) -> Story:
        """A story by its id or an alias of it.

        Raises
        ------
        KeyError
            When there is none of that id, or not any more.
        """
        with self._mutex:
            number = self._store.resolve(_number(story_id))
            rows = [] if number is None else self._store.of_story(number)
            if number is None or not rows:
                raise KeyError(f"no story has the id {story_id!r}")
            return self._story(number, rows)

    def stories(self, *, since: datetime | None = None, min_size: int = 1) -> list[Story]:
        """Stories with an article since then and at least so many articles, the latest first."""
        check_count("min_size", min_size)
        day = None if since is None else _day(since, "since")
        with self._mutex:
            numbers = self._store.story_ids(day, min_size)
            return [self._story(number, self._store.of_story(number)) for number in numbers]

    def similar(self, article: Any, k: int = 10) -> list[Similar]:
        """The live reports most similar to an article, which need not be in the index, most similar first."""
        check_count("k", k)
        given = read_articles([article], timezone=self._timezone).articles[0]
        with self._mutex:
            reading = self._read(given)
            found = sorted(self._edges(reading, given.day).items(), key=lambda edge: (-edge[1], edge[0]))[:k]
            rows = [(self._store.by_node(node), similarity) for node, similarity in found]
            return [Similar(row.id, _name(row.story), similarity) for row, similarity in rows]

    # Inside: a transaction is open, and everything has been checked.

    def _all_or_none(self, work: Callable[[], Result]) -> Result:
        """Run in one transaction; when it fails, memory is made again from what is stored."""
        try:
            with self._store.transaction():
                return work()
        except BaseException:
            self._load()
            raise

    def _known(self, article_id: str) -> Row | None:
        return self._store.by_id(article_id) if isinstance(article_id, str) and _is_storable(article_id) else None

    def _read(self, article: Article) -> Reading:
        return read_texts([article.full_text], self._bands, self._settings.shingle_size)[0]

    def _add(self, article: Article, reading: Reading) -> Assignment:
        stored = {field.name: getattr(article, field.name) for field in fields(Article)}
        encoded = encode_fields(stored | {"published": article.published and article.published.isoformat()})
        digest = blake2b(encoded.encode(), digest_size=16).digest()
        known = self._store.by_id(article.id)
        if known is not None:
            if known.digest == digest:
                return Assignment(article.id, _name(known.story), "unchanged")
            self._remove(known)
        day = None if np.isnan(article.day) else article.day
        kept_by_day = day if day is not None else (self._latest if np.isfinite(self._latest) else 0.0)
        row = Row(0, article.id, digest, day, kept_by_day, 0, 0, encoded, reading.bands, reading.keys, reading.counts)
        assignment = self._add_copy(row, reading) or self._add_report(row, reading)
        if known is None:
            return assignment
        return Assignment(article.id, assignment.story_id, "updated", *_rest(assignment))

    def _add_copy(self, row: Row, reading: Reading) -> Assignment | None:
        """Put an article beside the one it is a copy of, if there is one."""
        original, jaccard = self._original(reading)
        if original is None:
            return None
        row = row._replace(story=original.story, speaker=original.speaker)
        self._remember(row._replace(node=self._store.insert(row)), reading)
        return Assignment(row.id, _name(row.story), "near_duplicate", original.id, jaccard)

    def _original(self, reading: Reading) -> tuple[Row | None, float]:
        """The live article most similar in its shingles, if it reaches the threshold; the earlier one of equals."""
        best: tuple[float, Row | None] = 0.0, None
        for node in self._live.sharing_a_band(reading)[:_MOST_COMPARED].tolist():
            row = self._store.by_node(node)
            other = self._read(_article(row))
            shingles = np.concatenate([reading.shingles, other.shingles])
            offsets = np.array([0, len(reading.shingles), len(shingles)])
            jaccard = float(ShingleSets(shingles, offsets, 1).overlaps(np.array([[0, 1]]))[0][0])
            if jaccard >= self._settings.threshold and jaccard > best[0]:
                best = jaccard, row
                if jaccard == 1:
                    break
        return best[1], best[0]

    def _add_report(self, row: Row, reading: Reading) -> Assignment:
        """Put an article that is no copy into the story where it gains most, or into a new one."""
        edges = self._edges(reading, np.nan if row.day is None else row.day)
        pulls: dict[int, float] = defaultdict(float)
        for node, similarity in edges.items():
            pulls[int(self._live.stories[node])] += similarity
        threshold = self._threshold_now()
        gains = {story: pull - threshold * self._sizes[story] for story, pull in pulls.items()}
        story = min(gains, key=lambda s: (-round(gains[s], 9), s), default=0)
        joins = bool(gains) and gains[story] > 0
        if not joins:
            story = self._store.new_story()
        node = self._store.insert(row._replace(story=story))
        self._store.speak_for(node, 0)
        self._remember(row._replace(node=node, story=story, speaker=node), reading)
        self._store.connect(node, edges.items())
        if not joins:
            return Assignment(row.id, _name(story), "new_story")
        similarity = pulls[story] / (self._sizes[story] - 1)
        merged, story = self._merge(story)
        return Assignment(row.id, _name(story), "report", None, similarity, tuple(map(_name, merged)))

    def _threshold_now(self) -> float:
        return self._threshold * (1 + _YOUNG_SURPLUS * math.exp(-self._live.count / _YOUNG_ARTICLES))

    def _merge(self, story: int) -> tuple[list[int], int]:
        """Merge stories with one that has grown, as long as that gains; the oldest id stays."""
        merged: list[int] = []
        threshold = self._threshold_now()
        while True:
            between: dict[int, float] = defaultdict(float)
            for node in self._speakers(story).tolist():
                for other, similarity in self._store.edges(node).items():
                    between[int(self._live.stories[other])] += similarity
            between.pop(story, None)
            gains = {o: pull - threshold * self._sizes[story] * self._sizes[o] for o, pull in between.items()}
            best = min(gains, key=lambda o: (-round(gains[o], 9), o), default=0)
            if not gains or gains[best] <= _TOLERANCE:
                return sorted(merged), story
            kept, gone = min(story, best), max(story, best)
            self._store.merge(gone, kept)
            self._live.stories[self._live.stories == gone] = kept
            self._sizes[kept] += self._sizes.pop(gone)
            merged.append(gone)
            story = kept

    def _edges(self, reading: Reading, day: float) -> dict[int, float]:
        """Similarities to live reports, from `FLOOR` on."""
        nodes = self._live.candidates(reading, day)
        cosines = self._live.cosines(reading, self._store.features(nodes.tolist()))
        similarity = cosines * time_factor(np.full(len(nodes), day), self._live.days[nodes])
        kept = similarity >= FLOOR
        return dict(zip(nodes[kept].tolist(), similarity[kept].tolist(), strict=True))

    def _remember(self, row: Row, reading: Reading) -> None:
        speaks = row.speaker == row.node
        self._live.add(row.node, np.nan if row.day is None else row.day, row.story, reading, speaker=speaks)
        self._sizes[row.story] += speaks
        self._latest = max(self._latest, row.kept_by_day)

    def _remove(self, row: Row) -> None:
        copies = [copy for copy in self._store.of_speaker(row.node) if copy.node != row.node]
        edges = self._store.edges(row.node)
        self._forget(row)
        if row.speaker != row.node:
            return
        self._live.silence(row.keys)
        if copies:  # the earliest of its copies speaks now, and has its similarities
            heir = copies[0]
            self._store.speak_for(heir.node, row.node)
            self._store.connect(heir.node, edges.items())
            self._live.speak(heir.node, heir.keys)
            return
        self._sizes[row.story] -= 1
        self._split(row.story)

    def _expire(self, rows: list[Row]) -> None:
        gone = {row.node for row in rows}
        copies, last, passed_on = [], [], []
        for row in rows:
            if row.speaker != row.node:
                copies.append(row)
            elif all(copy.node in gone for copy in self._store.of_speaker(row.node)):
                last.append(row)
            else:
                passed_on.append(row)
        for row in [*copies, *last]:
            self._forget(row)
        for row in last:
            self._live.silence(row.keys)
            self._sizes[row.story] -= 1
        for row in passed_on:
            self._remove(row)
        for story in sorted({row.story for row in last}):
            self._split(story)

    def _forget(self, row: Row) -> None:
        self._store.delete([row.node])
        self._live.forget(np.array([row.node]))

    def _split(self, story: int) -> None:
        """Take a story apart where it does not hold together any more; its id stays with the largest part."""
        speakers = self._speakers(story)
        if len(speakers) < 2:
            return
        labels = partition(self._graph(speakers), self._threshold)
        parts = [speakers[labels == label] for label in range(int(labels.max()) + 1)]
        for part in sorted(parts, key=lambda part: (-len(part), int(part[0])))[1:]:
            self._place(part, self._store.new_story())

    def _refine(self, day: float) -> Iterable[Move]:
        numbers = self._store.story_ids(day, 1)
        if not numbers:
            return []
        speakers = np.concatenate([self._speakers(number) for number in numbers])
        speakers.sort()
        before = {node: int(self._live.stories[node]) for node in speakers.tolist()}
        labels = partition(self._graph(speakers), self._threshold)
        parts = [speakers[labels == label].tolist() for label in range(int(labels.max()) + 1)]
        overlaps = [
            (-count, story, part)
            for part, nodes in enumerate(parts)
            for story, count in Counter(before[node] for node in nodes).items()
        ]
        owners: dict[int, int] = {}
        for _, story, part in sorted(overlaps):
            if part not in owners and story not in owners.values():
                owners[part] = story
        moves = []
        for part, nodes in enumerate(parts):
            story = owners.get(part) or self._store.new_story()
            movers = [node for node in nodes if before[node] != story]
            rows = (row for node in movers for row in self._store.of_speaker(node))
            moves += [Move(row.id, _name(row.story), _name(story)) for row in rows]
            self._place(np.array(movers, dtype=np.int64), story)
        # A story that lost all of its reports lives on as an alias of where most of them went.
        for story in sorted(set(before.values()) - set(owners.values())):
            _, _, part = min(overlap for overlap in overlaps if overlap[1] == story)
            self._store.merge(story, int(self._live.stories[parts[part][0]]))
        return moves

    def _place(self, speakers: NDArray[np.int64], story: int) -> None:
        for node in speakers.tolist():
            for row in self._store.of_speaker(node):
                self._live.stories[row.node] = story
            self._sizes[int(self._store.by_node(node).story)] -= 1
            self._sizes[story] += 1
            self._store.place([node], story)

    def _speakers(self, story: int) -> NDArray[np.int64]:
        return np.array(self._store.speakers(story), dtype=np.int64)

    def _graph(self, nodes: NDArray[np.int64]) -> csr_array:
        """Similarities among some nodes, which are ascending."""
        place = {node: i for i, node in enumerate(nodes.tolist())}
        edges = [
            (i, place[o], s) for node, i in place.items() for o, s in self._store.edges(node).items() if o in place
        ]
        left, right, similarity = zip(*edges, strict=True) if edges else ((), (), ())
        return csr_array(
            (np.array(similarity), (np.array(left, int), np.array(right, int))), shape=(len(nodes), len(nodes))
        )

    def _story(self, number: int, rows: list[Row]) -> Story:
        articles = {row.node: _article(row) for row in rows}
        ordered = sorted(rows, key=lambda row: (row.day is None, row.day or 0.0, row.id))
        speakers = {row.speaker for row in rows}
        membership = {}
        for node in speakers:
            pull = sum(s for other, s in self._store.edges(node).items() if other in speakers)
            membership[node] = pull / (len(speakers) - 1) if len(speakers) > 1 else 1.0
        copies = Counter(row.speaker for row in rows)
        seen: set[int] = set()
        candidates = []
        for row in ordered:
            first = row.speaker not in seen
            seen.add(row.speaker)
            words = int(row.counts.size and len(self._read(articles[row.node]).shingles))
            candidates.append(Candidate(articles[row.node], words, membership[row.speaker], copies[row.speaker], first))
        choice = choose(self._rule, candidates)
        groups = [[articles[row.node] for row in ordered if row.speaker == node] for node in sorted(speakers)]
        return Story(
            id=_name(number),
            representative=articles[ordered[choice.place].node],
            reason=choice.reason,
            articles=tuple(articles[row.node] for row in ordered),
            near_duplicates=tuple(tuple(group) for group in groups if len(group) > 1),
            membership=tuple(membership[row.speaker] for row in ordered),
            cohesion=float(np.mean(list(membership.values()))),
            _vocabulary=self._live,
        )


def _rest(assignment: Assignment) -> tuple[str | None, float | None, tuple[str, ...]]:
    return assignment.near_duplicate_of, assignment.similarity, assignment.merged


def _article(row: Row) -> Article:
    stored = json.loads(row.fields)
    published = stored["published"]
    return Article(**stored | {"published": published and datetime.fromisoformat(published)})


def _reading(row: Row) -> Reading:
    return Reading(np.empty(0, dtype=np.uint64), row.bands, row.keys, row.counts)


def _name(story: int) -> str:
    return f"s{story}"


def _number(story_id: str) -> int:
    match = re.fullmatch("s([1-9][0-9]{0,17})", story_id) if isinstance(story_id, str) else None
    if match is None:
        raise KeyError(f"no story has the id {story_id!r}")
    return int(match[1])


def _is_storable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _day(moment: datetime, name: str) -> float:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment!r}; allowed: an aware datetime")
    return moment.timestamp() / 86_400
