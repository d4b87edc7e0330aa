"""Count look-alikes that share a story, and reports of one story that are in several.

python -m benchmarks.story.look_alikes [--threshold T]

Each language of the sample articles is clustered alone. For each kind of look-alike, of the stories named below:

belong     pairs of articles of one story, copies among them, that are together or not
alike      pairs of articles of two stories easily confused that are together, which is wrong, or not
whole      stories of several articles that are in one piece
joined     follow-ups at most three days after the report before them that are together with an earlier report

The results also have the stories that were mixed and those that came apart.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import dedup
from benchmarks import harness
from dedup.samples import LANGUAGES

FOLLOWS = 3.0  # days
COUNTS = ("belong_together", "belong_apart", "alike_together", "alike_apart")
ALL, RUNNING = "all, each story once", "running stories"

#: Groups of events that are easily confused with each other, by kind.
LOOK_ALIKES = """
same people, other time: kim-putin-vladivostok-2019 shoigu-pyongyang-2023 kim-russia-2023 putin-pyongyang-2024
same people, other time: macron-zelensky-fevrier-2024 macron-zelensky-juin-2024
same place and week: eastern-economic-forum-2023 kim-russia-2023
earthquakes: turkey-syria-earthquake-2023 morocco-earthquake-2023 herat-earthquake-2023 taiwan-earthquake-2024 \
new-jersey-earthquake-2024
matches of one team: rwc-france-newzealand-2023 rwc-france-namibia-2023
matches of one team: thornley-easterby-2024 thornley-queensmoor-cup-2024
matches of one team: penaflor-albarin-2024 penaflor-castrojal-copa-2024
twin events: iphone-15-launch mac-m3-launch-2023
twin events: voltaria-cierzo-2024 voltaria-moncayo-2024
twin events: port-ellery-dock-street-robbery-2024 port-ellery-northfield-robbery-2024
twin events: proces-notaire-montreval-2024 proces-maire-saint-aubry-2024
twin events: us-open-gauff us-open-djokovic
twin events: luna-25-crash chandrayaan-3-landing
twin events: nobel-medicine-2023 nobel-peace-2023
"""
FOLLOWED_UP = ("mount-orrin-hiker-2023", "greve-tramelys-2023", "kim-russia-2023", "derna-flood", "uaw-strike")

Labelled = tuple[dedup.SampleArticle, int]


@dataclass
class Confusion:
    """Counts for one kind; `mixed` has pairs by the names of two stories, `split` the sizes of the parts of a story."""

    pairs: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(COUNTS, 0)))
    stories: int = 0
    whole: int = 0
    follow_ups: int = 0
    joined: int = 0
    mixed: dict[str, int] = field(default_factory=dict)
    split: dict[str, list[int]] = field(default_factory=dict)


def kinds() -> dict[str, tuple[list[list[str]], set[str]]]:
    """Groups of look-alikes, and all events, of each kind and of all kinds together."""
    groups: dict[str, list[list[str]]] = {}
    for line in LOOK_ALIKES.strip().splitlines():
        name, events = line.split(": ")
        groups.setdefault(name, []).append(events.split())
    found = {name: (own, {event for group in own for event in group}) for name, own in groups.items()}
    found[RUNNING] = [], set(FOLLOWED_UP)
    found[ALL] = [group for own in groups.values() for group in own], set().union(*(own for _, own in found.values()))
    return found


def by_story(language: str, threshold: float | None) -> dict[str, list[Labelled]]:
    """Articles of a language with their labels, by the editor's story, in order of publication."""
    articles = dedup.sample_articles(language)
    settings = {} if threshold is None else {"story_threshold": threshold}
    members: dict[str, list[Labelled]] = defaultdict(list)
    for article, label in zip(articles, dedup.cluster(articles, **settings).labels.tolist(), strict=True):
        members[article.story].append((article, label))
    return members


def together(pairs: Iterable[tuple[Labelled, Labelled]]) -> tuple[int, int]:
    """Numbers of pairs with the same label and with different labels."""
    same = [a == b for (_, a), (_, b) in pairs]
    return sum(same), len(same) - sum(same)


def follow_ups(members: Sequence[Labelled]) -> Iterator[bool]:
    """For each report soon after the one before it, whether it is together with an earlier one."""
    for k, ((before, _), (after, label)) in enumerate(pairwise(members), 1):
        if after.day - before.day <= FOLLOWS:
            yield label in {earlier for _, earlier in members[:k]}


def add_story(found: Confusion, name: str, members: Sequence[Labelled]) -> None:
    same, parted = together(combinations(members, 2))
    found.pairs.update(belong_together=same, belong_apart=parted)
    found.stories += len(members) > 1
    found.whole += len(members) > 1 and not parted
    joins = list(follow_ups(members))
    found.follow_ups += len(joins)
    found.joined += sum(joins)
    if parted:
        found.split[name] = sorted(Counter(label for _, label in members).values(), reverse=True)


def add_alike(found: Confusion, names: tuple[str, str], one: Sequence[Labelled], other: Sequence[Labelled]) -> None:
    same, parted = together((a, b) for a in one for b in other)
    found.pairs.update(alike_together=same, alike_apart=parted)
    if same:
        found.mixed[" + ".join(names)] = same


def confusion(groups: list[list[str]], events: set[str], members: dict[str, dict[str, list[Labelled]]]) -> Confusion:
    """The counts of a kind over all languages."""
    found = Confusion()
    for language, stories in members.items():
        for name in sorted(f"{event}/{language}" for event in events):
            if name in stories:
                add_story(found, name, stories[name])
        for group in groups:
            for names in combinations([f"{event}/{language}" for event in group], 2):
                if stories.keys() >= set(names):
                    add_alike(found, names, stories[names[0]], stories[names[1]])
    return found


def row(found: Confusion) -> dict[str, Any]:
    counts = dict(vars(found))
    return {**counts.pop("pairs"), **counts}


def show(rows: dict[str, dict[str, Any]]) -> None:
    shares = {"belong": ("belong_together", "belong_apart"), "alike": ("alike_together", "alike_apart")}
    table = []
    for name, counts in rows.items():
        pairs = {head: f"{counts[a]} of {counts[a] + counts[b]}" for head, (a, b) in shares.items()}
        whole, joined = f"{counts['whole']} of {counts['stories']}", f"{counts['joined']} of {counts['follow_ups']}"
        table.append({"kind": name} | pairs | {"whole": whole, "joined": joined})
    harness.show("Pairs together, stories in one piece, follow-ups joined", table)
    for names, pairs in rows[ALL]["mixed"].items():
        print(f"mixed  {names}: {pairs} pairs")
    for story, sizes in rows[ALL]["split"].items():
        print(f"split  {story}: {' + '.join(map(str, sizes))}")


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--threshold", type=float, help="story_threshold of dedup.cluster; its default if not given")
    given = parser.parse_args()
    results = harness.circumstances(given.date, ["numpy", "scipy"])
    members = {language: by_story(language, given.threshold) for language in LANGUAGES}
    rows = {name: row(confusion(groups, events, members)) for name, (groups, events) in kinds().items()}
    show(rows)
    articles = sum(len(found) for part in members.values() for found in part.values())
    harness.write_results(given.results, "look_alikes", results | {"articles": articles, "kinds": rows})


if __name__ == "__main__":
    main()
