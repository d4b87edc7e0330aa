"""What happens to stories when articles go, or are looked at again."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from dedup.store.records import Traits
from dedup.story.partition import partition
from dedup.stream.arrival import find_neighbours
from dedup.stream.ledger import Ledger
from dedup.stream.memory import LEADING_FEATURES
from dedup.stream.reading import Readings
from dedup.stream.records import Move, story_name


def remove(ledger: Ledger, node: int) -> None:
    """Forget an article; a copy speaks for the others from then on, and a story may split."""
    _forget_all(ledger, [node])


def expire(ledger: Ledger, day: float) -> int:
    """Forget the articles kept by an earlier day, and tell how many."""
    nodes = ledger.store.before(day)
    _forget_all(ledger, nodes)
    ledger.store.delete_dead_stories()
    ledger.sites.forget()
    ledger.live.compact()
    return len(nodes)


def _forget_all(ledger: Ledger, nodes: list[int]) -> None:
    """Forget articles; where one spoke for others, the earliest of those speaks from then on."""
    gone = np.array(nodes, dtype=np.int64)
    table = ledger.live.nodes
    speakers = gone[table.speak(gone)]
    stories = dict(zip(speakers.tolist(), table.stories(speakers).tolist(), strict=True))
    ledger.store.delete(nodes)
    for node in speakers.tolist():
        ledger.live.window.remove(node)
    table.forget(gone)
    heirs = ledger.store.heirs(speakers.tolist())
    for former, heir in sorted(heirs.items()):
        _succeed(ledger, heir, former)
    for former, story in stories.items():
        if former not in heirs:
            ledger.resize(story, -1)
    ledger.split(set(stories.values()))


def _succeed(ledger: Ledger, heir: int, former: int) -> None:
    """Let a copy speak for those that another one spoke for."""
    live, node = ledger.live, np.array([heir])
    traits = ledger.store.traits([heir])[heir]
    days = live.nodes.days(node)
    weighed = live.weigh(_reading(traits), np.zeros(1, dtype=np.bool_))
    ((neighbours, similarities),) = find_neighbours(ledger, weighed, days, np.array([ledger.next_node]))
    ledger.store.set_neighbours(heir, neighbours.astype(np.int32), similarities)
    ledger.store.speak_for(heir, former)
    live.nodes.raise_speaker(heir)
    live.lead(node, days, [traits.features[:LEADING_FEATURES]])
    live.window.add(heir, traits.features, traits.counts)


def _reading(traits: Traits) -> Readings:
    """As much of an article's reading as its features say."""
    order = np.argsort(traits.features, kind="stable")
    nothing = np.empty(0, dtype=np.uint64), np.zeros(2, dtype=np.int64), np.empty((1, 0), dtype=np.uint64)
    return Readings(*nothing, traits.features[order], traits.counts[order], np.array([0, len(order)]))


def refine(ledger: Ledger, day: float) -> list[Move]:
    """Partition the stories with an article since that day again, as a batch would."""
    numbers = ledger.store.story_ids(day, 1)
    if not numbers:
        return []
    speakers = ledger.live.nodes.of_stories(numbers)
    before = dict(zip(speakers.tolist(), ledger.live.nodes.stories(speakers).tolist(), strict=True))
    labels = partition(ledger.graph(speakers), ledger.settings.story_threshold)
    parts = [speakers[labels == label] for label in range(int(labels.max()) + 1)]
    overlaps = sorted(
        (-count, story, part)
        for part, nodes in enumerate(parts)
        for story, count in Counter(before[node] for node in nodes.tolist()).items()
    )
    owners: dict[int, int] = {}
    for _, story, part in overlaps:
        if part not in owners and story not in owners.values():
            owners[part] = story
    moves = []
    for part, nodes in enumerate(parts):
        story = owners.get(part) or ledger.new_story()
        moves += _move(ledger, np.array([node for node in nodes.tolist() if before[node] != story]), story)
    # A story that lost all of its reports lives on as an alias of where most of them went.
    for story in sorted(set(before.values()) - set(owners.values())):
        part = next(part for _, other, part in overlaps if other == story)
        ledger.merge(story, int(ledger.live.nodes.stories(parts[part][:1])[0]))
    return moves


def _move(ledger: Ledger, speakers: NDArray[np.int64], story: int) -> list[Move]:
    if not len(speakers):
        return []
    rows = ledger.store.rows(ledger.store.of_speakers(speakers.tolist()))
    ledger.place(speakers, story)
    return [Move(rows[node].id, story_name(rows[node].story), story_name(story)) for node in sorted(rows)]
